//! How late the generator itself was: what a judge must not take for somebody else's lateness.

use crate::history::Nanos;
use crate::verdict::{Finding, Violation};
use std::collections::VecDeque;

/// Stalls that are remembered.
const KEPT: usize = 2_000;
/// A server drops a client whose heartbeat it misses; what happened so long ago may be why.
const HEARTBEAT: Nanos = 10_000_000_000;
/// A machine that stalls for so long within that time is starved, a server on it as well.
const STARVED: Nanos = 500_000_000;

/// The generator's stalls of late: from, to.
#[derive(Debug, Default)]
pub(super) struct Stalls(VecDeque<(Nanos, Nanos)>);

impl Stalls {
    /// The generator noticed now that it was this late.
    pub(super) fn note(&mut self, now: Nanos, late: Nanos) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now.saturating_sub(late), now));
    }

    /// Forgets stalls that ended before.
    pub(super) fn forget_before(&mut self, then: Nanos) {
        while self.0.front().is_some_and(|(_, to)| *to < then) {
            self.0.pop_front();
        }
    }

    /// How long the generator stalled between two moments.
    pub(super) fn between(&self, from: Nanos, to: Nanos) -> Nanos {
        let overlap = |stall: &(Nanos, Nanos)| stall.1.min(to).saturating_sub(stall.0.max(from));
        self.0.iter().map(overlap).fold(0, Nanos::saturating_add)
    }

    /// The generator stalled for a tenth of this time: the whole machine was starved, a server on
    /// it as well, and the measured stalls are only a part of it.
    pub(super) fn starved(&self, from: Nanos, to: Nanos) -> bool {
        let stall = self.between(from, to);
        stall > 0 && stall.saturating_mul(10) >= to.saturating_sub(from)
    }

    /// A connection that is lost now may have missed its heartbeat on a starved machine.
    pub(super) fn explain_a_loss(&self, now: Nanos) -> bool {
        self.between(now.saturating_sub(HEARTBEAT), now) >= STARVED
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Accusations that wait: a generator that was late learns of it a moment after what it did late.
#[derive(Debug, Default)]
pub(super) struct Suspicions(VecDeque<Suspicion>);

#[derive(Debug)]
struct Suspicion {
    from: Nanos,
    at: Nanos,
    /// The latest moment that would have been right, where there is one.
    latest: Nanos,
    violation: Violation,
}

/// How long an accusation waits.
const HINDSIGHT: Nanos = 1_000_000_000;

impl Suspicions {
    /// What happened between these moments is wrong, unless the generator stalled meanwhile, or
    /// stalled for as long as it came after the latest moment that would have been right.
    pub(super) fn add(&mut self, from: Nanos, at: Nanos, latest: Nanos, violation: Violation) {
        self.0.push_back(Suspicion { from, at, latest, violation });
    }

    /// Accuses of what has waited long enough; counts what the generator's lateness may explain.
    pub(super) fn settle(&mut self, now: Nanos, stalls: &Stalls, finding: &mut Finding) -> u64 {
        let mut doubts = 0;
        let waited = |one: &mut Suspicion| one.at.saturating_add(HINDSIGHT) < now;
        while let Some(Suspicion { from, at, latest, violation }) = self.0.pop_front_if(waited) {
            let stalled = stalls.between(from, at.saturating_add(HINDSIGHT));
            if stalls.starved(from, at) || at <= latest.saturating_add(stalled) {
                doubts += 1;
            } else {
                finding.violate(|| violation);
            }
        }
        doubts
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_on_a_starved_machine_is_explained() {
        let mut stalls = Stalls::default();
        stalls.note(900, 100);
        assert!(!stalls.explain_a_loss(1_000));
        stalls.note(2_000_000_000, STARVED);
        assert!(stalls.explain_a_loss(3_000_000_000));
        assert!(!stalls.explain_a_loss(20_000_000_000));
    }

    #[test]
    fn only_what_falls_between_counts() {
        let mut stalls = Stalls::default();
        stalls.note(100, 30);
        stalls.note(200, 10);
        assert_eq!(stalls.between(0, 300), 40);
        assert_eq!(stalls.between(80, 195), 25);
        assert_eq!(stalls.between(101, 189), 0);
        assert!(stalls.starved(0, 300) && !stalls.starved(101, 1_000));
        stalls.forget_before(150);
        assert_eq!((stalls.between(0, 300), stalls.len()), (10, 1));
    }
}
