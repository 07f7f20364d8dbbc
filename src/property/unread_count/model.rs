//! What a client would count: which messages there are, and what each person has read or deleted.
//!
//! Whatever may or may not have happened makes the least and the most differ. Start with
//! [`Model::range`].

use crate::history::{
    About, ClientId, ConversationId, Key, MessageRef, Nanos, OpId, PersonId, Seen, Token,
};
use crate::operation::Operation;
use crate::property::Charge;
use crate::property::argument::exhibit;
use crate::spec::Receipts;
use crate::verdict::Exhibit;
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use std::fmt;

/// So many messages are remembered. Whoever asks for counts does it in cases, which have a few; a
/// load of millions asks for none, and shall not be remembered.
const MOST: usize = 20_000;

/// How many messages may be unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: i64,
    pub(super) most: i64,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (least, most) if least == most => write!(f, "{least}"),
            (least, most) => write!(f, "{least} to {most}"),
        }
    }
}

/// Messages and readings, as far as a history has told of them.
pub(super) struct Model {
    tolerance: Nanos,
    /// Each attempt of a send may make a message of its own.
    repeats: bool,
    /// What a `read` takes off.
    scope: Receipts,
    whose: FxHashMap<ClientId, PersonId>,
    places: FxHashMap<PersonId, Vec<ConversationId>>,
    messages: Vec<Message>,
    by_key: FxHashMap<(PersonId, Key), usize>,
    by_token: FxHashMap<Token, usize>,
    by_id: FxHashMap<CompactString, usize>,
    sends: FxHashMap<OpId, usize>,
    /// Readings and deletions, in the order in which they were asked for.
    removals: Vec<Removal>,
    removing: FxHashMap<OpId, usize>,
}

struct Message {
    sender: PersonId,
    place: ConversationId,
    token: Option<Token>,
    /// When it was put on the wire first, how often, and how many of these attempts were refused.
    sent: Option<Nanos>,
    attempts: i64,
    refused: i64,
    /// Since when it is there for certain, and who knows.
    stored: Option<Nanos>,
}

/// Somebody reads or deletes one message, or several.
struct Removal {
    client: ClientId,
    person: PersonId,
    operation: Operation,
    about: Reach,
    began: Option<Nanos>,
    answered: bool,
    /// Since when it has happened for certain.
    certain: Option<Nanos>,
    /// It has not happened.
    void: bool,
}

/// Which messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// This one, by its index.
    One(usize),
    /// This one and those before it.
    UpTo(usize),
    All(ConversationId),
}

impl Model {
    pub(super) fn new(charge: &Charge, tolerance: Nanos) -> Self {
        Self {
            tolerance,
            repeats: charge.traits.dedup.is_none(),
            scope: charge.traits.receipts,
            whose: FxHashMap::default(),
            places: FxHashMap::default(),
            messages: Vec::new(),
            by_key: FxHashMap::default(),
            by_token: FxHashMap::default(),
            by_id: FxHashMap::default(),
            sends: FxHashMap::default(),
            removals: Vec::new(),
            removing: FxHashMap::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.messages.len() + self.removals.len()
    }

    /// There are more than can be remembered, so nothing can be counted.
    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= MOST || self.removals.len() >= MOST
    }

    pub(super) fn person(&mut self, client: ClientId, person: PersonId) {
        self.whose.insert(client, person);
    }

    pub(super) fn whose(&self, client: ClientId) -> Option<PersonId> {
        self.whose.get(&client).copied()
    }

    /// The client's person reads this conversation.
    pub(super) fn place(&mut self, client: ClientId, conversation: ConversationId) {
        let Some(person) = self.whose(client) else { return };
        let places = self.places.entry(person).or_default();
        if !places.contains(&conversation) {
            places.push(conversation);
        }
    }

    // ------------------------------------------------------------------------------------------
    // what happens

    pub(super) fn invoke(
        &mut self,
        client: ClientId,
        op: OpId,
        operation: Operation,
        conversation: Option<ConversationId>,
        message: Option<&MessageRef>,
        about: Option<&About>,
    ) {
        if self.is_full() {
            return;
        }
        let Some(person) = self.whose(client) else { return };
        match (operation, conversation) {
            (Operation::Send, Some(place)) => {
                let index = self.message(person, place, message);
                self.sends.insert(op, index);
            }
            (Operation::Read | Operation::Hide, _) => {
                let Some(about) = self.reach(operation, conversation, about) else { return };
                self.removing.insert(op, self.removals.len());
                self.removals.push(Removal {
                    client,
                    person,
                    operation,
                    about,
                    began: None,
                    answered: false,
                    certain: None,
                    void: false,
                });
            }
            _ => {}
        }
    }

    /// The message that is sent: one that was sent before under the same key is the same.
    fn message(
        &mut self,
        sender: PersonId,
        place: ConversationId,
        message: Option<&MessageRef>,
    ) -> usize {
        let key = message.map(|message| (sender, message.key.clone()));
        if let Some(known) = key.as_ref().and_then(|key| self.by_key.get(key)) {
            return *known;
        }
        let (index, token) = (self.messages.len(), message.map(|message| message.token));
        let (sent, stored) = (None, None);
        self.messages.push(Message { sender, place, token, sent, attempts: 0, refused: 0, stored });
        self.by_key.extend(key.map(|key| (key, index)));
        self.by_token.extend(token.map(|token| (token, index)));
        index
    }

    fn reach(
        &self,
        operation: Operation,
        conversation: Option<ConversationId>,
        about: Option<&About>,
    ) -> Option<Reach> {
        let one = match about {
            Some(About::Message(id)) => self.by_id.get(id).copied(),
            _ => None,
        };
        match self.scope {
            _ if operation == Operation::Hide => one.map(Reach::One),
            Receipts::Message => one.map(Reach::One),
            Receipts::UpTo => one.map(Reach::UpTo),
            Receipts::Conversation => {
                conversation.or_else(|| Some(self.messages[one?].place)).map(Reach::All)
            }
        }
    }

    pub(super) fn attempt(&mut self, at: Nanos, op: OpId) {
        if let Some(index) = self.sends.get(&op) {
            let message = &mut self.messages[*index];
            message.sent.get_or_insert(at);
            message.attempts += 1;
        } else if let Some(index) = self.removing.get(&op) {
            self.removals[*index].began.get_or_insert(at);
        }
    }

    pub(super) fn acked(&mut self, at: Nanos, op: OpId, id: Option<&CompactString>) {
        if let Some(index) = self.sends.get(&op).copied() {
            self.messages[index].stored.get_or_insert(at);
            self.by_id.extend(id.map(|id| (id.clone(), index)));
        } else if let Some(index) = self.removing.get(&op) {
            self.removals[*index].answered = true;
        }
    }

    pub(super) fn refused(&mut self, op: OpId) {
        if let Some(index) = self.sends.get(&op) {
            self.messages[*index].refused += 1;
        }
    }

    pub(super) fn done(&mut self, at: Nanos, op: OpId) {
        if let Some(index) = self.removing.remove(&op) {
            let removal = &mut self.removals[index];
            // What nothing answers is under way a little longer.
            removal.certain = Some(at + if removal.answered { 0 } else { self.tolerance });
        }
    }

    pub(super) fn failed(&mut self, op: OpId, certain: bool) {
        if let Some(index) = self.removing.remove(&op) {
            self.removals[index].void = certain;
        }
    }

    /// What a client said without being answered may have been lost.
    pub(super) fn unsettle(&mut self, at: Nanos, client: ClientId) {
        let under_way = |removal: &&mut Removal| {
            removal.client == client && !removal.answered && removal.certain > Some(at)
        };
        self.removals.iter_mut().filter(under_way).for_each(|removal| removal.certain = None);
    }

    pub(super) fn seen(&mut self, at: Nanos, seen: &Seen) {
        let Some(index) = seen.token.and_then(|token| self.by_token.get(&token)).copied() else {
            return;
        };
        self.messages[index].stored.get_or_insert(at);
        self.by_id.extend(seen.id.clone().map(|id| (id, index)));
    }

    // ------------------------------------------------------------------------------------------
    // what follows

    /// How many messages may be unread for this person, who asked and was told at these times.
    /// `None`: of somebody who is in no conversation there is nothing to say.
    pub(super) fn range(
        &self,
        person: PersonId,
        of: Option<ConversationId>,
        asked: Nanos,
        told: Nanos,
    ) -> Option<Range> {
        let places = self.places.get(&person).filter(|_| !self.is_full())?;
        let mut range = Range { least: 0, most: 0 };
        for (index, message) in self.messages.iter().enumerate() {
            let here = places.contains(&message.place) && of.is_none_or(|of| of == message.place);
            if !here || message.sender == person {
                continue;
            }
            let (maybe, certainly) = self.removed(index, person, asked, told);
            let copies = message.copies(self.repeats, told);
            let there = message.stored.is_some_and(|at| at + self.tolerance <= asked);
            range.least += i64::from(there && !maybe);
            range.most += (copies - i64::from(certainly)).max(0);
        }
        Some(range)
    }

    /// Whether this person may have, and has, read or deleted a message.
    fn removed(&self, index: usize, person: PersonId, asked: Nanos, told: Nanos) -> (bool, bool) {
        let (mut maybe, mut certainly) = (false, false);
        for removal in self.removals.iter().filter(|one| one.person == person && !one.void) {
            let Some(began) = removal.began.filter(|began| *began <= told) else { continue };
            let (can, must) = self.reaches(removal.about, index, began);
            maybe |= can;
            let over = removal.certain.is_some_and(|at| at + self.tolerance <= asked);
            certainly |= must && over;
        }
        (maybe, certainly)
    }

    /// Whether a removal that began then can be, and must be, about this message.
    fn reaches(&self, about: Reach, index: usize, began: Nanos) -> (bool, bool) {
        let message = &self.messages[index];
        let before = |time: Nanos| message.stored.is_some_and(|stored| stored < time);
        match about {
            Reach::One(one) => (one == index, one == index),
            Reach::UpTo(last) => {
                let sent = self.messages[last].sent.unwrap_or(0);
                let here = self.messages[last].place == message.place;
                (here, here && (last == index || before(sent)))
            }
            Reach::All(place) => (place == message.place, place == message.place && before(began)),
        }
    }

    /// What this person was sent, and has read or deleted, before it asked.
    pub(super) fn lines(
        &self,
        person: PersonId,
        of: Option<ConversationId>,
        asked: Nanos,
    ) -> Vec<Exhibit> {
        let name = |message: &Message| message.token.map_or("?".into(), |token| token.to_string());
        let mut lines = Vec::new();
        let places = self.places.get(&person);
        let shown = |place: ConversationId| {
            places.is_some_and(|places| places.contains(&place)) && of.is_none_or(|of| of == place)
        };
        let client = |person: PersonId| {
            let client = self.whose.iter().filter(|(_, whose)| **whose == person);
            client.map(|(client, _)| *client).min()
        };
        for message in self.messages.iter().filter(|message| shown(message.place)) {
            let stored = message.stored.filter(|at| *at < asked);
            if let (Some(at), Some(client)) = (stored, client(message.sender)) {
                let own = if message.sender == person { ", its own" } else { "" };
                lines.push(exhibit(at, client, format!("had sent \"{}\"{own}", name(message))));
            }
        }
        for removal in self.removals.iter().filter(|one| one.person == person) {
            let Some(at) = removal.certain.filter(|at| *at < asked) else { continue };
            let what = match removal.about {
                Reach::One(one) => format!("\"{}\"", name(&self.messages[one])),
                Reach::UpTo(one) => format!("all up to \"{}\"", name(&self.messages[one])),
                Reach::All(_) => "all that was there".into(),
            };
            let text = format!("had said `{}` of {what}", removal.operation);
            lines.push(exhibit(at, removal.client, text));
        }
        lines
    }
}

impl Message {
    /// How many of it there may be by then.
    fn copies(&self, repeats: bool, by: Nanos) -> i64 {
        if self.sent.is_none_or(|sent| sent > by) {
            return 0;
        }
        let possible = self.attempts - self.refused;
        match (self.stored, repeats) {
            (None, _) if possible <= 0 => 0,
            (_, true) => possible.max(1),
            _ => 1,
        }
    }
}
