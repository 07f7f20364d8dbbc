//! A cursor over JSON text: one pass, no tree, no allocation.
//!
//! It accepts exactly RFC 8259 (tested against `serde_json`), except that a lone surrogate escape
//! is read as U+FFFD: JavaScript servers do send half an emoji. It knows nothing of shapes.

use compact_str::CompactString;
use std::borrow::Cow;

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// The byte where that shows.
    pub(super) at: usize,
    /// What should stand there.
    pub(super) wants: &'static str,
}

/// A JSON string, still escaped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Str<'a> {
    pub(super) raw: &'a str,
    pub(super) escaped: bool,
}

/// The deepest nesting of arrays and objects.
pub(super) const MAX_DEPTH: u32 = 127;

/// A cursor over JSON text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    text: &'a str,
    pub(super) at: usize,
    depth: u32,
}

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) const fn broken<T>(&self, wants: &'static str) -> Result<T, Broken> {
        Err(Broken { at: self.at, wants })
    }

    /// The first byte of the next token.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Goes past `byte` if it is the next token.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Goes past an opening bracket.
    pub(super) fn open(&mut self) -> Result<(), Broken> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.broken("less nesting");
        }
        self.at += 1;
        Ok(())
    }

    /// Between the entries of an array or object, after its first: whether another one follows.
    /// `first` says that none was read yet.
    pub(super) fn more(&mut self, close: u8, first: bool) -> Result<bool, Broken> {
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                match self.peek() {
                    Some(byte) if byte == close => self.broken("a value"),
                    _ => Ok(true),
                }
            }
            Some(_) if first => Ok(true),
            _ if close == b']' => self.broken("`,` or `]`"),
            _ => self.broken("`,` or `}`"),
        }
    }

    /// The key of an object's next entry, and past the colon.
    pub(super) fn key(&mut self) -> Result<Str<'a>, Broken> {
        if self.peek() != Some(b'"') {
            return self.broken("a key in quotes");
        }
        let key = self.string()?;
        if !self.eat(b':') {
            return self.broken("`:`");
        }
        Ok(key)
    }

    /// The string that starts here.
    pub(super) fn string(&mut self) -> Result<Str<'a>, Broken> {
        self.at += 1;
        let from = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_length(&self.text.as_bytes()[self.at..]);
            match self.byte() {
                Some(b'"') => {
                    let raw = &self.text[from..self.at];
                    self.at += 1;
                    return Ok(Str { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.broken("an escape for the control character"),
                None => return self.broken("a closing quote"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Broken> {
        self.at += 1;
        match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.byte().is_some_and(|b| b.is_ascii_hexdigit()) {
                        return self.broken("four hexadecimal digits");
                    }
                    self.at += 1;
                }
            }
            _ => return self.broken("an escape sequence"),
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let from = self.at;
        while self.byte().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == from {
            return self.broken("a digit");
        }
        Ok(())
    }

    /// The number that starts here, verbatim.
    pub(super) fn number(&mut self) -> Result<&'a str, Broken> {
        let from = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[from..self.at])
    }

    /// Goes past `word` (`true`, `false`, `null`), which must stand here.
    pub(super) fn word(&mut self, word: &'static str) -> Result<(), Broken> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.broken("a JSON value");
        }
        self.at += word.len();
        Ok(())
    }

    /// Goes past the next value, whatever it is, and gives its text.
    pub(super) fn skip(&mut self) -> Result<&'a str, Broken> {
        let first = self.peek();
        let from = self.at;
        match first {
            Some(b'"') => {
                self.string()?;
            }
            Some(b'{') => {
                self.open()?;
                let mut none = true;
                while self.more(b'}', none)? {
                    none = false;
                    self.key()?;
                    self.skip()?;
                }
            }
            Some(b'[') => {
                self.open()?;
                let mut none = true;
                while self.more(b']', none)? {
                    none = false;
                    self.skip()?;
                }
            }
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
            }
            _ => return self.broken("a JSON value"),
        }
        Ok(&self.text[from..self.at])
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), Broken> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.broken("nothing more"),
        }
    }
}

/// How many bytes from the start are neither quote, backslash nor control character. Eight bytes
/// at a time: most of a message is skipped text.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES * 0x80;
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let special = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let found = special & HIGHS;
        if found != 0 {
            // A borrow can mark a byte after the first special one, never one before it.
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes[at..].iter();
    at + rest.take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

impl<'a> Str<'a> {
    /// The text without escapes.
    pub(super) fn plain(&self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }

    /// The same, to keep.
    pub(super) fn keep(&self) -> CompactString {
        match self.plain() {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }

    /// Whether the text without escapes is `text`.
    pub(super) fn is(&self, text: &str) -> bool {
        if self.escaped { self.plain() == text } else { self.raw == text }
    }
}

/// Resolves the escapes of a string that was scanned.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let letter = rest.as_bytes()[at + 1];
        rest = &rest[at + 2..];
        match letter {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let high = hex(rest);
                rest = &rest[4..];
                let pair = (0xd800..0xdc00).contains(&high) && rest.starts_with("\\u");
                let low = if pair { hex(&rest[2..]) } else { 0 };
                if (0xdc00..0xe000).contains(&low) {
                    rest = &rest[6..];
                    let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                } else {
                    out.push(char::from_u32(high).unwrap_or('\u{fffd}'));
                }
            }
            plain => out.push(plain as char),
        }
    }
    out.push_str(rest);
    out
}

fn hex(text: &str) -> u32 {
    u32::from_str_radix(&text[..4], 16).unwrap_or(0xfffd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn skips(text: &str) -> bool {
        let mut scan = Scan::new(text);
        scan.skip().and_then(|_| scan.end()).is_ok()
    }

    fn is_json(text: &str) -> bool {
        serde_json::from_str::<&RawValue>(text).is_ok()
    }

    fn plain(json: &str) -> String {
        Scan::new(json).string().unwrap().plain().into_owned()
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(plain(r#""a\n\"\\\/\u00e9""#), "a\n\"\\/é");
        assert_eq!(plain(r#""\ud83d\ude00""#), "\u{1f600}");
        assert_eq!(plain(r#""\ud83d!""#), "\u{fffd}!");
        assert_eq!(plain(r#""\ud83d\u0041""#), "\u{fffd}A");
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(skips(&nested(127)));
        assert!(!skips(&nested(128)));
        assert!(!skips(&"[".repeat(100_000)));
    }

    fn json_like() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just(":"),
            Just("\"a\""),
            Just("\"\\n\""),
            Just("\"\\x\""),
            Just("\"\\u00e9\""),
            Just("\"\\u00\""),
            Just("1"),
            Just("-0.5e+3"),
            Just("01"),
            Just("1."),
            Just("-"),
            Just("true"),
            Just("nul"),
            Just("null"),
            Just(" "),
            Just("\"\u{1}\""),
            Just("é"),
            Just("\"é\""),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn accepts_what_serde_json_accepts(text in prop_oneof![json_like(), ".{0,40}"]) {
            prop_assert_eq!(skips(&text), is_json(&text), "{}", text);
        }

        #[test]
        fn strings_come_back(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(plain(&json), text);
        }

        #[test]
        fn plain_length_finds_the_first_special_byte(text in "[a-é\"\\\\\u{0}-\u{20}]{0,40}") {
            let bytes = text.as_bytes();
            let slow = bytes.iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..0x20)).count();
            prop_assert_eq!(plain_length(bytes), slow);
        }
    }
}
