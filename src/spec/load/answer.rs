//! The answers of a request: callbacks, events, frames, statuses, the echo.

use crate::operation::Sight;
use crate::source::{Fields, Node, Span};
use crate::spec::bindings::Hole;
use crate::spec::load::Loader;
use crate::spec::model::{Protocol, Pushed, Reception, Step, Take, TakeFrom, Via};
use crate::spec::shape::Shape;

/// An answer and where it stands.
pub(super) type Placed = (Reception, Span);

impl Loader<'_> {
    /// The event's name of `[name, argument, …]`.
    pub(super) fn event_name(&mut self, node: &Node) -> Option<String> {
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

    pub(super) fn answers(
        &mut self,
        request: &str,
        fields: &mut Fields<'_>,
        sees: &[Pushed],
    ) -> Answers {
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
pub(in crate::spec) struct Answers {
    pub(in crate::spec) yes: Vec<Placed>,
    pub(in crate::spec) no: Vec<Placed>,
    pub(in crate::spec) limited: Vec<Placed>,
    pub(super) takes: Vec<Take>,
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
pub(super) fn correlate(step: &mut Step) {
    let common: Vec<_> = Hole::STANDARD
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
