//! Users without a socket, who ask over HTTP beside the clients, on the run's own timeline.
//!
//! The plan says who asks for what and when ([`Visits`]), the spec how it is asked and what a right
//! answer is; goose launches the users, runs them and sends their requests. They live on a thread of
//! their own with goose, measure each request from its planned time, and hand over what they measured
//! in the end. What they read is no history: judges do not see it. What they send is: see [`desk`].
//! Start with [`HttpUsers::launch`].

mod ask;
mod attack;
pub(super) mod desk;
mod post;

use crate::engine::clock::Clock;
use crate::engine::people::Registry;
use crate::history::{ConversationId, Nanos};
use crate::metric::{Recorder, Timing};
use crate::operation::Operation;
use crate::plan::{Lengths, Plan, Visits, population};
use crate::scalar::Scalar;
use crate::spec::{Request, Spec, Step};
use ::goose::goose::GooseUser;
use compact_str::CompactString;
use desk::Desks;
use post::Letter;
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until, timeout};

/// How long all users may take to be launched, and to end after their last request.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// Different errors that are kept for the report.
const SAMPLES: usize = 5;

/// How the server calls the plan's conversations.
pub(super) type Places = FxHashMap<ConversationId, Scalar>;

/// The users while they live.
pub(super) struct HttpUsers {
    thread: Option<JoinHandle<Result<(), String>>>,
    crowd: Arc<Crowd>,
    stage: watch::Sender<Stage>,
}

/// What the users measured.
pub(super) struct Measured {
    pub(super) recorder: Recorder,
    /// Why requests failed: samples.
    pub(super) errors: Vec<String>,
}

/// What the users need to know.
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) spec: Arc<Spec>,
    pub(super) registry: Arc<Registry>,
    /// Where the server's nodes are: `http://127.0.0.1:3000`.
    pub(super) origins: Vec<String>,
    /// Where their messages enter the history, by shard.
    pub(super) desks: Desks,
    pub(super) clock: Clock,
    /// The interval of the latency log.
    pub(super) interval: Nanos,
}

/// What all users share.
struct Crowd {
    world: World,
    lengths: Lengths,
    users: u32,
    launched: AtomicU32,
    stage: watch::Receiver<Stage>,
    measured: Mutex<Measured>,
}

#[derive(Clone)]
enum Stage {
    /// Conversations are made.
    Setup,
    /// The first phase begins at this time of the run's clock.
    Go(Nanos, Arc<Places>),
    /// The run is over, or the user wants to stop.
    Over,
}

/// What these users ask for, and this spec does not answer over HTTP.
pub(super) fn unanswered(plan: &Plan, spec: &Spec) -> Vec<Operation> {
    let mix = plan.scenario.http.iter().flat_map(|http| &http.mix);
    let unanswered = |operation: &Operation| match operation {
        Operation::Send => post::way(spec).is_none(),
        other => step(spec, *other).is_none(),
    };
    mix.map(|(operation, _)| *operation).filter(unanswered).collect()
}

/// The request of an operation, if it is one request over HTTP.
fn step(spec: &Spec, operation: Operation) -> Option<&Step> {
    let [step] = &spec.deed(operation)?.channels.first()?.steps[..] else { return None };
    matches!(step.request, Request::Http(_)).then_some(step)
}

impl HttpUsers {
    /// Launches the scenario's users, if it has any; they wait for [`HttpUsers::go`].
    ///
    /// # Errors
    /// There can be no thread.
    pub(super) fn launch(world: World) -> Result<Option<Self>, String> {
        let Some(http) = &world.plan.scenario.http else { return Ok(None) };
        let (stage, followed) = watch::channel(Stage::Setup);
        let measured = Measured { recorder: Recorder::new(world.interval), errors: Vec::new() };
        let crowd = Arc::new(Crowd {
            users: http.users,
            launched: AtomicU32::new(0),
            stage: followed,
            measured: Mutex::new(measured),
            lengths: world.plan.lengths(),
            world,
        });
        let shared = Arc::clone(&crowd);
        let thread = Builder::new().name("goose".into()).spawn(move || attack::run(&shared));
        let thread = Some(thread.map_err(|error| error.to_string())?);
        Ok(Some(Self { thread, crowd, stage }))
    }

    /// Waits until all users are there.
    ///
    /// # Errors
    /// They do not come; says why, as far as it is known.
    pub(super) async fn ready(&mut self) -> Result<(), String> {
        let all = async {
            while self.crowd.launched.load(Relaxed) < self.crowd.users && !self.is_over() {
                sleep(POLL).await;
            }
        };
        let late = timeout(PATIENCE, all).await.is_err();
        match self.thread.take_if(|thread| thread.is_finished()) {
            Some(thread) => Err(told(thread)),
            None if late => Err("goose did not launch its users in time".into()),
            None => Ok(()),
        }
    }

    /// The first phase begins then, with these conversations.
    pub(super) fn go(&self, start: Nanos, places: Places) {
        let phases = &self.crowd.world.plan.scenario.phases;
        self.crowd.measured().recorder.follow(start, phases);
        self.stage.send_replace(Stage::Go(start, Arc::new(places)));
    }

    /// Nobody asks for anything any more.
    pub(super) fn stop(&self) {
        self.stage.send_replace(Stage::Over);
    }

    /// Ends the users and hands over what they measured.
    ///
    /// # Errors
    /// Goose failed; says how.
    pub(super) async fn end(mut self) -> Result<Measured, String> {
        self.stop();
        let ended = async {
            while !self.is_over() {
                sleep(POLL).await;
            }
        };
        let late = timeout(PATIENCE, ended).await.is_err();
        if late {
            return Err("goose did not end in time".into());
        }
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Ok(()))) | None => {}
            Some(Ok(Err(why))) => return Err(why),
            Some(Err(_)) => return Err("a user without a socket panicked".into()),
        }
        let empty = Measured { recorder: Recorder::new(1), errors: Vec::new() };
        Ok(std::mem::replace(&mut self.crowd.measured(), empty))
    }

    fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for HttpUsers {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why the thread ended before its time.
fn told(thread: JoinHandle<Result<(), String>>) -> String {
    match thread.join() {
        Ok(Err(why)) => why,
        Ok(Ok(())) => "goose ended before the run".into(),
        Err(_) => "goose panicked".into(),
    }
}

impl Crowd {
    fn measured(&self) -> std::sync::MutexGuard<'_, Measured> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run is over.
    async fn over(&self) {
        let _ = self.stage.clone().wait_for(|stage| matches!(stage, Stage::Over)).await;
    }

    /// The life of one user: each visit at its time, or as soon as the last one was answered.
    async fn live(&self, user: &mut GooseUser) {
        let number = self.launched.fetch_add(1, Relaxed);
        if number < self.users
            && let Some((start, places)) = self.begin().await
        {
            tokio::select! {
                () = self.visit(number, start, &places, user) => {}
                () = self.over() => {}
            }
        }
        self.over().await;
        // Goose calls again until it hears that it is over, which takes it a moment.
        sleep(POLL).await;
    }

    async fn begin(&self) -> Option<(Nanos, Arc<Places>)> {
        let mut stage = self.stage.clone();
        let stage = stage.wait_for(|stage| !matches!(stage, Stage::Setup)).await.ok()?;
        match &*stage {
            Stage::Go(start, places) => Some((*start, Arc::clone(places))),
            _ => None,
        }
    }

    async fn visit(&self, number: u32, start: Nanos, places: &Places, user: &mut GooseUser) {
        let World { plan, registry, origins, clock, .. } = &self.world;
        let Some(visits) = Visits::new(plan, number) else { return };
        let Ok(papers) = registry.papers(visits.person(), 0) else { return };
        let origin = &origins[number as usize % origins.len()];
        let person = visits.person();
        for visit in visits {
            let planned = start + visit.at;
            sleep_until(clock.instant(planned)).await;
            let place = visit.conversation.and_then(|one| places.get(&one));
            if visit.operation == Operation::Send {
                if let (Some(conversation), Some(place)) = (visit.conversation, place) {
                    let Self { world, lengths, .. } = self;
                    let letter = Letter {
                        world,
                        lengths,
                        papers: &papers,
                        origin,
                        user: number,
                        person,
                        visit: &visit,
                        planned,
                        conversation,
                        place,
                    };
                    self.post(user, &letter).await;
                }
                continue;
            }
            let started = clock.now();
            let answer = ask::ask(user, &self.world.spec, &papers, origin, &visit, place).await;
            let timing = Timing { planned, started, ended: clock.now() };
            self.record(visit.operation, timing, answer);
        }
    }

    /// Sends a message, unless it is too late for one.
    async fn post(&self, goose: &mut GooseUser, letter: &Letter<'_>) {
        let World { plan, clock, desks, .. } = &self.world;
        let cell = population::cell_of(&plan.scenario, letter.person) as usize;
        let Some(desk) = desks.get(cell % desks.len().max(1)) else { return };
        if let Some((started, answer)) = post::post(goose, letter, desk).await {
            let timing = Timing { planned: letter.planned, started, ended: clock.now() };
            self.record(letter.visit.operation, timing, answer);
        }
    }

    fn record(&self, operation: Operation, timing: Timing, answer: Result<(), CompactString>) {
        let mut measured = self.measured();
        measured.recorder.record_http(operation, timing, answer.is_ok());
        if let Err(why) = answer {
            let error = format!("`{operation}` over HTTP: {why}");
            if measured.errors.len() < SAMPLES && !measured.errors.contains(&error) {
                measured.errors.push(error);
            }
        }
    }
}
