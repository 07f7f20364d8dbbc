//! The result of a run as one value: what reports render and exit codes follow from.
//!
//! It knows neither how it was measured nor how it is shown. Start with [`Outcome`].

pub mod capacity;
pub mod collapse;
pub mod conformance;
pub mod course;
pub mod document;
pub mod exploration;
pub mod gate;
pub mod phase;

pub use capacity::Capacity;
pub use collapse::Collapse;
pub use conformance::Conformance;
pub use course::Course;
pub use exploration::Exploration;
pub use gate::Gate;
pub use phase::{PhaseFigures, Reach};

use crate::outcome::course::Shape;
use crate::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// The version of the shape that `report.json` has.
pub const SCHEMA: u32 = 1;

/// Everything a report says of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Version of this shape.
    pub schema: u32,
    /// What was run.
    pub run: Run,
    /// The verdicts, in the order of the catalogue.
    pub verdicts: Vec<Verdict>,
    /// The latencies, in a fixed order.
    pub latencies: Vec<Latency>,
    /// The same by phase of the scenario; empty in reports of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<PhaseFigures>,
    /// Named counts (`messages sent`, `deliveries`, `reconnects`, …).
    pub counts: Vec<(String, u64)>,
    /// Thresholds and how they fared.
    pub expectations: Vec<Expected>,
    /// Properties that had to be exercised and were not.
    pub unexercised: Vec<String>,
    /// How the generator itself did.
    pub generator: Generator,
    /// What else the reader must know, most important first.
    pub notes: Vec<String>,
    /// The run was interrupted; what is here was gathered until then.
    pub interrupted: bool,
    /// The run over time; empty in reports of older versions.
    #[serde(default, skip_serializing_if = "Course::is_empty")]
    pub course: Course,
    /// The scenario and the spec as they were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// A document that the run was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What it is called in the folder of the run.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The scenario's name.
    pub scenario: String,
    /// The spec's name.
    pub spec: String,
    /// The seed.
    pub seed: u64,
    /// The product's version.
    pub version: String,
    /// The server: `embedded reference server`, a URL, or the launched command.
    pub target: String,
    /// The bugs switched on in the embedded server.
    pub bugs: Vec<String>,
    /// The simulated client: `assize` or `rust_socketio`.
    pub client: String,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// Wall time from the first phase to the last final read, in nanoseconds.
    pub nanos: u64,
    /// People, clients, conversations.
    pub people: u32,
    /// Simulated clients.
    pub clients: u32,
    /// Conversations.
    pub conversations: u32,
    /// Shards.
    pub shards: u32,
    /// The command that makes this run again.
    pub command: String,
    /// The machine that it ran on: system, processor, cores; empty in reports of older versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub machine: String,
}

/// The latencies of one kind of operation. Times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// `connect`, `ack`, `delivery`, `fan-out.last`, …: a [`Series`](crate::metric::Series), or a part of
    /// one.
    pub series: String,
    /// What is measured from where to where.
    pub about: String,
    /// From the planned time: what a user feels.
    pub planned: Percentiles,
    /// From the actual start: what the server alone took.
    pub actual: Percentiles,
    /// How many attempts failed instead.
    pub failures: u64,
    /// How they are distributed; empty if nothing was measured, and in reports of older versions.
    #[serde(default, skip_serializing_if = "Shape::is_empty")]
    pub shape: Shape,
}

impl Latency {
    /// The two ways to count tell different stories: more than a tenth apart, and more than 1 ms.
    #[must_use]
    pub fn differs(&self) -> bool {
        [(self.planned.p50, self.actual.p50), (self.planned.p99, self.actual.p99)]
            .into_iter()
            .any(|(a, b)| a.abs_diff(b) > (a / 10).max(1_000_000))
    }
}

/// Percentiles of a histogram, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Percentiles {
    pub count: u64,
    pub mean: u64,
    pub p50: u64,
    pub p90: u64,
    pub p95: u64,
    pub p99: u64,
    pub p99_9: u64,
    pub max: u64,
}

/// A threshold and how it fared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// As written.
    pub text: String,
    /// What was measured, in the same unit, in words; empty if nothing was.
    pub measured: String,
    /// It held.
    pub held: bool,
}

/// How the generator itself did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Timer lag: due time against firing, nanoseconds.
    pub lag: Percentiles,
    /// Share of one core that the busiest shard used, 0 to 1.
    pub cpu_share: f64,
    /// CPU seconds of the whole process, the embedded server included if there is one.
    pub cpu_seconds: f64,
    /// Peak resident memory of the process, bytes.
    pub peak_rss: u64,
    /// Planned actions that were dropped because a bounded queue was full.
    pub dropped: u64,
    /// The generator could not keep up: figures are its own, not the server's.
    pub bottleneck: Option<String>,
}

/// The process's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All held.
    Held = 0,
    /// A promised property failed.
    PropertyFailed = 1,
    /// An expectation (threshold) failed.
    ExpectationFailed = 2,
    /// A promised property is inconclusive.
    Inconclusive = 3,
    /// Nothing was exercised, or not what had to be.
    NotExercised = 4,
    /// The generator itself was the bottleneck.
    Bottleneck = 5,
    /// The command line makes no sense.
    Usage = 64,
    /// A spec or scenario has mistakes.
    BadInput = 65,
    /// The target cannot be reached or does not speak what the spec says.
    Unreachable = 69,
    /// The harness itself failed.
    Internal = 70,
    /// All held, but not everything that was to be kept could be written: the history or the report.
    NotWritten = 74,
    /// Interrupted; what was gathered is judged and written.
    Interrupted = 130,
}

impl Outcome {
    /// Whom messages reached.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let count = |name: &str| {
            let found = self.counts.iter().find(|(known, _)| known == name);
            found.map_or(0, |(_, number)| *number)
        };
        Reach {
            expected: count("receivers expected"),
            live: count("receivers reached"),
            synced: count("receivers synced"),
        }
    }

    /// Judges sat: the run was not one for load and latencies alone.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        !self.verdicts.is_empty()
    }

    /// The exit code, as it is documented: see [`Gate::exit`].
    #[must_use]
    pub fn exit(&self) -> Exit {
        Gate::default().exit(self)
    }
}
