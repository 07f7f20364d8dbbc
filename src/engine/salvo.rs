//! Requests of several clients that leave together: each client prepares its own, and one hand releases
//! all of them, one right after the other.
//!
//! A client that is told to muster hands over its connection, with what waits in it to be written. Whoever
//! leads lets it go when it is due, records when that was, and gives the connection back; so no turn of
//! another task comes between two of them. Requests over HTTP are under way in the same way: their
//! connections are open already, and the first poll writes. Start with [`Salvo::new`].

use crate::engine::driver::{Calls, Returned};
use crate::engine::link::Link;
use crate::engine::recorder::Recorder;
use crate::history::{ClientId, Event, Nanos};
use futures_util::future::FutureExt;
use futures_util::stream::StreamExt;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// How long everybody may take to get ready; who is busy goes alone.
const READY: Duration = Duration::from_millis(100);

/// What a client has prepared.
pub(super) struct Loaded {
    /// Its connection; what it wrote waits in there.
    pub(super) link: Link,
    /// Its requests over HTTP; the new ones have not been looked at.
    pub(super) calls: Calls,
    /// Those that came to their end on the way.
    pub(super) returned: Vec<Returned>,
    /// What is recorded of it once it leaves.
    pub(super) events: Vec<Event>,
    /// When it left, once it has.
    pub(super) left: Option<Nanos>,
}

/// A client that waits.
struct Waiting {
    client: ClientId,
    loaded: Loaded,
    back: oneshot::Sender<Loaded>,
}

/// Where a client goes with what it has prepared.
#[derive(Clone, Debug)]
pub(super) struct Muster {
    client: ClientId,
    door: mpsc::UnboundedSender<Waiting>,
}

/// Those that leave together.
pub(super) struct Salvo {
    door: mpsc::UnboundedSender<Waiting>,
    arrivals: mpsc::UnboundedReceiver<Waiting>,
    expected: usize,
    waiting: Vec<Waiting>,
    /// Who has left, and when: of that nothing is recorded so far.
    gone: Vec<(Nanos, Waiting)>,
}

impl Muster {
    /// Waits until it has left, or finds that the others are gone: then its events are still there.
    pub(super) async fn wait(self, loaded: Loaded) -> Loaded {
        let (back, returns) = oneshot::channel();
        match self.door.send(Waiting { client: self.client, loaded, back }) {
            Err(late) => late.0.loaded,
            // Whoever leads gives everything back; if not, the play is over.
            Ok(()) => match returns.await {
                Ok(loaded) => loaded,
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl Loaded {
    /// Lets go what can go at once; the rest follows when the client looks after it.
    fn leave(&mut self) {
        let _ = self.link.flush().now_or_never();
        while let Some(Some(returned)) = self.calls.next().now_or_never() {
            self.returned.push(returned);
        }
    }
}

impl Salvo {
    /// Nobody is expected so far.
    pub(super) fn new() -> Self {
        let (door, arrivals) = mpsc::unbounded_channel();
        Self { door, arrivals, expected: 0, waiting: Vec::new(), gone: Vec::new() }
    }

    /// Where this client is expected.
    pub(super) fn expect(&mut self, client: ClientId) -> Muster {
        self.expected += 1;
        Muster { client, door: self.door.clone() }
    }

    /// Waits until everybody is there. Who comes later goes alone.
    pub(super) async fn gather(&mut self) {
        let deadline = Instant::now() + READY;
        while self.waiting.len() < self.expected
            && let Ok(Some(waiting)) = timeout_at(deadline, self.arrivals.recv()).await
        {
            self.waiting.push(waiting);
        }
        self.arrivals.close();
        while let Ok(waiting) = self.arrivals.try_recv() {
            self.waiting.push(waiting);
        }
    }

    /// Lets go what this client has prepared.
    pub(super) fn release(&mut self, client: ClientId, now: Nanos) {
        if let Some(index) = self.waiting.iter().position(|waiting| waiting.client == client) {
            let mut waiting = self.waiting.swap_remove(index);
            waiting.loaded.leave();
            waiting.loaded.left = Some(now);
            self.gone.push((now, waiting));
        }
    }

    /// Records what has left, and gives the clients back what is theirs.
    pub(super) fn settle(&mut self, recorder: &mut Recorder) {
        for (at, mut waiting) in self.gone.drain(..) {
            for event in waiting.loaded.events.drain(..) {
                recorder.record(at, waiting.client, event);
            }
            let _ = waiting.back.send(waiting.loaded);
        }
    }
}
