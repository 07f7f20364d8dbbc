//! What a person sees of a conversation: its newest messages, merged by id, in the server's order.
//!
//! It does not know what the messages say.

use crate::history::Order;
use compact_str::CompactString;
use rustc_hash::FxHasher;
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

/// The newest messages of one conversation.
#[derive(Clone, Debug, Default)]
pub struct View {
    rows: VecDeque<Row>,
    /// A number for each row's id: each message that comes is looked for among all.
    marks: VecDeque<u32>,
}

/// One message of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its place; that of its predecessor when it came, if the server did not say.
    pub order: Order,
    /// The server's id, or the witness of a message that came without one.
    pub id: CompactString,
}

impl View {
    pub(super) const fn new() -> Self {
        Self { rows: VecDeque::new(), marks: VecDeque::new() }
    }

    /// The messages in order; those in one place stay as they came.
    #[must_use]
    pub const fn rows(&self) -> &VecDeque<Row> {
        &self.rows
    }

    /// Adds a message, or moves it if its place became known; the oldest leaves when `most` are kept.
    pub(super) fn merge(&mut self, id: &CompactString, order: Option<Order>, most: usize) {
        let mark = mark(id);
        if let Some(index) = self.find(id, mark) {
            if order.is_none_or(|order| order == self.rows[index].order) {
                return;
            }
            self.rows.remove(index);
            self.marks.remove(index);
        }
        let newest = || self.rows.back().map_or(Order::MIN, |row| row.order);
        let order = order.unwrap_or_else(newest);
        let index = match self.rows.back() {
            Some(last) if last.order > order => self.rows.partition_point(|row| row.order <= order),
            _ => self.rows.len(),
        };
        self.rows.insert(index, Row { order, id: id.clone() });
        self.marks.insert(index, mark);
        if self.rows.len() > most {
            self.rows.pop_front();
            self.marks.pop_front();
        }
    }

    fn find(&self, id: &CompactString, mark: u32) -> Option<usize> {
        if !self.has(mark) {
            return None; // Mostly it is new.
        }
        let alike = self.marks.iter().enumerate().rev().filter(|(_, known)| **known == mark);
        alike.map(|(index, _)| index).find(|index| self.rows[*index].id == *id)
    }

    /// Some row has this mark. Without a way out of the inner loop, many are compared at once.
    fn has(&self, mark: u32) -> bool {
        let (front, back) = self.marks.as_slices();
        let mut some = [front, back].into_iter().flat_map(|marks| marks.chunks(64));
        some.any(|marks| marks.iter().fold(false, |found, known| found | (*known == mark)))
    }
}

fn mark(id: &CompactString) -> u32 {
    let mut hasher = FxHasher::default();
    id.hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn view(messages: &[(&str, Option<Order>)], most: usize) -> Vec<(String, Order)> {
        let mut view = View::new();
        for (id, order) in messages {
            view.merge(&CompactString::from(*id), *order, most);
        }
        view.rows().iter().map(|row| (row.id.to_string(), row.order)).collect()
    }

    #[test]
    fn ties_stay_as_they_came() {
        let seen = view(&[("b", Some(5)), ("a", Some(5)), ("c", Some(1))], 10);
        assert_eq!(seen, [("c".into(), 1), ("b".into(), 5), ("a".into(), 5)]);
    }

    #[test]
    fn a_place_that_becomes_known_moves_the_message() {
        let seen = view(&[("a", Some(5)), ("mine", None), ("b", Some(7)), ("mine", Some(8))], 10);
        assert_eq!(seen, [("a".into(), 5), ("b".into(), 7), ("mine".into(), 8)]);
    }

    #[test]
    fn the_oldest_leaves_a_full_view() {
        let seen = view(&[("a", Some(1)), ("b", Some(2)), ("old", Some(0)), ("c", Some(3))], 2);
        assert_eq!(seen, [("b".into(), 2), ("c".into(), 3)]);
        assert_eq!(view(&[("a", Some(1))], 0), []);
    }

    proptest! {
        #[test]
        fn it_is_sorted_without_doubles_and_bounded(
            messages in prop::collection::vec((0_u8..12, prop::option::of(-5_i64..5)), 0..60),
            most in 0_usize..10,
        ) {
            let mut view = View::new();
            for (id, order) in messages {
                view.merge(&CompactString::from(id.to_string()), order, most);
                prop_assert!(view.rows().iter().is_sorted_by_key(|row| row.order));
                let mut ids: Vec<_> = view.rows().iter().map(|row| &row.id).collect();
                ids.sort();
                ids.dedup();
                prop_assert_eq!(ids.len(), view.rows().len());
                prop_assert!(ids.len() <= most);
            }
        }
    }
}
