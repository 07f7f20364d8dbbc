//! The server: what it stores, answers and pushes, and where the bug sits.

use super::*;

impl World {
    pub(super) fn serve(&mut self, client: usize) {
        match self.clients[client].requests.pop_front() {
            Some(Request::Send { op, attempt, room, message }) => {
                let answer = self.store(client, room, &message);
                if self.has(Bug::AckLost) && self.chance(25) {
                    return;
                }
                let twice = self.has(Bug::AckTwice) && self.chance(25);
                for answer in std::iter::repeat_n(answer, 1 + usize::from(twice)) {
                    self.clients[client].answers.push_back(Reply::Sent { op, attempt, answer });
                }
            }
            Some(Request::Read { op, room, since }) => {
                let rows = self.rows(client, room, since);
                let history = since.is_none();
                self.clients[client].answers.push_back(Reply::Rows { op, room, rows, history });
            }
            None => {}
        }
    }

    pub(super) fn store(&mut self, client: usize, room: usize, message: &MessageRef) -> Answer {
        let person = self.clients[client].person;
        let scope = if self.has(Bug::DedupAcrossPeople) { 0 } else { person };
        let name = (scope, message.key.clone());
        let mut known = self.keys.get(&name).cloned();
        if self.has(Bug::NoDedup) {
            known = None;
        }
        if self.has(Bug::DedupByContent) {
            known = known.or_else(|| self.texts.get(&message.token).cloned());
        }
        if let Some((id, order)) = known {
            if self.has(Bug::ErrorOnRepeat) {
                return Answer::Nack("duplicate key value".into());
            }
            return self.ack(id, order);
        }
        if message.token.number().is_multiple_of(17) {
            if self.has(Bug::RefusedButStored) {
                let made = self.append(client, room, message);
                self.keys.insert(name, made);
            }
            return Answer::Nack("not now".into());
        }
        if self.has(Bug::AckBeforeStore) && self.chance(10) {
            self.ids += 1;
            let made = (self.ids.to_compact_string(), self.order(person));
            self.keys.insert(name, made.clone());
            return self.ack(made.0, made.1);
        }
        let (id, order) = self.append(client, room, message);
        self.keys.insert(name, (id.clone(), order));
        self.texts.insert(message.token, (id.clone(), order));
        self.ack(id, order)
    }

    pub(super) fn ack(&self, id: CompactString, order: Order) -> Answer {
        Answer::Ack { id: Some(id), order: self.order_in_acks.then_some(order) }
    }

    pub(super) fn order(&self, person: u32) -> Order {
        let skew = if self.has(Bug::SkewedClock) && person == 0 { ACK_TIMEOUT } else { 0 };
        let now = (self.now + ACK_TIMEOUT - skew) / self.tick * self.tick;
        1_700_000_000_000_000_000 + now as Order
    }

    pub(super) fn append(
        &mut self,
        client: usize,
        room: usize,
        message: &MessageRef,
    ) -> (CompactString, Order) {
        self.ids += 1;
        let person = self.clients[client].person;
        let row = Stored {
            id: self.ids.to_compact_string(),
            order: self.order(person),
            token: Some(message.token),
            key: CompactString::from(&*message.key),
            person,
            changed: self.has(Bug::TextChanged) && self.chance(10),
            place: 0,
        };
        self.put(room, row)
    }

    /// Stores the row, and pushes it to everybody in the room.
    pub(super) fn put(&mut self, room: usize, mut row: Stored) -> (CompactString, Order) {
        let Room { members, log, places } = &mut self.rooms[room];
        row.place = *places;
        *places += 1;
        log.push(row.clone());
        for member in members {
            let member = &mut self.clients[*member];
            if member.up && !member.deaf {
                member.answers.push_back(Reply::Push { room, row: row.clone() });
            }
        }
        (row.id, row.order)
    }

    pub(super) fn rows(&mut self, client: usize, room: usize, since: Option<usize>) -> Vec<Stored> {
        let mut rows = self.rooms[room].log.clone();
        match since {
            Some(since) => {
                rows.retain(|row| row.place >= since.saturating_sub(1));
                let new = rows.iter().position(|row| row.place >= since);
                if let Some(new) = new.filter(|_| self.has(Bug::SyncSkipsARow)) {
                    rows.remove(new);
                }
            }
            None if self.has(Bug::TiesReversedInHistory) && client.is_multiple_of(2) => {
                rows.sort_by_key(|row| (row.order, std::cmp::Reverse(row.place)));
            }
            None if self.has(Bug::HistoryShuffled) => {
                rows.sort_by_key(|row| (row.place % 3, row.place));
            }
            None => rows.sort_by_key(|row| (row.order, row.place)),
        }
        rows
    }

    /// What a broken server does of itself.
    pub(super) fn misbehave(&mut self) {
        let room = self.roll(self.rooms.len());
        match self.bug {
            Some(Bug::LossOnRestart) => {
                let log = &mut self.rooms[room].log;
                if let Some(last) = log.iter().rposition(|row| row.token.is_some()) {
                    log.remove(last);
                }
            }
            Some(Bug::Phantom) => {
                self.ids += 1;
                let row = Stored {
                    id: self.ids.to_compact_string(),
                    order: self.order(1),
                    token: None,
                    key: "".into(),
                    person: 1,
                    changed: false,
                    place: 0,
                };
                self.put(room, row);
            }
            _ => {}
        }
    }

    // --- what comes back ---
}
