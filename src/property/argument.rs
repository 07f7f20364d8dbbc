//! The words of an argument: what happened, told per client and in time order.

use crate::history::{ClientId, ConversationId, Nanos, Token};
use crate::verdict::{Exhibit, Violation};
use compact_str::CompactString;
use smallvec::SmallVec;

/// Lines that one argument may have.
const LINES: usize = 25;

/// What happened to a message, as far as an argument may need it.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// It was put on the wire; attempts count from 0.
    Sent(Token, u32),
    /// The server said yes, with this id.
    Acked(Option<CompactString>),
    /// The server said no.
    Refused(CompactString),
    /// No answer came in time.
    TimedOut,
    /// The connection died before an answer came.
    Lost,
    /// It was pushed, with this id.
    Pushed(Token, Option<CompactString>),
    /// It stood in a sync or history answer, with this id.
    Read(Token, Option<CompactString>),
}

/// Something that happened to a message.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) at: Nanos,
    pub(super) client: ClientId,
    pub(super) what: What,
}

/// What happened to one message, as much as fits an argument.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail(SmallVec<[Note; 3]>);

impl Trail {
    /// Remembers what happened, unless the trail is long enough already.
    pub(super) fn add(&mut self, at: Nanos, client: ClientId, what: What) {
        if self.0.len() < LINES {
            self.0.push(Note { at, client, what });
        }
    }

    /// The trail in words; `key` is the message's client message id.
    pub(super) fn exhibits(&self, key: &str) -> Vec<Exhibit> {
        self.0.iter().map(|note| exhibit(note.at, note.client, note.what.words(key))).collect()
    }
}

impl What {
    fn words(&self, key: &str) -> String {
        match self {
            Self::Sent(token, attempt) => sent(*token, key, *attempt),
            Self::Acked(None) => format!("got the ack of key {}", brief(key)),
            Self::Acked(Some(id)) => format!("got the ack of key {}: id {id}", brief(key)),
            Self::Refused(error) => format!("got an error for key {}: \"{error}\"", brief(key)),
            Self::TimedOut => format!("had no ack of key {} in time", brief(key)),
            Self::Lost => format!("lost the connection before an ack of key {}", brief(key)),
            Self::Pushed(token, id) => format!("was pushed \"{token}\"{}", with_id(id.as_deref())),
            Self::Read(token, id) => format!("read \"{token}\"{}", with_id(id.as_deref())),
        }
    }
}

/// ` with id 17`, or nothing.
pub(super) fn with_id(id: Option<&str>) -> String {
    id.map_or_else(String::new, |id| format!(" with id {id}"))
}

/// `sent "qz…" as key 7f3a, attempt 1`: attempts count from 1 for readers.
pub(super) fn sent(token: Token, key: &str, attempt: u32) -> String {
    format!("sent \"{token}\" as key {}, attempt {}", brief(key), attempt + 1)
}

/// As much of a key as a reader needs to tell it from others.
pub(super) fn brief(key: &str) -> CompactString {
    match key.char_indices().nth(12) {
        Some((end, _)) => compact_str::format_compact!("{}…", &key[..end]),
        None => key.into(),
    }
}

/// `conversation 4`.
pub(super) fn place(conversation: ConversationId) -> String {
    format!("conversation {}", conversation.0)
}

/// `5 s`, `250 ms`, `1.5 s`.
pub(super) fn span(nanos: Nanos) -> String {
    let millis = nanos / 1_000_000;
    if millis < 1_000 {
        format!("{millis} ms")
    } else if millis.is_multiple_of(1_000) {
        format!("{} s", millis / 1_000)
    } else {
        format!("{} s", millis as f64 / 1_000.0)
    }
}

/// One line of an argument.
pub(super) fn exhibit(at: Nanos, client: ClientId, text: impl Into<String>) -> Exhibit {
    Exhibit { at, client, text: text.into() }
}

/// The argument: its lines in time order, cut to what a reader can take in.
pub(super) fn violation(
    summary: &str,
    mut exhibits: Vec<Exhibit>,
    therefore: impl Into<String>,
    but: impl Into<String>,
) -> Violation {
    exhibits.sort_by_key(|exhibit| exhibit.at);
    if exhibits.len() > LINES {
        let surplus = exhibits.len() - LINES;
        exhibits.drain(LINES / 2..LINES / 2 + surplus);
    }
    Violation {
        summary: summary.to_owned(),
        exhibits,
        therefore: therefore.into(),
        but: but.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_in_time_order_and_short() {
        let lines = (0..40).rev().map(|at| exhibit(at, ClientId(0), "x")).collect();
        let argument = violation("s", lines, "t", "b");
        assert_eq!(argument.exhibits.len(), LINES);
        assert!(argument.exhibits.is_sorted_by_key(|line| line.at));
        assert_eq!((argument.exhibits[0].at, argument.exhibits[LINES - 1].at), (0, 39));
    }

    #[test]
    fn words_are_brief() {
        assert_eq!(brief("7f3a"), "7f3a");
        assert_eq!(brief("0123456789abcdef"), "0123456789ab…");
        assert_eq!(span(5_000_000_000), "5 s");
        assert_eq!(span(5_250_000_000), "5.25 s");
        assert_eq!(span(250_000_000), "250 ms");
    }
}
