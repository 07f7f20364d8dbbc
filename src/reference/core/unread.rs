//! How much a person has not read: counted when it is asked for, from what is stored.

use super::Core;
use crate::reference::bugs::Bug;
use crate::reference::model::*;
use rustc_hash::FxHashMap;

/// Messages closer together are one to `unread-drift`.
const MOMENT_MS: i64 = 50;

/// What servers keep that count badly; the honest one counts anew.
#[derive(Default)]
pub(super) struct Badges {
    /// What was answered first, for `unread-cached`.
    cached: FxHashMap<User, i64>,
    /// Readings of what was read already, for `unread-negative`.
    again: FxHashMap<User, i64>,
    /// What is counted once more, for `unread-doubled`; whoever was never here has no entry.
    extra: FxHashMap<User, i64>,
    /// The newest message before the restart, for `unread-forgotten`.
    forgotten: i64,
}

impl Core {
    pub(super) fn unread(
        &mut self,
        user: &User,
        conversation: Option<Conversation>,
    ) -> Result<i64, Refusal> {
        let places = match conversation {
            Some(conversation) => {
                self.member(user, conversation)?;
                vec![conversation]
            }
            None if self.bugs.has(Bug::UnreadForeign) && self.places_of(user).is_empty() => {
                self.conversations.keys().copied().collect()
            }
            None => self.places_of(user),
        };
        let mut count = 0;
        for place in places {
            count += self.unread_in(user, place)?;
        }
        if self.bugs.is_none() {
            return Ok(count);
        }
        let noted = |notes: &FxHashMap<User, i64>| notes.get(user).copied().unwrap_or(0);
        count += noted(&self.badges.extra) - noted(&self.badges.again);
        let cached = self.badges.cached.entry(user.clone()).or_insert(count);
        Ok(if self.bugs.has(Bug::UnreadCached) { *cached } else { count })
    }

    fn unread_in(&self, user: &User, place: Conversation) -> Result<i64, Refusal> {
        let mut unread = self.store.unread(user, place)?;
        let mut more = 0;
        if self.bugs.has(Bug::UnreadBroadcast) && self.is_broadcast(place) {
            return Ok(0);
        }
        if self.bugs.has(Bug::UnreadShared) {
            let mut kept = Vec::new();
            for message in unread {
                if self.store.status(message.id)? != Some(ReceiptKind::Read) {
                    kept.push(message);
                }
            }
            unread = kept;
        }
        if self.bugs.has(Bug::UnreadDrift) {
            let mut last = 0;
            unread.retain(|message| {
                std::mem::replace(&mut last, message.at) + MOMENT_MS < message.at
            });
        }
        unread.retain(|message| message.id > self.badges.forgotten);
        if self.bugs.has(Bug::UnreadDeleted) {
            more += self.store.hidden(user, place)?;
        }
        if self.bugs.has(Bug::UnreadOwn) {
            more += self.store.sent_by(user, place)?;
        }
        Ok(unread.len() as i64 + more)
    }

    /// A message is stored: those who read it are counted anew.
    pub(super) fn badges_change(&mut self, conversation: Conversation) {
        if self.bugs.has(Bug::UnreadCached) {
            let mut cached = std::mem::take(&mut self.badges.cached);
            cached.retain(|user, _| self.member(user, conversation).is_err());
            self.badges.cached = cached;
        }
    }

    /// A message is read that this person has read already.
    pub(super) fn reads_again(&mut self, user: &User) {
        if self.bugs.has(Bug::UnreadNegative) {
            *self.badges.again.entry(user.clone()).or_default() += 1;
        }
    }

    /// A person comes, for the first time or again.
    pub(super) fn comes_back(&mut self, user: &User) {
        if !self.bugs.has(Bug::UnreadDoubled) {
            return;
        }
        let waiting = match self.badges.extra.contains_key(user) {
            true => self.unread(user, None).unwrap_or(0),
            false => 0,
        };
        self.badges.extra.insert(user.clone(), waiting);
    }

    /// A new process begins.
    pub(super) fn forget_badges(&mut self) {
        if self.bugs.has(Bug::UnreadForgotten) {
            self.badges.forgotten = self.last_message;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::super::tests::{Chat, rules};
    use super::*;

    struct Counting {
        chat: Chat,
        place: Conversation,
        ids: Vec<i64>,
    }

    /// Ann has sent three messages to Bob and Cat, within a few milliseconds.
    fn counting(bugs: &[Bug]) -> Counting {
        let mut chat = Chat::new(Rules { send_rate: None, ..rules() }, bugs);
        let place = chat.create("ann", &["bob", "cat"]);
        let ids =
            ["a", "b", "c"].map(|key| chat.send("ann", place, key, key).unwrap().0.id).to_vec();
        Counting { chat, place, ids }
    }

    impl Counting {
        fn unread(&mut self, user: &str) -> i64 {
            match self.chat.ask(user, Command::Unread { conversation: None }) {
                Ok(Answer::Count(count)) => count,
                other => panic!("{other:?}"),
            }
        }

        fn read(&mut self, user: &str, index: usize) {
            let about = Marked::Message(self.ids[index]);
            let kind = ReceiptKind::Read;
            self.chat.ask(user, Command::Receipt { about, kind, looked: None }).unwrap();
        }

        fn hide(&mut self, user: &str, index: usize) -> Result<Answer, Refusal> {
            self.chat.ask(user, Command::Hide { message: self.ids[index] })
        }
    }

    #[test]
    fn what_others_sent_is_unread_until_it_is_read_or_hidden() {
        let mut counting = counting(&[]);
        assert_eq!([counting.unread("ann"), counting.unread("bob")], [0, 3]);
        counting.read("bob", 0);
        counting.read("bob", 0);
        counting.hide("bob", 0).unwrap();
        counting.hide("bob", 1).unwrap();
        assert_eq!([counting.unread("bob"), counting.unread("cat")], [1, 3]);
        let place = counting.place;
        let rows = |chat: &mut Chat, user: &str| chat.read(user, place, Window::default()).len();
        assert_eq!([rows(&mut counting.chat, "bob"), rows(&mut counting.chat, "cat")], [1, 3]);
        assert!(counting.hide("eve", 2).is_err(), "a stranger hides nothing");
    }

    #[test]
    fn each_bug_counts_badly_in_its_own_way() {
        let counts = |bug| {
            let mut counting = counting(&[bug]);
            let first = counting.unread("bob");
            counting.read("bob", 0);
            counting.read("bob", 0);
            counting.hide("bob", 1).unwrap();
            [first, counting.unread("bob"), counting.unread("cat"), counting.unread("ann")]
        };
        assert_eq!(counts(Bug::UnreadCached), [3, 3, 3, 0]);
        assert_eq!(counts(Bug::UnreadNegative), [3, 0, 3, 0]);
        assert_eq!(counts(Bug::UnreadDeleted), [3, 2, 3, 0]);
        assert_eq!(counts(Bug::UnreadShared), [3, 1, 2, 0]);
        assert_eq!(counts(Bug::UnreadOwn), [3, 1, 3, 3]);
        assert_eq!(counts(Bug::UnreadDrift), [1, 1, 1, 0]);
        assert_eq!(counts(Bug::UnreadBroadcast), [3, 1, 3, 0]);
        let mut strange = counting(&[Bug::UnreadForeign]);
        assert_eq!([strange.unread("eve"), strange.unread("bob")], [3, 3]);
    }

    #[test]
    fn a_return_or_a_restart_changes_the_count_by_a_bug_only() {
        for (bug, back, restarted) in
            [(Bug::UnreadDoubled, 6, 6), (Bug::UnreadForgotten, 3, 0), (Bug::UnreadCached, 3, 3)]
        {
            let mut counting = counting(&[bug]);
            for _ in 0..2 {
                counting.chat.core.arrive(&"bob".into(), 0);
            }
            assert_eq!(counting.unread("bob"), back, "{bug}");
            counting.chat.core.restart(0).unwrap();
            assert_eq!(counting.unread("bob"), restarted, "{bug}");
        }
    }
}
