//! `typing-timeout`: a typing indicator goes when the typing does, and only those see it whom it
//! concerns.

mod decision;
mod probes;
mod spells;

use crate::history::{ClientId, ConversationId, Entry, Event, Nanos, OpId, PersonId};
use crate::operation::{ConnectionState, Operation, Sight};
use crate::property::argument::span;
use crate::property::charge::nanos;
use crate::property::company::{Company, says_yes};
use crate::property::weather::{HESITATION, Weather};
use crate::property::{Charge, Judge, Page, Probe, Property, Tolerance};
use crate::verdict::Finding;
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};
use spells::{End, Ended, Spells};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// A typing indicator goes when the typing does.
#[derive(Debug)]
pub struct TypingTimeout;

static PAGE: Page = Page {
    id: "typing-timeout",
    title: "A typing indicator MUST be gone in the documented time after the last keystroke.",
    promises: "Who watches a conversation sees that somebody types, and sees that it is over: at \
        the documented time after the last key (2 s unless the spec says otherwise), at once when \
        the message is sent or the typist's connection is lost. Its author does not see it, nor \
        does anybody outside the conversation.",
    matters: "`Ann is typing…` that stays for ever makes people wait for a message that nobody \
        writes. One that a stranger sees tells who talks to whom.",
    judged: "For each client that was shown the indicator, and stayed connected: it must be told \
        the end within the tolerance after the server could know it. That is when the typist's \
        client said so (the contract makes it do so after the last key, and before a message), \
        when its connection was lost, or, where only silence tells (polling, a half-open \
        connection), after ping interval and ping timeout; with several devices, when the last \
        one stops; and at the latest after the documented expiry. Events that name no \
        conversation are paired by user; a state that lists who types ends what it leaves out. \
        An indicator that appears after the end must go within the tolerance, too. Not judged: a \
        watcher or typist whom another fault disturbed, a restart of the server. That an end is \
        missing is certain once the server has answered a question that the watcher asked later. \
        Where the generator stalled, or answers were as slow, the judge doubts that a late end is \
        the server's doing.",
    blind: "An indicator that never appears. A stop that comes too early. Whether a person's other \
        devices should see it: they may.",
    example: "  3.100 s  client 4  pressed the last key in conversation 2\n  \
        3.102 s  client 9  was shown that user 100004 types\n  \
        5.100 s  client 4  said that it stopped typing in conversation 2\n\
        therefore client 9 still showed it at 5.850 s\n\
        but a typing indicator is gone within 2 s of the last keystroke",
    source: "common practice: what says `now` must not outlive it.",
    tolerance: Some(Tolerance {
        default: Duration::from_millis(750),
        reason: "the ways through two networks, the window in which typing events are batched, and \
            a few scheduling delays of a busy machine",
    }),
    least_evidence: 1,
    evidence: "One typing indicator that one client was shown, and that had to go.",
};

impl Property for TypingTimeout {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, charge: &Charge) -> String {
        let expiry = charge.traits.typing_expires.map_or_else(String::new, |expires| {
            format!(", or {} after the last start", span(nanos(expires)))
        });
        format!(
            "gone within {} of the last key{expiry}, at once after a message or a loss, plus {} for {}",
            span(nanos(charge.contract.typing_stop)),
            span(nanos(charge.tolerance(&PAGE))),
            PAGE.tolerance.as_ref().map_or("", |tolerance| tolerance.reason),
        )
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn shown(&self) -> &'static [Sight] {
        &[Sight::TypingStart, Sight::TypingStop, Sight::Typing]
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        let pause = nanos(charge.contract.typing_stop);
        let expires = charge.traits.typing_expires.map(nanos);
        let sights = [Sight::TypingStart, Sight::TypingStop, Sight::Typing];
        Box::new(Watching {
            any_sights: sights.into_iter().any(|sight| charge.sees(sight)),
            pause,
            tolerance: nanos(charge.tolerance(&PAGE)),
            client_stops: charge.typing_stops,
            ends_are_shown: charge.sees(Sight::TypingStop) || charge.sees(Sight::Typing),
            company: Company::default(),
            weather: Weather::default(),
            spells: Spells::new(pause, expires, charge.memory()),
            terms: FxHashMap::default(),
            asked: FxHashMap::default(),
            keyless: FxHashSet::default(),
            shown: FxHashMap::default(),
            checks: BinaryHeap::new(),
            tardy: VecDeque::new(),
            late: 0,
            now: 0,
            finding: Finding::default(),
        })
    }
}

/// What an indicator is known by to a watcher: who types, and where, if the event says it.
type Indicator = (PersonId, Option<ConversationId>);

/// The judge: which client is shown what.
struct Watching {
    /// Clients are shown who types.
    any_sights: bool,
    pause: Nanos,
    tolerance: Nanos,
    /// A client says itself that it stopped.
    client_stops: bool,
    /// Watchers are told the end; if not, they find it themselves.
    ends_are_shown: bool,
    company: Company,
    weather: Weather,
    spells: Spells,
    /// Of each client's connection: whether only silence ends it, and how long that may last.
    terms: FxHashMap<ClientId, (bool, Nanos)>,
    /// Sends and typing operations that have not left, and where.
    asked: FxHashMap<OpId, (Operation, ConversationId)>,
    /// Who said that they type without a key, on purpose: when that ends, nobody promised.
    keyless: FxHashSet<PersonId>,
    shown: FxHashMap<ClientId, FxHashMap<Indicator, Nanos>>,
    /// When to look whether an indicator is gone; the last is since when it is shown.
    checks: BinaryHeap<Reverse<(Nanos, ClientId, Indicator, Nanos)>>,
    /// Ends that came late, until it is clear whether the generator was late itself.
    tardy: VecDeque<Tardy>,
    /// Ends that came late while the generator was late itself.
    late: u64,
    now: Nanos,
    finding: Finding,
}

/// An end that came late.
struct Tardy {
    at: Nanos,
    client: ClientId,
    indicator: Indicator,
    since: Nanos,
    end: End,
}

/// How long after it was due something is taken for late only, where nothing else tells.
const PATIENCE: Nanos = 5_000_000_000;
/// Without the server's own figure: as long as the longest that is common.
const SILENCE_UNKNOWN: Nanos = 60_000_000_000;

impl Judge for Watching {
    fn observe(&mut self, entry: &Entry) {
        if !self.any_sights {
            return;
        }
        let (at, client) = (entry.at, entry.client);
        self.now = self.now.max(at);
        self.spells.tick(at);
        self.settle(at);
        self.company.observe(entry);
        let silent = self.weather.silent_since(client);
        self.weather.observe(entry);
        if let (Some(since), None) = (silent, self.weather.silent_since(client)) {
            self.speaks_again(at, client, since);
        }
        match &entry.event {
            Event::Keystroke { conversation, .. } => self.spells.key(at, client, *conversation),
            Event::Invoke { op, operation, conversation: Some(place), .. } => {
                self.invoke(at, client, *op, *operation, *place);
            }
            Event::Attempt { op, .. } => self.attempt(at, client, *op),
            Event::Connection { state: ConnectionState::Disconnected, .. } => self.lost(at, client),
            Event::Session { ping_interval, ping_timeout, polling } => {
                let silence = ping_interval.saturating_add(*ping_timeout);
                self.terms.insert(client, (*polling, silence));
            }
            Event::Failed { op, .. } => {
                self.asked.remove(op);
            }
            Event::Saw { .. } => self.saw(at, client, &entry.event),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        // What ended sooner than it seemed when it appeared is looked at as well.
        let open = std::mem::take(&mut self.checks).into_iter();
        let at_once = |Reverse((_, who, what, since))| Reverse((0, who, what, since));
        self.checks = open.map(at_once).collect();
        self.settle(self.now.saturating_add(HESITATION));
        // What is left is not due, or may only be late.
        let left = std::mem::take(&mut self.checks).into_iter();
        let overdue = left.filter(|Reverse((_, client, indicator, since))| {
            let end = self.end_of(*client, *indicator);
            let due = end.at.max(*since).saturating_add(self.tolerance);
            let shown = self.shows(*client, *indicator);
            shown
                && due < self.now
                && !self.is_unsaid(&end)
                && !self.excused(*client, *indicator, due)
        });
        self.late += overdue.count() as u64;
        if self.late > 0 {
            let reason = "indicators went late while everything was late";
            self.finding.doubts.push(format!("{} {reason}", self.late));
        }
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        self.spells.len()
            + self.checks.len()
            + self.tardy.len()
            + self.asked.len()
            + self.weather.len()
    }
}

impl Watching {
    fn invoke(
        &mut self,
        at: Nanos,
        client: ClientId,
        op: OpId,
        operation: Operation,
        place: ConversationId,
    ) {
        match operation {
            Operation::TypingStart | Operation::TypingStop => {
                self.asked.insert(op, (operation, place));
            }
            // The contract's stop left just before, unless there is none.
            Operation::Send if self.client_stops => {
                let of = self.spells.of(client, place);
                if of.is_some_and(|spell| spell.is_said_at(at)) {
                    self.spells.end(at, (client, place), Ended::Sent, at);
                }
            }
            Operation::Send => {
                self.asked.insert(op, (operation, place));
            }
            Operation::Leave => {
                self.shown.remove(&client);
            }
            _ => {}
        }
    }

    fn attempt(&mut self, at: Nanos, client: ClientId, op: OpId) {
        match self.asked.remove(&op) {
            Some((Operation::TypingStart, place)) => {
                if self.spells.of(client, place).is_none() {
                    self.keyless.extend(self.company.person(client));
                }
                self.spells.start(at, client, place);
            }
            Some((Operation::TypingStop, place)) => {
                self.spells.end(at, (client, place), Ended::Said, at);
            }
            Some((_, place)) => self.spells.end(at, (client, place), Ended::Sent, at),
            None => {}
        }
    }

    /// The client's connection is gone: it shows nothing any more, and types nothing.
    fn lost(&mut self, at: Nanos, client: ClientId) {
        self.shown.remove(&client);
        let (polling, silence) =
            self.terms.get(&client).copied().unwrap_or((false, SILENCE_UNKNOWN));
        let known = if polling { at.saturating_add(silence) } else { at };
        let Some(person) = self.company.person(client) else { return };
        for place in self.company.places(person) {
            self.spells.end(at, (client, *place), Ended::Lost, known);
        }
    }

    /// What the client said during its silence leaves now.
    fn speaks_again(&mut self, at: Nanos, client: ClientId, since: Nanos) {
        let Some(person) = self.company.person(client) else { return };
        for place in self.company.places(person) {
            self.spells.delay(at, (client, *place), since);
        }
    }

    fn saw(&mut self, at: Nanos, client: ClientId, event: &Event) {
        let Event::Saw { sight, conversation, user, state, users, .. } = event else { return };
        let place = *conversation;
        let begins = match (sight, users) {
            (Sight::TypingStart, _) => Some(true),
            (Sight::TypingStop, _) => Some(false),
            (Sight::Typing, Some(users)) => return self.state(at, client, place, users),
            (Sight::Typing, None) => state.as_deref().and_then(says_yes),
            _ => None,
        };
        let person = user.as_ref().and_then(|user| self.company.called(user));
        let (Some(begins), Some(person)) = (begins, person) else { return };
        if self.company.person(client) == Some(person) {
            if begins {
                self.own(at, client, person, place);
            }
        } else if self.company.is_stranger(client, person, place) {
            self.stranger(at, client, person, begins);
        } else if begins {
            self.appears(at, client, (person, place));
        } else {
            self.goes(at, client, (person, place));
        }
    }

    /// The watcher is to see it. Where somebody types or watches who may not, on purpose, it is
    /// not time that is tried.
    fn is_owed(&self, client: ClientId, (person, place): Indicator) -> bool {
        self.company.concerns(client, person, place)
            && !self.company.is_intruder(client)
            && place.is_none_or(|place| self.company.is_member(person, place))
    }

    /// All who type, at once.
    fn state(
        &mut self,
        at: Nanos,
        client: ClientId,
        place: Option<ConversationId>,
        users: &[CompactString],
    ) {
        let people = users.iter().filter_map(|user| self.company.called(user));
        let people: Vec<PersonId> =
            people.filter(|person| self.company.person(client) != Some(*person)).collect();
        let shown = self.shown.entry(client).or_default();
        let gone: Vec<Indicator> = shown
            .keys()
            .filter(|(person, there)| *there == place && !people.contains(person))
            .copied()
            .collect();
        for indicator in gone {
            self.goes(at, client, indicator);
        }
        for person in people {
            if self.company.is_stranger(client, person, place) {
                self.stranger(at, client, person, true);
            } else if !self.shows(client, (person, place)) {
                self.appears(at, client, (person, place));
            }
        }
    }

    fn shows(&self, client: ClientId, indicator: Indicator) -> bool {
        self.shown.get(&client).is_some_and(|shown| shown.contains_key(&indicator))
    }

    fn appears(&mut self, at: Nanos, client: ClientId, indicator: Indicator) {
        if !self.is_owed(client, indicator) {
            return;
        }
        if let Some((.., spell)) = self.end_of(client, indicator).by
            && spell.ended == Ended::Pause
            && spell.started > 0
            && !self.shows(client, indicator)
        {
            self.weather.took(spell.started, at);
        }
        if !self.ends_are_shown {
            // The watcher hides it by itself; but it must not begin again when all is over.
            let end = self.end_of(client, indicator);
            if at > end.at.saturating_add(self.tolerance)
                && !self.excused(client, indicator, end.at)
            {
                self.accuse(client, indicator, at, at, &end);
            } else {
                self.finding.observations += 1;
            }
            return;
        }
        self.shown.entry(client).or_default().insert(indicator, at);
        let due = self.end_of(client, indicator).at.max(at).saturating_add(self.tolerance);
        self.checks.push(Reverse((due, client, indicator, at)));
    }

    fn goes(&mut self, at: Nanos, client: ClientId, indicator: Indicator) {
        let since = self.shown.get_mut(&client).and_then(|shown| shown.remove(&indicator));
        let Some(since) = since else {
            self.finding.count("stops of what was not shown", 1);
            return;
        };
        let end = self.end_of(client, indicator);
        let base = end.at.max(since);
        if at <= base.saturating_add(self.tolerance) {
            self.finding.observations += 1;
        } else {
            self.tardy.push_back(Tardy { at, client, indicator, since, end });
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

    /// `a` types at 1 s, `b` is shown it at 1.01 s.
    const TYPES: &str = "a b in #1
        b c in #2
        @1000 a types #1
        @1000 a starts o1 #1
        @1010 b saw typing-start u1 #1
        ";

    /// Everybody's last question is answered.
    const END: &str = "@8800 b reads o90 #1
        c reads o91 #2
        b done o90
        c done o91
        @9000 phase end";

    fn typed(rest: &str) -> String {
        format!("{TYPES}\n{rest}\n{END}")
    }

    #[test]
    fn a_stop_after_the_pause_passes() {
        let history = typed("@3000 a stops o2 #1\n@3020 b saw typing-stop u1 #1");
        let finding = passes(&TypingTimeout, &charge(), &history);
        assert_eq!(finding.observations, 1);
        let late = typed("@3000 a stops o2 #1\n@3740 b saw typing-stop u1 #1");
        passes(&TypingTimeout, &charge(), &late);
    }

    #[test]
    fn further_keys_put_the_end_off() {
        let history = typed(
            "@2500 a types #1
             @4000 a types #1
             @6000 a stops o2 #1
             @6020 b saw typing-stop u1 #1",
        );
        passes(&TypingTimeout, &charge(), &history);
    }

    #[test]
    fn a_stop_that_never_comes_fails_and_one_that_is_late_does_too() {
        let summary = "still typing after the last key";
        fails(&TypingTimeout, &charge(), &typed("@3000 a stops o2 #1"), summary);
        let late = typed("@3000 a stops o2 #1\n@3900 b saw typing-stop u1 #1");
        fails(&TypingTimeout, &charge(), &late, summary);
    }

    #[test]
    fn a_late_stop_of_a_late_generator_is_doubted() {
        let history = typed("@3000 a stops o2 #1\n@3850 a lag 400\n@3900 b saw typing-stop u1 #1");
        stands(&TypingTimeout, &charge(), &history, Standing::Inconclusive);
        let client_was_late = typed("@3900 a stops o2 #1\n@3920 b saw typing-stop u1 #1");
        passes(&TypingTimeout, &charge(), &client_was_late);
    }

    #[test]
    fn the_figures_are_the_specs() {
        let mut charge = charge();
        charge.contract.typing_stop = Duration::from_secs(4);
        passes(
            &TypingTimeout,
            &charge,
            &typed("@5000 a stops o2 #1\n@5020 b saw typing-stop u1 #1"),
        );
        charge.traits.typing_expires = Some(Duration::from_secs(2));
        let late = typed("@5000 a stops o2 #1\n@5020 b saw typing-stop u1 #1");
        fails(&TypingTimeout, &charge, &late, "typing that did not expire");
        passes(&TypingTimeout, &charge, &typed("@3010 b saw typing-stop u1 #1"));
    }

    #[test]
    fn with_the_message_it_is_over_at_once() {
        let sent = "@1500 a stops o2 #1\n@1500 a sends o3 t1 k1 #1";
        let history = typed(&format!("{sent}\n@1520 b saw typing-stop u1 #1"));
        passes(&TypingTimeout, &charge(), &history);
        let summary = "still typing after the message was sent";
        fails(&TypingTimeout, &charge(), &typed(sent), summary);
    }

    #[test]
    fn who_is_gone_types_no_more() {
        let gone = "@1500 a cut";
        let told = typed(&format!("{gone}\n@1520 b saw typing-stop u1 #1"));
        passes(&TypingTimeout, &charge(), &told);
        let summary = "still typing after the connection was lost";
        fails(&TypingTimeout, &charge(), &typed(gone), summary);
        let stopped_before =
            typed("@1500 a stops o2 #1\n@1600 a cut\n@1900 b saw typing-stop u1 #1");
        passes(&TypingTimeout, &charge(), &stopped_before);
    }

    #[test]
    fn where_only_silence_tells_the_server_has_its_time() {
        let polling = "a b in #1
            a session 3000 polling
            @1000 a types #1
            @1010 b saw typing-start u1 #1
            @1500 a cut
            @4800 b saw typing-stop u1 #1
            @8800 b reads o90 #1
            b done o90
            @9000 phase end";
        passes(&TypingTimeout, &charge(), polling);
        let silent = "a b in #1
            a session 3000
            @1000 a types #1
            @1010 b saw typing-start u1 #1
            @1500 a fault begins silence
            @3000 a stops o2 #1
            @4800 b saw typing-stop u1 #1
            @8800 b reads o90 #1
            b done o90
            @9000 phase end";
        passes(&TypingTimeout, &charge(), silent);
        let longer = silent.replace("@4800 b saw typing-stop u1 #1", "");
        fails(&TypingTimeout, &charge(), &longer, "still typing after the last key");
        let speaks = silent.replace("@4800", "@4000 a fault ends silence\n@4400");
        passes(&TypingTimeout, &charge(), &speaks);
    }

    #[test]
    fn a_start_after_the_stop_fails() {
        let history = "a b in #1
            @1000 a types #1
            @1000 a starts o1 #1
            @1010 a stops o2 #1
            @1020 b saw typing-stop u1 #1
            @1150 b saw typing-start u1 #1
            @8800 b reads o90 #1
            b done o90
            @9000 phase end";
        fails(&TypingTimeout, &charge(), history, "typing shown after it was over");
        let again = history.replace("@8800", "@1300 b saw typing-stop u1 #1\n@8800");
        passes(&TypingTimeout, &charge(), &again);
    }

    #[test]
    fn typing_that_was_said_without_a_key_is_not_judged() {
        let history = "a b in #1\n@1000 a starts o1 #1
            @1010 b saw typing-start u1 #1
            @8800 b reads o90 #1
            b done o90
            @9000 phase end";
        let finding = check(&TypingTimeout, &charge(), history);
        assert_eq!(finding.violation_count, 0, "{finding:#?}");
    }

    #[test]
    fn typing_that_nobody_did_fails() {
        let history = "a b in #1\n@1000 b saw typing-start u1 #1
            @8800 b reads o90 #1\nb done o90\n@9000 phase end";
        fails(&TypingTimeout, &charge(), history, "typing shown that nobody did");
    }

    #[test]
    fn it_ends_with_the_last_device() {
        let both = "a a2 b in #1
            @1000 a types #1
            @1010 b saw typing-start u1 #1
            @2000 a2 types #1
            @3000 a stops o1 #1
            @4000 a2 stops o2 #1
            @4010 b saw typing-stop u1 #1
            @8800 b reads o90 #1
            b done o90
            @9000 phase end";
        passes(&TypingTimeout, &charge(), both);
    }

    #[test]
    fn events_without_a_conversation_are_paired_by_user() {
        let history = "a b in #1
            a b c in #2
            @1000 a types #1
            @1010 b saw typing-start u1
            @1500 a types #2
            @1500 a starts o1 #2
            @1510 b saw typing-start u1
            @1510 c saw typing-start u1
            @3500 a stops o2 #2
            @3510 b saw typing-stop u1
            @3510 c saw typing-stop u1
            @8800 c reads o90 #2
            c done o90
            @9000 phase end";
        assert_eq!(passes(&TypingTimeout, &charge(), history).observations, 2);
        let wrong_room = history.replace("@3510 c saw typing-stop u1", "");
        fails(&TypingTimeout, &charge(), &wrong_room, "still typing after the last key");
    }

    #[test]
    fn a_state_ends_what_it_leaves_out() {
        let history = "a b c in #1
            @1000 a types #1
            @1010 b saw typing all u1 #1
            @1500 c types #1
            @1510 b saw typing all u1 u3 #1
            @3000 a stops o1 #1
            @3010 b saw typing all u3 #1
            @3500 c stops o2 #1
            @3510 b saw typing all #1
            @8800 b reads o90 #1
            b done o90
            @9000 phase end";
        assert_eq!(passes(&TypingTimeout, &charge(), history).observations, 2);
        let stale = history.replace("@3510 b saw typing all #1", "");
        fails(&TypingTimeout, &charge(), &stale, "still typing after the last key");
        let word = typed("@3000 a stops o2 #1\n@3010 b saw typing u1 =false #1");
        passes(&TypingTimeout, &charge(), &word);
    }

    #[test]
    fn without_a_stop_to_see_only_what_begins_after_the_end_is_wrong() {
        let mut charge = charge();
        charge.sees = vec![Sight::TypingStart];
        assert_eq!(passes(&TypingTimeout, &charge, &typed("")).observations, 1);
        let again = typed("@5000 b saw typing-start u1 #1");
        fails(&TypingTimeout, &charge, &again, "typing shown after it was over");
    }

    #[test]
    fn neither_its_author_nor_a_stranger_sees_it() {
        let stop = "@1500 b saw typing-stop u1 #1";
        let author = typed(&format!("@1020 a saw typing-start u1 #1\n{stop}"));
        fails(&TypingTimeout, &charge(), &author, "typing shown to its author");
        let stranger = typed(&format!("@1020 c saw typing-start u1 #1\n{stop}"));
        fails(&TypingTimeout, &charge(), &stranger, "typing shown to a stranger");
        let by_user = typed(&format!("@1020 c saw typing-start u1\n{stop}"));
        fails(&TypingTimeout, &charge(), &by_user, "typing shown to a stranger");
        let device = "a a2 b in #1
            @1000 a types #1
            @1010 a2 saw typing-start u1 #1
            @1010 b saw typing-start u1 #1
            @2000 b saw typing-stop u1 #1";
        passes(&TypingTimeout, &charge(), device);
    }

    #[test]
    fn what_another_case_does_on_purpose_is_not_accused() {
        let intruder = "a b in #1
            c d in #2
            c owes o1 refusal
            c reads o1 #1
            @1000 a types #1
            @1010 c saw typing-start u1 #1
            c owes o2 refusal
            @2000 c starts o2 #1
            @2010 b saw typing-start u3 #1
            @8800 b reads o90 #1
            b done o90
            @9000 phase end";
        stands(&TypingTimeout, &charge(), intruder, Standing::NotExercised);
        let made_meanwhile = "a b in #1
            c d in #2
            c creates o1
            @1000 a types #1
            @1010 c saw typing-start u1
            @1500 c saw typing-stop u1";
        assert_eq!(check(&TypingTimeout, &charge(), made_meanwhile).violation_count, 0);
    }

    #[test]
    fn a_watcher_that_lost_its_connection_or_was_disturbed_is_owed_nothing() {
        for trouble in ["b cut", "b fault begins delay", "a fault begins delay", "b leaves o9 #1"] {
            let history = typed(&format!("@1100 {trouble}\n@3000 a stops o2 #1"));
            let finding = check(&TypingTimeout, &charge(), &history);
            assert_eq!(finding.violation_count, 0, "{trouble}: {finding:#?}");
        }
        let restart = typed("@1100 a fault begins restart\n@1300 a fault ends restart");
        assert_eq!(check(&TypingTimeout, &charge(), &restart).violation_count, 0);
    }

    #[test]
    fn a_run_that_ends_first_says_nothing() {
        stands(&TypingTimeout, &charge(), TYPES, Standing::NotExercised);
        stands(&TypingTimeout, &charge(), "", Standing::NotExercised);
    }
}
