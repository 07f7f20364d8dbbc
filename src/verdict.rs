//! What a judge says of a property, and how several judges' words become one.
//!
//! A verdict carries how many observations it rests on and, if it is a failure, the argument that
//! proves it. It knows nothing of how it was reached. Start with [`Verdict`].

use crate::history::{ClientId, Nanos};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a property stands after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It was observed often enough, and held each time.
    Pass,
    /// It was broken.
    Fail,
    /// Something other than the server could explain what was seen.
    Inconclusive,
    /// Nothing that could have broken it was seen.
    NotExercised,
}

/// How much a failure weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A promise is broken: the run fails.
    #[default]
    Must,
    /// Users suffer, but the documents allow it: shown; fails the run with `--strict` only.
    Should,
    /// Worth knowing; never fails the run.
    Informational,
}

/// One line of a violation's argument: something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// When, in nanoseconds since the run's start.
    pub at: Nanos,
    /// Who saw or did it.
    pub client: ClientId,
    /// What, in words.
    pub text: String,
}

/// One proof that a property was broken: the few events, and what they contradict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What is wrong, in one sentence without times or names of clients (`two ids for one key`).
    pub summary: String,
    /// The events, in time order, 25 lines at most.
    pub exhibits: Vec<Exhibit>,
    /// What follows from them ("therefore …").
    pub therefore: String,
    /// What was promised and is contradicted ("but …").
    pub but: String,
}

/// What one shard's judge found; findings of several shards add up with [`Finding::merge`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How often the property could have been broken and the judge looked.
    pub observations: u64,
    /// How many violations there were.
    pub violation_count: u64,
    /// How many there were of each kind, a kind being a summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<(String, u64)>,
    /// The first few of each kind, in the order of time: at most [`Finding::KEPT_OF_A_KIND`] of
    /// one, and [`Finding::KEPT`] in all.
    pub violations: Vec<Violation>,
    /// Reasons to doubt: what was seen could be the generator's or a fault's doing.
    pub doubts: Vec<String>,
    /// Figures worth showing beside the verdict (`redeliveries: 12`), summed over shards.
    pub figures: Vec<(String, u64)>,
}

/// The verdict on one property of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The property's id.
    pub property: String,
    /// How it stands.
    pub standing: Standing,
    /// The spec promises it. If not, a failure is a finding and does not fail the run.
    pub promised: bool,
    /// The promise, in the words of the spec or of the property.
    pub promise: String,
    /// Where the promise is made.
    pub source: String,
    /// The tolerances and rules the judge used, in words.
    pub judged_by: String,
    /// What was found.
    pub finding: Finding,
}

impl Finding {
    /// Violations of one kind kept with their argument; further ones are only counted.
    pub const KEPT_OF_A_KIND: u64 = 3;
    /// Violations kept with their argument.
    pub const KEPT: usize = 24;
    /// After so many violations further ones are counted without being told apart.
    const TOLD_APART: u64 = 100_000;

    /// Records a violation.
    pub fn violate(&mut self, argument: impl FnOnce() -> Violation) {
        self.violation_count += 1;
        if self.violation_count > Self::TOLD_APART {
            return;
        }
        let violation = argument();
        let count = add(&mut self.kinds, &violation.summary, 1);
        if count <= Self::KEPT_OF_A_KIND && self.violations.len() < Self::KEPT {
            self.violations.push(violation);
        }
    }

    /// The earliest violation of each kind, and how many there were of that kind.
    pub fn specimens(&self) -> impl Iterator<Item = (&Violation, u64)> {
        self.violations.iter().enumerate().filter_map(|(index, violation)| {
            let summary = &violation.summary;
            let known = self.violations[..index].iter().any(|other| other.summary == *summary);
            let count = self.kinds.iter().find(|(kind, _)| kind == summary).map(|(_, n)| *n);
            (!known).then_some((violation, count.unwrap_or(1)))
        })
    }

    /// Adds to a named figure.
    pub fn count(&mut self, name: &str, amount: u64) {
        add(&mut self.figures, name, amount);
    }

    /// The sum of two findings. The kept violations are the earliest of both.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.observations += other.observations;
        self.violation_count += other.violation_count;
        for (kind, count) in &other.kinds {
            add(&mut self.kinds, kind, *count);
        }
        self.kinds.sort();
        self.violations.extend(other.violations);
        self.violations.sort_by_key(|violation| {
            let last = violation.exhibits.last();
            (last.map_or(Nanos::MAX, |exhibit| exhibit.at), last.map(|exhibit| exhibit.client))
        });
        let mut kept: Vec<(String, u64)> = Vec::new();
        self.violations
            .retain(|violation| add(&mut kept, &violation.summary, 1) <= Self::KEPT_OF_A_KIND);
        self.violations.truncate(Self::KEPT);
        for doubt in other.doubts {
            if !self.doubts.contains(&doubt) {
                self.doubts.push(doubt);
            }
        }
        for (name, amount) in other.figures {
            self.count(&name, amount);
        }
        self.figures.sort();
        self
    }

    /// How the property stands, given the least number of observations that mean anything.
    /// A failure outranks a doubt, a doubt outranks silence, silence is never a pass.
    #[must_use]
    pub fn standing(&self, least_evidence: u64) -> Standing {
        if self.violation_count > 0 {
            Standing::Fail
        } else if !self.doubts.is_empty() {
            Standing::Inconclusive
        } else if self.observations < least_evidence.max(1) {
            Standing::NotExercised
        } else {
            Standing::Pass
        }
    }
}

/// Adds to a named sum; the new sum.
fn add(sums: &mut Vec<(String, u64)>, name: &str, amount: u64) -> u64 {
    match sums.iter_mut().find(|(known, _)| known == name) {
        Some((_, sum)) => {
            *sum += amount;
            *sum
        }
        None => {
            sums.push((name.to_owned(), amount));
            amount
        }
    }
}

impl Standing {
    /// The word as reports show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NotExercised => "not exercised",
        }
    }
}

impl Severity {
    /// A failure of a promise of this weight fails the run.
    #[must_use]
    pub const fn weighs(self, strict: bool) -> bool {
        match self {
            Self::Must => true,
            Self::Should => strict,
            Self::Informational => false,
        }
    }

    /// The word as reports show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Informational => "informational",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violated_at(at: Nanos) -> Finding {
        violated(at, "x")
    }

    fn violated(at: Nanos, kind: &str) -> Finding {
        let mut finding = Finding { observations: 1, ..Finding::default() };
        finding.violate(|| Violation {
            summary: kind.into(),
            exhibits: vec![Exhibit { at, client: ClientId(0), text: "y".into() }],
            therefore: String::new(),
            but: String::new(),
        });
        finding
    }

    #[test]
    fn silence_is_never_a_pass() {
        assert_eq!(Finding::default().standing(0), Standing::NotExercised);
    }

    #[test]
    fn a_failure_outranks_a_doubt() {
        let mut finding = violated_at(1);
        finding.doubts.push("the generator was late".into());
        assert_eq!(finding.standing(1), Standing::Fail);
    }

    #[test]
    fn many_of_one_kind_do_not_hide_another() {
        let all = (0..50).map(|at| violated(at, "frequent")).chain([violated(60, "rare")]);
        let sum = all.fold(Finding::default(), Finding::merge);
        assert_eq!(sum.kinds, [("frequent".to_owned(), 50), ("rare".to_owned(), 1)]);
        let specimens: Vec<_> =
            sum.specimens().map(|(violation, count)| (violation.summary.as_str(), count)).collect();
        assert_eq!(specimens, [("frequent", 50), ("rare", 1)]);
        assert_eq!(sum.violations.len(), 4);
    }

    #[test]
    fn merging_is_commutative_and_keeps_the_earliest() {
        let (a, b) = (violated_at(5), violated_at(3));
        let one = a.clone().merge(b.clone());
        assert_eq!(one, b.merge(a));
        assert_eq!(one.violations[0].exhibits[0].at, 3);
        assert_eq!(one.violation_count, 2);
    }
}
