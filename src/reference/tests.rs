//! The whole server over 127.0.0.1, spoken to by a client of a few lines.

mod bugs;
mod life;
mod styles;

use super::bugs::{Bug, Bugs};
use super::{Hosted, Options, Running, Server};
use crate::spec::Spec;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Where a server is.
trait At {
    fn url(&self) -> &str;
}

impl At for Running {
    fn url(&self) -> &str {
        Self::url(self)
    }
}

impl At for Hosted {
    fn url(&self) -> &str {
        Self::url(self)
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn spec() -> Arc<Spec> {
    load(include_str!("../../specs/callback-ack.yaml"))
}

fn load(yaml: &str) -> Arc<Spec> {
    let properties =
        ["idempotency", "ordering", "at-least-once", "no-loss-on-reconnect", "ack-timeout"];
    let loaded = crate::spec::load("test.yaml", yaml, &properties);
    Arc::new(loaded.unwrap_or_else(|list| panic!("{list:?}")).spec)
}

async fn server(bugs: &[Bug]) -> Running {
    let bugs = bugs.iter().fold(Bugs::NONE, |set, bug| set.with(*bug));
    let options = Options { bugs, ..Options::default() };
    Server::start(spec(), options).await.unwrap()
}

fn token_of(claims: &Value, secret: &str) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).unwrap()
}

fn token(user: i64) -> String {
    token_of(&json!({ "userId": user, "exp": 4_000_000_000_u64 }), "assize-callback-ack")
}

struct Client {
    socket: WebSocketStream<TcpStream>,
    acks: i64,
    seen: VecDeque<String>,
}

impl Client {
    /// Opens the Engine.IO connection.
    async fn open(server: &impl At, path: &str) -> Self {
        let url = server.url();
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
        let url = format!("{url}{path}").replacen("http", "ws", 1);
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        let mut client = Self { socket, acks: 0, seen: VecDeque::new() };
        assert!(client.packet().await.starts_with("0{"));
        client
    }

    /// Connects with this CONNECT payload; `Err` has the payload of the CONNECT_ERROR.
    async fn enter(server: &impl At, auth: &Value) -> Result<Self, Value> {
        let mut client = Self::open(server, "/socket.io/?EIO=4&transport=websocket").await;
        client.raw(&format!("40{auth}")).await;
        let answer = client.packet().await;
        match answer.strip_prefix("44") {
            Some(error) => Err(serde_json::from_str(error).unwrap()),
            None => {
                assert!(answer.starts_with("40{"), "{answer}");
                Ok(client)
            }
        }
    }

    async fn connect(server: &impl At, user: i64) -> Self {
        Self::enter(server, &json!({ "token": token(user) })).await.unwrap()
    }

    async fn raw(&mut self, packet: &str) {
        self.socket.send(Message::text(packet)).await.unwrap();
    }

    async fn emit(&mut self, event: &Value) {
        self.raw(&format!("42{event}")).await;
    }

    /// Emits with an acknowledgement, and says under which number.
    async fn ask(&mut self, event: &Value) -> i64 {
        self.acks += 1;
        let id = self.acks;
        self.raw(&format!("42{id}{event}")).await;
        id
    }

    /// The next packet that is no ping. An end of the connection is an empty one.
    async fn packet(&mut self) -> String {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next());
            match next.await.expect("the server says nothing") {
                Some(Ok(Message::Text(text))) if text.as_str() == "2" => self.raw("3").await,
                Some(Ok(Message::Text(text))) => return text.to_string(),
                _ => return String::new(),
            }
        }
    }

    /// The first packet that begins like this; others wait their turn.
    async fn find(&mut self, start: &str) -> Value {
        let at = loop {
            if let Some(at) = self.seen.iter().position(|packet| packet.starts_with(start)) {
                break at;
            }
            let packet = self.packet().await;
            assert!(!packet.is_empty(), "the connection ended");
            self.seen.push_back(packet);
        };
        let packet = self.seen.remove(at).unwrap();
        serde_json::from_str(&packet[packet.find('[').unwrap()..]).unwrap()
    }

    async fn ack(&mut self, id: i64) -> Value {
        self.find(&format!("43{id}[")).await[0].clone()
    }

    async fn event(&mut self, name: &str) -> Value {
        self.find(&format!("42[\"{name}\"")).await[1].clone()
    }

    async fn send(&mut self, conversation: &Value, text: &str, key: &str) -> Value {
        let said = json!({ "text": text, "clientMessageId": key });
        let id = self.ask(&json!(["message:send", conversation, said])).await;
        self.ack(id).await
    }

    /// Everything that came before the answer to one more question.
    async fn silence(&mut self, conversation: &Value) -> Vec<String> {
        let answer = self.send(conversation, "", "none").await;
        assert_eq!(answer["success"], false);
        self.seen.drain(..).collect()
    }
}

async fn http(server: &impl At, method: &str, path: &str, user: i64, body: &Value) -> (u16, Value) {
    let token = format!("authorization: Bearer {}\r\n", token(user));
    request(server, method, path, &token, &body.to_string()).await
}

async fn request(
    server: &impl At,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, Value) {
    let url = server.url();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
    let status = answer[9..12].parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

async fn create(server: &impl At, members: &[i64]) -> Value {
    let body = json!({ "participants": members });
    let (status, answer) = http(server, "POST", "/api/conversations", members[0], &body).await;
    assert_eq!(status, 201);
    answer["id"].clone()
}

async fn history(server: &impl At, user: i64, conversation: &Value, query: &str) -> Vec<Value> {
    let path = format!("/api/conversations/{conversation}/messages{query}");
    let (status, answer) = http(server, "GET", &path, user, &Value::Null).await;
    assert_eq!(status, 200, "{answer}");
    answer["messages"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_message_is_acked_pushed_and_kept() {
    let server = server(&[]).await;
    let place = create(&server, &[100_001, 100_002]).await;
    let mut ann = Client::connect(&server, 100_001).await;
    let mut bob = Client::connect(&server, 100_002).await;
    let ack = ann.send(&place, "hello <b>", "key-1").await;
    assert_eq!(ack["success"], true);
    let pushed = bob.event("message:new").await;
    assert_eq!(pushed, ann.event("message:new").await, "echoed to the sender");
    assert_eq!(pushed["id"], ack["messageId"]);
    assert!(pushed["id"].is_i64() && pushed["createdAt"].is_string());
    assert_eq!(pushed["text"], "hello &lt;b&gt;");
    assert_eq!(pushed["senderId"], 100_001);
    assert_eq!(pushed["clientMessageId"], "key-1");
    let again = ann.send(&place, "hello <b>", "key-1").await;
    assert_eq!(again, ack);
    let rows = history(&server, 100_002, &place, "").await;
    assert_eq!(rows, [pushed], "history and live say the same");
    let (_, list) = http(&server, "GET", "/api/conversations", 100_002, &Value::Null).await;
    assert_eq!(list, json!({ "conversations": [{ "id": place }] }));
}

#[tokio::test]
async fn pipelined_sends_keep_their_order_for_everybody() {
    let server = server(&[]).await;
    let place = create(&server, &[1, 2]).await;
    let mut ann = Client::connect(&server, 1).await;
    let mut bob = Client::connect(&server, 2).await;
    for number in 0..10 {
        let said = json!({ "text": format!("n{number}"), "clientMessageId": number });
        ann.ask(&json!(["message:send", place, said])).await;
    }
    let mut times = Vec::new();
    for number in 0..10 {
        let pushed = bob.event("message:new").await;
        assert_eq!(pushed["text"], format!("n{number}"));
        times.push(pushed["createdAt"].as_str().unwrap().to_owned());
    }
    assert!(times.windows(2).all(|two| two[0] < two[1]), "{times:?}");
    let refused = ann.send(&place, "one too many", "11").await;
    assert_eq!(refused["success"], false);
    let since = format!("?since={}&limit=3", times[4].replace(':', "%3A"));
    let rows = history(&server, 2, &place, &since).await;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["text"], "n4", "`since` includes its own time");
}

#[tokio::test]
async fn the_same_key_at_once_on_two_devices_is_one_message() {
    for _ in 0..20 {
        let server = server(&[]).await;
        let place = create(&server, &[1, 2]).await;
        let (mut phone, mut desk) =
            tokio::join!(Client::connect(&server, 1), Client::connect(&server, 1));
        let (one, two) = tokio::join!(phone.send(&place, "hi", "k"), desk.send(&place, "hi", "k"));
        assert_eq!(one["success"], true);
        assert_eq!(one, two);
        assert_eq!(history(&server, 2, &place, "").await.len(), 1);
        server.stop().await;
    }
}

#[tokio::test]
async fn typing_receipts_and_presence_reach_the_others_only() {
    let server = server(&[]).await;
    let place = create(&server, &[1, 2]).await;
    let other = create(&server, &[1, 3]).await;
    let mut ann = Client::connect(&server, 1).await;
    let mut cat = Client::connect(&server, 3).await;
    let mut bob = Client::connect(&server, 2).await;
    assert_eq!(ann.event("user:online").await, 3);
    assert_eq!(ann.event("user:online").await, 2);
    ann.emit(&json!(["typing:start", place])).await;
    assert_eq!(bob.event("typing:start").await, 1);
    let id = ann.send(&place, "hi", "k").await["messageId"].clone();
    assert_eq!(bob.event("typing:stop").await, 1, "a message ends typing");
    bob.event("message:new").await;
    bob.emit(&json!(["message:read", id])).await;
    let receipt = ann.event("message:read").await;
    assert_eq!(receipt, json!({ "messageId": id, "readBy": 2 }));
    bob.emit(&json!(["typing:start", place])).await;
    ann.event("typing:start").await;
    drop(bob);
    assert_eq!(ann.event("typing:stop").await, 2, "a lost connection ends typing");
    assert_eq!(ann.event("user:offline").await, 2);
    assert_eq!(cat.silence(&other).await, [] as [String; 0]);
}

#[tokio::test]
async fn strangers_and_bad_tokens_are_refused_in_the_documented_words() {
    let server = server(&[]).await;
    let place = create(&server, &[1, 2]).await;
    let missing = json!({ "message": "Authentication token required" });
    let bad = json!({ "message": "Invalid or expired token" });
    let secret = "assize-callback-ack";
    let expired = token_of(&json!({ "userId": 1, "exp": 1_000_000_000 }), secret);
    let forged = token_of(&json!({ "userId": 1, "exp": 4_000_000_000_u64 }), "other");
    let endless = token_of(&json!({ "userId": 1 }), secret);
    let nobody = token_of(&json!({ "exp": 4_000_000_000_u64 }), secret);
    let none = "eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOjEsImV4cCI6NDAwMDAwMDAwMH0.";
    let entered = |auth: Value| Client::enter(&server, Box::leak(Box::new(auth)));
    for auth in [json!({}), json!({ "token": null }), json!([])] {
        assert_eq!(entered(auth).await.err(), Some(missing.clone()));
    }
    for token in [&expired, &forged, &endless, &nobody, none, "garbage", ""] {
        assert_eq!(entered(json!({ "token": token })).await.err(), Some(bad.clone()), "{token}");
        let header = format!("authorization: Bearer {token}\r\n");
        let (status, _) = request(&server, "GET", "/api/conversations", &header, "").await;
        assert_eq!(status, 401);
    }
    let (status, answer) =
        request(&server, "GET", &format!("/api/conversations/{place}/messages"), "", "").await;
    assert_eq!((status, answer), (401, json!({ "error": "Authentication token required" })));

    let mut eve = Client::connect(&server, 9).await;
    eve.emit(&json!(["conversation:join", place])).await;
    assert_eq!(eve.send(&place, "let me in", "k").await["success"], false);
    let path = format!("/api/conversations/{place}/messages");
    assert_eq!(http(&server, "GET", &path, 9, &Value::Null).await.0, 403);
    let mut ann = Client::connect(&server, 1).await;
    ann.send(&place, "secret", "k").await;
    assert_eq!(eve.silence(&place).await, [] as [String; 0]);
}

#[tokio::test]
async fn garbage_is_answered_as_documented_or_ends_its_own_connection() {
    let server = server(&[]).await;
    let place = create(&server, &[1, 2]).await;
    let mut ann = Client::connect(&server, 1).await;
    for question in [
        json!(["message:send"]),
        json!(["message:send", null, null]),
        json!(["message:send", place, { "text": "no key" }]),
        json!(["message:send", place, { "text": 17, "clientMessageId": "k" }]),
        json!(["message:send", { "$gt": 0 }, { "text": "hi", "clientMessageId": "k" }]),
        json!(["message:send", 1e300, { "text": "hi", "clientMessageId": "k" }]),
        json!(["message:send", place, { "text": "x".repeat(1001), "clientMessageId": "k" }]),
    ] {
        let id = ann.ask(&question).await;
        let answer = ann.ack(id).await;
        assert_eq!(answer["success"], false, "{question}");
        assert!(answer["error"].as_str().is_some_and(|text| !text.is_empty()));
    }
    for unanswered in [r#"42["no such event",1]"#, r#"42["typing:start",{}]"#, "43999[]"] {
        ann.raw(unanswered).await;
    }
    assert_eq!(ann.send(&place, "still here", "k").await["success"], true);
    for fatal in [
        "garbage",
        "42{",
        r#"42["message:send",1,{"text":"#,
        "",
        "45",
        "4",
        "42[1]",
        "451-[\"x\",{\"_placeholder\":true}]",
    ] {
        let mut broken = Client::connect(&server, 2).await;
        broken.raw(fatal).await;
        drop(broken);
    }
    for (method, path, body) in [
        ("POST", "/api/conversations", "{"),
        ("POST", "/api/conversations", r#"{"participants":"x"}"#),
        ("POST", "/api/conversations", r#"{"participants":[{"$ne":1}]}"#),
        ("GET", "/api/conversations/x/messages", ""),
        ("GET", "/api/conversations/1/messages?since=yesterday", ""),
        ("GET", "/api/conversations/1/messages?limit=-1", ""),
    ] {
        let header = format!("authorization: Bearer {}\r\n", token(1));
        let (status, answer) = request(&server, method, path, &header, body).await;
        assert!((400..500).contains(&status), "{method} {path} {body}: {status}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    assert_eq!(request(&server, "GET", "/nowhere", "", "").await.0, 404);
    let (status, health) = request(&server, "GET", "/health", "", "").await;
    assert_eq!((status, health), (200, json!({ "status": "ok" })));
    assert_eq!(ann.send(&place, "and still", "k2").await["success"], true);
}

#[tokio::test]
async fn whoever_connects_while_others_talk_misses_nothing() {
    for round in 0..10 {
        let server = server(&[]).await;
        let place = create(&server, &[1, 2]).await;
        let mut ann = Client::connect(&server, 1).await;
        let talk = async {
            for key in 0..10 {
                let said = json!({ "text": "hi", "clientMessageId": key });
                ann.ask(&json!(["message:send", place, said])).await;
            }
        };
        let come = async {
            let mut bob = Client::connect(&server, 2).await;
            let synced = history(&server, 2, &place, "").await;
            let mut ids: Vec<i64> = synced.iter().map(|row| row["id"].as_i64().unwrap()).collect();
            while ids.len() < 10 {
                let id = bob.event("message:new").await["id"].as_i64().unwrap();
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            ids.sort_unstable();
            ids
        };
        let ((), ids) = tokio::join!(talk, come);
        assert_eq!(ids, (1..=10).collect::<Vec<_>>(), "round {round}");
    }
}

#[tokio::test]
async fn a_new_conversation_is_live_for_those_who_are_connected() {
    let server = server(&[]).await;
    let mut bob = Client::connect(&server, 2).await;
    let place = create(&server, &[1, 2]).await;
    let mut ann = Client::connect(&server, 1).await;
    ann.send(&place, "hi", "k").await;
    assert_eq!(bob.event("message:new").await["text"], "hi");
}
