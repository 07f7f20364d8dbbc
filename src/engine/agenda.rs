//! When which fault of the server's process begins and ends, and doing it.
//!
//! Every client knows of it before it happens, and until it is over: what the harness does to the
//! server is never held against the server.

use crate::engine::clock::Clock;
use crate::engine::shards::Shards;
use crate::engine::slot::Suffering;
use crate::engine::target::Target;
use crate::engine::trouble::nanos;
use crate::fault::Server;
use crate::history::Nanos;
use crate::scenario::Scenario;
use tokio::time::sleep_until;

/// What is going to happen to the server.
#[derive(Debug)]
pub(super) struct Agenda {
    /// The next one last.
    items: Vec<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    at: Nanos,
    /// At one moment, ends go before beginnings.
    begins: bool,
    /// The fault's position in the scenario.
    number: usize,
}

impl Agenda {
    /// The server's faults of a scenario that starts then. When its phases are over, all are.
    pub(super) fn of(scenario: &Scenario, start: Nanos) -> Self {
        let over = scenario.length();
        let faults = scenario.faults.iter().enumerate();
        let mut items: Vec<Item> = faults
            .filter(|(_, fault)| fault.fault.of_server().is_some())
            .flat_map(|(number, fault)| {
                let end = (fault.at + fault.lasts).min(over);
                [(fault.at, true), (end, false)].map(|(at, begins)| {
                    let at = start + nanos(at);
                    // What lasts no time at all begins before it ends.
                    Item { at: if begins { at } else { at + 1 }, begins, number }
                })
            })
            .collect();
        items.sort_unstable_by(|a, b| b.cmp(a));
        Self { items }
    }

    /// Waits until the next one is due. Safe to cancel.
    pub(super) async fn due(&self, clock: Clock) {
        match self.items.last() {
            Some(item) => sleep_until(clock.instant(item.at)).await,
            None => std::future::pending().await,
        }
    }

    /// Does what is due next; says what did not work.
    pub(super) async fn next(
        &mut self,
        scenario: &Scenario,
        shards: &Shards,
        target: &mut Target,
    ) -> Option<String> {
        let Item { begins, number, .. } = self.items.pop()?;
        let what = scenario.faults[number].fault.of_server()?;
        let news = |begins| Suffering::of_server(number, what, begins);
        if !begins {
            let released = target.release(what).await;
            shards.announce(news(false)).await;
            return released.err().map(|why| complaint(what, &why));
        }
        shards.announce(news(true)).await;
        let struck = target.strike(what).await;
        if struck.is_err() {
            self.items.retain(|item| item.number != number);
            shards.announce(news(false)).await;
        }
        struck.err().map(|why| complaint(what, &why))
    }
}

fn complaint(what: Server, why: &str) -> String {
    match what {
        Server::Node(node) => format!("`{node}` was not done: {why}"),
        Server::Part(part) => format!("{} was not stopped and started: {why}", part.name()),
        Server::Restart => format!("the server was not restarted: {why}"),
        Server::Kill => format!("the server was not killed and started again: {why}"),
        Server::Stop => format!("the server was not stopped and continued: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agenda(faults: &str) -> Vec<(Nanos, usize, bool)> {
        let yaml = format!(
            "assize: 1\nname: x\nabout: x\npeople: {{ count: 2 }}\nconversations: {{ pairs: 1 }}\n\
             phases: [all: {{ lasts: 10s, connect: 100%, send: 1/s in all }}]\nfaults:\n{faults}"
        );
        let loaded = crate::scenario::load("x", &yaml, &[]).unwrap_or_else(|all| panic!("{all:?}"));
        let mut items = Agenda::of(&loaded.scenario, 0).items;
        items.reverse();
        items.iter().map(|item| (item.at / 1_000_000_000, item.number, item.begins)).collect()
    }

    #[test]
    fn the_servers_faults_end_with_the_phases() {
        let faults = " - { at: 4s, for: 2s, stop: {} }\n - { at: 1s, for: 1s, silence: { share: 1% } }\n \
                      - { at: 2s, kill: {} }\n - { at: 9s, for: 5s, restart: {} }\n";
        let expected = [
            (2, 2, true),
            (2, 2, false),
            (4, 0, true),
            (6, 0, false),
            (9, 3, true),
            (10, 3, false),
        ];
        assert_eq!(agenda(faults), expected);
    }
}
