//! How sessions are opened: what the spec lays down for everybody, and then for one person.

use super::frames::Frames;
use super::line::Way;
use super::polling::Polls;
use super::talk::Talk;
use super::{Bookmark, Session};
use crate::dialect::http::fields;
use crate::engine::people::{Jar, Papers};
#[cfg(feature = "rust_socketio")]
use crate::engine::second_client::Second;
use crate::scalar::Scalar;
use crate::spec::{AppPing, Bindings, Protocol, Spec, Transports};
use crate::transport::ConnectError;
use crate::transport::endpoint::Endpoint;
use crate::transport::engine_io::Mode;
use crate::transport::socket_io::Options;
use crate::transport::stream::ConnectOptions;
use crate::transport::weather::Weather;
use crate::transport::websocket::WebSocketOptions;
use hyper::header::{COOKIE, HeaderName, HeaderValue};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of one message, and of all that waits to be sent.
const BYTES_MAX: usize = 4 << 20;

/// How sessions are opened on a spec, before anything of a person is filled in.
#[derive(Clone, Debug)]
pub(in crate::engine) enum Approach {
    /// Socket.IO.
    SocketIo(Box<Options>),
    /// Long polling.
    Polls(Box<Polls>),
    /// Socket.IO, through the second client.
    #[cfg(feature = "rust_socketio")]
    Second(Arc<Second>, Box<Options>),
    /// JSON frames on raw WebSockets.
    Frames(Box<WebSocketOptions>),
}

/// Who wants a session.
pub(in crate::engine) struct Caller<'a> {
    /// The person's id, name and credential.
    pub(in crate::engine) bindings: &'a Bindings,
    /// The client's cookies.
    pub(in crate::engine) jar: Option<&'a Jar>,
    /// The token stands in the other place that the spec knows.
    pub(in crate::engine) elsewhere: bool,
    /// Nobody yet: who wants to register or log in, and says nothing first.
    pub(in crate::engine) stranger: bool,
    /// What the connection goes through.
    pub(in crate::engine) weather: Option<Weather>,
    /// The address to connect from, if not whatever the system chooses.
    pub(in crate::engine) source: Option<IpAddr>,
    /// Where the session before ended, if a cursor tells it.
    pub(in crate::engine) bookmark: Bookmark,
    /// The ids of its conversations, where each has a socket.
    pub(in crate::engine) places: Vec<Scalar>,
}

impl<'a> Caller<'a> {
    /// Somebody whom no fault concerns.
    pub(in crate::engine) fn plain(papers: &'a Papers) -> Self {
        let (bindings, jar) = (&papers.bindings, papers.jar.as_ref());
        let (places, bookmark) = (Vec::new(), Bookmark::default());
        let (elsewhere, stranger) = (false, false);
        let (weather, source) = (None, None);
        Self { bindings, jar, elsewhere, stranger, weather, source, places, bookmark }
    }

    /// Somebody who is not logged in yet.
    pub(in crate::engine) fn stranger(papers: &'a Papers) -> Self {
        Self { stranger: true, ..Self::plain(papers) }
    }
}

impl Approach {
    /// The way to a spec's server; Socket.IO over another transport than the spec's, if so. `None`: no
    /// source of events is known.
    pub(in crate::engine) fn of(spec: &Spec, transport: Option<Transports>) -> Option<Self> {
        match &spec.connect.protocol {
            Protocol::SocketIo { namespace, transports } => {
                Some(Self::socket_io(spec, namespace, transport.unwrap_or(*transports)))
            }
            Protocol::WebSocket { .. } => Some(Self::frames(spec)),
            Protocol::Http => Self::polls(spec),
        }
    }

    /// The way to a Socket.IO server.
    pub(in crate::engine) fn socket_io(
        spec: &Spec,
        namespace: &str,
        transports: Transports,
    ) -> Self {
        let mut options = Options { namespace: namespace.to_owned(), ..Options::default() };
        options.engine.connect.timeout = spec.connect.timeout;
        options.engine.message_bytes_max = BYTES_MAX;
        options.engine.unsent_bytes_max = BYTES_MAX;
        options.engine.mode = match transports {
            Transports::WebSocket => Mode::WebSocket,
            Transports::Polling => Mode::Polling,
            Transports::Upgrade => Mode::Upgrade,
        };
        Self::SocketIo(Box::new(options))
    }

    /// The way to a server without a socket, if the spec says how events are polled.
    pub(in crate::engine) fn polls(spec: &Spec) -> Option<Self> {
        Polls::of(spec).map(|polls| Self::Polls(Box::new(polls)))
    }

    /// The way to a server of JSON frames.
    pub(in crate::engine) fn frames(spec: &Spec) -> Self {
        let mut options = WebSocketOptions::default();
        options.connect.timeout = spec.connect.timeout;
        options.message_bytes_max = BYTES_MAX;
        options.unsent_bytes_max = BYTES_MAX;
        Self::Frames(Box::new(options))
    }

    /// The same way, gone by the second client where it can.
    #[cfg(feature = "rust_socketio")]
    pub(in crate::engine) fn by_second(self, second: Arc<Second>) -> Self {
        match self {
            Self::SocketIo(options) => Self::Second(second, options),
            other => other,
        }
    }

    /// How it connects; requests over HTTP do the same.
    pub(in crate::engine) fn connect(&self) -> &ConnectOptions {
        match self {
            Self::SocketIo(options) => &options.engine.connect,
            Self::Polls(polls) => &polls.connect,
            #[cfg(feature = "rust_socketio")]
            Self::Second(_, options) => &options.engine.connect,
            Self::Frames(options) => &options.connect,
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// Why there is none.
    pub(in crate::engine) async fn open(
        &self,
        endpoint: &Endpoint,
        spec: &Arc<Spec>,
        caller: Caller<'_>,
    ) -> Result<Session, ConnectError> {
        match self {
            Self::SocketIo(options) => {
                let (known, bookmark) = (caller.bindings.clone(), caller.bookmark.clone());
                let first = (caller.stranger, &bookmark);
                let options = handshake(options, spec, caller);
                let talk = Talk::open(endpoint, &options, spec, known, first).await?;
                Ok(Session::SocketIo(Box::new(talk)))
            }
            Self::Polls(polls) => {
                Ok(Session::Polling(Box::new(polls.open(endpoint, caller).await?)))
            }
            #[cfg(feature = "rust_socketio")]
            Self::Second(second, options) => {
                let session = second.open(endpoint, &handshake(options, spec, caller)).await?;
                Ok(Session::Second(Box::new(session)))
            }
            Self::Frames(options) => {
                let way = Way::new(endpoint, spec, options, &caller);
                let frames = Frames::open(way, spec.connect.per, caller.places).await?;
                Ok(Session::Frames(Box::new(frames), spec.connect.ping.as_ref().and_then(silence)))
            }
        }
    }
}

/// How often a ping leaves, and how much longer a silence the server bears.
fn silence(ping: &AppPing) -> Option<(Duration, Duration)> {
    ping.dead_after.map(|_| (ping.every, ping.patience()))
}

/// The handshake of a person with a Socket.IO server: path, query, headers and the CONNECT payload.
pub(crate) fn session_options(session: &Options, spec: &Spec, papers: &Papers) -> Options {
    handshake(session, spec, Caller::plain(papers))
}

fn handshake(session: &Options, spec: &Spec, caller: Caller<'_>) -> Options {
    let Caller { bindings, jar, elsewhere, weather, source, .. } = caller;
    let mut options = session.clone();
    options.engine.connect.weather = weather;
    options.engine.connect.source = source;
    let connect = &spec.connect;
    let (query, headers, auth) = match &connect.elsewhere {
        Some(other) if elsewhere => (&other.query, &other.headers, &other.auth),
        _ => (&connect.query, &connect.headers, &connect.auth),
    };
    let mut path = String::new();
    if connect.path.fill(bindings, true, &mut path).is_ok() {
        options.engine.path = path;
    }
    if let Ok(query) = fields(query, bindings, true) {
        let pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        options.engine.query = pairs.join("&");
    }
    for (name, value) in fields(headers, bindings, false).unwrap_or_default() {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            options.engine.headers.insert(name, value);
        }
    }
    let cookies = jar.and_then(|jar| jar.header(&options.engine.path));
    if let Some(Ok(value)) = cookies.map(|cookies| HeaderValue::from_str(&cookies)) {
        options.engine.headers.insert(COOKIE, value);
    }
    if let Some(shape) = auth {
        let mut auth = String::new();
        if shape.fill(bindings, &mut auth).is_ok() {
            options.auth = Some(auth);
        }
    }
    options
}
