//! The sections of load and of the generator: charts over time, the faults, what was counted, and whether
//! the figures can be trusted.

use crate::metric::quantity;
use crate::outcome::Outcome;
use crate::outcome::course::Span;
use crate::report::html::argument::cut;
use crate::report::html::figure::{Figure, charts};
use crate::report::html::markup::{Markup, classed, element, facts, text, worded};
use crate::report::html::table::{Column, table};
use crate::report::words::figure;

const LOAD: &[Figure] = &[
    Figure {
        id: "throughput",
        title: "Throughput",
        says: "messages per second: sent, confirmed by the server, pushed to other members",
        is_wide: true,
        of_series: false,
    },
    Figure {
        id: "connected",
        title: "Connected clients",
        says: "at the end of each slice of time",
        is_wide: false,
        of_series: false,
    },
    Figure {
        id: "errors",
        title: "Errors by kind",
        says: "in each slice of time, those that a fault caused included",
        is_wide: false,
        of_series: false,
    },
];

const GENERATOR: &[Figure] = &[Figure {
    id: "lag",
    title: "Lateness of the generator",
    says: "how late its own timers fired; what is as slow as this says nothing of the server",
    is_wide: true,
    of_series: false,
}];

/// Faults that are listed; a run that has more shows them as bands all the same.
const LISTED: usize = 60;

/// Throughput, connected clients, errors, faults, counts.
pub(super) fn load(outcome: &Outcome) -> Markup {
    let how = "Charts over time share one cursor: point at one, or tab to it and use the arrow keys. \
               Dotted lines part the phases of the scenario, hatched bands are faults, and a cross on \
               the upper edge is a violation that is argued above.";
    let (how, drawn) = match outcome.course.is_empty() {
        true => ("This report was stored without figures over time.", Markup::default()),
        false => (how, charts(LOAD)),
    };
    let how = worded("p", "lead", how);
    [how, faults(&outcome.course.faults), drawn, counts(outcome)].into_iter().collect()
}

/// How the generator did.
pub(super) fn generator(outcome: &Outcome) -> Markup {
    let own = &outcome.generator;
    let verdict = match &own.bottleneck {
        Some(reason) => {
            let words = format!("It was the bottleneck, so the figures are its own: {reason}.");
            worded("p", "bad", &words)
        }
        None => worded("p", "lead", "It kept its plan, so the figures are the server's."),
    };
    let lag = format!(
        "p50 {}, p99 {}, max {}",
        quantity::duration(own.lag.p50),
        quantity::duration(own.lag.p99),
        quantity::duration(own.lag.max),
    );
    let list = facts(
        "facts",
        &[
            ("lateness", text(&lag)),
            ("busiest shard", text(&format!("{} of a core", quantity::share(own.cpu_share)))),
            ("CPU", text(&format!("{:.1} s of all threads", own.cpu_seconds))),
            ("memory", text(&format!("{} at most", quantity::bytes(own.peak_rss)))),
            ("dropped", text(&format!("{} planned actions", quantity::count(own.dropped)))),
        ],
    );
    let drawn = match outcome.course.is_empty() {
        true => Markup::default(),
        false => charts(GENERATOR),
    };
    [verdict, list, drawn].into_iter().collect()
}

/// The letter of a fault: A to Z, then AA and so on.
pub(super) fn letter(number: usize) -> String {
    let last = char::from(b'A' + (number % 26) as u8);
    match number / 26 {
        0 => last.to_string(),
        more => letter(more - 1) + &last.to_string(),
    }
}

fn faults(faults: &[Span]) -> Markup {
    if faults.is_empty() {
        return Markup::default();
    }
    let seconds = |nanos: u64| format!("{:.2} s", nanos as f64 / 1e9);
    let line = |(number, fault): (usize, &Span)| {
        let hit = quantity::counted(u64::from(fault.clients), "client");
        let when = format!(" from {} to {}, {hit}", seconds(fault.begins), seconds(fault.ends));
        let letter = element("b", &[], [text(&letter(number))]);
        element("li", &[], [letter, text(" "), cut(&fault.name), worded("span", "quiet", &when)])
    };
    let listed = faults.iter().take(LISTED).enumerate().map(line);
    let list = element("ul", &[("class", "faults"), ("aria-label", "Faults")], listed);
    let more = match faults.len().saturating_sub(LISTED) {
        0 => Markup::default(),
        more => worded("p", "more", &format!("And {more} more.")),
    };
    [list, more].into_iter().collect()
}

fn counts(outcome: &Outcome) -> Markup {
    let counted = outcome.counts.iter().filter(|(_, number)| *number > 0);
    let rows: Vec<Vec<Markup>> = counted
        .map(|(name, number)| {
            let said = figure(name, *number);
            let number = said.strip_prefix(name.as_str()).unwrap_or(&said).trim_start();
            vec![text(name), text(number)]
        })
        .collect();
    if rows.is_empty() {
        return Markup::default();
    }
    let columns = [Column::head("count"), Column::figures("number")];
    let title = element("summary", &[], [text("All counts")]);
    classed("details", "block", [title, table("All counts", &columns, rows)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_do_not_end() {
        let shown = [0, 25, 26, 51, 52, 701, 702].map(letter);
        assert_eq!(shown, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
