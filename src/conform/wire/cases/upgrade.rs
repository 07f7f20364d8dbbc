//! From polling to a WebSocket without losing anything.

use super::super::WireCase;
use crate::property::Severity;

const UPGRADE: &str = "Engine.IO protocol 4, Upgrade";
const SUITE: &str = "Engine.IO protocol 4, Test suite, upgrade";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "engine-io/probe",
        says: "A probe of a WebSocket is answered with `3probe`.",
        why: "Any other answer makes clients give the WebSocket up.",
        source: UPGRADE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
w -> WS ?EIO=4&transport=websocket&sid=$sid
w <- 101
w -> 2probe
w <- 3probe"#,
        catches: &["probe-wrong", "upgrades-refused"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/upgrade",
        says: "After probe and `5` the WebSocket carries the session.",
        why: "It is what nearly every browser does.",
        source: UPGRADE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
w -> WS ?EIO=4&transport=websocket&sid=$sid
w <- 101
w -> 2probe
w <- 3probe
w -> 5
w -> 40$ns$auth
w <- 4*"#,
        catches: &["upgrades-refused"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/upgrade-releases-poll",
        says: "A held poll is answered when the upgrade begins.",
        why: "The client waits for its poll before it sends `5`.",
        source: UPGRADE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
p -> GET ?EIO=4&transport=polling&sid=$sid
w -> WS ?EIO=4&transport=websocket&sid=$sid
w <- 101
w -> 2probe
w <- 3probe
p <- 200
q -> GET ?EIO=4&transport=polling&sid=$sid
q <- 200 6"#,
        catches: &["poll-not-released"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/upgrade-keeps-packets",
        says: "What the server has to say during an upgrade arrives on the WebSocket.",
        why: "A gap here loses the first messages of every session.",
        source: UPGRADE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
w -> WS ?EIO=4&transport=websocket&sid=$sid
w <- 101
w -> 2probe
w <- 3probe
c -> POST ?EIO=4&transport=polling&sid=$sid 40$ns$auth
c <- 200 ok
w -> 5
w <- 4*"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/polling-after-upgrade",
        says: "After the upgrade polls and POSTs of the session are refused.",
        why: "They would split the session's packets over two ways.",
        source: SUITE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
w -> WS ?EIO=4&transport=websocket&sid=$sid
w <- 101
w -> 2probe
w <- 3probe
w -> 5
w -> 40$ns$auth
w <- 4*
p -> GET ?EIO=4&transport=polling&sid=$sid
p <- 4xx
c -> POST ?EIO=4&transport=polling&sid=$sid 3
c <- 4xx"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/upgrade-twice",
        says: "A second WebSocket for an upgraded session is refused, and the first goes on.",
        why: "Whoever knows a sid must not take the session over.",
        source: SUITE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
w -> WS ?EIO=4&transport=websocket&sid=$sid
w <- 101
w -> 2probe
w <- 3probe
w -> 5
w -> 40$ns$auth
w <- 4*
v -> WS ?EIO=4&transport=websocket&sid=$sid
v <- refused
w quiet 200ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/second-websocket",
        says: "A second WebSocket for a session that began on one is refused, and the first goes on.",
        why: "Whoever knows a sid must not take the session over.",
        severity: Severity::Should,
        quick: false,
        source: SUITE,
        script: "a open websocket
v -> WS ?EIO=4&transport=websocket&sid=$a
v <- refused within 15s
a join",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/wrong-probe",
        says: "A WebSocket that begins with another packet than the probe carries no packets.",
        why: "A session must not move to a way that nobody has tried.",
        severity: Severity::Should,
        source: UPGRADE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
w -> WS ?EIO=4&transport=websocket&sid=$sid
w <- 101
w -> 4hello
w <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/aborted-upgrade",
        says: "After an upgrade that failed the session goes on over polling.",
        why: "WebSockets fail behind proxies; polling is what remains.",
        severity: Severity::Informational,
        source: UPGRADE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
w -> WS ?EIO=4&transport=websocket&sid=$sid
w <- 101
w -> 2probe
w <- 3probe
w leaves fin
pause 100ms
c -> POST ?EIO=4&transport=polling&sid=$sid 40$ns$auth
c <- 200 ok"#,
        ..WireCase::DEFAULT
    },
];
