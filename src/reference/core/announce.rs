//! What the channels of a send have in common, and where servers with a bug treat one otherwise.
//!
//! The honest server stores and tells at once, whichever channel carries a message: an announcement
//! has nothing left to do.

use super::Core;
use crate::reference::bugs::Bug;
use crate::reference::model::*;

/// Another id that REST answers with, by a bug: so much higher.
const OTHER_ID: i64 = 1 << 30;
/// How late the clock of REST is, by a bug.
const LATE_MS: i64 = 300;

impl Core {
    pub(super) fn announce(
        &mut self,
        caller: &Caller,
        id: i64,
        named: Option<Conversation>,
        now: i64,
        events: &mut Vec<Event>,
    ) -> Result<Answer, Refusal> {
        if self.bugs.has(Bug::AnnounceUnchecked)
            && let (Some(place), Some(message)) = (named, self.store.by_id(id)?)
            && place != message.conversation
        {
            events.push(Event::Message(Message { conversation: place, ..message }));
            return Ok(Answer::Done);
        }
        let message = self.message(&caller.user, id, Bug::ReceiptUnchecked)?;
        if named.is_some_and(|named| named != message.conversation) {
            return Err(Refusal::new(RefusalKind::NotFound, "there is no such message there"));
        }
        if self.bugs.has(Bug::AnnounceStores) {
            let id = self.last_message + 1;
            let mut copy = Message { id, ..message.clone() };
            self.stamp(&mut copy, now);
            self.store.add_message(&copy, None)?;
            self.last_message = id;
            events.push(Event::Message(copy));
        }
        if self.bugs.has(Bug::AnnounceRepeats) || self.untold.remove(&message.id) {
            events.push(Event::Message(message));
        }
        Ok(Answer::Done)
    }

    /// The bug by which a send of this caller needs no membership.
    pub(super) fn unchecked(&self, caller: &Caller) -> Bug {
        if caller.connection.is_none() { Bug::RestUnchecked } else { Bug::SendUnchecked }
    }

    /// What is kept of a key beside it: nothing, but for servers with a bug.
    pub(super) fn keyring(&self, caller: &Caller) -> &'static str {
        match caller.connection {
            _ if !self.bugs.has(Bug::KeysPerChannel) => "",
            None => " rest",
            Some(_) => " socket",
        }
    }

    /// A message is stamped by REST's own clock, by a bug.
    pub(super) fn stamp_by_channel(&self, caller: &Caller, message: &mut Message) {
        if caller.connection.is_none() && self.bugs.has(Bug::RestOtherClock) {
            message.at -= LATE_MS;
        }
    }

    /// Whether the others are told of a stored message at once.
    pub(super) fn tells(&mut self, caller: &Caller, message: &Message) -> bool {
        if caller.connection.is_some() {
            return true;
        }
        if self.bugs.has(Bug::RestUntold) {
            self.untold.insert(message.id);
        }
        !self.bugs.has(Bug::RestUntold) && !self.bugs.has(Bug::RestNeverTold)
    }

    /// The id that the sender is told.
    pub(super) fn answered_id(&self, caller: &Caller, id: i64) -> i64 {
        let other = caller.connection.is_none() && self.bugs.has(Bug::RestOtherId);
        if other { id + OTHER_ID } else { id }
    }
}
