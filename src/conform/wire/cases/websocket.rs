//! WebSocket frames on a raw WebSocket, right and wrong.

use super::super::WireCase;
use crate::property::Severity;

const MASKING: &str = "RFC 6455, section 5.1";
const HEADER: &str = "RFC 6455, section 5.2";
const FRAGMENTS: &str = "RFC 6455, section 5.4";
const CONTROL: &str = "RFC 6455, section 5.5";
const CLOSE: &str = "RFC 6455, section 5.5.1";
const FAILURE: &str = "RFC 6455, section 7.1.7";
const CODES: &str = "RFC 6455, section 7.4";
const UTF8: &str = "RFC 6455, section 8.1";
const LIMITS: &str = "RFC 6455, section 10.4";

pub(super) const CASES: &[WireCase] = &[
    WireCase {
        name: "websocket/request",
        says: "A request is answered on the connection that it came over.",
        why: "What the other cases send needs an answer to be seen.",
        source: FAILURE,
        script: "a open
a join
a -> $ask
a <- answer",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/unmasked-frame",
        says: "A frame without a mask closes the connection.",
        why: "Masks keep scripts from speaking HTTP to proxies.",
        source: MASKING,
        script: "a open
a join
a -> frame unmasked text $ask
a <- closed",
        catches: &["mask-ignored"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/reserved-bit",
        says: "A frame with a reserved bit closes the connection.",
        why: "It belongs to an extension that nobody agreed upon.",
        source: HEADER,
        script: "a open
a join
a -> frame reserved text $ask
a <- closed",
        catches: &["reserved-ignored"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/reserved-opcode",
        says: "A frame with a reserved opcode closes the connection.",
        why: "It has no meaning.",
        source: HEADER,
        script: "a open
a join
a -> frame opcode3 $ask
a <- closed",
        catches: &["reserved-ignored"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/reserved-control-opcode",
        says: "A control frame with a reserved opcode closes the connection.",
        why: "It has no meaning.",
        source: HEADER,
        script: "a open
a join
a -> frame opcode11 x
a <- closed",
        catches: &["reserved-ignored"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/not-utf8",
        says: "A text frame that is not UTF-8 closes the connection.",
        why: "What one side cannot read the other must not store.",
        source: UTF8,
        script: r"a open
a join
a -> frame text \xff\xfe
a <- closed",
        catches: &["utf-unchecked"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/continues-nothing",
        says: "A continuation of no message closes the connection.",
        why: "It has no beginning.",
        source: FRAGMENTS,
        script: "a open
a join
a -> frame rest $ask
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/fragmented-message",
        says: "A message in several frames is one request.",
        why: "Libraries and proxies cut long messages.",
        source: FRAGMENTS,
        script: "a open
a join
a mute
a -> frame more text $head
a -> frame rest $tail
a <- answer",
        catches: &["fragments-apart"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/ping-between-fragments",
        says: "A ping between the frames of a message is answered, and the message is whole.",
        why: "Control frames may come between.",
        source: FRAGMENTS,
        script: "a open
a join
a mute
a -> frame more text $head
a -> frame ping between
a <- pong between
a -> frame rest $tail
a <- answer",
        catches: &["fragments-apart"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/two-messages-mixed",
        says: "A new message inside a fragmented one closes the connection.",
        why: "Nobody could tell which is which.",
        source: FRAGMENTS,
        script: "a open
a join
a mute
a -> frame more text $head
a -> frame text $ask
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/ping",
        says: "A ping is answered with its own data.",
        why: "Proxies keep connections open by it, and clients tell by it who is there.",
        source: CONTROL,
        script: "a open
a join
a -> frame ping assize
a <- pong assize",
        catches: &["pong-empty"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/unasked-pong",
        says: "A pong that nobody asked for does no harm.",
        why: "It is how one end says that it lives.",
        source: CONTROL,
        script: "a open
a join
a -> frame pong assize
a -> $ask
a <- answer",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/oversize-ping",
        says: "A ping of more than 125 bytes closes the connection.",
        why: "Control frames are short by law.",
        source: CONTROL,
        script: "a open
a join
a -> frame ping <a*126>
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/fragmented-ping",
        says: "A ping that is not the last of its message closes the connection.",
        why: "Control frames are whole by law.",
        source: CONTROL,
        script: "a open
a join
a -> frame more ping x
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/close",
        says: "A close frame is answered, and ends the connection.",
        why: "Browsers close tabs this way.",
        source: CLOSE,
        script: "a open
a join
a leaves close 1000
a <- closed",
        catches: &["close-unanswered"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/close-without-a-code",
        says: "A close frame without a code is answered, and ends the connection.",
        why: "The code is optional.",
        source: CLOSE,
        script: "a open
a join
a -> frame close
a <- closed",
        catches: &["close-unanswered"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/close-with-half-a-code",
        says: "A close frame of one byte ends the connection.",
        why: "A code has two bytes.",
        source: CLOSE,
        script: "a open
a join
a -> frame close x
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/close-with-no-code",
        says: "A close frame with a code that nobody may send ends the connection.",
        why: "Codes below 1000 mean nothing.",
        source: CODES,
        script: "a open
a join
a leaves close 999
a <- closed",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/cut",
        says: "A connection that ends without a word disturbs nobody.",
        why: "Networks fail without a word.",
        source: FAILURE,
        script: "a open
a join
a leaves fin
b open
b join
b leaves rst
pause 100ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/half-a-frame",
        says: "Half a frame and the end of the stream disturb nobody.",
        why: "Networks fail in the middle of a word.",
        source: FAILURE,
        script: "a open
a join
a -> frame half text $ask
a leaves fin
pause 100ms",
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/unfinished-message",
        says: "A message that is never finished keeps nobody else waiting.",
        why: "A server that waits for the rest must not wait with everything.",
        source: LIMITS,
        script: "a open
a join
a mute
a -> frame more text $head
b open
b join
b -> $ask
b <- answer",
        catches: &["unfinished-blocks"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/half-open",
        says: "A connection whose client says nothing any more is ended.",
        why: "A cable that is pulled says nothing, and its person stays online.",
        quick: false,
        source: LIMITS,
        script: "a open
a join
a mute
a <- closed within dead",
        catches: &["dead-kept"],
        ..WireCase::DEFAULT
    },
    WireCase {
        name: "websocket/oversize-message",
        says: "A frame that announces 256 MiB closes the connection.",
        why: "Memory is what an attacker asks for first.",
        severity: Severity::Should,
        source: LIMITS,
        script: "a open
a join
a -> frame huge text $head
a <- closed within 2s",
        catches: &["frame-unlimited"],
        ..WireCase::DEFAULT
    },
];
