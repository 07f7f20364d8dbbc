//! A conformance run as people and machines read it: one file per format.
//!
//! As with a run's report, rendering depends on the value alone. Start with [`FORMATS`].

pub mod terminal;

use crate::outcome::Conformance;
use crate::report::Look;

/// One way to show a conformance run.
pub struct Format {
    /// The word of `--format`.
    pub name: &'static str,
    /// The file in a report folder.
    pub file: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// The run in this format.
    pub render: fn(&Conformance) -> String,
}

/// Every format, in the order of the documentation.
pub const FORMATS: &[Format] = &[Format {
    name: "text",
    file: "report.txt",
    about: "what the terminal shows, without colours",
    render: |run| terminal::render(run, Look::PLAIN),
}];
