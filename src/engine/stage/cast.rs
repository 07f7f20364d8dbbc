//! Who plays: the people, devices and conversations of a script as a cell of a plan.

use crate::engine::stage::Play;
use crate::history::{ClientId, ConversationId, PersonId};
use crate::plan::placement::home;
use crate::plan::script::{Device, Script};
use crate::plan::{Cell, Conversation, Person};
use crate::scenario::{Population, Reconnect, Scenario};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use std::time::Duration;

/// People, clients and conversations that one play may have of each.
pub(super) const ROOM: u32 = 32;
/// Plays of a run that have people of their own.
const PLAYS: u32 = 4_096;
/// Runs against one server that have people of their own, by chance.
const RUNS: u64 = 8_192;

/// The cast of a play.
pub(super) struct Cast {
    pub(super) cell: Cell,
    /// Conversations that are made by a step, and not before the first.
    later: Vec<Conversation>,
    /// All conversations in the order of the script's rooms.
    rooms: Vec<ConversationId>,
}

/// The first of the people of a play. Another run against the same server meets other people.
#[must_use]
pub fn first_person(play: u32, run: u64) -> PersonId {
    PersonId((1 + run % RUNS) as u32 * PLAYS * ROOM + play * ROOM)
}

/// Everybody who has a part in a play of this number.
pub(crate) fn people_of(
    script: &Script,
    play: u32,
    run: u64,
) -> impl Iterator<Item = PersonId> + use<> {
    let PersonId(first) = first_person(play, run);
    (first..first + script.people.len() as u32).map(PersonId)
}

impl Cast {
    /// The cast of a script: nobody else in this run plays with them.
    pub(super) fn of(play: &Play, run: u64) -> Self {
        let script = &play.script;
        let first = play.number * ROOM;
        let PersonId(first_person) = first_person(play.number, run);
        let mut next_client = first;
        let mut people: Vec<Person> = Vec::new();
        for (index, role) in script.people.iter().enumerate() {
            let clients = (0..role.devices as u32).map(|device| ClientId(next_client + device));
            let own = PersonId(first_person + index as u32);
            let given = play.people.as_ref().and_then(|people| people.get(index).copied());
            people.push(Person {
                id: given.unwrap_or(own),
                clients: clients.collect(),
                conversations: Vec::new(),
            });
            next_client += role.devices as u32;
        }
        let rooms: Vec<ConversationId> =
            (0..script.rooms.len()).map(|index| ConversationId(first + index as u32)).collect();
        let made = |by_step: bool| {
            let all = rooms.iter().zip(&script.rooms);
            all.filter(move |(_, room)| room.by_step == by_step)
                .map(|(id, room)| Conversation { id: *id, members: room.members.clone() })
                .collect::<Vec<Conversation>>()
        };
        let (conversations, later) = (made(false), made(true));
        for (index, conversation) in conversations.iter().enumerate() {
            for &member in &conversation.members {
                people[member].conversations.push(index);
            }
        }
        Self { cell: Cell { number: play.number, people, conversations }, later, rooms }
    }

    /// The client that is this device.
    pub(super) fn client(&self, device: Device) -> ClientId {
        self.cell.people[device.person].clients[device.device]
    }

    /// The conversation that is this room.
    pub(super) fn conversation(&self, room: usize) -> Option<ConversationId> {
        self.rooms.get(room).copied()
    }

    /// The conversation that is this room, if a step makes it.
    pub(super) fn later(&self, conversation: ConversationId) -> Option<&Conversation> {
        self.later.iter().find(|later| later.id == conversation)
    }

    /// Whom this conversation is meant for, if it is a broadcast: positions in the cast.
    pub(super) fn audience<'a>(
        &self,
        script: &'a Script,
        conversation: ConversationId,
    ) -> Option<&'a [usize]> {
        let index = self.rooms.iter().position(|room| *room == conversation)?;
        script.rooms[index].audience.as_deref()
    }

    /// How fast the clients' clocks are, in nanoseconds.
    pub(super) fn skews(&self, script: &Script) -> FxHashMap<ClientId, i64> {
        let skew = |device: Device| script.people[device.person].skew_ms.saturating_mul(1_000_000);
        script.devices().map(|device| (self.client(device), skew(device))).collect()
    }

    /// On which node each client connects first, counted from 0: as the script says, or dealt out.
    pub(super) fn homes(&self, script: &Script, nodes: usize) -> FxHashMap<ClientId, usize> {
        let home = |device: Device| match script.people[device.person].nodes.get(device.device) {
            Some(node) => (*node as usize - 1).min(nodes - 1),
            None => home(PersonId(device.person as u32), device.device, nodes),
        };
        script.devices().map(|device| (self.client(device), home(device))).collect()
    }

    /// What the clients are called.
    pub(super) fn names(&self, script: &Script) -> Vec<(ClientId, String)> {
        script.devices().map(|device| (self.client(device), name(script, device))).collect()
    }

    /// A scenario in which nothing happens by itself.
    pub(super) fn scenario(&self) -> Arc<Scenario> {
        Arc::new(Scenario {
            name: "a case".into(),
            about: String::new(),
            spec: None,
            seed: 0,
            launch: None,
            target: Vec::new(),
            embedded: None,
            people: Population {
                count: self.cell.people.len() as u32,
                devices: vec![(1, 1.0)],
                pairs: 0,
                groups: Vec::new(),
                stars: Vec::new(),
                clock_skew: Duration::ZERO,
                reconnect: Reconnect::default(),
            },
            phases: Vec::new(),
            http: None,
            faults: Vec::new(),
            patience: Duration::from_secs(15),
            expect: Vec::new(),
            exercise: Vec::new(),
        })
    }
}

/// How reports call a client of a script: `ann`, or `ann.2` of several.
pub(super) fn name(script: &Script, device: Device) -> String {
    let role = &script.people[device.person];
    match role.devices {
        1 => role.name.clone(),
        _ => format!("{}.{}", role.name, device.device + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast(number: u32, run: u64) -> Cast {
        let script = Script::parse("people: ann x2, bob, eve stranger\nrest").unwrap();
        Cast::of(&Play { number, script: Arc::new(script), patience: None, people: None }, run)
    }

    #[test]
    fn plays_and_runs_have_nobody_in_common() {
        let ids = |cast: &Cast| {
            let people: Vec<_> = cast.cell.people.iter().map(|person| person.id).collect();
            let clients: Vec<_> = cast.cell.clients().collect();
            (people, clients, cast.conversation(0))
        };
        let (one, other, later) = (ids(&cast(0, 5)), ids(&cast(1, 5)), ids(&cast(0, 6)));
        assert!(one.0.iter().all(|id| !other.0.contains(id) && !later.0.contains(id)));
        assert!(one.1.iter().all(|id| !other.1.contains(id)));
        assert_ne!(one.2, other.2);
    }

    #[test]
    fn strangers_have_a_client_and_no_conversation() {
        let cast = cast(0, 1);
        assert_eq!(cast.cell.conversations[0].members, [0, 1]);
        assert_eq!(cast.client(Device { person: 2, device: 0 }), ClientId(3));
        assert!(cast.cell.people[2].conversations.is_empty());
    }
}
