//! What is wrong with a spec as a whole: parts that don't fit together.
//!
//! It looks at what was read, with its places, and complains; it reads no YAML.

mod answers;
mod figures;
mod holes;
mod operations;
mod promises;

pub(super) use answers::{answers, sight, sights};
pub(super) use figures::contract;
pub(super) use holes::holes;
pub(super) use operations::{Placed, deeds};
pub(super) use promises::{promise, traits};

use crate::spec::model::{Deed, Step};

/// All steps of an operation, whatever the channel.
fn steps(deed: &Deed) -> impl Iterator<Item = &Step> {
    deed.channels.iter().flat_map(|channel| &channel.steps)
}

/// Holes for a message.
fn listed(names: &[&str], between: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`${name}`")).collect();
    quoted.join(between)
}
