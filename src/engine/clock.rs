//! The run's one monotonic clock.

use crate::history::Nanos;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

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
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
        Self { start: Instant::now(), wall: wall as i64 }
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

    /// The instant of a time on this clock.
    #[must_use]
    pub fn instant(&self, at: Nanos) -> Instant {
        self.start + Duration::from_nanos(at)
    }
}
