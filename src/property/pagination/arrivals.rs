//! How many messages may have been stored in each conversation so far.

use crate::history::{ConversationId, Event, OpId};
use crate::operation::Operation;
use rustc_hash::FxHashMap;

/// What was sent into each conversation. An attempt may store its message as long as it is not known
/// what became of it.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    attempts: FxHashMap<ConversationId, u64>,
    /// Sends of which it is not known.
    open: FxHashMap<OpId, ConversationId>,
}

impl Arrivals {
    pub(super) fn observe(&mut self, event: &Event) {
        match event {
            Event::Invoke { op, operation: Operation::Send, conversation: Some(place), .. } => {
                self.open.insert(*op, *place);
                *self.attempts.entry(*place).or_default() += 1;
            }
            // The first attempt is counted already.
            Event::Attempt { op, attempt: 1.. } => {
                if let Some(place) = self.open.get(op) {
                    *self.attempts.entry(*place).or_default() += 1;
                }
            }
            Event::Ok { op, .. } | Event::Failed { op, certain: true, .. } => {
                self.open.remove(op);
            }
            _ => {}
        }
    }

    /// How many are stored for certain when a read begins; those on their way may come into it.
    pub(super) fn before(&self, place: ConversationId) -> u64 {
        let open = self.open.values().filter(|there| **there == place).count() as u64;
        self.until_now(place).saturating_sub(open)
    }

    /// How many may have been stored up to now.
    pub(super) fn until_now(&self, place: ConversationId) -> u64 {
        self.attempts.get(&place).copied().unwrap_or_default()
    }
}
