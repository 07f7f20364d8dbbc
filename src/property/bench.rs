//! The bench: one judge of each property, fed together; and what they say, put into verdicts.

use crate::history::Entry;
use crate::property::{ALL, Charge, Judge};
use crate::spec::Spec;
use crate::verdict::{Finding, Verdict};

/// One judge of each property, for one shard.
pub struct Bench {
    judges: Vec<Box<dyn Judge>>,
}

impl Bench {
    /// Seats the judges.
    #[must_use]
    pub fn new(charge: &Charge) -> Self {
        Self { judges: ALL.iter().map(|property| property.judge(charge)).collect() }
    }

    /// Shows every judge the shard's next entry.
    pub fn observe(&mut self, entry: &Entry) {
        for judge in &mut self.judges {
            judge.observe(entry);
        }
    }

    /// What each judge found, in the order of [`ALL`].
    #[must_use]
    pub fn finish(self) -> Vec<Finding> {
        self.judges.into_iter().map(Judge::finish).collect()
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
    use crate::spec::Promise;
    use crate::verdict::Standing;

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
