//! The pauses of one client and of one operation, and the arguments against wrong ones.

use super::Pauses;
use crate::history::{ClientId, Nanos, OpId};
use crate::property::argument::{exhibit, span, violation};
use crate::verdict::Exhibit;

/// A pause may be so much shorter: two readings of a clock.
const SLACK: Nanos = 1_000_000;

/// One client's connection.
#[derive(Default)]
pub(super) struct Line {
    pub(super) up: bool,
    /// Counts the ends of connections and of attempts at one.
    pub(super) epoch: u32,
    /// Losses and failed attempts in a row.
    pub(super) failures: u32,
    /// The next attempt is awaited since then.
    pub(super) waits_since: Option<Nanos>,
    faults: u32,
    fault_ended: Option<Nanos>,
}

/// One operation that has not ended.
pub(super) struct Trial {
    pub(super) client: ClientId,
    send: bool,
    repeatable: bool,
    /// Attempts made.
    pub(super) attempts: u32,
    /// When the last one was made, and on which connection.
    made: Nanos,
    epoch: u32,
    /// When the last one was given up.
    pub(super) given_up: Option<Nanos>,
    /// Some attempt had a no, which may count once no other is under way.
    pub(super) refused: bool,
}

/// What a measured pause says.
enum Measure {
    Right,
    Short,
    /// The latest moment that would have been right.
    Long(Nanos),
}

impl Line {
    pub(super) fn fault(&mut self, at: Nanos, begins: bool) {
        self.faults = if begins { self.faults + 1 } else { self.faults.saturating_sub(1) };
        self.fault_ended = if begins { self.fault_ended } else { Some(at) };
    }

    /// Until when a fault may have kept the client from what it wanted; for ever while there is one.
    fn held_until(&self) -> Nanos {
        if self.faults > 0 { Nanos::MAX } else { self.fault_ended.unwrap_or_default() }
    }
}

impl Trial {
    pub(super) const fn new(client: ClientId, send: bool, repeatable: bool) -> Self {
        Self {
            client,
            send,
            repeatable,
            attempts: 0,
            made: 0,
            epoch: 0,
            given_up: None,
            refused: false,
        }
    }

    /// An attempt was made on this connection that never left.
    pub(super) fn kept_back(&mut self, number: u32, epoch: u32) {
        (self.attempts, self.epoch) = (number.saturating_add(1), epoch);
    }
}

impl Pauses {
    /// An attempt to connect.
    pub(super) fn reconnects(&mut self, at: Nanos, client: ClientId) {
        let Some(line) = self.lines.get_mut(&client) else { return };
        let Some(since) = line.waits_since.take() else { return };
        let (held, failures) = (line.held_until(), line.failures);
        let Some(due) = pause(&self.reconnect, failures) else { return };
        let what = match self.measure(since, at, due, held) {
            Measure::Right => return,
            Measure::Short => ("connected again too soon", 0),
            Measure::Long(latest) => ("connected again too late", latest),
        };
        let lines = vec![
            exhibit(since, client, lost_words(failures)),
            exhibit(at, client, "tried to connect"),
        ];
        self.accuse(what, lines, (since, at), due);
    }

    /// An attempt of an operation.
    pub(super) fn attempt(&mut self, at: Nanos, op: OpId, number: u32) {
        if let Some((client, how)) = self.over.get(op).copied() {
            return self.after_the_end(at, client, op, how);
        }
        let Some(trial) = self.trials.get_mut(&op) else { return };
        let line = self.lines.entry(trial.client).or_default();
        let (client, given_up, before) = (trial.client, trial.given_up.take(), trial.made);
        let same_connection = trial.attempts > 0 && trial.epoch == line.epoch;
        let held = line.held_until();
        let repeatable = trial.repeatable;
        (trial.attempts, trial.made, trial.epoch) = (number.saturating_add(1), at, line.epoch);
        if number == 0 {
            return;
        }
        let most = if repeatable { self.retries.len() } else { 0 };
        if number as usize > most {
            return self.too_many(at, client, op, number);
        }
        let Some(since) = given_up.filter(|_| same_connection) else { return };
        let due = self.retries[number as usize - 1];
        let what = match self.measure(since, at, due, held) {
            Measure::Right => return,
            Measure::Short => ("tried again too soon", 0),
            Measure::Long(latest) => ("tried again too late", latest),
        };
        let lines = vec![
            exhibit(before, client, format!("made attempt {number} of operation {}", op.0)),
            exhibit(since, client, "gave up waiting for its answer"),
            exhibit(at, client, format!("made attempt {}", number.saturating_add(1))),
        ];
        self.accuse(what, lines, (since, at), due);
    }

    /// The pause counts as measured unless something excuses it: a fault that held the client up
    /// until then, or the generator.
    fn measure(&mut self, since: Nanos, at: Nanos, due: Nanos, held: Nanos) -> Measure {
        if at.saturating_sub(since).saturating_add(SLACK) < due {
            self.finding.observations += 1;
            return Measure::Short;
        }
        let latest = since.saturating_add(due).saturating_add(self.tolerance);
        if at <= latest {
            self.finding.observations += 1;
            Measure::Right
        } else if at <= held.saturating_add(self.tolerance) {
            self.finding.count("held up by a fault", 1);
            Measure::Right
        } else {
            self.finding.observations += 1;
            Measure::Long(latest)
        }
    }

    /// The client ended the operation without an answer.
    pub(super) fn gave_up(&mut self, at: Nanos, op: OpId) {
        let Some(trial) = self.trials.get(&op) else { return };
        let due = self.retries.len() + 1;
        if !trial.send
            || !self.queues
            || trial.refused
            || trial.attempts == 0
            || trial.attempts as usize >= due
        {
            return;
        }
        let (client, made, attempts) = (trial.client, trial.made, trial.attempts);
        self.finding.violate(|| {
            let lines = vec![
                exhibit(made, client, format!("made attempt {attempts} of operation {}", op.0)),
                exhibit(at, client, "gave it up as failed"),
            ];
            let therefore = format!("there were {attempts} attempts");
            let but = format!("the contract has {due}");
            violation("gave up too early", lines, therefore, but)
        });
    }

    fn after_the_end(&mut self, at: Nanos, client: ClientId, op: OpId, how: &str) {
        self.finding.violate(|| {
            let line = exhibit(at, client, format!("made another attempt of operation {}", op.0));
            let but = "what was answered is not tried again";
            violation("tried again after the end", vec![line], how, but)
        });
    }

    fn too_many(&mut self, at: Nanos, client: ClientId, op: OpId, number: u32) {
        let due = self.retries.len() + 1;
        self.finding.violate(|| {
            let words = format!("made attempt {} of operation {}", number.saturating_add(1), op.0);
            let but = format!("the contract has {due}");
            let lines = vec![exhibit(at, client, words)];
            violation(
                "one attempt too many",
                lines,
                format!("there were {}", number.saturating_add(1)),
                but,
            )
        });
    }

    /// Too soon is wrong at once; too late may be the generator's.
    fn accuse(
        &mut self,
        (what, latest): (&str, Nanos),
        lines: Vec<Exhibit>,
        (since, at): (Nanos, Nanos),
        due: Nanos,
    ) {
        let therefore = format!("it waited {}", span(at.saturating_sub(since)));
        let but = format!("the contract has a pause of {} there", span(due));
        let accusation = violation(what, lines, therefore, but);
        if latest == 0 {
            self.finding.violate(|| accusation);
        } else {
            self.suspicions.add(since, at, latest, accusation);
        }
    }

    /// The run is over: what should have been tried again long ago?
    pub(super) fn conclude(&mut self) {
        let now = self.now;
        let mut clients: Vec<(ClientId, Nanos, u32)> = Vec::new();
        for (client, line) in &self.lines {
            let Some(since) = line.waits_since else { continue };
            let Some(due) = pause(&self.reconnect, line.failures) else { continue };
            if self.overdue(since, due, line.held_until()) {
                clients.push((*client, since, line.failures));
            }
        }
        clients.sort_unstable();
        for (client, since, failures) in clients {
            self.finding.violate(|| {
                let lines = vec![exhibit(since, client, lost_words(failures))];
                let therefore =
                    format!("it did not try to connect for {}", span(now.saturating_sub(since)));
                let but = "a lost connection is opened again";
                violation("never connected again", lines, therefore, but)
            });
        }
        self.conclude_trials();
    }

    fn conclude_trials(&mut self) {
        let mut ops: Vec<(OpId, ClientId, Nanos, u32)> = Vec::new();
        for (op, trial) in &self.trials {
            let Some(line) = self.lines.get(&trial.client) else { continue };
            let Some(since) = trial.given_up.filter(|_| line.up && line.epoch == trial.epoch)
            else {
                continue;
            };
            let pause = self
                .retries
                .get((trial.attempts as usize).saturating_sub(1))
                .filter(|_| trial.repeatable);
            let due = pause.copied().unwrap_or_default();
            if self.overdue(since, due, line.held_until()) {
                ops.push((*op, trial.client, since, trial.attempts));
            }
        }
        ops.sort_unstable();
        for (op, client, since, attempts) in ops {
            self.finding.violate(|| {
                let words = format!("gave up waiting for attempt {attempts} of operation {}", op.0);
                let lines = vec![exhibit(since, client, words)];
                let therefore = "it was neither tried again nor called failed";
                let but = "what had no answer is tried again under its key, or called failed";
                violation("never tried again", lines, therefore, but)
            });
        }
    }

    fn overdue(&self, since: Nanos, due: Nanos, held: Nanos) -> bool {
        let stalled = self.lags.between(since, self.now);
        let latest = since.saturating_add(due).max(held).saturating_add(self.tolerance);
        latest.saturating_add(stalled) < self.now
    }
}

/// The pause after so many failures in a row; the last one repeats.
fn pause(pauses: &[Nanos], failures: u32) -> Option<Nanos> {
    let index = (failures.saturating_sub(1) as usize).min(pauses.len().checked_sub(1)?);
    Some(pauses[index])
}

fn lost_words(failures: u32) -> String {
    match failures {
        0 | 1 => "lost its connection".to_owned(),
        more => format!("failed to connect, failure {more} in a row"),
    }
}
