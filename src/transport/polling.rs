//! Engine.IO over HTTP long polling: one GET that waits, one POST at a time, no task behind them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use tokio::time::timeout;

use super::closed::{Closed, SendError};
use super::endpoint::Endpoint;
use super::engine_io::Options;
use super::error::ConnectError;
use super::http::{HttpClient, HttpError, HttpOptions, Request, Response, excerpt};
use super::text::Text;
use super::websocket::Outgoing;
use crate::wire::WireError;
use crate::wire::engine_io::{Kind, Packet};
use crate::wire::handshake::{Carrier, Open, request_target, version_refusal};
use crate::wire::polling::{SEPARATOR, decode, push, pushed_len};

/// The most bytes of a payload to a server that does not name a limit.
const PAYLOAD_BYTES_MAX: usize = 1_000_000;

/// How long a polite goodbye may take.
const GOODBYE_WAIT: Duration = Duration::from_secs(1);

/// One Engine.IO packet as it arrived.
#[derive(Debug)]
pub(super) enum Arrived {
    /// A packet of text, its digit included.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
    /// Something that is no packet.
    Malformed(WireError),
}

type Asked = Pin<Box<dyn Future<Output = Result<Response, HttpError>> + Send>>;

/// A polling session.
pub(super) struct Polling {
    client: Arc<HttpClient>,
    target: String,
    headers: HeaderMap,
    poll_timeout: Duration,
    poll: Option<Asked>,
    post: Option<Asked>,
    /// Packets of the last answer that nobody has taken yet.
    pub(super) arrived: VecDeque<Arrived>,
    unsent: VecDeque<Outgoing>,
    unsent_bytes: usize,
    unsent_bytes_max: usize,
    payload_bytes_max: usize,
}

impl Polling {
    /// Opens a session with a first GET.
    pub(super) async fn open(
        endpoint: &Endpoint,
        options: &Options,
    ) -> Result<(Polling, Open), ConnectError> {
        let client = HttpClient::new(endpoint, http_options(options));
        let target = request_target(&options.path, &options.query, Carrier::Polling, None);
        let mut request = Request::new(Method::GET, target);
        request.headers = options.headers.clone();
        request.timeout = Some(options.connect.timeout);
        let response = client.request(request).await?;
        if response.status != 200 {
            return Err(refused(&response));
        }
        let (open, length) = Open::decode_body(&response.body).map_err(ConnectError::of_wire)?;
        let mut polling = Polling {
            client: Arc::new(client),
            target: request_target(
                &options.path,
                &options.query,
                Carrier::Polling,
                Some(&open.sid),
            ),
            headers: with_cookies(&options.headers, &response.headers),
            poll_timeout: Duration::from_millis(open.silence_ms_max())
                .saturating_add(options.connect.timeout),
            poll: None,
            post: None,
            arrived: VecDeque::new(),
            unsent: VecDeque::new(),
            unsent_bytes: 0,
            unsent_bytes_max: options.unsent_bytes_max,
            payload_bytes_max: open
                .max_payload
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(PAYLOAD_BYTES_MAX),
        };
        polling.take_body(response.body.slice(length..));
        Ok((polling, open))
    }

    /// The headers of this session's requests, with the cookies that the server set.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Takes a packet to be sent.
    pub(super) fn feed(&mut self, outgoing: Outgoing) -> Result<(), SendError> {
        let bytes = self.unsent_bytes.saturating_add(outgoing.len());
        if bytes > self.unsent_bytes_max {
            return Err(SendError::Full { limit: self.unsent_bytes_max });
        }
        self.unsent_bytes = bytes;
        self.unsent.push_back(outgoing);
        Ok(())
    }

    /// What has been fed and not been sent, to be sent some other way.
    pub(super) fn take_unsent(&mut self) -> VecDeque<Outgoing> {
        self.unsent_bytes = 0;
        std::mem::take(&mut self.unsent)
    }

    /// The next packet; asks for more when there is none.
    pub(super) fn poll_arrived(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arrived, Closed>> {
        loop {
            if let Poll::Ready(Err(closed)) = self.poll_flush(cx) {
                return Poll::Ready(Err(closed));
            }
            if let Some(arrived) = self.arrived.pop_front() {
                return Poll::Ready(Ok(arrived));
            }
            if self.poll.is_none() {
                self.poll = Some(self.ask(Method::GET, Bytes::new()));
            }
            if let Err(closed) = ready!(self.poll_answer(cx)) {
                return Poll::Ready(Err(closed));
            }
        }
    }

    /// Waits for the GET under way, if there is one, and keeps its packets.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let Some(asked) = &mut self.poll else {
            return Poll::Ready(Ok(()));
        };
        let answer = ready!(asked.as_mut().poll(cx));
        self.poll = None;
        Poll::Ready(checked(answer).map(|body| self.take_body(body)))
    }

    /// Sends what was fed, one POST after the other.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        loop {
            if let Some(asked) = &mut self.post {
                let answer = ready!(asked.as_mut().poll(cx));
                self.post = None;
                if let Err(closed) = checked(answer) {
                    return Poll::Ready(Err(closed));
                }
            }
            if self.unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let payload = self.next_payload();
            self.post = Some(self.ask(Method::POST, payload.into()));
        }
    }

    /// Keeps polling while something else is awaited; what arrives is kept.
    pub(super) async fn while_polling<T>(
        &mut self,
        work: impl Future<Output = T>,
        arrived_max: usize,
    ) -> Result<T, Closed> {
        let mut work = std::pin::pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            if let Poll::Ready(Err(closed)) = self.poll_flush(cx) {
                return Poll::Ready(Err(closed));
            }
            while self.arrived.len() < arrived_max {
                if self.poll.is_none() {
                    self.poll = Some(self.ask(Method::GET, Bytes::new()));
                }
                match self.poll_answer(cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(closed)) => return Poll::Ready(Err(closed)),
                    Poll::Pending => break,
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Waits until no request is under way, and starts none.
    pub(super) async fn pause(&mut self) -> Result<(), Closed> {
        poll_fn(|cx| {
            if let Some(asked) = &mut self.post {
                let answer = ready!(asked.as_mut().poll(cx));
                self.post = None;
                checked(answer)?;
            }
            self.poll_answer(cx)
        })
        .await
    }

    /// Says goodbye with a close packet, for as long as that may take.
    pub(super) async fn say_goodbye(&mut self) {
        let _ = self.feed(Outgoing::text(Kind::Close.digit().to_string()));
        let _ = timeout(GOODBYE_WAIT, poll_fn(|cx| self.poll_flush(cx))).await;
        self.drop_requests();
    }

    /// Drops all connections with a reset.
    pub(super) fn reset(&mut self) {
        self.client.reset();
        self.drop_requests();
    }

    /// Drops the requests under way, and with them their connections.
    pub(super) fn drop_requests(&mut self) {
        self.poll = None;
        self.post = None;
    }

    /// As many packets as fit into one payload, but at least one.
    fn next_payload(&mut self) -> String {
        let mut payload = String::new();
        while let Some(outgoing) = self.unsent.front() {
            let packet = match outgoing {
                Outgoing::Text(text) => Packet::message(text),
                Outgoing::Binary(bytes) => Packet::binary(bytes),
            };
            let room = self.payload_bytes_max.saturating_sub(payload.len());
            if !payload.is_empty() && pushed_len(&packet) > room {
                break;
            }
            match outgoing {
                Outgoing::Binary(_) => push(&packet, &mut payload),
                Outgoing::Text(text) => {
                    if !payload.is_empty() {
                        payload.push(SEPARATOR);
                    }
                    payload.push_str(text);
                }
            }
            self.unsent_bytes = self.unsent_bytes.saturating_sub(outgoing.len());
            self.unsent.pop_front();
        }
        payload
    }

    /// Starts a request.
    fn ask(&self, method: Method, body: Bytes) -> Asked {
        let mut request = Request::new(method, self.target.clone());
        request.headers = self.headers.clone();
        if request.method == Method::POST {
            let text = HeaderValue::from_static("text/plain;charset=UTF-8");
            request.headers.insert(CONTENT_TYPE, text);
            request.body = body;
        }
        request.timeout = Some(self.poll_timeout);
        let client = Arc::clone(&self.client);
        Box::pin(async move { client.request(request).await })
    }

    /// Cuts the packets of a body apart.
    fn take_body(&mut self, body: Bytes) {
        if body.is_empty() {
            return;
        }
        let text = match Text::of_body(body) {
            Ok(text) => text,
            Err(error) => return self.arrived.push_back(Arrived::Malformed(error)),
        };
        // What stands behind the open packet of a handshake begins with a separator.
        let start = if text.starts_with(SEPARATOR) { SEPARATOR.len_utf8() } else { 0 };
        let text = text.slice(start..text.len());
        let mut packets = decode(&text);
        while let Some(range) = packets.next_range() {
            self.arrived.push_back(match packets.next() {
                Some(Ok(Packet::Binary(bytes))) => Arrived::Binary(bytes.into_owned().into()),
                Some(Ok(Packet::Text { .. })) => Arrived::Text(text.slice(range)),
                Some(Err(error)) => Arrived::Malformed(error),
                None => break,
            });
        }
    }
}

/// The options of the HTTP client behind a session.
fn http_options(options: &Options) -> HttpOptions {
    HttpOptions {
        connect: options.connect.clone(),
        body_bytes_max: options.message_bytes_max,
        ..HttpOptions::default()
    }
}

/// The body of a good answer.
fn checked(answer: Result<Response, HttpError>) -> Result<Bytes, Closed> {
    match answer {
        Ok(response) if response.status == 200 => Ok(response.body),
        Ok(response) => Err(Closed::HttpStatus {
            status: response.status.as_u16(),
            body: excerpt(&response.body),
        }),
        Err(error) => Err(Closed::Http(error)),
    }
}

/// Why the first GET was not answered with a session.
fn refused(response: &Response) -> ConnectError {
    match version_refusal(&response.body) {
        Some(error) => ConnectError::of_wire(error),
        None => ConnectError::HttpStatus {
            status: response.status.as_u16(),
            body: excerpt(&response.body),
        },
    }
}

/// The headers with the cookies that an answer set: what keeps a session on its node.
fn with_cookies(headers: &HeaderMap, answer: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    let set = answer.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies: Vec<&str> = set.filter_map(|value| value.split(';').next()).collect();
    let own = headers.get(COOKIE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if !cookies.is_empty() {
        cookies.extend(own.as_deref());
        if let Ok(value) = HeaderValue::from_str(&cookies.join("; ")) {
            headers.insert(COOKIE, value);
        }
    }
    headers
}
