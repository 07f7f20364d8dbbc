//! `summary.md`: the answer, the tables and the first arguments as Markdown, small enough for the
//! summary of a CI step.
//!
//! Texts that a server had a hand in stand in code blocks or are escaped, so that they stay text.

use crate::metric::quantity;
use crate::outcome::{Outcome, Percentiles};
use crate::report::layout::clean;
use crate::report::words;
use crate::verdict::{Standing, Verdict};
use std::fmt::Write;

/// Violations of one property that are argued.
const ARGUED: usize = 4;

/// The outcome as Markdown.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    let parts = [
        head(outcome),
        verdicts(outcome),
        expectations(outcome),
        latencies(outcome),
        phases(outcome),
        arguments(outcome),
        again(outcome),
    ];
    let parts: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join("\n")
}

fn head(outcome: &Outcome) -> String {
    let answer = words::answer(outcome);
    let run = &outcome.run;
    let notes: String = outcome.notes.iter().map(|note| format!("- {}\n", escape(note))).collect();
    format!(
        "## {} {}: {} on {}\n\n{}.\n\n{}, {} clients, seed {}, {}, version {}\n{}{notes}",
        answer.word.sign,
        answer.word.word,
        escape(&run.scenario),
        escape(&run.spec),
        escape(&answer.sentence),
        escape(&run.target),
        quantity::count(u64::from(run.clients)),
        run.seed,
        quantity::duration(run.nanos),
        escape(&run.version),
        if notes.is_empty() { "" } else { "\n" },
    )
}

fn verdicts(outcome: &Outcome) -> String {
    if outcome.verdicts.is_empty() {
        return String::new();
    }
    let mut out = "| | property | verdict | observed | |\n|---|---|---|---:|---|\n".to_owned();
    let (silent, told): (Vec<_>, Vec<_>) =
        outcome.verdicts.iter().partition(|verdict| words::is_beside_the_point(verdict));
    for verdict in told {
        let word = words::standing(verdict);
        row(
            &mut out,
            &[
                word.sign,
                &escape(&verdict.property),
                word.word,
                &quantity::count(verdict.finding.observations),
                &escape(&words::remark(verdict)),
            ],
        );
    }
    if !silent.is_empty() {
        let names: Vec<_> = silent.iter().map(|verdict| escape(&verdict.property)).collect();
        let _ = writeln!(out, "\nNeither promised nor seen: {}.", names.join(", "));
    }
    out
}

fn expectations(outcome: &Outcome) -> String {
    if outcome.expectations.is_empty() {
        return String::new();
    }
    let mut out = "| | expectation | measured |\n|---|---|---:|\n".to_owned();
    for expected in &outcome.expectations {
        let sign = words::held(expected.held).sign;
        row(&mut out, &[sign, &escape(&expected.text), &escape(&expected.measured)]);
    }
    out
}

fn latencies(outcome: &Outcome) -> String {
    let measured = words::latencies(outcome);
    if measured.is_empty() {
        return String::new();
    }
    let mut out = "| latency | count | p50 | p90 | p95 | p99 | p99.9 | max | failed |\n\
                   |---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for latency in measured {
        let p: &Percentiles = &latency.planned;
        let time = |nanos| match p.count {
            0 => "–".to_owned(),
            _ => quantity::duration(nanos),
        };
        row(
            &mut out,
            &[
                &escape(&latency.series),
                &quantity::count(p.count),
                &time(p.p50),
                &time(p.p90),
                &time(p.p95),
                &time(p.p99),
                &time(p.p99_9),
                &time(p.max),
                &quantity::count(latency.failures),
            ],
        );
    }
    if let Some(reach) = words::reach(&outcome.reach()) {
        let _ = writeln!(out, "\nReach: {reach}.");
    }
    out
}

/// The same by phase, where that says more.
fn phases(outcome: &Outcome) -> String {
    let rows = words::phases(outcome);
    if rows.is_empty() {
        return String::new();
    }
    let mut out = "| phase | latency | count | p50 | p95 | p99 | max | reach |\n\
                   |---|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for words::PhaseRow { phase, series, planned, reach, .. } in &rows {
        let times = [planned.p50, planned.p95, planned.p99, planned.max].map(quantity::duration);
        let [p50, p95, p99, max] = times.each_ref().map(String::as_str);
        let count = quantity::count(planned.count);
        row(&mut out, &[&escape(phase), &escape(series), &count, p50, p95, p99, max, reach]);
    }
    out
}

fn arguments(outcome: &Outcome) -> String {
    let broken = outcome.verdicts.iter().filter(|verdict| verdict.standing == Standing::Fail);
    broken.map(argument).collect::<Vec<_>>().join("\n")
}

fn argument(verdict: &Verdict) -> String {
    let mut out = String::new();
    for (violation, count) in verdict.finding.specimens().take(ARGUED) {
        let _ = writeln!(
            out,
            "<details><summary>{}: {} ({})</summary>\n\n```text",
            escape(&verdict.property),
            escape(&violation.summary),
            quantity::counted(count, "time"),
        );
        for exhibit in &violation.exhibits {
            let at = quantity::instant(exhibit.at);
            let _ = writeln!(out, "{at} s  client {}  {}", exhibit.client.0, code(&exhibit.text));
        }
        let _ = writeln!(out, "therefore  {}", code(&violation.therefore));
        let _ = writeln!(out, "but        {}", code(&violation.but));
        let _ = writeln!(out, "promise    {}", code(&verdict.promise));
        let _ = writeln!(out, "source     {}", code(&verdict.source));
        out.push_str("```\n\n</details>\n");
    }
    out
}

fn again(outcome: &Outcome) -> String {
    format!("Again:\n\n```sh\n{}\n```\n", code(&outcome.run.command))
}

pub(super) fn row(out: &mut String, cells: &[&str]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

/// A text that Markdown and HTML leave as it is.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in clean(text).chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' | '@' => {
                let _ = write!(out, "&#{};", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out
}

/// A text that cannot leave its code block.
fn code(text: &str) -> String {
    clean(text).replace("```", "'''")
}

/// Some lines as a block of code.
pub(super) fn fenced(text: &str) -> String {
    format!("```text\n{}\n```\n", text.trim_end().replace("```", "'''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_text_stays_text() {
        assert_eq!(escape("<b>|`x`\n"), "&lt;b&gt;&#124;&#96;x&#96; ");
        assert_eq!(code("a```\nb"), "a''' b");
    }
}
