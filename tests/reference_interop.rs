//! The reference server against clients that are not ours: the official `socket.io-client` of Node
//! over each transport, and `rust_socketio` where it is built in. All say the same conversation.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use assize::reference::{Hosted, Options};
use assize::spec::Spec;
use assize::transport::endpoint::Endpoint;
use assize::transport::http::{HttpClient, HttpOptions, Request};
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
#[cfg(feature = "rust_socketio")]
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// Long enough for anything that is expected to happen.
const LONG: Duration = Duration::from_secs(20);

const ANN: i64 = 100_001;
const BOB: i64 = 100_002;

/// A client that is not ours.
#[derive(Clone, Copy, Debug)]
enum Make {
    /// `socket.io-client`, with the transports it may use.
    Node(&'static str),
    #[cfg(feature = "rust_socketio")]
    RustSocketio,
}

/// One client, and what it has told so far.
struct Peer {
    mouth: Mouth,
    told: UnboundedReceiver<Value>,
    unread: VecDeque<Value>,
    asked: u64,
}

enum Mouth {
    /// Its process is killed when it is dropped.
    Node(ChildStdin, #[expect(dead_code, reason = "lives as long as the client")] Child),
    #[cfg(feature = "rust_socketio")]
    RustSocketio(rust_socketio::asynchronous::Client, UnboundedSender<Value>),
}

impl Peer {
    async fn start(make: Make, url: &str, auth: &Value) -> Peer {
        let (mouth, told) = match make {
            Make::Node(transports) => node(url, transports, auth).await,
            #[cfg(feature = "rust_socketio")]
            Make::RustSocketio => second::start(url, auth).await,
        };
        Peer { mouth, told, unread: VecDeque::new(), asked: 0 }
    }

    async fn connect(make: Make, url: &str, user: i64) -> Peer {
        let mut peer = Peer::start(make, url, &json!({ "token": token(user) })).await;
        peer.hears(|line| line.get("connected").is_some()).await;
        peer
    }

    /// The first thing told that fits; what else was told stays unread.
    async fn hears(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.unread.iter().position(&fits) {
            return self.unread.remove(at).unwrap();
        }
        loop {
            let line = timeout(LONG, self.told.recv()).await;
            let line = line.unwrap_or_else(|_| panic!("not heard, but {:?}", self.unread));
            let line = line.unwrap_or_else(|| panic!("the client ended: {:?}", self.unread));
            if fits(&line) {
                return line;
            }
            self.unread.push_back(line);
        }
    }

    /// The argument of the next event of this name.
    async fn event(&mut self, name: &str) -> Value {
        self.hears(|line| line["event"][0] == name).await["event"][1].clone()
    }

    async fn message(&mut self, text: &str) -> Value {
        let fits =
            |line: &Value| line["event"][0] == "message:new" && line["event"][1]["text"] == text;
        self.hears(fits).await["event"][1].clone()
    }

    async fn emit(&mut self, event: Value) {
        match &mut self.mouth {
            Mouth::Node(commands, _) => command(commands, &json!({ "emit": event })).await,
            #[cfg(feature = "rust_socketio")]
            Mouth::RustSocketio(client, _) => second::emit(client, &event).await,
        }
    }

    /// Sends a message; what the server answers.
    async fn send(&mut self, place: &Value, text: &str, key: &str) -> Value {
        self.asked += 1;
        let number = self.asked;
        let event = json!(["message:send", place, { "text": text, "clientMessageId": key }]);
        match &mut self.mouth {
            Mouth::Node(commands, _) => {
                command(commands, &json!({ "emit": event, "ask": number })).await;
            }
            #[cfg(feature = "rust_socketio")]
            Mouth::RustSocketio(client, tell) => second::ask(client, tell, number, &event).await,
        }
        let answer = self.hears(|line| line["answer"] == number).await["with"].clone();
        assert_eq!(answer.as_array().map(Vec::len), Some(1), "{answer}");
        answer[0].clone()
    }

    async fn leave(&mut self) {
        match &mut self.mouth {
            Mouth::Node(commands, _) => {
                command(commands, &json!({ "leave": true })).await;
                let left = self.hears(|line| line.get("left").is_some()).await;
                assert_eq!(left["left"], "io client disconnect");
            }
            #[cfg(feature = "rust_socketio")]
            Mouth::RustSocketio(client, _) => client.disconnect().await.unwrap(),
        }
    }
}

async fn node(url: &str, transports: &str, auth: &Value) -> (Mouth, UnboundedReceiver<Value>) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");
    let prepared = Command::new(format!("{folder}/prepare")).status().await.unwrap();
    assert!(prepared.success(), "tests/node/prepare failed");
    let mut child = Command::new("node")
        .arg(format!("{folder}/client.mjs"))
        .args([url, transports, &auth.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let commands = child.stdin.take().unwrap();
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let _ = tell.send(serde_json::from_str(&line).unwrap());
        }
    });
    (Mouth::Node(commands, child), told)
}

async fn command(commands: &mut ChildStdin, line: &Value) {
    commands.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    commands.flush().await.unwrap();
}

/// `rust_socketio`, telling in the same words as the client of Node.
#[cfg(feature = "rust_socketio")]
mod second {
    use super::{LONG, Mouth};
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use rust_socketio::asynchronous::{Client, ClientBuilder};
    use rust_socketio::{Event, Payload, TransportType};
    use serde_json::{Value, json};
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    pub(super) async fn start(url: &str, auth: &Value) -> (Mouth, UnboundedReceiver<Value>) {
        let (tell, told) = unbounded_channel();
        let events = tell.clone();
        let client = ClientBuilder::new(url)
            .transport_type(TransportType::Websocket)
            .auth(auth.clone())
            .reconnect(false)
            .on(Event::Connect, telling(&tell, |_| json!({ "connected": true })))
            .on(Event::Error, telling(&tell, |words| json!({ "refused": words[0] })))
            .on_any(move |name, payload, _| {
                let event: Vec<Value> =
                    [Value::from(name.as_str())].into_iter().chain(values(payload)).collect();
                let _ = events.send(json!({ "event": event }));
                async {}.boxed()
            });
        let client = client.connect().await.unwrap();
        (Mouth::RustSocketio(client, tell), told)
    }

    pub(super) async fn emit(client: &Client, event: &Value) {
        let (name, arguments) = split(event);
        client.emit(name, arguments).await.unwrap();
    }

    pub(super) async fn ask(
        client: &Client,
        tell: &UnboundedSender<Value>,
        number: u64,
        event: &Value,
    ) {
        let (name, arguments) = split(event);
        let answered = telling(tell, move |answer| json!({ "answer": number, "with": answer[0] }));
        client.emit_with_ack(name, arguments, LONG, answered).await.unwrap();
    }

    fn telling(
        tell: &UnboundedSender<Value>,
        words: impl Fn(Vec<Value>) -> Value + Send + Sync + 'static,
    ) -> impl FnMut(Payload, Client) -> BoxFuture<'static, ()> + Send + Sync + 'static {
        let tell = tell.clone();
        move |payload, _| {
            let _ = tell.send(words(values(payload)));
            async {}.boxed()
        }
    }

    fn values(payload: Payload) -> Vec<Value> {
        match payload {
            Payload::Text(values) => values,
            other => panic!("{other:?}"),
        }
    }

    fn split(event: &Value) -> (&str, Vec<Value>) {
        let array = event.as_array().unwrap();
        (array[0].as_str().unwrap(), array[1..].to_vec())
    }
}

fn hosted() -> Hosted {
    let text = include_str!("../specs/callback-ack.yaml");
    let loaded =
        assize::spec::load("specs/callback-ack.yaml", text, &assize::property::ids()).unwrap();
    let spec: Arc<Spec> = Arc::new(loaded.spec);
    Hosted::start(spec, Options::default(), 1).unwrap()
}

fn token(user: i64) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(b"assize-callback-ack");
    let claims = json!({ "userId": user, "exp": 4_000_000_000_u64 });
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

async fn rest(url: &str, method: Method, path: &str, user: i64, body: &Value) -> (u16, Value) {
    let client = HttpClient::new(&Endpoint::parse(url).unwrap(), HttpOptions::default());
    let mut request = Request::new(method, path);
    let bearer = format!("Bearer {}", token(user)).parse().unwrap();
    request.headers.insert(AUTHORIZATION, bearer);
    if !body.is_null() {
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = body.to_string().into();
    }
    let answer = client.request(request).await.unwrap();
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap())
}

/// Who has no valid token is not let in, in the documented words.
async fn is_refused(make: Make, url: &str) {
    for (auth, words) in [
        (json!({}), "Authentication token required"),
        (json!({ "token": "garbage" }), "Invalid or expired token"),
    ] {
        let mut peer = Peer::start(make, url, &auth).await;
        let refused = peer.hears(|line| line.get("refused").is_some()).await;
        assert!(refused["refused"].as_str().unwrap().contains(words), "{make:?}: {refused}");
    }
}

/// Two people talk: everything the spec lets them do, and what both see of it.
async fn converses(make: Make, url: &str) {
    let members = json!({ "participants": [ANN, BOB] });
    let (status, made) = rest(url, Method::POST, "/api/conversations", ANN, &members).await;
    assert_eq!(status, 201, "{made}");
    let place = &made["id"];
    let mut ann = Peer::connect(make, url, ANN).await;
    let mut bob = Peer::connect(make, url, BOB).await;
    for (peer, text) in [(&mut ann, "first"), (&mut bob, "second")] {
        peer.emit(json!(["conversation:join", place])).await;
        // A connection's events are taken in order: its answer says that it has joined, too.
        assert_eq!(peer.send(place, text, text).await["success"], true);
    }

    let answer = ann.send(place, "third <ü>", "third").await;
    assert_eq!(answer["success"], true, "{answer}");
    let shown = bob.message("third &lt;ü&gt;").await;
    assert_eq!(ann.message("third &lt;ü&gt;").await, shown, "both see the same");
    assert_eq!(shown["id"], answer["messageId"]);
    assert_eq!((&shown["senderId"], &shown["conversationId"]), (&json!(ANN), place));
    assert_eq!(
        ann.send(place, "third <ü>", "third").await,
        answer,
        "the same key, the same answer"
    );

    ann.emit(json!(["typing:start", place])).await;
    assert_eq!(bob.event("typing:start").await, ANN);
    ann.emit(json!(["typing:stop", place])).await;
    assert_eq!(bob.event("typing:stop").await, ANN);
    bob.emit(json!(["message:read", shown["id"]])).await;
    let receipt = json!({ "messageId": shown["id"], "readBy": BOB });
    assert_eq!(ann.event("message:read").await, receipt);

    let path = format!("/api/conversations/{place}/messages");
    let (status, history) = rest(url, Method::GET, &path, BOB, &Value::Null).await;
    let rows = history["messages"].as_array().unwrap();
    let keys: Vec<&str> = rows.iter().filter_map(|row| row["clientMessageId"].as_str()).collect();
    assert_eq!((status, &keys[..]), (200, &["first", "second", "third"][..]), "{history}");
    assert_eq!(rows[2], shown, "history and live say the same");

    bob.leave().await;
    assert_eq!(ann.event("user:offline").await, BOB);
}

/// With the official client over these transports, the last of which it ends up with.
async fn serves_node(transports: &'static str) {
    let mut server = hosted();
    let make = Make::Node(transports);
    let url = server.url().to_owned();
    is_refused(make, &url).await;
    converses(make, &url).await;

    let mut ann = Peer::connect(make, &url, ANN).await;
    let last = transports.split(',').next_back().unwrap();
    ann.hears(|line| line["transport"] == last).await;
    server.pause().unwrap();
    let left = ann.hears(|line| line.get("left").is_some()).await;
    assert!(left["left"].as_str().unwrap().starts_with("transport "), "a crash is one: {left}");
}

#[tokio::test]
async fn the_official_client_converses_over_a_websocket() {
    serves_node("websocket").await;
}

#[tokio::test]
async fn the_official_client_converses_over_polling() {
    serves_node("polling").await;
}

#[tokio::test]
async fn the_official_client_converses_through_an_upgrade() {
    serves_node("polling,websocket").await;
}

#[cfg(feature = "rust_socketio")]
#[tokio::test]
async fn rust_socketio_converses() {
    let server = hosted();
    is_refused(Make::RustSocketio, server.url()).await;
    converses(Make::RustSocketio, server.url()).await;
}
