//! What is owed to whom, and when it is settled.

use super::Views;
use crate::history::{ClientId, ConversationId, Token};
use crate::spec::Echo;
use smallvec::SmallVec;

impl Views {
    /// Counts to whom the message is owed.
    pub(super) fn owe(&mut self, token: Token) {
        let Some(message) = self.open.get_mut(&token) else { return };
        let room = self.rooms.entry(message.conversation).or_default();
        let sent = message.sent.unwrap_or_default();
        let person = self.clients.get(&message.client).and_then(|link| link.person);
        message.members = room.members.len();
        for (index, (member, since)) in room.members.iter().enumerate() {
            let link = self.clients.get(member);
            let known = link.and_then(|link| link.first_ready).is_some_and(|ready| ready <= sent);
            let own = *member == message.client
                || person.is_some() && link.and_then(|link| link.person) == person;
            let spared = own && self.echo == Echo::OtherPeople;
            if !known || *since > sent || spared || room.left.contains(member) {
                message.settled.insert(index);
            }
            message.waiting += usize::from(!message.settled.has(index));
        }
        if message.is_settled() {
            self.open.remove(&token);
        } else {
            room.owed.insert(token);
        }
    }

    /// The client has the message. `true` if it was waiting for it.
    pub(super) fn have(&mut self, token: Token, client: ClientId) -> bool {
        let Some(message) = self.open.get_mut(&token) else { return false };
        let room = self.rooms.get(&message.conversation);
        let Some(index) = room.and_then(|room| room.places.get(&client)) else { return false };
        let waited = message.settled.insert(*index) && message.acked.is_some();
        let waited = waited && *index < message.members;
        if waited {
            message.waiting -= 1;
            if message.is_settled() {
                self.forget(token);
            }
        }
        waited
    }

    /// The client asks to hear no more of the conversation: from now on nothing of it is owed.
    pub(super) fn leave(&mut self, conversation: ConversationId, client: ClientId) {
        let room = self.rooms.entry(conversation).or_default();
        room.left.insert(client);
        let owed: Vec<Token> = room.owed.iter().copied().collect();
        for token in owed {
            self.have(token, client);
        }
    }

    pub(super) fn forget(&mut self, token: Token) {
        if let Some(message) = self.open.remove(&token)
            && let Some(room) = self.rooms.get_mut(&message.conversation)
        {
            room.owed.remove(&token);
        }
    }
}

/// A set of small numbers.
#[derive(Default)]
pub(super) struct Bits(SmallVec<[u64; 1]>);

impl Bits {
    pub(super) fn has(&self, index: usize) -> bool {
        self.0.get(index >> 6).is_some_and(|word| word >> (index & 63) & 1 == 1)
    }

    /// Adds the number; `false` if it was there.
    pub(super) fn insert(&mut self, index: usize) -> bool {
        if self.0.len() <= index >> 6 {
            self.0.resize((index >> 6) + 1, 0);
        }
        let new = !self.has(index);
        self.0[index >> 6] |= 1 << (index & 63);
        new
    }
}
