//! What is known of one message, whichever channel carried it.

use crate::history::{ClientId, ConversationId, Due, Key, Nanos, Order, Token};
use crate::verdict::Exhibit;
use compact_str::CompactString;
use rustc_hash::FxHashMap;

/// Lines of an account, at most.
const LINES: usize = 12;

/// A send that is not over.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) token: Token,
    pub(super) place: ConversationId,
    pub(super) channel: usize,
    pub(super) due: Option<Due>,
    /// Its first attempt.
    pub(super) at: Option<Nanos>,
}

/// One message.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// How often it was asked for, and how many attempts were made.
    pub(super) asked: u32,
    pub(super) attempts: u32,
    key: Option<Key>,
    /// Who sent it.
    pub(super) senders: Vec<ClientId>,
    /// Under how many keys, or by how many clients that are not one: texts may be equal on purpose.
    pub(super) keys: u32,
    /// The channel of the first send.
    pub(super) channel: usize,
    pub(super) place: Option<ConversationId>,
    /// The first attempt, and the first ack.
    pub(super) sent: Option<Nanos>,
    pub(super) acked: Option<Nanos>,
    pub(super) order: Option<Order>,
    pub(super) ids: Vec<CompactString>,
    /// When each client was pushed it last, and under which id.
    pub(super) pushed: FxHashMap<ClientId, (Nanos, Option<CompactString>)>,
    /// A read has shown it.
    pub(super) stored: bool,
    pub(super) counted: bool,
    pub(super) placed: bool,
    pub(super) accused: bool,
    pub(super) lines: Vec<Exhibit>,
}

impl Account {
    pub(super) fn asked(&mut self, key: &Key, client: ClientId, channel: usize) {
        if self.asked == 0 {
            self.channel = channel;
        }
        if !self.senders.contains(&client) {
            self.senders.push(client);
        }
        self.asked += 1;
        if self.key.as_ref() != Some(key) {
            self.keys += 1;
            self.key = Some(key.clone());
        }
    }

    pub(super) fn tried(&mut self, at: Nanos) {
        self.attempts += 1;
        self.sent.get_or_insert(at);
    }

    /// An ack came; `true` if it is the first.
    pub(super) fn acked(&mut self, at: Nanos, place: ConversationId, line: Exhibit) -> bool {
        self.note(line);
        self.place = Some(place);
        let first = self.acked.is_none();
        self.acked.get_or_insert(at);
        first
    }

    pub(super) fn note(&mut self, line: Exhibit) {
        if self.lines.len() < LINES {
            self.lines.push(line);
        }
    }
}
