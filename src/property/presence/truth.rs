//! What is true of a person: which devices are connected, as far as that can be said.

use crate::history::{ClientId, Nanos};
use crate::property::argument::exhibit;
use crate::verdict::Exhibit;

/// Without the server's own figure: as long as the longest that is common.
const SILENCE_UNKNOWN: Nanos = 60_000_000_000;

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Online,
    Offline,
    /// The server may be right either way.
    Unsure,
}

/// One device's connection.
#[derive(Debug, Default)]
pub(super) struct Device {
    state: State,
    /// When it became so.
    at: Nanos,
    /// What the server laid down: only silence ends the connection; how long that may last.
    pub(super) terms: Option<(bool, Nanos)>,
    /// It is in its conversations since then.
    pub(super) ready_since: Option<Nanos>,
    /// When it last dialled.
    pub(super) dialled: Nanos,
    /// No device of the person was there then.
    pub(super) is_first: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Gone; the server must know it from then on.
    Down {
        known: Nanos,
    },
    Dialling,
    Open,
}

impl Default for State {
    fn default() -> Self {
        Self::Down { known: 0 }
    }
}

impl Truth {
    /// Of two devices together.
    pub(super) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Online, _) | (_, Self::Online) => Self::Online,
            (Self::Unsure, _) | (_, Self::Unsure) => Self::Unsure,
            (Self::Offline, Self::Offline) => Self::Offline,
        }
    }
}

impl Device {
    pub(super) const fn dials(&mut self, at: Nanos, is_first: bool) {
        self.enter(State::Dialling, at);
        self.dialled = at;
        self.is_first = is_first;
    }

    pub(super) const fn opened(&mut self, at: Nanos) {
        self.enter(State::Open, at);
    }

    pub(super) const fn ready(&mut self, at: Nanos) {
        if self.ready_since.is_none() {
            self.ready_since = Some(at);
        }
    }

    /// `unnoticed`: for so long nobody may have known of the end.
    pub(super) fn closed(&mut self, at: Nanos, unnoticed: Nanos) {
        let silence = match self.terms {
            Some((true, silence)) => silence,
            _ => 0,
        };
        let known = at.saturating_add(silence.max(unnoticed));
        self.enter(State::Down { known }, at);
        self.ready_since = None;
    }

    const fn enter(&mut self, state: State, at: Nanos) {
        self.state = state;
        self.at = at;
    }

    fn patience(&self) -> Nanos {
        self.terms.map_or(SILENCE_UNKNOWN, |(_, silence)| silence)
    }

    /// When the server must know what became of it; `silent`: since when it says nothing.
    pub(super) fn known(&self, silent: Option<Nanos>) -> Nanos {
        match (self.state, silent) {
            (State::Down { known }, _) => known,
            (State::Open, Some(since)) => since.saturating_add(self.patience()),
            _ => 0,
        }
    }

    /// Whether it makes its person online, for a server that had until this time to notice.
    pub(super) fn truth(&self, at: Nanos, silent: Option<Nanos>, disturbed: bool) -> Truth {
        match self.state {
            State::Down { known } if known <= at => Truth::Offline,
            State::Open if silent.is_some() && self.known(silent) <= at => Truth::Offline,
            State::Open if silent.is_none() && !disturbed => match self.ready_since {
                Some(since) if since <= at => Truth::Online,
                _ => Truth::Unsure,
            },
            _ => Truth::Unsure,
        }
    }

    /// Its last turn, in words; none if it was never there.
    pub(super) fn exhibit(&self, client: ClientId, silent: Option<Nanos>) -> Option<Exhibit> {
        let (at, text) = match (self.state, silent) {
            (State::Down { .. }, _) if self.at == 0 => return None,
            (State::Down { .. }, _) => (self.at, "was disconnected"),
            (State::Open, Some(since)) => (since, "fell silent, its connection half-open"),
            (State::Open, None) if self.ready_since.is_some() => {
                (self.ready_since.unwrap_or(self.at), "was connected and in its conversations")
            }
            (State::Open, None) => (self.at, "was connected"),
            (State::Dialling, _) => (self.at, "was about to connect"),
        };
        Some(exhibit(at, client, text))
    }
}
