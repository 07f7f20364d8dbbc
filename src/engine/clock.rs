//! The run's one monotonic clock.

use crate::history::Nanos;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
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
    /// Time goes on only while everybody waits.
    is_virtual: bool,
}

impl Clock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
        Self { start: Instant::now(), wall: wall as i64, is_virtual: stands_still() }
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
    /// late, so the rest of the way is gone step by step, and its end on the spot. Where time is virtual
    /// timers are exact, and it goes on only while everybody waits.
    pub async fn come_to(self, due: Instant) {
        if self.is_virtual {
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

/// Whether the runtime's time does not go on by itself.
fn stands_still() -> bool {
    let (then, real) = (Instant::now(), std::time::Instant::now());
    while real.elapsed() < Duration::from_micros(1) {}
    Instant::now() == then
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

    #[tokio::test(start_paused = true)]
    async fn virtual_time_goes_on() {
        let clock = Clock::start();
        clock.come_to(Instant::now() + Duration::from_millis(3)).await;
        assert_eq!(clock.now(), 3_000_000);
    }
}
