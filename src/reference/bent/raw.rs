//! A raw WebSocket, relayed frame by frame, by rules that RFC 6455 does not have.

use super::Bend;
use crate::reference::bugs::{Bug, Bugs};
use crate::transport::frame::{Frame, RawFrame, opcode};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The bugs that are done here.
pub(super) const RAW: &[Bug] = &[
    Bug::MaskIgnored,
    Bug::ReservedIgnored,
    Bug::UtfUnchecked,
    Bug::FragmentsApart,
    Bug::PongEmpty,
    Bug::CloseUnanswered,
    Bug::UnfinishedBlocks,
];

/// Carries frames until one side ends.
pub(super) async fn carry(bend: &Bend, client: Upgraded, server: Upgraded) {
    let (from_client, mut to_client) = tokio::io::split(TokioIo::new(client));
    let (from_server, mut to_server) = tokio::io::split(TokioIo::new(server));
    let bugs = bend.bugs;
    let up = async {
        let mut reading = Reading { all: Arc::clone(&bend.reading), mine: None };
        let mut unread = Vec::new();
        let mut from = from_client;
        while let Some(frame) = next(&mut from, &mut unread).await {
            if bugs.has(Bug::UnfinishedBlocks) {
                reading.waits_for_others(&frame).await;
            }
            if let Some(frame) = by_client(bugs, frame)
                && to_server.write_all(&written(&frame, true)).await.is_err()
            {
                break;
            }
            let _ = to_server.flush().await;
        }
        drop(reading);
        let _ = to_server.write_all(&unread).await;
        let _ = to_server.shutdown().await;
        // The server has the last word.
        std::future::pending::<()>().await;
    };
    let down = async {
        let mut unread = Vec::new();
        let mut from = from_server;
        while let Some(mut frame) = next(&mut from, &mut unread).await {
            if bugs.has(Bug::PongEmpty) && frame.opcode == opcode::PONG {
                frame.payload.clear();
            }
            if to_client.write_all(&written(&frame, false)).await.is_err() {
                break;
            }
            let _ = to_client.flush().await;
        }
    };
    tokio::select! {
        biased;
        () = up => {}
        () = down => {}
    }
    let _ = to_client.shutdown().await;
}

/// Who reads: by a bug, one message at a time over all connections.
struct Reading {
    all: Arc<Mutex<()>>,
    mine: Option<OwnedMutexGuard<()>>,
}

impl Reading {
    async fn waits_for_others(&mut self, frame: &Frame) {
        if frame.is_control() {
            return;
        }
        if self.mine.is_none() {
            self.mine = Some(Arc::clone(&self.all).lock_owned().await);
        }
        if frame.last {
            self.mine = None;
        }
    }
}

/// The next frame; `None` at the end, when `unread` has what is left.
async fn next(from: &mut (impl AsyncReadExt + Unpin), unread: &mut Vec<u8>) -> Option<Frame> {
    loop {
        if let Some((frame, taken)) = Frame::decode(unread) {
            unread.drain(..taken);
            return Some(frame);
        }
        if !matches!(from.read_buf(unread).await, Ok(1..)) {
            return None;
        }
    }
}

/// What becomes of a client's frame; `None`: the server never hears of it.
fn by_client(bugs: Bugs, mut frame: Frame) -> Option<Frame> {
    if bugs.has(Bug::MaskIgnored) {
        frame.masked = true;
    }
    if bugs.has(Bug::ReservedIgnored) {
        frame.reserved_bits = 0;
        match frame.opcode {
            3..=7 => frame.opcode = opcode::TEXT,
            11.. => return None,
            _ => {}
        }
    }
    if bugs.has(Bug::UtfUnchecked) && frame.opcode == opcode::TEXT && frame.last {
        frame.payload = String::from_utf8_lossy(&frame.payload).into_owned().into_bytes();
    }
    if bugs.has(Bug::FragmentsApart) && !frame.is_control() {
        frame.last = true;
        if frame.opcode == opcode::CONTINUE {
            frame.opcode = opcode::TEXT;
        }
    }
    let unanswered = bugs.has(Bug::CloseUnanswered) && frame.opcode == opcode::CLOSE;
    (!unanswered).then_some(frame)
}

fn written(frame: &Frame, by_client: bool) -> Vec<u8> {
    let text = RawFrame::text(&frame.payload);
    RawFrame {
        opcode: frame.opcode,
        last: frame.last,
        reserved_bits: frame.reserved_bits,
        mask: text.mask.filter(|_| by_client && frame.masked),
        payload: &frame.payload,
    }
    .encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, last: bool, payload: &[u8]) -> Frame {
        Frame { opcode, last, reserved_bits: 4, masked: false, payload: payload.to_vec() }
    }

    #[test]
    fn each_bug_bends_its_own_frames_only() {
        let bent = |bug, frame| by_client(Bugs::NONE.with(bug), frame);
        let plain = frame(opcode::TEXT, false, b"a\xff");
        assert_eq!(by_client(Bugs::NONE, plain.clone()), Some(plain.clone()));
        assert!(bent(Bug::MaskIgnored, plain.clone()).unwrap().masked);
        assert_eq!(bent(Bug::ReservedIgnored, plain.clone()).unwrap().reserved_bits, 0);
        assert_eq!(bent(Bug::ReservedIgnored, frame(11, true, b"")), None);
        assert_eq!(bent(Bug::UtfUnchecked, plain.clone()), Some(plain.clone()));
        let whole = bent(Bug::UtfUnchecked, frame(opcode::TEXT, true, b"a\xff")).unwrap();
        assert_eq!(whole.payload, "a\u{fffd}".as_bytes());
        let rest = bent(Bug::FragmentsApart, frame(opcode::CONTINUE, false, b"x")).unwrap();
        assert_eq!((rest.opcode, rest.last), (opcode::TEXT, true));
        assert_eq!(bent(Bug::CloseUnanswered, frame(opcode::CLOSE, true, b"")), None);
    }
}
