//! The stage: plays one script with a few real clients, and judges what they did and saw.
//!
//! A play is a tiny shard of its own: its own people, conversations, history and judges, so that
//! many plays run side by side against one server and know nothing of each other. The stage knows
//! neither properties nor verdicts. Start with [`Site::open`], then [`play`].

mod apart;
mod cast;
mod director;
mod rehearsal;
pub(crate) mod watch;

use crate::engine::clock::Clock;
use crate::engine::link::Approach;
use crate::engine::people::Registry;
use crate::engine::preflight::{self, Unreachable};
use crate::engine::recorder::Recorder;
use crate::engine::setup;
use crate::engine::shard::{Ground, Shard, Told};
use crate::engine::target::{Target, TargetChoice};
pub use crate::engine::trace::{Keep, Line, Mark};
use crate::history::{ClientId, Entry, Nanos, PersonId};
use crate::metric::Meter;
use crate::plan::Plan;
use crate::plan::script::Script;
use crate::property::{Bench, Charge};
use crate::reference;
use crate::spec::{Spec, Transports};
use crate::transport::endpoint::Endpoint;
use crate::verdict::Finding;
use crate::world;
pub(crate) use apart::{Apart, Stopped};
pub use cast::first_person;
pub(crate) use cast::people_of;
pub(crate) use rehearsal::{Lacking, rehearse, rehearsers};

use cast::Cast;
use director::Director;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The server that plays are staged on, and how it is reached. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Site {
    /// The server's wire and promises.
    pub spec: Arc<Spec>,
    /// Where it listens.
    pub url: String,
    /// Its addresses.
    pub endpoint: Endpoint,
    /// Those of all its nodes, this one first.
    pub nodes: Vec<Endpoint>,
    /// How sessions are opened.
    pub(in crate::engine) approach: Approach,
    /// Who the people are to the server.
    pub registry: Arc<Registry>,
    /// The run's clock.
    pub clock: Clock,
    /// Tells this run's people, keys and tokens from another's.
    pub run: u64,
}

/// One script to be played.
#[derive(Clone, Debug)]
pub struct Play {
    /// Unlike that of any other play of the run: people, clients and messages follow from it.
    pub number: u32,
    /// What happens.
    pub script: Arc<Script>,
    /// How long a step may take; without: as long as the contract may need, and a little more.
    pub patience: Option<Duration>,
    /// Who plays, where it is not people of its own.
    pub people: Option<Vec<PersonId>>,
}

/// What came of a play.
#[derive(Debug)]
pub struct Played {
    /// What each judge found, in the order of [`property::ALL`](crate::property::ALL).
    pub findings: Vec<Finding>,
    /// The whole history.
    pub entries: Vec<Entry>,
    /// What the clients are called in the script.
    pub names: Vec<(ClientId, String)>,
    /// The tokens of the script's messages, and their labels.
    pub labels: Vec<(String, String)>,
    /// What went over all sockets, if it was to be kept.
    pub trace: Vec<Line>,
    /// What did not go as the script says, such as a step that was not over in time.
    pub hitches: Vec<String>,
    /// Samples of why connections failed or were lost, and of what did not fit the spec.
    pub samples: Vec<String>,
    /// How long it took.
    pub nanos: Nanos,
}

/// Why there is nothing to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unplayed {
    /// The conversations could not be made; says why, and what went over the wire until then.
    SetUp(String, Vec<Line>),
    /// The harness has a mistake: a task of the play panicked.
    Panicked,
}

impl Site {
    /// Makes the target ready, knocks once, and says how it is reached.
    ///
    /// # Errors
    /// The target cannot be tried.
    pub async fn open(
        choice: &TargetChoice,
        spec: &Arc<Spec>,
        transport: Option<Transports>,
        run: u64,
    ) -> Result<(Target, Self), Unreachable> {
        let approach = preflight::approach(spec, transport)?;
        let registry = preflight::registry(spec)?;
        let target = Target::ready(choice, spec).await?;
        let nodes = preflight::endpoints(target.urls(), spec).await?;
        for (url, endpoint) in target.urls().iter().zip(&nodes) {
            preflight::knock(url, endpoint, &approach, &registry).await?;
        }
        let (url, endpoint) = (target.urls()[0].clone(), nodes[0].clone());
        let (spec, clock) = (Arc::clone(spec), Clock::start());
        Ok((target, Self { spec, url, endpoint, nodes, approach, registry, clock, run }))
    }

    /// Connects and leaves again, to see whether the server is there.
    ///
    /// # Errors
    /// It is not.
    pub async fn knock(&self) -> Result<(), Unreachable> {
        preflight::knock(&self.url, &self.endpoint, &self.approach, &self.registry).await
    }
}

/// Plays a script on the reference server in a simulated world of this seed, all on this thread: the
/// same arguments make the same history. The inner result is that of [`play`].
///
/// # Errors
/// The server cannot be started, or play this spec.
pub fn simulate(
    spec: &Arc<Spec>,
    options: &reference::Options,
    play: &Play,
    seed: u64,
    keep: Keep,
) -> Result<Result<Played, Unplayed>, Unreachable> {
    let choice = TargetChoice::Embedded(options.clone());
    let lived = world::simulate(seed, async || {
        let (mut target, site) = Site::open(&choice, spec, None, seed).await?;
        let played = self::play(&site, play, Some(&mut target), keep).await;
        target.stop().await;
        Ok(played)
    });
    lived.map_err(|error| Unreachable::new(error.to_string(), "too few resources are left"))?
}

/// Plays a script. `server`, if it is the play's own, suffers what the script does to it; `keep`
/// says what is kept of its packets. Needs a [`LocalSet`](tokio::task::LocalSet) around it.
///
/// # Errors
/// There is nothing to judge.
pub async fn play(
    site: &Site,
    play: &Play,
    server: Option<&mut Target>,
    keep: Keep,
) -> Result<Played, Unplayed> {
    let cast = Cast::of(play, site.run);
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut recorder =
        Recorder::new(Meter::asleep(), Some(Bench::new(&Charge::of(&site.spec))), None);
    recorder.kept = Some(Vec::new());
    recorder.unmeasured = true;
    let ground = Ground {
        // What another play says is none of this one's: its messages are told apart as another run's.
        plan: Plan::new(
            &site.spec,
            cast.scenario(),
            u64::from(play.number),
            site.run.wrapping_add(u64::from(play.number)),
        ),
        spec: Arc::clone(&site.spec),
        registry: Arc::clone(&site.registry),
        nodes: site.nodes.clone(),
        sources: Vec::new(),
        approach: site.approach.clone(),
        clock: site.clock,
        recorder,
        tell,
    };
    let began = site.clock.now();
    let shard = Rc::new(Shard::new(ground, vec![cast.cell.clone()]));
    shard.trace.borrow_mut().keep = keep;
    shard.skews.replace(cast.skews(&play.script));
    shard.homes.replace(cast.homes(&play.script, site.nodes.len()));
    if let Err(why) = setup::converse(&shard).await {
        let lines = shard.trace.take().lines(&cast.names(&play.script));
        return Err(Unplayed::SetUp(why, lines));
    }
    let mut director = Director::new(Rc::clone(&shard), play, &cast, server);
    director.perform().await;
    let labels = director.labels();
    let hitches = director.leave().await;
    if matches!(told.try_recv(), Ok(Told::Panicked)) {
        return Err(Unplayed::Panicked);
    }
    let mut recorder = shard.recorder.borrow_mut();
    let bench = recorder.take_judges().ok_or(Unplayed::Panicked)?;
    Ok(Played {
        findings: bench.finish(),
        names: cast.names(&play.script),
        labels,
        trace: shard.trace.take().lines(&cast.names(&play.script)),
        entries: recorder.kept.take().unwrap_or_default(),
        hitches,
        samples: shard.samples().concat(),
        nanos: site.clock.now().saturating_sub(began),
    })
}
