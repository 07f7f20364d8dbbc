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
        therefore the count is 1, and 0 messages are unread\n\
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
            let therefore = format!("the count is {count}, and {range} messages are unread");
            violation(summary, lines, therefore, but)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, stands};
    use crate::spec::Receipts;
    use crate::verdict::Standing;

    fn charge() -> Charge {
        let mut charge = Charge { counts_unread: true, ..Charge::default() };
        charge.traits.dedup = None;
        charge
    }

    /// Ann has sent two messages to Bob, who has two devices, and Bob one.
    const SENT: &str = "a b b2 in #1\na sends o1 t1 k1 #1\na acked o1 m1\n\
        a sends o2 t2 k2 #1\na acked o2 m2\nb sends o3 t3 k3 #1\nb acked o3 m3\n@1000 ";

    fn fail(history: &str, summary: &str) {
        fails(&UnreadCount, &charge(), &format!("{SENT}{history}"), summary);
    }

    fn stand(history: &str, standing: Standing) -> Finding {
        stands(&UnreadCount, &charge(), &format!("{SENT}{history}"), standing)
    }

    /// Bob is told this number.
    fn told(count: i64) -> String {
        format!("b asks unread o9\nb counts o9 {count}\nb done o9")
    }

    #[test]
    fn without_a_count_there_is_nothing_to_judge() {
        stands(&UnreadCount, &charge(), "", Standing::NotExercised);
        stand("a ready", Standing::NotExercised);
        let counted = format!("{SENT}{}", told(2));
        stands(&UnreadCount, &Charge::default(), &counted, Standing::NotExercised);
    }

    #[test]
    fn what_others_sent_is_unread_and_nothing_else() {
        assert_eq!(stand(&told(2), Standing::Pass).observations, 1);
        fail(&told(3), "more is counted than is unread");
        fail(&told(1), "unread messages are not counted");
        fail(&told(-1), "a count below zero");
    }

    #[test]
    fn what_any_device_read_or_deleted_is_taken_off_once() {
        let read = "b2 asks read o4 m1 #1\nb2 acked o4\nb asks read o5 m1 #1\nb acked o5\n";
        stand(&format!("{read}@2000 {}", told(1)), Standing::Pass);
        fail(&format!("{read}@2000 {}", told(2)), "more is counted than is unread");
        fail(&format!("{read}@2000 {}", told(0)), "unread messages are not counted");
        let hidden = "b asks hide o4 m2 #1\nb acked o4\n";
        stand(&format!("{hidden}@2000 {}", told(1)), Standing::Pass);
        fail(&format!("{hidden}@2000 {}", told(2)), "more is counted than is unread");
        let others = "a asks read o4 m3 #1\na acked o4\n";
        stand(&format!("{others}@2000 {}", told(2)), Standing::Pass);
    }

    #[test]
    fn what_is_under_way_or_given_up_may_count_or_not() {
        for count in [1, 2] {
            let lost = "b asks read o4 m1 #1\nb lost o4\nb fails o4\n";
            stand(&format!("{lost}@2000 {}", told(count)), Standing::Pass);
            let unanswered = "b marks o4 m1 #1\nb drops\n";
            stand(&format!("{unanswered}@2000 {}", told(count)), Standing::Pass);
            stand(&format!("b asks read o4 m1 #1\n{}", told(count)), Standing::Pass);
        }
        for count in [2, 3] {
            let sent = "a sends o4 t4 k4 #1\na lost o4\na fails o4\n";
            stand(&format!("{sent}@2000 {}", told(count)), Standing::Pass);
            let young = "a sends o4 t4 k4 #1\na acked o4 m4\n";
            stand(&format!("{young}{}", told(count)), Standing::Pass);
        }
        let refused = "a sends o4 t4 k4 #1\na refused o4\n";
        fail(&format!("{refused}@2000 {}", told(3)), "more is counted than is unread");
        let certain = "b marks o4 m1 #1\n";
        fail(&format!("{certain}@2000 {}", told(2)), "more is counted than is unread");
    }

    #[test]
    fn an_attempt_that_is_repeated_may_be_two_messages_where_nothing_tells_them_apart() {
        let twice = "a sends o4 t4 k4 #1\na timeout o4\na tries o4\na acked o4 m4\n";
        for count in [3, 4] {
            stand(&format!("{twice}@2000 {}", told(count)), Standing::Pass);
        }
        let mut keyed = charge();
        keyed.traits.dedup = Charge::default().traits.dedup;
        let history = format!("{SENT}{twice}@2000 {}", told(4));
        fails(&UnreadCount, &keyed, &history, "more is counted than is unread");
    }

    #[test]
    fn one_word_may_be_about_all_that_was_there() {
        for (scope, left) in [(Receipts::UpTo, 1), (Receipts::Conversation, 0)] {
            let mut charge = charge();
            charge.traits.receipts = scope;
            let history =
                |count| format!("{SENT}b asks read o4 m1 #1\nb acked o4\n@2000 {}", told(count));
            stands(&UnreadCount, &charge, &history(left), Standing::Pass);
            let more = "more is counted than is unread";
            fails(&UnreadCount, &charge, &history(2), more);
        }
    }

    #[test]
    fn a_broadcast_counts_for_whom_it_is_meant_and_nothing_for_a_stranger() {
        let news =
            "a ready\nc know #\nc addressed #2\na in #2\na sends o4 t4 k4 #2\na acked o4 m4\n";
        let counts =
            |count| format!("{news}@2000 c asks unread o9\nc counts o9 {count}\nc done o9");
        stand(&counts(1), Standing::Pass);
        fail(&counts(0), "unread messages are not counted");
        let stranger = "a ready\nd know #\nd asks unread o9\nd counts o9 7\nd done o9";
        stand(stranger, Standing::NotExercised);
    }

    #[test]
    fn a_count_of_one_conversation_is_compared_with_that_one() {
        let there = "a b in #2\na sends o4 t4 k4 #2\na acked o4 m4\n@2000 b asks unread o9 #2\n";
        stand(&format!("{there}b counts o9 1 #2\nb done o9"), Standing::Pass);
        fail(&format!("{there}b counts o9 3 #2\nb done o9"), "more is counted than is unread");
    }
}
