//! A WebSocket whose frames are written and read by hand.

use super::{Heard, Line, Order};
use crate::conform::wire::script::Departure;
use crate::conform::wire::tongue::Heart;
use crate::transport::endpoint::Endpoint;
use crate::transport::frame::{Frame, RawFrame, opcode};
use crate::transport::stream::Stream;
use crate::transport::websocket::{WebSocket, WebSocketOptions};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// The most bytes of one message that are read; a server that sends more is hung up on.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Longer than any case: who does not ping.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// Whose heartbeat is kept up.
pub(in crate::conform::wire) enum Beat {
    /// That of Engine.IO.
    EngineIo,
    /// That of an application on a raw WebSocket.
    Frames(Box<Heart>),
}

/// Opens a WebSocket and tells what comes. While `pongs` is up it does its part of the heartbeat.
pub(in crate::conform::wire) async fn socket(
    line: Line,
    endpoint: Endpoint,
    target: String,
    options: WebSocketOptions,
    (beat, pongs): (Beat, Arc<AtomicBool>),
    mut orders: mpsc::Receiver<Order>,
) {
    let (stream, tail) = match WebSocket::open_bare(&endpoint, &target, &options).await {
        Ok(opened) => opened,
        Err(error) => return line.hear(Heard::of_connect(&error)).await,
    };
    line.hear(Heard::Opened).await;
    let (every, ping) = match &beat {
        Beat::Frames(heart) => heart.beats(),
        Beat::EngineIo => None,
    }
    .unwrap_or((NEVER, String::new()));
    let mut due = Instant::now() + every;
    let (message, kind) = (Vec::new(), 0);
    let mut socket = Socket { line, stream, unread: tail, message, kind, beat, pongs };
    let mut left = None;
    let end = loop {
        if let Some(end) = socket.read_frames().await {
            break end;
        }
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                None => return,
                // A broken connection shows again in the read, with what arrived before.
                Some(Order::Bytes(bytes)) => drop(socket.stream.write_all(&bytes).await),
                Some(Order::Leave(Departure::Close(code))) => {
                    socket.write(opcode::CLOSE, &code.to_be_bytes()).await;
                }
                Some(Order::Leave(how)) => {
                    left = Some(how);
                    break "left".to_owned();
                }
            },
            () = sleep_until(due) => {
                due += every;
                socket.beat(&ping).await;
            }
            read = socket.stream.read_buf(&mut socket.unread) => match read {
                Ok(0) => break "end of the stream".to_owned(),
                Ok(_) => {}
                Err(error) => break reason(&error),
            },
        }
    };
    match left {
        Some(Departure::Reset) => socket.stream.reset(),
        _ => socket.stream.finish().await,
    }
    socket.line.hear(Heard::Closed(end)).await;
}

struct Socket {
    line: Line,
    stream: Stream,
    unread: Vec<u8>,
    /// The pieces of a message so far, and the kind of its first.
    message: Vec<u8>,
    kind: u8,
    beat: Beat,
    pongs: Arc<AtomicBool>,
}

impl Socket {
    /// Takes the complete frames from what was read; says why the connection is over, if it is.
    async fn read_frames(&mut self) -> Option<String> {
        while let Some((frame, taken)) = Frame::decode(&self.unread) {
            self.unread.drain(..taken);
            if frame.masked || frame.reserved_bits != 0 {
                return Some("a frame that RFC 6455 forbids a server".to_owned());
            }
            let over = self.take(frame).await;
            if over.is_some() {
                return over;
            }
        }
        let gathered = self.unread.len() + self.message.len();
        (gathered > MESSAGE_BYTES_MAX).then(|| "a message without end".to_owned())
    }

    async fn take(&mut self, frame: Frame) -> Option<String> {
        match frame.opcode {
            opcode::CLOSE => {
                self.write(opcode::CLOSE, &frame.payload).await;
                let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                return Some(match code {
                    Some(code) => format!("close frame {code}"),
                    None => "close frame".to_owned(),
                });
            }
            opcode::PING => self.write(opcode::PONG, &frame.payload).await,
            opcode::PONG => self.line.hear(Heard::Pong(frame.payload)).await,
            _ => {
                if frame.opcode != opcode::CONTINUE {
                    self.kind = frame.opcode;
                    self.message.clear();
                }
                self.message.extend_from_slice(&frame.payload);
                if frame.last {
                    return self.deliver().await;
                }
            }
        }
        None
    }

    /// Hands over a whole message; says why the session is over, if this says so.
    async fn deliver(&mut self) -> Option<String> {
        let message = std::mem::take(&mut self.message);
        if self.kind == opcode::BINARY {
            self.line.hear(Heard::Packet(format!("b{}", STANDARD.encode(message)))).await;
            return None;
        }
        let text = String::from_utf8_lossy(&message).into_owned();
        let pong = match &self.beat {
            Beat::EngineIo if text == "1" => return Some("a close packet".to_owned()),
            Beat::EngineIo => (text == "2").then(|| "3".to_owned()),
            Beat::Frames(heart) => heart.answer(&text),
        };
        self.line.hear(Heard::Packet(text)).await;
        if let Some(pong) = pong {
            self.beat(&pong).await;
        }
        None
    }

    /// Sends its part of the heartbeat, if it still does.
    async fn beat(&mut self, text: &str) {
        if self.pongs.load(Ordering::Relaxed) {
            self.write(opcode::TEXT, text.as_bytes()).await;
            self.line.hear(Heard::Sent(text.to_owned())).await;
        }
    }

    async fn write(&mut self, opcode: u8, payload: &[u8]) {
        let frame = RawFrame { opcode, ..RawFrame::text(payload) };
        let _ = self.stream.write_all(&frame.encode()).await;
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "reset".to_owned(),
        _ => error.to_string(),
    }
}
