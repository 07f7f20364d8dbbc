//! One request of a user without a socket: written by the spec, sent by goose, understood by the spec.

use crate::dialect::excerpt;
use crate::dialect::http::{Call, Meaning, meaning};
use crate::engine::http_users::step;
use crate::engine::people::Papers;
use crate::engine::rest::strange;
use crate::plan::Visit;
use crate::scalar::Scalar;
use crate::spec::{Hole, Request, Spec, Unbound};
use ::goose::goose::{GooseMethod, GooseRequest, GooseUser};
use compact_str::{CompactString, format_compact};

/// Rows that are asked for where the spec names no limit.
const ROWS: u32 = 100;

/// Asks, and reads the whole answer: of a read, its first page.
///
/// # Errors
/// There was no answer in time, or none that the spec calls right; says why.
pub(super) async fn ask(
    user: &mut GooseUser,
    spec: &Spec,
    papers: &Papers,
    origin: &str,
    visit: &Visit,
    place: Option<&Scalar>,
) -> Result<(), CompactString> {
    let step = step(spec, visit.operation).ok_or("the spec does not have it over HTTP")?;
    let Request::Http(request) = &step.request else { return Ok(()) };
    let mut bindings = papers.bindings.clone();
    bindings.set(Hole::LIMIT, Scalar::Int(spec.limits.page_rows.unwrap_or(ROWS).into()));
    bindings.set(Hole::QUERY, Scalar::Text(visit.query.into()));
    let mut call = Call::new(spec, request, &bindings);
    // What is asked of all conversations names none; else it is one of the person's.
    if let (Err(Unbound(Hole::CONVERSATION)), Some(place)) = (&call, place) {
        bindings.set(Hole::CONVERSATION, place.clone());
        call = Call::new(spec, request, &bindings);
    }
    let call =
        call.map_err(|unbound| format_compact!("`${}` has no value", spec.holes.name(unbound.0)))?;
    let (status, body) = send(user, spec, papers, origin, visit, call).await?;
    let known = bindings.clone();
    match meaning(step, status, &body, &mut bindings) {
        Meaning::Yes(shape) if shape.is_repeated() => {
            let rows = shape.rows(&body, &known, &mut |_| {});
            rows.map(drop).map_err(|mismatch| strange(status, &body, Some(mismatch)))
        }
        Meaning::Yes(_) => Ok(()),
        Meaning::No(_) => Err(format_compact!("refused with status {status}: {}", excerpt(&body))),
        Meaning::Strange(mismatch) => Err(strange(status, &body, mismatch)),
    }
}

/// Sends the call as this goose user; status and body of the answer.
pub(super) async fn send(
    user: &mut GooseUser,
    spec: &Spec,
    papers: &Papers,
    origin: &str,
    visit: &Visit,
    call: Call,
) -> Result<(u16, String), CompactString> {
    let method = method(&call.method)?;
    let url = format!("{origin}{}", call.target);
    let builder = user.get_request_builder(&method, &url).map_err(told)?;
    let mut builder = builder.timeout(spec.contract.ack_timeout);
    for (name, value) in call.headers {
        builder = builder.header(name, value);
    }
    if let Some(cookies) = papers.jar.as_ref().and_then(|jar| jar.header(&call.target)) {
        builder = builder.header("cookie", cookies);
    }
    if !call.body.is_empty() {
        builder = builder.body(call.body);
    }
    let request =
        GooseRequest::builder().name(visit.operation.name()).set_request_builder(builder).build();
    let response = user.request(request).await.map_err(told)?.response.map_err(told)?;
    let status = response.status().as_u16();
    let body = response.text().await.map_err(told)?;
    Ok((status, body))
}

fn method(name: &str) -> Result<GooseMethod, CompactString> {
    match name {
        "GET" => Ok(GooseMethod::Get),
        "POST" => Ok(GooseMethod::Post),
        "PUT" => Ok(GooseMethod::Put),
        "PATCH" => Ok(GooseMethod::Patch),
        "DELETE" => Ok(GooseMethod::Delete),
        "HEAD" => Ok(GooseMethod::Head),
        other => Err(format_compact!("goose has no method `{other}`")),
    }
}

/// An error, without the address that reqwest adds to it.
fn told(error: impl std::fmt::Display) -> CompactString {
    let text = error.to_string();
    text.split(" for url").next().unwrap_or(&text).into()
}
