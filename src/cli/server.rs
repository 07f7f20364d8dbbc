//! Which server a verb works on: the arguments that say it, and what follows. [`Server`] is for verbs
//! with a scenario, which may say it too, [`Subject`] for those without.

use crate::cli::{Failure, load};
use crate::engine::TargetChoice;
use crate::plan::saved;
use crate::reference::{self, Limit, Limits};
use crate::scenario::Scenario;
use std::num::NonZeroU32;
use std::time::Duration;

/// How often the embedded server pings, so that dead connections are noticed within seconds.
const PING_INTERVAL: Duration = Duration::from_secs(3);
/// How long it waits for the answer.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The arguments that choose a server.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Server {
    /// The running server to put on trial; repeated, its nodes in their order.
    #[arg(long = "target", value_name = "URL")]
    pub targets: Vec<String>,
    /// A bug that the embedded server shall have (`assize list bugs`); can be repeated.
    #[arg(long = "bug", value_name = "NAME", conflicts_with = "targets")]
    pub bugs: Vec<String>,
    /// What the embedded server bears: `clients=N`, or `rate=N` messages a second; can be repeated.
    #[arg(long = "limit", value_name = "LIMIT", conflicts_with = "targets")]
    pub limits: Vec<Limit>,
    /// How many nodes the embedded server shall have, in place of the scenario's.
    #[arg(long, value_name = "N", conflicts_with = "targets")]
    pub nodes: Option<NonZeroU32>,
}

impl Server {
    /// The server: the one that is named, or the scenario's own, or the embedded one.
    ///
    /// # Errors
    /// There is no bug of one of the names.
    pub fn choice(&self, scenario: &Scenario) -> Result<TargetChoice, Failure> {
        let bugs = load::bugs(&self.bugs)?;
        if !self.targets.is_empty() {
            return Ok(TargetChoice::Running(self.targets.clone()));
        }
        let asked = !self.bugs.is_empty() || !self.limits.is_empty() || self.nodes.is_some();
        match &scenario.launch {
            Some(launch) if !asked => return Ok(TargetChoice::Launched(launch.clone())),
            None if !asked && !scenario.target.is_empty() => {
                return Ok(TargetChoice::Running(scenario.target.clone()));
            }
            _ => {}
        }
        Ok(TargetChoice::Embedded(reference::Options {
            bugs,
            nodes: self.nodes.map(NonZeroU32::get).or(scenario.embedded).unwrap_or(1) as usize,
            limits: Limits::of(&self.limits),
            ..reference::Options::default()
        }))
    }

    /// The arguments as they were said.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> =
            self.targets.iter().map(|target| format!("--target {target}")).collect();
        words.extend(self.nodes.map(|nodes| format!("--nodes {nodes}")));
        words.extend(self.bugs.iter().map(|bug| format!("--bug {bug}")));
        words.extend(self.limits.iter().map(|limit| format!("--limit {limit}")));
        words
    }
}

/// The arguments that choose the server of a verb without a scenario.
#[derive(Clone, Debug, clap::Args)]
pub struct Subject {
    /// The running server to put on trial; repeated, its nodes in their order.
    #[arg(long = "target", value_name = "URL")]
    pub targets: Vec<String>,
    /// How many nodes the embedded server shall have.
    #[arg(long, value_name = "N", default_value_t = NonZeroU32::MIN, conflicts_with_all = ["targets", "launch"])]
    pub nodes: NonZeroU32,
    /// A scenario whose `launch:` starts the server.
    #[arg(long, value_name = "SCENARIO", conflicts_with = "targets")]
    pub launch: Option<String>,
    /// A bug that the embedded server shall have (`assize list bugs`); can be repeated.
    #[arg(long = "bug", value_name = "NAME", conflicts_with_all = ["targets", "launch"])]
    pub bugs: Vec<String>,
}

impl Subject {
    /// The server: the running one, the launched one, or else the embedded one.
    ///
    /// # Errors
    /// There is no bug of one of the names, or the scenario is not there or launches nothing.
    pub fn choice(&self) -> Result<TargetChoice, Failure> {
        if !self.targets.is_empty() {
            return Ok(TargetChoice::Running(self.targets.clone()));
        }
        let Some(name) = &self.launch else { return embedded(&self.bugs, self.nodes) };
        match load::scenario(name)?.value.launch {
            Some(launch) => Ok(TargetChoice::Launched(launch)),
            None => Err(Failure::usage(format!("scenario `{name}` launches no server"))
                .hint("name a scenario with `launch:`, or a running server with `--target URL`")),
        }
    }

    /// The server, as a plan remembers it; `simulate` is the seed of its worlds, if it was simulated.
    #[must_use]
    pub fn origin(&self, simulate: Option<u64>) -> saved::Server {
        saved::Server {
            launch: self.launch.clone(),
            targets: self.targets.clone(),
            bugs: self.bugs.clone(),
            nodes: Some(self.nodes.get()).filter(|nodes| *nodes > 1),
            simulate,
        }
    }

    /// The arguments as they were said.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> =
            self.targets.iter().map(|url| format!("--target {url}")).collect();
        words.extend((self.nodes.get() > 1).then(|| format!("--nodes {}", self.nodes)));
        words.extend(self.launch.iter().map(|scenario| format!("--launch {scenario}")));
        words.extend(self.bugs.iter().map(|bug| format!("--bug {bug}")));
        words
    }
}

/// The embedded server of so many nodes, with bugs of these names, and a heartbeat that is not waited
/// for for long.
///
/// # Errors
/// There is no bug of one of the names.
pub fn embedded(bugs: &[String], nodes: NonZeroU32) -> Result<TargetChoice, Failure> {
    Ok(TargetChoice::Embedded(reference::Options {
        bugs: load::bugs(bugs)?,
        ping_interval: PING_INTERVAL,
        ping_timeout: PING_TIMEOUT,
        nodes: nodes.get() as usize,
        ..reference::Options::default()
    }))
}
