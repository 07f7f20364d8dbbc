//! A compiled spec, as the engine, the reference server and the judges read it.
//!
//! The loader makes it from YAML and has refused everything that is wrong, so nothing here needs
//! to be checked again. Templates are compiled: no name is looked up and no text parsed per message.

use crate::operation::{Operation, Sight};
use crate::source::Span;
use crate::spec::bindings::{Bindings, Hole, HoleTable};
use crate::spec::shape::Shape;
use crate::spec::text::Text;
use std::time::Duration;

/// One server's wire and promises.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name; the file's stem.
    pub name: String,
    /// One sentence: what this server is.
    pub about: String,
    /// The title of the document it is made from.
    pub document: Option<String>,
    /// The names behind the numbers of the holes.
    pub holes: HoleTable,
    /// `let:` constants, bound before anything else.
    pub constants: Bindings,
    /// How a client's connection comes to be.
    pub connect: Connect,
    /// Who the people are to the server.
    pub people: People,
    /// Headers and base path of every HTTP request.
    pub http: Http,
    /// `do:` what a client can do.
    pub does: Vec<Deed>,
    /// `see:` what a client can see without having asked.
    pub sees: Vec<Pushed>,
    /// `traits:` how the server works, promised or not.
    pub traits: Traits,
    /// `promise:` what it promises.
    pub promises: Vec<Promise>,
    /// `contract:` what the documented client does.
    pub contract: Contract,
    /// `limits:` what it accepts.
    pub limits: Limits,
    /// `known-failures:` cases of the catalogue that fail, and why that is accepted.
    pub known_failures: Vec<KnownFailure>,
}

/// A case that is known to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFailure {
    /// The case's name.
    pub case: String,
    /// Where the name stands.
    pub at: Span,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is accepted, `2027-01-31`.
    pub until: Option<String>,
}

/// `connect:`
#[derive(Clone, Debug)]
pub struct Connect {
    /// What carries the events.
    pub protocol: Protocol,
    /// The path of the handshake, e.g. `/socket.io/`; may hold holes.
    pub path: Text,
    /// Query parameters of the handshake.
    pub query: Vec<Field>,
    /// Headers of the handshake.
    pub headers: Vec<Field>,
    /// Socket.IO's CONNECT payload.
    pub auth: Option<Shape>,
    /// Another place where the server looks for the token, when it is not in the first.
    pub elsewhere: Option<Elsewhere>,
    /// What the server says in the CONNECT answer or as its first message.
    pub welcome: Option<Shape>,
    /// A first message that proves who the client is, and its answers.
    pub first: Option<Step>,
    /// The documented refusals: payloads of CONNECT_ERROR.
    pub refused: Vec<Shape>,
    /// How long a connection may take before it counts as hung.
    pub timeout: Duration,
    /// Whether one socket serves a person or each conversation has its own.
    pub per: SocketPer,
    /// Application-level ping: frame sent, frame expected, how often.
    pub ping: Option<AppPing>,
    /// Where events come from when there is no socket.
    pub events: Option<EventSource>,
}

/// Where the token stands instead: what is written here takes the place of the handshake's own
/// query, headers and CONNECT payload.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// Query parameters of the handshake.
    pub query: Vec<Field>,
    /// Headers of the handshake.
    pub headers: Vec<Field>,
    /// Socket.IO's CONNECT payload.
    pub auth: Option<Shape>,
}

/// Where events come from when there is no socket. Each is matched as a frame.
#[derive(Clone, Debug)]
pub enum EventSource {
    /// Long polling: the request is repeated; each row of its answer binds `$event` to an event.
    Poll {
        /// The request and its answers.
        step: Box<Step>,
        /// Time between an answer and the next request.
        pause: Duration,
    },
    /// Server-sent events: the request's answer never ends; the data of each is an event.
    Stream(Box<HttpRequest>),
}

/// What carries the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Engine.IO 4 and Socket.IO 5.
    SocketIo {
        /// The namespace, `/` by default.
        namespace: String,
        /// The transports in the order the client tries them.
        transports: Transports,
    },
    /// JSON frames on a WebSocket.
    WebSocket {
        /// The subprotocol asked for, if any.
        subprotocol: Option<String>,
    },
    /// No socket: HTTP requests, and events by long polling.
    Http,
}

/// How a Socket.IO client gets its transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transports {
    /// WebSocket from the first byte.
    WebSocket,
    /// HTTP long polling, always.
    Polling,
    /// HTTP long polling first, then the upgrade (what the official client does).
    Upgrade,
}

/// Whose a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketPer {
    /// One socket per client.
    Client,
    /// One socket per client and conversation, the conversation's id in the path or query.
    Conversation,
}

/// An application-level heartbeat.
#[derive(Clone, Debug)]
pub struct AppPing {
    /// What the client sends.
    pub send: Shape,
    /// What it expects back.
    pub expect: Option<Shape>,
    /// How often.
    pub every: Duration,
}

/// `people:`
#[derive(Clone, Debug)]
pub struct People {
    /// What a user id looks like when the harness chooses it.
    pub ids: UserIds,
    /// Where the credential comes from.
    pub token: TokenSource,
}

/// What a user id looks like when the harness chooses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserIds {
    /// Integers from this number on.
    Integer {
        /// The first person's id.
        from: i64,
    },
    /// A text with `#` for the person's number, e.g. `assize-#`.
    Text {
        /// The pattern.
        pattern: String,
    },
    /// 24 hex characters.
    ObjectId,
    /// Version 5 UUIDs of the person's number.
    Uuid,
    /// The server chooses it: bound by `register` or `login`.
    ByServer,
}

/// Where a person's credential comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// There is none.
    None,
    /// The harness mints a JWT.
    Jwt {
        /// The signing algorithm, e.g. `HS256`.
        algorithm: String,
        /// The secret, or the environment variable that holds it.
        secret: Secret,
        /// The claims; a shape to fill.
        claims: Shape,
        /// Lifetime (claims `iat` and `exp` are added).
        lives: Duration,
    },
    /// `register` or `login` binds `$token`.
    ByServer,
    /// Read from a CSV file with a header line; each column binds the hole of its name.
    File {
        /// The file's path.
        path: String,
        /// The columns that are used.
        columns: Vec<Hole>,
    },
}

/// A secret is named, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The environment variable that overrides the default.
    pub variable: Option<String>,
    /// The value in the file, for test servers.
    pub default: Option<String>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `http:` what all HTTP requests share.
#[derive(Clone, Debug, Default)]
pub struct Http {
    /// Headers of every request.
    pub headers: Vec<Field>,
    /// Path of a readiness probe, e.g. `/health`.
    pub health: Option<String>,
    /// Cookies that answers set are kept per client and sent with requests and the handshake.
    pub cookies: bool,
}

/// A named text: a header, a query parameter, a form field. Left out when an optional hole in it
/// is unbound.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Text,
}

/// An operation as this server does it.
#[derive(Clone, Debug)]
pub struct Deed {
    /// Which operation.
    pub operation: Operation,
    /// The channels it can go through; the first is the one used unless a scenario asks.
    pub channels: Vec<Channel>,
}

/// One way to do an operation.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `socket`, `rest`, or the spec's own word.
    pub name: String,
    /// One request, or several in sequence.
    pub steps: Vec<Step>,
}

/// One request and its answers.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is sent.
    pub request: Request,
    /// Answers that mean yes. With `no` empty too: nothing is answered.
    pub yes: Vec<Reception>,
    /// Answers that mean no. They are tried before `yes`: a callback's `nack: [$error]` beside an
    /// empty `ack: []` says more than the empty list.
    pub no: Vec<Reception>,
    /// Answers that mean: too fast. They are tried first.
    pub limited: Vec<Reception>,
    /// What is read from an HTTP answer beside its body.
    pub takes: Vec<Take>,
    /// How a read goes on when there is more.
    pub paging: Option<Paging>,
}

/// Something read from an HTTP answer beside its body.
#[derive(Clone, Debug)]
pub struct Take {
    /// From where.
    pub from: TakeFrom,
    /// The header's or cookie's name.
    pub name: String,
    /// What it looks like.
    pub value: Text,
}

/// Where beside the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeFrom {
    /// A response header.
    Header,
    /// A cookie that the answer sets.
    Cookie,
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Request {
    /// A Socket.IO event: the shape is the whole array, the name its first element.
    Emit {
        /// The event's name.
        event: String,
        /// `[name, argument, …]`.
        shape: Shape,
    },
    /// A JSON frame on a raw WebSocket.
    Frame {
        /// The frame.
        shape: Shape,
    },
    /// An HTTP request.
    Http(HttpRequest),
}

/// An HTTP request.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: String,
    /// The path; holes are percent-encoded.
    pub path: Text,
    /// Query parameters.
    pub query: Vec<Field>,
    /// Headers of this request only.
    pub headers: Vec<Field>,
    /// A JSON body.
    pub body: Option<Shape>,
    /// A form-encoded body, when there is no JSON body.
    pub form: Vec<Field>,
}

/// Something received, by the channel it comes through.
#[derive(Clone, Debug)]
pub struct Reception {
    /// Through what.
    pub via: Via,
    /// What it looks like: for [`Via::Ack`] the array of the callback's arguments, for
    /// [`Via::Event`] the whole array with the name, for [`Via::Status`] the body.
    pub shape: Shape,
    /// For [`Via::Event`] and [`Via::Frame`]: the shape has a hole that the request binds to a
    /// value of its own, so the answer finds its question. Without: first in, first out.
    pub correlated: bool,
}

/// Through what an answer or event comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// The Socket.IO acknowledgement of the request.
    Ack,
    /// A Socket.IO event of this name (as written, if it has holes).
    Event(String),
    /// A JSON frame.
    Frame,
    /// An HTTP answer with a status in this range, bounds included.
    Status(u16, u16),
    /// The pushed message with one's own text.
    Echo,
}

/// How a read goes on when there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// While a page has as many rows as `$limit`: ask again since the last row's position.
    Since,
    /// While a page has as many rows as `$limit`: the next `$page`.
    Page,
    /// While the answer binds `$cursor`: ask again with it.
    Cursor,
}

/// An event that comes without having been asked for.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// What it means.
    pub sight: Sight,
    /// Through what, and what it looks like.
    pub reception: Reception,
    /// Another name for something that is also told by a canonical event.
    pub alias: bool,
}

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

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The property's id.
    pub property: String,
    /// The promise in the document's words.
    pub says: String,
    /// Where the document says it.
    pub source: String,
    /// What is added to a documented bound before a late event counts as broken.
    pub tolerance: Option<Duration>,
}

/// `contract:` what the documented client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// How long a client waits for an ack.
    pub ack_timeout: Duration,
    /// Pauses before the second, third, … attempt. Their count is the number of retries.
    pub retries: Vec<Duration>,
    /// Pauses before reconnection attempts; the last one repeats.
    pub reconnect: Vec<Duration>,
    /// A typing indicator stops this long after the last keystroke.
    pub typing_stop: Duration,
    /// Typing events within this window are sent as one.
    pub typing_batch: Duration,
    /// Sends while disconnected wait and go out after the sync.
    pub offline_queue: bool,
    /// Where a sync after a reconnect starts.
    pub sync_from: SyncFrom,
    /// Messages kept per conversation in a client's view.
    pub view: usize,
}

/// Where a sync after a reconnect starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncFrom {
    /// The position of the newest message the client has seen in the conversation.
    NewestSeen,
    /// The client's own wall clock at its last sync.
    ClientClock,
    /// The opaque cursor of the last answer.
    Cursor,
    /// There is no cursor: the whole history is read.
    Start,
}

/// `limits:` what the server accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Characters of a text.
    pub text_characters: Option<u32>,
    /// A text without a visible character is documented to be refused.
    pub blank_refused: bool,
    /// Messages per window and person.
    pub send_rate: Option<(u32, Duration)>,
    /// Rows of a page.
    pub page_rows: Option<u32>,
}

impl Spec {
    /// How this server does an operation.
    #[must_use]
    pub fn deed(&self, operation: Operation) -> Option<&Deed> {
        self.does.iter().find(|deed| deed.operation == operation)
    }

    /// The promise of this property, if the server makes it.
    #[must_use]
    pub fn promise(&self, property: &str) -> Option<&Promise> {
        self.promises.iter().find(|promise| promise.property == property)
    }
}

impl Request {
    /// The holes that are filled to send it.
    #[must_use]
    pub fn holes(&self) -> Vec<Hole> {
        let shape = |shape: &Shape| shape.holes().into_iter().map(|(hole, _)| hole).collect();
        match self {
            Self::Emit { shape: one, .. } | Self::Frame { shape: one } => shape(one),
            Self::Http(http) => {
                let fields = http.query.iter().chain(&http.headers).chain(&http.form);
                let texts = fields.map(|field| &field.value).chain([&http.path]);
                let mut holes: Vec<Hole> = http.body.as_ref().map(shape).unwrap_or_default();
                holes.extend(texts.flat_map(Text::holes).map(|(hole, _)| hole));
                holes
            }
        }
    }
}

impl Deed {
    /// The channel of this name: scenarios may ask for one; `create` may have one for a `pair` and
    /// one for a `group`.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    /// The index of the channel that makes a conversation of so many members: the one called
    /// `pair` or `group`, else the first.
    #[must_use]
    pub fn channel_for(&self, members: usize) -> usize {
        let name = if members > 2 { "group" } else { "pair" };
        self.channels.iter().position(|channel| channel.name == name).unwrap_or(0)
    }
}

impl Step {
    /// An event answers this request, and what it carries back tells which.
    #[must_use]
    pub fn answers_by_event(&self) -> bool {
        let mut all = self.yes.iter().chain(&self.no);
        all.any(|one| matches!(one.via, Via::Event(_) | Via::Frame | Via::Echo))
    }

    /// Nothing answers this request.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        self.yes.is_empty() && self.no.is_empty()
    }
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
            typing_expires: None,
            token: TokenCheck::AtConnect,
        }
    }
}

impl Default for Contract {
    /// The figures of most documented chat clients: 5 s, 1/2/4 s, 1…30 s, 2 s, 100 ms.
    fn default() -> Self {
        let seconds = |list: &[u64]| list.iter().map(|&s| Duration::from_secs(s)).collect();
        Self {
            ack_timeout: Duration::from_secs(5),
            retries: seconds(&[1, 2, 4]),
            reconnect: seconds(&[1, 2, 4, 8, 16, 30]),
            typing_stop: Duration::from_secs(2),
            typing_batch: Duration::from_millis(100),
            offline_queue: true,
            sync_from: SyncFrom::NewestSeen,
            view: 100,
        }
    }
}
