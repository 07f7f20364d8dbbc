//! Servers that refuse, hang, babble, hang up, flood, or speak something else.

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::{LONG, SHORT, engine, serve, socket_io, within};
use crate::transport::endpoint::Endpoint;
use crate::transport::engine_io::{Mode, Session};
use crate::transport::socket_io::SocketIo;
use crate::transport::websocket::{WebSocket, WebSocketOptions};
use crate::transport::{ConnectError, Phase};
use crate::wire::EngineIo3Sign;

/// Reads the head of a request and answers with these bytes.
async fn answer_with(answer: impl Into<Bytes>) -> Endpoint {
    let answer = answer.into();
    serve(move |mut stream| {
        let answer = answer.clone();
        async move {
            read_head(&mut stream).await;
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
            // Unread bytes would turn the end into a reset.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
}

/// What a WebSocket and a polling session say to the same server.
async fn both(endpoint: &Endpoint) -> (ConnectError, ConnectError) {
    let websocket = Session::open(endpoint, &engine(Mode::WebSocket, SHORT)).await;
    let polling = Session::open(endpoint, &engine(Mode::Polling, SHORT)).await;
    (websocket.unwrap_err(), polling.unwrap_err())
}

#[tokio::test]
async fn nobody_listens() {
    let bound = TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = bound.local_addr().unwrap();
    let endpoint = Endpoint::parse(&format!("ws://{address}")).unwrap();
    let refused = ConnectError::Refused { address };
    assert_eq!(both(&endpoint).await, (refused.clone(), refused.clone()));
    assert!(refused.hint().contains("port"));
}

#[tokio::test]
async fn the_name_does_not_exist() {
    let endpoint = Endpoint::parse("ws://no-such-host.invalid").unwrap();
    let error = Session::open(&endpoint, &engine(Mode::WebSocket, LONG)).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Dns { host, .. } if host == "no-such-host.invalid"));
}

#[tokio::test]
async fn a_name_is_looked_up_once() {
    let mut endpoint = answer_with("HTTP/1.1 204 No Content\r\n\r\n").await;
    let url = format!("http://localhost:{}", endpoint.port());
    endpoint = Endpoint::parse(&url).unwrap();
    assert!(endpoint.addresses().is_empty());
    endpoint.resolve(LONG).await.unwrap();
    assert!(!endpoint.addresses().is_empty());
    let error = Session::open(&endpoint, &engine(Mode::Polling, LONG)).await.unwrap_err();
    assert!(matches!(error, ConnectError::HttpStatus { status: 204, .. }), "{error}");
}

#[tokio::test]
async fn a_source_address_that_is_not_ours_is_our_limit() {
    let endpoint = answer_with("").await;
    let mut options = engine(Mode::WebSocket, LONG);
    options.connect.source = Some("192.0.2.7".parse().unwrap());
    let error = Session::open(&endpoint, &options).await.unwrap_err();
    assert!(matches!(error, ConnectError::LocalLimit { .. }), "{error}");
    options.connect.source = Some("::1".parse().unwrap());
    let error = Session::open(&endpoint, &options).await.unwrap_err();
    assert!(error.to_string().contains("family"), "{error}");
    options.connect.source = Some("127.0.0.9".parse().unwrap());
    let error = Session::open(&endpoint, &options).await.unwrap_err();
    assert_eq!(error, ConnectError::ClosedInHandshake { phase: Phase::Response });
}

#[tokio::test]
async fn the_server_hangs() {
    let endpoint = serve(|stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let expected = ConnectError::TimedOut { phase: Phase::Response, after: SHORT };
    assert_eq!(both(&endpoint).await, (expected.clone(), expected));
}

#[tokio::test]
async fn the_server_hangs_up() {
    let endpoint = serve(|mut stream| async move { read_head(&mut stream).await }).await;
    let expected = ConnectError::ClosedInHandshake { phase: Phase::Response };
    assert_eq!(both(&endpoint).await, (expected.clone(), expected.clone()));
    let endpoint = serve(|stream| async move { stream.set_zero_linger().unwrap() }).await;
    let (websocket, polling) = both(&endpoint).await;
    for error in [websocket, polling] {
        assert!(matches!(error, ConnectError::ClosedInHandshake { .. }), "{error}");
    }
}

#[tokio::test]
async fn the_server_speaks_something_else() {
    const BANNER: &str = "SSH-2.0-OpenSSH_9.2\r\n";
    let speaks_first = serve(|mut stream| async move {
        let _ = stream.write_all(BANNER.as_bytes()).await;
        read_head(&mut stream).await;
    })
    .await;
    for endpoint in [answer_with(BANNER).await, speaks_first] {
        let (websocket, polling) = both(&endpoint).await;
        for error in [websocket, polling] {
            let ConnectError::SpeaksSomethingElse { first_bytes } = &error else {
                panic!("{error}")
            };
            assert!(first_bytes.starts_with("SSH-2.0-OpenSSH"), "{first_bytes}");
            assert!(error.hint().contains("port"));
        }
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let endpoint = serve(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n").await;
        while stream.write_all(b"X-Padding: and so on and so on and so on\r\n").await.is_ok() {}
    })
    .await;
    let (websocket, polling) = both(&endpoint).await;
    for error in [websocket, polling] {
        assert!(matches!(error, ConnectError::SpeaksSomethingElse { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let endpoint = serve(|mut stream| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'a'; 4096]).await.is_ok() {}
    })
    .await;
    let mut options = engine(Mode::Polling, LONG);
    options.message_bytes_max = 100_000;
    let error = Session::open(&endpoint, &options).await.unwrap_err();
    assert!(error.to_string().contains("more than 100000 bytes"), "{error}");
    let error = Session::open(&endpoint, &engine(Mode::WebSocket, LONG)).await.unwrap_err();
    assert!(matches!(error, ConnectError::NotWebSocket { status: 200, .. }), "{error}");
}

#[tokio::test]
async fn a_refusal_is_quoted() {
    let endpoint =
        answer_with("HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\nno token!").await;
    let body = "no token!".to_owned();
    assert_eq!(
        both(&endpoint).await,
        (
            ConnectError::NotWebSocket { status: 401, body: body.clone() },
            ConnectError::HttpStatus { status: 401, body },
        )
    );
}

#[tokio::test]
async fn an_agreement_with_a_wrong_key_is_none() {
    let endpoint = answer_with(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: AAAA\r\n\r\n",
    )
    .await;
    let options = WebSocketOptions { connect: within(LONG), ..WebSocketOptions::default() };
    let error = WebSocket::open(&endpoint, "/", &options).await.unwrap_err();
    assert!(matches!(error, ConnectError::BadUpgrade { .. }), "{error}");
    let error = WebSocket::open(&endpoint, "/a b", &options).await.unwrap_err();
    assert_eq!(error, ConnectError::Unsendable { what: "target" });
}

#[tokio::test]
async fn engine_io_3_is_named() {
    let sign_of = |error: ConnectError| match error {
        ConnectError::EngineIo3 { sign, .. } => sign,
        other => panic!("{other}"),
    };
    let open = r#"0{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}"#;
    let body = format!("{}:{open}2:40", open.len());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let endpoint = answer_with(head + &body).await;
    let polling = Session::open(&endpoint, &engine(Mode::Polling, SHORT)).await.unwrap_err();
    assert_eq!(sign_of(polling), EngineIo3Sign::LengthPrefix);

    let endpoint = answer_with(
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 51\r\n\r\n\
          {\"code\":5,\"message\":\"Unsupported protocol version\"}",
    )
    .await;
    let (websocket, polling) = both(&endpoint).await;
    assert_eq!(sign_of(websocket), EngineIo3Sign::VersionRefused);
    assert_eq!(sign_of(polling), EngineIo3Sign::VersionRefused);

    let endpoint = serve(|stream| async move {
        use futures_util::{SinkExt, StreamExt};
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let open = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#;
        let _ = socket.send(open.into()).await;
        let _ = socket.send("40".into()).await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let error = SocketIo::open(&endpoint, &socket_io(Mode::WebSocket, LONG)).await.unwrap_err();
    assert_eq!(sign_of(error), EngineIo3Sign::ConnectWithoutSid);
}
