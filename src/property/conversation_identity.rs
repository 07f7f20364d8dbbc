//! `conversation-identity`: the same people have the same conversation, everywhere and for good.

mod lists;
mod probes;
mod register;

use crate::history::{
    About, Answer, Carrier, ClientId, ConversationId, Due, Entry, Event, OpId, Seen, Token,
};
use crate::operation::Operation;
use crate::property::argument::{exhibit, place, violation};
use crate::property::recent::Rows;
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::spec::Create;
use crate::verdict::Finding;
use compact_str::CompactString;
use lists::Lists;
use register::{Asking, Register, named};
use rustc_hash::{FxHashMap, FxHashSet};

/// The same people have the same conversation.
#[derive(Debug)]
pub struct ConversationIdentity;

static PAGE: Page = Page {
    id: "conversation-identity",
    title: "A server MUST give the same two people the same conversation, and only one.",
    promises: "Whoever of two people asks, on whichever device, in whichever order and at whichever \
        moment, gets the one conversation they have; different people get different ones. All who \
        were named are in it, its creator too. Lists, contacts and messages call it by one id. \
        There is none with oneself.",
    matters: "Two conversations of the same two people split their history: each writes where the \
        other does not look. Looking for it first and making it then is the classic way to get two.",
    judged: "The answers to all requests for a conversation are compared: one id for one pair (where \
        the spec says that a pair's conversation is found again), different ids for different \
        people, no refusal but for oneself alone. Each complete list must hold every conversation \
        its owner was given before it was asked for, once; from the second list of a person on, \
        none that nobody made. Somebody who was named must not be refused a join or a read there. \
        A pushed message must name the conversation that it was sent into.",
    blind: "Groups of the same people are not compared with each other: documents differ on whether \
        they are the same. A list as long as a page may be cut, so nothing is missed in it. \
        Requests whose answer was lost may have made a conversation that nobody can name.",
    example: "  1.204 s  client 1  asked for a conversation of users 100001, 100002: id 17\n  \
        1.207 s  client 3  asked for a conversation of users 100002, 100001: id 18\n\
        therefore two people have the conversations 17 and 18\n\
        but the same two people have the same conversation",
    source: "common practice: a direct conversation is its two people, however it is asked for.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One answer or list that was compared with what was known of the conversations.",
};

impl Property for ConversationIdentity {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let pairs = match charge.traits.create {
            Create::GetOrCreate => "one conversation per pair",
            Create::AlwaysNew => "a new conversation for each request",
        };
        format!("{pairs}; different people, different conversations; the same in every list")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Registrar {
            names_conversation: charge.names_conversation,
            users: FxHashMap::default(),
            register: Register::new(charge.traits.create == Create::GetOrCreate),
            lists: Lists::new(charge.limits.page_rows),
            due: FxHashMap::default(),
            asked: FxHashMap::default(),
            visits: Rows::new(charge.memory()),
            by_step: FxHashMap::default(),
            sent: Rows::new(charge.memory()),
            broadcasts: FxHashSet::default(),
            finding: Finding::default(),
        })
    }
}

/// The judge: who asked for which conversation, and what they got.
struct Registrar {
    names_conversation: bool,
    users: FxHashMap<ClientId, CompactString>,
    register: Register,
    lists: Lists,
    /// What the documents demand of operations that were asked for on purpose.
    due: FxHashMap<OpId, Due>,
    /// Requests for conversations that are not answered.
    asked: FxHashMap<OpId, Asking>,
    /// Joins and reads in conversations that were made by a request of the history.
    visits: Rows<OpId, (ClientId, ConversationId)>,
    /// The conversations that were made by a request of the history, and how the server calls them.
    by_step: FxHashMap<ConversationId, Option<CompactString>>,
    /// Into which conversation a text was sent; `None` if into several.
    sent: Rows<Token, Option<ConversationId>>,
    broadcasts: FxHashSet<ConversationId>,
    finding: Finding,
}

impl Judge for Registrar {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.sent.tick(at);
        self.visits.tick(at);
        match &entry.event {
            Event::Person { user, .. } => {
                self.users.insert(client, user.clone());
            }
            // A broadcast is nobody's conversation with anybody; but it may be listed.
            Event::Invoke {
                operation: Operation::Broadcast, conversation: Some(place), ..
            } => {
                self.broadcasts.insert(*place);
            }
            Event::Member { conversation, id } | Event::Addressed { conversation, id }
                if self.broadcasts.contains(conversation) =>
            {
                self.lists.tolerate(id);
            }
            Event::Member { conversation, id } => {
                if let Some(known) = self.by_step.get_mut(conversation) {
                    *known = Some(id.clone());
                } else if let Some(user) = self.users.get(&client) {
                    self.register.member(at, client, *conversation, id, user);
                }
            }
            Event::Due { op, due, .. } => {
                self.due.insert(*op, *due);
            }
            Event::Invoke { op, operation, conversation, message, about, .. } => {
                match (operation, about, conversation, message) {
                    (Operation::Create, Some(About::People(people)), place, _) => {
                        self.ask(entry, *op, people, *place);
                    }
                    // A list that must be refused says nothing, whoever it was made for.
                    (Operation::List | Operation::Contacts, ..)
                        if self.due.get(op) != Some(&Due::Refused) =>
                    {
                        self.lists.asked(at, client, *op, *operation);
                    }
                    (Operation::Send, _, Some(place), Some(message)) => {
                        let known = self.sent.entry(message.token, || Some(*place));
                        *known = known.filter(|known| known == place);
                    }
                    (Operation::Join | Operation::Sync | Operation::History, _, Some(place), _)
                        if self.by_step.contains_key(place) && !self.due.contains_key(op) =>
                    {
                        self.visits.insert(*op, (client, *place));
                    }
                    _ => {}
                }
            }
            Event::Attempt { op, .. } => self.lists.begins(*op),
            Event::Answered { op, answer, .. } => self.answered(entry, *op, answer),
            Event::Listed { op, id, user } => self.lists.row(at, *op, id.as_ref(), user.as_ref()),
            Event::Ok { op, .. } => {
                self.due.remove(op);
                self.listed(*op);
            }
            Event::Failed { op, .. } => {
                self.due.remove(op);
                self.lists.forget(*op);
                if let Some(asking) = self.asked.remove(op) {
                    self.lists.doubt(&asking.people);
                }
            }
            Event::Message(seen) => self.saw(entry, seen),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.register.settle(&mut self.finding);
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.asked.len() + self.lists.len() + self.visits.len() + self.sent.len() + self.due.len()
    }
}

impl Registrar {
    fn ask(
        &mut self,
        entry: &Entry,
        op: OpId,
        listed: &[CompactString],
        place: Option<ConversationId>,
    ) {
        let Some(user) = self.users.get(&entry.client) else { return };
        self.register.settle(&mut self.finding);
        if let Some(place) = place {
            self.by_step.entry(place).or_default();
        }
        let asking = Asking::new(entry, user, listed, self.due.get(&op).copied());
        self.asked.insert(op, asking);
    }

    fn answered(&mut self, entry: &Entry, op: OpId, answer: &Answer) {
        if let Some((client, conversation)) = self.visits.get(op).copied() {
            if let Answer::Nack(error) = answer {
                self.kept_out(entry, client, conversation, error);
            }
            return;
        }
        let Some(asking) = self.asked.get(&op) else { return };
        match answer {
            Answer::Ack { id: Some(id), .. } => {
                let asking = asking.clone();
                self.asked.remove(&op);
                self.register.made(entry.at, &asking, id, &mut self.finding);
            }
            Answer::Nack(error) => {
                self.finding.observations += 1;
                if asking.must_be_there() {
                    let line = exhibit(asking.at, asking.client, asking.words());
                    let no = format!("was refused: \"{error}\"");
                    let no = exhibit(entry.at, asking.client, no);
                    self.finding.violate(|| {
                        let therefore = format!("{} have no conversation", named(&asking.people));
                        let but = "people who are not one and the same can have a conversation";
                        violation("a conversation was refused", vec![line, no], therefore, but)
                    });
                }
            }
            Answer::Ack { id: None, .. } | Answer::TimedOut | Answer::Lost => {}
        }
    }

    /// Somebody who was named is refused where a conversation was made.
    fn kept_out(
        &mut self,
        entry: &Entry,
        client: ClientId,
        conversation: ConversationId,
        error: &str,
    ) {
        self.finding.violate(|| {
            let id = self.by_step.get(&conversation).and_then(Option::as_deref);
            let called = id.map_or_else(|| place(conversation), |id| format!("conversation {id}"));
            let what = format!("was refused in {called}: \"{error}\"");
            let therefore = "somebody of a conversation's people is not in it";
            let but = "all who were named are in a conversation, its creator too";
            let lines = vec![exhibit(entry.at, client, what)];
            violation("a member is kept out", lines, therefore, but)
        });
    }

    fn listed(&mut self, op: OpId) {
        let Some(list) = self.lists.take(op) else { return };
        let Some(user) = self.users.get(&list.client).cloned() else { return };
        self.register.settle(&mut self.finding);
        let under_way = self.asked.values().any(|asking| asking.people.contains(&user));
        if under_way {
            self.lists.doubt(std::slice::from_ref(&user));
        }
        self.lists.judge(&list, &user, &self.register, &mut self.finding);
    }

    /// A message names the conversation that it was sent into.
    fn saw(&mut self, entry: &Entry, seen: &Seen) {
        let sent = seen.token.and_then(|token| Some((token, (*self.sent.get(token)?)?)));
        let Some((token, sent)) = sent.filter(|_| seen.by == Carrier::Live) else { return };
        let strange = seen.conversation.is_none() && self.names_conversation;
        let other = seen.conversation.filter(|shown| {
            *shown != sent && self.register.id_of(*shown) != self.register.id_of(sent)
        });
        if !strange && other.is_none() {
            return;
        }
        self.finding.violate(|| {
            let shown = other.map_or("a conversation that nobody was given".into(), place);
            let line = format!("was pushed \"{token}\" in {shown}");
            let therefore = format!("it shows elsewhere than in {}", place(sent));
            let but = "a message names the conversation that it was sent into";
            let lines = vec![exhibit(entry.at, entry.client, line)];
            violation("a message in another conversation", lines, therefore, but)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, passes, stands};
    use crate::verdict::Standing;

    const IT: ConversationIdentity = ConversationIdentity;

    fn charge() -> Charge {
        Charge::default()
    }

    /// Three people who have an account and no conversation.
    const ALL: &str = "a a2 b c know #\n";

    fn then(what: &str) -> String {
        format!("{ALL}{what}")
    }

    #[test]
    fn a_pair_has_one_conversation_however_it_is_asked_for() {
        let history = then(
            "a creates o1 #1 with a b
             b creates o2 #1 with b a
             a made o1 c17
             b made o2 c17
             a2 creates o3 #1 with b
             a2 made o3 c17
             a creates o4 with a c
             a made o4 c18",
        );
        assert_eq!(passes(&IT, &charge(), &history).observations, 4);
    }

    #[test]
    fn two_conversations_of_a_pair_fail_unless_each_request_makes_one() {
        let history = then(
            "a creates o1 #1 with a b
             b creates o2 #1 with b a
             a made o1 c17
             b made o2 c18",
        );
        fails(&IT, &charge(), &history, "two conversations of one pair");
        let mut always_new = charge();
        always_new.traits.create = Create::AlwaysNew;
        passes(&IT, &always_new, &history);
        let from_before = "a b in #1\na creates o1 with a b\na made o1 c9";
        fails(&IT, &charge(), from_before, "two conversations of one pair");
    }

    #[test]
    fn one_conversation_of_different_people_fails_also_in_a_setup() {
        let history = then(
            "a creates o1 with a b
             a made o1 c17
             a creates o2 with a c
             a made o2 c17",
        );
        fails(&IT, &charge(), &history, "one conversation of different people");
        let set_up = "a b c in #1\na b in #2";
        passes(&IT, &charge(), set_up);
    }

    #[test]
    fn a_conversation_with_oneself_must_be_refused() {
        let refused = then("a owes o1 refusal\na creates o1 with a\na refused o1");
        passes(&IT, &charge(), &refused);
        let made = then("a owes o1 refusal\na creates o1 with a a\na made o1 c17");
        fails(&IT, &charge(), &made, "a conversation with oneself");
    }

    #[test]
    fn a_refusal_to_others_fails_but_not_of_a_list_with_somebody_twice() {
        let refused = then("a creates o1 with a b\na refused o1");
        fails(&IT, &charge(), &refused, "a conversation was refused");
        let twice = then("a creates o1 with a b b\na refused o1");
        passes(&IT, &charge(), &twice);
        let lost = then("a creates o1 with a b\na timeout o1\na fails o1");
        stands(&IT, &charge(), &lost, Standing::NotExercised);
    }

    #[test]
    fn lists_hold_every_conversation_once() {
        let list = |rows: &str| {
            then(&format!(
                "a creates o1 #1 with b c
                 a made o1 c17
                 a lists o2
                 {rows}
                 a done o2"
            ))
        };
        passes(&IT, &charge(), &list("a listed o2 c17\na listed o2 c3"));
        fails(&IT, &charge(), &list("a listed o2 c3"), "a conversation is not listed");
        let twice = "a listed o2 c17\na listed o2 c17";
        fails(&IT, &charge(), &list(twice), "a conversation is listed twice");
        let mut charge = charge();
        charge.limits.page_rows = Some(1);
        passes(&IT, &charge, &list("a listed o2 c3"));
        let before = then("a lists o2\na creates o1 with a b\na made o1 c17\na done o2");
        passes(&IT, &charge, &before);
    }

    #[test]
    fn a_later_list_holds_nothing_that_nobody_made() {
        let lists = |between: &str| {
            then(&format!(
                "a lists o1
                 a listed o1 c3
                 a done o1
                 {between}
                 a lists o4
                 a listed o4 c3
                 a listed o4 c17
                 a listed o4 c18
                 a done o4"
            ))
        };
        let one = "a creates o2 with a b\na made o2 c17";
        fails(&IT, &charge(), &lists(one), "a conversation that nobody made");
        let lost = format!("{one}\na creates o3 with a c\na timeout o3\na fails o3");
        passes(&IT, &charge(), &lists(&lost));
    }

    #[test]
    fn contacts_name_the_same_conversation() {
        let contacts = |row: &str| {
            then(&format!("a creates o1 with a b\na made o1 c17\na contacts o2\n{row}\na done o2"))
        };
        passes(&IT, &charge(), &contacts("a listed o2 u2 c17"));
        passes(&IT, &charge(), &contacts("a listed o2 u2\na listed o2 u3"));
        fails(
            &IT,
            &charge(),
            &contacts("a listed o2 u2 c18"),
            "contacts name another conversation",
        );
    }

    #[test]
    fn who_was_named_is_in_it() {
        let history = then(
            "a creates o1 #1 with b c
             a made o1 c17
             a b c in #1
             a syncs o2 #1
             a refused o2",
        );
        fails(&IT, &charge(), &history, "a member is kept out");
        let elsewhere = "a b in #1\na syncs o2 #1\na refused o2";
        stands(&IT, &charge(), elsewhere, Standing::NotExercised);
    }

    #[test]
    fn a_message_names_its_conversation() {
        let pushed = |place: &str| {
            format!("a b in #1\na c in #2\na sends o1 t1 k1 #1\nb sees t1 m1 {place}")
        };
        passes(&IT, &charge(), &pushed("#1"));
        fails(&IT, &charge(), &pushed("#2"), "a message in another conversation");
        fails(&IT, &charge(), &pushed(""), "a message in another conversation");
        let mut nameless = charge();
        nameless.names_conversation = false;
        passes(&IT, &nameless, &pushed(""));
    }
}
