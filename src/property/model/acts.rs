//! What clients do: talk, type, show presence, ask for rows.

use super::*;

impl World {
    pub(super) fn talk(&mut self, client: usize) {
        let rooms = &self.clients[client].rooms;
        if rooms.is_empty() {
            return;
        }
        let room = rooms[self.dice as usize % rooms.len()];
        if self.chance(30) {
            self.type_a_little(client, room);
        }
        let message = self.message();
        self.invoke(client, room, message.clone());
        let person = self.clients[client].person;
        let members = self.rooms[room].members.clone();
        let other = members[self.roll(members.len())];
        let same_person = self.clients[other].person == person;
        if self.has(Bug::RefusedButStored) {
            return; // With a repetition it could not be told from an error to the repetition.
        }
        if same_person && self.chance(50) {
            self.invoke(other, room, message); // A double tap, or a second device.
        } else if same_person && self.chance(50) {
            let again = MessageRef { key: self.message().key, ..message };
            self.invoke(client, room, again); // The same text once more, on purpose.
        } else if !same_person && self.chance(20) {
            let theirs = MessageRef { key: message.key, ..self.message() };
            self.invoke(other, room, theirs); // A stranger uses the same key.
        }
    }

    /// A key, and the stop that leaves with the message.
    pub(super) fn type_a_little(&mut self, client: usize, room: usize) {
        if !self.clients[client].ready {
            return;
        }
        let planned = self.now;
        self.record(client, Event::Keystroke { conversation: place(room), planned });
        let person = self.clients[client].person;
        for (operation, sight) in [
            (Operation::TypingStart, Sight::TypingStart),
            (Operation::TypingStop, Sight::TypingStop),
        ] {
            let op = self.next_op();
            self.asked(client, op, operation, room, None);
            self.record(client, Event::Attempt { op, attempt: 0 });
            self.record(client, Event::Ok { op, rows: 0 });
            let watchers = self.rooms[room].members.clone();
            self.show(&watchers, person, sight, Some(room));
        }
    }

    /// Shows something of a person to those of these clients that are up and another's.
    pub(super) fn show(
        &mut self,
        clients: &[usize],
        person: u32,
        sight: Sight,
        room: Option<usize>,
    ) {
        for client in clients {
            let watcher = &mut self.clients[*client];
            if watcher.up && watcher.person != person {
                watcher.answers.push_back(Reply::Sight { sight, room, person });
            }
        }
    }

    /// Tells who shares a room with the client's person that it came or went, if no other device
    /// of it is there.
    pub(super) fn tell_presence(&mut self, client: usize, sight: Sight) {
        let person = self.clients[client].person;
        let is_other = |(index, other): (usize, &Client)| index != client && other.person == person;
        let others = self.clients.iter().enumerate();
        if others.filter(|(index, other)| is_other((*index, other))).any(|(_, other)| other.up) {
            return;
        }
        let rooms = self.clients[client].rooms.iter().map(|room| &self.rooms[*room].members);
        let mut watchers: Vec<usize> = rooms.flatten().copied().collect();
        watchers.sort_unstable();
        watchers.dedup();
        self.show(&watchers, person, sight, None);
    }

    pub(super) fn message(&mut self) -> MessageRef {
        self.tokens += 1;
        MessageRef {
            token: Token::new(9, self.tokens),
            key: format_compact!("key-{}", self.tokens).into(),
        }
    }

    pub(super) fn next_op(&mut self) -> OpId {
        self.ops += 1;
        OpId(self.ops)
    }

    pub(super) fn invoke(&mut self, client: usize, room: usize, message: MessageRef) {
        let op = self.next_op();
        self.asked(client, op, Operation::Send, room, Some(message.clone()));
        let send = Send { op, room, message, attempts: 0, sent: None, due: 0, withheld: false };
        self.clients[client].sends.push(send);
        self.transmit(client);
    }

    pub(super) fn asked(
        &mut self,
        client: usize,
        op: OpId,
        operation: Operation,
        room: usize,
        message: Option<MessageRef>,
    ) {
        let conversation = Some(place(room));
        let planned = self.now;
        let about = None;
        let event =
            Event::Invoke { op, operation, conversation, message, about, via: None, planned };
        self.record(client, event);
    }

    /// Puts every send that waits on the wire.
    pub(super) fn transmit(&mut self, client: usize) {
        if !self.clients[client].ready {
            return;
        }
        for index in 0..self.clients[client].sends.len() {
            let send = &mut self.clients[client].sends[index];
            if send.sent.is_some() || send.due > self.now {
                continue;
            }
            send.sent = Some(self.now);
            send.withheld = false;
            send.attempts += 1;
            let (op, attempt) = (send.op, send.attempts - 1);
            let request =
                Request::Send { op, attempt, room: send.room, message: send.message.clone() };
            self.record(client, Event::Attempt { op, attempt });
            self.clients[client].requests.push_back(request);
        }
    }

    pub(super) fn read(&mut self, client: usize) {
        if self.clients[client].ready {
            for room in self.clients[client].rooms.clone() {
                self.ask_rows(client, room, None);
            }
        }
    }

    pub(super) fn ask_rows(&mut self, client: usize, room: usize, since: Option<usize>) {
        let op = self.next_op();
        let operation = if since.is_some() { Operation::Sync } else { Operation::History };
        self.asked(client, op, operation, room, None);
        self.record(client, Event::Attempt { op, attempt: 0 });
        self.clients[client].requests.push_back(Request::Read { op, room, since });
    }

    // --- what the server does ---
}
