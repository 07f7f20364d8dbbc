//! Polls, and the batches of events that answer them.

use super::answer::{reply, with_error};
use super::{HttpAsk, Play, Reply, fill};
use crate::operation::Sight;
use crate::reference::model::{Refusal, RefusalKind};
use crate::scalar::Scalar;
use crate::spec::{Bindings, EventSource, Hole, Poll, Request, Shape};
use serde_json::Value;
use std::time::Duration;

/// A poll: what its holes are bound to, and how long it may be held.
#[derive(Clone, Debug)]
pub(crate) struct Polled {
    pub(crate) bindings: Bindings,
    pub(crate) holds: Duration,
    /// Why it can't be answered, although it is a poll.
    pub(crate) wrong: Option<Refusal>,
}

/// An event that waits to be fetched.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    json: String,
    /// Of whom and of what it tells, for the place that it has in a batch.
    about: Bindings,
    /// The message that it is, or 0.
    pub(crate) message: i64,
}

impl Play {
    /// Events are fetched by polls.
    pub(super) fn is_polled(&self) -> bool {
        self.polls().is_some()
    }

    /// An event that tells of a sight.
    pub(super) fn item(&self, sight: Sight, json: String, about: &Bindings) -> Item {
        let id = about.get(Hole::MESSAGE).filter(|_| sight == Sight::Message);
        let message = id.and_then(|id| self.ids.parse(id)).unwrap_or(0);
        Item { json, about: about.clone(), message }
    }

    /// The poll that a request is, if it is one.
    pub(crate) fn poll(&self, http: HttpAsk<'_>) -> Option<Polled> {
        let poll = self.polls()?;
        let Request::Http(request) = &poll.step.request else { return None };
        let mut bindings = self.spec.constants.clone();
        let fits =
            request.method == http.method && request.path.matches(http.path, true, &mut bindings);
        let wrong = fits.then(|| self.fits(request, http, &mut bindings))?.err();
        let wait = bindings.get(Hole::WAIT).and_then(|wait| wait.text().parse().ok());
        let holds = wait.map_or(poll.holds, |wait| Duration::from_millis(wait).min(poll.holds));
        Some(Polled { bindings, holds, wrong })
    }

    /// Status and body for these events; the cursor is behind them.
    pub(crate) fn batch(&self, polled: &Polled, events: &[Item], cursor: Scalar) -> (u16, String) {
        let Some(poll) = self.polls() else { return (404, "{}".into()) };
        let frame = polled.bindings.clone().with(Hole::CURSOR, cursor);
        let own = poll.step.yes.first().map(|yes| &yes.shape);
        let parts: Vec<&Shape> =
            own.filter(|shape| tells(shape)).into_iter().chain(&poll.events).collect();
        let mut rows: Vec<Vec<Bindings>> = vec![Vec::new(); parts.len()];
        for event in events {
            if let Some(part) = part_of(&parts, &event.about) {
                let mut row = event.about.clone();
                row.set(Hole::EVENT, Scalar::Json(event.json.as_str().into()));
                rows[part].push(row);
            }
        }
        let mut rows = parts.iter().zip(rows);
        let first = match own {
            Some(shape) if tells(shape) => rows.next().map_or_else(Vec::new, |(_, rows)| rows),
            _ => Vec::new(),
        };
        let (status, mut body) = match reply(&poll.step.yes, 200, &frame, &first) {
            Some(Reply::Http(status, body)) => (status, json(&body)),
            _ => (200, Value::Null),
        };
        for (shape, mut rows) in rows.filter(|(_, rows)| !rows.is_empty()) {
            // Rows of one conversation share its entry.
            rows.sort_by_cached_key(|row| row.get(Hole::CONVERSATION).map(Scalar::id));
            merge(&mut body, json(&fill(shape, &frame, &rows)));
        }
        (status, body.to_string())
    }

    /// Status and body for a poll that is refused.
    pub(crate) fn poll_refused(&self, polled: &Polled, refusal: &Refusal) -> (u16, String) {
        let status = refusal.kind.status();
        let frame = with_error(polled.bindings.clone(), refusal);
        let no = self.polls().map_or(&[][..], |poll| &poll.step.no);
        let mut body = match reply(no, status, &frame, &[]) {
            Some(Reply::Http(_, body)) => json(&body),
            _ => serde_json::json!({ "error": refusal.text }),
        };
        if refusal.kind == RefusalKind::Unauthenticated {
            let refused = &self.spec.connect.refused;
            let missing = polled.bindings.get(Hole::TOKEN).is_none();
            let shape = if missing { refused.first() } else { refused.last() };
            if let Some(shape) = shape {
                merge(&mut body, json(&fill(shape, &frame, &[])));
            }
        }
        (status, body.to_string())
    }

    fn polls(&self) -> Option<&Poll> {
        match &self.spec.connect.events {
            Some(EventSource::Poll(poll)) => Some(poll),
            _ => None,
        }
    }
}

/// Whether events stand in this shape.
fn tells(shape: &Shape) -> bool {
    shape.holes().iter().any(|(hole, _)| *hole == Hole::EVENT)
}

/// The part where an event stands: of those that say no more than is known of it, the one that says
/// the most, and of these the last.
fn part_of(parts: &[&Shape], about: &Bindings) -> Option<usize> {
    let said = |part: &Shape| -> Option<usize> {
        let holes = part.holes();
        let mut known =
            holes.iter().filter(|(hole, _)| !matches!(*hole, Hole::EVENT | Hole::CURSOR));
        known.clone().all(|(hole, _)| about.get(*hole).is_some()).then(|| known.by_ref().count())
    };
    let fitting = parts.iter().enumerate().filter_map(|(index, part)| Some((said(part)?, index)));
    fitting.max().map(|(_, index)| index)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// Adds what another part says; lists are joined.
fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(known), Value::Object(more)) => {
            for (name, value) in more {
                merge(known.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(known), Value::Array(more)) => known.extend(more),
        (known, more) => *known = more,
    }
}
