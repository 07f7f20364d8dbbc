//! Who takes part and what they are going to do: a pure function of (spec, scenario, seed, run,
//! shard i of n).
//!
//! People live in *cells* that do not depend on the number of shards: all conversations of a person
//! are within their cell, and a shard takes every n-th cell. So the same seed makes the same plan on
//! one core, on eight, or on several machines, and judging needs no locks. Nothing here knows a
//! clock or a socket. Start with [`Plan`].

pub mod carriage;
pub mod credential;
pub mod dice;
pub mod first_minute;
pub mod manner;
pub mod oddity;
pub mod placement;
pub mod population;
pub mod ramp;
pub mod saved;
pub mod script;
pub mod stream;
pub mod text;
pub mod timeline;
pub mod visits;

pub use carriage::Carriage;
pub use credential::Credential;
pub use manner::Manner;
pub use oddity::Oddity;
pub use population::{Cell, Conversation, Person};
pub use ramp::Ramp;
pub use text::Lengths;
pub use timeline::{Act, Planned, Timeline};
pub use visits::{Visit, Visits};

use crate::scenario::Scenario;
use crate::spec::Spec;
use std::sync::Arc;

/// The plan of one run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What people do.
    pub scenario: Arc<Scenario>,
    /// Decides every choice.
    pub seed: u64,
    /// Tells this run's keys and tokens from those of another run against the same server.
    pub run: u64,
    /// The longest text the server takes, in characters.
    pub text_limit: u32,
    /// The server has such a limit, so a longer text is to be refused.
    pub limited: bool,
    /// Over which channels the sends of each phase leave.
    pub carriages: Vec<Carriage>,
}

impl Plan {
    /// The plan of a scenario on a spec.
    #[must_use]
    pub fn new(spec: &Spec, scenario: Arc<Scenario>, seed: u64, run: u64) -> Self {
        let limit = spec.limits.text_characters;
        let text_limit = limit.unwrap_or(1_000).min(20_000);
        let phases = scenario.phases.iter();
        let carriages = phases.map(|phase| Carriage::of(spec, &phase.behaviour.channels)).collect();
        Self { scenario, seed, run, text_limit, limited: limit == Some(text_limit), carriages }
    }

    /// The cells of shard `shard` of `shards`.
    pub fn cells(&self, shard: u32, shards: u32) -> impl Iterator<Item = Cell> + '_ {
        (0..population::cell_count(&self.scenario))
            .filter(move |cell| cell % shards == shard)
            .map(move |cell| Cell::new(self, cell))
    }

    /// How long the texts of each phase are.
    #[must_use]
    pub fn lengths(&self) -> Lengths {
        let phases = self.scenario.phases.iter();
        let sizes = phases.map(|phase| phase.behaviour.texts.sizes.clone()).collect();
        Lengths::new(self.text_limit, sizes)
    }

    /// How many shards can have work.
    #[must_use]
    pub fn most_shards(&self) -> u32 {
        population::cell_count(&self.scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::ClientId;
    use crate::scenario::*;
    use std::time::Duration;

    /// A plan of so many people, pairs and groups `(count, least, most)`, ten seconds of traffic.
    pub(super) fn plan(people: u32, pairs: u32, groups: &[(u32, u32, u32)]) -> Plan {
        let rate = |per_second| Some(Rate { per_second, tilt: 0.0, of: RateOf::All });
        let behaviour = Behaviour {
            send: rate(100.0),
            burst: Some(Burst { rate: rate(2.0).unwrap(), messages: 3 }),
            typing: rate(5.0),
            history: rate(1.0),
            repeat: 0.1,
            same_text: 0.1,
            same_key: 0.1,
            ..Behaviour::default()
        };
        let scenario = Scenario {
            name: "test".into(),
            about: String::new(),
            spec: None,
            seed: 1,
            launch: None,
            target: Vec::new(),
            embedded: None,
            people: Population {
                count: people,
                devices: vec![(1, 0.9), (2, 0.1)],
                pairs,
                groups: groups
                    .iter()
                    .map(|&(count, least, most)| Groups { count, least, most })
                    .collect(),
                stars: Vec::new(),
                clock_skew: Duration::ZERO,
                reconnect: Reconnect::default(),
            },
            phases: vec![
                Phase {
                    name: "connect".into(),
                    lasts: Duration::from_secs(2),
                    connect: 1.0,
                    steps: None,
                    behaviour: Behaviour::default(),
                },
                Phase {
                    name: "traffic".into(),
                    lasts: Duration::from_secs(10),
                    connect: 0.0,
                    steps: None,
                    behaviour,
                },
            ],
            http: None,
            faults: vec![FaultPlan {
                at: Duration::from_secs(5),
                lasts: Duration::from_secs(1),
                share: 0.1,
                fault: "cut rst".parse().unwrap(),
            }],
            patience: Duration::from_secs(5),
            expect: Vec::new(),
            exercise: Vec::new(),
        };
        let (scenario, carriages) = (Arc::new(scenario), vec![Carriage::default(); 2]);
        Plan { scenario, seed: 1, run: 77, text_limit: 1_000, limited: true, carriages }
    }

    fn acts(plan: &Plan, shard: u32, shards: u32) -> Vec<Planned> {
        let cells: Vec<Cell> = plan.cells(shard, shards).collect();
        Timeline::new(plan, &cells).collect()
    }

    #[test]
    fn the_same_coordinates_make_the_same_plan_byte_for_byte() {
        let plan = plan(300, 150, &[(20, 4, 8)]);
        let written = |plan: &Plan| format!("{:?}", acts(plan, 1, 3));
        assert_eq!(written(&plan), written(&plan.clone()));
        let other = Plan { seed: 2, ..plan.clone() };
        assert_ne!(written(&plan), written(&other));
    }

    #[test]
    fn shards_together_do_what_one_shard_does_alone() {
        let plan = plan(300, 150, &[(20, 4, 8)]);
        let key = |planned: &Planned| format!("{:020} {planned:?}", planned.at);
        let mut whole: Vec<String> = acts(&plan, 0, 1).iter().map(key).collect();
        let mut parts: Vec<String> =
            (0..3).flat_map(|shard| acts(&plan, shard, 3)).map(|planned| key(&planned)).collect();
        whole.sort();
        parts.sort();
        assert_eq!(whole, parts);
    }

    #[test]
    fn rates_and_shares_are_what_the_scenario_says() {
        let plan = plan(300, 150, &[(20, 4, 8)]);
        let acts = acts(&plan, 0, 1);
        assert!(acts.windows(2).all(|pair| pair[0].at <= pair[1].at), "in the order of time");
        let count = |wanted: fn(&Act) -> bool| acts.iter().filter(|p| wanted(&p.act)).count();
        let sends = count(|act| matches!(act, Act::Send { .. }));
        // 1,000 single sends with a fifth more for troubles, 20 bursts of up to 9, 25 typed ones.
        assert!((1_050..1_600).contains(&sends), "{sends} sends");
        let clients: Vec<ClientId> =
            plan.cells(0, 1).flat_map(|cell| cell.clients().collect::<Vec<_>>()).collect();
        assert_eq!(count(|act| matches!(act, Act::Connect)), clients.len());
        let cuts = count(|act| matches!(act, Act::Fault { begins: true, .. }));
        assert!((clients.len() / 10).abs_diff(cuts) <= 6, "{cuts} of {}", clients.len());
    }

    #[test]
    fn a_rate_that_grows_has_a_quarter_of_its_sends_in_the_first_half() {
        let mut plan = plan(300, 150, &[]);
        let behaviour = &mut Arc::make_mut(&mut plan.scenario).phases[1].behaviour;
        *behaviour = Behaviour {
            send: Some(Rate { per_second: 100.0, tilt: 1.0, of: RateOf::All }),
            arrivals: Arrivals::Constant,
            ..Behaviour::default()
        };
        let acts = acts(&plan, 0, 1);
        let sends = || acts.iter().filter(|planned| matches!(planned.act, Act::Send { .. }));
        let early = sends().filter(|planned| planned.at < 7_000_000_000).count();
        assert!(sends().count().abs_diff(1_000) <= 6, "{}", sends().count());
        assert!(early.abs_diff(250) <= 6, "{early} of 1,000");
    }

    #[test]
    fn who_connects_in_steps_comes_at_once_with_all_others_of_the_step() {
        let mut plan = plan(300, 150, &[]);
        Arc::make_mut(&mut plan.scenario).phases[0].steps = Some(4);
        let mut times: Vec<_> = acts(&plan, 0, 1)
            .into_iter()
            .filter(|planned| planned.act == Act::Connect)
            .map(|planned| planned.at)
            .collect();
        let all = times.len();
        for step in [0, 500_000_000, 1_000_000_000, 1_500_000_000] {
            let there = times.iter().filter(|at| **at == step).count();
            assert!(there.abs_diff(all / 4) <= 12, "{there} of {all} at {step}");
        }
        times.dedup();
        assert_eq!(times.len(), 4);
    }

    #[test]
    fn who_goes_away_takes_all_devices_along_and_is_back_before_the_phase_ends() {
        let mut plan = plan(300, 150, &[]);
        let rate = Rate { per_second: 20.0, tilt: 0.0, of: RateOf::All };
        let behaviour = &mut Arc::make_mut(&mut plan.scenario).phases[1].behaviour;
        let away = Some(Away { rate, lasts: Duration::from_secs(2) });
        *behaviour = Behaviour { away, ..Behaviour::default() };
        let mut gone = std::collections::BTreeMap::new();
        let (mut all, mut at_once) = (0, 0);
        for Planned { at, client, act } in acts(&plan, 0, 1) {
            match act {
                Act::GoAway => {
                    assert_eq!(gone.insert(client, at), None, "nobody goes who is away");
                    all += 1;
                    at_once = at_once.max(gone.values().filter(|gone| **gone == at).count());
                }
                Act::ComeBack => {
                    assert_eq!(gone.remove(&client), Some(at - 2_000_000_000));
                    assert!(at < 12_000_000_000);
                }
                _ => {}
            }
        }
        assert!(gone.is_empty() && (120..220).contains(&all), "{all} gone, {gone:?} still");
        assert_eq!(at_once, 2, "some have two devices");
    }

    #[test]
    fn keys_and_tokens_are_never_shared_by_chance() {
        let plan = plan(300, 150, &[(20, 4, 8)]);
        let mut plain = plan.clone();
        let scenario = Arc::make_mut(&mut plain.scenario);
        let behaviour = &mut scenario.phases[1].behaviour;
        (behaviour.repeat, behaviour.same_text, behaviour.same_key) = (0.0, 0.0, 0.0);
        let messages: Vec<_> = acts(&plain, 0, 1)
            .into_iter()
            .filter_map(|planned| match planned.act {
                Act::Send { message, .. } => Some(message),
                _ => None,
            })
            .collect();
        let keys: rustc_hash::FxHashSet<_> = messages.iter().map(|m| m.key.clone()).collect();
        let tokens: rustc_hash::FxHashSet<_> = messages.iter().map(|m| m.token).collect();
        assert_eq!((keys.len(), tokens.len()), (messages.len(), messages.len()));
    }
}
