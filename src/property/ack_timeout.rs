//! `ack-timeout`: a sender has an ack, or knows that there is none, within the documented time.

mod probes;
mod suspicion;

use crate::history::{Answer, ClientId, Due, Entry, Event, MessageRef, Nanos, OpId};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::{self, exhibit, span, violation};
use crate::property::charge::nanos;
use crate::property::recent::{Recent, Rows, hash};
use crate::property::stalls::Stalls;
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::Finding;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::time::Duration;

/// A sender has an answer within the documented time.
#[derive(Debug)]
pub struct AckTimeout;

static PAGE: Page = Page {
    id: "ack-timeout",
    title: "A server MUST answer each send within the documented time, once.",
    promises: "Each attempt to send a message is answered, by an ack or an error, within the ack \
        timeout of the contract (5 s unless the spec says otherwise), and is answered only once.",
    matters: "Between the tap and the tick a user waits. An ack that is lost makes the client \
        send again and the user wonder; an ack that comes twice can tick off a message that was \
        never stored.",
    judged: "For each attempt that went out on a connection that stayed up: the time to its first \
        answer must not exceed the bound and its tolerance. An attempt without any answer is \
        broken once that time is over. More answers to a key than attempts with it are broken. A \
        client whose answers a fault withheld is excused until one ack timeout after the fault; \
        so is an attempt whose connection was lost. A send that a case asks for so that it is \
        refused, or because no document describes it, is the matter of the property whose case it \
        is (`input-limits`, `rate-limit`, `authorization`). Where the generator's own lag (a tenth of \
        the time is a starved machine) or an undescribed message could explain the silence, the \
        judge doubts.",
    blind: "Answers that come with the right key to the wrong attempt of that key. Anything, \
        where the server does not answer sends at all.",
    example: "  2.014 s  client 17  sent \"qzaaaabbbbcccc\" as key 7f3a, attempt 1\n  \
        7.015 s  client 17  gave up waiting for the ack\n\
        therefore attempt 1 had no answer for 5 s on a connection that was up\n\
        but an answer was promised within 5 s",
    source: "common practice: a client that waits for acks must know when to stop.",
    tolerance: Some(Tolerance {
        default: Duration::from_millis(250),
        reason: "the way over the network and one scheduling delay of a busy generator",
    }),
    least_evidence: 1,
    evidence: "One attempt of a send that was answered, or had to be, on a live connection.",
};

impl Property for AckTimeout {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        format!(
            "each attempt on a live connection answered within {}, plus {} for {}; answered once",
            span(nanos(charge.contract.ack_timeout)),
            span(nanos(charge.tolerance(&PAGE))),
            PAGE.tolerance.as_ref().map_or("", |tolerance| tolerance.reason),
        )
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let bound = nanos(charge.contract.ack_timeout);
        let tolerance = nanos(charge.tolerance(&PAGE));
        Box::new(Waiting {
            bound,
            tolerance,
            answers: charge.answers,
            clients: FxHashMap::default(),
            restarted: None,
            exempt: FxHashSet::default(),
            sends: Rows::new(4 * (bound + tolerance)),
            asked: Recent::new(charge.memory()),
            suspects: VecDeque::new(),
            lags: Stalls::default(),
            doubtful: Doubtful::default(),
            finding: Finding::default(),
        })
    }
}

/// The judge: who waits for an answer.
struct Waiting {
    bound: Nanos,
    tolerance: Nanos,
    answers: bool,
    clients: FxHashMap<ClientId, Link>,
    /// The last restart of the server: begun at, ended at.
    restarted: Option<(Nanos, Option<Nanos>)>,
    /// Sends of which no yes is demanded: another property judges what becomes of them.
    exempt: FxHashSet<OpId>,
    sends: Rows<OpId, Sending>,
    /// Per client and key: attempts made, answers had.
    asked: Recent<u64, (u32, u32)>,
    /// Attempts that timed out, and when that becomes a violation.
    suspects: VecDeque<(Nanos, OpId, u32)>,
    lags: Stalls,
    doubtful: Doubtful,
    finding: Finding,
}

/// What matters of a client's connection.
#[derive(Default)]
struct Link {
    up: bool,
    epoch: u32,
    faults: u32,
    fault_ended: Option<Nanos>,
    garbage: Option<Nanos>,
}

struct Sending {
    client: ClientId,
    message: MessageRef,
    attempts: SmallVec<[Attempt; 1]>,
}

#[derive(Clone, Copy)]
struct Attempt {
    at: Nanos,
    epoch: u32,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Waiting,
    Answered(Nanos),
    /// Timed out then; something may still explain it.
    Suspect(Nanos),
    /// Nothing more is to be said of it.
    Closed,
}

/// How often something other than the server could explain what was seen.
#[derive(Default)]
struct Doubtful {
    lag: u64,
    garbage: u64,
    early: u64,
    late: u64,
}

impl Judge for Waiting {
    fn observe(&mut self, entry: &Entry) {
        let at = entry.at;
        self.sends.tick(at);
        self.asked.tick(at);
        self.settle(at);
        match &entry.event {
            Event::Due { op, due: Due::Refused | Due::Harmless, .. } => {
                self.exempt.insert(*op);
            }
            Event::Invoke { op, .. } if self.exempt.remove(op) => {}
            Event::Invoke { op, operation: Operation::Send, message: Some(message), .. } => {
                let message = message.clone();
                let sending = Sending { client: entry.client, message, attempts: SmallVec::new() };
                self.sends.insert(*op, sending);
            }
            Event::Attempt { op, attempt } => self.attempt(at, *op, *attempt),
            Event::Answered { op, attempt, answer, excused } => match answer {
                Answer::Ack { .. } | Answer::Nack(_) => self.answered(at, *op, *attempt, *excused),
                Answer::TimedOut => self.timed_out(at, *op, *attempt, *excused),
                Answer::Lost => self.close(*op, *attempt),
            },
            Event::Connection { state, .. } => {
                let link = self.clients.entry(entry.client).or_default();
                let up = *state == ConnectionState::Connected;
                link.epoch += u32::from(link.up && !up);
                link.up = up;
            }
            Event::Fault { what, begins } => self.fault(at, entry.client, what, *begins),
            Event::Garbage { .. } => {
                self.clients.entry(entry.client).or_default().garbage = Some(at);
            }
            Event::Lag { nanos } => self.lags.note(at, *nanos),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.doubt();
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.sends.len() + self.asked.len() + self.suspects.len() + self.lags.len()
    }
}

impl Waiting {
    fn attempt(&mut self, at: Nanos, op: OpId, number: u32) {
        if !self.answers {
            return;
        }
        let Some(sending) = self.sends.get_mut(op) else { return };
        let epoch = self.clients.get(&sending.client).map_or(0, |link| link.epoch);
        let blank = Attempt { at, epoch, state: State::Closed };
        sending.attempts.resize((number as usize).min(1_000), blank);
        sending.attempts.push(Attempt { at, epoch, state: State::Waiting });
        self.asked.entry(sending.name(), || (0, 0)).0 += 1;
    }

    /// An ack or an error came.
    fn answered(&mut self, at: Nanos, op: OpId, number: u32, excused: bool) {
        let Some(sending) = self.sends.get_mut(op) else { return };
        let asked = self.asked.entry(sending.name(), || (0, 0));
        asked.1 += 1;
        let more = asked.1 > asked.0;
        let Some(attempt) = sending.attempts.get_mut(number as usize) else {
            if more && !excused {
                self.finding.violate(|| {
                    let line = exhibit(at, sending.client, sending.answer_words());
                    let text = "an answer came to an attempt that was never made";
                    violation("answered before it was sent", vec![line], text, ONCE)
                });
            }
            return;
        };
        let state = attempt.state;
        let (sent, waited) = (attempt.at, at.saturating_sub(attempt.at));
        if !matches!(state, State::Closed) {
            attempt.state = State::Answered(at);
        }
        match state {
            State::Waiting | State::Suspect(_) if waited <= self.bound + self.tolerance => {
                self.finding.observations += 1;
            }
            State::Waiting | State::Suspect(_) => self.late(at, op, number, sent, excused),
            State::Answered(first) if more && !excused => self.finding.violate(|| {
                let lines = vec![
                    exhibit(sent, sending.client, sending.words(number)),
                    exhibit(first, sending.client, sending.answer_words()),
                    exhibit(at, sending.client, sending.answer_words()),
                ];
                violation("answered twice", lines, "one attempt had two answers", ONCE)
            }),
            State::Answered(_) => self.finding.count("surplus answers", 1),
            State::Closed => self.finding.count("answers after the verdict", 1),
        }
    }

    /// A first answer came after bound and tolerance.
    fn late(&mut self, at: Nanos, op: OpId, number: u32, sent: Nanos, excused: bool) {
        let waited = at.saturating_sub(sent);
        if excused || self.excuse(op, number, at) {
            self.finding.count("excused by a fault", 1);
        } else if waited <= self.grace(sent, at).saturating_add(self.bound + self.tolerance) {
            self.doubtful.lag += 1;
        } else {
            self.finding.observations += 1;
            let Some(sending) = self.sends.get(op) else { return };
            let but = promised(self.bound);
            self.finding.violate(|| {
                let lines = vec![
                    exhibit(sent, sending.client, sending.words(number)),
                    exhibit(at, sending.client, sending.answer_words()),
                ];
                let therefore = format!("the answer took {}", span(waited));
                violation("answer later than promised", lines, therefore, but)
            });
        }
    }

    fn timed_out(&mut self, at: Nanos, op: OpId, number: u32, excused: bool) {
        let excused = excused || self.excuse(op, number, at);
        let (bound, tolerance) = (self.bound, self.tolerance);
        let Some(attempt) = self.attempt_mut(op, number) else { return };
        if attempt.state != State::Waiting {
            return;
        }
        let (sent, waited) = (attempt.at, at.saturating_sub(attempt.at));
        attempt.state = State::Closed;
        // Whoever is known to have stalled gave up late for that.
        let late = waited > self.grace(sent, at).saturating_add(bound + tolerance);
        if excused {
            self.finding.count("excused by a fault", 1);
        } else if waited < bound.saturating_sub(MILLISECOND) {
            self.doubtful.early += 1;
        } else if late {
            self.doubtful.late += 1;
        } else {
            if let Some(attempt) = self.attempt_mut(op, number) {
                attempt.state = State::Suspect(at);
            }
            let due = at.max(sent.saturating_add(bound)).saturating_add(tolerance);
            self.suspects.push_back((due, op, number));
        }
    }

    fn attempt_mut(&mut self, op: OpId, number: u32) -> Option<&mut Attempt> {
        self.sends.get_mut(op)?.attempts.get_mut(number as usize)
    }

    fn close(&mut self, op: OpId, number: u32) {
        if let Some(attempt) = self.attempt_mut(op, number) {
            attempt.state = State::Closed;
        }
    }

    fn doubt(&mut self) {
        let reasons = [
            (self.doubtful.lag, "attempts were answered late while the generator was late itself"),
            (self.doubtful.garbage, "attempts had no ack, but something undescribed came instead"),
            (self.doubtful.early, "attempts were given up by the harness before the bound"),
            (self.doubtful.late, "attempts were given up by the harness too late"),
        ];
        for (count, reason) in reasons.into_iter().filter(|(count, _)| *count > 0) {
            self.finding.doubts.push(format!("{count} {reason}"));
        }
    }
}

const MILLISECOND: Nanos = 1_000_000;
const ONCE: &str = "each attempt is answered once";

fn promised(bound: Nanos) -> String {
    format!("an answer was promised within {}", span(bound))
}

impl Sending {
    /// The client and the key, in a number.
    fn name(&self) -> u64 {
        hash(&(self.client, &self.message.key))
    }

    fn words(&self, number: u32) -> String {
        argument::sent(self.message.token, &self.message.key, number)
    }

    fn answer_words(&self) -> String {
        format!("got an answer for key {}", argument::brief(&self.message.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, passes, stands};
    use crate::verdict::Standing;

    fn charge() -> Charge {
        Charge::default()
    }

    #[test]
    fn an_ack_in_time_passes_and_so_does_an_error() {
        let finding = passes(
            &AckTimeout,
            &charge(),
            "a b in #1
             a sends o1 t1 k1 #1
             @4900 a acked o1 m1
             a sends o2 t2 k2 #1
             a refused o2",
        );
        assert_eq!(finding.observations, 2);
    }

    #[test]
    fn a_lost_ack_fails() {
        let history = "a b in #1
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1
            @7000 a tries o1
            a acked o1 m1";
        fails(&AckTimeout, &charge(), history, "no ack within 5 s");
    }

    #[test]
    fn the_bound_is_the_contracts() {
        let mut charge = charge();
        charge.contract.ack_timeout = Duration::from_secs(2);
        let history = "a in #1
            @1000 a sends o1 t1 k1 #1
            @3000 a timeout o1
            @4000 a sends o2 t2 k2 #1
            a acked o2";
        fails(&AckTimeout, &charge, history, "no ack within 2 s");
    }

    #[test]
    fn an_answer_within_the_tolerance_is_in_time() {
        let history = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1
            @6200 a acked o1 m1
            @9000 phase end";
        passes(&AckTimeout, &charge(), history);
    }

    #[test]
    fn an_answer_after_the_tolerance_fails_once() {
        let history = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1
            @6900 a acked o1 m1
            @9000 phase end";
        fails(&AckTimeout, &charge(), history, "no ack within 5 s");
        let never_given_up = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6900 a acked o1 m1";
        fails(&AckTimeout, &charge(), never_given_up, "answer later than promised");
    }

    #[test]
    fn a_run_that_ends_first_says_nothing() {
        let history = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1
            @6100 phase end";
        stands(&AckTimeout, &charge(), history, Standing::NotExercised);
    }

    #[test]
    fn a_fault_excuses_until_one_ack_timeout_after_it() {
        let withheld = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1 excused
            @9000 phase end";
        stands(&AckTimeout, &charge(), withheld, Standing::NotExercised);
        let silent = "a in #1
            @500 a fault begins silence
            @900 a fault ends silence
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1
            @9000 phase end";
        stands(&AckTimeout, &charge(), silent, Standing::NotExercised);
        let long_ago = silent.replace("@1000", "@6100").replace("@6000", "@11100");
        let long_ago = long_ago.replace("@9000", "@15000");
        fails(&AckTimeout, &charge(), &long_ago, "no ack within 5 s");
        let restart = "a b in #1
            @1000 a sends o1 t1 k1 #1
            @2000 b fault begins restart
            @6000 a timeout o1
            @9000 phase end";
        for what in ["restart", "kill", "stop"] {
            let history = restart.replace("restart", what);
            stands(&AckTimeout, &charge(), &history, Standing::NotExercised);
        }
    }

    #[test]
    fn a_connection_that_died_excuses() {
        let lost = "a in #1
            a sends o1 t1 k1 #1
            a drops
            a lost o1
            @9000 phase end";
        stands(&AckTimeout, &charge(), lost, Standing::NotExercised);
        let over_http = "a in #1
            @1000 a sends o1 t1 k1 #1
            @3000 a drops
            @4000 a back
            @6000 a timeout o1
            @9000 phase end";
        stands(&AckTimeout, &charge(), over_http, Standing::NotExercised);
    }

    #[test]
    fn two_answers_to_one_attempt_fail() {
        let history = "a in #1
            a sends o1 t1 k1 #1
            a acked o1 m1
            a answered o1 m1";
        fails(&AckTimeout, &charge(), history, "answered twice");
    }

    #[test]
    fn a_late_answer_and_the_next_ones_are_not_two() {
        let history = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1 excused
            @7000 a tries o1
            @7010 a answered o1 m1 /1
            @7020 a acked o1 m1 /1";
        passes(&AckTimeout, &charge(), history);
    }

    #[test]
    fn an_answer_to_an_attempt_never_made_fails() {
        let history = "a in #1
            a plans o1 t1 k1 #1
            a answered o1 m1 /0";
        fails(&AckTimeout, &charge(), history, "answered before it was sent");
    }

    #[test]
    fn the_generators_own_lag_is_a_doubt_only_if_it_explains_the_delay() {
        let late = "a b in #1
            @1000 a sends o1 t1 k1 #1
            @5900 b lag 800
            @6000 a timeout o1
            @6600 a acked o1 m1
            @9000 phase end";
        stands(&AckTimeout, &charge(), late, Standing::Inconclusive);
        let lost = late.replace("@6600 a acked o1 m1", "").replace("@9000", "@30000");
        fails(&AckTimeout, &charge(), &lost, "no ack within 5 s");
    }

    #[test]
    fn something_undescribed_in_place_of_an_ack_is_a_doubt() {
        let history = "a in #1
            @1000 a sends o1 t1 k1 #1
            a garbage
            @6000 a timeout o1
            @9000 phase end";
        stands(&AckTimeout, &charge(), history, Standing::Inconclusive);
    }

    #[test]
    fn the_harness_giving_up_early_or_late_is_a_doubt() {
        for given_up in ["@5000", "@7000"] {
            let history = format!(
                "a in #1
                 @1000 a sends o1 t1 k1 #1
                 {given_up} a timeout o1
                 @9000 phase end"
            );
            stands(&AckTimeout, &charge(), &history, Standing::Inconclusive);
        }
    }

    #[test]
    fn whoever_gives_up_late_for_a_stall_reads_what_has_come_before_it_accuses() {
        let history = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6400 a lag 400
            @6400 a timeout o1
            @9000 phase end";
        fails(&AckTimeout, &charge(), history, "no ack within 5 s");
        let unread = history.replace("@9000", "@6410 a acked o1 m1\n@9000");
        stands(&AckTimeout, &charge(), &unread, Standing::Inconclusive);
    }

    #[test]
    fn a_server_without_acks_is_not_judged() {
        let charge = Charge { answers: false, ..charge() };
        let history = "a in #1
            a sends o1 t1 k1 #1
            @9000 phase end";
        stands(&AckTimeout, &charge, history, Standing::NotExercised);
    }

    #[test]
    fn what_is_asked_for_to_be_refused_is_another_propertys_matter() {
        for due in ["refusal", "peace"] {
            let history = format!(
                "a in #1
                 a owes o1 {due}
                 @1000 a sends o1 t1 k1 #1
                 @6000 a timeout o1
                 @9000 phase end"
            );
            stands(&AckTimeout, &charge(), &history, Standing::NotExercised);
            let must = history.replace(due, "yes");
            fails(&AckTimeout, &charge(), &must, "no ack within 5 s");
        }
    }

    #[test]
    fn other_operations_are_not_sends() {
        let history = "a in #1
            @1000 a syncs o1 #1
            @9000 a timeout o1
            @15000 phase end";
        stands(&AckTimeout, &charge(), history, Standing::NotExercised);
    }
}
