//! Traits and promises must speak of what there is.

use super::steps;
use crate::operation::{Operation, Sight};
use crate::source::Span;
use crate::spec::bindings::Hole;
use crate::spec::load::{Loader, TraitSpans};
use crate::spec::model::{DedupBy, Join, Spec};

/// Traits must speak of what there is.
pub(in crate::spec) fn traits(spec: &Spec, spans: &TraitSpans, loader: &mut Loader<'_>) {
    if let (Some(order), Some(span)) = (&spec.traits.order, spans.order) {
        let messages = spec.sees.iter().filter(|p| p.sight == Sight::Message);
        let pushed = messages.map(|p| &p.reception.shape);
        let read = spec
            .does
            .iter()
            .filter(|d| matches!(d.operation, Operation::Sync | Operation::History))
            .flat_map(steps)
            .flat_map(|step| step.yes.iter().map(|one| &one.shape));
        let bound =
            pushed.chain(read).any(|shape| shape.holes().iter().any(|(hole, _)| *hole == order.by));
        if !bound {
            let name = loader.holes.name(order.by).to_owned();
            loader
                .found
                .error(span, format!("no message carries `${name}`, so nothing is ordered by it"))
                .hint("bind it in `see: message` and in the answers of `history` and `sync`");
        }
    }
    if let (Some(dedup), Some(span)) = (&spec.traits.dedup, spans.dedup) {
        let send = spec.deed(Operation::Send);
        let keyed = send.is_some_and(|d| steps(d).any(|s| s.request.holes().contains(&Hole::KEY)));
        if dedup.by == DedupBy::Key && !keyed {
            loader
                .found
                .error(span, "no `send` carries `$key`, so nothing is deduplicated by it")
                .hint("send `$key`, or say `by: content`, or leave `dedup` out");
        }
    }
    if let Some(span) = spans.join
        && spec.traits.join == Join::Explicit
        && spec.deed(Operation::Join).is_none()
    {
        loader
            .found
            .error(span, "`join` is explicit, but `do` has no `join`")
            .hint("describe `do: join`, or say `join: by-server`");
    }
}

/// A promise needs what it is about.
pub(in crate::spec) fn promise(property: &str, span: Span, spec: &Spec, loader: &mut Loader<'_>) {
    let does = |operation| spec.deed(operation).is_some();
    let sees = |sight| spec.sees.iter().any(|p| p.sight == sight);
    let reads = does(Operation::History) || does(Operation::Sync);
    let answered = spec
        .deed(Operation::Send)
        .is_some_and(|deed| steps(deed).any(|step| !step.is_unanswered()));
    let (holds, lacks) = match property {
        "idempotency" => (spec.traits.dedup.is_some(), "`traits: dedup`"),
        "ordering" => (spec.traits.order.is_some(), "`traits: order`"),
        "at-least-once" => (reads, "`do: history` or `do: sync`, to see what was stored"),
        "no-loss-on-reconnect" => (reads, "`do: sync` or `do: history`"),
        "ack-timeout" => (answered, "an answer to `do: send`"),
        "typing-timeout" => (
            sees(Sight::TypingStop) || sees(Sight::Typing) || spec.traits.typing_expires.is_some(),
            "`see: typing-stop`",
        ),
        "presence" => (
            sees(Sight::Presence) || sees(Sight::Online) && sees(Sight::Offline),
            "`see: online` and `see: offline`",
        ),
        "receipts" => {
            (sees(Sight::Receipt) || sees(Sight::Status), "`see: receipt` or `see: status`")
        }
        "conversation-identity" => (does(Operation::Create), "`do: create`"),
        "unread-count" => (does(Operation::Unread), "`do: unread`"),
        "search" => (does(Operation::Search), "`do: search`"),
        "contacts" => (does(Operation::Contacts), "`do: contacts`"),
        "input-limits" => (spec.limits.text_characters.is_some(), "`limits: text`"),
        "rate-limit" => (spec.limits.send_rate.is_some(), "`limits: send-rate`"),
        "channel-parity" => (
            spec.deed(Operation::Send).is_some_and(|d| d.channels.len() > 1),
            "two `channels` of `do: send`",
        ),
        "pagination" => (
            spec.does.iter().flat_map(steps).any(|step| step.paging.is_some()),
            "`pages:` in `do: history`",
        ),
        "health" => (spec.http.health.is_some() || does(Operation::Health), "`http: health`"),
        _ => (true, ""),
    };
    if !holds {
        loader
            .found
            .error(span, format!("`{property}` is promised without what it is about"))
            .expected(lacks);
    }
}
