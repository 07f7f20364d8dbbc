//! What came of the plays, put together: copies into cases, cases into properties.

use crate::conform::Catalogued;
use crate::conform::naming::Names;
use crate::engine::stage::{Played, Unplayed};
use crate::outcome::conformance::{Also, Case, End, Known, PropertyResult};
use crate::property::{self, Charge};
use crate::spec::Spec;
use crate::verdict::{Finding, Standing};

/// What came of one copy of a case.
pub(super) type Copied = Result<Played, Stopped>;

/// Why a copy was not played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The harness has a mistake.
    Broken(String),
    /// Its server could not be had, or was gone.
    NoServer(String),
    /// The run was interrupted, or the target died.
    NotReached(String),
}

impl From<Unplayed> for Stopped {
    fn from(unplayed: Unplayed) -> Self {
        match unplayed {
            Unplayed::SetUp(why) => Self::NoServer(why),
            Unplayed::Panicked => Self::Broken("a task of the play panicked".into()),
        }
    }
}

/// What all cases of a run have in common.
pub(super) struct Tally<'a> {
    pub(super) spec: &'a Spec,
    pub(super) charge: Charge,
    /// The command line without names of cases.
    pub(super) command: &'a str,
    /// Today, `2026-11-20`.
    pub(super) today: &'a str,
}

impl<'a> Tally<'a> {
    pub(super) fn new(spec: &'a Spec, command: &'a str, today: &'a str) -> Self {
        Self { spec, charge: Charge::of(spec), command, today }
    }

    /// A case that the server cannot do.
    pub(super) fn unsupported(&self, case: &Catalogued, why: String) -> Case {
        self.blank(case, End::NotSupported(why))
    }

    /// A case of which these copies were played.
    pub(super) fn case(&self, case: &Catalogued, copies: Vec<Copied>) -> Case {
        let mut result = self.blank(case, End::Judged(Standing::NotExercised));
        result.copies = copies.len() as u32;
        let mut broken = None;
        let mut unreached = None;
        let mut hitches = Vec::new();
        for copy in copies {
            match copy {
                Ok(played) => take(&mut result, &mut hitches, played),
                Err(Stopped::Broken(why)) => broken = Some(why),
                Err(Stopped::NoServer(why) | Stopped::NotReached(why)) => unreached = Some(why),
            }
        }
        hitches.dedup();
        result.finding.doubts.extend(hitches);
        let standing = result.finding.standing(1);
        result.end = match (standing, broken, unreached) {
            (Standing::Fail, _, _) => End::Judged(Standing::Fail),
            (_, Some(why), _) => End::Broken(why),
            (_, None, Some(why)) => End::NotReached(why),
            (standing, None, None) => End::Judged(standing),
        };
        result
    }

    /// How the properties stand after these cases.
    pub(super) fn properties(&self, cases: &[Case]) -> Vec<PropertyResult> {
        let all = property::ALL.iter();
        all.map(|property| {
            let page = property.page();
            PropertyResult {
                property: page.id.to_owned(),
                promised: self.charge.promise(page.id).is_some(),
                standing: standing(page.id, cases),
                judged_by: property.judged_by(&self.charge),
            }
        })
        .collect()
    }

    fn blank(&self, case: &Catalogued, end: End) -> Case {
        let promise = self.charge.promise(case.property());
        Case {
            name: case.name.clone(),
            property: case.property().to_owned(),
            says: case.probe.says.to_owned(),
            severity: case.severity(),
            promised: promise.is_some(),
            promise: promise.map_or(case.page.title, |promise| &promise.says).to_owned(),
            source: promise.map_or(case.page.source, |promise| &promise.source).to_owned(),
            end,
            copies: 0,
            failed: 0,
            nanos: 0,
            finding: Finding::default(),
            also: Vec::new(),
            known: self.known(&case.name),
            names: Vec::new(),
            again: format!("{} {}", self.command, case.name),
            trace: Vec::new(),
        }
    }

    fn known(&self, name: &str) -> Option<Known> {
        let known = self.spec.known_failures.iter().find(|known| known.case == name)?;
        Some(Known {
            reason: known.reason.clone(),
            until: known.until.clone(),
            expired: known.until.as_deref().is_some_and(|until| until < self.today),
        })
    }
}

/// Adds a copy to its case.
fn take(case: &mut Case, hitches: &mut Vec<String>, mut played: Played) {
    let names = Names { clients: &played.names, messages: &played.labels };
    for violation in played.findings.iter_mut().flat_map(|finding| &mut finding.violations) {
        names.put_into(violation);
    }
    case.nanos = case.nanos.max(played.nanos);
    case.names.extend(played.names);
    hitches.extend(played.hitches);
    if case.trace.is_empty() || case.failed == 0 {
        case.trace = played.trace;
    }
    for (property, finding) in property::ALL.iter().zip(played.findings) {
        let id = property.page().id;
        if id == case.property {
            case.failed += u32::from(finding.violation_count > 0);
            case.finding = std::mem::take(&mut case.finding).merge(finding);
        } else if let Some(violation) = finding.violations.first() {
            let count = finding.violation_count;
            match case.also.iter_mut().find(|also| also.property == id) {
                Some(also) => also.count += count,
                None => {
                    let violation = violation.clone();
                    case.also.push(Also { property: id.to_owned(), count, violation });
                }
            }
        }
    }
}

/// How a property stands: what its own cases say, and what was broken elsewhere.
fn standing(id: &str, cases: &[Case]) -> Option<Standing> {
    let own = || cases.iter().filter(|case| case.property == id && !case.is_excused());
    let any = |standing| own().any(|case| case.end == End::Judged(standing));
    let elsewhere = cases.iter().flat_map(|case| &case.also).any(|also| also.property == id);
    [Standing::Fail, Standing::Inconclusive, Standing::Pass, Standing::NotExercised]
        .into_iter()
        .find(|standing| any(*standing) || *standing == Standing::Fail && elsewhere)
}
