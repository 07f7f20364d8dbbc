//! The client on trial: the judges that bind clients read what it records in virtual time. The
//! client that keeps its contract always passes; one that keeps another contract is found out.

use super::world::{Fate, How, Opening, Step, World};
use super::{MILLISECOND, SECOND, Terms, fate, hostile, opening, peaceful, script, terms};
use crate::history::{ClientId, Entry, Event};
use crate::operation::Operation;
use crate::property::backoff::Backoff;
use crate::property::connection_state::ConnectionStates;
use crate::property::{Charge, Property};
use crate::spec::{Contract, Join};
use crate::verdict::{Finding, Standing, Violation};
use proptest::prelude::*;
use std::time::Duration;

/// What a judge says of this history, by this contract. A send is nothing that the simulated
/// server always answers.
fn verdict(property: &dyn Property, contract: &Contract, history: &[Entry]) -> Finding {
    let charge =
        Charge { contract: contract.clone(), requests: vec![Operation::Send], ..Charge::default() };
    let mut judge = property.judge(&charge);
    history.iter().for_each(|entry| judge.observe(entry));
    let at = history.last().map_or(0, |entry| entry.at);
    let event = Event::Phase { name: "end".into() };
    judge.observe(&Entry { at, client: ClientId(0), event });
    judge.finish()
}

fn seconds(list: &[u64]) -> Vec<Duration> {
    list.iter().copied().map(Duration::from_secs).collect()
}

/// What a client with this contract records whose sends are never answered, and whose connection is
/// then lost and refused for half a minute.
fn hard_times(contract: &Contract) -> Vec<Entry> {
    let answered = vec![Operation::Send, Operation::Sync, Operation::Join];
    let terms = Terms { contract: contract.clone(), join: Join::Explicit, answered };
    let entered = std::iter::repeat_n(GOOD, 10);
    let silent = std::iter::repeat_n(Fate { how: How::Never { stored: true }, ..GOOD }, 6);
    let delay = 10 * MILLISECOND;
    let refused = (0..5).map(|_| Opening { delay, opens: false });
    let openings = [Opening { delay, opens: true }].into_iter().chain(refused);
    let mut world = World::new(&terms, entered.chain(silent).collect(), openings.collect());
    world.run_for(SECOND);
    world.play(&[(0, Step::Send(0))]);
    world.run_for(60 * SECOND);
    world.play(&[(0, Step::Cut(false))]);
    world.run_for(120 * SECOND);
    world.history
}

const GOOD: Fate = Fate { delay: MILLISECOND, how: How::Yes, survives: false };

#[test]
fn a_client_that_keeps_the_contract_passes_hard_times() {
    let contract = Contract { offline_queue: true, ..Contract::default() };
    let history = hard_times(&contract);
    let finding = verdict(&Backoff, &contract, &history);
    assert_eq!(finding.standing(1), Standing::Pass, "{finding:#?}");
    assert!(finding.observations >= 9, "three pauses before attempts, six before connections");
    assert_eq!(verdict(&ConnectionStates, &contract, &history).standing(1), Standing::Pass);
}

#[test]
fn a_client_with_another_contract_is_found_out() {
    let own = Contract { offline_queue: true, ..Contract::default() };
    let retries = |list: &[u64]| Contract { retries: seconds(list), ..own.clone() };
    let reconnect = |list: &[u64]| Contract { reconnect: seconds(list), ..own.clone() };
    for (other, summary) in [
        (retries(&[1, 1, 1]), "tried again too soon"),
        (retries(&[1, 2, 8]), "tried again too late"),
        (retries(&[1, 2, 4, 8]), "one attempt too many"),
        (retries(&[1, 2]), "gave up too early"),
        (reconnect(&[1]), "connected again too soon"),
        (reconnect(&[1, 2, 4, 8, 32]), "connected again too late"),
        (reconnect(&[2, 4, 8, 16, 30]), "connected again too late"),
    ] {
        let finding = verdict(&Backoff, &own, &hard_times(&other));
        let found = finding.violations.iter().any(|violation| violation.summary == summary);
        assert!(found, "{summary}: {finding:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_the_judges_of_clients_have_nothing_to_say(
        terms in terms(),
        script in script(prop_oneof![3 => peaceful(), 1 => hostile()]),
        fates in prop::collection::vec(fate(), 0..40),
        openings in prop::collection::vec(opening(), 0..12),
    ) {
        // Who is kept away by a fault has an entry that says so; the machine alone writes none.
        let script: Vec<_> =
            script.into_iter().filter(|(_, step)| !matches!(step, Step::Away(_))).collect();
        let mut world = World::new(&terms, fates, openings);
        world.play(&script);
        world.recover();
        for property in [&Backoff as &dyn Property, &ConnectionStates] {
            let finding = verdict(property, &terms.contract, &world.history);
            // The server of the simulation does not answer at times, and three times in a row: that
            // is its fault.
            let of_clients = |violation: &&Violation| violation.summary != "connected, but deaf";
            let accusations = finding.violations.iter().filter(of_clients).count();
            prop_assert_eq!(accusations, 0, "{:#?}", finding);
            prop_assert!(finding.doubts.is_empty(), "{:#?}", finding);
        }
    }
}
