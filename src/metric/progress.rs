//! How a run stands while it goes. It knows neither who watches nor how it is drawn.

use crate::history::Nanos;
use std::collections::VecDeque;

/// A run in the middle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Since the run's start.
    pub elapsed: Nanos,
    /// How long the run is planned to last; 0 if that is unknown.
    pub of: Nanos,
    /// The phase of the scenario.
    pub phase: String,
    /// Clients that are connected now.
    pub connected: u64,
    /// All clients.
    pub clients: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages acknowledged.
    pub acked: u64,
    /// Messages delivered.
    pub deliveries: u64,
    /// Operations without an answer yet.
    pub in_flight: u64,
    /// Messages sent per second, of late.
    pub send_rate: f64,
    /// Messages delivered per second, of late.
    pub delivery_rate: f64,
    /// Violations found so far.
    pub violations: u64,
    /// Of which properties, those that are promised first.
    pub broken: Vec<Broken>,
    /// 95th percentile of the ack latency, if there was one.
    pub ack_p95: Option<Nanos>,
    /// 95th percentile of the delivery latency, if there was one.
    pub delivery_p95: Option<Nanos>,
    /// 99th percentile of the generator's own lag.
    pub lag_p99: Option<Nanos>,
    /// Share of one core that the busiest shard used, of late.
    pub cpu_share: f64,
    /// Faults that last at the moment.
    pub faults: Vec<String>,
}

/// A property that was found broken in a run that still goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its id.
    pub property: String,
    /// How often.
    pub violations: u64,
    /// The spec promises it.
    pub promised: bool,
}

/// How fast two counts grow, over the last few seconds.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    seen: VecDeque<(Nanos, u64, u64)>,
}

/// Over how long a pace is measured: long enough not to flicker.
const WINDOW: Nanos = 3_000_000_000;

impl Pace {
    /// Takes two counts at a time, which never goes backwards; their growth per second.
    pub fn see(&mut self, at: Nanos, one: u64, other: u64) -> (f64, f64) {
        self.seen.push_back((at, one, other));
        while self.seen.get(1).is_some_and(|(next, ..)| next + WINDOW <= at) {
            self.seen.pop_front();
        }
        let Some((since, first, second)) = self.seen.front().copied() else { return (0.0, 0.0) };
        let seconds = at.saturating_sub(since) as f64 / 1e9;
        let rate = |now: u64, then: u64| match seconds > 0.0 {
            true => now.saturating_sub(then) as f64 / seconds,
            false => 0.0,
        };
        (rate(one, first), rate(other, second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_that_of_the_last_seconds_and_takes_little_memory() {
        let mut pace = Pace::default();
        assert_eq!(pace.see(0, 5, 5), (0.0, 0.0));
        for tenth in 1..=100 {
            pace.see(tenth * 100_000_000, 5 + tenth * 9, 5);
        }
        let (sends, deliveries) = pace.see(10_000_000_000, 905, 5);
        assert!((sends - 90.0).abs() < 3.0, "{sends}");
        assert!(deliveries.abs() < 1e-9 && pace.seen.len() < 40);
    }
}
