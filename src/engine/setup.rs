//! Before the first phase: the conversations of the plan are made on the server.

use crate::client::Reply;
use crate::engine::people::{self, Gate, Papers, Registry};
use crate::engine::shard::Shard;
use crate::engine::trace::Keep;
use crate::engine::{errand, rest};
use crate::history::{ClientId, ConversationId, Event, PersonId};
use crate::operation::Operation;
use crate::plan::{Cell, Person};
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Spec, Step};
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
    let (spec, registry) = (&shard.dialect.spec, &shard.registry);
    enrol(shard).await?;
    for person in shard.cells().iter().flat_map(|cell| &cell.people) {
        let user = registry.user(person.id).id();
        for client in &person.clients {
            record(shard, *client, Event::Person { person: person.id, user: user.clone() });
        }
    }
    if spec.deed(Operation::Create).is_none() {
        return Err("the spec has no operation `create`, so no conversation can be made; hint: \
                    describe how a conversation comes to be under `do: create:`"
            .into());
    }
    let places = shard
        .cells()
        .iter()
        .flat_map(|cell| (0..cell.conversations.len()).map(move |index| (cell, index)))
        .filter(|(cell, index)| !cell.conversations[*index].members.is_empty());
    let mut made = stream::iter(places)
        .map(|(cell, index)| create(shard, registry, cell, index))
        .buffer_unordered(AT_ONCE);
    while let Some(result) = made.next().await {
        result?;
    }
    shard.cells().iter().for_each(|cell| guess(shard, cell));
    Ok(())
}

/// Makes everybody known to the server. The first who does not get in ends it: nobody else will.
async fn enrol(shard: &Rc<Shard>) -> Result<(), String> {
    let everybody = shard.cells().iter().flat_map(|cell| &cell.people);
    let enter = |person: &Person| {
        let (id, devices) = (person.id, person.clients.len());
        async move {
            let tap = |arrow, packet| note(shard, arrow, packet);
            let registry = &shard.registry;
            let gate = Gate { tap: Some(&tap), ..shard.way_in() };
            let entered = people::enrol(registry, gate, id, devices).await;
            if shard.trace.borrow().keep >= Keep::Packets {
                let held = registry.held(id, devices);
                held.iter().for_each(|papers| shard.trace.borrow_mut().hide(papers));
            }
            entered.map_err(|why| why.0)
        }
    };
    let mut entering = stream::iter(everybody).map(enter).buffer_unordered(AT_ONCE);
    while let Some(entered) = entering.next().await {
        entered?;
    }
    Ok(())
}

/// Conversations without members are none: their ids are guessed from one that there is.
fn guess(shard: &Shard, cell: &Cell) {
    let first = cell.conversations.first().and_then(|one| shard.dialect.conversation(one.id));
    let Some(first) = first else { return };
    for conversation in cell.conversations.iter().filter(|one| one.members.is_empty()) {
        shard.dialect.learn(conversation.id, unlikely(&first));
    }
}

/// An id that looks like this one, and that nothing has.
fn unlikely(id: &Scalar) -> Scalar {
    if let Scalar::Int(number) = id {
        return Scalar::Int(2_000_000_000 - number % 1_000_000_000);
    }
    let text = id.text();
    let counted = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    if (1..8).contains(&counted) && text.len() <= 16 {
        // A counter: another number of so many digits may well be somebody's.
        let (name, number) = text.split_at(text.len() - counted);
        return Scalar::Text(format!("{name}9{number:0>8}").into());
    }
    // What stands behind a colon says where it is, not which.
    let to = text.find(':').unwrap_or(text.len());
    let from = to.saturating_sub(6);
    let turned = text.char_indices().map(|(at, letter)| match letter {
        _ if !(from..to).contains(&at) => letter,
        '0'..='8' => '9',
        '9' => '0',
        'a'..='e' => 'f',
        'f' => 'a',
        'g'..='y' => 'z',
        'z' => 'g',
        'A'..='Y' => 'Z',
        'Z' => 'A',
        other => other,
    });
    Scalar::Text(turned.collect())
}

async fn create(
    shard: &Rc<Shard>,
    registry: &Registry,
    cell: &Cell,
    index: usize,
) -> Result<(), String> {
    let conversation = &cell.conversations[index];
    let people: Vec<PersonId> =
        conversation.members.iter().map(|&member| cell.people[member].id).collect();
    let papers = request(registry, conversation.id, &people)?;
    let deed = shard.dialect.spec.deed(Operation::Create).ok_or("the spec has no `create`")?;
    let channel = &deed.channels[deed.channel_for(people.len())];
    let made = ask(shard, &channel.steps, papers).await.and_then(|bound| {
        let id = bound.get(Hole::CONVERSATION).cloned();
        id.ok_or_else(|| "the answer names no conversation".to_owned())
    });
    match made {
        Ok(id) => {
            admit(shard, cell, index, id);
            Ok(())
        }
        Err(why) => Err(format!("a conversation could not be made: {why}")),
    }
}

/// Takes the steps of an operation one after the other; each knows what those before it bound.
async fn ask(shard: &Rc<Shard>, steps: &[Step], papers: Papers) -> Result<Bindings, String> {
    let mut known = papers;
    for step in steps {
        known.bindings = match &step.request {
            Request::Http(_) => {
                let tap = |arrow, packet| note(shard, arrow, packet);
                let (outcome, bound) = rest::act(
                    &shard.nodes[0].http,
                    &shard.dialect,
                    Operation::Create,
                    step,
                    known.clone(),
                    None,
                    Some(&tap),
                )
                .await;
                match outcome {
                    rest::Outcome::Answered(Reply::Yes { .. }) => bound,
                    rest::Outcome::Answered(Reply::No(error)) => {
                        return Err(format!("the server refused: `{error}`"));
                    }
                    rest::Outcome::Failed(why) => return Err(why.to_string()),
                    rest::Outcome::Answered(Reply::Lost) | rest::Outcome::Read { .. } => {
                        return Err("no answer".into());
                    }
                }
            }
            _ => errand::ask(shard, step, &known).await?,
        };
    }
    Ok(known.bindings)
}

/// What goes over the wire before anybody is connected, in the name of the first client.
pub(super) fn note(shard: &Shard, arrow: &'static str, packet: String) {
    if let Some(first) = shard.cells().iter().flat_map(Cell::clients).next() {
        let now = shard.clock.now();
        shard.trace.borrow_mut().note(now, first, arrow, || packet);
    }
}

/// What the creator says: the members, the others, and a name.
fn request(
    registry: &Registry,
    conversation: ConversationId,
    people: &[PersonId],
) -> Result<Papers, String> {
    let mut papers = registry.papers(people[0], 0).map_err(|why| why.0)?;
    let bindings = &mut papers.bindings;
    let users: Vec<Scalar> = people.iter().map(|&person| registry.user(person)).collect();
    bindings.set(Hole::PEER, users[1].clone());
    bindings.set(Hole::OTHERS, Scalar::List(users[1..].to_vec()));
    bindings.set(Hole::MEMBERS, Scalar::List(users));
    bindings.set(Hole::NAME, Scalar::Text(format!("conversation {}", conversation.0).into()));
    Ok(papers)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guessed_id_looks_like_the_one_that_there_is_and_is_another() {
        for (id, guessed) in [
            ("6b00da02ea27250ac82d6a4d", "6b00da02ea27250ac89f9f9f"),
            ("!QuvWxYzGhij:localhost", "!QuvWxZgZzzz:localhost"),
            ("room-12", "room-900000012"),
        ] {
            assert_eq!(unlikely(&Scalar::Text(id.into())), Scalar::Text(guessed.into()));
        }
        assert_eq!(unlikely(&Scalar::Int(7)), Scalar::Int(1_999_999_993));
    }
}
