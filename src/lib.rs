//! Assize puts real-time chat servers on trial and finds their size.

pub mod cli;
pub mod dialect;
pub mod history;
pub mod metric;
pub mod operation;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod scalar;
pub mod scenario;
pub mod spec;
pub mod transport;
pub mod verdict;
pub mod wire;
