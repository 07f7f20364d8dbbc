//! Every hole that is sent must be bound before, and every hole of the spec's own must serve.

use super::listed;
use crate::operation::Operation;
use crate::source::suggestion;
use crate::spec::bindings::Hole;
use crate::spec::load::{Loader, Mention, Place};
use crate::spec::model::{Protocol, SocketPer, Spec, TokenSource};

/// Every hole that is sent must be bound before, and every own hole must serve something.
pub(in crate::spec) fn holes(spec: &Spec, loader: &mut Loader<'_>) {
    let mentions = std::mem::take(&mut loader.mentions);
    for mention in mentions.iter().filter(|m| m.sent && !m.optional) {
        let name = loader.holes.name(mention.hole).to_owned();
        if !is_given(&name, mention, &mentions, spec) {
            let complaint =
                loader.found.error(mention.span, format!("nothing gives `${name}` here"));
            let given = given_names(mention.place);
            match suggestion(&name, given.iter().copied()) {
                Some(near) => complaint.hint(format!("did you mean `${near}`?")),
                None => complaint.expected(format!(
                    "{}, a constant of `let`, or what an earlier step binds",
                    listed(&given, ", ")
                )),
            };
        }
    }
    let own = |mention: &&Mention| usize::from(mention.hole.0) >= Hole::STANDARD.len();
    for mention in mentions.iter().filter(own) {
        let of_it = || mentions.iter().filter(|m| m.hole == mention.hole);
        let first = of_it().next().is_some_and(|first| std::ptr::eq(first, mention));
        let ordered = spec.traits.order.as_ref().is_some_and(|o| o.by == mention.hole);
        if !first || ordered || of_it().any(|m| m.sent) || of_it().count() > 1 {
            continue;
        }
        let name = loader.holes.name(mention.hole).to_owned();
        let complaint = loader.found.warn(mention.span, format!("nothing uses `${name}`"));
        let standard = Hole::STANDARD.iter().map(|(name, ..)| *name);
        match suggestion(&name, standard) {
            _ if mention.place == Place::Constants => complaint.hint("remove the constant"),
            Some(near) => complaint.hint(format!("did you mean `${near}`?")),
            None => complaint.hint("write `$_` if its value doesn't matter"),
        };
    }
}

/// What the harness binds before anything of this place is sent.
fn given_names(place: Place) -> Vec<&'static str> {
    match place {
        Place::Constants => Vec::new(),
        Place::People => vec!["user", "name", "chapter"],
        Place::Http => vec!["user", "name", "token"],
        Place::Connect | Place::Seen => Operation::Connect.given().to_vec(),
        Place::Deed(operation, ..) => operation.given().to_vec(),
    }
}

fn is_given(name: &str, mention: &Mention, mentions: &[Mention], spec: &Spec) -> bool {
    let credentials = ["user", "name", "token", "password"];
    let always = match mention.place {
        Place::People => &credentials[..2],
        _ => &credentials[..],
    };
    if given_names(mention.place).contains(&name) || always.contains(&name) {
        return true;
    }
    let framed = matches!(spec.connect.protocol, Protocol::WebSocket { .. });
    if name == "request" && framed {
        return true;
    }
    // A socket of its own per conversation knows which one.
    let per_conversation = spec.connect.per == SocketPer::Conversation;
    if name == "conversation" && per_conversation && mention.place != Place::People {
        return true;
    }
    if let TokenSource::File { columns, .. } = &spec.people.token
        && columns.contains(&mention.hole)
    {
        return true;
    }
    let binders = mentions.iter().filter(|m| !m.sent && m.hole == mention.hole);
    binders.into_iter().any(|m| match (m.place, mention.place) {
        (Place::Constants, _) => true,
        // What is learnt while coming in stays known.
        (Place::Deed(Operation::Register | Operation::Login, ..), place) => {
            comes_before(m.place, place)
        }
        (Place::Connect, Place::Connect | Place::Http | Place::Deed(..)) => true,
        (earlier, later) => comes_before(earlier, later),
    })
}

/// Whether an answer at `earlier` is there before something at `later` is sent.
fn comes_before(earlier: Place, later: Place) -> bool {
    match (earlier, later) {
        (Place::Deed(a, channel, step), Place::Deed(b, other, later)) if a == b => {
            channel == other && step < later
        }
        (Place::Deed(Operation::Register, ..), Place::Deed(..)) => true,
        (Place::Deed(Operation::Login, ..), Place::Deed(b, ..)) => b != Operation::Register,
        (Place::Deed(Operation::Register | Operation::Login, ..), Place::Connect | Place::Http) => {
            true
        }
        _ => false,
    }
}
