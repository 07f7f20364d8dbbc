//! Queues for those who are away, and three bad ways of draining them. The honest server has none:
//! who comes back asks for what was missed.

use super::Hall;
use crate::operation::Sight;
use crate::reference::bugs::{Bug, Bugs};
use crate::reference::model::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Duration;
use tokio::time::Instant;

/// So late `queue-late` drains: what comes meanwhile is pushed before.
const LATE: Duration = Duration::from_millis(150);

/// The bugs that need a queue.
const DRAINS: [Bug; 3] = [Bug::QueueBackwards, Bug::QueueLate, Bug::QueueTwice];

/// What waits for whom.
#[derive(Default)]
pub(super) struct Queues {
    /// Who was ever in a conversation's room.
    homes: FxHashMap<Conversation, FxHashSet<User>>,
    waiting: FxHashMap<User, Vec<Message>>,
}

impl Queues {
    /// This person has a queue for this conversation.
    pub(super) fn belongs(&mut self, bugs: Bugs, conversation: Conversation, user: &User) {
        if DRAINS.iter().any(|bug| bugs.has(*bug)) {
            self.homes.entry(conversation).or_default().insert(user.clone());
        }
    }
}

impl Hall {
    /// A message waits for whoever is away.
    pub(super) fn queue(&mut self, message: &Message) {
        let users = self.queues.homes.get(&message.conversation).into_iter().flatten();
        for user in users.filter(|user| !self.of_user.contains_key(*user)) {
            self.queues.waiting.entry(user.clone()).or_default().push(message.clone());
        }
    }

    /// A person is back.
    pub(super) fn drain_queue(&mut self, connection: Connection, user: &User) {
        let Some(mut waiting) = self.queues.waiting.remove(user) else { return };
        if self.bugs.has(Bug::QueueLate) {
            let errand = super::Errand::Drain(connection, waiting);
            return self.do_later(Instant::now() + LATE, errand);
        }
        if self.bugs.has(Bug::QueueTwice) {
            self.push_all(connection, &waiting);
        }
        if self.bugs.has(Bug::QueueBackwards) {
            waiting.reverse();
        }
        self.push_all(connection, &waiting);
    }

    /// Pushes these to one connection, one after the other.
    pub(super) fn push_all(&mut self, connection: Connection, messages: &[Message]) {
        for message in messages {
            let mut about = self.play.about_message(message);
            self.push(Sight::Message, &mut about, &[connection]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::hall::Wire;
    use crate::reference::play::{Outgoing, Play};
    use crate::reference::tests::spec;
    use std::sync::{Arc, Mutex};

    #[derive(Default)]
    struct Ear(Mutex<Vec<i64>>);

    impl Wire for Ear {
        fn push(&self, event: &Outgoing) -> bool {
            let said = format!("{event:?}");
            let heard = (1..=3).filter(|id| said.contains(&format!("number {id}")));
            self.0.lock().unwrap().extend(heard);
            true
        }

        fn hang_up(&self) {}
    }

    fn message(id: i64) -> Message {
        Message {
            id,
            conversation: 1,
            seq: id,
            at: id,
            sender: "1".into(),
            text: format!("number {id}"),
            key: None,
            status: None,
        }
    }

    /// What somebody is pushed on coming back, by the messages' numbers.
    fn drained(bugs: Bugs) -> Vec<i64> {
        let mut hall = Hall::new(Arc::new(Play::new(&spec())), bugs);
        let ear = Arc::new(Ear::default());
        let (user, chapter, connection) = (User::from("2"), None, Some(1));
        let device = user.clone();
        let user = Caller { user, chapter, connection, node: 0, device, arrived: 0 };
        hall.arrive(1, (&user, None), Arc::new(Ear::default()), &[(1, 2)]);
        hall.depart(1);
        (1..=3).for_each(|id| hall.queue(&message(id)));
        hall.arrive(2, (&user, None), Arc::<Ear>::clone(&ear), &[(1, 2)]);
        hall.tick(Instant::now() + LATE);
        ear.0.lock().unwrap().clone()
    }

    #[test]
    fn a_queue_is_drained_badly_in_three_ways_and_by_an_honest_server_not_at_all() {
        assert!(drained(Bugs::NONE).is_empty());
        assert_eq!(drained(Bugs::NONE.with(Bug::QueueBackwards)), [3, 2, 1]);
        assert_eq!(drained(Bugs::NONE.with(Bug::QueueTwice)), [1, 2, 3, 1, 2, 3]);
        assert_eq!(drained(Bugs::NONE.with(Bug::QueueLate)), [1, 2, 3]);
    }
}
