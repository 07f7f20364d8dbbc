//! An open connection: what arrives over it, and what it can do, by the protocol that carries it.

use super::polling::Polling;
#[cfg(feature = "rust_socketio")]
use crate::engine::second_client;
use crate::spec::Bindings;
use crate::transport::socket_io::{Incoming, Received, SocketIo};
use crate::transport::websocket::WebSocket;
use crate::transport::{Closed, Leave, SendError};
use std::time::Duration;

/// An open connection.
pub(in crate::engine) enum Session {
    /// Socket.IO, and the namespace in which events are emitted.
    SocketIo(Box<SocketIo>, String),
    /// No socket: requests, one after the other.
    Polling(Box<Polling>),
    /// Socket.IO, through the second client.
    #[cfg(feature = "rust_socketio")]
    Second(Box<second_client::Session>),
}

/// What arrives over a connection.
pub(in crate::engine) enum Arrival {
    /// A packet of Socket.IO.
    Packet(Received),
    /// An event of a batch, as `$event`, and what the batch says of it.
    Event(Box<Bindings>),
    /// A sign of life, already answered.
    Ping,
    /// Something that the protocol does not allow; why. The connection goes on.
    Malformed(String),
    /// The connection is no more; why.
    Closed(String),
}

impl Session {
    /// Waits for what comes next, and sends meanwhile what was handed over. Safe to cancel.
    pub(in crate::engine) async fn recv(&mut self) -> Arrival {
        match self {
            Self::SocketIo(session, _) => session.recv().await.into(),
            Self::Polling(session) => session.recv().await,
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.recv().await.into(),
        }
    }

    /// Sends what was handed over.
    ///
    /// # Errors
    /// The connection is no more.
    pub(in crate::engine) async fn flush(&mut self) -> Result<(), SendError> {
        match self {
            Self::SocketIo(session, _) => session.flush().await,
            Self::Polling(_) => Ok(()),
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => {
                session.flush().await;
                Ok(())
            }
        }
    }

    /// Hands over a Socket.IO event; with a number it asks for an acknowledgement.
    ///
    /// # Errors
    /// The connection is no more, or too much waits to be sent.
    pub(in crate::engine) fn emit(
        &mut self,
        ack: Option<u64>,
        data: &str,
    ) -> Result<(), SendError> {
        match self {
            Self::SocketIo(session, namespace) => session.emit(namespace, ack, data),
            Self::Polling(_) => Err(SendError::Closed(Closed::ByClient)),
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.emit(ack, data),
        }
    }

    /// Whether it makes requests wait for the answers to others.
    pub(in crate::engine) fn holds_back(&self) -> bool {
        match self {
            Self::SocketIo(..) | Self::Polling(_) => false,
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.holds_back(),
        }
    }

    /// What the server laid down for it: ping interval and ping timeout.
    pub(in crate::engine) fn heartbeat(&mut self) -> Option<(Duration, Duration)> {
        match self {
            Self::SocketIo(session, _) => Some(session.engine().heartbeat()),
            Self::Polling(_) => None,
            #[cfg(feature = "rust_socketio")]
            Self::Second(_) => None,
        }
    }

    /// Whether it can be left in other ways than politely.
    pub(in crate::engine) const fn can_break(&self) -> bool {
        match self {
            Self::SocketIo(..) | Self::Polling(_) => true,
            #[cfg(feature = "rust_socketio")]
            Self::Second(_) => false,
        }
    }

    /// The WebSocket below, where it can be misused.
    pub(in crate::engine) fn websocket(&mut self) -> Option<&mut WebSocket> {
        match self {
            Self::SocketIo(session, _) => session.engine().websocket(),
            Self::Polling(_) => None,
            #[cfg(feature = "rust_socketio")]
            Self::Second(_) => None,
        }
    }

    /// Leaves it.
    pub(in crate::engine) async fn leave(self, how: Leave) {
        match self {
            Self::SocketIo(mut session, _) => session.leave(how).await,
            Self::Polling(session) => session.leave(how),
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.leave(how).await,
        }
    }
}

impl From<Incoming> for Arrival {
    fn from(incoming: Incoming) -> Self {
        match incoming {
            Incoming::Packet(received) => Self::Packet(received),
            Incoming::Ping => Self::Ping,
            Incoming::Malformed(error) => Self::Malformed(error.to_string()),
            Incoming::Closed(closed) => Self::Closed(closed.to_string()),
        }
    }
}
