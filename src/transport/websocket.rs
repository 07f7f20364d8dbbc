//! A WebSocket client: text and binary in and out, small buffers, and what no library would do.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream as _};
use hyper::header::HeaderMap;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};

use super::closed::{Closed, Leave, SendError};
use super::endpoint::Endpoint;
use super::error::ConnectError;
use super::stream::{ConnectOptions, Deadline, Stream, connect_until};
use super::text::Text;
use handshake::shake_hands;

mod handshake;

/// Bytes read at once, and bytes gathered before they are written without a flush. Each client has
/// a buffer of this size as long as it is connected, and a chat's messages are small.
const BUFFER_BYTES: usize = 2048;

/// How long a polite close waits for the server to close as well.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// How to open a WebSocket.
#[derive(Debug, Clone)]
pub struct WebSocketOptions {
    /// How to connect.
    pub connect: ConnectOptions,
    /// Headers beside those of the handshake: `Authorization`, `Cookie`, `Sec-WebSocket-Protocol`.
    pub headers: HeaderMap,
    /// The most bytes of a received message, in one frame or in many.
    pub message_bytes_max: usize,
    /// The most bytes that wait for the server to read.
    pub unsent_bytes_max: usize,
}

impl Default for WebSocketOptions {
    /// 16 MiB in, 16 MiB waiting to go out.
    fn default() -> Self {
        WebSocketOptions {
            connect: ConnectOptions::default(),
            headers: HeaderMap::new(),
            message_bytes_max: 16 << 20,
            unsent_bytes_max: 16 << 20,
        }
    }
}

/// What arrives over a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
    /// The connection is no more; said again however often it is asked.
    Closed(Closed),
}

/// What leaves over a WebSocket; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
}

impl Outgoing {
    /// A text message.
    #[must_use]
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Outgoing::Text(text.into())
    }

    /// Bytes of the message.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Outgoing::Text(text) => text.len(),
            Outgoing::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether the message has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An open WebSocket, used from one task.
pub struct WebSocket {
    /// `None` after it was left.
    inner: Option<WebSocketStream<Stream>>,
    unflushed: bool,
    closed: Option<Closed>,
    unsent_bytes_max: usize,
}

impl WebSocket {
    /// Connects and shakes hands for `target` (path and query).
    ///
    /// # Errors
    /// Why there is no WebSocket; [`ConnectError::NotWebSocket`] has status and body of a refusal.
    pub async fn open(
        endpoint: &Endpoint,
        target: &str,
        options: &WebSocketOptions,
    ) -> Result<WebSocket, ConnectError> {
        let deadline = Deadline::after(options.connect.timeout);
        Self::open_until(endpoint, target, options, deadline).await
    }

    /// Connects and shakes hands, and hands over the connection without a codec, with the bytes
    /// that arrived behind the answer: for who reads and writes frames by hand.
    ///
    /// # Errors
    /// As [`WebSocket::open`].
    pub async fn open_bare(
        endpoint: &Endpoint,
        target: &str,
        options: &WebSocketOptions,
    ) -> Result<(Stream, Vec<u8>), ConnectError> {
        let deadline = Deadline::after(options.connect.timeout);
        Self::open_bare_until(endpoint, target, options, deadline).await
    }

    async fn open_bare_until(
        endpoint: &Endpoint,
        target: &str,
        options: &WebSocketOptions,
        deadline: Deadline,
    ) -> Result<(Stream, Vec<u8>), ConnectError> {
        let mut stream = connect_until(endpoint, &options.connect, deadline).await?;
        let authority = endpoint.authority();
        let tail = shake_hands(&mut stream, &authority, target, &options.headers, deadline).await?;
        Ok((stream, tail))
    }

    /// Connects until a deadline that holds for more than the WebSocket.
    pub(super) async fn open_until(
        endpoint: &Endpoint,
        target: &str,
        options: &WebSocketOptions,
        deadline: Deadline,
    ) -> Result<WebSocket, ConnectError> {
        let (stream, tail) = Self::open_bare_until(endpoint, target, options, deadline).await?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_write_buffer_size(options.unsent_bytes_max.max(2 * BUFFER_BYTES))
            .max_message_size(Some(options.message_bytes_max))
            .max_frame_size(Some(options.message_bytes_max));
        let inner =
            WebSocketStream::from_partially_read(stream, tail, Role::Client, Some(config)).await;
        let unsent_bytes_max = options.unsent_bytes_max;
        Ok(WebSocket { inner: Some(inner), unflushed: false, closed: None, unsent_bytes_max })
    }

    /// Waits for what arrives next, and sends meanwhile what was fed. Safe to cancel.
    pub async fn recv(&mut self) -> Incoming {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Takes a message to be sent; it leaves with [`WebSocket::flush`] or the next
    /// [`WebSocket::recv`].
    ///
    /// # Errors
    /// [`SendError::Full`] if the server does not read, [`SendError::Closed`].
    pub fn feed(&mut self, outgoing: Outgoing) -> Result<(), SendError> {
        let message = match outgoing {
            Outgoing::Text(text) => Message::Text(text),
            Outgoing::Binary(bytes) => Message::Binary(bytes),
        };
        self.feed_message(message)
    }

    /// Sends a message and what was fed before it.
    ///
    /// It waits for as long as the server does not read; [`WebSocket::feed`] does not.
    ///
    /// # Errors
    /// [`SendError::Full`] and [`SendError::Closed`].
    pub async fn send(&mut self, outgoing: Outgoing) -> Result<(), SendError> {
        self.feed(outgoing)?;
        self.flush().await
    }

    /// Sends what was fed. Safe to cancel.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub async fn flush(&mut self) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_flush(cx)).await.map_err(SendError::Closed)
    }

    /// Writes bytes under the codec: a broken frame, half a frame, or anything at all.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub async fn inject(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.flush().await?;
        let Some(inner) = &mut self.inner else {
            return Err(SendError::Closed(Closed::ByClient));
        };
        let stream = inner.get_mut();
        let mut written = stream.write_all(bytes).await;
        if written.is_ok() {
            written = stream.flush().await;
        }
        written.map_err(|error| SendError::Closed(self.end(Closed::of_io(&error))))
    }

    /// Leaves the connection; afterwards it is [`Closed::ByClient`].
    pub async fn leave(&mut self, how: Leave) {
        let closed_before = self.closed.replace(Closed::ByClient).is_some();
        let Some(inner) = self.inner.take() else {
            return;
        };
        match how {
            Leave::Reset => inner.into_inner().reset(),
            _ if closed_before => drop(inner),
            Leave::Fin => inner.into_inner().finish().await,
            Leave::CloseFrame(code) => {
                let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
                close(inner, Some(frame)).await;
            }
            Leave::Polite => close(inner, None).await,
        }
    }

    /// What arrives next.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        // A failed flush shows again in the read, together with what arrived before it.
        let _ = self.poll_flush(cx);
        loop {
            if let Some(closed) = &self.closed {
                return Poll::Ready(Incoming::Closed(closed.clone()));
            }
            let Some(inner) = &mut self.inner else {
                self.closed = Some(Closed::ByClient);
                continue;
            };
            match std::task::ready!(Pin::new(inner).poll_next(cx)) {
                Some(Ok(Message::Text(text))) => {
                    return Poll::Ready(Incoming::Text(Text::from(text)));
                }
                Some(Ok(Message::Binary(bytes))) => return Poll::Ready(Incoming::Binary(bytes)),
                Some(Ok(Message::Close(frame))) => {
                    // The answer to the close frame is queued; this sends it, if it can be sent.
                    self.unflushed = true;
                    let _ = self.poll_flush(cx);
                    self.closed = Some(close_frame(frame));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => self.closed = Some(closed_by(&error)),
                None => self.closed = Some(Closed::Fin),
            }
        }
    }

    /// Sends what was fed.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(Err(Closed::ByClient));
        };
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        match std::task::ready!(Pin::new(inner).poll_flush(cx)) {
            Ok(()) => {
                self.unflushed = false;
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                self.unflushed = false;
                Poll::Ready(Err(closed_by(&error)))
            }
        }
    }

    fn feed_message(&mut self, message: Message) -> Result<(), SendError> {
        if let Some(closed) = &self.closed {
            return Err(SendError::Closed(closed.clone()));
        }
        let Some(inner) = &mut self.inner else {
            return Err(SendError::Closed(Closed::ByClient));
        };
        match Pin::new(inner).start_send(message) {
            Ok(()) => {
                self.unflushed = true;
                Ok(())
            }
            Err(WsError::WriteBufferFull(_)) => {
                Err(SendError::Full { limit: self.unsent_bytes_max })
            }
            Err(error) => Err(SendError::Closed(closed_by(&error))),
        }
    }

    /// Marks the connection as ended; the first reason stays.
    fn end(&mut self, closed: Closed) -> Closed {
        self.closed.get_or_insert(closed).clone()
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("closed", &self.closed).finish_non_exhaustive()
    }
}

/// Sends a close frame and waits, not for long, until the server closes as well.
async fn close(mut inner: WebSocketStream<Stream>, frame: Option<CloseFrame>) {
    let goodbye = async {
        if inner.close(frame).await.is_ok() {
            while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut inner).poll_next(cx)).await {}
        }
    };
    let _ = timeout(CLOSE_WAIT, goodbye).await;
    inner.into_inner().finish().await;
}

fn close_frame(frame: Option<CloseFrame>) -> Closed {
    match frame {
        None => Closed::CloseFrame { code: None, reason: String::new() },
        Some(frame) => Closed::CloseFrame {
            code: Some(frame.code.into()),
            reason: frame.reason.as_str().to_owned(),
        },
    }
}

fn closed_by(error: &WsError) -> Closed {
    match error {
        WsError::Io(error) => Closed::of_io(error),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | WsError::ConnectionClosed
        | WsError::AlreadyClosed => Closed::Fin,
        WsError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            Closed::TooBig { bytes: *size, limit: *max_size }
        }
        other => Closed::BadFrame { reason: other.to_string() },
    }
}
