//! The run's one monotonic clock.

use crate::history::Nanos;
use crate::world;
use std::time::Duration;
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

    /// The instant of a time on this clock.
    #[must_use]
    pub fn instant(&self, at: Nanos) -> Instant {
        self.start + Duration::from_nanos(at)
    }
}
