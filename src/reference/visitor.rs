//! One connection's questions: understood, put to the desk, and answered in the manner of the bugs.
//!
//! It knows neither Socket.IO nor frames: whoever holds the socket hands over what came in, and a
//! way [`Back`].

use crate::reference::app::App;
use crate::reference::bugs::Bug;
use crate::reference::intake::{self, Intake, Mishap};
use crate::reference::limit::Seat;
use crate::reference::misbehave::{self, Manner};
use crate::reference::model::*;
use crate::reference::play::{Asked, Lines, Play, Reply};
use crate::reference::reception;
use crate::reference::stamp;
use crate::scalar::Scalar;
use compact_str::CompactString;
use std::sync::Arc;
use std::time::Duration;

/// The way back to who asked one question.
pub(crate) trait Back: Send + Sync + 'static {
    /// Gives the answer; by a bug, twice.
    fn say(&mut self, reply: &Reply);

    /// Whether the connection still stands.
    fn stays(&self) -> bool;

    /// Ends the connection.
    fn hang_up(&self);
}

/// What came in.
pub(crate) enum Question<'a> {
    /// A Socket.IO event: its array, and whether an acknowledgement is waited for.
    Event(&'a str, bool),
    /// A frame of a raw WebSocket.
    Frame(&'a str),
}

/// One connection's questions. When it is dropped, the connection departs.
pub(crate) struct Visitor {
    app: Arc<App>,
    caller: Caller,
    /// Ignores what is asked before, by a bug.
    deaf_until: i64,
    /// What let the connection in; looked at again where the spec says so.
    token: Option<CompactString>,
    /// The conversation that the socket is for, where each has its own.
    place: Option<Scalar>,
    /// Held for as long as the connection lasts.
    _seat: Seat,
}

impl Visitor {
    pub(crate) fn new(
        app: Arc<App>,
        caller: Caller,
        token: Option<CompactString>,
        place: Option<Scalar>,
        seat: Seat,
    ) -> Self {
        let deaf_until = if app.bugs.is_none() {
            0
        } else {
            app.memory().arrives(app.bugs, &caller.user, caller.arrived)
        };
        Self { app, caller, deaf_until, token, place, _seat: seat }
    }

    /// Hears what came in, and sees to its answer.
    pub(crate) fn hear(&self, question: &Question<'_>, back: impl Back) {
        let Some((asked, command)) = self.understand(question, &back) else { return };
        let token = self.token.as_ref().map(|token| Scalar::Text(token.clone()));
        if let Some(attended) = reception::serve(&self.app, &asked, token.as_ref()) {
            return answer_account(&self.app, &asked, attended, back);
        }
        let caller = Caller { arrived: stamp::now(), ..self.caller.clone() };
        if caller.arrived < self.deaf_until {
            return;
        }
        let attempt = match &command {
            Command::Send(send) if !self.app.bugs.is_none() => {
                self.app.memory().takes(self.app.bugs, send.key.as_ref())
            }
            _ => 0,
        };
        let asking = Asking {
            app: Arc::clone(&self.app),
            attempt,
            back,
            asked,
            user: caller.user.clone(),
            send: match &command {
                Command::Send(send) if !self.app.bugs.is_none() => Some(send.clone()),
                _ => None,
            },
        };
        let desk = self.app.desk.clone();
        if let Some(detour) = misbehave::detour(self.app.bugs, &command) {
            tokio::spawn(async move {
                let stays = || asking.back.stays();
                let outcome = misbehave::wander(&desk, caller, command, detour, stays).await;
                asking.answer(&outcome);
            });
        } else {
            desk.ask(caller, command, move |outcome| asking.answer(&outcome));
        }
    }

    /// What is asked, unless it is nothing, or a bug makes something else of it.
    fn understand(&self, question: &Question<'_>, back: &impl Back) -> Option<(Asked, Command)> {
        let (Question::Event(json, _) | Question::Frame(json)) = *question;
        let (play, bugs) = (&self.app.play, self.app.bugs);
        let coerced = intake::coerced(bugs, json);
        let json = coerced.as_deref().unwrap_or(json);
        let asked = self.asked(play, question, json);
        let mut command =
            asked.as_ref().map(|asked| match self.app.recheck(self.token.as_deref()) {
                Ok(()) => play.command(asked),
                Err(refusal) => Command::Refuse(refusal),
            });
        let awaited = !matches!(question, Question::Event(_, false));
        let intake = Intake { json, asked: asked.as_ref(), command: command.as_ref(), awaited };
        if let Some(mishap) = intake.mishap(bugs, play) {
            self.suffer(mishap, back);
            return None;
        }
        if let (Some(asked), Some(Command::Send(_))) = (&asked, &command)
            && let Some(refusal) = intake::surplus(bugs, json, &play.documented(asked))
        {
            command = Some(Command::Refuse(refusal));
        }
        asked.zip(command)
    }

    fn asked(&self, play: &Play, question: &Question<'_>, json: &str) -> Option<Asked> {
        match question {
            Question::Event(..) => play.event(json, Some(&self.caller.user)),
            Question::Frame(_) => play.frame(json, Some(&self.caller.user), self.place.as_ref()),
        }
    }

    fn suffer(&self, mishap: Mishap, back: &impl Back) {
        match mishap {
            Mishap::Silence => {}
            Mishap::HangUp => back.hang_up(),
            Mishap::Crash => self.app.desk.ask(self.caller.clone(), Command::Crash, drop),
        }
    }
}

/// Answers somebody who registers, logs in or out over a socket.
pub(crate) fn answer_account(
    app: &App,
    asked: &Asked,
    attended: Result<(Option<Reply>, Lines), Refusal>,
    mut back: impl Back,
) {
    let reply = match attended {
        Ok((reply, _)) => reply,
        Err(refusal) => app.play.answer(asked, &Err(refusal)),
    };
    if let Some(reply) = reply {
        back.say(&reply);
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        if let Some(connection) = self.caller.connection {
            self.app.desk.depart(connection);
        }
        if !self.app.bugs.is_none() {
            self.app.memory().departs(&self.caller.user);
        }
    }
}

/// A question that waits for its answer.
struct Asking<B> {
    app: Arc<App>,
    back: B,
    asked: Asked,
    user: User,
    /// What is sent; kept only for the bugs that answer badly.
    send: Option<Sending>,
    /// Its number among the attempts under its key; counted only for `ack-by-key`.
    attempt: u64,
}

impl<B: Back> Asking<B> {
    fn answer(mut self, outcome: &Result<Answer, Refusal>) {
        let too_many = outcome.as_ref().is_err_and(|no| no.kind == RefusalKind::TooMany);
        if too_many && self.app.bugs.has(Bug::RateDisconnects) && self.back.stays() {
            return self.back.hang_up();
        }
        let Some(reply) = self.app.play.answer(&self.asked, outcome) else {
            return;
        };
        let patience = self.app.play.spec().contract.ack_timeout;
        let manner =
            misbehave::manner(self.app.bugs, patience, &self.user, self.send.as_ref(), outcome);
        match manner {
            Manner::Once => self.back.say(&reply),
            Manner::Twice => {
                self.back.say(&reply);
                self.back.say(&reply);
            }
            Manner::Never => {}
            Manner::After(pause) => self.answer_later(reply, pause, false),
            Manner::IfLast(pause) => self.answer_later(reply, pause, true),
        }
    }

    fn answer_later(mut self, reply: Reply, pause: Duration, only_if_last: bool)
    where
        B: Back,
    {
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let key = self.send.as_ref().and_then(|send| send.key.as_ref());
            let memory = |key| self.app.memory().is_last(key, self.attempt);
            if !only_if_last || key.is_none_or(memory) {
                self.back.say(&reply);
            }
        });
    }
}
