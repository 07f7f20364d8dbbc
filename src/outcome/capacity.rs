//! The result of a search for a server's size as one value: every step, what was found, and the
//! curve through it.
//!
//! It knows neither how loads were chosen nor how it is shown. Start with [`Capacity`].

use crate::outcome::{Exit, Latency, Outcome, Percentiles};
use crate::verdict::{Standing, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of the shape that `capacity.json` has.
pub const SCHEMA: u32 = 1;
/// A step of which less than this share of what was planned was sent says nothing of its load. Chance
/// makes it less only where next to nothing is planned.
const LEAST_SENT: f64 = 0.5;

/// Everything a report says of one search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Version of this shape.
    pub schema: u32,
    /// [`Kind::Capacity`]: tells it from the report of a run.
    pub kind: Kind,
    /// The scenario's name.
    pub scenario: String,
    /// The spec's name.
    pub spec: String,
    /// The server: `embedded reference server`, a URL, or the launched command.
    pub target: String,
    /// The seed of the first step; each step has one of its own.
    pub seed: u64,
    /// The product's version.
    pub version: String,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// Wall time, in nanoseconds.
    pub nanos: u64,
    /// The command that makes this search again.
    pub command: String,
    /// What was raised.
    pub by: By,
    /// The phase whose figures count, and how long it lasts, in nanoseconds.
    pub phase: (String, u64),
    /// What the search wanted to know: the relative width of the interval.
    pub precision: f64,
    /// The size that the caller wants at least.
    pub wanted: Option<u64>,
    /// The most that was to be tried.
    pub most: u64,
    /// Every step, in the order of time.
    pub steps: Vec<Step>,
    /// The largest load at which everything held, every smaller one that was tried included.
    pub held: Option<u64>,
    /// The smallest load at which it did not.
    pub exceeded: Option<u64>,
    /// Why it did not.
    pub limit: Option<Limit>,
    /// Where latency begins to grow faster than throughput.
    pub knee: Option<Knee>,
    /// The curve through the steps.
    pub curve: Option<Curve>,
    /// What the scenario wants judged, and saw too little of at the largest load that held.
    pub unexercised: Vec<String>,
    /// What else the reader must know, most important first.
    pub notes: Vec<String>,
    /// The search was interrupted; what is here was learned until then.
    pub interrupted: bool,
}

/// Tells a search's report from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is one.
    #[default]
    Capacity,
}

/// What is raised from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Clients; each does what it did before.
    #[default]
    Clients,
    /// Messages a second, of the same clients.
    Rate,
}

/// One run at one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Clients, or messages a second.
    pub load: u64,
    /// Why this load was tried.
    pub why: Why,
    /// Why it did not hold, if it did not.
    pub limit: Option<Limit>,
    /// What was measured in the steady part.
    pub figures: Figures,
}

/// Why a load is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The first, or twice or half of the one before: looking for both sides of the limit.
    Coarse,
    /// Between what held and what did not.
    Between,
    /// Once more, for what one step said may be chance.
    Again,
}

/// Why a load is too much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What kind of reason it is.
    pub of: Of,
    /// The property, or the threshold as written; nothing else has a name.
    pub name: String,
    /// What was seen.
    pub seen: String,
}

/// What kind of reason it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// A promised property was broken.
    Property,
    /// A threshold was missed.
    #[default]
    Expectation,
    /// A promised property was in doubt.
    Doubt,
    /// The server did not even take the people in, or died.
    Server,
    /// The generator could not make this load.
    Generator,
    /// Nothing happened that could speak for or against it.
    Nothing,
}

/// What was measured in a step's steady part. Rates per second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Simulated clients.
    pub clients: u32,
    /// Messages that left.
    pub sent: f64,
    /// Messages that the server confirmed.
    pub acked: f64,
    /// Messages pushed, one per receiver.
    pub delivered: f64,
    /// From the planned send to the ack.
    pub ack: Percentiles,
    /// From the planned send to each receiver.
    pub delivery: Percentiles,
    /// 99th percentile of the generator's own lag, nanoseconds.
    pub lag_p99: u64,
    /// Share of one core that the busiest shard used.
    pub cpu_share: f64,
}

/// Where latency begins to grow faster than throughput: the load of the most throughput per latency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// The load.
    pub load: u64,
    /// The tried loads next to it: it lies between them.
    pub between: (u64, u64),
    /// Median latency there, nanoseconds, and of what: `delivery` or `ack`.
    pub latency: u64,
    /// The latency's series.
    pub series: String,
}

/// The universal scalability law through the steps: `X(N) = λN / (1 + σ(N − 1) + κN(N − 1))`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// λ: confirmed messages a second for each unit of load, where nothing is in the way.
    pub per_unit: f64,
    /// σ: contention, the part of the work that waits in line for what is shared.
    pub contention: f64,
    /// κ: coherence, the part that is spent on agreeing with all others.
    pub coherence: f64,
    /// The load of the highest throughput, and that throughput; none if the curve has no top.
    pub peak: Option<(f64, f64)>,
    /// The throughput that cannot be passed by any load, where there is contention.
    pub ceiling: Option<f64>,
    /// The loads that it rests on.
    pub between: (u64, u64),
    /// How many different loads these are.
    pub loads: u32,
    /// The largest deviation of a step from the curve, as a share.
    pub error: f64,
    /// Up to this load the curve may be read; beyond it is a guess.
    pub reach: u64,
}

impl Capacity {
    /// The exit code. What is broken at every load outranks what was found.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let reason = self.limit.as_ref().map(|limit| limit.of);
        if self.interrupted {
            Exit::Interrupted
        } else if self.held.is_none() || self.is_too_small() {
            of(reason)
        } else if matches!(reason, Some(Of::Generator | Of::Nothing)) && self.wanted.is_none() {
            Exit::Bottleneck
        } else if self.is_open() && self.wanted.is_none() {
            Exit::Inconclusive
        } else if !self.unexercised.is_empty() {
            Exit::NotExercised
        } else {
            Exit::Held
        }
    }

    /// Less held than the caller wants.
    #[must_use]
    pub fn is_too_small(&self) -> bool {
        self.wanted.is_some_and(|wanted| self.held.is_none_or(|held| held < wanted))
    }

    /// Neither a load that is too much was found, nor was everything tried that was to be.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.exceeded.is_none() && self.held.is_none_or(|held| held < self.most)
    }

    /// The steps at this load: how many held, of how many.
    #[must_use]
    pub fn tally(&self, load: u64) -> (usize, usize) {
        let steps = self.steps.iter().filter(|step| step.load == load);
        steps.fold((0, 0), |(held, all), step| (held + usize::from(step.limit.is_none()), all + 1))
    }
}

/// What the reason of a load that should have held means.
const fn of(reason: Option<Of>) -> Exit {
    match reason {
        Some(Of::Property) => Exit::PropertyFailed,
        Some(Of::Expectation) => Exit::ExpectationFailed,
        Some(Of::Server) => Exit::Unreachable,
        Some(Of::Generator | Of::Nothing) => Exit::Bottleneck,
        Some(Of::Doubt) | None => Exit::Inconclusive,
    }
}

impl Limit {
    /// Why the run of a step does not hold; `None` if it does. That too little was exercised speaks
    /// against no load; what proves nothing at all is found by [`Limit::of_silence`].
    #[must_use]
    pub fn in_outcome(outcome: &Outcome) -> Option<Self> {
        let promised =
            |standing| outcome.verdicts.iter().find(move |v| v.promised && v.standing == standing);
        let limit =
            |of, name: &str, seen: &str| Some(Self { of, name: name.into(), seen: seen.into() });
        match outcome.exit() {
            Exit::PropertyFailed => {
                let verdict = promised(Standing::Fail)?;
                let kinds = verdict.finding.specimens().map(|(one, _)| one.summary.as_str());
                limit(Of::Property, &verdict.property, &kinds.collect::<Vec<_>>().join(", "))
            }
            Exit::ExpectationFailed => {
                let missed = outcome.expectations.iter().find(|expected| !expected.held)?;
                limit(Of::Expectation, &missed.text, &missed.measured)
            }
            Exit::Bottleneck => {
                limit(Of::Generator, "", outcome.generator.bottleneck.as_deref().unwrap_or(""))
            }
            Exit::Inconclusive => {
                let verdict = promised(Standing::Inconclusive)?;
                limit(Of::Doubt, &verdict.property, &verdict.finding.doubts.join("; "))
            }
            _ => None,
        }
    }

    /// A step that held although nothing speaks for it: of what was `planned` in the measured phase
    /// too little `sent`, in messages, or nobody connected, or nothing was judged.
    #[must_use]
    pub fn of_silence(outcome: &Outcome, planned: f64, sent: u64) -> Option<Self> {
        let connected =
            |latency: &Latency| latency.series == "connect" && latency.planned.count > 0;
        let exercised = |v: &Verdict| v.standing == Standing::Pass;
        let seen = if planned > 0.0 && (sent as f64) < planned * LEAST_SENT {
            let planned = (planned.round() as u64).max(1);
            format!("of {planned} planned messages {sent} left in the measured phase")
        } else if !outcome.latencies.iter().any(connected) {
            "nobody connected".to_owned()
        } else if outcome.expectations.is_empty() && !outcome.verdicts.iter().any(exercised) {
            "nothing was judged: no property saw enough, and there is no expectation".to_owned()
        } else {
            return None;
        };
        Some(Self { of: Of::Nothing, name: String::new(), seen })
    }

    /// It says something of the server: nothing else could explain what was seen.
    #[must_use]
    pub fn is_the_servers(&self) -> bool {
        matches!(self.of, Of::Property | Of::Expectation | Of::Server)
    }

    /// The same in a few words.
    #[must_use]
    pub fn short(&self) -> String {
        let Self { of, name, seen } = self;
        match of {
            Of::Property => format!("`{name}` broken"),
            Of::Expectation if seen.is_empty() => format!("`{name}` not measured"),
            Of::Expectation => format!("`{name}`: {seen}"),
            Of::Doubt => format!("`{name}` in doubt"),
            Of::Server => "the server gave up".into(),
            Of::Generator => "the generator was late".into(),
            Of::Nothing => "no evidence".into(),
        }
    }
}

impl By {
    /// The unit of a load, in the plural.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Rate => "messages/s",
        }
    }
}

impl Curve {
    /// The throughput at a load.
    #[must_use]
    pub fn at(&self, load: f64) -> f64 {
        let others = load - 1.0;
        self.per_unit * load / (1.0 + self.contention * others + self.coherence * load * others)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, name, seen } = self;
        match of {
            Of::Property => write!(f, "`{name}` is broken: {seen}"),
            Of::Expectation if seen.is_empty() => write!(f, "`{name}` was not measured"),
            Of::Expectation => write!(f, "`{name}` is missed: {seen}"),
            Of::Doubt => write!(f, "`{name}` is in doubt: {seen}"),
            Of::Server => write!(f, "the server gave up: {seen}"),
            Of::Generator => write!(f, "the generator could not make it: {seen}"),
            Of::Nothing => write!(f, "there is no evidence: {seen}"),
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clients => "clients",
            Self::Rate => "rate",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Expected;

    fn found(held: Option<u64>, exceeded: Option<u64>, of: Option<Of>) -> Capacity {
        let limit = of.map(|of| Limit { of, ..Limit::default() });
        Capacity { held, exceeded, limit, most: 1_000, ..Capacity::default() }
    }

    #[test]
    fn a_size_that_was_found_is_0_whatever_the_limit() {
        for of in [Of::Property, Of::Expectation, Of::Doubt, Of::Server] {
            assert_eq!(found(Some(100), Some(104), Some(of)).exit(), Exit::Held);
        }
        assert_eq!(
            found(Some(1_000), None, None).exit(),
            Exit::Held,
            "nothing more was to be tried"
        );
    }

    #[test]
    fn what_holds_at_no_load_is_told_by_its_reason() {
        let exit = |of| found(None, Some(1), Some(of)).exit();
        assert_eq!(exit(Of::Property), Exit::PropertyFailed);
        assert_eq!(exit(Of::Expectation), Exit::ExpectationFailed);
        assert_eq!(exit(Of::Generator), Exit::Bottleneck);
        assert_eq!(exit(Of::Nothing), Exit::Bottleneck);
        assert_eq!(exit(Of::Doubt), Exit::Inconclusive);
    }

    #[test]
    fn the_generators_limit_is_5_and_an_open_end_is_3() {
        assert_eq!(found(Some(9), Some(10), Some(Of::Generator)).exit(), Exit::Bottleneck);
        assert_eq!(found(Some(500), None, None).exit(), Exit::Inconclusive);
        let stopped = Capacity { interrupted: true, ..found(Some(500), None, None) };
        assert_eq!(stopped.exit(), Exit::Interrupted);
    }

    #[test]
    fn what_sent_connected_or_judged_nothing_is_no_evidence() {
        let latency = |series: &str, count| Latency {
            series: series.into(),
            planned: Percentiles { count, ..Percentiles::default() },
            ..Latency::default()
        };
        let expected = Expected { text: String::new(), measured: "1 ms".into(), held: true };
        let json = serde_json::json!({
            "schema": 1, "run": crate::outcome::Run::default(), "verdicts": [], "latencies": [],
            "counts": [], "expectations": [], "unexercised": [], "notes": [], "interrupted": false,
            "generator": crate::outcome::Generator::default(),
        });
        let mut outcome: Outcome = serde_json::from_value(json).unwrap();
        outcome.latencies = vec![latency("connect", 4)];
        outcome.expectations = vec![expected];
        let silence = |outcome: &Outcome, planned, sent| {
            Limit::of_silence(outcome, planned, sent).map(|limit| (limit.of, limit.seen))
        };
        assert_eq!(silence(&outcome, 100.0, 97), None);
        assert_eq!(silence(&outcome, 0.0, 0), None, "who plans no sends is heard on connections");
        let (of, seen) = silence(&outcome, 100.0, 0).unwrap();
        assert_eq!(
            (of, &*seen),
            (Of::Nothing, "of 100 planned messages 0 left in the measured phase")
        );
        assert!(silence(&outcome, 100.0, 40).is_some(), "people who cannot connect do not send");
        outcome.expectations.clear();
        assert!(silence(&outcome, 100.0, 97).unwrap().1.starts_with("nothing was judged"));
        outcome.latencies.clear();
        assert_eq!(silence(&outcome, 0.0, 0).unwrap().1, "nobody connected");
    }

    #[test]
    fn who_wants_a_size_is_told_whether_it_is_there() {
        let want = |wanted, of| {
            Capacity { wanted: Some(wanted), ..found(Some(100), Some(104), Some(of)) }.exit()
        };
        assert_eq!(want(100, Of::Expectation), Exit::Held);
        assert_eq!(want(100, Of::Generator), Exit::Held);
        assert_eq!(want(101, Of::Expectation), Exit::ExpectationFailed);
        assert_eq!(want(101, Of::Property), Exit::PropertyFailed);
        assert_eq!(want(101, Of::Generator), Exit::Bottleneck);
    }

    #[test]
    fn what_was_found_survives_json() {
        let step = Step {
            load: 7,
            why: Why::Between,
            limit: Some(Limit { of: Of::Doubt, ..Limit::default() }),
            figures: Figures::default(),
        };
        let whole = Capacity {
            steps: vec![step],
            knee: Some(Knee::default()),
            curve: Some(Curve { peak: Some((1.0, 2.0)), ..Curve::default() }),
            ..found(Some(1), Some(2), Some(Of::Server))
        };
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Capacity>(&json).unwrap(), whole);
        assert_eq!(whole.tally(7), (0, 1));
    }
}
