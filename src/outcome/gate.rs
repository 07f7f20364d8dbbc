//! What makes a run fail: which of the things that can be wrong with it count for the exit code.
//!
//! It changes no verdict and no report, only what a CI server makes of the run.

use crate::outcome::{Exit, Outcome};
use crate::verdict::{Standing, Verdict};
use std::collections::BTreeSet;

/// What counts for the exit code. The default is what is documented: everything but findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    kinds: BTreeSet<Kind>,
    /// Properties that count whether they are promised or not.
    properties: BTreeSet<String>,
}

/// Something that can be wrong with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A promised property is broken.
    Broken,
    /// A property that nobody promised is broken.
    Finding,
    /// An expectation was missed.
    Missed,
    /// A promised property is in doubt.
    InDoubt,
    /// Nothing was exercised, or not what had to be.
    NotExercised,
    /// The generator was the bottleneck.
    Bottleneck,
}

impl Kind {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Broken,
        Self::Finding,
        Self::Missed,
        Self::InDoubt,
        Self::NotExercised,
        Self::Bottleneck,
    ];

    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Finding => "finding",
            Self::Missed => "missed",
            Self::InDoubt => "in-doubt",
            Self::NotExercised => "not-exercised",
            Self::Bottleneck => "bottleneck",
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Finding).collect();
        Self { kinds, properties: BTreeSet::new() }
    }
}

impl Gate {
    /// A gate of the words that the user gave: kinds and ids of `properties`; `none` lets everything
    /// through.
    ///
    /// # Errors
    /// The first word that is neither.
    pub fn parse<'a>(
        words: impl IntoIterator<Item = &'a str>,
        properties: &[&str],
    ) -> Result<Self, &'a str> {
        let mut gate = Self { kinds: BTreeSet::new(), properties: BTreeSet::new() };
        for word in words {
            if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == word) {
                gate.kinds.insert(kind);
            } else if properties.contains(&word) {
                gate.properties.insert(word.to_owned());
            } else if word != "none" {
                return Err(word);
            }
        }
        Ok(gate)
    }

    /// The exit code of a run. A failure outranks everything; an interruption outranks what is
    /// unknown.
    #[must_use]
    pub fn exit(&self, outcome: &Outcome) -> Exit {
        let stands = |standing| {
            outcome.verdicts.iter().any(|v| v.standing == standing && self.weighs(v, standing))
        };
        let has = |kind| self.kinds.contains(&kind);
        if stands(Standing::Fail) {
            Exit::PropertyFailed
        } else if outcome.interrupted {
            Exit::Interrupted
        } else if has(Kind::Bottleneck) && outcome.generator.bottleneck.is_some() {
            Exit::Bottleneck
        } else if has(Kind::Missed) && outcome.expectations.iter().any(|expected| !expected.held) {
            Exit::ExpectationFailed
        } else if stands(Standing::Inconclusive) {
            Exit::Inconclusive
        } else if has(Kind::NotExercised) && is_silent(outcome) {
            Exit::NotExercised
        } else {
            Exit::Held
        }
    }

    /// Whether a verdict counts that stands so.
    fn weighs(&self, verdict: &Verdict, standing: Standing) -> bool {
        let kind = match (standing, verdict.promised) {
            (Standing::Fail, true) => Kind::Broken,
            (Standing::Fail, false) => Kind::Finding,
            (Standing::Inconclusive, true) => Kind::InDoubt,
            _ => return self.properties.contains(&verdict.property),
        };
        self.kinds.contains(&kind) || self.properties.contains(&verdict.property)
    }
}

/// Nothing was exercised, or not what had to be.
fn is_silent(outcome: &Outcome) -> bool {
    let any_passes = outcome.verdicts.iter().any(|v| v.standing == Standing::Pass);
    !outcome.unexercised.is_empty() || outcome.is_judged() && !any_passes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Expected, Generator, Run};
    use crate::verdict::Finding;

    fn outcome(verdicts: &[(&str, Standing, bool)]) -> Outcome {
        let verdict = |(property, standing, promised): &(&str, Standing, bool)| Verdict {
            property: (*property).into(),
            standing: *standing,
            promised: *promised,
            promise: String::new(),
            source: String::new(),
            judged_by: String::new(),
            finding: Finding::default(),
        };
        let json = serde_json::json!({
            "schema": 1, "run": Run::default(), "verdicts": [], "latencies": [], "counts": [],
            "expectations": [], "unexercised": [], "generator": Generator::default(), "notes": [],
            "interrupted": false,
        });
        let mut outcome: Outcome = serde_json::from_value(json).unwrap();
        outcome.verdicts = verdicts.iter().map(verdict).collect();
        outcome
    }

    fn exit(words: &str, outcome: &Outcome) -> Exit {
        let properties = ["ordering", "presence"];
        Gate::parse(words.split(',').filter(|w| !w.is_empty()), &properties).unwrap().exit(outcome)
    }

    #[test]
    fn only_what_is_named_counts() {
        let broken = outcome(&[("ordering", Standing::Fail, true)]);
        assert_eq!(Gate::default().exit(&broken), Exit::PropertyFailed);
        assert_eq!(exit("broken", &broken), Exit::PropertyFailed);
        assert_eq!(exit("ordering", &broken), Exit::PropertyFailed);
        assert_eq!(exit("missed,presence", &broken), Exit::Held);
        assert_eq!(exit("none", &broken), Exit::Held);
    }

    #[test]
    fn a_finding_counts_if_it_is_asked_for() {
        let mut found = outcome(&[
            ("presence", Standing::Fail, false),
            ("ordering", Standing::Inconclusive, true),
        ]);
        assert_eq!(Gate::default().exit(&found), Exit::Inconclusive);
        assert_eq!(exit("finding", &found), Exit::PropertyFailed);
        assert_eq!(exit("presence", &found), Exit::PropertyFailed);
        assert_eq!(exit("broken,ordering", &found), Exit::Inconclusive);
        found.expectations.push(Expected { text: "x".into(), measured: "y".into(), held: false });
        assert_eq!(exit("missed", &found), Exit::ExpectationFailed);
        assert_eq!(exit("broken", &found), Exit::Held);
        found.generator.bottleneck = Some("late".into());
        assert_eq!(Gate::default().exit(&found), Exit::Bottleneck);
    }

    #[test]
    fn an_interruption_is_no_pass_whatever_counts() {
        let mut stopped = outcome(&[("ordering", Standing::Pass, true)]);
        assert_eq!(exit("broken", &stopped), Exit::Held);
        stopped.interrupted = true;
        assert_eq!(exit("none", &stopped), Exit::Interrupted);
    }

    #[test]
    fn an_unknown_word_is_told() {
        assert_eq!(Gate::parse(["broken", "orderly"], &["ordering"]), Err("orderly"));
    }
}
