//! What the judge knows: who is who, who is connected, which messages there are, what was said of them.

use super::rank_of;
use crate::history::{
    About, Answer, ClientId, ConversationId, Entry, Event, Nanos, OpId, PersonId, Token,
};
use crate::operation::{ConnectionState, Operation};
use crate::property::Charge;
use crate::property::recent::{Recent, Rows, hash};
use crate::spec::Receipts as Scope;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Sending,
    Sent,
    Delivered,
    Read,
}

impl Rank {
    /// The rank of a server's word; other words say nothing of how far a message came.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "sending" | "pending" => Some(Self::Sending),
            "sent" => Some(Self::Sent),
            "delivered" => Some(Self::Delivered),
            "read" | "seen" => Some(Self::Read),
            _ => None,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

/// Somebody said that a message arrived, or was read.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) at: Nanos,
    pub(super) client: ClientId,
    pub(super) person: PersonId,
    /// The message, in a number.
    pub(super) message: u64,
    /// The message, as the server calls it.
    pub(super) id: CompactString,
    pub(super) rank: Rank,
    /// How often this person has said this or more of the message, this time included.
    pub(super) times: u32,
    /// A case asks for it although, or because, it is not as it should be.
    pub(super) on_purpose: bool,
}

/// A message that somebody here sent.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// When it was sent: what was known before stands before it.
    pub(super) sent: Nanos,
    /// When somebody first had its id, and who.
    pub(super) at: Nanos,
    pub(super) first: ClientId,
    pub(super) sender: PersonId,
    pub(super) place: ConversationId,
    /// Somebody has seen it, so the server has it.
    pub(super) shown: bool,
    /// How often other members said that they have it, and that they read it.
    pub(super) delivered: u32,
    pub(super) read: u32,
    /// Somebody who is no member said something of it.
    pub(super) by_strangers: bool,
}

/// What a person has said of a message.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    /// When it was said first, and by which client.
    pub(super) first: (Nanos, ClientId),
    pub(super) delivered: u32,
    pub(super) read: u32,
}

pub(super) struct Known {
    scope: Scope,
    keep: Nanos,
    people: FxHashMap<ClientId, PersonId>,
    users: FxHashMap<CompactString, PersonId>,
    devices: FxHashMap<PersonId, Vec<ClientId>>,
    /// Who reads what: members, and those whom a broadcast is for.
    members: FxHashSet<(ConversationId, PersonId)>,
    broadcasts: FxHashSet<ConversationId>,
    up: FxHashSet<ClientId>,
    faults: FxHashMap<ClientId, u32>,
    sends: Rows<OpId, Token>,
    tokens: Rows<Token, Sent>,
    messages: Recent<u64, Message>,
    /// The newest message of each conversation that was acked, by its id.
    newest: FxHashMap<ConversationId, CompactString>,
    asked: Rows<OpId, Asked>,
    sayings: Recent<(u64, PersonId), Saying>,
    /// What people last said of anything, and of a whole conversation.
    last: FxHashMap<PersonId, Claim>,
    places: Recent<(ConversationId, PersonId), Spoken>,
    /// When reads were asked for.
    reads: Rows<OpId, Nanos>,
    on_purpose: Rows<OpId, ()>,
}

/// A message under way: by whom, to where, since when.
#[derive(Clone, Copy)]
struct Sent {
    sender: PersonId,
    place: ConversationId,
    at: Nanos,
}

/// What a person has said of a conversation as a whole.
#[derive(Clone, Copy)]
struct Spoken {
    /// When first, and by which client.
    first: (Nanos, ClientId),
    /// When the newest message that they spoke of was first known.
    newest: Nanos,
}

struct Asked {
    client: ClientId,
    rank: Rank,
    place: Option<ConversationId>,
    about: Option<CompactString>,
    claim: Option<Claim>,
}

impl Known {
    pub(super) fn new(charge: &Charge) -> Self {
        let keep = charge.memory();
        Self {
            scope: charge.traits.receipts,
            keep,
            people: FxHashMap::default(),
            users: FxHashMap::default(),
            devices: FxHashMap::default(),
            members: FxHashSet::default(),
            broadcasts: FxHashSet::default(),
            up: FxHashSet::default(),
            faults: FxHashMap::default(),
            sends: Rows::new(keep),
            tokens: Rows::new(keep),
            messages: Recent::new(keep),
            newest: FxHashMap::default(),
            asked: Rows::new(keep),
            sayings: Recent::new(keep),
            last: FxHashMap::default(),
            places: Recent::new(keep),
            reads: Rows::new(keep),
            on_purpose: Rows::new(keep),
        }
    }

    pub(super) fn tick(&mut self, now: Nanos) {
        self.sends.tick(now);
        self.tokens.tick(now);
        self.messages.tick(now);
        self.asked.tick(now);
        self.sayings.tick(now);
        self.places.tick(now);
        self.reads.tick(now);
        self.on_purpose.tick(now);
    }

    pub(super) fn len(&self) -> usize {
        self.sends.len()
            + self.tokens.len()
            + self.messages.len()
            + self.asked.len()
            + self.sayings.len()
            + self.places.len()
            + self.reads.len()
            + self.on_purpose.len()
    }

    /// Takes in what says who is who and which messages there are.
    pub(super) fn note(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        match &entry.event {
            Event::Person { person, user } => {
                self.people.insert(client, *person);
                self.users.insert(user.clone(), *person);
                self.devices.entry(*person).or_default().push(client);
            }
            Event::Addressed { conversation, .. } => {
                self.broadcasts.insert(*conversation);
                self.members.extend(self.people.get(&client).map(|who| (*conversation, *who)));
            }
            Event::Member { conversation, .. } => {
                self.members.extend(self.people.get(&client).map(|who| (*conversation, *who)));
            }
            Event::Connection { state, .. } if *state != ConnectionState::Connected => {
                self.up.remove(&client);
            }
            Event::Ready => {
                self.up.insert(client);
            }
            Event::Fault { begins: true, .. } => *self.faults.entry(client).or_default() += 1,
            Event::Fault { begins: false, .. } => {
                let faults = self.faults.entry(client).or_default();
                *faults = faults.saturating_sub(1);
            }
            Event::Due { op, .. } => drop(self.on_purpose.insert(*op, ())),
            Event::Invoke { op, operation, conversation, message, about, .. } => {
                match (operation, message, conversation) {
                    (Operation::Send, Some(message), Some(place)) => {
                        let Some(person) = self.people.get(&client) else { return };
                        self.sends.insert(*op, message.token);
                        let sent = Sent { sender: *person, place: *place, at };
                        self.tokens.entry(message.token, || sent);
                    }
                    (Operation::History | Operation::Sync, ..) => drop(self.reads.insert(*op, at)),
                    _ => self.ask(client, *op, *operation, *conversation, about.as_ref()),
                }
            }
            Event::Answered { op, answer: Answer::Ack { id: Some(id), .. }, .. } => {
                if let Some(token) = self.sends.get(*op).copied() {
                    self.learn(at, client, token, id, false);
                }
            }
            Event::Message(seen) => {
                if let (Some(token), Some(id)) = (seen.token, &seen.id) {
                    self.learn(at, client, token, id, true);
                }
            }
            _ => {}
        }
    }

    /// A receipt is asked for.
    fn ask(
        &mut self,
        client: ClientId,
        op: OpId,
        operation: Operation,
        place: Option<ConversationId>,
        about: Option<&About>,
    ) {
        let Some(rank) = rank_of(operation) else { return };
        let about = match about {
            Some(About::Message(id)) => Some(id.clone()),
            _ => None,
        };
        self.asked.insert(op, Asked { client, rank, place, about, claim: None });
    }

    fn learn(&mut self, at: Nanos, first: ClientId, token: Token, id: &CompactString, shown: bool) {
        let Some(Sent { sender, place, at: sent }) = self.tokens.get(token).copied() else {
            return;
        };
        let new = || Message {
            sent,
            at,
            first,
            sender,
            place,
            shown: false,
            delivered: 0,
            read: 0,
            by_strangers: false,
        };
        self.messages.entry(hash(id), new).shown |= shown;
        if self.scope == Scope::Conversation {
            self.newest.insert(place, id.clone());
        }
    }

    /// An attempt of this operation goes out: if it is a receipt, this is what it says.
    pub(super) fn claim(&mut self, at: Nanos, op: OpId) -> Option<Claim> {
        let asked = self.asked.get(op)?;
        let (client, rank, place) = (asked.client, asked.rank, asked.place);
        let person = *self.people.get(&client)?;
        let newest = || self.newest.get(&place?).cloned();
        let id = match self.scope {
            Scope::Conversation => newest(),
            Scope::Message | Scope::UpTo => asked.about.clone(),
        };
        if let (Some(place), Scope::Conversation | Scope::UpTo) = (place, self.scope) {
            let known = id.as_ref().and_then(|id| self.message(hash(id)));
            // Of a message that nobody here knows, it may be the newest.
            let newest = known.map_or(Nanos::MAX, |known| known.at);
            let first = (at, client);
            let spoken = self.places.entry((place, person), || Spoken { first, newest });
            spoken.newest = spoken.newest.max(newest);
        }
        let id = id?;
        let message = hash(&id);
        let new = || Saying { first: (at, client), delivered: 0, read: 0 };
        let saying = self.sayings.entry((message, person), new);
        *if rank == Rank::Read { &mut saying.read } else { &mut saying.delivered } += 1;
        let times = if rank == Rank::Read { saying.read } else { saying.read + saying.delivered };
        let on_purpose = self.on_purpose.get(op).is_some();
        self.count(message, person, rank);
        let claim = Claim { at, client, person, message, id, rank, times, on_purpose };
        self.asked.get_mut(op)?.claim = Some(claim.clone());
        self.last.insert(person, claim.clone());
        Some(claim)
    }

    fn count(&mut self, message: u64, person: PersonId, rank: Rank) {
        let Some(known) = self.messages.get_mut(message) else { return };
        if !self.members.contains(&(known.place, person)) {
            known.by_strangers = true;
        } else if known.sender != person {
            *if rank == Rank::Read { &mut known.read } else { &mut known.delivered } += 1;
        }
    }

    /// What this operation said, if it was a receipt that went out.
    pub(super) fn said(&self, op: OpId) -> Option<Claim> {
        self.asked.get(op)?.claim.clone()
    }

    pub(super) fn person(&self, user: &str) -> Option<PersonId> {
        self.users.get(user).copied()
    }

    pub(super) fn devices(&self, person: PersonId) -> &[ClientId] {
        self.devices.get(&person).map_or(&[], Vec::as_slice)
    }

    /// Connected, in its conversations, and no fault on it.
    pub(super) fn is_up(&self, client: ClientId) -> bool {
        self.up.contains(&client) && self.faults.get(&client).is_none_or(|faults| *faults == 0)
    }

    pub(super) fn is_member(&self, person: PersonId, place: ConversationId) -> bool {
        self.members.contains(&(place, person))
    }

    /// Who has read a broadcast is another property's.
    pub(super) fn is_broadcast(&self, place: ConversationId) -> bool {
        self.broadcasts.contains(&place)
    }

    pub(super) fn message(&self, message: u64) -> Option<&Message> {
        self.messages.get(message)
    }

    /// The message, if all that was ever said of it is remembered.
    pub(super) fn young(&self, message: u64, now: Nanos) -> Option<&Message> {
        self.message(message).filter(|known| known.at.saturating_add(self.keep) > now)
    }

    /// What this person said of a message; of all messages, where receipts are about many. Up to
    /// which one they reach is known only where one was there before the other was sent.
    pub(super) fn saying(&self, message: u64, person: PersonId) -> Option<Saying> {
        let of_place = || {
            let known = self.message(message)?;
            let spoken = *self.places.get((known.place, person))?;
            let reached = self.scope == Scope::Conversation || spoken.newest >= known.sent;
            reached.then_some(Saying { first: spoken.first, delivered: 1, read: 1 })
        };
        match self.scope {
            Scope::Message => self.sayings.get((message, person)).cloned(),
            Scope::UpTo | Scope::Conversation => of_place(),
        }
    }

    /// Whether a receipt about `later` says the same of `message`: it is about that one and all
    /// before it, and was not there yet when `message` was sent.
    pub(super) fn covers(&self, later: u64, message: u64) -> bool {
        if later == message || self.scope != Scope::UpTo {
            return later == message;
        }
        match (self.message(later), self.message(message)) {
            (Some(later), Some(earlier)) => {
                later.place == earlier.place && later.at >= earlier.sent
            }
            _ => false,
        }
    }

    /// What this person said last, of whichever message.
    pub(super) fn last(&self, person: PersonId) -> Option<&Claim> {
        self.last.get(&person)
    }

    /// Receipts are about one message each, so they can be counted.
    pub(super) fn counts(&self) -> bool {
        self.scope == Scope::Message
    }

    pub(super) fn asked_at(&self, read: OpId) -> Option<Nanos> {
        self.reads.get(read).copied()
    }
}
