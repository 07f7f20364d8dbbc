//! Whether the server is well, and servers with a bug whose word for it is wrong.

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
        if self.bugs.has(Bug::HealthNever) {
            return Err(Refusal::new(RefusalKind::Busy, "the server is down"));
        }
        self.store.check()?;
        Ok(Answer::Done)
    }

    /// The store is out, by a bug.
    pub(super) fn is_out(&self, now: i64) -> bool {
        let since = |first: i64| OUT_MS.contains(&(now - first));
        self.bugs.has(Bug::HealthAlways) && self.first_came.is_some_and(since)
    }
}

/// What a send is told while the store is out.
pub(super) fn out() -> Refusal {
    Refusal::new(RefusalKind::Internal, "the store is out of reach")
}
