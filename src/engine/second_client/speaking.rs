//! What goes out: one task per connection that says one thing after the other.

use super::hearing::{Ear, News};
use super::{GOODBYE, reason};
use rust_socketio::asynchronous::Client;
use rust_socketio::{Error, Event, Payload};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, timeout};

/// The crate tells nothing of answers after its own timeout, but we want to know of them.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Says what it is told to, one after the other, and goodbye in the end.
pub(super) struct Speaker {
    pub(super) client: Client,
    pub(super) ear: Ear,
    /// Requests with an ack that wait, or whose answer is awaited.
    pub(super) asks: Arc<AtomicUsize>,
}

impl Speaker {
    /// Speaks until nobody stays, then says goodbye.
    pub(super) async fn live(
        self,
        mut requests: mpsc::UnboundedReceiver<Request>,
        gone: oneshot::Receiver<()>,
    ) {
        let talk = async {
            while let Some(request) = requests.recv().await {
                if let Err(error) = self.say(request).await {
                    self.ear.tell(News::Trouble(reason(&error))).await;
                    return self.ear.tell(News::Ended).await;
                }
            }
        };
        tokio::select! {
            biased;
            _ = gone => {}
            () = talk => {}
        }
        let _ = timeout(GOODBYE, self.client.disconnect()).await;
    }

    /// Says one thing, and waits for its answer if it asks for one.
    async fn say(&self, request: Request) -> Result<(), Error> {
        let Request { name, arguments, ack, waits, room } = request;
        // Not `Event::from`, which takes `open` for `connect`.
        let (event, payload) = (Event::Custom(name), Payload::Text(arguments));
        let Some(ack) = ack else { return self.client.emit(event, payload).await };
        let second = &self.ear.second;
        if let Some(since) = waits {
            let waited = since.elapsed().as_micros();
            second.waited.fetch_add(1, Relaxed);
            second.longest_wait_us.fetch_max(u64::try_from(waited).unwrap_or(u64::MAX), Relaxed);
        }
        let (answered, answer) = oneshot::channel();
        let callback = self.ear.answer(ack, answered);
        self.client.emit_with_ack(event, payload, FOREVER, callback).await?;
        drop(room);
        let _ = timeout(second.patience, answer).await;
        self.asks.fetch_sub(1, Relaxed);
        Ok(())
    }
}

/// An event that waits to be sent.
pub(super) struct Request {
    pub(super) name: String,
    pub(super) arguments: Vec<Value>,
    pub(super) ack: Option<u64>,
    /// Since when it waits for another's answer, if it does.
    pub(super) waits: Option<Instant>,
    /// Its share of what may wait; given back when it is out.
    pub(super) room: OwnedSemaphorePermit,
}

/// Reads an event: a JSON array, its name first.
pub(super) fn name_and_arguments(data: &str) -> Option<(String, Vec<Value>)> {
    let mut array = serde_json::from_str::<Vec<Value>>(data).ok()?.into_iter();
    let Value::String(name) = array.next()? else { return None };
    Some((name, array.collect()))
}
