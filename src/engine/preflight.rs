//! One connection before the run, so that an unreachable target is told at once and in full.

use crate::engine::http_users;
use crate::engine::link::{Approach, Caller};
use crate::engine::people::{self, NoCredential, Registry};
use crate::history::PersonId;
use crate::operation::Operation;
use crate::plan::Plan;
use crate::spec::{Protocol, Request, SocketPer, Spec, TokenSource, Transports, UserIds};
use crate::transport::endpoint::Endpoint;
use crate::transport::{ConnectError, Leave};
use std::sync::Arc;

/// Why the target cannot be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// What happened.
    pub what: String,
    /// What a person could try.
    pub hint: String,
}

impl Unreachable {
    pub(super) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }

    fn of(url: &str, error: &ConnectError) -> Self {
        Self::new(format!("`{url}`: {error}"), error.hint())
    }
}

/// The URL as an endpoint whose addresses are known.
pub(super) async fn endpoint(url: &str, spec: &Spec) -> Result<Endpoint, Unreachable> {
    let mut endpoint = Endpoint::parse(url).map_err(|error| {
        Unreachable::new(format!("`{url}`: {error}"), "a target looks like http://127.0.0.1:3000")
    })?;
    let resolved = endpoint.resolve(spec.connect.timeout).await;
    resolved.map_err(|error| Unreachable::of(url, &error))?;
    Ok(endpoint)
}

/// The endpoints of all nodes.
pub(super) async fn endpoints(urls: &[String], spec: &Spec) -> Result<Vec<Endpoint>, Unreachable> {
    let mut endpoints = Vec::new();
    for url in urls {
        endpoints.push(endpoint(url, spec).await?);
    }
    Ok(endpoints)
}

/// How sessions are opened on this spec, before anything of a person is filled in.
pub(super) fn approach(
    spec: &Spec,
    transport: Option<Transports>,
) -> Result<Approach, Unreachable> {
    if let Some(part) = not_driven(spec) {
        return Err(Unreachable::new(
            format!("spec `{}` has {part}, which `run` does not do yet", spec.name),
            "docs/spec-language.md says what a run acts on",
        ));
    }
    match &spec.connect.protocol {
        Protocol::SocketIo { namespace, transports } => {
            Ok(Approach::socket_io(spec, namespace, transport.unwrap_or(*transports)))
        }
        Protocol::WebSocket { .. } => Ok(Approach::frames(spec)),
        Protocol::Http => Approach::polls(spec).ok_or_else(|| {
            Unreachable::new(
                format!("spec `{}` has no socket, and no poll that brings its events", spec.name),
                "of `connect: http`, this version drives `poll`",
            )
        }),
    }
}

/// Everything that users without a socket ask for is there over HTTP.
pub(super) fn http_users(plan: &Plan, spec: &Spec) -> Result<(), Unreachable> {
    let missing = http_users::unanswered(plan, spec);
    let names: Vec<String> = missing.iter().map(|operation| format!("`{operation}`")).collect();
    if names.is_empty() {
        return Ok(());
    }
    let (names, spec) = (names.join(", "), &spec.name);
    Err(Unreachable::new(
        format!(
            "users without a socket ask for {names}, which spec `{spec}` has not as one request over HTTP"
        ),
        "leave it out of the scenario's `http: mix`, or run another spec",
    ))
}

/// What the spec says of connecting and this version does not do. To ignore it would convict an
/// honest server.
fn not_driven(spec: &Spec) -> Option<&'static str> {
    let connect = &spec.connect;
    let framed = matches!(connect.protocol, Protocol::WebSocket { .. });
    let shown = !connect.query.is_empty() || !connect.headers.is_empty();
    let beside_polls = connect.protocol == Protocol::Http && (shown || connect.elsewhere.is_some());
    let parts = [
        (beside_polls, "`connect: query`, `headers` or `elsewhere` beside a poll"),
        (!framed && connect.per == SocketPer::Conversation, "`connect: per: conversation`"),
        (!framed && connect.first.is_some(), "`connect: first`"),
        (!framed && connect.ping.is_some(), "`connect: ping`"),
        (!by_http(spec, Operation::Register), "a `register` that goes over the socket"),
        (!by_http(spec, Operation::Login), "a `login` that goes over the socket"),
        (!by_http(spec, Operation::Logout), "a `logout` that goes over the socket"),
        (nothing_gives(spec), "`people:` by the server, and neither `register` nor `login`"),
    ];
    parts.into_iter().find_map(|(there, part)| there.then_some(part))
}

/// All steps of this operation are requests over HTTP, if the spec has it.
fn by_http(spec: &Spec, operation: Operation) -> bool {
    let channels = spec.deed(operation).map_or(&[][..], |deed| &deed.channels);
    let mut steps = channels.iter().flat_map(|channel| &channel.steps);
    steps.all(|step| matches!(step.request, Request::Http(_)))
}

/// Ids or tokens are the server's to say, and nobody asks it.
fn nothing_gives(spec: &Spec) -> bool {
    let people = &spec.people;
    let asks = [Operation::Register, Operation::Login].map(|one| spec.deed(one).is_some());
    let waits = people.ids == UserIds::ByServer
        && !matches!(people.token, TokenSource::File { .. })
        || matches!(people.token, TokenSource::ByServer);
    waits && !asks.contains(&true)
}

/// The registry of a spec's people.
pub(super) fn registry(spec: &Arc<Spec>) -> Result<Arc<Registry>, Unreachable> {
    Registry::open(spec).map_err(no_credential)
}

/// There is nobody who could be let in.
pub(super) fn no_credential(why: NoCredential) -> Unreachable {
    Unreachable::new(why.0, "see `people:` of the spec, and its `register` and `login`")
}

/// Makes the first person known to the server, connects and leaves again.
pub(super) async fn knock(
    url: &str,
    endpoint: &Endpoint,
    approach: &Approach,
    registry: &Registry,
) -> Result<(), Unreachable> {
    let spec = registry.spec();
    let person = PersonId(0);
    people::enrol_at(registry, endpoint, person).await.map_err(no_credential)?;
    let papers = registry.papers(person, 0).map_err(no_credential)?;
    match approach.open(endpoint, spec, Caller::plain(&papers)).await {
        Ok(session) => {
            let _ = tokio::time::timeout(spec.connect.timeout, session.leave(Leave::Polite)).await;
            Ok(())
        }
        Err(error) => Err(Unreachable::of(url, &error)),
    }
}
