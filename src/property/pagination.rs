//! `pagination`: pages, put together, are the whole once.

mod arrivals;
mod probes;
mod walk;

use crate::history::{
    Answer, Carrier, ClientId, ConversationId, Entry, Event, Nanos, OpId, Order, Seen, Token,
};
use crate::operation::Operation;
use crate::property::argument::{exhibit, place, violation};
use crate::property::recent::{Recent, Rows, hash};
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::spec::PageEdges;
use crate::verdict::Finding;
use arrivals::Arrivals;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use walk::Walk;

/// Pages, put together, are the whole once.
#[derive(Debug)]
pub struct Pagination;

static PAGE: Page = Page {
    id: "pagination",
    title: "The pages of a history MUST show each of its messages once.",
    promises: "Whoever reads a conversation page by page has all of it in the end, each message \
        once and in one order from page to page: whatever the size of a page, also when there is \
        exactly a page, and while new messages arrive.",
    matters: "Nobody sees a whole history at once. A message that falls between two pages is in the \
        database and in nobody's sight; one that stands on two pages is shown twice.",
    judged: "Each complete read that has several pages, or pages of a size that was asked for, is \
        put together. A message that was acked before the read was asked for must be in it, if any \
        read of this history shows it. No row may stand on two pages, but for the one at the very \
        position that was asked for (`pages: since` includes it). No page may have more rows than \
        were asked for, and what a page brings may not lie between what earlier pages brought. \
        Where the spec says that pages shift (`traits: paging`), as many rows may stand on two pages \
        as messages were sent there while somebody read, and with a page of them or more their order is \
        not judged. \
        A sync is judged from its first row on.",
    blind: "Messages acked more than a minute before, and more than the last 2,000 of a \
        conversation: there the final read of `at-least-once` looks. A message that no read shows \
        is lost, not skipped: `at-least-once` judges that. Messages without an id in the answers. \
        Lists of conversations: `conversation-identity` judges them.",
    example: "  1.204 s  client 3  had the ack of \"qzaaaabbbbcccc\" with id 17\n  \
        2.001 s  client 5  asked for the history of conversation 2\n  \
        2.009 s  client 5  had page 1: 5 rows of 5\n  \
        2.014 s  client 5  had page 2: 5 rows of 5\n  \
        2.020 s  client 5  had page 3: 1 row of 5\n\
        therefore \"qzaaaabbbbcccc\" stands on none of the 3 pages\n\
        but pages, put together, show each message once",
    source: "common practice: pages are a way to read, not a way to lose.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One complete read of several pages, or of pages of a size that was asked for.",
};

impl Property for Pagination {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let order = match charge.traits.order {
            Some(_) => "pages in one order",
            None => "pages in any order",
        };
        let once = match charge.traits.paging {
            PageEdges::Steady => "once",
            PageEdges::Shifting => "once, or again where new ones moved it on",
        };
        format!("each message of before the read {once}; {order}; no page longer than asked for")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Reader {
            ordered: charge.traits.order.is_some(),
            arrivals: (charge.traits.paging == PageEdges::Shifting).then(Arrivals::default),
            usual: charge.limits.page_rows,
            memory: charge.memory(),
            members: FxHashSet::default(),
            due: FxHashSet::default(),
            sends: Rows::default(),
            hiding: FxHashMap::default(),
            hidden: Recent::new(charge.memory()),
            stored: FxHashMap::default(),
            shown: Recent::new(charge.memory()),
            walks: FxHashMap::default(),
            missing: FxHashMap::default(),
            finding: Finding::default(),
        })
    }
}

/// Acked messages of a conversation that are remembered.
const REMEMBERED: usize = 2_000;
/// Misses that wait for a read which shows that the message is stored.
const MISSES: usize = 1_000;

/// The judge: what was stored before a read, and what its pages showed.
struct Reader {
    ordered: bool,
    /// What moves the pages; `None`: nothing does.
    arrivals: Option<Arrivals>,
    /// Rows of a page where nothing else is asked for.
    usual: Option<u32>,
    memory: Nanos,
    members: FxHashSet<(ClientId, ConversationId)>,
    /// Operations of which something special is demanded.
    due: FxHashSet<OpId>,
    sends: Rows<OpId, (Token, ConversationId)>,
    /// Messages that are being hidden, and by whom.
    hiding: FxHashMap<OpId, CompactString>,
    hidden: Recent<u64, ()>,
    stored: FxHashMap<ConversationId, VecDeque<Stored>>,
    /// Messages that some read has shown.
    shown: Recent<Name, ()>,
    walks: FxHashMap<OpId, Walk>,
    /// Missed by a complete read, and shown by none so far.
    missing: FxHashMap<Name, Missed>,
    finding: Finding,
}

/// What a message is known by: its id, hashed with its conversation, or its witness.
type Name = u64;

/// A message that was acked.
#[derive(Clone, Debug)]
struct Stored {
    token: Token,
    id: Option<CompactString>,
    order: Option<Order>,
    at: Nanos,
    client: ClientId,
}

/// A message that a complete read did not show.
struct Missed {
    stored: Stored,
    walk: Walk,
    over: Nanos,
}

impl Stored {
    fn name(&self, conversation: ConversationId) -> Name {
        name(conversation, self.id.as_ref(), Some(self.token))
    }
}

fn name(conversation: ConversationId, id: Option<&CompactString>, token: Option<Token>) -> Name {
    match id {
        Some(id) => hash(&(conversation, id)),
        None => hash(&(conversation, token)),
    }
}

impl Judge for Reader {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.hidden.tick(at);
        self.shown.tick(at);
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.observe(&entry.event);
        }
        match &entry.event {
            Event::Member { conversation, .. } => {
                self.members.insert((client, *conversation));
            }
            Event::Due { op, .. } => {
                self.due.insert(*op);
            }
            Event::Invoke { op, operation, conversation: Some(place), message, about, .. } => {
                let special = self.due.remove(op);
                match (operation, message) {
                    (Operation::Send, Some(message)) if !special => {
                        self.sends.insert(*op, (message.token, *place));
                    }
                    (Operation::Hide, _) => {
                        if let Some(crate::history::About::Message(id)) = about {
                            self.hiding.insert(*op, id.clone());
                            self.hidden.insert(hash(&(client, id)), ());
                        }
                    }
                    (Operation::History | Operation::Sync, _)
                        if !special && self.members.contains(&(client, *place)) =>
                    {
                        let sync = *operation == Operation::Sync;
                        let mut walk = Walk::new(at, client, *place, sync);
                        walk.arrived = self.arrivals.as_ref().map_or(0, |all| all.before(*place));
                        self.walks.insert(*op, walk);
                    }
                    _ => {}
                }
            }
            Event::Attempt { op, .. } => {
                if let Some(walk) = self.walks.get_mut(op) {
                    walk.begins();
                }
            }
            Event::Answered { op, answer: Answer::Ack { id, order }, .. } => {
                self.acked(at, client, *op, id.as_ref(), *order);
            }
            Event::Page { op, number, of, rows, again } => {
                if let Some(walk) = self.walks.get_mut(op) {
                    walk.page(at, (*number, *of, *rows), again);
                }
            }
            Event::Message(seen) => self.saw(seen),
            Event::Ok { op, .. } => {
                self.sends.remove(*op);
                self.hiding.remove(op);
                self.over(at, *op);
            }
            Event::Failed { op, .. } => {
                self.sends.remove(*op);
                self.hiding.remove(op);
                self.walks.remove(op);
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>) -> Finding {
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.sends.len()
            + self.due.len()
            + self.hiding.len()
            + self.hidden.len()
            + self.shown.len()
            + self.missing.len()
            + self.stored.values().map(VecDeque::len).sum::<usize>()
            + self.walks.values().map(Walk::len).sum::<usize>()
    }
}

impl Reader {
    fn acked(
        &mut self,
        at: Nanos,
        client: ClientId,
        op: OpId,
        id: Option<&CompactString>,
        order: Option<Order>,
    ) {
        let Some((token, place)) = self.sends.remove(op) else { return };
        let stored = self.stored.entry(place).or_default();
        let oldest = at.saturating_sub(self.memory);
        while stored.front().is_some_and(|old| old.at < oldest) || stored.len() >= REMEMBERED {
            stored.pop_front();
        }
        stored.push_back(Stored { token, id: id.cloned(), order, at, client });
    }

    /// A row of a read shows that its message is stored.
    fn saw(&mut self, seen: &Seen) {
        let (Carrier::Sync(op) | Carrier::History(op)) = seen.by else { return };
        if let Some(walk) = self.walks.get_mut(&op) {
            walk.row(seen);
        }
        let Some(place) = seen.conversation else { return };
        for name in [name(place, seen.id.as_ref(), None), name(place, None, seen.token)] {
            self.shown.insert(name, ());
            if let Some(Missed { stored, walk, over }) = self.missing.remove(&name) {
                self.accuse(&stored, &walk, over);
            }
        }
    }

    /// A read is complete.
    fn over(&mut self, at: Nanos, op: OpId) {
        let Some(walk) = self.walks.remove(&op).filter(|walk| walk.counts(self.usual)) else {
            return;
        };
        self.finding.observations += 1;
        self.finding.count("pages read", walk.pages.len() as u64);
        let arrived = self.arrivals.as_ref().map_or(0, |all| all.until_now(walk.place));
        let moved = arrived.saturating_sub(walk.arrived);
        walk.judge(at, self.ordered, moved, &mut self.finding);
        let stored = self.stored.get(&walk.place).into_iter().flatten();
        let missed: Vec<Stored> = stored
            .filter(|stored| stored.at < walk.asked && !walk.shows(stored))
            .filter(|stored| !self.is_hidden(walk.client, stored))
            .cloned()
            .collect();
        for stored in missed {
            let name = stored.name(walk.place);
            if self.shown.get(name).is_some() {
                self.accuse(&stored, &walk, at);
            } else if self.missing.len() < MISSES {
                self.missing.insert(name, Missed { stored, walk: walk.clone(), over: at });
            }
        }
    }

    fn is_hidden(&self, client: ClientId, stored: &Stored) -> bool {
        stored.id.as_ref().is_some_and(|id| self.hidden.get(hash(&(client, id))).is_some())
    }

    fn accuse(&mut self, stored: &Stored, walk: &Walk, over: Nanos) {
        self.finding.violate(|| {
            let token = stored.token;
            let id = crate::property::argument::with_id(stored.id.as_deref());
            let acked = format!("had the ack of \"{token}\"{id} in {}", place(walk.place));
            let mut lines = vec![exhibit(stored.at, stored.client, acked)];
            lines.extend(walk.lines(over));
            let pages = walk.pages.len();
            let therefore = format!("\"{token}\" is stored, and on none of the {pages} pages");
            violation("a message that no page shows", lines, therefore, walk::BUT)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, passes, stands};
    use crate::verdict::Standing;

    const IT: Pagination = Pagination;

    fn charge() -> Charge {
        Charge::default()
    }

    /// Three messages, and a walk of `b` with these events; the end shows all three.
    fn walked(walk: &str) -> String {
        let sends: String = (1..=3)
            .map(|n| format!("a sends o{n} t{n} k{n} #1\na acked o{n} m{n} {n}\n"))
            .collect();
        let rows: String = (1..=3).map(|n| format!("a row o9 t{n} m{n} {n}\n")).collect();
        format!(
            "a b in #1\n{sends}b reads o5 #1\n{walk}\nb done o5\na reads o9 #1\n{rows}a done o9"
        )
    }

    const WHOLE: &str = "b page o5 1 of 2 rows 2
        b row o5 t1 m1 1
        b row o5 t2 m2 2
        b page o5 2 of 2 rows 1
        b row o5 t3 m3 3";

    #[test]
    fn pages_that_are_the_whole_once_pass() {
        assert_eq!(passes(&IT, &charge(), &walked(WHOLE)).observations, 1);
        let backwards = "b page o5 1 of 2 rows 2
            b row o5 t2 m2 2
            b row o5 t3 m3 3
            b page o5 2 of 2 rows 1
            b row o5 t1 m1 1";
        passes(&IT, &charge(), &walked(backwards));
    }

    #[test]
    fn a_message_on_no_page_is_skipped_if_it_is_stored() {
        let skipped = WHOLE.replace("b row o5 t2 m2 2", "b row o5 t9 m9 2");
        fails(&IT, &charge(), &walked(&skipped), "a message that no page shows");
        let last = "b page o5 1 of 2 rows 2
            b row o5 t1 m1 1
            b row o5 t2 m2 2
            b page o5 2 of 2 rows 0";
        fails(&IT, &charge(), &walked(last), "a message that no page shows");
        // Nobody shows it: it is lost, and that is not the pages' fault.
        passes(&IT, &charge(), &walked(&skipped).replace("a row o9 t2 m2 2", ""));
    }

    #[test]
    fn what_was_acked_after_the_read_was_asked_for_may_be_missing() {
        let history = walked(WHOLE)
            .replace("b page o5 2 of 2", "a sends o4 t4 k4 #1\na acked o4 m4 4\nb page o5 2 of 2");
        let shown = history.replace("a done o9", "a row o9 t4 m4 4\na done o9");
        passes(&IT, &charge(), &shown);
    }

    #[test]
    fn a_row_on_two_pages_fails() {
        let again = WHOLE.replace("2 of 2 rows 1", "2 of 2 rows 2 again m1");
        fails(&IT, &charge(), &walked(&again), "a row on two pages");
        let twice = WHOLE.replace("b row o5 t2 m2 2", "b row o5 t2 m2 2\nb row o5 t2 m2 2");
        fails(&IT, &charge(), &walked(&twice), "a row twice on one page");
    }

    #[test]
    fn where_pages_shift_each_new_message_may_move_one_row_on() {
        let mut shifting = charge();
        shifting.traits.paging = PageEdges::Shifting;
        let again = |more: &str| {
            let second = format!("{more}b page o5 2 of 2 rows 2 again m1");
            walked(&WHOLE.replace("b page o5 2 of 2 rows 1", &second))
        };
        let arrives = "a sends o4 t4 k4 #1\na acked o4 m4 4\n";
        passes(&IT, &shifting, &again(arrives));
        fails(&IT, &shifting, &again(""), "a row on two pages");
        fails(&IT, &charge(), &again(arrives), "a row on two pages");
        let twice = again(arrives).replace("again m1", "again m1 m2");
        fails(&IT, &shifting, &twice, "a row on two pages");
    }

    #[test]
    fn a_page_has_as_many_rows_as_were_asked_for_at_most() {
        let long = WHOLE.replace("1 of 2 rows 2", "1 of 2 rows 3");
        fails(&IT, &charge(), &walked(&long), "a page longer than asked for");
    }

    #[test]
    fn pages_do_not_lie_between_each_other() {
        let mixed = "b page o5 1 of 2 rows 2
            b row o5 t1 m1 1
            b row o5 t3 m3 3
            b page o5 2 of 2 rows 1
            b row o5 t2 m2 2";
        fails(&IT, &charge(), &walked(mixed), "pages out of order");
        let unordered =
            Charge { traits: crate::spec::Traits { order: None, ..charge().traits }, ..charge() };
        passes(&IT, &unordered, &walked(mixed));
    }

    #[test]
    fn a_second_attempt_starts_over_and_a_broken_walk_says_nothing() {
        let again =
            format!("b page o5 1 of 2 rows 2\nb row o5 t1 m1 1\nb lost o5\nb tries o5\n{WHOLE}");
        passes(&IT, &charge(), &walked(&again));
        let broken = walked("b page o5 1 of 2 rows 2").replace("b done o5", "b fails o5");
        stands(&IT, &charge(), &broken, Standing::NotExercised);
    }

    #[test]
    fn one_page_of_the_usual_size_proves_nothing() {
        let usual = Charge {
            limits: crate::spec::Limits { page_rows: Some(100), ..charge().limits },
            ..charge()
        };
        let one = "b page o5 1 of 100 rows 3
            b row o5 t1 m1 1
            b row o5 t2 m2 2
            b row o5 t3 m3 3";
        stands(&IT, &usual, &walked(one), Standing::NotExercised);
        passes(&IT, &usual, &walked(&one.replace("of 100", "of 5")));
    }

    #[test]
    fn what_the_reader_has_hidden_is_not_missed() {
        let hidden =
            WHOLE.replace("b row o5 t3 m3 3", "").replace("2 of 2 rows 1", "2 of 2 rows 0");
        let history =
            walked(&hidden).replace("b reads o5 #1", "b hides o6 m3 #1\nb done o6\nb reads o5 #1");
        passes(&IT, &charge(), &history);
    }
}
