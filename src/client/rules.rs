//! What the contract demands of a client on one server, in the units the machine counts in.
//!
//! Made once from a spec and shared by every client of the run.

use crate::history::Nanos;
use crate::operation::Operation;
use crate::spec::{Contract, Join, Spec, SyncFrom};
use std::time::Duration;

/// The figures of the contract, and which operations this server has. All times in nanoseconds.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) ack_timeout: Nanos,
    pub(super) retries: Box<[Nanos]>,
    reconnect: Box<[Nanos]>,
    pub(super) typing_stop: Nanos,
    pub(super) typing_batch: Nanos,
    pub(super) offline_queue: bool,
    pub(super) sync_from: SyncFrom,
    pub(super) view: usize,
    pub(super) joins: bool,
    possible: OperationSet,
    answered: OperationSet,
}

/// Operations as bits.
#[derive(Clone, Copy, Debug, Default)]
struct OperationSet(u64);

impl OperationSet {
    fn of(holds: impl Fn(Operation) -> bool) -> Self {
        let members = Operation::ALL.iter().filter(|operation| holds(**operation));
        Self(members.fold(0, |bits, operation| bits | 1 << *operation as u64))
    }

    const fn has(self, operation: Operation) -> bool {
        self.0 >> operation as u64 & 1 == 1
    }
}

impl Rules {
    /// The rules of a spec. An operation counts as answered if any step of its first channel is.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        let answered = |operation| {
            let channel = spec.deed(operation)?.channels.first()?;
            Some(channel.steps.iter().any(|step| !step.is_unanswered()))
        };
        Self::new(
            &spec.contract,
            spec.traits.join,
            |operation| spec.deed(operation).is_some(),
            |operation| answered(operation) == Some(true),
        )
    }

    /// The rules of a contract on a server that can do, and answers, these operations.
    #[must_use]
    pub fn new(
        contract: &Contract,
        join: Join,
        possible: impl Fn(Operation) -> bool,
        answered: impl Fn(Operation) -> bool,
    ) -> Self {
        Self {
            ack_timeout: nanos(&contract.ack_timeout),
            retries: contract.retries.iter().map(nanos).collect(),
            reconnect: contract.reconnect.iter().map(nanos).collect(),
            typing_stop: nanos(&contract.typing_stop),
            typing_batch: nanos(&contract.typing_batch),
            offline_queue: contract.offline_queue,
            sync_from: contract.sync_from,
            view: contract.view,
            joins: join == Join::Explicit && possible(Operation::Join),
            possible: OperationSet::of(possible),
            answered: OperationSet::of(answered),
        }
    }

    /// The server has this operation.
    #[must_use]
    pub const fn can(&self, operation: Operation) -> bool {
        self.possible.has(operation)
    }

    /// The server answers this operation; if not, it is over as soon as it was asked.
    #[must_use]
    pub const fn answers(&self, operation: Operation) -> bool {
        self.answered.has(operation)
    }

    /// The pause before an attempt to connect, after this many failures in a row (from 1).
    /// `None`: the contract lists no pauses, so the client does not reconnect.
    pub(super) fn reconnect_pause(&self, failures: u32) -> Option<Nanos> {
        let index = (failures.saturating_sub(1) as usize).min(self.reconnect.len().checked_sub(1)?);
        Some(self.reconnect[index])
    }

    /// The pause before the next attempt of an operation, or `None` after the last one.
    pub(super) fn retry_pause(&self, operation: Operation, attempts: u32) -> Option<Nanos> {
        let index = attempts.checked_sub(1)? as usize;
        self.retries.get(index).copied().filter(|_| may_repeat(operation))
    }
}

/// Asking twice does no harm: by its key for a send, by its nature for the rest.
const fn may_repeat(operation: Operation) -> bool {
    !matches!(operation, Operation::Create | Operation::Broadcast | Operation::Announce)
}

fn nanos(duration: &Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let answered = |operation| operation != Operation::Join;
        Rules::new(&Contract::default(), Join::Explicit, |_| true, answered)
    }

    #[test]
    fn the_last_reconnect_pause_repeats() {
        let seconds = (1..=8).map(|n| rules().reconnect_pause(n).unwrap() / 1_000_000_000);
        assert_eq!(seconds.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn without_pauses_there_is_no_reconnect() {
        let contract = Contract { reconnect: Vec::new(), ..Contract::default() };
        let rules = Rules::new(&contract, Join::ByServer, |_| true, |_| true);
        assert_eq!(rules.reconnect_pause(1), None);
    }

    #[test]
    fn what_cannot_be_repeated_is_not_retried() {
        assert_eq!(rules().retry_pause(Operation::Send, 3), Some(4_000_000_000));
        assert_eq!(rules().retry_pause(Operation::Send, 4), None);
        assert_eq!(rules().retry_pause(Operation::Create, 1), None);
    }

    #[test]
    fn a_spec_says_what_is_joined_and_what_is_answered() {
        let yaml = include_str!("../../specs/callback-ack.yaml");
        let promised =
            ["idempotency", "ordering", "at-least-once", "no-loss-on-reconnect", "ack-timeout"];
        let spec = crate::spec::load("callback-ack.yaml", yaml, &promised).unwrap().spec;
        let rules = Rules::of(&spec);
        assert!(rules.joins && rules.can(Operation::Join) && !rules.answers(Operation::Join));
        assert!(rules.answers(Operation::Send) && rules.answers(Operation::Sync));
        assert!(!rules.can(Operation::Leave));
    }

    #[test]
    fn each_operation_has_its_own_bit() {
        for operation in Operation::ALL {
            let only = OperationSet::of(|other| other == *operation);
            let count = Operation::ALL.iter().filter(|other| only.has(**other)).count();
            assert!(only.has(*operation) && count == 1);
        }
        assert!(!rules().answers(Operation::Join) && rules().can(Operation::Join));
    }
}
