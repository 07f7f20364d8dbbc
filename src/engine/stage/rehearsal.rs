//! A rehearsal before the real thing: a few people make a conversation and one of them says something,
//! with little patience, so that a server of another kind is told at once and not by a thousand
//! timeouts.
//!
//! It judges nothing: whoever answers a send, or shows the message to anybody in any way, speaks the
//! spec's language well enough to be put on trial. Start with [`rehearse`].

use super::{Keep, Line, Mark, Play, Site, Unplayed, play};
use crate::engine::preflight::Unreachable;
use crate::history::{Answer, Entry, Event, PersonId};
use crate::operation::Operation;
use crate::plan::script::Script;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::LocalSet;

/// How long a step may take, and an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// The last of the plays: none of the catalogue's has this number.
const NUMBER: u32 = 4_095;
/// What the people are called.
const NAMES: [&str; 8] = ["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal"];
/// Packets that are shown.
const SHOWN: usize = 4;

/// Plays it with these people, or with two of its own.
///
/// # Errors
/// The server speaks otherwise: says which operation failed, and what came instead.
pub(crate) async fn rehearse(
    site: &Site,
    people: Option<Vec<PersonId>>,
) -> Result<(), Unreachable> {
    let mut site = site.clone();
    let mut spec = (*site.spec).clone();
    if spec.deed(Operation::Send).is_none() {
        return Ok(());
    }
    spec.contract.ack_timeout = spec.contract.ack_timeout.min(PATIENCE);
    spec.contract.retries.clear();
    site.spec = Arc::new(spec);
    let count = people.as_ref().map_or(2, Vec::len).min(NAMES.len());
    let text = format!("people: {}\nann send a\nuntil bob sees a\n", NAMES[..count].join(", "));
    let script = Script::parse(&text).expect("a rehearsal is a script");
    let people = people.map(|people| people.into_iter().take(count).collect());
    let rehearsed =
        Play { number: NUMBER, script: Arc::new(script), patience: Some(PATIENCE), people };
    let played = LocalSet::new().run_until(play(&site, &rehearsed, None, Keep::Meanings)).await;
    match played {
        Ok(played) if speaks(&played.entries) => Ok(()),
        Ok(played) => {
            let why = "nothing that it says answers `send`, or shows the message to anybody";
            let mut lines = played.trace.into_iter().skip_while(|line| line.mark != Mark::Step(1));
            lines.next();
            let step = lines.take_while(|line| !matches!(line.mark, Mark::Step(_)));
            Err(strange(&site, why, &step.collect::<Vec<Line>>()))
        }
        Err(Unplayed::SetUp(why, lines)) => Err(strange(&site, &why, &lines)),
        // The real thing will say more.
        Err(Unplayed::Panicked) => Ok(()),
    }
}

/// A send was answered, or its message seen.
fn speaks(entries: &[Entry]) -> bool {
    let mut sent = None;
    entries.iter().any(|entry| match &entry.event {
        Event::Invoke { op, operation: Operation::Send, .. } => {
            sent = Some(*op);
            false
        }
        Event::Answered { op, answer: Answer::Ack { .. } | Answer::Nack(_), .. } => {
            Some(*op) == sent
        }
        Event::Message(seen) => seen.token.is_some(),
        _ => false,
    })
}

fn strange(site: &Site, why: &str, lines: &[Line]) -> Unreachable {
    let (url, name) = (&site.url, &site.spec.name);
    let mut what = format!("the server at `{url}` and spec `{name}` do not fit: {why}");
    let mut packets = 0;
    for line in lines {
        match line.mark {
            Mark::Packet(sign @ ("→" | "←" | "×")) if packets < SHOWN => {
                packets += 1;
                let _ = write!(what, "\n  {} {sign} {}", line.who, line.text);
            }
            Mark::Differs if packets <= SHOWN => {
                let _ = write!(what, "\n        {}", line.text);
            }
            _ => {}
        }
    }
    if !lines.iter().any(|line| line.mark == Mark::Packet("←")) {
        what.push_str("\n  and nothing came back");
    }
    let hint = format!("`assize trace --spec {name} --target {url}` shows it step by step");
    Unreachable::new(what, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{ClientId, OpId};

    #[test]
    fn any_answer_to_the_send_is_enough_and_one_to_something_else_is_not() {
        let entry = |event| Entry { at: 0, client: ClientId(0), event };
        let invoke = |op, operation| {
            let (conversation, message, about) = (None, None, None);
            entry(Event::Invoke { op, operation, conversation, message, about, planned: 0 })
        };
        let answered =
            |op, answer| entry(Event::Answered { op, attempt: 0, answer, excused: false });
        let [join, send] = [OpId(1), OpId(2)];
        let mut entries = vec![invoke(join, Operation::Join), invoke(send, Operation::Send)];
        entries.push(answered(join, Answer::Nack("no".into())));
        entries.push(answered(send, Answer::TimedOut));
        assert!(!speaks(&entries));
        entries.push(answered(send, Answer::Nack("no".into())));
        assert!(speaks(&entries));
    }
}
