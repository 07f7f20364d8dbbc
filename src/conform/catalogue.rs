//! Every case there is, in one order.

use crate::conform::selection::wants_own_server;
use crate::conform::wire::{self, WireCase};
use crate::plan::script::Script;
use crate::property::{self, Page, Probe};
use crate::reference::Bug;
use crate::verdict::Severity;
use std::sync::{Arc, OnceLock};

/// One case of the catalogue.
#[derive(Clone, Debug)]
pub struct Catalogued {
    /// `property/name`, or `chapter/name`; it never changes its meaning.
    pub name: String,
    /// The property or chapter.
    pub property: &'static str,
    /// What the server must do, in one sentence.
    pub says: &'static str,
    /// Why it is there: where servers get it wrong.
    pub why: &'static str,
    /// How much a failure weighs.
    pub severity: Severity,
    /// It takes part in `--quick`.
    pub quick: bool,
    /// How many times it is played side by side, with other people each time.
    pub copies: u32,
    /// The bugs of the reference server that it must catch.
    pub catches: &'static [&'static str],
    /// How it is played.
    pub way: Way,
}

/// How a case is played.
#[derive(Clone, Debug)]
pub enum Way {
    /// Clients follow a script, and the property's judge reads what they did and saw.
    Play(&'static Page, &'static Probe, Arc<Script>),
    /// Raw packets are sent and expected.
    Wire(&'static WireCase),
}

/// All cases: property by property, then the wire's chapters.
///
/// # Panics
/// A probe's script makes no sense; a test sees to it that none does.
pub fn catalogue() -> &'static [Catalogued] {
    static ALL: OnceLock<Vec<Catalogued>> = OnceLock::new();
    ALL.get_or_init(|| {
        let probes = property::ALL
            .iter()
            .flat_map(|property| property.probes().iter().map(|probe| (property.page(), probe)));
        let plays = probes.map(|(page, probe)| Catalogued::play(page, probe));
        plays.chain(wire::cases().iter().map(Catalogued::wire)).collect()
    })
}

impl Catalogued {
    fn play(page: &'static Page, probe: &'static Probe) -> Self {
        let name = format!("{}/{}", page.id, probe.name);
        let script = match Script::parse(probe.script) {
            Ok(script) => Arc::new(script),
            Err(mistake) => panic!("case {name}: {mistake}"),
        };
        Self {
            name,
            property: page.id,
            says: probe.says,
            why: probe.why,
            severity: probe.severity,
            quick: probe.quick,
            copies: probe.copies,
            catches: probe.catches,
            way: Way::Play(page, probe, script),
        }
    }

    fn wire(case: &'static WireCase) -> Self {
        Self {
            name: case.name.to_owned(),
            property: case.chapter(),
            says: case.says,
            why: case.why,
            severity: case.severity,
            quick: case.quick,
            copies: 1,
            catches: case.catches,
            way: Way::Wire(case),
        }
    }

    /// Its steps, one a line.
    pub fn steps(&self) -> impl Iterator<Item = &'static str> {
        let script = match &self.way {
            Way::Play(_, probe, _) => probe.script,
            Way::Wire(case) => case.script,
        };
        script.lines().map(str::trim).filter(|line| !line.is_empty())
    }

    /// It needs a server that the harness can stop and start, for itself.
    #[must_use]
    pub fn wants_own_server(&self) -> bool {
        match &self.way {
            Way::Play(_, probe, script) => {
                wants_own_server(script) || probe.needs.contains(&property::Need::OwnServer)
            }
            Way::Wire(_) => false,
        }
    }

    /// The case that must catch a bug of the reference server by itself.
    #[must_use]
    pub fn of_bug(bug: Bug) -> Option<&'static Self> {
        let of =
            |case: &&Self| case.property == bug.property() && case.catches.contains(&bug.name());
        catalogue().iter().find(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_never_positions() {
        let all = catalogue();
        for (index, case) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other.name != case.name), "{}", case.name);
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let (property, name) = case.name.split_once('/').unwrap();
            assert_eq!(property, case.property);
            assert!(name.chars().all(kebab) && !name.starts_with('-'), "{}", case.name);
            assert!(!name.starts_with(|c: char| c.is_ascii_digit()), "{}", case.name);
        }
    }

    #[test]
    fn each_case_says_what_the_server_must_do_and_why_it_is_there() {
        for case in catalogue() {
            for text in [case.says, case.why] {
                assert!(text.len() > 10 && text.ends_with('.'), "{}: {text}", case.name);
            }
            assert!((1..=64).contains(&case.copies), "{}", case.name);
            if let Way::Play(_, _, script) = &case.way {
                assert!(script.people.len() <= 16, "{}", case.name);
                assert!(script.devices().count() <= 32, "{}", case.name);
            }
        }
    }

    #[test]
    fn cases_catch_bugs_that_exist() {
        for case in catalogue() {
            for bug in case.catches {
                assert!(Bug::parse(bug).is_some(), "{} catches `{bug}`", case.name);
            }
        }
    }

    #[test]
    fn each_bug_has_a_case_that_must_catch_it() {
        let lonely: Vec<&str> = Bug::ALL
            .iter()
            .filter(|bug| Catalogued::of_bug(**bug).is_none())
            .map(|bug| bug.name())
            .collect();
        assert_eq!(lonely, [""; 0]);
    }
}
