//! A spec read from the server's side: what clients send is matched, what servers say is filled.
//!
//! [`Play`] knows shapes and the chat's own terms, and no socket: it turns an event or a request
//! into a [`Command`](crate::reference::model::Command) (`ask`), an answer into the JSON
//! that the spec documents for it (`answer`), and what happened into the events that others see (`push`).

mod account;
mod answer;
mod ask;
mod batch;
mod first;
mod frames;
mod push;

pub(crate) use account::{Account, Lines, has_accounts};
pub(crate) use answer::Reply;
pub(crate) use ask::{Asked, HttpAsk, parameter};
pub(crate) use batch::{Item, Polled};
pub(crate) use first::{LetIn, Login};
pub(crate) use push::{Arguments, Outgoing};

use crate::operation::{Operation, Sight};
use crate::reference::model::{Message, Position, ReceiptKind};
use crate::reference::stamp;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Deed, Hole, Request, Spec, Step, UserIds, Via};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A spec, ready to be played.
pub(crate) struct Play {
    spec: Arc<Spec>,
    ids: Ids,
    by_seq: bool,
    events: FxHashMap<String, Vec<Route>>,
    /// Events whose names have holes.
    open_events: Vec<Route>,
    frames: Vec<Route>,
    requests: Vec<Route>,
    /// The sights whose events differ from receiver to receiver.
    personal: Vec<Sight>,
    /// The holes that forms hand out, to be sent back.
    vouchers: Vec<Hole>,
}

/// One step of one channel of one deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    deed: usize,
    channel: usize,
    step: usize,
}

/// What the server's own ids look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ids {
    Integer,
    /// 24 hexadecimal digits.
    Hex,
}

impl Play {
    pub(crate) fn new(spec: &Arc<Spec>) -> Self {
        let ids = match spec.people.ids {
            UserIds::Integer { .. } => Ids::Integer,
            _ => Ids::Hex,
        };
        let personal = spec.sees.iter().filter(|pushed| {
            let holes = pushed.reception.shape.holes();
            holes.iter().any(|(hole, _)| *hole == Hole::USER || *hole == Hole::PEER)
        });
        let mut play = Self {
            ids,
            by_seq: (spec.traits.order.as_ref()).is_some_and(|order| order.by == Hole::SEQ),
            events: FxHashMap::default(),
            open_events: Vec::new(),
            frames: Vec::new(),
            requests: Vec::new(),
            personal: personal.map(|pushed| pushed.sight).collect(),
            vouchers: account::vouchers(spec),
            spec: Arc::clone(spec),
        };
        for (deed, channel, step) in steps(&spec.does) {
            let route = Route { deed, channel, step };
            match &spec.does[deed].channels[channel].steps[step].request {
                Request::Emit { event, .. } if event.contains('$') => play.open_events.push(route),
                Request::Emit { event, .. } => {
                    play.events.entry(event.clone()).or_default().push(route);
                }
                Request::Http(_) => play.requests.push(route),
                Request::Frame { .. } => play.frames.push(route),
            }
        }
        // What is an operation of its own, too, is more than the second step of another one.
        play.events.values_mut().for_each(|routes| routes.sort_by_key(|route| route.step > 0));
        play.frames.sort_by_key(|route| route.step > 0);
        play
    }

    pub(crate) fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(crate) fn operation(&self, route: Route) -> Operation {
        self.spec.does[route.deed].operation
    }

    /// The step is answered by an acknowledgement.
    pub(crate) fn acks(&self, route: Route) -> bool {
        let step = self.step(route);
        step.yes.iter().chain(&step.no).any(|one| one.via == Via::Ack)
    }

    /// The event or frame as the spec documents it, with what the client said in its holes.
    pub(crate) fn documented(&self, asked: &Asked) -> String {
        match &self.step(asked.route).request {
            Request::Emit { shape, .. } | Request::Frame { shape } => {
                fill(shape, &asked.bindings, &[])
            }
            Request::Http(_) => String::new(),
        }
    }

    /// The name of the channel that a question came through.
    fn audience(&self, route: Route) -> &str {
        &self.spec.does[route.deed].channels[route.channel].name
    }

    fn step(&self, route: Route) -> &Step {
        &self.spec.does[route.deed].channels[route.channel].steps[route.step]
    }

    /// A user id as the spec writes ids.
    pub(crate) fn user(&self, id: &str) -> Scalar {
        match (&self.spec.people.ids, id.parse()) {
            (UserIds::Integer { .. }, Ok(number)) => Scalar::Int(number),
            _ => id.into(),
        }
    }

    fn bind_message(&self, bindings: &mut Bindings, message: &Message) {
        bindings.set(Hole::MESSAGE, self.ids.write(message.id));
        bindings.set(Hole::CONVERSATION, self.ids.write(message.conversation));
        bindings.set(Hole::SENDER, self.user(&message.sender));
        bindings.set(Hole::TEXT, message.text.as_str());
        if let Some(key) = &message.key {
            bindings.set(Hole::KEY, key.as_str());
        }
        bindings.set(Hole::AT, stamp::to_iso(message.at).as_str());
        bindings.set(Hole::SEQ, message.seq);
        bindings.set(Hole::STATUS, message.status.map_or("sent", ReceiptKind::word));
    }

    /// Where a reader of this message goes on, as a client may send it back.
    fn position(&self, message: &Message) -> Scalar {
        if self.by_seq {
            Scalar::Int(message.seq)
        } else {
            stamp::to_iso(message.at).as_str().into()
        }
    }

    fn parse_position(&self, scalar: &Scalar) -> Option<Position> {
        let text = scalar.text();
        if self.by_seq {
            text.parse().ok().map(Position::Seq)
        } else {
            stamp::parse(&text).map(Position::At)
        }
    }
}

impl Ids {
    fn write(self, number: i64) -> Scalar {
        match self {
            Self::Integer => Scalar::Int(number),
            Self::Hex => format!("{number:024x}").as_str().into(),
        }
    }

    fn parse(self, scalar: &Scalar) -> Option<i64> {
        let text = scalar.text();
        match self {
            Self::Integer => text.parse().ok(),
            Self::Hex if text.len() == 24 => i64::from_str_radix(&text, 16).ok(),
            Self::Hex => None,
        }
    }
}

fn steps(deeds: &[Deed]) -> impl Iterator<Item = (usize, usize, usize)> {
    deeds.iter().enumerate().flat_map(|(index, deed)| {
        deed.channels.iter().enumerate().flat_map(move |(channel, way)| {
            (0..way.steps.len()).map(move |step| (index, channel, step))
        })
    })
}

/// Fills a shape; holes that this server has nothing for are null.
fn fill(shape: &crate::spec::Shape, frame: &Bindings, rows: &[Bindings]) -> String {
    let mut out = String::with_capacity(160);
    let mut frame = std::borrow::Cow::Borrowed(frame);
    while let Err(unbound) = shape.fill_rows(&frame, rows, &mut out) {
        frame.to_mut().set(unbound.0, Scalar::Null);
    }
    out
}
