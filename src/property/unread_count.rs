//! `unread-count`: the server counts as unread what a client would count.

mod model;
mod probes;

use crate::history::{Answer, ClientId, Entry, Event, Nanos, OpId, PersonId};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::{exhibit, place, violation};
use crate::property::charge::nanos;
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::{Exhibit, Finding};
use model::{Model, Range};
use rustc_hash::FxHashMap;
use std::time::Duration;

/// The count equals what a client would count.
#[derive(Debug)]
pub struct UnreadCount;

static PAGE: Page = Page {
    id: "unread-count",
    title: "A server MUST count as unread what others sent to a person and the person has neither \
        read nor deleted.",
    promises: "The number is that of the messages in all conversations of the person, direct, group \
        and broadcast, which others sent and which no device of the person has read or deleted.",
    matters: "The number is the first thing that a user sees. One that never goes away makes people \
        look for a message that is not there; one that is too small hides a message.",
    judged: "From the sends, readings and deletions that a history has, the judge counts for \
        itself what is unread when a client asks. What is under way meanwhile, or was given up, may \
        be counted or not: so there is a least and a most, and the answer must lie between them.",
    blind: "Servers that count a conversation as read when it is opened, where the spec has no \
        operation that says so. Which messages were counted: two mistakes that cancel each other \
        out are not seen.",
    example: "  2.014 s  client 4  had the answer to its `read` of \"qzabyaaaaaaav7\"\n  \
        2.320 s  client 4  asked how many messages are unread\n  \
        2.330 s  client 4  was told: 1\n\
        therefore 1 is counted as unread, and 0 are\n\
        but what was read or deleted is not unread",
    source: "common practice: a badge shows how much there is to be read.",
    tolerance: Some(Tolerance {
        default: Duration::from_millis(250),
        reason: "a count may be kept beside the messages, and follow them a little later",
    }),
    least_evidence: 1,
    evidence: "One answer that told a number, and was compared with what was sent, read and deleted.",
};

/// What the count must not miss, and what it must not have.
const BUT_COUNTED: &str = "what others sent and nobody at this end has read or deleted is unread";
const BUT_READ: &str = "one's own messages, and what was read or deleted, are not unread";

/// Lines about messages that an argument shows.
const LINES: usize = 8;

impl Property for UnreadCount {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let after = super::argument::span(nanos(charge.tolerance(&PAGE)));
        format!("messages of others, without those read or deleted, {after} after the last of them")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Count {
            counts: charge.counts_unread,
            model: Model::new(charge, nanos(charge.tolerance(&PAGE))),
            asks: FxHashMap::default(),
            finding: Finding::default(),
        })
    }
}

/// The judge: what was asked, and the model that it is compared with.
struct Count {
    /// The server counts at all.
    counts: bool,
    model: Model,
    /// Questions under way: whose, and when they first went out.
    asks: FxHashMap<OpId, (ClientId, Nanos)>,
    finding: Finding,
}

impl Judge for Count {
    fn observe(&mut self, entry: &Entry) {
        if !self.counts {
            return;
        }
        let (at, client) = (entry.at, entry.client);
        match &entry.event {
            Event::Person { person, .. } => self.model.person(client, *person),
            Event::Member { conversation, .. } | Event::Addressed { conversation, .. } => {
                self.model.place(client, *conversation);
            }
            Event::Invoke { op, operation: Operation::Unread, .. } => {
                self.asks.insert(*op, (client, at));
            }
            Event::Invoke { op, operation, conversation, message, about, .. } => {
                let about = about.as_ref();
                self.model.invoke(client, *op, *operation, *conversation, message.as_ref(), about);
            }
            Event::Attempt { op, .. } => self.model.attempt(at, *op),
            Event::Answered { op, answer: Answer::Ack { id, .. }, .. } => {
                self.model.acked(at, *op, id.as_ref());
            }
            Event::Answered { op, answer: Answer::Nack(_), .. } => self.model.refused(*op),
            Event::Ok { op, .. } => {
                self.asks.remove(op);
                self.model.done(at, *op);
            }
            Event::Failed { op, certain, .. } => {
                self.asks.remove(op);
                self.model.failed(*op, *certain);
            }
            Event::Message(seen) => self.model.seen(at, seen),
            Event::Connection { state, .. } if *state != ConnectionState::Connected => {
                self.model.unsettle(at, client);
            }
            Event::Fault { .. } => self.model.unsettle(at, client),
            Event::Counted { op, count, conversation } => {
                let Some((_, asked)) = self.asks.get(op).copied() else { return };
                let Some(person) = self.model.whose(client) else { return };
                let Some(range) = self.model.range(person, *conversation, asked, at) else {
                    return;
                };
                self.compare(entry, asked, person, *count, range);
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        if self.model.is_full() {
            let doubt = "more messages were sent than are remembered: later counts were not judged";
            self.finding.doubts.push(doubt.into());
        }
        self.finding
    }

    fn unsettled(&self) -> usize {
        self.asks.len() + self.model.len()
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }
}

impl Count {
    fn compare(&mut self, told: &Entry, asked: Nanos, person: PersonId, count: i64, range: Range) {
        let Event::Counted { conversation, .. } = told.event else { return };
        self.finding.observations += 1;
        if range.least != range.most {
            self.finding.count("counts while something was under way", 1);
        }
        let (summary, but) = match count {
            _ if count < 0 => ("a count below zero", BUT_COUNTED),
            _ if count < range.least => ("unread messages are not counted", BUT_COUNTED),
            _ if count > range.most => ("more is counted than is unread", BUT_READ),
            _ => return,
        };
        let model = &self.model;
        self.finding.violate(|| {
            let mut lines: Vec<Exhibit> = model.lines(person, conversation, asked);
            lines.sort_by_key(|line| line.at);
            lines.drain(..lines.len().saturating_sub(LINES));
            let of = conversation.map_or_else(String::new, |c| format!(" in {}", place(c)));
            lines.push(exhibit(asked, told.client, format!("asked how many are unread{of}")));
            lines.push(exhibit(told.at, told.client, format!("was told: {count}")));
            let therefore = format!("{count} are counted as unread, and {range} are");
            violation(summary, lines, therefore, but)
        });
    }
}
