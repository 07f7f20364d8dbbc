//! Lists of conversations and of contacts, compared with what is known.

use super::register::Register;
use crate::history::{ClientId, Nanos, OpId};
use crate::operation::Operation;
use crate::property::argument::{exhibit, violation};
use crate::verdict::{Exhibit, Finding};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

/// A list that a client asked for.
pub(super) struct List {
    pub(super) client: ClientId,
    at: Nanos,
    last: Nanos,
    contacts: bool,
    rows: Vec<(Option<CompactString>, Option<CompactString>)>,
}

pub(super) struct Lists {
    /// A list of so many rows may go on.
    page: usize,
    open: FxHashMap<OpId, List>,
    /// What stood in a user's first list and is nobody's of this history.
    before: FxHashMap<CompactString, FxHashSet<CompactString>>,
    /// Broadcasts: lists may show them or not.
    tolerated: FxHashSet<CompactString>,
    /// Users with a request whose outcome nobody knows.
    doubtful: FxHashSet<CompactString>,
}

impl Lists {
    pub(super) fn new(page: Option<u32>) -> Self {
        Self {
            page: page.map_or(usize::MAX, |rows| rows as usize),
            open: FxHashMap::default(),
            before: FxHashMap::default(),
            tolerated: FxHashSet::default(),
            doubtful: FxHashSet::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn asked(&mut self, at: Nanos, client: ClientId, op: OpId, operation: Operation) {
        let contacts = operation == Operation::Contacts;
        self.open.insert(op, List { client, at, last: at, contacts, rows: Vec::new() });
    }

    /// Another attempt starts the rows over.
    pub(super) fn begins(&mut self, op: OpId) {
        if let Some(list) = self.open.get_mut(&op) {
            list.rows.clear();
        }
    }

    pub(super) fn row(
        &mut self,
        at: Nanos,
        op: OpId,
        id: Option<&CompactString>,
        user: Option<&CompactString>,
    ) {
        if let Some(list) = self.open.get_mut(&op) {
            list.last = at;
            list.rows.push((id.cloned(), user.cloned()));
        }
    }

    pub(super) fn take(&mut self, op: OpId) -> Option<List> {
        self.open.remove(&op)
    }

    pub(super) fn forget(&mut self, op: OpId) {
        self.open.remove(&op);
    }

    /// A conversation of this id may be listed.
    pub(super) fn tolerate(&mut self, id: &CompactString) {
        self.tolerated.insert(id.clone());
    }

    /// These users may be in a conversation whose id nobody knows.
    pub(super) fn doubt(&mut self, users: &[CompactString]) {
        self.doubtful.extend(users.iter().cloned());
    }

    /// A list that is complete.
    pub(super) fn judge(
        &mut self,
        list: &List,
        user: &CompactString,
        register: &Register,
        finding: &mut Finding,
    ) {
        finding.observations += 1;
        if list.contacts {
            return contacts(list, user, register, finding);
        }
        let mut rows: FxHashMap<&CompactString, u32> = FxHashMap::default();
        for id in list.rows.iter().filter_map(|(id, _)| id.as_ref()) {
            *rows.entry(id).or_default() += 1;
        }
        let doubled = list.rows.iter().filter_map(|(id, _)| id.as_ref());
        if let Some(id) = doubled.into_iter().find(|id| rows[*id] > 1) {
            let therefore = format!("conversation {id} stands there {} times", rows[id]);
            accuse(finding, "a conversation is listed twice", vec![list.line()], therefore);
        }
        let missing = register.of_user(user, list.at).find(|(id, _)| !rows.contains_key(*id));
        if let Some((id, known)) = missing.filter(|_| list.rows.len() < self.page) {
            let therefore = format!("conversation {id} is missing there");
            let lines = vec![known.line.clone(), list.line()];
            accuse(finding, "a conversation is not listed", lines, therefore);
        }
        self.strange(list, user, register, finding);
    }

    /// Rows that are nobody's of this history: in the first list, they were there before.
    fn strange(
        &mut self,
        list: &List,
        user: &CompactString,
        register: &Register,
        finding: &mut Finding,
    ) {
        let ids = list.rows.iter().filter_map(|(id, _)| id.clone());
        let strange: FxHashSet<CompactString> =
            ids.filter(|id| register.get(id).is_none() && !self.tolerated.contains(id)).collect();
        let Some(before) = self.before.get(user) else {
            self.before.insert(user.clone(), strange);
            return;
        };
        let new = strange.difference(before).min();
        if let Some(id) = new.filter(|_| !self.doubtful.contains(user)) {
            let therefore = format!("conversation {id} came from nowhere");
            accuse(finding, "a conversation that nobody made", vec![list.line()], therefore);
        }
    }
}

impl List {
    /// The list in a line, as much as fits.
    fn line(&self) -> Exhibit {
        const SHOWN: usize = 12;
        let ids: Vec<&str> =
            self.rows.iter().filter_map(|(id, _)| Some(id.as_ref()?.as_str())).collect();
        let shown = ids.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
        let more = if ids.len() > SHOWN { ", …" } else { "" };
        let text = match ids.as_slice() {
            [] => "got a list without any conversation".to_owned(),
            _ => format!("got a list of {} conversations: {shown}{more}", ids.len()),
        };
        exhibit(self.last, self.client, text)
    }
}

fn contacts(list: &List, user: &CompactString, register: &Register, finding: &mut Finding) {
    for (id, peer) in &list.rows {
        let (Some(id), Some(peer)) = (id, peer) else { continue };
        let (Some(pair), Some(known)) = (register.pair_id(user, peer), register.pair(user, peer))
        else {
            continue;
        };
        if id != pair && known.at < list.at {
            let text = format!("got contact {peer} with conversation {id}");
            let lines = vec![known.line.clone(), exhibit(list.last, list.client, text)];
            let therefore = format!("contacts lead to {id}, messages to {pair}");
            return accuse(finding, "contacts name another conversation", lines, therefore);
        }
    }
}

fn accuse(finding: &mut Finding, summary: &str, lines: Vec<Exhibit>, therefore: String) {
    let but = "every list has each of one's conversations, once, by its one id";
    finding.violate(|| violation(summary, lines, therefore, but));
}
