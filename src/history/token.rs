//! The witness: a short unique word in each message's text that ties every delivery to its send,
//! also where the server echoes no key, rewrites ids or sanitises the text.
//!
//! It is 14 characters of `[a-z2-7]`, which no sanitiser touches: the mark `qz`, then 60 bits in
//! base 32: 12 of the run, 40 of the message, 8 of a checksum.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

const MARK: &str = "qz";
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of a token in a text.
pub const LENGTH: usize = 14;

/// A message's witness: 12 bits of the run and 40 bits of the message. Stored as its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(u64);

impl Token {
    /// The token of message `number` (40 bits are kept) in run `run` (12 bits are kept).
    #[must_use]
    pub const fn new(run: u16, number: u64) -> Self {
        Self(((run as u64 & 0xfff) << 40) | (number & 0xff_ffff_ffff))
    }

    /// The run's part.
    #[must_use]
    pub const fn run(self) -> u16 {
        (self.0 >> 40) as u16
    }

    /// The message's part.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0 & 0xff_ffff_ffff
    }

    /// Finds the first valid token in a text.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let mut from = 0;
        while let Some(start) = text[from..].find(MARK).map(|index| from + index) {
            if let Some(token) = Self::read(&text.as_bytes()[start + MARK.len()..]) {
                return Some(token);
            }
            from = start + 1;
        }
        None
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let digits = bytes.get(..LENGTH - MARK.len())?;
        let mut bits = 0_u64;
        for byte in digits {
            let digit = match byte {
                b'a'..=b'z' => byte - b'a',
                b'2'..=b'7' => byte - b'2' + 26,
                _ => return None,
            };
            bits = bits << 5 | u64::from(digit);
        }
        let token = Self(bits >> 8);
        (u64::from(token.checksum()) == bits & 0xff).then_some(token)
    }

    const fn checksum(self) -> u8 {
        (self.0.wrapping_add(0x5d).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0 << 8 | u64::from(self.checksum());
        let mut word = [0_u8; LENGTH];
        word[..2].copy_from_slice(MARK.as_bytes());
        for (index, byte) in word[2..].iter_mut().enumerate() {
            *byte = DIGITS[(bits >> (55 - 5 * index)) as usize & 31];
        }
        f.write_str(std::str::from_utf8(&word).expect("base 32 digits are ASCII"))
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl de::Visitor<'_> for Word {
            type Value = Token;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a token such as `qzabaaaaaaaa4q`")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Token, E> {
                let whole = Token::find(word).filter(|_| word.len() == LENGTH);
                whole.ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
            }
        }
        deserializer.deserialize_str(Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_token_is_found_again_in_any_text(
            run in 0_u16..4096, number in 0_u64..1 << 40, before in "\\PC{0,20}", after in "\\PC{0,20}"
        ) {
            let token = Token::new(run, number);
            let text = format!("{before}{token}{after}");
            prop_assert_eq!(text.len() - before.len() - after.len(), LENGTH);
            // Chance may put another valid token in front; with an 8-bit checksum that is rare and
            // needs 14 matching characters, which the generator does not make.
            prop_assert_eq!(Token::find(&text), Some(token));
            prop_assert_eq!((token.run(), token.number()), (run, number));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Token::find(&text);
        }
    }

    #[test]
    fn a_damaged_token_is_not_another() {
        let word = Token::new(7, 1234).to_string();
        assert_eq!(Token::find(&word[..13]), None);
        let damaged = word.replace(&word[5..6], if &word[5..6] == "a" { "b" } else { "a" });
        assert_eq!(Token::find(&damaged), None);
    }
}
