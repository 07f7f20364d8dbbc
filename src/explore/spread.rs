//! How far apart steps that were released together came to the server, as its answers show.

use crate::history::{Answer, Entry, Event, Nanos, OpId};
use rustc_hash::FxHashMap;

/// Requests that left within so many nanoseconds were released together.
const TOGETHER: Nanos = 1_000_000;

/// For each two requests in a row that left together: how far apart their answers were.
pub(super) fn spreads(entries: &[Entry]) -> impl Iterator<Item = Nanos> + use<> {
    let mut left: Vec<(Nanos, OpId)> = Vec::new();
    let mut answered: FxHashMap<OpId, Nanos> = FxHashMap::default();
    for entry in entries {
        match &entry.event {
            Event::Invoke { op, .. } => left.push((entry.at, *op)),
            Event::Answered { op, answer: Answer::Ack { .. } | Answer::Nack(_), .. } => {
                answered.entry(*op).or_insert(entry.at);
            }
            _ => {}
        }
    }
    let pairs: Vec<Nanos> = left
        .windows(2)
        .filter(|pair| pair[1].0 - pair[0].0 <= TOGETHER)
        .filter_map(|pair| Some(answered.get(&pair[0].1)?.abs_diff(*answered.get(&pair[1].1)?)))
        .collect();
    pairs.into_iter()
}
