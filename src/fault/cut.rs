//! The connection is dropped, with or without a goodbye, at once or at the worst moment.

use super::{Fault, Figure, Form, Kind};
use std::fmt;

/// How and when a connection is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// With what.
    pub how: CutHow,
    /// When.
    pub moment: Moment,
}

/// With what a connection is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutHow {
    /// TCP reset.
    Rst,
    /// TCP FIN without a WebSocket close frame.
    Fin,
    /// A WebSocket close frame.
    CloseFrame,
    /// In the middle of a frame.
    HalfFrame,
}

/// When a connection is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At once.
    Now,
    /// As soon as the client's next message has come in.
    OnMessage,
    /// As soon as the client's next send has left, before its ack is read.
    AfterSend,
}

const HOW: Figure = Figure {
    name: "how",
    about: "TCP reset (if it is left out); TCP FIN without a goodbye; a WebSocket close frame; in the middle of a frame",
    form: Form::Choice(&["rst", "fin", "close-frame", "half-frame"]),
    required: false,
};

const ON_MESSAGE: Figure = Figure {
    name: "on-message",
    about: "not at once but as soon as a message has come in; never, if none comes meanwhile",
    form: Form::Flag,
    required: false,
};

pub(super) const CUT: Kind = Kind {
    name: "cut",
    about: "the connection is dropped; the client stays away until the fault ends",
    why: "Tunnels, lifts, dying batteries: what is sent meanwhile must be there after the \
          reconnect, each message once.",
    of_server: false,
    lasts: true,
    figures: &[HOW, ON_MESSAGE],
    example: "cut rst",
    build: |figures| {
        let moment = if figures.flag("on-message") { Moment::OnMessage } else { Moment::Now };
        Ok(Fault::Cut(Cut { how: how(figures.word("how")), moment }))
    },
};

pub(super) const CUT_AFTER_SEND: Kind = Kind {
    name: "cut-after-send",
    about: "the connection is dropped right after the next send left, before its answer is read; the client stays away until the fault ends",
    why: "The worst moment: the server may have stored the message, and the client cannot know. \
          It sends again, and nobody may see it twice.",
    of_server: false,
    lasts: true,
    figures: &[HOW],
    example: "cut-after-send rst",
    build: |figures| {
        Ok(Fault::Cut(Cut { how: how(figures.word("how")), moment: Moment::AfterSend }))
    },
};

fn how(word: Option<&str>) -> CutHow {
    match word {
        Some("fin") => CutHow::Fin,
        Some("close-frame") => CutHow::CloseFrame,
        Some("half-frame") => CutHow::HalfFrame,
        _ => CutHow::Rst,
    }
}

impl Cut {
    pub(super) const fn kind(self) -> &'static Kind {
        match self.moment {
            Moment::Now | Moment::OnMessage => &CUT,
            Moment::AfterSend => &CUT_AFTER_SEND,
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            CutHow::Rst => "rst",
            CutHow::Fin => "fin",
            CutHow::CloseFrame => "close-frame",
            CutHow::HalfFrame => "half-frame",
        };
        let moment = if self.moment == Moment::OnMessage { " on-message" } else { "" };
        write!(f, "{} {how}{moment}", self.kind().name)
    }
}
