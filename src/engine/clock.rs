//! The run's one monotonic clock.

use crate::history::Nanos;
use crate::world;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

/// How long before an instant no timer is trusted any more.
const COARSE: Duration = Duration::from_millis(2);
/// How long before an instant nobody else gets a turn.
const ON_THE_SPOT: Duration = Duration::from_micros(100);

/// Nanoseconds since the run's start. Copies agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// The wall clock at the start, in nanoseconds since 1970.
    wall: i64,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now(), wall: world::wall().as_nanos() as i64 }
    }

    /// The wall clock at a time of the run, in nanoseconds since 1970. Clock adjustments during
    /// the run are not in it.
    #[must_use]
    pub const fn wall(&self, at: Nanos) -> i64 {
        self.wall + at as i64
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.start.elapsed().as_nanos() as Nanos
    }

    /// The time on this clock of an instant.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Nanos {
        instant.saturating_duration_since(self.start).as_nanos() as Nanos
    }

    /// Waits until this instant, to the microsecond. The runtime's timer counts milliseconds and rings
    /// late, so the rest of the way is gone step by step, and its end on the spot. In a simulated world
    /// timers are exact, and time goes on only while everybody waits.
    pub async fn come_to(self, due: Instant) {
        if world::is_simulated() {
            return sleep_until(due).await;
        }
        let coarse = due.checked_sub(COARSE).unwrap_or(due);
        if Instant::now() < coarse {
            sleep_until(coarse).await;
        }
        loop {
            match due.saturating_duration_since(Instant::now()) {
                Duration::ZERO => return,
                left if left > ON_THE_SPOT => yield_now().await,
                _ => std::hint::spin_loop(),
            }
        }
    }

    /// The instant of a time on this clock.
    #[must_use]
    pub fn instant(&self, at: Nanos) -> Instant {
        self.start + Duration::from_nanos(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_comes_too_early() {
        let clock = Clock::start();
        for micros in [0, 40, 900, 4_300] {
            let due = Instant::now() + Duration::from_micros(micros);
            clock.come_to(due).await;
            assert!(Instant::now() >= due);
        }
    }

    #[test]
    fn nobody_waits_for_virtual_time() {
        let passed = world::simulate(1, async || {
            let clock = Clock::start();
            clock.come_to(Instant::now() + Duration::from_millis(3)).await;
            clock.now()
        });
        assert_eq!(passed.unwrap(), 3_000_000);
    }
}
