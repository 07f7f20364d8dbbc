//! One run of the catalogue against the embedded server, and what it says of a bug or of honesty.
//!
//! `ASSIZE_ROWS=NAME,…` asks for some rows of the table of truth; `ASSIZE_TABLE` for `real` sockets in
//! place of simulated worlds, for the `whole` of the quick cases in place of some, or for `real,whole`.

use assize::conform::{self, Catalogued, Choice, Settings, catalogue};
use assize::engine::TargetChoice;
use assize::outcome::Conformance;
use assize::outcome::conformance::{Case, End};
use assize::reference::{Bug, Bugs, Options};
use assize::spec::Transports;
use assize::verdict::{Severity, Standing};
use assize::{property, spec};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// What a bug may look like as well, from outside, and why. No row may fail another property
/// without standing here.
const ALSO: &[(Bug, &str, &str)] = &[
    (
        Bug::PushesOvertaken,
        "no-loss-on-reconnect",
        "what is overtaken and then cut off stands before the newest that was seen, where no sync begins",
    ),
    (Bug::PingNever, "connection-state", "where no ping comes, none comes in time"),
    (Bug::PingLate, "connection-state", "where pings come late, none comes in time"),
    (Bug::HealthAlways, "idempotency", "while its store is away it refuses repetitions, too"),
    (Bug::RateStores, "at-least-once", "the excess that is refused is stored as well"),
    (Bug::RateSilent, "ack-timeout", "the excess that is swallowed has no answer in time"),
    (
        Bug::PageUnordered,
        "at-least-once",
        "rows that change their places over the edges of pages are lost there",
    ),
    (Bug::RestOtherId, "idempotency", "an id that REST alone gives is a second id of the message"),
    (
        Bug::KeysPerChannel,
        "idempotency",
        "a key that each channel knows by itself makes two messages",
    ),
    (
        Bug::AnnounceRepeats,
        "idempotency",
        "what is pushed again over one connection is there twice",
    ),
    (Bug::AnnounceStores, "idempotency", "what is stored again by its announcement is there twice"),
    (Bug::AckSilentRepeat, "connection-state", "who answers no repetition seems deaf"),
    (Bug::DeafDevice, "rate-limit", "what nobody hears is not refused either"),
    (Bug::AckSilentError, "rate-limit", "the error for the excess is an error, too"),
    (Bug::RefusedStored, "rate-limit", "the excess that is refused may be stored as well"),
    (Bug::RefusedStored, "typing-timeout", "what is stored ends the typing of who was refused"),
    (Bug::NoRejoin, "presence", "whoever is in no room is told of nobody's coming"),
    (Bug::JoinUnchecked, "presence", "who is in a room is told who comes there"),
    (Bug::TypingUnchecked, "typing-timeout", "a stranger's typing is typing that nobody may see"),
    (Bug::TypingLeak, "typing-timeout", "typing that a stranger sees breaks both promises"),
    (Bug::TypingToAll, "authorization", "typing that a stranger sees breaks both promises"),
    (Bug::PresenceLeak, "presence", "presence that a stranger sees breaks both promises"),
    (Bug::PresenceToAll, "authorization", "presence that a stranger sees breaks both promises"),
    (Bug::MultikeyFirst, "authorization", "the conversation that is found has other people in it"),
    (Bug::MultikeyFirst, "presence", "the conversation that is found has other people in it"),
    (Bug::QueueTwice, "ordering", "what is pushed once more comes behind what was sent after it"),
    (
        Bug::BroadcastCopies,
        "receipts",
        "who has read a copy has read another message than was sent",
    ),
    (
        Bug::BroadcastReaderLost,
        "unread-count",
        "for a reader who was lost the broadcast is unread for ever",
    ),
    (
        Bug::BroadcastLeak,
        "authorization",
        "who is shown what is not meant for them is a stranger to it",
    ),
    (
        Bug::BroadcastOpen,
        "authorization",
        "who is shown what is not meant for them is a stranger to it",
    ),
    (Bug::DeafDevice, "ack-timeout", "a send that nobody hears is a send that nobody answers"),
    (Bug::DeafReconnect, "ack-timeout", "a send that nobody hears is a send that nobody answers"),
    (
        Bug::ListForeign,
        "conversation-identity",
        "a conversation of strangers in one's list is one that nobody here has made",
    ),
    (Bug::PageSkips, "at-least-once", "what no page shows is missing in the whole"),
    (Bug::PageLastMissing, "at-least-once", "what no page shows is missing in the whole"),
    (Bug::PageExclusive, "at-least-once", "what no page shows is missing in the whole"),
    (
        Bug::RestNeverTold,
        "no-loss-on-reconnect",
        "what nobody is told is missing in the view of who was there",
    ),
    (
        Bug::RestUntold,
        "no-loss-on-reconnect",
        "what nobody is told is missing in the view of who was there",
    ),
    (
        Bug::RestUnchecked,
        "authorization",
        "who sends unchecked sends where they are no participant",
    ),
    (Bug::SearchLeak, "authorization", "what a stranger finds breaks both promises"),
    (
        Bug::AnnounceUnchecked,
        "at-least-once",
        "what is shown elsewhere stands where nobody sent it",
    ),
    (
        Bug::ReceiptUnchecked,
        "receipts",
        "a stranger's receipt that is taken is told to the sender as well",
    ),
    (Bug::PushPerNode, "no-loss-on-reconnect", BETWEEN),
    (Bug::RoomPerNode, "no-loss-on-reconnect", BETWEEN),
    (Bug::FailoverNoRejoin, "no-loss-on-reconnect", BETWEEN),
    (Bug::StampsPerNode, "ordering", BETWEEN),
    (Bug::NumbersPerNode, "ordering", BETWEEN),
    (Bug::NumbersPerNode, "no-loss-on-reconnect", "a sync by number skips what has a lower one"),
    (Bug::PresencePerNode, "presence", BETWEEN),
    (Bug::GhostAfterCrash, "presence", BETWEEN),
    (Bug::ReceiptPerNode, "receipts", BETWEEN),
    (Bug::DedupPerNode, "idempotency", BETWEEN),
    (Bug::RatePerNode, "rate-limit", BETWEEN),
    (Bug::UnsavedOnNode, "at-least-once", BETWEEN),
    (Bug::BusForgets, "no-loss-on-reconnect", BETWEEN),
];

/// Why a bug between nodes breaks another property as well.
const BETWEEN: &str = "what does not hold between nodes does not hold";

/// Where a run of the catalogue happens: on an embedded server of one node, if nothing else is said.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ground {
    /// How many nodes the server has.
    pub(crate) nodes: usize,
    /// Each copy of each case has a simulated world; all follow from this seed.
    pub(crate) simulate: Option<u64>,
    /// How many cases are played at once.
    pub(crate) at_once: Option<u32>,
}

impl Ground {
    /// A server that can show this bug.
    pub(crate) fn of(bug: Bug) -> Self {
        Self { nodes: if bug.property() == "cross-node" { 2 } else { 1 }, ..Self::default() }
    }

    /// The same in simulated worlds of this seed, one after the other.
    pub(crate) fn simulated(self, seed: u64) -> Self {
        Self { simulate: Some(seed), at_once: Some(1), ..self }
    }
}

/// One run of the catalogue.
pub(crate) fn run(
    ground: Ground,
    bugs: Bugs,
    spec: &str,
    choice: Choice,
    transport: Option<Transports>,
) -> Conformance {
    static RUNS: AtomicUsize = AtomicUsize::new(1);
    let path = format!("specs/{spec}.yaml");
    let yaml = std::fs::read_to_string(&path).expect(&path);
    let spec = spec::load(&path, &yaml, &property::ids()).expect("a good spec").spec;
    let options = Options {
        bugs,
        ping_interval: Duration::from_secs(3),
        ping_timeout: Duration::from_secs(2),
        nodes: ground.nodes,
        ..Options::default()
    };
    let settings = Settings {
        before: Vec::new(),
        spec: Arc::new(spec),
        target: TargetChoice::Embedded(options),
        transport,
        choice,
        at_once: ground.at_once,
        strict: false,
        trace: false,
        run: RUNS.fetch_add(1, Ordering::Relaxed) as u64,
        simulate: ground.simulate,
        interrupt: Arc::new(Notify::new()),
        command: String::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.expect("a runtime").block_on(conform::run(settings, |_| {})) {
        Ok(run) => run,
        Err(failure) => panic!("the run did not come about: {failure:?}"),
    }
}

/// How often a row on real sockets is played at most.
const TRIES: usize = 3;

/// Quick cases of each property that every row plays, beside the named one.
const SAMPLE: usize = 3;

/// Whether `ASSIZE_TABLE` asks for this.
pub(crate) fn asks_for(what: &str) -> bool {
    std::env::var("ASSIZE_TABLE").is_ok_and(|words| words.split(',').any(|word| word == what))
}

/// The named case, and quick ones of every property. The wire's chapters are asked only of bugs of
/// the wire: `tests/wire_cases.rs` has their table.
pub(crate) fn choice(bug: Bug) -> Choice {
    let whole = asks_for("whole");
    let wire = |property: &str| property.ends_with("-io") || property == "websocket";
    let mut choice = alone(bug);
    let mut taken: HashMap<&str, usize> = HashMap::new();
    for case in catalogue().iter().filter(|case| case.quick) {
        let taken = taken.entry(case.property).or_default();
        let fits = !wire(case.property) || wire(bug.property());
        if whole || fits && *taken < SAMPLE {
            *taken += 1;
            choice.names.push(case.name.clone());
        }
    }
    choice
}

/// The case alone that is named for a bug.
pub(crate) fn alone(bug: Bug) -> Choice {
    let named = Catalogued::of_bug(bug).map(|case| case.name.clone());
    Choice { names: named.into_iter().collect(), quick: false }
}

/// A number from the environment.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|word| word.parse().ok()).unwrap_or(otherwise)
}

/// The rows that are asked for: with `ASSIZE_ROWS=NAME,…` these, else all.
pub(crate) fn rows() -> Vec<Bug> {
    let names = std::env::var("ASSIZE_ROWS").unwrap_or_default();
    let asked = |bug: &Bug| names.is_empty() || names.split(',').any(|name| name == bug.name());
    Bug::ALL.iter().copied().filter(asked).collect()
}

/// Works on so many items, some at a time.
pub(crate) fn side_by_side(items: usize, at_once: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let take = || {
        loop {
            let item = next.fetch_add(1, Ordering::Relaxed);
            if item >= items {
                return;
            }
            work(item);
        }
    };
    std::thread::scope(|scope| (0..at_once).for_each(|_| drop(scope.spawn(take))));
}

/// Plays the row of each of these bugs, some at a time; hands back what is wrong.
pub(crate) fn fill_in(
    bugs: &[Bug],
    at_once: usize,
    row: impl Fn(Bug) -> Option<String> + Sync,
) -> Vec<String> {
    let wrong = Mutex::new(Vec::new());
    side_by_side(bugs.len(), at_once, |index| {
        let complained = row(bugs[index]);
        println!("{:32} {}", bugs[index].name(), complained.as_deref().unwrap_or("caught"));
        wrong.lock().unwrap().extend(complained);
    });
    wrong.into_inner().unwrap()
}

/// What is wrong with a row on real sockets, if anything. On a machine that is too busy a race may not come
/// about, and more tries tell; that a case stays in doubt is nobody's fault.
pub(crate) fn complaint_in_the_end(bug: Bug, row: impl Fn() -> Conformance) -> Option<String> {
    let named = Catalogued::of_bug(bug).map(|case| case.name.as_str());
    let mut last = None;
    for _ in 0..TRIES {
        let run = row();
        let mut named = run.cases.iter().filter(|case| Some(case.name.as_str()) == named);
        let doubtful = named.any(|case| case.end == End::Judged(Standing::Inconclusive));
        last = Some((complaint(bug, &run)?, doubtful));
    }
    let (complained, doubtful) = last?;
    (!doubtful).then_some(complained)
}

/// What is wrong with a row, if anything.
pub(crate) fn complaint(bug: Bug, run: &Conformance) -> Option<String> {
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
        // What is not promised is a finding on the honest server of this spec, too.
        if result.promised && result.standing == Some(Standing::Fail) && !touched {
            wrong.push(format!("{id} fails and is not touched: {}", first_of(run, id)));
        }
    }
    (!wrong.is_empty()).then(|| format!("{bug}: {}", wrong.join("; ")))
}

/// Where a property was broken first, and how.
pub(crate) fn first_of(run: &Conformance, id: &str) -> String {
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

/// Cases that accuse an honest server: none may, musts and shoulds alike.
pub(crate) fn accusations(run: &Conformance) -> Vec<&Case> {
    // What a system does not promise it may well not do.
    let promised = |id: &str| run.properties.iter().any(|one| one.promised && one.property == id);
    let accuses = |case: &&Case| {
        let own = case.fails() && case.promised && case.severity != Severity::Informational;
        own || case.also.iter().any(|also| promised(&also.property))
    };
    run.cases.iter().filter(accuses).collect()
}

/// Cases that could be played and came to no verdict, though there was something to judge.
pub(crate) fn doubts(run: &Conformance) -> Vec<&Case> {
    let decided = |end: &End| {
        let known = [Standing::Pass, Standing::Fail, Standing::NotExercised];
        matches!(end, End::NotSupported(_))
            || known.iter().any(|standing| *end == End::Judged(*standing))
    };
    run.cases.iter().filter(|case| !decided(&case.end)).collect()
}
