//! `ordering`: one order per conversation, the same for everybody.

mod position;
mod probes;
mod pushes;
mod reads;
mod sends;

use crate::history::{
    Answer, ClientId, ConversationId, Entry, Event, Key, MessageRef, Nanos, OpId, Order, Seen,
    Token,
};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::{exhibit, violation};
use crate::property::ordering::position::{same, saw};
use crate::property::ordering::reads::Reading;
use crate::property::recent::{Recent, Rows, TokenSet, hash};
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::verdict::{Exhibit, Finding};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// One order per conversation, the same for everybody.
#[derive(Debug)]
pub struct Ordering;

static PAGE: Page = Page {
    id: "ordering",
    title: "A conversation MUST have one order, the same for everybody.",
    promises: "Each message has one place in its conversation's order, wherever it is seen. What \
        is sent after something was acked comes after it. Everybody who sorts by the order sees \
        the same sequence, ties included.",
    matters: "An answer above its question, or two people who read the same talk in a different \
        sequence: nobody trusts what a chat shows after that.",
    judged: "By the position the spec names (a time or a number): the position of a server id is \
        the same in acks, pushes, syncs and histories; a message first sent after another's ack \
        was recorded has no lower position; a history comes in ascending or in descending order, \
        as a whole or page by page; messages with equal positions come in the same sequence to \
        all who are connected, and in the same sequence in histories. Where the spec claims it: \
        pushes do not run backwards, pipelined sends stay in order, positions are unique, and \
        have no gaps in the final reads. A position rounded to milliseconds equals the full one.",
    blind: "What the client would show if it did not sort. Messages without a server id or a \
        position. Comparisons with messages to which nothing happened for more than a minute. The \
        real-time order of texts that were sent more than once on purpose.",
    example: "  2.000 s  client 4  sent \"qzaaaabbbbcccc\" as key 7f3a\n  \
        2.010 s  client 4  had its ack; its position is 1700000002005000000\n  \
        2.500 s  client 9  sent \"qzbbbbccccdddd\" as key 81c0\n  \
        2.520 s  client 4  saw it with position 1700000001990000000\n\
        therefore what was sent later stands first\n\
        but what is sent after an ack comes after what was acked",
    source: "common practice: a talk has one sequence.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One comparison of two messages: a send after an ack, neighbours in a push stream \
        or in a history, or two places where ties were seen.",
};

impl Property for Ordering {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let Some(order) = &charge.traits.order else {
            return "not judged: the spec names no order".to_owned();
        };
        let mut rules = "one position per message, real-time order, sorted histories, ties seen \
            alike"
            .to_owned();
        for (claimed, rule) in [
            (order.live, "pushes in order"),
            (order.pipelined, "pipelined sends in order"),
            (order.unique, "unique positions"),
            (order.gap_free, "no gaps"),
        ] {
            if claimed {
                rules = format!("{rules}, {rule}");
            }
        }
        format!("{rules}; no tolerance")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let memory = charge.memory();
        let order = charge.traits.order.as_ref();
        let claims = order.map(|order| Claims {
            live: order.live,
            pipelined: order.pipelined,
            unique: order.unique,
            gap_free: order.gap_free,
        });
        Box::new(Sequence {
            claims,
            epochs: FxHashMap::default(),
            ops: Rows::new(memory),
            sends: Rows::new(memory),
            invoked: TokenSet::default(),
            keys: Recent::new(memory),
            posts: Recent::new(memory),
            taken: Recent::new(memory),
            floors: FxHashMap::default(),
            streams: FxHashMap::default(),
            previous: FxHashMap::default(),
            readings: FxHashMap::default(),
            ties: Recent::new(memory),
            gaps: FxHashSet::default(),
            last_phase: false,
            finding: Finding::default(),
        })
    }
}

/// What the spec claims beyond one order.
#[derive(Clone, Copy)]
struct Claims {
    live: bool,
    pipelined: bool,
    unique: bool,
    gap_free: bool,
}

/// A message by its conversation and server id, hashed.
type Post = u64;

/// Recent pushes remembered per client and conversation, to find ties among neighbours.
const NEIGHBOURS: usize = 8;

/// The judge: what stands before what.
struct Sequence {
    claims: Option<Claims>,
    epochs: FxHashMap<ClientId, u32>,
    ops: Rows<OpId, Token>,
    sends: Rows<Token, Sent>,
    invoked: TokenSet,
    /// Keys, hashed, and where each was first used.
    keys: Recent<u64, ConversationId>,
    posts: Recent<Post, Placed>,
    /// Conversation and position, hashed, and who has it; only where positions are unique.
    taken: Recent<u64, Post>,
    /// The highest position acked so far.
    floors: FxHashMap<ConversationId, Floor>,
    streams: FxHashMap<(ClientId, ConversationId), Stream>,
    /// The last message a client sent into a conversation, and over which connection.
    previous: FxHashMap<(ClientId, ConversationId), (u32, Token)>,
    readings: FxHashMap<OpId, Reading>,
    /// Two posts with one position, hashed: which came first, and who saw it so.
    ties: Recent<u64, Tie>,
    /// Conversations with a gap, said once.
    gaps: FxHashSet<ConversationId>,
    last_phase: bool,
    finding: Finding,
}

/// A message as its sender knows it.
struct Sent {
    client: ClientId,
    key: Key,
    conversation: ConversationId,
    at: Nanos,
    attempts: u32,
    /// The witness stands for one message, and all of its sends are known.
    single: bool,
    /// Its key was first used in another conversation: an ack may name the message there.
    elsewhere: bool,
    acked: Option<(Nanos, Option<CompactString>)>,
    /// What was acked, with a known position, when it was first sent.
    floor: Option<Floor>,
    order: Option<Order>,
    /// Its neighbours among the client's pipelined sends.
    before: Option<Token>,
    after: Option<Token>,
    accused: bool,
}

/// Where a post stands, and who saw it there first.
struct Placed {
    order: Order,
    at: Nanos,
    client: ClientId,
    id: CompactString,
    accused: bool,
}

#[derive(Clone, Copy)]
struct Floor {
    order: Order,
    token: Token,
    client: ClientId,
    acked: Nanos,
}

/// What was pushed to one client in one conversation lately.
#[derive(Default)]
struct Stream {
    recent: VecDeque<(Order, Post, Option<u32>)>,
    /// The highest position pushed over this connection.
    top: Option<(u32, Order, Post)>,
}

struct Tie {
    first: Post,
    at: Nanos,
    client: ClientId,
    accused: bool,
}

impl Judge for Sequence {
    fn observe(&mut self, entry: &Entry) {
        let Some(claims) = self.claims else { return };
        let (at, client) = (entry.at, entry.client);
        self.tick(at);
        match &entry.event {
            Event::Connection { state: ConnectionState::Connected, .. } => {
                *self.epochs.entry(client).or_default() += 1;
            }
            Event::Phase { name } => self.last_phase |= name == "final-read",
            Event::Invoke { op, operation, conversation: Some(conversation), message, .. } => {
                match (operation, message) {
                    (Operation::Send, Some(message)) => {
                        self.invoke(client, *op, *conversation, message);
                    }
                    (Operation::History, _) => {
                        self.readings.insert(*op, Reading::of(*conversation));
                    }
                    _ => {}
                }
            }
            Event::Attempt { op, attempt } => self.attempt(at, client, *op, *attempt, claims),
            Event::Answered { op, answer: Answer::Ack { id, order }, .. } => {
                self.acked(at, client, *op, id.as_ref(), *order, claims);
            }
            Event::Ok { op, .. } => self.read(at, client, *op, claims),
            Event::Failed { op, .. } => {
                self.readings.remove(op);
            }
            Event::Message(seen) => self.seen(at, client, seen, claims),
            _ => {}
        }
    }

    fn finish(self: Box<Self>) -> Finding {
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.ops.len()
            + self.sends.len()
            + self.keys.len()
            + self.posts.len()
            + self.taken.len()
            + self.ties.len()
            + self.streams.len()
            + self.readings.len()
    }
}

impl Sequence {
    fn tick(&mut self, now: Nanos) {
        self.ops.tick(now);
        self.sends.tick(now);
        self.keys.tick(now);
        self.posts.tick(now);
        self.taken.tick(now);
        self.ties.tick(now);
    }

    fn invoke(
        &mut self,
        client: ClientId,
        op: OpId,
        conversation: ConversationId,
        message: &MessageRef,
    ) {
        let token = message.token;
        let new = self.invoked.insert(token);
        self.ops.insert(op, token);
        let first = *self.keys.entry(hash(&message.key), || conversation);
        if let Some(known) = self.sends.get_mut(token) {
            known.single &= known.key == message.key && known.client == client;
            return;
        }
        let sent = Sent {
            client,
            key: message.key.clone(),
            conversation,
            at: 0,
            attempts: 0,
            single: new,
            elsewhere: first != conversation,
            acked: None,
            floor: None,
            order: None,
            before: None,
            after: None,
            accused: false,
        };
        self.sends.insert(token, sent);
    }

    fn attempt(&mut self, at: Nanos, client: ClientId, op: OpId, number: u32, claims: Claims) {
        if let Some(reading) = self.readings.get_mut(&op) {
            reading.start_over();
        }
        let Some(token) = self.ops.get_mut(op).copied() else { return };
        let Some(sent) = self.sends.get_mut(token) else { return };
        sent.attempts += 1;
        if sent.attempts > 1 || number > 0 {
            return;
        }
        sent.at = at;
        sent.floor = self.floors.get(&sent.conversation).copied();
        if claims.pipelined {
            let epoch = self.epochs.get(&client).copied().unwrap_or_default();
            let place = (client, sent.conversation);
            let previous = self.previous.insert(place, (epoch, token));
            if let Some((_, previous)) = previous.filter(|(known, _)| *known == epoch) {
                sent.before = Some(previous);
                if let Some(previous) = self.sends.get_mut(previous) {
                    previous.after = Some(token);
                }
            }
        }
    }

    fn acked(
        &mut self,
        at: Nanos,
        client: ClientId,
        op: OpId,
        id: Option<&CompactString>,
        order: Option<Order>,
        claims: Claims,
    ) {
        let Some(token) = self.ops.get_mut(op).copied() else { return };
        let Some(sent) = self.sends.get_mut(token) else { return };
        let (conversation, elsewhere) = (sent.conversation, sent.elsewhere);
        if sent.acked.is_none() {
            sent.acked = Some((at, id.cloned()));
        }
        let Some(id) = id else {
            if let Some(order) = sent.order {
                self.raise(token, order);
            }
            return self.pipelined(token, claims);
        };
        let post = hash(&(conversation, id));
        let told = order.filter(|_| !elsewhere);
        let new = told
            .is_some_and(|told| self.placed(at, client, (conversation, id), post, told, claims));
        let order = if new { told } else { self.posts.get(post).map(|placed| placed.order) };
        if let Some(order) = order {
            self.raise(token, order);
        }
        self.pipelined(token, claims);
    }

    fn seen(&mut self, at: Nanos, client: ClientId, seen: &Seen, claims: Claims) {
        let Some(order) = seen.order else { return };
        let sent = || seen.token.and_then(|token| self.sends.get(token));
        let place = seen.conversation.or_else(|| sent().map(|sent| sent.conversation));
        let Some(conversation) = place else { return };
        let mut new = true;
        if let Some(id) = &seen.id {
            let post = hash(&(conversation, id));
            new = self.placed(at, client, (conversation, id), post, order, claims);
            self.row(post, order, seen.by);
            self.stream(at, client, conversation, post, order, seen, claims);
        }
        let fresh = |token: &Token| {
            new || self.sends.get(*token).is_some_and(|sent| sent.single && sent.order.is_none())
        };
        if let Some(token) = seen.token.filter(fresh) {
            self.timed(at, client, token, seen.id.as_ref(), order, claims);
        }
    }

    /// A post was seen at a position. `true` if it was not known before.
    fn placed(
        &mut self,
        at: Nanos,
        client: ClientId,
        (conversation, id): (ConversationId, &CompactString),
        post: Post,
        order: Order,
        claims: Claims,
    ) -> bool {
        if let Some(known) = self.posts.get_mut(post) {
            if !same(known.order, order) && !std::mem::replace(&mut known.accused, true) {
                self.finding.violate(|| {
                    let lines = vec![
                        exhibit(known.at, known.client, saw(id, known.order)),
                        exhibit(at, client, saw(id, order)),
                    ];
                    let therefore = "one message has two places";
                    violation("one message in two places", lines, therefore, ONE_ORDER)
                });
            }
            return false;
        }
        let placed = Placed { order, at, client, id: id.clone(), accused: false };
        self.posts.insert(post, placed);
        if claims.unique {
            let owner = *self.taken.entry(hash(&(conversation, order)), || post);
            if owner != post {
                let first = self.posts.get(owner);
                self.finding.violate(|| {
                    let mut lines: Vec<Exhibit> = first.into_iter().map(Placed::line).collect();
                    lines.push(exhibit(at, client, saw(id, order)));
                    let therefore = format!("two messages have the position {order}");
                    violation(
                        "one position for two messages",
                        lines,
                        therefore,
                        "positions are unique",
                    )
                });
            }
        }
        true
    }
}

impl Placed {
    fn line(&self) -> Exhibit {
        exhibit(self.at, self.client, saw(&self.id, self.order))
    }
}

const ONE_ORDER: &str = "a conversation has one order, the same for everybody";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, passes, stands};
    use crate::verdict::Standing;

    fn charge() -> Charge {
        Charge::default()
    }

    fn claiming(claim: impl Fn(&mut crate::spec::Ordering)) -> Charge {
        let mut charge = charge();
        charge.traits.order.iter_mut().for_each(claim);
        charge
    }

    const TWO: &str = "a b in #1
        a sends o1 t1 k1 #1
        b sees t1 m1 10 #1
        a acked o1 m1
        b sends o2 t2 k2 #1
        a sees t2 m2 20 #1
        b acked o2 m2";

    fn history(rows: &str) -> String {
        let rows: String = rows.split(',').map(|row| format!("b row o9 {row}\n")).collect();
        format!("a b in #1\nb reads o9 #1\n{rows}\nb done o9")
    }

    #[test]
    fn an_honest_talk_passes() {
        let finding = passes(&Ordering, &charge(), TWO);
        assert_eq!(finding.observations, 1);
    }

    #[test]
    fn without_an_order_nothing_is_judged() {
        let mut charge = charge();
        charge.traits.order = None;
        stands(&Ordering, &charge, TWO, Standing::NotExercised);
    }

    #[test]
    fn one_message_is_not_a_comparison() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 10 #1
            a acked o1 m1 10";
        stands(&Ordering, &charge(), history, Standing::NotExercised);
    }

    #[test]
    fn one_message_has_one_position() {
        let summary = "one message in two places";
        let acked = TWO.replace("a acked o1 m1", "a acked o1 m1 11");
        fails(&Ordering, &charge(), &acked, summary);
        let pushed = format!("{TWO}\na sees t1 m1 12 #1");
        fails(&Ordering, &charge(), &pushed, summary);
        let read = format!("{TWO}\na reads o3 #1\na row o3 t1 m1 9\na row o3 t2 m2 20\na done o3");
        fails(&Ordering, &charge(), &read, summary);
    }

    #[test]
    fn a_position_rounded_to_a_millisecond_is_the_same() {
        let exact = TWO.replace(" 10 ", " 1700000000123456789 ");
        let rounded = format!("{exact}\na sees t1 m1 1700000000123000000 #1");
        let rounded = rounded.replace(" 20 ", " 1700000000123999999 ");
        passes(&Ordering, &charge(), &rounded);
        let floor = exact.replace(" 20 ", " 1700000000123000000 ");
        passes(&Ordering, &charge(), &floor);
        let other = format!("{exact}\na sees t1 m1 1700000000124000000 #1");
        let other = other.replace(" 20 ", " 1700000000200000000 ");
        fails(&Ordering, &charge(), &other, "one message in two places");
    }

    #[test]
    fn what_is_sent_after_an_ack_comes_after_it() {
        let summary = "sent later, ordered earlier";
        fails(&Ordering, &charge(), &TWO.replace(" 20 ", " 5 "), summary);
        passes(&Ordering, &charge(), &TWO.replace(" 20 ", " 10 "));
        let unique = claiming(|order| order.unique = true);
        let tie = check(&Ordering, &unique, &TWO.replace(" 20 ", " 10 "));
        assert_eq!(tie.violation_count, 2, "{tie:#?}");
        let known_later = TWO
            .replace("b sees t1 m1 10 #1", "")
            .replace("b sends o2", "b sees t1 m1 10 #1\nb sends o2")
            .replace(" 20 ", " 5 ");
        fails(&Ordering, &charge(), &known_later, summary);
        let by_the_ack = TWO
            .replace("b sees t1 m1 10 #1", "")
            .replace("a acked o1 m1", "a acked o1 m1 10")
            .replace("a sees t2 m2 20 #1", "")
            .replace("b acked o2 m2", "b acked o2 m2 5\na sees t2 m2 5 #1");
        fails(&Ordering, &charge(), &by_the_ack, summary);
    }

    #[test]
    fn concurrent_sends_may_stand_either_way() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            b sends o2 t2 k2 #1
            a acked o1 m1
            b acked o2 m2
            a sees t1 m1 20 #1
            a sees t2 m2 10 #1";
        assert_eq!(check(&Ordering, &charge(), history).violation_count, 0);
    }

    #[test]
    fn a_retry_counts_from_its_first_attempt() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a timeout o1 excused
            b sends o2 t2 k2 #1
            b sees t2 m2 20 #1
            b acked o2 m2
            a tries o1
            a acked o1 m1
            b sees t1 m1 10 #1";
        assert_eq!(check(&Ordering, &charge(), history).violation_count, 0);
    }

    #[test]
    fn doubles_and_swallowed_messages_are_idempotencys_affair() {
        let doubled = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 10 #1
            a timeout o1 excused
            b sends o2 t2 k2 #1
            a tries o1
            b sees t2 m2 20 #1
            b sees t1 m3 30 #1
            a acked o1 m3
            b acked o2 m2";
        assert_eq!(check(&Ordering, &charge(), doubled).violation_count, 0);
        let equal_text = format!(
            "{TWO}
             a sends o3 t1 k3 #1
             a acked o3 m1
             b sees t1 m1 10 #1
             b sees t1 m3 5 #1"
        );
        passes(&Ordering, &charge(), &equal_text);
        let strangers_key = format!("{TWO}\nb sends o3 t3 k1 #1\nb acked o3 m1 10");
        passes(&Ordering, &charge(), &strangers_key);
    }

    #[test]
    fn a_history_may_ascend_descend_or_come_in_pages_that_go_back() {
        for rows in [
            "m1 1,m2 2,m3 3,m4 4",
            "m4 4,m3 3,m2 2,m1 1",
            "m3 3,m4 4,m5 5,m1 1,m2 2",
            "m1 1,m2 2,m2 2,m3 3",
            "m5 5,m6 6,m7 7,m4 4,m5 5,m6 6,m1 1",
            "m1 1,m2 1,m3 1",
        ] {
            passes(&Ordering, &charge(), &history(rows));
        }
        for rows in ["m1 1,m2 2,m4 4,m3 3,m5 5", "m2 2,m1 1,m3 3,m4 4", "m4 4,m2 2,m3 3,m1 1,m5 5"]
        {
            fails(&Ordering, &charge(), &history(rows), "a history out of order");
        }
    }

    #[test]
    fn the_second_attempt_of_a_read_starts_over() {
        let again = history("m1 1,m2 2")
            .replace("b done o9", "b lost o9\nb tries o9\nb row o9 m1 1\nb row o9 m2 2\nb done o9");
        passes(&Ordering, &charge(), &again);
    }

    #[test]
    fn ties_are_seen_alike() {
        let summary = "ties are displayed differently";
        let pushes = "a b c in #1
            a sees t1 m1 10 #1
            a sees t2 m2 10 #1
            b sees t1 m1 10 #1
            b sees t2 m2 10 #1";
        passes(&Ordering, &charge(), pushes);
        let other = format!("{pushes}\nc sees t2 m2 10 #1\nc sees t1 m1 10 #1");
        fails(&Ordering, &charge(), &other, summary);
        let read = |rows: &str| {
            let rows = history(rows);
            format!("{pushes}\n{}", rows.replace("a b in #1", ""))
        };
        passes(&Ordering, &charge(), &read("m1 10,m2 10,m3 11"));
        passes(&Ordering, &charge(), &read("m3 11,m2 10,m1 10"));
        fails(&Ordering, &charge(), &read("m2 10,m1 10,m3 11"), summary);
        fails(&Ordering, &charge(), &read("m3 11,m1 10,m2 10"), summary);
    }

    #[test]
    fn ties_across_a_reconnect_or_a_redelivery_are_not_compared() {
        let pushes = "a b in #1
            a sees t1 m1 10 #1
            a sees t2 m2 10 #1";
        for other in [
            "b sees t2 m2 10 #1\nb drops\nb back\nb sees t1 m1 10 #1",
            "b cut\nb back\nb syncs o1 #1\nb row o1 t2 m2 10\nb done o1\nb sees t1 m1 10 #1",
            "b sees t1 m1 10 #1\nb sees t2 m2 10 #1\nb sees t1 m1 10 #1",
            "b cut\nb back\nb sees t2 m2 10 #1\nb syncs o1 #1\nb row o1 t1 m1 10\nb done o1",
        ] {
            let finding = check(&Ordering, &charge(), &format!("{pushes}\n{other}"));
            assert_eq!(finding.violation_count, 0, "{other}");
        }
    }

    #[test]
    fn pushes_run_forward_where_it_is_claimed() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a sends o2 t2 k2 #1
            b sees t2 m2 20 #1
            b sees t1 m1 10 #1";
        assert_eq!(check(&Ordering, &charge(), history).violation_count, 0);
        let live = claiming(|order| order.live = true);
        fails(&Ordering, &live, history, "pushed out of order");
        let reconnected = history.replace("b sees t1", "b drops\nb back\nb sees t1");
        assert_eq!(check(&Ordering, &live, &reconnected).violation_count, 0);
        let redelivered = "a b in #1
            a sends o1 t1 k1 #1
            b sees t1 m1 10 #1
            a sends o2 t2 k2 #1
            b sees t2 m2 20 #1
            a lost o1
            a tries o1
            b sees t1 m1 10 #1";
        passes(&Ordering, &live, redelivered);
    }

    #[test]
    fn pipelined_sends_stay_in_sequence_where_it_is_claimed() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a sends o2 t2 k2 #1
            a acked o1 m1
            a acked o2 m2
            b sees t1 m1 20 #1
            b sees t2 m2 10 #1";
        assert_eq!(check(&Ordering, &charge(), history).violation_count, 0);
        let claimed = claiming(|order| order.pipelined = true);
        fails(&Ordering, &claimed, history, "pipelined sends reordered");
        passes(&Ordering, &claimed, &history.replace(" 20 ", " 5 "));
        let retried = history.replace("a acked o1 m1", "a timeout o1\na tries o1\na acked o1 m1");
        assert_eq!(check(&Ordering, &claimed, &retried).violation_count, 0);
        let reconnected = history.replace("a sends o2", "a drops\na back\na sends o2");
        assert_eq!(check(&Ordering, &claimed, &reconnected).violation_count, 0);
    }

    #[test]
    fn an_ack_may_name_a_message_of_another_conversation() {
        let unique = claiming(|order| order.unique = true);
        let history = "a b in #1
            a b in #2
            a sends o1 t1 k1 #1
            a acked o1 m1 1
            a sends o2 t2 k1 #2
            a acked o2 m1 1
            b sends o3 t3 k3 #2
            a sees t3 m3 1 #2
            b acked o3 m3 1
            a sends o4 t4 k4 #2
            a acked o4 m4 2";
        assert_eq!(check(&Ordering, &unique, history).violation_count, 0);
        let own_key = history.replace("t2 k1", "t2 k2");
        let found = check(&Ordering, &unique, &own_key);
        assert_eq!(found.violations[0].summary, "one position for two messages");
    }

    #[test]
    fn positions_are_unique_where_it_is_claimed() {
        let history = "a b in #1
            a sees t1 m1 10 #1
            a sees t2 m2 10 #1";
        let claimed = claiming(|order| order.unique = true);
        fails(&Ordering, &claimed, history, "one position for two messages");
        let elsewhere = history.replace("m2 10 #1", "m2 10 #2");
        assert_eq!(check(&Ordering, &claimed, &elsewhere).violation_count, 0);
    }

    #[test]
    fn final_histories_have_no_gaps_where_it_is_claimed() {
        let claimed = claiming(|order| order.gap_free = true);
        let read = |rows| format!("phase final-read\n{}", history(rows));
        for rows in ["m1 1,m2 2,m3 3", "m3 3,m2 2,m1 1", "m3 3,m4 4,m1 1,m2 2"] {
            passes(&Ordering, &claimed, &read(rows));
        }
        for rows in ["m1 1,m3 3", "m3 3,m1 1", "m3 3,m5 5,m1 1,m2 2"] {
            fails(&Ordering, &claimed, &read(rows), "a gap in the numbers");
            passes(&Ordering, &claimed, &history(rows));
            passes(&Ordering, &charge(), &read(rows));
        }
    }
}
