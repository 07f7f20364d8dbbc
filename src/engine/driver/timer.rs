//! A client's timer, which is set as seldom as can be: most deadlines are an answer's, and move on with
//! the next answer long before they are reached.

use crate::engine::clock::Clock;
use crate::history::Nanos;
use std::pin::Pin;
use tokio::task::consume_budget;
use tokio::time::{Sleep, sleep_until};

/// One timer of the runtime, once there is a deadline.
#[derive(Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// When it rings; none if it has rung.
    at: Option<Nanos>,
}

impl Timer {
    /// Waits until the deadline, or until an earlier one for which it was set: who waits looks at the
    /// clock again. Safe to cancel.
    pub(super) async fn wait_for(&mut self, due: Nanos, clock: Clock) {
        if clock.now() >= due {
            // Whoever is always late must not keep the others waiting.
            return consume_budget().await;
        }
        let instant = clock.instant(due);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(instant)));
        if self.at.is_none_or(|at| at > due) {
            sleep.as_mut().reset(instant);
            self.at = Some(due);
        }
        sleep.as_mut().await;
        self.at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const SECOND: Nanos = 1_000_000_000;

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_the_earliest_deadline_that_it_was_set_for() {
        let clock = Clock::start();
        let mut timer = Timer::default();
        let mut waits = async |due: Nanos, patience: u64| {
            let patience = Duration::from_secs(patience);
            timeout(patience, timer.wait_for(due * SECOND, clock)).await.is_ok()
        };
        assert!(!waits(5, 1).await, "at 1 s");
        // The deadline moved on: it rings all the same, once.
        assert!(waits(8, 5).await, "at 5 s");
        assert!(!waits(8, 1).await, "at 6 s");
        assert!(waits(7, 2).await, "an earlier one counts, at 7 s");
        assert!(waits(7, 1).await, "one that is past already");
    }
}
