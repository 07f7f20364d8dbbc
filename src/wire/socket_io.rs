//! One Socket.IO 5 packet: what stands inside an Engine.IO message.
//!
//! `<type>[<attachments>-][<namespace>,][<ack id>][<payload>]`, as in `51-/admin,7["file",…]`.
//! The payload stays the text that it was; only its brackets are looked at.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use super::error::{EngineIo3Sign, WireError, piece};

/// The namespace that is not written on the wire.
pub const MAIN_NAMESPACE: &str = "/";

/// The types of Socket.IO packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `0`: asks for a namespace (with the auth payload), or grants it (with the socket's id).
    Connect,
    /// `1`: leaves a namespace.
    Disconnect,
    /// `2`: an event: a JSON array, its name first.
    Event,
    /// `3`: the answer to an event that asked for one: a JSON array.
    Ack,
    /// `4`: the namespace is refused; a JSON object or string says why.
    ConnectError,
    /// `5`: an event with attachments.
    BinaryEvent,
    /// `6`: an answer with attachments.
    BinaryAck,
}

impl Kind {
    /// All types, in the order of their digits.
    pub const ALL: [Kind; 7] = [
        Kind::Connect,
        Kind::Disconnect,
        Kind::Event,
        Kind::Ack,
        Kind::ConnectError,
        Kind::BinaryEvent,
        Kind::BinaryAck,
    ];

    /// The digit on the wire.
    #[must_use]
    pub fn digit(self) -> char {
        match self {
            Kind::Connect => '0',
            Kind::Disconnect => '1',
            Kind::Event => '2',
            Kind::Ack => '3',
            Kind::ConnectError => '4',
            Kind::BinaryEvent => '5',
            Kind::BinaryAck => '6',
        }
    }

    /// The type of a digit; `None` for anything but `0` to `6`.
    #[must_use]
    pub fn of_digit(digit: u8) -> Option<Kind> {
        let index = digit.checked_sub(b'0')?;
        Kind::ALL.get(usize::from(index)).copied()
    }

    /// Whether the packet carries an event, with or without attachments.
    #[must_use]
    pub fn is_event(self) -> bool {
        matches!(self, Kind::Event | Kind::BinaryEvent)
    }

    /// Whether the packet answers an event, with or without attachments.
    #[must_use]
    pub fn is_ack(self) -> bool {
        matches!(self, Kind::Ack | Kind::BinaryAck)
    }

    /// Whether the packet announces attachments.
    #[must_use]
    pub fn is_binary(self) -> bool {
        matches!(self, Kind::BinaryEvent | Kind::BinaryAck)
    }
}

/// One Socket.IO packet, borrowed from the text it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The packet's type.
    pub kind: Kind,
    /// The namespace, `/` unless the packet names one.
    pub namespace: &'a str,
    /// The id that asks for an answer, or that is answered.
    pub ack: Option<u64>,
    /// How many binary messages follow.
    pub attachments: usize,
    /// The payload: JSON text, empty where there is none.
    pub data: &'a str,
}

impl<'a> Packet<'a> {
    /// A packet of the main namespace, without id, attachments and payload.
    #[must_use]
    pub fn bare(kind: Kind) -> Self {
        Packet { kind, namespace: MAIN_NAMESPACE, ack: None, attachments: 0, data: "" }
    }

    /// Reads the data of an Engine.IO message.
    ///
    /// The payload is only looked at from outside: an event must be a non-empty array, and so on.
    /// That it is JSON is for whoever reads it to find out.
    ///
    /// # Errors
    /// Which part of the packet is not of the form the protocol asks for.
    pub fn decode(text: &'a str) -> Result<Self, WireError> {
        Layout::read(text).map(|layout| layout.packet(text))
    }

    /// Appends the packet to `out`, without the Engine.IO digit.
    ///
    /// What is written is what is said, right or wrong: a harness must be able to send nonsense.
    /// See [`can_be_sent`] for the namespaces that come back as they went.
    pub fn encode(&self, out: &mut String) {
        out.push(self.kind.digit());
        if self.kind.is_binary() {
            let _ = write!(out, "{}-", self.attachments);
        }
        if self.namespace != MAIN_NAMESPACE {
            out.push_str(self.namespace);
            out.push(',');
        }
        if let Some(id) = self.ack {
            let _ = write!(out, "{id}");
        }
        out.push_str(self.data);
    }

    /// The name of an event, unescaped; `None` if it is no event or has no name of text.
    #[must_use]
    pub fn event_name(&self) -> Option<Cow<'a, str>> {
        if !self.kind.is_event() {
            return None;
        }
        if let Some(name) = simple_name(self.data) {
            return Some(Cow::Borrowed(name));
        }
        let rest = self.data.trim_start().strip_prefix('[')?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        values.next()?.ok().map(Cow::Owned)
    }

    /// The namespace without a query, which older clients and servers append: `/admin?token=1`.
    #[must_use]
    pub fn namespace_path(&self) -> &'a str {
        self.namespace.split('?').next().unwrap_or_default()
    }

    /// Whether this is how Socket.IO 2 grants a namespace: CONNECT without a session id.
    ///
    /// # Errors
    /// [`WireError::EngineIo3`] if so.
    pub fn check_granted(&self) -> Result<(), WireError> {
        if self.kind == Kind::Connect && self.data.is_empty() {
            let sign = EngineIo3Sign::ConnectWithoutSid;
            return Err(WireError::EngineIo3 { sign, piece: piece(self.namespace) });
        }
        Ok(())
    }

    /// Checks the form of the payload, which begins at `offset`, and the presence of the id.
    fn check(&self, offset: usize) -> Result<(), WireError> {
        if self.kind.is_ack() && self.ack.is_none() {
            return Err(WireError::AckWithoutId { offset });
        }
        let data = self.data.trim();
        let array = data.len() >= 2 && data.starts_with('[') && data.ends_with(']');
        let (fits, expected) = match self.kind {
            Kind::Connect => (data.is_empty() || is_object(data), "nothing or an object"),
            Kind::Disconnect => (data.is_empty(), "empty"),
            Kind::ConnectError => {
                (data.is_empty() || is_object(data) || is_string(data), "an object or a string")
            }
            Kind::Event | Kind::BinaryEvent => (array && !is_empty_array(data), "a filled array"),
            Kind::Ack | Kind::BinaryAck => (array, "an array"),
        };
        if fits {
            return Ok(());
        }
        Err(WireError::BadPayload { offset, piece: piece(self.data), expected })
    }
}

/// Where the parts of a packet stand in its text: a [`Packet`] that borrows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The packet's type.
    pub kind: Kind,
    /// The id that asks for an answer, or that is answered.
    pub ack: Option<u64>,
    /// How many binary messages follow.
    pub attachments: usize,
    /// Where the namespace stands, in bytes; `None` where the packet names none.
    namespace: Option<Range<usize>>,
    /// Where the payload begins, in bytes.
    data_start: usize,
}

impl Layout {
    /// Reads the data of an Engine.IO message; see [`Packet::decode`].
    ///
    /// # Errors
    /// Which part of the packet is not of the form the protocol asks for.
    pub fn read(text: &str) -> Result<Self, WireError> {
        let layout = Self::read_unchecked(text)?;
        layout.packet(text).check(layout.data_start)?;
        Ok(layout)
    }

    /// The packet, borrowed from the text that the layout was read from.
    #[must_use]
    pub fn packet<'a>(&self, text: &'a str) -> Packet<'a> {
        let namespace = self.namespace.clone().and_then(|range| text.get(range));
        Packet {
            kind: self.kind,
            namespace: namespace.unwrap_or(MAIN_NAMESPACE),
            ack: self.ack,
            attachments: self.attachments,
            data: text.get(self.data_start..).unwrap_or_default(),
        }
    }

    /// Reads all but the payload.
    fn read_unchecked(text: &str) -> Result<Self, WireError> {
        let Some(&digit) = text.as_bytes().first() else {
            return Err(WireError::Empty { offset: 0 });
        };
        let kind = Kind::of_digit(digit)
            .ok_or_else(|| WireError::UnknownSocketIoType { offset: 0, piece: piece(text) })?;
        let mut at = 1;
        let attachments = if kind.is_binary() { attachments_at(text, &mut at)? } else { 0 };
        let namespace = namespace_at(text, &mut at);
        let ack = ack_at(text, &mut at)?;
        Ok(Layout { kind, ack, attachments, namespace, data_start: at })
    }
}

/// Reads `<count>-` and moves behind it.
fn attachments_at(text: &str, at: &mut usize) -> Result<usize, WireError> {
    let rest = text.get(*at..).unwrap_or_default();
    let digits = digits_of(rest);
    let count = digits.parse().ok().filter(|_| rest.as_bytes().get(digits.len()) == Some(&b'-'));
    let count =
        count.ok_or_else(|| WireError::BadAttachmentCount { offset: *at, piece: piece(rest) })?;
    *at += digits.len() + 1;
    Ok(count)
}

/// Reads `/namespace,` and moves behind it; without a comma it takes the rest, as JavaScript does.
fn namespace_at(text: &str, at: &mut usize) -> Option<Range<usize>> {
    let rest = text.get(*at..).unwrap_or_default();
    if !rest.starts_with('/') {
        return None;
    }
    let start = *at;
    let length = rest.find(',').unwrap_or(rest.len());
    *at += (length + 1).min(rest.len());
    Some(start..start + length)
}

/// Reads the digits of an acknowledgement id and moves behind them.
fn ack_at(text: &str, at: &mut usize) -> Result<Option<u64>, WireError> {
    let digits = digits_of(text.get(*at..).unwrap_or_default());
    if digits.is_empty() {
        return Ok(None);
    }
    let id =
        digits.parse().map_err(|_| WireError::BadAckId { offset: *at, piece: piece(digits) })?;
    *at += digits.len();
    Ok(Some(id))
}

/// The decimal digits that `text` begins with.
fn digits_of(text: &str) -> &str {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.get(..end).unwrap_or_default()
}

/// The name of an event, read from the text of its packet without reading the rest.
///
/// `None` if it is no event, or if its name has escapes: then [`Packet::event_name`] knows it.
#[must_use]
pub fn peek_event_name(text: &str) -> Option<&str> {
    let layout = Layout::read_unchecked(text).ok().filter(|layout| layout.kind.is_event())?;
    simple_name(layout.packet(text).data)
}

/// The first string of a JSON array, if it has no escapes.
fn simple_name(data: &str) -> Option<&str> {
    let name = data.trim_start().strip_prefix('[')?.trim_start().strip_prefix('"')?;
    let end = name.bytes().position(|byte| byte == b'"' || byte == b'\\')?;
    (name.as_bytes().get(end) == Some(&b'"')).then(|| name.get(..end)).flatten()
}

/// Whether a namespace comes back from the wire as it went: it begins with `/` and has no comma.
#[must_use]
pub fn can_be_sent(namespace: &str) -> bool {
    namespace.starts_with('/') && !namespace.contains(',')
}

fn is_object(data: &str) -> bool {
    data.len() >= 2 && data.starts_with('{') && data.ends_with('}')
}

fn is_string(data: &str) -> bool {
    data.len() >= 2 && data.starts_with('"') && data.ends_with('"')
}

/// Whether an array, brackets included, has nothing between its brackets.
fn is_empty_array(array: &str) -> bool {
    array.get(1..array.len() - 1).is_none_or(|inside| inside.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SID: &str = r#"{"sid":"oSO0OpakMV_3jnilAAAA"}"#;
    const ONE: &str = r#"["foo",{"_placeholder":true,"num":0}]"#;
    const TWO: &str = r#"["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;

    fn packet<'a>(
        kind: Kind,
        namespace: &'a str,
        ack: Option<u64>,
        attachments: usize,
        data: &'a str,
    ) -> Packet<'a> {
        Packet { kind, namespace, ack, attachments, data }
    }

    /// The examples of the protocol's document, "Packet encoding".
    #[test]
    fn reads_and_writes_the_examples_of_the_document() {
        for (text, expected) in [
            ("0", packet(Kind::Connect, "/", None, 0, "")),
            (r#"0{"sid":"oSO0OpakMV_3jnilAAAA"}"#, packet(Kind::Connect, "/", None, 0, SID)),
            ("0/admin,", packet(Kind::Connect, "/admin", None, 0, "")),
            (
                r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
                packet(Kind::Connect, "/admin", None, 0, SID),
            ),
            (
                r#"4{"message":"Not authorized"}"#,
                packet(Kind::ConnectError, "/", None, 0, r#"{"message":"Not authorized"}"#),
            ),
            (r#"2["foo"]"#, packet(Kind::Event, "/", None, 0, r#"["foo"]"#)),
            (r#"2/admin,["bar"]"#, packet(Kind::Event, "/admin", None, 0, r#"["bar"]"#)),
            (
                r#"52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
                packet(Kind::BinaryEvent, "/admin", None, 2, TWO),
            ),
            (r#"212["foo"]"#, packet(Kind::Event, "/", Some(12), 0, r#"["foo"]"#)),
            ("312[]", packet(Kind::Ack, "/", Some(12), 0, "[]")),
            (r#"2/admin,13["foo"]"#, packet(Kind::Event, "/admin", Some(13), 0, r#"["foo"]"#)),
            (r#"3/admin,13["bar"]"#, packet(Kind::Ack, "/admin", Some(13), 0, r#"["bar"]"#)),
            (
                r#"51-14["foo",{"_placeholder":true,"num":0}]"#,
                packet(Kind::BinaryEvent, "/", Some(14), 1, ONE),
            ),
            (
                r#"61-15["foo",{"_placeholder":true,"num":0}]"#,
                packet(Kind::BinaryAck, "/", Some(15), 1, ONE),
            ),
            ("1", packet(Kind::Disconnect, "/", None, 0, "")),
            ("1/admin,", packet(Kind::Disconnect, "/admin", None, 0, "")),
        ] {
            assert_eq!(Packet::decode(text), Ok(expected), "{text}");
            let mut written = String::new();
            expected.encode(&mut written);
            assert_eq!(written, text);
        }
    }

    #[test]
    fn oddities_are_read_as_javascript_reads_them() {
        let read = |text| Packet::decode(text).unwrap();
        assert_eq!(read("0/admin").namespace, "/admin");
        assert_eq!(read("1/custom").namespace, "/custom");
        assert_eq!(read("0/,{}").namespace, "/");
        assert_eq!(read(r#"0/admin?token=1&a=b,{"a":1}"#).namespace, "/admin?token=1&a=b");
        assert_eq!(read("0/admin?token=1,").namespace_path(), "/admin");
        assert_eq!(read(r#"4/random,"Invalid namespace""#).data, r#""Invalid namespace""#);
        assert_eq!(read(r#"2 [ "foo" ] "#).event_name().as_deref(), Some("foo"));
        assert_eq!(read("50-[1]").attachments, 0);
        assert_eq!(read("318446744073709551615[]").ack, Some(u64::MAX));
    }

    #[test]
    fn says_what_is_wrong() {
        let error = |text| Packet::decode(text).unwrap_err();
        assert_eq!(error(""), WireError::Empty { offset: 0 });
        for text in ["7", "a", "€", "-"] {
            assert!(matches!(error(text), WireError::UnknownSocketIoType { .. }), "{text}");
        }
        for text in ["5", "5[1]", "51", "5-[1]", "5a-[1]", "5+1-[1]", "599999999999999999999-[1]"] {
            let wrong = error(text);
            assert!(matches!(wrong, WireError::BadAttachmentCount { offset: 1, .. }), "{text}");
        }
        assert!(matches!(error("218446744073709551616[1]"), WireError::BadAckId { offset: 1, .. }));
        assert_eq!(error("3[]"), WireError::AckWithoutId { offset: 1 });
        for text in [
            "2", "2[]", "2[ ]", "2{}", "2[", "2]", "2/a[1]", "0[]", "1{}", "4[]", "31", "31{}",
            "2é",
        ] {
            assert!(matches!(error(text), WireError::BadPayload { .. }), "{text}");
        }
    }

    #[test]
    fn a_grant_without_a_session_id_is_engine_io_3() {
        let granted = |text| Packet::decode(text).and_then(|packet| packet.check_granted());
        assert_eq!(granted(r#"0{"sid":"a"}"#), Ok(()));
        assert!(matches!(granted("0"), Err(WireError::EngineIo3 { .. })));
    }

    #[test]
    fn names_of_events_are_peeked() {
        assert_eq!(peek_event_name(r#"2["foo",{"a":[1"#), Some("foo"));
        assert_eq!(peek_event_name(r#"2/admin,13[ "foo" ]"#), Some("foo"));
        assert_eq!(peek_event_name(r#"51-["été",{}]"#), Some("été"));
        assert_eq!(peek_event_name(r#"2[""]"#), Some(""));
        for text in ["2", "2[", "2[1]", r#"2["a"#, r#"2["a\"b"]"#, r#"3["foo"]"#, "0", "", "5[]"] {
            assert_eq!(peek_event_name(text), None, "{text}");
        }
        let escaped = Packet::decode(r#"2["a\"b\u00e9",1]"#).unwrap();
        assert_eq!(escaped.event_name().as_deref(), Some("a\"bé"));
        assert_eq!(Packet::decode("2[1]").unwrap().event_name(), None);
    }

    fn any_packet() -> impl Strategy<Value = (Kind, String, Option<u64>, usize, String)> {
        let kind = prop::sample::select(&Kind::ALL[..]);
        (kind, "(/|/[^,]{1,8})", any::<Option<u64>>(), 0..100_usize, ".*", any::<u64>()).prop_map(
            |(kind, namespace, ack, attachments, text, id)| {
                let text = serde_json::to_string(&text).unwrap();
                let attachments = if kind.is_binary() { attachments } else { 0 };
                let (ack, data) = match kind {
                    Kind::Connect => (None, format!("{{\"a\":{text}}}")),
                    Kind::Disconnect => (None, String::new()),
                    Kind::ConnectError => (None, text),
                    Kind::Event | Kind::BinaryEvent => (ack, format!("[{text},1]")),
                    Kind::Ack | Kind::BinaryAck => (ack.or(Some(id)), format!("[{text}]")),
                };
                (kind, namespace, ack, attachments, data)
            },
        )
    }

    proptest! {
        #[test]
        fn packets_come_back(owned in any_packet()) {
            let (kind, namespace, ack, attachments, data) = &owned;
            let packet = Packet {
                kind: *kind, namespace, ack: *ack, attachments: *attachments, data,
            };
            prop_assert!(can_be_sent(namespace));
            let mut text = String::new();
            packet.encode(&mut text);
            prop_assert_eq!(Packet::decode(&text), Ok(packet));
            let name = packet.event_name();
            prop_assert_eq!(name.is_some(), kind.is_event());
            if let Some(peeked) = peek_event_name(&text) {
                prop_assert_eq!(Some(peeked), name.as_deref());
            }
        }

        #[test]
        fn prefixes_do_not_panic_and_do_not_invent(owned in any_packet()) {
            let (kind, namespace, ack, attachments, data) = &owned;
            let packet = Packet {
                kind: *kind, namespace, ack: *ack, attachments: *attachments, data,
            };
            let mut text = String::new();
            packet.encode(&mut text);
            for (end, _) in text.char_indices() {
                let prefix = &text[..end];
                let _ = peek_event_name(prefix);
                if let Ok(read) = Packet::decode(prefix) {
                    prop_assert_eq!(read.kind, *kind);
                    prop_assert!(text.ends_with(data) && data.starts_with(read.data));
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Packet::decode(&text).map(|packet| packet.event_name().is_some());
            let _ = peek_event_name(&text);
        }

        #[test]
        fn no_near_miss_makes_it_panic(text in "[0-6][0-9]{0,22}-?(/[a,€]*)?[0-9]{0,22}[\\[\\]{}\"a\\\\, €]*") {
            let _ = Packet::decode(&text).map(|packet| packet.event_name().is_some());
            let _ = peek_event_name(&text);
        }
    }
}
