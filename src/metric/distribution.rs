//! One HDR histogram of durations: 1 µs to 10 min, three significant digits.
//!
//! Durations are kept in nanoseconds and told apart from 512 ns on, which costs no more memory
//! than microseconds would: 176 KiB, and nothing at all until the first one comes.

use crate::history::Nanos;
use crate::outcome::Percentiles;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

/// The shortest duration told apart; anything shorter counts as this, so nothing is ever 0.
pub const SHORTEST: Nanos = 1_000;
/// The longest duration told apart; anything longer counts as this.
pub const LONGEST: Nanos = 600_000_000_000;

/// Steps of a curve for each further nine, and buckets per power of ten.
const STEPS: i32 = 10;
/// The most steps of a curve: seven nines.
const MOST_STEPS: i32 = 7 * STEPS;

/// A distribution of durations. Equal if it holds the same durations, to three digits.
#[derive(Clone, Debug, Default)]
pub struct Distribution {
    histogram: Option<Box<Histogram<u64>>>,
}

impl Distribution {
    /// Adds one duration.
    pub fn record(&mut self, nanos: Nanos) {
        self.histogram.get_or_insert_with(empty).saturating_record(nanos.clamp(SHORTEST, LONGEST));
    }

    /// Adds all durations of another distribution.
    pub fn merge(&mut self, other: &Self) {
        if let Some(theirs) = &other.histogram {
            self.histogram
                .get_or_insert_with(empty)
                .add(theirs.as_ref())
                .expect("all distributions have the same bounds");
        }
    }

    /// Forgets all durations, keeping the memory.
    pub fn clear(&mut self) {
        if let Some(histogram) = &mut self.histogram {
            histogram.reset();
        }
    }

    /// How many durations it holds.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, |h| h.len())
    }

    /// It holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The duration that this share of all does not exceed; `None` if there are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Nanos> {
        let histogram = self.histogram.as_ref().filter(|h| !h.is_empty())?;
        Some(histogram.value_at_quantile(share))
    }

    /// The figures of reports; all 0 if there are no durations.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        let Some(histogram) = self.histogram.as_ref().filter(|h| !h.is_empty()) else {
            return Percentiles::default();
        };
        let at = |share| histogram.value_at_quantile(share);
        Percentiles {
            count: histogram.len(),
            mean: histogram.mean().round() as Nanos,
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p99_9: at(0.999),
            max: histogram.max(),
        }
    }

    /// The percentile curve, as [`Shape::planned`](crate::outcome::course::Shape::planned) has it:
    /// ten figures for each further nine, as far as there are durations to tell them apart.
    #[must_use]
    pub fn curve(&self) -> Vec<Nanos> {
        let Some(histogram) = self.histogram.as_ref().filter(|h| !h.is_empty()) else {
            return Vec::new();
        };
        let above = |step: &i32| 10_f64.powf(f64::from(-*step) / f64::from(STEPS));
        let count = histogram.len() as f64;
        let figures = (0..=MOST_STEPS)
            .take_while(|step| count * above(step) >= 1.0)
            .map(|step| histogram.value_at_quantile(1.0 - above(&step)));
        figures.chain([histogram.max()]).collect()
    }

    /// How many durations there are in each tenth of a power of ten: from, to, how many.
    #[must_use]
    pub fn buckets(&self) -> Vec<(Nanos, Nanos, u64)> {
        let Some(histogram) = self.histogram.as_ref().filter(|h| !h.is_empty()) else {
            return Vec::new();
        };
        let edge = |number: u32| {
            (SHORTEST as f64 * 10_f64.powf(f64::from(number) / f64::from(STEPS))).round() as Nanos
        };
        let mut buckets: Vec<(Nanos, Nanos, u64)> = Vec::new();
        let mut number = 0;
        for step in histogram.iter_recorded() {
            let nanos = step.value_iterated_to();
            while nanos >= edge(number + 1) {
                number += 1;
                // The first bucket is the first that holds something.
                if !buckets.is_empty() {
                    buckets.push((edge(number), edge(number + 1), 0));
                }
            }
            if buckets.is_empty() {
                buckets.push((edge(number), edge(number + 1), 0));
            }
            if let Some((.., count)) = buckets.last_mut() {
                *count += step.count_since_last_iteration();
            }
        }
        buckets
    }

    /// The histogram itself, if there ever was a duration.
    #[must_use]
    pub fn histogram(&self) -> Option<&Histogram<u64>> {
        self.histogram.as_deref()
    }

    /// The distribution in HdrHistogram's V2 form; a few bytes per distinct duration.
    pub(super) fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(histogram) = &self.histogram {
            V2Serializer::new()
                .serialize(histogram.as_ref(), &mut bytes)
                .expect("memory takes every histogram");
        }
        bytes
    }

    /// The distribution that was packed.
    pub(super) fn unpack(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let histogram = (!bytes.is_empty()).then(|| {
            let histogram = Deserializer::new().deserialize(&mut rest);
            Box::new(histogram.expect("it was packed by this module"))
        });
        Self { histogram }
    }
}

impl PartialEq for Distribution {
    fn eq(&self, other: &Self) -> bool {
        match (&self.histogram, &other.histogram) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => self.is_empty() && other.is_empty(),
        }
    }
}

fn empty() -> Box<Histogram<u64>> {
    Box::new(Histogram::new_with_bounds(SHORTEST, LONGEST, 3).expect("the bounds are valid"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn of(durations: &[Nanos]) -> Distribution {
        let mut distribution = Distribution::default();
        for nanos in durations {
            distribution.record(*nanos);
        }
        distribution
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn merging_equals_recording_into_one(
            a in vec(0..2 * LONGEST, 0..50), b in vec(0..2 * LONGEST, 0..50)
        ) {
            let mut merged = of(&a);
            merged.merge(&of(&b));
            let one = of(&[a, b].concat());
            prop_assert_eq!(merged.percentiles(), one.percentiles());
            prop_assert_eq!(merged, one);
        }

        #[test]
        fn percentiles_are_monotone_and_true_to_three_digits(durations in vec(1..LONGEST, 1..200)) {
            let p = of(&durations).percentiles();
            prop_assert!(SHORTEST / 2 <= p.p50 && p.p50 <= p.p90 && p.p90 <= p.p95);
            prop_assert!(p.p95 <= p.p99 && p.p99 <= p.p99_9 && p.p99_9 <= p.max);
            let longest = durations.iter().max().copied().unwrap_or(0).max(SHORTEST);
            prop_assert!(p.max.abs_diff(longest) <= longest / 1_000 + 512);
            prop_assert_eq!(p.count, durations.len() as u64);
        }

        #[test]
        fn what_is_packed_unpacks(durations in vec(0..LONGEST, 0..50)) {
            let distribution = of(&durations);
            prop_assert_eq!(Distribution::unpack(&distribution.pack()), distribution);
        }
    }

    #[test]
    fn empty_stays_empty() {
        let mut empty = Distribution::default();
        empty.merge(&Distribution::default());
        assert_eq!(empty.percentiles(), Percentiles::default());
        assert_eq!(empty.quantile(0.5), None);
        let mut cleared = of(&[5_000]);
        cleared.clear();
        assert_eq!(cleared, empty);
    }

    #[test]
    fn a_curve_climbs_to_the_maximum_and_buckets_hold_everything() {
        let distribution = of(&(1..=1_000).map(|n| n * 10_000).collect::<Vec<_>>());
        let (curve, p) = (distribution.curve(), distribution.percentiles());
        // 1000 durations tell three nines apart: positions 0, 10, 20 and 30, and the maximum.
        assert_eq!(curve.len(), 32);
        assert_eq!((curve[10], curve[20], curve[31]), (p.p90, p.p99, p.max));
        assert!(curve.is_sorted());
        let buckets = distribution.buckets();
        assert_eq!(buckets.iter().map(|(.., count)| count).sum::<u64>(), 1_000);
        assert!(buckets.windows(2).all(|pair| pair[0].1 == pair[1].0), "{buckets:?}");
        assert!(buckets[0].0 <= 10_000 && buckets[0].2 > 0);
        let most = of(&(0..2_000_000).map(|n| n * 300_000).collect::<Vec<_>>());
        assert!(most.curve().len() <= 72 && most.buckets().len() <= 90);
        assert!(Distribution::default().curve().is_empty());
    }

    #[test]
    fn nothing_is_recorded_as_zero() {
        assert!(of(&[0]).percentiles().p50 >= SHORTEST / 2);
    }
}
