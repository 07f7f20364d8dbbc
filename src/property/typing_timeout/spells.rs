//! Who types where: what each device did, and by when the server can tell the others that it is
//! over.

use crate::history::{ClientId, ConversationId, Nanos, PersonId};
use crate::property::argument::{exhibit, place};
use crate::property::company::Company;
use crate::property::recent::Recent;
use crate::verdict::Exhibit;

/// Why a spell of typing is over, or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The contract's time after the last key; it may still go on.
    Pause,
    /// The client said that it stopped.
    Said,
    /// The client sent the message.
    Sent,
    /// The connection was lost.
    Lost,
}

/// A spell of typing of one device in one conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spell {
    /// The last key.
    pub(super) key: Nanos,
    /// The last start that was put on the wire.
    pub(super) started: Nanos,
    /// When the server can know that it is over.
    pub(super) until: Nanos,
    pub(super) ended: Ended,
    /// When that happened which ended it.
    pub(super) ended_at: Nanos,
}

/// How long something that was said may be under way when the connection is lost.
const IN_FLIGHT: Nanos = 1_000_000_000;

/// All spells that are not forgotten.
#[derive(Debug)]
pub(super) struct Spells {
    /// The contract's time from the last key to the stop.
    pause: Nanos,
    /// The server ends an indicator by itself this long after its last start.
    expires: Option<Nanos>,
    all: Recent<(ClientId, ConversationId), Spell>,
}

/// When nobody of a person's devices types any more, as far as a watcher can be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) at: Nanos,
    pub(super) by: Option<(ClientId, ConversationId, Spell)>,
    /// It is the server's own expiry that ends it.
    pub(super) expiry: bool,
}

impl Spells {
    pub(super) fn new(pause: Nanos, expires: Option<Nanos>, memory: Nanos) -> Self {
        Self { pause, expires, all: Recent::new(memory) }
    }

    pub(super) fn tick(&mut self, now: Nanos) {
        self.all.tick(now);
    }

    pub(super) fn key(&mut self, at: Nanos, client: ClientId, place: ConversationId) {
        let until = at.saturating_add(self.pause);
        let blank = Spell { key: at, started: 0, until, ended: Ended::Pause, ended_at: at };
        let spell = self.all.entry((client, place), || blank);
        *spell = Spell { started: spell.started, ..blank };
    }

    pub(super) fn start(&mut self, at: Nanos, client: ClientId, place: ConversationId) {
        if let Some(spell) = self.all.get_mut((client, place)) {
            spell.started = at;
        }
    }

    /// The spell is over for this reason; the server can know it at `known`.
    pub(super) fn end(
        &mut self,
        at: Nanos,
        (client, place): (ClientId, ConversationId),
        ended: Ended,
        known: Nanos,
    ) {
        let Some(spell) = self.all.get_mut((client, place)) else { return };
        let applies = match ended {
            Ended::Pause | Ended::Said => spell.ended == Ended::Pause,
            // A stop that leaves with a message is the message's.
            Ended::Sent => spell.ended == Ended::Pause || spell.is_said_at(at),
            // What was said right before the loss may have been lost with it.
            Ended::Lost => at <= spell.until.saturating_add(IN_FLIGHT),
        };
        if applies {
            *spell = Spell { until: known, ended, ended_at: at, ..*spell };
        }
    }

    /// What the device said since then was held back until now.
    pub(super) fn delay(&mut self, at: Nanos, at_device: (ClientId, ConversationId), since: Nanos) {
        if let Some(spell) = self.all.get_mut(at_device)
            && spell.until >= since
        {
            spell.until = spell.until.max(at);
        }
    }

    pub(super) fn of(&self, client: ClientId, place: ConversationId) -> Option<&Spell> {
        self.all.get((client, place))
    }

    /// When the person's typing is over in these conversations; `silent` says since when a device
    /// is silent and for how long it may be before the server must notice.
    pub(super) fn end_of(
        &self,
        company: &Company,
        person: PersonId,
        places: &[ConversationId],
        silent: impl Fn(ClientId) -> Option<(Nanos, Nanos)>,
    ) -> End {
        let (mut end, mut started) = (End { at: 0, by: None, expiry: false }, 0);
        for &client in company.devices(person) {
            for &place in places {
                let Some(spell) = self.of(client, place) else { continue };
                let mut until = spell.until;
                if let Some((since, patience)) = silent(client)
                    && until >= since
                {
                    until = until.max(since.saturating_add(patience));
                }
                started = spell.started.max(started);
                if until >= end.at {
                    end = End { at: until, by: Some((client, place, *spell)), expiry: false };
                }
            }
        }
        match self.expires.map(|expires| started.saturating_add(expires)) {
            Some(expired) if expired < end.at => End { at: expired, expiry: true, ..end },
            _ => end,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}

impl Spell {
    /// The client said that it stopped, at this moment.
    pub(super) fn is_said_at(&self, at: Nanos) -> bool {
        self.ended == Ended::Said && self.ended_at == at
    }
}

impl End {
    /// What the typist did, in words.
    pub(super) fn exhibits(&self) -> Vec<Exhibit> {
        let Some((client, conversation, spell)) = self.by else { return Vec::new() };
        let place = place(conversation);
        let mut lines =
            vec![exhibit(spell.key, client, format!("pressed the last key in {place}"))];
        let ended = match spell.ended {
            Ended::Pause => return lines,
            Ended::Said => format!("said that it stopped typing in {place}"),
            Ended::Sent => format!("sent the message to {place}"),
            Ended::Lost => "lost its connection".into(),
        };
        lines.push(exhibit(spell.ended_at, client, ended));
        lines
    }
}
