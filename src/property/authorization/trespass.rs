//! Operations of strangers that must be refused: what became of them.

use super::BUT;
use crate::history::{Answer, ClientId, ConversationId, Due, Nanos, OpId};
use crate::operation::Operation;
use crate::property::argument::{exhibit, place, violation};
use crate::verdict::{Exhibit, Finding};
use compact_str::CompactString;
use rustc_hash::{FxHashMap, FxHashSet};

/// Operations that strangers try.
#[derive(Default)]
pub(super) struct Trespasses {
    /// Operations that must be refused, and are not asked for yet.
    due: FxHashSet<OpId>,
    open: FxHashMap<OpId, Trespass>,
    /// By operation: how one was refused where there is a conversation, and where there is none.
    refusals: FxHashMap<Operation, [Option<Refusal>; 2]>,
    /// Had no answer although such operations are answered.
    unanswered: u64,
}

struct Trespass {
    client: ClientId,
    operation: Operation,
    place: ConversationId,
    guessed: bool,
    asked: Nanos,
    tried: bool,
    answered: bool,
}

struct Refusal {
    asked: Exhibit,
    told: Exhibit,
    /// What was said, without what depends on the id.
    gist: String,
}

impl Trespasses {
    pub(super) fn due(&mut self, op: OpId, due: Due) {
        if due == Due::Refused {
            self.due.insert(op);
        }
    }

    pub(super) fn invoke(
        &mut self,
        at: Nanos,
        client: ClientId,
        op: OpId,
        operation: Operation,
        place: ConversationId,
        guessed: bool,
    ) {
        if self.due.remove(&op) {
            let (tried, answered) = (false, false);
            let one = Trespass { client, operation, place, guessed, asked: at, tried, answered };
            self.open.insert(op, one);
        }
    }

    pub(super) fn attempt(&mut self, at: Nanos, op: OpId) {
        if let Some(one) = self.open.get_mut(&op) {
            one.asked = if one.tried { one.asked } else { at };
            one.tried = true;
        }
    }

    pub(super) fn answered(&mut self, at: Nanos, op: OpId, answer: &Answer, found: &mut Finding) {
        let Some(one) = self.open.get_mut(&op) else { return };
        match answer {
            Answer::Ack { .. } => one.accepted(at, None, found),
            Answer::Nack(text) => {
                found.observations += u64::from(!std::mem::replace(&mut one.answered, true));
                let refusal = Refusal {
                    asked: one.exhibit(),
                    told: exhibit(at, one.client, format!("was refused: \"{text}\"")),
                    gist: gist(text),
                };
                let kind = usize::from(one.guessed);
                let both = self.refusals.entry(one.operation).or_default();
                both[kind].get_or_insert(refusal);
                compare(both, found);
            }
            Answer::TimedOut | Answer::Lost => {}
        }
    }

    /// It is over; without an answer if such operations are not answered.
    pub(super) fn ok(&mut self, at: Nanos, op: OpId, rows: u32, found: &mut Finding) {
        let Some(mut one) = self.open.remove(&op) else { return };
        if rows > 0 && !one.answered {
            one.accepted(at, Some(rows), found);
        } else if !one.answered {
            found.observations += 1;
        }
    }

    pub(super) fn failed(&mut self, op: OpId, certain: bool) {
        if let Some(one) = self.open.remove(&op) {
            self.unanswered += u64::from(one.tried && !one.answered && !certain);
        }
    }

    pub(super) fn conclude(&self, found: &mut Finding) {
        if self.unanswered > 0 {
            let count = self.unanswered;
            found.doubts.push(format!("{count} operations of strangers had no documented answer"));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.due.len() + self.open.len()
    }
}

impl Trespass {
    fn exhibit(&self) -> Exhibit {
        let there = if self.guessed { "an id that nothing has" } else { "a stranger there" };
        let text = format!("asked for `{}` of {}, {there}", self.operation, place(self.place));
        exhibit(self.asked, self.client, text)
    }

    fn accepted(&mut self, at: Nanos, rows: Option<u32>, found: &mut Finding) {
        if std::mem::replace(&mut self.answered, true) {
            return;
        }
        found.observations += 1;
        found.violate(|| {
            let had = match rows {
                Some(rows) => format!("had {rows} rows"),
                None => "was told yes".to_owned(),
            };
            let lines = vec![self.exhibit(), exhibit(at, self.client, had)];
            let therefore =
                format!("a stranger did in {} what only participants may do", place(self.place));
            let summary = format!("a stranger's `{}` was accepted", self.operation);
            violation(&summary, lines, therefore, BUT)
        });
    }
}

/// The words of a refusal that do not depend on an id or a number in it.
fn gist(text: &CompactString) -> String {
    let words = text.split_whitespace();
    let plain = words.filter(|word| !word.contains(|letter: char| letter.is_ascii_digit()));
    plain.collect::<Vec<&str>>().join(" ")
}

/// Compares the refusals of one operation, once there are both.
fn compare(both: &mut [Option<Refusal>; 2], found: &mut Finding) {
    let [Some(there), Some(nowhere)] = both else { return };
    if there.gist == nowhere.gist {
        return;
    }
    found.violate(|| {
        let lines = [&there.asked, &there.told, &nowhere.asked, &nowhere.told];
        let lines = lines.into_iter().cloned().collect();
        let therefore = "a stranger can tell which conversations there are";
        let but = "a stranger learns nothing of a conversation";
        violation("a refusal tells whether a conversation exists", lines, therefore, but)
    });
    // Once is enough.
    nowhere.gist.clone_from(&there.gist);
}
