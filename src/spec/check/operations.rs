//! Operations must answer what is learnt from them, and be possible at all.

use super::answers::names;
use super::{listed, steps};
use crate::operation::{Operation, Sight};
use crate::source::Span;
use crate::spec::bindings::Hole;
use crate::spec::load::{Loader, Place};
use crate::spec::model::{AUDIENCES, Deed, Pushed};
use crate::spec::shape::Shape;

/// An operation where it stands, and whether it was read without an error.
pub(in crate::spec) struct Placed {
    pub(in crate::spec) deed: Deed,
    pub(in crate::spec) span: Span,
    pub(in crate::spec) sound: bool,
}

/// Operations must answer what is learnt from them, and be possible at all.
pub(in crate::spec) fn deeds(does: &[Placed], sees: &[Pushed], loader: &mut Loader<'_>) {
    for Placed { deed, span, .. } in does.iter().filter(|placed| placed.sound) {
        for channel in &deed.channels {
            let answers = channel.steps.iter().flat_map(|step| &step.yes);
            let mut bound: Vec<String> =
                answers.flat_map(|one| names(&one.shape, loader)).collect();
            let taken = channel.steps.iter().flat_map(|step| &step.takes);
            let taken = taken.flat_map(|take| take.value.holes());
            bound.extend(taken.map(|(hole, _)| loader.holes.name(hole).to_owned()));
            let yields = deed.operation.yields().iter();
            let missing: Vec<&str> =
                yields.filter(|need| !bound.iter().any(|name| name == *need)).copied().collect();
            if !missing.is_empty() {
                let operation = deed.operation;
                let missing = listed(&missing, " and ");
                loader
                    .found
                    .error(*span, format!("no answer of `{operation}` binds {missing}"))
                    .hint("put it into `ack`, `reply` or `ok`, where the answer carries it");
            }
        }
    }
    strangers_are_let_in(does, loader);
    audiences_are_known(does, loader);
    conversation_is_known(does, sees, loader);
}

/// Who registers or logs in over the socket is connected before anybody knows who it is: then it is the
/// first message that says so.
fn strangers_are_let_in(does: &[Placed], loader: &mut Loader<'_>) {
    if loader.says_first {
        return;
    }
    let comes_in = |operation| matches!(operation, Operation::Register | Operation::Login);
    for Placed { deed, span, .. } in does.iter().filter(|placed| comes_in(placed.deed.operation)) {
        if steps(deed).any(|step| !step.is_http()) {
            let operation = deed.operation;
            loader
                .found
                .error(*span, format!("`{operation}` goes over a socket that lets no stranger in"))
                .hint("say under `connect: first` by which message a client proves who it is");
        }
    }
}

/// A broadcast's channels are its audiences.
fn audiences_are_known(does: &[Placed], loader: &mut Loader<'_>) {
    let broadcasts = does.iter().filter(|placed| placed.deed.operation == Operation::Broadcast);
    for Placed { deed, span, .. } in broadcasts {
        for channel in deed.channels.iter().filter(|one| !AUDIENCES.contains(&one.name.as_str())) {
            let complaint = format!("`{}` is no audience of a broadcast", channel.name);
            let known = AUDIENCES.map(|name| format!("`{name}`"));
            let known = format!("`channels` of the names {}", known.join(", "));
            loader.found.error(*span, complaint).expected(known);
        }
    }
}

/// Whatever needs a `$conversation` needs something that gives one.
fn conversation_is_known(does: &[Placed], sees: &[Pushed], loader: &mut Loader<'_>) {
    let constant =
        loader.mentions.iter().any(|m| m.place == Place::Constants && m.hole == Hole::CONVERSATION);
    let gives = |shape: &Shape| shape.holes().iter().any(|(hole, _)| *hole == Hole::CONVERSATION);
    let seen = sees.iter().any(|p| p.sight == Sight::Conversation && gives(&p.reception.shape));
    let answered = does.iter().any(|Placed { deed, sound, .. }| {
        let giver = matches!(
            deed.operation,
            Operation::Create
                | Operation::Broadcast
                | Operation::List
                | Operation::Join
                | Operation::Contacts
        );
        let gives = || steps(deed).any(|step| step.yes.iter().any(|one| gives(&one.shape)));
        giver && (!sound || gives())
    });
    if constant || seen || answered {
        return;
    }
    let needing = does.iter().find(|Placed { deed, .. }| {
        let mut requests = steps(deed).map(|step| &step.request);
        deed.operation != Operation::Create
            && requests.any(|request| request.holes().contains(&Hole::CONVERSATION))
    });
    if let Some(Placed { deed, span, .. }) = needing {
        let operation = deed.operation;
        loader
            .found
            .error(*span, format!("`{operation}` needs a `$conversation`, and nothing gives one"))
            .hint(
                "let `create` or `list` bind it in an answer, or give it as a constant under `let`",
            );
    }
}
