//! HTTP long polling: payloads, limits, polls and posts at once.

use super::super::WireCase;
use crate::property::Severity;

const POLLING: &str = "Engine.IO protocol 4, HTTP long-polling";
const PAYLOAD: &str = "Engine.IO protocol 4, Packet encoding, HTTP long-polling";
const SUITE: &str = "Engine.IO protocol 4, Test suite, HTTP long-polling";
const LIMIT: &str = "Engine.IO protocol 4, Handshake, maxPayload";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "engine-io/post-and-poll",
        says: "What is posted is answered `ok`, and what the server has to say comes with a poll.",
        why: "It is the whole of the transport.",
        source: POLLING,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid 40$ns$auth
c <- 200 ok
p -> GET ?EIO=4&transport=polling&sid=$sid
p <- 200 4* or 200 2
q -> POST ?EIO=4&transport=polling&sid=$sid 3
q <- 200 ok"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/payload-in-order",
        says: "The packets of one payload are in the order in which they were sent.",
        why: "Batching is where order is lost.",
        source: PAYLOAD,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
p -> GET ?EIO=4&transport=polling&sid=$sid
c -> POST ?EIO=4&transport=polling&sid=$sid 40/assizea,
c <- 200 ok
p <- 200
pause 100ms
d -> POST ?EIO=4&transport=polling&sid=$sid 40/assizeb,␞40/assizec,␞40/assized,
d <- 200 ok
pause 300ms
q -> GET ?EIO=4&transport=polling&sid=$sid
q <- 200 44/assizeb,*␞44/assizec,*␞44/assized,* if at all"#,
        catches: &["payload-reordered"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/binary-over-polling",
        says: "A binary message over polling is base64 behind a `b`, and is taken.",
        why: "Images and files of clients behind proxies go this way.",
        source: PAYLOAD,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid 40$ns$auth
c <- 200 ok
p -> GET ?EIO=4&transport=polling&sid=$sid
p <- 200 4* or 200 2
b -> POST ?EIO=4&transport=polling&sid=$sid 451-$ns["assize",{"_placeholder":true,"num":0}]␞bAQIDBA==
b <- 200 ok
d -> POST ?EIO=4&transport=polling&sid=$sid 3
d <- 200 ok"#,
        catches: &["binary-refused"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/invalid-packet-polling",
        says: "A payload that is no packet closes the session.",
        why: "A client and a server that misunderstand each other must not go on.",
        source: SUITE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid abc
c <- 200 or 4xx
p -> GET ?EIO=4&transport=polling&sid=$sid
p <- 4xx"#,
        catches: &["invalid-packet-tolerated"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/unknown-type-polling",
        says: "A packet of type 9 closes the session.",
        why: "Types end at 6.",
        source: SUITE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid 9
c <- 200 or 4xx
p -> GET ?EIO=4&transport=polling&sid=$sid
p <- 4xx"#,
        catches: &["invalid-packet-tolerated"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/empty-payload",
        says: "A POST without a body is no packet: it is refused or closes the session, and nothing breaks.",
        why: "Proxies and retries make empty posts.",
        severity: Severity::Should,
        source: PAYLOAD,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid
c <- 200 or 4xx"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/empty-packets",
        says: "A payload of separators alone is refused or closes the session, and nothing breaks.",
        why: "Splitting text finds empty pieces.",
        severity: Severity::Should,
        source: PAYLOAD,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid ␞␞␞
c <- 200 or 4xx"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/not-utf8-payload",
        says: "A payload that is not UTF-8 is refused, and nothing breaks.",
        why: "A decoder that panics takes everybody along.",
        severity: Severity::Should,
        source: PAYLOAD,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid 4\xff\xfe\xc0
c <- 200 or 4xx or 5xx"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/bad-base64",
        says: "A binary message that is not base64 is refused or closes the session, and nothing breaks.",
        why: "A decoder that panics takes everybody along.",
        severity: Severity::Should,
        source: PAYLOAD,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid b@@@@
c <- 200 or 4xx"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/oversize-payload",
        says: "A payload of more than `maxPayload` bytes is refused.",
        why: "Memory is what an attacker asks for first.",
        source: LIMIT,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
m -> GET ?EIO=4&transport=polling
m <- 200 0{"maxPayload":"$max"}
c -> POST ?EIO=4&transport=polling&sid=$sid 42$ns["assize","<a*$max>"]
c <- 4xx or refused"#,
        catches: &["payload-unlimited"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/largest-payload",
        says: "A payload a little below `maxPayload` is taken.",
        why: "Clients fill their payloads up to the announced figure.",
        source: LIMIT,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
m -> GET ?EIO=4&transport=polling
m <- 200 0{"sid":"$id","maxPayload":"$max"}
c -> POST ?EIO=4&transport=polling&sid=$id 40$ns$auth
c <- 200 ok
p -> GET ?EIO=4&transport=polling&sid=$id
p <- 200 4* or 200 2
d -> POST ?EIO=4&transport=polling&sid=$id 42$ns["assize","<a*$max-300>"]
d <- 200 ok"#,
        catches: &["payload-announced-wrong"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/polls-at-once",
        says: "A second poll while one is held is refused, and the session is closed.",
        why: "With two polls nobody knows which packet came first.",
        source: SUITE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
k -> POST ?EIO=4&transport=polling&sid=$sid 3
k <- 200 ok
p -> GET ?EIO=4&transport=polling&sid=$sid
pause 100ms
q -> GET ?EIO=4&transport=polling&sid=$sid
pause 100ms
r -> GET ?EIO=4&transport=polling&sid=$sid
r <- 200 or 4xx or 5xx
s -> GET ?EIO=4&transport=polling&sid=$sid
s <- 4xx"#,
        catches: &["polls-at-once"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/posts-at-once",
        says: "Two POSTs at once are both answered, and nothing breaks.",
        why: "Clients on bad networks send again.",
        severity: Severity::Should,
        source: POLLING,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
c -> POST ?EIO=4&transport=polling&sid=$sid 40$ns$auth␞42$ns["assize","<a*20000>"]
d -> POST ?EIO=4&transport=polling&sid=$sid 3␞42$ns["assize","<b*20000>"]
c <- 200 or 4xx or 5xx
d <- 200 or 4xx or 5xx"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/aborted-poll",
        says: "After an aborted poll the session is over, or a new poll is served.",
        why: "Mobile clients abort polls all day; a session that is neither open nor closed is lost messages.",
        source: SUITE,
        script: r#"h -> GET ?EIO=4&transport=polling
h <- 200 0{"sid":"$sid"}
p -> GET ?EIO=4&transport=polling&sid=$sid
pause 100ms
p leaves
pause 100ms
c -> POST ?EIO=4&transport=polling&sid=$sid 40$ns$auth
c <- 200 or 4xx
q -> GET ?EIO=4&transport=polling&sid=$sid
q <- 200 or 4xx"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/wrong-transport-for-session",
        says: "A poll of a session that began on a WebSocket is refused.",
        why: "It would split the session's packets over two ways.",
        source: POLLING,
        script: "a open websocket
p -> GET ?EIO=4&transport=polling&sid=$a
p <- 4xx
a join",
        ..WireCase::DEFAULT
    },
];
