//! Typing that is shown on the typist's node only.
//!
//! No other judge demands that typing is shown at all. But where it is shown to somebody, it must be
//! shown on the other nodes as well.

use crate::history::{ClientId, ConversationId, Entry, Event, Nanos, OpId, PersonId};
use crate::operation::{ConnectionState, Operation, Sight};
use crate::property::argument::{exhibit, violation};
use crate::property::company::Company;
use crate::property::weather::{HESITATION, Weather};
use crate::verdict::Violation;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// How long a start is looked at, and longer where everything was slow.
const PATIENCE: Nanos = 5_000_000_000;
/// What is asked so much later is answered after the start, if the start comes at all.
const AHEAD: Nanos = 1_000_000_000;

/// Starts of typing, and who was shown them.
#[derive(Debug, Default)]
pub(super) struct Typing {
    weather: Weather,
    /// Who is in their conversations, and since when.
    ready: FxHashMap<ClientId, Nanos>,
    asked: FxHashMap<OpId, ConversationId>,
    /// Those that are not settled, in the order of time.
    starts: VecDeque<Start>,
}

#[derive(Debug)]
struct Start {
    at: Nanos,
    client: ClientId,
    person: PersonId,
    conversation: ConversationId,
    seen: FxHashMap<ClientId, Nanos>,
}

impl Typing {
    /// Learns from an entry; says which starts stayed on their node.
    pub(super) fn observe(
        &mut self,
        entry: &Entry,
        company: &Company,
        nodes: &FxHashMap<ClientId, u32>,
    ) -> Vec<Violation> {
        let (at, client) = (entry.at, entry.client);
        self.weather.observe(entry);
        match &entry.event {
            Event::Ready => drop(self.ready.entry(client).or_insert(at)),
            Event::Connection { state, .. } if *state != ConnectionState::Connected => {
                self.ready.remove(&client);
            }
            Event::Invoke {
                op,
                operation: Operation::TypingStart,
                conversation: Some(conversation),
                ..
            } => {
                self.asked.insert(*op, *conversation);
            }
            Event::Attempt { op, .. } => {
                if let (Some(conversation), Some(person)) =
                    (self.asked.remove(op), company.person(client))
                {
                    let seen = FxHashMap::default();
                    self.starts.push_back(Start { at, client, person, conversation, seen });
                }
            }
            Event::Saw {
                sight: Sight::TypingStart | Sight::Typing,
                conversation,
                user,
                users,
                ..
            } => {
                let users = user.iter().chain(users.iter().flatten());
                let people: FxHashSet<PersonId> =
                    users.filter_map(|user| company.called(user)).collect();
                for start in &mut self.starts {
                    let here = conversation.is_none_or(|place| place == start.conversation);
                    if here && people.contains(&start.person) {
                        start.seen.entry(client).or_insert(at);
                    }
                }
            }
            _ => {}
        }
        self.settle(at, company, nodes)
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() + self.asked.len() + self.weather.len()
    }

    fn settle(
        &mut self,
        now: Nanos,
        company: &Company,
        nodes: &FxHashMap<ClientId, u32>,
    ) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut index = 0;
        while let Some(start) = self.starts.get(index) {
            if start.at.saturating_add(AHEAD + HESITATION) >= now {
                break;
            }
            let grace = self.weather.grace(start.at, now).saturating_add(PATIENCE);
            let violation = self.judge(start, company, nodes);
            let over = violation.is_some() || start.at.saturating_add(grace) < now;
            found.extend(violation);
            match over {
                true => drop(self.starts.remove(index)),
                false => index += 1,
            }
        }
        found
    }

    /// Somebody on the typist's node was shown it, and somebody on another one was not, who heard of
    /// everything else.
    fn judge(
        &self,
        start: &Start,
        company: &Company,
        nodes: &FxHashMap<ClientId, u32>,
    ) -> Option<Violation> {
        let own = nodes.get(&start.client)?;
        let (near, seen) = start.seen.iter().find(|(client, _)| nodes.get(client) == Some(own))?;
        let members = company.members(start.conversation).iter();
        let others = members.filter(|person| **person != start.person);
        let far = others.flat_map(|person| company.devices(*person)).find(|client| {
            let there = self.ready.get(client).is_some_and(|since| *since <= start.at);
            let undisturbed =
                !self.weather.is_deaf(**client, start.at) && !self.weather.was_out(start.at);
            let heard = self.weather.heard(**client) >= start.at.saturating_add(AHEAD);
            let away = nodes.get(client).is_some_and(|node| node != own);
            away && there && undisturbed && heard && !start.seen.contains_key(client)
        })?;
        let ready = self.ready.get(far).copied().unwrap_or_default();
        let lines = vec![
            exhibit(ready, *far, "was connected and in its conversations from here on"),
            exhibit(start.at, start.client, "said that it types"),
            exhibit(*seen, *near, "was shown it"),
        ];
        let therefore = format!("client {} was never shown it", far.0);
        let but = "typing is shown to the members on every node";
        Some(violation("typing shown on one node only", lines, therefore, but))
    }
}

#[cfg(test)]
mod tests {
    use crate::property::Charge;
    use crate::property::cross_node::CrossNode;
    use crate::property::notation::{check, fails};

    /// a and b on node 1, c on node 2; a types, b is shown it, and c is shown what the middle says.
    fn typing(middle: &str) -> String {
        format!(
            "a b c in #1\na node 1\nb node 1\nc node 2\nc ready\n@1000 a starts o1 #1\n\
             @1010 b saw typing-start u1 #1\n{middle}\n@8000 a lag 0\n@9000 a lag 0"
        )
    }

    #[test]
    fn typing_that_stays_on_its_node_is_told() {
        let history = typing("@3000 c reads o2 #1\n@3010 c done o2");
        fails(&CrossNode, &Charge::default(), &history, "typing shown on one node only");
    }

    #[test]
    fn who_is_shown_it_or_may_be_deaf_accuses_nobody() {
        for middle in [
            "@1020 c saw typing-start u1 #1\n@3000 c reads o2 #1\n@3010 c done o2",
            "@1020 c fault begins silence\n@3000 c reads o2 #1\n@3010 c done o2",
            "@1020 c lag 0",
        ] {
            let finding = check(&CrossNode, &Charge::default(), &typing(middle));
            assert_eq!(finding.violations, [], "{middle}");
        }
    }
}
