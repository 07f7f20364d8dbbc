//! Plays in simulated worlds: the same seed makes the same history, whatever the machine does; an hour
//! takes no time; and the honest server is accused of nothing under any seed.

#[path = "support/table.rs"]
mod table;

use assize::conform::catalogue::Way;
use assize::conform::{Choice, catalogue};
use assize::engine::stage::{self, Keep, Play, Played};
use assize::outcome::Conformance;
use assize::outcome::conformance::Case;
use assize::plan::script::Script;
use assize::reference::{Bug, Bugs, Options};
use assize::spec::Spec;
use assize::{property, spec};
use std::sync::Arc;
use table::{Ground, accusations, choice, complaint, doubts, rows};

/// A number from the environment.
fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|word| word.parse().ok()).unwrap_or(otherwise)
}

fn load(name: &str) -> Arc<Spec> {
    let path = format!("specs/{name}.yaml");
    let yaml = std::fs::read_to_string(&path).expect(&path);
    Arc::new(spec::load(&path, &yaml, &property::ids()).expect("a good spec").spec)
}

fn script_of(case: &str) -> Arc<Script> {
    let case = catalogue().iter().find(|one| one.name == case).expect(case);
    let Way::Play(_, _, script) = &case.way else { panic!("{} has no script", case.name) };
    Arc::clone(script)
}

fn played(script: &Arc<Script>, bugs: Bugs, seed: u64) -> Played {
    played_on("callback-ack", script, bugs, seed)
}

fn played_on(spec: &str, script: &Arc<Script>, bugs: Bugs, seed: u64) -> Played {
    let play = Play { number: 0, script: Arc::clone(script), patience: None, people: None };
    let options = Options { bugs, ..Options::default() };
    let played = stage::simulate(&load(spec), &options, &play, seed, Keep::Nothing);
    played.expect("a server").expect("a play")
}

/// A run of the catalogue in worlds of this seed.
fn simulated(seed: u64, bugs: Bugs, spec: &str, choice: Choice) -> Conformance {
    let ground = bugs.iter().next().map_or_else(Ground::default, Ground::of);
    table::run(Ground { simulate: Some(seed), ..ground }, bugs, spec, choice, None)
}

/// The history as it is stored.
fn history(played: &Played) -> String {
    played.entries.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect()
}

/// Where two histories begin to differ.
fn difference(one: &str, other: &str) -> Option<String> {
    let line = one.lines().zip(other.lines()).position(|(one, other)| one != other);
    let line = line.or((one != other).then(|| one.lines().count().min(other.lines().count())))?;
    Some(format!("line {line}: {:?} and {:?}", one.lines().nth(line), other.lines().nth(line)))
}

/// What came of each case, to the nanosecond.
fn told(cases: &[Case]) -> String {
    serde_json::to_string_pretty(cases).unwrap()
}

/// Every case there is, twice.
#[test]
#[ignore = "it takes minutes"]
fn the_same_seed_makes_the_same_history_of_every_case() {
    let mut wrong = Vec::new();
    for case in catalogue() {
        let Way::Play(_, _, script) = &case.way else { continue };
        for seed in (0..asked("ASSIZE_SEEDS", 1)).filter(|_| script.nodes() < 2) {
            let [one, again] = [0, 1].map(|_| history(&played(script, Bugs::NONE, seed)));
            wrong.extend(difference(&one, &again).map(|at| format!("{}: {at}", case.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_seed_makes_the_same_history_and_another_another_one() {
    for case in ["idempotency/at-once-on-two-devices", "no-loss-on-reconnect/across-a-restart"] {
        let script = script_of(case);
        for seed in 0..8 {
            let [one, again] = [0, 1].map(|_| history(&played(&script, Bugs::NONE, seed)));
            assert_eq!(difference(&one, &again), None, "{case}, seed {seed}");
            assert_ne!(one, history(&played(&script, Bugs::NONE, seed + 100)), "{case}");
        }
    }
}

#[test]
fn it_does_not_matter_how_many_threads_play_nor_what_else_is_played() {
    let run = |properties: &[&str], at_once| {
        let ground = Ground { simulate: Some(5), at_once, ..Ground::default() };
        let names = properties.iter().map(|name| (*name).to_owned()).collect();
        let choice = Choice { names, quick: false };
        table::run(ground, Bugs::NONE.with(Bug::AckLost), "callback-ack", choice, None)
    };
    let some = ["ordering", "ack-timeout"];
    let (single, many, alone) = (run(&some, Some(1)), run(&some, None), run(&some[1..], Some(2)));
    assert_eq!(difference(&told(&single.cases), &told(&many.cases)), None);
    let mut among = single.cases;
    among.retain(|case| case.property == some[1]);
    assert_eq!(difference(&told(&among), &told(&alone.cases)), None);
}

#[test]
fn an_hour_of_protocol_passes_in_virtual_time() {
    let script = Script::parse("people: ann, bob\nann send a\nrest\npause 1h\nbob send b\nrest");
    let hour = played(&Arc::new(script.unwrap()), Bugs::NONE, 1);
    assert!(hour.nanos >= 3_600_000_000_000, "{} ns", hour.nanos);
    assert!(hour.hitches.is_empty(), "{:?}", hour.hitches);
    assert!(hour.findings.iter().all(|finding| finding.violation_count == 0));
}

#[test]
fn the_honest_server_is_accused_of_nothing_under_any_seed() {
    let (first, count) = (asked("ASSIZE_SEED", 1), asked("ASSIZE_SEEDS", 1));
    let mut plays = 0;
    let mut wrong = Vec::new();
    let spec = std::env::var("ASSIZE_SPEC").unwrap_or_else(|_| "callback-ack".into());
    for seed in first..first + count {
        let run = simulated(seed, Bugs::NONE, &spec, Choice::default());
        plays += run.judged();
        wrong.extend(accusations(&run).iter().map(|case| {
            format!("seed {seed}, {}: {:#?} {:#?}", case.name, case.finding, case.also)
        }));
        wrong.extend(
            doubts(&run)
                .iter()
                .map(|c| format!("seed {seed}, {}: {:?} {:?}", c.name, c.end, c.finding.doubts)),
        );
    }
    eprintln!("{plays} cases judged");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where each conversation has a socket, who is in a new one hears what is said there from the moment
/// they are ready, however long the socket takes.
#[test]
fn who_is_ready_in_a_new_conversation_has_its_socket() {
    let script = script_of("no-loss-on-reconnect/created-while-away");
    for seed in 0..100 {
        let played = played_on("rooms", &script, Bugs::NONE, seed);
        let accused = played.findings.iter().filter(|finding| finding.violation_count > 0);
        assert_eq!(accused.count(), 0, "seed {seed}: {:#?}", played.findings);
        assert!(played.hitches.is_empty(), "seed {seed}: {:?}", played.hitches);
    }
}

/// The table of truth again, with the same rows (`ASSIZE_ROWS=NAME,…`: only these).
#[test]
#[ignore = "it takes ten minutes of one core, and `tests/bugs.rs` says the same"]
fn each_bug_is_caught_by_its_case_in_a_simulated_world() {
    let wrong: Vec<String> = rows()
        .into_iter()
        .filter_map(|bug| {
            let wrong =
                complaint(bug, &simulated(1, Bugs::NONE.with(bug), bug.spec(), choice(bug)));
            eprintln!("{bug}: {}", wrong.as_deref().unwrap_or("fine"));
            wrong
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
