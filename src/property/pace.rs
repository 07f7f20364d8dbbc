//! How fast each person sends, as far as the history can tell.
//!
//! A send arrives at the server at some time between its leaving and its answer, nobody knows when.
//! So a pace is counted both ways: how many attempts *may* lie within a window, and how many
//! *must*. Limiters differ (fixed windows, sliding ones, buckets); what is said here holds for all.

use crate::history::{Nanos, OpId, PersonId};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Windows that are remembered.
const WINDOWS: Nanos = 6;
/// Attempts of one person that are remembered.
const ATTEMPTS: usize = 2_000;

/// The attempts of the last few windows.
#[derive(Debug)]
pub(super) struct Pace {
    most: u32,
    window: Nanos,
    /// What the edges of a window are uncertain by.
    edge: Nanos,
    people: FxHashMap<PersonId, VecDeque<Attempt>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) op: OpId,
    pub(super) number: u32,
    pub(super) sent: Nanos,
    /// When its answer came.
    pub(super) answered: Option<Nanos>,
    /// It was the first yes for its message.
    pub(super) accepted: bool,
}

impl Pace {
    pub(super) fn new(most: u32, window: Nanos, edge: Nanos) -> Self {
        Self { most, window, edge, people: FxHashMap::default() }
    }

    pub(super) const fn most(&self) -> u32 {
        self.most
    }

    pub(super) const fn window(&self) -> Nanos {
        self.window
    }

    pub(super) fn len(&self) -> usize {
        self.people.values().map(VecDeque::len).sum()
    }

    /// What the server counted is gone: it was restarted.
    pub(super) fn forget(&mut self) {
        self.people.clear();
    }

    /// An attempt leaves.
    pub(super) fn sent(&mut self, person: PersonId, op: OpId, number: u32, at: Nanos) {
        let attempts = self.people.entry(person).or_default();
        let old = at.saturating_sub(WINDOWS * self.window);
        while attempts.front().is_some_and(|first| first.sent < old) || attempts.len() >= ATTEMPTS {
            attempts.pop_front();
        }
        attempts.push_back(Attempt { op, number, sent: at, answered: None, accepted: false });
    }

    /// Its answer came; gives back when it was sent, if that is remembered.
    pub(super) fn answered(
        &mut self,
        person: PersonId,
        op: OpId,
        number: u32,
        at: Nanos,
        accepted: bool,
    ) -> Option<Nanos> {
        let attempts = self.people.get_mut(&person)?;
        let attempt = attempts.iter_mut().rev().find(|one| one.op == op && one.number == number)?;
        attempt.answered.get_or_insert(at);
        attempt.accepted |= accepted;
        Some(attempt.sent)
    }

    /// When an attempt was sent, if that is remembered.
    pub(super) fn sent_at(&self, person: PersonId, op: OpId, number: u32) -> Option<Nanos> {
        let mut attempts = self.people.get(&person)?.iter().rev();
        let attempt = attempts.find(|one| one.op == op && one.number == number)?;
        Some(attempt.sent)
    }

    /// What was accepted so far was complained of: the next complaint needs as much again.
    pub(super) fn start_over(&mut self, person: PersonId) {
        let attempts = self.people.get_mut(&person).into_iter().flatten();
        attempts.for_each(|attempt| attempt.accepted = false);
    }

    /// How many other attempts of the person may have arrived within a window before an attempt
    /// that was sent and answered at these times.
    pub(super) fn may_precede(&self, person: PersonId, op: OpId, sent: Nanos, at: Nanos) -> u32 {
        let since = sent.saturating_sub(self.window + self.edge);
        let others = self.people.get(&person).into_iter().flatten();
        let within = others
            .filter(|one| one.op != op && one.sent <= at)
            .filter(|one| one.answered.is_none_or(|answered| answered >= since));
        within.count() as u32
    }

    /// The last attempt, if it was made a moment ago, and more than the rate allows lie within a
    /// window before it.
    pub(super) fn beyond(&self, person: PersonId, now: Nanos) -> Option<Attempt> {
        let last = *self.people.get(&person)?.back()?;
        let recent = now.saturating_sub(last.sent) <= self.window / 10;
        let before = self.may_precede(person, last.op, last.sent, now);
        (recent && before >= self.most).then_some(last)
    }

    /// The accepted attempts up to now that are too many for any limiter, if they are: over all
    /// windows that they can touch, and one more.
    pub(super) fn surplus(&self, person: PersonId, now: Nanos) -> Option<Vec<Attempt>> {
        let mut accepted: Vec<Attempt> = Vec::new();
        for attempt in self.people.get(&person)?.iter().rev().filter(|one| one.accepted) {
            accepted.push(*attempt);
            let spans = now.saturating_sub(attempt.sent) + 2 * self.edge;
            let windows = spans.div_ceil(self.window) + 1;
            if accepted.len() as u64 > windows * u64::from(self.most) {
                accepted.reverse();
                return Some(accepted);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: PersonId = PersonId(1);
    const MS: Nanos = 1_000_000;

    /// Sends at these milliseconds, each answered with a yes a millisecond later.
    fn accepted(times: impl IntoIterator<Item = u64>) -> (Pace, Nanos) {
        let mut pace = Pace::new(10, 1_000 * MS, 20 * MS);
        let mut now = 0;
        for (number, at) in times.into_iter().enumerate() {
            let op = OpId(number as u32);
            pace.sent(ANN, op, 0, at * MS);
            now = (at + 1) * MS;
            pace.answered(ANN, op, 0, now, true);
        }
        (pace, now)
    }

    fn is_surplus(times: impl IntoIterator<Item = u64>) -> bool {
        let (pace, now) = accepted(times);
        pace.surplus(ANN, now).is_some()
    }

    #[test]
    fn any_honest_limiter_is_within_the_bound() {
        // At the end of one fixed window and the beginning of the next.
        assert!(!is_surplus((0..20).map(|n| 990 + n)));
        // A full bucket, and what drips into it.
        assert!(!is_surplus((0..10).chain((1..=40).map(|n| n * 100))));
    }

    #[test]
    fn twice_the_rate_shows_after_a_while() {
        assert!(is_surplus((0..21).collect::<Vec<_>>()));
        let bursts =
            |count| (0..3).flat_map(move |burst| (0..count).map(move |n| burst * 1_200 + n));
        assert!(is_surplus(bursts(20)));
        assert!(!is_surplus(bursts(10)));
    }

    #[test]
    fn what_may_have_arrived_within_the_window_counts() {
        let (mut pace, _) = accepted((0..10).map(|n| n * 10));
        let precede =
            |pace: &Pace, sent: u64| pace.may_precede(ANN, OpId(99), sent * MS, (sent + 5) * MS);
        assert_eq!(precede(&pace, 100), 10);
        assert_eq!(precede(&pace, 1_110), 1, "the last was answered at 91, which is on the edge");
        assert_eq!(precede(&pace, 1_200), 0);
        pace.sent(ANN, OpId(50), 0, 200 * MS);
        assert_eq!(precede(&pace, 5_000), 1, "not answered: it may still be on its way");
        pace.forget();
        assert_eq!(precede(&pace, 100), 0);
    }
}
