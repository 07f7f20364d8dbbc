//! One simulated client: the contract's machine between the shard's commands and the transport.
//!
//! One task per client. It owns the connection, gives everything that happens to the machine, and
//! does what the machine says. It decides nothing itself but where its faults make it misbehave.

use crate::client::{
    Action, Ask, AttemptId, Client, Input, Output, Payload, Reply, Since, Transmit,
};
use crate::dialect::Bend;
use crate::dialect::voice::{Heard, Said, Voice};
use crate::dialect::{Dialect, excerpt};
use crate::engine::converse::Converse;
use crate::engine::link::{Link, LinkEvent};
use crate::engine::meddling::{Fate, Meddling, Parcel, dropped};
use crate::engine::shard::Shard;
use crate::engine::slot::{Command, Held, Slot, Suffering};
use crate::engine::trouble::{Cut, Trouble, nanos};
use crate::engine::{rest, setup};
use crate::fault::Passing;
use crate::history::{ClientId, Due, Event, Nanos, OpId, Seen};
use crate::operation::{Operation, Sight};
use crate::plan::dice::mix;
use crate::plan::{Act, Oddity};
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Step};
use crate::transport::http::HttpClient;
use crate::transport::socket_io::{Incoming, Received};
use crate::transport::weather::{Conditions, Weather};
use crate::transport::{ConnectError, Leave};
use crate::wire::socket_io::Kind;
use compact_str::{CompactString, ToCompactString};
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::rc::Rc;
use std::time::Duration;

/// How long a polite goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long what was sent may take to be out, before a cut that waits for it.
const FLUSHING: Duration = Duration::from_millis(200);

pub(super) struct Driver {
    shard: Rc<Shard>,
    slot: Rc<Slot>,
    id: ClientId,
    machine: Client,
    voice: Voice,
    link: Link,
    calls: FuturesUnordered<LocalBoxFuture<'static, Returned>>,
    /// The person's id, name and credential; requests add what they need and take it away again.
    bindings: Bindings,
    trouble: Trouble,
    meddling: Meddling,
    /// What its connections go through, where faults may shape their bytes.
    weather: Option<Weather>,
    /// Its own way to the server over HTTP, while it does not share the others'.
    http: Option<Rc<HttpClient>>,
    converse: Option<Box<Converse>>,
    /// A cut that happens as soon as what was sent is out.
    cut_due: Option<Cut>,
    /// The connection makes requests wait for one another.
    held_back: bool,
    leaving: bool,
    /// The token stands in the other place that the spec knows.
    elsewhere: bool,
    /// The credential is none that a server takes.
    barred: bool,
}

/// A request over HTTP that came to its end.
struct Returned {
    attempt: AttemptId,
    outcome: rest::Outcome,
    /// A fault may have spoilt it.
    troubled: bool,
}

/// What becomes of the requests that the machine lets go in one go.
#[derive(Default)]
struct Leaving {
    /// An attempt that is recorded if it really leaves.
    attempt: Option<Event>,
    /// A fault dropped this one.
    dropped: Option<OpId>,
    /// A fault holds this one back.
    held: Option<OpId>,
    /// What these faults hold back was overtaken.
    overtaken: Vec<usize>,
    /// These leave twice.
    twice: Vec<Transmit>,
}

/// What woke the client.
enum Woken {
    Rung,
    Link(LinkEvent),
    Returned(Returned),
    Due,
}

impl Driver {
    pub(super) fn new(
        shard: Rc<Shard>,
        slot: Rc<Slot>,
        id: ClientId,
        machine: Client,
        bindings: Bindings,
    ) -> Self {
        let seed = mix(shard.plan.seed, id.0.into(), 11);
        let weather = shard.weathered.get().then(|| Weather::new(seed));
        Self {
            shard,
            slot,
            id,
            machine,
            voice: Voice::default(),
            link: Link::Down,
            calls: FuturesUnordered::new(),
            bindings,
            trouble: Trouble::new(seed),
            meddling: Meddling::default(),
            weather,
            http: None,
            converse: None,
            cut_due: None,
            held_back: false,
            leaving: false,
            elsewhere: false,
            barred: false,
        }
    }

    /// Lives until it is told to leave.
    pub(super) async fn live(mut self) {
        let _alarm = self.shard.alarm();
        while !self.leaving {
            match self.wait().await {
                Woken::Rung => {
                    while let Some(command) = self.slot.next() {
                        self.command(command).await;
                    }
                }
                Woken::Link(event) => self.link_event(event).await,
                Woken::Returned(returned) => self.returned(returned),
                Woken::Due => self.due(),
            }
            if let Some(cut) = self.cut_due.take() {
                let _ = tokio::time::timeout(FLUSHING, self.link.flush()).await;
                self.bear(Some(cut)).await;
            }
            if self.held_back != self.link.holds_back() {
                self.held_back = !self.held_back;
                self.excuse();
            }
            self.slot.idle.set(self.is_idle());
        }
        self.goodbye().await;
    }

    async fn wait(&mut self) -> Woken {
        let due = self.deadline().map(|at| self.shard.clock.instant(at));
        let timer = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let silent = self.trouble.silent();
        tokio::select! {
            biased;
            () = self.slot.rung() => Woken::Rung,
            () = timer => Woken::Due,
            Some(returned) = self.calls.next(), if !self.calls.is_empty() => Woken::Returned(returned),
            event = self.link.next(), if !silent => Woken::Link(event),
        }
    }

    fn deadline(&self) -> Option<Nanos> {
        let converse = self.converse.as_ref().and_then(|converse| converse.due());
        let due = [self.machine.deadline(), self.meddling.deadline(), converse];
        due.into_iter().flatten().min()
    }

    fn is_idle(&self) -> bool {
        self.machine.is_ready()
            && self.machine.unsettled() == 0
            && self.calls.is_empty()
            && self.meddling.is_empty()
    }

    fn due(&mut self) {
        let now = self.shard.clock.now();
        if self.meddling.deadline().is_some_and(|at| at <= now) {
            let due = self.meddling.due(now);
            self.let_go(due);
            let overdue = self.meddling.overdue(now, self.trouble.excuses());
            overdue.into_iter().for_each(|event| self.record(event));
        }
        if self.machine.deadline().is_some_and(|at| at <= now) {
            self.input(Input::Tick);
        }
        let due = self.converse.as_mut().filter(|c| c.due().is_some_and(|at| at <= now));
        if let Some((planned, conversation)) = due.and_then(|converse| converse.begin()) {
            let message = self.shard.closed_message(self.id);
            let op = self.ask(planned, Ask::send(conversation, message));
            if let Some(converse) = &mut self.converse {
                converse.wait_for(op);
            }
        }
    }

    /// Asks for an operation that was planned for this time.
    fn ask(&mut self, planned: Nanos, ask: Ask) -> OpId {
        let op = self.shard.effects.borrow_mut().next_op();
        self.input(Input::Act(Action::Ask { op, ask, planned }));
        op
    }

    // ------------------------------------------------------------------------------------------
    // commands

    async fn command(&mut self, command: Command) {
        match command {
            Command::Act(planned, act) => self.act(planned, act).await,
            Command::Ask(planned, ask, due) => self.ask_as_due(planned, ask, due),
            Command::Hold(held) => self.hold(*held),
            Command::Disconnect => self.disconnect(),
            Command::Suffer(suffering) => self.suffer(suffering).await,
            Command::Enter(conversation) => {
                self.input(Input::Act(Action::Enter(conversation)));
            }
            Command::Heal => self.heal().await,
            Command::FinalRead(conversation) => {
                let planned = self.shard.clock.now();
                self.ask(planned, Ask::history(conversation));
            }
            Command::Leave => self.leaving = true,
        }
    }

    async fn act(&mut self, planned: Nanos, act: Act) {
        match act {
            Act::Connect => {
                self.slot.started.set(true);
                self.slot.away.set(false);
                self.input(Input::Start);
            }
            Act::Send { conversation, message, repeat } => {
                let ask = Ask::send(conversation, message);
                if repeat {
                    self.ask(planned, ask.clone());
                }
                self.ask(planned, ask);
            }
            Act::Keystroke { conversation } => {
                self.input(Input::Act(Action::Keystroke { conversation, planned }));
            }
            Act::History { conversation } => {
                self.ask(planned, Ask::history(conversation));
            }
            Act::Converse { think, until, seed } => {
                let until = until + self.shard.start.get();
                let conversations = self.shard.conversations_of(self.id);
                self.converse = Converse::new(think, until, seed, planned, conversations);
            }
            Act::Fault { index, begins } => self.fault(index, begins).await,
        }
    }

    fn ask_as_due(&mut self, planned: Nanos, ask: Ask, due: Option<(Due, CompactString)>) {
        let op = self.shard.effects.borrow_mut().next_op();
        if let Some((due, why)) = due {
            self.record(Event::Due { op, due, why, odd: ask.odd.is_some() });
        }
        self.input(Input::Act(Action::Ask { op, ask, planned }));
    }

    fn hold(&mut self, Held { passport, what, valid, lasts, elsewhere }: Held) {
        self.bindings = passport;
        (self.elsewhere, self.barred) = (elsewhere, !valid);
        let until = lasts.map(|lasts| self.shard.clock.now() + lasts);
        self.record(Event::Credential { what, valid, until });
    }

    fn disconnect(&mut self) {
        self.slot.away.set(true);
        self.input(Input::Stop);
    }

    async fn fault(&mut self, number: usize, begins: bool) {
        let fault = &self.shard.plan.scenario.faults[number];
        let until = self.shard.start.get() + nanos(fault.at + fault.lasts);
        self.suffer(Suffering { number, kind: fault.fault, begins, until }).await;
    }

    async fn suffer(&mut self, Suffering { number, kind, begins, until }: Suffering) {
        if !begins && !self.trouble.has(number) {
            return;
        }
        self.record(Event::Fault { what: kind.to_compact_string(), begins });
        if begins {
            let cut = self.trouble.begin(number, kind, until);
            self.bear(cut).await;
        } else {
            self.trouble.end(number);
            let held = self.meddling.of(number);
            self.let_go(held);
            self.bear(None).await;
        }
    }

    /// Drops the connection if a fault says so, and tells the machine what else the faults do.
    async fn bear(&mut self, cut: Option<Cut>) {
        self.excuse();
        self.weather_changes();
        if let Some(cut) = cut {
            self.input(Input::Away { until: cut.until });
            let opening = matches!(self.link, Link::Opening(_));
            if let Some(session) = self.link.take() {
                let how = cut.apply(session).await;
                self.hung_up(how, true);
            } else if opening {
                self.hung_up("cut before it was open", true);
            }
        }
    }

    /// Tells the machine whether what is missing or late now is the harness's doing.
    fn excuse(&mut self) {
        self.input(Input::Withhold(self.held_back || self.trouble.excuses()));
    }

    /// What its connections go through follows from its faults.
    fn weather_changes(&mut self) {
        let Some(weather) = &self.weather else { return };
        let conditions = self.trouble.conditions();
        weather.change(conditions);
        if conditions == Conditions::default() {
            self.http = None;
        } else if self.http.is_none() {
            let shard = &self.shard;
            let mut connect = shard.session.engine.connect.clone();
            connect.weather = Some(weather.clone());
            let http = setup::http_client(&shard.endpoint, &shard.dialect.spec, connect, 1);
            self.http = Some(Rc::new(http));
        }
    }

    async fn heal(&mut self) {
        for fault in self.trouble.clear() {
            self.record(Event::Fault { what: fault.to_compact_string(), begins: false });
        }
        let held = self.meddling.all();
        self.let_go(held);
        self.bear(None).await;
        self.input(Input::Away { until: 0 });
    }

    // ------------------------------------------------------------------------------------------
    // the connection

    async fn link_event(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Opened => {
                self.trace("·", || "connected".to_owned());
                self.voice.hang_up();
                if let Some((interval, timeout)) = self.link.heartbeat() {
                    let (ping_interval, ping_timeout) = (nanos(interval), nanos(timeout));
                    let polling = self.link.is_polling();
                    self.record(Event::Session { ping_interval, ping_timeout, polling });
                }
                self.trouble.opened();
                self.input(Input::Opened);
            }
            LinkEvent::OpenFailed(error) => self.not_let_in(&error),
            LinkEvent::Incoming(Incoming::Packet(received)) => self.packet(&received).await,
            LinkEvent::Incoming(Incoming::Ping) => {}
            LinkEvent::Incoming(Incoming::Malformed(error)) => {
                self.garbage(excerpt(&error.to_string()));
            }
            LinkEvent::Incoming(Incoming::Closed(closed)) => {
                self.hung_up(&closed.to_string(), self.trouble.explains_loss());
            }
        }
    }

    fn not_let_in(&mut self, error: &ConnectError) {
        let caused = self.trouble.explains_loss();
        if !self.barred && !caused {
            self.shard.note_connect_error(error);
        }
        if let Some(refused) = refusal(&self.shard.dialect, error) {
            self.record(refused);
        }
        let why = excerpt(&error.to_string());
        self.input(Input::Closed { why, caused });
        self.despair();
    }

    /// With a bad credential there is no point in trying again.
    fn despair(&mut self) {
        if self.barred {
            self.disconnect();
        }
    }

    fn hung_up(&mut self, why: &str, caused: bool) {
        self.trace("×", || format!("connection lost: {why}"));
        if !caused && !self.barred {
            self.shard.note_loss(why);
        }
        self.link = Link::Down;
        self.voice.hang_up();
        self.forget_held();
        self.input(Input::Closed { why: why.into(), caused });
        self.despair();
    }

    async fn packet(&mut self, received: &Received) {
        let packet = received.packet();
        self.trace("←", || format!("4{}", &**received.text()));
        match self.voice.hear(&self.shard.dialect, &packet) {
            Heard::Answer(attempt, rows, reply) => self.answered(attempt, rows, reply),
            Heard::Echo(attempt, reply, seen) => {
                self.answered(attempt, Vec::new(), reply);
                self.pushed(seen);
            }
            Heard::Sight(Event::Message(seen)) => {
                self.pushed(seen);
                if let Some(cut) = self.trouble.on_message() {
                    self.bear(Some(cut)).await;
                }
            }
            Heard::Sight(event) => self.record(event),
            Heard::Unknown if packet.kind == Kind::Disconnect => {
                self.hung_up("Socket.IO disconnect packet", self.trouble.explains_loss());
            }
            Heard::Unknown => {}
            Heard::Garbage(what) => self.garbage(what),
        }
    }

    // ------------------------------------------------------------------------------------------
    // what arrives, and what faults make of it

    fn fate(&mut self, passing: Passing) -> Fate {
        if !self.trouble.meddles() {
            return Fate::Passes;
        }
        let now = self.shard.clock.now();
        let meddling = &self.meddling;
        self.trouble.fate(now, passing, |number| meddling.holds(number))
    }

    /// The server answered.
    fn answered(&mut self, attempt: AttemptId, rows: Vec<Event>, reply: Reply) {
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
    fn pushed(&mut self, seen: Seen) {
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
    fn let_go(&mut self, parcels: Vec<Parcel>) {
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
    fn forget_held(&mut self) {
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

    fn returned(&mut self, Returned { attempt, outcome, troubled }: Returned) {
        let (rows, reply) = match outcome {
            rest::Outcome::Answered(reply) => (Vec::new(), reply),
            rest::Outcome::Read { rows, count } => {
                (rows, Reply::Yes { id: None, order: None, rows: count, cursor: None })
            }
            rest::Outcome::Failed(_) if troubled || self.trouble.excuses() => {
                (Vec::new(), Reply::Lost)
            }
            rest::Outcome::Failed(why) => {
                self.garbage(why);
                (Vec::new(), Reply::Lost)
            }
        };
        self.answered(attempt, rows, reply);
    }

    fn trace(&self, arrow: &'static str, packet: impl FnOnce() -> String) {
        let now = self.shard.clock.now();
        self.shard.trace.borrow_mut().note(now, self.id, arrow, packet);
    }

    fn garbage(&mut self, what: CompactString) {
        self.shard.note_garbage(&what);
        self.record(Event::Garbage { what });
    }

    // ------------------------------------------------------------------------------------------
    // the machine

    fn record(&mut self, event: Event) {
        let now = self.shard.clock.now();
        self.shard.recorder.borrow_mut().record(now, self.id, event);
    }

    /// Gives the machine an input and does what it says.
    fn input(&mut self, input: Input) {
        self.feed(input, |_| true);
    }

    /// Gives the machine what a fault delivers once more, or later than it came: that is not in the
    /// history, for the server did nothing.
    fn input_unseen(&mut self, input: Input) {
        self.feed(input, |event| !matches!(event, Event::Message(_) | Event::Answered { .. }));
    }

    fn feed(&mut self, input: Input, is_news: impl Fn(&Event) -> bool) {
        let shard = Rc::clone(&self.shard);
        let now = shard.clock.now();
        let mut leaving = Leaving::default();
        let mut effects = shard.effects.borrow_mut();
        self.machine.handle(now, input, &mut effects);
        for output in effects.drain() {
            match output {
                Output::Record(event) if !is_news(&event) => {}
                Output::Record(event) => self.note(now, event, &mut leaving),
                Output::Open => {
                    self.link =
                        Link::open(&shard, &self.bindings, self.elsewhere, self.weather.as_ref());
                }
                Output::Close => self.close(),
                Output::Transmit(transmit) => self.depart(now, transmit, &mut leaving),
                Output::Abandon(_) => {}
            }
        }
        drop(effects);
        for number in leaving.overtaken {
            let held = self.meddling.of(number);
            self.let_go(held);
        }
        for transmit in leaving.twice {
            self.send_twin(transmit);
        }
    }

    /// Records what the machine says, unless a fault makes something else of it.
    fn note(&mut self, now: Nanos, event: Event, leaving: &mut Leaving) {
        let event = match event {
            // Whether it really leaves is known in a moment.
            Event::Attempt { .. } if self.trouble.meddles() => {
                leaving.attempt = Some(event);
                return;
            }
            Event::Ok { op, .. } if leaving.dropped == Some(op) => dropped(op),
            Event::Ok { op, .. } if leaving.held == Some(op) => {
                return self.meddling.add_to_last(event);
            }
            event => event,
        };
        self.record_at(now, event);
    }

    /// A request leaves, or a fault makes something else of it.
    fn depart(&mut self, now: Nanos, transmit: Transmit, leaving: &mut Leaving) {
        let op = transmit.attempt.op;
        let attempt = leaving.attempt.take();
        let fate = match attempt {
            Some(_) => self.fate(Passing::Asked(transmit.ask.operation)),
            None => Fate::Passes,
        };
        match fate {
            Fate::Dropped => leaving.dropped = Some(op),
            Fate::Late { until, number } => {
                leaving.held = Some(op);
                let events = attempt.into_iter().collect();
                self.meddling.hold(until, number, Parcel::Request(transmit, events));
            }
            Fate::Passes | Fate::Twice | Fate::Overtakes(_) => {
                if let Some(attempt) = attempt {
                    self.record_at(now, attempt);
                }
                match fate {
                    Fate::Twice => leaving.twice.push(transmit.clone()),
                    Fate::Overtakes(number) => leaving.overtaken.push(number),
                    _ => {}
                }
                self.transmit(now, transmit);
            }
        }
    }

    /// The same request once more, as an operation of its own.
    fn send_twin(&mut self, transmit: Transmit) {
        let now = self.shard.clock.now();
        let op = self.shard.effects.borrow_mut().next_op();
        let operation = transmit.ask.operation;
        self.record_at(now, transmit.ask.invocation(op, now));
        self.record_at(now, Event::Attempt { op, attempt: 0 });
        let spec = &self.shard.dialect.spec;
        let patience = nanos(spec.contract.ack_timeout);
        if self.shard.dialect.step(operation).is_none_or(Step::is_unanswered) {
            self.record_at(now, Event::Ok { op, rows: 0 });
        } else {
            self.meddling.add_twin(op, now + patience);
        }
        self.transmit(now, Transmit { attempt: AttemptId { op, number: 0 }, ask: transmit.ask });
    }

    /// Records what is known of a request at this moment.
    fn record_at(&mut self, now: Nanos, event: Event) {
        self.overhear(now, &event);
        self.shard.recorder.borrow_mut().record(now, self.id, event);
    }

    /// The closed workload hears of the end of its send.
    fn overhear(&mut self, now: Nanos, event: &Event) {
        if let Some(converse) = &mut self.converse {
            converse.hear(now, event);
        }
    }

    fn close(&mut self) {
        if let Some(session) = self.link.take() {
            tokio::task::spawn_local(async move {
                let _ = tokio::time::timeout(GOODBYE, session.leave(Leave::Polite)).await;
            });
        }
        self.link = Link::Down;
        self.voice.hang_up();
        self.forget_held();
    }

    fn transmit(&mut self, now: Nanos, Transmit { attempt, ask }: Transmit) {
        let shard = Rc::clone(&self.shard);
        let mark = self.bindings.mark();
        self.bind(&ask);
        let people = ask.people(self.bindings.get(Hole::USER));
        let bend = ask.odd.map(|odd| Bend::begin(odd, &mut self.bindings));
        let Some(step) = shard.dialect.step_for(ask.operation, people) else { return };
        let mut data = shard.scratch.take();
        data.clear();
        let asked = (ask.operation, people);
        let said = self.voice.say(&shard.dialect, attempt, asked, step, &self.bindings, &mut data);
        match said {
            Ok(Said::Event(mut ack)) => {
                if let Some(bend) = &bend {
                    bend.event(&mut data);
                    ack = self.odd_ack(ask.odd, ack);
                }
                shard.trace.borrow_mut().note(now, self.id, "→", || match ack {
                    Some(ack) => format!("42{ack}{data}"),
                    None => format!("42{data}"),
                });
                if let Err(error) = self.link.emit(&shard.namespace, ack, &data) {
                    self.complain(now, &error.to_string());
                }
                if ask.operation == Operation::Send {
                    self.cut_due = self.cut_due.or_else(|| self.trouble.after_send());
                }
            }
            Ok(Said::Http(_)) => self.call(attempt, &ask, bend),
            Ok(Said::Frame) => self.complain(now, "raw frames need a WebSocket transport"),
            Err(unbound) => {
                let name = shard.dialect.spec.holes.name(unbound.0);
                self.complain(
                    now,
                    &format!("`{}` needs `${name}`, which has no value", ask.operation),
                );
            }
        }
        shard.scratch.replace(data);
        self.bindings.truncate(mark);
    }

    fn complain(&mut self, now: Nanos, what: &str) {
        let event = Event::Garbage { what: excerpt(what) };
        self.shard.note_garbage(what);
        self.shard.recorder.borrow_mut().record(now, self.id, event);
    }

    /// Binds what a request needs beside the person.
    fn bind(&mut self, ask: &Ask) {
        let dialect = &self.shard.dialect;
        // The id of a conversation that is asked for is the answer's to say, also the second time.
        if let Some(id) = ask.conversation.and_then(|place| dialect.conversation(place))
            && ask.operation != Operation::Create
        {
            self.bindings.set(Hole::CONVERSATION, id);
        }
        match &ask.payload {
            Payload::None => {}
            Payload::People(people) => self.bind_people(people),
            Payload::Message(message) => {
                if let Some(peer) = ask.conversation.and_then(|c| self.shard.peer(self.id, c)) {
                    self.bindings.set(Hole::PEER, peer);
                }
                let mut text = String::new();
                dialect.write_text(message.token, &mut text);
                self.bindings.set(Hole::TEXT, Scalar::Text(text.into()));
                self.bindings.set(Hole::KEY, Scalar::Text(message.key.clone()));
            }
            Payload::About(id) => self.bindings.set(Hole::MESSAGE, dialect.message_id(id)),
            Payload::Since(since) => match since {
                Since::Start => {}
                Since::Position(order) => self.bindings.set(Hole::SINCE, dialect.position(*order)),
                Since::Clock(at) => {
                    self.bindings.set(Hole::SINCE, dialect.time(self.shard.wall(self.id, *at)));
                }
                Since::Cursor(cursor) => {
                    self.bindings.set(Hole::CURSOR, Scalar::Text(cursor.clone()));
                }
            },
        }
    }

    /// The ack that an odd request asks for.
    fn odd_ack(&mut self, odd: Option<Oddity>, ack: Option<u64>) -> Option<u64> {
        match odd {
            Some(Oddity::WithoutAck) => None,
            Some(Oddity::WithAck) => ack.or_else(|| Some(self.voice.stray_ack())),
            _ => ack,
        }
    }

    /// The members of a conversation as its creator names them, and who of them is somebody else.
    fn bind_people(&mut self, people: &[Scalar]) {
        let own = self.bindings.get(Hole::USER).cloned();
        let others: Vec<Scalar> =
            people.iter().filter(|user| Some(*user) != own.as_ref()).cloned().collect();
        if let Some(peer) = others.first().or(people.first()) {
            self.bindings.set(Hole::PEER, peer.clone());
        }
        self.bindings.set(Hole::OTHERS, Scalar::List(others));
        self.bindings.set(Hole::MEMBERS, Scalar::List(people.to_vec()));
    }

    fn call(&mut self, attempt: AttemptId, ask: &Ask, bend: Option<Bend>) {
        let shard = Rc::clone(&self.shard);
        let ask = rest::Ask {
            operation: ask.operation,
            op: attempt.op,
            conversation: ask.conversation,
            people: ask.people(self.bindings.get(Hole::USER)),
            bindings: self.bindings.clone(),
            bend,
        };
        let (own, troubled) = (self.http.clone(), self.trouble.excuses());
        let client = self.id;
        self.calls.push(Box::pin(async move {
            // A request in trouble may take long, and shall keep nobody waiting.
            let (http, _turn) = match &own {
                Some(own) => (&**own, None),
                None => (&shard.http, shard.gate.acquire().await.ok()),
            };
            let tap = |arrow, packet| {
                let now = shard.clock.now();
                shard.trace.borrow_mut().note(now, client, arrow, || packet);
            };
            let keeps = shard.trace.borrow().keeps;
            let tap = keeps.then_some(&tap as rest::Tap<'_>);
            let outcome = rest::perform(http, &shard.dialect, ask, tap).await;
            Returned { attempt, outcome, troubled }
        }));
    }

    async fn goodbye(mut self) {
        self.input(Input::Stop);
        if let Some(session) = self.link.take() {
            let _ = tokio::time::timeout(GOODBYE, session.leave(Leave::Polite)).await;
        }
    }
}

/// What the history has of a server's refusal, if that is what it is.
fn refusal(dialect: &Dialect, error: &ConnectError) -> Option<Event> {
    let (said, documented, before) = match error {
        ConnectError::ConnectRefused { payload, before, .. } => {
            (excerpt(payload), dialect.is_documented_refusal(payload), *before)
        }
        ConnectError::HttpStatus { status: 401 | 403, body }
        | ConnectError::NotWebSocket { status: 401 | 403, body } => {
            (excerpt(body), dialect.spec.connect.refused.is_empty(), 0)
        }
        _ => return None,
    };
    Some(Event::Refused { said, documented, before })
}
