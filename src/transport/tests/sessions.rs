//! Servers that begin well: what becomes of a session that stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{LONG, SHORT, engine, serve, socket_io, within};
use crate::transport::endpoint::Endpoint;
use crate::transport::engine_io::{Incoming, Mode, Session, message};
use crate::transport::socket_io::{Incoming as SocketIncoming, SocketIo};
use crate::transport::websocket::{Incoming as Frame, Outgoing, WebSocket, WebSocketOptions};
use crate::transport::{Closed, ConnectError, Leave, Phase, SendError};
use crate::wire::WireError;

type Peer = WebSocketStream<TcpStream>;

fn open(interval_ms: u64, timeout_ms: u64) -> Message {
    let open = format!(
        r#"0{{"sid":"a","upgrades":[],"pingInterval":{interval_ms},"pingTimeout":{timeout_ms}}}"#
    );
    open.into()
}

/// Opens a session with a server that plays `script` once the session stands.
async fn session<Script, Played>(interval_ms: u64, timeout_ms: u64, script: Script) -> Session
where
    Script: Fn(Peer) -> Played + Send + Sync + 'static,
    Played: Future<Output = ()> + Send,
{
    let script = Arc::new(script);
    let endpoint = serve(move |stream| {
        let script = Arc::clone(&script);
        async move {
            let mut peer = tokio_tungstenite::accept_async(stream).await.unwrap();
            peer.send(open(interval_ms, timeout_ms)).await.unwrap();
            script(peer).await;
        }
    })
    .await;
    Session::open(&endpoint, &engine(Mode::WebSocket, LONG)).await.unwrap()
}

async fn next(session: &mut Session) -> Incoming {
    timeout(LONG, session.recv()).await.unwrap()
}

/// Reads until the peer has gone.
async fn until_gone(mut peer: Peer) {
    while let Some(Ok(_)) = peer.next().await {}
}

#[tokio::test]
async fn a_websocket_that_is_silent_does_not_speak_engine_io() {
    let endpoint = serve(|stream| async move {
        until_gone(tokio_tungstenite::accept_async(stream).await.unwrap()).await;
    })
    .await;
    let error = Session::open(&endpoint, &engine(Mode::WebSocket, SHORT)).await.unwrap_err();
    assert_eq!(error, ConnectError::TimedOut { phase: Phase::OpenPacket, after: SHORT });
}

/// Answers the first poll with a session, and WebSockets with silence.
async fn polls_well(upgrades: &'static str) -> Endpoint {
    serve(move |mut stream| async move {
        let mut seen = [0; 512];
        let length = stream.peek(&mut seen).await.unwrap_or(0);
        if String::from_utf8_lossy(&seen[..length]).contains("transport=websocket") {
            return until_gone(tokio_tungstenite::accept_async(stream).await.unwrap()).await;
        }
        let _ = stream.read(&mut seen).await;
        let open = format!(
            r#"0{{"sid":"a","upgrades":[{upgrades}],"pingInterval":60000,"pingTimeout":60000}}"#
        );
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", open.len());
        let _ = stream.write_all((head + &open).as_bytes()).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await
}

#[tokio::test]
async fn an_upgrade_that_is_not_offered_or_not_carried_out_is_told_apart() {
    let endpoint = polls_well("").await;
    let error = Session::open(&endpoint, &engine(Mode::Upgrade, LONG)).await.unwrap_err();
    assert_eq!(error, ConnectError::NoUpgradeOffered);
    let endpoint = polls_well(r#""websocket""#).await;
    let error = Session::open(&endpoint, &engine(Mode::Upgrade, SHORT)).await.unwrap_err();
    assert_eq!(error, ConnectError::TimedOut { phase: Phase::Probe, after: SHORT });
}

#[test]
fn sessions_can_move_between_threads() {
    fn assert_send<T: Send>() {}
    assert_send::<SocketIo>();
    assert_send::<crate::transport::http::HttpClient>();
}

#[tokio::test]
async fn a_namespace_that_is_neither_granted_nor_refused_times_out() {
    let endpoint = serve(|stream| async move {
        let mut peer = tokio_tungstenite::accept_async(stream).await.unwrap();
        peer.send(open(60_000, 60_000)).await.unwrap();
        until_gone(peer).await;
    })
    .await;
    let error = SocketIo::open(&endpoint, &socket_io(Mode::WebSocket, SHORT)).await.unwrap_err();
    assert_eq!(error, ConnectError::TimedOut { phase: Phase::Namespace, after: SHORT });
}

#[tokio::test]
async fn a_missing_ping_is_noticed() {
    let mut session = session(20, 30, until_gone).await;
    let silence = Duration::from_millis(50);
    assert_eq!(next(&mut session).await, Incoming::Closed(Closed::HeartbeatMissed { silence }));
    assert_eq!(next(&mut session).await, Incoming::Closed(Closed::HeartbeatMissed { silence }));
    assert!(matches!(session.feed(message("x")), Err(SendError::Closed(_))));
}

#[tokio::test]
async fn pings_are_answered_with_their_data_unless_told_otherwise() {
    let mut session = session(60_000, 60_000, |mut peer| async move {
        peer.send("2abc".into()).await.unwrap();
        let answer = peer.next().await.unwrap().unwrap();
        peer.send(format!("4{answer}").into()).await.unwrap();
        peer.send("2".into()).await.unwrap();
        let answer = peer.next().await.unwrap().unwrap();
        peer.send(format!("4{answer}").into()).await.unwrap();
    })
    .await;
    assert_eq!(next(&mut session).await, Incoming::Ping);
    assert_eq!(next(&mut session).await, Incoming::Text(String::from("3abc").into()));
    session.set_answers_pings(false);
    assert_eq!(next(&mut session).await, Incoming::Ping);
    session.feed(message("instead")).unwrap();
    assert_eq!(next(&mut session).await, Incoming::Text(String::from("4instead").into()));
}

#[tokio::test]
async fn every_end_has_its_name() {
    let mut ended = session(60_000, 60_000, |mut peer| async move {
        let frame = CloseFrame { code: 4001.into(), reason: "go away".into() };
        let _ = peer.close(Some(frame)).await;
        until_gone(peer).await;
    })
    .await;
    let reason = "go away".to_owned();
    let closed = Closed::CloseFrame { code: Some(4001), reason };
    assert_eq!(next(&mut ended).await, Incoming::Closed(closed));

    let mut ended = session(60_000, 60_000, |peer| async move { drop(peer) }).await;
    assert_eq!(next(&mut ended).await, Incoming::Closed(Closed::Fin));

    let mut ended = session(60_000, 60_000, |peer| async move {
        peer.get_ref().set_zero_linger().unwrap();
    })
    .await;
    assert_eq!(next(&mut ended).await, Incoming::Closed(Closed::Reset));

    let mut ended = session(60_000, 60_000, |mut peer| async move {
        peer.send("1".into()).await.unwrap();
        until_gone(peer).await;
    })
    .await;
    assert_eq!(next(&mut ended).await, Incoming::Closed(Closed::ClosePacket));
    assert_eq!(next(&mut ended).await, Incoming::Closed(Closed::ClosePacket));
}

#[tokio::test]
async fn a_frame_that_announces_too_much_is_not_waited_for() {
    let mut ended = session(60_000, 60_000, |mut peer| async move {
        let header = [0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0];
        peer.get_mut().write_all(&header).await.unwrap();
        until_gone(peer).await;
    })
    .await;
    let closed = Closed::TooBig { bytes: 1 << 40, limit: 16 << 20 };
    assert_eq!(next(&mut ended).await, Incoming::Closed(closed));
}

#[tokio::test]
async fn what_is_no_frame_and_what_is_no_packet_are_told_apart() {
    let mut ended = session(60_000, 60_000, |mut peer| async move {
        peer.send("x".into()).await.unwrap();
        peer.send("".into()).await.unwrap();
        peer.send("4fine".into()).await.unwrap();
        peer.get_mut().write_all(&[0x83, 0]).await.unwrap();
        until_gone(peer).await;
    })
    .await;
    assert!(matches!(
        next(&mut ended).await,
        Incoming::Malformed(WireError::UnknownEngineIoType { .. })
    ));
    assert_eq!(next(&mut ended).await, Incoming::Malformed(WireError::Empty { offset: 0 }));
    assert_eq!(next(&mut ended).await, Incoming::Text(String::from("fine").into()));
    assert!(matches!(next(&mut ended).await, Incoming::Closed(Closed::BadFrame { .. })));
}

#[tokio::test]
async fn a_flood_is_read_and_can_be_left() {
    let mut flooded = session(60_000, 60_000, |mut peer| async move {
        while peer.feed("4again".into()).await.is_ok() {}
    })
    .await;
    for _ in 0..10_000 {
        assert_eq!(next(&mut flooded).await, Incoming::Text(String::from("again").into()));
    }
    timeout(LONG, flooded.leave(Leave::Polite)).await.unwrap();
}

#[tokio::test]
async fn who_does_not_read_notices_nothing_and_loses_nothing() {
    let (said, heard) = oneshot::channel();
    let said = Arc::new(std::sync::Mutex::new(Some(said)));
    let mut deaf = session(20, 20, move |mut peer| {
        let said = said.lock().unwrap().take().unwrap();
        async move {
            peer.send("4first".into()).await.unwrap();
            let _ = said.send(peer.next().await.unwrap().unwrap());
            until_gone(peer).await;
        }
    })
    .await;
    deaf.set_reads(false);
    deaf.feed(message("still sending")).unwrap();
    let heard = tokio::select! {
        heard = heard => heard.unwrap(),
        incoming = deaf.recv() => panic!("{incoming:?}"),
    };
    assert_eq!(heard, Message::from("4still sending"));
    deaf.set_reads(true);
    assert_eq!(next(&mut deaf).await, Incoming::Text(String::from("first").into()));
    assert!(matches!(next(&mut deaf).await, Incoming::Closed(Closed::HeartbeatMissed { .. })));
}

#[tokio::test]
async fn what_waits_to_be_sent_is_bounded() {
    let endpoint = serve(|stream| async move {
        let mut peer = tokio_tungstenite::accept_async(stream).await.unwrap();
        peer.send(open(60_000, 60_000)).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let mut options = engine(Mode::WebSocket, LONG);
    options.unsent_bytes_max = 100_000;
    let mut session = Session::open(&endpoint, &options).await.unwrap();
    let fed = (0..10_000).map(|_| session.feed(message(&"a".repeat(10_000))));
    let full = fed.filter_map(Result::err).next();
    assert_eq!(full, Some(SendError::Full { limit: 100_000 }));
    timeout(LONG, session.leave(Leave::Reset)).await.unwrap();
}

#[tokio::test]
async fn attachments_in_the_wrong_order_are_malformed() {
    let endpoint = serve(|stream| async move {
        let mut peer = tokio_tungstenite::accept_async(stream).await.unwrap();
        peer.send(open(60_000, 60_000)).await.unwrap();
        for text in [r#"40{"sid":"s"}"#, r#"451-["a",{}]"#, r#"42["b"]"#, r#"452-["c",{}]"#] {
            peer.send(text.into()).await.unwrap();
        }
        peer.send(Message::Binary(Bytes::from_static(b"1"))).await.unwrap();
    })
    .await;
    let mut session = SocketIo::open(&endpoint, &socket_io(Mode::WebSocket, LONG)).await.unwrap();
    let mut errors = Vec::new();
    loop {
        match timeout(LONG, session.recv()).await.unwrap() {
            SocketIncoming::Malformed(error) => errors.push(error),
            SocketIncoming::Closed(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        errors[..],
        [
            WireError::TextInsideBinary { arrived: 0, announced: 1, .. },
            WireError::AttachmentsMissing { arrived: 1, announced: 2 },
        ]
    ));
}

#[tokio::test]
async fn fed_messages_leave_together() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let endpoint = serve(move |stream| {
        let counted = Arc::clone(&counted);
        async move {
            let mut peer = tokio_tungstenite::accept_async(stream).await.unwrap();
            while let Some(Ok(Message::Text(_))) = peer.next().await {
                if counted.fetch_add(1, Ordering::SeqCst) + 1 == 100 {
                    let _ = peer.send("all".into()).await;
                }
            }
        }
    })
    .await;
    let options = WebSocketOptions { connect: within(LONG), ..WebSocketOptions::default() };
    let mut socket = WebSocket::open(&endpoint, "/", &options).await.unwrap();
    for _ in 0..100 {
        socket.feed(Outgoing::text("x")).unwrap();
    }
    assert_eq!(
        timeout(LONG, socket.recv()).await.unwrap(),
        Frame::Text(String::from("all").into())
    );
    assert_eq!(reads.load(Ordering::SeqCst), 100);
}
