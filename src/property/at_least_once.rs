//! `at-least-once`: a message that was acked is stored, and nothing else is.

mod final_read;
mod intruders;
mod probes;

use self::final_read::{Acked, Ledger, Reading};
use crate::history::{
    About, Answer, Carrier, ClientId, ConversationId, Damage, Due, Entry, Event, Key, MessageRef,
    Nanos, OpId, Seen, Token,
};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::{exhibit, place, span, violation};
use crate::property::charge::nanos;
use crate::property::recent::{Recent, Rows, TokenSet, hash};
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::Finding;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Duration;

/// A message that was acked is stored, and nothing else is.
#[derive(Debug)]
pub struct AtLeastOnce;

static PAGE: Page = Page {
    id: "at-least-once",
    title: "A server MUST store each message that it acked, as it was sent, and no other.",
    promises: "Each message is stored, or its sender is told that it failed: what was acked is in \
        the conversation's history afterwards, with its text intact; what was refused is not; and \
        nothing stands there that nobody sent.",
    matters: "The tick beside a message means that it is safe. A server that acks before it \
        stores, or forgets on a restart, breaks the one thing users rely on without looking.",
    judged: "After the run has come to rest, members read the whole history of each conversation. \
        An acked message that none of the complete reads shows, neither by its witness nor by its \
        acked id, is lost. A message all of whose attempts were refused must never be seen, nor \
        one that carries a witness of this run and was not sent in that conversation, nor a new \
        one without a witness from one of our users. A message whose answers were lost may appear \
        or not. Texts must come as they were sent, after the documented sanitising.",
    blind: "Sends that the server does not answer. Messages without a witness from somebody who \
        does not take part (a bot's greeting): they are only counted. A message acked under the \
        id of another one, or sent under the key of another one, may be taken for a repetition: \
        `idempotency` judges that. What a case asks for so that it is refused, or because \
        no document describes it, may be stored or not: the property whose case it is judges \
        that, and messages without a witness from whoever asks so oddly. A message that somebody \
        deleted for themselves, if it is missing: all of its readers may have.",
    example: "  3.120 s  client 5  sent \"qzaaaabbbbcccc\", and had the ack\n \
        41.200 s  client 8  read the whole history of conversation 2 (57 rows)\n\
        therefore the acked message is in no complete history\n\
        but an acked message is stored",
    source: "common practice: an ack means that the message is safe.",
    tolerance: Some(Tolerance {
        default: Duration::from_secs(1),
        reason: "timers of a busy generator; it only bounds the contract's own retry time",
    }),
    least_evidence: 1,
    evidence: "One acked message that was looked for in a complete final read.",
};

impl Property for AtLeastOnce {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        format!(
            "each acked message in a complete final read, text intact; refused ones nowhere; \
             sends over within {} plus {} while connected",
            span(nanos(charge.budget())),
            span(nanos(charge.tolerance(&PAGE))),
        )
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let memory = charge.memory();
        Box::new(Store {
            budget: nanos(charge.budget() + charge.tolerance(&PAGE)),
            history: charge.history,
            run: None,
            last_phase: false,
            users: FxHashSet::default(),
            user_of: FxHashMap::default(),
            odd_users: FxHashSet::default(),
            due: FxHashMap::default(),
            epochs: FxHashMap::default(),
            ops: Rows::default(),
            ended: Rows::new(memory),
            sends: Rows::default(),
            places: Rows::new(memory),
            invoked: TokenSet::default(),
            stored: TokenSet::default(),
            refused: FxHashMap::default(),
            keys: Recent::new(memory),
            ledgers: FxHashMap::default(),
            hidden: FxHashSet::default(),
            readings: FxHashMap::default(),
            strays: FxHashMap::default(),
            reported: FxHashSet::default(),
            overdue: 0,
            finding: Finding::default(),
        })
    }
}

/// Suspicious messages remembered one by one; a flood of them is cut here.
const SUSPECTS: usize = 10_000;

/// The judge: what must be stored, and what must not.
struct Store {
    budget: Nanos,
    history: bool,
    run: Option<u16>,
    /// The final reads have begun.
    last_phase: bool,
    users: FxHashSet<CompactString>,
    user_of: FxHashMap<ClientId, CompactString>,
    /// Users who asked for something so odd that a message of theirs may have no witness.
    odd_users: FxHashSet<CompactString>,
    /// Operations to come of which no yes is demanded; `true`: odd ones.
    due: FxHashMap<OpId, bool>,
    epochs: FxHashMap<ClientId, u32>,
    /// Sends that are not over.
    ops: Rows<OpId, Op>,
    /// Sends that are over without an ack, which may still come.
    ended: Rows<OpId, Op>,
    /// Messages with a send that is not over.
    sends: Rows<Token, Sending>,
    places: Rows<Token, ConversationId>,
    /// Every token of this shard.
    invoked: TokenSet,
    /// Tokens that may be stored.
    stored: TokenSet,
    /// Messages that must never be seen.
    refused: FxHashMap<Token, Refused>,
    /// The first message under each key, whoever's it is.
    keys: Recent<u64, Token>,
    ledgers: FxHashMap<ConversationId, Ledger>,
    /// Messages that somebody asked to see no more, by the server's ids, hashed.
    hidden: FxHashSet<u32>,
    readings: FxHashMap<OpId, Reading>,
    /// Seen, with this run's mark, and not sent: yet, or ever.
    strays: FxHashMap<Token, Stray>,
    /// What a violation speaks of already, hashed.
    reported: FxHashSet<u64>,
    overdue: u64,
    finding: Finding,
}

struct Op {
    client: ClientId,
    token: Token,
    key: Key,
    own_key: bool,
    conversation: ConversationId,
    /// First attempt, and the connection it went out on.
    sent: Option<(Nanos, u32)>,
    made: u32,
    /// Attempts that were refused, a bit each.
    nacked: u64,
    acked: bool,
    error: CompactString,
    /// Whether it may be stored is another property's matter; `Some(true)`: whether it must, too.
    lenient: Option<bool>,
}

struct Sending {
    open: u32,
    /// Some send of it was not refused.
    maybe: bool,
    seen: Option<(Nanos, ClientId)>,
}

struct Refused {
    client: ClientId,
    key: Key,
    sent: Nanos,
    at: Nanos,
    error: CompactString,
}

struct Stray {
    at: Nanos,
    client: ClientId,
    conversation: Option<ConversationId>,
}

impl Judge for Store {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.ended.tick(at);
        self.places.tick(at);
        self.keys.tick(at);
        match &entry.event {
            Event::Person { user, .. } => {
                self.users.insert(user.clone());
                self.user_of.insert(client, user.clone());
            }
            Event::Due { op, due, odd, .. } if *odd || *due != Due::Accepted => {
                self.due.insert(*op, *odd);
                if let Some(user) = self.user_of.get(&client).filter(|_| *odd) {
                    self.odd_users.insert(user.clone());
                }
            }
            Event::Connection { state: ConnectionState::Connected, .. } => {
                *self.epochs.entry(client).or_default() += 1;
            }
            Event::Phase { name } => self.last_phase |= name == "final-read",
            Event::Invoke {
                operation: Operation::Hide, about: Some(About::Message(id)), ..
            } => {
                self.hidden.insert(short(id));
            }
            Event::Invoke { op, operation, conversation: Some(conversation), message, .. } => {
                match (operation, message) {
                    (Operation::Send, Some(message)) => {
                        self.invoke(client, *op, *conversation, message);
                    }
                    (Operation::History, _) if self.last_phase => self.read(*op, *conversation),
                    _ => {}
                }
            }
            Event::Attempt { op, .. } => self.attempt(at, client, *op),
            Event::Answered { op, attempt, answer, .. } => {
                self.answered(at, *op, *attempt, answer);
            }
            Event::Ok { op, rows } => {
                self.over(at, *op);
                self.looked(at, client, *op, *rows);
            }
            Event::Failed { op, .. } => {
                self.over(at, *op);
                self.readings.remove(op);
            }
            Event::Message(seen) => self.seen(at, client, seen),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.conclude();
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        let due = |ledger: &Ledger| ledger.due.len() + ledger.missing.len();
        self.ops.len()
            + self.ended.len()
            + self.sends.len()
            + self.places.len()
            + self.keys.len()
            + self.refused.len()
            + self.strays.len()
            + self.ledgers.values().map(due).sum::<usize>()
            + self.readings.values().map(|reading| reading.tokens.len()).sum::<usize>()
    }
}

impl Store {
    fn invoke(
        &mut self,
        client: ClientId,
        op: OpId,
        conversation: ConversationId,
        message: &MessageRef,
    ) {
        let token = message.token;
        self.run.get_or_insert(token.run());
        self.invoked.insert(token);
        self.refused.remove(&token);
        self.strays.remove(&token);
        let own_key = self.has_own_key(message);
        if own_key {
            self.places.insert(token, conversation);
        }
        let blank = Sending { open: 0, maybe: false, seen: None };
        self.sends.entry(token, || blank).open += 1;
        let (key, sent, error) = (message.key.clone(), None, CompactString::default());
        let lenient = self.due.remove(&op);
        let op_state = Op {
            client,
            token,
            key,
            own_key,
            conversation,
            sent,
            made: 0,
            nacked: 0,
            acked: false,
            error,
            lenient,
        };
        self.ops.insert(op, op_state);
    }

    /// The message's key was no other message's before, except of one that was refused.
    fn has_own_key(&mut self, message: &MessageRef) -> bool {
        let key = hash(&message.key);
        let first = *self.keys.entry(key, || message.token);
        if self.refused.contains_key(&first) {
            self.keys.insert(key, message.token);
            return true;
        }
        first == message.token
    }

    fn attempt(&mut self, at: Nanos, client: ClientId, op: OpId) {
        if let Some(reading) = self.readings.get_mut(&op) {
            reading.tokens.clear();
            reading.ids.clear();
        }
        let Some(op) = self.ops.get_mut(op) else { return };
        op.made += 1;
        op.sent.get_or_insert((at, self.epochs.get(&client).copied().unwrap_or_default()));
    }

    fn answered(&mut self, at: Nanos, number: OpId, attempt: u32, answer: &Answer) {
        let over = self.ended.get_mut(number);
        let late = over.is_some();
        let Some(op) = self.ops.get_mut(number).or(over) else { return };
        match answer {
            Answer::Ack { id, .. } => {
                if std::mem::replace(&mut op.acked, true) || op.lenient == Some(true) {
                    return;
                }
                if !op.own_key {
                    return; // It may be a repetition of another message.
                }
                let id = id.as_ref().map_or(0, |id| short(id));
                let (token, client, key) = (op.token, op.client, short(&op.key));
                let ledger = self.ledgers.entry(op.conversation).or_default();
                ledger.due.push(Acked { token, at, client, id, key });
                if late {
                    self.stored.insert(token);
                    self.refused.remove(&token);
                }
            }
            Answer::Nack(error) => {
                op.nacked |= 1 << attempt.min(63);
                op.error = error.clone();
            }
            Answer::TimedOut | Answer::Lost => {}
        }
    }

    /// A send is over. When all sends of its message are, it is known whether it may be stored.
    fn over(&mut self, at: Nanos, number: OpId) {
        let Some(op) = self.ops.remove(number) else { return };
        let token = op.token;
        if let Some((sent, epoch)) = op.sent
            && self.epochs.get(&op.client).copied().unwrap_or_default() == epoch
            && at.saturating_sub(sent) > self.budget
        {
            self.overdue += 1;
        }
        if let Some(sending) = self.sends.get_mut(token) {
            sending.open -= 1;
            let lenient = op.lenient.is_some();
            sending.maybe |= lenient || op.acked || op.nacked.count_ones() < op.made;
            if sending.open == 0 {
                let (maybe, seen) = (sending.maybe, sending.seen);
                self.sends.remove(token);
                if maybe {
                    self.stored.insert(token);
                } else if !self.stored.contains(token) {
                    let sent = op.sent.map_or(at, |(sent, _)| sent);
                    let (client, key, error) = (op.client, op.key.clone(), op.error.clone());
                    self.refused.insert(token, Refused { client, key, sent, at, error });
                    if let Some((at, client)) = seen {
                        self.appeared(at, client, token);
                    }
                }
            }
        }
        // Of what was acked, later answers tell nothing new.
        if !op.acked {
            self.ended.insert(number, op);
        }
    }

    fn seen(&mut self, at: Nanos, client: ClientId, seen: &Seen) {
        if let Carrier::History(op) = seen.by
            && let Some(reading) = self.readings.get_mut(&op)
        {
            if let Some(token) = seen.token {
                *reading.tokens.entry(token).or_default() += 1;
            }
            reading.ids.extend(seen.id.as_ref().map(|id| short(id)));
        }
        let Some(token) = seen.token else { return self.unmarked(at, client, seen) };
        if !self.invoked.contains(token) {
            return self.unsent(at, client, token, seen);
        }
        if let Some(conversation) = seen.conversation
            && let Some(order) = seen.order
        {
            let lowest = &mut self.ledgers.entry(conversation).or_default().lowest;
            *lowest = Some(lowest.map_or(order, |lowest| lowest.min(order)));
        }
        if let Some(sending) = self.sends.get_mut(token) {
            sending.seen.get_or_insert((at, client));
        } else if self.refused.contains_key(&token) {
            self.appeared(at, client, token);
        }
        if let Damage::Changed(excerpt) = &seen.text {
            self.changed(at, client, token, excerpt);
        }
        let there = self.places.get(token).copied();
        if let (Some(there), Some(here)) = (there, seen.conversation)
            && there != here
            && self.reported.insert(hash(&("elsewhere", token)))
        {
            self.finding.violate(|| {
                let line = format!("saw \"{token}\" in {}", place(here));
                let therefore = format!("a message sent to {} is in {}", place(there), place(here));
                let but = "nothing stands in a conversation that was not sent to it";
                violation(
                    "a message in the wrong place",
                    vec![exhibit(at, client, line)],
                    therefore,
                    but,
                )
            });
        }
    }
}

/// Half a hash, never 0: enough to tell rows of one read apart.
fn short(text: &str) -> u32 {
    ((hash(&text) >> 32) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, passes, stands};
    use crate::verdict::Standing;

    fn charge() -> Charge {
        Charge::default()
    }

    /// Two messages acked, then the rest, then a final read by `b` with these rows.
    fn read_back(events: &str, rows: &str) -> String {
        let rows: String = rows.split(',').map(|row| format!("b row o99 {row}\n")).collect();
        format!(
            "a a2 b in #1
             a sends o1 t1 k1 #1
             a acked o1 m1 1
             a sends o2 t2 k2 #1
             a acked o2 m2 2
             {events}
             phase final-read
             b reads o99 #1
             {rows}
             b done o99
             phase end"
        )
    }

    #[test]
    fn what_was_acked_and_is_there_passes() {
        let finding = passes(&AtLeastOnce, &charge(), &read_back("", "t1 m1 1,t2 m2 2"));
        assert_eq!(finding.observations, 2);
    }

    #[test]
    fn an_acked_message_that_no_read_shows_is_lost() {
        fails(&AtLeastOnce, &charge(), &read_back("", "t1 m1 1"), "an acked message is lost");
    }

    #[test]
    fn what_somebody_has_deleted_for_themselves_may_be_missing() {
        let hides = "b hides o50 m2 #1\nb done o50";
        passes(&AtLeastOnce, &charge(), &read_back(hides, "t1 m1 1"));
        let other = "b hides o50 m1 #1\nb done o50";
        let history = read_back(other, "t1 m1 1");
        fails(&AtLeastOnce, &charge(), &history, "an acked message is lost");
    }

    #[test]
    fn one_complete_read_is_enough_and_a_broken_off_one_says_nothing() {
        let again = "b reads o98 #1
            b row o98 t1 m1
            b row o98 t2 m2
            b done o98";
        let history = read_back("", "t1 m1 1").replace("phase end", again);
        passes(&AtLeastOnce, &charge(), &history);
        let broken = read_back("", "t1 m1 1").replace("b done o99", "b fails o99");
        stands(&AtLeastOnce, &charge(), &broken, Standing::Inconclusive);
    }

    #[test]
    fn a_second_attempt_of_a_read_starts_over() {
        let again = "b row o99 t1 m1\nb lost o99\nb tries o99\nb row o99 t2 m2\nb done o99";
        let history = read_back("", "t1 m1 1").replace("b done o99", again);
        fails(&AtLeastOnce, &charge(), &history, "an acked message is lost");
    }

    #[test]
    fn without_a_final_read_there_is_doubt_or_nothing() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            phase end";
        stands(&AtLeastOnce, &charge(), history, Standing::Inconclusive);
        let unreadable = Charge { history: false, ..charge() };
        stands(&AtLeastOnce, &unreadable, history, Standing::NotExercised);
    }

    #[test]
    fn reads_during_the_run_are_not_final() {
        let early = "b reads o3 #1
            b row o3 t1 m1
            b row o3 t2 m2
            b done o3";
        fails(&AtLeastOnce, &charge(), &read_back(early, "t1 m1 1"), "an acked message is lost");
    }

    #[test]
    fn what_is_uncertain_may_appear_or_not() {
        let lost = "a sends o3 t3 k3 #1
            a lost o3
            a fails o3";
        passes(&AtLeastOnce, &charge(), &read_back(lost, "t1 m1 1,t2 m2 2"));
        passes(&AtLeastOnce, &charge(), &read_back(lost, "t1 m1 1,t2 m2 2,t3 m3 3"));
    }

    #[test]
    fn a_late_ack_makes_it_certain() {
        let late = "a sends o3 t3 k3 #1
            a timeout o3
            a fails o3
            a answered o3 m3";
        let history = read_back(late, "t1 m1 1,t2 m2 2");
        fails(&AtLeastOnce, &charge(), &history, "an acked message is lost");
    }

    #[test]
    fn a_refused_message_must_not_appear() {
        let refused = "a sends o3 t3 k3 #1
            a refused o3";
        passes(&AtLeastOnce, &charge(), &read_back(refused, "t1 m1 1,t2 m2 2"));
        let history = read_back(refused, "t1 m1 1,t2 m2 2,t3 m3 3");
        fails(&AtLeastOnce, &charge(), &history, "a refused message appeared");
        let pushed_first = "a sends o3 t3 k3 #1
            b sees t3 m3 3 #1
            a refused o3";
        let history = read_back(pushed_first, "t1 m1 1,t2 m2 2");
        fails(&AtLeastOnce, &charge(), &history, "a refused message appeared");
    }

    #[test]
    fn a_refused_repetition_is_not_a_refused_message() {
        for repetition in [
            "a sends o3 t3 k3 #1\na lost o3\na tries o3\na refused o3",
            "a sends o3 t3 k3 #1\na2 sends o4 t3 k3 #1\na2 refused o4\na acked o3 m3",
            "a sends o3 t3 k3 #1\na acked o3 m3\na2 sends o4 t3 k3 #1\na2 refused o4",
            "a sends o3 t3 k3 #1\na refused o3\na sends o4 t3 k3 #1\na acked o4 m3",
        ] {
            passes(&AtLeastOnce, &charge(), &read_back(repetition, "t1 m1 1,t2 m2 2,t3 m3 3"));
        }
    }

    #[test]
    fn what_nobody_sent_must_not_be_there() {
        let another_conversations = read_back("", "t1 m1 1,t2 m2 2,t9 m3 3");
        fails(&AtLeastOnce, &charge(), &another_conversations, "a message that nobody sent");
        let invented = read_back("b sees m3 3 #1 u1", "t1 m1 1,t2 m2 2");
        fails(&AtLeastOnce, &charge(), &invented, "a message that nobody sent");
        let stored = read_back("", "t1 m1 1,t2 m2 2,m3 3 u1");
        fails(&AtLeastOnce, &charge(), &stored, "a message that nobody sent");
    }

    #[test]
    fn what_others_say_is_counted_not_judged() {
        for row in ["m3 3 u77", "m3 3", "m0 0 u1", "t9 m3 3 elsewhere", "m3 3 u1 notshown"] {
            let history = read_back("", &format!("t1 m1 1,{row},t2 m2 2"));
            let finding = passes(&AtLeastOnce, &charge(), &history);
            assert_eq!(finding.figures.len(), 1, "{row}");
        }
    }

    #[test]
    fn a_message_in_another_conversation_than_its_own_fails() {
        let history = read_back("a b in #2\nb sees t1 m1 #2", "t1 m1 1,t2 m2 2");
        fails(&AtLeastOnce, &charge(), &history, "a message in the wrong place");
    }

    #[test]
    fn a_changed_text_fails_once() {
        let history = read_back("b sees t1 m1 #1 changed", "t1 m1 1 changed,t2 m2 2");
        fails(&AtLeastOnce, &charge(), &history, "a text was changed");
        let not_shown = history.replace("changed", "notshown");
        passes(&AtLeastOnce, &charge(), &not_shown);
    }

    #[test]
    fn a_message_swallowed_by_another_is_idempotencys_affair() {
        let strangers_key = "b sends o3 t3 k1 #1\nb acked o3 m1";
        passes(&AtLeastOnce, &charge(), &read_back(strangers_key, "t1 m1 1,t2 m2 2"));
        let equal_text = "a sends o3 t1 k3 #1\na acked o3 m1";
        passes(&AtLeastOnce, &charge(), &read_back(equal_text, "t1 m1 1,t2 m2 2"));
        let doubled = "a2 sends o3 t1 k1 #1\na2 acked o3 m3";
        passes(&AtLeastOnce, &charge(), &read_back(doubled, "t1 m1 1,t2 m2 2"));
    }

    #[test]
    fn one_of_two_equal_texts_can_be_lost() {
        let equal_text = "a sends o3 t1 k3 #1\na acked o3 m3";
        let history = read_back(equal_text, "t1 m1 1,t2 m2 2");
        fails(&AtLeastOnce, &charge(), &history, "an acked message is lost");
        passes(&AtLeastOnce, &charge(), &read_back(equal_text, "t1 m1 1,t2 m2 2,t1 m3 3"));
    }

    #[test]
    fn a_server_without_ids_is_judged_by_the_witness() {
        let strip = |text: String| text.replace(" m1", "").replace(" m2", "");
        passes(&AtLeastOnce, &charge(), &strip(read_back("", "t1 m1 1,t2 m2 2")));
        let history = strip(read_back("", "t1 m1 1"));
        fails(&AtLeastOnce, &charge(), &history, "an acked message is lost");
    }

    #[test]
    fn what_is_pending_at_the_end_is_a_doubt() {
        let history = read_back("a plans o3 t3 k3 #1", "t1 m1 1,t2 m2 2");
        let finding = stands(&AtLeastOnce, &charge(), &history, Standing::Inconclusive);
        assert_eq!(finding.doubts, ["1 sends were still pending when the run ended"]);
    }

    #[test]
    fn a_send_that_takes_longer_than_the_contract_is_the_harnesss_fault() {
        let overdue = "a sends o3 t3 k3 #1
            @60000 a fails o3";
        let history = read_back(overdue, "t1 m1 1,t2 m2 2");
        stands(&AtLeastOnce, &charge(), &history, Standing::Inconclusive);
        let away = overdue.replace("@60000", "a drops\na back\n@60000");
        passes(&AtLeastOnce, &charge(), &read_back(&away, "t1 m1 1,t2 m2 2"));
    }

    #[test]
    fn an_acked_message_takes_little_memory() {
        assert!(size_of::<Acked>() <= 32);
        let mut judge = AtLeastOnce.judge(&charge());
        for entry in crate::property::notation::read(&read_back("", "t1 m1 1,t2 m2 2")) {
            judge.observe(&entry);
        }
        // Two places, two keys; the sends are over, and nothing waits for a read any more.
        assert_eq!(judge.unsettled(), 4);
    }

    #[test]
    fn a_key_that_another_message_had_need_not_make_one() {
        let lost = |sends: &str| {
            let read = "b reads o98 #2\nb done o98\nb reads o99";
            let all = read_back(&format!("a b in #2\n{sends}"), "t1 m1 1,t2 m2 2");
            all.replace("b reads o99", read)
        };
        passes(&AtLeastOnce, &charge(), &lost("a sends o3 t3 k1 #2\na acked o3 m1"));
        let own = lost("a sends o3 t3 k3 #2\na acked o3 m1");
        fails(&AtLeastOnce, &charge(), &own, "an acked message is lost");
        let mended = lost("a sends o3 t3 k3 #2\na refused o3\na sends o4 t4 k3 #2\na acked o4 m1");
        fails(&AtLeastOnce, &charge(), &mended, "an acked message is lost");
    }

    #[test]
    fn the_argument_names_who_read_what() {
        let finding = check(&AtLeastOnce, &charge(), &read_back("", "t1 m1 1"));
        let lines: Vec<&str> =
            finding.violations[0].exhibits.iter().map(|line| line.text.as_str()).collect();
        assert!(lines[0].starts_with("had the ack of \"qz"));
        assert_eq!(lines[1], "read the whole history of conversation 1 (1 rows)");
    }
}
