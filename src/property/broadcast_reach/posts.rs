//! The messages of broadcasts: whom each reached, under which ids, and who found it later.

use super::Rooms;
use crate::history::{Carrier, ClientId, ConversationId, Nanos, OpId, PersonId, Seen, Token};
use crate::operation::Sight;
use crate::property::argument::{exhibit, place, violation};
use crate::verdict::{Exhibit, Finding};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

const ALL: &str = "a broadcast reaches all of its audience";
const ONLY: &str = "a broadcast reaches nobody but its audience";
const ONE: &str = "a broadcast is one message, however many read it";

pub(super) struct Posts {
    /// Messages are pushed at all.
    pushes: bool,
    posts: Vec<Post>,
    by_op: FxHashMap<OpId, usize>,
    by_token: FxHashMap<Token, usize>,
    by_id: FxHashMap<CompactString, usize>,
    readings: FxHashMap<OpId, Reading>,
    hidden: FxHashSet<(PersonId, CompactString)>,
}

/// A message of a broadcast.
pub(super) struct Post {
    token: Token,
    place: ConversationId,
    pub(super) sender: ClientId,
    sent: Option<Nanos>,
    pub(super) acked: Option<Nanos>,
    /// Its id, and who was shown it first.
    id: Option<(Nanos, ClientId, CompactString)>,
    /// Clients that were ready when it was sent, and have not been pushed it.
    waiting: Vec<ClientId>,
    /// Which is said once.
    told_apart: bool,
}

/// A target reads the whole history.
struct Reading {
    asked: Nanos,
    client: ClientId,
    person: Option<PersonId>,
    /// What it must show, but for what the person has hidden until it is complete.
    due: Vec<usize>,
    rows: FxHashSet<Token>,
}

impl Posts {
    pub(super) fn new(pushes: bool) -> Self {
        Self {
            pushes,
            posts: Vec::new(),
            by_op: FxHashMap::default(),
            by_token: FxHashMap::default(),
            by_id: FxHashMap::default(),
            readings: FxHashMap::default(),
            hidden: FxHashSet::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.posts.len() + self.readings.len() + self.hidden.len()
    }

    /// The post that the server calls so.
    pub(super) fn by_id(&self, id: &CompactString) -> Option<&Post> {
        self.by_id.get(id).map(|index| &self.posts[*index])
    }

    // ------------------------------------------------------------------------------------------
    // live

    /// A message is to be sent to an audience.
    pub(super) fn plan(&mut self, sender: ClientId, op: OpId, place: ConversationId, token: Token) {
        let index = *self.by_token.entry(token).or_insert(self.posts.len());
        self.by_op.insert(op, index);
        if index == self.posts.len() {
            let (sent, acked, id) = (None, None, None);
            let (waiting, told_apart) = (Vec::new(), false);
            let post = Post { token, place, sender, sent, acked, id, waiting, told_apart };
            self.posts.push(post);
        }
    }

    /// It goes out: from now on those who are ready wait for it.
    pub(super) fn attempt(&mut self, at: Nanos, op: OpId, rooms: &Rooms) {
        if let Some(reading) = self.readings.get_mut(&op) {
            reading.rows.clear();
        }
        let Some(index) = self.by_op.get(&op) else { return };
        let post = &mut self.posts[*index];
        if post.sent.replace(at).is_some() || !self.pushes {
            return;
        }
        let sender = rooms.whose(post.sender);
        let targets = rooms.rooms.get(&post.place).map_or(&[][..], |room| &room.targets);
        let others = targets.iter().filter(|(_, person)| Some(*person) != sender);
        let ready = others.filter(|(client, _)| rooms.is_ready_since(*client, at));
        post.waiting = ready.map(|(client, _)| *client).collect();
    }

    pub(super) fn acked(
        &mut self,
        at: Nanos,
        op: OpId,
        id: Option<&CompactString>,
        client: ClientId,
        finding: &mut Finding,
    ) {
        let Some(index) = self.by_op.get(&op).copied() else { return };
        self.posts[index].acked.get_or_insert(at);
        if let Some(id) = id {
            self.named(at, index, id, client, finding);
        }
    }

    /// Somebody was shown a message.
    pub(super) fn seen(
        &mut self,
        at: Nanos,
        client: ClientId,
        seen: &Seen,
        rooms: &Rooms,
        finding: &mut Finding,
    ) {
        let Some(index) = seen.token.and_then(|token| self.by_token.get(&token)).copied() else {
            return;
        };
        if let Some(id) = &seen.id {
            self.named(at, index, id, client, finding);
        }
        let post = &mut self.posts[index];
        if !rooms.may_see(client, post.place) {
            let verb = if seen.by == Carrier::Live { "was pushed" } else { "read" };
            return post.leaked(exhibit(at, client, format!("{verb} \"{}\"", post.token)), finding);
        }
        if let (Carrier::Live, Some(waits)) =
            (seen.by, post.waiting.iter().position(|waiting| *waiting == client))
        {
            post.waiting.swap_remove(waits);
            finding.observations += 1;
        }
    }

    /// Somebody was told of a message by something else.
    pub(super) fn heard_of(
        &self,
        at: Nanos,
        client: ClientId,
        sight: Sight,
        id: &CompactString,
        rooms: &Rooms,
        finding: &mut Finding,
    ) {
        let Some(post) = self.by_id(id).filter(|post| !rooms.may_see(client, post.place)) else {
            return;
        };
        let text = format!("was shown `{sight}` of \"{}\"", post.token);
        post.leaked(exhibit(at, client, text), finding);
    }

    fn named(
        &mut self,
        at: Nanos,
        index: usize,
        id: &CompactString,
        client: ClientId,
        finding: &mut Finding,
    ) {
        self.by_id.insert(id.clone(), index);
        let post = &mut self.posts[index];
        let (then, whom, known) = post.id.get_or_insert((at, client, id.clone()));
        if known == id || std::mem::replace(&mut post.told_apart, true) {
            return;
        }
        finding.violate(|| {
            let shown = |id: &str| format!("was shown \"{}\" with id {id}", post.token);
            let lines = vec![exhibit(*then, *whom, shown(known)), exhibit(at, client, shown(id))];
            let therefore = "one broadcast is several messages";
            violation("a broadcast has several ids", lines, therefore, ONE)
        });
    }

    /// What this client misses is no offence any more.
    pub(super) fn excuse(&mut self, client: ClientId) {
        for post in &mut self.posts {
            post.waiting.retain(|waiting| *waiting != client);
        }
    }

    /// Pushes that are on their way.
    pub(super) fn awaited(&self) -> usize {
        let acked = self.posts.iter().filter(|post| post.acked.is_some());
        acked.map(|post| post.waiting.len()).sum()
    }

    pub(super) fn conclude(&self, finding: &mut Finding) {
        for post in self.posts.iter().filter(|post| post.acked.is_some()) {
            for client in &post.waiting {
                finding.violate(|| {
                    let mut lines = post.lines();
                    let at = lines.last().map_or(0, |line| line.at);
                    let text = "was connected then and to the end, and was pushed nothing";
                    lines.push(exhibit(at, *client, text));
                    let therefore = format!("\"{}\" did not reach client {}", post.token, client.0);
                    violation("a broadcast did not reach a target", lines, therefore, ALL)
                });
            }
        }
    }

    // ------------------------------------------------------------------------------------------
    // later

    /// A person deletes a message for themselves.
    pub(super) fn hide(&mut self, person: Option<PersonId>, id: &CompactString) {
        self.hidden.extend(person.map(|person| (person, id.clone())));
    }

    fn is_hidden(&self, post: &Post, person: Option<PersonId>) -> bool {
        let id = post.id.as_ref().map(|(_, _, id)| id.clone());
        person.zip(id).is_some_and(|hidden| self.hidden.contains(&hidden))
    }

    /// A target asks for the whole history.
    pub(super) fn reads(
        &mut self,
        at: Nanos,
        client: ClientId,
        op: OpId,
        place: ConversationId,
        person: Option<PersonId>,
    ) {
        let due = self
            .posts
            .iter()
            .enumerate()
            .filter(|(_, post)| post.place == place && post.acked.is_some());
        let due = due.map(|(index, _)| index).collect();
        let rows = FxHashSet::default();
        self.readings.insert(op, Reading { asked: at, client, person, due, rows });
    }

    pub(super) fn row(&mut self, op: OpId, seen: &Seen) {
        if let (Some(reading), Some(token)) = (self.readings.get_mut(&op), seen.token) {
            reading.rows.insert(token);
        }
    }

    /// The history is complete.
    pub(super) fn read(&mut self, at: Nanos, op: OpId, finding: &mut Finding) {
        let Some(reading) = self.readings.remove(&op) else { return };
        for post in reading.due.iter().map(|index| &self.posts[*index]) {
            let found = reading.rows.contains(&post.token);
            finding.observations += u64::from(found);
            if !found && !self.is_hidden(post, reading.person) {
                finding.violate(|| {
                    let mut lines = post.lines();
                    lines.push(reading.exhibit(post));
                    let text = format!("had it, and \"{}\" is not in it", post.token);
                    lines.push(exhibit(at, reading.client, text));
                    let therefore = "somebody it is meant for cannot find it";
                    violation("a broadcast is in no history of a target", lines, therefore, ALL)
                });
            }
        }
    }

    /// There was no history; perhaps because it was refused.
    pub(super) fn unread(
        &mut self,
        at: Nanos,
        op: OpId,
        error: &str,
        certain: bool,
        finding: &mut Finding,
    ) {
        let Some(reading) = self.readings.remove(&op).filter(|_| certain) else { return };
        let Some(post) = reading.due.first().map(|index| &self.posts[*index]) else { return };
        finding.violate(|| {
            let mut lines = post.lines();
            lines.push(reading.exhibit(post));
            lines.push(exhibit(at, reading.client, format!("was refused: \"{error}\"")));
            let therefore = "somebody it is meant for may not read it";
            violation("a broadcast is refused to a target", lines, therefore, ALL)
        });
    }
}

impl Reading {
    fn exhibit(&self, post: &Post) -> Exhibit {
        let text = format!("asked for the history of {}", place(post.place));
        exhibit(self.asked, self.client, text)
    }
}

impl Post {
    pub(super) fn lines(&self) -> Vec<Exhibit> {
        let sent = format!("sent \"{}\" to an audience in {}", self.token, place(self.place));
        let sent = self.sent.map(|at| exhibit(at, self.sender, sent));
        let acked = self.acked.map(|at| exhibit(at, self.sender, "had its ack"));
        sent.into_iter().chain(acked).collect()
    }

    fn leaked(&self, line: Exhibit, finding: &mut Finding) {
        finding.violate(|| {
            let mut lines = self.lines();
            lines.push(line);
            lines.sort_by_key(|line| line.at);
            let therefore = "somebody outside the audience was shown it";
            let summary = "a broadcast was shown to somebody it is not meant for";
            violation(summary, lines, therefore, ONLY)
        });
    }
}
