//! `report.json` of a conformance run: the value as it is.

use crate::outcome::conformance::SCHEMA;
use crate::outcome::{Conformance, document};

/// The run as JSON, indented, with a newline at the end.
#[must_use]
pub fn render(run: &Conformance) -> String {
    document::write(run)
}

/// Whether a report is that of a conformance run.
#[must_use]
pub fn is_one(json: &str) -> bool {
    document::kind(json).as_deref() == Some(Conformance::KIND)
}

/// The run that was rendered.
///
/// # Errors
/// What is wrong with the text: another schema version, or not a report at all.
pub fn parse(json: &str) -> Result<Conformance, String> {
    document::read(json, "report", SCHEMA)
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
