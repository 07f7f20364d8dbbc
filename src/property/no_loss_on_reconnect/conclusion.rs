//! What is still missing when the run is over, and the arguments for it.

use super::{Message, Miss, Views};
use crate::history::{ClientId, ConversationId, Nanos, Token};
use crate::property::argument::{brief, exhibit, place, violation};
use crate::spec::Echo;
use crate::verdict::Violation;
use rustc_hash::FxHashSet;

impl Views {
    pub(super) fn conclude(&mut self) {
        let mut tokens: Vec<Token> = self.open.keys().copied().collect();
        tokens.sort_unstable_by_key(|token| (self.open[token].acked, *token));
        let mut away: FxHashSet<ClientId> = FxHashSet::default();
        let mut faulted = 0_u64;
        for token in tokens {
            let message = &self.open[&token];
            let Some(acked) = message.acked else { continue };
            for miss in &message.missed {
                if self.is_hidden(message, miss.client) {
                    self.finding.count("missing, and hidden by its reader", 1);
                } else if self.stored(message, miss.at) {
                    self.finding.violate(|| missing_after_sync(token, message, acked, miss));
                } else {
                    self.finding.count("missing and nowhere stored", 1);
                }
            }
            if !self.over || self.echo == Echo::None {
                continue;
            }
            let Some(room) = self.rooms.get(&message.conversation) else { continue };
            for (index, (member, _)) in room.members[..message.members].iter().enumerate() {
                let link = self.clients.get(member);
                let Some(link) = link.filter(|_| !message.settled.has(index)) else { continue };
                if self.is_hidden(message, *member) {
                    continue;
                }
                let sent = message.sent.unwrap_or(acked);
                match link.ready {
                    None => {
                        away.insert(*member);
                    }
                    Some(_) if self.resumes && acked < link.opened => {
                        if link.faulted_since(link.opened) {
                            faulted += 1;
                        } else if self.stored(message, self.last_phase.unwrap_or(sent)) {
                            let opened = link.opened;
                            self.finding.violate(|| untold(token, message, acked, *member, opened));
                        } else {
                            self.finding.count("missing and nowhere stored", 1);
                        }
                    }
                    Some(ready) if ready >= sent => {
                        self.finding.count("sent while a client came back", 1);
                    }
                    Some(_) if link.faulted_since(sent) => faulted += 1,
                    Some(ready) if self.stored(message, self.last_phase.unwrap_or(sent)) => {
                        self.finding
                            .violate(|| never_delivered(token, message, acked, *member, ready));
                    }
                    Some(_) => self.finding.count("missing and nowhere stored", 1),
                }
            }
        }
        if self.recoveries > 0 {
            let views = if self.over { self.complete_views(&away) } else { 0 };
            self.finding.observations += self.recoveries + views;
        }
        let doubts = [
            (away.len() as u64, "clients never came back to messages that wait for them"),
            (faulted, "deliveries may have been eaten by a fault of the harness"),
        ];
        for (count, reason) in doubts.into_iter().filter(|(count, _)| *count > 0) {
            self.finding.doubts.push(format!("{count} {reason}"));
        }
    }

    /// The member's person asked to see the message no more.
    fn is_hidden(&self, message: &Message, member: ClientId) -> bool {
        let person = self.clients.get(&member).and_then(|link| link.person);
        let hidden = person.zip(message.id.clone());
        hidden.is_some_and(|hidden| self.hidden.contains(&hidden))
    }

    /// A history or sync that was asked for at this time or later showed the message. Where none can be read, a push to
    /// somebody has to do.
    fn stored(&self, message: &Message, since: Nanos) -> bool {
        let read = message.read.is_some_and(|read| read >= since);
        read || !self.history && message.pushed.is_some()
    }

    /// Views of a member and conversation that could be judged at the end.
    fn complete_views(&self, away: &FxHashSet<ClientId>) -> u64 {
        let views = self.rooms.values().flat_map(|room| &room.members);
        views.filter(|(member, _)| !away.contains(member)).count() as u64
    }
}

const NOTHING: &str = "after a reconnect and its sync nothing is missing";

fn acked_lines(token: Token, message: &Message, acked: Nanos) -> Vec<crate::verdict::Exhibit> {
    let sent = format!("sent \"{token}\" as key {}", brief(&message.key));
    vec![
        exhibit(message.sent.unwrap_or(acked), message.client, sent),
        exhibit(acked, message.client, "had its ack"),
    ]
}

/// One message, twice in the rows of one sync.
pub(super) fn twice(
    client: ClientId,
    asked: Nanos,
    at: Nanos,
    conversation: ConversationId,
    id: &str,
) -> Violation {
    let lines = vec![
        exhibit(asked, client, format!("asked for its sync of {}", place(conversation))),
        exhibit(at, client, format!("got the row with id {id} for the second time")),
    ];
    let therefore = "one sync brought one message twice";
    violation("twice in one sync", lines, therefore, "after the merge nothing is there twice")
}

fn missing_after_sync(token: Token, message: &Message, acked: Nanos, miss: &Miss) -> Violation {
    let mut lines = acked_lines(token, message, acked);
    let sync = format!("asked for its sync of {}", place(message.conversation));
    lines.push(exhibit(miss.asked, miss.client, sync));
    let end = format!("had the whole sync, and \"{token}\" was never among what it got");
    lines.push(exhibit(miss.at, miss.client, end));
    let therefore = format!("client {} misses a message that is stored", miss.client.0);
    violation("missing after the sync", lines, therefore, NOTHING)
}

/// Who came back said how far they had come.
fn untold(
    token: Token,
    message: &Message,
    acked: Nanos,
    client: ClientId,
    opened: Nanos,
) -> Violation {
    let mut lines = acked_lines(token, message, acked);
    lines.push(exhibit(opened, client, "came back, and said how far it had come"));
    let therefore = format!("client {} was never told \"{token}\", which is stored", client.0);
    let but = "who comes back is told what was said since";
    violation("never told to who came back", lines, therefore, but)
}

fn never_delivered(
    token: Token,
    message: &Message,
    acked: Nanos,
    client: ClientId,
    ready: Nanos,
) -> Violation {
    let mut lines = acked_lines(token, message, acked);
    let stayed = format!("was ready in {}, and stayed so", place(message.conversation));
    lines.push(exhibit(ready, client, stayed));
    let therefore =
        format!("client {}, which was connected all the time, never got \"{token}\"", client.0);
    let but = "what is sent while a client is connected reaches it";
    violation("never delivered to a connected member", lines, therefore, but)
}
