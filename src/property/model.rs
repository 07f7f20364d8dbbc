//! A whole world in a few lines, for tests: an honest server, its clients under random faults, and
//! the history they make. One bug can be planted into the server.
//!
//! The server keeps a log per conversation; requests and answers travel in order per connection
//! and die with it. Clients keep the contract: retries under one key, rejoin, sync, then the rest.

use crate::history::{
    Answer, Carrier, ClientId, ConversationId, Damage, Entry, Event, MessageRef, Nanos, OpId,
    Order, PersonId, Seen, Token,
};
use crate::operation::{ConnectionState, Operation, Sight};
use crate::property::Charge;
use compact_str::{CompactString, ToCompactString, format_compact};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

const MILLISECOND: Nanos = 1_000_000;
const ACK_TIMEOUT: Nanos = 5_000 * MILLISECOND;
const ATTEMPTS: u32 = 4;
const PAUSES: [Nanos; 3] = [1_000 * MILLISECOND, 2_000 * MILLISECOND, 4_000 * MILLISECOND];

/// What is wrong with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    NoDedup,
    DedupAcrossPeople,
    DedupByContent,
    ErrorOnRepeat,
    SkewedClock,
    TiesReversedInHistory,
    HistoryShuffled,
    AckBeforeStore,
    LossOnRestart,
    Phantom,
    TextChanged,
    RefusedButStored,
    SyncSkipsARow,
    NotRejoined,
    AckLost,
    AckTwice,
}

impl Bug {
    /// Each bug and the property it belongs to.
    pub(super) const ALL: &[(Self, &str)] = &[
        (Self::NoDedup, "idempotency"),
        (Self::DedupAcrossPeople, "idempotency"),
        (Self::DedupByContent, "idempotency"),
        (Self::ErrorOnRepeat, "idempotency"),
        (Self::SkewedClock, "ordering"),
        (Self::TiesReversedInHistory, "ordering"),
        (Self::HistoryShuffled, "ordering"),
        (Self::AckBeforeStore, "at-least-once"),
        (Self::LossOnRestart, "at-least-once"),
        (Self::Phantom, "at-least-once"),
        (Self::TextChanged, "at-least-once"),
        (Self::RefusedButStored, "at-least-once"),
        (Self::SyncSkipsARow, "no-loss-on-reconnect"),
        (Self::NotRejoined, "no-loss-on-reconnect"),
        (Self::AckLost, "ack-timeout"),
        (Self::AckTwice, "ack-timeout"),
    ];
}

/// What the model's clients keep to: they connect again whenever they like.
pub(super) fn charge() -> Charge {
    let mut charge = Charge::default();
    charge.contract.reconnect = Vec::new();
    charge
}

/// A run of `steps` random steps, brought to rest and read back at the end.
pub(super) fn run(seed: u64, steps: u32, bug: Option<Bug>) -> Vec<Entry> {
    let mut world = World::new(seed, bug);
    for _ in 0..steps {
        world.step();
    }
    world.finish();
    world.entries
}

struct World {
    dice: u64,
    now: Nanos,
    bug: Option<Bug>,
    entries: Vec<Entry>,
    clients: Vec<Client>,
    rooms: Vec<Room>,
    /// Client message ids by their scope, and what they made.
    keys: FxHashMap<(u32, CompactString), (CompactString, Order)>,
    texts: FxHashMap<Token, (CompactString, Order)>,
    ops: u32,
    tokens: u64,
    ids: u32,
    /// How coarse the server's clock is.
    tick: Nanos,
    order_in_acks: bool,
    keys_shown: bool,
}

struct Client {
    person: u32,
    rooms: Vec<usize>,
    up: bool,
    ready: bool,
    /// Syncs that must be over before it is ready.
    syncs: u32,
    withheld: bool,
    /// Rooms it gets no pushes from.
    deaf: bool,
    requests: VecDeque<Request>,
    answers: VecDeque<Reply>,
    sends: Vec<Send>,
    /// How much of each room's log it has seen something of, and how much it has without a hole.
    /// Only a client that is synced may take the one for the other: if the connection dies before
    /// the sync is over, pushes that came meanwhile must not hide what the sync would bring.
    newest: Vec<usize>,
    cursors: Vec<usize>,
}

struct Room {
    members: Vec<usize>,
    log: Vec<Stored>,
    /// Places given so far; one is never given twice.
    places: usize,
}

#[derive(Clone)]
struct Stored {
    id: CompactString,
    order: Order,
    token: Option<Token>,
    key: CompactString,
    person: u32,
    changed: bool,
    place: usize,
}

struct Send {
    op: OpId,
    room: usize,
    message: MessageRef,
    attempts: u32,
    sent: Option<Nanos>,
    /// When the next attempt may go out on this connection.
    due: Nanos,
    withheld: bool,
}

#[derive(Clone)]
enum Request {
    Send { op: OpId, attempt: u32, room: usize, message: MessageRef },
    Read { op: OpId, room: usize, since: Option<usize> },
}

enum Reply {
    Sent { op: OpId, attempt: u32, answer: Answer },
    Push { room: usize, row: Stored },
    Rows { op: OpId, room: usize, rows: Vec<Stored>, history: bool },
    Sight { sight: Sight, room: Option<usize>, person: u32 },
}

impl World {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut world = Self {
            dice: seed,
            now: 0,
            bug,
            entries: Vec::new(),
            clients: Vec::new(),
            rooms: Vec::new(),
            keys: FxHashMap::default(),
            texts: FxHashMap::default(),
            ops: 0,
            tokens: 0,
            ids: 1000,
            tick: 1,
            order_in_acks: false,
            keys_shown: false,
        };
        world.tick = [1, MILLISECOND, 20 * MILLISECOND][world.roll(3)];
        if bug == Some(Bug::TiesReversedInHistory) {
            world.tick = 20 * MILLISECOND;
        }
        world.order_in_acks = world.chance(50);
        world.keys_shown = world.chance(50);
        world.populate();
        world
    }

    fn populate(&mut self) {
        let people = 2 + self.roll(3) as u32;
        for person in 0..people {
            for _ in 0..1 + self.roll(2) {
                let client = Client {
                    person,
                    rooms: Vec::new(),
                    up: true,
                    ready: true,
                    syncs: 0,
                    withheld: false,
                    deaf: false,
                    requests: VecDeque::new(),
                    answers: VecDeque::new(),
                    sends: Vec::new(),
                    newest: Vec::new(),
                    cursors: Vec::new(),
                };
                self.clients.push(client);
            }
        }
        for room in 0..1 + self.roll(2) {
            let out = if room == 0 { people } else { self.roll(people as usize) as u32 };
            let members = (0..self.clients.len()).filter(|c| self.clients[*c].person != out);
            let members: Vec<usize> = members.collect();
            for member in &members {
                self.clients[*member].rooms.push(room);
            }
            self.rooms.push(Room { members, log: Vec::new(), places: 0 });
        }
        for client in 0..self.clients.len() {
            let person = self.clients[client].person;
            self.clients[client].newest = vec![0; self.rooms.len()];
            self.clients[client].cursors = vec![0; self.rooms.len()];
            let user = format_compact!("u{person}");
            self.record(client, Event::Person { person: PersonId(person), user });
            for room in self.clients[client].rooms.clone() {
                let id = format_compact!("c{room}");
                self.record(client, Event::Member { conversation: place(room), id });
            }
            self.connection(client, ConnectionState::Connected, false);
            self.record(client, Event::Ready);
        }
    }

    /// A number below `sides` (splitmix64).
    fn roll(&mut self, sides: usize) -> usize {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.dice;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ bits >> 31) % sides as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn record(&mut self, client: usize, event: Event) {
        self.entries.push(Entry { at: self.now, client: ClientId(client as u32), event });
    }

    fn connection(&mut self, client: usize, state: ConnectionState, caused: bool) {
        self.record(client, Event::Connection { state, why: "".into(), caused });
    }

    fn phase(&mut self, name: &str) {
        self.record(0, Event::Phase { name: name.into() });
    }

    fn step(&mut self) {
        self.now += self.roll(3) as Nanos * MILLISECOND + 1;
        let client = self.roll(self.clients.len());
        match self.roll(100) {
            0..20 => self.talk(client),
            20..55 => self.serve(client),
            55..90 => self.receive(client),
            90..93 => self.cut(client),
            93..96 => self.reconnect(client),
            96..97 => self.withhold(client),
            97..98 => self.settle_timers(),
            98..99 => self.read(client),
            _ => self.misbehave(),
        }
    }

    // --- what people do ---

    fn talk(&mut self, client: usize) {
        let rooms = &self.clients[client].rooms;
        if rooms.is_empty() {
            return;
        }
        let room = rooms[self.dice as usize % rooms.len()];
        if self.chance(30) {
            self.type_a_little(client, room);
        }
        let message = self.message();
        self.invoke(client, room, message.clone());
        let person = self.clients[client].person;
        let members = self.rooms[room].members.clone();
        let other = members[self.roll(members.len())];
        let same_person = self.clients[other].person == person;
        if self.has(Bug::RefusedButStored) {
            return; // With a repetition it could not be told from an error to the repetition.
        }
        if same_person && self.chance(50) {
            self.invoke(other, room, message); // A double tap, or a second device.
        } else if same_person && self.chance(50) {
            let again = MessageRef { key: self.message().key, ..message };
            self.invoke(client, room, again); // The same text once more, on purpose.
        } else if !same_person && self.chance(20) {
            let theirs = MessageRef { key: message.key, ..self.message() };
            self.invoke(other, room, theirs); // A stranger uses the same key.
        }
    }

    /// A key, and the stop that leaves with the message.
    fn type_a_little(&mut self, client: usize, room: usize) {
        if !self.clients[client].ready {
            return;
        }
        let planned = self.now;
        self.record(client, Event::Keystroke { conversation: place(room), planned });
        let person = self.clients[client].person;
        for (operation, sight) in [
            (Operation::TypingStart, Sight::TypingStart),
            (Operation::TypingStop, Sight::TypingStop),
        ] {
            let op = self.next_op();
            self.asked(client, op, operation, room, None);
            self.record(client, Event::Attempt { op, attempt: 0 });
            self.record(client, Event::Ok { op, rows: 0 });
            let watchers = self.rooms[room].members.clone();
            self.show(&watchers, person, sight, Some(room));
        }
    }

    /// Shows something of a person to those of these clients that are up and another's.
    fn show(&mut self, clients: &[usize], person: u32, sight: Sight, room: Option<usize>) {
        for client in clients {
            let watcher = &mut self.clients[*client];
            if watcher.up && watcher.person != person {
                watcher.answers.push_back(Reply::Sight { sight, room, person });
            }
        }
    }

    /// Tells who shares a room with the client's person that it came or went, if no other device
    /// of it is there.
    fn tell_presence(&mut self, client: usize, sight: Sight) {
        let person = self.clients[client].person;
        let is_other = |(index, other): (usize, &Client)| index != client && other.person == person;
        let others = self.clients.iter().enumerate();
        if others.filter(|(index, other)| is_other((*index, other))).any(|(_, other)| other.up) {
            return;
        }
        let rooms = self.clients[client].rooms.iter().map(|room| &self.rooms[*room].members);
        let mut watchers: Vec<usize> = rooms.flatten().copied().collect();
        watchers.sort_unstable();
        watchers.dedup();
        self.show(&watchers, person, sight, None);
    }

    fn message(&mut self) -> MessageRef {
        self.tokens += 1;
        MessageRef {
            token: Token::new(9, self.tokens),
            key: format_compact!("key-{}", self.tokens),
        }
    }

    fn next_op(&mut self) -> OpId {
        self.ops += 1;
        OpId(self.ops)
    }

    fn invoke(&mut self, client: usize, room: usize, message: MessageRef) {
        let op = self.next_op();
        self.asked(client, op, Operation::Send, room, Some(message.clone()));
        let send = Send { op, room, message, attempts: 0, sent: None, due: 0, withheld: false };
        self.clients[client].sends.push(send);
        self.transmit(client);
    }

    fn asked(
        &mut self,
        client: usize,
        op: OpId,
        operation: Operation,
        room: usize,
        message: Option<MessageRef>,
    ) {
        let conversation = Some(place(room));
        let planned = self.now;
        let about = None;
        let event = Event::Invoke { op, operation, conversation, message, about, planned };
        self.record(client, event);
    }

    /// Puts every send that waits on the wire.
    fn transmit(&mut self, client: usize) {
        if !self.clients[client].ready {
            return;
        }
        for index in 0..self.clients[client].sends.len() {
            let send = &mut self.clients[client].sends[index];
            if send.sent.is_some() || send.due > self.now {
                continue;
            }
            send.sent = Some(self.now);
            send.withheld = false;
            send.attempts += 1;
            let (op, attempt) = (send.op, send.attempts - 1);
            let request =
                Request::Send { op, attempt, room: send.room, message: send.message.clone() };
            self.record(client, Event::Attempt { op, attempt });
            self.clients[client].requests.push_back(request);
        }
    }

    fn read(&mut self, client: usize) {
        if self.clients[client].ready {
            for room in self.clients[client].rooms.clone() {
                self.ask_rows(client, room, None);
            }
        }
    }

    fn ask_rows(&mut self, client: usize, room: usize, since: Option<usize>) {
        let op = self.next_op();
        let operation = if since.is_some() { Operation::Sync } else { Operation::History };
        self.asked(client, op, operation, room, None);
        self.record(client, Event::Attempt { op, attempt: 0 });
        self.clients[client].requests.push_back(Request::Read { op, room, since });
    }

    // --- what the server does ---

    fn serve(&mut self, client: usize) {
        match self.clients[client].requests.pop_front() {
            Some(Request::Send { op, attempt, room, message }) => {
                let answer = self.store(client, room, &message);
                if self.has(Bug::AckLost) && self.chance(25) {
                    return;
                }
                let twice = self.has(Bug::AckTwice) && self.chance(25);
                for answer in std::iter::repeat_n(answer, 1 + usize::from(twice)) {
                    self.clients[client].answers.push_back(Reply::Sent { op, attempt, answer });
                }
            }
            Some(Request::Read { op, room, since }) => {
                let rows = self.rows(client, room, since);
                let history = since.is_none();
                self.clients[client].answers.push_back(Reply::Rows { op, room, rows, history });
            }
            None => {}
        }
    }

    fn store(&mut self, client: usize, room: usize, message: &MessageRef) -> Answer {
        let person = self.clients[client].person;
        let scope = if self.has(Bug::DedupAcrossPeople) { 0 } else { person };
        let name = (scope, message.key.clone());
        let mut known = self.keys.get(&name).cloned();
        if self.has(Bug::NoDedup) {
            known = None;
        }
        if self.has(Bug::DedupByContent) {
            known = known.or_else(|| self.texts.get(&message.token).cloned());
        }
        if let Some((id, order)) = known {
            if self.has(Bug::ErrorOnRepeat) {
                return Answer::Nack("duplicate key value".into());
            }
            return self.ack(id, order);
        }
        if message.token.number().is_multiple_of(17) {
            if self.has(Bug::RefusedButStored) {
                let made = self.append(client, room, message);
                self.keys.insert(name, made);
            }
            return Answer::Nack("not now".into());
        }
        if self.has(Bug::AckBeforeStore) && self.chance(10) {
            self.ids += 1;
            let made = (self.ids.to_compact_string(), self.order(person));
            self.keys.insert(name, made.clone());
            return self.ack(made.0, made.1);
        }
        let (id, order) = self.append(client, room, message);
        self.keys.insert(name, (id.clone(), order));
        self.texts.insert(message.token, (id.clone(), order));
        self.ack(id, order)
    }

    fn ack(&self, id: CompactString, order: Order) -> Answer {
        Answer::Ack { id: Some(id), order: self.order_in_acks.then_some(order) }
    }

    fn order(&self, person: u32) -> Order {
        let skew = if self.has(Bug::SkewedClock) && person == 0 { ACK_TIMEOUT } else { 0 };
        let now = (self.now + ACK_TIMEOUT - skew) / self.tick * self.tick;
        1_700_000_000_000_000_000 + now as Order
    }

    fn append(
        &mut self,
        client: usize,
        room: usize,
        message: &MessageRef,
    ) -> (CompactString, Order) {
        self.ids += 1;
        let person = self.clients[client].person;
        let row = Stored {
            id: self.ids.to_compact_string(),
            order: self.order(person),
            token: Some(message.token),
            key: message.key.clone(),
            person,
            changed: self.has(Bug::TextChanged) && self.chance(10),
            place: 0,
        };
        self.put(room, row)
    }

    /// Stores the row, and pushes it to everybody in the room.
    fn put(&mut self, room: usize, mut row: Stored) -> (CompactString, Order) {
        let Room { members, log, places } = &mut self.rooms[room];
        row.place = *places;
        *places += 1;
        log.push(row.clone());
        for member in members {
            let member = &mut self.clients[*member];
            if member.up && !member.deaf {
                member.answers.push_back(Reply::Push { room, row: row.clone() });
            }
        }
        (row.id, row.order)
    }

    fn rows(&mut self, client: usize, room: usize, since: Option<usize>) -> Vec<Stored> {
        let mut rows = self.rooms[room].log.clone();
        match since {
            Some(since) => {
                rows.retain(|row| row.place >= since.saturating_sub(1));
                let new = rows.iter().position(|row| row.place >= since);
                if let Some(new) = new.filter(|_| self.has(Bug::SyncSkipsARow)) {
                    rows.remove(new);
                }
            }
            None if self.has(Bug::TiesReversedInHistory) && client.is_multiple_of(2) => {
                rows.sort_by_key(|row| (row.order, std::cmp::Reverse(row.place)));
            }
            None if self.has(Bug::HistoryShuffled) => {
                rows.sort_by_key(|row| (row.place % 3, row.place));
            }
            None => rows.sort_by_key(|row| (row.order, row.place)),
        }
        rows
    }

    /// What a broken server does of itself.
    fn misbehave(&mut self) {
        let room = self.roll(self.rooms.len());
        match self.bug {
            Some(Bug::LossOnRestart) => {
                let log = &mut self.rooms[room].log;
                if let Some(last) = log.iter().rposition(|row| row.token.is_some()) {
                    log.remove(last);
                }
            }
            Some(Bug::Phantom) => {
                self.ids += 1;
                let row = Stored {
                    id: self.ids.to_compact_string(),
                    order: self.order(1),
                    token: None,
                    key: "".into(),
                    person: 1,
                    changed: false,
                    place: 0,
                };
                self.put(room, row);
            }
            _ => {}
        }
    }

    // --- what comes back ---

    fn receive(&mut self, client: usize) {
        match self.clients[client].answers.pop_front() {
            Some(Reply::Sent { op, attempt, answer }) => self.answered(client, op, attempt, answer),
            Some(Reply::Push { room, row }) => {
                self.see(client, room, &row, Carrier::Live);
            }
            Some(Reply::Sight { sight, room, person }) => {
                let user = Some(format_compact!("u{person}"));
                let conversation = room.map(place);
                let (id, state, users) = (None, None, None);
                self.record(
                    client,
                    Event::Saw { sight, conversation, user, id, state, users, row: None },
                );
            }
            Some(Reply::Rows { op, room, rows, history }) => {
                let by = if history { Carrier::History(op) } else { Carrier::Sync(op) };
                for row in &rows {
                    self.see(client, room, row, by);
                }
                let answer = Answer::Ack { id: None, order: None };
                self.record(client, Event::Answered { op, attempt: 0, answer, excused: false });
                self.record(client, Event::Ok { op, rows: rows.len() as u32 });
                if !history {
                    self.clients[client].syncs -= 1;
                    self.be_ready(client);
                }
            }
            None => {}
        }
    }

    fn see(&mut self, client: usize, room: usize, row: &Stored, by: Carrier) {
        if !matches!(by, Carrier::History(_)) {
            let state = &mut self.clients[client];
            state.newest[room] = state.newest[room].max(row.place + 1);
            if state.ready {
                state.cursors[room] = state.newest[room];
            }
        }
        let seen = Seen {
            by,
            conversation: Some(place(room)),
            token: row.token,
            key: (self.keys_shown && !row.key.is_empty()).then(|| row.key.clone()),
            id: Some(row.id.clone()),
            order: Some(row.order),
            sender: Some(format_compact!("u{}", row.person)),
            text: if row.changed { Damage::Changed("tex".into()) } else { Damage::Intact },
        };
        self.record(client, Event::Message(seen));
    }

    fn answered(&mut self, client: usize, op: OpId, attempt: u32, answer: Answer) {
        let withheld = self.clients[client].withheld;
        let sends = &mut self.clients[client].sends;
        let index = sends.iter().position(|send| send.op == op);
        if withheld {
            if let Some(index) = index {
                sends[index].withheld = true;
            }
            return;
        }
        let refused = matches!(answer, Answer::Nack(_));
        self.record(client, Event::Answered { op, attempt, answer, excused: false });
        if let Some(index) = index {
            self.clients[client].sends.remove(index);
            let event = if refused {
                Event::Failed { op, error: "no".into(), certain: true }
            } else {
                Event::Ok { op, rows: 0 }
            };
            self.record(client, event);
        }
    }

    // --- what goes wrong ---

    fn cut(&mut self, client: usize) {
        if !self.clients[client].up {
            return;
        }
        let state = &mut self.clients[client];
        (state.up, state.ready, state.syncs) = (false, false, 0);
        let reads = state.requests.drain(..).filter_map(|request| match request {
            Request::Read { op, .. } => Some(op),
            Request::Send { .. } => None,
        });
        let mut reads: Vec<OpId> = reads.collect();
        reads.extend(state.answers.drain(..).filter_map(|reply| match reply {
            Reply::Rows { op, .. } => Some(op),
            _ => None,
        }));
        self.connection(client, ConnectionState::Disconnected, true);
        self.tell_presence(client, Sight::Offline);
        for op in reads {
            self.record(client, Event::Failed { op, error: "lost".into(), certain: false });
        }
        self.give_up(client, &Answer::Lost);
    }

    /// Every attempt in flight ends without an answer; what has attempts left is tried again.
    fn give_up(&mut self, client: usize, answer: &Answer) {
        let sends = std::mem::take(&mut self.clients[client].sends);
        for mut send in sends {
            let due = send.sent.is_some_and(|sent| sent + ACK_TIMEOUT <= self.now);
            if send.sent.is_some() && (*answer == Answer::Lost || due) {
                send.sent = None;
                send.due = self.now + PAUSES[(send.attempts as usize - 1).min(2)];
                let (op, attempt) = (send.op, send.attempts - 1);
                let (answer, excused) = (answer.clone(), send.withheld);
                self.record(client, Event::Answered { op, attempt, answer, excused });
                if send.attempts == ATTEMPTS {
                    self.record(
                        client,
                        Event::Failed { op, error: "gave up".into(), certain: false },
                    );
                    continue;
                }
            }
            self.clients[client].sends.push(send);
        }
    }

    fn reconnect(&mut self, client: usize) {
        if self.clients[client].up {
            return;
        }
        self.clients[client].up = true;
        self.clients[client].deaf = self.has(Bug::NotRejoined);
        self.connection(client, ConnectionState::Connecting, false);
        self.tell_presence(client, Sight::Online);
        self.connection(client, ConnectionState::Connected, false);
        for room in self.clients[client].rooms.clone() {
            self.clients[client].syncs += 1;
            let since = self.clients[client].cursors[room];
            self.ask_rows(client, room, Some(since));
        }
        self.be_ready(client);
    }

    fn be_ready(&mut self, client: usize) {
        let state = &mut self.clients[client];
        if state.up && !state.ready && state.syncs == 0 {
            state.ready = true;
            state.sends.iter_mut().for_each(|send| send.due = 0);
            state.cursors.clone_from(&state.newest);
            self.record(client, Event::Ready);
            self.transmit(client);
        }
    }

    fn withhold(&mut self, client: usize) {
        if self.clients[client].up && !self.clients[client].withheld {
            self.clients[client].withheld = true;
            self.record(client, Event::Fault { what: "withhold-acks".into(), begins: true });
        }
    }

    /// Everything on its way arrives.
    fn drain(&mut self) {
        while self.clients.iter().any(|c| !c.requests.is_empty() || !c.answers.is_empty()) {
            for client in 0..self.clients.len() {
                self.now += 1;
                self.serve(client);
                self.receive(client);
            }
        }
    }

    /// Lets the timers of what never was answered fire, one after the other.
    fn settle_timers(&mut self) {
        self.drain();
        let timer = |send: &Send| send.sent.map_or(send.due, |sent| sent + ACK_TIMEOUT);
        let timers = |client: &Client| client.sends.iter().map(timer).min();
        let ready = |client: &&Client| client.ready;
        while let Some(due) = self.clients.iter().filter(ready).filter_map(timers).min() {
            self.now = self.now.max(due);
            for client in 0..self.clients.len() {
                self.give_up(client, &Answer::TimedOut);
                self.transmit(client);
            }
            self.end_faults();
            self.drain();
        }
    }

    fn end_faults(&mut self) {
        for client in 0..self.clients.len() {
            if std::mem::take(&mut self.clients[client].withheld) {
                self.record(client, Event::Fault { what: "withhold-acks".into(), begins: false });
            }
        }
    }

    /// Recovery, and what everybody reads at the end.
    fn finish(&mut self) {
        self.phase("recovery");
        for client in 0..self.clients.len() {
            self.reconnect(client);
        }
        for _ in 0..=2 * ATTEMPTS {
            self.settle_timers();
        }
        self.end_faults();
        self.now += 2 * ACK_TIMEOUT;
        self.phase("final-read");
        for client in 0..self.clients.len() {
            self.read(client);
        }
        self.drain();
        self.phase("end");
    }
}

const fn place(room: usize) -> ConversationId {
    ConversationId(room as u32)
}
