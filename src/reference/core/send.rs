//! Sending: validate, tell repetitions from messages, stamp, store.

use super::Core;
use crate::reference::bugs::{Bug, draw};
use crate::reference::model::*;
use crate::spec::{DedupBy, RepeatAnswer, Scope};

/// Attempts closer together are concurrent. After this long a key is forgotten by `dedup-ttl`.
const MOMENT_MS: i64 = 500;
/// Some bugs strike once in so many messages.
const SELDOM: u64 = 8;
/// Two messages this close together may get one number by `number-twice`.
const COUNTING_MS: i64 = 20;
/// `drop-burst` keeps so many messages of one person in so many milliseconds.
const BURST: (usize, i64) = (5, 200);
/// `drop-queued` drops what comes so soon after a reconnect.
const SETTLING_MS: i64 = 1000;

impl Core {
    pub(super) fn send(
        &mut self,
        caller: &Caller,
        send: &Sending,
        now: i64,
        events: &mut Vec<Event>,
    ) -> Result<Answer, Refusal> {
        let conversation = self.place(caller, &send.place, events)?;
        self.check_place(caller, conversation)?;
        let key = send.key.as_deref().unwrap_or_default();
        let mut scope = self.scope(caller, conversation, key, &send.text);
        if let Some(first) = self.first(scope.as_deref(), now)? {
            match send.guard {
                _ if self.bugs.has(Bug::DedupGlobalRefuses) && first.sender != caller.user => {
                    return Err(unique_index());
                }
                Guard::Atomic | Guard::Noted => {
                    self.mistreat(&first, &send.text, now, events)?;
                    return self.repeated(caller, first, key);
                }
                Guard::Blind => scope = None,
                Guard::Index => return Err(unique_index()),
            }
        }
        self.check_key(scope.as_deref(), &send.text)?;
        let refused =
            self.check_text(&send.text).and_then(|()| self.check_rate(caller, conversation));
        if let Err(refusal) = &refused
            && !self.stores_refused(&send.text, refusal)
        {
            return Err(refusal.clone());
        }
        let mut message = Message {
            id: self.last_message + 1,
            conversation,
            seq: 0,
            at: 0,
            sender: caller.user.clone(),
            text: self.sanitised(&send.text),
            key: send.key.clone(),
            status: None,
        };
        let who = [caller.user.as_str(), key];
        if self.bugs.strikes(Bug::AckSilentError, 5, &who) && self.failed.insert(key.into()) {
            return Err(out_of_order());
        }
        let untrue = self.bugs.strikes(Bug::AckBeforeStore, SELDOM, &who)
            || self.drops(caller, &send.text)
            || send.guard == Guard::Noted && self.noted_in_vain(caller, scope.as_deref(), now);
        if untrue {
            message.id = unstored_id(&who);
            return Ok(Answer::Message { message, repeated: false });
        }
        if self.bugs.has(Bug::DedupByContent)
            && let Some(message) = self.store.by_text(&message)?
        {
            return Ok(Answer::Message { message, repeated: true });
        }
        self.damage(&mut message.text);
        self.stamp(&mut message, now);
        self.stamp_by_channel(caller, &mut message);
        self.stamp_on_node(&mut message, caller.node);
        self.store.add_message(&message, scope.as_deref())?;
        if self.bugs.has(Bug::UnsavedOnNode) {
            self.fresh.push((caller.node, message.id, now));
        }
        self.last_message = message.id;
        self.badges_change(conversation);
        if self.bugs.strikes(Bug::Phantom, SELDOM, &who) {
            self.add_phantom(&message, now)?;
        }
        refused?;
        if self.bugs.strikes(Bug::RefusedStored, SELDOM, &who) {
            return Err(out_of_order());
        }
        if self.tells(caller, &message) {
            events.push(Event::Message(message.clone()));
        }
        message.id = self.answered_id(caller, message.id);
        Ok(Answer::Message { message, repeated: false })
    }

    /// Whether a key was stored already; the second half of a race comes later.
    pub(super) fn look(&mut self, caller: &Caller, send: &Sending) -> Result<Answer, Refusal> {
        let Place::Conversation(conversation) = send.place else {
            return Ok(Answer::Done);
        };
        self.member(&caller.user, conversation)?;
        let key = send.key.as_deref().unwrap_or_default();
        let scope = self.scope(caller, conversation, key, &send.text);
        match self.first(scope.as_deref(), caller.arrived)? {
            Some(first) => self.repeated(caller, first, key),
            None => {
                if let Some(scope) = scope.filter(|_| self.bugs.has(Bug::KeyBeforeStore)) {
                    self.noted.entry(scope).or_insert((caller.connection, caller.arrived));
                }
                Ok(Answer::Done)
            }
        }
    }

    /// Another connection noted the key a while ago, and never came to store its message.
    fn noted_in_vain(&self, caller: &Caller, scope: Option<&str>, now: i64) -> bool {
        let noted = scope.and_then(|scope| self.noted.get(scope));
        noted.is_some_and(|(connection, at)| {
            *connection != caller.connection && at + MOMENT_MS < now
        })
    }

    fn place(
        &mut self,
        caller: &Caller,
        place: &Place,
        events: &mut Vec<Event>,
    ) -> Result<Conversation, Refusal> {
        match place {
            Place::Conversation(id) => Ok(*id),
            Place::Peer(peer) => {
                match self.create(
                    &caller.user,
                    std::slice::from_ref(peer),
                    Guard::Atomic,
                    events,
                )? {
                    Answer::Conversation { id, .. } => Ok(id),
                    _ => Err(Refusal::malformed("there is no such person")),
                }
            }
        }
    }

    /// Under what a message is unique; `None` where keys do not count.
    fn scope(
        &self,
        caller: &Caller,
        conversation: Conversation,
        key: &str,
        text: &str,
    ) -> Option<String> {
        let dedup = self.rules.dedup.as_ref()?;
        if dedup.by == DedupBy::Content {
            return Some(format!("text {} {conversation} {text}", caller.user));
        }
        if key.is_empty() || self.bugs.has(Bug::DedupOff) {
            return None;
        }
        let mut scope = match dedup.scope {
            _ if self.bugs.has(Bug::DedupGlobal) || self.bugs.has(Bug::DedupGlobalRefuses) => {
                format!("all {key}")
            }
            Scope::Person if self.bugs.has(Bug::DedupByRoom) => {
                format!("person {} {conversation} {key}", caller.user)
            }
            Scope::Person => format!("person {} {key}", caller.user),
            Scope::Conversation => format!("conversation {conversation} {key}"),
            Scope::Device => format!("device {} {conversation} {key}", caller.device),
            Scope::Everybody => format!("all {key}"),
        };
        scope += self.keyring(caller);
        if self.bugs.has(Bug::DedupPerNode) {
            scope += &format!(" on {}", caller.node);
        }
        if self.bugs.has(Bug::DedupPerConnection) {
            scope += &format!(" {:?}", caller.connection);
        }
        Some(scope)
    }

    /// The message that was stored under this scope before.
    fn first(&mut self, scope: Option<&str>, now: i64) -> Result<Option<Message>, Refusal> {
        let Some(scope) = scope else {
            return Ok(None);
        };
        let first = self.store.by_scope(scope)?;
        let window = self.rules.dedup.as_ref().and_then(|dedup| dedup.window);
        let window = match window.map(|window| window.as_millis() as i64) {
            _ if self.bugs.has(Bug::DedupTtl) => Some(MOMENT_MS),
            window => window,
        };
        if let (Some(first), Some(window)) = (&first, window)
            && first.at + window < now
        {
            self.store.forget_scope(scope)?;
            return Ok(None);
        }
        Ok(first)
    }

    /// What some bugs do to a message that is sent again.
    fn mistreat(
        &mut self,
        first: &Message,
        text: &str,
        now: i64,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if self.bugs.has(Bug::DedupOverwrites) {
            self.store.rewrite(first.id, &self.sanitised(text))?;
        }
        // Attempts at the same time share the fate of what was refused and stored all the same. A
        // later one is acked and so pushed: an ack of what nobody got would be another bug.
        let who = [first.sender.as_str(), first.key.as_deref().unwrap_or_default()];
        let refused = self.bugs.strikes(Bug::RefusedStored, SELDOM, &who);
        if refused && now < first.at + MOMENT_MS {
            return Err(out_of_order());
        }
        if refused || self.bugs.has(Bug::DedupPushedAgain) {
            events.push(Event::Message(first.clone()));
        }
        if self.bugs.has(Bug::NumberGap)
            && let Some(outline) = self.conversations.get_mut(&first.conversation)
        {
            outline.last_seq += 1;
        }
        Ok(())
    }

    fn repeated(&self, caller: &Caller, first: Message, key: &str) -> Result<Answer, Refusal> {
        let answer = self.rules.dedup.as_ref().map(|dedup| &dedup.answer);
        if self.bugs.has(Bug::DedupError) {
            return Err(unique_index());
        }
        if answer == Some(&RepeatAnswer::Reject) {
            let text = "this message was sent before";
            return Err(Refusal::new(RefusalKind::Repeated, text));
        }
        let mut message = first;
        if self.bugs.has(Bug::DedupFreshId) {
            let arrived = caller.arrived.to_string();
            message.id = unstored_id(&[&caller.user, key, &arrived]);
        }
        Ok(Answer::Message { message, repeated: true })
    }

    /// A key that a refused text used up; only for `dedup-burns-key`.
    fn check_key(&mut self, scope: Option<&str>, text: &str) -> Result<(), Refusal> {
        let Some(scope) = scope.filter(|_| self.bugs.has(Bug::DedupBurnsKey)) else {
            return Ok(());
        };
        if self.burnt.contains(scope) {
            return Err(unique_index());
        }
        if self.check_text(text).is_err() {
            self.burnt.insert(scope.to_owned());
        }
        Ok(())
    }

    /// Whether a refused message is stored all the same, by a bug.
    fn stores_refused(&self, text: &str, refusal: &Refusal) -> bool {
        match refusal.kind {
            RefusalKind::TooMany => self.bugs.has(Bug::RateStores),
            _ => self.bugs.has(Bug::BlankStored) && text.trim().is_empty(),
        }
    }

    fn check_place(&self, caller: &Caller, conversation: Conversation) -> Result<(), Refusal> {
        if self.bugs.has(Bug::UnknownRoomSilent) && !self.conversations.contains_key(&conversation)
        {
            return Err(Refusal::new(RefusalKind::NotFound, "there is no such conversation"));
        }
        let outline = self.member_unless(self.unchecked(caller), &caller.user, conversation)?;
        if outline.audience.is_some() && outline.members.binary_search(&caller.user).is_err() {
            let text = "only the one who made a broadcast writes in it";
            return Err(Refusal::new(RefusalKind::Forbidden, text));
        }
        Ok(())
    }

    /// Gives the message its place: after everything in the conversation, in number and in time.
    pub(super) fn stamp(&mut self, message: &mut Message, now: i64) {
        let Some(outline) = self.conversations.get_mut(&message.conversation) else {
            return;
        };
        let counting = self.bugs.has(Bug::NumberTwice)
            && now < outline.last_at + COUNTING_MS
            && message.id % 2 == 0;
        outline.last_seq += i64::from(!counting);
        outline.last_at = now.max(outline.last_at + 1);
        message.seq = outline.last_seq;
        message.at = outline.last_at;
        if self.bugs.has(Bug::ClockSkew) {
            let node = outline.members.binary_search(&message.sender).unwrap_or(0) % 2;
            message.at -= Bug::ClockSkew.stamp_lag_ms() * node as i64;
        }
        if self.bugs.has(Bug::ClockJitter) {
            let lag = draw(&[&message.id.to_string()]) as i64;
            message.at -= lag.rem_euclid(Bug::ClockJitter.stamp_lag_ms());
        }
        if self.bugs.has(Bug::TieBreak) {
            message.at -= message.at % 500;
        }
        if self.bugs.has(Bug::SyncExclusive) || self.bugs.has(Bug::PageExclusive) {
            message.at -= message.at % 250;
        }
    }

    /// What nodes that do not agree make of a place in the order.
    fn stamp_on_node(&mut self, message: &mut Message, node: Node) {
        if self.bugs.has(Bug::StampsPerNode) {
            message.at -= Bug::StampsPerNode.stamp_lag_ms() * node as i64;
        }
        if self.bugs.has(Bug::NumbersPerNode) {
            let number = self.numbers.entry((node, message.conversation)).or_default();
            *number += 1;
            message.seq = *number;
        }
    }

    fn drops(&self, caller: &Caller, text: &str) -> bool {
        let long = || text.chars().nth(500).is_some();
        let burst = || {
            let since = caller.arrived - BURST.1;
            self.rates.arrivals(&caller.user).filter(|at| *at > since).count() > BURST.0
        };
        let settling = || {
            let arrival = self.arrivals.get(&caller.user);
            arrival.is_some_and(|one| one.again && caller.arrived < one.at + SETTLING_MS)
        };
        self.bugs.has(Bug::DropLong) && long()
            || self.bugs.has(Bug::DropBurst) && burst()
            || self.bugs.has(Bug::DropQueued) && settling()
    }

    fn add_phantom(&mut self, beside: &Message, now: i64) -> Result<(), Refusal> {
        let mut phantom = Message {
            id: self.last_message + 1,
            text: format!("nobody said this, and yet it is number {}", beside.seq + 1),
            key: None,
            ..beside.clone()
        };
        self.stamp(&mut phantom, now);
        self.store.add_message(&phantom, None)?;
        self.last_message = phantom.id;
        Ok(())
    }
}

pub(super) fn unique_index() -> Refusal {
    let text = "a message with this key exists already";
    Refusal::new(RefusalKind::Repeated, text)
}

fn out_of_order() -> Refusal {
    Refusal::new(RefusalKind::Internal, "the server is out of order")
}

/// An id that no stored message has, the same for the same parts.
fn unstored_id(parts: &[&str]) -> i64 {
    (1 << 40) + (draw(parts) >> 25) as i64
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::super::tests::{Chat, rules};
    use super::*;
    use crate::reference::bugs::Bugs;

    #[test]
    fn order_strictly_increases_even_within_a_millisecond() {
        let mut chat = Chat::new(Rules { send_rate: None, ..rules() }, &[]);
        let place = chat.create("ann", &["bob"]);
        let mut last = (0, 0);
        for number in 0..500 {
            chat.now -= 1; // the clock stands still, and once steps back
            chat.now -= if number == 250 { 5000 } else { 0 };
            let user = if number % 2 == 0 { "ann" } else { "bob" };
            let (message, _) = chat.send(user, place, "hi", &number.to_string()).unwrap();
            assert!(message.at > last.0 && message.seq == last.1 + 1);
            last = (message.at, message.seq);
        }
    }

    #[test]
    fn a_repetition_names_the_first_and_is_told_to_nobody() {
        let mut chat = Chat::new(rules(), &[]);
        let place = chat.create("ann", &["bob"]);
        chat.events.clear();
        let (first, repeated) = chat.send("ann", place, "hi", "k").unwrap();
        assert!(!repeated);
        let (again, repeated) = chat.send("ann", place, "another text", "k").unwrap();
        assert_eq!((again, repeated), (first.clone(), true));
        let (other, repeated) = chat.send("bob", place, "hi", "k").unwrap();
        assert!(!repeated && other.id != first.id, "a key is its person's");
        assert_eq!(chat.events.len(), 2);
    }

    #[test]
    fn the_scope_is_what_the_spec_says() {
        for (scope, own) in [
            (Scope::Person, [true, false]),
            (Scope::Conversation, [false, true]),
            (Scope::Device, [false, false]),
            (Scope::Everybody, [true, true]),
        ] {
            let mut rules = rules();
            rules.dedup.as_mut().unwrap().scope = scope;
            let mut chat = Chat::new(rules, &[]);
            let here = chat.create("ann", &["bob"]);
            let there = chat.create("ann", &["cat"]);
            chat.send("ann", here, "hi", "k").unwrap();
            let elsewhere = chat.send("ann", there, "hi", "k").unwrap().1;
            let other = chat.send("bob", here, "hi", "k").unwrap().1;
            assert_eq!([elsewhere, other], own, "{scope:?}");
        }
    }

    #[test]
    fn each_dedup_bug_breaks_the_key_in_its_own_way() {
        let twice = |bug, wait| {
            let mut chat = Chat::new(rules(), &[bug]);
            let place = chat.create("ann", &["bob"]);
            let first = chat.send("ann", place, "hi", "k").unwrap().0.id;
            chat.now += wait;
            let again = chat.send("ann", place, "hi", "k").map(|(m, _)| m.id == first);
            let rows = chat.read("ann", place, Window::default()).len();
            (again.ok(), rows)
        };
        assert_eq!(twice(Bug::DedupOff, 0), (Some(false), 2));
        assert_eq!(twice(Bug::DedupTtl, 0), (Some(true), 1));
        assert_eq!(twice(Bug::DedupTtl, 600), (Some(false), 2));
        assert_eq!(twice(Bug::DedupError, 0), (None, 1));
        assert_eq!(twice(Bug::DedupFreshId, 0), (Some(false), 1));
        assert_eq!(twice(Bug::DedupPerConnection, 0), (Some(true), 1));
        assert_eq!(twice(Bug::DedupByContent, 0), (Some(true), 1));
        assert_eq!(twice(Bug::ClockSkew, 0), (Some(true), 1), "not a dedup bug");
    }

    #[test]
    fn a_key_is_overwritten_burnt_pushed_again_or_bound_to_its_room() {
        let mut chat = Chat::new(rules(), &[Bug::DedupOverwrites]);
        let place = chat.create("ann", &["bob"]);
        chat.send("ann", place, "hi", "k").unwrap();
        assert!(chat.send("ann", place, "ho", "k").unwrap().1);
        assert_eq!(chat.read("bob", place, Window::default())[0].text, "ho");

        let mut chat = Chat::new(rules(), &[Bug::DedupBurnsKey]);
        let place = chat.create("ann", &["bob"]);
        chat.send("ann", place, "", "k").unwrap_err();
        assert_eq!(chat.send("ann", place, "hi", "k").unwrap_err().kind, RefusalKind::Repeated);
        assert!(chat.send("ann", place, "hi", "l").is_ok());

        let mut chat = Chat::new(rules(), &[Bug::DedupPushedAgain]);
        let place = chat.create("ann", &["bob"]);
        chat.events.clear();
        chat.send("ann", place, "hi", "k").unwrap();
        chat.send("ann", place, "hi", "k").unwrap();
        assert_eq!(chat.events.len(), 2);

        let mut chat = Chat::new(rules(), &[Bug::DedupByRoom]);
        let (here, there) = (chat.create("ann", &["bob"]), chat.create("ann", &["cat"]));
        chat.send("ann", here, "hi", "k").unwrap();
        assert!(!chat.send("ann", there, "hi", "k").unwrap().1);
        assert!(chat.send("ann", here, "hi", "k").unwrap().1);
    }

    #[test]
    fn numbers_skip_repeat_or_begin_anew() {
        let numbers = |bug, restart: bool| {
            let mut chat = Chat::new(Rules { send_rate: None, ..rules() }, &[bug]);
            let place = chat.create("ann", &["bob"]);
            let mut seqs = Vec::new();
            for key in ["1", "2", "2", "3", "4"] {
                if restart && key == "4" {
                    chat.core.restart(chat.now).unwrap();
                }
                let (message, repeated) = chat.send("ann", place, "hi", key).unwrap();
                seqs.extend((!repeated).then_some(message.seq));
            }
            seqs
        };
        assert_eq!(numbers(Bug::NumberGap, false), [1, 2, 4, 5]);
        assert_eq!(numbers(Bug::NumberTwice, false), [1, 1, 2, 2]);
        assert_eq!(numbers(Bug::NumbersRestart, true), [1, 2, 3, 1]);
        assert_eq!(numbers(Bug::DedupOverwrites, true), [1, 2, 3, 4], "not a bug of numbers");
    }

    #[test]
    fn what_comes_in_a_burst_or_after_a_reconnect_is_dropped() {
        let rows = |chat: &mut Chat, place| chat.read("bob", place, Window::default()).len();
        let mut chat = Chat::new(rules(), &[Bug::DropBurst]);
        let place = chat.create("ann", &["bob"]);
        for key in 0..9 {
            assert!(chat.send("ann", place, "hi", &key.to_string()).is_ok());
        }
        assert_eq!(rows(&mut chat, place), 5);

        let mut chat = Chat::new(rules(), &[Bug::DropQueued]);
        let place = chat.create("ann", &["bob"]);
        for key in ["first time here", "back", "back for a while"] {
            chat.now += if key == "back for a while" { SETTLING_MS } else { 0 };
            if key != "back for a while" {
                chat.core.arrive(&"ann".into(), chat.now);
            }
            assert!(chat.send("ann", place, "hi", key).is_ok());
        }
        assert_eq!(rows(&mut chat, place), 2);
    }

    #[test]
    fn a_key_that_another_connection_noted_is_acked_and_not_stored() {
        let mut chat = Chat::new(rules(), &[Bug::KeyBeforeStore]);
        let place = chat.create("ann", &["bob"]);
        let mut ask = |connection, now, command| {
            let connection = Some(connection);
            let (user, device, chapter) = ("ann".into(), "phone".into(), None);
            let caller = Caller { user, chapter, connection, node: 0, device, arrived: now };
            chat.core.apply(&caller, command, now, &mut Vec::new())
        };
        let send = Sending {
            place: Place::Conversation(place),
            text: "hi".into(),
            key: Some("k".into()),
            guard: Guard::Noted,
        };
        for connection in [1, 2] {
            assert_eq!(ask(connection, 0, Command::Look(send.clone())), Ok(Answer::Done));
        }
        let mut id = |connection, now, key: &str| {
            let send = Sending { key: Some(key.into()), ..send.clone() };
            match ask(connection, now, Command::Send(send)) {
                Ok(Answer::Message { message, .. }) => message.id,
                other => panic!("{other:?}"),
            }
        };
        assert!(id(2, 1_000, "k") > 1 << 40, "the other one is thought to store it");
        assert_eq!([id(1, 1_000, "k"), id(2, 1_000, "k")], [1, 1], "and so it may");
        assert_eq!(id(2, 1_000, "l"), 2);
    }

    #[test]
    fn each_storing_bug_keeps_the_ack_and_harms_the_message() {
        let stored = |bug, text: &str| {
            let mut chat = Chat::new(Rules { send_rate: None, ..rules() }, &[bug]);
            let place = chat.create("ann", &["bob"]);
            let acked = (0..100)
                .filter(|key| chat.send("ann", place, text, &key.to_string()).is_ok())
                .count();
            let rows = chat.read("bob", place, Window { limit: Some(200), ..Window::default() });
            let whole = rows.iter().filter(|row| row.text == text).count();
            (acked, whole)
        };
        let (acked, whole) = stored(Bug::AckBeforeStore, "hi");
        assert!(acked == 100 && (85..100).contains(&whole), "{whole}");
        let (acked, whole) = stored(Bug::RefusedStored, "hi");
        assert!((85..100).contains(&acked) && whole == 100, "{acked}");
        assert_eq!(stored(Bug::DropLong, &"x".repeat(501)), (100, 0));
        assert_eq!(stored(Bug::DropLong, &"x".repeat(500)), (100, 100));
        assert_eq!(stored(Bug::Truncate, &"é".repeat(101)), (100, 0));
        assert_eq!(stored(Bug::CharsetNarrow, "tea \u{1f375}"), (100, 0));
        assert_eq!(stored(Bug::CharsetNarrow, "naïve"), (100, 100));
        assert_eq!(stored(Bug::Charset, "naïve"), (100, 0));
        assert_eq!(stored(Bug::Charset, "naive"), (100, 100));
    }

    #[test]
    fn what_fails_once_and_silently_is_stored_by_the_retry() {
        let mut chat = Chat::new(Rules { send_rate: None, ..rules() }, &[Bug::AckSilentError]);
        let place = chat.create("ann", &["bob"]);
        let keys: Vec<String> = (0..200).map(|key| key.to_string()).collect();
        let failed = keys.iter().filter(|key| chat.send("ann", place, "hi", key).is_err());
        assert!((20..70).contains(&failed.count()));
        assert!(keys.iter().all(|key| chat.send("ann", place, "hi", key).is_ok()));
        let all = Window { limit: Some(300), page: Some(2), ..Window::default() };
        assert_eq!(chat.read("bob", place, all).len(), 100, "of 200, the second page");
    }

    #[test]
    fn both_halves_of_a_race_find_nothing() {
        for (bug, guard) in [(Bug::DedupRace, Guard::Blind), (Bug::DedupRaceError, Guard::Index)] {
            let mut chat = Chat::new(rules(), &[bug]);
            let place = chat.create("ann", &["bob"]);
            let send = Sending {
                place: Place::Conversation(place),
                text: "hi".into(),
                key: Some("k".into()),
                guard,
            };
            for _ in 0..2 {
                let look = chat.ask("ann", Command::Look(send.clone()));
                assert_eq!(look, Ok(Answer::Done));
            }
            assert!(chat.ask("ann", Command::Send(send.clone())).is_ok());
            let second = chat.ask("ann", Command::Send(send));
            assert_eq!(second.is_ok(), guard == Guard::Blind);
        }
        assert_eq!(Bugs::NONE.iter().count(), 0);
    }
}
