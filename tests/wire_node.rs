//! The transport against the official Socket.IO server of Node: whether we speak what it speaks,
//! and what it takes each way of leaving for.

use std::process::Stdio;
use std::time::Duration;

use assize::transport::endpoint::Endpoint;
use assize::transport::engine_io::{Mode, Options as EngineOptions};
use assize::transport::frame::{RawFrame, opcode};
use assize::transport::http::{HttpClient, HttpOptions, Request};
use assize::transport::socket_io::{Incoming, Options, Received, SocketIo};
use assize::transport::stream::ConnectOptions;
use assize::transport::{Closed, ConnectError, Leave};
use assize::wire::WireError;
use assize::wire::attachments::substitute;
use assize::wire::handshake::version_refusal;
use assize::wire::socket_io::{Kind, Packet};
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

const MODES: [Mode; 3] = [Mode::WebSocket, Mode::Polling, Mode::Upgrade];

/// Long enough for anything that is expected to happen.
const LONG: Duration = Duration::from_secs(20);

/// The server, killed when it is dropped.
struct Node {
    endpoint: Endpoint,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Node {
    async fn start(ping_interval_ms: u32, ping_timeout_ms: u32) -> Node {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");
        let prepared = Command::new(format!("{folder}/prepare")).status().await.unwrap();
        assert!(prepared.success(), "tests/node/prepare failed");
        let mut child = Command::new("node")
            .arg(format!("{folder}/echo.mjs"))
            .args([ping_interval_ms.to_string(), ping_timeout_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = line(&mut lines).await;
        let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{}", first["port"])).unwrap();
        Node { endpoint, lines, _child: child }
    }

    async fn open(&self, mode: Mode) -> SocketIo {
        SocketIo::open(&self.endpoint, &options(mode)).await.unwrap()
    }

    /// Waits until a poll of this session is held by the server.
    async fn holds_a_poll(&mut self, session: &mut SocketIo) {
        session.emit("/", Some(9), r#"["transport"]"#).unwrap();
        packet(session).await;
        let id = session.socket_id().unwrap();
        let sid = session.engine().sid().to_owned();
        let mut welcomed = false;
        let mut asked = false;
        loop {
            let line = tokio::select! {
                line = line(&mut self.lines) => line,
                incoming = session.recv(), if asked => panic!("{incoming:?}"),
            };
            if line["id"] == id.as_str() {
                asked = welcomed;
                welcomed = true;
            }
            if asked && line["waits"] == sid.as_str() {
                return;
            }
        }
    }

    /// What the server gives as the reason why this client left.
    async fn reason(&mut self, id: &str) -> String {
        loop {
            let line = line(&mut self.lines).await;
            if line["id"] == id && line["reason"].is_string() {
                return line["reason"].as_str().unwrap().to_owned();
            }
        }
    }
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = timeout(LONG, lines.next_line()).await.unwrap().unwrap();
    serde_json::from_str(&line.expect("the server has ended")).unwrap()
}

fn options(mode: Mode) -> Options {
    let connect = ConnectOptions { timeout: LONG, ..ConnectOptions::default() };
    let engine = EngineOptions { connect, mode, ..EngineOptions::default() };
    Options { engine, ..Options::default() }
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

/// How the session ends, whatever arrives before.
async fn closed(session: &mut SocketIo) -> Closed {
    loop {
        if let Incoming::Closed(closed) = timeout(LONG, session.recv()).await.unwrap() {
            return closed;
        }
    }
}

async fn data(session: &mut SocketIo) -> String {
    packet(session).await.packet().data.to_owned()
}

#[tokio::test]
async fn events_acks_and_attachments_go_both_ways() {
    let node = Node::start(100, 20_000).await;
    for mode in MODES {
        let mut session = node.open(mode).await;
        assert_eq!(data(&mut session).await, r#"["welcome","/",{}]"#);

        session.emit("/", Some(1), r#"["echo",1,"zwö",{"3":[true,null]}]"#).unwrap();
        assert_eq!(data(&mut session).await, r#"["echoed",1,"zwö",{"3":[true,null]}]"#);
        let answer = packet(&mut session).await;
        assert_eq!((answer.packet().kind, answer.packet().ack), (Kind::Ack, Some(1)));
        assert_eq!(answer.packet().data, r#"[1,"zwö",{"3":[true,null]}]"#);

        session.emit("/", None, r#"["ask me"]"#).unwrap();
        let question = packet(&mut session).await;
        session.answer("/", question.packet().ack.unwrap(), r#"["because"]"#).unwrap();
        assert_eq!(data(&mut session).await, r#"["answered","because"]"#);

        let name = if mode == Mode::Polling { "polling" } else { "websocket" };
        session.emit("/", Some(2), r#"["transport"]"#).unwrap();
        assert_eq!(data(&mut session).await, format!(r#"["{name}"]"#));
        echo_attachments(&mut session).await;
    }
}

async fn echo_attachments(session: &mut SocketIo) {
    let data = r#"["echo",{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]"#;
    let sent = [Bytes::from_static(&[1, 2, 30, 4]), Bytes::from_static(&[])];
    let packet_out =
        Packet { ack: Some(3), attachments: 2, data, ..Packet::bare(Kind::BinaryEvent) };
    session.feed(&packet_out, &sent).unwrap();
    for kind in [Kind::BinaryEvent, Kind::BinaryAck] {
        let echoed = packet(session).await;
        assert_eq!(echoed.packet().kind, kind);
        assert_eq!(echoed.attachments, sent);
        let text = substitute(echoed.packet().data, &echoed.attachments, 1000).unwrap();
        assert!(text.ends_with(r#"{"a":"AQIeBA=="},""]"#), "{text}");
    }
}

#[tokio::test]
async fn namespaces_are_granted_and_refused_with_data() {
    let node = Node::start(25_000, 20_000).await;
    for mode in MODES {
        let mut options = options(mode);
        options.namespace = "/private".into();
        options.auth = Some(r#"{"token":"right"}"#.into());
        let mut session = SocketIo::open(&node.endpoint, &options).await.unwrap();
        let welcome = packet(&mut session).await;
        assert_eq!(welcome.packet().namespace, "/private");
        assert_eq!(welcome.packet().data, r#"["welcome","/private",{"token":"right"}]"#);
        session.connect("/nowhere", None).unwrap();
        let refused = packet(&mut session).await;
        assert_eq!(refused.text(), &r#"4/nowhere,{"message":"Invalid namespace"}"#);

        options.auth = None;
        let error = SocketIo::open(&node.endpoint, &options).await.unwrap_err();
        let payload = r#"{"message":"wrong token","data":{"code":401}}"#.to_owned();
        let namespace = "/private".to_owned();
        assert_eq!(error, ConnectError::ConnectRefused { namespace, payload, before: 0 });
    }
}

#[tokio::test]
async fn the_server_keeps_who_answers_its_pings_and_no_one_else() {
    let mut node = Node::start(100, 1_000).await;
    for mode in MODES {
        let mut session = node.open(mode).await;
        let mut pings = 0;
        while pings < 5 {
            match timeout(LONG, session.recv()).await.unwrap() {
                Incoming::Ping => pings += 1,
                Incoming::Packet(_) => {}
                other => panic!("{other:?}"),
            }
        }
        let id = session.socket_id().unwrap();
        session.engine().set_answers_pings(false);
        closed(&mut session).await;
        assert_eq!(node.reason(&id).await, "ping timeout", "{mode:?}");
    }
    let mut deaf = node.open(Mode::WebSocket).await;
    let id = deaf.socket_id().unwrap();
    deaf.engine().set_reads(false);
    tokio::select! {
        reason = node.reason(&id) => assert_eq!(reason, "ping timeout"),
        incoming = deaf.recv() => panic!("{incoming:?}"),
    }
}

#[tokio::test]
async fn each_way_to_leave_has_its_reason() {
    let mut node = Node::start(25_000, 20_000).await;
    let websocket = [
        (Leave::Reset, "transport close"),
        (Leave::Fin, "transport close"),
        (Leave::CloseFrame(1001), "transport close"),
        (Leave::CloseFrame(4001), "transport close"),
        (Leave::Polite, "client namespace disconnect"),
    ];
    let polling = [
        (Leave::Reset, "transport error"),
        (Leave::Fin, "transport error"),
        (Leave::CloseFrame(4001), "transport close"),
        (Leave::Polite, "client namespace disconnect"),
    ];
    let rows = [
        (Mode::WebSocket, &websocket[..]),
        (Mode::Upgrade, &websocket[..]),
        (Mode::Polling, &polling[..]),
    ];
    for (mode, leaves) in rows {
        for (how, expected) in leaves {
            let mut session = node.open(mode).await;
            let id = session.socket_id().unwrap();
            packet(&mut session).await;
            if mode == Mode::Polling {
                node.holds_a_poll(&mut session).await;
            }
            session.leave(*how).await;
            assert_eq!(node.reason(&id).await, *expected, "{mode:?} {how:?}");
        }
    }
}

#[tokio::test]
async fn broken_frames_end_the_session() {
    let mut node = Node::start(25_000, 20_000).await;
    let right = RawFrame::text(b"42[\"echo\",1]");
    let continued = RawFrame { opcode: opcode::CONTINUE, ..right };
    for (what, bytes, expected) in [
        ("unmasked", RawFrame { mask: None, ..right }.encode(), "transport error"),
        (
            "reserved opcode",
            RawFrame { opcode: opcode::RESERVED_DATA, ..right }.encode(),
            "transport error",
        ),
        ("reserved bits", RawFrame { reserved_bits: 2, ..right }.encode(), "transport error"),
        (
            "invalid UTF-8",
            RawFrame { payload: b"42[\"\xff\"]", ..right }.encode(),
            "transport error",
        ),
        ("continues nothing", continued.encode(), "transport error"),
        ("no packet", RawFrame { payload: b"x", ..right }.encode(), "parse error"),
        ("no Socket.IO packet", RawFrame { payload: b"42{", ..right }.encode(), "forced close"),
    ] {
        let mut session = node.open(Mode::WebSocket).await;
        let id = session.socket_id().unwrap();
        session.engine().websocket().unwrap().inject(&bytes).await.unwrap();
        closed(&mut session).await;
        assert_eq!(node.reason(&id).await, expected, "{what}");
    }
}

#[tokio::test]
async fn half_a_frame_waits_for_its_other_half() {
    let mut node = Node::start(25_000, 20_000).await;
    let frame = RawFrame::text(b"42[\"echo\",1]");
    let (whole, half) = (frame.encode(), frame.encode_half());

    let mut session = node.open(Mode::WebSocket).await;
    packet(&mut session).await;
    let socket = session.engine().websocket().unwrap();
    socket.inject(&half).await.unwrap();
    socket.inject(&whole[half.len()..]).await.unwrap();
    assert_eq!(data(&mut session).await, r#"["echoed",1]"#);

    session.engine().websocket().unwrap().inject(&half).await.unwrap();
    let id = session.socket_id().unwrap();
    session.leave(Leave::Fin).await;
    assert_eq!(node.reason(&id).await, "transport close");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_heard() {
    let mut node = Node::start(25_000, 20_000).await;
    for mode in MODES {
        let mut session = node.open(mode).await;
        let id = session.socket_id().unwrap();
        session.emit("/", None, r#"["kick"]"#).unwrap();
        let how = closed(&mut session).await;
        let expected = match mode {
            Mode::Polling => matches!(how, Closed::ClosePacket | Closed::HttpStatus { .. }),
            _ => matches!(how, Closed::CloseFrame { .. }),
        };
        assert!(expected, "{mode:?}: {how}");
        assert_eq!(node.reason(&id).await, "server namespace disconnect", "{mode:?}");
    }
}

#[tokio::test]
async fn a_client_of_version_3_is_refused_as_we_expect() {
    let node = Node::start(25_000, 20_000).await;
    let client = HttpClient::new(&node.endpoint, HttpOptions::default());
    let target = "/socket.io/?EIO=3&transport=polling";
    let answer = client.request(Request::new(Method::GET, target)).await.unwrap();
    assert_eq!(answer.status, 400);
    assert!(matches!(version_refusal(&answer.body), Some(WireError::EngineIo3 { .. })));
}
