//! `do:` and `see:` what a client sends, what answers it, and what comes unasked.

use super::Field;
use crate::operation::{Operation, Sight};
use crate::spec::bindings::Hole;
use crate::spec::shape::Shape;
use crate::spec::text::Text;

/// An operation as this server does it.
#[derive(Clone, Debug)]
pub struct Deed {
    /// Which operation.
    pub operation: Operation,
    /// The channels it can go through; the first is the one used unless a scenario asks.
    pub channels: Vec<Channel>,
}

/// One way to do an operation.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `socket`, `rest`, or the spec's own word.
    pub name: String,
    /// One request, or several in sequence.
    pub steps: Vec<Step>,
}

/// One request and its answers.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is sent.
    pub request: Request,
    /// Answers that mean yes. With `no` empty too: nothing is answered.
    pub yes: Vec<Reception>,
    /// Answers that mean no. They are tried before `yes`: a callback's `nack: [$error]` beside an
    /// empty `ack: []` says more than the empty list.
    pub no: Vec<Reception>,
    /// Answers that mean: too fast. They are tried first.
    pub limited: Vec<Reception>,
    /// What is read from an HTTP answer beside its body.
    pub takes: Vec<Take>,
    /// How a read goes on when there is more.
    pub paging: Option<Paging>,
}

/// Something read from an HTTP answer beside its body.
#[derive(Clone, Debug)]
pub struct Take {
    /// From where.
    pub from: TakeFrom,
    /// The header's or cookie's name.
    pub name: String,
    /// What it looks like.
    pub value: Text,
}

/// Where beside the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeFrom {
    /// A response header.
    Header,
    /// A cookie that the answer sets.
    Cookie,
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Request {
    /// A Socket.IO event: the shape is the whole array, the name its first element.
    Emit {
        /// The event's name.
        event: String,
        /// `[name, argument, …]`.
        shape: Shape,
    },
    /// A JSON frame on a raw WebSocket.
    Frame {
        /// The frame.
        shape: Shape,
    },
    /// An HTTP request.
    Http(HttpRequest),
}

/// An HTTP request.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: String,
    /// The path; holes are percent-encoded.
    pub path: Text,
    /// Query parameters.
    pub query: Vec<Field>,
    /// Headers of this request only.
    pub headers: Vec<Field>,
    /// A JSON body.
    pub body: Option<Shape>,
    /// A form-encoded body, when there is no JSON body.
    pub form: Vec<Field>,
}

/// Something received, by the channel it comes through.
#[derive(Clone, Debug)]
pub struct Reception {
    /// Through what.
    pub via: Via,
    /// What it looks like: for [`Via::Ack`] the array of the callback's arguments, for
    /// [`Via::Event`] the whole array with the name, for [`Via::Status`] the body.
    pub shape: Shape,
    /// For [`Via::Event`] and [`Via::Frame`]: the shape has a hole that the request binds to a
    /// value of its own, so the answer finds its question. Without: first in, first out.
    pub correlated: bool,
}

/// Through what an answer or event comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// The Socket.IO acknowledgement of the request.
    Ack,
    /// A Socket.IO event of this name (as written, if it has holes).
    Event(String),
    /// A JSON frame.
    Frame,
    /// An HTTP answer with a status in this range, bounds included.
    Status(u16, u16),
    /// The pushed message with one's own text.
    Echo,
}

/// How a read goes on when there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// While a page has as many rows as `$limit`: ask again since the last row's position.
    Since,
    /// While a page has as many rows as `$limit`: the next `$page`.
    Page,
    /// While the answer binds `$cursor`: ask again with it.
    Cursor,
}

/// An event that comes without having been asked for.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// What it means.
    pub sight: Sight,
    /// Through what, and what it looks like.
    pub reception: Reception,
    /// Another name for something that is also told by a canonical event.
    pub alias: bool,
}

impl Request {
    /// The holes that are filled to send it.
    #[must_use]
    pub fn holes(&self) -> Vec<Hole> {
        let shape = |shape: &Shape| shape.holes().into_iter().map(|(hole, _)| hole).collect();
        match self {
            Self::Emit { shape: one, .. } | Self::Frame { shape: one } => shape(one),
            Self::Http(http) => {
                let fields = http.query.iter().chain(&http.headers).chain(&http.form);
                let texts = fields.map(|field| &field.value).chain([&http.path]);
                let mut holes: Vec<Hole> = http.body.as_ref().map(shape).unwrap_or_default();
                holes.extend(texts.flat_map(Text::holes).map(|(hole, _)| hole));
                holes
            }
        }
    }
}

/// The channels of `broadcast`, one for each kind of audience.
pub const AUDIENCES: [&str; 3] = ["everybody", "chapter", "people"];

impl Deed {
    /// It may be answered by the message itself, pushed back to its sender.
    #[must_use]
    pub fn is_echoed(&self) -> bool {
        let mut steps = self.channels.iter().flat_map(|channel| &channel.steps);
        steps.any(|step| step.yes.iter().any(|one| one.via == Via::Echo))
    }

    /// The channel of this name: scenarios may ask for one; `create` may have one for a `pair` and
    /// one for a `group`.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    /// The index of the channel of this name. `rest` is also any that begins with an HTTP request,
    /// and `socket` any that begins with an event or a frame, where none has that name.
    #[must_use]
    pub fn channel_called(&self, name: &str) -> Option<usize> {
        let named = self.channels.iter().position(|channel| channel.name == name);
        let kind = |http: bool| {
            self.channels.iter().position(|channel| {
                let first = channel.steps.first();
                first.is_some_and(|step| matches!(step.request, Request::Http(_)) == http)
            })
        };
        named.or_else(|| match name {
            "rest" => kind(true),
            "socket" => kind(false),
            _ => None,
        })
    }

    /// The index of the channel that makes a conversation of so many members: the one called
    /// `pair` or `group`, else the first.
    #[must_use]
    pub fn channel_for(&self, members: usize) -> usize {
        let name = if members > 2 { "group" } else { "pair" };
        self.channels.iter().position(|channel| channel.name == name).unwrap_or(0)
    }
}

impl Step {
    /// An event answers this request, and what it carries back tells which.
    #[must_use]
    pub fn answers_by_event(&self) -> bool {
        let mut all = self.yes.iter().chain(&self.no);
        all.any(|one| matches!(one.via, Via::Event(_) | Via::Frame | Via::Echo))
    }

    /// It is a request over HTTP.
    #[must_use]
    pub const fn is_http(&self) -> bool {
        matches!(self.request, Request::Http(_))
    }

    /// Nothing answers this request.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        self.yes.is_empty() && self.no.is_empty()
    }
}
