//! Runs a plan: shards, their clients' tasks, the clock, the recorder, and the server under test.
//!
//! A run goes through stages: the target is made ready and tried once, every shard makes its
//! conversations, then all follow the plan's timeline from one common moment, recover, read
//! everything once more, and hand over what they found. The engine knows no YAML, no report and no
//! exit code. Start with [`run`].

mod agenda;
pub mod ascent;
pub mod clock;
mod conduct;
mod converse;
pub(crate) mod crew;
mod driver;
mod errand;
mod http_users;
pub(crate) mod keys;
pub mod launch;
mod link;
pub mod means;
mod meddling;
mod mint;
mod notes;
pub mod people;
mod preflight;
mod pulse;
pub mod recorder;
mod rest;
mod run;
mod salvo;
#[cfg(feature = "rust_socketio")]
mod second_client;
mod setup;
mod shard;
mod shards;
mod slot;
pub mod stage;
pub mod target;
mod trace;
mod trouble;
pub mod usage;

pub(crate) use link::{frames_handshake, login_text, session_options};
pub use preflight::Unreachable;
pub use run::{ClientKind, Failure, Measured, Settings, run};
pub use target::{Target, TargetChoice};
