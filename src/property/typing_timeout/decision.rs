//! Which indicators are gone in time, which are late or stay, and how that is put into words.

use super::spells::{End, Ended};
use super::{Indicator, PATIENCE, SILENCE_UNKNOWN, Tardy, Watching};
use crate::history::{ClientId, ConversationId, Nanos, PersonId};
use crate::property::argument::{self, exhibit, span, violation};
use crate::property::weather::HESITATION;
use crate::verdict::Exhibit;
use std::cmp::Reverse;

impl Watching {
    /// Decides on an end that came late.
    pub(super) fn decide(&mut self, Tardy { at, client, indicator, since, end }: &Tardy) {
        let base = end.at.max(*since);
        let grace = self.weather.grace(base, at.saturating_add(HESITATION));
        if self.excused(*client, *indicator, base) {
            self.finding.count("excused by a fault", 1);
        } else if at - base <= self.tolerance.saturating_add(grace) {
            self.late += 1;
        } else {
            self.accuse(*client, *indicator, *since, *at, end);
        }
    }

    /// Looks at the indicators whose time is over.
    pub(super) fn settle(&mut self, now: Nanos) {
        let ripe = |tardy: &mut Tardy| tardy.at.saturating_add(HESITATION) < now;
        while let Some(tardy) = self.tardy.pop_front_if(ripe) {
            self.decide(&tardy);
        }
        while let Some(&Reverse((due, client, indicator, since))) = self.checks.peek() {
            if due.saturating_add(HESITATION) >= now {
                return;
            }
            self.checks.pop();
            let shown = self.shown.get(&client).and_then(|shown| shown.get(&indicator));
            if shown != Some(&since) {
                continue;
            }
            let end = self.end_of(client, indicator);
            let base = end.at.max(since);
            let due = base.saturating_add(self.tolerance);
            if due.saturating_add(HESITATION) >= now {
                self.checks.push(Reverse((due, client, indicator, since)));
                continue;
            }
            if self.is_unsaid(&end) || !self.is_missing(client, base, now) {
                // Again with the next entry.
                let next = now.saturating_sub(HESITATION);
                self.checks.push(Reverse((next, client, indicator, since)));
                continue;
            }
            if let Some(shown) = self.shown.get_mut(&client) {
                shown.remove(&indicator);
            }
            if self.excused(client, indicator, base) {
                self.finding.count("excused by a fault", 1);
            } else {
                self.accuse(client, indicator, since, due, &end);
            }
        }
    }

    /// What should have come by now does not come any more: the server answered a question that
    /// the watcher asked when it was due, or it had much longer than anything else took.
    pub(super) fn is_missing(&self, watcher: ClientId, base: Nanos, now: Nanos) -> bool {
        let due = base.saturating_add(self.tolerance);
        let grace = self.weather.grace(base, now).saturating_add(PATIENCE);
        self.weather.heard(watcher) >= due || due.saturating_add(grace) < now
    }

    /// The typist's client should have said that it stopped, and has not: the generator is late.
    pub(super) fn is_unsaid(&self, end: &End) -> bool {
        let pending = end.by.is_some_and(|(.., spell)| spell.ended == Ended::Pause);
        pending && self.client_stops && !end.expiry
    }

    /// When the typing is over that the indicator shows.
    pub(super) fn end_of(&self, watcher: ClientId, (person, place): Indicator) -> End {
        let shared;
        let places = match &place {
            Some(place) => std::slice::from_ref(place),
            None => {
                let own = self.company.person(watcher);
                shared = own.map_or_else(Vec::new, |own| self.company.shared(own, person));
                &shared
            }
        };
        let silent = |client| {
            let since = self.weather.silent_since(client)?;
            let terms = self.terms.get(&client);
            Some((since, terms.map_or(SILENCE_UNKNOWN, |(_, silence)| *silence)))
        };
        self.spells.end_of(&self.company, person, places, silent)
    }

    /// A fault explains what the watcher was not told since then.
    pub(super) fn excused(&self, watcher: ClientId, (person, _): Indicator, since: Nanos) -> bool {
        let mut devices = self.company.devices(person).iter();
        let since = since.saturating_sub(self.pause);
        self.weather.was_out(since)
            || self.weather.is_deaf(watcher, since)
            || devices.any(|device| self.weather.is_disturbed(*device, since))
    }

    pub(super) fn accuse(
        &mut self,
        client: ClientId,
        indicator: Indicator,
        since: Nanos,
        at: Nanos,
        end: &End,
    ) {
        if end.by.is_none() && self.keyless.contains(&indicator.0) {
            self.finding.count("typing said without a key", 1);
            return;
        }
        self.finding.observations += 1;
        let summary = match end.by {
            None => "typing shown that nobody did",
            _ if since > end.at => "typing shown after it was over",
            _ if end.expiry => "typing that did not expire",
            Some((.., spell)) => match spell.ended {
                Ended::Lost => "still typing after the connection was lost",
                Ended::Sent => "still typing after the message was sent",
                Ended::Pause | Ended::Said => "still typing after the last key",
            },
        };
        let but = self.promise(end);
        let mut lines = end.exhibits();
        lines.push(self.shown_to(since, client, indicator));
        self.finding.violate(|| {
            let therefore = format!("client {} still showed it at {}", client.0, clock(at));
            violation(summary, lines, therefore, but)
        });
    }

    fn promise(&self, end: &End) -> String {
        match end.by {
            Some((.., spell)) if spell.ended == Ended::Lost => {
                "who is not connected does not type".into()
            }
            Some((.., spell)) if spell.ended == Ended::Sent => {
                "with the message its typing indicator goes".into()
            }
            Some(_) => format!(
                "a typing indicator is gone within {} of the last keystroke",
                span(self.pause)
            ),
            None => "who presses no key does not type".into(),
        }
    }

    fn shown_to(&self, at: Nanos, client: ClientId, (person, place): Indicator) -> Exhibit {
        let place =
            place.map_or_else(String::new, |place| format!(" in {}", argument::place(place)));
        exhibit(at, client, format!("was shown that {} types{place}", self.name(person)))
    }

    /// A person as the argument's reader finds them: by a client.
    fn name(&self, person: PersonId) -> String {
        match self.company.devices(person) {
            [client] => format!("client {}", client.0),
            [first, ..] => format!("the person of client {}", first.0),
            [] => "somebody".into(),
        }
    }

    /// A client is shown its own person's typing: right if it is another device's.
    pub(super) fn own(
        &mut self,
        at: Nanos,
        client: ClientId,
        person: PersonId,
        place: Option<ConversationId>,
    ) {
        let all = self.company.places(person).to_vec();
        let places = place.map_or(all, |place| vec![place]);
        let others = self.company.devices(person).iter().filter(|device| **device != client);
        let mut spells = others.flat_map(|device| places.iter().map(|place| (*device, *place)));
        if spells.any(|(device, place)| self.spells.of(device, place).is_some()) {
            return;
        }
        let typed = places.iter().find_map(|place| self.spells.of(client, *place));
        let mut lines: Vec<Exhibit> =
            typed.map(|spell| exhibit(spell.key, client, "pressed a key")).into_iter().collect();
        lines.push(exhibit(at, client, "was shown that it types itself"));
        self.finding.observations += 1;
        self.finding.violate(|| {
            let therefore = "the only one who typed was told of it";
            violation(
                "typing shown to its author",
                lines,
                therefore,
                "typing is shown to the others",
            )
        });
    }

    pub(super) fn stranger(&mut self, at: Nanos, client: ClientId, person: PersonId, begins: bool) {
        let what = if begins { "types" } else { "stopped typing" };
        let text = format!("was told that {} {what}", self.name(person));
        self.finding.observations += 1;
        self.finding.violate(|| {
            let therefore = format!("client {} learnt of a conversation it is not in", client.0);
            let but = "typing is shown to the participants of the conversation only";
            violation("typing shown to a stranger", vec![exhibit(at, client, text)], therefore, but)
        });
    }
}

/// `5.6 s`, as times stand in arguments.
fn clock(at: Nanos) -> String {
    format!("{:.3} s", at as f64 / 1e9)
}
