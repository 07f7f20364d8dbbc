//! WebSocket frames by hand: the wrong ones that no library would send, and any as it was received.

/// The opcodes that tests of servers need; any other value from 0 to 15 can be written too.
pub mod opcode {
    /// A further piece of a message.
    pub const CONTINUE: u8 = 0;
    /// A text message, or its first piece.
    pub const TEXT: u8 = 1;
    /// A binary message, or its first piece.
    pub const BINARY: u8 = 2;
    /// A data opcode that the protocol reserves.
    pub const RESERVED_DATA: u8 = 3;
    /// A close frame.
    pub const CLOSE: u8 = 8;
    /// A ping.
    pub const PING: u8 = 9;
    /// The answer to a ping.
    pub const PONG: u8 = 10;
    /// A control opcode that the protocol reserves.
    pub const RESERVED_CONTROL: u8 = 11;
}

/// One frame, right or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFrame<'a> {
    /// The opcode, of which four bits count.
    pub opcode: u8,
    /// Whether the message ends here.
    pub last: bool,
    /// The three reserved bits, of which none is allowed without an extension.
    pub reserved_bits: u8,
    /// The key that masks the payload; a client must mask.
    pub mask: Option<[u8; 4]>,
    /// The payload, unmasked.
    pub payload: &'a [u8],
}

impl<'a> RawFrame<'a> {
    /// A correct text frame, to be made wrong by changing a field.
    #[must_use]
    pub fn text(payload: &'a [u8]) -> Self {
        let mask = Some([0x37, 0xfa, 0x21, 0x3d]);
        RawFrame { opcode: opcode::TEXT, last: true, reserved_bits: 0, mask, payload }
    }

    /// The bytes of the frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.payload.len() + 14);
        let last = if self.last { 0x80 } else { 0 };
        out.push(last | (self.reserved_bits & 7) << 4 | self.opcode & 0x0f);
        self.encode_length(&mut out);
        match self.mask {
            None => out.extend_from_slice(self.payload),
            Some(mask) => {
                out.extend_from_slice(&mask);
                let masked = self.payload.iter().zip(mask.iter().cycle());
                out.extend(masked.map(|(byte, key)| byte ^ key));
            }
        }
        out
    }

    /// The first bytes of the frame: its header whole, its payload cut in half.
    #[must_use]
    pub fn encode_half(&self) -> Vec<u8> {
        let mut out = self.encode();
        out.truncate(out.len() - self.payload.len().div_ceil(2));
        out
    }

    /// The frame as if it had so many bytes, most of which never come.
    #[must_use]
    pub fn encode_announcing(&self, length: u64) -> Vec<u8> {
        let whole = self.encode();
        let header = whole.len() - self.payload.len() - self.mask.map_or(0, |mask| mask.len());
        let mut out = vec![whole[0], whole[1] | 0x7f];
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&whole[header..]);
        out
    }

    fn encode_length(&self, out: &mut Vec<u8>) {
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        let length = self.payload.len();
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(length @ 0..=125), _) => out.push(masked | length),
            (_, Ok(length)) => {
                out.push(masked | 126);
                out.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                out.push(masked | 127);
                out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
    }
}

/// One frame as it was received, right or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The opcode.
    pub opcode: u8,
    /// Whether the message ends here.
    pub last: bool,
    /// The three reserved bits.
    pub reserved_bits: u8,
    /// Whether the payload was masked.
    pub masked: bool,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Reads the first frame of `bytes` and says how many of them it took; `None` while it is not
    /// complete. Whoever gathers the bytes limits them.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (length, rest) = match second & 0x7f {
            126 => rest.split_first_chunk().map(|(b, rest)| (u16::from_be_bytes(*b).into(), rest)),
            127 => rest.split_first_chunk().map(|(b, rest)| (u64::from_be_bytes(*b), rest)),
            short => Some((short.into(), rest)),
        }?;
        let masked = second & 0x80 != 0;
        let (mask, rest) = if masked { rest.split_first_chunk::<4>()? } else { (&[0; 4], rest) };
        let payload = rest.get(..usize::try_from(length).ok()?)?;
        let taken = bytes.len() - rest.len() + payload.len();
        let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key);
        let frame = Self {
            opcode: first & 0x0f,
            last: first & 0x80 != 0,
            reserved_bits: first >> 4 & 7,
            masked,
            payload: payload.collect(),
        };
        Some((frame, taken))
    }

    /// Whether it is a close, a ping, a pong or another control frame.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.opcode >= opcode::CLOSE
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            payload in prop::collection::vec(any::<u8>(), 0..70_000),
            opcode in 0_u8..16,
            last: bool,
            reserved_bits in 0_u8..8,
            mask: Option<[u8; 4]>,
        ) {
            let raw = RawFrame { opcode, last, reserved_bits, mask, payload: &payload };
            let bytes = raw.encode();
            prop_assert_eq!(Frame::decode(&bytes[..bytes.len() - 1]), None);
            let masked = mask.is_some();
            let payload = payload.clone();
            let frame = Frame { opcode, last, reserved_bits, masked, payload };
            prop_assert_eq!(Frame::decode(&bytes), Some((frame, bytes.len())));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let _ = Frame::decode(&bytes);
        }
    }

    /// The examples of RFC 6455, section 5.7.
    #[test]
    fn writes_the_examples_of_the_rfc() {
        let hello = RawFrame::text(b"Hello");
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(hello.encode(), masked);
        let bare = RawFrame { mask: None, ..hello };
        assert_eq!(bare.encode(), [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        let first = RawFrame { last: false, payload: b"Hel", ..bare };
        assert_eq!(first.encode(), [0x01, 0x03, 0x48, 0x65, 0x6c]);
        let medium = RawFrame { opcode: opcode::BINARY, payload: &[0; 256], ..bare };
        assert_eq!(medium.encode()[..4], [0x82, 0x7e, 0x01, 0x00]);
        let great = RawFrame { opcode: opcode::BINARY, payload: &[0; 65536], ..bare };
        assert_eq!(great.encode()[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(hello.encode_half(), masked[..8]);
    }
}
