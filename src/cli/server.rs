//! Which server a verb with a scenario works on: the arguments that say it, and what follows.

use crate::cli::{Failure, load};
use crate::engine::TargetChoice;
use crate::reference::{self, Limit, Limits};
use crate::scenario::Scenario;
use std::num::NonZeroU32;

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
