//! The table of truth: each bug of the reference server fails the case that is named for it, the
//! properties it does not touch stand, and the honest server passes everything.
//!
//! Every row is one run of the catalogue with real sockets: the named case, and some quick ones of
//! each property (`ASSIZE_TABLE=whole`: all of them). Nothing here asserts on a time; a run waits
//! for its own conditions. `make soak` does more of it.

#[path = "support/table.rs"]
mod table;

use assize::conform::Choice;
use assize::outcome::Conformance;
use assize::reference::{Bug, Bugs};
use assize::spec::Transports;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use table::{accusations, choice, complaint, doubts, run};

/// Runs at the same time: each has little to do but to wait.
const AT_ONCE: usize = 4;

/// Fills in the table, some rows at a time; hands back what is wrong.
fn fill_in() -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some(bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut complained = None;
            // On a machine that is too busy a race may not come about: more tries tell.
            for _ in 0..3 {
                let run = run(Bugs::NONE.with(*bug), bug.spec(), choice(*bug), None);
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
    let wrong = fill_in();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
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
    assert_honest(&run(Bugs::NONE, "callback-ack", Choice::default(), None));
}

#[test]
fn the_honest_server_passes_through_polling_and_with_an_upgrade() {
    for transport in [Transports::Polling, Transports::Upgrade] {
        let quick = Choice { quick: true, ..Choice::default() };
        assert_honest(&run(Bugs::NONE, "callback-ack", quick, Some(transport)));
    }
}

#[test]
fn the_honest_server_passes_as_every_other_system() {
    for spec in ["event-reply", "broadcast", "rest-first", "sequenced", "sessions", "signed-tokens"]
    {
        let quick = Choice { quick: true, ..Choice::default() };
        assert_honest(&run(Bugs::NONE, spec, quick, None));
    }
}
