//! How often things happened, as plain sums. It knows names, not when or to whom.

use crate::outcome::Reach;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// See [`Counter::about`], as for the others.
    MessagesSent,
    /// Sends that ended well.
    MessagesAcked,
    /// Sends that were refused.
    MessagesRefused,
    /// Sends that were given up.
    MessagesFailed,
    /// Attempts beyond the first.
    Retries,
    /// Attempts without an answer in time.
    AckTimeouts,
    /// Live messages.
    Deliveries,
    /// Those who were to be pushed a message.
    ReceiversExpected,
    /// Those of them who were.
    ReceiversReached,
    /// Those of them who got it by a sync instead.
    ReceiversSynced,
    /// First connections.
    Connects,
    /// Connections after a loss.
    Reconnects,
    /// Attempts to connect that failed.
    ConnectFailures,
    /// Lost connections.
    Disconnects,
    /// Reads of what was missed.
    Syncs,
    /// Reads of whole histories.
    HistoryReads,
    /// Typing events that were emitted.
    TypingEvents,
    /// Messages marked as read.
    Reads,
    /// What was not as the spec says.
    Garbage,
    /// Queues that were full.
    QueueDrops,
    /// Faults.
    Faults,
    /// Bytes to the server.
    BytesSent,
    /// Bytes from the server.
    BytesReceived,
}

/// One sum per [`Counter`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    sums: [u64; Counter::ALL.len()],
}

impl Counter {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 23] = [
        Self::MessagesSent,
        Self::MessagesAcked,
        Self::MessagesRefused,
        Self::MessagesFailed,
        Self::Retries,
        Self::AckTimeouts,
        Self::Deliveries,
        Self::ReceiversExpected,
        Self::ReceiversReached,
        Self::ReceiversSynced,
        Self::Connects,
        Self::Reconnects,
        Self::ConnectFailures,
        Self::Disconnects,
        Self::Syncs,
        Self::HistoryReads,
        Self::TypingEvents,
        Self::Reads,
        Self::Garbage,
        Self::QueueDrops,
        Self::Faults,
        Self::BytesSent,
        Self::BytesReceived,
    ];

    /// The name that reports show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// What is counted, in one sentence.
    #[must_use]
    pub const fn about(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::MessagesSent => ("messages sent", "sends that the plan asked for and began"),
            Self::MessagesAcked => ("messages acked", "sends that the server confirmed"),
            Self::MessagesRefused => ("messages refused", "sends answered by a definite error"),
            Self::MessagesFailed => ("messages failed", "sends given up after the last retry"),
            Self::Retries => ("retries", "attempts of a send beyond its first"),
            Self::AckTimeouts => ("ack timeouts", "attempts without an answer in time"),
            Self::Deliveries => ("deliveries", "messages pushed to a client, one per receiver"),
            Self::ReceiversExpected => {
                ("receivers expected", "other members who were connected when a message was sent")
            }
            Self::ReceiversReached => ("receivers reached", "those of them who were pushed it"),
            Self::ReceiversSynced => {
                ("receivers synced", "those of them who only got it by a sync afterwards")
            }
            Self::Connects => ("connects", "first connections that were accepted"),
            Self::Reconnects => ("reconnects", "connections accepted after a loss"),
            Self::ConnectFailures => ("connect failures", "attempts to connect that failed"),
            Self::Disconnects => ("disconnects", "connections lost, for whatever reason"),
            Self::Syncs => ("syncs", "reads of what was missed that were answered"),
            Self::HistoryReads => ("history reads", "reads of a whole history that were answered"),
            Self::TypingEvents => ("typing events", "typing starts and stops that were emitted"),
            Self::Reads => ("reads", "messages that a client marked as read"),
            Self::Garbage => ("garbage", "packets and answers that were not as the spec says"),
            Self::QueueDrops => ("queue drops", "actions dropped because a queue was full"),
            Self::Faults => ("faults", "faults that began, one per client hit"),
            Self::BytesSent => ("bytes sent", "bytes written to sockets"),
            Self::BytesReceived => ("bytes received", "bytes read from sockets"),
        }
    }
}

impl Counters {
    /// Adds `amount` to a sum.
    pub const fn add(&mut self, counter: Counter, amount: u64) {
        let sum = &mut self.sums[counter as usize];
        *sum = sum.saturating_add(amount);
    }

    /// The sum.
    #[must_use]
    pub const fn get(&self, counter: Counter) -> u64 {
        self.sums[counter as usize]
    }

    /// Whom messages reached.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        Reach {
            expected: self.get(Counter::ReceiversExpected),
            live: self.get(Counter::ReceiversReached),
            synced: self.get(Counter::ReceiversSynced),
        }
    }

    /// Adds the sums of another shard.
    pub fn merge(&mut self, other: &Self) {
        for counter in Counter::ALL {
            self.add(counter, other.get(counter));
        }
    }

    /// What was added since these sums were taken.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut added = Self::default();
        for counter in Counter::ALL {
            added.add(counter, self.get(counter).saturating_sub(before.get(counter)));
        }
        added
    }

    /// Names and sums as a report has them, zeros included.
    #[must_use]
    pub fn named(&self) -> Vec<(String, u64)> {
        Counter::ALL
            .into_iter()
            .map(|counter| (counter.name().to_owned(), self.get(counter)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_positions_are_discriminants() {
        let names: HashSet<_> = Counter::ALL.into_iter().map(Counter::name).collect();
        assert_eq!(names.len(), Counter::ALL.len());
        for (index, counter) in Counter::ALL.into_iter().enumerate() {
            assert_eq!(counter as usize, index);
        }
    }

    #[test]
    fn sums_add_up_over_shards() {
        let mut one = Counters::default();
        one.add(Counter::Deliveries, 3);
        let mut two = one.clone();
        two.add(Counter::Garbage, 1);
        one.merge(&two);
        assert_eq!(one.get(Counter::Deliveries), 6);
        assert_eq!(one.get(Counter::Garbage), 1);
        assert_eq!(one.named().len(), Counter::ALL.len());
    }
}
