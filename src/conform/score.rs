//! Keeps the score while plays go on: what has come of them, and what is still to come.
//!
//! What came of a play counts only after a later sign of the server: of one that is gone, every case
//! would find fault. Knows neither threads nor sockets. Start with [`Score`].

use crate::conform::Catalogued;
use crate::conform::tally::Copied;
use crate::engine::crew::News;
use crate::engine::stage::Stopped;
use std::time::Duration;
use tokio::time::Instant;

/// How far it is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Cases that have ended.
    pub done: usize,
    /// Cases to play.
    pub of: usize,
    /// Cases that failed.
    pub failed: Vec<String>,
    /// Cases under way.
    pub running: Vec<String>,
    /// How long it took so far.
    pub elapsed: Duration,
    /// What the user should know before the first case.
    pub warning: Option<String>,
}

/// What came of a copy of a case, and which one it is: copies end in any order, and are told in theirs.
pub(super) type Numbered = (u32, Copied);

/// What has come of the plays so far.
pub(super) struct Score<'a> {
    cases: &'a [&'a Catalogued],
    /// How many copies of each case are still to come.
    open: Vec<usize>,
    running: Vec<bool>,
    ends: Vec<Vec<Numbered>>,
    /// Plays that ended, and when: no sign of the server has come since.
    unsure: Vec<(Instant, usize, Numbered)>,
    done: usize,
    failed: Vec<String>,
}

impl<'a> Score<'a> {
    /// Nothing has come yet.
    pub(super) fn new(cases: &'a [&'a Catalogued]) -> Self {
        Self {
            cases,
            open: cases.iter().map(|case| case.copies as usize).collect(),
            running: vec![false; cases.len()],
            ends: cases.iter().map(|_| Vec::new()).collect(),
            unsure: Vec::new(),
            done: 0,
            failed: Vec::new(),
        }
    }

    /// Something is still to come; `silent` if the stages have nothing more to say.
    pub(super) fn is_open(&self, silent: bool) -> bool {
        self.open.iter().any(|open| *open > 0) && !(silent && self.unsure.is_empty())
    }

    /// Something came from a stage.
    pub(super) fn note(&mut self, news: News<Numbered>) {
        match news {
            News::Began(case) => self.running[case] = true,
            News::Ended(case, copied) => {
                let broken = |how| Err(Stopped::Broken(format!("the case panicked: {how}")));
                let broken = |how| (u32::MAX, broken(how));
                self.unsure.push((Instant::now(), case, copied.unwrap_or_else(broken)));
            }
        }
    }

    /// The server was there at this moment: what ended before it counts.
    pub(super) fn settle(&mut self, sign: Instant) {
        for (_, case, copied) in self.unsure.extract_if(.., |(ended, ..)| *ended <= sign) {
            self.open[case] -= 1;
            self.ends[case].push(copied);
            if self.open[case] == 0 {
                self.running[case] = false;
                self.done += 1;
                if fails(&self.ends[case]) {
                    self.failed.push(self.cases[case].name.clone());
                }
            }
        }
    }

    /// How far it is after this time.
    pub(super) fn progress(&self, elapsed: Duration) -> Progress {
        let names = self.cases.iter().zip(&self.running).filter(|(_, running)| **running);
        Progress {
            done: self.done,
            of: self.cases.len(),
            failed: self.failed.clone(),
            running: names.map(|(case, _)| case.name.clone()).collect(),
            elapsed,
            warning: None,
        }
    }

    /// The cases that no sign of the server has followed yet, by number.
    pub(super) fn under_way(&self) -> Vec<usize> {
        (0..self.running.len()).filter(|case| self.running[*case]).collect()
    }

    /// What is still open was not reached, and why.
    pub(super) fn close(mut self, why: &str) -> Vec<Vec<Copied>> {
        for (end, open) in self.ends.iter_mut().zip(&self.open) {
            end.sort_by_key(|(copy, _)| *copy);
            let unreached = || Err(Stopped::NotReached(why.to_owned()));
            end.extend((0..*open).map(|_| (u32::MAX, unreached())));
        }
        let copies = |end: Vec<Numbered>| end.into_iter().map(|(_, copied)| copied).collect();
        self.ends.into_iter().map(copies).collect()
    }
}

fn fails(ends: &[Numbered]) -> bool {
    ends.iter().flat_map(|(_, end)| end).any(|copy| copy.finding.violation_count > 0)
}
