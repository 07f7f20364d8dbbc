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
