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
    /// The properties that were broken, promised or not; one that was broken in several ways stands there
    /// for each of them.
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

/// What plays are looked at for: a property, broken in one way or in any.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// The property's id.
    pub property: &'a str,
    /// What is wrong, in the words of [`Broken::kind`]; without it, whatever is.
    pub kind: Option<&'a str>,
}

impl<'a> From<&'a str> for Sought<'a> {
    fn from(property: &'a str) -> Self {
        Self { property, kind: None }
    }
}

impl<'a> From<&'a String> for Sought<'a> {
    fn from(property: &'a String) -> Self {
        property.as_str().into()
    }
}

impl Sought<'_> {
    fn is(&self, broken: &Broken) -> bool {
        broken.property == self.property && self.kind.is_none_or(|kind| broken.kind() == kind)
    }
}

/// A property that one play broke in one way.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Its id.
    pub property: &'static str,
    /// The spec promises it.
    pub promised: bool,
    /// The arguments, all of one kind, in the words of the script.
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
    pub fn rate<'a>(&self, sought: impl Into<Sought<'a>>) -> (u32, u32) {
        let sought = sought.into();
        let broken = self.runs().filter(|run| run.breaks(sought)).count();
        let doubtful = self.runs().filter(|run| !run.tells(sought));
        (broken as u32, (self.runs().count() - doubtful.count()) as u32)
    }

    /// The property is broken beyond doubt: what rests on time has to happen twice.
    #[must_use]
    pub fn convicts<'a>(&self, sought: impl Into<Sought<'a>>) -> bool {
        let sought = sought.into();
        let (broken, _) = self.rate(sought);
        broken >= least(sought.property)
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
        for (id, finding) in ids.zip(played.findings) {
            run.doubts.extend(finding.doubts.iter().map(|doubt| (id, doubt.clone())));
            let promised = spec.promise(id).is_some();
            for mut finding in by_kind(&finding) {
                let scene = finding.violations.first().map(|violation| {
                    let mut scene = scene(&played.entries, violation);
                    words.put_into_lines(&mut scene.exhibits);
                    scene
                });
                finding.violations.iter_mut().for_each(|violation| words.put_into(violation));
                let scene = scene.unwrap_or_default();
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
    pub fn breaks<'a>(&self, sought: impl Into<Sought<'a>>) -> bool {
        self.broken_of(sought).is_some()
    }

    /// How the play broke this property, if it did.
    #[must_use]
    pub fn broken_of<'a>(&self, sought: impl Into<Sought<'a>>) -> Option<&Broken> {
        let sought = sought.into();
        self.broken.iter().find(|broken| sought.is(broken))
    }

    /// It says something of this property: it was broken, or nothing else may explain what was seen.
    #[must_use]
    pub fn tells<'a>(&self, sought: impl Into<Sought<'a>>) -> bool {
        let sought = sought.into();
        self.breaks(sought) || !self.doubts(sought.property)
    }

    fn doubts(&self, property: &str) -> bool {
        self.doubts.iter().any(|(id, _)| *id == property)
    }
}

impl Broken {
    /// What is wrong, in one sentence without times or names: the kind of its violations.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.finding.violations.first().map_or("", |violation| &violation.summary)
    }
}

/// One finding for each kind of violation.
fn by_kind(finding: &Finding) -> Vec<Finding> {
    let specimens = finding.specimens().map(|(first, count)| Finding {
        observations: finding.observations,
        violation_count: count,
        kinds: vec![(first.summary.clone(), count)],
        violations: {
            let all = finding.violations.iter();
            all.filter(|violation| violation.summary == first.summary).cloned().collect()
        },
        ..Finding::default()
    });
    specimens.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_in_which_a_property_is_broken_stands_for_itself() {
        let violation = |summary: &str| crate::verdict::Violation {
            summary: summary.into(),
            exhibits: Vec::new(),
            therefore: String::new(),
            but: String::new(),
        };
        let mut finding = Finding::default();
        for kind in ["a gap", "twice", "a gap"] {
            finding.violate(|| violation(kind));
        }
        let kinds = by_kind(&finding);
        let counts: Vec<(usize, u64)> =
            kinds.iter().map(|kind| (kind.violations.len(), kind.violation_count)).collect();
        assert_eq!(counts, [(2, 2), (1, 1)]);
        let broken = kinds.into_iter().map(|finding| Broken {
            property: "ordering",
            promised: true,
            finding,
            scene: Scene::default(),
        });
        let run = Run { broken: broken.collect(), ..Run::default() };
        let sought = |kind| Sought { property: "ordering", kind: Some(kind) };
        assert!(run.breaks("ordering") && run.breaks(sought("twice")));
        assert!(!run.breaks(sought("lost")) && !run.breaks("idempotency"));
    }
}
