//! The client against a simulated user, server and network, in virtual time.
//!
//! [`World`](world::World) plays a script and answers as its fates say; [`Audit`](audit::Audit)
//! reads everything the client does and panics where the contract is broken. When the script is
//! over the server behaves: then everything has to end, and nothing may be missing.

mod audit;
mod trial;
mod world;

use crate::history::Nanos;
use crate::operation::Operation;
use crate::spec::{Contract, Join, SyncFrom};
use proptest::prelude::*;
use std::time::Duration;
use world::{Fate, How, Opening, Step, World};

pub(super) const MILLISECOND: Nanos = 1_000_000;
pub(super) const SECOND: Nanos = 1_000_000_000;

/// A contract and a server that a client may meet.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) contract: Contract,
    pub(super) join: Join,
    /// Operations that are answered; the others are not.
    pub(super) answered: Vec<Operation>,
}

fn terms() -> impl Strategy<Value = Terms> {
    let syncs = prop::sample::select(vec![
        SyncFrom::NewestSeen,
        SyncFrom::ClientClock,
        SyncFrom::Cursor,
        SyncFrom::Start,
    ]);
    let figures = prop_oneof![
        4 => Just((vec![1, 2, 4], vec![1, 2, 4, 8, 16, 30])),
        1 => Just((vec![], vec![1])),
        1 => Just((vec![3], vec![2, 5])),
    ];
    (syncs, figures, any::<bool>(), any::<bool>(), any::<bool>(), 0_usize..6).prop_map(
        |(sync_from, (retries, reconnect), offline_queue, explicit, join_answered, view)| {
            let seconds = |list: Vec<u64>| list.into_iter().map(Duration::from_secs).collect();
            let mut answered =
                vec![Operation::Send, Operation::Sync, Operation::History, Operation::Create];
            answered.extend(join_answered.then_some(Operation::Join));
            Terms {
                contract: Contract {
                    retries: seconds(retries),
                    reconnect: seconds(reconnect),
                    offline_queue,
                    sync_from,
                    view,
                    ..Contract::default()
                },
                join: if explicit { Join::Explicit } else { Join::ByServer },
                answered,
            }
        },
    )
}

/// What the user does, and what others do.
fn peaceful() -> impl Strategy<Value = Step> {
    let here = 0_u32..6;
    prop_oneof![
        6 => here.clone().prop_map(Step::Send),
        1 => here.clone().prop_map(Step::Double),
        6 => here.clone().prop_map(Step::Keystroke),
        1 => here.clone().prop_map(Step::History),
        1 => here.clone().prop_map(Step::Read),
        2 => here.clone().prop_map(Step::Enter),
        6 => here.prop_map(Step::Other),
        1 => Just(Step::Tick),
    ]
}

fn hostile() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any::<bool>().prop_map(Step::Cut),
        1 => Just(Step::Stop),
        2 => Just(Step::Start),
        1 => any::<bool>().prop_map(Step::Withhold),
        1 => (0_u64..20_000).prop_map(Step::Away),
        2 => (any::<prop::sample::Index>(), 0_u8..3).prop_map(|(which, how)| Step::Stray(which, how)),
        1 => (0_u32..6).prop_map(Step::Create),
        1 => (0_u32..6).prop_map(Step::Leave),
    ]
}

fn script(step: impl Strategy<Value = Step>) -> impl Strategy<Value = Vec<(Nanos, Step)>> {
    let gap = prop_oneof![3 => 0_u64..150, 3 => 0_u64..3_000, 1 => 0_u64..40_000];
    prop::collection::vec((gap.prop_map(|gap| gap * MILLISECOND), step), 0..60)
}

/// Around the ack timeout more often than elsewhere.
fn delay() -> impl Strategy<Value = Nanos> {
    prop_oneof![4 => 0_u64..300, 2 => 4_990_u64..5_010, 2 => 0_u64..30_000]
        .prop_map(|milliseconds| milliseconds * MILLISECOND)
}

fn fate() -> impl Strategy<Value = Fate> {
    let how = prop_oneof![
        6 => Just(How::Yes),
        1 => Just(How::No),
        2 => any::<bool>().prop_map(|stored| How::Never { stored }),
        1 => (0_u64..9_000).prop_map(|after| How::Twice { after: after * MILLISECOND }),
        1 => Just(How::Lost),
    ];
    (delay(), how, any::<bool>()).prop_map(|(delay, how, survives)| Fate { delay, how, survives })
}

fn opening() -> impl Strategy<Value = Opening> {
    (0_u64..3_000, any::<bool>())
        .prop_map(|(delay, opens)| Opening { delay: delay * MILLISECOND, opens })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn it_keeps_the_contract_whatever_happens(
        terms in terms(),
        script in script(prop_oneof![3 => peaceful(), 1 => hostile()]),
        fates in prop::collection::vec(fate(), 0..40),
        openings in prop::collection::vec(opening(), 0..12),
    ) {
        let mut world = World::new(&terms, fates, openings);
        world.play(&script);
        world.recover();
        prop_assert_eq!(world.unsettled(), 0);
        prop_assert_eq!(world.missing(), Vec::<String>::new());
    }

    #[test]
    fn with_a_good_server_all_ends_well(
        mut terms in terms(),
        script in script(peaceful()),
        delays in prop::collection::vec(0_u64..4_990, 0..40),
    ) {
        let prompt = |delay| Fate { delay: delay * MILLISECOND, how: How::Yes, survives: false };
        terms.contract.offline_queue = true;
        let mut world = World::new(&terms, delays.into_iter().map(prompt).collect(), Vec::new());
        world.play(&script);
        world.run_for(30 * SECOND);
        prop_assert!(world.audit.all_ok_after_one_attempt());
        prop_assert_eq!(world.missing(), Vec::<String>::new());
    }
}
