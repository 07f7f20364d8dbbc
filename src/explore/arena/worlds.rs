//! Each play in a simulated world of its own, with a server of its own.
//!
//! What comes of a play follows from the seed, its script, and how often that was played before: so the first
//! play of a plan in a search, and the first of its replay, are the same. Threads play side by side and end as
//! they do; what has ended is handed out in the order in which it was given, so that what is learnt of it
//! does not depend on them. Start with [`Worlds::play`].

use crate::engine::Failure;
use crate::engine::crew::Crew;
use crate::engine::stage::{self, Apart, Keep, Play, Played, Stopped};
use crate::explore::arena::{Settings, play};
use crate::explore::trial::End;
use crate::history::PersonId;
use crate::plan::dice;
use crate::plan::script::Script;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Plays that are given before the first of them has ended; on any machine, for what is drawn depends on what
/// has ended before.
pub(super) const AHEAD: usize = 32;

/// The plays that were given.
pub(super) struct Worlds {
    seed: u64,
    /// How often each script was played, by its text.
    played: FxHashMap<u64, u32>,
    /// What ended before its turn.
    early: BTreeMap<u32, End>,
    /// The number of the play whose turn it is.
    turn: u32,
}

impl Worlds {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, played: FxHashMap::default(), early: BTreeMap::new(), turn: 0 }
    }

    /// What reports call the server.
    pub(super) fn name(&self, nodes: usize) -> String {
        let nodes = if nodes > 1 { format!(" of {nodes} nodes") } else { String::new() };
        format!("embedded reference server{nodes}, simulated with seed {}", self.seed)
    }

    /// The next play of a script, numbered among those of this script alone.
    pub(super) fn play(&mut self, script: &Arc<Script>) -> Play {
        let copies = self.played.entry(dice::word(&script.to_string())).or_default();
        let copy = *copies;
        *copies += 1;
        play(copy, script)
    }

    pub(super) fn ended(&mut self, number: u32, end: End) {
        self.early.insert(number, end);
    }

    /// What came of the play whose turn it is, if it has ended.
    pub(super) fn next(&mut self) -> Option<(u32, End)> {
        let end = self.early.remove(&self.turn)?;
        self.turn += 1;
        Some((self.turn - 1, end))
    }
}

/// Threads that play one world after the other.
pub(super) fn crew(
    settings: &Settings,
    seed: u64,
) -> Result<Crew<Play, Result<Played, Stopped>>, Failure> {
    let spec = Arc::clone(&settings.spec);
    let apart = Apart::of(&settings.target, settings.transport);
    Crew::one_by_one(settings.at_once, move |play: Play| {
        let seed = dice::mix(seed, dice::word(&play.script.to_string()), u64::from(play.number));
        apart.simulate(&spec, seed, async |site, target| {
            let people = stage::people_of(&play.script, play.number, site.run);
            let everybody: Vec<PersonId> = people.chain([PersonId(0)]).collect();
            site.registry.expect(&everybody).map_err(|why| Stopped::NoServer(why.0))?;
            Ok(stage::play(site, &play, Some(target), Keep::Nothing).await?)
        })
    })
}
