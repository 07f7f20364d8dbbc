//! What can be wrong with a packet: the kind of mistake, where, and the offending piece.

use std::error::Error;
use std::fmt;

/// The longest piece of a packet that an error quotes, in characters.
const PIECE_CHARS_MAX: usize = 48;

/// A packet, a payload or a handshake that is not what the protocol says.
///
/// `offset` counts bytes from the start of the text or body that was decoded; `piece` is what stood
/// there, cut to a few dozen characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireError {
    /// Nothing stands where a packet was expected.
    Empty {
        /// Where the packet should have begun.
        offset: usize,
    },
    /// The first character is no packet type of Engine.IO (`0` to `6`, `b` in a payload).
    UnknownEngineIoType {
        /// Where the packet begins.
        offset: usize,
        /// The packet's beginning.
        piece: String,
    },
    /// The first character is no packet type of Socket.IO (`0` to `6`).
    UnknownSocketIoType {
        /// Where the packet begins.
        offset: usize,
        /// The packet's beginning.
        piece: String,
    },
    /// A body that must be text is not UTF-8.
    NotUtf8 {
        /// The first byte that does not fit.
        offset: usize,
        /// The bytes around it, escaped.
        piece: String,
    },
    /// A binary packet of a payload is not base64.
    NotBase64 {
        /// Where the base64 begins.
        offset: usize,
        /// Its beginning.
        piece: String,
    },
    /// The open packet is not the JSON object that a handshake needs.
    BadHandshake {
        /// Where it goes wrong.
        offset: usize,
        /// The open packet's beginning.
        piece: String,
        /// What is missing or of the wrong type.
        reason: String,
    },
    /// A binary packet without a well formed `<count>-`.
    BadAttachmentCount {
        /// Where the count should stand.
        offset: usize,
        /// What stands there.
        piece: String,
    },
    /// An acknowledgement id that does not fit into 64 bits.
    BadAckId {
        /// Where the id begins.
        offset: usize,
        /// Its digits.
        piece: String,
    },
    /// An ACK or BINARY_ACK that does not say what it acknowledges.
    AckWithoutId {
        /// Where the id should stand.
        offset: usize,
    },
    /// The payload is missing, or is not of the form that its packet type asks for.
    BadPayload {
        /// Where the payload begins.
        offset: usize,
        /// Its beginning.
        piece: String,
        /// What the packet type asks for.
        expected: &'static str,
    },
    /// The other side speaks Engine.IO 3 (Socket.IO 2 and older), which this codec does not.
    EngineIo3 {
        /// What gives it away.
        sign: EngineIo3Sign,
        /// The piece that shows it.
        piece: String,
    },
    /// A text packet arrived while a binary packet still waited for attachments.
    TextInsideBinary {
        /// Attachments that have arrived.
        arrived: usize,
        /// Attachments that were announced.
        announced: usize,
        /// The intruding packet's beginning; empty where the caller's text is not known.
        piece: String,
    },
    /// A binary message arrived that no packet announced.
    UnannouncedAttachment {
        /// Its size in bytes.
        bytes: usize,
    },
    /// The connection ended while a binary packet still waited for attachments.
    AttachmentsMissing {
        /// Attachments that have arrived.
        arrived: usize,
        /// Attachments that were announced.
        announced: usize,
    },
    /// A packet announces more attachments than the limit allows.
    TooManyAttachments {
        /// Attachments that were announced.
        announced: usize,
        /// The limit.
        limit: usize,
    },
    /// The attachments of one packet, or the text they are substituted into, pass the limit.
    TooManyBytes {
        /// Bytes there would be.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A placeholder names an attachment that there is none of.
    PlaceholderOutOfRange {
        /// Where the placeholder stands.
        offset: usize,
        /// The number it names.
        number: u64,
        /// Attachments that there are.
        attachments: usize,
    },
}

/// What gives an Engine.IO 3 server away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineIo3Sign {
    /// A payload framed by lengths: `96:0{"sid":…`.
    LengthPrefix,
    /// A payload framed by binary lengths: `00 09 06 ff …`.
    BinaryLengthPrefix,
    /// An HTTP error that speaks of an unsupported protocol version.
    VersionRefused,
    /// A CONNECT without a session id, which Socket.IO 2 sends before it is asked.
    ConnectWithoutSid,
}

impl fmt::Display for EngineIo3Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EngineIo3Sign::LengthPrefix => "a payload framed by lengths",
            EngineIo3Sign::BinaryLengthPrefix => "a payload framed by binary lengths",
            EngineIo3Sign::VersionRefused => "an error about the protocol version",
            EngineIo3Sign::ConnectWithoutSid => "a CONNECT without a session id",
        })
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Empty { offset } => write!(f, "empty packet at byte {offset}"),
            WireError::UnknownEngineIoType { offset, piece } => {
                write!(f, "unknown Engine.IO packet type at byte {offset}: `{piece}`")
            }
            WireError::UnknownSocketIoType { offset, piece } => {
                write!(f, "unknown Socket.IO packet type at byte {offset}: `{piece}`")
            }
            WireError::NotUtf8 { offset, piece } => {
                write!(f, "text is not UTF-8 at byte {offset}: `{piece}`")
            }
            WireError::NotBase64 { offset, piece } => {
                write!(f, "binary packet is not base64 at byte {offset}: `{piece}`")
            }
            WireError::BadHandshake { offset, piece, reason } => {
                write!(f, "bad open packet at byte {offset}: {reason}: `{piece}`")
            }
            WireError::BadAttachmentCount { offset, piece } => {
                write!(f, "bad attachment count at byte {offset}: `{piece}`")
            }
            WireError::BadAckId { offset, piece } => {
                write!(f, "acknowledgement id out of range at byte {offset}: `{piece}`")
            }
            WireError::AckWithoutId { offset } => {
                write!(f, "acknowledgement without an id at byte {offset}")
            }
            WireError::BadPayload { offset, piece, expected } => {
                write!(f, "payload at byte {offset} is not {expected}: `{piece}`")
            }
            WireError::EngineIo3 { sign, piece } => {
                write!(f, "the server speaks Engine.IO 3, shown by {sign}: `{piece}`")
            }
            _ => self.fmt_attachments(f),
        }
    }
}

impl WireError {
    /// The sentences about binary attachments.
    fn fmt_attachments(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::TextInsideBinary { arrived, announced, piece } => write!(
                f,
                "text packet after {arrived} of {announced} attachments of a binary packet: \
                 `{piece}`"
            ),
            WireError::UnannouncedAttachment { bytes } => {
                write!(f, "binary message of {bytes} bytes that no packet announced")
            }
            WireError::AttachmentsMissing { arrived, announced } => {
                write!(f, "ended after {arrived} of {announced} attachments of a binary packet")
            }
            WireError::TooManyAttachments { announced, limit } => {
                write!(f, "{announced} attachments announced, the limit is {limit}")
            }
            WireError::TooManyBytes { bytes, limit } => {
                write!(f, "attachments of {bytes} bytes, the limit is {limit} bytes")
            }
            WireError::PlaceholderOutOfRange { offset, number, attachments } => {
                write!(f, "placeholder at byte {offset} names attachment {number} of {attachments}")
            }
            _ => Ok(()),
        }
    }
}

impl Error for WireError {}

/// The beginning of `text`, short enough to print.
pub(crate) fn piece(text: &str) -> String {
    let mut end = text.char_indices().map(|(at, _)| at).skip(PIECE_CHARS_MAX);
    match end.next() {
        Some(end) => format!("{}…", text.get(..end).unwrap_or_default().escape_debug()),
        None => text.escape_debug().to_string(),
    }
}

/// The beginning of `bytes`, escaped, short enough to print.
pub(crate) fn piece_of_bytes(bytes: &[u8]) -> String {
    let shown = bytes.get(..PIECE_CHARS_MAX).unwrap_or(bytes);
    let dots = if shown.len() < bytes.len() { "…" } else { "" };
    format!("{}{dots}", shown.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_short_and_printable() {
        assert_eq!(piece("4\u{1e}€"), "4\\u{1e}€");
        assert_eq!(piece(&"€".repeat(60)).chars().count(), PIECE_CHARS_MAX + 1);
        assert_eq!(piece_of_bytes(&[0, 9, 0xff]), "\\x00\\t\\xff");
        assert!(piece_of_bytes(&[b'a'; 60]).ends_with("a…"));
    }

    #[test]
    fn messages_are_lowercase_fragments_with_the_piece_in_backticks() {
        let error = WireError::UnknownEngineIoType { offset: 6, piece: "9x".into() };
        assert_eq!(error.to_string(), "unknown Engine.IO packet type at byte 6: `9x`");
        let error = WireError::TextInsideBinary { arrived: 1, announced: 2, piece: "2[]".into() };
        assert_eq!(
            error.to_string(),
            "text packet after 1 of 2 attachments of a binary packet: `2[]`"
        );
    }
}
