//! A simulated client: the documented client contract as one state machine without I/O.
//!
//! Inputs go in (what the user does, what the server and the connection did, the time), effects
//! come out (what to transmit, what to record). The machine speaks operations: it does not know
//! what a packet is, what a message says, or what time it is, and it never blocks. The engine
//! drives thousands of them; proptest drives them in virtual time.
//!
//! # The contract
//!
//! Figures are those of [`spec::Contract`](crate::spec::Contract); the defaults stand in brackets.
//!
//! | what | rule |
//! |---|---|
//! | states | `connecting`, `connected`, `disconnected`, `error`; see `connection.rs` for the transitions |
//! | reconnect | pauses of `reconnect` [1, 2, 4, 8, 16, 30, 30, … s], counted from the loss or the failure; they start over once a connection was open |
//! | after each connect | per conversation a join (if joins are explicit), then a sync from the cursor; four conversations at a time; when all are in: `Ready` |
//! | join or sync refused | the conversation is left out until the next connect; the others go on |
//! | join or sync not answered | retried like a send; after the last attempt the client closes the connection and reconnects, for without a sync it must not go on |
//! | a new conversation | is entered the same way at once; another `Ready` follows |
//! | attempts | settled by the answer, or by the ack timeout [5 s] after they left; a read's timeout starts over with each row |
//! | no answer, or lost | the next attempt after the pause of `retries` [1, 2, 4 s], with the same key; `1 + retries` attempts in all, then failed, not certain |
//! | a definite no | ends the operation as failed at once; certain only if no earlier attempt is undecided |
//! | a late answer | is recorded, and settles the operation if it is open (a late no only if no other attempt is in flight) |
//! | a second answer | is recorded |
//! | the connection is lost | attempts in flight are `Lost`; what may be repeated waits, and goes out again after the next `Ready`, without a further pause; the loss counts as an attempt |
//! | not ready | what the user asks for waits, in order, and goes out in order at `Ready`; with more than [`UNSETTLED_MAX`] unsettled operations the next is refused, certain |
//! | no offline queue | while not connected, operations are refused, certain; at a loss, those that wait or are in flight fail |
//! | typing | a start at the first keystroke, a stop `typing_stop` [2 s] after the last, and at once on send; a start within `typing_batch` [100 ms] of a stop is held until the window ends; only in conversations that the client has entered since the last connect |
//! | view | per conversation the newest `view` [100] messages, merged by id, sorted by the server's order |
//! | cursor | see [`SyncFrom`](crate::spec::SyncFrom); it never moves past messages that a sync under way may bring |
//! | not repeatable | `create` and `announce` have one attempt |
//! | not answered | an operation without an answer on this server is `Ok` as soon as it left |
//!
//! At most one attempt of an operation is in flight. Two operations with the same message are two
//! operations: that is how a scenario sends twice at once with one key.
//!
//! Start with [`Client::handle`].

mod connection;
mod conversation;
mod effect;
mod request;
mod rules;
#[cfg(test)]
mod simulation;
mod typing;
mod view;

pub use effect::{Ask, AttemptId, Effects, Output, Payload, Since, Transmit};
pub use request::UNSETTLED_MAX;
pub use rules::Rules;
pub use view::{Row, View};

use crate::history::{Answer, Carrier, ConversationId, Event, Nanos, OpId, Order, Seen};
use crate::operation::{ConnectionState, Operation};
use compact_str::{CompactString, format_compact};
use connection::Connection;
use conversation::Conversations;
use request::{End, Requests};
use std::sync::Arc;
use typing::Typing;

/// One simulated client: one device of one person.
#[derive(Debug)]
pub struct Client {
    rules: Arc<Rules>,
    connection: Connection,
    conversations: Conversations,
    requests: Requests,
    typing: Typing,
    /// All conversations are entered, so what is asked goes out at once.
    ready: bool,
    /// The end of the last fault that kept answers back; the far future while there is one.
    withheld_until: Nanos,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The user goes online.
    Start,
    /// The user goes offline. What has not ended waits for the next start.
    Stop,
    /// The user does something.
    Act(Action),
    /// The connection is open and the server accepted the client.
    Opened,
    /// The connection could not be opened, or is lost. Ignored while there is none.
    Closed {
        /// Why, in a few words.
        why: CompactString,
        /// The harness itself caused it.
        caused: bool,
    },
    /// An attempt was answered.
    Answered {
        /// Which: one that the client transmitted.
        attempt: AttemptId,
        /// How.
        reply: Reply,
    },
    /// A message came: pushed, or as a row of a sync or history (rows come before their answer).
    Saw(Seen),
    /// A fault that keeps answers from the client begins or ends.
    Withhold(bool),
    /// A fault keeps the client from connecting before this time.
    Away {
        /// The end of the fault.
        until: Nanos,
    },
    /// Time has passed; see [`Client::deadline`].
    Tick,
}

/// What a user does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Asks for an operation.
    Ask {
        /// Its number, from [`Effects::next_op`].
        op: OpId,
        /// What.
        ask: Ask,
        /// When the plan wanted it.
        planned: Nanos,
    },
    /// Presses a key.
    Keystroke {
        /// Where.
        conversation: ConversationId,
        /// When the plan wanted it.
        planned: Nanos,
    },
    /// Takes part in a conversation from now on, and again after each connect. A `leave` ends it.
    Enter(ConversationId),
}

/// How an attempt was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The server said yes.
    Yes {
        /// The server's id of the message or conversation, if the answer names it.
        id: Option<CompactString>,
        /// The message's place in the order, if the answer says it.
        order: Option<Order>,
        /// How many rows a read brought, all pages together.
        rows: u32,
        /// The opaque cursor with which the next sync begins.
        cursor: Option<CompactString>,
    },
    /// The server said no, and what it said.
    No(CompactString),
    /// There will be no answer, though the connection stands (a request of its own was cut off, or
    /// what came instead is neither yes nor no).
    Lost,
}

/// The time, the rules, and where effects go: what every part of the machine works with.
struct Moment<'a> {
    now: Nanos,
    rules: &'a Rules,
    withheld_until: Nanos,
    effects: &'a mut Effects,
}

impl Client {
    /// A client that is offline and in no conversation.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            connection: Connection::new(),
            conversations: Conversations::default(),
            requests: Requests::default(),
            typing: Typing::default(),
            ready: false,
            withheld_until: 0,
        }
    }

    /// Takes an input at the time `now`, which never goes back. Timers that are due go first.
    pub fn handle(&mut self, now: Nanos, input: Input, effects: &mut Effects) {
        let rules = Arc::clone(&self.rules);
        let withheld_until = self.withheld_until;
        let moment = &mut Moment { now, rules: &rules, withheld_until, effects };
        self.tick(moment);
        self.take(input, moment);
        self.go_on(moment);
        self.requests.forget_ended();
    }

    /// When a [`Input::Tick`] is due, if no other input comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Nanos> {
        let due = [self.connection.deadline(), self.requests.deadline(), self.typing.deadline()];
        due.into_iter().flatten().min()
    }

    /// The state of the connection.
    #[must_use]
    pub const fn state(&self) -> ConnectionState {
        self.connection.state()
    }

    /// The client is connected and in all its conversations: what is asked goes out at once.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.ready
    }

    /// How many operations of the user have not ended.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.requests.unsettled()
    }

    /// What the person sees of a conversation, if the client takes part in it.
    #[must_use]
    pub fn view(&self, conversation: ConversationId) -> Option<&View> {
        self.conversations.view(conversation)
    }

    fn tick(&mut self, moment: &mut Moment) {
        self.typing.tick(moment);
        self.requests.tick(moment);
        self.connection.tick(moment);
    }

    fn take(&mut self, input: Input, moment: &mut Moment) {
        match input {
            Input::Start => self.connection.start(moment),
            Input::Stop => {
                if self.connection.stop(moment) {
                    self.lose(true, moment);
                }
            }
            Input::Act(action) => self.act(action, moment),
            Input::Opened => {
                self.connection.opened(moment);
            }
            Input::Closed { why, caused } => {
                if self.connection.closed(why, caused, moment) {
                    self.lose(caused, moment);
                }
            }
            Input::Answered { attempt, reply } => self.answered(attempt, &reply, moment),
            Input::Saw(seen) => self.saw(seen, moment),
            Input::Withhold(begins) => {
                self.withheld_until = if begins { Nanos::MAX } else { moment.now };
            }
            Input::Away { until } => self.connection.stay_away(until),
            Input::Tick => {}
        }
    }

    fn act(&mut self, action: Action, moment: &mut Moment) {
        match action {
            Action::Ask { op, ask, planned } => self.ask(op, ask, planned, moment),
            Action::Keystroke { conversation, planned } => {
                if self.conversations.is_inside(conversation) {
                    self.typing.keystroke(conversation, planned, moment);
                }
            }
            Action::Enter(conversation) => {
                if self.conversations.add(conversation) {
                    self.ready = false;
                }
            }
        }
    }

    fn ask(&mut self, op: OpId, ask: Ask, planned: Nanos, moment: &mut Moment) {
        match (ask.operation, ask.conversation) {
            (Operation::Send, Some(conversation)) => self.typing.sent(conversation, moment),
            (Operation::Leave, Some(conversation)) => self.conversations.remove(conversation),
            _ => {}
        }
        if !moment.rules.can(ask.operation) {
            let error = format_compact!("the server has no `{}`", ask.operation);
            Requests::refuse(op, &ask, planned, error, moment);
        } else if !moment.rules.offline_queue && !self.connection.is_open() {
            Requests::refuse(op, &ask, planned, "not connected".into(), moment);
        } else {
            self.requests.add(op, ask, planned, moment);
        }
    }

    fn answered(&mut self, attempt: AttemptId, reply: &Reply, moment: &mut Moment) {
        if let Some(&Ask { operation: Operation::Send, conversation: Some(conversation), .. }) =
            self.requests.answered(attempt, reply, moment)
            && let Reply::Yes { id: Some(id), order, .. } = reply
        {
            self.conversations.stored(conversation, id, *order, moment);
        }
    }

    fn saw(&mut self, seen: Seen, moment: &mut Moment) {
        if let Carrier::Sync(op) | Carrier::History(op) = seen.by {
            self.requests.row(op, moment);
        }
        self.conversations.saw(&seen, moment);
        moment.effects.record(Event::Message(seen));
    }

    /// Does what the rules ask for next: enters conversations, and then sends what waits.
    fn go_on(&mut self, moment: &mut Moment) {
        loop {
            while let Some((ask, end)) = self.requests.take_ended() {
                self.ended(&ask, end, moment);
            }
            if !self.connection.is_open() {
                return;
            }
            match self.conversations.next_step(moment) {
                Some(ask) => self.requests.demand(ask, moment),
                None => break,
            }
        }
        if self.conversations.all_entered() {
            if !self.ready {
                self.ready = true;
                moment.effects.record(Event::Ready);
            }
            self.requests.release(moment);
        }
    }

    fn ended(&mut self, ask: &Ask, end: End, moment: &mut Moment) {
        if end == End::GivenUp {
            let why = format_compact!("`{}` was not answered", ask.operation);
            self.connection.drop_it(why, moment);
            self.lose(false, moment);
        } else if let Some(ask) = self.conversations.ended(ask, end, moment) {
            self.requests.demand(ask, moment);
        }
    }

    /// The connection is gone.
    fn lose(&mut self, caused: bool, moment: &mut Moment) {
        self.ready = false;
        self.typing.forget();
        self.conversations.leave_all();
        self.requests.lost(caused, moment);
    }
}

impl Reply {
    fn answer(&self) -> Answer {
        match self {
            Self::Yes { id, order, .. } => Answer::Ack { id: id.clone(), order: *order },
            Self::No(error) => Answer::Nack(error.clone()),
            Self::Lost => Answer::Lost,
        }
    }
}
