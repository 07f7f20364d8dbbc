//! HTTP: every request is looked up in the spec by its method and path.

use crate::operation::Operation;
use crate::reference::app::App;
use crate::reference::bugs::Bug;
use crate::reference::gullible::Door;
use crate::reference::mailbox;
use crate::reference::misbehave::{self, Manner};
use crate::reference::model::*;
use crate::reference::play::{Account, Asked, HttpAsk, Reply};
use crate::reference::stamp;
use crate::scalar::Scalar;
use crate::spec::Hole;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{StatusCode, request::Parts};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Bytes of a request's body.
const BODY: usize = 1 << 20;

/// Answers any request that is not the socket's.
pub(crate) async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY).await else {
        return json(413, r#"{"error":"the body is too large"}"#);
    };
    let Ok(body) = std::str::from_utf8(&body) else {
        return json(400, r#"{"error":"the body is not UTF-8"}"#);
    };
    if app.play.spec().http.health.as_deref() == Some(parts.uri.path()) {
        return health(&app).await;
    }
    let headers = headers(&parts);
    let ask = HttpAsk {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &headers,
        body,
    };
    let cookie = parts.headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
    let cookie = cookie.and_then(|cookie| app.play.cookie_token(cookie));
    if let Some(mut polled) = app.play.poll(ask) {
        if let (None, Some(token)) = (polled.bindings.get(Hole::TOKEN), &cookie) {
            polled.bindings.set(Hole::TOKEN, token.clone());
        }
        let (status, body) = mailbox::answer(&app, polled).await;
        return json(status, &body);
    }
    let Some(asked) = app.play.request(ask) else {
        return json(404, r#"{"error":"there is no such thing"}"#);
    };
    if !app.bugs.has(Bug::CsrfUnchecked) && !app.play.vouched(&asked, &app.accounts) {
        let refusal = Refusal::new(RefusalKind::Forbidden, "the CSRF token is none of ours");
        return answer(&app, &asked, Err(refusal));
    }
    if let Some(wanted) = app.play.account(&asked) {
        return account(&app, &asked, wanted, cookie.as_ref());
    }
    let (outcome, manner) = outcome(&app, &asked, cookie.as_ref()).await;
    match manner {
        Manner::Once | Manner::Twice | Manner::IfLast(_) => {}
        Manner::Never => std::future::pending().await,
        Manner::After(pause) => tokio::time::sleep(pause).await,
    }
    answer(&app, &asked, outcome)
}

fn answer(app: &App, asked: &Asked, outcome: Result<Answer, Refusal>) -> Response {
    match (app.play.answer(asked, &outcome), outcome) {
        (Some(Reply::Http(status, body)), _) => json(status, &body),
        (_, Ok(_)) => json(200, "{}"),
        (_, Err(refusal)) => {
            let body = serde_json::json!({ "error": refusal.text });
            json(refusal.kind.status(), &body.to_string())
        }
    }
}

/// The names, in lower case, and values of the request's headers.
fn headers(parts: &Parts) -> Vec<(&str, &str)> {
    let headers = parts.headers.iter();
    headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
}

/// Registers, logs in or out.
fn account(
    app: &App,
    asked: &Asked,
    wanted: Result<Account, Refusal>,
    cookie: Option<&Scalar>,
) -> Response {
    let accounts = &app.accounts;
    let done = wanted.and_then(|wanted| match wanted {
        Account::Form => Ok((None, None)),
        Account::Register(form) => accounts.register(form).map(|user| (Some(user), None)),
        Account::Login(form) => {
            accounts.login(form, app.bugs).map(|(user, token)| (Some(user), Some(token)))
        }
        Account::Logout => {
            let token = asked.bindings.get(Hole::TOKEN).or(cookie);
            let user = app.admit(token, asked.bindings.get(Hole::USER), Door::Http)?;
            token.iter().for_each(|token| accounts.logout(&token.text(), app.bugs));
            Ok((Some(user), None))
        }
    });
    let (user, token) = match done {
        Ok(done) => done,
        Err(refusal) => return answer(app, asked, Err(refusal)),
    };
    let (reply, lines) = app.play.welcome(asked, user.as_ref(), token.as_deref(), accounts);
    let mut response = match reply {
        Some(Reply::Http(status, body)) => json(status, &body),
        _ => json(200, "{}"),
    };
    for (name, value) in lines {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

async fn outcome(
    app: &App,
    asked: &Asked,
    cookie: Option<&Scalar>,
) -> (Result<Answer, Refusal>, Manner) {
    let arrived = stamp::now();
    let open = app.play.operation(asked.route) == Operation::Health;
    let token = asked.bindings.get(Hole::TOKEN).or(cookie);
    let claimed = asked.bindings.get(Hole::USER);
    let user = match app.admit(token, claimed, Door::Http) {
        Ok(user) => user,
        Err(_) if open => User::default(),
        Err(refusal) => return (Err(refusal), Manner::Once),
    };
    let device = app.device(token, &user);
    let caller = Caller {
        user: user.clone(),
        chapter: app.doorman.chapter(&user),
        // Without a socket, a client is where it polls.
        connection: app.mailboxes.connection(&device),
        node: app.node,
        device,
        arrived,
    };
    let command = app.play.command(asked);
    let send = match &command {
        Command::Send(send) => Some(send.clone()),
        _ => None,
    };
    let outcome = match misbehave::detour(app.bugs, &command) {
        Some(detour) => misbehave::wander(&app.desk, caller, command, detour, || true).await,
        None => app.desk.answer(caller, command).await,
    };
    let patience = app.play.spec().contract.ack_timeout;
    let manner = misbehave::manner(app.bugs, patience, &user, send.as_ref(), &outcome);
    (outcome, manner)
}

/// Well if the store answers.
async fn health(app: &App) -> Response {
    if app.bugs.has(Bug::HealthSilent) {
        std::future::pending::<()>().await;
    }
    let (user, device) = (User::default(), User::default());
    let (node, arrived) = (app.node, stamp::now());
    let caller = Caller { user, chapter: None, connection: None, node, device, arrived };
    match app.desk.answer(caller, Command::Health).await {
        Ok(_) => json(200, r#"{"status":"ok"}"#),
        Err(refusal) => {
            let body = serde_json::json!({ "status": "down", "error": refusal.text });
            json(503, &body.to_string())
        }
    }
}

fn json(status: u16, body: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, Body::from(body.to_owned())).into_response()
}
