//! The HTTP request that becomes a WebSocket, and what a server may answer instead.
//!
//! Done by hand, because the answers that are no WebSocket are what a person needs to read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderMap, SEC_WEBSOCKET_PROTOCOL};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::transport::endpoint::is_sendable;
use crate::transport::error::{ConnectError, Phase};
use crate::transport::http::excerpt;
use crate::transport::stream::{Deadline, Stream};
use crate::wire::handshake::version_refusal;
use crate::world;

/// The most bytes of a response's head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The most bytes read of the body of a refusal.
const BODY_BYTES_MAX: usize = 1024;

/// Asks for a WebSocket; returns what arrived behind the answer.
pub(super) async fn shake_hands(
    stream: &mut Stream,
    authority: &str,
    target: &str,
    headers: &HeaderMap,
    deadline: Deadline,
) -> Result<Vec<u8>, ConnectError> {
    let key = STANDARD.encode(world::id());
    let request = request(authority, target, &key, headers)?;
    let closed = ConnectError::ClosedInHandshake { phase: Phase::Response };
    let written = deadline.hold(Phase::Response, stream.write_all(&request)).await?;
    // A server may answer and close before it has read everything: what it says is read anyway.
    let (mut received, end) = match (read_head(stream, deadline).await, written) {
        (Ok(read), _) => read,
        (Err(_), Err(_)) => return Err(closed),
        (Err(error), Ok(())) => return Err(error),
    };
    let tail = received.split_off(end);
    let head = Head::read(&received).ok_or_else(|| something_else(&received))?;
    if head.status != 101 {
        let body = read_body(stream, tail, &head, deadline).await;
        return Err(match version_refusal(&body) {
            Some(error) => ConnectError::of_wire(error),
            None => ConnectError::NotWebSocket { status: head.status, body: excerpt(&body) },
        });
    }
    if !head.value("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
        return Err(ConnectError::BadUpgrade { reason: "without `Upgrade: websocket`" });
    }
    if head.value("sec-websocket-accept") != Some(derive_accept_key(key.as_bytes()).as_str()) {
        return Err(ConnectError::BadUpgrade { reason: "its accept key is wrong" });
    }
    // What browsers do: a server that speaks none of the subprotocols is none for us.
    if let Some(wanted) = headers.get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok())
        && !head.value(SEC_WEBSOCKET_PROTOCOL.as_str()).is_some_and(|chosen| {
            wanted.split(',').any(|one| one.trim().eq_ignore_ascii_case(chosen))
        })
    {
        return Err(ConnectError::BadUpgrade { reason: "without the subprotocol asked for" });
    }
    Ok(tail)
}

/// The bytes of the request.
fn request(
    authority: &str,
    target: &str,
    key: &str,
    headers: &HeaderMap,
) -> Result<Vec<u8>, ConnectError> {
    if !is_sendable(target) || !target.starts_with('/') {
        return Err(ConnectError::Unsendable { what: "target" });
    }
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    )
    .into_bytes();
    for (name, value) in headers {
        request.extend_from_slice(name.as_str().as_bytes());
        request.extend_from_slice(b": ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    Ok(request)
}

/// Reads until the head is complete; says where it ends.
async fn read_head(
    stream: &mut Stream,
    deadline: Deadline,
) -> Result<(Vec<u8>, usize), ConnectError> {
    let mut received = Vec::with_capacity(512);
    loop {
        let read = deadline.hold(Phase::Response, stream.read_buf(&mut received)).await?;
        let beginning = received.get(..5).unwrap_or(&received);
        if !b"HTTP/".starts_with(beginning) {
            return Err(something_else(&received));
        }
        if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok((received, at + 4));
        }
        if received.len() > HEAD_BYTES_MAX {
            return Err(something_else(&received));
        }
        if !matches!(read, Ok(1..)) {
            return Err(ConnectError::ClosedInHandshake { phase: Phase::Response });
        }
    }
}

/// Reads the beginning of a refusal's body, for as long as there is time.
async fn read_body(
    stream: &mut Stream,
    mut body: Vec<u8>,
    head: &Head<'_>,
    deadline: Deadline,
) -> Vec<u8> {
    let length = head.value("content-length").and_then(|value| value.parse().ok());
    let wanted = length.unwrap_or(BODY_BYTES_MAX).min(BODY_BYTES_MAX);
    while body.len() < wanted && !body.ends_with(b"0\r\n\r\n") {
        let read = deadline.hold(Phase::Response, stream.read_buf(&mut body)).await;
        if !matches!(read, Ok(Ok(1..))) {
            break;
        }
    }
    body
}

fn something_else(received: &[u8]) -> ConnectError {
    let first = received.get(..32).unwrap_or(received);
    ConnectError::SpeaksSomethingElse { first_bytes: first.escape_ascii().to_string() }
}

/// The head of a response.
struct Head<'a> {
    status: u16,
    lines: Vec<(&'a str, &'a str)>,
}

impl<'a> Head<'a> {
    fn read(head: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(head).ok()?;
        let mut lines = text.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let lines = lines.filter_map(|line| line.split_once(':'));
        let lines = lines.map(|(name, value)| (name, value.trim())).collect();
        Some(Head { status, lines })
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        let mut found = self.lines.iter().filter(|(line, _)| line.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read() {
        let head =
            Head::read(b"HTTP/1.1 404 Not Found\r\nA: b\r\nContent-Length: 7\r\n\r\n").unwrap();
        assert_eq!(head.status, 404);
        assert_eq!(head.value("content-length"), Some("7"));
        assert_eq!(head.value("upgrade"), None);
        for wrong in ["", "HTTP/1.1", "HTTP/1.1 x y\r\n", "\u{0}"] {
            assert!(Head::read(wrong.as_bytes()).is_none());
        }
    }

    #[test]
    fn targets_cannot_smuggle_headers() {
        for target in ["/a b", "/a\r\nX: y", "a"] {
            let error = request("h", target, "k", &HeaderMap::new()).unwrap_err();
            assert_eq!(error, ConnectError::Unsendable { what: "target" });
        }
    }
}
