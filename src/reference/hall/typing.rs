//! Who types where, and who is shown it.

use super::{Errand, Hall, take_out};
use crate::operation::Sight;
use crate::reference::bugs::Bug;
use crate::reference::model::*;
use crate::spec::Hole;
use rustc_hash::FxHashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Between a start and its handling, for a server that does it in another task.
const HANDLING: Duration = Duration::from_millis(150);
/// The window in which a server that batches holds stops back.
const BATCH: Duration = Duration::from_millis(100);

/// A person, and where they type.
pub(super) type Typist = (User, Conversation);

/// Who types where.
#[derive(Default)]
pub(super) struct Typists {
    /// On which connections; a person goes on as long as one of them does.
    on: FxHashMap<Typist, Vec<Connection>>,
    /// When the server ends it by itself, where that is documented.
    expires: FxHashMap<Typist, Instant>,
    /// Where each person typed last; kept only for `typing-stop-wrong-room`.
    last: FxHashMap<User, Conversation>,
    /// Stops that are held back; kept only for `typing-stop-swallowed`.
    batched: FxHashMap<Typist, Instant>,
}

impl Hall {
    /// A client says that its person types, or stopped.
    pub(super) fn typing(&mut self, caller: &Caller, conversation: Conversation, on: bool) {
        let typist = (caller.user.clone(), conversation);
        if !on {
            return self.stop_typing(&typist, caller.connection);
        }
        if let Some(connection) = caller.connection {
            // It was under way when the connection ended: nobody would ever end the typing.
            if !self.present.contains_key(&connection) {
                return;
            }
            let devices = self.typists.on.entry(typist.clone()).or_default();
            if !devices.contains(&connection) {
                devices.push(connection);
            }
            self.typists.last.insert(caller.user.clone(), conversation);
        }
        if let Some(lasts) = self.play.spec().traits.typing_expires
            && !self.bugs.has(Bug::TypingNeverExpires)
        {
            let at = Instant::now() + lasts;
            self.typists.expires.insert(typist.clone(), at);
            self.do_later(at, Errand::Expire(typist.clone()));
        }
        if self.bugs.has(Bug::TypingStartLate) {
            let errand = Errand::TellTyping(typist, caller.connection, true);
            return self.do_later(Instant::now() + HANDLING, errand);
        }
        self.tell_typing(&typist, caller.connection, true);
    }

    /// A message ends its author's typing.
    pub(super) fn typing_ends_with_message(&mut self, caller: &Caller, conversation: Conversation) {
        let typist = (caller.user.clone(), conversation);
        if self.bugs.has(Bug::TypingStopSwallowed) {
            self.typists.batched.remove(&typist);
            self.typists.on.remove(&typist);
            return;
        }
        let typed_here = self.typists.on.get(&typist).is_some_and(|devices| {
            caller.connection.is_none_or(|connection| devices.contains(&connection))
        });
        if typed_here {
            self.stop_typing(&typist, caller.connection);
        }
    }

    /// A connection is gone, and nobody types on it any more.
    pub(super) fn typing_ends_with_connection(&mut self, connection: Connection) {
        let typed = self.typists.on.iter().filter(|(_, devices)| devices.contains(&connection));
        let typed: Vec<Typist> = typed.map(|(typist, _)| typist.clone()).collect();
        for typist in typed {
            if self.bugs.has(Bug::TypingSurvivesLoss) {
                take_out(&mut self.typists.on, &typist, connection);
            } else {
                self.stop_typing(&typist, Some(connection));
            }
        }
    }

    /// One of a person's devices stopped (without a word which: all); with the last one it is over.
    fn stop_typing(&mut self, typist: &Typist, connection: Option<Connection>) {
        let devices = self.typists.on.get(typist).map_or(0, Vec::len);
        match connection {
            Some(_) if devices > 1 && self.bugs.has(Bug::TypingDeviceForgotten) => {}
            Some(connection) => take_out(&mut self.typists.on, typist, connection),
            None => drop(self.typists.on.remove(typist)),
        }
        if self.typists.on.contains_key(typist) {
            return;
        }
        self.typists.expires.remove(typist);
        if self.bugs.has(Bug::TypingStopSwallowed) {
            let at = Instant::now() + BATCH;
            self.typists.batched.insert(typist.clone(), at);
            return self.do_later(at, Errand::TellTyping(typist.clone(), connection, false));
        }
        self.tell_typing(typist, connection, false);
    }

    /// Time is up, unless there was another start since.
    pub(super) fn expire(&mut self, typist: &Typist, now: Instant) {
        if self.typists.expires.get(typist).is_some_and(|at| *at <= now) {
            self.stop_typing(typist, None);
        }
    }

    /// What was put off is told now.
    pub(super) fn tell_typing_now(
        &mut self,
        typist: &Typist,
        connection: Option<Connection>,
        on: bool,
        now: Instant,
    ) {
        let batched = self.typists.batched.get(typist).is_some_and(|at| *at <= now);
        if on || batched {
            self.typists.batched.remove(typist);
            self.tell_typing(typist, connection, on);
        }
    }

    fn tell_typing(&mut self, typist: &Typist, connection: Option<Connection>, on: bool) {
        let (user, conversation) = typist;
        let mut place = *conversation;
        if !on && self.bugs.has(Bug::TypingStopWrongRoom) {
            place = self.typists.last.get(user).copied().unwrap_or(place);
        }
        let mut watchers = self.room(place);
        self.leak(Bug::TypingLeak, &mut watchers);
        if self.bugs.has(Bug::TypingToAll) {
            watchers = self.present.keys().copied().collect();
        }
        let author = connection.filter(|_| self.bugs.has(Bug::TypingEcho));
        watchers.retain(|id| self.present[id].user != *user || author == Some(*id));
        if !on && self.bugs.has(Bug::TypingStopLost) {
            watchers.truncate(1);
        }
        self.keep_to_node(Bug::TypingPerNode, &mut watchers);
        let sight = if on { Sight::TypingStart } else { Sight::TypingStop };
        let mut about = self.play.about(user, Some(place));
        self.push(sight, &mut about, &watchers);
        self.tell_typists(place, &watchers);
    }

    /// Where typing is told as a state: all who type there.
    fn tell_typists(&mut self, conversation: Conversation, watchers: &[Connection]) {
        if watchers.is_empty() || !self.play.sees(Sight::Typing) {
            return;
        }
        let here = self.typists.on.keys().filter(|(_, place)| *place == conversation);
        let mut users: Vec<&User> = here.map(|(user, _)| user).collect();
        users.sort_unstable();
        let frame = self.play.about(&User::default(), Some(conversation));
        let row = |user: &&User| {
            let mut row = self.play.about(user, Some(conversation));
            row.set(Hole::USER, self.play.user(user));
            row
        };
        let rows: Vec<_> = users.iter().map(row).collect();
        let events = self.play.pushed_list(Sight::Typing, &frame, &rows);
        for connection in watchers {
            self.deliver(*connection, &events);
        }
    }
}
