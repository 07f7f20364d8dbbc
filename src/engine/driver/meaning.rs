//! What a packet was taken for, in words: the answer or sight it is, and what its holes bound.

use super::Driver;
use crate::client::Reply;
use crate::dialect::Heard;
use crate::engine::rest;
use crate::engine::trace::{Keep, Mark};
use crate::history::{Damage, Event, OpId, Seen};
use crate::source;
use crate::spec::{Protocol, Via};

impl Driver {
    /// Says it beneath the packet, where that is wanted. `event` is the packet's name, if it has one.
    pub(super) fn explain(&self, heard: &Heard, event: Option<&str>) {
        let mark = match heard {
            Heard::Garbage(_) | Heard::Unknown | Heard::Answer(_, _, Reply::No(_)) => Mark::Differs,
            _ => Mark::Means,
        };
        self.say(mark, || match heard {
            Heard::Onward(onward) => format!("yes to `{}`, and it goes on", onward.route.operation),
            Heard::Answer(attempt, rows, reply) => self.answer(attempt.op, rows, reply),
            Heard::Echo(attempt, _, seen) => {
                format!("answers `{}`: {}", self.asked(attempt.op), message(seen))
            }
            Heard::Sight(Event::Message(seen)) => message(seen),
            Heard::Sight(event) => sight(event),
            Heard::Unknown => self.unknown(event),
            Heard::Garbage(why) => why.to_string(),
        });
    }

    /// The same of an answer over HTTP.
    pub(super) fn explain_call(&self, op: OpId, outcome: &rest::Outcome) {
        let mark = match outcome {
            rest::Outcome::Failed(_) | rest::Outcome::Answered(Reply::No(_)) => Mark::Differs,
            _ => Mark::Means,
        };
        self.say(mark, || match outcome {
            rest::Outcome::Answered(reply) => self.answer(op, &[], reply),
            rest::Outcome::Read { rows, count, .. } => {
                let operation = self.asked(op);
                format!("yes to `{operation}`: {}", listed(rows, *count))
            }
            rest::Outcome::Failed(why) => why.to_string(),
        });
    }

    fn say(&self, mark: Mark, text: impl FnOnce() -> String) {
        let mut trace = self.shard.trace.borrow_mut();
        if trace.keep >= Keep::Meanings {
            trace.say(self.shard.clock.now(), self.id, mark, text);
        }
    }

    fn asked(&self, op: OpId) -> String {
        self.machine.asked(op).map_or_else(|| "what was over already".into(), |one| one.to_string())
    }

    fn answer(&self, op: OpId, rows: &[Event], reply: &Reply) -> String {
        let operation = self.asked(op);
        match reply {
            Reply::Yes { id: None, order: None, rows: count, .. }
                if !rows.is_empty() || *count > 0 =>
            {
                format!("yes to `{operation}`: {}", listed(rows, *count))
            }
            Reply::Yes { id, order, .. } => {
                let named = if operation == "create" { "$conversation" } else { "$message" };
                let place = order.map(|order| order.to_string().into());
                let bound = [(named, id.clone()), ("its place in the order", place)];
                format!("yes to `{operation}`{}", bindings(&bound))
            }
            Reply::No(error) => format!("no to `{operation}`: “{error}”"),
            Reply::Lost => format!("no answer to `{operation}`"),
        }
    }

    fn unknown(&self, event: Option<&str>) -> String {
        let spec = &self.shard.dialect.spec;
        let Some(event) = event else {
            return match spec.connect.protocol {
                Protocol::SocketIo { .. } => "answers nothing that was asked".into(),
                _ => "no frame of the spec; what it does not mention is passed over".into(),
            };
        };
        let names = spec.sees.iter().filter_map(|seen| match &seen.reception.via {
            Via::Event(name) => Some(name.as_str()),
            _ => None,
        });
        match source::suggestion(event, names) {
            Some(near) => format!("no event of the spec; the nearest is `{near}`"),
            None => "no event of the spec; what it does not mention is passed over".into(),
        }
    }
}

fn message(seen: &Seen) -> String {
    let text = match (&seen.text, seen.token) {
        (Damage::Intact, Some(_)) => "the text as it was sent".to_owned(),
        (Damage::NotShown, _) => "no text".to_owned(),
        (damage, Some(_)) => format!("the text otherwise than it was sent ({damage:?})"),
        (_, None) => "a text that nobody here sent".to_owned(),
    };
    let conversation = match seen.conversation {
        Some(_) => "",
        None => ", in no conversation that it names and we know",
    };
    let bound = [
        ("$message", seen.id.clone()),
        ("$sender", seen.sender.clone()),
        ("$key", seen.key.clone()),
        ("its place in the order", seen.order.map(|order| order.to_string().into())),
    ];
    format!("a message: {text}{conversation}{}", bindings(&bound).replacen(": ", "; ", 1))
}

fn sight(event: &Event) -> String {
    let Event::Saw { sight, user, id, state, users, .. } = event else { return String::new() };
    let users = users.as_ref().map(|users| users.join(", ").into());
    let bound = [
        ("$sender or $reader", user.clone()),
        ("$message", id.clone()),
        ("$status", state.clone()),
        ("users", users),
    ];
    format!("`{sight}`{}", bindings(&bound))
}

fn listed(rows: &[Event], count: u32) -> String {
    let first = rows.iter().find_map(|row| match row {
        Event::Message(seen) => Some(format!("; the first is {}", message(seen))),
        Event::Listed { id, user, .. } => Some(format!(
            "; the first{}",
            bindings(&[("$conversation", id.clone()), ("$peer", user.clone())])
        )),
        _ => None,
    });
    let rows = if count == 1 { "row" } else { "rows" };
    format!("{count} {rows}{}", first.unwrap_or_default())
}

/// What was bound, behind a colon; nothing if nothing was.
fn bindings(all: &[(&str, Option<compact_str::CompactString>)]) -> String {
    let bound: Vec<String> = all
        .iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?)))
        .collect();
    if bound.is_empty() { String::new() } else { format!(": {}", bound.join(", ")) }
}
