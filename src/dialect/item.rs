//! An event of a batch: what a poll's answer, or a stream, has of it is read by the shapes of `see`.

use crate::dialect::voice::{Heard, listed, somebody};
use crate::dialect::{Dialect, excerpt};
use crate::history::{Carrier, Event};
use crate::operation::Sight;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Candidate, Hole, Pushed};

impl Dialect {
    /// What an event shows, which is bound to `$event`, beside what the batch says of it. One event
    /// may tell of several things: each row of its shape is one, unless the rows are a state.
    #[must_use]
    pub fn item(&self, batch: &Bindings) -> Vec<Heard> {
        let json = batch.get(Hole::EVENT).map(written).unwrap_or_default();
        let candidates = self.receiver.frame(&json);
        let sights = || {
            candidates.iter().filter_map(|candidate| match candidate {
                Candidate::Pushed(index) => self.spec.sees.get(usize::from(*index)),
                Candidate::Answer(_) => None,
            })
        };
        let mut known = batch.clone();
        if let Some(pushed) = sights().find(|one| one.reception.shape.fits(&json, &mut known)) {
            return self.items(pushed, &json, batch);
        }
        let strange = sights().find_map(|one| {
            let mismatch = one.reception.shape.matches(&json, &mut known).err()?;
            // Where the very words differ that tell events apart, it is another event.
            let mut words = one.reception.shape.constants().peekable();
            let known = words.peek().is_some()
                && !words.any(|(field, _)| mismatch.pointer.strip_prefix('/') == Some(field));
            known.then(|| format!("an event does not fit `{}`: {mismatch}", one.sight))
        });
        vec![strange.map_or(Heard::Unknown, |what| Heard::Garbage(excerpt(&what)))]
    }

    fn items(&self, pushed: &Pushed, json: &str, batch: &Bindings) -> Vec<Heard> {
        let shape = &pushed.reception.shape;
        let is_state = matches!(pushed.sight, Sight::Typing | Sight::Presence);
        if is_state && shape.is_repeated() {
            let mut bound = batch.clone();
            let users = shape.fits(json, &mut bound).then(|| listed(pushed, json)).flatten();
            return vec![Heard::Sight(self.saw(pushed.sight, &bound, users))];
        }
        let mut heard = Vec::new();
        shape.fitting_rows(json, batch, &mut |row| {
            heard.push(Heard::Sight(match Self::is_message(pushed) {
                true => Event::Message(self.seen(Carrier::Live, row, None)),
                false => self.saw(pushed.sight, row, None),
            }));
        });
        heard
    }

    fn saw(
        &self,
        sight: Sight,
        bound: &Bindings,
        users: Option<Vec<compact_str::CompactString>>,
    ) -> Event {
        Event::Saw {
            sight,
            conversation: self.place(bound),
            user: somebody(bound).filter(|_| users.is_none()),
            id: bound.get(Hole::MESSAGE).map(Scalar::id),
            state: bound.get(Hole::STATUS).map(Scalar::id),
            row: None,
            users,
        }
    }
}

fn written(event: &Scalar) -> String {
    let mut json = String::new();
    event.write_json(&mut json);
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// What an event of the Matrix spec shows, in words.
    fn shown(event: &str) -> Vec<String> {
        let yaml = include_str!("../../specs/matrix.yaml");
        let loaded = crate::spec::load("matrix.yaml", yaml, &crate::property::ids());
        let dialect = Dialect::new(Arc::new(loaded.unwrap().spec), 1_000, 1);
        dialect.learn(crate::history::ConversationId(7), "!room".into());
        let batch = Bindings::new()
            .with(Hole::CONVERSATION, "!room")
            .with(Hole::EVENT, Scalar::Json(event.into()));
        let words = |heard: Heard| match heard {
            Heard::Sight(Event::Message(seen)) => {
                format!("message {} in {}", seen.id.unwrap(), seen.conversation.unwrap().0)
            }
            Heard::Sight(Event::Saw { sight, conversation, user, id, state, users, .. }) => {
                let place = conversation.map(|place| place.0);
                format!("{sight} {place:?} {user:?} {id:?} {state:?} {users:?}")
            }
            Heard::Garbage(what) => format!("garbage: {what}"),
            other => format!("{other:?}"),
        };
        dialect.item(&batch).into_iter().map(words).collect()
    }

    #[test]
    fn an_event_is_told_apart_by_its_type_and_placed_by_its_batch() {
        let message = r#"{"type":"m.room.message","event_id":"$1","sender":"@a:x",
            "origin_server_ts":17,"content":{"msgtype":"m.text","body":"hi"}}"#;
        assert_eq!(shown(message), ["message $1 in 7"]);
        assert_eq!(shown(r#"{"type":"m.room.topic","content":{}}"#), ["Unknown"]);
        let strange = shown(r#"{"type":"m.room.message","event_id":"$1"}"#);
        assert!(strange[0].starts_with("garbage: an event does not fit `message`"), "{strange:?}");
    }

    #[test]
    fn a_state_is_one_sight_and_other_rows_are_one_each() {
        let typing = r#"{"type":"m.typing","content":{"user_ids":["@a:x","@b:x"]}}"#;
        assert_eq!(shown(typing), [r#"typing Some(7) None None None Some(["@a:x", "@b:x"])"#]);
        let receipts = r#"{"type":"m.receipt","content":{"$1":{"m.read":{"@a:x":{},"@b:x":{}}},
            "$2":{"m.read.private":{"@c:x":{}}}}}"#;
        let read = |user| format!(r#"receipt Some(7) Some("{user}") Some("$1") None None"#);
        assert_eq!(shown(receipts), [read("@a:x"), read("@b:x")]);
    }
}
