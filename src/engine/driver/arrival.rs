//! What arrives for the client, and what faults make of it on its last steps.

use super::{Driver, Returned};
use crate::client::{Ask, AttemptId, Input, Reply};
use crate::engine::meddling::{Fate, Parcel};
use crate::engine::rest;
use crate::fault::Passing;
use crate::history::{Event, Seen};
use crate::operation::Sight;
use crate::plan::dice::mix;

impl Driver {
    pub(super) fn fate(&mut self, passing: Passing) -> Fate {
        if !self.trouble.meddles() {
            return Fate::Passes;
        }
        let now = self.shard.clock.now();
        let meddling = &self.meddling;
        self.trouble.fate(now, passing, |number| meddling.holds(number))
    }

    /// The server answered.
    pub(super) fn answered(&mut self, attempt: AttemptId, rows: Vec<Event>, reply: Reply) {
        let operation = self.machine.asked(attempt.op);
        match self.fate(Passing::Answered(operation)) {
            Fate::Passes => self.take_answer(attempt, rows, reply),
            Fate::Dropped => {}
            Fate::Twice => {
                self.take_answer(attempt, rows.clone(), reply.clone());
                for row in rows {
                    if let Event::Message(seen) = row {
                        self.input_unseen(Input::Saw(seen));
                    }
                }
                self.input_unseen(Input::Answered { attempt, reply });
            }
            Fate::Late { until, number } => {
                self.meddling.hold(until, number, Parcel::Answer(attempt, rows, reply));
            }
            Fate::Overtakes(number) => {
                self.take_answer(attempt, rows, reply);
                let held = self.meddling.of(number);
                self.let_go(held);
            }
        }
    }

    fn take_answer(&mut self, attempt: AttemptId, rows: Vec<Event>, reply: Reply) {
        if let Some(events) = self.meddling.answered(attempt, &rows, &reply) {
            return events.into_iter().for_each(|event| self.record(event));
        }
        for row in rows {
            match row {
                Event::Message(seen) => self.input(Input::Saw(seen)),
                event => self.record(event),
            }
        }
        self.input(Input::Answered { attempt, reply });
    }

    /// The server pushed a message: it is recorded as it came, whatever the client gets of it.
    pub(super) fn pushed(&mut self, seen: Seen) {
        match self.fate(Passing::Seen(Sight::Message)) {
            Fate::Passes => self.saw(seen),
            Fate::Dropped => self.record(Event::Message(seen)),
            Fate::Twice => {
                self.saw(seen.clone());
                self.input_unseen(Input::Saw(seen));
            }
            Fate::Late { until, number } => {
                self.record(Event::Message(seen.clone()));
                self.meddling.hold(until, number, Parcel::Push(seen));
            }
            Fate::Overtakes(number) => {
                self.saw(seen);
                let held = self.meddling.of(number);
                self.let_go(held);
            }
        }
    }

    /// What was held back arrives.
    pub(super) fn let_go(&mut self, parcels: Vec<Parcel>) {
        for parcel in parcels {
            match parcel {
                Parcel::Answer(attempt, rows, reply) => self.take_answer(attempt, rows, reply),
                Parcel::Push(seen) => self.input_unseen(Input::Saw(seen)),
                Parcel::Request(transmit, events) => {
                    let now = self.shard.clock.now();
                    for event in events {
                        self.record_at(now, event);
                    }
                    self.transmit(now, transmit);
                }
            }
        }
    }

    /// The connection is gone: nothing that was held back arrives.
    pub(super) fn forget_held(&mut self) {
        if !self.meddling.is_empty() {
            for event in self.meddling.lost() {
                self.record(event);
            }
        }
    }

    /// A message was pushed; the person reads some of them.
    fn saw(&mut self, seen: Seen) {
        let reads = self.shard.reads.get();
        let about = match (seen.token, seen.conversation, &seen.id) {
            (Some(token), Some(conversation), Some(id))
                if reads > 0.0 && self.machine.is_ready() =>
            {
                let draw = mix(token.number(), self.id.0.into(), 1) as f64 / u64::MAX as f64;
                (draw < reads).then(|| Ask::read(conversation, id.clone()))
            }
            _ => None,
        };
        self.input(Input::Saw(seen));
        if let Some(ask) = about {
            self.ask(self.shard.clock.now(), ask);
        }
    }

    pub(super) fn returned(&mut self, returned: Returned) {
        let (attempt, route, outcome, bound, troubled) = match returned {
            Returned::Rested(onward) => return self.say_on(onward),
            Returned::Answered { attempt, route, outcome, bound, troubled } => {
                (attempt, route, outcome, bound, troubled)
            }
        };
        self.explain_call(attempt.op, &outcome);
        let (rows, reply) = match outcome {
            rest::Outcome::Answered(reply @ Reply::Yes { .. }) => {
                return self.follow(attempt, route, bound, reply);
            }
            rest::Outcome::Answered(Reply::No(error)) => {
                (Vec::new(), Reply::No(self.masked(&error).into()))
            }
            rest::Outcome::Answered(reply) => (Vec::new(), reply),
            rest::Outcome::Read { rows, count, cursor } => {
                (rows, Reply::Yes { id: None, order: None, rows: count, cursor })
            }
            rest::Outcome::Failed(_) if troubled || self.trouble.excuses() => {
                (Vec::new(), Reply::Lost)
            }
            rest::Outcome::Failed(why) => {
                self.garbage(&why);
                (Vec::new(), Reply::Lost)
            }
        };
        self.answered(attempt, rows, reply);
    }
}
