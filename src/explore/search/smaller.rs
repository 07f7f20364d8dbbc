//! What was found is made smaller before the search ends.

use super::{Find, Progress, Search};
use crate::explore::contest::Rate;
use crate::explore::shrink::{Budget, Trials, example, shrink};
use std::time::{Duration, Instant};

/// How long all of it may take.
const ALL: Duration = Duration::from_secs(120);
/// How long one plan may take.
const EACH: Duration = Duration::from_secs(45);

impl<K: FnMut(&Find) -> String, S: FnMut(&Progress)> Search<'_, K, S> {
    /// Makes each plan that was found smaller and keeps it in place of the larger one, those of promised
    /// properties first. What the corpus knows is as small as it gets.
    pub(super) async fn make_smaller(&mut self) {
        let began = Instant::now();
        let mut order: Vec<usize> = (0..self.finds.len()).collect();
        order.sort_by_key(|index| !self.finds[*index].promised);
        for index in order {
            let left = ALL.saturating_sub(began.elapsed());
            if self.over.is_some() || left.is_zero() {
                return;
            }
            self.make_one_smaller(index, left.min(EACH)).await;
        }
    }

    async fn make_one_smaller(&mut self, index: usize, time: Duration) {
        let find = self.finds[index].clone();
        let (None, Some((failed, of)), Some(_)) = (&find.shrunk, find.failed, find.plan) else {
            return;
        };
        if failed == 0 {
            return;
        }
        self.tell(Some(format!("making failure {} smaller: {}", index + 1, find.property)));
        let mut court = Trials { arena: &mut self.arena, property: &find.property };
        let budget = Budget { time, ..Budget::default() };
        let shrunk = shrink(&mut court, &find.script, Rate::new(failed, of), budget).await;
        self.result.plays += u64::from(shrunk.plays);
        let shrinkage = shrunk.shrinkage();
        let shown = match shrunk.over {
            None => example(&mut self.arena, &shrunk.script, &find.property).await,
            Some(_) => None,
        };
        let smaller = &mut self.finds[index];
        if let Some((broken, names)) = shown {
            smaller.violation = broken.finding.violations.into_iter().next();
            smaller.names = names;
        }
        smaller.script = shrunk.script;
        smaller.failed = Some((shrunk.rate.failed, shrunk.rate.runs));
        smaller.shrunk = Some(shrinkage);
        let kept = (self.keep)(smaller);
        smaller.file = kept;
        self.over = shrunk.over;
    }
}
