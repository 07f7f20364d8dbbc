//! Broadcasts: conversations that one person writes and an audience reads.
//!
//! The one who makes it is its only member. Whom it is meant for is decided when they come or ask,
//! so that nobody is copied into a list of thousands.

use super::Core;
use crate::reference::bugs::{Bug, draw};
use crate::reference::model::*;
use crate::reference::store::Outline;

/// Ids of messages are below this; what is above tells the copies of `broadcast-copies` apart.
const COPIES: i64 = 1 << 40;

impl Core {
    pub(super) fn broadcast(
        &mut self,
        user: &User,
        to: Audience,
        events: &mut Vec<Event>,
    ) -> Result<Answer, Refusal> {
        if matches!(&to, Audience::People(people) if people.is_empty()) {
            return Err(Refusal::malformed("a broadcast needs somebody to hear it"));
        }
        let id = self.last_conversation + 1;
        let audience = self.meant(to);
        let members = vec![user.clone()];
        self.store.add_conversation(id, None, &members, Some(&audience))?;
        self.last_conversation = id;
        let reached = self.reached_at_once(user, &audience);
        self.remember(id, Outline { members, audience: Some(audience), ..Outline::default() });
        events.push(Event::Addressed { conversation: id, people: reached });
        Ok(Answer::Conversation { id, new: true })
    }

    /// Somebody comes, or asks: from now on the server knows their chapter.
    pub(crate) fn meet(&mut self, caller: &Caller) {
        if self.rules.broadcasts {
            self.chapters.insert(caller.user.clone(), caller.chapter.clone());
        }
    }

    /// All conversations that the person may read.
    pub(super) fn places_of(&self, user: &User) -> Vec<Conversation> {
        let mut places = self.conversations_of(user).to_vec();
        places.extend(self.addressed_to(user));
        places
    }

    /// The broadcasts of others that are meant for the person.
    pub(super) fn addressed_to(&self, user: &User) -> Vec<Conversation> {
        let broadcasts = self.broadcasts.iter().copied();
        let mine = |id: &Conversation| {
            let outline = &self.conversations[id];
            outline.members.binary_search(user).is_err() && self.is_addressed(user, outline)
        };
        broadcasts.filter(mine).collect()
    }

    pub(super) fn is_broadcast(&self, conversation: Conversation) -> bool {
        self.conversations.get(&conversation).is_some_and(|outline| outline.audience.is_some())
    }

    /// The conversation is a broadcast, and meant for this person.
    pub(super) fn is_addressed(&self, user: &User, outline: &Outline) -> bool {
        outline.audience.as_ref().is_some_and(|audience| self.is_among(user, audience))
    }

    fn is_among(&self, user: &User, audience: &Audience) -> bool {
        match audience {
            Audience::Everybody => true,
            Audience::People(people) => people.contains(user),
            Audience::Chapter(chapter) => {
                self.chapters.get(user).is_some_and(|known| known.as_ref() == Some(chapter))
            }
        }
    }

    /// The audience that is stored.
    fn meant(&self, to: Audience) -> Audience {
        if !self.bugs.has(Bug::BroadcastForgotten) {
            return to;
        }
        let known = self.chapters.keys().filter(|user| self.is_among(user, &to));
        Audience::People(known.cloned().collect())
    }

    /// Whose connections belong into the broadcast's room from the start.
    fn reached_at_once(&self, maker: &User, audience: &Audience) -> Vec<User> {
        let missed =
            self.bugs.has(Bug::BroadcastMissesChapter) && matches!(audience, Audience::Chapter(_));
        let leaks = self.bugs.has(Bug::BroadcastLeak);
        let among = |user: &&User| {
            let shares =
                || self.conversations_of(maker).iter().any(|id| self.member(user, *id).is_ok());
            leaks && shares() || !missed && self.is_among(user, audience)
        };
        let others = self.chapters.keys().filter(|user| *user != maker);
        [maker].into_iter().chain(others.filter(among)).cloned().collect()
    }

    /// How this reader calls a message: by its id, but for those who have copies of a broadcast.
    pub(super) fn id_for(&self, user: &User, message: &Message) -> i64 {
        let copied = self.bugs.has(Bug::BroadcastCopies)
            && message.sender != *user
            && self.is_broadcast(message.conversation);
        if copied { copy(message.id, user) } else { message.id }
    }
}

/// The id of a person's copy of a message.
pub(crate) fn copy(id: i64, user: &str) -> i64 {
    id + (1 + (draw(&[user]) % 1_000) as i64) * COPIES
}

/// The id of the message that this is, or is a copy of.
pub(super) fn original(id: i64) -> i64 {
    id % COPIES
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::super::tests::{Chat, rules};
    use super::*;

    /// Ann and Cat are in one chapter, Bob is in another; Dan has not come yet.
    fn chat(bugs: &[Bug]) -> Chat {
        let mut chat = Chat::new(Rules { broadcasts: true, ..rules() }, bugs);
        for (user, chapter) in [("ann", "north"), ("bob", "south"), ("cat", "north")] {
            meet(&mut chat, user, chapter);
        }
        chat
    }

    fn meet(chat: &mut Chat, user: &str, chapter: &str) {
        let (user, chapter) = (User::from(user), Some(chapter.into()));
        let device = user.clone();
        let caller = Caller { user, chapter, connection: None, node: 0, device, arrived: 0 };
        chat.core.meet(&caller);
    }

    fn broadcast(chat: &mut Chat, to: Audience) -> (Conversation, Vec<User>) {
        let mut events = Vec::new();
        let made = chat.core.broadcast(&"ann".into(), to, &mut events).unwrap();
        let Answer::Conversation { id, .. } = made else { panic!("{made:?}") };
        let Some(Event::Addressed { mut people, .. }) = events.pop() else { panic!("untold") };
        people.sort_unstable();
        (id, people)
    }

    fn readers(chat: &mut Chat, place: Conversation) -> Vec<&'static str> {
        let reads = |chat: &Chat, user: &str| chat.core.member(&user.into(), place).is_ok();
        ["ann", "bob", "cat", "dan"].into_iter().filter(|user| reads(chat, user)).collect()
    }

    #[test]
    fn an_audience_reads_and_only_the_maker_writes() {
        let mut chat = chat(&[]);
        for (to, reached, read) in [
            (Audience::Everybody, &["ann", "bob", "cat"][..], &["ann", "bob", "cat", "dan"][..]),
            (Audience::Chapter("north".into()), &["ann", "cat"], &["ann", "cat", "dan"]),
            (Audience::People(vec!["bob".into()]), &["ann", "bob"], &["ann", "bob"]),
        ] {
            let (place, people) = broadcast(&mut chat, to);
            assert_eq!(people, reached);
            meet(&mut chat, "dan", "north");
            assert_eq!(readers(&mut chat, place), read);
            chat.core.chapters.remove("dan");
            assert!(chat.send("ann", place, "hi", &format!("a{place}")).is_ok());
            assert!(chat.send("bob", place, "hi", &format!("b{place}")).is_err());
            assert_eq!(
                chat.core.addressed_to(&"bob".into()).contains(&place),
                people.contains(&"bob".into())
            );
        }
        let nobody = Audience::People(Vec::new());
        assert!(chat.core.broadcast(&"ann".into(), nobody, &mut Vec::new()).is_err());
        chat.core.restart(0).unwrap();
        assert_eq!(chat.core.broadcasts.len(), 3, "a broadcast outlives a restart");
    }

    #[test]
    fn each_bug_misses_or_tells_somebody() {
        let north = || Audience::Chapter("north".into());
        let told = |bug| {
            let mut chat = chat(&[bug]);
            chat.create("ann", &["bob"]);
            broadcast(&mut chat, north()).1
        };
        assert_eq!(told(Bug::BroadcastMissesChapter), ["ann"]);
        assert_eq!(told(Bug::BroadcastLeak), ["ann", "bob", "cat"]);
        assert_eq!(told(Bug::BroadcastOpen), ["ann", "cat"]);
        let mut open = chat(&[Bug::BroadcastOpen]);
        let (place, _) = broadcast(&mut open, north());
        assert_eq!(readers(&mut open, place).len(), 4);
        let mut forgotten = chat(&[Bug::BroadcastForgotten]);
        let (place, _) = broadcast(&mut forgotten, Audience::Everybody);
        assert_eq!(readers(&mut forgotten, place), ["ann", "bob", "cat"]);
        assert_eq!(original(copy(17, "bob")), 17);
        assert_ne!(copy(17, "bob"), copy(17, "cat"));
    }
}
