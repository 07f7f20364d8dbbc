//! What is said first over a socket: the server's welcome, and the client's login.

use super::answer::{reply, with_error};
use super::{Play, Reply, fill};
use crate::reference::accounts::Form;
use crate::reference::model::*;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Step};
use compact_str::ToCompactString;

/// The first message, which says who the client is.
pub(crate) struct Login<'a> {
    step: &'a Step,
    bindings: Bindings,
}

/// What who is let in is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct LetIn {
    pub(crate) user: User,
    pub(crate) token: Option<String>,
    /// The newest message there is.
    pub(crate) newest: i64,
}

impl Play {
    /// The first frame or event of the server, if it has one.
    pub(crate) fn greeting(&self) -> Option<String> {
        let welcome = self.spec.connect.welcome.as_ref()?;
        Some(fill(welcome, &self.spec.constants, &[]))
    }

    /// The first message as the spec has it, whether this is all of it or not; `known` is what the
    /// handshake said. `None`: the spec wants none, or another event.
    pub(crate) fn login(&self, json: &str, known: &Bindings) -> Option<Login<'_>> {
        let step = self.spec.connect.first.as_ref()?;
        let mut bindings = known.clone();
        let shape = match &step.request {
            Request::Emit { event, .. } if super::ask::event_name(json) != Some(event) => {
                return None;
            }
            Request::Emit { shape, .. } | Request::Frame { shape } => shape,
            Request::Http(_) => return None,
        };
        if !shape.fits(json, &mut bindings) {
            shape.glean(json, &mut bindings);
        }
        Some(Login { step, bindings })
    }

    /// Where somebody goes on who has everything up to this message.
    pub(super) fn cursor(&self, message: i64) -> Option<Scalar> {
        self.spec.resumes().then(|| format!("m{message}").as_str().into())
    }
}

impl Login<'_> {
    pub(crate) const fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// Name and password, where it says them.
    pub(crate) fn form(&self) -> Option<Form> {
        if !self.step.request.holes().contains(&Hole::PASSWORD) {
            return None;
        }
        let text = |hole| self.bindings.get(hole).map(Scalar::text);
        let user = text(Hole::USER);
        Some(Form {
            name: text(Hole::NAME).or_else(|| user.clone()).unwrap_or_default().into_owned(),
            password: text(Hole::PASSWORD).unwrap_or_default().into_owned(),
            user: user.map(|user| user.to_compact_string()),
        })
    }

    /// The message after which the client has missed something.
    pub(crate) fn since(&self) -> Option<i64> {
        self.bindings.get(Hole::CURSOR)?.text().strip_prefix('m')?.parse().ok()
    }

    /// What the client is told; `None`: nothing.
    pub(crate) fn answer(&self, play: &Play, outcome: Result<&LetIn, &Refusal>) -> Option<Reply> {
        match outcome {
            Ok(let_in) => {
                let mut frame =
                    self.bindings.without(Hole::CURSOR).with(Hole::USER, play.user(&let_in.user));
                if let Some(token) = &let_in.token {
                    frame.set(Hole::TOKEN, token.as_str());
                }
                if let Some(cursor) = play.cursor(let_in.newest) {
                    frame.set(Hole::CURSOR, cursor);
                }
                reply(&self.step.yes, 200, &frame, &[])
            }
            Err(refusal) => {
                let frame = with_error(self.bindings.clone(), refusal);
                reply(&self.step.no, refusal.kind.status(), &frame, &[])
            }
        }
    }
}
