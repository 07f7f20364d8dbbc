//! Before the first phase: the conversations of the plan are made on the server.

use crate::client::Reply;
use crate::engine::people::Registry;
use crate::engine::rest;
use crate::engine::shard::Shard;
use crate::history::{ClientId, ConversationId, Event, PersonId};
use crate::operation::Operation;
use crate::plan::Cell;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Spec};
use crate::transport::endpoint::Endpoint;
use crate::transport::http::{HttpClient, HttpOptions};
use crate::transport::stream::ConnectOptions;
use futures_util::stream::{self, StreamExt};
use std::rc::Rc;

/// Conversations that a shard makes at once.
const AT_ONCE: usize = 16;

/// The client for requests over HTTP that a shard's clients share.
pub(super) fn http_client(
    endpoint: &Endpoint,
    spec: &Spec,
    connect: ConnectOptions,
    idle_max: usize,
) -> HttpClient {
    let timeout = spec.contract.ack_timeout;
    HttpClient::new(endpoint, HttpOptions { connect, timeout, idle_max, ..HttpOptions::default() })
}

/// Makes all conversations of the shard, and records who is in which.
///
/// # Errors
/// The first one that could not be made; says why.
pub(super) async fn converse(shard: &Rc<Shard>) -> Result<(), String> {
    let spec = &shard.dialect.spec;
    let registry = Registry::new(spec);
    for person in shard.cells().iter().flat_map(|cell| &cell.people) {
        let user = registry.user(person.id).id();
        for client in &person.clients {
            record(shard, *client, Event::Person { person: person.id, user: user.clone() });
        }
    }
    let Some(step) = shard.dialect.step(Operation::Create) else {
        return Err("the spec has no operation `create`, so no conversation can be made; hint: \
                    describe how a conversation comes to be under `do: create:`"
            .into());
    };
    if !matches!(step.request, Request::Http(_)) {
        return Err("`create` goes over the socket, which `run` cannot do before the clients \
                    connect; hint: describe a request over HTTP under `do: create:`"
            .into());
    }
    let places = shard
        .cells()
        .iter()
        .flat_map(|cell| (0..cell.conversations.len()).map(move |index| (cell, index)));
    let mut made = stream::iter(places)
        .map(|(cell, index)| create(shard, &registry, cell, index))
        .buffer_unordered(AT_ONCE);
    while let Some(result) = made.next().await {
        result?;
    }
    Ok(())
}

async fn create(
    shard: &Rc<Shard>,
    registry: &Registry<'_>,
    cell: &Cell,
    index: usize,
) -> Result<(), String> {
    let conversation = &cell.conversations[index];
    let people: Vec<PersonId> =
        conversation.members.iter().map(|&member| cell.people[member].id).collect();
    let bindings = request(registry, conversation.id, &people)?;
    let step = shard.dialect.step(Operation::Create).ok_or("the spec has no `create`")?;
    let (outcome, bound) = rest::act(&shard.http, &shard.dialect, step, bindings).await;
    let why = match outcome {
        rest::Outcome::Answered(Reply::Yes { .. }) => match bound.get(Hole::CONVERSATION) {
            Some(id) => {
                admit(shard, cell, index, id.clone());
                return Ok(());
            }
            None => "the answer names no conversation".to_owned(),
        },
        rest::Outcome::Answered(Reply::No(error)) => format!("the server refused: `{error}`"),
        rest::Outcome::Answered(Reply::Lost) | rest::Outcome::Read(_) => "no answer".to_owned(),
        rest::Outcome::Failed(why) => why.to_string(),
    };
    Err(format!("a conversation could not be made: {why}"))
}

/// What the creator says: the members, the others, and a name.
fn request(
    registry: &Registry<'_>,
    conversation: ConversationId,
    people: &[PersonId],
) -> Result<Bindings, String> {
    let mut bindings = registry.passport(people[0]).map_err(|why| why.0)?;
    let users: Vec<Scalar> = people.iter().map(|&person| registry.user(person)).collect();
    bindings.set(Hole::PEER, users[1].clone());
    bindings.set(Hole::OTHERS, Scalar::List(users[1..].to_vec()));
    bindings.set(Hole::MEMBERS, Scalar::List(users));
    bindings.set(Hole::NAME, Scalar::Text(format!("conversation {}", conversation.0).into()));
    Ok(bindings)
}

fn admit(shard: &Rc<Shard>, cell: &Cell, index: usize, id: Scalar) {
    let conversation = &cell.conversations[index];
    for &member in &conversation.members {
        for &client in &cell.people[member].clients {
            let event = Event::Member { conversation: conversation.id, id: id.id() };
            record(shard, client, event);
        }
    }
    shard.dialect.learn(conversation.id, id);
}

fn record(shard: &Rc<Shard>, client: ClientId, event: Event) {
    let now = shard.clock.now();
    shard.recorder.borrow_mut().record(now, client, event);
}
