//! A whole world in a few lines, for tests: an honest server, its clients under random faults, and
//! the history they make. One bug can be planted into the server.
//!
//! The server keeps a log per conversation; requests and answers travel in order per connection
//! and die with it. Clients keep the contract: retries under one key, rejoin, sync, then the rest.

mod acts;
mod links;
mod server;

use crate::history::{
    Answer, Carrier, ClientId, ConversationId, Damage, Entry, Event, Key, MessageRef, Nanos, OpId,
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
    keys: FxHashMap<(u32, Key), (CompactString, Order)>,
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
