//! Histories as text, for tests: one event per line.
//!
//! Clients are letters with a device number (`a`, `a2`, `b`: `a` and `a2` are one person),
//! conversations `#1`, operations `o1`, tokens `t1`, keys `k1`, server ids `m1`, positions plain
//! numbers, users `u1` (the person of `a`), server ids of conversations `c1`. Each line happens
//! 10 ms after the one before, unless it begins with `@` and a time in milliseconds. `a owes o1
//! refusal|peace|yes [odd]` stands before an operation of which something is demanded, `textless`
//! after one that carries no text of ours. `a b in #1` makes members who are connected and ready;
//! `a off in #1` makes one who is not; `b addressed #1` makes somebody whom a broadcast is for.

use crate::history::{
    About, Answer, Carrier, ClientId, ConversationId, Damage, Due, Entry, Event, MessageRef,
    NO_PING, Nanos, OpId, PersonId, STARTED, STOPPED, Seen, TOO_BIG, Token,
};
use crate::operation::{ConnectionState, Operation, Sight};
use crate::property::{Charge, Property};
use crate::verdict::{Finding, Standing};
use std::collections::HashMap;

/// The run's number in tokens of the notation.
pub(super) const RUN: u16 = 7;

/// What a property says of a history.
pub(super) fn check(property: &dyn Property, charge: &Charge, history: &str) -> Finding {
    let mut judge = property.judge(charge);
    for entry in read(history) {
        judge.observe(&entry);
    }
    judge.finish()
}

/// Asserts that the property passes.
#[track_caller]
pub(super) fn passes(property: &dyn Property, charge: &Charge, history: &str) -> Finding {
    stands(property, charge, history, Standing::Pass)
}

/// Asserts how the property stands.
#[track_caller]
pub(super) fn stands(
    property: &dyn Property,
    charge: &Charge,
    history: &str,
    standing: Standing,
) -> Finding {
    let finding = check(property, charge, history);
    assert_eq!(finding.standing(1), standing, "{finding:#?}");
    finding
}

/// Asserts that the property fails with this one summary, once.
#[track_caller]
pub(super) fn fails(property: &dyn Property, charge: &Charge, history: &str, summary: &str) {
    let finding = check(property, charge, history);
    let found: Vec<&str> = finding.violations.iter().map(|v| v.summary.as_str()).collect();
    assert_eq!(found, [summary], "{finding:#?}");
    for violation in &finding.violations {
        assert!(!violation.exhibits.is_empty() && violation.exhibits.len() <= 25);
        assert!(violation.exhibits.is_sorted_by_key(|exhibit| exhibit.at));
        assert!(!violation.therefore.is_empty() && !violation.but.is_empty());
    }
}

/// The entries that a text stands for.
pub(super) fn read(history: &str) -> Vec<Entry> {
    let mut scribe = Scribe::default();
    for line in history.lines().map(str::trim).filter(|line| !line.is_empty()) {
        scribe.line(line);
    }
    scribe.entries
}

#[derive(Default)]
struct Scribe {
    now: Nanos,
    /// The channel of what is asked for next: `via=rest`.
    via: Option<compact_str::CompactString>,
    entries: Vec<Entry>,
    ops: HashMap<u32, Op>,
    people: Vec<ClientId>,
    /// Who has dialled and is not connected yet.
    dialling: Vec<ClientId>,
}

struct Op {
    operation: Operation,
    conversation: Option<ConversationId>,
    attempts: u32,
    rows: u32,
    over: bool,
}

impl Scribe {
    fn line(&mut self, line: &str) {
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
            self.event(client(words[0]), words[1], &words[2..], line);
        }
    }

    /// `a b know #`: people who are in no conversation.
    fn person(&mut self, client: ClientId) -> bool {
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

    fn connection(&mut self, client: ClientId, state: ConnectionState, caused: bool) {
        self.ends(client, state, "", caused);
    }

    fn ends(&mut self, client: ClientId, state: ConnectionState, why: &str, caused: bool) {
        self.push(client, Event::Connection { state, why: why.into(), caused });
    }

    fn event(&mut self, client: ClientId, verb: &str, words: &[&str], line: &str) {
        let find = |mark: char| words.iter().find_map(|word| word.strip_prefix(mark));
        let said = |word: &str| words.contains(&word);
        let place = find('#').map(|number| ConversationId(number.parse().unwrap()));
        let op = find('o').and_then(|number| number.parse().ok()).map(OpId);
        let id = find('m').map(|id| format!("m{id}").into());
        let order: Option<i64> = words.iter().find_map(|word| word.parse().ok());
        let key = find('k').map(|key| format!("k{key}").into());
        let token = find('t').and_then(|number| number.parse().ok()).map(|n| Token::new(RUN, n));
        let attempt = find('/').map(|number| number.parse().unwrap());
        self.via = words.iter().find_map(|word| word.strip_prefix("via=")).map(Into::into);
        match verb {
            "owes" => {
                let dues = [("refusal", Due::Refused), ("peace", Due::Harmless)];
                let due = dues.into_iter().find(|(word, _)| said(word));
                let due = due.map_or(Due::Accepted, |(_, due)| due);
                let (op, why) = (op.unwrap(), "asks so".into());
                self.push(client, Event::Due { op, due, why, odd: said("odd") });
            }
            "sends" | "plans" => {
                let message = || MessageRef { token: token.unwrap(), key: key.unwrap() };
                let message = (!said("textless")).then(message);
                self.invoke(client, op.unwrap(), Operation::Send, place, message, None);
                if verb == "sends" {
                    self.attempt(client, op.unwrap());
                }
            }
            "syncs" | "reads" | "queues" => {
                let operation = if verb == "syncs" { Operation::Sync } else { Operation::History };
                self.invoke(client, op.unwrap(), operation, place, None, None);
                // A read that is queued is tried later.
                if verb != "queues" {
                    self.attempt(client, op.unwrap());
                }
            }
            "page" => {
                let number = |word: &str| {
                    let at = words.iter().position(|one| *one == word).unwrap() + 1;
                    words[at].parse().unwrap()
                };
                let again = words.iter().skip_while(|word| **word != "again").skip(1);
                let again = again.map(|id| (*id).into()).collect();
                let (op, first) = (op.unwrap(), order.unwrap() as u32);
                let (of, rows) = (number("of"), number("rows"));
                self.push(client, Event::Page { op, number: first, of, rows, again });
            }
            "asks-health" => {
                self.invoke(client, op.unwrap(), Operation::Health, None, None, None);
                self.attempt(client, op.unwrap());
            }
            "searches" => {
                let text = token.map_or_else(|| "qz_%".to_owned(), |token| token.to_string());
                let about = Some(About::Query(text.into()));
                self.invoke(client, op.unwrap(), Operation::Search, None, None, about);
                self.attempt(client, op.unwrap());
            }
            "found" => {
                self.row(op.unwrap());
                let (op, conversation) = (op.unwrap(), place);
                self.push(client, Event::Found { op, conversation, token, id });
            }
            "hides" | "announces" => {
                let operation = if verb == "hides" { Operation::Hide } else { Operation::Announce };
                self.invoke(client, op.unwrap(), operation, place, None, id.map(About::Message));
                self.attempt(client, op.unwrap());
            }
            "lists" | "contacts" | "joins" => {
                let operation = match verb {
                    "lists" => Operation::List,
                    "contacts" => Operation::Contacts,
                    _ => Operation::Join,
                };
                self.invoke(client, op.unwrap(), operation, place, None, None);
                self.attempt(client, op.unwrap());
            }
            "listed" => {
                self.row(op.unwrap());
                let id = find('c').map(|id| format!("c{id}").into());
                let user = find('u').map(|user| format!("u{user}").into());
                self.push(client, Event::Listed { op: op.unwrap(), id, user });
            }
            "made" => {
                let id = find('c').map(|id| format!("c{id}").into());
                self.answered(client, op.unwrap(), attempt, Answer::Ack { id, order }, false);
                self.over(client, op.unwrap(), |op, rows| Event::Ok { op, rows });
            }
            "marks" => {
                let operation =
                    if said("delivered") { Operation::Delivered } else { Operation::Read };
                let about = id.map(About::Message);
                self.invoke(client, op.unwrap(), operation, place, None, about);
                self.attempt(client, op.unwrap());
                self.over(client, op.unwrap(), |op, rows| Event::Ok { op, rows });
            }
            "hears" => {
                let user = find('u').map(|user| format!("u{user}").into());
                let words = ["sending", "sent", "delivered", "read"];
                let state = words.into_iter().find(|word| said(word)).map(Into::into);
                let sight = if user.is_some() { Sight::Receipt } else { Sight::Status };
                let (conversation, row) = (place, op);
                self.push(
                    client,
                    Event::Saw { sight, conversation, user, id, state, users: None, row },
                );
            }
            "tries" => self.attempt(client, op.unwrap()),
            "acked" | "answered" => {
                self.answered(client, op.unwrap(), attempt, Answer::Ack { id, order }, false);
                if verb == "acked" {
                    self.over(client, op.unwrap(), |op, rows| Event::Ok { op, rows });
                }
            }
            "refused" | "nacked" => {
                let text = words.iter().position(|word| *word == "saying").map(|at| words[at + 1]);
                let answer = Answer::Nack(text.unwrap_or("not so").into());
                self.answered(client, op.unwrap(), attempt, answer, false);
                if verb == "refused" {
                    self.over(client, op.unwrap(), |op, _| failed(op, true));
                }
            }
            "timeout" => {
                self.answered(client, op.unwrap(), attempt, Answer::TimedOut, said("excused"));
            }
            "lost" => self.answered(client, op.unwrap(), attempt, Answer::Lost, false),
            "fails" => self.over(client, op.unwrap(), |op, _| failed(op, false)),
            "done" => {
                let ack = Answer::Ack { id: None, order: None };
                self.answered(client, op.unwrap(), attempt, ack, false);
                self.over(client, op.unwrap(), |op, rows| Event::Ok { op, rows });
            }
            "sees" | "row" => {
                let text = if said("changed") {
                    Damage::Changed("cut sho".into())
                } else if said("alive") {
                    Damage::Alive
                } else if said("notshown") {
                    Damage::NotShown
                } else {
                    Damage::Intact
                };
                let (by, conversation) = match verb {
                    "sees" => (Carrier::Live, place),
                    _ => self.row(op.unwrap()),
                };
                let token = if said("elsewhere") {
                    token.map(|t| Token::new(8, t.number()))
                } else {
                    token
                };
                let sender = find('u').map(|user| format!("u{user}").into());
                let seen = Seen { by, conversation, token, key, id, order, sender, text };
                self.push(client, Event::Message(seen));
            }
            "is" => drop(self.person(client)),
            "asks" => {
                let operation = Operation::parse(words[0]).expect("an operation");
                let about = id.map(About::Message);
                self.invoke(client, op.unwrap(), operation, place, None, about);
                self.attempt(client, op.unwrap());
            }
            "counts" => {
                let (op, count) = (op.unwrap(), order.unwrap());
                self.push(client, Event::Counted { op, count, conversation: place });
            }
            "addressed" => {
                self.person(client);
                let conversation = place.unwrap();
                let id = format!("c{}", conversation.0).into();
                self.push(client, Event::Addressed { conversation, id });
            }
            "over" => self.over(client, op.unwrap(), |op, rows| Event::Ok { op, rows }),
            "sees-of" => {
                let sight = Sight::parse(words[0]).expect("a sight");
                let user = find('u').map(|user| format!("u{user}").into());
                self.push(
                    client,
                    Event::Saw {
                        sight,
                        conversation: place,
                        user,
                        id,
                        state: None,
                        users: None,
                        row: None,
                    },
                );
            }
            "holds" => {
                let valid = words[0] != "bad";
                let until = order.map(|millis| self.now + millis as Nanos * 1_000_000);
                let what = format!("a {} token", words[0]).into();
                self.push(client, Event::Credential { what, valid, until });
            }
            "knocks" => self.connection(client, ConnectionState::Connecting, false),
            "denied" => {
                let before = order.unwrap_or_default() as u32;
                let (said, documented) = ("no".into(), !said("oddly"));
                self.push(client, Event::Refused { said, documented, before });
            }
            "out" => self.connection(client, ConnectionState::Error, false),
            "saw" => {
                let users: Vec<_> =
                    words.iter().filter_map(|word| word.strip_prefix('u')).collect();
                let users: Vec<_> =
                    users.into_iter().map(|user| format!("u{user}").into()).collect();
                let sight = Sight::parse(words[0]).unwrap();
                let state = said("all");
                self.push(
                    client,
                    Event::Saw {
                        sight,
                        conversation: place,
                        user: users.first().filter(|_| !state).cloned(),
                        id,
                        state: find('=').map(Into::into),
                        users: state.then_some(users),
                        row: None,
                    },
                );
            }
            "types" => {
                let event = Event::Keystroke { conversation: place.unwrap(), planned: self.now };
                self.push(client, event);
            }
            "starts" | "stops" if op.is_some() => {
                let operation =
                    if verb == "starts" { Operation::TypingStart } else { Operation::TypingStop };
                self.invoke(client, op.unwrap(), operation, place, None, None);
                self.attempt(client, op.unwrap());
                self.over(client, op.unwrap(), |op, rows| Event::Ok { op, rows });
            }
            "creates" | "leaves" => {
                let operation =
                    if verb == "creates" { Operation::Create } else { Operation::Leave };
                self.invoke(client, op.unwrap(), operation, place, None, None);
                self.attempt(client, op.unwrap());
            }
            "dials" => {
                self.dialling.push(client);
                self.connection(client, ConnectionState::Connecting, false);
            }
            "opens" => {
                self.dialling.retain(|other| *other != client);
                self.connection(client, ConnectionState::Connected, false);
            }
            "cut" => self.connection(client, ConnectionState::Disconnected, true),
            "drops" => self.connection(client, ConnectionState::Disconnected, false),
            "back" => {
                let before = self.dialling.len();
                self.dialling.retain(|other| *other != client);
                if self.dialling.len() == before {
                    self.connection(client, ConnectionState::Connecting, false);
                }
                self.connection(client, ConnectionState::Connected, false);
            }
            "starts" => self.ends(client, ConnectionState::Connecting, STARTED, false),
            "stops" => self.ends(client, ConnectionState::Disconnected, STOPPED, true),
            "closed" => self.ends(client, ConnectionState::Disconnected, "close frame 1000", false),
            "chokes" => self.ends(client, ConnectionState::Disconnected, TOO_BIG, false),
            "deserts" => self.ends(client, ConnectionState::Disconnected, NO_PING, false),
            "turns" => {
                let state = ConnectionState::parse(words[0]).unwrap();
                self.connection(client, state, false);
            }
            "session" => {
                let figures = words.iter().filter_map(|word| word.parse::<u64>().ok());
                let mut figures = figures.map(|millis| millis * 1_000_000);
                let ping_interval = figures.next().unwrap();
                let ping_timeout = figures.next().unwrap_or(0);
                let polling = said("polling");
                self.push(client, Event::Session { ping_interval, ping_timeout, polling });
            }
            "node" => self.push(client, Event::Node { node: words[0].parse().unwrap() }),
            "ready" => self.push(client, Event::Ready),
            "fault" => {
                let event = Event::Fault { what: words[1].into(), begins: words[0] == "begins" };
                self.push(client, event);
            }
            "lag" => {
                let nanos = words[0].parse::<u64>().unwrap() * 1_000_000;
                self.push(client, Event::Lag { nanos });
            }
            "garbage" => self.push(client, Event::Garbage { what: "?".into() }),
            _ => panic!("no such verb: {line}"),
        }
    }

    fn invoke(
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

    fn attempt(&mut self, client: ClientId, op: OpId) {
        let known = self.ops.get_mut(&op.0).expect("an operation that was asked for");
        known.attempts += 1;
        known.rows = 0;
        let attempt = known.attempts - 1;
        self.push(client, Event::Attempt { op, attempt });
    }

    fn answered(
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

    fn over(&mut self, client: ClientId, op: OpId, event: impl Fn(OpId, u32) -> Event) {
        let known = self.ops.get_mut(&op.0).expect("an operation that was asked for");
        if !std::mem::replace(&mut known.over, true) {
            let event = event(op, known.rows);
            self.push(client, event);
        }
    }

    fn row(&mut self, op: OpId) -> (Carrier, Option<ConversationId>) {
        let known = self.ops.get_mut(&op.0).expect("an operation that was asked for");
        known.rows += 1;
        let carrier = match known.operation {
            Operation::Sync => Carrier::Sync(op),
            _ => Carrier::History(op),
        };
        (carrier, known.conversation)
    }

    fn push(&mut self, client: ClientId, event: Event) {
        self.entries.push(Entry { at: self.now, client, event });
    }
}

fn failed(op: OpId, certain: bool) -> Event {
    Event::Failed { op, error: "not so".into(), certain }
}

/// `a` is client 10 of person 1, `a2` is client 11 of the same person.
fn client(name: &str) -> ClientId {
    let letter = u32::from(name.as_bytes()[0] - b'a' + 1);
    let device = name[1..].parse::<u32>().unwrap_or(1);
    ClientId(letter * 10 + device - 1)
}

fn conversation(word: &str) -> ConversationId {
    ConversationId(word.strip_prefix('#').unwrap().parse().unwrap())
}
