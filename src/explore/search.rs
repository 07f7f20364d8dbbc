//! The search: several plans at once, the corpus first, every property judges every plan.
//!
//! What fails is kept at once and played again. What rests on time must happen again before it counts.
//! Nothing here knows files or the terminal: what is found is handed to whoever keeps it. Start with
//! [`search`].

mod fall;

use crate::engine::{Failure, TargetChoice};
use crate::explore::contest::Rate;
use crate::explore::generate::{Generator, Palette};
use crate::explore::offsets::Offsets;
use crate::explore::shrink::{self, Trials, example};
use crate::explore::spread::spreads;
use crate::explore::trial::{self, Arena, Broken, End, Over, Run, Trial};
use crate::history::{ClientId, Nanos};
use crate::outcome::exploration::{Defect, Exploration, SCHEMA, Shrinkage};
use crate::plan::saved::{SURVIVAL, Saved};
use crate::plan::script::Script;
use crate::property;
use crate::spec::Spec;
use crate::verdict::Violation;
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Plays of a plan that has failed, to see how often it does.
const AGAIN: u32 = 20;
/// Plays of a plan of the corpus.
const KNOWN: u32 = 10;
/// Plays of a plan whose failure rests on time, a few at a time so that the machine is not busy, and in
/// how many of them it must fail.
const TIMED: (u32, u32) = (3, 4);
const TIMED_FAILS: u32 = 2;
/// How often there is progress to show.
const TICK: Duration = Duration::from_millis(200);
/// Plays under way for each core, where nothing else is said.
const PER_CORE: usize = 8;
/// Plans in a row that cannot be played before the search gives up.
const HOPELESS: u64 = 50;

/// What is searched, and for how long.
pub struct Settings {
    /// What scripts are tried on.
    pub arena: trial::Settings,
    /// Where the plans come from.
    pub seed: u64,
    /// How long it may take.
    pub budget: Duration,
    /// The properties that are looked at; without any, all.
    pub only: Vec<String>,
    /// The search goes on when a promised property was found broken.
    pub keep_going: bool,
    /// Plans may restart a server that the harness has launched.
    pub restarts: bool,
    /// What may be spent to make a plan smaller; nothing: it stays as it was found.
    pub shrink: Option<shrink::Budget>,
    /// Plans that failed before, with the names of their files.
    pub corpus: Vec<(String, Saved)>,
}

/// How far it is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Plans that were judged.
    pub plans: u64,
    /// How long it took so far.
    pub elapsed: Duration,
    /// How long it may take.
    pub budget: Duration,
    /// Defects of promised properties so far, and of others.
    pub failures: usize,
    /// Defects of properties that nobody promised.
    pub findings: usize,
    /// What is done at the moment, if it is not the search itself.
    pub doing: Option<String>,
}

/// A property that was broken in one way, and the smallest plan that did it.
#[derive(Clone, Debug)]
pub struct Find {
    /// Its id, or [`SURVIVAL`].
    pub property: String,
    /// The spec promises it.
    pub promised: bool,
    /// What is wrong, in one sentence without times or names.
    pub seen: String,
    /// The plan.
    pub script: Arc<Script>,
    /// Which of the search's plans it is; none of a plan of the corpus.
    pub plan: Option<u64>,
    /// In how many plays of how many it was seen again.
    pub failed: Option<(u32, u32)>,
    /// How the plan was made smaller, if it was.
    pub shrunk: Option<Shrinkage>,
    /// In how many plans it was seen.
    pub plans: u64,
    /// When it was seen first.
    pub after: Duration,
    /// Where it was saved.
    pub file: String,
    /// The argument.
    pub violation: Option<Violation>,
    /// What the clients of the argument are called.
    pub names: Vec<(ClientId, String)>,
}

/// Searches until the budget is spent, or something promised is broken. `keep` saves a find and says
/// where; it is called again when more is known.
///
/// # Errors
/// The target cannot be tried, or the harness failed.
pub async fn search(
    settings: &Settings,
    keep: impl FnMut(&Find) -> String,
    show: impl FnMut(&Progress),
) -> Result<Exploration, Failure> {
    let started = SystemTime::now();
    let arena = Arena::open(&settings.arena).await?;
    let spec = &settings.arena.spec;
    let restarts = match settings.arena.target {
        TargetChoice::Embedded(_) => true,
        TargetChoice::Launched(_) => settings.restarts,
        TargetChoice::Running(_) => false,
    };
    let palette = Palette::of(spec, restarts, arena.absent());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let width = settings.arena.at_once.map_or(cores * PER_CORE, |count| count as usize);
    let mut search = Search {
        settings,
        generator: Generator::new(palette, settings.seed),
        arena,
        width,
        offsets: Offsets::NEW,
        drawn: 0,
        under_way: FxHashMap::default(),
        finds: Vec::new(),
        result: Exploration { schema: SCHEMA, seed: settings.seed, ..Exploration::default() },
        hopeless: 0,
        began: Instant::now(),
        over: None,
        keep,
        show,
    };
    search.known().await;
    search.hunt().await;
    Ok(search.finish(started).await)
}

struct Search<'a, K, S> {
    settings: &'a Settings,
    arena: Arena,
    generator: Generator,
    /// Plays under way at once.
    width: usize,
    offsets: Offsets,
    /// Plans that were drawn.
    drawn: u64,
    under_way: FxHashMap<u32, (u64, Arc<Script>)>,
    finds: Vec<Find>,
    result: Exploration,
    /// Plans that could not be played since the last that could.
    hopeless: u64,
    began: Instant,
    over: Option<Over>,
    keep: K,
    show: S,
}

impl<K: FnMut(&Find) -> String, S: FnMut(&Progress)> Search<'_, K, S> {
    /// Plays what is known to fail.
    async fn known(&mut self) {
        for (file, saved) in &self.settings.corpus {
            if !self.is_wanted(&saved.breaks) || self.over.is_some() {
                continue;
            }
            self.tell(Some(format!("playing {file} again")));
            let script = Arc::new(saved.script.clone());
            let trial = self.trial(&script, KNOWN).await;
            let (failed, of) = trial.rate(&saved.breaks);
            for why in trial.obstacles() {
                self.result.notes.push(format!("{file} could not be played: {why}"));
            }
            if !trial.convicts(&saved.breaks) {
                continue;
            }
            let first = trial.runs().find_map(|run| Some((run, run.broken_of(&saved.breaks)?)));
            let Some((run, broken)) = first else { continue };
            let find =
                Find { failed: Some((failed, of)), ..self.found(None, &script, run, broken) };
            self.finds.push(Find { file: file.clone(), ..find });
        }
    }

    /// Draws plans and plays them.
    async fn hunt(&mut self) {
        while self.over.is_none() && (self.is_on() || !self.under_way.is_empty()) {
            while self.is_on() && self.under_way.len() < self.width {
                let script = Arc::new(self.generator.script(self.drawn, &self.offsets));
                let number = self.arena.give(&script);
                self.under_way.insert(number, (self.drawn, script));
                self.drawn += 1;
            }
            match tokio::time::timeout(TICK, self.arena.next()).await {
                Err(_) => {}
                Ok(Err(over)) => self.over = Some(over),
                Ok(Ok((number, end))) => self.ended(number, end).await,
            }
            self.tell(None);
        }
    }

    /// Further plans are wanted.
    fn is_on(&self) -> bool {
        let enough = !self.settings.keep_going && self.has_enough();
        self.began.elapsed() < self.settings.budget && !enough && self.hopeless < HOPELESS
    }

    /// Something promised is broken, or something that was asked for by name.
    fn has_enough(&self) -> bool {
        self.finds.iter().any(|find| find.promised || !self.settings.only.is_empty())
    }

    async fn ended(&mut self, number: u32, end: End) {
        let Some((plan, script)) = self.under_way.remove(&number) else { return };
        self.result.plays += 1;
        match end {
            End::NotRun(why) => {
                self.hopeless += 1;
                add(&mut self.result.obstacles, why);
            }
            End::Judged(run) => {
                self.hopeless = 0;
                self.result.plans += 1;
                spreads(&run.entries).for_each(|spread| self.offsets.learn(spread));
                for broken in &run.broken {
                    if self.is_wanted(broken.property) && self.over.is_none() {
                        self.accuse(plan, &script, &run, broken).await;
                    }
                }
            }
        }
    }

    /// A plan broke a property: it is kept, and played again.
    async fn accuse(&mut self, plan: u64, script: &Arc<Script>, run: &Run, broken: &Broken) {
        let found = self.found(Some(plan), script, run, broken);
        let same = |find: &&mut Find| find.property == found.property && find.seen == found.seen;
        if let Some(known) = self.finds.iter_mut().find(same) {
            known.plans += 1;
            return;
        }
        let mut found = found;
        if trial::least(broken.property) > 1 {
            let Some(failed) = self.second_opinion(script, broken.property).await else {
                return add(&mut self.result.doubts, found.property);
            };
            found.failed = Some(failed);
            found.file = (self.keep)(&found);
            self.finds.push(found);
            return self.shrink(self.finds.len() - 1).await;
        }
        // What proves itself is safe before anything else happens.
        found.file = (self.keep)(&found);
        self.finds.push(found);
        let (failures, index) = (self.finds.len(), self.finds.len() - 1);
        self.tell(Some(format!("playing failure {failures} again")));
        let trial = self.trial(script, AGAIN).await;
        let find = &mut self.finds[index];
        find.failed = Some(trial.rate(broken.property));
        find.file = (self.keep)(find);
        self.shrink(index).await;
    }

    /// Makes the plan of a find smaller, and takes the argument from that.
    async fn shrink(&mut self, index: usize) {
        let find = &self.finds[index];
        let (property, script) = (find.property.clone(), Arc::clone(&find.script));
        let wanted = find.promised || !self.settings.only.is_empty();
        let rate = find.failed.filter(|(failed, _)| wanted && *failed > 0);
        let (Some((failed, of)), Some(budget), None) = (rate, self.settings.shrink, &self.over)
        else {
            return;
        };
        self.tell(Some(format!("making failure {} smaller", index + 1)));
        let mut court = Trials { arena: &mut self.arena, property: &property };
        let shrunk = shrink::shrink(&mut court, &script, Rate::new(failed, of), budget).await;
        self.result.plays += u64::from(shrunk.plays);
        self.over = shrunk.over.clone().or(self.over.take());
        let find = &mut self.finds[index];
        find.shrunk = Some(shrunk.shrinkage());
        find.failed = Some((shrunk.rate.failed, shrunk.rate.runs));
        find.script = shrunk.script;
        find.file = (self.keep)(find);
        if self.over.is_some() {
            return;
        }
        // The argument is told by the plan as it is now.
        let script = Arc::clone(&self.finds[index].script);
        if let Some((broken, names)) = example(&mut self.arena, &script, &property).await {
            let find = &mut self.finds[index];
            find.violation = broken.finding.violations.into_iter().next();
            find.names = names;
        }
    }

    /// Plays what failed for want of something in time, a few at a time; how often it did again, if that
    /// is often enough.
    async fn second_opinion(&mut self, script: &Arc<Script>, property: &str) -> Option<(u32, u32)> {
        self.tell(Some(format!("playing again what may have been late: {property}")));
        let (mut failed, mut of) = (0, 0);
        for _ in 0..TIMED.0 {
            let (more, plays) = self.trial(script, TIMED.1).await.rate(property);
            (failed, of) = (failed + more, of + plays);
        }
        (failed >= TIMED_FAILS).then_some((failed, of))
    }

    async fn trial(&mut self, script: &Arc<Script>, runs: u32) -> Trial {
        let trial = self.arena.trial(script, runs).await;
        self.result.plays += trial.ends.len() as u64;
        self.over = trial.over.clone().or(self.over.take());
        trial
    }

    fn found(&self, plan: Option<u64>, script: &Arc<Script>, run: &Run, broken: &Broken) -> Find {
        Find {
            property: broken.property.to_owned(),
            promised: broken.promised,
            seen: broken.kind().to_owned(),
            script: Arc::clone(script),
            plan,
            failed: None,
            shrunk: None,
            plans: 1,
            after: self.began.elapsed(),
            file: String::new(),
            violation: broken.finding.violations.first().cloned(),
            names: run.names.clone(),
        }
    }

    fn is_wanted(&self, property: &str) -> bool {
        let only = &self.settings.only;
        only.is_empty() || property == SURVIVAL || only.iter().any(|one| one == property)
    }

    fn tell(&mut self, doing: Option<String>) {
        let failures = self.finds.iter().filter(|find| find.promised).count();
        (self.show)(&Progress {
            plans: self.result.plans,
            elapsed: self.began.elapsed(),
            budget: self.settings.budget,
            failures,
            findings: self.finds.len() - failures,
            doing,
        });
    }

    async fn finish(mut self, started: SystemTime) -> Exploration {
        let target = self.arena.target();
        self.arena.dismiss().await;
        match self.over.clone() {
            Some(Over::Interrupted) => self.result.interrupted = true,
            Some(Over::Died(why)) => {
                self.result.died = Some(why);
                self.fall().await;
            }
            None => {}
        }
        let spec = &self.settings.arena.spec;
        let mut defects: Vec<Defect> = self.finds.iter().map(|find| defect(find, spec)).collect();
        defects.sort_by_key(|defect| !defect.promised);
        Exploration {
            spec: spec.name.clone(),
            target,
            bugs: self.settings.arena.target.bugs(),
            version: env!("CARGO_PKG_VERSION").into(),
            started: chrono::DateTime::<chrono::Utc>::from(started)
                .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            nanos: self.began.elapsed().as_nanos() as Nanos,
            defects,
            spread: self.offsets.spread(),
            ..self.result
        }
    }
}

fn defect(find: &Find, spec: &Spec) -> Defect {
    let promise = spec.promise(&find.property);
    let page = property::find(&find.property).map(|property| property.page());
    let told =
        |own: Option<&str>, general: Option<&str>| own.or(general).unwrap_or_default().to_owned();
    Defect {
        property: find.property.clone(),
        promised: find.promised,
        promise: told(promise.map(|p| p.says.as_str()), page.map(|p| p.title)),
        source: told(promise.map(|p| p.source.as_str()), page.map(|p| p.source)),
        seen: find.seen.clone(),
        script: find.script.to_string(),
        failed: find.failed,
        shrunk: find.shrunk,
        plans: find.plans,
        after: find.after.as_nanos() as Nanos,
        file: find.file.clone(),
        known: find.plan.is_none(),
        violation: find.violation.clone(),
        names: find.names.clone(),
    }
}

/// Adds one to a named sum.
fn add(sums: &mut Vec<(String, u64)>, name: String) {
    match sums.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += 1,
        None => sums.push((name, 1)),
    }
}
