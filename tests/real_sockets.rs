//! What simulated worlds are silent about: the kernel, its sockets and timers, threads that really run at
//! the same time. Some rows of the table of truth, and the honest server, on real sockets.
//!
//! A machine that is busy makes cases doubtful here, and none wrong: a row is played again then, and one that
//! stays doubtful is no verdict. The whole table is `ASSIZE_TABLE=real cargo test --test bugs`, and
//! `make soak` plays each of its cases many times.

#[path = "support/table.rs"]
#[expect(dead_code, reason = "the whole table belongs to another test")]
mod table;

use assize::conform::Choice;
use assize::outcome::Conformance;
use assize::reference::{Bug, Bugs};
use assize::spec::Transports;
use table::{Ground, accusations, alone, complaint_in_the_end, doubts, fill_in, run};

/// Runs at the same time: each has little to do but to wait.
const AT_ONCE: usize = 6;

/// Everything between a case and the server that is another thing in a simulated world, with a bug that is seen
/// only through it. What a bug looks like is the same there and here; `tests/bugs.rs` has the others.
const ROWS: &[(Bug, How)] = &[
    // Each way to carry messages, by one bug that any of them shows.
    (Bug::DedupError, How::Over(Transports::WebSocket)),
    (Bug::Truncate, How::Over(Transports::Polling)),
    (Bug::SyncLastRow, How::Over(Transports::Upgrade)),
    (Bug::Phantom, How::On("frames")),
    (Bug::NoRejoin, How::On("rooms")),
    (Bug::RestUntold, How::Plain),
    (Bug::PollEdgeLost, How::Plain),
    // More bytes than a segment has, bytes that are bent on their way, a message in several frames.
    (Bug::HugeDisconnects, How::Plain),
    (Bug::PayloadReordered, How::Plain),
    (Bug::ProbeWrong, How::Plain),
    (Bug::FragmentsApart, How::Plain),
    // Each way to lose a connection: politely, between two packets, by a reset, by silence.
    (Bug::PresenceGhost, How::Plain),
    (Bug::KeyBeforeStore, How::Plain),
    (Bug::TypingSurvivesLoss, How::Plain),
    (Bug::DeadKept, How::Plain),
    // What happens to the server: its ports close and open, a node dies, its store and its bus are gone.
    (Bug::DedupRestart, How::Plain),
    (Bug::UnsavedOnNode, How::Plain),
    (Bug::HealthBlind, How::Plain),
    (Bug::BusForgets, How::Plain),
    // Each clock: of heartbeats, of acknowledgements, of a window, of an indicator, of a token.
    (Bug::NoPings, How::Plain),
    (Bug::AckLate, How::Plain),
    (Bug::RateWindowLong, How::Plain),
    (Bug::TypingNeverExpires, How::Plain),
    (Bug::TokenOutlived, How::Plain),
    // Races, each between other things: requests on a socket, devices, people, readers, tasks of the server.
    (Bug::DedupRace, How::Plain),
    (Bug::AckByKey, How::Plain),
    (Bug::CreateRace, How::Plain),
    (Bug::ReceiptRace, How::Plain),
    (Bug::SendsOvertaken, How::Plain),
];

/// How a row is played.
#[derive(Clone, Copy)]
enum How {
    /// As the bug's own spec says.
    Plain,
    /// Over another transport.
    Over(Transports),
    /// On another spec.
    On(&'static str),
}

#[test]
fn some_bugs_of_each_kind_are_caught_by_their_cases() {
    let bugs: Vec<Bug> = ROWS.iter().map(|(bug, _)| *bug).collect();
    let how = |bug| ROWS.iter().find(|(one, _)| *one == bug).map_or(How::Plain, |(_, how)| *how);
    let wrong = fill_in(&bugs, AT_ONCE, |bug| {
        let (spec, transport) = match how(bug) {
            How::Plain => (bug.spec(), None),
            How::Over(transport) => (bug.spec(), Some(transport)),
            How::On(spec) => (spec, None),
        };
        complaint_in_the_end(bug, || {
            run(Ground::of(bug), Bugs::NONE.with(bug), spec, alone(bug), transport)
        })
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_honest_server_passes_the_whole_catalogue_over_one_raw_websocket() {
    assert_honest(&run(Ground::default(), Bugs::NONE, "frames", Choice::default(), None));
}

#[test]
fn the_honest_server_passes_with_a_raw_websocket_for_each_conversation() {
    let quick = Choice { quick: true, ..Choice::default() };
    assert_honest(&run(Ground::default(), Bugs::NONE, "rooms", quick, None));
}

/// Nobody is accused, and most is decided: only a machine that is too busy doubts.
fn assert_honest(run: &Conformance) {
    let told: Vec<String> = accusations(run)
        .iter()
        .map(|case| format!("{}: {:#?} {:#?}", case.name, case.finding, case.also))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    let doubtful: Vec<String> =
        doubts(run).iter().map(|case| format!("{}: {:?}", case.name, case.end)).collect();
    assert!(doubtful.len() * 2 <= run.judged(), "{}", doubtful.join("\n"));
}

#[test]
fn the_honest_server_passes_the_whole_catalogue() {
    assert_honest(&run(Ground::default(), Bugs::NONE, "callback-ack", Choice::default(), None));
}

#[test]
fn an_honest_server_of_two_nodes_passes_the_whole_catalogue() {
    let two = Ground { nodes: 2, ..Ground::default() };
    for spec in ["sequenced", "callback-ack"] {
        assert_honest(&run(two, Bugs::NONE, spec, Choice::default(), None));
    }
}

#[test]
fn the_honest_server_passes_through_polling_and_with_an_upgrade() {
    for transport in [Transports::Polling, Transports::Upgrade] {
        let quick = Choice { quick: true, ..Choice::default() };
        assert_honest(&run(Ground::default(), Bugs::NONE, "callback-ack", quick, Some(transport)));
    }
}

#[test]
fn the_honest_server_passes_as_every_other_system() {
    for spec in [
        "event-reply",
        "broadcast",
        "rest-first",
        "sequenced",
        "sessions",
        "signed-tokens",
        "lobby",
    ] {
        let quick = Choice { quick: true, ..Choice::default() };
        assert_honest(&run(Ground::default(), Bugs::NONE, spec, quick, None));
    }
}
