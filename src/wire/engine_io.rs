//! One Engine.IO 4 packet: a type digit and its data, or the raw bytes of a binary message.
//!
//! On a WebSocket each packet is a frame of its own: `4hello` in a text frame, a binary message in a
//! binary frame without any prefix. In an HTTP body see [`super::polling`].

use std::borrow::Cow;

use super::error::{WireError, piece};

/// The types of Engine.IO packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `0`: the server opens a session; the data is the handshake.
    Open,
    /// `1`: the session ends.
    Close,
    /// `2`: a heartbeat from the server, or the client's `probe` of a new transport.
    Ping,
    /// `3`: the answer to a ping, with the same data.
    Pong,
    /// `4`: data for the layer above.
    Message,
    /// `5`: the client moves to the probed transport.
    Upgrade,
    /// `6`: nothing; ends a poll that waits.
    Noop,
}

impl Kind {
    /// All types, in the order of their digits.
    pub const ALL: [Kind; 7] =
        [Kind::Open, Kind::Close, Kind::Ping, Kind::Pong, Kind::Message, Kind::Upgrade, Kind::Noop];

    /// The digit on the wire.
    #[must_use]
    pub fn digit(self) -> char {
        match self {
            Kind::Open => '0',
            Kind::Close => '1',
            Kind::Ping => '2',
            Kind::Pong => '3',
            Kind::Message => '4',
            Kind::Upgrade => '5',
            Kind::Noop => '6',
        }
    }

    /// The type of a digit; `None` for anything but `0` to `6`.
    #[must_use]
    pub fn of_digit(digit: u8) -> Option<Kind> {
        let index = digit.checked_sub(b'0')?;
        Kind::ALL.get(usize::from(index)).copied()
    }
}

/// One Engine.IO packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A packet of text: its type and what follows the digit.
    Text {
        /// The packet's type.
        kind: Kind,
        /// What follows the digit; most types have nothing here.
        data: &'a str,
    },
    /// A message of bytes; borrowed from a frame, owned where it was base64.
    Binary(Cow<'a, [u8]>),
}

/// One packet as a WebSocket frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The content of a text frame.
    Text(String),
    /// The content of a binary frame.
    Binary(&'a [u8]),
}

impl<'a> Packet<'a> {
    /// A text message, `4…`.
    #[must_use]
    pub fn message(data: &'a str) -> Self {
        Packet::Text { kind: Kind::Message, data }
    }

    /// A packet of this type without data.
    #[must_use]
    pub fn bare(kind: Kind) -> Self {
        Packet::Text { kind, data: "" }
    }

    /// A binary message.
    #[must_use]
    pub fn binary(data: &'a [u8]) -> Self {
        Packet::Binary(Cow::Borrowed(data))
    }

    /// Reads the content of a text frame.
    ///
    /// # Errors
    /// [`WireError::Empty`] and [`WireError::UnknownEngineIoType`].
    pub fn decode_text(frame: &'a str) -> Result<Self, WireError> {
        Self::decode_text_at(frame, 0)
    }

    /// Reads the content of a binary frame, which is always a message.
    #[must_use]
    pub fn decode_binary(frame: &'a [u8]) -> Self {
        Packet::Binary(Cow::Borrowed(frame))
    }

    /// The packet as one WebSocket frame.
    #[must_use]
    pub fn frame(&'a self) -> Frame<'a> {
        match self {
            Packet::Text { kind, data } => {
                let mut text = String::with_capacity(1 + data.len());
                encode_text(*kind, data, &mut text);
                Frame::Text(text)
            }
            Packet::Binary(bytes) => Frame::Binary(bytes),
        }
    }

    /// Reads a text packet that stands at `offset` of something larger.
    pub(super) fn decode_text_at(text: &'a str, offset: usize) -> Result<Self, WireError> {
        let Some(&digit) = text.as_bytes().first() else {
            return Err(WireError::Empty { offset });
        };
        match (Kind::of_digit(digit), text.get(1..)) {
            (Some(kind), Some(data)) => Ok(Packet::Text { kind, data }),
            _ => Err(WireError::UnknownEngineIoType { offset, piece: piece(text) }),
        }
    }
}

/// Appends a text packet to `out`: the digit, then the data.
pub fn encode_text(kind: Kind, data: &str, out: &mut String) {
    out.push(kind.digit());
    out.push_str(data);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_type_has_its_digit() {
        let digits: String = Kind::ALL.iter().map(|kind| kind.digit()).collect();
        assert_eq!(digits, "0123456");
        for kind in Kind::ALL {
            assert_eq!(Kind::of_digit(kind.digit() as u8), Some(kind));
        }
        assert_eq!(Kind::of_digit(b'7'), None);
        assert_eq!(Kind::of_digit(b'/'), None);
    }

    /// The examples of the protocol's document, "Heartbeat", "Upgrade" and "Message".
    #[test]
    fn reads_the_examples_of_the_document() {
        let text = |kind, data| Ok(Packet::Text { kind, data });
        for (frame, expected) in [
            ("2", text(Kind::Ping, "")),
            ("3", text(Kind::Pong, "")),
            ("2probe", text(Kind::Ping, "probe")),
            ("3probe", text(Kind::Pong, "probe")),
            ("5", text(Kind::Upgrade, "")),
            ("6", text(Kind::Noop, "")),
            ("1", text(Kind::Close, "")),
            ("4hello", text(Kind::Message, "hello")),
            ("4€€€", text(Kind::Message, "€€€")),
            ("4", text(Kind::Message, "")),
        ] {
            assert_eq!(Packet::decode_text(frame), expected, "{frame}");
            let packet = Packet::decode_text(frame).unwrap();
            assert_eq!(packet.frame(), Frame::Text(frame.to_owned()));
        }
        assert_eq!(Packet::binary(&[1, 2, 3, 4]).frame(), Frame::Binary(&[1, 2, 3, 4]));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(Packet::decode_text(""), Err(WireError::Empty { offset: 0 }));
        for wrong in ["abc", "9", "€", "b", " 4", "\u{1e}"] {
            let error = Packet::decode_text(wrong).unwrap_err();
            assert!(matches!(error, WireError::UnknownEngineIoType { offset: 0, .. }), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn text_comes_back(kind in prop::sample::select(&Kind::ALL[..]), data in ".*") {
            let packet = Packet::Text { kind, data: &data };
            let Frame::Text(frame) = packet.frame() else { panic!("not text") };
            prop_assert_eq!(Packet::decode_text(&frame), Ok(packet));
        }

        #[test]
        fn bytes_come_back(data in prop::collection::vec(any::<u8>(), 0..64)) {
            let packet = Packet::binary(&data);
            let Frame::Binary(frame) = packet.frame() else { panic!("not binary") };
            prop_assert_eq!(Packet::decode_binary(frame), Packet::binary(&data));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Packet::decode_text(&text);
        }
    }
}
