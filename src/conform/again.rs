//! A second opinion: what may have been nothing but lateness must happen twice.
//!
//! Two ids for one message prove themselves, however busy the machine was. An answer that was
//! missing does not: on a starved machine the server may have been late. A case whose accusation
//! rests on time is played once more, when the others are over; what does not happen again is a
//! doubt and no verdict.

use crate::conform::Catalogued;
use crate::conform::tally::{Copied, Copy};
use crate::verdict::Finding;

/// The properties and chapters whose accusations rest on something not having come in time.
const TIMED: &[&str] = &[
    "typing-timeout",
    "connection-state",
    "ack-timeout",
    "backoff",
    "input-limits",
    "rate-limit",
    "presence",
    "engine-io",
    "socket-io",
    "websocket",
];

/// The property's accusations rest on something not having come in time.
pub(crate) fn is_timed(property: &str) -> bool {
    TIMED.contains(&property)
}

/// The case is to be played again: it, or a judge who watched it, accuses of what rests on time.
pub(super) fn wants_another(case: &Catalogued, copies: &[Copied]) -> bool {
    let own = is_timed(case.property) && fails(copies);
    own || copies.iter().flatten().any(|copy| copy.others.iter().any(|(id, _)| is_timed(id)))
}

/// Takes back what the second time did not bear out. Says what was taken back from others than the
/// case's own judge.
pub(super) fn reconsider(
    case: &Catalogued,
    first: &mut [Copied],
    second: &[Copied],
) -> Vec<String> {
    if second.iter().any(Result::is_err) {
        return Vec::new();
    }
    let mut notes = Vec::new();
    let stands = fails(second) || !is_timed(case.property);
    let again = |id: &str| second.iter().flatten().any(|copy| has(copy, id));
    for copy in first.iter_mut().flatten() {
        if !stands {
            take_back(&mut copy.finding, "and not when it was played again");
        }
        copy.others.retain(|(id, finding)| {
            let keep = !is_timed(id) || again(id);
            if let (false, Some(violation)) = (keep, finding.violations.first()) {
                let (name, what) = (&case.name, &violation.summary);
                notes.push(format!(
                    "{id}: “{what}” in {name} once, and not when it was played again"
                ));
            }
            keep
        });
    }
    notes
}

/// Nobody can play the case again: what rests on time is a doubt.
pub(super) fn unconfirmed(case: &Catalogued, copies: &mut [Copied]) {
    for copy in copies.iter_mut().flatten() {
        if is_timed(case.property) {
            take_back(&mut copy.finding, "and nobody was left to play it again");
        }
        copy.others.retain(|(id, _)| !is_timed(id));
    }
}

fn has(copy: &Copy, property: &str) -> bool {
    copy.others.iter().any(|(id, _)| *id == property)
}

fn fails(copies: &[Copied]) -> bool {
    copies.iter().flatten().any(|copy| copy.finding.violation_count > 0)
}

/// What was a violation is a doubt.
fn take_back(finding: &mut Finding, but: &str) {
    if finding.violation_count == 0 {
        return;
    }
    for (kind, _) in std::mem::take(&mut finding.kinds) {
        finding.doubts.push(format!("“{kind}” happened once, {but}"));
    }
    finding.violation_count = 0;
    finding.violations.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::catalogue;
    use crate::verdict::{Standing, Violation};

    fn case(property: &str) -> &'static Catalogued {
        catalogue().iter().find(|case| case.property == property).unwrap()
    }

    fn broken() -> Finding {
        let mut finding = Finding { observations: 1, ..Finding::default() };
        finding.violate(|| Violation {
            summary: "late".into(),
            exhibits: Vec::new(),
            therefore: String::new(),
            but: String::new(),
        });
        finding
    }

    fn copies(own: bool, other: Option<&'static str>) -> Vec<Copied> {
        let held = Finding { observations: 1, ..Finding::default() };
        let finding = if own { broken() } else { held };
        let others = other.map(|id| (id, broken())).into_iter().collect();
        vec![Ok(Copy { finding, others, ..Copy::default() })]
    }

    fn standing(copies: &[Copied]) -> Standing {
        copies[0].as_ref().unwrap().finding.standing(1)
    }

    #[test]
    fn what_happens_twice_stands_and_what_happens_once_is_a_doubt() {
        let case = case("presence");
        assert!(wants_another(case, &copies(true, None)));
        let mut first = copies(true, None);
        reconsider(case, &mut first, &copies(true, None));
        assert_eq!(standing(&first), Standing::Fail);
        reconsider(case, &mut first, &copies(false, None));
        assert_eq!(standing(&first), Standing::Inconclusive);
    }

    #[test]
    fn where_nobody_can_play_it_again_what_rests_on_time_is_a_doubt() {
        let mut timed = copies(true, Some("backoff"));
        unconfirmed(case("presence"), &mut timed);
        assert_eq!(standing(&timed), Standing::Inconclusive);
        assert!(timed[0].as_ref().unwrap().others.is_empty());
        let mut proven = copies(true, None);
        unconfirmed(case("idempotency"), &mut proven);
        assert_eq!(standing(&proven), Standing::Fail);
    }

    #[test]
    fn what_proves_itself_needs_no_second_time() {
        let case = case("idempotency");
        assert!(!wants_another(case, &copies(true, None)));
        let mut first = copies(true, Some("typing-timeout"));
        assert!(wants_another(case, &first));
        let notes = reconsider(case, &mut first, &copies(false, None));
        assert_eq!(standing(&first), Standing::Fail);
        assert!(first[0].as_ref().unwrap().others.is_empty() && notes.len() == 1, "{notes:?}");
    }
}
