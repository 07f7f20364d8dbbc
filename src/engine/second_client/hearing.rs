//! What comes in: the crate's callbacks, told one after the other.

use super::Second;
use crate::transport::endpoint::Endpoint;
use crate::transport::socket_io::Options;
use futures_util::future::BoxFuture;
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Event, Payload, TransportType};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;

/// How the crate begins to tell why a namespace is refused.
const REFUSED: &str = "Received an ConnectError frame: ";

/// What the crate tells.
pub(super) enum News {
    Granted,
    /// The payload of the refusal.
    Refused(String),
    Event(String, Vec<Value>),
    /// The arguments that answer our request of this number.
    Answer(u64, Value),
    /// An answer that may belong to another request.
    Late,
    Mangled,
    /// Something went wrong; mostly the end follows.
    Trouble(String),
    /// The server took the namespace back.
    Disconnected,
    Ended,
}

/// Hears the crate's callbacks.
#[derive(Clone)]
pub(super) struct Ear {
    pub(super) news: mpsc::Sender<News>,
    pub(super) second: Arc<Second>,
}

impl Ear {
    /// Tells it; while too much is unread it waits, and the crate does not read on.
    pub(super) async fn tell(&self, news: News) {
        if let Err(TrySendError::Full(news)) = self.news.try_send(news) {
            self.second.full.fetch_add(1, Relaxed);
            let _ = self.news.send(news).await;
        }
    }

    /// A callback that tells what its payload means, and stops the crate's task after the last word.
    fn on(
        &self,
        read: fn(Payload) -> News,
    ) -> impl FnMut(Payload, Client) -> BoxFuture<'static, ()> + Send + Sync + 'static {
        let ear = self.clone();
        move |payload, _| {
            let (ear, news) = (ear.clone(), read(payload));
            Box::pin(async move {
                let last = matches!(news, News::Refused(_) | News::Disconnected);
                ear.tell(news).await;
                if last {
                    stop_the_task();
                }
            })
        }
    }

    /// A callback for the answer to a request, which may come when nobody waits for it any more.
    pub(super) fn answer(
        &self,
        ack: u64,
        answered: oneshot::Sender<()>,
    ) -> impl FnMut(Payload, Client) -> BoxFuture<'static, ()> + Send + Sync + 'static {
        let ear = self.clone();
        let mut answered = Some(answered);
        move |payload, _| {
            let in_time = answered.take().is_some_and(|answered| answered.send(()).is_ok());
            let news = match payload {
                _ if !in_time => News::Late,
                Payload::Text(mut values) => News::Answer(ack, values.pop().unwrap_or_default()),
                _ => News::Mangled,
            };
            let ear = ear.clone();
            Box::pin(async move { ear.tell(news).await })
        }
    }
}

/// The crate's client, ready to connect.
pub(super) fn client(endpoint: &Endpoint, options: &Options, ear: &Ear) -> ClientBuilder {
    let engine = &options.engine;
    let query = if engine.query.is_empty() { "" } else { "?" };
    let url = format!("{}{}{query}{}", endpoint.origin(), engine.path, engine.query);
    let mut builder = ClientBuilder::new(url)
        .namespace(options.namespace.as_str())
        .transport_type(TransportType::Websocket)
        .on(Event::Connect, ear.on(|payload| reserved(payload, "open", |_| News::Granted)))
        .on(Event::Close, ear.on(|payload| reserved(payload, "close", |_| News::Disconnected)))
        .on(Event::Error, ear.on(|payload| reserved(payload, "error", complaint)));
    for (name, value) in &engine.headers {
        if let Ok(value) = value.to_str() {
            builder = builder.opening_header(name.as_str(), value);
        }
    }
    if let Some(auth) = options.auth.as_deref().and_then(|auth| serde_json::from_str(auth).ok()) {
        builder = builder.auth::<Value>(auth);
    }
    let any = ear.clone();
    let builder = builder.on_any(move |event, payload, _| {
        let (ear, news) = (any.clone(), sight(event.as_str(), payload));
        Box::pin(async move { ear.tell(news).await })
    });
    let end = ear.clone();
    // It shall never reconnect, but that it wants to is the only sign of an end that it gives.
    builder.reconnect(true).reconnect_on_disconnect(true).on_reconnect(move || {
        let ear = end.clone();
        Box::pin(async move {
            ear.tell(News::Ended).await;
            stop_the_task()
        })
    })
}

/// Ends the task that the crate spawned and keeps no handle of, with all that it holds. It unwinds
/// to the runtime without a word on standard error; only callbacks, which run in the task, call it.
fn stop_the_task() -> ! {
    std::panic::resume_unwind(Box::new("ended by the harness"))
}

/// What an event of a name that the crate has for itself means: its own word is a single string.
fn reserved(payload: Payload, name: &str, own: fn(&str) -> News) -> News {
    match &payload {
        Payload::Text(values) => match values.as_slice() {
            [Value::String(word)] => own(word),
            _ => sight(name, payload),
        },
        _ => sight(name, payload),
    }
}

fn complaint(word: &str) -> News {
    match word.strip_prefix(REFUSED) {
        Some(payload) => News::Refused(payload.to_owned()),
        None => News::Trouble(word.to_owned()),
    }
}

fn sight(name: &str, payload: Payload) -> News {
    match payload {
        Payload::Text(arguments) => News::Event(name.to_owned(), arguments),
        _ => News::Mangled,
    }
}
