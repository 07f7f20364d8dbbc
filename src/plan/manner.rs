//! How an operation is asked where a server knows several ways: the channel, the pages of a read, the
//! words of a search.

use compact_str::{CompactString, format_compact};
use std::time::Duration;

/// How an operation is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Over this channel of the spec; without, over the first.
    pub via: Option<CompactString>,
    /// In pages of so many rows; without, as the spec says.
    pub rows: Option<u32>,
    /// The pause before each page but the first.
    pub pause: Duration,
    /// It needs no connection: it is asked at once, whether there is one or not.
    pub apart: bool,
    /// A search for a text that nobody has written, but that many query languages take for a pattern.
    pub pattern: bool,
}

impl Manner {
    /// As usual.
    pub const USUAL: Self =
        Self { via: None, rows: None, pause: Duration::ZERO, apart: false, pattern: false };

    /// What is searched for, to find this word.
    #[must_use]
    pub fn query(&self, word: &str) -> CompactString {
        let kept = word.get(..KEPT).filter(|_| self.pattern);
        kept.map_or_else(|| word.into(), |kept| format_compact!("{kept}_%"))
    }
}

/// Characters of a word that stay in a pattern for it.
const KEPT: usize = 8;
