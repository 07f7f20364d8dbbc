//! A saved plan is played again, many times: does it still fail?
//!
//! That it passed once says little of a race. It is fixed only when so many plays passed that the rate
//! with which it failed before is excluded. Start with [`replay`].

use crate::engine::Failure;
use crate::explore::arena::{self, Arena, Over};
use crate::explore::odds::Interval;
use crate::explore::trial::{self, Broken, Run};
use crate::history::{ClientId, Nanos};
use crate::outcome::Exit;
use crate::outcome::conformance::Also;
use crate::plan::saved::{SURVIVAL, Saved};
use std::sync::Arc;
use std::time::Duration;

/// Plays at a time, so that there is progress to show.
const BATCH: u32 = 10;
/// How long a server may take to end after the last play.
const LATE: Duration = Duration::from_secs(4);

/// What came of a plan that was played again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The answer.
    pub answer: Answer,
    /// How the property was broken the first time, and what the clients are called.
    pub broken: Option<(Broken, Vec<(ClientId, String)>)>,
    /// Other promised properties that were broken, and in how many plays.
    pub also: Vec<Also>,
    /// Plays that were in doubt.
    pub doubtful: u32,
    /// Why plays could not be judged.
    pub obstacles: Vec<String>,
    /// The user stopped it.
    pub interrupted: bool,
    /// How long the longest play took, in nanoseconds.
    pub nanos: Nanos,
}

/// The answer of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It failed so many times.
    Failed {
        /// In how many plays.
        failed: u32,
        /// Of how many.
        of: u32,
    },
    /// The server ended.
    Ended(String),
    /// So many plays passed, and so many exclude the old rate.
    Fixed {
        /// Plays that passed.
        passed: u32,
        /// Plays that are enough.
        enough: u32,
    },
    /// All plays passed, but they are too few.
    TooFew {
        /// Plays that passed.
        passed: u32,
        /// Plays that would be enough.
        enough: u32,
    },
    /// There is nothing to judge; says why.
    CouldNotRun(String),
}

/// Plays a plan so many times; `show` hears how many plays are over, and in how many it failed.
///
/// # Errors
/// The target cannot be tried, or the harness failed.
pub async fn replay(
    settings: &arena::Settings,
    saved: &Saved,
    runs: u32,
    mut show: impl FnMut(u32, u32),
) -> Result<Replayed, Failure> {
    let mut arena = Arena::open(settings).await?;
    let replayed = again(&mut arena, saved, runs, &mut show).await;
    arena.dismiss().await;
    Ok(replayed)
}

/// Plays a plan so many times on what is ready.
pub(super) async fn again(
    arena: &mut Arena,
    saved: &Saved,
    runs: u32,
    show: &mut impl FnMut(u32, u32),
) -> Replayed {
    let script = Arc::new(saved.script.clone());
    let mut all = trial::Trial::default();
    if let Some(why) = arena.lacks(&script) {
        return Replayed::nothing(why);
    }
    while all.over.is_none() && (all.ends.len() as u32) < runs {
        let more = arena.trial(&script, BATCH.min(runs - all.ends.len() as u32)).await;
        all.ends.extend(more.ends);
        all.over = more.over;
        show(all.ends.len() as u32, all.rate(&saved.breaks).0);
    }
    if saved.breaks == SURVIVAL && all.over.is_none() {
        all.over = arena.ends_within(LATE).await;
    }
    Replayed::of(&all, saved)
}

impl Replayed {
    fn of(all: &trial::Trial, saved: &Saved) -> Self {
        let property = saved.breaks.as_str();
        let first = all.runs().find_map(|run| Some((run.broken_of(property)?, run)));
        let (failed, of) = all.rate(property);
        let doubtful = all.runs().count() as u32 - of;
        let obstacles: Vec<String> = all.obstacles().into_iter().map(str::to_owned).collect();
        let named = |(broken, run): (&Broken, &Run)| (broken.clone(), run.names.clone());
        Self {
            answer: answer(all, saved, failed, of, &obstacles),
            broken: first.map(named),
            also: also(all, property),
            doubtful,
            obstacles,
            interrupted: all.over == Some(Over::Interrupted),
            nanos: all.runs().map(|run| run.nanos).max().unwrap_or_default(),
        }
    }

    fn nothing(why: String) -> Self {
        Self {
            answer: Answer::CouldNotRun(why),
            broken: None,
            also: Vec::new(),
            doubtful: 0,
            obstacles: Vec::new(),
            interrupted: false,
            nanos: 0,
        }
    }

    /// The exit code, as it is documented.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match &self.answer {
            Answer::Failed { .. } | Answer::Ended(_) => Exit::PropertyFailed,
            _ if self.interrupted => Exit::Interrupted,
            Answer::Fixed { .. } => Exit::Held,
            Answer::TooFew { .. } => Exit::Inconclusive,
            Answer::CouldNotRun(_) => Exit::NotExercised,
        }
    }
}

/// The other promised properties that were broken beyond doubt.
fn also(all: &trial::Trial, property: &str) -> Vec<Also> {
    let mut also: Vec<Also> = Vec::new();
    for broken in all.runs().flat_map(|run| &run.broken) {
        if !broken.promised || broken.property == property || !all.convicts(broken.property) {
            continue;
        }
        let Some(violation) = broken.finding.violations.first() else { continue };
        if also.iter().all(|one| one.property != broken.property) {
            also.push(Also {
                property: broken.property.to_owned(),
                count: all.rate(broken.property).0.into(),
                violation: violation.clone(),
            });
        }
    }
    also
}

fn answer(all: &trial::Trial, saved: &Saved, failed: u32, of: u32, obstacles: &[String]) -> Answer {
    if let Some(Over::Died(why)) = &all.over {
        return Answer::Ended(why.clone());
    }
    // What rests on time must happen twice, as in the search.
    if failed >= trial::least(&saved.breaks) {
        return Answer::Failed { failed, of };
    }
    let passed = of - failed;
    if passed == 0 {
        let why = obstacles.first().map_or("every play was in doubt", String::as_str);
        return Answer::CouldNotRun(why.to_owned());
    }
    let enough = enough(saved);
    match passed >= enough {
        true => Answer::Fixed { passed, enough },
        false => Answer::TooFew { passed, enough },
    }
}

/// So many passes exclude, with 95 %, that the plan still fails as often as it was seen to; of a plan
/// whose rate was not measured, that it fails in every tenth play.
#[must_use]
pub fn enough(saved: &Saved) -> u32 {
    const UNKNOWN: Interval = Interval { low: 0.1, high: 1.0 };
    let measured = saved.failed.filter(|(failed, _)| *failed > 0);
    measured.map_or(UNKNOWN, |(failed, of)| Interval::of(failed, of)).passes_to_exclude()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::trial::{End, Trial};
    use crate::outcome::exploration::Scene;
    use crate::plan::saved::{Server, SpecMark};
    use crate::plan::script::Script;
    use crate::verdict::Finding;

    fn saved(breaks: &str, failed: Option<(u32, u32)>) -> Saved {
        Saved {
            name: None,
            says: None,
            breaks: breaks.into(),
            seen: String::new(),
            failed,
            spec: SpecMark::default(),
            server: Server::default(),
            found: None,
            script: Script::parse("people: ann, bob\nrest").unwrap(),
        }
    }

    fn trial(property: &'static str, failed: u32, passed: u32) -> Trial {
        let (finding, scene) = (Finding::default(), Scene::default());
        let broken = Broken { property, promised: true, finding, scene };
        let failing = (0..failed).map(|_| Run { broken: vec![broken.clone()], ..Run::default() });
        let runs = failing.chain((0..passed).map(|_| Run::default()));
        Trial { ends: runs.map(|run| End::Judged(Box::new(run))).collect(), over: None }
    }

    fn answered(saved: &Saved, trial: &Trial) -> (Answer, Exit) {
        let replayed = Replayed::of(trial, saved);
        (replayed.answer.clone(), replayed.exit())
    }

    #[test]
    fn one_failure_of_what_proves_itself_is_enough_and_passes_must_exclude_the_old_rate() {
        let plan = saved("idempotency", Some((10, 50)));
        let one = answered(&plan, &trial("idempotency", 1, 49));
        assert_eq!(one, (Answer::Failed { failed: 1, of: 50 }, Exit::PropertyFailed));
        let few = answered(&plan, &trial("idempotency", 0, 20));
        assert_eq!(few, (Answer::TooFew { passed: 20, enough: 26 }, Exit::Inconclusive));
        let fixed = answered(&plan, &trial("idempotency", 0, 26));
        assert_eq!(fixed, (Answer::Fixed { passed: 26, enough: 26 }, Exit::Held));
    }

    #[test]
    fn what_rests_on_time_has_to_fail_twice() {
        let plan = saved("presence", None);
        assert_eq!(answered(&plan, &trial("presence", 2, 28)).1, Exit::PropertyFailed);
        assert_eq!(answered(&plan, &trial("presence", 1, 29)).1, Exit::Held);
    }

    #[test]
    fn a_server_that_ended_has_failed_and_without_a_play_there_is_no_answer() {
        let plan = saved("idempotency", None);
        let died = Trial { over: Some(Over::Died("gone".into())), ..Trial::default() };
        assert_eq!(answered(&plan, &died), (Answer::Ended("gone".into()), Exit::PropertyFailed));
        let none = Trial { ends: vec![End::NotRun("no".into())], over: None };
        assert_eq!(answered(&plan, &none), (Answer::CouldNotRun("no".into()), Exit::NotExercised));
        let stopped = Trial { over: Some(Over::Interrupted), ..trial("idempotency", 0, 40) };
        assert_eq!(answered(&plan, &stopped).1, Exit::Interrupted);
    }
}
