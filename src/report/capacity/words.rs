//! What all formats say of a search in the same words.

use crate::metric::quantity;
use crate::outcome::capacity::{Capacity, Curve, Limit, Of, Step};
use crate::outcome::{Exit, Percentiles};
use crate::report::words::{Tone, Word};

/// What the search says, first of all: a word, and why. It follows the exit code.
#[must_use]
pub fn answer(capacity: &Capacity) -> (Word, String) {
    let word = |sign, word, tone| Word { sign, word, tone };
    let sentence = sentence(capacity);
    let word = match capacity.exit() {
        Exit::Interrupted => word("?", "INTERRUPTED", Tone::Doubt),
        Exit::Bottleneck if is_silent(capacity) => word("?", "NO EVIDENCE", Tone::Doubt),
        Exit::Bottleneck => word("?", "BOTTLENECK", Tone::Doubt),
        Exit::NotExercised => word("–", "NOT EXERCISED", Tone::Doubt),
        _ if capacity.is_too_small() => word("✗", "TOO SMALL", Tone::Bad),
        Exit::Held if capacity.exceeded.is_none() => word("✓", "AT LEAST", Tone::Good),
        Exit::Held => word("✓", "FOUND", Tone::Good),
        Exit::Inconclusive => word("?", "OPEN", Tone::Doubt),
        _ => word("✗", "TOO MUCH", Tone::Bad),
    };
    (word, sentence)
}

/// What ended the search proves nothing.
fn is_silent(capacity: &Capacity) -> bool {
    capacity.limit.as_ref().is_some_and(|limit| limit.of == Of::Nothing)
}

fn sentence(capacity: &Capacity) -> String {
    let unit = capacity.by.unit();
    let load = |load: u64| format!("{} {unit}", quantity::count(load));
    let limit = capacity.limit.as_ref();
    let reason = limit.map_or_else(String::new, ToString::to_string);
    let found = match (capacity.held, capacity.exceeded) {
        (Some(held), Some(exceeded)) => {
            format!("{} hold; at {} {reason}", load(held), quantity::count(exceeded))
        }
        (Some(held), None) if limit.is_some() => format!("{} hold; {reason}", load(held)),
        (Some(held), None) if held >= capacity.most => {
            format!("{} hold, and no more were to be tried", load(held))
        }
        (Some(held), None) => format!("{} hold, and nothing was too much", load(held)),
        (None, Some(exceeded)) => format!("not even {} hold: {reason}", load(exceeded)),
        (None, None) => "no load was decided".into(),
    };
    match capacity.wanted {
        Some(wanted) => format!("{} wanted: {found}", load(wanted)),
        None => found,
    }
}

/// What else was found, each a label and a text.
#[must_use]
pub fn facts(capacity: &Capacity) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    facts.push(("capacity", interval(capacity)));
    if let Some(limit) = &capacity.limit {
        facts.push(("limit", limit.to_string()));
    }
    if capacity.limit.as_ref().is_some_and(|limit| limit.of == Of::Generator) {
        let what = "the generator was the limit, not the server: it may bear more";
        facts.push(("mind", what.into()));
    }
    if is_silent(capacity) {
        let what = "a step in which nothing happens is no proof: look at why in `assize run`, with the \
                    same scenario and server";
        facts.push(("mind", what.into()));
    }
    if let Some(knee) = &capacity.knee {
        let (low, high) = knee.between;
        let count = quantity::count;
        facts.push((
            "knee",
            format!(
                "about {} {}, between {} and {}: {} p50 {} there; beyond it latency grows faster than \
                 throughput",
                count(knee.load),
                capacity.by.unit(),
                count(low),
                count(high),
                knee.series,
                quantity::duration(knee.latency)
            ),
        ));
    }
    if let Some(curve) = &capacity.curve {
        facts.push(("curve", law(curve)));
        facts.push(("reach", reach(curve, capacity.by.unit())));
    }
    if !capacity.unexercised.is_empty() {
        let what = "the scenario wants these judged, and at the largest load that held they saw too \
                    little";
        facts.push(("silent", format!("{what}: {}", capacity.unexercised.join(", "))));
    }
    facts.extend(capacity.notes.iter().map(|note| ("note", note.clone())));
    facts
}

fn interval(capacity: &Capacity) -> String {
    let end = |load: Option<u64>, none: &str| match load {
        None => none.to_owned(),
        Some(load) => {
            let (held, all) = capacity.tally(load);
            let times = quantity::counted(all as u64, "step");
            format!("{} (held in {held} of {times})", quantity::count(load))
        }
    };
    format!(
        "between {} and {} {}",
        end(capacity.held, "nothing"),
        end(capacity.exceeded, "an unknown limit of"),
        capacity.by.unit()
    )
}

fn law(curve: &Curve) -> String {
    let peak = match (curve.peak, curve.ceiling) {
        (Some((load, height)), _) => {
            format!("highest throughput {height:.0} messages/s at load {load:.0}")
        }
        (None, Some(ceiling)) => format!("throughput stays below {ceiling:.0} messages/s"),
        (None, None) => "throughput grows in step with load".into(),
    };
    format!(
        "X(N) = λN / (1 + σ(N−1) + κN(N−1)), λ = {:.3} messages/s each, contention σ = {}, coherence \
         κ = {}: {peak}",
        curve.per_unit,
        term(curve.contention),
        term(curve.coherence)
    )
}

/// A figure of the curve: very small, or nothing at all.
fn term(figure: f64) -> String {
    if figure == 0.0 { "0".into() } else { format!("{figure:.2e}") }
}

fn reach(curve: &Curve, unit: &str) -> String {
    let (low, high) = curve.between;
    let count = quantity::count;
    let off = quantity::share(curve.error);
    let basis = format!(
        "rests on {} different loads from {} to {} {unit}, off by {off} at most",
        curve.loads,
        count(low),
        count(high)
    );
    match curve.reach > high {
        true => format!(
            "the curve {basis}; read it up to {}, beyond that it is a guess",
            count(curve.reach)
        ),
        false => format!("the curve {basis}: too far off to be read beyond them"),
    }
}

/// How a step fared, in a few words.
#[must_use]
pub fn fared(step: &Step) -> String {
    step.limit.as_ref().map_or_else(|| "held".into(), Limit::short)
}

/// A rate of a step: `1,204`, `9.5`; a dash if nothing was measured.
#[must_use]
pub fn rate(rate: f64) -> String {
    match rate {
        0.0 => "–".into(),
        rate if rate < 100.0 => format!("{rate:.1}"),
        rate => quantity::count(rate.round() as u64),
    }
}

/// A percentile of a step; a dash if nothing was measured.
#[must_use]
pub fn time(of: &Percentiles, nanos: u64) -> String {
    if of.count == 0 { "–".into() } else { quantity::duration(nanos) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    #[test]
    fn the_answer_names_load_and_reason() {
        let (word, sentence) = answer(&found());
        assert_eq!(word.word, "FOUND");
        assert_eq!(
            sentence,
            "150 messages/s hold; at 200 `delivery.p95 < 100ms` is missed: 180 ms"
        );
        assert_eq!(
            interval(&found()),
            "between 150 (held in 1 of 1 step) and 200 (held in 0 of 2 steps) messages/s"
        );
    }

    #[test]
    fn each_end_has_its_word() {
        let word = |capacity: &Capacity| answer(capacity).0.word;
        let open = Capacity { exceeded: None, limit: None, ..found() };
        assert_eq!(word(&open), "OPEN");
        assert_eq!(word(&Capacity { most: 150, ..open.clone() }), "AT LEAST");
        assert_eq!(word(&Capacity { wanted: Some(160), ..found() }), "TOO SMALL");
        assert_eq!(word(&Capacity { held: None, ..found() }), "TOO MUCH");
        let own = Limit { of: Of::Generator, ..Limit::default() };
        let own = Capacity { limit: Some(own), ..found() };
        assert_eq!(word(&own), "BOTTLENECK");
        assert!(facts(&own).iter().any(|(_, text)| text.contains("not the server")));
        let silent = Limit { of: Of::Nothing, ..Limit::default() };
        let silent = Capacity { limit: Some(silent), ..found() };
        assert_eq!(word(&silent), "NO EVIDENCE");
        assert!(facts(&silent).iter().any(|(_, text)| text.contains("is no proof")));
    }
}
