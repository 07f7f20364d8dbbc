//! Plays that handle the server, or speak to everybody on it, have a server of their own; those of a simulated
//! world have, too.

use super::{Keep, Play, Played, Site, Unplayed, play};
use crate::engine::preflight::Unreachable;
use crate::engine::target::{Target, TargetChoice};
use crate::fault::Server;
use crate::spec::{Spec, Transports};
use crate::world;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Servers of their own that run at once, besides the target, where each is a process or more:
/// too many would starve the machine, and with it what they are tried for.
const AT_ONCE: usize = 2;
/// Longer than any play: nothing in a simulated world would ever notice that one hangs.
const ENDLESS: Duration = Duration::from_secs(24 * 3600);

/// Where servers for single plays come from. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Apart {
    choice: TargetChoice,
    transport: Option<Transports>,
    /// A permit for each server that may run.
    permits: Arc<Semaphore>,
    /// Servers that have served a play and may serve another, if any may.
    kept: Option<Pool>,
}

/// Servers that nobody plays on at the moment, and how they are reached.
type Pool = Arc<Mutex<Vec<(Target, Site)>>>;

/// Why a play was not played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// The harness has a mistake.
    Broken(String),
    /// Its server could not be had, or was gone.
    NoServer(String),
    /// The run was interrupted, or the target died.
    NotReached(String),
}

impl From<Unreachable> for Stopped {
    fn from(Unreachable { what, hint }: Unreachable) -> Self {
        Self::NoServer(format!("{what}; {hint}"))
    }
}

impl From<Unplayed> for Stopped {
    fn from(unplayed: Unplayed) -> Self {
        match unplayed {
            Unplayed::SetUp(why, _) => Self::NoServer(why),
            Unplayed::Panicked => Self::Broken("a task of the play panicked".into()),
        }
    }
}

impl Apart {
    /// Servers that are made as this one; the embedded ones are threads that cost little.
    pub(crate) fn of(choice: &TargetChoice, transport: Option<Transports>) -> Self {
        let most = match choice {
            TargetChoice::Launched(_) => AT_ONCE,
            TargetChoice::Embedded(_) | TargetChoice::Running(_) => Semaphore::MAX_PERMITS,
        };
        Self {
            choice: choice.clone(),
            transport,
            permits: Arc::new(Semaphore::new(most)),
            kept: None,
        }
    }

    /// The same; but a server whose nodes and parts have suffered, and are well again, serves the next play,
    /// whose people and conversations are others.
    pub(crate) fn kept(self) -> Self {
        Self { kept: Some(Arc::default()), ..self }
    }

    /// What the servers are.
    pub(crate) fn choice(&self) -> &TargetChoice {
        &self.choice
    }

    /// Plays on a server of its own, which otherwise is as the one of the site.
    ///
    /// # Errors
    /// There is nothing to judge.
    pub(crate) async fn play(
        &self,
        site: &Site,
        script: &Play,
        keep: Keep,
    ) -> Result<Played, Stopped> {
        let _permit = self.permits.acquire().await;
        let (mut target, mut its) = match self.take() {
            Some(kept) => kept,
            None => Site::open(&self.choice, &site.spec, self.transport, site.run).await?,
        };
        its.clock = site.clock;
        let played = play(&its, script, Some(&mut target), keep).await;
        match &self.kept {
            Some(kept) if is_well(&its, script, &played).await => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push((target, its));
            }
            _ => target.stop().await,
        }
        Ok(played?)
    }

    /// Opens a server in a simulated world of this seed, all on this thread, and lets it be played on.
    ///
    /// # Errors
    /// There is nothing to judge.
    pub(crate) fn simulate<T>(
        &self,
        spec: &Arc<Spec>,
        seed: u64,
        act: impl AsyncFnOnce(&Site, &mut Target) -> Result<T, Stopped>,
    ) -> Result<T, Stopped> {
        let lived = world::simulate(seed, async || {
            let (mut target, site) = Site::open(&self.choice, spec, self.transport, seed).await?;
            let done = tokio::time::timeout(ENDLESS, act(&site, &mut target)).await;
            target.stop().await;
            done.unwrap_or_else(|_| Err(Stopped::Broken("it did not end in a day".into())))
        });
        lived.unwrap_or_else(|error| Err(Stopped::NoServer(error.to_string())))
    }

    fn take(&self) -> Option<(Target, Site)> {
        self.kept.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// Nothing but nodes and parts suffered, all went as the script says, and the server is there.
async fn is_well(site: &Site, script: &Play, played: &Result<Played, Unplayed>) -> bool {
    let mut strikes = script.script.strikes();
    strikes.all(|strike| matches!(strike, Server::Node(_) | Server::Part(_)))
        && played.as_ref().is_ok_and(|played| played.hitches.is_empty())
        && site.knock().await.is_ok()
}
