//! A closed workload: send, wait for the end of the send, think, send again.

use crate::history::{ConversationId, Event, Nanos, OpId};
use crate::plan::dice::Dice;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Converse {
    think: Duration,
    until: Nanos,
    dice: Dice,
    conversations: Vec<ConversationId>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Thinking(Nanos),
    Waiting(OpId),
    Over,
}

impl Converse {
    /// A workload of a client in these conversations, from now on.
    pub(super) fn new(
        think: Duration,
        until: Nanos,
        seed: u64,
        now: Nanos,
        conversations: Vec<ConversationId>,
    ) -> Option<Box<Self>> {
        if conversations.is_empty() {
            return None;
        }
        let dice = Dice::new(seed, "converse", 0, 0);
        let mut converse = Self { think, until, dice, conversations, state: State::Over };
        converse.think(now);
        Some(Box::new(converse))
    }

    fn think(&mut self, now: Nanos) {
        let at = now + self.dice.wait(self.think.as_nanos() as f64) as Nanos;
        self.state = if at < self.until { State::Thinking(at) } else { State::Over };
    }

    /// When the next send is due.
    pub(super) const fn due(&self) -> Option<Nanos> {
        match self.state {
            State::Thinking(at) => Some(at),
            _ => None,
        }
    }

    /// Begins the send that is due: its planned time and its place.
    pub(super) fn begin(&mut self) -> Option<(Nanos, ConversationId)> {
        let State::Thinking(at) = self.state else { return None };
        self.state = State::Over;
        Some((at, *self.dice.pick(&self.conversations)))
    }

    /// The send has this number.
    pub(super) const fn wait_for(&mut self, op: OpId) {
        self.state = State::Waiting(op);
    }

    /// Hears what the client records: its own send's end.
    pub(super) fn hear(&mut self, now: Nanos, event: &Event) {
        match (event, self.state) {
            (Event::Ok { op, .. } | Event::Failed { op, .. }, State::Waiting(waiting))
                if *op == waiting =>
            {
                self.think(now);
            }
            _ => {}
        }
    }
}
