//! The real servers of several nodes, Node with the official `socket.io`, Redis and a document store:
//! as a good team would have written them what is promised is kept, whichever part fails, and as their
//! documents list them the catalogue finds the traps.

#[path = "support/launched.rs"]
mod launched;

use assize::verdict::Standing;
use launched::{assert_finds, assert_keeps, outcome_of};

/// Cases, and the traps of the document of `sequenced` that they find.
const SEQUENCED: [&str; 15] = [
    "idempotency/equal-texts",                       // content-and-time
    "idempotency/a-moment-later",                    // content-and-time
    "ordering/numbers",                              // number-before-store
    "ordering/burst-of-one",                         // lock-is-no-queue
    "ordering/a-writer-stands-still",                // lock-expires, foreign-unlock
    "ordering/across-a-restart",                     // counter-forgets
    "ordering/racing-a-sync",                        // drain-amid-live
    "no-loss-on-reconnect/one-of-two-devices-away",  // one-session
    "cross-node/both-devices-hear",                  // own-tabs
    "cross-node/nodes-are-cut-off-from-each-other",  // pubsub-forgets, counter-forgets
    "conversation-identity/both-at-once",            // find-then-create
    "conversation-identity/groups-that-overlap",     // group-for-pair
    "contacts/in-a-group",                           // sender-only
    "contacts/in-two-conversations-at-once",         // check-then-add
    "authorization/stranger-sends",                  // unchecked-member
];

/// Cases, and the traps of the document of `broadcast` that they find.
const BROADCAST: [&str; 14] = [
    "conversation-identity/both-at-once",       // find-then-create
    "cross-node/one-device-on-each-node",       // local-presence
    "cross-node/offline-after-a-crash",         // local-presence
    "unread-count/broadcast-readers-at-once",   // read-by-race
    "unread-count/readers-of-a-group",          // first-reader-reads-for-all
    "unread-count/readers-at-once",             // first-reader-reads-for-all
    "unread-count/deleted-for-oneself",         // deleted-counts
    "broadcast-reach/found-later",              // recipients-are-no-participants
    "pagination/while-messages-arrive",         // offset-paging
    "input-limits/emoji-at-the-limit",          // utf16-limit
    "authorization/stranger-joins",             // unchecked-join
    "authorization/stranger-types",             // unchecked-typing
    "receipts/stranger",                        // trusted-read
    "typing-timeout/typist-leaves",             // typing-forever
];

#[test]
fn the_traps_of_the_sequenced_document_are_found() {
    assert_finds("sequenced", "sequenced-node-as-documented", &SEQUENCED);
}

#[test]
fn the_traps_of_the_broadcast_document_are_found() {
    assert_finds("broadcast", "broadcast-node-as-documented", &BROADCAST);
}

#[test]
fn the_fixed_sequenced_server_keeps_what_is_promised() {
    assert_keeps("sequenced", "sequenced-node", &SEQUENCED);
    assert_keeps("sequenced", "sequenced-node", &["--quick", "idempotency", "ordering"]);
}

#[test]
fn the_fixed_broadcast_server_keeps_what_is_promised() {
    assert_keeps("broadcast", "broadcast-node", &BROADCAST);
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
