//! The counts of one shard, slice by slice.
//!
//! It looks at the sums when a slice is over and keeps what was added since the last look, so that
//! counting itself costs no more than before. A run has at most [`MOST_INTERVALS`] slices, as its
//! [`Timeline`](crate::metric::Timeline) has; what comes later is counted into the last.

use crate::history::Nanos;
use crate::metric::counters::{Counter, Counters};
use crate::metric::timeline::MOST_INTERVALS;

/// Counts by slice.
#[derive(Clone, Debug)]
pub struct Slices {
    length: Nanos,
    /// The slice that is counted now.
    slot: u32,
    /// When it is over.
    ends: Nanos,
    /// The sums when it began.
    before: Counters,
    done: Vec<Counters>,
}

impl Slices {
    /// No slices yet; `length` in nanoseconds, not 0.
    #[must_use]
    pub fn new(length: Nanos) -> Self {
        let length = length.max(1);
        Self { length, slot: 0, ends: length, before: Counters::default(), done: Vec::new() }
    }

    /// Ends the slice if it is over at `at`. Call it before anything that happened at `at` is counted.
    pub fn look(&mut self, at: Nanos, sums: &Counters) {
        if at >= self.ends {
            self.turn(at, sums);
        }
    }

    /// What was counted in each slice, the last one included; `sums` are the sums of now.
    #[must_use]
    pub fn per_slice(&self, sums: &Counters) -> Vec<Counters> {
        let mut all = self.done.clone();
        all.push(sums.since(&self.before));
        all
    }

    fn turn(&mut self, at: Nanos, sums: &Counters) {
        self.done.push(sums.since(&self.before));
        self.before.clone_from(sums);
        let last = MOST_INTERVALS - 1;
        self.slot = (at / self.length).min(u64::from(last)) as u32;
        // Nothing was counted in those that are skipped.
        self.done.resize(self.slot as usize, Counters::default());
        self.ends = match self.slot == last {
            true => Nanos::MAX,
            false => self.length * (u64::from(self.slot) + 1),
        };
    }
}

/// Adds the slices of another shard.
pub(super) fn merge(ours: &mut Vec<Counters>, theirs: &[Counters]) {
    if ours.len() < theirs.len() {
        ours.resize(theirs.len(), Counters::default());
    }
    for (ours, theirs) in ours.iter_mut().zip(theirs) {
        ours.merge(theirs);
    }
}

/// How many clients were connected at the end of each slice.
pub(super) fn connected(slices: &[Counters]) -> Vec<u64> {
    let mut now: u64 = 0;
    let level = |counts: &Counters| {
        now += counts.get(Counter::Connects) + counts.get(Counter::Reconnects);
        now = now.saturating_sub(counts.get(Counter::Disconnects));
        now
    };
    slices.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(slices: &mut Slices, sums: &mut Counters, at: Nanos, counter: Counter) {
        slices.look(at, sums);
        sums.add(counter, 1);
    }

    #[test]
    fn each_slice_has_its_own_and_silence_is_a_slice_too() {
        let (mut slices, mut sums) = (Slices::new(10), Counters::default());
        for at in [0, 9, 10, 35] {
            count(&mut slices, &mut sums, at, Counter::Deliveries);
        }
        let all = slices.per_slice(&sums);
        let deliveries: Vec<u64> = all.iter().map(|c| c.get(Counter::Deliveries)).collect();
        assert_eq!(deliveries, [2, 1, 0, 1]);
    }

    #[test]
    fn an_endless_run_takes_no_more_slices_and_loses_no_count() {
        let (mut slices, mut sums) = (Slices::new(1), Counters::default());
        for at in 0..u64::from(MOST_INTERVALS) + 500 {
            count(&mut slices, &mut sums, at, Counter::Deliveries);
        }
        let all = slices.per_slice(&sums);
        assert_eq!(all.len(), MOST_INTERVALS as usize);
        assert_eq!(all.last().map(|c| c.get(Counter::Deliveries)), Some(501));
    }

    #[test]
    fn shards_add_up_and_who_left_is_not_connected() {
        let (mut slices, mut sums) = (Slices::new(10), Counters::default());
        count(&mut slices, &mut sums, 1, Counter::Connects);
        count(&mut slices, &mut sums, 2, Counter::Connects);
        count(&mut slices, &mut sums, 25, Counter::Disconnects);
        count(&mut slices, &mut sums, 31, Counter::Reconnects);
        let mut all = slices.per_slice(&sums);
        merge(&mut all, &slices.per_slice(&sums)[..3]);
        assert_eq!(connected(&all), [4, 4, 2, 3]);
    }
}
