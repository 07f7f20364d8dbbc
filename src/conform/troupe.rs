//! The threads that play: each core has one with its own runtime, and all take from one queue.
//!
//! The slow plays come first, because the longest timers decide how long the whole takes.

use crate::conform::Catalogued;
use crate::conform::catalogue::Way;
use crate::conform::perform::Settings;
use crate::conform::score::{News, Progress, Score};
use crate::conform::tally::{Copied, Copy, Stopped};
use crate::conform::watch::{feel_pulse, watch_over};
use crate::conform::wire::{self, WireCase};
use crate::engine::stage::{self, Keep, Play, Site};
use crate::engine::{Failure, Target, TargetChoice};
use crate::history::{ClientId, PersonId};
use crate::plan::dice;
use crate::spec::{Spec, Transports};
use crate::verdict::Finding;
use crate::world;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::LocalSet;
use tokio::time::Instant;

/// Plays that a thread has under way at once, where the server bears as many.
const AT_ONCE: usize = 64;
/// Servers of their own that run at once, besides the target, where each is a process or more:
/// too many would starve the machine, and with it what they are tried for.
const OWN_AT_ONCE: usize = 2;
/// The longest that a newcomer waits for a server that is not starved.
const SOON: Duration = Duration::from_secs(1);
/// Longer than any play: nothing in a simulated world would ever notice that it hangs.
const ENDLESS: Duration = Duration::from_secs(24 * 3600);
/// How often there is progress to show.
const TICK: Duration = Duration::from_millis(200);

/// Where cases are played.
#[derive(Clone)]
pub(super) enum Place {
    /// On the one target.
    Target(Site),
    /// Each copy in a simulated world of its own; all follow from this seed.
    Worlds(u64),
}

/// One play: a copy of a case.
struct Job {
    /// The case, by its position among the chosen ones.
    case: usize,
    /// Unlike that of any other play of the run.
    number: u32,
    /// Which of the case's copies it is.
    copy: u32,
    catalogued: Catalogued,
}

/// The threads that play.
pub(super) struct Troupe {
    threads: Vec<JoinHandle<()>>,
    news: mpsc::UnboundedReceiver<News>,
    stop: watch::Sender<bool>,
    place: Place,
    pub(super) died: Option<String>,
    /// The cases that were under way when it died, by number.
    pub(super) suspects: Vec<usize>,
    pub(super) interrupted: bool,
}

impl Troupe {
    /// Threads that play these cases; the plays are numbered from `first`.
    pub(super) fn assemble(
        settings: &Settings,
        place: Place,
        cases: &[&Catalogued],
        first: u32,
    ) -> Result<Self, Failure> {
        let queue = Arc::new(Mutex::new(queue(cases, first)));
        let (tell, news) = mpsc::unbounded_channel();
        let stop = watch::Sender::new(false);
        let own = Arc::new(Semaphore::new(own_at_once(&settings.target)));
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let most = settings.at_once.map_or(usize::MAX, |count| count as usize);
        let count = cores.min(8).min(most);
        let mut threads = Vec::new();
        for number in 0..count {
            // What does not divide goes to the first ones.
            let at_once = AT_ONCE.min(most / count + usize::from(number < most % count));
            let stage = Stage {
                queue: Arc::clone(&queue),
                spec: Arc::clone(&settings.spec),
                choice: settings.target.clone(),
                own: Arc::clone(&own),
                transport: settings.transport,
                trace: settings.trace,
                at_once,
                tell: tell.clone(),
                stop: stop.subscribe(),
            };
            let place = place.clone();
            let run = move || match place {
                Place::Target(site) => stage.run(site),
                Place::Worlds(seed) => stage.travel(seed),
            };
            let thread = Builder::new().name(format!("stage-{number}")).spawn(run);
            threads.push(thread.map_err(|error| Failure::Internal(error.to_string()))?);
        }
        let suspects = Vec::new();
        Ok(Self { threads, news, stop, place, died: None, suspects, interrupted: false })
    }

    /// Waits for all plays; what came of the copies of each case.
    pub(super) async fn perform(
        &mut self,
        settings: &Settings,
        cases: &[&Catalogued],
        show: &mut impl FnMut(&Progress),
    ) -> Vec<Vec<Copied>> {
        let mut score = Score::new(cases);
        let began = Instant::now();
        let mut tick = tokio::time::interval(TICK);
        let mut death = std::pin::pin!(watch_over(self.place.clone()));
        let (tell, mut signs) = mpsc::unbounded_channel();
        let mut pulse = std::pin::pin!(feel_pulse(self.place.clone(), tell));
        while score.is_open(self.news.is_closed()) && !self.interrupted && self.died.is_none() {
            tokio::select! {
                Some(news) = self.news.recv() => score.note(news),
                () = settings.interrupt.notified() => self.interrupted = true,
                why = &mut death => self.died = Some(why),
                Some(sign) = signs.recv() => score.settle(sign),
                () = &mut pulse => {}
                _ = tick.tick() => {}
            }
            show(&score.progress(began.elapsed()));
        }
        self.stop.send_replace(true);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        match &self.died {
            None => score.settle(Instant::now()),
            Some(_) => self.suspects = score.under_way(),
        }
        let why = self.died.clone().unwrap_or_else(|| "the run was interrupted".to_owned());
        score.close(&why)
    }
}

/// How many servers of cases' own may run at once; the embedded ones are threads that cost little.
fn own_at_once(choice: &TargetChoice) -> usize {
    match choice {
        TargetChoice::Launched(_) => OWN_AT_ONCE,
        TargetChoice::Embedded(_) | TargetChoice::Running(_) => Semaphore::MAX_PERMITS,
    }
}

/// Everybody who has a part in these cases, the first person of all included, who knocks.
pub(super) fn people(cases: &[&Catalogued], run: u64) -> Vec<PersonId> {
    let plays = queue(cases, 0).into_iter().flat_map(|job| cast_of(&job, run));
    std::iter::once(PersonId(0)).chain(plays).collect()
}

/// Everybody who has a part in a play.
fn cast_of(job: &Job, run: u64) -> impl Iterator<Item = PersonId> + use<> {
    let PersonId(first) = stage::first_person(job.number, run);
    (first..first + parts(&job.catalogued)).map(PersonId)
}

/// How many people all copies of a case have a part for.
pub(super) fn cast(case: &Catalogued) -> usize {
    (parts(case) * case.copies) as usize
}

fn parts(case: &Catalogued) -> u32 {
    match &case.way {
        Way::Wire(_) => wire::PEOPLE,
        Way::Play(_, _, script) => script.people.len() as u32,
    }
}

/// All plays, the slow ones first, the copies of a case one after the other.
fn queue(cases: &[&Catalogued], first: u32) -> VecDeque<Job> {
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by_key(|case| cases[*case].quick);
    let copies = order
        .into_iter()
        .flat_map(|case| (0..cases[case].copies).map(move |copy| (case, copy, cases[case])));
    let jobs = copies.zip(first..).map(|((case, copy, catalogued), number)| Job {
        case,
        number,
        copy,
        catalogued: catalogued.clone(),
    });
    jobs.collect()
}

/// What one thread plays with.
struct Stage {
    queue: Arc<Mutex<VecDeque<Job>>>,
    spec: Arc<Spec>,
    choice: TargetChoice,
    /// A permit for each server of a case's own that may run.
    own: Arc<Semaphore>,
    transport: Option<Transports>,
    trace: bool,
    at_once: usize,
    tell: mpsc::UnboundedSender<News>,
    stop: watch::Receiver<bool>,
}

impl Stage {
    /// Plays on the one target.
    fn run(self, site: Site) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Without a runtime the copies stay open, and the run ends when all threads have.
        if let Ok(runtime) = runtime {
            LocalSet::new().block_on(&runtime, self.live(site));
            runtime.shutdown_background();
        }
    }

    async fn live(mut self, site: Site) {
        let mut plays = FuturesUnordered::new();
        loop {
            while plays.len() < self.at_once
                && let Some(job) = self.next()
            {
                let _ = self.tell.send(News::Began(job.case));
                let (site, choice) = (site.clone(), self.choice.clone());
                let (transport, trace, case) = (self.transport, self.trace, job.case);
                let own = Arc::clone(&self.own);
                let play = tokio::task::spawn_local(async move {
                    perform(&job, &site, &choice, &own, transport, trace).await
                });
                plays.push(async move { (case, play.await) });
            }
            tokio::select! {
                Some((case, joined)) = plays.next() => {
                    let copied = joined.unwrap_or_else(|error| {
                        Err(Stopped::Broken(format!("the case panicked: {error}")))
                    });
                    let _ = self.tell.send(News::Ended(case, Box::new(copied)));
                }
                _ = self.stop.wait_for(|stop| *stop) => return,
                else => return,
            }
        }
    }

    /// Plays in one world after the other. Who takes part follows from case and copy alone, so that a
    /// case is the same by itself, among others, and whichever thread plays it.
    fn travel(self, seed: u64) {
        while let Some(mut job) = self.next().filter(|_| !*self.stop.borrow()) {
            let _ = self.tell.send(News::Began(job.case));
            job.number = job.copy;
            let seed = dice::mix(seed, dice::word(&job.catalogued.name), u64::from(job.copy));
            let (choice, spec, trace) = (&self.choice, &self.spec, self.trace);
            let lived = catch_unwind(AssertUnwindSafe(|| {
                world::simulate(seed, async || {
                    perform_alone(&job, spec, choice, self.transport, seed, trace).await
                })
            }));
            let copied = match lived {
                Ok(Ok(copied)) => copied,
                Ok(Err(error)) => Err(Stopped::NoServer(error.to_string())),
                Err(_) => Err(Stopped::Broken("the case panicked".into())),
            };
            let _ = self.tell.send(News::Ended(job.case, Box::new(copied)));
        }
    }

    fn next(&self) -> Option<Job> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Plays one copy, on a server of its own if the case handles the server.
async fn perform(
    job: &Job,
    site: &Site,
    choice: &TargetChoice,
    own: &Semaphore,
    transport: Option<Transports>,
    trace: bool,
) -> Copied {
    if !job.catalogued.wants_own_server() {
        return perform_on(job, site, None, !is_embedded(choice), trace).await;
    }
    let _permit = own.acquire().await;
    let opened = Site::open(choice, &site.spec, transport, site.run).await;
    let (mut target, mut its) = opened.map_err(Stopped::of_server)?;
    its.clock = site.clock;
    let copied = perform_on(job, &its, Some(&mut target), false, trace).await;
    target.stop().await;
    copied
}

/// Plays one copy on a server that nobody else knows.
async fn perform_alone(
    job: &Job,
    spec: &Arc<Spec>,
    choice: &TargetChoice,
    transport: Option<Transports>,
    run: u64,
    trace: bool,
) -> Copied {
    let opened = Site::open(choice, spec, transport, run).await;
    let (mut target, site) = opened.map_err(Stopped::of_server)?;
    let cast: Vec<PersonId> = std::iter::once(PersonId(0)).chain(cast_of(job, run)).collect();
    site.registry.expect(&cast).map_err(|why| Stopped::NoServer(why.0))?;
    let play = perform_on(job, &site, Some(&mut target), false, trace);
    let copied = tokio::time::timeout(ENDLESS, play).await;
    target.stop().await;
    copied.unwrap_or_else(|_| Err(Stopped::Broken("the case did not end in a day".into())))
}

/// Plays one copy on this server; `target`, if it is the case's own, suffers what the case does to it.
async fn perform_on(
    job: &Job,
    site: &Site,
    target: Option<&mut Target>,
    foreign: bool,
    trace: bool,
) -> Copied {
    let case = &job.catalogued;
    let script = match &case.way {
        Way::Wire(case) => return Ok(perform_wire(case, job.number, site, foreign, trace).await),
        Way::Play(_, _, script) => Arc::clone(script),
    };
    let play = Play { number: job.number, script, patience: None, people: None };
    let keep = if trace { Keep::Packets } else { Keep::Nothing };
    let played = stage::play(site, &play, target, keep).await?;
    Ok(Copy::of_play(case.property, played))
}

fn is_embedded(choice: &TargetChoice) -> bool {
    matches!(choice, TargetChoice::Embedded(_))
}

/// Somebody who connects now is served soon.
async fn serves_others(site: &Site) -> bool {
    matches!(tokio::time::timeout(SOON, site.knock()).await, Ok(Ok(())))
}

/// Performs a case of the wire's chapters. A foreign server is a process of its own, which other
/// processes can starve without our being late ourselves: what it did not do while it served nobody
/// is a doubt.
async fn perform_wire(
    case: &WireCase,
    number: u32,
    site: &Site,
    foreign: bool,
    trace: bool,
) -> Copy {
    let place = wire::Site {
        endpoint: site.endpoint.clone(),
        spec: Arc::clone(&site.spec),
        registry: Arc::clone(&site.registry),
        clock: site.clock,
        person: stage::first_person(number, site.run),
        trace,
    };
    let began = site.clock.now();
    let mut performed = wire::perform(case, &place).await;
    if performed.finding.violation_count > 0 && foreign && !serves_others(site).await {
        let excuse = "the server did not serve anybody else in time, either";
        let first = performed.finding.violations.pop();
        let doubt = first.map(|first| format!("{}; but {excuse}", first.therefore));
        performed.finding = Finding { doubts: doubt.into_iter().collect(), ..Finding::default() };
    }
    let PersonId(first) = place.person;
    let names = ["the case", "the bystander", "the newcomer"].into_iter().zip(first..);
    let names = names.map(|(name, client)| (ClientId(client), name.to_owned()));
    Copy {
        names: names.collect(),
        finding: performed.finding,
        trace: if trace { performed.trace } else { Vec::new() },
        nanos: site.clock.now().saturating_sub(began),
        ..Copy::default()
    }
}
