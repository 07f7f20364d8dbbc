//! One shard: a thread of its own with its clients, its timers, its history and its judges.
//!
//! Clients of one conversation live on one shard, so nothing here is locked. The shard follows the
//! plan's timeline whatever the server does, then waits for quiet, lets everybody read everything,
//! and hands over what it found.

use crate::client::{Action, Client, Effects, Input, Rules};
use crate::dialect::{Dialect, excerpt};
use crate::engine::clock::Clock;
use crate::engine::conduct::Conduct;
use crate::engine::driver::Driver;
use crate::engine::http_users::Places;
use crate::engine::http_users::desk::{Desk, Word};
use crate::engine::link::Approach;
use crate::engine::people::{Gate, Registry};
use crate::engine::pulse::Pulse;
use crate::engine::recorder::Recorder;
use crate::engine::slot::{Slot, Suffering};
use crate::engine::trace::Trace;
use crate::engine::{setup, usage};
use crate::history::{ClientId, ConversationId, Event, MessageRef, Nanos, Token};
use crate::metric::{Meter, ShardUse};
use crate::operation::Operation;
use crate::plan::placement::home;
use crate::plan::{Cell, Plan, stream, text};
use crate::scalar::Scalar;
use crate::spec::{Deed, Hole, SocketPer};
use crate::transport::endpoint::Endpoint;
use crate::transport::http::HttpClient;
use crate::verdict::Finding;
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use std::cell::{Cell as Slotted, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::LocalSet;

/// Requests over HTTP that a shard has under way at once.
const REQUESTS: usize = 32;
/// Connections that a shard opens at once.
const DOORS: usize = 128;
/// Different texts of garbage and of connect errors that are kept for the report.
const SAMPLES: usize = 8;

/// What a shard needs to begin.
pub(super) struct Job {
    pub(super) number: u32,
    pub(super) shards: u32,
    pub(super) ground: Ground,
    pub(super) pulse: Arc<Pulse>,
    /// The stage of the run, as the conductor says it.
    pub(super) stage: watch::Receiver<Stage>,
    /// What happens to the server.
    pub(super) server: watch::Receiver<Vec<Suffering>>,
    /// What users without a socket say at the shard's desk.
    pub(super) words: mpsc::Receiver<Word>,
}

/// What the clients of a shard stand on: the plan, the way to the server, the clock, the recorder.
pub(super) struct Ground {
    pub(super) plan: Plan,
    pub(super) spec: Arc<crate::spec::Spec>,
    pub(super) registry: Arc<Registry>,
    /// The server's nodes, one or several.
    pub(super) nodes: Vec<Endpoint>,
    /// The addresses to connect from; none: whatever the system chooses.
    pub(super) sources: Vec<IpAddr>,
    pub(super) approach: Approach,
    pub(super) clock: Clock,
    pub(super) recorder: Recorder,
    pub(super) tell: mpsc::UnboundedSender<Told>,
}

/// The stage of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Conversations are made.
    Setup,
    /// The first phase begins at this time of the run's clock.
    Go(Nanos),
    /// The user wants to stop: no more acts, no final read.
    Interrupted,
}

/// What a shard tells the conductor.
pub(super) enum Told {
    /// Its conversations are made, or why not. Where there are users without a socket: how the server
    /// calls them.
    SetUp(Result<Places, String>),
    /// It is done.
    Done(Box<Report>),
    /// A part of it panicked: the harness has a mistake, and the run proves nothing.
    Panicked,
}

/// Tells the conductor if what holds it panics.
pub(super) struct Alarm(pub(super) mpsc::UnboundedSender<Told>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.send(Told::Panicked);
        }
    }
}

/// What was not finished when the patience was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unfinished {
    /// Clients that had not come back and to rest.
    pub(super) recovering: usize,
    /// Deliveries that the judges still waited for then.
    pub(super) awaited: usize,
    /// Clients whose final read was not over.
    pub(super) reading: usize,
}

/// What a shard found.
pub(super) struct Report {
    pub(super) number: u32,
    pub(super) meter: Meter,
    pub(super) findings: Option<Vec<Finding>>,
    pub(super) used: ShardUse,
    pub(super) garbage: Vec<CompactString>,
    pub(super) connect_errors: Vec<String>,
    /// Why connections were lost that no fault had cut.
    pub(super) losses: Vec<String>,
    pub(super) write_error: Option<String>,
    pub(super) unfinished: Unfinished,
    pub(super) entries: u64,
    /// When the history was over.
    pub(super) ended: Nanos,
}

/// What the clients of a shard share.
pub(super) struct Shard {
    pub(super) plan: Plan,
    pub(super) dialect: Dialect,
    pub(super) registry: Arc<Registry>,
    /// The server's nodes, one or several.
    pub(super) nodes: Vec<Node>,
    /// On which node each client connects first.
    pub(super) homes: RefCell<FxHashMap<ClientId, usize>>,
    sources: Vec<IpAddr>,
    pub(super) approach: Approach,
    pub(super) clock: Clock,
    pub(super) recorder: RefCell<Recorder>,
    pub(super) effects: RefCell<Effects>,
    pub(super) scratch: RefCell<String>,
    /// Turns for requests over HTTP.
    pub(super) gate: Semaphore,
    /// Turns for opening connections.
    pub(super) doors: Semaphore,
    /// The start of the first phase on the run's clock.
    pub(super) start: Slotted<Nanos>,
    /// The share of received messages that are read in this phase.
    pub(super) reads: Slotted<f64>,
    /// The packets, where a play keeps them.
    pub(super) trace: RefCell<Trace>,
    /// How fast the clocks of some clients are, in nanoseconds, beside the scenario's skew.
    pub(super) skews: RefCell<FxHashMap<ClientId, i64>>,
    /// Faults may shape the bytes of the clients' connections.
    pub(super) weathered: Slotted<bool>,
    cells: Vec<Cell>,
    places: RefCell<FxHashMap<ClientId, Vec<ConversationId>>>,
    /// A send names the other person of a pair.
    names_peer: bool,
    tell: mpsc::UnboundedSender<Told>,
    /// Messages of closed workloads so far, by cell.
    closed_messages: RefCell<FxHashMap<u32, u32>>,
    garbage: RefCell<Vec<CompactString>>,
    connect_errors: RefCell<Vec<String>>,
    losses: RefCell<Vec<String>>,
}

/// The ways to one node of the server.
pub(super) struct Node {
    pub(super) endpoint: Endpoint,
    /// For requests over HTTP, shared by the clients on this node.
    pub(super) http: HttpClient,
}

/// Runs a shard to its end on the calling thread.
pub(super) fn run(job: Job) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let tell = job.ground.tell.clone();
    let _alarm = Alarm(tell.clone());
    match runtime {
        Ok(runtime) => LocalSet::new().block_on(&runtime, live(job)),
        Err(error) => {
            let _ = tell.send(Told::SetUp(Err(format!("a runtime cannot be made: {error}"))));
        }
    }
}

async fn live(job: Job) {
    let Job { number, shards, ground, pulse, mut stage, server, words } = job;
    let tell = ground.tell.clone();
    let cells = ground.plan.cells(number, shards).collect();
    let shard = Rc::new(Shard::new(ground, cells));
    pulse.set_phase("setup");
    let made = tokio::select! {
        made = setup::converse(&shard) => made,
        _ = stage.wait_for(|stage| *stage == Stage::Interrupted) => return,
    };
    let failed = made.is_err();
    let _ = tell.send(Told::SetUp(made.map(|()| shard.places())));
    if failed {
        return;
    }
    let slots = shard.admit();
    let desk = Desk::open(&shard, &slots, words);
    let mut conduct = Conduct { slots, shard, pulse, stage, server, desk, dropped: 0 };
    let Some(start) = conduct.wait_for_go().await else { return };
    let cpu = usage::thread_cpu();
    let began = conduct.shard.clock.now();
    conduct.follow_the_plan(start).await;
    let (recovering, awaited) = conduct.recover().await;
    let reading = conduct.final_read().await;
    let unfinished = Unfinished { recovering, awaited, reading };
    conduct.phase("end");
    let used = ShardUse {
        cpu: usage::thread_cpu().saturating_sub(cpu),
        wall: conduct.shard.clock.now().saturating_sub(began),
        dropped: conduct.dropped,
    };
    conduct.leave().await;
    let _ = tell.send(Told::Done(Box::new(conduct.shard.report(number, used, unfinished))));
}

impl Shard {
    /// The ways to the server for who is not connected yet.
    pub(super) fn way_in(&self) -> Gate<'_> {
        let Node { http, endpoint } = &self.nodes[0];
        Gate { http, approach: &self.approach, endpoint, tap: None }
    }

    /// A shard of these cells, nobody connected.
    pub(super) fn new(ground: Ground, cells: Vec<Cell>) -> Self {
        let Ground { plan, spec, registry, nodes, sources, approach, clock, recorder, tell } =
            ground;
        let nodes: Vec<Node> = nodes
            .into_iter()
            .map(|endpoint| {
                let connect = approach.connect().clone();
                Node { http: setup::http_client(&endpoint, &spec, connect, REQUESTS), endpoint }
            })
            .collect();
        let step =
            |deed: &Deed| deed.channels.first().and_then(|channel| channel.steps.first().cloned());
        let sent = spec.deed(Operation::Send).and_then(step);
        let names_peer = sent.is_some_and(|step| step.request.holes().contains(&Hole::PEER));
        let mut places: FxHashMap<ClientId, Vec<ConversationId>> = FxHashMap::default();
        let mut homes = FxHashMap::default();
        for cell in &cells {
            for person in &cell.people {
                let ids: Vec<_> = person
                    .conversations
                    .iter()
                    .map(|&place| cell.conversations[place].id)
                    .collect();
                for (device, client) in person.clients.iter().enumerate() {
                    places.insert(*client, ids.clone());
                    homes.insert(*client, home(person.id, device, nodes.len()));
                }
            }
        }
        let weathered = plan.scenario.faults.iter().any(|fault| fault.fault.shapes_bytes());
        Self {
            dialect: Dialect::new(spec, plan.lengths(), plan.run),
            registry,
            plan,
            nodes,
            homes: RefCell::new(homes),
            sources,
            approach,
            clock,
            recorder: RefCell::new(recorder),
            effects: RefCell::new(Effects::new()),
            scratch: RefCell::default(),
            gate: Semaphore::new(REQUESTS),
            doors: Semaphore::new(DOORS),
            start: Slotted::new(0),
            reads: Slotted::new(0.0),
            trace: RefCell::default(),
            skews: RefCell::default(),
            weathered: Slotted::new(weathered),
            cells,
            places: RefCell::new(places),
            names_peer,
            tell,
            closed_messages: RefCell::default(),
            garbage: RefCell::default(),
            connect_errors: RefCell::default(),
            losses: RefCell::default(),
        }
    }

    /// How the server calls the conversations, if anybody but the clients needs to know.
    fn places(&self) -> Places {
        if self.plan.scenario.http.is_none() {
            return Places::default();
        }
        let all = self.cells.iter().flat_map(|cell| &cell.conversations);
        all.filter_map(|one| Some((one.id, self.dialect.conversation(one.id)?))).collect()
    }

    /// The address that a client connects from; none: whatever the system chooses.
    pub(super) fn source(&self, client: ClientId) -> Option<IpAddr> {
        let count = self.sources.len().max(1);
        self.sources.get(client.0 as usize % count).copied()
    }

    /// The cells of this shard.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The conversations a client takes part in.
    pub(super) fn conversations_of(&self, client: ClientId) -> Vec<ConversationId> {
        self.places.borrow().get(&client).cloned().unwrap_or_default()
    }

    /// The ids of the client's conversations, where each has a socket.
    pub(super) fn socket_places(&self, client: ClientId) -> Vec<Scalar> {
        if self.dialect.spec.connect.per == SocketPer::Client {
            return Vec::new();
        }
        let places = self.conversations_of(client);
        places.into_iter().filter_map(|place| self.dialect.conversation(place)).collect()
    }

    /// A conversation was made after the setup: the server calls it so, and this client is in it.
    pub(super) fn add_member(&self, client: ClientId, conversation: ConversationId, id: Scalar) {
        let event = Event::Member { conversation, id: id.id() };
        self.recorder.borrow_mut().record(self.clock.now(), client, event);
        self.places.borrow_mut().entry(client).or_default().push(conversation);
        self.dialect.learn(conversation, id);
    }

    /// A broadcast was made, and is meant for this client's person.
    pub(super) fn address(&self, client: ClientId, conversation: ConversationId, id: &Scalar) {
        let event = Event::Addressed { conversation, id: id.id() };
        self.recorder.borrow_mut().record(self.clock.now(), client, event);
        self.places.borrow_mut().entry(client).or_default().push(conversation);
    }

    /// The other person of a conversation of two, if the spec's `send` names one.
    pub(super) fn peer(&self, client: ClientId, conversation: ConversationId) -> Option<Scalar> {
        if !self.names_peer {
            return None;
        }
        let with = |cell: &&Cell| cell.conversations.iter().any(|known| known.id == conversation);
        let cell = self.cells.iter().find(with)?;
        let members = &cell.conversations.iter().find(|known| known.id == conversation)?.members;
        let mut people = members.iter().map(|&member| &cell.people[member]);
        let peer = people.find(|person| !person.clients.contains(&client))?;
        Some(self.registry.user(peer.id))
    }

    /// Makes the clients' tasks; they wait at their doors.
    pub(super) fn admit(self: &Rc<Self>) -> FxHashMap<ClientId, Rc<Slot>> {
        let rules = Arc::new(Rules::of(&self.dialect.spec));
        let mut slots = FxHashMap::default();
        for person in self.cells.iter().flat_map(|cell| &cell.people) {
            for (device, &id) in person.clients.iter().enumerate() {
                let Ok(papers) = self.registry.papers(person.id, device) else { continue };
                let slot = Rc::new(Slot::default());
                slots.insert(id, Rc::clone(&slot));
                let mut machine = Client::new(Arc::clone(&rules));
                for conversation in self.conversations_of(id) {
                    let enter = Input::Act(Action::Enter(conversation));
                    machine.handle(self.clock.now(), enter, &mut self.effects.borrow_mut());
                }
                let driver = Driver::new(Rc::clone(self), slot, id, machine, papers);
                tokio::task::spawn_local(driver.live());
            }
        }
        slots
    }

    /// The number of the client's cell.
    pub(super) fn cell_of(&self, client: ClientId) -> u32 {
        let home = |cell: &&Cell| cell.clients().any(|known| known == client);
        self.cells.iter().find(home).map_or(0, |cell| cell.number)
    }

    /// A message of a closed workload in this cell: its number follows from how many there were
    /// before.
    pub(super) fn closed_message(&self, cell: u32) -> MessageRef {
        let mut counts = self.closed_messages.borrow_mut();
        let count = counts.entry(cell).or_default();
        let sequence = stream::closed_sequence(self.plan.scenario.phases.len(), *count);
        *count = count.wrapping_add(1);
        let number = text::number(text::Kind::Short, cell, sequence);
        let token = Token::new((self.plan.run & 0xfff) as u16, number);
        MessageRef { token, key: text::key(self.plan.run, token, 0).into() }
    }

    /// The client's own wall clock at a time of the run, in nanoseconds since 1970.
    pub(super) fn wall(&self, client: ClientId, at: Nanos) -> i64 {
        let skew = self.plan.scenario.people.clock_skew.as_nanos() as f64;
        let draw = crate::plan::dice::mix(self.plan.seed, client.0.into(), 7) as f64;
        let offset = (draw / u64::MAX as f64 - 0.5) * 2.0 * skew;
        let own = self.skews.borrow().get(&client).copied().unwrap_or_default();
        self.clock.wall(at) + offset as i64 + own
    }

    /// Keeps a sample of what did not fit the spec.
    pub(super) fn note_garbage(&self, what: &str) {
        let mut garbage = self.garbage.borrow_mut();
        if garbage.len() < SAMPLES && !garbage.iter().any(|known| known == what) {
            garbage.push(excerpt(what));
        }
    }

    /// Keeps a sample of why connections failed.
    pub(super) fn note_connect_error(&self, error: &str) {
        note(&mut self.connect_errors.borrow_mut(), error.to_owned());
    }

    /// Keeps a sample of why connections were lost.
    pub(super) fn note_loss(&self, why: &str) {
        note(&mut self.losses.borrow_mut(), why.to_owned());
    }

    /// An alarm for a task of this shard.
    pub(super) fn alarm(&self) -> Alarm {
        Alarm(self.tell.clone())
    }

    /// What did not fit, why connections failed, why they were lost: samples of each.
    pub(super) fn samples(&self) -> [Vec<String>; 3] {
        let garbage = self.garbage.borrow().iter().map(ToString::to_string).collect();
        [garbage, self.connect_errors.borrow().clone(), self.losses.borrow().clone()]
    }

    fn report(&self, number: u32, used: ShardUse, unfinished: Unfinished) -> Report {
        let mut recorder = self.recorder.borrow_mut();
        recorder.finish_file();
        recorder.meter.conclude();
        let meter = std::mem::replace(&mut recorder.meter, Meter::new(1_000_000_000));
        Report {
            number,
            meter,
            findings: recorder.take_judges().map(crate::property::Bench::finish),
            used,
            garbage: self.garbage.take(),
            connect_errors: self.connect_errors.take(),
            losses: self.losses.take(),
            write_error: recorder.write_error.take(),
            unfinished,
            entries: recorder.entries,
            ended: recorder.last_at,
        }
    }
}

fn note(samples: &mut Vec<String>, text: String) {
    if samples.len() < SAMPLES && !samples.contains(&text) {
        samples.push(text);
    }
}
