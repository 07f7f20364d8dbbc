//! When phases and faults began and ended, as the history of one shard says it.
//!
//! A fault that hits many clients is one span, from the first that it hits to the last that it leaves.
//! Memory: at most [`MOST`] spans; a fault that comes back more often than that lengthens its last one.

use crate::history::Nanos;
use crate::outcome::course::Span;
use compact_str::CompactString;

/// Spans of one kind that are kept.
const MOST: usize = 200;

/// The phases and faults of one shard.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    phases: Vec<(CompactString, Nanos)>,
    faults: Vec<Fault>,
}

#[derive(Clone, Debug)]
struct Fault {
    what: CompactString,
    begins: Nanos,
    ends: Nanos,
    clients: u32,
    /// Clients that it holds at the moment.
    held: u32,
}

impl Spans {
    /// A phase begins.
    pub fn phase(&mut self, name: &CompactString, at: Nanos) {
        if self.phases.len() < MOST {
            self.phases.push((name.clone(), at));
        }
    }

    /// A fault begins or ends for one client.
    pub fn fault(&mut self, what: &CompactString, begins: bool, at: Nanos) {
        let is_full = self.faults.len() == MOST;
        match self.faults.iter_mut().rev().find(|fault| fault.what == *what) {
            Some(fault) if begins && (fault.held > 0 || is_full) => {
                fault.held += 1;
                fault.clients += 1;
            }
            Some(fault) if !begins => {
                fault.held = fault.held.saturating_sub(1);
                fault.ends = at;
            }
            _ if begins && !is_full => {
                let what = what.clone();
                self.faults.push(Fault { what, begins: at, ends: at, clients: 1, held: 1 });
            }
            _ => {}
        }
    }

    /// The phases; `end` is when the run was over.
    pub(super) fn phases(&self, end: Nanos) -> impl Iterator<Item = Span> {
        let next = self.phases.iter().skip(1).map(|(_, at)| *at).chain([end]);
        self.phases.iter().zip(next).map(|((name, begins), ends)| Span {
            name: name.to_string(),
            begins: *begins,
            ends: ends.max(*begins),
            clients: 0,
        })
    }

    /// The faults; one that is not over ends at `end`.
    pub(super) fn faults(&self, end: Nanos) -> impl Iterator<Item = Span> {
        self.faults.iter().map(move |fault| Span {
            name: fault.what.to_string(),
            begins: fault.begins,
            ends: if fault.held > 0 { end.max(fault.begins) } else { fault.ends },
            clients: fault.clients,
        })
    }
}

/// Adds the spans of another shard: what has the same name and overlaps, or touches within `near`, is
/// one.
pub(super) fn merge(ours: &mut Vec<Span>, theirs: impl Iterator<Item = Span>, near: Nanos) {
    for span in theirs {
        let same = |our: &&mut Span| {
            our.name == span.name
                && our.begins <= span.ends.saturating_add(near)
                && span.begins <= our.ends.saturating_add(near)
        };
        match ours.iter_mut().find(same) {
            Some(our) => {
                our.begins = our.begins.min(span.begins);
                our.ends = our.ends.max(span.ends);
                our.clients += span.clients;
            }
            None => ours.push(span),
        }
    }
    ours.sort_by_key(|span| span.begins);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(name: &str, begins: Nanos, ends: Nanos, clients: u32) -> Span {
        Span { name: name.into(), begins, ends, clients }
    }

    #[test]
    fn a_fault_of_many_clients_is_one_span_and_one_that_comes_back_another() {
        let mut spans = Spans::default();
        let steps = [(10, true), (11, true), (20, false), (22, false), (40, true)];
        for (at, begins) in steps {
            spans.fault(&"cut".into(), begins, at);
        }
        let faults: Vec<Span> = spans.faults(50).collect();
        assert_eq!(faults, [span("cut", 10, 22, 2), span("cut", 40, 50, 1)]);
    }

    #[test]
    fn a_phase_ends_where_the_next_one_begins() {
        let mut spans = Spans::default();
        spans.phase(&"setup".into(), 0);
        spans.phase(&"traffic".into(), 5);
        let phases: Vec<Span> = spans.phases(9).collect();
        assert_eq!(phases, [span("setup", 0, 5, 0), span("traffic", 5, 9, 0)]);
    }

    #[test]
    fn shards_see_one_fault_at_about_the_same_time() {
        let mut ours = vec![span("cut", 10, 20, 2), span("cut", 40, 50, 1)];
        let theirs = [span("cut", 9, 21, 3), span("silence", 12, 13, 1)];
        merge(&mut ours, theirs.into_iter(), 1);
        let expected = [span("cut", 9, 21, 5), span("silence", 12, 13, 1), span("cut", 40, 50, 1)];
        assert_eq!(ours, expected);
    }

    #[test]
    fn spans_are_bounded() {
        let mut spans = Spans::default();
        for at in 0..1_000 {
            spans.fault(&"cut".into(), at % 2 == 0, at);
        }
        let faults: Vec<Span> = spans.faults(1_000).collect();
        assert_eq!(faults.len(), MOST);
        assert_eq!(faults.last().map(|last| (last.ends, last.clients)), Some((999, 301)));
    }
}
