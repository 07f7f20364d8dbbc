//! Conversations: made, found again, listed.

use super::Core;
use crate::reference::bugs::Bug;
use crate::reference::model::*;
use crate::reference::store::Outline;

/// So many direct conversations fit an index over single participants.
const MULTIKEY: usize = 2;

/// What lists with ids of their own add to each.
pub(super) const OTHER_IDS: Conversation = 1 << 40;

impl Core {
    pub(super) fn create(
        &mut self,
        user: &User,
        listed: &[User],
        guard: Guard,
        events: &mut Vec<Event>,
    ) -> Result<Answer, Refusal> {
        let members = self.members_of(user, listed)?;
        let mut pair = self.pair(user, listed, &members);
        if let Some(two) = &pair {
            if let Some(known) = self.store.pair(two)? {
                match guard {
                    Guard::Atomic if self.bugs.has(Bug::CreateAlways) => pair = None,
                    Guard::Atomic => return Ok(Answer::Conversation { id: known, new: false }),
                    Guard::Blind | Guard::Noted => pair = None,
                    Guard::Index => return Err(super::send::unique_index()),
                }
            } else if let Some(first) = self.multikey(&members)? {
                return Ok(Answer::Conversation { id: first, new: false });
            }
        }
        let id = self.last_conversation + 1;
        self.store.add_conversation(id, pair.as_deref(), &members, None)?;
        self.last_conversation = id;
        let outline = Outline { members: members.clone(), ..Outline::default() };
        self.remember(id, outline);
        events.push(Event::Made { conversation: id, members });
        Ok(Answer::Conversation { id, new: true })
    }

    /// Whether two people have a conversation; the second half of a race comes later.
    pub(super) fn find(&self, user: &User, listed: &[User]) -> Result<Answer, Refusal> {
        let members = self.members_of(user, listed)?;
        let pair = self.pair(user, listed, &members);
        let known = pair.map(|pair| self.store.pair(&pair)).transpose()?.flatten();
        Ok(known.map_or(Answer::Done, |id| Answer::Conversation { id, new: false }))
    }

    /// Everybody who will be in it, once each.
    fn members_of(&self, user: &User, listed: &[User]) -> Result<Vec<User>, Refusal> {
        let mut members = listed.to_vec();
        members.push(user.clone());
        members.sort_unstable();
        members.dedup();
        if members.len() < 2 && !self.bugs.has(Bug::CreateSelf) {
            return Err(Refusal::malformed("a conversation needs another person"));
        }
        let is_group = members.len() > 2;
        if is_group && self.bugs.has(Bug::CreatorLeftOut) && !listed.contains(user) {
            members.retain(|member| member != user);
        }
        Ok(members)
    }

    /// What only one conversation of two people has; `None` for a group.
    fn pair(&self, user: &User, listed: &[User], members: &[User]) -> Option<String> {
        let twice = |(index, user): (usize, &User)| listed[..index].contains(user);
        let doubled = self.bugs.has(Bug::CreateDoubled) && listed.iter().enumerate().any(twice);
        if members.len() != 2 || self.rules.always_new || doubled {
            return None;
        }
        if self.bugs.has(Bug::CreateOrder) {
            let first = listed.first().unwrap_or(user);
            let mut ordered = members.to_vec();
            ordered.sort_by_key(|member| member != first);
            return Some(ordered.join("\u{1f}"));
        }
        Some(members.join("\u{1f}"))
    }

    /// What an index over single participants makes of a pair that has no conversation yet.
    fn multikey(&self, members: &[User]) -> Result<Option<Conversation>, Refusal> {
        if !self.bugs.has(Bug::MultikeyRefused) && !self.bugs.has(Bug::MultikeyFirst) {
            return Ok(None);
        }
        for member in members {
            let direct = self.conversations_of(member).iter().copied();
            let direct: Vec<Conversation> = direct
                .filter(|id| self.conversations.get(id).is_some_and(|it| it.members.len() == 2))
                .collect();
            if direct.len() >= MULTIKEY {
                return match self.bugs.has(Bug::MultikeyRefused) {
                    true => Err(super::send::unique_index()),
                    false => Ok(direct.first().copied()),
                };
            }
        }
        Ok(None)
    }

    pub(super) fn list(&self, user: &User, window: &Window) -> Vec<Conversation> {
        let limit = window.limit.map_or(usize::MAX, |limit| limit as usize);
        let skip = window.page.map_or(0, |page| page.saturating_sub(1) as usize);
        let mut all = self.places_of(user);
        match all.last().copied() {
            Some(_) if self.bugs.has(Bug::ListMisses) => drop(all.pop()),
            Some(newest) if self.bugs.has(Bug::ListDoubles) => all.push(newest),
            _ => {}
        }
        if self.bugs.has(Bug::ListForeign) && all.is_empty() {
            all = self.conversations.keys().copied().collect();
            all.sort_unstable();
        }
        if self.bugs.has(Bug::ListOtherIds) {
            all.iter_mut().for_each(|id| *id += OTHER_IDS);
        }
        all.into_iter().skip(skip.saturating_mul(limit)).take(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chat, rules};
    use super::*;

    fn listed(chat: &mut Chat, user: &str) -> Vec<Conversation> {
        match chat.ask(user, Command::List { window: Window::default() }) {
            Ok(Answer::Conversations(list)) => list,
            other => panic!("{other:?}"),
        }
    }

    fn create(chat: &mut Chat, user: &str, people: &[&str], guard: Guard) -> Option<Conversation> {
        let members = people.iter().map(|person| (*person).into()).collect();
        match chat.ask(user, Command::Create { members, guard }) {
            Ok(Answer::Conversation { id, .. }) => Some(id),
            Ok(other) => panic!("{other:?}"),
            Err(_) => None,
        }
    }

    #[test]
    fn two_people_have_one_conversation_and_groups_are_new() {
        let mut chat = Chat::new(rules(), &[]);
        let pair = chat.create("ann", &["ann", "bob"]);
        for (asks, people) in [("bob", ["ann", "ann"]), ("bob", ["bob", "ann"])] {
            assert_eq!(chat.create(asks, &people), pair);
        }
        assert_eq!(chat.events.len(), 1, "made once");
        let group = chat.create("ann", &["bob", "cat"]);
        assert_ne!(chat.create("ann", &["bob", "cat"]), group);
        assert_eq!(listed(&mut chat, "ann").len(), 3);
        for alone in [&[][..], &["ann"]] {
            assert_eq!(create(&mut chat, "ann", alone, Guard::Atomic), None);
        }
        let people = chat.ask("ann", Command::Contacts).unwrap();
        let expected = [("bob".into(), Some(pair)), ("cat".into(), None)];
        assert_eq!(people, Answer::People(expected.to_vec()));
    }

    #[test]
    fn each_bug_takes_its_own_way_from_the_one_conversation() {
        let again = |bug, asks: &str, people: &[&str], guard| {
            let mut chat = Chat::new(rules(), &[bug]);
            let first = chat.create("ann", &["ann", "bob"]);
            create(&mut chat, asks, people, guard).map(|id| id == first)
        };
        let plain = Guard::Atomic;
        assert_eq!(again(Bug::CreateAlways, "ann", &["ann", "bob"], plain), Some(false));
        assert_eq!(again(Bug::CreateOrder, "ann", &["ann", "bob"], plain), Some(true));
        assert_eq!(again(Bug::CreateOrder, "bob", &["bob", "ann"], plain), Some(false));
        assert_eq!(again(Bug::CreateDoubled, "bob", &["bob", "ann"], plain), Some(true));
        assert_eq!(again(Bug::CreateDoubled, "ann", &["ann", "bob", "bob"], plain), Some(false));
        assert_eq!(again(Bug::CreateRace, "bob", &["bob", "ann"], Guard::Blind), Some(false));
        assert_eq!(again(Bug::CreateRaceError, "bob", &["ann"], Guard::Index), None);
        let mut chat = Chat::new(rules(), &[Bug::CreateSelf]);
        assert!(create(&mut chat, "ann", &["ann"], plain).is_some());
    }

    #[test]
    fn an_index_over_participants_fails_at_the_third() {
        for (bug, third) in [(Bug::MultikeyRefused, None), (Bug::MultikeyFirst, Some(1))] {
            let mut chat = Chat::new(rules(), &[bug]);
            for peer in ["bob", "cat"] {
                chat.create("ann", &["ann", peer]);
            }
            assert_eq!(create(&mut chat, "ann", &["ann", "dan"], Guard::Atomic), third);
        }
    }

    #[test]
    fn a_creator_who_is_left_out_is_in_no_list() {
        let mut chat = Chat::new(rules(), &[Bug::CreatorLeftOut]);
        chat.create("ann", &["bob", "cat"]);
        assert_eq!(listed(&mut chat, "ann"), [] as [Conversation; 0]);
        assert_eq!(listed(&mut chat, "bob").len(), 1);
        chat.create("ann", &["ann", "bob", "cat"]);
        assert_eq!(listed(&mut chat, "ann").len(), 1);
    }

    #[test]
    fn list_bugs_miss_or_double_the_newest() {
        for (bug, expected) in [(Bug::ListMisses, &[1][..]), (Bug::ListDoubles, &[1, 2, 2])] {
            let mut chat = Chat::new(rules(), &[bug]);
            chat.create("ann", &["bob"]);
            chat.create("ann", &["cat"]);
            assert_eq!(listed(&mut chat, "ann"), expected);
        }
    }
}
