//! A baseline: the last few runs of a server that was as it should be, in one file beside its code.

use crate::comparison::sample::Sample;
use crate::outcome::document;
use serde::{Deserialize, Serialize};

/// The version of the shape that a baseline has.
pub const SCHEMA: u32 = 1;
/// A baseline holds so many runs at most; the oldest goes.
pub const MOST_RUNS: usize = 10;

/// Runs to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Version of this shape.
    pub schema: u32,
    /// Tells it from a report.
    kind: Kind,
    /// The runs, oldest first.
    pub runs: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Baseline,
}

impl Baseline {
    /// A baseline of these runs, oldest first.
    #[must_use]
    pub const fn of(runs: Vec<Sample>) -> Self {
        Self { schema: SCHEMA, kind: Kind::Baseline, runs }
    }

    /// Adds a run; the oldest goes if there are too many.
    pub fn add(&mut self, run: &Sample) {
        self.runs.push(run.condensed());
        let surplus = self.runs.len().saturating_sub(MOST_RUNS);
        self.runs.drain(..surplus);
    }

    /// The baseline as JSON, a line for each run, so that a change of it reads as one.
    #[must_use]
    pub fn render(&self) -> String {
        let json = |value: &Sample| serde_json::to_string(value).expect("a sample is plain data");
        let runs: Vec<String> = self.runs.iter().map(json).collect();
        let runs = runs.join(",\n");
        format!("{{\"schema\": {SCHEMA}, \"kind\": \"baseline\", \"runs\": [\n{runs}\n]}}\n")
    }

    /// Whether a text is a baseline, whatever its version.
    #[must_use]
    pub fn is_one(json: &str) -> bool {
        document::kind(json).as_deref() == Some("baseline")
    }

    /// The baseline that was rendered.
    ///
    /// # Errors
    /// What is wrong with the text: another schema version, or not a baseline at all.
    pub fn parse(json: &str) -> Result<Self, String> {
        document::read(json, "baseline", SCHEMA)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::sample::{Slice, Track};

    #[test]
    fn what_is_written_is_read_back_and_the_oldest_run_goes() {
        let mut baseline = Baseline::of(Vec::new());
        for seed in 0..12 {
            let values = vec![(5_000_063, 3)];
            let tracks = vec![Track {
                series: "ack".into(),
                failures: 0,
                slices: vec![Slice { number: 2, values }],
            }];
            let mut run = Sample { slice: 1_000_000_000, tracks, ..Sample::default() };
            run.run.seed = seed;
            baseline.add(&run);
        }
        let text = baseline.render();
        assert!(Baseline::is_one(&text) && !Baseline::is_one("{}") && !Baseline::is_one("["));
        let read = Baseline::parse(&text).unwrap();
        assert_eq!(read.runs.len(), MOST_RUNS);
        assert_eq!((read.runs[0].run.seed, text.lines().count()), (2, 12));
        let (kept, count) = read.runs[0].tracks[0].slices[0].values[0];
        assert!(kept.abs_diff(5_000_063) < 8_192 && count == 3, "{kept}");
        assert_eq!(Baseline::parse(&read.render()).unwrap(), read);
    }

    #[test]
    fn mistakes_are_told_apart() {
        let told = |json: &str| Baseline::parse(json).unwrap_err();
        assert!(told("[]").starts_with("it is no baseline"));
        assert_eq!(told(r#"{"schema": 9}"#), "it has schema version 9, this is version 1");
        let damaged = r#"{"schema": 1, "kind": "baseline", "runs": [{}]}"#;
        assert!(told(damaged).starts_with("it is damaged: missing field"));
    }
}
