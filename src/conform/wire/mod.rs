//! The wire itself on trial: Engine.IO 4, Socket.IO 5 and raw WebSockets as protocols, from outside.
//!
//! A case is a few lines of raw requests, frames and packets, sent and expected ([`Script`]), with a
//! sentence, a reason and the section of the protocol's document that asks for it. No case needs a
//! handler in the server; times are those that the server itself announces. Every case has a
//! bystander who is connected before, and must not be disturbed, and ends with a newcomer who must
//! be served.
//!
//! It knows nothing of messages, conversations and judges. Start with [`cases`] and [`perform`].

mod cases;
mod channel;
mod greeting;
mod script;
mod site;
mod stage;
mod tape;
mod text;
mod tongue;

pub use cases::cases;
pub use script::{Mistake, Script};
pub use site::{PEOPLE, Site, disabled};

use crate::property::Severity;
use crate::verdict::Finding;
use std::time::Duration;

/// The chapters, as reports show them beside the properties.
pub const CHAPTERS: &[&str] = &["engine-io", "socket-io", "websocket"];

/// How late the server may be where the protocol names a time: timers and machines are busy.
pub const TOLERANCE: Duration = Duration::from_secs(2);

/// How long an answer is awaited where the protocol names no time.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// If this program itself was so late, what it saw may be its own doing.
pub const OWN_LAG: Duration = Duration::from_millis(500);

/// One case of the wire's chapters.
#[derive(Clone, Copy, Debug)]
pub struct WireCase {
    /// `engine-io/…`, `socket-io/…` or `websocket/…`; never changes its meaning.
    pub name: &'static str,
    /// What the server must do, in one sentence.
    pub says: &'static str,
    /// Why it is worth a case.
    pub why: &'static str,
    /// How much a failure weighs.
    pub severity: Severity,
    /// Over in a few seconds on an honest server, whatever its timers.
    pub quick: bool,
    /// Where the protocol asks for it.
    pub source: &'static str,
    /// The steps; [`Script`] describes the language.
    pub script: &'static str,
    /// The reference server's bugs that it must catch.
    pub catches: &'static [&'static str],
}

/// What came of a case.
#[derive(Clone, Debug, Default)]
pub struct Performed {
    /// Whether it held; doubts make it inconclusive.
    pub finding: Finding,
    /// All packets, requests and answers, in the order of time.
    pub trace: Vec<String>,
    /// Why the server cannot be asked this at all.
    pub not_supported: Option<String>,
}

impl WireCase {
    /// A quick must, and nothing else said: to be completed with `..`.
    const DEFAULT: Self = Self {
        name: "",
        says: "",
        why: "",
        severity: Severity::Must,
        quick: true,
        source: "",
        script: "",
        catches: &[],
    };

    /// `engine-io`, `socket-io` or `websocket`.
    #[must_use]
    pub fn chapter(&self) -> &'static str {
        self.name.split_once('/').map_or(self.name, |(chapter, _)| chapter)
    }
}

/// The case of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static WireCase> {
    cases().iter().find(|case| case.name == name)
}

/// Performs a case against a server. Cases may run side by side: each has its own connections.
pub async fn perform(case: &WireCase, site: &Site) -> Performed {
    match disabled(case, &site.spec) {
        Some(why) => Performed { not_supported: Some(why), ..Performed::default() },
        None => match site.enrol().await {
            Ok(()) => stage::perform(case, site).await,
            Err(why) => {
                let finding = Finding { doubts: vec![why], ..Finding::default() };
                Performed { finding, ..Performed::default() }
            }
        },
    }
}
