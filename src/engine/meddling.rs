//! Single messages that a fault drops, holds back, doubles or lets be overtaken.
//!
//! What the server pushed was recorded as it came; only the client gets it otherwise. What a fault
//! keeps from the wire is recorded as an attempt when it leaves, if it ever does. A request that a
//! fault doubles is an operation of its own, the *twin*, so that judges see two sends where the
//! server saw two.

use crate::client::{AttemptId, Reply, Transmit};
use crate::history::{Answer, Event, Nanos, OpId, Seen, TWIN};

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives.
    Passes,
    /// It never arrives.
    Dropped,
    /// It arrives then, or when the fault of this number ends, or when another overtakes it.
    Late {
        /// The latest moment.
        until: Nanos,
        /// The fault's number.
        number: usize,
    },
    /// It arrives, and then those that this fault holds back.
    Overtakes(usize),
    /// It arrives twice.
    Twice,
}

/// What waits to arrive.
#[derive(Debug)]
pub(super) enum Parcel {
    /// For the client: an answer, and the rows it holds.
    Answer(AttemptId, Vec<Event>, Reply),
    /// For the client: a message that was pushed, and recorded when it came.
    Push(Seen),
    /// For the server, with what is recorded when it leaves.
    Request(Transmit, Vec<Event>),
}

/// The messages of one client that a fault holds back or has doubled.
#[derive(Debug, Default)]
pub(super) struct Meddling {
    held: Vec<Held>,
    twins: Vec<Twin>,
}

#[derive(Debug)]
struct Held {
    until: Nanos,
    number: usize,
    parcel: Parcel,
}

/// A request that left a second time, and when its answer is overdue.
#[derive(Clone, Copy, Debug)]
struct Twin {
    op: OpId,
    until: Nanos,
}

impl Meddling {
    pub(super) fn deadline(&self) -> Option<Nanos> {
        let held = self.held.iter().map(|held| held.until);
        held.chain(self.twins.iter().map(|twin| twin.until)).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.twins.is_empty()
    }

    /// Something is held back by the fault of this number.
    pub(super) fn holds(&self, number: usize) -> bool {
        self.held.iter().any(|held| held.number == number)
    }

    pub(super) fn hold(&mut self, until: Nanos, number: usize, parcel: Parcel) {
        self.held.push(Held { until, number, parcel });
    }

    /// A request that was held back just now is over as far as the client is concerned.
    pub(super) fn add_to_last(&mut self, event: Event) {
        if let Some(Held { parcel: Parcel::Request(_, events), .. }) = self.held.last_mut() {
            events.push(event);
        }
    }

    /// What has waited long enough, earliest first.
    pub(super) fn due(&mut self, now: Nanos) -> Vec<Parcel> {
        let mut due = self.take(|held| held.until <= now);
        due.sort_by_key(|held| held.until);
        due.into_iter().map(|held| held.parcel).collect()
    }

    /// What the fault of this number holds back, in the order in which it came.
    pub(super) fn of(&mut self, number: usize) -> Vec<Parcel> {
        self.take(|held| held.number == number).into_iter().map(|held| held.parcel).collect()
    }

    /// All that is held back, in the order in which it came.
    pub(super) fn all(&mut self) -> Vec<Parcel> {
        self.held.drain(..).map(|held| held.parcel).collect()
    }

    fn take(&mut self, which: impl Fn(&Held) -> bool) -> Vec<Held> {
        self.held.extract_if(.., |held| which(held)).collect()
    }

    // ------------------------------------------------------------------------------------------
    // twins

    pub(super) fn add_twin(&mut self, op: OpId, until: Nanos) {
        self.twins.push(Twin { op, until });
    }

    /// The answer to a twin: what is to be recorded. `None`: it is no twin's.
    pub(super) fn answered(
        &mut self,
        attempt: AttemptId,
        rows: &[Event],
        reply: &Reply,
    ) -> Option<Vec<Event>> {
        let index = self.twins.iter().position(|twin| twin.op == attempt.op)?;
        let op = self.twins.remove(index).op;
        let mut events: Vec<Event> = rows.to_vec();
        match reply {
            Reply::Yes { id, order, rows, .. } => {
                events.push(answer(op, Answer::Ack { id: id.clone(), order: *order }, false));
                events.push(Event::Ok { op, rows: *rows });
            }
            Reply::No(error) => {
                events.push(answer(op, Answer::Nack(error.clone()), false));
                events.push(Event::Failed { op, error: error.clone(), certain: true });
            }
            Reply::Lost => events.extend(ended(op, Answer::Lost, true)),
        }
        Some(events)
    }

    /// Twins whose answer is overdue: what is to be recorded.
    pub(super) fn overdue(&mut self, now: Nanos, excused: bool) -> Vec<Event> {
        let late = self.twins.extract_if(.., |twin| twin.until <= now);
        late.flat_map(|twin| ended(twin.op, Answer::TimedOut, excused)).collect()
    }

    /// The connection is gone: what is to be recorded. Nothing that was held back arrives.
    pub(super) fn lost(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for held in self.held.drain(..) {
            if let Parcel::Request(transmit, recorded) = held.parcel {
                // The client took it for done: it was not.
                let done = recorded.iter().any(|event| matches!(event, Event::Ok { .. }));
                events.extend(done.then(|| dropped(transmit.attempt.op)));
            }
        }
        let twins = std::mem::take(&mut self.twins);
        events.extend(twins.into_iter().flat_map(|twin| ended(twin.op, Answer::Lost, true)));
        events
    }
}

/// The end of a request that never left.
pub(super) fn dropped(op: OpId) -> Event {
    Event::Failed { op, error: "a fault of the harness dropped it".into(), certain: true }
}

fn answer(op: OpId, answer: Answer, excused: bool) -> Event {
    Event::Answered { op, attempt: 0, answer, excused }
}

/// A twin that was not answered, and is not sent again.
fn ended(op: OpId, how: Answer, excused: bool) -> [Event; 2] {
    [answer(op, how, excused), Event::Failed { op, error: TWIN.into(), certain: false }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Ask;
    use crate::operation::Operation;

    fn request(op: u32) -> Transmit {
        let attempt = AttemptId { op: OpId(op), number: 0 };
        Transmit { attempt, ask: Ask::of(Operation::TypingStart, None) }
    }

    fn ops(parcels: &[Parcel]) -> Vec<u32> {
        let op = |parcel: &Parcel| match parcel {
            Parcel::Answer(attempt, ..) => attempt.op.0,
            Parcel::Request(transmit, _) => transmit.attempt.op.0,
            Parcel::Push(_) => panic!("no push was held"),
        };
        parcels.iter().map(op).collect()
    }

    #[test]
    fn what_is_held_goes_on_in_its_order() {
        let mut meddling = Meddling::default();
        for (op, until, number) in [(1, 30, 0), (2, 10, 1), (3, 20, 1), (4, 90, 2)] {
            meddling.hold(until, number, Parcel::Request(request(op), Vec::new()));
        }
        assert_eq!(meddling.deadline(), Some(10));
        assert_eq!(ops(&meddling.due(20)), [2, 3]);
        assert!(meddling.holds(0) && !meddling.holds(1));
        assert_eq!(ops(&meddling.of(2)), [4]);
        assert_eq!(ops(&meddling.all()), [1]);
        assert!(meddling.is_empty());
    }

    #[test]
    fn a_request_that_never_left_did_certainly_not_happen() {
        let mut meddling = Meddling::default();
        meddling.hold(9, 0, Parcel::Request(request(1), Vec::new()));
        meddling.add_to_last(Event::Ok { op: OpId(1), rows: 0 });
        meddling.hold(9, 0, Parcel::Request(request(2), Vec::new()));
        assert_eq!(meddling.lost(), [dropped(OpId(1))]);
    }

    #[test]
    fn a_twin_is_an_operation_of_its_own_with_one_end() {
        let mut meddling = Meddling::default();
        for op in 1..=3 {
            meddling.add_twin(OpId(op), 100 + u64::from(op));
        }
        let attempt = |op| AttemptId { op: OpId(op), number: 0 };
        let yes = Reply::Yes { id: Some("m1".into()), order: None, rows: 0, cursor: None };
        let events = meddling.answered(attempt(1), &[], &yes).unwrap();
        assert!(matches!(events[..], [Event::Answered { .. }, Event::Ok { .. }]));
        assert_eq!(meddling.answered(attempt(1), &[], &yes), None, "a second answer is no twin's");
        let late = meddling.overdue(102, false);
        let expected = answer(OpId(2), Answer::TimedOut, false);
        assert_eq!((&late[0], late.len()), (&expected, 2));
        assert!(matches!(meddling.lost()[..], [Event::Answered { excused: true, .. }, _]));
        assert!(meddling.is_empty());
    }
}
