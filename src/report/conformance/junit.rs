//! `junit.xml` of a conformance run: a suite per property, a test case per case.
//!
//! Nothing unknown is green: what is in doubt, was not reached or was not exercised is an error if
//! it counts, and skipped if it does not.

use crate::outcome::Conformance;
use crate::outcome::conformance::{Case, End};
use crate::report::conformance::terminal;
use crate::report::junit::{self, non_success};
use crate::report::layout::Look;
use crate::verdict::Standing;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

/// The run as JUnit XML.
#[must_use]
pub fn render(run: &Conformance) -> String {
    let mut report = Report::new("assize conform");
    report.set_time(Duration::from_nanos(run.nanos));
    report.add_test_suite(whole(run));
    for property in &run.properties {
        let mut suite = TestSuite::new(&property.property);
        for case in run.cases.iter().filter(|case| case.property == property.property) {
            suite.add_test_case(test_case(case, run));
        }
        if suite.tests > 0 {
            report.add_test_suite(suite);
        }
    }
    junit::text(&report)
}

/// The run itself as one test case: not green unless the exit code is.
fn whole(run: &Conformance) -> TestSuite {
    let (_, word, sentence) = terminal::verdict(run);
    let green = matches!(word, "PASS" | "FAIL") && run.broken_elsewhere().next().is_none();
    let status = match green {
        true => TestCaseStatus::success(),
        false => non_success(NonSuccessKind::Error, word, &sentence, ""),
    };
    let mut case = TestCase::new(&run.spec, status);
    case.set_classname("assize.conform");
    let mut suite = TestSuite::new("run");
    suite.add_properties([
        Property::new("started", &run.started),
        Property::new("target", &run.target),
        Property::new("command", &run.command),
    ]);
    suite.add_test_case(case);
    suite
}

fn test_case(case: &Case, run: &Conformance) -> TestCase {
    let mut test = TestCase::new(&case.name, of_case(case, run));
    test.set_classname(format!("assize.conform.{}", case.property));
    test.set_time(Duration::from_nanos(case.nanos));
    test
}

fn of_case(case: &Case, run: &Conformance) -> TestCaseStatus {
    let text = || terminal::block(case, run, Look::PLAIN);
    let (.., remark) = terminal::state(case, run);
    if case.fails_the_run(run.strict) {
        let first = case.finding.violations.first();
        let message = first.map_or(remark.as_str(), |violation| &violation.summary);
        return non_success(NonSuccessKind::Failure, "violation", message, &text());
    }
    let doubtful = |kind: &str, why: &str| match case.counts(run.strict) && !case.is_excused() {
        true => non_success(NonSuccessKind::Error, kind, why, &text()),
        false => skipped(&format!("{kind}: {why}")),
    };
    match &case.end {
        End::Judged(Standing::Pass) => TestCaseStatus::success(),
        End::Judged(Standing::Fail) => skipped(&remark),
        End::Judged(Standing::Inconclusive) => {
            doubtful("inconclusive", case.finding.doubts.first().map_or("", String::as_str))
        }
        End::Judged(Standing::NotExercised) => doubtful("not exercised", "nothing was seen"),
        End::Broken(why) => non_success(NonSuccessKind::Error, "harness", why, ""),
        End::NotReached(why) => doubtful("not reached", why),
        End::NotSupported(why) => skipped(&format!("not supported: {why}")),
    }
}

fn skipped(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}
