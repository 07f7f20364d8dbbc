//! A play as sentences: what its clients did and saw up to the contradiction, in the order of time, with the
//! lines of the argument among them. Its diagram is drawn from that.

use crate::history::{Answer, Carrier, ClientId, Entry, Event, Nanos, OpId, Token};
use crate::operation::Operation;
use crate::outcome::exploration::Scene;
use crate::verdict::{Exhibit, Violation};
use rustc_hash::FxHashMap;

/// The most lines of a scene.
const MOST: usize = 40;

/// The scene of a violation.
pub(super) fn scene(entries: &[Entry], violation: &Violation) -> Scene {
    let Some(end) = violation.exhibits.iter().map(|exhibit| exhibit.at).max() else {
        return Scene::default();
    };
    let is_script =
        |entry: &Entry| matches!(&entry.event, Event::Phase { name } if name == "script");
    let begins = entries.iter().find(|entry| is_script(entry)).map_or(0, |entry| entry.at);
    let argued = |at: Nanos, client: ClientId| {
        violation.exhibits.iter().any(|exhibit| exhibit.at == at && exhibit.client == client)
    };
    let mut asked = Asked::default();
    let mut lines: Vec<(Exhibit, bool)> = Vec::new();
    for entry in entries.iter().take_while(|entry| entry.at <= end) {
        let told = asked.tell(&entry.event);
        if entry.at >= begins
            && !argued(entry.at, entry.client)
            && let Some(text) = told
        {
            lines.push((Exhibit { at: entry.at, client: entry.client, text }, false));
        }
    }
    // The argument in the judge's own words.
    lines.extend(violation.exhibits.iter().map(|exhibit| (exhibit.clone(), true)));
    lines.sort_by_key(|(exhibit, _)| exhibit.at);
    let others = lines.iter().filter(|(_, argued)| !argued).count();
    let mut surplus = others.saturating_sub(MOST.saturating_sub(violation.exhibits.len()));
    lines.retain(|(_, argued)| {
        let stays = *argued || surplus == 0;
        surplus -= usize::from(!stays);
        stays
    });
    let argued = lines.iter().enumerate().filter(|(_, (_, argued))| *argued);
    let argued = argued.map(|(row, _)| row).collect();
    Scene { exhibits: lines.into_iter().map(|(exhibit, _)| exhibit).collect(), argued }
}

/// What was asked for, by its number.
#[derive(Default)]
struct Asked(FxHashMap<OpId, (Operation, Option<Token>)>);

impl Asked {
    /// The sentence of an event, if it is worth one.
    fn tell(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Invoke { op, operation, message, .. } => {
                let token = message.as_ref().map(|message| message.token);
                self.0.insert(*op, (*operation, token));
                None
            }
            Event::Attempt { op, attempt } => {
                let again = match attempt {
                    0 => String::new(),
                    number => format!(", attempt {}", number + 1),
                };
                let (operation, token) = self.0.get(op)?;
                Some(match (operation, token) {
                    (Operation::Send, Some(token)) => format!("sent \"{token}\"{again}"),
                    (operation, _) => format!("asked for `{operation}`{again}"),
                })
            }
            Event::Answered { op, answer, .. } => {
                let (operation, _) = self.0.get(op)?;
                let id = |id: &Option<_>| {
                    id.as_ref().map_or_else(String::new, |id| format!(" with id {id}"))
                };
                Some(match (operation, answer) {
                    (Operation::Send, Answer::Ack { id: said, .. }) => {
                        format!("had the ack{}", id(said))
                    }
                    (_, Answer::Ack { id: said, .. }) => {
                        format!("had the answer to `{operation}`{}", id(said))
                    }
                    (_, Answer::Nack(error)) => format!("got an error for `{operation}`: {error}"),
                    (_, Answer::TimedOut) => format!("had no answer to `{operation}` in time"),
                    (_, Answer::Lost) => format!("lost the answer to `{operation}`"),
                })
            }
            Event::Message(seen) => {
                let verb = match seen.by {
                    Carrier::Live => "was pushed",
                    Carrier::Sync(_) | Carrier::History(_) => "read",
                };
                let id = seen.id.as_ref().map_or_else(String::new, |id| format!(" with id {id}"));
                Some(format!("{verb} \"{}\"{id}", seen.token?))
            }
            Event::Connection { state, why, .. } => Some(format!("was {state}: {why}")),
            Event::Fault { what, begins: true } => Some(format!("suffers `{what}`")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{ConversationId, MessageRef, Seen};

    #[test]
    fn a_play_is_told_up_to_the_contradiction_and_the_argument_is_marked() {
        let token = Token::new(1, 5);
        let mut entries = Vec::new();
        let mut at = |at: Nanos, client: u32, event: Event| {
            entries.push(Entry { at, client: ClientId(client), event });
        };
        let send = |op: u32| Event::Invoke {
            op: OpId(op),
            operation: Operation::Send,
            conversation: Some(ConversationId(1)),
            message: Some(MessageRef { token, key: "k".into() }),
            about: None,
            via: None,
            planned: 0,
        };
        at(1, 0, send(1));
        at(1, 0, Event::Attempt { op: OpId(1), attempt: 0 });
        at(5, 0, Event::Phase { name: "script".into() });
        for number in 0..60 {
            at(10 + number, 0, Event::Attempt { op: OpId(1), attempt: 1 });
        }
        let seen = Seen {
            by: Carrier::Live,
            conversation: None,
            token: Some(token),
            key: None,
            id: Some("m1".into()),
            order: None,
            sender: None,
            text: crate::history::Damage::Intact,
        };
        at(100, 1, Event::Message(seen.clone()));
        at(110, 1, Event::Message(seen.clone()));
        at(120, 1, Event::Message(seen));
        let exhibit = |at, text: &str| Exhibit { at, client: ClientId(1), text: text.into() };
        let violation = Violation {
            summary: "twice".into(),
            exhibits: vec![exhibit(100, "was pushed it"), exhibit(110, "was pushed it again")],
            therefore: String::new(),
            but: String::new(),
        };
        let scene = scene(&entries, &violation);
        assert_eq!((scene.exhibits.len(), scene.argued.as_slice()), (MOST, &[38, 39][..]));
        assert_eq!(scene.exhibits[0].text, format!("sent \"{token}\", attempt 2"));
        assert_eq!(scene.exhibits[39].text, "was pushed it again");
        assert_eq!(scene.exhibits[0].at, 10 + 22, "the oldest are left out");
    }
}
