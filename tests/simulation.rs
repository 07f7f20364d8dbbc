//! Plays in simulated worlds: the same seed makes the same history, whatever the machine does; an hour
//! takes no time; and the honest server is accused of nothing under any seed.

#[path = "support/table.rs"]
#[expect(dead_code, reason = "what is asked of bugs belongs to other tests")]
mod table;

use assize::conform::catalogue::Way;
use assize::conform::{Choice, catalogue};
use assize::engine::stage::{self, Keep, Play, Played};
use assize::outcome::conformance::Case;
use assize::plan::script::Script;
use assize::reference::{Bug, Bugs, Options};
use assize::spec::{Spec, Transports};
use assize::{property, spec};
use std::sync::Arc;
use table::{Ground, accusations, doubts, number};

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
        for seed in (0..number("ASSIZE_SEEDS", 1)).filter(|_| script.nodes() < 2) {
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

/// What the sweep plays: each spec that the reference server can keep, and whatever changes how it is reached.
const SWEPT: &[(&str, usize, Option<Transports>)] = &[
    ("callback-ack", 1, None),
    ("callback-ack", 1, Some(Transports::Polling)),
    ("callback-ack", 1, Some(Transports::Upgrade)),
    ("callback-ack", 2, None),
    ("event-reply", 1, None),
    ("broadcast", 1, None),
    ("rest-first", 1, None),
    ("sequenced", 1, None),
    ("sequenced", 2, None),
    ("sessions", 1, None),
    ("signed-tokens", 1, None),
    ("lobby", 1, None),
    ("frames", 1, None),
    ("rooms", 1, None),
    ("matrix", 1, None),
];

/// The whole catalogue in worlds of some seeds. Nothing is doubtful there, either: nobody is ever late.
#[test]
fn the_honest_server_is_accused_of_nothing_under_any_seed() {
    let (first, count) = (number("ASSIZE_SEED", 1), number("ASSIZE_SEEDS", 1));
    let asked = std::env::var("ASSIZE_SPEC").ok();
    let mut plays = 0;
    let mut wrong = Vec::new();
    for &(spec, nodes, transport) in SWEPT {
        if asked.as_ref().is_some_and(|asked| asked != spec) {
            continue;
        }
        for seed in first..first + count {
            let ground = Ground { nodes, simulate: Some(seed), at_once: None };
            let run = table::run(ground, Bugs::NONE, spec, Choice::default(), transport);
            plays += run.judged();
            let told = |case: &Case| {
                let Case { name, end, finding, also, .. } = case;
                format!(
                    "{spec} {nodes} {transport:?} {seed} {name}: {end:?} {finding:#?} {also:#?}"
                )
            };
            wrong.extend(accusations(&run).into_iter().map(told));
            wrong.extend(doubts(&run).into_iter().map(told));
        }
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
