//! Connections: what arrives, what dies with them, and how a client comes back.

use super::*;

impl World {
    pub(super) fn receive(&mut self, client: usize) {
        match self.clients[client].answers.pop_front() {
            Some(Reply::Sent { op, attempt, answer }) => self.answered(client, op, attempt, answer),
            Some(Reply::Push { room, row }) => {
                self.see(client, room, &row, Carrier::Live);
            }
            Some(Reply::Sight { sight, room, person }) => {
                let user = Some(format_compact!("u{person}"));
                let conversation = room.map(place);
                let (id, state, users) = (None, None, None);
                self.record(
                    client,
                    Event::Saw { sight, conversation, user, id, state, users, row: None },
                );
            }
            Some(Reply::Rows { op, room, rows, history }) => {
                let by = if history { Carrier::History(op) } else { Carrier::Sync(op) };
                for row in &rows {
                    self.see(client, room, row, by);
                }
                let answer = Answer::Ack { id: None, order: None };
                self.record(client, Event::Answered { op, attempt: 0, answer, excused: false });
                self.record(client, Event::Ok { op, rows: rows.len() as u32 });
                if !history {
                    self.clients[client].syncs -= 1;
                    self.be_ready(client);
                }
            }
            None => {}
        }
    }

    pub(super) fn see(&mut self, client: usize, room: usize, row: &Stored, by: Carrier) {
        if !matches!(by, Carrier::History(_)) {
            let state = &mut self.clients[client];
            state.newest[room] = state.newest[room].max(row.place + 1);
            if state.ready {
                state.cursors[room] = state.newest[room];
            }
        }
        let seen = Seen {
            by,
            conversation: Some(place(room)),
            token: row.token,
            key: (self.keys_shown && !row.key.is_empty()).then(|| row.key.clone()),
            id: Some(row.id.clone()),
            order: Some(row.order),
            sender: Some(format_compact!("u{}", row.person)),
            text: if row.changed { Damage::Changed("tex".into()) } else { Damage::Intact },
        };
        self.record(client, Event::Message(seen));
    }

    pub(super) fn answered(&mut self, client: usize, op: OpId, attempt: u32, answer: Answer) {
        let withheld = self.clients[client].withheld;
        let sends = &mut self.clients[client].sends;
        let index = sends.iter().position(|send| send.op == op);
        if withheld {
            if let Some(index) = index {
                sends[index].withheld = true;
            }
            return;
        }
        let refused = matches!(answer, Answer::Nack(_));
        self.record(client, Event::Answered { op, attempt, answer, excused: false });
        if let Some(index) = index {
            self.clients[client].sends.remove(index);
            let event = if refused {
                Event::Failed { op, error: "no".into(), certain: true }
            } else {
                Event::Ok { op, rows: 0 }
            };
            self.record(client, event);
        }
    }

    // --- what goes wrong ---

    pub(super) fn cut(&mut self, client: usize) {
        if !self.clients[client].up {
            return;
        }
        let state = &mut self.clients[client];
        (state.up, state.ready, state.syncs) = (false, false, 0);
        let reads = state.requests.drain(..).filter_map(|request| match request {
            Request::Read { op, .. } => Some(op),
            Request::Send { .. } => None,
        });
        let mut reads: Vec<OpId> = reads.collect();
        reads.extend(state.answers.drain(..).filter_map(|reply| match reply {
            Reply::Rows { op, .. } => Some(op),
            _ => None,
        }));
        self.connection(client, ConnectionState::Disconnected, true);
        self.tell_presence(client, Sight::Offline);
        for op in reads {
            self.record(client, Event::Failed { op, error: "lost".into(), certain: false });
        }
        self.give_up(client, &Answer::Lost);
    }

    /// Every attempt in flight ends without an answer; what has attempts left is tried again.
    pub(super) fn give_up(&mut self, client: usize, answer: &Answer) {
        let sends = std::mem::take(&mut self.clients[client].sends);
        for mut send in sends {
            let due = send.sent.is_some_and(|sent| sent + ACK_TIMEOUT <= self.now);
            if send.sent.is_some() && (*answer == Answer::Lost || due) {
                send.sent = None;
                send.due = self.now + PAUSES[(send.attempts as usize - 1).min(2)];
                let (op, attempt) = (send.op, send.attempts - 1);
                let (answer, excused) = (answer.clone(), send.withheld);
                self.record(client, Event::Answered { op, attempt, answer, excused });
                if send.attempts == ATTEMPTS {
                    self.record(
                        client,
                        Event::Failed { op, error: "gave up".into(), certain: false },
                    );
                    continue;
                }
            }
            self.clients[client].sends.push(send);
        }
    }

    pub(super) fn reconnect(&mut self, client: usize) {
        if self.clients[client].up {
            return;
        }
        self.clients[client].up = true;
        self.clients[client].deaf = self.has(Bug::NotRejoined);
        self.connection(client, ConnectionState::Connecting, false);
        self.tell_presence(client, Sight::Online);
        self.connection(client, ConnectionState::Connected, false);
        for room in self.clients[client].rooms.clone() {
            self.clients[client].syncs += 1;
            let since = self.clients[client].cursors[room];
            self.ask_rows(client, room, Some(since));
        }
        self.be_ready(client);
    }

    pub(super) fn be_ready(&mut self, client: usize) {
        let state = &mut self.clients[client];
        if state.up && !state.ready && state.syncs == 0 {
            state.ready = true;
            state.sends.iter_mut().for_each(|send| send.due = 0);
            state.cursors.clone_from(&state.newest);
            self.record(client, Event::Ready);
            self.transmit(client);
        }
    }

    pub(super) fn withhold(&mut self, client: usize) {
        if self.clients[client].up && !self.clients[client].withheld {
            self.clients[client].withheld = true;
            self.record(client, Event::Fault { what: "withhold-acks".into(), begins: true });
        }
    }

    /// Everything on its way arrives.
    pub(super) fn drain(&mut self) {
        while self.clients.iter().any(|c| !c.requests.is_empty() || !c.answers.is_empty()) {
            for client in 0..self.clients.len() {
                self.now += 1;
                self.serve(client);
                self.receive(client);
            }
        }
    }

    /// Lets the timers of what never was answered fire, one after the other.
    pub(super) fn settle_timers(&mut self) {
        self.drain();
        let timer = |send: &Send| send.sent.map_or(send.due, |sent| sent + ACK_TIMEOUT);
        let timers = |client: &Client| client.sends.iter().map(timer).min();
        let ready = |client: &&Client| client.ready;
        while let Some(due) = self.clients.iter().filter(ready).filter_map(timers).min() {
            self.now = self.now.max(due);
            for client in 0..self.clients.len() {
                self.give_up(client, &Answer::TimedOut);
                self.transmit(client);
            }
            self.end_faults();
            self.drain();
        }
    }

    pub(super) fn end_faults(&mut self) {
        for client in 0..self.clients.len() {
            if std::mem::take(&mut self.clients[client].withheld) {
                self.record(client, Event::Fault { what: "withhold-acks".into(), begins: false });
            }
        }
    }
}
