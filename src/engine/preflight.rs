//! One connection before the run, so that an unreachable target is told at once and in full.

use crate::engine::link::{Approach, Caller};
use crate::engine::people::Registry;
use crate::history::PersonId;
use crate::spec::{Protocol, SocketPer, Spec, Transports, UserIds};
use crate::transport::endpoint::Endpoint;
use crate::transport::{ConnectError, Leave};

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
    let approach = match &spec.connect.protocol {
        Protocol::SocketIo { namespace, transports } => {
            Some(Approach::socket_io(spec, namespace, transport.unwrap_or(*transports)))
        }
        Protocol::WebSocket { .. } => None,
        Protocol::Http => Approach::polls(spec),
    };
    approach.ok_or_else(|| {
        Unreachable::new(
            format!("spec `{}` is not of a kind that `run` can connect to yet", spec.name),
            "docs/spec-language.md says what a run acts on",
        )
    })
}

/// What the spec says of connecting and this version does not do. To ignore it would convict an
/// honest server.
fn not_driven(spec: &Spec) -> Option<&'static str> {
    let connect = &spec.connect;
    let parts = [
        (connect.per == SocketPer::Conversation, "`connect: per: conversation`"),
        (connect.first.is_some(), "`connect: first`"),
        (connect.ping.is_some(), "`connect: ping`"),
        (spec.people.ids == UserIds::ByServer, "`people: ids: by-server`"),
    ];
    parts.into_iter().find_map(|(there, part)| there.then_some(part))
}

/// Connects as the first person and leaves again.
pub(super) async fn knock(
    url: &str,
    endpoint: &Endpoint,
    approach: &Approach,
    spec: &Spec,
) -> Result<(), Unreachable> {
    let passport = Registry::new(spec)
        .passport(PersonId(0))
        .map_err(|why| Unreachable::new(why.0, "see `people: token:` of the spec"))?;
    match approach.open(endpoint, spec, Caller::plain(&passport)).await {
        Ok(session) => {
            let _ = tokio::time::timeout(spec.connect.timeout, session.leave(Leave::Polite)).await;
            Ok(())
        }
        Err(error) => Err(Unreachable::of(url, &error)),
    }
}
