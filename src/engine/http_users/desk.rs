//! Where the messages of users without a socket enter the history of the shard that has their
//! conversations.
//!
//! A user lives on goose's thread, the judges on the shard's: so the user asks here before a request
//! leaves, and tells here what was answered. To the judges each user is one more device of a person,
//! one that never connects.

use crate::client::Ask;
use crate::engine::shard::Shard;
use crate::engine::slot::{Command, Slot, Suffering};
use crate::history::{Answer, ClientId, ConversationId, Event, MessageRef, Nanos, OpId, PersonId};
use crate::operation::Operation;
use crate::plan::{self, Plan, Visits, population};
use compact_str::{CompactString, ToCompactString};
use rustc_hash::FxHashMap;
use std::cell::Cell;
use std::rc::{Rc, Weak};
use tokio::sync::{mpsc, oneshot};

/// Words that may wait at one desk; each user has one under way.
const WAITING: usize = 256;

/// What a user says.
pub(in crate::engine) enum Word {
    /// It wants to send there, planned for this time of the run's clock, over this channel of the spec.
    /// The answer is the message; without one, it is too late for messages.
    Sends {
        user: u32,
        planned: Nanos,
        conversation: ConversationId,
        via: Option<CompactString>,
        begun: oneshot::Sender<Begun>,
    },
    /// The next attempt of it leaves.
    Leaves { user: u32, op: OpId, attempt: u32, heard: oneshot::Sender<()> },
    /// An attempt was answered, or not.
    Answered { user: u32, op: OpId, attempt: u32, answer: Answer },
    /// It is over; `announce` is what a device of the person tells the others of, where the spec wants it.
    Over { user: u32, op: OpId, end: Result<(), (CompactString, bool)>, announce: Option<Announce> },
}

/// A message that was sent, and whose others are to be told by a device with a socket.
pub(in crate::engine) struct Announce {
    pub(super) conversation: ConversationId,
    pub(super) id: CompactString,
}

/// A send that has begun: its first attempt stands in the history.
pub(in crate::engine) struct Begun {
    pub(super) op: OpId,
    pub(super) message: MessageRef,
}

/// The ways to all desks, by shard.
pub(in crate::engine) type Desks = Vec<mpsc::Sender<Word>>;

/// A way to a desk, and its other end.
pub(in crate::engine) fn way() -> (mpsc::Sender<Word>, mpsc::Receiver<Word>) {
    mpsc::channel(WAITING)
}

/// The desk of one shard.
pub(in crate::engine) struct Desk {
    shard: Rc<Shard>,
    /// The doors of the shard's clients, as long as these live.
    slots: FxHashMap<ClientId, Weak<Slot>>,
    /// The users of this shard's people, by number.
    users: FxHashMap<u32, PersonId>,
    under_way: Cell<u32>,
    closed: Cell<bool>,
}

impl Desk {
    /// Opens the desk of a shard, if any of its people has a user that sends.
    pub(in crate::engine) fn open(
        shard: &Rc<Shard>,
        slots: &FxHashMap<ClientId, Rc<Slot>>,
        mut words: mpsc::Receiver<Word>,
    ) -> Option<Rc<Self>> {
        let users = users(shard);
        if users.is_empty() {
            return None;
        }
        let desk = Rc::new(Self {
            shard: Rc::clone(shard),
            slots: slots.iter().map(|(id, slot)| (*id, Rc::downgrade(slot))).collect(),
            users,
            under_way: Cell::new(0),
            closed: Cell::new(false),
        });
        for (number, person) in &desk.users {
            let user = desk.shard.registry.user(*person).id();
            desk.record(*number, Event::Person { person: *person, user });
            for event in desk.memberships(*person) {
                desk.record(*number, event);
            }
        }
        let at_work = Rc::clone(&desk);
        tokio::task::spawn_local(async move {
            while let Some(word) = words.recv().await {
                at_work.take(word);
            }
        });
        Some(desk)
    }

    /// The conversations of a person, whom all devices are members with.
    fn memberships(&self, person: PersonId) -> Vec<Event> {
        let home = |cell: &&plan::Cell| cell.people.iter().any(|one| one.id == person);
        let Some(cell) = self.shard.cells().iter().find(home) else { return Vec::new() };
        let own = cell.people.iter().find(|one| one.id == person);
        let places = own.iter().flat_map(|person| &person.conversations);
        let member = |place: &usize| {
            let conversation = cell.conversations[*place].id;
            let id = self.shard.dialect.conversation(conversation)?.id();
            Some(Event::Member { conversation, id })
        };
        places.filter_map(member).collect()
    }

    /// No message begins any more.
    pub(in crate::engine) fn close(&self) {
        self.closed.set(true);
    }

    /// No message is under way.
    pub(in crate::engine) fn is_idle(&self) -> bool {
        self.under_way.get() == 0
    }

    /// Something happens to the server, and so to these users, too.
    pub(in crate::engine) fn suffer(&self, suffering: &Suffering) {
        for number in self.users.keys() {
            let what = suffering.kind.to_compact_string();
            self.record(*number, Event::Fault { what, begins: suffering.begins });
        }
    }

    fn take(&self, word: Word) {
        match word {
            Word::Sends { user, planned, conversation, via, begun } => {
                if !self.closed.get() {
                    let _ = begun.send(self.begin(user, planned, conversation, via));
                }
            }
            Word::Leaves { user, op, attempt, heard } => {
                self.record(user, Event::Attempt { op, attempt });
                let _ = heard.send(());
            }
            Word::Answered { user, op, attempt, answer } => {
                self.record(user, Event::Answered { op, attempt, answer, excused: false });
            }
            Word::Over { user, op, end, announce } => {
                self.under_way.set(self.under_way.get() - 1);
                self.record(
                    user,
                    match end {
                        Ok(()) => Event::Ok { op, rows: 0 },
                        Err((error, certain)) => Event::Failed { op, error, certain },
                    },
                );
                if let Some(announce) = announce {
                    self.announce(user, announce);
                }
            }
        }
    }

    fn begin(
        &self,
        user: u32,
        planned: Nanos,
        conversation: ConversationId,
        via: Option<CompactString>,
    ) -> Begun {
        self.under_way.set(self.under_way.get() + 1);
        let op = self.shard.effects.borrow_mut().next_op();
        let cell = self.users.get(&user).map_or(0, |person| {
            let home = |cell: &&plan::Cell| cell.people.iter().any(|one| one.id == *person);
            self.shard.cells().iter().find(home).map_or(0, |cell| cell.number)
        });
        let message = self.shard.closed_message(cell);
        let invoke = Event::Invoke {
            op,
            operation: Operation::Send,
            conversation: Some(conversation),
            message: Some(message.clone()),
            about: None,
            via,
            planned,
        };
        self.record(user, invoke);
        self.record(user, Event::Attempt { op, attempt: 0 });
        Begun { op, message }
    }

    /// A device of the person tells the others, as the spec's `announce` says.
    fn announce(&self, user: u32, Announce { conversation, id }: Announce) {
        let Some(person) = self.users.get(&user) else { return };
        let people = self.shard.cells().iter().flat_map(|cell| &cell.people);
        let mut people = people;
        let person = people.find(|one| one.id == *person);
        let device = person.and_then(|person| self.slots.get(person.clients.first()?)?.upgrade());
        if let Some(slot) = device {
            let now = self.shard.clock.now();
            slot.tell(Command::Ask(now, Ask::announce(conversation, id), None));
        }
    }

    fn record(&self, user: u32, event: Event) {
        let client = client(&self.shard.plan, user);
        let now = self.shard.clock.now();
        self.shard.recorder.borrow_mut().record(now, client, event);
    }
}

/// The users that send, in the name of this shard's people.
fn users(shard: &Shard) -> FxHashMap<u32, PersonId> {
    let http = shard.plan.scenario.http.as_ref();
    let Some(http) = http.filter(|http| http.share_of(Operation::Send) > 0.0) else {
        return FxHashMap::default();
    };
    let here = |person: PersonId| {
        shard.cells().iter().any(|cell| cell.people.iter().any(|one| one.id == person))
    };
    let person = |user: u32| Some((user, Visits::new(&shard.plan, user)?.person()));
    (0..http.users).filter_map(person).filter(|(_, person)| here(*person)).collect()
}

/// The number that a user has among the clients: after all others.
fn client(plan: &Plan, user: u32) -> ClientId {
    ClientId(population::client_bound(&plan.scenario) + user)
}
