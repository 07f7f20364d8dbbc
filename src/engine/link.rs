//! A client's connection in its three states: none, being opened, open; by our own client or by
//! the second one.

use crate::dialect::http::fields;
#[cfg(feature = "rust_socketio")]
use crate::engine::second_client::{self, Second};
use crate::engine::shard::Shard;
use crate::spec::{Bindings, Spec};
use crate::transport::endpoint::Endpoint;
use crate::transport::socket_io::{Incoming, Options, SocketIo};
use crate::transport::weather::Weather;
use crate::transport::websocket::WebSocket;
use crate::transport::{Closed, ConnectError, Leave, SendError};
use futures_util::future::LocalBoxFuture;
use std::rc::Rc;
#[cfg(feature = "rust_socketio")]
use std::sync::Arc;
use std::time::Duration;

pub(super) enum Link {
    Down,
    /// The session, and the node that it is open to.
    Opening(LocalBoxFuture<'static, Result<(Session, usize), ConnectError>>),
    Up(Session),
}

/// Which client opens the connections.
#[derive(Clone, Debug)]
pub(super) enum Maker {
    Own,
    #[cfg(feature = "rust_socketio")]
    Second(Arc<Second>),
}

/// An open connection.
pub(super) enum Session {
    Own(Box<SocketIo>),
    #[cfg(feature = "rust_socketio")]
    Second(Box<second_client::Session>),
}

/// What the connection has to say.
pub(super) enum LinkEvent {
    /// To this node.
    Opened(usize),
    OpenFailed(ConnectError),
    Incoming(Incoming),
}

impl Link {
    /// Begins to open a connection for the person of these bindings: to this node, or, as behind a load
    /// balancer, to the next one where somebody listens.
    pub(super) fn open(
        shard: &Rc<Shard>,
        bindings: &Bindings,
        elsewhere: bool,
        node: usize,
        weather: Option<&Weather>,
    ) -> Self {
        let shard = Rc::clone(shard);
        let mut options = handshake(&shard.session, &shard.dialect.spec, bindings, elsewhere);
        options.engine.connect.weather = weather.cloned();
        let fair = weather.is_none_or(Weather::is_fair);
        Self::Opening(Box::pin(async move {
            // Thousands of clients at once would only make one another time out. Who is in trouble
            // may take long, and shall keep nobody waiting.
            let _turn = if fair { shard.doors.acquire().await.ok() } else { None };
            let count = shard.nodes.len();
            let mut refused = None;
            for node in (node..count).chain(0..node) {
                match shard.maker.open(&shard.nodes[node].endpoint, &options).await {
                    Ok(session) => return Ok((session, node)),
                    Err(error @ ConnectError::Refused { .. }) => drop(refused.get_or_insert(error)),
                    Err(error) => return Err(error),
                }
            }
            Err(refused.unwrap_or_else(|| ConnectError::LocalLimit { reason: "no node".into() }))
        }))
    }

    /// Waits for what comes next. Safe to cancel.
    pub(super) async fn next(&mut self) -> LinkEvent {
        match self {
            Self::Down => std::future::pending().await,
            Self::Opening(opening) => match opening.await {
                Ok((session, node)) => {
                    *self = Self::Up(session);
                    LinkEvent::Opened(node)
                }
                Err(error) => {
                    *self = Self::Down;
                    LinkEvent::OpenFailed(error)
                }
            },
            Self::Up(session) => LinkEvent::Incoming(session.recv().await),
        }
    }

    /// What the server laid down for the open session: ping interval and ping timeout.
    pub(super) fn heartbeat(&mut self) -> Option<(Duration, Duration)> {
        match self {
            Self::Up(Session::Own(session)) => Some(session.engine().heartbeat()),
            _ => None,
        }
    }

    /// The open session is a row of HTTP requests.
    pub(super) fn is_polling(&mut self) -> bool {
        match self {
            Self::Up(session) => session.websocket().is_none(),
            _ => false,
        }
    }

    /// Takes the open session away, if there is one.
    pub(super) fn take(&mut self) -> Option<Session> {
        match std::mem::replace(self, Self::Down) {
            Self::Up(session) => Some(session),
            _ => None,
        }
    }

    /// Whether the connection makes requests wait for the answers to others.
    pub(super) fn holds_back(&self) -> bool {
        matches!(self, Self::Up(session) if session.holds_back())
    }

    /// Brings out what was handed to the connection.
    pub(super) async fn flush(&mut self) -> Result<(), SendError> {
        match self {
            Self::Up(session) => session.flush().await,
            _ => Ok(()),
        }
    }

    /// Hands an event to the connection; it leaves with the next [`Link::next`].
    pub(super) fn emit(
        &mut self,
        namespace: &str,
        ack: Option<u64>,
        data: &str,
    ) -> Result<(), SendError> {
        match self {
            Self::Up(session) => session.emit(namespace, ack, data),
            _ => Err(SendError::Closed(Closed::ByClient)),
        }
    }
}

impl Maker {
    async fn open(&self, endpoint: &Endpoint, options: &Options) -> Result<Session, ConnectError> {
        match self {
            Self::Own => {
                let session = SocketIo::open(endpoint, options).await?;
                Ok(Session::Own(Box::new(session)))
            }
            #[cfg(feature = "rust_socketio")]
            Self::Second(second) => {
                let session = second.open(endpoint, options).await?;
                Ok(Session::Second(Box::new(session)))
            }
        }
    }
}

impl Session {
    async fn recv(&mut self) -> Incoming {
        match self {
            Self::Own(session) => session.recv().await,
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.recv().await,
        }
    }

    async fn flush(&mut self) -> Result<(), SendError> {
        match self {
            Self::Own(session) => session.flush().await,
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => {
                session.flush().await;
                Ok(())
            }
        }
    }

    fn emit(&mut self, namespace: &str, ack: Option<u64>, data: &str) -> Result<(), SendError> {
        match self {
            Self::Own(session) => session.emit(namespace, ack, data),
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.emit(ack, data),
        }
    }

    fn holds_back(&self) -> bool {
        match self {
            Self::Own(_) => false,
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.holds_back(),
        }
    }

    /// Whether it can be left in other ways than politely.
    pub(super) const fn can_break(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// The WebSocket below, where it can be misused.
    pub(super) fn websocket(&mut self) -> Option<&mut WebSocket> {
        match self {
            Self::Own(session) => session.engine().websocket(),
            #[cfg(feature = "rust_socketio")]
            Self::Second(_) => None,
        }
    }

    pub(super) async fn leave(self, how: Leave) {
        match self {
            Self::Own(mut session) => session.leave(how).await,
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.leave(how).await,
        }
    }
}

/// The handshake of a person: path, query, headers and the CONNECT payload.
pub(crate) fn session_options(session: &Options, spec: &Spec, bindings: &Bindings) -> Options {
    handshake(session, spec, bindings, false)
}

/// The same, with the token in the other place that the spec knows, if that is asked for.
pub(super) fn handshake(
    session: &Options,
    spec: &Spec,
    bindings: &Bindings,
    elsewhere: bool,
) -> Options {
    let mut options = session.clone();
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
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, hyper::header::HeaderValue::from_str(&value)) {
            options.engine.headers.insert(name, value);
        }
    }
    if let Some(shape) = auth {
        let mut auth = String::new();
        if shape.fill(bindings, &mut auth).is_ok() {
            options.auth = Some(auth);
        }
    }
    options
}
