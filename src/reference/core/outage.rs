//! Whether the server is well, what it does without its store, and servers with a bug whose word for
//! it is wrong.

use super::Core;
use crate::reference::bugs::Bug;
use crate::reference::model::*;

/// When the store of `health-always` is out, after the first client came.
const OUT_MS: std::ops::Range<i64> = 2_000..4_000;

impl Core {
    /// Well if the store answers.
    pub(super) fn health(&self) -> Result<Answer, Refusal> {
        if self.bugs.has(Bug::HealthStuck) && self.restarts > 0 {
            return Err(Refusal::new(RefusalKind::Busy, "the server is starting"));
        }
        if self.cut_off && !self.bugs.has(Bug::HealthBlind) {
            return Err(Refusal::new(RefusalKind::Busy, OUT));
        }
        if self.bugs.has(Bug::HealthNever) {
            return Err(Refusal::new(RefusalKind::Busy, "the server is down"));
        }
        self.store.check()?;
        Ok(Answer::Done)
    }

    /// The store is out of reach from now on, or back.
    pub(crate) fn cut_off(&mut self, cut_off: bool) {
        self.cut_off = cut_off;
    }

    /// It cannot be done now, for the store is out.
    pub(super) fn needs_the_store(&self, command: &Command, now: i64) -> bool {
        match command {
            Command::Send(_) if self.fails_by_itself(now) => true,
            // Who is where is known without it, and what is only passed on is not stored.
            Command::Join { .. } | Command::Leave { .. } | Command::Typing { .. } => false,
            Command::Health | Command::Crash | Command::Refuse(_) => false,
            _ => self.cut_off,
        }
    }

    /// The store is out, by a bug.
    fn fails_by_itself(&self, now: i64) -> bool {
        let since = |first: i64| OUT_MS.contains(&(now - first));
        self.bugs.has(Bug::HealthAlways) && self.first_came.is_some_and(since)
    }
}

/// What is said of a store that is out.
const OUT: &str = "the store is out of reach";

/// What a client is told while the store is out.
pub(super) fn out() -> Refusal {
    Refusal::new(RefusalKind::Internal, OUT)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chat, rules};
    use super::*;

    /// Whether a send is taken and the server says that it is well, before, while and after its store
    /// is out.
    fn states(bugs: &[Bug]) -> [(bool, bool); 3] {
        let mut chat = Chat::new(rules(), bugs);
        let place = chat.create("ann", &["bob"]);
        [false, true, false].map(|cut_off| {
            chat.core.cut_off(cut_off);
            let key = chat.now.to_string();
            chat.now += 1;
            let taken = chat.send("ann", place, "hi", &key).is_ok();
            (taken, chat.ask("bob", Command::Health).is_ok())
        })
    }

    #[test]
    fn without_its_store_nothing_is_taken_and_the_health_says_so() {
        assert_eq!(states(&[]), [(true, true), (false, false), (true, true)]);
        let blind = [(true, true), (false, true), (true, true)];
        assert_eq!(states(&[Bug::HealthBlind]), blind);
    }
}
