//! Plays one script several times, with fresh people each time, and says for each what the judges found.
//!
//! It knows neither where scripts come from nor what becomes of them. Start with [`Arena::open`], then
//! [`Arena::trial`]: the one way in which the search, the shrinker and a replay try a script.

use crate::conform::{Names, is_timed, script_lacks, wants_own_server};
use crate::engine::crew::{Crew, News};
use crate::engine::stage::watch::{listens, watch_over};
use crate::engine::stage::{self, Apart, Keep, Play, Played, Site, Stopped, rehearse, rehearsers};
use crate::engine::{Failure, Target, TargetChoice};
use crate::explore::scene::scene;
use crate::history::{ClientId, Entry, Nanos, PersonId};
use crate::operation::Operation;
use crate::outcome::exploration::Scene;
use crate::plan::script::Script;
use crate::property;
use crate::spec::{Spec, Transports};
use crate::verdict::Finding;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

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
    /// Turns true when the user wants to stop.
    pub interrupt: watch::Receiver<bool>,
}

/// A server that is ready, and the threads that play scripts on it.
pub struct Arena {
    settings: Settings,
    site: Site,
    /// Until it is stopped.
    target: Option<Target>,
    crew: Crew<Play, Result<Played, Stopped>>,
    /// Ends, once and for all, when the server is gone.
    death: Pin<Box<dyn Future<Output = String>>>,
    /// Operations of the spec that the server lacks.
    absent: Vec<Operation>,
    /// How many plays are under way at once, at most.
    at_once: usize,
    next: u32,
    under_way: usize,
    /// What ended while something else was waited for.
    aside: VecDeque<(u32, End)>,
    /// What accuses the server, which has not been seen since.
    unsure: Option<(u32, End)>,
    over: Option<Over>,
}

/// Why no further play comes to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The server is gone; says how that was seen.
    Died(String),
    /// The user wanted to stop.
    Interrupted,
}

/// What came of a script that was played several times.
#[derive(Debug, Default)]
pub struct Trial {
    /// What came of each play, in the order in which they ended.
    pub ends: Vec<End>,
    /// Why there are fewer than asked for, if so.
    pub over: Option<Over>,
}

/// What came of one play.
#[derive(Debug)]
pub enum End {
    /// The judges have spoken.
    Judged(Box<Run>),
    /// There is nothing to judge; says why.
    NotRun(String),
}

/// One play that was judged.
#[derive(Debug, Default)]
pub struct Run {
    /// The properties that were broken, promised or not; one that was broken in several ways stands there
    /// for each of them.
    pub broken: Vec<Broken>,
    /// What might have been the generator's or a fault's doing, by property.
    pub doubts: Vec<(&'static str, String)>,
    /// What did not go as the script says.
    pub hitches: Vec<String>,
    /// The whole history.
    pub entries: Vec<Entry>,
    /// What the clients are called in the script.
    pub names: Vec<(ClientId, String)>,
    /// How long it took, in nanoseconds.
    pub nanos: Nanos,
}

/// What plays are looked at for: a property, broken in one way or in any.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The property's id.
    pub property: &'a str,
    /// What is wrong, in the words of [`Broken::kind`]; without it, whatever is.
    pub kind: Option<&'a str>,
}

impl<'a> From<&'a str> for Sought<'a> {
    fn from(property: &'a str) -> Self {
        Self { property, kind: None }
    }
}

impl<'a> From<&'a String> for Sought<'a> {
    fn from(property: &'a String) -> Self {
        property.as_str().into()
    }
}

impl Sought<'_> {
    fn is(&self, broken: &Broken) -> bool {
        broken.property == self.property && self.kind.is_none_or(|kind| broken.kind() == kind)
    }
}

/// A property that one play broke in one way.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its id.
    pub property: &'static str,
    /// The spec promises it.
    pub promised: bool,
    /// The arguments, all of one kind, in the words of the script.
    pub finding: Finding,
    /// The play of the first violation, in the words of the script.
    pub scene: Scene,
}

impl Arena {
    /// Makes the server ready, and sees whether it speaks as the spec says.
    ///
    /// # Errors
    /// The target cannot be tried, or the harness failed.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
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
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let at_once = settings.at_once.map_or(cores * PER_CORE, |count| count as usize);
        let (at, apart) = (site.clone(), Apart::of(choice, *transport).kept());
        let crew = Crew::assemble(Some(at_once as u32), move |play: Play| {
            let (site, apart) = (at.clone(), apart.clone());
            async move {
                match wants_own_server(&play.script) {
                    true => apart.play(&site, &play, Keep::Nothing).await,
                    false => Ok(stage::play(&site, &play, None, Keep::Nothing).await?),
                }
            }
        })?;
        Ok(Self {
            settings: settings.clone(),
            death: Box::pin(watch_over(site.clone())),
            site,
            target: Some(target),
            crew,
            absent,
            at_once,
            next: 0,
            under_way: 0,
            aside: VecDeque::new(),
            unsure: None,
            over: None,
        })
    }

    /// The server, in words.
    #[must_use]
    pub fn target(&self) -> String {
        self.target.as_ref().map(Target::name).unwrap_or_default()
    }

    /// What the server lacks for a script, if anything.
    #[must_use]
    pub fn lacks(&self, script: &Script) -> Option<String> {
        let Settings { spec, target, .. } = &self.settings;
        script_lacks(script, spec, target).or_else(|| {
            let asked = script.operations();
            let operation = self.absent.iter().find(|absent| asked.contains(absent))?;
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
                        open.swap_remove(index);
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
        let PersonId(first) = stage::first_person(number, self.site.run);
        let people: Vec<PersonId> = (first..).take(script.people.len()).map(PersonId).collect();
        let lack = self.lacks(script).or_else(|| Some(self.site.registry.expect(&people).err()?.0));
        match lack {
            Some(why) => self.aside.push_back((number, End::NotRun(why))),
            None => {
                let script = Arc::clone(script);
                self.crew
                    .give(number as usize, Play { number, script, patience: None, people: None });
                self.under_way += 1;
            }
        }
        number
    }

    /// The next play that has ended. What a play accuses the server of counts only if the server is
    /// there afterwards: of one that is gone, every play would find fault. Safe to cancel.
    pub(super) async fn next(&mut self) -> Result<(u32, End), Over> {
        if let Some(end) = self.aside.pop_front() {
            return Ok(end);
        }
        loop {
            if let Some(over) = &self.over {
                return Err(over.clone());
            }
            if self.unsure.is_some() {
                match self.is_there().await {
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
                why = &mut self.death => self.over = Some(Over::Died(why)),
                news = self.crew.news() => match news {
                    Some(News::Began(_)) => {}
                    Some(News::Ended(number, played)) => {
                        self.under_way -= 1;
                        let end = (number as u32, self.end(*played));
                        if !end.1.accuses() {
                            return Ok(end);
                        }
                        self.unsure = Some(end);
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
        if let Some(target) = self.target.take() {
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
        &self.absent
    }

    async fn is_there(&self) -> bool {
        let looks = async {
            while !listens(&self.site).await {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(STILL_THERE, looks).await.is_ok()
    }

    fn end(&self, played: Result<Result<Played, Stopped>, String>) -> End {
        match played {
            Err(how) => End::NotRun(format!("the harness failed: {how}")),
            Ok(Err(Stopped::Broken(why) | Stopped::NoServer(why) | Stopped::NotReached(why))) => {
                End::NotRun(why)
            }
            Ok(Ok(played)) => End::Judged(Box::new(Run::of(played, &self.settings.spec))),
        }
    }
}

impl Trial {
    /// The plays that were judged.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.ends.iter().filter_map(|end| match end {
            End::Judged(run) => Some(&**run),
            End::NotRun(_) => None,
        })
    }

    /// In how many plays a property was broken, and how many tell: those that hold something else against
    /// it than the server's doing do not.
    #[must_use]
    pub fn rate<'a>(&self, sought: impl Into<Sought<'a>>) -> (u32, u32) {
        let sought = sought.into();
        let broken = self.runs().filter(|run| run.breaks(sought)).count();
        let doubtful = self.runs().filter(|run| !run.tells(sought));
        (broken as u32, (self.runs().count() - doubtful.count()) as u32)
    }

    /// The property is broken beyond doubt: what rests on time has to happen twice.
    #[must_use]
    pub fn convicts<'a>(&self, sought: impl Into<Sought<'a>>) -> bool {
        let sought = sought.into();
        let (broken, _) = self.rate(sought);
        broken >= least(sought.property)
    }

    /// Why plays were not judged, each reason once.
    #[must_use]
    pub fn obstacles(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for end in &self.ends {
            if let End::NotRun(why) = end
                && !all.contains(&why.as_str())
            {
                all.push(why);
            }
        }
        all
    }
}

/// Returns when the user wants to stop.
async fn interrupted(mut interrupt: watch::Receiver<bool>) {
    if interrupt.wait_for(|stop| *stop).await.is_err() {
        // Nobody is left who could want it.
        std::future::pending::<()>().await;
    }
}

/// In how many plays a property must be broken before it counts: an event that was seen proves itself,
/// one that was missing may have been late for once.
#[must_use]
pub fn least(property: &str) -> u32 {
    if is_timed(property) { 2 } else { 1 }
}

impl End {
    fn accuses(&self) -> bool {
        matches!(self, Self::Judged(run) if !run.broken.is_empty())
    }
}

impl Run {
    fn of(played: Played, spec: &Spec) -> Self {
        let ids = property::ALL.iter().map(|property| property.page().id);
        let words = Names { clients: &played.names, messages: &played.labels };
        let mut run = Self::default();
        for (id, finding) in ids.zip(played.findings) {
            run.doubts.extend(finding.doubts.iter().map(|doubt| (id, doubt.clone())));
            let promised = spec.promise(id).is_some();
            for mut finding in by_kind(&finding) {
                let scene = finding.violations.first().map(|violation| {
                    let mut scene = scene(&played.entries, violation);
                    words.put_into_lines(&mut scene.exhibits);
                    scene
                });
                finding.violations.iter_mut().for_each(|violation| words.put_into(violation));
                let scene = scene.unwrap_or_default();
                run.broken.push(Broken { property: id, promised, finding, scene });
            }
        }
        Self {
            hitches: played.hitches,
            entries: played.entries,
            names: played.names,
            nanos: played.nanos,
            ..run
        }
    }

    /// The play broke this property.
    #[must_use]
    pub fn breaks<'a>(&self, sought: impl Into<Sought<'a>>) -> bool {
        self.broken_of(sought).is_some()
    }

    /// How the play broke this property, if it did.
    #[must_use]
    pub fn broken_of<'a>(&self, sought: impl Into<Sought<'a>>) -> Option<&Broken> {
        let sought = sought.into();
        self.broken.iter().find(|broken| sought.is(broken))
    }

    /// It says something of this property: it was broken, or nothing else may explain what was seen.
    #[must_use]
    pub fn tells<'a>(&self, sought: impl Into<Sought<'a>>) -> bool {
        let sought = sought.into();
        self.breaks(sought) || !self.doubts(sought.property)
    }

    fn doubts(&self, property: &str) -> bool {
        self.doubts.iter().any(|(id, _)| *id == property)
    }
}

impl Broken {
    /// What is wrong, in one sentence without times or names: the kind of its violations.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.finding.violations.first().map_or("", |violation| &violation.summary)
    }
}

/// One finding for each kind of violation.
fn by_kind(finding: &Finding) -> Vec<Finding> {
    let specimens = finding.specimens().map(|(first, count)| Finding {
        observations: finding.observations,
        violation_count: count,
        kinds: vec![(first.summary.clone(), count)],
        violations: {
            let all = finding.violations.iter();
            all.filter(|violation| violation.summary == first.summary).cloned().collect()
        },
        ..Finding::default()
    });
    specimens.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn each_way_in_which_a_property_is_broken_stands_for_itself() {
        let violation = |summary: &str| crate::verdict::Violation {
            summary: summary.into(),
            exhibits: Vec::new(),
            therefore: String::new(),
            but: String::new(),
        };
        let mut finding = Finding::default();
        for kind in ["a gap", "twice", "a gap"] {
            finding.violate(|| violation(kind));
        }
        let kinds = by_kind(&finding);
        let counts: Vec<(usize, u64)> =
            kinds.iter().map(|kind| (kind.violations.len(), kind.violation_count)).collect();
        assert_eq!(counts, [(2, 2), (1, 1)]);
        let broken = kinds.into_iter().map(|finding| Broken {
            property: "ordering",
            promised: true,
            finding,
            scene: Scene::default(),
        });
        let run = Run { broken: broken.collect(), ..Run::default() };
        let sought = |kind| Sought { property: "ordering", kind: Some(kind) };
        assert!(run.breaks("ordering") && run.breaks(sought("twice")));
        assert!(!run.breaks(sought("lost")) && !run.breaks("idempotency"));
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
