//! Which load is tried next, given how all loads before fared.
//!
//! Coarse steps by a factor of two, up or down, until one load held and a larger one did not; then
//! halving what lies between. A busy machine makes steps fail that would hold, and hardly ever the
//! other way round: so a step that failed is tried again at once, and the larger half of the tries
//! decides; a step that held is taken at its word. But what made one step fail may still be there for
//! the next: so in the end both ends are tried once more, when that is long over. What is proved by the failure of a property
//! needs no second try; a step that proves nothing, for the generator was late, is made again, and only
//! a load at which no step proves anything is given up as too much.

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
    /// What it says of the load.
    pub said: Said,
}

/// What a step says of its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Everything held.
    Held,
    /// Something did not, which may have been chance.
    Failed,
    /// Something is proved to be broken: another try would change nothing.
    Proved,
    /// Nothing: something other than the server could explain what was seen.
    Nothing,
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
    /// It is too much, as far as is known.
    Mostly,
    /// It is too much, and one more try said so.
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
        let mut tallies: BTreeMap<u64, [u32; 4]> = BTreeMap::new();
        for trial in trials {
            tallies.entry(trial.load).or_default()[trial.said as usize] += 1;
        }
        let enough = self.tries / 2 + 1;
        // Who wants one try of each load gets one.
        let firm = |sure| if sure || self.tries == 1 { Stand::Exceeded } else { Stand::Mostly };
        let stand = |[held, failed, proved, nothing]: [u32; 4]| match (held, failed) {
            _ if proved > 0 => Stand::Exceeded,
            _ if failed >= enough && failed > held => firm(failed > enough),
            (0, _) if nothing >= self.tries => firm(nothing > self.tries),
            _ if held >= enough && held > failed => Stand::Held,
            (1.., 0) => Stand::Once,
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

    fn said(held: bool) -> Said {
        if held { Said::Held } else { Said::Failed }
    }

    fn sharp(limit: u64) -> impl FnMut(u64) -> Trial {
        move |load| Trial { load, said: said(load <= limit) }
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
                Trial { load, said: said(dice.chance(holds)) }
            };
            let ((held, _), _) = play(Search { precision: 0.03, ..SEARCH }, noisy);
            let off = held.map_or(1.0, |held| (held as f64 / limit as f64 - 1.0).abs());
            wrong += u32::from(off > 0.05);
        }
        assert!(wrong <= 20, "{wrong} of 400 are off by more than 5%");
    }

    #[test]
    fn a_proof_needs_no_second_try_and_a_chance_failure_gets_one() {
        let trials = |all: &[Said]| -> Vec<Trial> {
            all.iter().map(|&said| Trial { load: 100, said }).collect()
        };
        let next = |all: &[Said]| SEARCH.next(&trials(all));
        assert_eq!(next(&[Said::Proved]), Next::Try(50, Why::Coarse));
        assert_eq!(next(&[Said::Failed]), Next::Try(100, Why::Again));
        assert_eq!(next(&[Said::Failed, Said::Held, Said::Held]), Next::Try(200, Why::Coarse));
        assert_eq!(next(&[Said::Failed, Said::Held, Said::Failed]), Next::Try(50, Why::Coarse));
    }

    #[test]
    fn what_proves_nothing_is_made_again_and_given_up_in_the_end() {
        let nothing = Trial { load: 100, said: Said::Nothing };
        assert_eq!(SEARCH.next(&[nothing]), Next::Try(100, Why::Again));
        assert_eq!(SEARCH.next(&[nothing; 3]), Next::Try(50, Why::Coarse));
        let held = Trial { load: 100, said: Said::Held };
        assert_eq!(SEARCH.next(&[nothing, nothing, held]), Next::Try(200, Why::Coarse));
    }

    #[test]
    fn a_bad_moment_in_the_beginning_is_found_out_in_the_end() {
        let mut steps = 0;
        let ((held, _), _) = play(SEARCH, |load| {
            steps += 1;
            Trial { load, said: said(load <= 1_000 && steps > 4) }
        });
        assert!(held.is_some_and(|held| (953..=1_000).contains(&held)), "{held:?}");
    }

    #[test]
    fn what_holds_above_what_does_not_is_not_believed() {
        let trial = |load, said| Trial { load, said };
        let trials = [trial(100, Said::Held), trial(200, Said::Proved), trial(400, Said::Held)];
        assert_eq!(SEARCH.found(&trials), (Some(100), Some(200)));
    }
}
