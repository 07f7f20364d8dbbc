//! What must not be there: refused, changed, misplaced messages, and those that nobody sent.

use super::{SUSPECTS, Store, Stray};
use crate::history::{Carrier, ClientId, Damage, Nanos, Seen, Token};
use crate::property::argument::{self, exhibit, place, violation, with_id};
use crate::property::recent::hash;
use crate::verdict::Violation;
use compact_str::CompactString;
use rustc_hash::FxHashSet;

impl Store {
    /// A message whose every attempt was refused is there nevertheless.
    pub(super) fn appeared(&mut self, at: Nanos, client: ClientId, token: Token) {
        let Some(refused) = self.refused.remove(&token) else { return };
        self.finding.violate(|| {
            let lines = vec![
                exhibit(refused.sent, refused.client, argument::sent(token, &refused.key, 0)),
                exhibit(
                    refused.at,
                    refused.client,
                    format!("was told that it failed: \"{}\"", refused.error),
                ),
                exhibit(at, client, format!("saw \"{token}\"")),
            ];
            let therefore = "a message is there though its sender was told that it failed";
            violation(
                "a refused message appeared",
                lines,
                therefore,
                "what is refused is not stored",
            )
        });
    }

    pub(super) fn changed(&mut self, at: Nanos, client: ClientId, token: Token, excerpt: &str) {
        if !self.reported.insert(hash(&("changed", token))) {
            return self.finding.count("further changed texts", 1);
        }
        self.finding.violate(|| {
            let line = format!("saw \"{token}\" with another text: \"{excerpt}\"");
            let therefore = "the text is not what was sent";
            let but = "a text comes as it was sent, after the documented sanitising";
            violation("a text was changed", vec![exhibit(at, client, line)], therefore, but)
        });
    }

    /// A message without a witness. Ours, if one of our users is its sender and it is new.
    pub(super) fn unmarked(&mut self, at: Nanos, client: ClientId, seen: &Seen) {
        let is_of = |users: &FxHashSet<CompactString>| {
            seen.sender.as_ref().is_some_and(|sender| users.contains(sender))
        };
        let ours = is_of(&self.users) && !is_of(&self.odd_users);
        let Some(conversation) = seen.conversation else { return };
        let lowest = self.ledgers.get(&conversation).and_then(|ledger| ledger.lowest);
        let new = seen.by == Carrier::Live
            || seen.order.zip(lowest).is_some_and(|(order, lowest)| order > lowest);
        if !ours || !new || seen.text == Damage::NotShown {
            return self.finding.count("messages without a witness", 1);
        }
        let name = hash(&("unmarked", conversation, &seen.id, seen.order));
        if self.reported.len() < SUSPECTS && self.reported.insert(name) {
            self.finding.violate(|| {
                let id = with_id(seen.id.as_deref());
                let sender = seen.sender.as_deref().unwrap_or("nobody");
                let text = format!("saw a message of {sender} in {}{id}", place(conversation));
                let shown = match &seen.text {
                    Damage::Changed(excerpt) => format!("{text}: \"{excerpt}\""),
                    _ => text,
                };
                nobody(vec![exhibit(at, client, shown)])
            });
        }
    }

    /// A message with a witness that nobody in this shard sent, so far.
    pub(super) fn unsent(&mut self, at: Nanos, client: ClientId, token: Token, seen: &Seen) {
        if self.run.is_some_and(|run| run != token.run()) {
            self.finding.count("messages of other runs", 1);
        } else if self.strays.len() < SUSPECTS {
            let conversation = seen.conversation;
            self.strays.entry(token).or_insert(Stray { at, client, conversation });
        }
    }
}

pub(super) fn nobody(lines: Vec<crate::verdict::Exhibit>) -> Violation {
    let therefore = "there is a message that nobody sent there";
    violation("a message that nobody sent", lines, therefore, "what is stored was sent")
}
