//! The kinds of durations that are measured. It knows their names, not how they are kept.

use std::fmt;

/// A kind of duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Series {
    /// See [`Series::about`], as for the others.
    Connect,
    /// An answer to a send.
    Ack,
    /// A message on its way to one receiver.
    Delivery,
    /// A message on its way to the first of its receivers.
    FanOutFirst,
    /// To the last of them.
    FanOutLast,
    /// From the first to the last of them.
    FanOutSkew,
    /// The way back after a lost connection.
    Reconnect,
    /// A read of what was missed.
    Sync,
    /// A typing indicator on its way to one watcher.
    Typing,
    /// An answer to a user without a socket.
    Http,
    /// The generator's own lateness.
    Lag,
}

impl Series {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 11] = [
        Self::Connect,
        Self::Ack,
        Self::Delivery,
        Self::FanOutFirst,
        Self::FanOutLast,
        Self::FanOutSkew,
        Self::Reconnect,
        Self::Sync,
        Self::Typing,
        Self::Http,
        Self::Lag,
    ];

    /// The word as files, reports and thresholds spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// What is measured, from where to where.
    #[must_use]
    pub const fn about(self) -> &'static str {
        self.words().1
    }

    /// It tells of a message's whole way to several receivers.
    #[must_use]
    pub const fn is_of_fan_out(self) -> bool {
        matches!(self, Self::FanOutFirst | Self::FanOutLast | Self::FanOutSkew)
    }

    /// The series of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|series| series.name() == name)
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Connect => (
                "connect",
                "from the first byte of a client's first connection to the server's acceptance",
            ),
            Self::Ack => ("ack", "from a send to the answer that settles it, retries included"),
            Self::Delivery => (
                "delivery",
                "from a send to the message's arrival at one other member, for each of them",
            ),
            Self::FanOutFirst => (
                "fan-out.first",
                "from a send to the message's arrival at the first of those who were to get it",
            ),
            Self::FanOutLast => (
                "fan-out.last",
                "from a send to the message's arrival at the last of those who were to get it; failed, if \
                 it was not pushed to all of them",
            ),
            Self::FanOutSkew => (
                "fan-out.skew",
                "from a message's arrival at the first of those who were to get it to that at the last, \
                 of messages for two or more",
            ),
            Self::Reconnect => (
                "reconnect",
                "from the loss of a connection to the server's acceptance, pauses included",
            ),
            Self::Sync => ("sync", "from asking what was missed to the last page of the answer"),
            Self::Typing => {
                ("typing", "from a typing event's emission to its arrival at one other member")
            }
            Self::Http => {
                ("http", "from a request of a user without a socket to the last byte of its answer")
            }
            Self::Lag => {
                ("lag", "from the time a timer of the generator was due to the time it fired")
            }
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_positions_are_discriminants() {
        for (index, series) in Series::ALL.into_iter().enumerate() {
            assert_eq!(series as usize, index);
            assert_eq!(Series::parse(series.name()), Some(series));
        }
        assert_eq!(Series::parse("latency"), None);
    }

    #[test]
    fn a_name_can_stand_in_an_interval_log() {
        let breaks = |name: &str| name.contains([' ', ',', '\n']);
        assert!(!Series::ALL.into_iter().map(Series::name).any(breaks));
    }
}
