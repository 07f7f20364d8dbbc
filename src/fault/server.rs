//! What happens to the server's process, where the harness started it.

use super::{Fault, Kind, Node, Part, node, part};

/// What happens to the server's process. It is back when the fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// It is asked to end (SIGTERM), and started again.
    Restart,
    /// It is killed (SIGKILL), and started again.
    Kill,
    /// It is halted (SIGSTOP), and goes on (SIGCONT).
    Stop,
    /// It happens to one of its nodes.
    Node(Node),
    /// It happens to a part that all nodes stand on.
    Part(Part),
}

pub(super) const RESTART: Kind = Kind {
    name: "restart",
    about: "the server is asked to end, and started again with what it stored",
    why: "Every release: connections end, timers and rooms are forgotten, and nothing acked may be.",
    of_server: true,
    lasts: false,
    figures: &[],
    example: "restart",
    build: |_| Ok(Fault::Server(Server::Restart)),
};

pub(super) const KILL: Kind = Kind {
    name: "kill",
    about: "the server is killed without a goodbye, and started again with what it stored",
    why: "Out of memory, a crash: what was acked must have been stored before it was acked.",
    of_server: true,
    lasts: false,
    figures: &[],
    example: "kill",
    build: |_| Ok(Fault::Server(Server::Kill)),
};

pub(super) const STOP: Kind = Kind {
    name: "stop",
    about: "the server's process is halted, its connections stay, and goes on when the fault ends",
    why: "A long collection of garbage, a moved virtual machine: all its timers fire at once \
          afterwards, and clients may have given up meanwhile.",
    of_server: true,
    lasts: true,
    figures: &[],
    example: "stop",
    build: |_| Ok(Fault::Server(Server::Stop)),
};

impl Server {
    pub(super) const fn kind(self) -> &'static Kind {
        match self {
            Self::Restart => &RESTART,
            Self::Kill => &KILL,
            Self::Stop => &STOP,
            Self::Node(_) => &node::NODE,
            Self::Part(_) => &part::PART,
        }
    }
}
