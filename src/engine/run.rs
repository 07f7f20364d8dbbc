//! One run from the first connection to the last verdict.

mod headway;
mod total;

use crate::engine::agenda::Agenda;
use crate::engine::clock::Clock;
use crate::engine::http_users::{HttpUsers, Places, World, desk};
use crate::engine::link::Approach;
use crate::engine::means::{Means, Shortage};
use crate::engine::preflight::{self, Unreachable};
use crate::engine::pulse::Pulse;
use crate::engine::recorder::Recorder;
#[cfg(feature = "rust_socketio")]
use crate::engine::second_client::Second;
use crate::engine::shard::{self, Ground, Job, Report, Told};
use crate::engine::shards::{News, Shards};
use crate::engine::stage::{Site, rehearse};
use crate::engine::target::{Target, TargetChoice};
use crate::engine::usage;
use crate::history::stored::{self, Header, Writer};
use crate::history::{Nanos, PersonId};
use crate::metric::{Meter, ProcessUse, Progress, Timeline, Window};
use crate::outcome::Outcome;
use crate::plan::{Cell, Plan};
use crate::property::{Bench, Charge};
use crate::scenario::Scenario;
use crate::spec::{Spec, Transports};
use crate::transport::endpoint::Endpoint;
use headway::Headway;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use total::Facts;

/// From the moment all conversations are made to the first phase.
const BREATH: Nanos = 50_000_000;

/// What a run is made of.
#[derive(Clone)]
pub struct Settings {
    /// The server's wire and promises.
    pub spec: Arc<Spec>,
    /// What people do.
    pub scenario: Arc<Scenario>,
    /// Decides every choice.
    pub seed: u64,
    /// Tells this run's keys from another's.
    pub run: u64,
    /// What is tried.
    pub target: TargetChoice,
    /// Which simulated client drives the plan.
    pub client: ClientKind,
    /// The transport, if not the spec's.
    pub transport: Option<Transports>,
    /// Shards; none: as many as there are cores.
    pub shards: Option<u32>,
    /// Whether anything is recorded at all; without it there are no figures.
    pub record: bool,
    /// Whether the judges sit.
    pub judge: bool,
    /// The phase that is measured, if not all of them are; all are judged.
    pub measured: Option<String>,
    /// The addresses to connect from, one client after the other; none: as many as it takes.
    pub sources: Vec<IpAddr>,
    /// The folder for the history, if it is kept.
    pub history: Option<PathBuf>,
    /// Rung when the user wants to stop.
    pub interrupt: Arc<Notify>,
    /// The command that makes this run again.
    pub command: String,
}

/// Which simulated client drives the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// The harness's own.
    Assize,
    /// The `rust_socketio` crate, over WebSockets.
    #[cfg(feature = "rust_socketio")]
    RustSocketio,
}

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// This machine, or what the server documents, does not allow it.
    Impossible(Shortage),
    /// The target cannot be tried.
    Unreachable(Unreachable),
    /// The user wanted to stop before the first phase.
    Interrupted,
    /// The harness itself failed.
    Internal(String),
}

impl ClientKind {
    /// As reports and the command line spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assize => "assize",
            #[cfg(feature = "rust_socketio")]
            Self::RustSocketio => "rust_socketio",
        }
    }
}

/// What was measured beside the outcome.
pub struct Measured {
    /// The outcome.
    pub outcome: Outcome,
    /// The latencies over time, for the interval log.
    pub timeline: Timeline,
    /// What happened in the measured phase, if not all of them were.
    pub window: Option<Window>,
    /// When the run started.
    pub started: SystemTime,
    /// The whole history was written, if it was to be.
    pub is_kept: bool,
}

/// Runs a scenario against a server, and says now and then how it goes.
///
/// # Errors
/// The target cannot be tried, or the harness itself failed.
pub async fn run(settings: Settings, show: impl FnMut(Progress)) -> Result<Measured, Failure> {
    Means::raise_files();
    let Settings { spec, scenario, target, shards, sources, .. } = &settings;
    let shortage = Means::of_machine().shortage(spec, scenario, target, *shards);
    if let Some(shortage) = shortage.or_else(|| Means::foreign(sources)) {
        return Err(Failure::Impossible(shortage));
    }
    let ready = Target::ready(&settings.target, &settings.spec);
    let mut target = unless_interrupted(&settings, ready).await?;
    let headway = Headway::new(scenario, spec);
    let mut conductor = Conductor { settings: &settings, show, headway };
    // In a box, or the futures nest too deeply for the compiler.
    let result = Box::pin(conductor.conduct(&mut target)).await;
    let last_words = target.ended(Duration::ZERO).await;
    target.stop().await;
    match (result, last_words) {
        (Ok(mut measured), Some(last_words)) => {
            measured.outcome.notes.insert(0, last_words);
            Ok(measured)
        }
        (Err(Failure::Unreachable(why)), Some(last_words)) => {
            Err(Failure::Unreachable(Unreachable::new(why.what, last_words)))
        }
        (result, _) => result,
    }
}

/// What comes before the run, unless the user wants to stop.
async fn unless_interrupted<T>(
    settings: &Settings,
    work: impl Future<Output = Result<T, Unreachable>>,
) -> Result<T, Failure> {
    tokio::select! {
        result = work => result.map_err(Failure::Unreachable),
        () = settings.interrupt.notified() => Err(Failure::Interrupted),
    }
}

/// Leads the shards through a run.
struct Conductor<'a, S> {
    settings: &'a Settings,
    show: S,
    headway: Headway<'a>,
}

/// The people of a cell's first conversation.
fn members(cell: &Cell) -> Option<Vec<PersonId>> {
    let first = cell.conversations.iter().find(|one| one.members.len() > 1)?;
    Some(first.members.iter().map(|&member| cell.people[member].id).collect())
}

/// What came of the shards.
#[derive(Default)]
struct Watched {
    reports: Vec<Report>,
    interrupted: bool,
    notes: Vec<String>,
}

impl<S: FnMut(Progress)> Conductor<'_, S> {
    async fn conduct(&mut self, target: &mut Target) -> Result<Measured, Failure> {
        let settings = self.settings;
        let (spec, scenario) = (&settings.spec, &settings.scenario);
        let plan = Plan::new(spec, Arc::clone(scenario), settings.seed, settings.run);
        let urls = target.urls().to_vec();
        let nodes = unless_interrupted(settings, preflight::endpoints(&urls, spec)).await?;
        let approach =
            preflight::approach(spec, settings.transport).map_err(Failure::Unreachable)?;
        preflight::http_users(&plan, spec).map_err(Failure::Unreachable)?;
        let registry = preflight::registry(spec).map_err(Failure::Unreachable)?;
        let everybody: Vec<PersonId> = (0..scenario.people.count).map(PersonId).collect();
        let expected = registry.expect(&everybody).map_err(preflight::no_credential);
        expected.map_err(Failure::Unreachable)?;
        for (url, endpoint) in urls.iter().zip(&nodes) {
            let knock = preflight::knock(url, endpoint, &approach, &registry);
            unless_interrupted(settings, knock).await?;
        }

        let clock = Clock::start();
        if let TargetChoice::Running(_) = settings.target {
            let site = Site {
                spec: Arc::clone(spec),
                url: urls[0].clone(),
                endpoint: nodes[0].clone(),
                nodes: nodes.clone(),
                approach: approach.clone(),
                registry: Arc::clone(&registry),
                clock,
                run: settings.run,
            };
            // With the people and in the conversation that come first in the run.
            let first = plan.cells(0, 1).find_map(|cell| members(&cell));
            let mut progress = self.headway.progress(&[], 0, 0);
            progress.phase = "rehearsal".into();
            (self.show)(progress);
            unless_interrupted(settings, rehearse(&site, first)).await?;
        }
        let approach = self.by_client(approach);
        let sources = match &settings.sources[..] {
            [] => Means::of_machine().sources(spec, scenario, &nodes),
            named => named.to_vec(),
        };
        let started = SystemTime::now();
        let cpu = usage::process_cpu();
        let count = self.shard_count(&plan);
        let (mut shards, tell) = Shards::none();
        let mut desks = Vec::new();
        for number in 0..count {
            let (desk, words) = desk::way();
            desks.push(desk);
            let pulse = Arc::new(Pulse::default());
            let job = Job {
                number,
                shards: count,
                ground: Ground {
                    plan: plan.clone(),
                    spec: Arc::clone(spec),
                    registry: Arc::clone(&registry),
                    nodes: nodes.clone(),
                    sources: sources.clone(),
                    approach: approach.clone(),
                    clock,
                    recorder: self.recorder(number),
                    tell: tell.clone(),
                },
                pulse: Arc::clone(&pulse),
                stage: shards.stage(),
                server: shards.server(),
                words,
            };
            let spawned = shards.spawn(number, pulse, move || shard::run(job));
            spawned.map_err(|error| Failure::Internal(error.to_string()))?;
        }
        drop(tell);

        let mut users = HttpUsers::launch(World {
            plan: plan.clone(),
            spec: Arc::clone(spec),
            registry: Arc::clone(&registry),
            origins: nodes.iter().map(Endpoint::origin).collect(),
            desks,
            clock,
            interval: Timeline::interval_for(scenario.length()),
        })
        .map_err(Failure::Internal)?;
        let places = self.set_up(&mut shards, count).await?;
        if let Some(users) = &mut users {
            users.ready().await.map_err(Failure::Internal)?;
        }
        let start = clock.now() + BREATH;
        shards.go(start);
        if let Some(users) = &users {
            users.go(start, places);
        }
        let watched = self.watch(&mut shards, users.as_ref(), clock, start, target).await;
        let nanos = clock.now().saturating_sub(start);
        let Watched { mut reports, interrupted, mut notes } = watched;
        let asked = match users {
            Some(users) => Some(users.end().await.map_err(Failure::Internal)?),
            None => None,
        };
        if shards.end() || reports.len() != count as usize {
            return Err(Failure::Internal("a shard panicked".into()));
        }
        // The same order in each run, and in `check`.
        reports.sort_by_key(|report| report.number);
        let used = ProcessUse {
            cpu: usage::process_cpu().saturating_sub(cpu),
            peak_rss: usage::peak_rss(),
        };
        let facts = Facts { plan: &plan, started, nanos, count, used, interrupted };
        let mut measured = facts.add_up(settings, reports, asked, target);
        notes.extend(self.client_notes(&approach));
        if !settings.record {
            notes.push("nothing was recorded (`--record off`): there are no figures".into());
        }
        notes.append(&mut measured.outcome.notes);
        measured.outcome.notes = notes;
        Ok(measured)
    }

    /// The way to the server, by the client that was asked for.
    fn by_client(&self, approach: Approach) -> Approach {
        match self.settings.client {
            ClientKind::Assize => approach,
            #[cfg(feature = "rust_socketio")]
            ClientKind::RustSocketio => {
                approach.by_second(Second::new(self.settings.spec.contract.ack_timeout))
            }
        }
    }

    /// What the reader must know about the client.
    fn client_notes(&self, approach: &Approach) -> Vec<String> {
        match approach {
            #[cfg(feature = "rust_socketio")]
            Approach::Second(second, _) => second.notes(&self.settings.scenario),
            _ => Vec::new(),
        }
    }

    fn shard_count(&self, plan: &Plan) -> u32 {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        self.settings.shards.unwrap_or(cores).clamp(1, plan.most_shards())
    }

    /// A history that cannot be written is no reason not to run.
    fn recorder(&self, number: u32) -> Recorder {
        let settings = self.settings;
        let mut meter = Meter::new(Timeline::interval_for(settings.scenario.length()));
        meter.window = settings.measured.as_deref().map(Window::of);
        meter.pushed_to(settings.spec.traits.echo);
        let bench = settings.judge.then(|| Bench::new(&Charge::of(&settings.spec)));
        let (writer, error) = match settings.history.as_deref().map(|to| self.writer(to, number)) {
            None => (None, None),
            Some(Ok(writer)) => (Some(writer), None),
            Some(Err(error)) => (None, Some(error.to_string())),
        };
        let mut recorder = Recorder::new(meter, bench, writer);
        recorder.write_error = error;
        recorder.deaf = !settings.record;
        recorder
    }

    fn writer(&self, folder: &Path, number: u32) -> io::Result<Writer<BufWriter<File>>> {
        let header = Header {
            schema: stored::SCHEMA,
            run: format!("{:016x}", self.settings.run),
            spec: self.settings.spec.name.clone(),
            shard: number,
        };
        let file = File::create(folder.join(format!("shard-{number}.jsonl")))?;
        Writer::new(BufWriter::with_capacity(1 << 18, file), &header)
    }

    /// Waits until all shards have made their conversations; says how the server calls them, if
    /// anybody but the clients needs to know.
    async fn set_up(&mut self, shards: &mut Shards, count: u32) -> Result<Places, Failure> {
        let mut ready = 0;
        let mut all = Places::default();
        let failure = loop {
            match shards.news(&self.settings.interrupt).await {
                News::Tick => {
                    let progress = self.headway.progress(shards.pulses(), 0, 0);
                    (self.show)(progress);
                }
                News::Told(Told::SetUp(Ok(places))) => {
                    all.extend(places);
                    ready += 1;
                    if ready == count {
                        return Ok(all);
                    }
                }
                News::Told(Told::SetUp(Err(why))) => {
                    let hint = "the server answers, but the plan's conversations cannot be made";
                    break Failure::Unreachable(Unreachable::new(why, hint));
                }
                News::Interrupted => break Failure::Interrupted,
                News::Told(_) | News::Over => {
                    break Failure::Internal("a shard panicked in the setup".into());
                }
            }
        };
        shards.stop();
        while !matches!(shards.news(&Notify::new()).await, News::Over) {}
        Err(failure)
    }

    /// Shows the progress, does to the server what the plan says, and gathers the reports.
    async fn watch(
        &mut self,
        shards: &mut Shards,
        users: Option<&HttpUsers>,
        clock: Clock,
        start: Nanos,
        target: &mut Target,
    ) -> Watched {
        let mut watched = Watched::default();
        let scenario = &self.settings.scenario;
        let mut agenda = Agenda::of(scenario, start);
        loop {
            let news = tokio::select! {
                news = shards.news(&self.settings.interrupt) => news,
                () = agenda.due(clock) => {
                    watched.notes.extend(agenda.next(scenario, shards, target).await);
                    continue;
                }
            };
            match news {
                News::Told(Told::Done(report)) => watched.reports.push(*report),
                News::Told(Told::SetUp(_) | Told::Panicked) => {}
                News::Over => return watched,
                News::Interrupted => {
                    let phase = shards.pulses().first().map_or_else(String::new, |p| p.phase());
                    if !std::mem::replace(&mut watched.interrupted, true) {
                        watched
                            .notes
                            .push(format!("interrupted in phase `{phase}`; no final read"));
                    }
                    shards.stop();
                    users.inspect(|users| users.stop());
                }
                News::Tick => {
                    let progress = self.headway.progress(shards.pulses(), clock.now(), start);
                    (self.show)(progress);
                }
            }
        }
    }
}
