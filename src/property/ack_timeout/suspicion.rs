//! Attempts without an answer: what may explain it, and the accusation if nothing does.

use super::{State, Waiting, promised};
use crate::fault::{Effect, is_of_server};
use crate::history::{ClientId, Nanos, OpId};
use crate::property::argument::{exhibit, span, violation};

impl Waiting {
    /// Suspects whose time is over: nothing came.
    pub(super) fn settle(&mut self, now: Nanos) {
        while self.suspects.front().is_some_and(|(due, ..)| *due < now) {
            let Some((_, op, number)) = self.suspects.pop_front() else { return };
            let Some(attempt) = self.attempt_mut(op, number).copied() else { continue };
            let State::Suspect(gave_up) = attempt.state else { continue };
            let grace = self.grace(attempt.at, now);
            // What came while the client stalled is read after it gave up.
            let over = gave_up.max(attempt.at.saturating_add(self.bound));
            let due = over.saturating_add(self.tolerance).saturating_add(grace);
            if due >= now {
                self.suspects.push_back((due, op, number));
                continue;
            }
            self.close(op, number);
            if self.excuse(op, number, now) {
                self.finding.count("excused by a fault", 1);
            } else if self.garbled(op, attempt.at) {
                self.doubtful.garbage += 1;
            } else {
                self.accuse(op, number, attempt.at, gave_up);
            }
        }
        let horizon = 4 * (self.bound + self.tolerance);
        self.lags.forget_before(now.saturating_sub(horizon));
    }

    fn accuse(&mut self, op: OpId, number: u32, sent: Nanos, gave_up: Nanos) {
        self.finding.observations += 1;
        let Some(sending) = self.sends.get(op) else { return };
        let but = promised(self.bound);
        let bound = span(self.bound);
        self.finding.violate(|| {
            let lines = vec![
                exhibit(sent, sending.client, sending.words(number)),
                exhibit(gave_up, sending.client, "gave up waiting for the ack"),
            ];
            let therefore = format!(
                "attempt {} had no answer for {bound} on a connection that was up",
                number + 1
            );
            violation(&format!("no ack within {bound}"), lines, therefore, but)
        });
    }

    pub(super) fn fault(&mut self, at: Nanos, client: ClientId, what: &str, begins: bool) {
        if !Effect::of(what).answers {
            return;
        }
        let link = self.clients.entry(client).or_default();
        if begins {
            link.faults += 1;
        } else {
            link.faults = link.faults.saturating_sub(1);
            link.fault_ended = Some(at);
        }
        if is_of_server(what) {
            let begun = self.restarted.map_or(at, |(begun, _)| if begins { at } else { begun });
            self.restarted = Some((begun, (!begins).then_some(at)));
        }
    }

    /// A fault, or the loss of the connection, could be why nothing came.
    pub(super) fn excuse(&self, op: OpId, number: u32, now: Nanos) -> bool {
        let Some(sending) = self.sends.get(op) else { return true };
        let Some(attempt) = sending.attempts.get(number as usize) else { return true };
        let after = |ended: Nanos| ended.saturating_add(self.bound) >= attempt.at;
        let restart =
            self.restarted.is_some_and(|(begun, ended)| begun <= now && ended.is_none_or(after));
        let link = self.clients.get(&sending.client);
        restart
            || link.is_some_and(|link| {
                link.faults > 0
                    || link.epoch != attempt.epoch
                    || link.fault_ended.is_some_and(after)
            })
    }

    fn garbled(&self, op: OpId, since: Nanos) -> bool {
        let client = self.sends.get(op).map(|sending| sending.client);
        let link = client.and_then(|client| self.clients.get(&client));
        link.and_then(|link| link.garbage).is_some_and(|at| at >= since)
    }

    /// What the generator's own lag could have added between two moments: the time it stalled, and
    /// much more if it was starved.
    pub(super) fn grace(&self, from: Nanos, to: Nanos) -> Nanos {
        let more = if self.lags.starved(from, to) { 2 * self.bound } else { 0 };
        self.lags.between(from, to).saturating_add(more)
    }
}
