//! What the server answers to polls and handshakes, bent.

use super::{BODY, Bend, packets};
use crate::reference::bugs::Bug;
use axum::body::{Body, to_bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

impl Bend {
    /// Bends an answer: that to a handshake, or that to a poll.
    pub(super) async fn answered(&self, answer: Response, to_poll: bool) -> Response {
        let (mut parts, body) = answer.into_parts();
        let Ok(body) = to_bytes(body, BODY).await else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let payload = match std::str::from_utf8(&body) {
            Ok(text) if parts.status == StatusCode::OK => text,
            _ => return Response::from_parts(parts, Body::from(body)),
        };
        if to_poll && payload == "6" && self.bugs.has(Bug::PollNotReleased) {
            std::future::pending::<()>().await;
        }
        let mut kept = Vec::new();
        for packet in payload.split('\u{1e}') {
            let Some(bent) = packets::by_server(self, packet, false) else { continue };
            if to_poll && bent.starts_with("43") && self.bugs.has(Bug::AckDoubled) {
                kept.push(bent.clone());
            }
            kept.push(bent);
        }
        if kept.is_empty() {
            kept.push("6".to_owned());
        }
        if to_poll && self.bugs.has(Bug::PayloadReordered) {
            kept.reverse();
        }
        let body = kept.join("\u{1e}");
        parts.headers.insert(header::CONTENT_LENGTH, body.len().into());
        Response::from_parts(parts, Body::from(body))
    }
}
