//! The conformance catalogue: named cases, each with what the server must do and why.
//!
//! Start with [`wire::cases`] for those of the wire itself.

pub mod wire;
