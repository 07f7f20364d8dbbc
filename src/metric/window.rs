//! The part of a run that is measured, where not all of it is: one phase.
//!
//! What was planned while the phase lasted is measured whenever it ends, so that a slow server cannot
//! push its latencies out of the picture. What is counted per second is counted by when it happened.

use crate::history::Nanos;
use compact_str::CompactString;

/// A phase that is measured, and what happened while it lasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    phase: CompactString,
    from: Option<Nanos>,
    to: Option<Nanos>,
    /// Sends that began.
    pub sent: u64,
    /// Sends that were confirmed.
    pub acked: u64,
    /// Live messages.
    pub delivered: u64,
}

impl Window {
    /// The window of the phase of this name.
    #[must_use]
    pub fn of(phase: &str) -> Self {
        Self { phase: phase.into(), from: None, to: None, sent: 0, acked: 0, delivered: 0 }
    }

    /// A phase begins.
    pub fn turn(&mut self, phase: &str, at: Nanos) {
        if self.from.is_none() {
            self.from = (self.phase == phase).then_some(at);
        } else {
            self.to.get_or_insert(at);
        }
    }

    /// This time lies in it.
    #[must_use]
    pub fn has(&self, at: Nanos) -> bool {
        self.from.is_some_and(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    /// How long it lasted; 0 if it did not come, or not to its end.
    #[must_use]
    pub fn lasted(&self) -> Nanos {
        self.to.zip(self.from).map_or(0, |(to, from)| to.saturating_sub(from))
    }

    /// Adds what another shard saw in the same phase.
    pub fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.acked += other.acked;
        self.delivered += other.delivered;
        self.from = self.from.or(other.from);
        self.to = self.to.or(other.to);
    }

    /// So many of them a second; 0 if nobody knows for how long.
    #[must_use]
    pub fn per_second(&self, count: u64) -> f64 {
        match self.lasted() {
            0 => 0.0,
            nanos => count as f64 * 1e9 / nanos as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_from_its_phase_to_the_next() {
        let mut window = Window::of("steady");
        for (phase, at) in [("connect", 0), ("warm-up", 10), ("steady", 20), ("recovery", 60)] {
            window.turn(phase, at);
        }
        let inside: Vec<Nanos> = (0..80).step_by(10).filter(|at| window.has(*at)).collect();
        assert_eq!((inside, window.lasted()), (vec![20, 30, 40, 50], 40));
    }

    #[test]
    fn shards_add_up_over_one_stretch_of_time() {
        let mut one = Window::of("steady");
        one.turn("steady", 0);
        one.turn("end", 2_000_000_000);
        one.acked = 30;
        one.merge(&Window { acked: 10, ..one.clone() });
        assert!((one.per_second(one.acked) - 20.0).abs() < 1e-9);
        assert_eq!(Window::of("never").per_second(5), 0.0);
    }
}
