//! Latencies and reach by phase: what was planned while a phase lasted counts to it, whenever it ended.
//!
//! What was planned before the first phase or after the last counts to none. Memory: a histogram for
//! each phase and series of which there is anything, of which only the touched part takes room.

use crate::history::Nanos;
use crate::metric::distribution::Distribution;
use crate::metric::series::Series;
use crate::outcome::phase::{PhaseFigures, Reach, Timed};
use crate::scenario;

/// What was measured of each phase of a plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Phases {
    all: Vec<Phase>,
}

#[derive(Clone, Debug)]
struct Phase {
    name: String,
    from: Nanos,
    to: Nanos,
    tracks: [Track; Series::ALL.len()],
    reach: Reach,
}

#[derive(Clone, Debug, Default)]
struct Track {
    planned: Distribution,
    failures: u64,
}

impl Phases {
    /// The phases of a plan whose first one begins at `start`; nothing was measured yet.
    pub(super) fn planned(start: Nanos, phases: &[scenario::Phase]) -> Self {
        let mut from = start;
        let all = phases.iter().map(|phase| {
            let to = from + phase.lasts.as_nanos() as Nanos;
            let began = std::mem::replace(&mut from, to);
            let (name, reach) = (phase.name.clone(), Reach::default());
            Phase { name, from: began, to, tracks: Default::default(), reach }
        });
        Self { all: all.collect() }
    }

    /// Something planned then took so long.
    pub(super) fn record(&mut self, series: Series, planned: Nanos, nanos: Nanos) {
        if let Some(phase) = self.at(planned) {
            phase.tracks[series as usize].planned.record(nanos);
        }
    }

    /// Something planned then failed instead.
    pub(super) fn fail(&mut self, series: Series, planned: Nanos) {
        if let Some(phase) = self.at(planned) {
            phase.tracks[series as usize].failures += 1;
        }
    }

    /// A message planned then reached these.
    pub(super) fn reach(&mut self, planned: Nanos, reach: &Reach) {
        if let Some(phase) = self.at(planned) {
            phase.reach.add(reach);
        }
    }

    /// Adds what another shard measured of the same phases.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.all.is_empty() {
            self.all.clone_from(&other.all);
            return;
        }
        for (ours, theirs) in self.all.iter_mut().zip(&other.all) {
            ours.reach.add(&theirs.reach);
            for (ours, theirs) in ours.tracks.iter_mut().zip(&theirs.tracks) {
                ours.planned.merge(&theirs.planned);
                ours.failures += theirs.failures;
            }
        }
    }

    /// The figures of each phase, in the order of time.
    pub(super) fn figures(&self) -> Vec<PhaseFigures> {
        self.all.iter().map(Phase::figures).collect()
    }

    /// The phase of this time: mostly one of the last.
    fn at(&mut self, planned: Nanos) -> Option<&mut Phase> {
        let began = self.all.iter_mut().rev().find(|phase| phase.from <= planned);
        began.filter(|phase| planned < phase.to)
    }
}

impl Phase {
    fn figures(&self) -> PhaseFigures {
        let timed = |(series, track): (Series, &Track)| {
            let planned = track.planned.percentiles();
            let failures = track.failures;
            let is_measured = planned.count + failures > 0;
            is_measured.then(|| Timed { series: series.name().to_owned(), planned, failures })
        };
        PhaseFigures {
            name: self.name.clone(),
            begins: self.from,
            ends: self.to,
            latencies: Series::ALL.into_iter().zip(&self.tracks).filter_map(timed).collect(),
            reach: self.reach,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND: Nanos = 1_000_000_000;

    fn phases() -> Phases {
        let phase = |name: &str| scenario::Phase {
            name: name.into(),
            lasts: Duration::from_secs(2),
            connect: 0.0,
            steps: None,
            behaviour: scenario::Behaviour::default(),
        };
        Phases::planned(SECOND, &[phase("calm"), phase("spike")])
    }

    #[test]
    fn what_was_planned_in_a_phase_counts_to_it_whenever_it_ended() {
        let mut phases = phases();
        for (planned, took) in [(0, 1), (SECOND, 2), (3 * SECOND - 1, 9), (3 * SECOND, 4)] {
            phases.record(Series::Ack, planned, took * SECOND);
        }
        phases.fail(Series::Ack, 4 * SECOND);
        phases.fail(Series::Ack, 5 * SECOND);
        let figures = phases.figures();
        let ack = |at: usize| figures[at].latency("ack").unwrap();
        assert_eq!((ack(0).planned.count, ack(0).planned.max / SECOND), (2, 9));
        assert_eq!((ack(1).planned.count, ack(1).failures), (1, 1));
        assert_eq!(figures[1].latency("delivery"), None);
        assert_eq!((figures[1].begins, figures[1].ends), (3 * SECOND, 5 * SECOND));
    }

    #[test]
    fn shards_are_merged_and_never_averaged() {
        let (mut one, mut other) = (phases(), phases());
        for nanos in 1..=99 {
            one.record(Series::Delivery, SECOND, nanos * 1_000_000);
        }
        other.record(Series::Delivery, SECOND, 5 * SECOND);
        other.reach(SECOND, &Reach { expected: 3, live: 2, synced: 1 });
        let mut sum = Phases::default();
        sum.merge(&one);
        sum.merge(&other);
        let figures = sum.figures();
        let delivery = &figures[0].latency("delivery").unwrap().planned;
        assert_eq!(delivery.count, 100);
        assert!(delivery.p50 < 60_000_000 && delivery.max > 4 * SECOND, "{delivery:?}");
        assert_eq!(figures[0].reach.expected, 3);
    }
}
