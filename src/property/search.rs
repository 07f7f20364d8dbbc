//! `search`: what was stored is found, by those who may read it.

mod probes;

use crate::history::{
    About, Answer, ClientId, ConversationId, Entry, Event, Nanos, OpId, PersonId, Token,
};
use crate::operation::Operation;
use crate::property::argument::{exhibit, place, violation, with_id};
use crate::property::company::Company;
use crate::property::recent::{Recent, Rows, hash};
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::verdict::{Exhibit, Finding};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

/// What was stored is found, by those who may read it.
#[derive(Debug)]
pub struct Search;

static PAGE: Page = Page {
    id: "search",
    title: "A search MUST find what was stored, for those who may read it and for nobody else.",
    promises: "Who searches for the text of a message finds it as soon as it was acked, in each \
        conversation they are in and in no other; not what they have deleted for themselves; and \
        nothing that does not say what was searched for.",
    matters: "A search that misses makes people write again what they know they wrote. One that \
        looks too far is the shortest way around every lock: it needs no id, only a word.",
    judged: "Each message of a run carries a word of its own; cases search for that. A complete search \
        must show every message with this word that was acked before the search was asked for, in a \
        conversation of the searcher's, unless the searcher has hidden it; none of a conversation \
        that the searcher is not in; none that was hidden before; none with another word, and none \
        for a text that nobody wrote and that a query language takes for a pattern.",
    blind: "Other words than the first of a text, parts of words, rank and spelling. Where a search \
        has no pages, what does not fit one. Messages acked more than a minute before.",
    example: "  1.204 s  client 3  had the ack of \"qzaaaabbbbcccc\" in conversation 2\n  \
        1.310 s  client 5  searched for \"qzaaaabbbbcccc\"\n  \
        1.322 s  client 5  had nothing\n\
        therefore a member does not find what is stored\n\
        but what was stored is found, by those who may read it and nobody else",
    source: "common practice: a search answers to the same rules as a read.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One search that came to its end.",
};

const BUT: &str = "what was stored is found, by those who may read it and nobody else";

impl Property for Search {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let page = charge.limits.page_rows.map_or("any number of".into(), |rows| rows.to_string());
        format!("what is acked is found at once, in one's own conversations; {page} rows on a page")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Index {
            searches_at_all: charge.does(Operation::Search),
            page: charge.limits.page_rows,
            company: Company::default(),
            sends: FxHashMap::default(),
            stored: Rows::new(charge.memory()),
            owners: Rows::new(charge.memory()),
            hiding: FxHashMap::default(),
            hidden: Recent::new(charge.memory()),
            perhaps: Recent::new(charge.memory()),
            searches: FxHashMap::default(),
            finding: Finding::default(),
        })
    }
}

/// The judge: what can be found, and what was.
struct Index {
    /// Clients can search.
    searches_at_all: bool,
    /// Rows of a page where nothing else is asked for.
    page: Option<u32>,
    company: Company,
    /// Sends that are not over.
    sends: FxHashMap<OpId, (Token, ConversationId)>,
    /// Acked messages, by their word.
    stored: Rows<Token, Vec<Stored>>,
    /// Where a text was sent; `None` if into several conversations.
    owners: Rows<Token, Option<ConversationId>>,
    /// Messages that are being hidden.
    hiding: FxHashMap<OpId, CompactString>,
    /// When a person hid a message.
    hidden: Recent<u64, Nanos>,
    /// It is not known whether a person hid a message.
    perhaps: Recent<u64, ()>,
    searches: FxHashMap<OpId, Query>,
    finding: Finding,
}

struct Stored {
    id: Option<CompactString>,
    place: ConversationId,
    at: Nanos,
    client: ClientId,
}

/// A search that is not over.
struct Query {
    client: ClientId,
    asked: Nanos,
    text: CompactString,
    /// The message that has the text; none has what is only a pattern.
    token: Option<Token>,
    rows: Vec<Row>,
    /// Rows of the last page, and how many were asked for.
    last: Option<(u32, u32)>,
}

struct Row {
    at: Nanos,
    token: Option<Token>,
    id: Option<CompactString>,
}

impl Judge for Index {
    fn observe(&mut self, entry: &Entry) {
        if !self.searches_at_all {
            return;
        }
        let (at, client) = (entry.at, entry.client);
        self.company.observe(entry);
        self.stored.tick(at);
        self.owners.tick(at);
        self.hidden.tick(at);
        self.perhaps.tick(at);
        match &entry.event {
            Event::Invoke { op, operation, conversation, message, about, .. } => {
                match (operation, about) {
                    (Operation::Send, _) => {
                        if let (Some(place), Some(message)) = (conversation, message) {
                            self.sends.insert(*op, (message.token, *place));
                            let known = self.owners.entry(message.token, || Some(*place));
                            *known = known.filter(|known| known == place);
                        }
                    }
                    (Operation::Hide, Some(About::Message(id))) => {
                        self.hiding.insert(*op, id.clone());
                    }
                    (Operation::Search, Some(About::Query(text))) => {
                        let (token, text) = (Token::find(text), text.clone());
                        let (rows, last) = (Vec::new(), None);
                        let search = Query { client, asked: at, text, token, rows, last };
                        self.searches.insert(*op, search);
                    }
                    _ => {}
                }
            }
            Event::Attempt { op, .. } => {
                if let Some(search) = self.searches.get_mut(op) {
                    search.rows.clear();
                }
            }
            Event::Answered { op, answer: Answer::Ack { id, .. }, .. } => {
                if let Some((token, place)) = self.sends.remove(op) {
                    let stored = Stored { id: id.clone(), place, at, client };
                    self.stored.entry(token, Vec::new).push(stored);
                }
            }
            Event::Page { op, of, rows, .. } => {
                if let Some(search) = self.searches.get_mut(op) {
                    search.last = Some((*rows, *of));
                }
            }
            Event::Found { op, token, id, .. } => {
                if let Some(search) = self.searches.get_mut(op) {
                    search.rows.push(Row { at, token: *token, id: id.clone() });
                }
            }
            Event::Ok { op, .. } => {
                self.sends.remove(op);
                if let (Some(id), Some(person)) =
                    (self.hiding.remove(op), self.company.person(client))
                {
                    self.hidden.insert(hash(&(person, &id)), at);
                }
                if let Some(search) = self.searches.remove(op) {
                    self.judge(at, &search);
                }
            }
            Event::Failed { op, certain, .. } => {
                self.sends.remove(op);
                if let (Some(id), Some(person), false) =
                    (self.hiding.remove(op), self.company.person(client), *certain)
                {
                    self.perhaps.insert(hash(&(person, &id)), ());
                }
                self.searches.remove(op);
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
        let rows: usize = self.searches.values().map(|search| 1 + search.rows.len()).sum();
        let hidden = self.hidden.len() + self.perhaps.len();
        let known = self.stored.len() + self.owners.len() + hidden;
        self.sends.len() + self.hiding.len() + known + rows
    }
}

impl Index {
    fn judge(&mut self, at: Nanos, search: &Query) {
        let Some(person) = self.company.person(search.client) else { return };
        self.finding.observations += 1;
        self.strange(at, person, search);
        let full = match search.last {
            Some((rows, of)) => rows >= of,
            None => self.page.is_some_and(|page| search.rows.len() >= page as usize),
        };
        let Some(token) = search.token.filter(|_| !full) else { return };
        let ids: FxHashSet<&CompactString> =
            search.rows.iter().filter_map(|row| row.id.as_ref()).collect();
        let named = search.rows.iter().filter(|row| row.token == search.token).count();
        // Which id a message has is another property's matter: enough rows with its word will do.
        let known = self.stored.get(token).map_or(0, Vec::len);
        let named = named >= known.max(1);
        let stored = self.stored.get(token).into_iter().flatten();
        let missed = stored.filter(|one| one.at < search.asked).find(|one| {
            let found = named || one.id.as_ref().is_some_and(|id| ids.contains(id));
            !found && self.company.is_member(person, one.place) && !self.hides(person, one)
        });
        let Some(missed) = missed else { return };
        let id = with_id(missed.id.as_deref());
        let acked = format!("had the ack of \"{token}\"{id} in {}", place(missed.place));
        let mut lines = vec![exhibit(missed.at, missed.client, acked)];
        lines.extend(search.lines(at));
        self.finding.violate(|| {
            let therefore = "a member does not find what is stored";
            violation("a stored message is not found", lines, therefore, BUT)
        });
    }

    /// Whether the person asked to hide it, however long ago, and was not refused.
    fn hides(&self, person: PersonId, stored: &Stored) -> bool {
        let asked = |id: &CompactString| {
            let under_way = self.hiding.values().any(|other| other == id);
            let name = hash(&(person, id));
            under_way || self.hidden.get(name).is_some() || self.perhaps.get(name).is_some()
        };
        stored.id.as_ref().is_some_and(asked)
    }

    /// Rows that should not be there.
    fn strange(&mut self, over: Nanos, person: PersonId, search: &Query) {
        for row in &search.rows {
            let owner = row.token.and_then(|token| *self.owners.get(token)?);
            let foreign = owner.filter(|place| !self.company.is_member(person, *place));
            let hidden = row.id.as_ref().and_then(|id| self.hidden.get(hash(&(person, id))));
            let (summary, therefore) = if let Some(foreign) = foreign {
                let therefore =
                    format!("somebody who is not in {} finds what was said there", place(foreign));
                ("a search shows a stranger's message", therefore)
            } else if hidden.is_some_and(|hidden| *hidden < search.asked) {
                let therefore = "what the searcher has deleted is found".to_owned();
                ("a search shows what was deleted", therefore)
            } else if row.token.is_some() && row.token != search.token {
                let therefore = "the row says something else than was searched for".to_owned();
                ("a search shows something else", therefore)
            } else {
                continue;
            };
            let lines = search.lines(over);
            return self.finding.violate(|| violation(summary, lines, therefore, BUT));
        }
    }
}

impl Query {
    fn lines(&self, over: Nanos) -> Vec<Exhibit> {
        const SHOWN: usize = 8;
        let asked = format!("searched for \"{}\"", self.text);
        let mut lines = vec![exhibit(self.asked, self.client, asked)];
        lines.extend(self.rows.iter().take(SHOWN).map(|row| {
            let token = row.token.map_or_else(|| "a text".into(), |token| format!("\"{token}\""));
            let id = with_id(row.id.as_deref());
            exhibit(row.at, self.client, format!("found {token}{id}"))
        }));
        let count = self.rows.len();
        lines.push(exhibit(
            over,
            self.client,
            match count {
                0 => "had nothing".to_owned(),
                1 => "had 1 row".to_owned(),
                _ => format!("had {count} rows"),
            },
        ));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, passes};

    const IT: Search = Search;

    fn charge() -> Charge {
        Charge::default()
    }

    /// Ann's message in #1, Carl's in #2, and a search for the first by this client.
    fn searched(by: &str, rows: &str) -> String {
        format!(
            "a b in #1
             c d in #2
             a sends o1 t1 k1 #1
             a acked o1 m1 1
             c sends o2 t2 k2 #2
             c acked o2 m2 1
             {by} searches o5 t1
             {rows}
             {by} done o5"
        )
    }

    #[test]
    fn a_member_finds_it_and_a_stranger_finds_nothing() {
        assert_eq!(passes(&IT, &charge(), &searched("b", "b found o5 t1 m1")).observations, 1);
        passes(&IT, &charge(), &searched("c", ""));
    }

    #[test]
    fn what_is_stored_must_be_found_by_members() {
        fails(&IT, &charge(), &searched("b", ""), "a stored message is not found");
        let early = searched("b", "")
            .replace("a acked o1 m1 1", "")
            .replace("b done o5", "a acked o1 m1 1\nb done o5");
        passes(&IT, &charge(), &early);
    }

    #[test]
    fn a_stranger_must_not_find_it() {
        let rows = "c found o5 t1 m1";
        fails(&IT, &charge(), &searched("c", rows), "a search shows a stranger's message");
    }

    #[test]
    fn what_does_not_say_it_must_not_be_found() {
        let rows = "d found o5 t2 m2";
        fails(&IT, &charge(), &searched("d", rows), "a search shows something else");
    }

    #[test]
    fn a_pattern_is_no_word() {
        let pattern = |rows| searched("b", rows).replace("searches o5 t1", "searches o5");
        passes(&IT, &charge(), &pattern(""));
        fails(&IT, &charge(), &pattern("b found o5 t1 m1"), "a search shows something else");
    }

    #[test]
    fn what_was_hidden_is_not_found_by_who_hid_it() {
        let hidden = |rows| {
            searched("b", rows).replace("b searches", "b hides o4 m1 #1\nb done o4\nb searches")
        };
        passes(&IT, &charge(), &hidden(""));
        fails(&IT, &charge(), &hidden("b found o5 t1 m1"), "a search shows what was deleted");
    }

    #[test]
    fn what_may_have_been_hidden_may_be_found_or_not() {
        let tried = |rows| {
            let hides = "b hides o4 m1 #1\nb lost o4\nb fails o4\nb searches";
            searched("b", rows).replace("b searches", hides)
        };
        passes(&IT, &charge(), &tried(""));
        passes(&IT, &charge(), &tried("b found o5 t1 m1"));
        let refused = tried("").replace("b lost o4\nb fails o4", "b refused o4");
        fails(&IT, &charge(), &refused, "a stored message is not found");
    }

    #[test]
    fn what_does_not_fit_a_full_page_may_be_missing() {
        let full = "b page o5 1 of 1 rows 1\nb found o5 m9";
        passes(&IT, &charge(), &searched("b", full));
        let more = full.replace("of 1 ", "of 2 ");
        fails(&IT, &charge(), &searched("b", &more), "a stored message is not found");
    }
}
