//! The door to raw WebSockets: the handshake, looked up in the spec, and who came through it.

use super::attend;
use crate::reference::app::App;
use crate::reference::bugs::Bug;
use crate::reference::http;
use crate::reference::knock::{Shown, Visiting};
use crate::reference::model::*;
use crate::reference::stamp;
use crate::spec::{Bindings, Hole, Protocol};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Bytes of a frame.
const MAX_FRAME: usize = 1 << 20;

/// Who came through the handshake.
pub(super) struct Guest {
    /// What the handshake's path and query said.
    pub(super) known: Bindings,
    /// Who it is, where the handshake says so.
    pub(super) visiting: Option<Visiting>,
    /// The conversation that the socket is for, where each has its own.
    pub(super) only: Option<Conversation>,
}

/// Takes a request for a WebSocket; anything else is HTTP's.
pub(crate) async fn handle(State(app): State<Arc<App>>, mut request: Request) -> Response {
    let mut known = app.play.spec().constants.clone();
    let path = &app.play.spec().connect.path;
    let here = path.matches(request.uri().path(), true, &mut known);
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned();
    let (true, Some(key), Some(upgrade)) =
        (here, key, request.extensions_mut().remove::<OnUpgrade>())
    else {
        return http::handle(State(app), request).await;
    };
    let (parts, _) = request.into_parts();
    let mut guest = match Guest::at_door(&app, &parts, known).await {
        Ok(guest) => guest,
        Err(refusal) => return refused(&app, &refusal),
    };
    let entered = match guest.visiting.take() {
        Some(visiting) => Some(guest.enter(&app, visiting, None).await),
        None => None,
    };
    let mut head = HeaderMap::new();
    head.insert(header::CONNECTION, header::HeaderValue::from_static("Upgrade"));
    head.insert(header::UPGRADE, header::HeaderValue::from_static("websocket"));
    if let Ok(accept) = derive_accept_key(key.as_bytes()).parse() {
        head.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(Ok(chosen)) = subprotocol(&app, &parts.headers).map(str::parse) {
        head.insert(header::SEC_WEBSOCKET_PROTOCOL, chosen);
    }
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let max = Some(MAX_FRAME).filter(|_| !app.bugs.has(Bug::FrameUnlimited));
        let config = WebSocketConfig::default().max_message_size(max).max_frame_size(max);
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        attend(app, socket, guest, entered).await;
    });
    (StatusCode::SWITCHING_PROTOCOLS, head).into_response()
}

/// The subprotocol of the spec, if the client asks for it.
fn subprotocol<'a>(app: &'a App, headers: &HeaderMap) -> Option<&'a str> {
    let Protocol::WebSocket { subprotocol } = &app.play.spec().connect.protocol else {
        return None;
    };
    let asked = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
    let ours = subprotocol.as_deref()?;
    asked.split(',').any(|one| one.trim().eq_ignore_ascii_case(ours)).then_some(ours)
}

/// The answer to a handshake that is not let in.
fn refused(app: &App, refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.kind.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let body = app.play.refusal(&refusal.text);
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response()
}

impl Guest {
    /// Looks at the handshake.
    async fn at_door(app: &App, parts: &Parts, known: Bindings) -> Result<Self, Refusal> {
        let spec = app.play.spec();
        let visiting = match &spec.connect.first {
            Some(_) => None,
            None => Some(Shown::at_door(&app.play, parts, None).visitor(app)?),
        };
        let only = match known.get(Hole::CONVERSATION) {
            Some(place) => Some(app.play.place(place)?),
            None => None,
        };
        let guest = Self { known, visiting, only };
        if let Some(visiting) = &guest.visiting {
            guest.may_enter(app, &visiting.user).await?;
        }
        Ok(guest)
    }

    /// Whether this person may have the socket of the conversation.
    pub(super) async fn may_enter(&self, app: &App, user: &User) -> Result<(), Refusal> {
        let Some(conversation) = self.only else { return Ok(()) };
        let caller = Caller {
            chapter: app.doorman.chapter(user),
            user: user.clone(),
            connection: None,
            node: app.node,
            device: user.clone(),
            arrived: stamp::now(),
        };
        app.desk.answer(caller, Command::Join { conversation }).await.map(drop)
    }
}
