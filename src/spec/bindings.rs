//! Holes and what they are bound to.

use crate::scalar::Scalar;

/// The number of a hole's name in a spec. The harness's own names come first and have the same
/// number in every spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hole(pub u16);

macro_rules! standard_holes {
    ($($constant:ident = $number:literal $name:literal: $about:literal,)*) => {
        impl Hole {
            $(#[doc = $about] pub const $constant: Self = Self($number);)*
            /// Names, numbers and meaning of the harness's own holes.
            pub const STANDARD: &[(&'static str, Self, &'static str)] =
                &[$(($name, Self::$constant, $about),)*];
        }
    };
}

standard_holes! {
    USER = 0 "user": "the client's own user id",
    TOKEN = 1 "token": "the client's credential",
    NAME = 2 "name": "the person's, or a new group's, readable name",
    PASSWORD = 3 "password": "the person's password, where the server wants one",
    PEER = 4 "peer": "the other person of a pair, by user id",
    MEMBERS = 5 "members": "all members of a conversation, a list of user ids",
    OTHERS = 6 "others": "the members without the client itself, a list of user ids",
    CONVERSATION = 7 "conversation": "the conversation's id, as the server calls it",
    TEXT = 8 "text": "the message's text",
    KEY = 9 "key": "the client message id, the same for each attempt of one message",
    MESSAGE = 10 "message": "the message's id, as the server calls it",
    SENDER = 11 "sender": "the user id of a message's sender, or of whom an event speaks",
    AT = 12 "at": "the server's time of a message",
    SEQ = 13 "seq": "the server's sequence number of a message",
    SINCE = 14 "since": "the position after which a sync reads",
    CURSOR = 15 "cursor": "an opaque position that an answer gave",
    LIMIT = 16 "limit": "how many rows a page may have",
    PAGE = 17 "page": "the number of a page, from 1",
    ERROR = 18 "error": "the server's error text",
    READER = 19 "reader": "the user id of one who read a message",
    STATUS = 20 "status": "a message's or person's status word",
    QUERY = 21 "query": "the text to search for",
    COUNT = 22 "count": "a number of unread messages or of rows",
    REQUEST = 23 "request": "a number that ties an answer to its request on a raw WebSocket",
    MORE = 24 "more": "whether a page is followed by another",
    EVENT = 25 "event": "one event of a batch, matched against `see:`",
    CHAPTER = 26 "chapter": "the part of all people that somebody belongs to, or that a broadcast is for",
    WAIT = 27 "wait": "how long a poll may be held, in milliseconds; 0 for the first one of a connection",
}

/// The names of a spec's holes. Numbers below the count of [`Hole::STANDARD`] are the harness's.
#[derive(Clone, Debug)]
pub struct HoleTable {
    names: Vec<String>,
}

impl HoleTable {
    /// A table with the harness's own names.
    #[must_use]
    pub fn new() -> Self {
        Self { names: Hole::STANDARD.iter().map(|(name, _, _)| (*name).to_owned()).collect() }
    }

    /// The hole of this name, if the table knows it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Hole> {
        self.names.iter().position(|known| known == name).map(|index| Hole(index as u16))
    }

    /// The hole of this name, new if need be.
    pub fn intern(&mut self, name: &str) -> Hole {
        self.get(name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            Hole((self.names.len() - 1) as u16)
        })
    }

    /// The hole's name, without the dollar.
    #[must_use]
    pub fn name(&self, hole: Hole) -> &str {
        &self.names[usize::from(hole.0)]
    }
}

impl Default for HoleTable {
    fn default() -> Self {
        Self::new()
    }
}

/// What holes are bound to: a few pairs, searched in order.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    pairs: Vec<(Hole, Scalar)>,
}

impl Bindings {
    /// No hole is bound.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: Vec::new() }
    }

    /// What the hole is bound to.
    #[must_use]
    pub fn get(&self, hole: Hole) -> Option<&Scalar> {
        self.pairs.iter().find(|(known, _)| *known == hole).map(|(_, scalar)| scalar)
    }

    /// Binds the hole, whatever it was bound to before.
    pub fn set(&mut self, hole: Hole, scalar: impl Into<Scalar>) {
        let scalar = scalar.into();
        match self.pairs.iter_mut().find(|(known, _)| *known == hole) {
            Some((_, old)) => *old = scalar,
            None => self.pairs.push((hole, scalar)),
        }
    }

    /// The same, for a chain of calls.
    #[must_use]
    pub fn with(mut self, hole: Hole, scalar: impl Into<Scalar>) -> Self {
        self.set(hole, scalar);
        self
    }

    /// Binds the hole if it is free; else says whether it is bound to an equal value. A cursor that
    /// comes is where to go on, not where one was: it is always bound anew.
    #[must_use]
    pub fn unify(&mut self, hole: Hole, scalar: Scalar) -> bool {
        match self.get(hole) {
            Some(_) if hole == Hole::CURSOR => {
                self.set(hole, scalar);
                true
            }
            Some(known) => *known == scalar,
            None => {
                self.pairs.push((hole, scalar));
                true
            }
        }
    }

    /// How many pairs there are; with [`Bindings::truncate`], a mark to go back to.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.pairs.len()
    }

    /// Forgets what was bound since the mark.
    pub fn truncate(&mut self, mark: usize) {
        self.pairs.truncate(mark);
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.pairs.clear();
    }

    /// The pairs, in the order they were bound.
    pub fn iter(&self) -> impl Iterator<Item = (Hole, &Scalar)> {
        self.pairs.iter().map(|(hole, scalar)| (*hole, scalar))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_numbers_are_positions() {
        let table = HoleTable::new();
        for (name, hole, about) in Hole::STANDARD {
            assert_eq!(table.get(name), Some(*hole));
            assert!(!about.is_empty());
        }
    }

    #[test]
    fn a_bound_hole_must_be_equal() {
        let mut bindings = Bindings::new();
        assert!(bindings.unify(Hole::CONVERSATION, Scalar::Int(7)));
        assert!(bindings.unify(Hole::CONVERSATION, Scalar::from("7")));
        assert!(!bindings.unify(Hole::CONVERSATION, Scalar::Int(8)));
        assert!(bindings.unify(Hole::CURSOR, Scalar::Int(7)));
        assert!(bindings.unify(Hole::CURSOR, Scalar::Int(8)));
        assert_eq!(bindings.get(Hole::CURSOR), Some(&Scalar::Int(8)));
    }
}
