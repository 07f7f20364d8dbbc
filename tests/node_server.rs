//! The real server that comes with the project, Node with the official `socket.io` and PostgreSQL:
//! as a good team would have written it nothing is broken, and as its document lists it the traps
//! are found.

#[path = "support/launched.rs"]
mod launched;

use assize::outcome::Outcome;
use assize::property;
use assize::verdict::Standing;
use launched::{assert_finds, assert_keeps, conformance_of, outcome_of};

fn kinds<'a>(outcome: &'a Outcome, property: &str) -> Vec<&'a str> {
    let of = |verdict: &&assize::verdict::Verdict| verdict.property == property;
    let verdict = outcome.verdicts.iter().find(of).expect("it is judged");
    verdict.finding.kinds.iter().map(|(kind, _)| kind.as_str()).collect()
}

/// What nobody does in this scenario: come without a good token, ask for what is another's, or for
/// what this server has not.
const UNTRIED: &[&str] = &[
    "authentication",
    "authorization",
    "unread-count",
    "broadcast-reach",
    "cross-node",
    "contacts",
    "pagination",
    "channel-parity",
    "search",
    "health",
];
/// Who is slow to be answered tries again, and may so come near the rate.
const PERHAPS_TRIED: &str = "rate-limit";

#[test]
fn the_fixed_server_breaks_nothing() {
    let outcome = outcome_of("scenarios/callback-ack-node.yaml");
    for verdict in &outcome.verdicts {
        let id = verdict.property.as_str();
        assert_ne!(verdict.standing, Standing::Fail, "{verdict:#?}");
        let tried = verdict.standing != Standing::NotExercised;
        assert!(id == PERHAPS_TRIED || tried != UNTRIED.contains(&id), "{verdict:#?}");
    }
    assert_eq!(outcome.verdicts.len(), property::ALL.len());
}

#[test]
fn what_the_fixed_server_acked_outlives_it() {
    let outcome = outcome_of("scenarios/callback-ack-node-weather.yaml");
    for verdict in &outcome.verdicts {
        assert_ne!(verdict.standing, Standing::Fail, "{verdict:#?}");
    }
    let told = |piece: &str| outcome.notes.iter().any(|note| note.contains(piece));
    assert!(!told("the server was not") && !told("ended by itself"), "{:#?}", outcome.notes);
    let reconnects = outcome.counts.iter().find(|(name, _)| name == "reconnects");
    let (clients, (_, reconnects)) = (u64::from(outcome.run.clients), reconnects.unwrap());
    assert!(*reconnects >= 2 * clients, "everybody came back twice: {reconnects} of {clients}");
}

#[test]
fn the_traps_of_the_documents_listing_are_found() {
    let outcome = outcome_of("scenarios/callback-ack-node-as-documented.yaml");
    let idempotency = kinds(&outcome, "idempotency");
    // The trap `check-then-insert`, and the trap `global-key`.
    assert!(idempotency.contains(&"error in place of the first id"), "{idempotency:?}");
    assert!(idempotency.contains(&"one id for two messages"), "{idempotency:?}");
    // What these traps do not touch stands.
    for property in ["at-least-once", "ack-timeout"] {
        assert_eq!(kinds(&outcome, property), [""; 0], "{property}");
    }
}

#[test]
fn the_fixed_server_fails_no_case_of_the_catalogue() {
    assert_keeps("callback-ack", "callback-ack-node", &["--quick"]);
}

/// Cases that end the process: a send without an acknowledgement function, a read of a message that
/// is not there, and of what is no message.
const CRASHES: [&str; 3] = [
    "input-limits/no-ack-function",
    "input-limits/reading-an-unknown-message",
    "input-limits/reading-a-malformed-id",
];

/// Cases, and the traps of the listing that they find.
const FOUND: [&str; 17] = [
    "idempotency/at-once-on-two-devices", // check-then-insert
    "idempotency/same-key-of-a-stranger", // global-key
    "ordering/ties",                      // no-tie-break
    "no-loss-on-reconnect/same-time-as-the-last-seen", // exclusive-since
    "no-loss-on-reconnect/join-on-its-way", // join-gap
    "pagination/page-size",               // no-limit
    "typing-timeout/typist-leaves",       // typing-forever
    "presence/one-of-two-devices",        // offline-with-device
    "receipts/stranger",                  // trusted-read
    "authorization/stranger-joins",       // unchecked-join
    "authorization/stranger-sends",       // unchecked-send
    "authorization/stranger-types",       // unchecked-typing
    "authorization/stranger-reads-history", // unchecked-history
    "input-limits/text-over-the-limit",   // unchecked-text
    "input-limits/markup-is-inert",       // unchecked-text
    "rate-limit/excess-is-refused",       // no-rate-limit
    "rate-limit/per-person-not-per-device", // no-rate-limit
];

#[test]
fn the_catalogue_finds_the_traps_of_the_documents_listing() {
    assert_finds("callback-ack", "callback-ack-node-as-documented", &FOUND);
    // What ends the process is laid at the door of the case that does it, if it is alone.
    for name in CRASHES {
        let run = conformance_of("callback-ack", "callback-ack-node-as-documented", &[name]);
        assert!(run.cases[0].fails(), "{:#?}", run.cases[0]);
        assert_eq!(run.cases[0].finding.violations[0].summary, "the server ended");
        // Nobody else's case is convicted of it.
        let run = conformance_of(
            "callback-ack",
            "callback-ack-node-as-documented",
            &[name, "ack-timeout"],
        );
        assert!(run.cases.iter().all(|case| !case.fails()), "{:#?}", run.cases);
    }
}

/// A case on a server whose spec says something else than the one that is bundled.
fn with_another_spec(from: &str, to: &str, scenario: &str, case: &str) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("callback-ack.yaml");
    let spec = std::fs::read_to_string("specs/callback-ack.yaml").expect("the spec");
    assert!(spec.contains(from), "{from}");
    std::fs::write(&path, spec.replace(from, to)).expect("a spec");
    let run = conformance_of(path.to_str().expect("a path"), scenario, &[case]);
    run.cases[0].fails()
}

#[test]
fn what_the_document_leaves_open_is_found_where_a_spec_promises_it() {
    // The trap `pipeline-reorder`: no sentence says that sends in a row keep their order.
    let (from, to) = ("order: { by: $at }", "order: { by: $at, pipelined: yes }");
    let burst = "ordering/burst-of-one";
    let documented = "callback-ack-node-as-documented";
    assert!((0..4).any(|_| with_another_spec(from, to, documented, burst)));
    assert!(!with_another_spec(from, to, "callback-ack-node", burst));
    // The client of the document syncs by its own clock; no server can mend that.
    let (from, to) = ("sync-from: newest-seen", "sync-from: client-clock");
    let skewed = "no-loss-on-reconnect/skewed-clock";
    assert!(with_another_spec(from, to, "callback-ack-node", skewed));
}
