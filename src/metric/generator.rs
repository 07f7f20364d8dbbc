//! How the generator itself did: whether the figures are the server's or its own.
//!
//! It gets the numbers; reading them from the operating system is the engine's work.

use crate::history::Nanos;
use crate::metric::quantity;
use crate::metric::recorder::Recorder;
use crate::metric::series::Series;
use crate::outcome::{Generator, Percentiles};

/// Above this 99th percentile of timer lag the generator did not keep its plan. A tenth of a second
/// is what a user notices, and several times what a busy machine with two cores shows.
pub const MOST_LAG: Nanos = 100_000_000;
/// Above this share of one core a shard has no room left, whatever its lag.
pub const MOST_CPU: f64 = 0.97;

/// What one shard used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardUse {
    /// CPU time of the shard's thread.
    pub cpu: Nanos,
    /// Wall time over which it was used.
    pub wall: Nanos,
    /// Planned actions dropped because a bounded queue was full.
    pub dropped: u64,
}

/// What the whole process used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessUse {
    /// CPU time of all threads, user and system.
    pub cpu: Nanos,
    /// Peak resident memory, bytes.
    pub peak_rss: u64,
}

/// The generator's own figures, and whether it was the bottleneck.
#[must_use]
pub fn assess(recorder: &Recorder, shards: &[ShardUse], process: ProcessUse) -> Generator {
    let lag = recorder.planned(Series::Lag).percentiles();
    let cpu_share = shards.iter().map(cpu_share).fold(0.0, f64::max);
    let dropped = shards.iter().map(|shard| shard.dropped).sum();
    Generator {
        lag,
        cpu_share,
        cpu_seconds: process.cpu as f64 / 1e9,
        peak_rss: process.peak_rss,
        dropped,
        bottleneck: bottleneck(&lag, cpu_share, dropped),
    }
}

/// Why the figures are the generator's own; `None` if it kept its plan.
fn bottleneck(lag: &Percentiles, cpu_share: f64, dropped: u64) -> Option<String> {
    if dropped > 0 {
        let dropped = quantity::count(dropped);
        Some(format!("{dropped} planned actions were dropped because a queue was full"))
    } else if lag.p99 > MOST_LAG {
        let (lag, most) = (quantity::duration(lag.p99), quantity::duration(MOST_LAG));
        Some(format!("timers fired late: p99 {lag}, at most {most} is allowed"))
    } else if cpu_share > MOST_CPU {
        let (share, most) = (quantity::share(cpu_share), quantity::share(MOST_CPU));
        Some(format!("the busiest shard used {share} of its core, at most {most} is allowed"))
    } else {
        None
    }
}

fn cpu_share(shard: &ShardUse) -> f64 {
    if shard.wall == 0 { 0.0 } else { shard.cpu as f64 / shard.wall as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn assess_with(lag: Nanos, cpu: Nanos, dropped: u64) -> Generator {
        let mut recorder = Recorder::new(SECOND);
        recorder.lag(0, lag);
        let idle = ShardUse { cpu: 0, wall: SECOND, dropped: 0 };
        let busy = ShardUse { cpu, wall: SECOND, dropped };
        assess(&recorder, &[idle, busy], ProcessUse { cpu, peak_rss: 1 })
    }

    #[test]
    fn a_calm_generator_is_no_bottleneck() {
        let calm = assess_with(1_000_000, SECOND / 2, 0);
        assert_eq!(calm.bottleneck, None);
        assert!((calm.cpu_share - 0.5).abs() < 1e-9);
        assert_eq!(assess(&Recorder::new(SECOND), &[], ProcessUse::default()).bottleneck, None);
    }

    #[test]
    fn drops_lag_and_a_full_core_are_each_told() {
        let told = |generator: Generator| generator.bottleneck.unwrap_or_default();
        assert!(told(assess_with(1, 0, 3)).starts_with("3 planned actions"));
        assert!(told(assess_with(2 * MOST_LAG, 0, 0)).starts_with("timers fired late: p99 200 ms"));
        assert!(told(assess_with(1, SECOND, 0)).starts_with("the busiest shard used 100%"));
    }
}
