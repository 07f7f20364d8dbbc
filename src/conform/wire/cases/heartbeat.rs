//! The heartbeat, by the figures that the server itself announces.

use super::super::WireCase;
use crate::property::Severity;

const HEARTBEAT: &str = "Engine.IO protocol 4, Heartbeat";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "engine-io/ping-websocket",
        says: "The server pings within `pingInterval` over a WebSocket.",
        why: "Without pings a client takes the server for dead, and so do proxies.",
        quick: false,
        source: HEARTBEAT,
        script: "a open websocket
a join
a <- 2 within interval",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/ping-polling",
        says: "The server pings within `pingInterval` over polling.",
        why: "Without pings a client takes the server for dead, and so do proxies.",
        quick: false,
        source: HEARTBEAT,
        script: "a open polling
a join
a <- 2 within interval",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/pings-go-on-websocket",
        says: "A ping that is answered is followed by another.",
        why: "A heartbeat that beats once is none.",
        quick: false,
        source: HEARTBEAT,
        script: "a open websocket
a join
a <- 2 within interval
a <- 2 within interval",
        catches: &["ping-never", "ping-late"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/answering-client-stays-websocket",
        says: "A client that answers pings over a WebSocket stays connected.",
        why: "A pong that is not counted ends every connection.",
        quick: false,
        source: HEARTBEAT,
        script: "a open websocket
a join
a quiet dead",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/answering-client-stays-polling",
        says: "A client that answers pings over polling stays connected.",
        why: "A pong that is not counted ends every connection.",
        quick: false,
        source: HEARTBEAT,
        script: "a open polling
a join
a quiet dead",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/silent-client-closed-websocket",
        says: "A client that answers no ping over a WebSocket is closed within `pingInterval` + `pingTimeout`.",
        why: "Dead connections keep people online and memory full.",
        quick: false,
        source: HEARTBEAT,
        script: "a open websocket
a join
a mute
a <- closed within dead",
        catches: &["dead-client-kept"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/silent-client-closed-polling",
        says: "A client that answers no ping over polling is closed within `pingInterval` + `pingTimeout`.",
        why: "Dead connections keep people online and memory full.",
        quick: false,
        source: HEARTBEAT,
        script: "a open polling
a join
a mute
a <- closed within dead",
        catches: &["dead-client-kept"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/late-pong-counts",
        says: "A pong in the middle of `pingTimeout` keeps the session open.",
        why: "Phones that wake up answer late.",
        quick: false,
        source: HEARTBEAT,
        script: "a open websocket
a join
a mute
a <- 2 within interval
pause 0.5 timeout
a -> 3
a quiet 0.6 timeout",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/unasked-pong",
        says: "A pong that nobody asked for does no harm.",
        why: "Pings and pongs cross on slow lines.",
        severity: Severity::Should,
        source: HEARTBEAT,
        script: "a open websocket
a join
a -> 3
a quiet 500ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/ping-by-client",
        says: "A ping by a client closes the session, is answered, or does nothing; nothing breaks.",
        why: "Clients of version 3 ping.",
        severity: Severity::Informational,
        source: HEARTBEAT,
        script: "a open websocket
a join
a -> 2
a <- closed or 3 or nothing within 500ms",
        ..WireCase::DEFAULT
    },
];
