//! Searching: what the person can read and has not hidden, newest first, page by page.

use super::Core;
use crate::reference::bugs::Bug;
use crate::reference::model::*;
use crate::reference::store::Lookup;

/// How far the index of `search-stale` is behind.
const BEHIND_MS: i64 = 2_000;

impl Core {
    pub(super) fn search(
        &self,
        user: &User,
        query: &str,
        window: &Window,
        now: i64,
    ) -> Result<Answer, Refusal> {
        let limit = self.limit(window) as usize;
        let skip = window.page.map_or(0, |page| page.saturating_sub(1) as usize) * limit;
        let everywhere = self.bugs.has(Bug::SearchLeak);
        let hidden = self.bugs.has(Bug::SearchFindsHidden);
        let pattern = self.bugs.has(Bug::SearchWildcards);
        let lookup = |text| Lookup { user, text, pattern, everywhere, hidden };
        let mut rows = self.store.search(&lookup(query))?;
        if !self.bugs.is_none() {
            rows.retain(|row| !self.overlooks(user, row, now));
            if rows.is_empty() && self.bugs.has(Bug::SearchAnything) {
                rows = self.store.search(&lookup(""))?;
            }
            if skip > 0 && self.bugs.has(Bug::SearchPageLost) {
                rows.clear();
            }
        }
        let more = rows.len() > skip + limit;
        let rows = rows.into_iter().skip(skip).take(limit).collect();
        Ok(Answer::Rows { rows, more })
    }

    /// A server with such a bug does not find the message.
    fn overlooks(&self, user: &User, row: &Message, now: i64) -> bool {
        self.bugs.has(Bug::SearchMisses) && row.sender != *user
            || self.bugs.has(Bug::SearchStale) && row.at + BEHIND_MS > now
            || self.bugs.has(Bug::SearchForgotten) && row.id <= self.unindexed
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chat, rules};
    use super::*;

    fn found(chat: &mut Chat, user: &str, query: &str, window: Window) -> Vec<i64> {
        match chat.ask(user, Command::Search { query: query.into(), window }) {
            Ok(Answer::Rows { rows, .. }) => rows.iter().map(|row| row.id).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Ann and Bob talk, Eve listens at the door; Bob has hidden the second of three messages.
    fn chat(bugs: &[Bug]) -> Chat {
        let mut chat = Chat::new(rules(), bugs);
        let place = chat.create("ann", &["bob"]);
        for key in ["a", "b", "c"] {
            chat.send("ann", place, &format!("needle {key}"), key).unwrap();
        }
        chat.ask("bob", Command::Hide { message: 2 }).unwrap();
        chat
    }

    #[test]
    fn what_was_stored_is_found_by_who_may_read_it() {
        let mut chat = chat(&[]);
        assert_eq!(found(&mut chat, "ann", "needle", Window::default()), [3, 2, 1]);
        assert_eq!(found(&mut chat, "bob", "needle", Window::default()), [3, 1]);
        assert_eq!(found(&mut chat, "eve", "needle", Window::default()), [0_i64; 0]);
        let page = |page| Window { page: Some(page), limit: Some(2), since: None };
        assert_eq!(found(&mut chat, "ann", "needle", page(1)), [3, 2]);
        assert_eq!(found(&mut chat, "ann", "needle", page(2)), [1]);
    }

    #[test]
    fn each_bug_finds_too_much_or_too_little() {
        let all =
            |bug, user: &str, query: &str| found(&mut chat(&[bug]), user, query, Window::default());
        assert_eq!(all(Bug::SearchLeak, "eve", "needle").len(), 3);
        assert_eq!(all(Bug::SearchMisses, "bob", "needle").len(), 0);
        assert_eq!(all(Bug::SearchStale, "ann", "needle").len(), 0);
        assert_eq!(all(Bug::SearchFindsHidden, "bob", "needle").len(), 3);
        assert_eq!(all(Bug::SearchAnything, "ann", "haystack").len(), 3);
        assert_eq!(all(Bug::SearchWildcards, "ann", "ne_d%").len(), 3);
        assert_eq!(all(Bug::SearchMisses, "ann", "ne_d%").len(), 0);
        let mut forgetful = chat(&[Bug::SearchForgotten]);
        forgetful.core.restart(0).unwrap();
        assert!(found(&mut forgetful, "ann", "needle", Window::default()).is_empty());
    }
}
