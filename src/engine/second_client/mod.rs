//! The second client: the crate `rust_socketio` behind the verbs of our own session.
//!
//! A run through it shares no packet code with our own, so that ours is never the only witness. It
//! knows no spec and judges nothing. What the crate cannot do is made harmless here, or counted:
//!
//! - It numbers acks at random below 999 and calls every callback with the answered number. So one
//!   request with an ack is under way at a time, and an answer that comes after its timeout ends
//!   the connection: no answer is ever taken for another's. A second answer it keeps to itself.
//! - It does not tell that a connection ended, but it asks before it reconnects.
//! - Dropping it closes nothing: the task that speaks for it disconnects. It cannot reset, close
//!   without a goodbye, or send half a frame.
//! - It knows no event without arguments (it hears `["x"]` as `["message","x"]`), takes the names
//!   `open`, `close` and `error` for its own, and mangles attachments.
//!
//! - It leaves Nagle's algorithm on, so that latencies contain delayed acks of TCP, some 40 ms.
//!
//! Start with [`Second::open`]; what comes in is in `hearing`, what goes out in `speaking`.

mod hearing;
mod speaking;
#[cfg(test)]
mod tests;

use self::hearing::{Ear, News};
use self::speaking::{Request, Speaker};
use crate::fault::Fault;
use crate::scenario::Scenario;
use crate::transport::endpoint::Endpoint;
use crate::transport::socket_io::{Incoming, Options, Received};
use crate::transport::{Closed, ConnectError, Leave, Phase, SendError};
use crate::wire::socket_io::{Kind, Packet};
use rust_socketio::Error;
use rust_socketio::asynchronous::Client;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// What the crate heard and nobody has read yet, per connection; then it stops reading.
const NEWS: usize = 256;
/// How long the crate may take to say goodbye, or to bring out what waits.
const GOODBYE: Duration = Duration::from_secs(1);

/// Opens connections through the crate, and counts what it could not do.
#[derive(Debug, Default)]
pub(super) struct Second {
    /// How long one request waits for its answer before the next one may leave.
    patience: Duration,
    /// Requests that waited for the answer to another.
    waited: AtomicU64,
    longest_wait_us: AtomicU64,
    /// Answers after their request was given up.
    late: AtomicU64,
    /// News that found too many unread ones.
    full: AtomicU64,
    /// Events with attachments.
    mangled: AtomicU64,
}

impl Second {
    /// With the time that an answer may take.
    pub(super) fn new(patience: Duration) -> Arc<Self> {
        Arc::new(Self { patience, ..Self::default() })
    }

    /// Opens a connection and waits for its namespace.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn open(
        self: &Arc<Self>,
        endpoint: &Endpoint,
        options: &Options,
    ) -> Result<Session, ConnectError> {
        let after = options.engine.connect.timeout;
        let opening = async {
            let (news, heard) = mpsc::channel(NEWS);
            let ear = Ear { news, second: Arc::clone(self) };
            let connecting = hearing::client(endpoint, options, &ear).connect().await;
            let client = connecting.map_err(|error| other(reason(&error)))?;
            let mut session = Session::new(client, options, ear, heard);
            session.wait_for_grant().await.map(|()| session)
        };
        let late = ConnectError::TimedOut { phase: Phase::Namespace, after };
        timeout(after, opening).await.unwrap_or(Err(late))
    }

    /// What the reader of the report must know about a run through this client.
    pub(super) fn notes(&self, scenario: &Scenario) -> Vec<String> {
        let mut notes = vec![format!(
            "driven through `rust_socketio`: it numbers acks at random, so each connection has one \
             request with an ack under way at a time; {} requests waited for the answer to \
             another, up to {} ms, which is in their latency and not held against the server; a \
             second answer to one request is not seen",
            self.waited.load(Relaxed),
            self.longest_wait_us.load(Relaxed).div_ceil(1_000),
        )];
        let unable = |fault: &Fault| matches!(fault, Fault::Cut(_) | Fault::Silence);
        if scenario.faults.iter().any(|fault| fault.fault.shapes_bytes()) {
            notes.push(
                "`rust_socketio` opens its sockets itself: faults of a connection's bytes struck \
                 only what went over HTTP"
                    .into(),
            );
        }
        if scenario.faults.iter().any(|fault| unable(&fault.fault)) {
            notes.push(
                "`rust_socketio` can only leave politely: each cut was a disconnect that the \
                 server was told of, and a silent client still answered pings"
                    .into(),
            );
        }
        let counted = [
            (
                &self.late,
                "answers came after the ack timeout, where `rust_socketio` may take one for \
                 another's; the clients gave up those connections",
            ),
            (&self.full, "times `rust_socketio` had to wait until the harness had read on"),
            (&self.mangled, "events with attachments were mangled by `rust_socketio` and left out"),
        ];
        let counted = counted.map(|(count, what)| (count.load(Relaxed), what));
        let told = counted.into_iter().filter(|(count, _)| *count > 0);
        notes.extend(told.map(|(count, what)| format!("{count} {what}")));
        notes
    }
}

/// An open connection with a granted namespace. Dropping it disconnects.
pub(super) struct Session {
    news: mpsc::Receiver<News>,
    requests: mpsc::UnboundedSender<Request>,
    /// Bytes that may wait to be sent.
    room: Arc<Semaphore>,
    room_bytes: usize,
    /// Requests with an ack that wait, or whose answer is awaited.
    asks: Arc<AtomicUsize>,
    namespace: String,
    trouble: Option<String>,
    closed: Option<Closed>,
    /// While it stands, the speaker speaks.
    stay: oneshot::Sender<()>,
    speaker: JoinHandle<()>,
    second: Arc<Second>,
}

impl Session {
    fn new(client: Client, options: &Options, ear: Ear, news: mpsc::Receiver<News>) -> Self {
        let room_bytes = options.engine.unsent_bytes_max;
        let (requests, asked) = mpsc::unbounded_channel();
        let (stay, gone) = oneshot::channel();
        let asks = Arc::default();
        let second = Arc::clone(&ear.second);
        let speaker = Speaker { client, ear, asks: Arc::clone(&asks) };
        Self {
            news,
            requests,
            room: Arc::new(Semaphore::new(room_bytes)),
            room_bytes,
            asks,
            namespace: options.namespace.clone(),
            trouble: None,
            closed: None,
            stay,
            speaker: tokio::spawn(speaker.live(asked, gone)),
            second,
        }
    }

    async fn wait_for_grant(&mut self) -> Result<(), ConnectError> {
        loop {
            match self.news.recv().await {
                Some(News::Granted) => return Ok(()),
                Some(News::Refused(payload)) => {
                    let namespace = self.namespace.clone();
                    return Err(ConnectError::ConnectRefused { namespace, payload, before: 0 });
                }
                Some(News::Trouble(reason)) => self.trouble = Some(reason),
                Some(News::Ended) | None => {
                    return Err(match self.trouble.take() {
                        Some(reason) => other(reason),
                        None => ConnectError::ClosedInHandshake { phase: Phase::Namespace },
                    });
                }
                // Nothing is said in a namespace before it is granted.
                Some(_) => {}
            }
        }
    }

    /// Waits for what arrives next. Safe to cancel.
    pub(super) async fn recv(&mut self) -> Incoming {
        loop {
            if let Some(closed) = &self.closed {
                return Incoming::Closed(closed.clone());
            }
            let news = self.news.recv().await;
            if let Some(incoming) = self.read(news) {
                return incoming;
            }
        }
    }

    /// Hands over an event: a JSON array, its name first. With a number it asks for an answer.
    ///
    /// # Errors
    /// Too much waits already, or the connection is no more.
    pub(super) fn emit(&mut self, ack: Option<u64>, data: &str) -> Result<(), SendError> {
        let closed = |why: &str| SendError::Closed(Closed::Io(format!("`rust_socketio`: {why}")));
        let (name, arguments) =
            speaking::name_and_arguments(data).ok_or_else(|| closed("not an event"))?;
        let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes);
        let room = room.map_err(|_| SendError::Full { limit: self.room_bytes })?;
        let waits = ack.is_some() && self.asks.fetch_add(1, Relaxed) > 0;
        let waits = waits.then(Instant::now);
        let request = Request { name, arguments, ack, waits, room };
        self.requests.send(request).map_err(|_| closed("it does not speak any more"))
    }

    /// Whether a request waits for the answer to another: its delay is the harness's doing.
    pub(super) fn holds_back(&self) -> bool {
        self.asks.load(Relaxed) > 1
    }

    /// Waits, not for long, until what was handed over is out.
    pub(super) async fn flush(&mut self) {
        let all = u32::try_from(self.room_bytes).unwrap_or(u32::MAX);
        let _ = timeout(GOODBYE, self.room.acquire_many(all)).await;
    }

    /// Disconnects; that is the only way it can leave.
    pub(super) async fn leave(mut self, how: Leave) {
        if how == Leave::Polite {
            self.flush().await;
        }
        let Self { stay, speaker, .. } = self;
        drop(stay);
        let _ = speaker.await;
    }

    fn read(&mut self, news: Option<News>) -> Option<Incoming> {
        match news {
            Some(News::Event(name, arguments)) => {
                let array: Vec<Value> =
                    [Value::String(name)].into_iter().chain(arguments).collect();
                Some(self.packet(Kind::Event, None, &Value::Array(array).to_string()))
            }
            Some(News::Answer(ack, arguments)) => {
                Some(self.packet(Kind::Ack, Some(ack), &arguments.to_string()))
            }
            Some(News::Disconnected) => Some(self.packet(Kind::Disconnect, None, "")),
            Some(News::Granted) => None,
            Some(News::Mangled) => {
                self.second.mangled.fetch_add(1, Relaxed);
                None
            }
            Some(News::Trouble(reason)) => {
                self.trouble = Some(reason);
                None
            }
            Some(News::Late) => {
                self.second.late.fetch_add(1, Relaxed);
                self.trouble = Some("an answer that came too late to be told from others".into());
                self.close()
            }
            Some(News::Refused(_) | News::Ended) | None => self.close(),
        }
    }

    fn close(&mut self) -> Option<Incoming> {
        let why = self.trouble.take().unwrap_or_else(|| "the connection ended".into());
        self.closed = Some(Closed::Io(format!("`rust_socketio`: {why}")));
        None
    }

    /// The packet as it must have stood on the wire, but for blanks and the order of fields.
    fn packet(&self, kind: Kind, ack: Option<u64>, data: &str) -> Incoming {
        let mut text = String::with_capacity(data.len() + 24);
        Packet { namespace: &self.namespace, ack, data, ..Packet::bare(kind) }.encode(&mut text);
        Received::read(text.into()).map_or_else(Incoming::Malformed, Incoming::Packet)
    }
}

/// An error of the crate; what it says of the layer below alone is of use.
fn reason(error: &Error) -> String {
    match error {
        Error::IncompleteResponseFromEngineIo(below) => below.to_string(),
        other => other.to_string(),
    }
}

fn other(reason: String) -> ConnectError {
    ConnectError::OtherClient { reason }
}
