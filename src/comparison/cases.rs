//! Two runs of the catalogue side by side: cases that fare otherwise than they did, and properties.
//!
//! What comes out is a comparison as any other, one without figures. Start with [`compare`].

use crate::comparison::{Comparison, Rule, SCHEMA, Turn, Weight};
use crate::outcome::conformance::{Case, End, PropertyResult};
use crate::outcome::{Conformance, Run};
use crate::verdict::Standing;
use std::collections::BTreeSet;

/// What such a run is called where runs have a scenario.
pub const NAME: &str = "conformance";

/// What became of a server from one run of the catalogue to the next.
#[must_use]
pub fn compare(before: &Conformance, after: &Conformance, rule: Rule) -> Comparison {
    let (mut turns, mut unchanged) = cases(before, after);
    let (of_properties, same) = properties(before, after);
    turns.extend(of_properties);
    unchanged += same;
    turns.sort_by_key(|turn| turn.weight);
    Comparison {
        schema: SCHEMA,
        before: vec![run(before)],
        after: run(after),
        rule,
        differences: differences(before, after),
        turns,
        unchanged,
        figures: Vec::new(),
        health: Vec::new(),
        bottleneck: None,
    }
}

fn run(run: &Conformance) -> Run {
    Run {
        scenario: NAME.into(),
        spec: run.spec.clone(),
        version: run.version.clone(),
        target: run.target.clone(),
        bugs: run.bugs.clone(),
        started: run.started.clone(),
        nanos: run.nanos,
        command: run.command.clone(),
        machine: run.machine.clone(),
        ..Run::default()
    }
}

/// The cases that fare otherwise, and how many do not.
fn cases(before: &Conformance, after: &Conformance) -> (Vec<Turn>, usize) {
    let known =
        |all: &Conformance, name: &str| all.cases.iter().find(|case| case.name == name).cloned();
    let names: BTreeSet<&str> =
        before.cases.iter().chain(&after.cases).map(|case| case.name.as_str()).collect();
    let mut unchanged = 0;
    let mut turns = Vec::new();
    for name in names {
        let (was, is) = (known(before, name), known(after, name));
        // Who asks for the quick cases only does not miss the others.
        if is.is_none() && after.quick && !before.quick {
            continue;
        }
        let counts_as_failed = |case: &Option<Case>, strict| {
            case.as_ref().is_some_and(|case| case.fails_the_run(strict))
        };
        let fails = counts_as_failed(&is, after.strict);
        if word(was.as_ref()) == word(is.as_ref()) && fails == counts_as_failed(&was, before.strict)
        {
            unchanged += 1;
            continue;
        }
        turns.push(Turn {
            name: name.to_owned(),
            before: word(was.as_ref()).to_owned(),
            after: word(is.as_ref()).to_owned(),
            weight: weight(was.as_ref(), is.as_ref(), before.strict, after.strict),
            remark: is.as_ref().map_or_else(String::new, remark),
        });
    }
    (turns, unchanged)
}

fn weight(was: Option<&Case>, is: Option<&Case>, was_strict: bool, strict: bool) -> Weight {
    let Some(counting) = is.or(was).filter(|case| case.counts(strict)) else { return Weight::News };
    let passed = was.is_some_and(|case| case.end == End::Judged(Standing::Pass));
    match is.map(|case| &case.end) {
        _ if is.is_some_and(|case| case.fails_the_run(strict)) => {
            match was.is_some_and(|case| case.fails_the_run(was_strict)) {
                true => Weight::News,
                false => Weight::Regressed,
            }
        }
        _ if !passed || counting.is_excused() => Weight::News,
        Some(End::Judged(Standing::Inconclusive) | End::NotReached(_) | End::Broken(_)) => {
            Weight::InDoubt
        }
        None | Some(End::NotSupported(_) | End::Judged(Standing::NotExercised)) => Weight::Silent,
        Some(End::Judged(_)) => Weight::News,
    }
}

/// What became of a case, in a word.
fn word(case: Option<&Case>) -> &'static str {
    match case.map(|case| &case.end) {
        None => "not played",
        Some(End::Judged(standing)) => standing.name(),
        Some(End::NotSupported(_)) => "not supported",
        Some(End::Broken(_)) => "a mistake of the harness",
        Some(End::NotReached(_)) => "not reached",
    }
}

/// What is wrong with a case, or why it was not played.
fn remark(case: &Case) -> String {
    let mut parts = Vec::new();
    match &case.end {
        End::NotSupported(why) | End::Broken(why) | End::NotReached(why) => parts.push(why.clone()),
        End::Judged(_) => {}
    }
    if case.fails() {
        parts.extend(case.finding.violations.first().map(|first| first.summary.clone()));
    }
    if case.failed > 0 && case.copies > 1 {
        parts.push(format!("{} of {} copies", case.failed, case.copies));
    }
    if case.is_excused() {
        parts.push("known to fail".into());
    } else if !case.promised {
        parts.push("not promised".into());
    }
    parts.join("; ")
}

/// The properties that stand otherwise, and how many do not. Cases say why; a property weighs by itself
/// only where it is broken in cases of others.
fn properties(before: &Conformance, after: &Conformance) -> (Vec<Turn>, usize) {
    let standing = |all: &Conformance, id: &str| {
        let found = all.properties.iter().find(|known| known.property == id);
        found.and_then(|known| known.standing).map_or("not judged", Standing::name)
    };
    let elsewhere = |all: &Conformance, id: &str| {
        all.broken_elsewhere()
            .find(|(_, also)| also.property == id)
            .map(|(case, also)| format!("{}, in {}", also.violation.summary, case.name))
    };
    let mut unchanged = 0;
    let turn = |PropertyResult { property, .. }: &PropertyResult| {
        let (was, is) = (standing(before, property), standing(after, property));
        let broken = elsewhere(after, property).filter(|_| elsewhere(before, property).is_none());
        if was == is && broken.is_none() {
            unchanged += 1;
            return None;
        }
        Some(Turn {
            name: property.clone(),
            before: was.to_owned(),
            after: is.to_owned(),
            weight: if broken.is_some() { Weight::Regressed } else { Weight::News },
            remark: broken.unwrap_or_default(),
        })
    };
    let turns = after.properties.iter().filter_map(turn).collect();
    (turns, unchanged)
}

/// What differs beside the server's work.
fn differences(before: &Conformance, after: &Conformance) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differ = |what: &str, before: &str, after: &str| {
        if before != after {
            notes.push(format!("another {what}: `{before}`, now `{after}`"));
        }
    };
    differ("spec", &before.spec, &after.spec);
    differ("version of assize", &before.version, &after.version);
    differ("transport", &before.transport, &after.transport);
    let text = |run: &Conformance| run.sources.first().map(|source| source.text.clone());
    if before.spec == after.spec
        && let (Some(one), Some(other)) = (text(before), text(after))
        && one != other
    {
        notes.push("the spec has the same name, but its text was changed".into());
    }
    if before.quick != after.quick {
        let which = if after.quick { "after" } else { "before" };
        notes.push(format!("only the quick cases were played in the run {which}"));
    }
    if before.strict != after.strict {
        let which = if after.strict { "after" } else { "before" };
        notes.push(format!("the run {which} is strict: a `should` that fails counts there"));
    }
    for (run, which) in [(before, "before"), (after, "after")] {
        if run.interrupted {
            notes.push(format!("the run {which} was interrupted"));
        }
        if let Some(why) = &run.died {
            notes.push(format!("the server of the run {which} died: {why}"));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Exit;
    use crate::outcome::conformance::Known;

    const RULE: Rule = Rule { threshold: 0.1, floor: 500_000 };

    fn of(end: End) -> Conformance {
        let passed = End::Judged(Standing::Pass);
        let cases = vec![Case::ended("ordering/x", end), Case::ended("ordering/y", passed)];
        Conformance { cases, ..Conformance::default() }
    }

    fn exit(before: &Conformance, after: &Conformance) -> Exit {
        compare(before, after, RULE).exit()
    }

    #[test]
    fn a_case_that_fails_now_is_a_regression_and_the_other_way_round_is_none() {
        use Standing::{Fail, Inconclusive, Pass};
        let [pass, fail, doubt] = [Pass, Fail, Inconclusive].map(|is| of(End::Judged(is)));
        assert_eq!(exit(&pass, &pass), Exit::Held);
        assert_eq!(exit(&pass, &fail), Exit::ExpectationFailed);
        assert_eq!(exit(&doubt, &fail), Exit::ExpectationFailed);
        assert_eq!(exit(&fail, &fail), Exit::Held, "it failed before");
        assert_eq!(exit(&fail, &pass), Exit::Held);
        assert_eq!(exit(&pass, &doubt), Exit::Inconclusive);
        assert_eq!(exit(&pass, &of(End::NotReached("x".into()))), Exit::Inconclusive);
        assert_eq!(exit(&pass, &of(End::NotSupported("x".into()))), Exit::NotExercised);
        let comparison = compare(&pass, &fail, RULE);
        assert_eq!((comparison.turns.len(), comparison.unchanged), (1, 1));
        assert_eq!(comparison.turns[0].after, "fail");
    }

    #[test]
    fn what_is_not_promised_or_known_to_fail_is_news_only() {
        let pass = of(End::Judged(Standing::Pass));
        let mut fail = of(End::Judged(Standing::Fail));
        fail.cases[0].promised = false;
        assert_eq!(exit(&pass, &fail), Exit::Held);
        fail.cases[0].promised = true;
        let reason = "a ticket".to_owned();
        fail.cases[0].known = Some(Known { reason, until: None, expired: false });
        let comparison = compare(&pass, &fail, RULE);
        assert_eq!(comparison.exit(), Exit::Held);
        assert_eq!(comparison.turns[0].remark, "known to fail");
    }

    #[test]
    fn cases_that_are_gone_are_silent_unless_only_the_quick_ones_were_wanted() {
        let pass = of(End::Judged(Standing::Pass));
        let mut fewer = pass.clone();
        fewer.cases.pop();
        assert_eq!(exit(&pass, &fewer), Exit::NotExercised);
        fewer.quick = true;
        let comparison = compare(&pass, &fewer, RULE);
        assert_eq!(comparison.exit(), Exit::Held);
        assert_eq!(comparison.differences, ["only the quick cases were played in the run after"]);
    }
}
