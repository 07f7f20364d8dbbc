//! `do:` what a client can do: requests and their answers.

use crate::operation::Operation;
use crate::operation::Sight;
use crate::source::{Entry, Fields, Node, Span, suggestion};
use crate::spec::check;
use crate::spec::load::{Loader, Place};
use crate::spec::model::{
    Channel, Deed, HttpRequest, Paging, Protocol, Pushed, Reception, Request, Step, Take, TakeFrom,
    Via,
};
use crate::spec::shape::Shape;
use crate::spec::text::Text;

/// The names of a request, one of which a step has.
const REQUESTS: &[&str] = &["emit", "frame", "get", "post", "put", "patch", "delete"];

/// An answer and where it stands.
pub(super) type Placed = (Reception, Span);

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

    /// A path with holes, the base before it.
    pub(super) fn path(&mut self, node: &Node, what: &str) -> Text {
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
        let text = self.sent_text(node, what);
        text.after(&self.base)
    }

    /// The event's name of `[name, argument, …]`.
    fn event_name(&mut self, node: &Node) -> Option<String> {
        let name = match node.items() {
            Some([name, ..]) => name.text().filter(|name| !name.is_empty()),
            _ => None,
        };
        if name.is_none() {
            let span = match node.items() {
                Some([name, ..]) => name.span,
                _ => node.span,
            };
            self.found
                .error(span, "an event has a name")
                .expected("a list such as `[\"message:send\", $conversation, { text: $text }]`");
        }
        name.map(|name| name.replace("$$", "$"))
    }

    fn answers(&mut self, request: &str, fields: &mut Fields<'_>, sees: &[Pushed]) -> Answers {
        let socket = matches!(request, "emit" | "frame");
        let mut answers = Answers::default();
        let (ack, nack) = (fields.take("ack"), fields.take("nack"));
        for (entry, list) in [(ack, &mut answers.yes), (nack, &mut answers.no)] {
            let Some(entry) = entry else { continue };
            if request != "emit" {
                self.found
                    .error(entry.key_span, format!("`{}` answers an `emit` only", entry.key))
                    .hint(if socket {
                        "a raw WebSocket answers with a frame: use `reply` and `error`"
                    } else {
                        "an HTTP request is answered by a status: use `ok` and `fail`"
                    });
            }
            self.each(&entry.value, |loader, node| {
                if node.items().is_none() {
                    loader
                        .found
                        .error(node.span, format!("the callback's arguments are {}", node.what()))
                        .expected("a list, such as `[{ success: true }]`, or `[]` for none");
                }
                let shape = loader.received_shape(node);
                list.push((reception(Via::Ack, shape), node.span));
            });
        }
        let (reply, error) = (fields.take("reply"), fields.take("error"));
        for (entry, list) in [(reply, &mut answers.yes), (error, &mut answers.no)] {
            let Some(entry) = entry else { continue };
            self.each(&entry.value, |loader, node| {
                list.push((loader.event(node), node.span));
            });
        }
        let (ok, fail) = (fields.take("ok"), fields.take("fail"));
        for (entry, list) in [(ok, &mut answers.yes), (fail, &mut answers.no)] {
            let Some(entry) = entry else { continue };
            if socket {
                self.found
                    .error(entry.key_span, format!("`{}` answers an HTTP request only", entry.key))
                    .hint("an `emit` is answered by `ack` or `reply`, a `frame` by `reply`");
            }
            self.statuses(&entry.value, list);
        }
        let acked = ack.is_some() || nack.is_some();
        self.limited(request, acked, fields, &mut answers.limited);
        if let Some(echo) = fields.take("echo") {
            let wanted = echo.value.read_bool(&mut self.found) == Some(true);
            let messages = sees.iter().filter(|pushed| pushed.sight == Sight::Message);
            let shapes: Vec<Shape> = messages.map(|p| p.reception.shape.clone()).collect();
            if wanted && shapes.is_empty() {
                self.found.error(
                    echo.key_span,
                    "the echo of a message is its answer, but `see` has no `message`",
                );
            }
            if wanted {
                let echoes =
                    shapes.into_iter().map(|shape| (reception(Via::Echo, shape), echo.key_span));
                answers.yes.extend(echoes);
            }
        }
        if let Some(take) = fields.take("take") {
            if socket {
                self.found.error(take.key_span, "only HTTP answers have headers and cookies");
            }
            answers.takes = self.takes(&take.value);
        }
        answers
    }

    /// How the server says: too fast.
    fn limited(
        &mut self,
        request: &str,
        acked: bool,
        fields: &mut Fields<'_>,
        list: &mut Vec<Placed>,
    ) {
        let Some(entry) = fields.take("limited") else {
            return;
        };
        match request {
            "emit" if acked => self.each(&entry.value, |loader, node| {
                let shape = loader.received_shape(node);
                list.push((reception(Via::Ack, shape), node.span));
            }),
            "emit" | "frame" => self.each(&entry.value, |loader, node| {
                list.push((loader.event(node), node.span));
            }),
            _ => self.statuses(&entry.value, list),
        }
    }

    /// Reads one answer, or each of `{ any: [one, other] }`.
    pub(super) fn each(&mut self, node: &Node, mut read: impl FnMut(&mut Self, &Node)) {
        let any = node.entries().and_then(|entries| match entries {
            [only] if only.key == "any" => only.value.items(),
            _ => None,
        });
        match any {
            Some(items) => items.iter().for_each(|item| read(self, item)),
            None => read(self, node),
        }
    }

    /// An event or frame that comes in.
    pub(super) fn event(&mut self, node: &Node) -> Reception {
        let shape = self.received_shape(node);
        if matches!(self.protocol, None | Some(Protocol::SocketIo { .. })) {
            let name = self.event_name(node).unwrap_or_default();
            reception(Via::Event(name), shape)
        } else {
            reception(Via::Frame, shape)
        }
    }

    fn statuses(&mut self, node: &Node, list: &mut Vec<Placed>) {
        let Some(entries) = node.entries() else {
            self.found.error(node.span, format!("statuses are {}", node.what())).expected(
                "a mapping such as `{ 200: { id: $message } }` or `{ 400-499: { error: $error } }`",
            );
            return;
        };
        for entry in entries {
            let Some((from, to)) = status_range(&entry.key) else {
                self.found
                    .error(entry.key_span, format!("`{}` is no HTTP status", entry.key))
                    .expected("a status such as `200`, or a range such as `400-499`");
                continue;
            };
            let shape = if entry.value.is_null() {
                Shape::anything()
            } else {
                self.received_shape(&entry.value)
            };
            list.push((reception(Via::Status(from, to), shape), entry.key_span));
        }
    }

    fn takes(&mut self, node: &Node) -> Vec<Take> {
        let Some(mut fields) = Fields::of(node, "take", &mut self.found) else {
            return Vec::new();
        };
        let mut takes = Vec::new();
        for (name, from) in [("headers", TakeFrom::Header), ("cookies", TakeFrom::Cookie)] {
            let entries = fields.value(name).and_then(Node::entries).unwrap_or(&[]);
            takes.extend(entries.iter().map(|entry| Take {
                from,
                name: entry.key.clone(),
                value: self.received_text(&entry.value, &entry.key),
            }));
        }
        fields.finish(&mut self.found);
        takes
    }
}

/// The answers of a step, with their places.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) yes: Vec<Placed>,
    pub(super) no: Vec<Placed>,
    pub(super) limited: Vec<Placed>,
    takes: Vec<Take>,
}

const fn reception(via: Via, shape: Shape) -> Reception {
    Reception { via, shape, correlated: false }
}

/// `201`, `400-499` or `4xx`.
fn status_range(text: &str) -> Option<(u16, u16)> {
    let status = |text: &str| text.parse::<u16>().ok().filter(|s| (100..600).contains(s));
    if let Some(class) = text.strip_suffix("xx") {
        let first = status(&format!("{class}00"))?;
        return Some((first, first + 99));
    }
    match text.split_once('-') {
        Some((from, to)) => Some((status(from)?, status(to)?)).filter(|(from, to)| from <= to),
        None => status(text).map(|one| (one, one)),
    }
}

/// Holes that don't tell one request of a client from another.
const COMMON: &[&str] =
    &["user", "name", "token", "password", "since", "cursor", "limit", "page", "error", "at"];

/// Marks the answers that share a hole of the request's own with it.
fn correlate(step: &mut Step) {
    let common: Vec<_> = crate::spec::Hole::STANDARD
        .iter()
        .filter(|(name, ..)| COMMON.contains(name))
        .map(|(_, hole, _)| *hole)
        .collect();
    let asked = step.request.holes();
    let own = |hole| asked.contains(&hole) && !common.contains(&hole);
    for answer in step.yes.iter_mut().chain(&mut step.no).chain(&mut step.limited) {
        answer.correlated = match answer.via {
            Via::Ack | Via::Status(..) => true,
            Via::Echo => true,
            Via::Event(_) | Via::Frame => {
                let holes = answer.shape.holes();
                holes.iter().any(|(hole, optional)| !optional && own(*hole))
            }
        };
    }
}

/// Names for a message.
fn words<'w>(names: impl Iterator<Item = &'w str>) -> String {
    let quoted: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    format!("one of {}", quoted.join(", "))
}
