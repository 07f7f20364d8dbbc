//! What the connections of one client go through at the moment, changed while they stand.
//!
//! A client that may meet a fault has one [`Weather`] for all its connections, those to come and
//! those over HTTP included. Without one nothing is asked and nothing costs.

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::fault::{Fault, Shape, Way};

/// What a client's connections go through. Clones are the same weather.
#[derive(Clone)]
pub struct Weather(Arc<Mutex<Sky>>);

struct Sky {
    now: Conditions,
    seed: u64,
    /// Connections so far; each has its own chances.
    connections: u64,
    /// Who waits for a change.
    waiting: Vec<Waker>,
    /// Connections that were left while nothing could tell the server so.
    left: Vec<Box<dyn Any + Send>>,
}

/// The conditions at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Attempts to connect are refused.
    pub refuses: bool,
    /// Bytes neither come nor go, and no attempt to connect ends.
    pub silent: bool,
    /// The way from the server.
    pub inward: Course,
    /// The way to the server.
    pub outward: Course,
}

/// How bytes travel one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// So much later.
    pub delay: Duration,
    /// And up to so much later by chance, in order nevertheless.
    pub jitter: Duration,
    /// Bytes per second, at most.
    pub rate: Option<u32>,
    /// Bytes in one piece, at most.
    pub split: Option<u32>,
    /// How long bytes are gathered.
    pub merge: Duration,
    /// The system's buffer is made small.
    pub narrow: bool,
}

impl Conditions {
    /// The conditions under these faults together: delays add up, the lowest limit holds.
    #[must_use]
    pub fn of(faults: impl Iterator<Item = Fault>) -> Self {
        let mut conditions = Self::default();
        for fault in faults {
            match fault {
                Fault::Refuse => conditions.refuses = true,
                Fault::HalfOpen => conditions.silent = true,
                Fault::Bytes(shape @ Shape::SlowReader(_), _) => conditions.inward.add(shape),
                Fault::Bytes(shape, way) => {
                    if way != Some(Way::Out) {
                        conditions.inward.add(shape);
                    }
                    if way != Some(Way::In) {
                        conditions.outward.add(shape);
                    }
                }
                _ => {}
            }
        }
        conditions
    }
}

impl Course {
    fn add(&mut self, shape: Shape) {
        let least = |known: Option<u32>, new| Some(known.map_or(new, |known| known.min(new)));
        match shape {
            Shape::Delay(by) => self.delay += by,
            Shape::Jitter(by) => self.jitter += by,
            Shape::Throttle(rate) => self.rate = least(self.rate, rate),
            Shape::SlowReader(rate) => {
                self.rate = least(self.rate, rate);
                self.narrow = true;
            }
            Shape::Split(bytes) => self.split = least(self.split, bytes),
            Shape::Merge(within) => self.merge = self.merge.max(within),
        }
    }

    /// Bytes travel as they like.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        *self == Self::default()
    }
}

impl Weather {
    /// Fair weather; chances follow from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let (waiting, left) = (Vec::new(), Vec::new());
        let sky = Sky { now: Conditions::default(), seed, connections: 0, waiting, left };
        Self(Arc::new(Mutex::new(sky)))
    }

    /// The weather changes, for connections that stand and for those to come.
    pub fn change(&self, conditions: Conditions) {
        let mut sky = self.sky();
        if sky.now == conditions {
            return;
        }
        sky.now = conditions;
        let left = if conditions.silent { Vec::new() } else { std::mem::take(&mut sky.left) };
        let waiting = std::mem::take(&mut sky.waiting);
        drop(sky);
        drop(left);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Nothing happens to the bytes now.
    #[must_use]
    pub fn is_fair(&self) -> bool {
        self.sky().now == Conditions::default()
    }

    /// The conditions now. Unless they are fair, whoever asks is woken when they change.
    pub(super) fn look(&self, cx: &mut Context<'_>) -> Conditions {
        let mut sky = self.sky();
        if sky.now != Conditions::default()
            && !sky.waiting.iter().any(|waker| waker.will_wake(cx.waker()))
        {
            sky.waiting.push(cx.waker().clone());
        }
        sky.now
    }

    /// Ready when an attempt to connect may go on.
    pub(super) fn poll_open(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.look(cx) {
            Conditions { refuses: true, .. } => {
                Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into()))
            }
            Conditions { silent: true, .. } => Poll::Pending,
            _ => Poll::Ready(Ok(())),
        }
    }

    /// The seed and the number of a new connection.
    pub(super) fn next_connection(&self) -> (u64, u64) {
        let mut sky = self.sky();
        sky.connections += 1;
        (sky.seed, sky.connections)
    }

    /// Nothing that this side does reaches the server.
    pub(super) fn is_silent(&self) -> bool {
        self.sky().now.silent
    }

    /// Keeps a connection that was left until the server can hear of it.
    pub(super) fn keep(&self, connection: Box<dyn Any + Send>) {
        self.sky().left.push(connection);
    }

    fn sky(&self) -> MutexGuard<'_, Sky> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Weather").field(&self.sky().now).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn of(words: &[&str]) -> Conditions {
        Conditions::of(words.iter().map(|words| words.parse().unwrap()))
    }

    #[test]
    fn faults_add_up() {
        let sky = of(&["delay 20ms", "delay 30ms out", "throttle 900/s", "slow-reader 400/s"]);
        assert_eq!(sky.inward.delay, Duration::from_millis(20));
        assert_eq!(sky.outward.delay, Duration::from_millis(50));
        assert_eq!((sky.inward.rate, sky.outward.rate), (Some(400), Some(900)));
        assert!(sky.inward.narrow && !sky.outward.narrow);
        assert_eq!(of(&["none", "cut rst", "drop acks", "restart"]), Conditions::default());
    }

    #[test]
    fn the_way_in_is_shut_or_hangs() {
        let weather = Weather::new(0);
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(matches!(weather.poll_open(cx), Poll::Ready(Ok(()))));
        weather.change(of(&["refuse"]));
        let Poll::Ready(Err(error)) = weather.poll_open(cx) else { panic!("it is open") };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        weather.change(of(&["half-open"]));
        assert!(weather.poll_open(cx).is_pending());
    }
}
