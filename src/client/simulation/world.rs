//! The user, the server and the network that the client meets.

use super::audit::Audit;
use super::{MILLISECOND, SECOND, Terms};
use crate::client::{Action, Ask, AttemptId, Client, Effects, Input, Output, Payload, Reply};
use crate::client::{Rules, Since, Transmit};
use crate::history::{
    Carrier, ClientId, ConversationId, Damage, Entry, MessageRef, Nanos, Order, Seen, Token,
};
use crate::operation::{ConnectionState, Operation};
use crate::spec::Join;
use compact_str::{CompactString, format_compact};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

/// One step of the script.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(u32),
    /// The same message twice at once.
    Double(u32),
    Keystroke(u32),
    History(u32),
    Read(u32),
    Create(u32),
    Enter(u32),
    Leave(u32),
    /// Somebody else sends a message.
    Other(u32),
    Cut(bool),
    Stop,
    Start,
    Withhold(bool),
    /// Away for so many milliseconds.
    Away(u64),
    /// An answer to any attempt ever made.
    Stray(proptest::sample::Index, u8),
    Tick,
}

/// What becomes of an attempt.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub(super) delay: Nanos,
    pub(super) how: How,
    /// The answer does not need the connection (it comes over HTTP).
    pub(super) survives: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Yes,
    No,
    Never { stored: bool },
    Twice { after: Nanos },
    Lost,
}

/// What becomes of an attempt to connect.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub(super) delay: Nanos,
    pub(super) opens: bool,
}

const GOOD: Fate = Fate { delay: 30 * MILLISECOND, how: How::Yes, survives: false };
const OPENS: Opening = Opening { delay: 10 * MILLISECOND, opens: true };
const LIVE_DELAY: Nanos = 20 * MILLISECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    None,
    Opening,
    Open,
}

pub(super) struct World {
    now: Nanos,
    client: Client,
    effects: Effects,
    pub(super) audit: Audit,
    /// What the client recorded.
    pub(super) history: Vec<Entry>,
    by_server: bool,
    answered: Vec<Operation>,
    socket: Socket,
    /// Counts connections: what was meant for an earlier one does not arrive.
    connection: u32,
    joined: BTreeSet<ConversationId>,
    log: Vec<Stored>,
    transmitted: Vec<Transmit>,
    fates: std::vec::IntoIter<Fate>,
    openings: std::vec::IntoIter<Opening>,
    happenings: BinaryHeap<Reverse<(Nanos, u64)>>,
    due: BTreeMap<u64, Happening>,
    count: u64,
}

/// A message in the server's store.
#[derive(Clone, Debug)]
struct Stored {
    at: Nanos,
    conversation: ConversationId,
    order: Order,
    key: Option<CompactString>,
}

#[derive(Clone, Debug)]
enum Happening {
    /// Inputs, if the connection (where one is named) is still the same.
    Inputs(Option<u32>, Vec<Input>),
    Opens(u32, bool),
}

impl World {
    pub(super) fn new(terms: &Terms, fates: Vec<Fate>, openings: Vec<Opening>) -> Self {
        let answered = terms.answered.clone();
        let answers = |operation| answered.contains(&operation);
        let rules = Rules::new(&terms.contract, terms.join, |_| true, answers);
        let mut world = Self {
            now: 0,
            client: Client::new(Arc::new(rules)),
            effects: Effects::new(),
            audit: Audit::new(terms),
            history: Vec::new(),
            by_server: terms.join == Join::ByServer,
            answered,
            socket: Socket::None,
            connection: 0,
            joined: BTreeSet::new(),
            log: Vec::new(),
            transmitted: Vec::new(),
            fates: fates.into_iter(),
            openings: openings.into_iter(),
            happenings: BinaryHeap::new(),
            due: BTreeMap::new(),
            count: 0,
        };
        for conversation in 0..5 {
            world.step(&Step::Enter(conversation));
        }
        world.step(&Step::Start);
        world
    }

    pub(super) fn play(&mut self, script: &[(Nanos, Step)]) {
        for (gap, step) in script {
            self.run_for(*gap);
            self.step(step);
        }
    }

    /// From now on the server and the network behave.
    pub(super) fn recover(&mut self) {
        self.fates = Vec::new().into_iter();
        self.openings = Vec::new().into_iter();
        self.step(&Step::Start);
        self.run_for(200 * SECOND);
        self.step(&Step::Cut(true));
        self.run_for(100 * SECOND);
        assert!(self.client.is_ready(), "with a good server it becomes ready");
    }

    pub(super) fn unsettled(&self) -> usize {
        self.client.unsettled()
    }

    /// Messages of the client's conversations that it has never seen.
    pub(super) fn missing(&self) -> Vec<String> {
        let missing = |stored: &&Stored| {
            self.client.view(stored.conversation).is_some()
                && !self.audit.seen.contains(&(stored.conversation, stored.id()))
        };
        self.log.iter().filter(missing).map(|stored| format!("{stored:?}")).collect()
    }

    /// Lets time pass, with everything that falls into it.
    pub(super) fn run_for(&mut self, nanos: Nanos) {
        let end = self.now + nanos;
        loop {
            let next = self.happenings.peek().map(|Reverse((at, _))| *at);
            let due = self.client.deadline();
            let Some(at) = next.into_iter().chain(due).min().filter(|at| *at <= end) else { break };
            self.now = at;
            if next == Some(at) {
                let Reverse((_, count)) = self.happenings.pop().expect("it was there");
                let happening = self.due.remove(&count).expect("it was there");
                self.happen(happening);
            } else {
                self.give(Input::Tick);
            }
        }
        self.now = end;
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Opens(connection, opens) if connection == self.connection => {
                self.socket = if opens { Socket::Open } else { Socket::None };
                let refused = Input::Closed { why: "refused".into(), caused: false };
                self.give(if opens { Input::Opened } else { refused });
            }
            Happening::Inputs(connection, inputs)
                if connection.is_none_or(|number| number == self.connection) =>
            {
                inputs.into_iter().for_each(|input| self.give(input));
            }
            _ => {}
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Send(here) => self.send(here, 1),
            Step::Double(here) => self.send(here, 2),
            Step::Keystroke(here) => {
                let conversation = ConversationId(here);
                self.audit.keystroke(conversation, self.now);
                self.give(Input::Act(Action::Keystroke { conversation, planned: self.now }));
            }
            Step::History(here) => self.ask(Ask::history(ConversationId(here))),
            Step::Read(here) => self.ask(Ask::read(ConversationId(here), "1".into())),
            Step::Create(here) => {
                self.ask(Ask::of(Operation::Create, Some(ConversationId(here))));
            }
            Step::Enter(here) => {
                self.audit.members.insert(ConversationId(here));
                self.give(Input::Act(Action::Enter(ConversationId(here))));
            }
            Step::Leave(here) => {
                self.audit.members.remove(&ConversationId(here));
                self.ask(Ask::of(Operation::Leave, Some(ConversationId(here))));
            }
            Step::Other(here) => {
                self.store(ConversationId(here), None);
            }
            Step::Cut(caused) => {
                self.hang_up();
                self.give(Input::Closed { why: "cut".into(), caused });
            }
            Step::Stop => {
                self.audit.wanted = false;
                self.give(Input::Stop);
            }
            Step::Start => {
                self.audit.start(self.now);
                self.give(Input::Start);
            }
            Step::Withhold(begins) => self.give(Input::Withhold(begins)),
            Step::Away(milliseconds) => {
                let until = self.now + milliseconds * MILLISECOND;
                self.audit.away_until = until;
                self.give(Input::Away { until });
            }
            Step::Stray(which, how) => self.stray(which, how),
            Step::Tick => self.give(Input::Tick),
        }
    }

    fn send(&mut self, here: u32, times: usize) {
        let token = Token::new(1, self.count);
        let message = MessageRef { token, key: format_compact!("key-{}", self.count).into() };
        self.count += 1;
        for _ in 0..times {
            self.ask(Ask::send(ConversationId(here), message.clone()));
        }
    }

    fn ask(&mut self, ask: Ask) {
        let op = self.effects.next_op();
        self.audit.asked.insert(op);
        self.give(Input::Act(Action::Ask { op, ask, planned: self.now }));
    }

    /// A yes to a sync would be a lie that hides what is missing, so that is not told.
    fn stray(&mut self, which: proptest::sample::Index, how: u8) {
        if self.transmitted.is_empty() {
            return;
        }
        let Transmit { attempt, ask } = which.get(&self.transmitted).clone();
        let reply = match how {
            0 if ask.operation != Operation::Sync => yes(None, None, 0),
            0 | 1 => Reply::No("stray".into()),
            _ => Reply::Lost,
        };
        self.give(Input::Answered { attempt, reply });
    }

    fn hang_up(&mut self) {
        self.socket = Socket::None;
        self.connection += 1;
        self.joined.clear();
    }

    /// Gives the client an input and does what it wants.
    fn give(&mut self, input: Input) {
        self.client.handle(self.now, input, &mut self.effects);
        let outputs: Vec<Output> = self.effects.drain().collect();
        for output in outputs {
            self.audit.observe(self.now, &output);
            if let Output::Record(event) = &output {
                let (at, client, event) = (self.now, ClientId(0), event.clone());
                self.history.push(Entry { at, client, event });
            }
            match output {
                Output::Open => {
                    assert_eq!(self.socket, Socket::None, "one connection at a time");
                    self.socket = Socket::Opening;
                    let Opening { delay, opens } = self.openings.next().unwrap_or(OPENS);
                    self.later(delay, Happening::Opens(self.connection, opens));
                }
                Output::Close => self.hang_up(),
                Output::Transmit(transmit) => self.serve(transmit),
                Output::Record(crate::history::Event::Ready) => self.expect_synced(),
                Output::Record(_) | Output::Abandon(_) => {}
            }
        }
        self.check();
    }

    fn check(&self) {
        let expected: &[ConnectionState] = match self.socket {
            Socket::None => &[ConnectionState::Disconnected, ConnectionState::Error],
            Socket::Opening => &[ConnectionState::Connecting],
            Socket::Open => &[ConnectionState::Connected],
        };
        assert!(expected.contains(&self.client.state()), "the state is the socket's");
        assert!(self.client.deadline().is_none_or(|due| due > self.now), "no timer is overdue");
        self.audit.after_handle(self.now, &self.client);
    }

    fn expect_synced(&self) {
        for stored in &self.log {
            if let Some(asked_at) = self.audit.synced(stored.conversation)
                && stored.at < asked_at
            {
                let seen = self.audit.seen.contains(&(stored.conversation, stored.id()));
                assert!(seen, "{stored:?} is missing after the sync of {asked_at}");
            }
        }
    }

    fn later(&mut self, delay: Nanos, happening: Happening) {
        self.count += 1;
        self.happenings.push(Reverse((self.now + delay, self.count)));
        self.due.insert(self.count, happening);
    }

    fn serve(&mut self, transmit: Transmit) {
        assert_eq!(self.socket, Socket::Open, "nothing leaves without a connection");
        self.transmitted.push(transmit.clone());
        let Transmit { attempt, ask } = transmit;
        if !self.answered.contains(&ask.operation) {
            self.effect_of(&ask);
            return;
        }
        let Fate { delay, how, survives } = self.fates.next().unwrap_or(GOOD);
        let by = (!survives).then_some(self.connection);
        match how {
            How::Yes | How::Twice { .. } => {
                let inputs = self.answer(attempt, &ask);
                if let (How::Twice { after }, Some(last)) = (how, inputs.last()) {
                    let again = vec![last.clone()];
                    self.later(delay + after, Happening::Inputs(by, again));
                }
                self.later(delay, Happening::Inputs(by, inputs));
            }
            How::Never { stored } => {
                if stored {
                    self.effect_of(&ask);
                }
            }
            How::No => self.later(delay, reply(by, attempt, Reply::No("no".into()))),
            How::Lost => {
                self.effect_of(&ask);
                self.later(delay, reply(by, attempt, Reply::Lost));
            }
        }
    }

    /// What the operation does on the server; for a send, the stored message.
    fn effect_of(&mut self, ask: &Ask) -> Option<Stored> {
        match (&ask.payload, ask.conversation?) {
            (Payload::Message(message), conversation) => {
                Some(self.store(conversation, Some(CompactString::from(&*message.key))))
            }
            (_, conversation) => {
                if ask.operation == Operation::Join {
                    self.joined.insert(conversation);
                }
                None
            }
        }
    }

    fn answer(&mut self, attempt: AttemptId, ask: &Ask) -> Vec<Input> {
        let by = match ask.operation {
            Operation::Sync => Carrier::Sync(attempt.op),
            Operation::History => Carrier::History(attempt.op),
            _ => {
                let stored = self.effect_of(ask);
                let order = stored.as_ref().map(|stored| stored.order);
                let reply = yes(stored.map(|stored| stored.id()), order, 0);
                return vec![Input::Answered { attempt, reply }];
            }
        };
        let after = match &ask.payload {
            Payload::Since(Since::Position(order)) => *order,
            Payload::Since(Since::Clock(at)) => *at as Order - 1,
            Payload::Since(Since::Cursor(cursor)) => cursor.parse().expect("it was ours"),
            _ => Order::MIN,
        };
        let here = self.log.iter().filter(|stored| Some(stored.conversation) == ask.conversation);
        let rows: Vec<&Stored> = here.filter(|stored| stored.order > after).collect();
        let last = rows.last().map_or(after, |stored| stored.order);
        let mut inputs: Vec<Input> = rows.iter().map(|row| Input::Saw(row.seen(by))).collect();
        let mut reply = yes(None, None, inputs.len() as u32);
        if let Reply::Yes { cursor, .. } = &mut reply {
            *cursor = Some(format_compact!("{last}"));
        }
        inputs.push(Input::Answered { attempt, reply });
        inputs
    }

    /// Stores a message once per key, and pushes it to the client if that is in the room.
    fn store(&mut self, conversation: ConversationId, key: Option<CompactString>) -> Stored {
        let known = |stored: &&Stored| key.is_some() && stored.key == key;
        if let Some(stored) = self.log.iter().find(known) {
            return stored.clone();
        }
        let next = self.log.last().map_or(0, |stored| stored.order + 1);
        let order = next.max(self.now as Order);
        let stored = Stored { at: self.now, conversation, order, key };
        self.log.push(stored.clone());
        let in_room = self.by_server || self.joined.contains(&conversation);
        if self.socket == Socket::Open && in_room {
            let seen = vec![Input::Saw(stored.seen(Carrier::Live))];
            self.later(LIVE_DELAY, Happening::Inputs(Some(self.connection), seen));
        }
        stored
    }
}

impl Stored {
    fn id(&self) -> CompactString {
        format_compact!("{}", self.order)
    }

    fn seen(&self, by: Carrier) -> Seen {
        Seen {
            by,
            conversation: Some(self.conversation),
            token: None,
            key: self.key.clone(),
            id: Some(self.id()),
            order: Some(self.order),
            sender: None,
            text: Damage::Intact,
        }
    }
}

fn yes(id: Option<CompactString>, order: Option<Order>, rows: u32) -> Reply {
    Reply::Yes { id, order, rows, cursor: None }
}

fn reply(by: Option<u32>, attempt: AttemptId, reply: Reply) -> Happening {
    Happening::Inputs(by, vec![Input::Answered { attempt, reply }])
}
