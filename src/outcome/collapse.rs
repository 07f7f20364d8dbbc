//! A server that went away under load and did not come back: when, what was under way, and what was left.
//!
//! It is read off the run's course, so what is known is as exact as a slice. Start with [`Collapse::of`].

use crate::outcome::course::{Course, Span};

/// The end of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collapse {
    /// Between these times of the run's clock the last connection was lost, in nanoseconds.
    pub between: (u64, u64),
    /// The phase in which that was.
    pub phase: String,
    /// Connections that there were at most, and that were lost by then.
    pub connections: u64,
    /// Messages that were sent until then, and neither confirmed nor refused by then.
    pub in_flight: u64,
    /// Messages that were sent afterwards, to nobody.
    pub unheard: u64,
    /// Messages that had been confirmed, and that nobody could read again.
    pub unread: u64,
}

impl Collapse {
    /// The end of the server, if everybody lost the connection and nobody came back until the run was
    /// over.
    #[must_use]
    pub fn of(course: &Course) -> Option<Self> {
        let level = &course.connected;
        let gone = level.iter().rposition(|connected| *connected > 0)? + 1;
        if gone >= level.len() {
            return None;
        }
        let upto = |name: &str| sum(course, name, 0..gone + 1);
        let over = upto("messages acked") + upto("messages refused") + upto("messages failed");
        let begins = course.slice * gone as u64;
        let within = |span: &&Span| span.begins < begins + course.slice;
        let phase = course.phases.iter().rev().find(within).map_or("", |span| span.name.as_str());
        let most = level.iter().copied().max().unwrap_or(0);
        let read = sum(course, "history reads", gone..level.len());
        Some(Self {
            between: (begins, begins + course.slice),
            phase: phase.to_owned(),
            connections: most + sum(course, "connects", gone..gone + 1),
            in_flight: upto("messages sent").saturating_sub(over),
            unheard: sum(course, "messages sent", gone + 1..level.len()),
            unread: if read > 0 { 0 } else { upto("messages acked") },
        })
    }
}

fn sum(course: &Course, name: &str, slices: std::ops::Range<usize>) -> u64 {
    let all = course.count(name).unwrap_or_default();
    all.iter().skip(slices.start).take(slices.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::course::Count;

    const SECOND: u64 = 1_000_000_000;

    fn course(connected: &[u64]) -> Course {
        let count = |name: &str, per_slice: &[u64]| Count {
            name: name.into(),
            per_slice: per_slice.to_vec(),
        };
        let span = |name: &str, begins: u64, ends: u64| Span {
            name: name.into(),
            begins: begins * SECOND,
            ends: ends * SECOND,
            clients: 0,
        };
        Course {
            slice: SECOND,
            slices: connected.len() as u32,
            phases: vec![span("connect", 0, 1), span("talk", 1, 4), span("recovery", 4, 6)],
            connected: connected.to_vec(),
            counts: vec![
                count("messages sent", &[0, 40, 40, 40, 0, 0]),
                count("messages acked", &[0, 40, 25, 0, 0, 0]),
            ],
            ..Course::default()
        }
    }

    #[test]
    fn who_dies_under_load_leaves_sends_without_an_answer() {
        let collapse = Collapse::of(&course(&[20, 20, 0, 0, 0, 0])).unwrap();
        assert_eq!(collapse.between, (2 * SECOND, 3 * SECOND));
        assert_eq!((collapse.phase.as_str(), collapse.connections), ("talk", 20));
        assert_eq!((collapse.in_flight, collapse.unheard, collapse.unread), (15, 40, 65));
    }

    #[test]
    fn who_comes_back_or_stays_did_not_die() {
        assert_eq!(Collapse::of(&course(&[20, 20, 0, 0, 7, 20])), None);
        assert_eq!(Collapse::of(&course(&[20, 20, 20, 20, 20, 20])), None);
        assert_eq!(Collapse::of(&course(&[0, 0, 0, 0, 0, 0])), None, "nobody was ever connected");
        assert_eq!(Collapse::of(&Course::default()), None);
    }
}
