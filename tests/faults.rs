//! Every fault does what it says, an honest server passes under each, and none hides a bug.
//!
//! Scripts are played by real clients against the embedded server. Nothing here sleeps; where a fault
//! makes something late, the history says when it came.

use assize::engine::TargetChoice;
use assize::engine::stage::{Keep, Play, Played, Site, play};
use assize::fault;
use assize::history::{Answer, ClientId, Entry, Event, OpId};
use assize::operation::{ConnectionState, Operation, Sight};
use assize::plan::script::Script;
use assize::reference::{Bug, Bugs, Options};
use assize::{property, spec};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;

/// Plays scripts side by side on one embedded server with these bugs. A script that handles the
/// server must be alone.
fn played(bugs: Bugs, scripts: &[String]) -> Vec<Played> {
    let yaml = std::fs::read_to_string("specs/callback-ack.yaml").expect("the spec is there");
    let spec = spec::load("spec", &yaml, &property::ids()).expect("a good spec").spec;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let plays: Vec<Play> = scripts
        .iter()
        .zip(0..)
        .map(|(script, number)| {
            let script = Script::parse(script).unwrap_or_else(|mistake| panic!("{mistake}"));
            Play { number, script: Arc::new(script), patience: None, people: None }
        })
        .collect();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let options = Options {
            bugs,
            ping_interval: Duration::from_secs(1),
            ping_timeout: Duration::from_secs(3),
            ..Options::default()
        };
        let choice = TargetChoice::Embedded(options);
        let (mut target, site) = Site::open(&choice, &Arc::new(spec), None, 7).await.unwrap();
        let played = match &plays[..] {
            [one] => vec![play(&site, one, Some(&mut target), Keep::Nothing).await],
            all => join_all(all.iter().map(|one| play(&site, one, None, Keep::Nothing))).await,
        };
        target.stop().await;
        played.into_iter().map(|played| played.expect("it is played")).collect()
    })
}

fn one(script: &str) -> Played {
    let played = played(Bugs::NONE, &[script.to_owned()]).remove(0);
    assert_honest(script, &played);
    played
}

/// The properties that were broken.
fn broken(played: &Played) -> Vec<&'static str> {
    let ids = property::ids().into_iter().zip(&played.findings);
    ids.filter(|(_, finding)| finding.violation_count > 0).map(|(id, _)| id).collect()
}

fn assert_honest(what: &str, played: &Played) {
    assert_eq!(broken(played), [] as [&str; 0], "{what}: {:#?}", played.findings);
    assert_eq!(played.hitches, [] as [String; 0], "{what}");
}

/// Faults of the client's side in all their ways.
fn faults() -> Vec<String> {
    let kinds = fault::ALL.iter().filter(|kind| !kind.of_server);
    let mut all: Vec<String> = kinds.map(|kind| kind.example.to_owned()).collect();
    for more in [
        "cut fin on-message",
        "cut close-frame",
        "cut half-frame",
        "cut-after-send fin",
        "delay acks 300ms",
        "delay everything 150ms out",
        "delay message 200ms in",
        "drop everything in 40%",
        "drop typing-start out",
        "drop sync in 50%",
        "duplicate everything",
        "duplicate message in",
        "reorder everything",
        "reorder message in",
        "split 1 out",
        "throttle 4000/s in",
        "merge 150ms",
    ] {
        all.push(more.to_owned());
    }
    all
}

/// A talk in which one suffers from a fault while everybody sends, twice even, types and reads.
fn talk(who: &str, fault: &str) -> String {
    format!(
        "people: ann x2, bob, dan offline
         ann.1 send a
         {who} {fault} for 1200ms
         start ann.1 burst 3
         start bob send b
         start bob type
         start ann.1 send c | ann.2 send c
         pause 400ms
         start bob burst 3
         start ann type
         dan connect
         pause 1200ms
         ann.1 send d | ann.2 send d
         bob send e
         rest"
    )
}

#[test]
fn an_honest_server_passes_under_every_fault() {
    let faults = faults();
    let whos = ["bob", "ann.1", "dan"];
    let talks: Vec<(String, String)> = faults
        .iter()
        .flat_map(|fault| whos.map(|who| (format!("{who} {fault}"), talk(who, fault))))
        .collect();
    let scripts: Vec<String> = talks.iter().map(|(_, script)| script.clone()).collect();
    for ((what, _), played) in talks.iter().zip(played(Bugs::NONE, &scripts)) {
        assert_honest(what, &played);
    }
}

#[test]
fn no_fault_hides_that_a_message_is_stored_twice() {
    let faults = faults();
    let scripts: Vec<String> = faults.iter().map(|fault| talk("bob", fault)).collect();
    for (fault, played) in faults.iter().zip(played(Bugs::NONE.with(Bug::DedupOff), &scripts)) {
        assert!(broken(&played).contains(&"idempotency"), "hidden by {fault}");
    }
}

/// Six people send as much as they may, all under the same fault.
fn crowd(fault: &str) -> String {
    let people = ["ann", "bob", "cid", "dan", "eve", "fay"];
    let all = |deed: &str| people.map(|name| format!("{name} {deed}")).join(" | ");
    let bursts = format!("{}\npause 1100ms\n", all("burst 9"));
    format!("people: {}\n{}\n{}rest", people.join(", "), all(fault), bursts.repeat(2))
}

#[test]
fn faults_that_touch_no_answer_excuse_none() {
    let faults = ["none", "drop message in", "duplicate typing-start out", "reorder receipt in"];
    let scripts: Vec<String> = faults.iter().map(|fault| crowd(fault)).collect();
    let ack_timeout = property::ids().into_iter().position(|id| id == "ack-timeout").unwrap();
    for bug in [Bug::AckLost, Bug::AckTwice] {
        for (fault, played) in faults.iter().zip(played(Bugs::NONE.with(bug), &scripts)) {
            let finding = &played.findings[ack_timeout];
            let excused = finding.figures.iter().any(|(figure, _)| figure == "excused by a fault");
            assert!(!excused, "{bug} is excused by {fault}: {finding:#?}");
            // On a starved machine the judge may doubt.
            let seen = finding.violation_count > 0 || !finding.doubts.is_empty();
            assert!(seen, "{bug} is hidden by {fault}: {finding:#?}");
        }
    }
}

#[test]
fn faults_that_take_no_delivery_excuse_none() {
    let faults = ["none", "split 9", "merge 20ms", "duplicate message in", "reorder message in"];
    let scripts: Vec<String> = faults.iter().map(|fault| crowd(fault)).collect();
    let bugs = Bugs::NONE.with(Bug::ReceiverSkipped);
    for (fault, played) in faults.iter().zip(played(bugs, &scripts)) {
        assert!(broken(&played).contains(&"no-loss-on-reconnect"), "hidden by {fault}");
    }
}

#[test]
fn every_fault_is_documented_and_in_the_weather() {
    let read = |path: &str| std::fs::read_to_string(path).expect(path);
    let docs = read("docs/scenario-language.md");
    let weather = read("scenarios/weather.yaml");
    let weather = assize::scenario::load("weather", &weather, &property::ids()).expect("it loads");
    for kind in fault::ALL {
        assert!(docs.contains(&format!("| `{}` |", kind.name)), "`{}` in the docs", kind.name);
        for figure in kind.figures {
            assert!(docs.contains(&format!("`{}`", figure.name)), "`{}`", figure.name);
        }
        let used = weather.scenario.faults.iter().any(|plan| plan.fault.name() == kind.name);
        assert!(used, "`{}` in scenarios/weather.yaml", kind.name);
    }
}

// ----------------------------------------------------------------------------------------------
// what each one does

/// Ann is the first client of the first play, bob the second.
const ANN: ClientId = ClientId(0);
const BOB: ClientId = ClientId(1);

fn of(played: &Played, client: ClientId) -> impl Iterator<Item = &Entry> {
    played.entries.iter().filter(move |entry| entry.client == client)
}

/// When the client first had an entry like this, in milliseconds.
fn when(played: &Played, client: ClientId, like: impl Fn(&Event) -> bool) -> u64 {
    let entry = of(played, client).find(|entry| like(&entry.event));
    entry.unwrap_or_else(|| panic!("no such entry: {:#?}", played.entries)).at / 1_000_000
}

fn fault_ends(event: &Event) -> bool {
    matches!(event, Event::Fault { begins: false, .. })
}

fn sees_message(event: &Event) -> bool {
    matches!(event, Event::Message(_))
}

fn sends(event: &Event) -> bool {
    matches!(event, Event::Invoke { operation: Operation::Send, .. })
}

/// The operations of the client's sends, in order.
fn sent(played: &Played, client: ClientId) -> Vec<OpId> {
    let op = |entry: &Entry| match entry.event {
        Event::Invoke { op, operation: Operation::Send, .. } => Some(op),
        _ => None,
    };
    of(played, client).filter_map(op).collect()
}

#[test]
fn what_is_held_back_on_the_way_comes_when_the_fault_ends() {
    for fault in ["half-open", "silence"] {
        let script = format!(
            "people: ann, bob\nbob {fault} for 700ms\nann send a\nuntil bob sees a\nbob send b"
        );
        let played = one(&script);
        let (end, seen) = (when(&played, BOB, fault_ends), when(&played, BOB, sees_message));
        assert!(seen >= end, "{fault}: seen at {seen}, ended at {end}");
    }
}

#[test]
fn a_server_that_hears_nothing_hangs_up_and_the_harness_did_it() {
    let played = one(
        "people: ann, bob\nann send a\nbob half-open for 9s\nuntil bob is disconnected\nbob heal\nann send b",
    );
    let lost = of(&played, BOB).find_map(|entry| match &entry.event {
        Event::Connection { state: ConnectionState::Disconnected, caused, .. } => Some(*caused),
        _ => None,
    });
    assert_eq!(lost, Some(true));
}

#[test]
fn delays_delay() {
    let played =
        one("people: ann, bob\nbob delay 300ms in\nann send a\nuntil bob sees a\nbob heal");
    let (began, seen) = (when(&played, ANN, sends), when(&played, BOB, sees_message));
    assert!(seen >= began + 300, "sent at {began}, seen at {seen}");
    let played = one("people: ann, bob\nann delay acks 300ms for 2s\nann send a");
    let ops = sent(&played, ANN);
    let is_answer = |event: &Event| matches!(event, Event::Answered { op, .. } if ops.contains(op));
    let (began, acked) = (when(&played, ANN, sends), when(&played, ANN, is_answer));
    assert!(acked >= began + 300, "sent at {began}, acked at {acked}");
    let played = one(
        "people: ann, bob\nann delay typing-start 400ms out for 2s\nann type\nuntil bob sees typing-start",
    );
    let is_typing =
        |event: &Event| matches!(event, Event::Invoke { operation: Operation::TypingStart, .. });
    let sight = |event: &Event| matches!(event, Event::Saw { sight: Sight::TypingStart, .. });
    let (typed, seen) = (when(&played, ANN, is_typing), when(&played, BOB, sight));
    assert!(seen >= typed + 400, "typed at {typed}, seen at {seen}");
}

#[test]
fn what_is_refused_is_tried_again() {
    let played =
        one("people: ann, bob\nbob refuse for 1500ms\nbob cut rst\nann send a\nuntil bob is ready");
    let refused = of(&played, BOB).any(|entry| {
        matches!(&entry.event, Event::Connection { state: ConnectionState::Error, why, caused: true } if why.contains("refused"))
    });
    assert!(refused, "{:#?}", played.entries);
}

#[test]
fn a_cut_while_the_connection_is_opened_is_one_more_failure() {
    let played = one(
        "people: ann, bob\nbob half-open for 1s\nbob cut rst for 100ms\npause 1200ms\nbob refuse for 100ms\nbob cut fin for 100ms\nbob heal\nann send a\nuntil bob is ready",
    );
    let opened = of(&played, BOB).filter(|entry| matches!(entry.event, Event::Ready)).count();
    assert!(opened >= 2, "{:#?}", played.entries);
}

#[test]
fn a_dropped_send_never_left_and_is_sent_again() {
    let played = one("people: ann, bob\nann drop send out for 1s\nann send a\nuntil bob sees a");
    let ops = sent(&played, ANN);
    let attempts: Vec<u32> = of(&played, ANN)
        .filter_map(|entry| match entry.event {
            Event::Attempt { op, attempt } if ops.contains(&op) => Some(attempt),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, [1], "the first one was dropped");
    let excused = of(&played, ANN).any(|entry| {
        matches!(entry.event, Event::Answered { answer: Answer::TimedOut, excused: true, .. })
    });
    assert!(excused);
}

#[test]
fn a_dropped_keystroke_is_none() {
    let played = one(
        "people: ann, bob\nann drop typing-start out for 1s\nann type\nann send a\nuntil bob sees a",
    );
    let seen = of(&played, BOB)
        .any(|entry| matches!(entry.event, Event::Saw { sight: Sight::TypingStart, .. }));
    let ended = of(&played, ANN).any(|entry| {
        matches!(&entry.event, Event::Failed { error, certain: true, .. } if error.contains("fault"))
    });
    assert!(!seen && ended, "{:#?}", played.entries);
}

#[test]
fn a_doubled_send_is_two_sends_and_one_message() {
    let played = one("people: ann, bob\nann duplicate send out\nann send a\nuntil bob sees a");
    let ops = sent(&played, ANN);
    assert_eq!(ops.len(), 2);
    let ids: Vec<_> = of(&played, ANN)
        .filter_map(|entry| match &entry.event {
            Event::Answered { op, answer: Answer::Ack { id, .. }, excused: false, .. }
                if ops.contains(op) =>
            {
                id.clone()
            }
            _ => None,
        })
        .collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
}

#[test]
fn what_is_doubled_on_the_way_in_is_recorded_as_it_came() {
    let script =
        |fault: &str| format!("people: ann, bob\nbob {fault}\nann burst 4\nbob send b\nrest");
    let count = |fault: &str| {
        let played = one(&script(fault));
        let live = |entry: &&Entry| matches!(&entry.event, Event::Message(seen) if seen.by == assize::history::Carrier::Live);
        of(&played, BOB).filter(live).count()
    };
    let without = count("none");
    for fault in ["duplicate everything in", "drop message in", "reorder message in"] {
        assert_eq!(count(fault), without, "{fault}");
    }
}

#[test]
fn reordered_sends_overtake() {
    let played = one("people: ann, bob\nann reorder send out\nann burst 4\nrest");
    let ops = sent(&played, ANN);
    let left: Vec<OpId> = of(&played, ANN)
        .filter_map(|entry| match entry.event {
            Event::Attempt { op, .. } if ops.contains(&op) => Some(op),
            _ => None,
        })
        .collect();
    assert_eq!(left, [ops[1], ops[0], ops[3], ops[2]]);
}

#[test]
fn what_happens_to_the_server_is_the_harnesss_doing() {
    for (deed, drops) in [("restart", true), ("kill for 300ms", true), ("stop for 700ms", false)] {
        let script = format!(
            "people: ann, bob\nann send a\nstart bob burst 5\nserver {deed}\nann send b\nuntil bob sees b\nrest"
        );
        let played = one(&script);
        for client in [ANN, BOB] {
            let name = deed.split(' ').next().unwrap();
            let told = |wanted: bool| {
                of(&played, client).any(|entry| {
                    matches!(&entry.event, Event::Fault { what, begins } if what == name && *begins == wanted)
                })
            };
            assert!(told(true) && told(false), "{deed}");
        }
        let ends: Vec<bool> = played
            .entries
            .iter()
            .filter_map(|entry| match entry.event {
                Event::Connection { state: ConnectionState::Disconnected, caused, .. } => {
                    Some(caused)
                }
                _ => None,
            })
            .collect();
        assert_eq!(!ends.is_empty(), drops, "{deed}");
        assert!(ends.iter().all(|caused| *caused), "{deed}");
    }
}

#[test]
fn a_kill_does_not_hide_what_it_loses() {
    let script =
        "people: ann, bob\nann burst 5\npause 600ms\nserver kill\nann send b\nrest".to_owned();
    let played = played(Bugs::NONE.with(Bug::RestartLoses), &[script]).remove(0);
    assert!(broken(&played).contains(&"at-least-once"), "{:#?}", played.hitches);
}
