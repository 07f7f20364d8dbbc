//! The deeds of a script: what each of them tells its client.

use super::Director;
use crate::client::{Ask, Audience, Payload, Since};
use crate::engine::people;
use crate::engine::slot::{Command, Held, Suffering};
use crate::engine::stage::cast;
use crate::engine::trouble::nanos;
use crate::fault::Fault;
use crate::history::{ClientId, ConversationId, Due, MessageRef, Nanos, Token};
use crate::operation::Operation;
use crate::plan::script::{Deed, Device, To, Verb};
use crate::plan::{Act, Credential, Manner, text};
use crate::spec::{Hole, Step};
use compact_str::{CompactString, ToCompactString, format_compact};
use std::rc::Rc;
use tokio::time::sleep_until;

impl Director<'_> {
    pub(super) async fn deed(&mut self, deed: &Deed) {
        let client = self.cast.client(deed.by);
        let now = self.now();
        let due = deed.due.or(deed.odd.map(|_| Due::Harmless));
        let due = due.map(|due| (self.tellable(due, deed), self.reason(deed)));
        match &deed.verb {
            Verb::Connect(node) => {
                if self.known.insert(client) {
                    for (number, what) in self.struck.clone() {
                        self.tell(
                            client,
                            Command::Suffer(Suffering::of_server(number, what, true)),
                        );
                    }
                }
                if let Some(node) = node {
                    self.tell(client, Command::Move(*node as usize - 1));
                }
                self.tell(client, Command::Act(now, Act::Connect));
            }
            Verb::Hold { credential, elsewhere } => {
                self.hold(deed.by, *credential, *elsewhere).await;
            }
            Verb::Disconnect => self.tell(client, Command::Disconnect),
            Verb::Send { label, room, kind, key_of, text_of } => {
                let message = self.message(*label, *kind, *key_of, *text_of);
                let Some(place) = self.place(*room) else { return };
                let manner = self.manner(deed, Operation::Send);
                let ask = Ask { odd: deed.odd, manner, ..Ask::send(place, message) };
                self.tell(client, Command::Ask(now, ask, due));
            }
            Verb::Burst { count, pace, room, kind } => {
                let Some(place) = self.place(*room) else { return };
                let limits = &self.shard.dialect.spec.limits;
                let (count, pace) = (count.of(limits), pace.of(limits));
                let mut at = now;
                let manner = self.manner(deed, Operation::Send);
                for _ in 0..count {
                    self.burst += 1;
                    let ask = Ask::send(place, self.new_message(*kind, self.burst));
                    let ask = Ask { manner: manner.clone(), ..ask };
                    self.tell_at(client, at, Command::Ask(at, ask, due.clone()));
                    at += pace.as_nanos() as Nanos;
                }
            }
            Verb::Type { room } => {
                if let Some(conversation) = self.place(*room) {
                    self.tell(client, Command::Act(now, Act::Keystroke { conversation }));
                }
            }
            Verb::Create { room, people } => {
                let user =
                    |person: &usize| self.shard.registry.user(self.cast.cell.people[*person].id);
                let people = people.iter().map(user).collect();
                let place = room.and_then(|room| self.cast.conversation(room));
                self.tell(client, Command::Ask(now, Ask::create(place, people), due));
            }
            Verb::Broadcast { room, to } => {
                let Some(place) = self.cast.conversation(*room) else { return };
                let ask = Ask::broadcast(place, self.audience(to));
                self.tell(client, Command::Ask(now, ask, due));
            }
            Verb::Ask { operation, label, room } => {
                if let Some(mut ask) = self.request(*operation, *label, *room) {
                    let manner = self.manner(deed, *operation);
                    if let Payload::Query(word) = &mut ask.payload {
                        *word = manner.query(word);
                    }
                    let ask = Ask { odd: deed.odd, manner, ..ask };
                    self.tell(client, Command::Ask(now, ask, due));
                }
            }
            Verb::Suffer { fault, lasts } => {
                let until = lasts.map(|lasts| now + lasts.as_nanos() as Nanos);
                self.faults += 1;
                let is_cut = matches!(fault, Fault::Cut(_));
                let ends = until.unwrap_or(if is_cut { now } else { Nanos::MAX });
                let begin =
                    Suffering { number: self.faults, kind: *fault, begins: true, until: ends };
                self.tell(client, Command::Suffer(begin));
                if let Some(at) = until {
                    let end = Suffering { begins: false, ..begin };
                    self.tell_later(client, at, Command::Suffer(end), || ());
                }
            }
            Verb::Heal => self.tell(client, Command::Heal),
        }
    }

    /// How it is asked: what was chosen to go over HTTP, and whether the server is well, also
    /// without a connection.
    fn manner(&self, deed: &Deed, operation: Operation) -> Manner {
        let manner = deed.manner.clone();
        let dialect = &self.shard.dialect;
        let route = dialect.route(operation, 0, manner.via.as_deref());
        let over_http = route.and_then(|route| dialect.at(route)).is_some_and(Step::is_http);
        let away = self.slots[&self.cast.client(deed.by)].away.get();
        let apart = over_http && (operation == Operation::Health || manner.via.is_some() && away);
        Manner { apart, ..manner }
    }

    fn audience(&self, to: &To) -> Audience {
        let registry = &self.shard.registry;
        let id = |person: &usize| self.cast.cell.people[*person].id;
        match to {
            To::Everybody => Audience::Everybody,
            To::ChapterOf(person) => Audience::Chapter(registry.chapter(id(person))),
            To::People(people) => {
                Audience::People(people.iter().map(|person| registry.user(id(person))).collect())
            }
        }
    }

    pub(super) async fn hold(&mut self, device: Device, credential: Credential, elsewhere: bool) {
        let person = self.cast.cell.people[device.person].id;
        let (registry, gate) = (&self.shard.registry, self.shard.way_in());
        let papers = people::ask_for(registry, gate, person, device.device, credential).await;
        let papers = match papers {
            Ok(papers) => papers,
            Err(why) => return self.hitches.push(why.0),
        };
        let place = if elsewhere { ", in the other documented place" } else { "" };
        let client = self.cast.client(device);
        self.holders.insert(client, device);
        self.tell(
            client,
            Command::Hold(Box::new(Held {
                papers,
                what: format_compact!("{}{place}", credential.about()),
                valid: credential.is_valid(),
                lasts: credential.lasts().map(nanos),
                elsewhere,
            })),
        );
    }

    /// Tells the client at this time; nobody is calm before everything was told.
    fn tell_at(&mut self, client: ClientId, at: Nanos, command: Command) {
        if at <= self.now() {
            self.tell(client, command);
        } else {
            let untold = Rc::clone(self.untold.entry(client).or_default());
            untold.set(untold.get() + 1);
            self.tell_later(client, at, command, move || untold.set(untold.get() - 1));
        }
    }

    fn tell_later(
        &self,
        client: ClientId,
        at: Nanos,
        command: Command,
        told: impl FnOnce() + 'static,
    ) {
        let Some(slot) = self.slots.get(&client).map(Rc::downgrade) else { return };
        let at = self.shard.clock.instant(at);
        tokio::task::spawn_local(async move {
            sleep_until(at).await;
            if let Some(slot) = slot.upgrade() {
                slot.tell(command);
            }
            told();
        });
    }

    /// Where an answer could not be told from others, silence is no offence.
    fn tellable(&self, due: Due, deed: &Deed) -> Due {
        let (Due::Refused, Some(odd)) = (due, deed.odd) else { return due };
        let operation = match deed.verb {
            Verb::Ask { operation, .. } => operation,
            _ => Operation::Send,
        };
        match self.shard.dialect.step(operation) {
            Some(step) if odd.keeps_key() || !step.answers_by_event() => Due::Refused,
            _ => Due::Harmless,
        }
    }

    /// The message of a label; the same label is the same message.
    fn message(
        &mut self,
        label: usize,
        kind: text::Kind,
        key_of: Option<usize>,
        text_of: Option<usize>,
    ) -> MessageRef {
        if let Some(known) = &self.messages[label] {
            return known.clone();
        }
        let mut message = self.new_message(kind, label as u32);
        let other = |of: Option<usize>| of.and_then(|other| self.messages[other].clone());
        if let Some(other) = other(key_of) {
            message.key = other.key;
        }
        if let Some(other) = other(text_of) {
            message.token = other.token;
        }
        self.messages[label] = Some(message.clone());
        message
    }

    fn new_message(&self, kind: text::Kind, sequence: u32) -> MessageRef {
        let plan = &self.shard.plan;
        let number = text::number(kind, self.cast.cell.number, sequence);
        let token = Token::new((plan.run & 0xfff) as u16, number);
        MessageRef { token, key: text::key(plan.run, token, 0).into() }
    }

    fn request(&mut self, operation: Operation, label: Option<usize>, room: usize) -> Option<Ask> {
        use Operation::{Contacts, Health, List, Search, Unread};
        let place = match operation {
            List | Contacts | Health | Search => None,
            Unread if !self.counts_by_room() => None,
            _ => Some(self.place(room)?),
        };
        let mut ask = Ask::of(operation, place);
        if operation == Operation::Sync {
            // From before the first message: with a start, unlike a read of the whole.
            ask.payload = Payload::Since(Since::Position(0));
        }
        if let (Operation::Search, Some(label)) = (operation, label) {
            let message = self.message(label, text::Kind::Short, None, None);
            ask.payload = Payload::Query(message.token.to_compact_string());
        } else if let Some(label) = label {
            let Some(id) = self.id_of(label) else {
                let name = &self.script.labels[label];
                self.hitches.push(format!("nobody learned the id of message `{name}`"));
                return None;
            };
            ask.payload = Payload::About(id);
        }
        Some(ask)
    }

    /// The spec asks for the unread messages of one conversation.
    fn counts_by_room(&self) -> bool {
        let step = self.shard.dialect.step(Operation::Unread);
        step.is_some_and(|step| step.request.holes().contains(&Hole::CONVERSATION))
    }

    /// What is special about a deed of which the documents demand something.
    fn reason(&self, deed: &Deed) -> CompactString {
        let role = &self.script.people[deed.by.person];
        let who = cast::name(self.script, deed.by);
        let stranger = if role.stranger { ", a stranger here," } else { "" };
        let what = match &deed.verb {
            Verb::Send { kind: text::Kind::Overlong, .. } => {
                format!("sends a text of {} characters", self.shard.plan.text_limit + 1)
            }
            Verb::Send { kind, .. } if kind.is_at_the_limit() => {
                format!("sends a text of {} characters", self.shard.plan.text_limit)
            }
            Verb::Send { .. } | Verb::Burst { .. } => "sends".to_owned(),
            Verb::Create { people, .. } if people.iter().all(|one| *one == deed.by.person) => {
                "wants a conversation with itself".to_owned()
            }
            Verb::Ask { operation, .. } => format!("asks for `{operation}`"),
            _ => "does it".to_owned(),
        };
        let odd = deed.odd.map_or_else(String::new, |odd| format!(" {odd}"));
        format_compact!("{who}{stranger} {what}{odd}")
    }

    /// The conversation that is this room, if it is there.
    fn place(&mut self, room: usize) -> Option<ConversationId> {
        let place = self.cast.conversation(room)?;
        if self.cast.later(place).is_some() && !self.made.contains(&place) {
            let name = &self.script.rooms[room].name;
            self.hitches.push(format!("conversation `{name}` was not made"));
            return None;
        }
        Some(place)
    }
}
