//! Whether the statistics keep their word: pairs of made-up runs, many seeds, with all that makes real
//! series difficult. Two runs of one server differ in 1 of 20 tries at most; a server made 20% slower
//! is seen in 19 of 20.

use crate::comparison::sample::{Sample, Slice, Track};
use crate::comparison::{Rule, compare};
use crate::history::Nanos;
use crate::outcome::Exit;
use crate::plan::dice::mix;
use std::collections::BTreeMap;

const RULE: Rule = Rule { threshold: 0.1, floor: 500_000 };
const PAIRS: u64 = 60;
/// Of servers whose level wanders, more: chance has a larger part.
const WANDERING_PAIRS: u64 = 100;

/// A server, as its latencies look.
#[derive(Clone, Copy)]
struct Server {
    /// Seconds of a run.
    seconds: u32,
    /// Messages per second.
    rate: u32,
    /// How far single messages scatter, as the logarithm's standard deviation.
    scatter: f64,
    /// How far the level of a second scatters.
    wander: f64,
    /// How much of a second's deviation the next one keeps.
    memory: f64,
    /// The level grows to so much over the run.
    ramp: f64,
    /// One second in so many is five times as slow; 0: none.
    pauses: u32,
}

const CALM: Server =
    Server { seconds: 60, rate: 40, scatter: 0.4, wander: 0.0, memory: 0.0, ramp: 1.0, pauses: 0 };

/// Seeded draws.
struct Draws(u64, u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.1 += 1;
        (mix(self.0, self.1, 11) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Box and Muller.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

impl Server {
    fn run(self, seed: u64, slowness: f64) -> Sample {
        let mut draws = Draws(seed, 0);
        let mut deviation = self.wander * draws.normal();
        let fresh = (1.0 - self.memory * self.memory).sqrt() * self.wander;
        let slices = (0..self.seconds).map(|number| {
            deviation = self.memory * deviation + fresh * draws.normal();
            let along = f64::from(number) / f64::from(self.seconds);
            let pause = self.pauses > 0 && draws.uniform() * f64::from(self.pauses) < 1.0;
            let level = 20e6
                * slowness
                * (1.0 + (self.ramp - 1.0) * along)
                * f64::exp(deviation)
                * if pause { 5.0 } else { 1.0 };
            let mut values = BTreeMap::new();
            for _ in 0..self.rate {
                let nanos = level * f64::exp(self.scatter * draws.normal());
                // Three digits, as a histogram keeps them.
                *values.entry((nanos / 16_384.0) as Nanos * 16_384).or_insert(0) += 1;
            }
            Slice { number, values: values.into_iter().collect() }
        });
        let track = Track { series: "ack".into(), failures: 0, slices: slices.collect() };
        let delivery = Track { series: "delivery".into(), ..track.clone() };
        Sample { slice: 1_000_000_000, tracks: vec![track, delivery], ..Sample::default() }
    }

    /// In how many of all pairs the second run was found worse.
    fn found_worse(self, slowness: f64) -> u64 {
        self.found_worse_of(PAIRS, slowness)
    }

    fn found_worse_of(self, pairs: u64, slowness: f64) -> u64 {
        let is_worse = |pair: &u64| {
            let (before, after) = (self.run(2 * pair, 1.0), self.run(2 * pair + 1, slowness));
            let comparison = compare(&[before], &after, RULE).unwrap();
            comparison.exit() == Exit::ExpectationFailed
        };
        (0..pairs).filter(is_worse).count() as u64
    }
}

const SERVERS: &[(&str, Server)] = &[
    ("calm", CALM),
    ("short", Server { seconds: 15, ..CALM }),
    ("restless", Server { wander: 0.1, ..CALM }),
    ("ramp", Server { ramp: 4.0, wander: 0.05, ..CALM }),
    ("pauses", Server { pauses: 15, wander: 0.05, ..CALM }),
    ("few messages", Server { rate: 10, ..CALM }),
    ("long tail", Server { scatter: 1.2, rate: 100, ..CALM }),
];

/// Servers whose level, and p50 with it, wanders on its own: each second keeps most of the last one's
/// deviation, as a queue does.
const WANDERING: &[(&str, Server)] = &[
    ("by a quarter", Server { wander: 0.25, memory: 0.9, ..CALM }),
    ("by a sixth", Server { wander: 0.15, memory: 0.9, ..CALM }),
    ("slightly", Server { wander: 0.08, memory: 0.7, ..CALM }),
];

/// Of these a fifth is seen; in a minute of the others nobody could.
const STEADY_ENOUGH: &[(&str, Server)] = &[
    ("slightly", Server { wander: 0.08, memory: 0.7, ..CALM }),
    ("by a tenth, five minutes long", Server { wander: 0.1, memory: 0.9, seconds: 300, ..CALM }),
];

#[test]
fn two_runs_of_a_server_that_wanders_hardly_ever_differ() {
    for (name, server) in WANDERING {
        let alarms = server.found_worse_of(WANDERING_PAIRS, 1.0);
        eprintln!("{name}: {alarms} of {WANDERING_PAIRS} false alarms");
        assert!(alarms * 20 <= WANDERING_PAIRS, "{name}: {alarms} of {WANDERING_PAIRS}");
    }
}

#[test]
fn a_fifth_slower_is_seen_behind_a_level_that_wanders() {
    for (name, server) in STEADY_ENOUGH {
        let seen = server.found_worse(1.2);
        eprintln!("{name}: {seen} of {PAIRS} seen");
        assert!(seen * 10 >= PAIRS * 9, "{name}: {seen} of {PAIRS}");
    }
}

#[test]
fn two_runs_of_one_server_hardly_ever_differ() {
    for (name, server) in SERVERS {
        let alarms = server.found_worse(1.0);
        eprintln!("{name}: {alarms} of {PAIRS} false alarms");
        assert!(alarms * 20 <= PAIRS, "{name}: {alarms} of {PAIRS}");
    }
}

#[test]
fn a_fifth_slower_is_seen() {
    for (name, server) in SERVERS {
        let seen = server.found_worse(1.2);
        eprintln!("{name}: {seen} of {PAIRS} seen");
        assert!(seen * 20 >= PAIRS * 19, "{name}: {seen} of {PAIRS}");
    }
}
