//! A conformance run for a person at a terminal: the answer, the table of the properties, then the
//! arguments of what failed.

use crate::history::ClientId;
use crate::metric::quantity;
use crate::outcome::conformance::{Case, Conformance, End, PropertyResult};
use crate::report::layout::{Align, Cell, Look, clean};
use crate::report::words::Tone;
use crate::verdict::{Severity, Standing, Violation};

/// The width of labels before facts.
const LABEL: usize = 9;
/// Violations of one case that are argued.
const ARGUED: usize = 3;
/// Lines of a trace that are shown.
const TRACED: usize = 200;

/// The whole report.
#[must_use]
pub fn render(run: &Conformance, look: Look) -> String {
    let parts = [
        answer(run, look),
        facts(run, look),
        table(run, look),
        elsewhere(run, look),
        cases(run, look),
    ];
    let parts: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

/// The word of the run, and the sentence that says why.
#[must_use]
pub fn verdict(run: &Conformance) -> (Tone, &'static str, String) {
    let count = |holds: &dyn Fn(&&Case) -> bool| run.cases.iter().filter(holds).count() as u64;
    let failed = count(&|case| case.fails_the_run(run.strict));
    let elsewhere = run.broken_elsewhere().count() as u64;
    let broken = count(&|case| matches!(case.end, End::Broken(_)));
    let doubtful = count(&|case| case.is_undecided(run.strict));
    let passed = count(&|case| case.end == End::Judged(Standing::Pass));
    let cases = |number: u64| quantity::counted(number, "case");
    if failed > 0 {
        (Tone::Bad, "FAIL", format!("{} of {} failed", failed, cases(run.judged() as u64)))
    } else if elsewhere > 0 {
        let what = "a promise was broken in a case of another property";
        (Tone::Bad, "FAIL", what.into())
    } else if broken > 0 {
        (Tone::Doubt, "ERROR", format!("the harness failed in {}", cases(broken)))
    } else if run.interrupted {
        (Tone::Doubt, "INTERRUPTED", format!("{} passed until then", cases(passed)))
    } else if let Some(died) = &run.died {
        (Tone::Doubt, "ERROR", died.clone())
    } else if doubtful > 0 {
        (Tone::Doubt, "INCONCLUSIVE", format!("{} could not be decided", cases(doubtful)))
    } else if passed == 0 {
        (Tone::Doubt, "NOT EXERCISED", "no case passed and none failed".into())
    } else if run.unproved().next().is_some() {
        let names: Vec<&str> = run.unproved().collect();
        let what = format!("nothing was seen of {}, which is promised", names.join(", "));
        (Tone::Doubt, "NOT EXERCISED", what)
    } else {
        let rest = match count(&|case| case.fails()) {
            0 => String::new(),
            1 => ", 1 failed that does not count".to_owned(),
            failed => format!(", {failed} failed that do not count"),
        };
        (Tone::Good, "PASS", format!("{} passed{rest}", cases(passed)))
    }
}

fn answer(run: &Conformance, look: Look) -> String {
    let (tone, word, sentence) = verdict(run);
    let sentence = look.wrap(&clean(&sentence), word.chars().count() + 2);
    format!("{}  {sentence}\n", look.bold(&look.paint(tone, word)))
}

fn facts(run: &Conformance, look: Look) -> String {
    let bugs = match run.bugs.as_slice() {
        [] => String::new(),
        bugs => format!(", with bugs {}", bugs.join(", ")),
    };
    let quick = if run.quick { ", quick cases only" } else { "" };
    let strict = if run.strict { ", strict" } else { "" };
    let mut out = [
        ("spec", format!("{} over {}{quick}{strict}", run.spec, run.transport)),
        ("server", format!("{}{bugs}", run.target)),
        ("time", format!("{}, from {}", quantity::duration(run.nanos), run.started)),
    ]
    .map(|(label, text)| look.fact(2, label, LABEL, &text))
    .concat();
    for note in &run.notes {
        out.push_str(&look.fact(2, "note", LABEL, note));
    }
    out
}

fn table(run: &Conformance, look: Look) -> String {
    let heads = ["", "property", "verdict", "passed", "failed", "other", ""];
    let mut rows = vec![heads.map(|head| Cell::toned(Tone::Quiet, head)).to_vec()];
    for property in &run.properties {
        let of: Vec<&Case> =
            run.cases.iter().filter(|case| case.property == property.property).collect();
        if !of.is_empty() {
            rows.push(row(property, &of));
        }
    }
    let align = [
        Align::Sign,
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ];
    look.table(0, &align, &rows)
}

fn row(property: &PropertyResult, cases: &[&Case]) -> Vec<Cell> {
    let count = |end: &dyn Fn(&End) -> bool| cases.iter().filter(|case| end(&case.end)).count();
    let passed = count(&|end| *end == End::Judged(Standing::Pass));
    let failed = count(&|end| *end == End::Judged(Standing::Fail));
    let unsupported = count(&|end| matches!(end, End::NotSupported(_)));
    let known = cases.iter().filter(|case| case.fails() && case.is_excused()).count();
    let (tone, sign, word) = match property.standing {
        Some(Standing::Fail) if !property.promised => (Tone::Doubt, "!", "finding"),
        Some(Standing::Fail) => (Tone::Bad, "✗", "fail"),
        Some(Standing::Pass) => (Tone::Good, "✓", "pass"),
        Some(Standing::Inconclusive) => (Tone::Doubt, "?", "inconclusive"),
        Some(Standing::NotExercised) => (Tone::Doubt, "·", "not exercised"),
        None if unsupported < cases.len() => (Tone::Doubt, "·", "not judged"),
        None => (Tone::Quiet, "·", "not supported"),
    };
    let mut remarks = Vec::new();
    if !property.promised && property.standing.is_some() {
        remarks.push("not promised".to_owned());
    }
    let others = [
        (known, "known to fail"),
        (count(&|end| *end == End::Judged(Standing::Inconclusive)), "inconclusive"),
        (count(&|end| *end == End::Judged(Standing::NotExercised)), "not exercised"),
        (count(&|end| matches!(end, End::Broken(_))), "broken by the harness"),
        (count(&|end| matches!(end, End::NotReached(_))), "not played to the end"),
        (unsupported, "not supported"),
    ];
    let others = others.into_iter().filter(|(number, _)| *number > 0);
    remarks.extend(others.map(|(number, what)| format!("{number} {what}")));
    vec![
        Cell::toned(tone, sign),
        Cell::new(&property.property),
        Cell::toned(tone, word),
        Cell::new(passed.to_string()),
        Cell::new(failed.to_string()),
        Cell::new((cases.len() - passed - failed).to_string()),
        Cell::toned(Tone::Quiet, remarks.join(", ")),
    ]
}

fn elsewhere(run: &Conformance, look: Look) -> String {
    let lines = run.broken_elsewhere().map(|(case, also)| {
        let title = format!("✗ {}  broken in {}", also.property, case.name);
        let argument = argue(None, &also.violation, also.count, &case.names, look);
        format!("{}\n{argument}", look.paint(Tone::Bad, &title))
    });
    lines.take(ARGUED).collect::<Vec<_>>().join("\n")
}

/// Every case that is not simply in order, worst first.
fn cases(run: &Conformance, look: Look) -> String {
    let rank = |case: &Case| match &case.end {
        _ if case.fails_the_run(run.strict) => Some(0),
        End::Broken(_) => Some(1),
        End::Judged(Standing::Fail) => Some(2),
        End::Judged(Standing::Inconclusive) => Some(3),
        End::NotReached(_) => Some(4),
        End::Judged(Standing::NotExercised) => Some(5),
        End::Judged(Standing::Pass) | End::NotSupported(_) => None,
    };
    let mut shown: Vec<(u8, &Case)> =
        run.cases.iter().filter_map(|case| Some((rank(case)?, case))).collect();
    shown.sort_by_key(|(rank, _)| *rank);
    let whole = |case: &Case| block(case, run, look) + &trace(case, look);
    let blocks: Vec<String> = shown.iter().map(|(_, case)| whole(case)).collect();
    blocks.join("\n")
}

/// One case: what it is, what became of it, and why.
pub(super) fn block(case: &Case, run: &Conformance, look: Look) -> String {
    let (tone, sign, word) = state(case, run);
    let title = look.paint(tone, &format!("{sign} {}", clean(&case.name)));
    let mut out = format!("{title}  {word}\n");
    out.push_str(&look.fact(2, demand(case.severity), LABEL, &case.says));
    match &case.end {
        End::Broken(why) | End::NotReached(why) => {
            out.push_str(&look.fact(2, "because", LABEL, why));
            return out;
        }
        End::Judged(Standing::Inconclusive) => {
            for doubt in case.finding.doubts.iter().take(4) {
                out.push_str(&look.fact(2, "doubt", LABEL, doubt));
            }
        }
        End::Judged(Standing::Fail) if !is_argued(case, run) => {
            if let Some(violation) = case.finding.violations.first() {
                out.push_str(&look.fact(2, "but", LABEL, &violation.therefore));
            }
            out.push_str(&look.fact(2, "source", LABEL, &case.source));
        }
        End::Judged(Standing::Fail) => {
            for (index, (violation, count)) in case.finding.specimens().take(ARGUED).enumerate() {
                out.push('\n');
                out.push_str(&argue(Some(index + 1), violation, count, &case.names, look));
            }
            out.push('\n');
            let promise = if case.promised { "promise" } else { "rule" };
            out.push_str(&look.fact(2, promise, LABEL, &case.promise));
            out.push_str(&look.fact(2, "source", LABEL, &case.source));
        }
        _ => {}
    }
    out.push_str(&look.verbatim(2, "again", LABEL, &clean(&case.again)));
    out
}

/// The label of what a case asks for.
fn demand(severity: Severity) -> &'static str {
    match severity {
        Severity::Must => "must",
        Severity::Should => "should",
        Severity::Informational => "asked",
    }
}

/// Whether a failure is told with its whole argument: if it counts, or was asked for by its name.
fn is_argued(case: &Case, run: &Conformance) -> bool {
    let alone = run.cases.iter().filter(|case| case.fails()).count() == 1 || run.cases.len() < 4;
    alone || case.severity.weighs(run.strict) && !case.is_excused()
}

/// The packets of a failing case, if they were kept.
fn trace(case: &Case, look: Look) -> String {
    let lines = case.trace.iter().take(TRACED).filter(|_| case.fails());
    lines.map(|line| look.verbatim(2, "", 0, &clean(line))).collect()
}

/// How a case stands, in words.
pub(super) fn state(case: &Case, run: &Conformance) -> (Tone, &'static str, String) {
    let of = if case.copies > 1 {
        format!(" in {} of {} plays", case.failed, case.copies)
    } else {
        String::new()
    };
    if case.passes_unexpectedly() {
        let known = case.known.as_ref().map_or("", |known| known.reason.as_str());
        return (Tone::Bad, "✗", format!("passes, and is listed as known to fail: {known}"));
    }
    match &case.end {
        End::Judged(Standing::Fail) if case.is_excused() => {
            let known = case.known.as_ref().map_or("", |known| known.reason.as_str());
            (Tone::Quiet, "·", format!("fails{of}, as known: {known}"))
        }
        End::Judged(Standing::Fail) if case.counts(run.strict) => {
            (Tone::Bad, "✗", format!("failed{of}"))
        }
        End::Judged(Standing::Fail) => {
            let why = match case.severity {
                Severity::Must => "the spec does not promise it",
                Severity::Should => "a `should`",
                Severity::Informational => "informational",
            };
            (Tone::Doubt, "!", format!("found{of}; it does not fail the run: {why}"))
        }
        End::Judged(Standing::Inconclusive) => (Tone::Doubt, "?", "inconclusive".into()),
        End::Judged(Standing::NotExercised) => (Tone::Doubt, "·", "not exercised".into()),
        End::Judged(Standing::Pass) => (Tone::Good, "✓", "passed".into()),
        End::Broken(_) => (Tone::Doubt, "?", "the harness failed".into()),
        End::NotReached(_) => (Tone::Doubt, "·", "not played to its end".into()),
        End::NotSupported(_) => (Tone::Quiet, "·", "not supported".into()),
    }
}

fn argue(
    number: Option<usize>,
    violation: &Violation,
    count: u64,
    names: &[(ClientId, String)],
    look: Look,
) -> String {
    let times =
        if count > 1 { format!(" ({} times)", quantity::count(count)) } else { String::new() };
    let summary = look.wrap(&clean(&format!("{}{times}", violation.summary)), 5);
    let label = number.map_or_else(|| "  ".to_owned(), |number| format!("{number}."));
    let mut out = format!("  {label} {}\n", look.bold(&summary));
    let rows: Vec<Vec<Cell>> = violation
        .exhibits
        .iter()
        .enumerate()
        .map(|(line, exhibit)| {
            let name = names.iter().find(|(id, _)| *id == exhibit.client);
            let name = name
                .map_or_else(|| format!("client {}", exhibit.client.0), |(_, name)| name.clone());
            vec![
                Cell::toned(Tone::Quiet, (line + 1).to_string()),
                Cell::toned(Tone::Quiet, format!("{} s", quantity::instant(exhibit.at))),
                Cell::new(name),
                Cell::new(&exhibit.text),
            ]
        })
        .collect();
    let align = [Align::Right, Align::Right, Align::Left, Align::Left];
    out.push_str(&look.table(5, &align, &rows));
    out.push_str(&look.fact(5, "therefore", LABEL, &violation.therefore));
    out.push_str(&look.fact(5, "but", LABEL, &violation.but));
    out
}
