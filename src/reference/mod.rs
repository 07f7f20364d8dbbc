//! The reference server: a small, honest chat server that plays any spec.
//!
//! It uses the spec's shapes the other way round: matches what clients send, fills what servers
//! answer and push. It runs in this process, on 127.0.0.1, with SQLite behind it, and can be told
//! to have [`bugs`]. It knows nothing of scenarios, judges or reports. Start with [`Server::start`],
//! or with [`Hosted::start`] for a server on threads of its own.
//!
//! A question goes one way through it: `socket` or `http` (bytes) → `play` (shapes) → `desk`
//! (order) → `core` and `store` (the chat), and back: `hall` tells the others, `play` fills,
//! `socket` and `http` answer.

mod accounts;
mod app;
mod auth;
mod bent;
pub mod bugs;
mod core;
mod desk;
mod frames;
mod gullible;
mod hall;
mod hosted;
mod http;
mod intake;
mod knock;
mod limit;
mod mailbox;
mod misbehave;
mod model;
mod options;
mod play;
mod reception;
mod server;
mod socket;
mod stamp;
mod store;
#[cfg(test)]
mod tests;
mod visitor;

pub use bugs::{Bug, Bugs, UnknownBug};
pub use hosted::Hosted;
pub use limit::{Limit, Limits};
pub use options::{Options, StartError};
pub use server::{Figures, Running, Server};
