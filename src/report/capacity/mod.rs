//! A search for a server's size as people and machines read it: one file per format.
//!
//! As with a run's report, rendering depends on the value alone. Start with [`FORMATS`].

pub mod summary;
pub mod terminal;
pub mod words;

use crate::outcome::capacity::SCHEMA;
use crate::outcome::{Capacity, document};
use crate::report::{Format, Look};

/// Every format, in the order of the documentation.
pub const FORMATS: &[Format<Capacity>] = &[
    Format {
        name: "text",
        file: "capacity.txt",
        about: "what the terminal shows, without colours",
        render: |capacity| terminal::render(capacity, Look::PLAIN),
    },
    Format {
        name: "json",
        file: FILE,
        about: "everything, with a schema version, for programs",
        render: document::write,
    },
    Format {
        name: "summary",
        file: "capacity.md",
        about: "Markdown that fits the summary of a CI step",
        render: summary::render,
    },
];

/// The file that everything of a search is in.
pub const FILE: &str = "capacity.json";

/// The format of this name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format<Capacity>> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Whether a report is that of a search.
#[must_use]
pub fn is_one(json: &str) -> bool {
    document::kind(json).as_deref() == Some("capacity")
}

/// The search that was rendered.
///
/// # Errors
/// What is wrong with the text: another schema version, or not a search at all.
pub fn parse(json: &str) -> Result<Capacity, String> {
    document::read(json, "search", SCHEMA)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::outcome::Percentiles;
    use crate::outcome::capacity::{By, Figures, Knee, Limit, Of, Step, Why};

    /// A search that found something.
    pub(in crate::report::capacity) fn found() -> Capacity {
        let step = |load: u64, p95: u64, limit: Option<Limit>| {
            let delivery = Percentiles {
                count: 800,
                p50: p95 / 4,
                p95,
                p99: p95 * 2,
                ..Percentiles::default()
            };
            let acked = load as f64 * 0.99;
            let figures =
                Figures { clients: 40, sent: load as f64, acked, delivery, ..Figures::default() };
            Step { load, why: Why::Coarse, limit, figures }
        };
        let missed = Limit {
            of: Of::Expectation,
            name: "delivery.p95 < 100ms".into(),
            seen: "180 ms".into(),
        };
        let steps = vec![
            step(50, 3_000_000, None),
            step(100, 4_000_000, None),
            step(200, 180_000_000, Some(missed.clone())),
            step(200, 190_000_000, Some(missed.clone())),
            step(150, 9_000_000, None),
        ];
        let points: Vec<(u64, f64)> = steps.iter().map(|s| (s.load, s.figures.acked)).collect();
        Capacity {
            schema: 1,
            scenario: "talk".into(),
            spec: "callback-ack".into(),
            target: "http://127.0.0.1:3000".into(),
            nanos: 90_000_000_000,
            command: "assize capacity talk --by rate".into(),
            by: By::Rate,
            phase: ("traffic".into(), 10_000_000_000),
            most: 1_000_000,
            held: Some(150),
            exceeded: Some(200),
            limit: Some(missed),
            knee: Some(Knee {
                load: 150,
                between: (100, 200),
                latency: 2_250_000,
                series: "delivery".into(),
            }),
            curve: crate::capacity::curve::fit(&points),
            steps,
            notes: vec!["a note with `<b>`".into()],
            ..Capacity::default()
        }
    }

    #[test]
    fn every_format_says_the_answer() {
        for format in FORMATS {
            let text = (format.render)(&found());
            assert!(text.contains("150") && text.ends_with('\n'), "{}: {text}", format.name);
        }
        let back: Capacity = parse(&document::write(&found())).unwrap();
        assert_eq!(back, found());
    }
}
