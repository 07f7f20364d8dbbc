//! What others see, filled once for all who see the same.

use super::{Item, Play, fill};
use crate::operation::Sight;
use crate::reference::model::*;
use crate::spec::{Bindings, Hole, Pushed, Via};
use serde::ser::{Serialize, SerializeTuple, Serializer};
use serde_json::value::RawValue;

/// Something pushed, serialised.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A Socket.IO event: its name, and the rest of its array.
    Event { name: String, arguments: Arguments },
    /// A JSON frame.
    Frame(String),
    /// An event that waits to be fetched in a batch.
    Item(Box<Item>),
}

/// Arguments that are JSON already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments(Vec<Box<RawValue>>);

impl Arguments {
    /// The elements of a JSON array.
    pub(crate) fn parse(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }
}

impl Outgoing {
    /// Splits `[name, …]` of an event.
    pub(crate) fn parse(json: &str) -> Option<Self> {
        let mut all: Vec<Box<RawValue>> = serde_json::from_str(json).ok()?;
        let rest = all.split_off(1.min(all.len()));
        let name = serde_json::from_str(all.first()?.get()).ok()?;
        let arguments = Arguments(rest);
        Some(Self::Event { name, arguments })
    }

    fn of(via: &Via, json: String) -> Option<Self> {
        match via {
            Via::Frame => Some(Self::Frame(json)),
            _ => Self::parse(&json),
        }
    }
}

impl Serialize for Arguments {
    /// As a tuple: so `socketioxide` takes them for several arguments.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for argument in &self.0 {
            tuple.serialize_element(argument)?;
        }
        tuple.end()
    }
}

impl Play {
    /// Whether this looks different to each receiver.
    pub(crate) fn is_personal(&self, sight: Sight) -> bool {
        self.personal.contains(&sight)
    }

    /// The events by which a sight is told: its first form, and its aliases; none if it has none.
    pub(crate) fn pushed(&self, sight: Sight, bindings: &Bindings) -> Vec<Outgoing> {
        self.pushed_list(sight, bindings, std::slice::from_ref(bindings))
    }

    /// The same, with these rows in the repeated part.
    pub(crate) fn pushed_list(
        &self,
        sight: Sight,
        bindings: &Bindings,
        rows: &[Bindings],
    ) -> Vec<Outgoing> {
        let mut told = false;
        let forms = self.spec.sees.iter().filter(|pushed| {
            let event = matches!(pushed.reception.via, Via::Event(_) | Via::Frame);
            pushed.sight == sight && event && (pushed.alias || !std::mem::replace(&mut told, true))
        });
        let told = forms.filter_map(|Pushed { reception, .. }| {
            let json = fill(&reception.shape, bindings, rows);
            match self.is_polled() {
                true => Some(Outgoing::Item(Box::new(self.item(sight, json, bindings)))),
                false => Outgoing::of(&reception.via, json),
            }
        });
        told.collect()
    }

    pub(crate) fn sees(&self, sight: Sight) -> bool {
        self.spec.sees.iter().any(|pushed| pushed.sight == sight)
    }

    pub(crate) fn about_message(&self, message: &Message) -> Bindings {
        let mut bindings = self.spec.constants.clone();
        self.bind_message(&mut bindings, message);
        if let Some(cursor) = self.cursor(message.id) {
            bindings.set(Hole::CURSOR, cursor);
        }
        bindings
    }

    /// What is said of a person, and of the conversation it happens in.
    pub(crate) fn about(&self, person: &User, conversation: Option<Conversation>) -> Bindings {
        let mut bindings = self.spec.constants.clone();
        bindings.set(Hole::SENDER, self.user(person));
        if let Some(conversation) = conversation {
            bindings.set(Hole::CONVERSATION, self.ids.write(conversation));
        }
        bindings
    }

    pub(crate) fn about_receipt(
        &self,
        reader: &User,
        message: i64,
        place: Conversation,
    ) -> Bindings {
        let mut bindings = self.about(reader, Some(place));
        bindings.set(Hole::READER, self.user(reader));
        bindings.set(Hole::MESSAGE, self.ids.write(message));
        bindings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_split_without_being_understood() {
        let json = r#"["message:new", {"id": 9007199254740993, "text":"\u00e9"}, null]"#;
        let Some(Outgoing::Event { name, arguments }) = Outgoing::parse(json) else { panic!() };
        assert_eq!(name, "message:new");
        assert_eq!(
            serde_json::to_string(&arguments).unwrap(),
            r#"[{"id": 9007199254740993, "text":"\u00e9"},null]"#
        );
        assert!(Outgoing::parse("[]").is_none());
        assert!(Outgoing::parse("{}").is_none());
    }
}
