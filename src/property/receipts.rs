//! `receipts`: a message's status only moves forward, and its sender hears who has it and who read it.

mod awaited;
mod known;
mod probes;
mod views;

use crate::history::{Answer, Entry, Event, Nanos, OpId};
use crate::operation::{ConnectionState, Operation, Sight};
use crate::property::charge::nanos;
use crate::property::recent::hash;
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::Finding;
use awaited::Awaited;
use known::{Claim, Known, Rank};
use std::time::Duration;
use views::Views;

/// Status moves forward, and the sender hears of it.
#[derive(Debug)]
pub struct Receipts;

static PAGE: Page = Page {
    id: "receipts",
    title: "A server MUST tell a message's sender who has read it, and never take that back.",
    promises: "A message goes from sent to delivered to read and never back, in what is pushed and \
        in what is read later. Each reader is told once, to each device of the sender that is \
        there, about the message that was read, or a later one where a receipt is about all before \
        it; only people of the conversation count as readers. Where the spec says so, the reader's \
        other devices are told as well.",
    matters: "Two ticks that turn into one make users write again; a receipt in another's name, or \
        for another message, is a lie about a person. What depends on a reader at a time breaks as \
        soon as a group reads at once.",
    judged: "A receipt or a status must follow from somebody's saying so: a member of the \
        conversation, about this message, and no more often than it was said. What a client was \
        pushed of a message does not fall back, and what it reads of it is not less than what was \
        pushed to anybody half a second before, nor `sending` once it is confirmed. What a member says over a connection that stays up \
        must be heard by each device of the sender (and, where the spec says so, by each other one \
        of the reader) that stays connected: by the end of the run, \
        and at least five seconds were waited. A fault or a lost connection on either side excuses.",
    blind: "Receipts that the harness did not ask for and that are about messages of more than a \
        minute ago. Statuses that a server gives by itself, where the spec has no way to say that a \
        message arrived. How many readers a server counts, where it shows no list of them.",
    example: "  2.014 s  client 4  said that it read message 17\n  \
        2.020 s  client 1  was told that message 17 is read\n  \
        2.100 s  client 1  was told that message 17 is delivered\n\
        therefore its status fell from read to delivered\n\
        but a status only moves forward",
    source: "common practice: a receipt is a fact of the past, and facts of the past stay.",
    tolerance: Some(Tolerance {
        default: Duration::from_millis(500),
        reason: "what is pushed may be stored everywhere a little later",
    }),
    least_evidence: 1,
    evidence: "One receipt or status that came, or was read, and was compared with what was said.",
};

impl Property for Receipts {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        format!(
            "told as often as said, forward only; read back after {} for {}; heard by the end",
            super::argument::span(nanos(charge.tolerance(&PAGE))),
            PAGE.tolerance.as_ref().map_or("", |tolerance| tolerance.reason),
        )
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Telling {
            reader_told: charge.traits.reader_told,
            tells: charge.tells_receipts || charge.tells_status,
            known: Known::new(charge),
            views: Views::new(charge, nanos(charge.tolerance(&PAGE))),
            awaited: Awaited::new(charge),
            finding: Finding::default(),
        })
    }
}

/// The judge: who said what of which message, and who was told.
struct Telling {
    /// The server tells of receipts at all.
    tells: bool,
    /// The reader's other devices are told as well.
    reader_told: bool,
    known: Known,
    views: Views,
    awaited: Awaited,
    finding: Finding,
}

impl Judge for Telling {
    fn observe(&mut self, entry: &Entry) {
        if !self.tells {
            return;
        }
        let (at, client) = (entry.at, entry.client);
        self.known.tick(at);
        self.views.tick(at);
        self.awaited.expire(at, &self.known, &mut self.finding);
        self.known.note(entry);
        match &entry.event {
            Event::Attempt { op, .. } => {
                self.known.claim(at, *op);
            }
            Event::Ok { op, .. } => self.awaits(at, *op),
            Event::Answered { op, answer: Answer::Lost | Answer::TimedOut, .. }
            | Event::Failed { op, .. } => self.awaited.cancel_op(*op),
            Event::Saw { sight: Sight::Receipt, user: Some(user), id: Some(id), .. } => {
                let person = self.known.person(user);
                self.awaited.heard_receipt(client, hash(id), person, &self.known);
                self.views.receipt(entry, user, id, &self.known, &mut self.finding);
            }
            Event::Saw { sight: Sight::Status, id: Some(id), state: Some(state), row, .. } => {
                let Some(rank) = Rank::parse(state) else { return };
                if row.is_none() {
                    self.awaited.heard_status(client, hash(id), rank);
                }
                self.views.status(entry, id, rank, &self.known, &mut self.finding);
            }
            Event::Connection { state, .. } if *state != ConnectionState::Connected => {
                self.awaited.cancel_client(at, client);
            }
            Event::Fault { begins: true, .. } => self.awaited.cancel_client(at, client),
            Event::Lag { nanos } => self.awaited.lag(*nanos),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.awaited.conclude(&self.known, &mut self.finding);
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.known.len() + self.views.len() + self.awaited.len()
    }

    fn awaited_deliveries(&self) -> usize {
        self.awaited.len()
    }
}

impl Telling {
    /// Somebody said that a message arrived or was read: now its sender must hear of it.
    fn awaits(&mut self, at: Nanos, op: OpId) {
        let Some(claim) = self.known.said(op) else { return };
        let first = claim.times == 1 && !claim.on_purpose && self.known.is_up(claim.client);
        let Some(message) = self.known.message(claim.message).filter(|_| first) else { return };
        let told = self.awaited.is_told(&claim, message);
        let by_member = self.known.is_member(claim.person, message.place)
            && !self.known.is_broadcast(message.place);
        if !told || !by_member || !message.shown || message.sender == claim.person {
            return;
        }
        let own = if self.reader_told { self.known.devices(claim.person) } else { &[] };
        let own = own.iter().filter(|device| **device != claim.client);
        for watcher in self.known.devices(message.sender).iter().chain(own) {
            if self.known.is_up(*watcher) && !self.views.shows(*watcher, &claim, &self.known) {
                self.awaited.add(at, op, *watcher, &claim);
            }
        }
    }
}

/// An operation by which a person says how far a message came.
const fn rank_of(operation: Operation) -> Option<Rank> {
    match operation {
        Operation::Read => Some(Rank::Read),
        Operation::Delivered => Some(Rank::Delivered),
        _ => None,
    }
}

/// `said that it read message 17`.
fn said(claim: &Claim) -> String {
    let verb = if claim.rank == Rank::Read { "read" } else { "has" };
    format!("said that it {verb} message {}", claim.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, passes, stands};
    use crate::spec::{self, Traits};
    use crate::verdict::Standing;

    fn charge() -> Charge {
        Charge { tells_receipts: true, tells_status: false, ..Charge::default() }
    }

    fn statuses() -> Charge {
        let (tells_receipts, says_delivered) = (false, true);
        Charge { tells_receipts, says_delivered, tells_status: true, ..charge() }
    }

    /// Ann has sent two messages that Bob and Cid have seen.
    const SENT: &str = "a b c in #1
        a sends o1 t1 k1 #1
        a acked o1 m1
        b sees t1 m1 #1
        c sees t1 m1 #1
        a sends o2 t2 k2 #1
        a acked o2 m2
        b sees t2 m2 #1
        ";

    fn then(what: &str) -> String {
        format!("{SENT}{what}")
    }

    #[test]
    fn each_reader_is_told_once_and_passes() {
        let history = then(
            "b marks o3 m1 #1
             a hears m1 u2
             c marks o4 m1 #1
             a hears m1 u3
             b marks o5 m1 #1
             a hears m1 u2",
        );
        assert_eq!(passes(&Receipts, &charge(), &history).observations, 3);
    }

    #[test]
    fn what_the_server_has_is_sending_in_nobodys_history() {
        let read =
            |word: &str| then(&format!("@2000 b reads o3 #1\nb hears o3 m1 {word}\nb done o3"));
        let summary = "a stored message is still `sending`";
        fails(&Receipts, &statuses(), &read("sending"), summary);
        passes(&Receipts, &statuses(), &read("sent"));
        let early = then("b reads o3 #1\nb hears o3 m1 sending\nb done o3");
        stands(&Receipts, &statuses(), &early, Standing::NotExercised);
    }

    #[test]
    fn a_receipt_that_is_told_more_often_than_said_fails() {
        let history = then("b marks o3 m1 #1\na hears m1 u2\na hears m1 u2");
        fails(&Receipts, &charge(), &history, "one reading told twice");
    }

    #[test]
    fn a_receipt_about_another_message_or_by_another_reader_fails() {
        let other = then("b marks o3 m1 #1\na hears m2 u2\na hears m1 u2");
        fails(&Receipts, &charge(), &other, "a receipt about another message");
        let another = then("b marks o3 m1 #1\na hears m1 u2\na hears m1 u3");
        fails(&Receipts, &charge(), &another, "a receipt that nobody gave");
    }

    #[test]
    fn a_strangers_receipt_fails_and_an_ignored_one_does_not() {
        let ignored =
            "e in #2\ne owes o3 refusal\ne marks o3 m1 #1\nb marks o4 m1 #1\na hears m1 u2";
        passes(&Receipts, &charge(), &then(ignored));
        let taken = then("e in #2\ne owes o3 refusal\ne marks o3 m1 #1\na hears m1 u5");
        fails(&Receipts, &charge(), &taken, "a stranger's receipt");
    }

    #[test]
    fn a_sender_who_never_hears_fails_also_on_one_device() {
        let never = then("b marks o3 m1 #1\n@9000 phase end");
        fails(&Receipts, &charge(), &never, "the sender never heard of a reader");
        let one = then("a2 in #1\nb marks o3 m1 #1\na hears m1 u2\n@9000 phase end");
        fails(&Receipts, &charge(), &one, "the sender never heard of a reader");
        let soon = then("b marks o3 m1 #1\n@3000 phase end");
        stands(&Receipts, &charge(), &soon, Standing::NotExercised);
    }

    #[test]
    fn a_readers_other_device_hears_where_that_is_documented() {
        let shared = Charge { traits: Traits { reader_told: true, ..charge().traits }, ..charge() };
        let told = then("b2 in #1\nb marks o3 m1 #1\na hears m1 u2\n@9000 phase end");
        fails(&Receipts, &shared, &told, "the reader's other device never heard of it");
        passes(&Receipts, &charge(), &told);
        passes(&Receipts, &shared, &told.replace("@9000", "b2 hears m1 u2\n@9000"));
        passes(&Receipts, &shared, &told.replace("@9000", "b2 drops\n@9000"));
    }

    #[test]
    fn nobody_has_to_hear_what_a_fault_could_have_lost() {
        for excuse in [
            "a drops\nb marks o3 m1 #1",
            "b marks o3 m1 #1\na drops",
            "b marks o3 m1 #1\nb drops",
            "b fault begins silence\nb marks o3 m1 #1",
            "b marks o3 m1 #1\na fault begins restart",
            "b owes o3 peace\nb marks o3 m1 #1",
            "a marks o3 m1 #1",
            "b marks o3 m9 #1",
        ] {
            let history = then(&format!("{excuse}\n@9000 phase end"));
            stands(&Receipts, &charge(), &history, Standing::NotExercised);
        }
    }

    #[test]
    fn a_starved_generator_doubts() {
        let history = then("b marks o3 m1 #1\n@6000 a lag 900\n@7000 phase end");
        stands(&Receipts, &charge(), &history, Standing::Inconclusive);
    }

    #[test]
    fn a_status_goes_forward_for_each_client() {
        let forward = then(
            "b marks o3 delivered m1 #1
             a hears m1 delivered
             b hears m1 delivered
             c marks o4 m1 #1
             a hears m1 read
             b hears m1 read",
        );
        passes(&Receipts, &statuses(), &forward);
        let back = format!("{forward}\nb marks o5 delivered m1 #1\na hears m1 delivered");
        fails(&Receipts, &statuses(), &back, "a status went back");
    }

    #[test]
    fn a_status_that_was_reached_before_is_not_told_again() {
        let history = then(
            "a drops
             b marks o3 m1 #1
             b hears m1 read
             @1000 a back
             a ready
             c marks o4 m1 #1
             @9000 phase end",
        );
        passes(&Receipts, &statuses(), &history);
    }

    #[test]
    fn a_status_needs_somebody_who_said_so() {
        let alone = then("a hears m1 read");
        fails(&Receipts, &statuses(), &alone, "a status that nobody gave");
        let more = then("b marks o3 delivered m1 #1\na hears m1 read");
        fails(&Receipts, &statuses(), &more, "a status that nobody gave");
        let mut by_itself = statuses();
        by_itself.says_delivered = false;
        passes(&Receipts, &by_itself, &then("a hears m1 delivered"));
    }

    #[test]
    fn what_is_read_is_not_less_than_what_was_pushed() {
        let read = |pause: u32, state: &str| {
            then(&format!(
                "@1000 b marks o3 m1 #1
                 b hears m1 read
                 a hears m1 read
                 @{} a reads o9 #1
                 a row o9 t1 m1
                 a hears o9 m1 {state}
                 a done o9",
                1_000 + pause
            ))
        };
        passes(&Receipts, &statuses(), &read(1_000, "read"));
        fails(&Receipts, &statuses(), &read(1_000, "sent"), "a status was forgotten");
        passes(&Receipts, &statuses(), &read(100, "sent"));
        let under_way = "a reads o9 #1
            b marks o3 m1 #1
            a hears m1 read
            b hears m1 read
            a row o9 t1 m1
            a hears o9 m1 sent
            a done o9";
        passes(&Receipts, &statuses(), &then(under_way));
    }

    #[test]
    fn where_a_receipt_is_about_all_that_was_there_each_message_counts() {
        let mut charge = charge();
        charge.traits.receipts = spec::Receipts::Conversation;
        let all = then("b marks o3 #1\na hears m1 u2\na hears m2 u2");
        passes(&Receipts, &charge, &all);
        let nobody = then("b marks o3 #1\na hears m1 u3\na hears m2 u2");
        fails(&Receipts, &charge, &nobody, "a receipt that nobody gave");
        let unheard = then("b marks o3 #1\na hears m1 u2\n@9000 phase end");
        fails(&Receipts, &charge, &unheard, "the sender never heard of a reader");
    }

    #[test]
    fn a_receipt_up_to_a_message_covers_those_before_it() {
        let mut charge = charge();
        charge.traits.receipts = spec::Receipts::UpTo;
        let newest = then("b marks o3 m1 #1\nb marks o4 m2 #1\na hears m2 u2\n@9000 phase end");
        passes(&Receipts, &charge, &newest);
        let overtaken = then("b marks o3 m2 #1\na hears m2 u2\nb marks o4 m1 #1\n@9000 phase end");
        passes(&Receipts, &charge, &overtaken);
        let older = then("b marks o3 m1 #1\nb marks o4 m2 #1\na hears m1 u2\n@9000 phase end");
        fails(&Receipts, &charge, &older, "the sender never heard of a reader");
        let by_another = then("b marks o3 m1 #1\nc marks o4 m2 #1\na hears m2 u3\n@9000 phase end");
        fails(&Receipts, &charge, &by_another, "the sender never heard of a reader");
        let beyond = then("b marks o3 m1 #1\na hears m2 u2");
        fails(&Receipts, &charge, &beyond, "a receipt about another message");
        let below = then("b marks o3 m2 #1\na hears m1 u2\na hears m2 u2");
        passes(&Receipts, &charge, &below);
    }

    #[test]
    fn a_server_that_tells_nothing_is_not_judged() {
        let silent = Charge { tells_receipts: false, ..charge() };
        let history = then("b marks o3 m1 #1\n@9000 phase end");
        stands(&Receipts, &silent, &history, Standing::NotExercised);
    }
}
