//! Two runs side by side: which verdicts changed, and which figures are worse beyond noise.
//!
//! What is compared is a [`Sample`] of each run; one or several runs before, one after. It knows
//! neither files nor formats. Start with [`compare`]; how noise is told from change stands in
//! [`figure`] and `blocks`.

pub mod baseline;
mod blocks;
pub mod cases;
pub mod figure;
mod likeness;
pub mod sample;
mod student;
#[cfg(test)]
mod synthetic;

pub use baseline::Baseline;
pub use figure::{Figure, Judgement, Rule, Unit};
pub use sample::{Judged, Sample};

use crate::history::Nanos;
use crate::outcome::{Exit, Run};
use crate::verdict::Standing;
use serde::Serialize;

/// The version of the shape that a comparison has as JSON.
pub const SCHEMA: u32 = 1;

/// What became of a server from one run to the next.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Version of this shape.
    pub schema: u32,
    /// The runs before, oldest first.
    pub before: Vec<Run>,
    /// The run after.
    pub after: Run,
    /// What counted as a change.
    pub rule: Rule,
    /// What differs beside the server's work.
    pub differences: Vec<String>,
    /// Verdicts and expectations that are not what they were; those that count first.
    pub turns: Vec<Turn>,
    /// How many verdicts and expectations are what they were.
    pub unchanged: usize,
    /// The figures.
    pub figures: Vec<Figure>,
    /// How the generator did: name, before, after.
    pub health: Vec<Health>,
    /// Why the figures are not the server's, if they are not.
    pub bottleneck: Option<String>,
}

/// A verdict or an expectation that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// The property, or the expectation's text.
    pub name: String,
    /// What it was: `pass`, `held`, …
    pub before: String,
    /// What it is.
    pub after: String,
    /// How much that weighs.
    pub weight: Weight,
    /// What is wrong or was measured, in words; may be empty.
    pub remark: String,
}

/// How much a change of a verdict weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// A promised property is broken now.
    Broken,
    /// An expectation is missed now.
    Missed,
    /// A case that counts fails now.
    Regressed,
    /// A promised property held and is in doubt now.
    InDoubt,
    /// A promised property held and is not exercised any more.
    Silent,
    /// It is better than it was, or does not count.
    News,
}

/// A figure of the generator itself; nothing follows from it but how far the others can be trusted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    /// `lag p99`, `cpu seconds`, `memory`, `dropped`.
    pub name: &'static str,
    /// What it counts in.
    pub unit: HealthUnit,
    /// In the last run before.
    pub before: f64,
    /// Now.
    pub after: f64,
}

/// What a figure of the generator counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthUnit {
    /// Nanoseconds.
    Nanos,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share of one core.
    Share,
    /// A number.
    Count,
}

/// Sets a run beside the runs before it, oldest first, one at least; with none there is nothing to say.
#[must_use]
pub fn compare(before: &[Sample], after: &Sample, rule: Rule) -> Option<Comparison> {
    let last = before.last()?;
    let (mut turns, mut unchanged) = verdicts(last, after);
    let (missed, same) = expectations(last, after);
    turns.extend(missed);
    unchanged += same;
    turns.sort_by_key(|turn| turn.weight);
    let bottleneck = |sample: &Sample, which: &str| {
        let why = sample.generator.bottleneck.as_ref()?;
        Some(format!("the generator was the bottleneck {which}: {why}"))
    };
    Some(Comparison {
        schema: SCHEMA,
        before: before.iter().map(|sample| sample.run.clone()).collect(),
        after: after.run.clone(),
        rule,
        differences: likeness::differences(last, after),
        turns,
        unchanged,
        figures: figure::figures(before, after, &rule),
        health: health(last, after),
        bottleneck: bottleneck(after, "now").or_else(|| bottleneck(last, "before")),
    })
}

impl Comparison {
    /// The figures that are worse.
    pub fn worse(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter().filter(|figure| figure.judgement == Judgement::Worse)
    }

    /// The exit code: what is broken now outranks everything; then it is to be known whether the
    /// figures are the server's at all.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let any = |weight| self.turns.iter().any(|turn| turn.weight == weight);
        if any(Weight::Broken) {
            Exit::PropertyFailed
        } else if self.bottleneck.is_some() {
            Exit::Bottleneck
        } else if any(Weight::Missed) || any(Weight::Regressed) || self.worse().next().is_some() {
            Exit::ExpectationFailed
        } else if any(Weight::InDoubt) {
            Exit::Inconclusive
        } else if any(Weight::Silent) {
            Exit::NotExercised
        } else {
            Exit::Held
        }
    }
}

/// The verdicts that changed, and how many did not. What is not judged in one of the runs at all
/// counts as not exercised there.
fn verdicts(before: &Sample, after: &Sample) -> (Vec<Turn>, usize) {
    let standing = |sample: &Sample, property: &str| {
        let found = sample.verdicts.iter().find(|judged| judged.property == property);
        found.map_or(Standing::NotExercised, |judged| judged.standing)
    };
    let gone = before
        .verdicts
        .iter()
        .filter(|judged| after.verdicts.iter().all(|known| known.property != judged.property));
    let all = after.verdicts.iter().chain(gone);
    let mut unchanged = 0;
    let turn = |judged: &Judged| {
        let name = &judged.property;
        let (was, is) = (standing(before, name), standing(after, name));
        if was == is {
            unchanged += 1;
            return None;
        }
        let weight = match is {
            _ if !judged.promised => Weight::News,
            Standing::Fail => Weight::Broken,
            Standing::Inconclusive if was == Standing::Pass => Weight::InDoubt,
            Standing::NotExercised if was == Standing::Pass => Weight::Silent,
            _ => Weight::News,
        };
        let mut remark = judged.summary.clone();
        if !judged.promised {
            remark = format!("{remark}{}not promised", if remark.is_empty() { "" } else { "; " });
        }
        let (before, after) = (was.name().to_owned(), is.name().to_owned());
        Some(Turn { name: name.clone(), before, after, weight, remark })
    };
    let turns = all.filter_map(turn).collect();
    (turns, unchanged)
}

/// The expectations that fare otherwise, and how many do not.
fn expectations(before: &Sample, after: &Sample) -> (Vec<Turn>, usize) {
    let word = |held: bool| if held { "held" } else { "missed" }.to_owned();
    let mut unchanged = 0;
    let turn = |expected: &crate::outcome::Expected| {
        let known = before.expectations.iter().find(|known| known.text == expected.text);
        let was = known.is_none_or(|known| known.held);
        if was == expected.held {
            unchanged += 1;
            return None;
        }
        let weight = if expected.held { Weight::News } else { Weight::Missed };
        let remark = match expected.measured.as_str() {
            "" => "nothing was measured".to_owned(),
            measured => format!("measured {measured}"),
        };
        let (before, after) = (word(was), word(expected.held));
        Some(Turn { name: expected.text.clone(), before, after, weight, remark })
    };
    let turns = after.expectations.iter().filter_map(turn).collect();
    (turns, unchanged)
}

fn health(before: &Sample, after: &Sample) -> Vec<Health> {
    let (one, other) = (&before.generator, &after.generator);
    let nanos = |nanos: Nanos| nanos as f64;
    let figures = [
        ("lag p99", HealthUnit::Nanos, nanos(one.lag.p99), nanos(other.lag.p99)),
        ("busiest shard", HealthUnit::Share, one.cpu_share, other.cpu_share),
        ("cpu seconds", HealthUnit::Seconds, one.cpu_seconds, other.cpu_seconds),
        ("memory at most", HealthUnit::Bytes, one.peak_rss as f64, other.peak_rss as f64),
        ("dropped", HealthUnit::Count, one.dropped as f64, other.dropped as f64),
    ];
    let health = |(name, unit, before, after)| Health { name, unit, before, after };
    figures.into_iter().map(health).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Expected;

    const RULE: Rule = Rule { threshold: 0.1, floor: 500_000 };

    fn judged(property: &str, standing: Standing, promised: bool) -> Judged {
        Judged { property: property.into(), standing, promised, summary: String::new() }
    }

    fn run(verdicts: &[(&str, Standing, bool)], held: bool) -> Sample {
        let text = "delivery.p95 < 500ms".to_owned();
        Sample {
            verdicts: verdicts.iter().map(|(name, is, must)| judged(name, *is, *must)).collect(),
            expectations: vec![Expected { text, measured: "1 s".into(), held }],
            slice: 1,
            ..Sample::default()
        }
    }

    fn exit(before: &Sample, after: &Sample) -> Exit {
        compare(std::slice::from_ref(before), after, RULE).unwrap().exit()
    }

    #[test]
    fn each_turn_has_its_exit_code_and_the_worst_wins() {
        use Standing::{Fail, Inconclusive, NotExercised, Pass};
        let good = run(&[("ordering", Pass, true), ("presence", Pass, false)], true);
        assert_eq!(exit(&good, &good), Exit::Held);
        let turned = |is| run(&[("ordering", is, true), ("presence", Pass, false)], true);
        assert_eq!(exit(&good, &turned(Fail)), Exit::PropertyFailed);
        assert_eq!(exit(&good, &turned(Inconclusive)), Exit::Inconclusive);
        assert_eq!(exit(&good, &turned(NotExercised)), Exit::NotExercised);
        assert_eq!(exit(&turned(Fail), &good), Exit::Held);
        assert_eq!(exit(&turned(Fail), &turned(Fail)), Exit::Held, "it was broken before");
        assert_eq!(exit(&turned(Inconclusive), &turned(Fail)), Exit::PropertyFailed);
        let finding = run(&[("ordering", Pass, true), ("presence", Fail, false)], true);
        assert_eq!(exit(&good, &finding), Exit::Held, "nobody promised it");
        let missed = run(&[("ordering", Inconclusive, true)], false);
        assert_eq!(exit(&good, &missed), Exit::ExpectationFailed);
        let both = run(&[("ordering", Fail, true)], false);
        let comparison = compare(&[good], &both, RULE).unwrap();
        assert_eq!(comparison.exit(), Exit::PropertyFailed);
        let names: Vec<_> = comparison.turns.iter().map(|turn| turn.name.as_str()).collect();
        assert_eq!(names, ["ordering", "delivery.p95 < 500ms", "presence"]);
    }

    #[test]
    fn a_property_that_is_not_judged_any_more_is_silent() {
        let before = run(&[("ordering", Standing::Pass, true)], true);
        let after = run(&[], true);
        assert_eq!(exit(&before, &after), Exit::NotExercised);
        assert_eq!(compare(&[], &after, RULE), None);
    }

    #[test]
    fn figures_of_a_generator_that_was_the_bottleneck_prove_nothing() {
        let good = run(&[], true);
        let mut late = run(&[], false);
        late.generator.bottleneck = Some("timers fired late".into());
        assert_eq!(exit(&good, &late), Exit::Bottleneck);
        assert_eq!(exit(&late, &good), Exit::Bottleneck);
    }
}
