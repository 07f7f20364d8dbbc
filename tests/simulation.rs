//! Plays in simulated worlds: the same seed makes the same history, whatever the machine does.

use assize::conform::catalogue;
use assize::conform::catalogue::Way;
use assize::engine::stage::{self, Keep, Play, Played};
use assize::plan::script::Script;
use assize::reference::Options;
use assize::spec::Spec;
use assize::{property, spec};
use std::sync::Arc;
use std::time::Instant;

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

fn played(script: &Arc<Script>, seed: u64) -> Played {
    let play = Play { number: 0, script: Arc::clone(script), patience: None, people: None };
    let played =
        stage::simulate(&load("callback-ack"), &Options::default(), &play, seed, Keep::Nothing);
    played.expect("a server").expect("a play")
}

/// The history as it is stored.
fn history(played: &Played) -> String {
    played.entries.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect()
}

#[test]
fn the_same_seed_makes_the_same_history() {
    let script = script_of("idempotency/at-once-on-two-devices");
    let began = Instant::now();
    let one = played(&script, 7);
    eprintln!(
        "{:?}, {} entries, {} s",
        began.elapsed(),
        one.entries.len(),
        one.nanos / 1_000_000_000
    );
    eprintln!("{}", history(&one));
    assert_eq!(history(&one), history(&played(&script, 7)));
    assert_ne!(history(&one), history(&played(&script, 8)));
}
