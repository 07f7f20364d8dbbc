//! The chat itself: who is where, who may what, one order per conversation.
//!
//! [`Core::apply`] does one command at a time, so lookup and insert are one step and the order
//! of storing is the order. It knows no socket, no wire and no clock: times are arguments. `send`
//! and `read` hold the two operations that most promises are about, `create` who is in what, and
//! `receipt` who has read it.

mod announce;
mod broadcast;
mod contacts;
mod create;
mod outage;
mod pages;
mod rate;
mod read;
mod receipt;
mod search;
mod send;
mod text;
mod unread;

use crate::operation::Operation;
use crate::reference::bugs::{Bug, Bugs};
use crate::reference::intake::careless;
use crate::reference::model::*;
use crate::reference::store::{Outline, Store};
use crate::spec::{Create, Dedup, Hole, PageEdges, Sanitise, Spec};
pub(crate) use broadcast::copy;
use broadcast::original;
use compact_str::CompactString;
use rate::Rates;
use rustc_hash::{FxHashMap, FxHashSet};
use std::path::Path;
use std::time::Duration;
use unread::Badges;

/// Messages that somebody who comes back is told at most.
const MISSED: u32 = 4_096;

/// What a spec says of the chat, without its wire.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) text_characters: Option<u32>,
    pub(crate) send_rate: Option<(u32, Duration)>,
    pub(crate) page_rows: u32,
    pub(crate) dedup: Option<Dedup>,
    pub(crate) sanitise: Sanitise,
    /// Two people can have several conversations.
    pub(crate) always_new: bool,
    /// Positions are sequence numbers; else they are times.
    pub(crate) by_seq: bool,
    /// Numbered pages are counted from the newest message.
    pub(crate) shifting: bool,
    /// Those who read messages see how far each has come.
    pub(crate) shows_status: bool,
    /// There are broadcasts, so it matters who is in which chapter.
    pub(crate) broadcasts: bool,
}

impl Rules {
    pub(crate) fn of(spec: &Spec) -> Self {
        Self {
            text_characters: spec.limits.text_characters,
            send_rate: spec.limits.send_rate,
            page_rows: spec.limits.page_rows.unwrap_or(u32::MAX),
            dedup: spec.traits.dedup.clone(),
            sanitise: spec.traits.sanitise,
            always_new: spec.traits.create == Create::AlwaysNew,
            shifting: spec.traits.paging == PageEdges::Shifting,
            by_seq: (spec.traits.order.as_ref()).is_some_and(|order| order.by == Hole::SEQ),
            shows_status: shows_status(spec),
            broadcasts: spec.deed(Operation::Broadcast).is_some(),
        }
    }
}

fn shows_status(spec: &Spec) -> bool {
    let reads = spec
        .does
        .iter()
        .filter(|deed| matches!(deed.operation, Operation::History | Operation::Sync));
    let steps = reads.flat_map(|deed| &deed.channels).flat_map(|channel| &channel.steps);
    steps
        .flat_map(|step| &step.yes)
        .any(|yes| yes.shape.holes().iter().any(|(hole, _)| *hole == Hole::STATUS))
}

/// The chat of one server.
pub(crate) struct Core {
    rules: Rules,
    bugs: Bugs,
    store: Store,
    conversations: FxHashMap<Conversation, Outline>,
    of_user: FxHashMap<User, Vec<Conversation>>,
    /// The conversations that have an audience.
    broadcasts: Vec<Conversation>,
    /// Everybody who was ever here, and the chapter that their token named; where there are
    /// broadcasts.
    chapters: FxHashMap<User, Option<CompactString>>,
    badges: Badges,
    /// The newest conversation before the restart, for `contacts-forgotten`.
    contacts_forgotten: Conversation,
    last_message: i64,
    last_conversation: Conversation,
    rates: Rates,
    /// When each person last connected; kept only for `sync-since-connect` and `drop-queued`.
    arrivals: FxHashMap<User, Arrival>,
    /// Keys whose first attempt failed; kept only for `ack-silent-error`.
    failed: FxHashSet<CompactString>,
    /// Scopes that a refused text used up; kept only for `dedup-burns-key`.
    burnt: FxHashSet<String>,
    /// Scopes that were noted before anything was stored, by which connection, and when; kept only
    /// for `key-before-store`.
    noted: FxHashMap<String, (Option<Connection>, i64)>,
    /// Where each reader's last full page ended, and whether it was a sync's; kept only for servers
    /// that cheat on a sync.
    pages: FxHashMap<(User, Conversation), (Position, bool)>,
    /// Up to when each person was handed what they had missed; kept only for `sync-once`.
    handed_out: FxHashMap<(User, Conversation), i64>,
    /// How many rows each reader was shown since the first page; kept only for `page-shared`.
    shown: FxHashMap<(User, Conversation), usize>,
    /// Messages that nobody was told yet; kept only for `rest-untold`.
    untold: FxHashSet<i64>,
    /// When the first client came since the start, and how often it was started again; kept only
    /// for what a health says wrongly.
    first_came: Option<i64>,
    restarts: u32,
    /// The store is out of reach.
    cut_off: bool,
    /// The newest message before the restart, which `search-forgotten` does not find.
    unindexed: i64,
    /// Who has read which conversation; kept only for `sync-first-empty`.
    opened: FxHashSet<(User, Conversation)>,
    /// What was stored last, on which node, and when; kept only for `unsaved-on-node`.
    fresh: Vec<(Node, i64, i64)>,
    /// The last number that each node gave; kept only for `numbers-per-node`.
    numbers: FxHashMap<(Node, Conversation), i64>,
}

/// What a node with `unsaved-on-node` has acked for less than this is not stored yet.
const UNSAVED_MS: i64 = 1000;

/// When a person last connected, and whether they had been there before.
struct Arrival {
    at: i64,
    again: bool,
}

impl Core {
    /// Opens the store and reads who is in which conversation.
    pub(crate) fn open(file: Option<&Path>, rules: Rules, bugs: Bugs) -> rusqlite::Result<Self> {
        let mut core = Self {
            rules,
            bugs,
            store: Store::open(file)?,
            conversations: FxHashMap::default(),
            of_user: FxHashMap::default(),
            broadcasts: Vec::new(),
            chapters: FxHashMap::default(),
            badges: Badges::default(),
            contacts_forgotten: 0,
            last_message: 0,
            last_conversation: 0,
            rates: Rates::default(),
            arrivals: FxHashMap::default(),
            failed: FxHashSet::default(),
            burnt: FxHashSet::default(),
            noted: FxHashMap::default(),
            pages: FxHashMap::default(),
            handed_out: FxHashMap::default(),
            shown: FxHashMap::default(),
            untold: FxHashSet::default(),
            first_came: None,
            restarts: 0,
            cut_off: false,
            unindexed: 0,
            opened: FxHashSet::default(),
            fresh: Vec::new(),
            numbers: FxHashMap::default(),
        };
        core.reload()?;
        Ok(core)
    }

    /// Forgets what is not in the store, as a new process does.
    pub(crate) fn reload(&mut self) -> rusqlite::Result<()> {
        let (conversations, newest) = self.store.outlines()?;
        self.rates = Rates::default();
        self.noted.clear();
        self.of_user.clear();
        self.conversations.clear();
        self.broadcasts.clear();
        self.last_message = newest;
        self.last_conversation = 0;
        for (id, mut outline) in conversations {
            if self.bugs.has(Bug::NumbersRestart) {
                outline.last_seq = 0;
            }
            self.last_conversation = self.last_conversation.max(id);
            self.remember(id, outline);
        }
        Ok(())
    }

    /// What the end of a process does: memory is forgotten, the store is not (or should not be).
    pub(crate) fn restart(&mut self, now: i64) -> rusqlite::Result<()> {
        if self.bugs.has(Bug::RestartLoses) {
            // The newest are kept: their acks may still be under way, and a retry would store
            // them again, which is not this bug's.
            self.store.lose(now - 3000, now - 300)?;
        }
        if self.bugs.has(Bug::CreateRestart) {
            self.store.forget_pairs()?;
        }
        self.forget_badges();
        self.contacts_forgotten = self.last_conversation;
        if self.bugs.has(Bug::DedupRestart) {
            self.store.forget_scopes()?;
        }
        self.reload()?;
        self.unindexed = self.last_message;
        self.first_came = None;
        self.restarts += 1;
        self.cut_off = false;
        Ok(())
    }

    /// A node died. What it acked is stored; with `unsaved-on-node` its last second is not.
    pub(crate) fn lose(&mut self, node: Node, now: i64) {
        self.fresh.retain(|(_, _, at)| *at > now - UNSAVED_MS);
        if self.bugs.has(Bug::UnsavedOnNode) {
            let lost = self.fresh.iter().filter(|(of, _, _)| *of == node);
            lost.for_each(|(_, id, _)| drop(self.store.lose_one(*id)));
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Notes that a person connected, and says which conversations they are in, and how many
    /// people each has.
    pub(crate) fn arrive(&mut self, user: &User, now: i64) -> Vec<(Conversation, usize)> {
        self.first_came.get_or_insert(now);
        if self.bugs.has(Bug::SyncSinceConnect) || self.bugs.has(Bug::DropQueued) {
            let again = self.arrivals.contains_key(user);
            self.arrivals.insert(user.clone(), Arrival { at: now, again });
        }
        self.comes_back(user);
        let size = |id| self.conversations.get(id).map_or(0, |outline| outline.members.len());
        let own = self.conversations_of(user).iter().map(|id| (*id, size(id)));
        // A broadcast is a crowd, however few have come.
        own.chain(self.addressed_to(user).into_iter().map(|id| (id, usize::MAX))).collect()
    }

    /// The id of the newest message.
    pub(crate) const fn newest(&self) -> i64 {
        self.last_message
    }

    /// What was said in the person's conversations after this message.
    pub(crate) fn missed(&self, user: &User, since: i64) -> Vec<Message> {
        self.store.after(user, since, MISSED).unwrap_or_default()
    }

    pub(crate) fn conversations_of(&self, user: &User) -> &[Conversation] {
        self.of_user.get(user).map_or(&[], Vec::as_slice)
    }

    /// Does one command. What others should hear is added to `events`.
    pub(crate) fn apply(
        &mut self,
        caller: &Caller,
        command: Command,
        now: i64,
        events: &mut Vec<Event>,
    ) -> Result<Answer, Refusal> {
        self.meet(caller);
        if self.needs_the_store(&command, now) {
            return Err(outage::out());
        }
        match command {
            Command::Broadcast { to } => self.broadcast(&caller.user, to, events),
            Command::Create { members, guard } => {
                self.create(&caller.user, &members, guard, events)
            }
            Command::Find { members } => self.find(&caller.user, &members),
            Command::Join { conversation } => {
                self.member_unless(Bug::JoinUnchecked, &caller.user, conversation)?;
                events.push(Event::Joined { conversation });
                Ok(Answer::Done)
            }
            Command::Leave { conversation } => {
                self.member(&caller.user, conversation)?;
                events.push(Event::Left { conversation });
                Ok(Answer::Done)
            }
            Command::Send(send) => self.send(caller, &send, now, events),
            Command::Look(send) => self.look(caller, &send),
            Command::Read { conversation, window } => {
                self.read(&caller.user, conversation, &window)
            }
            Command::List { window } => Ok(Answer::Conversations(self.list(&caller.user, &window))),
            Command::Announce { message, conversation } => {
                self.announce(caller, message, conversation, now, events)
            }
            Command::Hide { message } => {
                let message = self.message(&caller.user, message, Bug::HideUnchecked)?;
                self.store.hide(message.id, &caller.user)?;
                Ok(Answer::Done)
            }
            Command::Search { query, window } => self.search(&caller.user, &query, &window, now),
            Command::Unread { conversation } => {
                Ok(Answer::Count(self.unread(&caller.user, conversation)?))
            }
            Command::Contacts => Ok(Answer::People(self.contacts(&caller.user)?)),
            Command::Typing { conversation, on } => {
                self.member_unless(Bug::TypingUnchecked, &caller.user, conversation)?;
                events.push(Event::Typing { conversation, on });
                Ok(Answer::Done)
            }
            Command::Receipt { about, kind, looked } => {
                self.receipt(&caller.user, about, kind, looked, now, events)
            }
            Command::Receipts { message } => Ok(Answer::Count(self.store.receipts(message)?)),
            Command::Health => self.health(),
            Command::Crash => {
                events.push(Event::Crashed);
                Ok(Answer::Done)
            }
            Command::Refuse(refusal) => Err(careless(self.bugs, refusal)),
        }
    }

    fn remember(&mut self, id: Conversation, outline: Outline) {
        if outline.audience.is_some() {
            self.broadcasts.push(id);
        }
        for member in &outline.members {
            self.of_user.entry(member.clone()).or_default().push(id);
        }
        self.conversations.insert(id, outline);
    }

    /// The conversation, if the user is in it or it is meant for them. A stranger learns not even that it exists.
    fn member(&self, user: &User, conversation: Conversation) -> Result<&Outline, Refusal> {
        self.conversations
            .get(&conversation)
            .filter(|outline| {
                let open = outline.audience.is_some() && self.bugs.has(Bug::BroadcastOpen);
                let is_member = outline.members.binary_search(user).is_ok();
                is_member || open || self.is_addressed(user, outline)
            })
            .ok_or_else(|| {
                let known = self.conversations.contains_key(&conversation);
                let text = match known {
                    _ if !self.bugs.has(Bug::RefusalTells) => {
                        "you are not in this conversation, or there is none"
                    }
                    true => "you are not in this conversation",
                    false => "there is no such conversation",
                };
                Refusal::new(RefusalKind::Forbidden, text)
            })
    }

    /// The same; with this bug anybody counts as a member of any conversation that there is.
    fn member_unless(
        &self,
        bug: Bug,
        user: &User,
        conversation: Conversation,
    ) -> Result<&Outline, Refusal> {
        let member = self.member(user, conversation);
        let anybody = self.conversations.get(&conversation).filter(|_| self.bugs.has(bug));
        member.or_else(|refusal| anybody.ok_or(refusal))
    }

    /// The message, if the user is in its conversation, or with this bug in any case.
    fn message(&self, user: &User, id: i64, bug: Bug) -> Result<Message, Refusal> {
        let unknown = || Refusal::new(RefusalKind::NotFound, "there is no such message for you");
        let message = self.store.by_id(original(id))?.ok_or_else(unknown)?;
        self.member_unless(bug, user, message.conversation).map_err(|_| unknown())?;
        Ok(message)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::new(RefusalKind::Internal, format!("the store failed: {error}"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::spec::{DedupBy, RepeatAnswer, Scope};

    pub(crate) fn rules() -> Rules {
        Rules {
            text_characters: Some(1000),
            send_rate: Some((10, Duration::from_secs(1))),
            page_rows: 100,
            dedup: Some(Dedup {
                by: DedupBy::Key,
                window: None,
                scope: Scope::Person,
                answer: RepeatAnswer::Same,
            }),
            sanitise: Sanitise::Html,
            always_new: false,
            by_seq: false,
            shifting: false,
            shows_status: false,
            broadcasts: false,
        }
    }

    /// A core in memory, spoken to in short sentences. Each command is a millisecond later.
    pub(crate) struct Chat {
        pub(crate) core: Core,
        pub(crate) events: Vec<Event>,
        pub(crate) now: i64,
        pub(crate) node: Node,
    }

    impl Chat {
        pub(crate) fn new(rules: Rules, bugs: &[Bug]) -> Self {
            let bugs = bugs.iter().fold(Bugs::NONE, |set, bug| set.with(*bug));
            Self {
                core: Core::open(None, rules, bugs).unwrap(),
                events: Vec::new(),
                now: 1_000_000,
                node: 0,
            }
        }

        pub(crate) fn ask(&mut self, user: &str, command: Command) -> Result<Answer, Refusal> {
            self.now += 1;
            let (user, device) = (user.into(), user.into());
            let (connection, arrived, node) = (Some(1), self.now, self.node);
            let caller = Caller { user, chapter: None, connection, node, device, arrived };
            self.core.apply(&caller, command, self.now, &mut self.events)
        }

        pub(crate) fn create(&mut self, user: &str, members: &[&str]) -> Conversation {
            let members = members.iter().map(|member| (*member).into()).collect();
            match self.ask(user, Command::Create { members, guard: Guard::Atomic }) {
                Ok(Answer::Conversation { id, .. }) => id,
                other => panic!("{other:?}"),
            }
        }

        pub(crate) fn send(
            &mut self,
            user: &str,
            place: Conversation,
            text: &str,
            key: &str,
        ) -> Result<(Message, bool), Refusal> {
            let send = Sending {
                place: Place::Conversation(place),
                text: text.into(),
                key: Some(key.into()),
                guard: Guard::Atomic,
            };
            match self.ask(user, Command::Send(send))? {
                Answer::Message { message, repeated } => Ok((message, repeated)),
                other => panic!("{other:?}"),
            }
        }

        pub(crate) fn read(
            &mut self,
            user: &str,
            place: Conversation,
            window: Window,
        ) -> Vec<Message> {
            let command = Command::Read { conversation: place, window };
            match self.ask(user, command) {
                Ok(Answer::Rows { rows, .. }) => rows,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_stranger_is_refused_everything() {
        let mut chat = Chat::new(rules(), &[]);
        let place = chat.create("ann", &["bob"]);
        let (message, _) = chat.send("ann", place, "secret", "k").unwrap();
        chat.events.clear();
        let conversation = place;
        for command in [
            Command::Join { conversation },
            Command::Leave { conversation },
            Command::Typing { conversation, on: true },
            Command::Read { conversation, window: Window::default() },
            Command::Unread { conversation: Some(place) },
            Command::Receipt {
                about: Marked::Message(message.id),
                kind: ReceiptKind::Read,
                looked: None,
            },
            Command::Announce { message: message.id, conversation: None },
        ] {
            let refusal = chat.ask("eve", command).unwrap_err();
            assert!(matches!(refusal.kind, RefusalKind::Forbidden | RefusalKind::NotFound));
        }
        assert!(chat.send("eve", place, "hello", "k").is_err());
        assert_eq!(chat.events, [], "nobody heard of it");
        let found =
            chat.ask("eve", Command::Search { query: "secret".into(), window: Window::default() });
        assert_eq!(found.unwrap(), Answer::Rows { rows: vec![], more: false });
    }

    #[test]
    fn a_restart_keeps_everything_but_rate_windows() {
        let mut chat = Chat::new(rules(), &[]);
        let place = chat.create("ann", &["bob"]);
        for number in 0..10 {
            chat.send("ann", place, "hi", &number.to_string()).unwrap();
        }
        assert!(chat.send("ann", place, "hi", "10").is_err());
        chat.core.restart(chat.now).unwrap();
        let (message, _) = chat.send("ann", place, "hi", "10").unwrap();
        assert_eq!(message.seq, 11);
        assert!(chat.send("ann", place, "hi", "3").unwrap().1, "key is kept");
        assert_eq!(chat.create("bob", &["ann"]), place);
    }
}
