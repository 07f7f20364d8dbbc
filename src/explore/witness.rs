//! Cuts the witness of a violation out of the record of a run: what the people concerned did, and when, as a
//! script that can be played by itself.
//!
//! Concerned is who stands in the violation's argument, who sent the messages that it speaks of, and who
//! else is in those conversations. What the contract does by itself (joins, syncs, retries) is left out:
//! the clients of a play do that, too. It is a first guess, larger than need be; making it smaller is the
//! shrinker's business. Start with [`cut`].

use crate::fault::Fault;
use crate::history::{
    About, Answer, ClientId, ConversationId, Entry, Event, Nanos, OpId, PersonId, STARTED, STOPPED,
    Token,
};
use crate::operation::Operation;
use crate::plan::script::Script;
use crate::plan::text::{self, Kind};
use crate::source::Lasting;
use crate::verdict::Violation;
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

/// The most people of a witness, and what they are called.
const NAMES: [&str; 8] = ["ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal"];
/// The most who are there only because they are in the same conversation.
const AUDIENCE: usize = 5;
/// How long before the first event of the argument it begins.
const BEFORE: Nanos = 2_000_000_000;
/// What begins within so long belongs to one step.
const TOGETHER: Nanos = 50_000_000;
/// Nearer than this is at once.
const AT_ONCE: Nanos = 20_000;
/// Gaps from here on are pauses, and up to there.
const PAUSES: (Nanos, Nanos) = (20_000_000, 3_000_000_000);
/// The most steps, those nearest to the violation.
const STEPS: usize = 60;

/// The script of a violation in a history, whose entries are in the order of time.
///
/// # Errors
/// Nothing of what happened is anybody's doing; says so.
pub fn cut(entries: &[Entry], violation: &Violation) -> Result<Script, String> {
    let record = Record::of(entries);
    let scope = Scope::of(entries, &record, violation);
    let acts = acts(entries, &record, &scope);
    if acts.is_empty() {
        return Err("nobody did anything that a script could say before it happened".into());
    }
    let text = write(&record, &scope, acts);
    Script::parse(&text).map_err(|mistake| format!("the witness is no script: {mistake}\n{text}"))
}

/// An operation that somebody asked for.
struct Asked {
    conversation: Option<ConversationId>,
    token: Option<Token>,
    ended: Option<Nanos>,
}

/// Who is who, and what became of what.
#[derive(Default)]
struct Record {
    people: FxHashMap<ClientId, PersonId>,
    users: FxHashMap<CompactString, PersonId>,
    members: FxHashMap<ConversationId, BTreeSet<PersonId>>,
    asked: FxHashMap<OpId, Asked>,
    senders: FxHashMap<Token, PersonId>,
    tokens: FxHashMap<CompactString, Token>,
    /// When the first phase of the scenario begins, and when its last one is over.
    phases: (Nanos, Nanos),
}

impl Record {
    fn of(entries: &[Entry]) -> Self {
        let mut record = Self { phases: (0, Nanos::MAX), ..Self::default() };
        for entry in entries {
            record.note(entry);
        }
        record
    }

    fn note(&mut self, Entry { at, client, event }: &Entry) {
        match event {
            Event::Person { person, user } => {
                self.people.insert(*client, *person);
                self.users.insert(user.clone(), *person);
            }
            Event::Member { conversation, .. } => {
                if let Some(person) = self.people.get(client) {
                    self.members.entry(*conversation).or_default().insert(*person);
                }
            }
            Event::Invoke { op, conversation, message, .. } => {
                let token = message.as_ref().map(|message| message.token);
                let conversation = *conversation;
                self.asked.insert(*op, Asked { conversation, token, ended: None });
                if let (Some(token), Some(person)) = (token, self.people.get(client)) {
                    self.senders.entry(token).or_insert(*person);
                }
            }
            Event::Answered { op, answer: Answer::Ack { id: Some(id), .. }, .. } => {
                if let Some(token) = self.asked.get(op).and_then(|asked| asked.token) {
                    self.tokens.insert(id.clone(), token);
                }
            }
            Event::Ok { op, .. } | Event::Failed { op, .. } => {
                if let Some(asked) = self.asked.get_mut(op) {
                    asked.ended.get_or_insert(*at);
                }
            }
            Event::Message(seen) => {
                if let (Some(id), Some(token)) = (&seen.id, seen.token) {
                    self.tokens.insert(id.clone(), token);
                }
            }
            Event::Phase { name } => match name.as_str() {
                "setup" => {}
                "recovery" => self.phases.1 = self.phases.1.min(*at),
                _ if self.phases.0 == 0 => self.phases.0 = *at,
                _ => {}
            },
            _ => {}
        }
    }
}

/// What is concerned: who, where, and when.
struct Scope {
    people: Vec<PersonId>,
    conversations: Vec<ConversationId>,
    from: Nanos,
    to: Nanos,
}

impl Scope {
    fn of(entries: &[Entry], record: &Record, violation: &Violation) -> Self {
        let mut scope = Self {
            people: Vec::new(),
            conversations: Vec::new(),
            from: Nanos::MAX,
            to: record.phases.1,
        };
        let mut tokens: BTreeSet<u64> = BTreeSet::new();
        for exhibit in &violation.exhibits {
            add(&mut scope.people, record.people.get(&exhibit.client).copied());
            let first = entries.partition_point(|entry| entry.at < exhibit.at);
            let same = entries[first..].iter().take_while(|entry| entry.at == exhibit.at);
            for entry in same.filter(|entry| entry.client == exhibit.client) {
                let (conversation, token) = speaks_of(&entry.event, record);
                add(&mut scope.conversations, conversation);
                tokens.extend(token.map(|token| token.number()));
            }
            scope.from = scope.from.min(exhibit.at);
        }
        // What a message went through begins with its sending.
        for entry in entries {
            if let Event::Invoke { message: Some(message), conversation, .. } = &entry.event
                && tokens.contains(&message.token.number())
            {
                add(&mut scope.people, record.senders.get(&message.token).copied());
                add(&mut scope.conversations, *conversation);
                scope.from = scope.from.min(entry.at);
            }
        }
        scope.people.truncate(NAMES.len());
        if scope.conversations.is_empty() {
            let people: BTreeSet<PersonId> = scope.people.iter().copied().collect();
            let mut shared: Vec<ConversationId> = record.members.keys().copied().collect();
            shared.sort_unstable();
            shared.retain(|place| record.members[place].intersection(&people).count() > 1);
            scope.conversations = shared;
        }
        for place in &scope.conversations {
            for person in record.members.get(place).into_iter().flatten() {
                if scope.people.len() < AUDIENCE {
                    add(&mut scope.people, Some(*person));
                }
            }
        }
        scope.from = scope.from.saturating_sub(BEFORE);
        scope
    }

    fn is_in(&self, client: ClientId, record: &Record) -> bool {
        record.people.get(&client).is_some_and(|person| self.people.contains(person))
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, one: Option<T>) {
    if let Some(one) = one.filter(|one| !list.contains(one)) {
        list.push(one);
    }
}

/// The conversation and the message of an event.
fn speaks_of(event: &Event, record: &Record) -> (Option<ConversationId>, Option<Token>) {
    match event {
        Event::Message(seen) => (seen.conversation, seen.token),
        Event::Saw { conversation, .. }
        | Event::Counted { conversation, .. }
        | Event::Found { conversation, .. } => (*conversation, None),
        Event::Keystroke { conversation, .. } | Event::Member { conversation, .. } => {
            (Some(*conversation), None)
        }
        Event::Invoke { op, .. }
        | Event::Attempt { op, .. }
        | Event::Answered { op, .. }
        | Event::Ok { op, .. }
        | Event::Failed { op, .. }
        | Event::Listed { op, .. } => {
            record.asked.get(op).map_or((None, None), |asked| (asked.conversation, asked.token))
        }
        _ => (None, None),
    }
}

/// Something that somebody did.
struct Act {
    at: Nanos,
    /// When it was over.
    ended: Option<Nanos>,
    what: What,
}

enum What {
    /// A client's deed: the verb, and the rest of it.
    Deed(ClientId, String),
    /// The same, about a message.
    About(ClientId, &'static str, Token, String),
    /// A conversation is made, and with whom.
    Create(ClientId, ConversationId, Vec<PersonId>),
    /// A line of its own.
    Line(String),
}

/// What the people concerned did in that time, in this order.
fn acts(entries: &[Entry], record: &Record, scope: &Scope) -> Vec<Act> {
    let mut acts: Vec<Act> = Vec::new();
    let mut strikes: BTreeSet<(Nanos, CompactString)> = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        let (at, client) = (entry.at, entry.client);
        if at < scope.from || at > scope.to || !scope.is_in(client, record) {
            continue;
        }
        let mut ended = Some(at);
        let what = match &entry.event {
            Event::Invoke { op, operation, conversation, message, about, via, .. } => {
                ended = record.asked.get(op).and_then(|asked| asked.ended);
                if conversation.is_some_and(|place| !scope.conversations.contains(&place)) {
                    continue;
                }
                let place = conversation.map_or_else(String::new, place);
                let via = via.as_ref().map_or_else(String::new, |via| format!(" via {via}"));
                match (operation, message, about) {
                    (Operation::Send, Some(message), _) => {
                        let kind = text::kind(message.token);
                        let kind = match kind {
                            Kind::Short => String::new(),
                            kind => format!(" as {}", kind.name()),
                        };
                        What::About(client, "send", message.token, format!("{kind}{place}{via}"))
                    }
                    (Operation::Create, _, Some(About::People(users))) => {
                        let Some(room) = conversation else { continue };
                        let people =
                            users.iter().filter_map(|user| record.users.get(user).copied());
                        What::Create(client, *room, people.collect())
                    }
                    (_, _, Some(About::Message(id))) if is_chosen(*operation) => {
                        let Some(token) = record.tokens.get(id) else { continue };
                        What::About(client, operation.name(), *token, format!("{place}{via}"))
                    }
                    (_, None, None) if is_chosen(*operation) && at < record.phases.1 => {
                        What::Deed(client, format!("{operation}{place}{via}"))
                    }
                    _ => continue,
                }
            }
            Event::Keystroke { conversation, .. } if scope.conversations.contains(conversation) => {
                What::Deed(client, format!("type{}", place(*conversation)))
            }
            Event::Connection { why, .. } if why == STOPPED => {
                What::Deed(client, "disconnect".into())
            }
            Event::Connection { why, .. } if why == STARTED => What::Deed(client, "connect".into()),
            Event::Fault { what, begins: true } => {
                let Ok(fault) = what.parse::<Fault>() else { continue };
                let lasts = lasts(&entries[index..], client, what);
                match fault.of_server() {
                    None => What::Deed(client, format!("{fault}{}", lasting(lasts))),
                    Some(_) if strikes.insert((at / TOGETHER, what.clone())) => {
                        // The script goes on when it is over.
                        ended = Some(at + lasts.map_or(0, |lasts| lasts.as_nanos() as Nanos));
                        What::Line(format!("server {fault}{}", lasting(lasts)))
                    }
                    Some(_) => continue,
                }
            }
            _ => continue,
        };
        acts.push(Act { at, ended, what });
    }
    acts
}

/// A user chooses it; what the contract does by itself is left to the contract.
const fn is_chosen(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::History
            | Operation::Read
            | Operation::List
            | Operation::Search
            | Operation::Unread
            | Operation::Contacts
            | Operation::Hide
    )
}

fn place(conversation: ConversationId) -> String {
    format!(" in {}", room(conversation))
}

fn room(conversation: ConversationId) -> String {
    format!("room{}", conversation.0)
}

/// How long a fault of this client lasted.
fn lasts(entries: &[Entry], client: ClientId, words: &str) -> Option<Duration> {
    let began = entries.first()?.at;
    let end = entries.iter().find(|entry| {
        entry.client == client
            && matches!(&entry.event, Event::Fault { what, begins: false } if what == words)
    })?;
    Some(Duration::from_millis((end.at - began) / 1_000_000))
}

fn lasting(lasts: Option<Duration>) -> String {
    let lasts = lasts.filter(|lasts| !lasts.is_zero());
    lasts.map_or_else(String::new, |lasts| format!(" for {}", Lasting(lasts)))
}

// ----------------------------------------------------------------------------------------------
// the script

fn write(record: &Record, scope: &Scope, acts: Vec<Act>) -> String {
    let mut pen = Pen::new(record, scope, &acts);
    let mut groups: Vec<Vec<Act>> = Vec::new();
    for act in acts {
        let is_line = matches!(act.what, What::Line(_));
        match groups.last_mut() {
            Some(group)
                if act.at - group[0].at < TOGETHER
                    && !is_line
                    && !matches!(group[0].what, What::Line(_)) =>
            {
                group.push(act);
            }
            _ => groups.push(vec![act]),
        }
    }
    let skipped = groups.len().saturating_sub(STEPS);
    let mut before: Option<Nanos> = None;
    for (index, group) in groups.iter().enumerate().skip(skipped) {
        let begins = group[0].at;
        if let Some(before) = before {
            let gap = begins.saturating_sub(before);
            if gap >= PAUSES.0 {
                pen.line(&format!("pause {}ms", gap.min(PAUSES.1) / 1_000_000));
            }
        }
        let next = groups.get(index + 1).map_or(Nanos::MAX, |next| next[0].at);
        let ended = group.iter().map(|act| act.ended.unwrap_or(Nanos::MAX)).max();
        let awaited = ended.is_some_and(|ended| ended <= next);
        pen.step(group, awaited);
        before = Some(if awaited { ended.unwrap_or(begins) } else { begins });
    }
    pen.text
}

struct Pen {
    names: FxHashMap<ClientId, String>,
    people: FxHashMap<PersonId, &'static str>,
    labels: FxHashMap<Token, String>,
    text: String,
}

impl Pen {
    /// Writes who and where; what is not made by an act is there before.
    fn new(record: &Record, scope: &Scope, acts: &[Act]) -> Self {
        let people: FxHashMap<PersonId, &'static str> =
            scope.people.iter().copied().zip(NAMES).collect();
        let mut names: FxHashMap<ClientId, String> = FxHashMap::default();
        let mut cast = Vec::new();
        for person in &scope.people {
            let mut devices: Vec<ClientId> = acts.iter().filter_map(Act::client).collect();
            devices.retain(|client| record.people.get(client) == Some(person));
            devices.sort_unstable();
            devices.dedup();
            let name = people[person];
            cast.push(match devices.len() {
                0 | 1 => name.to_owned(),
                several => format!("{name} x{several}"),
            });
            let alone = devices.len() == 1;
            names.extend(devices.into_iter().enumerate().map(|(index, client)| match alone {
                true => (client, name.to_owned()),
                false => (client, format!("{name}.{}", index + 1)),
            }));
        }
        let mut text = format!("people: {}\n", cast.join(", "));
        let made = |place: ConversationId| {
            acts.iter().any(|act| matches!(act.what, What::Create(_, made, _) if made == place))
        };
        let mut there = scope.conversations.iter().filter(|place| !made(**place)).peekable();
        if there.peek().is_none() {
            text.push_str("no room\n");
        }
        for place in there {
            let members = record.members.get(place).into_iter().flatten();
            let members = members.filter_map(|person| people.get(person).copied());
            let mut members: Vec<&str> = members.collect();
            members.sort_unstable();
            if members.len() > 1 {
                let _ = writeln!(text, "room {}: {}", room(*place), members.join(", "));
            }
        }
        Self { names, people, labels: FxHashMap::default(), text }
    }

    fn step(&mut self, group: &[Act], awaited: bool) {
        let mut deeds = Vec::new();
        for act in group {
            let said = match &act.what {
                What::Line(line) => {
                    self.line(line);
                    continue;
                }
                What::Deed(client, said) => format!("{} {said}", self.names[client]),
                What::About(client, verb, token, rest) => {
                    let Some(label) = self.label(*token, *verb == "send") else { continue };
                    format!("{} {verb} {label}{rest}", self.names[client])
                }
                What::Create(client, place, people) => {
                    let people = people.iter().filter_map(|person| self.people.get(person));
                    let people: Vec<&str> = people.copied().collect();
                    let who = &self.names[client];
                    format!("{who} create {} of {}", room(*place), people.join(", "))
                }
            };
            let after = act.at - group[0].at;
            let after = match after {
                near if near < AT_ONCE => String::new(),
                far => format!("+{} ", Lasting(Duration::from_micros(far / 1_000))),
            };
            deeds.push(format!("{after}{said}"));
        }
        if !deeds.is_empty() {
            let start = if awaited { "" } else { "start " };
            self.line(&format!("{start}{}", deeds.join(" | ")));
        }
    }

    /// What a message is called; nothing, if nobody has sent it so far.
    fn label(&mut self, token: Token, sends: bool) -> Option<String> {
        let next = format!("m{}", self.labels.len() + 1);
        match sends {
            true => Some(self.labels.entry(token).or_insert(next).clone()),
            false => self.labels.get(&token).cloned(),
        }
    }

    fn line(&mut self, line: &str) {
        self.text.extend([line, "\n"]);
    }
}

impl Act {
    const fn client(&self) -> Option<ClientId> {
        match self.what {
            What::Deed(client, _) | What::About(client, ..) | What::Create(client, ..) => {
                Some(client)
            }
            What::Line(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::MessageRef;
    use crate::operation::ConnectionState;
    use crate::verdict::Exhibit;

    const MS: Nanos = 1_000_000;

    /// A history of three people, two of them in one conversation, the third somewhere else.
    struct Tale(Vec<Entry>, u32);

    impl Tale {
        fn new() -> Self {
            let mut tale = Self(Vec::new(), 0);
            tale.at(0, 0, Event::Phase { name: "setup".into() });
            for (client, person) in [(0, 0), (1, 0), (2, 1), (3, 2)] {
                let user = format!("u{person}").into();
                tale.at(0, client, Event::Person { person: PersonId(person), user });
                let conversation = ConversationId(if person == 2 { 9 } else { 4 });
                tale.at(0, client, Event::Member { conversation, id: "c".into() });
            }
            tale.at(1_000, 0, Event::Phase { name: "busy".into() });
            tale
        }

        fn at(&mut self, millis: u64, client: u32, event: Event) {
            self.0.push(Entry { at: millis * MS, client: ClientId(client), event });
        }

        fn send(&mut self, at: u64, until: u64, client: u32, place: u32, message: u64) {
            self.1 += 1;
            let op = OpId(self.1);
            let token = Token::new(1, text::number(Kind::Short, 0, message as u32));
            self.at(
                at,
                client,
                Event::Invoke {
                    op,
                    operation: Operation::Send,
                    conversation: Some(ConversationId(place)),
                    message: Some(MessageRef { token, key: "k".into() }),
                    about: None,
                    via: None,
                    planned: at * MS,
                },
            );
            self.at(until, client, Event::Ok { op, rows: 0 });
        }

        fn cut(mut self, exhibits: &[(u64, u32)]) -> String {
            self.0.sort_by_key(|entry| entry.at);
            let exhibit = |(at, client): &(u64, u32)| Exhibit {
                at: at * MS,
                client: ClientId(*client),
                text: "saw it".into(),
            };
            let violation = Violation {
                summary: "two of one".into(),
                exhibits: exhibits.iter().map(exhibit).collect(),
                therefore: String::new(),
                but: String::new(),
            };
            cut(&self.0, &violation).unwrap().to_string()
        }
    }

    #[test]
    fn who_is_concerned_did_what_they_did_at_the_same_distance() {
        let mut tale = Tale::new();
        tale.send(2_000, 2_010, 3, 9, 1);
        tale.send(3_000, 3_030, 2, 4, 2);
        tale.send(3_500, 3_530, 0, 4, 3);
        tale.send(3_502, 3_540, 1, 4, 3);
        tale.send(3_800, 3_900, 2, 4, 4);
        tale.at(3_850, 0, Event::Keystroke { conversation: ConversationId(4), planned: 0 });
        assert_eq!(
            tale.cut(&[(3_500, 0), (3_502, 1)]),
            "people: ann x2, bob\nroom room4: ann, bob\nbob send m1\npause 470ms\n\
             ann.1 send m2 | +2ms ann.2 send m2\npause 260ms\nbob send m3\nann.1 type\n"
                .replace("bob send m3\nann.1 type", "start bob send m3\npause 50ms\nann.1 type")
        );
    }

    #[test]
    fn faults_and_absence_are_told_and_what_the_contract_does_is_not() {
        let mut tale = Tale::new();
        let what = CompactString::from("cut rst");
        tale.at(3_000, 2, Event::Fault { what: what.clone(), begins: true });
        tale.at(3_300, 2, Event::Fault { what, begins: false });
        let stopped = |why: &str| Event::Connection {
            state: ConnectionState::Disconnected,
            why: why.into(),
            caused: true,
        };
        tale.at(4_000, 0, stopped(STOPPED));
        tale.at(4_100, 0, stopped("somebody pulled the plug"));
        tale.at(4_400, 0, stopped(STARTED));
        let what = CompactString::from("kill");
        for client in [0, 2, 3] {
            tale.at(5_000, client, Event::Fault { what: what.clone(), begins: true });
            tale.at(6_000, client, Event::Fault { what: what.clone(), begins: false });
        }
        tale.send(6_500, 6_530, 0, 4, 3);
        tale.at(7_000, 0, Event::Phase { name: "recovery".into() });
        tale.send(7_100, 7_200, 2, 4, 5);
        assert_eq!(
            tale.cut(&[(3_000, 2), (6_500, 0)]),
            "people: ann, bob\nroom room4: ann, bob\nann cut rst for 300ms\npause 1s\nbob disconnect\n\
             pause 400ms\nbob connect\npause 600ms\nserver kill for 1s\npause 500ms\nbob send m1\n"
        );
    }

    #[test]
    fn without_anything_done_there_is_no_witness() {
        let violation = Violation {
            summary: String::new(),
            exhibits: Vec::new(),
            therefore: String::new(),
            but: String::new(),
        };
        let why = cut(&Tale::new().0, &violation).unwrap_err();
        assert!(why.contains("nobody did anything"), "{why}");
    }
}
