//! Answers and events that mean different things must look different, and say enough.

use crate::operation::Sight;
use crate::scalar::Scalar;
use crate::source::Span;
use crate::spec::bindings::Bindings;
use crate::spec::load::{Answers, Loader};
use crate::spec::model::{Pushed, Reception, Via};
use crate::spec::shape::Shape;

/// Answers that mean different things must look different.
pub(in crate::spec) fn answers(answers: &Answers, loader: &mut Loader<'_>) {
    let Answers { yes, no, limited, .. } = answers;
    shadowed(limited, no, "`limited`", loader);
    shadowed(limited, yes, "`limited`", loader);
    shadowed(no, yes, "an answer that means no", loader);
}

/// Complains of answers in `later` that one in `earlier`, which is tried first, takes.
fn shadowed(
    earlier: &[(Reception, Span)],
    later: &[(Reception, Span)],
    what: &str,
    loader: &mut Loader<'_>,
) {
    for (late, span) in later {
        let taken = earlier.iter().find(|(early, _)| takes(early, late));
        if let Some((_, by)) = taken {
            let (line, column) = (by.start.line, by.start.column);
            loader
                .found
                .error(*span, "this answer can't be told from another")
                .hint(format!(
                    "{what}, at {line}:{column}, fits it too and is tried first; name a field that differs"
                ));
        }
    }
}

/// Whether everything that `late` describes fits `early` too.
fn takes(early: &Reception, late: &Reception) -> bool {
    let same_way = match (&early.via, &late.via) {
        (Via::Status(a, b), Via::Status(c, d)) => a <= c && d <= b,
        (Via::Ack, Via::Ack) | (Via::Frame, Via::Frame) => true,
        (Via::Event(a), Via::Event(b)) => a == b,
        _ => false,
    };
    same_way && covers(&early.shape, &late.shape)
}

/// Whether an example of `late` fits `early`.
fn covers(early: &Shape, late: &Shape) -> bool {
    let mut example = Bindings::new();
    for (hole, _) in late.holes() {
        example.set(hole, Scalar::from(&*format!("example-{}", hole.0)));
    }
    let mut json = String::new();
    late.fill(&example, &mut json).is_ok() && early.fits(&json, &mut Bindings::new())
}

/// Pushed events of different meaning must look different.
pub(in crate::spec) fn sights(sees: &[(Pushed, Span)], loader: &mut Loader<'_>) {
    for (index, (late, span)) in sees.iter().enumerate() {
        let taken =
            sees[..index].iter().find(|(early, _)| takes(&early.reception, &late.reception));
        let Some((early, _)) = taken else { continue };
        let complaint = if early.sight == late.sight {
            loader.found.warn(*span, "this event is described twice")
        } else {
            let message = format!("this event can't be told from `{}`", early.sight);
            loader.found.error(*span, message)
        };
        complaint.hint("the first one that fits is taken; put the narrower one first, or name a field that differs");
    }
}

/// Holes without which a sight says nothing to a judge.
const fn sight_needs(sight: Sight) -> &'static [&'static str] {
    match sight {
        Sight::Message => &["text"],
        Sight::TypingStart | Sight::TypingStop | Sight::Online | Sight::Offline => &["sender"],
        Sight::Receipt => &["message"],
        Sight::Status => &["message", "status"],
        Sight::Conversation => &["conversation"],
        _ => &[],
    }
}

/// Each event of a sight must bind what the sight is about.
pub(in crate::spec) fn sight(sight: Sight, sees: &[(Pushed, Span)], loader: &mut Loader<'_>) {
    let own = sees.iter().filter(|(pushed, _)| pushed.sight == sight);
    for (pushed, span) in own.filter(|(pushed, _)| !pushed.alias) {
        let bound = names(&pushed.reception.shape, loader);
        let needs = sight_needs(sight).iter();
        for missing in needs.filter(|need| !bound.iter().any(|name| name == *need)) {
            // A whole conversation may be marked as read without naming a message.
            if *missing == "message" && bound.iter().any(|name| name == "conversation") {
                continue;
            }
            let message = format!("`{sight}` doesn't bind `${missing}`");
            loader
                .found
                .error(*span, message)
                .hint(format!("put `${missing}` where the event carries it"));
        }
    }
}

pub(in crate::spec) fn names(shape: &Shape, loader: &Loader<'_>) -> Vec<String> {
    let holes = shape.holes();
    let names = holes.iter().map(|(hole, _)| loader.holes.name(*hole).to_owned());
    names.collect()
}
