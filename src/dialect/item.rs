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
