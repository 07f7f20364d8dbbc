//! What one person says and hears where the server takes JSON frames: the spec's shapes, filled.
//!
//! The chapter of raw WebSockets needs a login, a request that is answered whatever it asks for, and
//! the application's heartbeat. It knows no socket. Start with [`Tongue`].

use super::site::filled;
use crate::dialect::bend::Bend;
use crate::engine::people::Papers;
use crate::engine::{frames_handshake, login_text};
use crate::operation::Operation;
use crate::plan::Oddity;
use crate::spec::{AppPing, Bindings, Request, Shape, Spec, Step, Via};
use crate::transport::websocket::WebSocketOptions;
use std::time::Duration;

/// What the server says that a case waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Its first word.
    Welcome,
    /// The answer to the login.
    LetIn,
    /// The answer to the request that `$ask` is, a yes or a no.
    Answer,
}

/// One person's words.
#[derive(Clone, Debug)]
pub(super) struct Tongue {
    /// The path and query of the handshake.
    pub(super) target: String,
    pub(super) options: WebSocketOptions,
    /// The first frame, if the spec has one.
    pub(super) login: Option<String>,
    pub(super) heart: Heart,
    welcome: Vec<Shape>,
    let_in: Vec<Shape>,
    answers: Vec<Shape>,
    known: Bindings,
}

/// The application's heartbeat, the client's part of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Heart {
    ping: Option<AppPing>,
    known: Bindings,
}

impl Tongue {
    /// The words of the one with these papers, and the texts that scripts call `$ask`, `$head`,
    /// `$tail` and `$odd`.
    pub(super) fn new(spec: &Spec, papers: &Papers) -> (Self, Vec<(&'static str, String)>) {
        let mut options = WebSocketOptions::default();
        let target = frames_handshake(spec, papers, &mut options);
        let connect = &spec.connect;
        let shapes = |step: &Step| step.yes.iter().map(|one| one.shape.clone()).collect();
        let mut known = papers.bindings.clone();
        let mut texts = Vec::new();
        let mut answers = Vec::new();
        if let Some((step, shape)) = answered(spec)
            && let Some((ask, asked)) = filled(shape, spec, &known)
        {
            let mut odd = ask.clone();
            Bend::begin(Oddity::AnotherName, &mut known.clone()).frame(shape, &mut odd);
            let middle = (0..=ask.len() / 2).rev().find(|at| ask.is_char_boundary(*at));
            let (head, tail) = ask.split_at(middle.unwrap_or(0));
            texts = vec![("head", head.to_owned()), ("tail", tail.to_owned()), ("odd", odd)];
            texts.push(("ask", ask));
            let all = step.limited.iter().chain(&step.no).chain(&step.yes);
            answers = all.map(|one| one.shape.clone()).collect();
            known = asked;
        }
        let tongue = Self {
            target,
            options,
            login: connect.first.as_ref().and_then(|first| login_text(first, &papers.bindings)),
            heart: Heart { ping: connect.ping.clone(), known: papers.bindings.clone() },
            welcome: connect.welcome.iter().cloned().collect(),
            let_in: connect.first.as_ref().map(shapes).unwrap_or_default(),
            answers,
            known,
        };
        (tongue, texts)
    }

    /// Whether anybody ever says this word.
    pub(super) fn awaits(&self, word: Word) -> bool {
        !self.shapes(word).is_empty()
    }

    /// Whether this frame is the word.
    pub(super) fn is(&self, word: Word, frame: &str) -> bool {
        self.shapes(word).iter().any(|shape| shape.fits(frame, &mut self.known.clone()))
    }

    fn shapes(&self, word: Word) -> &[Shape] {
        match word {
            Word::Welcome => &self.welcome,
            Word::LetIn => &self.let_in,
            Word::Answer => &self.answers,
        }
    }
}

impl Heart {
    /// How often the client pings, if it does, and by which frame.
    pub(super) fn beats(&self) -> Option<(Duration, String)> {
        let ping = self.ping.as_ref().filter(|ping| ping.answers.is_none())?;
        let mut frame = String::new();
        ping.send.fill(&self.known, &mut frame).ok()?;
        Some((ping.every, frame))
    }

    /// The answer to this frame, if it is a ping of the server.
    pub(super) fn answer(&self, frame: &str) -> Option<String> {
        let ping = self.ping.as_ref()?;
        let mut known = self.known.clone();
        if !ping.answers.as_ref()?.fits(frame, &mut known) {
            return None;
        }
        let mut pong = String::new();
        ping.send.fill(&known, &mut pong).ok().map(|()| pong)
    }
}

/// A request that is answered over the socket, by what finds its question: a list or a send if there
/// is one, for these harm nobody.
pub(super) fn answered(spec: &Spec) -> Option<(&Step, &Shape)> {
    let numbered = |step: &&Step| {
        let mut all = step.yes.iter().chain(&step.no);
        !step.is_unanswered() && all.all(|one| one.via == Via::Frame && one.correlated)
    };
    let of = |operation: Option<Operation>| {
        let fits = move |found: Operation| operation.is_none_or(|wanted| wanted == found);
        let deeds = spec.does.iter().filter(move |deed| fits(deed.operation));
        let steps = deeds.flat_map(|deed| deed.channels.first()?.steps.first());
        steps.filter(numbered).find_map(|step| match &step.request {
            Request::Frame { shape } => Some((step, shape)),
            _ => None,
        })
    };
    let wanted = [Some(Operation::List), Some(Operation::Send), None];
    wanted.into_iter().find_map(of)
}

/// What the heartbeat promises: how often a ping leaves, and how much longer a silence is borne.
pub(super) fn figures(spec: &Spec) -> Option<(Duration, Duration)> {
    let ping = spec.connect.ping.as_ref()?;
    ping.dead_after.map(|_| (ping.every, ping.patience()))
}
