//! The report for a person at a terminal: the answer, the tables, then the arguments.

use crate::metric::quantity;
use crate::outcome::{Outcome, Percentiles};
use crate::report::layout::{Align, Cell, Look, clean};
use crate::report::words::{self, Tone};
use crate::verdict::{Standing, Verdict, Violation};

/// Violations of one property that are argued; the rest stands in `report.json`.
const ARGUED: usize = 6;
/// The width of labels before facts.
const LABEL: usize = 9;

/// The whole report.
#[must_use]
pub fn render(outcome: &Outcome, look: Look) -> String {
    joined(&[
        answer(outcome, look),
        run(outcome, look),
        verdicts(outcome, look),
        expectations(outcome, look),
        latencies(outcome, look),
        phases(outcome, look),
        figures(outcome, look),
        arguments(outcome, look),
    ])
}

/// The verdicts alone: the answer, their table and their arguments.
#[must_use]
pub fn judgement(outcome: &Outcome, look: Look) -> String {
    joined(&[answer(outcome, look), verdicts(outcome, look), arguments(outcome, look)])
}

fn joined(parts: &[String]) -> String {
    let parts: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn answer(outcome: &Outcome, look: Look) -> String {
    let answer = words::answer(outcome);
    let word = answer.word.word;
    let sentence = look.wrap(&clean(&answer.sentence), word.chars().count() + 2);
    let word = look.bold(&look.paint(answer.word.tone, word));
    format!("{word}  {sentence}\n")
}

fn run(outcome: &Outcome, look: Look) -> String {
    let run = &outcome.run;
    let bugs = if run.bugs.is_empty() {
        String::new()
    } else {
        format!(", with bugs {}", run.bugs.join(", "))
    };
    let load = format!(
        "{}, {}, {}, {}",
        people(u64::from(run.people)),
        quantity::counted(u64::from(run.clients), "client"),
        quantity::counted(u64::from(run.conversations), "conversation"),
        quantity::counted(u64::from(run.shards), "shard"),
    );
    let client = match run.client.as_str() {
        "" | "assize" => String::new(),
        other => format!(", driven by {other}"),
    };
    let fact = |label, text: String| look.fact(2, label, LABEL, &text);
    [
        fact("scenario", format!("{} on {}, seed {}", run.scenario, run.spec, run.seed)),
        fact("server", format!("{}{bugs}", run.target)),
        fact("load", load + &client),
        fact("time", format!("{}, from {}", quantity::duration(run.nanos), run.started)),
    ]
    .concat()
}

fn people(number: u64) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{} people", quantity::count(number)) }
}

fn verdicts(outcome: &Outcome, look: Look) -> String {
    if outcome.verdicts.is_empty() {
        return String::new();
    }
    let mut rows = vec![heads(&["", "property", "verdict", "observed", ""])];
    let (silent, told): (Vec<_>, Vec<_>) =
        outcome.verdicts.iter().partition(|verdict| words::is_beside_the_point(verdict));
    rows.extend(told.into_iter().map(|verdict| {
        let word = words::standing(verdict);
        let remark = words::remark(verdict);
        vec![
            Cell::toned(word.tone, word.sign),
            Cell::new(&verdict.property),
            Cell::toned(word.tone, word.word),
            Cell::new(quantity::count(verdict.finding.observations)),
            match word.tone {
                Tone::Good | Tone::Quiet => Cell::toned(Tone::Quiet, remark),
                Tone::Bad | Tone::Doubt => Cell::new(remark),
            },
        ]
    }));
    let align = [Align::Sign, Align::Left, Align::Left, Align::Right, Align::Left];
    let mut out = look.table(0, &align, &rows);
    if !silent.is_empty() {
        let names: Vec<_> = silent.iter().map(|verdict| verdict.property.as_str()).collect();
        let names = format!("neither promised nor seen: {}", names.join(", "));
        let row = vec![Cell::toned(Tone::Quiet, "–"), Cell::toned(Tone::Quiet, names)];
        out.push_str(&look.table(0, &[Align::Sign, Align::Left], &[row]));
    }
    out
}

fn expectations(outcome: &Outcome, look: Look) -> String {
    if outcome.expectations.is_empty() {
        return String::new();
    }
    let mut rows = vec![heads(&["", "expectation", "", "measured"])];
    rows.extend(outcome.expectations.iter().map(|expected| {
        let word = words::held(expected.held);
        let measured = match expected.measured.as_str() {
            "" => "nothing was measured",
            measured => measured,
        };
        vec![
            Cell::toned(word.tone, word.sign),
            Cell::new(&expected.text),
            Cell::toned(word.tone, word.word),
            Cell::new(measured),
        ]
    }));
    let align = [Align::Sign, Align::Left, Align::Left, Align::Left];
    look.table(0, &align, &rows)
}

fn latencies(outcome: &Outcome, look: Look) -> String {
    let mut rows = vec![heads(&["latency", "count", "p50", "p90", "p95", "p99", "p99.9", "max"])];
    let mut failed = Vec::new();
    let mut is_split = false;
    for latency in words::latencies(outcome) {
        rows.push(latency_row(&latency.series, &latency.planned, None));
        if latency.differs() {
            is_split = true;
            rows.push(latency_row("  actual", &latency.actual, Some(Tone::Quiet)));
        }
        if latency.failures > 0 {
            let attempts = quantity::count(latency.planned.count + latency.failures);
            let failures = quantity::count(latency.failures);
            failed.push(format!("{} {failures} of {attempts}", latency.series));
        }
    }
    if rows.len() == 1 {
        return String::new();
    }
    let align: Vec<Align> = [Align::Left].into_iter().chain([Align::Right; 7]).collect();
    let mut out = look.table(2, &align, &rows);
    if is_split {
        let meaning = "counted from the actual start; the row above counts from the planned time, \
                       which is what a user feels";
        out.push_str(&look.fact(2, "actual", LABEL, meaning));
    }
    if !failed.is_empty() {
        out.push_str(&look.fact(2, "failed", LABEL, &failed.join(", ")));
    }
    if let Some(reach) = words::reach(&outcome.reach()) {
        out.push_str(&look.fact(2, "reach", LABEL, &reach));
    }
    out
}

/// The same by phase, where that says more.
fn phases(outcome: &Outcome, look: Look) -> String {
    let mut rows = vec![heads(&["phase", "latency", "count", "p50", "p95", "p99", "max", "reach"])];
    rows.extend(words::phases(outcome).iter().map(|row| {
        let p = row.planned;
        let times = [(p.p50, 2), (p.p95, 20), (p.p99, 100), (p.max, 1)];
        let times = times.map(|(nanos, least)| match p.count < least {
            true => Cell::toned(Tone::Quiet, quantity::duration(nanos)),
            false => Cell::new(quantity::duration(nanos)),
        });
        let head = [if row.is_first { row.phase } else { "" }, row.series].map(Cell::new);
        let count = [Cell::new(quantity::count(p.count))];
        head.into_iter().chain(count).chain(times).chain([Cell::new(&row.reach)]).collect()
    }));
    if rows.len() == 1 {
        return String::new();
    }
    let align = [Align::Left; 2].into_iter().chain([Align::Right; 6]);
    look.table(2, &align.collect::<Vec<_>>(), &rows)
}

/// A percentile that rests on fewer samples than it takes to have one above it is dimmed.
fn latency_row(name: &str, p: &Percentiles, tone: Option<Tone>) -> Vec<Cell> {
    let cell = |tone: Option<Tone>, text: String| match tone {
        Some(tone) => Cell::toned(tone, text),
        None => Cell::new(text),
    };
    let mut row = vec![cell(tone, name.to_owned()), cell(tone, quantity::count(p.count))];
    let times = [(p.p50, 2), (p.p90, 10), (p.p95, 20), (p.p99, 100), (p.p99_9, 1_000), (p.max, 1)];
    row.extend(times.map(|(nanos, least)| match p.count {
        0 => cell(tone, "–".to_owned()),
        count if count < least => cell(Some(Tone::Quiet), quantity::duration(nanos)),
        _ => cell(tone, quantity::duration(nanos)),
    }));
    row
}

fn figures(outcome: &Outcome, look: Look) -> String {
    let counts: Vec<String> = outcome
        .counts
        .iter()
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| words::figure(name, *number))
        .collect();
    let generator = &outcome.generator;
    let own = format!(
        "lag p99 {}, max {}; busiest shard {} of a core; {:.1} CPU seconds; {} of memory at most; {} dropped",
        quantity::duration(generator.lag.p99),
        quantity::duration(generator.lag.max),
        quantity::share(generator.cpu_share),
        generator.cpu_seconds,
        quantity::bytes(generator.peak_rss),
        quantity::count(generator.dropped),
    );
    let mut out = String::new();
    if !counts.is_empty() {
        out.push_str(&look.fact(2, "counts", LABEL, &counts.join(", ")));
    }
    out.push_str(&look.fact(2, "generator", LABEL, &own));
    if let Some(reason) = &generator.bottleneck {
        out.push_str(&look.fact(2, "", LABEL, &format!("it was the bottleneck: {reason}")));
    }
    for (index, note) in outcome.notes.iter().enumerate() {
        out.push_str(&look.fact(2, if index == 0 { "note" } else { "" }, LABEL, note));
    }
    out
}

fn arguments(outcome: &Outcome, look: Look) -> String {
    let broken = outcome.verdicts.iter().filter(|verdict| verdict.standing == Standing::Fail);
    let blocks: Vec<String> =
        broken.map(|verdict| argument(verdict, &outcome.run.command, look)).collect();
    blocks.join("\n")
}

/// Why one property is broken: its violations, the promise and how to see it again.
fn argument(verdict: &Verdict, command: &str, look: Look) -> String {
    let word = words::standing(verdict);
    let title = format!("{} {}", word.sign, clean(&verdict.property));
    let number = verdict.finding.violation_count;
    let times = if number == 1 {
        "broken once".to_owned()
    } else {
        format!("broken {} times", quantity::count(number))
    };
    let mut out = format!("{}  {times}\n", look.paint(word.tone, &title));
    let mut told = 0;
    for (index, (violation, count)) in verdict.finding.specimens().take(ARGUED).enumerate() {
        out.push_str(&argue(index + 1, violation, count, look));
        told += 1;
    }
    let more = number.saturating_sub(told);
    if more > 0 {
        let more = quantity::count(more);
        out.push_str(&format!("\n  and {more} more, some of each kind in report.json\n"));
    }
    out.push('\n');
    let promise = if verdict.promised { "promise" } else { "rule" };
    for (label, text) in [
        (promise, &verdict.promise),
        ("source", &verdict.source),
        ("judged by", &verdict.judged_by),
    ] {
        if !text.is_empty() {
            out.push_str(&look.fact(2, label, LABEL, text));
        }
    }
    out.push_str(&look.verbatim(2, "again", LABEL, &clean(command)));
    out
}

fn argue(number: usize, violation: &Violation, count: u64, look: Look) -> String {
    let label = format!("{number}.");
    let times =
        if count > 1 { format!(" ({} times)", quantity::count(count)) } else { String::new() };
    let summary = look.wrap(&clean(&format!("{}{times}", violation.summary)), 5);
    let mut out = format!("\n  {label} {}\n", look.bold(&summary));
    let rows: Vec<Vec<Cell>> = violation
        .exhibits
        .iter()
        .map(|exhibit| {
            vec![
                Cell::toned(Tone::Quiet, format!("{} s", quantity::instant(exhibit.at))),
                Cell::new(format!("client {}", exhibit.client.0)),
                Cell::new(&exhibit.text),
            ]
        })
        .collect();
    out.push_str(&look.table(5, &[Align::Right, Align::Left, Align::Left], &rows));
    out.push_str(&look.fact(5, "therefore", LABEL, &violation.therefore));
    out.push_str(&look.fact(5, "but", LABEL, &violation.but));
    out
}

fn heads(names: &[&str]) -> Vec<Cell> {
    names.iter().map(|name| Cell::toned(Tone::Quiet, name)).collect()
}
