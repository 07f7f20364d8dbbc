//! What breaks the identity of messages, and the arguments for it.

use super::case::Case;
use super::{Identity, Name, SMALL, Stray};
use crate::history::{ClientId, ConversationId, Nanos, Seen, Token};
use crate::property::argument::{exhibit, violation, with_id};
use crate::property::recent::hash;
use crate::spec::RepeatAnswer;
use crate::verdict::Exhibit;
use compact_str::CompactString;

impl Identity {
    /// The message is known by this id.
    pub(super) fn learn(
        &mut self,
        at: Nanos,
        name: Name,
        conversation: Option<ConversationId>,
        id: &CompactString,
    ) {
        let Some(case) = self.cases.get_mut(name) else { return };
        if case.ids.contains(id) {
            return;
        }
        case.ids.push(id.clone());
        let owner = *self.owners.entry(hash(&(conversation, id)), || name);
        if case.ids.len() > 1 && !case.accused && !case.excused {
            case.accused = true;
            let case = &*case;
            self.finding.violate(|| {
                let therefore = format!("one message is known by the ids {}", case.ids.join(", "));
                violation("two ids for one key", case.exhibits(), therefore, ONE)
            });
        }
        if owner != name {
            self.swallowed(at, name, owner, id);
        }
    }

    /// One id, two messages: the server took one for a repetition of the other.
    fn swallowed(&mut self, at: Nanos, name: Name, owner: Name, id: &str) {
        let Some(case) = self.cases.get_mut(name) else { return };
        if std::mem::replace(&mut case.accused, true) {
            return;
        }
        let (case, other) = (self.cases.get(name), self.cases.get(owner));
        self.finding.violate(|| {
            let exhibits: Vec<Exhibit> =
                other.into_iter().chain(case).flat_map(|case| case.exhibits()).collect();
            let exhibits = exhibits.into_iter().filter(|exhibit| exhibit.at <= at).collect();
            let one_key = case.zip(other).is_some_and(|(case, other)| case.key == other.key);
            let (kind, but) = if one_key {
                (
                    "one id for two messages",
                    "a key is its sender's own: another's is another message",
                )
            } else {
                ("one id for two keys", "messages under different keys are different messages")
            };
            violation(kind, exhibits, format!("two messages are both known as {id}"), but)
        });
    }

    /// Acked with the id of another person's message in another conversation, and nowhere stored.
    /// (Ids of two conversations may be equal by chance; then both messages are there.)
    pub(super) fn judge_namesakes(&mut self) {
        for (first, name) in std::mem::take(&mut self.namesakes) {
            let (Some(case), Some(other)) = (self.cases.get(name), self.cases.get(first)) else {
                continue;
            };
            if self.is_refused_for(case, other) {
                self.turned_away(name, first);
                continue;
            }
            let read = case.conversation.is_some_and(|place| self.read.contains(&place));
            let shared = case.ids.iter().find(|id| other.ids.contains(id)).cloned();
            if let Some(id) = shared.filter(|_| read && case.first_seen.is_none()) {
                self.swallowed(Nanos::MAX, name, first, &id);
            }
        }
    }

    /// Nothing explains that the message was refused but that another had its key: that one was
    /// there first, its sender is served otherwise, and nobody else was refused anything.
    fn is_refused_for(&self, case: &Case, other: &Case) -> bool {
        let begun = |case: &Case| case.tries.first().map(|one| one.at);
        let refused = case.refusals.first().map_or(Nanos::MAX, |no| no.at);
        let served = |client| self.served.get(client).is_some_and(|at| *at > refused);
        case.is_turned_away(&self.refusable)
            && self.answer != RepeatAnswer::Any
            && self.unexplained == 0
            && !other.acked.is_empty()
            && begun(other) < begun(case)
            && case.senders.iter().all(served)
    }

    fn turned_away(&mut self, name: Name, owner: Name) {
        let Some(case) = self.cases.get_mut(name) else { return };
        if std::mem::replace(&mut case.accused, true) {
            return;
        }
        self.finding.observations += 1;
        let (case, other) = (self.cases.get(name), self.cases.get(owner));
        self.finding.violate(|| {
            let exhibits = other.into_iter().chain(case).flat_map(|case| case.exhibits()).collect();
            let therefore = "a message was refused because another has its key";
            let but = "a key is its sender's own: another's is another message";
            violation("refused for another's key", exhibits, therefore, but)
        });
    }

    /// Equal texts on purpose, and more messages came of them than keys were used.
    pub(super) fn too_many(&mut self, at: Nanos, client: ClientId, seen: &Seen, names: &[Name]) {
        let cases: Vec<&Case> =
            names.iter().filter_map(|name| self.cases.get(*name).map(|case| &**case)).collect();
        if cases.iter().any(|case| case.accused) {
            return;
        }
        self.finding.violate(|| {
            let mut exhibits: Vec<Exhibit> =
                cases.iter().flat_map(|case| case.exhibits()).collect();
            let id = with_id(seen.id.as_deref());
            exhibits.push(exhibit(at, client, format!("saw the text once more{id}")));
            let therefore = format!("{} keys with one text made more messages", names.len());
            violation("more messages than keys", exhibits, therefore, ONE)
        });
        for name in names {
            if let Some(case) = self.cases.get_mut(*name) {
                case.accused = true;
            }
        }
    }

    /// A message that nothing has happened to for long: its witness must keep its id.
    pub(super) fn stray(&mut self, at: Nanos, client: ClientId, token: Token, seen: &Seen) {
        let Some(id) = &seen.id else { return };
        if !self.invoked.contains(token) || self.plural.contains(&token) {
            return;
        }
        let first = self.strays.entry(token, || Stray { at, client, id: id.clone() });
        if first.id != *id {
            let first = std::mem::replace(first, Stray { at, client, id: id.clone() });
            self.plural.insert(token);
            self.finding.violate(|| {
                let words = |id| format!("saw \"{token}\" with id {id}");
                let exhibits = vec![
                    exhibit(first.at, first.client, words(&first.id)),
                    exhibit(at, client, words(id)),
                ];
                let therefore = format!("one message is known by the ids {}, {id}", first.id);
                violation("two ids for one key", exhibits, therefore, ONE)
            });
        }
    }

    /// A push: was it pushed on this connection before? Only the message's first id counts; that
    /// there is another one is broken anyway.
    pub(super) fn pushed(&mut self, at: Nanos, client: ClientId, name: Name, id: &CompactString) {
        let Some(case) = self.cases.get_mut(name).filter(|case| case.ids.first() == Some(id))
        else {
            return;
        };
        let epoch = self.epochs.get(&client).copied().unwrap_or_default();
        let to = (client, epoch);
        if !case.pushed.contains(&to) {
            if case.pushed.len() < SMALL {
                return case.pushed.push(to);
            } else if self.delivered.insert(hash(&(to, name)), ()).is_none() {
                return;
            }
        }
        let may_be_the_answer = self.answers_by_echo && case.senders.contains(&client);
        self.finding.count("redeliveries", 1);
        if !self.redelivery && !may_be_the_answer {
            self.finding.violate(|| {
                let line = exhibit(at, client, format!("was pushed the message {id} again"));
                let therefore = "it came twice over one connection";
                violation("pushed twice", vec![line], therefore, "each message is pushed once")
            });
        }
    }

    /// The text that was acked first was replaced by one that was sent later.
    pub(super) fn rewritten(
        &mut self,
        at: Nanos,
        client: ClientId,
        name: Name,
        token: Token,
        seen: &Seen,
    ) {
        let Some(case) = self.cases.get_mut(name) else { return };
        if case.text.is_none_or(|first| first == token) || case.accused || case.excused {
            return;
        }
        case.accused = true;
        let case = &*case;
        self.finding.violate(|| {
            let mut exhibits = case.exhibits();
            let id = with_id(seen.id.as_deref());
            exhibits.push(exhibit(at, client, format!("saw \"{token}\"{id}")));
            let therefore = "a second text under one key stands in the place of the first";
            violation("a repetition changed the text", exhibits, therefore, ONE)
        });
    }

    /// After a refusal that was due, another text under the key was refused for good.
    pub(super) fn judge_burnt_keys(&mut self) {
        for name in std::mem::take(&mut self.burnt) {
            let Some(case) = self.cases.get(name) else { continue };
            let made = case.first_seen.is_some() || !case.acked.is_empty();
            if made || case.accused || self.answer == RepeatAnswer::Any {
                continue;
            }
            self.finding.violate(|| {
                let therefore = "a text that may be sent was refused because of its key";
                let but = "a refused send makes no message, and leaves its key free";
                violation("a refused send used up its key", case.exhibits(), therefore, but)
            });
        }
    }

    /// An error to a repetition of a message that another attempt stored.
    pub(super) fn judge_refusals(&mut self, at: Nanos, client: ClientId, name: Name) {
        let Some(case) = self.cases.get_mut(name) else { return };
        let innocent = case.accused || !case.refused_a_repetition(&self.refusable);
        if self.answer != RepeatAnswer::Same || innocent {
            return;
        }
        case.accused = true;
        let case = &*case;
        self.finding.violate(|| {
            let mut exhibits = case.exhibits();
            if exhibits.is_empty() {
                exhibits.push(exhibit(at, client, "sent it again"));
            }
            let therefore = "a repetition was refused although the message was stored";
            let but = "a repetition is answered as the first send was";
            violation("error in place of the first id", exhibits, therefore, but)
        });
    }
}

const ONE: &str = "sends with one client message id make exactly one message";
