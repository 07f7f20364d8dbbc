//! The JSON Schema of a spec, for editors: completion and a first check while one types. What it
//! can't say (holes, overlaps, contradictions) the linter does.

use crate::operation::{Operation, Sight};
use crate::source::schema::{
    described, document, figures, list, mapping, mapping_of, properties, reference, words,
};
use crate::spec::load::PROMISES;
use serde_json::{Value, json};

/// The JSON Schema (draft 2020-12) of a spec file, pretty-printed.
#[must_use]
pub fn json_schema() -> String {
    let mut schema =
        document("Assize spec", "what a chat server looks like on the wire, and what it promises");
    let top = mapping(
        &properties([
            ("assize", described(json!({ "const": 1 }), "the version of the language")),
            ("name", described(text(), "the spec's name: the file's stem")),
            ("about", described(text(), "one sentence: what this server is")),
            ("document", described(text(), "the title of the document it is made from")),
            ("let", described(mapping_of(&json!({})), "constants: holes that are always bound")),
            ("connect", described(connect(), "how a client's connection comes to be")),
            ("people", described(people(), "who the people are to the server")),
            ("http", described(http(), "what all HTTP requests share")),
            ("do", described(does(), "what a client can do")),
            ("see", described(sees(), "what a client can see without having asked")),
            ("traits", described(traits(), "how the server works, promised or not")),
            ("promise", described(promises(), "what the server promises")),
            ("contract", described(contract(), "what the documented client does")),
            ("limits", described(limits(), "what the server accepts")),
            (
                "known-failures",
                described(known_failures(), "cases that fail, and why that is accepted"),
            ),
        ]),
        &["assize", "name", "about", "connect", "do"],
    );
    let mut defs = figures();
    defs.insert("step".to_owned(), step(&[]));
    defs.insert("operation".to_owned(), operation());
    defs.insert(
        "texts".to_owned(),
        mapping_of(&json!({ "type": ["string", "number", "boolean"] })),
    );
    defs.insert("event".to_owned(), event());
    defs.insert("statuses".to_owned(), statuses());
    defs.insert("promise".to_owned(), promise());
    if let (Some(schema), Value::Object(top)) = (schema.as_object_mut(), top) {
        schema.extend(top);
        schema.insert("$defs".to_owned(), Value::Object(defs));
    }
    format!("{schema:#}\n")
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// Any piece of JSON with holes.
fn shape(about: &str) -> Value {
    described(json!({}), about)
}

fn duration() -> Value {
    reference("duration")
}

fn connect() -> Value {
    let path = || described(text(), "the path of the handshake");
    let elsewhere = properties([
        ("query", reference("texts")),
        ("headers", reference("texts")),
        ("auth", shape("Socket.IO's CONNECT payload")),
    ]);
    let transports = words(&["websocket", "polling", "upgrade"]);
    let socket_io = properties([
        ("path", path()),
        ("namespace", described(text(), "the namespace, `/` by default")),
        ("transport", transports),
    ]);
    let websocket = properties([("path", path()), ("subprotocol", text())]);
    let events = described(list(&json!({})), "parts of the answer whose rows bind $event");
    let poll = step(&[("events", events), ("holds", duration()), ("pause", duration())]);
    let poll = described(poll, "long polling: repeated; rows bind $event");
    let http = properties([("poll", poll), ("stream", reference("step"))]);
    let ping = properties([
        ("send", shape("the frame that is sent")),
        ("expect", shape("the frame that comes back")),
        ("answers", shape("the server's ping, which `send` answers")),
        ("every", duration()),
        ("dead-after", duration()),
    ]);
    let all = properties([
        ("socket.io", mapping(&socket_io, &[])),
        ("websocket", mapping(&websocket, &[])),
        ("http", mapping(&http, &[])),
        ("query", reference("texts")),
        ("headers", reference("texts")),
        ("auth", shape("Socket.IO's CONNECT payload")),
        ("elsewhere", described(mapping(&elsewhere, &[]), "another place for the token")),
        ("welcome", shape("what the server says first")),
        ("first", described(reference("step"), "a first message that proves who the client is")),
        ("refused", described(list(&json!({})), "the documented refusals")),
        ("timeout", duration()),
        ("per", words(&["client", "conversation"])),
        ("ping", mapping(&ping, &["send", "every"])),
    ]);
    mapping(&all, &[])
}

fn people() -> Value {
    let integer =
        mapping(&properties([("from", json!({ "type": "integer", "minimum": 0 }))]), &["from"]);
    let ids = json!({ "anyOf": [
        words(&["object-id", "uuid", "by-server"]),
        mapping(&properties([("integer", integer)]), &["integer"]),
        mapping(&properties([("text", text())]), &["text"]),
    ] });
    let secret = properties([("env", text()), ("file", text()), ("default", text())]);
    let jwt = properties([
        ("algorithm", words(&["HS256", "HS384", "HS512", "RS256", "ES256"])),
        ("secret", described(mapping(&secret, &[]), "of HS256, HS384, HS512")),
        ("key", described(mapping(&secret, &[]), "the private key of RS256, ES256, as PEM")),
        ("claims", shape("the claims; iat and exp are added")),
        ("lives", duration()),
    ]);
    let jwt = mapping(&jwt, &["algorithm", "claims"]);
    let file = properties([("path", text()), ("columns", list(&text()))]);
    let file = mapping(&file, &["path", "columns"]);
    let token = json!({ "anyOf": [
        words(&["none", "by-server"]),
        mapping(&properties([("jwt", jwt)]), &["jwt"]),
        mapping(&properties([("file", file)]), &["file"]),
    ] });
    let all = properties([
        ("ids", described(ids, "what a user id looks like")),
        ("names", described(text(), "what people are called; `#` is the person's number")),
        ("token", described(token, "where the credential comes from")),
    ]);
    mapping(&all, &[])
}

fn http() -> Value {
    let all = properties([
        ("base", described(text(), "stands before every path")),
        ("headers", reference("texts")),
        ("health", described(text(), "the path of a readiness probe, without the base")),
        ("cookies", described(reference("flag"), "keep the cookies that answers set")),
    ]);
    mapping(&all, &[])
}

fn does() -> Value {
    let operation = |one: &Operation| (one.name(), described(reference("operation"), one.about()));
    mapping(&properties(Operation::ALL.iter().map(operation)), &[])
}

fn operation() -> Value {
    let steps = mapping(&properties([("steps", list(&reference("step")))]), &["steps"]);
    let channel = json!({ "anyOf": [steps, reference("step")] });
    let channels = mapping(&properties([("channels", mapping_of(&channel))]), &["channels"]);
    json!({ "anyOf": [channels, channel] })
}

/// One request and its answers.
fn step(more: &[(&'static str, Value)]) -> Value {
    let path = |method: &str| described(text(), &format!("the path of a {method} request"));
    let takes = properties([("headers", reference("texts")), ("cookies", reference("texts"))]);
    let pairs = [
        (
            "emit",
            described(
                json!({ "type": "array", "minItems": 1 }),
                "a Socket.IO event: [name, argument, …]",
            ),
        ),
        ("frame", shape("a JSON frame on a raw WebSocket")),
        ("get", path("GET")),
        ("post", path("POST")),
        ("put", path("PUT")),
        ("patch", path("PATCH")),
        ("delete", path("DELETE")),
        ("query", reference("texts")),
        ("headers", reference("texts")),
        ("body", shape("a JSON body")),
        ("form", described(reference("texts"), "a form-encoded body")),
        ("ack", shape("the callback's arguments when all went well")),
        ("nack", shape("the callback's arguments when it did not")),
        ("reply", described(reference("event"), "the event that means yes")),
        ("error", described(reference("event"), "the event that means no")),
        ("echo", described(reference("flag"), "the client's own message, pushed back, means yes")),
        ("ok", described(reference("statuses"), "statuses that mean yes, with their bodies")),
        ("fail", described(reference("statuses"), "statuses that mean no, with their bodies")),
        ("limited", shape("answers that mean: too fast")),
        (
            "take",
            described(mapping(&takes, &[]), "what is read from the answer's headers and cookies"),
        ),
        (
            "pages",
            described(words(&["since", "page", "cursor"]), "how a read goes on when there is more"),
        ),
    ];
    mapping(&properties(pairs.into_iter().chain(more.iter().cloned())), &[])
}

fn event() -> Value {
    shape("[name, argument, …] with Socket.IO, else a frame; { any: [one, other] } for several")
}

fn statuses() -> Value {
    json!({
        "type": "object",
        "patternProperties": { "^[1-5](xx|[0-9][0-9](-[1-5][0-9][0-9])?)$": {} },
        "additionalProperties": false,
    })
}

fn sees() -> Value {
    let sight = |one: &Sight| (one.name(), described(reference("event"), one.about()));
    mapping(&properties(Sight::ALL.iter().map(sight)), &[])
}

fn traits() -> Value {
    let dedup = properties([
        ("by", words(&["$key", "content"])),
        ("scope", words(&["person", "conversation", "device", "everybody"])),
        ("answer", words(&["same", "reject", "any"])),
        ("window", duration()),
    ]);
    let flag = |about| described(reference("flag"), about);
    let order = properties([
        ("by", described(text(), "the hole whose value orders messages")),
        ("live", flag("pushed messages come in this order")),
        ("pipelined", flag("sends that one client pipelines stay in order")),
        ("unique", flag("positions are unique")),
        ("gap-free", flag("positions are integers without gaps")),
    ]);
    let or_none = |schema: Value| json!({ "anyOf": [{ "const": "none" }, schema] });
    let all = properties([
        ("dedup", described(or_none(mapping(&dedup, &[])), "how repeated sends are told")),
        ("order", described(or_none(mapping(&order, &["by"])), "how messages are ordered")),
        (
            "echo",
            described(
                words(&["all", "others", "other-people", "none"]),
                "who gets a message pushed",
            ),
        ),
        (
            "join",
            described(words(&["explicit", "by-server"]), "who puts a client into a conversation"),
        ),
        ("sanitise", described(words(&["verbatim", "html", "free"]), "what is done to the text")),
        (
            "create",
            described(words(&["get-or-create", "always-new"]), "what create does the second time"),
        ),
        (
            "receipts",
            described(words(&["message", "up-to", "conversation"]), "what one receipt speaks of"),
        ),
        (
            "token",
            described(
                words(&["at-connect", "on-each-event"]),
                "when a client's token is looked at",
            ),
        ),
        ("redelivery", flag("a message may be pushed twice")),
        ("reader-told", flag("a reader's other devices are told of a reading")),
        ("typing-expires", described(duration(), "the server ends a typing indicator by itself")),
    ]);
    mapping(&all, &[])
}

fn promises() -> Value {
    json!({
        "type": "object",
        "properties": properties(PROMISES.iter().map(|name| (*name, reference("promise")))),
        "additionalProperties": { "$ref": "#/$defs/promise" },
    })
}

fn promise() -> Value {
    let all = properties([
        ("says", described(text(), "the promise in words")),
        ("source", described(text(), "where the document says it")),
        ("tolerance", duration()),
    ]);
    mapping(&all, &["says", "source"])
}

fn contract() -> Value {
    let all = properties([
        ("ack-timeout", described(duration(), "how long a client waits for an answer")),
        ("retries", described(list(&duration()), "pauses before the second, third, … attempt")),
        ("reconnect", described(list(&duration()), "pauses before reconnecting; the last repeats")),
        ("typing-stop", duration()),
        ("typing-batch", duration()),
        ("offline-queue", reference("flag")),
        ("sync-from", words(&["newest-seen", "client-clock", "cursor", "start"])),
        ("view", json!({ "type": "integer", "minimum": 1 })),
    ]);
    mapping(&all, &[])
}

fn known_failures() -> Value {
    let date = json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" });
    let fields = properties([
        ("reason", described(text(), "why it is accepted")),
        ("until", described(date, "the last day on which it is accepted")),
    ]);
    mapping_of(&mapping(&fields, &["reason"]))
}

fn limits() -> Value {
    let all = properties([
        ("text", json!({ "type": "string", "pattern": "^[0-9]+ characters$" })),
        ("blank", words(&["refused", "undocumented"])),
        ("page", json!({ "type": "string", "pattern": "^[0-9]+ rows$" })),
        ("send-rate", reference("rate")),
    ]);
    mapping(&all, &[])
}
