//! Which load is tried next, given how all loads before fared.
//!
//! Coarse steps by a factor of two, up or down, until one load held and a larger one did not; then
//! halving what lies between. A busy machine makes steps fail that would hold, and hardly ever the
//! other way round: so a step that failed is tried again at once, and the larger half of the tries
//! decides; a step that held is taken at its word. In the end both ends must be clear: what held is
//! tried again, and so is what failed, if it also held once. What is proved by the failure of a property
//! needs no second try.

use crate::outcome::capacity::Why;
use std::collections::BTreeMap;

/// What is looked for, and how carefully.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// The first load.
    pub start: u64,
    /// The smallest load that makes sense.
    pub least: u64,
    /// The largest load to try.
    pub most: u64,
    /// The search ends when what holds and what does not are this share apart.
    pub precision: f64,
    /// Most of so many tries decide on a load.
    pub tries: u32,
}

/// How one step fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Its load.
    pub load: u64,
    /// Everything held.
    pub held: bool,
    /// It is proved, so that another try would change nothing.
    pub certain: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Try this load.
    Try(u64, Why),
    /// What was to be found is found.
    Done,
}

/// What the tries of one load say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    /// Enough tries held.
    Held,
    /// It held as often as it was tried, which is not enough.
    Once,
    /// It failed, and may have failed by chance.
    Unclear,
    /// It is too much, though it held, too.
    Mostly,
    /// It is too much.
    Exceeded,
}

impl Search {
    /// What to do next.
    #[must_use]
    pub fn next(&self, trials: &[Trial]) -> Next {
        let stands = self.stands(trials);
        if stands.is_empty() {
            return Next::Try(self.start.clamp(self.least, self.most), Why::Coarse);
        }
        let (held, exceeded) = bracket(&stands);
        let unclear = stands.iter().find(|(_, stand)| **stand == Stand::Unclear);
        if let Some((load, _)) = unclear.filter(|(load, _)| exceeded.is_none_or(|e| **load < e)) {
            return Next::Try(*load, Why::Again);
        }
        match (held, exceeded) {
            (Some(held), None) if held < self.most => {
                Next::Try((held * 2).min(self.most), Why::Coarse)
            }
            (None, Some(exceeded)) if exceeded > self.least => {
                Next::Try((exceeded / 2).max(self.least), Why::Coarse)
            }
            (Some(held), Some(exceeded)) if !self.is_close(held, exceeded) => {
                Next::Try(between(held, exceeded), Why::Between)
            }
            (_, Some(exceeded)) if stands[&exceeded] == Stand::Mostly => {
                Next::Try(exceeded, Why::Again)
            }
            (Some(held), _) if stands[&held] == Stand::Once => Next::Try(held, Why::Again),
            _ => Next::Done,
        }
    }

    /// The largest load that held, and the smallest that did not.
    #[must_use]
    pub fn found(&self, trials: &[Trial]) -> (Option<u64>, Option<u64>) {
        bracket(&self.stands(trials))
    }

    fn stands(&self, trials: &[Trial]) -> BTreeMap<u64, Stand> {
        let mut tallies: BTreeMap<u64, (u32, u32, bool)> = BTreeMap::new();
        for trial in trials {
            let (held, failed, proved) = tallies.entry(trial.load).or_default();
            *held += u32::from(trial.held);
            *failed += u32::from(!trial.held);
            *proved |= !trial.held && trial.certain;
        }
        let enough = self.tries / 2 + 1;
        let stand = |(held, failed, proved)| match (held, failed) {
            _ if proved || failed >= held + enough => Stand::Exceeded,
            _ if failed >= enough && failed > held => Stand::Mostly,
            _ if held >= enough && held > failed => Stand::Held,
            (_, 0) => Stand::Once,
            _ => Stand::Unclear,
        };
        tallies.into_iter().map(|(load, tally)| (load, stand(tally))).collect()
    }

    fn is_close(&self, held: u64, exceeded: u64) -> bool {
        let apart = exceeded - held;
        apart <= 1 || apart as f64 <= held as f64 * self.precision
    }
}

/// A load that is too much is so for all above it, whatever they said.
fn bracket(stands: &BTreeMap<u64, Stand>) -> (Option<u64>, Option<u64>) {
    let too_much = |(_, stand): &(&u64, &Stand)| matches!(stand, Stand::Exceeded | Stand::Mostly);
    let exceeded = stands.iter().find(too_much).map(|(load, _)| *load);
    let below = stands.iter().filter(|(load, _)| exceeded.is_none_or(|most| **load < most));
    let held = below.filter(|(_, stand)| matches!(stand, Stand::Held | Stand::Once));
    (held.map(|(load, _)| *load).next_back(), exceeded)
}

/// The middle: by ratio where they are far apart, else by distance.
fn between(held: u64, exceeded: u64) -> u64 {
    let middle = match exceeded > held * 3 / 2 {
        true => (held as f64 * exceeded as f64).sqrt().round() as u64,
        false => held + (exceeded - held) / 2,
    };
    middle.clamp(held + 1, exceeded - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::dice::Dice;

    const SEARCH: Search =
        Search { start: 100, least: 1, most: 100_000, precision: 0.05, tries: 3 };

    /// Plays a search on a server; what it found, and how many steps it took.
    fn play(
        search: Search,
        mut server: impl FnMut(u64) -> Trial,
    ) -> ((Option<u64>, Option<u64>), usize) {
        let mut trials = Vec::new();
        while let Next::Try(load, _) = search.next(&trials) {
            trials.push(server(load));
            assert!(trials.len() < 100, "it never ends: {:?}", &trials[90..]);
        }
        (search.found(&trials), trials.len())
    }

    fn sharp(limit: u64) -> impl FnMut(u64) -> Trial {
        move |load| Trial { load, held: load <= limit, certain: false }
    }

    #[test]
    fn a_sharp_limit_is_found_within_the_precision() {
        for limit in [1, 2, 7, 99, 100, 101, 640, 5_000, 99_999] {
            let ((held, exceeded), steps) = play(SEARCH, sharp(limit));
            let (held, exceeded) = (held.unwrap(), exceeded.unwrap());
            assert!(held <= limit && limit < exceeded, "{limit}: {held}..{exceeded}");
            assert!(exceeded - held <= (held / 20).max(1), "{limit}: {held}..{exceeded}");
            assert!(steps <= 30, "{limit}: {steps} steps");
        }
    }

    #[test]
    fn the_ends_of_what_may_be_tried_end_the_search() {
        assert_eq!(play(SEARCH, sharp(u64::MAX)).0, (Some(100_000), None));
        assert_eq!(play(SEARCH, sharp(0)).0, (None, Some(1)));
        let wide = Search { most: 60, ..SEARCH };
        assert_eq!(play(wide, sharp(1_000)), ((Some(60), None), 2));
    }

    #[test]
    fn chance_moves_the_limit_by_no_more_than_the_precision_in_19_of_20_searches() {
        // A step that should hold fails by chance once in twenty; near the limit either happens.
        let mut wrong = 0;
        for seed in 0..400 {
            let mut dice = Dice::new(seed, "search", 0, 0);
            let limit = 150 + dice.below(3_000) as u64;
            let noisy = |load: u64| {
                let edge = (load as f64 / limit as f64 - 1.0) / 0.01;
                let holds = 0.95 / (1.0 + edge.exp());
                Trial { load, held: dice.chance(holds), certain: false }
            };
            let ((held, _), _) = play(Search { precision: 0.03, ..SEARCH }, noisy);
            let off = held.map_or(1.0, |held| (held as f64 / limit as f64 - 1.0).abs());
            wrong += u32::from(off > 0.05);
        }
        assert!(wrong <= 20, "{wrong} of 400 are off by more than 5%");
    }

    #[test]
    fn a_proof_needs_no_second_try_and_a_chance_failure_gets_one() {
        let failed = |certain| [Trial { load: 100, held: false, certain }];
        assert_eq!(SEARCH.next(&failed(true)), Next::Try(50, Why::Coarse));
        assert_eq!(SEARCH.next(&failed(false)), Next::Try(100, Why::Again));
        let held = Trial { load: 100, held: true, certain: false };
        let then_held = [failed(false)[0], held, held];
        assert_eq!(SEARCH.next(&then_held), Next::Try(200, Why::Coarse));
    }

    #[test]
    fn what_holds_above_what_does_not_is_not_believed() {
        let trial = |load, held| Trial { load, held, certain: !held };
        let trials = [trial(100, true), trial(200, false), trial(400, true)];
        assert_eq!(SEARCH.found(&trials), (Some(100), Some(200)));
    }
}
