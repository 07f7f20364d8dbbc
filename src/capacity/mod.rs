//! How large a server is: which loads are tried, and what the steps say together.
//!
//! Everything here is arithmetic on values. It knows no clock, no socket and no process: whoever runs
//! the steps asks [`Search`] what to try next, makes the scenario of that load by [`Course`], and hands
//! back how it fared. [`curve`] and [`knee`] read what came of it. Start with [`Search`].

pub mod course;
pub mod curve;
pub mod knee;
pub mod search;

pub use course::Course;
pub use search::{Next, Said, Search, Trial};
