//! `input-limits`: the documented limits hold, and bad input gets an error and harms nobody.

mod asks;
mod leak;
mod probes;
mod rules;

use self::asks::{Asked, Link, Odd};
use crate::fault::is_of_server;
use crate::history::{
    Carrier, ClientId, ConversationId, Damage, Due, Entry, Event, Nanos, OpId, PersonId, Seen,
    Token,
};
use crate::operation::ConnectionState;
use crate::plan::text::{self, Kind};
use crate::property::argument::span;
use crate::property::charge::nanos;
use crate::property::pace::Pace;
use crate::property::recent::{Rows, TokenSet};
use crate::property::stalls::Stalls;
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::spec::Sanitise;
use crate::verdict::{Exhibit, Finding, Violation};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

/// The documented limits hold, and bad input gets an error and harms nobody.
#[derive(Debug)]
pub struct InputLimits;

static PAGE: Page = Page {
    id: "input-limits",
    title: "A server MUST take what is within the documented limits, refuse what is not with an \
            error, and survive anything.",
    promises: "A text of exactly the longest documented length is taken, whatever its characters; \
        one character more is refused. What is no text, no id or no message at all gets an \
        error: an answer in the documented form, without the server's inside in it. After any \
        request, however odd, the one who sent it and all others go on as before, nothing of \
        what was refused is stored, and markup comes back inert where that is documented.",
    matters: "Whoever writes in another script meets a limit in bytes first. And everybody meets \
        the client with a bug, or the visitor with a console: one odd packet must not take down \
        a handler, a connection, or the server of all the others.",
    judged: "Length is counted in characters (Unicode code points). A text at the limit that is \
        refused, though neither the rate of sends nor an outage explains it, fails; so does a text or a request \
        beyond it that is acked, or, where an answer is documented and can be told, not answered \
        within the ack timeout. What the documents say nothing of may be answered in any way or \
        none. After an odd request, no connection in its conversation may be lost within two \
        seconds, or while it waits for its answer (its own may, after an error was answered), and \
        ordinary messages must be taken. \
        What was refused must not be seen. An error must not hold a stack trace, a database's \
        message, a query or a path of the server. Whether an ordinary message is answered in \
        time is the matter of `ack-timeout`; whether a malformed one is, is judged here.",
    blind: "Memory that the server loses, or time. Attacks that show later or elsewhere (SQL that \
        is run, a prototype that is changed) and change no message. Whether \
        an error text helps. Limits that the spec does not state.",
    example: "  1.000 s  client 4  ann sends with null as the text\n  \
        1.004 s  client 5  lost its connection: closed without a close frame\n\
        therefore one client's bad input cost another its connection\n\
        but bad input harms nobody",
    source: "common practice: input is checked where it enters.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One text at or beyond the limit, or one odd request, that was answered as is due; \
        a message taken after an odd request; or one markup seen inert.",
};

impl Property for InputLimits {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let length = match charge.limits.text_characters {
            Some(most) => format!("texts up to {most} code points"),
            None => "no limit of texts".into(),
        };
        let markup = match charge.traits.sanitise {
            Sanitise::Html => "markup inert",
            Sanitise::Verbatim | Sanitise::Free => "markup is not judged",
        };
        let patience = span(nanos(charge.contract.ack_timeout));
        format!("{length}; bad input answered within {patience}; {markup}")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let pace = |(most, window)| Pace::new(most, 2 * nanos(window), nanos(window) / 10);
        Box::new(Guard {
            most: charge.limits.text_characters,
            sanitises: charge.traits.sanitise == Sanitise::Html,
            answers: charge.answers,
            patience: nanos(charge.contract.ack_timeout),
            pace: charge.limits.send_rate.map(pace),
            people: FxHashMap::default(),
            users: FxHashMap::default(),
            members: FxHashSet::default(),
            links: FxHashMap::default(),
            due: FxHashMap::default(),
            sends: Rows::new(charge.memory()),
            asks: Rows::new(charge.memory()),
            odd: FxHashMap::default(),
            stalls: Stalls::default(),
            outage: None,
            seen: TokenSet::default(),
            refused: FxHashMap::default(),
            suspects: Vec::new(),
            textless: FxHashMap::default(),
            alive: TokenSet::default(),
            doubts: 0,
            finding: Finding::default(),
        })
    }
}

/// Things of one kind that are remembered one by one.
const KEPT: usize = 2_000;

/// The judge: what was asked oddly, or at a limit, and what became of it and of the others.
struct Guard {
    /// Characters of a text, if there is a limit.
    most: Option<u32>,
    /// Markup is documented to come back inert.
    sanitises: bool,
    answers: bool,
    patience: Nanos,
    pace: Option<Pace>,
    people: FxHashMap<ClientId, PersonId>,
    users: FxHashMap<ClientId, CompactString>,
    members: FxHashSet<(ClientId, ConversationId)>,
    links: FxHashMap<ClientId, Link>,
    /// What is due of operations that are about to be asked for.
    due: FxHashMap<OpId, (Due, CompactString, bool)>,
    /// Whose every send is: whatever its text, it counts for the rate.
    sends: Rows<OpId, PersonId>,
    asks: Rows<OpId, Asked>,
    /// The last odd request in each conversation.
    odd: FxHashMap<ConversationId, Odd>,
    stalls: Stalls,
    /// Until when the server, or a part that it stands on, was away the last time.
    outage: Option<Nanos>,
    seen: TokenSet,
    /// Refused, and not to be seen.
    refused: FxHashMap<Token, Vec<Exhibit>>,
    suspects: Vec<Suspect>,
    textless: FxHashMap<CompactString, Textless>,
    alive: TokenSet,
    doubts: u64,
    finding: Finding,
}

/// Refused or not answered; an accusation, unless the answer comes after all, or the message turns
/// up: then it is another property's matter.
struct Suspect {
    op: OpId,
    token: Option<Token>,
    silent: bool,
    argument: Violation,
}

/// Requests of one user whose text was replaced, so that no token tells what became of them.
#[derive(Default)]
struct Textless {
    /// So many may be stored.
    may: u32,
    /// The ids of messages without a token that were seen.
    ids: FxHashSet<CompactString>,
    /// How many without an id each client saw pushed, or in one read.
    nameless: FxHashMap<(ClientId, Carrier), usize>,
    /// Who saw the last one.
    last: Option<(Nanos, ClientId)>,
    /// Those that were refused.
    refused: Vec<Exhibit>,
}

impl Judge for Guard {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.sends.tick(at);
        self.asks.tick(at);
        match &entry.event {
            Event::Person { person, user } => {
                self.people.insert(client, *person);
                self.users.insert(client, user.clone());
            }
            Event::Member { conversation, .. } => {
                self.members.insert((client, *conversation));
            }
            Event::Due { op, due, why, odd } => {
                self.due.insert(*op, (*due, why.clone(), *odd));
            }
            Event::Invoke { op, operation, conversation, message, .. } => {
                self.invoke(client, *op, *operation, *conversation, message.as_ref());
            }
            Event::Attempt { op, attempt } => self.attempt(at, *op, *attempt),
            Event::Answered { op, attempt, answer, excused } => {
                self.answered(at, *op, *attempt, answer, *excused);
            }
            Event::Message(seen) => self.saw(at, client, seen),
            Event::Garbage { what } => self.garbage(at, client, what),
            Event::Connection { state, why, caused } => {
                let up = *state == ConnectionState::Connected;
                let link = self.links.entry(client).or_default();
                let lost = link.turn(up);
                let innocent = *caused || link.is_troubled(at);
                if lost && !innocent {
                    self.dropped(at, client, why);
                }
            }
            Event::Fault { what, begins } => {
                if is_of_server(what) {
                    self.outage = Some(if *begins { Nanos::MAX } else { at });
                }
                self.links.entry(client).or_default().fault(*begins, at);
            }
            Event::Lag { nanos } => self.stalls.note(at, *nanos),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.conclude();
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.asks.len() + self.due.len() + self.refused.len() + self.suspects.len()
    }
}

impl Textless {
    fn saw(&mut self, at: Nanos, client: ClientId, seen: &Seen) {
        self.last = Some((at, client));
        match &seen.id {
            Some(id) => {
                self.ids.insert(id.clone());
            }
            None => *self.nameless.entry((client, seen.by)).or_default() += 1,
        }
    }

    /// How many messages there are at the least: what is pushed without an id may be what is read with one.
    fn least(&self) -> usize {
        self.nameless.values().copied().max().unwrap_or(0).max(self.ids.len())
    }
}

impl Guard {
    fn saw(&mut self, at: Nanos, client: ClientId, seen: &Seen) {
        match seen.token {
            Some(token) => {
                self.seen.insert(token);
                if seen.text == Damage::Alive && self.alive.insert(token) {
                    self.came_alive(at, client, token);
                }
                let markup = self.sanitises && text::kind(token) == Kind::Markup;
                if markup && seen.text == Damage::Intact {
                    self.finding.observations += 1;
                }
                if let Some(lines) = self.refused.remove(&token) {
                    self.appeared(at, client, lines);
                }
            }
            None => {
                let sender = seen.sender.as_ref().filter(|_| seen.conversation.is_some());
                if let Some(textless) = sender.and_then(|user| self.textless.get_mut(user)) {
                    textless.saw(at, client, seen);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::text::number;
    use crate::property::notation::{fails, passes, stands};
    use crate::verdict::Standing;
    use std::time::Duration;

    fn charge() -> Charge {
        let mut charge = Charge::default();
        charge.limits.text_characters = Some(1_000);
        charge
    }

    /// `t…` of a text of this kind.
    fn token(kind: Kind) -> String {
        format!("t{}", number(kind, 0, 1))
    }

    #[test]
    fn texts_at_the_limit_are_taken_and_longer_ones_refused() {
        for kind in [Kind::Long, Kind::Emoji, Kind::Combining, Kind::Multibyte] {
            let token = token(kind);
            let taken = format!("a b in #1\na sends o1 {token} k1 #1\na acked o1 m1");
            passes(&InputLimits, &charge(), &taken);
            let refused = taken.replace("acked o1 m1", "refused o1");
            fails(&InputLimits, &charge(), &refused, "good input was refused");
        }
        let over = token(Kind::Overlong);
        let refused = format!("a b in #1\na sends o1 {over} k1 #1\na refused o1");
        passes(&InputLimits, &charge(), &refused);
        let taken = refused.replace("refused o1", "acked o1 m1");
        fails(&InputLimits, &charge(), &taken, "bad input was taken");
        stands(&InputLimits, &Charge::default(), &taken, Standing::NotExercised);
    }

    #[test]
    fn a_refusal_that_the_rate_or_another_property_explains_is_none_of_ours() {
        let mut limited = charge();
        limited.limits.send_rate = Some((1, Duration::from_secs(1)));
        let long = token(Kind::Long);
        let twice = format!(
            "a b in #1
             a sends o1 {long} k1 #1
             a acked o1 m1
             a sends o2 {long} k2 #1
             a refused o2"
        );
        passes(&InputLimits, &limited, &twice);
        let ordinary = twice.replace(&format!("o1 {long}"), "o1 t1");
        stands(&InputLimits, &limited, &ordinary, Standing::NotExercised);
        let stored =
            format!("a b in #1\na sends o1 {long} k1 #1\na refused o1\nb sees {long} m1 #1");
        stands(&InputLimits, &charge(), &stored, Standing::NotExercised);
        let away = "a b in #1\na fault begins restart";
        let away = format!("{away}\na sends o1 {long} k1 #1\na refused o1");
        stands(&InputLimits, &charge(), &away, Standing::NotExercised);
        let back = away.replace("begins restart\n", "begins restart\na fault ends restart\n");
        fails(&InputLimits, &charge(), &back, "good input was refused");
        let stranger = format!("a b in #1\nc in #2\nc sends o1 {long} k1 #1\nc refused o1");
        stands(&InputLimits, &charge(), &stranger, Standing::NotExercised);
    }

    #[test]
    fn bad_input_is_refused_and_answered() {
        let refused = "a b in #1
            a owes o1 refusal odd
            a sends o1 textless #1
            a refused o1";
        passes(&InputLimits, &charge(), refused);
        let taken = refused.replace("refused o1", "acked o1 m1");
        fails(&InputLimits, &charge(), &taken, "bad input was taken");
        let silent = "a b in #1
            a owes o1 refusal odd
            @1000 a sends o1 textless #1
            @6000 a timeout o1
            a fails o1";
        fails(&InputLimits, &charge(), silent, "bad input was not answered");
        for (what, standing) in [
            ("@6000 a timeout o1 excused", Standing::NotExercised),
            ("@2000 a garbage\n@6000 a timeout o1", Standing::NotExercised),
            ("@5900 b lag 1500\n@6000 a timeout o1", Standing::Inconclusive),
            ("@6000 a timeout o1\n@6900 a nacked o1", Standing::Pass),
        ] {
            let history = silent.replace("@6000 a timeout o1", what);
            stands(&InputLimits, &charge(), &history, standing);
        }
        let harmless = silent.replace("refusal odd", "peace odd");
        stands(&InputLimits, &charge(), &harmless, Standing::NotExercised);
        let not_odd = taken.replace(" odd", "").replace("textless", "t1 k1");
        stands(&InputLimits, &charge(), &not_odd, Standing::NotExercised);
    }

    #[test]
    fn an_error_that_shows_the_servers_inside_fails() {
        let history = "a b in #1
            a owes o1 refusal odd
            a sends o1 textless #1
            a refused o1 saying node_modules/ws";
        fails(&InputLimits, &charge(), history, "an error leaks the server's inside");
    }

    #[test]
    fn a_connection_that_is_lost_after_odd_input_fails() {
        let asked = "a b in #1
            a owes o1 peace odd
            @1000 a sends o1 t1 k1 #1";
        let summary = "a connection was dropped after bad input";
        fails(&InputLimits, &charge(), &format!("{asked}\na drops"), summary);
        let another = "another's connection was dropped after bad input";
        fails(&InputLimits, &charge(), &format!("{asked}\na refused o1\nb drops"), another);
        for innocent in [
            "a refused o1\na drops",
            "a refused o1\na cut",
            "b fault begins restart\nb drops",
            "a refused o1\n@9000 b drops",
        ] {
            passes_or_says_nothing(&format!("{asked}\n{innocent}"));
        }
        passes_or_says_nothing("a b in #1\na sends o1 t1 k1 #1\na drops");
        let starved = format!("{asked}\n@1010 b lag 600\na drops");
        stands(&InputLimits, &charge(), &starved, Standing::Inconclusive);
    }

    fn passes_or_says_nothing(history: &str) {
        let finding = crate::property::notation::check(&InputLimits, &charge(), history);
        assert_eq!((finding.violation_count, finding.doubts.len()), (0, 0), "{finding:#?}");
    }

    #[test]
    fn ordinary_messages_after_odd_input_are_taken() {
        let after = "a b in #1
            a owes o1 refusal odd
            a sends o1 textless #1
            a refused o1
            @1000 b sends o2 t2 k2 #1
            @6000 b timeout o2";
        fails(&InputLimits, &charge(), after, "no answers after bad input");
        passes(&InputLimits, &charge(), &after.replace("@6000", "@1010 a sees t2 m2 #1\n@6000"));
        let refused = after.replace("@6000 b timeout", "@1010 b refused");
        fails(&InputLimits, &charge(), &refused, "an ordinary message was refused");
        let before = after.replace("a owes o1 refusal odd", "").replace("textless", "t1 k1");
        passes_or_says_nothing(&before);
    }

    #[test]
    fn what_was_refused_is_not_seen() {
        let kept = "a b in #1
            a owes o1 refusal odd
            a sends o1 t1 k1 #1
            a refused o1
            b sees t1 m1 #1";
        fails(&InputLimits, &charge(), kept, "refused input was stored");
        let textless = "a b in #1
            a owes o1 peace odd
            a sends o1 textless #1
            a refused o1
            b reads o2 #1
            b row o2 u1 m1 changed";
        fails(&InputLimits, &charge(), textless, "refused input was stored");
        passes_or_says_nothing(&textless.replace("refused o1", "acked o1 m1"));
        passes_or_says_nothing(&textless.replace("u1", "u2"));
    }

    #[test]
    fn what_is_pushed_without_an_id_and_read_with_one_is_one_message() {
        let once = "a b in #1
            a owes o1 peace odd
            a sends o1 textless #1
            a refused o1
            a owes o2 peace odd
            a sends o2 textless #1
            a acked o2
            b sees u1 #1 changed
            b reads o3 #1
            b row o3 u1 m1 changed";
        passes_or_says_nothing(once);
        let twice = format!("{once}\nb row o3 u1 m2 changed");
        fails(&InputLimits, &charge(), &twice, "refused input was stored");
        let pushed = format!("{once}\nb sees u1 #1 changed");
        fails(&InputLimits, &charge(), &pushed, "refused input was stored");
    }

    #[test]
    fn markup_that_comes_back_alive_fails_once() {
        let history = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            b sees t1 m1 #1 alive
            a sees t1 m1 #1 alive";
        fails(&InputLimits, &charge(), history, "markup came back alive");
    }
}
