//! The section of latencies: every percentile as a table, then the charts of one latency at a time.

use crate::metric::quantity;
use crate::outcome::{Latency, Outcome, Percentiles};
use crate::report::html::figure::{Figure, charts};
use crate::report::html::markup::{Markup, classed, element, text, worded};
use crate::report::html::table::{Column, table_of};
use crate::report::words;

/// What a reader looks at first, if it was measured.
const FIRST: &[&str] = &["delivery", "ack", "sync", "connect"];

const FIGURES: &[Figure] = &[
    Figure {
        id: "curve",
        title: "Percentiles",
        says: "what share of all took at most how long; each step to the right is one nine more",
        is_wide: false,
        of_series: true,
    },
    Figure {
        id: "histogram",
        title: "Histogram",
        says: "how many took how long, ten bars per power of ten",
        is_wide: false,
        of_series: true,
    },
    Figure {
        id: "latency",
        title: "Over time",
        says: "percentiles of what ended in each slice of time",
        is_wide: true,
        of_series: true,
    },
];

/// The section; without any figure it says so.
pub(super) fn latency(outcome: &Outcome) -> Markup {
    let measured = words::latencies(outcome);
    if measured.is_empty() {
        return worded("p", "lead", "No latency was measured.");
    }
    let lead = "From the planned time, which is what a user feels; in the row below, if that says \
                something else, from the actual start.";
    [
        worded("p", "lead", lead),
        percentiles(&measured),
        reach(outcome),
        phases(outcome),
        picker(&measured),
        match charted(&measured).next() {
            Some(_) => charts(FIGURES),
            None => Markup::default(),
        },
    ]
    .into_iter()
    .collect()
}

/// The latencies of which there are charts.
fn charted<'a>(latencies: &'a [&'a Latency]) -> impl Iterator<Item = &'a Latency> {
    latencies.iter().copied().filter(|latency| !latency.shape.is_empty())
}

fn percentiles(latencies: &[&Latency]) -> Markup {
    let columns = [
        Column::head("latency"),
        Column::figures("count"),
        Column::figures("p50"),
        Column::figures("p90"),
        Column::figures("p95"),
        Column::figures("p99"),
        Column::figures("p99.9"),
        Column::figures("max"),
        Column::figures("failed"),
    ];
    let rows = latencies.iter().flat_map(|latency| {
        let first = ("", row(&latency.series, &latency.planned, Some(latency.failures)));
        let second =
            latency.differs().then(|| ("second", row("actual start", &latency.actual, None)));
        [Some(first), second].into_iter().flatten()
    });
    table_of("Percentiles of all latencies", &columns, rows)
}

/// Whom messages reached.
fn reach(outcome: &Outcome) -> Markup {
    match words::reach(&outcome.reach()) {
        Some(reach) => worded("p", "more", &format!("Reach: {reach}.")),
        None => Markup::default(),
    }
}

/// The same by phase, where that says more.
fn phases(outcome: &Outcome) -> Markup {
    let rows = words::phases(outcome);
    if rows.is_empty() {
        return Markup::default();
    }
    let columns = [
        Column::head("phase"),
        Column::words("latency"),
        Column::figures("count"),
        Column::figures("p50"),
        Column::figures("p95"),
        Column::figures("p99"),
        Column::figures("max"),
        Column::figures("reach"),
    ];
    let rows = rows.iter().map(|row| {
        let p = row.planned;
        let times = times(p, [(p.p50, 2), (p.p95, 20), (p.p99, 100), (p.max, 1)]);
        let phase = if row.is_first { text(row.phase) } else { worded("span", "quiet", row.phase) };
        let head = [phase, text(row.series), text(&quantity::count(p.count))];
        let cells = head.into_iter().chain(times).chain([text(&row.reach)]).collect();
        ("", cells)
    });
    let what = worded("span", "quiet", " what was planned while it lasted");
    let title = element("h3", &[], [text("By phase"), what]);
    [title, table_of("Latencies by phase", &columns, rows)].into_iter().collect()
}

fn row(name: &str, p: &Percentiles, failures: Option<u64>) -> Vec<Markup> {
    let all = [(p.p50, 2), (p.p90, 10), (p.p95, 20), (p.p99, 100), (p.p99_9, 1_000), (p.max, 1)];
    let times = times(p, all);
    let failed = failures.map(|failures| text(&quantity::count(failures)));
    let head = [text(name), text(&quantity::count(p.count))];
    head.into_iter().chain(times).chain([failed.unwrap_or_default()]).collect()
}

/// Figures, each with the number of samples that it takes to have one above it; one that rests on fewer
/// is dimmed.
fn times<const N: usize>(p: &Percentiles, figures: [(u64, u64); N]) -> [Markup; N] {
    figures.map(|(nanos, least)| match p.count {
        0 => text("–"),
        count if count < least => worded("span", "quiet", &quantity::duration(nanos)),
        _ => text(&quantity::duration(nanos)),
    })
}

/// The buttons that choose which latency the charts show.
fn picker(latencies: &[&Latency]) -> Markup {
    let names: Vec<&str> = charted(latencies).map(|latency| latency.series.as_str()).collect();
    let Some(first) = names.first() else { return Markup::default() };
    let chosen = FIRST.iter().find(|name| names.contains(name)).unwrap_or(first);
    let button = |(number, name): (usize, &&str)| {
        let number = number.to_string();
        let mut attributes =
            vec![("type", "radio"), ("name", "series"), ("value", number.as_str())];
        attributes.push(("autocomplete", "off"));
        if name == chosen {
            attributes.push(("checked", ""));
        }
        let input = element("input", &attributes, []);
        element("label", &[], [input, element("span", &[], [text(name)])])
    };
    let legend = element("legend", &[], [text("Charts of")]);
    classed("fieldset", "picker", [legend].into_iter().chain(names.iter().enumerate().map(button)))
}
