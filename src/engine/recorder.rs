//! Where every entry of a shard's history goes: to the judges, to the meter and to the file.

use crate::history::stored::Writer;
use crate::history::{ClientId, Entry, Event, Nanos};
use crate::metric::Meter;
use crate::property::Bench;
use std::fs::File;
use std::io::BufWriter;

/// One shard's recorder.
pub struct Recorder {
    /// What was measured.
    pub meter: Meter,
    /// The judges, unless judging is off.
    pub bench: Option<Bench>,
    /// All entries, if they are to be kept in memory.
    pub kept: Option<Vec<Entry>>,
    writer: Option<Writer<BufWriter<File>>>,
    /// The first thing that went wrong while writing; writing stops there, the run goes on.
    pub write_error: Option<String>,
    /// How many entries there were.
    pub entries: u64,
    /// When the last one was.
    pub last_at: Nanos,
    /// Nothing is recorded, but when something last happened.
    pub deaf: bool,
    /// The run is over; how the clients leave is nobody's business.
    over: bool,
}

impl Recorder {
    /// A recorder with judges or without, and with a file or without.
    #[must_use]
    pub const fn new(
        meter: Meter,
        bench: Option<Bench>,
        writer: Option<Writer<BufWriter<File>>>,
    ) -> Self {
        Self {
            meter,
            bench,
            kept: None,
            writer,
            write_error: None,
            entries: 0,
            last_at: 0,
            deaf: false,
            over: false,
        }
    }

    /// Takes an entry. Entries come in the order of time; after the phase `end` none is taken.
    pub fn record(&mut self, at: Nanos, client: ClientId, event: Event) {
        if self.over {
            return;
        }
        if self.deaf {
            self.last_at = at;
            return;
        }
        self.over = matches!(&event, Event::Phase { name } if name == "end");
        debug_assert!(at >= self.last_at, "the history goes forwards");
        let entry = Entry { at: at.max(self.last_at), client, event };
        self.last_at = entry.at;
        self.entries += 1;
        self.meter.observe(&entry);
        if let Some(bench) = &mut self.bench {
            bench.observe(&entry);
        }
        if let Some(writer) = &mut self.writer
            && let Err(error) = writer.write(&entry)
        {
            self.give_up_writing(&error);
        }
        if let Some(kept) = &mut self.kept {
            kept.push(entry);
        }
    }

    /// Brings the file to its end.
    pub fn finish_file(&mut self) {
        if let Some(writer) = self.writer.take()
            && let Err(error) = writer.finish()
        {
            self.give_up_writing(&error);
        }
    }

    fn give_up_writing(&mut self, error: &std::io::Error) {
        self.writer = None;
        self.write_error.get_or_insert_with(|| error.to_string());
    }
}
