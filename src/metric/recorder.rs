//! What one shard measured: each series twice, from the planned time and from the actual start.
//!
//! Latency from the planned time is what a user feels when the generator keeps its plan; latency
//! from the actual start is what the server alone took. The two differ when the generator was late
//! or a client had to wait for its connection. It knows no clock: the caller brings all times.

use crate::history::Nanos;
use crate::metric::distribution::Distribution;
use crate::metric::phases::Phases;
use crate::metric::series::Series;
use crate::metric::timeline::Timeline;
use crate::operation::Operation;
use crate::outcome::course::Shape;
use crate::outcome::{Latency, PhaseFigures, Reach};
use crate::scenario::Phase;
use std::collections::BTreeMap;

/// The three times of something that was planned, begun and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// When the plan wanted it.
    pub planned: Nanos,
    /// When it began.
    pub started: Nanos,
    /// When it ended.
    pub ended: Nanos,
}

/// Everything one shard measured.
#[derive(Clone, Debug)]
pub struct Recorder {
    tracks: [Track; Series::ALL.len()],
    /// Deliveries from one node to another, or to itself, where there are several.
    pairs: BTreeMap<(u32, u32), Track>,
    /// Requests of users without a socket, by what they asked for.
    asked: BTreeMap<Operation, Track>,
    timeline: Timeline,
    phases: Phases,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Track {
    planned: Distribution,
    actual: Distribution,
    failures: u64,
}

impl Recorder {
    /// A recorder whose log has a line per series and `interval` (see [`Timeline::interval_for`]).
    /// All recorders of one run have the same interval.
    #[must_use]
    pub fn new(interval: Nanos) -> Self {
        Self {
            tracks: Default::default(),
            pairs: BTreeMap::new(),
            asked: BTreeMap::new(),
            timeline: Timeline::new(interval),
            phases: Phases::default(),
        }
    }

    /// From now on what is planned in one of these phases, the first of which begins at `start`, counts
    /// to it as well.
    pub fn follow(&mut self, start: Nanos, phases: &[Phase]) {
        self.phases = Phases::planned(start, phases);
    }

    /// Records something that ended well.
    pub fn record(&mut self, series: Series, timing: Timing) {
        let felt = timing.ended.saturating_sub(timing.planned);
        self.tracks[series as usize].record(timing);
        self.timeline.record(series, timing.ended, felt);
        self.phases.record(series, timing.planned, felt);
    }

    /// Records a delivery from one node to another.
    pub fn record_between(&mut self, pair: (u32, u32), timing: Timing) {
        self.pairs.entry(pair).or_default().record(timing);
    }

    /// Records a request of a user without a socket: what it took, if it was answered.
    pub fn record_http(&mut self, operation: Operation, timing: Timing, answered: bool) {
        let asked = self.asked.entry(operation).or_default();
        if answered {
            asked.record(timing);
            self.record(Series::Http, timing);
        } else {
            asked.failures += 1;
            self.fail(Series::Http, timing.planned);
        }
    }

    /// Records something planned then that failed instead; it has no latency.
    pub fn fail(&mut self, series: Series, planned: Nanos) {
        self.tracks[series as usize].failures += 1;
        self.phases.fail(series, planned);
    }

    /// Records whom a message that was planned then reached.
    pub fn reach(&mut self, planned: Nanos, reach: &Reach) {
        self.phases.reach(planned, reach);
    }

    /// Records how late a timer of the generator fired.
    pub fn lag(&mut self, due: Nanos, fired: Nanos) {
        let timing = Timing { planned: due, started: due, ended: fired };
        self.record(Series::Lag, timing);
    }

    /// Adds what another shard measured.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.tracks.iter_mut().zip(&other.tracks) {
            ours.merge(theirs);
        }
        for (pair, theirs) in &other.pairs {
            self.pairs.entry(*pair).or_default().merge(theirs);
        }
        for (operation, theirs) in &other.asked {
            self.asked.entry(*operation).or_default().merge(theirs);
        }
        self.timeline.merge(&other.timeline);
        self.phases.merge(&other.phases);
    }

    /// The distribution from the planned time, for progress and self-measurement.
    #[must_use]
    pub fn planned(&self, series: Series) -> &Distribution {
        &self.tracks[series as usize].planned
    }

    /// The second-by-second record.
    #[must_use]
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The figures of each phase.
    #[must_use]
    pub fn phases(&self) -> Vec<PhaseFigures> {
        self.phases.figures()
    }

    /// The latencies of a report: every series but the generator's own lag, also the empty ones; then
    /// the deliveries of each pair of nodes, and what users without a socket asked for.
    #[must_use]
    pub fn latencies(&self) -> Vec<Latency> {
        let series = Series::ALL.into_iter().filter(|series| *series != Series::Lag);
        let series = series.map(|series| {
            let track = &self.tracks[series as usize];
            track.latency(series.name().to_owned(), series.about().to_owned())
        });
        let pairs = self.pairs.iter().map(|(pair, track)| {
            let (from, to) = pair;
            let about = format!("the same from senders on node {from} to members on node {to}");
            track.latency(between(*pair), about)
        });
        let asked = self.asked.iter().map(|(operation, track)| {
            let name = format!("{} {operation}", Series::Http.name());
            track.latency(name, format!("the same, of those that asked for `{operation}`"))
        });
        series.chain(pairs).chain(asked).collect()
    }
}

/// What the deliveries from one node to another are called.
pub(super) fn between((from, to): (u32, u32)) -> String {
    format!("{} node {from} → node {to}", Series::Delivery.name())
}

impl Track {
    fn record(&mut self, timing: Timing) {
        self.planned.record(timing.ended.saturating_sub(timing.planned));
        self.actual.record(timing.ended.saturating_sub(timing.started));
    }

    fn merge(&mut self, other: &Self) {
        self.planned.merge(&other.planned);
        self.actual.merge(&other.actual);
        self.failures += other.failures;
    }

    fn latency(&self, series: String, about: String) -> Latency {
        Latency {
            series,
            about,
            planned: self.planned.percentiles(),
            actual: self.actual.percentiles(),
            failures: self.failures,
            shape: Shape {
                planned: self.planned.curve(),
                actual: self.actual.curve(),
                buckets: self.planned.buckets(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const SECOND: Nanos = 1_000_000_000;

    fn recorder(entries: &[(usize, Timing)]) -> Recorder {
        let mut recorder = Recorder::new(SECOND);
        for (series, timing) in entries {
            recorder.record(Series::ALL[*series], *timing);
        }
        recorder
    }

    fn timings() -> impl Strategy<Value = Vec<(usize, Timing)>> {
        let timing = (0..Series::ALL.len(), 0..20 * SECOND, 0..SECOND, 0..SECOND);
        vec(timing, 0..40).prop_map(|list| {
            let mut list: Vec<_> = list
                .into_iter()
                .map(|(series, planned, late, took)| {
                    let started = planned + late;
                    let ended = started + took;
                    let timing = Timing { planned, started, ended };
                    (series, timing)
                })
                .collect();
            list.sort_by_key(|(_, timing)| timing.ended);
            list
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn shards_merged_equal_one_shard(all in timings(), split in vec(any::<bool>(), 40)) {
            let half = |side| {
                let picked = all.iter().zip(&split).filter(|(_, to)| **to == side);
                recorder(&picked.map(|(entry, _)| *entry).collect::<Vec<_>>())
            };
            let (mut one, other) = (half(true), half(false));
            one.merge(&other);
            let whole = recorder(&all);
            prop_assert_eq!(&one.tracks, &whole.tracks);
            prop_assert_eq!(one.latencies(), whole.latencies());
            prop_assert!(one.timeline().intervals().eq(whole.timeline().intervals()));
        }
    }

    #[test]
    fn lateness_of_the_generator_is_felt_but_not_blamed() {
        let timing = Timing { planned: 0, started: 40_000_000, ended: 50_000_000 };
        let latency = &recorder(&[(Series::Ack as usize, timing)]).latencies()[1];
        assert_eq!(latency.series, "ack");
        assert_eq!(latency.planned.p50 / 1_000_000, 50);
        assert_eq!(latency.actual.p50 / 1_000_000, 10);
    }

    #[test]
    fn requests_over_http_are_told_in_all_and_by_what_they_ask_for() {
        let mut one = recorder(&[]);
        let timing = Timing { planned: 0, started: 1_000_000, ended: 3_000_000 };
        one.record_http(Operation::List, timing, true);
        one.record_http(Operation::History, timing, false);
        one.merge(&one.clone());
        let latencies = one.latencies();
        let told = |name: &str| {
            let found = latencies.iter().find(|latency| latency.series == name).unwrap();
            (found.planned.count, found.failures)
        };
        assert_eq!(
            [told("http"), told("http list"), told("http history")],
            [(2, 2), (2, 0), (0, 2)]
        );
    }

    #[test]
    fn failures_add_up_and_have_no_latency() {
        let mut one = recorder(&[]);
        one.fail(Series::Connect, 0);
        one.merge(&one.clone());
        let connect = &one.latencies()[0];
        assert_eq!((connect.failures, connect.planned.count), (2, 0));
    }

    #[test]
    fn lag_is_no_latency_of_the_server() {
        let mut one = recorder(&[]);
        one.lag(1_000, 9_001_000);
        assert!(one.latencies().iter().all(|latency| latency.planned.count == 0));
        assert_eq!(one.planned(Series::Lag).count(), 1);
    }
}
