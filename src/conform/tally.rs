//! What came of the plays, put together: copies into cases, cases into properties.

use crate::conform::catalogue::Way;
use crate::conform::naming::Names;
use crate::conform::{Catalogued, wire};
use crate::engine::stage::{Line, Played, Stopped};
use crate::history::ClientId;
use crate::outcome::conformance::{Also, Case, End, Known, PropertyResult};
use crate::plan::saved::SURVIVAL;
use crate::property::{self, Charge};
use crate::spec::Spec;
use crate::verdict::{Finding, Standing};

/// What came of one copy of a case.
pub(super) type Copied = Result<Copy, Stopped>;

/// A copy that was played to its end.
#[derive(Debug, Default)]
pub(super) struct Copy {
    /// What the case's own judge found.
    pub(super) finding: Finding,
    /// What the judges of other properties found.
    pub(super) others: Vec<(&'static str, Finding)>,
    /// What the clients are called.
    pub(super) names: Vec<(ClientId, String)>,
    /// What the messages are called, by their tokens.
    pub(super) labels: Vec<(String, String)>,
    /// What did not go as it should.
    pub(super) hitches: Vec<String>,
    /// The packets.
    pub(super) trace: Vec<String>,
    /// How long it took, in nanoseconds.
    pub(super) nanos: u64,
}

impl Copy {
    /// A script that was played, of a case of this property.
    pub(super) fn of_play(property: &str, played: Played) -> Self {
        let ids = property::ALL.iter().map(|property| property.page().id);
        let mut finding = Finding::default();
        let mut others = Vec::new();
        for (id, found) in ids.zip(played.findings) {
            if id == property {
                finding = found;
            } else if found.violation_count > 0 {
                others.push((id, found));
            }
        }
        let mut hitches = played.hitches;
        if !hitches.is_empty() {
            hitches.extend(played.samples.into_iter().take(SAMPLES));
        }
        let Played { names, labels, trace, nanos, .. } = played;
        let trace = trace.iter().map(Line::to_string).collect();
        Self { finding, others, names, labels, hitches, trace, nanos }
    }
}

/// Samples of what went wrong that are told beside a hitch.
const SAMPLES: usize = 2;

/// What all cases of a run have in common.
pub(super) struct Tally<'a> {
    pub(super) spec: &'a Spec,
    pub(super) charge: Charge,
    /// The command line without names of cases.
    pub(super) command: &'a str,
    /// Today, `2026-11-20`.
    pub(super) today: &'a str,
    /// A `should` that fails counts, too.
    pub(super) strict: bool,
}

impl<'a> Tally<'a> {
    pub(super) fn new(spec: &'a Spec, command: &'a str, today: &'a str, strict: bool) -> Self {
        Self { spec, charge: Charge::of(spec), command, today, strict }
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
                Ok(copy) => take(&mut result, &mut hitches, copy),
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
        let properties = property::ALL.iter().map(|property| {
            let id = property.page().id;
            let promised = self.charge.promise(id).is_some();
            (id, promised, property.judged_by(&self.charge))
        });
        let chapters = wire::CHAPTERS.iter().map(|chapter| {
            let own = wire::TOLERANCE.as_secs();
            let rule = format!("the figures of the handshake, plus {own} s for busy machines");
            (*chapter, true, rule)
        });
        // Of saved plans alone: no case of the catalogue stands for it.
        let survives = cases.iter().any(|case| case.property == SURVIVAL);
        let survival = survives.then(|| (SURVIVAL, true, "somebody listens after the play".into()));
        let all = properties.chain(chapters).chain(survival);
        all.map(|(id, promised, judged_by)| PropertyResult {
            property: id.to_owned(),
            promised,
            standing: standing(id, self.strict, cases),
            judged_by,
        })
        .collect()
    }

    fn blank(&self, case: &Catalogued, end: End) -> Case {
        let (promised, promise, source) = self.promise(case);
        Case {
            name: case.name.clone(),
            property: case.property.to_owned(),
            says: case.says.to_owned(),
            severity: case.severity,
            promised,
            promise,
            source,
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

    /// Whether the server promises what the case tries, in which words, and where.
    fn promise(&self, case: &Catalogued) -> (bool, String, String) {
        match &case.way {
            Way::Wire(case) => (true, case.says.to_owned(), case.source.to_owned()),
            Way::Play(page, ..) => match self.charge.promise(page.id) {
                Some(promise) => (true, promise.says.clone(), promise.source.clone()),
                None => (false, page.title.to_owned(), page.source.to_owned()),
            },
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
fn take(case: &mut Case, hitches: &mut Vec<String>, copy: Copy) {
    let Copy { mut finding, others, names, labels, trace, nanos, .. } = copy;
    let words = Names { clients: &names, messages: &labels };
    finding.violations.iter_mut().for_each(|violation| words.put_into(violation));
    for (id, finding) in others {
        let Some(mut violation) = finding.violations.into_iter().next() else { continue };
        words.put_into(&mut violation);
        let count = finding.violation_count;
        match case.also.iter_mut().find(|also| also.property == id) {
            Some(also) => also.count += count,
            None => case.also.push(Also { property: id.to_owned(), count, violation }),
        }
    }
    case.names.extend(names);
    case.nanos = case.nanos.max(nanos);
    hitches.extend(copy.hitches);
    if is_shown(&finding, &case.finding) {
        case.trace = trace;
    }
    case.failed += u32::from(finding.violation_count > 0);
    case.finding = std::mem::take(&mut case.finding).merge(finding);
}

/// Whether a copy's first violation is the one that is argued, so that its packets belong to it;
/// where nothing is broken, any copy's do.
fn is_shown(copy: &Finding, so_far: &Finding) -> bool {
    let proven = |finding: &Finding| {
        let last = finding.violations.iter().filter_map(|violation| violation.exhibits.last());
        last.map(|exhibit| exhibit.at).min()
    };
    match (proven(copy), proven(so_far)) {
        (Some(copy), Some(so_far)) => copy < so_far,
        (copy, so_far) => copy.is_some() || so_far.is_none(),
    }
}

/// How a property stands: what its own cases say that count, and what was broken elsewhere.
fn standing(id: &str, strict: bool, cases: &[Case]) -> Option<Standing> {
    let weighs = |case: &&Case| case.severity.weighs(strict) && !case.is_excused();
    let own = || cases.iter().filter(|case| case.property == id).filter(weighs);
    let any = |standing| own().any(|case| case.end == End::Judged(standing));
    let elsewhere = cases.iter().flat_map(|case| &case.also).any(|also| also.property == id);
    [Standing::Fail, Standing::Inconclusive, Standing::Pass, Standing::NotExercised]
        .into_iter()
        .find(|standing| any(*standing) || *standing == Standing::Fail && elsewhere)
}
