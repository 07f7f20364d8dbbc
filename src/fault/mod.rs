//! What can go wrong, as data: on a client's connection, with its messages, with the server's process.
//!
//! One file per fault or close family. Each says what it is, which figures it takes, and what it may
//! spoil: whatever it may spoil is not held against the server. Scenarios, scripts, the JSON Schema
//! and `assize list faults` read the same list, [`ALL`]; the words of a script are also what the
//! history says. Nothing here knows a socket, a process or a clock: the engine and the transport do
//! what is said here. Start with [`Fault`].

mod cut;
mod delay;
mod figure;
mod half_open;
mod messages;
mod node;
mod none;
mod part;
mod refuse;
mod segments;
mod server;
mod throttle;

pub use cut::{Cut, CutHow, Moment};
pub use figure::{Figure, Figures, Form, Value};
pub use messages::{Deed, Messages, Passing, What};
pub use node::{Node, NodeDeed};
pub use part::Part;
pub use server::Server;

use crate::source::{Lasting, suggestion};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A kind of fault: its name, its figures, and what there is to say of it.
#[derive(Debug)]
pub struct Kind {
    /// As scenarios, scripts and reports spell it.
    pub name: &'static str,
    /// What goes wrong, in one sentence.
    pub about: &'static str,
    /// The real trouble that it stands for.
    pub why: &'static str,
    /// It happens to the server, and so to everybody.
    pub of_server: bool,
    /// It lasts: when it ends must be said.
    pub lasts: bool,
    /// Its figures, in the order in which scripts are written.
    pub figures: &'static [Figure],
    /// As a script says it.
    pub example: &'static str,
    build: fn(&Figures) -> Result<Fault, String>,
}

/// Every kind of fault, in the order of the documentation.
pub const ALL: &[&Kind] = &[
    &none::NONE,
    &refuse::REFUSE,
    &cut::CUT,
    &cut::CUT_AFTER_SEND,
    &half_open::HALF_OPEN,
    &half_open::SILENCE,
    &delay::DELAY,
    &delay::JITTER,
    &throttle::THROTTLE,
    &throttle::SLOW_READER,
    &segments::SPLIT,
    &segments::MERGE,
    &messages::DROP,
    &messages::DUPLICATE,
    &messages::REORDER,
    &messages::WITHHOLD_ACKS,
    &server::RESTART,
    &server::KILL,
    &server::STOP,
    &node::NODE,
    &part::PART,
];

/// A fault with its figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nothing goes wrong: the baseline.
    None,
    /// No connection can be opened.
    Refuse,
    /// The connection is dropped.
    Cut(Cut),
    /// Bytes neither come nor go, and nobody is told.
    HalfOpen,
    /// The client neither reads nor answers, but its connection stays.
    Silence,
    /// The connection's bytes travel otherwise.
    Bytes(Shape, Option<Way>),
    /// Some messages do not arrive as they were sent.
    Messages(Messages),
    /// Something happens to the server's process.
    Server(Server),
}

/// How the bytes of a connection travel. No byte is changed, lost or overtaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Each byte arrives so much later.
    Delay(Duration),
    /// Each byte arrives up to so much later, by chance.
    Jitter(Duration),
    /// So many bytes a second, at most.
    Throttle(u32),
    /// So many bytes a second are read, at most, and the system's buffer is small.
    SlowReader(u32),
    /// So many bytes in one segment, at most.
    Split(u32),
    /// What comes within so long is gathered and leaves in one piece.
    Merge(Duration),
}

/// Which way something travels, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the server.
    In,
    /// To the server.
    Out,
}

/// What a fault may spoil while it lasts. Who judges a server excuses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Answers may be late or missing.
    pub answers: bool,
    /// What the server sends unasked may be late or missing.
    pub deliveries: bool,
    /// The connection may end, or not come about.
    pub connection: bool,
}

impl Effect {
    /// Nothing is spoilt.
    pub const NOTHING: Self = Self { answers: false, deliveries: false, connection: false };
    /// Everything may be.
    pub const EVERYTHING: Self = Self { answers: true, deliveries: true, connection: true };

    /// The effect of a fault by the words of the history; of unknown words, everything.
    #[must_use]
    pub fn of(words: &str) -> Self {
        words.parse::<Fault>().map_or(Self::EVERYTHING, Fault::effect)
    }

    /// What was under way may be held back, or go down with the connection.
    #[must_use]
    pub const fn holds_back(self) -> bool {
        self.deliveries && self.connection
    }

    /// In words, for the documentation.
    #[must_use]
    pub fn words(self) -> String {
        let parts = [
            (self.answers, "answers"),
            (self.deliveries, "deliveries"),
            (self.connection, "the connection"),
        ];
        let parts: Vec<&str> = parts.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
    }
}

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|kind| kind.name == name)
    }

    /// The fault with these figures.
    ///
    /// # Errors
    /// The figures do not fit together; says why.
    pub fn build(&self, figures: &Figures) -> Result<Fault, String> {
        (self.build)(figures)
    }

    /// The fault of the example.
    ///
    /// # Panics
    /// Never: a test reads every example.
    #[must_use]
    pub fn exemplar(&self) -> Fault {
        self.example.parse().expect("a test reads every example")
    }

    /// Which word takes which figure: each one the first that is free and can be read so.
    fn figures(&self, words: &[&str]) -> Result<Figures, String> {
        let mut figures = Figures::default();
        for word in words {
            let free = self.figures.iter().filter(|figure| !figures.has(figure.name));
            let read = free.filter_map(|figure| Some((figure.name, figure.of_word(word)?)));
            let Some((name, value)) = read.into_iter().next() else {
                let known: Vec<String> = self.figures.iter().map(Figure::expected).collect();
                let takes = if known.is_empty() { "nothing".into() } else { known.join(", ") };
                return Err(format!("`{word}` means nothing to `{}`; it takes {takes}", self.name));
            };
            figures.set(name, value);
        }
        self.complete(figures)
    }

    /// Fills in what was left out.
    ///
    /// # Errors
    /// A figure that must be given is missing.
    pub fn complete(&self, mut figures: Figures) -> Result<Figures, String> {
        for figure in self.figures.iter().filter(|figure| figure.required) {
            if !figures.has(figure.name) {
                let expected = figure.form.expected();
                return Err(format!("`{}` needs `{}`: {expected}", self.name, figure.name));
            }
        }
        figures.kind = self.name;
        Ok(figures)
    }
}

impl Fault {
    /// The name of its kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        let name = match self {
            Self::None => &none::NONE,
            Self::Refuse => &refuse::REFUSE,
            Self::Cut(cut) => cut.kind(),
            Self::HalfOpen => &half_open::HALF_OPEN,
            Self::Silence => &half_open::SILENCE,
            Self::Bytes(shape, _) => shape.kind(),
            Self::Messages(messages) => messages.kind(),
            Self::Server(server) => server.kind(),
        };
        name.name
    }

    /// What it may spoil.
    #[must_use]
    pub fn effect(self) -> Effect {
        match self {
            Self::None => Effect::NOTHING,
            Self::Server(Server::Part(_)) => part::EFFECT,
            Self::Refuse => refuse::EFFECT,
            Self::Cut(_) | Self::HalfOpen | Self::Silence | Self::Server(_) => Effect::EVERYTHING,
            Self::Bytes(shape, _) => shape.effect(),
            Self::Messages(messages) => messages.effect(),
        }
    }

    /// It strikes the bytes of connections, or that there are any.
    #[must_use]
    pub const fn shapes_bytes(self) -> bool {
        matches!(self, Self::Refuse | Self::HalfOpen | Self::Bytes(..))
    }

    /// It happens to the server's process.
    #[must_use]
    pub const fn of_server(self) -> Option<Server> {
        match self {
            Self::Server(server) => Some(server),
            _ => None,
        }
    }
}

/// Whether something happens to all of the server, by the words of the history. What happens to one
/// node concerns its clients only.
#[must_use]
pub fn is_of_server(words: &str) -> bool {
    let of_all = |what| !matches!(what, Server::Node(_));
    words.parse::<Fault>().is_ok_and(|fault| fault.of_server().is_some_and(of_all))
}

impl Shape {
    const fn kind(self) -> &'static Kind {
        match self {
            Self::Delay(_) => &delay::DELAY,
            Self::Jitter(_) => &delay::JITTER,
            Self::Throttle(_) => &throttle::THROTTLE,
            Self::SlowReader(_) => &throttle::SLOW_READER,
            Self::Split(_) => &segments::SPLIT,
            Self::Merge(_) => &segments::MERGE,
        }
    }

    const fn effect(self) -> Effect {
        match self {
            Self::Delay(_) | Self::Jitter(_) | Self::Throttle(_) | Self::SlowReader(_) => {
                Effect::EVERYTHING
            }
            Self::Split(_) | Self::Merge(_) => segments::EFFECT,
        }
    }
}

impl Way {
    /// The word of scenarios and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// As a script says it, and as the history does.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(cut) => cut.fmt(f),
            Self::Bytes(shape, way) => {
                match shape {
                    Shape::Delay(by) => write!(f, "delay {}", Lasting(*by)),
                    Shape::Jitter(by) => write!(f, "jitter {}", Lasting(*by)),
                    Shape::Throttle(rate) => write!(f, "throttle {rate}/s"),
                    Shape::SlowReader(rate) => write!(f, "slow-reader {rate}/s"),
                    Shape::Split(bytes) => write!(f, "split {bytes}"),
                    Shape::Merge(within) => write!(f, "merge {}", Lasting(*within)),
                }?;
                way.map_or(Ok(()), |way| write!(f, " {}", way.name()))
            }
            Self::Messages(messages) => messages.fmt(f),
            Self::Server(Server::Node(node)) => node.fmt(f),
            Self::Server(Server::Part(part)) => part.fmt(f),
            other => f.write_str(other.name()),
        }
    }
}

/// Reads what a script says: the name and its figures, in any order.
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (name, words) = words.split_first().ok_or("no fault is named")?;
        let Some(kind) = Kind::find(name) else {
            let near = suggestion(name, ALL.iter().map(|kind| kind.name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(format!("`{name}` is no fault{hint}"));
        };
        kind.build(&kind.figures(words)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_example_is_read_and_said_again() {
        for kind in ALL {
            let fault = kind.exemplar();
            assert_eq!(fault.name(), kind.name, "{fault}");
            assert_eq!(fault.to_string(), kind.example);
            assert_eq!(fault.of_server().is_some(), kind.of_server, "{fault}");
            assert!(!kind.about.is_empty() && !kind.why.is_empty());
        }
    }

    #[test]
    fn names_are_unique_and_no_operation_has_one() {
        for (index, kind) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != kind.name));
            assert_eq!(crate::operation::Operation::parse(kind.name), None, "{}", kind.name);
        }
    }

    #[test]
    fn words_may_stand_in_any_order() {
        for (one, other) in [
            ("drop message in 30%", "drop 30% in message"),
            ("delay acks 200ms", "delay 200ms acks"),
            ("cut fin on-message", "cut on-message fin"),
            ("throttle 2000/s out", "throttle out 2000/s"),
        ] {
            assert_eq!(one.parse::<Fault>().unwrap(), other.parse::<Fault>().unwrap());
        }
        assert_eq!("cut".parse::<Fault>().unwrap().to_string(), "cut rst");
        assert_eq!("drop acks in".parse::<Fault>().unwrap().to_string(), "withhold-acks");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (words, piece) in [
            ("cutt rst", "did you mean `cut`?"),
            ("cut softly", "`softly` means nothing to `cut`"),
            ("delay", "`delay` needs `by`"),
            ("split 0", "`0` means nothing to `split`"),
            ("drop", "`drop` needs `what`"),
            ("drop acks out", "never"),
            ("drop receipt out", "never"),
            ("drop send in 0%", "never happens"),
            ("delay 1s 2s", "`2s` means nothing"),
            ("restart 5s", "it takes nothing"),
        ] {
            let error = words.parse::<Fault>().unwrap_err();
            assert!(error.contains(piece), "{words}: {error}");
        }
    }

    #[test]
    fn what_a_fault_may_spoil_is_known_by_its_words() {
        assert_eq!(Effect::of("none"), Effect::NOTHING);
        assert_eq!(Effect::of("an older word"), Effect::EVERYTHING);
        assert_eq!(Effect::of("withhold-acks").words(), "answers");
        assert_eq!(Effect::of("drop message in"), Effect::NOTHING);
        assert_eq!(Effect::of("delay 200ms"), Effect::EVERYTHING);
        assert_eq!(Effect::of("refuse").words(), "answers, the connection");
    }

    proptest! {
        #[test]
        fn any_words_are_read_or_refused(text in "[a-z0-9%/ -]{0,40}") {
            if let Ok(fault) = text.parse::<Fault>() {
                prop_assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
            }
        }
    }
}
