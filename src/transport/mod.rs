//! The way to a server: TCP, TLS, HTTP, WebSocket, Engine.IO and Socket.IO over tokio.
//!
//! Each client owns one value and drives it from its own task; nothing here spawns a task, and
//! every buffer has a limit. What a server does, right or wrong, comes back as a value:
//! [`ConnectError`] while a connection is made, [`Closed`] when one ends.
//!
//! It deliberately does not know: specs, users, retries, reconnecting, what an event means, and
//! how anything is recorded. It never tries again by itself, with one exception that it documents:
//! an HTTP request that provably never left is sent over a fresh connection.
//!
//! Where to start: [`socket_io::SocketIo`] for Socket.IO servers, [`websocket::WebSocket`] for raw
//! ones, [`http::HttpClient`] for REST; each opens its connections through [`stream::connect`] to an
//! [`endpoint::Endpoint`].

mod closed;
pub mod endpoint;
pub mod engine_io;
mod error;
pub mod frame;
pub mod http;
mod polling;
mod shaped;
pub mod socket_io;
pub mod stream;
mod text;
pub mod tls;
mod upgrade;
pub mod weather;
pub mod websocket;

pub use closed::{Closed, Leave, SendError};
pub use error::{ConnectError, Phase};
pub use text::Text;

#[cfg(test)]
mod tests;
