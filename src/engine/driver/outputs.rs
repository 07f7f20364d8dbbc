//! What the contract's machine says: it is recorded, sent over the connection, or asked over HTTP.

use super::{Driver, GOODBYE, Returned};
use crate::client::{Ask, AttemptId, Audience, Input, Output, Payload, Reply, Since, Transmit};
use crate::dialect::voice::{Onward, Said, Walk};
use crate::dialect::{Bend, Pages, Route, excerpt};
use crate::engine::link::Link;
use crate::engine::meddling::{Fate, Parcel, dropped};
use crate::engine::rest;
use crate::engine::trace::Keep;
use crate::engine::trouble::nanos;
use crate::fault::Passing;
use crate::history::{Event, Nanos, OpId};
use crate::operation::Operation;
use crate::plan::Oddity;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Step};
use crate::transport::Leave;
use compact_str::CompactString;
use std::rc::Rc;
use std::time::Duration;

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

impl Driver {
    /// Gives the machine an input and does what it says.
    pub(super) fn input(&mut self, input: Input) {
        self.feed(input, |_| true);
    }

    /// Gives the machine what a fault delivers once more, or later than it came: that is not in the
    /// history, for the server did nothing.
    pub(super) fn input_unseen(&mut self, input: Input) {
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
                Output::Record(event) if !self.trouble.meddles() => self.record_at(now, event),
                Output::Record(event) => self.note(now, event, &mut leaving),
                Output::Open => {
                    self.bindings.truncate(self.passport);
                    let places = shard.socket_places(self.id);
                    let (jar, weather) = (self.jar.as_ref(), self.weather.as_ref());
                    let (bindings, elsewhere) = (&self.bindings, self.elsewhere);
                    let (node, bookmark) = (self.place.next, &self.bookmark);
                    let way = (elsewhere, node, shard.source(self.id));
                    self.link = Link::open(&shard, bindings, jar, way, weather, places, bookmark);
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

    /// Records what the machine says, unless the fault that meddles makes something else of it.
    fn note(&mut self, now: Nanos, event: Event, leaving: &mut Leaving) {
        let event = match event {
            // Whether it really leaves is known in a moment.
            Event::Attempt { .. } => {
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
    pub(super) fn record_at(&mut self, now: Nanos, event: Event) {
        self.overhear(now, &event);
        self.note_at(now, event);
    }

    pub(super) fn note_at(&mut self, now: Nanos, event: Event) {
        match &mut self.preparation {
            // It is recorded when it leaves.
            Some(preparation) => preparation.events.push(event),
            None => self.shard.recorder.borrow_mut().record(now, self.id, event),
        }
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

    pub(super) fn transmit(&mut self, now: Nanos, Transmit { attempt, ask }: Transmit) {
        let shard = Rc::clone(&self.shard);
        let mark = self.bindings.mark();
        self.bind(&ask);
        let people = ask.people(self.bindings.get(Hole::USER));
        let bend = ask.odd.map(|odd| Bend::begin(odd, &mut self.bindings));
        let via = ask.manner.via.as_deref();
        if let Some(route) = shard.dialect.route(ask.operation, people, via)
            && let Some(step) = shard.dialect.at(route)
        {
            let walk = ask.operation.reads().then(|| {
                let rows = ask.manner.rows;
                let bindings = &mut self.bindings;
                let pages = Pages::begin(&shard.dialect, attempt.op, step, rows, bindings);
                Box::new(Walk { pages, pause: ask.manner.pause })
            });
            self.put(now, attempt, route, walk, Some((&ask, bend)));
        }
        self.bindings.truncate(mark);
    }

    /// Puts a request into words and on its way, with what is bound now.
    fn put(
        &mut self,
        now: Nanos,
        attempt: AttemptId,
        route: Route,
        walk: Option<Box<Walk>>,
        first: Option<(&Ask, Option<Bend>)>,
    ) {
        let shard = Rc::clone(&self.shard);
        let odd = first.as_ref().and_then(|(ask, _)| ask.odd);
        let place = match &first {
            Some((ask, _)) => ask.conversation,
            None => shard.dialect.place(&self.bindings),
        };
        let bend = first.and_then(|(_, bend)| bend);
        let mut data = shard.scratch.take();
        data.clear();
        let kept = walk.clone();
        let said = self.voice.say(&shard.dialect, attempt, route, &self.bindings, walk, &mut data);
        match said {
            Ok(Said::Event(mut ack)) => {
                if let Some(bend) = &bend {
                    bend.event(&mut data);
                    ack = self.odd_ack(odd, ack);
                }
                shard.trace.borrow_mut().note(now, self.id, "→", || match ack {
                    Some(ack) => format!("42{ack}{data}"),
                    None => format!("42{data}"),
                });
                if let Err(error) = self.link.emit(ack, &data) {
                    self.complain(now, &error.to_string());
                }
                self.left(route);
            }
            Ok(Said::Frame) => {
                let step = shard.dialect.at(route);
                if let (Some(bend), Some(Step { request: Request::Frame { shape }, .. })) =
                    (&bend, step)
                {
                    bend.frame(shape, &mut data);
                }
                shard.trace.borrow_mut().note(now, self.id, "→", || data.clone());
                if let Err(error) = self.link.frame(self.bindings.get(Hole::CONVERSATION), &data) {
                    self.complain(now, &error.to_string());
                }
                self.left(route);
            }
            Ok(Said::Http) => {
                let bindings = self.bindings.clone();
                let op = attempt.op;
                let (walk, jar) = (kept, self.jar.clone());
                let ask = rest::Ask { route, op, conversation: place, bindings, walk, jar, bend };
                self.call(attempt, ask);
            }
            Ok(Said::Nothing) => {}
            Err(unbound) => {
                let name = shard.dialect.spec.holes.name(unbound.0);
                let operation = route.operation;
                self.complain(now, &format!("`{operation}` needs `${name}`, which has no value"));
            }
        }
        shard.scratch.replace(data);
    }

    /// An attempt goes on: with the next page of a read, or the next request of a sequence.
    pub(super) fn go_on(&mut self, onward: Onward) {
        let pause = onward.walk.as_ref().map_or(Duration::ZERO, |walk| walk.pause);
        if pause.is_zero() {
            return self.say_on(onward);
        }
        self.calls.push(Box::pin(async move {
            tokio::time::sleep(pause).await;
            Returned::Rested(onward)
        }));
    }

    /// The same, at once.
    pub(super) fn say_on(&mut self, Onward { attempt, route, bindings, walk }: Onward) {
        let usual = std::mem::replace(&mut self.bindings, *bindings);
        self.put(self.shard.clock.now(), attempt, route, walk, None);
        self.bindings = usual;
    }

    /// A request of a sequence was answered with a yes that binds these. Requests that nothing
    /// confirms leave with it; without a connection they are left out.
    pub(super) fn follow(
        &mut self,
        attempt: AttemptId,
        route: Route,
        bindings: Bindings,
        yes: Reply,
    ) {
        let shard = Rc::clone(&self.shard);
        let mut last = route;
        while let Some(next) = shard.dialect.after(last) {
            let step = shard.dialect.at(next);
            let shape = match step {
                Some(Step { request: Request::Emit { shape, .. }, yes, .. }) if yes.is_empty() => {
                    shape
                }
                _ => {
                    let bindings = Box::new(bindings);
                    return self.say_on(Onward { attempt, route: next, bindings, walk: None });
                }
            };
            let mut data = String::new();
            if shape.fill(&bindings, &mut data).is_ok() && self.link.emit(None, &data).is_ok() {
                self.trace("→", || format!("42{data}"));
            }
            last = next;
        }
        self.answered(attempt, Vec::new(), yes);
    }

    /// A request was handed to the connection: a cut that waits for a send happens when it is out.
    fn left(&mut self, route: Route) {
        if route.operation == Operation::Send {
            self.cut_due = self.cut_due.or_else(|| self.trouble.after_send());
        }
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
            && !matches!(ask.operation, Operation::Create | Operation::Broadcast)
        {
            self.bindings.set(Hole::CONVERSATION, id);
        }
        match &ask.payload {
            Payload::None => {}
            Payload::People(people) | Payload::Audience(Audience::People(people)) => {
                self.bind_people(people);
            }
            Payload::Audience(Audience::Everybody) => {}
            Payload::Audience(Audience::Chapter(chapter)) => {
                self.bindings.set(Hole::CHAPTER, chapter.clone());
            }
            Payload::Message(message) => {
                if let Some(peer) = ask.conversation.and_then(|c| self.shard.peer(self.id, c)) {
                    self.bindings.set(Hole::PEER, peer);
                }
                self.bindings.set(Hole::TEXT, Scalar::Text(dialect.text(message.token)));
                self.bindings.set(Hole::KEY, Scalar::Text(CompactString::from(&*message.key)));
            }
            Payload::About(id) => self.bindings.set(Hole::MESSAGE, dialect.message_id(id)),
            Payload::Query(text) => self.bindings.set(Hole::QUERY, Scalar::Text(text.clone())),
            Payload::Since(since) => match since {
                Since::Start => {}
                Since::Position(order) => self.bindings.set(Hole::SINCE, dialect.position(*order)),
                Since::Clock(at) => {
                    self.bindings.set(Hole::SINCE, dialect.time(self.shard.wall(self.id, *at)));
                }
                Since::Cursor(cursor) => {
                    self.bindings.set(Hole::CURSOR, dialect.cursor(cursor));
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

    fn call(&mut self, attempt: AttemptId, ask: rest::Ask) {
        let shard = Rc::clone(&self.shard);
        let (own, troubled) = (self.http.clone(), self.trouble.excuses());
        let (client, route, node) = (self.id, ask.route, self.place.next);
        let typing = [Operation::TypingStart, Operation::TypingStop].contains(&route.operation);
        let typing = typing.then(|| Rc::clone(&self.typing));
        self.calls.push(Box::pin(async move {
            // A stop that overtakes its start would be undone by it.
            let _typed = match &typing {
                Some(typing) => Some(typing.lock().await),
                None => None,
            };
            // A request in trouble may take long, and shall keep nobody waiting.
            let (http, _turn) = match &own {
                Some(own) => (&**own, None),
                None => (&shard.nodes[node].http, shard.gate.acquire().await.ok()),
            };
            let tap = |arrow, packet| {
                let now = shard.clock.now();
                shard.trace.borrow_mut().note(now, client, arrow, || packet);
            };
            let keeps = shard.trace.borrow().keep >= Keep::Packets;
            let tap = keeps.then_some(&tap as rest::Tap<'_>);
            let (outcome, bound) = rest::perform(http, &shard.dialect, ask, tap).await;
            Returned::Answered { attempt, route, outcome, bound, troubled }
        }));
    }
}
