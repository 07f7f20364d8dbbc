//! Raw WebSockets against the reference server.

use super::{Approach, Arrival, Caller, Session};
use crate::engine::people::{Papers, Registry};
use crate::history::PersonId;
use crate::reference::{Bug, Bugs, Options, Running, Server};
use crate::scalar::Scalar;
use crate::spec::{Hole, Spec};
use crate::transport::ConnectError;
use crate::transport::endpoint::Endpoint;
use std::sync::Arc;
use std::time::Duration;

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
