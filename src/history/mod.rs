//! What the simulated clients did and saw, in the order the shard recorded it.
//!
//! The history is the only thing that judges look at. It does not know how a message looked on the
//! wire, nor what a property is. Start with [`Entry`].

#[cfg(test)]
pub(crate) mod arbitrary;
pub mod entry;
pub mod key;
pub mod stored;
pub mod token;

pub use entry::{
    About, Answer, Carrier, ClientId, ConversationId, Damage, Due, Entry, Event, MessageRef,
    NO_FRAME, NO_PING, Nanos, OpId, Order, PersonId, STARTED, STOPPED, Seen, TOO_BIG, TWIN,
    is_unreadable,
};
pub use key::Key;
pub use token::Token;
