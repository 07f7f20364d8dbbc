//! What the client is told to do, and what its faults do to it.

use super::{Driver, Preparation};
use crate::client::{Action, Ask, Input};
use crate::engine::converse::{Converse, Workload};
use crate::engine::link::Link;
use crate::engine::salvo::{Loaded, Muster};
use crate::engine::setup;
use crate::engine::slot::{Command, Held, Suffering};
use crate::engine::trouble::{Cut, nanos};
use crate::history::{ConversationId, Due, Event, Nanos};
use crate::plan::Act;
use crate::spec::SocketPer;
use crate::transport::weather::Conditions;
use compact_str::{CompactString, ToCompactString};
use std::rc::Rc;

impl Driver {
    pub(super) async fn command(&mut self, command: Command) {
        match command {
            Command::Act(planned, act) => self.act(planned, act).await,
            Command::Ask(planned, ask, due) => self.ask_as_due(planned, ask, due),
            Command::Hold(held) => self.hold(*held),
            Command::Move(node) => self.moves(node).await,
            Command::Disconnect => self.disconnect(),
            Command::Suffer(suffering) => self.suffer(suffering).await,
            Command::Enter(conversation) => self.enter(conversation),
            Command::Heal => self.heal().await,
            Command::FinalRead(conversation) => {
                let planned = self.shard.clock.now();
                self.ask(planned, Ask::history(conversation));
            }
            Command::Load => {
                let since = self.shard.clock.now();
                self.preparation = Some(Preparation { since, events: Vec::new() });
            }
            Command::Muster(muster) => self.muster(muster).await,
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
            Act::GoAway if self.slot.started.get() => self.disconnect(),
            Act::ComeBack if self.slot.away.get() => {
                self.slot.away.set(false);
                self.input(Input::Start);
            }
            Act::GoAway | Act::ComeBack => {}
            Act::Send { conversation, message, repeat, via } => {
                let mut ask = Ask::send(conversation, message);
                ask.manner.via = via;
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
            Act::Converse { pace, phase, until, seed } => {
                let workload = Workload {
                    cell: self.shard.cell_of(self.id),
                    pace,
                    until: until + self.shard.start.get(),
                    carriage: self.shard.plan.carriages[phase].clone(),
                    conversations: self.shard.conversations_of(self.id),
                };
                self.converse = Converse::new(workload, seed, planned);
            }
            Act::Fault { index, begins } => self.fault(index, begins).await,
        }
    }

    /// Takes part in a further conversation. Where it has a socket of its own, that comes first: a sync
    /// that is asked for before leaves a gap, and who is ready hears everything.
    fn enter(&mut self, conversation: ConversationId) {
        let own = self.shard.dialect.spec.connect.per == SocketPer::Conversation;
        match self.shard.dialect.conversation(conversation).filter(|_| own) {
            Some(place) => self.entering.push((conversation, place)),
            None => self.input(Input::Act(Action::Enter(conversation))),
        }
    }

    /// Enters the conversations whose sockets are open by now.
    pub(super) fn enter_what_is_open(&mut self) {
        for (conversation, place) in std::mem::take(&mut self.entering) {
            if self.link.enter(&place) {
                self.input(Input::Act(Action::Enter(conversation)));
            } else {
                self.entering.push((conversation, place));
            }
        }
    }

    fn ask_as_due(&mut self, planned: Nanos, ask: Ask, due: Option<(Due, CompactString)>) {
        let op = self.shard.effects.borrow_mut().next_op();
        if let Some((due, why)) = due {
            self.record(Event::Due { op, due, why, odd: ask.odd.is_some() });
        }
        self.input(Input::Act(Action::Ask { op, ask, planned }));
    }

    /// What was prepared leaves when the others' does.
    async fn muster(&mut self, muster: Muster) {
        let Some(Preparation { since: prepared, events }) = self.preparation.take() else { return };
        let loaded = Loaded {
            link: std::mem::replace(&mut self.link, Link::Down),
            calls: std::mem::take(&mut self.calls),
            returned: Vec::new(),
            events,
            left: None,
        };
        let Loaded { link, calls, returned, events, left } = muster.wait(loaded).await;
        (self.link, self.calls) = (link, calls);
        for event in events {
            self.record(event);
        }
        let at = left.unwrap_or_else(|| self.shard.clock.now());
        self.input(Input::Left { prepared, at });
        for returned in returned {
            self.returned(returned);
        }
    }

    fn hold(&mut self, Held { papers, what, valid, lasts, elsewhere }: Held) {
        self.shard.trace.borrow_mut().hide(&papers);
        self.passport = papers.bindings.mark();
        (self.bindings, self.jar) = (papers.bindings, papers.jar);
        (self.elsewhere, self.barred) = (elsewhere, !valid);
        let until = lasts.map(|lasts| self.shard.clock.now() + lasts);
        self.record(Event::Credential { what, valid, until });
    }

    pub(super) fn disconnect(&mut self) {
        self.slot.away.set(true);
        self.input(Input::Stop);
    }

    async fn fault(&mut self, number: usize, begins: bool) {
        let fault = &self.shard.plan.scenario.faults[number];
        let until = self.shard.start.get() + nanos(fault.at + fault.lasts);
        self.suffer(Suffering { number, kind: fault.fault, begins, until }).await;
    }

    pub(super) async fn suffer(&mut self, suffering: Suffering) {
        if !self.concerns(&suffering) {
            return;
        }
        let Suffering { number, kind, begins, until } = suffering;
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
    pub(super) async fn bear(&mut self, cut: Option<Cut>) {
        self.excuse();
        self.weather_changes();
        if let Some(cut) = cut {
            self.input(Input::Away { until: cut.until });
            let opening = matches!(self.link, Link::Opening(_));
            if let Some(session) = self.link.take() {
                // Boxed, for it happens seldom, and each client would have the room for it always.
                let how = Box::pin(cut.apply(session)).await;
                self.hung_up(how, true);
            } else if opening {
                self.hung_up("cut before it was open", true);
            }
        }
    }

    /// Tells the machine whether what is missing or late now is the harness's doing.
    pub(super) fn excuse(&mut self) {
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
            let mut connect = shard.approach.connect().clone();
            connect.weather = Some(weather.clone());
            let endpoint = &shard.nodes[self.place.next].endpoint;
            let http = setup::http_client(endpoint, &shard.dialect.spec, connect, 1);
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
}
