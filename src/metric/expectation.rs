//! Whether a figure of the run is within a scenario's threshold.
//!
//! It compares what was measured; it neither parses the threshold nor measures.

use crate::metric::quantity;
use crate::metric::recorder::between;
use crate::outcome::{Expected, Latency, Percentiles, PhaseFigures, Reach};
use crate::scenario::{Expectation, REACH};

/// What was measured in a run.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The latencies of the whole run.
    pub latencies: &'a [Latency],
    /// The same by phase.
    pub phases: &'a [PhaseFigures],
    /// Whom messages reached.
    pub reach: Reach,
    /// How late the generator was.
    pub lag: &'a Percentiles,
}

impl Measured<'_> {
    /// How an expectation fared. Without a single measurement it does not hold: silence is never a
    /// pass.
    #[must_use]
    pub fn judge(&self, expectation: &Expectation) -> Expected {
        let measured = self.figure(expectation);
        Expected {
            text: expectation.text.clone(),
            measured: measured.map_or_else(String::new, Figure::words),
            held: measured.is_some_and(|figure| {
                compare(figure.value(), &expectation.comparison, expectation.bound)
            }),
        }
    }

    fn figure(&self, expectation: &Expectation) -> Option<Figure> {
        let Expectation { series, phase, between: pair, statistic, .. } = expectation;
        if let Some(phase) = phase {
            let phase = self.phases.iter().find(|known| known.name == *phase)?;
            if series == REACH {
                return share(statistic, &phase.reach);
            }
            let timed = phase.latency(series)?;
            return figure(statistic, &timed.planned, timed.failures);
        }
        if series == REACH {
            return share(statistic, &self.reach);
        }
        if series == "lag" {
            return figure(statistic, self.lag, 0);
        }
        let wanted = pair.map_or_else(|| series.clone(), between);
        let found = self.latencies.iter().find(|latency| latency.series == wanted)?;
        figure(statistic, &found.planned, found.failures)
    }
}

#[derive(Clone, Copy)]
enum Figure {
    Duration(u64),
    Count(u64),
    Share(f64),
}

impl Figure {
    const fn value(self) -> f64 {
        match self {
            Self::Duration(number) | Self::Count(number) => number as f64,
            Self::Share(share) => share,
        }
    }

    fn words(self) -> String {
        match self {
            Self::Duration(nanos) => quantity::duration(nanos),
            Self::Count(number) => quantity::count(number),
            Self::Share(share) => quantity::share(share),
        }
    }
}

fn figure(statistic: &str, p: &Percentiles, failures: u64) -> Option<Figure> {
    let attempts = p.count + failures;
    match statistic {
        "count" => return Some(Figure::Count(p.count)),
        "success" if attempts > 0 => {
            return Some(Figure::Share(p.count as f64 / attempts as f64));
        }
        _ if p.count == 0 => return None,
        _ => {}
    }
    let nanos = match statistic {
        "mean" => p.mean,
        "p50" => p.p50,
        "p90" => p.p90,
        "p95" => p.p95,
        "p99" => p.p99,
        "p99.9" => p.p99_9,
        "max" => p.max,
        _ => return None,
    };
    Some(Figure::Duration(nanos))
}

fn share(statistic: &str, reach: &Reach) -> Option<Figure> {
    let share = match statistic {
        "live" => reach.live(),
        "synced" => reach.in_all(),
        _ => None,
    };
    share.map(Figure::Share)
}

fn compare(value: f64, comparison: &str, bound: f64) -> bool {
    match comparison {
        "<" => value < bound,
        "<=" => value <= bound,
        ">" => value > bound,
        ">=" => value >= bound,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::phase::Timed;

    fn measured(latencies: &[Latency]) -> Measured<'_> {
        const LAG: Percentiles =
            Percentiles { count: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, p99_9: 0, max: 0 };
        Measured { latencies, phases: &[], reach: Reach::default(), lag: &LAG }
    }

    fn fared(series: &str, statistic: &str, comparison: &str, bound: f64) -> Expected {
        let latency = Latency {
            series: "delivery".into(),
            planned: Percentiles { count: 99, p95: 40_000_000, ..Percentiles::default() },
            failures: 1,
            ..Latency::default()
        };
        let expectation = Expectation {
            text: String::new(),
            series: series.into(),
            between: None,
            phase: None,
            statistic: statistic.into(),
            comparison: comparison.into(),
            bound,
        };
        measured(&[latency]).judge(&expectation)
    }

    #[test]
    fn figures_are_compared_in_their_unit() {
        let p95 = fared("delivery", "p95", "<", 500e6);
        assert!(p95.held);
        assert_eq!(p95.measured, "40.0 ms");
        assert!(!fared("delivery", "p95", "<", 40e6).held);
        assert!(fared("delivery", "p95", "<=", 40e6).held);
        assert!(fared("delivery", "count", ">", 98.0).held);
        let success = fared("delivery", "success", ">=", 0.99);
        assert!(success.held);
        assert_eq!(success.measured, "99.0%");
    }

    #[test]
    fn a_pair_of_nodes_has_a_threshold_of_its_own() {
        let latency = |series: &str, p95| Latency {
            series: series.into(),
            planned: Percentiles { count: 9, p95, ..Percentiles::default() },
            ..Latency::default()
        };
        let latencies = [latency("delivery", 10), latency(&between((1, 2)), 30)];
        let held = |pair| {
            let expectation = Expectation {
                text: String::new(),
                series: "delivery".into(),
                between: pair,
                phase: None,
                statistic: "p95".into(),
                comparison: "<".into(),
                bound: 20.0,
            };
            measured(&latencies).judge(&expectation).held
        };
        assert!(held(None) && !held(Some((1, 2))));
        assert!(!held(Some((2, 1))), "silence is never a pass");
    }

    #[test]
    fn a_phase_and_its_reach_have_thresholds_of_their_own() {
        let timed = Timed {
            series: "ack".into(),
            planned: Percentiles { count: 9, p95: 30, ..Percentiles::default() },
            failures: 0,
        };
        let reach = Reach { expected: 10, live: 9, synced: 1 };
        let latencies = vec![timed];
        let phases = [PhaseFigures { name: "spike".into(), latencies, reach, ..<_>::default() }];
        let all = Reach { expected: 100, live: 99, synced: 0 };
        let measured = Measured { phases: &phases, reach: all, ..measured(&[]) };
        let held = |series: &str, statistic: &str, bound, phase: Option<&str>| {
            let expectation = Expectation {
                text: String::new(),
                series: series.into(),
                between: None,
                phase: phase.map(Into::into),
                statistic: statistic.into(),
                comparison: ">=".into(),
                bound,
            };
            measured.judge(&expectation).held
        };
        assert!(held("ack", "p95", 30.0, Some("spike")) && !held("ack", "p95", 0.0, None));
        assert!(!held("delivery", "p95", 0.0, Some("spike")), "silence is never a pass");
        assert!(held("reach", "live", 0.99, None) && !held("reach", "live", 0.99, Some("spike")));
        assert!(held("reach", "synced", 1.0, Some("spike")));
    }

    #[test]
    fn every_word_of_a_scenario_is_understood() {
        for statistic in crate::scenario::STATISTICS {
            assert_ne!(fared("delivery", statistic, ">=", 0.0).measured, "", "{statistic}");
        }
        let known = crate::metric::Series::ALL.map(crate::metric::Series::name);
        assert_eq!(crate::scenario::SERIES, known);
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        for series in ["reconnect", "lag"] {
            let silent = fared(series, "p95", "<", 1e12);
            assert!(!silent.held);
            assert_eq!(silent.measured, "");
        }
    }
}
