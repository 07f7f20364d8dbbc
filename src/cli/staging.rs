//! How plays are staged, whatever the server and whoever wrote the script: the arguments that `conform`,
//! `explore`, `replay` and `shrink` have in common.

use crate::cli::run::{Transport, run_number};
use crate::engine::TargetChoice;
use crate::explore;
use crate::spec::{Spec, Transports};
use clap::ValueEnum;
use std::sync::Arc;
use tokio::sync::watch;

/// The arguments that say how plays are staged.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Staging {
    /// Plays on the embedded server in simulated worlds, in virtual time: the same seed makes the same histories.
    #[arg(long, conflicts_with_all = ["targets", "launch"])]
    pub simulate: bool,
    /// How many plays are under way at once, where the server bears only a few.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub at_once: Option<u32>,
    /// How connections are made, in place of the spec's way.
    #[arg(long, value_enum)]
    pub transport: Option<Transport>,
}

impl Staging {
    /// Where scripts are tried: on this server, with people of their own, or in worlds that follow from the
    /// seed.
    #[must_use]
    pub fn settings(
        &self,
        spec: Arc<Spec>,
        target: TargetChoice,
        seed: u64,
        interrupt: watch::Receiver<bool>,
    ) -> explore::Settings {
        explore::Settings {
            spec,
            at_once: self.at_once(&target),
            target,
            transport: self.transport(),
            run: run_number(),
            simulate: self.simulate.then_some(seed),
            interrupt,
        }
    }

    /// How many plays are under way at once: as asked for, or as many as the server says that it bears.
    #[must_use]
    pub fn at_once(&self, target: &TargetChoice) -> Option<u32> {
        self.at_once.or(match target {
            TargetChoice::Launched(launch) => launch.cases_at_once,
            TargetChoice::Embedded(_) | TargetChoice::Running(_) => None,
        })
    }

    /// The transport, if it is not the spec's.
    #[must_use]
    pub fn transport(&self) -> Option<Transports> {
        self.transport.map(Transport::of_spec)
    }

    /// The arguments as they were said.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let transport = self.transport.and_then(|transport| transport.to_possible_value());
        let transport = transport.map(|transport| format!("--transport {}", transport.get_name()));
        let at_once = self.at_once.map(|count| format!("--at-once {count}"));
        transport.into_iter().chain(at_once).collect()
    }
}
