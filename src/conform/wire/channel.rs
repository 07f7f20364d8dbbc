//! The connections of a case: each is a task that tells one inbox what it hears.
//!
//! A channel is an HTTP request, a bare WebSocket, or a session that polls by itself. It adds no
//! meaning: what is right or wrong is judged by the stage. Dropping the task drops the connection.

mod polling;
mod request;
mod socket;

pub(super) use polling::polling;
pub(super) use request::{Asked, request};
pub(super) use socket::{Beat, socket};

use super::script::Departure;
use crate::engine::clock::Clock;
use crate::history::Nanos;
use crate::transport::ConnectError;
use crate::transport::http::HttpError;
use tokio::sync::mpsc;

/// Something heard over a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// An HTTP answer; for a WebSocket, the refusal.
    Answer { status: u16, body: Vec<u8> },
    /// The connection ended without a complete answer.
    Cut(String),
    /// There is nobody at the address.
    Unreachable(String),
    /// The WebSocket is accepted.
    Opened,
    /// An Engine.IO packet; a binary message as `b` and base64.
    Packet(String),
    /// A WebSocket pong.
    Pong(Vec<u8>),
    /// The channel answered something by itself.
    Sent(String),
    /// A POST of the session was answered.
    Posted(Result<u16, String>),
    /// The session is over.
    Closed(String),
    /// This machine has no more sockets, names or ports: nothing that the server did.
    Trouble(String),
}

/// What a channel is told to do.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Bytes of frames, or a payload to post.
    Bytes(Vec<u8>),
    Leave(Departure),
}

/// One entry of the inbox.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) channel: usize,
    pub(super) at: Nanos,
    pub(super) heard: Heard,
}

/// The way from a channel to the inbox.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) channel: usize,
    pub(super) clock: Clock,
    pub(super) inbox: mpsc::Sender<Note>,
}

impl Line {
    async fn hear(&self, heard: Heard) {
        let note = Note { channel: self.channel, at: self.clock.now(), heard };
        // With nobody left to read it the case is over.
        let _ = self.inbox.send(note).await;
    }
}

impl Heard {
    /// What became of a connection that was refused before or within its handshake.
    fn of_connect(error: &ConnectError) -> Self {
        match error {
            ConnectError::NotWebSocket { status, body }
            | ConnectError::HttpStatus { status, body } => {
                Self::Answer { status: *status, body: body.clone().into_bytes() }
            }
            // The transport has read the refusal already; servers make it a 400.
            ConnectError::BadPacket(_) | ConnectError::EngineIo3 { .. } => {
                Self::Answer { status: 400, body: error.to_string().into_bytes() }
            }
            ConnectError::LocalLimit { .. } | ConnectError::Dns { .. } => {
                Self::Trouble(error.to_string())
            }
            ConnectError::Refused { .. } | ConnectError::Unreachable { .. } => {
                Self::Unreachable(error.to_string())
            }
            other => Self::Cut(other.to_string()),
        }
    }

    fn of_http(error: &HttpError) -> Self {
        match error {
            HttpError::Connect(error) => Self::of_connect(error),
            other => Self::Cut(other.to_string()),
        }
    }
}
