//! How a session ends, by packet, by frame and by cable.

use super::super::WireCase;
use crate::property::Severity;

const CLOSE: &str = "Engine.IO protocol 4, Test suite, close";
const PACKETS: &str = "Engine.IO protocol 4, Protocol, close packet";
const FRAMES: &str = "RFC 6455, section 5.5.1";
const SESSION: &str = "Engine.IO protocol 4, Session";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "engine-io/close-polling",
        says: "A close packet over polling ends the session: a held poll is answered, later ones are refused.",
        why: "A session that lives on keeps its person online.",
        source: CLOSE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
p -> GET ?EIO=4&transport=polling&sid=$sid
pause 50ms
c -> POST ?EIO=4&transport=polling&sid=$sid 1
c <- 200 ok
p <- 200 or 4xx
pause 100ms
q -> GET ?EIO=4&transport=polling&sid=$sid
q <- 4xx"#,
        catches: &["close-ignored"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/close-websocket",
        says: "A close packet over a WebSocket ends the session.",
        why: "A session that lives on keeps its person online.",
        severity: Severity::Should,
        source: CLOSE,
        script: "a open websocket
a join
a -> 1
a <- closed",
        catches: &["close-ignored"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/close-frame",
        says: "A close frame is answered, and ends the session.",
        why: "Browsers close tabs this way.",
        source: FRAMES,
        script: "a open websocket
a join
a leaves close 1000
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/closed-session-is-gone",
        says: "After a close packet the session takes no POST.",
        why: "An `ok` would lose what was posted.",
        source: PACKETS,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid 1
c <- 200 ok
pause 100ms
d -> POST ?EIO=4&transport=polling&sid=$sid 3
d <- 4xx"#,
        catches: &["close-ignored"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/cut-websocket",
        says: "A WebSocket that ends without a word disturbs nobody.",
        why: "Networks fail without a word.",
        source: SESSION,
        script: "a open websocket
a join
a leaves fin
b open websocket
b join
b leaves rst
pause 100ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/truncated-frame",
        says: "Half a frame and the end of the stream disturb nobody.",
        why: "Networks fail in the middle of a word.",
        source: SESSION,
        script: r#"a open websocket
a join
a -> frame half text 42$ns["assize","<a*500>"]
a leaves fin
pause 100ms"#,
        ..WireCase::DEFAULT
    },
];
