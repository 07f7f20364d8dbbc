//! `health`: what a server says of itself is what its clients find.

mod probes;

use crate::fault::Effect;
use crate::history::{Answer, ClientId, Entry, Event, Nanos, OpId};
use crate::operation::Operation;
use crate::property::argument::{exhibit, span, violation};
use crate::property::{Charge, Judge, Page, Probe, Property};
use crate::verdict::{Exhibit, Finding};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// What a server says of itself is what its clients find.
#[derive(Debug)]
pub struct Health;

static PAGE: Page = Page {
    id: "health",
    title: "A server's health MUST say that it is well while it serves, and only then.",
    promises: "The health path answers at once and tells the truth: yes while clients are served, no, \
        or nothing at all, while they are not; and yes again when they are.",
    matters: "A load balancer believes it. A server that is always well keeps its clients while it \
        fails them; one that is never well, or stays unwell after a restart, gets none.",
    judged: "Each answer is compared with what clients were told around it, in the half second before \
        it was asked for and after it came. A yes is false if at least two operations failed there \
        and none was done. A no, and a silence, is false if operations were done before and after, \
        none failed, and nothing happened to the server's process.",
    blind: "What nobody asked for at that time: health without other operations around it proves \
        nothing. Which part is out. How fast it answers. Whether it says no at once when the store goes: \
        while some are still served, either word is true.",
    example: "  3.120 s  client 1  was refused: \"the store is out of reach\"\n  \
        3.201 s  client 2  asked for the health, and it said yes\n  \
        3.270 s  client 1  was refused: \"the store is out of reach\"\n\
        therefore the health says yes while nobody is served\n\
        but health says what clients find",
    source: "common practice: what a load balancer asks for.",
    tolerance: None,
    least_evidence: 1,
    evidence: "One answer of the health path, with other operations around it.",
};

const BUT: &str = "health says what clients find";

/// So long before and after an answer counts.
const AROUND: Nanos = 500_000_000;
/// Outcomes that are remembered.
const REMEMBERED: usize = 4_000;

impl Property for Health {
    fn page(&self) -> &'static Page {
        &PAGE
    }

    fn judged_by(&self, _: &Charge) -> String {
        format!("each answer against the operations of {} around it", span(AROUND))
    }

    fn probes(&self) -> &'static [Probe] {
        probes::PROBES
    }

    fn judge(&self, charge: &Charge) -> Box<dyn Judge> {
        Box::new(Doctor {
            is_asked: charge.does(Operation::Health),
            due: FxHashSet::default(),
            asked: FxHashMap::default(),
            others: FxHashMap::default(),
            outcomes: VecDeque::new(),
            words: VecDeque::new(),
            struck: false,
            strikes: VecDeque::new(),
            finding: Finding::default(),
        })
    }
}

/// The judge: what was said, and what clients found.
struct Doctor {
    /// Clients can ask for the health.
    is_asked: bool,
    /// Operations of which something special is demanded.
    due: FxHashSet<OpId>,
    /// Questions for the health that are not answered.
    asked: FxHashMap<OpId, Nanos>,
    /// Other operations that are not over, and when they were asked for.
    others: FxHashMap<OpId, Nanos>,
    /// What came of them, in the order of time.
    outcomes: VecDeque<Outcome>,
    /// Answers that wait for what comes after them.
    words: VecDeque<Word>,
    /// Something happens to the server or to its clients' connections now.
    struck: bool,
    /// When it ended.
    strikes: VecDeque<Nanos>,
    finding: Finding,
}

struct Outcome {
    asked: Nanos,
    at: Nanos,
    client: ClientId,
    /// Why not, if it was not done.
    failed: Option<String>,
}

/// What the health said.
struct Word {
    asked: Nanos,
    at: Nanos,
    client: ClientId,
    said: Said,
    struck: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Yes,
    No,
    Nothing,
}

impl Judge for Doctor {
    fn observe(&mut self, entry: &Entry) {
        if !self.is_asked {
            return;
        }
        let (at, client) = (entry.at, entry.client);
        self.settle(at);
        match &entry.event {
            Event::Fault { what, begins } => {
                let effect = Effect::of(what);
                if effect.answers || effect.connection || effect.deliveries {
                    self.struck = *begins;
                    self.strikes.push_back(at);
                }
            }
            Event::Due { op, .. } => {
                self.due.insert(*op);
            }
            Event::Invoke { op, operation, .. } => {
                let special = self.due.remove(op);
                if *operation != Operation::Health && !special {
                    self.others.insert(*op, at);
                }
            }
            Event::Attempt { op, .. } => {
                if let Some(asked) = self.others.get_mut(op) {
                    *asked = at;
                }
            }
            // A fault explains a silence. An answer is the server's own word.
            Event::Answered { answer: Answer::TimedOut | Answer::Lost, excused: true, .. } => {}
            Event::Answered { op, answer, .. } => {
                if let Some(asked) = self.others.get(op).copied() {
                    self.found(asked, at, client, answer);
                }
            }
            _ => {}
        }
        self.health(entry);
        if let Event::Ok { op, .. } | Event::Failed { op, .. } = &entry.event {
            self.others.remove(op);
            self.due.remove(op);
        }
    }

    fn finish(mut self: Box<Self>) -> Finding {
        self.settle(Nanos::MAX);
        self.finding
    }

    fn violations(&self) -> u64 {
        self.finding.violation_count
    }

    fn unsettled(&self) -> usize {
        let open = self.due.len() + self.asked.len() + self.others.len();
        open + self.outcomes.len() + self.words.len() + self.strikes.len()
    }
}

impl Doctor {
    /// A question for the health, and its answer.
    fn health(&mut self, entry: &Entry) {
        let (at, client) = (entry.at, entry.client);
        let (op, said) = match &entry.event {
            Event::Invoke { op, operation: Operation::Health, .. } => {
                self.asked.insert(*op, at);
                return;
            }
            Event::Answered { op, answer, .. } => match answer {
                Answer::Ack { .. } => (op, Said::Yes),
                Answer::Nack(_) => (op, Said::No),
                Answer::TimedOut | Answer::Lost => (op, Said::Nothing),
            },
            _ => return,
        };
        let Some(asked) = self.asked.remove(op) else { return };
        let struck = self.struck;
        self.words.push_back(Word { asked, at, client, said, struck });
    }

    fn found(&mut self, asked: Nanos, at: Nanos, client: ClientId, answer: &Answer) {
        let failed = match answer {
            Answer::Ack { .. } => None,
            Answer::Nack(error) => Some(format!("was refused: \"{error}\"")),
            Answer::TimedOut => Some("had no answer in time".to_owned()),
            Answer::Lost => Some("lost its connection".to_owned()),
        };
        if self.outcomes.len() == REMEMBERED {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(Outcome { asked, at, client, failed });
    }

    /// Judges the answers of which all is known now, and forgets what is too old.
    fn settle(&mut self, now: Nanos) {
        while let Some(word) = self.words.front()
            && now > word.at.saturating_add(AROUND)
        {
            let Some(word) = self.words.pop_front() else { return };
            self.judge(&word);
        }
        let needed = self.words.front().map_or(now, |word| word.asked);
        let needed = self.asked.values().copied().min().map_or(needed, |asked| asked.min(needed));
        let oldest = needed.saturating_sub(2 * AROUND);
        while self.outcomes.front().is_some_and(|outcome| outcome.at < oldest) {
            self.outcomes.pop_front();
        }
        while self.strikes.front().is_some_and(|at| *at < oldest) {
            self.strikes.pop_front();
        }
    }

    fn judge(&mut self, word: &Word) {
        let (from, to) = (word.asked.saturating_sub(AROUND), word.at.saturating_add(AROUND));
        let around = || self.outcomes.iter().filter(|one| one.asked >= from && one.at <= to);
        let before = around().any(|one| one.failed.is_none() && one.at <= word.asked);
        let after = around().any(|one| one.failed.is_none() && one.asked >= word.at);
        let done = around().any(|one| one.failed.is_none());
        let failed: Vec<Exhibit> = around().filter_map(Outcome::line).collect();
        let calm = !word.struck && !self.strikes.iter().any(|at| (from..=to).contains(at));
        self.finding.observations += u64::from(around().next().is_some());
        let said = match word.said {
            Said::Yes => "it said yes",
            Said::No => "it said no",
            Said::Nothing => "there was no answer",
        };
        let word_line = exhibit(word.at, word.client, format!("asked for the health, and {said}"));
        if word.said == Said::Yes && failed.len() >= 2 && !done {
            let lines = failed.into_iter().take(6).chain([word_line]).collect();
            return self.finding.violate(|| {
                let therefore = "the health says yes while nobody is served";
                violation("well while nobody is served", lines, therefore, BUT)
            });
        }
        if word.said != Said::Yes && before && after && failed.is_empty() && calm {
            let summary = match word.said {
                Said::No => "unwell while everybody is served",
                _ => "no word of health while everybody is served",
            };
            self.finding.violate(|| {
                let therefore = "clients were served before and after, and nothing failed";
                violation(summary, vec![word_line], therefore, BUT)
            });
        }
    }
}

impl Outcome {
    fn line(&self) -> Option<Exhibit> {
        self.failed.as_ref().map(|why| exhibit(self.at, self.client, why.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::notation::{fails, passes, stands};
    use crate::verdict::Standing;

    const IT: Health = Health;

    /// A send before and a send after a question for the health, each with this outcome.
    fn history(before: &str, word: &str, after: &str) -> String {
        format!(
            "a b in #1
             a sends o1 t1 k1 #1
             a {before} o1
             a sends o2 t2 k2 #1
             a {before} o2
             b asks-health o5
             b {word} o5
             a sends o3 t3 k3 #1
             a {after} o3"
        )
    }

    #[test]
    fn yes_while_clients_are_served_and_no_while_they_are_not() {
        passes(&IT, &Charge::default(), &history("acked", "done", "acked"));
        passes(&IT, &Charge::default(), &history("refused", "refused", "refused"));
    }

    #[test]
    fn yes_while_nobody_is_served_is_false() {
        let history = history("refused", "done", "refused");
        fails(&IT, &Charge::default(), &history, "well while nobody is served");
        passes(&IT, &Charge::default(), &history.replace("a refused o3", "a acked o3"));
    }

    #[test]
    fn no_while_everybody_is_served_is_false() {
        let unwell = history("acked", "refused", "acked");
        fails(&IT, &Charge::default(), &unwell, "unwell while everybody is served");
        let silent = history("acked", "lost", "acked");
        fails(&IT, &Charge::default(), &silent, "no word of health while everybody is served");
        let struck = unwell.replace("b asks-health", "a fault begins restart\nb asks-health");
        passes(&IT, &Charge::default(), &struck);
    }

    #[test]
    fn an_answer_alone_proves_nothing() {
        let alone = "a b in #1\nb asks-health o5\nb done o5";
        stands(&IT, &Charge::default(), alone, Standing::NotExercised);
    }
}
