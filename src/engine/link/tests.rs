//! Raw WebSockets, and first messages over Socket.IO, against the reference server.

use super::{Approach, Arrival, Bookmark, Caller, Session};
use crate::engine::people::{Papers, Registry, enrol_at};
use crate::history::PersonId;
use crate::reference::{Bug, Bugs, Options, Running, Server};
use crate::scalar::Scalar;
use crate::spec::{Hole, Spec};
use crate::transport::ConnectError;
use crate::transport::endpoint::Endpoint;
use crate::transport::stream::{ConnectOptions, connect};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A spec of this folder, altered.
fn spec(name: &str, alter: impl Fn(String) -> String) -> Arc<Spec> {
    let path = format!("{}/specs/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let yaml = alter(std::fs::read_to_string(path).unwrap());
    Arc::new(crate::spec::load("spec.yaml", &yaml, &crate::property::ids()).unwrap().spec)
}

async fn serve(spec: &Arc<Spec>, bugs: Bugs) -> (Running, Endpoint) {
    let options = Options { bugs, ..Options::default() };
    let server = Server::start(Arc::clone(spec), options).await.unwrap();
    let mut endpoint = Endpoint::parse(server.url()).unwrap();
    endpoint.resolve(Duration::from_secs(5)).await.unwrap();
    (server, endpoint)
}

async fn open(
    endpoint: &Endpoint,
    spec: &Arc<Spec>,
    papers: &Papers,
    places: Vec<Scalar>,
) -> Result<Session, ConnectError> {
    let caller = Caller { places, ..Caller::plain(papers) };
    Approach::frames(spec).open(endpoint, spec, caller).await
}

fn papers(spec: &Arc<Spec>) -> Papers {
    Registry::open(spec).unwrap().papers(PersonId(0), 0).unwrap()
}

/// The next frame, whatever else comes.
async fn frame(session: &mut Session) -> String {
    loop {
        match session.recv().await {
            Arrival::Frame(text, _) => return text.to_string(),
            Arrival::Closed(why) => panic!("closed: {why}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_client_is_greeted_logs_in_and_asks() {
    let spec = spec("frames", |yaml| yaml);
    let (_server, endpoint) = serve(&spec, Bugs::NONE).await;
    let papers = papers(&spec);
    let mut session = open(&endpoint, &spec, &papers, Vec::new()).await.unwrap();
    let user = session.bound().and_then(|bound| bound.get(Hole::USER)).cloned();
    assert_eq!(user.as_ref(), papers.bindings.get(Hole::USER));
    session.frame(None, r#"{"type":"rooms","id":7}"#).unwrap();
    assert_eq!(frame(&mut session).await, r#"{"type":"rooms","id":7,"rooms":[]}"#);
    assert!(session.emit(None, "[]").is_err(), "no Socket.IO here");
}

#[tokio::test]
async fn a_login_that_is_refused_has_the_servers_words() {
    let spec = spec("frames", |yaml| yaml);
    let (_server, endpoint) = serve(&spec, Bugs::NONE).await;
    let mut papers = papers(&spec);
    papers.bindings.set(Hole::TOKEN, "rubbish");
    let Err(error) = open(&endpoint, &spec, &papers, Vec::new()).await else { panic!("let in") };
    let payload = r#"{"type":"refused","reason":"the token is not valid now"}"#.to_owned();
    assert_eq!(error, ConnectError::LoginRefused { payload, before: 0 });
}

#[tokio::test]
async fn a_server_of_another_subprotocol_is_none_for_us() {
    let other = spec("frames", |yaml| yaml.replace("frames.v1 }", "frames.v2 }"));
    let (_server, endpoint) = serve(&other, Bugs::NONE).await;
    let ours = spec("frames", |yaml| yaml);
    let opened = open(&endpoint, &ours, &papers(&ours), Vec::new()).await;
    assert!(matches!(opened, Err(ConnectError::BadUpgrade { .. })));
}

#[tokio::test]
async fn a_missing_pong_ends_the_connection_and_a_pong_is_none_of_the_clients_business() {
    let quick =
        |yaml: String| yaml.replace("every: 2s, dead-after: 5s", "every: 20ms, dead-after: 5s");
    let honest = spec("frames", quick);
    let (_server, endpoint) = serve(&honest, Bugs::NONE).await;
    let mut session = open(&endpoint, &honest, &papers(&honest), Vec::new()).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(session.recv().await, Arrival::Ping));
    }
    let mute = spec("frames", |yaml| quick(yaml).replace("dead-after: 5s", "dead-after: 60ms"));
    let (_server, endpoint) = serve(&mute, Bugs::NONE.with(Bug::NoPings)).await;
    let mut session = open(&endpoint, &mute, &papers(&mute), Vec::new()).await.unwrap();
    assert_eq!(session.heartbeat(), Some((Duration::from_millis(20), Duration::from_millis(40))));
    let Arrival::Closed(why) = session.recv().await else { panic!("still there") };
    assert!(why.starts_with(crate::history::NO_PING), "{why}");
}

#[tokio::test]
async fn where_the_server_pings_it_is_answered_and_missed() {
    let pinging = |dead: &str| {
        let theirs = format!(
            r#"answers: "ping::$stamp", send: "pong::$stamp", every: 20ms, dead-after: {dead}"#
        );
        let ours = "send: { type: ping }, expect: { type: pong }, every: 2s, dead-after: 5s";
        spec("frames", |yaml| yaml.replace(ours, &theirs))
    };
    let honest = pinging("400ms");
    let (_server, endpoint) = serve(&honest, Bugs::NONE).await;
    let mut session = open(&endpoint, &honest, &papers(&honest), Vec::new()).await.unwrap();
    // Long enough that a server that heard no pong would have ended it.
    for _ in 0..30 {
        assert!(matches!(session.recv().await, Arrival::Ping));
    }
    let mute = pinging("60ms");
    let (_server, endpoint) = serve(&mute, Bugs::NONE.with(Bug::NoPings)).await;
    let mut session = open(&endpoint, &mute, &papers(&mute), Vec::new()).await.unwrap();
    let Arrival::Closed(why) = session.recv().await else { panic!("still there") };
    assert!(why.starts_with(crate::history::NO_PING), "{why}");
}

#[tokio::test]
async fn a_conversation_without_a_socket_gets_one_or_is_barred() {
    let spec = spec("rooms", |yaml| yaml);
    let (_server, endpoint) = serve(&spec, Bugs::NONE).await;
    let mut session = open(&endpoint, &spec, &papers(&spec), Vec::new()).await.unwrap();
    session.frame(Some(&Scalar::Int(77)), r#"{"typing":true}"#).unwrap();
    let Arrival::Barred(place, why) = session.recv().await else { panic!("let in") };
    assert_eq!(place, Scalar::Int(77));
    assert!(why.contains("403"), "{why}");
    let refused = open(&endpoint, &spec, &papers(&spec), vec![Scalar::Int(77)]).await;
    assert!(matches!(refused, Err(ConnectError::NotWebSocket { status: 403, .. })));
}

/// A room that the person of these papers makes with somebody else.
async fn make_room(endpoint: &Endpoint, papers: &Papers) -> Scalar {
    let of = |hole| papers.bindings.get(hole).unwrap().to_string();
    let body = format!(r#"{{"members":[{},1]}}"#, of(Hole::USER));
    let (token, length) = (of(Hole::TOKEN), body.len());
    let request = format!(
        "POST /rooms HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    let mut stream = connect(endpoint, &ConnectOptions::default()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let made = answer.split_once("\r\n\r\n").unwrap().1;
    let made: serde_json::Value = serde_json::from_str(made).unwrap();
    Scalar::Int(made["room"].as_i64().unwrap())
}

#[tokio::test]
async fn who_enters_a_further_conversation_waits_for_its_socket() {
    let spec = spec("rooms", |yaml| yaml);
    let (_server, endpoint) = serve(&spec, Bugs::NONE).await;
    let papers = papers(&spec);
    let mut session = open(&endpoint, &spec, &papers, Vec::new()).await.unwrap();
    let place = make_room(&endpoint, &papers).await;
    assert!(!session.enter(&place), "nothing can be heard there");
    assert!(!session.enter(&place), "it is on its way");
    assert!(matches!(session.recv().await, Arrival::Entered));
    assert!(session.enter(&place));
    session.frame(Some(&place), r#"{"say":{"text":"hi","key":"k"}}"#).unwrap();
    assert!(frame(&mut session).await.contains(r#""text":"hi""#));
}

/// What a person holds who registered and logged in over the socket.
async fn enrolled(spec: &Arc<Spec>, endpoint: &Endpoint, person: u32) -> Papers {
    let registry = Registry::open(spec).unwrap();
    enrol_at(&registry, endpoint, PersonId(person)).await.unwrap();
    registry.papers(PersonId(person), 0).unwrap()
}

/// The data of the next event or acknowledgement, whatever else comes.
async fn packet(session: &mut Session) -> String {
    loop {
        match session.recv().await {
            Arrival::Packet(received) => return received.packet().data.to_owned(),
            Arrival::Closed(why) => panic!("closed: {why}"),
            _ => {}
        }
    }
}

async fn talk(endpoint: &Endpoint, spec: &Arc<Spec>, caller: Caller<'_>) -> Session {
    Approach::of(spec, None).unwrap().open(endpoint, spec, caller).await.unwrap()
}

#[tokio::test]
async fn who_registers_by_messages_is_greeted_and_says_who_they_are_first() {
    let spec = spec("lobby", |yaml| yaml);
    let (_server, endpoint) = serve(&spec, Bugs::NONE).await;
    let ann = enrolled(&spec, &endpoint, 0).await;
    let mut session = talk(&endpoint, &spec, Caller::plain(&ann)).await;
    let bound = |hole| session.bound().and_then(|bound| bound.get(hole)).cloned();
    assert_eq!(bound(Hole::USER), ann.bindings.get(Hole::USER).cloned());
    assert!(bound(Hole::CURSOR).is_some());
    session.emit(Some(1), r#"["rooms",{}]"#).unwrap();
    assert_eq!(packet(&mut session).await, r#"[{"ok":true,"rooms":[]}]"#);
    // A stranger may ask for nothing.
    let mut stranger = talk(&endpoint, &spec, Caller::stranger(&ann)).await;
    stranger.emit(Some(1), r#"["rooms",{}]"#).unwrap();
    let said = loop {
        match stranger.recv().await {
            Arrival::Packet(received) if received.packet().kind.is_ack() => break "an answer",
            Arrival::Packet(received) if received.text().starts_with('1') => break "goodbye",
            Arrival::Closed(_) => break "goodbye",
            _ => {}
        }
    };
    assert_eq!(said, "goodbye");
}

#[tokio::test]
async fn a_first_message_that_is_refused_is_told_with_the_servers_words() {
    let spec = spec("lobby", |yaml| yaml);
    let (_server, endpoint) = serve(&spec, Bugs::NONE).await;
    let mut ann = enrolled(&spec, &endpoint, 0).await;
    for (token, told) in [(Some("garbage"), "the token is not valid"), (None, "there is no token")]
    {
        ann.bindings = match token {
            Some(token) => ann.bindings.with(Hole::TOKEN, token),
            None => ann.bindings.without(Hole::TOKEN),
        };
        let opened = Approach::of(&spec, None).unwrap();
        let refused = opened.open(&endpoint, &spec, Caller::plain(&ann)).await.err();
        let Some(ConnectError::LoginRefused { payload, before: 0 }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(payload, format!(r#"[{{"ok":false,"error":"{told}"}}]"#));
    }
}

#[tokio::test]
async fn a_cursor_in_the_first_message_brings_what_was_missed() {
    for (bugs, missed) in [(Bugs::NONE, true), (Bugs::NONE.with(Bug::ResumeForgets), false)] {
        let spec = spec("lobby", |yaml| yaml);
        let (_server, endpoint) = serve(&spec, bugs).await;
        let (ann, bob) = (enrolled(&spec, &endpoint, 0).await, enrolled(&spec, &endpoint, 1).await);
        let bookmark = Bookmark::default();
        let coming = || Caller { bookmark: bookmark.clone(), ..Caller::plain(&bob) };
        let away = talk(&endpoint, &spec, coming()).await;
        away.leave(crate::transport::Leave::Polite).await;
        let mut session = talk(&endpoint, &spec, Caller::plain(&ann)).await;
        let user = bob.bindings.get(Hole::USER).unwrap();
        session.emit(Some(1), &format!(r#"["open",{{"with":["{user}"]}}]"#)).unwrap();
        let opened: serde_json::Value = serde_json::from_str(&packet(&mut session).await).unwrap();
        let say = format!(r#"["say",{{"room":{},"text":"hi","key":"k"}}]"#, opened[0]["room"]);
        session.emit(Some(2), &say).unwrap();
        while !packet(&mut session).await.contains(r#""ok":true"#) {}
        let mut back = talk(&endpoint, &spec, coming()).await;
        back.emit(Some(1), r#"["rooms",{}]"#).unwrap();
        let mut seen = false;
        loop {
            let data = packet(&mut back).await;
            seen |= data.starts_with(r#"["said""#) && data.contains(r#""text":"hi""#);
            if data.contains("rooms") {
                break;
            }
        }
        assert_eq!(seen, missed);
    }
}

#[tokio::test]
async fn name_and_password_can_be_the_first_message() {
    let spec = spec("lobby", |yaml| {
        let from = yaml.find("  login:\n").unwrap();
        let to = yaml.find("  create:\n").unwrap();
        let yaml = yaml.replace(&yaml[from..to], "").replace("  token: by-server\n", "");
        let hello = "[hello, { token: $token, after: $cursor? }]";
        yaml.replace(hello, "[hello, { name: $name, password: $password, after: $cursor? }]")
    });
    let (_server, endpoint) = serve(&spec, Bugs::NONE).await;
    let mut ann = enrolled(&spec, &endpoint, 0).await;
    let mut session = talk(&endpoint, &spec, Caller::plain(&ann)).await;
    session.emit(Some(1), r#"["rooms",{}]"#).unwrap();
    assert!(packet(&mut session).await.contains("rooms"));
    ann.bindings.set(Hole::PASSWORD, "another");
    let approach = Approach::of(&spec, None).unwrap();
    let refused = approach.open(&endpoint, &spec, Caller::plain(&ann)).await.err();
    assert!(matches!(refused, Some(ConnectError::LoginRefused { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_welcome_that_is_another_is_told_with_the_difference() {
    let welcome = "  welcome: [welcome, { version: 3 }]\n";
    let spoken = spec("lobby", |yaml| yaml);
    let (_server, endpoint) = serve(&spoken, Bugs::NONE).await;
    let ann = enrolled(&spoken, &endpoint, 0).await;
    let told = |instead: &str| {
        let quick = |yaml: String| yaml.replace("timeout: 10s", "timeout: 300ms");
        let spec = spec("lobby", |yaml| quick(yaml.replace(welcome, instead)));
        let (endpoint, ann) = (endpoint.clone(), ann.clone());
        async move {
            let approach = Approach::of(&spec, None).unwrap();
            approach.open(&endpoint, &spec, Caller::plain(&ann)).await.err()
        }
    };
    assert_eq!(told("  welcome: { sid: $_ }\n").await, None);
    let other = told("  welcome: { sid: $_, motd: $_ }\n").await;
    assert!(matches!(&other, Some(ConnectError::NotWelcome { how }) if how.contains("/motd")));
    let other = told("  welcome: [greetings]\n").await;
    assert!(matches!(other, Some(ConnectError::TimedOut { .. })), "{other:?}");
}

/// `frames` with accounts of its own, and a login that says how far the client has come.
fn framed(yaml: &str) -> String {
    let at = yaml.find("people:\n").unwrap();
    let end = yaml.find("do:\n").unwrap();
    let accounts = "do:
  register:
    frame: { type: register, id: $request, name: $name, password: $password }
    reply: { type: registered, id: $request, user: $user }
    error: { type: error, id: $request, reason: $error }
  login:
    frame: { type: session, id: $request, name: $name, password: $password }
    reply: { type: session, id: $request, token: $token }
    error: { type: error, id: $request, reason: $error }
";
    yaml.replace(&yaml[at..end], "people: { ids: by-server, token: by-server }\n\n")
        .replacen("do:\n", accounts, 1)
        .replace(
            "{ type: login, token: $token }",
            "{ type: login, token: $token, after: $cursor? }",
        )
        .replace("{ type: ready, user: $user }", "{ type: ready, user: $user, cursor: $cursor }")
}

#[tokio::test]
async fn over_a_raw_websocket_people_register_log_in_and_come_back_by_frames() {
    let spec = spec("frames", |yaml| framed(&yaml));
    let (_server, endpoint) = serve(&spec, Bugs::NONE).await;
    let (ann, bob) = (enrolled(&spec, &endpoint, 0).await, enrolled(&spec, &endpoint, 1).await);
    let bookmark = Bookmark::default();
    let coming = || Caller { bookmark: bookmark.clone(), ..Caller::plain(&bob) };
    let away = talk(&endpoint, &spec, coming()).await;
    away.leave(crate::transport::Leave::Polite).await;
    let mut session = talk(&endpoint, &spec, Caller::plain(&ann)).await;
    let user = bob.bindings.get(Hole::USER).unwrap();
    session.frame(None, &format!(r#"{{"type":"open","id":1,"with":["{user}"]}}"#)).unwrap();
    let opened: serde_json::Value = serde_json::from_str(&frame(&mut session).await).unwrap();
    let room = &opened["room"];
    let say = format!(r#"{{"type":"say","id":2,"room":{room},"text":"hi","key":"k"}}"#);
    session.frame(None, &say).unwrap();
    while !frame(&mut session).await.contains(r#""type":"said""#) {}
    let mut back = talk(&endpoint, &spec, coming()).await;
    while !frame(&mut back).await.contains(r#""text":"hi""#) {}
}
