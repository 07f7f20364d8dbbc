//! What the reference server is asked, what it answers, and what it tells others of it.
//!
//! These are the server's own terms: no wire, no shape, no database. [`Command`] goes in;
//! an [`Answer`] or a [`Refusal`] comes out, and [`Event`]s for those who should hear.

use compact_str::CompactString;
use std::fmt;

/// A user id as the token says it.
pub(crate) type User = CompactString;
/// A conversation's number; how it looks on the wire is the business of `play`.
pub(crate) type Conversation = i64;
/// The number of one connection, unique in the server's life.
pub(crate) type Connection = u64;
/// One of the server's nodes, counted from 0.
pub(crate) type Node = usize;

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its number, unique in the database.
    pub(crate) id: i64,
    /// Where it was sent.
    pub(crate) conversation: Conversation,
    /// Its place in the conversation, from 1, without gaps.
    pub(crate) seq: i64,
    /// Milliseconds since 1970, strictly increasing in the conversation.
    pub(crate) at: i64,
    /// Who sent it.
    pub(crate) sender: User,
    /// What it says, sanitised.
    pub(crate) text: String,
    /// The client's own id of it.
    pub(crate) key: Option<CompactString>,
    /// How far it has come; known where it is read, and where the spec shows it.
    pub(crate) status: Option<ReceiptKind>,
}

/// What a person asks of the server.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Make a conversation, or find the one that two people have.
    Create {
        members: Vec<User>,
        guard: Guard,
    },
    /// Make a conversation that only its maker writes in.
    Broadcast {
        to: Audience,
    },
    /// Whether two people have a conversation; only the servers with a race ask this first.
    Find {
        members: Vec<User>,
    },
    /// Be told what happens in a conversation.
    Join {
        conversation: Conversation,
    },
    /// Be told no more.
    Leave {
        conversation: Conversation,
    },
    Send(Sending),
    /// Whether a key was stored already; only the servers with a race ask this first.
    Look(Sending),
    /// Messages of a conversation from a position on.
    Read {
        conversation: Conversation,
        window: Window,
    },
    /// The person's conversations.
    List {
        window: Window,
    },
    /// Others should hear of a message; they have, so it has only to be the person's business, and
    /// in the conversation that is named.
    Announce {
        message: i64,
        conversation: Option<Conversation>,
    },
    /// Messages with this text in them.
    Search {
        query: String,
        window: Window,
    },
    /// How many messages of others the person has not read.
    Unread {
        conversation: Option<Conversation>,
    },
    /// The person does not want to see a message any more.
    Hide {
        message: i64,
    },
    /// Everybody the person shares a conversation with.
    Contacts,
    Typing {
        conversation: Conversation,
        on: bool,
    },
    /// The person has, or has read, messages.
    Receipt {
        about: Marked,
        kind: ReceiptKind,
        /// How many receipts the message had when somebody looked a while ago.
        looked: Option<i64>,
    },
    /// How many receipts a message has; only the servers with a race ask this first.
    Receipts {
        message: i64,
    },
    /// Is the store well?
    Health,
    /// The handlers of the person's rooms fail; only by a bug.
    Crash,
    /// Nothing that can be done: the refusal takes its place in the order of answers.
    Refuse(Refusal),
}

/// Whom a broadcast is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Everybody,
    Chapter(CompactString),
    People(Vec<User>),
}

/// One attempt to send.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    /// Where to.
    pub(crate) place: Place,
    /// What it says.
    pub(crate) text: String,
    /// The client's own id of it.
    pub(crate) key: Option<CompactString>,
    /// How the store is guarded against the same key.
    pub(crate) guard: Guard,
}

/// Where a message goes.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Conversation(Conversation),
    /// The conversation with this person, made if need be.
    Peer(User),
}

/// Which messages a receipt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marked {
    Message(i64),
    /// This one, and those before it.
    UpTo(i64),
    /// All that are there now.
    All(Conversation),
}

/// How a send is guarded against the same key arriving twice, and a pair's conversation against
/// being made twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Look and insert in one step.
    Atomic,
    /// Insert: somebody looked a while ago and saw nothing.
    Blind,
    /// The same, but a unique index refuses the second.
    Index,
    /// The key was noted a while ago, and by whom.
    Noted,
}

/// Which rows of a read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Rows at or after this position.
    pub(crate) since: Option<Position>,
    /// The n-th page of the whole, from 1.
    pub(crate) page: Option<u32>,
    /// At most so many rows.
    pub(crate) limit: Option<u32>,
}

/// A position in a conversation's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    At(i64),
    Seq(i64),
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReceiptKind {
    /// Not even stored; only by a bug.
    Sending,
    Delivered,
    Read,
}

impl ReceiptKind {
    /// The word on the wire and in the database.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

/// What the person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Conversation {
        id: Conversation,
        new: bool,
    },
    Message {
        message: Message,
        repeated: bool,
    },
    Rows {
        rows: Vec<Message>,
        more: bool,
    },
    Conversations(Vec<Conversation>),
    /// People, and the conversation that each has with the person alone.
    People(Vec<(User, Option<Conversation>)>),
    Count(i64),
}

/// What the others are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Message(Message),
    Typing {
        conversation: Conversation,
        on: bool,
    },
    Receipt {
        message: i64,
        conversation: Conversation,
        sender: User,
        reader: User,
        kind: ReceiptKind,
        /// The message has come further than before: so far.
        status: Option<ReceiptKind>,
        at: i64,
    },
    /// A conversation was made; its members' connections belong into it.
    Made {
        conversation: Conversation,
        members: Vec<User>,
    },
    /// A broadcast was made for these people, as far as the server knows them.
    Addressed {
        conversation: Conversation,
        people: Vec<User>,
    },
    Joined {
        conversation: Conversation,
    },
    Left {
        conversation: Conversation,
    },
    /// What handled the person's rooms is gone, and with it the connections; only by a bug.
    Crashed,
}

/// Why the server did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: RefusalKind,
    pub(crate) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    Malformed,
    Unauthenticated,
    Forbidden,
    NotFound,
    Repeated,
    TooMany,
    Internal,
    NotPlayed,
    Busy,
}

impl RefusalKind {
    /// The HTTP status that says it.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Repeated => 409,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::NotPlayed => 501,
            Self::Busy => 503,
        }
    }
}

impl Refusal {
    pub(crate) fn new(kind: RefusalKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self::new(RefusalKind::Malformed, text)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Who asks, from where, and when the question arrived.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: User,
    /// The chapter that the user's token names.
    pub(crate) chapter: Option<CompactString>,
    /// The client's connection; none for HTTP beside a socket.
    pub(crate) connection: Option<Connection>,
    /// The node it came to, counted from 0.
    pub(crate) node: Node,
    /// What tells the client from the person's others: its token, or else the person.
    pub(crate) device: CompactString,
    /// Milliseconds since 1970 at which the request was read.
    pub(crate) arrived: i64,
}
