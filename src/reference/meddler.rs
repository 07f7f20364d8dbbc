//! The bugs below HTTP: a heartbeat that is not what the handshake says, and connections that are
//! closed for being idle.
//!
//! The server's own library keeps its heartbeat by its figures. To break it, it is given others,
//! and the handshake is corrected on its way out, byte for byte as long as it was: JSON does not
//! mind spaces behind a number. The honest server has no meddler.

use crate::reference::bugs::{Bug, Bugs};
use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};

/// A figure of the heartbeat that never comes about: an hour.
const NEVER: Duration = Duration::from_secs(3_600);

/// The two figures of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

impl Heartbeat {
    /// The heartbeat that a server with these bugs really keeps.
    pub(crate) const fn kept(self, bugs: Bugs) -> Self {
        Self {
            interval: if bugs.has(Bug::NoPings) { NEVER } else { self.interval },
            timeout: if bugs.has(Bug::DeadKept) { NEVER } else { self.timeout },
        }
    }
}

/// Accepts connections and meddles with their bytes.
pub(crate) struct Meddler {
    listener: TcpListener,
    corrections: Vec<(Vec<u8>, Vec<u8>)>,
    idle: Option<Duration>,
}

impl Meddler {
    /// A meddler, if these bugs need one.
    pub(crate) fn needed(bugs: Bugs) -> bool {
        [Bug::NoPings, Bug::DeadKept, Bug::IdleClosed].into_iter().any(|bug| bugs.has(bug))
    }

    pub(crate) fn new(listener: TcpListener, bugs: Bugs, said: Heartbeat) -> Self {
        let kept = said.kept(bugs);
        let corrections = [
            correction("pingInterval", kept.interval, said.interval),
            correction("pingTimeout", kept.timeout, said.timeout),
        ];
        let idle = bugs.has(Bug::IdleClosed).then(|| said.interval * 3 / 4);
        Self { listener, corrections: corrections.into_iter().flatten().collect(), idle }
    }
}

/// What stands in the handshake, and what has to stand there.
fn correction(name: &str, kept: Duration, said: Duration) -> Option<(Vec<u8>, Vec<u8>)> {
    let wrong = format!("\"{name}\":{}", kept.as_millis());
    let right = format!("\"{name}\":{}", said.as_millis());
    let width = wrong.len();
    (wrong != right).then(|| (wrong.into_bytes(), format!("{right:width$}").into_bytes()))
}

impl Listener for Meddler {
    type Io = Meddled;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Meddled, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let _ = stream.set_nodelay(true);
        let corrections = self.corrections.clone();
        let idle = self.idle.map(|patience| (patience, Box::pin(sleep(patience))));
        (Meddled { stream, corrections, idle, upgraded: false }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that is meddled with.
pub(crate) struct Meddled {
    stream: TcpStream,
    corrections: Vec<(Vec<u8>, Vec<u8>)>,
    /// How long nothing may come, and the timer of it.
    idle: Option<(Duration, Pin<Box<Sleep>>)>,
    /// It carries a WebSocket: only those are closed for being idle.
    upgraded: bool,
}

impl AsyncRead for Meddled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let upgraded = self.upgraded;
        let Some((patience, timer)) = self.idle.as_mut().filter(|_| upgraded) else { return read };
        if read.is_ready() {
            timer.as_mut().reset(Instant::now() + *patience);
            return read;
        }
        // Nothing read is the end of the stream.
        timer.as_mut().poll(cx).map(Ok)
    }
}

impl AsyncWrite for Meddled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.upgraded |= bytes.starts_with(b"HTTP/1.1 101");
        let corrected = corrected(bytes, &self.corrections);
        Pin::new(&mut self.stream).poll_write(cx, corrected.as_deref().unwrap_or(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The bytes with every correction, if there is anything to correct.
fn corrected(bytes: &[u8], corrections: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut changed: Option<Vec<u8>> = None;
    for (wrong, right) in corrections {
        let at = bytes.windows(wrong.len()).position(|window| window == wrong);
        if let Some(at) = at {
            let bytes = changed.get_or_insert_with(|| bytes.to_vec());
            bytes[at..at + right.len()].copy_from_slice(right);
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_is_corrected_and_as_long_as_before() {
        let said = Heartbeat { interval: Duration::from_secs(3), timeout: Duration::from_secs(2) };
        let bugs = Bugs::NONE.with(Bug::NoPings).with(Bug::DeadKept);
        let kept = said.kept(bugs);
        assert_eq!((kept.interval, kept.timeout), (NEVER, NEVER));
        let corrections: Vec<_> = [
            correction("pingInterval", kept.interval, said.interval),
            correction("pingTimeout", kept.timeout, said.timeout),
        ]
        .into_iter()
        .flatten()
        .collect();
        let before = br#"0{"sid":"x","pingInterval":3600000,"pingTimeout":3600000}"#;
        let after = corrected(before, &corrections).unwrap();
        assert_eq!(after.len(), before.len());
        let open: serde_json::Value = serde_json::from_slice(&after[1..]).unwrap();
        assert_eq!((&open["pingInterval"], &open["pingTimeout"]), (&3000.into(), &2000.into()));
        assert_eq!(corrected(b"42[\"hi\"]", &corrections), None);
        assert_eq!(said.kept(Bugs::NONE), said);
        assert_eq!(correction("pingInterval", said.interval, said.interval), None);
    }
}
