//! Against socketioxide: three modes, namespaces, acknowledgements, attachments, refusals.

use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use socketioxide::SocketIo as Server;
use socketioxide::extract::{AckSender, Data, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::{LONG, endpoint_of, socket_io};
use crate::transport::endpoint::Endpoint;
use crate::transport::engine_io::Mode;
use crate::transport::socket_io::{Incoming, Received, SocketIo};
use crate::transport::{Closed, ConnectError, Leave};
use crate::wire::attachments::push_placeholder;
use crate::wire::socket_io::{Kind, Packet};

const MODES: [Mode; 3] = [Mode::WebSocket, Mode::Polling, Mode::Upgrade];

#[derive(Deserialize)]
struct Auth {
    token: String,
}

async fn check(TryData(auth): TryData<Auth>) -> Result<(), &'static str> {
    let right = auth.is_ok_and(|auth| auth.token == "right");
    if right { Ok(()) } else { Err("wrong token") }
}

async fn greet(socket: SocketRef) {
    socket.emit("welcome", &socket.ns()).unwrap();
    socket.on("echo", async |socket: SocketRef, Data(value): Data<Value>, ack: AckSender| {
        let _ = socket.emit("echoed", &value);
        let _ = ack.send(&value);
    });
    socket.on("reverse", async |Data((a, b)): Data<(Bytes, Bytes)>, ack: AckSender| {
        let _ = ack.send(&(b, a));
    });
    socket.on("ask me", async |socket: SocketRef| {
        let answer = socket.emit_with_ack::<_, String>("question", &1).unwrap().await;
        let _ = socket.emit("answered", &answer.unwrap());
    });
    socket.on("kick", async |socket: SocketRef| {
        let _ = socket.disconnect();
    });
}

async fn server() -> Endpoint {
    let (layer, io) = Server::builder()
        .ping_interval(Duration::from_millis(100))
        .ping_timeout(LONG)
        .build_layer();
    io.ns("/", greet);
    io.ns("/private", greet.with(check));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = endpoint_of(&listener);
    tokio::spawn(async move { axum::serve(listener, Router::new().layer(layer)).await });
    endpoint
}

/// The next packet that is no heartbeat.
async fn packet(session: &mut SocketIo) -> Received {
    loop {
        match timeout(LONG, session.recv()).await.unwrap() {
            Incoming::Packet(received) => return received,
            Incoming::Ping => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn closed(session: &mut SocketIo) -> Closed {
    loop {
        match timeout(LONG, session.recv()).await.unwrap() {
            Incoming::Closed(closed) => return closed,
            Incoming::Ping | Incoming::Packet(_) => {}
            other @ Incoming::Malformed(_) => panic!("{other:?}"),
        }
    }
}

/// The next two packets, the acknowledgement first.
async fn ack_and_event(session: &mut SocketIo) -> (Received, Received) {
    let (first, second) = (packet(session).await, packet(session).await);
    if first.packet().kind.is_ack() { (first, second) } else { (second, first) }
}

#[tokio::test]
async fn events_and_acks_go_both_ways() {
    let endpoint = server().await;
    for mode in MODES {
        let mut session = SocketIo::open(&endpoint, &socket_io(mode, LONG)).await.unwrap();
        assert!(session.socket_id().is_some_and(|id| !id.is_empty()));
        assert_eq!(session.engine().websocket().is_some(), mode != Mode::Polling);
        assert_eq!(packet(&mut session).await.packet().data, r#"["welcome","/"]"#);

        session.emit("/", Some(7), r#"["echo",{"text":"héllo","n":1}]"#).unwrap();
        let (ack, event) = ack_and_event(&mut session).await;
        assert_eq!(ack.packet().ack, Some(7));
        assert_eq!(ack.packet().data, r#"[{"n":1,"text":"héllo"}]"#);
        assert_eq!(event.packet().event_name().as_deref(), Some("echoed"));

        session.emit("/", None, r#"["ask me"]"#).unwrap();
        let question = packet(&mut session).await;
        assert_eq!(question.packet().data, r#"["question",1]"#);
        session.answer("/", question.packet().ack.unwrap(), r#"["because"]"#).unwrap();
        assert_eq!(packet(&mut session).await.packet().data, r#"["answered","because"]"#);

        session.leave(Leave::Polite).await;
        assert_eq!(session.recv().await, Incoming::Closed(Closed::ByClient));
    }
}

#[tokio::test]
async fn attachments_go_both_ways() {
    let endpoint = server().await;
    for mode in MODES {
        let mut session = SocketIo::open(&endpoint, &socket_io(mode, LONG)).await.unwrap();
        packet(&mut session).await;
        let mut data = String::from(r#"["reverse","#);
        push_placeholder(0, &mut data);
        data.push(',');
        push_placeholder(1, &mut data);
        data.push(']');
        let sent = [Bytes::from_static(&[1, 2, 30, 4]), Bytes::from_static(&[0xff])];
        let packet_out =
            Packet { ack: Some(1), attachments: 2, data: &data, ..Packet::bare(Kind::BinaryEvent) };
        session.feed(&packet_out, &sent).unwrap();
        let answer = packet(&mut session).await;
        assert_eq!(answer.packet().kind, Kind::BinaryAck);
        assert_eq!(answer.attachments, [sent[1].clone(), sent[0].clone()]);
    }
}

#[tokio::test]
async fn namespaces_are_granted_and_refused() {
    let endpoint = server().await;
    for mode in MODES {
        let mut options = socket_io(mode, LONG);
        options.namespace = "/private".into();
        options.auth = Some(r#"{"token":"right"}"#.into());
        let mut session = SocketIo::open(&endpoint, &options).await.unwrap();
        let welcome = packet(&mut session).await;
        assert_eq!(welcome.packet().namespace, "/private");
        assert_eq!(welcome.packet().data, r#"["welcome","/private"]"#);

        session.connect("/", None).unwrap();
        assert_eq!(packet(&mut session).await.packet().kind, Kind::Connect);
        session.connect("/nowhere", None).unwrap();
        let mut refused = packet(&mut session).await;
        if refused.packet().kind == Kind::Event {
            refused = packet(&mut session).await;
        }
        assert_eq!(refused.packet().kind, Kind::ConnectError);
        assert_eq!(refused.packet().namespace, "/nowhere");

        options.auth = Some(r#"{"token":"wrong"}"#.into());
        let error = SocketIo::open(&endpoint, &options).await.unwrap_err();
        let ConnectError::ConnectRefused { namespace, payload, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(namespace, "/private");
        assert!(payload.contains("wrong token"), "{payload}");
    }
}

#[tokio::test]
async fn pings_are_answered_and_seen() {
    let endpoint = server().await;
    for mode in MODES {
        let mut session = SocketIo::open(&endpoint, &socket_io(mode, LONG)).await.unwrap();
        let mut pings = 0;
        while pings < 3 {
            match timeout(LONG, session.recv()).await.unwrap() {
                Incoming::Ping => pings += 1,
                Incoming::Packet(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_disconnects_is_heard() {
    let endpoint = server().await;
    for mode in MODES {
        let mut session = SocketIo::open(&endpoint, &socket_io(mode, LONG)).await.unwrap();
        session.emit("/", None, r#"["kick"]"#).unwrap();
        loop {
            let received = packet(&mut session).await;
            if received.packet().kind == Kind::Disconnect {
                break;
            }
        }
    }
}

#[tokio::test]
async fn every_way_to_leave_ends_the_session() {
    let endpoint = server().await;
    for mode in MODES {
        for how in [Leave::Reset, Leave::Fin, Leave::CloseFrame(4001), Leave::Polite] {
            let mut session = SocketIo::open(&endpoint, &socket_io(mode, LONG)).await.unwrap();
            session.leave(how).await;
            assert_eq!(closed(&mut session).await, Closed::ByClient);
            assert!(session.emit("/", None, "[1]").is_err());
            session.leave(Leave::Polite).await;
        }
    }
}

/// Asks for this echo, if there is one left to ask for.
fn ask(session: &mut SocketIo, number: usize, count: usize) {
    if number < count {
        session.emit("/", Some(number as u64), &format!(r#"["echo",{number}]"#)).unwrap();
    }
}

#[tokio::test]
async fn nothing_is_lost_or_seen_twice_though_reading_is_interrupted() {
    const COUNT: usize = 500;
    // The server drops what it has no room for, which is not what this is about.
    const AT_ONCE: usize = 16;
    let endpoint = server().await;
    for mode in MODES {
        let mut session = SocketIo::open(&endpoint, &socket_io(mode, LONG)).await.unwrap();
        packet(&mut session).await;
        (0..AT_ONCE).for_each(|number| ask(&mut session, number, COUNT));
        let mut seen = Vec::new();
        while seen.len() < COUNT {
            let incoming = tokio::select! {
                biased;
                () = tokio::task::yield_now() => continue,
                incoming = session.recv() => incoming,
            };
            match incoming {
                Incoming::Packet(received) => {
                    let Some(id) = received.packet().ack else {
                        continue;
                    };
                    ask(&mut session, seen.len() + AT_ONCE, COUNT);
                    seen.push(id);
                }
                Incoming::Ping => {}
                other => panic!("{other:?}"),
            }
        }
        seen.sort_unstable();
        assert!(seen.iter().copied().eq(0..COUNT as u64), "{mode:?}: {seen:?}");
    }
}
