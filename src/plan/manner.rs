//! How an operation is asked where a server knows several ways: the channel, and the pages of a read.

use compact_str::CompactString;
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
}

impl Manner {
    /// As usual.
    pub const USUAL: Self = Self { via: None, rows: None, pause: Duration::ZERO, apart: false };
}
