//! `latency.hlog` read back: what a run took second by second, as counts of durations.
//!
//! Durations of one interval are a sorted list of values and how often each came: a few hundred
//! pairs where a histogram in memory takes 176 KiB. [`pack`] makes a short text of such a list.
//! What a file says is checked: it may come from another tool.

use crate::history::Nanos;
use crate::metric::distribution::{LONGEST, SHORTEST};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

/// Durations in their order, each with how often it came.
pub type Values = Vec<(Nanos, u64)>;

/// One line of an interval log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The tag: the name of a series.
    pub series: String,
    /// Start of the interval since the run's start.
    pub at: Nanos,
    /// Its length.
    pub lasts: Nanos,
    /// What was recorded.
    pub values: Values,
}

/// The lines of an interval log, in its order.
///
/// # Errors
/// What is wrong with it, with the number of the line.
pub fn read(log: &[u8]) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for entry in IntervalLogIterator::new(log) {
        let entry = entry.map_err(|error| {
            let hdrhistogram::serialization::interval_log::LogIteratorError::ParseError { offset } =
                error;
            let before = &log[..offset.min(log.len())];
            let number = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("line {number} is no line of an interval log")
        })?;
        if let LogEntry::Interval(interval) = entry {
            let nanos = |time: std::time::Duration| Nanos::try_from(time.as_nanos());
            let (at, lasts) = (nanos(interval.start_timestamp()), nanos(interval.duration()));
            let (Ok(at), Ok(lasts)) = (at, lasts) else {
                return Err(format!("interval {} has no possible time", lines.len() + 1));
            };
            let series = interval.tag().map_or_else(String::new, |tag| tag.as_str().to_owned());
            let values = unpack(interval.encoded_histogram())
                .map_err(|error| format!("interval {}: {error}", lines.len() + 1))?;
            lines.push(Line { series, at, lasts, values });
        }
    }
    Ok(lines)
}

/// The values as a text: HdrHistogram's compressed V2 form in base64.
#[must_use]
pub fn pack(values: &[(Nanos, u64)]) -> String {
    let mut histogram: Histogram<u64> =
        Histogram::new_with_bounds(SHORTEST, LONGEST, 3).expect("the bounds are valid");
    for (value, count) in values {
        histogram.saturating_record_n((*value).clamp(SHORTEST, LONGEST), *count);
    }
    let mut bytes = Vec::new();
    let packed = V2DeflateSerializer::new().serialize(&histogram, &mut bytes);
    packed.expect("memory takes every histogram");
    STANDARD.encode(bytes)
}

/// The values of such a text.
///
/// # Errors
/// What is wrong with it.
pub fn unpack(text: &str) -> Result<Values, String> {
    let bytes = STANDARD.decode(text).map_err(|error| format!("it is no base64: {error}"))?;
    let histogram: Histogram<u64> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| format!("it is no histogram: {error}"))?;
    let recorded = histogram.iter_recorded();
    Ok(recorded.map(|step| (step.value_iterated_to(), step.count_at_value())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Series, Timeline};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::time::SystemTime;

    const SECOND: Nanos = 1_000_000_000;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn what_is_packed_unpacks_to_three_digits(
            list in vec((SHORTEST..LONGEST, 1_u64..1_000), 0..40)
        ) {
            let unpacked = unpack(&pack(&list)).unwrap();
            let count = |values: &[(Nanos, u64)]| values.iter().map(|(_, count)| count).sum::<u64>();
            prop_assert_eq!(count(&unpacked), count(&list));
            prop_assert!(unpacked.is_sorted());
            let longest = list.iter().map(|(value, _)| *value).max().unwrap_or(0);
            let shown = unpacked.last().map_or(0, |(value, _)| *value);
            prop_assert!(shown.abs_diff(longest) <= longest / 1_000 + 512);
            prop_assert_eq!(unpack(&pack(&unpacked)).unwrap(), unpacked);
        }
    }

    #[test]
    fn a_run_s_log_reads_back() {
        let mut timeline = Timeline::new(2 * SECOND);
        timeline.record(Series::Ack, SECOND, 3_000_000);
        timeline.record(Series::Ack, SECOND, 3_000_000);
        timeline.record(Series::Lag, 5 * SECOND, 1_000_000);
        let mut log = Vec::new();
        timeline.write_log(&mut log, SystemTime::UNIX_EPOCH).unwrap();
        let lines = read(&log).unwrap();
        let shown: Vec<_> = lines
            .iter()
            .map(|line| (line.series.as_str(), line.at / SECOND, line.lasts / SECOND))
            .collect();
        assert_eq!(shown, [("ack", 0, 2), ("lag", 4, 2)]);
        assert_eq!(lines[0].values.len(), 1);
        assert_eq!(lines[0].values[0].1, 2);
    }

    #[test]
    fn damage_is_told_with_its_place() {
        assert_eq!(read(b"").unwrap(), []);
        let told = read(b"#[comment]\nTag=ack,0.0,1.0").unwrap_err();
        assert_eq!(told, "line 2 is no line of an interval log");
        let told = read(b"Tag=ack,0.0,1.0,3.0,AAAA\n").unwrap_err();
        assert!(told.starts_with("interval 1: it is no histogram: "), "{told}");
        assert!(unpack("!").unwrap_err().starts_with("it is no base64"));
    }
}
