//! The attempts that wait for an answer, and for a while those that had one, so that a second answer
//! is noticed.

use crate::client::AttemptId;
use crate::dialect::{Dialect, Route};
use crate::history::Token;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Step, Via};

use super::Walk;

/// Attempts that are remembered although they were answered.
pub(super) const REMEMBERED: usize = 32;
/// Attempts that are remembered at all; the oldest one of more is forgotten, and its answer would
/// count as garbage. More than a client's queue can have under way at once.
const MOST: usize = 4_096;

/// An attempt that left.
#[derive(Debug)]
pub(super) struct Awaited {
    pub(super) attempt: AttemptId,
    pub(super) route: Route,
    pub(super) answered: bool,
    pub(super) ack: Option<u64>,
    /// What the request bound, for answers that carry it back, and for the requests that follow.
    pub(super) bound: Option<Box<Bindings>>,
    /// The pages of a read.
    pub(super) walk: Option<Box<Walk>>,
}

/// All of a client's, in the order in which they left.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<Awaited>);

impl Awaited {
    /// The request that it made.
    pub(super) fn step<'a>(&self, dialect: &'a Dialect) -> Option<&'a Step> {
        dialect.at(self.route)
    }
}

impl Waiting {
    /// One more left.
    pub(super) fn add(&mut self, awaited: Awaited) {
        if self.0.len() >= REMEMBERED {
            let answered = self.0.iter().position(|awaited| awaited.answered);
            if answered.is_some() || self.0.len() == MOST {
                self.0.remove(answered.unwrap_or(0));
            }
        }
        self.0.push(awaited);
    }

    /// No answer can come any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The one whose acknowledgement has this number.
    pub(super) fn acked(&mut self, number: Option<u64>) -> Option<&mut Awaited> {
        let number = number?;
        self.0.iter_mut().rev().find(|awaited| awaited.ack == Some(number))
    }

    /// The one that the message with this witness answers, where the echo is the answer.
    pub(super) fn echoed(&mut self, dialect: &Dialect, token: Token) -> Option<Awaited> {
        let index = self.0.iter().position(|awaited| {
            let step = awaited.step(dialect);
            let by_echo = step.is_some_and(|step| step.yes.iter().any(|one| one.via == Via::Echo));
            let text = awaited.bound.as_ref().and_then(|bound| bound.get(Hole::TEXT));
            by_echo && text.is_some_and(|text| Token::find(&text.text()) == Some(token))
        })?;
        Some(self.0.remove(index))
    }

    /// All of them with their places.
    pub(super) fn enumerate(&self) -> impl Iterator<Item = (usize, &Awaited)> {
        self.0.iter().enumerate()
    }

    /// The one at this place was answered, and an answer to it is told from one to another: it stays.
    pub(super) fn answered(&mut self, index: usize) -> AttemptId {
        self.0[index].answered = true;
        self.0[index].attempt
    }

    /// The one at this place was answered, and is forgotten.
    pub(super) fn remove(&mut self, index: usize) -> Awaited {
        self.0.remove(index)
    }

    /// The server wants no socket for this conversation: which attempts it answers by that.
    pub(super) fn barred(&mut self, place: &Scalar) -> Vec<AttemptId> {
        let there = |awaited: &mut Awaited| {
            let bound = awaited.bound.as_ref();
            bound.is_some_and(|bound| bound.get(Hole::CONVERSATION) == Some(place))
        };
        self.0.extract_if(.., there).map(|awaited| awaited.attempt).collect()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
