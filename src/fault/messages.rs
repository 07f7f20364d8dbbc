//! Some messages do not arrive as they were sent: dropped, late, twice, or in another order.
//!
//! These faults stand between the connection and the client. What the server pushed is in the history
//! as it came, before a fault touches it; what a fault keeps from the wire is not in it as an attempt.
//! So judges see what the server did, and the client lives with the rest.

use super::figure::WAY;
use super::{Effect, Fault, Figure, Figures, Form, Kind, Way, delay};
use crate::operation::{Operation, Sight};
use crate::source::Lasting;
use std::fmt;
use std::time::Duration;

/// A fault of messages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Messages {
    /// What becomes of them.
    pub deed: Deed,
    /// Which are meant.
    pub what: What,
    /// Only those that go this way.
    pub way: Option<Way>,
    /// How likely it hits each of them.
    pub chance: f64,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It never arrives.
    Drop,
    /// It arrives so much later; others overtake it.
    Delay(Duration),
    /// It arrives twice.
    Duplicate,
    /// It is overtaken by the next one of its kind.
    Reorder,
}

/// Which messages are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The server's answers, whatever they answer.
    Acks,
    /// All.
    Everything,
    /// Those of a word of the vocabulary: an operation (asked for, and answered) or a sight.
    Word(&'static str),
}

/// A message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// The client asks for an operation.
    Asked(Operation),
    /// The server answers; to what is not known of late answers.
    Answered(Option<Operation>),
    /// The server sends something unasked.
    Seen(Sight),
}

pub(super) const WHAT: Figure = Figure {
    name: "what",
    about: "`acks` (answers of any kind), `everything`, or a word of the vocabulary: an operation or a sight",
    form: Form::What,
    required: true,
};

pub(super) const CHANCE: Figure = Figure {
    name: "chance",
    about: "how likely it hits each of them; 100% if it is left out",
    form: Form::Share,
    required: false,
};

pub(super) const DROP: Kind = Kind {
    name: "drop",
    about: "messages of one kind do not arrive",
    why: "A proxy that fails half way, a handler that dies: whoever waits for an answer must time \
          out, and ask again.",
    of_server: false,
    lasts: true,
    figures: &[WHAT, WAY, CHANCE],
    example: "drop message in",
    build: |figures| messages(Deed::Drop, figures),
};

pub(super) const DUPLICATE: Kind = Kind {
    name: "duplicate",
    about: "messages of one kind arrive twice",
    why: "Double taps, second tabs, proxies that retry: what is asked twice with one key must be \
          done once.",
    of_server: false,
    lasts: true,
    figures: &[WHAT, WAY, CHANCE],
    example: "duplicate send out",
    build: |figures| messages(Deed::Duplicate, figures),
};

pub(super) const REORDER: Kind = Kind {
    name: "reorder",
    about: "messages of one kind are overtaken by the next one of their kind",
    why: "Several workers, several connections: who relies on the order of arrival shows a talk \
          in the wrong sequence.",
    of_server: false,
    lasts: true,
    figures: &[WHAT, WAY, CHANCE],
    example: "reorder acks",
    build: |figures| messages(Deed::Reorder, figures),
};

pub(super) const WITHHOLD_ACKS: Kind = Kind {
    name: "withhold-acks",
    about: "answers reach the client's socket but not the client: `drop acks in`",
    why: "The client times out, and sends again with the same key, though everything was stored.",
    of_server: false,
    lasts: true,
    figures: &[],
    example: "withhold-acks",
    build: |_| Ok(Fault::Messages(WITHHELD)),
};

const WITHHELD: Messages =
    Messages { deed: Deed::Drop, what: What::Acks, way: Some(Way::In), chance: 1.0 };

/// The fault of these figures.
pub(super) fn messages(deed: Deed, figures: &Figures) -> Result<Fault, String> {
    let what = figures.what("what").ok_or("which messages?")?;
    let chance = figures.share("chance").unwrap_or(1.0);
    if chance <= 0.0 {
        return Err("with this chance it never happens".into());
    }
    let messages = Messages { deed, what, way: figures.way(), chance };
    if !messages.can_happen() {
        let way = messages.way.map_or("", Way::name);
        return Err(format!("`{what}` never goes `{way}`"));
    }
    Ok(Fault::Messages(messages))
}

impl What {
    /// The word's meaning, if it has one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "acks" => Some(Self::Acks),
            "everything" => Some(Self::Everything),
            _ => Operation::parse(word)
                .map(Operation::name)
                .or_else(|| Sight::parse(word).map(Sight::name))
                .map(Self::Word),
        }
    }

    /// Whether such a message is meant. A `message` on its way out is a send.
    #[must_use]
    pub fn fits(self, passing: Passing) -> bool {
        match (self, passing) {
            (Self::Everything, _) | (Self::Acks, Passing::Answered(_)) => true,
            (Self::Word(word), Passing::Asked(operation)) => {
                word == operation.name() || (word == "message" && operation == Operation::Send)
            }
            (Self::Word(word), Passing::Answered(Some(operation))) => word == operation.name(),
            (Self::Word(word), Passing::Seen(sight)) => word == sight.name(),
            _ => false,
        }
    }
}

impl Passing {
    /// Which way it goes.
    #[must_use]
    pub const fn way(self) -> Way {
        match self {
            Self::Asked(_) => Way::Out,
            Self::Answered(_) | Self::Seen(_) => Way::In,
        }
    }
}

impl Messages {
    /// Whether a message of this kind, going this way, is meant.
    #[must_use]
    pub fn fits(&self, passing: Passing) -> bool {
        self.way.is_none_or(|way| way == passing.way()) && self.what.fits(passing)
    }

    /// Whether answers, or what asks for them, are meant.
    fn touches_answers(&self) -> bool {
        self.fits(Passing::Answered(None))
            || Operation::ALL.iter().any(|operation| {
                self.fits(Passing::Asked(*operation))
                    || self.fits(Passing::Answered(Some(*operation)))
            })
    }

    fn can_happen(&self) -> bool {
        self.touches_answers() || Sight::ALL.iter().any(|sight| self.fits(Passing::Seen(*sight)))
    }

    /// Pushes are recorded as they came, so only answers can be spoilt.
    pub(super) fn effect(&self) -> Effect {
        let answers = self.deed != Deed::Duplicate && self.touches_answers();
        Effect { answers, ..Effect::NOTHING }
    }

    pub(super) fn kind(&self) -> &'static Kind {
        match self.deed {
            Deed::Drop if *self == WITHHELD => &WITHHOLD_ACKS,
            Deed::Drop => &DROP,
            Deed::Delay(_) => &delay::DELAY,
            Deed::Duplicate => &DUPLICATE,
            Deed::Reorder => &REORDER,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acks => "acks",
            Self::Everything => "everything",
            Self::Word(word) => word,
        })
    }
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        f.write_str(kind.name)?;
        if kind.figures.is_empty() {
            return Ok(());
        }
        write!(f, " {}", self.what)?;
        if let Deed::Delay(by) = self.deed {
            write!(f, " {}", Lasting(by))?;
        }
        if let Some(way) = self.way {
            write!(f, " {}", way.name())?;
        }
        if self.chance < 1.0 {
            write!(f, " {}%", (self.chance * 1e8).round() / 1e6)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str) -> Messages {
        match words.parse() {
            Ok(Fault::Messages(messages)) => messages,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_word_means_its_operation_both_ways_and_its_sight() {
        let both = of("drop typing-start");
        assert!(both.fits(Passing::Asked(Operation::TypingStart)));
        assert!(both.fits(Passing::Seen(Sight::TypingStart)));
        assert!(!both.fits(Passing::Seen(Sight::TypingStop)));
        let incoming = of("drop message in");
        assert!(incoming.fits(Passing::Seen(Sight::Message)));
        assert!(!incoming.fits(Passing::Asked(Operation::Send)));
        assert!(!incoming.fits(Passing::Answered(Some(Operation::Send))));
        assert!(of("drop message out").fits(Passing::Asked(Operation::Send)));
        let acks = of("drop acks");
        assert!(acks.fits(Passing::Answered(Some(Operation::Send))));
        assert!(acks.fits(Passing::Answered(None)));
        assert!(!acks.fits(Passing::Seen(Sight::Message)));
    }

    #[test]
    fn only_what_touches_answers_excuses_them() {
        for (words, answers) in [
            ("drop acks", true),
            ("drop send out", true),
            ("delay everything 1s", true),
            ("reorder sync in", true),
            ("drop message in", false),
            ("delay receipt 1s", false),
            ("duplicate send out", false),
        ] {
            assert_eq!(of(words).effect().answers, answers, "{words}");
        }
    }
}
