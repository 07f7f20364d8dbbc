//! How a session begins: parameters, versions, transports, ids.

use super::super::WireCase;
use crate::property::Severity;

const HANDSHAKE: &str = "Engine.IO protocol 4, Handshake";
const UPGRADES: &str = "Engine.IO protocol 4, Handshake and Upgrade";
const SESSION: &str = "Engine.IO protocol 4, Query parameters";
const LEGACY: &str = "Engine.IO protocol, History";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "engine-io/handshake-polling",
        says: "A GET without a sid opens a session and answers its id and figures.",
        why: "Clients size their payloads and timers by these figures.",
        source: HANDSHAKE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid","upgrades":"$upgrades","pingInterval":"$interval","pingTimeout":"$timeout","maxPayload":"$max"}
check $interval is 1..3600000
check $timeout is 1..3600000
check $max is 1..1000000000"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/handshake-websocket",
        says: "A WebSocket without a sid opens a session and begins with the open packet.",
        why: "Clients that skip polling rely on the same figures.",
        source: HANDSHAKE,
        script: r#"w -> WS ?EIO=4&transport=websocket
w <- 101
w <- 0{"sid":"$sid","upgrades":"$upgrades","pingInterval":"$interval","pingTimeout":"$timeout","maxPayload":"$max"}
check $interval is 1..3600000
check $timeout is 1..3600000
check $max is 1..1000000000"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/sids-differ-polling",
        says: "Two sessions over polling have different ids.",
        why: "A shared id gives one client the messages of another.",
        source: SESSION,
        script: r#"a -> GET ?EIO=4&transport=polling
b -> GET ?EIO=4&transport=polling
a <- 200 0{"sid":"$one"}
b <- 200 0{"sid":"$two"}
check $one differs from $two"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/sids-differ-websocket",
        says: "Two sessions over WebSocket have different ids.",
        why: "A shared id gives one client the messages of another.",
        source: SESSION,
        script: r#"a -> WS ?EIO=4&transport=websocket
b -> WS ?EIO=4&transport=websocket
a <- 101
b <- 101
a <- 0{"sid":"$one"}
b <- 0{"sid":"$two"}
check $one differs from $two"#,
        catches: &["sid-same"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/sid-is-long",
        says: "A session id has at least 16 characters.",
        why: "Whoever guesses an id reads and writes as somebody else.",
        severity: Severity::Should,
        source: SESSION,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
check $sid has 16"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/upgrades-are-offered",
        says: "A server that takes WebSockets says so in the handshake over polling.",
        why: "Without the offer every client stays on polling, and nobody notices but the bill.",
        source: UPGRADES,
        script: r#"w -> WS ?EIO=4&transport=websocket
w <- 101
h -> GET ?EIO=4&transport=polling
h <- 200 0{"upgrades":["websocket"]}"#,
        catches: &["upgrades-missing"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/websocket-offers-no-upgrade",
        says: "A session that is on a WebSocket offers no further upgrade.",
        why: "A client that tried would end its own session.",
        severity: Severity::Should,
        source: UPGRADES,
        script: r#"w -> WS ?EIO=4&transport=websocket
w <- 101
w <- 0{"upgrades":[]}"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/version-missing",
        says: "A handshake over polling without `EIO` is refused.",
        why: "A client of an old version must be told, not be answered in packets it cannot read.",
        source: SESSION,
        script: "h -> GET ?transport=polling
h <- 4xx",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/version-unknown",
        says: "A handshake over polling with `EIO=abc` is refused.",
        why: "Whatever cannot be read as version 4 is not version 4.",
        source: SESSION,
        script: "h -> GET ?EIO=abc&transport=polling
h <- 4xx",
        catches: &["eio-any"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/version-future",
        says: "A handshake over polling with `EIO=99` is refused.",
        why: "Whoever answers a version it does not know will be misunderstood.",
        source: SESSION,
        script: "h -> GET ?EIO=99&transport=polling
h <- 4xx",
        catches: &["eio-any"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/version-3",
        says: "A client of Engine.IO 3 is refused, or answered in its own version.",
        why: "Version 3 has the heartbeat the other way round: both sides would wait for the other.",
        severity: Severity::Should,
        source: LEGACY,
        script: "h -> GET ?EIO=3&transport=polling
h <- 4xx or 200 9* or 200 1*",
        catches: &["eio-any"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/version-missing-websocket",
        says: "A WebSocket without `EIO` is refused.",
        why: "As over polling.",
        source: SESSION,
        script: "w -> WS ?transport=websocket
w <- refused",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/version-unknown-websocket",
        says: "A WebSocket with `EIO=abc` is refused.",
        why: "As over polling.",
        source: SESSION,
        script: "w -> WS ?EIO=abc&transport=websocket
w <- refused",
        catches: &["eio-any"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/transport-missing",
        says: "A handshake without `transport` is refused.",
        why: "Nothing says how the answer will be read.",
        source: SESSION,
        script: "h -> GET ?EIO=4
h <- 4xx",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/transport-unknown",
        says: "A handshake with an unknown transport is refused.",
        why: "Nothing says how the answer will be read.",
        source: SESSION,
        script: "h -> GET ?EIO=4&transport=abc
h <- 4xx",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/transport-unknown-websocket",
        says: "A WebSocket whose query names an unknown transport is refused.",
        why: "Proxies and logs go by the query.",
        source: SESSION,
        script: "w -> WS ?EIO=4&transport=abc
w <- refused",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/transport-missing-websocket",
        says: "A WebSocket whose query names no transport is refused.",
        why: "Proxies and logs go by the query.",
        source: SESSION,
        script: "w -> WS ?EIO=4
w <- refused",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/websocket-without-upgrade",
        says: "A plain GET with `transport=websocket` is refused.",
        why: "A proxy that drops the upgrade header must show, not hang.",
        source: SESSION,
        script: "h -> GET ?EIO=4&transport=websocket
h <- 4xx or 5xx",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/handshake-by-post",
        says: "A POST without a sid is refused.",
        why: "Sessions begin with a GET; anything else is a client that has lost its id.",
        source: HANDSHAKE,
        script: "h -> POST ?EIO=4&transport=polling 4hello
h <- 4xx",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/handshake-by-put",
        says: "A PUT is refused.",
        why: "The protocol has two methods.",
        source: HANDSHAKE,
        script: "h -> PUT ?EIO=4&transport=polling 4hello
h <- 4xx",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/legacy-base64",
        says: "A client that asks for base64 with `b64=1` is answered or refused, and nothing breaks.",
        why: "Old clients still ask.",
        severity: Severity::Informational,
        source: LEGACY,
        script: r#"h -> GET ?EIO=4&transport=polling&b64=1
h <- 200 0{"sid":"*"} or 4xx"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/legacy-jsonp",
        says: "A client that asks for JSONP with `j=0` is answered or refused, and nothing breaks.",
        why: "JSONP has left the protocol with version 4.",
        severity: Severity::Informational,
        source: LEGACY,
        script: "h -> GET ?EIO=4&transport=polling&j=0
h <- 200 or 4xx",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/cross-origin-preflight",
        says: "A preflight request is answered.",
        why: "Whether browsers of other origins may connect is the server's choice; that they are told is not.",
        severity: Severity::Informational,
        source: HANDSHAKE,
        script: "h -> OPTIONS ?EIO=4&transport=polling
h <- 2xx or 4xx",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/unknown-sid-get",
        says: "A poll of a session that does not exist is refused.",
        why: "A client of a server that was restarted must learn that its session is gone.",
        source: SESSION,
        script: "p -> GET ?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA
p <- 4xx",
        catches: &["sid-unknown-accepted"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/unknown-sid-post",
        says: "A POST to a session that does not exist is refused.",
        why: "An `ok` would lose what was posted.",
        source: SESSION,
        script: "p -> POST ?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA 3
p <- 4xx",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/unknown-sid-websocket",
        says: "A WebSocket for a session that does not exist is refused.",
        why: "An upgrade that lost its session must not become a new one unseen.",
        source: SESSION,
        script: "w -> WS ?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAA
w <- refused",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/odd-sid",
        says: "A sid that no server makes is refused, and nothing breaks.",
        why: "It ends up in maps, logs and databases.",
        source: SESSION,
        script: r#"p -> GET ?EIO=4&transport=polling&sid=%00%ff..%2f<a*2000>
p <- 4xx
q -> GET ?EIO=4&transport=polling&sid=
q <- 4xx or 200 0{"sid":"*"}
r -> GET ?EIO=4&transport=polling&sid=__proto__
r <- 4xx"#,
        ..WireCase::DEFAULT
    },
];
