//! The knee: where latency begins to grow faster than throughput.
//!
//! It is the load of the greatest *power*, throughput divided by latency (Kleinrock): below it more
//! load is nearly free, above it each further message costs the others more than it brings. Medians
//! of repeated steps count, so that one slow step makes no knee.

use crate::history::Nanos;
use crate::outcome::capacity::{Figures, Knee, Step};
use std::collections::BTreeMap;

/// Different loads that a knee needs: something on both sides of it, and one more.
const LEAST_LOADS: usize = 4;

/// The knee of these steps; none if there are too few.
#[must_use]
pub fn of(steps: &[Step]) -> Option<Knee> {
    let by_delivery = steps.iter().any(|step| step.figures.delivery.count > 0);
    let series = if by_delivery { "delivery" } else { "ack" };
    let latency = |figures: &Figures| match by_delivery {
        true => figures.delivery.p50,
        false => figures.ack.p50,
    };
    let mut loads: BTreeMap<u64, Vec<(Nanos, f64)>> = BTreeMap::new();
    let measured = steps.iter().filter(|step| latency(&step.figures) > 0);
    for step in measured.filter(|step| step.figures.acked > 0.0) {
        let figures = &step.figures;
        loads.entry(step.load).or_default().push((latency(figures), figures.acked));
    }
    if loads.len() < LEAST_LOADS {
        return None;
    }
    let points: Vec<(u64, Nanos, f64)> =
        loads.into_iter().map(|(load, mut steps)| middle(load, &mut steps)).collect();
    let power = |point: &(u64, Nanos, f64)| point.2 / point.1 as f64;
    let best =
        (0..points.len()).max_by(|a, b| power(&points[*a]).total_cmp(&power(&points[*b])))?;
    let (load, latency, _) = points[best];
    let neighbour = |index: usize| points.get(index).map_or(load, |point| point.0);
    let between = (neighbour(best.saturating_sub(1)), neighbour(best + 1));
    Some(Knee { load, between, latency, series: series.into() })
}

/// The step of the median latency.
fn middle(load: u64, steps: &mut [(Nanos, f64)]) -> (u64, Nanos, f64) {
    steps.sort_by_key(|(latency, _)| *latency);
    let (latency, throughput) = steps[steps.len() / 2];
    (load, latency, throughput)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Percentiles;
    use crate::outcome::capacity::Why;

    fn step(load: u64, latency: f64) -> Step {
        let delivery = Percentiles { count: 9, p50: latency as Nanos, ..Percentiles::default() };
        let figures = Figures { acked: load as f64, delivery, ..Figures::default() };
        Step { load, why: Why::Coarse, limit: None, figures }
    }

    /// A queue that serves 1,000 a second: M/D/1, of which the wait is known.
    fn queue(load: u64) -> Step {
        let busy = load as f64 / 1_000.0;
        step(load, 1e6 * (1.0 + busy / (2.0 * (1.0 - busy))))
    }

    #[test]
    fn the_knee_of_a_queue_is_where_theory_has_it() {
        // Power ρ/(1 + ρ/2(1 − ρ)) has its top at ρ = 2 − √2 = 0.586.
        let steps: Vec<Step> = (1..20).map(|twentieth| queue(twentieth * 50)).collect();
        let knee = of(&steps).unwrap();
        assert_eq!((knee.load, knee.between), (600, (550, 650)));
        assert_eq!(knee.series, "delivery");
    }

    #[test]
    fn one_slow_step_makes_no_knee() {
        let mut steps: Vec<Step> = (1..10).map(|tenth| queue(tenth * 100)).collect();
        steps.extend([queue(600), step(600, 9e9)]);
        assert_eq!(of(&steps).unwrap().load, 600);
    }

    #[test]
    fn a_knee_needs_both_sides() {
        assert_eq!(of(&[queue(100), queue(200), queue(400)]), None);
        assert_eq!(of(&[]), None);
    }
}
