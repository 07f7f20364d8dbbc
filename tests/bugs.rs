//! The table of truth: each bug of the reference server fails the case that is named for it, the
//! properties it does not touch stand, and the honest server passes everything.
//!
//! Every row is one run of the catalogue with real sockets: the named case, and some quick ones of
//! each property (`ASSIZE_TABLE=whole`: all of them). Nothing here asserts on a time; a run waits
//! for its own conditions. `make soak` does more of it.

#[path = "support/table.rs"]
mod table;

use assize::conform::{Catalogued, Choice};
use assize::outcome::Conformance;
use assize::reference::{Bug, Bugs};
use assize::spec::Transports;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use table::{Ground, accusations, choice, complaint, doubts, rows, run};

/// Runs at the same time: each has little to do but to wait.
const AT_ONCE: usize = 4;

/// Bugs that are played over raw WebSockets as well: some of each property, those that live in the
/// server's handling of frames first of all.
const OVER_FRAMES: &[Bug] = &[
    Bug::NoPings,
    Bug::DeadKept,
    Bug::IdleClosed,
    Bug::DedupRace,
    Bug::DedupError,
    Bug::NumberGap,
    Bug::SendsOvertaken,
    Bug::PushesOvertaken,
    Bug::Truncate,
    Bug::Phantom,
    Bug::SyncLastRow,
    Bug::DeafDevice,
    Bug::DeafReconnect,
    Bug::TypingSurvivesLoss,
    Bug::TypingStartLate,
    Bug::AckLate,
    Bug::AckLost,
    Bug::AckTwice,
    Bug::LimitOneMore,
    Bug::HugeDisconnects,
    Bug::NullAsText,
    Bug::BadInputDisconnects,
    Bug::BadInputCrash,
    Bug::BadInputSilent,
    Bug::UnknownRoomSilent,
    Bug::UnknownEventDisconnects,
    Bug::ExtraFieldsRefused,
    Bug::RateStrict,
    Bug::RateSilent,
    Bug::RateDisconnects,
    Bug::TokenExpired,
    Bug::TokenMissing,
    Bug::TokenLate,
    Bug::TokenWrongError,
    Bug::SendUnchecked,
    Bug::MessageLeak,
    Bug::CreateRace,
    Bug::PresenceGhost,
    Bug::PresenceOfflineEarly,
    Bug::ReceiptUntold,
];

/// Fills in a table, some rows at a time; hands back what is wrong. `of` says on which spec a bug
/// is played, and which cases.
fn fill_in<'a>(bugs: &[Bug], of: impl Fn(Bug) -> (&'a str, Choice) + Sync) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut complained = None;
            // On a machine that is too busy a race may not come about: more tries tell.
            for _ in 0..3 {
                let (spec, choice) = of(*bug);
                let run = run(Ground::of(*bug), Bugs::NONE.with(*bug), spec, choice, None);
                complained = complaint(*bug, &run);
                if complained.is_none() {
                    break;
                }
            }
            println!("{:32} {}", bug.name(), complained.as_deref().unwrap_or("caught"));
            wrong.lock().unwrap().extend(complained);
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(work))));
    wrong.into_inner().unwrap()
}

#[test]
fn each_bug_is_caught_by_its_case_and_breaks_no_other_property() {
    let wrong = fill_in(&rows(), |bug| (bug.spec(), choice(bug)));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn over_raw_websockets_bugs_are_caught_by_the_same_cases() {
    let named = |bug| Catalogued::of_bug(bug).map(|case| case.name.clone()).into_iter().collect();
    let wrong = fill_in(OVER_FRAMES, |bug| ("frames", Choice { names: named(bug), quick: false }));
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

/// Nobody is accused, and almost everything is decided: only a machine that is too busy doubts.
fn assert_honest(run: &Conformance) {
    let told: Vec<String> = accusations(run)
        .iter()
        .map(|case| format!("{}: {:#?} {:#?}", case.name, case.finding, case.also))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    let doubtful: Vec<String> =
        doubts(run).iter().map(|case| format!("{}: {:?}", case.name, case.end)).collect();
    assert!(doubtful.len() * 20 <= run.judged(), "{}", doubtful.join("\n"));
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
