//! The bugs at the door: what a careless server makes of an event before it is a command.
//!
//! The honest way through here is nothing at all: what comes in is read by `play`, and refused
//! there if it is no question that the spec knows.

use crate::operation::Operation;
use crate::reference::bugs::{Bug, Bugs};
use crate::reference::model::{Command, Refusal, RefusalKind};
use crate::reference::play::{Asked, Play};
use serde_json::Value;

/// Bytes of an event that are too many for `huge-disconnects`.
const HUGE: usize = 50_000;

/// What an event does to the server, instead of being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The connection is closed.
    HangUp,
    /// Everybody in the sender's rooms loses the connection: the process behind them is gone.
    Crash,
    /// Nothing happens, and nobody is told.
    Silence,
}

/// An event that came in, as far as it was understood.
pub(crate) struct Intake<'a> {
    pub(crate) json: &'a str,
    pub(crate) asked: Option<&'a Asked>,
    pub(crate) command: Option<&'a Command>,
    /// The client waits for an acknowledgement.
    pub(crate) awaited: bool,
}

impl Intake<'_> {
    /// What the bugs make of it.
    pub(crate) fn mishap(&self, bugs: Bugs, play: &Play) -> Option<Mishap> {
        let operation = self.asked.map(|asked| play.operation(asked.route));
        let malformed = self.command.is_some_and(is_malformed);
        let bad_send = malformed && operation == Some(Operation::Send);
        let typing = [Some(Operation::TypingStart), Some(Operation::TypingStop)];
        let unheard = self.asked.is_some_and(|asked| !self.awaited && play.acks(asked.route));
        let rules = [
            (Bug::HugeDisconnects, self.json.len() > HUGE, Mishap::HangUp),
            (Bug::UnknownEventDisconnects, self.asked.is_none(), Mishap::HangUp),
            (Bug::BadInputDisconnects, bad_send, Mishap::HangUp),
            (Bug::BadInputCrash, bad_send, Mishap::Crash),
            (Bug::BadInputSilent, bad_send, Mishap::Silence),
            (Bug::ReadCrash, malformed && operation == Some(Operation::Read), Mishap::Crash),
            (Bug::TypingCrash, malformed && typing.contains(&operation), Mishap::Crash),
            (Bug::MissingAckCrash, unheard, Mishap::Crash),
        ];
        let mut struck = rules.into_iter().filter(|(bug, strikes, _)| bugs.has(*bug) && *strikes);
        struck.next().map(|(.., mishap)| mishap)
    }
}

/// The event as the bugs read it that take anything for a text; `None`: as it came.
pub(crate) fn coerced(bugs: Bugs, json: &str) -> Option<String> {
    let (nulls, numbers) = (bugs.has(Bug::NullAsText), bugs.has(Bug::NumberAsText));
    if !nulls && !numbers {
        return None;
    }
    let mut event: Value = serde_json::from_str(json).ok()?;
    coerce(&mut event, &|value| nulls && value.is_null() || numbers && value.is_f64());
    Some(event.to_string())
}

fn coerce(value: &mut Value, fits: &dyn Fn(&Value) -> bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| coerce(item, fits)),
        Value::Object(fields) => fields.values_mut().for_each(|field| coerce(field, fits)),
        leaf if fits(leaf) => *leaf = Value::String(leaf.to_string()),
        _ => {}
    }
}

/// The refusal of a schema that knows no further fields; `documented` is the event as the spec
/// has it.
pub(crate) fn surplus(bugs: Bugs, json: &str, documented: &str) -> Option<Refusal> {
    if !bugs.has(Bug::ExtraFieldsRefused) {
        return None;
    }
    let fields = |json: &str| serde_json::from_str(json).map_or(0, |value| count(&value));
    (fields(json) > fields(documented)).then(|| Refusal::malformed("unknown field"))
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.len() + fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// The error of a server that tells what it should keep to itself.
pub(crate) fn careless(bugs: Bugs, refusal: Refusal) -> Refusal {
    if !bugs.has(Bug::ErrorLeaksStack) || refusal.kind != RefusalKind::Malformed {
        return refusal;
    }
    let text = format!(
        "TypeError: {}\n    at handleMessage (/srv/chat/src/handlers/message.js:42:17)\n    \
         at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
        refusal.text
    );
    Refusal { text, ..refusal }
}

fn is_malformed(command: &Command) -> bool {
    matches!(command, Command::Refuse(refusal) if refusal.kind == RefusalKind::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_for_texts_only_by_their_bug() {
        let json = r#"["send",7,{"text":null,"n":4.5}]"#;
        assert_eq!(coerced(Bugs::NONE, json), None);
        let read = |bug| coerced(Bugs::NONE.with(bug), json).unwrap();
        assert_eq!(read(Bug::NullAsText), r#"["send",7,{"n":4.5,"text":"null"}]"#);
        assert_eq!(read(Bug::NumberAsText), r#"["send",7,{"n":"4.5","text":null}]"#);
    }

    #[test]
    fn only_more_fields_are_a_surplus() {
        let bugs = Bugs::NONE.with(Bug::ExtraFieldsRefused);
        let documented = r#"["send",7,{"text":"a"}]"#;
        assert_eq!(surplus(bugs, documented, documented), None);
        assert!(surplus(bugs, r#"["send",7,{"text":"a","b":{"c":1}}]"#, documented).is_some());
        assert_eq!(surplus(Bugs::NONE, r#"["send",7,{"text":"a","b":1}]"#, documented), None);
    }
}
