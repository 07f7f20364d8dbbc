//! The HTTP client: kept connections, limits, and what is never sent twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use hyper::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{LONG, SHORT, endpoint_of, serve, within};
use crate::transport::endpoint::Endpoint;
use crate::transport::http::{HttpClient, HttpError, HttpOptions, Request};

fn options() -> HttpOptions {
    HttpOptions { connect: within(LONG), timeout: LONG, ..HttpOptions::default() }
}

async fn server() -> Endpoint {
    let router = Router::new()
        .route(
            "/host",
            get(|headers: HeaderMap| async move { headers["host"].to_str().unwrap().to_owned() }),
        )
        .route("/echo", post(|body: String| async move { body }))
        .route("/long", get(|| async { "a".repeat(10_000) }))
        .route("/never", get(|| async { std::future::pending::<()>().await }))
        .with_state(());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = endpoint_of(&listener);
    tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint
}

#[tokio::test]
async fn requests_are_answered_whole() {
    let endpoint = server().await;
    let client = HttpClient::new(&endpoint, options());
    let host = client.request(Request::new(Method::GET, "/host")).await.unwrap();
    assert_eq!((host.status.as_u16(), &host.body[..]), (200, endpoint.authority().as_bytes()));
    let mut echo = Request::new(Method::POST, "/echo");
    echo.body = "hello".into();
    assert_eq!(&client.request(echo).await.unwrap().body[..], b"hello");
    let missing = client.request(Request::new(Method::GET, "/missing")).await.unwrap();
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn limits_hold() {
    let endpoint = server().await;
    let client = HttpClient::new(&endpoint, HttpOptions { body_bytes_max: 9_999, ..options() });
    let long = client.request(Request::new(Method::GET, "/long")).await.unwrap_err();
    assert_eq!(long, HttpError::TooBig { limit: 9_999 });
    let mut never = Request::new(Method::GET, "/never");
    never.timeout = Some(SHORT);
    let never = client.request(never).await.unwrap_err();
    assert_eq!(never, HttpError::TimedOut { after: SHORT });
    assert!(never.may_have_happened());
    let smuggled = client.request(Request::new(Method::GET, "/a\r\nX: y")).await.unwrap_err();
    assert_eq!(smuggled, HttpError::Unsendable);
    assert!(!smuggled.may_have_happened());
}

/// A server that counts its connections and closes each after so many answers.
async fn counting(answers: usize) -> (Endpoint, Arc<AtomicUsize>) {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let endpoint = serve(move |mut stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            for _ in 0..answers {
                let mut request = [0; 4096];
                if stream.read(&mut request).await.unwrap_or(0) == 0 {
                    return;
                }
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
            }
        }
    })
    .await;
    (endpoint, connections)
}

#[tokio::test]
async fn connections_are_kept() {
    let (endpoint, connections) = counting(usize::MAX).await;
    let client = HttpClient::new(&endpoint, options());
    for _ in 0..10 {
        client.request(Request::new(Method::GET, "/")).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_closed_meanwhile_is_replaced() {
    let (endpoint, connections) = counting(1).await;
    let client = HttpClient::new(&endpoint, options());
    client.request(Request::new(Method::GET, "/")).await.unwrap();
    // The end of the kept connection may be on its way; then the request fails and says so.
    while client.request(Request::new(Method::GET, "/")).await.is_err() {}
    assert!(connections.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn a_request_that_left_is_not_sent_again() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let endpoint = serve(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            let mut request = [0; 4096];
            while stream.read(&mut request).await.unwrap_or(0) > 0 {
                if counted.fetch_add(1, Ordering::SeqCst) > 0 {
                    return;
                }
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
            }
        }
    })
    .await;
    let client = HttpClient::new(&endpoint, options());
    client.request(Request::new(Method::POST, "/")).await.unwrap();
    let error = client.request(Request::new(Method::POST, "/")).await.unwrap_err();
    assert_eq!(error, HttpError::Closed);
    assert!(error.may_have_happened());
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn many_requests_at_once_keep_few_connections() {
    let barrier = Arc::new(tokio::sync::Barrier::new(8));
    let router = Router::new()
        .route(
            "/",
            get(|State(barrier): State<Arc<tokio::sync::Barrier>>| async move {
                barrier.wait().await;
            }),
        )
        .with_state(barrier);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = endpoint_of(&listener);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = HttpClient::new(&endpoint, options());
    let all = (0..8).map(|_| client.request(Request::new(Method::GET, "/")));
    let answers = futures_util::future::join_all(all).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status == 200));
    assert_eq!(client.idle_count(), options().idle_max);
}
