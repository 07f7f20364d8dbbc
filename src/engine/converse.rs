//! A closed workload: send, wait for the end of the send, think, send again.

use crate::history::{ConversationId, Event, Nanos, OpId};
use crate::plan::dice::Dice;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Converse {
    /// The client's cell, by its number.
    pub(super) cell: u32,
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
        cell: u32,
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
        let mut converse = Self { cell, think, until, dice, conversations, state: State::Over };
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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    fn converse(until: Nanos) -> Box<Converse> {
        let places = vec![ConversationId(1), ConversationId(2)];
        let converse = Converse::new(0, Duration::from_secs(1), until, 7, 0, places);
        converse.expect("a client with conversations converses")
    }

    #[test]
    fn the_next_send_waits_for_the_end_of_the_last_one() {
        let mut converse = converse(1_000 * SECOND);
        let (planned, _) = converse.begin().expect("the first send is due");
        converse.wait_for(OpId(5));
        assert_eq!(converse.due(), None);
        converse.hear(planned + SECOND, &Event::Ok { op: OpId(4), rows: 0 });
        assert_eq!(converse.due(), None, "the end of another operation does not count");
        converse.hear(planned + 30 * SECOND, &Event::Ok { op: OpId(5), rows: 0 });
        assert!(converse.due().is_some_and(|at| at > planned + 30 * SECOND));
    }

    #[test]
    fn a_failed_send_is_an_end_too_and_the_phase_ends_it_all() {
        let mut converse = converse(1_000 * SECOND);
        let mut sends = 0;
        let mut now = 0;
        while let Some((planned, _)) = converse.begin() {
            assert!(planned >= now && planned < 1_000 * SECOND);
            converse.wait_for(OpId(sends));
            now = planned + SECOND;
            let op = OpId(sends);
            converse.hear(now, &Event::Failed { op, error: "no".into(), certain: true });
            sends += 1;
        }
        // A second of thinking and a second of waiting, for a thousand seconds.
        assert!((400..600).contains(&sends), "{sends} sends");
    }

    #[test]
    fn nobody_converses_alone() {
        assert!(Converse::new(0, Duration::from_secs(1), SECOND, 7, 0, Vec::new()).is_none());
    }
}
