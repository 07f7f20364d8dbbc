//! One read, page by page.

use super::Stored;
use crate::history::{ClientId, ConversationId, Nanos, Order, Seen, Token};
use crate::property::argument::{exhibit, place, violation};
use crate::verdict::{Exhibit, Finding};
use compact_str::CompactString;
use rustc_hash::FxHashSet;

/// What a broken page contradicts.
pub(super) const BUT: &str = "pages, put together, show each message once";

/// A read on its way.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) asked: Nanos,
    pub(super) client: ClientId,
    pub(super) place: ConversationId,
    /// Messages that were stored there before, where new ones shift the pages.
    pub(super) arrived: u64,
    sync: bool,
    pub(super) pages: Vec<Leaf>,
    ids: FxHashSet<CompactString>,
    tokens: FxHashSet<Token>,
    /// Ids that stood twice on one page.
    twice: Vec<CompactString>,
}

/// One page.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    at: Nanos,
    number: u32,
    of: u32,
    rows: u32,
    again: Vec<CompactString>,
    /// The lowest and the highest position of what it brought.
    span: Option<(Order, Order)>,
}

impl Walk {
    pub(super) fn new(asked: Nanos, client: ClientId, place: ConversationId, sync: bool) -> Self {
        Self {
            asked,
            client,
            place,
            arrived: 0,
            sync,
            pages: Vec::new(),
            ids: FxHashSet::default(),
            tokens: FxHashSet::default(),
            twice: Vec::new(),
        }
    }

    /// An attempt begins: what an earlier one showed counts no more.
    pub(super) fn begins(&mut self) {
        let arrived = self.arrived;
        *self = Self::new(self.asked, self.client, self.place, self.sync);
        self.arrived = arrived;
    }

    pub(super) fn page(
        &mut self,
        at: Nanos,
        (number, of, rows): (u32, u32, u32),
        again: &[CompactString],
    ) {
        self.pages.push(Leaf { at, number, of, rows, again: again.to_vec(), span: None });
    }

    pub(super) fn row(&mut self, seen: &Seen) {
        self.tokens.extend(seen.token);
        if let Some(id) = &seen.id
            && !self.ids.insert(id.clone())
        {
            self.twice.push(id.clone());
        }
        if let (Some(leaf), Some(order)) = (self.pages.last_mut(), seen.order) {
            let (low, high) = leaf.span.unwrap_or((order, order));
            leaf.span = Some((low.min(order), high.max(order)));
        }
    }

    /// Several pages, or pages of a size that was asked for.
    pub(super) fn counts(&self, usual: Option<u32>) -> bool {
        let chosen = |leaf: &Leaf| usual.is_none_or(|usual| leaf.of != usual);
        self.pages.len() > 1 || self.pages.first().is_some_and(chosen)
    }

    /// It shows the message, or begins after it.
    pub(super) fn shows(&self, stored: &Stored) -> bool {
        let start = self.pages.first().and_then(|leaf| leaf.span).map(|(low, _)| low);
        let before =
            self.sync && (start.is_none() || stored.order.is_none() || stored.order < start);
        let id = stored.id.as_ref().is_some_and(|id| self.ids.contains(id));
        before || id || self.tokens.contains(&stored.token)
    }

    /// What is wrong with the pages themselves; new messages may have moved so many rows to the next.
    pub(super) fn judge(&self, over: Nanos, ordered: bool, moved: u64, finding: &mut Finding) {
        let again: u64 = self.pages.iter().map(|leaf| leaf.again.len() as u64).sum();
        let doubled = self.pages.iter().find(|leaf| !leaf.again.is_empty() && again > moved);
        if let Some(leaf) = doubled {
            let (id, number) = (&leaf.again[0], leaf.number);
            let therefore = format!("message {id} stands on page {number} and on an earlier one");
            self.accuse("a row on two pages", over, therefore, finding);
        }
        if let Some(id) = self.twice.first() {
            let therefore = format!("message {id} stands there twice");
            self.accuse("a row twice on one page", over, therefore, finding);
        }
        if let Some(leaf) = self.pages.iter().find(|leaf| leaf.rows > leaf.of) {
            let Leaf { number, of, rows, .. } = leaf;
            let therefore = format!("page {number} has {rows} rows, and {of} were asked for");
            self.accuse("a page longer than asked for", over, therefore, finding);
        }
        // More than a page of new messages puts some of them on the next one.
        let steady = self.pages.iter().all(|leaf| moved < leaf.of.into());
        if let Some(number) = self.mixed().filter(|_| ordered && steady) {
            let therefore = format!("page {number} brings what lies between earlier rows");
            self.accuse("pages out of order", over, therefore, finding);
        }
    }

    /// The first page that goes neither on nor back as the others do.
    fn mixed(&self) -> Option<u32> {
        let mut forward = None;
        let spans = self.pages.iter().filter_map(|leaf| Some((leaf.number, leaf.span?)));
        let mut whole: Option<(Order, Order)> = None;
        for (number, (low, high)) in spans {
            if let Some((lowest, highest)) = whole {
                let on =
                    if low >= highest { Some(true) } else { (high <= lowest).then_some(false) };
                let Some(on) = on else { return Some(number) };
                // Rows of one and the same position go both ways.
                let both = low >= highest && high <= lowest;
                if !both && *forward.get_or_insert(on) != on {
                    return Some(number);
                }
            }
            let (lowest, highest) = whole.unwrap_or((low, high));
            whole = Some((lowest.min(low), highest.max(high)));
        }
        None
    }

    fn accuse(&self, summary: &str, over: Nanos, therefore: String, finding: &mut Finding) {
        finding.violate(|| violation(summary, self.lines(over), therefore, BUT));
    }

    /// The read in words.
    pub(super) fn lines(&self, over: Nanos) -> Vec<Exhibit> {
        let what = if self.sync { "a sync" } else { "the history" };
        let asked = format!("asked for {what} of {}", place(self.place));
        let mut lines = vec![exhibit(self.asked, self.client, asked)];
        lines.extend(self.pages.iter().map(|leaf| {
            let Leaf { number, of, rows, .. } = leaf;
            let noun = if *rows == 1 { "row" } else { "rows" };
            exhibit(leaf.at, self.client, format!("had page {number}: {rows} {noun} of {of}"))
        }));
        lines.push(exhibit(over, self.client, "had the whole read"));
        lines
    }

    pub(super) fn len(&self) -> usize {
        1 + self.ids.len() + self.pages.len()
    }
}
