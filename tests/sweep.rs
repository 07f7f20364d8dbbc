//! Searches in simulated worlds: the same seed searches the same way on any number of threads, and ten thousand
//! plans that nobody wrote accuse honest servers of nothing.

use assize::engine::TargetChoice;
use assize::explore::{self, Arena, Search};
use assize::outcome::Exploration;
use assize::plan::script::Script;
use assize::reference::{Bug, Bugs};
use assize::spec::Spec;
use assize::{property, spec};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Plans on each spec: every kind of wire there is, ten thousand in all.
const PLANS: &[(&str, u64)] = &[
    ("callback-ack", 2_000),
    ("event-reply", 2_000),
    ("rest-first", 1_500),
    ("sequenced", 1_500),
    ("broadcast", 1_500),
    ("frames", 1_500),
];
/// Longer than any search here: the number of plans ends it.
const ENDLESS: Duration = Duration::from_secs(24 * 3600);

/// A number from the environment.
fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|word| word.parse().ok()).unwrap_or(otherwise)
}

fn load(name: &str) -> Arc<Spec> {
    let path = format!("specs/{name}.yaml");
    let yaml = std::fs::read_to_string(&path).expect(&path);
    Arc::new(spec::load(&path, &yaml, &property::ids()).expect("a good spec").spec)
}

fn on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// Where plays have worlds that follow from this seed; nobody interrupts them as long as the sender is there.
fn worlds(
    spec: &str,
    bugs: Bugs,
    seed: u64,
    threads: Option<u32>,
) -> (explore::Settings, watch::Sender<bool>) {
    let (stop, interrupt) = watch::channel(false);
    let settings = explore::Settings {
        spec: load(spec),
        target: TargetChoice::embedded(bugs),
        transport: None,
        at_once: threads,
        run: 0,
        simulate: Some(seed),
        interrupt,
    };
    (settings, stop)
}

fn search(arena: explore::Settings, seed: u64, plans: u64) -> Search {
    Search {
        arena,
        seed,
        budget: ENDLESS,
        plans: Some(plans),
        only: Vec::new(),
        first: false,
        restarts: true,
        shrink: None,
        corpus: Vec::new(),
    }
}

fn searched(search: &Search) -> Exploration {
    let found = on(explore::search(search, |_| String::new(), |_| ()));
    found.unwrap_or_else(|_| panic!("the search could not begin"))
}

/// Everything of it but what the machine's clock says.
fn timeless(found: Exploration) -> String {
    let mut found = Exploration { nanos: 0, started: String::new(), ..found };
    found.defects.iter_mut().for_each(|defect| defect.after = 0);
    serde_json::to_string_pretty(&found).unwrap()
}

#[test]
fn the_same_seed_searches_the_same_way_on_any_number_of_threads() {
    let run = |seed, threads| {
        let (worlds, _stop) =
            worlds("callback-ack", Bugs::NONE.with(Bug::DedupRace), seed, Some(threads));
        searched(&search(worlds, seed, 60))
    };
    let (one, other) = (run(3, 1), run(3, 3));
    assert!(!one.defects.is_empty() && one.simulated > Some(0), "{one:#?}");
    assert_eq!(timeless(one), timeless(other));
}

#[test]
fn the_same_seed_makes_the_same_histories_on_any_number_of_threads() {
    let script = Script::parse("people: ann x2, bob\nann.1 send a | ann.2 send a\nserver restart");
    let script = Arc::new(script.unwrap());
    let histories = |seed, threads| {
        let (worlds, _stop) = worlds("callback-ack", Bugs::NONE, seed, Some(threads));
        let trial = on(async {
            let mut arena = Arena::open(&worlds).await.unwrap_or_else(|_| panic!("no arena"));
            let trial = arena.trial(&script, 12).await;
            arena.dismiss().await;
            trial
        });
        let entries = trial.runs().map(|run| serde_json::to_string(&run.entries).unwrap());
        entries.collect::<Vec<_>>()
    };
    let one = histories(5, 1);
    assert_eq!(one.len(), 12);
    assert!(one.windows(2).all(|two| two[0] != two[1]), "each play has a world of its own");
    assert_eq!(one, histories(5, 4));
    assert_ne!(one, histories(6, 1));
}

/// `ASSIZE_SEED=N`, `ASSIZE_PLANS=PERCENT` of the plans, `ASSIZE_SPEC=NAME`: other sweeps.
#[test]
fn ten_thousand_plans_accuse_honest_servers_of_nothing() {
    let (seed, percent) = (asked("ASSIZE_SEED", 1), asked("ASSIZE_PLANS", 100));
    let wanted = std::env::var("ASSIZE_SPEC").ok();
    let mut wrong = Vec::new();
    for (spec, plans) in PLANS {
        if wanted.as_deref().is_some_and(|wanted| wanted != *spec) {
            continue;
        }
        let began = Instant::now();
        let (worlds, _stop) = worlds(spec, Bugs::NONE, seed, None);
        let found = searched(&search(worlds, seed, plans * percent / 100));
        let hours = found.simulated.unwrap_or_default() as f64 / 3.6e12;
        let seconds = began.elapsed().as_secs_f64();
        eprintln!("{spec}: {} plans, {hours:.2} simulated hours in {seconds:.0} s", found.plans);
        assert_eq!(found.plans, plans * percent / 100, "{:?}", found.obstacles);
        wrong.extend(found.defects.iter().map(|defect| {
            let argument = defect.violation.as_ref();
            format!("{spec}, {}: {}\n{}{argument:#?}", defect.property, defect.seen, defect.script)
        }));
        wrong.extend(found.doubts.iter().map(|doubt| format!("{spec}: {doubt:?}, and not again")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The bugs of the reference server that are races.
const RACES: &[Bug] = &[
    Bug::DedupRace,
    Bug::DedupRaceError,
    Bug::CreateRace,
    Bug::CreateRaceError,
    Bug::ReceiptRace,
    Bug::AckByKey,
    Bug::ClockJitter,
    Bug::NumberTwice,
    Bug::SendsOvertaken,
    Bug::PushesOvertaken,
    Bug::UnreadDrift,
    Bug::ContactsDoubled,
    Bug::BroadcastReaderLost,
    Bug::DropBurst,
];

/// How many plans it takes until each race is found, over ten seeds, of 600 plans at most.
#[test]
#[ignore = "it takes minutes"]
fn how_soon_each_race_is_found() {
    for bug in RACES {
        let mut plans: Vec<Option<u64>> = (1..=asked("ASSIZE_SEEDS", 10))
            .map(|seed| {
                let (worlds, _stop) = worlds(bug.spec(), Bugs::NONE.with(*bug), seed, None);
                let only = vec![bug.property().to_owned()];
                let search = Search { only, first: true, ..search(worlds, seed, 600) };
                let mut first = None;
                let keep = |find: &explore::Find| {
                    first = first.or(find.plan);
                    String::new()
                };
                let found = on(explore::search(&search, keep, |_| ()));
                found.unwrap_or_else(|_| panic!("the search could not begin"));
                first
            })
            .collect();
        plans.sort_by_key(|plan| plan.unwrap_or(u64::MAX));
        let found = plans.iter().flatten().count();
        eprintln!("{bug} on {}: {found} of {}, {plans:?}", bug.spec(), plans.len());
    }
}
