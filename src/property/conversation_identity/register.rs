//! Which conversations there are, and whose.

use crate::history::{ClientId, ConversationId, Due, Entry, Nanos};
use crate::property::argument::{exhibit, violation};
use crate::verdict::{Exhibit, Finding};
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// A request for a conversation.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) at: Nanos,
    pub(super) client: ClientId,
    /// Who has to be in it, sorted: those who were named, and the creator.
    pub(super) people: Vec<CompactString>,
    /// As the creator named them.
    listed: Vec<CompactString>,
    due: Option<Due>,
}

/// A conversation that somebody was given.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) at: Nanos,
    pub(super) people: Vec<CompactString>,
    /// What the client was told that knows of it.
    pub(super) line: Exhibit,
}

/// The conversations that are known, by the server's id.
pub(super) struct Register {
    one_per_pair: bool,
    known: BTreeMap<CompactString, Known>,
    pairs: FxHashMap<Vec<CompactString>, CompactString>,
    /// The conversations of the setup, and those of them that are not in the register yet.
    ids: FxHashMap<ConversationId, CompactString>,
    fresh: BTreeMap<ConversationId, Fresh>,
}

struct Fresh {
    at: Nanos,
    client: ClientId,
    id: CompactString,
    people: Vec<CompactString>,
}

impl Asking {
    pub(super) fn new(
        entry: &Entry,
        user: &CompactString,
        listed: &[CompactString],
        due: Option<Due>,
    ) -> Self {
        let people = sorted(listed.iter().chain([user]).cloned().collect());
        Self { at: entry.at, client: entry.client, people, listed: listed.to_vec(), due }
    }

    /// Nothing in the request is a reason to refuse it.
    pub(super) fn must_be_there(&self) -> bool {
        let twice = sorted(self.listed.clone()).len() < self.listed.len();
        self.people.len() > 1 && !twice && matches!(self.due, None | Some(Due::Accepted))
    }

    pub(super) fn words(&self) -> String {
        format!("asked for a conversation of {}", named(&self.listed))
    }
}

impl Register {
    pub(super) fn new(one_per_pair: bool) -> Self {
        Self {
            one_per_pair,
            known: BTreeMap::new(),
            pairs: FxHashMap::default(),
            ids: FxHashMap::default(),
            fresh: BTreeMap::new(),
        }
    }

    /// A client is in a conversation of the setup.
    pub(super) fn member(
        &mut self,
        at: Nanos,
        client: ClientId,
        conversation: ConversationId,
        id: &CompactString,
        user: &CompactString,
    ) {
        if self.ids.insert(conversation, id.clone()).is_none() {
            let fresh = Fresh { at, client, id: id.clone(), people: Vec::new() };
            self.fresh.insert(conversation, fresh);
        }
        match self.fresh.get_mut(&conversation) {
            Some(fresh) => fresh.people.push(user.clone()),
            None => {
                if let Some(known) = self.known.get_mut(id) {
                    known.people.push(user.clone());
                    known.people.sort_unstable();
                    known.people.dedup();
                }
            }
        }
    }

    /// All of the setup is known now.
    pub(super) fn settle(&mut self, finding: &mut Finding) {
        for (_, Fresh { at, client, id, people }) in std::mem::take(&mut self.fresh) {
            let people = sorted(people);
            let text = format!("is in conversation {id} with {}", named(&people));
            let known = Known { at, people, line: exhibit(at, client, text) };
            let compared = !self.known.is_empty();
            self.enter(id, known, finding);
            finding.observations += u64::from(compared);
        }
    }

    /// A request was answered with this id.
    pub(super) fn made(
        &mut self,
        at: Nanos,
        asking: &Asking,
        id: &CompactString,
        finding: &mut Finding,
    ) {
        finding.observations += 1;
        let line = exhibit(at, asking.client, format!("{}: id {id}", asking.words()));
        if asking.people.len() < 2 {
            return finding.violate(|| {
                let therefore = "there is a conversation with oneself";
                let but = "nobody has a conversation with oneself";
                violation("a conversation with oneself", vec![line], therefore, but)
            });
        }
        self.enter(id.clone(), Known { at, people: asking.people.clone(), line }, finding);
    }

    fn enter(&mut self, id: CompactString, new: Known, finding: &mut Finding) {
        if let Some(known) = self.known.get(&id).filter(|known| known.people != new.people) {
            let lines = vec![known.line.clone(), new.line.clone()];
            return finding.violate(|| {
                let therefore = format!(
                    "conversation {id} is that of {} and that of {}",
                    named(&known.people),
                    named(&new.people)
                );
                let but = "different people have different conversations";
                violation("one conversation of different people", lines, therefore, but)
            });
        }
        if self.one_per_pair && new.people.len() == 2 {
            let first = self.pairs.entry(new.people.clone()).or_insert_with(|| id.clone());
            if *first != id {
                let before = self.known.get(first).map(|known| known.line.clone());
                let lines = before.into_iter().chain([new.line.clone()]).collect();
                finding.violate(|| {
                    let therefore = format!("two people have the conversations {first} and {id}");
                    let but = "the same two people have the same conversation";
                    violation("two conversations of one pair", lines, therefore, but)
                });
            }
        }
        self.known.entry(id).or_insert(new);
    }

    /// What is known of the conversation of this id.
    pub(super) fn get(&self, id: &str) -> Option<&Known> {
        self.known.get(id)
    }

    /// The conversations of a user that were known by then.
    pub(super) fn of_user<'a>(
        &'a self,
        user: &'a CompactString,
        by: Nanos,
    ) -> impl Iterator<Item = (&'a CompactString, &'a Known)> {
        self.known.iter().filter(move |(_, known)| known.at < by && known.people.contains(user))
    }

    /// The conversation of two people.
    pub(super) fn pair(&self, one: &CompactString, other: &CompactString) -> Option<&Known> {
        let id = self.pairs.get(&sorted(vec![one.clone(), other.clone()]))?;
        self.known.get(id)
    }

    /// The id of two people's conversation.
    pub(super) fn pair_id(
        &self,
        one: &CompactString,
        other: &CompactString,
    ) -> Option<&CompactString> {
        self.pairs.get(&sorted(vec![one.clone(), other.clone()]))
    }

    /// The server's id of a conversation of the setup.
    pub(super) fn id_of(&self, conversation: ConversationId) -> Option<&CompactString> {
        self.ids.get(&conversation)
    }
}

fn sorted(mut people: Vec<CompactString>) -> Vec<CompactString> {
    people.sort_unstable();
    people.dedup();
    people
}

/// `users 1, 2`, and not more than fit a line.
pub(super) fn named(people: &[CompactString]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<&str> = people.iter().take(SHOWN).map(CompactString::as_str).collect();
    let more = people.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    match people {
        [one] => format!("user {one}"),
        _ => format!("users {}{rest}", shown.join(", ")),
    }
}
