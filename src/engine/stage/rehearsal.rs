//! A rehearsal before the real thing: a few people make a conversation and one of them says something,
//! with little patience, so that a server of another kind is told at once and not by a thousand
//! timeouts.
//!
//! It judges nothing: whoever answers a send, or shows the message to anybody in any way, speaks the
//! spec's language well enough to be put on trial. Start with [`rehearse`].

use super::{Keep, Line, Mark, Play, Site, Unplayed, first_person, play};
use crate::engine::preflight::Unreachable;
use crate::history::{Answer, ClientId, Entry, Event, OpId, PersonId};
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

/// Each other operation, as somebody asks for it once.
const OTHERS: [(Operation, &str); 9] = [
    (Operation::Join, "bob join"),
    (Operation::Delivered, "bob delivered a"),
    (Operation::Read, "bob read a"),
    (Operation::List, "ann list"),
    (Operation::History, "bob history"),
    (Operation::Sync, "ann sync"),
    (Operation::Unread, "bob unread"),
    (Operation::Contacts, "ann contacts"),
    (Operation::Leave, "bob leave"),
];

/// Operations of the spec that the server lacks, and what came instead of an answer.
pub(crate) type Lacking = Vec<(Operation, String)>;

/// The two people of a rehearsal that has people of its own.
pub(crate) fn rehearsers(run: u64) -> [PersonId; 2] {
    let PersonId(first) = first_person(NUMBER, run);
    [PersonId(first), PersonId(first + 1)]
}

/// Plays it with these people, or with two of its own, who then try every other operation as well.
/// Hands back those that had no answer that the spec knows.
///
/// # Errors
/// The server speaks otherwise: says which operation failed, and what came instead.
pub(crate) async fn rehearse(
    site: &Site,
    people: Option<Vec<PersonId>>,
) -> Result<Lacking, Unreachable> {
    let mut site = site.clone();
    let mut spec = (*site.spec).clone();
    if spec.deed(Operation::Send).is_none() {
        return Ok(Vec::new());
    }
    spec.contract.ack_timeout = spec.contract.ack_timeout.min(PATIENCE);
    spec.contract.retries.clear();
    site.spec = Arc::new(spec);
    let count = people.as_ref().map_or(2, Vec::len).min(NAMES.len());
    let mut text = format!("people: {}\nann send a\nuntil bob sees a\n", NAMES[..count].join(", "));
    if people.is_none() {
        let asked = OTHERS.iter().filter(|(operation, _)| site.spec.deed(*operation).is_some());
        asked.for_each(|(_, line)| text.extend([*line, "\n"]));
    }
    let script = Script::parse(&text).expect("a rehearsal is a script");
    let people = people.map(|people| people.into_iter().take(count).collect());
    let rehearsed =
        Play { number: NUMBER, script: Arc::new(script), patience: Some(PATIENCE), people };
    let played = LocalSet::new().run_until(play(&site, &rehearsed, None, Keep::Meanings)).await;
    match played {
        Ok(played) if speaks(&played.entries) => Ok(lacking(&played.entries)),
        Ok(played) => {
            let why = "nothing that it says answers `send`, or shows the message to anybody";
            let mut lines = played.trace.into_iter().skip_while(|line| line.mark != Mark::Step(1));
            lines.next();
            let step = lines.take_while(|line| !matches!(line.mark, Mark::Step(_)));
            Err(strange(&site, why, &step.collect::<Vec<Line>>()))
        }
        Err(Unplayed::SetUp(why, lines)) => Err(strange(&site, &why, &lines)),
        // The real thing will say more.
        Err(Unplayed::Panicked) => Ok(Vec::new()),
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

/// The operations that had no answer at all, or none that the spec knows; and the reads that were refused:
/// each is of something of the reader's own.
fn lacking(entries: &[Entry]) -> Lacking {
    let mut open: Vec<(OpId, ClientId, Operation, Option<String>)> = Vec::new();
    for Entry { client, event, .. } in entries {
        match event {
            Event::Invoke { op, operation, .. } => open.push((*op, *client, *operation, None)),
            Event::Answered { op, answer: Answer::Nack(error), .. } => {
                open.retain(|(known, _, operation, _)| known != op || operation.reads());
                if let Some((.., why)) = open.iter_mut().find(|(known, ..)| known == op) {
                    *why = Some(format!("the refusal `{error}`"));
                }
            }
            Event::Answered { op, answer: Answer::Ack { .. }, .. } | Event::Ok { op, .. } => {
                open.retain(|(known, ..)| known != op);
            }
            Event::Garbage { what } => {
                let theirs = open.iter_mut().rev().find(|(_, owner, ..)| owner == client);
                if let Some((.., why)) = theirs {
                    why.get_or_insert_with(|| what.to_string());
                }
            }
            _ => {}
        }
    }
    let asked = |operation: &Operation| OTHERS.iter().any(|(other, _)| other == operation);
    let mut lacking = Lacking::new();
    for (_, _, operation, why) in open {
        if asked(&operation) && !lacking.iter().any(|(known, _)| *known == operation) {
            let nothing = || format!("nothing within {} s", PATIENCE.as_secs());
            lacking.push((operation, why.unwrap_or_else(nothing)));
        }
    }
    lacking
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
    #[test]
    fn any_answer_to_the_send_is_enough_and_one_to_something_else_is_not() {
        let entry = |event| Entry { at: 0, client: ClientId(0), event };
        let invoke = |op, operation| {
            let (conversation, message, about) = (None, None, None);
            entry(Event::Invoke {
                op,
                operation,
                conversation,
                message,
                about,
                via: None,
                planned: 0,
            })
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
        let [list, read, sync] = [OpId(3), OpId(4), OpId(5)];
        entries.push(invoke(list, Operation::List));
        entries.push(entry(Event::Garbage { what: "status 404".into() }));
        entries.push(answered(list, Answer::Lost));
        entries.push(invoke(read, Operation::History));
        entries.push(invoke(sync, Operation::Sync));
        entries.push(answered(sync, Answer::Nack("no such route".into())));
        assert_eq!(
            lacking(&entries),
            [
                (Operation::List, "status 404".to_owned()),
                (Operation::History, "nothing within 3 s".to_owned()),
                (Operation::Sync, "the refusal `no such route`".to_owned())
            ]
        );
    }
}
