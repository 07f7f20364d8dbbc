//! A scenario that launches a server, and the catalogue on that server, as a user runs them.

use assize::outcome::Outcome;
use assize::outcome::conformance::{Conformance, End};
use assize::verdict::Standing;
use serde::de::DeserializeOwned;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// One run at a time: each has a server, its stores and a hundred clients.
static TURN: Mutex<()> = Mutex::new(());

/// What is found by a race may not come about at once on a busy machine.
const TRIES: usize = 4;

/// Runs a scenario with its launch, and reads what came of it.
pub(crate) fn outcome_of(scenario: &str) -> Outcome {
    report_of(&["run", scenario, "--no-history"])
}

/// Plays what these arguments select, cases or `--quick`, on the server that the scenario launches.
pub(crate) fn conformance_of(spec: &str, scenario: &str, selected: &[&str]) -> Conformance {
    report_of(&[&["conform", "--spec", spec, "--launch", scenario], selected].concat())
}

fn report_of<T: DeserializeOwned>(words: &[&str]) -> T {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let out = tempfile::tempdir().expect("a folder");
    let run = Command::new(env!("CARGO_BIN_EXE_assize"))
        .args(words)
        .args(["--quiet".as_ref(), "--out".as_ref(), out.path().as_os_str()])
        .output()
        .expect("the program runs");
    let report = out.path().join("latest/report.json");
    let text = std::fs::read_to_string(report).unwrap_or_else(|error| {
        panic!("no report: {error}\n{}", String::from_utf8_lossy(&run.stderr))
    });
    serde_json::from_str(&text).expect("a report")
}

/// Nothing that was selected is broken by the server, and more than half of it passed.
#[track_caller]
pub(crate) fn assert_keeps(spec: &str, scenario: &str, selected: &[&str]) {
    let run = conformance_of(spec, scenario, selected);
    let failing = run.cases.iter().find(|case| case.fails_the_run(false));
    assert!(failing.is_none(), "{failing:#?}");
    assert_eq!(run.broken_elsewhere().count(), 0, "{:#?}", run.broken_elsewhere().next());
    let passed = run.cases.iter().filter(|case| case.end == End::Judged(Standing::Pass)).count();
    assert!(passed > run.cases.len() / 2, "{passed} of {}", run.cases.len());
}

/// Plays the cases, and those that did not fail again; each has to fail in the end.
#[track_caller]
pub(crate) fn assert_finds(spec: &str, scenario: &str, cases: &[&str]) {
    let mut open: Vec<&str> = cases.to_vec();
    for _ in 0..TRIES {
        let run = conformance_of(spec, scenario, &open);
        open.retain(|name| !run.cases.iter().any(|case| case.name == *name && case.fails()));
        if open.is_empty() {
            return;
        }
    }
    panic!("not found: {open:?}");
}
