//! What happens to one node of a server that has several.

use super::figure::{Figure, Form};
use super::{Fault, Kind, Server};
use std::fmt;

/// What happens to one node. It is back when the fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which, counted from 1 in the order in which the nodes are named.
    pub number: u32,
    /// What.
    pub does: NodeDeed,
}

/// What can happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeDeed {
    /// It is asked to end, and started again.
    Restart,
    /// It is killed, and started again.
    Kill,
    /// It is halted, and goes on.
    Stop,
}

const WORDS: &[&str] = &["restart", "kill", "stop"];

pub(super) const NODE: Kind = Kind {
    name: "node",
    about: "one of the server's nodes is restarted, killed or halted, and is back when the fault ends",
    why: "A release that rolls over the nodes, a machine that dies: who was on that node comes back on \
          another one, and nobody else may notice.",
    of_server: true,
    lasts: true,
    figures: &[
        Figure {
            name: "n",
            about: "which node, counted from 1",
            form: Form::Number,
            required: true,
        },
        Figure {
            name: "do",
            about: "ends and comes up again, dies and comes up again, or stands still and goes on",
            form: Form::Choice(WORDS),
            required: true,
        },
    ],
    example: "node 1 kill",
    build: |figures| {
        let does = match figures.word("do") {
            Some("restart") => NodeDeed::Restart,
            Some("stop") => NodeDeed::Stop,
            _ => NodeDeed::Kill,
        };
        Ok(Fault::Server(Server::Node(Node { number: figures.number("n")?, does })))
    },
};

impl NodeDeed {
    /// The word of scenarios and scripts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Kill => "kill",
            Self::Stop => "stop",
        }
    }
}

impl Node {
    /// Its position among the nodes.
    #[must_use]
    pub const fn index(self) -> usize {
        self.number as usize - 1
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} {}", self.number, self.does.name())
    }
}
