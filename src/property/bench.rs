//! The bench: one judge of each property, fed together; and what they say, put into verdicts.

use crate::history::Entry;
use crate::property::cross_node::Placement;
use crate::property::{ALL, Charge, Judge};
use crate::spec::Spec;
use crate::verdict::{Finding, Verdict};

/// One judge of each property, for one shard.
pub struct Bench {
    judges: Vec<Box<dyn Judge>>,
    /// Who was on which node: what was broken between nodes is `cross-node`'s matter, too.
    placement: Placement,
}

impl Bench {
    /// Seats the judges.
    #[must_use]
    pub fn new(charge: &Charge) -> Self {
        let judges = ALL.iter().map(|property| property.judge(charge)).collect();
        Self { judges, placement: Placement::new(charge) }
    }

    /// Shows every judge the shard's next entry.
    pub fn observe(&mut self, entry: &Entry) {
        self.placement.observe(entry);
        for judge in &mut self.judges {
            judge.observe(entry);
        }
    }

    /// Shows the judges the shard's next entries, one judge after the other.
    pub fn observe_all(&mut self, entries: &[Entry]) {
        entries.iter().for_each(|entry| self.placement.observe(entry));
        for judge in &mut self.judges {
            entries.iter().for_each(|entry| judge.observe(entry));
        }
    }

    /// What each judge found, in the order of [`ALL`].
    #[must_use]
    pub fn finish(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.judges.into_iter().map(Judge::finish).collect();
        self.placement.attribute(&mut findings);
        findings
    }

    /// How many things the judges hold because they are not settled.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.judges.iter().map(|judge| judge.unsettled()).sum()
    }

    /// How many live deliveries are still on their way, as far as the judges know.
    #[must_use]
    pub fn awaited_deliveries(&self) -> usize {
        self.judges.iter().map(|judge| judge.awaited_deliveries()).sum()
    }

    /// Which properties were found broken so far, and how often, in the order of [`ALL`].
    #[must_use]
    pub fn broken(&self) -> Vec<(&'static str, u64)> {
        let counts = self.judges.iter().map(|judge| judge.violations());
        let ids = ALL.iter().map(|property| property.page().id);
        ids.zip(counts).filter(|(_, violations)| *violations > 0).collect()
    }

    /// How many violations were found so far.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.judges.iter().map(|judge| judge.violations()).sum()
    }
}

/// Judges one shard's history from its first entry to its last.
#[must_use]
pub fn judge_all<'a>(
    charge: &Charge,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Vec<Finding> {
    let mut bench = Bench::new(charge);
    for entry in entries {
        bench.observe(entry);
    }
    bench.finish()
}

/// The findings of all shards, property by property. The order of the shards does not matter.
#[must_use]
pub fn merge(shards: impl IntoIterator<Item = Vec<Finding>>) -> Vec<Finding> {
    shards.into_iter().fold(vec![Finding::default(); ALL.len()], |sum, shard| {
        sum.into_iter().zip(shard).map(|(one, other)| one.merge(other)).collect()
    })
}

/// The verdicts that follow from the findings of a run, in the order of [`ALL`]. A property that
/// the spec does not promise is judged too, and says so.
#[must_use]
pub fn verdicts(spec: &Spec, findings: Vec<Finding>) -> Vec<Verdict> {
    charged(&Charge::of(spec), findings)
}

fn charged(charge: &Charge, findings: Vec<Finding>) -> Vec<Verdict> {
    let verdict = |(property, finding): (&&dyn crate::property::Property, Finding)| {
        let page = property.page();
        let promise = charge.promise(page.id);
        Verdict {
            property: page.id.to_owned(),
            standing: finding.standing(page.least_evidence),
            promised: promise.is_some(),
            promise: promise.map_or(page.title, |promise| &promise.says).to_owned(),
            source: promise.map_or(page.source, |promise| &promise.source).to_owned(),
            judged_by: property.judged_by(charge),
            finding,
        }
    };
    ALL.iter().zip(findings).map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::arbitrary::entry;
    use crate::history::{
        Answer, Carrier, ClientId, ConversationId, Damage, Event, MessageRef, OpId, Seen, Token,
    };
    use crate::operation::Operation;
    use crate::property::model::{Bug, charge, run};
    use crate::spec::Promise;
    use crate::verdict::Standing;
    use compact_str::format_compact;
    use proptest::prelude::*;

    const STEPS: u32 = 600;

    fn broken(findings: &[Finding]) -> Vec<&'static str> {
        let ids = ALL.iter().map(|property| property.page().id).zip(findings);
        ids.filter(|(_, finding)| finding.violation_count > 0).map(|(id, _)| id).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn an_honest_server_is_never_accused_nor_doubted(seed: u64) {
            let charge = charge();
            let findings = judge_all(&charge, &run(seed, STEPS, None));
            for finding in &findings {
                prop_assert_eq!(finding.violation_count, 0, "{:#?}", finding);
                prop_assert!(finding.doubts.is_empty(), "{:#?}", finding);
            }
        }

        #[test]
        fn a_bug_never_breaks_another_property(
            seed: u64,
            (bug, property) in proptest::sample::select(Bug::ALL),
        ) {
            let findings = judge_all(&charge(), &run(seed, STEPS, Some(bug)));
            let broken = broken(&findings);
            prop_assert!(
                broken.iter().all(|id| *id == property),
                "{bug:?} breaks {broken:?}: {findings:#?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_history_makes_a_judge_panic(
            mut entries in proptest::collection::vec(entry(), 0..100),
            in_order: bool,
        ) {
            if in_order {
                entries.sort_by_key(|entry| entry.at);
            }
            let findings = judge_all(&Charge::default(), &entries);
            prop_assert_eq!(&findings, &judge_all(&Charge::default(), &entries));
        }
    }

    #[test]
    fn each_bug_is_caught_by_its_property() {
        for (bug, property) in Bug::ALL {
            let caught = (0..8).filter(|seed| {
                let findings = judge_all(&charge(), &run(*seed, STEPS, Some(*bug)));
                broken(&findings).contains(property)
            });
            let caught = caught.count();
            assert!(caught >= 5, "{bug:?} was caught in {caught} of 8 runs");
        }
    }

    /// One message a second: sent by one member of three, acked, and pushed to all.
    fn talk(second: u32) -> Vec<Entry> {
        let (op, conversation) = (OpId(second), ConversationId(0));
        let token = Token::new(1, u64::from(second));
        let at = u64::from(second) * 1_000_000_000;
        let sender = second % 3;
        let key = format_compact!("key-{second}");
        let id = format_compact!("{second}");
        let order = Some(i64::from(second));
        let seen = Seen {
            by: Carrier::Live,
            conversation: Some(conversation),
            token: Some(token),
            key: None,
            id: Some(id.clone()),
            order,
            sender: None,
            text: Damage::Intact,
        };
        let invoke = Event::Invoke {
            op,
            operation: Operation::Send,
            conversation: Some(conversation),
            message: Some(MessageRef { token, key: key.into() }),
            about: None,
            via: None,
            planned: at,
        };
        let answer = Answer::Ack { id: Some(id), order };
        let answered = Event::Answered { op, attempt: 0, answer, excused: false };
        let events = [
            (sender, invoke),
            (sender, Event::Attempt { op, attempt: 0 }),
            (0, Event::Message(seen.clone())),
            (1, Event::Message(seen.clone())),
            (2, Event::Message(seen)),
            (sender, answered),
            (sender, Event::Ok { op, rows: 0 }),
        ];
        let entries = events.into_iter().zip(0..);
        entries
            .map(|((client, event), n)| Entry { at: at + n, client: ClientId(client), event })
            .collect()
    }

    #[test]
    fn memory_grows_with_what_is_unsettled_not_with_the_run() {
        const HOUR: u32 = 3_600;
        for property in ALL {
            let mut judge = property.judge(&Charge::default());
            for entry in crate::property::notation::read("a b c in #0") {
                let client = ClientId(entry.client.0 / 10 - 1);
                judge.observe(&Entry { client, ..entry });
            }
            let mut most = [0, 0];
            for second in 1..2 * HOUR {
                talk(second).iter().for_each(|entry| judge.observe(entry));
                let half = (second / HOUR) as usize;
                // Every acked message waits for its final read: that much is not settled.
                let acked = if property.page().id == "at-least-once" { second as usize } else { 0 };
                most[half] = judge.unsettled().saturating_sub(acked).max(most[half]);
            }
            assert!(most[1] <= most[0], "{}: {most:?}", property.page().id);
            assert!(most[0] < 3_000, "{}: {most:?}", property.page().id);
            assert_eq!(judge.finish().violation_count, 0);
        }
    }

    #[test]
    fn an_honest_run_exercises_every_property() {
        let findings = judge_all(&charge(), &run(1, STEPS, None));
        // What this little world does not play.
        let elsewhere = [
            "authentication",
            "authorization",
            "broadcast-reach",
            "channel-parity",
            "contacts",
            "conversation-identity",
            "cross-node",
            "health",
            "input-limits",
            "pagination",
            "presence",
            "rate-limit",
            "receipts",
            "search",
            "typing-timeout",
            "unread-count",
        ];
        for (property, finding) in ALL.iter().zip(findings) {
            let id = property.page().id;
            if !elsewhere.contains(&id) {
                assert_eq!(finding.standing(1), Standing::Pass, "{id}");
            }
        }
    }

    #[test]
    fn silence_is_not_exercised_and_an_absent_promise_is_said() {
        let mut charge = Charge::default();
        charge.promises.push(Promise {
            property: "ack-timeout".into(),
            says: "an answer within 5 seconds".into(),
            source: "section 7".into(),
            tolerance: None,
        });
        let verdicts = charged(&charge, merge([judge_all(&charge, [])]));
        assert_eq!(verdicts.len(), ALL.len());
        for verdict in verdicts {
            assert_eq!(verdict.standing, Standing::NotExercised);
            let promised = verdict.property == "ack-timeout";
            assert_eq!(verdict.promised, promised);
            assert_eq!(verdict.source == "section 7", promised);
        }
    }
}
