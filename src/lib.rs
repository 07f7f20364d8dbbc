//! Assize puts real-time chat servers on trial and finds their size.

pub mod capacity;
pub mod cli;
pub mod client;
pub mod comparison;
pub mod conform;
pub mod dialect;
pub mod engine;
pub mod explore;
pub mod fault;
pub mod history;
pub mod metric;
pub mod operation;
pub mod outcome;
pub mod plan;
pub mod property;
pub mod reference;
pub mod report;
pub mod scalar;
pub mod scenario;
pub mod source;
pub mod spec;
pub mod transport;
pub mod verdict;
pub mod wire;
pub mod world;
