//! Makes a script that fails smaller: fewer steps, people, devices, conversations, and smaller values, as long
//! as it fails at least half as often as it did.
//!
//! First delta debugging over steps, then one thing after the other, then numbers as proptest halves them;
//! and all of it again, until nothing more can be taken away. What a candidate is worth is decided by
//! repeated runs and a sequential test ([`Contest`]). A candidate that cannot be read, or cannot run, is
//! none. Nothing here knows servers: a [`Court`] says which runs failed. Start with [`shrink`].

mod cuts;
mod values;

pub use cuts::extent;

use crate::explore::arena::{Arena, Over};
use crate::explore::contest::{Contest, Decision, Rate};
use crate::explore::trial::{Broken, Sought};
use crate::history::ClientId;
use crate::outcome::exploration::{Extent, Shrinkage};
use crate::plan::script::Script;
use proptest::num::u64::BinarySearch;
use proptest::strategy::ValueTree as _;
use rustc_hash::FxHashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The most runs that decide on one candidate, where nothing else is said.
const RUNS_EACH: u32 = 60;
/// How many are made side by side, even if fewer might do; and of what fails seldom, which takes many.
const SIDE_BY_SIDE: u32 = 4;
const OF_SELDOM: u32 = 12;
const SELDOM: f64 = 0.5;
/// What fails less often than this is decided in more plays, up to three times as many.
const RARE: f64 = 0.25;
const HARDLY_EVER: f64 = 0.01;
/// How many runs measure what is left in the end, where nothing else is said.
const MEASURED: u32 = 50;
/// What fails so often is not rejected by bad luck.
const CERTAIN: f64 = 0.95;
/// How many times it is played, so many side by side, to show how it fails.
const EXAMPLES: usize = 25;
/// How many values of one number are tried.
const VALUES_EACH: usize = 6;

/// Says which runs of a script fail in the way that is looked for.
pub trait Court {
    /// Plays it so many times side by side.
    fn hear(&mut self, script: &Arc<Script>, runs: u32) -> impl Future<Output = Heard>;
}

/// What came of the runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Those that tell something, and which of them failed.
    Runs(Vec<bool>),
    /// None of them could be judged.
    NotRun,
    /// There will be no more: the server is gone, or the user wants to stop.
    Over(Over),
}

/// What may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Plays, in all; those that measure the result are beside it.
    pub plays: u32,
    /// Time.
    pub time: Duration,
    /// Plays for one candidate.
    pub each: u32,
    /// Plays that measure the result.
    pub measured: u32,
}

impl Default for Budget {
    /// 3,000 plays, 90 seconds; 60 plays for a candidate, and 50 of what is left.
    fn default() -> Self {
        let time = Duration::from_secs(90);
        Self { plays: 3_000, time, each: RUNS_EACH, measured: MEASURED }
    }
}

/// What is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrunk {
    /// The smallest script that was found.
    pub script: Arc<Script>,
    /// How often it fails.
    pub rate: Rate,
    /// What was there at first.
    pub before: Extent,
    /// What is left of it.
    pub after: Extent,
    /// How many candidates were played.
    pub candidates: u32,
    /// How many plays that took.
    pub plays: u32,
    /// Nothing more can be taken away; if not, the budget was spent.
    pub complete: bool,
    /// Why it ended early, if so.
    pub over: Option<Over>,
}

impl Shrunk {
    /// How much of it is left.
    #[must_use]
    pub const fn shrinkage(&self) -> Shrinkage {
        let Self { before, after, plays, complete, .. } = *self;
        Shrinkage { before, after, plays, complete }
    }
}

/// Shrinks a script that fails at this rate. `concerned` are the people of the argument, by their positions,
/// if they are known: those who only look on are the first to go.
pub async fn shrink(
    court: &mut impl Court,
    script: &Script,
    concerned: &[usize],
    rate: Rate,
    budget: Budget,
) -> Shrunk {
    let mut search = Search {
        court,
        rate,
        best: Arc::new(script.clone()),
        seen: rate,
        ladder: Vec::new(),
        known: FxHashSet::from_iter([script.to_string()]),
        candidates: 0,
        plays: 0,
        budget,
        deadline: Instant::now() + budget.time,
        over: None,
    };
    if let Some(less) = cuts::with_only(script, concerned) {
        search.consider(less).await;
    }
    let complete = search.rounds().await;
    search.settle().await;
    let Search { best, seen, candidates, plays, over, .. } = search;
    let (before, after) = (extent(script), extent(&best));
    Shrunk { script: best, rate: seen, before, after, candidates, plays, complete, over }
}

struct Search<'c, C> {
    court: &'c mut C,
    /// The rate of the original.
    rate: Rate,
    best: Arc<Script>,
    /// How often the best failed.
    seen: Rate,
    /// What was the best before, and how often it failed.
    ladder: Vec<(Arc<Script>, Rate)>,
    /// Everything that was tried.
    known: FxHashSet<String>,
    candidates: u32,
    plays: u32,
    budget: Budget,
    deadline: Instant,
    over: Option<Over>,
}

impl<C: Court> Search<'_, C> {
    /// All passes, until none of them changes anything: then it is complete. What fails by chance gets a
    /// second one.
    async fn rounds(&mut self) -> bool {
        let mut is_sure = self.rate.share() >= CERTAIN;
        loop {
            let before = self.ladder.len();
            self.steps().await;
            self.each(cuts::without_people).await;
            self.each(cuts::with_people_merged).await;
            self.each(cuts::without_deeds).await;
            self.each(cuts::without_devices).await;
            self.each(cuts::without_rooms).await;
            self.each(values::plainer).await;
            self.numbers().await;
            if self.is_spent() {
                return false;
            }
            if self.ladder.len() == before {
                if is_sure {
                    return true;
                }
                is_sure = true;
                self.known.retain(|text| *text == self.best.to_string());
            }
        }
    }

    /// Delta debugging: halves of the steps, then ever smaller parts, down to single ones. The last go first:
    /// much of what comes after the contradiction has nothing to do with it.
    async fn steps(&mut self) {
        let mut size = self.best.steps.len().div_ceil(2);
        while size > 0 {
            let mut end = self.best.steps.len();
            while end > 0 {
                let from = end.saturating_sub(size);
                let less = cuts::without_steps(&self.best, from, end - from);
                self.consider(less).await;
                // What depends on these steps may have gone with them.
                end = from.min(self.best.steps.len());
            }
            size /= 2;
        }
    }

    /// Everything that can be made of the best in one way, and again of what that leaves.
    async fn each(&mut self, take: impl Fn(&Script) -> Vec<Script>) {
        let mut index = 0;
        while let Some(less) = take(&self.best).into_iter().nth(index) {
            if !self.consider(less).await {
                index += 1;
            }
        }
    }

    /// Each number: nothing at all, or else halfway there, as often as that still fails.
    async fn numbers(&mut self) {
        for dial in values::dials(&self.best) {
            if self.consider(dial.turned(&self.best, dial.least)).await {
                continue;
            }
            let mut value = BinarySearch::new(dial.value - dial.least);
            let mut fails = true;
            for _ in 0..VALUES_EACH {
                let goes_on = if fails { value.simplify() } else { value.complicate() };
                if !goes_on {
                    break;
                }
                fails = self.consider(dial.turned(&self.best, dial.least + value.current())).await;
            }
        }
    }

    /// Whether it fails often enough: then it is the best from now on.
    async fn consider(&mut self, less: Script) -> bool {
        // What is printed is what is saved, so that is what is tried.
        let Ok(less) = Script::parse(&less.to_string()) else { return false };
        if self.is_spent() || !self.known.insert(less.to_string()) {
            return false;
        }
        let less = Arc::new(less);
        self.candidates += 1;
        let (share, each) = (self.rate.share(), self.budget.each);
        let side_by_side = if share < SELDOM { OF_SELDOM } else { SIDE_BY_SIDE };
        let more = (RARE / share.max(HARDLY_EVER)).clamp(1.0, 3.0);
        let each = (f64::from(each) * more) as u32;
        let mut contest = Contest::against(self.rate, each);
        let decision = loop {
            if let Some(decision) = contest.decision() {
                break decision;
            }
            let runs = contest.at_least().max(side_by_side).min(contest.left());
            match self.hear(&less, runs).await {
                Some(runs) if !runs.is_empty() && !self.is_spent() => {
                    runs.into_iter().for_each(|failed| contest.take(failed));
                }
                _ => return false,
            }
        };
        if decision == Decision::Accepted {
            let before = std::mem::replace(&mut self.best, less);
            self.ladder.push((before, self.seen));
            self.seen = contest.seen();
        }
        decision == Decision::Accepted
    }

    /// Measures what is left, and goes back where that fails too seldom after all.
    async fn settle(&mut self) {
        self.best = Arc::new(tidied(&self.best));
        let mut stride = 1;
        while let Some(runs) = self.hear(&Arc::clone(&self.best), self.budget.measured).await
            && !runs.is_empty()
        {
            let failed = runs.iter().filter(|failed| **failed).count();
            self.seen = Rate::new(failed as u32, runs.len() as u32);
            if self.seen.share() >= self.rate.share() / 2.0 || self.ladder.is_empty() {
                return;
            }
            self.ladder.truncate(self.ladder.len().saturating_sub(stride - 1).max(1));
            stride *= 2;
            if let Some((script, seen)) = self.ladder.pop() {
                (self.best, self.seen) = (Arc::new(tidied(&script)), seen);
            }
        }
    }

    /// Plays it; `None` if there is nothing more to play on.
    async fn hear(&mut self, script: &Arc<Script>, runs: u32) -> Option<Vec<bool>> {
        if self.over.is_some() {
            return None;
        }
        self.plays += runs;
        match self.court.hear(script, runs).await {
            Heard::Runs(runs) => Some(runs),
            Heard::NotRun => Some(Vec::new()),
            Heard::Over(over) => {
                self.over = Some(over);
                None
            }
        }
    }

    fn is_spent(&self) -> bool {
        self.over.is_some() || self.plays >= self.budget.plays || Instant::now() >= self.deadline
    }
}

/// What people are called.
const NAMES: [&str; 8] = ["ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal"];

/// The same script with the usual names: people, messages as they come, the only conversation.
fn tidied(script: &Script) -> Script {
    let mut tidy = script.clone();
    if tidy.people.len() <= NAMES.len() {
        tidy.people.iter_mut().zip(NAMES).for_each(|(role, name)| role.name = name.to_owned());
    }
    if tidy.labels.len() <= 26 {
        let letters = (b'a'..=b'z').map(|letter| char::from(letter).to_string());
        tidy.labels.iter_mut().zip(letters).for_each(|(label, letter)| *label = letter);
    }
    if let [only] = tidy.rooms.as_mut_slice()
        && !only.by_step
    {
        only.members.sort_unstable();
        only.name = "room".to_owned();
    }
    Script::parse(&tidy.to_string()).unwrap_or_else(|_| script.clone())
}

/// A server that is there, and what must be broken.
pub struct Trials<'a> {
    /// Where it is played.
    pub arena: &'a mut Arena,
    /// What is looked for.
    pub sought: Sought<'a>,
}

impl Court for Trials<'_> {
    async fn hear(&mut self, script: &Arc<Script>, runs: u32) -> Heard {
        let trial = self.arena.trial(script, runs).await;
        if let Some(over) = trial.over {
            return Heard::Over(over);
        }
        let tells = trial.runs().filter(|run| run.tells(self.sought));
        let failed: Vec<bool> = tells.map(|run| run.breaks(self.sought)).collect();
        if failed.is_empty() { Heard::NotRun } else { Heard::Runs(failed) }
    }
}

/// How a script breaks what is looked for, and what its clients are called: from the first of some plays that does.
pub async fn example(
    arena: &mut Arena,
    script: &Arc<Script>,
    sought: Sought<'_>,
) -> Option<(Broken, Vec<(ClientId, String)>)> {
    for _ in 0..EXAMPLES {
        let trial = arena.trial(script, SIDE_BY_SIDE).await;
        let shown =
            trial.runs().find_map(|run| Some((run.broken_of(sought)?.clone(), run.names.clone())));
        if shown.is_some() || trial.over.is_some() {
            return shown;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::dice::Dice;
    use crate::plan::script::{Step, Verb};
    use futures_util::FutureExt as _;

    /// Says by the script alone how likely it is to fail.
    struct Fake<F> {
        rate: F,
        dice: Dice,
        most: u32,
    }

    impl<F: Fn(&Script) -> Option<f64>> Court for Fake<F> {
        async fn hear(&mut self, script: &Arc<Script>, runs: u32) -> Heard {
            if self.most < runs {
                return Heard::Over(Over::Interrupted);
            }
            self.most -= runs;
            let Some(rate) = (self.rate)(script) else { return Heard::NotRun };
            Heard::Runs((0..runs).map(|_| self.dice.chance(rate)).collect())
        }
    }

    fn shrunk(text: &str, rate: impl Fn(&Script) -> Option<f64>, seed: u64) -> Shrunk {
        let script = Script::parse(text).unwrap();
        let whole = rate(&script).unwrap();
        let mut court = Fake { rate, dice: Dice::new(seed, "court", 0, 0), most: u32::MAX };
        let old = Rate::new((whole * 50.0).round() as u32, 50);
        let shrunk =
            shrink(&mut court, &script, &[], old, Budget::default()).now_or_never().unwrap();
        let printed = shrunk.script.to_string();
        assert_eq!(Script::parse(&printed).as_ref(), Ok(&*shrunk.script), "{printed}");
        assert!(shrunk.rate.share() >= old.share() / 2.0);
        shrunk
    }

    const LONG: &str = "people: ann x2, bob, cid, dan x2 offline
        room all: ann, bob, cid, dan
        room side: bob, cid
        bob send first in all
        cid send second in side | bob type in all
        bob cut rst for 300ms
        dan connect
        pause 2s
        bob send third in all
        ann.2 send fourth as long in all | +3700us ann.1 send fourth in all | cid history in side
        until bob sees fourth
        cid read second in side
        server restart
        dan.2 history in all by 5 every 40ms
        rest";

    /// Two devices send one message within 10 ms of one another.
    fn race(script: &Script) -> bool {
        script.steps.iter().any(|step| match step {
            Step::Do { deeds, .. } => deeds.iter().any(|one| {
                deeds.iter().any(|other| {
                    let label = |deed: &crate::plan::script::Deed| match deed.verb {
                        Verb::Send { label, .. } => Some(label),
                        _ => None,
                    };
                    one.by.person == other.by.person
                        && one.by.device < other.by.device
                        && label(one).is_some()
                        && label(one) == label(other)
                        && one.after.abs_diff(other.after) < Duration::from_millis(10)
                })
            }),
            _ => false,
        })
    }

    const SMALL: &str = "people: ann x2, bob\nann send a\n";

    #[test]
    fn what_fails_each_time_is_shrunk_to_what_makes_it_fail() {
        let shrunk = shrunk(LONG, |script| Some(f64::from(u8::from(race(script)))), 1);
        assert_eq!(shrunk.script.to_string(), SMALL);
        assert!(shrunk.complete && shrunk.over.is_none());
        assert_eq!((shrunk.before.steps, shrunk.after.steps), (12, 1));
        assert_eq!((shrunk.before.people, shrunk.after.people), (4, 2));
        assert!(shrunk.plays < 900, "{} plays", shrunk.plays);
    }

    #[test]
    fn what_fails_by_chance_is_shrunk_as_well() {
        for (seed, rate) in [(1, 0.7), (2, 0.7), (3, 0.4), (4, 0.4), (5, 0.4)] {
            let shrunk = shrunk(LONG, |script| Some(if race(script) { rate } else { 0.01 }), seed);
            let what = format!("seed {seed} in {} plays: {}", shrunk.plays, shrunk.script);
            assert_eq!((shrunk.after.steps, shrunk.after.people), (1, 2), "{what}");
            assert_eq!((shrunk.after.deeds, shrunk.after.devices), (2, 3), "{what}");
        }
    }

    #[test]
    fn half_of_the_rate_is_kept() {
        // Without the restart it fails, but hardly ever: the restart stays.
        let rate = |script: &Script| match (race(script), script.handles_the_server()) {
            (false, _) => Some(0.0),
            (true, false) => Some(0.1),
            (true, true) => Some(0.6),
        };
        for seed in 0..5 {
            let shrunk = shrunk(LONG, rate, seed);
            assert!(shrunk.script.handles_the_server(), "{}", shrunk.script);
            assert_eq!(shrunk.after.steps, 2);
        }
    }

    #[test]
    fn numbers_come_down_as_far_as_they_can() {
        let waits = |script: &Script| match script.steps.as_slice() {
            [Step::Pause(lasts), ..] => {
                Some(f64::from(u8::from(*lasts >= Duration::from_millis(90))))
            }
            _ => Some(0.0),
        };
        let shrunk = shrunk("people: ann, bob\npause 1237ms\nann send a", waits, 1);
        let Step::Pause(lasts) = shrunk.script.steps[0] else { panic!("{}", shrunk.script) };
        assert!((90..=120).contains(&lasts.as_millis()), "{lasts:?}");
    }

    #[test]
    fn what_cannot_run_is_no_candidate_and_what_is_gone_ends_it() {
        // Nothing runs without its first step: so nothing without it fails.
        let whole = |script: &Script| match script.labels.iter().any(|label| label == "first") {
            true => Some(1.0),
            false => None,
        };
        let kept = shrunk(LONG, whole, 1);
        assert_eq!(kept.after.steps, 1);
        let script = Script::parse(LONG).unwrap();
        let mut court = Fake { rate: whole, dice: Dice::new(1, "court", 0, 0), most: 40 };
        let early = shrink(&mut court, &script, &[], Rate::new(50, 50), Budget::default());
        let early = early.now_or_never().unwrap();
        assert_eq!(early.over, Some(Over::Interrupted));
        assert!(!early.complete && early.after.steps < 12 && early.rate.failed > 0);
    }

    #[test]
    fn the_budget_ends_it() {
        let script = Script::parse(LONG).unwrap();
        let rate = |script: &Script| Some(f64::from(u8::from(race(script))));
        let mut court = Fake { rate, dice: Dice::new(1, "court", 0, 0), most: u32::MAX };
        let budget = Budget { plays: 30, ..Budget::default() };
        let early = shrink(&mut court, &script, &[], Rate::new(50, 50), budget);
        let early = early.now_or_never().unwrap();
        assert!(!early.complete && early.plays <= 30 + 60 + MEASURED, "{} plays", early.plays);
        assert!(race(&early.script));
    }
}
