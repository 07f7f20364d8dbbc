//! Leads a shard's clients through the stages of the run: the plan, recovery, the final read.
//!
//! The timeline is followed whatever the server does: a slow server does not slow the plan. The
//! conduct knows clients only by their doors, and what they do only by what the judges await.

use crate::engine::http_users::desk::Desk;
use crate::engine::pulse::Pulse;
use crate::engine::shard::{Shard, Stage};
use crate::engine::slot::{Command, Slot, Suffering};
use crate::history::{ClientId, Event, Nanos};
use crate::plan::{Act, Cell, Plan, Timeline};
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// How late a timer must fire before the judges are told.
const LAG_WORTH_TELLING: Nanos = 100_000_000;
/// How often the shard looks whether its clients are quiet, and measures its own lag.
const LOOK: Duration = Duration::from_millis(20);
const PAUSE: Nanos = LOOK.as_nanos() as Nanos;

/// Leads the clients through the stages of the run.
pub(super) struct Conduct {
    pub(super) shard: Rc<Shard>,
    pub(super) slots: FxHashMap<ClientId, Rc<Slot>>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) stage: watch::Receiver<Stage>,
    pub(super) server: watch::Receiver<Vec<Suffering>>,
    /// Where the messages of users without a socket come in, if any of them sends.
    pub(super) desk: Option<Rc<Desk>>,
    pub(super) dropped: u64,
}

impl Conduct {
    /// The start of the first phase; none if the run ends before it.
    pub(super) async fn wait_for_go(&mut self) -> Option<Nanos> {
        let stage = self.stage.wait_for(|stage| *stage != Stage::Setup).await.ok()?;
        match *stage {
            Stage::Go(start) => Some(start),
            _ => None,
        }
    }

    fn interrupted(&self) -> bool {
        *self.stage.borrow() == Stage::Interrupted
    }

    pub(super) fn phase(&self, name: &str) {
        let Some(first) = self.shard.cells().iter().flat_map(Cell::clients).next() else { return };
        let now = self.shard.clock.now();
        let event = Event::Phase { name: name.into() };
        self.shard.recorder.borrow_mut().record(now, first, event);
        self.pulse.set_phase(name);
    }

    /// Sleeps until a time of the run's clock; `false` if the user wants to stop.
    async fn sleep_until(&mut self, at: Instant) -> bool {
        loop {
            tokio::select! {
                () = sleep_until(at) => return true,
                _ = self.stage.wait_for(|stage| *stage == Stage::Interrupted) => return false,
                Ok(()) = self.server.changed() => {}
            }
            self.pass_on();
        }
    }

    /// Tells everybody what happens to the server.
    fn pass_on(&mut self) {
        let all = self.server.borrow_and_update();
        let heard = self.pulse.heard.swap(all.len(), Relaxed);
        for suffering in all.iter().skip(heard) {
            for slot in self.slots.values() {
                slot.tell(Command::Suffer(*suffering));
            }
            self.desk.iter().for_each(|desk| desk.suffer(suffering));
        }
    }

    /// Tells each client what the plan wants, when the plan wants it.
    pub(super) async fn follow_the_plan(&mut self, start: Nanos) {
        let shard = Rc::clone(&self.shard);
        shard.start.set(start);
        let phases = &shard.plan.scenario.phases;
        shard.recorder.borrow_mut().meter.recorder.follow(start, phases);
        let mut timeline = Timeline::new(&shard.plan, shard.cells());
        let mut phases = Phases::new(&shard.plan, start);
        let end = phases.end;
        let mut look = shard.clock.now();
        loop {
            let next_act = timeline.next_at().map_or(end, |at| (at + start).min(end));
            let next = next_act.min(phases.next_at()).min(look);
            if !self.sleep_until(shard.clock.instant(next)).await {
                return;
            }
            let now = shard.clock.now();
            if now >= look {
                self.look(look, now);
                look = next_look(look, now);
            }
            if let Some((name, reads)) = phases.turn(now) {
                shard.reads.set(reads);
                self.phase(&name);
            }
            while timeline.next_at().is_some_and(|at| at + start <= now.min(end)) {
                if let Some(planned) = timeline.next() {
                    self.tell(planned.client, Command::Act(planned.at + start, planned.act));
                }
            }
            if now >= end {
                return;
            }
        }
    }

    fn tell(&mut self, client: ClientId, command: Command) {
        if let Command::Act(planned, Act::Connect) = &command {
            self.pulse.add_due(*planned);
        }
        if let Some(slot) = self.slots.get(&client)
            && !slot.tell(command)
        {
            self.dropped += 1;
        }
    }

    /// Measures the shard's own lag and shows how it stands.
    fn look(&self, due: Nanos, now: Nanos) {
        let shard = &self.shard;
        let mut recorder = shard.recorder.borrow_mut();
        // Each look that should have been counts: one long sleep is many late ones, as it is for what
        // was planned meanwhile.
        let mut missed = due;
        while missed <= now {
            recorder.meter.lag(missed, now);
            missed += PAUSE;
        }
        let late = now.saturating_sub(due);
        if late > LAG_WORTH_TELLING
            && let Some(first) = shard.cells().iter().flat_map(Cell::clients).next()
        {
            let event = Event::Lag { nanos: late };
            recorder.record(now, first, event);
        }
        self.pulse
            .show(&mut recorder, self.slots.values().filter(|slot| slot.started.get()).count());
    }

    /// Ends the faults and waits until everybody is back and nothing is under way. Says how many
    /// clients did not come to rest, and how many deliveries were still awaited then.
    pub(super) async fn recover(&mut self) -> (usize, usize) {
        self.phase("recovery");
        self.desk.iter().for_each(|desk| desk.close());
        for slot in self.slots.values() {
            slot.tell(Command::Heal);
        }
        let patience = self.shard.plan.scenario.patience;
        let calm = self.until(patience, Self::is_quiet).await;
        if calm || self.interrupted() { (0, 0) } else { (self.busy(), self.awaited()) }
    }

    /// Nothing happens any more: everybody idle, and no delivery awaited. Without judges nobody
    /// knows what is awaited: then half a second without an entry will do.
    fn is_quiet(&self) -> bool {
        const STILL: Nanos = 500_000_000;
        if self.busy() > 0 || self.desk.as_ref().is_some_and(|desk| !desk.is_idle()) {
            return false;
        }
        let mut recorder = self.shard.recorder.borrow_mut();
        let last_at = recorder.last_at;
        match recorder.judges() {
            Some(bench) => bench.awaited_deliveries() == 0,
            None => self.shard.clock.now().saturating_sub(last_at) > STILL,
        }
    }

    /// Looks until it is true, or the time is over, or the user wants to stop.
    async fn until(&mut self, within: Duration, mut holds: impl FnMut(&Self) -> bool) -> bool {
        let deadline = Instant::now() + within;
        let mut look = Instant::now();
        loop {
            if holds(self) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            look = look.max(Instant::now()) + LOOK;
            if !self.sleep_until(look).await {
                return false;
            }
            let clock = self.shard.clock;
            let due = clock.now().saturating_sub(look.elapsed().as_nanos() as Nanos);
            self.look(due, clock.now());
        }
    }

    /// Clients that are not connected, synced and idle.
    fn busy(&self) -> usize {
        self.slots.values().filter(|slot| slot.started.get() && !slot.idle.get()).count()
    }

    /// Deliveries that the judges still wait for.
    fn awaited(&self) -> usize {
        let mut recorder = self.shard.recorder.borrow_mut();
        recorder.judges().map_or(0, |bench| bench.awaited_deliveries())
    }

    /// Everybody reads the whole history of their conversations. Says how many did not finish.
    pub(super) async fn final_read(&mut self) -> usize {
        if self.interrupted() {
            return 0;
        }
        self.phase("final-read");
        for (client, slot) in &self.slots {
            if !slot.started.get() {
                continue;
            }
            for conversation in self.shard.conversations_of(*client) {
                slot.tell(Command::FinalRead(conversation));
            }
        }
        let patience = self.shard.plan.scenario.patience;
        let done = self.until(patience, |conduct| conduct.busy() == 0).await;
        if done || self.interrupted() { 0 } else { self.busy() }
    }

    /// Everybody leaves.
    pub(super) async fn leave(&mut self) {
        for slot in self.slots.values() {
            slot.tell(Command::Leave);
        }
        let gone = async {
            while self.slots.values().any(|slot| Rc::strong_count(slot) > 1) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = timeout(Duration::from_secs(5), gone).await;
    }
}

/// The first look after now; looks keep their distance.
const fn next_look(due: Nanos, now: Nanos) -> Nanos {
    due + (now.saturating_sub(due) / PAUSE + 1) * PAUSE
}

/// The scenario's phases on the run's clock.
struct Phases {
    starts: Vec<(Nanos, String, f64)>,
    next: usize,
    end: Nanos,
}

impl Phases {
    fn new(plan: &Plan, start: Nanos) -> Self {
        let mut at = start;
        let mut starts = Vec::new();
        for phase in &plan.scenario.phases {
            starts.push((at, phase.name.clone(), phase.behaviour.read));
            at += phase.lasts.as_nanos() as Nanos;
        }
        Self { starts, next: 0, end: at }
    }

    fn next_at(&self) -> Nanos {
        self.starts.get(self.next).map_or(self.end, |(at, _, _)| *at)
    }

    /// The phase that begins now: its name and its share of read messages.
    fn turn(&mut self, now: Nanos) -> Option<(String, f64)> {
        let (at, name, reads) = self.starts.get(self.next)?;
        (*at <= now).then(|| {
            self.next += 1;
            (name.clone(), *reads)
        })
    }
}
