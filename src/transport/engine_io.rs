//! An Engine.IO session: over a WebSocket, over long polling, or upgraded from one to the other.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::HeaderMap;
use tokio::time::{Instant, Sleep, sleep};

use super::closed::{Closed, Leave, SendError};
use super::endpoint::Endpoint;
use super::error::{ConnectError, Phase};
use super::polling::{Arrived, Polling};
use super::stream::{ConnectOptions, Deadline};
use super::text::Text;
use super::websocket::{self, Outgoing, WebSocket, WebSocketOptions};
use crate::wire::WireError;
use crate::wire::engine_io::{Kind, Packet, encode_text};
use crate::wire::handshake::{Carrier, DEFAULT_PATH, Open, request_target};

/// The longest silence that is waited for, whatever a server says.
const SILENCE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// How the packets of a session travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Over a WebSocket from the beginning.
    WebSocket,
    /// Over HTTP long polling, always.
    Polling,
    /// Over HTTP long polling first, then over a WebSocket: what browsers do.
    Upgrade,
}

/// How to open a session.
#[derive(Debug, Clone)]
pub struct Options {
    /// How to connect; the timeout holds for the whole opening.
    pub connect: ConnectOptions,
    /// How the packets travel.
    pub mode: Mode,
    /// The path of the server; that of the endpoint's URL is not looked at.
    pub path: String,
    /// The caller's part of the query, percent-encoded, without `?`.
    pub query: String,
    /// Headers of every request.
    pub headers: HeaderMap,
    /// The most bytes of a received message, or of a polling body.
    pub message_bytes_max: usize,
    /// The most bytes that wait for the server to read.
    pub unsent_bytes_max: usize,
}

impl Default for Options {
    /// A WebSocket at `/socket.io/`, 16 MiB in, 16 MiB waiting to go out.
    fn default() -> Self {
        Options {
            connect: ConnectOptions::default(),
            mode: Mode::WebSocket,
            path: DEFAULT_PATH.to_owned(),
            query: String::new(),
            headers: HeaderMap::new(),
            message_bytes_max: 16 << 20,
            unsent_bytes_max: 16 << 20,
        }
    }
}

impl Options {
    /// The options of the WebSocket below.
    pub(super) fn websocket(&self) -> WebSocketOptions {
        WebSocketOptions {
            connect: self.connect.clone(),
            headers: self.headers.clone(),
            message_bytes_max: self.message_bytes_max,
            unsent_bytes_max: self.unsent_bytes_max,
        }
    }
}

/// What arrives in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text message, without its `4`.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
    /// A ping of the server; it is answered already, unless answering is turned off.
    Ping,
    /// Something that is no packet; the session goes on, though official clients would hang up.
    Malformed(WireError),
    /// The session is no more; said again however often it is asked.
    Closed(Closed),
}

/// An open session, used from one task.
pub struct Session {
    sid: Box<str>,
    pub(super) link: Link,
    /// Packets that arrived over polling before the upgrade.
    pub(super) backlog: VecDeque<Arrived>,
    heartbeat: Heartbeat,
    pub(super) offers_websocket: bool,
    answers_pings: bool,
    reads: bool,
    closed: Option<Closed>,
}

#[expect(clippy::large_enum_variant, reason = "the great variant is the common one")]
pub(super) enum Link {
    WebSocket(WebSocket),
    Polling(Box<Polling>),
}

impl Session {
    /// Opens a session, upgraded if that is what the options ask for.
    ///
    /// # Errors
    /// Why there is no session.
    pub async fn open(endpoint: &Endpoint, options: &Options) -> Result<Session, ConnectError> {
        let mut session = Self::open_first(endpoint, options).await?;
        if options.mode == Mode::Upgrade {
            session.upgrade(endpoint, options).await?;
        }
        Ok(session)
    }

    /// Opens a session over its first carrier.
    pub(super) async fn open_first(
        endpoint: &Endpoint,
        options: &Options,
    ) -> Result<Session, ConnectError> {
        if options.mode == Mode::WebSocket {
            let deadline = Deadline::after(options.connect.timeout);
            let target = request_target(&options.path, &options.query, Carrier::WebSocket, None);
            let wanted = options.websocket();
            let mut socket = WebSocket::open_until(endpoint, &target, &wanted, deadline).await?;
            let open = deadline.hold(Phase::OpenPacket, read_open(&mut socket)).await??;
            return Ok(Session::new(Link::WebSocket(socket), &open));
        }
        let (polling, open) = Polling::open(endpoint, options).await?;
        Ok(Session::new(Link::Polling(Box::new(polling)), &open))
    }

    fn new(link: Link, open: &Open) -> Session {
        Session {
            sid: open.sid.as_str().into(),
            link,
            backlog: VecDeque::new(),
            heartbeat: Heartbeat::new(open),
            offers_websocket: open.offers_websocket(),
            answers_pings: true,
            reads: true,
            closed: None,
        }
    }

    /// The session's id.
    #[must_use]
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// How often the server pings, and how long it waits for the answer, as its handshake says.
    #[must_use]
    pub const fn heartbeat(&self) -> (Duration, Duration) {
        (self.heartbeat.interval, self.heartbeat.timeout)
    }

    /// The WebSocket below, for what only a WebSocket can do; `None` while polling.
    pub fn websocket(&mut self) -> Option<&mut WebSocket> {
        match &mut self.link {
            Link::WebSocket(socket) => Some(socket),
            Link::Polling(_) => None,
        }
    }

    /// Whether pings are answered. A server takes a client that does not answer for dead.
    pub fn set_answers_pings(&mut self, answers: bool) {
        self.answers_pings = answers;
    }

    /// Whether anything is read at all. While not, [`Session::recv`] waits forever, misses no
    /// heartbeat, and only sends.
    pub fn set_reads(&mut self, reads: bool) {
        self.reads = reads;
    }

    /// Waits for what arrives next, and sends meanwhile what was fed. Safe to cancel.
    ///
    /// A server is taken for dead when no ping came for ping interval plus ping timeout and nothing
    /// else waits to be read; a client that is late to read does not take it for dead.
    pub async fn recv(&mut self) -> Incoming {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Takes a packet to be sent: a text packet with its digit, or a binary message. It leaves with
    /// [`Session::flush`] or the next [`Session::recv`].
    ///
    /// # Errors
    /// [`SendError::Full`] if the server does not read, [`SendError::Closed`].
    pub fn feed(&mut self, packet: Outgoing) -> Result<(), SendError> {
        if let Some(closed) = &self.closed {
            return Err(SendError::Closed(closed.clone()));
        }
        match &mut self.link {
            Link::WebSocket(socket) => socket.feed(packet),
            Link::Polling(polling) => polling.feed(packet),
        }
    }

    /// Sends what was fed: into the socket, or with POSTs that are answered. Safe to cancel.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub async fn flush(&mut self) -> Result<(), SendError> {
        if let Some(closed) = &self.closed {
            return Err(SendError::Closed(closed.clone()));
        }
        poll_fn(|cx| self.poll_flush(cx)).await.map_err(SendError::Closed)
    }

    /// Sends a packet and what was fed before it.
    ///
    /// # Errors
    /// [`SendError::Full`] and [`SendError::Closed`].
    pub async fn send(&mut self, packet: Outgoing) -> Result<(), SendError> {
        self.feed(packet)?;
        self.flush().await
    }

    /// Leaves the session; afterwards it is [`Closed::ByClient`].
    pub async fn leave(&mut self, how: Leave) {
        let closed_before = self.closed.replace(Closed::ByClient).is_some();
        match (&mut self.link, how) {
            (Link::WebSocket(socket), how) => socket.leave(how).await,
            (Link::Polling(polling), Leave::Reset) => polling.reset(),
            (Link::Polling(polling), Leave::Polite | Leave::CloseFrame(_)) if !closed_before => {
                polling.say_goodbye().await;
            }
            (Link::Polling(polling), _) => polling.drop_requests(),
        }
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        if !self.reads && self.closed.is_none() {
            // A connection that breaks while writing is noticed when reading is turned on again.
            let _ = self.poll_flush(cx);
            return Poll::Pending;
        }
        loop {
            if let Some(closed) = &self.closed {
                return Poll::Ready(Incoming::Closed(closed.clone()));
            }
            match self.poll_arrived(cx) {
                Poll::Ready(Ok(arrived)) => {
                    if let Some(incoming) = self.understand(arrived) {
                        return Poll::Ready(incoming);
                    }
                }
                Poll::Ready(Err(closed)) => self.closed = Some(closed),
                Poll::Pending if self.heartbeat.is_missed(cx) => {
                    self.closed = Some(Closed::HeartbeatMissed { silence: self.heartbeat.silence });
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// The next packet, over whatever carries it.
    fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arrived, Closed>> {
        if let Some(arrived) = self.backlog.pop_front() {
            return Poll::Ready(Ok(arrived));
        }
        match &mut self.link {
            Link::Polling(polling) => polling.poll_arrived(cx),
            Link::WebSocket(socket) => socket.poll_recv(cx).map(|incoming| match incoming {
                websocket::Incoming::Text(text) => Ok(Arrived::Text(text)),
                websocket::Incoming::Binary(bytes) => Ok(Arrived::Binary(bytes)),
                websocket::Incoming::Closed(closed) => Err(closed),
            }),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        match &mut self.link {
            Link::WebSocket(socket) => socket.poll_flush(cx),
            Link::Polling(polling) => polling.poll_flush(cx),
        }
    }

    /// Acts on a packet; returns what the layer above has to know of it.
    fn understand(&mut self, arrived: Arrived) -> Option<Incoming> {
        let text = match arrived {
            Arrived::Binary(bytes) => return Some(Incoming::Binary(bytes)),
            Arrived::Malformed(error) => return Some(Incoming::Malformed(error)),
            Arrived::Text(text) => text,
        };
        match Packet::decode_text(&text) {
            Ok(Packet::Text { kind: Kind::Message, .. }) => {
                Some(Incoming::Text(text.slice(1..text.len())))
            }
            Ok(Packet::Text { kind: Kind::Ping, data }) => {
                self.heartbeat.beat();
                if self.answers_pings {
                    let mut pong = String::with_capacity(1 + data.len());
                    encode_text(Kind::Pong, data, &mut pong);
                    // A pong that finds no room is one more thing a stuck server does not read.
                    let _ = self.feed(Outgoing::text(pong));
                }
                Some(Incoming::Ping)
            }
            Ok(Packet::Text { kind: Kind::Close, .. }) => {
                self.closed = Some(Closed::ClosePacket);
                None
            }
            Ok(_) => None,
            Err(error) => Some(Incoming::Malformed(error)),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("sid", &self.sid)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

/// A text message as a packet, ready to be fed.
#[must_use]
pub fn message(data: &str) -> Outgoing {
    let mut packet = String::with_capacity(1 + data.len());
    encode_text(Kind::Message, data, &mut packet);
    Outgoing::text(packet)
}

/// Reads the open packet of a WebSocket session.
async fn read_open(socket: &mut WebSocket) -> Result<Open, ConnectError> {
    match socket.recv().await {
        websocket::Incoming::Text(text) => Open::decode_frame(&text).map_err(ConnectError::of_wire),
        websocket::Incoming::Binary(bytes) => Err(ConnectError::SpeaksSomethingElse {
            first_bytes: bytes.slice(..bytes.len().min(32)).escape_ascii().to_string(),
        }),
        websocket::Incoming::Closed(Closed::BadFrame { reason }) => {
            Err(ConnectError::SpeaksSomethingElse { first_bytes: reason })
        }
        websocket::Incoming::Closed(_) => {
            Err(ConnectError::ClosedInHandshake { phase: Phase::OpenPacket })
        }
    }
}

/// Notices when the server has been silent for too long.
struct Heartbeat {
    timer: Pin<Box<Sleep>>,
    interval: Duration,
    timeout: Duration,
    silence: Duration,
}

impl Heartbeat {
    fn new(open: &Open) -> Self {
        let silence = Duration::from_millis(open.silence_ms_max()).min(SILENCE_MAX);
        Heartbeat {
            timer: Box::pin(sleep(silence)),
            interval: Duration::from_millis(open.ping_interval),
            timeout: Duration::from_millis(open.ping_timeout),
            silence,
        }
    }

    fn beat(&mut self) {
        self.timer.as_mut().reset(Instant::now() + self.silence);
    }

    fn is_missed(&mut self, cx: &mut Context<'_>) -> bool {
        self.timer.as_mut().poll(cx).is_ready()
    }
}
