//! Figures of the contract must not contradict each other or the operations.

use super::steps;
use crate::operation::Operation;
use crate::source::Span;
use crate::spec::bindings::Hole;
use crate::spec::load::{ContractSpans, Loader};
use crate::spec::model::{Spec, SyncFrom};
use std::time::Duration;

/// Figures must not contradict each other.
pub(in crate::spec) fn contract(spec: &Spec, spans: &ContractSpans, loader: &mut Loader<'_>) {
    let contract = &spec.contract;
    if let Some(span) = spans.reconnect {
        if contract.reconnect.is_empty() {
            loader
                .found
                .error(span, "a client that never reconnects ends the run")
                .expected("at least one pause");
        }
        if contract.reconnect.windows(2).any(|w| w[0] > w[1]) {
            loader.found.warn(span, "the pauses before reconnecting shrink");
        }
        if contract.reconnect.iter().any(Duration::is_zero) {
            loader.found.warn(span, "a pause of zero makes all clients reconnect at once");
        }
    }
    if let Some(span) = spans.retries {
        let attempts = contract.retries.len() as u32 + 1;
        let longest =
            contract.retries.iter().sum::<Duration>() + contract.ack_timeout * attempts.min(10_000);
        if longest > Duration::from_secs(600) {
            let minutes = longest.as_secs() / 60;
            let message = format!("a send may take {minutes} minutes until it has failed");
            loader.found.warn(span, message).hint("pauses and ack timeouts of all attempts add up");
        }
        if contract.retries.windows(2).any(|w| w[0] > w[1]) {
            loader.found.warn(span, "the pauses before retries shrink");
        }
    }
    if let Some(span) = spans.typing_batch
        && contract.typing_batch >= contract.typing_stop
    {
        loader
            .found
            .error(span, "`typing-batch` is not shorter than `typing-stop`")
            .hint("an indicator would stop before it was sent");
    }
    if let Some(span) = spans.sync_from {
        sync_from(spec, span, loader);
    }
}

fn sync_from(spec: &Spec, span: Span, loader: &mut Loader<'_>) {
    let (hole, name) = match spec.contract.sync_from {
        SyncFrom::NewestSeen | SyncFrom::ClientClock => (Hole::SINCE, "since"),
        SyncFrom::Cursor => (Hole::CURSOR, "cursor"),
        SyncFrom::Start => return,
    };
    let Some(sync) = spec.deed(Operation::Sync) else {
        loader
            .found
            .error(span, "`sync-from` says where a sync starts, but `do` has no `sync`")
            .hint("describe `do: sync`, or leave `sync-from` out");
        return;
    };
    if !steps(sync).any(|step| step.request.holes().contains(&hole)) {
        loader
            .found
            .error(span, format!("`sync` doesn't send `${name}`, so it can't start there"))
            .hint("say `sync-from: start`, or send the position in `sync`");
    }
}
