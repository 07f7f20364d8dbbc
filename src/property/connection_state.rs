//! `connection-state`: a client's state is the socket's state, at both ends.

mod links;
mod probes;

use self::links::Link;
use crate::fault::{Effect, Fault, is_of_server};
use crate::history::{Answer, ClientId, Entry, Event, Nanos, OpId};
use crate::operation::{ConnectionState, Operation};
use crate::property::argument::span;
use crate::property::charge::nanos;
use crate::property::stalls::{Stalls, Suspicions};
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::{Finding, Violation};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::time::Duration;

/// A client's state is the socket's state.
#[derive(Debug)]
pub struct ConnectionStates;

static PAGE: Page = Page {
    id: "connection-state",
    title: "A connection MUST be what both ends take it for: alive while it lives, over once it is dead.",
    promises: "A client is connecting, connected, disconnected or in error, and goes from one to \
        the other as its socket does. The server pings as its handshake says; it ends a \
        connection whose client is silent within ping interval and ping timeout, and no other. \
        In state connected, what is asked is answered.",
    matters: "A client that believes in a dead connection shows a calm chat while messages pass \
        it by, and a server that does tells everybody that somebody is online who left long ago.",
    judged: "Changes of state other than connecting to connected, connected to disconnected, \
        connecting to error, and either back to connecting, are broken (a client that is \
        stopped while connecting is disconnected). So is a live message without a connection. \
        A client that was silent by a fault for longer than ping interval, ping timeout and the \
        tolerance must find its connection ended when it looks again; a client that nothing \
        reaches for so long must have given up. Without a fault it must never have to. An idle connection must not be ended under a client; \
        where most clients lose theirs within a second, the server went down, and that is \
        another matter. A connection on which the first three sends and reads have no answer within the \
        ack timeout, and on which nothing else came then and for as long again, is connected in name \
        only. What a fault or \
        the generator's own lag could explain is excused or a doubt.",
    blind: "Connections that nobody asks anything of, beyond their pings. What others are told \
        of a dead client. Figures of the heartbeat, where the protocol has none.",
    example: "  1.000 s  client 4  went silent\n  \
        7.200 s  client 4  looked again: its connection still stood\n\
        therefore a client that answered no ping for 6.2 s was taken for alive\n\
        but the handshake promised to end it after 5 s",
    source: "the Engine.IO protocol, heartbeat; otherwise common practice.",
    tolerance: Some(Tolerance {
        default: Duration::from_secs(1),
        reason: "timers of both ends, and the way over the network",
    }),
    least_evidence: 1,
    evidence: "One change of a connection's state.",
};

impl Property for ConnectionStates {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        format!(
            "states change as sockets do; dead clients are noticed within ping interval and ping \
             timeout of the handshake, plus {} for {}; nothing ends an idle connection",
            span(nanos(charge.tolerance(&PAGE))),
            PAGE.tolerance.as_ref().map_or("", |tolerance| tolerance.reason),
        )
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(States {
            tolerance: nanos(charge.tolerance(&PAGE)),
            patience: nanos(charge.contract.ack_timeout),
            live: LIVE.iter().copied().filter(|one| charge.answers_over_it(*one)).collect(),
            clients: FxHashMap::default(),
            up: 0,
            server: Disturbed::default(),
            losses: VecDeque::new(),
            idle_losses: VecDeque::new(),
            silences: Vec::new(),
            deaf: Vec::new(),
            lags: Stalls::default(),
            suspicions: Suspicions::default(),
            starved: 0,
            finding: Finding::default(),
        })
    }
}

/// The judge: every client's connection.
struct States {
    tolerance: Nanos,
    /// How long an answer may take.
    patience: Nanos,
    /// What is asked, and answered, over the connection.
    live: Vec<Operation>,
    clients: FxHashMap<ClientId, Link>,
    /// Clients that are connected.
    up: usize,
    server: Disturbed,
    /// When connections ended of late that the harness did not end.
    losses: VecDeque<Nanos>,
    /// Those that the server ended while they were idle.
    idle_losses: VecDeque<Loss>,
    /// Connections that stood for too long with nobody at one end, and must be over soon.
    silences: Vec<Silence>,
    /// Connections that look deaf, until it shows that they were only slow.
    deaf: Vec<Deaf>,
    lags: Stalls,
    suspicions: Suspicions,
    /// How often a starved machine could explain what was seen.
    starved: u64,
    finding: Finding,
}

/// Whether the harness is doing something to the server, or did.
#[derive(Default)]
struct Disturbed {
    now: bool,
    ended: Option<Nanos>,
}

struct Loss {
    at: Nanos,
    client: ClientId,
    /// Clients that were connected until then.
    up: usize,
    idle_since: Nanos,
}

/// A connection that one end is no longer at: the other must notice.
struct Silence {
    due: Nanos,
    client: ClientId,
    epoch: u32,
    began: Nanos,
    ended: Nanos,
    left_by: LeftBy,
}

/// A connection on which nothing was answered so far. What is late is not lost.
struct Deaf {
    due: Nanos,
    at: Nanos,
    client: ClientId,
    epoch: u32,
    accusation: Violation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeftBy {
    /// The client was silent, and looked again.
    Client,
    /// Nothing reaches the client.
    Server,
}

/// What tells by its answer that somebody listens.
const LIVE: &[Operation] = &[Operation::Send, Operation::Sync, Operation::History];

/// Losses within this time of one another have one cause.
const TOGETHER: Nanos = 1_000_000_000;

impl Judge for States {
    fn observe(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        self.settle(at);
        match &entry.event {
            Event::Session { ping_interval, ping_timeout, .. } => {
                self.link(client).limit = Some(ping_interval.saturating_add(*ping_timeout));
            }
            Event::Connection { state, why, caused } => {
                self.change(at, client, *state, why, *caused);
            }
            Event::Fault { what, begins } => self.fault(at, client, what, *begins),
            Event::Due { op, .. } => self.link(client).special = Some(*op),
            Event::Invoke { op, operation, .. } if self.live.contains(operation) => {
                self.link(client).invoked(*op, *operation);
            }
            Event::Attempt { op, .. } => self.link(client).attempted(at, *op),
            Event::Answered { op, answer, excused, .. } => {
                self.answered(at, client, *op, answer, *excused);
            }
            Event::Ok { op, .. } | Event::Failed { op, .. } => self.link(client).over(*op),
            Event::Message(seen) if seen.by == crate::history::Carrier::Live => {
                self.came(at, client);
            }
            Event::Saw { row: None, .. } => self.link(client).shows_life(),
            Event::Lag { nanos } => self.lags.note(at, *nanos),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.starved += self.suspicions.settle(Nanos::MAX, &self.lags, &mut self.finding);
        if self.starved > 0 {
            let reason = "connections looked wrong while the generator was late itself";
            self.finding.doubts.push(format!("{} {reason}", self.starved));
        }
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        let asked = self.clients.values().map(Link::unsettled).sum::<usize>();
        self.losses.len()
            + self.idle_losses.len()
            + self.silences.len()
            + self.deaf.len()
            + self.suspicions.len()
            + self.lags.len()
            + asked
    }
}

impl States {
    fn link(&mut self, client: ClientId) -> &mut Link {
        self.clients.entry(client).or_default()
    }

    fn change(
        &mut self,
        at: Nanos,
        client: ClientId,
        to: ConnectionState,
        why: &str,
        caused: bool,
    ) {
        use ConnectionState::{Connected, Connecting, Disconnected, Error};
        let link = self.link(client);
        let from = link.state.replace(to);
        let before = std::mem::replace(&mut link.changed, at);
        let legal = match (from, to) {
            (Some(Disconnected | Error), Connecting)
            | (Some(Connecting), Connected | Error)
            | (Some(Connected), Disconnected) => true,
            (Some(Connecting), Disconnected) => caused,
            (Some(_), _) => false,
            (None, _) => true,
        };
        self.finding.observations += u64::from(from.is_some());
        if let (false, Some(from)) = (legal, from) {
            self.impossible(at, client, before, from, to);
        }
        if from == Some(Connected) && to != Connected {
            self.up = self.up.saturating_sub(1);
            self.lost(at, client, why, caused);
        }
        if to == Connected && from != Some(Connected) {
            self.up += 1;
            self.link(client).opened(at);
        }
    }

    fn fault(&mut self, at: Nanos, client: ClientId, what: &str, begins: bool) {
        let fault = what.parse::<Fault>();
        if is_of_server(what) {
            self.server.now = begins;
            self.server.ended = (!begins).then_some(at);
        }
        let tolerance = self.tolerance;
        let link = self.link(client);
        link.fault(at, Effect::of(what), begins);
        let epoch = link.epoch;
        match (fault, begins) {
            (Ok(Fault::HalfOpen), true) => {
                if let Some(due) = link.goes_silent(at) {
                    let (due, left_by) = (due.saturating_add(tolerance), LeftBy::Server);
                    let silence = Silence { due, client, epoch, began: at, ended: due, left_by };
                    self.silences.push(silence);
                }
            }
            (Ok(Fault::Silence), true) => drop(link.goes_silent(at)),
            (Ok(Fault::HalfOpen), false) => drop(link.wakes_up()),
            (Ok(Fault::Silence), false) => {
                if let Some((began, due)) = link.wakes_up()
                    && at > due.saturating_add(tolerance)
                {
                    let (due, left_by) = (at.saturating_add(tolerance), LeftBy::Client);
                    let silence = Silence { due, client, epoch, began, ended: at, left_by };
                    self.silences.push(silence);
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, at: Nanos, client: ClientId, op: OpId, answer: &Answer, excused: bool) {
        let patience = self.patience;
        let link = self.link(client);
        match answer {
            Answer::Ack { .. } | Answer::Nack(_) => link.answered(op),
            Answer::TimedOut if !excused && link.timed_out(at, op, patience) => {
                self.deaf(at, client);
            }
            Answer::TimedOut | Answer::Lost => {}
        }
    }

    /// A live message came.
    fn came(&mut self, at: Nanos, client: ClientId) {
        let link = self.link(client);
        link.shows_life();
        if let Some(state) = link.state.filter(|state| *state != ConnectionState::Connected) {
            self.without_connection(at, client, state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, passes, stands};
    use crate::verdict::Standing;

    fn charge() -> Charge {
        Charge::default()
    }

    fn accused(history: &str, summary: &str) {
        fails(&ConnectionStates, &charge(), history, summary);
    }

    fn honest(history: &str) {
        passes(&ConnectionStates, &charge(), history);
    }

    #[test]
    fn a_client_that_goes_and_comes_back_passes() {
        honest(
            "a b in #1
             a cut
             @1000 a turns connecting
             a turns error
             @3000 a turns connecting
             a session 3000 2000
             a turns connected
             a ready
             a stops
             a turns connecting
             a stops",
        );
    }

    #[test]
    fn states_do_not_jump() {
        for (jump, from, to) in [
            ("a turns connected", "connected", "connected"),
            ("a turns error", "connected", "error"),
            ("a turns connecting", "connected", "connecting"),
            ("a cut\na turns connected", "disconnected", "connected"),
            ("a cut\na turns error", "disconnected", "error"),
        ] {
            let history = format!("a b in #1\n{jump}");
            accused(&history, &format!("from {from} to {to}"));
        }
        accused("a in #1\na cut\na turns connecting\na drops", "from connecting to disconnected");
    }

    #[test]
    fn a_message_without_a_connection_fails() {
        accused("a b in #1\na cut\na sees t1 m1 #1", "a live message without a connection");
    }

    /// `b` is silent from 1 s on until then, and after that this happens.
    fn silence(until: u64, after: &str) -> String {
        format!(
            "a b in #1
             b cut
             b turns connecting
             b session 3000 2000
             b turns connected
             @1000 b fault begins silence
             @{until} b fault ends silence
             {after}
             @20000 phase end"
        )
    }

    #[test]
    fn a_dead_client_is_to_be_noticed() {
        accused(&silence(7_100, ""), "a silent client was taken for alive");
        honest(&silence(7_100, "b drops"));
        honest(&silence(6_000, ""));
        honest(&silence(7_100, "@7900 b drops"));
        accused(&silence(7_100, "@8900 b drops"), "a silent client was taken for alive");
    }

    #[test]
    fn a_dead_server_is_to_be_noticed() {
        let unplugged = |after: &str| silence(9_000, after).replace("silence", "half-open");
        accused(&unplugged(""), "a silent server was taken for alive");
        let gave_up = unplugged("").replace("@9000", "@5900 b deserts\n@9000");
        honest(&gave_up);
        honest(&silence(5_900, "").replace("silence", "half-open"));
    }

    #[test]
    fn a_server_that_is_down_itself_notices_nobody() {
        honest(&silence(7_100, "a fault begins restart"));
        let starved = silence(7_100, "@7600 a lag 900");
        stands(&ConnectionStates, &charge(), &starved, Standing::Inconclusive);
    }

    #[test]
    fn a_client_must_not_have_to_give_up() {
        let history = "a b in #1
            b cut
            b turns connecting
            b session 3000 2000
            @1000 b turns connected
            @6000 b deserts";
        accused(history, "no ping within 5 s");
        honest(&history.replace("@6000", "@2000 b fault begins silence\n@6000"));
        let starved = history.replace("@6000", "@5000 a lag 600\n@6000");
        stands(&ConnectionStates, &charge(), &starved, Standing::Inconclusive);
    }

    #[test]
    fn an_idle_connection_stays() {
        let history = "a b c in #1
            @3000 a sends o1 t1 k1 #1
            a acked o1 m1
            c closed
            @9000 phase end";
        accused(history, "an idle connection was ended");
        honest(&history.replace("c closed", "a closed\nb closed\nc closed"));
        honest(&history.replace("c closed", "a closed"));
        honest(&history.replace("c closed", "c fault begins delay\nc closed"));
        honest(&history.replace("c closed", "a fault begins restart\nc closed"));
        honest(&history.replace("c closed", "c owes o7 refusal\nc sends o7 t7 k7\n@6000 c closed"));
    }

    /// What `b` asks on its second connection.
    fn deaf(asked: &str) -> String {
        format!(
            "a b in #1
             b cut
             @1000 b back
             b ready
             {asked}
             @11300 phase end"
        )
    }

    #[test]
    fn a_connection_in_name_only_fails_once() {
        let asked = "@1100 b sends o1 t1 k1 #1
            b sends o2 t2 k2 #1
            b sends o3 t3 k3 #1
            b sends o4 t4 k4 #1
            @6200 b timeout o1
            b timeout o2
            b timeout o3
            b timeout o4";
        accused(&deaf(asked), "connected, but deaf");
        honest(&deaf(&asked.replace("@6200", "b sees t1 m1 #1\n@6200")));
        honest(&deaf(&asked.replace("@6200", "b nacked o4\n@6200")));
        honest(&deaf(&format!("{asked}\n@11100 b answered o2 m2")));
        honest(&deaf(&format!("{asked}\n@11100 b drops")));
        honest(&deaf(
            &asked
                .replace("@6200 b timeout o1", "@6200 b timeout o1 excused")
                .replace("b timeout o2", "b timeout o2 excused"),
        ));
        honest(&deaf(&asked.replace("@6200", "b fault begins throttle\n@6200")));
        honest(&deaf(
            &asked
                .replace("b sends o3", "b owes o3 refusal\nb sends o3")
                .replace("b sends o4", "b owes o4 refusal\nb sends o4"),
        ));
    }

    #[test]
    fn answers_over_http_say_nothing_of_the_connection() {
        let charge = Charge { requests: vec![Operation::Send], ..charge() };
        let asked = "b sends o1 t1 k1 #1
            b sends o2 t2 k2 #1
            b sends o3 t3 k3 #1
            @6200 b timeout o1
            b timeout o2
            b timeout o3";
        assert_eq!(check(&ConnectionStates, &charge, &deaf(asked)).violation_count, 0);
    }

    #[test]
    fn without_a_heartbeat_silence_says_nothing() {
        let history = "a b in #1
            @1000 b fault begins silence
            @90000 b fault ends silence
            @99000 phase end";
        assert_eq!(check(&ConnectionStates, &charge(), history).violation_count, 0);
    }

    #[test]
    fn a_first_word_about_a_client_is_no_observation() {
        let finding = check(&ConnectionStates, &charge(), "a turns connecting");
        assert_eq!(finding.standing(1), Standing::NotExercised);
    }
}
