//! Reading: pages from a position on, complete and in order.

use super::Core;
use crate::reference::bugs::Bug;
use crate::reference::model::*;

impl Core {
    /// Rows at or after `since`: ties with the last row seen come again rather than get lost.
    pub(super) fn read(
        &mut self,
        user: &User,
        conversation: Conversation,
        window: &Window,
    ) -> Result<Answer, Refusal> {
        let bug = match window.since {
            Some(_) => Bug::SyncUnchecked,
            None => Bug::HistoryUnchecked,
        };
        self.member_unless(bug, user, conversation)?;
        let limit = self.limit(window);
        let skip = window.page.map_or(0, |page| page.saturating_sub(1)).saturating_mul(limit);
        let syncs = self.is_sync(user, conversation, window);
        let second_page = self.goes_on_syncing(user, conversation, window);
        let since = self.start(window, syncs);
        let backwards = self.bugs.has(Bug::TieBreak);
        let mut rows = self.store.since(
            user,
            conversation,
            since,
            skip,
            limit.saturating_add(1),
            backwards,
        )?;
        let mut more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        if self.rules.shifting
            && let Some(shifting) =
                self.shifting_page(user, conversation, window, limit as usize)?
        {
            (rows, more) = shifting;
        }
        if !self.bugs.is_none()
            && let Some(bent) =
                self.bent_page(user, conversation, window, (since, limit as usize))?
        {
            (rows, more) = bent;
        }
        if syncs {
            self.cut_short(user, conversation, &mut rows, &mut more);
        }
        let first_time =
            self.bugs.has(Bug::SyncFirstEmpty) && self.opened.insert((user.clone(), conversation));
        if first_time || second_page && self.bugs.has(Bug::SyncPageLost) {
            rows.clear();
            more = false;
        }
        let goes_on = skip > 0 || window.since.is_some() && !syncs;
        if self.bugs.has(Bug::HistoryPageReversed) && goes_on && !more {
            rows.reverse();
        }
        if self.bugs.has(Bug::HistoryOrder) {
            exchange_times(&mut rows);
        }
        self.add_statuses(&mut rows)?;
        rows.iter_mut().for_each(|row| row.id = self.id_for(user, row));
        if !self.bugs.is_none() {
            self.note_page(user, conversation, &rows, more, syncs || second_page);
        }
        Ok(Answer::Rows { rows, more })
    }

    pub(super) fn limit(&self, window: &Window) -> u32 {
        let most = self.rules.page_rows;
        window.limit.unwrap_or(most).clamp(1, most)
    }

    fn start(&self, window: &Window, syncs: bool) -> Position {
        let first = if self.rules.by_seq { Position::Seq(0) } else { Position::At(0) };
        match window.since.unwrap_or(first) {
            Position::At(at) if syncs && self.bugs.has(Bug::SyncRoundsUp) => {
                Position::At((at / 1000 + 1) * 1000)
            }
            Position::At(at) if syncs && self.bugs.has(Bug::SyncExclusive) => Position::At(at + 1),
            Position::At(at) if syncs => {
                Position::At(at - self.bugs.iter().map(Bug::stamp_lag_ms).sum::<i64>())
            }
            Position::Seq(_) if syncs && self.bugs.has(Bug::NumbersRestart) => first,
            since => since,
        }
    }

    /// Whether this is a sync, as far as bugs care: it has a start, and it goes on from no page
    /// (so that a long history is read as honestly as a short one).
    fn is_sync(&self, user: &User, conversation: Conversation, window: &Window) -> bool {
        let page = || self.pages.get(&(user.clone(), conversation)).map(|(end, _)| *end);
        !self.bugs.is_none() && window.since.is_some() && window.since != page()
    }

    /// Whether this is a page after the first, by its position.
    pub(super) fn goes_on(&self, user: &User, place: Conversation, window: &Window) -> bool {
        let page = self.pages.get(&(user.clone(), place)).map(|(end, _)| *end);
        window.since.is_some() && window.since == page
    }

    /// Whether this is a later page of a sync.
    fn goes_on_syncing(&self, user: &User, place: Conversation, window: &Window) -> bool {
        let page = || self.pages.get(&(user.clone(), place));
        !self.bugs.is_none()
            && page().is_some_and(|(end, syncing)| *syncing && window.since == Some(*end))
    }

    fn cut_short(
        &mut self,
        user: &User,
        place: Conversation,
        rows: &mut Vec<Message>,
        more: &mut bool,
    ) {
        if self.bugs.has(Bug::SyncDoubles) {
            *rows = rows.drain(..).flat_map(|row| [row.clone(), row]).collect();
        }
        if self.bugs.has(Bug::SyncOnce) {
            let handed_out = self.handed_out.entry((user.clone(), place)).or_default();
            rows.retain(|row| row.at > *handed_out);
            *handed_out = rows.last().map_or(*handed_out, |last| last.at);
        }
        if self.bugs.has(Bug::SyncLastRow) {
            rows.pop();
        }
        if self.bugs.has(Bug::SyncCapped) {
            rows.truncate(5);
            *more = false;
        }
        if let Some(arrival) = self.arrivals.get(user)
            && self.bugs.has(Bug::SyncSinceConnect)
        {
            rows.retain(|row| row.at >= arrival.at);
        }
    }

    fn note_page(
        &mut self,
        user: &User,
        place: Conversation,
        rows: &[Message],
        more: bool,
        syncing: bool,
    ) {
        let end = rows.last().filter(|_| more).map(|last| match self.rules.by_seq {
            true => Position::Seq(last.seq),
            false => Position::At(last.at),
        });
        match end {
            Some(end) => self.pages.insert((user.clone(), place), (end, syncing)),
            None => self.pages.remove(&(user.clone(), place)),
        };
    }
}

/// Neighbours change places, and wear each other's time so that it shows. First and last stay,
/// so that pages still meet.
fn exchange_times(rows: &mut [Message]) {
    let [_, inner @ .., _] = rows else { return };
    for two in inner.chunks_exact_mut(2) {
        let (earlier, later) = (two[0].at, two[1].at);
        two.swap(0, 1);
        (two[0].at, two[1].at) = (earlier, later);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Chat, rules};
    use super::*;
    use crate::reference::core::Rules;

    /// The bugs that cheat on a sync and must not cheat on the pages of a history.
    const ON_SYNC: [Bug; 4] =
        [Bug::SyncRoundsUp, Bug::SyncLastRow, Bug::SyncCapped, Bug::SyncSinceConnect];

    fn filled(bugs: &[Bug], count: i64, apart_ms: i64) -> (Chat, Conversation, Vec<i64>) {
        let mut chat = Chat::new(Rules { send_rate: None, ..rules() }, bugs);
        let place = chat.create("ann", &["bob"]);
        let times = (0..count)
            .map(|key| {
                chat.now += apart_ms;
                chat.send("ann", place, "hi", &key.to_string()).unwrap().0.at
            })
            .collect();
        (chat, place, times)
    }

    fn since(at: i64) -> Window {
        Window { since: Some(Position::At(at)), ..Window::default() }
    }

    #[test]
    fn pages_put_together_are_the_whole_once() {
        let (mut chat, place, times) = filled(&[], 250, 0);
        let mut seen: Vec<i64> = Vec::new();
        loop {
            let rows = chat.read("bob", place, since(seen.pop().unwrap_or(0)));
            seen.extend(rows.iter().map(|row| row.at));
            if rows.len() < 100 {
                break;
            }
        }
        assert_eq!(seen, times);
        let page = |page| Window { page: Some(page), limit: Some(40), ..Window::default() };
        let numbered: Vec<i64> = (1..=7)
            .flat_map(|number| chat.read("bob", place, page(number)))
            .map(|row| row.at)
            .collect();
        assert_eq!(numbered, times);
    }

    #[test]
    fn the_row_at_the_start_comes_again() {
        let (mut chat, place, times) = filled(&[], 10, 7);
        let rows = chat.read("bob", place, since(times[4]));
        assert_eq!(rows.len(), 6);
        assert_eq!(rows[0].at, times[4]);
        assert_eq!(
            chat.read("bob", place, Window { limit: Some(0), ..Window::default() }).len(),
            1
        );
    }

    #[test]
    fn each_sync_bug_loses_rows_of_a_sync_and_none_of_a_history() {
        for bug in ON_SYNC {
            let (mut chat, place, times) = filled(&[bug], 150, 40);
            chat.core.arrive(&"bob".into(), times[140]);
            let synced = chat.read("bob", place, since(times[100]));
            assert!(synced.len() < 50, "{bug} left {}", synced.len());
            let mut history = chat.read("bob", place, Window::default());
            let rest = chat.read("bob", place, since(history[99].at));
            history.extend(rest.into_iter().skip(1));
            assert_eq!(history.len(), 150, "{bug} touched history");
        }
    }

    #[test]
    fn clock_bugs_disorder_and_lose_nothing() {
        for bug in [Bug::ClockSkew, Bug::ClockJitter, Bug::TieBreak] {
            let mut chat = Chat::new(rules(), &[bug]);
            let place = chat.create("ann", &["bob"]);
            let mut newest = 0;
            let mut inverted = 0;
            for key in 0..40 {
                chat.now += 120;
                let user = if key % 2 == 0 { "ann" } else { "bob" };
                let (message, _) = chat.send(user, place, "hi", &key.to_string()).unwrap();
                let synced = chat.read("ann", place, since(newest));
                assert!(synced.iter().any(|row| row.id == message.id), "{bug} lost one");
                inverted += usize::from(message.at < newest);
                newest = newest.max(message.at);
            }
            assert_eq!(inverted > 3, bug != Bug::TieBreak, "{bug}: {inverted}");
            let ids: Vec<i64> =
                chat.read("ann", place, Window::default()).iter().map(|m| m.id).collect();
            assert!(!ids.is_sorted(), "{bug}");
        }
    }

    #[test]
    fn only_the_last_of_several_pages_is_reversed() {
        let (mut chat, place, times) = filled(&[Bug::HistoryPageReversed], 150, 10);
        let first = chat.read("bob", place, Window::default());
        assert!(first.iter().map(|row| row.at).eq(times[..100].iter().copied()));
        let second = chat.read("bob", place, since(times[99]));
        assert!(second.iter().map(|row| row.at).eq(times[99..].iter().rev().copied()));
        assert!(chat.read("bob", place, since(times[120])).is_sorted_by_key(|row| row.at));
    }

    #[test]
    fn exchanged_times_keep_the_ends() {
        let (mut chat, place, times) = filled(&[Bug::HistoryOrder], 6, 10);
        let rows = chat.read("bob", place, Window::default());
        assert!(rows.iter().map(|row| row.at).eq(times.iter().copied()));
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        assert_eq!(ids, [1, 3, 2, 5, 4, 6]);
        for count in 0..4 {
            let (mut chat, place, _) = filled(&[Bug::HistoryOrder], count, 10);
            assert_eq!(chat.read("bob", place, Window::default()).len(), count as usize);
        }
    }
}
