//! What a client wants done: the outputs of the machine, and the numbers it gives to operations.

use crate::history::{About, ConversationId, Event, MessageRef, Nanos, OpId, Order};
use crate::operation::Operation;
use crate::plan::{Manner, Oddity};
use crate::scalar::Scalar;
use compact_str::CompactString;

/// Something the client wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a connection; answer with `Opened` or `OpenFailed`.
    Open,
    /// Close the connection, or give up opening it; it counts as closed already.
    Close,
    /// Put an attempt of an operation on the wire; answer with `Answered`.
    Transmit(Transmit),
    /// Stop reading for this attempt: its rows and its answer are not wanted any more.
    Abandon(AttemptId),
    /// Write an entry of the history, at the time that was given to `handle`.
    Record(Event),
}

/// One attempt of one operation. The first attempt has number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId {
    /// The operation.
    pub op: OpId,
    /// The attempt's number.
    pub number: u32,
}

/// An attempt to put on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Which attempt it is.
    pub attempt: AttemptId,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The operation.
    pub operation: Operation,
    /// Where.
    pub conversation: Option<ConversationId>,
    /// With what.
    pub payload: Payload,
    /// What is odd about the request.
    pub odd: Option<Oddity>,
    /// How it is asked.
    pub manner: Manner,
}

/// What an operation carries. A message's text is not here: it follows from the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing beside the conversation.
    None,
    /// The message to send.
    Message(MessageRef),
    /// The server's id of the message that it speaks of.
    About(CompactString),
    /// The people of a new conversation as its creator names them, as the server writes user ids.
    People(Vec<Scalar>),
    /// Whom a broadcast is meant for.
    Audience(Audience),
    /// Where a sync begins.
    Since(Since),
    /// The text to search for.
    Query(CompactString),
}

/// Whom a broadcast is meant for, in the server's ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody whom the server knows.
    Everybody,
    /// The people of this chapter.
    Chapter(Scalar),
    /// These people.
    People(Vec<Scalar>),
}

/// Where a sync begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Since {
    /// At the conversation's first message.
    Start,
    /// After this position of the server's order.
    Position(Order),
    /// After this moment by the client's own clock (on the run's clock; the skew is not in it).
    Clock(Nanos),
    /// After the opaque cursor of an earlier answer.
    Cursor(CompactString),
}

/// The outputs of one or many clients of a shard, and the shard's operation numbers.
#[derive(Debug, Default)]
pub struct Effects {
    next: u32,
    outputs: Vec<Output>,
}

impl Ask {
    /// An operation without a payload.
    #[must_use]
    pub const fn of(operation: Operation, conversation: Option<ConversationId>) -> Self {
        Self { operation, conversation, payload: Payload::None, odd: None, manner: Manner::USUAL }
    }

    /// Send a message.
    #[must_use]
    pub fn send(conversation: ConversationId, message: MessageRef) -> Self {
        let payload = Payload::Message(message);
        Self { payload, ..Self::of(Operation::Send, Some(conversation)) }
    }

    /// Read the whole history.
    #[must_use]
    pub fn history(conversation: ConversationId) -> Self {
        Self::of(Operation::History, Some(conversation))
    }

    /// Say that the message with this server id was read.
    #[must_use]
    pub fn read(conversation: ConversationId, id: CompactString) -> Self {
        let payload = Payload::About(id);
        Self { payload, ..Self::of(Operation::Read, Some(conversation)) }
    }

    /// Tell the others of a message, by its server id, that was sent over another channel.
    #[must_use]
    pub fn announce(conversation: ConversationId, id: CompactString) -> Self {
        let payload = Payload::About(id);
        Self { payload, ..Self::of(Operation::Announce, Some(conversation)) }
    }

    /// Make, or find, a conversation of these people; `conversation` is the plan's name for it.
    #[must_use]
    pub fn create(conversation: Option<ConversationId>, people: Vec<Scalar>) -> Self {
        let payload = Payload::People(people);
        Self { payload, ..Self::of(Operation::Create, conversation) }
    }

    /// Make a conversation in which this person writes to an audience.
    #[must_use]
    pub fn broadcast(conversation: ConversationId, audience: Audience) -> Self {
        let payload = Payload::Audience(audience);
        let (operation, conversation) = (Operation::Broadcast, Some(conversation));
        Self { payload, ..Self::of(operation, conversation) }
    }

    /// How many people it concerns, this user included: those of a conversation that is asked
    /// for; 0 for other operations. Of a broadcast, which kind of audience it is for.
    #[must_use]
    pub fn people(&self, user: Option<&Scalar>) -> usize {
        let people = match &self.payload {
            Payload::People(people) => people,
            Payload::Audience(Audience::Chapter(_)) => return 1,
            Payload::Audience(Audience::People(_)) => return 2,
            _ => return 0,
        };
        let mut all: Vec<&Scalar> = people.iter().chain(user).collect();
        all.sort_unstable_by_key(|user| user.id());
        all.dedup();
        all.len()
    }

    /// The message, if the request carries its text: another text is another message.
    #[must_use]
    pub fn message(&self) -> Option<&MessageRef> {
        match &self.payload {
            Payload::Message(message) if self.odd.is_none_or(Oddity::keeps_text) => Some(message),
            _ => None,
        }
    }

    /// The entry that says that it is asked for.
    #[must_use]
    pub fn invocation(&self, op: OpId, planned: Nanos) -> Event {
        Event::Invoke {
            op,
            operation: self.operation,
            conversation: self.conversation,
            message: self.message().cloned(),
            about: self.about(),
            via: self.manner.via.clone(),
            planned,
        }
    }

    fn about(&self) -> Option<About> {
        match &self.payload {
            Payload::About(id) => Some(About::Message(id.clone())),
            Payload::People(people) => Some(About::People(people.iter().map(Scalar::id).collect())),
            Payload::Query(text) => Some(About::Query(text.clone())),
            Payload::Audience(Audience::People(people)) => {
                Some(About::People(people.iter().map(Scalar::id).collect()))
            }
            Payload::None | Payload::Message(_) | Payload::Audience(_) | Payload::Since(_) => None,
        }
    }

    /// It changes nothing on the server, so a second attempt makes the first one worthless.
    pub(super) const fn only_reads(&self) -> bool {
        matches!(
            self.operation,
            Operation::Sync
                | Operation::History
                | Operation::List
                | Operation::Search
                | Operation::Unread
                | Operation::Contacts
                | Operation::Health
        )
    }
}

impl Effects {
    /// Nothing to do yet; operations are numbered from 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that no other operation of this shard has.
    ///
    /// # Panics
    /// After 2³² operations.
    pub fn next_op(&mut self) -> OpId {
        let op = OpId(self.next);
        self.next = self.next.checked_add(1).expect("a shard has fewer than 2^32 operations");
        op
    }

    /// Takes what is to be done, oldest first; the memory is kept.
    pub fn drain(&mut self) -> impl Iterator<Item = Output> {
        self.outputs.drain(..)
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push(output);
    }

    pub(super) fn record(&mut self, event: Event) {
        self.push(Output::Record(event));
    }

    /// Records that an operation is asked for.
    pub(super) fn invoke(&mut self, op: OpId, ask: &Ask, planned: Nanos) {
        self.record(ask.invocation(op, planned));
    }

    /// Records an attempt and puts it on the wire.
    pub(super) fn transmit(&mut self, attempt: AttemptId, ask: Ask) {
        self.record(Event::Attempt { op: attempt.op, attempt: attempt.number });
        self.push(Output::Transmit(Transmit { attempt, ask }));
    }
}
