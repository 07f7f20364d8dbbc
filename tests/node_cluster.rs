//! The real servers of several nodes, Node with the official `socket.io`, Redis and a document store:
//! as a good team would have written them what is promised is kept, whichever part fails, and as their
//! documents list them the catalogue finds the traps.

#[path = "support/launched.rs"]
#[expect(dead_code, reason = "here a case has to show a kind of violation")]
mod launched;

use assize::verdict::Standing;
use launched::{assert_keeps, conformance_of, outcome_of};

/// What shows a trap: a case, and a kind of violation.
type Shown = (&'static str, &'static str);

/// What the traps of the document of `sequenced` look like.
const SEQUENCED: [Shown; 17] = [
    // content-and-time
    ("idempotency/equal-texts", "one id for two keys"),
    ("idempotency/a-moment-later", "two ids for one key"),
    ("cross-node/retries-on-the-other-node", "two ids for one key, between nodes"),
    // number-before-store
    ("ordering/numbers", "a gap in the numbers"),
    // lock-is-no-queue
    ("ordering/burst-of-one", "pipelined sends reordered"),
    // lock-expires, foreign-unlock
    ("ordering/a-writer-stands-still", "pushed out of order"),
    // counter-forgets
    ("ordering/across-a-restart", "one position for two messages"),
    // pubsub-forgets
    (
        "cross-node/nodes-are-cut-off-from-each-other",
        "never delivered to a connected member, between nodes",
    ),
    // drain-amid-live
    ("cross-node/drains-while-others-send", "pushed out of order, between nodes"),
    // one-session, own-tabs
    ("no-loss-on-reconnect/one-of-two-devices-away", "never delivered to a connected member"),
    // find-then-create
    ("conversation-identity/both-at-once", "two conversations of one pair"),
    ("conversation-identity/devices-at-once", "two conversations of one pair"),
    // group-for-pair
    ("conversation-identity/groups-that-overlap", "one conversation of different people"),
    // sender-only
    ("contacts/in-a-group", "a contact is missing"),
    // check-then-add
    ("contacts/in-two-conversations-at-once", "a contact is there twice"),
    // unchecked-member
    ("authorization/stranger-sends", "a stranger's `send` was accepted"),
    ("authorization/stranger-reads-history", "a message reached a stranger"),
];

/// What the traps of the document of `broadcast` look like.
const BROADCAST: [Shown; 15] = [
    // find-then-create
    ("conversation-identity/both-at-once", "two conversations of one pair"),
    // local-presence
    ("cross-node/one-device-on-each-node", "offline with a connection, between nodes"),
    ("cross-node/offline-after-a-crash", "online without a connection, between nodes"),
    // adapter-forgets
    (
        "cross-node/nodes-are-cut-off-from-each-other",
        "never delivered to a connected member, between nodes",
    ),
    // read-by-race
    ("unread-count/broadcast-readers-at-once", "more is counted than is unread"),
    // first-reader-reads-for-all
    ("unread-count/readers-of-a-group", "unread messages are not counted"),
    ("unread-count/readers-at-once", "unread messages are not counted"),
    // deleted-counts
    ("unread-count/deleted-for-oneself", "more is counted than is unread"),
    // recipients-are-no-participants
    ("broadcast-reach/found-later", "a broadcast is refused to a target"),
    // offset-paging
    ("pagination/while-messages-arrive", "a row on two pages"),
    // utf16-limit
    ("input-limits/emoji-at-the-limit", "good input was refused"),
    // unchecked-join
    ("authorization/stranger-joins", "a message reached a stranger"),
    // unchecked-typing
    ("authorization/stranger-types", "a stranger's `typing-start` reached a member"),
    // trusted-read
    ("receipts/stranger", "a stranger's receipt"),
    // typing-forever
    ("typing-timeout/typist-leaves", "still typing after the connection was lost"),
];

/// What is found by a race may not come about at once on a busy machine.
const TRIES: usize = 4;

fn cases(traps: &[Shown]) -> Vec<&'static str> {
    traps.iter().map(|(case, _)| *case).collect()
}

/// Plays the cases, and those again that did not show what they should; each has to in the end.
#[track_caller]
fn assert_shows(spec: &str, scenario: &str, traps: &[Shown]) {
    let mut open = traps.to_vec();
    for _ in 0..TRIES {
        let run = conformance_of(spec, scenario, &cases(&open));
        open.retain(|(name, kind)| {
            let case = run.cases.iter().find(|case| case.name == *name).expect("it was played");
            !case.finding.kinds.iter().any(|(shown, _)| shown == kind)
        });
        if open.is_empty() {
            return;
        }
    }
    panic!("not shown: {open:?}");
}

#[test]
fn the_traps_of_the_sequenced_document_are_found() {
    assert_shows("sequenced", "sequenced-node-as-documented", &SEQUENCED);
}

#[test]
fn the_traps_of_the_broadcast_document_are_found() {
    assert_shows("broadcast", "broadcast-node-as-documented", &BROADCAST);
}

#[test]
fn the_fixed_sequenced_server_keeps_what_is_promised() {
    assert_keeps("sequenced", "sequenced-node", &cases(&SEQUENCED));
    assert_keeps("sequenced", "sequenced-node", &["--quick", "idempotency", "ordering"]);
}

#[test]
fn the_fixed_broadcast_server_keeps_what_is_promised() {
    assert_keeps("broadcast", "broadcast-node", &cases(&BROADCAST));
    let quick = ["--quick", "conversation-identity", "presence", "receipts"];
    assert_keeps("broadcast", "broadcast-node", &quick);
}

/// Nodes are killed, restarted and halted, Redis is stopped and comes back with an empty memory, and
/// clients come back on the other node.
#[test]
fn between_the_nodes_of_the_fixed_servers_nothing_breaks() {
    assert_keeps("sequenced", "sequenced-node", &["cross-node"]);
    assert_keeps("broadcast", "broadcast-node", &["cross-node"]);
}

#[test]
fn a_run_on_two_nodes_breaks_nothing() {
    for scenario in ["sequenced-node", "broadcast-node"] {
        let outcome = outcome_of(scenario);
        for verdict in &outcome.verdicts {
            assert_ne!(verdict.standing, Standing::Fail, "{scenario}: {verdict:#?}");
        }
    }
}

#[test]
fn the_fixed_sequenced_server_outlives_its_nodes_and_its_redis() {
    let outcome = outcome_of("sequenced-node-failover");
    for verdict in &outcome.verdicts {
        assert_ne!(verdict.standing, Standing::Fail, "{verdict:#?}");
    }
    let crossed = outcome.verdicts.iter().find(|verdict| verdict.property == "cross-node");
    assert!(crossed.expect("it is judged").finding.observations > 0, "{crossed:#?}");
    let told = |piece: &str| outcome.notes.iter().any(|note| note.contains(piece));
    assert!(!told("the server was not") && !told("ended by itself"), "{:#?}", outcome.notes);
}
