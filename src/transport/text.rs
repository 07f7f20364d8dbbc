//! Received text: a slice of the buffer it arrived in, cheap to clone and to cut.

use std::ops::{Deref, Range};

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::wire::{WireError, polling};

/// A piece of received text.
///
/// It keeps the whole buffer it was received in alive: copy what is to be stored for long.
#[derive(Debug, Clone)]
pub struct Text {
    whole: Utf8Bytes,
    start: usize,
    end: usize,
}

impl Text {
    /// The text of an HTTP body.
    ///
    /// # Errors
    /// [`WireError::NotUtf8`], or [`WireError::EngineIo3`] for a body framed by binary lengths.
    pub fn of_body(body: Bytes) -> Result<Text, WireError> {
        polling::text_of(&body)?;
        Utf8Bytes::try_from(body)
            .map(Text::from)
            .map_err(|_| WireError::NotUtf8 { offset: 0, piece: String::new() })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.whole.get(self.start..self.end).unwrap_or_default()
    }

    /// A piece of it, counted in bytes; empty where the range is not one of this text.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Text {
        let (start, end) = match self.as_str().get(range.clone()) {
            Some(_) => (self.start + range.start, self.start + range.end),
            None => (self.end, self.end),
        };
        Text { whole: self.whole.clone(), start, end }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<Utf8Bytes> for Text {
    fn from(whole: Utf8Bytes) -> Self {
        let end = whole.len();
        Text { whole, start: 0, end }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text::from(Utf8Bytes::from(text))
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_from_pieces() {
        let text = Text::from("42[\"é\"]".to_owned());
        let inner = text.slice(1..text.len());
        assert_eq!(inner, "2[\"é\"]");
        assert_eq!(inner.slice(1..2), "[");
        assert_eq!(inner.slice(4..5), "", "not a boundary");
        assert_eq!(inner.slice(0..99), "");
    }

    #[test]
    fn bodies_are_checked() {
        assert_eq!(Text::of_body(Bytes::from_static(b"4a")).unwrap(), "4a");
        assert!(Text::of_body(Bytes::from_static(b"4\xff")).is_err());
    }
}
