//! Two more real servers that come with the project, `event-reply` and `rest-first`: as a good team
//! would have written them what is promised is kept, and as their documents list them the catalogue
//! finds the traps.

#[path = "support/launched.rs"]
#[expect(dead_code, reason = "runs of scenarios belong to other tests")]
mod launched;

use launched::{assert_finds, assert_keeps};

/// Cases, and the traps of the document of `event-reply` that they find.
const EVENT_REPLY: [&str; 14] = [
    "conversation-identity/both-at-once", // find-then-create
    "conversation-identity/several-direct-conversations", // multikey-unique
    "conversation-identity/groups-that-overlap", // multikey-unique
    "conversation-identity/none-with-oneself", // with-oneself
    "idempotency/twice-in-a-row",         // key-refused
    "idempotency/at-once-on-two-devices", // key-refused
    "idempotency/key-of-another-refuses-nothing", // global-key
    "receipts/sent-is-stored",            // never-sent
    "receipts/never-back",                // status-goes-back
    "receipts/stranger",                  // unchecked-status
    "receipts/own-message",               // unchecked-status
    "authentication/expiry-while-connected", // token-at-connect
    "authorization/refusals-alike",       // refusals-differ
    "input-limits/text-is-a-number",      // unchecked-content
];

/// Cases, and the traps of the document of `rest-first` that they find.
const REST_FIRST: [&str; 14] = [
    "idempotency/twice-in-a-row",                   // post-not-idempotent
    "idempotency/at-once-on-two-devices",           // post-not-idempotent
    "idempotency/cut-before-the-ack",               // post-not-idempotent
    "authorization/stranger-joins",                 // unchecked-socket
    "authorization/stranger-reads-history",         // unchecked-history
    "authorization/announced-elsewhere",            // foreign-announcement
    "channel-parity/both-with-one-key",             // dual-channel
    "channel-parity/rest-while-the-socket-is-down", // client-announces
    "channel-parity/announced-by-another",          // foreign-announcement
    "pagination/while-messages-arrive",             // page-drift
    "receipts/read-on-one-device",                  // read-on-one-device
    "search/stranger-finds-nothing",                // search-leak
    "search/a-pattern-is-no-word",                  // search-wildcards
    "input-limits/text-is-a-number",                // unchecked-content
];

/// What every server has to bear, besides.
const MORE: [&str; 3] =
    ["at-least-once/burst", "at-least-once/across-a-kill", "no-loss-on-reconnect/one-away"];

#[test]
fn the_traps_of_the_event_reply_document_are_found() {
    assert_finds("event-reply", "event-reply-node-with-rooms", &EVENT_REPLY);
    // Where no socket joins a room nobody hears of anything, and nobody can say more than that.
    let silent = "no-loss-on-reconnect/live-after-the-return";
    assert_finds("event-reply", "event-reply-node-as-documented", &[silent]);
    // What ends the process is laid at the door of the case that does it, if it is alone.
    for crash in ["input-limits/no-arguments", "input-limits/reading-a-malformed-id"] {
        assert_finds("event-reply", "event-reply-node-with-rooms", &[crash]);
    }
}

#[test]
fn the_traps_of_the_rest_first_document_are_found() {
    assert_finds("rest-first", "rest-first-node-as-documented", &REST_FIRST);
}

#[test]
fn the_fixed_event_reply_server_keeps_what_is_promised() {
    let cases = [&EVENT_REPLY[..], &MORE].concat();
    assert_keeps("event-reply", "event-reply-node", &cases);
}

#[test]
fn the_fixed_rest_first_server_keeps_what_is_promised() {
    let cases = [&REST_FIRST[..], &MORE].concat();
    assert_keeps("rest-first", "rest-first-node", &cases);
}
