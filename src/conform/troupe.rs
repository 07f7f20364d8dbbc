//! The plays of a conformance run: a crew performs them, and a score is kept.
//!
//! The slow plays come first, because the longest timers decide how long the whole takes.

use crate::conform::Catalogued;
use crate::conform::catalogue::Way;
use crate::conform::perform::Settings;
use crate::conform::score::{Progress, Score};
use crate::conform::tally::{Copied, Copy};
use crate::conform::wire::{self, WireCase};
use crate::engine::crew::Crew;
use crate::engine::stage::watch::{feel_pulse, watch_over};
use crate::engine::stage::{self, Apart, Keep, Play, Site};
use crate::engine::{Failure, TargetChoice};
use crate::history::{ClientId, PersonId};
use crate::verdict::Finding;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The longest that a newcomer waits for a server that is not starved.
const SOON: Duration = Duration::from_secs(1);
/// How often there is progress to show.
const TICK: Duration = Duration::from_millis(200);

/// One play: a copy of a case.
struct Job {
    /// The case, by its position among the chosen ones.
    case: usize,
    /// Unlike that of any other play of the run.
    number: u32,
    catalogued: Catalogued,
}

/// The crew that plays.
pub(super) struct Troupe {
    crew: Crew<Job, Copied>,
    site: Site,
    pub(super) died: Option<String>,
    /// The cases that were under way when it died, by number.
    pub(super) suspects: Vec<usize>,
    pub(super) interrupted: bool,
}

impl Troupe {
    /// A crew that plays these cases; the plays are numbered from `first`.
    pub(super) fn assemble(
        settings: &Settings,
        site: &Site,
        cases: &[&Catalogued],
        first: u32,
    ) -> Result<Self, Failure> {
        let (at, apart) = (site.clone(), Apart::of(&settings.target, settings.transport));
        let trace = settings.trace;
        let mut crew = Crew::assemble(settings.at_once, move |job| {
            let (site, apart) = (at.clone(), apart.clone());
            async move { perform(&job, &site, &apart, trace).await }
        })?;
        for job in queue(cases, first) {
            crew.give(job.case, job);
        }
        crew.close();
        let site = site.clone();
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
        let mut death = std::pin::pin!(watch_over(self.site.clone()));
        let (tell, mut signs) = mpsc::unbounded_channel();
        let mut pulse = std::pin::pin!(feel_pulse(self.site.clone(), tell));
        while score.is_open(self.crew.is_silent()) && !self.interrupted && self.died.is_none() {
            tokio::select! {
                Some(news) = self.crew.news() => score.note(news),
                () = settings.interrupt.notified() => self.interrupted = true,
                why = &mut death => self.died = Some(why),
                Some(sign) = signs.recv() => score.settle(sign),
                () = &mut pulse => {}
                _ = tick.tick() => {}
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

/// Everybody who has a part in these cases, the first person of all included, who knocks.
pub(super) fn people(cases: &[&Catalogued], run: u64) -> Vec<PersonId> {
    let plays = queue(cases, 0).into_iter().flat_map(|job| {
        let PersonId(first) = stage::first_person(job.number, run);
        (first..first + parts(&job.catalogued)).map(PersonId)
    });
    std::iter::once(PersonId(0)).chain(plays).collect()
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
        .flat_map(|case| (0..cases[case].copies).map(move |_| (case, cases[case])));
    let jobs = copies.zip(first..).map(|((case, catalogued), number)| Job {
        case,
        number,
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
        Way::Play(_, _, script) => Arc::clone(script),
    };
    let play = Play { number: job.number, script, patience: None, people: None };
    let keep = if trace { Keep::Packets } else { Keep::Nothing };
    let played = match case.wants_own_server() {
        true => apart.play(site, &play, keep).await?,
        false => stage::play(site, &play, None, keep).await?,
    };
    Ok(Copy::of_play(case.property, played))
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
