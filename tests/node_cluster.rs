//! The real servers of several nodes, Node with the official `socket.io`, Redis and a document store:
//! as a good team would have written them what is promised is kept, and as their documents list them
//! the catalogue finds the traps.

#[path = "support/launched.rs"]
mod launched;

use launched::{assert_finds, assert_keeps};

/// Cases, and the traps of the document of `sequenced` that they find.
const SEQUENCED: [&str; 11] = [
    "idempotency/equal-texts",                      // content-and-time
    "idempotency/a-moment-later",                   // content-and-time
    "ordering/burst-of-one",                        // lock-is-no-queue
    "ordering/numbers",                             // number-before-store
    "ordering/across-a-restart",                    // counter-forgets
    "no-loss-on-reconnect/one-of-two-devices-away", // one-session
    "conversation-identity/both-at-once",           // find-then-create
    "conversation-identity/groups-that-overlap",    // group-for-pair
    "contacts/in-a-group",                          // sender-only
    "authorization/stranger-sends",                 // unchecked-member
    "authorization/stranger-reads-history",         // unchecked-member
];

/// Cases, and the traps of the document of `broadcast` that they find.
const BROADCAST: [&str; 10] = [
    "conversation-identity/both-at-once", // find-then-create
    "input-limits/emoji-at-the-limit",    // utf16-limit
    "authorization/stranger-joins",       // unchecked-join
    "authorization/stranger-types",       // unchecked-typing
    "receipts/stranger",                  // trusted-read
    "typing-timeout/typist-leaves",       // typing-forever
    "unread-count/readers-of-a-group",    // first-reader-reads-for-all
    "unread-count/readers-at-once",       // first-reader-reads-for-all
    "unread-count/deleted-for-oneself",   // deleted-counts
    "broadcast-reach/found-later",        // recipients-are-no-participants
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
    assert_keeps(
        "broadcast",
        "broadcast-node",
        &["--quick", "conversation-identity", "presence", "receipts"],
    );
}
