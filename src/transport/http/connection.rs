//! One HTTP/1.1 connection, moved by whoever waits for its answer.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::{HttpError, Response};
use crate::transport::stream::Stream;

/// How much of a stream's beginning is remembered, for a server that does not speak HTTP.
const FIRST_BYTES: usize = 32;

type Driver = http1::Connection<TokioIo<Tap>, Full<Bytes>>;

/// One connection, with the future that moves its bytes.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Pin<Box<Driver>>,
    ended: bool,
    first_bytes: Arc<Mutex<Vec<u8>>>,
    /// Until when the server has said to keep it.
    pub(super) usable_until: Option<Instant>,
}

/// A failed exchange, with the request if it never left.
pub(super) struct Failure {
    pub(super) error: HttpError,
    pub(super) unsent: Option<hyper::Request<Full<Bytes>>>,
}

impl Connection {
    pub(super) async fn open(stream: Stream) -> Result<Self, HttpError> {
        let first_bytes = Arc::<Mutex<Vec<u8>>>::default();
        let tap = Tap { stream, first_bytes: Arc::clone(&first_bytes) };
        let handshake = http1::Builder::new().max_buf_size(64 << 10).handshake(TokioIo::new(tap));
        let (sender, driver) = handshake.await.map_err(|_| HttpError::Closed)?;
        let driver = Box::pin(driver);
        Ok(Connection { sender, driver, ended: false, first_bytes, usable_until: None })
    }

    /// Whether another request can be tried; looks at the socket once.
    pub(super) fn is_usable(&mut self) -> bool {
        if !self.ended && self.driver.as_mut().now_or_never().is_some() {
            self.ended = true;
        }
        let too_late = self.usable_until.is_some_and(|until| Instant::now() >= until);
        !self.ended && !too_late && !self.sender.is_closed()
    }

    /// Sends a request and reads its answer, moving the connection's bytes meanwhile.
    pub(super) async fn exchange(
        &mut self,
        request: hyper::Request<Full<Bytes>>,
        body_bytes_max: usize,
    ) -> Result<Response, Failure> {
        let first_bytes = &self.first_bytes;
        let answer = pin!(ask(&mut self.sender, request, body_bytes_max, first_bytes));
        if self.ended {
            return answer.await;
        }
        match select(answer, self.driver.as_mut()).await {
            Either::Left((answer, _)) => answer,
            Either::Right((_, answer)) => {
                self.ended = true;
                answer.await
            }
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("ended", &self.ended).finish_non_exhaustive()
    }
}

async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    request: hyper::Request<Full<Bytes>>,
    body_bytes_max: usize,
    first_bytes: &Mutex<Vec<u8>>,
) -> Result<Response, Failure> {
    if poll_fn(|cx| sender.poll_ready(cx)).await.is_err() {
        return Err(Failure { error: HttpError::Closed, unsent: Some(request) });
    }
    let response = sender.try_send_request(request).await.map_err(|mut failed| {
        let unsent = failed.take_message();
        Failure { error: http_error(&failed.into_error(), first_bytes), unsent }
    })?;
    let (parts, body) = response.into_parts();
    let body = read_body(body, body_bytes_max, first_bytes).await;
    let body = body.map_err(|error| Failure { error, unsent: None })?;
    Ok(Response { status: parts.status, headers: parts.headers, body })
}

async fn read_body(
    mut body: Incoming,
    limit: usize,
    first_bytes: &Mutex<Vec<u8>>,
) -> Result<Bytes, HttpError> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| http_error(&error, first_bytes))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if whole.len().saturating_add(data.len()) > limit {
            return Err(HttpError::TooBig { limit });
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn http_error(error: &hyper::Error, first_bytes: &Mutex<Vec<u8>>) -> HttpError {
    let first = first_bytes.lock().unwrap_or_else(PoisonError::into_inner);
    // Who speaks before being asked, as SSH does, is not parsed at all.
    let babbles = error.is_canceled() && !first.is_empty();
    if error.is_parse() || babbles {
        let first_bytes = first.escape_ascii().to_string();
        return HttpError::NotHttp { reason: error.to_string(), first_bytes };
    }
    HttpError::Closed
}

/// A stream whose first bytes are remembered.
struct Tap {
    stream: Stream,
    first_bytes: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let mut first = self.first_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if first.len() < FIRST_BYTES {
            let new = buffer.filled().get(before..).unwrap_or_default();
            let room = FIRST_BYTES - first.len();
            first.extend(new.iter().take(room));
        }
        polled
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
