//! A simulated client: the documented client contract as one state machine without I/O.
//!
//! Inputs go in (what the user does, what the server and the connection did, the time), effects
//! come out (what to transmit, what to record). The machine speaks operations: it does not know
//! what a packet is, what a message says, or what time it is, and it never blocks. The engine
//! drives thousands of them; proptest drives them in virtual time.
//!
//! # The contract
//!
//! Figures are those of [`spec::Contract`](crate::spec::Contract); the defaults stand in parentheses.
//!
//! | what | rule |
//! |---|---|
//! | states | `connecting`, `connected`, `disconnected`, `error`; see `connection.rs` for the transitions |
//! | reconnect | pauses of `reconnect` (1, 2, 4, 8, 16, 30, 30, … s), counted from the loss or the failure; they start over once a connection was open |
//! | after each connect | per conversation a join (if joins are explicit), then a sync from the cursor; four conversations at a time; when all are in: `Ready` |
//! | join or sync refused | the conversation is left out until the next connect; the others go on |
//! | join or sync not answered | retried like a send; after the last attempt the client closes the connection and reconnects, for without a sync it must not go on |
//! | a new conversation | is entered the same way at once; another `Ready` follows |
//! | attempts | settled by the answer, or by the ack timeout (5 s) after they left; a read's timeout starts over with each row |
//! | no answer, or lost | the next attempt after the pause of `retries` (1, 2, 4 s), with the same key; `1 + retries` attempts in all, then failed, not certain |
//! | a definite no | ends the operation as failed at once; certain only if no earlier attempt is undecided |
//! | a late answer | is recorded, and settles the operation if it is open (a late no only if no other attempt is in flight) |
//! | a second answer | is recorded |
//! | the connection is lost | attempts in flight are `Lost`; what may be repeated waits, and goes out again after the next `Ready`, without a further pause; the loss counts as an attempt |
//! | not ready | what the user asks for waits, in order, and goes out in order at `Ready`; with more than [`UNSETTLED_MAX`] unsettled operations the next is refused, certain |
//! | no offline queue | while not connected, operations are refused, certain; at a loss, those that wait or are in flight fail |
//! | typing | a start at the first keystroke, a stop `typing_stop` (2 s) after the last, and at once on send; a start within `typing_batch` (100 ms) of a stop is held until the window ends; only in conversations that the client has entered since the last connect |
//! | view | per conversation the newest `view` (100) messages, merged by id, sorted by the server's order |
//! | cursor | see [`SyncFrom`](crate::spec::SyncFrom); it never moves past messages that a sync under way may bring |
//! | not repeatable | `create`, `announce`, `health` and odd requests have one attempt |
//! | not answered | an operation without an answer on this server is `Ok` as soon as it left; one that only a refusal answers, when none came within half a second |
//! | without a connection | what needs none goes out at once, and is not lost with one |
//!
//! At most one attempt of an operation is in flight. Two operations with the same message are two
//! operations: that is how a scenario sends twice at once with one key.
//!
//! Start with [`Client::handle`].

mod connection;
mod conversation;
mod effect;
mod input;
mod request;
mod rules;
#[cfg(test)]
mod simulation;
mod typing;
mod view;

pub use effect::{Ask, AttemptId, Audience, Effects, Output, Payload, Since, Transmit};
pub use input::{Action, Input, Reply};
pub use request::UNSETTLED_MAX;
pub use rules::Rules;
pub use view::{Row, View};

use crate::history::{Carrier, ConversationId, Event, Nanos, OpId, Seen};
use crate::operation::{ConnectionState, Operation};
use compact_str::format_compact;
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
        if let Input::Left { prepared, at } = input {
            // Before its timers are looked at, for they begin then.
            self.requests.left(prepared, at);
        }
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

    /// What an operation asks for, as long as it has not ended.
    #[must_use]
    pub fn asked(&self, op: OpId) -> Option<Operation> {
        self.requests.asked(op)
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
            Input::Withhold(true) => self.withheld_until = Nanos::MAX,
            Input::Withhold(false) if self.withheld_until == Nanos::MAX => {
                self.withheld_until = moment.now;
            }
            Input::Withhold(false) => {}
            Input::Away { until } => self.connection.stay_away(until),
            Input::Left { .. } | Input::Tick => {}
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
        } else if !moment.rules.offline_queue && !self.connection.is_open() && !ask.manner.apart {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Answer, MessageRef, Token};
    use crate::spec::{Contract, Join};

    const SECOND: Nanos = 1_000_000_000;
    const HERE: ConversationId = ConversationId(0);
    /// The user's operation; the client's own are numbered from 0.
    const MINE: OpId = OpId(100);

    /// Plays inputs at their seconds, timers in between, and says in words what the client did
    /// in the last part, with the seconds at which it did it.
    fn told(parts: &[&[(u64, Input)]]) -> Vec<String> {
        let rules = Rules::new(
            &Contract::default(),
            Join::Explicit,
            |_| true,
            |operation| operation != Operation::Join,
        );
        let (mut client, mut effects) = (Client::new(Arc::new(rules)), Effects::new());
        let mut words = Vec::new();
        for part in parts {
            words.clear();
            for (second, input) in *part {
                let at = second * SECOND;
                while let Some(due) = client.deadline().filter(|due| *due < at) {
                    client.handle(due, Input::Tick, &mut effects);
                    words.extend(effects.drain().filter_map(|output| word(due, &output)));
                }
                client.handle(at, input.clone(), &mut effects);
                words.extend(effects.drain().filter_map(|output| word(at, &output)));
            }
        }
        words
    }

    fn word(now: Nanos, output: &Output) -> Option<String> {
        let what = match output {
            Output::Open => "open".into(),
            Output::Close => "close".into(),
            Output::Transmit(Transmit { attempt, ask }) => {
                format!("{} {}/{}", ask.operation, attempt.op.0, attempt.number)
            }
            Output::Abandon(attempt) => format!("abandon {}/{}", attempt.op.0, attempt.number),
            Output::Record(Event::Answered { op, attempt, answer, excused }) => {
                let answer = match answer {
                    Answer::Ack { .. } => "yes",
                    Answer::Nack(_) => "no",
                    Answer::TimedOut => "late",
                    Answer::Lost => "lost",
                };
                let excused = if *excused { ", excused" } else { "" };
                format!("{}/{attempt} {answer}{excused}", op.0)
            }
            Output::Record(Event::Ok { op, rows }) => format!("{} ok, {rows} rows", op.0),
            Output::Record(Event::Failed { op, error, certain: true }) => {
                format!("{} certainly failed: {error}", op.0)
            }
            Output::Record(Event::Failed { op, error, .. }) => format!("{} failed: {error}", op.0),
            Output::Record(Event::Connection { state, why, .. }) => format!("{state}: {why}"),
            Output::Record(Event::Ready) => "ready".into(),
            Output::Record(_) => return None,
        };
        Some(format!("{} {what}", now / SECOND))
    }

    fn send(op: OpId) -> Input {
        let message = MessageRef { token: Token::new(0, 1), key: "key".into() };
        Input::Act(Action::Ask { op, ask: Ask::send(HERE, message), planned: 0 })
    }

    fn answer(op: OpId, number: u32, reply: Reply) -> Input {
        Input::Answered { attempt: AttemptId { op, number }, reply }
    }

    fn yes() -> Reply {
        Reply::Yes { id: None, order: None, rows: 0, cursor: None }
    }

    fn no() -> Reply {
        Reply::No("no".into())
    }

    fn closed() -> Input {
        Input::Closed { why: "cut".into(), caused: false }
    }

    /// Online and in one conversation at second 0; the join was operation 0, the sync 1.
    fn online() -> Vec<(u64, Input)> {
        let enter = Input::Act(Action::Enter(HERE));
        vec![(0, Input::Start), (0, enter), (0, Input::Opened), (0, answer(OpId(1), 0, yes()))]
    }

    #[test]
    fn on_connect_it_joins_then_syncs_then_sends_what_waited() {
        let mut steps = online();
        steps.insert(1, (0, send(MINE)));
        let expected = [
            "0 connecting: start",
            "0 open",
            "0 connected: open",
            "0 join 0/0",
            "0 0 ok, 0 rows",
            "0 sync 1/0",
            "0 1/0 yes",
            "0 1 ok, 0 rows",
            "0 ready",
            "0 send 100/0",
        ];
        assert_eq!(told(&[&steps]), expected);
    }

    #[test]
    fn a_send_that_nobody_answers_is_tried_four_times() {
        let expected = [
            "1 send 100/0",
            "6 100/0 late",
            "7 send 100/1",
            "12 100/1 late",
            "14 send 100/2",
            "19 100/2 late",
            "23 send 100/3",
            "28 100/3 late",
            "28 100 failed: no answer, attempt 4 was the last",
        ];
        assert_eq!(told(&[&online(), &[(1, send(MINE)), (60, Input::Tick)]]), expected);
    }

    #[test]
    fn what_is_released_late_is_waited_for_from_its_release_on() {
        const TIMEOUT: Nanos = 5 * SECOND;
        // So late that the timer would have been over before, too.
        for late in [30_000_000, TIMEOUT, 2 * TIMEOUT] {
            let rules = Rules::new(&Contract::default(), Join::ByServer, |_| true, |_| true);
            let (mut client, mut effects) = (Client::new(Arc::new(rules)), Effects::new());
            for input in [Input::Start, Input::Opened, send(MINE)] {
                client.handle(SECOND, input, &mut effects);
            }
            effects.drain().for_each(drop);
            let at = SECOND + late;
            client.handle(at, Input::Left { prepared: SECOND, at }, &mut effects);
            client.handle(at + TIMEOUT - 1, Input::Tick, &mut effects);
            assert_eq!(effects.drain().filter_map(|it| word(0, &it)).collect::<Vec<_>>(), [""; 0]);
            assert_eq!(client.deadline(), Some(at + TIMEOUT));
            client.handle(at + TIMEOUT, Input::Tick, &mut effects);
            let told: Vec<String> = effects.drain().filter_map(|it| word(0, &it)).collect();
            assert_eq!(told, ["0 100/0 late"]);
        }
    }

    #[test]
    fn an_earlier_attempt_is_not_waited_for_longer() {
        let steps = [
            (1, send(MINE)),
            (2, Input::Left { prepared: 2 * SECOND, at: 4 * SECOND }),
            (7, Input::Tick),
        ];
        let expected = ["1 send 100/0", "6 100/0 late", "7 send 100/1"];
        assert_eq!(told(&[&online(), &steps]), expected);
    }

    #[test]
    fn a_late_yes_settles_and_a_second_answer_is_recorded() {
        let steps = [
            (1, send(MINE)),
            (8, answer(MINE, 0, yes())),
            (9, answer(MINE, 1, yes())),
            (60, Input::Tick),
        ];
        let expected = [
            "1 send 100/0",
            "6 100/0 late",
            "7 send 100/1",
            "8 100/0 yes",
            "8 100 ok, 0 rows",
            "9 100/1 yes",
        ];
        assert_eq!(told(&[&online(), &steps]), expected);
    }

    #[test]
    fn a_no_is_certain_only_of_the_one_attempt() {
        let first = [(1, send(MINE)), (2, answer(MINE, 0, no()))];
        let expected = ["1 send 100/0", "2 100/0 no", "2 100 certainly failed: no"];
        assert_eq!(told(&[&online(), &first]), expected);
        let second = [(1, send(MINE)), (8, answer(MINE, 0, no())), (9, answer(MINE, 1, no()))];
        let expected = ["8 100/0 no", "9 100/1 no", "9 100 failed: no"];
        assert_eq!(told(&[&online(), &second])[3..], expected);
    }

    #[test]
    fn an_answer_to_an_attempt_that_was_never_made_is_ignored() {
        let steps = [(1, send(MINE)), (2, answer(MINE, 1, yes()))];
        assert_eq!(told(&[&online(), &steps]), ["1 send 100/0"]);
    }

    #[test]
    fn what_was_lost_goes_out_again_after_the_sync() {
        let steps =
            [(1, send(MINE)), (2, closed()), (4, Input::Opened), (4, answer(OpId(3), 0, yes()))];
        let expected = [
            "2 disconnected: cut",
            "2 100/0 lost",
            "3 connecting: attempt 1 to reconnect",
            "3 open",
            "4 connected: open",
            "4 join 2/0",
            "4 2 ok, 0 rows",
            "4 sync 3/0",
            "4 3/0 yes",
            "4 3 ok, 0 rows",
            "4 ready",
            "4 send 100/1",
        ];
        assert_eq!(told(&[&online(), &steps])[1..], expected);
    }

    #[test]
    fn a_sync_that_is_never_answered_ends_in_a_reconnect() {
        let mut steps = online();
        steps.pop();
        let expected = [
            "27 1/3 late",
            "27 abandon 1/3",
            "27 1 failed: no answer, attempt 4 was the last",
            "27 close",
            "27 disconnected: `sync` was not answered",
            "28 connecting: attempt 1 to reconnect",
            "28 open",
        ];
        assert_eq!(told(&[&steps, &[(29, Input::Tick)]])[9..], expected);
    }

    #[test]
    fn the_timeout_of_a_read_starts_over_with_each_row() {
        let ask = Input::Act(Action::Ask { op: MINE, ask: Ask::history(HERE), planned: 0 });
        let row = Input::Saw(Seen {
            by: Carrier::History(MINE),
            conversation: Some(HERE),
            token: None,
            key: None,
            id: Some("1".into()),
            order: Some(1),
            sender: None,
            text: crate::history::Damage::Intact,
        });
        let steps = [(1, ask), (5, row), (11, Input::Tick)];
        let expected = ["1 history 100/0", "10 100/0 late", "10 abandon 100/0", "11 history 100/1"];
        assert_eq!(told(&[&online(), &steps]), expected);
    }

    #[test]
    fn answers_that_a_fault_kept_back_are_excused() {
        let steps = [
            (1, Input::Withhold(true)),
            (1, send(MINE)),
            (6, Input::Tick),
            (6, Input::Withhold(false)),
            (12, Input::Tick),
            (13, answer(MINE, 0, yes())),
        ];
        let expected = ["1 send 100/0", "6 100/0 late, excused", "7 send 100/1", "12 100/1 late"];
        let told = told(&[&online(), &steps]);
        assert_eq!(told[..4], expected);
        assert_eq!(told[4], "13 100/0 yes, excused");
    }

    #[test]
    fn a_full_queue_is_said() {
        let sends: Vec<_> = (0..=UNSETTLED_MAX as u32).map(|op| (0, send(OpId(op)))).collect();
        let expected = ["0 1000 certainly failed: the queue is full (1000 operations)"];
        assert_eq!(told(&[&sends]), expected);
    }

    #[test]
    fn an_own_message_stands_in_the_view() {
        let rules = Rules::new(&Contract::default(), Join::ByServer, |_| true, |_| true);
        let (mut client, mut effects) = (Client::new(Arc::new(rules)), Effects::new());
        let stored = Reply::Yes { id: Some("17".into()), order: Some(3), rows: 0, cursor: None };
        let steps = online().into_iter().chain([(1, send(MINE)), (1, answer(MINE, 0, stored))]);
        for (second, input) in steps {
            let input = match input {
                Input::Answered { reply, attempt } if attempt.op != MINE => {
                    answer(OpId(0), 0, reply)
                }
                other => other,
            };
            client.handle(second * SECOND, input, &mut effects);
        }
        let view = client.view(HERE).unwrap();
        assert_eq!(*view.rows(), [Row { order: 3, id: "17".into() }]);
    }

    #[test]
    fn ten_thousand_idle_clients_are_small() {
        assert!(size_of::<Client>() <= 160, "{} bytes", size_of::<Client>());
    }
}
