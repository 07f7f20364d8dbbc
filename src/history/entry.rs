//! One entry of the history, and the small numbers it is made of.

use crate::history::{Key, Token};
use crate::operation::{ConnectionState, Operation, Sight};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Nanoseconds since the run's start, on the run's one monotonic clock.
pub type Nanos = u64;

/// A simulated client: one device of one person. Numbered over the whole run, not per shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub u32);

/// A person; a person has one client or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub u32);

/// A conversation of the plan (the server's own id stands in [`Event::Conversation`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConversationId(pub u32);

/// An operation of one client, unique within the shard's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpId(pub u32);

/// How [`Event::Connection`] begins to say that the client gave the connection up because no ping
/// came.
pub const NO_PING: &str = "no ping for";

/// How [`Event::Connection`] begins to say that the client gave the connection up because a message
/// was too big for it.
pub const TOO_BIG: &str = "message of";

/// How [`Event::Connection`] begins to say that the client gave the connection up because what came
/// was no frame.
pub const NO_FRAME: &str = "not a WebSocket frame";

/// Whether the client gave the connection up, for this reason, because it could not read what came.
#[must_use]
pub fn is_unreadable(why: &str) -> bool {
    [TOO_BIG, NO_FRAME].iter().any(|beginning| why.starts_with(beginning))
}

/// How [`Event::Connection`] says that the user went online.
pub const STARTED: &str = "start";

/// How [`Event::Connection`] says that the user went offline.
pub const STOPPED: &str = "stopped";

/// How [`Event::Failed`] says that the operation was only the second one of a request that a fault of
/// the harness sent twice. Nobody tries that again.
pub const TWIN: &str = "sent twice by a fault of the harness, not answered";

/// A position by which the server orders messages (a timestamp in nanoseconds since 1970, or a
/// sequence number). Compared with other positions of the same server only, never with [`Nanos`].
pub type Order = i64;

/// The message that an operation carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRef {
    /// The witness in the message's text.
    pub token: Token,
    /// The client message id; two invocations with the same person and key are the same message.
    pub key: Key,
}

/// What an operation is about, where that is not a message that it carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A message of somebody, by the server's id: a receipt, an announcement.
    Message(CompactString),
    /// The people of a new conversation as the creator names them: user ids, in this order.
    People(Vec<CompactString>),
    /// The text that is searched for.
    Query(CompactString),
}

/// What must become of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Due {
    /// The server must do it and say yes.
    Accepted,
    /// The server must not do it, and say so.
    Refused,
    /// The documents do not say; but it must harm nobody.
    Harmless,
}

/// How one attempt of an operation was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The server said yes; the ids are there if its answer names them.
    Ack {
        /// The server's id of the message or conversation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<CompactString>,
        /// The message's place in the order, if the answer says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<Order>,
    },
    /// The server said no, and what it said.
    Nack(CompactString),
    /// Nothing came within the contract's ack timeout.
    TimedOut,
    /// The connection was lost before an answer came.
    Lost,
}

/// What brought a message before a client's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    /// The server pushed it over the connection.
    Live,
    /// It was a row of a sync after a reconnect; the number is the sync's operation.
    Sync(OpId),
    /// It was a row of the whole history; the number is the read's operation.
    History(OpId),
}

/// What happened to a message's text on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// The text came as it was sent (or as the documented sanitising leaves it).
    #[default]
    Intact,
    /// The text differs; an excerpt of what came.
    Changed(CompactString),
    /// The text came with its markup alive, although the spec says that it is made inert.
    Alive,
    /// The channel does not carry the text.
    NotShown,
}

/// A message as a client saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What brought it.
    pub by: Carrier,
    /// The conversation it was seen in, where the plan knows it.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "in")]
    pub conversation: Option<ConversationId>,
    /// The witness found in the text; `None` is a message that nobody in this run sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// The client message id, where the server shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<CompactString>,
    /// The server's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CompactString>,
    /// Its place in the server's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// The sender as the server names it.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "from")]
    pub sender: Option<CompactString>,
    /// What happened to the text.
    #[serde(default, skip_serializing_if = "Damage::is_intact")]
    pub text: Damage,
}

/// What happened. Times of day of the server appear only inside [`Seen::order`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The client belongs to this person, who is this user to the server.
    Person {
        /// The person.
        person: PersonId,
        /// The user id as the server knows it.
        user: CompactString,
    },
    /// The client is on this node of the server from now on. Only where there are several.
    Node {
        /// The node, counted from 1 in the order in which the nodes are named.
        node: u32,
    },
    /// The client is a member of the conversation from now on.
    Member {
        /// The conversation.
        #[serde(rename = "in")]
        conversation: ConversationId,
        /// The server's id of it.
        id: CompactString,
    },
    /// The client's person is one of those whom a broadcast is meant for, and no member: who reads
    /// the conversation, and has no part in it.
    Addressed {
        /// The conversation.
        #[serde(rename = "in")]
        conversation: ConversationId,
        /// The server's id of it.
        id: CompactString,
    },
    /// The user, or the contract, asks for an operation.
    Invoke {
        /// The operation's number.
        op: OpId,
        /// What is asked.
        #[serde(rename = "do")]
        operation: Operation,
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none", rename = "in")]
        conversation: Option<ConversationId>,
        /// The message, for a send.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageRef>,
        /// What it is about, for a receipt and for the making of a conversation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<About>,
        /// The channel that was chosen for it, by the spec's name; without one, it is the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<CompactString>,
        /// When the plan wanted it; earlier than the entry's time if the generator was late.
        planned: Nanos,
    },
    /// What the documents demand of this operation, where a case asks for it on purpose: it is
    /// beyond a limit, a stranger's, or at the limit exactly. Stands before the operation's
    /// [`Event::Invoke`]; most operations have none.
    Due {
        /// The operation.
        op: OpId,
        /// What must become of it.
        due: Due,
        /// What is special about it, in a few words (`a text of 1001 characters`).
        why: CompactString,
        /// The request itself does not look as documented: it is a matter of bad input.
        #[serde(default, skip_serializing_if = "is_false")]
        odd: bool,
    },
    /// The person pressed a key of a message; the contract makes starts and stops of it.
    Keystroke {
        /// Where.
        #[serde(rename = "in")]
        conversation: ConversationId,
        /// When the plan wanted it.
        planned: Nanos,
    },
    /// An attempt of the operation was put on the wire. The first attempt is number 0.
    Attempt {
        /// The operation.
        op: OpId,
        /// The attempt's number.
        #[serde(rename = "n")]
        attempt: u32,
    },
    /// An attempt was answered, or not. Answers after the timeout, and second answers, are
    /// recorded as well: one attempt may have several of these entries.
    Answered {
        /// The operation.
        op: OpId,
        /// The attempt's number.
        #[serde(rename = "n")]
        attempt: u32,
        /// The answer.
        answer: Answer,
        /// A fault of the harness was withholding or delaying this client's answers, so the
        /// server is not to blame for a late or missing one.
        #[serde(default, skip_serializing_if = "is_false")]
        excused: bool,
    },
    /// The operation ended well; `rows` counts what a read brought.
    Ok {
        /// The operation.
        op: OpId,
        /// Rows that a sync, history or list answer held.
        rows: u32,
    },
    /// The operation ended, and it is certain that it did not happen... or the contract gave up
    /// (`certain: false`): then it may have happened.
    Failed {
        /// The operation.
        op: OpId,
        /// The last error.
        error: CompactString,
        /// The server refused it by a definite error.
        certain: bool,
    },
    /// The client saw a message.
    Message(Seen),
    /// The client saw something else.
    Saw {
        /// What.
        sight: Sight,
        /// Where, if the event says it.
        #[serde(default, skip_serializing_if = "Option::is_none", rename = "in")]
        conversation: Option<ConversationId>,
        /// The user it speaks of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<CompactString>,
        /// The message it speaks of, by the server's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<CompactString>,
        /// What it says of them, in the server's word (`delivered`, `away`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<CompactString>,
        /// All users it lists, where it tells a state: who types, who is online. Nobody is an
        /// empty list, and no list at all is `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        users: Option<Vec<CompactString>>,
        /// The read whose row said so; without one, the server pushed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        row: Option<OpId>,
    },
    /// A page of a read came; its rows follow, without those that an earlier page had. Only where
    /// the spec says how a read goes on.
    Page {
        /// The read.
        op: OpId,
        /// Which page, from 1.
        #[serde(rename = "n")]
        number: u32,
        /// Rows that were asked for, at most.
        of: u32,
        /// Rows that came.
        rows: u32,
        /// Ids of rows that an earlier page had, but for those at the position that was asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        again: Vec<CompactString>,
    },
    /// A row of a search.
    Found {
        /// The search.
        op: OpId,
        /// Where the message stands, if the row says it.
        #[serde(default, skip_serializing_if = "Option::is_none", rename = "in")]
        conversation: Option<ConversationId>,
        /// The witness in its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<Token>,
        /// The server's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<CompactString>,
    },
    /// A row of the client's list of conversations or contacts.
    Listed {
        /// The operation that asked for the list.
        op: OpId,
        /// The conversation, by the server's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<CompactString>,
        /// The person at the other end, by the server's id; of contacts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<CompactString>,
    },
    /// How many messages are unread, as the answer to an operation says it.
    Counted {
        /// The operation that asked for it.
        op: OpId,
        /// The number.
        count: i64,
        /// Of this conversation only, if the answer says so.
        #[serde(default, skip_serializing_if = "Option::is_none", rename = "in")]
        conversation: Option<ConversationId>,
    },
    /// The client's connection changed its state.
    Connection {
        /// The new state.
        state: ConnectionState,
        /// Why, in a few words.
        why: CompactString,
        /// The harness itself caused it (a fault, or the end of the run).
        #[serde(default, skip_serializing_if = "is_false")]
        caused: bool,
    },
    /// What the server laid down for the session that is open now. Stands before the
    /// [`Event::Connection`] that says so; there is none where the protocol has no heartbeat.
    Session {
        /// Between two pings of the server.
        ping_interval: Nanos,
        /// How long it waits for the answer to a ping.
        ping_timeout: Nanos,
        /// It is a row of HTTP requests: only silence tells the server that it is over.
        #[serde(default, skip_serializing_if = "is_false")]
        polling: bool,
    },
    /// From now on the client proves who it is with another credential: when it connects, and with
    /// each request that carries one itself. A client without such an entry has a valid one.
    Credential {
        /// What is special about it, in a few words (`a token that has expired`).
        what: CompactString,
        /// The server must take it.
        valid: bool,
        /// It was valid until this time, on the run's clock; without: as long as the run lasts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Nanos>,
    },
    /// The server refused to let the client in. The connection's state follows.
    Refused {
        /// What it said.
        said: CompactString,
        /// It said so in one of the documented ways, or none is documented.
        documented: bool,
        /// Events that it sent before.
        #[serde(default, skip_serializing_if = "is_zero")]
        before: u32,
    },
    /// The client is (again) in its conversations, synced, and its queue is being sent.
    Ready,
    /// What came was not what the spec says; an excerpt.
    Garbage {
        /// What was wrong, with an excerpt.
        what: CompactString,
    },
    /// A fault began or ended for this client.
    Fault {
        /// The fault's name and its figures.
        what: CompactString,
        /// It begins, or it ends.
        begins: bool,
    },
    /// A phase of the scenario begins (recorded once per shard, by its first client).
    Phase {
        /// `setup`, the scenario's own phases, `recovery`, `final-read`, `end`.
        name: CompactString,
    },
    /// The generator noticed that it was late: a timer fired this long after it was due.
    /// Recorded when it exceeds what a judge could mistake for the server's lateness.
    Lag {
        /// How late.
        nanos: Nanos,
    },
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, on the run's clock.
    #[serde(rename = "t")]
    pub at: Nanos,
    /// Whose.
    #[serde(rename = "c")]
    pub client: ClientId,
    /// What.
    #[serde(rename = "e")]
    pub event: Event,
}

impl Damage {
    const fn is_intact(&self) -> bool {
        matches!(self, Self::Intact)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
const fn is_false(value: &bool) -> bool {
    !*value
}
