//! Planted limits: a server that bears so many clients, or so many messages a second, and no more.
//!
//! They are no bugs: nothing that was acked is lost, nothing comes twice. A full house lets nobody
//! else in; a till that is too slow makes everybody wait, longer and longer, and turns away who finds
//! the line full. So a search for a server's size has something to find whose size is known. Start
//! with [`Limits`].

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a server bears; without a figure, whatever the machine does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Clients that are connected at once; one more is turned away.
    pub clients: Option<u32>,
    /// Messages a second, of everybody together; more wait in line.
    pub rate: Option<u32>,
}

/// One limit, as `clients=200` or `rate=400`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Clients that are connected at once.
    Clients(u32),
    /// Messages a second.
    Rate(u32),
}

impl Limits {
    /// The limits together; of two of a kind the last one counts.
    #[must_use]
    pub fn of(all: &[Limit]) -> Self {
        all.iter().fold(Self::default(), |limits, limit| match *limit {
            Limit::Clients(most) => Self { clients: Some(most), ..limits },
            Limit::Rate(most) => Self { rate: Some(most), ..limits },
        })
    }

    /// How long the till takes for one message.
    pub(crate) fn pause(self) -> Option<Duration> {
        self.rate.map(|rate| Duration::from_secs(1) / rate.max(1))
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, figure) = text.split_once('=').unwrap_or((text, ""));
        let figure = figure.parse().ok().filter(|figure| *figure > 0);
        match (name, figure) {
            ("clients", Some(most)) => Ok(Self::Clients(most)),
            ("rate", Some(most)) => Ok(Self::Rate(most)),
            _ => Err("a limit is `clients=N` or `rate=N`, N messages a second".into()),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clients(most) => write!(f, "clients={most}"),
            Self::Rate(most) => write!(f, "rate={most}"),
        }
    }
}

/// The seats of a house, shared by all its nodes.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    most: Option<u32>,
    taken: Arc<AtomicU32>,
}

/// A seat that is taken; whoever drops it leaves.
#[derive(Debug)]
pub(crate) struct Seat(Arc<AtomicU32>);

impl Seats {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { most: limits.clients, taken: Arc::default() }
    }

    /// A seat; none if the house is full.
    pub(crate) fn take(&self) -> Option<Seat> {
        let one_more = |taken| self.most.is_none_or(|most| taken < most).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.ok().map(|_| Seat(Arc::clone(&self.taken)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_written() {
        for text in ["clients=200", "rate=400"] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
        }
        for wrong in ["", "clients", "rate=0", "rate=-1", "users=3", "rate=4/s"] {
            assert!(wrong.parse::<Limit>().unwrap_err().contains("clients=N"), "{wrong}");
        }
        let both = Limits::of(&[Limit::Clients(3), Limit::Rate(8), Limit::Rate(4)]);
        assert_eq!(both, Limits { clients: Some(3), rate: Some(4) });
        assert_eq!(both.pause(), Some(Duration::from_millis(250)));
    }

    #[test]
    fn a_full_house_has_room_again_when_somebody_leaves() {
        let seats = Seats::new(Limits { clients: Some(2), rate: None });
        let first = seats.take();
        let second = seats.clone().take();
        assert!(first.is_some() && second.is_some() && seats.take().is_none());
        drop(first);
        assert!(seats.take().is_some());
        let unlimited = Seats::new(Limits::default());
        let many: Vec<_> = (0..1_000).map(|_| unlimited.take()).collect();
        assert!(many.iter().all(Option::is_some));
    }
}
