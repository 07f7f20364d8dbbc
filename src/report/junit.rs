//! `junit.xml`: one suite per run, a case per property and per expectation, and one for the run.
//!
//! Nothing unknown is green: a property in doubt is an error, one without evidence is skipped, and
//! the case of the run itself is an error whenever the exit code says so and no other case does.
//!
//! CI servers differ in what they read. Jenkins' xUnit plugin refuses attributes that its schema does
//! not have, GitLab shows the text of a failure and not its message, and takes two cases of one name for
//! one. So there are no such attributes, every failure has a text, and names are unique.

use crate::metric::quantity;
use crate::outcome::{Exit, Expected, Outcome};
use crate::report::words;
use crate::verdict::{Standing, Verdict, Violation};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// The outcome as JUnit XML.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    let run = &outcome.run;
    let name = format!("{} on {}", run.scenario, run.spec);
    let mut suite = TestSuite::new(name);
    suite.set_time(Duration::from_nanos(run.nanos));
    suite.add_properties([
        Property::new("started", &run.started),
        Property::new("target", &run.target),
        Property::new("seed", run.seed.to_string()),
        Property::new("command", &run.command),
    ]);
    suite.add_test_case(case("run", &run.scenario, of_run(outcome)));
    for verdict in &outcome.verdicts {
        let must = outcome.unexercised.contains(&verdict.property);
        let mut case = case("property", &verdict.property, of_verdict(verdict, must));
        if verdict.standing == Standing::Pass {
            let observed = quantity::counted(verdict.finding.observations, "observation");
            let remark = words::remark(verdict);
            let gap = if remark.is_empty() { "" } else { "; " };
            case.set_system_out(format!("{observed}{gap}{remark}"));
        }
        suite.add_test_case(case);
    }
    for expected in &outcome.expectations {
        suite.add_test_case(case("expectation", &expected.text, of_expected(expected)));
    }
    let mut report = Report::new("assize");
    report.set_time(Duration::from_nanos(run.nanos));
    report.add_test_suite(suite);
    text(&report)
}

/// The report as every CI server reads it.
pub(super) fn text(report: &Report) -> String {
    let xml = report.to_string().expect("writing into memory does not fail");
    // Each suite has its number of skipped cases; strict schemas do not know their sum.
    let sum = |suites: &str| {
        let (before, rest) = suites.split_once(" skipped=\"")?;
        Some(format!("{before}{}", rest.split_once('"')?.1))
    };
    match xml.split_once("<testsuite ") {
        Some((suites, rest)) => {
            let suites = sum(suites).unwrap_or_else(|| suites.to_owned());
            format!("{suites}<testsuite {rest}")
        }
        None => xml,
    }
}

fn case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("assize.{class}"));
    case
}

fn of_run(outcome: &Outcome) -> TestCaseStatus {
    match outcome.exit() {
        Exit::Held | Exit::PropertyFailed | Exit::ExpectationFailed if !outcome.interrupted => {
            TestCaseStatus::success()
        }
        _ => {
            let answer = words::answer(outcome);
            let message = format!("{}: {}", answer.word.word.to_lowercase(), answer.sentence);
            non_success(NonSuccessKind::Error, "run", &message, &outcome.notes.join("\n"))
        }
    }
}

fn of_verdict(verdict: &Verdict, must_be_exercised: bool) -> TestCaseStatus {
    let remark = words::remark(verdict);
    match verdict.standing {
        Standing::Pass => TestCaseStatus::success(),
        Standing::Fail if verdict.promised => {
            let kind = NonSuccessKind::Failure;
            non_success(kind, "violation", &remark, &argument(verdict))
        }
        Standing::Inconclusive if verdict.promised => {
            let doubts = verdict.finding.doubts.join("\n");
            non_success(NonSuccessKind::Error, "inconclusive", &remark, &doubts)
        }
        Standing::NotExercised if must_be_exercised => {
            let message = "the scenario wants it judged, and saw too little";
            non_success(NonSuccessKind::Error, "not exercised", message, "")
        }
        Standing::NotExercised => skipped("not exercised", ""),
        Standing::Fail | Standing::Inconclusive => {
            let message = format!("{}: {remark}", words::standing(verdict).word);
            skipped(&message, &argument(verdict))
        }
    }
}

fn of_expected(expected: &Expected) -> TestCaseStatus {
    if expected.held {
        return TestCaseStatus::success();
    }
    let measured = match expected.measured.as_str() {
        "" => "nothing was measured".to_owned(),
        measured => format!("measured {measured}"),
    };
    non_success(NonSuccessKind::Failure, "expectation", &measured, "")
}

pub(super) fn non_success(
    kind: NonSuccessKind,
    ty: &str,
    message: &str,
    text: &str,
) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(ty).set_message(message);
    status.set_description(if text.is_empty() { message } else { text });
    status
}

fn skipped(message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    if !text.is_empty() {
        status.set_description(text);
    }
    status
}

fn argument(verdict: &Verdict) -> String {
    let violations = verdict.finding.specimens().map(|(violation, _)| argue(violation));
    let promise = format!("promise: {}\nsource: {}", verdict.promise, verdict.source);
    violations.chain([promise]).collect::<Vec<_>>().join("\n\n")
}

fn argue(violation: &Violation) -> String {
    let exhibits = violation.exhibits.iter().map(|exhibit| {
        let at = quantity::instant(exhibit.at);
        format!("{at} s  client {}  {}", exhibit.client.0, exhibit.text)
    });
    [violation.summary.clone()]
        .into_iter()
        .chain(exhibits)
        .chain([format!("therefore {}", violation.therefore), format!("but {}", violation.but)])
        .collect::<Vec<_>>()
        .join("\n")
}
