//! The stored form of a history: lines of JSON, a header first, then one line per entry.
//!
//! `docs/history.md` describes the lines. A history that was cut off (a crash, a full disk) can be
//! read up to the cut. Nothing here knows files: it writes to and reads from whatever it is given.
//! Start with [`Writer`] and [`Reader`].

use crate::history::Entry;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, BufRead, Read, Write};

/// The version of the stored form.
pub const SCHEMA: u32 = 1;

/// No line of a history is longer than this many bytes; a longer one is damage.
const LONGEST: u64 = 1 << 20;

/// The first line: whose history this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the form ([`SCHEMA`]).
    #[serde(rename = "assize-history")]
    pub schema: u32,
    /// The run it belongs to.
    pub run: String,
    /// The spec it is judged by.
    pub spec: String,
    /// The shard that recorded it.
    pub shard: u32,
}

/// Writes entries as lines. Give it a buffered writer; a line is one `write_all`.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a history with its header.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn new(out: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { out, line: Vec::with_capacity(256) };
        writer.put(header)?;
        Ok(writer)
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn write(&mut self, entry: &Entry) -> io::Result<()> {
        self.put(entry)
    }

    /// Flushes, and gives the writer below back.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn put(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }
}

/// Reads the entries of a stored history. A damaged line is an error with its number; the lines
/// after it can still be read. A last line that was cut off is [`Flaw::Truncated`].
#[derive(Debug)]
pub struct Reader<R: BufRead> {
    input: R,
    header: Header,
    line: Vec<u8>,
    number: u64,
    over: bool,
}

/// What is wrong with a stored history.
#[derive(Debug)]
pub struct Damaged {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong there.
    pub what: Flaw,
}

/// What is wrong with a line.
#[derive(Debug)]
pub enum Flaw {
    /// It cannot be read.
    Io(io::Error),
    /// It ends in the middle: the recording was cut off.
    Truncated,
    /// It is longer than any entry.
    TooLong,
    /// It is not an entry (or, in line 1, not a header).
    NotAnEntry(serde_json::Error),
    /// The header names a version that this program does not know.
    Schema(u32),
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// There is none, or it is one of another version.
    pub fn new(input: R) -> Result<Self, Damaged> {
        let header = Header { schema: 0, run: String::new(), spec: String::new(), shard: 0 };
        let mut reader = Self { input, header, line: Vec::new(), number: 0, over: false };
        let damaged = |what| Damaged { line: 1, what };
        if !reader.next_line()? {
            return Err(damaged(Flaw::Truncated));
        }
        reader.header = reader.parse()?;
        match reader.header.schema {
            SCHEMA => Ok(reader),
            other => Err(damaged(Flaw::Schema(other))),
        }
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Gets the next line; `false` at the end.
    fn next_line(&mut self) -> Result<bool, Damaged> {
        self.line.clear();
        self.number += 1;
        let line = self.number;
        let read = (&mut self.input).take(LONGEST).read_until(b'\n', &mut self.line);
        let what = match read {
            Ok(0) => return Ok(false),
            Ok(length) if length as u64 == LONGEST && self.line.last() != Some(&b'\n') => {
                Flaw::TooLong
            }
            Ok(_) => return Ok(true),
            Err(error) => Flaw::Io(error),
        };
        self.over = true;
        Err(Damaged { line, what })
    }

    fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Damaged> {
        let whole = self.line.last() == Some(&b'\n');
        serde_json::from_slice(&self.line).map_err(|error| {
            let what = if whole { Flaw::NotAnEntry(error) } else { Flaw::Truncated };
            Damaged { line: self.number, what }
        })
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Entry, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        match self.next_line() {
            Ok(true) => Some(self.parse()),
            Ok(false) => {
                self.over = true;
                None
            }
            Err(damaged) => Some(Err(damaged)),
        }
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, what } = self;
        match what {
            Flaw::Io(error) => write!(f, "line {line}: cannot be read: {error}"),
            Flaw::Truncated if *line == 1 => {
                f.write_str("line 1: no header\nhint: is it a history that a run wrote?")
            }
            Flaw::Truncated => write!(
                f,
                "line {line}: cut off\nhint: the run was stopped while it wrote; the lines before are whole"
            ),
            Flaw::TooLong => write!(f, "line {line}: longer than {LONGEST} bytes"),
            Flaw::NotAnEntry(error) if *line == 1 => {
                write!(f, "line 1: not a header: {error}\nhint: is it a history that a run wrote?")
            }
            Flaw::NotAnEntry(error) => write!(f, "line {line}: not an entry: {error}"),
            Flaw::Schema(found) => write!(
                f,
                "line 1: the history has version {found}, this program reads version {SCHEMA}\n\
                 hint: judge it with the version of the program that wrote it"
            ),
        }
    }
}

impl std::error::Error for Damaged {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::arbitrary::entry;
    use crate::history::{Carrier, ClientId, ConversationId, Damage, Event, Seen, Token};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn header() -> Header {
        Header { schema: SCHEMA, run: "r1".into(), spec: "callback-ack".into(), shard: 3 }
    }

    fn stored(entries: &[Entry]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), &header()).unwrap();
        for entry in entries {
            writer.write(entry).unwrap();
        }
        writer.finish().unwrap()
    }

    proptest! {
        #[test]
        fn entries_come_back_as_they_were(entries in vec(entry(), 0..20)) {
            let bytes = stored(&entries);
            let reader = Reader::new(bytes.as_slice()).unwrap();
            prop_assert_eq!(reader.header(), &header());
            let read: Vec<Entry> = reader.map(Result::unwrap).collect();
            prop_assert_eq!(read, entries);
        }

        #[test]
        fn a_cut_history_is_read_up_to_the_cut(entries in vec(entry(), 1..8), cut in 0.0..1.0) {
            let bytes = stored(&entries);
            let first = stored(&[]).len();
            let length = first + ((bytes.len() - first) as f64 * cut) as usize;
            let read: Vec<_> = Reader::new(&bytes[..length]).unwrap().collect();
            let whole: Vec<&Entry> = read.iter().filter_map(|line| line.as_ref().ok()).collect();
            prop_assert_eq!(&whole[..], &entries.iter().take(whole.len()).collect::<Vec<_>>()[..]);
            for damaged in read.iter().skip(whole.len()) {
                let damaged = damaged.as_ref().unwrap_err();
                prop_assert!(matches!(damaged.what, Flaw::Truncated));
                prop_assert_eq!(damaged.line, whole.len() as u64 + 2);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
            let mut all = stored(&[]);
            all.extend(bytes);
            for line in Reader::new(all.as_slice()).unwrap() {
                let _ = line.map_err(|damaged| damaged.to_string());
            }
        }
    }

    #[test]
    fn a_line_is_short_and_readable() {
        let token = Token::new(7, 1);
        let seen = Seen {
            by: Carrier::Live,
            conversation: Some(ConversationId(3)),
            token: Some(token),
            key: None,
            id: Some("1002".into()),
            order: Some(5),
            sender: Some("100001".into()),
            text: Damage::Intact,
        };
        let entry = Entry { at: 17, client: ClientId(2), event: Event::Message(seen) };
        let bytes = stored(&[entry]);
        let lines: Vec<&str> = std::str::from_utf8(&bytes).unwrap().lines().collect();
        assert_eq!(lines[0], r#"{"assize-history":1,"run":"r1","spec":"callback-ack","shard":3}"#);
        let expected = format!(
            r#"{{"t":17,"c":2,"e":{{"message":{{"by":"live","in":3,"token":"{token}","id":"1002","order":5,"from":"100001"}}}}}}"#
        );
        assert_eq!(lines[1], expected);
    }

    #[test]
    fn a_damaged_line_is_named_and_the_rest_is_read() {
        let ready = Entry { at: 1, client: ClientId(2), event: Event::Ready };
        let mut bytes = stored(std::slice::from_ref(&ready));
        bytes.extend_from_slice(b"{\"t\":2,\"c\":2,\"e\":\"unheard-of\"}\n");
        bytes.extend_from_slice(&stored(std::slice::from_ref(&ready))[stored(&[]).len()..]);
        let read: Vec<_> = Reader::new(bytes.as_slice()).unwrap().collect();
        assert_eq!(read.len(), 3);
        assert_eq!(read[2].as_ref().unwrap(), &ready);
        let said = read[1].as_ref().unwrap_err().to_string();
        assert!(said.starts_with("line 3: not an entry: unknown variant `unheard-of`"), "{said}");
    }

    #[test]
    fn what_is_no_history_is_said() {
        let says = |bytes: &[u8]| Reader::new(bytes).unwrap_err().to_string();
        assert!(says(b"").starts_with("line 1: no header"));
        assert!(says(b"{\"x\":1}\n").starts_with("line 1: not a header: missing field"));
        let newer = b"{\"assize-history\":9,\"run\":\"\",\"spec\":\"\",\"shard\":0}\n";
        assert!(says(newer).starts_with("line 1: the history has version 9"));
        assert!(says(&vec![b'x'; 2 << 20]).starts_with("line 1: longer than"));
    }
}
