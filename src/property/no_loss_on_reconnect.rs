//! `no-loss-on-reconnect`: after a reconnect and its sync, nothing is missing.

mod conclusion;
mod debts;
mod probes;

use self::debts::Bits;
use crate::fault::Effect;
use crate::history::{
    About, Answer, Carrier, ClientId, ConversationId, Entry, Event, Key, MessageRef, Nanos, OpId,
    PersonId, Seen, Token,
};
use crate::operation::{ConnectionState, Operation};
use crate::property::recent::{Recent, Rows, TokenSet, hash};
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::spec::Echo;
use crate::verdict::Finding;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

/// After a reconnect and its sync, nothing is missing.
#[derive(Debug)]
pub struct NoLossOnReconnect;

static PAGE: Page = Page {
    id: "no-loss-on-reconnect",
    title: "After a reconnect and its sync, a client MUST have every message sent meanwhile.",
    promises: "Each message that was acked before a client asks for its sync is in the client's \
        view when the sync is over: pushed earlier, acked to the client itself, or a row of the \
        sync. What is acked while a client is connected reaches it as well.",
    matters: "Phones lose their connection all the time. A message that falls into such a gap is \
        not late, it is gone from that phone: its user answers what the others did not say.",
    judged: "For each member the view is what was pushed to it, what syncs brought, and its own \
        acked messages; reads of the whole history do not count. At the end of each sync nothing \
        may be missing that was acked before the sync was asked for and first sent after the \
        client had been ready once. Where who comes back says how far they had come (`$cursor` in \
        `connect: first`), the server must tell the rest by itself. At the end of the run, nothing may be missing that was sent \
        while the client was ready. Only what a history or sync shows afterwards can be missing: \
        what is nowhere stored is lost for everybody, and `at-least-once` judges that. One sync may \
        not bring one message twice. Late is \
        not wrong. Who gets a push follows the spec's echo policy.",
    blind: "A message sent while the client was on its way back and acked after its sync was \
        asked for, until the next sync. One of several messages with equal texts. Clients that \
        never come back are a doubt, if something waits for them.",
    example: "  4.100 s  client 3  sent \"qzaaaabbbbcccc\" as key 7f3a, attempt 1\n  \
        4.110 s  client 3  had its ack\n  \
        9.000 s  client 8  asked for its sync of conversation 2\n  \
        9.020 s  client 8  had the whole sync, without \"qzaaaabbbbcccc\"\n\
        therefore client 8 misses a message that is stored\n\
        but after a reconnect and its sync nothing is missing",
    source: "common practice: this is what a sync is for.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One sync with at least one message to recover, or one such message that the server \
        itself tells again; or, in a run with such a sync, one member's whole view of a \
        conversation at the end.",
};

impl Property for NoLossOnReconnect {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let echo = match charge.traits.echo {
            Echo::All => "pushes to all members",
            Echo::Others => "pushes to all but the sending client",
            Echo::OtherPeople => "pushes to all but the sender's clients",
            Echo::None => "nothing is pushed",
        };
        format!("all that was acked before a sync is in the view after it; {echo}; no tolerance")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Views {
            echo: charge.traits.echo,
            history: charge.history,
            resumes: charge.resumes,
            clients: FxHashMap::default(),
            rooms: FxHashMap::default(),
            ops: Rows::default(),
            open: FxHashMap::default(),
            reads: FxHashMap::default(),
            owners: Recent::new(charge.memory()),
            invoked: TokenSet::default(),
            hidden: FxHashSet::default(),
            last_phase: None,
            over: false,
            recoveries: 0,
            finding: Finding::default(),
        })
    }
}

/// The judge: what each member still waits for.
struct Views {
    echo: Echo,
    history: bool,
    /// Who comes back says how far they had come, and is told the rest.
    resumes: bool,
    clients: FxHashMap<ClientId, Link>,
    rooms: FxHashMap<ConversationId, Room>,
    /// Sends that are not over, and their message.
    ops: Rows<OpId, Token>,
    /// Messages that are not settled: not acked yet, or not seen by all.
    open: FxHashMap<Token, Message>,
    reads: FxHashMap<OpId, Read>,
    /// Conversation and server id, hashed, and the witness seen with it.
    owners: Recent<u64, Token>,
    invoked: TokenSet,
    /// Messages that a person asked to see no more, by the server's ids.
    hidden: FxHashSet<(PersonId, CompactString)>,
    /// When the final reads began.
    last_phase: Option<Nanos>,
    /// The run came to its end and was not broken off.
    over: bool,
    recoveries: u64,
    finding: Finding,
}

#[derive(Default)]
struct Link {
    person: Option<PersonId>,
    up: bool,
    /// When it was last let in.
    opened: Nanos,
    /// Ready since then, and for the first time then.
    ready: Option<Nanos>,
    first_ready: Option<Nanos>,
    faults: u32,
    fault_ended: Option<Nanos>,
}

#[derive(Default)]
struct Room {
    /// Members and since when.
    members: Vec<(ClientId, Nanos)>,
    places: FxHashMap<ClientId, usize>,
    /// Acked messages that some member waits for.
    owed: FxHashSet<Token>,
    /// Members who asked to hear no more of it.
    left: FxHashSet<ClientId>,
}

struct Message {
    conversation: ConversationId,
    client: ClientId,
    key: Key,
    open: u32,
    /// First attempt.
    sent: Option<Nanos>,
    acked: Option<Nanos>,
    id: Option<CompactString>,
    /// Members who have it or to whom it is not owed, and how many do wait.
    settled: Bits,
    waiting: usize,
    /// Members there were when it was acked; later ones are owed nothing.
    members: usize,
    /// When the last sync or history that showed it was asked for; when it was last pushed.
    read: Option<Nanos>,
    pushed: Option<Nanos>,
    missed: Vec<Miss>,
}

/// A member had the whole sync, without the message.
struct Miss {
    client: ClientId,
    asked: Nanos,
    at: Nanos,
}

/// A sync or a history that is not over.
struct Read {
    conversation: ConversationId,
    sync: bool,
    asked: Nanos,
    recovered: u64,
    /// The ids of a sync's rows, hashed; a sync that showed one twice has none any more.
    rows: Option<FxHashSet<u64>>,
}

impl Judge for Views {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.owners.tick(at);
        match &entry.event {
            Event::Person { person, .. } => self.link(client).person = Some(*person),
            Event::Member { conversation, .. } => {
                let room = self.rooms.entry(*conversation).or_default();
                if let std::collections::hash_map::Entry::Vacant(vacant) = room.places.entry(client)
                {
                    vacant.insert(room.members.len());
                    room.members.push((client, at));
                }
            }
            Event::Connection { state, .. } => {
                let link = self.link(client);
                link.up = *state == ConnectionState::Connected;
                link.opened = at;
                link.ready = None;
            }
            Event::Ready => {
                let link = self.link(client);
                link.ready = Some(at);
                link.first_ready.get_or_insert(at);
            }
            Event::Fault { what, begins } if Effect::of(what).holds_back() => {
                let link = self.link(client);
                link.faults = if *begins { link.faults + 1 } else { link.faults.saturating_sub(1) };
                link.fault_ended = Some(at);
            }
            Event::Phase { name } => match name.as_str() {
                "final-read" => self.last_phase = Some(at),
                "end" => self.over = true,
                _ => {}
            },
            Event::Invoke {
                operation: Operation::Hide, about: Some(About::Message(id)), ..
            } => {
                if let Some(person) = self.link(client).person {
                    self.hidden.insert((person, id.clone()));
                }
            }
            Event::Invoke { op, operation, conversation: Some(conversation), message, .. } => {
                match (operation, message) {
                    (Operation::Send, Some(message)) => {
                        self.invoke(client, *op, *conversation, message);
                    }
                    (Operation::Sync | Operation::History, _) => {
                        let sync = *operation == Operation::Sync;
                        let conversation = *conversation;
                        let rows = sync.then(FxHashSet::default);
                        let read = Read { conversation, sync, asked: at, recovered: 0, rows };
                        self.reads.insert(*op, read);
                    }
                    (Operation::Leave, _) => self.leave(*conversation, client),
                    (Operation::Join, _) => {
                        let room = self.rooms.entry(*conversation).or_default();
                        room.left.remove(&client);
                    }
                    _ => {}
                }
            }
            Event::Attempt { op, .. } => {
                let read = self.reads.get_mut(op);
                if let Some(rows) = read.and_then(|read| read.rows.as_mut()) {
                    rows.clear();
                }
                let message = self.ops.get(*op).and_then(|token| self.open.get_mut(token));
                if let Some(message) = message {
                    message.sent.get_or_insert(at);
                }
            }
            Event::Answered { op, answer: Answer::Ack { id, .. }, .. } => {
                self.acked(at, client, *op, id.as_ref());
            }
            Event::Ok { op, .. } => {
                self.ended(*op);
                self.synced(at, client, *op);
            }
            Event::Failed { op, .. } => {
                self.ended(*op);
                self.reads.remove(op);
            }
            Event::Message(seen) => {
                if let Carrier::Sync(op) = seen.by {
                    self.row(at, client, op, seen);
                }
                self.seen(at, client, seen);
            }
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

    fn awaited_deliveries(&self) -> usize {
        let rooms = self.rooms.values();
        let owed = rooms.flat_map(|room| room.owed.iter().map(move |token| (room, token)));
        owed.filter(|(room, token)| self.on_its_way(room, token)).count()
    }

    fn unsettled(&self) -> usize {
        self.ops.len() + self.open.len() + self.reads.len() + self.owners.len()
    }
}

impl Views {
    fn link(&mut self, client: ClientId) -> &mut Link {
        self.clients.entry(client).or_default()
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
        if !new && !self.open.contains_key(&token) {
            return; // Its message is settled already; who has it is known no more.
        }
        let known = self.open.entry(token).or_insert_with(|| Message {
            conversation,
            client,
            key: message.key.clone(),
            open: 0,
            sent: None,
            acked: None,
            id: None,
            settled: Bits::default(),
            waiting: 0,
            members: 0,
            read: None,
            pushed: None,
            missed: Vec::new(),
        });
        known.open += 1;
        self.ops.insert(op, token);
        if matches!(self.echo, Echo::Others) {
            self.have(token, client);
        }
    }

    /// The first ack makes the message owed to every member; each ack shows the message to the
    /// client that has it.
    fn acked(&mut self, at: Nanos, client: ClientId, op: OpId, id: Option<&CompactString>) {
        let Some(token) = self.ops.get(op).copied() else { return };
        let Some(message) = self.open.get_mut(&token) else { return };
        let conversation = message.conversation;
        let first = message.acked.is_none();
        if first {
            message.acked = Some(at);
            message.id = id.cloned();
        }
        if let Some(id) = id {
            let owner = *self.owners.entry(hash(&(conversation, id)), || token);
            let twin = *self.owners.entry(hash(&(&message.key, id)), || token);
            if owner != token || twin != token {
                return self.forget(token);
            }
        }
        if first {
            self.owe(token);
        }
        self.have(token, client);
    }

    /// A send is over; without an ack nothing is owed.
    fn ended(&mut self, op: OpId) {
        let Some(token) = self.ops.remove(op) else { return };
        let Some(message) = self.open.get_mut(&token) else { return };
        message.open -= 1;
        if message.open == 0 && message.acked.is_none() {
            self.open.remove(&token);
        }
    }

    fn seen(&mut self, at: Nanos, client: ClientId, seen: &Seen) {
        let Some(token) = seen.token else { return };
        let message = self.open.get_mut(&token);
        let place = seen.conversation.or(message.as_ref().map(|message| message.conversation));
        if let Some(message) = message {
            match seen.by {
                Carrier::Live => {
                    message.pushed = Some(at);
                    message.missed.retain(|miss| miss.client != client);
                }
                Carrier::Sync(op) | Carrier::History(op) => {
                    let asked = self.reads.get(&op).map(|read| read.asked);
                    message.read = message.read.max(asked);
                }
            }
            let acked = message.acked;
            let counts = !matches!(seen.by, Carrier::History(_));
            let waited = counts && self.have(token, client);
            match seen.by {
                Carrier::Sync(op) if waited => {
                    let sync = self.reads.get_mut(&op);
                    if let Some(sync) = sync.filter(|sync| acked < Some(sync.asked)) {
                        sync.recovered += 1;
                    }
                }
                Carrier::Live if waited && self.was_missed(client, acked) => self.recoveries += 1,
                _ => {}
            }
        }
        if let (Some(place), Some(id)) = (place, &seen.id) {
            let owner = self.owners.entry(hash(&(place, id)), || token);
            if *owner != token {
                let other = std::mem::replace(owner, token);
                let swallowed = |other: &Message| other.id.as_ref() == Some(id);
                if self.open.get(&other).is_some_and(swallowed) {
                    self.forget(other);
                }
            }
        }
    }

    /// The client was there, and away when the message was acked, or is still on its way back: it is told
    /// again what it missed.
    fn was_missed(&self, client: ClientId, acked: Option<Nanos>) -> bool {
        let link = self.clients.get(&client);
        link.is_some_and(|link| {
            let away = link.ready.is_none() || acked.is_some_and(|acked| acked < link.opened);
            link.up && link.first_ready.is_some() && away
        })
    }

    /// A row of a sync: each message stands in it once.
    fn row(&mut self, at: Nanos, client: ClientId, op: OpId, seen: &Seen) {
        let (Some(read), Some(id)) = (self.reads.get_mut(&op), &seen.id) else { return };
        let new = read.rows.as_mut().is_none_or(|rows| rows.insert(hash(id)));
        if !new {
            read.rows = None;
            let (asked, place) = (read.asked, read.conversation);
            self.finding.violate(|| conclusion::twice(client, asked, at, place, id));
        }
    }

    /// A sync is over: what was acked before it was asked for must be there.
    fn synced(&mut self, at: Nanos, client: ClientId, op: OpId) {
        let Some(sync) = self.reads.remove(&op).filter(|read| read.sync) else { return };
        let Some(room) = self.rooms.get(&sync.conversation) else { return };
        let Some(index) = room.places.get(&client).copied() else { return };
        let mut missing = 0;
        for token in &room.owed {
            let Some(message) = self.open.get_mut(token) else { continue };
            let due = message.acked.is_some_and(|acked| acked < sync.asked);
            if due && index < message.members && message.settled.insert(index) {
                message.waiting -= 1;
                message.missed.push(Miss { client, asked: sync.asked, at });
                missing += 1;
            }
        }
        self.recoveries += u64::from(sync.recovered + missing > 0);
        if sync.recovered > 0 {
            self.finding.count("messages recovered by syncs", sync.recovered);
        }
    }
}

impl Views {
    /// Somebody may still get the message: a member who waits for it and is away, or was ready when
    /// it was first sent. (To those who came back since, a sync has brought it, or nothing will.)
    fn on_its_way(&self, room: &Room, token: &Token) -> bool {
        let Some(message) = self.open.get(token).filter(|message| message.waiting > 0) else {
            return false;
        };
        let members = room.members[..message.members].iter().enumerate();
        members.filter(|(index, _)| !message.settled.has(*index)).any(|(_, (member, _))| {
            let ready = self.clients.get(member).and_then(|link| link.ready);
            ready.is_none() || ready <= message.sent
        })
    }
}

impl Message {
    /// Nobody waits for it any more, and nobody missed it.
    fn is_settled(&self) -> bool {
        self.waiting == 0 && self.missed.is_empty()
    }
}

impl Link {
    fn faulted_since(&self, since: Nanos) -> bool {
        self.faults > 0 || self.fault_ended.is_some_and(|ended| ended >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, passes, stands};
    use crate::verdict::Standing;

    fn charge() -> Charge {
        Charge::default()
    }

    fn echo(echo: Echo) -> Charge {
        let mut charge = charge();
        charge.traits.echo = echo;
        charge
    }

    /// While `b` is away `a` sends t1; `b` comes back, gets these rows, and `a` reads it all.
    fn away(rows: &str, after: &str) -> String {
        let rows: String =
            rows.split_terminator(',').map(|row| format!("b row o2 {row}\n")).collect();
        format!(
            "a b in #1
             b cut
             a sends o1 t1 k1 #1
             a acked o1 m1 1
             b back
             b syncs o2 #1
             {rows}
             b done o2
             b ready
             {after}
             phase final-read
             a reads o99 #1
             a row o99 t1 m1 1
             a row o99 t2 m2 2
             a done o99
             phase end"
        )
    }

    #[test]
    fn who_comes_back_after_a_send_is_awaited_no_more() {
        let awaited = |events: &str| {
            let mut judge = NoLossOnReconnect.judge(&charge());
            let history = format!("a b in #1\n{events}\na sends o1 t1 k1 #1\na acked o1 m1");
            for entry in crate::property::notation::read(&history) {
                judge.observe(&entry);
            }
            let before = judge.awaited_deliveries();
            for mut entry in crate::property::notation::read("@900 b back\nb ready") {
                entry.at += 1_000_000_000;
                judge.observe(&entry);
            }
            (before, judge.awaited_deliveries())
        };
        assert_eq!(awaited("b drops"), (1, 0));
        assert_eq!(awaited(""), (1, 0));
    }

    #[test]
    fn what_a_sync_brings_is_there() {
        let finding = passes(&NoLossOnReconnect, &charge(), &away("t1 m1 1", ""));
        assert_eq!(finding.observations, 1 + 2);
    }

    #[test]
    fn what_the_server_tells_again_is_there() {
        let told = away("", "").replace("b syncs o2", "b sees t1 m1 #1\nb syncs o2");
        let told = told.replacen("b cut", "b ready\nb cut", 1);
        let finding = passes(&NoLossOnReconnect, &charge(), &told);
        assert_eq!(finding.observations, 1 + 2);
    }

    #[test]
    fn who_says_how_far_they_had_come_is_told_the_rest() {
        let resumes = Charge { resumes: true, ..charge() };
        let told = away("", "").replace("b syncs o2 #1\n", "").replace("b done o2\n", "");
        let told = told.replacen("b cut", "b ready\nb cut", 1);
        fails(&NoLossOnReconnect, &resumes, &told, "never told to who came back");
        let later = told.replace("phase final-read", "b sees t1 m1 #1\nphase final-read");
        assert_eq!(passes(&NoLossOnReconnect, &resumes, &later).observations, 1 + 2);
        stands(&NoLossOnReconnect, &charge(), &told, Standing::NotExercised);
    }

    #[test]
    fn what_a_reader_has_deleted_is_not_owed_to_them() {
        let hides = |who: &str| format!("{who} hides o50 m1 #1\n{who} done o50");
        passes(&NoLossOnReconnect, &charge(), &away("", &hides("b")));
        fails(&NoLossOnReconnect, &charge(), &away("", &hides("a")), "missing after the sync");
    }

    #[test]
    fn what_a_sync_does_not_bring_is_missing() {
        fails(&NoLossOnReconnect, &charge(), &away("", ""), "missing after the sync");
    }

    #[test]
    fn what_is_nowhere_stored_is_not_its_affair() {
        let history = away("", "").replace("a row o99 t1 m1 1", "");
        let finding = check(&NoLossOnReconnect, &charge(), &history);
        assert_eq!(finding.violation_count, 0);
        assert_eq!(finding.figures, [("missing and nowhere stored".to_owned(), 1)]);
        let shown_before = history.replace("b cut", "b cut\na syncs o3 #1\na done o3");
        assert_eq!(check(&NoLossOnReconnect, &charge(), &shown_before).violation_count, 0);
    }

    #[test]
    fn late_is_not_wrong() {
        passes(&NoLossOnReconnect, &charge(), &away("", "b sees t1 m1 1 #1"));
    }

    #[test]
    fn without_a_reconnect_nothing_is_exercised() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            b sees t1 m1 #1
            phase final-read
            phase end";
        stands(&NoLossOnReconnect, &charge(), history, Standing::NotExercised);
        let nothing_to_recover = "a b in #1
            b cut
            b back
            b syncs o2 #1
            b done o2
            b ready
            phase end";
        stands(&NoLossOnReconnect, &charge(), nothing_to_recover, Standing::NotExercised);
    }

    #[test]
    fn a_connected_member_must_get_what_is_sent() {
        let history = away("t1 m1 1", "a sends o3 t2 k2 #1\na acked o3 m2 2");
        let summary = "never delivered to a connected member";
        fails(&NoLossOnReconnect, &charge(), &history, summary);
        let delivered = history.replace("phase final-read", "b sees t2 m2 #1\nphase final-read");
        passes(&NoLossOnReconnect, &charge(), &delivered);
        let interrupted = history.replace("phase end", "");
        passes(&NoLossOnReconnect, &charge(), &interrupted);
    }

    #[test]
    fn a_room_that_was_not_rejoined_is_found_at_the_end() {
        let history = away("t1 m1 1", "a sends o3 t2 k2 #1\na acked o3 m2 2\na sees t2 m2 #1");
        let summary = "never delivered to a connected member";
        fails(&NoLossOnReconnect, &charge(), &history, summary);
    }

    #[test]
    fn a_message_sent_during_the_return_waits_for_the_next_sync() {
        let during = away("t1 m1 1", "").replace(
            "b done o2",
            "a sends o3 t2 k2 #1
             a acked o3 m2 2
             b done o2",
        );
        let finding = passes(&NoLossOnReconnect, &charge(), &during);
        assert!(finding.figures.contains(&("sent while a client came back".to_owned(), 1)));
        let again = "b cut\nb back\nb syncs o4 #1\nb done o4\nb ready\nphase final-read";
        let missed = during.replace("phase final-read", again);
        fails(&NoLossOnReconnect, &charge(), &missed, "missing after the sync");
    }

    #[test]
    fn who_never_comes_back_is_a_doubt() {
        let history = "a b in #1
            b cut
            a sends o1 t1 k1 #1
            a acked o1 m1 1
            phase final-read
            a reads o2 #1
            a row o2 t1 m1 1
            a done o2
            phase end";
        stands(&NoLossOnReconnect, &charge(), history, Standing::Inconclusive);
    }

    #[test]
    fn a_delivery_that_a_fault_may_have_eaten_is_a_doubt() {
        let silent = "b fault begins silence
            a sends o3 t2 k2 #1
            a acked o3 m2 2
            b fault ends silence";
        let history = away("t1 m1 1", silent);
        stands(&NoLossOnReconnect, &charge(), &history, Standing::Inconclusive);
        let withheld = history.replace("silence", "withhold-acks");
        let summary = "never delivered to a connected member";
        fails(&NoLossOnReconnect, &charge(), &withheld, summary);
    }

    #[test]
    fn what_was_sent_before_a_client_was_first_ready_is_not_owed() {
        let history = "a in #1
            a sends o1 t1 k1 #1
            a acked o1 m1 1
            b in #1
            b cut
            b back
            b syncs o2 #1
            b done o2
            b ready
            phase final-read
            a reads o3 #1
            a row o3 t1 m1 1
            a done o3
            phase end";
        stands(&NoLossOnReconnect, &charge(), history, Standing::NotExercised);
    }

    #[test]
    fn the_echo_policy_says_who_is_owed_a_push() {
        let after = |echoed: &str| {
            let sent = "a sends o3 t2 k2 #1\na acked o3 m2 2\nb sees t2 m2 #1";
            let history = away("t1 m1 1", &format!("{sent}\n{echoed}"));
            let history = history.replace("a b in #1", "a a2 b in #1");
            history.replace("a acked o1 m1 1", "a acked o1 m1 1\na2 sees t1 m1 #1")
        };
        let nothing = after("");
        let summary = "never delivered to a connected member";
        fails(&NoLossOnReconnect, &echo(Echo::All), &nothing, summary);
        fails(&NoLossOnReconnect, &echo(Echo::Others), &nothing, summary);
        passes(&NoLossOnReconnect, &echo(Echo::OtherPeople), &nothing);
        passes(&NoLossOnReconnect, &echo(Echo::None), &nothing);
        let other_device = after("a2 sees t2 m2 #1");
        passes(&NoLossOnReconnect, &echo(Echo::All), &other_device);
        passes(&NoLossOnReconnect, &echo(Echo::Others), &other_device);
    }

    #[test]
    fn a_second_sender_of_the_message_gets_no_push_of_its_own() {
        let both = "a sends o3 t2 k2 #1
            a2 sends o4 t2 k2 #1
            b sees t2 m2 #1
            a acked o3 m2 2
            a2 timeout o4 excused";
        let history = away("t1 m1 1", both);
        let history = history.replace("a b in #1", "a a2 b in #1");
        let history = history.replace("a acked o1 m1 1", "a acked o1 m1 1\na2 sees t1 m1 #1");
        passes(&NoLossOnReconnect, &echo(Echo::Others), &history);
    }

    #[test]
    fn an_uncertain_message_is_owed_to_nobody() {
        let lost = "a sends o3 t2 k2 #1\na lost o3\na fails o3\na answered o3 m2";
        passes(&NoLossOnReconnect, &charge(), &away("t1 m1 1", lost));
    }

    #[test]
    fn a_swallowed_message_is_idempotencys_affair() {
        let strangers_key = "b sends o3 t3 k1 #1\nb acked o3 m1";
        passes(&NoLossOnReconnect, &charge(), &away("t1 m1 1", strangers_key));
        let answered_first = away("t1 m1 1", "").replace(
            "a acked o1 m1 1",
            "b back
             b ready
             b sends o3 t3 k1 #1
             b acked o3 m1
             a acked o1 m1 1
             a sees t1 m1 #1
             b sees t1 m1 #1",
        );
        let finding = check(&NoLossOnReconnect, &charge(), &answered_first);
        assert_eq!(finding.violation_count, 0, "{finding:#?}");
    }

    #[test]
    fn a_repetition_of_a_settled_message_is_owed_to_nobody() {
        let again = "a sends o3 t1 k1 #1\na acked o3 m1";
        passes(&NoLossOnReconnect, &charge(), &away("t1 m1 1", again));
    }

    #[test]
    fn equal_texts_are_owed_once() {
        let twice = "a sends o3 t2 k2 #1
            a sends o4 t2 k3 #1
            b sees t2 m2 #1
            a acked o3 m2
            a acked o4 m3
            b sees t2 m3 #1";
        passes(&NoLossOnReconnect, &charge(), &away("t1 m1 1", twice));
    }

    #[test]
    fn a_sync_brings_each_message_once() {
        let twice = away("t1 m1 1,t1 m1 1", "");
        fails(&NoLossOnReconnect, &charge(), &twice, "twice in one sync");
        let begun_anew =
            away("t1 m1 1", "").replace("b row o2", "b row o2 t1 m1 1\nb tries o2\nb row o2");
        passes(&NoLossOnReconnect, &charge(), &begun_anew);
    }

    #[test]
    fn a_failed_sync_says_nothing() {
        let history = away("", "").replace("b done o2", "b fails o2");
        let finding = check(&NoLossOnReconnect, &charge(), &history);
        assert_eq!((finding.violation_count, finding.observations), (0, 0));
    }

    #[test]
    fn who_leaves_is_owed_nothing_until_it_joins_again() {
        let left = "a b in #1\nb asks leave o1 #1\nb over o1\n";
        let sent = "a sends o2 t2 k2 #1\na acked o2 m2\n";
        let end = "phase final-read\na reads o8 #1\na row o8 t2 m2\na done o8\nphase end";
        let history = format!("{left}{sent}{end}");
        stands(&NoLossOnReconnect, &charge(), &history, Standing::NotExercised);
        let back = format!("{left}b asks join o3 #1\nb over o3\n{sent}{end}");
        let finding = check(&NoLossOnReconnect, &charge(), &back);
        assert_eq!(finding.violation_count, 1, "{finding:#?}");
    }

    #[test]
    fn where_no_history_can_be_read_a_push_to_somebody_proves_the_message() {
        let charge = Charge { history: false, ..charge() };
        let history = "a b c in #1
            b cut
            a sends o1 t1 k1 #1
            a acked o1 m1 1
            c sees t1 m1 #1
            b back
            b syncs o2 #1
            b done o2
            b ready
            phase end";
        fails(&NoLossOnReconnect, &charge, history, "missing after the sync");
        let gone = history.replace("c sees t1 m1 #1", "");
        assert_eq!(check(&NoLossOnReconnect, &charge, &gone).violation_count, 0);
    }
}
