//! The rules: what is taken, what is refused, and that nobody else suffers.

use super::asks::{Asked, Demand, Odd};
use super::{Guard, KEPT, Suspect, leak};
use crate::history::{Answer, ClientId, Due, Nanos, OpId, Token, is_unreadable};
use crate::property::argument::{exhibit, span, violation};
use crate::verdict::Exhibit;
use compact_str::CompactString;

/// So long after an odd request a lost connection is its doing.
const BLAME: Nanos = 2_000_000_000;
/// Characters of a server's error that an argument shows.
const EXCERPT: usize = 160;
const HARMLESS: &str = "bad input harms nobody";

impl Guard {
    pub(super) fn answered(
        &mut self,
        at: Nanos,
        op: OpId,
        number: u32,
        answer: &Answer,
        excused: bool,
    ) {
        if let (Some(pace), Some(&person)) = (&mut self.pace, self.sends.get(op))
            && matches!(answer, Answer::Ack { .. } | Answer::Nack(_))
        {
            pace.answered(person, op, number, at, false);
        }
        let Some(asked) = self.asks.get_mut(op) else { return };
        asked.answered |= matches!(answer, Answer::Ack { .. } | Answer::Nack(_));
        match answer {
            Answer::Ack { .. } => self.acked(at, op),
            Answer::Nack(error) => self.nacked(at, op, error),
            Answer::TimedOut => self.silent(at, op, excused),
            Answer::Lost => {}
        }
        if !matches!(answer, Answer::Nack(_))
            && let Some(textless) = self.textless(op)
        {
            textless.may += 1;
        }
    }

    fn acked(&mut self, at: Nanos, op: OpId) {
        let Some(asked) = self.asks.get(op) else { return };
        match asked.demand {
            Demand::Odd(Due::Refused) | Demand::Limit(Due::Refused) => {
                let lines = vec![asked.exhibit(), exhibit(at, asked.client, "was told: done")];
                self.finding.violate(|| {
                    let therefore = "what is beyond the limits was taken";
                    let but = "bad input is refused with an error";
                    violation("bad input was taken", lines, therefore, but)
                });
            }
            Demand::Odd(Due::Harmless) => self.finding.count("odd requests taken", 1),
            _ => self.finding.observations += 1,
        }
    }

    fn nacked(&mut self, at: Nanos, op: OpId, error: &CompactString) {
        let Some(asked) = self.asks.get(op) else { return };
        let told = format!("was told: \"{}\"", brief(error));
        let lines = vec![asked.exhibit(), exhibit(at, asked.client, told)];
        let (demand, token) = (asked.demand, asked.token);
        if let (Some(what), false) = (leak::leaked(error), demand == Demand::Ordinary) {
            self.leaked(what, lines.clone());
        }
        match demand {
            Demand::Odd(Due::Refused | Due::Harmless) | Demand::Limit(Due::Refused) => {
                self.finding.observations += 1;
                self.keep_refused(op, lines);
            }
            Demand::Odd(Due::Accepted) | Demand::Limit(_) => {
                let therefore = "what is within the limits was refused";
                let but = match (demand, self.most) {
                    (Demand::Limit(_), Some(most)) => format!("a text may have {most} characters"),
                    _ => "what is documented is there, and more than that is ignored".to_owned(),
                };
                self.suspect(
                    at,
                    op,
                    token,
                    violation("good input was refused", lines, therefore, but),
                );
            }
            Demand::Ordinary => {
                let lines = self.after_the_odd(op, lines);
                let therefore = "an ordinary message was refused after bad input";
                let what = "an ordinary message was refused";
                self.suspect(at, op, token, violation(what, lines, therefore, HARMLESS));
            }
        }
    }

    /// Accuses at the end, unless the message turns up, the answer comes late (which is not
    /// wrong), or the rate of sends explains it. While the server's store is away nothing can be taken.
    fn suspect(
        &mut self,
        at: Nanos,
        op: OpId,
        token: Option<Token>,
        argument: crate::verdict::Violation,
    ) {
        let Some(asked) = self.asks.get(op) else { return };
        if self.outage.is_some_and(|ended| ended >= asked.sent) {
            return self.finding.count("excused by a fault", 1);
        }
        let person = self.people.get(&asked.client).copied();
        if let (Some(pace), Some(person)) = (&self.pace, person)
            && pace.may_precede(person, op, asked.sent, at) >= pace.most()
        {
            return self.finding.count("excused by the rate of sends", 1);
        }
        if self.suspects.len() < KEPT {
            let silent = !asked.answered;
            self.suspects.push(Suspect { op, token, silent, argument });
        }
    }

    /// An attempt had no answer in time.
    fn silent(&mut self, at: Nanos, op: OpId, excused: bool) {
        let Some(asked) = self.asks.get(op) else { return };
        let owed = match asked.demand {
            Demand::Odd(due) => due == Due::Refused && self.answers,
            Demand::Ordinary => true,
            // Whether a well-formed message is answered is the matter of `ack-timeout`.
            Demand::Limit(_) => false,
        };
        let link = self.links.get(&asked.client);
        let innocent = link.is_none_or(|link| {
            let garbled = link.garbage.is_some_and(|garbage| garbage >= asked.sent);
            link.epoch != asked.epoch || link.is_troubled(at) || garbled
        });
        if !owed || excused || innocent || asked.answered {
            return;
        }
        // So much of the time stood still that the server may have, too.
        if self.stalls.between(asked.sent, at).saturating_mul(4) >= self.patience {
            self.doubts += 1;
            return;
        }
        let gave_up = exhibit(at, asked.client, "gave up waiting for an answer");
        let lines = vec![asked.exhibit(), gave_up];
        let waited = span(self.patience);
        match (asked.demand, asked.token) {
            (Demand::Ordinary, Some(token)) => {
                let lines = self.after_the_odd(op, lines);
                let therefore = format!("an ordinary message had no answer for {waited}");
                let what = "no answers after bad input";
                let argument = violation(what, lines, therefore, HARMLESS);
                self.suspect(at, op, Some(token), argument);
            }
            (_, token) => {
                let therefore = format!("bad input had no answer for {waited}");
                let but = "bad input is refused with an error";
                let argument = violation("bad input was not answered", lines, therefore, but);
                self.suspect(at, op, token, argument);
            }
        }
    }

    /// A connection was lost, and no fault did it.
    pub(super) fn dropped(&mut self, at: Nanos, client: ClientId, why: &str) {
        if is_unreadable(why) {
            return;
        }
        let is_settled = |odd: &Odd| self.asks.get(odd.op).is_none_or(|asked| asked.answered);
        let recent = |odd: &Odd| {
            let blame = if is_settled(odd) { BLAME } else { self.patience };
            at.saturating_sub(odd.at) <= blame
        };
        let near =
            |place, odd: &Odd| odd.client == client || self.members.contains(&(client, place));
        let mut all = self.odd.iter();
        let found = all.find(|(place, odd)| near(**place, odd) && !odd.told && recent(odd));
        let Some((&place, odd)) = found else { return };
        let own = odd.client == client;
        if own && is_settled(odd) {
            return self.finding.count("connections closed after an error was answered", 1);
        }
        if self.stalls.explain_a_loss(at) {
            self.doubts += 1;
            return;
        }
        let Some(odd) = self.odd.get_mut(&place) else { return };
        odd.told = true;
        let lines = vec![
            exhibit(odd.at, odd.client, odd.why.as_str()),
            exhibit(at, client, format!("lost the connection: {}", brief(why))),
        ];
        self.finding.violate(|| {
            let (what, therefore) = if own {
                ("a connection was dropped", "bad input cost the connection, without an error")
            } else {
                ("another's connection was dropped", "one's bad input cost another the connection")
            };
            violation(&format!("{what} after bad input"), lines, therefore, HARMLESS)
        });
    }

    /// Something undescribed came: perhaps the answer to something odd, and perhaps a leak.
    pub(super) fn garbage(&mut self, at: Nanos, client: ClientId, text: &str) {
        self.links.entry(client).or_default().garbage = Some(at);
        let odd = self
            .odd
            .values()
            .find(|odd| odd.client == client && at.saturating_sub(odd.at) <= BLAME);
        if let (Some(odd), Some(what)) = (odd, leak::leaked(text)) {
            let lines = vec![
                exhibit(odd.at, client, odd.why.as_str()),
                exhibit(at, client, format!("was told: \"{}\"", brief(text))),
            ];
            self.leaked(what, lines);
        }
    }

    fn leaked(&mut self, what: &str, lines: Vec<Exhibit>) {
        self.finding.violate(|| {
            let therefore = format!("the error gives away {what}");
            let but = "an error says what is wrong with the input, and nothing of the server";
            violation("an error leaks the server's inside", lines, therefore, but)
        });
    }

    pub(super) fn came_alive(&mut self, at: Nanos, client: ClientId, token: Token) {
        self.finding.violate(|| {
            let line =
                exhibit(at, client, format!("saw \"{token}\" with its markup as it was sent"));
            let therefore = "a browser would take a part of the text for a tag";
            let but = "text is sanitised, so that markup comes back inert";
            violation("markup came back alive", vec![line], therefore, but)
        });
    }

    /// What was refused is there.
    pub(super) fn appeared(&mut self, at: Nanos, client: ClientId, mut lines: Vec<Exhibit>) {
        lines.push(exhibit(at, client, "saw that message"));
        self.finding.violate(|| {
            let therefore = "a message is there though it was refused";
            let but = "what is refused is not stored";
            violation("refused input was stored", lines, therefore, but)
        });
    }

    pub(super) fn conclude(&mut self) {
        for Suspect { op, token, silent, argument } in std::mem::take(&mut self.suspects) {
            let late = silent && self.asks.get(op).is_some_and(|asked| asked.answered);
            let there = token.is_some_and(|token| self.seen.contains(token));
            if !late && !there {
                self.finding.violate(|| argument);
            }
        }
        let textless = std::mem::take(&mut self.textless);
        for one in textless.into_values() {
            let (true, Some((at, client))) = (one.least() > one.may as usize, one.last) else {
                continue;
            };
            if !one.refused.is_empty() {
                self.appeared(at, client, one.refused);
            }
        }
        if self.doubts > 0 {
            let text = "odd requests had no answer, or cost a connection, while the generator was \
                late itself";
            self.finding.doubts.push(format!("{} {text}", self.doubts));
        }
    }

    /// The odd request before these lines, and the lines.
    fn after_the_odd(&self, op: OpId, mut lines: Vec<Exhibit>) -> Vec<Exhibit> {
        let place = self.asks.get(op).and_then(|asked: &Asked| asked.conversation);
        if let Some(odd) = place.and_then(|place| self.odd.get(&place)) {
            lines.insert(0, exhibit(odd.at, odd.client, odd.why.as_str()));
        }
        lines
    }
}

/// As much of what a server says as an argument needs, in one line.
fn brief(text: &str) -> String {
    let line: String = text.chars().take(EXCERPT).collect();
    line.replace(['\n', '\r', '\t'], " ")
}
