//! How far a run is, for those who watch it.

use crate::engine::pulse::Pulse;
use crate::history::Nanos;
use crate::metric::Progress;
use crate::metric::progress::{Broken, Pace};
use crate::scenario::{FaultPlan, Scenario};
use crate::spec::Spec;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Says how far a run of this scenario is.
pub(super) struct Headway<'a> {
    scenario: &'a Scenario,
    spec: &'a Spec,
    /// How fast messages go.
    pace: Pace,
}

impl<'a> Headway<'a> {
    pub(super) fn new(scenario: &'a Scenario, spec: &'a Spec) -> Self {
        Self { scenario, spec, pace: Pace::default() }
    }

    /// As the shards' pulses tell it.
    pub(super) fn progress(&mut self, pulses: &[Arc<Pulse>], now: Nanos, start: Nanos) -> Progress {
        let sum = |of: fn(&Pulse) -> u64| pulses.iter().map(|pulse| of(pulse)).sum::<u64>();
        let most = |of: fn(&Pulse) -> u64| {
            pulses.iter().map(|pulse| of(pulse)).max().filter(|most| *most > 0)
        };
        let (sent, acked) = (sum(|p| p.sent.load(Relaxed)), sum(|p| p.acked.load(Relaxed)));
        let deliveries = sum(|p| p.deliveries.load(Relaxed));
        let elapsed = now.saturating_sub(start);
        let (send_rate, delivery_rate) = self.pace.see(elapsed, sent, deliveries);
        let active = |fault: &&FaultPlan| {
            let at = fault.at.as_nanos() as Nanos;
            (at..at + fault.lasts.as_nanos() as Nanos).contains(&elapsed)
        };
        Progress {
            elapsed,
            of: self.scenario.length().as_nanos() as Nanos,
            phase: pulses.first().map_or_else(String::new, |pulse| pulse.phase()),
            connected: sum(|p| p.connected.load(Relaxed)),
            clients: sum(|p| p.started.load(Relaxed)),
            sent,
            acked,
            deliveries,
            send_rate,
            delivery_rate,
            in_flight: sent.saturating_sub(acked + sum(|p| p.failed.load(Relaxed))),
            violations: sum(|p| p.violations.load(Relaxed)),
            broken: broken(pulses, self.spec),
            ack_p95: most(|p| p.ack_p95.load(Relaxed)),
            delivery_p95: most(|p| p.delivery_p95.load(Relaxed)),
            lag_p99: most(|p| p.lag_p99.load(Relaxed)),
            cpu_share: most(|p| p.cpu_share.load(Relaxed)).unwrap_or(0) as f64 / 1e3,
            faults: self
                .scenario
                .faults
                .iter()
                .filter(active)
                .map(|fault| fault.fault.to_string())
                .collect(),
        }
    }
}

/// What the shards found broken so far, promises first.
fn broken(pulses: &[Arc<Pulse>], spec: &Spec) -> Vec<Broken> {
    let mut all: Vec<Broken> = Vec::new();
    for (property, violations) in pulses.iter().flat_map(|pulse| pulse.broken()) {
        match all.iter_mut().find(|known| known.property == property) {
            Some(known) => known.violations += violations,
            None => {
                let promised = spec.promise(property).is_some();
                all.push(Broken { property: property.to_owned(), violations, promised });
            }
        }
    }
    all.sort_by_key(|broken| !broken.promised);
    all
}
