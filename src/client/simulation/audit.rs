//! Reads what the client does, entry by entry, and panics where the contract is broken.

use super::{MILLISECOND, SECOND, Terms};
use crate::client::{AttemptId, Client, Output};
use crate::history::{Answer, Carrier, ConversationId, Event, Nanos, OpId};
use crate::operation::{ConnectionState, Operation};
use crate::spec::{Contract, Join};
use compact_str::CompactString;
use std::collections::{BTreeMap, BTreeSet};

const ACK_TIMEOUT: Nanos = 5 * SECOND;
const TYPING_STOP: Nanos = 2 * SECOND;
const TYPING_BATCH: Nanos = 100 * MILLISECOND;

pub(super) struct Audit {
    contract: Contract,
    joins: bool,
    answered: Vec<Operation>,
    /// Operations the user asked for.
    pub(super) asked: BTreeSet<OpId>,
    pub(super) members: BTreeSet<ConversationId>,
    pub(super) seen: BTreeSet<(ConversationId, CompactString)>,
    pub(super) wanted: bool,
    pub(super) away_until: Nanos,
    state: ConnectionState,
    failures: usize,
    /// When the next attempt to connect is due, without regard to `away_until`.
    connect_at: Option<Nanos>,
    /// Connections that were open so far, and when the last one opened.
    epoch: u32,
    ready_at: Option<Nanos>,
    ops: BTreeMap<OpId, Op>,
    last_first_attempt: Option<OpId>,
    recorded: Option<AttemptId>,
    typing: BTreeMap<ConversationId, Typist>,
    /// A read that nobody waits for any more.
    idle_read: Option<AttemptId>,
}

#[derive(Debug)]
struct Op {
    operation: Operation,
    conversation: Option<ConversationId>,
    invoked_at: Nanos,
    epoch: u32,
    attempts: Vec<Attempt>,
    acked: bool,
    row_at: Nanos,
    end: Option<End>,
}

#[derive(Debug)]
struct Attempt {
    at: Nanos,
    epoch: u32,
    settled_at: Option<Nanos>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Ok,
    Failed,
}

#[derive(Debug, Default)]
struct Typist {
    shown: bool,
    last_key: Nanos,
    last_told: Option<Nanos>,
    sent_at: Option<Nanos>,
}

impl Audit {
    pub(super) fn new(terms: &Terms) -> Self {
        Self {
            contract: terms.contract.clone(),
            joins: terms.join == Join::Explicit,
            answered: terms.answered.clone(),
            asked: BTreeSet::new(),
            members: BTreeSet::new(),
            seen: BTreeSet::new(),
            wanted: false,
            away_until: 0,
            state: ConnectionState::Disconnected,
            failures: 0,
            connect_at: None,
            epoch: 0,
            ready_at: None,
            ops: BTreeMap::new(),
            last_first_attempt: None,
            recorded: None,
            typing: BTreeMap::new(),
            idle_read: None,
        }
    }

    pub(super) fn start(&mut self, now: Nanos) {
        if !self.wanted {
            self.wanted = true;
            self.failures = 0;
            self.connect_at = Some(now);
        }
    }

    pub(super) fn keystroke(&mut self, conversation: ConversationId, now: Nanos) {
        self.typing.entry(conversation).or_default().last_key = now;
    }

    /// When the sync was asked by which the conversation is complete on this connection.
    pub(super) fn synced(&self, conversation: ConversationId) -> Option<Nanos> {
        self.entered(conversation, Operation::Sync)
            .find(|op| op.end == Some(End::Ok))
            .map(|op| op.invoked_at)
    }

    pub(super) fn all_ok_after_one_attempt(&self) -> bool {
        self.ops.values().all(|op| op.end == Some(End::Ok) && op.attempts.len() == 1)
    }

    pub(super) fn observe(&mut self, now: Nanos, output: &Output) {
        match output {
            Output::Open => assert_eq!(self.state, ConnectionState::Connecting),
            Output::Close => {}
            Output::Abandon(attempt) => assert_eq!(self.idle_read.take(), Some(*attempt)),
            Output::Transmit(transmit) => {
                assert_eq!(self.recorded.take(), Some(transmit.attempt), "recorded, then sent");
            }
            Output::Record(event) => self.event(now, event),
        }
    }

    fn event(&mut self, now: Nanos, event: &Event) {
        match event {
            Event::Connection { state, .. } => self.connection(now, *state),
            Event::Ready => self.ready(now),
            Event::Invoke { op, operation, conversation, .. } => {
                if let (Operation::Send, Some(conversation)) = (operation, conversation) {
                    let typist = self.typing.entry(*conversation).or_default();
                    typist.sent_at = Some(now);
                    assert!(!typist.shown, "sending ends the typing at once");
                }
                self.invoked(now, *op, *operation, *conversation);
            }
            Event::Attempt { op, attempt } => self.attempt(now, *op, *attempt),
            Event::Answered { op, attempt, answer, .. } => {
                self.answered(now, *op, *attempt as usize, answer);
            }
            Event::Ok { op, .. } => {
                let op = self.ops.get_mut(op).expect("invoked");
                assert!(op.acked || !self.answered.contains(&op.operation), "an ok has its yes");
                assert_eq!(op.end.replace(End::Ok), None, "it ends once");
            }
            Event::Failed { op, certain, .. } => self.failed(*op, *certain),
            Event::Message(seen) => {
                if let Carrier::Sync(op) | Carrier::History(op) = seen.by {
                    self.ops.get_mut(&op).expect("invoked").row_at = now;
                }
                let id = seen.id.clone().expect("the model names all");
                self.seen.insert((seen.conversation.expect("the model names all"), id));
            }
            Event::Keystroke { conversation, .. } => {
                assert!(self.typing.contains_key(conversation), "somebody pressed a key");
            }
            other => panic!("a client does not record {other:?}"),
        }
    }

    fn connection(&mut self, now: Nanos, state: ConnectionState) {
        use ConnectionState::{Connected, Connecting, Disconnected, Error};
        match (self.state, state) {
            (Disconnected | Error, Connecting) => {
                let due = self.connect_at.take().expect("a start or a loss comes before");
                assert_eq!(now, due.max(self.away_until).max(due), "the pause is exact");
            }
            (Connecting, Connected) => {
                self.failures = 0;
                self.epoch += 1;
            }
            (Connecting, Error) | (Connected, Disconnected) if self.wanted => {
                let pauses = &self.contract.reconnect;
                let pause = pauses[self.failures.min(pauses.len() - 1)];
                self.connect_at = Some(now + pause.as_nanos() as Nanos);
                self.failures += 1;
            }
            (Connecting | Connected, Disconnected) if !self.wanted => {}
            (from, to) => panic!("from {from} to {to}"),
        }
        if state != Connected {
            self.typing.values_mut().for_each(|typist| *typist = Typist::default());
        }
        self.ready_at = None;
        self.state = state;
    }

    fn ready(&mut self, now: Nanos) {
        assert_eq!(self.state, ConnectionState::Connected);
        for conversation in &self.members {
            let ended = |op: &Op| op.end.is_some();
            let joins = self.entered(*conversation, Operation::Join);
            let refused = self.joins && joins.clone().any(|op| op.end == Some(End::Failed));
            assert!(joins.clone().all(ended) && (!self.joins || joins.count() > 0));
            let syncs = self.entered(*conversation, Operation::Sync);
            assert!(syncs.clone().all(ended) && (refused || syncs.count() > 0));
        }
        self.ready_at = Some(now);
    }

    /// The client's own joins or syncs of a conversation on this connection.
    fn entered(
        &self,
        conversation: ConversationId,
        operation: Operation,
    ) -> impl Iterator<Item = &Op> + Clone {
        let own = self.ops.iter().filter(|(id, _)| !self.asked.contains(id));
        own.map(|(_, op)| op).filter(move |op| {
            op.operation == operation
                && op.conversation == Some(conversation)
                && op.epoch == self.epoch
        })
    }

    fn invoked(
        &mut self,
        now: Nanos,
        id: OpId,
        operation: Operation,
        conversation: Option<ConversationId>,
    ) {
        let op = Op {
            operation,
            conversation,
            invoked_at: now,
            epoch: self.epoch,
            attempts: Vec::new(),
            acked: false,
            row_at: 0,
            end: None,
        };
        assert!(self.ops.insert(id, op).is_none(), "numbers are given once");
    }

    fn attempt(&mut self, now: Nanos, id: OpId, number: u32) {
        assert_eq!(self.state, ConnectionState::Connected);
        self.recorded = Some(AttemptId { op: id, number });
        let asked = self.asked.contains(&id);
        let op = self.ops.get_mut(&id).expect("invoked");
        assert_eq!(op.end, None, "what has ended is not tried again");
        assert_eq!(op.attempts.len(), number as usize, "attempts are numbered in order");
        assert!(op.attempts.len() <= self.contract.retries.len(), "attempts are bounded");
        match op.attempts.last() {
            Some(last) => {
                let settled = last.settled_at.expect("one attempt is in flight at a time");
                if last.epoch == self.epoch {
                    let pause = self.contract.retries[op.attempts.len() - 1];
                    assert_eq!(now, settled + pause.as_nanos() as Nanos, "the pause is exact");
                } else {
                    assert_eq!(self.ready_at, Some(now), "the queue goes out when ready");
                }
            }
            None if asked => {
                assert!(self.ready_at.is_some(), "the queue waits for the sync");
                assert!(self.last_first_attempt < Some(id), "the queue keeps its order");
                self.last_first_attempt = Some(id);
            }
            None => {}
        }
        op.attempts.push(Attempt { at: now, epoch: self.epoch, settled_at: None });
        let (operation, conversation) = (op.operation, op.conversation);
        if let (Operation::TypingStart | Operation::TypingStop, Some(here)) =
            (operation, conversation)
        {
            self.typing(now, operation == Operation::TypingStart, here);
        }
    }

    fn typing(&mut self, now: Nanos, starts: bool, conversation: ConversationId) {
        let typist = self.typing.get_mut(&conversation).expect("a key was pressed");
        assert_ne!(typist.shown, starts, "start and stop take turns");
        typist.shown = starts;
        if starts {
            let window = typist.last_told.map(|told| told + TYPING_BATCH);
            let waited = window == Some(now) && now - typist.last_key <= TYPING_BATCH;
            let at_once = typist.last_key == now && window.is_none_or(|end| end <= now);
            assert!(waited || at_once, "it starts with the key or at the window's end");
        } else {
            // A stop before its time is that of a send, whose invocation follows.
            assert!(now <= typist.last_key + TYPING_STOP, "it stops in time");
            typist.sent_at = None;
        }
        typist.last_told = Some(now);
    }

    fn answered(&mut self, now: Nanos, id: OpId, number: usize, answer: &Answer) {
        let op = self.ops.get_mut(&id).expect("invoked");
        let is_last = number + 1 == op.attempts.len();
        let attempt = &mut op.attempts[number];
        match answer {
            Answer::TimedOut => {
                assert!(is_last && attempt.settled_at.is_none() && op.end.is_none());
                assert_eq!(now, attempt.at.max(op.row_at) + ACK_TIMEOUT, "the timeout is exact");
            }
            Answer::Ack { .. } => op.acked = true,
            Answer::Nack(_) | Answer::Lost => {}
        }
        let was_open = attempt.settled_at.replace(attempt.settled_at.unwrap_or(now)).is_none();
        let last_is_open = op.attempts.last().is_some_and(|last| last.settled_at.is_none());
        let idle = match answer {
            Answer::TimedOut => Some(number),
            // An operation that has ended abandoned its last attempt then; a stray answer is nothing.
            Answer::Lost
                if was_open && op.end.is_none() && self.state != ConnectionState::Connected =>
            {
                Some(number)
            }
            Answer::Ack { .. } if op.end.is_none() && last_is_open => Some(op.attempts.len() - 1),
            _ => None,
        };
        assert_eq!(self.idle_read, None, "a read that is over is abandoned");
        self.idle_read = idle
            .filter(|_| matches!(op.operation, Operation::Sync | Operation::History))
            .map(|number| AttemptId { op: id, number: number as u32 });
    }

    fn failed(&mut self, id: OpId, certain: bool) {
        let op = self.ops.get_mut(&id).expect("invoked");
        assert!(op.attempts.iter().all(|attempt| attempt.settled_at.is_some()));
        match op.attempts.len() {
            0 => assert!(certain && !self.contract.offline_queue, "what is queued is not dropped"),
            1 => {}
            _ => assert!(!certain, "with an undecided attempt nothing is certain"),
        }
        assert_eq!(op.end.replace(End::Failed), None, "it ends once");
    }

    /// What holds between inputs.
    pub(super) fn after_handle(&self, now: Nanos, client: &Client) {
        assert_eq!(self.recorded, None, "what is recorded as sent was sent");
        assert_eq!(self.idle_read, None, "a read that is over is abandoned");
        assert_eq!(client.state(), self.state, "the state is recorded");
        let members = &self.members;
        for rows in members.iter().map(|id| client.view(*id).expect("a member has a view").rows()) {
            assert!(
                rows.iter().is_sorted_by_key(|row| row.order) && rows.len() <= self.contract.view
            );
            let ids: BTreeSet<_> = rows.iter().map(|row| &row.id).collect();
            assert_eq!(ids.len(), rows.len(), "a view has no doubles");
        }
        let mut open = 0;
        for (id, op) in self.ops.iter().filter(|(_, op)| op.end.is_none()) {
            open += usize::from(self.asked.contains(id));
            self.open(now, op, client);
        }
        assert_eq!(client.unsettled(), open, "what was accepted ends, or is kept");
        let keeps = self.contract.offline_queue || self.state == ConnectionState::Connected;
        assert!(keeps || open == 0, "without a queue nothing waits for a connection");
        for typist in self.typing.values().filter(|typist| typist.shown) {
            assert!(now < typist.last_key + TYPING_STOP, "typing stops in time");
        }
    }

    fn open(&self, now: Nanos, op: &Op, client: &Client) {
        let Some(last) = op.attempts.last() else {
            assert!(!client.is_ready(), "when ready, nothing waits");
            return;
        };
        let same = last.epoch == self.epoch && self.state == ConnectionState::Connected;
        match last.settled_at {
            None => {
                assert!(same, "an attempt does not outlive its connection");
                assert!(now < last.at.max(op.row_at) + ACK_TIMEOUT, "it is settled in time");
            }
            Some(settled) if same => {
                let pause = self.contract.retries[op.attempts.len() - 1];
                assert!(now < settled + pause.as_nanos() as Nanos, "it is tried again in time");
            }
            Some(_) => assert!(!client.is_ready(), "when ready, nothing waits"),
        }
        if same && op.attempts[0].epoch == self.epoch && op.operation == Operation::Send {
            let attempts = (self.contract.retries.len() + 1) as Nanos;
            let pauses: Nanos = self.contract.retries.iter().map(|p| p.as_nanos() as Nanos).sum();
            assert!(now < op.attempts[0].at + attempts * ACK_TIMEOUT + pauses, "its budget holds");
        }
    }
}
