//! Whether a figure of the run is within a scenario's threshold.
//!
//! It compares what was measured; it neither parses the threshold nor measures.

use crate::metric::quantity;
use crate::metric::recorder::between;
use crate::outcome::{Expected, Latency, Percentiles};
use crate::scenario::Expectation;

/// How an expectation fared. `lag` is the generator's. Without a single measurement it does not
/// hold: silence is never a pass.
#[must_use]
pub fn judge(expectation: &Expectation, latencies: &[Latency], lag: &Percentiles) -> Expected {
    let measured = if expectation.series == "lag" {
        figure(&expectation.statistic, lag, 0)
    } else {
        let wanted = match expectation.between {
            Some(pair) => between(pair),
            None => expectation.series.clone(),
        };
        latencies
            .iter()
            .find(|latency| latency.series == wanted)
            .and_then(|found| figure(&expectation.statistic, &found.planned, found.failures))
    };
    Expected {
        text: expectation.text.clone(),
        measured: measured.map_or_else(String::new, Figure::words),
        held: measured.is_some_and(|figure| {
            compare(figure.value(), &expectation.comparison, expectation.bound)
        }),
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

    fn fared(series: &str, statistic: &str, comparison: &str, bound: f64) -> Expected {
        let measured = Percentiles { count: 99, p95: 40_000_000, ..Percentiles::default() };
        let latency = Latency {
            series: "delivery".into(),
            planned: measured,
            failures: 1,
            ..Latency::default()
        };
        let expectation = Expectation {
            text: String::new(),
            series: series.into(),
            between: None,
            statistic: statistic.into(),
            comparison: comparison.into(),
            bound,
        };
        judge(&expectation, &[latency], &Percentiles::default())
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
                statistic: "p95".into(),
                comparison: "<".into(),
                bound: 20.0,
            };
            judge(&expectation, &latencies, &Percentiles::default()).held
        };
        assert!(held(None) && !held(Some((1, 2))));
        assert!(!held(Some((2, 1))), "silence is never a pass");
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
