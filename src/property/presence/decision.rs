//! Where belief and truth differ for too long, and how that is put into words.

use super::truth::Truth;
use super::{Belief, CROWD, Check, PATIENCE, Watching};
use crate::history::{ClientId, Nanos, PersonId};
use crate::property::argument::{exhibit, violation};
use crate::property::weather::HESITATION;
use crate::verdict::Exhibit;
use std::cmp::Reverse;

impl Watching {
    /// Compares what is believed with what is true, where both had time.
    pub(super) fn settle(&mut self, now: Nanos) {
        while let Some(&Reverse(check)) = self.checks.peek() {
            if check.at.saturating_add(HESITATION) >= now {
                return;
            }
            self.checks.pop();
            if self.changes.get(&check.person).copied().unwrap_or(0) != check.change {
                continue;
            }
            let watchers = match check.watcher {
                Some(watcher) => vec![watcher],
                None => self.watchers(check.person),
            };
            for watcher in watchers {
                let Some(wrong) = self.disagreement(check.due, watcher, check.person) else {
                    continue;
                };
                if self.is_missing(watcher, check.due, now) {
                    self.accuse(check.due, watcher, check.person, &wrong);
                } else {
                    // Again with the next entry.
                    let at = now.saturating_sub(HESITATION);
                    let again = Check { at, watcher: Some(watcher), ..check };
                    self.checks.push(Reverse(again));
                }
            }
        }
    }

    /// What should have come by now does not come any more: the server answered a question that
    /// the watcher asked when it was due, or it had much longer than anything else took.
    fn is_missing(&self, watcher: ClientId, due: Nanos, now: Nanos) -> bool {
        let since = due.saturating_sub(self.tolerance);
        let grace = self.weather.grace(since, now).saturating_add(PATIENCE);
        self.weather.heard(watcher) >= due || due.saturating_add(grace) < now
    }

    /// All clients of others in the person's conversations that are not crowds.
    fn watchers(&self, person: PersonId) -> Vec<ClientId> {
        let places = self.company.places(person).iter();
        let close = places.map(|place| self.company.members(*place));
        let close = close.filter(|members| members.len() <= CROWD);
        let mut people: Vec<PersonId> = close.flatten().copied().collect();
        people.sort_unstable();
        people.dedup();
        people.retain(|other| *other != person);
        people.iter().flat_map(|other| self.company.devices(*other)).copied().collect()
    }

    /// How the watcher's belief differs from what is true, if it was told enough to know better.
    pub(super) fn disagreement(
        &self,
        due: Nanos,
        watcher: ClientId,
        person: PersonId,
    ) -> Option<Wrong> {
        let since = due.saturating_sub(self.tolerance);
        let ready = self.devices.get(&watcher)?.ready_since?;
        let deaf = self.weather.was_out(since) || self.weather.is_deaf(watcher, since);
        if deaf || !self.is_owed(watcher, person) {
            return None;
        }
        let belief = self.beliefs.get(&watcher).and_then(|beliefs| beliefs.get(&person)).copied();
        let (online, says) = match (self.truth(person, since), belief) {
            (Truth::Offline, Some(belief)) if belief.online => (false, GHOST),
            (Truth::Online, Some(belief)) if !belief.online => (true, DENIED),
            (Truth::Online, None) if self.told && self.came_after(person, ready) => {
                (true, UNANNOUNCED)
            }
            _ => return None,
        };
        Some(Wrong { online, belief, says })
    }

    /// The person was nowhere when the watcher became ready, and came then.
    fn came_after(&self, person: PersonId, ready: Nanos) -> bool {
        let devices = self.company.devices(person).iter();
        let mut devices = devices.filter_map(|client| self.devices.get(client));
        devices.any(|device| device.is_first && device.dialled > ready)
    }

    fn accuse(&mut self, due: Nanos, watcher: ClientId, person: PersonId, wrong: &Wrong) {
        let (summary, still, but) = wrong.says;
        // Once is enough.
        let belief = Belief { online: wrong.online, at: due };
        self.beliefs.entry(watcher).or_default().insert(person, belief);
        let mut lines = self.facts(person);
        let name = self.name(person);
        if let Some(belief) = wrong.belief {
            let word = if belief.online { "online" } else { "offline" };
            lines.push(exhibit(belief.at, watcher, format!("was told that {name} is {word}")));
        } else {
            let ready = self.devices.get(&watcher).and_then(|device| device.ready_since);
            let text = "was connected and in its conversations";
            lines.push(exhibit(ready.unwrap_or(0), watcher, text));
        }
        self.finding.observations += 1;
        self.finding.violate(|| {
            let at = due as f64 / 1e9;
            let therefore = format!("at {at:.3} s client {} {still} {name}", watcher.0);
            violation(summary, lines, therefore, but)
        });
    }

    /// What is true of the person's devices, in words.
    fn facts(&self, person: PersonId) -> Vec<Exhibit> {
        let devices = self.company.devices(person).iter();
        let facts = devices.filter_map(|client| {
            let silent = self.weather.silent_since(*client);
            self.devices.get(client)?.exhibit(*client, silent)
        });
        facts.take(8).collect()
    }

    /// A person as the argument's reader finds them: by a client.
    fn name(&self, person: PersonId) -> String {
        match self.company.devices(person) {
            [client] => format!("client {}", client.0),
            [first, ..] => format!("the person of client {}", first.0),
            [] => "somebody".into(),
        }
    }

    pub(super) fn stranger(&mut self, at: Nanos, client: ClientId, person: PersonId, online: bool) {
        let word = if online { "online" } else { "offline" };
        let line = exhibit(at, client, format!("was told that {} is {word}", self.name(person)));
        self.finding.observations += 1;
        self.finding.violate(|| {
            let therefore = format!("client {} follows somebody it shares nothing with", client.0);
            let but = "presence is told to those who share a conversation only";
            violation("presence told to a stranger", vec![line], therefore, but)
        });
    }
}

/// How a belief differs from the truth.
pub(super) struct Wrong {
    /// What is true.
    online: bool,
    belief: Option<Belief>,
    says: Says,
}

/// What is wrong, what the watcher still did, and what was promised.
type Says = (&'static str, &'static str, &'static str);

const GHOST: Says =
    ("online without a connection", "still believed online:", "who has no connection is offline");
const DENIED: Says = (
    "offline with a connection",
    "still believed offline:",
    "who has a device that is connected is online",
);
const UNANNOUNCED: Says = (
    "nobody was told of an arrival",
    "had not been told of the arrival of",
    "those who share a conversation with a person are told that they came online",
);
