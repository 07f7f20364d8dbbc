//! A conformance run as people and machines read it: one file per format.
//!
//! As with a run's report, rendering depends on the value alone. Start with [`FORMATS`].

pub mod html;
pub mod json;
pub mod junit;
pub mod summary;
pub mod terminal;
mod words;

use crate::outcome::Conformance;
use crate::report::{Format, Look};

/// Every format, in the order of the documentation.
pub const FORMATS: &[Format<Conformance>] = &[
    Format {
        name: "text",
        file: "report.txt",
        about: "what the terminal shows, without colours",
        render: |run| terminal::render(run, Look::PLAIN),
    },
    Format {
        name: "json",
        file: "report.json",
        about: "everything, with a schema version, for programs and for `assize report`",
        render: json::render,
    },
    Format {
        name: "junit",
        file: "junit.xml",
        about: "a test case per case, for CI servers",
        render: junit::render,
    },
    Format {
        name: "summary",
        file: "summary.md",
        about: "Markdown that fits the summary of a CI step",
        render: summary::render,
    },
    Format {
        name: "html",
        file: "report.html",
        about: "one page for a browser: arguments as diagrams, every case, without a network",
        render: html::render,
    },
];

/// The format of this name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format<Conformance>> {
    FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_and_a_conformance_run_have_the_same_formats() {
        let ours: Vec<_> = FORMATS.iter().map(|format| (format.name, format.file)).collect();
        let others = crate::report::FORMATS.iter().map(|format| (format.name, format.file));
        assert_eq!(ours, others.collect::<Vec<_>>());
    }
}
