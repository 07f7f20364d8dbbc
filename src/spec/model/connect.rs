//! `connect:` and `http:` how a client gets to the server, and what carries its events.

use super::{HttpRequest, Step};
use crate::spec::shape::Shape;
use crate::spec::text::Text;
use std::time::Duration;

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
    /// Application-level ping: by whom, what is sent and expected, how often.
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
    /// Long polling: a request that is repeated.
    Poll(Box<Poll>),
    /// Server-sent events: the request's answer never ends; the data of each is an event.
    Stream(Box<HttpRequest>),
}

/// A request that is repeated, whose answers bring events.
#[derive(Clone, Debug)]
pub struct Poll {
    /// The request and its answers. Rows of a yes bind `$event`, each to an event.
    pub step: Step,
    /// Further parts of the answer that hold events, each read for itself: their rows bind `$event`
    /// and what the events themselves do not say, such as `$conversation`.
    pub events: Vec<Shape>,
    /// How long the server may hold an answer back that has no event.
    pub holds: Duration,
    /// Time between an answer and the next request.
    pub pause: Duration,
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
    /// Where it is the server that pings: its ping, which `send` answers.
    pub answers: Option<Shape>,
    /// How often a ping leaves, the client's or the server's.
    pub every: Duration,
    /// The server ends a connection over which nothing came for so long.
    pub dead_after: Option<Duration>,
}

impl AppPing {
    /// How long an answer may take before the client gives the connection up.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.dead_after.map_or(self.every, |all| all.saturating_sub(self.every))
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
