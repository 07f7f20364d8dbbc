//! HTTP requests made of a spec's shapes, and what their answers mean.

use crate::spec::{
    Answer, Bindings, Came, Field, Hole, HttpRequest, Mismatch, Reception, Shape, Spec, Step,
    Unbound, Via,
};

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

/// Names and values; a field whose optional hole, or whose token, is unbound is left out.
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
        match field.value.fill(bindings, percent, &mut value) {
            Ok(true) => filled.push((field.name.clone(), value)),
            // Who has no token leaves out where it would stand, as any client without one does.
            Ok(false) | Err(Unbound(Hole::TOKEN)) => {}
            Err(unbound) => return Err(unbound),
        }
    }
    Ok(filled)
}

/// What an HTTP answer means.
#[derive(Debug)]
pub enum Meaning<'a> {
    /// Yes; the shape whose rows can be read.
    Yes(&'a Shape),
    /// A documented no, with what it binds.
    No(Bindings),
    /// A status the spec does not know, or a body that does not fit.
    Strange(Option<Mismatch>),
}

/// Reads an answer by its status and body. What a yes binds goes to `bindings`; a documented
/// "too fast" is a no.
#[must_use]
pub fn meaning<'a>(
    step: &'a Step,
    status: u16,
    body: &str,
    bindings: &mut Bindings,
) -> Meaning<'a> {
    let mut bound = bindings.clone();
    match step.judge(&Came::Status(status), body, &mut bound) {
        Some((Answer::Yes, shape)) => {
            *bindings = bound;
            Meaning::Yes(shape)
        }
        Some(_) => Meaning::No(bound),
        None => Meaning::Strange(mismatch(step, status, body, bindings)),
    }
}

/// Why no shape of this status fits.
fn mismatch(step: &Step, status: u16, body: &str, bindings: &Bindings) -> Option<Mismatch> {
    let of_status = |reception: &&Reception| match reception.via {
        Via::Status(least, most) => (least..=most).contains(&status),
        _ => false,
    };
    let mut receptions = step.yes.iter().chain(&step.no).filter(of_status);
    receptions.find_map(|one| one.shape.matches(body, &mut bindings.clone()).err())
}
