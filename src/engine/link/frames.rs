//! A client's raw WebSockets as one connection: one for everything, or one for each conversation.
//!
//! The connection's state is that of all: it is open when all are, and over when one is. Where each
//! conversation has a socket, a frame goes over that of its own; the socket of a conversation that
//! the client was not in when it connected is opened when it enters the conversation, or first speaks
//! there.

use super::line::{Line, Spoken, Way};
use super::session::Arrival;
use crate::scalar::Scalar;
use crate::spec::{Bindings, SocketPer};
use crate::transport::websocket::WebSocket;
use crate::transport::{Closed, ConnectError, Leave, SendError};
use futures_util::future::{LocalBoxFuture, join_all, try_join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::future::poll_fn;
use std::task::{Context, Poll};
use tokio::time::{Instant, sleep_until};

/// Frames that may wait for a socket that is being opened.
const WAITING: usize = 256;

/// Open sockets that carry JSON frames.
pub(in crate::engine) struct Frames {
    way: Way,
    per: SocketPer,
    lines: Vec<Line>,
    /// Sockets of further conversations on their way, and what waits for them.
    opening: FuturesUnordered<LocalBoxFuture<'static, Further>>,
    entering: Vec<Scalar>,
    waiting: Vec<(Scalar, String)>,
    /// Which line is asked first, so that none is kept from being heard.
    turn: usize,
    closed: Option<Closed>,
}

/// What came of the socket of a further conversation.
type Further = (Scalar, Result<Line, ConnectError>);

/// What is to be done next.
enum Next {
    Spoken(Spoken),
    Further(Box<Further>),
    Due,
}

impl Frames {
    /// Opens what the client needs: its only socket, or those of its conversations.
    pub(super) async fn open(
        way: Way,
        per: SocketPer,
        places: Vec<Scalar>,
    ) -> Result<Self, ConnectError> {
        let lines = match per {
            SocketPer::Client => vec![way.open(None).await?],
            SocketPer::Conversation if places.is_empty() => {
                way.look().await?;
                Vec::new()
            }
            SocketPer::Conversation => {
                try_join_all(places.into_iter().map(|place| way.open(Some(place)))).await?
            }
        };
        Ok(Self {
            way,
            per,
            lines,
            opening: FuturesUnordered::new(),
            entering: Vec::new(),
            waiting: Vec::new(),
            turn: 0,
            closed: None,
        })
    }

    /// What welcome and login bound, where one socket speaks for the client.
    pub(super) fn bound(&self) -> Option<&Bindings> {
        let first = self.lines.first().filter(|_| self.per == SocketPer::Client);
        first.map(|line| &line.bound)
    }

    /// The first socket, for who wants to misuse it.
    pub(super) fn websocket(&mut self) -> Option<&mut WebSocket> {
        self.lines.first_mut().map(|line| &mut line.socket)
    }

    /// Waits for what comes next. Safe to cancel.
    pub(super) async fn recv(&mut self) -> Arrival {
        loop {
            if let Some(closed) = &self.closed {
                return Arrival::Closed(closed.to_string());
            }
            let due = self.lines.iter().filter_map(Line::due).min();
            let timer = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let (lines, turn) = (&mut self.lines, &mut self.turn);
            let next = tokio::select! {
                // What has come is heard before a missing pong is complained of.
                biased;
                spoken = poll_fn(|cx| poll_lines(lines, turn, cx)) => Next::Spoken(spoken),
                Some(further) = self.opening.next(), if !self.opening.is_empty() => {
                    Next::Further(Box::new(further))
                }
                () = timer => Next::Due,
            };
            if let Some(arrival) = self.take(next) {
                return arrival;
            }
        }
    }

    fn take(&mut self, next: Next) -> Option<Arrival> {
        match next {
            Next::Spoken(Spoken::Frame(text, place)) => Some(Arrival::Frame(text, place)),
            Next::Spoken(Spoken::Pong) => Some(Arrival::Ping),
            Next::Spoken(Spoken::Binary(bytes)) => {
                Some(Arrival::Malformed(format!("a binary frame of {bytes} bytes")))
            }
            Next::Spoken(Spoken::Closed(closed)) => {
                self.closed = Some(closed);
                None
            }
            Next::Further(further) => {
                let (place, opened) = *further;
                Some(self.came(place, opened))
            }
            Next::Due => {
                let now = Instant::now();
                self.closed = self.lines.iter_mut().find_map(|line| line.beat(now));
                None
            }
        }
    }

    /// The socket of a further conversation is open; or there is none, and what was to be said over
    /// it is not heard.
    fn came(&mut self, place: Scalar, opened: Result<Line, ConnectError>) -> Arrival {
        self.entering.retain(|entering| *entering != place);
        let waited = self.waiting.extract_if(.., |(wanted, _)| *wanted == place);
        let frames: Vec<String> = waited.map(|(_, frame)| frame).collect();
        match opened {
            Ok(mut line) => {
                for frame in frames {
                    let _ = line.feed(&frame);
                }
                self.lines.push(line);
                Arrival::Entered
            }
            Err(error) => Arrival::Barred(place, error.to_string()),
        }
    }

    /// Hands over a frame; `place` is the conversation that it is about.
    pub(super) fn frame(&mut self, place: Option<&Scalar>, frame: &str) -> Result<(), SendError> {
        if let Some(closed) = &self.closed {
            return Err(SendError::Closed(closed.clone()));
        }
        let place = place.filter(|_| self.per == SocketPer::Conversation);
        let line =
            self.lines.iter_mut().find(|line| place.is_none() || line.place.as_ref() == place);
        match (line, place) {
            (Some(line), _) => line.feed(frame),
            (None, None) => Err(SendError::Closed(Closed::ByClient)),
            (None, Some(_)) if self.waiting.len() >= WAITING => {
                Err(SendError::Full { limit: WAITING })
            }
            (None, Some(place)) => {
                self.open_further(place);
                self.waiting.push((place.clone(), frame.to_owned()));
                Ok(())
            }
        }
    }

    /// Sees to the socket of a conversation, where each has one. `true`: it is open.
    pub(super) fn enter(&mut self, place: &Scalar) -> bool {
        let is_open = self.per == SocketPer::Client
            || self.lines.iter().any(|line| line.place.as_ref() == Some(place));
        if !is_open {
            self.open_further(place);
        }
        is_open
    }

    /// Begins to open the socket of a further conversation.
    fn open_further(&mut self, place: &Scalar) {
        if self.entering.contains(place) {
            return;
        }
        let (way, place) = (self.way.clone(), place.clone());
        self.entering.push(place.clone());
        self.opening.push(Box::pin(async move {
            let opened = way.open(Some(place.clone())).await;
            (place, opened)
        }));
    }

    pub(super) async fn flush(&mut self) -> Result<(), SendError> {
        for line in &mut self.lines {
            line.socket.flush().await?;
        }
        Ok(())
    }

    pub(super) async fn leave(mut self, how: Leave) {
        join_all(self.lines.iter_mut().map(|line| line.socket.leave(how))).await;
    }
}

/// What one of the lines has to say, each in its turn.
fn poll_lines(lines: &mut [Line], turn: &mut usize, cx: &mut Context<'_>) -> Poll<Spoken> {
    let count = lines.len();
    for offset in 0..count {
        let index = (*turn + offset) % count;
        if let Poll::Ready(spoken) = lines[index].poll(cx) {
            *turn = index + 1;
            return Poll::Ready(spoken);
        }
    }
    Poll::Pending
}
