//! The second client against a server of a few lines that says what each test wants.

use super::{Second, Session};
use crate::transport::endpoint::Endpoint;
use crate::transport::socket_io::{Incoming, Options};
use crate::transport::{ConnectError, Leave};
use crate::wire::socket_io::Kind;
use futures_util::{FutureExt, SinkExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

const PATIENCE: Duration = Duration::from_secs(20);

/// The server's side of a connection.
struct Server {
    socket: WebSocketStream<TcpStream>,
    target: String,
    cookie: String,
    connect: String,
}

impl Server {
    /// Accepts a connection as far as to its wish for the namespace.
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut target, mut cookie) = (String::new(), String::new());
        #[expect(clippy::result_large_err, reason = "the callback's type is given")]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            target = request.uri().to_string();
            let header = request.headers().get("cookie");
            cookie = header.map_or("", |value| value.to_str().unwrap()).to_owned();
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, look).await.unwrap();
        let mut server = Self { socket, target, cookie, connect: String::new() };
        let open = r#"{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
        server.say(&format!("0{open}")).await;
        assert_eq!(server.hear().await, "3", "the pong that nobody asked for");
        server.connect = server.hear().await;
        server
    }

    async fn say(&mut self, packet: &str) {
        self.socket.send(Message::text(packet)).await.unwrap();
    }

    /// The next packet; empty at the end of the connection.
    async fn hear(&mut self) -> String {
        match timeout(PATIENCE, self.socket.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => text.to_string(),
            _ => String::new(),
        }
    }
}

/// Opens a connection to a server that answers the wish for the namespace like this.
async fn open(
    second: &Arc<Second>,
    options: &Options,
    answer: &str,
) -> (Result<Session, ConnectError>, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let endpoint = Endpoint::parse(&url).unwrap();
    let serve = async {
        let mut server = Server::accept(&listener).await;
        server.say(answer).await;
        server
    };
    tokio::join!(second.open(&endpoint, options), serve)
}

async fn pair(second: &Arc<Second>) -> (Session, Server) {
    let (session, server) = open(second, &Options::default(), r#"40{"sid":"x"}"#).await;
    (session.unwrap(), server)
}

async fn recv(session: &mut Session) -> Incoming {
    timeout(PATIENCE, session.recv()).await.unwrap()
}

async fn text(session: &mut Session) -> String {
    match recv(session).await {
        Incoming::Packet(received) => received.text().to_string(),
        other => panic!("{other:?}"),
    }
}

/// The number that stands before the array of a request.
fn number(request: &str) -> &str {
    request.strip_prefix("42").unwrap().split('[').next().unwrap()
}

#[tokio::test]
async fn the_handshake_is_the_persons() {
    let mut options = Options { namespace: "/chat".into(), ..Options::default() };
    options.auth = Some(r#"{"token":"t"}"#.into());
    options.engine.path = "/live/".into();
    options.engine.query = "v=1".into();
    options.engine.headers.insert("cookie", "a=b".parse().unwrap());
    let second = Second::new(PATIENCE);
    let (session, mut server) = open(&second, &options, r#"40/chat,{"sid":"x"}"#).await;
    let mut session = session.unwrap();
    assert_eq!(server.target, "/live/?v=1&EIO=4&transport=websocket");
    assert_eq!(server.cookie, "a=b");
    assert_eq!(server.connect, r#"40/chat,{"token":"t"}"#);
    server.say(r#"42/chat,["news",1,{"a":[null]}]"#).await;
    assert_eq!(text(&mut session).await, r#"2/chat,["news",1,{"a":[null]}]"#);
    session.emit(None, r#"["open",{"b":"ü"}]"#).unwrap();
    assert_eq!(server.hear().await, r#"42/chat,["open",{"b":"ü"}]"#);
}

#[tokio::test]
async fn one_request_is_under_way_at_a_time_and_each_answer_finds_its_own() {
    let (mut session, mut server) = pair(&Second::new(PATIENCE)).await;
    session.emit(Some(7), r#"["ask","seven"]"#).unwrap();
    assert!(!session.holds_back());
    session.emit(Some(8), r#"["ask","eight"]"#).unwrap();
    assert!(session.holds_back());
    for (ack, word) in [(7, "seven"), (8, "eight")] {
        let request = server.hear().await;
        assert!(request.ends_with(&format!(r#"["ask","{word}"]"#)), "{request}");
        server.say(r#"42["still there",1]"#).await;
        assert_eq!(text(&mut session).await, r#"2["still there",1]"#);
        assert!(server.socket.next().now_or_never().is_none(), "the next one waits");
        server.say(&format!(r#"43{}["{word}",{{"id":1}}]"#, number(&request))).await;
        assert_eq!(text(&mut session).await, format!(r#"3{ack}["{word}",{{"id":1}}]"#));
    }
    session.emit(None, r#"["last",1]"#).unwrap();
    assert_eq!(server.hear().await, r#"42["last",1]"#);
    assert!(!session.holds_back());
    assert_eq!(session.second.waited.load(super::Relaxed), 1);
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_any_more_ends_the_connection() {
    let second = Second::new(Duration::ZERO);
    let (mut session, mut server) = pair(&second).await;
    session.emit(Some(1), r#"["ask","one"]"#).unwrap();
    session.emit(Some(2), r#"["ask","two"]"#).unwrap();
    let one = server.hear().await;
    assert!(server.hear().await.ends_with(r#"["ask","two"]"#), "it does not wait for ever");
    server.say(&format!("43{}[1]", number(&one))).await;
    let Incoming::Closed(why) = recv(&mut session).await else { panic!("it goes on") };
    assert!(why.to_string().contains("too late"), "{why}");
    assert_eq!(recv(&mut session).await, Incoming::Closed(why), "said again");
    assert_eq!(second.late.load(super::Relaxed), 1);
    drop(session);
    assert_eq!((server.hear().await, server.hear().await), ("41".into(), "1".into()));
}

#[tokio::test]
async fn names_that_the_crate_keeps_for_itself_still_arrive_with_objects() {
    let (mut session, mut server) = pair(&Second::new(PATIENCE)).await;
    for name in ["error", "open", "close", "message", "Custom"] {
        server.say(&format!(r#"42["{name}",{{"why":"x"}}]"#)).await;
        assert_eq!(text(&mut session).await, format!(r#"2["{name}",{{"why":"x"}}]"#));
    }
}

#[tokio::test]
async fn each_end_is_heard_and_leaves_nothing_open() {
    let second = Second::new(PATIENCE);
    let (mut session, mut server) = pair(&second).await;
    server.socket.close(None).await.unwrap();
    let serve = async move {
        assert_eq!(server.hear().await, "", "the client's close frame, after which TCP ends");
    };
    let (end, ()) = tokio::join!(recv(&mut session), serve);
    assert!(matches!(end, Incoming::Closed(_)), "a close frame");

    let (mut session, server) = pair(&second).await;
    drop(server);
    assert!(matches!(recv(&mut session).await, Incoming::Closed(_)), "the stream's end");

    let (mut session, mut server) = pair(&second).await;
    server.say("41").await;
    let Incoming::Packet(goodbye) = recv(&mut session).await else { panic!("no packet") };
    assert_eq!(goodbye.packet().kind, Kind::Disconnect);
    drop(session);
    assert_eq!(server.hear().await, "", "the server's goodbye needs no answer");
}

#[tokio::test]
async fn a_refusal_has_its_reason_and_closes() {
    let second = Second::new(PATIENCE);
    let answer = r#"44{"message":"Invalid or expired token"}"#;
    let (session, mut server) = open(&second, &Options::default(), answer).await;
    let payload = r#"{"message":"Invalid or expired token"}"#.to_owned();
    let expected = ConnectError::ConnectRefused { namespace: "/".into(), payload, before: 0 };
    assert_eq!(session.err(), Some(expected));
    assert_eq!(server.hear().await, "");
}

#[tokio::test]
async fn nobody_there_is_an_error_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (endpoint, options) = (Endpoint::parse(&url).unwrap(), Options::default());
    let opened = Second::new(PATIENCE).open(&endpoint, &options).await;
    let Err(ConnectError::OtherClient { reason }) = opened else { panic!("it connected") };
    assert!(reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn whatever_way_it_shall_leave_it_says_goodbye() {
    for how in [Leave::Polite, Leave::Reset, Leave::Fin, Leave::CloseFrame(1001)] {
        let (mut session, mut server) = pair(&Second::new(PATIENCE)).await;
        session.emit(None, r#"["last",1]"#).unwrap();
        session.flush().await;
        session.leave(how).await;
        for packet in [r#"42["last",1]"#, "41", "1"] {
            assert_eq!(server.hear().await, packet, "{how:?}");
        }
    }
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let mut options = Options::default();
    options.engine.unsent_bytes_max = 1_000;
    let (session, _server) = open(&Second::new(PATIENCE), &options, r#"40{"sid":"x"}"#).await;
    let mut session = session.unwrap();
    let event = format!(r#"["x","{}"]"#, "y".repeat(600));
    assert!(session.emit(None, &event).is_ok());
    let full = session.emit(None, &event).unwrap_err();
    assert!(full.to_string().contains("1000 bytes"), "{full}");
    session.flush().await;
    assert!(session.emit(None, &event).is_ok(), "there is room again");
}
