//! `broadcast-reach`: one stored message reaches everybody whom a broadcast is meant for, and nobody
//! else.

mod posts;
mod probes;
mod readers;

use crate::history::{
    About, Answer, Carrier, ClientId, ConversationId, Entry, Event, Nanos, OpId, PersonId, Seen,
};
use crate::operation::{ConnectionState, Operation, Sight};
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::verdict::Finding;
use compact_str::CompactString;
use posts::Posts;
use readers::Readers;
use rustc_hash::{FxHashMap, FxHashSet};

/// A broadcast reaches its audience and nobody else.
#[derive(Debug)]
pub struct BroadcastReach;

static PAGE: Page = Page {
    id: "broadcast-reach",
    title: "A broadcast MUST reach everybody whom it is meant for, as one message, and nobody else.",
    promises: "Whoever is connected is pushed it; whoever was away finds it in the history on coming \
        back; it has one id for everybody, however many they are; its sender hears of each who \
        read it. Somebody whom it is not meant for neither is pushed nor can read it.",
    matters: "A broadcast is how an organisation speaks to its people: half of them missing it, or \
        another chapter reading what was not meant for it, is found out when it is too late. A copy \
        for each reader makes one click of the sender ten thousand rows.",
    judged: "Each target that is connected and ready when the broadcast is sent, and stays so, must \
        have been pushed it by the end of the run. A whole history that a target reads must hold \
        every broadcast that was acked before it was asked for. Whatever shows a broadcast, ack, \
        push or row, must name one id. Nobody but its maker and its targets may be shown it. A \
        reader's word that was answered with yes must be told to a sender who stays connected.",
    blind: "How a server stores a broadcast, where all copies wear one id. Targets that no client of \
        the run plays: of everybody, only those who are there. A sender who hears of readers by a \
        status only.",
    example: "  2.014 s  client 1  sent \"qzabyaaaaaaav7\" to an audience\n  \
        2.019 s  client 1  had its ack\n  \
        7.030 s  client 4  was connected all the time, and was pushed nothing\n\
        therefore a broadcast did not reach somebody it is meant for\n\
        but a broadcast reaches all of its audience",
    source: "common practice: who sends to an audience means all of it, and no others.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One target that a broadcast reached, live or in a history, or one reader of it.",
};

impl Property for BroadcastReach {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, _: &Charge) -> String {
        "pushed to each connected target, in each target's history, one id, shown to nobody else"
            .into()
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Reach {
            rooms: Rooms::default(),
            posts: Posts::new(charge.sees(Sight::Message)),
            readers: Readers::new(charge),
            over: false,
            finding: Finding::default(),
        })
    }
}

/// The judge: whom each broadcast is meant for, and whom it reached.
struct Reach {
    rooms: Rooms,
    posts: Posts,
    readers: Readers,
    /// The run came to its end and was not broken off.
    over: bool,
    finding: Finding,
}

/// Who is who, who is connected, and whom broadcasts are meant for.
#[derive(Default)]
struct Rooms {
    whose: FxHashMap<ClientId, PersonId>,
    users: FxHashMap<CompactString, PersonId>,
    /// Since when a client is ready, without a fault on it.
    ready: FxHashMap<ClientId, Nanos>,
    /// Clients on which a fault ever was: what they miss is no offence.
    troubled: FxHashSet<ClientId>,
    rooms: FxHashMap<ConversationId, Room>,
}

/// One broadcast conversation.
#[derive(Default)]
struct Room {
    maker: Option<PersonId>,
    targets: Vec<(ClientId, PersonId)>,
}

impl Judge for Reach {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.rooms.observe(entry);
        match &entry.event {
            Event::Invoke { op, operation, conversation, message, about, .. } => {
                self.invoke(at, client, *op, *operation, *conversation, about.as_ref());
                if let (Operation::Send, Some(place), Some(message)) =
                    (operation, conversation, message)
                    && self.rooms.rooms.contains_key(place)
                {
                    self.posts.plan(client, *op, *place, message.token);
                }
            }
            Event::Attempt { op, .. } => self.posts.attempt(at, *op, &self.rooms),
            Event::Answered { op, answer: Answer::Ack { id, .. }, .. } => {
                self.posts.acked(at, *op, id.as_ref(), client, &mut self.finding);
                self.readers.answered(*op);
            }
            Event::Ok { op, .. } => self.posts.read(at, *op, &mut self.finding),
            Event::Failed { op, certain, error } => {
                self.posts.unread(at, *op, error, *certain, &mut self.finding);
            }
            Event::Message(seen) => self.seen(at, client, seen),
            Event::Saw { sight, user, id: Some(id), .. } => {
                self.posts.heard_of(at, client, *sight, id, &self.rooms, &mut self.finding);
                let reader = user.as_ref().and_then(|user| self.rooms.users.get(user));
                if let (Sight::Receipt, Some(reader)) = (sight, reader) {
                    self.readers.told(client, id, *reader, &self.posts);
                }
            }
            Event::Connection { state, .. } if *state != ConnectionState::Connected => {
                self.posts.excuse(client);
            }
            Event::Fault { .. } => self.posts.excuse(client),
            Event::Phase { name } => self.over |= name == "end",
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        if self.over {
            self.posts.conclude(&mut self.finding);
            self.readers.conclude(&self.posts, &self.rooms, &mut self.finding);
        }
        self.finding
    }

    fn unsettled(&self) -> usize {
        self.posts.len() + self.readers.len()
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn awaited_deliveries(&self) -> usize {
        self.posts.awaited() + self.readers.awaited(&self.posts, &self.rooms)
    }
}

impl Reach {
    fn invoke(
        &mut self,
        at: Nanos,
        client: ClientId,
        op: OpId,
        operation: Operation,
        conversation: Option<ConversationId>,
        about: Option<&About>,
    ) {
        let about = match about {
            Some(About::Message(id)) => Some(id),
            _ => None,
        };
        match (operation, conversation, about) {
            (Operation::History, Some(place), _) if self.rooms.is_target(client, place) => {
                let person = self.rooms.whose(client);
                self.posts.reads(at, client, op, place, person);
            }
            (Operation::Read, _, Some(id)) => self.readers.says(at, client, op, id, &self.posts),
            (Operation::Hide, _, Some(id)) => self.posts.hide(self.rooms.whose(client), id),
            _ => {}
        }
    }

    fn seen(&mut self, at: Nanos, client: ClientId, seen: &Seen) {
        self.posts.seen(at, client, seen, &self.rooms, &mut self.finding);
        if let Carrier::History(op) = seen.by {
            self.posts.row(op, seen);
        }
    }
}

impl Rooms {
    fn observe(&mut self, entry: &Entry) {
        let client = entry.client;
        match &entry.event {
            Event::Person { person, user } => {
                self.whose.insert(client, *person);
                self.users.insert(user.clone(), *person);
            }
            Event::Invoke {
                operation: Operation::Broadcast, conversation: Some(place), ..
            } => {
                self.rooms.entry(*place).or_default().maker = self.whose(client);
            }
            Event::Addressed { conversation, .. } => {
                let Some(person) = self.whose(client) else { return };
                let room = self.rooms.entry(*conversation).or_default();
                room.targets.push((client, person));
            }
            Event::Ready if !self.troubled.contains(&client) => {
                self.ready.insert(client, entry.at);
            }
            Event::Connection { state, .. } if *state != ConnectionState::Connected => {
                self.ready.remove(&client);
            }
            Event::Fault { .. } => {
                self.troubled.insert(client);
                self.ready.remove(&client);
            }
            _ => {}
        }
    }

    fn whose(&self, client: ClientId) -> Option<PersonId> {
        self.whose.get(&client).copied()
    }

    /// The client has been ready since then, and no fault was ever on it.
    fn is_ready_since(&self, client: ClientId, since: Nanos) -> bool {
        self.ready.get(&client).is_some_and(|ready| *ready <= since)
    }

    fn is_target(&self, client: ClientId, place: ConversationId) -> bool {
        let room = self.rooms.get(&place);
        room.is_some_and(|room| room.targets.iter().any(|(target, _)| *target == client))
    }

    /// The client's person may see what is broadcast there. Of people that the history does not
    /// name, and of a broadcast whose audience it does not tell, nothing can be said.
    fn may_see(&self, client: ClientId, place: ConversationId) -> bool {
        let (Some(room), Some(person)) = (self.rooms.get(&place), self.whose(client)) else {
            return true;
        };
        let is_target = room.targets.iter().any(|(_, target)| *target == person);
        is_target || room.targets.is_empty() || room.maker == Some(person)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, stands};
    use crate::verdict::Standing;

    /// Ann broadcasts to Bob and Cat; Dan is none of them.
    const CAST: &str = "a b c d know #\na ready\nb ready\nc ready\nd ready\n\
        a asks broadcast o1 #1\na acked o1 m0\na in #1\nb addressed #1\nc addressed #1\n";
    const SENT: &str = "a sends o2 t1 k1 #1\na acked o2 m1\n";

    fn fail(history: &str, summary: &str) {
        let history = format!("{CAST}{history}\nphase end");
        fails(&BroadcastReach, &Charge::default(), &history, summary);
    }

    fn stand(history: &str, standing: Standing) -> Finding {
        let history = format!("{CAST}{history}\nphase end");
        stands(&BroadcastReach, &Charge::default(), &history, standing)
    }

    #[test]
    fn without_a_broadcast_there_is_nothing_to_judge() {
        let plain = "a b in #1\na sends o1 t1 k1 #1\na acked o1 m1\nb sees t1 m1 #1\nphase end";
        stands(&BroadcastReach, &Charge::default(), plain, Standing::NotExercised);
        stands(&BroadcastReach, &Charge::default(), "", Standing::NotExercised);
    }

    #[test]
    fn whoever_is_there_is_pushed_it_and_whoever_was_away_reads_it() {
        let reached = format!("{SENT}b sees t1 m1 #1\nc sees t1 m1 #1");
        assert_eq!(stand(&reached, Standing::Pass).observations, 2);
        let away = format!(
            "c cut\n{SENT}b sees t1 m1 #1\nc back\nc ready\nc reads o3 #1\nc row o3 t1 m1\nc done o3"
        );
        assert_eq!(stand(&away, Standing::Pass).observations, 2);
    }

    #[test]
    fn what_a_target_deletes_while_it_reads_may_be_missing() {
        let pushed = format!("{SENT}b sees t1 m1 #1\nc sees t1 m1 #1\nc reads o3 #1\n");
        stand(&format!("{pushed}c hides o4 m1 #1\nc done o3\nc done o4"), Standing::Pass);
    }

    #[test]
    fn a_target_that_it_does_not_reach_breaks_it() {
        fail(&format!("{SENT}b sees t1 m1 #1"), "a broadcast did not reach a target");
        let forgotten = format!("c cut\n{SENT}b sees t1 m1 #1\nc back\nc ready\nc reads o3 #1\n");
        fail(&format!("{forgotten}c done o3"), "a broadcast is in no history of a target");
        fail(&format!("{forgotten}c refused o3"), "a broadcast is refused to a target");
    }

    #[test]
    fn what_is_lost_with_a_connection_or_was_never_acked_accuses_nobody() {
        stand(&format!("{SENT}b sees t1 m1 #1\nc drops"), Standing::Pass);
        stand(&format!("c fault begins x\n{SENT}b sees t1 m1 #1"), Standing::Pass);
        stand("a sends o2 t1 k1 #1\na lost o2\na fails o2\nb sees t1 m1 #1", Standing::Pass);
        let broken_off = format!("{CAST}{SENT}b sees t1 m1 #1");
        assert_eq!(check(&BroadcastReach, &Charge::default(), &broken_off).violation_count, 0);
    }

    #[test]
    fn nobody_else_is_shown_it() {
        let reached = format!("{SENT}b sees t1 m1 #1\nc sees t1 m1 #1\n");
        let leak = "a broadcast was shown to somebody it is not meant for";
        fail(&format!("{reached}d sees t1 m1 #1"), leak);
        fail(&format!("{reached}d reads o9 #1\nd row o9 t1 m1\nd done o9"), leak);
        fail(&format!("{reached}d sees-of notice m1"), leak);
        stand(&format!("{reached}a reads o9 #1\na row o9 t1 m1\na done o9"), Standing::Pass);
    }

    #[test]
    fn it_has_one_id_for_everybody() {
        fail(&format!("{SENT}b sees t1 m1 #1\nc sees t1 m2 #1"), "a broadcast has several ids");
    }

    #[test]
    fn each_reader_is_told_to_the_sender() {
        let reached = format!(
            "{SENT}b sees t1 m1 #1\nc sees t1 m1 #1\nb asks read o5 m1 #1\nb acked o5\n\
             c asks read o6 m1 #1\nc acked o6\na hears u2 m1\n"
        );
        assert_eq!(stand(&format!("{reached}a hears u3 m1"), Standing::Pass).observations, 4);
        fail(&reached, "a reader of a broadcast is lost");
        stand(&format!("{reached}a drops"), Standing::Pass);
    }

    #[test]
    fn what_somebody_deleted_for_themselves_may_be_missing() {
        let hidden = format!(
            "{SENT}b sees t1 m1 #1\nc sees t1 m1 #1\nc asks hide o4 m1 #1\nc acked o4\n\
             c reads o5 #1\nc done o5"
        );
        stand(&hidden, Standing::Pass);
    }
}
