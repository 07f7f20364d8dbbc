//! The readers of broadcasts: each who says so is told to the sender.

use super::Rooms;
use super::posts::Posts;
use crate::history::{ClientId, Nanos, OpId, PersonId};
use crate::property::Charge;
use crate::property::argument::{exhibit, violation};
use crate::spec::Receipts;
use crate::verdict::Finding;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

pub(super) struct Readers {
    /// Receipts name a message and its reader.
    tells: bool,
    sayings: FxHashMap<OpId, Saying>,
    /// Who was told of which reader of which message.
    told: FxHashSet<(ClientId, CompactString, PersonId)>,
}

/// Somebody said that they read a broadcast.
struct Saying {
    at: Nanos,
    client: ClientId,
    id: CompactString,
    answered: bool,
}

impl Readers {
    pub(super) fn new(charge: &Charge) -> Self {
        Self {
            tells: charge.tells_receipts && charge.traits.receipts == Receipts::Message,
            sayings: FxHashMap::default(),
            told: FxHashSet::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sayings.len() + self.told.len()
    }

    pub(super) fn says(
        &mut self,
        at: Nanos,
        client: ClientId,
        op: OpId,
        id: &CompactString,
        posts: &Posts,
    ) {
        if self.tells && posts.by_id(id).is_some() {
            let saying = Saying { at, client, id: id.clone(), answered: false };
            self.sayings.insert(op, saying);
        }
    }

    pub(super) fn answered(&mut self, op: OpId) {
        if let Some(saying) = self.sayings.get_mut(&op) {
            saying.answered = true;
        }
    }

    pub(super) fn told(
        &mut self,
        client: ClientId,
        id: &CompactString,
        reader: PersonId,
        posts: &Posts,
    ) {
        if posts.by_id(id).is_some() {
            self.told.insert((client, id.clone(), reader));
        }
    }

    /// Readers of whom the sender has still to hear.
    pub(super) fn awaited(&self, posts: &Posts, rooms: &Rooms) -> usize {
        let unheard = self.due(posts, rooms).into_iter().filter(|(_, told)| !told);
        unheard.count()
    }

    /// Each reader who was told yes while the sender was there, once, and whether the sender heard.
    fn due(&self, posts: &Posts, rooms: &Rooms) -> Vec<(&Saying, bool)> {
        let mut judged: FxHashSet<(&CompactString, PersonId)> = FxHashSet::default();
        let mut due = Vec::new();
        for saying in self.sayings.values().filter(|one| one.answered) {
            let (Some(post), Some(reader)) = (posts.by_id(&saying.id), rooms.whose(saying.client))
            else {
                continue;
            };
            let own = rooms.whose(post.sender) == Some(reader);
            let stayed = rooms.is_ready_since(post.sender, saying.at);
            if !own && stayed && judged.insert((&saying.id, reader)) {
                due.push((saying, self.told.contains(&(post.sender, saying.id.clone(), reader))));
            }
        }
        due
    }

    /// Accuses the server of the readers of whom the sender never heard.
    pub(super) fn conclude(&self, posts: &Posts, rooms: &Rooms, finding: &mut Finding) {
        let mut due = self.due(posts, rooms);
        due.sort_unstable_by_key(|(saying, _)| (saying.at, saying.client));
        for (saying, told) in due {
            let Some(post) = posts.by_id(&saying.id) else { continue };
            if told {
                finding.observations += 1;
                continue;
            }
            finding.violate(|| {
                let mut lines = post.lines();
                let said = format!("said that it read message {}, and was told yes", saying.id);
                lines.push(exhibit(saying.at, saying.client, said));
                let therefore =
                    format!("client {}, which sent it, never heard of this reader", post.sender.0);
                let but = "each reader of a broadcast is recorded and told";
                violation("a reader of a broadcast is lost", lines, therefore, but)
            });
        }
    }
}
