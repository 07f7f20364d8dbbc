//! A client's connection in its three states: none, being opened, open.

use crate::dialect::http::fields;
use crate::engine::shard::Shard;
use crate::spec::{Bindings, Spec};
use crate::transport::ConnectError;
use crate::transport::SendError;
use crate::transport::socket_io::{Incoming, Options, SocketIo};
use futures_util::future::LocalBoxFuture;
use std::rc::Rc;

pub(super) enum Link {
    Down,
    Opening(LocalBoxFuture<'static, Result<SocketIo, ConnectError>>),
    Up(Box<SocketIo>),
}

/// What the connection has to say.
pub(super) enum LinkEvent {
    Opened,
    OpenFailed(ConnectError),
    Incoming(Incoming),
}

impl Link {
    /// Begins to open a connection for the person of these bindings.
    pub(super) fn open(shard: &Rc<Shard>, bindings: &Bindings) -> Self {
        let shard = Rc::clone(shard);
        let options = session_options(&shard.session, &shard.dialect.spec, bindings);
        Self::Opening(Box::pin(async move {
            // Thousands of clients at once would only make one another time out.
            let _turn = shard.doors.acquire().await;
            SocketIo::open(&shard.endpoint, &options).await
        }))
    }

    /// Waits for what comes next. Safe to cancel.
    pub(super) async fn next(&mut self) -> LinkEvent {
        match self {
            Self::Down => std::future::pending().await,
            Self::Opening(opening) => match opening.await {
                Ok(session) => {
                    *self = Self::Up(Box::new(session));
                    LinkEvent::Opened
                }
                Err(error) => {
                    *self = Self::Down;
                    LinkEvent::OpenFailed(error)
                }
            },
            Self::Up(session) => LinkEvent::Incoming(session.recv().await),
        }
    }

    /// Takes the open session away, if there is one.
    pub(super) fn take(&mut self) -> Option<Box<SocketIo>> {
        match std::mem::replace(self, Self::Down) {
            Self::Up(session) => Some(session),
            _ => None,
        }
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
            _ => Err(SendError::Closed(crate::transport::Closed::ByClient)),
        }
    }
}

/// The handshake of a person: path, query, headers and the CONNECT payload.
pub(super) fn session_options(session: &Options, spec: &Spec, bindings: &Bindings) -> Options {
    let mut options = session.clone();
    let connect = &spec.connect;
    let mut path = String::new();
    if connect.path.fill(bindings, true, &mut path).is_ok() {
        options.engine.path = path;
    }
    if let Ok(query) = fields(&connect.query, bindings, true) {
        let pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        options.engine.query = pairs.join("&");
    }
    for (name, value) in fields(&connect.headers, bindings, false).unwrap_or_default() {
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, hyper::header::HeaderValue::from_str(&value)) {
            options.engine.headers.insert(name, value);
        }
    }
    if let Some(shape) = &connect.auth {
        let mut auth = String::new();
        if shape.fill(bindings, &mut auth).is_ok() {
            options.auth = Some(auth);
        }
    }
    options
}
