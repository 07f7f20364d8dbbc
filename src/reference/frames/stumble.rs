//! The bugs of JSON frames: what a careless server makes of one that is none that it knows.
//!
//! The honest way through here is nothing at all.

use crate::reference::app::App;
use crate::reference::bugs::Bug;
use crate::reference::model::*;
use serde::de::IgnoredAny;
use tokio_tungstenite::tungstenite::Message;

/// What a frame does to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stumble {
    /// Nothing is heard over this connection any more.
    Deaf,
    /// These connections end, as far as `Hall` says for the bug.
    Crash,
}

/// What this frame does, if anything.
pub(super) fn over(app: &App, message: &Message, user: &User) -> Option<Stumble> {
    let bugs = app.bugs;
    let has = |bug| bugs.has(bug);
    let text = match message {
        Message::Binary(_) => return has(Bug::BinaryDeafens).then_some(Stumble::Deaf),
        Message::Text(text) => text.as_str(),
        _ => return None,
    };
    if has(Bug::NullCrash) && text.trim() == "null" {
        return Some(Stumble::Crash);
    }
    let malformed = || serde_json::from_str::<IgnoredAny>(text).is_err();
    if has(Bug::MalformedDeafens) && malformed() {
        return Some(Stumble::Deaf);
    }
    if has(Bug::MalformedDisconnectsAll) && malformed() {
        return Some(Stumble::Crash);
    }
    let unknown = || app.play.pong(text).is_none() && app.play.frame(text, user, None).is_none();
    (has(Bug::KindUnknownDeafens) && !malformed() && unknown()).then_some(Stumble::Deaf)
}
