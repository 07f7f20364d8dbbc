//! `do:` what a client can do: operations, channels, steps and requests.

use crate::operation::Operation;
use crate::source::{Entry, Fields, Node, suggestion};
use crate::spec::check;
use crate::spec::load::answer::{Placed, correlate};
use crate::spec::load::{Loader, Place};
use crate::spec::model::{Channel, Deed, HttpRequest, Paging, Protocol, Pushed, Request, Step};
use crate::spec::shape::Shape;
use crate::spec::text::Text;

/// The names of a request, one of which a step has.
const REQUESTS: &[&str] = &["emit", "frame", "get", "post", "put", "patch", "delete"];

impl Loader<'_> {
    pub(super) fn does(&mut self, node: &Node, sees: &[Pushed]) -> Vec<Deed> {
        let Some(entries) = node.entries() else {
            self.found
                .error(node.span, format!("`do` is {}", node.what()))
                .expected("a mapping of operations to requests");
            return Vec::new();
        };
        let mut does = Vec::new();
        for entry in entries {
            let errors = self.found.errors();
            if let Some(operation) = self.operation(entry) {
                let channels = self.channels(operation, &entry.value, sees);
                does.push(check::Placed {
                    deed: Deed { operation, channels },
                    span: entry.key_span,
                    sound: !self.failed_since(errors),
                });
            }
        }
        check::deeds(&does, sees, self);
        does.into_iter().map(|placed| placed.deed).collect()
    }

    fn operation(&mut self, entry: &Entry) -> Option<Operation> {
        let operation = Operation::parse(&entry.key);
        if operation.is_none() {
            let message = format!("`{}` is no operation", entry.key);
            let near = suggestion(&entry.key, Operation::ALL.iter().map(|o| o.name()));
            let complaint = self.found.error(entry.key_span, message);
            match near {
                Some(near) => complaint.hint(format!("did you mean `{near}`?")),
                None => complaint.expected(words(Operation::ALL.iter().map(|o| o.name()))),
            };
        }
        operation
    }

    fn channels(&mut self, operation: Operation, node: &Node, sees: &[Pushed]) -> Vec<Channel> {
        let channels = node.entries().and_then(|entries| match entries {
            [only] if only.key == "channels" => Some(&only.value),
            _ => None,
        });
        let Some(channels) = channels else {
            let steps = self.steps(operation, 0, node, sees);
            let name = match steps.last().map(|step| &step.request) {
                Some(Request::Http(_)) => "rest",
                _ => "socket",
            };
            let name = name.to_owned();
            return vec![Channel { name, steps }];
        };
        let Some(entries) = channels.entries().filter(|entries| !entries.is_empty()) else {
            self.found
                .error(channels.span, "`channels` holds no channel")
                .expected("a mapping such as `{ socket: { emit: … }, rest: { post: … } }`");
            return Vec::new();
        };
        let read = entries.iter().enumerate().map(|(index, entry)| Channel {
            name: entry.key.clone(),
            steps: self.steps(operation, index, &entry.value, sees),
        });
        read.collect()
    }

    fn steps(
        &mut self,
        operation: Operation,
        channel: usize,
        node: &Node,
        sees: &[Pushed],
    ) -> Vec<Step> {
        let several = node.entries().and_then(|entries| match entries {
            [only] if only.key == "steps" => Some(&only.value),
            _ => None,
        });
        let nodes = match several {
            None => std::slice::from_ref(node),
            Some(list) => match list.items() {
                Some(items) if !items.is_empty() => items,
                _ => {
                    self.found
                        .error(list.span, "`steps` holds no request")
                        .expected("a list of requests");
                    return Vec::new();
                }
            },
        };
        let read = nodes.iter().enumerate().map(|(index, node)| {
            self.place = Place::Deed(operation, channel, index);
            self.step(node, operation.name(), sees)
        });
        read.collect()
    }

    /// One request with its answers.
    pub(super) fn step(&mut self, node: &Node, what: &'static str, sees: &[Pushed]) -> Step {
        self.step_with(node, what, sees, |_, _| ())
    }

    /// The same; `more` reads what else may stand there.
    pub(super) fn step_with(
        &mut self,
        node: &Node,
        what: &'static str,
        sees: &[Pushed],
        more: impl FnOnce(&mut Self, &mut Fields<'_>),
    ) -> Step {
        let nothing = Step {
            request: Request::Frame { shape: Shape::anything() },
            yes: Vec::new(),
            no: Vec::new(),
            limited: Vec::new(),
            takes: Vec::new(),
            paging: None,
        };
        let Some(mut fields) = Fields::of(node, what, &mut self.found) else {
            return nothing;
        };
        let errors = self.found.errors();
        let Some(entry) = fields.one_of(REQUESTS, &mut self.found) else {
            if !self.failed_since(errors) {
                self.found
                    .error(fields.span(), format!("`{what}` sends nothing"))
                    .expected(words(REQUESTS.iter().copied()));
            }
            return nothing;
        };
        let request = self.request(entry, &mut fields);
        let answers = self.answers(&entry.key, &mut fields, sees);
        let paging = fields.value("pages").and_then(|node| {
            let choices =
                [("since", Paging::Since), ("page", Paging::Page), ("cursor", Paging::Cursor)];
            node.read_choice(&choices, &mut self.found)
        });
        more(self, &mut fields);
        fields.finish(&mut self.found);
        check::answers(&answers, self);
        let receptions = |list: Vec<Placed>| list.into_iter().map(|(one, _)| one).collect();
        let mut step = Step {
            request,
            yes: receptions(answers.yes),
            no: receptions(answers.no),
            limited: receptions(answers.limited),
            takes: answers.takes,
            paging,
        };
        correlate(&mut step);
        step
    }

    fn request(&mut self, entry: &Entry, fields: &mut Fields<'_>) -> Request {
        let Entry { key, value, .. } = entry;
        match key.as_str() {
            "emit" => {
                if self.protocol.as_ref().is_some_and(|p| !matches!(p, Protocol::SocketIo { .. })) {
                    self.found
                        .error(entry.key_span, "`emit` needs Socket.IO")
                        .hint("on a raw WebSocket send a `frame`, or connect with `socket.io`");
                }
                let shape = self.sent_shape(value);
                let event = self.event_name(value).unwrap_or_default();
                Request::Emit { event, shape }
            }
            "frame" => {
                if self.protocol.as_ref().is_some_and(|p| !matches!(p, Protocol::WebSocket { .. }))
                {
                    self.found
                        .error(entry.key_span, "`frame` needs a raw WebSocket")
                        .hint("with Socket.IO `emit` an event, or connect with `websocket`");
                }
                let shape = self.sent_shape(value);
                Request::Frame { shape }
            }
            method => {
                let path = self.path(value, "path");
                let query = self.fields(fields.value("query"), "query");
                let headers = self.fields(fields.value("headers"), "headers");
                let body = fields.take("body");
                let form = fields.take("form");
                if let (Some(_), Some(form)) = (body, form) {
                    self.found
                        .error(form.key_span, "`form` stands beside `body`")
                        .hint("a request has one body: JSON (`body`) or form-encoded (`form`)");
                }
                Request::Http(HttpRequest {
                    method: method.to_uppercase(),
                    path,
                    query,
                    headers,
                    body: body.map(|entry| self.sent_shape(&entry.value)),
                    form: self.fields(form.map(|entry| &entry.value), "form"),
                })
            }
        }
    }

    /// The path of a request with its holes, the base before it.
    fn path(&mut self, node: &Node, what: &str) -> Text {
        self.bare_path(node, what).after(&self.base)
    }

    /// A path with holes.
    pub(super) fn bare_path(&mut self, node: &Node, what: &str) -> Text {
        let Some(written) = node.text() else {
            return self.sent_text(node, what);
        };
        if !written.starts_with('/') {
            self.found
                .error(node.span, format!("the path `{written}` has no slash"))
                .hint(format!("did you mean `/{written}`?"));
        }
        if written.contains('?') {
            let span = self.found.narrow(node.span, "?");
            self.found
                .error(span, "a path holds no `?`")
                .hint("query parameters go under `query:`, and a hole of a path can't be optional");
            return Text::literal("/");
        }
        self.sent_text(node, what)
    }
}

/// Names for a message.
fn words<'w>(names: impl Iterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    format!("one of {}", quoted.join(", "))
}
