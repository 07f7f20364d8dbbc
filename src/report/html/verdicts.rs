//! The first section: what failed and why, every verdict, every expectation.

use crate::history::ClientId;
use crate::metric::quantity;
use crate::outcome::Outcome;
use crate::report::html::argument::{Room, again, argument, cut};
use crate::report::html::document::tone;
use crate::report::html::markup::{Markup, classed, element, facts, text, worded};
use crate::report::html::table::{Column, table};
use crate::report::words::{self, Word};
use crate::verdict::{Standing, Verdict};

/// Violations of one property that are argued.
const ARGUED: usize = 6;

/// What failed, then all verdicts, then the expectations.
pub(super) fn verdicts(outcome: &Outcome) -> Markup {
    let mut room = Room::whole();
    let broken = |promised: bool| {
        move |verdict: &&Verdict| verdict.standing == Standing::Fail && verdict.promised == promised
    };
    let mut parts = Vec::new();
    for promised in [true, false] {
        let found = outcome.verdicts.iter().filter(broken(promised));
        parts.extend(found.map(|verdict| failure(verdict, &outcome.run.command, &mut room)));
    }
    let expected = expectations(outcome);
    // What was missed is no reading for later.
    let is_missed = outcome.expectations.iter().any(|expected| !expected.held);
    if is_missed {
        parts.push(expected.clone());
    }
    if outcome.verdicts.is_empty() {
        parts.push(worded(
            "p",
            "lead",
            "Nothing was judged: this run measured load and latencies.",
        ));
    } else {
        parts.push(element("h3", &[], [text("All properties")]));
        parts.push(properties(&outcome.verdicts));
    }
    if !is_missed {
        parts.push(expected);
    }
    parts.into_iter().collect()
}

/// A word with its sign; the sign is for the eye only.
pub(in crate::report) fn sign(word: Word) -> Markup {
    let attributes = [("class", tone(word.tone)), ("aria-hidden", "true")];
    element("span", &attributes, [text(word.sign)])
}

/// What clients are called in a run.
fn name(client: ClientId) -> String {
    format!("client {}", client.0)
}

fn failure(verdict: &Verdict, command: &str, room: &mut Room) -> Markup {
    let word = words::standing(verdict);
    let count = verdict.finding.violation_count;
    let times = match count {
        1 => "broken once".to_owned(),
        _ => format!("broken {} times", quantity::count(count)),
    };
    let unpromised = if verdict.promised { "" } else { "; not promised, so it fails nothing" };
    let id = format!("property-{}", verdict.property);
    let title = element(
        "h3",
        &[("id", &id)],
        [
            sign(word),
            text(" "),
            text(&verdict.property),
            text(" "),
            element("small", &[], [text(&format!("{times}{unpromised}"))]),
        ],
    );
    let kinds: Vec<_> = verdict.finding.specimens().take(ARGUED).collect();
    let is_one = kinds.len() == 1;
    let mut told = 0;
    let mut parts = vec![title];
    for (index, (violation, number)) in kinds.iter().enumerate() {
        let which = (!is_one).then_some(index + 1);
        let Some(argued) = argument(which, violation, *number, &name, room) else { break };
        parts.push(argued);
        told += 1;
    }
    let more = count.saturating_sub(told);
    if more > 0 {
        let more = format!("And {} more, some of each kind in report.json.", quantity::count(more));
        parts.push(worded("p", "more", &more));
    }
    let promise = if verdict.promised { "promise" } else { "rule" };
    parts.push(facts(
        "facts grounds",
        &[
            (promise, cut(&verdict.promise)),
            ("source", cut(&verdict.source)),
            ("judged by", cut(&verdict.judged_by)),
        ],
    ));
    parts.push(again(command));
    let class = if verdict.promised { "failure" } else { "failure found" };
    element("article", &[("class", class), ("aria-labelledby", &id)], parts)
}

fn properties(verdicts: &[Verdict]) -> Markup {
    let columns = [
        Column::sign(),
        Column::head("property"),
        Column::words("verdict"),
        Column::figures("observed"),
        Column::remark(""),
    ];
    let (silent, told): (Vec<_>, Vec<_>) =
        verdicts.iter().partition(|verdict| words::is_beside_the_point(verdict));
    let rows = told.into_iter().map(|verdict| {
        let word = words::standing(verdict);
        vec![
            sign(word),
            text(&verdict.property),
            worded("span", tone(word.tone), word.word),
            text(&quantity::count(verdict.finding.observations)),
            cut(&words::remark(verdict)),
        ]
    });
    let table = table("All properties", &columns, rows);
    let names: Vec<_> = silent.iter().map(|verdict| verdict.property.as_str()).collect();
    let rest = match names.is_empty() {
        true => Markup::default(),
        false => worded("p", "more", &format!("Neither promised nor seen: {}.", names.join(", "))),
    };
    [table, rest].into_iter().collect()
}

fn expectations(outcome: &Outcome) -> Markup {
    if outcome.expectations.is_empty() {
        return Markup::default();
    }
    let columns = [
        Column::sign(),
        Column::head("expectation"),
        Column::words(""),
        Column::figures("measured"),
    ];
    let rows = outcome.expectations.iter().map(|expected| {
        let word = words::held(expected.held);
        let measured = match expected.measured.as_str() {
            "" => "nothing was measured",
            measured => measured,
        };
        vec![
            sign(word),
            classed("span", "mono", [text(&expected.text)]),
            worded("span", tone(word.tone), word.word),
            text(measured),
        ]
    });
    let title = element("h3", &[], [text("Expectations")]);
    [title, table("Expectations", &columns, rows)].into_iter().collect()
}
