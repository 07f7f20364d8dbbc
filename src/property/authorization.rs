//! `authorization`: what happens in a conversation is the business of its participants alone.

mod leaks;
mod probes;
mod trespass;

use self::leaks::{End, Leaks};
use self::trespass::Trespasses;
use crate::history::{Answer, ClientId, ConversationId, Entry, Event};
use crate::operation::{ConnectionState, Operation};
use crate::property::charge::nanos;
use crate::property::recent::hash;
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::Finding;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Duration;

/// What happens in a conversation is the business of its participants alone.
#[derive(Debug)]
pub struct Authorization;

static PAGE: Page = Page {
    id: "authorization",
    title: "A server MUST let only participants join, send, read, type and see.",
    promises: "Whoever is not in a conversation can do nothing in it and learns nothing of it: \
        what they ask for is refused, none of its messages, typing, presence or receipts reach \
        them, and nothing of theirs reaches the participants. Who has left hears nothing more.",
    matters: "Ids are guessed, copied and counted up. A server that looks up a conversation and \
        forgets to look up who asks shows private talk to strangers, and nobody notices.",
    judged: "An operation on a conversation by a client that is not in it, and which the \
        documents demand to be refused, must not be answered by a yes. To whoever is in no \
        conversation nothing is unread. Every message, typing, \
        presence and receipt that any client sees must come from a conversation it is in, or \
        speak of somebody it shares one with; every message must be of a participant. After a \
        `leave` no message that was sent later than the tolerance may come. Refusals for a \
        conversation that there is and for one that there is not must read the same.",
    blind: "Where an event names neither its conversation nor a person of the run. What a person \
        may learn of people whom it shares another conversation with. Operations without an \
        answer, but for what they make others see.",
    example: "  0.420 s  client 3  asked for `history` of conversation 1, a stranger there\n  \
        0.428 s  client 3  had 2 rows\n\
        therefore a stranger did in conversation 1 what only participants may do\n\
        but only participants join, send, read, type and see",
    source: "common practice: a conversation is private to its participants.",
    tolerance: Some(Tolerance {
        default: Duration::from_secs(1),
        reason: "the way of a `leave` that nobody answers to the server",
    }),
    least_evidence: 1,
    evidence: "One operation of a stranger that was refused, or had to be, or something that the \
        participants saw while somebody was there who is in no conversation.",
};

/// What was promised.
const BUT: &str = "only participants join, send, read, type and see";

impl Property for Authorization {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let after = charge.tolerance(&PAGE);
        format!(
            "strangers' operations refused, nothing of a conversation to or from a stranger, \
             nothing that was sent {after:?} after a leave"
        )
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let tolerance = nanos(charge.tolerance(&PAGE));
        Box::new(Walls {
            book: Book::default(),
            trespasses: Trespasses::default(),
            leaks: Leaks::new(tolerance, charge.memory()),
            finding: Finding::default(),
        })
    }
}

/// The judge: who is where, who tried what, and what went where it should not.
struct Walls {
    book: Book,
    trespasses: Trespasses,
    leaks: Leaks,
    finding: Finding,
}

/// Who is in which conversation.
#[derive(Default)]
struct Book {
    users: FxHashMap<ClientId, CompactString>,
    members: FxHashSet<(ClientId, ConversationId)>,
    homes: FxHashMap<CompactString, Vec<ConversationId>>,
    /// Conversations by the server's ids, hashed.
    ids: FxHashMap<u64, ConversationId>,
    /// The conversations that there are.
    known: FxHashSet<ConversationId>,
    /// Clients that are in none.
    homeless: FxHashSet<ClientId>,
}

impl Judge for Walls {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.leaks.tick(at);
        match &entry.event {
            Event::Person { user, .. } => self.book.person(client, user),
            Event::Member { conversation, id } | Event::Addressed { conversation, id } => {
                self.book.ids.insert(hash(id), *conversation);
                self.book.member(client, *conversation);
            }
            Event::Listed { id: Some(id), .. } => {
                self.leaks.listed(at, client, id, &self.book, &mut self.finding);
            }
            Event::Found { conversation, token, id, .. } => {
                self.leaks.found(at, client, (*conversation, *token, id.as_ref()), &self.book);
            }
            Event::Counted { count, .. } => {
                self.leaks.counted(at, client, *count, &self.book, &mut self.finding);
            }
            Event::Due { op, due, .. } => self.trespasses.due(*op, *due),
            Event::Invoke { op, operation, conversation, message, .. } => {
                if let Some(place) = conversation.filter(|place| !self.book.is_in(client, *place)) {
                    let guessed = !self.book.known.contains(&place);
                    if let Some(message) = message {
                        self.leaks.strange(client, message);
                    }
                    self.trespasses.invoke(at, client, *op, *operation, place, guessed);
                }
                let watched = !self.book.homeless.is_empty();
                let message = message.as_ref().filter(|_| *operation == Operation::Send);
                self.leaks.invoke(client, *op, *operation, *conversation, message, watched);
            }
            Event::Attempt { op, .. } => self.trespasses.attempt(at, *op),
            Event::Answered { op, answer, .. } => {
                if let Answer::Ack { id: Some(id), .. } = answer {
                    self.leaks.acked(*op, id);
                }
                self.trespasses.answered(at, *op, answer, &mut self.finding);
            }
            Event::Ok { op, rows } => {
                self.trespasses.ok(at, *op, *rows, &mut self.finding);
                self.leaks.over(client, *op, End::Done);
            }
            Event::Failed { op, certain, .. } => {
                self.trespasses.failed(*op, *certain);
                let end = if *certain { End::Refused } else { End::Unknown };
                self.leaks.over(client, *op, end);
            }
            Event::Message(seen) => {
                self.leaks.message(at, client, seen, &self.book, &mut self.finding);
            }
            Event::Saw { sight, conversation, user, id, users, .. } => {
                let (sight, conversation, id) = (*sight, *conversation, id.as_ref());
                let about = |user| leaks::About { sight, conversation, user, id };
                let told = users.as_deref().unwrap_or_default();
                if told.is_empty() {
                    let about = about(user.as_ref());
                    self.leaks.saw(at, client, &about, &self.book, &mut self.finding);
                }
                // A state tells of each person in it.
                for user in told {
                    let about = about(Some(user));
                    self.leaks.saw(at, client, &about, &self.book, &mut self.finding);
                }
            }
            Event::Connection { state: ConnectionState::Connected, .. } => {
                self.leaks.back(client);
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.leaks.conclude(&self.book, &mut self.finding);
        self.trespasses.conclude(&mut self.finding);
        self.finding
    }

    fn unsettled(&self) -> usize {
        self.trespasses.len() + self.leaks.len()
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count + self.leaks.suspicions()
    }
}

impl Book {
    fn person(&mut self, client: ClientId, user: &CompactString) {
        self.users.insert(client, user.clone());
        self.homes.entry(user.clone()).or_default();
        self.homeless.insert(client);
    }

    fn member(&mut self, client: ClientId, conversation: ConversationId) {
        self.known.insert(conversation);
        self.members.insert((client, conversation));
        self.homeless.remove(&client);
        let Some(homes) = self.users.get(&client).and_then(|user| self.homes.get_mut(user)) else {
            return;
        };
        if !homes.contains(&conversation) {
            homes.push(conversation);
        }
    }

    fn is_in(&self, client: ClientId, conversation: ConversationId) -> bool {
        self.members.contains(&(client, conversation))
    }

    /// Whether this user is in this conversation; `None`: nobody of this run is called so.
    fn user_is_in(&self, user: &CompactString, conversation: ConversationId) -> Option<bool> {
        self.homes.get(user).map(|homes| homes.contains(&conversation))
    }

    /// Whether this user, not the client's own, shares no conversation with it.
    fn are_strangers(&self, client: ClientId, user: &CompactString) -> bool {
        let own = self.users.get(&client) == Some(user);
        let homes = self.homes.get(user).filter(|_| !own);
        homes.is_some_and(|homes| !homes.iter().any(|home| self.is_in(client, *home)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, stands};
    use crate::property::{at_least_once, idempotency, ordering};
    use crate::verdict::Standing;

    /// Ann and Bob are in a conversation, Eve is in another one.
    const CAST: &str = "a b in #1\ne f in #2\n";

    fn fail(history: &str, summary: &str) {
        fails(&Authorization, &Charge::default(), &format!("{CAST}{history}"), summary);
    }

    fn stand(history: &str, standing: Standing) -> Finding {
        stands(&Authorization, &Charge::default(), &format!("{CAST}{history}"), standing)
    }

    #[test]
    fn where_nobody_trespasses_nothing_is_judged() {
        stands(&Authorization, &Charge::default(), "", Standing::NotExercised);
        stand("a sends o1 t1 k1 #1\na acked o1 m1\nb sees t1 m1 #1 u1", Standing::NotExercised);
    }

    #[test]
    fn a_stranger_who_is_refused_is_evidence() {
        let refused = "e owes o1 refusal\ne sends o1 t1 k1 #1\ne refused o1\n\
                       e owes o2 refusal\ne reads o2 #1\ne refused o2\n\
                       e owes o3 refusal\ne asks join o3 #1\ne over o3";
        assert_eq!(stand(refused, Standing::Pass).observations, 3);
    }

    #[test]
    fn a_yes_to_a_stranger_breaks_it() {
        fail(
            "e owes o1 refusal\ne sends o1 t1 k1 #1\ne acked o1 m1",
            "a stranger's `send` was accepted",
        );
        fail("e owes o1 refusal\ne reads o1 #1\ne done o1", "a stranger's `history` was accepted");
        stand("e sends o1 t1 k1 #1\ne acked o1 m1", Standing::NotExercised);
        stand("a owes o1 refusal\na sends o1 t1 k1 #1\na acked o1 m1", Standing::NotExercised);
    }

    #[test]
    fn a_stranger_who_gets_no_answer_is_doubted() {
        let silent = "e owes o1 refusal\ne reads o1 #1\ne lost o1\ne fails o1";
        stand(silent, Standing::Inconclusive);
    }

    #[test]
    fn nothing_of_a_conversation_reaches_a_stranger() {
        fail("a sends o1 t1 k1 #1\ne sees t1 m1 #1", "a message reached a stranger");
        fail("e sees-of typing-start u1 #1", "`typing-start` reached a stranger");
        fail("e sees-of typing-start u1", "`typing-start` of a stranger was seen");
        fail("e sees-of online u2", "`online` of a stranger was seen");
        stand(
            "e sees-of online u6\ne sees-of online u99\na sees-of typing-start u2 #1",
            Standing::NotExercised,
        );
    }

    #[test]
    fn who_stands_in_a_state_is_seen_like_who_is_told_of_alone() {
        fail("a saw typing all u2 u5 #1", "a stranger's `typing` reached a member");
        fail("e saw typing all u1 #1", "`typing` reached a stranger");
        fail("e saw presence all u6 u2", "`presence` of a stranger was seen");
        stand("a saw typing all u2 #1\na saw typing all #1", Standing::NotExercised);
    }

    #[test]
    fn rows_that_a_stranger_reads_are_told_of_too() {
        let read = format!("{CAST}e owes o1 refusal\ne reads o1 #1\ne row o1 t1 m1\ne done o1");
        let finding = check(&Authorization, &Charge::default(), &read);
        assert_eq!(finding.violation_count, 2);
    }

    #[test]
    fn nothing_of_a_stranger_reaches_the_members() {
        let sent = "e owes o1 refusal\ne sends o1 t1 k1 #1\ne refused o1\na sees t1 m1 #1";
        fail(sent, "a stranger's message reached a member");
        fail("a sees-of receipt u5 m1", "`receipt` of a stranger was seen");
        fail("a sees-of typing-start u5 #1", "a stranger's `typing-start` reached a member");
    }

    #[test]
    fn to_whoever_is_in_no_conversation_nothing_is_unread() {
        let asks = "d know #\nd asks unread o1\nd counts o1";
        stand(&format!("{asks} 0\nd done o1"), Standing::Pass);
        fail(&format!("{asks} 2\nd done o1"), "a stranger is told of unread messages");
        stand("e asks unread o1\ne counts o1 2\ne done o1", Standing::NotExercised);
    }

    #[test]
    fn whom_a_broadcast_is_for_is_no_stranger_to_it() {
        let sent = "b addressed #3\na in #3\na sends o1 t1 k1 #3\na acked o1 m1\n";
        stand(&format!("{sent}b sees t1 m1 #3"), Standing::NotExercised);
        fail(&format!("{sent}e sees t1 m1 #3"), "a message reached a stranger");
    }

    #[test]
    fn a_list_shows_ones_own_conversations() {
        let listed = |id: &str| {
            let (at, client, op) = (9_000_000_000, ClientId(50), crate::history::OpId(9));
            let event = Event::Listed { op, id: Some(id.into()), user: None };
            let mut judge = Authorization.judge(&Charge::default());
            crate::property::notation::read(CAST).iter().for_each(|entry| judge.observe(entry));
            judge.observe(&Entry { at, client, event });
            judge.finish().violation_count
        };
        assert_eq!([listed("c2"), listed("c1"), listed("c99")], [0, 1, 0]);
    }

    #[test]
    fn a_status_that_names_only_its_message_is_known_by_it() {
        let history = "a b in #1\ne is\na sends o1 t1 k1 #1\na acked o1 m1\n";
        let told = |sight: &str| format!("{history}e sees-of {sight} m1");
        let (charge, summary) = (Charge::default(), "`status` reached a stranger");
        fails(&Authorization, &charge, &told("status"), summary);
        let own = format!("{history}b sees-of status m1");
        stands(&Authorization, &charge, &own, Standing::Pass);
    }

    #[test]
    fn who_turns_out_to_be_a_member_was_no_stranger() {
        let early = "a in #1\nb is\nb sees t1 m1 #1 u1\nb sees-of typing-start u1\n";
        let charge = Charge::default();
        let finding = check(&Authorization, &charge, early);
        assert_eq!(finding.violation_count, 2);
        let told = format!("{early}b in #1");
        stands(&Authorization, &charge, &told, Standing::NotExercised);
    }

    #[test]
    fn who_may_share_a_conversation_that_is_being_made_is_no_stranger() {
        let seen = "e sees-of online u2";
        let found = |history: String| {
            check(&Authorization, &Charge::default(), &format!("{CAST}{history}")).violation_count
        };
        assert_eq!(found(seen.to_owned()), 1);
        assert_eq!(found(format!("e asks create o1\n{seen}")), 0);
        assert_eq!(found(format!("e asks create o1\ne done o1\n{seen}")), 1);
        let made = |id: &str| format!("e asks create o1\ne made o1 {id}\n{seen}");
        assert_eq!(found(made("c1")), 1);
        assert_eq!(found(made("c77")), 0, "nobody said who is in it");
    }

    #[test]
    fn who_has_left_hears_nothing_that_is_sent_later() {
        let left = "@0 a b in #1\n@100 b asks leave o1 #1\nb over o1\n";
        let sent = |at: u32| format!("{left}@{at} a sends o2 t2 k2 #1\nb sees t2 m2 #1 u1");
        let (charge, summary) = (Charge::default(), "a message reached a client that had left");
        fails(&Authorization, &charge, &sent(1200), summary);
        stands(&Authorization, &charge, &sent(900), Standing::NotExercised);
        let back = sent(1200).replace("@1200 a", "b asks join o9 #1\n@1200 a");
        stands(&Authorization, &charge, &back, Standing::NotExercised);
        let again = sent(1200).replace("@1200 a", "b cut\nb back\n@1200 a");
        stands(&Authorization, &charge, &again, Standing::NotExercised);
    }

    #[test]
    fn refusals_do_not_tell_what_exists() {
        let tried = |one: &str, other: &str| {
            format!(
                "e owes o1 refusal\ne reads o1 #1\ne refused o1 saying {one}\n\
                 e owes o2 refusal\ne reads o2 #77\ne refused o2 saying {other}"
            )
        };
        fail(&tried("forbidden", "unknown"), "a refusal tells whether a conversation exists");
        stand(&tried("no-4711", "no-4712"), Standing::Pass);
    }

    #[test]
    fn the_other_judges_take_a_trespass_as_it_comes() {
        let refused = "a b in #1\ne in #2\ne owes o1 refusal\ne sends o1 t1 k1 #1\ne refused o1\n\
                       a sends o2 t2 k2 #1\na acked o2 m2 5\na sees t2 m2 5 #1 u1\nb sees t2 m2 5 #1 u1\n\
                       phase final-read\nb reads o3 #1\nb row o3 t2 m2 5 u1\nb done o3";
        let accepted = "a b in #1\ne in #2\ne owes o1 refusal\ne sends o1 t1 k1 #1\ne acked o1 m1 4\n\
                        a sees t1 m1 4 #1 u5\nb sees t1 m1 4 #1 u5\n\
                        a sends o2 t2 k2 #1\na acked o2 m2 5\na sees t2 m2 5 #1 u1\nb sees t2 m2 5 #1 u1\n\
                        phase final-read\nb reads o3 #1\nb row o3 t1 m1 4 u5\nb row o3 t2 m2 5 u1\nb done o3";
        for history in [refused, accepted] {
            for other in [
                &at_least_once::AtLeastOnce as &dyn Property,
                &ordering::Ordering,
                &idempotency::Idempotency,
            ] {
                let finding = check(other, &Charge::default(), history);
                assert_eq!((finding.violation_count, finding.doubts.len()), (0, 0), "{finding:#?}");
            }
        }
    }
}
