//! Odd requests on one server's wire: a documented request is filled, and then bent.
//!
//! Which place is bent follows from the holes: the value of the hole is replaced, or a mark stands
//! there until the request is filled, and shows which field, object or argument it became. So an
//! oddity works on every spec. It does not know why anybody asks so oddly. Start with [`Bend`].

use crate::dialect::Call;
use crate::plan::Oddity;
use crate::plan::oddity::Part;
use crate::scalar::{Scalar, write_json_string};
use crate::spec::{Bindings, Hole, Shape};
use serde_json::{Map, Value as Json, json};

/// Stands for a value until the request is filled. No document has it, and no encoding touches it.
const MARK: &str = "qz-here-stands-the-odd-value";
/// A name that no server knows.
const NOWHERE: &str = "assize-unknown";

/// An oddity on its way through one request.
#[derive(Clone, Debug)]
pub struct Bend {
    odd: Oddity,
    /// The text that the mark stands for.
    text: Option<String>,
}

impl Bend {
    /// Begins: binds other values, or the mark, in place of what the request would carry.
    #[must_use]
    pub fn begin(odd: Oddity, bindings: &mut Bindings) -> Self {
        let mut text = None;
        match odd {
            Oddity::With(part, value) => {
                let integer = matches!(bindings.get(hole(part)), Some(Scalar::Int(_)));
                bindings.set(hole(part), scalar(&value.json(integer)));
            }
            Oddity::Without(part) => bindings.set(hole(part), mark()),
            Oddity::ExtraFields | Oddity::PrototypeFields | Oddity::FlatData => {
                if let Some(known) = bindings.get(Hole::TEXT) {
                    text = Some(known.text().into_owned());
                    bindings.set(Hole::TEXT, mark());
                }
            }
            _ => {}
        }
        Self { odd, text }
    }

    /// Bends the array of an event.
    pub fn event(&self, array: &mut String) {
        let Some(mut json) = self.parsed(array) else { return };
        match (self.odd, &mut json) {
            (Oddity::AnotherName, Json::Array(items)) => items[0] = NOWHERE.into(),
            (Oddity::WithoutArguments, Json::Array(items)) => items.truncate(1),
            (Oddity::ExtraArguments, Json::Array(items)) => {
                items.extend([json!(1), json!("two"), json!({ "three": 3 })]);
            }
            (_, json) => self.object(json),
        }
        *array = self.unmarked(&json);
    }

    /// Bends a frame; `shape` tells which of its fields say what it is.
    pub fn frame(&self, shape: &Shape, frame: &mut String) {
        let Some(mut json) = self.parsed(frame) else { return };
        let kind = shape.constants().next().map(|(field, _)| field);
        match (self.odd, &mut json) {
            (Oddity::AnotherName, Json::Object(fields)) => match kind {
                Some(field) => drop(fields.insert(field.into(), NOWHERE.into())),
                None => rename(fields),
            },
            (Oddity::WithoutArguments, Json::Object(fields)) => {
                let number = shape.field_of(Hole::REQUEST);
                let says = |name: &str| shape.constants().any(|(field, _)| field == name);
                fields.retain(|name, _| says(name) || number == Some(name));
            }
            (Oddity::ExtraArguments, json) => {
                extend(json, &json!({ "assize": 1, "two": "two", "three": { "four": [] } }));
            }
            (_, json) => self.object(json),
        }
        *frame = self.unmarked(&json);
    }

    /// Bends a request over HTTP.
    pub fn call(&self, call: &mut Call) {
        call.target = call.target.replace(MARK, "");
        let appended = match self.odd {
            Oddity::AnotherName => Some("/").filter(|_| !call.target.contains('?')),
            Oddity::ExtraArguments => Some(if call.target.contains('?') { "&" } else { "?" }),
            _ => None,
        };
        if let Some(separator) = appended {
            call.target.push_str(separator);
            call.target.push_str(NOWHERE);
        }
        if self.odd == Oddity::WithoutArguments && !call.body.is_empty() {
            call.body = "{}".into();
        } else if let Some(mut json) = self.parsed(&call.body) {
            self.object(&mut json);
            call.body = self.unmarked(&json);
        }
    }

    /// The request as JSON, unless it stays as it is.
    fn parsed(&self, text: &str) -> Option<Json> {
        match self.odd {
            Oddity::With(..) | Oddity::WithAck | Oddity::WithoutAck => None,
            _ => serde_json::from_str(text).ok(),
        }
    }

    /// Bends the object that has the mark in it, or else the first one.
    fn object(&self, json: &mut Json) {
        match self.odd {
            Oddity::Without(_) => remove(json),
            Oddity::ExtraFields => extend(json, &json!({ "assize": true, "extra": { "a": [1] } })),
            Oddity::PrototypeFields => {
                let inherited = json!({ "isAdmin": true, "toString": null });
                let fields = json!({
                    "__proto__": inherited, "constructor": { "prototype": inherited },
                });
                extend(json, &fields);
            }
            Oddity::FlatData => flatten(json),
            _ => {}
        }
    }

    /// The JSON as text, the mark replaced by what it stands for.
    fn unmarked(&self, json: &Json) -> String {
        let mut text = String::new();
        write_json_string(self.text.as_deref().unwrap_or_default(), &mut text);
        json.to_string().replace(&format!("\"{MARK}\""), &text)
    }
}

/// Gives the only field that says what a frame is another name.
fn rename(fields: &mut Map<String, Json>) {
    if let Some(name) = fields.keys().next().cloned()
        && let Some(value) = fields.remove(&name)
    {
        fields.insert(NOWHERE.into(), value);
    }
}

const fn hole(part: Part) -> Hole {
    match part {
        Part::Text => Hole::TEXT,
        Part::Key => Hole::KEY,
        Part::Conversation => Hole::CONVERSATION,
        Part::Message => Hole::MESSAGE,
    }
}

fn mark() -> Scalar {
    Scalar::Text(MARK.into())
}

/// A text as itself, so that it fits a URL as well; anything else verbatim.
fn scalar(json: &str) -> Scalar {
    match serde_json::from_str::<String>(json) {
        Ok(text) => Scalar::Text(text.into()),
        Err(_) => Scalar::Json(json.into()),
    }
}

fn is_mark(json: &Json) -> bool {
    json.as_str() == Some(MARK)
}

/// Removes the field or argument that is the mark.
fn remove(json: &mut Json) {
    match json {
        Json::Array(items) => {
            items.retain(|item| !is_mark(item));
            items.iter_mut().for_each(remove);
        }
        Json::Object(fields) => {
            fields.retain(|_, value| !is_mark(value));
            fields.values_mut().for_each(remove);
        }
        _ => {}
    }
}

/// Adds fields to the object with the mark, else to the first one, else as a further argument.
fn extend(json: &mut Json, more: &Json) {
    let marked = |fields: &Map<String, Json>| fields.values().any(is_mark);
    let Json::Object(more) = more else { return };
    if let Some(Json::Object(fields)) = find(json, &|json| json.as_object().is_some_and(marked)) {
        fields.extend(more.clone());
    } else if let Some(Json::Object(fields)) = find(json, &Json::is_object) {
        fields.extend(more.clone());
    } else if let Json::Array(items) = json {
        items.push(Json::Object(more.clone()));
    }
}

/// Puts the mark in place of the object that it stands in.
fn flatten(json: &mut Json) {
    let marked = |json: &Json| json.as_object().is_some_and(|o| o.values().any(is_mark));
    if let Some(object) = find(json, &marked) {
        *object = MARK.into();
    }
}

/// The first part that fits, outermost first.
fn find<'a>(json: &'a mut Json, fits: &dyn Fn(&Json) -> bool) -> Option<&'a mut Json> {
    if fits(json) {
        return Some(json);
    }
    match json {
        Json::Array(items) => items.iter_mut().find_map(|item| find(item, fits)),
        Json::Object(fields) => fields.values_mut().find_map(|value| find(value, fits)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a send becomes on the wire of a spec.
    fn bent(spec: &str, words: &str) -> String {
        let path = format!("{}/specs/{spec}.yaml", env!("CARGO_MANIFEST_DIR"));
        let yaml = std::fs::read_to_string(path).unwrap();
        let spec = crate::spec::load("spec", &yaml, &crate::property::ids()).unwrap().spec;
        let step = &spec.deed(crate::operation::Operation::Send).unwrap().channels[0].steps[0];
        let words: Vec<&str> = words.split(' ').collect();
        let mut bindings = Bindings::new().with(Hole::CONVERSATION, 7).with(Hole::KEY, "k");
        bindings.set(Hole::TEXT, "hi \"you\"");
        bindings.set(Hole::TOKEN, "t");
        let bend = Bend::begin(Oddity::parse(&words).unwrap(), &mut bindings);
        match &step.request {
            crate::spec::Request::Emit { shape, .. } => {
                let mut json = String::new();
                shape.fill(&bindings, &mut json).unwrap();
                bend.event(&mut json);
                json
            }
            crate::spec::Request::Http(request) => {
                let mut call = Call::new(&spec, request, &bindings).unwrap();
                bend.call(&mut call);
                format!("{} {}", call.target, call.body)
            }
            crate::spec::Request::Frame { shape } => {
                bindings.set(Hole::REQUEST, 3);
                let mut json = String::new();
                shape.fill(&bindings, &mut json).unwrap();
                bend.frame(shape, &mut json);
                json
            }
        }
    }

    #[test]
    fn an_event_is_bent_at_the_hole() {
        for (words, expected) in [
            ("with text null", r#"["message:send",7,{"text":null,"clientMessageId":"k"}]"#),
            (
                "with key object",
                r#"["message:send",7,{"text":"hi \"you\"","clientMessageId":{"a":"b"}}]"#,
            ),
            (
                "with conversation unknown",
                r#"["message:send",2147480000,{"text":"hi \"you\"","clientMessageId":"k"}]"#,
            ),
            ("without text", r#"["message:send",7,{"clientMessageId":"k"}]"#),
            (
                "without conversation",
                r#"["message:send",{"clientMessageId":"k","text":"hi \"you\""}]"#,
            ),
            ("without arguments", r#"["message:send"]"#),
            ("with flat data", r#"["message:send",7,"hi \"you\""]"#),
            (
                "with extra arguments",
                r#"["message:send",7,{"clientMessageId":"k","text":"hi \"you\""},1,"two",{"three":3}]"#,
            ),
            (
                "under another name",
                r#"["assize-unknown",7,{"clientMessageId":"k","text":"hi \"you\""}]"#,
            ),
        ] {
            let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
            assert_eq!(json(&bent("callback-ack", words)), json(expected), "{words}");
        }
        let extra = bent("callback-ack", "with prototype fields");
        assert!(extra.contains("\"__proto__\":{") && extra.contains(r#""text":"hi \"you\"""#));
    }

    #[test]
    fn a_frame_is_bent_and_keeps_its_number() {
        let json = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        for (words, expected) in [
            ("with text null", r#"{"type":"say","id":3,"room":7,"text":null,"key":"k"}"#),
            ("without text", r#"{"type":"say","id":3,"room":7,"key":"k"}"#),
            ("without arguments", r#"{"type":"say","id":3}"#),
            (
                "under another name",
                r#"{"type":"assize-unknown","id":3,"room":7,"text":"hi \"you\"","key":"k"}"#,
            ),
        ] {
            assert_eq!(json(&bent("frames", words)), json(expected), "{words}");
        }
        let renamed = json(&bent("rooms", "under another name"));
        assert_eq!(renamed["assize-unknown"]["key"], "k");
        assert_eq!(json(&bent("rooms", "without arguments")), json!({}));
    }

    #[test]
    fn a_request_is_bent_in_its_path_and_body() {
        for (words, expected) in [
            ("with text null", r#"/api/v1/chats/7/messages {"content":null,"messageType":"text"}"#),
            (
                "with conversation empty",
                r#"/api/v1/chats//messages {"content":"hi \"you\"","messageType":"text"}"#,
            ),
            ("without text", r#"/api/v1/chats/7/messages {"messageType":"text"}"#),
            (
                "without conversation",
                r#"/api/v1/chats//messages {"content":"hi \"you\"","messageType":"text"}"#,
            ),
            ("without arguments", "/api/v1/chats/7/messages {}"),
        ] {
            assert_eq!(bent("rest-first", words), expected, "{words}");
        }
        let nowhere = bent("rest-first", "under another name");
        assert!(nowhere.starts_with("/api/v1/chats/7/messages/assize-unknown {"), "{nowhere}");
    }
}
