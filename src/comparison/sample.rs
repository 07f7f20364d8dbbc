//! What of a run is compared with another's: who it was, its verdicts, and its latencies in slices of
//! time. Small enough to be kept as a baseline.
//!
//! It knows neither files nor statistics.

use crate::history::Nanos;
use crate::metric::Series;
use crate::metric::interval_log::{Line, Values, pack, unpack};
use crate::outcome::{Expected, Generator, Outcome, Run};
use crate::verdict::Standing;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Time is compared in so many pieces at most: few enough that neighbours hardly hang together, and
/// enough to tell how much they differ.
pub const MOST_SLICES: u32 = 30;

/// What of a run is compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// What was run.
    pub run: Run,
    /// A fingerprint of the scenario's text, if it is there.
    pub scenario: Option<String>,
    /// A fingerprint of the spec's text, if it is there.
    pub spec: Option<String>,
    /// How each property stood.
    pub verdicts: Vec<Judged>,
    /// How each expectation fared.
    pub expectations: Vec<Expected>,
    /// The counts.
    pub counts: Vec<(String, u64)>,
    /// How the generator did.
    pub generator: Generator,
    /// The run was interrupted.
    pub interrupted: bool,
    /// The length of a slice.
    pub slice: Nanos,
    /// The latencies.
    pub tracks: Vec<Track>,
}

/// How a property stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Its id.
    pub property: String,
    /// How it stood.
    pub standing: Standing,
    /// The spec promised it.
    pub promised: bool,
    /// What was wrong, if it was broken: the first violation's summary.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
}

/// The latencies of one series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// The series.
    pub series: String,
    /// What failed instead of taking time.
    pub failures: u64,
    /// The slices in which anything came, in the order of time.
    pub slices: Vec<Slice>,
}

/// What came in one slice of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// Its number from the run's start.
    pub number: u32,
    /// The durations.
    #[serde(serialize_with = "to_text", deserialize_with = "from_text")]
    pub values: Values,
}

impl Sample {
    /// What of an outcome, and of the log of its latencies, is compared. `scenario` and `spec` are
    /// the texts of these files, if they are there.
    #[must_use]
    pub fn new(
        outcome: &Outcome,
        log: &[Line],
        scenario: Option<&str>,
        spec: Option<&str>,
    ) -> Self {
        let slice = log.iter().map(|line| line.lasts).max().unwrap_or(1).max(1);
        // How long the setup took is not part of the plan: time begins with the first sign of life.
        let signs = log.iter().filter(|line| line.series != Series::Lag.name());
        let origin = signs.map(|line| line.at / slice).min().unwrap_or(0);
        let judged = outcome.verdicts.iter().map(|verdict| Judged {
            property: verdict.property.clone(),
            standing: verdict.standing,
            promised: verdict.promised,
            summary: verdict
                .finding
                .violations
                .first()
                .map_or_else(String::new, |violation| violation.summary.clone()),
        });
        let tracks = Series::ALL.into_iter().map(|series| {
            let of_series = log.iter().filter(|line| line.series == series.name());
            let slices =
                of_series.map(|line| ((line.at / slice).saturating_sub(origin), &line.values));
            let failures = outcome.latencies.iter().find(|found| found.series == series.name());
            Track {
                series: series.name().to_owned(),
                failures: failures.map_or(0, |found| found.failures),
                slices: gather(slices),
            }
        });
        Self {
            run: outcome.run.clone(),
            scenario: scenario.map(fingerprint),
            spec: spec.map(fingerprint),
            verdicts: judged.collect(),
            expectations: outcome.expectations.clone(),
            counts: outcome.counts.clone(),
            generator: outcome.generator.clone(),
            interrupted: outcome.interrupted,
            slice,
            tracks: tracks.collect(),
        }
    }

    /// The latencies of a series.
    #[must_use]
    pub fn track(&self, series: &str) -> Option<&Track> {
        self.tracks.iter().find(|track| track.series == series)
    }

    /// How many slices there are from the run's start to the last one in which anything came.
    #[must_use]
    pub fn span(&self) -> u32 {
        let server = self.tracks.iter().filter(|track| track.series != Series::Lag.name());
        server.filter_map(|track| Some(track.slices.last()?.number + 1)).max().unwrap_or(0)
    }

    /// The same in slices of at least this length, or of a multiple of its own that is no shorter.
    #[must_use]
    pub fn in_slices_of(&self, length: Nanos) -> Self {
        let width = length.div_ceil(self.slice.max(1)).max(1);
        let tracks = self.tracks.iter().map(|track| {
            let slices = track.slices.iter();
            let slices = slices.map(|slice| (u64::from(slice.number) / width, &slice.values));
            Track { slices: gather(slices), ..track.clone() }
        });
        Self { slice: self.slice * width, tracks: tracks.collect(), ..self.clone() }
    }

    /// The same in few enough slices to be kept.
    #[must_use]
    pub fn condensed(&self) -> Self {
        self.in_slices_of(self.slice * u64::from(self.span().div_ceil(MOST_SLICES).max(1)))
    }
}

/// Slices by number, values of the same number put together.
fn gather<'a>(slices: impl Iterator<Item = (u64, &'a Values)>) -> Vec<Slice> {
    let mut gathered: BTreeMap<u32, Values> = BTreeMap::new();
    for (number, values) in slices {
        gathered.entry(u32::try_from(number).unwrap_or(u32::MAX)).or_default().extend(values);
    }
    let slice = |(number, mut values): (u32, Values)| {
        values.sort_unstable();
        values.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        Slice { number, values }
    };
    gathered.into_iter().map(slice).collect()
}

/// FNV-1a: tells texts apart, in any version of the program.
fn fingerprint(text: &str) -> String {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
}

fn to_text<S: Serializer>(values: &Values, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&pack(values))
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
    let text = String::deserialize(deserializer)?;
    unpack(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(numbers: &[u32]) -> Vec<Slice> {
        let slice = |number: &u32| Slice { number: *number, values: vec![(1_000_000, 2)] };
        numbers.iter().map(slice).collect()
    }

    fn sample(numbers: &[u32]) -> Sample {
        let ack = Track { series: "ack".into(), failures: 1, slices: slices(numbers) };
        let lag = Track { series: "lag".into(), failures: 0, slices: slices(&[1_000]) };
        Sample { slice: 1_000_000_000, tracks: vec![ack, lag], ..Sample::default() }
    }

    #[test]
    fn a_long_run_is_kept_in_few_slices_and_loses_nothing() {
        let long = sample(&(0..601).collect::<Vec<_>>());
        assert_eq!(long.span(), 601);
        let kept = long.condensed();
        assert_eq!((kept.slice, kept.span()), (21_000_000_000, 29));
        let ack = kept.track("ack").unwrap();
        assert_eq!(ack.slices[0].values, [(1_000_000, 42)]);
        assert_eq!(ack.slices.iter().map(|slice| slice.values[0].1).sum::<u64>(), 1_202);
        assert_eq!(kept.condensed(), kept);
    }

    #[test]
    fn a_short_run_stays_as_it_is() {
        let short = sample(&[0, 3, 7]);
        assert_eq!(short.condensed(), short);
        assert_eq!(Sample::default().condensed().span(), 0);
    }

    #[test]
    fn texts_are_told_apart() {
        assert_eq!(fingerprint(""), "cbf29ce484222325");
        assert_ne!(fingerprint("a"), fingerprint("b"));
    }
}
