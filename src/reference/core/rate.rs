//! How fast each person sends, and who sends too fast.

use super::Core;
use crate::reference::bugs::{Bug, Bugs};
use crate::reference::model::*;
use compact_str::{CompactString, format_compact};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// `rate-hits-others` closes a room for so long.
const MUTED_MS: i64 = 1000;

/// What is remembered of sends.
#[derive(Default)]
pub(super) struct Rates {
    /// When each person's sends of the last window arrived.
    sent: FxHashMap<CompactString, VecDeque<i64>>,
    /// Until when somebody else's excess mutes a person; kept only for `rate-hits-others`.
    muted: FxHashMap<User, i64>,
    /// Who was refused once; kept only for `rate-forever`.
    banned: FxHashSet<User>,
}

impl Rates {
    /// When the person's sends of the last window arrived.
    pub(super) fn arrivals(&self, user: &User) -> impl Iterator<Item = i64> {
        self.sent.get(user).into_iter().flatten().copied()
    }
}

impl Core {
    /// A window of the past that slides with each arrival; refused sends do not count.
    pub(super) fn check_rate(
        &mut self,
        caller: &Caller,
        conversation: Conversation,
    ) -> Result<(), Refusal> {
        let Some((most, window)) = self.rules.send_rate else {
            return Ok(());
        };
        if caller.connection.is_none() && self.bugs.has(Bug::RateRestFree) {
            return Ok(());
        }
        let (most, window_ms) = misjudged(self.bugs, most as usize, window.as_millis() as i64);
        let allowance = self.allowance(caller);
        let sent = self.rates.sent.entry(allowance).or_default();
        while sent.front().is_some_and(|at| *at <= caller.arrived - window_ms) {
            sent.pop_front();
        }
        let muted = self.rates.muted.get(&caller.user).is_some_and(|until| caller.arrived < *until);
        if sent.len() >= most || muted || self.rates.banned.contains(&caller.user) {
            self.exceeded(caller, conversation);
            let text = format!("more than {most} messages in {window:?}");
            return Err(Refusal::new(RefusalKind::TooMany, text));
        }
        sent.push_back(caller.arrived);
        Ok(())
    }

    /// Whose allowance it is.
    fn allowance(&self, caller: &Caller) -> CompactString {
        match caller.connection {
            Some(connection) if self.bugs.has(Bug::RatePerSocket) => {
                format_compact!("{} {connection}", caller.user)
            }
            _ if self.bugs.has(Bug::RatePerNode) => {
                format_compact!("{} on {}", caller.user, caller.node)
            }
            _ => caller.user.clone(),
        }
    }

    /// What some bugs make of an excess.
    fn exceeded(&mut self, caller: &Caller, conversation: Conversation) {
        if self.bugs.has(Bug::RateForever) {
            self.rates.banned.insert(caller.user.clone());
        }
        if self.bugs.has(Bug::RateHitsOthers)
            && let Some(outline) = self.conversations.get(&conversation)
        {
            let until = caller.arrived + MUTED_MS;
            self.rates.muted.extend(outline.members.iter().map(|user| (user.clone(), until)));
        }
    }
}

/// The rate as some bugs read it.
fn misjudged(bugs: Bugs, most: usize, window_ms: i64) -> (usize, i64) {
    let most = if bugs.has(Bug::RateStrict) { most - 1 } else { most };
    let most = if bugs.has(Bug::RateLax) { most * 2 } else { most };
    (most, if bugs.has(Bug::RateWindowLong) { window_ms * 3 } else { window_ms })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chat, rules};
    use super::*;

    /// How many of so many sends are taken, and of as many again this much later.
    fn taken(bugs: &[Bug], count: u32, later: i64) -> (usize, usize) {
        let mut chat = Chat::new(rules(), bugs);
        let place = chat.create("ann", &["bob"]);
        let burst = |chat: &mut Chat, from: u32| {
            let keys = (from..from + count).map(|key| key.to_string());
            keys.filter(|key| chat.send("ann", place, "hi", key).is_ok()).count()
        };
        let first = burst(&mut chat, 0);
        chat.now += later;
        (first, burst(&mut chat, 1_000))
    }

    #[test]
    fn each_rate_bug_breaks_the_rate_in_its_own_way() {
        assert_eq!(taken(&[], 12, 1000), (10, 10));
        assert_eq!(taken(&[Bug::RateStrict], 12, 1000), (9, 9));
        assert_eq!(taken(&[Bug::RateLax], 25, 1000), (20, 20));
        assert_eq!(taken(&[Bug::RateWindowLong], 12, 1000), (10, 0));
        assert_eq!(taken(&[Bug::RateForever], 12, 1000), (10, 0));
        assert_eq!(taken(&[Bug::RateForever], 10, 1000), (10, 10));
    }

    #[test]
    fn an_excess_that_hits_others_hits_those_in_the_room() {
        let mut chat = Chat::new(rules(), &[Bug::RateHitsOthers]);
        let (loud, quiet) = (chat.create("ann", &["bob"]), chat.create("cat", &["dan"]));
        for key in 0..11 {
            let _ = chat.send("ann", loud, "hi", &key.to_string());
        }
        assert!(chat.send("bob", loud, "hi", "b").is_err());
        assert!(chat.send("cat", quiet, "hi", "c").is_ok());
        chat.now += MUTED_MS;
        assert!(chat.send("bob", loud, "hi", "b").is_ok());
    }
}
