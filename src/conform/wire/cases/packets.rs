//! Packets of Socket.IO that are not what they should be.

use super::super::WireCase;
use crate::property::Severity;

const SUITE: &str = "Socket.IO protocol 5, Test suite, message";
const FORMAT: &str = "Socket.IO protocol 5, Packet encoding";
const BINARY: &str = "Socket.IO protocol 5, Packet encoding, binary event";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "socket-io/unknown-packet-type",
        says: "A packet of an unknown type closes the connection.",
        why: "A client and a server that misunderstand each other must not go on.",
        source: SUITE,
        script: "a open
a join
a -> 4abc
a <- closed",
        catches: &["malformed-tolerated"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/unknown-packet-digit",
        says: "A packet of type 9 closes the connection.",
        why: "Types end at 6.",
        source: SUITE,
        script: r#"a open
a join
a -> 49["assize"]
a <- closed"#,
        catches: &["malformed-tolerated"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/malformed-packet-alone",
        says: "A packet of an unknown type ends its own connection and no other.",
        why: "One client must not be able to log everybody out.",
        source: SUITE,
        script: "a open
a join
b open
b join
a -> 4abc
a <- closed or nothing within 1s
b quiet 500ms",
        catches: &["malformed-crashes"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/invalid-payload",
        says: "An event whose payload is no array closes the connection.",
        why: "Code that takes the first element of an object crashes.",
        source: SUITE,
        script: "a open
a join
a -> 42$ns{}
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/broken-json",
        says: "An event whose JSON is broken closes the connection.",
        why: "What cannot be read must not be half understood.",
        source: FORMAT,
        script: r#"a open
a join
a -> 42$ns["assize"
a <- closed"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/invalid-ack-id",
        says: "An event whose id is no number closes the connection.",
        why: "What cannot be read must not be half understood.",
        source: SUITE,
        script: r#"a open
a join
a -> 42${ns}abc["assize"]
a <- closed"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/empty-event",
        says: "An event without a name closes the connection or is ignored; nothing breaks.",
        why: "The first element of nothing is a classic crash.",
        severity: Severity::Should,
        source: FORMAT,
        script: "a open
a join
a -> 42$ns[]
a <- closed or nothing within 500ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/event-name-no-text",
        says: "An event whose name is no text closes the connection or is ignored; nothing breaks.",
        why: "Names end up in maps.",
        severity: Severity::Should,
        source: FORMAT,
        script: r#"a open
a join
a -> 42$ns[null]
a <- closed or nothing within 500ms
b open
b join
b -> 42$ns[{"a":1}]
b <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/reserved-event",
        says: "An event with a name that libraries keep to themselves sets nothing off.",
        why: "A client that can raise `disconnect` on the server can act for the server.",
        severity: Severity::Should,
        source: FORMAT,
        script: r#"a open
a join
a -> 42$ns["connect"]
a <- closed or nothing within 300ms
b open
b join
b -> 42$ns["disconnect","x"]
b <- closed or nothing within 300ms
c open
c join
c -> 42$ns["error"]
c <- closed or nothing within 300ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/unknown-event",
        says: "An event that the server does not know is ignored.",
        why: "Clients are newer than servers.",
        source: SUITE,
        script: r#"a open
a join
a -> 42$ns["assize",1,null]
a quiet 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/prototype-names",
        says: "Events and fields called `__proto__` do no harm.",
        why: "They poison objects of servers in JavaScript.",
        severity: Severity::Should,
        source: FORMAT,
        script: r#"a open
a join
a -> 42$ns["__proto__",{"__proto__":{"admin":true}}]
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/deep-json",
        says: "JSON that is nested ten thousand times closes the connection or is ignored; nothing breaks.",
        why: "Recursive readers run out of stack.",
        severity: Severity::Should,
        source: FORMAT,
        script: r#"a open
a join
a -> 42$ns["assize",<[*10000><]*10000>]
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/connect-error-by-client",
        says: "A CONNECT_ERROR by a client closes the connection or is ignored; nothing breaks.",
        why: "Only servers refuse.",
        severity: Severity::Should,
        source: FORMAT,
        script: r#"a open
a join
a -> 44$ns{"message":"no"}
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/attachment-missing",
        says: "A packet in the place of an announced attachment closes the connection or is ignored; nothing breaks.",
        why: "Uploads are cut.",
        severity: Severity::Should,
        source: BINARY,
        script: r#"a open
a join
a -> 451-$ns["assize",{"_placeholder":true,"num":0}]
a -> 42$ns["assize"]
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/attachment-too-many",
        says: "More attachments than announced close the connection or are ignored; nothing breaks.",
        why: "Counting is done by hand.",
        severity: Severity::Should,
        source: BINARY,
        script: r#"a open
a join
a -> 451-$ns["assize",{"_placeholder":true,"num":0}]␞bAQ==␞bAg==
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/attachment-unannounced",
        says: "A binary message that nobody announced closes the connection or is ignored; nothing breaks.",
        why: "It belongs to nothing.",
        severity: Severity::Should,
        source: BINARY,
        script: "a open
a join
a -> bAQIDBA==
a <- closed or nothing within 500ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/attachment-out-of-range",
        says: "A placeholder for an attachment that does not exist closes the connection or is ignored; nothing breaks.",
        why: "Indices are taken on trust.",
        severity: Severity::Should,
        source: BINARY,
        script: r#"a open
a join
a -> 451-$ns["assize",{"_placeholder":true,"num":7}]␞bAQ==
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/attachments-without-end",
        says: "A hundred million announced attachments close the connection or are waited for; nothing breaks.",
        why: "Whoever makes room for them first has none left.",
        severity: Severity::Should,
        source: BINARY,
        script: r#"a open
a join
a -> 45100000000-$ns["assize",{"_placeholder":true,"num":0}]
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/attachment-count-broken",
        says: "An attachment count that is no number closes the connection or is ignored; nothing breaks.",
        why: "What cannot be read must not be half understood.",
        severity: Severity::Should,
        source: BINARY,
        script: r#"a open
a join
a -> 45x-$ns["assize"]
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
];
