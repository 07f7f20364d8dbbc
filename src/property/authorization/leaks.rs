//! What comes before whose eyes: nothing of a conversation to a stranger, nothing of a stranger to
//! its members, nothing to who has left.

use super::{BUT, Book};
use crate::history::{Carrier, ClientId, ConversationId, MessageRef, Nanos, OpId, Seen, Token};
use crate::operation::{Operation, Sight};
use crate::property::argument::{exhibit, place, violation, with_id};
use crate::property::recent::{Recent, Rows, hash};
use crate::verdict::{Finding, Violation};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

/// What is suspected one by one; a flood of leaks is cut here.
const SUSPICIONS: usize = 2_000;

/// Who is a stranger, unless it turns out otherwise.
enum Suspect {
    Client(ClientId, ConversationId),
    User(CompactString, ConversationId),
    Pair(ClientId, CompactString),
}

/// Something seen beside a message.
pub(super) struct About<'a> {
    pub(super) sight: Sight,
    pub(super) conversation: Option<ConversationId>,
    pub(super) user: Option<&'a CompactString>,
    pub(super) id: Option<&'a CompactString>,
}

pub(super) struct Leaks {
    now: Nanos,
    tolerance: Nanos,
    /// Creations and broadcasts under way: each may make a conversation.
    making: FxHashMap<OpId, Operation>,
    /// Conversations that were made, by the server's ids, hashed.
    made: FxHashSet<u64>,
    /// One may have been made without our knowing, so who shares what is unsure.
    unsure: bool,
    /// What is wrong unless somebody turns out to be a member: a conversation that is made while
    /// the clients are at work may be seen before it is known who is in it.
    suspicions: Vec<(Suspect, Violation)>,
    /// Leaves under way.
    leaving: FxHashMap<OpId, ConversationId>,
    /// Who has left what, and when.
    left: FxHashMap<(ClientId, ConversationId), Nanos>,
    /// Messages that somebody sent where they are no member.
    foreign: FxHashMap<Token, ClientId>,
    /// When messages were sent; kept while somebody has left something.
    sent: Rows<Token, Nanos>,
    /// Where messages are, by id; kept while somebody is in no conversation.
    places: Recent<u64, ConversationId>,
    /// Sends under way; kept for `places`.
    sends: Rows<OpId, ConversationId>,
    /// Where a text was sent; kept while somebody is in no conversation.
    homes: Rows<Token, ConversationId>,
}

impl Leaks {
    pub(super) fn new(tolerance: Nanos, memory: Nanos) -> Self {
        Self {
            now: 0,
            tolerance,
            making: FxHashMap::default(),
            made: FxHashSet::default(),
            unsure: false,
            suspicions: Vec::new(),
            leaving: FxHashMap::default(),
            left: FxHashMap::default(),
            foreign: FxHashMap::default(),
            sent: Rows::new(memory),
            places: Recent::new(memory),
            sends: Rows::new(memory),
            homes: Rows::new(memory),
        }
    }

    pub(super) fn tick(&mut self, at: Nanos) {
        self.now = at;
        self.sent.tick(at);
        self.places.tick(at);
        self.sends.tick(at);
        self.homes.tick(at);
    }

    /// Accuses those who did not turn out to be members.
    pub(super) fn conclude(&mut self, book: &Book, found: &mut Finding) {
        // What is still being made at the end may be there already, and who is in it was not said of all that
        // was made when the history ended.
        let unlisted = self.made.iter().any(|id| !book.ids.contains_key(id));
        let unsure = self.unsure || unlisted || !self.making.is_empty();
        for (suspect, violation) in std::mem::take(&mut self.suspicions) {
            let innocent = match &suspect {
                Suspect::Client(client, place) => book.is_in(*client, *place),
                Suspect::User(user, place) => book.user_is_in(user, *place) != Some(false),
                Suspect::Pair(client, user) => unsure || !book.are_strangers(*client, user),
            };
            if !innocent {
                found.violate(|| violation);
            }
        }
    }

    pub(super) fn suspicions(&self) -> u64 {
        self.suspicions.len() as u64
    }

    fn suspect(&mut self, suspect: Suspect, violation: impl FnOnce() -> Violation) {
        if self.suspicions.len() < SUSPICIONS {
            self.suspicions.push((suspect, violation()));
        }
    }

    pub(super) fn len(&self) -> usize {
        let homes = self.homes.len();
        self.sent.len() + self.places.len() + self.sends.len() + self.left.len() + homes
    }
}

// ----------------------------------------------------------------------------------------------
// what is asked for

impl Leaks {
    pub(super) fn invoke(
        &mut self,
        client: ClientId,
        op: OpId,
        operation: Operation,
        conversation: Option<ConversationId>,
        message: Option<&MessageRef>,
        watched: bool,
    ) {
        match (operation, conversation) {
            (Operation::Create | Operation::Broadcast, _) => {
                self.making.insert(op, operation);
            }
            (Operation::Leave, Some(conversation)) => {
                self.leaving.insert(op, conversation);
            }
            (Operation::Join, Some(conversation)) => {
                self.left.remove(&(client, conversation));
            }
            (Operation::Send, Some(conversation)) => {
                if let (false, Some(message)) = (self.left.is_empty(), message) {
                    self.sent.insert(message.token, self.now);
                }
                if watched {
                    self.sends.insert(op, conversation);
                    message.map(|message| self.homes.insert(message.token, conversation));
                }
            }
            _ => {}
        }
    }

    /// A stranger sends this.
    pub(super) fn strange(&mut self, client: ClientId, message: &MessageRef) {
        self.foreign.insert(message.token, client);
    }

    /// A send was acked with this id, or a conversation was made.
    pub(super) fn acked(&mut self, op: OpId, id: &CompactString) {
        if self.making.get(&op) == Some(&Operation::Create) {
            self.made.insert(hash(id));
        }
        if let Some(conversation) = self.sends.get(op) {
            self.places.insert(hash(id), *conversation);
        }
    }

    /// An operation is over; it is certain what became of it, or not.
    pub(super) fn over(&mut self, client: ClientId, op: OpId, end: End) {
        if self.making.remove(&op).is_some() {
            self.unsure |= end == End::Unknown;
        }
        if let Some(conversation) = self.leaving.remove(&op)
            && end == End::Done
        {
            self.left.insert((client, conversation), self.now);
        }
    }

    /// The client is connected anew: the server may have put it into its conversations again.
    pub(super) fn back(&mut self, client: ClientId) {
        self.left.retain(|(who, _), _| *who != client);
    }
}

// ----------------------------------------------------------------------------------------------
// what is seen

impl Leaks {
    pub(super) fn message(
        &mut self,
        at: Nanos,
        client: ClientId,
        seen: &Seen,
        book: &Book,
        found: &mut Finding,
    ) {
        let Some(conversation) = seen.conversation else { return };
        if let (false, Some(id)) = (book.homeless.is_empty(), &seen.id) {
            self.places.insert(hash(id), conversation);
        }
        let is_in = book.is_in(client, conversation);
        found.observations += u64::from(is_in && !book.homeless.is_empty());
        if !is_in && book.known.contains(&conversation) {
            self.suspect(Suspect::Client(client, conversation), || {
                let line = format!("{}, a stranger there", words(seen, conversation));
                let therefore = format!("a stranger knows what is said in {}", place(conversation));
                let lines = vec![exhibit(at, client, line)];
                violation("a message reached a stranger", lines, therefore, BUT)
            });
        }
        let home = seen.token.and_then(|token| self.homes.get(token)).copied();
        if let Some(home) = home.filter(|home| *home != conversation && !book.is_in(client, *home))
        {
            self.suspect(Suspect::Client(client, home), || {
                let line = format!("{}, sent to {}", words(seen, conversation), place(home));
                let therefore = format!("a stranger knows what is said in {}", place(home));
                let lines = vec![exhibit(at, client, line)];
                violation("a message reached strangers elsewhere", lines, therefore, BUT)
            });
        }
        let stranger = seen.token.and_then(|token| self.foreign.get(&token)).copied();
        if let (true, Some(stranger)) = (is_in, stranger) {
            self.suspect(Suspect::Client(stranger, conversation), || {
                let line =
                    format!("{}, which client {} sent", words(seen, conversation), stranger.0);
                let therefore = format!("a stranger spoke in {}", place(conversation));
                let lines = vec![exhibit(at, client, line)];
                violation("a stranger's message reached a member", lines, therefore, BUT)
            });
        }
        if seen.by == Carrier::Live {
            self.after_leaving(at, client, seen, conversation, found);
        }
    }

    fn after_leaving(
        &self,
        at: Nanos,
        client: ClientId,
        seen: &Seen,
        conversation: ConversationId,
        found: &mut Finding,
    ) {
        let Some(sent) = seen.token.and_then(|token| self.sent.get(token)) else { return };
        let later = |left: &Nanos| *sent > left.saturating_add(self.tolerance);
        let gone =
            self.left.iter().filter(|((_, place), left)| *place == conversation && later(left));
        found.observations += gone.count() as u64;
        let left = self.left.get(&(client, conversation)).filter(|left| later(left));
        let Some(left) = left else { return };
        found.violate(|| {
            let lines = vec![
                exhibit(*left, client, format!("left {}", place(conversation))),
                exhibit(*sent, client, "had left when the message was sent"),
                exhibit(at, client, words(seen, conversation)),
            ];
            let therefore = format!("it still hears what is said in {}", place(conversation));
            let but = "whoever has left hears nothing more";
            violation("a message reached a client that had left", lines, therefore, but)
        });
    }

    pub(super) fn saw(
        &mut self,
        at: Nanos,
        client: ClientId,
        about: &About<'_>,
        book: &Book,
        found: &mut Finding,
    ) {
        if matches!(about.sight, Sight::Error | Sight::Message) {
            return;
        }
        let by_id = about.id.and_then(|id| self.places.get(hash(id)).copied());
        let conversation = about.conversation.or(by_id);
        let there = conversation.filter(|place| book.known.contains(place));
        let watched = !book.homeless.is_empty();
        let (suspect, whom) = match (there, about.user) {
            (Some(place), _) if !book.is_in(client, place) => {
                (Suspect::Client(client, place), Whom::Stranger)
            }
            (Some(place), Some(user)) if book.user_is_in(user, place) == Some(false) => {
                (Suspect::User(user.clone(), place), Whom::Member)
            }
            (None, Some(user)) if book.are_strangers(client, user) => {
                (Suspect::Pair(client, user.clone()), Whom::Either)
            }
            _ => {
                found.observations += u64::from(watched && !book.homeless.contains(&client));
                return;
            }
        };
        self.suspect(suspect, || reached(at, client, about, whom));
    }

    /// A search showed a message.
    pub(super) fn found(
        &mut self,
        at: Nanos,
        client: ClientId,
        (shown, token, id): (Option<ConversationId>, Option<Token>, Option<&CompactString>),
        book: &Book,
    ) {
        let home = token.and_then(|token| self.homes.get(token)).copied();
        let by_id = id.and_then(|id| self.places.get(hash(id)).copied());
        let Some(conversation) = home.or(shown).or(by_id) else { return };
        if book.is_in(client, conversation) || !book.known.contains(&conversation) {
            return;
        }
        self.suspect(Suspect::Client(client, conversation), || {
            let what = token.map_or_else(|| "a message".to_owned(), |token| format!("\"{token}\""));
            let id = with_id(id.map(CompactString::as_str));
            let line = format!("found {what}{id} in {}, a stranger there", place(conversation));
            let therefore = format!("a stranger knows what is said in {}", place(conversation));
            let lines = vec![exhibit(at, client, line)];
            violation("a search shows a stranger's message", lines, therefore, BUT)
        });
    }

    /// Somebody was told how many messages are unread.
    pub(super) fn counted(
        &self,
        at: Nanos,
        client: ClientId,
        count: i64,
        book: &Book,
        found: &mut Finding,
    ) {
        if !book.homeless.contains(&client) {
            return;
        }
        found.observations += 1;
        if count > 0 {
            found.violate(|| {
                let line = format!("is in no conversation, and was told that {count} are unread");
                let therefore = "messages of strangers are counted for it";
                let lines = vec![exhibit(at, client, line)];
                violation("a stranger is told of unread messages", lines, therefore, BUT)
            });
        }
    }

    /// A list showed a conversation.
    pub(super) fn listed(
        &mut self,
        at: Nanos,
        client: ClientId,
        id: &CompactString,
        book: &Book,
        found: &mut Finding,
    ) {
        let Some(&conversation) = book.ids.get(&hash(id)) else { return };
        if book.is_in(client, conversation) {
            found.observations += u64::from(!book.homeless.is_empty());
            return;
        }
        self.suspect(Suspect::Client(client, conversation), || {
            let line = format!("saw {} in its list of conversations", place(conversation));
            let therefore = "a stranger knows of a conversation, and how it is called";
            let lines = vec![exhibit(at, client, line)];
            violation("a list shows a foreign conversation", lines, therefore, BUT)
        });
    }
}

/// How an operation ended, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Refused,
    Unknown,
}

/// Whom something reached that it should not.
#[derive(Clone, Copy)]
enum Whom {
    Stranger,
    Member,
    /// The two share no conversation.
    Either,
}

fn reached(at: Nanos, client: ClientId, about: &About<'_>, whom: Whom) -> Violation {
    let sight = about.sight;
    let mut line = format!("saw `{sight}`");
    if let Some(user) = about.user {
        line += &format!(" of user {user}");
    }
    if let Some(conversation) = about.conversation {
        line += &format!(" in {}", place(conversation));
    }
    line += &with_id(about.id.map(CompactString::as_str));
    let (summary, therefore) = match whom {
        Whom::Stranger => (
            format!("`{sight}` reached a stranger"),
            "somebody who is not in the conversation learned of it",
        ),
        Whom::Member => (
            format!("a stranger's `{sight}` reached a member"),
            "somebody who is not in the conversation is seen in it",
        ),
        Whom::Either => (
            format!("`{sight}` of a stranger was seen"),
            "one learned of another with whom it shares no conversation",
        ),
    };
    violation(&summary, vec![exhibit(at, client, line)], therefore, BUT)
}

/// `was pushed "qz…" with id 17 in conversation 2`.
fn words(seen: &Seen, conversation: ConversationId) -> String {
    let how = if seen.by == Carrier::Live { "was pushed" } else { "read" };
    let what = seen.token.map_or_else(|| "a message".to_owned(), |token| format!("\"{token}\""));
    format!("{how} {what}{} in {}", with_id(seen.id.as_deref()), place(conversation))
}
