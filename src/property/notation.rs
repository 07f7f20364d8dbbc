//! Histories as text, for tests: one event per line.
//!
//! Clients are letters with a device number (`a`, `a2`, `b`: `a` and `a2` are one person),
//! conversations `#1`, operations `o1`, tokens `t1`, keys `k1`, server ids `m1`, positions plain
//! numbers, users `u1` (the person of `a`), server ids of conversations `c1`. Each line happens
//! 10 ms after the one before, unless it begins with `@` and a time in milliseconds. `a owes o1
//! refusal|peace|yes [odd]` stands before an operation of which something is demanded, `textless`
//! after one that carries no text of ours. `a b in #1` makes members who are connected and ready;
//! `a off in #1` makes one who is not; `b addressed #1` makes somebody whom a broadcast is for.

mod scribe;
mod verbs;

use crate::history::Entry;
use crate::property::{Charge, Property};
use crate::verdict::{Finding, Standing};
use scribe::Scribe;

/// The run's number in tokens of the notation.
pub(super) const RUN: u16 = 7;

/// What a property says of a history.
pub(super) fn check(property: &dyn Property, charge: &Charge, history: &str) -> Finding {
    let mut judge = property.judge(charge);
    for entry in read(history) {
        judge.observe(&entry);
    }
    judge.finish()
}

/// Asserts that the property passes.
#[track_caller]
pub(super) fn passes(property: &dyn Property, charge: &Charge, history: &str) -> Finding {
    stands(property, charge, history, Standing::Pass)
}

/// Asserts how the property stands.
#[track_caller]
pub(super) fn stands(
    property: &dyn Property,
    charge: &Charge,
    history: &str,
    standing: Standing,
) -> Finding {
    let finding = check(property, charge, history);
    assert_eq!(finding.standing(1), standing, "{finding:#?}");
    finding
}

/// Asserts that the property fails with this one summary, once.
#[track_caller]
pub(super) fn fails(property: &dyn Property, charge: &Charge, history: &str, summary: &str) {
    let finding = check(property, charge, history);
    let found: Vec<&str> = finding.violations.iter().map(|v| v.summary.as_str()).collect();
    assert_eq!(found, [summary], "{finding:#?}");
    for violation in &finding.violations {
        assert!(!violation.exhibits.is_empty() && violation.exhibits.len() <= 25);
        assert!(violation.exhibits.is_sorted_by_key(|exhibit| exhibit.at));
        assert!(!violation.therefore.is_empty() && !violation.but.is_empty());
    }
}

/// The entries that a text stands for.
pub(super) fn read(history: &str) -> Vec<Entry> {
    let mut scribe = Scribe::default();
    for line in history.lines().map(str::trim).filter(|line| !line.is_empty()) {
        scribe.line(line);
    }
    scribe.entries
}
