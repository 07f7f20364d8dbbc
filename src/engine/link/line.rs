//! One raw WebSocket that carries JSON frames: its welcome, its login, its heartbeat.

use super::approach::Caller;
use super::polling::Bookmark;
use super::talk::{lets_in, written};
use crate::dialect::http::fields;
use crate::engine::people::{Jar, Papers};
use crate::scalar::Scalar;
use crate::spec::{AppPing, Bindings, Connect, Hole, Protocol, Request, Shape, Spec, Step};
use crate::transport::endpoint::Endpoint;
use crate::transport::websocket::{Incoming, Outgoing, WebSocket, WebSocketOptions};
use crate::transport::{Closed, ConnectError, Phase, SendError, Text};
use hyper::header::{COOKIE, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::{Instant, timeout_at};

/// Frames that are kept although they came before the login was over.
const EARLY_MAX: usize = 256;
/// Characters of a refusal that are kept.
const PAYLOAD: usize = 1_024;

/// Where a client's lines lead, and who it is there.
#[derive(Clone, Debug)]
pub(super) struct Way {
    endpoint: Endpoint,
    spec: Arc<Spec>,
    options: WebSocketOptions,
    bindings: Bindings,
    jar: Option<Jar>,
    elsewhere: bool,
    stranger: bool,
    bookmark: Bookmark,
}

/// One WebSocket, logged in.
pub(super) struct Line {
    /// The conversation that it is for, where each has its own.
    pub(super) place: Option<Scalar>,
    pub(super) socket: WebSocket,
    /// What the welcome and the login bound, beside what was known.
    pub(super) bound: Bindings,
    early: VecDeque<Text>,
    beat: Option<Beat>,
}

/// A heartbeat of the application.
struct Beat {
    ping: AppPing,
    /// What leaves next, and when; `None`: the server pings.
    next: Option<(String, Instant)>,
    /// When the connection is given up: a ping left and no pong came yet, or no ping of the server.
    giving_up: Option<Instant>,
}

/// What a line has to say.
pub(super) enum Spoken {
    Frame(Text, Option<Scalar>),
    Pong,
    Binary(usize),
    Closed(Closed),
}

impl Way {
    pub(super) fn new(
        endpoint: &Endpoint,
        spec: &Arc<Spec>,
        options: &WebSocketOptions,
        caller: &Caller<'_>,
    ) -> Self {
        let mut options = options.clone();
        options.connect.weather.clone_from(&caller.weather);
        options.connect.source = caller.source;
        Self {
            endpoint: endpoint.clone(),
            spec: Arc::clone(spec),
            options,
            bindings: caller.bindings.clone(),
            jar: caller.jar.cloned(),
            elsewhere: caller.elsewhere,
            stranger: caller.stranger,
            bookmark: caller.bookmark.clone(),
        }
    }

    /// Only connects: who has no conversation where each has a socket of its own.
    ///
    /// # Errors
    /// The server is not there.
    pub(super) async fn look(&self) -> Result<(), ConnectError> {
        crate::transport::stream::connect(&self.endpoint, &self.options.connect).await.map(drop)
    }

    /// Opens a line, waits for its welcome, and logs in.
    ///
    /// # Errors
    /// Why there is none; [`ConnectError::LoginRefused`] has the server's words.
    pub(super) async fn open(&self, place: Option<Scalar>) -> Result<Line, ConnectError> {
        let connect = &self.spec.connect;
        let deadline = Instant::now() + connect.timeout;
        let mut bindings = self.bindings.clone();
        if let Some(place) = &place {
            bindings.set(Hole::CONVERSATION, place.clone());
        }
        let (target, options) = self.handshake(&bindings);
        let socket = WebSocket::open(&self.endpoint, &target, &options).await?;
        let mut line = Line { place, socket, bound: bindings, early: VecDeque::new(), beat: None };
        let late = |phase| move |_| ConnectError::TimedOut { phase, after: connect.timeout };
        if let Some(welcome) = &connect.welcome {
            let greeted = timeout_at(deadline, line.wait_for_welcome(welcome)).await;
            greeted.map_err(late(Phase::Welcome))??;
        }
        if let Some(first) = connect.first.as_ref().filter(|_| !self.stranger) {
            let known = timeout_at(deadline, line.log_in(first, &self.bookmark)).await;
            known.map_err(late(Phase::Login))??;
        }
        line.beat = connect.ping.as_ref().and_then(|ping| Beat::new(ping, &line.bound));
        Ok(line)
    }

    /// Path with query, and the headers.
    fn handshake(&self, bindings: &Bindings) -> (String, WebSocketOptions) {
        let mut options = self.options.clone();
        let (jar, elsewhere) = (self.jar.as_ref(), self.elsewhere);
        let target = handshake(&self.spec.connect, bindings, jar, elsewhere, &mut options);
        (target, options)
    }
}

/// The handshake of a person with a server of JSON frames: path with query; headers into `options`.
pub(crate) fn frames_handshake(
    spec: &Spec,
    papers: &Papers,
    options: &mut WebSocketOptions,
) -> String {
    handshake(&spec.connect, &papers.bindings, papers.jar.as_ref(), false, options)
}

fn handshake(
    connect: &Connect,
    bindings: &Bindings,
    jar: Option<&Jar>,
    elsewhere: bool,
    options: &mut WebSocketOptions,
) -> String {
    let (query, headers) = match &connect.elsewhere {
        Some(other) if elsewhere => (&other.query, &other.headers),
        _ => (&connect.query, &connect.headers),
    };
    let mut target = String::new();
    if connect.path.fill(bindings, true, &mut target) != Ok(true) {
        target.push('/');
    }
    for (name, value) in fields(query, bindings, true).unwrap_or_default() {
        target.push(if target.contains('?') { '&' } else { '?' });
        target.push_str(&format!("{name}={value}"));
    }
    for (name, value) in fields(headers, bindings, false).unwrap_or_default() {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            options.headers.insert(name, value);
        }
    }
    let cookies = jar.and_then(|jar| jar.header(&target));
    if let Some(Ok(value)) = cookies.map(|cookies| HeaderValue::from_str(&cookies)) {
        options.headers.insert(COOKIE, value);
    }
    if let Some(Ok(subprotocol)) = subprotocol(connect).map(HeaderValue::from_str) {
        options.headers.insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    target
}

/// The first frame or event, which says who somebody is; `None`: something in it is not known.
pub(crate) fn login_text(first: &Step, bound: &Bindings) -> Option<String> {
    let (Request::Frame { shape } | Request::Emit { shape, .. }) = &first.request else {
        return None;
    };
    let mut text = String::new();
    if shape.fill(bound, &mut text).is_err() {
        // Who has no token says so in its place.
        let known = bound.clone().with(Hole::TOKEN, Scalar::Null);
        text.clear();
        shape.fill(&known, &mut text).ok()?;
    }
    Some(text)
}

fn subprotocol(connect: &Connect) -> Option<&str> {
    match &connect.protocol {
        Protocol::WebSocket { subprotocol } => subprotocol.as_deref(),
        _ => None,
    }
}

impl Line {
    pub(super) fn feed(&mut self, frame: &str) -> Result<(), SendError> {
        self.socket.feed(Outgoing::text(frame.to_owned()))
    }

    /// The next thing that comes, and meanwhile the heartbeat's own work is left undone: see
    /// [`Line::beat`].
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Spoken> {
        if let Some(early) = self.early.pop_front() {
            return Poll::Ready(self.spoken(early));
        }
        self.socket.poll_recv(cx).map(|incoming| match incoming {
            Incoming::Text(text) => self.spoken(text),
            Incoming::Binary(bytes) => Spoken::Binary(bytes.len()),
            Incoming::Closed(closed) => Spoken::Closed(closed),
        })
    }

    /// When the heartbeat has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        let beat = self.beat.as_ref()?;
        beat.next.as_ref().map(|(_, at)| *at).into_iter().chain(beat.giving_up).min()
    }

    /// Does what the heartbeat is there for: sends a ping, or gives the connection up.
    pub(super) fn beat(&mut self, now: Instant) -> Option<Closed> {
        let beat = self.beat.as_mut()?;
        let patience = beat.ping.patience();
        if beat.giving_up.is_some_and(|at| at <= now) {
            return Some(Closed::NoPong { after: patience });
        }
        let (send, at) = beat.next.as_mut().filter(|(_, at)| *at <= now)?;
        *at = now + beat.ping.every;
        if beat.ping.expect.is_some() {
            beat.giving_up.get_or_insert(now + patience);
        }
        let send = send.clone();
        // A line that takes no more says so when it is read.
        let _ = self.feed(&send);
        None
    }

    /// What a frame is: a part of the heartbeat, or a word of the server.
    fn spoken(&mut self, text: Text) -> Spoken {
        if self.is_pong(&text) || self.answers_ping(&text) {
            return Spoken::Pong;
        }
        Spoken::Frame(text, self.place.clone())
    }

    fn is_pong(&mut self, text: &str) -> bool {
        let Some(beat) = &mut self.beat else { return false };
        let awaited = beat.giving_up.and(beat.ping.expect.as_ref());
        let pong = awaited.is_some_and(|shape| shape.fits(text, &mut self.bound.clone()));
        if pong {
            beat.giving_up = None;
        }
        pong
    }

    /// Answers the frame if it is a ping of the server.
    fn answers_ping(&mut self, text: &str) -> bool {
        let Some(beat) = &mut self.beat else { return false };
        let mut bindings = self.bound.clone();
        let ping = beat.ping.answers.as_ref().is_some_and(|it| it.fits(text, &mut bindings));
        if ping {
            beat.await_ping(Instant::now());
            let mut pong = String::new();
            if beat.ping.send.fill(&bindings, &mut pong).is_ok() {
                let _ = self.feed(&pong);
            }
        }
        ping
    }

    async fn wait_for_welcome(&mut self, welcome: &Shape) -> Result<(), ConnectError> {
        loop {
            let text = self.next_text(Phase::Welcome).await?;
            if welcome.fits(&text, &mut self.bound) {
                return Ok(());
            }
            self.keep(text);
        }
    }

    async fn log_in(&mut self, first: &Step, bookmark: &Bookmark) -> Result<(), ConnectError> {
        let Request::Frame { shape } = &first.request else { return Ok(()) };
        let frame = written(shape, &self.bound, bookmark)?;
        self.feed(&frame).map_err(|_| ConnectError::ClosedInHandshake { phase: Phase::Login })?;
        if first.is_unanswered() {
            return Ok(());
        }
        loop {
            let text = self.next_text(Phase::Login).await?;
            let mut refusals = first.no.iter().chain(&first.limited);
            if refusals.any(|no| no.shape.fits(&text, &mut self.bound.clone())) {
                let before = self.early.len() as u32;
                let payload = text.chars().take(PAYLOAD).collect();
                // An old cursor may be what is refused.
                bookmark.put(None);
                return Err(ConnectError::LoginRefused { payload, before });
            }
            if first.yes.iter().any(|yes| lets_in(yes, &text, &mut self.bound)) {
                bookmark.move_to(&self.bound);
                return Ok(());
            }
            self.keep(text);
        }
    }

    async fn next_text(&mut self, phase: Phase) -> Result<Text, ConnectError> {
        loop {
            match self.socket.recv().await {
                Incoming::Text(text) => return Ok(text),
                Incoming::Binary(_) => {}
                Incoming::Closed(_) => return Err(ConnectError::ClosedInHandshake { phase }),
            }
        }
    }

    fn keep(&mut self, text: Text) {
        if self.early.len() < EARLY_MAX {
            self.early.push_back(text);
        }
    }
}

impl Beat {
    /// `None`: there is nothing to fill the ping with.
    fn new(ping: &AppPing, bindings: &Bindings) -> Option<Self> {
        let now = Instant::now();
        let mut beat = Self { ping: ping.clone(), next: None, giving_up: None };
        if ping.answers.is_some() {
            beat.await_ping(now);
        } else {
            let mut send = String::new();
            ping.send.fill(bindings, &mut send).ok()?;
            beat.next = Some((send, now + ping.every));
        }
        Some(beat)
    }

    /// A ping of the server came, or the connection was made: so long the next one may take.
    fn await_ping(&mut self, now: Instant) {
        self.giving_up = self.ping.dead_after.map(|silence| now + silence);
    }
}
