//! What people do, what goes wrong, and what is expected: one YAML file without a single wire name.
//!
//! A scenario runs on every spec that can do its operations. It knows no server, no wire and no
//! clock. Start with [`Scenario`].

pub mod model;

pub use model::*;
