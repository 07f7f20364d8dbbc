//! What all formats say in the same words: the answer of a run, and a verdict in a line.

use crate::metric::Series;
use crate::metric::quantity;
use crate::outcome::{Exit, Latency, Outcome, Percentiles, Reach};
use crate::verdict::{Finding, Standing, Verdict};

/// How good the news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It held.
    Good,
    /// It is broken.
    Bad,
    /// It is unknown, or nobody promised it.
    Doubt,
    /// There is no news.
    Quiet,
}

/// A sign, a word and their tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// One character.
    pub sign: &'static str,
    /// The word; readable without the sign and without colour.
    pub word: &'static str,
    /// How good it is.
    pub tone: Tone,
}

/// The answer of a run: one word and one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `PASS`, `FAIL`, …
    pub word: Word,
    /// Why, without a full stop.
    pub sentence: String,
}

const fn word(sign: &'static str, word: &'static str, tone: Tone) -> Word {
    Word { sign, word, tone }
}

/// How a verdict stands. A failure that nobody promised against is a finding.
#[must_use]
pub const fn standing(verdict: &Verdict) -> Word {
    match verdict.standing {
        Standing::Pass => word("✓", "pass", Tone::Good),
        Standing::Fail if verdict.promised => word("✗", "FAIL", Tone::Bad),
        Standing::Fail => word("!", "finding", Tone::Doubt),
        Standing::Inconclusive => word("?", "inconclusive", Tone::Doubt),
        Standing::NotExercised => word("–", "not exercised", Tone::Quiet),
    }
}

/// A property of which the spec says nothing and the run showed nothing: no row of its own.
#[must_use]
pub const fn is_beside_the_point(verdict: &Verdict) -> bool {
    !verdict.promised
        && matches!(verdict.standing, Standing::NotExercised)
        && verdict.finding.observations == 0
}

/// Whether a threshold held.
#[must_use]
pub const fn held(held: bool) -> Word {
    if held { word("✓", "held", Tone::Good) } else { word("✗", "MISSED", Tone::Bad) }
}

/// How many violations there were, of what kinds; nothing if there were none.
fn violations(finding: &Finding) -> Option<String> {
    let kinds: Vec<String> = finding
        .specimens()
        .map(|(violation, count)| match finding.kinds.len() {
            0 | 1 => violation.summary.clone(),
            _ => format!("{} × {}", quantity::count(count), violation.summary),
        })
        .collect();
    let count = quantity::counted(finding.violation_count, "violation");
    (!kinds.is_empty()).then(|| format!("{count}: {}", kinds.join(", ")))
}

/// What to say beside a verdict; may be empty.
#[must_use]
pub fn remark(verdict: &Verdict) -> String {
    let finding = &verdict.finding;
    let mut parts = Vec::new();
    if !verdict.promised {
        parts.push("not promised".to_owned());
    }
    parts.extend(violations(finding));
    parts.extend(finding.doubts.iter().cloned());
    if verdict.standing == Standing::NotExercised && finding.observations > 0 {
        parts.push("too few observations to mean anything".to_owned());
    }
    let figures = finding.figures.iter().filter(|(_, number)| *number > 0);
    parts.extend(figures.map(|(name, number)| figure(name, *number)));
    parts.join("; ")
}

/// A named count: `messages sent 1,204`, `bytes sent 34.0 MiB`.
#[must_use]
pub fn figure(name: &str, number: u64) -> String {
    let number =
        if name.starts_with("bytes ") { quantity::bytes(number) } else { quantity::count(number) };
    format!("{name} {number}")
}

/// The latencies that were measured. Those of fan-out only if a message was for two or more: else they
/// are those of its delivery once more.
#[must_use]
pub fn latencies(outcome: &Outcome) -> Vec<&Latency> {
    let fans_out = fans_out(outcome);
    let is_told = |latency: &&Latency| {
        latency.planned.count + latency.failures > 0
            && (fans_out || !is_of_fan_out(&latency.series))
    };
    outcome.latencies.iter().filter(is_told).collect()
}

/// Some message was for two or more.
fn fans_out(outcome: &Outcome) -> bool {
    let skew = Series::FanOutSkew.name();
    let found = outcome.latencies.iter().find(|latency| latency.series == skew);
    found.is_some_and(|latency| latency.planned.count > 0)
}

fn is_of_fan_out(series: &str) -> bool {
    Series::parse(series).is_some_and(Series::is_of_fan_out)
}

/// A latency of one phase, as a row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseRow<'a> {
    /// The phase.
    pub phase: &'a str,
    /// It is the phase's first row.
    pub is_first: bool,
    /// The series.
    pub series: &'a str,
    /// How long it took, from the planned time.
    pub planned: &'a Percentiles,
    /// The share of receivers that were pushed their messages, beside deliveries.
    pub reach: String,
}

/// What stands in the table of phases.
const OF_PHASES: [Series; 4] = [Series::Connect, Series::Ack, Series::Delivery, Series::FanOutLast];

/// The latencies by phase; none if none of them was measured in two phases, for then it would say what
/// the table of the whole run says.
#[must_use]
pub fn phases(outcome: &Outcome) -> Vec<PhaseRow<'_>> {
    let fans_out = fans_out(outcome);
    let mut rows = Vec::new();
    for phase in &outcome.phases {
        let told = OF_PHASES.into_iter().filter(|series| fans_out || !series.is_of_fan_out());
        let told = told.filter_map(|series| phase.latency(series.name()));
        for (number, timed) in told.filter(|timed| timed.planned.count > 0).enumerate() {
            let of_reach = timed.series == Series::Delivery.name();
            let reach = phase.reach.live().filter(|_| of_reach).map(quantity::share);
            rows.push(PhaseRow {
                phase: &phase.name,
                is_first: number == 0,
                series: &timed.series,
                planned: &timed.planned,
                reach: reach.unwrap_or_default(),
            });
        }
    }
    let often = |series: Series| rows.iter().filter(|row| row.series == series.name()).count() > 1;
    if OF_PHASES.into_iter().any(often) { rows } else { Vec::new() }
}

/// Whom messages reached, in a sentence; nothing if nobody was to get any.
#[must_use]
pub fn reach(reach: &Reach) -> Option<String> {
    let receivers = quantity::counted(reach.expected, "receiver");
    let live = quantity::share(reach.live()?);
    let in_all = quantity::share(reach.in_all()?);
    let synced = match reach.synced {
        0 => String::new(),
        _ => format!(", {in_all} had it after a sync at the latest"),
    };
    Some(format!("{live} of {receivers} who were connected were pushed their message{synced}"))
}

/// What the run says, first of all. It follows the exit code.
#[must_use]
pub fn answer(outcome: &Outcome) -> Answer {
    let (word, sentence) = match outcome.exit() {
        Exit::Held => (word("✓", "PASS", Tone::Good), held_sentence(outcome)),
        Exit::PropertyFailed => (word("✗", "FAIL", Tone::Bad), failed_sentence(outcome)),
        Exit::ExpectationFailed => (word("✗", "MISSED", Tone::Bad), missed_sentence(outcome)),
        Exit::Interrupted => {
            let after = quantity::duration(outcome.run.nanos);
            let sentence = format!("after {after}; nothing was broken until then");
            (word("?", "INTERRUPTED", Tone::Doubt), sentence)
        }
        Exit::Bottleneck => {
            let reason = outcome.generator.bottleneck.clone().unwrap_or_default();
            let sentence = format!("the figures are the generator's own: {reason}");
            (word("?", "BOTTLENECK", Tone::Doubt), sentence)
        }
        Exit::Inconclusive => {
            let names = promised(outcome, Standing::Inconclusive);
            let sentence = format!("nothing is broken, but in doubt: {}", names.join(", "));
            (word("?", "INCONCLUSIVE", Tone::Doubt), sentence)
        }
        _ => (word("–", "NOT EXERCISED", Tone::Doubt), unexercised_sentence(outcome)),
    };
    Answer { word, sentence }
}

fn held_sentence(outcome: &Outcome) -> String {
    let held = promised(outcome, Standing::Pass).len();
    let silent = promised(outcome, Standing::NotExercised);
    let mut sentence = match held {
        0 if !outcome.is_judged() => "nothing was judged".to_owned(),
        0 => "nothing is broken".to_owned(),
        1 => "1 promised property held".to_owned(),
        _ => format!("{held} promised properties held"),
    };
    if !outcome.expectations.is_empty() {
        let expectations = quantity::counted(outcome.expectations.len() as u64, "expectation");
        sentence.push_str(&format!(", {expectations} met"));
    }
    if !silent.is_empty() {
        sentence.push_str(&format!("; not exercised: {}", silent.join(", ")));
    }
    sentence
}

fn failed_sentence(outcome: &Outcome) -> String {
    let broken = promised(outcome, Standing::Fail);
    let all = outcome.verdicts.iter().filter(|v| v.promised).count();
    let until = if outcome.interrupted { ", and the run was interrupted" } else { "" };
    format!(
        "{} broken: {}{until}",
        part(broken.len(), all, "promised property", "promised properties"),
        broken.join(", "),
    )
}

fn missed_sentence(outcome: &Outcome) -> String {
    let missed: Vec<&str> = outcome
        .expectations
        .iter()
        .filter(|expected| !expected.held)
        .map(|expected| expected.text.as_str())
        .collect();
    let all = outcome.expectations.len();
    format!(
        "no property is broken, but {} missed: {}",
        part(missed.len(), all, "expectation", "expectations"),
        missed.join(", "),
    )
}

/// `1 of 5 properties is`, `2 of 5 properties are`.
fn part(some: usize, all: usize, one: &str, many: &str) -> String {
    let noun = if all == 1 { one } else { many };
    let verb = if some == 1 { "is" } else { "are" };
    format!("{some} of {all} {noun} {verb}")
}

fn unexercised_sentence(outcome: &Outcome) -> String {
    if outcome.unexercised.is_empty() {
        "no property saw enough to be judged".to_owned()
    } else {
        let names = outcome.unexercised.join(", ");
        format!("the scenario wants these judged, and saw too little: {names}")
    }
}

fn promised(outcome: &Outcome, standing: Standing) -> Vec<&str> {
    outcome
        .verdicts
        .iter()
        .filter(|verdict| verdict.promised && verdict.standing == standing)
        .map(|verdict| verdict.property.as_str())
        .collect()
}
