//! `rate-limit`: so many messages per window and person are taken, more are refused.

mod probes;

use crate::fault::{Fault, Server};
use crate::history::{
    Answer, ClientId, ConversationId, Due, Entry, Event, MessageRef, Nanos, OpId, PersonId, Token,
    is_unreadable,
};
use crate::operation::{ConnectionState, Operation};
use crate::plan::text::{self, Kind};
use crate::property::argument::{self, exhibit, span, violation};
use crate::property::charge::nanos;
use crate::property::pace::{Attempt, Pace};
use crate::property::recent::{Recent, Rows, TokenSet, hash};
use crate::property::stalls::Stalls;
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::{Exhibit, Finding, Violation};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Duration;

/// So many messages per window and person are taken, more are refused.
#[derive(Debug)]
pub struct RateLimit;

static PAGE: Page = Page {
    id: "rate-limit",
    title: "A server MUST take the documented number of messages per window from each person, \
            and refuse more with an error.",
    promises: "Whoever keeps the documented rate is never refused for it; whoever exceeds it is \
        told so; what is refused is not stored and may be sent again; the window moves on; a \
        second device is no second allowance; and one person's excess is nobody else's.",
    matters: "A limit that is too strict eats the messages of a fast typist. One that is too lax, \
        or counts per connection, protects nobody. One that drops silently loses messages, and \
        one that is shared lets a single loud client mute a room.",
    judged: "A send arrives at some time between its leaving and its answer. A refusal is unjust \
        if, however they arrived, fewer than the documented number of the person's attempts lie \
        within a window (and its tolerance) before it. The acceptances of a person are too many \
        if no limiter of that rate could give them: more than the number times the windows that \
        they can touch, and one more (fixed windows, sliding ones and buckets are all honest). An \
        attempt beyond the rate that gets no answer, and is not seen either, was swallowed; and a \
        connection that ends within a tenth of the window after one was cut for it. A \
        message refused beyond the rate must not be seen, unless it is sent again. Sends of \
        strangers, odd ones and those of another documented limit are not judged here.",
    blind: "A limiter up to twice as lax within one window: it could be a fixed window's edge. \
        How much one person's excess slows the others down. Limits of other operations.",
    example: "  1.000 s  client 4  sent \"qzaaaabbbbcccc\" as key 7f3a, attempt 1\n  \
        1.004 s  client 4  got an error for key 7f3a: \"slow down\"\n\
        therefore it was refused after at most 3 messages within 1 s\n\
        but 10 messages per 1 s are taken from each person",
    source: "common practice: a limit protects the others, and says so.",
    tolerance: Some(Tolerance {
        default: Duration::from_millis(50),
        reason: "clocks of a few milliseconds on both sides of the window's edge, and rounding",
    }),
    least_evidence: 1,
    evidence: "One send that was answered while its person was at three quarters of the rate, or \
        beyond.",
};

impl Property for RateLimit {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        match charge.limits.send_rate {
            Some((most, window)) => format!(
                "{most} messages per {} and person; edges of the window are uncertain by {}",
                span(nanos(window)),
                span(nanos(charge.tolerance(&PAGE))),
            ),
            None => "the spec states no rate of sends, so nothing is judged".into(),
        }
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let edge = nanos(charge.tolerance(&PAGE));
        let pace = |(most, window)| Pace::new(most, nanos(window), edge);
        Box::new(Limiter {
            pace: charge.limits.send_rate.map(pace),
            people: FxHashMap::default(),
            members: FxHashSet::default(),
            faults: FxHashMap::default(),
            epochs: FxHashMap::default(),
            exempt: FxHashSet::default(),
            sends: Rows::new(charge.memory()),
            keys: Recent::new(charge.memory()),
            texts: Rows::new(charge.memory()),
            users: Recent::new(charge.memory()),
            seen: TokenSet::default(),
            refused: FxHashMap::default(),
            suspects: Vec::new(),
            stalls: Stalls::default(),
            doubts: 0,
            finding: Finding::default(),
        })
    }
}

/// Refusals that are remembered, of each kind.
const REFUSALS: usize = 2_000;
/// Messages that an argument about too many of them shows.
const SHOWN: usize = 22;

/// The judge: how fast people send, and what they are answered.
struct Limiter {
    /// `None`: the spec states no rate.
    pace: Option<Pace>,
    people: FxHashMap<ClientId, PersonId>,
    members: FxHashSet<(ClientId, ConversationId)>,
    faults: FxHashMap<ClientId, u32>,
    epochs: FxHashMap<ClientId, u32>,
    /// Operations that another property judges.
    exempt: FxHashSet<OpId>,
    sends: Rows<OpId, Sending>,
    /// Per person and key: attempts that were not refused, so that they may have been stored.
    keys: Recent<u64, u32>,
    /// The same per text.
    texts: Rows<Token, u32>,
    /// Per key: who sends with it, `None` if several do. Their collision is not the rate's matter.
    users: Recent<u64, Option<PersonId>>,
    seen: TokenSet,
    /// Refused beyond the rate: not to be seen.
    refused: FxHashMap<Token, Vec<Exhibit>>,
    /// Refused without reason, unless the message turns up: then it is not the rate's matter.
    suspects: Vec<(Token, Violation)>,
    stalls: Stalls,
    /// Connections that were lost on a starved machine.
    doubts: u64,
    finding: Finding,
}

struct Sending {
    client: ClientId,
    person: PersonId,
    message: MessageRef,
    epoch: u32,
    /// Nothing but the rate can be a reason to refuse it.
    ordinary: bool,
    attempts: u32,
}

impl Judge for Limiter {
    fn observe(&mut self, entry: &Entry) {
        if self.pace.is_none() {
            return;
        }
        let (at, client) = (entry.at, entry.client);
        self.sends.tick(at);
        self.keys.tick(at);
        self.texts.tick(at);
        self.users.tick(at);
        match &entry.event {
            Event::Person { person, .. } => {
                self.people.insert(client, *person);
            }
            Event::Member { conversation, .. } => {
                self.members.insert((client, *conversation));
            }
            Event::Due { op, due, odd, .. } if *odd || *due == Due::Refused => {
                self.exempt.insert(*op);
            }
            Event::Invoke {
                op,
                operation: Operation::Send,
                conversation: Some(conversation),
                message: Some(message),
                ..
            } => self.invoke(client, *op, *conversation, message),
            Event::Attempt { op, attempt } => self.attempt(at, *op, *attempt),
            Event::Answered { op, attempt, answer, excused } => {
                self.answered(at, *op, *attempt, answer, *excused);
            }
            Event::Message(seen) => {
                if let Some(token) = seen.token {
                    self.saw(at, client, token);
                }
            }
            Event::Connection { state: ConnectionState::Connected, .. } => {
                *self.epochs.entry(client).or_default() += 1;
            }
            Event::Connection { why, caused: false, .. } => self.dropped(at, client, why),
            Event::Fault { what, begins } => self.fault(client, what, *begins),
            Event::Lag { nanos } => self.stalls.note(at, *nanos),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        for (token, violation) in std::mem::take(&mut self.suspects) {
            if !self.seen.contains(token) {
                self.finding.violate(|| violation);
            }
        }
        if self.doubts > 0 {
            let text = "connections were lost after an excess, while the generator was late itself";
            self.finding.doubts.push(format!("{} {text}", self.doubts));
        }
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.sends.len()
            + self.refused.len()
            + self.suspects.len()
            + self.pace.as_ref().map_or(0, Pace::len)
    }
}

impl Limiter {
    fn invoke(&mut self, client: ClientId, op: OpId, place: ConversationId, message: &MessageRef) {
        let Some(&person) = self.people.get(&client) else { return };
        let exempt = self.exempt.remove(&op);
        let repeated = self.keys.get(name(person, message)).is_some();
        let limited = !matches!(text::kind(message.token), Kind::Short);
        let member = self.members.contains(&(client, place));
        let ordinary = !exempt && !repeated && !limited && member;
        let epoch = self.epochs.get(&client).copied().unwrap_or_default();
        let message = message.clone();
        self.sends.insert(op, Sending { client, person, message, epoch, ordinary, attempts: 0 });
    }

    fn attempt(&mut self, at: Nanos, op: OpId, number: u32) {
        let (Some(sending), Some(pace)) = (self.sends.get_mut(op), &mut self.pace) else { return };
        sending.attempts = sending.attempts.max(number + 1);
        sending.epoch = self.epochs.get(&sending.client).copied().unwrap_or_default();
        pace.sent(sending.person, op, number, at);
        self.refused.remove(&sending.message.token);
        *self.keys.entry(name(sending.person, &sending.message), || 0) += 1;
        *self.texts.entry(sending.message.token, || 0) += 1;
        let user = self.users.entry(hash(&sending.message.key), || Some(sending.person));
        *user = user.filter(|user| *user == sending.person);
    }

    fn answered(&mut self, at: Nanos, op: OpId, number: u32, answer: &Answer, excused: bool) {
        let (Some(sending), Some(pace)) = (self.sends.get(op), &mut self.pace) else { return };
        let accepted = matches!(answer, Answer::Ack { .. }) && sending.ordinary;
        let answered = matches!(answer, Answer::Ack { .. } | Answer::Nack(_)).then_some(at);
        let person = sending.person;
        let sent = match answered {
            Some(at) => pace.answered(person, op, number, at, accepted),
            None => self.sent_at(op, number),
        };
        let (Some(sent), Some(pace)) = (sent, &self.pace) else { return };
        let before = pace.may_precede(person, op, sent, at);
        let beyond = before >= pace.most();
        if answered.is_some() && (before + 1) * 4 >= pace.most() * 3 {
            self.finding.observations += 1;
        }
        match answer {
            Answer::Ack { .. } => {
                if let Some(surplus) = pace.surplus(person, at) {
                    self.too_many(person, &surplus, at);
                }
            }
            Answer::Nack(error) => self.nacked(op, (sent, at), before, beyond, error),
            Answer::TimedOut if beyond && !excused => self.swallowed(op, number, (sent, at)),
            Answer::TimedOut | Answer::Lost => {}
        }
    }

    fn sent_at(&self, op: OpId, number: u32) -> Option<Nanos> {
        let sending = self.sends.get(op)?;
        self.pace.as_ref()?.sent_at(sending.person, op, number)
    }

    fn nacked(
        &mut self,
        op: OpId,
        (sent, at): (Nanos, Nanos),
        before: u32,
        beyond: bool,
        error: &CompactString,
    ) {
        let Some(sending) = self.sends.get(op) else { return };
        let token = sending.message.token;
        let one_less = |attempts: &mut u32| {
            *attempts = attempts.saturating_sub(1);
            *attempts
        };
        // Of two sends under one key either may be the one that is refused as the repetition.
        let twins = self.keys.get_mut(name(sending.person, &sending.message)).map_or(0, one_less);
        let others = self.texts.get_mut(token).map_or(0, one_less);
        let lines = vec![
            exhibit(sent, sending.client, sending.words()),
            exhibit(at, sending.client, sending.refusal(error)),
        ];
        if beyond {
            self.finding.count("refused beyond the rate", 1);
            if others > 0 {
                return;
            }
            if self.seen.contains(token) {
                self.finding.violate(|| stored(lines));
            } else if self.refused.len() < REFUSALS {
                self.refused.insert(token, lines);
            }
        } else if sending.ordinary
            // A server that is in trouble may have other reasons.
            && self.faults.get(&sending.client).is_none_or(|faults| *faults == 0)
            && twins == 0
            && !self.is_shared(&sending.message)
            && self.suspects.len() < REFUSALS
        {
            let Some(pace) = &self.pace else { return };
            let (most, window) = (pace.most(), span(pace.window()));
            let therefore =
                format!("it was refused after at most {before} other attempts within {window}");
            let but = format!("{most} messages per {window} are taken from each person");
            let argument = violation("refused below the rate", lines, therefore, but);
            self.suspects.push((token, argument));
        }
    }

    /// Several people have sent something with this key.
    fn is_shared(&self, message: &MessageRef) -> bool {
        self.users.get(hash(&message.key)) == Some(&None)
    }

    /// An attempt beyond the rate had no answer in time.
    fn swallowed(&mut self, op: OpId, number: u32, (sent, at): (Nanos, Nanos)) {
        let Some(sending) = self.sends.get(op) else { return };
        let client = sending.client;
        let same_link = self.epochs.get(&client).copied().unwrap_or_default() == sending.epoch;
        let troubled = self.faults.get(&client).is_some_and(|faults| *faults > 0);
        if !same_link || troubled || number > 0 || self.seen.contains(sending.message.token) {
            return;
        }
        let lines = vec![
            exhibit(sent, client, sending.words()),
            exhibit(at, client, "gave up waiting for an answer"),
        ];
        self.finding.violate(|| {
            let therefore = "a message beyond the rate was neither taken nor refused";
            let but = "what is beyond the rate is refused with an error";
            violation("the excess was swallowed", lines, therefore, but)
        });
    }

    fn too_many(&mut self, person: PersonId, surplus: &[Attempt], at: Nanos) {
        let Some(pace) = &mut self.pace else { return };
        let (most, window) = (pace.most(), span(pace.window()));
        let first = surplus.first().map_or(at, |attempt| attempt.sent);
        let lines: Vec<Exhibit> = surplus
            .iter()
            .rev()
            .take(SHOWN)
            .filter_map(|attempt| {
                let sending = self.sends.get(attempt.op)?;
                let text = format!("{}, which was taken", sending.words());
                Some(exhibit(attempt.sent, sending.client, text))
            })
            .collect();
        let therefore = format!(
            "{} messages of one person were taken within {}",
            surplus.len(),
            span(at - first)
        );
        pace.start_over(person);
        self.finding.violate(|| {
            let but = format!("{most} messages per {window} are taken from each person");
            violation("more than the rate allows", lines, therefore, but)
        });
    }

    /// A connection was lost, or could not be made.
    fn dropped(&mut self, at: Nanos, client: ClientId, why: &str) {
        if is_unreadable(why) {
            return;
        }
        let Some(&person) = self.people.get(&client) else { return };
        let epoch = self.epochs.get(&client).copied().unwrap_or_default();
        let troubled = self.faults.get(&client).is_some_and(|faults| *faults > 0);
        let Some(pace) = self.pace.as_ref().filter(|_| !troubled && epoch > 0) else { return };
        let Some(last) = pace.beyond(person, at) else { return };
        let Some(sending) = self.sends.get(last.op).filter(|one| one.epoch == epoch) else {
            return;
        };
        let lines = vec![
            exhibit(last.sent, sending.client, sending.words()),
            exhibit(at, client, format!("lost the connection: {why}")),
        ];
        if self.stalls.explain_a_loss(at) {
            self.doubts += 1;
            return;
        }
        let (most, window) = (pace.most(), span(pace.window()));
        self.epochs.insert(client, 0);
        self.finding.violate(|| {
            let therefore =
                format!("more than {most} messages within {window} cost the connection");
            let but = "what is beyond the rate is refused with an error, and no more than that";
            violation("the excess cost the connection", lines, therefore, but)
        });
    }

    fn saw(&mut self, at: Nanos, client: ClientId, token: Token) {
        self.seen.insert(token);
        if let Some(mut lines) = self.refused.remove(&token) {
            lines.push(exhibit(at, client, format!("saw \"{token}\"")));
            self.finding.violate(|| stored(lines));
        }
    }

    fn fault(&mut self, client: ClientId, what: &str, begins: bool) {
        let faults = self.faults.entry(client).or_default();
        *faults = if begins { *faults + 1 } else { faults.saturating_sub(1) };
        if let Some(pace) = &mut self.pace
            && let Ok(Fault::Server(Server::Restart | Server::Kill)) = what.parse()
        {
            pace.forget();
        }
    }
}

impl Sending {
    fn words(&self) -> String {
        argument::sent(self.message.token, &self.message.key, 0)
    }

    fn refusal(&self, error: &str) -> String {
        format!("got an error for key {}: \"{error}\"", argument::brief(&self.message.key))
    }
}

/// The person and the key, in a number.
fn name(person: PersonId, message: &MessageRef) -> u64 {
    hash(&(person, &message.key))
}

fn stored(lines: Vec<Exhibit>) -> Violation {
    let therefore = "a message is there though it was refused";
    violation(
        "a message beyond the rate was stored",
        lines,
        therefore,
        "what is refused is not stored",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, passes, stands};
    use crate::verdict::Standing;
    use std::fmt::Write as _;

    fn charge(most: u32) -> Charge {
        let mut charge = Charge::default();
        charge.limits.send_rate = Some((most, Duration::from_secs(1)));
        charge
    }

    /// Sends from `from` on, so many milliseconds apart, each answered a millisecond later.
    fn sends(from: u64, first: u32, count: u32, apart: u64, answer: &str) -> String {
        let mut text = String::new();
        for number in first..first + count {
            let at = from + u64::from(number - first) * apart;
            let after = at + 1;
            writeln!(text, "@{at} a sends o{number} t{number} k{number} #1").unwrap();
            writeln!(text, "@{after} a {answer} o{number} m{number}").unwrap();
        }
        text
    }

    #[test]
    fn a_burst_at_the_rate_and_an_error_beyond_it_pass() {
        let history = format!(
            "a b in #1\n{}{}",
            sends(100, 1, 3, 2, "acked"),
            sends(110, 4, 2, 2, "refused")
        );
        let finding = passes(&RateLimit, &charge(3), &history);
        assert_eq!(finding.observations, 3, "the third, the fourth and the fifth");
    }

    #[test]
    fn a_refusal_below_the_rate_fails() {
        let history = format!(
            "a b in #1\n{}{}",
            sends(100, 1, 2, 2, "acked"),
            sends(110, 3, 1, 2, "refused")
        );
        fails(&RateLimit, &charge(3), &history, "refused below the rate");
        let uncertain = history.replace("@101 a acked o1 m1", "");
        stands(&RateLimit, &charge(2), &uncertain, Standing::Pass);
    }

    #[test]
    fn a_refusal_after_the_window_fails_and_at_its_edge_does_not() {
        let first = format!("a b in #1\n{}", sends(100, 1, 3, 2, "acked"));
        let later = |at| format!("{first}{}", sends(at, 4, 1, 2, "refused"));
        passes(&RateLimit, &charge(3), &later(1_140));
        fails(&RateLimit, &charge(3), &later(1_200), "refused below the rate");
    }

    #[test]
    fn a_message_that_was_refused_for_another_reason_is_not_the_rates() {
        let refused = "a b in #1
            a sends o1 t1 k1 #1
            a refused o1
            b sees t1 k1 m1 #1";
        stands(&RateLimit, &charge(3), refused, Standing::NotExercised);
        let collided = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            b sends o2 t2 k1 #1
            b refused o2";
        stands(&RateLimit, &charge(3), collided, Standing::NotExercised);
        let stranger = "a b in #1
            c in #2
            c sends o1 t1 k1 #1
            c refused o1";
        stands(&RateLimit, &charge(3), stranger, Standing::NotExercised);
        let again = "a b in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            a sends o2 t1 k1 #1
            a refused o2";
        stands(&RateLimit, &charge(3), again, Standing::NotExercised);
    }

    #[test]
    fn more_than_any_limiter_of_the_rate_could_take_fails() {
        let burst = |count| format!("a b in #1\n{}", sends(100, 1, count, 1, "acked"));
        passes(&RateLimit, &charge(3), &burst(6));
        fails(&RateLimit, &charge(3), &burst(7), "more than the rate allows");
        let two_devices =
            burst(7).replace("a sends o4", "a2 sends o4").replace("a acked o4", "a2 acked o4");
        let two_devices = two_devices.replace("a b in", "a a2 b in");
        fails(&RateLimit, &charge(3), &two_devices, "more than the rate allows");
        let two_people = two_devices.replace("a2", "c");
        passes(&RateLimit, &charge(3), &two_people);
    }

    #[test]
    fn a_restarted_server_counts_anew() {
        let history = format!(
            "a b in #1\n{}@150 b fault begins restart\n{}",
            sends(100, 1, 6, 1, "acked"),
            sends(200, 7, 6, 1, "acked")
        );
        passes(&RateLimit, &charge(3), &history);
        passes(&RateLimit, &charge(3), &history.replace("restart", "kill"));
        let halted = history.replace("restart", "stop");
        fails(&RateLimit, &charge(3), &halted, "more than the rate allows");
    }

    #[test]
    fn a_silent_drop_beyond_the_rate_fails_unless_the_message_is_there() {
        let dropped = format!(
            "a b in #1\n{}@110 a sends o4 t4 k4 #1\n@5110 a timeout o4\n",
            sends(100, 1, 3, 2, "acked")
        );
        fails(&RateLimit, &charge(3), &dropped, "the excess was swallowed");
        let there = dropped.replace("@5110", "@120 b sees t4 k4 m4 #1\n@5110");
        passes(&RateLimit, &charge(3), &there);
        let below =
            dropped.replace("@102 a sends", "@102 b sends").replace("a acked o2", "b acked o2");
        stands(&RateLimit, &charge(3), &below, Standing::NotExercised);
        let excused = dropped.replace("timeout o4", "timeout o4 excused");
        passes(&RateLimit, &charge(3), &excused);
    }

    #[test]
    fn a_refused_message_that_is_seen_fails_unless_it_was_sent_again() {
        let refused = format!(
            "a b in #1\n{}{}",
            sends(100, 1, 3, 2, "acked"),
            sends(110, 4, 1, 2, "refused")
        );
        let seen = format!("{refused}b sees t4 k4 m4 #1\n");
        fails(&RateLimit, &charge(3), &seen, "a message beyond the rate was stored");
        let again = format!(
            "{refused}@1400 a sends o5 t4 k4 #1\n@1401 a acked o5 m4\nb sees t4 k4 m4 #1\n"
        );
        passes(&RateLimit, &charge(3), &again);
        let twice = refused.replace("@110 a sends", "@109 a sends o9 t4 k4 #1\n@110 a sends");
        for also in
            ["@112 a acked o9 m4\nb sees t4 k4 m4 #1\n", "b sees t4 k4 m4 #1\n@5200 a timeout o9\n"]
        {
            passes(&RateLimit, &charge(3), &format!("{twice}{also}"));
        }
        let early = refused.replace("@111 a refused", "@110 b sees t4 k4 m4 #1\n@111 a refused");
        fails(&RateLimit, &charge(3), &early, "a message beyond the rate was stored");
    }

    #[test]
    fn a_connection_that_ends_with_the_excess_fails() {
        let beyond =
            format!("a b in #1\n{}@110 a sends o4 t4 k4 #1\n", sends(100, 1, 3, 2, "acked"));
        let summary = "the excess cost the connection";
        fails(&RateLimit, &charge(3), &format!("{beyond}@115 a drops"), summary);
        let starved = format!(
            "a b in #1\n{}@2010 a sends o4 t4 k4 #1\n@2014 b lag 600\n@2015 a drops",
            sends(2_000, 1, 3, 2, "acked")
        );
        stands(&RateLimit, &charge(3), &starved, Standing::Inconclusive);
        for innocent in ["@115 a cut", "@115 a chokes", "@115 b drops", "@900 a drops"] {
            passes(&RateLimit, &charge(3), &format!("{beyond}{innocent}"));
        }
        stands(&RateLimit, &charge(9), &format!("{beyond}@115 a drops"), Standing::NotExercised);
    }

    #[test]
    fn without_a_documented_rate_nothing_is_judged() {
        let history = format!("a b in #1\n{}", sends(100, 1, 50, 1, "refused"));
        stands(&RateLimit, &Charge::default(), &history, Standing::NotExercised);
    }
}
