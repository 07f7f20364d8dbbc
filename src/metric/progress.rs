//! How a run stands while it goes. It knows neither who watches nor how it is drawn.

use crate::history::Nanos;

/// A run in the middle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Since the run's start.
    pub elapsed: Nanos,
    /// How long the run is planned to last; 0 if that is unknown.
    pub of: Nanos,
    /// The phase of the scenario.
    pub phase: String,
    /// Clients that are connected now.
    pub connected: u64,
    /// All clients.
    pub clients: u64,
    /// Messages sent.
    pub sent: u64,
    /// Messages acknowledged.
    pub acked: u64,
    /// Messages delivered.
    pub deliveries: u64,
    /// Operations without an answer yet.
    pub in_flight: u64,
    /// Violations found so far.
    pub violations: u64,
    /// 95th percentile of the ack latency, if there was one.
    pub ack_p95: Option<Nanos>,
    /// 95th percentile of the delivery latency, if there was one.
    pub delivery_p95: Option<Nanos>,
    /// 99th percentile of the generator's own lag.
    pub lag_p99: Option<Nanos>,
    /// Faults that last at the moment.
    pub faults: Vec<String>,
}
