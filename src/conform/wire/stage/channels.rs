//! The channels of a case and the one inbox they all speak to.

use super::super::channel::{self, Asked, Beat, Heard, Line, Note, Order};
use super::super::script::{Departure, FrameWords};
use super::super::tape::Tape;
use super::super::tongue::Tongue;
use super::{Moment, client};
use crate::engine::clock::Clock;
use crate::history::PersonId;
use crate::transport::endpoint::Endpoint;
use crate::transport::frame::{RawFrame, opcode};
use crate::transport::socket_io::Options;
use crate::transport::websocket::WebSocketOptions;
use crate::wire::handshake::{Carrier, Open};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// Notes that wait to be read; a server that floods us waits.
const UNREAD: usize = 256;

/// Notes kept per channel until a step asks for them.
const KEPT: usize = 2000;

/// Orders that wait for a channel that cannot write.
const UNSENT: usize = 16;

/// Bytes that nobody should gather for one message.
const HUGE: u64 = 256 << 20;

/// How often this program looks whether it is late.
const TICK: Duration = Duration::from_millis(20);

/// What a handshake that names no `maxPayload` means: the default of the official server.
const MAX_PAYLOAD: u64 = 1_000_000;

/// All channels of a case. Dropping it drops every connection.
pub(super) struct Channels {
    clock: Clock,
    inbox: mpsc::Receiver<Note>,
    to_inbox: mpsc::Sender<Note>,
    tasks: JoinSet<()>,
    list: Vec<Channel>,
    lag: Arc<Lag>,
    /// The first person of the case, for the tape.
    person: PersonId,
}

struct Channel {
    name: String,
    orders: mpsc::Sender<Order>,
    /// Lowered when it is to answer no ping any more.
    pongs: Arc<AtomicBool>,
    task: tokio::task::AbortHandle,
    heard: VecDeque<(Moment, Heard)>,
    closed: Option<String>,
    /// Asks for a new session over this.
    opens_over: Option<Carrier>,
    /// Payloads are posted; else they are frames.
    posts: bool,
    max: u64,
}

impl Channels {
    pub(super) fn new(clock: Clock, person: PersonId) -> Self {
        let (to_inbox, inbox) = mpsc::channel(UNREAD);
        let lag = Arc::<Lag>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(watch_lag(Arc::clone(&lag)));
        Self { clock, inbox, to_inbox, tasks, list: Vec::new(), lag, person }
    }

    /// How late this program itself was at most.
    pub(super) fn own_lag(&self) -> Duration {
        Duration::from_nanos(self.lag.worst.load(Ordering::Relaxed))
    }

    /// How late it was so far, all in all.
    pub(super) fn stood_still(&self) -> Duration {
        Duration::from_nanos(self.lag.total.load(Ordering::Relaxed))
    }

    /// Sends an HTTP request.
    pub(super) fn request(
        &mut self,
        name: &str,
        endpoint: &Endpoint,
        options: &Options,
        method: &str,
        query: &str,
        body: Option<Vec<u8>>,
    ) {
        let asked = Asked { method: method.to_owned(), target: target(options, query), body };
        let (endpoint, headers) = (endpoint.clone(), options.engine.headers.clone());
        let over = opens(query).filter(|_| method == "GET");
        self.add(name, over, true, |line, _, _| channel::request(line, endpoint, headers, asked));
    }

    /// Asks for a WebSocket.
    pub(super) fn socket(
        &mut self,
        name: &str,
        endpoint: &Endpoint,
        options: &Options,
        query: &str,
    ) {
        let wanted = WebSocketOptions {
            headers: options.engine.headers.clone(),
            ..WebSocketOptions::default()
        };
        let (endpoint, target) = (endpoint.clone(), target(options, query));
        self.add(name, opens(query), false, |line, orders, pongs| {
            channel::socket(line, endpoint, target, wanted, (Beat::EngineIo, pongs), orders)
        });
    }

    /// Asks for a raw WebSocket, as this person does.
    pub(super) fn frames(&mut self, name: &str, endpoint: &Endpoint, tongue: &Tongue) {
        let (endpoint, target) = (endpoint.clone(), tongue.target.clone());
        let (wanted, beat) = (tongue.options.clone(), Beat::Frames(Box::new(tongue.heart.clone())));
        self.add(name, None, false, |line, orders, pongs| {
            channel::socket(line, endpoint, target, wanted, (beat, pongs), orders)
        });
    }

    /// Opens a session that polls.
    pub(super) fn polling(
        &mut self,
        name: &str,
        endpoint: &Endpoint,
        options: &Options,
        query: &str,
    ) {
        let (endpoint, target) = (endpoint.clone(), target(options, query));
        let headers = options.engine.headers.clone();
        self.add(name, opens(query), true, |line, orders, pongs| {
            channel::polling(line, endpoint, target, headers, pongs, orders)
        });
    }

    fn add<F>(
        &mut self,
        name: &str,
        opens_over: Option<Carrier>,
        posts: bool,
        run: impl FnOnce(Line, mpsc::Receiver<Order>, Arc<AtomicBool>) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (orders, ordered) = mpsc::channel(UNSENT);
        let (channel, inbox) = (self.list.len(), self.to_inbox.clone());
        let pongs = Arc::new(AtomicBool::new(true));
        let line = Line { channel, clock: self.clock, inbox };
        let task = self.tasks.spawn(run(line, ordered, Arc::clone(&pongs)));
        self.list.push(Channel {
            name: name.to_owned(),
            orders,
            pongs,
            task,
            heard: VecDeque::new(),
            closed: None,
            opens_over,
            posts,
            max: MAX_PAYLOAD,
        });
    }

    /// From now on the session answers no ping.
    pub(super) fn mute(&mut self, name: &str) {
        self.channel(name).pongs.store(false, Ordering::Relaxed);
    }

    /// Sends packets, separated by 0x1e: as one payload or as frames written at once.
    pub(super) async fn send(&mut self, name: &str, payload: Vec<u8>) {
        let channel = self.channel(name);
        let bytes = if channel.posts { payload } else { frames(&payload) };
        channel.order(Order::Bytes(bytes)).await;
    }

    /// Writes one frame as these words say.
    pub(super) async fn frame(&mut self, name: &str, words: FrameWords, payload: &[u8]) {
        let right = RawFrame::text(payload);
        let frame = RawFrame {
            opcode: words.opcode,
            last: words.last,
            reserved_bits: if words.reserved { 4 } else { 0 },
            mask: right.mask.filter(|_| words.masked),
            payload,
        };
        let bytes = match (words.half, words.huge) {
            (true, _) => frame.encode_half(),
            (_, true) => frame.encode_announcing(HUGE),
            _ => frame.encode(),
        };
        self.channel(name).order(Order::Bytes(bytes)).await;
    }

    /// A WebSocket ping.
    pub(super) async fn ping(&mut self, name: &str) {
        let channel = self.channel(name);
        if !channel.posts {
            let frame = RawFrame { opcode: opcode::PING, ..RawFrame::text(b"bystander") };
            channel.order(Order::Bytes(frame.encode())).await;
        }
    }

    /// Ends a connection.
    pub(super) async fn leave(&mut self, name: &str, how: Departure) {
        let channel = self.channel(name);
        if channel.posts {
            channel.task.abort();
        } else {
            channel.order(Order::Leave(how)).await;
        }
    }

    /// What the channel heard next, if anything until then.
    pub(super) async fn next(
        &mut self,
        name: &str,
        until: Instant,
        tape: &mut Tape,
    ) -> Option<(Moment, Heard)> {
        loop {
            let channel = self.channel(name);
            if let Some(heard) = channel.heard.pop_front() {
                return Some(heard);
            }
            if let Some(why) = channel.closed.clone() {
                return Some((self.clock.now(), Heard::Closed(why)));
            }
            let note = timeout_at(until, self.inbox.recv()).await.ok()??;
            self.keep(note, tape);
        }
    }

    /// Reads the inbox until then.
    pub(super) async fn gather_until(&mut self, until: Instant, tape: &mut Tape) {
        while let Ok(Some(note)) = timeout_at(until, self.inbox.recv()).await {
            self.keep(note, tape);
        }
        sleep_until(until).await;
    }

    /// Why the channel is over, if it is known to be.
    pub(super) fn closed(&self, name: &str) -> Option<String> {
        let channel = self.list.iter().rev().find(|channel| channel.name == name)?;
        channel.heard.iter().find_map(|(_, heard)| match heard {
            Heard::Closed(why) => Some(why.clone()),
            _ => channel.closed.clone(),
        })
    }

    /// Marks a channel as over, so that it is found so again.
    pub(super) fn close(&mut self, name: &str, why: String) {
        self.channel(name).closed = Some(why);
    }

    /// Which carrier the channel asks a new session over.
    pub(super) fn opens_over(&self, name: &str) -> Option<Carrier> {
        self.list.iter().rev().find(|channel| channel.name == name)?.opens_over
    }

    /// The announced limit of a payload.
    pub(super) fn announced_max(&self, name: &str) -> u64 {
        self.list.iter().rev().find(|channel| channel.name == name).map_or(0, |one| one.max)
    }

    pub(super) fn instant_after(&self, time: Duration) -> Instant {
        Instant::now() + time
    }

    /// The latest channel of this name. Scripts are read so that there is one.
    fn channel(&mut self, name: &str) -> &mut Channel {
        let found = self.list.iter().rposition(|channel| channel.name == name);
        &mut self.list[found.unwrap_or(0)]
    }

    fn keep(&mut self, note: Note, tape: &mut Tape) {
        let person = self.person;
        let channel = &mut self.list[note.channel];
        let said = match &note.heard {
            Heard::Answer { status, body } if body.is_empty() => format!("← {status}"),
            Heard::Answer { status, body } => {
                format!("← {status} {}", String::from_utf8_lossy(body))
            }
            Heard::Cut(why) => format!("← no answer: {why}"),
            Heard::Unreachable(why) => format!("← nobody is there: {why}"),
            Heard::Opened => "← 101".to_owned(),
            Heard::Packet(packet) => format!("← {packet}"),
            Heard::Pong(text) => format!("← pong {}", String::from_utf8_lossy(text)),
            Heard::Sent(packet) => format!("→ {packet}"),
            Heard::Posted(Ok(status)) => format!("← {status} to a POST"),
            Heard::Posted(Err(why)) => format!("← no answer to a POST: {why}"),
            Heard::Closed(why) => format!("← closed: {why}"),
            Heard::Trouble(why) => format!("has trouble of its own: {why}"),
        };
        let client = client(&channel.name, person);
        tape.note(note.at, client, &format!("{} {said}", channel.name));
        if let Heard::Packet(packet) = &note.heard
            && let Ok(open) = Open::decode_frame(packet)
        {
            channel.max = open.max_payload.unwrap_or(MAX_PAYLOAD);
        }
        if channel.heard.len() < KEPT || matches!(note.heard, Heard::Closed(_)) {
            channel.heard.push_back((note.at, note.heard));
        }
    }
}

impl Channel {
    /// Gives an order; a channel that cannot take it for long will be found out by what follows.
    async fn order(&self, order: Order) {
        let _ = timeout(Duration::from_secs(1), self.orders.send(order)).await;
    }
}

/// The target of a request: the spec's path, this query, the spec's own query.
fn target(options: &Options, query: &str) -> String {
    let path = match options.engine.path.as_str() {
        "" => crate::wire::handshake::DEFAULT_PATH,
        path => path,
    };
    let joint = if path.contains('?') { '&' } else { '?' };
    let own = options.engine.query.trim_start_matches(['?', '&']);
    match (query, own) {
        ("", "") => path.to_owned(),
        (query, "") => format!("{path}{joint}{query}"),
        ("", own) => format!("{path}{joint}{own}"),
        (query, own) => format!("{path}{joint}{query}&{own}"),
    }
}

/// The carrier of a query that asks for a new session.
fn opens(query: &str) -> Option<Carrier> {
    if query.contains("sid=") {
        return None;
    }
    let named = |carrier: &Carrier| query.contains(&format!("transport={}", carrier.name()));
    [Carrier::Polling, Carrier::WebSocket].into_iter().find(named)
}

/// Packets as WebSocket frames: binary ones where a packet is `b` and base64.
fn frames(payload: &[u8]) -> Vec<u8> {
    use base64::Engine;
    let mut bytes = Vec::with_capacity(payload.len() + 16);
    for packet in payload.split(|byte| *byte == 0x1e) {
        let binary = packet
            .strip_prefix(b"b")
            .and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        match binary {
            Some(data) => {
                let frame = RawFrame { opcode: opcode::BINARY, ..RawFrame::text(&data) };
                bytes.extend(frame.encode());
            }
            None => bytes.extend(RawFrame::text(packet).encode()),
        }
    }
    bytes
}

/// How late the timers of this program are, in nanoseconds.
#[derive(Debug, Default)]
struct Lag {
    worst: AtomicU64,
    total: AtomicU64,
}

/// Notes how late a timer of this program is.
async fn watch_lag(lag: Arc<Lag>) {
    loop {
        let due = Instant::now() + TICK;
        sleep_until(due).await;
        let late = due.elapsed().as_nanos() as u64;
        lag.worst.fetch_max(late, Ordering::Relaxed);
        lag.total.fetch_add(late, Ordering::Relaxed);
    }
}
