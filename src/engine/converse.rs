//! A closed workload: send, wait for the end of the send, then send again, after some thought or when
//! the next one is due.

use crate::history::{ConversationId, Event, Nanos, OpId};
use crate::plan::Carriage;
use crate::plan::dice::Dice;
use crate::scenario::Pace;
use compact_str::CompactString;

/// What a client is to do for the rest of a phase.
#[derive(Debug)]
pub(super) struct Workload {
    /// The client's cell, by its number.
    pub(super) cell: u32,
    /// When the next send is due.
    pub(super) pace: Pace,
    /// The end of the phase.
    pub(super) until: Nanos,
    /// Over which channels the sends leave.
    pub(super) carriage: Carriage,
    /// Where the client may send.
    pub(super) conversations: Vec<ConversationId>,
}

/// The least that is thought after a send that failed: it may have failed at once.
const RECOLLECTION: Nanos = 10_000_000;

#[derive(Debug)]
pub(super) struct Converse {
    workload: Workload,
    dice: Dice,
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
    /// A client that begins to send now, if it has a conversation.
    pub(super) fn new(workload: Workload, seed: u64, now: Nanos) -> Option<Box<Self>> {
        if workload.conversations.is_empty() {
            return None;
        }
        let dice = Dice::new(seed, "converse", 0, 0);
        let mut converse = Self { workload, dice, state: State::Over, last: now };
        if let Pace::Every(pause) = converse.workload.pace {
            // Not everybody at the same moment.
            let early = pause.as_nanos() as f64 * converse.dice.unit();
            converse.last = now.saturating_sub(early as Nanos);
        }
        converse.go_on(now, 0);
        Some(Box::new(converse))
    }

    /// The client's cell, by its number.
    pub(super) const fn cell(&self) -> u32 {
        self.workload.cell
    }

    /// When the next send is due, at least so much later. What is not sent by the end of the phase is
    /// not sent.
    fn go_on(&mut self, now: Nanos, least: Nanos) {
        let at = match self.workload.pace {
            Pace::Think(think) if think.is_zero() => now + least,
            Pace::Think(think) => now + least.max(self.dice.wait(think.as_nanos() as f64) as Nanos),
            Pace::Every(pause) => self.last + pause.as_nanos() as Nanos,
        };
        let open = at.max(now) < self.workload.until;
        self.state = if open { State::Thinking(at) } else { State::Over };
    }

    /// When the next send is due.
    pub(super) const fn due(&self) -> Option<Nanos> {
        match self.state {
            State::Thinking(at) => Some(at),
            _ => None,
        }
    }

    /// Begins the send that is due: its planned time, its place, and its channel (`None`: the first).
    pub(super) fn begin(&mut self) -> Option<(Nanos, ConversationId, Option<CompactString>)> {
        let State::Thinking(at) = self.state else { return None };
        self.state = State::Over;
        self.last = at;
        let place = *self.dice.pick(&self.workload.conversations);
        Some((at, place, self.workload.carriage.draw(&mut self.dice)))
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

    fn workload(pace: Pace, until: Nanos) -> Workload {
        let conversations = vec![ConversationId(1), ConversationId(2)];
        Workload { cell: 0, pace, until, carriage: Carriage::default(), conversations }
    }

    fn converse(pace: Pace, until: Nanos) -> Box<Converse> {
        let converse = Converse::new(workload(pace, until), 7, 0);
        converse.expect("a client with conversations converses")
    }

    #[test]
    fn the_next_send_waits_for_the_end_of_the_last_one() {
        let mut converse = converse(THINK, 1_000 * SECOND);
        let (planned, ..) = converse.begin().expect("the first send is due");
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
        while let Some((planned, ..)) = converse.begin() {
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
    fn the_sends_leave_over_the_channels_of_the_phase() {
        let yaml = include_str!("../../specs/rest-first.yaml");
        let spec =
            crate::spec::load("rest-first.yaml", yaml, &crate::property::ids()).unwrap().spec;
        let carriage = Carriage::of(&spec, &[("rest".to_owned(), 0.5)]);
        let halves = Workload { carriage, ..workload(THINK, 1_000 * SECOND) };
        let mut converse = Converse::new(halves, 7, 0).expect("it has conversations");
        let mut over = std::collections::BTreeMap::new();
        while let Some((planned, _, via)) = converse.begin() {
            *over.entry(via.expect("the phase says which")).or_insert(0) += 1;
            converse.wait_for(OpId(0));
            converse.hear(planned, &Event::Ok { op: OpId(0), rows: 0 });
        }
        let (rest, socket) = (over["rest"], over["socket"]);
        assert!(rest * 3 > socket && socket * 3 > rest, "{over:?}");
    }

    #[test]
    fn who_need_not_think_sends_at_once_unless_the_last_send_failed() {
        let pace = Pace::Think(Duration::ZERO);
        let mut converse = converse(pace, SECOND);
        assert_eq!(converse.begin().map(|(planned, ..)| planned), Some(0));
        converse.wait_for(OpId(1));
        converse.hear(7, &Event::Ok { op: OpId(1), rows: 0 });
        assert_eq!(converse.begin().map(|(planned, ..)| planned), Some(7));
        converse.wait_for(OpId(2));
        converse.hear(8, &Event::Failed { op: OpId(2), error: "no".into(), certain: true });
        assert_eq!(converse.due(), Some(8 + RECOLLECTION));
    }

    #[test]
    fn nobody_converses_alone() {
        let alone = Workload { conversations: Vec::new(), ..workload(THINK, SECOND) };
        assert!(Converse::new(alone, 7, 0).is_none());
    }

    #[test]
    fn who_is_due_every_second_is_late_after_a_long_answer_and_catches_up() {
        let mut converse = converse(Pace::Every(Duration::from_secs(1)), 20 * SECOND);
        let (mut now, mut planned) = (0, Vec::new());
        while let Some((at, ..)) = converse.begin() {
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
