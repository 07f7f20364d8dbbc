//! `contacts`: messaging makes people contacts of each other, once.

mod probes;

use crate::history::{
    Answer, ClientId, ConversationId, Entry, Event, Nanos, OpId, PersonId, Token,
};
use crate::operation::Operation;
use crate::property::argument::{exhibit, place, violation};
use crate::property::charge::nanos;
use crate::property::company::Company;
use crate::property::recent::Rows;
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::{Exhibit, Finding};
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use std::time::Duration;

/// Messaging makes both contacts of each other, once.
#[derive(Debug)]
pub struct Contacts;

static PAGE: Page = Page {
    id: "contacts",
    title: "A message MUST make those who share its conversation contacts of each other, once.",
    promises: "From the first message on, in a direct conversation or in a group, each of its people \
        finds each other one among the contacts: the sender and those who only received it, once \
        each, however many messages and conversations they share, also after a restart. Nobody \
        else is among them, and nobody is their own contact.",
    matters: "Somebody who wrote to you and whom you cannot find is somebody you cannot answer. A \
        contact that stands there twice opens two chats.",
    judged: "A list of contacts must name, once, each person who shares a conversation with its \
        owner in which something was stored before the list was asked for. It must not name anybody \
        twice, nor its owner, nor a person of the run who shares no conversation with the owner.",
    blind: "Contacts who are there before any message: some servers make them with the conversation, \
        some with its first message. People whom the run does not play. A list as long as a page may \
        be cut, so nothing is missed in it.",
    example: "  1.204 s  client 1  had sent \"qzabyaaaaaaav7\" in conversation 0\n  \
        1.720 s  client 4  asked for its contacts\n  \
        1.730 s  client 4  was told 0 contacts, and user 100001 is none\n\
        therefore somebody who wrote to client 4 is no contact of it\n\
        but a message makes both contacts of each other",
    source: "common practice: a contact is somebody with whom one has exchanged a message.",
    tolerance: Some(Tolerance {
        default: Duration::from_millis(500),
        reason: "contacts may be made beside the message, a little later",
    }),
    least_evidence: 1,
    evidence: "One list of contacts that was compared with who had shared a message.",
};

const BOTH: &str = "a message makes both contacts of each other";
const ONCE: &str = "a contact is there once";
const ONLY: &str = "only people who share a conversation are contacts";

impl Property for Contacts {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let after = super::argument::span(nanos(charge.tolerance(&PAGE)));
        format!("everybody who shares a message, once, {after} after it; nobody else")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Book {
            lists: charge.lists_contacts,
            tolerance: nanos(charge.tolerance(&PAGE)),
            page_rows: charge.limits.page_rows,
            company: Company::default(),
            names: FxHashMap::default(),
            sends: Rows::new(charge.memory()),
            tokens: Rows::new(charge.memory()),
            first: FxHashMap::default(),
            asks: FxHashMap::default(),
            finding: Finding::default(),
        })
    }
}

/// The judge: in which conversations something was said, and what lists of contacts show.
struct Book {
    /// There are lists of contacts.
    lists: bool,
    tolerance: Nanos,
    page_rows: Option<u32>,
    company: Company,
    names: FxHashMap<PersonId, CompactString>,
    /// Sends, and where they go; messages, too.
    sends: Rows<OpId, (ClientId, ConversationId, Option<Token>)>,
    tokens: Rows<Token, (ClientId, ConversationId)>,
    /// What was stored first in a conversation, for all that is known: when, whose, and its token.
    first: FxHashMap<ConversationId, (Nanos, ClientId, Option<Token>)>,
    /// Lists under way.
    asks: FxHashMap<OpId, List>,
    finding: Finding,
}

struct List {
    asked: Nanos,
    client: ClientId,
    rows: Vec<CompactString>,
}

impl Judge for Book {
    fn observe(&mut self, entry: &Entry) {
        if !self.lists {
            return;
        }
        let (at, client) = (entry.at, entry.client);
        self.company.observe(entry);
        self.sends.tick(at);
        self.tokens.tick(at);
        match &entry.event {
            Event::Person { person, user } => {
                self.names.insert(*person, user.clone());
            }
            Event::Invoke { op, operation: Operation::Contacts, .. } => {
                self.asks.insert(*op, List { asked: at, client, rows: Vec::new() });
            }
            Event::Invoke {
                op,
                operation: Operation::Send,
                conversation: Some(place),
                message,
                ..
            } => {
                let token = message.as_ref().map(|message| message.token);
                self.sends.insert(*op, (client, *place, token));
                token.map(|token| self.tokens.insert(token, (client, *place)));
            }
            // A second attempt starts the rows over.
            Event::Attempt { op, .. } => {
                if let Some(list) = self.asks.get_mut(op) {
                    list.rows.clear();
                }
            }
            Event::Answered { op, answer: Answer::Ack { .. }, .. } => {
                if let Some((sender, place, token)) = self.sends.get(*op).copied() {
                    self.first.entry(place).or_insert((at, sender, token));
                }
            }
            Event::Message(seen) => {
                let known = seen.token.and_then(|token| Some((token, *self.tokens.get(token)?)));
                if let Some((token, (sender, place))) = known {
                    self.first.entry(place).or_insert((at, sender, Some(token)));
                }
            }
            Event::Listed { op, user: Some(user), .. } => {
                if let Some(list) = self.asks.get_mut(op) {
                    list.rows.push(user.clone());
                }
            }
            Event::Ok { op, rows } => {
                if let Some(list) = self.asks.remove(op) {
                    self.compare(at, &list, *rows);
                }
            }
            Event::Failed { op, .. } => drop(self.asks.remove(op)),
            _ => {}
        }
    }

    fn finish(self: Box<Self>) -> Finding {
        self.finding
    }

    fn unsettled(&self) -> usize {
        self.asks.len() + self.sends.len() + self.tokens.len()
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }
}

impl Book {
    fn compare(&mut self, at: Nanos, list: &List, rows: u32) {
        let Some(owner) = self.company.person(list.client) else { return };
        self.finding.observations += 1;
        let told = |text: String| {
            let asked = exhibit(list.asked, list.client, "asked for its contacts");
            vec![asked, exhibit(at, list.client, text)]
        };
        for (index, user) in list.rows.iter().enumerate() {
            if list.rows[..index].contains(user) {
                self.finding.violate(|| {
                    let lines = told(format!("was told of user {user} twice"));
                    violation("a contact is there twice", lines, "one person is two contacts", ONCE)
                });
            }
            let Some(person) = self.company.called(user) else {
                self.finding.count("contacts whom nobody here plays", 1);
                continue;
            };
            if person == owner {
                self.finding.violate(|| {
                    let lines = told(format!("was told of user {user}, which is itself"));
                    violation("somebody is their own contact", lines, "nobody shares that", ONLY)
                });
            } else if self.company.is_stranger(list.client, person, None) {
                self.finding.violate(|| {
                    let lines = told(format!("was told of user {user}, a stranger to it"));
                    let therefore = "a stranger is among the contacts";
                    violation("a stranger is a contact", lines, therefore, ONLY)
                });
            }
        }
        if self.page_rows.is_none_or(|most| rows < most) {
            self.look_for_all(at, owner, list);
        }
    }

    /// Everybody who shared a message with the owner is in the list.
    fn look_for_all(&mut self, at: Nanos, owner: PersonId, list: &List) {
        let mut missing: Vec<PersonId> = Vec::new();
        for place in self.company.places(owner).to_vec() {
            let Some(first) = self.first.get(&place).copied() else { continue };
            if first.0.saturating_add(self.tolerance) > list.asked {
                continue;
            }
            for other in self.company.members(place).to_vec() {
                let Some(user) = self.names.get(&other).filter(|_| other != owner) else {
                    continue;
                };
                if !list.rows.contains(user) && !missing.contains(&other) {
                    missing.push(other);
                    let lines = self.lines(at, first, place, user, list);
                    let therefore =
                        format!("user {user}, who shares a message, is no contact of it");
                    self.finding
                        .violate(|| violation("a contact is missing", lines, therefore, BOTH));
                }
            }
        }
    }

    fn lines(
        &self,
        at: Nanos,
        (stored, sender, token): (Nanos, ClientId, Option<Token>),
        there: ConversationId,
        user: &str,
        list: &List,
    ) -> Vec<Exhibit> {
        let token = token.map_or_else(|| "?".into(), |token| token.to_string());
        let sent = format!("had sent \"{token}\" in {}, where user {user} is", place(there));
        let told = format!("was told {} contacts, and user {user} is none", list.rows.len());
        vec![
            exhibit(stored, sender, sent),
            exhibit(list.asked, list.client, "asked for its contacts"),
            exhibit(at, list.client, told),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, stands};
    use crate::verdict::Standing;

    fn charge() -> Charge {
        Charge { lists_contacts: true, ..Charge::default() }
    }

    /// Ann has written to Bob, and to Cat and Dan; Eve is in another conversation.
    const SENT: &str = "a b in #1\na c d in #2\ne f in #3\n\
        a sends o1 t1 k1 #1\na acked o1 m1\nc sends o2 t2 k2 #2\nc acked o2 m2\n@2000 ";

    fn fail(history: &str, summary: &str) {
        fails(&Contacts, &charge(), &format!("{SENT}{history}"), summary);
    }

    fn stand(history: &str, standing: Standing) -> Finding {
        stands(&Contacts, &charge(), &format!("{SENT}{history}"), standing)
    }

    #[test]
    fn without_a_list_there_is_nothing_to_judge() {
        stands(&Contacts, &charge(), "", Standing::NotExercised);
        stand("a ready", Standing::NotExercised);
        let asked = format!("{SENT}b contacts o9\nb done o9");
        stands(&Contacts, &Charge::default(), &asked, Standing::NotExercised);
    }

    #[test]
    fn whoever_shares_a_message_is_a_contact() {
        let all = "a contacts o9\na listed o9 u2\na listed o9 u3 c2\na listed o9 u4\na done o9\n\
            b contacts o10\nb listed o10 u1\nb done o10";
        assert_eq!(stand(all, Standing::Pass).observations, 2);
        stand("a contacts o9\na fails o9", Standing::NotExercised);
    }

    #[test]
    fn whoever_is_missing_twice_there_or_a_stranger_breaks_it() {
        fail("b contacts o9\nb done o9", "a contact is missing");
        fail("d contacts o9\nd listed o9 u1\nd done o9", "a contact is missing");
        let twice = "b contacts o9\nb listed o9 u1\nb listed o9 u1\nb done o9";
        fail(twice, "a contact is there twice");
        let own = "b contacts o9\nb listed o9 u1\nb listed o9 u2\nb done o9";
        fail(own, "somebody is their own contact");
        let stranger = "b contacts o9\nb listed o9 u1\nb listed o9 u5\nb done o9";
        fail(stranger, "a stranger is a contact");
    }

    #[test]
    fn what_is_early_unknown_or_cut_accuses_nobody() {
        let early = "a b in #1\na sends o1 t1 k1 #1\na acked o1 m1\nb contacts o9\nb done o9";
        stands(&Contacts, &charge(), early, Standing::Pass);
        stand("b contacts o9\nb listed o9 u1\nb listed o9 u77\nb done o9", Standing::Pass);
        stand("e contacts o9\ne listed o9 u6\ne done o9", Standing::Pass);
        let mut cut = charge();
        cut.limits.page_rows = Some(1);
        let page = format!("{SENT}d contacts o9\nd listed o9 u1\nd done o9");
        stands(&Contacts, &cut, &page, Standing::Pass);
    }
}
