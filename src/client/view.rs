//! What a person sees of a conversation: its newest messages, merged by id, in the server's order.
//!
//! It does not know what the messages say.

use crate::history::Order;
use compact_str::CompactString;

/// The newest messages of one conversation.
#[derive(Clone, Debug, Default)]
pub struct View {
    rows: Vec<Row>,
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
        Self { rows: Vec::new() }
    }

    /// The messages in order; those in one place stay as they came.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Adds a message, or moves it if its place became known; the oldest leaves when `most` are kept.
    pub(super) fn merge(&mut self, id: &CompactString, order: Option<Order>, most: usize) {
        if let Some(index) = self.rows.iter().rposition(|row| row.id == *id) {
            if order.is_none_or(|order| order == self.rows[index].order) {
                return;
            }
            self.rows.remove(index);
        }
        let newest = || self.rows.last().map_or(Order::MIN, |row| row.order);
        let order = order.unwrap_or_else(newest);
        let index = self.rows.partition_point(|row| row.order <= order);
        self.rows.insert(index, Row { order, id: id.clone() });
        if self.rows.len() > most {
            self.rows.remove(0);
        }
    }
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
                prop_assert!(view.rows().is_sorted_by_key(|row| row.order));
                let mut ids: Vec<_> = view.rows().iter().map(|row| &row.id).collect();
                ids.sort();
                ids.dedup();
                prop_assert_eq!(ids.len(), view.rows().len());
                prop_assert!(ids.len() <= most);
            }
        }
    }
}
