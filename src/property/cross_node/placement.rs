//! Who was on which node when, and which violations of other properties lie between nodes.

use super::PAGE;
use crate::history::{ClientId, Entry, Event, Nanos};
use crate::property::{ALL, Charge};
use crate::verdict::{Finding, Violation};
use rustc_hash::FxHashMap;

/// Changes of node that are remembered of one client: the first, and the last ones.
const REMEMBERED: usize = 64;

/// Who was on which node when.
#[derive(Debug)]
pub(in crate::property) struct Placement {
    clients: FxHashMap<ClientId, Vec<(Nanos, u32)>>,
    /// For each property: what is broken there counts here.
    counts: Vec<bool>,
}

impl Placement {
    /// Nobody is anywhere. What is not promised on one node is not demanded of several.
    pub(in crate::property) fn new(charge: &Charge) -> Self {
        let counts = ALL.iter().map(|property| {
            let id = property.page().id;
            id != PAGE.id && charge.promise(id).is_some()
        });
        Self { clients: FxHashMap::default(), counts: counts.collect() }
    }

    /// Learns from an entry.
    pub(in crate::property) fn observe(&mut self, entry: &Entry) {
        if let Event::Node { node } = entry.event {
            let known = self.clients.entry(entry.client).or_default();
            if known.len() == REMEMBERED {
                known.remove(1);
            }
            known.push((entry.at, node));
        }
    }

    /// Hands `cross-node` what the judges of other properties found between nodes.
    pub(in crate::property) fn attribute(&self, findings: &mut [Finding]) {
        if self.clients.is_empty() {
            return;
        }
        let own = ALL.iter().position(|property| property.page().id == PAGE.id);
        let Some(own) = own else { return };
        let others = findings.iter().zip(&self.counts).filter(|(_, counts)| **counts);
        let between: Vec<Violation> =
            others.flat_map(|(finding, _)| self.between(&finding.violations)).collect();
        for violation in between {
            let nodes: Vec<String> =
                self.nodes(&violation).iter().map(|node| format!("node {node}")).collect();
            findings[own].count(&format!("broken between {}", nodes.join(" and ")), 1);
            findings[own].observations += 1;
            findings[own].violate(|| violation);
        }
    }

    /// Those of one property's violations whose evidence lies on several nodes, if none of their kind
    /// lies on one alone.
    fn between(&self, violations: &[Violation]) -> Vec<Violation> {
        let local = |violation: &Violation| self.nodes(violation).len() < 2;
        let is_of_nodes = |violation: &&Violation| {
            let same = violations.iter().filter(|other| other.summary == violation.summary);
            !same.into_iter().any(local)
        };
        violations.iter().filter(is_of_nodes).map(|violation| self.told(violation)).collect()
    }

    /// The nodes on which the evidence lies.
    fn nodes(&self, violation: &Violation) -> Vec<u32> {
        let last = violation.exhibits.iter().map(|exhibit| exhibit.at).max().unwrap_or(0);
        let clients = violation.exhibits.iter().map(|exhibit| exhibit.client);
        let mut nodes: Vec<u32> =
            clients.flat_map(|client| self.until(client, last)).map(|(_, node)| node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// Where a client was until this time.
    fn until(&self, client: ClientId, last: Nanos) -> impl Iterator<Item = (Nanos, u32)> {
        let known = self.clients.get(&client).into_iter().flatten().copied();
        known.filter(move |(at, _)| *at <= last)
    }

    /// The violation, with the nodes.
    fn told(&self, violation: &Violation) -> Violation {
        let last = violation.exhibits.iter().map(|exhibit| exhibit.at).max().unwrap_or(0);
        let mut clients: Vec<ClientId> =
            violation.exhibits.iter().map(|exhibit| exhibit.client).collect();
        clients.sort_unstable();
        clients.dedup();
        let places = clients.iter().filter_map(|client| {
            let nodes: Vec<String> =
                self.until(*client, last).map(|(_, node)| node.to_string()).collect();
            let word = if nodes.len() > 1 { "nodes" } else { "node" };
            let named = format!("client {} was on {word} {}", client.0, nodes.join(", then "));
            (!nodes.is_empty()).then_some(named)
        });
        let places: Vec<String> = places.take(6).collect();
        Violation {
            summary: format!("{}, between nodes", violation.summary),
            therefore: format!("{}; {}", violation.therefore, places.join(", ")),
            ..violation.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Exhibit;

    /// Clients 1 and 2 are on node 1, client 3 is on node 2, client 4 on 1 and later on 2.
    fn placement() -> Placement {
        let mut placement = Placement { clients: FxHashMap::default(), counts: Vec::new() };
        for (at, client, node) in [(0, 1, 1), (0, 2, 1), (0, 3, 2), (0, 4, 1), (50, 4, 2)] {
            placement.observe(&Entry { at, client: ClientId(client), event: Event::Node { node } });
        }
        placement
    }

    fn violation(summary: &str, clients: &[u32], at: Nanos) -> Violation {
        let exhibit =
            |client: &u32| Exhibit { at, client: ClientId(*client), text: "did it".into() };
        Violation {
            summary: summary.into(),
            exhibits: clients.iter().map(exhibit).collect(),
            therefore: "it is wrong".into(),
            but: "it must not be".into(),
        }
    }

    fn between(violations: &[Violation]) -> Vec<String> {
        let told = placement().between(violations);
        told.into_iter().map(|violation| violation.therefore).collect()
    }

    #[test]
    fn evidence_on_two_nodes_counts() {
        assert_eq!(
            between(&[violation("lost", &[1, 3], 10)]),
            ["it is wrong; client 1 was on node 1, client 3 was on node 2"]
        );
        assert_eq!(between(&[violation("lost", &[1, 2], 10)]), [""; 0]);
    }

    #[test]
    fn who_came_back_on_another_node_was_on_two() {
        assert_eq!(between(&[violation("lost", &[1, 4], 10)]), [""; 0]);
        let later = between(&[violation("lost", &[1, 4], 60)]);
        assert!(later[0].ends_with("client 4 was on nodes 1, then 2"), "{later:?}");
    }

    #[test]
    fn what_one_node_does_wrong_as_well_has_another_reason() {
        let both = [violation("lost", &[1, 3], 10), violation("lost", &[1, 2], 10)];
        assert_eq!(between(&both), [""; 0]);
        let other = [violation("lost", &[1, 3], 10), violation("late", &[1, 2], 10)];
        assert_eq!(between(&other).len(), 1);
    }
}
