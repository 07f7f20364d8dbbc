//! The server ended in the middle: which plan did it.

use super::{Find, Progress, Search};
use crate::engine::TargetChoice;
use crate::explore::arena::{Arena, Over};
use crate::explore::regressions::ENDED;
use crate::plan::saved::SURVIVAL;
use crate::plan::script::Script;
use std::sync::Arc;

impl<K: FnMut(&Find) -> String, S: FnMut(&Progress)> Search<'_, K, S> {
    /// Whatever was under way is kept at once. A server that the harness can start again is then given
    /// each of them alone: the one that ends it again is the one.
    pub(super) async fn fall(&mut self) {
        // Those in which the server suffers have one of their own.
        let is_on_it = |(number, _): &(u32, _)| !self.struck.contains(number);
        let mut suspects: Vec<(u64, Arc<Script>)> =
            self.under_way.drain().filter(is_on_it).map(|(_, plan)| plan).collect();
        suspects.sort_by_key(|(plan, _)| *plan);
        let mut kept = Vec::new();
        for (index, (plan, script)) in suspects.iter().enumerate() {
            let seen = format!("{ENDED} while this was under way, suspect {}", index + 1);
            let find = self.felled(*plan, script, seen);
            kept.push((self.keep)(&find));
        }
        let ours = !matches!(self.settings.arena.target, TargetChoice::Running(_));
        let alone = suspects.len() == 1;
        let culprit = match ours || alone {
            true => self.culprit(&suspects).await,
            false => None,
        };
        match culprit {
            Some((plan, script)) => {
                let mut find = self.felled(plan, &script, ENDED.to_owned());
                find.file = (self.keep)(&find);
                self.finds.push(find);
                self.result.notes.push(format!(
                    "what else was under way when the server ended: {}",
                    kept.join(", ")
                ));
            }
            None => self.result.notes.push(format!(
                "one of the plans that were under way ended the server: {}",
                kept.join(", ")
            )),
        }
    }

    async fn culprit(&mut self, suspects: &[(u64, Arc<Script>)]) -> Option<(u64, Arc<Script>)> {
        if let [only] = suspects {
            return Some(only.clone());
        }
        for (index, (plan, script)) in suspects.iter().rev().enumerate() {
            let which = format!("which plan ended the server: {} of {}", index + 1, suspects.len());
            self.tell(Some(which));
            let mut arena = Arena::open(&self.settings.arena).await.ok()?;
            let trial = arena.trial(script, 1).await;
            arena.dismiss().await;
            match trial.over {
                Some(Over::Died(_)) => return Some((*plan, Arc::clone(script))),
                Some(Over::Interrupted) => return None,
                None => {}
            }
        }
        None
    }

    fn felled(&self, plan: u64, script: &Arc<Script>, seen: String) -> Find {
        Find {
            plan: Some(plan),
            after: self.began.elapsed(),
            ..Find::new(SURVIVAL, true, seen, script)
        }
    }
}
