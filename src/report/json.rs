//! `report.json`: the outcome as it is, for programs and for showing a run again.

use crate::outcome::{Outcome, SCHEMA};
use serde::Deserialize;

/// The outcome as JSON, indented, with a newline at the end.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    let mut json = serde_json::to_string_pretty(outcome).expect("an outcome is plain data");
    json.push('\n');
    json
}

/// The outcome that was rendered.
///
/// # Errors
/// What is wrong with the text: another schema version, or not a report at all.
pub fn parse(json: &str) -> Result<Outcome, String> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let Versioned { schema } = serde_json::from_str(json)
        .map_err(|error| format!("it is no report of this tool: {error}"))?;
    if schema != SCHEMA {
        return Err(format!("it has schema version {schema}, this is version {SCHEMA}"));
    }
    serde_json::from_str(json).map_err(|error| format!("it is damaged: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_apart() {
        let told = |json: &str| parse(json).unwrap_err();
        assert!(told("[]").starts_with("it is no report"));
        assert_eq!(told(r#"{"schema": 99}"#), "it has schema version 99, this is version 1");
        assert!(told(r#"{"schema": 1}"#).starts_with("it is damaged: missing field `run`"));
    }
}
