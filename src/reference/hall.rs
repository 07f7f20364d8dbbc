//! Who is connected, who is in which room, and who hears what.
//!
//! The hall belongs to the one task that orders everything (`desk`), so a connection is in its
//! rooms from one point of that order on: what was stored before is in history, what comes after
//! is pushed. It knows connections only as [`Wire`]s.

use crate::operation::Sight;
use crate::reference::bugs::{Bug, Bugs, draw};
use crate::reference::model::*;
use crate::reference::play::{Outgoing, Play};
use crate::reference::stamp;
use crate::spec::{Bindings, Echo, Hole};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// The way to one connected client.
pub(crate) trait Wire: Send + Sync {
    /// Sends, or queues, an event. `false`: the client is gone.
    fn push(&self, event: &Outgoing) -> bool;
}

pub(crate) struct Hall {
    play: Arc<Play>,
    bugs: Bugs,
    present: FxHashMap<Connection, Present>,
    of_user: FxHashMap<User, Vec<Connection>>,
    rooms: FxHashMap<Conversation, Vec<Connection>>,
    /// Who types where, and on which connection.
    typing: FxHashMap<(User, Conversation), Connection>,
    /// Everybody who ever connected; kept only for `no-rejoin`.
    known: FxHashSet<User>,
    gone: Vec<Connection>,
}

struct Present {
    user: User,
    wire: Arc<dyn Wire>,
    rooms: Vec<Conversation>,
    /// Is put into no room, by a bug.
    deaf: bool,
}

impl Hall {
    pub(crate) fn new(play: Arc<Play>, bugs: Bugs) -> Self {
        Self {
            play,
            bugs,
            present: FxHashMap::default(),
            of_user: FxHashMap::default(),
            rooms: FxHashMap::default(),
            typing: FxHashMap::default(),
            known: FxHashSet::default(),
            gone: Vec::new(),
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.present.len()
    }

    /// Lets a connection in and puts it into the rooms of all of its person's conversations.
    pub(crate) fn arrive(
        &mut self,
        connection: Connection,
        user: &User,
        wire: Arc<dyn Wire>,
        conversations: &[Conversation],
    ) {
        let again = self.bugs.has(Bug::NoRejoin) && !self.known.insert(user.clone());
        let present = Present { user: user.clone(), wire, rooms: Vec::new(), deaf: again };
        self.present.insert(connection, present);
        let devices = self.of_user.entry(user.clone()).or_default();
        devices.push(connection);
        let first = devices.len() == 1;
        for conversation in conversations {
            self.join(connection, *conversation);
        }
        if first {
            self.tell_presence(user, conversations, Sight::Online);
        }
        self.sweep();
    }

    /// Takes a connection out, and tells those who could think it is still here.
    pub(crate) fn depart(&mut self, connection: Connection) {
        self.forget(connection);
        self.sweep();
    }

    /// Tells everybody who should hear of it.
    pub(crate) fn tell(&mut self, caller: &Caller, event: Event) {
        match event {
            Event::Message(message) => self.tell_message(caller, &message),
            Event::Typing { conversation, on } => self.typing(caller, conversation, on),
            Event::Joined { conversation } => {
                if let Some(connection) = caller.connection {
                    self.join(connection, conversation);
                }
            }
            Event::Left { conversation } => {
                if let Some(connection) = caller.connection {
                    self.leave(connection, conversation);
                }
            }
            Event::Made { conversation, members } => {
                self.made(&caller.user, conversation, &members);
            }
            Event::Receipt { message, conversation, sender, kind, at } => {
                let mut about = self.play.about_receipt(&caller.user, message, conversation);
                about.set(Hole::AT, stamp::to_iso(at).as_str());
                about.set(Hole::STATUS, kind.word());
                let devices = self.of_user.get(&sender).cloned().unwrap_or_default();
                if kind == ReceiptKind::Read {
                    self.push(Sight::Receipt, &mut about, &devices);
                }
                self.push(Sight::Status, &mut about, &devices);
            }
        }
        self.sweep();
    }

    fn tell_message(&mut self, caller: &Caller, message: &Message) {
        if (self.typing).contains_key(&(caller.user.clone(), message.conversation)) {
            self.typing(caller, message.conversation, false);
        }
        let mut receivers = self.room(message.conversation);
        let is_other_person = |id: &Connection| self.present[id].user != caller.user;
        match self.play.spec().traits.echo {
            Echo::All => {}
            Echo::Others => receivers.retain(|id| Some(*id) != caller.connection),
            Echo::OtherPeople => receivers.retain(is_other_person),
            Echo::None => receivers.clear(),
        }
        let mut about = self.play.about_message(message);
        if !self.bugs.is_none() {
            return self.tell_message_badly(caller, message, &mut about, receivers);
        }
        self.push(Sight::Message, &mut about, &receivers);
    }

    fn tell_message_badly(
        &mut self,
        caller: &Caller,
        message: &Message,
        about: &mut Bindings,
        mut receivers: Vec<Connection>,
    ) {
        let id = message.id.to_string();
        let early = |parts: &[&str]| {
            let at = message.at - 1 - (draw(parts) % 400) as i64;
            stamp::to_iso(at)
        };
        if self.bugs.has(Bug::ReceiverSkipped) {
            receivers.retain(|connection| {
                let user = &self.present[connection].user;
                *user == caller.user || !self.bugs.strikes(Bug::ReceiverSkipped, 20, &[&id, user])
            });
        }
        if self.bugs.has(Bug::StampLive) {
            about.set(Hole::AT, early(&[&id]).as_str());
        }
        if !self.bugs.has(Bug::StampPerReceiver) {
            return self.push(Sight::Message, about, &receivers);
        }
        for connection in receivers {
            let user = self.present[&connection].user.clone();
            about.set(Hole::AT, early(&[&id, &user]).as_str());
            self.push(Sight::Message, about, &[connection]);
        }
    }

    fn typing(&mut self, caller: &Caller, conversation: Conversation, on: bool) {
        let typist = (caller.user.clone(), conversation);
        if let (true, Some(connection)) = (on, caller.connection) {
            self.typing.insert(typist, connection);
        } else {
            self.typing.remove(&typist);
        }
        self.tell_typing(&caller.user, conversation, on);
    }

    fn tell_typing(&mut self, user: &User, conversation: Conversation, on: bool) {
        let sight = if on { Sight::TypingStart } else { Sight::TypingStop };
        let mut watchers = self.room(conversation);
        watchers.retain(|id| self.present[id].user != *user);
        let mut about = self.play.about(user, Some(conversation));
        self.push(sight, &mut about, &watchers);
    }

    fn made(&mut self, maker: &User, conversation: Conversation, members: &[User]) {
        let devices = members.iter().filter_map(|member| self.of_user.get(member));
        let devices: Vec<Connection> = devices.flatten().copied().collect();
        for device in &devices {
            self.join(*device, conversation);
        }
        let mut about = self.play.about(maker, Some(conversation));
        self.push(Sight::Conversation, &mut about, &devices);
    }

    fn tell_presence(&mut self, user: &User, conversations: &[Conversation], sight: Sight) {
        if !(self.play.sees(sight) || self.play.sees(Sight::Presence)) {
            return;
        }
        let rooms = conversations.iter().filter_map(|id| self.rooms.get(id));
        let mut watchers: Vec<Connection> = rooms.flatten().copied().collect();
        watchers.sort_unstable();
        watchers.dedup();
        watchers.retain(|id| self.present[id].user != *user);
        let mut about = self.play.about(user, None);
        about.set(Hole::STATUS, sight.name());
        self.push(sight, &mut about, &watchers);
        self.push(Sight::Presence, &mut about, &watchers);
    }

    fn push(&mut self, sight: Sight, about: &mut Bindings, receivers: &[Connection]) {
        if receivers.is_empty() || !self.play.sees(sight) {
            return;
        }
        let personal = self.play.is_personal(sight);
        let mut events = Vec::new();
        if !personal {
            events = self.play.pushed(sight, about);
        }
        for connection in receivers {
            let Some(present) = self.present.get(connection) else {
                continue;
            };
            if personal {
                about.set(Hole::USER, self.play.user(&present.user));
                events = self.play.pushed(sight, about);
            }
            if !events.iter().all(|event| present.wire.push(event)) {
                self.gone.push(*connection);
            }
        }
    }

    fn room(&self, conversation: Conversation) -> Vec<Connection> {
        self.rooms.get(&conversation).cloned().unwrap_or_default()
    }

    fn join(&mut self, connection: Connection, conversation: Conversation) {
        let Some(present) = self.present.get_mut(&connection) else {
            return;
        };
        if !present.deaf && !present.rooms.contains(&conversation) {
            present.rooms.push(conversation);
            self.rooms.entry(conversation).or_default().push(connection);
        }
    }

    fn leave(&mut self, connection: Connection, conversation: Conversation) {
        if let Some(present) = self.present.get_mut(&connection) {
            present.rooms.retain(|room| *room != conversation);
            take_out(&mut self.rooms, &conversation, connection);
        }
    }

    /// Connections that turned out to be gone while something was told.
    fn sweep(&mut self) {
        while let Some(connection) = self.gone.pop() {
            self.forget(connection);
        }
    }

    fn forget(&mut self, connection: Connection) {
        let Some(present) = self.present.remove(&connection) else {
            return;
        };
        for room in &present.rooms {
            take_out(&mut self.rooms, room, connection);
        }
        take_out(&mut self.of_user, &present.user, connection);
        let typed = self.typing.extract_if(|_, on| *on == connection);
        let typed: Vec<(User, Conversation)> = typed.map(|(typist, _)| typist).collect();
        for (user, conversation) in typed {
            self.tell_typing(&user, conversation, false);
        }
        if !self.of_user.contains_key(&present.user) {
            self.tell_presence(&present.user, &present.rooms, Sight::Offline);
        }
    }
}

fn take_out<K: std::hash::Hash + Eq>(
    lists: &mut FxHashMap<K, Vec<Connection>>,
    key: &K,
    connection: Connection,
) {
    if let Some(list) = lists.get_mut(key) {
        list.retain(|other| *other != connection);
        if list.is_empty() {
            lists.remove(key);
        }
    }
}
