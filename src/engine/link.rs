//! A client's connection in its three states: none, being opened, open; whatever carries it.
//!
//! The driver knows this file alone. How a session is opened is in [`approach`], what an open one
//! can do and what arrives over it in [`session`]. A further protocol is a variant of each.

mod approach;
mod frames;
mod line;
mod polling;
mod session;
mod talk;
#[cfg(test)]
mod tests;

pub(crate) use approach::session_options;
pub(super) use approach::{Approach, Caller};
pub(crate) use line::{frames_handshake, login_text};
pub(super) use polling::Bookmark;
pub(super) use session::{Arrival, Session};

use crate::engine::people::Jar;
use crate::engine::shard::Shard;
use crate::scalar::Scalar;
use crate::spec::Bindings;
use crate::transport::weather::Weather;
use crate::transport::{Closed, ConnectError, SendError};
use futures_util::future::LocalBoxFuture;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

pub(super) enum Link {
    Down,
    /// The session, and the node that it is open to.
    Opening(LocalBoxFuture<'static, Result<(Session, usize), ConnectError>>),
    Up(Session),
}

/// What the connection has to say.
pub(super) enum LinkEvent {
    /// To this node.
    Opened(usize),
    OpenFailed(ConnectError),
    Arrived(Arrival),
}

impl Link {
    /// Begins to open a connection for the person of these bindings: to this node, or, as behind a load
    /// balancer, to the next one where somebody listens; `elsewhere`: with the token in the other
    /// place that the spec knows. `places` are the ids of its conversations, where each has a socket.
    /// Where there is a cursor it goes on from the bookmark. `source` is the address to connect from.
    pub(super) fn open(
        shard: &Rc<Shard>,
        bindings: &Bindings,
        jar: Option<&Jar>,
        (elsewhere, node, source): (bool, usize, Option<IpAddr>),
        weather: Option<&Weather>,
        places: Vec<Scalar>,
        bookmark: &Bookmark,
    ) -> Self {
        let shard = Rc::clone(shard);
        let (bindings, jar, bookmark) = (bindings.clone(), jar.cloned(), bookmark.clone());
        let weather = weather.cloned();
        let fair = weather.as_ref().is_none_or(Weather::is_fair);
        Self::Opening(Box::pin(async move {
            // Thousands of clients at once would only make one another time out. Who is in trouble
            // may take long, and shall keep nobody waiting.
            let _turn = if fair { shard.doors.acquire().await.ok() } else { None };
            let spec = &shard.dialect.spec;
            let count = shard.nodes.len();
            let mut refused = None;
            for node in (node..count).chain(0..node) {
                let (jar, weather) = (jar.as_ref(), weather.clone());
                let (places, bookmark) = (places.clone(), bookmark.clone());
                let bindings = &bindings;
                let stranger = false;
                let caller = Caller {
                    bindings,
                    jar,
                    elsewhere,
                    stranger,
                    weather,
                    source,
                    places,
                    bookmark,
                };
                let endpoint = &shard.nodes[node].endpoint;
                match shard.approach.open(endpoint, spec, caller).await {
                    Ok(session) => return Ok((session, node)),
                    Err(error @ ConnectError::Refused { .. }) => drop(refused.get_or_insert(error)),
                    Err(error) => return Err(error),
                }
            }
            Err(refused.unwrap_or_else(|| ConnectError::LocalLimit { reason: "no node".into() }))
        }))
    }

    /// Waits for what comes next. Safe to cancel.
    pub(super) async fn next(&mut self) -> LinkEvent {
        match self {
            Self::Down => std::future::pending().await,
            Self::Opening(opening) => match opening.await {
                Ok((session, node)) => {
                    *self = Self::Up(session);
                    LinkEvent::Opened(node)
                }
                Err(error) => {
                    *self = Self::Down;
                    LinkEvent::OpenFailed(error)
                }
            },
            Self::Up(session) => LinkEvent::Arrived(session.recv().await),
        }
    }

    /// What the server laid down for the open session: ping interval and ping timeout.
    pub(super) fn heartbeat(&mut self) -> Option<(Duration, Duration)> {
        match self {
            Self::Up(session) => session.heartbeat(),
            _ => None,
        }
    }

    /// The open session is a row of HTTP requests.
    pub(super) fn is_polling(&mut self) -> bool {
        match self {
            Self::Up(session) => session.is_polling(),
            _ => false,
        }
    }

    /// Takes the open session away, if there is one.
    pub(super) fn take(&mut self) -> Option<Session> {
        match std::mem::replace(self, Self::Down) {
            Self::Up(session) => Some(session),
            _ => None,
        }
    }

    /// Whether the connection makes requests wait for the answers to others.
    pub(super) fn holds_back(&self) -> bool {
        matches!(self, Self::Up(session) if session.holds_back())
    }

    /// Brings out what was handed to the connection.
    pub(super) async fn flush(&mut self) -> Result<(), SendError> {
        match self {
            Self::Up(session) => session.flush().await,
            _ => Ok(()),
        }
    }

    /// Hands an event to the connection; it leaves with the next [`Link::next`].
    pub(super) fn emit(&mut self, ack: Option<u64>, data: &str) -> Result<(), SendError> {
        match self {
            Self::Up(session) => session.emit(ack, data),
            _ => Err(SendError::Closed(Closed::ByClient)),
        }
    }

    /// The same with a JSON frame; `place` is the conversation that it is about.
    pub(super) fn frame(&mut self, place: Option<&Scalar>, frame: &str) -> Result<(), SendError> {
        match self {
            Self::Up(session) => session.frame(place, frame),
            _ => Err(SendError::Closed(Closed::ByClient)),
        }
    }

    /// The client takes part in a further conversation. `false`: its socket is on its way, or may be
    /// missing among those that are being opened. Whoever has no connection opens all with the next.
    pub(super) fn enter(&mut self, place: &Scalar) -> bool {
        match self {
            Self::Down => true,
            Self::Opening(_) => false,
            Self::Up(session) => session.enter(place),
        }
    }

    /// What the server said of the client while it logged in.
    pub(super) fn bound(&self) -> Option<&Bindings> {
        match self {
            Self::Up(session) => session.bound(),
            _ => None,
        }
    }
}
