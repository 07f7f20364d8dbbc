//! The table of truth: each bug of the reference server fails the case that is named for it, the
//! properties it does not touch stand, and the honest server passes everything.
//!
//! Every row is one run of the catalogue with real sockets: the named case and all quick ones.
//! Nothing here asserts on a time; a run waits for its own conditions.

use assize::conform::{self, Catalogued, Choice, Settings, catalogue};
use assize::engine::TargetChoice;
use assize::outcome::Conformance;
use assize::outcome::conformance::End;
use assize::reference::{Bug, Bugs, Options};
use assize::spec::Transports;
use assize::verdict::{Severity, Standing};
use assize::{property, spec};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// Runs at the same time: each has little to do but to wait.
const AT_ONCE: usize = 4;

/// What a bug may look like as well, from outside, and why. No row may fail another property
/// without standing here.
const ALSO: &[(Bug, &str, &str)] = &[
    (Bug::DeafDevice, "ack-timeout", "a send that nobody hears is a send that nobody answers"),
    (Bug::DeafReconnect, "ack-timeout", "a send that nobody hears is a send that nobody answers"),
    (
        Bug::ListForeign,
        "conversation-identity",
        "a conversation of strangers in one's list is one that nobody here has made",
    ),
    (
        Bug::ReceiptUnchecked,
        "receipts",
        "a stranger's receipt that is taken is told to the sender as well",
    ),
];

/// One run of the catalogue against the embedded server.
fn run(bugs: Bugs, spec: &str, choice: Choice, transport: Option<Transports>) -> Conformance {
    static RUNS: AtomicUsize = AtomicUsize::new(1);
    let path = format!("specs/{spec}.yaml");
    let yaml = std::fs::read_to_string(&path).expect(&path);
    let spec = spec::load(&path, &yaml, &property::ids()).expect("a good spec").spec;
    let options = Options {
        bugs,
        ping_interval: Duration::from_secs(3),
        ping_timeout: Duration::from_secs(2),
        ..Options::default()
    };
    let settings = Settings {
        spec: Arc::new(spec),
        target: TargetChoice::Embedded(options),
        transport,
        choice,
        strict: false,
        trace: false,
        run: RUNS.fetch_add(1, Ordering::Relaxed) as u64,
        interrupt: Arc::new(Notify::new()),
        command: String::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.expect("a runtime").block_on(conform::run(settings, |_| {})) {
        Ok(run) => run,
        Err(failure) => panic!("the run did not come about: {failure:?}"),
    }
}

/// The named case and all quick ones.
fn choice(bug: Bug) -> Choice {
    let named = Catalogued::of_bug(bug).map(|case| case.name.clone());
    let quick = catalogue().iter().filter(|case| case.quick).map(|case| case.name.clone());
    Choice { names: quick.chain(named).collect(), quick: false }
}

/// What is wrong with a row, if anything.
fn complaint(bug: Bug, run: &Conformance) -> Option<String> {
    let mut wrong = Vec::new();
    let Some(named) = Catalogued::of_bug(bug) else {
        return Some(format!("{bug}: no case of `{}` catches it", bug.property()));
    };
    match run.cases.iter().find(|case| case.name == named.name) {
        Some(case) if case.fails() => {}
        Some(case) => wrong.push(format!("{} is {:?} and must fail", named.name, case.end)),
        None => wrong.push(format!("{} was not played", named.name)),
    }
    let may_look_like = |id: &str| ALSO.iter().any(|(row, also, _)| *row == bug && *also == id);
    for result in &run.properties {
        let id = result.property.as_str();
        let touched = id == bug.property() || may_look_like(id);
        if result.standing == Some(Standing::Fail) && !touched {
            wrong.push(format!("{id} fails and is not touched: {}", first_of(run, id)));
        }
    }
    (!wrong.is_empty()).then(|| format!("{bug}: {}", wrong.join("; ")))
}

/// Where a property was broken first, and how.
fn first_of(run: &Conformance, id: &str) -> String {
    let own = run.cases.iter().filter(|case| case.property == id && case.fails());
    let own = own.filter_map(|case| Some((case, case.finding.violations.first()?)));
    let elsewhere = run.cases.iter().flat_map(|case| {
        let also = case.also.iter().filter(|also| also.property == id);
        also.map(move |also| (case, &also.violation))
    });
    let first = own.chain(elsewhere).next();
    first.map_or_else(String::new, |(case, violation)| {
        format!("{} in {}", violation.summary, case.name)
    })
}

/// Fills in the table, some rows at a time; hands back what is wrong.
fn fill_in() -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some(bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut complained = None;
            // On a machine that is too busy a race may not come about: one more try tells.
            for _ in 0..2 {
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

/// Every case that can be played passes, musts and shoulds alike.
fn assert_honest(run: &Conformance) {
    let bad = |case: &&assize::outcome::conformance::Case| {
        let fine = matches!(case.end, End::Judged(Standing::Pass) | End::NotSupported(_));
        !fine && case.severity != Severity::Informational || !case.also.is_empty()
    };
    let bad: Vec<String> = run
        .cases
        .iter()
        .filter(bad)
        .map(|case| format!("{}: {:?} {:#?} {:#?}", case.name, case.end, case.finding, case.also))
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert!(run.judged() > 0);
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
    for spec in ["event-reply", "broadcast", "rest-first", "sequenced"] {
        let quick = Choice { quick: true, ..Choice::default() };
        assert_honest(&run(Bugs::NONE, spec, quick, None));
    }
}
