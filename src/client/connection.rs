//! The connection: its four states, and the pauses between attempts to open it.
//!
//! It does not know what a connection carries. The legal transitions:
//!
//! ```text
//! disconnected ─► connecting ─► connected ─► disconnected
//!        error ─► connecting ─► error
//!                 connecting ─► disconnected     (only by being stopped)
//! ```

use crate::client::{Moment, Output};
use crate::history::{Event, Nanos, STARTED, STOPPED};
use crate::operation::ConnectionState;
use compact_str::{CompactString, format_compact};

#[derive(Debug)]
pub(super) struct Connection {
    state: ConnectionState,
    /// Between `start` and `stop`: the client wants to be connected.
    wanted: bool,
    /// Losses and failed attempts since the connection was last open.
    failures: u32,
    /// When the next attempt is due, if one is.
    due: Option<Nanos>,
    /// A fault keeps the client away until then.
    away_until: Nanos,
}

impl Connection {
    pub(super) const fn new() -> Self {
        Self {
            state: ConnectionState::Disconnected,
            wanted: false,
            failures: 0,
            due: None,
            away_until: 0,
        }
    }

    pub(super) const fn state(&self) -> ConnectionState {
        self.state
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == ConnectionState::Connected
    }

    pub(super) fn deadline(&self) -> Option<Nanos> {
        self.due.map(|due| due.max(self.away_until))
    }

    /// The user goes online: the first attempt is due at once.
    pub(super) fn start(&mut self, moment: &mut Moment) {
        if !self.wanted {
            self.wanted = true;
            self.failures = 0;
            self.due = Some(moment.now);
            self.tick(moment);
        }
    }

    pub(super) fn stay_away(&mut self, until: Nanos) {
        self.away_until = until;
    }

    pub(super) fn tick(&mut self, moment: &mut Moment) {
        if self.deadline().is_some_and(|due| due <= moment.now) {
            self.due = None;
            let why = match self.failures {
                0 => CompactString::const_new(STARTED),
                count => format_compact!("attempt {count} to reconnect"),
            };
            self.change(ConnectionState::Connecting, why, false, moment);
            moment.effects.push(Output::Open);
        }
    }

    /// The attempt succeeded. Says whether there was one.
    pub(super) fn opened(&mut self, moment: &mut Moment) -> bool {
        let awaited = self.state == ConnectionState::Connecting;
        if awaited {
            self.failures = 0;
            self.change(ConnectionState::Connected, "open".into(), false, moment);
        }
        awaited
    }

    /// The connection was lost, or the attempt to open it failed. Says whether it had been open.
    pub(super) fn closed(&mut self, why: CompactString, caused: bool, moment: &mut Moment) -> bool {
        let was_open = self.is_open();
        let state = match self.state {
            ConnectionState::Connected => ConnectionState::Disconnected,
            ConnectionState::Connecting => ConnectionState::Error,
            ConnectionState::Disconnected | ConnectionState::Error => return false,
        };
        self.failures = self.failures.saturating_add(1);
        self.due = moment.rules.reconnect_pause(self.failures).map(|pause| moment.now + pause);
        self.change(state, why, caused, moment);
        was_open
    }

    /// The client itself closes, to open again after the first pause.
    pub(super) fn drop_it(&mut self, why: CompactString, moment: &mut Moment) {
        moment.effects.push(Output::Close);
        self.closed(why, false, moment);
    }

    /// The user goes offline. Says whether the connection was open.
    pub(super) fn stop(&mut self, moment: &mut Moment) -> bool {
        let was_open = self.is_open();
        self.wanted = false;
        self.due = None;
        if was_open || self.state == ConnectionState::Connecting {
            moment.effects.push(Output::Close);
            self.change(ConnectionState::Disconnected, STOPPED.into(), true, moment);
        }
        was_open
    }

    fn change(
        &mut self,
        state: ConnectionState,
        why: CompactString,
        caused: bool,
        moment: &mut Moment,
    ) {
        self.state = state;
        moment.effects.record(Event::Connection { state, why, caused });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Effects, Rules};
    use crate::spec::{Contract, Join};

    const SECOND: Nanos = 1_000_000_000;

    fn at(now: Nanos, act: impl FnOnce(&mut Moment)) -> Vec<Output> {
        let rules = Rules::new(&Contract::default(), Join::ByServer, |_| true, |_| true);
        let mut effects = Effects::new();
        act(&mut Moment { now, rules: &rules, withheld_until: 0, effects: &mut effects });
        effects.drain().collect()
    }

    #[test]
    fn pauses_grow_and_start_over_after_success() {
        let mut connection = Connection::new();
        let mut now = 7;
        at(now, |moment| connection.start(moment));
        let mut pauses = Vec::new();
        for round in 0..10 {
            if round == 8 {
                at(now, |moment| assert!(connection.opened(moment)));
            }
            at(now, |moment| {
                connection.closed("cut".into(), false, moment);
            });
            let due = connection.deadline().unwrap();
            pauses.push((due - now) / SECOND);
            assert!(at(due - 1, |moment| connection.tick(moment)).is_empty());
            assert!(at(due, |moment| connection.tick(moment)).contains(&Output::Open));
            now = due;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30, 1, 2]);
    }

    #[test]
    fn a_client_that_is_kept_away_waits_until_then() {
        let mut connection = Connection::new();
        at(0, |moment| connection.start(moment));
        at(0, |moment| {
            connection.opened(moment);
            connection.closed("cut".into(), true, moment);
        });
        connection.stay_away(5 * SECOND);
        assert_eq!(connection.deadline(), Some(5 * SECOND));
    }

    #[test]
    fn only_a_stop_leads_from_connecting_to_disconnected() {
        let mut connection = Connection::new();
        at(0, |moment| connection.start(moment));
        assert!(at(1, |moment| assert!(!connection.stop(moment))).contains(&Output::Close));
        assert_eq!(connection.state(), ConnectionState::Disconnected);
        assert_eq!(connection.deadline(), None);
        at(2, |moment| assert!(!connection.closed("late".into(), false, moment)));
        assert_eq!(connection.deadline(), None, "a stopped client stays away");
    }
}
