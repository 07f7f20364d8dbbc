//! WebSocket frames, right and wrong.

use super::super::WireCase;
use crate::property::Severity;

const PACKETS: &str = "Engine.IO protocol 4, Packet encoding, WebSocket";
const SUITE: &str = "Engine.IO protocol 4, Test suite, WebSocket";
const MASKING: &str = "RFC 6455, section 5.1";
const HEADER: &str = "RFC 6455, section 5.2";
const FRAGMENTS: &str = "RFC 6455, section 5.4";
const CONTROL: &str = "RFC 6455, section 5.5";
const UTF8: &str = "RFC 6455, section 8.1";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "engine-io/invalid-packet-websocket",
        says: "A text frame that is no packet closes the session.",
        why: "A client and a server that misunderstand each other must not go on.",
        source: SUITE,
        script: "a open websocket
a join
a -> abc
a <- closed",
        catches: &["invalid-packet-tolerated"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/unknown-type-websocket",
        says: "A packet of type 9 closes the session.",
        why: "Types end at 6.",
        source: SUITE,
        script: "a open websocket
a join
a -> 9
a <- closed",
        catches: &["invalid-packet-tolerated"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/empty-frame",
        says: "An empty text frame closes the session or is ignored; nothing breaks.",
        why: "The first character of nothing is a classic crash.",
        severity: Severity::Should,
        source: PACKETS,
        script: "a open websocket
a join
a -> frame text
a <- closed or nothing within 500ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/open-by-client",
        says: "An open packet by a client closes the session or is ignored; nothing breaks.",
        why: "Only servers open sessions.",
        severity: Severity::Should,
        source: PACKETS,
        script: r#"a open websocket
a join
a -> 0{"sid":"x"}
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/binary-frame",
        says: "A binary frame is taken where an event has announced it.",
        why: "Files go this way.",
        source: PACKETS,
        script: r#"a open websocket
a join
a -> 451-$ns["assize",{"_placeholder":true,"num":0}]␞bAQIDBA==
a quiet 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/oversize-message",
        says: "A message of more than `maxPayload` bytes closes a WebSocket.",
        why: "Memory is what an attacker asks for first.",
        severity: Severity::Should,
        source: PACKETS,
        script: r#"a open websocket
a join
a -> 42$ns["assize","<a*$max>"]
a <- closed"#,
        catches: &["payload-unlimited"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/unmasked-frame",
        says: "A frame without a mask closes the connection.",
        why: "Masks keep scripts from speaking HTTP to proxies.",
        source: MASKING,
        script: "a open websocket
a join
a -> frame unmasked text 3
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/reserved-bit",
        says: "A frame with a reserved bit closes the connection.",
        why: "It belongs to an extension that nobody agreed upon.",
        source: HEADER,
        script: "a open websocket
a join
a -> frame reserved text 3
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/reserved-opcode",
        says: "A frame with a reserved opcode closes the connection.",
        why: "It has no meaning.",
        source: HEADER,
        script: "a open websocket
a join
a -> frame opcode3 3
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/reserved-control-opcode",
        says: "A control frame with a reserved opcode closes the connection.",
        why: "It has no meaning.",
        source: HEADER,
        script: "a open websocket
a join
a -> frame opcode11 3
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/not-utf8-frame",
        says: "A text frame that is not UTF-8 closes the connection.",
        why: "What one side cannot read the other must not store.",
        source: UTF8,
        script: r#"a open websocket
a join
a -> frame text 42$ns["\xff\xfe"]
a <- closed"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/continues-nothing",
        says: "A continuation of no message closes the connection.",
        why: "It has no beginning.",
        source: FRAGMENTS,
        script: "a open websocket
a join
a -> frame rest 3
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/fragmented-text",
        says: "A text message in several frames is one packet.",
        why: "Libraries and proxies cut long messages.",
        source: FRAGMENTS,
        script: "a open websocket
a mute
a -> frame more text 4
a -> frame more rest 0$ns
a -> frame rest $auth
a <- 4*",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/control-ping",
        says: "A WebSocket ping is answered with its own data.",
        why: "Proxies keep connections open by it.",
        source: CONTROL,
        script: "a open websocket
a join
a -> frame ping assize
a <- pong assize",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/control-ping-between-fragments",
        says: "A WebSocket ping between the frames of a message is answered, and the message is whole.",
        why: "Control frames may come between.",
        source: FRAGMENTS,
        script: "a open websocket
a mute
a -> frame more text 40
a -> frame ping between
a <- pong between
a -> frame rest $ns$auth
a <- 4*",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/oversize-control-frame",
        says: "A ping of more than 125 bytes closes the connection.",
        why: "Control frames are short by law.",
        source: CONTROL,
        script: "a open websocket
a join
a -> frame ping <a*126>
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/fragmented-control-frame",
        says: "A ping that is not the last of its message closes the connection.",
        why: "Control frames are whole by law.",
        source: CONTROL,
        script: "a open websocket
a join
a mute
a -> frame more ping x
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "engine-io/two-messages-mixed",
        says: "A new message inside a fragmented one closes the connection.",
        why: "Nobody could tell which is which.",
        source: FRAGMENTS,
        script: "a open websocket
a join
a mute
a -> frame more text 42
a -> frame text 3
a <- closed",
        ..WireCase::DEFAULT
    },
];
