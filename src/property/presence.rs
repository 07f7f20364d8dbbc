//! `presence`: online means a live connection, offline means none, and only those are told whom it
//! concerns.

mod decision;
mod probes;
mod truth;

use crate::history::{ClientId, Entry, Event, Nanos, PersonId};
use crate::operation::{ConnectionState, Sight};
use crate::property::argument::span;
use crate::property::charge::nanos;
use crate::property::company::{Company, says_yes};
use crate::property::weather::{HESITATION, Weather};
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::Finding;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;
use truth::{Device, Truth};

/// Online means a live connection.
#[derive(Debug)]
pub struct Presence;

static PAGE: Page = Page {
    id: "presence",
    title: "A server MUST show a person as online exactly while one of their devices is connected.",
    promises: "Who shares a conversation with a person is told when the first of the person's \
        devices connects and when the last one is gone, and nobody else is told.",
    matters: "People decide by it whether to write or to call. A ghost that is online makes them \
        wait; somebody who is shown as offline is not asked. A stranger who sees it can follow \
        somebody's day.",
    judged: "Each client's belief about a person is what it was last told since it connected. Once \
        the truth has not changed for the tolerance, belief and truth must agree: nobody is \
        believed online whose devices are all gone, nobody offline who has one that is ready, and \
        whoever was ready before a person's first device connected has been told. A server knows \
        at once of a connection that was closed or reset; where only silence tells (polling, a \
        half-open connection) after ping interval and ping timeout. That online is told at all is \
        demanded where the spec describes it, in conversations of up to 100 people: in a crowd it \
        concerns nobody. A client that is told of somebody with whom it shares no conversation \
        was told too much. Not judged: clients that a fault makes deaf, and restarts of the \
        server. That a word is missing is certain once the server has answered a question that \
        the client asked when it was due, or after five seconds and a multiple of what other \
        answers took.",
    blind: "A wrong word that is corrected within the tolerance. What clients on other nodes see: \
        a run tries one node. What a client is told of those who were online before it: no \
        document promises that.",
    example: "  1.200 s  client 5  was told that client 8 is online\n  \
        4.000 s  client 8  was disconnected: cut by RST\n\
        therefore client 5 still believed client 8 online at 5.000 s\n\
        but who has no connection is offline",
    source: "common practice: a green dot means that somebody is there.",
    tolerance: Some(Tolerance {
        default: Duration::from_secs(1),
        reason: "the way over the network, and what a server needs to notice and to tell everybody \
            when many come and go",
    }),
    least_evidence: 1,
    evidence: "One time that a client was told of a person, or had to be.",
};

/// How long after it was due something is taken for late only, where nothing else tells.
const PATIENCE: Nanos = 5_000_000_000;
/// How long it may take until the others know that a node is dead: as long as the heartbeat between
/// the nodes of Socket.IO's own cluster adapter.
const NODE_NOTICED: Nanos = 10_000_000_000;
/// In a conversation of more people nobody has to be told who comes.
const CROWD: usize = 100;

impl Property for Presence {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        format!(
            "belief and truth agree {} after the last change ({}); told in conversations of up to {CROWD} people",
            span(nanos(charge.tolerance(&PAGE))),
            PAGE.tolerance.as_ref().map_or("", |tolerance| tolerance.reason),
        )
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn shown(&self) -> &'static [Sight] {
        &[Sight::Online, Sight::Offline, Sight::Presence]
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let words = charge.sees(Sight::Online) && charge.sees(Sight::Offline);
        let sights = [Sight::Online, Sight::Offline, Sight::Presence];
        Box::new(Watching {
            any_sights: sights.into_iter().any(|sight| charge.sees(sight)),
            tolerance: nanos(charge.tolerance(&PAGE)),
            told: words || charge.sees(Sight::Presence),
            company: Company::default(),
            weather: Weather::default(),
            devices: FxHashMap::default(),
            beliefs: FxHashMap::default(),
            changes: FxHashMap::default(),
            checks: BinaryHeap::new(),
            late: 0,
            now: 0,
            finding: Finding::default(),
        })
    }
}

/// What a client was last told of a person.
#[derive(Clone, Copy, Debug)]
struct Belief {
    online: bool,
    at: Nanos,
}

/// When to compare, and what was due when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Check {
    at: Nanos,
    due: Nanos,
    person: PersonId,
    change: u64,
    watcher: Option<ClientId>,
}

/// The judge: what is true, and who believes what.
struct Watching {
    /// Clients are shown who is online.
    any_sights: bool,
    tolerance: Nanos,
    /// The spec describes how people are told.
    told: bool,
    company: Company,
    weather: Weather,
    devices: FxHashMap<ClientId, Device>,
    beliefs: FxHashMap<ClientId, FxHashMap<PersonId, Belief>>,
    /// How often something happened to each person's devices: a check of before is void.
    changes: FxHashMap<PersonId, u64>,
    /// When to compare: whose truth, after which change, with one client's belief or with all.
    checks: BinaryHeap<Reverse<Check>>,
    /// Words that were missing when everything was late.
    late: u64,
    now: Nanos,
    finding: Finding,
}

impl Judge for Watching {
    fn observe(&mut self, entry: &Entry) {
        if !self.any_sights {
            return;
        }
        let (at, client) = (entry.at, entry.client);
        self.now = self.now.max(at);
        self.settle(at);
        self.company.observe(entry);
        self.weather.observe(entry);
        match &entry.event {
            Event::Connection { state, .. } => self.connection(at, client, *state),
            Event::Session { ping_interval, ping_timeout, polling } => {
                let silence = ping_interval.saturating_add(*ping_timeout);
                self.device(client).terms = Some((*polling, silence));
            }
            Event::Ready => {
                self.device(client).ready(at);
                self.changed(at, client);
            }
            Event::Fault { .. } => self.changed(at, client),
            Event::Saw { .. } => self.saw(at, client, &entry.event),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.settle(self.now.saturating_add(HESITATION));
        for Reverse(check) in std::mem::take(&mut self.checks) {
            let is_last = self.changes.get(&check.person).copied().unwrap_or(0) == check.change;
            let watcher = check.watcher.filter(|_| is_last && check.due < self.now);
            let wrong = |watcher| self.disagreement(check.due, watcher, check.person);
            self.late += u64::from(watcher.and_then(wrong).is_some());
        }
        if self.late > 0 {
            let reason = "words about presence were missing while everything was late";
            self.finding.doubts.push(format!("{} {reason}", self.late));
        }
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.checks.len() + self.weather.len()
    }
}

impl Watching {
    fn device(&mut self, client: ClientId) -> &mut Device {
        self.devices.entry(client).or_default()
    }

    fn connection(&mut self, at: Nanos, client: ClientId, state: ConnectionState) {
        match state {
            ConnectionState::Connecting => {
                let first = self.company.person(client).is_some_and(|person| {
                    self.truth(person, at.saturating_sub(self.tolerance)) == Truth::Offline
                });
                self.device(client).dials(at, first);
            }
            ConnectionState::Connected => self.device(client).opened(at),
            ConnectionState::Disconnected | ConnectionState::Error => {
                self.beliefs.remove(&client);
                let unnoticed = match self.weather.is_on_struck_node(client) {
                    true => NODE_NOTICED,
                    false => 0,
                };
                self.device(client).closed(at, unnoticed);
            }
        }
        self.changed(at, client);
    }

    /// Something happened to a device: its person is looked at again when all had time.
    fn changed(&mut self, at: Nanos, client: ClientId) {
        let Some(person) = self.company.person(client) else { return };
        let change = self.changes.entry(person).or_default();
        *change += 1;
        let change = *change;
        let known = self.known(person).max(at);
        if known < Nanos::MAX {
            self.check(known, person, change, None);
        }
    }

    /// When the server must know what has become of all of the person's devices.
    fn known(&self, person: PersonId) -> Nanos {
        let devices = self.company.devices(person).iter();
        let known = devices.map(|client| {
            let silent = self.weather.silent_since(*client);
            self.devices.get(client).map_or(0, |device| device.known(silent))
        });
        known.max().unwrap_or(0)
    }

    /// Whether the person is online, if that can be said at this time.
    fn truth(&self, person: PersonId, at: Nanos) -> Truth {
        let mut truth = Truth::Offline;
        for client in self.company.devices(person) {
            let Some(device) = self.devices.get(client) else { continue };
            let silent = self.weather.silent_since(*client);
            let disturbed = self.weather.is_disturbed(*client, at);
            truth = truth.or(device.truth(at, silent, disturbed));
        }
        truth
    }

    fn saw(&mut self, at: Nanos, client: ClientId, event: &Event) {
        let Event::Saw { sight, user, state, users, .. } = event else { return };
        let online = match sight {
            Sight::Online => true,
            Sight::Offline => false,
            Sight::Presence => match (users, state.as_deref().and_then(says_yes)) {
                (Some(users), _) => {
                    let people = users.iter().filter_map(|user| self.company.called(user));
                    return self.state(at, client, &people.collect::<Vec<_>>());
                }
                (None, Some(online)) => online,
                (None, None) => return,
            },
            _ => return,
        };
        if let Some(person) = user.as_ref().and_then(|user| self.company.called(user)) {
            self.learns(at, client, person, online);
        }
    }

    /// A client is told of all who are online, at once.
    fn state(&mut self, at: Nanos, client: ClientId, people: &[PersonId]) {
        let beliefs = self.beliefs.entry(client).or_default();
        let others = beliefs.iter().filter(|(person, old)| old.online && !people.contains(person));
        let gone: Vec<PersonId> = others.map(|(person, _)| *person).collect();
        for person in gone {
            self.learns(at, client, person, false);
        }
        for person in people {
            self.learns(at, client, *person, true);
        }
    }

    fn learns(&mut self, at: Nanos, client: ClientId, person: PersonId, online: bool) {
        if self.company.person(client) == Some(person) {
            return;
        }
        if self.company.is_stranger(client, person, None) {
            return self.stranger(at, client, person, online);
        }
        if !self.is_owed(client, person) {
            return;
        }
        let beliefs = self.beliefs.entry(client).or_default();
        let before = beliefs.insert(person, Belief { online, at });
        self.finding.observations += u64::from(before.is_none_or(|old| old.online != online));
        match (self.truth(person, at), online) {
            (Truth::Online, true) | (Truth::Offline, false) => return,
            _ => {}
        }
        let change = self.changes.get(&person).copied().unwrap_or(0);
        self.check(at.max(self.known(person)), person, change, Some(client));
    }

    fn check(&mut self, since: Nanos, person: PersonId, change: u64, watcher: Option<ClientId>) {
        let due = since.saturating_add(self.tolerance);
        self.checks.push(Reverse(Check { at: due, due, person, change, watcher }));
    }

    fn is_owed(&self, client: ClientId, person: PersonId) -> bool {
        self.company.concerns(client, person, None) && !self.company.is_intruder(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{check, fails, passes, stands};
    use crate::verdict::Standing;

    const GHOSTLY: &str = "online without a connection";
    const DENYING: &str = "offline with a connection";
    const MUTE: &str = "nobody was told of an arrival";

    fn charge() -> Charge {
        Charge::default()
    }

    /// `b` (two devices) comes at 2 s.
    fn arrival(rest: &str) -> String {
        format!(
            "a in #1
             b off b2 off in #1
             c in #2
             @2000 b dials
             @2010 a saw online u2
             @2020 b opens
             @2030 b ready
             {rest}
             @8800 a reads o90 #1
             a done o90
             @9000 phase end"
        )
    }

    #[test]
    fn who_comes_and_goes_and_is_told_so_passes() {
        let finding = passes(&Presence, &charge(), &arrival("@4000 b cut\n@4010 a saw offline u2"));
        assert_eq!(finding.observations, 2);
    }

    #[test]
    fn an_arrival_that_is_not_told_fails_where_it_is_described() {
        let untold = arrival("").replace("@2010 a saw online u2", "");
        fails(&Presence, &charge(), &untold, MUTE);
        let mut charge = charge();
        charge.sees = vec![Sight::Message];
        stands(&Presence, &charge, &untold, Standing::NotExercised);
        let there_before = "a off in #1\nb in #1
            @2000 a dials\nb saw online u1\na opens\na ready\n@9000 phase end";
        assert_eq!(passes(&Presence, &self::charge(), there_before).observations, 1);
    }

    #[test]
    fn in_a_crowd_nobody_has_to_be_told() {
        let crowd = arrival("").replace("@2010 a saw online u2", "");
        fails(&Presence, &charge(), &crowd, MUTE);
        // One letter is one person, so a crowd is made by hand.
        let mut judge = Presence.judge(&charge());
        let mut entries = crate::property::notation::read("a in #1\nb off in #1");
        for number in 0..CROWD as u32 {
            let client = ClientId(1_000 + number);
            let user = compact_str::format_compact!("x{number}");
            let person = PersonId(1_000 + number);
            entries.push(Entry { at: 0, client, event: Event::Person { person, user } });
            let conversation = crate::history::ConversationId(1);
            entries.push(Entry {
                at: 0,
                client,
                event: Event::Member { conversation, id: "c1".into() },
            });
        }
        let rest = crate::property::notation::read(&crowd);
        entries.extend(rest.into_iter().filter(|entry| entry.at >= 2_000_000_000));
        entries.iter().for_each(|entry| judge.observe(entry));
        assert_eq!(judge.finish().violation_count, 0);
    }

    #[test]
    fn a_ghost_fails_and_so_does_one_that_goes_late() {
        fails(&Presence, &charge(), &arrival("@4000 b cut"), GHOSTLY);
        let late = arrival("@4000 b cut\n@5500 a reads o1 #1\na done o1\n@7000 a saw offline u2");
        fails(&Presence, &charge(), &late, GHOSTLY);
        let slow = arrival("@4000 b cut\n@6000 a saw offline u2");
        passes(&Presence, &charge(), &slow);
    }

    #[test]
    fn a_device_that_remains_is_enough() {
        let second = "b2 dials\nb2 opens\nb2 ready";
        let one_leaves = format!("{second}\n@4000 b cut");
        passes(&Presence, &charge(), &arrival(&one_leaves));
        let told = format!("{one_leaves}\n@4010 a saw offline u2");
        fails(&Presence, &charge(), &arrival(&told), DENYING);
        let corrected = format!("{told}\n@4300 a saw online u2");
        passes(&Presence, &charge(), &arrival(&corrected));
        let both = format!("{one_leaves}\n@4500 b2 cut\n@4510 a saw offline u2");
        passes(&Presence, &charge(), &arrival(&both));
    }

    #[test]
    fn an_offline_that_overtakes_the_return_fails() {
        let back = "@4000 b cut\n@5000 b dials\nb opens\nb ready";
        let flap = arrival(&format!("{back}\n@5100 a saw offline u2"));
        fails(&Presence, &charge(), &flap, DENYING);
        let told = arrival(&format!("{back}\n@5100 a saw offline u2\na saw online u2"));
        passes(&Presence, &charge(), &told);
        passes(&Presence, &charge(), &arrival(back));
    }

    #[test]
    fn where_only_silence_tells_the_server_has_its_time() {
        let polling = "b session 3000 polling\n@4000 b cut\n@7500 a saw offline u2";
        passes(&Presence, &charge(), &arrival(polling));
        let never = polling.replace("@7500 a saw offline u2", "");
        fails(
            &Presence,
            &charge(),
            &arrival(&never).replace("b session 3000", "b session 2000"),
            GHOSTLY,
        );
        let silent = "b session 3000\n@4000 b fault begins silence";
        let told = format!("{silent}\n@7500 a saw offline u2");
        passes(&Presence, &charge(), &arrival(&told));
        fails(&Presence, &charge(), &arrival(silent), GHOSTLY);
        let speaks = format!("{silent}\n@6000 b fault ends silence");
        passes(&Presence, &charge(), &arrival(&speaks));
    }

    #[test]
    fn strangers_are_told_nothing() {
        let stranger = arrival("@3000 c saw online u2");
        fails(&Presence, &charge(), &stranger, "presence told to a stranger");
        let intruder = arrival("c owes o1 refusal\nc reads o1 #1\n@3000 c saw online u2");
        passes(&Presence, &charge(), &intruder);
        let own = arrival("@3000 b saw online u2");
        passes(&Presence, &charge(), &own);
    }

    #[test]
    fn a_state_says_all_at_once() {
        let state = arrival("a saw presence all u2\n@4000 b cut\n@4010 a saw presence all");
        passes(&Presence, &charge(), &state);
        let stale = arrival("@4000 b cut\n@4010 a saw presence all u2");
        fails(&Presence, &charge(), &stale, GHOSTLY);
        let word = arrival("@4000 b cut\n@4010 a saw presence u2 =offline");
        passes(&Presence, &charge(), &word);
    }

    #[test]
    fn who_is_deaf_or_away_is_owed_nothing() {
        for trouble in ["a cut", "a fault begins silence", "a fault begins delay", "a leaves o1 #1"]
        {
            let history = arrival(&format!("@3500 {trouble}\n@4000 b cut"));
            assert_eq!(check(&Presence, &charge(), &history).violation_count, 0, "{trouble}");
        }
        let restart =
            arrival("@4000 b cut\n@4100 a fault begins restart\n@4900 a fault ends restart");
        assert_eq!(check(&Presence, &charge(), &restart).violation_count, 0);
    }

    #[test]
    fn silence_is_not_exercised() {
        stands(&Presence, &charge(), "", Standing::NotExercised);
        stands(&Presence, &charge(), "a b in #1\n@9000 phase end", Standing::NotExercised);
    }
}
