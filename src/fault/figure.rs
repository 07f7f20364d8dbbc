//! The figures of faults: how each is written, and what was written.

use crate::fault::{Way, What};
use crate::source::{duration, share};
use std::time::Duration;

/// A figure that a kind of fault takes.
#[derive(Debug)]
pub struct Figure {
    /// Its name in scenarios.
    pub name: &'static str,
    /// What it says, in a few words.
    pub about: &'static str,
    /// How it is written.
    pub form: Form,
    /// It must be given.
    pub required: bool,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `200ms`
    Duration,
    /// `2000/s`: bytes per second.
    Rate,
    /// `3`: bytes.
    Bytes,
    /// `2`: which of several.
    Number,
    /// `30%`
    Share,
    /// In scenarios `yes` or `no`; in scripts the figure's name, or nothing.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `acks`, `everything`, or a word of the vocabulary.
    What,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A duration.
    Duration(Duration),
    /// Bytes, or bytes per second.
    Number(u32),
    /// A share from 0 to 1.
    Share(f64),
    /// Yes or no.
    Flag(bool),
    /// One of the figure's words.
    Word(&'static str),
    /// Which messages are meant.
    What(What),
}

/// The figures of one fault, by name.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    pub(super) kind: &'static str,
    values: Vec<(&'static str, Value)>,
}

/// Which way: a figure that several faults have.
pub(super) const WAY: Figure = Figure {
    name: "way",
    about: "from the server, or to it; both if it is left out",
    form: Form::Choice(&["in", "out"]),
    required: false,
};

impl Figure {
    /// The value that a word of a script gives to it, if it can be read so.
    pub(super) fn of_word(&self, word: &str) -> Option<Value> {
        match self.form {
            Form::Flag => (word == self.name).then_some(Value::Flag(true)),
            form => form.read(word),
        }
    }

    /// What a script may say for it.
    pub(super) fn expected(&self) -> String {
        match self.form {
            Form::Flag => format!("`{}`", self.name),
            form => form.expected(),
        }
    }
}

impl Form {
    /// Reads a value.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Value> {
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        match self {
            Self::Duration => duration(text).filter(|d| !d.is_zero()).map(Value::Duration),
            Self::Rate => text.strip_suffix("/s").and_then(number).map(Value::Number),
            Self::Bytes | Self::Number => number(text).map(Value::Number),
            Self::Share => {
                share(text).filter(|share| text.ends_with('%') && *share <= 1.0).map(Value::Share)
            }
            Self::Flag => match text {
                "yes" | "true" => Some(Value::Flag(true)),
                "no" | "false" => Some(Value::Flag(false)),
                _ => None,
            },
            Self::Choice(words) => {
                words.iter().find(|known| **known == text).map(|word| Value::Word(word))
            }
            Self::What => What::parse(text).map(Value::What),
        }
    }

    /// What can be written.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::Duration => "a duration such as `200ms`".into(),
            Self::Rate => "bytes per second such as `2000/s`".into(),
            Self::Bytes => "a number of bytes from 1 on".into(),
            Self::Number => "a number from 1 on".into(),
            Self::Share => "a share such as `30%`".into(),
            Self::Flag => "`yes` or `no`".into(),
            Self::Choice(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Self::What => "`acks`, `everything`, or what is meant: `message`, `typing-start`, \
                           `send`, `sync`, …"
                .into(),
        }
    }
}

impl Figures {
    /// Whether the figure was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.iter().any(|(known, _)| *known == name)
    }

    /// Notes a figure.
    pub fn set(&mut self, name: &'static str, value: Value) {
        self.values.push((name, value));
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    pub(super) fn duration(&self, name: &str) -> Result<Duration, String> {
        match self.value(name) {
            Some(Value::Duration(duration)) => Ok(duration),
            _ => Err(self.missing(name)),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<u32, String> {
        match self.value(name) {
            Some(Value::Number(number)) => Ok(number),
            _ => Err(self.missing(name)),
        }
    }

    pub(super) fn share(&self, name: &str) -> Option<f64> {
        match self.value(name)? {
            Value::Share(share) => Some(share),
            _ => None,
        }
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Flag(true)))
    }

    pub(super) fn word(&self, name: &str) -> Option<&'static str> {
        match self.value(name)? {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn what(&self, name: &str) -> Option<What> {
        match self.value(name)? {
            Value::What(what) => Some(what),
            _ => None,
        }
    }

    pub(super) fn way(&self) -> Option<Way> {
        match self.word(WAY.name)? {
            "in" => Some(Way::In),
            _ => Some(Way::Out),
        }
    }

    fn missing(&self, name: &str) -> String {
        format!("`{}` needs `{name}`", self.kind)
    }
}
