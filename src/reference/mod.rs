//! The reference server: a small, honest chat server that plays any spec.

pub mod bugs;
pub(crate) mod core;
pub(crate) mod model;
pub(crate) mod stamp;
pub(crate) mod store;
