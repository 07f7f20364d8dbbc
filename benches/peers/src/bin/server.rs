//! The server that all generators are measured against: Socket.IO on a WebSocket, rooms, and as
//! little work per message as a server can do.
//!
//! It does almost nothing of what a chat server does (no rights, no deduplication, nothing on
//! disk), so that the generator is the bottleneck and not the server. It counts what it got and what
//! it gave, and says so at `/stats`: one count for all generators, whatever they claim themselves.

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// As Socket.IO's own server does it.
const PING: Duration = Duration::from_secs(25);
/// Rows of a history in one answer.
const PAGE: usize = 500;

type Shared = Rc<RefCell<Chat>>;

/// Everything the server knows.
#[derive(Default)]
struct Chat {
    rooms: HashMap<String, Room>,
    /// The rooms that were made for a user.
    places: HashMap<String, Vec<String>>,
    connections: u64,
    connected: u64,
    messages: u64,
    deliveries: u64,
    first_connected: Option<Instant>,
    last_connected: Option<Instant>,
}

#[derive(Default)]
struct Room {
    listeners: Vec<UnboundedSender<Utf8Bytes>>,
    /// Each message as it was broadcast.
    messages: Vec<Utf8Bytes>,
}

/// What a client says with `send`, its values as they came.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    room: &'a RawValue,
    #[serde(borrow)]
    text: &'a RawValue,
    #[serde(borrow)]
    key: &'a RawValue,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let chat = Shared::default();
    let serve = async {
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::task::spawn_local(connection(stream, Rc::clone(&chat)));
        }
    };
    tokio::task::LocalSet::new().run_until(serve).await
}

/// One connection: requests over HTTP until one of them asks for a WebSocket.
async fn connection(mut stream: TcpStream, chat: Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    while let Some(request) = Request::read(&mut stream, &mut bytes).await? {
        if let Some(key) = request.header("sec-websocket-key") {
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\
                 connection: upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await?;
            let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
            let socket =
                WebSocketStream::from_partially_read(stream, bytes, Role::Server, Some(config));
            let _ = talk(socket.await, chat).await;
            return Ok(());
        }
        let body = chat.borrow_mut().answer(&request);
        let (status, body) = body.map_or(("404 Not Found", "{}".into()), |body| ("200 OK", body));
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// A request over HTTP.
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// The next one; none at the end. What follows it stays in `bytes`.
    async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<Option<Self>> {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(bytes).await? == 0 {
                return Ok(None);
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        bytes.drain(..end);
        let mut request = Self { head, body: Vec::new() };
        let length: usize =
            request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        while bytes.len() < length {
            if stream.read_buf(bytes).await? == 0 {
                return Ok(None);
            }
        }
        request.body = bytes.drain(..length).collect();
        Ok(Some(request))
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    }
}

impl Chat {
    /// The answer to a request over HTTP.
    fn answer(&mut self, request: &Request) -> Option<String> {
        let target = request.head.split(' ').nth(1)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let words: Vec<&str> = path.split('/').skip(1).collect();
        match (request.head.split(' ').next()?, &words[..]) {
            ("GET", ["stats"]) => Some(self.stats()),
            ("POST", ["rooms"]) => self.make(&request.body),
            ("GET", ["rooms", room, "messages"]) => self.history(room, query),
            _ => None,
        }
    }

    fn stats(&self) -> String {
        let seconds = self.first_connected.zip(self.last_connected).map(|(first, last)| last - first);
        serde_json::json!({
            "connected": self.connected,
            "messages": self.messages,
            "deliveries": self.deliveries,
            "connections": self.connections,
            "connecting_seconds": seconds.unwrap_or_default().as_secs_f64(),
        })
        .to_string()
    }

    fn make(&mut self, body: &[u8]) -> Option<String> {
        #[derive(Deserialize)]
        struct Wanted {
            members: Vec<String>,
        }
        let wanted: Wanted = serde_json::from_slice(body).ok()?;
        let room = format!("r{}", self.rooms.len());
        self.rooms.insert(room.clone(), Room::default());
        for member in wanted.members {
            self.places.entry(member).or_default().push(room.clone());
        }
        Some(format!(r#"{{"id":"{room}"}}"#))
    }

    /// Messages after a number, a page of them.
    fn history(&self, room: &str, query: &str) -> Option<String> {
        let after = query.strip_prefix("after=").and_then(|text| text.parse().ok()).unwrap_or(0);
        let rows = self.rooms.get(room)?.messages.iter().skip(after).take(PAGE);
        let mut body = String::from("[");
        for (index, row) in rows.enumerate() {
            if index > 0 {
                body.push(',');
            }
            // Without the frame around it: `42["message",` and `]`.
            body.push_str(&row[13..row.len() - 1]);
        }
        body.push(']');
        Some(body)
    }

    fn enter(&mut self, room: &str, listener: &UnboundedSender<Utf8Bytes>) {
        if !self.rooms.contains_key(room) {
            self.rooms.insert(room.to_owned(), Room::default());
        }
        if let Some(room) = self.rooms.get_mut(room) {
            room.listeners.push(listener.clone());
        }
    }

    fn connected(&mut self, user: &str, listener: &UnboundedSender<Utf8Bytes>) {
        for room in self.places.get(user).cloned().unwrap_or_default() {
            self.enter(&room, listener);
        }
        self.connections += 1;
        self.connected += 1;
        self.last_connected = Some(Instant::now());
        self.first_connected = self.first_connected.or(self.last_connected);
    }

    /// Takes a message: the answer to its sender first, then a copy for everybody in the room.
    fn said(&mut self, ack: &str, user: &str, data: &str, sender: &UnboundedSender<Utf8Bytes>) {
        let Ok((_, Said { room, text, key })) = serde_json::from_str::<(&str, Said<'_>)>(data)
        else {
            return;
        };
        let name = room.get().trim_matches('"');
        let Some(place) = self.rooms.get_mut(name) else { return };
        let number = place.messages.len() + 1;
        let _ = sender.send(format!(r#"43{ack}[{{"ok":true,"id":"{name}.{number}","seq":{number}}}]"#).into());
        let mut row = String::with_capacity(160);
        let _ = write!(
            row,
            r#"42["message",{{"id":"{name}.{number}","room":{room},"seq":{number},"by":"{user}","text":{text},"key":{key}}}]"#,
        );
        let row = Utf8Bytes::from(row);
        place.listeners.retain(|listener| listener.send(row.clone()).is_ok());
        self.messages += 1;
        self.deliveries += place.listeners.len() as u64;
        place.messages.push(row);
    }
}

/// Counts a connection out again, however it ends.
struct Present(Shared);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.borrow_mut().connected -= 1;
    }
}

/// One Socket.IO client.
async fn talk(
    mut socket: WebSocketStream<TcpStream>,
    chat: Shared,
) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let open = r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    socket.send(Message::text(open)).await?;
    let (outbox, mut inbox) = unbounded_channel::<Utf8Bytes>();
    let mut pings = interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut user = String::new();
    let mut present = None;
    loop {
        tokio::select! {
            frame = socket.next() => {
                let Some(frame) = frame else { return Ok(()) };
                let Message::Text(text) = frame? else { continue };
                match text.as_bytes() {
                    [b'4', b'0', ..] => {
                        user = name(&text[2..]);
                        chat.borrow_mut().connected(&user, &outbox);
                        present = Some(Present(Rc::clone(&chat)));
                        let _ = outbox.send(r#"40{"sid":"s"}"#.into());
                    }
                    [b'4', b'1', ..] => return Ok(()),
                    [b'4', b'2', ..] if present.is_some() => event(&text[2..], &user, &chat, &outbox),
                    _ => {}
                }
            }
            Some(text) = inbox.recv() => {
                socket.feed(Message::Text(text)).await?;
                while let Ok(text) = inbox.try_recv() {
                    socket.feed(Message::Text(text)).await?;
                }
                socket.flush().await?;
            }
            _ = pings.tick() => socket.send(Message::text("2")).await?,
        }
    }
}

/// Who the client says it is: anything will do.
fn name(auth: &str) -> String {
    #[derive(Deserialize)]
    struct Auth {
        user: String,
    }
    serde_json::from_str::<Auth>(auth).map_or_else(|_| "somebody".to_owned(), |auth| auth.user)
}

fn event(packet: &str, user: &str, chat: &Shared, outbox: &UnboundedSender<Utf8Bytes>) {
    let data = packet.trim_start_matches(|c: char| c.is_ascii_digit());
    let ack = &packet[..packet.len() - data.len()];
    if data.starts_with(r#"["send""#) {
        chat.borrow_mut().said(ack, user, data, outbox);
    } else if let Ok(("join", room)) = serde_json::from_str::<(&str, &str)>(data) {
        chat.borrow_mut().enter(room, outbox);
        let _ = outbox.send(format!(r#"43{ack}[{{"ok":true}}]"#).into());
    }
}
