//! What clients were shown: is it what was said, no more often, and never less than before?

use super::known::{Claim, Known, Message, Rank};
use super::said;
use crate::history::{ClientId, ConversationId, Entry, Event, Nanos, PersonId};
use crate::property::Charge;
use crate::property::argument::{exhibit, place, violation};
use crate::property::recent::{Recent, hash};
use crate::verdict::{Exhibit, Finding};

pub(super) struct Views {
    tells_receipts: bool,
    says_delivered: bool,
    tolerance: Nanos,
    /// When a client was first told of a reader of a message, and how often.
    told: Recent<(ClientId, u64, PersonId), (Nanos, u32)>,
    /// What a client was last pushed of a message, and how often it was this.
    pushed: Recent<(ClientId, u64), (Nanos, Rank, u32)>,
    /// The messages of which a client was told that somebody read them, where each covers others.
    reached: Recent<(ClientId, ConversationId, PersonId), u64>,
    /// The furthest that anybody was pushed of a message: when, to whom.
    furthest: Recent<u64, (Nanos, ClientId, Rank)>,
}

const ONCE: &str = "each reader is told once";
const FORWARD: &str = "a status only moves forward";
const TRUE: &str = "a receipt says who read which message";
const OWN: &str = "only the people of a conversation read its messages";

impl Views {
    pub(super) fn new(charge: &Charge, tolerance: Nanos) -> Self {
        let keep = charge.memory();
        Self {
            tells_receipts: charge.tells_receipts,
            says_delivered: charge.says_delivered,
            tolerance,
            told: Recent::new(keep),
            pushed: Recent::new(keep),
            reached: Recent::new(keep),
            furthest: Recent::new(keep),
        }
    }

    pub(super) fn tick(&mut self, now: Nanos) {
        self.told.tick(now);
        self.pushed.tick(now);
        self.reached.tick(now);
        self.furthest.tick(now);
    }

    pub(super) fn len(&self) -> usize {
        self.told.len() + self.pushed.len() + self.reached.len() + self.furthest.len()
    }

    /// This client was shown already what somebody said.
    pub(super) fn shows(&self, client: ClientId, claim: &Claim, known: &Known) -> bool {
        if self.tells_receipts {
            let reached = known.message(claim.message).and_then(|message| {
                self.reached.get((client, message.place, claim.person)).copied()
            });
            self.told.get((client, claim.message, claim.person)).is_some()
                || reached.is_some_and(|reached| known.covers(reached, claim.message))
        } else {
            let pushed = self.pushed.get((client, claim.message));
            pushed.is_some_and(|(_, rank, _)| *rank >= claim.rank)
        }
    }

    /// A client is told that this user read a message.
    pub(super) fn receipt(
        &mut self,
        entry: &Entry,
        user: &str,
        id: &str,
        known: &Known,
        finding: &mut Finding,
    ) {
        let (at, client, message) = (entry.at, entry.client, hash(&compact(id)));
        let Some(about) = known.young(message, at) else {
            return finding.count("receipts about unknown or old messages", 1);
        };
        let line = exhibit(at, client, format!("was told that user {user} read message {id}"));
        let person = known.person(user).filter(|who| known.is_member(*who, about.place));
        let Some(person) = person else { return stranger(finding, vec![line], about) };
        let Some(saying) = known.saying(message, person) else {
            return invented(finding, line, user, known.last(person));
        };
        finding.observations += 1;
        if !known.counts() {
            let reached = self.reached.entry((client, about.place, person), || message);
            if known.message(*reached).is_none_or(|before| before.at < about.at) {
                *reached = message;
            }
        }
        let told = self.told.entry((client, message, person), || (at, 0));
        told.1 += 1;
        let (first, times) = *told;
        if known.counts() && times > saying.read {
            let (said_at, by) = saying.first;
            finding.violate(|| {
                let lines = vec![
                    exhibit(said_at, by, format!("said that it read message {id}")),
                    exhibit(first, client, format!("was told that user {user} read message {id}")),
                    line,
                ];
                let therefore = format!("{} became {times} receipts", readings(saying.read));
                violation("one reading told twice", lines, therefore, ONCE)
            });
        }
    }

    /// A client is told, or reads, how far a message has come.
    pub(super) fn status(
        &mut self,
        entry: &Entry,
        id: &str,
        rank: Rank,
        known: &Known,
        finding: &mut Finding,
    ) {
        let Event::Saw { row, .. } = &entry.event else { return };
        let message = hash(&compact(id));
        if let Some(about) = known.young(message, entry.at)
            && !self.is_founded(about, rank, known)
        {
            let line = exhibit(entry.at, entry.client, shown(id, rank, row.is_some()));
            if about.by_strangers {
                return stranger(finding, vec![line], about);
            }
            return finding.violate(|| {
                let therefore = format!("nobody who got message {id} had said so");
                violation("a status that nobody gave", vec![line], therefore, TRUE)
            });
        }
        match row {
            Some(read) => {
                let asked = known.asked_at(*read);
                self.sent(entry, (id, message), rank, asked, known, finding);
                self.read(entry, (id, message), rank, asked, finding);
            }
            None => self.push(entry, (id, message), rank, known, finding),
        }
    }

    fn is_founded(&self, about: &Message, rank: Rank, known: &Known) -> bool {
        let by_itself = rank == Rank::Delivered && !self.says_delivered;
        let said = match rank {
            Rank::Read => about.read > 0,
            Rank::Delivered => about.read + about.delivered > 0,
            Rank::Sending | Rank::Sent => true,
        };
        said || by_itself || !known.counts()
    }

    fn push(
        &mut self,
        entry: &Entry,
        (id, message): (&str, u64),
        rank: Rank,
        known: &Known,
        finding: &mut Finding,
    ) {
        let (at, client) = (entry.at, entry.client);
        let furthest = self.furthest.entry(message, || (at, client, rank));
        if rank > furthest.2 {
            *furthest = (at, client, rank);
        }
        finding.observations += 1;
        let before = self.pushed.get_mut((client, message)).copied();
        let times = before.filter(|(_, old, _)| *old == rank).map_or(1, |(_, _, n)| n + 1);
        self.pushed.insert((client, message), (at, rank, times));
        let Some((then, old, _)) = before else { return };
        let lines = || {
            let before = exhibit(then, client, shown(id, old, false));
            vec![before, exhibit(at, client, shown(id, rank, false))]
        };
        if rank < old {
            finding.violate(|| {
                let therefore = format!("its status fell from {} to {}", old.word(), rank.word());
                violation("a status went back", lines(), therefore, FORWARD)
            });
        } else if let Some(about) = known.young(message, at).filter(|_| known.counts())
            && rank >= Rank::Delivered
            && times > (about.read + about.delivered).max(1)
        {
            finding.violate(|| {
                let therefore = format!("one word of a reader became {times} statuses");
                violation("one reading told twice", lines(), therefore, ONCE)
            });
        }
    }

    /// Whatever was there for somebody before the read was asked for is more than `sending`.
    fn sent(
        &self,
        entry: &Entry,
        (id, message): (&str, u64),
        rank: Rank,
        asked: Option<Nanos>,
        known: &Known,
        finding: &mut Finding,
    ) {
        let (Some(about), Some(asked)) = (known.message(message), asked) else { return };
        if about.at.saturating_add(self.tolerance) >= asked {
            return;
        }
        finding.observations += 1;
        if rank == Rank::Sending {
            finding.violate(|| {
                let lines = vec![
                    exhibit(
                        about.at,
                        about.first,
                        format!("had message {id} confirmed, or got it"),
                    ),
                    exhibit(asked, entry.client, "asked for messages"),
                    exhibit(entry.at, entry.client, shown(id, rank, true)),
                ];
                let therefore = "what the server has is stored as under way";
                violation("a stored message is still `sending`", lines, therefore, FORWARD)
            });
        }
    }

    /// A row of a read that was asked for at this time.
    fn read(
        &mut self,
        entry: &Entry,
        (id, message): (&str, u64),
        rank: Rank,
        asked: Option<Nanos>,
        finding: &mut Finding,
    ) {
        let Some((then, whom, furthest)) = self.furthest.get(message).copied() else { return };
        let Some(asked) = asked.filter(|asked| then.saturating_add(self.tolerance) < *asked) else {
            return;
        };
        finding.observations += 1;
        if rank < furthest {
            finding.violate(|| {
                let lines = vec![
                    exhibit(then, whom, shown(id, furthest, false)),
                    exhibit(asked, entry.client, "asked for messages"),
                    exhibit(entry.at, entry.client, shown(id, rank, true)),
                ];
                let therefore = format!("what was {} is {} again", furthest.word(), rank.word());
                violation("a status was forgotten", lines, therefore, FORWARD)
            });
        }
    }
}

fn compact(id: &str) -> compact_str::CompactString {
    id.into()
}

/// `was told that message 17 is read`.
fn shown(id: &str, rank: Rank, in_row: bool) -> String {
    let verb = if in_row { "read" } else { "was told" };
    format!("{verb} that message {id} is {}", rank.word())
}

fn readings(count: u32) -> String {
    if count == 1 { "one reading".into() } else { format!("{count} readings") }
}

fn stranger(finding: &mut Finding, lines: Vec<Exhibit>, about: &Message) {
    finding.violate(|| {
        let therefore = format!("a receipt of somebody outside {} counted", place(about.place));
        violation("a stranger's receipt", lines, therefore, OWN)
    });
}

/// A receipt about a message of which this user has said nothing.
fn invented(finding: &mut Finding, line: Exhibit, user: &str, last: Option<&Claim>) {
    finding.violate(|| match last {
        Some(claim) => {
            let lines = vec![exhibit(claim.at, claim.client, said(claim)), line];
            let therefore = format!("the receipt names another message than {}", claim.id);
            violation("a receipt about another message", lines, therefore, TRUE)
        }
        None => {
            let therefore = format!("user {user} had said nothing of any message");
            violation("a receipt that nobody gave", vec![line], therefore, TRUE)
        }
    });
}
