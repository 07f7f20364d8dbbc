//! The value that a hole of a shape holds.
//!
//! What a server calls `17` here it may call `"17"` there, and 64-bit ids do not fit a float: so a
//! scalar keeps the JSON it came as, is written back as it came, and is compared as text.
//! It knows nothing of what the value means.

use compact_str::{CompactString, ToCompactString};
use std::borrow::Cow;
use std::fmt;

/// A JSON value bound to a hole. Equality is equality of [`Scalar::text`].
#[derive(Clone, Debug)]
pub enum Scalar {
    /// JSON `null`.
    Null,
    /// JSON `true` or `false`.
    Bool(bool),
    /// A JSON integer that fits 64 bits.
    Int(i64),
    /// A JSON string, unescaped.
    Text(CompactString),
    /// Any other JSON (a float, a large integer, an object, an array), verbatim.
    Json(Box<str>),
    /// A list made by the harness (the members of a conversation); written as a JSON array.
    List(Vec<Scalar>),
}

impl Scalar {
    /// The value as plain text: a string without its quotes, a number as its digits.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed("null"),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
            Self::Json(json) => Cow::Borrowed(json),
            Self::List(_) => {
                let mut json = String::new();
                self.write_json(&mut json);
                Cow::Owned(json)
            }
        }
    }

    /// The value as an id, inline for up to 24 bytes.
    #[must_use]
    pub fn id(&self) -> CompactString {
        match self {
            Self::Text(text) => text.clone(),
            Self::Int(number) => number.to_compact_string(),
            other => other.text().to_compact_string(),
        }
    }

    /// Appends the value as JSON.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_json_string(text, out),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            other => out.push_str(&other.text()),
        }
    }
}

/// Appends `text` as a JSON string with its quotes.
pub fn write_json_string(text: &str, out: &mut String) {
    out.push('"');
    escape_json(text, out);
    out.push('"');
}

/// Appends `text` as it stands between the quotes of a JSON string.
pub fn escape_json(text: &str, out: &mut String) {
    let mut plain_from = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain_from..index]);
        plain_from = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.push_str("\\u00");
                out.push(HEX[usize::from(control >> 4)] as char);
                out.push(HEX[usize::from(control & 15)] as char);
            }
        }
    }
    out.push_str(&text[plain_from..]);
}

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            _ => self.text() == other.text(),
        }
    }
}

impl Eq for Scalar {}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl From<i64> for Scalar {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_equals_its_string() {
        assert_eq!(Scalar::Int(17), Scalar::from("17"));
        assert_ne!(Scalar::Int(17), Scalar::from("017"));
    }

    #[test]
    fn strings_are_escaped_as_json_wants() {
        let text = "a\"b\\c\nd\u{1}é\u{1f600}";
        let mut json = String::new();
        write_json_string(text, &mut json);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
