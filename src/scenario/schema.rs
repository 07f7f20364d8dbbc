//! The JSON Schema of a scenario, for editors.

use crate::fault::{self, Form, Part};
use crate::operation::{Operation, Sight};
use crate::scenario::model::HttpUsers;
use crate::source::schema::{
    described, document, figures, list, mapping, mapping_of, properties, reference, words,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

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
            (
                "embedded",
                described(
                    mapping(&properties([("nodes", count(1))]), &["nodes"]),
                    "how many nodes the embedded reference server has",
                ),
            ),
            ("people", described(people(), "who takes part")),
            ("conversations", described(conversations(), "who talks to whom")),
            ("phases", described(list(&phase()), "what happens, one phase after the other")),
            ("http", described(http(), "users without a socket, beside the clients")),
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
        ("nodes", described(count(1), "how many nodes it has; each says where it listens")),
        (
            "control",
            described(
                json!({ "anyOf": [text(), list(&text())] }),
                "the command that is given `kill node 1`, `start redis` and such",
            ),
        ),
        (
            "parts",
            described(
                list(&words(&Part::ALL.map(Part::name))),
                "what the control command can stop and start beside nodes",
            ),
        ),
        ("environment", mapping_of(&json!({ "type": ["string", "number", "boolean"] }))),
        ("ready", mapping(&ready, &[])),
        ("within", reference("duration")),
        ("stop-within", reference("duration")),
        ("cases-at-once", json!({ "type": "integer", "minimum": 1 })),
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
        (
            "reconnect",
            described(
                words(&["same-node", "other-node"]),
                "to which of several nodes a client comes back",
            ),
        ),
    ]);
    mapping(&all, &["count"])
}

fn conversations() -> Value {
    let size =
        json!({ "anyOf": [count(2), { "type": "string", "pattern": "^[0-9]+\\.\\.[0-9]+$" }] });
    let group = mapping(&properties([("count", count(1)), ("size", size)]), &["count", "size"]);
    let star = properties([("count", count(1)), ("conversations", count(1))]);
    let star = mapping(&star, &["count", "conversations"]);
    let stars = described(list(&star), "people with very many conversations of two");
    let all = properties([("pairs", count(0)), ("groups", list(&group)), ("stars", stars)]);
    mapping(&all, &[])
}

fn phase() -> Value {
    let share = |about| described(reference("share"), about);
    let rate = |about| described(reference("ramp"), about);
    let burst = properties([("rate", reference("ramp")), ("messages", count(1))]);
    let away = properties([("rate", reference("ramp")), ("for", reference("duration"))]);
    let steps = properties([("share", reference("share")), ("steps", count(1))]);
    let steps = mapping(&steps, &["share", "steps"]);
    let converse = properties([
        ("share", reference("share")),
        ("think", described(reference("duration"), "from an answer to the next send, on average")),
        (
            "every",
            described(reference("duration"), "from when one send is due to when the next is"),
        ),
    ]);
    let bursts = mapping(&properties([("bursts", count(2))]), &["bursts"]);
    let sizes = json!({
        "type": "object",
        "patternProperties": { "^(min|max|p[0-9]+(\\.[0-9]+)?)$": count(1) },
        "additionalProperties": false,
        "required": ["max"],
    });
    let sizes = ("sizes", described(sizes, "lengths in characters, by percentiles"));
    let kinds = ["short", "long", "unicode", "markup", "overlong"];
    let texts = kinds.map(|name| (name, reference("share"))).into_iter().chain([sizes]);
    let all = properties([
        ("lasts", reference("duration")),
        (
            "connect",
            described(
                json!({ "anyOf": [reference("share"), steps] }),
                "the clients that connect in this phase, evenly or in steps",
            ),
        ),
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
            described(mapping(&converse, &["share"]), "send, wait for the answer, think, send"),
        ),
        (
            "arrivals",
            described(
                json!({ "anyOf": [words(&["poisson", "constant"]), bursts] }),
                "how the events of these rates are spread over time",
            ),
        ),
        ("typing", rate("spells of typing")),
        ("hot", share("what is sent that goes to one conversation of each cell")),
        ("read", share("received messages that are marked as read")),
        ("repeat", share("sends that leave twice at once with one key")),
        ("same-text", share("sends followed by the same text with another key")),
        ("same-key", share("sends whose key another member uses too")),
        (
            "channels",
            described(
                mapping_of(&reference("share")),
                "the share of sends over each channel; the others go over the first not named",
            ),
        ),
        ("history", rate("reads of the whole history")),
        (
            "away",
            described(
                mapping(&away, &["rate", "for"]),
                "people close the connections of all their devices, and open them again",
            ),
        ),
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

fn http() -> Value {
    let mix = properties(
        HttpUsers::OPERATIONS.iter().map(|operation| (operation.name(), reference("share"))),
    );
    let all = properties([
        ("users", described(count(1), "how many; each has one request under way at most")),
        ("rate", described(reference("ramp"), "how often they ask, `in all` or `per person`")),
        ("mix", described(mapping(&mix, &[]), "what they ask for; shares add up to 100%")),
        (
            "at",
            described(reference("duration"), "when they begin; with the first phase by default"),
        ),
        ("for", described(reference("duration"), "how long; to the end of the phases by default")),
    ]);
    mapping(&all, &["users", "rate", "mix"])
}

fn fault() -> Value {
    let when = [("at", reference("duration")), ("for", reference("duration"))];
    let kinds = fault::ALL.iter().map(|kind| (kind.name, described(figures_of(kind), kind.about)));
    mapping(&properties(when.into_iter().chain(kinds)), &["at"])
}

fn figures_of(kind: &fault::Kind) -> Value {
    if kind.of_server && kind.figures.is_empty() {
        return json!({});
    }
    let share = ("share", described(reference("share"), "the clients it hits"));
    let share = (!kind.of_server).then_some(share);
    let figures =
        kind.figures.iter().map(|figure| (figure.name, described(form(figure.form), figure.about)));
    let required = kind.figures.iter().filter(|figure| figure.required).map(|figure| figure.name);
    let required: Vec<&str> = share.iter().map(|(name, _)| *name).chain(required).collect();
    mapping(&properties(share.into_iter().chain(figures)), &required)
}

fn form(form: Form) -> Value {
    match form {
        Form::Duration => reference("duration"),
        Form::Share => reference("share"),
        Form::Flag => reference("flag"),
        Form::Rate => json!({ "type": "string", "pattern": "^[1-9][0-9]*/s$" }),
        Form::Bytes | Form::Number => count(1),
        Form::Choice(choices) => words(choices),
        Form::What => {
            let operations = Operation::ALL.iter().map(|operation| operation.name());
            let sights = Sight::ALL.iter().map(|sight| sight.name());
            let all: BTreeSet<&str> =
                ["acks", "everything"].into_iter().chain(operations).chain(sights).collect();
            words(&all.into_iter().collect::<Vec<_>>())
        }
    }
}

fn expectation() -> Value {
    let series = super::SERIES.join("|").replace('.', "\\.");
    let statistics = super::STATISTICS.join("|").replace('.', "\\.");
    let (reach, of_reach) = (super::REACH, super::OF_REACH.join("|"));
    json!({
        "type": "string",
        "pattern": format!(
            "^(({series})(\\.[0-9]+->[0-9]+)?\\.({statistics})|{reach}(\\.({of_reach}))?) (<|<=|>|>=) [0-9.]+(us|ms|s|m|h|%)?( in .+)?$"
        ),
        "description": "a threshold such as delivery.p95 < 500ms",
    })
}
