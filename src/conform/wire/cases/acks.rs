//! Acknowledgements of Socket.IO: one for each question, under its own number.

use super::super::WireCase;
use crate::property::Severity;

const ACK: &str = "Socket.IO protocol 5, Acknowledgement";
const FORMAT: &str = "Socket.IO protocol 5, Packet encoding";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "socket-io/ack",
        says: "An event with an id is acknowledged once, under that id.",
        why: "Clients match answers to questions by nothing else.",
        source: ACK,
        script: "a open
a join
a -> 42$ns7$event
a <- 43$ns7* if at all
a quiet 500ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/ack-over-polling",
        says: "An event with an id over polling is acknowledged once, under that id.",
        why: "Clients match answers to questions by nothing else.",
        source: ACK,
        script: "a open polling
a join
a -> 42$ns7$event
a <- 43$ns7* if at all
a quiet 500ms",
        catches: &["ack-doubled"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/ack-zero",
        says: "The id 0 is an id as any other.",
        why: "0 is false in many languages, and it is the first id of every official client.",
        source: ACK,
        script: "a open
a join
a -> 42$ns0$event
a <- 43$ns0* if at all
a quiet 300ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/ack-large",
        says: "An id beyond 32 bits comes back whole.",
        why: "Counters of busy clients, and of clients that count otherwise.",
        source: ACK,
        script: "a open
a join
a -> 42$ns4294967301$event
a <- 43$ns4294967301* if at all",
        catches: &["ack-id-cut"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/acks-of-two",
        says: "Two events at once are acknowledged each under its own id.",
        why: "Answers come in any order.",
        source: ACK,
        script: "a open
a join
a -> 42$ns11$event␞42$ns12$event
a <- 43$ns11* and 43$ns12* if at all
a quiet 300ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/event-without-id",
        says: "An event without an id is not acknowledged, and does no harm.",
        why: "A server that calls a callback that is not there crashes.",
        source: ACK,
        script: "a open
a join
a -> 42$ns$event
a <- closed or nothing within 500ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/ack-never-asked",
        says: "An acknowledgement that nobody asked for does no harm.",
        why: "Servers forget questions, and answers still come.",
        severity: Severity::Should,
        source: ACK,
        script: r#"a open
a join
a -> 43$ns999["assize"]
a quiet 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/ack-without-id",
        says: "An acknowledgement without an id closes the connection or is ignored; nothing breaks.",
        why: "It answers nothing.",
        severity: Severity::Should,
        source: FORMAT,
        script: r#"a open
a join
a -> 43$ns["assize"]
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "socket-io/ack-id-overflow",
        says: "An id of forty digits closes the connection or is ignored; nothing breaks.",
        why: "Numbers end somewhere.",
        severity: Severity::Should,
        source: FORMAT,
        script: r#"a open
a join
a -> 42$ns<9*40>["assize"]
a <- closed or nothing within 500ms"#,
        ..WireCase::DEFAULT
    },
];
