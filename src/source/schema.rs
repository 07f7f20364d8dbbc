//! The pieces that the JSON Schemas of specs and scenarios share.

use serde_json::{Map, Value, json};

/// The start of a schema of draft 2020-12.
#[must_use]
pub fn document(title: &str, about: &str) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": about,
    })
}

/// A mapping with these names, and no others; `required` must be there.
#[must_use]
pub fn mapping(properties: &Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// A mapping of any names to this.
#[must_use]
pub fn mapping_of(value: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": value })
}

/// A list of this.
#[must_use]
pub fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// One of these words.
#[must_use]
pub fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

/// The same with a sentence for the editor.
#[must_use]
pub fn described(mut schema: Value, about: &str) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), Value::from(about));
    }
    schema
}

/// Properties from names and schemas.
#[must_use]
pub fn properties(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let pairs = pairs.into_iter().map(|(name, schema)| (name.to_owned(), schema));
    Value::Object(pairs.collect::<Map<_, _>>())
}

/// The figures with units, for `$defs`.
#[must_use]
pub fn figures() -> Map<String, Value> {
    let text = |pattern: &str, about: &str| json!({ "type": "string", "pattern": pattern, "description": about });
    let pairs = [
        (
            "duration",
            text("^[0-9]+(\\.[0-9]+)?(us|ms|s|m|h)$", "a duration such as 100ms, 5s, 2m, 1h"),
        ),
        (
            "rate",
            text(
                "^[0-9]+(\\.[0-9]+)?/[0-9a-z.]+ (per person|per conversation|in all)$",
                "a rate such as 10/s per person or 100/s in all",
            ),
        ),
        (
            "ramp",
            text(
                "^[0-9]+(\\.[0-9]+)?(\\.\\.[0-9]+(\\.[0-9]+)?)?/[0-9a-z.]+ \
                 (per person|per conversation|in all)$",
                "a rate such as 10/s per person, or one that changes such as 10..100/s in all",
            ),
        ),
        (
            "share",
            json!({
                "anyOf": [
                    { "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$" },
                    { "type": "number", "minimum": 0, "maximum": 1 },
                ],
                "description": "a share such as 10% or 0.1",
            }),
        ),
        ("flag", json!({ "enum": [true, false, "yes", "no"], "description": "true or false" })),
    ];
    pairs.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// A reference to a definition.
#[must_use]
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}
