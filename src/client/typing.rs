//! Typing: a start at the first keystroke, a stop exactly `typing_stop` after the last one, and at
//! once when the message is sent.
//!
//! A start that follows the conversation's last stop within `typing_batch` is held until that
//! window ends, and is never sent if the message is sent first. Typing is neither answered nor
//! retried, and what was typed before a connection was lost is forgotten.

use crate::client::{Ask, AttemptId, Moment};
use crate::history::{ConversationId, Event, Nanos};
use crate::operation::Operation;

#[derive(Debug, Default)]
pub(super) struct Typing {
    spells: Vec<Spell>,
}

/// A spell of typing in one conversation.
#[derive(Debug)]
struct Spell {
    conversation: ConversationId,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Keys were pressed, but the start waits for the window's end.
    Held { until: Nanos, stop_at: Nanos },
    /// The others were told.
    Shown { stop_at: Nanos },
    /// It is over; another start is held until then.
    Over { until: Nanos },
}

impl Typing {
    pub(super) fn deadline(&self) -> Option<Nanos> {
        let due = |spell: &Spell| match spell.stage {
            Stage::Held { until, .. } => Some(until),
            Stage::Shown { stop_at } => Some(stop_at),
            Stage::Over { .. } => None,
        };
        self.spells.iter().filter_map(due).min()
    }

    pub(super) fn keystroke(
        &mut self,
        conversation: ConversationId,
        planned: Nanos,
        moment: &mut Moment,
    ) {
        if !moment.rules.can(Operation::TypingStart) {
            return;
        }
        moment.effects.record(Event::Keystroke { conversation, planned });
        let next_stop = moment.now + moment.rules.typing_stop;
        match self.spells.iter_mut().find(|spell| spell.conversation == conversation) {
            Some(spell) => match &mut spell.stage {
                Stage::Held { stop_at, .. } | Stage::Shown { stop_at } => *stop_at = next_stop,
                Stage::Over { until } => {
                    spell.stage = Stage::Held { until: *until, stop_at: next_stop };
                }
            },
            None => {
                tell(Operation::TypingStart, conversation, planned, moment);
                self.spells
                    .push(Spell { conversation, stage: Stage::Shown { stop_at: next_stop } });
            }
        }
    }

    /// The message is sent, so nobody types any more.
    pub(super) fn sent(&mut self, conversation: ConversationId, moment: &mut Moment) {
        let of = |spell: &&mut Spell| spell.conversation == conversation;
        if let Some(spell) = self.spells.iter_mut().find(of) {
            match spell.stage {
                Stage::Held { until, .. } => spell.stage = Stage::Over { until },
                Stage::Shown { .. } => spell.stop(moment.now, moment),
                Stage::Over { .. } => {}
            }
        }
    }

    pub(super) fn tick(&mut self, moment: &mut Moment) {
        for spell in &mut self.spells {
            match spell.stage {
                Stage::Held { until, stop_at } if until <= moment.now => {
                    tell(Operation::TypingStart, spell.conversation, until, moment);
                    spell.stage = Stage::Shown { stop_at };
                }
                Stage::Shown { stop_at } if stop_at <= moment.now => spell.stop(stop_at, moment),
                _ => {}
            }
        }
        let now = moment.now;
        self.spells.retain(|spell| !matches!(spell.stage, Stage::Over { until } if until <= now));
    }

    /// The connection is gone, and with it what the others were told.
    pub(super) fn forget(&mut self) {
        self.spells = Vec::new();
    }
}

impl Spell {
    fn stop(&mut self, planned: Nanos, moment: &mut Moment) {
        if moment.rules.can(Operation::TypingStop) {
            tell(Operation::TypingStop, self.conversation, planned, moment);
        }
        self.stage = Stage::Over { until: moment.now + moment.rules.typing_batch };
    }
}

fn tell(operation: Operation, conversation: ConversationId, planned: Nanos, moment: &mut Moment) {
    let op = moment.effects.next_op();
    let ask = Ask::of(operation, Some(conversation));
    moment.effects.invoke(op, &ask, planned);
    moment.effects.transmit(AttemptId { op, number: 0 }, ask);
    moment.effects.record(Event::Ok { op, rows: 0 });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Effects, Output, Rules};
    use crate::spec::{Contract, Join};

    const HERE: ConversationId = ConversationId(3);

    /// Milliseconds in, (milliseconds, operation) out; a timer fires exactly when it is due.
    fn told(keys: &[u64], sends: &[u64]) -> Vec<(u64, &'static str)> {
        let rules = Rules::new(&Contract::default(), Join::ByServer, |_| true, |_| true);
        let (mut typing, mut effects, mut told) = (Typing::default(), Effects::new(), Vec::new());
        for now in 0..10_000 {
            let mut moment = Moment {
                now: now * 1_000_000,
                rules: &rules,
                withheld_until: 0,
                effects: &mut effects,
            };
            typing.tick(&mut moment);
            if keys.contains(&now) {
                typing.keystroke(HERE, moment.now, &mut moment);
            }
            if sends.contains(&now) {
                typing.sent(HERE, &mut moment);
            }
            told.extend(effects.drain().filter_map(|output| match output {
                Output::Transmit(transmit) => Some((now, transmit.ask.operation.name())),
                _ => None,
            }));
            assert!(typing.deadline().is_none_or(|due| due > now * 1_000_000));
        }
        told
    }

    #[test]
    fn it_stops_two_seconds_after_the_last_keystroke() {
        let expected = [(10, "typing-start"), (3_500, "typing-stop")];
        assert_eq!(told(&[10, 900, 1_500], &[]), expected);
    }

    #[test]
    fn it_stops_at_once_on_send() {
        assert_eq!(told(&[10, 20], &[30]), [(10, "typing-start"), (30, "typing-stop")]);
    }

    #[test]
    fn a_start_right_after_a_stop_waits_for_the_window() {
        let expected = [
            (10, "typing-start"),
            (30, "typing-stop"),
            (130, "typing-start"),
            (2_050, "typing-stop"),
        ];
        assert_eq!(told(&[10, 40, 50], &[30]), expected);
    }

    #[test]
    fn a_held_start_is_dropped_by_a_send() {
        assert_eq!(told(&[10, 40], &[30, 50]), [(10, "typing-start"), (30, "typing-stop")]);
    }

    #[test]
    fn after_the_window_a_start_is_told_at_once() {
        let told = told(&[10, 131], &[30]);
        assert_eq!(told[2], (131, "typing-start"));
    }
}
