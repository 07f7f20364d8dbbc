//! The pages of a read: what each brought, whether another follows, and what asks for it.
//!
//! Rows that come again are dropped, as a client does that merges by id; the history has them in
//! its [`Event::Page`]. Nothing here knows how a page was fetched.

use crate::dialect::Dialect;
use crate::history::{Event, OpId, Order};
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, PageEdges, Paging, Step};
use compact_str::CompactString;
use rustc_hash::FxHashSet;

/// Pages of one read, at most; a server that never stops is stopped here.
const PAGES: u32 = 2_000;
/// Full pages in a row that bring nothing new, at most, where new messages move old ones on.
const MOVED: u32 = 16;
/// Rows that are asked for where the spec names no limit.
const ROWS: u32 = 100;

/// The pages read so far.
#[derive(Clone, Debug)]
pub struct Pages {
    op: OpId,
    /// How it goes on; `None`: there is one page.
    paging: Option<Paging>,
    /// Rows of a page.
    limit: u32,
    /// The page that is awaited, from 1.
    number: u32,
    /// Where the page that is awaited begins.
    since: Option<Order>,
    /// How many more full pages may bring nothing new.
    patience: u32,
    known: FxHashSet<CompactString>,
    rows: Vec<Event>,
    count: u32,
}

impl Pages {
    /// Binds what asks for the first page: as many rows as were wished for, or as the spec says.
    pub fn begin(
        dialect: &Dialect,
        op: OpId,
        step: &Step,
        wished: Option<u32>,
        bindings: &mut Bindings,
    ) -> Self {
        let limit = wished.or(dialect.spec.limits.page_rows).unwrap_or(ROWS);
        bindings.set(Hole::LIMIT, Scalar::Int(limit.into()));
        let since = bindings.get(Hole::SINCE).and_then(|since| dialect.position_of(since));
        let shifts = dialect.spec.traits.paging == PageEdges::Shifting;
        Self {
            op,
            patience: if shifts && step.paging == Some(Paging::Page) { MOVED } else { 0 },
            paging: step.paging,
            limit,
            number: 1,
            since,
            known: FxHashSet::default(),
            rows: Vec::new(),
            count: 0,
        }
    }

    /// Adds a page, each row as the events it stands for, and binds what asks for the next one;
    /// `false` if it was the last. What comes twice on one page stays: that is for the judges.
    /// `bound` is what the answer binds beside its rows.
    pub fn add(
        &mut self,
        dialect: &Dialect,
        page: Vec<Vec<Event>>,
        bound: &Bindings,
        bindings: &mut Bindings,
    ) -> bool {
        let by_cursor = self.paging == Some(Paging::Cursor);
        if by_cursor && page.is_empty() {
            return self.number < PAGES && self.turn(dialect, bound, bindings);
        }
        // Where a cursor says how it goes on, the length of a page says nothing.
        let full = by_cursor || page.len() >= self.limit as usize;
        let before = self.count;
        let ids: Vec<Option<CompactString>> = page.iter().map(|row| row_id(row)).collect();
        if self.paging.is_some() {
            let again = page.iter().zip(&ids).filter_map(|(row, id)| {
                let id = id.as_ref().filter(|id| self.known.contains(*id))?;
                let by_nature = self.since.is_some() && row.first().and_then(order) == self.since;
                (!by_nature).then(|| id.clone())
            });
            let (again, rows) = (again.collect(), page.len() as u32);
            let (op, number, of) = (self.op, self.number, self.limit);
            self.rows.push(Event::Page { op, number, of, rows, again });
        }
        for (events, id) in page.into_iter().zip(&ids) {
            if id.as_ref().is_none_or(|id| !self.known.contains(id)) {
                self.count += 1;
                self.rows.extend(events);
            }
        }
        self.known.extend(ids.into_iter().flatten());
        let fresh = self.count > before;
        let goes_on = full && (fresh || self.patience > 0);
        self.patience = self.patience.saturating_sub(u32::from(!fresh));
        goes_on && self.number < PAGES && self.turn(dialect, bound, bindings)
    }

    /// What all pages brought, and how many rows.
    #[must_use]
    pub fn over(self) -> (Vec<Event>, u32) {
        (self.rows, self.count)
    }

    /// Binds what asks for the next page; `false` if the server has no way to ask.
    fn turn(&mut self, dialect: &Dialect, bound: &Bindings, bindings: &mut Bindings) -> bool {
        self.number += 1;
        match self.paging {
            None => false,
            Some(Paging::Page) => {
                bindings.set(Hole::PAGE, Scalar::Int(self.number.into()));
                true
            }
            Some(Paging::Since) => {
                self.since = self.rows.iter().filter_map(order).max();
                if let Some(since) = self.since {
                    bindings.set(Hole::SINCE, dialect.position(since));
                }
                self.since.is_some()
            }
            Some(Paging::Cursor) => match bound.get(Hole::CURSOR) {
                Some(cursor) if bindings.get(Hole::CURSOR) != Some(cursor) => {
                    bindings.set(Hole::CURSOR, cursor.clone());
                    true
                }
                _ => false,
            },
        }
    }
}

/// What a row is known by.
fn row_id(events: &[Event]) -> Option<CompactString> {
    match events.first()? {
        Event::Message(seen) => seen.id.clone(),
        Event::Found { id, .. } => id.clone(),
        Event::Listed { id, user, .. } => id.clone().or_else(|| user.clone()),
        _ => None,
    }
}

fn order(event: &Event) -> Option<Order> {
    match event {
        Event::Message(seen) => seen.order,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Carrier, Damage, Seen};
    use crate::operation::Operation;
    use std::sync::Arc;

    fn dialect() -> Dialect {
        let yaml = include_str!("../../specs/callback-ack.yaml");
        let loaded = crate::spec::load("callback-ack.yaml", yaml, &crate::property::ids());
        Dialect::new(Arc::new(loaded.unwrap().spec), 1_000, 1)
    }

    fn rows(orders: std::ops::RangeInclusive<i64>) -> Vec<Vec<Event>> {
        let row = |order: i64| {
            Event::Message(Seen {
                by: Carrier::History(OpId(1)),
                conversation: None,
                token: None,
                key: None,
                id: Some(order.to_string().into()),
                order: Some(order),
                sender: None,
                text: Damage::Intact,
            })
        };
        orders.map(|order| vec![row(order)]).collect()
    }

    fn begin(dialect: &Dialect, bindings: &mut Bindings) -> Pages {
        let step = dialect.step(Operation::History).unwrap();
        Pages::begin(dialect, OpId(1), step, Some(3), bindings)
    }

    fn again(pages: &Pages) -> Vec<&[CompactString]> {
        let page = |event: &'_ Event| matches!(event, Event::Page { .. });
        let listed = pages.rows.iter().filter(|event| page(event)).map(|event| match event {
            Event::Page { again, .. } => again.as_slice(),
            _ => &[],
        });
        listed.collect()
    }

    #[test]
    fn a_read_since_goes_on_at_the_last_row_and_shows_it_once() {
        let (dialect, mut bindings) = (dialect(), Bindings::new());
        let mut pages = begin(&dialect, &mut bindings);
        assert_eq!(bindings.get(Hole::LIMIT), Some(&Scalar::Int(3)));
        assert!(pages.add(&dialect, rows(1..=3), &Bindings::new(), &mut bindings));
        assert_eq!(bindings.get(Hole::SINCE), Some(&dialect.position(3)));
        assert!(pages.add(&dialect, rows(3..=5), &Bindings::new(), &mut bindings));
        assert!(!pages.add(&dialect, rows(5..=5), &Bindings::new(), &mut bindings));
        assert!(again(&pages).iter().all(|again| again.is_empty()), "{pages:?}");
        assert_eq!(pages.over().1, 5);
    }

    #[test]
    fn rows_from_before_the_start_come_again() {
        let (dialect, mut bindings) = (dialect(), Bindings::new());
        let mut pages = begin(&dialect, &mut bindings);
        pages.add(&dialect, rows(1..=3), &Bindings::new(), &mut bindings);
        pages.add(&dialect, rows(2..=4), &Bindings::new(), &mut bindings);
        assert_eq!(again(&pages)[1], ["2"]);
    }

    #[test]
    fn a_server_that_shows_the_same_page_for_ever_is_left() {
        let (dialect, mut bindings) = (dialect(), Bindings::new());
        let mut pages = begin(&dialect, &mut bindings);
        assert!(pages.add(&dialect, rows(1..=3), &Bindings::new(), &mut bindings));
        assert!(!pages.add(&dialect, rows(1..=3), &Bindings::new(), &mut bindings));
    }
}
