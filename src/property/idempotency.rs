//! `idempotency`: sends with one client message id make exactly one message.

mod case;
mod probes;
mod rules;

use self::case::{Case, Try};
use crate::fault::{Effect, is_of_server};
use crate::history::{
    Answer, Carrier, ClientId, ConversationId, Due, Entry, Event, MessageRef, Nanos, OpId,
    PersonId, Seen, Token,
};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::What;
use crate::property::charge::nanos;
use crate::property::recent::{Recent, Rows, TokenSet, hash};
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::spec::{DedupBy, RepeatAnswer, Scope};
use crate::verdict::Finding;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// Sends with one client message id make exactly one message.
#[derive(Debug)]
pub struct Idempotency;

static PAGE: Page = Page {
    id: "idempotency",
    title: "Sends with one client message id MUST make exactly one message.",
    promises: "However often a message is sent under one client message id (a retry after a lost \
        ack, a double tap, two devices at once), one message exists, and every ack of that id \
        names it, with the text that was sent first. Messages under different ids stay different, \
        also when their texts are equal. A refused send leaves its id free.",
    matters: "Without it every lost ack becomes a doubled message, or the client must not retry \
        and loses messages instead. With too much of it, what a user says twice on purpose, or \
        what two users say under the same id, is swallowed.",
    judged: "Every text carries a witness. Over the acks, the live deliveries and the rows of \
        everybody, a message must have one server id, and one server id must belong to one \
        message. Once the first text under an id is acked, no other one is seen in its place; and \
        after a send that had to be refused another text under its id is not refused, too. What \
        was acked under the id of somebody else's message, and is in no final read, was taken for \
        that one; and what is refused again and again under such an id, while nothing else is, was \
        refused for it. Where \
        a repetition is promised the first answer, an error to it is broken once \
        it is clear that another attempt stored the message. The same id pushed again to one \
        client is a redelivery: counted, and broken only where single delivery is promised (to who \
        sent it, the message itself may be the answer). A \
        refusal is excused while the person is at the documented rate, and while the server or its \
        store is away. Where the spec says that a \
        window closes, or that texts and not ids tell a repetition, that is the rule: sends that \
        lie further apart than half the window may make several messages.",
    blind: "A repetition that comes more than a minute (or twice the contract's retry time) \
        after the last sign of its message is known by its witness only. Two messages under one \
        id, where the server shows no ids at all.",
    example: "  1.250 s  client 4  sent \"qzaaaabbbbcccc\" as key 7f3a, attempt 1\n  \
        1.251 s  client 9  sent \"qzaaaabbbbcccc\" as key 7f3a, attempt 1\n  \
        1.260 s  client 4  got the ack of key 7f3a: id 1002\n  \
        1.262 s  client 9  got the ack of key 7f3a: id 1003\n\
        therefore one key names the messages 1002 and 1003\n\
        but sends with one client message id make exactly one message",
    source: "common practice: this is what client message ids are for.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One message that was put on the wire at least twice, or shares its id or its text \
        with another one, and left a trace.",
};

impl Property for Idempotency {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let (scope, answer) = match &charge.traits.dedup {
            None => ("person (the spec names no deduplication)", "any answer to a repetition"),
            Some(dedup) => (
                match dedup.scope {
                    Scope::Person => "person",
                    Scope::Conversation => "conversation",
                    Scope::Device => "device and conversation",
                    Scope::Everybody => "server",
                },
                match dedup.answer {
                    RepeatAnswer::Same => "a repetition answered as the first send",
                    RepeatAnswer::Reject => "a repetition may be rejected",
                    RepeatAnswer::Any => "any answer to a repetition",
                },
            ),
        };
        let redelivery = if charge.traits.redelivery { "counted" } else { "not allowed" };
        let by = match charge.traits.dedup.as_ref().map(|dedup| dedup.by) {
            Some(DedupBy::Content) => "text",
            _ => "key",
        };
        format!("one message per {by} and {scope}; {answer}; redelivery {redelivery}; no tolerance")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let memory = charge.memory();
        let dedup = charge.traits.dedup.as_ref();
        Box::new(Identity {
            by: dedup.map_or(DedupBy::Key, |dedup| dedup.by),
            window: dedup.and_then(|dedup| dedup.window).map(|window| nanos(window) / 2),
            scope: dedup.map_or(Scope::Person, |dedup| dedup.scope),
            answer: dedup.map_or(RepeatAnswer::Any, |dedup| dedup.answer),
            redelivery: charge.traits.redelivery,
            answers_by_echo: charge.answers_by_echo,
            rate: charge.limits.send_rate.map(|(n, window)| (n as usize, 2 * nanos(window))),
            people: FxHashMap::default(),
            paces: FxHashMap::default(),
            epochs: FxHashMap::default(),
            held: FxHashMap::default(),
            outage: None,
            ops: Rows::new(memory),
            refusable: FxHashSet::default(),
            burnt: Vec::new(),
            namesakes: Vec::new(),
            served: FxHashMap::default(),
            unexplained: 0,
            reads: FxHashMap::default(),
            read: FxHashSet::default(),
            last_phase: false,
            keys: Recent::new(memory),
            cases: Recent::new(memory),
            witnesses: Rows::new(memory),
            owners: Recent::new(memory),
            delivered: Recent::new(memory),
            strays: Rows::new(memory),
            invoked: TokenSet::default(),
            plural: FxHashSet::default(),
            finding: Finding::default(),
        })
    }
}

/// Pushes of one message that are remembered in a list; more are remembered by their hash.
const SMALL: usize = 64;

/// Messages with a key that another one had are looked at in the end, as many as these.
const NAMESAKES: usize = 10_000;

/// A message: a person (or what the scope is) and a key, hashed.
type Name = u64;

/// The judge: which server id belongs to which message.
struct Identity {
    by: DedupBy,
    /// A repetition must be known as one this long; half of what is documented, to be safe.
    window: Option<Nanos>,
    scope: Scope,
    answer: RepeatAnswer,
    redelivery: bool,
    /// A repetition may be answered by the message itself, to the client that sent it.
    answers_by_echo: bool,
    /// Sends allowed within this time, a generous one.
    rate: Option<(usize, Nanos)>,
    people: FxHashMap<ClientId, PersonId>,
    /// When each person sent lately; kept only where a rate is documented.
    paces: FxHashMap<PersonId, VecDeque<Nanos>>,
    epochs: FxHashMap<ClientId, u32>,
    /// Faults of the client that may hold back what it sends.
    held: FxHashMap<ClientId, u32>,
    /// Until when the server, or a part that it stands on, was away the last time.
    outage: Option<Nanos>,
    ops: Rows<OpId, (Name, Token)>,
    /// Operations that must be refused.
    refusable: FxHashSet<OpId>,
    /// Messages that were refused for no other reason than that something else under their key was.
    burnt: Vec<Name>,
    /// Messages with one key that are not the same, the first and another.
    namesakes: Vec<(Name, Name)>,
    /// When each client last had an ack.
    served: FxHashMap<ClientId, Nanos>,
    /// Refusals of messages that are no repetitions, and whose key nobody else has.
    unexplained: u64,
    /// Final reads that are not over, and conversations of which there was a whole one.
    reads: FxHashMap<OpId, ConversationId>,
    read: FxHashSet<ConversationId>,
    last_phase: bool,
    /// The first message under each key, whoever's it is.
    keys: Recent<u64, Name>,
    cases: Recent<Name, Box<Case>>,
    witnesses: Rows<Token, Witness>,
    /// Conversation and server id, hashed, and whose it is.
    owners: Recent<u64, Name>,
    /// Client, connection and message, hashed: it was pushed there. For large conversations.
    delivered: Recent<u64, ()>,
    /// Tokens whose message is forgotten, and the id they were seen with.
    strays: Rows<Token, Stray>,
    invoked: TokenSet,
    /// Tokens that stand for several messages (equal texts on purpose).
    plural: FxHashSet<Token>,
    finding: Finding,
}

/// Whose witness a token is.
enum Witness {
    One(Name),
    /// Equal texts on purpose. Boxed, for it is rare, and each message has a witness.
    Many(Box<Alike>),
}

/// Messages with equal texts, and the ids seen with the text.
struct Alike {
    names: Vec<Name>,
    ids: Vec<CompactString>,
}

struct Stray {
    at: Nanos,
    client: ClientId,
    id: CompactString,
}

impl Judge for Identity {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.tick(at);
        match &entry.event {
            Event::Person { person, .. } => {
                self.people.insert(client, *person);
            }
            Event::Connection { state: ConnectionState::Connected, .. } => {
                *self.epochs.entry(client).or_default() += 1;
            }
            Event::Fault { what, begins } => self.fault(at, client, what, *begins),
            Event::Due { op, due: Due::Refused, .. } => {
                self.refusable.insert(*op);
            }
            Event::Invoke {
                op,
                operation: Operation::Send,
                conversation,
                message: Some(message),
                ..
            } => self.invoke(client, *op, *conversation, message),
            Event::Invoke { op, operation: Operation::History, conversation, .. }
                if self.last_phase =>
            {
                self.reads.extend(conversation.map(|conversation| (*op, conversation)));
            }
            Event::Ok { op, .. } => self.read.extend(self.reads.remove(op)),
            Event::Phase { name } => self.last_phase |= name == "final-read",
            Event::Attempt { op, attempt } => self.attempt(at, client, *op, *attempt),
            Event::Answered { op, attempt, answer, .. } => {
                self.answered(at, client, *op, *attempt, answer);
            }
            Event::Message(seen) => self.seen(at, client, seen),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.judge_burnt_keys();
        self.judge_namesakes();
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.ops.len()
            + self.refusable.len()
            + self.namesakes.len()
            + self.keys.len()
            + self.cases.len()
            + self.witnesses.len()
            + self.owners.len()
            + self.delivered.len()
            + self.strays.len()
    }
}

impl Identity {
    fn tick(&mut self, now: Nanos) {
        self.ops.tick(now);
        self.keys.tick(now);
        self.cases.tick(now);
        self.witnesses.tick(now);
        self.owners.tick(now);
        self.delivered.tick(now);
        self.strays.tick(now);
    }

    fn name(
        &self,
        client: ClientId,
        conversation: Option<ConversationId>,
        message: &MessageRef,
    ) -> Name {
        let what = match self.by {
            DedupBy::Key => hash(&message.key),
            DedupBy::Content => hash(&message.token),
        };
        match self.scope {
            Scope::Person => hash(&(self.person(client), what)),
            Scope::Conversation => hash(&(conversation, what)),
            Scope::Device => hash(&(client, conversation, what)),
            Scope::Everybody => what,
        }
    }

    /// A client without a person is one of its own.
    fn person(&self, client: ClientId) -> PersonId {
        self.people.get(&client).copied().unwrap_or(PersonId(!client.0))
    }

    fn invoke(
        &mut self,
        client: ClientId,
        op: OpId,
        conversation: Option<ConversationId>,
        message: &MessageRef,
    ) {
        let (token, key) = (message.token, &message.key);
        let name = self.name(client, conversation, message);
        self.ops.insert(op, (name, token));
        let new = self.invoked.insert(token);
        let first = *self.keys.entry(hash(key), || name);
        if first != name
            && let Some(first_case) = self.cases.get_mut(first)
        {
            first_case.twin = true;
        }
        let case = self.cases.entry(name, || Box::new(Case::new(key.clone(), conversation)));
        if first != name {
            case.twin = true;
            if self.namesakes.len() < NAMESAKES {
                self.namesakes.push((first, name));
            }
        }
        match self.witnesses.get_mut(token) {
            None => {
                if !new && case.tries.is_empty() {
                    self.plural.insert(token);
                }
                self.witnesses.insert(token, Witness::One(name));
            }
            Some(Witness::One(only)) if *only == name => {}
            Some(witness) => {
                self.plural.insert(token);
                case.twin = true;
                if let Witness::One(first) = *witness {
                    let ids = self.cases.get(first).map_or_else(Vec::new, |case| case.ids.to_vec());
                    *witness = Witness::Many(Box::new(Alike { names: vec![first], ids }));
                }
                if let Witness::Many(all) = witness
                    && !all.names.contains(&name)
                {
                    all.names.push(name);
                }
            }
        }
    }

    fn fault(&mut self, at: Nanos, client: ClientId, what: &str, begins: bool) {
        if is_of_server(what) {
            self.outage = Some(if begins { Nanos::MAX } else { at });
        }
        if Effect::of(what).holds_back() {
            let held = self.held.entry(client).or_default();
            *held = if begins { *held + 1 } else { held.saturating_sub(1) };
        }
    }

    fn attempt(&mut self, at: Nanos, client: ClientId, op: OpId, attempt: u32) {
        let Some((name, token)) = self.ops.get_mut(op).copied() else { return };
        let crowded = self.crowded(at, client);
        let Some(case) = self.cases.get_mut(name) else { return };
        case.tries.push(Try { op, attempt, at, crowded });
        if !case.senders.contains(&client) {
            case.senders.push(client);
        }
        if !case.texts.contains(&token) {
            case.texts.push(token);
        }
        let first = case.tries[0].at;
        let spread = at.saturating_sub(first);
        // What a fault holds back comes nobody knows when, perhaps after the window.
        let held = self.held.get(&client).is_some_and(|faults| *faults > 0);
        case.excused |= self.window.is_some_and(|window| held || spread > window);
        case.trail.add(at, client, What::Sent(token, attempt));
        self.finding.observations += case.repeated();
    }

    /// The person sends as fast as the documented rate allows, or faster.
    fn crowded(&mut self, at: Nanos, client: ClientId) -> bool {
        let Some((allowed, window)) = self.rate else { return false };
        let pace = self.paces.entry(self.person(client)).or_default();
        pace.push_back(at);
        while pace.front().is_some_and(|first| first + window < at) {
            pace.pop_front();
        }
        pace.len() > allowed
    }

    fn answered(&mut self, at: Nanos, client: ClientId, op: OpId, attempt: u32, answer: &Answer) {
        let Some((name, _)) = self.ops.get_mut(op).copied() else { return };
        let Some(case) = self.cases.get_mut(name) else { return };
        let what = match answer {
            Answer::Ack { id, .. } => {
                if case.acked.is_empty() && case.texts.len() == 1 {
                    case.text = Some(case.texts[0]);
                }
                case.acked.push((op, attempt));
                self.served.insert(client, at);
                What::Acked(id.clone())
            }
            Answer::Nack(error) => {
                let its = case.tries.iter().find(|one| one.is(op, attempt));
                let crowded = its.is_some_and(|its| its.crowded);
                // While the store is away nothing can be stored, nor what was stored be found.
                if its.is_some_and(|its| self.outage.is_some_and(|ended| ended >= its.at)) {
                    self.finding.count("excused by a fault", 1);
                } else {
                    case.refusals.push(Try { op, attempt, at, crowded });
                    let explained = crowded || case.twin || case.tries.len() > 1;
                    self.unexplained += u64::from(!explained && !self.refusable.contains(&op));
                    if case.is_burnt(&self.refusable) {
                        self.burnt.push(name);
                    }
                }
                What::Refused(error.clone())
            }
            Answer::TimedOut => What::TimedOut,
            Answer::Lost => What::Lost,
        };
        case.trail.add(at, client, what);
        self.finding.observations += case.repeated();
        let refused = !case.refusals.is_empty();
        if let Answer::Ack { id: Some(id), .. } = answer
            && self.answer != RepeatAnswer::Any
        {
            let conversation = case.conversation;
            self.learn(at, name, conversation, id);
        }
        if refused {
            self.judge_refusals(at, client, name);
        }
    }

    fn seen(&mut self, at: Nanos, client: ClientId, seen: &Seen) {
        let (Some(token), id) = (seen.token, seen.id.as_ref()) else { return };
        let Some(name) = self.whose(at, client, token, seen) else { return };
        let Some(case) = self.cases.get_mut(name) else { return };
        let new_id = id.is_some_and(|id| !case.ids.contains(id));
        let (refused, text) = (!case.refusals.is_empty(), case.text);
        if case.first_seen.is_none() || new_id {
            case.first_seen.get_or_insert(at);
            case.trail.add(at, client, sight(token, seen));
            self.finding.observations += case.repeated();
            let conversation = seen.conversation.or(case.conversation);
            if let Some(id) = id {
                self.learn(at, name, conversation, id);
            }
            if refused {
                self.judge_refusals(at, client, name);
            }
        }
        if text.is_some_and(|first| first != token) {
            self.rewritten(at, client, name, token, seen);
        }
        if let (Carrier::Live, Some(id)) = (seen.by, id) {
            self.pushed(at, client, name, id);
        }
    }

    /// The message that was seen, if that is certain.
    fn whose(&mut self, at: Nanos, client: ClientId, token: Token, seen: &Seen) -> Option<Name> {
        let id = seen.id.as_ref();
        match self.witnesses.get_mut(token) {
            Some(Witness::One(name)) => Some(*name),
            Some(Witness::Many(all)) => {
                let Alike { names, ids } = &mut **all;
                let surplus = id.is_some_and(|id| !ids.contains(id)) && {
                    ids.extend(id.cloned());
                    ids.len() > names.len()
                };
                let cases = &self.cases;
                let is_it = |name: &&Name| {
                    cases.get(**name).is_some_and(|case| {
                        id.is_some_and(|id| case.ids.contains(id))
                            || seen.key.as_ref().is_some_and(|key| case.key == *key)
                    })
                };
                let name = names.iter().find(is_it).copied();
                if surplus {
                    let names = names.clone();
                    self.too_many(at, client, seen, &names);
                }
                name
            }
            None => {
                self.stray(at, client, token, seen);
                None
            }
        }
    }
}

fn sight(token: Token, seen: &Seen) -> What {
    match seen.by {
        Carrier::Live => What::Pushed(token, seen.id.clone()),
        Carrier::Sync(_) | Carrier::History(_) => What::Read(token, seen.id.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, passes, stands};
    use crate::spec::Dedup;
    use crate::verdict::Standing;
    use std::time::Duration;

    fn charge() -> Charge {
        Charge::default()
    }

    fn dedup(scope: Scope, answer: RepeatAnswer) -> Charge {
        let mut charge = charge();
        charge.traits.dedup = Some(Dedup { by: DedupBy::Key, window: None, scope, answer });
        charge
    }

    #[test]
    fn where_texts_tell_a_repetition_equal_texts_are_one_message_within_the_window() {
        let mut charge = dedup(Scope::Conversation, RepeatAnswer::Same);
        let window = Some(Duration::from_secs(1));
        charge.traits.dedup.iter_mut().for_each(|dedup| {
            (dedup.by, dedup.window) = (DedupBy::Content, window);
        });
        let one = "a b in #1
            @1000 a sends o1 t1 k1 #1
            a acked o1 m1
            @1200 a sends o2 t1 k2 #1
            a acked o2 m1";
        passes(&Idempotency, &charge, one);
        let two = one.replace("acked o2 m1", "acked o2 m2");
        fails(&Idempotency, &charge, &two, "two ids for one key");
        passes(&Idempotency, &charge, &two.replace("@1200", "@1900"));
        let held = two.replace("@1200", "@1100 a fault begins half-open\n@1200");
        passes(&Idempotency, &charge, &held);
        let touched = held.replace("half-open", "none");
        fails(&Idempotency, &charge, &touched, "two ids for one key");
    }

    #[test]
    fn without_repetition_nothing_is_exercised() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            b sees t1 m1 #1";
        stands(&Idempotency, &charge(), history, Standing::NotExercised);
    }

    #[test]
    fn a_retry_with_one_message_passes() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 #1
            a timeout o1 excused
            a tries o1
            a acked o1 m1
            b reads o2 #1
            b row o2 t1 m1
            b done o2";
        let finding = passes(&Idempotency, &charge(), history);
        assert_eq!(finding.observations, 1);
    }

    #[test]
    fn a_repetition_that_left_no_trace_is_no_evidence() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a lost o1
            a tries o1
            a lost o1
            a fails o1";
        stands(&Idempotency, &charge(), history, Standing::NotExercised);
    }

    #[test]
    fn no_dedup_is_seen_in_acks_in_pushes_and_in_history() {
        let acks = "a a2 in #1
            a sends o1 t1 k1 #1
            a2 sends o2 t1 k1 #1
            a acked o1 m1
            a2 acked o2 m2";
        fails(&Idempotency, &charge(), acks, "two ids for one key");
        let pushes = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 #1
            a lost o1
            a tries o1
            b sees t1 m2 #1";
        fails(&Idempotency, &charge(), pushes, "two ids for one key");
        let rows = "a b in #1
            a sends o1 t1 k1 #1
            a lost o1
            a tries o1
            a acked o1 m2
            b reads o2 #1
            b row o2 t1 m1
            b row o2 t1 m2
            b done o2";
        fails(&Idempotency, &charge(), rows, "two ids for one key");
    }

    #[test]
    fn the_argument_tells_who_did_what() {
        let history = "a a2 in #1
            a sends o1 t1 k1 #1
            a2 sends o2 t1 k1 #1
            a acked o1 m1
            a2 acked o2 m2";
        let finding = check(&Idempotency, &charge(), history);
        let argument = &finding.violations[0];
        let token = Token::new(crate::property::notation::RUN, 1);
        let lines = argument.exhibits.iter().map(|line| {
            format!("{} ms, client {}: {}", line.at / 1_000_000, line.client.0, line.text)
        });
        assert_eq!(
            lines.collect::<Vec<_>>(),
            [
                format!("20 ms, client 10: sent \"{token}\" as key k1, attempt 1"),
                format!("30 ms, client 11: sent \"{token}\" as key k1, attempt 1"),
                "40 ms, client 10: got the ack of key k1: id m1".to_owned(),
                "50 ms, client 11: got the ack of key k1: id m2".to_owned(),
            ]
        );
        assert_eq!(argument.therefore, "one message is known by the ids m1, m2");
        assert_eq!(argument.but, "sends with one client message id make exactly one message");
    }

    #[test]
    fn a_message_doubled_without_repetition_fails_too() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            b sees t1 m1 #1
            b sees t1 m2 #1";
        fails(&Idempotency, &charge(), history, "two ids for one key");
    }

    #[test]
    fn a_double_forgotten_long_ago_is_seen_by_its_witness() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            @900000 b reads o2 #1
            b row o2 t1 m1
            b row o2 t1 m2
            b done o2";
        fails(&Idempotency, &charge(), history, "two ids for one key");
    }

    #[test]
    fn equal_texts_forgotten_long_ago_are_still_several() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            a sends o2 t1 k2 #1
            a acked o2 m2
            @900000 b reads o3 #1
            b row o3 t1 m1
            b row o3 t1 m2
            b done o3";
        passes(&Idempotency, &charge(), history);
    }

    #[test]
    fn what_was_asked_for_and_never_left_says_nothing() {
        let finding = check(&Idempotency, &charge(), "a b in #1\na plans o1 t1 k1 #1\na fails o1");
        assert_eq!((finding.violation_count, finding.observations), (0, 0), "{finding:#?}");
    }

    #[test]
    fn an_error_while_the_store_is_away_is_no_word_about_the_message() {
        let away = "a a2 b in #1
            a fault begins restart
            a sends o1 t1 k1 #1
            a2 sends o2 t1 k1 #1
            a refused o1
            a fault ends restart
            a2 acked o2 m1
            b sees t1 m1 #1";
        passes(&Idempotency, &charge(), away);
        let there = away.replace("begins restart", "begins none");
        fails(&Idempotency, &charge(), &there, "error in place of the first id");
    }

    #[test]
    fn an_error_in_place_of_the_first_id_fails() {
        let concurrent = "a a2 b in #1
            a sends o1 t1 k1 #1
            a2 sends o2 t1 k1 #1
            a acked o1 m1
            a2 refused o2";
        fails(&Idempotency, &charge(), concurrent, "error in place of the first id");
        let after_a_lost_ack = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 #1
            a timeout o1 excused
            a tries o1
            a refused o1";
        fails(&Idempotency, &charge(), after_a_lost_ack, "error in place of the first id");
        for answer in [RepeatAnswer::Reject, RepeatAnswer::Any] {
            passes(&Idempotency, &dedup(Scope::Person, answer), concurrent);
            passes(&Idempotency, &dedup(Scope::Person, answer), after_a_lost_ack);
        }
    }

    #[test]
    fn an_honest_error_before_the_message_was_stored_is_none() {
        let retried = "a b in #1
            a sends o1 t1 k1 #1
            a nacked o1
            a tries o1
            a acked o1 m1
            b sees t1 m1 #1";
        passes(&Idempotency, &charge(), retried);
        let lost_first = "a b in #1
            a sends o1 t1 k1 #1
            a lost o1
            a tries o1
            a nacked o1
            a tries o1
            a acked o1 m1
            b sees t1 m1 #1";
        passes(&Idempotency, &charge(), lost_first);
        let refused_but_stored = "a b in #1
            a sends o1 t1 k1 #1
            a lost o1
            a tries o1
            b sees t1 m1 #1
            a refused o1";
        passes(&Idempotency, &charge(), refused_but_stored);
    }

    #[test]
    fn a_refusal_at_the_documented_rate_is_excused() {
        let history = "a a2 b in #1
            a sends o1 t1 k1 #1
            a2 sends o2 t1 k1 #1
            a acked o1 m1
            a2 refused o2";
        let mut charge = charge();
        charge.limits.send_rate = Some((1, Duration::from_secs(1)));
        passes(&Idempotency, &charge, history);
        charge.limits.send_rate = Some((10, Duration::from_secs(1)));
        fails(&Idempotency, &charge, history, "error in place of the first id");
    }

    #[test]
    fn equal_texts_under_different_keys_are_two_messages() {
        let honest = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 #1
            a lost o1
            a tries o1
            a acked o1 m1
            a sends o2 t1 k2 #1
            b sees t1 m2 #1
            a acked o2 m2
            b reads o3 #1
            b row o3 t1 m1
            b row o3 t1 m2
            b done o3";
        passes(&Idempotency, &charge(), honest);
        let swallowed = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 #1
            a acked o1 m1
            a sends o2 t1 k2 #1
            a acked o2 m1";
        fails(&Idempotency, &charge(), swallowed, "one id for two keys");
        let doubled = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            a sends o2 t1 k2 #1
            a acked o2 m2
            b sees t1 m1 #1
            b sees t1 m2 #1
            b sees t1 m3 #1";
        fails(&Idempotency, &charge(), doubled, "more messages than keys");
    }

    #[test]
    fn a_strangers_key_must_not_swallow_yours() {
        let swallowed = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            b sends o2 t2 k1 #1
            b acked o2 m1";
        fails(&Idempotency, &charge(), swallowed, "one id for two messages");
        let honest = swallowed.replace("acked o2 m1", "acked o2 m2");
        passes(&Idempotency, &charge(), &honest);
        let elsewhere = "a b in #1
            c d in #2
            a sends o1 t1 k1 #1
            a acked o1 m1
            c sends o2 t2 k1 #2
            c acked o2 m1
            phase final-read
            d reads o3 #2
            d done o3";
        fails(&Idempotency, &charge(), elsewhere, "one id for two messages");
        let own_numbers = elsewhere.replace("d done o3", "d row o3 t2 m1\nd done o3");
        passes(&Idempotency, &charge(), &own_numbers);
        let by_device = dedup(Scope::Device, RepeatAnswer::Same);
        fails(&Idempotency, &by_device, swallowed, "one id for two messages");
        passes(&Idempotency, &by_device, &honest);
        for scope in [Scope::Conversation, Scope::Everybody] {
            passes(&Idempotency, &dedup(scope, RepeatAnswer::Same), swallowed);
            let charge = dedup(scope, RepeatAnswer::Same);
            fails(&Idempotency, &charge, &honest, "two ids for one key");
        }
    }

    #[test]
    fn a_strangers_key_must_not_refuse_yours() {
        let refused = "a b in #1
            c d in #2
            a sends o1 t1 k1 #1
            a acked o1 m1
            c sends o2 t2 k1 #2
            c refused o2
            c sends o3 t2 k1 #2
            c refused o3
            c sends o4 t3 k3 #2
            c acked o4 m2";
        let summary = "refused for another's key";
        fails(&Idempotency, &charge(), refused, summary);
        let honest = refused.replace("c refused o3", "c acked o3 m3");
        passes(&Idempotency, &charge(), &honest);
        for other_reason in [
            refused.replace("c acked o4 m2", "c refused o4"),
            refused.replace("a acked o1 m1", "a refused o1"),
            refused.replace("c sends o3 t2 k1 #2", "").replace("c refused o3", ""),
            format!("{refused}\nb sends o5 t5 k5 #1\nb refused o5"),
            refused.replace("c sends o2", "c owes o2 refusal\nc owes o3 refusal\nc sends o2"),
        ] {
            let finding = check(&Idempotency, &charge(), &other_reason);
            assert_eq!(finding.violation_count, 0, "{other_reason}");
        }
    }

    #[test]
    fn the_same_key_with_another_text_is_one_message() {
        let history = "a a2 b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            a sends o2 t2 k1 #1
            a acked o2 m1
            b sees t1 m1 #1";
        passes(&Idempotency, &charge(), history);
        let both = format!("{history}\nb sees t2 m2 #1");
        fails(&Idempotency, &charge(), &both, "two ids for one key");
    }

    #[test]
    fn the_text_that_was_acked_first_stays() {
        let history = "a a2 b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            a2 sends o2 t2 k1 #1
            a2 acked o2 m1
            b reads o3 #1
            b row o3 t2 m1
            b done o3";
        fails(&Idempotency, &charge(), history, "a repetition changed the text");
        let at_once = "a a2 b in #1
            a sends o1 t1 k1 #1
            a2 sends o2 t2 k1 #1
            a acked o1 m1
            a2 acked o2 m1
            b sees t2 m1 #1";
        passes(&Idempotency, &charge(), at_once);
    }

    #[test]
    fn a_refusal_that_is_due_leaves_the_key_free() {
        let honest = "a b in #1
            a owes o1 refusal
            a sends o1 t1 k1 #1
            a refused o1
            a sends o2 t2 k1 #1
            a acked o2 m1
            b sees t2 m1 #1";
        passes(&Idempotency, &charge(), honest);
        let burnt = "a b in #1
            a owes o1 refusal
            a sends o1 t1 k1 #1
            a refused o1
            a sends o2 t2 k1 #1
            a refused o2
            a sends o3 t2 k1 #1
            a refused o3";
        fails(&Idempotency, &charge(), burnt, "a refused send used up its key");
        for excuse in ["a sends o3 t2 k1 #1\na refused o3", "a owes o1 refusal"] {
            let history = burnt.replace("            ", "").replace(excuse, "");
            stands(&Idempotency, &charge(), &history, Standing::NotExercised);
        }
    }

    #[test]
    fn ids_are_the_servers_of_one_conversation() {
        let history = "a b in #1
            a b in #2
            a sends o1 t1 k1 #1
            a acked o1 m1
            a sends o2 t2 k2 #2
            a acked o2 m1";
        stands(&Idempotency, &charge(), history, Standing::NotExercised);
    }

    #[test]
    fn a_redelivery_is_counted_and_broken_only_where_single_delivery_is_promised() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 #1
            a lost o1
            a tries o1
            b sees t1 m1 #1
            a acked o1 m1";
        let finding = passes(&Idempotency, &charge(), history);
        assert_eq!(finding.figures, [("redeliveries".to_owned(), 1)]);
        let mut strict = charge();
        strict.traits.redelivery = false;
        fails(&Idempotency, &strict, history, "pushed twice");
        let reconnected = history.replace("a tries o1", "b drops\nb back\na tries o1");
        passes(&Idempotency, &strict, &reconnected);
        let answer = history.replace("b sees", "a sees");
        fails(&Idempotency, &strict, &answer, "pushed twice");
        strict.answers_by_echo = true;
        passes(&Idempotency, &strict, &answer);
        fails(&Idempotency, &strict, history, "pushed twice");
    }

    #[test]
    fn tokens_of_nobody_and_of_other_runs_are_not_its_affair() {
        let history = "a b in #1
            b sees t9 m1 #1
            b sees t9 m2 #1
            b sees t1 elsewhere m3 #1
            b sees t1 elsewhere m4 #1
            b sees m5 #1";
        assert_eq!(check(&Idempotency, &charge(), history).violation_count, 0);
    }

    #[test]
    fn a_server_without_dedup_is_judged_by_the_effect() {
        let mut charge = charge();
        charge.traits.dedup = None;
        let history = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 #1
            a lost o1
            a tries o1
            b sees t1 m2 #1
            a acked o1 m2";
        fails(&Idempotency, &charge, history, "two ids for one key");
    }
}
