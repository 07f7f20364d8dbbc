//! What the final reads must show: every acked message.

use super::intruders::nobody;
use super::{Store, Stray};
use crate::history::{ClientId, ConversationId, Nanos, OpId, Order, Token};
use crate::property::argument::{exhibit, place, violation};
use crate::verdict::Violation;
use rustc_hash::{FxHashMap, FxHashSet};

impl Store {
    pub(super) fn read(&mut self, op: OpId, conversation: ConversationId) {
        let ledger = self.ledgers.entry(conversation).or_default();
        if ledger.due.is_empty() && ledger.missing.is_empty() {
            return;
        }
        let due = ledger.looked + ledger.due.len();
        let (tokens, ids) = (FxHashMap::default(), FxHashSet::default());
        self.readings.insert(op, Reading { conversation, due, tokens, ids });
    }

    /// A final read is complete.
    pub(super) fn looked(&mut self, at: Nanos, client: ClientId, op: OpId, rows: u32) {
        let Some(reading) = self.readings.remove(&op) else { return };
        let ledger = self.ledgers.entry(reading.conversation).or_default();
        let fresh = reading.due.saturating_sub(ledger.looked);
        let keys = keys_per_token(&ledger.due[..fresh]);
        let shows = |acked: &Acked| {
            let keys = keys.get(&acked.token).copied().unwrap_or(1);
            (acked.id != 0 && reading.ids.contains(&acked.id))
                || reading.tokens.get(&acked.token).is_some_and(|rows| *rows >= keys)
        };
        ledger.missing.retain(|acked| !shows(acked));
        let absent = ledger.due.drain(..fresh).filter(|acked| !shows(acked));
        ledger.missing.extend(absent);
        ledger.looked += fresh;
        ledger.read = Some((at, client, rows));
        self.finding.observations += fresh as u64;
    }

    pub(super) fn conclude(&mut self) {
        let mut conversations: Vec<ConversationId> = self.ledgers.keys().copied().collect();
        conversations.sort_unstable();
        let mut unread = 0;
        for conversation in conversations {
            let ledger = &self.ledgers[&conversation];
            unread += ledger.due.len();
            let hidden = |acked: &&Acked| self.hidden.contains(&acked.id);
            for acked in ledger.missing.iter().filter(|acked| !hidden(acked)) {
                self.finding.violate(|| lost(conversation, acked, ledger.read));
            }
        }
        let mut strays: Vec<(&Token, &Stray)> = self.strays.iter().collect();
        strays.sort_unstable_by_key(|(token, stray)| (stray.at, **token));
        for (token, stray) in strays {
            if self.run != Some(token.run()) {
                self.finding.count("messages of other runs", 1);
                continue;
            }
            self.finding.violate(|| {
                let there =
                    stray.conversation.map_or_else(String::new, |c| format!(" in {}", place(c)));
                nobody(vec![exhibit(stray.at, stray.client, format!("saw \"{token}\"{there}"))])
            });
        }
        let pending = self.ops.values().filter(|op| !op.acked).count();
        if !self.history {
            unread = 0;
        }
        for (count, reason) in [
            (unread as u64, "acked messages were not looked for: no complete final read"),
            (pending as u64, "sends were still pending when the run ended"),
            (self.overdue, "sends took the harness longer than the contract allows"),
        ] {
            if count > 0 {
                self.finding.doubts.push(format!("{count} {reason}"));
            }
        }
    }
}

/// An acked message that no final read has confirmed yet. There is one of these for each message
/// of a run, so it is small.
#[derive(Clone, Copy)]
pub(super) struct Acked {
    pub(super) token: Token,
    pub(super) at: Nanos,
    pub(super) client: ClientId,
    /// The server's id, hashed; 0 if the ack names none.
    pub(super) id: u32,
    pub(super) key: u32,
}

/// What one conversation's final reads must show.
#[derive(Default)]
pub(super) struct Ledger {
    /// Acked, and not looked for yet.
    pub(super) due: Vec<Acked>,
    /// How many were looked for.
    pub(super) looked: usize,
    /// Looked for, and in no complete read so far; and who read last.
    pub(super) missing: Vec<Acked>,
    pub(super) read: Option<(Nanos, ClientId, u32)>,
    /// The lowest position of a message of this run.
    pub(super) lowest: Option<Order>,
}

/// A final read while it goes on.
pub(super) struct Reading {
    pub(super) conversation: ConversationId,
    /// How many messages had been acked when it was asked.
    pub(super) due: usize,
    pub(super) tokens: FxHashMap<Token, u32>,
    pub(super) ids: FxHashSet<u32>,
}

/// How many keys were acked with each token (several, where equal texts were sent on purpose).
fn keys_per_token(acked: &[Acked]) -> FxHashMap<Token, u32> {
    let mut known = FxHashSet::default();
    let mut keys: FxHashMap<Token, u32> = FxHashMap::default();
    for one in acked.iter().filter(|one| known.insert((one.token, one.key))) {
        *keys.entry(one.token).or_default() += 1;
    }
    keys
}

fn lost(
    conversation: ConversationId,
    acked: &Acked,
    read: Option<(Nanos, ClientId, u32)>,
) -> Violation {
    let mut lines =
        vec![exhibit(acked.at, acked.client, format!("had the ack of \"{}\"", acked.token))];
    if let Some((at, client, rows)) = read {
        let what = format!("read the whole history of {} ({rows} rows)", place(conversation));
        lines.push(exhibit(at, client, what));
    }
    let therefore = "the acked message is in no complete history";
    violation("an acked message is lost", lines, therefore, "an acked message is stored")
}
