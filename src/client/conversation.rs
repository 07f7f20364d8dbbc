//! A client's conversations: how it enters them after each connect, what it has seen in them, and
//! where their next sync begins.
//!
//! A conversation is entered by a join (where joins are explicit) and then a sync. Its cursor moves
//! with live messages only while nothing is missing before them: what is seen between a connect and
//! the end of the sync counts when the sync is complete, or not at all.

use crate::client::request::End;
use crate::client::view::View;
use crate::client::{Ask, Moment, Payload, Since};
use crate::history::{Carrier, ConversationId, Order, Seen};
use crate::operation::Operation;
use crate::spec::SyncFrom;
use compact_str::CompactString;

/// Conversations that are joined or synced at the same time.
const AT_ONCE: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Conversations {
    /// Sorted by id.
    list: Vec<Conversation>,
    /// All before this position are entered, or on their way.
    next: usize,
    /// Joins and syncs under way.
    busy: usize,
}

#[derive(Debug)]
struct Conversation {
    id: ConversationId,
    stage: Stage,
    /// Where the next sync begins: nothing is missing before it.
    since: Since,
    /// Where it will begin once the sync under way is complete.
    ahead: Since,
    view: View,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Outside,
    Joining,
    Syncing,
    Inside,
    Refused,
}

impl Conversations {
    /// Adds a conversation. Says whether it is new.
    pub(super) fn add(&mut self, id: ConversationId) -> bool {
        let Err(index) = self.find(id) else { return false };
        self.list.insert(index, Conversation::new(id));
        self.next = self.next.min(index);
        true
    }

    pub(super) fn remove(&mut self, id: ConversationId) {
        if let Ok(index) = self.find(id) {
            self.list.remove(index);
            self.next -= usize::from(index < self.next);
        }
    }

    /// The connection is gone: all have to be entered again.
    pub(super) fn leave_all(&mut self) {
        self.next = 0;
        self.busy = 0;
        for conversation in &mut self.list {
            conversation.stage = Stage::Outside;
        }
    }

    /// The next join or sync to ask for, if one may begin now.
    pub(super) fn next_step(&mut self, moment: &Moment) -> Option<Ask> {
        while self.busy < AT_ONCE {
            let conversation = self.list.get_mut(self.next)?;
            self.next += 1;
            if conversation.stage == Stage::Outside
                && let Some(ask) = conversation.proceed(moment)
            {
                self.busy += 1;
                return Some(ask);
            }
        }
        None
    }

    /// A join or sync ended. Returns the sync that follows a join.
    pub(super) fn ended(&mut self, ask: &Ask, end: End, moment: &Moment) -> Option<Ask> {
        self.busy = self.busy.saturating_sub(1);
        let index = self.find(ask.conversation?).ok()?;
        let conversation = &mut self.list[index];
        if ask.operation != conversation.awaited()? {
            return None;
        }
        let End::Ok { cursor } = end else {
            conversation.stage = Stage::Refused;
            return None;
        };
        if let Some(cursor) = cursor.filter(|_| moment.rules.sync_from == SyncFrom::Cursor) {
            conversation.ahead = Since::Cursor(cursor);
        }
        let ask = conversation.proceed(moment)?;
        self.busy += 1;
        Some(ask)
    }

    /// Every conversation is entered, or the server refused it.
    pub(super) fn all_entered(&self) -> bool {
        self.busy == 0 && self.next == self.list.len()
    }

    /// The conversation is entered.
    pub(super) fn is_inside(&self, id: ConversationId) -> bool {
        self.find(id).is_ok_and(|index| self.list[index].stage == Stage::Inside)
    }

    /// A message came before the client's eyes.
    pub(super) fn saw(&mut self, seen: &Seen, moment: &Moment) {
        let Some(Ok(index)) = seen.conversation.map(|id| self.find(id)) else { return };
        let conversation = &mut self.list[index];
        if let Some(id) = identity(seen) {
            conversation.view.merge(&id, seen.order, moment.rules.view);
        }
        if !matches!(seen.by, Carrier::History(_)) && moment.rules.sync_from == SyncFrom::NewestSeen
        {
            conversation.advance(seen.order);
        }
    }

    /// The client's own message was stored; that says nothing of what others sent before it.
    pub(super) fn stored(
        &mut self,
        conversation: ConversationId,
        id: &CompactString,
        order: Option<Order>,
        moment: &Moment,
    ) {
        if let Ok(index) = self.find(conversation) {
            self.list[index].view.merge(id, order, moment.rules.view);
        }
    }

    pub(super) fn view(&self, id: ConversationId) -> Option<&View> {
        self.find(id).ok().map(|index| &self.list[index].view)
    }

    fn find(&self, id: ConversationId) -> Result<usize, usize> {
        self.list.binary_search_by_key(&id, |conversation| conversation.id)
    }
}

impl Conversation {
    const fn new(id: ConversationId) -> Self {
        Self {
            id,
            stage: Stage::Outside,
            since: Since::Start,
            ahead: Since::Start,
            view: View::new(),
        }
    }

    /// Goes one stage on; returns what has to be asked for it.
    fn proceed(&mut self, moment: &Moment) -> Option<Ask> {
        if self.stage == Stage::Outside {
            self.stage = Stage::Joining;
            if moment.rules.joins {
                return Some(Ask::of(Operation::Join, Some(self.id)));
            }
        }
        if self.stage == Stage::Joining {
            self.stage = Stage::Syncing;
            if moment.rules.can(Operation::Sync) {
                return Some(self.sync(moment));
            }
        }
        self.stage = Stage::Inside;
        self.since = self.ahead.clone();
        None
    }

    fn sync(&mut self, moment: &Moment) -> Ask {
        if moment.rules.sync_from == SyncFrom::ClientClock {
            // The moment of asking: what is stored while the answer is made is not skipped.
            self.ahead = Since::Clock(moment.now);
        }
        let payload = Payload::Since(self.since.clone());
        Ask { payload, ..Ask::of(Operation::Sync, Some(self.id)) }
    }

    /// The operation whose end it waits for.
    const fn awaited(&self) -> Option<Operation> {
        match self.stage {
            Stage::Joining => Some(Operation::Join),
            Stage::Syncing => Some(Operation::Sync),
            Stage::Outside | Stage::Inside | Stage::Refused => None,
        }
    }

    fn advance(&mut self, order: Option<Order>) {
        if let Some(position) = order.map(Since::Position).filter(|new| *new > self.ahead) {
            if self.stage == Stage::Inside {
                self.since = position.clone();
            }
            self.ahead = position;
        }
    }
}

/// What tells a message from others: the server's id, or else its witness.
fn identity(seen: &Seen) -> Option<CompactString> {
    use compact_str::ToCompactString;
    seen.id.clone().or_else(|| seen.token.map(|token| token.to_compact_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Effects, Rules};
    use crate::history::{Damage, OpId};
    use crate::spec::{Contract, Join};

    const HERE: ConversationId = ConversationId(4);
    const DONE: End = End::Ok { cursor: None };

    fn seen(by: Carrier, order: Order) -> Seen {
        Seen {
            by,
            conversation: Some(HERE),
            token: None,
            key: None,
            id: Some(order.to_string().into()),
            order: Some(order),
            sender: None,
            text: Damage::Intact,
        }
    }

    /// A client in one conversation, at a time that is 7.
    fn with(from: SyncFrom, act: impl FnOnce(&mut Conversations, &Moment)) -> Since {
        let contract = Contract { sync_from: from, ..Contract::default() };
        let rules = Rules::new(&contract, Join::Explicit, |_| true, |_| true);
        let mut effects = Effects::new();
        let moment = Moment { now: 7, rules: &rules, withheld_until: 0, effects: &mut effects };
        let mut conversations = Conversations::default();
        conversations.add(HERE);
        act(&mut conversations, &moment);
        conversations.list[0].since.clone()
    }

    fn enter(conversations: &mut Conversations, end: End, moment: &Moment) {
        let join = conversations.next_step(moment).unwrap();
        let sync = conversations.ended(&join, DONE, moment).unwrap();
        assert_eq!(conversations.ended(&sync, end, moment), None);
    }

    #[test]
    fn the_cursor_follows_live_messages_once_the_sync_is_complete() {
        let since = with(SyncFrom::NewestSeen, |here, moment| {
            enter(here, DONE, moment);
            here.saw(&seen(Carrier::Live, 12), moment);
            here.saw(&seen(Carrier::Live, 11), moment);
        });
        assert_eq!(since, Since::Position(12));
    }

    #[test]
    fn the_cursor_stays_before_what_an_incomplete_sync_may_bring() {
        let since = with(SyncFrom::NewestSeen, |here, moment| {
            let join = here.next_step(moment).unwrap();
            here.ended(&join, DONE, moment).unwrap();
            here.saw(&seen(Carrier::Live, 12), moment);
            here.saw(&seen(Carrier::Sync(OpId(1)), 3), moment);
            here.leave_all();
        });
        assert_eq!(since, Since::Start);
    }

    #[test]
    fn neither_history_nor_an_own_message_moves_the_cursor() {
        let since = with(SyncFrom::NewestSeen, |here, moment| {
            enter(here, DONE, moment);
            here.saw(&seen(Carrier::History(OpId(1)), 12), moment);
            here.stored(HERE, &"13".into(), Some(13), moment);
            assert_eq!(here.view(HERE).unwrap().rows().len(), 2);
        });
        assert_eq!(since, Since::Start);
    }

    #[test]
    fn a_clock_is_read_when_the_sync_is_asked_and_a_cursor_comes_with_its_answer() {
        let clock = with(SyncFrom::ClientClock, |here, moment| enter(here, DONE, moment));
        assert_eq!(clock, Since::Clock(7));
        let end = End::Ok { cursor: Some("abc".into()) };
        let cursor = with(SyncFrom::Cursor, |here, moment| enter(here, end, moment));
        assert_eq!(cursor, Since::Cursor("abc".into()));
        assert_eq!(with(SyncFrom::Start, |here, moment| enter(here, DONE, moment)), Since::Start);
    }

    #[test]
    fn a_refused_sync_leaves_the_conversation_out() {
        with(SyncFrom::NewestSeen, |here, moment| {
            enter(here, End::Refused, moment);
            assert!(here.all_entered() && !here.is_inside(HERE));
        });
    }

    #[test]
    fn an_answer_from_before_a_leave_does_not_end_the_new_sync() {
        with(SyncFrom::NewestSeen, |here, moment| {
            let old = here.next_step(moment).unwrap();
            here.remove(HERE);
            here.add(HERE);
            let new = here.next_step(moment).unwrap();
            assert!(here.ended(&new, DONE, moment).is_some());
            assert_eq!(here.ended(&old, DONE, moment), None);
            assert!(!here.is_inside(HERE) && !here.all_entered());
        });
    }

    #[test]
    fn only_a_few_are_entered_at_once() {
        with(SyncFrom::NewestSeen, |here, moment| {
            (10..30).for_each(|id| assert!(here.add(ConversationId(id))));
            let begun = std::iter::from_fn(|| here.next_step(moment)).count();
            assert_eq!(begun, AT_ONCE);
        });
    }
}
