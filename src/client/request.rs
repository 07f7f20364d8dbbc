//! Requests: one operation each, from its invocation over its attempts to its end.
//!
//! A request waits (for the client to be ready), is in flight, or pauses before its next attempt;
//! it ends by a yes, a definite no, or when its attempts are spent. At most one attempt is in
//! flight, and at most `1 + retries` are made: an attempt that was lost with its connection counts.
//! The list keeps the order of invocation, so it is the offline queue as well.

use crate::client::{Ask, AttemptId, Moment, Output, Reply};
use crate::history::{Answer, Event, Nanos, OpId};
use crate::operation::Operation;
use crate::plan::Oddity;
use compact_str::{CompactString, format_compact};

/// Operations of the user that may be unsettled at once; the next one is refused.
pub const UNSETTLED_MAX: usize = 1_000;

/// How long an operation waits for the refusal that is the only answer it has.
const QUIET: Nanos = 500_000_000;

#[derive(Debug, Default)]
pub(super) struct Requests {
    list: Vec<Request>,
}

#[derive(Debug)]
pub(super) struct Request {
    op: OpId,
    pub(super) ask: Ask,
    owner: Owner,
    attempts: u32,
    stage: Stage,
}

/// Who wants it. What the contract wants (join, sync) belongs to one connection and dies with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    User,
    Contract,
}

#[derive(Debug)]
enum Stage {
    Waiting,
    InFlight { since: Nanos, until: Nanos },
    Pausing { until: Nanos },
    Ended(End),
}

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The server said yes; the cursor is a sync's.
    Ok { cursor: Option<CompactString> },
    /// The server said no.
    Refused,
    /// No attempt was answered.
    GivenUp,
}

impl Requests {
    pub(super) fn deadline(&self) -> Option<Nanos> {
        let due = |request: &Request| match request.stage {
            Stage::InFlight { until, .. } | Stage::Pausing { until } => Some(until),
            Stage::Waiting | Stage::Ended(_) => None,
        };
        self.list.iter().filter_map(due).min()
    }

    /// Operations of the user that have not ended.
    pub(super) fn unsettled(&self) -> usize {
        self.list.iter().filter(|request| request.owner == Owner::User).count()
    }

    /// What an operation that has not ended asks for.
    pub(super) fn asked(&self, op: OpId) -> Option<Operation> {
        let request = self.list.iter().find(|request| request.op == op)?;
        Some(request.ask.operation)
    }

    /// The user asks; the request waits for [`Requests::release`], unless it needs no connection.
    pub(super) fn add(&mut self, op: OpId, ask: Ask, planned: Nanos, moment: &mut Moment) {
        if self.unsettled() >= UNSETTLED_MAX {
            let error = format_compact!("the queue is full ({UNSETTLED_MAX} operations)");
            Self::refuse(op, &ask, planned, error, moment);
        } else {
            moment.effects.invoke(op, &ask, planned);
            let mut request = Request::new(op, ask, Owner::User);
            if request.ask.manner.apart {
                request.transmit(moment);
            }
            self.list.push(request);
        }
    }

    /// The user asks for what cannot be done now.
    pub(super) fn refuse(
        op: OpId,
        ask: &Ask,
        planned: Nanos,
        error: CompactString,
        moment: &mut Moment,
    ) {
        moment.effects.invoke(op, ask, planned);
        moment.effects.record(Event::Failed { op, error, certain: true });
    }

    /// The contract asks, at once.
    pub(super) fn demand(&mut self, ask: Ask, moment: &mut Moment) {
        let op = moment.effects.next_op();
        moment.effects.invoke(op, &ask, moment.now);
        let mut request = Request::new(op, ask, Owner::Contract);
        request.transmit(moment);
        self.list.push(request);
    }

    /// Everything that waits goes out, in the order it was asked for.
    pub(super) fn release(&mut self, moment: &mut Moment) {
        for request in &mut self.list {
            if matches!(request.stage, Stage::Waiting) {
                request.transmit(moment);
            }
        }
    }

    /// What was transmitted since it was prepared left only then, and is waited for as long.
    pub(super) fn left(&mut self, prepared: Nanos, at: Nanos) {
        for request in &mut self.list {
            if let Stage::InFlight { since, until } = &mut request.stage
                && *since >= prepared
            {
                *until += at.saturating_sub(*since);
            }
        }
    }

    pub(super) fn tick(&mut self, moment: &mut Moment) {
        for request in &mut self.list {
            match request.stage {
                Stage::InFlight { until, .. } if until <= moment.now => request.timed_out(moment),
                Stage::Pausing { until } if until <= moment.now => request.transmit(moment),
                _ => {}
            }
        }
    }

    /// An answer came, however late. Of an operation that has ended it is recorded only.
    /// Returns what it settled.
    pub(super) fn answered(
        &mut self,
        attempt: AttemptId,
        reply: &Reply,
        moment: &mut Moment,
    ) -> Option<&Ask> {
        let Some(request) = self.open(attempt.op) else {
            // When it was sent is forgotten: one ack timeout is as long as it may have waited.
            let since = moment.now.saturating_sub(moment.rules.ack_timeout);
            let excused = moment.withheld_until > since;
            record_answer(attempt, reply.answer(), excused, moment);
            return None;
        };
        request.answered(attempt.number, reply, moment);
        request.has_ended().then_some(&request.ask)
    }

    /// A row of a read came: its answer is on its way, so its timeout starts over.
    pub(super) fn row(&mut self, op: OpId, moment: &Moment) {
        if let Some(Request { stage: Stage::InFlight { until, .. }, .. }) = self.open(op) {
            *until = moment.now + moment.rules.ack_timeout;
        }
    }

    /// The connection is gone: what can be asked again waits for the next one.
    pub(super) fn lost(&mut self, caused: bool, moment: &mut Moment) {
        for request in self.list.iter_mut().filter(|request| !request.ask.manner.apart) {
            request.lost(caused, moment);
        }
        self.list.retain(|request| !request.has_ended());
    }

    /// Forgets the user's requests that have ended; an idle client keeps no memory for any.
    pub(super) fn forget_ended(&mut self) {
        self.list.retain(|request| request.owner == Owner::Contract || !request.has_ended());
        if self.list.is_empty() {
            self.list = Vec::new();
        }
    }

    /// Takes out one of the contract's requests that have ended.
    pub(super) fn take_ended(&mut self) -> Option<(Ask, End)> {
        let ended = |request: &Request| request.owner == Owner::Contract && request.has_ended();
        let index = self.list.iter().position(ended)?;
        match self.list.remove(index) {
            Request { ask, stage: Stage::Ended(end), .. } => Some((ask, end)),
            _ => None,
        }
    }

    fn open(&mut self, op: OpId) -> Option<&mut Request> {
        self.list.iter_mut().find(|request| request.op == op && !request.has_ended())
    }
}

impl Request {
    const fn new(op: OpId, ask: Ask, owner: Owner) -> Self {
        Self { op, ask, owner, attempts: 0, stage: Stage::Waiting }
    }

    const fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended(_))
    }

    /// The attempt that was made last.
    const fn last(&self) -> AttemptId {
        AttemptId { op: self.op, number: self.attempts.saturating_sub(1) }
    }

    fn transmit(&mut self, moment: &mut Moment) {
        self.attempts += 1;
        let confirmed = moment.rules.confirms(self.ask.operation);
        let patience = if confirmed { moment.rules.ack_timeout } else { QUIET };
        self.stage = Stage::InFlight { since: moment.now, until: moment.now + patience };
        moment.effects.transmit(self.last(), self.ask.clone());
        let unanswerable = self.ask.odd.is_some_and(Oddity::is_final);
        if unanswerable || !moment.rules.answers(self.ask.operation) {
            self.succeed(0, None, moment);
        }
    }

    fn timed_out(&mut self, moment: &mut Moment) {
        if !moment.rules.confirms(self.ask.operation) {
            return self.succeed(0, None, moment);
        }
        let excused = self.excused(self.last().number, moment);
        record_answer(self.last(), Answer::TimedOut, excused, moment);
        self.abandon(moment);
        self.again("no answer", moment);
    }

    fn answered(&mut self, number: u32, reply: &Reply, moment: &mut Moment) {
        if number >= self.attempts {
            return;
        }
        let attempt = AttemptId { op: self.op, number };
        let excused = self.excused(number, moment);
        let in_flight = matches!(self.stage, Stage::InFlight { .. });
        let current = in_flight && attempt == self.last();
        record_answer(attempt, reply.answer(), excused, moment);
        match reply {
            Reply::Yes { rows, cursor, .. } => {
                if in_flight && !current {
                    self.abandon(moment);
                }
                self.succeed(*rows, cursor.clone(), moment);
            }
            // While another attempt is in flight, that one decides.
            Reply::No(error) if current || !in_flight => {
                // An earlier attempt without an answer may have happened all the same.
                self.fail(End::Refused, error.clone(), self.attempts == 1, moment);
            }
            Reply::Lost if current => self.again("connection lost", moment),
            Reply::No(_) | Reply::Lost => {}
        }
    }

    fn lost(&mut self, caused: bool, moment: &mut Moment) {
        if self.has_ended() {
            return;
        }
        if let Stage::InFlight { .. } = self.stage {
            let excused = caused || self.excused(self.last().number, moment);
            record_answer(self.last(), Answer::Lost, excused, moment);
            self.abandon(moment);
        }
        let spent = self.attempts > 0 && self.retry_pause(moment).is_none();
        if spent || self.owner == Owner::Contract || !moment.rules.offline_queue {
            let certain = self.attempts == 0;
            self.fail(End::GivenUp, "connection lost".into(), certain, moment);
        } else {
            self.stage = Stage::Waiting;
        }
    }

    /// The pause before the next attempt, if there is one.
    fn retry_pause(&self, moment: &Moment) -> Option<Nanos> {
        let pause = moment.rules.retry_pause(self.ask.operation, self.attempts);
        pause.filter(|_| self.ask.odd.is_none())
    }

    /// The last attempt is settled without an answer: pause, or give up.
    fn again(&mut self, error: &str, moment: &mut Moment) {
        match self.retry_pause(moment) {
            Some(pause) => self.stage = Stage::Pausing { until: moment.now + pause },
            None => {
                let error = format_compact!("{error}, attempt {} was the last", self.attempts);
                self.fail(End::GivenUp, error, false, moment);
            }
        }
    }

    fn succeed(&mut self, rows: u32, cursor: Option<CompactString>, moment: &mut Moment) {
        moment.effects.record(Event::Ok { op: self.op, rows });
        self.stage = Stage::Ended(End::Ok { cursor });
    }

    fn fail(&mut self, end: End, error: CompactString, certain: bool, moment: &mut Moment) {
        moment.effects.record(Event::Failed { op: self.op, error, certain });
        self.stage = Stage::Ended(end);
    }

    /// Nobody waits for the rows of the last attempt any more.
    fn abandon(&self, moment: &mut Moment) {
        if self.ask.only_reads() {
            moment.effects.push(Output::Abandon(self.last()));
        }
    }

    /// The harness withheld answers while this attempt waited, or may have.
    fn excused(&self, number: u32, moment: &Moment) -> bool {
        let sent_at = match self.stage {
            Stage::InFlight { until, .. } if number == self.last().number => {
                until.saturating_sub(moment.rules.ack_timeout)
            }
            _ => 0,
        };
        moment.withheld_until > sent_at
    }
}

fn record_answer(attempt: AttemptId, answer: Answer, excused: bool, moment: &mut Moment) {
    let AttemptId { op, number } = attempt;
    moment.effects.record(Event::Answered { op, attempt: number, answer, excused });
}
