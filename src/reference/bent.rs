//! A bent wire: a relay in front of the honest server that breaks the protocols of Engine.IO,
//! Socket.IO and WebSockets, or loses connections as a bad proxy does, one bug at a time.
//!
//! The server behind it stays honest, so its chat breaks nothing by itself. Only a server with a bug
//! of the wire has this in front; the honest path never passes through here. Start with [`serve`].

mod answers;
mod frames;
mod packets;
mod raw;

use crate::reference::bugs::{Bug, Bugs};
use crate::world::network::{self, Listener};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// The bugs that are done here: those of connections, of `engine-io` and of `socket-io`.
pub(super) const WIRE: &[Bug] = &[
    Bug::NoPings,
    Bug::DeadKept,
    Bug::IdleClosed,
    Bug::EioAny,
    Bug::SidUnknownAccepted,
    Bug::SidSame,
    Bug::UpgradesMissing,
    Bug::UpgradesRefused,
    Bug::PingNever,
    Bug::PingLate,
    Bug::DeadClientKept,
    Bug::PayloadUnlimited,
    Bug::PayloadAnnouncedWrong,
    Bug::PayloadReordered,
    Bug::PollsAtOnce,
    Bug::PollNotReleased,
    Bug::CloseIgnored,
    Bug::ProbeWrong,
    Bug::BinaryRefused,
    Bug::InvalidPacketTolerated,
    Bug::ConnectErrorMissing,
    Bug::SocketIdSame,
    Bug::EarlyEventTolerated,
    Bug::MalformedTolerated,
    Bug::MalformedCrashes,
    Bug::AckIdCut,
    Bug::AckDoubled,
];

/// The most bytes of a body that is relayed.
const BODY: usize = 64 << 20;

/// Longer than anybody waits.
const FOREVER: Duration = Duration::from_secs(24 * 3600);

/// A second poll is answered after this by a server that does not mind.
const SHORTLY: Duration = Duration::from_millis(20);

/// The server's figures: what it tells, or what it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    pub(super) ping_interval: Duration,
    pub(super) ping_timeout: Duration,
    pub(super) max_payload: u64,
}

impl Figures {
    /// What the server behind a bent wire really does, when it tells `self`.
    pub(super) fn behind(mut self, bugs: Bugs) -> Self {
        if bugs.has(Bug::PingNever) || bugs.has(Bug::NoPings) {
            self.ping_interval = FOREVER;
        }
        if bugs.has(Bug::PingLate) {
            self.ping_interval = self.ping_interval * 2 + Duration::from_secs(4);
        }
        if bugs.has(Bug::DeadClientKept) || bugs.has(Bug::DeadKept) {
            self.ping_timeout = FOREVER;
        }
        if bugs.has(Bug::PayloadUnlimited) {
            self.max_payload = BODY as u64;
        }
        self
    }
}

/// Whether the wire of a server with these bugs is bent: that of Socket.IO, or of JSON frames.
pub(super) fn is_bent(bugs: Bugs, frames: bool) -> bool {
    let list = if frames { raw::RAW } else { WIRE };
    list.iter().any(|bug| bugs.has(*bug))
}

/// What the relay knows.
struct Bend {
    bugs: Bugs,
    inner: SocketAddr,
    /// The path of Socket.IO; what goes elsewhere passes as it is. `None`: raw WebSockets.
    path: Option<String>,
    told: Figures,
    /// Sessions with a poll under way.
    polled: Mutex<HashSet<String>>,
    /// Whose devices are thrown out: their CONNECT packet.
    thrown_out: broadcast::Sender<String>,
    /// Held by who is read, where only one is at a time.
    reading: Arc<tokio::sync::Mutex<()>>,
}

/// Relays until it is dropped.
pub(super) async fn serve(
    listener: Listener,
    inner: SocketAddr,
    path: Option<String>,
    bugs: Bugs,
    told: Figures,
) {
    let thrown_out = broadcast::Sender::new(64);
    let (polled, reading) = (Mutex::default(), Arc::default());
    let bend = Bend { bugs, inner, path, told, polled, thrown_out, reading };
    let router = Router::new().fallback(relay).with_state(Arc::new(bend));
    let _ = axum::serve(listener, router).await;
}

/// Relays one request.
async fn relay(State(bend): State<Arc<Bend>>, mut request: Request) -> Response {
    let upgrades = request.headers().contains_key(header::UPGRADE);
    let Some(path) = &bend.path else {
        return if upgrades {
            frames::relay(&bend, request).await
        } else {
            bend.forward(request).await
        };
    };
    if !request.uri().path().starts_with(path) {
        return bend.forward(request).await;
    }
    bend.bend_query(&mut request);
    if upgrades { frames::relay(&bend, request).await } else { bend.exchange(request).await }
}

impl Bend {
    /// Relays a request of long polling.
    async fn exchange(&self, request: Request) -> Response {
        let sid = parameter(&request, "sid");
        let is_poll = request.method() == Method::GET;
        let Some(sid) = sid else {
            return self.answered(self.forward(request).await, false).await;
        };
        if !is_poll {
            return self.post(request).await;
        }
        let Some(_turn) = self.begin_poll(&sid) else {
            tokio::time::sleep(SHORTLY).await;
            return "6".into_response();
        };
        let afresh = self.bugs.has(Bug::SidUnknownAccepted).then(|| without_sid(&request));
        let answer = self.forward(request).await;
        match afresh {
            Some(afresh) if answer.status() == StatusCode::BAD_REQUEST => {
                self.forward(afresh).await
            }
            _ => self.answered(answer, true).await,
        }
    }

    /// Relays what a client posts.
    async fn post(&self, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, BODY).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let Ok(text) = std::str::from_utf8(&body) else {
            return self.forward(Request::from_parts(parts, Body::from(body))).await;
        };
        if self.bugs.has(Bug::BinaryRefused) && text.split('\u{1e}').any(|one| one.starts_with('b'))
        {
            return StatusCode::BAD_REQUEST.into_response();
        }
        let mut client = packets::Client::known();
        let kept: Vec<&str> =
            text.split('\u{1e}').filter(|packet| client.passes(self, packet)).collect();
        if kept.is_empty() {
            return "ok".into_response();
        }
        let body = kept.join("\u{1e}");
        parts.headers.insert(header::CONTENT_LENGTH, body.len().into());
        self.forward(Request::from_parts(parts, Body::from(body))).await
    }

    /// Marks a session as polled; `None` if it is already and the server does not mind.
    fn begin_poll(&self, sid: &str) -> Option<Turn<'_>> {
        let mut polled = self.polled.lock().unwrap_or_else(PoisonError::into_inner);
        let first = polled.insert(sid.to_owned());
        (first || !self.bugs.has(Bug::PollsAtOnce))
            .then(|| Turn { bend: self, sid: sid.to_owned() })
    }

    /// Asks the server behind.
    async fn forward(&self, request: Request) -> Response {
        match self.ask(request).await {
            Ok(answer) => answer,
            Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        }
    }

    async fn ask(
        &self,
        request: Request,
    ) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
        let stream = network::connect(self.inner).await?;
        stream.set_nodelay()?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        Ok(sender.send_request(request).await?.map(Body::new))
    }

    /// Bends what is asked for.
    fn bend_query(&self, request: &mut Request) {
        if !self.bugs.has(Bug::EioAny) {
            return;
        }
        let query = request.uri().query().unwrap_or_default();
        let others = query.split('&').filter(|one| !one.is_empty() && !one.starts_with("EIO="));
        let query: Vec<&str> = others.chain(["EIO=4"]).collect();
        set_query(request, &query.join("&"));
    }
}

/// One poll under way.
struct Turn<'a> {
    bend: &'a Bend,
    sid: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut polled = self.bend.polled.lock().unwrap_or_else(PoisonError::into_inner);
        polled.remove(&self.sid);
    }
}

/// A parameter of the query.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let query = request.uri().query()?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

/// The same request for a new session.
fn without_sid(request: &Request) -> Request {
    let mut afresh = Request::new(Body::empty());
    *afresh.uri_mut() = request.uri().clone();
    *afresh.headers_mut() = request.headers().clone();
    let query = request.uri().query().unwrap_or_default();
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("sid=")).collect();
    set_query(&mut afresh, &kept.join("&"));
    afresh
}

fn set_query(request: &mut Request, query: &str) {
    if let Ok(uri) = format!("{}?{query}", request.uri().path()).parse() {
        *request.uri_mut() = uri;
    }
}
