//! How a shard stands, for the one who watches: plain numbers that the conductor reads.

use crate::engine::recorder::Recorder;
use crate::engine::usage;
use crate::history::Nanos;
use crate::metric::{Counter, Series};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// One shard's figures of the moment.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Clients that were told to connect.
    pub started: AtomicU64,
    /// Connections open now.
    pub connected: AtomicU64,
    /// Sends begun.
    pub sent: AtomicU64,
    /// Sends confirmed.
    pub acked: AtomicU64,
    /// Sends refused or given up.
    pub failed: AtomicU64,
    /// Live messages.
    pub deliveries: AtomicU64,
    /// p95 of the ack latency so far, nanoseconds.
    pub ack_p95: AtomicU64,
    /// p95 of the delivery latency so far, nanoseconds.
    pub delivery_p95: AtomicU64,
    /// p99 of the shard's own lag so far, nanoseconds.
    pub lag_p99: AtomicU64,
    /// Violations found so far.
    pub violations: AtomicU64,
    /// Share of its core that the shard used of late, in thousandths.
    pub cpu_share: AtomicU64,
    /// What happened to the server and the clients know of, so many times.
    pub heard: AtomicUsize,
    last_shown: AtomicU64,
    last_cpu: AtomicU64,
    broken: Mutex<Vec<(&'static str, u64)>>,
    phase: Mutex<String>,
}

/// How often percentiles are computed anew.
const PERCENTILES: Nanos = 250_000_000;

impl Pulse {
    /// A client is due to connect.
    pub(super) fn add_due(&self, _planned: Nanos) {
        self.started.fetch_add(1, Relaxed);
    }

    /// A phase begins.
    pub(super) fn set_phase(&self, name: &str) {
        name.clone_into(&mut self.phase.lock().expect("nobody panics with it"));
    }

    /// The phase.
    #[must_use]
    pub(super) fn phase(&self) -> String {
        self.phase.lock().expect("nobody panics with it").clone()
    }

    /// What is broken so far, and how often.
    #[must_use]
    pub(super) fn broken(&self) -> Vec<(&'static str, u64)> {
        self.broken.lock().expect("nobody panics with it").clone()
    }

    /// Shows the figures of a recorder. It is the shard's own thread that calls.
    pub(super) fn show(&self, recorder: &mut Recorder, _started: usize) {
        let counters = &recorder.meter.counters;
        let count = |counter| counters.get(counter);
        let ups = count(Counter::Connects) + count(Counter::Reconnects);
        self.connected.store(ups.saturating_sub(count(Counter::Disconnects)), Relaxed);
        self.sent.store(count(Counter::MessagesSent), Relaxed);
        self.acked.store(count(Counter::MessagesAcked), Relaxed);
        let failed = count(Counter::MessagesRefused) + count(Counter::MessagesFailed);
        self.failed.store(failed, Relaxed);
        self.deliveries.store(count(Counter::Deliveries), Relaxed);
        let bench = recorder.judges();
        let violations = bench.as_ref().map_or(0, |bench| bench.violations());
        if self.violations.swap(violations, Relaxed) != violations {
            let broken = bench.map(|bench| bench.broken());
            *self.broken.lock().expect("nobody panics with it") = broken.unwrap_or_default();
        }
        let passed = recorder.last_at.saturating_sub(self.last_shown.load(Relaxed));
        if passed > PERCENTILES {
            self.last_shown.store(recorder.last_at, Relaxed);
            let cpu = usage::thread_cpu();
            let used = cpu.saturating_sub(self.last_cpu.swap(cpu, Relaxed));
            self.cpu_share.store((used * 1_000 / passed).min(1_000), Relaxed);
            let series = |series| recorder.meter.recorder.planned(series);
            let quantile = |which, share| series(which).quantile(share).unwrap_or(0);
            self.ack_p95.store(quantile(Series::Ack, 0.95), Relaxed);
            self.delivery_p95.store(quantile(Series::Delivery, 0.95), Relaxed);
            self.lag_p99.store(quantile(Series::Lag, 0.99), Relaxed);
        }
    }
}
