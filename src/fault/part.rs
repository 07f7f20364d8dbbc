//! What happens to a part of the server that is none of its nodes.

use super::figure::{Figure, Form};
use super::{Effect, Fault, Kind, Server};
use std::fmt;

/// A part that a server stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Redis: what the nodes tell one another, and what they keep there. Of the embedded server: the
    /// bus between its nodes.
    Redis,
    /// What everything is stored in: a database.
    Store,
}

const WORDS: &[&str] = &[Part::Redis.name(), Part::Store.name()];

pub(super) const PART: Kind = Kind {
    name: "part",
    about: "a part that all nodes stand on is stopped, and started again when the fault ends",
    why: "Redis fails over: what is published meanwhile is heard by nobody, and locks and counters may \
          be gone afterwards. A database is maintained: meanwhile nothing can be stored, and nobody \
          may be told that it was.",
    of_server: true,
    lasts: true,
    figures: &[Figure {
        name: "name",
        about: "which part",
        form: Form::Choice(WORDS),
        required: true,
    }],
    example: "part redis",
    build: |figures| {
        let named = Part::ALL.into_iter().find(|part| figures.word("name") == Some(part.name()));
        Ok(Fault::Server(Server::Part(named.unwrap_or(Part::Redis))))
    },
};

/// Everything may be late, and connections may end. But what was acked arrives when the part is back.
pub(super) const EFFECT: Effect = Effect { answers: true, deliveries: false, connection: true };

impl Part {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Store];

    /// The word of scenarios, scripts and control commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Store => "store",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {}", self.name())
    }
}
