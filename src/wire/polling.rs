//! Many Engine.IO packets in one HTTP body: separated by `0x1e`, binary messages as `b` and base64.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::engine_io::{Kind, Packet, encode_text};
use super::error::{EngineIo3Sign, WireError, piece, piece_of_bytes};

/// What stands between two packets of a payload.
pub const SEPARATOR: char = '\u{1e}';

/// The most length digits an Engine.IO 3 frame is believed to have.
const LENGTH_DIGITS_MAX: usize = 10;

/// Base64 as servers write it: with padding, though some leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text of an HTTP body.
///
/// # Errors
/// [`WireError::EngineIo3`] for a body framed by binary lengths, [`WireError::NotUtf8`] else.
pub fn text_of(body: &[u8]) -> Result<&str, WireError> {
    if has_binary_length_prefix(body) {
        let sign = EngineIo3Sign::BinaryLengthPrefix;
        return Err(WireError::EngineIo3 { sign, piece: piece_of_bytes(body) });
    }
    std::str::from_utf8(body).map_err(|error| {
        let offset = error.valid_up_to();
        WireError::NotUtf8 { offset, piece: piece_of_bytes(body.get(offset..).unwrap_or_default()) }
    })
}

/// Reads the packets of a payload one after another.
///
/// After an error the reading goes on behind the next separator, so one bad packet does not hide
/// the others.
#[must_use]
pub fn decode(payload: &str) -> Packets<'_> {
    Packets { payload, next: Some(0), framed_by_lengths: is_framed_by_lengths(payload) }
}

/// The packets of a payload; made by [`decode`].
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    payload: &'a str,
    /// Where the next packet begins; `None` at the end.
    next: Option<usize>,
    framed_by_lengths: bool,
}

impl<'a> Packets<'a> {
    /// Where the next packet stands in the payload, separator excluded; `None` at the end.
    #[must_use]
    pub fn next_range(&self) -> Option<Range<usize>> {
        let start = self.next?;
        let rest = self.payload.get(start..)?;
        let end = rest.find(SEPARATOR).map_or(self.payload.len(), |at| start + at);
        Some(start..end)
    }

    /// Reads the packet of `range`.
    fn read(&self, range: Range<usize>) -> Result<Packet<'a>, WireError> {
        let offset = range.start;
        let text = self.payload.get(range).unwrap_or_default();
        if let Some(base64) = text.strip_prefix('b') {
            return decode_base64(base64, offset + 1);
        }
        match Packet::decode_text_at(text, offset) {
            Ok(message @ Packet::Text { kind: Kind::Message, .. }) => Ok(message),
            _ if self.framed_by_lengths => Err(framed_by_lengths(self.payload)),
            read => read,
        }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let range = self.next_range()?;
        let behind = range.end + SEPARATOR.len_utf8();
        self.next = (behind <= self.payload.len()).then_some(behind);
        Some(self.read(range))
    }
}

/// Appends a packet to a payload, with a separator if it is not the first.
pub fn push(packet: &Packet<'_>, payload: &mut String) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
    match packet {
        Packet::Text { kind, data } => encode_text(*kind, data, payload),
        Packet::Binary(bytes) => {
            payload.push('b');
            BASE64.encode_string(bytes, payload);
        }
    }
}

/// How many bytes [`push`] appends at most, the separator included.
#[must_use]
pub fn pushed_len(packet: &Packet<'_>) -> usize {
    match packet {
        Packet::Text { data, .. } => data.len().saturating_add(2),
        Packet::Binary(bytes) => {
            base64::encoded_len(bytes.len(), true).unwrap_or(usize::MAX).saturating_add(2)
        }
    }
}

/// Whether the whole payload reads as Engine.IO 3: `<length in UTF-16 units>:<packet>`, repeated.
#[must_use]
pub fn is_framed_by_lengths(payload: &str) -> bool {
    let mut rest = payload;
    loop {
        let Some(behind) = behind_one_length_frame(rest) else {
            return false;
        };
        if behind.is_empty() {
            return true;
        }
        rest = behind;
    }
}

/// The error for a payload that [`is_framed_by_lengths`].
pub(super) fn framed_by_lengths(payload: &str) -> WireError {
    WireError::EngineIo3 { sign: EngineIo3Sign::LengthPrefix, piece: piece(payload) }
}

/// What stands behind the first Engine.IO 3 frame of `text`, if it begins with one.
fn behind_one_length_frame(text: &str) -> Option<&str> {
    let colon = text.bytes().take(LENGTH_DIGITS_MAX + 1).position(|byte| byte == b':')?;
    let length: usize = text.get(..colon)?.parse().ok()?;
    let packet = text.get(colon + 1..)?;
    if length == 0 || !packet.starts_with(['0', '1', '2', '3', '4', '5', '6', 'b']) {
        return None;
    }
    let mut units = 0;
    for (at, character) in packet.char_indices() {
        if units == length {
            return packet.get(at..);
        }
        units += character.len_utf16();
    }
    (units == length).then_some("")
}

/// Whether a body begins as a binary Engine.IO 3 payload: `0` or `1`, digits as bytes, `255`.
fn has_binary_length_prefix(body: &[u8]) -> bool {
    let Some((0 | 1, rest)) = body.split_first() else {
        return false;
    };
    let digits = rest.iter().take(LENGTH_DIGITS_MAX).take_while(|byte| **byte <= 9).count();
    digits > 0 && rest.get(digits) == Some(&0xff)
}

/// Reads the base64 of a binary message that stands at `offset`.
fn decode_base64<'a>(base64: &str, offset: usize) -> Result<Packet<'a>, WireError> {
    match BASE64.decode(base64) {
        Ok(bytes) => Ok(Packet::Binary(Cow::Owned(bytes))),
        Err(_) => Err(WireError::NotBase64 { offset, piece: piece(base64) }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payload_of(packets: &[Packet<'_>]) -> String {
        let mut payload = String::new();
        for packet in packets {
            push(packet, &mut payload);
        }
        payload
    }

    /// The examples of the protocol's document, "Packet encoding: HTTP long-polling".
    #[test]
    fn reads_and_writes_the_examples_of_the_document() {
        let ping = Packet::bare(Kind::Ping);
        for (payload, packets) in [
            (
                "4hello\x1e2\x1e4world",
                vec![Packet::message("hello"), ping, Packet::message("world")],
            ),
            ("4hello\x1ebAQIDBA==", vec![Packet::message("hello"), Packet::binary(&[1, 2, 3, 4])]),
            ("4hello\x1e4€€€", vec![Packet::message("hello"), Packet::message("€€€")]),
            ("4hello", vec![Packet::message("hello")]),
            ("6", vec![Packet::bare(Kind::Noop)]),
        ] {
            let read: Result<Vec<_>, _> = decode(payload).collect();
            assert_eq!(read.as_ref(), Ok(&packets), "{payload}");
            assert_eq!(payload_of(&packets), payload);
        }
    }

    #[test]
    fn base64_without_padding_is_read() {
        assert_eq!(decode("bAQIDBA").next(), Some(Ok(Packet::binary(&[1, 2, 3, 4]))));
    }

    #[test]
    fn one_bad_packet_does_not_hide_the_others() {
        let read: Vec<_> = decode("4a\x1eabc\x1e\x1eb!\x1e4z").collect();
        assert_eq!(read.len(), 5);
        assert_eq!(read[0], Ok(Packet::message("a")));
        assert!(matches!(read[1], Err(WireError::UnknownEngineIoType { offset: 3, .. })));
        assert_eq!(read[2], Err(WireError::Empty { offset: 7 }));
        assert!(matches!(read[3], Err(WireError::NotBase64 { offset: 9, .. })));
        assert_eq!(read[4], Ok(Packet::message("z")));
        assert_eq!(decode("").collect::<Vec<_>>(), [Err(WireError::Empty { offset: 0 })]);
    }

    #[test]
    fn engine_io_3_is_recognised() {
        let open =
            r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000}"#;
        let framed = format!("{}:{open}", open.len());
        for payload in [framed.as_str(), "1:3", "1:6", "2:3a1:6"] {
            let first = decode(payload).next();
            assert!(
                matches!(
                    first,
                    Some(Err(WireError::EngineIo3 { sign: EngineIo3Sign::LengthPrefix, .. }))
                ),
                "{payload}: {first:?}"
            );
        }
        assert!(is_framed_by_lengths("6:4hello2:4€"));
        assert!(is_framed_by_lengths("6:4hello9:bAQIDBA=="));
        assert!(!is_framed_by_lengths("6:4hello2:4€4"));
        let body = b"\x00\x06\xff4hello\x01\x04\xff\x04\x01\x02\x03";
        assert!(matches!(
            text_of(body),
            Err(WireError::EngineIo3 { sign: EngineIo3Sign::BinaryLengthPrefix, .. })
        ));
    }

    #[test]
    fn a_message_that_only_looks_like_a_length_is_a_message() {
        assert_eq!(decode("4:4abc").next(), Some(Ok(Packet::message(":4abc"))));
    }

    #[test]
    fn a_body_that_is_no_text_says_where() {
        assert!(matches!(text_of(b"4ab\xff"), Err(WireError::NotUtf8 { offset: 3, .. })));
        assert_eq!(text_of("4€".as_bytes()), Ok("4€"));
    }

    fn owned_packet() -> impl Strategy<Value = (Option<Kind>, String, Vec<u8>)> {
        let kind = prop::option::of(prop::sample::select(&Kind::ALL[..]));
        (kind, "[^\u{1e}:]*", prop::collection::vec(any::<u8>(), 0..40))
    }

    proptest! {
        #[test]
        fn payloads_come_back(owned in prop::collection::vec(owned_packet(), 1..8)) {
            let packets: Vec<_> = owned
                .iter()
                .map(|(kind, text, bytes)| match kind {
                    Some(kind) => Packet::Text { kind: *kind, data: text },
                    None => Packet::binary(bytes),
                })
                .collect();
            let payload = payload_of(&packets);
            let bound: usize = packets.iter().map(pushed_len).sum();
            prop_assert!(payload.len() <= bound);
            let read: Result<Vec<_>, _> = decode(&payload).collect();
            prop_assert_eq!(read, Ok(packets));
        }

        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(text) = text_of(&body) {
                decode(text).for_each(drop);
            }
        }

        #[test]
        fn no_payload_makes_it_panic(payload in "[0-9b:{\u{1e}€a]*") {
            let packets = decode(&payload).count();
            prop_assert_eq!(packets, payload.matches(SEPARATOR).count() + 1);
            let _ = is_framed_by_lengths(&payload);
        }
    }
}
