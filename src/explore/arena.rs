//! Where scripts are tried: on one server, many at once and with fresh people each time, or each play in a
//! simulated world of its own.
//!
//! It knows neither where scripts come from nor what becomes of them. Start with [`Arena::open`], then
//! [`Arena::trial`]: the one way in which the search, the shrinker and a replay try a script.

mod worlds;

use crate::conform::{script_lacks, wants_own_server};
use crate::engine::crew::{Crew, News};
use crate::engine::stage::watch::{listens, watch_over};
use crate::engine::stage::{self, Apart, Keep, Play, Played, Site, Stopped, rehearse, rehearsers};
use crate::engine::{Failure, Target, TargetChoice};
use crate::explore::trial::{End, Trial};
use crate::history::PersonId;
use crate::operation::Operation;
use crate::plan::script::Script;
use crate::spec::{Spec, Transports};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use worlds::Worlds;

/// How long a server that has just been accused may take to show that it is still there.
const STILL_THERE: Duration = Duration::from_secs(10);
/// Plays under way for each core, where nothing else is said: with more of them they disturb each other,
/// and a race comes about less often.
const PER_CORE: usize = 8;
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);

/// How a server is seen to be gone.
const GONE: &str = "nobody listens any more where the server was";

/// What scripts are tried on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server's wire and promises.
    pub spec: Arc<Spec>,
    /// What is tried.
    pub target: TargetChoice,
    /// The transport, if not the spec's.
    pub transport: Option<Transports>,
    /// How many plays are under way at once; without it as many as most servers bear.
    pub at_once: Option<u32>,
    /// Tells this run's people and keys from another's.
    pub run: u64,
    /// Each play has a simulated world of its own, which follows from this seed, its script, and how often
    /// that was played before.
    pub simulate: Option<u64>,
    /// Turns true when the user wants to stop.
    pub interrupt: watch::Receiver<bool>,
}

/// Where plays are under way, on threads of their own.
pub struct Arena {
    settings: Settings,
    ground: Ground,
    crew: Crew<Play, Result<Played, Stopped>>,
    /// How many plays are under way at once, at most.
    at_once: usize,
    next: u32,
    /// What ended while something else was waited for.
    aside: VecDeque<(u32, End)>,
    /// What accuses the server, which has not been seen since.
    unsure: Option<(u32, End)>,
    over: Option<Over>,
}

/// What is played on.
enum Ground {
    /// One server, for all plays but those that need one of their own.
    Server(Box<Held>),
    /// Each play has a server of its own, in a simulated world of its own.
    Worlds(Worlds),
}

/// A server that is ready.
struct Held {
    site: Site,
    /// Until it is stopped.
    target: Option<Target>,
    /// Ends, once and for all, when the server is gone.
    death: Pin<Box<dyn Future<Output = String>>>,
    /// Operations of the spec that the server lacks.
    absent: Vec<Operation>,
}

/// Why no further play comes to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The server is gone; says how that was seen.
    Died(String),
    /// The user wanted to stop.
    Interrupted,
}

impl Arena {
    /// Makes the server ready, and sees whether it speaks as the spec says. Simulated worlds need nothing.
    ///
    /// # Errors
    /// The target cannot be tried, or the harness failed.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (ground, crew, at_once) = match settings.simulate {
            Some(seed) => {
                (Ground::Worlds(Worlds::new(seed)), worlds::crew(settings, seed)?, worlds::AHEAD)
            }
            None => {
                // Boxed: whoever opens it has futures of their own around it, and the compiler's patience ends.
                let held = Box::pin(Held::open(settings)).await?;
                let at_once = settings.at_once.map_or(cores * PER_CORE, |count| count as usize);
                let crew = held.crew(settings, at_once)?;
                (Ground::Server(Box::new(held)), crew, at_once)
            }
        };
        Ok(Self {
            settings: settings.clone(),
            ground,
            crew,
            at_once,
            next: 0,
            aside: VecDeque::new(),
            unsure: None,
            over: None,
        })
    }

    /// The server, in words.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.ground {
            Ground::Server(held) => held.target.as_ref().map(Target::name).unwrap_or_default(),
            Ground::Worlds(worlds) => worlds.name(self.settings.target.nodes()),
        }
    }

    /// What the server lacks for a script, if anything.
    #[must_use]
    pub fn lacks(&self, script: &Script) -> Option<String> {
        let Settings { spec, target, .. } = &self.settings;
        script_lacks(script, spec, target).or_else(|| {
            let asked = script.operations();
            let operation = self.absent().iter().find(|absent| asked.contains(absent))?;
            Some(format!("the server does not answer `{operation}`"))
        })
    }

    /// Plays a script so many times side by side, and waits for all of them.
    pub async fn trial(&mut self, script: &Arc<Script>, runs: u32) -> Trial {
        let mut open: Vec<u32> = (0..runs).map(|_| self.give(script)).collect();
        let mut trial = Trial::default();
        let mut others = VecDeque::new();
        while !open.is_empty() {
            match self.next().await {
                Err(over) => {
                    trial.over = Some(over);
                    break;
                }
                Ok((number, end)) => match open.iter().position(|mine| *mine == number) {
                    Some(index) => {
                        open.remove(index);
                        trial.ends.push(end);
                    }
                    None => others.push_back((number, end)),
                },
            }
        }
        others.append(&mut self.aside);
        self.aside = others;
        trial
    }

    /// Lets a script be played once, with people of its own; what comes of it bears the number that is
    /// handed back.
    pub(super) fn give(&mut self, script: &Arc<Script>) -> u32 {
        let number = self.next;
        self.next += 1;
        let lack = self.lacks(script);
        match (&mut self.ground, lack) {
            (Ground::Worlds(worlds), Some(why)) => worlds.ended(number, End::NotRun(why)),
            (Ground::Worlds(worlds), None) => {
                self.crew.give(number as usize, worlds.play(script));
            }
            (Ground::Server(held), lack) => match lack.or_else(|| held.expect(script, number)) {
                Some(why) => self.aside.push_back((number, End::NotRun(why))),
                None => self.crew.give(number as usize, play(number, script)),
            },
        }
        number
    }

    /// The next play that has ended; of simulated ones the next in the order in which they were given. What
    /// a play accuses the server of counts only if the server is there afterwards: of one that is gone,
    /// every play would find fault. Safe to cancel.
    pub(super) async fn next(&mut self) -> Result<(u32, End), Over> {
        if let Some(end) = self.aside.pop_front() {
            return Ok(end);
        }
        loop {
            if let Some(over) = &self.over {
                return Err(over.clone());
            }
            if let Ground::Worlds(worlds) = &mut self.ground
                && let Some(end) = worlds.next()
            {
                return Ok(end);
            }
            if self.unsure.is_some() {
                match self.ground.is_there().await {
                    true => return Ok(self.unsure.take().expect("it was just there")),
                    false => self.over = Some(Over::Died(GONE.into())),
                }
                continue;
            }
            tokio::select! {
                biased;
                () = interrupted(self.settings.interrupt.clone()) => {
                    self.over = Some(Over::Interrupted);
                }
                why = self.ground.death() => self.over = Some(Over::Died(why)),
                news = self.crew.news() => match news {
                    Some(News::Began(_)) => {}
                    Some(News::Ended(number, played)) => {
                        let end = End::of(*played, &self.settings.spec);
                        match &mut self.ground {
                            Ground::Worlds(worlds) => worlds.ended(number as u32, end),
                            Ground::Server(_) if end.accuses() => {
                                self.unsure = Some((number as u32, end));
                            }
                            Ground::Server(_) => return Ok((number as u32, end)),
                        }
                    }
                    None => self.over = Some(Over::Died("the threads that play ended".into())),
                },
            }
        }
    }

    /// Waits so long for the server to end, or for the user to stop.
    pub(super) async fn ends_within(&mut self, lasts: Duration) -> Option<Over> {
        tokio::time::timeout(lasts, self.next()).await.ok()?.err()
    }

    /// Ends everything, whatever is under way.
    pub async fn dismiss(&mut self) {
        self.crew.dismiss();
        if let Ground::Server(held) = &mut self.ground
            && let Some(target) = held.target.take()
        {
            target.stop().await;
        }
    }

    /// How many plays are under way at once, at most.
    pub(super) const fn at_once(&self) -> usize {
        self.at_once
    }

    /// Each play of it takes a server of its own, which has to be launched.
    pub(super) fn is_dear(&self, script: &Script) -> bool {
        matches!(self.settings.target, TargetChoice::Launched(_)) && wants_own_server(script)
    }

    /// Operations of the spec that the server was seen to lack.
    pub(super) fn absent(&self) -> &[Operation] {
        match &self.ground {
            Ground::Server(held) => &held.absent,
            Ground::Worlds(_) => &[],
        }
    }
}

impl Held {
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        let Settings { spec, target: choice, transport, run, .. } = settings;
        let interrupt = settings.interrupt.clone();
        let (target, site) = tokio::select! {
            opened = Site::open(choice, spec, *transport, *run) => {
                opened.map_err(Failure::Unreachable)?
            }
            () = interrupted(interrupt) => return Err(Failure::Interrupted),
        };
        let mut absent = Vec::new();
        if matches!(choice, TargetChoice::Running(_)) {
            let _ = site.registry.expect(&rehearsers(*run));
            let lacking = rehearse(&site, None).await.map_err(Failure::Unreachable)?;
            absent = lacking.into_iter().map(|(operation, _)| operation).collect();
        }
        let death = Box::pin(watch_over(site.clone()));
        Ok(Self { site, target: Some(target), death, absent })
    }

    fn crew(
        &self,
        settings: &Settings,
        at_once: usize,
    ) -> Result<Crew<Play, Result<Played, Stopped>>, Failure> {
        let (at, apart) =
            (self.site.clone(), Apart::of(&settings.target, settings.transport).kept());
        Crew::assemble(Some(at_once as u32), move |play: Play| {
            let (site, apart) = (at.clone(), apart.clone());
            async move {
                match wants_own_server(&play.script) {
                    true => apart.play(&site, &play, Keep::Nothing).await,
                    false => Ok(stage::play(&site, &play, None, Keep::Nothing).await?),
                }
            }
        })
    }

    /// Why the people of a play cannot be had, if they cannot.
    fn expect(&self, script: &Script, number: u32) -> Option<String> {
        let people: Vec<PersonId> = stage::people_of(script, number, self.site.run).collect();
        Some(self.site.registry.expect(&people).err()?.0)
    }
}

impl Ground {
    /// Returns when the server is gone, and says how that was seen.
    async fn death(&mut self) -> String {
        match self {
            Self::Server(held) => (&mut held.death).await,
            Self::Worlds(_) => std::future::pending().await,
        }
    }

    async fn is_there(&self) -> bool {
        let Self::Server(held) = self else { return true };
        let looks = async {
            while !listens(&held.site).await {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(STILL_THERE, looks).await.is_ok()
    }
}

fn play(number: u32, script: &Arc<Script>) -> Play {
    Play { number, script: Arc::clone(script), patience: None, people: None }
}

/// Returns when the user wants to stop.
async fn interrupted(mut interrupt: watch::Receiver<bool>) {
    if interrupt.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could want it.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property;
    use crate::reference::{Bug, Bugs};
    use crate::spec;

    fn trial(bugs: Bugs, script: &str, runs: u32) -> Trial {
        let yaml = include_str!("../../specs/callback-ack.yaml");
        let spec = spec::load("spec", yaml, &property::ids()).expect("a good spec").spec;
        let (_stop, interrupt) = watch::channel(false);
        let settings = Settings {
            spec: Arc::new(spec),
            target: TargetChoice::embedded(bugs),
            transport: None,
            at_once: None,
            run: 11,
            simulate: None,
            interrupt,
        };
        let script = Arc::new(Script::parse(script).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut arena = Arena::open(&settings).await.unwrap_or_else(|_| panic!("a server"));
            let trial = arena.trial(&script, runs).await;
            arena.dismiss().await;
            trial
        })
    }

    const TWICE: &str = "people: ann x2, bob\nann.1 send a | ann.2 send a";

    #[test]
    fn a_race_is_seen_in_most_plays_and_told_in_the_words_of_the_script() {
        let trial = trial(Bugs::NONE.with(Bug::DedupRace), TWICE, 8);
        let (broken, of) = trial.rate("idempotency");
        assert!(of == 8 && broken >= 4 && trial.convicts("idempotency"), "{broken} of {of}");
        let run = trial.runs().find(|run| run.breaks("idempotency")).unwrap();
        assert!(run.broken[0].promised && !run.broken[0].kind().is_empty());
        let told = &run.broken[0].finding.violations[0].exhibits;
        assert!(told.iter().all(|exhibit| !exhibit.text.contains("client ")), "{told:?}");
    }

    #[test]
    fn an_honest_server_is_accused_of_nothing() {
        let trial = trial(Bugs::NONE, TWICE, 8);
        assert_eq!((trial.rate("idempotency"), trial.over), ((0, 8), None));
        assert!(trial.ends.iter().all(|end| !end.accuses()));
    }

    #[test]
    fn what_the_spec_lacks_is_said_and_not_played() {
        let trial = trial(Bugs::NONE, "people: ann, bob\nann hide", 2);
        assert_eq!(trial.obstacles(), ["the spec has no operation `hide`"]);
        assert_eq!(trial.rate("idempotency"), (0, 0));
    }
}
