//! Contacts: everybody with whom a person shares a conversation, once.

use super::Core;
use super::create::OTHER_IDS;
use crate::reference::bugs::Bug;
use crate::reference::model::*;
use crate::reference::store::Outline;

/// First messages closer together make two contacts for `contacts-doubled`.
const MOMENT_MS: i64 = 100;

impl Core {
    /// Everybody the person shares a conversation with, and the one they have alone.
    pub(super) fn contacts(
        &self,
        user: &User,
    ) -> Result<Vec<(User, Option<Conversation>)>, Refusal> {
        let mut people: Vec<User> = Vec::new();
        for id in self.conversations_of(user) {
            let Some(outline) = self.conversations.get(id) else { continue };
            let times = self.times(user, *id, outline)?;
            let others = outline.members.iter().filter(|member| *member != user);
            people.extend(others.flat_map(|other| std::iter::repeat_n(other.clone(), times)));
        }
        if self.bugs.has(Bug::ContactsForeign) {
            people.extend(self.of_user.keys().filter(|other| *other != user).cloned());
        }
        people.sort_unstable();
        if !self.bugs.has(Bug::ContactsDoubled) && !self.bugs.has(Bug::ContactsPerConversation) {
            people.dedup();
        }
        people.into_iter().map(|peer| self.contact(user, peer)).collect()
    }

    /// How many contacts a conversation makes of each of its people: one.
    fn times(&self, user: &User, id: Conversation, outline: &Outline) -> Result<usize, Refusal> {
        if self.bugs.is_none() {
            return Ok(1);
        }
        let none = self.bugs.has(Bug::ContactsOneSided) && self.store.sent_by(user, id)? == 0
            || self.bugs.has(Bug::ContactsNoGroups) && outline.members.len() > 2
            || self.bugs.has(Bug::ContactsForgotten) && id <= self.contacts_forgotten;
        if none {
            return Ok(0);
        }
        if !self.bugs.has(Bug::ContactsDoubled) {
            return Ok(1);
        }
        let first = self.store.since("", id, Position::Seq(0), 0, 2, false)?;
        let at_once = |two: &[Message]| two[1].at - two[0].at < MOMENT_MS;
        Ok(if first.windows(2).any(at_once) { 2 } else { 1 })
    }

    fn contact(&self, user: &User, peer: User) -> Result<(User, Option<Conversation>), Refusal> {
        let two = [user.clone().min(peer.clone()), user.clone().max(peer.clone())];
        let other = if self.bugs.has(Bug::ContactsOtherIds) { OTHER_IDS } else { 0 };
        let pair = self.store.pair(&two.join("\u{1f}"))?;
        Ok((peer, pair.map(|id| id + other)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chat, rules};
    use super::*;

    fn contacts(chat: &mut Chat, user: &str) -> Vec<String> {
        match chat.ask(user, Command::Contacts) {
            Ok(Answer::People(people)) => people.iter().map(|(one, _)| one.to_string()).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Ann and Bob share a pair and a group with Cat; Dan and Eve are elsewhere.
    fn chat(bugs: &[Bug]) -> Chat {
        let mut chat = Chat::new(rules(), bugs);
        let pair = chat.create("ann", &["bob"]);
        let group = chat.create("ann", &["bob", "cat"]);
        chat.create("dan", &["eve"]);
        chat.send("ann", pair, "hi", "1").unwrap();
        chat.send("ann", pair, "ho", "2").unwrap();
        chat.send("bob", group, "hi", "3").unwrap();
        chat
    }

    #[test]
    fn contacts_are_who_shares_a_conversation_once_and_lead_to_it() {
        let mut chat = chat(&[]);
        assert_eq!(contacts(&mut chat, "ann"), ["bob", "cat"]);
        assert_eq!(contacts(&mut chat, "cat"), ["ann", "bob"]);
        assert_eq!(contacts(&mut chat, "dan"), ["eve"]);
        let people = chat.ask("bob", Command::Contacts).unwrap();
        let expected = [("ann".into(), Some(1)), ("cat".into(), None)];
        assert_eq!(people, Answer::People(expected.to_vec()));
    }

    #[test]
    fn each_bug_knows_too_few_or_too_many() {
        for (bug, ann, cat) in [
            (Bug::ContactsOneSided, &["bob"][..], &[][..]),
            (Bug::ContactsNoGroups, &["bob"], &[]),
            (Bug::ContactsDoubled, &["bob", "bob", "bob", "cat"], &["ann", "bob"]),
            (Bug::ContactsPerConversation, &["bob", "bob", "cat"], &["ann", "bob"]),
            (Bug::ContactsForeign, &["bob", "cat", "dan", "eve"], &["ann", "bob", "dan", "eve"]),
            (Bug::ContactsForgotten, &["bob", "cat"], &["ann", "bob"]),
        ] {
            let mut chat = chat(&[bug]);
            assert_eq!(contacts(&mut chat, "ann"), ann, "{bug}");
            assert_eq!(contacts(&mut chat, "cat"), cat, "{bug}");
        }
        let mut forgetful = chat(&[Bug::ContactsForgotten]);
        forgetful.core.restart(0).unwrap();
        assert!(contacts(&mut forgetful, "ann").is_empty());
    }
}
