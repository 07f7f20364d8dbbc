//! The JSON Schemas fit the files we ship, and refuse what the linter calls unknown.

use assize::source::{Diagnostics, Kind, Node, parse};
use assize::{scenario, spec};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// YAML as an editor's schema check sees it.
fn value(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar { text, quoted: true } => Value::from(text.as_str()),
        Kind::Scalar { text, .. } if node.is_null() => {
            assert!(text.len() < 5);
            Value::Null
        }
        Kind::Scalar { text, .. } => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))
        }
        Kind::Sequence(items) => items.iter().map(value).collect(),
        Kind::Mapping(entries) => {
            let pairs = entries.iter().map(|entry| (entry.key.clone(), value(&entry.value)));
            Value::Object(pairs.collect())
        }
    }
}

fn read(yaml: &str) -> Value {
    let mut found = Diagnostics::new("f", yaml);
    value(&parse(&mut found).unwrap())
}

/// The first place where `value` doesn't fit: the keywords our schemas use, patterns left out.
fn misfit(root: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    let no = |why: &str| Some(format!("{at}: {why}: {value}"));
    for (keyword, wanted) in schema.as_object().unwrap() {
        let found = match keyword.as_str() {
            "$ref" => {
                let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                let target = root.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
                misfit(root, target, value, at)
            }
            "type" => {
                let fits = |name: &Value| match name.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    other => panic!("unknown type {other}"),
                };
                let fit =
                    wanted.as_array().map_or_else(|| fits(wanted), |any| any.iter().any(fits));
                if fit { None } else { no("wrong type") }
            }
            "const" if value != wanted => no("not the constant"),
            "enum" if !wanted.as_array().unwrap().contains(value) => no("not one of the words"),
            "anyOf" => {
                let any = wanted.as_array().unwrap();
                let misfits: Vec<_> = any.iter().map(|s| misfit(root, s, value, at)).collect();
                if misfits.contains(&None) { None } else { misfits.into_iter().flatten().last() }
            }
            "required" => {
                let names = wanted.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                let mut lacking =
                    names.filter(|name| value.is_object() && value.get(name).is_none());
                lacking.next().and_then(|name| no(&format!("lacks {name}")))
            }
            "items" => {
                let items = value.as_array().into_iter().flatten();
                items
                    .enumerate()
                    .find_map(|(i, one)| misfit(root, wanted, one, &format!("{at}/{i}")))
            }
            "additionalProperties" => entries(value).find_map(|(name, one)| {
                let known = schema.get("properties").and_then(|p| p.get(name));
                let at = format!("{at}/{name}");
                match (known, schema.get("patternProperties"), wanted) {
                    (Some(known), ..) => misfit(root, known, one, &at),
                    (None, Some(_), _) => None,
                    (None, None, Value::Bool(false)) => Some(format!("{at}: unknown")),
                    (None, None, schema) => misfit(root, schema, one, &at),
                }
            }),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn check(schema: &str, yaml: &str) -> Option<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    misfit(&schema, &schema, &read(yaml), "")
}

#[test]
fn the_files_we_ship_fit() {
    let (specs, scenarios) = (spec::json_schema(), scenario::json_schema());
    let folders = [("specs", &specs), ("tests/dialects", &specs), ("scenarios", &scenarios)];
    for (folder, schema) in folders {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let yaml = fs::read_to_string(&path).unwrap();
            assert_eq!(check(schema, &yaml), None, "{}", path.display());
        }
    }
}

#[test]
fn what_is_unknown_does_not_fit() {
    let yaml = include_str!("../specs/callback-ack.yaml");
    for (good, bad) in [
        ("contract:", "kontract:"),
        ("  send:", "  snd:"),
        ("echo: all", "echo: everyone"),
        ("name: callback-ack", "name: []"),
    ] {
        let broken = yaml.replacen(good, bad, 1);
        assert_ne!(broken, yaml);
        let misfit = check(&spec::json_schema(), &broken);
        assert!(misfit.is_some(), "{bad}");
    }
    let scenario = "{ assize: 1, name: t, about: t, people: { count: 1 }, phases: [{ a: {} }] }";
    let misfit = check(&scenario::json_schema(), scenario);
    assert_eq!(misfit, Some("/phases/0/a: lacks lasts: {}".to_owned()));
}
