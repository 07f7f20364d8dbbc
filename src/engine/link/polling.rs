//! A session without a socket: a request that is repeated, and whose answers bring events.
//!
//! The first poll is the connection: it asks the server not to hold it (`$wait` is 0), and its
//! answer lets the client in. From then on a poll is always under way. One that is refused, cut or
//! never answered is the end of the session. The cursor outlives it in the client's [`Bookmark`], so
//! the next session goes on where this one ended; it is moved when all events before it were taken.

use super::{Arrival, Caller};
use crate::dialect::excerpt;
use crate::dialect::http::{Call, Meaning, meaning};
use crate::engine::people::Jar;
use crate::engine::rest;
use crate::scalar::Scalar;
use crate::spec::{Bindings, EventSource, Hole, Poll, Spec};
use crate::transport::endpoint::Endpoint;
use crate::transport::http::{HttpClient, HttpError, HttpOptions, Request, Response};
use crate::transport::stream::ConnectOptions;
use crate::transport::{ConnectError, Leave};
use futures_util::future::LocalBoxFuture;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The pause after a poll that was refused as too fast, where the spec's own is shorter.
const TOO_FAST: Duration = Duration::from_secs(1);

/// Where a client's next session goes on.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct Bookmark(Rc<RefCell<Option<Scalar>>>);

/// How polls are made on a spec, for everybody.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Polls {
    spec: Arc<Spec>,
    pub(in crate::engine) connect: ConnectOptions,
}

/// An open session.
pub(in crate::engine) struct Polling {
    polls: Polls,
    http: Rc<HttpClient>,
    bindings: Bindings,
    jar: Option<Jar>,
    bookmark: Bookmark,
    /// The cursor behind what is queued.
    cursor: Option<Scalar>,
    /// Events that came and were not taken yet, with what the answer says of each.
    queue: VecDeque<Bindings>,
    asking: Option<LocalBoxFuture<'static, Result<Response, HttpError>>>,
    /// Before the next poll.
    pause: Duration,
}

/// What an answer to a poll was.
enum Answered {
    /// The events are queued.
    Yes,
    /// A documented no, or a status that the spec does not know.
    No { status: u16, body: String },
    /// Too fast.
    Limited,
    /// A body that does not fit; why.
    Strange(String),
}

impl Bookmark {
    /// Where the session before ended, if it is known.
    pub(super) fn get(&self) -> Option<Scalar> {
        self.0.borrow().clone()
    }

    /// The next session goes on there.
    pub(in crate::engine) fn put(&self, cursor: Option<Scalar>) {
        self.0.replace(cursor);
    }

    /// The next session goes on where these bindings say, if they do.
    pub(super) fn move_to(&self, bound: &Bindings) {
        if let Some(cursor) = bound.get(Hole::CURSOR) {
            self.put(Some(cursor.clone()));
        }
    }
}

impl Polls {
    /// Polls of this spec, if it has any.
    pub(in crate::engine) fn of(spec: &Spec) -> Option<Self> {
        matches!(spec.connect.events, Some(EventSource::Poll(_))).then(|| Self {
            spec: Arc::new(spec.clone()),
            connect: ConnectOptions { timeout: spec.connect.timeout, ..ConnectOptions::default() },
        })
    }

    fn poll(&self) -> Option<&Poll> {
        match &self.spec.connect.events {
            Some(EventSource::Poll(poll)) => Some(poll),
            _ => None,
        }
    }

    /// Polls for the first time.
    ///
    /// # Errors
    /// Why the client is not let in.
    pub(in crate::engine) async fn open(
        &self,
        endpoint: &Endpoint,
        caller: Caller<'_>,
    ) -> Result<Polling, ConnectError> {
        let mut connect = self.connect.clone();
        connect.weather = caller.weather;
        connect.source = caller.source;
        let options = HttpOptions { connect, idle_max: 1, ..HttpOptions::default() };
        let cursor = caller.bookmark.get();
        let mut polling = Polling {
            polls: self.clone(),
            http: Rc::new(HttpClient::new(endpoint, options)),
            bindings: caller.bindings.clone(),
            jar: caller.jar.cloned(),
            cursor,
            bookmark: caller.bookmark,
            queue: VecDeque::new(),
            asking: None,
            pause: Duration::ZERO,
        };
        let request = polling.request(Duration::ZERO, self.connect.timeout)?;
        let response = polling.http.request(request).await?;
        match polling.answered(&response) {
            Answered::Yes => Ok(polling),
            Answered::Limited => {
                let body = text(&response);
                Err(ConnectError::HttpStatus { status: 429, body })
            }
            Answered::No { status, body } => {
                // An old cursor may be what is refused.
                polling.bookmark.put(None);
                Err(ConnectError::HttpStatus { status, body })
            }
            Answered::Strange(why) => Err(ConnectError::SpeaksSomethingElse { first_bytes: why }),
        }
    }
}

impl Polling {
    /// Waits for the next event. Safe to cancel.
    pub(super) async fn recv(&mut self) -> Arrival {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Arrival::Event(Box::new(event));
            }
            self.bookmark.put(self.cursor.clone());
            if self.asking.is_none() {
                match self.ask() {
                    Ok(asking) => self.asking = Some(asking),
                    Err(error) => return Arrival::Closed(error.to_string()),
                }
            }
            let Some(asking) = &mut self.asking else { continue };
            let answer = asking.await;
            self.asking = None;
            let answered = match answer {
                Ok(response) => self.answered(&response),
                Err(error) => return Arrival::Closed(format!("a poll failed: {error}")),
            };
            match answered {
                Answered::Yes | Answered::Limited => {}
                Answered::No { status, body } => {
                    let why =
                        format!("a poll was refused with status {status}: {}", excerpt(&body));
                    return Arrival::Closed(why);
                }
                Answered::Strange(why) => return Arrival::Closed(format!("a poll failed: {why}")),
            }
        }
    }

    /// Leaves: the poll under way is dropped, as by a client that ends.
    pub(super) fn leave(self, how: Leave) {
        if how == Leave::Reset {
            self.http.reset();
        }
    }

    fn ask(&self) -> Result<LocalBoxFuture<'static, Result<Response, HttpError>>, ConnectError> {
        let holds = self.polls.poll().map_or(Duration::ZERO, |poll| poll.holds);
        let request = self.request(holds, holds + self.polls.spec.contract.ack_timeout)?;
        let (http, pause) = (Rc::clone(&self.http), self.pause);
        Ok(Box::pin(async move {
            tokio::time::sleep(pause).await;
            http.request(request).await
        }))
    }

    /// A poll that the server may hold, and that is waited for, so long.
    fn request(&self, holds: Duration, patience: Duration) -> Result<Request, ConnectError> {
        let unsendable = ConnectError::Unsendable { what: "poll" };
        let poll = self.polls.poll().ok_or(unsendable.clone())?;
        let crate::spec::Request::Http(http) = &poll.step.request else { return Err(unsendable) };
        let mut bindings = self.bindings.clone();
        bindings.set(Hole::WAIT, i64::try_from(holds.as_millis()).unwrap_or(i64::MAX));
        if let Some(cursor) = &self.cursor {
            bindings.set(Hole::CURSOR, cursor.clone());
        }
        let call = Call::new(&self.polls.spec, http, &bindings);
        let mut call = call.map_err(|_| unsendable.clone())?;
        if let Some(cookies) = self.jar.as_ref().and_then(|jar| jar.header(&call.target)) {
            call.headers.push(("cookie".into(), cookies));
        }
        let mut request = rest::written(call).map_err(|_| unsendable)?;
        request.timeout = Some(patience);
        Ok(request)
    }

    fn answered(&mut self, response: &Response) -> Answered {
        let (status, body) = (response.status.as_u16(), text(response));
        if let Some(jar) = &self.jar {
            jar.keep(&response.headers);
        }
        let Some(poll) = self.polls.poll() else { return Answered::Limited };
        let mut bound = self.bindings.clone();
        let shape = match meaning(&poll.step, status, &body, &mut bound) {
            Meaning::Yes(shape) => shape,
            _ if status == 429 && !poll.step.limited.is_empty() => {
                self.pause = TOO_FAST.max(poll.pause);
                return Answered::Limited;
            }
            Meaning::No(_) | Meaning::Strange(None) => return Answered::No { status, body },
            Meaning::Strange(Some(mismatch)) => return Answered::Strange(mismatch.to_string()),
        };
        let parts = poll.events.iter().chain(shape.is_repeated().then_some(shape));
        for part in parts {
            part.fitting_rows(&body, &self.polls.spec.constants, &mut |row| {
                if row.get(Hole::EVENT).is_some() {
                    self.queue.push_back(row.clone());
                }
            });
        }
        self.pause = poll.pause;
        self.cursor = bound.get(Hole::CURSOR).cloned().or(self.cursor.take());
        Answered::Yes
    }
}

fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}
