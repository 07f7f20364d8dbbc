//! Binary attachments: a packet that announces `n` of them, the `n` binary messages that follow,
//! and the placeholders that say where in the payload they belong.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::error::WireError;
use placeholders::Placeholders;

mod placeholders;

/// What a [`Reassembler`] holds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attachments of one packet.
    pub attachments: usize,
    /// Bytes of the attachments of one packet, all together.
    pub bytes: usize,
}

impl Default for Limits {
    /// 64 attachments, 16 MiB.
    fn default() -> Self {
        Limits { attachments: 64, bytes: 16 << 20 }
    }
}

/// A packet with its attachments; most packets have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembled<T> {
    /// The packet's text, in whatever form the caller keeps it.
    pub text: T,
    /// Its attachments, in the order of their numbers.
    pub attachments: Vec<Bytes>,
}

/// Puts packets and the attachments that follow them together again.
///
/// After an error it waits for nothing, so the next packet is read as if nothing had been.
#[derive(Debug)]
pub struct Reassembler<T> {
    limits: Limits,
    pending: Option<Box<Pending<T>>>,
}

/// A packet that waits for attachments.
#[derive(Debug)]
struct Pending<T> {
    text: T,
    announced: usize,
    bytes: usize,
    attachments: Vec<Bytes>,
}

impl<T> Reassembler<T> {
    /// A reassembler that waits for nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Reassembler { limits, pending: None }
    }

    /// Whether attachments are awaited.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// Takes a text packet that announces so many attachments; gives it back if it is complete.
    ///
    /// # Errors
    /// [`WireError::TextInsideBinary`] if attachments were awaited (both packets are dropped),
    /// [`WireError::TooManyAttachments`] if it announces more than the limit.
    pub fn text(&mut self, text: T, announced: usize) -> Result<Option<Assembled<T>>, WireError> {
        if let Some(pending) = self.pending.take() {
            return Err(WireError::TextInsideBinary {
                arrived: pending.attachments.len(),
                announced: pending.announced,
                piece: String::new(),
            });
        }
        let limit = self.limits.attachments;
        if announced > limit {
            return Err(WireError::TooManyAttachments { announced, limit });
        }
        if announced == 0 {
            return Ok(Some(Assembled { text, attachments: Vec::new() }));
        }
        let attachments = Vec::with_capacity(announced);
        self.pending = Some(Box::new(Pending { text, announced, bytes: 0, attachments }));
        Ok(None)
    }

    /// Takes a binary message; gives the packet back if this was its last attachment.
    ///
    /// # Errors
    /// [`WireError::UnannouncedAttachment`] if none was awaited, [`WireError::TooManyBytes`] if the
    /// attachments pass the limit (the packet is dropped).
    pub fn binary(&mut self, attachment: Bytes) -> Result<Option<Assembled<T>>, WireError> {
        let Some(mut pending) = self.pending.take() else {
            return Err(WireError::UnannouncedAttachment { bytes: attachment.len() });
        };
        pending.bytes = pending.bytes.saturating_add(attachment.len());
        if pending.bytes > self.limits.bytes {
            let (bytes, limit) = (pending.bytes, self.limits.bytes);
            return Err(WireError::TooManyBytes { bytes, limit });
        }
        pending.attachments.push(attachment);
        if pending.attachments.len() < pending.announced {
            self.pending = Some(pending);
            return Ok(None);
        }
        let Pending { text, attachments, .. } = *pending;
        Ok(Some(Assembled { text, attachments }))
    }

    /// Says whether the connection may end here, and forgets what was awaited.
    ///
    /// # Errors
    /// [`WireError::AttachmentsMissing`] if attachments were awaited.
    pub fn finish(&mut self) -> Result<(), WireError> {
        match self.pending.take() {
            None => Ok(()),
            Some(pending) => Err(WireError::AttachmentsMissing {
                arrived: pending.attachments.len(),
                announced: pending.announced,
            }),
        }
    }
}

/// Appends the placeholder of attachment `number` to a payload.
pub fn push_placeholder(number: usize, payload: &mut String) {
    let _ = write!(payload, "{{\"_placeholder\":true,\"num\":{number}}}");
}

/// The payload with each placeholder replaced by its attachment as a string of base64.
///
/// # Errors
/// [`WireError::PlaceholderOutOfRange`], and [`WireError::TooManyBytes`] if the text would become
/// longer than `bytes_max`: a payload may name the same attachment often.
pub fn substitute(
    payload: &str,
    attachments: &[Bytes],
    bytes_max: usize,
) -> Result<String, WireError> {
    let mut out = String::with_capacity(payload.len().min(bytes_max));
    let mut rest = 0;
    for (start, end, number) in Placeholders::of(payload) {
        let attachment = usize::try_from(number).ok().and_then(|number| attachments.get(number));
        let attachment = attachment.ok_or(WireError::PlaceholderOutOfRange {
            offset: start,
            number,
            attachments: attachments.len(),
        })?;
        out.push_str(payload.get(rest..start).unwrap_or_default());
        let encoded = base64::encoded_len(attachment.len(), true).unwrap_or(usize::MAX);
        let bytes = out.len().saturating_add(encoded);
        if bytes > bytes_max {
            return Err(WireError::TooManyBytes { bytes, limit: bytes_max });
        }
        out.push('"');
        STANDARD.encode_string(attachment, &mut out);
        out.push('"');
        rest = end;
    }
    out.push_str(payload.get(rest..).unwrap_or_default());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::socket_io::Packet;

    const LIMITS: Limits = Limits { attachments: 3, bytes: 10 };

    fn bytes(content: &'static [u8]) -> Bytes {
        Bytes::from_static(content)
    }

    #[test]
    fn packets_without_attachments_pass() {
        let mut reassembler = Reassembler::new(LIMITS);
        let passed = reassembler.text("2[1]", 0).unwrap().unwrap();
        assert_eq!(passed, Assembled { text: "2[1]", attachments: vec![] });
        assert_eq!(reassembler.finish(), Ok(()));
    }

    #[test]
    fn attachments_are_gathered_in_order() {
        let mut reassembler = Reassembler::new(LIMITS);
        assert_eq!(reassembler.text("52-…", 2), Ok(None));
        assert!(reassembler.is_waiting());
        assert_eq!(reassembler.binary(bytes(&[1, 2])), Ok(None));
        let whole = reassembler.binary(bytes(&[3, 4])).unwrap().unwrap();
        assert_eq!(whole.attachments, [bytes(&[1, 2]), bytes(&[3, 4])]);
        assert!(!reassembler.is_waiting());
    }

    #[test]
    fn a_wrong_order_is_an_error_and_forgotten() {
        let mut reassembler = Reassembler::new(LIMITS);
        assert_eq!(
            reassembler.binary(bytes(&[1])),
            Err(WireError::UnannouncedAttachment { bytes: 1 })
        );
        let _ = reassembler.text("", 2);
        let _ = reassembler.binary(bytes(&[1]));
        assert!(matches!(
            reassembler.text("", 0),
            Err(WireError::TextInsideBinary { arrived: 1, announced: 2, .. })
        ));
        assert_eq!(reassembler.finish(), Ok(()));
        let _ = reassembler.text("", 1);
        assert_eq!(
            reassembler.finish(),
            Err(WireError::AttachmentsMissing { arrived: 0, announced: 1 })
        );
        assert!(reassembler.text("", 0).unwrap().is_some());
    }

    #[test]
    fn limits_hold() {
        let mut reassembler = Reassembler::new(LIMITS);
        assert_eq!(
            reassembler.text("", usize::MAX),
            Err(WireError::TooManyAttachments { announced: usize::MAX, limit: 3 })
        );
        let _ = reassembler.text("", 2);
        let _ = reassembler.binary(bytes(&[0; 6]));
        assert_eq!(
            reassembler.binary(bytes(&[0; 6])),
            Err(WireError::TooManyBytes { bytes: 12, limit: 10 })
        );
        assert!(!reassembler.is_waiting());
    }

    #[test]
    fn placeholders_are_substituted() {
        let all = [bytes(&[1, 2, 3]), bytes(&[4])];
        let sub = |payload| substitute(payload, &all, 1000);
        let mut payload = String::from("[\"a\",");
        push_placeholder(1, &mut payload);
        payload.push(']');
        assert_eq!(sub(&payload).as_deref(), Ok(r#"["a","BA=="]"#));
        let odd =
            r#"[{"x":{ "num" : 0 , "_placeholder" : true }},"{\"_placeholder\":true,\"num\":0}"]"#;
        let done = r#"[{"x":"AQID"},"{\"_placeholder\":true,\"num\":0}"]"#;
        assert_eq!(sub(odd).as_deref(), Ok(done));
        for other in [
            r#"[{"_placeholder":false,"num":0}]"#,
            r#"[{"num":0}]"#,
            r#"[{"_placeholder":true}]"#,
            r#"[{"_placeholder":true,"num":0,"a":1}]"#,
            r#"[{"_placeholder":true,"num":0,}]"#,
            r#"["{\"_placeholder\":true"#,
        ] {
            assert_eq!(sub(other).as_deref(), Ok(other));
        }
        assert_eq!(
            sub(r#"[{"_placeholder":true,"num":2}]"#),
            Err(WireError::PlaceholderOutOfRange { offset: 1, number: 2, attachments: 2 })
        );
        assert!(matches!(
            substitute(&payload.repeat(9), &all, 40),
            Err(WireError::TooManyBytes { limit: 40, .. })
        ));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Text(String),
        Binary(Vec<u8>),
        Finish,
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            "[25][0-3]?-?\\[\"a\"\\]".prop_map(Step::Text),
            any::<String>().prop_map(Step::Text),
            prop::collection::vec(any::<u8>(), 0..6).prop_map(Step::Binary),
            Just(Step::Finish),
        ]
    }

    proptest! {
        #[test]
        fn no_sequence_makes_it_panic_or_grow(steps in prop::collection::vec(any_step(), 0..40)) {
            let mut reassembler = Reassembler::new(LIMITS);
            for step in steps {
                let whole = match step {
                    Step::Text(text) => {
                        let announced = Packet::decode(&text).map_or(0, |read| read.attachments);
                        reassembler.text(text, announced)
                    }
                    Step::Binary(content) => reassembler.binary(Bytes::from(content)),
                    Step::Finish => reassembler.finish().map(|()| None),
                };
                if let Ok(Some(whole)) = whole {
                    prop_assert!(whole.attachments.len() <= LIMITS.attachments);
                    prop_assert!(whole.attachments.iter().map(Bytes::len).sum::<usize>() <= LIMITS.bytes);
                }
            }
        }

        #[test]
        fn no_payload_makes_substitution_panic(
            payload in "([\\[\\]{}\":,0-9 \\\\€]|\"_placeholder\"|\"num\"|true){0,30}",
        ) {
            let _ = substitute(&payload, &[Bytes::from_static(b"ab")], 100);
        }

        #[test]
        fn what_is_substituted_is_json(
            numbers in prop::collection::vec(0..2_usize, 0..6), text in ".*",
        ) {
            let mut payload = format!("[{}", serde_json::to_string(&text).unwrap());
            for number in &numbers {
                payload.push(',');
                push_placeholder(*number, &mut payload);
            }
            payload.push(']');
            let done = substitute(&payload, &[bytes(b"ab"), bytes(b"")], 100_000).unwrap();
            let value: Vec<String> = serde_json::from_str(&done).unwrap();
            prop_assert_eq!(value.len(), numbers.len() + 1);
            prop_assert_eq!(&value[0], &text);
        }
    }
}
