//! `traits:` how the server is meant to be, where servers differ.

use crate::spec::bindings::Hole;
use std::time::Duration;

/// `traits:` how the server works, promised or not.
#[derive(Clone, Debug)]
pub struct Traits {
    /// How repeated sends of one message are told.
    pub dedup: Option<Dedup>,
    /// How messages are ordered.
    pub order: Option<Ordering>,
    /// Who gets a message pushed.
    pub echo: Echo,
    /// Who puts a client into a conversation's room.
    pub join: Join,
    /// What the server does to the text before it stores it.
    pub sanitise: Sanitise,
    /// A message may be pushed twice with the same id without breaking a promise.
    pub redelivery: bool,
    /// What `create` does when the same members have a conversation already.
    pub create: Create,
    /// What one receipt speaks of.
    pub receipts: Receipts,
    /// The reader's other devices are told of a reading, not only the message's sender.
    pub reader_told: bool,
    /// The server itself ends a typing indicator this long after its last start.
    pub typing_expires: Option<Duration>,
    /// When the server looks at a client's token.
    pub token: TokenCheck,
}

/// When the server looks at a client's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenCheck {
    /// When the client connects; it may outlive its token.
    AtConnect,
    /// On each event: when the token expires, the client's events are refused.
    OnEachEvent,
}

/// What `create` does when the same members have a conversation already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// It gives that one.
    GetOrCreate,
    /// It makes another, by design.
    AlwaysNew,
}

/// What one receipt speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// One message.
    Message,
    /// A message and all before it.
    UpTo,
    /// All messages of a conversation.
    Conversation,
}

/// How repeated sends of one message are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dedup {
    /// What tells a repetition.
    pub by: DedupBy,
    /// For how long; `None`: for ever.
    pub window: Option<Duration>,
    /// Within what the key is unique.
    pub scope: Scope,
    /// What a repetition is answered.
    pub answer: RepeatAnswer,
}

/// What tells a repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DedupBy {
    /// The client message id.
    Key,
    /// The text (and sender): two equal texts within the window are taken for one.
    Content,
}

/// Within what a client message id is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Per person.
    Person,
    /// Per conversation.
    Conversation,
    /// Per client of a person, and conversation.
    Device,
    /// Over everything.
    Everybody,
}

/// What a repeated send is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatAnswer {
    /// The same as the first: its id.
    Same,
    /// A documented rejection.
    Reject,
    /// Whatever: only the effect counts.
    Any,
}

/// How messages are ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordering {
    /// The hole whose value orders them.
    pub by: Hole,
    /// Live deliveries come in this order (not only: can be sorted into it).
    pub live: bool,
    /// Sends that one client pipelines stay in order.
    pub pipelined: bool,
    /// Positions are unique.
    pub unique: bool,
    /// Positions are integers without gaps.
    pub gap_free: bool,
}

/// Who gets a message pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// All members, the sending client included.
    All,
    /// All but the sending client; the sender's other devices included.
    Others,
    /// All but the sender's clients.
    OtherPeople,
    /// Nobody.
    None,
}

/// Who puts a client into a conversation's room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// The client asks with `join`, after each connect.
    Explicit,
    /// The server does, by itself.
    ByServer,
}

/// What the server does to a text before it stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sanitise {
    /// Nothing: byte for byte.
    Verbatim,
    /// `&`, `<`, `>`, quotes may come back as HTML entities, tags may be gone.
    Html,
    /// It may be changed in any way that leaves the words.
    Free,
}

impl Default for Traits {
    /// Nothing is deduplicated or ordered; everybody hears everything; join explicitly.
    fn default() -> Self {
        Self {
            dedup: None,
            order: None,
            echo: Echo::All,
            join: Join::Explicit,
            sanitise: Sanitise::Verbatim,
            redelivery: false,
            create: Create::GetOrCreate,
            receipts: Receipts::Message,
            reader_told: false,
            typing_expires: None,
            token: TokenCheck::AtConnect,
        }
    }
}
