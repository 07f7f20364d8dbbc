//! When the generator itself stood still, as far as it noticed.

use crate::history::Nanos;
use std::collections::VecDeque;

/// Stalls that are remembered.
const KEPT: usize = 2_000;
/// A server drops a client whose heartbeat it misses; what happened so long ago may be why.
const HEARTBEAT: Nanos = 10_000_000_000;
/// A machine that stalls for so long within that time is starved, a server on it as well.
const STARVED: Nanos = 500_000_000;

/// The generator's stalls: from, to.
#[derive(Debug, Default)]
pub(super) struct Stalls(VecDeque<(Nanos, Nanos)>);

impl Stalls {
    /// A timer fired so much too late.
    pub(super) fn add(&mut self, at: Nanos, late: Nanos) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((at.saturating_sub(late), at));
    }

    /// How long the generator stood still between two moments.
    pub(super) fn within(&self, from: Nanos, to: Nanos) -> Nanos {
        let overlap = |stall: &(Nanos, Nanos)| stall.1.min(to).saturating_sub(stall.0.max(from));
        self.0.iter().map(overlap).fold(0, Nanos::saturating_add)
    }

    /// A connection that is lost now may have missed its heartbeat on a starved machine.
    pub(super) fn explain_a_loss(&self, at: Nanos) -> bool {
        self.within(at.saturating_sub(HEARTBEAT), at) >= STARVED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_counts() {
        let mut stalls = Stalls::default();
        stalls.add(500, 200);
        stalls.add(900, 100);
        assert_eq!(stalls.within(0, 1_000), 300);
        assert_eq!(stalls.within(400, 850), 150);
        assert!(!stalls.explain_a_loss(1_000));
        stalls.add(2_000_000_000, STARVED);
        assert!(stalls.explain_a_loss(3_000_000_000));
        assert!(!stalls.explain_a_loss(20_000_000_000));
    }
}
