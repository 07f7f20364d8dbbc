//! A run over time, in slices of one length: what the charts of a report show.
//!
//! Everything is on the run's clock, in nanoseconds, as the times of an argument are. There are at most
//! some hundreds of slices however long the run is, so a report stays small. It knows neither how
//! anything was measured nor how it is drawn. Start with [`Course`].

use serde::{Deserialize, Serialize, Serializer};

/// A run over time. All lists of figures have one figure per slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The length of a slice, in nanoseconds; 0 if nothing was recorded over time.
    pub slice: u64,
    /// How many slices there are.
    pub slices: u32,
    /// The phases of the scenario, and what comes before and after them.
    pub phases: Vec<Span>,
    /// The faults, as they came and went.
    pub faults: Vec<Span>,
    /// Clients that were connected at the end of each slice.
    #[serde(serialize_with = "on_one_line")]
    pub connected: Vec<u64>,
    /// What was counted, slice by slice; without what never happened.
    pub counts: Vec<Count>,
    /// The latencies, slice by slice; without what was never measured. The generator's own lag is one
    /// of them.
    pub latencies: Vec<Wave>,
}

/// Something that lasted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// A phase's name, or a fault with its figures.
    pub name: String,
    /// When it began, in nanoseconds.
    pub begins: u64,
    /// When it was over, in nanoseconds.
    pub ends: u64,
    /// The clients that it hit; 0 for a phase.
    pub clients: u32,
}

/// How often something happened in each slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The name of the count: `messages sent`.
    pub name: String,
    /// The numbers.
    #[serde(serialize_with = "on_one_line")]
    pub per_slice: Vec<u64>,
}

/// How long something took in each slice, from the planned time, in nanoseconds; 0 where the count is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Wave {
    /// The name of the latency: `ack`.
    pub series: String,
    #[serde(serialize_with = "on_one_line")]
    pub count: Vec<u64>,
    #[serde(serialize_with = "on_one_line")]
    pub p50: Vec<u64>,
    #[serde(serialize_with = "on_one_line")]
    pub p95: Vec<u64>,
    #[serde(serialize_with = "on_one_line")]
    pub p99: Vec<u64>,
    #[serde(serialize_with = "on_one_line")]
    pub max: Vec<u64>,
}

/// The shape of a distribution, in a bounded number of figures. Times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The percentile curve from the planned time: the figure at position `i` is what a share of
    /// 1 − 10^(−i/10) does not exceed, so that each tenth figure is one nine more; the last one is the
    /// maximum.
    #[serde(serialize_with = "on_one_line")]
    pub planned: Vec<u64>,
    /// The same from the actual start.
    #[serde(serialize_with = "on_one_line")]
    pub actual: Vec<u64>,
    /// The histogram from the planned time: from, to, how many; ten buckets per power of ten.
    #[serde(serialize_with = "on_one_line")]
    pub buckets: Vec<(u64, u64, u64)>,
}

impl Course {
    /// Nothing was recorded over time.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.slice == 0
    }

    /// The numbers of a count; none if it never happened.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<&[u64]> {
        let found = self.counts.iter().find(|count| count.name == name)?;
        Some(&found.per_slice)
    }
}

impl Shape {
    /// Nothing was measured.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.planned.is_empty()
    }
}

/// A list of figures as one line, also in a document that is indented otherwise.
fn on_one_line<S: Serializer>(list: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
    let line = serde_json::value::to_raw_value(list).map_err(serde::ser::Error::custom)?;
    line.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_on_one_line_and_are_read_back() {
        let course = Course {
            slice: 1_000_000_000,
            slices: 3,
            connected: vec![1, 2, 3],
            counts: vec![Count { name: "deliveries".into(), per_slice: vec![7, 0, 9] }],
            ..Course::default()
        };
        let json = serde_json::to_string_pretty(&course).unwrap();
        assert!(json.contains("\"connected\": [1,2,3]"), "{json}");
        assert_eq!(serde_json::from_str::<Course>(&json).unwrap(), course);
        assert_eq!(course.count("deliveries"), Some([7, 0, 9].as_slice()));
        assert_eq!(course.count("reads"), None);
    }
}
