//! `backoff`: whoever tries again waits longer each time, as the contract says.

mod accounts;
mod probes;

use self::accounts::{Line, Trial};
use crate::fault::Effect;
use crate::history::{Answer, ClientId, Entry, Event, Nanos, OpId, STARTED, STOPPED, TWIN};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::span;
use crate::property::charge::nanos;
use crate::property::recent::Rows;
use crate::property::stalls::{Stalls, Suspicions};
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::Finding;
use rustc_hash::{FxHashMap, FxHashSet};
use std::time::Duration;

/// Whoever tries again waits longer each time.
#[derive(Debug)]
pub struct Backoff;

static PAGE: Page = Page {
    id: "backoff",
    title: "A client that tries again MUST wait as the contract says, longer each time.",
    promises: "A request without an answer is tried again after the pauses of the contract (1, 2, \
        4 s unless the spec says otherwise), under the same key, and not once more. A lost \
        connection is opened again after 1, 2, 4, 8, 16, 30 s, then every 30 s. After a success \
        the pauses start over; after a definite no there is no other attempt.",
    matters: "A server that stumbles is trampled by clients that all try again at once. A client \
        that waits too long, or gives up too early, loses messages that one more attempt would \
        have brought.",
    judged: "Each pause is measured: from the moment at which an attempt was given up, or a \
        connection lost, to the next attempt. Too short is broken at once; too long is broken \
        beyond the tolerance, unless a fault kept the client away or the generator was late. An \
        attempt more than the contract has, an attempt after an answer, giving up before the \
        last attempt, and never trying again are broken. An attempt that was lost with its \
        connection goes out again as soon as the next one is ready, without a pause. This binds \
        whoever is the client: the simulated ones here, or a recorded one.",
    blind: "Why a client waited. Pauses of which nobody saw the end.",
    example: "  3.000 s  client 2  had no answer to attempt 2 of operation 9\n  \
        4.000 s  client 2  made attempt 3\n\
        therefore it waited 1 s\n\
        but the contract has a pause of 2 s there",
    source: "common practice: exponential backoff.",
    tolerance: Some(Tolerance {
        default: Duration::from_millis(500),
        reason: "one timer of a busy client that fires late",
    }),
    least_evidence: 1,
    evidence: "One pause that was measured, before another attempt or another connection; or one \
        definite no, after which there must be none.",
};

impl Property for Backoff {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let list = |pauses: &[Duration]| {
            let spans: Vec<String> = pauses.iter().map(|pause| span(nanos(*pause))).collect();
            if spans.is_empty() { "none".to_owned() } else { spans.join(", ") }
        };
        format!(
            "pauses between attempts: {}; before connections: {}; never shorter, and longer by at \
             most {} for {}",
            list(&charge.contract.retries),
            list(&charge.contract.reconnect),
            span(nanos(charge.tolerance(&PAGE))),
            PAGE.tolerance.as_ref().map_or("", |tolerance| tolerance.reason),
        )
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let figures = |list: &[Duration]| list.iter().map(|pause| nanos(*pause)).collect();
        Box::new(Pauses {
            tolerance: nanos(charge.tolerance(&PAGE)),
            retries: figures(&charge.contract.retries),
            reconnect: figures(&charge.contract.reconnect),
            queues: charge.contract.offline_queue,
            lines: FxHashMap::default(),
            trials: FxHashMap::default(),
            odd: FxHashSet::default(),
            over: Rows::new(nanos(charge.budget())),
            lags: Stalls::default(),
            suspicions: Suspicions::default(),
            now: 0,
            late: 0,
            ended: false,
            finding: Finding::default(),
        })
    }
}

/// The judge: who waits for what, and since when.
struct Pauses {
    tolerance: Nanos,
    retries: Box<[Nanos]>,
    reconnect: Box<[Nanos]>,
    /// What cannot be sent now waits for the next connection.
    queues: bool,
    lines: FxHashMap<ClientId, Line>,
    /// Operations that have not ended.
    trials: FxHashMap<OpId, Trial>,
    /// Malformed operations that are about to be asked for.
    odd: FxHashSet<OpId>,
    /// Operations that have: whose, and how.
    over: Rows<OpId, (ClientId, &'static str)>,
    lags: Stalls,
    suspicions: Suspicions,
    now: Nanos,
    /// How often the generator's own lag could explain a long pause.
    late: u64,
    /// The run came to its end.
    ended: bool,
    finding: Finding,
}

impl Judge for Pauses {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.now = at;
        self.late += self.suspicions.settle(at, &self.lags, &mut self.finding);
        self.over.tick(at);
        match &entry.event {
            Event::Connection { state, why, .. } => self.connection(at, client, *state, why),
            Event::Fault { what, begins } if Effect::of(what) != Effect::NOTHING => {
                let line = self.lines.entry(client).or_default();
                line.fault(at, *begins);
            }
            // A request that is malformed on purpose has one attempt.
            Event::Due { op, odd: true, .. } => drop(self.odd.insert(*op)),
            Event::Invoke { op, .. } if self.odd.remove(op) => {}
            Event::Invoke { op, operation, .. } => {
                let repeatable = !matches!(operation, Operation::Create | Operation::Announce);
                let trial = Trial::new(client, *operation == Operation::Send, repeatable);
                self.trials.insert(*op, trial);
            }
            Event::Attempt { op, attempt } => self.attempt(at, *op, *attempt),
            Event::Answered { op, attempt, answer, .. } => {
                self.answered(at, *op, *attempt, answer);
            }
            Event::Ok { op, .. } => self.end(*op, "it was over"),
            Event::Failed { op, certain, error } => {
                if !certain && error != TWIN {
                    self.gave_up(at, *op);
                }
                self.end(*op, "it had failed");
            }
            Event::Lag { nanos } => {
                self.lags.note(at, *nanos);
                self.lags.forget_before(at.saturating_sub(HORIZON));
            }
            Event::Phase { name } if name == "end" => self.ended = true,
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.late += self.suspicions.settle(Nanos::MAX, &self.lags, &mut self.finding);
        if self.ended {
            self.conclude();
        }
        if self.late > 0 {
            let reason = "pauses were too long while the generator was late itself";
            self.finding.doubts.push(format!("{} {reason}", self.late));
        }
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.trials.len() + self.over.len() + self.lags.len() + self.suspicions.len()
    }
}

/// Stalls are remembered for longer than any pause.
const HORIZON: Nanos = 120_000_000_000;

impl Pauses {
    fn connection(&mut self, at: Nanos, client: ClientId, state: ConnectionState, why: &str) {
        use ConnectionState::{Connected, Connecting, Disconnected, Error};
        match state {
            // The user went online: whatever the client waited for, it waits no more.
            Connecting if why == STARTED => {
                let line = self.lines.entry(client).or_default();
                (line.failures, line.waits_since) = (0, None);
            }
            Connecting => self.reconnects(at, client),
            Connected => {
                let line = self.lines.entry(client).or_default();
                (line.failures, line.waits_since) = (0, None);
            }
            Disconnected | Error => {
                let line = self.lines.entry(client).or_default();
                line.epoch = line.epoch.wrapping_add(1);
                let stopped = why == STOPPED;
                line.failures = if stopped { 0 } else { line.failures.saturating_add(1) };
                line.waits_since = (!stopped).then_some(at);
            }
        }
        let line = self.lines.entry(client).or_default();
        line.up = state == Connected;
    }

    fn answered(&mut self, at: Nanos, op: OpId, attempt: u32, answer: &Answer) {
        let Some(trial) = self.trials.get_mut(&op) else { return };
        if attempt >= trial.attempts {
            // A fault kept the attempt itself from the wire, and from the history.
            let line = self.lines.get(&trial.client);
            trial.kept_back(attempt, line.map_or(0, |line| line.epoch));
        }
        let last = attempt.saturating_add(1) == trial.attempts;
        match answer {
            Answer::Ack { .. } => self.end(op, "it was answered"),
            Answer::Nack(_) if last => {
                self.finding.observations += 1;
                self.end(op, "it had a definite no");
            }
            Answer::Nack(_) => trial.refused = true,
            Answer::TimedOut | Answer::Lost if last => {
                trial.given_up.get_or_insert(at);
            }
            _ => {}
        }
    }

    fn end(&mut self, op: OpId, how: &'static str) {
        if let Some(trial) = self.trials.remove(&op) {
            self.over.insert(op, (trial.client, how));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, passes, stands};
    use crate::verdict::Standing;

    fn charge() -> Charge {
        let mut charge = Charge::default();
        charge.contract.offline_queue = true;
        charge
    }

    fn accused(history: &str, summary: &str) {
        fails(&Backoff, &charge(), history, summary);
    }

    /// Four attempts at a send, none answered.
    const RETRIES: &str = "a b in #1
        @1000 a sends o1 t1 k1 #1
        @6000 a timeout o1
        @7000 a tries o1
        @12000 a timeout o1
        @14000 a tries o1
        @19000 a timeout o1
        @23000 a tries o1
        @28000 a timeout o1
        @28000 a fails o1
        @50000 phase end";

    #[test]
    fn pauses_of_one_two_and_four_seconds_pass() {
        let finding = passes(&Backoff, &charge(), RETRIES);
        assert_eq!(finding.observations, 3);
    }

    #[test]
    fn a_flat_pause_fails() {
        accused(&RETRIES.replace("@14000", "@13000"), "tried again too soon");
    }

    #[test]
    fn a_long_pause_fails_beyond_the_tolerance() {
        passes(&Backoff, &charge(), &RETRIES.replace("@14000", "@14400"));
        accused(&RETRIES.replace("@14000", "@14600"), "tried again too late");
        let lag = RETRIES.replace("@14000", "@14600 a lag 700\n@14600");
        stands(&Backoff, &charge(), &lag, Standing::Inconclusive);
        let held = "@12500 a fault begins throttle\n@14100 a fault ends throttle\n@14600";
        passes(&Backoff, &charge(), &RETRIES.replace("@14000", held));
        let in_time = "@12500 a fault begins throttle\n@12600 a fault ends throttle\n@14600";
        accused(&RETRIES.replace("@14000", in_time), "tried again too late");
    }

    #[test]
    fn one_attempt_too_many_fails() {
        let fifth = RETRIES.replace("@28000 a fails o1", "@36000 a tries o1\na fails o1");
        accused(&fifth, "one attempt too many");
    }

    #[test]
    fn giving_up_early_fails() {
        let early = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1
            @6000 a fails o1
            @50000 phase end";
        accused(early, "gave up too early");
    }

    #[test]
    fn what_is_never_tried_again_fails_also_if_it_comes_under_a_new_key() {
        let history = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1
            @50000 phase end";
        accused(history, "never tried again");
        assert_eq!(
            check(&Backoff, &charge(), &history.replace("@50000", "@7300")).violation_count,
            0
        );
        let new_key = history.replace("@50000", "@7000 a sends o2 t1 k2 #1\na acked o2\n@50000");
        accused(&new_key, "never tried again");
    }

    #[test]
    fn nothing_is_tried_after_an_answer() {
        let after =
            |end: &str| format!("a in #1\n@1000 a sends o1 t1 k1 #1\n{end}\n@2100 a tries o1");
        accused(&after("a acked o1"), "tried again after the end");
        accused(&after("a refused o1"), "tried again after the end");
        accused(&after("a nacked o1"), "tried again after the end");
    }

    #[test]
    fn a_late_no_while_another_attempt_is_under_way_decides_nothing() {
        let history = "a in #1
            @1000 a sends o1 t1 k1 #1
            @6000 a timeout o1
            @7000 a tries o1
            @7500 a nacked o1 /0
            @12000 a timeout o1
            @14000 a tries o1
            a acked o1
            phase end";
        passes(&Backoff, &charge(), history);
    }

    #[test]
    fn what_was_lost_with_its_connection_goes_out_with_the_next() {
        let history = "a b in #1
            @1000 a sends o1 t1 k1 #1
            @1500 a lost o1
            @1500 a cut
            @2500 a turns connecting
            a turns connected
            a ready
            a tries o1
            a acked o1
            @50000 phase end";
        let finding = passes(&Backoff, &charge(), history);
        assert_eq!(finding.observations, 1, "the pause before the connection");
    }

    /// A client that cannot connect, at these pauses in seconds.
    fn reconnects(pauses: &[u64]) -> String {
        let mut at = 1_000;
        let mut history = "a b in #1\n@1000 a drops\n".to_owned();
        for pause in pauses {
            at += pause * 1_000;
            history += &format!("@{at} a turns connecting\n@{at} a turns error\n");
        }
        history + &format!("@{} phase end", at + 1)
    }

    #[test]
    fn pauses_before_connections_grow_to_thirty_seconds() {
        let finding = passes(&Backoff, &charge(), &reconnects(&[1, 2, 4, 8, 16, 30, 30, 30]));
        assert_eq!(finding.observations, 8);
        accused(&reconnects(&[1, 2, 4, 4]), "connected again too soon");
        accused(&reconnects(&[1, 2, 4, 8, 16, 30, 60]), "connected again too late");
    }

    #[test]
    fn after_a_success_pauses_start_over() {
        let flapping = |second: u64| {
            format!(
                "a b in #1
                 @1000 a drops
                 @2000 a back
                 @3000 a drops
                 @{second} a back
                 @{second} phase end"
            )
        };
        passes(&Backoff, &charge(), &flapping(4_000));
        accused(&flapping(5_000), "connected again too late");
    }

    #[test]
    fn a_client_that_was_stopped_waits_for_its_user() {
        let history = "a b in #1\n@1000 a stops\n@9000 a back\n@9100 a stops\n@9200 a back
            @9300 a drops\n@10300 a back\n@90000 phase end";
        passes(&Backoff, &charge(), history);
        let at_once = "a b in #1\n@1000 a drops\n@1500 a back\n@90000 phase end";
        accused(at_once, "connected again too soon");
        let by_user = at_once.replace("a back", "a starts\na turns connected");
        assert_eq!(check(&Backoff, &charge(), &by_user).violation_count, 0);
    }

    #[test]
    fn a_client_that_never_comes_back_fails_unless_a_fault_keeps_it() {
        let gone = "a b in #1\n@1000 a drops\n@9000 phase end";
        accused(gone, "never connected again");
        let kept = gone.replace("@9000", "a fault begins cut\n@9000");
        assert_eq!(check(&Backoff, &charge(), &kept).violation_count, 0);
        let broken_off = gone.replace("phase end", "phase recovery");
        assert_eq!(check(&Backoff, &charge(), &broken_off).violation_count, 0);
    }

    #[test]
    fn a_contract_without_pauses_is_not_judged_by_them() {
        let mut charge = charge();
        charge.contract.reconnect = Vec::new();
        let finding = check(&Backoff, &charge, "a b in #1\n@1000 a drops\n@1001 a back");
        assert_eq!(finding.standing(1), Standing::NotExercised);
    }
}
