//! What the charts show, as the page's script reads it: times in seconds, durations in microseconds.

use crate::metric::generator::MOST_LAG;
use crate::outcome::Outcome;
use crate::outcome::course::{Course, Shape, Span, Wave};
use crate::report::html::load::letter;
use crate::report::html::markup::Markup;
use crate::report::layout::clean;
use serde_json::{Map, Value, json};

/// Everything that charts show.
pub(super) fn data(outcome: &Outcome) -> Markup {
    let course = &outcome.course;
    let slice = seconds(course.slice);
    let shapes = outcome.latencies.iter().filter(|latency| !latency.shape.is_empty());
    let shapes: Vec<Value> = shapes.map(|latency| shape(&latency.series, &latency.shape)).collect();
    let counts: Map<String, Value> =
        course.counts.iter().map(|count| (clean(&count.name), json!(count.per_slice))).collect();
    Markup::json(&json!({
        "slice": slice,
        "slices": course.slices,
        "end": end(course),
        "most_lag": micros(MOST_LAG),
        "phases": course.phases.iter().map(|phase| span(phase, None)).collect::<Vec<_>>(),
        "faults": faults(&course.faults),
        "violations": violations(outcome),
        "connected": course.connected,
        "counts": counts,
        "latencies": course.latencies.iter().map(wave).collect::<Vec<_>>(),
        "shapes": shapes,
    }))
}

/// When the last slice, or the last phase, is over.
fn end(course: &Course) -> f64 {
    let last = course.phases.iter().map(|phase| phase.ends).max().unwrap_or(0);
    let slices = course.slice * u64::from(course.slices);
    seconds(if last == 0 { slices } else { last.min(slices).max(1) })
}

fn faults(faults: &[Span]) -> Vec<Value> {
    let lettered = faults.iter().enumerate();
    lettered.map(|(number, fault)| span(fault, Some(&letter(number)))).collect()
}

/// When each argued violation was complete.
fn violations(outcome: &Outcome) -> Vec<f64> {
    let all = outcome.verdicts.iter().flat_map(|verdict| &verdict.finding.violations);
    all.filter_map(|violation| Some(seconds(violation.exhibits.last()?.at))).collect()
}

fn span(span: &Span, letter: Option<&str>) -> Value {
    json!({
        "name": clean(&span.name),
        "letter": letter,
        "from": seconds(span.begins),
        "to": seconds(span.ends),
    })
}

fn wave(wave: &Wave) -> Value {
    let [p50, p95, p99, max] =
        [&wave.p50, &wave.p95, &wave.p99, &wave.max].map(|list| all_micros(list));
    json!({
        "series": clean(&wave.series), "count": wave.count, "p50": p50, "p95": p95, "p99": p99, "max": max,
    })
}

fn shape(series: &str, shape: &Shape) -> Value {
    let buckets: Vec<Value> = shape
        .buckets
        .iter()
        .map(|(from, to, count)| json!([*from as f64 / 1e3, *to as f64 / 1e3, count]))
        .collect();
    json!({
        "series": clean(series),
        "planned": all_micros(&shape.planned),
        "actual": all_micros(&shape.actual),
        "buckets": buckets,
    })
}

fn all_micros(list: &[u64]) -> Vec<u64> {
    list.iter().map(|nanos| micros(*nanos)).collect()
}

/// Nothing that was measured is 0, for there is no place for that on a logarithmic axis.
fn micros(nanos: u64) -> u64 {
    if nanos == 0 { 0 } else { (nanos / 1_000).max(1) }
}

/// To the millisecond, which is finer than any chart.
fn seconds(nanos: u64) -> f64 {
    (nanos as f64 / 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_and_durations_microseconds() {
        assert_eq!([0, 300, 1_999, 2_000_000].map(micros), [0, 1, 1, 2_000]);
        let times = [1_000_000_000, 1_499_999, 500_000].map(seconds).map(|time| time.to_string());
        assert_eq!(times, ["1", "0.001", "0.001"]);
    }

    #[test]
    fn charts_end_where_the_run_does() {
        let phase = |ends| Span { ends, ..Span::default() };
        let course = |ends: &[u64]| Course {
            slice: 1_000_000_000,
            slices: 16,
            phases: ends.iter().copied().map(phase).collect(),
            ..Course::default()
        };
        let ends = [course(&[]), course(&[2_000_000_000, 15_250_000_000])].map(|c| end(&c));
        assert_eq!(ends.map(|end| end.to_string()), ["16", "15.25"]);
    }
}
