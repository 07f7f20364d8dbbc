//! What all shards measured over time, put together as a report has it.
//!
//! It adds and merges what [`Slices`](crate::metric::slices), [`Spans`](crate::metric::spans) and
//! [`Timeline`] kept, and measures nothing itself.

use crate::history::Nanos;
use crate::metric::counters::{Counter, Counters};
use crate::metric::meter::Meter;
use crate::metric::series::Series;
use crate::metric::timeline::Timeline;
use crate::metric::{slices, spans};
use crate::outcome::course::{Count, Course, Span, Wave};

/// The sum of several shards.
#[derive(Clone, Debug, Default)]
pub struct Courses {
    slices: Vec<Counters>,
    phases: Vec<Span>,
    faults: Vec<Span>,
}

impl Courses {
    /// Adds what a shard's meter saw; `end` is when its history was over.
    pub fn add(&mut self, meter: &Meter, end: Nanos) {
        slices::merge(&mut self.slices, &meter.slices.per_slice(&meter.counters));
        spans::merge(&mut self.phases, meter.spans.phases(end), Nanos::MAX);
        spans::merge(&mut self.faults, meter.spans.faults(end), 0);
    }

    /// The run over time; `timeline` is that of all shards.
    #[must_use]
    pub fn course(&self, timeline: &Timeline) -> Course {
        let latencies = waves(timeline);
        let length = latencies.iter().map(|wave| wave.count.len()).max().unwrap_or(0);
        let length = length.max(self.slices.len());
        let mut slices = self.slices.clone();
        slices.resize(length, Counters::default());
        let padded = |mut list: Vec<u64>| {
            list.resize(length, 0);
            list
        };
        Course {
            slice: timeline.interval(),
            slices: length as u32,
            phases: self.phases.clone(),
            faults: self.faults.clone(),
            connected: slices::connected(&slices),
            counts: counts(&slices),
            latencies: latencies
                .into_iter()
                .map(|wave| Wave {
                    count: padded(wave.count),
                    p50: padded(wave.p50),
                    p95: padded(wave.p95),
                    p99: padded(wave.p99),
                    max: padded(wave.max),
                    ..wave
                })
                .collect(),
        }
    }
}

/// What was counted at all, slice by slice.
fn counts(slices: &[Counters]) -> Vec<Count> {
    let count = |counter: Counter| {
        let per_slice: Vec<u64> = slices.iter().map(|counts| counts.get(counter)).collect();
        let name = counter.name().to_owned();
        per_slice.iter().any(|number| *number > 0).then_some(Count { name, per_slice })
    };
    Counter::ALL.into_iter().filter_map(count).collect()
}

/// The latencies, interval by interval; each list ends with the last interval of its series.
fn waves(timeline: &Timeline) -> Vec<Wave> {
    let mut waves: Vec<Wave> = Series::ALL
        .into_iter()
        .map(|series| Wave { series: series.name().to_owned(), ..Wave::default() })
        .collect();
    for (slot, series, distribution) in timeline.intervals() {
        let p = distribution.percentiles();
        let wave = &mut waves[series as usize];
        let lists = [
            (&mut wave.count, p.count),
            (&mut wave.p50, p.p50),
            (&mut wave.p95, p.p95),
            (&mut wave.p99, p.p99),
            (&mut wave.max, p.max),
        ];
        for (list, figure) in lists {
            list.resize(slot as usize, 0);
            list.push(figure);
        }
    }
    waves.retain(|wave| !wave.count.is_empty());
    waves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{ClientId, Entry, Event};
    use crate::metric::Timing;
    use crate::operation::ConnectionState;

    const SECOND: Nanos = 1_000_000_000;

    fn shard(client: u32, connects_at: Nanos) -> Meter {
        let mut meter = Meter::new(SECOND);
        let mut observe = |at, event| meter.observe(&Entry { at, client: ClientId(client), event });
        observe(0, Event::Phase { name: "setup".into() });
        let state = ConnectionState::Connected;
        observe(connects_at, Event::Connection { state, why: "".into(), caused: false });
        observe(2 * SECOND, Event::Phase { name: "traffic".into() });
        observe(3 * SECOND, Event::Fault { what: "cut".into(), begins: true });
        observe(4 * SECOND, Event::Fault { what: "cut".into(), begins: false });
        meter
    }

    #[test]
    fn shards_become_one_course() {
        let (mut one, two) = (shard(0, SECOND / 2), shard(1, SECOND + 1));
        let timing = Timing { planned: 0, started: 0, ended: 5 * SECOND };
        one.recorder.record(Series::Ack, timing);
        let mut courses = Courses::default();
        for meter in [&one, &two] {
            courses.add(meter, 4 * SECOND);
        }
        one.recorder.merge(&two.recorder);
        let course = courses.course(one.recorder.timeline());
        assert_eq!((course.slice, course.slices), (SECOND, 6));
        assert_eq!(course.connected, [1, 2, 2, 2, 2, 2]);
        assert_eq!(course.count("connects"), Some([1, 1, 0, 0, 0, 0].as_slice()));
        let names: Vec<&str> = course.phases.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["setup", "traffic"]);
        assert_eq!(course.faults.len(), 1);
        assert_eq!(course.faults[0].clients, 2);
        let ack = course.latencies.iter().find(|wave| wave.series == "ack").unwrap();
        assert_eq!((ack.count.len(), ack.count[5]), (6, 1));
        assert!(course.latencies.iter().all(|wave| wave.p99.len() == 6));
    }

    #[test]
    fn nothing_over_time_is_no_mistake() {
        let course = Courses::default().course(&Timeline::new(SECOND));
        assert_eq!((course.slices, course.counts.len(), course.latencies.len()), (0, 0, 0));
    }
}
