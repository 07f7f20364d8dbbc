//! Operations that go over HTTP: one request, or several pages, and what they brought.

use crate::client::Reply;
use crate::dialect::http::{Call, Meaning, meaning};
use crate::dialect::voice::Walk;
use crate::dialect::{Bend, Dialect, Route, excerpt};
use crate::engine::people::{Jar, Papers, set_value};
use crate::history::{ConversationId, Event, OpId};
use crate::operation::Operation;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Spec, Step, TakeFrom};
use crate::transport::endpoint::Endpoint;
use crate::transport::http::{HttpClient, HttpOptions, Request as HttpRequest, Response};
use compact_str::{CompactString, format_compact};
use hyper::header::HeaderMap;

/// How an operation over HTTP ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Yes or no, as the spec says it.
    Answered(Reply),
    /// A read that came to its end: what its rows show, how many there were, and the last cursor.
    Read { rows: Vec<Event>, count: u32, cursor: Option<CompactString> },
    /// No answer, or none that the spec knows; why.
    Failed(CompactString),
}

/// A request of one client that goes over HTTP.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// What is asked.
    pub route: Route,
    /// Its number, for the rows it brings.
    pub op: OpId,
    /// Where.
    pub conversation: Option<ConversationId>,
    /// Everything the request needs.
    pub bindings: Bindings,
    /// The pages so far, of a read.
    pub walk: Option<Box<Walk>>,
    /// The client's cookies.
    pub jar: Option<Jar>,
    /// What bends it.
    pub bend: Option<Bend>,
}

/// Hears of each request and of each answer as they go over the wire.
pub(super) type Tap<'a> = &'a dyn Fn(&'static str, String);

/// Does an operation over HTTP; hands back what the answer of one that changes something binds.
pub(super) async fn perform(
    http: &HttpClient,
    dialect: &Dialect,
    mut ask: Ask,
    tap: Option<Tap<'_>>,
) -> (Outcome, Bindings) {
    let Some(step) = dialect.at(ask.route) else {
        return (Outcome::Failed("the spec has no such operation".into()), ask.bindings);
    };
    match ask.walk.take() {
        Some(walk) => (read(http, dialect, step, ask, *walk, tap).await, Bindings::new()),
        None => {
            let bend = ask.bend.as_ref();
            let (operation, op) = (ask.route.operation, ask.op);
            let papers = Papers { bindings: ask.bindings, jar: ask.jar };
            let (outcome, bound) = act(http, dialect, operation, step, papers, bend, tap).await;
            match outcome {
                Outcome::Answered(Reply::Yes { .. }) if operation == Operation::Unread => {
                    let rows = dialect.told(operation, op, &bound);
                    (Outcome::Read { rows, count: 0, cursor: None }, bound)
                }
                outcome => (outcome, bound),
            }
        }
    }
}

/// Does an operation that changes something; hands back what its answer binds.
pub(super) async fn act(
    http: &HttpClient,
    dialect: &Dialect,
    operation: Operation,
    step: &Step,
    papers: Papers,
    bend: Option<&Bend>,
    tap: Option<Tap<'_>>,
) -> (Outcome, Bindings) {
    let Papers { mut bindings, jar } = papers;
    let (spec, jar) = (&dialect.spec, jar.as_ref());
    let outcome = match request(http, spec, step, &bindings, jar, bend, tap).await {
        Err(reason) => Outcome::Failed(reason),
        Ok(answer) => match meaning(step, answer.status, &answer.body, &mut bindings) {
            Meaning::Yes(_) => match answer.take(step, &mut bindings) {
                Ok(()) => Outcome::Answered(dialect.yes(operation, &bindings)),
                Err(reason) => Outcome::Failed(reason),
            },
            Meaning::No(error) => Outcome::Answered(Reply::No(error_text(&error))),
            Meaning::Strange(mismatch) => {
                Outcome::Failed(strange(answer.status, &answer.body, mismatch))
            }
        },
    };
    (outcome, bindings)
}

/// Reads all pages.
async fn read(
    http: &HttpClient,
    dialect: &Dialect,
    step: &Step,
    ask: Ask,
    Walk { mut pages, pause }: Walk,
    tap: Option<Tap<'_>>,
) -> Outcome {
    let mut bindings = ask.bindings;
    loop {
        let (spec, jar, bend) = (&dialect.spec, ask.jar.as_ref(), ask.bend.as_ref());
        let Answer { status, body, .. } =
            match request(http, spec, step, &bindings, jar, bend, tap).await {
                Ok(answer) => answer,
                Err(reason) => return Outcome::Failed(reason),
            };
        let mut bound = bindings.clone();
        let shape = match meaning(step, status, &body, &mut bound) {
            Meaning::Yes(shape) => shape,
            Meaning::No(error) => return Outcome::Answered(Reply::No(error_text(&error))),
            Meaning::Strange(mismatch) => {
                return Outcome::Failed(strange(status, &body, mismatch));
            }
        };
        let mut page = Vec::new();
        let read = shape.rows(&body, &bindings, &mut |row| {
            let mut events = Vec::new();
            dialect.row(ask.route.operation, ask.op, row, ask.conversation, &mut events);
            page.push(events);
        });
        if let Err(mismatch) = read {
            return Outcome::Failed(strange(status, &body, Some(mismatch)));
        }
        if !pages.add(dialect, page, &bound, &mut bindings) {
            // Where the last answer names no further cursor, the next read repeats that page.
            let cursor = dialect.cursor_of(&bound).or_else(|| dialect.cursor_of(&bindings));
            let (rows, count) = pages.over();
            return Outcome::Read { rows, count, cursor };
        }
        tokio::time::sleep(pause).await;
    }
}

/// An answer, read as text.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    headers: HeaderMap,
}

impl Answer {
    /// Binds what the spec takes from headers and cookies.
    pub(super) fn take(&self, step: &Step, bindings: &mut Bindings) -> Result<(), CompactString> {
        for take in &step.takes {
            let (kind, value) = match take.from {
                TakeFrom::Header => {
                    let value = self.headers.get(&take.name).and_then(|one| one.to_str().ok());
                    ("header", value.map(str::to_owned))
                }
                TakeFrom::Cookie => ("cookie", set_value(&self.headers, &take.name)),
            };
            let Some(value) = value else {
                return Err(format_compact!("the answer has no {kind} `{}`", take.name));
            };
            if !take.value.matches(&value, false, bindings) {
                return Err(format_compact!("the {kind} `{}` is not as documented", take.name));
            }
        }
        Ok(())
    }
}

/// One request and its answer; cookies are sent along and kept.
pub(super) async fn request(
    http: &HttpClient,
    spec: &Spec,
    step: &Step,
    bindings: &Bindings,
    jar: Option<&Jar>,
    bend: Option<&Bend>,
    tap: Option<Tap<'_>>,
) -> Result<Answer, CompactString> {
    let Request::Http(request) = &step.request else {
        return Err("the operation does not go over HTTP".into());
    };
    let mut call = Call::new(spec, request, bindings)
        .map_err(|unbound| format_compact!("`${}` has no value", spec.holes.name(unbound.0)))?;
    if let Some(cookies) = jar.and_then(|jar| jar.header(&call.target)) {
        call.headers.push(("cookie".into(), cookies));
    }
    if let Some(bend) = bend {
        bend.call(&mut call);
    }
    if let Some(tap) = tap {
        tap("→", format!("{} {} {}", call.method, call.target, call.body));
    }
    let response = send(http, call).await?;
    if let Some(jar) = jar {
        jar.keep(&response.headers);
    }
    let body = String::from_utf8(response.body.to_vec())
        .map_err(|_| CompactString::from("an answer that is not UTF-8"))?;
    if let Some(tap) = tap {
        tap("←", format!("{} {body}", response.status.as_u16()));
    }
    Ok(Answer { status: response.status.as_u16(), body, headers: response.headers })
}

async fn send(http: &HttpClient, call: Call) -> Result<Response, CompactString> {
    http.request(written(call)?).await.map_err(|error| format_compact!("{error}"))
}

/// A call as the transport sends it.
///
/// # Errors
/// It cannot be written into a request; why.
pub(super) fn written(call: Call) -> Result<HttpRequest, CompactString> {
    let method = hyper::Method::from_bytes(call.method.as_bytes())
        .map_err(|_| format_compact!("`{}` is no HTTP method", call.method))?;
    let mut request = HttpRequest::new(method, call.target);
    for (name, value) in call.headers {
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format_compact!("`{name}` is no header name"))?;
        let value = hyper::header::HeaderValue::from_str(&value)
            .map_err(|_| format_compact!("the value of header `{name}` cannot be sent"))?;
        request.headers.insert(name, value);
    }
    request.body = call.body.into();
    Ok(request)
}

fn error_text(bindings: &Bindings) -> CompactString {
    bindings.get(Hole::ERROR).map(Scalar::id).unwrap_or_default()
}

/// What is wrong with an answer that the spec does not know.
pub(super) fn strange(
    status: u16,
    body: &str,
    mismatch: Option<crate::spec::Mismatch>,
) -> CompactString {
    match mismatch {
        None => format_compact!("status {status}, which the spec does not know: {}", excerpt(body)),
        Some(mismatch) => format_compact!(
            "status {status} with a body that does not fit: at `{}` expected {}, found {}",
            mismatch.pointer,
            mismatch.expected,
            mismatch.found
        ),
    }
}

/// The URL answers 200 to a GET.
pub(super) async fn answers_200(endpoint: &Endpoint) -> bool {
    let http = HttpClient::new(endpoint, HttpOptions::default());
    let request = HttpRequest::new(hyper::Method::GET, endpoint.path());
    http.request(request).await.is_ok_and(|response| response.status.as_u16() == 200)
}
