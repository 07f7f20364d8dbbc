//! Whether all channels of a server draw on one allowance: the documented rate of sends.

use crate::history::{Answer, Nanos, OpId, PersonId};
use crate::property::pace::Pace;
use crate::verdict::Exhibit;
use rustc_hash::FxHashMap;

/// How many lines of what was taken are shown.
const SHOWN: usize = 3;

/// What people send over all channels together.
#[derive(Debug)]
pub(super) struct Allowance {
    pace: Pace,
    people: FxHashMap<PersonId, Drawn>,
    /// How often one channel refused what was beyond the rate because of another one.
    pub(super) observed: u64,
}

/// What became of one person's sends.
#[derive(Debug, Default)]
struct Drawn {
    /// The last refusal beyond the rate: over which channel, when, and in words.
    refused: Option<(usize, Nanos, Exhibit)>,
    /// The latest that were taken over another channel.
    taken: Vec<Exhibit>,
    accused: bool,
}

/// One answer to an attempt of a send.
pub(super) struct Attempted<'a> {
    pub(super) person: PersonId,
    pub(super) op: OpId,
    pub(super) number: u32,
    pub(super) at: Nanos,
    pub(super) channel: usize,
    pub(super) answer: &'a Answer,
}

impl Allowance {
    pub(super) fn new(most: u32, window: Nanos, edge: Nanos) -> Self {
        let (pace, people) = (Pace::new(most, window, edge), FxHashMap::default());
        Self { pace, people, observed: 0 }
    }

    /// An attempt leaves.
    pub(super) fn sent(&mut self, person: PersonId, op: OpId, number: u32, at: Nanos) {
        self.pace.sent(person, op, number, at);
    }

    /// Its answer came. If one channel refuses what is beyond the rate, and over another one more is
    /// taken than any limiter of both could give: the lines that show it, and the other channel.
    pub(super) fn answered(
        &mut self,
        attempted: &Attempted<'_>,
        line: Exhibit,
    ) -> Option<(Vec<Exhibit>, usize)> {
        let Attempted { person, op, number, at, channel, answer } = *attempted;
        let yes = matches!(answer, Answer::Ack { .. });
        if !yes && !matches!(answer, Answer::Nack(_)) {
            return None;
        }
        let sent = self.pace.answered(person, op, number, at, yes)?;
        let beyond = self.pace.may_precede(person, op, sent, at) >= self.pace.most();
        let drawn = self.people.entry(person).or_default();
        let window = self.pace.window();
        let recent = |then: Nanos| at.saturating_sub(then) <= window;
        if !yes {
            let before = drawn.refused.take_if(|_| beyond);
            let both = before.is_some_and(|(other, then, _)| other != channel && recent(then));
            self.observed += u64::from(both);
            if beyond {
                drawn.refused = Some((channel, at, line));
            }
            return None;
        }
        let (strict, _, refusal) =
            drawn.refused.as_ref().filter(|(other, then, _)| *other != channel && recent(*then))?;
        let (strict, refusal) = (*strict, refusal.clone());
        if drawn.taken.len() == SHOWN {
            drawn.taken.remove(0);
        }
        drawn.taken.push(line);
        if drawn.accused || self.pace.surplus(person, at).is_none() {
            return None;
        }
        drawn.accused = true;
        let mut lines = vec![refusal];
        lines.append(&mut drawn.taken);
        Some((lines, strict))
    }

    pub(super) fn len(&self) -> usize {
        self.pace.len()
    }
}
