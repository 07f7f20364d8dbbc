//! A WebSocket, relayed frame by frame in both directions.

use super::{Bend, packets, parameter, raw};
use crate::reference::bugs::Bug;
use crate::transport::frame::{Frame, RawFrame, opcode};
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

/// Relays the handshake, and then what follows it.
pub(super) async fn relay(bend: &Arc<Bend>, mut request: Request) -> Response {
    if bend.bugs.has(Bug::UpgradesRefused) && parameter(&request, "sid").is_some() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let client = hyper::upgrade::on(&mut request);
    let mut answer = bend.forward(request).await;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return answer;
    }
    let server = hyper::upgrade::on(&mut answer);
    let bend = Arc::clone(bend);
    tokio::spawn(async move {
        if let Ok((client, server)) = tokio::try_join!(client, server) {
            match bend.path {
                Some(_) => carry(&bend, client, server).await,
                None => raw::carry(&bend, client, server).await,
            }
        }
    });
    let (parts, _) = answer.into_parts();
    Response::from_parts(parts, Body::empty())
}

/// Carries frames until one side ends, or the client is thrown out or was idle for too long.
async fn carry(bend: &Bend, client: Upgraded, server: Upgraded) {
    let (from_client, mut to_client) = tokio::io::split(TokioIo::new(client));
    let (from_server, mut to_server) = tokio::io::split(TokioIo::new(server));
    let said = Mutex::new(packets::Client::default());
    let heard = Notify::new();
    let up = async {
        pass(from_client, &mut to_server, |frame| {
            heard.notify_one();
            let text = std::str::from_utf8(&frame.payload).ok()?;
            let passes = lock(&said).passes(bend, text);
            (!passes).then(Vec::new)
        })
        .await;
        let _ = to_server.shutdown().await;
        // The server has the last word.
        std::future::pending::<()>().await;
    };
    let down = pass(from_server, &mut to_client, |frame| {
        let text = std::str::from_utf8(&frame.payload).ok()?;
        let bent = packets::by_server(bend, text, true);
        let frame =
            |text: &str| RawFrame { mask: None, ..RawFrame::text(text.as_bytes()) }.encode();
        Some(bent.map(|text| frame(&text)).unwrap_or_default())
    });
    tokio::select! {
        biased;
        () = up => {}
        () = down => {}
        () = thrown_out(bend, &said) => {}
        () = idle(bend, &heard) => {}
    }
    let _ = to_client.shutdown().await;
}

/// Waits until the client's person is thrown out.
async fn thrown_out(bend: &Bend, said: &Mutex<packets::Client>) {
    let mut news = bend.thrown_out.subscribe();
    while let Ok(whose) = news.recv().await {
        if lock(said).connect.as_ref() == Some(&whose) {
            return;
        }
    }
    // So much news that some was missed: nobody is thrown out for that.
    std::future::pending::<()>().await;
}

/// Waits until nothing was heard for three quarters of a ping interval, where that is a bug.
async fn idle(bend: &Bend, heard: &Notify) {
    if !bend.bugs.has(Bug::IdleClosed) {
        return std::future::pending().await;
    }
    let patience = bend.told.ping_interval * 3 / 4;
    while tokio::time::timeout(patience, heard.notified()).await.is_ok() {}
}

fn lock(said: &Mutex<packets::Client>) -> MutexGuard<'_, packets::Client> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes frames on; `bend` says what goes instead of a whole text frame, if not itself.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    to: &mut (impl AsyncWrite + Unpin),
    mut bend: impl FnMut(&Frame) -> Option<Vec<u8>>,
) {
    let mut unread = Vec::new();
    loop {
        while let Some((frame, taken)) = Frame::decode(&unread) {
            let whole_text = frame.opcode == opcode::TEXT && frame.last && frame.reserved_bits == 0;
            let instead = if whole_text { bend(&frame) } else { None };
            let bytes = instead.as_deref().unwrap_or(&unread[..taken]);
            if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
                return;
            }
            unread.drain(..taken);
        }
        if !matches!(from.read_buf(&mut unread).await, Ok(1..)) {
            // What is left of a frame that was cut is passed on as it is.
            let _ = to.write_all(&unread).await;
            return;
        }
    }
}
