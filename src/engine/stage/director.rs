//! Leads a play's clients through the steps of its script, and then to rest.

mod deeds;
mod standing;
mod together;

use crate::engine::shard::Shard;
use crate::engine::slot::{Command, Slot, Suffering};
use crate::engine::stage::cast::Cast;
use crate::engine::stage::{Mark, Play};
use crate::engine::target::Target;
use crate::fault::Server;
use crate::history::{ClientId, ConversationId, Event, MessageRef, Nanos};
use crate::plan::script::{Deed, Device, Script, ServerDeed, Step, Verb};
use crate::plan::{Act, Credential};
use crate::scalar::Scalar;
use crate::world;
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
/// So long without an entry, and nothing that is awaited comes any more.
const LONG_STILL: Nanos = 5_000_000_000;
/// Messages of bursts are numbered from here, labelled ones from 0.
const BURSTS: u32 = 1_000;

pub(super) struct Director<'a> {
    shard: Rc<Shard>,
    slots: FxHashMap<ClientId, Rc<Slot>>,
    script: &'a Script,
    cast: &'a Cast,
    server: Option<&'a mut Target>,
    /// How long a step may take.
    patience: Duration,
    /// The messages of the labels that were sent so far.
    messages: Vec<Option<MessageRef>>,
    /// Devices that were ever told to connect.
    known: FxHashSet<ClientId>,
    /// Devices that hold another credential than at first.
    holders: FxHashMap<ClientId, Device>,
    /// Conversations that a step has made.
    made: FxHashSet<ConversationId>,
    faults: usize,
    /// What happens to nodes and parts of the server at the moment.
    struck: Vec<(usize, Server)>,
    burst: u32,
    /// How many messages of paced bursts are still to be sent.
    untold: FxHashMap<ClientId, Rc<Cell<u32>>>,
    hitches: Vec<String>,
}

impl<'a> Director<'a> {
    pub(super) fn new(
        shard: Rc<Shard>,
        play: &'a Play,
        cast: &'a Cast,
        server: Option<&'a mut Target>,
    ) -> Self {
        let script = &*play.script;
        let patience = play.patience.unwrap_or(STEP);
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
            patience,
            messages,
            known,
            made,
            holders,
            faults: 0,
            struck: Vec::new(),
            burst: BURSTS,
            untold: FxHashMap::default(),
            hitches: Vec::new(),
        }
    }

    /// The whole play, from the first connection to the final read.
    pub(super) async fn perform(&mut self) {
        self.phase("setup");
        self.mark(Mark::Step(0));
        let script = self.script;
        let present =
            script.devices().filter(|device| !script.people[device.person].offline).collect();
        self.connect(present).await;
        self.phase("script");
        for (index, step) in script.steps.iter().enumerate() {
            self.mark(Mark::Step(index + 1));
            self.step(index, step).await;
        }
        self.mark(Mark::Step(script.steps.len() + 1));
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
        let ready = |this: &Self| clients.iter().all(|client| this.is_calm(*client));
        if !self.until(self.patience, ready).await {
            self.mark(Mark::Stuck);
            self.hitches.push("not everybody was connected and ready in time".into());
        }
    }

    async fn step(&mut self, index: usize, step: &Step) {
        let over = match step {
            Step::Do { deeds, awaited } => {
                self.together(deeds).await;
                !awaited
                    || self.until(self.patience, |this| deeds.iter().all(|d| this.is_over(d))).await
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
            Step::Rest => self.until(self.patience.min(REST), Self::is_quiet).await,
            Step::UntilSees(device, sighted) => {
                let client = self.cast.client(*device);
                // What is awaited may be the end of somebody whom only the heartbeat can miss.
                let patience = match self.patience {
                    STEP => STEP.max(self.heartbeat()),
                    shorter => shorter,
                };
                self.until(patience, |this| this.has_seen(client, *sighted)).await
            }
            Step::UntilIs(device, state) => {
                let client = self.cast.client(*device);
                self.until(self.patience, |this| this.is_in(client, *state)).await
            }
            Step::Server(deed) => {
                self.server_deed(*deed).await;
                true
            }
            Step::ServerHeals => {
                self.server_heals().await;
                true
            }
        };
        self.enter_what_was_made().await;
        if !over {
            self.mark(Mark::Stuck);
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
            self.address(place, &id);
        }
        if !self
            .until(self.patience, |this| entered.iter().all(|client| this.is_calm(*client)))
            .await
        {
            self.hitches.push("not everybody entered a new conversation in time".into());
        }
    }

    /// Whom a broadcast is meant for is a reader of it, and no member. Its maker is one already.
    fn address(&self, place: ConversationId, id: &Scalar) {
        let audience = self.cast.audience(self.script, place).unwrap_or_default();
        for client in audience.iter().flat_map(|person| &self.cast.cell.people[*person].clients) {
            if !self.shard.conversations_of(*client).contains(&place) {
                self.shard.address(*client, place, id);
            }
        }
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
        match (&result, lasts) {
            (Ok(()), None) => return self.struck.push((number, what)),
            (Ok(()), Some(lasts)) => self.pause(lasts).await,
            (Err(why), _) => self.hitches.push(format!("the server was not handled: {why}")),
        }
        self.server_returns(number, what).await;
    }

    /// What happens to nodes and parts of the server is over.
    async fn server_heals(&mut self) {
        for (number, what) in std::mem::take(&mut self.struck) {
            self.server_returns(number, what).await;
        }
    }

    async fn server_returns(&mut self, number: usize, what: Server) {
        if let Some(target) = &mut self.server
            && let Err(why) = target.release(what).await
        {
            self.hitches.push(format!("the server was not handled: {why}"));
        }
        self.everybody(Suffering::of_server(number, what, false)).await;
    }

    async fn everybody(&mut self, suffering: Suffering) {
        for client in &self.known {
            self.tell(*client, Command::Suffer(suffering));
        }
        self.until(GOODBYE, |this| this.known.iter().all(|c| this.slots[c].is_done())).await;
    }

    // ------------------------------------------------------------------------------------------
    // the end

    /// Faults end, everybody holds a good credential, everybody who was ever there is there again and comes to rest.
    async fn recover(&mut self) {
        self.phase("recovery");
        self.server_heals().await;
        let now = self.now();
        for device in std::mem::take(&mut self.holders).into_values() {
            self.hold(device, Credential::Good, false).await;
        }
        for client in &self.known {
            let slot = &self.slots[client];
            slot.tell(Command::Heal);
            if slot.away.get() {
                slot.tell(Command::Act(now, Act::Connect));
            }
        }
        if !self.until(self.patience.min(REST), Self::is_quiet).await {
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
        if !self.until(self.patience.min(REST), calm).await {
            self.hitches.push("the final read was not over in time".into());
        }
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
        // A simulated world never stalls.
        let nap = if world::is_simulated() { lasts } else { NAP };
        while Instant::now() < end {
            let due = end.min(Instant::now() + nap);
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

    fn mark(&self, mark: Mark) {
        if let Some(first) = self.cast.cell.clients().next() {
            self.shard.trace.borrow_mut().say(self.now(), first, mark, String::new);
        }
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
