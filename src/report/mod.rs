//! An outcome as people and machines read it: one file per format.
//!
//! Rendering depends on the [`Outcome`] alone: no clock, no environment, so the same outcome is the
//! same text, byte for byte. What a verdict means is decided elsewhere. Start with [`FORMATS`]; a
//! new format is one file here and one row there.

pub mod annotations;
pub mod capacity;
pub mod comparison;
pub mod conformance;
pub mod exploration;
pub mod exposition;
pub mod folder;
pub mod html;
pub mod json;
pub mod junit;
pub mod layout;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod progress;
pub mod stamp;
pub mod summary;
pub mod terminal;
pub mod words;

pub use folder::{Folder, FolderError};
pub use layout::Look;
pub use progress::Screen;

use crate::outcome::Outcome;

/// One way to show what came of a run: an [`Outcome`], or what has the same formats.
pub struct Format<Run = Outcome> {
    /// The word of `--format`.
    pub name: &'static str,
    /// The file in a report folder.
    pub file: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// The run in this format.
    pub render: fn(&Run) -> String,
}

/// Every format, in the order of the documentation.
pub const FORMATS: &[Format] = &[
    Format {
        name: "text",
        file: "report.txt",
        about: "what the terminal shows, without colours",
        render: |outcome| terminal::render(outcome, Look::PLAIN),
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
        about: "a test case per property and expectation, for CI servers",
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
        about: "one page for a browser: arguments as diagrams, charts over time, without a network",
        render: html::render,
    },
];

/// The format of this name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_files_are_unique_and_documented() {
        let names: HashSet<_> = FORMATS.iter().map(|format| format.name).collect();
        let files: HashSet<_> = FORMATS.iter().map(|format| format.file).collect();
        assert_eq!(names.len(), FORMATS.len());
        assert_eq!(files.len(), FORMATS.len());
        assert!(FORMATS.iter().all(|format| !format.about.is_empty()));
        assert!(format("json").is_some() && format("yaml").is_none());
    }
}
