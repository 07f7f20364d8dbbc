//! A session over long polling: one poll always under way, posts one after another.

use super::request::{Asked, ask, client};
use super::{Heard, Line, Order};
use crate::transport::endpoint::Endpoint;
use crate::transport::http::HttpClient;
use crate::wire::handshake::Open;
use hyper::header::HeaderMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// Between two polls that brought nothing: a server that answers at once must not be flooded.
const BREATH: Duration = Duration::from_millis(20);

/// Pongs and payloads that wait to be posted.
const UNPOSTED: usize = 64;

/// Opens a session and tells what comes. While `pongs` is up it answers the server's heartbeat.
pub(in crate::conform::wire) async fn polling(
    line: Line,
    endpoint: Endpoint,
    target: String,
    headers: HeaderMap,
    pongs: Arc<AtomicBool>,
    orders: mpsc::Receiver<Order>,
) {
    let client = client(&endpoint);
    let asked = Asked { method: "GET".to_owned(), target: target.clone(), body: None };
    let answer = ask(&client, &headers, asked).await;
    let Heard::Answer { status: 200, body } = &answer else {
        return line.hear(answer).await;
    };
    let opened = Open::decode_body(body);
    let text = String::from_utf8_lossy(body).into_owned();
    line.hear(Heard::Packet(text)).await;
    let Ok((open, _)) = opened else { return };
    let mut target = target + "&sid=";
    crate::wire::handshake::push_percent_encoded(&open.sid, &mut target);
    let session = Session { line, client, headers, target };
    let (pong, ponged) = mpsc::channel(UNPOSTED);
    tokio::select! {
        biased;
        end = session.poll(&pong, &pongs) => session.line.hear(Heard::Closed(end)).await,
        () = session.post(orders, ponged) => {}
    }
}

struct Session {
    line: Line,
    client: HttpClient,
    headers: HeaderMap,
    target: String,
}

impl Session {
    async fn ask(&self, method: &str, body: Option<Vec<u8>>) -> Heard {
        let asked = Asked { method: method.to_owned(), target: self.target.clone(), body };
        ask(&self.client, &self.headers, asked).await
    }

    /// Polls until the session is over; says why it is.
    async fn poll(&self, pong: &mpsc::Sender<()>, pongs: &AtomicBool) -> String {
        loop {
            let body = match self.ask("GET", None).await {
                Heard::Answer { status: 200, body } => body,
                Heard::Answer { status, .. } => return format!("a poll is answered {status}"),
                Heard::Cut(why) | Heard::Unreachable(why) => return why,
                _ => return "no poll can be made".to_owned(),
            };
            if body.is_empty() {
                tokio::time::sleep(BREATH).await;
                continue;
            }
            for packet in String::from_utf8_lossy(&body).split('\u{1e}') {
                if packet == "1" {
                    return "a close packet".to_owned();
                }
                self.line.hear(Heard::Packet(packet.to_owned())).await;
                if packet == "2" && pongs.load(Ordering::Relaxed) {
                    // A queue full of pongs says enough.
                    let _ = pong.try_send(());
                }
                if packet == "6" {
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    /// Posts what is ordered, and pongs, until there is nobody to order.
    async fn post(&self, mut orders: mpsc::Receiver<Order>, mut pongs: mpsc::Receiver<()>) {
        loop {
            let payload = tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Bytes(payload)) => payload,
                    Some(Order::Leave(_)) | None => return,
                },
                Some(()) = pongs.recv() => {
                    self.line.hear(Heard::Sent("3".to_owned())).await;
                    b"3".to_vec()
                }
            };
            let posted = match self.ask("POST", Some(payload)).await {
                Heard::Answer { status, .. } => Ok(status),
                Heard::Cut(why) | Heard::Unreachable(why) | Heard::Trouble(why) => Err(why),
                _ => continue,
            };
            self.line.hear(Heard::Posted(posted)).await;
        }
    }
}
