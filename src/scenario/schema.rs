//! The JSON Schema of a scenario, for editors.

use crate::source::schema::{
    described, document, figures, list, mapping, mapping_of, properties, reference, words,
};
use serde_json::{Value, json};

/// The JSON Schema (draft 2020-12) of a scenario file, pretty-printed.
#[must_use]
pub fn json_schema() -> String {
    let mut schema =
        document("Assize scenario", "what people do, what goes wrong, and what is expected");
    let target = json!({ "anyOf": [text(), list(&text())] });
    let top = mapping(
        &properties([
            ("assize", described(json!({ "const": 1 }), "the version of the language")),
            ("name", described(text(), "the scenario's name: the file's stem")),
            ("about", described(text(), "one sentence: what it tries")),
            ("spec", described(text(), "the spec it runs on, by name or path")),
            ("seed", json!({ "type": "integer", "minimum": 0 })),
            (
                "launch",
                described(launch(), "the server under test, started and stopped by the run"),
            ),
            ("target", described(target, "URLs of a running server's nodes")),
            ("people", described(people(), "who takes part")),
            ("conversations", described(conversations(), "who talks to whom")),
            ("phases", described(list(&phase()), "what happens, one phase after the other")),
            (
                "faults",
                described(list(&fault()), "what goes wrong, from the start of the first phase"),
            ),
            ("patience", described(reference("duration"), "how long to wait for quiet at the end")),
            ("expect", described(list(&expectation()), "thresholds on figures")),
            ("exercise", described(list(&text()), "properties that must have been exercised")),
        ]),
        &["assize", "name", "about", "people", "phases"],
    );
    if let (Some(schema), Value::Object(top)) = (schema.as_object_mut(), top) {
        schema.extend(top);
        schema.insert("$defs".to_owned(), Value::Object(figures()));
    }
    format!("{schema:#}\n")
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn count(least: u32) -> Value {
    json!({ "type": "integer", "minimum": least })
}

fn launch() -> Value {
    let ready = properties([
        ("line", described(text(), "a line of its standard output with this text before a URL")),
        ("probe", described(text(), "this URL answers 200")),
    ]);
    let all = properties([
        ("command", json!({ "anyOf": [text(), list(&text())] })),
        ("environment", mapping_of(&json!({ "type": ["string", "number", "boolean"] }))),
        ("ready", mapping(&ready, &[])),
        ("within", reference("duration")),
        ("stop-within", reference("duration")),
    ]);
    mapping(&all, &["command", "ready"])
}

fn people() -> Value {
    let devices = json!({
        "type": "object",
        "patternProperties": { "^[0-9]+$": { "$ref": "#/$defs/share" } },
        "additionalProperties": false,
    });
    let all = properties([
        ("count", count(1)),
        ("devices", described(devices, "numbers of devices to shares of the people")),
        ("clock-skew", described(reference("duration"), "how far clients' clocks differ at most")),
    ]);
    mapping(&all, &["count"])
}

fn conversations() -> Value {
    let size =
        json!({ "anyOf": [count(2), { "type": "string", "pattern": "^[0-9]+\\.\\.[0-9]+$" }] });
    let group = mapping(&properties([("count", count(1)), ("size", size)]), &["count", "size"]);
    mapping(&properties([("pairs", count(0)), ("groups", list(&group))]), &[])
}

fn phase() -> Value {
    let share = |about| described(reference("share"), about);
    let rate = |about| described(reference("rate"), about);
    let burst = properties([("rate", reference("rate")), ("messages", count(1))]);
    let converse = properties([("share", reference("share")), ("think", reference("duration"))]);
    let texts =
        ["short", "long", "unicode", "markup", "overlong"].map(|name| (name, reference("share")));
    let all = properties([
        ("lasts", reference("duration")),
        ("connect", share("the clients that connect in this phase")),
        ("send", rate("messages, from planned start times")),
        (
            "burst",
            described(
                mapping(&burst, &["rate", "messages"]),
                "several members send at the same moment",
            ),
        ),
        (
            "converse",
            described(
                mapping(&converse, &["share", "think"]),
                "send, wait for the answer, think, send",
            ),
        ),
        ("typing", rate("spells of typing")),
        ("read", share("received messages that are marked as read")),
        ("repeat", share("sends that leave twice at once with one key")),
        ("same-text", share("sends followed by the same text with another key")),
        ("same-key", share("sends whose key another member uses too")),
        ("history", rate("reads of the whole history")),
        (
            "texts",
            described(
                mapping(&properties(texts), &[]),
                "what texts are like; shares add up to 100%",
            ),
        ),
    ]);
    json!({
        "type": "object",
        "additionalProperties": mapping(&all, &["lasts"]),
        "minProperties": 1,
        "maxProperties": 1,
    })
}

fn fault() -> Value {
    let hit = || mapping(&properties([("share", reference("share"))]), &["share"]);
    let cut = properties([
        ("share", reference("share")),
        ("how", words(&["rst", "fin", "close-frame", "half-frame"])),
        ("on-message", reference("flag")),
    ]);
    let all = properties([
        ("at", reference("duration")),
        ("for", reference("duration")),
        ("cut", described(mapping(&cut, &["share"]), "the connection is dropped")),
        ("silence", described(hit(), "the client neither reads nor answers")),
        ("withhold-acks", described(hit(), "answers reach the socket but not the client")),
        ("cut-after-send", described(hit(), "the connection dies before the answer is read")),
        ("restart", described(json!({}), "the server is stopped and started again")),
    ]);
    mapping(&all, &["at"])
}

fn expectation() -> Value {
    let series = super::SERIES.join("|");
    let statistics = super::STATISTICS.join("|").replace('.', "\\.");
    json!({
        "type": "string",
        "pattern": format!("^({series})\\.({statistics}) (<|<=|>|>=) [0-9.]+(us|ms|s|m|h|%)?$"),
        "description": "a threshold such as delivery.p95 < 500ms",
    })
}
