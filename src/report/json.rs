//! `report.json`: the outcome as it is, for programs and for showing a run again.

use crate::outcome::{Outcome, SCHEMA, document};

/// The outcome as JSON, indented, with a newline at the end.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    document::write(outcome)
}

/// The outcome that was rendered.
///
/// # Errors
/// What is wrong with the text: another schema version, or not a report at all.
pub fn parse(json: &str) -> Result<Outcome, String> {
    document::read(json, "report", SCHEMA)
}
