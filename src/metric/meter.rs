//! Latencies and counts as one more observer of the history: what a judge sees, a meter measures.
//!
//! So a stored history yields the same figures again. Memory is bounded: a send is remembered until
//! its last delivery can be expected, and never more than [`REMEMBERED`] of them.

use crate::fault::Effect;
use crate::history::{
    Answer, Carrier, ClientId, ConversationId, Entry, Event, Nanos, OpId, STOPPED, Token,
};
use crate::metric::fan_out::{Arrival, FanOut, Flight};
use crate::metric::{Counter, Counters, Recorder, Series, Slices, Spans, Timing, Window};
use crate::operation::{ConnectionState, Operation, Sight};
use crate::spec::Echo;
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Sends whose deliveries are still measured, at most; the oldest is forgotten.
pub const REMEMBERED: usize = 1 << 16;
/// A typing event later than this after the keystroke belongs to another spell.
const SPELL: Nanos = 5_000_000_000;

/// Measures one shard's history.
#[derive(Debug)]
pub struct Meter {
    /// The latencies.
    pub recorder: Recorder,
    /// The counts.
    pub counters: Counters,
    /// The counts by slice.
    pub(super) slices: Slices,
    /// Phases and faults.
    pub(super) spans: Spans,
    /// The part of the run that is measured, if not all of it is. Connecting is measured always: it is
    /// over before anything is steady.
    pub window: Option<Window>,
    operations: FxHashMap<OpId, Pending>,
    sends: FxHashMap<Token, Send>,
    oldest: VecDeque<Token>,
    connections: FxHashMap<ClientId, Connection>,
    users: FxHashMap<ClientId, CompactString>,
    /// On which node each client is, where there are several.
    nodes: FxHashMap<ClientId, u32>,
    typing: FxHashMap<CompactString, (Nanos, Nanos)>,
    /// Who is to get each message.
    fan_out: FanOut,
    /// Nothing is measured.
    asleep: bool,
}

#[derive(Debug)]
struct Pending {
    operation: Operation,
    planned: Nanos,
    started: Option<Nanos>,
    answered: bool,
    /// The message that fans out as this first leaves, and where.
    message: Option<(Token, ConversationId)>,
}

#[derive(Debug)]
struct Send {
    by: ClientId,
    /// The sender's node, where there are several.
    node: Option<u32>,
    planned: Nanos,
    started: Nanos,
    /// Who still waits for it; none if nobody does.
    flight: Option<Box<Flight>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Connection {
    /// Since when it is wanted: the first attempt, or the loss.
    wanted: Option<Nanos>,
    /// The last attempt's start.
    attempt: Nanos,
    /// It was ready once.
    ready_before: bool,
}

impl Meter {
    /// A meter whose interval log has a line per `interval`.
    #[must_use]
    pub fn new(interval: Nanos) -> Self {
        Self {
            recorder: Recorder::new(interval),
            counters: Counters::default(),
            slices: Slices::new(interval),
            spans: Spans::default(),
            window: None,
            operations: FxHashMap::default(),
            sends: FxHashMap::default(),
            oldest: VecDeque::new(),
            connections: FxHashMap::default(),
            users: FxHashMap::default(),
            nodes: FxHashMap::default(),
            typing: FxHashMap::default(),
            fan_out: FanOut::new(Echo::Others),
            asleep: false,
        }
    }

    /// Whom the server pushes a message to; all but the sending client, if it is not said. It is to be
    /// said before anything happens.
    pub fn pushed_to(&mut self, echo: Echo) {
        self.fan_out = FanOut::new(echo);
    }

    /// The run is over: what did not reach somebody will not.
    pub fn conclude(&mut self) {
        let open = std::mem::take(&mut self.operations);
        for (token, _) in open.into_values().filter_map(|pending| pending.message) {
            self.withdraw(token);
        }
        for send in std::mem::take(&mut self.sends).into_values() {
            self.land(send);
        }
    }

    /// A meter that measures nothing of the history, for short plays that are judged and no more.
    #[must_use]
    pub fn asleep() -> Self {
        Self { asleep: true, ..Self::new(1_000_000_000) }
    }

    /// Takes one entry into account. Entries come in the order of time.
    pub fn observe(&mut self, entry: &Entry) {
        if self.asleep {
            return;
        }
        let Entry { at, client, event } = entry;
        self.slices.look(*at, &self.counters);
        match event {
            Event::Person { person, user } => {
                self.fan_out.person(*client, *person);
                self.users.insert(*client, user.clone());
            }
            Event::Invoke { op, operation, conversation, message, planned, .. } => {
                let mut fans = None;
                if let (Operation::Send, Some(message)) = (operation, message) {
                    self.counters.add(Counter::MessagesSent, 1);
                    self.count(*at, |window| &mut window.sent);
                    let is_new = self.remember(message.token, *client, *planned, *at);
                    fans = conversation.filter(|_| is_new).map(|place| (message.token, place));
                }
                self.invoke(*op, *operation, *planned, fans);
            }
            Event::Attempt { op, attempt } => self.attempt(*op, *attempt, *client, *at),
            Event::Answered { op, answer, .. } => self.answered(*op, answer, *at),
            Event::Ok { op, .. } => self.ok(*op, *at),
            Event::Failed { op, certain, .. } => self.failed(*op, *certain),
            Event::Message(seen) => match seen.by {
                Carrier::Live => self.delivered(seen.token, *client, *at),
                Carrier::Sync(_) => self.recovered(seen.token, *client, *at),
                Carrier::History(_) => {}
            },
            Event::Member { conversation, .. } | Event::Addressed { conversation, .. } => {
                self.fan_out.member(*client, *conversation);
            }
            Event::Saw { sight: Sight::TypingStart, user: Some(user), .. } => {
                self.saw_typing(user, *client, *at);
            }
            Event::Connection { state, why, .. } => {
                self.connection(*client, *state, why == STOPPED, *at);
            }
            Event::Ready => self.ready(*client, *at),
            Event::Fault { what, begins } => self.fault(*client, what, *begins, *at),
            Event::Garbage { .. } => self.counters.add(Counter::Garbage, 1),
            Event::Node { node } => {
                self.nodes.insert(*client, *node);
            }
            Event::Due { .. }
            | Event::Session { .. }
            | Event::Credential { .. }
            | Event::Refused { .. }
            | Event::Keystroke { .. }
            | Event::Lag { .. }
            | Event::Saw { .. }
            | Event::Listed { .. }
            | Event::Page { .. }
            | Event::Found { .. }
            | Event::Counted { .. } => {}
            Event::Phase { name } => {
                self.spans.phase(name, *at);
                if let Some(window) = &mut self.window {
                    window.turn(name, *at);
                }
            }
        }
    }

    /// Records how late a timer of the generator fired.
    pub fn lag(&mut self, due: Nanos, fired: Nanos) {
        if self.measures(Series::Lag, due) {
            self.recorder.lag(due, fired);
        }
    }

    /// What was planned for this time is measured.
    fn measures(&self, series: Series, planned: Nanos) -> bool {
        series == Series::Connect || self.window.as_ref().is_none_or(|window| window.has(planned))
    }

    fn record(&mut self, series: Series, timing: Timing) {
        if self.measures(series, timing.planned) {
            self.recorder.record(series, timing);
        }
    }

    fn fail(&mut self, series: Series, planned: Nanos) {
        if self.measures(series, planned) {
            self.recorder.fail(series, planned);
        }
    }

    /// Counts what happens in the measured part.
    fn count(&mut self, at: Nanos, sum: impl Fn(&mut Window) -> &mut u64) {
        if let Some(window) = self.window.as_mut().filter(|window| window.has(at)) {
            *sum(window) += 1;
        }
    }

    fn invoke(
        &mut self,
        op: OpId,
        operation: Operation,
        planned: Nanos,
        message: Option<(Token, ConversationId)>,
    ) {
        let pending = Pending { operation, planned, started: None, answered: false, message };
        self.operations.insert(op, pending);
    }

    /// Remembers a message; `false` if it is known.
    fn remember(&mut self, token: Token, by: ClientId, planned: Nanos, started: Nanos) -> bool {
        // The same text sent again is measured from its first send.
        if self.sends.contains_key(&token) {
            return false;
        }
        if self.oldest.len() == REMEMBERED
            && let Some(oldest) = self.oldest.pop_front()
            && let Some(send) = self.sends.remove(&oldest)
        {
            self.land(send);
        }
        self.oldest.push_back(token);
        let node = self.nodes.get(&by).copied();
        self.sends.insert(token, Send { by, node, planned, started, flight: None });
        true
    }

    /// A message first leaves: who is there now is to get it.
    fn take_off(&mut self, client: ClientId, token: Token, place: ConversationId) {
        if let Some(send) = self.sends.get_mut(&token) {
            send.flight = self.fan_out.send(client, place).map(Box::new);
        }
    }

    /// A send came to nothing: unless somebody got it, nobody is to get it.
    fn withdraw(&mut self, token: Token) {
        if let Some(send) = self.sends.get_mut(&token) {
            send.flight.take_if(|flight| flight.is_unseen());
        }
    }

    /// Whom a message reached, now that all have it, or nobody is waited for any more.
    fn land(&mut self, send: Send) {
        let Send { planned, started, flight: Some(flight), .. } = send else { return };
        if !self.measures(Series::FanOutLast, planned) {
            return;
        }
        let Flight { reach, first, last, .. } = *flight;
        self.counters.add(Counter::ReceiversExpected, reach.expected);
        self.counters.add(Counter::ReceiversReached, reach.live);
        self.counters.add(Counter::ReceiversSynced, reach.synced);
        self.recorder.reach(planned, &reach);
        if reach.live == 0 {
            self.recorder.fail(Series::FanOutFirst, planned);
        }
        if reach.live < reach.expected {
            return self.recorder.fail(Series::FanOutLast, planned);
        }
        self.recorder.record(Series::FanOutLast, Timing { planned, started, ended: last });
        if reach.expected > 1 {
            let skew = Timing { planned: first, started: first, ended: last };
            self.recorder.record(Series::FanOutSkew, skew);
        }
    }

    fn attempt(&mut self, op: OpId, attempt: u32, client: ClientId, at: Nanos) {
        let Some(pending) = self.operations.get_mut(&op) else { return };
        let leaves = pending.started.is_none();
        pending.started.get_or_insert(at);
        match pending.operation {
            Operation::Send => {
                if attempt > 0 {
                    self.counters.add(Counter::Retries, 1);
                }
                if let Some((token, place)) = pending.message.filter(|_| leaves) {
                    self.take_off(client, token, place);
                }
            }
            Operation::Read => self.counters.add(Counter::Reads, 1),
            Operation::TypingStart | Operation::TypingStop => {
                self.counters.add(Counter::TypingEvents, 1);
                let planned = pending.planned;
                if pending.operation == Operation::TypingStart
                    && let Some(user) = self.users.get(&client)
                {
                    self.typing.insert(user.clone(), (planned, at));
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, op: OpId, answer: &Answer, at: Nanos) {
        if *answer == Answer::TimedOut {
            self.counters.add(Counter::AckTimeouts, 1);
        }
        let Some(pending) = self.operations.get_mut(&op) else { return };
        if matches!(answer, Answer::Ack { .. })
            && pending.operation == Operation::Send
            && !std::mem::replace(&mut pending.answered, true)
        {
            let (planned, started) = (pending.planned, pending.started.unwrap_or(pending.planned));
            self.record(Series::Ack, Timing { planned, started, ended: at });
            self.count(at, |window| &mut window.acked);
        }
    }

    fn ok(&mut self, op: OpId, at: Nanos) {
        let Some(pending) = self.operations.remove(&op) else { return };
        match pending.operation {
            Operation::Send => self.counters.add(Counter::MessagesAcked, 1),
            Operation::History => self.counters.add(Counter::HistoryReads, 1),
            Operation::Sync => {
                self.counters.add(Counter::Syncs, 1);
                let started = pending.started.unwrap_or(pending.planned);
                let timing = Timing { planned: pending.planned, started, ended: at };
                self.record(Series::Sync, timing);
            }
            _ => {}
        }
    }

    fn failed(&mut self, op: OpId, certain: bool) {
        let Some(pending) = self.operations.remove(&op) else { return };
        match pending.operation {
            Operation::Send => {
                let counter =
                    if certain { Counter::MessagesRefused } else { Counter::MessagesFailed };
                self.counters.add(counter, 1);
                self.fail(Series::Ack, pending.planned);
                if let Some((token, _)) = pending.message {
                    self.withdraw(token);
                }
            }
            Operation::Sync => self.fail(Series::Sync, pending.planned),
            _ => {}
        }
    }

    fn delivered(&mut self, token: Option<Token>, client: ClientId, at: Nanos) {
        self.counters.add(Counter::Deliveries, 1);
        self.count(at, |window| &mut window.delivered);
        let Some(token) = token else { return };
        let Some(send) = self.sends.get(&token).filter(|send| send.by != client) else { return };
        let Send { node, planned, started, .. } = *send;
        let timing = Timing { planned, started, ended: at };
        self.record(Series::Delivery, timing);
        if let (Some(from), Some(to)) = (node, self.nodes.get(&client))
            && self.measures(Series::Delivery, planned)
        {
            self.recorder.record_between((from, *to), timing);
        }
        if self.arrive(token, client, at, true) == Arrival::First {
            self.record(Series::FanOutFirst, timing);
        }
    }

    /// A sync brought a message that was not pushed.
    fn recovered(&mut self, token: Option<Token>, client: ClientId, at: Nanos) {
        if let Some(token) = token {
            self.arrive(token, client, at, false);
        }
    }

    /// A message came to a client; it lands once all have it.
    fn arrive(&mut self, token: Token, client: ClientId, at: Nanos, live: bool) -> Arrival {
        let Some(send) = self.sends.get_mut(&token) else { return Arrival::Other };
        let Some(flight) = &mut send.flight else { return Arrival::Other };
        let arrival = self.fan_out.arrive(flight, client, at, live);
        if flight.is_settled() {
            let landed = Send { flight: send.flight.take(), ..*send };
            self.land(landed);
        }
        arrival
    }

    fn saw_typing(&mut self, user: &CompactString, client: ClientId, at: Nanos) {
        let own = self.users.get(&client) == Some(user);
        if let Some(&(planned, started)) = self.typing.get(user)
            && !own
            && at.saturating_sub(started) < SPELL
        {
            self.record(Series::Typing, Timing { planned, started, ended: at });
        }
    }

    /// Who goes offline on purpose wants no connection until the next start.
    fn connection(&mut self, client: ClientId, state: ConnectionState, stopped: bool, at: Nanos) {
        self.fan_out.ready(client, false);
        let connection = self.connections.entry(client).or_default();
        match state {
            ConnectionState::Connecting => {
                connection.wanted.get_or_insert(at);
                connection.attempt = at;
            }
            ConnectionState::Connected => {
                let planned = connection.wanted.unwrap_or(at);
                let timing = Timing { planned, started: connection.attempt, ended: at };
                if connection.ready_before {
                    self.counters.add(Counter::Reconnects, 1);
                } else {
                    self.counters.add(Counter::Connects, 1);
                    connection.wanted = None;
                    self.record(Series::Connect, timing);
                }
            }
            ConnectionState::Disconnected => {
                connection.wanted = (!stopped).then_some(at);
                self.counters.add(Counter::Disconnects, 1);
            }
            ConnectionState::Error => {
                self.counters.add(Counter::ConnectFailures, 1);
                let series =
                    if connection.ready_before { Series::Reconnect } else { Series::Connect };
                let planned = connection.wanted.unwrap_or(at);
                self.fail(series, planned);
            }
        }
    }

    fn ready(&mut self, client: ClientId, at: Nanos) {
        self.fan_out.ready(client, true);
        let connection = self.connections.entry(client).or_default();
        let wanted = connection.wanted.take();
        if std::mem::replace(&mut connection.ready_before, true)
            && let Some(planned) = wanted
        {
            let timing = Timing { planned, started: connection.attempt, ended: at };
            self.record(Series::Reconnect, timing);
        }
    }

    /// While a fault keeps a client away, nobody waits for it: its way back is measured from the
    /// fault's end.
    fn fault(&mut self, client: ClientId, what: &CompactString, begins: bool, at: Nanos) {
        if what != "none" {
            self.spans.fault(what, begins, at);
            self.counters.add(Counter::Faults, u64::from(begins));
        }
        let effect = Effect::of(what);
        if effect.holds_back() {
            self.fan_out.fault(client, begins);
        }
        if !effect.connection {
            return;
        }
        let connection = self.connections.entry(client).or_default();
        if !begins && let Some(wanted) = &mut connection.wanted {
            *wanted = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Damage, MessageRef, Seen};
    use crate::outcome::Reach;

    fn observe(meter: &mut Meter, at: Nanos, client: u32, event: Event) {
        meter.observe(&Entry { at, client: ClientId(client), event });
    }

    #[test]
    fn a_delivery_is_measured_from_the_planned_and_from_the_actual_time() {
        let mut meter = Meter::new(1_000_000_000);
        let token = Token::new(1, 1);
        let message = Some(MessageRef { token, key: "k".into() });
        let invoke = Event::Invoke {
            op: OpId(1),
            operation: Operation::Send,
            conversation: Some(ConversationId(0)),
            message,
            about: None,
            via: None,
            planned: 1_000_000,
        };
        observe(&mut meter, 3_000_000, 0, invoke);
        observe(&mut meter, 3_000_000, 0, Event::Attempt { op: OpId(1), attempt: 0 });
        let seen = Seen {
            by: Carrier::Live,
            conversation: None,
            token: Some(token),
            key: None,
            id: None,
            order: None,
            sender: None,
            text: Damage::Intact,
        };
        observe(&mut meter, 4_000_000, 0, Event::Message(seen.clone()));
        observe(&mut meter, 5_000_000, 1, Event::Message(seen));
        let latencies = meter.recorder.latencies();
        let delivery = latencies.iter().find(|latency| latency.series == "delivery").unwrap();
        // The sender's own copy is no delivery to another.
        assert_eq!((delivery.planned.count, delivery.actual.count), (1, 1));
        assert!((3_990_000..4_010_000).contains(&delivery.planned.max), "{delivery:?}");
        assert!((1_990_000..2_010_000).contains(&delivery.actual.max), "{delivery:?}");
        assert_eq!(meter.counters.get(Counter::Deliveries), 2);
    }

    #[test]
    fn a_way_back_is_measured_from_the_end_of_the_fault_that_kept_the_client_away() {
        let mut meter = Meter::new(1_000_000_000);
        let connection = |state| Event::Connection { state, why: "".into(), caused: true };
        let fault = |begins| Event::Fault { what: "cut".into(), begins };
        let steps = [
            (1, connection(ConnectionState::Connecting)),
            (2, connection(ConnectionState::Connected)),
            (3, Event::Ready),
            (10, fault(true)),
            (10, connection(ConnectionState::Disconnected)),
            (30, fault(false)),
            (31, connection(ConnectionState::Connecting)),
            (32, connection(ConnectionState::Connected)),
            (34, Event::Ready),
        ];
        for (at, event) in steps {
            observe(&mut meter, at * 1_000_000, 0, event);
        }
        let latencies = meter.recorder.latencies();
        let reconnect = latencies.iter().find(|latency| latency.series == "reconnect").unwrap();
        assert_eq!(reconnect.planned.count, 1);
        assert!((3_990_000..4_010_000).contains(&reconnect.planned.max), "{reconnect:?}");
        assert_eq!(meter.counters.get(Counter::Reconnects), 1);
    }

    #[test]
    fn who_goes_offline_on_purpose_is_waited_for_from_the_next_start_on() {
        let mut meter = Meter::new(1_000_000_000);
        let connection =
            |state, why: &str| Event::Connection { state, why: why.into(), caused: true };
        let steps = [
            (1, connection(ConnectionState::Connecting, "start")),
            (2, connection(ConnectionState::Connected, "open")),
            (3, Event::Ready),
            (10, connection(ConnectionState::Disconnected, STOPPED)),
            (50, connection(ConnectionState::Connecting, "start")),
            (52, connection(ConnectionState::Connected, "open")),
            (53, Event::Ready),
        ];
        for (at, event) in steps {
            observe(&mut meter, at * 1_000_000, 0, event);
        }
        let latencies = meter.recorder.latencies();
        let reconnect = latencies.iter().find(|latency| latency.series == "reconnect").unwrap();
        assert!((2_990_000..3_010_000).contains(&reconnect.planned.max), "{reconnect:?}");
    }

    #[test]
    fn of_a_window_what_was_planned_in_it_is_measured_whenever_it_ends() {
        let mut meter = Meter::new(1_000_000_000);
        meter.window = Some(Window::of("steady"));
        let phase = |name: &str| Event::Phase { name: name.into() };
        let send = |op, planned: Nanos| Event::Invoke {
            op: OpId(op),
            operation: Operation::Send,
            conversation: Some(ConversationId(0)),
            message: Some(MessageRef { token: Token::new(1, u64::from(op)), key: "k".into() }),
            about: None,
            via: None,
            planned: planned * 1_000_000,
        };
        let ack = |op| Event::Answered {
            op: OpId(op),
            attempt: 0,
            answer: Answer::Ack { id: None, order: None },
            excused: false,
        };
        for (at, event) in [
            (1, send(1, 1)),
            (10, phase("steady")),
            (11, ack(1)),
            (12, send(2, 12)),
            (20, phase("recovery")),
            (90, ack(2)),
            (91, send(3, 91)),
            (92, ack(3)),
        ] {
            observe(&mut meter, at * 1_000_000, 0, event);
        }
        let latencies = meter.recorder.latencies();
        let ack = latencies.iter().find(|latency| latency.series == "ack").unwrap();
        assert_eq!(ack.planned.count, 1, "the second send, though it was answered late");
        let window = meter.window.unwrap();
        assert_eq!((window.sent, window.acked), (1, 1), "the first ack came while it was steady");
    }

    /// A conversation of four, all there.
    fn four() -> Meter {
        let mut meter = Meter::new(1_000_000_000);
        for client in 0..4 {
            let (conversation, id) = (ConversationId(0), "c".into());
            observe(&mut meter, 0, client, Event::Member { conversation, id });
            observe(&mut meter, 0, client, Event::Ready);
        }
        meter
    }

    fn send(meter: &mut Meter, op: u32, at: Nanos) -> Token {
        let token = Token::new(1, u64::from(op));
        let invoke = Event::Invoke {
            op: OpId(op),
            operation: Operation::Send,
            conversation: Some(ConversationId(0)),
            message: Some(MessageRef { token, key: "k".into() }),
            about: None,
            via: None,
            planned: at * 1_000_000,
        };
        observe(meter, at * 1_000_000, 0, invoke);
        observe(meter, at * 1_000_000, 0, Event::Attempt { op: OpId(op), attempt: 0 });
        token
    }

    fn get(meter: &mut Meter, token: Token, client: u32, by: Carrier, at: Nanos) {
        let seen = Seen {
            by,
            conversation: None,
            token: Some(token),
            key: None,
            id: None,
            order: None,
            sender: None,
            text: Damage::Intact,
        };
        observe(meter, at * 1_000_000, client, Event::Message(seen));
    }

    #[test]
    fn a_message_fans_out_to_the_first_and_to_the_last_of_its_receivers() {
        let mut meter = four();
        let token = send(&mut meter, 1, 10);
        for (client, at) in [(0, 11), (2, 12), (2, 13), (1, 15), (3, 19)] {
            get(&mut meter, token, client, Carrier::Live, at);
        }
        let latencies = meter.recorder.latencies();
        let took = |series: Series| {
            let found = latencies.iter().find(|latency| latency.series == series.name()).unwrap();
            (found.planned.count, found.planned.max / 1_000_000, found.failures)
        };
        assert_eq!(took(Series::FanOutFirst), (1, 2, 0));
        assert_eq!(took(Series::FanOutLast), (1, 9, 0));
        assert_eq!(took(Series::FanOutSkew), (1, 7, 0));
        assert_eq!(meter.counters.reach(), Reach { expected: 3, live: 3, synced: 0 });
        assert!(meter.sends.values().all(|send| send.flight.is_none()), "it is forgotten");
    }

    #[test]
    fn who_was_to_get_a_message_and_did_not_is_missing_from_its_reach() {
        let mut meter = four();
        let token = send(&mut meter, 1, 10);
        get(&mut meter, token, 1, Carrier::Live, 12);
        get(&mut meter, token, 2, Carrier::Sync(OpId(9)), 50);
        get(&mut meter, token, 3, Carrier::History(OpId(9)), 60);
        let refused = send(&mut meter, 2, 20);
        let failed = Event::Failed { op: OpId(2), error: "no".into(), certain: true };
        observe(&mut meter, 21_000_000, 0, failed);
        send(&mut meter, 3, 30);
        meter.conclude();
        assert_eq!(meter.counters.reach(), Reach { expected: 3, live: 1, synced: 1 });
        let latencies = meter.recorder.latencies();
        let last = latencies.iter().find(|latency| latency.series == "fan-out.last").unwrap();
        assert_eq!(
            (last.planned.count, last.failures),
            (0, 1),
            "neither {refused} nor what never ended"
        );
    }
}
