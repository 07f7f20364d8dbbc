//! One message of a user without a socket: sent by the rules of the contract, and told at the desk, so
//! that it is judged as any other.

use crate::dialect::http::{Call, Meaning, meaning};
use crate::engine::http_users::World;
use crate::engine::http_users::ask::send;
use crate::engine::http_users::desk::{Announce, Begun, Word};
use crate::engine::people::Papers;
use crate::engine::rest::strange;
use crate::history::{Answer, ConversationId, Nanos, OpId, PersonId};
use crate::operation::Operation;
use crate::plan::{Lengths, Visit, text};
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Spec, Step};
use ::goose::goose::GooseUser;
use compact_str::{CompactString, format_compact};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

/// How a message leaves without a socket.
pub(super) struct Way<'s> {
    step: &'s Step,
    /// The channel, if it is not the first.
    via: Option<CompactString>,
    /// What follows the request needs a socket: a device of the person does it, by `announce`.
    announced: bool,
}

/// The way that a spec has, if it has one: the first request of a channel over HTTP, with nothing after
/// it that only a socket can do, unless that can be announced.
pub(super) fn way(spec: &Spec) -> Option<Way<'_>> {
    let announces = spec.deed(Operation::Announce).is_some();
    let channels = spec.deed(Operation::Send)?.channels.iter().enumerate();
    channels.into_iter().find_map(|(index, channel)| {
        let (step, rest) = channel.steps.split_first()?;
        let emitted = |step: &Step| matches!(step.request, Request::Emit { .. });
        let whole = rest.is_empty() || announces && rest.iter().all(emitted);
        let over_http = matches!(step.request, Request::Http(_));
        let possible = over_http && whole && !step.request.holes().contains(&Hole::PEER);
        let via = (index > 0).then(|| channel.name.as_str().into());
        possible.then_some(Way { step, via, announced: !rest.is_empty() })
    })
}

/// A message that is due.
pub(super) struct Letter<'a> {
    pub(super) world: &'a World,
    pub(super) lengths: &'a Lengths,
    pub(super) papers: &'a Papers,
    pub(super) origin: &'a str,
    /// The user's number.
    pub(super) user: u32,
    /// In whose name.
    pub(super) person: PersonId,
    pub(super) visit: &'a Visit,
    pub(super) planned: Nanos,
    pub(super) conversation: ConversationId,
    /// How the server calls it.
    pub(super) place: &'a Scalar,
}

/// Sends it: when it left, and why it failed if it did; `None` if it is too late for messages.
pub(super) async fn post(
    goose: &mut GooseUser,
    letter: &Letter<'_>,
    desk: &mpsc::Sender<Word>,
) -> Option<(Nanos, Result<(), CompactString>)> {
    let Letter { world, user, planned, conversation, .. } = *letter;
    let way = way(&world.spec)?;
    let (begun, told) = oneshot::channel();
    desk.send(Word::Sends { user, planned, conversation, via: way.via.clone(), begun })
        .await
        .ok()?;
    let Begun { op, message } = told.await.ok()?;
    let started = world.clock.now();
    let mut bindings = letter.papers.bindings.clone();
    let mut words = String::new();
    text::write(message.token, letter.lengths, &mut words);
    bindings.set(Hole::CONVERSATION, letter.place.clone());
    bindings.set(Hole::TEXT, Scalar::Text(words.into()));
    bindings.set(Hole::KEY, Scalar::Text(CompactString::from(&*message.key)));
    let end = insist(goose, letter, &way, &bindings, op, desk).await;
    let announce = match &end {
        Ok(Some(id)) if way.announced => Some(Announce { conversation, id: id.clone() }),
        _ => None,
    };
    let why = end.as_ref().err().map(|(why, _)| why.clone());
    desk.send(Word::Over { user, op, end: end.map(drop), announce }).await.ok()?;
    Some((started, why.map_or(Ok(()), Err)))
}

/// Tries as often as the contract says; the message's id, or the last error and whether it is certain.
async fn insist(
    goose: &mut GooseUser,
    letter: &Letter<'_>,
    way: &Way<'_>,
    bindings: &Bindings,
    op: OpId,
    desk: &mpsc::Sender<Word>,
) -> Result<Option<CompactString>, (CompactString, bool)> {
    let user = letter.user;
    let mut attempt = 0;
    loop {
        let (answer, why) = attempted(goose, letter, way, bindings).await;
        let word = Word::Answered { user, op, attempt, answer: answer.clone() };
        let _ = desk.send(word).await;
        match answer {
            Answer::Ack { id, .. } => return Ok(id),
            Answer::Nack(error) => return Err((error, attempt == 0)),
            Answer::TimedOut | Answer::Lost => {}
        }
        let Some(pause) = letter.world.spec.contract.retries.get(attempt as usize) else {
            return Err((why, false));
        };
        sleep(*pause).await;
        attempt += 1;
        let (heard, hears) = oneshot::channel();
        let _ = desk.send(Word::Leaves { user, op, attempt, heard }).await;
        let _ = hears.await;
    }
}

/// One attempt: how it was answered, and in words if it was not.
async fn attempted(
    goose: &mut GooseUser,
    letter: &Letter<'_>,
    way: &Way<'_>,
    bindings: &Bindings,
) -> (Answer, CompactString) {
    let Letter { world, papers, origin, visit, .. } = *letter;
    let spec = &world.spec;
    let Request::Http(request) = &way.step.request else { return (Answer::Lost, "".into()) };
    let call = match Call::new(spec, request, bindings) {
        Ok(call) => call,
        Err(unbound) => {
            let why = format_compact!("`${}` has no value", spec.holes.name(unbound.0));
            return (Answer::Lost, why);
        }
    };
    let left = world.clock.now();
    match send(goose, spec, papers, origin, visit, call).await {
        Ok((status, body)) => {
            let mut bound = bindings.clone();
            match meaning(way.step, status, &body, &mut bound) {
                Meaning::Yes(_) => {
                    let id = bound.get(Hole::MESSAGE).map(Scalar::id);
                    (Answer::Ack { id, order: None }, "".into())
                }
                Meaning::No(no) => {
                    let error = no.get(Hole::ERROR).map(Scalar::id);
                    let error =
                        error.unwrap_or_else(|| format_compact!("refused with status {status}"));
                    (Answer::Nack(error), "".into())
                }
                Meaning::Strange(mismatch) => (Answer::Lost, strange(status, &body, mismatch)),
            }
        }
        Err(why) => {
            let waited = world.clock.now().saturating_sub(left);
            let late = u128::from(waited) >= spec.contract.ack_timeout.as_nanos();
            (if late { Answer::TimedOut } else { Answer::Lost }, why)
        }
    }
}
