//! Pages that are counted from the newest message, and pages as servers with a bug cut them.

use super::Core;
use crate::reference::bugs::{Bug, draw};
use crate::reference::model::*;

/// The bugs that cut pages otherwise.
const CUTS: [Bug; 8] = [
    Bug::PageSkips,
    Bug::PageRepeats,
    Bug::PageLastMissing,
    Bug::PageUnlimited,
    Bug::PageExclusive,
    Bug::PageUnordered,
    Bug::PagesShift,
    Bug::PageShared,
];

impl Core {
    /// A numbered page, counted from the newest message, and whether older ones follow.
    pub(super) fn shifting_page(
        &self,
        user: &User,
        place: Conversation,
        window: &Window,
        limit: usize,
    ) -> Result<Option<(Vec<Message>, bool)>, Refusal> {
        let Some(page) = window.page else { return Ok(None) };
        let first = if self.rules.by_seq { Position::Seq(0) } else { Position::At(0) };
        let all = self.store.since(user, place, first, 0, u32::MAX, false)?;
        let newest = all.len().saturating_sub(page.saturating_sub(1) as usize * limit);
        let rows = all[newest.saturating_sub(limit)..newest].to_vec();
        Ok(Some((rows, newest > limit)))
    }

    /// The page that a server with such a bug shows, and whether it says that another follows;
    /// `None`: this one cuts pages as it should.
    pub(super) fn bent_page(
        &mut self,
        user: &User,
        place: Conversation,
        window: &Window,
        (since, limit): (Position, usize),
    ) -> Result<Option<(Vec<Message>, bool)>, Refusal> {
        let Some(bug) = CUTS.into_iter().find(|bug| self.bugs.has(*bug)) else { return Ok(None) };
        let first = if self.rules.by_seq { Position::Seq(0) } else { Position::At(0) };
        let mut all = self.store.since(user, place, first, 0, u32::MAX, false)?;
        let skip = window.page.map_or(0, |page| page.saturating_sub(1) as usize) * limit;
        let start = all.iter().position(|row| !row.is_before(since)).unwrap_or(all.len());
        let goes_on = skip > 0 || self.goes_on(user, place, window);
        let mut begin = (start + skip).min(all.len());
        let mut end = begin + limit;
        match bug {
            // The row at the start of a page that is asked for by its position is the last one's.
            Bug::PageSkips if goes_on => begin += 1 + usize::from(skip == 0),
            Bug::PageRepeats if goes_on => begin = begin.saturating_sub(2),
            Bug::PageExclusive if goes_on && skip == 0 => {
                begin = all.iter().position(|row| since.is_before(row)).unwrap_or(all.len());
            }
            Bug::PageLastMissing if goes_on && end > all.len() => begin = all.len(),
            Bug::PageUnlimited => end = all.len(),
            Bug::PageUnordered if goes_on => all.sort_by_key(|row| draw(&[&row.id.to_string()])),
            Bug::PagesShift if window.page.is_some() => {
                return self.shifting_page(user, place, window, limit);
            }
            Bug::PageShared => {
                let shown = self.shown.entry((user.clone(), place)).or_default();
                begin = if skip > 0 { *shown } else { begin };
                *shown = begin + limit;
            }
            _ => {}
        }
        end = if bug == Bug::PageUnlimited { end } else { begin + limit };
        let more = end < all.len();
        let (begin, end) = (begin.min(all.len()), end.min(all.len()));
        Ok(Some((all[begin..end.max(begin)].to_vec(), more)))
    }
}

impl Position {
    /// The row stands after it.
    const fn is_before(self, row: &Message) -> bool {
        match self {
            Self::At(at) => row.at > at,
            Self::Seq(seq) => row.seq > seq,
        }
    }
}

impl Message {
    const fn is_before(&self, position: Position) -> bool {
        match position {
            Position::At(at) => self.at < at,
            Position::Seq(seq) => self.seq < seq,
        }
    }
}
