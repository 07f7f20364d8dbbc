//! `report.json` of a conformance run: the value as it is.

use crate::outcome::Conformance;
use crate::outcome::conformance::SCHEMA;
use serde::Deserialize;

/// The run as JSON, indented, with a newline at the end.
#[must_use]
pub fn render(run: &Conformance) -> String {
    let mut json = serde_json::to_string_pretty(run).expect("an outcome is plain data");
    json.push('\n');
    json
}

/// Whether a report is that of a conformance run.
#[must_use]
pub fn is_one(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        kind: Option<String>,
    }
    let kind = serde_json::from_str(json).ok().and_then(|Kind { kind }| kind);
    kind.as_deref() == Some(Conformance::KIND)
}

/// The run that was rendered.
///
/// # Errors
/// What is wrong with the text: another schema version, or not a report at all.
pub fn parse(json: &str) -> Result<Conformance, String> {
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
    fn what_is_written_is_read_back() {
        let run = Conformance { schema: SCHEMA, spec: "mine".into(), ..Conformance::default() };
        let json = render(&run);
        assert!(is_one(&json));
        assert_eq!(parse(&json).unwrap(), run);
        assert!(!is_one("{\"schema\": 1}") && !is_one("[]"));
        assert!(parse("{\"schema\": 99}").unwrap_err().contains("version 99"));
    }
}
