//! The run second by second: one histogram per series and interval, packed as soon as the interval
//! is over, and written as a standard HdrHistogram V2 interval log at the end.
//!
//! Memory: a packed interval takes about two bytes per distinct duration. A run has at most
//! [`MOST_INTERVALS`]; what comes later is counted into the last.

use crate::history::Nanos;
use crate::metric::distribution::Distribution;
use crate::metric::series::Series;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, SystemTime};

/// The most intervals a timeline keeps.
pub const MOST_INTERVALS: u32 = 900;
/// The number of intervals that [`Timeline::interval_for`] aims at, leaving room for an overrun.
const USUAL_INTERVALS: u64 = 600;
const SECOND: Nanos = 1_000_000_000;

/// The histograms of one shard, or of the run, by interval and series.
#[derive(Clone, Debug)]
pub struct Timeline {
    interval: Nanos,
    tracks: [Track; Series::ALL.len()],
}

#[derive(Clone, Debug, Default)]
struct Track {
    slot: u32,
    current: Distribution,
    packed: BTreeMap<u32, Vec<u8>>,
}

impl Timeline {
    /// The interval for a run that is planned to last this long: whole seconds, one if it can be.
    #[must_use]
    pub fn interval_for(run: Duration) -> Nanos {
        run.as_secs().div_ceil(USUAL_INTERVALS).max(1) * SECOND
    }

    /// An empty timeline; `interval` in nanoseconds, not 0.
    #[must_use]
    pub fn new(interval: Nanos) -> Self {
        Self { interval: interval.max(1), tracks: Default::default() }
    }

    /// Adds a duration that was known at `at`. Calls come in the order of time; one that does not
    /// is counted into the current interval.
    pub fn record(&mut self, series: Series, at: Nanos, nanos: Nanos) {
        let slot = (at / self.interval).min(u64::from(MOST_INTERVALS - 1)) as u32;
        let track = &mut self.tracks[series as usize];
        if slot > track.slot {
            track.seal();
            track.slot = slot;
        }
        track.current.record(nanos);
    }

    /// Adds the timeline of another shard with the same interval.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.interval, other.interval, "one run, one interval");
        for (ours, theirs) in self.tracks.iter_mut().zip(&other.tracks) {
            ours.seal();
            for (slot, packed) in &theirs.packed {
                ours.add(*slot, &Distribution::unpack(packed));
            }
            ours.add(theirs.slot, &theirs.current);
        }
    }

    /// The length of an interval.
    #[must_use]
    pub const fn interval(&self) -> Nanos {
        self.interval
    }

    /// All non-empty intervals in the order of time, then of series; each is unpacked when it is asked
    /// for, so that never all of them are in memory.
    pub fn intervals(&self) -> impl Iterator<Item = (u32, Series, Distribution)> {
        self.slots()
            .into_iter()
            .flat_map(move |slot| {
                Series::ALL
                    .into_iter()
                    .map(move |series| (slot, series, self.tracks[series as usize].at(slot)))
            })
            .filter(|(_, _, distribution)| !distribution.is_empty())
    }

    /// Writes the interval log: nanoseconds inside the histograms, the readable maximum in
    /// milliseconds, the series as tag. `started` is the run's start by the wall clock.
    ///
    /// # Errors
    /// What `out` refuses to take.
    pub fn write_log(&self, out: &mut impl io::Write, started: SystemTime) -> io::Result<()> {
        let mut serializer = V2DeflateSerializer::new();
        let mut log = IntervalLogWriterBuilder::new()
            .add_comment("assize: latency from the planned time, in nanoseconds, by series")
            .with_start_time(started)
            .with_base_time(started)
            .with_max_value_divisor(1_000_000.0)
            .begin_log_with(out, &mut serializer)?;
        let length = Duration::from_nanos(self.interval);
        for slot in self.slots() {
            for series in Series::ALL {
                let distribution = self.tracks[series as usize].at(slot);
                let Some(histogram) = distribution.histogram().filter(|h| !h.is_empty()) else {
                    continue;
                };
                log.write_histogram(histogram, length * slot, length, Tag::new(series.name()))
                    .map_err(|error| match error {
                        IntervalLogWriterError::IoError(error) => error,
                        IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
                    })?;
            }
        }
        Ok(())
    }

    fn slots(&self) -> Vec<u32> {
        let mut slots: Vec<u32> = self
            .tracks
            .iter()
            .flat_map(|track| track.packed.keys().copied().chain([track.slot]))
            .collect();
        slots.sort_unstable();
        slots.dedup();
        slots
    }
}

impl Track {
    /// Packs the current interval away.
    fn seal(&mut self) {
        let current = std::mem::take(&mut self.current);
        self.add(self.slot, &current);
        self.current = current;
        self.current.clear();
    }

    fn add(&mut self, slot: u32, distribution: &Distribution) {
        if distribution.is_empty() {
            return;
        }
        self.packed
            .entry(slot)
            .and_modify(|packed| {
                let mut sum = Distribution::unpack(packed);
                sum.merge(distribution);
                *packed = sum.pack();
            })
            .or_insert_with(|| distribution.pack());
    }

    fn at(&self, slot: u32) -> Distribution {
        let mut sum = self
            .packed
            .get(&slot)
            .map_or_else(Distribution::default, |packed| Distribution::unpack(packed));
        if slot == self.slot {
            sum.merge(&self.current);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn the_log_reads_back_with_tags_and_times() {
        let mut one = Timeline::new(SECOND);
        one.record(Series::Ack, SECOND / 2, 2_000_000);
        one.record(Series::Delivery, 3 * SECOND, 5_000_000);
        let mut two = Timeline::new(SECOND);
        two.record(Series::Ack, SECOND / 3, 8_000_000);
        one.merge(&two);

        let mut log = Vec::new();
        one.write_log(&mut log, SystemTime::UNIX_EPOCH).unwrap();
        let read: Vec<_> = IntervalLogIterator::new(&log)
            .filter_map(|entry| match entry.unwrap() {
                LogEntry::Interval(interval) => {
                    let bytes = base64::Engine::decode(
                        &base64::engine::general_purpose::STANDARD,
                        interval.encoded_histogram(),
                    );
                    let histogram: Histogram<u64> =
                        Deserializer::new().deserialize(&mut bytes.unwrap().as_slice()).unwrap();
                    let tag = interval.tag().unwrap().as_str().to_owned();
                    Some((interval.start_timestamp().as_secs(), tag, histogram.len()))
                }
                _ => None,
            })
            .collect();
        let expected = [(0, "ack".to_owned(), 2), (3, "delivery".to_owned(), 1)];
        assert_eq!(read, expected);
    }

    #[test]
    fn an_endless_run_takes_no_more_intervals() {
        let mut timeline = Timeline::new(SECOND);
        for second in 0..u64::from(MOST_INTERVALS) + 100 {
            timeline.record(Series::Ack, second * SECOND, 1_000_000);
        }
        let intervals: Vec<_> = timeline.intervals().collect();
        assert_eq!(intervals.len(), MOST_INTERVALS as usize);
        assert_eq!(intervals.last().map(|(_, _, last)| last.count()), Some(101));
    }

    #[test]
    fn long_runs_have_long_intervals() {
        let interval = |seconds| Timeline::interval_for(Duration::from_secs(seconds)) / SECOND;
        assert_eq!(interval(0), 1);
        assert_eq!(interval(600), 1);
        assert_eq!(interval(3_600), 6);
    }
}
