//! The search: several plans at once, the corpus first, every property judges every plan.
//!
//! What fails is kept at once and played again. What rests on time must happen again before it counts.
//! Nothing here knows files or the terminal: what is found is handed to whoever keeps it. Start with
//! [`search`].

mod fall;
mod find;
mod settle;

pub use find::Find;

use crate::engine::{Failure, TargetChoice};
use crate::explore::arena::{self, Arena, Over};
use crate::explore::generate::{Generator, Palette};
use crate::explore::offsets::Offsets;
use crate::explore::shrink;
use crate::explore::spread::spreads;
use crate::explore::trial::{self, Broken, End, Run, Trial};
use crate::fault::{Node, NodeDeed, Part, Server};
use crate::history::Nanos;
use crate::outcome::exploration::{Defect, Exploration, SCHEMA};
use crate::plan::saved::{SURVIVAL, Saved};
use crate::plan::script::Script;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Other plans of one defect that are remembered, for one that fails more often than the first.
const OTHERS: usize = 3;
/// Plays of a plan of the corpus.
const KNOWN: u32 = 10;
/// Plans under way in which something happens to the server.
const STRUCK_AT_ONCE: usize = 2;
/// How long one of them takes: later than so long before the end none begins.
const STRUCK_TAKES: Duration = Duration::from_secs(20);
/// In simulated worlds each so-manieth plan is one of them.
const SIMULATED: u64 = 8;
/// How often there is progress to show.
const TICK: Duration = Duration::from_millis(200);
/// Plans in a row that cannot be played before the search gives up.
const HOPELESS: u64 = 50;

/// What is searched, and for how long.
pub struct Settings {
    /// What scripts are tried on.
    pub arena: arena::Settings,
    /// Where the plans come from.
    pub seed: u64,
    /// How long it may take.
    pub budget: Duration,
    /// How many plans are drawn at most.
    pub plans: Option<u64>,
    /// The properties that are looked at; without any, all.
    pub only: Vec<String>,
    /// The search ends with the first failure.
    pub first: bool,
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
    /// Defects of promised properties so far.
    pub failures: usize,
    /// The newest of them, in words.
    pub newest: Option<String>,
    /// Defects of properties that nobody promised.
    pub findings: usize,
    /// What is done at the moment, if it is not the search itself.
    pub doing: Option<String>,
}

/// Searches until the budget is spent, and then makes what failed smaller. `keep` saves a find and says
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
    let palette = palette.with_strikes(&strikes(&settings.arena.target));
    let width = arena.at_once();
    let mut search = Search {
        settings,
        generator: Generator::new(palette, settings.seed),
        arena,
        width,
        offsets: Offsets::NEW,
        drawn: 0,
        under_way: FxHashMap::default(),
        struck: FxHashSet::default(),
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
    search.play_again().await;
    search.shrink_all().await;
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
    /// Those of them in which something happens to the server.
    struck: FxHashSet<u32>,
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
            self.finds.push(Find { file: file.clone(), known: true, ..find });
        }
    }

    /// Draws plans and plays them.
    async fn hunt(&mut self) {
        while self.over.is_none() && (self.is_on() || !self.under_way.is_empty()) {
            while self.is_on() && self.under_way.len() < self.width {
                self.give();
            }
            match tokio::time::timeout(TICK, self.arena.next()).await {
                Err(_) => {}
                Ok(Err(over)) => self.over = Some(over),
                Ok(Ok((number, end))) => self.ended(number, end).await,
            }
            self.tell(None);
        }
    }

    /// Draws a plan and lets it be played. Those in which something happens to the server take a server of
    /// their own, and few of those run at once: the others go on beside them.
    fn give(&mut self) {
        let is_their_turn = match self.settings.arena.simulate {
            // In worlds of their own they cost no more than others, and no clock has a say in it.
            Some(_) => self.drawn.is_multiple_of(SIMULATED),
            None => {
                let is_time = self.began.elapsed() + STRUCK_TAKES < self.settings.budget;
                // Where hardly anything runs at once, they must not push the others out.
                let is_wide = self.width >= 4 * STRUCK_AT_ONCE || self.drawn.is_multiple_of(4);
                is_time && is_wide && self.struck.len() < STRUCK_AT_ONCE
            }
        };
        let struck =
            is_their_turn.then(|| self.generator.struck(self.drawn, &self.offsets)).flatten();
        let is_struck = struck.is_some();
        let script = struck.unwrap_or_else(|| self.generator.script(self.drawn, &self.offsets));
        let script = Arc::new(script);
        let number = self.arena.give(&script);
        self.under_way.insert(number, (self.drawn, script));
        if is_struck {
            self.struck.insert(number);
        }
        self.drawn += 1;
    }

    /// Further plans are wanted.
    fn is_on(&self) -> bool {
        let enough = self.settings.first && self.finds.iter().any(|find| self.counts(find))
            || self.settings.plans.is_some_and(|plans| self.drawn >= plans);
        self.began.elapsed() < self.settings.budget && !enough && self.hopeless < HOPELESS
    }

    /// A promise is broken, or what was asked for by name.
    fn counts(&self, find: &Find) -> bool {
        find.proven && (find.promised || !self.settings.only.is_empty())
    }

    async fn ended(&mut self, number: u32, end: End) {
        self.struck.remove(&number);
        let Some((plan, script)) = self.under_way.remove(&number) else { return };
        self.result.plays += 1;
        match end {
            End::NotRun(why) => {
                self.hopeless += 1;
                add(&mut self.result.obstacles, without_ids(&why));
            }
            End::Judged(run) => {
                self.pass(run.nanos);
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

    /// A plan broke a property. What proves itself is kept at once; what may have been late is played
    /// again when the search is over, or at once if it would end the search.
    async fn accuse(&mut self, plan: u64, script: &Arc<Script>, run: &Run, broken: &Broken) {
        let mut found = self.found(Some(plan), script, run, broken);
        found.proven = trial::least(broken.property) == 1;
        let same = |find: &&mut Find| find.property == found.property && find.seen == found.seen;
        if let Some(known) = self.finds.iter_mut().find(same) {
            known.plans += 1;
            if known.is_larger_than(&found) {
                known.exchange(found);
            } else if known.others.len() < OTHERS && known.plan.is_some() {
                known.others.push((plan, Arc::clone(script)));
            }
            return;
        }
        if found.proven {
            found.file = (self.keep)(&found);
        }
        self.finds.push(found);
        let index = self.finds.len() - 1;
        if self.settings.first && !self.finds[index].proven {
            self.second_opinion(index).await;
        }
    }

    async fn trial(&mut self, script: &Arc<Script>, runs: u32) -> Trial {
        let trial = self.arena.trial(script, runs).await;
        self.result.plays += trial.ends.len() as u64;
        trial.runs().for_each(|run| self.pass(run.nanos));
        self.over = trial.over.clone().or(self.over.take());
        trial
    }

    /// So much virtual time has passed in a simulated world.
    fn pass(&mut self, nanos: Nanos) {
        if self.settings.arena.simulate.is_some() {
            *self.result.simulated.get_or_insert(0) += nanos;
        }
    }

    fn found(&self, plan: Option<u64>, script: &Arc<Script>, run: &Run, broken: &Broken) -> Find {
        Find {
            plan,
            after: self.began.elapsed(),
            violation: broken.finding.violations.first().cloned(),
            scene: broken.scene.clone(),
            names: run.names.clone(),
            ..Find::new(broken.property, broken.promised, broken.kind().to_owned(), script)
        }
    }

    fn is_wanted(&self, property: &str) -> bool {
        let only = &self.settings.only;
        only.is_empty() || property == SURVIVAL || only.iter().any(|one| one == property)
    }

    fn tell(&mut self, doing: Option<String>) {
        let failures = || self.finds.iter().filter(|find| find.proven && find.promised);
        let newest = failures().next_back();
        let newest = newest.map(|find| format!("{}: {}; {}", find.property, find.seen, find.file));
        (self.show)(&Progress {
            plans: self.result.plans,
            elapsed: self.began.elapsed(),
            budget: self.settings.budget,
            failures: failures().count(),
            newest,
            findings: self.finds.iter().filter(|find| find.proven && !find.promised).count(),
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
        let mut defects: Vec<Defect> = self.finds.iter().map(|find| find.defect(spec)).collect();
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

/// What can happen to the nodes and parts of a server that the harness reaches.
fn strikes(target: &TargetChoice) -> Vec<Server> {
    let nodes = target.nodes();
    if matches!(target, TargetChoice::Embedded(_)) && nodes == 1 {
        return Vec::new();
    }
    // What stands still and goes on knows less of it than what ends: so it is tried twice as often.
    let deeds = [NodeDeed::Stop, NodeDeed::Stop, NodeDeed::Kill];
    let each =
        (1..=nodes as u32).flat_map(|number| deeds.map(|does| Server::Node(Node { number, does })));
    let all = each.chain(Part::ALL.map(Server::Part));
    all.filter(|strike| target.refuses(*strike).is_none()).collect()
}

/// A reason without what is its own each time: long words with digits in them.
fn without_ids(why: &str) -> String {
    let is_id = |word: &str| word.len() >= 12 && word.contains(|c: char| c.is_ascii_digit());
    let pieces = why.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let told = pieces.map(|piece| {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_id(word) { piece.replacen(word, "…", 1) } else { piece.to_owned() }
    });
    told.collect()
}

/// Adds one to a named sum.
fn add(sums: &mut Vec<(String, u64)>, name: String) {
    match sums.iter_mut().find(|(known, _)| *known == name) {
        Some((_, sum)) => *sum += 1,
        None => sums.push((name, 1)),
    }
}
