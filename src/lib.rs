//! Assize puts real-time chat servers on trial and finds their size.

pub mod transport;
pub mod wire;
