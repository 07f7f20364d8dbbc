//! The figures of one phase, and the share of receivers that messages reached.
//!
//! What was planned while a phase lasted counts to it, whenever it ended. It knows neither how anything
//! was measured nor how it is shown.

use crate::outcome::Percentiles;
use serde::{Deserialize, Serialize};

/// What was measured of one phase of the scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseFigures {
    /// The phase.
    pub name: String,
    /// When it began on the run's clock, in nanoseconds.
    pub begins: u64,
    /// When it was over, in nanoseconds.
    pub ends: u64,
    /// The latencies, without what was not measured in it.
    pub latencies: Vec<Timed>,
    /// Whom the messages of the phase reached.
    #[serde(default, skip_serializing_if = "Reach::is_empty")]
    pub reach: Reach,
}

/// One latency of a phase, from the planned time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed {
    /// The series: `ack`.
    pub series: String,
    /// What was measured, in nanoseconds.
    pub planned: Percentiles,
    /// How many attempts failed instead.
    pub failures: u64,
}

/// Whom messages reached: of each message, the other members who were connected when it was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// All of them.
    pub expected: u64,
    /// Those who were pushed it.
    pub live: u64,
    /// Those who got it by a sync instead.
    pub synced: u64,
}

impl PhaseFigures {
    /// The latency of this name, if it was measured.
    #[must_use]
    pub fn latency(&self, series: &str) -> Option<&Timed> {
        self.latencies.iter().find(|timed| timed.series == series)
    }
}

impl Reach {
    /// Nobody was to get anything.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.expected == 0
    }

    /// The share that was pushed the messages; none if nobody was to get any.
    #[must_use]
    pub fn live(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.live as f64 / self.expected as f64)
    }

    /// The share that got them, syncs included; none if nobody was to get any.
    #[must_use]
    pub fn in_all(&self) -> Option<f64> {
        (!self.is_empty()).then(|| (self.live + self.synced) as f64 / self.expected as f64)
    }

    /// Adds another's.
    pub const fn add(&mut self, other: &Self) {
        self.expected += other.expected;
        self.live += other.live;
        self.synced += other.synced;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reached_of_nobody_is_no_share() {
        assert_eq!(Reach::default().live(), None);
        let mut reach = Reach { expected: 4, live: 2, synced: 1 };
        assert_eq!((reach.live(), reach.in_all()), (Some(0.5), Some(0.75)));
        reach.add(&Reach { expected: 4, live: 4, synced: 0 });
        assert_eq!((reach.live(), reach.in_all()), (Some(0.75), Some(0.875)));
    }
}
