//! Who is who, and who shares a conversation with whom: what judges of sights need to know before
//! they can say who may see what.

use crate::history::{ClientId, ConversationId, Due, Entry, Event, OpId, PersonId};
use crate::operation::Operation;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

/// The people of a history, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Company {
    whose: FxHashMap<ClientId, PersonId>,
    devices: FxHashMap<PersonId, Vec<ClientId>>,
    users: FxHashMap<CompactString, PersonId>,
    members: FxHashMap<ConversationId, Vec<PersonId>>,
    places: FxHashMap<PersonId, Vec<ConversationId>>,
    /// Operations that must be refused, until they are asked for.
    refused: FxHashSet<OpId>,
    /// Who asked for what must be refused, or left.
    intruders: FxHashSet<ClientId>,
    /// Somebody made a conversation that this history does not list the members of.
    unlisted: bool,
}

impl Company {
    /// Learns from an entry.
    pub(super) fn observe(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Person { person, user } => {
                self.whose.insert(entry.client, *person);
                self.users.insert(user.clone(), *person);
                note(self.devices.entry(*person).or_default(), entry.client);
            }
            Event::Member { conversation, .. } => {
                let Some(person) = self.whose.get(&entry.client) else { return };
                note(self.members.entry(*conversation).or_default(), *person);
                note(self.places.entry(*person).or_default(), *conversation);
            }
            Event::Due { op, due: Due::Refused, .. } => {
                self.refused.insert(*op);
            }
            Event::Invoke { op, operation, .. } => {
                if self.refused.remove(op) || *operation == Operation::Leave {
                    self.intruders.insert(entry.client);
                }
                self.unlisted |= *operation == Operation::Create;
            }
            _ => {}
        }
    }

    pub(super) fn person(&self, client: ClientId) -> Option<PersonId> {
        self.whose.get(&client).copied()
    }

    /// The person that the server calls so.
    pub(super) fn called(&self, user: &str) -> Option<PersonId> {
        self.users.get(user).copied()
    }

    pub(super) fn devices(&self, person: PersonId) -> &[ClientId] {
        self.devices.get(&person).map_or(&[], Vec::as_slice)
    }

    pub(super) fn members(&self, conversation: ConversationId) -> &[PersonId] {
        self.members.get(&conversation).map_or(&[], Vec::as_slice)
    }

    pub(super) fn places(&self, person: PersonId) -> &[ConversationId] {
        self.places.get(&person).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_member(&self, person: PersonId, conversation: ConversationId) -> bool {
        self.places(person).contains(&conversation)
    }

    /// The conversations of both.
    pub(super) fn shared(&self, one: PersonId, other: PersonId) -> Vec<ConversationId> {
        let of_other = self.places(other);
        self.places(one).iter().copied().filter(|place| of_other.contains(place)).collect()
    }

    /// What the other does there (or anywhere, if no place is named) concerns the client.
    pub(super) fn concerns(
        &self,
        client: ClientId,
        other: PersonId,
        place: Option<ConversationId>,
    ) -> bool {
        self.person(client).is_some_and(|person| match place {
            Some(place) => self.is_member(person, place),
            None => !self.shared(person, other).is_empty(),
        })
    }

    /// The client has no business there: it is no member, has not tried to become one on purpose,
    /// and all conversations are known.
    pub(super) fn is_stranger(
        &self,
        client: ClientId,
        other: PersonId,
        place: Option<ConversationId>,
    ) -> bool {
        let known = self.person(client).is_some_and(|person| person != other);
        known
            && !self.unlisted
            && !self.intruders.contains(&client)
            && !self.concerns(client, other, place)
    }

    /// The client asked for what must be refused, or left a conversation: what it hears after that
    /// is another property's.
    pub(super) fn is_intruder(&self, client: ClientId) -> bool {
        self.intruders.contains(&client)
    }
}

fn note<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Whether a status word says that somebody is there, or does something: `online`, `true`.
pub(super) fn says_yes(word: &str) -> Option<bool> {
    match word {
        "online" | "true" | "connected" | "active" | "available" | "typing" | "start" => Some(true),
        "offline" | "false" | "disconnected" | "inactive" | "idle" | "stop" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::read;

    fn company(history: &str) -> Company {
        let mut company = Company::default();
        read(history).iter().for_each(|entry| company.observe(entry));
        company
    }

    #[test]
    fn members_share_and_strangers_do_not() {
        let company = company("a a2 b in #1\nb c in #2");
        let [ann, bob, carl] = [1, 2, 3].map(PersonId);
        assert_eq!(company.called("u2"), Some(bob));
        assert_eq!(company.devices(ann), [ClientId(10), ClientId(11)]);
        assert_eq!(company.shared(bob, carl), [ConversationId(2)]);
        assert!(company.is_stranger(ClientId(10), carl, None));
        assert!(company.is_stranger(ClientId(10), bob, Some(ConversationId(2))));
        assert!(!company.is_stranger(ClientId(11), bob, None));
        assert!(!company.is_stranger(ClientId(10), ann, Some(ConversationId(2))), "oneself");
        assert!(!company.is_stranger(ClientId(77), ann, None), "who is that?");
    }

    #[test]
    fn who_tries_what_must_be_refused_is_left_to_others() {
        let company = company("a in #1\nb in #2\nb owes o1 refusal\nb reads o1 #1");
        assert!(!company.is_stranger(ClientId(20), PersonId(1), None));
        assert!(company.is_intruder(ClientId(20)));
        assert!(company.is_stranger(ClientId(10), PersonId(2), None));
    }

    #[test]
    fn words_say_yes_or_no_or_nothing() {
        assert_eq!([says_yes("online"), says_yes("false")], [Some(true), Some(false)]);
        assert_eq!(says_yes("away"), None);
    }
}
