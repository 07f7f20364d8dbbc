//! A Socket.IO session after its first words: the server's welcome, and the login that proves who the
//! client is.
//!
//! Both are looked for among what arrives when the namespace is granted. What else arrives
//! meanwhile is kept, and comes afterwards in its order.

use super::polling::Bookmark;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Reception, Request, Shape, Spec, Step, Via};
use crate::transport::endpoint::Endpoint;
use crate::transport::socket_io::{Incoming, Options, Received, SocketIo};
use crate::transport::{ConnectError, Phase};
use crate::wire::socket_io::{Kind, Packet};
use tokio::time::{Instant, timeout_at};

/// The number of the acknowledgement that a login asks for; later requests count from 1.
const LOGIN: u64 = 0;
/// Packets that are kept although they came before the login was over.
const EARLY_MAX: usize = 256;
/// Characters of a refusal that are kept.
const PAYLOAD: usize = 1_024;

/// A session that was greeted and is logged in, where the spec has that.
pub(in crate::engine) struct Talk {
    pub(super) session: SocketIo,
    /// In which events are emitted.
    pub(super) namespace: String,
    /// What the welcome and the login bound, beside what was known.
    pub(super) bound: Bindings,
    early: Vec<Incoming>,
}

impl Talk {
    /// Opens a session, waits for its welcome, and logs in, unless it is for a stranger.
    ///
    /// # Errors
    /// Why there is none; [`ConnectError::LoginRefused`] has the server's words.
    pub(super) async fn open(
        endpoint: &Endpoint,
        options: &Options,
        spec: &Spec,
        known: Bindings,
        (stranger, bookmark): (bool, &Bookmark),
    ) -> Result<Self, ConnectError> {
        let connect = &spec.connect;
        let deadline = Instant::now() + connect.timeout;
        let session = SocketIo::open(endpoint, options).await?;
        let namespace = options.namespace.clone();
        let mut talk = Self { session, namespace, bound: known, early: Vec::new() };
        let late = |phase| move |_| ConnectError::TimedOut { phase, after: connect.timeout };
        if let Some(welcome) = &connect.welcome {
            let greeted = timeout_at(deadline, talk.wait_for_welcome(welcome)).await;
            greeted.map_err(late(Phase::Welcome))??;
        }
        if let Some(first) = connect.first.as_ref().filter(|_| !stranger) {
            let known = timeout_at(deadline, talk.log_in(first, bookmark)).await;
            known.map_err(late(Phase::Login))??;
        }
        talk.session.restore(std::mem::take(&mut talk.early));
        Ok(talk)
    }

    /// An event; or else the payload of the CONNECT answer, which is there already.
    async fn wait_for_welcome(&mut self, welcome: &Shape) -> Result<(), ConnectError> {
        if welcome.event().is_none() {
            let said = self.session.grant();
            let payload = if said.is_empty() { "null" } else { said };
            return match welcome.matches(payload, &mut self.bound) {
                Ok(()) => Ok(()),
                Err(mismatch) => Err(ConnectError::NotWelcome { how: mismatch.to_string() }),
            };
        }
        loop {
            let received = self.next(Phase::Welcome).await?;
            let packet = received.packet();
            if packet.kind.is_event() && welcome.fits(packet.data, &mut self.bound) {
                return Ok(());
            }
            self.keep(received);
        }
    }

    async fn log_in(&mut self, first: &Step, bookmark: &Bookmark) -> Result<(), ConnectError> {
        let Request::Emit { shape, .. } = &first.request else { return Ok(()) };
        let event = written(shape, &self.bound, bookmark)?;
        let acked = first.yes.iter().chain(&first.no).any(|one| one.via == Via::Ack);
        let sent = self.session.emit(&self.namespace, acked.then_some(LOGIN), &event);
        sent.map_err(|_| ConnectError::ClosedInHandshake { phase: Phase::Login })?;
        if first.is_unanswered() {
            let flushed = self.session.flush().await;
            return flushed.map_err(|_| ConnectError::ClosedInHandshake { phase: Phase::Login });
        }
        loop {
            let received = self.next(Phase::Login).await?;
            let packet = received.packet();
            let comes = |one: &&Reception| carries(&packet, &one.via);
            let mut refusals = first.no.iter().chain(&first.limited).filter(comes);
            if refusals.any(|no| no.shape.fits(packet.data, &mut self.bound.clone())) {
                // An old cursor may be what is refused.
                bookmark.put(None);
                let payload = packet.data.chars().take(PAYLOAD).collect();
                let before = self.early.len() as u32;
                return Err(ConnectError::LoginRefused { payload, before });
            }
            let mut answers = first.yes.iter().filter(comes);
            if answers.any(|yes| lets_in(yes, packet.data, &mut self.bound)) {
                bookmark.move_to(&self.bound);
                return Ok(());
            }
            self.keep(received);
        }
    }

    /// Waits for the next packet.
    async fn next(&mut self, phase: Phase) -> Result<Received, ConnectError> {
        loop {
            match self.session.recv().await {
                Incoming::Packet(received) if received.packet().kind == Kind::Disconnect => {
                    return Err(ConnectError::ClosedInHandshake { phase });
                }
                Incoming::Packet(received) => return Ok(received),
                Incoming::Closed(_) => return Err(ConnectError::ClosedInHandshake { phase }),
                Incoming::Ping | Incoming::Malformed(_) => {}
            }
        }
    }

    fn keep(&mut self, received: Received) {
        if received.packet().kind.is_event() && self.early.len() < EARLY_MAX {
            self.early.push(Incoming::Packet(received));
        }
    }
}

/// A first message in words. Who has no token says so in its place; who was there before says where
/// they had come to.
pub(super) fn written(
    shape: &Shape,
    known: &Bindings,
    bookmark: &Bookmark,
) -> Result<String, ConnectError> {
    let mut known = known.clone();
    if let Some(cursor) = bookmark.get() {
        known.set(Hole::CURSOR, cursor);
    }
    let mut said = String::new();
    if shape.fill(&known, &mut said).is_err() {
        let without = known.with(Hole::TOKEN, Scalar::Null);
        let unsendable = |_| ConnectError::Unsendable { what: "login" };
        shape.fill(&without, &mut said).map_err(unsendable)?;
    }
    Ok(said)
}

/// Whether the answer lets the client in, and what it binds. Who is taken for somebody else is let in,
/// too, and stays who they are.
pub(super) fn lets_in(yes: &Reception, json: &str, bound: &mut Bindings) -> bool {
    if yes.shape.fits(json, bound) {
        return true;
    }
    let Some(own) = bound.get(Hole::USER).cloned() else { return false };
    let mut other = bound.without(Hole::USER);
    let fits = yes.shape.fits(json, &mut other);
    if fits {
        *bound = other.with(Hole::USER, own);
    }
    fits
}

fn carries(packet: &Packet<'_>, via: &Via) -> bool {
    match via {
        Via::Ack => packet.kind.is_ack() && packet.ack == Some(LOGIN),
        Via::Event(name) => packet.kind.is_event() && packet.event_name().as_deref() == Some(name),
        _ => false,
    }
}
