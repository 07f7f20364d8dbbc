//! Every case there is, in one order.

use crate::operation::Operation;
use crate::plan::script::Script;
use crate::property::{self, Page, Probe};
use crate::verdict::Severity;
use std::sync::{Arc, OnceLock};

/// One case of the catalogue.
#[derive(Clone, Debug)]
pub struct Catalogued {
    /// `property/name`; it never changes its meaning.
    pub name: String,
    /// The judge's page.
    pub page: &'static Page,
    /// What happens.
    pub probe: &'static Probe,
    /// Its steps.
    pub script: Arc<Script>,
}

/// All cases, property by property.
///
/// # Panics
/// A probe's script makes no sense; a test sees to it that none does.
pub fn catalogue() -> &'static [Catalogued] {
    static ALL: OnceLock<Vec<Catalogued>> = OnceLock::new();
    ALL.get_or_init(|| {
        let probes = property::ALL
            .iter()
            .flat_map(|property| property.probes().iter().map(|probe| (property.page(), probe)));
        probes.map(|(page, probe)| Catalogued::new(page, probe)).collect()
    })
}

impl Catalogued {
    fn new(page: &'static Page, probe: &'static Probe) -> Self {
        let name = format!("{}/{}", page.id, probe.name);
        let script = match Script::parse(probe.script) {
            Ok(script) => Arc::new(script),
            Err(mistake) => panic!("case {name}: {mistake}"),
        };
        Self { name, page, probe, script }
    }

    /// The property or chapter.
    #[must_use]
    pub const fn property(&self) -> &'static str {
        self.page.id
    }

    /// What the server must do, in one sentence.
    #[must_use]
    pub const fn says(&self) -> &'static str {
        self.probe.says
    }

    /// Why it is there: where servers get it wrong.
    #[must_use]
    pub const fn why(&self) -> &'static str {
        self.probe.why
    }

    /// The bugs of the reference server that it must catch.
    #[must_use]
    pub const fn catches(&self) -> &'static [&'static str] {
        self.probe.catches
    }

    /// Its steps, one a line.
    pub fn steps(&self) -> impl Iterator<Item = &'static str> {
        self.probe.script.lines().map(str::trim).filter(|line| !line.is_empty())
    }

    /// How much a failure weighs.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.probe.severity
    }

    /// It takes part in `--quick`.
    #[must_use]
    pub const fn is_quick(&self) -> bool {
        self.probe.quick
    }

    /// It needs a server that the harness can stop and start, for itself.
    #[must_use]
    pub fn wants_own_server(&self) -> bool {
        self.script.handles_the_server() || self.probe.needs.contains(&property::Need::OwnServer)
    }

    /// The operations that the server must have for it.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        self.script.operations()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::Bug;

    #[test]
    fn names_are_unique_and_never_positions() {
        let all = catalogue();
        for (index, case) in all.iter().enumerate() {
            assert!(all[..index].iter().all(|other| other.name != case.name), "{}", case.name);
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(case.probe.name.chars().all(kebab), "{}", case.name);
            assert!(!case.probe.name.starts_with(|c: char| c.is_ascii_digit()), "{}", case.name);
        }
    }

    #[test]
    fn each_case_says_what_the_server_must_do_and_why_it_is_there() {
        for case in catalogue() {
            for text in [case.probe.says, case.probe.why] {
                assert!(text.len() > 20 && text.ends_with('.'), "{}: {text}", case.name);
            }
            assert!((1..=64).contains(&case.probe.copies), "{}", case.name);
            assert!(case.script.people.len() <= 16, "{}", case.name);
            assert!(case.script.devices().count() <= 32, "{}", case.name);
        }
    }

    #[test]
    fn cases_catch_bugs_that_exist() {
        for case in catalogue() {
            for bug in case.probe.catches {
                assert!(Bug::parse(bug).is_some(), "{} catches `{bug}`", case.name);
            }
        }
    }
}
