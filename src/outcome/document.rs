//! How results are kept: JSON that says which version its shape has, and which kind of result it is.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A result as JSON, indented, with a newline at the end.
///
/// # Panics
/// Its maps have keys that are no text; no result's have.
#[must_use]
pub fn write(result: &impl Serialize) -> String {
    let mut json = serde_json::to_string_pretty(result).expect("a result is plain data");
    json.push('\n');
    json
}

/// Which kind of result it says it is, whatever its version.
#[must_use]
pub fn kind(json: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Kind {
        kind: Option<String>,
    }
    serde_json::from_str(json).ok().and_then(|Kind { kind }| kind)
}

/// The result that was written, if its shape is of this version; `noun` is what it ought to be.
///
/// # Errors
/// What is wrong with the text: another version, damage, or nothing of ours at all.
pub fn read<T: DeserializeOwned>(json: &str, noun: &str, version: u32) -> Result<T, String> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let Versioned { schema } = serde_json::from_str(json)
        .map_err(|error| format!("it is no {noun} of this tool: {error}"))?;
    if schema != version {
        return Err(format!("it has schema version {schema}, this is version {version}"));
    }
    serde_json::from_str(json).map_err(|error| format!("it is damaged: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Result {
        schema: u32,
        kind: String,
        value: u8,
    }

    fn told(json: &str) -> String {
        read::<Result>(json, "report", 1).unwrap_err()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let result = Result { schema: 1, kind: "sum".into(), value: 7 };
        let json = write(&result);
        assert!(json.ends_with("}\n"));
        assert_eq!(kind(&json).as_deref(), Some("sum"));
        assert_eq!(read(&json, "report", 1), Ok(result));
    }

    #[test]
    fn mistakes_are_told_apart() {
        assert_eq!(kind("{\"schema\": 1}"), None);
        assert_eq!(kind("["), None);
        assert!(told("[]").starts_with("it is no report of this tool: "));
        assert_eq!(told(r#"{"schema": 99}"#), "it has schema version 99, this is version 1");
        assert!(told(r#"{"schema": 1}"#).starts_with("it is damaged: missing field `kind`"));
    }
}
