//! Where every entry of a shard's history goes: to the meter at once, and many at a time to the judges
//! and to the file.
//!
//! Each judge takes in what waits before the next one begins. There are some twenty of them, and each
//! has code and memory of its own: one entry after the other through all of them would have to
//! fetch all that again and again.

use crate::history::stored::Writer;
use crate::history::{ClientId, Entry, Event, Nanos};
use crate::metric::Meter;
use crate::property::Bench;
use std::fs::File;
use std::io::BufWriter;

/// Entries that wait for the judges, at most.
const BATCH: usize = 512;

/// One shard's recorder.
pub struct Recorder {
    /// What was measured.
    pub meter: Meter,
    /// The judges, unless judging is off.
    bench: Option<Bench>,
    /// What they have not taken in yet.
    waiting: Vec<Entry>,
    /// All entries, if they are to be kept in memory; then none waits.
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
    /// Nothing is measured: nobody asks how fast it was.
    pub unmeasured: bool,
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
            waiting: Vec::new(),
            kept: None,
            writer,
            write_error: None,
            entries: 0,
            last_at: 0,
            deaf: false,
            unmeasured: false,
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
        self.last_at = at.max(self.last_at);
        self.entries += 1;
        self.waiting.push(Entry { at: self.last_at, client, event });
        if !self.unmeasured {
            self.meter.observe(&self.waiting[self.waiting.len() - 1]);
        }
        if self.waiting.len() == BATCH || self.kept.is_some() || self.over {
            self.hand_over();
        }
    }

    /// The judges, unless judging is off; they have taken in everything.
    pub fn judges(&mut self) -> Option<&mut Bench> {
        self.hand_over();
        self.bench.as_mut()
    }

    /// The same, for good.
    pub fn take_judges(&mut self) -> Option<Bench> {
        self.hand_over();
        self.bench.take()
    }

    /// Gives what waits to the judges and to the file.
    fn hand_over(&mut self) {
        if let Some(bench) = &mut self.bench {
            bench.observe_all(&self.waiting);
        }
        let written = match &mut self.writer {
            Some(writer) => self.waiting.iter().try_for_each(|entry| writer.write(entry)),
            None => Ok(()),
        };
        if let Err(error) = written {
            self.give_up_writing(&error);
        }
        match &mut self.kept {
            Some(kept) => kept.append(&mut self.waiting),
            None => self.waiting.clear(),
        }
    }

    /// Brings the file to its end.
    pub fn finish_file(&mut self) {
        self.hand_over();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::stored::{Header, Reader};
    use crate::property::{Charge, merge};
    use std::io::{BufReader, Write};

    #[test]
    fn what_is_judged_many_at_a_time_is_judged_as_one_by_one() {
        let told = |each: bool| {
            let bench = Bench::new(&Charge::default());
            let mut recorder = Recorder::new(Meter::new(1_000_000_000), Some(bench), None);
            recorder.kept = each.then(Vec::new);
            for number in 0..1_000_u64 {
                let client = ClientId(number as u32 % 7);
                recorder.record(number, client, Event::Garbage { what: "?".into() });
                if number == 500 {
                    let state = crate::operation::ConnectionState::Connected;
                    let event = Event::Connection { state, why: "?".into(), caused: false };
                    recorder.record(number, client, event);
                }
            }
            recorder.take_judges().map(Bench::finish)
        };
        assert_eq!(told(true).map(|all| merge([all])), told(false).map(|all| merge([all])));
    }

    #[test]
    fn nothing_that_waits_is_missing_from_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        let header = Header { schema: 1, run: "r".into(), spec: "s".into(), shard: 0 };
        let writer = Writer::new(BufWriter::new(file.try_clone().unwrap()), &header).unwrap();
        let mut recorder = Recorder::new(Meter::new(1_000_000_000), None, Some(writer));
        for at in 0..300 {
            recorder.record(at, ClientId(0), Event::Ready);
        }
        recorder.finish_file();
        file.flush().unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let read = Reader::new(BufReader::new(file)).unwrap();
        let times: Vec<Nanos> = read.map(|entry| entry.unwrap().at).collect();
        assert_eq!(times, (0..300).collect::<Vec<Nanos>>());
    }
}
