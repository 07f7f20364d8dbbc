//! The words of a line, taken one after the other.

use super::Parsed;

/// The words of one deed, one after the other.
pub(super) struct Words<'a> {
    pub(super) words: Vec<&'a str>,
    pub(super) next: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { words: text.split_whitespace().collect(), next: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).copied()
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        let word = self.peek();
        self.next += 1;
        word
    }

    /// Takes these words if they come next.
    pub(super) fn take(&mut self, marker: &[&str]) -> bool {
        let found = self.words[self.next.min(self.words.len())..].starts_with(marker);
        if found {
            self.next += marker.len();
        }
        found
    }

    pub(super) fn rest(&self) -> &[&'a str] {
        &self.words[self.next.min(self.words.len())..]
    }

    pub(super) fn end(&self) -> Parsed<()> {
        match self.peek() {
            Some(word) => Err(format!("`{word}` has no meaning here")),
            None => Ok(()),
        }
    }
}
