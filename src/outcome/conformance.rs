//! The result of a conformance run as one value: every case of the catalogue and what became of it.
//!
//! It knows neither how a case was played nor how it is shown. Start with [`Conformance`].

use crate::history::ClientId;
use crate::outcome::{Exit, Source};
use crate::verdict::{Finding, Severity, Standing, Violation};
use serde::{Deserialize, Serialize};

/// The version of the shape that a conformance run's `report.json` has.
pub const SCHEMA: u32 = 1;

/// Everything a report says of one conformance run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conformance {
    /// Version of this shape.
    pub schema: u32,
    /// [`Conformance::KIND`]: tells it from the report of a run.
    pub kind: Kind,
    /// The spec's name.
    pub spec: String,
    /// The document that the spec describes, if it names one.
    pub document: Option<String>,
    /// The server: `embedded reference server`, a URL, or the launched command.
    pub target: String,
    /// The bugs switched on in the embedded server.
    pub bugs: Vec<String>,
    /// How connections are made: `websocket`, `polling` or `upgrade`.
    pub transport: String,
    /// The product's version.
    pub version: String,
    /// Start, RFC 3339, UTC.
    pub started: String,
    /// Wall time, in nanoseconds.
    pub nanos: u64,
    /// Only the quick cases were asked for.
    pub quick: bool,
    /// A `should` that fails counts, too.
    pub strict: bool,
    /// The command that makes this run again.
    pub command: String,
    /// The cases, in the order of the catalogue.
    pub cases: Vec<Case>,
    /// The properties, in the order of the catalogue.
    pub properties: Vec<PropertyResult>,
    /// What else the reader must know, most important first.
    pub notes: Vec<String>,
    /// Why the server could not be tried to the end, if it could not.
    pub died: Option<String>,
    /// The run was interrupted; what is here was gathered until then.
    pub interrupted: bool,
    /// The spec as it was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// The machine that it ran on; empty in reports of older versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub machine: String,
}

/// Tells a conformance run's report from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is one.
    #[default]
    Conformance,
}

/// One case and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its stable name: `idempotency/concurrent-two-devices`.
    pub name: String,
    /// The property that judges it, or the chapter it stands in.
    pub property: String,
    /// What the server must do.
    pub says: String,
    /// How much a failure weighs.
    pub severity: Severity,
    /// The spec promises it; if not, a failure is a finding and does not fail the run.
    pub promised: bool,
    /// The promise, in the words of the spec or of the property.
    pub promise: String,
    /// Where the promise is made.
    pub source: String,
    /// What became of it.
    pub end: End,
    /// How many times it was played, each time with other people.
    pub copies: u32,
    /// How many of them failed.
    pub failed: u32,
    /// How long it took, in nanoseconds; the longest copy.
    pub nanos: u64,
    /// What its judge found.
    pub finding: Finding,
    /// What the judges of other properties found broken in it.
    pub also: Vec<Also>,
    /// The spec says that it fails.
    pub known: Option<Known>,
    /// What the clients in the arguments are called.
    pub names: Vec<(ClientId, String)>,
    /// The command that makes it again.
    pub again: String,
    /// The packets of its sockets, if they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<String>,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It was judged.
    Judged(Standing),
    /// The server, as its spec describes it, cannot do what the case needs; says what.
    NotSupported(String),
    /// The harness has a mistake: this case proves nothing; says what happened.
    Broken(String),
    /// It was not played, or not to its end; says why.
    NotReached(String),
}

/// Another property that was broken in a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Also {
    /// The property.
    pub property: String,
    /// How often.
    pub count: u64,
    /// The first time.
    pub violation: Violation,
}

/// A failure that the spec lists as known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is accepted, `2027-01-31`.
    pub until: Option<String>,
    /// That day is over: the failure counts again.
    pub expired: bool,
}

/// One property over all cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropertyResult {
    /// Its id.
    pub property: String,
    /// The spec promises it.
    pub promised: bool,
    /// How it stands after all cases; none if no case of it was judged.
    pub standing: Option<Standing>,
    /// The rules and tolerances its judge used, in words.
    pub judged_by: String,
}

impl Case {
    /// It was judged, and failed.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.end == End::Judged(Standing::Fail)
    }

    /// The spec says that it fails, and the date of that is not over.
    #[must_use]
    pub fn is_excused(&self) -> bool {
        self.known.as_ref().is_some_and(|known| !known.expired)
    }

    /// It counts, and nobody knows whether it holds: what was seen is doubtful, or it was not
    /// played to its end.
    #[must_use]
    pub fn is_undecided(&self, strict: bool) -> bool {
        let undecided =
            matches!(self.end, End::Judged(Standing::Inconclusive) | End::NotReached(_));
        undecided && self.counts(strict)
    }

    /// It passes although the spec says that it fails.
    #[must_use]
    pub fn passes_unexpectedly(&self) -> bool {
        self.is_excused() && self.end == End::Judged(Standing::Pass)
    }

    /// A failure of it fails the run.
    #[must_use]
    pub fn counts(&self, strict: bool) -> bool {
        self.severity.weighs(strict) && self.promised
    }

    /// It fails the run: broken and counting, or known to fail and passing.
    #[must_use]
    pub fn fails_the_run(&self, strict: bool) -> bool {
        if self.is_excused() {
            return self.passes_unexpectedly();
        }
        self.fails() && self.counts(strict)
    }
}

impl Conformance {
    /// The word in `report.json`.
    pub const KIND: &str = "conformance";

    /// How many cases were judged.
    #[must_use]
    pub fn judged(&self) -> usize {
        self.cases.iter().filter(|case| matches!(case.end, End::Judged(_))).count()
    }

    /// A promised property that was broken in cases of other properties only: no case of its own
    /// fails, and yet it does not hold.
    pub fn broken_elsewhere(&self) -> impl Iterator<Item = (&Case, &Also)> {
        let promised = |id: &str| {
            self.properties.iter().any(|property| property.property == id && property.promised)
        };
        let own = |id: &str| self.cases.iter().any(|case| case.property == id && case.fails());
        self.cases
            .iter()
            .flat_map(|case| case.also.iter().map(move |also| (case, also)))
            .filter(move |(_, also)| promised(&also.property) && !own(&also.property))
    }

    /// Promised properties of which nothing was seen, though cases of theirs that count were played:
    /// a gate that let them through would vouch for what nobody tried.
    pub fn unproved(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().filter(|property| property.promised).filter_map(|property| {
            let mut ends = self
                .cases
                .iter()
                .filter(|case| case.property == property.property && case.counts(self.strict))
                .map(|case| &case.end)
                .filter(|end| !matches!(end, End::NotSupported(_)))
                .peekable();
            ends.peek()?;
            let unseen = |end: &End| *end == End::Judged(Standing::NotExercised);
            ends.all(unseen).then_some(property.property.as_str())
        })
    }

    /// The exit code. A failure outranks everything; an interruption outranks what is unknown.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let any = |holds: &dyn Fn(&Case) -> bool| self.cases.iter().any(holds);
        if any(&|case| case.fails_the_run(self.strict)) || self.broken_elsewhere().next().is_some()
        {
            Exit::PropertyFailed
        } else if any(&|case| matches!(case.end, End::Broken(_))) {
            Exit::Internal
        } else if self.interrupted {
            Exit::Interrupted
        } else if self.died.is_some() {
            Exit::Unreachable
        } else if any(&|case| case.is_undecided(self.strict)) {
            Exit::Inconclusive
        } else if self.unproved().next().is_some()
            || !any(&|case| case.end == End::Judged(Standing::Pass))
        {
            Exit::NotExercised
        } else {
            Exit::Held
        }
    }
}

#[cfg(test)]
impl Case {
    /// A case of this name that ended so, and nothing else of note.
    pub(crate) fn ended(name: &str, end: End) -> Self {
        Self {
            name: name.into(),
            property: "ordering".into(),
            says: String::new(),
            severity: Severity::Must,
            promised: true,
            promise: String::new(),
            source: String::new(),
            end,
            copies: 1,
            failed: 0,
            nanos: 0,
            finding: Finding::default(),
            also: Vec::new(),
            known: None,
            names: Vec::new(),
            again: String::new(),
            trace: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(end: End) -> Case {
        Case::ended("ordering/x", end)
    }

    fn exit(cases: Vec<Case>) -> Exit {
        Conformance { cases, ..Conformance::default() }.exit()
    }

    fn judged(standing: Standing) -> Case {
        case(End::Judged(standing))
    }

    fn known(standing: Standing, expired: bool) -> Case {
        let known = Known { reason: "old".into(), until: None, expired };
        Case { known: Some(known), ..judged(standing) }
    }

    #[test]
    fn a_failure_outranks_what_is_unknown() {
        let broken = || case(End::Broken("panicked".into()));
        assert_eq!(exit(vec![judged(Standing::Pass)]), Exit::Held);
        assert_eq!(exit(vec![judged(Standing::Fail), broken()]), Exit::PropertyFailed);
        assert_eq!(exit(vec![judged(Standing::Pass), broken()]), Exit::Internal);
        let doubtful = vec![judged(Standing::Pass), judged(Standing::Inconclusive)];
        assert_eq!(exit(doubtful), Exit::Inconclusive);
    }

    #[test]
    fn nothing_judged_is_not_green() {
        assert_eq!(exit(Vec::new()), Exit::NotExercised);
        let unsupported = case(End::NotSupported("no `read`".into()));
        assert_eq!(exit(vec![unsupported, judged(Standing::NotExercised)]), Exit::NotExercised);
    }

    #[test]
    fn a_promise_that_nothing_was_seen_of_is_not_green() {
        let of = |property: &str, standing| Case { property: property.into(), ..judged(standing) };
        let exit = |promised, cases: Vec<Case>| {
            let result = |id: &str| PropertyResult {
                property: id.into(),
                promised,
                standing: None,
                judged_by: String::new(),
            };
            let properties = vec![result("ordering"), result("presence"), result("receipts")];
            Conformance { cases, properties, ..Conformance::default() }.exit()
        };
        let (pass, unseen) = (Standing::Pass, Standing::NotExercised);
        let cases = || vec![of("ordering", pass), of("presence", unseen), of("presence", unseen)];
        assert_eq!(exit(true, cases()), Exit::NotExercised);
        assert_eq!(exit(false, cases()), Exit::Held);
        let one_seen = [cases(), vec![of("presence", pass)]].concat();
        assert_eq!(exit(true, one_seen), Exit::Held);
        let unsupported =
            Case { end: End::NotSupported("no `read`".into()), ..of("presence", pass) };
        assert_eq!(exit(true, vec![of("ordering", pass), unsupported]), Exit::Held);
    }

    #[test]
    fn a_known_failure_does_not_fail_and_its_pass_does() {
        let pass = || judged(Standing::Pass);
        assert_eq!(exit(vec![pass(), known(Standing::Fail, false)]), Exit::Held);
        assert_eq!(exit(vec![pass(), known(Standing::Pass, false)]), Exit::PropertyFailed);
        assert_eq!(exit(vec![pass(), known(Standing::Fail, true)]), Exit::PropertyFailed);
        assert_eq!(exit(vec![pass(), known(Standing::Pass, true)]), Exit::Held);
    }

    #[test]
    fn only_a_promised_must_counts_unless_strict() {
        let should = || Case { severity: Severity::Should, ..judged(Standing::Fail) };
        assert_eq!(exit(vec![judged(Standing::Pass), should()]), Exit::Held);
        let strict = Conformance {
            cases: vec![judged(Standing::Pass), should()],
            strict: true,
            ..Conformance::default()
        };
        assert_eq!(strict.exit(), Exit::PropertyFailed);
        let unpromised = Case { promised: false, ..judged(Standing::Fail) };
        assert_eq!(exit(vec![judged(Standing::Pass), unpromised]), Exit::Held);
    }

    #[test]
    fn what_is_broken_in_another_propertys_case_is_not_hidden() {
        let violation = Violation {
            summary: "two ids".into(),
            exhibits: Vec::new(),
            therefore: String::new(),
            but: String::new(),
        };
        let also = Also { property: "idempotency".into(), count: 1, violation };
        let result = PropertyResult {
            property: "idempotency".into(),
            promised: true,
            standing: Some(Standing::Fail),
            judged_by: String::new(),
        };
        let run = Conformance {
            cases: vec![Case { also: vec![also], ..judged(Standing::Pass) }],
            properties: vec![result],
            ..Conformance::default()
        };
        assert_eq!(run.exit(), Exit::PropertyFailed);
    }
}
