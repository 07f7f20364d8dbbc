//! A closed workload: send, wait for the end of the send, then send again, after some thought or when
//! the next one is due.

use crate::history::{ConversationId, Event, Nanos, OpId};
use crate::plan::dice::Dice;
use crate::scenario::Pace;

/// The least that is thought after a send that failed: it may have failed at once.
const RECOLLECTION: Nanos = 10_000_000;

#[derive(Debug)]
pub(super) struct Converse {
    /// The client's cell, by its number.
    pub(super) cell: u32,
    pace: Pace,
    until: Nanos,
    dice: Dice,
    conversations: Vec<ConversationId>,
    state: State,
    /// When the last send was due.
    last: Nanos,
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
        pace: Pace,
        until: Nanos,
        seed: u64,
        now: Nanos,
        conversations: Vec<ConversationId>,
    ) -> Option<Box<Self>> {
        if conversations.is_empty() {
            return None;
        }
        let dice = Dice::new(seed, "converse", 0, 0);
        let state = State::Over;
        let mut converse = Self { cell, pace, until, dice, conversations, state, last: now };
        if let Pace::Every(pause) = pace {
            // Not everybody at the same moment.
            let early = pause.as_nanos() as f64 * converse.dice.unit();
            converse.last = now.saturating_sub(early as Nanos);
        }
        converse.go_on(now, 0);
        Some(Box::new(converse))
    }

    /// When the next send is due, at least so much later. What is not sent by the end of the phase is
    /// not sent.
    fn go_on(&mut self, now: Nanos, least: Nanos) {
        let at = match self.pace {
            Pace::Think(think) if think.is_zero() => now + least,
            Pace::Think(think) => now + least.max(self.dice.wait(think.as_nanos() as f64) as Nanos),
            Pace::Every(pause) => self.last + pause.as_nanos() as Nanos,
        };
        let open = at.max(now) < self.until;
        self.state = if open { State::Thinking(at) } else { State::Over };
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
        self.last = at;
        Some((at, *self.dice.pick(&self.conversations)))
    }

    /// The send has this number.
    pub(super) const fn wait_for(&mut self, op: OpId) {
        self.state = State::Waiting(op);
    }

    /// Hears what the client records: its own send's end.
    pub(super) fn hear(&mut self, now: Nanos, event: &Event) {
        let State::Waiting(waiting) = self.state else { return };
        match event {
            Event::Ok { op, .. } if *op == waiting => self.go_on(now, 0),
            Event::Failed { op, .. } if *op == waiting => self.go_on(now, RECOLLECTION),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND: Nanos = 1_000_000_000;
    const THINK: Pace = Pace::Think(Duration::from_secs(1));

    fn converse(pace: Pace, until: Nanos) -> Box<Converse> {
        let places = vec![ConversationId(1), ConversationId(2)];
        let converse = Converse::new(0, pace, until, 7, 0, places);
        converse.expect("a client with conversations converses")
    }

    #[test]
    fn the_next_send_waits_for_the_end_of_the_last_one() {
        let mut converse = converse(THINK, 1_000 * SECOND);
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
        let mut converse = converse(THINK, 1_000 * SECOND);
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
    fn who_need_not_think_sends_at_once_unless_the_last_send_failed() {
        let pace = Pace::Think(Duration::ZERO);
        let mut converse = converse(pace, SECOND);
        assert_eq!(converse.begin().map(|(planned, _)| planned), Some(0));
        converse.wait_for(OpId(1));
        converse.hear(7, &Event::Ok { op: OpId(1), rows: 0 });
        assert_eq!(converse.begin().map(|(planned, _)| planned), Some(7));
        converse.wait_for(OpId(2));
        converse.hear(8, &Event::Failed { op: OpId(2), error: "no".into(), certain: true });
        assert_eq!(converse.due(), Some(8 + RECOLLECTION));
    }

    #[test]
    fn nobody_converses_alone() {
        assert!(Converse::new(0, THINK, SECOND, 7, 0, Vec::new()).is_none());
    }

    #[test]
    fn who_is_due_every_second_is_late_after_a_long_answer_and_catches_up() {
        let mut converse = converse(Pace::Every(Duration::from_secs(1)), 20 * SECOND);
        let (mut now, mut planned) = (0, Vec::new());
        while let Some((at, _)) = converse.begin() {
            now = at.max(now) + SECOND / 100;
            if planned.len() == 4 {
                now += 3 * SECOND;
            }
            converse.wait_for(OpId(planned.len() as u32));
            converse.hear(now, &Event::Ok { op: OpId(planned.len() as u32), rows: 0 });
            planned.push(at);
        }
        assert_eq!(planned.len(), 19, "none is left out");
        assert!(
            planned.windows(2).all(|pair| pair[1] - pair[0] == SECOND),
            "the plan does not wait"
        );
    }
}
