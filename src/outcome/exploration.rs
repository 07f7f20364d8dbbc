//! The result of a search for races as one value.

use crate::history::{ClientId, Nanos};
use crate::outcome::Exit;
use crate::verdict::{Exhibit, Violation};
use serde::{Deserialize, Serialize};

/// The version of the shape that `report.json` of a search has.
pub const SCHEMA: u32 = 1;

/// What a search for races found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exploration {
    /// Version of this shape.
    pub schema: u32,
    /// The spec's name.
    pub spec: String,
    /// The server, in words.
    pub target: String,
    /// The bugs switched on in the embedded server.
    pub bugs: Vec<String>,
    /// The product's version.
    pub version: String,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// How long it took, in nanoseconds.
    pub nanos: Nanos,
    /// The seed.
    pub seed: u64,
    /// Plans that were played and judged, those that were played again not counted.
    pub plans: u64,
    /// Plays in all.
    pub plays: u64,
    /// How much virtual time passed in simulated worlds, in nanoseconds; none on a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<Nanos>,
    /// What was found, promised properties first, then in the order of finding.
    pub defects: Vec<Defect>,
    /// What was seen once and not again, although it rests on time: by property, and how often.
    pub doubts: Vec<(String, u64)>,
    /// Why plans could not be played, and how many.
    pub obstacles: Vec<(String, u64)>,
    /// How far apart racing steps that are released at once come to the server, in nanoseconds.
    pub spread: Option<Nanos>,
    /// How the server ended, if it did.
    pub died: Option<String>,
    /// The user stopped it; what is here was found until then.
    pub interrupted: bool,
    /// What else the reader must know.
    pub notes: Vec<String>,
}

/// A property that was broken in one way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Defect {
    /// The property's id.
    pub property: String,
    /// The spec promises it.
    pub promised: bool,
    /// The promise, in the words of the spec or of the property.
    pub promise: String,
    /// Where it is made.
    pub source: String,
    /// What is wrong, in one sentence.
    pub seen: String,
    /// The script that shows it, as text.
    pub script: String,
    /// In how many plays of how many it was seen again, if it was played again.
    pub failed: Option<(u32, u32)>,
    /// How the plan was made smaller, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Shrinkage>,
    /// In how many plans of the search it was seen.
    pub plans: u64,
    /// How long the search had taken, in nanoseconds.
    pub after: Nanos,
    /// Where it is saved.
    pub file: String,
    /// It was known: the corpus has it.
    pub known: bool,
    /// The argument.
    pub violation: Option<Violation>,
    /// What the clients of the argument are called.
    pub names: Vec<(ClientId, String)>,
    /// The play of the argument.
    #[serde(default, skip_serializing_if = "Scene::is_empty")]
    pub scene: Scene,
}

/// A play as sentences: what its clients did and saw up to the contradiction, in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scene {
    /// The lines, as many as one can take in.
    pub exhibits: Vec<Exhibit>,
    /// Which of them are the argument's.
    pub argued: Vec<usize>,
}

impl Scene {
    /// There is nothing to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.exhibits.is_empty()
    }
}

/// How a plan was made smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shrinkage {
    /// What it had at first.
    pub before: Extent,
    /// What is left.
    pub after: Extent,
    /// How many plays that took.
    pub plays: u32,
    /// Nothing more can be taken away; if not, there was no time left.
    pub complete: bool,
}

/// How large a plan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Extent {
    /// Its steps.
    pub steps: usize,
    /// What is done in them, in all.
    pub deeds: usize,
    /// Its people.
    pub people: usize,
    /// Their devices, in all.
    pub devices: usize,
    /// Its conversations.
    pub conversations: usize,
}

impl Exploration {
    /// A promised property is broken, or the server fell.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.died.is_some() || self.defects.iter().any(|defect| defect.promised)
    }

    /// The exit code, as it is documented.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.fails() {
            Exit::PropertyFailed
        } else if self.interrupted {
            Exit::Interrupted
        } else if self.plans == 0 {
            Exit::NotExercised
        } else {
            Exit::Held
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_promised_fails_and_nothing_played_is_no_pass() {
        let held = Exploration { plans: 10, ..Exploration::default() };
        let with = |promised| Exploration {
            defects: vec![Defect { promised, ..Defect::default() }],
            interrupted: true,
            ..held.clone()
        };
        let died = Exploration { died: Some("gone".into()), ..Exploration::default() };
        assert_eq!(held.exit(), Exit::Held);
        assert_eq!(with(true).exit(), Exit::PropertyFailed);
        assert_eq!(with(false).exit(), Exit::Interrupted);
        assert_eq!(died.exit(), Exit::PropertyFailed);
        assert_eq!(Exploration::default().exit(), Exit::NotExercised);
    }
}
