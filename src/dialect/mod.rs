//! One server's wire, spoken: operations become requests, what arrives becomes answers and sights.
//!
//! The dialect stands between the client's contract, which knows no wire, and the transport, which
//! knows no meaning. It is pure: bytes in, meaning out. It does not know retries, time or judges.
//! Start with [`Dialect`], which all clients of a shard share, and [`Voice`], one client's part.

pub mod bend;
pub mod http;
pub mod item;
pub mod pages;
pub mod position;
pub mod voice;
mod wording;

pub use bend::Bend;
pub use http::Call;
pub use pages::Pages;
pub use voice::{Heard, Said, Voice};

use crate::client::Reply;
use crate::history::{Carrier, ConversationId, Damage, Event, OpId, Seen, Token};
use crate::operation::{Operation, Sight};
use crate::plan::{Lengths, text};
use crate::scalar::Scalar;
use crate::spec::{
    AUDIENCES, Bindings, Candidate, Channel, Deed, Hole, Pushed, Receiver, Sanitise, Shape, Spec,
    Step,
};
use compact_str::CompactString;
use position::Positions;
use rustc_hash::FxHashMap;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;
use wording::Wording;

/// The speech of one server, shared by the clients of a shard.
#[derive(Debug)]
pub struct Dialect {
    /// The server's spec.
    pub spec: Arc<Spec>,
    receiver: Receiver,
    conversations: RefCell<Conversations>,
    positions: Cell<Positions>,
    /// The server's message ids are JSON integers.
    integer_ids: Cell<bool>,
    /// The server's conversation ids are JSON integers.
    integer_places: Cell<bool>,
    integer_cursors: Cell<bool>,
    order_hole: Option<Hole>,
    /// A request may be answered by the message itself, pushed back to its sender.
    echoes: bool,
    sanitise: Sanitise,
    run: u16,
    wording: RefCell<Wording>,
    /// Memory for what an event binds.
    spare: RefCell<Bindings>,
}

/// One request of the spec: a step of a channel of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The operation.
    pub operation: Operation,
    /// The channel's index.
    channel: usize,
    /// The step's index.
    step: usize,
}

/// Conversations of the plan by the server's id, and back.
#[derive(Debug, Default)]
struct Conversations {
    by_id: FxHashMap<CompactString, ConversationId>,
    by_plan: FxHashMap<ConversationId, Scalar>,
}

impl Dialect {
    /// The dialect of a spec; `lengths` of texts and `run` are the plan's.
    #[must_use]
    pub fn new(spec: Arc<Spec>, lengths: impl Into<Lengths>, run: u64) -> Self {
        Self {
            receiver: Receiver::new(&spec),
            echoes: spec.does.iter().any(Deed::is_echoed),
            order_hole: spec.traits.order.as_ref().map(|order| order.by),
            sanitise: spec.traits.sanitise,
            conversations: RefCell::default(),
            positions: Cell::new(Positions::of(spec.traits.order.as_ref())),
            integer_ids: Cell::new(false),
            integer_places: Cell::new(false),
            integer_cursors: Cell::new(false),
            run: (run & 0xfff) as u16,
            wording: RefCell::new(Wording::new(lengths.into())),
            spare: RefCell::default(),
            spec,
        }
    }

    /// Learns how the server calls a conversation of the plan.
    pub fn learn(&self, conversation: ConversationId, id: Scalar) {
        let mut conversations = self.conversations.borrow_mut();
        conversations.by_id.insert(id.id(), conversation);
        conversations.by_plan.insert(conversation, id);
    }

    /// How the server calls a conversation of the plan.
    #[must_use]
    pub fn conversation(&self, conversation: ConversationId) -> Option<Scalar> {
        self.conversations.borrow().by_plan.get(&conversation).cloned()
    }

    /// The conversation of the plan that these bindings name.
    pub(crate) fn place(&self, bindings: &Bindings) -> Option<ConversationId> {
        let id = bindings.get(Hole::CONVERSATION)?;
        self.conversations.borrow().by_id.get(&id.id()).copied()
    }

    /// The first channel of an operation.
    #[must_use]
    pub fn channel(&self, operation: Operation) -> Option<&Channel> {
        self.spec.deed(operation)?.channels.first()
    }

    /// The first request of an operation.
    #[must_use]
    pub fn step(&self, operation: Operation) -> Option<&Step> {
        self.channel(operation)?.steps.first()
    }

    /// The first request of an operation that concerns so many people (of a broadcast: for this kind
    /// of audience), over the channel that was chosen; `None` if the spec has none of this name.
    #[must_use]
    pub fn route(&self, operation: Operation, people: usize, via: Option<&str>) -> Option<Route> {
        let deed = self.spec.deed(operation)?;
        let channel = match (via, operation) {
            (Some(name), _) => deed.channel_called(name)?,
            (None, Operation::Create) => deed.channel_for(people),
            (None, Operation::Broadcast) => deed.channel_called(AUDIENCES[people])?,
            (None, _) => 0,
        };
        Some(Route { operation, channel, step: 0 })
    }

    /// The request that stands there.
    #[must_use]
    pub fn at(&self, route: Route) -> Option<&Step> {
        self.spec.deed(route.operation)?.channels.get(route.channel)?.steps.get(route.step)
    }

    /// The request that follows this one in its sequence.
    #[must_use]
    pub fn after(&self, route: Route) -> Option<Route> {
        let next = Route { step: route.step + 1, ..route };
        self.at(next).map(|_| next)
    }

    /// The text of a message.
    #[must_use]
    pub fn text(&self, token: Token) -> CompactString {
        self.wording.borrow_mut().of(token).into()
    }

    /// A message as these bindings show it. `place` is where it was asked for, if it was.
    #[must_use]
    pub fn seen(&self, by: Carrier, bindings: &Bindings, place: Option<ConversationId>) -> Seen {
        if let Some(Scalar::Int(_)) = bindings.get(Hole::MESSAGE) {
            self.integer_ids.set(true);
        }
        let text = bindings.get(Hole::TEXT).map(Scalar::text);
        let token = text.as_deref().and_then(Token::find).filter(|token| token.run() == self.run);
        let damage = match (&text, token) {
            (Some(text), Some(token)) => {
                text::compare(self.wording.borrow_mut().of(token), self.sanitise, text)
            }
            (Some(text), None) => Damage::Changed(excerpt(text)),
            (None, _) => Damage::NotShown,
        };
        Seen {
            by,
            conversation: self.place(bindings).or(place),
            token,
            key: bindings.get(Hole::KEY).map(Scalar::id),
            id: bindings.get(Hole::MESSAGE).map(Scalar::id),
            order: self.order(bindings),
            sender: bindings.get(Hole::SENDER).map(Scalar::id),
            text: damage,
        }
    }

    /// What a row of a read shows: a message, and its delivery status where the server says it; or
    /// a conversation.
    pub(crate) fn row(
        &self,
        operation: Operation,
        op: OpId,
        bindings: &Bindings,
        place: Option<ConversationId>,
        rows: &mut Vec<Event>,
    ) {
        let text = |hole| bindings.get(hole).map(Scalar::id);
        let by = match operation {
            Operation::Sync => Carrier::Sync(op),
            Operation::List | Operation::Contacts => {
                let (id, user) = (text(Hole::CONVERSATION), text(Hole::PEER));
                return rows.push(Event::Listed { op, id, user });
            }
            Operation::Search => return rows.push(self.found(op, bindings)),
            _ => Carrier::History(op),
        };
        rows.push(Event::Message(self.seen(by, bindings, place)));
        if let Some(state) = text(Hole::STATUS) {
            rows.push(Event::Saw {
                sight: Sight::Status,
                conversation: self.place(bindings).or(place),
                user: None,
                id: text(Hole::MESSAGE),
                state: Some(state),
                users: None,
                row: Some(op),
            });
        }
    }

    /// A row of a search. Its text may be an excerpt: only its witness counts.
    fn found(&self, op: OpId, bindings: &Bindings) -> Event {
        let token = bindings.get(Hole::TEXT).and_then(|text| Token::find(&text.text()));
        Event::Found {
            op,
            conversation: self.place(bindings),
            token: token.filter(|token| token.run() == self.run),
            id: bindings.get(Hole::MESSAGE).map(Scalar::id),
        }
    }

    /// What a yes tells beside that: how many messages are unread.
    pub(crate) fn told(&self, operation: Operation, op: OpId, bindings: &Bindings) -> Vec<Event> {
        let count = match bindings.get(Hole::COUNT) {
            Some(Scalar::Int(count)) if operation == Operation::Unread => *count,
            Some(Scalar::Text(text)) if operation == Operation::Unread => match text.parse() {
                Ok(count) => count,
                Err(_) => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        vec![Event::Counted { op, count, conversation: self.place(bindings) }]
    }

    /// A yes to an operation, with what it binds.
    #[must_use]
    pub fn yes(&self, operation: Operation, bindings: &Bindings) -> Reply {
        let makes = matches!(operation, Operation::Create | Operation::Broadcast);
        let id = bindings.get(if makes { Hole::CONVERSATION } else { Hole::MESSAGE });
        if makes {
            self.integer_places.set(matches!(id, Some(Scalar::Int(_))));
        }
        Reply::Yes {
            id: id.map(Scalar::id),
            order: self.order(bindings),
            rows: 0,
            cursor: self.cursor_of(bindings),
        }
    }

    /// Where an answer says to go on, if it does.
    #[must_use]
    pub(crate) fn cursor_of(&self, bindings: &Bindings) -> Option<CompactString> {
        let cursor = bindings.get(Hole::CURSOR)?;
        self.integer_cursors.set(matches!(cursor, Scalar::Int(_)));
        Some(cursor.id())
    }

    /// A cursor as this server writes cursors.
    #[must_use]
    pub(crate) fn cursor(&self, cursor: &CompactString) -> Scalar {
        let integer = if self.integer_cursors.get() { cursor.parse().ok() } else { None };
        integer.map_or_else(|| Scalar::Text(cursor.clone()), Scalar::Int)
    }

    /// The place in the server's order that these bindings show.
    #[must_use]
    pub fn order(&self, bindings: &Bindings) -> Option<i64> {
        let (positions, order) = position::read(bindings.get(self.order_hole?)?)?;
        self.positions.set(positions);
        Some(order)
    }

    /// A place in the order as this server writes it.
    #[must_use]
    pub fn position(&self, order: i64) -> Scalar {
        position::write(self.positions.get(), order)
    }

    /// The place in the order that such a value is.
    pub(crate) fn position_of(&self, scalar: &Scalar) -> Option<i64> {
        position::read(scalar).map(|(_, order)| order)
    }

    /// A message's id as this server writes ids.
    #[must_use]
    pub fn message_id(&self, id: &CompactString) -> Scalar {
        let integer = if self.integer_ids.get() { id.parse().ok() } else { None };
        integer.map_or_else(|| Scalar::Text(id.clone()), Scalar::Int)
    }

    /// A conversation's id as this server writes ids.
    #[must_use]
    pub fn conversation_id(&self, id: &CompactString) -> Scalar {
        let integer = if self.integer_places.get() { id.parse().ok() } else { None };
        integer.map_or_else(|| Scalar::Text(id.clone()), Scalar::Int)
    }

    /// A wall-clock time as this server writes times.
    #[must_use]
    pub fn time(&self, nanos_since_1970: i64) -> Scalar {
        position::write(Positions::Iso, nanos_since_1970)
    }

    /// A refused connection is documented to be told like this, or in no way at all.
    #[must_use]
    pub fn is_documented_refusal(&self, payload: &str) -> bool {
        let documented = &self.spec.connect.refused;
        let fits = |shape: &Shape| shape.fits(payload, &mut self.spec.constants.clone());
        documented.is_empty() || documented.iter().any(fits)
    }

    /// What this may be, by its name or by the field that tells frames apart.
    fn candidates(&self, told: Told<'_>, json: &str) -> &[Candidate] {
        match told {
            Told::Event(name) => self.receiver.event(name),
            Told::Frame => self.receiver.frame(json),
        }
    }

    /// What a pushed event shows, if it fits a pushed shape of the spec; binds its holes beside those
    /// that are bound already. `json` is
    /// the event's whole array, or the frame. An error is empty if the spec knows no such event.
    fn pushed(
        &self,
        told: Told<'_>,
        json: &str,
        bindings: &mut Bindings,
    ) -> Result<&Pushed, String> {
        let candidates = self.candidates(told, json).iter();
        let sights = || {
            candidates.clone().filter_map(|candidate| match candidate {
                Candidate::Pushed(index) => self.spec.sees.get(usize::from(*index)),
                Candidate::Answer(_) => None,
            })
        };
        if let Some(pushed) = sights().find(|pushed| pushed.reception.shape.fits(json, bindings)) {
            return Ok(pushed);
        }
        let difference = sights().find_map(|pushed| {
            let mismatch = pushed.reception.shape.matches(json, bindings).err()?;
            let is_another = match told {
                // Of an event with a hole in its name, only the name differs.
                Told::Event(_) => mismatch.pointer == "/0",
                Told::Frame => self.receiver.differs_in_kind(&pushed.reception, &mismatch.pointer),
            };
            (!is_another).then(|| {
                format!(
                    "{told} does not fit `{}`: at `{}` expected {}, found {}",
                    pushed.sight, mismatch.pointer, mismatch.expected, mismatch.found
                )
            })
        });
        Err(difference.unwrap_or_default())
    }

    /// It may answer a request.
    fn may_answer(&self, told: Told<'_>, json: &str) -> bool {
        let answers = |candidate: &Candidate| matches!(candidate, Candidate::Answer(_));
        self.candidates(told, json).iter().any(answers)
    }

    fn is_message(pushed: &Pushed) -> bool {
        pushed.sight == Sight::Message && !pushed.alias
    }
}

/// What came without being an acknowledgement.
#[derive(Clone, Copy, Debug)]
enum Told<'a> {
    /// A Socket.IO event of this name.
    Event(&'a str),
    /// A JSON frame.
    Frame,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(name) => write!(f, "`{name}`"),
            Self::Frame => f.write_str("a frame"),
        }
    }
}

/// The beginning of a text that somebody else made.
#[must_use]
pub fn excerpt(text: &str) -> CompactString {
    const CHARACTERS: usize = 80;
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => compact_str::format_compact!("{}…", &text[..end]),
        None => text.into(),
    }
}
