//! Engine.IO 4 and Socket.IO 5 packets, to and from bytes.
//!
//! This folder is a pure codec: text and bytes in, borrowed packets or a [`WireError`] out, and the
//! way back into a buffer of the caller's. No input makes it panic, and nothing it keeps grows
//! without a limit.
//!
//! It deliberately does not know: sockets, HTTP, clocks (who must ping whom, and when), the order
//! in which a session exchanges packets, and what the JSON inside an event means. A payload stays
//! the slice of text that it was on the wire; no tree is built.
//!
//! Where to start: [`engine_io::Packet`] is what one WebSocket frame holds, [`polling`] is how many
//! of them share one HTTP body, [`handshake`] is the first packet of a session and the address it
//! is asked from, [`socket_io::Packet`] is what travels inside an Engine.IO message, and
//! [`attachments::Reassembler`] puts a binary event together again.

pub mod attachments;
pub mod engine_io;
mod error;
pub mod handshake;
pub mod polling;
pub mod socket_io;

pub use error::{EngineIo3Sign, WireError};
