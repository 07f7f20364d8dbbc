//! The questions, the answers they begin with, and the spec that answers make.

use clap::ValueEnum;
use std::fmt::Write as _;

/// What carries the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Carrier {
    /// Engine.IO and Socket.IO.
    #[value(name = "socket.io")]
    SocketIo,
    /// JSON frames on a raw WebSocket.
    #[value(name = "websocket")]
    WebSocket,
}

/// One question.
pub(super) struct Question {
    /// Its name, for `--set`.
    pub id: &'static str,
    /// The question.
    pub asks: &'static str,
    /// `-` leaves the part out.
    pub optional: bool,
    begins: fn(&Answers) -> &'static str,
}

/// What was answered so far.
pub(super) struct Answers {
    name: String,
    carrier: Carrier,
    given: Vec<(&'static str, String)>,
}

/// The questions in their order; the later ones begin with what fits the earlier ones.
pub(super) const QUESTIONS: &[Question] = &[
    Question {
        id: "about",
        asks: "What is this server, in one sentence?",
        optional: false,
        begins: |_| "A chat server.",
    },
    Question {
        id: "path",
        asks: "The path of the handshake.",
        optional: false,
        begins: |a| a.by_carrier("/socket.io/", "/ws"),
    },
    Question {
        id: "token",
        asks: "Where a client shows its token: `auth` (Socket.IO's CONNECT), `query`, `header`, `-` for nowhere, or a piece of `connect:` such as `auth: { nick: $user }`.",
        optional: true,
        begins: |a| a.by_carrier("auth", "query"),
    },
    Question {
        id: "claims",
        asks: "The token is a JWT that the harness signs: its claims. `$user` is the person's id.",
        optional: false,
        begins: |_| "{ sub: $user }",
    },
    Question {
        id: "secret",
        asks: "The environment variable with the secret (HS256). It is never printed.",
        optional: false,
        begins: |_| "JWT_SECRET",
    },
    Question {
        id: "ids",
        asks: "User ids: `{ integer: { from: 1 } }`, `{ text: \"user-#\" }`, `object-id` or `uuid`.",
        optional: false,
        begins: |_| "{ integer: { from: 1 } }",
    },
    Question {
        id: "create",
        asks: "How a conversation is made of its `$members`, and where the answer names it.",
        optional: false,
        begins: |_| "post: /conversations, body: { members: $members }, ok: { 201: { id: $conversation } }, fail: { 400-499: { error: $error } }",
    },
    Question {
        id: "join",
        asks: "What a client sends to hear a conversation; `-` if the server joins its members by itself.",
        optional: true,
        begins: |a| {
            a.by_carrier(
                "emit: [join, $conversation]",
                "frame: { type: join, conversation: $conversation }",
            )
        },
    },
    Question {
        id: "send",
        asks: "How a message is sent, and how it is answered: a yes that names the `$message`, and a no.",
        optional: false,
        begins: |a| {
            a.by_carrier(
                "emit: [send, { conversation: $conversation, text: $text, key: $key }], ack: [{ ok: true, id: $message }], nack: [{ ok: false, error: $error }]",
                "frame: { type: send, conversation: $conversation, text: $text, key: $key }, reply: { type: sent, key: $key, id: $message }, error: { type: failed, key: $key, error: $error }",
            )
        },
    },
    Question {
        id: "message",
        asks: "What the members see of a message. The more holes, the sharper the judges.",
        optional: false,
        begins: |a| {
            a.by_carrier(
                "[message, { id: $message, conversation: $conversation, from: $sender, text: $text, key: $key?, at: $at }]",
                "{ type: message, id: $message, conversation: $conversation, from: $sender, text: $text, key: $key?, at: $at }",
            )
        },
    },
    Question {
        id: "history",
        asks: "How a conversation is read from its start, and since a position after a reconnect (`$since`).",
        optional: true,
        begins: |_| "get: /conversations/$conversation/messages, query: { since: $since?, limit: $limit? }, ok: { 200: [{ id: $message, from: $sender, text: $text, key: $key?, at: $at }, ...] }, fail: { 400-499: { error: $error } }, pages: since",
    },
    Question {
        id: "typing",
        asks: "The names of the events that say that somebody types, and no longer does.",
        optional: true,
        begins: |_| "typing:start, typing:stop",
    },
    Question {
        id: "promises",
        asks: "What the documents promise (`assize list properties` names more); the rest is judged, and does not count.",
        optional: true,
        begins: |a| match a.has("history") {
            true => "idempotency, ordering, at-least-once, no-loss-on-reconnect",
            false => "idempotency, ordering",
        },
    },
];

impl Question {
    /// The answer that stands in brackets.
    pub(super) fn begins(&self, answers: &Answers) -> String {
        (self.begins)(answers).to_owned()
    }
}

impl Answers {
    pub(super) fn new(name: &str, carrier: Carrier) -> Self {
        Self { name: name.to_owned(), carrier, given: Vec::new() }
    }

    pub(super) fn take(&mut self, id: &'static str, answer: String) {
        self.given.push((id, answer));
    }

    fn by_carrier(&self, socket_io: &'static str, websocket: &'static str) -> &'static str {
        match self.carrier {
            Carrier::SocketIo => socket_io,
            Carrier::WebSocket => websocket,
        }
    }

    /// The answer; empty if the part is left out.
    fn get(&self, id: &str) -> &str {
        let given = self.given.iter().find(|(given, _)| *given == id);
        given.map_or("", |(_, answer)| if answer == "-" { "" } else { answer.as_str() })
    }

    /// The harness makes a token for each person.
    fn signs(&self) -> bool {
        let token = self.get("token");
        !token.is_empty() && (!token.contains(':') || token.contains("$token"))
    }

    fn has(&self, id: &str) -> bool {
        !self.get(id).is_empty()
    }
}

/// The spec.
pub(super) fn write(answers: &Answers) -> String {
    [
        head(answers),
        connect(answers),
        people(answers),
        operations(answers),
        sights(answers),
        rest(answers),
    ]
    .concat()
}

fn head(answers: &Answers) -> String {
    format!(
        "# {}: how this server looks on the wire, and what it promises. docs/spec-language.md has the language.\n\
         # `$name` is a hole: filled to send, read to receive. Everything else stands as on the wire.\n\
         assize: 1\nname: {}\nabout: {}\n# document: the title of what its promises stand in\n",
        answers.name,
        answers.name,
        quoted(answers.get("about")),
    )
}

fn connect(answers: &Answers) -> String {
    let path = answers.get("path");
    let carrier = match answers.carrier {
        Carrier::SocketIo => format!(
            "  socket.io: {{ path: {path}, transport: websocket }}   # or: polling, upgrade\n"
        ),
        Carrier::WebSocket => format!("  websocket: {{ path: {path} }}\n"),
    };
    let token = match answers.get("token") {
        "" => "",
        "query" => "  query: { token: $token }\n",
        "header" => "  headers: { authorization: Bearer $token }\n",
        "auth" => "  auth: { token: $token }\n",
        piece => &format!("  {piece}\n"),
    };
    format!(
        "\nconnect:\n{carrier}{token}  # refused: [{{ message: … }}]   the documented answers to a bad token\n"
    )
}

fn people(answers: &Answers) -> String {
    let mut out = format!("\npeople:\n  ids: {}\n", answers.get("ids"));
    if answers.signs() {
        let (claims, secret) = (answers.get("claims"), answers.get("secret"));
        let _ = write!(
            out,
            "  # The harness signs the tokens: start the server with the same secret.\n  token:\n    \
             jwt: {{ algorithm: HS256, secret: {{ env: {secret}, default: not-so-secret }}, claims: {claims}, lives: 1h }}\n\n\
             http:\n  headers: {{ authorization: Bearer $token }}\n"
        );
    }
    out
}

fn operations(answers: &Answers) -> String {
    let mut out = String::from("\ndo:\n");
    let mut operation = |name: &str, answer: &str| {
        if !answer.is_empty() {
            let _ = writeln!(out, "  {name}: {{ {answer} }}");
        }
    };
    operation("create", answers.get("create"));
    operation("join", answers.get("join"));
    operation("send", answers.get("send"));
    operation("sync", answers.get("history"));
    operation("history", answers.get("history"));
    for (name, word) in ["typing-start", "typing-stop"].into_iter().zip(typing(answers)) {
        let request = match answers.carrier {
            Carrier::SocketIo => format!("emit: [\"{word}\", $conversation]"),
            Carrier::WebSocket => {
                format!("frame: {{ type: \"{word}\", conversation: $conversation }}")
            }
        };
        operation(name, &request);
    }
    out + "  # And, where there are such: list, read, delivered, leave, contacts, unread, search, hide.\n"
}

fn sights(answers: &Answers) -> String {
    let mut out = format!("\nsee:\n  message: {}\n", answers.get("message"));
    for (name, word) in ["typing-start", "typing-stop"].into_iter().zip(typing(answers)) {
        let shape = match answers.carrier {
            Carrier::SocketIo => format!("[\"{word}\", $sender]"),
            Carrier::WebSocket => format!("{{ type: \"{word}\", from: $sender }}"),
        };
        let _ = writeln!(out, "  {name}: {shape}");
    }
    out + "  # And, where there are such: online, offline, presence, receipt, status, conversation.\n"
}

fn rest(answers: &Answers) -> String {
    let join = if answers.has("join") { "explicit" } else { "by-server" };
    let shows =
        |hole: &str| answers.get("message").contains(hole) || answers.get("send").contains(hole);
    let mut out = String::from("\ntraits:\n");
    if shows("$key") {
        out.push_str(
            "  # One message per key: of one `person`, `conversation` or `everybody`; a repetition has the `same` answer, or `reject`.\n  \
             dedup: { scope: person, answer: same }\n",
        );
    }
    for (hole, by) in [("$seq", "$seq"), ("$at", "$at")] {
        if shows(hole) && !out.contains("order:") {
            let _ = writeln!(out, "  order: {{ by: {by} }}");
        }
    }
    let _ = write!(
        out,
        "  echo: all           # who sees a message: all, others, own-other-devices\n  \
         join: {join}\n  # sanitise: html    if markup comes back escaped\n"
    );
    let promises: Vec<&str> =
        answers.get("promises").split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    if !promises.is_empty() {
        out.push_str("\n# What the documents say, and where: reports quote it beside each failure.\npromise:\n");
        for promise in promises {
            let _ = writeln!(
                out,
                "  {promise}: {{ says: to be quoted from the documents, source: README }}"
            );
        }
    }
    out + "\n# The client's side of the contract: these are the defaults.\n\
           # contract: { ack-timeout: 5s, retries: [1s, 2s, 4s], reconnect: [1s, 2s, 4s, 8s, 16s, 30s] }\n\
           # limits: { text: 1000, send-rate: 10/s per person, page: 100 }\n"
}

/// The words for somebody who types, and who no longer does.
fn typing(answers: &Answers) -> Vec<&str> {
    answers.get("typing").split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
