//! Who waits for what arrives on the network, and when: all are woken in one order.
//!
//! The order is that of the arrivals, to the nanosecond, and then of the connections. So it does not
//! matter who sent first in one instant, which may follow from things that no seed rules, such as the
//! order of a hash map in a library.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// One end of a connection: the connection's number, and which end.
pub(super) type Addressee = (u64, usize);

/// Who waits for arrivals.
#[derive(Default)]
pub(super) struct Post {
    waiting: Mutex<BTreeMap<(Instant, Addressee), Waker>>,
    /// Somebody waits for something earlier than everybody else does.
    sooner: Notify,
}

impl Post {
    /// Wakes this end when it is time; asked again, it is woken once.
    pub(super) fn expect(&self, due: Instant, addressee: Addressee, waker: &Waker) {
        let mut waiting = self.waiting();
        let sooner = waiting.first_key_value().is_none_or(|((first, _), _)| due < *first);
        waiting.insert((due, addressee), waker.clone());
        if sooner {
            self.sooner.notify_one();
        }
    }

    /// Wakes whoever is due, for ever.
    pub(super) async fn deliver(&self) {
        loop {
            let next = self.waiting().first_key_value().map(|((due, _), _)| *due);
            let Some(due) = next else {
                self.sooner.notified().await;
                continue;
            };
            tokio::select! {
                biased;
                () = sleep_until(due) => self.wake(),
                () = self.sooner.notified() => {}
            }
        }
    }

    fn wake(&self) {
        let (mut waiting, now) = (self.waiting(), Instant::now());
        while let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= now) {
            first.remove().wake();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<(Instant, Addressee), Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
