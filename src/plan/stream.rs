//! One kind of thing that the people of one cell do during one phase: an open workload, planned
//! without regard to what the server does.

use crate::history::{ClientId, ConversationId, MessageRef, Nanos, Token};
use crate::plan::dice::Dice;
use crate::plan::population::Cell;
use crate::plan::text::{self, choose};
use crate::plan::timeline::{Act, Planned};
use crate::plan::{Carriage, Plan, Ramp};
use crate::scenario::{Arrivals, Away, Behaviour, Burst, Converse, Rate, RateOf};
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::Arc;

/// Sources of messages that a phase can have; with the phase's number they tell a cell's streams apart.
const SOURCES: u32 = 5;
const MILLISECOND: Nanos = 1_000_000;

/// What a stream makes at each of its moments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// One message.
    Send(Rate),
    /// Several members of a conversation send at the same moment.
    Burst(Burst),
    /// Some keystrokes, and half the time the message they led to.
    Typing(Rate),
    /// A read of the whole history.
    History(Rate),
    /// The start of a closed workload, once.
    Converse(Converse),
    /// A person goes offline, and comes back.
    Away(Away),
}

impl Source {
    /// The sources of a phase's behaviour.
    pub fn of(behaviour: &Behaviour) -> impl Iterator<Item = Self> {
        [
            behaviour.send.map(Self::Send),
            behaviour.burst.map(Self::Burst),
            behaviour.typing.map(Self::Typing),
            behaviour.history.map(Self::History),
            behaviour.converse.map(Self::Converse),
            behaviour.away.map(Self::Away),
        ]
        .into_iter()
        .flatten()
    }

    const fn rate(&self) -> Option<Rate> {
        match self {
            Self::Send(rate) | Self::Typing(rate) | Self::History(rate) => Some(*rate),
            Self::Burst(burst) => Some(burst.rate),
            Self::Away(away) => Some(away.rate),
            Self::Converse(_) => None,
        }
    }

    const fn number(&self) -> u32 {
        match self {
            Self::Send(_) => 0,
            Self::Burst(_) => 1,
            Self::Typing(_) => 2,
            Self::History(_) => 3,
            Self::Converse(_) => 4,
            // It has no messages to be numbered.
            Self::Away(_) => SOURCES,
        }
    }
}

/// A source in one phase of one cell.
#[derive(Debug)]
pub struct Stream {
    source: Source,
    behaviour: Behaviour,
    carriage: Carriage,
    cell: Arc<Cell>,
    dice: Dice,
    run: u64,
    ramp: Ramp,
    /// Events that are due before the next one, and when that is.
    before: f64,
    next: f64,
    phase: Range<Nanos>,
    /// The phase's number.
    number: usize,
    /// Which of its cell's streams it is; and how many phases the plan has.
    ordinal: u32,
    phases: usize,
    sent: u32,
    /// Moments of it that have come.
    made: u64,
    /// Who is away, and until when.
    gone: FxHashMap<usize, Nanos>,
    done: bool,
}

impl Stream {
    /// The stream of a source over a phase, unless it would make nothing.
    pub(super) fn new(
        plan: &Plan,
        cell: &Cell,
        phase: usize,
        source: Source,
        span: Range<Nanos>,
    ) -> Option<Self> {
        if cell.conversations.is_empty() {
            return None;
        }
        let ordinal = phase as u32 * SOURCES + source.number();
        let (purpose, coordinate) = match source {
            Source::Away(_) => ("away", phase as u64),
            _ => ("stream", ordinal.into()),
        };
        let mut dice = Dice::new(plan.seed, purpose, u64::from(cell.number), coordinate);
        let (start, lasts) = (span.start as f64, (span.end - span.start) as f64);
        let arrivals = plan.scenario.phases[phase].behaviour.arrivals;
        let (ramp, before) = match source.rate() {
            Some(rate) => {
                let per_second = rate_of_cell(plan, cell, rate).filter(|rate| *rate > 0.0)?;
                (Ramp::new(start, lasts, per_second, rate.tilt), first(arrivals, &mut dice))
            }
            // Once, at the beginning.
            None => (Ramp::new(start, lasts, 1.0, 0.0), 0.0),
        };
        let mut behaviour = plan.scenario.phases[phase].behaviour.clone();
        if !plan.limited {
            behaviour.texts.overlong = 0.0;
        }
        Some(Self {
            source,
            behaviour,
            carriage: plan.carriages[phase].clone(),
            cell: Arc::new(cell.clone()),
            dice,
            run: plan.run,
            ramp,
            before,
            next: ramp.at(before),
            phase: span,
            number: phase,
            ordinal,
            phases: plan.scenario.phases.len(),
            sent: 0,
            made: 0,
            gone: FxHashMap::default(),
            done: false,
        })
    }

    /// When the next acts are due; none when the phase is over.
    pub(super) fn next_at(&self) -> Option<Nanos> {
        let at = self.next as Nanos;
        (!self.done && self.phase.contains(&at)).then_some(at)
    }

    /// Makes the acts that are due now; some may lie a little in the future.
    pub(super) fn make(&mut self) -> Vec<Planned> {
        let at = self.next as Nanos;
        self.made += 1;
        self.before += pause(self.behaviour.arrivals, self.made, &mut self.dice);
        self.next = self.ramp.at(self.before);
        match self.source {
            Source::Send(_) => {
                let (person, conversation) = self.somebody();
                self.sends(at, person, conversation)
            }
            Source::Burst(burst) => self.burst(at, burst),
            Source::Typing(_) => self.typing(at),
            Source::History(_) => {
                let (person, conversation) = self.somebody();
                let client = self.device(person);
                let conversation = self.id(conversation);
                vec![Planned { at, client, act: Act::History { conversation } }]
            }
            Source::Converse(converse) => {
                self.done = true;
                self.conversers(converse)
            }
            Source::Away(away) => self.leave(at, away),
        }
    }

    /// A person, and one of the person's conversations.
    fn somebody(&mut self) -> (usize, usize) {
        let conversation = self.conversation();
        let person = *self.dice.pick(&self.cell.conversations[conversation].members);
        (person, conversation)
    }

    /// One of the conversations; the hot one, the cell's last and so a group if there are any, as often
    /// as the behaviour says.
    fn conversation(&mut self) -> usize {
        let all = self.cell.conversations.len();
        let hot = self.behaviour.hot > 0.0 && self.dice.chance(self.behaviour.hot);
        if hot { all - 1 } else { self.dice.below(all) }
    }

    fn device(&mut self, person: usize) -> ClientId {
        *self.dice.pick(&self.cell.people[person].clients)
    }

    fn id(&self, conversation: usize) -> ConversationId {
        self.cell.conversations[conversation].id
    }

    fn token(&mut self) -> Token {
        let kind = choose(&self.behaviour.texts, &mut self.dice);
        let sequence = sequence(self.ordinal, self.phases, self.sent);
        self.sent += 1;
        Token::new((self.run & 0xfff) as u16, text::number(kind, self.cell.number, sequence))
    }

    /// One message, and whatever deliberate trouble the behaviour adds to it.
    fn sends(&mut self, at: Nanos, person: usize, conversation: usize) -> Vec<Planned> {
        let token = self.token();
        let client = self.device(person);
        let key = text::key(self.run, token, 0);
        let repeat = self.dice.chance(self.behaviour.repeat);
        let mut acts = vec![self.send(at, client, conversation, token, key.clone(), repeat)];
        if repeat && self.cell.people[person].clients.len() > 1 {
            // Two tabs: another device of the person sends the same message at the same moment.
            let other = self.other_device(person, client);
            acts[0].only_once();
            acts.push(self.send(at, other, conversation, token, key.clone(), false));
        }
        if self.dice.chance(self.behaviour.same_text) {
            let again = text::key(self.run, token, 1);
            acts.push(self.send(at + 40 * MILLISECOND, client, conversation, token, again, false));
        }
        if self.dice.chance(self.behaviour.same_key) {
            let members = self.cell.conversations[conversation].members.clone();
            let other = *self.dice.pick(&members);
            if other != person {
                let theirs = self.token();
                let device = self.device(other);
                acts.push(self.send(
                    at + 20 * MILLISECOND,
                    device,
                    conversation,
                    theirs,
                    key,
                    false,
                ));
            }
        }
        acts
    }

    fn other_device(&mut self, person: usize, client: ClientId) -> ClientId {
        let clients = &self.cell.people[person].clients;
        let start = self.dice.below(clients.len());
        let others = clients[start..].iter().chain(&clients[..start]);
        others.copied().find(|other| *other != client).unwrap_or(client)
    }

    fn send(
        &mut self,
        at: Nanos,
        client: ClientId,
        conversation: usize,
        token: Token,
        key: compact_str::CompactString,
        repeat: bool,
    ) -> Planned {
        let conversation = self.id(conversation);
        let message = MessageRef { token, key: key.into() };
        let via = self.carriage.draw(&mut self.dice);
        Planned { at, client, act: Act::Send { conversation, message, repeat, via } }
    }

    /// Up to three members send `messages` each, without waiting for one another.
    fn burst(&mut self, at: Nanos, burst: Burst) -> Vec<Planned> {
        let conversation = self.conversation();
        let mut members = self.cell.conversations[conversation].members.clone();
        self.dice.shuffle(&mut members);
        members.truncate(3);
        let mut acts = Vec::new();
        for person in members {
            let client = self.device(person);
            for _ in 0..burst.messages {
                let token = self.token();
                let key = text::key(self.run, token, 0);
                acts.push(self.send(at, client, conversation, token, key, false));
            }
        }
        acts
    }

    /// Two to eight keystrokes, then a message or a change of mind.
    fn typing(&mut self, at: Nanos) -> Vec<Planned> {
        let (person, conversation) = self.somebody();
        let client = self.device(person);
        let id = self.id(conversation);
        let mut time = at;
        let mut acts = Vec::new();
        for _ in 0..2 + self.dice.below(7) {
            acts.push(Planned { at: time, client, act: Act::Keystroke { conversation: id } });
            time += (60 + self.dice.below(500) as Nanos) * MILLISECOND;
        }
        if self.dice.chance(0.5) && time < self.phase.end {
            let token = self.token();
            let key = text::key(self.run, token, 0);
            acts.push(self.send(time, client, conversation, token, key, false));
        }
        acts.retain(|planned| planned.at < self.phase.end);
        acts
    }

    /// A person closes the connections of all devices, and opens them again before the phase ends; who
    /// would not be back by then stays.
    fn leave(&mut self, at: Nanos, away: Away) -> Vec<Planned> {
        let back = at + away.lasts.as_nanos() as Nanos;
        let person = self.dice.below(self.cell.people.len());
        let is_away = self.gone.get(&person).is_some_and(|until| *until >= at);
        if is_away || back >= self.phase.end {
            return Vec::new();
        }
        self.gone.insert(person, back);
        let clients = self.cell.people[person].clients.iter();
        let both = |&client| {
            [(at, Act::GoAway), (back, Act::ComeBack)].map(|(at, act)| Planned { at, client, act })
        };
        clients.flat_map(both).collect()
    }

    fn conversers(&mut self, converse: Converse) -> Vec<Planned> {
        let (at, until) = (self.phase.start, self.phase.end);
        let cell = Arc::clone(&self.cell);
        let mut acts = Vec::new();
        for person in cell.people.iter().filter(|person| !person.conversations.is_empty()) {
            if self.dice.chance(converse.share) {
                let seed = self.dice.bits();
                let act = Act::Converse { pace: converse.pace, phase: self.number, until, seed };
                acts.push(Planned { at, client: person.clients[0], act });
            }
        }
        acts
    }
}

/// From the start of a phase to the first event, where one event is due in one unit of time.
fn first(arrivals: Arrivals, dice: &mut Dice) -> f64 {
    match arrivals {
        Arrivals::Poisson => dice.wait(1.0),
        // Somewhere, so that cells do not march in step.
        Arrivals::Constant => dice.unit(),
        Arrivals::Bursts(size) => dice.wait(f64::from(size)),
    }
}

/// From one event, the `made`-th, to the next.
fn pause(arrivals: Arrivals, made: u64, dice: &mut Dice) -> f64 {
    match arrivals {
        Arrivals::Poisson => dice.wait(1.0),
        Arrivals::Constant => 1.0,
        Arrivals::Bursts(size) if made.is_multiple_of(u64::from(size.max(1))) => {
            dice.wait(f64::from(size))
        }
        Arrivals::Bursts(_) => 0.0,
    }
}

/// The number of a message among those of its cell. Each of the cell's streams, told apart by their
/// ordinals, has a row of its own, so that what is sent one after the other has neighbouring numbers.
pub(super) fn sequence(ordinal: u32, phases: usize, sent: u32) -> u32 {
    let row = row(phases);
    ordinal * row + sent % row
}

/// The same for the messages of closed workloads, which have the rows after the streams'.
#[must_use]
pub fn closed_sequence(phases: usize, sent: u32) -> u32 {
    let first = streams(phases) * row(phases);
    first + sent % (text::SEQUENCES - first)
}

/// Rows of the closed workloads: they send the most.
const CLOSED: u32 = 4;

const fn row(phases: usize) -> u32 {
    text::SEQUENCES / (streams(phases) + CLOSED)
}

const fn streams(phases: usize) -> u32 {
    phases as u32 * SOURCES
}

/// The phase in which the message of this sequence number was planned; none of a closed workload's.
#[must_use]
pub fn phase_of(sequence: u32, phases: usize) -> Option<usize> {
    let phase = (sequence / row(phases) / SOURCES) as usize;
    (phase < phases).then_some(phase)
}

/// Events per second in this cell.
fn rate_of_cell(plan: &Plan, cell: &Cell, rate: Rate) -> Option<f64> {
    let people = cell.people.len() as f64;
    Some(match rate.of {
        RateOf::Person => rate.per_second * people,
        RateOf::Conversation => rate.per_second * cell.conversations.len() as f64,
        RateOf::All => rate.per_second * people / f64::from(plan.scenario.people.count.max(1)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times of the events of a thousand seconds, one a second on average.
    fn times(arrivals: Arrivals) -> Vec<f64> {
        let mut dice = Dice::new(1, "arrivals", 0, 0);
        let mut at = first(arrivals, &mut dice);
        let mut times = Vec::new();
        while at < 1_000.0 {
            times.push(at);
            at += pause(arrivals, times.len() as u64, &mut dice);
        }
        times
    }

    #[test]
    fn each_stream_numbers_its_messages_in_a_row_of_its_own() {
        for phases in [1, 3, 40] {
            let last = streams(phases) - 1;
            assert_eq!(sequence(last, phases, 7), sequence(last, phases, 6) + 1);
            let rows = (0..=last).map(|ordinal| sequence(ordinal, phases, 0));
            let rows: Vec<u32> = rows.chain([closed_sequence(phases, 0)]).collect();
            let far = row(phases);
            assert!(rows.windows(2).all(|pair| pair[1] - pair[0] == far), "{phases} phases");
            assert!(sequence(last, phases, u32::MAX) < closed_sequence(phases, 0));
            assert!(closed_sequence(phases, u32::MAX) < text::SEQUENCES);
            let phase = |ordinal| phase_of(sequence(ordinal, phases, 99), phases);
            assert!((0..=last).all(|one| phase(one) == Some((one / SOURCES) as usize)));
            assert_eq!(phase_of(closed_sequence(phases, u32::MAX), phases), None);
        }
    }

    #[test]
    fn arrivals_differ_in_their_spread_and_not_in_their_rate() {
        for arrivals in [Arrivals::Poisson, Arrivals::Constant, Arrivals::Bursts(10)] {
            let count = times(arrivals).len();
            assert!((600..1_400).contains(&count), "{arrivals:?}: {count}");
        }
        let distances = |arrivals| -> Vec<f64> {
            times(arrivals).windows(2).map(|pair| pair[1] - pair[0]).collect()
        };
        assert!(distances(Arrivals::Constant).iter().all(|gap| (gap - 1.0).abs() < 1e-9));
        let at_once = distances(Arrivals::Bursts(10)).iter().filter(|gap| **gap == 0.0).count();
        assert!((540..1_260).contains(&at_once), "{at_once} with the one before");
        assert!(distances(Arrivals::Poisson).iter().all(|gap| *gap > 0.0));
    }
}
