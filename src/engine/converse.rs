//! A closed workload: send, wait for the end of the send, think, send again.

use crate::history::{ConversationId, Event, Nanos, OpId, Token};
use crate::plan::dice::Dice;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Converse {
    think: Duration,
    until: Nanos,
    dice: Dice,
    conversations: Vec<ConversationId>,
    state: State,
    /// The token of the send that was just begun.
    pub(super) token: Option<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Thinking(Nanos),
    Beginning,
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
        let mut converse =
            Self { think, until, dice, conversations, state: State::Over, token: None };
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
        self.state = State::Beginning;
        Some((at, *self.dice.pick(&self.conversations)))
    }

    /// Hears what the client records: its own send's beginning and end.
    pub(super) fn hear(&mut self, now: Nanos, event: &Event) {
        match (event, self.state) {
            (Event::Invoke { op, message: Some(message), .. }, State::Beginning)
                if Some(message.token) == self.token =>
            {
                self.state = State::Waiting(*op);
            }
            (Event::Ok { op, .. } | Event::Failed { op, .. }, State::Waiting(waiting))
                if *op == waiting =>
            {
                self.think(now);
            }
            _ => {}
        }
    }
}
