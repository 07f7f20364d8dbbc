//! `report.html` of a conformance run: what failed with its arguments, every property, every case.
//!
//! It is made of the parts of a run's page. Which cases are argued, and in which order, is that of the
//! other formats.

use crate::history::ClientId;
use crate::metric::quantity;
use crate::outcome::Conformance;
use crate::outcome::conformance::{Also, Case, End};
use crate::report::conformance::words::{self, Result, demand, is_argued, state, verdict};
use crate::report::html::about::{code, documents};
use crate::report::html::argument::{Room, again, argument, cut};
use crate::report::html::document::{Document, Section, tone};
use crate::report::html::markup::{Markup, classed, element, facts, text, worded};
use crate::report::html::table::{Column, table};
use crate::report::words::{Tone, Word};
use crate::verdict::Standing;

/// Cases that are told with what became of them; the list has all.
const TOLD: usize = 200;
/// Violations of one case that are argued.
const ARGUED: usize = 3;
/// Lines of a case's packets that are shown.
const TRACED: usize = 200;
/// Doubts of one case that are told.
const DOUBTS: usize = 4;

/// The run as a page.
#[must_use]
pub fn render(run: &Conformance) -> String {
    let (tone, word, sentence) = verdict(run);
    let sign = match tone {
        Tone::Good => "✓",
        Tone::Bad => "✗",
        Tone::Doubt | Tone::Quiet => "?",
    };
    let section = |id, title, inside| Section { id, title, inside };
    let sections = [
        section("failures", "What failed", failures(run)),
        section("undecided", "Undecided", undecided(run)),
        section("properties", "Properties", properties(run)),
        section("cases", "All cases", cases(run)),
        section("run", "Run", about(run)),
    ];
    Document {
        title: format!("{word}: conformance of {}", run.spec),
        about: format!("Conformance of {} over {}", run.spec, run.transport),
        word: Word { sign, word, tone },
        sentence,
        facts: head(run),
        notes: run.notes.clone(),
        sections: sections.into_iter().filter(|section| !section.inside.is_empty()).collect(),
        data: None,
    }
    .render()
}

fn head(run: &Conformance) -> Markup {
    let bugs = match run.bugs.as_slice() {
        [] => String::new(),
        bugs => format!(", with bugs {}", bugs.join(", ")),
    };
    let quick = if run.quick { "quick cases only" } else { "" };
    let strict = if run.strict { "a failing `should` counts, too" } else { "" };
    let time = format!("{}, from {}", quantity::duration(run.nanos), run.started);
    facts(
        "facts",
        &[
            ("server", text(&format!("{}{bugs}", run.target))),
            ("time", text(&time)),
            ("quick", text(quick)),
            ("strict", text(strict)),
        ],
    )
}

/// A case that is told with its argument, or with what broke it; the others out of order are undecided.
fn is_told(case: &Case) -> bool {
    case.fails() || case.passes_unexpectedly() || matches!(case.end, End::Broken(_))
}

/// What failed or was found, worst first, and what was broken elsewhere.
fn failures(run: &Conformance) -> Markup {
    let mut room = Room::whole();
    let mut parts: Vec<Markup> =
        run.broken_elsewhere().filter_map(|found| elsewhere(found, &mut room)).collect();
    let shown: Vec<&Case> =
        words::out_of_order(run).into_iter().filter(|case| is_told(case)).collect();
    parts.extend(shown.iter().take(TOLD).map(|case| block(case, run, &mut room)));
    if shown.len() > TOLD {
        let more =
            format!("And {} more, in the list below and in report.json.", shown.len() - TOLD);
        parts.push(worded("p", "more", &more));
    }
    parts.into_iter().collect()
}

fn elsewhere((case, also): (&Case, &Also), room: &mut Room) -> Option<Markup> {
    let name = |client| name(case, client);
    let argued = argument(None, &also.violation, also.count, &name, room)?;
    let id = format!("elsewhere-{}-{}", also.property, case.name.replace('/', "-"));
    let title = heading(&id, Tone::Bad, "✗", &also.property, &format!("broken in {}", case.name));
    let attributes = [("class", "failure"), ("aria-labelledby", id.as_str())];
    Some(element("article", &attributes, [title, argued, again(&case.again)]))
}

/// One case: what it asks for, what became of it, and why.
fn block(case: &Case, run: &Conformance, room: &mut Room) -> Markup {
    let (tone, sign, word) = state(case, run);
    let id = anchor(case);
    let mut parts = vec![
        heading(&id, tone, sign, &case.name, &word),
        classed(
            "p",
            "says",
            [worded("span", "quiet", demand(case.severity)), text(": "), cut(&case.says)],
        ),
    ];
    match &case.end {
        End::Broken(why) => parts.push(facts("facts grounds", &[("because", cut(why))])),
        End::Judged(Standing::Fail) if !is_argued(case, run) => {
            let but = case.finding.violations.first();
            let but = but.map(|violation| cut(&violation.therefore)).unwrap_or_default();
            let grounds = [("but", but), ("source", cut(&case.source))];
            parts.push(facts("facts grounds", &grounds));
        }
        End::Judged(Standing::Fail) => parts.extend(arguments(case, room)),
        _ => {}
    }
    parts.push(packets(case));
    parts.push(again(&case.again));
    let class = match tone {
        Tone::Bad => "failure",
        Tone::Doubt => "failure found",
        Tone::Good | Tone::Quiet => "failure quietly",
    };
    element("article", &[("class", class), ("aria-labelledby", &id)], parts)
}

fn arguments(case: &Case, room: &mut Room) -> Vec<Markup> {
    let kinds: Vec<_> = case.finding.specimens().take(ARGUED).collect();
    let is_one = kinds.len() == 1;
    let name = |client| name(case, client);
    let argued = kinds.iter().enumerate().map(|(index, (violation, count))| {
        let number = (!is_one).then_some(index + 1);
        argument(number, violation, *count, &name, room)
            .unwrap_or_else(|| worded("p", "more", "The argument stands in report.json."))
    });
    let mut parts: Vec<Markup> = argued.collect();
    let promise = if case.promised { "promise" } else { "rule" };
    let grounds = [(promise, cut(&case.promise)), ("source", cut(&case.source))];
    parts.push(facts("facts grounds", &grounds));
    parts
}

/// The packets of a failing case, if they were kept.
fn packets(case: &Case) -> Markup {
    if case.trace.is_empty() || !case.fails() {
        return Markup::default();
    }
    let lines = case.trace.iter().take(TRACED).flat_map(|line| [cut(line), Markup::own("\n")]);
    let title = element("summary", &[], [text("Packets")]);
    classed("details", "source", [title, code("Packets", lines)])
}

/// What was played and is not known, and why.
fn undecided(run: &Conformance) -> Markup {
    let cases = words::out_of_order(run).into_iter().filter(|case| !is_told(case));
    let line = |case: &Case| {
        let (tone, sign, word) = state(case, run);
        let why: Vec<&str> = match &case.end {
            End::NotReached(why) => vec![why],
            _ => case.finding.doubts.iter().take(DOUBTS).map(String::as_str).collect(),
        };
        let why = [&[word.as_str()], why.as_slice()].concat().join("; ");
        let name = worded("span", "mono", &case.name);
        let end = classed("span", "end", [text("— "), cut(&why)]);
        let parts = [mark(tone, sign), text(" "), name, text(" "), cut(&case.says), text(" "), end];
        element("li", &[], parts)
    };
    let lines: Vec<Markup> = cases.map(line).collect();
    match lines.is_empty() {
        true => Markup::default(),
        false => classed("ul", "cases", lines),
    }
}

fn properties(run: &Conformance) -> Markup {
    let columns = [
        Column::sign(),
        Column::head("property"),
        Column::words("verdict"),
        Column::figures("passed"),
        Column::figures("failed"),
        Column::figures("other"),
        Column::words("share"),
        Column::remark(""),
    ];
    let rows = words::results(run).map(|result| {
        let other = result.cases.len() - result.passed - result.failed;
        vec![
            mark(result.tone, result.sign),
            text(&result.property.property),
            worded("span", tone(result.tone), result.word),
            text(&result.passed.to_string()),
            text(&result.failed.to_string()),
            text(&other.to_string()),
            bar(&result),
            cut(&result.remarks.join(", ")),
        ]
    });
    table("All properties", &columns, rows)
}

/// How the cases of a property fared, as one bar; the figures stand beside it.
fn bar(result: &Result<'_>) -> Markup {
    let share = |number: usize| number as f64 * 100.0 / result.cases.len().max(1) as f64;
    let (passed, failed) = (share(result.passed), share(result.failed));
    let part = |class, from: f64, width: f64| {
        let (from, width) = (format!("{from:.1}"), format!("{width:.1}"));
        let attributes =
            [("class", class), ("x", &*from), ("y", "0"), ("width", &*width), ("height", "10")];
        element("rect", &attributes, [])
    };
    element(
        "svg",
        &[
            ("class", "bar"),
            ("viewBox", "0 0 100 10"),
            ("preserveAspectRatio", "none"),
            ("aria-hidden", "true"),
        ],
        [
            part("good", 0.0, passed),
            part("bad", passed, failed),
            part("other", passed + failed, 100.0 - passed - failed),
        ],
    )
}

/// Every case by its property, to be opened.
fn cases(run: &Conformance) -> Markup {
    let told = words::out_of_order(run);
    let told = told.into_iter().filter(|case| is_told(case)).take(TOLD);
    let told: Vec<&str> = told.map(|case| case.name.as_str()).collect();
    let line = |case: &&Case| {
        let (tone, sign, word) = state(case, run);
        let sign = mark(tone, sign);
        let name = worded("span", "mono", &case.name);
        let name = match told.contains(&case.name.as_str()) {
            true => element("a", &[("href", &format!("#{}", anchor(case)))], [name]),
            false => name,
        };
        let why = match &case.end {
            End::NotSupported(why) => format!("{word}: {why}"),
            _ => word,
        };
        let end = worded("span", "end", &format!("— {why}"));
        element("li", &[], [sign, text(" "), name, text(" "), cut(&case.says), text(" "), end])
    };
    words::results(run)
        .map(|result| {
            let number = quantity::counted(result.cases.len() as u64, "case");
            let title = format!("{} {number}", result.property.property);
            let summary =
                element("summary", &[], [mark(result.tone, result.sign), text(" "), text(&title)]);
            let list = classed("ul", "cases", result.cases.iter().map(line));
            classed("details", "property", [summary, list])
        })
        .collect()
}

fn about(run: &Conformance) -> Markup {
    let document = run.document.as_deref().unwrap_or_default();
    let list = facts(
        "facts",
        &[
            ("spec", text(&run.spec)),
            ("document", text(document)),
            ("server", text(&run.target)),
            ("transport", text(&run.transport)),
            ("bugs", text(&run.bugs.join(", "))),
            ("started", text(&run.started)),
            ("version", text(&format!("assize {}", run.version))),
            ("machine", text(&run.machine)),
        ],
    );
    [list, again(&run.command), documents(&run.sources)].into_iter().collect()
}

/// What a client is called in its script.
fn name(case: &Case, client: ClientId) -> String {
    let known = case.names.iter().find(|(id, _)| *id == client);
    known.map_or_else(|| format!("client {}", client.0), |(_, name)| name.clone())
}

fn anchor(case: &Case) -> String {
    format!("case-{}", case.name.replace('/', "-"))
}

fn heading(id: &str, tone: Tone, sign: &str, title: &str, remark: &str) -> Markup {
    let parts =
        [mark(tone, sign), text(" "), text(title), text(" "), element("small", &[], [cut(remark)])];
    element("h3", &[("id", id)], parts)
}

fn mark(of: Tone, sign: &str) -> Markup {
    let class = format!("sign {}", tone(of));
    element("span", &[("class", &class), ("aria-hidden", "true")], [text(sign)])
}
