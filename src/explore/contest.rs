//! Whether one script fails as often as another: few runs decide. Pure arithmetic: no plays, no dice.
//!
//! A race does not fail every time. What is known of its rate is an [`Interval`]; [`Contest`] decides with
//! few runs whether another script fails at least half as often.

use crate::explore::odds::Interval;
use std::fmt;

/// How often what fails half as often, or less, may be accepted.
const TOO_KIND: f64 = 0.05;
/// How often what fails as often as before may be rejected.
const TOO_STRICT: f64 = 0.1;
/// What fails more often than this is held against so much of its rate, and not against all of it: two passes
/// in a row are no proof that a plan of which every play failed lost half of its rate. It takes more plays,
/// which where failures are rare are too many.
const OFTEN: f64 = 0.5;
const GOOD_ENOUGH: f64 = 0.75;
/// A rate that is too small to be looked for.
const HARDLY_EVER: f64 = 0.002;

/// Failures among runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// How many failed.
    pub failed: u32,
    /// Of so many.
    pub runs: u32,
}

impl Rate {
    /// So many failed, of so many.
    #[must_use]
    pub const fn new(failed: u32, runs: u32) -> Self {
        Self { failed, runs }
    }

    /// The share that was measured; 0 without a run.
    #[must_use]
    pub fn share(self) -> f64 {
        if self.runs == 0 { 0.0 } else { f64::from(self.failed) / f64::from(self.runs) }
    }

    /// Between which shares the true one lies: 95 of 100 such intervals hold it.
    #[must_use]
    pub fn interval(self) -> Interval {
        Interval::of(self.failed, self.runs)
    }

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { failed: self.failed + other.failed, runs: self.runs + other.runs }
    }
}

/// `37 of 50 (60 to 84 %)`
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} ({})", self.failed, self.runs, self.interval())
    }
}

/// What a contest came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It fails often enough.
    Accepted,
    /// It does not.
    Rejected,
}

/// Whether something fails at least half as often as something else did, decided run by run: Wald's
/// sequential test of the old rate, or of three quarters of it where it is high, against half of it.
///
/// What fails half as often or less is accepted in fewer than 5 of 100 contests, what fails as often as
/// before is rejected in fewer than 10, if the budget lets the test come to its end. In between either may
/// happen, and either is right. When the budget is spent the likelier of the two rates decides.
#[derive(Clone, Copy, Debug)]
pub struct Contest {
    /// What a failure says for the old rate and against half of it, as a logarithm; and what a pass does.
    failure: f64,
    pass: f64,
    said: f64,
    budget: u32,
    seen: Rate,
}

impl Contest {
    /// Against this rate, in so many runs at most.
    #[must_use]
    pub fn against(old: Rate, budget: u32) -> Self {
        let whole = old.share().max(HARDLY_EVER);
        let half = whole / 2.0;
        let good = if whole > OFTEN { whole * GOOD_ENOUGH } else { whole };
        let pass = ((1.0 - good) / (1.0 - half)).ln();
        Self { failure: (good / half).ln(), pass, said: 0.0, budget, seen: Rate::default() }
    }

    /// Takes a run.
    pub fn take(&mut self, failed: bool) {
        self.said += if failed { self.failure } else { self.pass };
        self.seen = self.seen.and(Rate::new(u32::from(failed), 1));
    }

    /// What it has come to, if it has come to anything.
    #[must_use]
    pub fn decision(&self) -> Option<Decision> {
        let accepted = ((1.0 - TOO_STRICT) / TOO_KIND).ln();
        let rejected = (TOO_STRICT / (1.0 - TOO_KIND)).ln();
        let spent = self.seen.runs >= self.budget;
        if self.said >= accepted || spent && self.said > 0.0 {
            Some(Decision::Accepted)
        } else if self.said <= rejected || spent {
            Some(Decision::Rejected)
        } else {
            None
        }
    }

    /// What was seen so far.
    #[must_use]
    pub const fn seen(&self) -> Rate {
        self.seen
    }

    /// How many runs may still be made.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.budget.saturating_sub(self.seen.runs)
    }

    /// How many runs it takes at least to come to an end, if all turn out alike: so many can be made side
    /// by side without one in vain.
    #[must_use]
    pub fn at_least(&self) -> u32 {
        let mut ends = [true, false].map(|failed| {
            let mut contest = *self;
            while contest.decision().is_none() {
                contest.take(failed);
            }
            contest.seen.runs - self.seen.runs
        });
        ends.sort_unstable();
        ends[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::dice::Dice;

    /// How many of 2,000 contests a coin of this rate wins against the old one, and runs per contest.
    fn won(old: Rate, rate: f64, budget: u32) -> (f64, f64) {
        let (mut accepted, mut runs) = (0, 0);
        for seed in 0..2_000 {
            let mut dice = Dice::new(seed, "coins", 0, 0);
            let mut contest = Contest::against(old, budget);
            let decision = loop {
                match contest.decision() {
                    Some(decision) => break decision,
                    None => contest.take(dice.chance(rate)),
                }
            };
            assert!(contest.seen().runs <= budget);
            accepted += u32::from(decision == Decision::Accepted);
            runs += contest.seen().runs;
        }
        (f64::from(accepted) / 2_000.0, f64::from(runs) / 2_000.0)
    }

    #[test]
    fn intervals_are_those_of_the_books() {
        // Values of Wilson's interval without correction, as in Newcombe 1998.
        for ((failed, runs), (low, high)) in [
            ((81, 263), (0.2553, 0.3662)),
            ((15, 148), (0.0624, 0.1605)),
            ((0, 20), (0.0, 0.1611)),
            ((1, 29), (0.0061, 0.1718)),
        ] {
            let found = Rate::new(failed, runs).interval();
            assert!((found.low - low).abs() < 1e-4, "{found:?}");
            assert!((found.high - high).abs() < 1e-4, "{found:?}");
        }
        assert_eq!(Rate::new(37, 50).to_string(), "37 of 50 (60 to 84 %)");
    }

    #[test]
    fn ninety_five_of_a_hundred_intervals_hold_the_true_rate() {
        for rate in [0.05, 0.3, 0.74, 0.97] {
            let held = (0..2_000).filter(|seed| {
                let mut dice = Dice::new(*seed, "coins", 0, 0);
                let failed = (0..50).filter(|_| dice.chance(rate)).count();
                let Interval { low, high } = Rate::new(failed as u32, 50).interval();
                (low..=high).contains(&rate)
            });
            let held = held.count();
            assert!((1_840..=1_980).contains(&held), "{held} of 2,000 at {rate}");
        }
    }

    #[test]
    fn a_contest_errs_as_seldom_as_it_says() {
        for old in [Rate::new(50, 50), Rate::new(40, 50), Rate::new(20, 50), Rate::new(10, 50)] {
            let share = old.share();
            let (half, _) = won(old, share / 2.0, 400);
            assert!(half < 0.06, "{half} of those with half of {share} were accepted");
            let (whole, runs) = won(old, share, 400);
            assert!(whole > 0.89, "{whole} of those with {share} were accepted, in {runs} runs");
            let (never, runs) = won(old, 0.0, 400);
            assert_eq!(never, 0.0);
            assert!(runs < 25.0, "{runs} runs until something that never fails is rejected");
        }
    }

    #[test]
    fn what_keeps_most_of_a_high_rate_is_accepted() {
        let (most, runs) = won(Rate::new(50, 50), 0.75, 60);
        assert!(most > 0.8 && runs < 40.0, "{most} of those with three quarters, in {runs} runs");
    }

    #[test]
    fn a_contest_that_runs_out_of_its_budget_decides_all_the_same() {
        let old = Rate::new(5, 50);
        let (half, runs) = won(old, 0.05, 60);
        assert!(half < 0.25 && runs <= 60.0, "{half} in {runs} runs");
        let (whole, _) = won(old, 0.1, 60);
        assert!(whole > 0.7, "{whole}");
        assert!(won(old, 0.01, 60).0 < 0.01);
    }

    #[test]
    fn runs_side_by_side_are_not_made_in_vain() {
        let contest = Contest::against(Rate::new(25, 50), 100);
        assert_eq!(contest.at_least(), 5);
        let mut later = contest;
        (0..3).for_each(|_| later.take(true));
        assert_eq!((later.at_least(), later.left()), (2, 97));
    }

    #[test]
    fn what_is_gone_is_known_after_enough_runs() {
        for (old, rate) in [(Rate::new(10, 50), 0.2), (Rate::new(25, 50), 0.5)] {
            let needed = old.interval().passes_to_exclude();
            let fooled = (0..2_000).filter(|seed| {
                let mut dice = Dice::new(*seed, "coins", 0, 0);
                !(0..needed).any(|_| dice.chance(rate))
            });
            let fooled = fooled.count();
            assert!(fooled <= 100, "{fooled} of 2,000 rows of {needed} show nothing at {rate}");
        }
    }
}
