//! Who writes a history down: the time, the operations that are open, and what each entry needs of
//! the ones before it. What the lines say is read by the verbs.

use super::verbs::Line;
use crate::history::{
    About, Answer, Carrier, ClientId, ConversationId, Entry, Event, MessageRef, Nanos, OpId,
    PersonId,
};
use crate::operation::{ConnectionState, Operation};
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Scribe {
    pub(super) now: Nanos,
    /// The channel of what is asked for next: `via=rest`.
    pub(super) via: Option<compact_str::CompactString>,
    pub(super) entries: Vec<Entry>,
    ops: HashMap<u32, Op>,
    people: Vec<ClientId>,
    /// Who has dialled and is not connected yet.
    pub(super) dialling: Vec<ClientId>,
}

struct Op {
    operation: Operation,
    conversation: Option<ConversationId>,
    attempts: u32,
    rows: u32,
    over: bool,
}

impl Scribe {
    pub(super) fn line(&mut self, line: &str) {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        self.now += 10_000_000;
        if let Some(time) = words[0].strip_prefix('@') {
            self.now = time.parse::<u64>().unwrap() * 1_000_000;
            words.remove(0);
        }
        if words.get(1) == Some(&"creates") && words.contains(&"with") {
            self.creates(client(words[0]), &words[2..]);
        } else if let Some(position) = words.iter().position(|word| *word == "in") {
            let conversation = conversation(words[position + 1]);
            let off = words[..position].contains(&"off");
            for name in words[..position].iter().filter(|word| **word != "off") {
                self.member(client(name), conversation, !off);
            }
        } else if let Some(names) = line.strip_suffix(" know #") {
            for name in names.split_whitespace() {
                self.person(client(name));
            }
        } else if words[0] == "phase" {
            self.push(ClientId(0), Event::Phase { name: words[1].into() });
        } else {
            self.event(&Line::new(&words, line));
        }
    }

    /// `a b know #`: people who are in no conversation.
    pub(super) fn person(&mut self, client: ClientId) -> bool {
        let new = !self.people.contains(&client);
        if new {
            self.people.push(client);
            let person = PersonId(client.0 / 10);
            self.push(client, Event::Person { person, user: format!("u{}", person.0).into() });
        }
        new
    }

    fn member(&mut self, client: ClientId, conversation: ConversationId, online: bool) {
        let new = self.person(client);
        let id = format!("c{}", conversation.0).into();
        self.push(client, Event::Member { conversation, id });
        if new && online {
            self.connection(client, ConnectionState::Connected, false);
            self.push(client, Event::Ready);
        }
    }

    pub(super) fn connection(&mut self, client: ClientId, state: ConnectionState, caused: bool) {
        self.ends(client, state, "", caused);
    }

    pub(super) fn ends(
        &mut self,
        client: ClientId,
        state: ConnectionState,
        why: &str,
        caused: bool,
    ) {
        self.push(client, Event::Connection { state, why: why.into(), caused });
    }

    pub(super) fn invoke(
        &mut self,
        client: ClientId,
        op: OpId,
        operation: Operation,
        conversation: Option<ConversationId>,
        message: Option<MessageRef>,
        about: Option<About>,
    ) {
        let asked = Op { operation, conversation, attempts: 0, rows: 0, over: false };
        assert!(self.ops.insert(op.0, asked).is_none(), "{op:?} is asked twice");
        let planned = self.now;
        let event = Event::Invoke {
            op,
            operation,
            conversation,
            message,
            about,
            via: self.via.take(),
            planned,
        };
        self.push(client, event);
    }

    /// `a creates o1 #1 with a b`.
    fn creates(&mut self, client: ClientId, words: &[&str]) {
        let with = words.iter().position(|word| *word == "with").unwrap();
        let (before, names) = words.split_at(with);
        let op = OpId(before[0].strip_prefix('o').unwrap().parse().unwrap());
        let place = before.get(1).map(|word| conversation(word));
        let user = |name: &&str| format!("u{}", self::client(name).0 / 10).into();
        let about = Some(About::People(names[1..].iter().map(user).collect()));
        self.invoke(client, op, Operation::Create, place, None, about);
        self.attempt(client, op);
    }

    pub(super) fn attempt(&mut self, client: ClientId, op: OpId) {
        let known = self.ops.get_mut(&op.0).expect("an operation that was asked for");
        known.attempts += 1;
        known.rows = 0;
        let attempt = known.attempts - 1;
        self.push(client, Event::Attempt { op, attempt });
    }

    pub(super) fn answered(
        &mut self,
        client: ClientId,
        op: OpId,
        attempt: Option<u32>,
        answer: Answer,
        excused: bool,
    ) {
        let attempt = attempt.unwrap_or_else(|| self.ops[&op.0].attempts.saturating_sub(1));
        self.push(client, Event::Answered { op, attempt, answer, excused });
    }

    pub(super) fn over(&mut self, client: ClientId, op: OpId, event: impl Fn(OpId, u32) -> Event) {
        let known = self.ops.get_mut(&op.0).expect("an operation that was asked for");
        if !std::mem::replace(&mut known.over, true) {
            let event = event(op, known.rows);
            self.push(client, event);
        }
    }

    pub(super) fn row(&mut self, op: OpId) -> (Carrier, Option<ConversationId>) {
        let known = self.ops.get_mut(&op.0).expect("an operation that was asked for");
        known.rows += 1;
        let carrier = match known.operation {
            Operation::Sync => Carrier::Sync(op),
            _ => Carrier::History(op),
        };
        (carrier, known.conversation)
    }

    pub(super) fn push(&mut self, client: ClientId, event: Event) {
        self.entries.push(Entry { at: self.now, client, event });
    }
}

pub(super) fn failed(op: OpId, certain: bool) -> Event {
    Event::Failed { op, error: "not so".into(), certain }
}

/// `a` is client 10 of person 1, `a2` is client 11 of the same person.
pub(super) fn client(name: &str) -> ClientId {
    let letter = u32::from(name.as_bytes()[0] - b'a' + 1);
    let device = name[1..].parse::<u32>().unwrap_or(1);
    ClientId(letter * 10 + device - 1)
}

pub(super) fn conversation(word: &str) -> ConversationId {
    ConversationId(word.strip_prefix('#').unwrap().parse().unwrap())
}
