//! What else could explain that something came late or not at all: faults of the harness, stalls
//! of the generator, and that everything else was slow as well.

use crate::fault::is_of_server;
use crate::history::{Answer, ClientId, Entry, Event, Nanos, OpId};
use crate::property::stalls::Stalls;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// What is older explains nothing any more.
const HORIZON: Nanos = 60_000_000_000;
/// An answer that takes longer is slow.
const SLOW: Nanos = 100_000_000;

/// How long a judge waits before it takes a word for late or missing: where the generator stalled,
/// it notices that itself by then.
pub(super) const HESITATION: Nanos = 200_000_000;

/// The circumstances of a history, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Weather {
    clients: FxHashMap<ClientId, Trouble>,
    /// The last time the server's process was meddled with: from, to.
    outage: Option<(Nanos, Nanos)>,
    stalls: Stalls,
    /// Questions that wait for an answer, and since when.
    asked: FxHashMap<OpId, Nanos>,
    /// For each client, when it asked the last question that was answered.
    heard: FxHashMap<ClientId, Nanos>,
    /// The longest of what was slow in each tenth of a second: its end, how long it took.
    slow: VecDeque<(Nanos, Nanos)>,
}

/// The faults of one client that may hold back or eat what is pushed to it or what it says.
#[derive(Debug, Default)]
struct Trouble {
    silences: u32,
    /// When the last silence began.
    silent_since: Nanos,
    silence_ended: Option<Nanos>,
    others: u32,
    others_ended: Option<Nanos>,
    /// Of them, those of the node on which the client is.
    of_node: u32,
}

impl Weather {
    /// Learns from an entry.
    pub(super) fn observe(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Fault { what, begins } => self.fault(entry.at, entry.client, what, *begins),
            Event::Lag { nanos } => {
                self.stalls.note(entry.at, *nanos);
                self.stalls.forget_before(entry.at.saturating_sub(HORIZON));
            }
            Event::Attempt { op, .. } => {
                self.asked.insert(*op, entry.at);
            }
            Event::Answered { op, answer: Answer::Ack { .. } | Answer::Nack(_), .. }
            | Event::Ok { op, .. } => self.answered(entry.at, entry.client, *op),
            Event::Failed { op, .. } => {
                self.asked.remove(op);
            }
            _ => {}
        }
    }

    fn fault(&mut self, at: Nanos, client: ClientId, what: &str, begins: bool) {
        if is_of_server(what) {
            let begun = self.outage.map_or(at, |(begun, _)| if begins { at } else { begun });
            self.outage = Some((begun, if begins { Nanos::MAX } else { at }));
            return;
        }
        // Who is cut off notices; and acks are nobody's sights.
        if ["cut", "withhold", "none"].iter().any(|name| what.starts_with(name)) {
            return;
        }
        let trouble = self.clients.entry(client).or_default();
        if what.starts_with("node") {
            let count = trouble.of_node;
            trouble.of_node = if begins { count + 1 } else { count.saturating_sub(1) };
        }
        let silent = what.starts_with("silence") || what.starts_with("half-open");
        let (count, ended) = if silent {
            (&mut trouble.silences, &mut trouble.silence_ended)
        } else {
            (&mut trouble.others, &mut trouble.others_ended)
        };
        if begins {
            *count += 1;
        } else {
            *count = count.saturating_sub(1);
            *ended = Some(at);
        }
        if silent && begins && trouble.silences == 1 {
            trouble.silent_since = at;
        }
    }

    fn answered(&mut self, at: Nanos, client: ClientId, op: OpId) {
        let Some(asked) = self.asked.remove(&op) else { return };
        // What nobody answers is over at once.
        if at > asked {
            let heard = self.heard.entry(client).or_default();
            *heard = asked.max(*heard);
            self.took(asked, at);
        }
    }

    /// Something was under way for so long.
    pub(super) fn took(&mut self, from: Nanos, to: Nanos) {
        let took = to.saturating_sub(from);
        if took < SLOW {
            return;
        }
        match self.slow.back_mut() {
            Some((end, longest)) if *end / SLOW == to / SLOW => *longest = took.max(*longest),
            _ => self.slow.push_back((to, took)),
        }
        while self.slow.front().is_some_and(|(end, _)| end.saturating_add(HORIZON) < to) {
            self.slow.pop_front();
        }
    }

    /// When the client asked the last question that the server has answered.
    pub(super) fn heard(&self, client: ClientId) -> Nanos {
        self.heard.get(&client).copied().unwrap_or(0)
    }

    /// Since when the client neither reads nor writes, if that is so now.
    pub(super) fn silent_since(&self, client: ClientId) -> Option<Nanos> {
        let trouble = self.clients.get(&client).filter(|trouble| trouble.silences > 0)?;
        Some(trouble.silent_since)
    }

    /// A fault other than silence changes what the client says or hears, now or since then.
    pub(super) fn is_disturbed(&self, client: ClientId, since: Nanos) -> bool {
        let ended = |trouble: &Trouble| trouble.others_ended.is_some_and(|ended| ended >= since);
        self.clients.get(&client).is_some_and(|trouble| trouble.others > 0 || ended(trouble))
    }

    /// Something happens to the node on which the client is.
    pub(super) fn is_on_struck_node(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(|trouble| trouble.of_node > 0)
    }

    /// The client does not hear everything at once, now or since then.
    pub(super) fn is_deaf(&self, client: ClientId, since: Nanos) -> bool {
        let ended = |trouble: &Trouble| trouble.silence_ended.is_some_and(|ended| ended >= since);
        let silent = |trouble: &Trouble| trouble.silences > 0 || ended(trouble);
        self.clients.get(&client).is_some_and(silent) || self.is_disturbed(client, since)
    }

    /// The server was away, or came back, since then.
    pub(super) fn was_out(&self, since: Nanos) -> bool {
        self.outage.is_some_and(|(_, ended)| ended >= since)
    }

    /// What a starved machine could have added between two moments: a multiple of the time that
    /// the generator stalled, or that something else took which was under way then. A server on
    /// the same machine stalls as well, on each leg of the way, and short stalls are not measured.
    pub(super) fn grace(&self, from: Nanos, to: Nanos) -> Nanos {
        const LEGS: Nanos = 5;
        let stalled = self.stalls.between(from, to);
        let meanwhile = |(end, took): &&(Nanos, Nanos)| end.saturating_sub(*took) <= to;
        let recent = self.slow.iter().rev().take_while(|(end, _)| *end >= from);
        let slow = recent.filter(meanwhile).map(|(_, took)| *took).max().unwrap_or(0);
        let waits = self.asked.values().filter(|asked| **asked <= to);
        let waits = waits.map(|asked| to.saturating_sub(*asked)).filter(|took| *took > SLOW);
        stalled.max(slow).max(waits.max().unwrap_or(0)).saturating_mul(LEGS)
    }

    /// How much is held in memory.
    pub(super) fn len(&self) -> usize {
        self.stalls.len() + self.slow.len() + self.asked.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::read;

    const SECOND: Nanos = 1_000_000_000;

    fn weather(history: &str) -> Weather {
        let mut weather = Weather::default();
        read(history).iter().for_each(|entry| weather.observe(entry));
        weather
    }

    #[test]
    fn a_silence_is_known_while_it_lasts_and_disturbs_afterwards() {
        let ann = ClientId(10);
        let during = weather("a in #1\n@1000 a fault begins silence");
        assert_eq!(during.silent_since(ann), Some(SECOND));
        assert!(!during.is_disturbed(ann, 0) && during.is_deaf(ann, 9 * SECOND));
        let after = weather("a in #1\n@1000 a fault begins silence\n@3000 a fault ends silence");
        assert_eq!(after.silent_since(ann), None);
        assert!(after.is_deaf(ann, 2 * SECOND) && !after.is_deaf(ann, 4 * SECOND));
    }

    #[test]
    fn a_cut_disturbs_nobody_and_a_restart_everybody() {
        let cut = weather("a in #1\n@1000 a fault begins cut");
        assert!(!cut.is_deaf(ClientId(10), 0));
        let out = weather("a in #1\n@1000 a fault begins restart\n@2000 a fault ends restart");
        assert!(out.was_out(2 * SECOND) && !out.was_out(3 * SECOND));
    }

    #[test]
    fn a_stall_is_grace_while_it_lasted() {
        let weather = weather("a in #1\n@5000 a lag 200");
        assert_eq!(weather.grace(0, 10 * SECOND), SECOND);
        assert_eq!(weather.grace(4_900_000_000, 6 * SECOND), SECOND / 2);
        assert_eq!(weather.grace(6 * SECOND, 9 * SECOND), 0);
    }

    #[test]
    fn what_else_was_slow_is_grace_as_well() {
        let waits = weather("a in #1\n@1000 a sends o1 t1 k1 #1\n@2000 a lag 0");
        assert_eq!(waits.grace(SECOND, 2 * SECOND), 5 * SECOND);
        let answered = "a in #1\n@1000 a sends o1 t1 k1 #1\n@1300 a acked o1 m1";
        let answered = weather(answered);
        assert_eq!(answered.grace(1_200_000_000, 2 * SECOND), 3 * SECOND / 2);
        assert_eq!(answered.grace(2 * SECOND, 3 * SECOND), 0);
        assert_eq!(answered.heard(ClientId(10)), SECOND);
    }
}
