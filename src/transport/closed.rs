//! How a connection ends, how one may be left, and why something was not sent.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use super::http::HttpError;
use crate::history::{NO_FRAME, NO_PING, TOO_BIG};

/// Why a connection that stood is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The server sent a WebSocket close frame.
    CloseFrame {
        /// Its code; `None` where the frame was empty.
        code: Option<u16>,
        /// Its reason.
        reason: String,
    },
    /// The server sent an Engine.IO close packet.
    ClosePacket,
    /// The server ended the stream (FIN) without a close frame.
    Fin,
    /// The connection was reset (RST), or broke while writing.
    Reset,
    /// The operating system reported something else.
    Io(String),
    /// No ping came within ping interval plus ping timeout.
    HeartbeatMissed {
        /// How long none came.
        silence: Duration,
    },
    /// A ping of the application was not answered.
    NoPong {
        /// How long an answer was waited for.
        after: Duration,
    },
    /// A message greater than the limit arrived.
    TooBig {
        /// Bytes of the message.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// What arrived is no WebSocket traffic.
    BadFrame {
        /// What is wrong with it.
        reason: String,
    },
    /// A request of a polling session was answered with an error.
    HttpStatus {
        /// The status of the response.
        status: u16,
        /// The beginning of its body.
        body: String,
    },
    /// A request of a polling session got no answer.
    Http(HttpError),
    /// This side left.
    ByClient,
}

impl Closed {
    /// Reads an error of the operating system.
    pub(super) fn of_io(error: &io::Error) -> Closed {
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Closed::Reset,
            io::ErrorKind::UnexpectedEof => Closed::Fin,
            _ => Closed::Io(error.to_string()),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Closed::CloseFrame { code: Some(code), reason } if reason.is_empty() => {
                write!(f, "close frame {code}")
            }
            Closed::CloseFrame { code: Some(code), reason } => {
                write!(f, "close frame {code}: `{reason}`")
            }
            Closed::CloseFrame { code: None, .. } => f.write_str("close frame without a code"),
            Closed::ClosePacket => f.write_str("Engine.IO close packet"),
            Closed::Fin => f.write_str("the server ended the stream without a close frame"),
            Closed::Reset => f.write_str("connection reset"),
            Closed::Io(reason) => write!(f, "connection failed: {reason}"),
            Closed::HeartbeatMissed { silence } => {
                write!(f, "{NO_PING} {} ms", silence.as_millis())
            }
            Closed::NoPong { after } => {
                write!(
                    f,
                    "{NO_PING} {} ms: the application's ping was not answered",
                    after.as_millis()
                )
            }
            Closed::TooBig { bytes, limit } => {
                write!(f, "{TOO_BIG} {bytes} bytes, the limit is {limit} bytes")
            }
            Closed::BadFrame { reason } => write!(f, "{NO_FRAME}: {reason}"),
            Closed::HttpStatus { status, body } => {
                write!(f, "polling answered with status {status}: `{body}`")
            }
            Closed::Http(error) => write!(f, "polling failed: {error}"),
            Closed::ByClient => f.write_str("left by the client"),
        }
    }
}

/// How to leave a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Drop it with a reset (RST): what a crash looks like.
    Reset,
    /// End the stream (FIN) without a close frame: what a killed process looks like.
    Fin,
    /// Send a WebSocket close frame with this code; over polling the same as [`Leave::Polite`].
    CloseFrame(u16),
    /// Say goodbye as the protocol asks for.
    Polite,
}

/// Why something could not be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// The connection is no more.
    Closed(Closed),
    /// What waits to be sent has reached its limit: the server does not read.
    Full {
        /// The limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed(closed) => write!(f, "not sent, the connection is closed: {closed}"),
            SendError::Full { limit } => {
                write!(f, "not sent, {limit} bytes already wait for the server to read")
            }
        }
    }
}

impl Error for SendError {}
