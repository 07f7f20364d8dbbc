//! One simulated client: the contract's machine between the shard's commands and the transport.
//!
//! One task per client. It owns the connection, gives everything that happens to the machine, and
//! does what the machine says. It decides nothing itself but where its faults make it misbehave.

mod arrival;
mod commands;
mod meaning;
mod node;
mod outputs;
mod timer;

use crate::client::{Action, Ask, AttemptId, Client, Input, Reply};
use crate::dialect::voice::{Heard, Onward, Voice};
use crate::dialect::{Dialect, Route, excerpt};
use crate::engine::converse::Converse;
use crate::engine::link::{Arrival, Bookmark, Link, LinkEvent};
use crate::engine::meddling::Meddling;
use crate::engine::people::{self, Jar, Papers};
use crate::engine::rest;
use crate::engine::shard::Shard;
use crate::engine::slot::Slot;
use crate::engine::trace::Keep;
use crate::engine::trouble::{Cut, Trouble, nanos};
use crate::history::{ClientId, ConversationId, Event, Nanos, OpId};
use crate::plan::dice::mix;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Protocol};
use crate::transport::http::HttpClient;
use crate::transport::socket_io::Received;
use crate::transport::weather::Weather;
use crate::transport::{ConnectError, Leave, Phase};
use crate::wire::socket_io::Kind;
use compact_str::CompactString;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use node::Place;
use std::borrow::Cow;
use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;
use timer::Timer;
use tokio::sync::Mutex;

/// How long a polite goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);
/// How long what was sent may take to be out, before a cut that waits for it.
const FLUSHING: Duration = Duration::from_millis(200);

/// Requests that are held until they are released together with others'.
struct Preparation {
    since: Nanos,
    /// What is recorded of them once they leave.
    events: Vec<Event>,
}

pub(super) struct Driver {
    shard: Rc<Shard>,
    slot: Rc<Slot>,
    id: ClientId,
    machine: Client,
    voice: Voice,
    link: Link,
    /// Where the last connection ended, if there is no socket.
    bookmark: Bookmark,
    calls: Calls,
    /// Requests that are prepared, and have not left.
    preparation: Option<Preparation>,
    /// The person's id, name and credential; requests add what they need and take it away again.
    bindings: Bindings,
    /// How many of them are the person's; what was learnt since follows.
    passport: usize,
    /// Its cookies, where the spec's clients keep any.
    jar: Option<Jar>,
    trouble: Trouble,
    meddling: Meddling,
    /// What its connections go through, where faults may shape their bytes.
    weather: Option<Weather>,
    /// Requests over HTTP about its typing wait here for one another.
    typing: Rc<Mutex<()>>,
    /// Its own way to the server over HTTP, while it does not share the others'.
    http: Option<Rc<HttpClient>>,
    converse: Option<Box<Converse>>,
    timer: Timer,
    /// A cut that happens as soon as what was sent is out.
    cut_due: Option<Cut>,
    /// The connection makes requests wait for one another.
    held_back: bool,
    leaving: bool,
    /// The token stands in the other place that the spec knows.
    elsewhere: bool,
    /// The credential is none that a server takes.
    barred: bool,
    /// Conversations that it enters as soon as their sockets are open.
    entering: Vec<(ConversationId, Scalar)>,
    /// On which of the server's nodes it is, and what it knows of the others.
    place: Place,
}

/// Requests over HTTP that are under way, and rests between them.
pub(super) type Calls = FuturesUnordered<LocalBoxFuture<'static, Returned>>;

/// Something that took its time.
pub(super) enum Returned {
    /// A request over HTTP came to its end.
    Answered {
        attempt: AttemptId,
        route: Route,
        outcome: rest::Outcome,
        /// What its answer binds.
        bound: Bindings,
        /// A fault may have spoilt it.
        troubled: bool,
    },
    /// A reader rested before the next page.
    Rested(Onward),
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
        papers: Papers,
    ) -> Self {
        shard.trace.borrow_mut().hide(&papers);
        let seed = mix(shard.plan.seed, id.0.into(), 11);
        let place = Place::new(&shard, id);
        let weather = shard.weathered.get().then(|| Weather::new(seed));
        Self {
            shard,
            slot,
            id,
            machine,
            voice: Voice::default(),
            link: Link::Down,
            bookmark: Bookmark::default(),
            calls: Calls::new(),
            preparation: None,
            passport: papers.bindings.mark(),
            bindings: papers.bindings,
            jar: papers.jar,
            trouble: Trouble::new(seed),
            meddling: Meddling::default(),
            weather,
            typing: Rc::default(),
            http: None,
            converse: None,
            timer: Timer::default(),
            cut_due: None,
            held_back: false,
            leaving: false,
            elsewhere: false,
            barred: false,
            entering: Vec::new(),
            place,
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
            if !self.entering.is_empty() {
                self.enter_what_is_open();
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
        let (due, clock) = (self.deadline(), self.shard.clock);
        let timer = async {
            match due {
                Some(due) => self.timer.wait_for(due, clock).await,
                None => std::future::pending().await,
            }
        };
        let silent = self.trouble.silent();
        tokio::select! {
            biased;
            () = poll_fn(|cx| self.slot.poll_rung(cx)) => Woken::Rung,
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
            && self.entering.is_empty()
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
        if let Some(converse) = due
            && let Some((planned, conversation, via)) = converse.begin()
        {
            let message = self.shard.closed_message(converse.cell());
            let mut ask = Ask::send(conversation, message);
            ask.manner.via = via;
            let op = self.ask(planned, ask);
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
    // the connection

    async fn link_event(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Opened(node) => {
                self.trace("·", || "connected".to_owned());
                self.voice.hang_up();
                self.is_on(node).await;
                self.learn();
                if let Some((interval, timeout)) = self.link.heartbeat() {
                    let (ping_interval, ping_timeout) = (nanos(interval), nanos(timeout));
                    let polling = self.link.is_polling();
                    self.record(Event::Session { ping_interval, ping_timeout, polling });
                }
                self.trouble.opened();
                self.input(Input::Opened);
            }
            LinkEvent::OpenFailed(error) => self.not_let_in(&error),
            LinkEvent::Arrived(arrival) => self.arrived(arrival).await,
        }
    }

    /// Remembers what the server said of the client while it logged in, until it does so again.
    fn learn(&mut self) {
        self.bindings.truncate(self.passport);
        if let Some(bound) = self.link.bound() {
            // Where a read goes on is the read's own.
            let learnt = bound.iter().filter(|(hole, _)| *hole != Hole::CURSOR);
            learnt.for_each(|(hole, scalar)| self.bindings.set(hole, scalar.clone()));
        }
    }

    async fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Packet(received) => self.packet(&received).await,
            Arrival::Event(event) => self.item(&event).await,
            Arrival::Frame(text, place) => {
                self.trace("←", || text.to_string());
                let heard = self.voice.hear_frame(&self.shard.dialect, &text, place);
                self.explain(&heard, None);
                self.heard(heard).await;
            }
            Arrival::Barred(place, why) if self.entering.iter().any(|(_, own)| *own == place) => {
                // Who is connected has all the sockets of its conversations.
                let why = format!("no socket for `{place}`: {why}");
                self.hung_up(&why, self.trouble.explains_loss());
            }
            Arrival::Barred(place, why) => {
                self.trace("×", || format!("no socket for `{place}`: {why}"));
                for attempt in self.voice.barred(&place) {
                    self.answered(attempt, Vec::new(), Reply::No(excerpt(&why)));
                }
            }
            Arrival::Entered | Arrival::Ping => {}
            Arrival::Malformed(why) => self.garbage(&excerpt(&why)),
            Arrival::Closed(why) => self.hung_up(&why, self.trouble.explains_loss()),
        }
    }

    fn not_let_in(&mut self, error: &ConnectError) {
        let caused = self.trouble.explains_loss();
        if !self.barred && !caused {
            self.shard.note_connect_error(&self.masked(&error.to_string()));
        }
        self.trace("×", || format!("not let in: {error}"));
        if let Some(refused) = refusal(&self.shard.dialect, error) {
            self.record(self.cleaned(refused));
        }
        let why = excerpt(&self.masked(&error.to_string()));
        self.turns_elsewhere(error);
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
        self.comes_back_elsewhere();
        self.input(Input::Closed { why: why.into(), caused });
        self.despair();
    }

    async fn packet(&mut self, received: &Received) {
        let packet = received.packet();
        self.trace("←", || format!("4{}", &**received.text()));
        let heard = self.voice.hear(&self.shard.dialect, &packet);
        if packet.kind.is_event() || packet.kind.is_ack() {
            self.explain(&heard, packet.event_name().as_deref());
        }
        self.heard(heard).await;
        if packet.kind == Kind::Disconnect {
            self.hung_up("Socket.IO disconnect packet", self.trouble.explains_loss());
        }
    }

    /// An event of a batch.
    async fn item(&mut self, event: &Bindings) {
        self.trace("←", || event.get(Hole::EVENT).map_or_else(String::new, ToString::to_string));
        let shard = Rc::clone(&self.shard);
        for heard in shard.dialect.item(event) {
            self.explain(&heard, None);
            self.heard(heard).await;
        }
    }

    async fn heard(&mut self, heard: Heard) {
        if let Some(cursor) = self.voice.come_to() {
            self.bookmark.put(Some(cursor));
        }
        match heard {
            Heard::Answer(attempt, rows, reply) => self.answered(attempt, rows, reply),
            Heard::Onward(onward) => self.go_on(onward),
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
            Heard::Unknown => {}
            Heard::Garbage(what) => self.garbage(&what),
        }
    }

    fn trace(&self, arrow: &'static str, packet: impl FnOnce() -> String) {
        let mut trace = self.shard.trace.borrow_mut();
        if trace.keep > Keep::Nothing {
            trace.note(self.shard.clock.now(), self.id, arrow, packet);
        }
    }

    /// What the server says, without what proves who the client is.
    fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        people::mask(&self.bindings, self.jar.as_ref(), text)
    }

    fn cleaned(&self, event: Event) -> Event {
        match event {
            Event::Refused { said, documented, before } => {
                Event::Refused { said: self.masked(&said).into(), documented, before }
            }
            other => other,
        }
    }

    fn garbage(&mut self, what: &str) {
        let what = CompactString::from(self.masked(what));
        self.shard.note_garbage(&what);
        self.record(Event::Garbage { what });
    }

    fn record(&mut self, event: Event) {
        self.note_at(self.shard.clock.now(), event);
    }

    async fn goodbye(&mut self) {
        self.input(Input::Stop);
        if let Some(session) = self.link.take() {
            let leaving = Box::pin(session.leave(Leave::Polite));
            let _ = tokio::time::timeout(GOODBYE, leaving).await;
        }
    }
}

/// What the history has of a server's refusal, if that is what it is.
fn refusal(dialect: &Dialect, error: &ConnectError) -> Option<Event> {
    let (said, documented, before) = match error {
        ConnectError::ConnectRefused { payload, before, .. } => {
            (excerpt(payload), dialect.is_documented_refusal(payload), *before)
        }
        // Without a socket, that is the only way to say it.
        ConnectError::HttpStatus { status: 401 | 403, body }
            if dialect.spec.connect.protocol == Protocol::Http =>
        {
            (excerpt(body), dialect.is_documented_refusal(body), 0)
        }
        ConnectError::HttpStatus { status: 401 | 403, body }
        | ConnectError::NotWebSocket { status: 401 | 403, body } => {
            (excerpt(body), dialect.is_documented_refusal(body), 0)
        }
        ConnectError::LoginRefused { payload, before } => {
            (excerpt(payload), dialect.is_documented_refusal(payload), *before)
        }
        ConnectError::ClosedInHandshake { phase: Phase::Login } => {
            let first = dialect.spec.connect.first.as_ref();
            (excerpt("hung up"), first.is_some_and(|first| first.no.is_empty()), 0)
        }
        _ => return None,
    };
    Some(Event::Refused { said, documented, before })
}
