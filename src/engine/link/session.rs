//! An open connection: what arrives over it, and what it can do, by the protocol that carries it.

use super::frames::Frames;
use super::polling::Polling;
use super::talk::Talk;
#[cfg(feature = "rust_socketio")]
use crate::engine::second_client;
use crate::scalar::Scalar;
use crate::spec::Bindings;
use crate::transport::socket_io::{Incoming, Received};
use crate::transport::websocket::WebSocket;
use crate::transport::{Closed, Leave, SendError, Text};
use std::time::Duration;

/// Why an event is not sent over a raw WebSocket.
const NO_EVENTS: &str = "a raw WebSocket carries frames, no Socket.IO events";
/// Why nothing is sent where there is no socket.
const NO_SOCKET: &str = "without a socket everything is an HTTP request";
/// Why a frame is not sent over anything else.
const NO_FRAMES: &str = "only a raw WebSocket carries frames";

/// An open connection.
pub(in crate::engine) enum Session {
    /// Socket.IO.
    SocketIo(Box<Talk>),
    /// No socket: requests, one after the other.
    Polling(Box<Polling>),
    /// Socket.IO, through the second client.
    #[cfg(feature = "rust_socketio")]
    Second(Box<second_client::Session>),
    /// JSON frames on raw WebSockets; how long one may be silent, where the spec says.
    Frames(Box<Frames>, Option<(Duration, Duration)>),
}

/// What arrives over a connection.
pub(in crate::engine) enum Arrival {
    /// A packet of Socket.IO.
    Packet(Received),
    /// An event of a batch, as `$event`, and what the batch says of it.
    Event(Box<Bindings>),
    /// A JSON frame, and the conversation whose socket it came over, where each has its own.
    Frame(Text, Option<Scalar>),
    /// The socket of a further conversation is open.
    Entered,
    /// The socket of a further conversation was refused: nothing that was to be said there was.
    Barred(Scalar, String),
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
            Self::SocketIo(talk) => talk.session.recv().await.into(),
            Self::Polling(session) => session.recv().await,
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.recv().await.into(),
            Self::Frames(frames, _) => frames.recv().await,
        }
    }

    /// Sends what was handed over.
    ///
    /// # Errors
    /// The connection is no more.
    pub(in crate::engine) async fn flush(&mut self) -> Result<(), SendError> {
        match self {
            Self::SocketIo(talk) => talk.session.flush().await,
            Self::Polling(_) => Ok(()),
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => {
                session.flush().await;
                Ok(())
            }
            Self::Frames(frames, _) => frames.flush().await,
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
            Self::SocketIo(talk) => talk.session.emit(&talk.namespace, ack, data),
            Self::Polling(_) => Err(SendError::Closed(Closed::Io(NO_SOCKET.into()))),
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.emit(ack, data),
            Self::Frames(..) => Err(SendError::Closed(Closed::Io(NO_EVENTS.into()))),
        }
    }

    /// Hands over a JSON frame; `place` is the conversation that it is about.
    ///
    /// # Errors
    /// The connection is no more, or too much waits to be sent.
    pub(in crate::engine) fn frame(
        &mut self,
        place: Option<&Scalar>,
        frame: &str,
    ) -> Result<(), SendError> {
        match self {
            Self::Frames(frames, _) => frames.frame(place, frame),
            _ => Err(SendError::Closed(Closed::Io(NO_FRAMES.into()))),
        }
    }

    /// The client takes part in a further conversation: where each has a socket, it is opened. `true`:
    /// nothing has to be waited for, the client hears what is said there.
    pub(in crate::engine) fn enter(&mut self, place: &Scalar) -> bool {
        match self {
            Self::Frames(frames, _) => frames.enter(place),
            _ => true,
        }
    }

    /// What the server said of the client while it logged in.
    pub(in crate::engine) fn bound(&self) -> Option<&Bindings> {
        match self {
            Self::SocketIo(talk) => Some(&talk.bound),
            Self::Frames(frames, _) => frames.bound(),
            _ => None,
        }
    }

    /// Whether it makes requests wait for the answers to others.
    pub(in crate::engine) fn holds_back(&self) -> bool {
        match self {
            Self::SocketIo(..) | Self::Polling(_) | Self::Frames(..) => false,
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.holds_back(),
        }
    }

    /// What the server laid down for it: ping interval and ping timeout.
    pub(in crate::engine) fn heartbeat(&mut self) -> Option<(Duration, Duration)> {
        match self {
            Self::SocketIo(talk) => Some(talk.session.engine().heartbeat()),
            Self::Polling(_) => None,
            #[cfg(feature = "rust_socketio")]
            Self::Second(_) => None,
            Self::Frames(_, heartbeat) => *heartbeat,
        }
    }

    /// Whether it can be left in other ways than politely.
    pub(in crate::engine) const fn can_break(&self) -> bool {
        match self {
            Self::SocketIo(..) | Self::Polling(_) | Self::Frames(..) => true,
            #[cfg(feature = "rust_socketio")]
            Self::Second(_) => false,
        }
    }

    /// The WebSocket below, where it can be misused.
    pub(in crate::engine) fn websocket(&mut self) -> Option<&mut WebSocket> {
        match self {
            Self::SocketIo(talk) => talk.session.engine().websocket(),
            Self::Polling(_) => None,
            #[cfg(feature = "rust_socketio")]
            Self::Second(_) => None,
            Self::Frames(frames, _) => frames.websocket(),
        }
    }

    /// Whether it is a row of HTTP requests.
    pub(in crate::engine) fn is_polling(&mut self) -> bool {
        match self {
            Self::SocketIo(talk) => talk.session.engine().websocket().is_none(),
            Self::Polling(_) => true,
            #[cfg(feature = "rust_socketio")]
            Self::Second(_) => false,
            Self::Frames(..) => false,
        }
    }

    /// Leaves it.
    pub(in crate::engine) async fn leave(self, how: Leave) {
        match self {
            Self::SocketIo(mut talk) => talk.session.leave(how).await,
            Self::Polling(session) => session.leave(how),
            #[cfg(feature = "rust_socketio")]
            Self::Second(session) => session.leave(how).await,
            Self::Frames(frames, _) => frames.leave(how).await,
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
