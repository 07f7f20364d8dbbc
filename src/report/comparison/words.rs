//! The words that all formats of a comparison share.

use crate::comparison::figure::{Figure, Judgement, Unit};
use crate::comparison::{Comparison, Health, HealthUnit, Turn, Weight, cases};
use crate::metric::quantity;
use crate::outcome::Exit;
use crate::report::words::{Answer, Tone, Word};

const fn word(sign: &'static str, word: &'static str, tone: Tone) -> Word {
    Word { sign, word, tone }
}

/// What the comparison says, first of all. It follows the exit code.
pub(super) fn answer(comparison: &Comparison) -> Answer {
    let worse: Vec<&str> = comparison.worse().map(|figure| figure.name.as_str()).collect();
    let turned = |weight| {
        let names = comparison.turns.iter().filter(move |turn| turn.weight == weight);
        names.map(|turn| turn.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut slower = Vec::new();
    if !turned(Weight::Missed).is_empty() {
        slower.push(format!("missed now: {}", turned(Weight::Missed)));
    }
    if !turned(Weight::Regressed).is_empty() {
        slower.push(format!("failing now: {}", turned(Weight::Regressed)));
    }
    if !worse.is_empty() {
        slower.push(format!("beyond noise and threshold: {}", worse.join(", ")));
    }
    let (word, sentence) = match comparison.exit() {
        Exit::PropertyFailed => {
            slower.insert(0, format!("broken now: {}", turned(Weight::Broken)));
            (word("✗", "BROKEN", Tone::Bad), slower.join("; "))
        }
        Exit::ExpectationFailed => (word("✗", "WORSE", Tone::Bad), slower.join("; ")),
        Exit::Bottleneck => {
            let why = comparison.bottleneck.clone().unwrap_or_default();
            (word("?", "BOTTLENECK", Tone::Doubt), why)
        }
        Exit::Inconclusive => {
            let names = turned(Weight::InDoubt);
            (word("?", "IN DOUBT", Tone::Doubt), format!("held before, in doubt now: {names}"))
        }
        Exit::NotExercised => {
            let names = turned(Weight::Silent);
            (word("–", "SILENT", Tone::Doubt), format!("held before, not exercised now: {names}"))
        }
        _ => (word("✓", "NO WORSE", Tone::Good), no_worse(comparison)),
    };
    Answer { word, sentence }
}

fn no_worse(comparison: &Comparison) -> String {
    let count = |judgement: fn(&Judgement) -> bool| {
        comparison.figures.iter().filter(|figure| judgement(&figure.judgement)).count() as u64
    };
    let compared = count(|judgement| *judgement != Judgement::TooLittle);
    let figures = quantity::counted(compared, "figure");
    let verdicts = quantity::counted(comparison.unchanged as u64, "verdict");
    if is_of_cases(comparison) {
        return format!("{verdicts} of cases and properties unchanged");
    }
    let mut sentence = format!("{verdicts} unchanged, {figures} compared");
    let better = count(|judgement| *judgement == Judgement::Better);
    if better > 0 {
        sentence.push_str(&format!(", {better} better"));
    }
    let doubtful = count(|judgement| matches!(judgement, Judgement::Doubtful(_)));
    if doubtful > 0 {
        sentence.push_str(&format!(", {doubtful} worse by the generator's own lateness"));
    }
    sentence
}

/// Two runs of the catalogue, which have no figures.
pub(super) fn is_of_cases(comparison: &Comparison) -> bool {
    comparison.after.scenario == cases::NAME && comparison.health.is_empty()
}

/// What was compared with what.
pub(super) fn runs(comparison: &Comparison) -> [(&'static str, String); 2] {
    let after = &comparison.after;
    let about = |run: &crate::outcome::Run| {
        let bugs = match run.bugs.is_empty() {
            true => String::new(),
            false => format!(", with bugs {}", run.bugs.join(", ")),
        };
        let seed = match is_of_cases(comparison) {
            true => String::new(),
            false => format!(", seed {}", run.seed),
        };
        format!("{} on {}{seed}, {}{bugs}, {}", run.scenario, run.spec, run.target, run.started)
    };
    let last = comparison.before.last().map_or_else(String::new, about);
    let before = match comparison.before.len() {
        0 | 1 => last,
        count => format!("{count} runs, the last of them {last}"),
    };
    [("before", before), ("after", about(after))]
}

/// What counted as a change.
pub(super) fn rule(comparison: &Comparison) -> String {
    let rule = &comparison.rule;
    format!(
        "worse: beyond noise, by more than {:.0}% and, for latencies, by more than {}; all \
         intervals hold together with 95%",
        rule.threshold * 100.0,
        quantity::duration(rule.floor),
    )
}

/// A value of a figure.
pub(super) fn value(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Nanos => quantity::duration(value as u64),
        Unit::PerSecond if value < 100.0 => format!("{value:.1}/s"),
        Unit::PerSecond => format!("{}/s", quantity::count(value.round() as u64)),
        Unit::Share => format!("{:.2}%", value * 100.0),
    }
}

/// The change of a figure.
pub(super) fn change(figure: &Figure) -> String {
    match figure.change {
        Some(change) => percent(change),
        None if figure.after > 0.0 => "from none".to_owned(),
        None => "–".to_owned(),
    }
}

/// Between which the change lies.
pub(super) fn interval(figure: &Figure) -> String {
    figure
        .interval
        .map_or_else(String::new, |(low, high)| format!("{} … {}", percent(low), percent(high)))
}

fn percent(change: f64) -> String {
    match change * 100.0 {
        percent if percent >= 1e6 => "∞".to_owned(),
        percent if percent.abs() >= 999.5 => format!("{percent:+.0}%"),
        // Minus nothing is nothing.
        percent if percent.abs() < 0.05 => "0.0%".to_owned(),
        percent => format!("{percent:+.1}%"),
    }
}

/// What to make of a figure.
pub(super) fn judgement(figure: &Figure) -> (Word, String) {
    match figure.judgement {
        Judgement::Worse => (word("✗", "WORSE", Tone::Bad), String::new()),
        Judgement::Better => (word("✓", "better", Tone::Good), String::new()),
        Judgement::Same => (word("·", "same", Tone::Quiet), String::new()),
        Judgement::TooLittle => (word("–", "too little", Tone::Quiet), String::new()),
        Judgement::Doubtful(later) => {
            let later = quantity::duration(later);
            (word("?", "doubtful", Tone::Doubt), format!("the generator's lateness grew: {later}"))
        }
    }
}

/// How much a turn weighs.
pub(super) const fn turn(turn: &Turn) -> Word {
    match turn.weight {
        Weight::Broken => word("✗", "BROKEN", Tone::Bad),
        Weight::Missed => word("✗", "MISSED", Tone::Bad),
        Weight::Regressed => word("✗", "FAILS", Tone::Bad),
        Weight::InDoubt => word("?", "in doubt", Tone::Doubt),
        Weight::Silent => word("–", "silent", Tone::Doubt),
        Weight::News => word("·", "changed", Tone::Quiet),
    }
}

/// A figure of the generator.
pub(super) fn health(health: &Health) -> String {
    let show = |value: f64| match health.unit {
        HealthUnit::Nanos => quantity::duration(value as u64),
        HealthUnit::Seconds => format!("{value:.1} s"),
        HealthUnit::Bytes => quantity::bytes(value as u64),
        HealthUnit::Share => quantity::share(value),
        HealthUnit::Count => quantity::count(value as u64),
    };
    format!("{} {} → {}", health.name, show(health.before), show(health.after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_well() {
        assert_eq!(percent(0.2031), "+20.3%");
        assert_eq!(percent(-0.041), "-4.1%");
        assert_eq!(percent(-0.000_1), "0.0%");
        assert_eq!(percent(12.0), "+1200%");
        assert_eq!(percent(1e6), "∞");
        assert_eq!(value(Unit::PerSecond, 90.14), "90.1/s");
        assert_eq!(value(Unit::PerSecond, 40_000.4), "40,000/s");
        assert_eq!(value(Unit::Share, 0.001_25), "0.12%");
    }
}
