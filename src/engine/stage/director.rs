//! Leads a play's clients through the steps of its script, and then to rest.

use crate::client::{Ask, Payload, Since};
use crate::engine::people::Registry;
use crate::engine::shard::Shard;
use crate::engine::slot::{Command, Held, Slot, Suffering};
use crate::engine::stage::cast::{self, Cast};
use crate::engine::target::Target;
use crate::engine::trouble::nanos;
use crate::fault::Fault;
use crate::history::{
    Answer, ClientId, ConversationId, Due, Event, MessageRef, Nanos, OpId, Token,
};
use crate::operation::{ConnectionState, Operation};
use crate::plan::script::{Deed, Device, MARGIN, Script, ServerDeed, Sighted, Step, Verb};
use crate::plan::{Act, Credential, text};
use compact_str::{CompactString, format_compact};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// How often the director looks how things stand.
const LOOK: Duration = Duration::from_millis(5);
/// The longest a step may take: every attempt of the contract timing out, and a little more.
const STEP: Duration = Duration::from_secs(40);
/// The longest that rest may take to come, in a script and at its end.
const REST: Duration = Duration::from_secs(15);
/// The longest a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(3);
/// How late a timer must fire before the judges are told.
const LAG_WORTH_TELLING: Duration = Duration::from_millis(100);
/// The longest that a pause goes without looking whether the machine stalls.
const NAP: Duration = Duration::from_millis(20);
/// So long without an entry is quiet, in nanoseconds.
const STILL: Nanos = 500_000_000;
/// Messages of bursts are numbered from here, labelled ones from 0.
const BURSTS: u32 = 1_000;

pub(super) struct Director<'a> {
    shard: Rc<Shard>,
    slots: FxHashMap<ClientId, Rc<Slot>>,
    script: &'a Script,
    cast: &'a Cast,
    server: Option<&'a mut Target>,
    /// The messages of the labels that were sent so far.
    messages: Vec<Option<MessageRef>>,
    /// Devices that were ever told to connect.
    known: FxHashSet<ClientId>,
    /// Devices that hold another credential than at first.
    holders: FxHashMap<ClientId, Device>,
    /// Conversations that a step has made.
    made: FxHashSet<ConversationId>,
    faults: usize,
    burst: u32,
    /// How many messages of paced bursts are still to be sent.
    untold: FxHashMap<ClientId, Rc<Cell<u32>>>,
    hitches: Vec<String>,
}

impl<'a> Director<'a> {
    pub(super) fn new(
        shard: Rc<Shard>,
        script: &'a Script,
        cast: &'a Cast,
        server: Option<&'a mut Target>,
    ) -> Self {
        let shapes =
            |deed: &Deed| matches!(&deed.verb, Verb::Suffer { fault, .. } if fault.shapes_bytes());
        shard.weathered.set(script.deeds().any(shapes));
        let slots = shard.admit();
        let messages = vec![None; script.labels.len()];
        let (known, made) = (FxHashSet::default(), FxHashSet::default());
        let holders = FxHashMap::default();
        Self {
            shard,
            slots,
            script,
            cast,
            server,
            messages,
            known,
            made,
            holders,
            faults: 0,
            burst: BURSTS,
            untold: FxHashMap::default(),
            hitches: Vec::new(),
        }
    }

    /// The whole play, from the first connection to the final read.
    pub(super) async fn perform(&mut self) {
        self.phase("setup");
        let script = self.script;
        let present =
            script.devices().filter(|device| !script.people[device.person].offline).collect();
        self.connect(present).await;
        self.phase("script");
        for (index, step) in script.steps.iter().enumerate() {
            self.step(index, step).await;
        }
        self.recover().await;
        self.final_read().await;
        self.phase("end");
    }

    /// The tokens of the messages that have a label, and the labels.
    pub(super) fn labels(&self) -> Vec<(String, String)> {
        let sent = self.messages.iter().zip(&self.script.labels);
        sent.filter_map(|(message, label)| {
            Some((message.as_ref()?.token.to_string(), label.clone()))
        })
        .collect()
    }

    /// Everybody leaves; says what did not go as the script says.
    pub(super) async fn leave(self) -> Vec<String> {
        let slots: Vec<Rc<Slot>> = self.slots.into_values().collect();
        for slot in &slots {
            slot.tell(Command::Leave);
        }
        let deadline = Instant::now() + GOODBYE;
        while slots.iter().any(|slot| Rc::strong_count(slot) > 1) && Instant::now() < deadline {
            sleep(LOOK).await;
        }
        self.hitches
    }

    async fn connect(&mut self, devices: Vec<Device>) {
        let clients: Vec<ClientId> = devices.iter().map(|d| self.cast.client(*d)).collect();
        for &client in &clients {
            self.known.insert(client);
            self.tell(client, Command::Act(self.now(), Act::Connect));
        }
        if !self.until(STEP, |this| clients.iter().all(|client| this.is_calm(*client))).await {
            self.hitches.push("not everybody was connected and ready in time".into());
        }
    }

    async fn step(&mut self, index: usize, step: &Step) {
        let over = match step {
            Step::Do { deeds, awaited } => {
                for deed in deeds {
                    self.deed(deed);
                }
                !awaited || self.until(STEP, |this| deeds.iter().all(|d| this.is_over(d))).await
            }
            Step::Pause(lasts) => {
                self.pause(*lasts).await;
                true
            }
            Step::PauseWindow => {
                let window = self.shard.dialect.spec.limits.send_rate.map(|(_, window)| window);
                self.pause(window.unwrap_or_default() * 3 / 2).await;
                true
            }
            Step::PauseHeartbeat => {
                self.pause(self.heartbeat()).await;
                true
            }
            Step::Rest => self.until(REST, Self::is_quiet).await,
            Step::UntilSees(device, sighted) => {
                let client = self.cast.client(*device);
                // What is awaited may be the end of somebody whom only the heartbeat can miss.
                let patience = STEP.max(self.heartbeat());
                self.until(patience, |this| this.has_seen(client, *sighted)).await
            }
            Step::UntilIs(device, state) => {
                let client = self.cast.client(*device);
                self.until(STEP, |this| this.is_in(client, *state)).await
            }
            Step::Server(deed) => {
                self.server_deed(*deed).await;
                true
            }
        };
        self.enter_what_was_made().await;
        if !over {
            self.hitches.push(format!("step {} of the script was not over in time", index + 1));
        }
    }

    /// Whoever is in a conversation that a step has made takes part in it from now on.
    async fn enter_what_was_made(&mut self) {
        let mut entered = Vec::new();
        for (place, id) in self.answered_creates() {
            let Some(conversation) = self.cast.later(place).filter(|_| self.made.insert(place))
            else {
                continue;
            };
            let id = self.shard.dialect.conversation_id(&id);
            for &member in &conversation.members {
                for &client in &self.cast.cell.people[member].clients {
                    self.shard.add_member(client, place, id.clone());
                    self.tell(client, Command::Enter(place));
                    entered.push(client);
                }
            }
        }
        if !self.until(STEP, |this| entered.iter().all(|client| this.is_calm(*client))).await {
            self.hitches.push("not everybody entered a new conversation in time".into());
        }
    }

    /// The conversations of the script that were asked for and answered, with the server's ids.
    fn answered_creates(&self) -> Vec<(ConversationId, CompactString)> {
        let recorder = self.shard.recorder.borrow();
        let mut asked: FxHashMap<OpId, ConversationId> = FxHashMap::default();
        let mut answered = Vec::new();
        for entry in recorder.kept.iter().flatten() {
            match &entry.event {
                Event::Invoke {
                    op,
                    operation: Operation::Create,
                    conversation: Some(place),
                    ..
                } => {
                    asked.insert(*op, *place);
                }
                Event::Answered { op, answer: Answer::Ack { id: Some(id), .. }, .. } => {
                    answered.extend(asked.get(op).map(|place| (*place, id.clone())));
                }
                _ => {}
            }
        }
        answered
    }

    /// Everybody knows that it is the harness's doing before it happens, and until it is over.
    async fn server_deed(&mut self, ServerDeed { what, lasts }: ServerDeed) {
        self.faults += 1;
        let number = self.faults;
        self.everybody(Suffering::of_server(number, what, true)).await;
        let result = match &mut self.server {
            None => Err("it is not the harness's to handle".to_owned()),
            Some(target) => target.strike(what).await,
        };
        if result.is_ok() {
            self.pause(lasts).await;
        }
        let back = match &mut self.server {
            None => Ok(()),
            Some(target) => target.release(what).await,
        };
        self.everybody(Suffering::of_server(number, what, false)).await;
        if let Err(why) = result.and(back) {
            self.hitches.push(format!("the server was not handled: {why}"));
        }
    }

    async fn everybody(&mut self, suffering: Suffering) {
        for client in &self.known {
            self.tell(*client, Command::Suffer(suffering));
        }
        self.until(GOODBYE, |this| this.known.iter().all(|c| this.slots[c].is_done())).await;
    }

    fn deed(&mut self, deed: &Deed) {
        let client = self.cast.client(deed.by);
        let now = self.now();
        let due = deed.due.or(deed.odd.map(|_| Due::Harmless));
        let due = due.map(|due| (self.tellable(due, deed), self.reason(deed)));
        match &deed.verb {
            Verb::Connect => {
                self.known.insert(client);
                self.tell(client, Command::Act(now, Act::Connect));
            }
            Verb::Hold { credential, elsewhere } => self.hold(deed.by, *credential, *elsewhere),
            Verb::Disconnect => self.tell(client, Command::Disconnect),
            Verb::Send { label, room, kind, key_of, text_of } => {
                let message = self.message(*label, *kind, *key_of, *text_of);
                let Some(place) = self.place(*room) else { return };
                let ask = Ask { odd: deed.odd, ..Ask::send(place, message) };
                self.tell(client, Command::Ask(now, ask, due));
            }
            Verb::Burst { count, pace, room, kind } => {
                let Some(place) = self.place(*room) else { return };
                let limits = &self.shard.dialect.spec.limits;
                let (count, pace) = (count.of(limits), pace.of(limits));
                let mut at = now;
                for _ in 0..count {
                    self.burst += 1;
                    let ask = Ask::send(place, self.new_message(*kind, self.burst));
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
                let registry = Registry::new(&self.shard.dialect.spec);
                let user = |person: &usize| registry.user(self.cast.cell.people[*person].id);
                let people = people.iter().map(user).collect();
                let place = room.and_then(|room| self.cast.conversation(room));
                self.tell(client, Command::Ask(now, Ask::create(place, people), due));
            }
            Verb::Ask { operation, label, room } => {
                if let Some(ask) = self.request(*operation, *label, *room) {
                    let ask = Ask { odd: deed.odd, ..ask };
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

    fn hold(&mut self, device: Device, credential: Credential, elsewhere: bool) {
        let person = self.cast.cell.people[device.person].id;
        let passport = Registry::new(&self.shard.dialect.spec).passport_with(person, credential);
        let passport = match passport {
            Ok(passport) => passport,
            Err(why) => return self.hitches.push(why.0),
        };
        let place = if elsewhere { ", in the other documented place" } else { "" };
        let client = self.cast.client(device);
        self.holders.insert(client, device);
        self.tell(
            client,
            Command::Hold(Box::new(Held {
                passport,
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
        MessageRef { token, key: text::key(plan.run, token, 0) }
    }

    fn request(&mut self, operation: Operation, label: Option<usize>, room: usize) -> Option<Ask> {
        use Operation::{Contacts, Health, List, Unread};
        let place = match operation {
            List | Contacts | Health | Unread => None,
            _ => Some(self.place(room)?),
        };
        let mut ask = Ask::of(operation, place);
        if operation == Operation::Sync {
            // From before the first message: with a start, unlike a read of the whole.
            ask.payload = Payload::Since(Since::Position(0));
        }
        if let Some(label) = label {
            let Some(id) = self.id_of(label) else {
                let name = &self.script.labels[label];
                self.hitches.push(format!("nobody learned the id of message `{name}`"));
                return None;
            };
            ask.payload = Payload::About(id);
        }
        Some(ask)
    }

    /// The server's id of a message, from an ack or from a delivery.
    fn id_of(&self, label: usize) -> Option<CompactString> {
        let message = self.messages[label].as_ref()?;
        let recorder = self.shard.recorder.borrow();
        let mut sends: FxHashSet<OpId> = FxHashSet::default();
        recorder.kept.as_ref()?.iter().find_map(|entry| match &entry.event {
            Event::Invoke { op, message: Some(sent), .. } if sent == message => {
                sends.insert(*op);
                None
            }
            Event::Answered { op, answer: Answer::Ack { id, .. }, .. } if sends.contains(op) => {
                id.clone()
            }
            Event::Message(seen) if seen.token == Some(message.token) => seen.id.clone(),
            _ => None,
        })
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

    // ------------------------------------------------------------------------------------------
    // the end

    /// Faults end, everybody holds a good credential, everybody who was ever there is there again and comes to rest.
    async fn recover(&mut self) {
        self.phase("recovery");
        let now = self.now();
        for device in std::mem::take(&mut self.holders).into_values() {
            self.hold(device, Credential::Good, false);
        }
        for client in &self.known {
            let slot = &self.slots[client];
            slot.tell(Command::Heal);
            if slot.away.get() {
                slot.tell(Command::Act(now, Act::Connect));
            }
        }
        if !self.until(REST, Self::is_quiet).await {
            let busy = self.known.iter().filter(|client| !self.is_calm(**client)).count();
            self.hitches.push(format!("{busy} clients did not come to rest after the script"));
        }
    }

    async fn final_read(&mut self) {
        self.phase("final-read");
        for client in &self.known {
            for conversation in self.shard.conversations_of(*client) {
                self.slots[client].tell(Command::FinalRead(conversation));
            }
        }
        let calm = |this: &Self| this.known.iter().all(|client| this.is_calm(*client));
        if !self.until(REST, calm).await {
            self.hitches.push("the final read was not over in time".into());
        }
    }

    // ------------------------------------------------------------------------------------------
    // how things stand

    /// A deed is over when nothing of it is under way; a fault, as soon as it has begun.
    fn is_over(&self, deed: &Deed) -> bool {
        let client = self.cast.client(deed.by);
        match deed.verb {
            Verb::Suffer { .. } | Verb::Heal | Verb::Disconnect | Verb::Hold { .. } => {
                self.slots[&client].is_done()
            }
            _ => self.is_calm(client),
        }
    }

    /// The client has done what it was told, and nothing of it is under way.
    fn is_calm(&self, client: ClientId) -> bool {
        let slot = &self.slots[&client];
        let told = self.untold.get(&client).is_none_or(|untold| untold.get() == 0);
        told && slot.is_done() && (slot.idle.get() || slot.away.get() || !slot.started.get())
    }

    /// Everybody is calm and no delivery is awaited. Whoever is offline gets none: with somebody
    /// away a while without an entry will do.
    fn is_quiet(&self) -> bool {
        let recorder = self.shard.recorder.borrow();
        let awaited = recorder.bench.as_ref().map_or(0, crate::property::Bench::awaited_deliveries);
        let away = self.known.iter().any(|client| self.slots[client].away.get());
        let still = away && self.now().saturating_sub(recorder.last_at) > STILL;
        (awaited == 0 || still) && self.known.iter().all(|client| self.is_calm(*client))
    }

    /// How long a server may take to notice a silent client, by the newest session, and a margin.
    fn heartbeat(&self) -> Duration {
        let recorder = self.shard.recorder.borrow();
        let limit = recorder.kept.iter().flatten().rev().find_map(|entry| match entry.event {
            Event::Session { ping_interval, ping_timeout, .. } => {
                Some(Duration::from_nanos(ping_interval.saturating_add(ping_timeout)))
            }
            _ => None,
        });
        limit.map_or(Duration::ZERO, |limit| limit.saturating_add(MARGIN))
    }

    fn has_seen(&self, client: ClientId, sighted: Sighted) -> bool {
        let token = match sighted {
            Sighted::Message(label) => match &self.messages[label] {
                Some(message) => Some(message.token),
                None => return false,
            },
            Sighted::Sight(_) => None,
        };
        let recorder = self.shard.recorder.borrow();
        recorder.kept.iter().flatten().filter(|entry| entry.client == client).any(|entry| {
            match (&entry.event, sighted) {
                (Event::Message(seen), Sighted::Message(_)) => seen.token == token,
                (Event::Saw { sight, .. }, Sighted::Sight(wanted)) => *sight == wanted,
                _ => false,
            }
        })
    }

    fn is_in(&self, client: ClientId, state: Option<ConnectionState>) -> bool {
        let Some(state) = state else {
            return self.slots[&client].is_done() && self.slots[&client].idle.get();
        };
        let recorder = self.shard.recorder.borrow();
        let entries = recorder.kept.iter().flatten().rev();
        let mut states =
            entries.filter(|entry| entry.client == client).filter_map(|entry| match &entry.event {
                Event::Connection { state, .. } => Some(*state),
                _ => None,
            });
        states.next() == Some(state)
    }

    // ------------------------------------------------------------------------------------------
    // time

    /// Looks until it holds; `false` if it does not within this time.
    async fn until(&mut self, within: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + within;
        loop {
            if holds(self) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            self.pause(LOOK).await;
        }
    }

    /// Sleeps, a little at a time, and tells the judges when a timer fires late.
    async fn pause(&self, lasts: Duration) {
        let end = Instant::now() + lasts;
        while Instant::now() < end {
            let due = end.min(Instant::now() + NAP);
            sleep_until(due).await;
            let late = due.elapsed();
            if late > LAG_WORTH_TELLING {
                self.record(Event::Lag { nanos: late.as_nanos() as Nanos });
            }
        }
    }

    fn now(&self) -> Nanos {
        self.shard.clock.now()
    }

    fn tell(&self, client: ClientId, command: Command) {
        if let Some(slot) = self.slots.get(&client) {
            slot.tell(command);
        }
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

    fn phase(&self, name: &str) {
        self.record(Event::Phase { name: name.into() });
    }

    fn record(&self, event: Event) {
        if let Some(first) = self.cast.cell.clients().next() {
            self.shard.recorder.borrow_mut().record(self.now(), first, event);
        }
    }
}
