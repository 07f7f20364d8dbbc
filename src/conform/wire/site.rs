//! Where a case plays: the server, and who we are to it.

use super::WireCase;
use super::greeting::Greeting;
use super::script::Script;
use super::text::Holes;
use super::tongue::{self, Tongue};
use crate::engine::clock::Clock;
use crate::engine::people::{Papers, Registry, enrol_at};
use crate::engine::session_options;
use crate::history::PersonId;
use crate::operation::Operation;
use crate::scalar::Scalar;
use crate::spec::{
    Bindings, Hole, Protocol, Request, Shape, SocketPer, Spec, Transports, UserIds, Via,
};
use crate::transport::endpoint::Endpoint;
use crate::transport::socket_io::Options;
use crate::wire::handshake::Carrier;
use crate::wire::socket_io::MAIN_NAMESPACE;
use std::sync::Arc;

/// Where a case plays.
#[derive(Clone, Debug)]
pub struct Site {
    /// The server.
    pub endpoint: Endpoint,
    /// Its spec.
    pub spec: Arc<Spec>,
    /// Who the people are to the server.
    pub registry: Arc<Registry>,
    /// The run's clock.
    pub clock: Clock,
    /// The person of the case; the two that follow are the bystander and the newcomer.
    pub person: PersonId,
    /// Every packet is kept, not only those that an argument needs.
    pub trace: bool,
}

/// The case, the bystander and the newcomer.
pub const PEOPLE: u32 = 3;

impl Site {
    /// Makes the people of the case known to the server.
    ///
    /// # Errors
    /// Somebody could not register or log in; says who, and why.
    pub(super) async fn enrol(&self) -> Result<(), String> {
        let PersonId(first) = self.person;
        for person in (first..first + PEOPLE).map(PersonId) {
            let enrolled = enrol_at(&self.registry, &self.endpoint, person).await;
            enrolled.map_err(|why| why.0)?;
        }
        Ok(())
    }
}

/// Why a case cannot be played with a spec, if so.
#[must_use]
pub fn disabled(case: &WireCase, spec: &Spec) -> Option<String> {
    let raw = case.chapter() == "websocket";
    let script = Script::parse(case.script).ok();
    let needs = |hole: &str| script.as_ref().is_some_and(|script| script.needs(hole));
    let timed = || script.as_ref().is_some_and(Script::needs_figures);
    let why = match &spec.connect.protocol {
        Protocol::Http => "the spec's protocol is plain HTTP, without a socket",
        Protocol::WebSocket { .. } if !raw => {
            "the spec's protocol is a raw WebSocket, not Socket.IO"
        }
        Protocol::SocketIo { .. } if raw => {
            "the spec's protocol is Socket.IO, whose frames the chapter `engine-io` tries"
        }
        _ if spec.connect.per == SocketPer::Conversation => {
            "the spec has a socket per conversation"
        }
        Protocol::WebSocket { .. } if needs("ask") && tongue::answered(spec).is_none() => {
            "the spec has no frame that is answered by one"
        }
        Protocol::WebSocket { .. } if timed() && tongue::figures(spec).is_none() => {
            "the spec has no `ping` with `dead-after`"
        }
        Protocol::SocketIo { .. } if needs("event") && acknowledged(spec).is_none() => {
            "the spec has no event that is answered by an acknowledgement"
        }
        _ => return None,
    };
    Some(why.to_owned())
}

/// A person at the door: how to connect, and what the holes of a script mean.
pub(super) struct Visitor {
    /// What the person holds.
    pub(super) papers: Papers,
    pub(super) options: Options,
    pub(super) holes: Holes,
    /// Its words, where the server takes JSON frames.
    pub(super) tongue: Option<Tongue>,
    /// Its first words, where a session of Socket.IO begins with a login.
    pub(super) greeting: Option<Greeting>,
}

impl Visitor {
    /// The person of this number.
    ///
    /// # Errors
    /// Why there is no credential.
    pub(super) fn new(registry: &Registry, person: PersonId) -> Result<Self, String> {
        let spec = registry.spec();
        let papers = registry.papers(person, 0).map_err(|why| why.0)?;
        let mut base = Options::default();
        if let Protocol::SocketIo { namespace, .. } = &spec.connect.protocol {
            base.namespace.clone_from(namespace);
        }
        let options = session_options(&base, spec, &papers);
        let mut holes = Holes::new();
        let namespace = match options.namespace.as_str() {
            MAIN_NAMESPACE | "" => String::new(),
            name => format!("{name},"),
        };
        holes.insert("ns".to_owned(), namespace);
        holes.insert("auth".to_owned(), options.auth.clone().unwrap_or_default());
        let event = acknowledged(spec).and_then(|shape| filled(shape, spec, &papers.bindings));
        if let Some((event, _)) = event {
            holes.insert("event".to_owned(), event);
        }
        let (mut tongue, mut greeting) = (None, None);
        if matches!(spec.connect.protocol, Protocol::WebSocket { .. }) {
            let (words, texts) = Tongue::new(spec, &papers);
            holes.extend(texts.into_iter().map(|(name, text)| (name.to_owned(), text)));
            tongue = Some(words);
        } else {
            greeting = Greeting::of(spec, &papers, &holes["ns"]);
        }
        Ok(Self { papers, options, holes, tongue, greeting })
    }
}

/// What the spec's own clients connect over first.
pub(super) fn usual(spec: &Spec) -> Carrier {
    match spec.connect.protocol {
        Protocol::SocketIo { transports: Transports::Polling, .. } => Carrier::Polling,
        _ => Carrier::WebSocket,
    }
}

/// Whether the spec says that clients may use this.
pub(super) fn promises(spec: &Spec, carrier: Carrier) -> bool {
    match (&spec.connect.protocol, carrier) {
        (Protocol::SocketIo { transports: Transports::Upgrade, .. }, _) => true,
        _ => usual(spec) == carrier,
    }
}

/// An event that the server answers by an acknowledgement; a send if there is one.
fn acknowledged(spec: &Spec) -> Option<&Shape> {
    let mut found = None;
    for deed in &spec.does {
        for step in deed.channels.iter().flat_map(|channel| &channel.steps) {
            let acked = step.yes.iter().chain(&step.no).any(|answer| answer.via == Via::Ack);
            if let (true, Request::Emit { shape, .. }) = (acked, &step.request) {
                if deed.operation == Operation::Send {
                    return Some(shape);
                }
                found.get_or_insert(shape);
            }
        }
    }
    found
}

/// The event or frame with something in each hole, and what that is: what it asks for need not
/// exist, only be answered.
pub(super) fn filled(
    shape: &Shape,
    spec: &Spec,
    passport: &Bindings,
) -> Option<(String, Bindings)> {
    let id = match spec.people.ids {
        UserIds::Integer { .. } => Scalar::Int(999_999_999),
        UserIds::ObjectId => Scalar::Text("a551ffffffffffffffffffff".into()),
        UserIds::Uuid => Scalar::Text("a551ffff-ffff-4fff-8fff-ffffffffffff".into()),
        UserIds::Text { .. } | UserIds::ByServer => Scalar::Text("assize-nowhere".into()),
    };
    let mut bindings = passport.clone();
    bindings.set(Hole::TEXT, Scalar::Text("assize".into()));
    bindings.set(Hole::KEY, Scalar::Text("a551a551-0000-4000-8000-000000000001".into()));
    bindings.set(Hole::REQUEST, 1);
    for _ in 0..32 {
        let mut out = String::new();
        match shape.fill(&bindings, &mut out) {
            Ok(()) => return Some((out, bindings)),
            Err(unbound) => bindings.set(unbound.0, id.clone()),
        }
    }
    None
}
