//! A small HTTP/1.1 client: one server, connections kept alive, every answer bounded.
//!
//! A connection is driven by the request that uses it, so no task stands behind it and an idle one
//! costs nothing but its socket.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use tokio::time::{Instant, timeout};

use super::endpoint::{Endpoint, is_sendable};
use super::error::{ConnectError, Phase};
use super::stream::{ConnectOptions, connect};
use connection::{Connection, Failure};

mod connection;

/// How long before the server's own limit a kept connection is given up.
const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(1);

/// How to ask.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// How to connect.
    pub connect: ConnectOptions,
    /// How long an answer may take, from the request to the last byte.
    pub timeout: Duration,
    /// The most bytes of a body.
    pub body_bytes_max: usize,
    /// The most connections kept while nobody uses them.
    pub idle_max: usize,
}

impl Default for HttpOptions {
    /// Thirty seconds, 16 MiB, 4 connections.
    fn default() -> Self {
        HttpOptions {
            connect: ConnectOptions::default(),
            timeout: Duration::from_secs(30),
            body_bytes_max: 16 << 20,
            idle_max: 4,
        }
    }
}

/// What to ask.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, percent-encoded.
    pub target: String,
    /// Headers beside `Host` and `Content-Length`, which are written anyway.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long this answer may take; `None` for what the client's options say.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A request without headers of its own and without a body.
    #[must_use]
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        let (target, headers) = (target.into(), HeaderMap::new());
        Request { method, target, headers, body: Bytes::new(), timeout: None }
    }
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// No connection came about.
    Connect(ConnectError),
    /// The answer took too long.
    TimedOut {
        /// How long it was allowed to take.
        after: Duration,
    },
    /// The server closed the connection before the answer was complete.
    Closed,
    /// The answer is not HTTP.
    NotHttp {
        /// What is wrong with it.
        reason: String,
        /// The first bytes of the connection, escaped.
        first_bytes: String,
    },
    /// The body passes the limit.
    TooBig {
        /// The limit in bytes.
        limit: usize,
    },
    /// The target or a header cannot be written into a request.
    Unsendable,
}

impl HttpError {
    /// Whether the server may have acted on the request all the same.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        !matches!(self, HttpError::Connect(_) | HttpError::Unsendable)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpError::Connect(error) => write!(f, "{error}"),
            HttpError::TimedOut { after } => {
                write!(f, "no complete answer within {} ms", after.as_millis())
            }
            HttpError::Closed => f.write_str("the server closed the connection before answering"),
            HttpError::NotHttp { reason, first_bytes } => {
                write!(f, "the answer is not HTTP ({reason}), it begins with `{first_bytes}`")
            }
            HttpError::TooBig { limit } => write!(f, "the answer has more than {limit} bytes"),
            HttpError::Unsendable => f.write_str("the target cannot be written into a request"),
        }
    }
}

impl Error for HttpError {}

/// A client of one server; usable from several tasks at once, each request on its own connection.
#[derive(Debug)]
pub struct HttpClient {
    endpoint: Endpoint,
    authority: String,
    options: HttpOptions,
    idle: Mutex<Vec<Connection>>,
    /// Raised when all connections, used or not, are to be dropped with a reset.
    reset: Arc<AtomicBool>,
}

impl HttpClient {
    /// A client that has not connected yet.
    #[must_use]
    pub fn new(endpoint: &Endpoint, options: HttpOptions) -> Self {
        let (endpoint, authority) = (endpoint.clone(), endpoint.authority());
        let (idle, reset) = (Mutex::default(), Arc::default());
        HttpClient { endpoint, authority, options, idle, reset }
    }

    /// Asks, and waits for the whole answer.
    ///
    /// A request that provably never left because the server had closed the kept connection is
    /// sent over a fresh one. Nothing else is ever sent twice.
    ///
    /// # Errors
    /// Why there is no answer; see [`HttpError::may_have_happened`].
    pub async fn request(&self, request: Request) -> Result<Response, HttpError> {
        let after = request.timeout.unwrap_or(self.options.timeout);
        let work = self.request_untimed(request);
        timeout(after, work).await.map_err(|_| HttpError::TimedOut { after })?
    }

    /// Opens connections until so many are kept, so that the next requests need not wait for any.
    ///
    /// # Errors
    /// The first one that could not be opened.
    pub async fn warm(&self, count: usize) -> Result<(), HttpError> {
        let count = count.min(self.options.idle_max);
        self.lock_idle().retain_mut(Connection::is_usable);
        while self.lock_idle().len() < count {
            let fresh = self.open().await?;
            self.lock_idle().push(fresh);
        }
        Ok(())
    }

    /// Drops all connections with a reset, those of requests under way as they end.
    pub fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
        self.lock_idle().clear();
    }

    /// How many connections are kept.
    #[cfg(test)]
    pub(super) fn idle_count(&self) -> usize {
        self.lock_idle().len()
    }

    async fn request_untimed(&self, request: Request) -> Result<Response, HttpError> {
        let mut unsent = self.compose(request)?;
        while let Some(kept) = self.take_idle() {
            match self.exchange(kept, unsent).await {
                Ok(response) => return Ok(response),
                Err(Failure { unsent: Some(request), .. }) => unsent = request,
                Err(failure) => return Err(failure.error),
            }
        }
        let fresh = self.open().await?;
        self.exchange(fresh, unsent).await.map_err(|failure| failure.error)
    }

    /// The request as hyper wants it.
    fn compose(&self, request: Request) -> Result<hyper::Request<Full<Bytes>>, HttpError> {
        if !is_sendable(&request.target) {
            return Err(HttpError::Unsendable);
        }
        let host = HeaderValue::from_str(&self.authority).map_err(|_| HttpError::Unsendable)?;
        let mut composed = hyper::Request::builder()
            .method(request.method)
            .uri(request.target)
            .body(Full::new(request.body))
            .map_err(|_| HttpError::Unsendable)?;
        *composed.headers_mut() = request.headers;
        composed.headers_mut().entry(HOST).or_insert(host);
        Ok(composed)
    }

    async fn open(&self) -> Result<Connection, HttpError> {
        let stream = connect(&self.endpoint, &self.options.connect).await;
        let mut stream = stream.map_err(HttpError::Connect)?;
        stream.reset_on_drop(Arc::clone(&self.reset));
        Connection::open(stream).await
    }

    /// Sends over a connection, and keeps the connection if it can be used again.
    async fn exchange(
        &self,
        mut connection: Connection,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<Response, Failure> {
        let response = connection.exchange(request, self.options.body_bytes_max).await?;
        let seconds = keep_alive_seconds(&response.headers);
        connection.usable_until = seconds.map(|seconds| {
            Instant::now() + Duration::from_secs(seconds).saturating_sub(KEEP_ALIVE_MARGIN)
        });
        let mut idle = self.lock_idle();
        if connection.is_usable() && idle.len() < self.options.idle_max {
            idle.push(connection);
        }
        Ok(response)
    }

    /// The connection that was used last and still stands.
    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.lock_idle();
        while let Some(mut connection) = idle.pop() {
            if connection.is_usable() {
                return Some(connection);
            }
        }
        None
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The seconds of a `Keep-Alive: timeout=5` header.
fn keep_alive_seconds(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get("keep-alive")?.to_str().ok()?;
    let parameters = value.split(',').filter_map(|parameter| parameter.split_once('='));
    let mut timeouts = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("timeout"));
    timeouts.next()?.1.trim().parse::<u64>().ok().map(|seconds| seconds.min(24 * 3600))
}

/// The beginning of a body, for an error message.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..400).unwrap_or(body));
    let mut shown: String = text.chars().take(200).collect();
    if shown.len() < body.len() {
        shown.push('…');
    }
    shown
}

impl From<HttpError> for ConnectError {
    /// Reads what became of the first request to a server.
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Connect(error) => error,
            HttpError::TimedOut { after } => {
                ConnectError::TimedOut { phase: Phase::Response, after }
            }
            HttpError::Closed => ConnectError::ClosedInHandshake { phase: Phase::Response },
            HttpError::NotHttp { first_bytes, .. } => {
                ConnectError::SpeaksSomethingElse { first_bytes }
            }
            HttpError::TooBig { .. } => {
                ConnectError::SpeaksSomethingElse { first_bytes: error.to_string() }
            }
            HttpError::Unsendable => ConnectError::Unsendable { what: "target" },
        }
    }
}
