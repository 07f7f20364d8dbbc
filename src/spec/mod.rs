//! What a server looks like on the wire, and what it promises: one YAML file, compiled once.
//!
//! A spec has three parts: what a client can *do*, what it can *see*, what the server *promises*.
//! The one idea is the [`Shape`]: JSON as it stands on the wire, with holes. A shape works both
//! ways: to send, its holes are filled; to receive, it is matched and its holes are bound; a hole
//! that is bound already must be equal. Nothing here knows a socket, a clock or a rate.
//!
//! Start with [`load`] and [`Spec`]; [`Shape`] explains how shapes are written. `load/` reads the
//! file section by section, `check/` looks at what doesn't fit together, [`Receiver`] finds what an
//! incoming event may mean.

pub mod bindings;
mod check;
mod fill;
mod grammar;
mod load;
mod matching;
pub mod model;
mod receiver;
mod scan;
mod schema;
pub mod shape;
pub mod text;

pub use bindings::{Bindings, Hole, HoleTable};
pub use load::{Loaded, PROMISES, load};
pub use model::*;
pub use receiver::{Answer, AnswerId, Came, Candidate, Receiver};
pub use schema::json_schema;
pub use shape::{Mismatch, Shape, Unbound};
pub use text::Text;
