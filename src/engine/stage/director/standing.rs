//! How a play stands, as its slots and its history show.

use super::{Director, LONG_STILL, STILL};
use crate::history::{Answer, ClientId, ConversationId, Event, OpId};
use crate::operation::{ConnectionState, Operation};
use crate::plan::script::{Deed, MARGIN, Sighted, Verb};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Duration;

impl Director<'_> {
    /// The conversations of the script that were asked for and answered, with the server's ids.
    pub(super) fn answered_creates(&self) -> Vec<(ConversationId, CompactString)> {
        let recorder = self.shard.recorder.borrow();
        let mut asked: FxHashMap<OpId, ConversationId> = FxHashMap::default();
        let mut answered = Vec::new();
        for entry in recorder.kept.iter().flatten() {
            match &entry.event {
                Event::Invoke {
                    op,
                    operation: Operation::Create | Operation::Broadcast,
                    conversation: Some(place),
                    ..
                } => {
                    asked.insert(*op, *place);
                }
                Event::Answered { op, answer: Answer::Ack { id: Some(id), .. }, .. } => {
                    answered.extend(asked.get(op).map(|place| (*place, id.clone())));
                }
                _ => {}
            }
        }
        answered
    }

    /// The server's id of a message, from an ack or from a delivery.
    pub(super) fn id_of(&self, label: usize) -> Option<CompactString> {
        let message = self.messages[label].as_ref()?;
        let recorder = self.shard.recorder.borrow();
        let mut sends: FxHashSet<OpId> = FxHashSet::default();
        recorder.kept.as_ref()?.iter().find_map(|entry| match &entry.event {
            Event::Invoke { op, message: Some(sent), .. } if sent == message => {
                sends.insert(*op);
                None
            }
            Event::Answered { op, answer: Answer::Ack { id, .. }, .. } if sends.contains(op) => {
                id.clone()
            }
            Event::Message(seen) if seen.token == Some(message.token) => seen.id.clone(),
            _ => None,
        })
    }

    /// A deed is over when nothing of it is under way; a fault, as soon as it has begun.
    pub(super) fn is_over(&self, deed: &Deed) -> bool {
        let client = self.cast.client(deed.by);
        match deed.verb {
            Verb::Suffer { .. } | Verb::Heal | Verb::Disconnect | Verb::Hold { .. } => {
                self.slots[&client].is_done()
            }
            _ => self.is_calm(client),
        }
    }

    /// The client has done what it was told, and nothing of it is under way.
    pub(super) fn is_calm(&self, client: ClientId) -> bool {
        let slot = &self.slots[&client];
        let told = self.untold.get(&client).is_none_or(|untold| untold.get() == 0);
        told && slot.is_done() && (slot.idle.get() || slot.away.get() || !slot.started.get())
    }

    /// Everybody is calm and no delivery is awaited. Whoever is offline gets none: with somebody
    /// away a while without an entry will do. What has not come after a long silence will not come.
    pub(super) fn is_quiet(&self) -> bool {
        let mut recorder = self.shard.recorder.borrow_mut();
        let awaited = recorder.judges().map_or(0, |bench| bench.awaited_deliveries());
        let away = self.known.iter().any(|client| self.slots[client].away.get());
        let still =
            self.now().saturating_sub(recorder.last_at) > if away { STILL } else { LONG_STILL };
        (awaited == 0 || still) && self.known.iter().all(|client| self.is_calm(*client))
    }

    /// How long a server may take to notice a silent client, by the newest session, and a margin.
    pub(super) fn heartbeat(&self) -> Duration {
        let recorder = self.shard.recorder.borrow();
        let limit = recorder.kept.iter().flatten().rev().find_map(|entry| match entry.event {
            Event::Session { ping_interval, ping_timeout, .. } => {
                Some(Duration::from_nanos(ping_interval.saturating_add(ping_timeout)))
            }
            _ => None,
        });
        limit.map_or(Duration::ZERO, |limit| limit.saturating_add(MARGIN))
    }

    pub(super) fn has_seen(&self, client: ClientId, sighted: Sighted) -> bool {
        let token = match sighted {
            Sighted::Message(label) => match &self.messages[label] {
                Some(message) => Some(message.token),
                None => return false,
            },
            Sighted::Sight(_) => None,
        };
        let recorder = self.shard.recorder.borrow();
        recorder.kept.iter().flatten().filter(|entry| entry.client == client).any(|entry| {
            match (&entry.event, sighted) {
                (Event::Message(seen), Sighted::Message(_)) => seen.token == token,
                (Event::Saw { sight, .. }, Sighted::Sight(wanted)) => *sight == wanted,
                _ => false,
            }
        })
    }

    pub(super) fn is_in(&self, client: ClientId, state: Option<ConnectionState>) -> bool {
        let Some(state) = state else {
            return self.slots[&client].is_done() && self.slots[&client].idle.get();
        };
        let recorder = self.shard.recorder.borrow();
        let entries = recorder.kept.iter().flatten().rev();
        let mut states =
            entries.filter(|entry| entry.client == client).filter_map(|entry| match &entry.event {
                Event::Connection { state, .. } => Some(*state),
                _ => None,
            });
        states.next() == Some(state)
    }
}
