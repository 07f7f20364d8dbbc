//! Whether a history's rows come in order.

use super::position::earlier;
use super::{Claims, ONE_ORDER, Post, Sequence};
use crate::history::{Carrier, ClientId, ConversationId, Nanos, OpId, Order};
use crate::property::argument::{exhibit, violation};
use rustc_hash::FxHashSet;

impl Sequence {
    pub(super) fn row(&mut self, post: Post, order: Order, by: Carrier) {
        if let Carrier::History(op) = by
            && let Some(reading) = self.readings.get_mut(&op)
        {
            reading.row(post, order);
        }
    }

    /// A history is complete.
    pub(super) fn read(&mut self, at: Nanos, client: ClientId, op: OpId, claims: Claims) {
        let Some(reading) = self.readings.remove(&op) else { return };
        if reading.rows.len() < 2 {
            return;
        }
        self.finding.observations += 1;
        if let Some((one, two)) = reading.broken {
            self.finding.violate(|| {
                let text = format!("read a history in which {one} is followed by {two}");
                let therefore = "its rows come neither in ascending nor in descending order";
                violation(
                    "a history out of order",
                    vec![exhibit(at, client, text)],
                    therefore,
                    ONE_ORDER,
                )
            });
        }
        let gap = if reading.rises { reading.gap_up } else { reading.gap_down };
        if let Some((one, two)) = gap
            && claims.gap_free
            && self.last_phase
            && reading.broken.is_none()
            && self.gaps.insert(reading.conversation)
        {
            self.finding.violate(|| {
                let text = format!("read a whole history in which {two} comes next to {one}");
                let therefore = "there are positions without a message";
                violation(
                    "a gap in the numbers",
                    vec![exhibit(at, client, text)],
                    therefore,
                    "there are no gaps",
                )
            });
        }
        if reading.broken.is_none() && reading.rises != reading.falls {
            for (first, second) in reading.ties {
                let (first, second) = if reading.rises { (first, second) } else { (second, first) };
                self.tie(at, client, first, second);
            }
        }
    }
}

/// The rows of a history while they come.
pub(super) struct Reading {
    conversation: ConversationId,
    rows: FxHashSet<Post>,
    last: Option<(Order, Post)>,
    /// The lowest position of the ascending piece before this one, and of this one.
    lowest_before: Option<Order>,
    lowest: Option<Order>,
    rises: bool,
    falls: bool,
    broken: Option<(Order, Order)>,
    /// Neighbours that leave a gap, going up and going down.
    gap_up: Option<(Order, Order)>,
    gap_down: Option<(Order, Order)>,
    /// Pairs of ties in the order they came.
    ties: Vec<(Post, Post)>,
}

impl Reading {
    pub(super) fn of(conversation: ConversationId) -> Self {
        Self {
            conversation,
            rows: FxHashSet::default(),
            last: None,
            lowest_before: None,
            lowest: None,
            rises: false,
            falls: false,
            broken: None,
            gap_up: None,
            gap_down: None,
            ties: Vec::new(),
        }
    }

    /// The read is tried again: its rows come again.
    pub(super) fn start_over(&mut self) {
        *self = Self::of(self.conversation);
    }

    /// The next row. A post that was read before (pages overlap) is not looked at again.
    ///
    /// Rows are in order if they are ascending pieces, each of which lies wholly below the one
    /// before: one piece is an ascending history, pieces of one row are a descending one, and
    /// longer pieces are pages that go back in time.
    fn row(&mut self, post: Post, order: Order) {
        if !self.rows.insert(post) {
            return;
        }
        let Some((last, before)) = self.last.replace((order, post)) else {
            self.lowest = Some(order);
            return;
        };
        if earlier(last, order) {
            self.rises = true;
            self.gap_up = self.gap_up.or((order.abs_diff(last) > 1).then_some((last, order)));
        } else if earlier(order, last) {
            self.falls = true;
            self.gap_down = self.gap_down.or((last.abs_diff(order) > 1).then_some((last, order)));
            self.lowest_before = self.lowest_before.min(self.lowest).or(self.lowest);
            self.lowest = Some(order);
        } else {
            self.ties.push((before, post));
        }
        if self.lowest_before.is_some_and(|bound| earlier(bound, order)) {
            self.broken.get_or_insert((last, order));
        }
    }
}
