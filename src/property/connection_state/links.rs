//! One client's connection as the judge knows it, and the arguments against what became of it.

use super::{Deaf, LeftBy, Loss, Silence, States, TOGETHER};
use crate::fault::Effect;
use crate::history::{ClientId, NO_PING, Nanos, OpId};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::{exhibit, span, violation};

/// Sends without an answer that make a connection deaf.
const DEAF: usize = 3;
/// Sends that are watched at once, until a connection shows life.
const WATCHED: usize = 16;
/// A client that has asked nothing for this long is idle.
const IDLE: Nanos = 1_000_000_000;
/// How a client's `connection` says that the server ended it, without a word at the level above.
const BY_SERVER: &[&str] =
    &["close frame", "Engine.IO close", "the server ended", "connection reset"];

/// What matters of one client's connection.
#[derive(Default)]
pub(super) struct Link {
    pub(super) state: Option<ConnectionState>,
    /// When it changed last.
    pub(super) changed: Nanos,
    /// Counts connections.
    pub(super) epoch: u32,
    /// Ping interval and ping timeout of the session.
    pub(super) limit: Option<Nanos>,
    /// The same of the session before.
    patience: Nanos,
    /// An operation that has something special about it.
    pub(super) special: Option<OpId>,
    /// Something special was asked on this connection.
    odd: bool,
    /// The server has shown itself on this connection.
    alive: bool,
    /// When something was asked last.
    asked: Nanos,
    /// Sends whose answer would show life: when they left, and whether no answer came.
    watched: Vec<Watched>,
    faults: u32,
    fault_ended: Option<Nanos>,
    /// Neither reads nor writes, since then.
    silent: Option<Nanos>,
}

struct Watched {
    op: OpId,
    operation: Operation,
    left: Option<Nanos>,
    unanswered: bool,
    /// Given up: only an answer that comes late is still of interest.
    over: bool,
}

impl Link {
    pub(super) fn opened(&mut self, at: Nanos) {
        self.epoch = self.epoch.wrapping_add(1);
        (self.alive, self.odd, self.asked, self.silent) = (false, false, at, None);
        self.watched.retain(|watched| !watched.over);
        for watched in &mut self.watched {
            (watched.left, watched.unanswered) = (None, false);
        }
    }

    fn closed(&mut self) {
        self.patience = self.limit.unwrap_or_default();
        (self.limit, self.silent, self.alive) = (None, None, false);
    }

    /// A fault begins or ends.
    pub(super) fn fault(&mut self, at: Nanos, effect: Effect, begins: bool) {
        if effect == Effect::NOTHING {
            return;
        }
        self.faults = if begins { self.faults + 1 } else { self.faults.saturating_sub(1) };
        self.fault_ended = if begins { self.fault_ended } else { Some(at) };
    }

    /// Nothing gets through any more. When that must have been noticed, if the connection stands.
    pub(super) fn goes_silent(&mut self, at: Nanos) -> Option<Nanos> {
        let limit = self.limit.filter(|_| self.state == Some(ConnectionState::Connected))?;
        self.silent.get_or_insert(at);
        Some(at.saturating_add(limit))
    }

    /// Everything gets through again. If the connection still stands: since when nothing did, and
    /// when that must have been noticed.
    pub(super) fn wakes_up(&mut self) -> Option<(Nanos, Nanos)> {
        let began = self.silent.take().filter(|_| self.faults == 0)?;
        Some((began, began.saturating_add(self.limit?)))
    }

    pub(super) fn shows_life(&mut self) {
        self.alive = true;
        self.watched = Vec::new();
    }

    pub(super) fn invoked(&mut self, op: OpId, operation: Operation) {
        let special = self.special.take() == Some(op);
        self.odd |= special && operation == Operation::Send;
        if !special && !self.alive && self.watched.len() < WATCHED {
            self.watched.push(Watched {
                op,
                operation,
                left: None,
                unanswered: false,
                over: false,
            });
        }
    }

    pub(super) fn attempted(&mut self, at: Nanos, op: OpId) {
        self.asked = at;
        if let Some(watched) = self.watched.iter_mut().find(|watched| watched.op == op) {
            watched.left = Some(at);
        }
    }

    pub(super) fn answered(&mut self, op: OpId) {
        if self.watched.iter().any(|watched| watched.op == op) {
            self.shows_life();
        }
    }

    pub(super) fn over(&mut self, op: OpId) {
        self.watched.retain(|watched| watched.op != op || watched.unanswered);
        self.watched.iter_mut().filter(|watched| watched.op == op).for_each(|one| one.over = true);
    }

    /// No answer came in time. Says whether with this one the connection is deaf.
    pub(super) fn timed_out(&mut self, at: Nanos, op: OpId, patience: Nanos) -> bool {
        let excused = self.faults > 0 || self.fault_ended.is_some_and(|end| end >= self.changed);
        let early = |left: Nanos| at.saturating_sub(left) < patience.saturating_sub(1_000_000);
        let Some(watched) = self.watched.iter_mut().find(|watched| watched.op == op) else {
            return false;
        };
        if self.alive || excused || watched.left.is_none_or(early) {
            return false;
        }
        let new = !std::mem::replace(&mut watched.unanswered, true);
        new && self.watched.iter().filter(|watched| watched.unanswered).count() == DEAF
    }

    pub(super) fn unsettled(&self) -> usize {
        self.watched.len()
    }

    /// A fault touched this connection within the last part of its life.
    fn touched(&self, since: Nanos) -> bool {
        self.faults > 0 || self.fault_ended.is_some_and(|ended| ended >= since)
    }
}

impl States {
    /// What has waited long enough is judged.
    pub(super) fn settle(&mut self, now: Nanos) {
        while let Some(index) = self.silences.iter().position(|silence| silence.due < now) {
            let silence = self.silences.swap_remove(index);
            self.settle_silence(&silence);
        }
        self.settle_deaf(now);
        self.settle_losses(now);
        self.starved += self.suspicions.settle(now, &self.lags, &mut self.finding);
        self.lags.forget_before(now.saturating_sub(120 * TOGETHER));
    }

    fn settle_silence(&mut self, silence: &Silence) {
        let &Silence { due, client, epoch, began, ended, left_by } = silence;
        let Some(link) = self.clients.get(&client).filter(|link| link.epoch == epoch) else {
            return;
        };
        let disturbed = match left_by {
            LeftBy::Client => link.touched(ended.saturating_add(1)),
            LeftBy::Server => link.silent != Some(began),
        };
        let stands = link.state == Some(ConnectionState::Connected);
        if !stands || disturbed || self.disturbed(began) {
            return;
        }
        if self.lags.starved(ended, due) || self.lags.starved(began, due) {
            self.starved += 1;
            return;
        }
        let limit = span(link.limit.unwrap_or_default());
        let lasted = span(ended.saturating_sub(began));
        let (went, woke, summary, therefore) = match left_by {
            LeftBy::Client => (
                "went silent",
                "looked again",
                "a silent client was taken for alive",
                format!("a client that answered no ping for {lasted} was taken for alive"),
            ),
            LeftBy::Server => (
                "was cut off without a word",
                "had heard nothing since",
                "a silent server was taken for alive",
                format!("a server of which nothing came for {lasted} was taken for alive"),
            ),
        };
        self.finding.violate(|| {
            let lines = vec![
                exhibit(began, client, went),
                exhibit(ended, client, woke),
                exhibit(due, client, "had its connection still"),
            ];
            let but = format!("the handshake promised to notice it within {limit}");
            violation(summary, lines, therefore, but)
        });
    }

    fn settle_losses(&mut self, now: Nanos) {
        let settled = |loss: &mut Loss| loss.at.saturating_add(TOGETHER) < now;
        while let Some(Loss { at, client, up, idle_since: since }) =
            self.idle_losses.pop_front_if(settled)
        {
            let first = self.losses.partition_point(|loss| loss.saturating_add(TOGETHER) < at);
            let after = self.losses.partition_point(|loss| *loss <= at.saturating_add(TOGETHER));
            if after.saturating_sub(first) * 2 > up || self.disturbed(at) {
                self.finding.count("connections lost with most others", 1);
                continue;
            }
            let limit = self.clients.get(&client).map_or(0, |link| link.patience);
            if self.lags.starved(at.saturating_sub(limit), now) || self.lags.between(at, now) > 0 {
                self.starved += 1;
                continue;
            }
            self.finding.violate(|| {
                let lines = vec![
                    exhibit(since, client, "asked for something, or connected, for the last time"),
                    exhibit(at, client, "lost its connection: the server had ended it"),
                ];
                let idle = span(at.saturating_sub(since));
                let therefore = format!("a connection was ended that was idle for {idle}");
                let but = "a connection stands as long as its pings are answered";
                violation("an idle connection was ended", lines, therefore, but)
            });
        }
        let old = |loss: &mut Nanos| loss.saturating_add(3 * TOGETHER) < now;
        while self.losses.pop_front_if(old).is_some() {}
    }

    /// A connection ended.
    pub(super) fn lost(&mut self, at: Nanos, client: ClientId, why: &str, caused: bool) {
        let up = self.up + 1;
        let Some(link) = self.clients.get_mut(&client) else { return };
        let limit = link.limit.unwrap_or_default();
        let excused = caused || link.touched(at.saturating_sub(limit));
        let idle = at.saturating_sub(link.asked) >= IDLE && !link.odd;
        let (touched, asked, opened) = (link.touched(link.asked), link.asked, link.limit.is_some());
        link.closed();
        if why.starts_with(NO_PING) && !excused && opened {
            return self.no_ping(at, client, limit);
        }
        if !caused {
            let by_server = BY_SERVER.iter().any(|words| why.starts_with(words));
            self.losses.push_back(at);
            if by_server && idle && !touched && !excused {
                self.idle_losses.push_back(Loss { at, client, up, idle_since: asked });
            }
        }
    }

    fn no_ping(&mut self, at: Nanos, client: ClientId, limit: Nanos) {
        let since = at.saturating_sub(limit);
        if self.disturbed(since) {
            return self.finding.count("connections lost with the server", 1);
        }
        let limit = span(limit);
        let lines = vec![
            exhibit(since, client, "was connected, and waited for a ping"),
            exhibit(at, client, "gave the connection up"),
        ];
        let therefore = format!("the server was silent for {limit} on a connection that stood");
        let but = format!("its handshake promised a ping within {limit}");
        let accusation = violation(&format!("no ping within {limit}"), lines, therefore, but);
        self.suspicions.add(since, at, 0, accusation);
    }

    fn settle_deaf(&mut self, now: Nanos) {
        while let Some(index) = self.deaf.iter().position(|deaf| deaf.due < now) {
            let Deaf { at, client, epoch, accusation, .. } = self.deaf.swap_remove(index);
            let stands = |link: &&Link| {
                link.epoch == epoch
                    && link.state == Some(ConnectionState::Connected)
                    && !link.alive
                    && !link.touched(link.changed)
            };
            let link = self.clients.get(&client).filter(stands);
            if link.is_some_and(|link| !self.disturbed(link.changed)) {
                self.suspicions.add(at.saturating_sub(self.patience), at, 0, accusation);
            }
        }
    }

    /// Nothing was answered in time; as long again, and it will not be.
    pub(super) fn deaf(&mut self, at: Nanos, client: ClientId) {
        let Some(link) = self.clients.get(&client) else { return };
        let mut lines = vec![exhibit(link.changed, client, "was connected")];
        for watched in link.watched.iter().filter(|watched| watched.unanswered) {
            let left = watched.left.unwrap_or(link.changed);
            lines.push(exhibit(
                left,
                client,
                match watched.operation {
                    Operation::Send => format!("sent a message, operation {}", watched.op.0),
                    other => format!("asked for `{other}`, operation {}", watched.op.0),
                },
            ));
        }
        lines.push(exhibit(at, client, "had no answer to any of them, and heard nothing else"));
        let therefore = "the connection stood, and nobody listened at its other end";
        let but = "in state connected, what is asked is answered";
        let accusation = violation("connected, but deaf", lines, therefore, but);
        let (epoch, due) = (link.epoch, at.saturating_add(self.patience));
        self.deaf.push(Deaf { due, at, client, epoch, accusation });
    }

    pub(super) fn impossible(
        &mut self,
        at: Nanos,
        client: ClientId,
        before: Nanos,
        from: ConnectionState,
        to: ConnectionState,
    ) {
        self.finding.violate(|| {
            let lines = vec![
                exhibit(before, client, format!("was {from}")),
                exhibit(at, client, format!("was {to} next")),
            ];
            let but = "disconnected leads to connecting, that to connected or error, and so on";
            violation(&format!("from {from} to {to}"), lines, "a state was skipped", but)
        });
    }

    pub(super) fn without_connection(
        &mut self,
        at: Nanos,
        client: ClientId,
        state: ConnectionState,
    ) {
        let since = self.clients.get(&client).map_or(at, |link| link.changed);
        self.finding.violate(|| {
            let lines = vec![
                exhibit(since, client, format!("was {state}")),
                exhibit(at, client, "got a live message"),
            ];
            let therefore = "the socket lived while the client said otherwise";
            let but = "a client's state is its socket's";
            violation("a live message without a connection", lines, therefore, but)
        });
    }

    /// The harness did something to the server at this time or later.
    fn disturbed(&self, since: Nanos) -> bool {
        self.server.now || self.server.ended.is_some_and(|ended| ended >= since)
    }
}
