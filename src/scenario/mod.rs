//! What people do, what goes wrong, and what is expected: one YAML file without a single wire name.
//!
//! A scenario runs on every spec that can do its operations. It knows no server, no wire and no
//! clock. Start with [`Scenario`].

mod expectation;
mod fault;
mod http;
mod load;
pub mod model;
mod phase;
mod schema;
mod texts;

pub use expectation::{OF_REACH, REACH, SERIES, STATISTICS};
pub use load::{Loaded, load};
pub use model::*;
pub use schema::json_schema;
