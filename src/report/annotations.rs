//! What is wrong, as *workflow commands* of GitHub Actions: the promise that is broken is marked where
//! the spec makes it, the expectation that is missed where the scenario states it.
//!
//! It knows neither the environment nor files: the caller brings the texts. Of each level the service
//! shows ten per step, so the most important come first and the rest is counted.

use crate::comparison::{Comparison, Weight};
use crate::outcome::conformance::Conformance;
use crate::outcome::{Expected, Outcome};
use crate::report::words;
use crate::source::{self, Diagnostics, Node};
use crate::verdict::{Standing, Verdict};
use std::fmt;

/// The service shows so many of one level.
const SHOWN: usize = 10;

/// A file and its text, as the run read it.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Its path from the repository's root.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It fails the run.
    Error,
    /// It is unknown, and should not be.
    Warning,
    /// It is worth knowing.
    Notice,
}

/// Something to show beside the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// How bad it is.
    pub level: Level,
    /// File and line, if there is a place.
    pub place: Option<(String, usize)>,
    /// A few words.
    pub title: String,
    /// What there is to say, in lines.
    pub message: String,
}

/// The annotations of a run.
#[must_use]
pub fn of_run(outcome: &Outcome, scenario: Document<'_>, spec: Document<'_>) -> Vec<Annotation> {
    let promises = Index::new(spec);
    let expectations = Index::new(scenario);
    let mut all: Vec<Annotation> = Vec::new();
    let answer = words::answer(outcome);
    if outcome.generator.bottleneck.is_some() || outcome.interrupted {
        let title = answer.word.word.to_lowercase();
        let message = format!("{}\nagain: {}", answer.sentence, outcome.run.command);
        all.push(Annotation { level: Level::Warning, place: None, title, message });
    }
    for verdict in &outcome.verdicts {
        let place = promises.promise(&verdict.property);
        all.extend(of_verdict(verdict, place, &outcome.run.command));
    }
    let missed = outcome.expectations.iter().filter(|expected| !expected.held);
    all.extend(missed.map(|expected| of_expected(expected, expectations.expectation(expected))));
    let silent = outcome.unexercised.iter().map(|property| Annotation {
        level: Level::Warning,
        place: promises.promise(property),
        title: format!("{property} is not exercised"),
        message: "the scenario wants it judged, and saw too little".to_owned(),
    });
    all.extend(silent);
    limited(&all)
}

/// The annotations of a run of the catalogue: the cases that fail it.
#[must_use]
pub fn of_conformance(run: &Conformance, spec: Document<'_>) -> Vec<Annotation> {
    let promises = Index::new(spec);
    let of_case = |case: &crate::outcome::conformance::Case| {
        let fails = case.fails_the_run(run.strict);
        let undecided = case.is_undecided(run.strict) && !case.is_excused();
        let level = match (fails, undecided) {
            (true, _) => Level::Error,
            (_, true) => Level::Warning,
            _ => return None,
        };
        let title = match (case.passes_unexpectedly(), fails) {
            (true, _) => format!("{} passes, and is listed as a known failure", case.name),
            (_, true) => format!("{} fails", case.name),
            _ => format!("{} is undecided", case.name),
        };
        let first = case.finding.violations.first();
        let seen = first.map_or_else(String::new, |violation| {
            format!("\n{}: {}", violation.summary, violation.but)
        });
        let message = format!("the server must: {}{seen}\nagain: {}", case.says, case.again);
        Some(Annotation { level, place: promises.promise(&case.property), title, message })
    };
    limited(&run.cases.iter().filter_map(of_case).collect::<Vec<_>>())
}

/// The annotations of a comparison.
#[must_use]
pub fn of_comparison(comparison: &Comparison) -> Vec<Annotation> {
    let turned = comparison.turns.iter().filter_map(|turn| {
        let level = match turn.weight {
            Weight::Broken | Weight::Missed | Weight::Regressed => Level::Error,
            Weight::InDoubt | Weight::Silent => Level::Warning,
            Weight::News => return None,
        };
        let title = format!("{} was {}, is {}", turn.name, turn.before, turn.after);
        Some(Annotation { level, place: None, title, message: turn.remark.clone() })
    });
    let worse = comparison.worse().map(|figure| Annotation {
        level: Level::Error,
        place: None,
        title: format!("{} is worse", figure.name),
        message: crate::report::comparison::sentence(figure),
    });
    limited(&turned.chain(worse).collect::<Vec<_>>())
}

fn of_verdict(
    verdict: &Verdict,
    place: Option<(String, usize)>,
    command: &str,
) -> Option<Annotation> {
    let property = &verdict.property;
    let (level, title) = match (verdict.standing, verdict.promised) {
        (Standing::Fail, true) => (Level::Error, format!("{property} is broken")),
        (Standing::Fail, false) => {
            (Level::Notice, format!("{property} is broken, but not promised"))
        }
        (Standing::Inconclusive, true) => (Level::Warning, format!("{property} is in doubt")),
        _ => return None,
    };
    let mut lines = vec![words::remark(verdict)];
    if let Some(violation) = verdict.finding.violations.first() {
        lines.push(format!("therefore {}", violation.therefore));
        lines.push(format!("but {}", violation.but));
    }
    lines.push(format!("promise: {} ({})", verdict.promise, verdict.source));
    lines.push(format!("again: {command}"));
    Some(Annotation { level, place, title, message: lines.join("\n") })
}

fn of_expected(expected: &Expected, place: Option<(String, usize)>) -> Annotation {
    let message = match expected.measured.as_str() {
        "" => "nothing was measured".to_owned(),
        measured => format!("measured {measured}"),
    };
    let title = format!("{} is missed", expected.text);
    Annotation { level: Level::Error, place, title, message }
}

/// Errors first, and of each level no more than are shown.
fn limited(all: &[Annotation]) -> Vec<Annotation> {
    let of = |level| all.iter().filter(move |annotation| annotation.level == level);
    let shown = |level| {
        let surplus = of(level).count().saturating_sub(SHOWN);
        let kept = if surplus > 0 { SHOWN - 1 } else { SHOWN };
        let rest = (surplus > 0).then(|| Annotation {
            level,
            place: None,
            title: format!("and {} more", surplus + 1),
            message: "the report of the run has all of them".to_owned(),
        });
        of(level).take(kept).cloned().chain(rest)
    };
    [Level::Error, Level::Warning, Level::Notice].into_iter().flat_map(shown).collect()
}

/// Where things stand in a document. One that cannot be read has no places.
struct Index<'a> {
    file: &'a str,
    root: Option<Node>,
}

impl<'a> Index<'a> {
    fn new(Document { file, text }: Document<'a>) -> Self {
        Self { file, root: source::parse(&mut Diagnostics::new(file, text)) }
    }

    /// Where the property is promised.
    fn promise(&self, property: &str) -> Option<(String, usize)> {
        let promises = self.field("promise")?.entries()?;
        let found = promises.iter().find(|entry| entry.key == property)?;
        Some((self.file.to_owned(), found.key_span.start.line))
    }

    /// Where the expectation is stated.
    fn expectation(&self, expected: &Expected) -> Option<(String, usize)> {
        let stated = self.field("expect")?.items()?;
        let found = stated.iter().find(|item| item.text() == Some(&expected.text))?;
        Some((self.file.to_owned(), found.span.start.line))
    }

    fn field(&self, name: &str) -> Option<&Node> {
        let entries = self.root.as_ref()?.entries()?;
        Some(&entries.iter().find(|entry| entry.key == name)?.value)
    }
}

impl fmt::Display for Annotation {
    /// One line: `::error file=…,line=…,title=…::message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        write!(f, "::{level} ")?;
        if let Some((file, line)) = &self.place {
            write!(f, "file={},line={line},", property(file))?;
        }
        write!(f, "title={}::{}", property(&self.title), data(&self.message))
    }
}

/// A text behind the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text before it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str =
        "assize: 1\npromise:\n  idempotency:\n    says: a\n  ordering: { says: b }\n";
    const SCENARIO: &str = "expect:\n  - connect.success > 99%\n  - delivery.p95 < 500ms\n";

    fn annotation(level: Level, title: &str) -> Annotation {
        Annotation { level, place: None, title: title.into(), message: "m".into() }
    }

    #[test]
    fn places_are_found_where_they_are_stated() {
        let spec = Index::new(Document { file: "specs/x.yaml", text: SPEC });
        assert_eq!(spec.promise("ordering"), Some(("specs/x.yaml".to_owned(), 5)));
        assert_eq!(spec.promise("presence"), None);
        let scenario = Index::new(Document { file: "s.yaml", text: SCENARIO });
        let expected =
            Expected { text: "delivery.p95 < 500ms".into(), measured: String::new(), held: false };
        assert_eq!(scenario.expectation(&expected), Some(("s.yaml".to_owned(), 3)));
        assert_eq!(Index::new(Document { file: "x", text: ": [" }).promise("ordering"), None);
    }

    #[test]
    fn what_a_server_says_cannot_leave_its_line() {
        let hostile = Annotation {
            level: Level::Error,
            place: Some(("a,b:c.yaml".into(), 7)),
            title: "x: 100%,\n::stop-commands::y".into(),
            message: "one\r\n::set-env::two".into(),
        };
        assert_eq!(
            hostile.to_string(),
            "::error file=a%2Cb%3Ac.yaml,line=7,title=x%3A 100%25%2C%0A%3A%3Astop-commands%3A%3Ay\
             ::one%0D%0A::set-env::two"
        );
    }

    #[test]
    fn errors_come_first_and_surplus_is_counted() {
        let mut all = vec![annotation(Level::Notice, "n"), annotation(Level::Warning, "w")];
        all.extend((0..14).map(|n| annotation(Level::Error, &n.to_string())));
        let kept = limited(&all);
        assert_eq!(kept.len(), 12);
        assert_eq!((kept[0].title.as_str(), kept[9].title.as_str()), ("0", "and 5 more"));
        assert_eq!((kept[10].title.as_str(), kept[11].title.as_str()), ("w", "n"));
    }
}
