//! Namespaces of Socket.IO: in, out, and where there is nobody.

use super::super::WireCase;
use crate::property::Severity;

const CONNECT: &str = "Socket.IO protocol 5, Connection to a namespace";
const DISCONNECT: &str = "Socket.IO protocol 5, Disconnection from a namespace";
const SUITE: &str = "Socket.IO protocol 5, Test suite, connect";
const FORMAT: &str = "Socket.IO protocol 5, Packet encoding";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "socket-io/connect",
        says: "CONNECT is answered by CONNECT with the socket's id.",
        why: "It is where every client begins.",
        source: CONNECT,
        script: r#"a open
a -> 40$ns$auth
a <- 40$ns{"sid":"$socket"}
check $socket has 8"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/connect-over-polling",
        says: "CONNECT over polling is answered by CONNECT with the socket's id.",
        why: "It is where every browser begins.",
        source: CONNECT,
        script: r#"a open polling
a -> 40$ns$auth
a <- 40$ns{"sid":"$socket"}"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/connect-without-payload",
        says: "CONNECT without a payload is answered, by CONNECT or CONNECT_ERROR.",
        why: "Who forgets the token must be told, not be left waiting.",
        source: CONNECT,
        script: "a open
a -> 40$ns
a <- 40$ns* or 44$ns*",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/connect-refusal-says-why",
        says: "A CONNECT_ERROR carries an object with a `message`.",
        why: "It is all that a person can read.",
        source: CONNECT,
        script: r#"a open
a -> 40/assizenowhere,
a <- 44/assizenowhere,{"message":"*"}"#,
        catches: &["connect-error-missing"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/sids-differ",
        says: "Two sockets have different ids.",
        why: "Who shares an id is sent what the other was sent.",
        source: CONNECT,
        script: r#"a open
a -> 40$ns$auth
a <- 40$ns{"sid":"$one"}
b open
b -> 40$ns$auth
b <- 40$ns{"sid":"$two"}
check $one differs from $two"#,
        catches: &["socket-id-same"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/sid-is-not-the-session",
        says: "The socket's id is not the session's.",
        why: "Events tell the socket's id to others, and the session's id is the key to the session.",
        severity: Severity::Informational,
        source: CONNECT,
        script: r#"a open
a -> 40$ns$auth
a <- 40$ns{"sid":"$socket"}
check $socket differs from $a"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/unknown-namespace",
        says: "CONNECT to a namespace that does not exist is answered by CONNECT_ERROR.",
        why: "A client without an answer waits for ever.",
        source: SUITE,
        script: "a open
a -> 40/assizenowhere,
a <- 44/assizenowhere,*",
        catches: &["connect-error-missing"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/unknown-namespace-with-payload",
        says: "CONNECT with a payload to a namespace that does not exist is answered by CONNECT_ERROR.",
        why: "The payload must not end up in the name.",
        source: SUITE,
        script: r#"a open
a -> 40/assizenowhere,{"token":"x"}
a <- 44/assizenowhere,*"#,
        catches: &["connect-error-missing"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/join-after-refusal",
        says: "After a refused namespace another one can be connected to on the same connection.",
        why: "Clients share one connection between namespaces.",
        source: CONNECT,
        script: "a open
a -> 40/assizenowhere,
a <- 44/assizenowhere,* or nothing within 500ms
a join",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/refusals-in-order",
        says: "Several CONNECTs at once are answered each.",
        why: "Clients connect all their namespaces at once.",
        source: CONNECT,
        script: "a open
a -> 40/assizea,␞40/assizeb,␞40/assizec,
a <- 44/assizea,* and 44/assizeb,* and 44/assizec,*",
        catches: &["connect-error-missing"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/refusal-leaves-others-alone",
        says: "A refused namespace does not end the one that is connected.",
        why: "Clients share one connection between namespaces.",
        source: CONNECT,
        script: "a open
a join
a -> 40/assizenowhere,
a <- 44/assizenowhere,* or nothing within 500ms
a quiet 300ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/odd-namespaces",
        says: "Namespaces with odd names are answered by CONNECT_ERROR, and nothing breaks.",
        why: "Names end up in maps and patterns.",
        severity: Severity::Should,
        source: FORMAT,
        script: r#"a open
a -> 40/__proto__,
a <- 44/__proto__,* or closed
b open
b -> 40/<n*3000>,
b <- 44* or closed
c open
c -> 40/é%00\x00,
c <- 44* or closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/connect-payload-no-object",
        says: "A CONNECT whose payload is no object is refused or closes the connection, and nothing breaks.",
        why: "Code that reads `auth.token` of a number or a list crashes.",
        severity: Severity::Should,
        source: FORMAT,
        script: r#"a open
a -> 40$ns"text"
a <- closed or 44$ns* or 40$ns*
b open
b -> 40$ns[1]
b <- closed or 44$ns* or 40$ns*
c open
c -> 40$ns{"token":
c <- closed or 44$ns* or 40$ns*"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/connect-payload-null",
        says: "A CONNECT whose payload is `null` is answered or closes the connection, and nothing breaks.",
        why: "Code that reads `auth.token` of nothing crashes.",
        severity: Severity::Should,
        source: FORMAT,
        script: "a open
a -> 40$ns null
a <- closed or 44$ns* or 40$ns*",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/connect-twice",
        says: "A second CONNECT to the same namespace is answered, ignored or closes the connection; nothing breaks.",
        why: "Clients that reconnect too eagerly do it.",
        severity: Severity::Informational,
        source: CONNECT,
        script: "a open
a join
a -> 40$ns$auth
a <- 40$ns* or 44$ns* or closed or nothing within 500ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/event-before-connect",
        says: "An event before CONNECT closes the connection.",
        why: "Nobody knows yet who is speaking.",
        source: SUITE,
        script: r#"a open
a -> 42$ns["assize"]
a <- closed"#,
        catches: &["early-event-tolerated"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/no-connect",
        says: "A connection without a CONNECT is closed within 45 s, and 3 s of tolerance.",
        why: "Connections cost memory before anybody is known.",
        severity: Severity::Should,
        quick: false,
        source: SUITE,
        script: "a open
a <- closed within 48s",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/disconnect",
        says: "DISCONNECT ends the namespace: nothing comes any more.",
        why: "A person who left must not be sent what others say.",
        source: DISCONNECT,
        script: "a open
a join
a -> 41$ns
a <- closed or nothing within 500ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/reconnect-same-connection",
        says: "After DISCONNECT the namespace can be connected to again on the same connection.",
        why: "It is what `disconnect` and `connect` of the official client do with several namespaces.",
        source: DISCONNECT,
        script: r#"a open
a join
a -> 41$ns
pause 100ms
a -> 40$ns$auth
a <- 40$ns{"sid":"*"}"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/event-after-disconnect",
        says: "An event after DISCONNECT is ignored or closes the connection; nothing breaks.",
        why: "Messages cross on slow lines.",
        severity: Severity::Should,
        source: DISCONNECT,
        script: r#"a open
a join
a -> 41$ns␞42$ns["assize"]
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/disconnect-unknown-namespace",
        says: "A DISCONNECT from a namespace that nobody is in is ignored or closes the connection; nothing breaks.",
        why: "Clients that clean up twice do it.",
        severity: Severity::Should,
        source: DISCONNECT,
        script: "a open
a join
a -> 41/assizenowhere,
a <- closed or nothing within 500ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/event-for-unknown-namespace",
        says: "An event for a namespace that nobody is in is ignored or closes the connection; nothing breaks.",
        why: "Namespaces go away while clients speak to them.",
        severity: Severity::Should,
        source: SUITE,
        script: r#"a open
a join
a -> 42/assizenowhere,["assize"]
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
];
