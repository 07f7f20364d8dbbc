//! What happens to a client: by its user, by its server, by the network and by faults.

use crate::client::{Ask, AttemptId};
use crate::history::{Answer, ConversationId, Nanos, OpId, Order, Seen};
use compact_str::CompactString;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The user goes online.
    Start,
    /// The user goes offline. What has not ended waits for the next start.
    Stop,
    /// The user does something.
    Act(Action),
    /// The connection is open and the server accepted the client.
    Opened,
    /// The connection could not be opened, or is lost. Ignored while there is none.
    Closed {
        /// Why, in a few words.
        why: CompactString,
        /// The harness itself caused it.
        caused: bool,
    },
    /// An attempt was answered.
    Answered {
        /// Which: one that the client transmitted.
        attempt: AttemptId,
        /// How.
        reply: Reply,
    },
    /// A message came: pushed, or as a row of a sync or history (rows come before their answer).
    Saw(Seen),
    /// A fault that keeps answers from the client begins or ends.
    Withhold(bool),
    /// A fault keeps the client from connecting before this time.
    Away {
        /// The end of the fault.
        until: Nanos,
    },
    /// What was transmitted since it was `prepared` left at this time, for it was held up on purpose: answers
    /// are awaited from then on.
    Left {
        /// When it began to be held up.
        prepared: Nanos,
        /// When it left.
        at: Nanos,
    },
    /// Time has passed; see [`Client::deadline`](super::Client::deadline).
    Tick,
}

/// What a user does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Asks for an operation.
    Ask {
        /// Its number, from [`Effects::next_op`](super::Effects::next_op).
        op: OpId,
        /// What.
        ask: Ask,
        /// When the plan wanted it.
        planned: Nanos,
    },
    /// Presses a key.
    Keystroke {
        /// Where.
        conversation: ConversationId,
        /// When the plan wanted it.
        planned: Nanos,
    },
    /// Takes part in a conversation from now on, and again after each connect. A `leave` ends it.
    Enter(ConversationId),
}

/// How an attempt was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The server said yes.
    Yes {
        /// The server's id of the message or conversation, if the answer names it.
        id: Option<CompactString>,
        /// The message's place in the order, if the answer says it.
        order: Option<Order>,
        /// How many rows a read brought, all pages together.
        rows: u32,
        /// The opaque cursor with which the next sync begins.
        cursor: Option<CompactString>,
    },
    /// The server said no, and what it said.
    No(CompactString),
    /// There will be no answer, though the connection stands (a request of its own was cut off, or
    /// what came instead is neither yes nor no).
    Lost,
}

impl Reply {
    /// The answer as the history has it.
    pub(super) fn answer(&self) -> Answer {
        match self {
            Self::Yes { id, order, .. } => Answer::Ack { id: id.clone(), order: *order },
            Self::No(error) => Answer::Nack(error.clone()),
            Self::Lost => Answer::Lost,
        }
    }
}
