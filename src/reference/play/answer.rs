//! What the server answers, filled from the shapes a client would match it with.

use super::{Asked, Play, fill};
use crate::operation::Sight;
use crate::reference::model::*;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Reception, Step, Via};

/// An answer in the spec's JSON, and how it goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The array of the acknowledgement's arguments.
    Ack(String),
    /// The whole array of an event, for the asking socket only.
    Event(String),
    /// A frame, for the asking socket only.
    Frame(String),
    /// Status and body.
    Http(u16, String),
}

impl Play {
    /// The documented answer to a question. `None`: the spec documents none.
    pub(crate) fn answer(&self, asked: &Asked, outcome: &Result<Answer, Refusal>) -> Option<Reply> {
        let step = self.step(asked.route);
        match outcome {
            Ok(answer) => {
                let (frame, rows) = self.bind(asked, answer);
                let created = matches!(answer, Answer::Conversation { new: true, .. });
                let status = if created { 201 } else { 200 };
                let answer = reply(&step.yes, status, &frame, &rows);
                answer.or_else(|| self.echo(step, outcome, &frame))
            }
            Err(refusal) => {
                let frame = with_error(asked.bindings.clone(), refusal);
                let too_fast = refusal.kind == RefusalKind::TooMany && !step.limited.is_empty();
                let no = if too_fast { &step.limited } else { &step.no };
                reply(no, refusal.kind.status(), &frame, &[]).or_else(|| self.stray_error(&frame))
            }
        }
    }

    /// Why a connection is refused, in the documented words: the first for a missing token, the
    /// last for a bad one.
    pub(crate) fn refused(&self, missing: bool) -> String {
        let refused = &self.spec.connect.refused;
        let shape = if missing { refused.first() } else { refused.last() };
        let json = shape.map(|shape| fill(shape, &self.spec.constants, &[]));
        let told = json.and_then(|json| match &self.spec.connect.first {
            // Of a login that is refused, the frame has its words where the answer says.
            Some(first) => first.no.iter().find_map(|no| {
                let mut bindings = Bindings::new();
                no.shape.matches(&json, &mut bindings).ok()?;
                bindings.get(Hole::ERROR).map(|error| error.text().into_owned())
            }),
            None => {
                let json: serde_json::Value = serde_json::from_str(&json).ok()?;
                json.get("message")?.as_str().map(str::to_owned)
            }
        });
        told.unwrap_or_else(|| "authentication failed".into())
    }

    /// Where one's own message is the answer, a repetition has it once more: the sender alone.
    fn echo(
        &self,
        step: &Step,
        outcome: &Result<Answer, Refusal>,
        frame: &Bindings,
    ) -> Option<Reply> {
        let Ok(Answer::Message { repeated: true, .. }) = outcome else { return None };
        step.yes.iter().find(|one| one.via == Via::Echo)?;
        let pushed = self.spec.sees.iter().find(|pushed| {
            pushed.sight == Sight::Message && matches!(pushed.reception.via, Via::Event(_))
        })?;
        Some(Reply::Event(fill(&pushed.reception.shape, frame, &[])))
    }

    /// The event that tells of an error without answering a particular request.
    fn stray_error(&self, frame: &Bindings) -> Option<Reply> {
        let pushed = self.spec.sees.iter().find(|pushed| {
            let via = &pushed.reception.via;
            pushed.sight == Sight::Error && matches!(via, Via::Event(_) | Via::Frame)
        })?;
        let json = fill(&pushed.reception.shape, frame, &[]);
        Some(match pushed.reception.via {
            Via::Frame => Reply::Frame(json),
            _ => Reply::Event(json),
        })
    }

    fn bind(&self, asked: &Asked, answer: &Answer) -> (Bindings, Vec<Bindings>) {
        let mut frame = asked.bindings.clone();
        let mut rows = Vec::new();
        match answer {
            Answer::Done => {}
            Answer::Conversation { id, .. } => frame.set(Hole::CONVERSATION, self.ids.write(*id)),
            Answer::Message { message, .. } => self.bind_message(&mut frame, message),
            Answer::Rows { rows: read, more } => {
                frame = Bindings::new();
                for (hole, scalar) in
                    asked.bindings.iter().filter(|(hole, _)| *hole != Hole::CURSOR)
                {
                    frame.set(hole, scalar.clone());
                }
                if let Some(last) = read.last().filter(|_| *more) {
                    frame.set(Hole::CURSOR, self.position(last));
                }
                frame.set(Hole::MORE, Scalar::Bool(*more));
                frame.set(Hole::COUNT, read.len() as i64);
                rows.extend(read.iter().map(|message| {
                    let mut row = Bindings::new();
                    self.bind_message(&mut row, message);
                    row
                }));
            }
            Answer::Conversations(list) => {
                frame.set(Hole::COUNT, list.len() as i64);
                let row = |id: &i64| Bindings::new().with(Hole::CONVERSATION, self.ids.write(*id));
                rows.extend(list.iter().map(row));
            }
            Answer::People(list) => {
                frame.set(Hole::COUNT, list.len() as i64);
                let row = |(peer, pair): &(User, Option<Conversation>)| {
                    let mut row = Bindings::new().with(Hole::PEER, self.user(peer));
                    if let Some(id) = pair {
                        row.set(Hole::CONVERSATION, self.ids.write(*id));
                    }
                    row
                };
                rows.extend(list.iter().map(row));
            }
            Answer::Count(count) => frame.set(Hole::COUNT, *count),
        }
        (frame, rows)
    }
}

pub(super) fn with_error(bindings: Bindings, refusal: &Refusal) -> Bindings {
    bindings.with(Hole::ERROR, refusal.text.as_str())
}

/// The first documented answer, or for HTTP the first whose range has the status.
pub(super) fn reply(
    list: &[Reception],
    status: u16,
    frame: &Bindings,
    rows: &[Bindings],
) -> Option<Reply> {
    let within =
        |via: &Via| matches!(via, Via::Status(low, high) if (*low..=*high).contains(&status));
    let reception = list
        .iter()
        .find(|reception| within(&reception.via))
        .or_else(|| list.iter().find(|reception| reception.via != Via::Echo))?;
    let json = fill(&reception.shape, frame, rows);
    match &reception.via {
        Via::Ack => Some(Reply::Ack(json)),
        Via::Event(_) => Some(Reply::Event(json)),
        Via::Status(low, high) => Some(Reply::Http(status.clamp(*low, *high), json)),
        Via::Frame => Some(Reply::Frame(json)),
        Via::Echo => None,
    }
}
