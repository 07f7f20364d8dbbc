//! A conformance run for a person at a terminal: the answer, the table of the properties, then the
//! arguments of what failed.

use crate::history::ClientId;
use crate::metric::quantity;
use crate::outcome::conformance::{Case, Conformance, End};
use crate::report::conformance::words::{self, demand, is_argued, state, verdict};
use crate::report::layout::{Align, Cell, Look, clean};
use crate::report::words::Tone;
use crate::verdict::{Standing, Violation};

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
    let (foreign, ours): (Vec<_>, Vec<_>) =
        words::results(run).partition(words::Result::is_beside_the_point);
    rows.extend(ours.iter().map(row));
    let align = [
        Align::Sign,
        Align::Left,
        Align::Left,
        Align::Right,
        Align::Right,
        Align::Right,
        Align::Left,
    ];
    let mut out = look.table(0, &align, &rows);
    if !foreign.is_empty() {
        let names = foreign.iter().map(|result| result.property.property.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        let names = format!("neither promised nor supported: {names}");
        let row = vec![Cell::toned(Tone::Quiet, "·"), Cell::toned(Tone::Quiet, names)];
        out.push_str(&look.table(0, &[Align::Sign, Align::Left], &[row]));
    }
    out
}

fn row(result: &words::Result<'_>) -> Vec<Cell> {
    let other = result.cases.len() - result.passed - result.failed;
    vec![
        Cell::toned(result.tone, result.sign),
        Cell::new(&result.property.property),
        Cell::toned(result.tone, result.word),
        Cell::new(result.passed.to_string()),
        Cell::new(result.failed.to_string()),
        Cell::new(other.to_string()),
        Cell::toned(Tone::Quiet, result.remarks.join(", ")),
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
    let whole = |case: &Case| block(case, run, look) + &trace(case, look);
    let blocks: Vec<String> = words::out_of_order(run).into_iter().map(whole).collect();
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

/// The packets of a failing case, if they were kept.
fn trace(case: &Case, look: Look) -> String {
    let lines = case.trace.iter().take(TRACED).filter(|_| case.fails());
    lines.map(|line| look.verbatim(2, "", 0, &clean(line))).collect()
}

/// One argument: its events line by line, what follows from them, and what was promised.
pub(in crate::report) fn argue(
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
