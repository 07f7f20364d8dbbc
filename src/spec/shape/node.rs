//! What must stand at one place of a piece of JSON: a constant, a hole, a list, an object.

use crate::scalar::Scalar;
use crate::spec::bindings::{Bindings, Hole};
use crate::spec::text::Text;

/// A hole at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::spec) struct Slot {
    pub(in crate::spec) hole: Hole,
    pub(in crate::spec) unbound: WhenUnbound,
}

/// What is sent for a hole that is unbound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::spec) enum WhenUnbound {
    /// `$name`: nothing can be sent.
    Refuse,
    /// `$name?`: its surroundings are left out.
    LeaveOut,
    /// `$name|default`
    Send(Scalar),
}

impl Slot {
    pub(in crate::spec) fn is_optional(&self) -> bool {
        self.unbound != WhenUnbound::Refuse
    }
}

/// What must stand at one place.
#[derive(Clone, Debug)]
pub(in crate::spec) enum Node {
    Anything,
    Hole(Slot),
    Null,
    Bool(bool),
    Number(Box<str>),
    String(Box<str>),
    Pattern(Text),
    Array { items: Vec<Self>, each: Option<Box<Self>> },
    Object(Vec<(Box<str>, Self)>),
    Entries { key: Text, value: Box<Self> },
}

impl Node {
    /// Whether nothing or `null` may stand here when receiving.
    pub(in crate::spec) fn is_optional(&self) -> bool {
        match self {
            Self::Hole(slot) => slot.is_optional(),
            Self::Pattern(text) => text.is_optional(),
            _ => false,
        }
    }

    /// Calls `see` with each hole, whether it is optional, and whether it stands in the rows.
    pub(in crate::spec) fn walk(&self, in_rows: bool, see: &mut dyn FnMut(Hole, bool, bool)) {
        let text_holes = |text: &Text, in_rows, see: &mut dyn FnMut(Hole, bool, bool)| {
            for (hole, optional) in text.holes() {
                see(hole, optional, in_rows);
            }
        };
        match self {
            Self::Hole(slot) => see(slot.hole, slot.is_optional(), in_rows),
            Self::Pattern(text) => text_holes(text, in_rows, see),
            Self::Array { items, each } => {
                items.iter().for_each(|item| item.walk(in_rows, see));
                if let Some(each) = each {
                    each.walk(true, see);
                }
            }
            Self::Object(fields) => fields.iter().for_each(|(_, node)| node.walk(in_rows, see)),
            Self::Entries { key, value } => {
                text_holes(key, true, see);
                value.walk(true, see);
            }
            _ => {}
        }
    }

    pub(super) fn glean(&self, json: &serde_json::Value, bindings: &mut Bindings) {
        use serde_json::Value;
        match (self, json) {
            (Self::Hole(slot), value) if !value.is_null() && bindings.get(slot.hole).is_none() => {
                let scalar = match (value.as_str(), value.as_i64()) {
                    (Some(text), _) => Scalar::Text(text.into()),
                    (_, Some(number)) => Scalar::Int(number),
                    _ => Scalar::Json(value.to_string().into()),
                };
                bindings.set(slot.hole, scalar);
            }
            (Self::Array { items, .. }, Value::Array(values)) => {
                items.iter().zip(values).for_each(|(item, value)| item.glean(value, bindings));
            }
            (Self::Object(fields), Value::Object(values)) => {
                for (name, node) in fields {
                    if let Some(value) = values.get(&**name) {
                        node.glean(value, bindings);
                    }
                }
            }
            _ => {}
        }
    }

    /// How many repeated parts there are that are not inside one another.
    pub(in crate::spec) fn repeats(&self) -> usize {
        match self {
            Self::Array { items, each } => {
                items.iter().map(Self::repeats).sum::<usize>() + usize::from(each.is_some())
            }
            Self::Object(fields) => fields.iter().map(|(_, node)| node.repeats()).sum(),
            Self::Entries { .. } => 1,
            _ => 0,
        }
    }

    /// Whether `$_` occurs: then it can't be sent.
    pub(in crate::spec) fn has_anything(&self) -> bool {
        match self {
            Self::Anything => true,
            Self::Pattern(text) => text.has_anything(),
            Self::Array { items, each } => {
                items.iter().any(Self::has_anything)
                    || each.as_ref().is_some_and(|each| each.has_anything())
            }
            Self::Object(fields) => fields.iter().any(|(_, node)| node.has_anything()),
            Self::Entries { key, value } => key.has_anything() || value.has_anything(),
            _ => false,
        }
    }
}
