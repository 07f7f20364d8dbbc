//! The texts of messages, each made once: what is sent now arrives within moments, at everybody.
//!
//! A text follows from its token, but making it costs as much as reading a packet does. It knows no
//! server and no time: a place that another text needs is simply taken.

use crate::history::Token;
use crate::plan::{Lengths, text};

/// Texts that are remembered, each at the place that its token says.
const PLACES: usize = 256;

/// Makes the texts of messages.
#[derive(Debug)]
pub(super) struct Wording {
    lengths: Lengths,
    places: Vec<(Option<Token>, String)>,
}

impl Wording {
    pub(super) fn new(lengths: Lengths) -> Self {
        Self { lengths, places: vec![(None, String::new()); PLACES] }
    }

    /// The text of this token.
    pub(super) fn of(&mut self, token: Token) -> &str {
        let (known, words) = &mut self.places[place(token)];
        if *known != Some(token) {
            *known = Some(token);
            words.clear();
            text::write(token, &self.lengths, words);
        }
        words
    }
}

/// Tokens that are close to one another, in one cell or in neighbouring ones, have different places.
fn place(token: Token) -> usize {
    const BITS: u32 = PLACES.ilog2();
    (token.number().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_whether_or_not_it_is_remembered() {
        let lengths = Lengths::from(200);
        let mut wording = Wording::new(lengths.clone());
        let mut fresh = String::new();
        for number in (0..2_000).chain(0..300).chain(0..300) {
            let token = Token::new(3, number << 20 | number);
            fresh.clear();
            text::write(token, &lengths, &mut fresh);
            assert_eq!(wording.of(token), fresh);
        }
    }

    #[test]
    fn neighbours_do_not_push_one_another_out() {
        let places = |tokens: &mut dyn Iterator<Item = u64>| {
            let mut places: Vec<usize> = tokens.map(|n| place(Token::new(3, n))).collect();
            places.sort_unstable();
            places.dedup();
            places.len()
        };
        assert!(places(&mut (0..100)) > 90, "of one cell");
        assert!(places(&mut (0..100).map(|cell| cell << 24)) > 75, "of many cells");
    }
}
