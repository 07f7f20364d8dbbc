//! `cross-node`: what holds on one server holds for clients on different nodes of it.

mod placement;
mod probes;
mod typing;

pub(super) use placement::Placement;

use crate::history::{Carrier, ClientId, Entry, Event, PersonId, Token};
use crate::operation::Operation;
use crate::property::company::Company;
use crate::property::recent::Rows;
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::verdict::Finding;
use rustc_hash::FxHashMap;
use typing::Typing;

/// What holds on one server holds for clients on different nodes of it.
#[derive(Debug)]
pub struct CrossNode;

static PAGE: Page = Page {
    id: "cross-node",
    title: "What holds for clients of one node MUST hold for clients of different nodes.",
    promises: "Whatever else the server promises it keeps for people who are connected to different \
        nodes, and for those who come back on another node: one message reaches all members, once, in \
        one order; who is online, types or has read is known everywhere; limits are those of a person, \
        not of a node. A node that dies takes nothing with it that was acked.",
    matters: "Behind a load balancer nobody chooses a node. What one node keeps to itself works on the \
        developer's machine and breaks for half of the users, or on the day of a failover.",
    judged: "By the judges of the other promised properties. What one of them finds broken counts here \
        if its evidence lies on several nodes: clients that were connected to different ones, or to one \
        after the other. A kind of violation that was found among clients of one single node as well \
        has another reason than the nodes, and does not count. Each delivery and each sight of a person \
        from one node to another is an observation, and is counted for each pair of nodes. Beside that, \
        typing that is shown on the typist's node must be shown on the others.",
    blind: "What the other judges cannot see. A kind of violation that occurs on a single node, too. \
        Where Redis or a node is down, what is late.",
    example: "  2.100 s  client 3  sent \"qzaaaabbbbcccc\" as key 7f3a, attempt 1\n  \
        2.110 s  client 3  had its ack\n  \
        9.000 s  client 8  was connected all the time and never saw it\n\
        therefore client 8 misses it; client 3 was on node 1, client 8 was on node 2\n\
        but after a reconnect and its sync nothing is missing",
    source: "common practice: several nodes are one server.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One message, or word about a person, that got from one node to another.",
};

impl Property for CrossNode {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, _: &Charge) -> String {
        "what other judges found among clients of several nodes, and not on one alone".into()
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Crossings {
            nodes: FxHashMap::default(),
            company: Company::default(),
            sent: Rows::new(charge.memory()),
            typing: Typing::default(),
            finding: Finding::default(),
        })
    }
}

/// The judge counts what crosses, and sees whether typing does; what else is broken on the way it
/// learns from the others ([`Placement::attribute`]).
struct Crossings {
    /// On which node each client is.
    nodes: FxHashMap<ClientId, u32>,
    company: Company,
    /// On which node each message was sent.
    sent: Rows<Token, u32>,
    typing: Typing,
    finding: Finding,
}

impl Judge for Crossings {
    fn observe(&mut self, entry: &Entry) {
        self.sent.tick(entry.at);
        self.company.observe(entry);
        if let Event::Node { node } = entry.event {
            self.nodes.insert(entry.client, node);
        }
        if self.nodes.is_empty() {
            return;
        }
        for violation in self.typing.observe(entry, &self.company, &self.nodes) {
            self.finding.observations += 1;
            self.finding.violate(|| violation);
        }
        let Some(here) = self.nodes.get(&entry.client).copied() else { return };
        match &entry.event {
            Event::Invoke { operation: Operation::Send, message: Some(message), .. } => {
                self.sent.entry(message.token, || here);
            }
            Event::Message(seen) if seen.by == Carrier::Live => {
                let from = seen.token.and_then(|token| self.sent.get(token)).copied();
                self.crossed(from, here, "deliveries");
            }
            Event::Message(seen) => {
                let from = seen.token.and_then(|token| self.sent.get(token)).copied();
                self.finding.observations += u64::from(from.is_some_and(|from| from != here));
            }
            Event::Saw { user: Some(user), .. } => {
                let person = self.company.called(user);
                let from = person.and_then(|person| self.node_of(person, here));
                self.crossed(from, here, "sights");
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>) -> Finding {
        self.finding
    }

    fn unsettled(&self) -> usize {
        self.sent.len() + self.typing.len()
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }
}

impl Crossings {
    fn crossed(&mut self, from: Option<u32>, to: u32, what: &str) {
        let Some(from) = from.filter(|from| *from != to) else { return };
        self.finding.observations += 1;
        self.finding.count(&format!("{what} node {from} → node {to}"), 1);
    }

    /// The node of a person who is on another node than this one with all devices.
    fn node_of(&self, person: PersonId, here: u32) -> Option<u32> {
        let devices = self.company.devices(person).iter();
        let mut nodes = devices.filter_map(|client| self.nodes.get(client)).copied();
        let first = nodes.next()?;
        (first != here && nodes.all(|node| node != here)).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::check;

    fn crossings(history: &str) -> (u64, Vec<(String, u64)>) {
        let finding = check(&CrossNode, &Charge::default(), history);
        (finding.observations, finding.figures)
    }

    #[test]
    fn what_gets_from_node_to_node_is_counted_for_each_pair() {
        let history = "a b c in #1\na node 1\nb node 2\nc node 1\n\
                       a sends o1 t1 k1 #1\nb sees t1 m1 #1\nc sees t1 m1 #1";
        let deliveries = ("deliveries node 1 → node 2".to_owned(), 1);
        assert_eq!(crossings(history), (1, vec![deliveries]));
    }

    #[test]
    fn on_one_node_nothing_crosses() {
        assert_eq!(crossings("a b in #1\na sends o1 t1 k1 #1\nb sees t1 m1 #1").0, 0);
    }
}
