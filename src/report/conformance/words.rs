//! What all formats of a conformance run say in the same words: the run, a property, a case.

use crate::metric::quantity;
use crate::outcome::conformance::{Case, Conformance, End, PropertyResult};
use crate::report::words::Tone;
use crate::verdict::{Severity, Standing};

/// A property over its cases.
pub(super) struct Result<'a> {
    pub(super) property: &'a PropertyResult,
    pub(super) cases: Vec<&'a Case>,
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) tone: Tone,
    pub(super) sign: &'static str,
    pub(super) word: &'static str,
    pub(super) remarks: Vec<String>,
}

impl Result<'_> {
    /// The spec does not promise it, and has not what its cases need: no row of its own.
    pub(super) fn is_beside_the_point(&self) -> bool {
        !self.property.promised && self.property.standing.is_none() && self.tone == Tone::Quiet
    }
}

/// Every property that has cases.
pub(super) fn results(run: &Conformance) -> impl Iterator<Item = Result<'_>> {
    run.properties.iter().filter_map(|property| {
        let of = |case: &&Case| case.property == property.property;
        let cases: Vec<&Case> = run.cases.iter().filter(of).collect();
        (!cases.is_empty()).then(|| result(property, cases))
    })
}

/// The word of the run, and the sentence that says why.
pub(super) fn verdict(run: &Conformance) -> (Tone, &'static str, String) {
    let count = |holds: &dyn Fn(&&Case) -> bool| run.cases.iter().filter(holds).count() as u64;
    let failed = count(&|case| case.fails_the_run(run.strict));
    let elsewhere = run.broken_elsewhere().count() as u64;
    let broken = count(&|case| matches!(case.end, End::Broken(_)));
    let doubtful = count(&|case| case.is_undecided(run.strict));
    let passed = count(&|case| case.end == End::Judged(Standing::Pass));
    let cases = |number: u64| quantity::counted(number, "case");
    if failed > 0 {
        (Tone::Bad, "FAIL", format!("{} of {} failed", failed, cases(run.judged() as u64)))
    } else if elsewhere > 0 {
        let what = "a promise was broken in a case of another property";
        (Tone::Bad, "FAIL", what.into())
    } else if broken > 0 {
        (Tone::Doubt, "ERROR", format!("the harness failed in {}", cases(broken)))
    } else if run.interrupted {
        (Tone::Doubt, "INTERRUPTED", format!("{} passed until then", cases(passed)))
    } else if let Some(died) = &run.died {
        (Tone::Doubt, "ERROR", died.clone())
    } else if doubtful > 0 {
        (Tone::Doubt, "INCONCLUSIVE", format!("{} could not be decided", cases(doubtful)))
    } else if passed == 0 {
        (Tone::Doubt, "NOT EXERCISED", "no case passed and none failed".into())
    } else if run.unproved().next().is_some() {
        let names: Vec<&str> = run.unproved().collect();
        let what = format!("nothing was seen of {}, which is promised", names.join(", "));
        (Tone::Doubt, "NOT EXERCISED", what)
    } else {
        let rest = match count(&|case| case.fails()) {
            0 => String::new(),
            1 => ", 1 failed that does not count".to_owned(),
            failed => format!(", {failed} failed that do not count"),
        };
        (Tone::Good, "PASS", format!("{} passed{rest}", cases(passed)))
    }
}

/// Every case that is not simply in order, worst first.
pub(super) fn out_of_order(run: &Conformance) -> Vec<&Case> {
    let rank = |case: &Case| match &case.end {
        _ if case.fails_the_run(run.strict) => Some(0),
        End::Broken(_) => Some(1),
        End::Judged(Standing::Fail) => Some(2),
        End::Judged(Standing::Inconclusive) => Some(3),
        End::NotReached(_) => Some(4),
        End::Judged(Standing::NotExercised) => Some(5),
        End::Judged(Standing::Pass) | End::NotSupported(_) => None,
    };
    let mut shown: Vec<(u8, &Case)> =
        run.cases.iter().filter_map(|case| Some((rank(case)?, case))).collect();
    shown.sort_by_key(|(rank, _)| *rank);
    shown.into_iter().map(|(_, case)| case).collect()
}

/// How a case stands, in words.
pub(super) fn state(case: &Case, run: &Conformance) -> (Tone, &'static str, String) {
    let of = if case.copies > 1 {
        format!(" in {} of {} plays", case.failed, case.copies)
    } else {
        String::new()
    };
    if case.passes_unexpectedly() {
        let known = case.known.as_ref().map_or("", |known| known.reason.as_str());
        return (Tone::Bad, "✗", format!("passes, and is listed as known to fail: {known}"));
    }
    match &case.end {
        End::Judged(Standing::Fail) if case.is_excused() => {
            let known = case.known.as_ref().map_or("", |known| known.reason.as_str());
            (Tone::Quiet, "·", format!("fails{of}, as known: {known}"))
        }
        End::Judged(Standing::Fail) if case.counts(run.strict) => {
            (Tone::Bad, "✗", format!("failed{of}"))
        }
        End::Judged(Standing::Fail) => {
            let why = match case.severity {
                Severity::Must => "the spec does not promise it",
                Severity::Should => "a `should`",
                Severity::Informational => "informational",
            };
            (Tone::Doubt, "!", format!("found{of}; it does not fail the run: {why}"))
        }
        End::Judged(Standing::Inconclusive) => (Tone::Doubt, "?", "inconclusive".into()),
        End::Judged(Standing::NotExercised) => (Tone::Doubt, "·", "not exercised".into()),
        End::Judged(Standing::Pass) => (Tone::Good, "✓", "passed".into()),
        End::Broken(_) => (Tone::Doubt, "?", "the harness failed".into()),
        End::NotReached(_) => (Tone::Doubt, "·", "not played to its end".into()),
        End::NotSupported(_) => (Tone::Quiet, "·", "not supported".into()),
    }
}

/// The label of what a case asks for.
pub(super) fn demand(severity: Severity) -> &'static str {
    match severity {
        Severity::Must => "must",
        Severity::Should => "should",
        Severity::Informational => "asked",
    }
}

/// Whether a failure is told with its whole argument: if it counts, or was asked for by its name.
pub(super) fn is_argued(case: &Case, run: &Conformance) -> bool {
    let alone = run.cases.iter().filter(|case| case.fails()).count() == 1 || run.cases.len() < 4;
    alone || case.severity.weighs(run.strict) && !case.is_excused()
}

fn result<'a>(property: &'a PropertyResult, cases: Vec<&'a Case>) -> Result<'a> {
    let count = |end: &dyn Fn(&End) -> bool| cases.iter().filter(|case| end(&case.end)).count();
    let passed = count(&|end| *end == End::Judged(Standing::Pass));
    let failed = count(&|end| *end == End::Judged(Standing::Fail));
    let unsupported = count(&|end| matches!(end, End::NotSupported(_)));
    let known = cases.iter().filter(|case| case.fails() && case.is_excused()).count();
    let (tone, sign, word) = match property.standing {
        Some(Standing::Fail) if !property.promised => (Tone::Doubt, "!", "finding"),
        Some(Standing::Fail) => (Tone::Bad, "✗", "fail"),
        Some(Standing::Pass) => (Tone::Good, "✓", "pass"),
        Some(Standing::Inconclusive) => (Tone::Doubt, "?", "inconclusive"),
        Some(Standing::NotExercised) => (Tone::Doubt, "·", "not exercised"),
        None if unsupported < cases.len() => (Tone::Doubt, "·", "not judged"),
        None => (Tone::Quiet, "·", "not supported"),
    };
    let mut remarks = Vec::new();
    if !property.promised && property.standing.is_some() {
        remarks.push("not promised".to_owned());
    }
    let others = [
        (known, "known to fail"),
        (count(&|end| *end == End::Judged(Standing::Inconclusive)), "inconclusive"),
        (count(&|end| *end == End::Judged(Standing::NotExercised)), "not exercised"),
        (count(&|end| matches!(end, End::Broken(_))), "broken by the harness"),
        (count(&|end| matches!(end, End::NotReached(_))), "not played to the end"),
        (unsupported, "not supported"),
    ];
    let others = others.into_iter().filter(|(number, _)| *number > 0);
    remarks.extend(others.map(|(number, what)| format!("{number} {what}")));
    Result { property, passed, failed, tone, sign, word, remarks, cases }
}
