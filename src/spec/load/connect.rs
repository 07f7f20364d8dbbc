//! `connect:` how a client's connection comes to be.

use crate::source::{Fields, Node};
use crate::spec::bindings::Hole;
use crate::spec::load::{Loader, Place};
use crate::spec::model::{
    AppPing, Connect, Elsewhere, EventSource, Poll, Protocol, Request, SocketPer, Transports,
};
use crate::spec::shape::Shape;
use crate::spec::text::Text;
use std::time::Duration;

/// How long a server is taken to hold a poll where the spec does not say it.
const HOLDS: Duration = Duration::from_secs(30);

impl Loader<'_> {
    pub(super) fn connect(&mut self, node: &Node) -> Connect {
        self.place = Place::Connect;
        let mut connect = Connect {
            protocol: Protocol::Http,
            path: Text::literal("/"),
            query: Vec::new(),
            headers: Vec::new(),
            auth: None,
            elsewhere: None,
            welcome: None,
            first: None,
            refused: Vec::new(),
            timeout: Duration::from_secs(10),
            per: SocketPer::Client,
            ping: None,
            events: None,
        };
        let Some(mut fields) = Fields::of(node, "connect", &mut self.found) else {
            return connect;
        };
        let protocol = fields.one_of(&["socket.io", "websocket", "http"], &mut self.found);
        match protocol {
            Some(entry) => self.protocol(&entry.key, &entry.value, &mut connect),
            None => {
                self.found
                    .error(fields.span(), "`connect` doesn't say what carries the events")
                    .expected("`socket.io`, `websocket` or `http`");
            }
        }
        self.protocol = protocol.map(|_| connect.protocol.clone());
        connect.query = self.fields(fields.value("query"), "query");
        connect.headers = self.fields(fields.value("headers"), "headers");
        connect.auth = self.auth(&mut fields);
        let elsewhere = fields.value("elsewhere");
        connect.elsewhere = elsewhere.and_then(|node| self.elsewhere(node));
        let welcome = fields.value("welcome");
        connect.welcome = welcome.map(|node| self.received_shape(node));
        let first = fields.value("first");
        connect.first = first.map(|node| self.step(node, "first", &[]));
        let refused = fields.value("refused");
        connect.refused = self.shapes(refused, "refused");
        if let Some(timeout) = fields.value("timeout") {
            connect.timeout = self.positive(timeout).unwrap_or(connect.timeout);
        }
        if let Some(per) = fields.value("per") {
            let choices =
                [("client", SocketPer::Client), ("conversation", SocketPer::Conversation)];
            let choice = per.read_choice(&choices, &mut self.found);
            connect.per = choice.unwrap_or(SocketPer::Client);
        }
        let ping = fields.value("ping");
        connect.ping = ping.and_then(|node| self.ping(node));
        fields.finish(&mut self.found);
        connect
    }

    fn auth(&mut self, fields: &mut Fields<'_>) -> Option<Shape> {
        let entry = fields.take("auth")?;
        if self.protocol.as_ref().is_some_and(|p| !matches!(p, Protocol::SocketIo { .. })) {
            self.found
                .error(entry.key_span, "only Socket.IO's CONNECT packet carries `auth`")
                .hint("use `query`, `headers` or `first`");
        }
        Some(self.sent_shape(&entry.value))
    }

    fn elsewhere(&mut self, node: &Node) -> Option<Elsewhere> {
        let mut fields = Fields::of(node, "elsewhere", &mut self.found)?;
        let elsewhere = Elsewhere {
            query: self.fields(fields.value("query"), "query"),
            headers: self.fields(fields.value("headers"), "headers"),
            auth: self.auth(&mut fields),
        };
        fields.finish(&mut self.found);
        Some(elsewhere)
    }

    fn protocol(&mut self, name: &str, node: &Node, connect: &mut Connect) {
        let what = match name {
            "socket.io" => "socket.io",
            "websocket" => "websocket",
            _ => "http",
        };
        let Some(mut fields) = Fields::of(node, what, &mut self.found) else {
            return;
        };
        connect.protocol = match what {
            "socket.io" => {
                connect.path = Text::literal("/socket.io/");
                let namespace = fields.value("namespace");
                let namespace = namespace.map(|node| self.namespace(node));
                let transport = fields.value("transport");
                let transports = transport.and_then(|node| {
                    let choices = [
                        ("websocket", Transports::WebSocket),
                        ("polling", Transports::Polling),
                        ("upgrade", Transports::Upgrade),
                    ];
                    node.read_choice(&choices, &mut self.found)
                });
                Protocol::SocketIo {
                    namespace: namespace.unwrap_or_else(|| "/".to_owned()),
                    transports: transports.unwrap_or(Transports::WebSocket),
                }
            }
            "websocket" => {
                let subprotocol = fields.value("subprotocol");
                Protocol::WebSocket {
                    subprotocol: subprotocol.map(|node| self.text_of(Some(node), "subprotocol")),
                }
            }
            _ => {
                connect.events = self.events(&mut fields);
                Protocol::Http
            }
        };
        if what != "http"
            && let Some(path) = fields.value("path")
        {
            connect.path = self.bare_path(path, "path");
        }
        fields.finish(&mut self.found);
    }

    fn namespace(&mut self, node: &Node) -> String {
        let text = self.text_of(Some(node), "namespace");
        if !text.starts_with('/') {
            self.found
                .error(node.span, format!("the namespace `{text}` has no slash"))
                .hint(format!("did you mean `/{text}`?"));
        }
        text
    }

    fn events(&mut self, fields: &mut Fields<'_>) -> Option<EventSource> {
        let source = fields.one_of(&["poll", "stream"], &mut self.found)?;
        self.protocol = Some(Protocol::Http);
        if source.key == "poll" {
            return Some(EventSource::Poll(Box::new(self.poll(&source.value))));
        }
        let step = self.step(&source.value, "stream", &[]);
        match step.request {
            Request::Http(request) => Some(EventSource::Stream(Box::new(request))),
            _ => {
                self.found
                    .error(source.value.span, "a stream is an HTTP request")
                    .expected("`get: /path`");
                None
            }
        }
    }

    fn poll(&mut self, node: &Node) -> Poll {
        let (mut events, mut holds, mut pause) = (Vec::new(), HOLDS, Duration::ZERO);
        let step = self.step_with(node, "poll", &[], |loader, fields| {
            events = loader.shapes(fields.value("events"), "events");
            if let Some(node) = fields.value("holds") {
                holds = loader.positive(node).unwrap_or(holds);
            }
            if let Some(node) = fields.value("pause") {
                pause = node.read_duration(&mut loader.found).unwrap_or_default();
            }
        });
        let tells = |shape: &Shape| shape.holes().iter().any(|(hole, _)| *hole == Hole::EVENT);
        let read = !matches!(step.request, Request::Http(_)) || step.yes.is_empty();
        if !read && !step.yes.iter().map(|one| &one.shape).chain(&events).any(tells) {
            self.found
                .error(node.span, "no part of the answer binds `$event`")
                .hint("write `[$event, ...]` in `ok` or under `events`, where the events stand");
        }
        Poll { step, events, holds, pause }
    }

    fn ping(&mut self, node: &Node) -> Option<AppPing> {
        let mut fields = Fields::of(node, "ping", &mut self.found)?;
        let send = fields.require("send", &mut self.found);
        let send = send.map(|node| self.sent_shape(node));
        let expect = fields.value("expect");
        let expect = expect.map(|node| self.received_shape(node));
        let answers = fields.value("answers");
        if let (Some(_), Some(node)) = (&expect, answers) {
            self.found
                .error(node.span, "the client pings or the server does, not both")
                .hint("`expect` answers the client's ping, and `answers` is the server's");
        }
        let answers = answers.map(|node| self.received_shape(node));
        let every = fields.require("every", &mut self.found);
        let every = every.and_then(|node| self.positive(node));
        let dead_after = fields.value("dead-after");
        let dead_after = dead_after.and_then(|node| {
            let silence = self.positive(node)?;
            let too_short = every.is_some_and(|every| silence <= every);
            if too_short {
                self.found
                    .error(node.span, "a client that pings on time would be taken for dead")
                    .expected("a time longer than `every`");
            }
            Some(silence)
        });
        fields.finish(&mut self.found);
        Some(AppPing { send: send?, expect, answers, every: every?, dead_after })
    }

    /// A duration that isn't zero.
    pub(super) fn positive(&mut self, node: &Node) -> Option<Duration> {
        let duration = node.read_duration(&mut self.found)?;
        if duration.is_zero() {
            self.found.error(node.span, "this takes some time; it can't be zero");
            return None;
        }
        Some(duration)
    }

    fn shapes(&mut self, node: Option<&Node>, what: &str) -> Vec<Shape> {
        let Some(node) = node else { return Vec::new() };
        match node.items() {
            Some(items) => items.iter().map(|item| self.received_shape(item)).collect(),
            None => {
                self.found
                    .error(node.span, format!("`{what}` is {}", node.what()))
                    .expected("a list of shapes");
                Vec::new()
            }
        }
    }
}
