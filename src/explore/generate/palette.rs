//! What a generated script may be made of on one server.

use crate::fault::{Fault, Server};
use crate::operation::Operation;
use crate::property::Charge;
use crate::spec::{AUDIENCES, Scope, Spec};

/// The operations and limits that a generated script keeps to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Repetitions of a message are told by its key; also from another device of the person.
    pub(super) repeats: Option<Repeats>,
    /// Two people ask for the conversation that they have, or will have.
    pub(super) creates: bool,
    /// One person writes to some who only read.
    pub(super) broadcasts: bool,
    /// Operations about a conversation or about oneself.
    pub(super) asks: Vec<Operation>,
    /// Operations about a message.
    pub(super) about: Vec<Operation>,
    /// Typing is told.
    pub(super) types: bool,
    /// The channels over which a message can leave, if there are several.
    pub(super) channels: Vec<String>,
    /// Messages that a person may send in one script: fewer than the documented rate.
    pub(super) sends: usize,
    /// Messages that a person may send in one go while something happens to the server.
    pub(super) stream: usize,
    /// The server's process may be restarted.
    pub(super) restarts: bool,
    /// What may happen to the server's nodes and parts, as scripts say it, until it heals.
    pub(super) strikes: Vec<String>,
}

/// From where a repetition is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeats {
    /// From any device of the person.
    Person,
    /// From the same device alone.
    Device,
}

/// The channel of a broadcast to a list of people.
const TO_PEOPLE: &str = AUDIENCES[2];
/// Messages that a person sends in one script where no rate is documented, and in one go while something
/// happens to the server: enough that it comes in the middle of them.
const SENDS: usize = 12;
const STREAM: usize = 30;

impl Palette {
    /// What this spec has, without the operations that the server was seen to lack; `restarts` says that
    /// the server may be restarted.
    #[must_use]
    pub fn of(spec: &Spec, restarts: bool, absent: &[Operation]) -> Self {
        use Operation::{
            Announce, Broadcast, Contacts, Create, Delivered, Hide, History, Join, List, Read,
            Search, Send, Sync, TypingStart, Unread,
        };
        let has =
            |operation: Operation| spec.deed(operation).is_some() && !absent.contains(&operation);
        let those = |all: &[Operation]| all.iter().copied().filter(|one| has(*one)).collect();
        let device = |scope| if scope == Scope::Device { Repeats::Device } else { Repeats::Person };
        let dedup = spec.traits.dedup.as_ref();
        let told = Charge::of(spec).tells_repeats();
        let send = spec.deed(Send);
        let channels: Vec<String> = send
            .into_iter()
            .flat_map(|send| send.channels.iter().map(|channel| channel.name.to_string()))
            .collect();
        let within = |most: usize| {
            let rate = spec.limits.send_rate;
            rate.map_or(most, |(rate, _)| (rate as usize * 4 / 5).clamp(1, most))
        };
        Self {
            repeats: dedup.filter(|_| told).map(|dedup| device(dedup.scope)),
            creates: has(Create),
            broadcasts: has(Broadcast)
                && spec.deed(Broadcast).is_some_and(|deed| deed.channel(TO_PEOPLE).is_some()),
            asks: those(&[Join, Sync, History, List, Unread, Contacts]),
            about: those(&[Read, Delivered, Announce, Hide, Search]),
            types: has(TypingStart),
            channels: if channels.len() > 1 { channels } else { Vec::new() },
            sends: within(SENDS),
            stream: within(STREAM),
            restarts,
            strikes: Vec::new(),
        }
    }

    /// The same, where this may happen to the server's nodes and parts.
    #[must_use]
    pub fn with_strikes(self, strikes: &[Server]) -> Self {
        let said = strikes.iter().map(|strike| Fault::Server(*strike).to_string());
        Self { strikes: said.collect(), ..self }
    }

    /// Something may happen to the server's nodes and parts.
    #[must_use]
    pub fn has_strikes(&self) -> bool {
        !self.strikes.is_empty()
    }
}
