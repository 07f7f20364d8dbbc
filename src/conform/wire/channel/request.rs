//! One HTTP request on a connection of its own.

use super::{Heard, Line};
use crate::transport::endpoint::Endpoint;
use crate::transport::http::{HttpClient, HttpOptions, Request};
use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use std::time::Duration;

/// Longer than any poll is held.
const HELD_AT_MOST: Duration = Duration::from_secs(600);

/// What is asked.
#[derive(Clone, Debug)]
pub(in crate::conform::wire) struct Asked {
    pub(in crate::conform::wire) method: String,
    pub(in crate::conform::wire) target: String,
    pub(in crate::conform::wire) body: Option<Vec<u8>>,
}

/// Asks once, and tells what was answered.
pub(in crate::conform::wire) async fn request(
    line: Line,
    endpoint: Endpoint,
    headers: HeaderMap,
    asked: Asked,
) {
    let client = client(&endpoint);
    let heard = ask(&client, &headers, asked).await;
    line.hear(heard).await;
}

/// A client that keeps no connection: each request has its own.
pub(super) fn client(endpoint: &Endpoint) -> HttpClient {
    let options = HttpOptions { timeout: HELD_AT_MOST, idle_max: 0, ..HttpOptions::default() };
    HttpClient::new(endpoint, options)
}

/// Asks, and reads the whole answer.
pub(super) async fn ask(client: &HttpClient, headers: &HeaderMap, asked: Asked) -> Heard {
    let Ok(method) = Method::from_bytes(asked.method.as_bytes()) else {
        return Heard::Trouble(format!("`{}` is no method", asked.method));
    };
    let mut request = Request::new(method, asked.target);
    request.headers = headers.clone();
    if let Some(body) = asked.body {
        request.body = Bytes::from(body);
        let text = HeaderValue::from_static("text/plain;charset=UTF-8");
        request.headers.insert(CONTENT_TYPE, text);
    }
    match client.request(request).await {
        Ok(answer) => Heard::Answer { status: answer.status.as_u16(), body: answer.body.to_vec() },
        Err(error) => Heard::of_http(&error),
    }
}
