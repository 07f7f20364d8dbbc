//! JSON frames, right and wrong. No document says what a server answers to a frame that is none; what
//! it must not do is fall silent, or take others along.

use super::super::WireCase;
use crate::property::Severity;

const JSON: &str = "RFC 8259, section 2; the spec's frames are JSON objects";
const FAILURE: &str = "RFC 6455, section 7.1.7";
const DATA: &str = "RFC 6455, section 5.6";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "websocket/not-json",
        says: "A frame that is no JSON is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "A parser that throws where nobody catches ends the process for everybody.",
        source: JSON,
        script: "a open
a join
a -> frame text {
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        catches: &["malformed-deafens"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/empty-message",
        says: "An empty text frame is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "Nothing is no JSON either, and its first character a classic crash.",
        source: JSON,
        script: "a open
a join
a -> frame text
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/text-after-json",
        says: "JSON with something behind it is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "Parsers that stop at the first value read what others do not.",
        source: JSON,
        script: "a open
a join
a -> frame text $ask $ask
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/null",
        says: "The JSON `null` is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "It is JSON, and has no fields: reading one throws.",
        source: JSON,
        script: "a open
a join
a -> frame text null
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        catches: &["null-crash"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/number",
        says: "A JSON number is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "It is JSON, and has no fields.",
        source: JSON,
        script: "a open
a join
a -> frame text 7
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/string",
        says: "A JSON text is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "It is JSON, and its letters are counted like the elements of a list.",
        source: JSON,
        script: r#"a open
a join
a -> frame text "assize"
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/list",
        says: "A JSON list is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "It is JSON, and a batch to whoever thinks so.",
        source: JSON,
        script: "a open
a join
a -> frame text [null,[]]
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/without-a-kind",
        says: "An object without fields is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "What says which kind of frame it is, is not there.",
        source: JSON,
        script: "a open
a join
a -> frame text {}
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/unknown-kind",
        says: "A frame of a kind that the server does not know is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "The next version of the client sends it.",
        source: JSON,
        script: "a open
a join
a -> frame text $odd
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        catches: &["kind-unknown-deafens"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/deep-json",
        says: "JSON that is nested ten thousand times is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "A parser that calls itself runs out of stack, which no handler catches.",
        severity: Severity::Should,
        source: JSON,
        script: "a open
a join
a -> frame text <[*10000><]*10000>
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/prototype-names",
        says: "An object with fields called `__proto__` and `constructor` is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "A careless merge changes every object of the process.",
        source: JSON,
        script: r#"a open
a join
a -> frame text {"__proto__":{"assize":true},"constructor":{"prototype":{"assize":true}}}
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed"#,
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/binary-frame",
        says: "A request in a binary frame is refused, ignored or ends the connection: no connection falls silent, and nobody else is disturbed.",
        why: "Some libraries send all there is as bytes.",
        source: DATA,
        script: "a open
a join
a -> frame binary $ask
a <- closed or nothing within 500ms
a -> $ask
a <- answer or closed",
        catches: &["binary-deafens"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/after-an-odd-frame",
        says: "A frame that is no JSON ends its own connection at most, and no other of the same person.",
        why: "An error that is handled per person throws out the phone for what the laptop sent.",
        source: FAILURE,
        script: "b open
b join
a open
a join
a -> frame text {
a <- closed or nothing within 500ms
b -> $ask
b <- answer",
        catches: &["malformed-disconnects-all"],
        ..WireCase::DEFAULT
    },
];
