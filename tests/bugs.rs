//! The table of truth: each bug of the reference server fails the property that its row names, the
//! properties it does not touch stand, and the honest server passes all.
//!
//! Every row is one whole run of `scenarios/trial.yaml` with real sockets. Nothing here asserts on
//! a time; a run waits for its own conditions.

use assize::engine::{self, ClientKind, Settings, TargetChoice};
use assize::outcome::Outcome;
use assize::reference::{Bug, Bugs};
use assize::verdict::Standing;
use assize::{property, scenario, spec};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Runs at the same time: each has little to do but to wait.
const AT_ONCE: usize = 4;

/// What a bug may look like as well, from outside, and why. No row may fail another property
/// without standing here.
const ALSO: &[(Bug, &str, &str)] = &[(
    Bug::RefusedStored,
    "idempotency",
    "where a fault withheld the first refusal, the refusal of the retry is an error in place of \
     the id of a message that is there",
)];

fn try_with(bugs: Bugs, run: u64) -> Outcome {
    let ids = property::ids();
    let read = |path: &str| std::fs::read_to_string(path).expect(path);
    let spec = spec::load("spec", &read("specs/callback-ack.yaml"), &ids).expect("a good spec");
    let trial =
        scenario::load("trial", &read("scenarios/trial.yaml"), &ids).expect("a good scenario");
    let settings = Settings {
        seed: trial.scenario.seed,
        spec: Arc::new(spec.spec),
        scenario: Arc::new(trial.scenario),
        run,
        target: TargetChoice::embedded(bugs),
        client: ClientKind::Assize,
        transport: None,
        shards: Some(1),
        judge: true,
        history: None,
        interrupt: Arc::new(Notify::new()),
        command: String::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    match runtime.block_on(engine::run(settings, |_| {})) {
        Ok(measured) => measured.outcome,
        Err(failure) => panic!("the run did not come about: {failure:?}"),
    }
}

/// What is wrong with a row, if anything.
fn complaint(bug: Bug, outcome: &Outcome) -> Option<String> {
    let mut wrong = Vec::new();
    let may_look_like = |id| ALSO.iter().any(|(row, also, _)| *row == bug && *also == id);
    for verdict in &outcome.verdicts {
        let id = verdict.property.as_str();
        let failed = verdict.standing == Standing::Fail;
        if id == bug.property() && !failed {
            wrong.push(format!("{id} is {} and must fail", verdict.standing));
        } else if failed && id != bug.property() && !may_look_like(id) {
            let first = verdict.finding.violations.first().map(|v| v.summary.as_str());
            wrong.push(format!("{id} fails ({}) and is not touched", first.unwrap_or("")));
        }
    }
    (!wrong.is_empty()).then(|| format!("{}: {}", bug.name(), wrong.join("; ")))
}

fn is_caught(bug: Bug, outcome: &Outcome) -> bool {
    let failed = |standing| standing == Standing::Fail;
    outcome.verdicts.iter().any(|v| v.property == bug.property() && failed(v.standing))
}

fn row(name: &str, outcome: &Outcome) -> String {
    let cells: Vec<String> = outcome
        .verdicts
        .iter()
        .map(|verdict| format!("{:>14}", verdict.standing.to_string()))
        .collect();
    format!("{name:<22}{}", cells.join(""))
}

#[test]
fn each_bug_falls_to_its_property_and_to_no_other() {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(&bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut outcome = try_with(Bugs::NONE.with(bug), bug as u64 + 1);
                    if !is_caught(bug, &outcome) {
                        // Races are a matter of chance; but chance must be kind nearly always.
                        println!("{} escaped once", bug.name());
                        outcome = try_with(Bugs::NONE.with(bug), bug as u64 + 1_001);
                    }
                    rows.lock().unwrap().push(row(bug.name(), &outcome));
                    complaints.lock().unwrap().extend(complaint(bug, &outcome));
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort();
    println!("{}", rows.join("\n"));
    let complaints = complaints.into_inner().unwrap();
    assert_eq!(rows.len(), Bug::ALL.len());
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn the_honest_server_passes_everything() {
    let outcome = try_with(Bugs::NONE, 0);
    println!("{}", row("honest", &outcome));
    for verdict in &outcome.verdicts {
        assert_eq!(
            verdict.standing,
            Standing::Pass,
            "{}: {:#?}",
            verdict.property,
            verdict.finding
        );
    }
}

#[test]
fn each_property_of_the_catalogue_has_a_bug_that_it_must_catch() {
    for id in property::ids() {
        assert!(Bug::ALL.iter().any(|bug| bug.property() == id), "{id} has no bug");
    }
    for bug in Bug::ALL {
        assert!(property::find(bug.property()).is_some(), "{} names no property", bug.name());
    }
}
