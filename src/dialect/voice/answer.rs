//! An answer, read by the shapes of the step that it answers: a no before a yes, a page of a read, or
//! the way on to the next request.

use super::{Awaited, Heard, Onward, Walk};
use crate::client::{AttemptId, Reply};
use crate::dialect::{Dialect, Route, excerpt};
use crate::history::Event;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Reception, Step, Via};
use compact_str::CompactString;

/// What an answer says.
pub(super) enum Understood {
    /// The attempt is over.
    Over(Vec<Event>, Reply),
    /// More is to be asked.
    Onward(Route, Box<Bindings>, Option<Box<Walk>>),
}

impl Understood {
    pub(super) fn heard(self, attempt: AttemptId) -> Heard {
        match self {
            Self::Over(rows, reply) => Heard::Answer(attempt, rows, reply),
            Self::Onward(route, bindings, walk) => {
                Heard::Onward(Onward { attempt, route, bindings, walk })
            }
        }
    }
}

/// Reads an answer by the shapes of its step, a no before a yes.
pub(super) fn read(
    dialect: &Dialect,
    step: &Step,
    awaited: &Awaited,
    via: &Via,
    json: &str,
    bound: &Bindings,
) -> Result<Understood, CompactString> {
    let lists = [(false, &step.limited), (false, &step.no), (true, &step.yes)];
    let all = || lists.iter().flat_map(|(yes, list)| list.iter().map(move |one| (*yes, one)));
    let mut candidates = all().filter(|(_, one)| one.via == *via);
    let mut bindings = bound.clone();
    match candidates.find(|(_, one)| one.shape.fits(json, &mut bindings)) {
        Some((true, one)) => match (&awaited.walk, dialect.after(awaited.route)) {
            (Some(walk), _) => page(dialect, awaited, walk, one, json, bound, &bindings),
            (None, Some(next)) => Ok(Understood::Onward(next, Box::new(bindings), None)),
            (None, None) => {
                let (operation, op) = (awaited.route.operation, awaited.attempt.op);
                let told = dialect.told(operation, op, &bindings);
                Ok(Understood::Over(told, dialect.yes(operation, &bindings)))
            }
        },
        Some((false, _)) => {
            let error = bindings.get(Hole::ERROR).map(Scalar::id);
            Ok(Understood::Over(Vec::new(), Reply::No(error.unwrap_or_default())))
        }
        None => Err(difference(all().map(|(_, one)| one), via, json, bound)),
    }
}

/// Why no shape fits, by the one for a yes, which comes last.
fn difference<'a>(
    shapes: impl Iterator<Item = &'a Reception>,
    via: &Via,
    json: &str,
    bound: &Bindings,
) -> CompactString {
    let last = shapes.filter(|one| one.via == *via).last();
    match last.and_then(|one| one.shape.matches(json, &mut bound.clone()).err()) {
        Some(mismatch) => compact_str::format_compact!(
            "an answer that fits no shape: at `{}` expected {}, found {} in {}",
            mismatch.pointer,
            mismatch.expected,
            mismatch.found,
            excerpt(json)
        ),
        None => "no shape answers over this channel".into(),
    }
}

/// A page of a read; `answer` is what it binds beside its rows.
fn page(
    dialect: &Dialect,
    awaited: &Awaited,
    walk: &Walk,
    reception: &Reception,
    json: &str,
    bound: &Bindings,
    answer: &Bindings,
) -> Result<Understood, CompactString> {
    let (route, op, place) = (awaited.route, awaited.attempt.op, dialect.place(bound));
    let mut page = Vec::new();
    let read = reception.shape.rows(json, bound, &mut |row| {
        let mut events = Vec::new();
        dialect.row(route.operation, op, row, place, &mut events);
        page.push(events);
    });
    read.map_err(|mismatch| {
        compact_str::format_compact!(
            "a row that fits no shape: at `{}` expected {}, found {}",
            mismatch.pointer,
            mismatch.expected,
            mismatch.found
        )
    })?;
    let (mut walk, mut next) = (Box::new(walk.clone()), Box::new(bound.clone()));
    if walk.pages.add(dialect, page, answer, &mut next) {
        return Ok(Understood::Onward(route, next, Some(walk)));
    }
    let cursor = dialect.cursor_of(answer);
    let (rows, count) = walk.pages.over();
    Ok(Understood::Over(rows, Reply::Yes { id: None, order: None, rows: count, cursor }))
}
