//! What a chat server must keep, one property per file: the statement, its reasons, and its judge.
//!
//! A judge sees the entries of one shard's history, in order, and nothing else: no clock, no socket,
//! no server. So a stored history is judged again to the same verdicts. Judges work as the events
//! come and forget what is settled. Start with [`Property`]; [`Bench`] seats one judge of each.

pub mod ack_timeout;
mod argument;
pub mod at_least_once;
pub mod authentication;
pub mod authorization;
pub mod backoff;
mod bench;
pub mod broadcast_reach;
mod charge;
mod company;
pub mod connection_state;
pub mod contacts;
pub mod conversation_identity;
pub mod explain;
pub mod idempotency;
pub mod input_limits;
#[cfg(test)]
mod model;
pub mod no_loss_on_reconnect;
#[cfg(test)]
mod notation;
pub mod ordering;
mod pace;
pub mod presence;
mod probe;
pub mod rate_limit;
pub mod receipts;
mod recent;
mod stalls;
pub mod typing_timeout;
pub mod unread_count;
mod weather;

pub use crate::verdict::Severity;
pub use bench::{Bench, judge_all, merge, verdicts};
pub use charge::Charge;
pub use probe::{Need, Probe};

use crate::history::Entry;
use crate::operation::Sight;
use crate::verdict::Finding;
use std::time::Duration;

/// A property: what it says, and who judges it.
pub trait Property: Sync {
    /// What it says.
    fn page(&self) -> &'static Page;

    /// The rules and tolerances the judge uses on this server, in words.
    fn judged_by(&self, charge: &Charge) -> String;

    /// What provokes it: the cases of the catalogue.
    fn probes(&self) -> &'static [Probe] {
        &[]
    }

    /// What a client must be shown at least one of, or there is nothing to judge; empty: nothing.
    fn shown(&self) -> &'static [Sight] {
        &[]
    }

    /// A judge of one shard's history.
    fn judge(&self, charge: &Charge) -> Box<dyn Judge>;
}

/// Watches one shard's history for one property.
pub trait Judge: Send {
    /// The next entry. Entries come in the order in which the shard recorded them.
    fn observe(&mut self, entry: &Entry);

    /// The history is over.
    fn finish(self: Box<Self>) -> Finding;

    /// How many things the judge still holds in memory because they are not settled.
    fn unsettled(&self) -> usize;

    /// How many violations it has found so far.
    fn violations(&self) -> u64;

    /// How many live deliveries the judge still waits for; with none, nothing is on its way.
    fn awaited_deliveries(&self) -> usize {
        0
    }
}

/// Every property, in the order of the catalogue.
pub const ALL: &[&dyn Property] = &[
    &idempotency::Idempotency,
    &ordering::Ordering,
    &at_least_once::AtLeastOnce,
    &no_loss_on_reconnect::NoLossOnReconnect,
    &typing_timeout::TypingTimeout,
    &connection_state::ConnectionStates,
    &ack_timeout::AckTimeout,
    &backoff::Backoff,
    &conversation_identity::ConversationIdentity,
    &authentication::Authentication,
    &authorization::Authorization,
    &input_limits::InputLimits,
    &rate_limit::RateLimit,
    &presence::Presence,
    &receipts::Receipts,
    &unread_count::UnreadCount,
    &broadcast_reach::BroadcastReach,
    &contacts::Contacts,
];

/// The ids of all properties.
#[must_use]
pub fn ids() -> Vec<&'static str> {
    ALL.iter().map(|property| property.page().id).collect()
}

/// The property of this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static dyn Property> {
    ALL.iter().copied().find(|property| property.page().id == id)
}

/// What is to be said of a property. [`explain::text`] prints it.
#[derive(Debug)]
pub struct Page {
    /// The file's name, with dashes.
    pub id: &'static str,
    /// The property as a sentence with MUST.
    pub title: &'static str,
    /// What it promises.
    pub promises: &'static str,
    /// Why users care.
    pub matters: &'static str,
    /// How it is judged.
    pub judged: &'static str,
    /// What the judge cannot see.
    pub blind: &'static str,
    /// An example of a violation, as the report shows it.
    pub example: &'static str,
    /// Whose promise it is when the spec names no source.
    pub source: &'static str,
    /// What is added to a documented bound; `None` if nothing is timed.
    pub tolerance: Option<Tolerance>,
    /// How many observations a pass needs.
    pub least_evidence: u64,
    /// What one observation is.
    pub evidence: &'static str,
}

/// What is added to a documented bound before a late event counts as broken.
#[derive(Debug)]
pub struct Tolerance {
    /// How much, if the spec does not say otherwise.
    pub default: Duration,
    /// Why.
    pub reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_property_has_its_own_file_and_id() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/property");
        for (index, property) in ALL.iter().enumerate() {
            let id = property.page().id;
            assert!(ALL[..index].iter().all(|other| other.page().id != id), "{id} twice");
            let file = format!("{folder}/{}.rs", id.replace('-', "_"));
            assert!(std::path::Path::new(&file).exists(), "{file} is missing");
            assert_eq!(find(id).map(|found| found.page().id), Some(id));
        }
        assert!(find("no-such-property").is_none());
    }

    #[test]
    fn each_property_is_documented() {
        for property in ALL {
            let page = property.page();
            assert!(page.title.contains(" MUST "), "{}: {}", page.id, page.title);
            for section in
                [page.promises, page.matters, page.judged, page.blind, page.source, page.evidence]
            {
                assert!(section.len() > 20 && section.ends_with('.'), "{}: {section}", page.id);
            }
            assert!(page.example.contains("therefore") && page.example.contains("but"));
            assert!(page.least_evidence > 0, "{} would pass by silence", page.id);
            assert!(!property.judged_by(&Charge::default()).is_empty());
        }
    }

    #[test]
    fn no_property_passes_on_an_empty_history() {
        for property in ALL {
            let finding = property.judge(&Charge::default()).finish();
            assert_eq!(finding, Finding::default(), "{}", property.page().id);
        }
    }
}
