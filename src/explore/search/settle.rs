//! After the search: what failed is played again, to see how often it does, and made smaller.

use super::find::in_calm;
use super::{Find, Progress, Search, add};
use crate::explore::contest::Rate;
use crate::explore::shrink::{self, Trials, example, extent};
use crate::explore::trial::Sought;
use crate::plan::script::Script;
use std::sync::Arc;
use std::time::Duration;

/// Plays of a plan that has failed, to see how often it does.
const AGAIN: u32 = 20;
/// The same, where each play takes a server that has to be launched.
const DEAR: u32 = 6;
/// Plays of a plan whose failure rests on time, a few at a time so that the machine is not busy, and in
/// how many of them it must fail.
const TIMED: (u32, u32) = (3, 4);
const DEAR_TIMED: (u32, u32) = (2, 2);
const TIMED_FAILS: u32 = 2;
/// Plays on a server that does not suffer of what failed while it did.
const IN_CALM: u32 = 12;
/// Plays for one candidate, and of what is left, where each takes a server that has to be launched.
const DEAR_EACH: u32 = 8;
/// A plan that fails so often need not be exchanged for another.
const OFTEN: f64 = 0.6;
/// Each failure has so much time to be made smaller, however many there are.
const LEAST_TO_SHRINK: Duration = Duration::from_secs(30);

impl<K: FnMut(&Find) -> String, S: FnMut(&Progress)> Search<'_, K, S> {
    /// Plays again what failed, to see how often it does, and whether it does at all.
    pub(super) async fn play_again(&mut self) {
        self.play_in_calm().await;
        for index in 0..self.finds.len() {
            let find = &self.finds[index];
            if find.failed.is_some() || self.over.is_some() {
                continue;
            }
            if !find.proven {
                self.second_opinion(index).await;
                continue;
            }
            self.measure(index).await;
        }
        let unproven = self.finds.extract_if(.., |find| !find.proven);
        unproven.for_each(|find| add(&mut self.result.doubts, find.property));
    }

    /// Plays what failed while the server suffered on a server that does not: what fails there, too, is no
    /// defect of its own, if that is known already, and else its plan needs no suffering.
    async fn play_in_calm(&mut self) {
        for index in (0..self.finds.len()).rev() {
            let find = &self.finds[index];
            let Some(calm) = in_calm(&find.script).filter(|_| find.plan.is_some()) else {
                continue;
            };
            self.tell(Some(format!("whether the server need suffer for failure {}", index + 1)));
            let calm = Arc::new(calm);
            let trial = self.trial(&calm, IN_CALM).await;
            let find = &self.finds[index];
            if !trial.convicts(find.sought()) {
                continue;
            }
            let is_known = self.finds.iter().any(|other| {
                other.property == find.property && other.seen == find.kind && other.proven
            });
            if is_known {
                self.finds.remove(index);
            } else {
                let find = &mut self.finds[index];
                (find.script, find.seen) = (calm, find.kind.clone());
                find.others.clear();
            }
        }
    }

    /// Measures how often a find's plan fails; of one that does so seldom, also other plans that broke the
    /// same in the same way, and keeps the one that does so most often.
    async fn measure(&mut self, index: usize) {
        let find = &mut self.finds[index];
        let (property, seen) = (find.property.clone(), find.kind.clone());
        let mut plans = vec![(find.plan, Arc::clone(&find.script))];
        let others = std::mem::take(&mut find.others);
        plans.extend(others.into_iter().map(|(plan, script)| (Some(plan), script)));
        for (plan, script) in plans {
            self.tell(Some(format!("playing {property} again")));
            let plays = if self.arena.is_dear(&script) { DEAR } else { AGAIN };
            let sought = Sought { property: &property, kind: Some(&seen) };
            let rate = self.trial(&script, plays).await.rate(sought);
            let find = &mut self.finds[index];
            if find.failed.is_none_or(|best| share(rate) > share(best)) {
                (find.plan, find.script, find.failed) = (plan, script, Some(rate));
            }
            if find.failed.map_or(0.0, share) >= OFTEN || self.over.is_some() {
                break;
            }
        }
        let find = &mut self.finds[index];
        find.file = (self.keep)(find);
    }

    /// Plays what failed for want of something in time, a few at a time: often enough, and it is proven.
    pub(super) async fn second_opinion(&mut self, index: usize) {
        let find = &self.finds[index];
        let (script, property) = (Arc::clone(&find.script), find.property.clone());
        self.tell(Some(format!("playing again what may have been late: {property}")));
        let (rounds, plays) = if self.arena.is_dear(&script) { DEAR_TIMED } else { TIMED };
        let (mut failed, mut of) = (0, 0);
        for _ in 0..rounds {
            let trial = self.trial(&script, plays).await;
            let (more, told) = trial.rate(self.finds[index].sought());
            (failed, of) = (failed + more, of + told);
        }
        let find = &mut self.finds[index];
        find.failed = Some((failed, of));
        if failed >= TIMED_FAILS {
            find.proven = true;
            find.file = (self.keep)(find);
        }
    }

    /// Makes what failed smaller, one after the other.
    pub(super) async fn shrink_all(&mut self) {
        let Some(mut budget) = self.settings.shrink else { return };
        let failures: Vec<usize> =
            (0..self.finds.len()).filter(|index| self.counts(&self.finds[*index])).collect();
        let share = self.settings.budget / failures.len().max(1) as u32;
        budget.time = budget.time.min(share.max(LEAST_TO_SHRINK));
        for index in failures {
            if !self.has_small_one(index).await {
                self.shrink(index, budget).await;
            }
        }
    }

    /// A plan that was made smaller for the same property, or for the same seen by another one, may show this,
    /// too: then it is taken for both.
    async fn has_small_one(&mut self, index: usize) -> bool {
        let find = &self.finds[index];
        let Some(old) = find.failed.filter(|_| self.over.is_none()) else { return false };
        let kin = |other: &Find| {
            other.property == find.property || find.kind.starts_with(other.kind.as_str())
        };
        let suffers = in_calm(&find.script).is_some();
        let small = |other: &&Find| {
            other.shrunk.is_some() && kin(other) && in_calm(&other.script).is_some() == suffers
        };
        let Some(other) = self.finds.iter().rfind(small) else { return false };
        let (script, mut shrunk) = (Arc::clone(&other.script), other.shrunk);
        if extent(&script).deeds > extent(&find.script).deeds {
            return false;
        }
        self.tell(Some(format!("whether a smaller plan shows failure {}, too", index + 1)));
        let plays = if self.arena.is_dear(&script) { DEAR } else { AGAIN };
        let trial = self.trial(&script, plays).await;
        let find = &mut self.finds[index];
        let rate = trial.rate(find.sought());
        if share(rate) < share(old) / 2.0 {
            return false;
        }
        if let Some(shrunk) = &mut shrunk {
            (shrunk.before, shrunk.plays) = (extent(&find.script), plays);
        }
        (find.failed, find.shrunk, find.script) = (Some(rate), shrunk, script);
        find.file = (self.keep)(find);
        self.tell_by_example(index).await;
        true
    }

    /// Makes the plan of a find smaller, and takes the argument from that.
    async fn shrink(&mut self, index: usize, budget: shrink::Budget) {
        let find = &self.finds[index];
        let script = Arc::clone(&find.script);
        let rate = find.failed.filter(|(failed, _)| *failed > 0);
        let (Some((failed, of)), None) = (rate, &self.over) else { return };
        self.tell(Some(format!("making failure {} smaller", index + 1)));
        let budget = match self.arena.is_dear(&script) {
            true => shrink::Budget { each: DEAR_EACH, measured: DEAR_EACH, ..budget },
            false => budget,
        };
        let concerned = self.finds[index].concerned();
        let sought = self.finds[index].sought();
        let mut court = Trials { arena: &mut self.arena, sought };
        let shrunk = shrink::shrink(&mut court, &script, &concerned, Rate::new(failed, of), budget);
        let shrunk = shrunk.await;
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
        self.tell_by_example(index).await;
    }

    /// The argument is told by the plan as it is now.
    async fn tell_by_example(&mut self, index: usize) {
        let find = &self.finds[index];
        let script: Arc<Script> = Arc::clone(&find.script);
        if let Some((broken, names)) = example(&mut self.arena, &script, find.sought()).await {
            let find = &mut self.finds[index];
            find.violation = broken.finding.violations.into_iter().next();
            find.scene = broken.scene;
            find.names = names;
        }
    }
}

fn share((failed, of): (u32, u32)) -> f64 {
    f64::from(failed) / f64::from(of.max(1))
}
