//! A compiled spec, as the engine, the reference server and the judges read it.
//!
//! The loader makes it from YAML and has refused everything that is wrong, so nothing here needs
//! to be checked again. Templates are compiled: no name is looked up and no text parsed per message.

mod connect;
mod deed;
mod people;
mod traits;

pub use connect::*;
pub use deed::*;
pub use people::*;
pub use traits::*;

use crate::operation::Operation;
use crate::source::Span;
use crate::spec::bindings::{Bindings, Hole, HoleTable};
use std::time::Duration;

/// One server's wire and promises.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its name; the file's stem.
    pub name: String,
    /// One sentence: what this server is.
    pub about: String,
    /// The title of the document it is made from.
    pub document: Option<String>,
    /// The names behind the numbers of the holes.
    pub holes: HoleTable,
    /// `let:` constants, bound before anything else.
    pub constants: Bindings,
    /// How a client's connection comes to be.
    pub connect: Connect,
    /// Who the people are to the server.
    pub people: People,
    /// Headers and base path of every HTTP request.
    pub http: Http,
    /// `do:` what a client can do.
    pub does: Vec<Deed>,
    /// `see:` what a client can see without having asked.
    pub sees: Vec<Pushed>,
    /// `traits:` how the server works, promised or not.
    pub traits: Traits,
    /// `promise:` what it promises.
    pub promises: Vec<Promise>,
    /// `contract:` what the documented client does.
    pub contract: Contract,
    /// `limits:` what it accepts.
    pub limits: Limits,
    /// `known-failures:` cases of the catalogue that fail, and why that is accepted.
    pub known_failures: Vec<KnownFailure>,
}

/// A case that is known to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownFailure {
    /// The case's name.
    pub case: String,
    /// Where the name stands.
    pub at: Span,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is accepted, `2027-01-31`.
    pub until: Option<String>,
}

/// One promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The property's id.
    pub property: String,
    /// The promise in the document's words.
    pub says: String,
    /// Where the document says it.
    pub source: String,
    /// What is added to a documented bound before a late event counts as broken.
    pub tolerance: Option<Duration>,
}

/// `contract:` what the documented client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// How long a client waits for an ack.
    pub ack_timeout: Duration,
    /// Pauses before the second, third, … attempt. Their count is the number of retries.
    pub retries: Vec<Duration>,
    /// Pauses before reconnection attempts; the last one repeats.
    pub reconnect: Vec<Duration>,
    /// A typing indicator stops this long after the last keystroke.
    pub typing_stop: Duration,
    /// Typing events within this window are sent as one.
    pub typing_batch: Duration,
    /// Sends while disconnected wait and go out after the sync.
    pub offline_queue: bool,
    /// Where a sync after a reconnect starts.
    pub sync_from: SyncFrom,
    /// Messages kept per conversation in a client's view.
    pub view: usize,
}

/// Where a sync after a reconnect starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncFrom {
    /// The position of the newest message the client has seen in the conversation.
    NewestSeen,
    /// The client's own wall clock at its last sync.
    ClientClock,
    /// The opaque cursor of the last answer.
    Cursor,
    /// There is no cursor: the whole history is read.
    Start,
}

/// `limits:` what the server accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Characters of a text.
    pub text_characters: Option<u32>,
    /// A text without a visible character is documented to be refused.
    pub blank_refused: bool,
    /// Messages per window and person.
    pub send_rate: Option<(u32, Duration)>,
    /// Rows of a page.
    pub page_rows: Option<u32>,
}

impl Spec {
    /// How this server does an operation.
    #[must_use]
    pub fn deed(&self, operation: Operation) -> Option<&Deed> {
        self.does.iter().find(|deed| deed.operation == operation)
    }

    /// The first message of each connection says the person's password.
    #[must_use]
    pub fn says_password(&self) -> bool {
        let first = self.connect.first.as_ref();
        first.is_some_and(|first| first.request.holes().contains(&Hole::PASSWORD))
    }

    /// The first message of each connection says how far the client had come.
    #[must_use]
    pub fn resumes(&self) -> bool {
        let first = self.connect.first.as_ref();
        first.is_some_and(|first| first.request.holes().contains(&Hole::CURSOR))
    }

    /// The promise of this property, if the server makes it.
    #[must_use]
    pub fn promise(&self, property: &str) -> Option<&Promise> {
        self.promises.iter().find(|promise| promise.property == property)
    }
}

impl Default for Contract {
    /// The figures of most documented chat clients: 5 s, 1/2/4 s, 1…30 s, 2 s, 100 ms.
    fn default() -> Self {
        let seconds = |list: &[u64]| list.iter().map(|&s| Duration::from_secs(s)).collect();
        Self {
            ack_timeout: Duration::from_secs(5),
            retries: seconds(&[1, 2, 4]),
            reconnect: seconds(&[1, 2, 4, 8, 16, 30]),
            typing_stop: Duration::from_secs(2),
            typing_batch: Duration::from_millis(100),
            offline_queue: true,
            sync_from: SyncFrom::NewestSeen,
            view: 100,
        }
    }
}
