//! On which of the server's nodes the client is, and what happens to that node.
//!
//! The rule is that of a load balancer with sticky sessions: a client comes back to the node where it
//! was; if nobody listens there, it is led to the next one, and stays. What happens to a node concerns
//! the clients on it, and nobody else.

use super::Driver;
use crate::engine::shard::Shard;
use crate::engine::slot::Suffering;
use crate::fault::{Fault, Server};
use crate::history::{ClientId, Event};
use crate::scenario::Reconnect;
use crate::transport::ConnectError;

/// On which node a client is.
pub(super) struct Place {
    /// Where it connects next, and where its requests go.
    pub(super) next: usize,
    /// The node whose fate it shares: where it is, or was, or will be at first.
    at: usize,
    /// What the history says of it.
    told: Option<usize>,
    /// What happens to nodes on which it is not.
    elsewhere: Vec<Suffering>,
}

impl Place {
    pub(super) fn new(shard: &Shard, client: ClientId) -> Self {
        let next = shard.homes.borrow().get(&client).copied().unwrap_or_default();
        Self { next, at: next, told: None, elsewhere: Vec::new() }
    }
}

impl Driver {
    /// The connection is open to this node.
    pub(super) async fn is_on(&mut self, node: usize) {
        self.moves(node).await;
        if self.shard.nodes.len() > 1 && self.place.told.replace(node) != Some(node) {
            self.record(Event::Node { node: node as u32 + 1 });
        }
    }

    /// From the next connection on the client is on this node: what happens to the one that it leaves
    /// is over for it, and what happens to the new one begins.
    pub(super) async fn moves(&mut self, node: usize) {
        self.place.next = node.min(self.shard.nodes.len() - 1);
        if std::mem::replace(&mut self.place.at, self.place.next) == self.place.next {
            return;
        }
        for left in self.trouble.of_nodes() {
            self.place.elsewhere.push(left);
            Box::pin(self.suffer(Suffering { begins: false, ..left })).await;
        }
        let elsewhere = std::mem::take(&mut self.place.elsewhere);
        for suffering in elsewhere {
            Box::pin(self.suffer(suffering)).await;
        }
    }

    /// Whether what happens concerns this client. What happens to another node is kept in mind.
    pub(super) fn concerns(&mut self, suffering: &Suffering) -> bool {
        let Fault::Server(Server::Node(node)) = suffering.kind else { return true };
        if !suffering.begins {
            self.place.elsewhere.retain(|known| known.number != suffering.number);
            return true;
        }
        let here = node.index() == self.place.at;
        if !here {
            self.place.elsewhere.push(*suffering);
        }
        here
    }

    /// Nobody could be reached on this node: the next attempt goes to the next one, unless it is the
    /// client itself that is cut off.
    pub(super) fn turns_elsewhere(&mut self, error: &ConnectError) {
        let silent =
            matches!(error, ConnectError::TimedOut { .. } | ConnectError::ClosedInHandshake { .. });
        if silent && !self.trouble.shakes_alone() {
            self.place.next = (self.place.next + 1) % self.shard.nodes.len();
        }
    }

    /// A connection was lost, and the scenario says that clients come back on another node.
    pub(super) fn comes_back_elsewhere(&mut self) {
        if self.shard.plan.scenario.people.reconnect == Reconnect::OtherNode {
            self.place.next = (self.place.next + 1) % self.shard.nodes.len();
        }
    }
}
