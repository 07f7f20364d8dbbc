//! How an Engine.IO session begins: the address it is asked from and the open packet it answers.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::engine_io::{Kind, Packet};
use super::error::{EngineIo3Sign, WireError, piece, piece_of_bytes};
use super::polling;

/// The path that Socket.IO servers listen on unless told otherwise.
pub const DEFAULT_PATH: &str = "/socket.io/";

/// The two ways to carry Engine.IO packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// HTTP long polling.
    Polling,
    /// A WebSocket.
    WebSocket,
}

impl Carrier {
    /// Its name in the query string.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Carrier::Polling => "polling",
            Carrier::WebSocket => "websocket",
        }
    }
}

/// The data of the open packet: what the server lays down for a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// The session's id.
    pub sid: String,
    /// The carriers that the session may be upgraded to.
    #[serde(default)]
    pub upgrades: Vec<String>,
    /// Milliseconds between two pings of the server.
    pub ping_interval: u64,
    /// Milliseconds the server waits for the answer to a ping.
    pub ping_timeout: u64,
    /// The most bytes of one polling payload; older servers do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_payload: Option<u64>,
}

impl Open {
    /// Reads the data of an open packet, without its `0`.
    ///
    /// # Errors
    /// [`WireError::BadHandshake`] if a field is missing or of the wrong type.
    pub fn decode(data: &str) -> Result<Open, WireError> {
        serde_json::from_str(data).map_err(|error| WireError::BadHandshake {
            offset: error.column(),
            piece: piece(data),
            reason: reason(&error),
        })
    }

    /// Reads the first text frame of a WebSocket session, `0{…}`.
    ///
    /// # Errors
    /// [`WireError::BadHandshake`], [`WireError::EngineIo3`], or what is wrong with the packet.
    pub fn decode_frame(frame: &str) -> Result<Open, WireError> {
        match Packet::decode_text(frame) {
            Ok(Packet::Text { kind: Kind::Open, data }) if data.starts_with('{') => {
                Open::decode(data)
            }
            _ if polling::is_framed_by_lengths(frame) => Err(polling::framed_by_lengths(frame)),
            Ok(_) => Err(not_open(frame)),
            Err(error) => Err(error),
        }
    }

    /// Reads the first body of a polling session and says how many bytes the open packet took.
    ///
    /// # Errors
    /// As [`Open::decode_frame`], and [`WireError::NotUtf8`].
    pub fn decode_body(body: &[u8]) -> Result<(Open, usize), WireError> {
        let text = polling::text_of(body)?;
        let first = text.split(polling::SEPARATOR).next().unwrap_or_default();
        if polling::is_framed_by_lengths(text) {
            return Err(polling::framed_by_lengths(text));
        }
        Ok((Open::decode_frame(first)?, first.len()))
    }

    /// Whether the server offers to move the session to a WebSocket.
    #[must_use]
    pub fn offers_websocket(&self) -> bool {
        self.upgrades.iter().any(|name| name == Carrier::WebSocket.name())
    }

    /// Milliseconds without a ping after which the server is to be taken for dead.
    #[must_use]
    pub fn silence_ms_max(&self) -> u64 {
        self.ping_interval.saturating_add(self.ping_timeout)
    }
}

/// Recognises an answer to the handshake that speaks of the protocol's version.
///
/// Engine.IO servers answer `{"code":5,"message":"Unsupported protocol version"}`, those in Python
/// a sentence about an unsupported version.
#[must_use]
pub fn version_refusal(body: &[u8]) -> Option<WireError> {
    #[derive(Deserialize)]
    struct Refusal {
        code: i64,
    }
    let head = body.get(..512).unwrap_or(body);
    let lower = String::from_utf8_lossy(head).to_ascii_lowercase();
    let code_5 = serde_json::from_slice::<Refusal>(body).is_ok_and(|refusal| refusal.code == 5);
    let named = lower.contains("unsupported protocol version")
        || (lower.contains("unsupported version") && lower.contains("engine.io"));
    (code_5 || named).then(|| WireError::EngineIo3 {
        sign: EngineIo3Sign::VersionRefused,
        piece: piece_of_bytes(body),
    })
}

/// The target of a request: path, `EIO=4`, the carrier, the session if there is one, and the
/// caller's own query (already encoded, without `?`).
#[must_use]
pub fn request_target(path: &str, query: &str, carrier: Carrier, sid: Option<&str>) -> String {
    let path = if path.is_empty() { DEFAULT_PATH } else { path };
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut target = format!("{path}{joint}EIO=4&transport={}", carrier.name());
    if let Some(sid) = sid {
        target.push_str("&sid=");
        push_percent_encoded(sid, &mut target);
    }
    let query = query.trim_start_matches(['?', '&']);
    if !query.is_empty() {
        target.push('&');
        target.push_str(query);
    }
    target
}

/// Appends `text` as one value of a query string.
pub fn push_percent_encoded(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// What serde says, without its own position.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.find(" at line ") {
        Some(end) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

/// The error for a first packet that is not an open packet.
fn not_open(frame: &str) -> WireError {
    let reason = "the first packet is not an open packet".to_owned();
    WireError::BadHandshake { offset: 0, piece: piece(frame), reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the protocol's document, "Handshake".
    const EXAMPLE: &str = r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

    fn example() -> Open {
        Open {
            sid: "lv_VI97HAXpY6yYWAAAC".into(),
            upgrades: vec!["websocket".into()],
            ping_interval: 25_000,
            ping_timeout: 20_000,
            max_payload: Some(1_000_000),
        }
    }

    #[test]
    fn reads_the_example_of_the_document() {
        assert_eq!(Open::decode_frame(EXAMPLE), Ok(example()));
        assert_eq!(Open::decode_body(EXAMPLE.as_bytes()), Ok((example(), EXAMPLE.len())));
        let with_more = format!("{EXAMPLE}\x1e40");
        assert_eq!(Open::decode_body(with_more.as_bytes()), Ok((example(), EXAMPLE.len())));
        assert!(example().offers_websocket());
        assert_eq!(example().silence_ms_max(), 45_000);
    }

    #[test]
    fn older_servers_do_not_say_the_greatest_payload() {
        let open = Open::decode(r#"{"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":2}"#);
        assert_eq!(open.map(|open| open.max_payload), Ok(None));
    }

    #[test]
    fn says_what_is_wrong() {
        let error = Open::decode(r#"{"sid":7}"#).unwrap_err();
        let WireError::BadHandshake { reason, .. } = &error else { panic!("{error}") };
        assert_eq!(reason, "invalid type: integer `7`, expected a string");
        for frame in ["0", "0[]", "40", "0{", "x", "", "{}"] {
            assert!(Open::decode_frame(frame).is_err(), "{frame}");
        }
    }

    #[test]
    fn engine_io_3_is_recognised() {
        let data = &EXAMPLE[..EXAMPLE.len() - 1];
        let framed = format!("{}:{EXAMPLE}2:40", EXAMPLE.len());
        assert!(matches!(
            Open::decode_body(framed.as_bytes()),
            Err(WireError::EngineIo3 { sign: EngineIo3Sign::LengthPrefix, .. })
        ));
        assert!(matches!(Open::decode_frame(data), Err(WireError::BadHandshake { .. })));
        let mut binary = vec![0, 1, 1, 7, 0xff];
        binary.extend_from_slice(EXAMPLE.as_bytes());
        assert!(matches!(
            Open::decode_body(&binary),
            Err(WireError::EngineIo3 { sign: EngineIo3Sign::BinaryLengthPrefix, .. })
        ));
        for body in [
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
            r#""The client is using an unsupported version of the Socket.IO or Engine.IO protocols""#,
        ] {
            assert!(version_refusal(body.as_bytes()).is_some(), "{body}");
        }
        assert_eq!(version_refusal(br#"{"code":1,"message":"Session ID unknown"}"#), None);
        assert_eq!(version_refusal(b"<html>"), None);
    }

    #[test]
    fn targets_are_built() {
        let target = request_target("", "", Carrier::Polling, None);
        assert_eq!(target, "/socket.io/?EIO=4&transport=polling");
        let target = request_target("/ws/", "?token=a", Carrier::WebSocket, Some("a/b&c"));
        assert_eq!(target, "/ws/?EIO=4&transport=websocket&sid=a%2Fb%26c&token=a");
        let target = request_target("/ws?v=1", "", Carrier::WebSocket, None);
        assert_eq!(target, "/ws?v=1&EIO=4&transport=websocket");
    }

    proptest! {
        #[test]
        fn handshakes_come_back(sid in ".*", upgrades in prop::collection::vec(".*", 0..3),
            times in any::<(u64, u64)>(), max_payload in any::<Option<u64>>()) {
            let open = Open {
                sid, upgrades, ping_interval: times.0, ping_timeout: times.1, max_payload,
            };
            let frame = format!("0{}", serde_json::to_string(&open).unwrap());
            prop_assert_eq!(Open::decode_frame(&frame), Ok(open));
            for (end, _) in frame.char_indices() {
                prop_assert!(Open::decode_frame(&frame[..end]).is_err());
            }
        }

        #[test]
        fn nothing_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = Open::decode_body(&body);
            let _ = version_refusal(&body);
        }
    }
}
