//! What several nodes have to do with one another: the bus between them, a node that dies, and what
//! a server gets wrong that forgets that it has others.
//!
//! Everything is told over the bus but what stays on its node. While the bus is held up, what goes to
//! another node waits, and behind it whatever else goes to the same connection: so the order stays.

use super::Hall;
use crate::reference::bugs::Bug;
use crate::reference::model::*;
use crate::reference::play::Outgoing;
use rustc_hash::FxHashMap;

/// Events that wait for one connection while the bus is held up; then the connection is given up, for
/// a hole in its stream would be a silent loss.
const HELD: usize = 4096;

/// The bus between the nodes.
#[derive(Default)]
pub(super) struct Bus {
    /// The node at which happens what is told now; none: what the server does by itself.
    pub(super) origin: Option<Node>,
    held_up: bool,
    /// What waits for each connection.
    waiting: FxHashMap<Connection, Vec<Outgoing>>,
    /// On which node each person was last; kept only for `failover-no-rejoin`.
    last: FxHashMap<User, Node>,
    /// Connections of a node that died; kept only for `ghost-after-crash`.
    ghosts: Vec<Connection>,
}

impl Bus {
    pub(super) fn forget(&mut self, connection: Connection) {
        self.waiting.remove(&connection);
    }
}

impl Hall {
    /// A node died: the others tell its people's friends.
    pub(crate) fn lose(&mut self, node: Node) {
        let lost = self.present.iter().filter(|(_, present)| present.node == node);
        let lost: Vec<Connection> = lost.map(|(connection, _)| *connection).collect();
        if self.bugs.has(Bug::GhostAfterCrash) {
            return self.bus.ghosts.extend(lost);
        }
        lost.into_iter().for_each(|connection| self.forget(connection));
        self.sweep();
    }

    /// Nothing goes from node to node from now on, or it does again.
    pub(crate) fn hold_up(&mut self, held_up: bool) {
        self.bus.held_up = held_up;
        if held_up {
            return;
        }
        let mut waiting: Vec<(Connection, Vec<Outgoing>)> = self.bus.waiting.drain().collect();
        waiting.sort_unstable_by_key(|(connection, _)| *connection);
        for (connection, events) in waiting {
            self.hand_over(connection, &events);
        }
        self.sweep();
    }

    /// Pushes to one connection, at once or when the bus lets it through.
    pub(super) fn deliver(&mut self, connection: Connection, events: &[Outgoing]) {
        let Some(present) = self.present.get(&connection) else { return };
        let crosses = self.bus.origin.is_some_and(|origin| origin != present.node);
        let waits = self.bus.waiting.contains_key(&connection);
        if !(self.bus.held_up && crosses || waits) {
            return self.hand_over(connection, events);
        }
        if self.bugs.has(Bug::BusForgets) {
            return;
        }
        let waiting = self.bus.waiting.entry(connection).or_default();
        waiting.extend_from_slice(events);
        if waiting.len() > HELD {
            present.wire.hang_up();
            self.bus.forget(connection);
        }
    }

    fn hand_over(&mut self, connection: Connection, events: &[Outgoing]) {
        let Some(present) = self.present.get(&connection) else { return };
        if !events.iter().all(|event| present.wire.push(event)) && !self.is_ghost(connection) {
            self.gone.push(connection);
        }
    }

    /// With this bug only the node on which it happens hears of it.
    pub(super) fn keep_to_node(&self, bug: Bug, receivers: &mut Vec<Connection>) {
        if let (true, Some(origin)) = (self.bugs.has(bug), self.bus.origin) {
            receivers.retain(|id| self.present.get(id).is_some_and(|here| here.node == origin));
        }
    }

    /// How many of a person's devices count; with `presence-per-node` those of this node.
    pub(super) fn devices_known(&self, user: &User, node: Node) -> usize {
        let devices = self.of_user.get(user).into_iter().flatten();
        let local = self.bugs.has(Bug::PresencePerNode);
        devices.filter(|id| !local || self.present[id].node == node).count()
    }

    /// The person was on another node before; only for `failover-no-rejoin`.
    pub(super) fn is_foreign(&mut self, user: &User, node: Node) -> bool {
        let before = self.bugs.has(Bug::FailoverNoRejoin).then(|| self.bus.last.get(user).copied());
        match before {
            None => false,
            Some(before) => {
                self.bus.last.entry(user.clone()).or_insert(node);
                before.is_some_and(|before| before != node) && !self.of_user.contains_key(user)
            }
        }
    }

    /// The connection went with its node and nobody noticed; only for `ghost-after-crash`.
    pub(super) fn is_ghost(&self, connection: Connection) -> bool {
        self.bus.ghosts.contains(&connection)
    }
}
