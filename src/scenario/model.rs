//! A scenario, as the plan and the engine read it. The loader has refused everything wrong.

use crate::fault::{Fault, Part};
use crate::operation::Operation;
use std::time::Duration;

/// A share of something, from 0 to 1.
pub type Share = f64;

/// One scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name; the file's stem.
    pub name: String,
    /// One sentence: what it tries.
    pub about: String,
    /// The spec it runs on if the command line names none (a path, or a name under `specs/`).
    pub spec: Option<String>,
    /// The seed if the command line names none.
    pub seed: u64,
    /// How to start the server under test.
    pub launch: Option<Launch>,
    /// URLs of a running server's nodes, if it isn't launched.
    pub target: Vec<String>,
    /// How many nodes the embedded reference server has, if the scenario says it.
    pub embedded: Option<u32>,
    /// Who takes part.
    pub people: Population,
    /// What happens, one phase after the other.
    pub phases: Vec<Phase>,
    /// Who asks over HTTP beside the clients, on the same timeline.
    pub http: Option<HttpUsers>,
    /// What goes wrong, on the same timeline (0 is the start of the first phase).
    pub faults: Vec<FaultPlan>,
    /// How long to wait for quiet after the last phase before the final read.
    pub patience: Duration,
    /// Thresholds on figures.
    pub expect: Vec<Expectation>,
    /// Properties that must have been exercised.
    pub exercise: Vec<String>,
}

impl Scenario {
    /// How long all phases last.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.phases.iter().map(|phase| phase.lasts).sum()
    }
}

/// `launch:` the server under test, started and stopped by the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// Program and arguments; relative paths count from the working directory.
    pub command: Vec<String>,
    /// How many nodes it has, each with a line of its own that says where it listens.
    pub nodes: u32,
    /// What is run to strike one of its nodes or parts, with words such as `kill node 1`; without it
    /// they are out of reach.
    pub control: Vec<String>,
    /// The parts that this command can stop and start.
    pub parts: Vec<Part>,
    /// Added to the environment.
    pub environment: Vec<(String, String)>,
    /// What tells that it is ready and where.
    pub ready: Ready,
    /// How long it may take to become ready.
    pub within: Duration,
    /// How long it may take to stop after SIGTERM before it is killed.
    pub stop_within: Duration,
    /// Cases that it bears side by side, if it bears less than most.
    pub cases_at_once: Option<u32>,
}

/// What tells that a launched server is ready, and where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// A line of its standard output with this text before a URL.
    Line(String),
    /// This URL answers 200.
    Probe(String),
}

/// `people:` who takes part, and who talks to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    /// How many people.
    pub count: u32,
    /// How many clients a person has, and for which share of the people.
    pub devices: Vec<(u32, Share)>,
    /// Conversations of two.
    pub pairs: u32,
    /// Conversations of some.
    pub groups: Vec<Groups>,
    /// People with very many conversations of two.
    pub stars: Vec<Stars>,
    /// Clients start this much apart in wall-clock time, at most (skewed clocks).
    pub clock_skew: Duration,
    /// To which of several nodes a client comes back.
    pub reconnect: Reconnect,
}

/// To which of several nodes a client comes back after it lost its connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reconnect {
    /// The one where it was, as behind a load balancer with sticky sessions.
    #[default]
    SameNode,
    /// The next one.
    OtherNode,
}

/// Several groups of alike size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// How many.
    pub count: u32,
    /// The fewest members.
    pub least: u32,
    /// The most members.
    pub most: u32,
}

/// Several people who have a conversation of two with each of very many others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stars {
    /// How many such people.
    pub count: u32,
    /// How many conversations each of them has.
    pub conversations: u32,
}

/// One phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// How long it lasts.
    pub lasts: Duration,
    /// The share of all clients that connect in this phase.
    pub connect: Share,
    /// They connect in so many steps, all of a step at once, the first as the phase begins; without,
    /// they come evenly spread over the phase.
    pub steps: Option<u32>,
    /// What connected people do.
    pub behaviour: Behaviour,
}

/// What people do while a phase lasts. Rates are of an open workload unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Behaviour {
    /// Messages.
    pub send: Option<Rate>,
    /// How the events of these rates are spread over time.
    pub arrivals: Arrivals,
    /// Closed workload: this share of the people sends, waits for the answer, thinks, sends.
    pub converse: Option<Converse>,
    /// Bursts: several members of a conversation send at the same moment.
    pub burst: Option<Burst>,
    /// Spells of typing (several keystrokes; some end in a message, some do not).
    pub typing: Option<Rate>,
    /// The share of what is sent that goes to one conversation of each cell.
    pub hot: Share,
    /// The share of received messages that is marked as read.
    pub read: Share,
    /// The share of sends that leave twice at once with one key (a double tap, two tabs).
    pub repeat: Share,
    /// The share of sends followed by a second message with the same text and another key.
    pub same_text: Share,
    /// The share of sends whose key another member uses too, for a message of their own.
    pub same_key: Share,
    /// The share of sends that leave over each of these channels; the others leave over the first
    /// that is not named.
    pub channels: Vec<(String, Share)>,
    /// Reads of the whole history.
    pub history: Option<Rate>,
    /// People go offline for a while, and come back.
    pub away: Option<Away>,
    /// What the texts are like.
    pub texts: Texts,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Events per second, on average over the phase.
    pub per_second: f64,
    /// How the rate changes while the phase lasts: it begins at `1 - tilt` times the average, ends at
    /// `1 + tilt` times, and is a straight line in between.
    pub tilt: f64,
    /// Of one, or of all together.
    pub of: RateOf,
}

impl Rate {
    /// The highest rate of the phase.
    #[must_use]
    pub fn most(&self) -> f64 {
        self.per_second * (1.0 + self.tilt.abs())
    }
}

/// Of whom a rate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateOf {
    /// Each person.
    Person,
    /// Each conversation.
    Conversation,
    /// All together.
    All,
}

/// A closed workload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Converse {
    /// Which share of the people.
    pub share: Share,
    /// When the next send is due.
    pub pace: Pace,
}

/// When the next send of a closed workload is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// So long after the last answer, on average.
    Think(Duration),
    /// So long after the last one was due; who waits for an answer sends late, and the latency counts
    /// from when it was due.
    Every(Duration),
}

/// How the events of a rate are spread over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// Independently of one another.
    #[default]
    Poisson,
    /// At equal distances.
    Constant,
    /// So many at once.
    Bursts(u32),
}

/// Several members of one conversation send at the same moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// How often.
    pub rate: Rate,
    /// Messages per burst and sender, sent without waiting for answers.
    pub messages: u32,
}

/// People close the connections of all their devices, and open them again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Away {
    /// How often one does.
    pub rate: Rate,
    /// For how long.
    pub lasts: Duration,
}

/// What the texts are like, in shares that add up to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    /// A few words.
    pub short: Share,
    /// As long as the spec allows.
    pub long: Share,
    /// Emoji, combining marks, right-to-left, astral planes.
    pub unicode: Share,
    /// Markup and quotes.
    pub markup: Share,
    /// One character longer than the spec allows; the server must refuse them.
    pub overlong: Share,
    /// How long those are that are neither as long as allowed nor longer; without, a few words.
    pub sizes: Option<Sizes>,
}

/// How long texts are, as percentiles; between two of them, evenly on a logarithmic scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Shares and characters, both growing, from share 0 to share 1.
    points: Vec<(Share, u32)>,
}

impl Sizes {
    /// Sizes through these points, which grow from share 0 to share 1.
    #[must_use]
    pub fn new(points: Vec<(Share, u32)>) -> Self {
        Self { points }
    }

    /// The size below which this share of the texts lies, in characters.
    #[must_use]
    pub fn at(&self, share: Share) -> u32 {
        let above = self.points.iter().position(|(point, _)| *point >= share);
        match above {
            Some(0) => self.least(),
            None => self.most(),
            Some(next) => {
                let ((from, least), (to, most)) = (self.points[next - 1], self.points[next]);
                let place = (share - from) / (to - from);
                let growth = f64::from(most) / f64::from(least.max(1));
                (f64::from(least) * growth.powf(place)).round() as u32
            }
        }
    }

    /// The smallest, in characters.
    #[must_use]
    pub fn least(&self) -> u32 {
        self.points.first().map_or(0, |(_, size)| *size)
    }

    /// The largest, in characters.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.points.last().map_or(0, |(_, size)| *size)
    }
}

/// `http:` users without a socket, who only ask over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpUsers {
    /// How many; each has one request under way at most.
    pub users: u32,
    /// Requests per second of all of them together, on average.
    pub per_second: f64,
    /// How the rate changes meanwhile, as in [`Rate::tilt`].
    pub tilt: f64,
    /// What they ask for, in shares that add up to 1.
    pub mix: Vec<(Operation, Share)>,
    /// When they begin, from the start of the first phase.
    pub at: Duration,
    /// How long they go on.
    pub lasts: Duration,
}

impl HttpUsers {
    /// What they can do: send, and ask for what changes nothing.
    pub const OPERATIONS: &[Operation] = &[
        Operation::Send,
        Operation::History,
        Operation::List,
        Operation::Search,
        Operation::Unread,
        Operation::Contacts,
        Operation::Health,
    ];

    /// The share of this operation in what they do.
    #[must_use]
    pub fn share_of(&self, operation: Operation) -> Share {
        self.mix.iter().filter(|(one, _)| *one == operation).map(|(_, share)| share).sum()
    }
}

/// One fault on the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultPlan {
    /// When it begins, from the start of the first phase.
    pub at: Duration,
    /// How long it lasts (for a cut: how long the client stays away before it may reconnect).
    pub lasts: Duration,
    /// The share of clients it hits; everybody, if it happens to the server.
    pub share: Share,
    /// What it is.
    pub fault: Fault,
}

/// A threshold on a figure of the run, e.g. `delivery.p95 < 500ms`.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// As it was written.
    pub text: String,
    /// The figure's series: one of [`SERIES`](super::SERIES), or [`REACH`](super::REACH).
    pub series: String,
    /// Of deliveries: from which node to which, counted from 1; without it, all of them.
    pub between: Option<(u32, u32)>,
    /// The phase that it is of; without it, the whole run.
    pub phase: Option<String>,
    /// `p50`, `p90`, `p95`, `p99`, `p99.9`, `max`, `mean`, `count`, `success` (a share); of reach
    /// `live` and `synced`.
    pub statistic: String,
    /// `<`, `<=`, `>`, `>=`.
    pub comparison: String,
    /// Nanoseconds for times, else the plain number or share.
    pub bound: f64,
}

impl Default for Texts {
    fn default() -> Self {
        Self { short: 0.9, long: 0.02, unicode: 0.05, markup: 0.03, overlong: 0.0, sizes: None }
    }
}
