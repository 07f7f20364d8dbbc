//! A comparison of runs as people and machines read it: one file per format.
//!
//! What counts as worse is decided elsewhere. Start with [`FORMATS`].

pub mod markdown;
pub mod terminal;
mod words;

use crate::comparison::Comparison;
use crate::outcome::document;
use crate::report::{Format, Look};

/// Every format, in the order of the documentation.
pub const FORMATS: &[Format<Comparison>] = &[
    Format {
        name: "terminal",
        file: "comparison.txt",
        about: "tables for a person",
        render: |comparison| terminal::render(comparison, Look::PLAIN),
    },
    Format {
        name: "markdown",
        file: "comparison.md",
        about: "for the conversation of a pull request",
        render: markdown::render,
    },
    Format {
        name: "json",
        file: "comparison.json",
        about: "everything, with a schema version, for programs",
        render: document::write,
    },
];

/// The format of this name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format<Comparison>> {
    FORMATS.iter().find(|format| format.name == name)
}

/// A figure in one sentence: `from 20.1 ms to 24.3 ms: +20.9% (+15.2% … +26.9%)`.
#[must_use]
pub fn sentence(figure: &crate::comparison::Figure) -> String {
    format!(
        "from {} to {}: {} ({})",
        words::value(figure.unit, figure.before),
        words::value(figure.unit, figure.after),
        words::change(figure),
        words::interval(figure),
    )
}
