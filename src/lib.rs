//! Assize puts real-time chat servers on trial and finds their size.

pub mod history;
pub mod operation;
pub mod outcome;
pub mod reference;
pub mod scalar;
pub mod scenario;
pub mod source;
pub mod spec;
pub mod verdict;
