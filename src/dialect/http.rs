//! HTTP requests made of a spec's shapes, and what their answers mean.

use crate::spec::{Bindings, Field, HttpRequest, Mismatch, Reception, Spec, Step, Unbound, Via};

/// One HTTP request, ready to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers beside those every client sends.
    pub headers: Vec<(String, String)>,
    /// The body, empty if there is none.
    pub body: String,
}

impl Call {
    /// Fills the request's holes.
    ///
    /// # Errors
    /// A required hole is unbound.
    pub fn new(spec: &Spec, request: &HttpRequest, bindings: &Bindings) -> Result<Self, Unbound> {
        let mut call = Self { method: request.method.clone(), ..Self::default() };
        request.path.fill(bindings, true, &mut call.target)?;
        let query = fields(&request.query, bindings, true)?;
        for (index, (name, value)) in query.iter().enumerate() {
            call.target.push(if index == 0 { '?' } else { '&' });
            call.target.push_str(name);
            call.target.push('=');
            call.target.push_str(value);
        }
        call.headers = fields(&spec.http.headers, bindings, false)?;
        call.headers.extend(fields(&request.headers, bindings, false)?);
        if let Some(shape) = &request.body {
            shape.fill(bindings, &mut call.body)?;
            call.headers.push(("content-type".into(), "application/json".into()));
        } else if !request.form.is_empty() {
            let form = fields(&request.form, bindings, true)?;
            let pairs: Vec<String> =
                form.iter().map(|(name, value)| format!("{name}={value}")).collect();
            call.body = pairs.join("&");
            call.headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
        }
        Ok(call)
    }
}

/// Names and values; a field whose optional hole is unbound is left out.
///
/// # Errors
/// A required hole is unbound.
pub fn fields(
    fields: &[Field],
    bindings: &Bindings,
    percent: bool,
) -> Result<Vec<(String, String)>, Unbound> {
    let mut filled = Vec::with_capacity(fields.len());
    for field in fields {
        let mut value = String::new();
        if field.value.fill(bindings, percent, &mut value)? {
            filled.push((field.name.clone(), value));
        }
    }
    Ok(filled)
}

/// What an HTTP answer means.
#[derive(Debug)]
pub enum Meaning<'a> {
    /// Yes; the shape whose rows can be read.
    Yes(&'a Reception),
    /// A documented no, with what it binds.
    No(Bindings),
    /// A status the spec does not know, or a body that does not fit.
    Strange(Option<Mismatch>),
}

/// Reads an answer by its status and body, first match first. What a yes binds goes to `bindings`.
#[must_use]
pub fn meaning<'a>(
    step: &'a Step,
    status: u16,
    body: &str,
    bindings: &mut Bindings,
) -> Meaning<'a> {
    let of_status = |reception: &&Reception| match reception.via {
        Via::Status(least, most) => (least..=most).contains(&status),
        _ => false,
    };
    let mut strange = None;
    for reception in step.yes.iter().filter(of_status) {
        match reception.shape.matches(body, bindings) {
            Ok(()) => return Meaning::Yes(reception),
            Err(mismatch) => strange = Some(mismatch),
        }
    }
    for reception in step.no.iter().filter(of_status) {
        let mut error = bindings.clone();
        match reception.shape.matches(body, &mut error) {
            Ok(()) => return Meaning::No(error),
            Err(mismatch) => strange = Some(mismatch),
        }
    }
    Meaning::Strange(strange)
}
