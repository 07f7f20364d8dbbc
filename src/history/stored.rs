//! The stored form of a history: a header line, then one JSON line per entry.

use crate::history::Entry;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The run's number.
    pub run: u64,
    /// The spec's name.
    pub spec: String,
    /// The shard.
    pub shard: u32,
}

/// Writes entries.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Begins with the header.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(mut out: W, header: &Header) -> io::Result<Self> {
        serde_json::to_writer(&mut out, header)?;
        out.write_all(b"\n")?;
        Ok(Self { out })
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, entry)?;
        self.out.write_all(b"\n")
    }

    /// Flushes.
    ///
    /// # Errors
    /// What `out` says.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}
