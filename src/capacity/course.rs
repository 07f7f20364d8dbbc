//! The scenario of a step: the one that was given, at another load.
//!
//! A step plays the phases up to the one that counts, its *measured phase*. What comes before it is
//! warm-up, and so is a while of the measured phase's own behaviour: judged, but not measured. Between
//! the two everybody rests for a second, so that who connected late does not begin with a backlog. What
//! comes after the measured phase is left out. By clients, everything grows with them, so that each does what it did:
//! people, conversations, rates in all; they arrive at the scenario's own pace, or at 200 a second where
//! that is slower. By rate, the same people do more.

use crate::outcome::capacity::By;
use crate::scenario::{
    Behaviour, Expectation, FaultPlan, Groups, Pace, Phase, Population, Rate, RateOf, Scenario,
    Stars,
};
use std::time::Duration;

/// The name of the phase before the measured one, in which everything is warmed up.
pub const WARM_UP: &str = "warm-up";
/// The name of the phase before that, in which nothing happens.
pub const SETTLE: &str = "settle";
/// How long it lasts.
const SETTLING: Duration = Duration::from_secs(1);
/// Clients arrive no slower than this many a second, however few the scenario's own phase has.
const ARRIVALS: f64 = 200.0;
/// A phase in which clients connect lasts this long at least.
const SHORTEST: Duration = Duration::from_millis(500);

/// How the scenario of a load is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    scenario: Scenario,
    by: By,
    measured: usize,
    warm_up: Duration,
    steady: Duration,
    own: f64,
}

/// What is wanted beside the scenario.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wishes {
    /// What is raised.
    pub by: By,
    /// The measured phase; without, the one in which most is sent.
    pub phase: Option<String>,
    /// How long the measured phase's behaviour goes on before it counts.
    pub warm_up: Duration,
    /// How long the measured phase lasts, in place of what the scenario says.
    pub steady: Option<Duration>,
    /// The scenario's faults are left out.
    pub fair_weather: bool,
}

impl Course {
    /// The course of a scenario.
    ///
    /// # Errors
    /// There is no such phase, or nothing in it that could be raised.
    pub fn new(scenario: &Scenario, wishes: &Wishes) -> Result<Self, String> {
        let measured = match &wishes.phase {
            Some(name) => named(scenario, name)?,
            None => busiest(scenario),
        };
        let mut scenario = scenario.clone();
        scenario.phases.truncate(measured + 1);
        if wishes.fair_weather {
            scenario.faults.clear();
        }
        let phase = &scenario.phases[measured];
        let own = match wishes.by {
            By::Clients => clients(&scenario.people),
            By::Rate => messages(&phase.behaviour, &scenario.people),
        };
        if own <= 0.0 {
            return Err(format!(
                "nobody sends at a planned rate in phase `{}`, so there is no rate to raise; hint: \
                 give it `send: …/s in all`, or raise the clients with `--by clients`",
                phase.name
            ));
        }
        let steady = wishes.steady.unwrap_or(phase.lasts);
        Ok(Self { by: wishes.by, measured, warm_up: wishes.warm_up, steady, own, scenario })
    }

    /// The load that the scenario has by itself.
    #[must_use]
    pub fn own(&self) -> u64 {
        (self.own.round() as u64).max(1)
    }

    /// What is raised.
    #[must_use]
    pub const fn by(&self) -> By {
        self.by
    }

    /// The measured phase, and how long it lasts.
    #[must_use]
    pub fn phase(&self) -> (&str, Duration) {
        (&self.scenario.phases[self.measured].name, self.steady)
    }

    /// The thresholds that no step can be held to: a count says nothing of another load, who leaves the
    /// faults out sees nobody come back, and of no other phase than the measured one are there figures.
    #[must_use]
    pub fn unfit(&self) -> Vec<&Expectation> {
        self.scenario.expect.iter().filter(|expectation| !self.fits(expectation)).collect()
    }

    fn fits(&self, expectation: &Expectation) -> bool {
        let away = ["reconnect", "sync"].contains(&expectation.series.as_str());
        let elsewhere = expectation.phase.as_ref().is_some_and(|phase| phase != self.phase().0);
        expectation.statistic != "count" && !elsewhere && !(away && self.scenario.faults.is_empty())
    }

    /// How many messages are planned in the measured phase at this load; at least one where people
    /// only wait for one another.
    #[must_use]
    pub fn planned(&self, load: u64) -> f64 {
        let scenario = self.at(load);
        let Some(phase) = scenario.phases.last() else { return 0.0 };
        let open = messages(&phase.behaviour, &scenario.people) * phase.lasts.as_secs_f64();
        let closed = f64::from(u8::from(phase.behaviour.converse.is_some()));
        open.max(closed)
    }

    /// The scenario at this load.
    #[must_use]
    pub fn at(&self, load: u64) -> Scenario {
        let factor = load as f64 / self.own;
        let mut scenario = self.scenario.clone();
        if self.by == By::Clients {
            scenario.people = peopled(&scenario.people, factor);
        }
        scenario.phases = self.phases(factor);
        scenario.faults = self.faults(&scenario.phases);
        scenario.expect.retain(|expectation| self.fits(expectation));
        scenario
    }

    fn phases(&self, factor: f64) -> Vec<Phase> {
        let mut phases: Vec<Phase> = self.scenario.phases.clone();
        for (number, phase) in phases.iter_mut().enumerate() {
            if self.by == By::Clients && phase.connect > 0.0 && number < self.measured {
                phase.lasts = self.arriving(phase, factor);
            }
            raise(&mut phase.behaviour, |rate| match (self.by, rate.of) {
                (By::Clients, RateOf::Person | RateOf::Conversation) => rate,
                _ => Rate { per_second: rate.per_second * factor, ..rate },
            });
        }
        let Some(measured) = phases.last_mut() else { return phases };
        measured.lasts = self.steady;
        if !self.warm_up.is_zero() {
            // Who connects in the measured phase does so in its warm-up.
            let connect = std::mem::take(&mut measured.connect);
            let steps = measured.steps.take();
            let behaviour = measured.behaviour.clone();
            let (name, lasts) = (WARM_UP.to_owned(), self.warm_up);
            phases.insert(self.measured, Phase { name, lasts, connect, steps, behaviour });
            let (name, lasts) = (SETTLE.to_owned(), SETTLING);
            let behaviour = Behaviour::default();
            let settle = Phase { name, lasts, connect: 0.0, steps: None, behaviour };
            phases.insert(self.measured, settle);
        }
        phases
    }

    /// How long it takes this share of more or fewer clients to connect, as fast as before.
    fn arriving(&self, phase: &Phase, factor: f64) -> Duration {
        let few = self.own * phase.connect;
        let rate = (few / phase.lasts.as_secs_f64()).max(ARRIVALS);
        Duration::from_secs_f64(few * factor / rate).max(SHORTEST)
    }

    /// The faults, each at the same place of its phase.
    fn faults(&self, phases: &[Phase]) -> Vec<FaultPlan> {
        let added = phases.len() - self.scenario.phases.len();
        let begin = |phases: &[Phase], number: usize| -> Duration {
            phases[..number].iter().map(|phase| phase.lasts).sum()
        };
        let place = |fault: &FaultPlan| {
            let own = &self.scenario.phases;
            let number = (0..own.len()).rev().find(|number| begin(own, *number) <= fault.at)?;
            let within = fault.at - begin(own, number);
            let number_now = if number == self.measured { number + added } else { number };
            let (before, now) = (own[number].lasts, phases[number_now].lasts);
            let within = match number == self.measured {
                true => within,
                false => within.mul_f64(now.as_secs_f64() / before.as_secs_f64()),
            };
            (within < now).then(|| begin(phases, number_now) + within)
        };
        let faults = self.scenario.faults.iter();
        faults.filter_map(|fault| Some(FaultPlan { at: place(fault)?, ..fault.clone() })).collect()
    }
}

fn named(scenario: &Scenario, name: &str) -> Result<usize, String> {
    let known = || {
        let names: Vec<&str> = scenario.phases.iter().map(|phase| phase.name.as_str()).collect();
        format!(
            "scenario `{}` has no phase `{name}`; hint: it has {}",
            scenario.name,
            names.join(", ")
        )
    };
    scenario.phases.iter().position(|phase| phase.name == name).ok_or_else(known)
}

/// The phase in which most is sent; where nothing is, the longest. Of two alike, the first.
fn busiest(scenario: &Scenario) -> usize {
    let weight = |phase: &Phase| {
        let seconds = phase.lasts.as_secs_f64();
        let closed = phase.behaviour.converse.map_or(0.0, |converse| {
            let (Pace::Think(pause) | Pace::Every(pause)) = converse.pace;
            converse.share * f64::from(scenario.people.count) / pause.as_secs_f64().max(1e-3)
        });
        ((messages(&phase.behaviour, &scenario.people) + closed) * seconds, seconds)
    };
    let mut best = 0;
    for (number, phase) in scenario.phases.iter().enumerate() {
        let (a, b) = (weight(phase), weight(&scenario.phases[best]));
        if (a.0, a.1) > (b.0, b.1) {
            best = number;
        }
    }
    best
}

/// How many clients these people have.
#[must_use]
pub fn clients(people: &Population) -> f64 {
    f64::from(people.count) * devices(people)
}

fn devices(people: &Population) -> f64 {
    people.devices.iter().map(|(devices, share)| f64::from(*devices) * share).sum()
}

/// Messages that these people send each second, planned in advance.
#[must_use]
pub fn messages(behaviour: &Behaviour, people: &Population) -> f64 {
    let groups: f64 = people.groups.iter().map(|groups| f64::from(groups.count)).sum();
    let stars: f64 =
        people.stars.iter().map(|s| f64::from(s.count) * f64::from(s.conversations)).sum();
    let pairs = f64::from(people.pairs) + stars;
    let conversations = pairs + groups;
    let in_all = |rate: Rate| match rate.of {
        RateOf::All => rate.per_second,
        RateOf::Person => rate.per_second * f64::from(people.count),
        RateOf::Conversation => rate.per_second * conversations,
    };
    let send =
        behaviour.send.map_or(0.0, in_all) * (1.0 + behaviour.same_text + behaviour.same_key);
    // Up to three members of a conversation burst; half of the typing ends in a message.
    let bursting =
        if conversations > 0.0 { (2.0 * pairs + 3.0 * groups) / conversations } else { 0.0 };
    let burst = behaviour.burst.map_or(0.0, |burst| in_all(burst.rate) * f64::from(burst.messages));
    send + burst * bursting + behaviour.typing.map_or(0.0, in_all) / 2.0
}

/// More or fewer of the same people.
fn peopled(people: &Population, factor: f64) -> Population {
    let scaled =
        |count: u32, least: u32| ((f64::from(count) * factor).round() as u32).max(least.min(count));
    let count = scaled(people.count, 2);
    let pairs = f64::from(scaled(people.pairs, 1));
    let most = f64::from(count) * (f64::from(count) - 1.0) / 2.0;
    let groups = people.groups.iter().map(|groups| Groups {
        count: scaled(groups.count, 1),
        least: groups.least.min(count),
        most: groups.most.min(count),
    });
    // A star grows by its conversations: its others are the people there are.
    let stars = people.stars.iter().map(|stars| Stars {
        conversations: scaled(stars.conversations, 1).min(count - 1),
        ..*stars
    });
    Population {
        count,
        pairs: pairs.min(most) as u32,
        groups: groups.collect(),
        stars: stars.collect(),
        ..people.clone()
    }
}

fn raise(behaviour: &mut Behaviour, by: impl Fn(Rate) -> Rate) {
    let rates = [&mut behaviour.send, &mut behaviour.typing, &mut behaviour.history];
    for rate in rates.into_iter().flatten() {
        *rate = by(*rate);
    }
    if let Some(burst) = &mut behaviour.burst {
        burst.rate = by(burst.rate);
    }
    if let Some(away) = &mut behaviour.away {
        away.rate = by(away.rate);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "assize: 1
name: x
about: x
people: { count: 100, devices: { 1: 80%, 2: 20% } }
conversations: { pairs: 40, groups: [{ count: 10, size: 4..8 }] }
phases:
  - connect: { lasts: 2s, connect: 100% }
  - talk: { lasts: 10s, send: 60/s in all, typing: 20/s in all, read: 10% }
  - calm: { lasts: 5s, send: 1/s per person }
faults:
  - { at: 1s, for: 1s, delay: { share: 10%, by: 10ms } }
  - { at: 5s, for: 1s, cut: { share: 10% } }
  - { at: 13s, for: 1s, cut: { share: 10% } }
expect: [delivery.p95 < 500ms, ack.count > 100, reconnect.p95 < 5s]
";

    fn course(wishes: &Wishes) -> Course {
        let loaded = crate::scenario::load("x", YAML, &[]).unwrap_or_else(|all| panic!("{all:?}"));
        Course::new(&loaded.scenario, wishes).unwrap()
    }

    fn seconds(scenario: &Scenario) -> Vec<(&str, f64)> {
        let phases = scenario.phases.iter();
        phases.map(|phase| (phase.name.as_str(), phase.lasts.as_secs_f64())).collect()
    }

    #[test]
    fn by_clients_each_does_what_it_did_and_they_arrive_at_a_steady_pace() {
        let warm_up = Duration::from_secs(3);
        let course = course(&Wishes { warm_up, ..Wishes::default() });
        assert_eq!((course.own(), course.phase().0), (120, "talk"));
        let ten_times = course.at(1_200);
        assert_eq!((ten_times.people.count, ten_times.people.pairs), (1_000, 400));
        assert_eq!(ten_times.people.groups[0], Groups { count: 100, least: 4, most: 8 });
        assert_eq!(
            seconds(&ten_times),
            [("connect", 6.0), ("settle", 1.0), ("warm-up", 3.0), ("talk", 10.0)]
        );
        let send = |number: usize| ten_times.phases[number + 1].behaviour.send.unwrap().per_second;
        assert!((send(1) - 600.0).abs() < 1e-6 && (send(2) - 600.0).abs() < 1e-6);
    }

    #[test]
    fn by_rate_the_same_people_do_more() {
        let course = course(&Wishes { by: By::Rate, ..Wishes::default() });
        assert_eq!(course.own(), 70);
        let twice = course.at(140);
        assert_eq!(twice.people.count, 100);
        let behaviour = &twice.phases[1].behaviour;
        assert!((behaviour.send.unwrap().per_second - 120.0).abs() < 1e-9);
        assert!((messages(behaviour, &twice.people) - 140.0).abs() < 1e-6);
        assert_eq!(seconds(&twice), [("connect", 2.0), ("talk", 10.0)]);
        assert!((course.planned(140) - 1_400.0).abs() < 1e-6);
    }

    #[test]
    fn few_people_still_talk() {
        let course = course(&Wishes::default());
        for load in 1..20 {
            let people = course.at(load).people;
            assert!(people.count >= 2 && people.pairs >= 1 && people.groups[0].count >= 1);
            assert!(people.groups[0].most <= people.count);
        }
    }

    #[test]
    fn faults_keep_their_place_and_leave_with_their_phase() {
        let warm_up = Duration::from_secs(3);
        let course = course(&Wishes { warm_up, ..Wishes::default() });
        let at = |load| -> Vec<f64> {
            course.at(load).faults.iter().map(|fault| fault.at.as_secs_f64()).collect()
        };
        assert_eq!(at(1_200), [3.0, 13.0], "in the middle of the ramp, and 3 s into the talk");
        assert_eq!(at(120), [0.5 * 0.6, 7.6]);
    }

    #[test]
    fn what_no_step_can_meet_is_left_out_and_told() {
        let fair = course(&Wishes { fair_weather: true, ..Wishes::default() });
        let unfit = |course: &Course| -> Vec<String> {
            course.unfit().iter().map(|one| one.series.clone()).collect()
        };
        assert_eq!(unfit(&fair), ["ack", "reconnect"]);
        assert_eq!((fair.at(9).expect.len(), fair.at(9).faults.len()), (1, 0));
        assert_eq!(unfit(&course(&Wishes::default())), ["ack"]);
        let mut elsewhere = course(&Wishes::default());
        for (expectation, phase) in elsewhere.scenario.expect.iter_mut().zip(["ramp", "talk"]) {
            (expectation.phase, expectation.statistic) = (Some(phase.into()), "p95".into());
        }
        assert_eq!(unfit(&elsewhere), ["delivery"], "only the measured phase has figures");
    }

    #[test]
    fn a_phase_can_be_named_and_must_be_there() {
        let named = |name: &str| Wishes { phase: Some(name.into()), ..Wishes::default() };
        assert_eq!(course(&named("calm")).phase(), ("calm", Duration::from_secs(5)));
        let loaded = crate::scenario::load("x", YAML, &[]).unwrap_or_else(|all| panic!("{all:?}"));
        let wrong = Course::new(&loaded.scenario, &named("clam")).unwrap_err();
        assert!(wrong.contains("it has connect, talk, calm"), "{wrong}");
        let silent = Wishes { by: By::Rate, ..named("connect") };
        assert!(Course::new(&loaded.scenario, &silent).unwrap_err().contains("`--by clients`"));
    }
}
