//! Who knocks at a socket's door: what they show there, and whether they are let in.

use crate::reference::app::App;
use crate::reference::bugs::Bug;
use crate::reference::gullible::Door;
use crate::reference::model::*;
use crate::reference::play::{Login, Play, parameter};
use crate::scalar::Scalar;
use crate::spec::{Bindings, Field, Hole, Shape, Text};
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use compact_str::CompactString;
use std::time::Duration;

/// How long a server with the bug `token-late` takes to look at a token.
pub(crate) const LATE: Duration = Duration::from_millis(100);

/// What is shown at the door.
pub(crate) struct Shown {
    token: Option<Scalar>,
    user: Option<Scalar>,
    door: Door,
}

/// Who is let in.
pub(crate) struct Visiting {
    pub(crate) user: User,
    pub(crate) token: Option<CompactString>,
    /// By a bug: to be thrown out again.
    pub(crate) late: bool,
}

impl Shown {
    /// What a handshake shows: in the first place, or else in the other. `auth` is the payload of a
    /// Socket.IO CONNECT.
    pub(crate) fn at_door(play: &Play, parts: &Parts, auth: Option<&str>) -> Self {
        let spec = play.spec();
        let connect = &spec.connect;
        let mut first = spec.constants.clone();
        read(parts, auth, (&connect.query, &connect.headers, &connect.auth), &mut first);
        let mut first = Self::of(&first);
        let cookies = parts.headers.get(COOKIE).and_then(|one| one.to_str().ok());
        if first.token.is_none() {
            first.token = cookies.and_then(|cookies| play.cookie_token(cookies));
        }
        match &connect.elsewhere {
            Some(other) if first.token.is_none() => {
                let mut bound = spec.constants.clone();
                read(parts, auth, (&other.query, &other.headers, &other.auth), &mut bound);
                Self { door: Door::Elsewhere, ..Self::of(&bound) }
            }
            _ => first,
        }
    }

    /// What these bindings show.
    pub(crate) fn of(bindings: &Bindings) -> Self {
        let token = bindings.get(Hole::TOKEN).filter(|token| !matches!(token, Scalar::Null));
        let (token, user) = (token.cloned(), bindings.get(Hole::USER).cloned());
        Self { token, user, door: Door::Socket }
    }

    /// Who this is.
    ///
    /// # Errors
    /// Why they are not let in.
    pub(crate) fn visitor(&self, app: &App) -> Result<Visiting, Refusal> {
        let token = self.token.as_ref();
        match app.admit(token, self.user.as_ref(), self.door) {
            Ok(user) => Ok(Visiting { user, token: token.map(Scalar::id), late: false }),
            Err(refusal) => {
                let late = app.claimed(token).filter(|_| app.bugs.has(Bug::TokenLate));
                let user = late.ok_or(refusal)?;
                Ok(Visiting { user, token: None, late: true })
            }
        }
    }
}

/// Who this is, by the first message.
///
/// # Errors
/// Why they are not let in.
pub(crate) fn by_login(app: &App, login: &Login<'_>) -> Result<Visiting, Refusal> {
    match login.form() {
        Some(form) => {
            let (user, token) = app.accounts.login(form, app.bugs)?;
            Ok(Visiting { user, token: Some(token.into()), late: false })
        }
        None => Shown::of(login.bindings()).visitor(app),
    }
}

fn read(
    parts: &Parts,
    auth: Option<&str>,
    (query, headers, payload): (&[Field], &[Field], &Option<Shape>),
    bindings: &mut Bindings,
) {
    if let Some(shape) = payload {
        // Whether it fits or not: what counts is whether a token comes out.
        let _ = shape.matches(auth.unwrap_or("{}"), bindings);
    }
    let sent = parts.uri.query().unwrap_or_default();
    let take = |value: &Text, text: &str, bindings: &mut _| value.matches(text, false, bindings);
    for field in query {
        if let Some(value) = parameter(sent, &field.name) {
            let _ = take(&field.value, &value, bindings);
        }
    }
    for field in headers {
        let header = parts.headers.get(&field.name);
        if let Some(value) = header.and_then(|value| value.to_str().ok()) {
            let _ = take(&field.value, value, bindings);
        }
    }
}
