//! A string with holes: a path, a header, a query parameter, a string inside JSON.

use crate::scalar::{Scalar, escape_json};
use crate::spec::bindings::{Bindings, Hole};
use crate::spec::shape::{Slot, Unbound, WhenUnbound};
use compact_str::CompactString;
use std::borrow::Cow;

/// A string with holes, compiled.
#[derive(Clone, Debug)]
pub struct Text {
    parts: Vec<Part>,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(Box<str>),
    Hole(Slot),
    Anything,
}

impl Text {
    pub(super) const fn new(parts: Vec<Part>) -> Self {
        Self { parts }
    }

    /// A text without holes.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { parts: vec![Part::Literal(text.into())] }
    }

    /// The text with `prefix` before it.
    pub(super) fn after(mut self, prefix: &str) -> Self {
        match self.parts.first_mut() {
            _ if prefix.is_empty() => {}
            Some(Part::Literal(first)) => *first = format!("{prefix}{first}").into(),
            _ => self.parts.insert(0, Part::Literal(prefix.into())),
        }
        self
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(super) fn is_optional(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Hole(slot) if slot.is_optional()))
    }

    pub(super) fn has_anything(&self) -> bool {
        self.parts.contains(&Part::Anything)
    }

    /// Appends the text with its holes filled, percent-encoded if `percent`. `Ok(false)`: an
    /// optional hole is unbound, and nothing was appended.
    ///
    /// # Errors
    /// A required hole is unbound; `out` is left as it was.
    pub fn fill(
        &self,
        bindings: &Bindings,
        percent: bool,
        out: &mut String,
    ) -> Result<bool, Unbound> {
        let before = out.len();
        for part in &self.parts {
            let slot = match part {
                Part::Literal(text) => {
                    out.push_str(text);
                    continue;
                }
                Part::Anything => continue,
                Part::Hole(slot) => slot,
            };
            let scalar = match (bindings.get(slot.hole), &slot.unbound) {
                (Some(scalar), _) | (None, WhenUnbound::Send(scalar)) => scalar,
                (None, WhenUnbound::LeaveOut) => {
                    out.truncate(before);
                    return Ok(false);
                }
                (None, WhenUnbound::Refuse) => {
                    out.truncate(before);
                    return Err(Unbound(slot.hole));
                }
            };
            if percent {
                percent_encode(&scalar.text(), out);
            } else {
                out.push_str(&scalar.text());
            }
        }
        Ok(true)
    }

    /// Matches a string and binds the holes in it. With `percent` they are percent-decoded, and a
    /// hole is not empty and holds none of `/ ? & #`. A hole ends where the literal after it first
    /// occurs. If it doesn't match, `bindings` is left as it was.
    #[must_use]
    pub fn matches(&self, text: &str, percent: bool, bindings: &mut Bindings) -> bool {
        let mark = bindings.mark();
        let matched = self.bind(text, percent, bindings).is_some();
        if !matched {
            bindings.truncate(mark);
        }
        matched
    }

    fn bind(&self, text: &str, percent: bool, bindings: &mut Bindings) -> Option<()> {
        let mut rest = text;
        let mut parts = self.parts.iter().enumerate().peekable();
        while let Some((_, part)) = parts.next() {
            if let Part::Literal(literal) = part {
                rest = rest.strip_prefix(&**literal)?;
                continue;
            }
            let end = match parts.peek() {
                Some((index, Part::Literal(next))) if index + 1 == self.parts.len() => {
                    rest.len() - rest.ends_with(&**next).then_some(next.len())?
                }
                Some((_, Part::Literal(next))) => rest.find(&**next)?,
                _ => rest.len(),
            };
            let (value, after) = rest.split_at(end);
            rest = after;
            if let Part::Hole(slot) = part {
                let value = if percent { segment(value)? } else { Cow::Borrowed(value) };
                let scalar = Scalar::Text(CompactString::from(value));
                bindings.unify(slot.hole, scalar).then_some(())?;
            }
        }
        rest.is_empty().then_some(())
    }

    /// The holes the text mentions, and whether each is optional.
    #[must_use]
    pub fn holes(&self) -> Vec<(Hole, bool)> {
        let slots = self.parts.iter().filter_map(|part| match part {
            Part::Hole(slot) => Some((slot.hole, slot.is_optional())),
            _ => None,
        });
        slots.collect()
    }
}

/// Appends a scalar as it stands inside a JSON string.
pub(super) fn write_inside(scalar: &Scalar, out: &mut String) {
    escape_json(&scalar.text(), out);
}

/// A hole's value in a URL.
fn segment(raw: &str) -> Option<Cow<'_, str>> {
    if raw.is_empty() || raw.contains(['/', '?', '&', '#']) {
        return None;
    }
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Appends `text` with everything percent-encoded that has a meaning in a URL.
fn percent_encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte as char);
        } else {
            out.push('%');
            out.push(HEX[usize::from(byte >> 4)] as char);
            out.push(HEX[usize::from(byte & 15)] as char);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::bindings::HoleTable;
    use proptest::prelude::*;

    fn text(source: &str) -> (Text, HoleTable) {
        let mut holes = HoleTable::new();
        let text = Text::parse(source, &mut holes).unwrap();
        (text, holes)
    }

    #[test]
    fn a_path_encodes_its_holes() {
        let (path, _) = text("/api/conversations/$conversation/messages");
        let bindings = Bindings::new().with(Hole::CONVERSATION, "a/b c?é");
        let mut out = String::new();
        assert_eq!(path.fill(&bindings, true, &mut out), Ok(true));
        assert_eq!(out, "/api/conversations/a%2Fb%20c%3F%C3%A9/messages");
        let mut back = Bindings::new();
        assert!(path.matches(&out, true, &mut back));
        assert_eq!(back.get(Hole::CONVERSATION), Some(&Scalar::from("a/b c?é")));
        assert!(!path.matches("/api/conversations//messages", true, &mut back));
        assert!(!path.matches("/api/conversations/a/b/messages", true, &mut back));
    }

    #[test]
    fn an_optional_text_is_left_out() {
        let (header, _) = text("Bearer $token?");
        let mut out = String::from("x");
        assert_eq!(header.fill(&Bindings::new(), false, &mut out), Ok(false));
        assert_eq!(out, "x");
        let (header, _) = text("Bearer $token");
        let refused = header.fill(&Bindings::new(), false, &mut out);
        assert_eq!(refused, Err(Unbound(Hole::TOKEN)));
        assert_eq!(out, "x");
        let (limit, _) = text("$limit|20");
        assert_eq!(limit.fill(&Bindings::new(), false, &mut out), Ok(true));
        assert_eq!(out, "x20");
    }

    #[test]
    fn a_bound_hole_must_be_equal() {
        let (room, _) = text("chat:${conversation}/$user");
        let mut bindings = Bindings::new().with(Hole::CONVERSATION, 7i64);
        assert!(!room.matches("chat:8/3", false, &mut bindings));
        assert_eq!(bindings.mark(), 1);
        assert!(room.matches("chat:7/3", false, &mut bindings));
        assert_eq!(bindings.get(Hole::USER), Some(&Scalar::from("3")));
    }

    proptest! {
        #[test]
        fn filled_then_matched_gives_the_bindings_back(value in "\\PC{1,12}", percent: bool) {
            prop_assume!(percent || !value.contains('/'));
            let (text, _) = text("/a/$user/b/$$/${peer}!");
            let bound = Bindings::new().with(Hole::USER, &*value).with(Hole::PEER, 5i64);
            let mut out = String::new();
            text.fill(&bound, percent, &mut out).unwrap();
            let mut back = Bindings::new();
            prop_assert!(text.matches(&out, percent, &mut back), "{}", out);
            prop_assert_eq!(back.get(Hole::USER), bound.get(Hole::USER));
            prop_assert_eq!(back.get(Hole::PEER), bound.get(Hole::PEER));
        }

        #[test]
        fn no_text_makes_matching_panic(value in "[%a-fé/&0-9]{0,12}", percent: bool) {
            let (text, _) = text("$user-${peer}");
            let mut back = Bindings::new();
            let matched = text.matches(&value, percent, &mut back);
            prop_assert_eq!(matched, back.mark() > 0);
        }
    }
}
