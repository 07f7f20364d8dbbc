//! The plays of a conformance run: a crew performs them, and a score is kept.
//!
//! The slow plays come first, because the longest timers decide how long the whole takes.

use crate::conform::Catalogued;
use crate::conform::catalogue::Way;
use crate::conform::perform::Settings;
use crate::conform::score::{Numbered, Progress, Score};
use crate::conform::tally::{Copied, Copy};
use crate::conform::wire::{self, WireCase};
use crate::engine::crew::Crew;
use crate::engine::stage::watch::{feel_pulse, watch_over};
use crate::engine::stage::{self, Apart, Keep, Play, Site, Stopped};
use crate::engine::{Failure, Target, TargetChoice};
use crate::history::{ClientId, PersonId};
use crate::plan::dice;
use crate::plan::script::Script;
use crate::verdict::Finding;
use futures_util::future::OptionFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The longest that a newcomer waits for a server that is not starved.
const SOON: Duration = Duration::from_secs(1);
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

/// The crew that plays.
pub(super) struct Troupe {
    crew: Crew<Job, Numbered>,
    /// The one target, if there is one.
    site: Option<Site>,
    pub(super) died: Option<String>,
    /// The cases that were under way when it died, by number.
    pub(super) suspects: Vec<usize>,
    pub(super) interrupted: bool,
}

impl Troupe {
    /// A crew that plays these cases; the plays are numbered from `first`.
    pub(super) fn assemble(
        settings: &Settings,
        place: Place,
        cases: &[&Catalogued],
        first: u32,
    ) -> Result<Self, Failure> {
        let (site, mut crew) = match place {
            Place::Target(site) => {
                let crew = on_target(settings, &site)?;
                (Some(site), crew)
            }
            Place::Worlds(seed) => (None, in_worlds(settings, seed)?),
        };
        for job in queue(cases, first) {
            crew.give(job.case, job);
        }
        crew.close();
        Ok(Self { crew, site, died: None, suspects: Vec::new(), interrupted: false })
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
        // A server in a world of its own is there as long as it is played on.
        let alone = self.site.is_none();
        let (tell, mut signs) = mpsc::unbounded_channel();
        let death = OptionFuture::from(self.site.clone().map(watch_over));
        let pulse = OptionFuture::from(self.site.clone().map(|site| feel_pulse(site, tell)));
        let (mut death, mut pulse) = (std::pin::pin!(death), std::pin::pin!(pulse));
        while score.is_open(self.crew.is_silent()) && !self.interrupted && self.died.is_none() {
            tokio::select! {
                Some(news) = self.crew.news() => score.note(news),
                () = settings.interrupt.notified() => self.interrupted = true,
                Some(why) = &mut death, if !alone => self.died = Some(why),
                Some(sign) = signs.recv(), if !alone => score.settle(sign),
                _ = &mut pulse, if !alone => {}
                _ = tick.tick() => {}
            }
            if alone {
                score.settle(Instant::now());
            }
            show(&score.progress(began.elapsed()));
        }
        self.crew.dismiss();
        match &self.died {
            None => score.settle(Instant::now()),
            Some(_) => self.suspects = score.under_way(),
        }
        let why = self.died.clone().unwrap_or_else(|| "the run was interrupted".to_owned());
        score.close(&why)
    }
}

/// Many plays side by side on the one target.
fn on_target(settings: &Settings, site: &Site) -> Result<Crew<Job, Numbered>, Failure> {
    let (site, apart) = (site.clone(), Apart::of(&settings.target, settings.transport));
    let trace = settings.trace;
    Crew::assemble(settings.at_once, move |job: Job| {
        let (site, apart) = (site.clone(), apart.clone());
        async move { (job.copy, perform(&job, &site, &apart, trace).await) }
    })
}

/// Each play in a simulated world of its own. Who takes part follows from case and copy alone, so that a
/// case is the same by itself, among others, and whichever thread plays it.
fn in_worlds(settings: &Settings, seed: u64) -> Result<Crew<Job, Numbered>, Failure> {
    let (spec, trace) = (Arc::clone(&settings.spec), settings.trace);
    let apart = Apart::of(&settings.target, settings.transport);
    Crew::one_by_one(settings.at_once, move |job: Job| {
        let job = Job { number: job.copy, ..job };
        let seed = dice::mix(seed, dice::word(&job.catalogued.name), u64::from(job.copy));
        let copied = apart.simulate(&spec, seed, async |site, target| {
            perform_alone(&job, site, target, trace).await
        });
        (job.copy, copied)
    })
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
fn queue(cases: &[&Catalogued], first: u32) -> Vec<Job> {
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

/// Plays one copy, on a server of its own if the case handles the server.
async fn perform(job: &Job, site: &Site, apart: &Apart, trace: bool) -> Copied {
    let case = &job.catalogued;
    let script = match &case.way {
        Way::Wire(case) => {
            let foreign = !matches!(apart.choice(), TargetChoice::Embedded(_));
            return Ok(perform_wire(case, job.number, site, foreign, trace).await);
        }
        Way::Play(_, _, script) => script,
    };
    let play = play_of(job, script);
    let played = match case.wants_own_server() {
        true => apart.play(site, &play, keep(trace)).await?,
        false => stage::play(site, &play, None, keep(trace)).await?,
    };
    Ok(Copy::of_play(case.property, played))
}

fn play_of(job: &Job, script: &Arc<Script>) -> Play {
    Play { number: job.number, script: Arc::clone(script), patience: None, people: None }
}

const fn keep(trace: bool) -> Keep {
    if trace { Keep::Packets } else { Keep::Nothing }
}

/// Plays one copy on a server that nobody else knows, and that suffers what the case does to it.
async fn perform_alone(job: &Job, site: &Site, target: &mut Target, trace: bool) -> Copied {
    let everybody: Vec<PersonId> = cast_of(job, site.run).chain([PersonId(0)]).collect();
    site.registry.expect(&everybody).map_err(|why| Stopped::NoServer(why.0))?;
    let case = &job.catalogued;
    match &case.way {
        Way::Wire(case) => Ok(perform_wire(case, job.number, site, false, trace).await),
        Way::Play(_, _, script) => {
            let played =
                stage::play(site, &play_of(job, script), Some(target), keep(trace)).await?;
            Ok(Copy::of_play(case.property, played))
        }
    }
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
