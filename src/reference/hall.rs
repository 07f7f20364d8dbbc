//! Who is connected, who is in which room, and who hears what.
//!
//! The hall belongs to the one task that orders everything (`desk`), so a connection is in its
//! rooms from one point of that order on: what was stored before is in history, what comes after
//! is pushed. It knows connections only as [`Wire`]s.

mod nodes;
mod presence;
mod queue;
mod typing;

use crate::operation::Sight;
use crate::reference::bugs::{Bug, Bugs, draw};
use crate::reference::core::copy;
use crate::reference::model::*;
use crate::reference::play::{Outgoing, Play};
use crate::reference::stamp;
use crate::spec::{Bindings, Echo, Hole};
use nodes::Bus;
use queue::Queues;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use typing::{Typist, Typists};

/// The way to one connected client.
pub(crate) trait Wire: Send + Sync {
    /// Sends, or queues, an event. `false`: the client is gone.
    fn push(&self, event: &Outgoing) -> bool;

    /// Ends the connection; only by a bug.
    fn hang_up(&self);
}

/// Presence is told in conversations of at most so many people: in a crowd it concerns nobody, and
/// everybody telling everybody would drown the rest.
const CROWD: usize = 100;

/// A push that is overtaken comes so late.
const LATE: Duration = Duration::from_millis(30);

pub(crate) struct Hall {
    play: Arc<Play>,
    bugs: Bugs,
    /// So much later than it could comes everything that is answered or told.
    delay: Duration,
    present: FxHashMap<Connection, Present>,
    of_user: FxHashMap<User, Vec<Connection>>,
    rooms: FxHashMap<Conversation, Vec<Connection>>,
    /// Conversations in which presence is not told.
    crowds: FxHashSet<Conversation>,
    typists: Typists,
    /// What is to be done later, by its time.
    errands: BTreeMap<(Instant, u64), Errand>,
    errand: u64,
    /// Everybody who ever connected; kept only for `no-rejoin`.
    known: FxHashSet<User>,
    gone: Vec<Connection>,
    /// What the nodes tell one another.
    bus: Bus,
    /// What waits for those who are away; kept only for servers that drain it badly.
    queues: Queues,
}

/// Something to be done later.
enum Errand {
    /// The typing ends by itself.
    Expire(Typist),
    /// A start or stop is told that was put off by a bug.
    TellTyping(Typist, Option<Connection>, bool),
    /// A person's going is told that was put off by a bug.
    TellOffline(User, Vec<Conversation>),
    /// What was queued is pushed that was put off by a bug.
    Drain(Connection, Vec<Message>),
}

struct Present {
    user: User,
    /// The node it is connected to.
    node: Node,
    wire: Arc<dyn Wire>,
    rooms: Vec<Conversation>,
    /// Hears of this conversation only: each has a socket of its own.
    only: Option<Conversation>,
    /// Is put into no room, by a bug.
    deaf: bool,
}

impl Hall {
    pub(crate) fn new(play: Arc<Play>, bugs: Bugs) -> Self {
        Self {
            play,
            bugs,
            delay: Duration::ZERO,
            present: FxHashMap::default(),
            of_user: FxHashMap::default(),
            rooms: FxHashMap::default(),
            crowds: FxHashSet::default(),
            typists: Typists::default(),
            errands: BTreeMap::new(),
            errand: 0,
            known: FxHashSet::default(),
            gone: Vec::new(),
            bus: Bus::default(),
            queues: Queues::default(),
        }
    }

    /// The same with everything that is answered or told so much later.
    pub(crate) fn delayed(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    pub(crate) const fn delay(&self) -> Duration {
        self.delay
    }

    pub(crate) fn connections(&self) -> usize {
        self.present.len()
    }

    /// Lets a connection in and puts it into the rooms of all of its person's conversations, or
    /// `only` into this one.
    pub(crate) fn arrive(
        &mut self,
        connection: Connection,
        (caller, only): (&Caller, Option<Conversation>),
        wire: Arc<dyn Wire>,
        conversations: &[(Conversation, usize)],
    ) {
        let (user, node) = (&caller.user, caller.node);
        self.bus.origin = Some(node);
        let again = self.bugs.has(Bug::NoRejoin) && !self.known.insert(user.clone());
        let deaf = again || self.is_foreign(user, node);
        let present = Present { user: user.clone(), node, wire, rooms: Vec::new(), only, deaf };
        self.present.insert(connection, present);
        self.of_user.entry(user.clone()).or_default().push(connection);
        let first = self.devices_known(user, node) == 1;
        for (conversation, people) in conversations {
            self.note_size(*conversation, *people);
            if !self.bugs.has(Bug::JoinGap) {
                self.join(connection, *conversation);
            }
        }
        if let Some(only) = only {
            self.join(connection, only);
        }
        self.drain_queue(connection, user);
        if first {
            let rooms: Vec<Conversation> = conversations.iter().map(|(room, _)| *room).collect();
            self.tell_online(user, &rooms);
        }
        self.sweep();
    }

    /// Tells who came back what was said meanwhile.
    pub(crate) fn tell_missed(&mut self, connection: Connection, messages: &[Message]) {
        let echoes = self.play.spec().traits.echo == Echo::All;
        let own = self.present.get(&connection).map(|present| present.user.clone());
        for message in messages.iter().filter(|one| echoes || own.as_ref() != Some(&one.sender)) {
            let mut about = self.play.about_message(message);
            self.push(Sight::Message, &mut about, &[connection]);
        }
        self.sweep();
    }

    /// Takes a connection out, and tells those who could think it is still here.
    pub(crate) fn depart(&mut self, connection: Connection) {
        if !self.is_ghost(connection) {
            self.forget(connection);
        }
        self.sweep();
    }

    /// When something is to be done although nobody asks.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.errands.first_key_value().map(|((at, _), _)| *at)
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.bus.origin = None;
        while self.due().is_some_and(|at| at <= now) {
            match self.errands.pop_first() {
                Some((_, Errand::Expire(typist))) => self.expire(&typist, now),
                Some((_, Errand::TellTyping(typist, connection, on))) => {
                    self.tell_typing_now(&typist, connection, on, now);
                }
                Some((_, Errand::Drain(connection, messages))) => {
                    self.push_all(connection, &messages);
                }
                Some((_, Errand::TellOffline(user, rooms))) => self.tell_offline_now(&user, &rooms),
                None => {}
            }
        }
        self.sweep();
    }

    fn do_later(&mut self, at: Instant, errand: Errand) {
        self.errand += 1;
        self.errands.insert((at, self.errand), errand);
    }

    /// Tells everybody who should hear of it.
    pub(crate) fn tell(&mut self, caller: &Caller, event: Event) {
        self.bus.origin = Some(caller.node);
        match event {
            Event::Message(message) => self.tell_message(caller, &message),
            Event::Typing { conversation, on } => self.typing(caller, conversation, on),
            Event::Joined { conversation } => {
                if let Some(connection) = caller.connection {
                    self.join(connection, conversation);
                }
            }
            Event::Left { conversation } => {
                if let (false, Some(connection)) = (self.bugs.has(Bug::RoomKept), caller.connection)
                {
                    self.leave(connection, conversation);
                }
            }
            Event::Crashed => self.crash(caller),
            Event::Made { conversation, members } => {
                self.made(caller, conversation, &members);
            }
            Event::Addressed { conversation, people } => {
                self.crowds.insert(conversation);
                self.made(caller, conversation, &people);
            }
            Event::Receipt { message, conversation, sender, reader, kind, status, at } => {
                let mut about = self.play.about_receipt(&reader, message, conversation);
                about.set(Hole::AT, stamp::to_iso(at).as_str());
                if !self.bugs.has(Bug::ReceiptUntold) {
                    self.tell_receipt(caller, &mut about, (&sender, conversation), (kind, status));
                }
            }
        }
        self.sweep();
    }

    /// The sender's devices hear of a reader, and where the spec says so the reader's others; everybody in the room, of a message's new status.
    fn tell_receipt(
        &mut self,
        caller: &Caller,
        about: &mut Bindings,
        (sender, conversation): (&User, Conversation),
        (kind, status): (ReceiptKind, Option<ReceiptKind>),
    ) {
        if self.bugs.has(Bug::ReceiptDeliveredUntold) && kind == ReceiptKind::Delivered {
            return;
        }
        let mut devices = self.of_user.get(sender).cloned().unwrap_or_default();
        if self.bugs.has(Bug::ReceiptOneDevice) {
            devices.truncate(1);
        }
        self.leak(Bug::ReceiptLeak, &mut devices);
        self.keep_to_node(Bug::ReceiptPerNode, &mut devices);
        if self.play.spec().traits.reader_told && !self.bugs.has(Bug::ReceiptSenderOnly) {
            let own = self.of_user.get(&caller.user).into_iter().flatten().copied();
            devices.extend(own.filter(|device| Some(*device) != caller.connection));
        }
        if kind == ReceiptKind::Read {
            self.push(Sight::Receipt, about, &devices);
            if self.bugs.has(Bug::ReceiptDoubled) {
                self.push(Sight::Receipt, about, &devices);
            }
        }
        let Some(status) = status else { return };
        about.set(Hole::STATUS, status.word());
        if !self.bugs.has(Bug::ReceiptOneDevice) {
            devices.extend(self.room(conversation));
            devices.sort_unstable();
            devices.dedup();
        }
        self.keep_to_node(Bug::ReceiptPerNode, &mut devices);
        self.push(Sight::Status, about, &devices);
    }

    fn tell_message(&mut self, caller: &Caller, message: &Message) {
        self.typing_ends_with_message(caller, message.conversation);
        let mut receivers = self.room(message.conversation);
        self.leak_to_contacts(&message.sender, &mut receivers);
        let is_other_person = |id: &Connection| self.present[id].user != caller.user;
        match self.play.spec().traits.echo {
            Echo::All => {}
            Echo::Others => receivers.retain(|id| Some(*id) != caller.connection),
            Echo::OtherPeople => receivers.retain(is_other_person),
            Echo::None => receivers.clear(),
        }
        let mut about = self.play.about_message(message);
        if !self.bugs.is_none() {
            self.keep_to_node(Bug::PushPerNode, &mut receivers);
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
                *user == caller.user || !self.bugs.strikes(Bug::ReceiverSkipped, 12, &[&id, user])
            });
        }
        if self.bugs.has(Bug::StampLive) {
            about.set(Hole::AT, early(&[&id]).as_str());
        }
        if self.bugs.has(Bug::PushesOvertaken) {
            receivers.retain(|connection| {
                let late = draw(&[&id, &self.present[connection].user]).is_multiple_of(3);
                if late {
                    self.push_late(about, *connection);
                }
                !late
            });
        }
        self.queue(message);
        if self.bugs.has(Bug::BroadcastCopies) && self.crowds.contains(&message.conversation) {
            for connection in receivers {
                let id = copy(message.id, &self.present[&connection].user);
                let mut about = self.play.about_message(&Message { id, ..message.clone() });
                self.push(Sight::Message, &mut about, &[connection]);
            }
            return;
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

    /// Pushes a message when others had time to overtake it.
    fn push_late(&self, about: &Bindings, connection: Connection) {
        let wire = Arc::clone(&self.present[&connection].wire);
        let events = self.play.pushed(Sight::Message, about);
        tokio::spawn(async move {
            tokio::time::sleep(LATE).await;
            let _ = events.iter().all(|event| wire.push(event));
        });
    }

    fn made(&mut self, maker: &Caller, conversation: Conversation, members: &[User]) {
        self.note_size(conversation, members.len());
        let devices = members.iter().filter_map(|member| self.of_user.get(member));
        let mut devices: Vec<Connection> = devices.flatten().copied().collect();
        self.keep_to_node(Bug::RoomPerNode, &mut devices);
        for device in &devices {
            self.join(*device, conversation);
        }
        let mut about = self.play.about(&maker.user, Some(conversation));
        self.push(Sight::Conversation, &mut about, &devices);
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
            self.deliver(*connection, &events);
        }
    }

    /// With this bug whoever is connected and in no room hears of it.
    fn leak(&self, bug: Bug, receivers: &mut Vec<Connection>) {
        if self.bugs.has(bug) {
            let homeless = self.present.iter().filter(|(_, present)| present.rooms.is_empty());
            receivers.extend(homeless.map(|(connection, _)| *connection));
        }
    }

    /// With the bug `message-leak` whoever shares another room with the sender hears of it.
    fn leak_to_contacts(&self, sender: &User, receivers: &mut Vec<Connection>) {
        if self.bugs.has(Bug::MessageLeak) {
            let devices = self.of_user.get(sender).into_iter().flatten();
            let rooms = devices.flat_map(|id| &self.present[id].rooms);
            receivers.extend(rooms.filter_map(|room| self.rooms.get(room)).flatten());
            receivers.sort_unstable();
            receivers.dedup();
        }
    }

    fn note_size(&mut self, conversation: Conversation, people: usize) {
        if people > CROWD {
            self.crowds.insert(conversation);
        }
    }

    fn room(&self, conversation: Conversation) -> Vec<Connection> {
        self.rooms.get(&conversation).cloned().unwrap_or_default()
    }

    fn join(&mut self, connection: Connection, conversation: Conversation) {
        let Some(present) = self.present.get_mut(&connection) else {
            return;
        };
        self.queues.belongs(self.bugs, conversation, &present.user);
        let elsewhere = present.only.is_some_and(|only| only != conversation);
        if !present.deaf && !elsewhere && !present.rooms.contains(&conversation) {
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

    /// Everybody in the person's rooms loses the connection; by some bugs everybody does, or the
    /// person alone.
    fn crash(&mut self, caller: &Caller) {
        let devices = || self.of_user.get(&caller.user).into_iter().flatten();
        let rooms = devices().filter_map(|device| self.present.get(device));
        let mut lost: Vec<Connection> = if self.bugs.has(Bug::NullCrash) {
            self.present.keys().copied().collect()
        } else if self.bugs.has(Bug::MalformedDisconnectsAll) {
            devices().copied().collect()
        } else {
            rooms.flat_map(|present| &present.rooms).flat_map(|room| self.room(*room)).collect()
        };
        lost.extend(caller.connection);
        lost.sort_unstable();
        lost.dedup();
        for connection in lost {
            if let Some(present) = self.present.get(&connection) {
                present.wire.hang_up();
            }
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
        self.bus.forget(connection);
        self.bus.origin = Some(present.node);
        self.typing_ends_with_connection(connection);
        self.tell_gone(&present.user, present.node, &present.rooms);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::tests::spec;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Ear {
        heard: Mutex<Vec<String>>,
        deaf: AtomicBool,
    }

    impl Wire for Ear {
        fn push(&self, event: &Outgoing) -> bool {
            let Outgoing::Event { name, .. } = event else { panic!("{event:?}") };
            self.heard.lock().unwrap().push(name.clone());
            !self.deaf.load(Ordering::Relaxed)
        }

        fn hang_up(&self) {
            self.deaf.store(true, Ordering::Relaxed);
        }
    }

    impl Ear {
        fn heard(&self) -> Vec<String> {
            std::mem::take(&mut *self.heard.lock().unwrap())
        }
    }

    /// A hall with these people in conversation 1, each connected once, from 1 on.
    fn hall(echo: Echo, people: &[&str], size: usize) -> (Hall, Vec<Arc<Ear>>) {
        let mut spec = (*spec()).clone();
        spec.traits.echo = echo;
        let mut hall = Hall::new(Arc::new(Play::new(&Arc::new(spec))), Bugs::NONE);
        let ears: Vec<Arc<Ear>> = people.iter().map(|_| Arc::default()).collect();
        for (index, (user, ear)) in people.iter().zip(&ears).enumerate() {
            let wire: Arc<dyn Wire> = Arc::<Ear>::clone(ear);
            let id = index as u64 + 1;
            hall.arrive(id, (&caller(user, id), None), wire, &[(1, size)]);
        }
        (hall, ears)
    }

    fn caller(user: &str, connection: Connection) -> Caller {
        let (user, connection) = (User::from(user), Some(connection));
        Caller { device: user.clone(), user, chapter: None, connection, node: 0, arrived: 0 }
    }

    fn said(sender: &str) -> Event {
        Event::Message(Message {
            id: 7,
            conversation: 1,
            seq: 1,
            at: 1,
            sender: sender.into(),
            text: "hi".into(),
            key: None,
            status: None,
        })
    }

    #[test]
    fn a_message_comes_back_to_whom_the_spec_says() {
        for (echo, expected) in [
            (Echo::All, [1, 1, 1]),
            (Echo::Others, [0, 1, 1]),
            (Echo::OtherPeople, [0, 0, 1]),
            (Echo::None, [0, 0, 0]),
        ] {
            let (mut hall, ears) = hall(echo, &["1", "1", "2"], 2);
            ears.iter().for_each(|ear| drop(ear.heard()));
            hall.tell(&caller("1", 1), said("1"));
            let heard: Vec<usize> = ears.iter().map(|ear| ear.heard().len()).collect();
            assert_eq!(heard, expected, "{echo:?}");
        }
    }

    #[test]
    fn presence_is_of_a_person_and_no_matter_of_a_crowd() {
        let (mut room, ears) = hall(Echo::All, &["1", "2", "2"], 2);
        assert_eq!(ears[0].heard(), ["user:online"], "once for two devices");
        room.depart(2);
        assert_eq!(ears[0].heard(), [] as [String; 0], "a device remains");
        room.depart(3);
        assert_eq!(ears[0].heard(), ["user:offline"]);
        let (mut crowd, ears) = hall(Echo::All, &["1", "2"], CROWD + 1);
        crowd.depart(2);
        assert_eq!(ears[0].heard(), [] as [String; 0]);
    }

    #[test]
    fn who_is_gone_is_taken_out_when_it_shows() {
        let (mut hall, ears) = hall(Echo::All, &["1", "2"], 2);
        hall.tell(&caller("2", 2), Event::Typing { conversation: 1, on: true });
        drop(ears[0].heard());
        ears[1].deaf.store(true, Ordering::Relaxed);
        hall.tell(&caller("1", 1), said("1"));
        assert_eq!(ears[0].heard(), ["message:new", "typing:stop", "user:offline"]);
        assert_eq!(hall.connections(), 1);
        hall.tell(&caller("1", 1), Event::Left { conversation: 1 });
        hall.tell(&caller("1", 1), said("1"));
        assert_eq!(ears[0].heard(), [] as [String; 0]);
    }

    #[test]
    fn a_key_that_was_pressed_before_the_connection_ended_shows_nothing_after_it() {
        let (mut hall, ears) = hall(Echo::All, &["1", "2"], 2);
        hall.depart(2);
        drop(ears[0].heard());
        hall.tell(&caller("2", 2), Event::Typing { conversation: 1, on: true });
        assert_eq!(ears[0].heard(), [] as [String; 0]);
    }
}
