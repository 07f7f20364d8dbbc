//! Odd requests: what is asked on purpose in a way that no document describes.
//!
//! An oddity bends one request: a value of another type where a text should stand, a field left
//! out, an event without arguments. It knows no server; which place of a wire it bends follows from
//! the spec's holes, and is the dialect's business. Start with [`Oddity`].

use std::fmt;

/// How a request differs from the documented one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// `with text null`: another value stands in its place.
    With(Part, Value),
    /// `without text`: the field, or the argument, is left out.
    Without(Part),
    /// `without arguments`: the bare event, or a request with an empty body.
    WithoutArguments,
    /// `without ack`: nobody waits for the acknowledgement.
    WithoutAck,
    /// `with an ack`: one is asked for where none is documented.
    WithAck,
    /// `with extra fields`: more fields than documented.
    ExtraFields,
    /// `with prototype fields`: fields that JavaScript takes for an object's own inheritance.
    PrototypeFields,
    /// `with extra arguments`: more arguments than documented.
    ExtraArguments,
    /// `with flat data`: a text where an object is documented.
    FlatData,
    /// `under another name`: an event, or a path, that no server knows.
    AnotherName,
}

/// What is bent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The message's text.
    Text,
    /// The client message id.
    Key,
    /// The conversation's id.
    Conversation,
    /// The id of the message that is spoken of.
    Message,
}

/// What stands in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// No character.
    Empty,
    /// Spaces, tabs and line breaks only.
    Blank,
    /// `null`.
    Null,
    /// A number with a fraction.
    Number,
    /// `true`.
    Boolean,
    /// A list with a text in it.
    Array,
    /// An object with a text in it.
    Object,
    /// Lists within lists.
    Nested,
    /// 100,000 characters.
    Huge,
    /// U+0000 within a text.
    Nul,
    /// Other control characters within a text.
    Controls,
    /// Half of a surrogate pair within a text.
    Surrogate,
    /// An id that looks right and that nothing has.
    Unknown,
}

/// How deep lists stand within lists: what any JSON parser takes.
const DEPTH: usize = 100;
/// Characters of a huge text.
const HUGE: usize = 100_000;

impl Oddity {
    /// The message's text is as it would be, so that it is found again if it is stored.
    #[must_use]
    pub const fn keeps_text(self) -> bool {
        !matches!(self, Self::With(Part::Text, _) | Self::Without(Part::Text))
            && !matches!(self, Self::WithoutArguments)
    }

    /// The client message id is as it would be, so that an answer can carry it back.
    #[must_use]
    pub const fn keeps_key(self) -> bool {
        !matches!(
            self,
            Self::With(Part::Key, _)
                | Self::Without(Part::Key)
                | Self::WithoutArguments
                | Self::FlatData
        )
    }

    /// A server that documents nothing of it need not answer, and nobody waits.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::WithoutAck | Self::WithAck | Self::AnotherName)
    }

    /// The words of a script.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::With(part, value) => format!("with {} {}", part.word(), value.word()),
            Self::Without(part) => format!("without {}", part.word()),
            Self::WithoutArguments => "without arguments".into(),
            Self::WithoutAck => "without ack".into(),
            Self::WithAck => "with an ack".into(),
            Self::ExtraFields => "with extra fields".into(),
            Self::PrototypeFields => "with prototype fields".into(),
            Self::ExtraArguments => "with extra arguments".into(),
            Self::FlatData => "with flat data".into(),
            Self::AnotherName => "under another name".into(),
        }
    }

    /// Reads the words of a script, all of them.
    #[must_use]
    pub fn parse(words: &[&str]) -> Option<Self> {
        Some(match *words {
            ["without", "ack"] => Self::WithoutAck,
            ["without", "arguments"] => Self::WithoutArguments,
            ["without", part] => Self::Without(Part::parse(part)?),
            ["with", "an", "ack"] => Self::WithAck,
            ["with", "extra", "fields"] => Self::ExtraFields,
            ["with", "prototype", "fields"] => Self::PrototypeFields,
            ["with", "extra", "arguments"] => Self::ExtraArguments,
            ["with", "flat", "data"] => Self::FlatData,
            ["under", "another", "name"] => Self::AnotherName,
            ["with", part, value] => Self::With(Part::parse(part)?, Value::parse(value)?),
            _ => return None,
        })
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::With(part, value) => write!(f, "with {value} as {}", part.name()),
            Self::Without(part) => write!(f, "without {}", part.name()),
            Self::WithoutArguments => f.write_str("without arguments"),
            Self::WithoutAck => f.write_str("without waiting for an ack"),
            Self::WithAck => f.write_str("with an ack that is not documented"),
            Self::ExtraFields => f.write_str("with more fields than documented"),
            Self::PrototypeFields => f.write_str("with fields called `__proto__`"),
            Self::ExtraArguments => f.write_str("with more arguments than documented"),
            Self::FlatData => f.write_str("with a text in place of an object"),
            Self::AnotherName => f.write_str("under a name that no server knows"),
        }
    }
}

impl Part {
    fn parse(word: &str) -> Option<Self> {
        let all = [Self::Text, Self::Key, Self::Conversation, Self::Message];
        all.into_iter().find(|part| part.word() == word)
    }

    /// The word in scripts.
    const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Key => "key",
            Self::Conversation => "conversation",
            Self::Message => "message",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Text => "the text",
            Self::Key => "the client message id",
            Self::Conversation => "the conversation's id",
            Self::Message => "the message's id",
        }
    }
}

impl Value {
    const ALL: &[(&str, Self, &str)] = &[
        ("empty", Self::Empty, "nothing"),
        ("blank", Self::Blank, "only spaces"),
        ("null", Self::Null, "null"),
        ("number", Self::Number, "a number"),
        ("boolean", Self::Boolean, "true"),
        ("array", Self::Array, "a list"),
        ("object", Self::Object, "an object"),
        ("nested", Self::Nested, "lists within lists"),
        ("huge", Self::Huge, "100,000 characters"),
        ("nul", Self::Nul, "a text with U+0000"),
        ("controls", Self::Controls, "a text with control characters"),
        ("surrogate", Self::Surrogate, "a text with half a surrogate pair"),
        ("unknown", Self::Unknown, "an id that nothing has"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, value, _)| *value == self).map_or("", |(word, ..)| word)
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == word).map(|(_, value, _)| *value)
    }

    /// The value as JSON. `integer`: ids are JSON integers on this server.
    #[must_use]
    pub fn json(self, integer: bool) -> String {
        match self {
            Self::Empty => "\"\"".into(),
            Self::Blank => "\" \\t\\n \"".into(),
            Self::Null => "null".into(),
            Self::Number => "4.5".into(),
            Self::Boolean => "true".into(),
            Self::Array => "[\"a\"]".into(),
            Self::Object => "{\"a\":\"b\"}".into(),
            Self::Nested => "[".repeat(DEPTH) + &"]".repeat(DEPTH),
            Self::Huge => format!("\"{}\"", "x".repeat(HUGE)),
            Self::Nul => "\"before\\u0000after\"".into(),
            Self::Controls => "\"\\u0001\\u0007\\u001b[31mred\\u007f\\u0085\"".into(),
            Self::Surrogate => "\"half \\ud83d of a pair\"".into(),
            Self::Unknown if integer => "2147480000".into(),
            Self::Unknown => "\"000000007fffffffffffffff\"".into(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = Self::ALL.iter().find(|(_, value, _)| value == self);
        f.write_str(row.map_or("", |(.., name)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_oddity_has_its_words() {
        for (words, said) in [
            ("with text null", "with null as the text"),
            ("with conversation unknown", "with an id that nothing has as the conversation's id"),
            ("without key", "without the client message id"),
            ("without arguments", "without arguments"),
            ("under another name", "under a name that no server knows"),
        ] {
            let split: Vec<&str> = words.split(' ').collect();
            let odd = Oddity::parse(&split).unwrap();
            assert_eq!((odd.to_string(), odd.words()), (said.to_owned(), words.to_owned()));
        }
        for bad in ["with text", "with text of", "without null", "with key text", "under a name"] {
            let words: Vec<&str> = bad.split(' ').collect();
            assert_eq!(Oddity::parse(&words), None, "{bad}");
        }
    }

    #[test]
    fn every_value_is_valid_json_with_a_name() {
        for (word, value, name) in Value::ALL {
            assert_eq!(Value::parse(word), Some(*value));
            assert_eq!(&value.to_string(), name);
            let json = value.json(true);
            // Half a surrogate pair is grammatical, and yet no text in Rust.
            let valid = serde_json::from_str::<&serde_json::value::RawValue>(&json).is_ok();
            assert!(valid || *value == Value::Surrogate, "{json}");
        }
    }
}
