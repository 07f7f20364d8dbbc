//! Scripts, played by real clients against the embedded server: what they say happens, honest
//! servers pass, and a bug is caught.

use assize::engine::TargetChoice;
use assize::engine::stage::{Keep, Play, Played, Site, play};
use assize::history::{Entry, Event};
use assize::plan::script::Script;
use assize::reference::{Bug, Bugs};
use assize::{property, spec};
use std::sync::Arc;

/// Plays a script on the embedded server with these bugs.
fn played(bugs: Bugs, script: &str) -> Played {
    let yaml = std::fs::read_to_string("specs/callback-ack.yaml").expect("the spec is there");
    let spec = spec::load("spec", &yaml, &property::ids()).expect("a good spec").spec;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let script = Arc::new(Script::parse(script).unwrap());
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let choice = TargetChoice::embedded(bugs);
        let (mut target, site) = Site::open(&choice, &Arc::new(spec), None, 7).await.unwrap();
        let played = play(
            &site,
            &Play { number: 3, script, patience: None, people: None },
            Some(&mut target),
            Keep::Nothing,
        )
        .await
        .unwrap();
        target.stop().await;
        played
    })
}

/// The properties that were broken.
fn broken(played: &Played) -> Vec<&'static str> {
    let ids = property::ids().into_iter().zip(&played.findings);
    ids.filter(|(_, finding)| finding.violation_count > 0).map(|(id, _)| id).collect()
}

const TWICE: &str = "people: ann x2, bob\nann.1 send a | ann.2 send a";

#[test]
fn an_honest_server_keeps_one_message_of_two_simultaneous_sends() {
    let played = played(Bugs::NONE, TWICE);
    assert_eq!(broken(&played), [] as [&str; 0], "{:#?}", played.findings);
    assert_eq!(played.hitches, [] as [String; 0]);
    let sends = played
        .entries
        .iter()
        .filter(|entry| matches!(&entry.event, Event::Invoke { message: Some(_), .. }));
    assert_eq!(sends.count(), 2);
}

#[test]
fn a_race_of_the_server_is_found() {
    let played = played(Bugs::NONE.with(Bug::DedupRace), TWICE);
    assert_eq!(broken(&played), ["idempotency"]);
}

#[test]
fn racing_requests_leave_in_their_order_and_as_far_apart_as_the_script_says() {
    let script = "
        people: ann, bob, cid
        +6ms cid send c | bob send b | +300us ann history | +300us ann send d | +5ms bob send e";
    let played = played(Bugs::NONE, script);
    assert_eq!(played.hitches, [] as [String; 0]);
    let in_script =
        |entry: &&Entry| matches!(&entry.event, Event::Phase { name } if name == "script");
    let began = played.entries.iter().position(|entry| in_script(&entry)).unwrap();
    let left: Vec<(u64, u32)> = played.entries[began..]
        .iter()
        .filter(|entry| matches!(entry.event, Event::Attempt { .. }))
        .map(|entry| (entry.at, entry.client.0))
        .take(5)
        .collect();
    let [ann, bob, cid] = [0, 1, 2].map(|person| played.names[person].0.0);
    let who: Vec<u32> = left.iter().map(|(_, client)| *client).collect();
    assert_eq!(who, [bob, ann, ann, bob, cid]);
    let after: Vec<u64> = left.iter().map(|(at, _)| at - left[0].0).collect();
    let due = [0, 300_000, 300_000, 5_000_000, 6_000_000];
    assert!(after.iter().zip(due).all(|(after, due)| *after >= due), "{after:?}");
}

#[test]
fn every_kind_of_step_is_played() {
    let script = "
        people: ann, bob, dan offline
        room side: ann, bob
        room all: ann, bob, dan
        ann send a in all
        until bob sees a
        bob cut rst for 300ms
        until bob is disconnected
        start ann burst 3 as unicode in side
        until bob is ready
        bob read a in all
        ann type in side
        until bob sees typing-start
        bob disconnect
        ann send b in all
        dan connect
        pause 10ms
        server restart
        ann history in all
        rest
    ";
    let played = played(Bugs::NONE, script);
    assert_eq!(played.hitches, [] as [String; 0]);
    assert_eq!(broken(&played), [] as [&str; 0], "{:#?}", played.findings);
}
