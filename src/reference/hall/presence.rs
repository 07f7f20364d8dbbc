//! Who is told that somebody came or went.

use super::{Errand, Hall};
use crate::operation::Sight;
use crate::reference::bugs::Bug;
use crate::reference::model::*;
use crate::spec::Hole;
use std::time::Duration;
use tokio::time::Instant;

/// How long a server that spares watchers the flicker puts an offline off.
const PUT_OFF: Duration = Duration::from_millis(2_200);

impl Hall {
    /// The first of a person's devices came.
    pub(super) fn tell_online(&mut self, user: &User, conversations: &[Conversation]) {
        if !self.bugs.has(Bug::PresenceNeverOnline) {
            self.tell_presence(user, conversations, Sight::Online);
        }
    }

    /// One of a person's devices is gone.
    pub(super) fn tell_gone(&mut self, user: &User, node: Node, conversations: &[Conversation]) {
        let remains =
            self.devices_known(user, node) > 0 && !self.bugs.has(Bug::PresenceOfflineEarly);
        if remains || self.bugs.has(Bug::PresenceGhost) {
            return;
        }
        if self.bugs.has(Bug::PresenceOfflineLate) || self.bugs.has(Bug::PresenceFlap) {
            let errand = Errand::TellOffline(user.clone(), conversations.to_vec());
            return self.do_later(Instant::now() + PUT_OFF, errand);
        }
        self.tell_presence(user, conversations, Sight::Offline);
    }

    /// An offline that was put off is told now, unless the person is back.
    pub(super) fn tell_offline_now(&mut self, user: &User, conversations: &[Conversation]) {
        if !self.of_user.contains_key(user) || self.bugs.has(Bug::PresenceFlap) {
            self.tell_presence(user, conversations, Sight::Offline);
        }
    }

    fn tell_presence(&mut self, user: &User, conversations: &[Conversation], sight: Sight) {
        if !(self.play.sees(sight) || self.play.sees(Sight::Presence)) {
            return;
        }
        let mut close: Vec<Conversation> =
            conversations.iter().copied().filter(|id| !self.crowds.contains(id)).collect();
        if self.bugs.has(Bug::PresenceOneRoom) {
            close.sort_unstable();
            close.truncate(1);
        }
        let rooms = close.iter().filter_map(|id| self.rooms.get(id));
        let mut watchers: Vec<Connection> = rooms.flatten().copied().collect();
        self.leak(Bug::PresenceLeak, &mut watchers);
        if self.bugs.has(Bug::PresenceToAll) && sight == Sight::Offline {
            watchers = self.present.keys().copied().collect();
        }
        watchers.sort_unstable();
        watchers.dedup();
        watchers.retain(|id| self.present[id].user != *user);
        self.keep_to_node(Bug::PresencePerNode, &mut watchers);
        let mut about = self.play.about(user, None);
        about.set(Hole::STATUS, sight.name());
        self.push(sight, &mut about, &watchers);
        self.push(Sight::Presence, &mut about, &watchers);
    }
}
