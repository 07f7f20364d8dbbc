//! What came of plays: what the judges say of one ([`Run`]), and of one script that was played several times
//! ([`Trial`]).
//!
//! It knows neither where scripts come from nor how they are played. Start with [`Trial::rate`].

use crate::conform::{Names, is_timed};
use crate::engine::stage::{Played, Stopped};
use crate::explore::arena::Over;
use crate::explore::scene::scene;
use crate::history::{ClientId, Entry, Nanos};
use crate::outcome::exploration::Scene;
use crate::property;
use crate::spec::Spec;
use crate::verdict::Finding;

/// What came of a script that was played several times.
#[derive(Debug, Default)]
pub struct Trial {
    /// What came of each play, in the order in which they ended.
    pub ends: Vec<End>,
    /// Why there are fewer than asked for, if so.
    pub over: Option<Over>,
}

/// What came of one play.
#[derive(Debug)]
pub enum End {
    /// The judges have spoken.
    Judged(Box<Run>),
    /// There is nothing to judge; says why.
    NotRun(String),
}

/// One play that was judged.
#[derive(Debug, Default)]
pub struct Run {
    /// The properties that were broken, promised or not.
    pub broken: Vec<Broken>,
    /// What might have been the generator's or a fault's doing, by property.
    pub doubts: Vec<(&'static str, String)>,
    /// What did not go as the script says.
    pub hitches: Vec<String>,
    /// The whole history.
    pub entries: Vec<Entry>,
    /// What the clients are called in the script.
    pub names: Vec<(ClientId, String)>,
    /// How long it took, in nanoseconds.
    pub nanos: Nanos,
}

/// A property that one play broke.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its id.
    pub property: &'static str,
    /// The spec promises it.
    pub promised: bool,
    /// The argument, in the words of the script.
    pub finding: Finding,
    /// The play of the first violation, in the words of the script.
    pub scene: Scene,
}

impl Trial {
    /// The plays that were judged.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.ends.iter().filter_map(|end| match end {
            End::Judged(run) => Some(&**run),
            End::NotRun(_) => None,
        })
    }

    /// In how many plays a property was broken, and how many tell: those that hold something else against
    /// it than the server's doing do not.
    #[must_use]
    pub fn rate(&self, property: &str) -> (u32, u32) {
        let broken = self.runs().filter(|run| run.breaks(property)).count();
        let doubtful = self.runs().filter(|run| !run.breaks(property) && run.doubts(property));
        (broken as u32, (self.runs().count() - doubtful.count()) as u32)
    }

    /// The property is broken beyond doubt: what rests on time has to happen twice.
    #[must_use]
    pub fn convicts(&self, property: &str) -> bool {
        let (broken, _) = self.rate(property);
        broken >= least(property)
    }

    /// Why plays were not judged, each reason once.
    #[must_use]
    pub fn obstacles(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for end in &self.ends {
            if let End::NotRun(why) = end
                && !all.contains(&why.as_str())
            {
                all.push(why);
            }
        }
        all
    }
}

/// In how many plays a property must be broken before it counts: an event that was seen proves itself,
/// one that was missing may have been late for once.
#[must_use]
pub fn least(property: &str) -> u32 {
    if is_timed(property) { 2 } else { 1 }
}

impl End {
    /// What came of a play on this spec, or of the job that should have played it.
    pub(super) fn of(played: Result<Result<Played, Stopped>, String>, spec: &Spec) -> Self {
        match played {
            Err(how) => Self::NotRun(format!("the harness failed: {how}")),
            Ok(Err(Stopped::Broken(why) | Stopped::NoServer(why) | Stopped::NotReached(why))) => {
                Self::NotRun(why)
            }
            Ok(Ok(played)) => Self::Judged(Box::new(Run::of(played, spec))),
        }
    }

    /// It speaks against the server.
    pub(super) fn accuses(&self) -> bool {
        matches!(self, Self::Judged(run) if !run.broken.is_empty())
    }
}

impl Run {
    fn of(played: Played, spec: &Spec) -> Self {
        let ids = property::ALL.iter().map(|property| property.page().id);
        let words = Names { clients: &played.names, messages: &played.labels };
        let mut run = Self::default();
        for (id, mut finding) in ids.zip(played.findings) {
            run.doubts.extend(finding.doubts.iter().map(|doubt| (id, doubt.clone())));
            if finding.violation_count > 0 {
                let scene = finding.violations.first().map(|violation| {
                    let mut scene = scene(&played.entries, violation);
                    words.put_into_lines(&mut scene.exhibits);
                    scene
                });
                finding.violations.iter_mut().for_each(|violation| words.put_into(violation));
                let (promised, scene) = (spec.promise(id).is_some(), scene.unwrap_or_default());
                run.broken.push(Broken { property: id, promised, finding, scene });
            }
        }
        Self {
            hitches: played.hitches,
            entries: played.entries,
            names: played.names,
            nanos: played.nanos,
            ..run
        }
    }

    /// The play broke this property.
    #[must_use]
    pub fn breaks(&self, property: &str) -> bool {
        self.broken_of(property).is_some()
    }

    /// How the play broke this property, if it did.
    #[must_use]
    pub fn broken_of(&self, property: &str) -> Option<&Broken> {
        self.broken.iter().find(|broken| broken.property == property)
    }

    /// It says something of this property: it was broken, or nothing else may explain what was seen.
    #[must_use]
    pub fn tells(&self, property: &str) -> bool {
        self.breaks(property) || !self.doubts(property)
    }

    fn doubts(&self, property: &str) -> bool {
        self.doubts.iter().any(|(id, _)| *id == property)
    }
}

impl Broken {
    /// What is wrong, in one sentence without times or names: the first kind of its violations.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.finding.violations.first().map_or("", |violation| &violation.summary)
    }
}
