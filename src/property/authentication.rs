//! `authentication`: only a valid credential lets somebody in.

mod probes;

use crate::history::{Answer, ClientId, Entry, Event, Nanos, OpId};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::{exhibit, violation};
use crate::property::charge::nanos;
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::spec::TokenCheck;
use crate::verdict::{Exhibit, Finding};
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use std::time::Duration;

/// Only a valid credential lets somebody in.
#[derive(Debug)]
pub struct Authentication;

static PAGE: Page = Page {
    id: "authentication",
    title: "A server MUST let in whoever shows a valid credential, and nobody else.",
    promises: "A connection, and each request over HTTP, is accepted with a credential that is \
        valid now: signed by the right key with the documented algorithm, within its time, \
        unchanged, naming a user. Where people log in, it is what their own password gave them, and \
        it ends with their logout. Whoever shows another one is told so in the documented way, and \
        hears nothing before. Where the spec says so, the credential is looked at on each event.",
    matters: "Everything else a chat keeps apart hangs on knowing who is who. A server that \
        forgets to compare one field of a token hands every conversation to whoever can type.",
    judged: "A client that holds a bad credential must not become connected: its attempt must end \
        with a refusal that the spec documents, with no event before it. Its requests over HTTP \
        must be answered by an error. A client that holds a valid one again must not be refused. \
        Where tokens are checked on each event, events must be refused once the token has expired. \
        An attempt that ends without a word is doubted, for it may be the network's doing.",
    blind: "How long a session lasts that the server made, and what else it is bound to. How \
        registration fails. The status of an answer over HTTP beyond what the spec documents.",
    example: "  0.310 s  client 3  held a token signed with another key\n  \
        0.312 s  client 3  began to connect\n  \
        0.318 s  client 3  was let in\n\
        therefore a token signed with another key was as good as a valid one\n\
        but only a valid credential lets somebody in",
    source: "common practice: RFC 7519, sections 4.1 and 7.2.",
    tolerance: Some(Tolerance {
        default: Duration::from_secs(1),
        reason: "what the server's clock may be behind, for a token that expires while it is used",
    }),
    least_evidence: 1,
    evidence: "One bad credential that was refused, or had to be.",
};

/// What was promised.
const BUT: &str = "only a valid credential lets somebody in";

impl Property for Authentication {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let each = match charge.traits.token {
            TokenCheck::AtConnect => "",
            TokenCheck::OnEachEvent => "; events refused once the token has expired",
        };
        format!("bad credentials refused in a documented way, before any event{each}")
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Gate {
            requests: charge.requests.clone(),
            each_event: charge.traits.token == TokenCheck::OnEachEvent,
            tolerance: nanos(charge.tolerance(&PAGE)),
            holders: FxHashMap::default(),
            asked: FxHashMap::default(),
            silent: 0,
            unanswered: 0,
            finding: Finding::default(),
        })
    }
}

/// The judge: who holds what, and what it opens.
struct Gate {
    /// Operations that go over HTTP, each with its own credential.
    requests: Vec<Operation>,
    each_event: bool,
    tolerance: Nanos,
    /// Clients that hold another credential than at first.
    holders: FxHashMap<ClientId, Holder>,
    /// Operations of theirs that must be refused.
    asked: FxHashMap<OpId, Asked>,
    /// Bad credentials that were refused without a word.
    silent: u64,
    /// Requests with a bad credential that had no answer.
    unanswered: u64,
    finding: Finding,
}

struct Holder {
    what: CompactString,
    valid: bool,
    until: Option<Nanos>,
    since: Nanos,
    attempt: Option<Attempt>,
}

/// An attempt to connect, and the credential it shows.
struct Attempt {
    at: Nanos,
    what: CompactString,
    valid: bool,
    since: Nanos,
    refused: Option<Refusal>,
}

struct Refusal {
    at: Nanos,
    said: CompactString,
    documented: bool,
    before: u32,
}

/// An operation that shows a credential.
struct Asked {
    operation: Operation,
    /// What was shown last, if it must be refused.
    shown: Option<Shown>,
    answered: bool,
}

/// A bad credential that an attempt of an operation showed.
struct Shown {
    what: CompactString,
    since: Nanos,
    tried: Nanos,
}

impl Judge for Gate {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        match &entry.event {
            Event::Credential { what, valid, until } => {
                let attempt = self.holders.remove(&client).and_then(|holder| holder.attempt);
                let (what, valid, until) = (what.clone(), *valid, *until);
                let holder = Holder { what, valid, until, since: at, attempt };
                self.holders.insert(client, holder);
            }
            _ if self.holders.is_empty() => {}
            Event::Connection { state: ConnectionState::Connecting, .. } => self.knock(at, client),
            Event::Connection { state: ConnectionState::Connected, .. } => self.enter(at, client),
            Event::Connection { state: ConnectionState::Error, .. } => self.turned_away(client),
            Event::Refused { said, documented, before } => {
                if let Some(attempt) = self.attempt(client) {
                    let (said, documented, before) = (said.clone(), *documented, *before);
                    attempt.refused = Some(Refusal { at, said, documented, before });
                }
            }
            Event::Invoke { op, operation, .. } if self.holders.contains_key(&client) => {
                let asked = Asked { operation: *operation, shown: None, answered: false };
                self.asked.insert(*op, asked);
            }
            Event::Attempt { op, .. } => self.show(at, client, *op),
            Event::Answered { op, answer, .. } => self.answered(at, client, *op, answer),
            Event::Ok { op, .. } | Event::Failed { op, .. } => self.over(*op),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        for (count, reason) in [
            (self.silent, "bad credentials were turned away without a word"),
            (self.unanswered, "requests with a bad credential had no documented answer"),
        ] {
            if count > 0 {
                self.finding.doubts.push(format!("{count} {reason}"));
            }
        }
        self.finding
    }

    fn unsettled(&self) -> usize {
        self.asked.len() + self.holders.len()
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }
}

impl Gate {
    fn attempt(&mut self, client: ClientId) -> Option<&mut Attempt> {
        self.holders.get_mut(&client)?.attempt.as_mut()
    }

    fn knock(&mut self, at: Nanos, client: ClientId) {
        let Some(holder) = self.holders.get_mut(&client) else { return };
        // What is about to expire may have done so on its way.
        let valid = holder.valid && holder.until.is_none();
        let bad = !holder.valid;
        holder.attempt = (valid || bad).then(|| Attempt {
            at,
            what: holder.what.clone(),
            valid,
            since: holder.since,
            refused: None,
        });
    }

    fn enter(&mut self, at: Nanos, client: ClientId) {
        let Some(attempt) = self.taken(client) else { return };
        if attempt.valid {
            return;
        }
        self.finding.observations += 1;
        self.finding.violate(|| {
            let mut lines = attempt.lines(client);
            lines.push(exhibit(at, client, "was let in"));
            let therefore = format!("{} was as good as a valid one", attempt.what);
            violation("a bad credential was let in", lines, therefore, BUT)
        });
    }

    fn turned_away(&mut self, client: ClientId) {
        let Some(attempt) = self.taken(client) else { return };
        match (&attempt.refused, attempt.valid) {
            (Some(refusal), true) => self.finding.violate(|| {
                let lines = attempt.lines_with(client, refusal);
                let therefore = "a valid credential was not let in";
                violation("a valid credential was refused", lines, therefore, PAGE.title)
            }),
            (None, true) => {}
            (None, false) => self.silent += 1,
            (Some(refusal), false) => self.weigh(client, &attempt, refusal),
        }
    }

    /// A bad credential was refused: how?
    fn weigh(&mut self, client: ClientId, attempt: &Attempt, refusal: &Refusal) {
        self.finding.observations += 1;
        if refusal.before > 0 {
            self.finding.violate(|| {
                let lines = attempt.lines_with(client, refusal);
                let therefore = format!("{} events came before the refusal", refusal.before);
                let but = "whoever is not let in hears nothing";
                violation("events passed before the refusal", lines, therefore, but)
            });
        }
        if !refusal.documented {
            self.finding.violate(|| {
                let lines = attempt.lines_with(client, refusal);
                let therefore = "a client cannot tell from it what is wrong";
                let but = "a bad credential is refused by a documented error";
                violation("refused by an undocumented error", lines, therefore, but)
            });
        }
    }

    fn taken(&mut self, client: ClientId) -> Option<Attempt> {
        self.holders.get_mut(&client)?.attempt.take()
    }

    /// Remembers what an attempt shows. What was asked for before another credential was held, and
    /// leaves only now, shows the new one.
    fn show(&mut self, at: Nanos, client: ClientId, op: OpId) {
        let Some(asked) = self.asked.get_mut(&op) else { return };
        let Some(holder) = self.holders.get(&client) else { return };
        let expired = holder.until.is_some_and(|until| until.saturating_add(self.tolerance) < at);
        let by_request = self.requests.contains(&asked.operation);
        let bad = if by_request { !holder.valid || expired } else { self.each_event && expired };
        let (what, since) = (holder.what.clone(), holder.since);
        asked.shown = bad.then_some(Shown { what, since, tried: at });
    }

    fn answered(&mut self, at: Nanos, client: ClientId, op: OpId, answer: &Answer) {
        let Some(asked) = self.asked.get_mut(&op) else { return };
        let (Answer::Ack { .. } | Answer::Nack(_)) = answer else { return };
        asked.answered = true;
        let Some(shown) = &asked.shown else { return };
        self.finding.observations += 1;
        if let Answer::Ack { .. } = answer {
            self.finding.violate(|| {
                let lines = vec![
                    exhibit(shown.since, client, format!("held {}", shown.what)),
                    exhibit(shown.tried, client, format!("asked for `{}`", asked.operation)),
                    exhibit(at, client, "had what it asked for"),
                ];
                let therefore = format!("{} was as good as a valid one", shown.what);
                violation("a bad credential was served", lines, therefore, BUT)
            });
        }
    }

    fn over(&mut self, op: OpId) {
        if let Some(asked) = self.asked.remove(&op) {
            self.unanswered += u64::from(asked.shown.is_some() && !asked.answered);
        }
    }
}

impl Attempt {
    fn lines(&self, client: ClientId) -> Vec<Exhibit> {
        vec![
            exhibit(self.since, client, format!("held {}", self.what)),
            exhibit(self.at, client, "began to connect"),
        ]
    }

    fn lines_with(&self, client: ClientId, refusal: &Refusal) -> Vec<Exhibit> {
        let mut lines = self.lines(client);
        lines.push(exhibit(refusal.at, client, format!("was refused: {}", refusal.said)));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, passes, stands};
    use crate::spec::Traits;
    use crate::verdict::Standing;

    fn charge() -> Charge {
        let traits = Traits { token: TokenCheck::OnEachEvent, ..Charge::default().traits };
        Charge { requests: vec![Operation::History], traits, ..Charge::default() }
    }

    #[test]
    fn without_a_bad_credential_nothing_is_judged() {
        for history in ["", "a b in #1\na sends o1 t1 k1 #1\na acked o1 m1", "a knocks\na out"] {
            stands(&Authentication, &charge(), history, Standing::NotExercised);
        }
    }

    #[test]
    fn a_refusal_in_the_documented_way_is_right() {
        let history =
            "a in #1\na holds bad\na knocks\na denied\na out\na holds good\na knocks\na back";
        let finding = passes(&Authentication, &charge(), history);
        assert_eq!(finding.observations, 1);
    }

    #[test]
    fn who_holds_a_bad_credential_must_not_come_in() {
        let history = "a in #1\na cut\na holds bad\na knocks\na back";
        fails(&Authentication, &charge(), history, "a bad credential was let in");
        let history = "a in #1\na cut\na holds bad\na holds good\na knocks\na back";
        stands(&Authentication, &charge(), history, Standing::NotExercised);
    }

    #[test]
    fn a_refusal_is_documented_and_comes_first() {
        let history = "a holds bad\na knocks\na denied oddly\na out";
        fails(&Authentication, &charge(), history, "refused by an undocumented error");
        let history = "a holds bad\na knocks\na denied after 2\na out";
        fails(&Authentication, &charge(), history, "events passed before the refusal");
    }

    #[test]
    fn what_is_valid_again_is_taken_again() {
        let history =
            "a holds bad\na knocks\na denied\na out\na holds good\na knocks\na denied\na out";
        fails(&Authentication, &charge(), history, "a valid credential was refused");
    }

    #[test]
    fn a_connection_that_just_ends_is_doubted() {
        let history = "a holds bad\na knocks\na out";
        stands(&Authentication, &charge(), history, Standing::Inconclusive);
    }

    #[test]
    fn requests_carry_their_own_credential_and_sockets_do_not() {
        let history = "a in #1\na holds bad\na reads o1 #1\na done o1";
        fails(&Authentication, &charge(), history, "a bad credential was served");
        passes(&Authentication, &charge(), "a in #1\na holds bad\na reads o1 #1\na refused o1");
        let history = "a in #1\na holds bad\na sends o1 t1 k1 #1\na acked o1 m1";
        stands(&Authentication, &charge(), history, Standing::NotExercised);
        let history = "a in #1\na holds bad\na reads o1 #1\na lost o1\na fails o1";
        stands(&Authentication, &charge(), history, Standing::Inconclusive);
    }

    #[test]
    fn what_waited_for_a_connection_shows_what_is_held_when_it_leaves() {
        let waited = "a in #1\na holds bad\na queues o1 #1\na holds good\na tries o1\na done o1";
        stands(&Authentication, &charge(), waited, Standing::NotExercised);
        let again =
            "a in #1\na holds bad\na reads o1 #1\na lost o1\na holds good\na tries o1\na done o1";
        stands(&Authentication, &charge(), again, Standing::NotExercised);
        let bad = "a in #1\na holds good\na queues o1 #1\na holds bad\na tries o1\na done o1";
        fails(&Authentication, &charge(), bad, "a bad credential was served");
    }

    #[test]
    fn a_token_that_expires_while_it_is_used_is_looked_at_where_the_spec_says_so() {
        let late = "@0 a in #1\na holds brief 1000\n@2100 a sends o1 t1 k1 #1\na acked o1 m1";
        fails(&Authentication, &charge(), late, "a bad credential was served");
        let soon = late.replace("@2100", "@1900");
        stands(&Authentication, &charge(), &soon, Standing::NotExercised);
        stands(&Authentication, &Charge::default(), late, Standing::NotExercised);
        let refused = late.replace("acked o1 m1", "refused o1");
        assert_eq!(check(&Authentication, &charge(), &refused).observations, 1);
    }
}
