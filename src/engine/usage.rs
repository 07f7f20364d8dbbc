//! What the process and its threads used, as the operating system tells.

use crate::history::Nanos;
use std::fs;

/// CPU time of all threads of the process, user and system.
#[must_use]
pub fn process_cpu() -> Nanos {
    stat_cpu("/proc/self/stat").unwrap_or(0)
}

/// CPU time of the calling thread.
#[must_use]
pub fn thread_cpu() -> Nanos {
    // `schedstat` has nanoseconds; `stat` only ticks of 10 ms.
    let precise = fs::read_to_string("/proc/thread-self/schedstat").ok();
    precise
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .or_else(|| stat_cpu("/proc/thread-self/stat"))
        .unwrap_or(0)
}

/// Peak resident memory of the process in bytes.
#[must_use]
pub fn peak_rss() -> u64 {
    status("VmHWM:")
}

/// Resident memory of the process in bytes.
#[must_use]
pub fn rss() -> u64 {
    status("VmRSS:")
}

/// The machine in a few words: system, processor, cores.
#[must_use]
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let plural = if cores == 1 { "" } else { "s" };
    format!("{} {}, {cores} core{plural}", std::env::consts::OS, std::env::consts::ARCH)
}

fn status(field: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kib: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(0) * 1024
}

/// User and system time of a `stat` file. The command's name, in parentheses, may hold spaces.
fn stat_cpu(path: &str) -> Option<Nanos> {
    const TICK: Nanos = 10_000_000;
    let text = fs::read_to_string(path).ok()?;
    let fields: Vec<&str> = text.rsplit(')').next()?.split_whitespace().collect();
    let user: Nanos = fields.get(11)?.parse().ok()?;
    let system: Nanos = fields.get(12)?.parse().ok()?;
    Some((user + system) * TICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_the_thread_s_time() {
        let before = thread_cpu();
        let mut sum = 0_u64;
        while thread_cpu() <= before {
            sum = (0..100_000_u64).fold(sum, |sum, n| sum.wrapping_add(n * n));
        }
        assert!(thread_cpu() > before, "{sum}");
        let resident = rss();
        assert!(resident > 0 && peak_rss() >= resident);
    }
}
