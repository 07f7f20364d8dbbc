//! What clients send over a raw WebSocket, matched; and what the server says there first.

use super::ask::asked;
use super::{Asked, Play, fill};
use crate::reference::model::*;
use crate::reference::stamp;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Shape, Step};
use serde_json::Value;
use std::time::Duration;

/// The first frame, which says who the client is.
pub(crate) struct Login<'a> {
    step: &'a Step,
    bindings: Bindings,
}

impl Play {
    /// The question that a frame is; `place` is the conversation whose socket it came over. `None`:
    /// the spec knows no such frame.
    pub(crate) fn frame(&self, json: &str, user: &str, place: Option<&Scalar>) -> Option<Asked> {
        let mut start = self.spec.constants.clone().with(Hole::USER, self.user(user));
        if let Some(place) = place {
            start.set(Hole::CONVERSATION, place.clone());
        }
        let shape = |route| match &self.step(route).request {
            Request::Frame { shape } => Some(shape),
            _ => None,
        };
        let shapes = || self.frames.iter().filter_map(|route| Some((*route, shape(*route)?)));
        for (route, shape) in shapes() {
            let mut bindings = start.clone();
            if shape.fits(json, &mut bindings) {
                return Some(asked(route, bindings, None));
            }
        }
        let value: Value = serde_json::from_str(json).ok()?;
        let (route, shape) = shapes().find(|(_, shape)| is_meant(shape, &value))?;
        let mut bindings = start;
        let mismatch = shape.matches(json, &mut bindings).err()?;
        // The answer must find its question, whatever is wrong with it.
        shape.glean(json, &mut bindings);
        Some(asked(route, bindings, Some(Refusal::malformed(mismatch.to_string()))))
    }

    /// The first frame of the server, if it has one.
    pub(crate) fn greeting(&self) -> Option<String> {
        self.spec.connect.welcome.as_ref().map(|shape| fill(shape, &self.spec.constants, &[]))
    }

    /// The first frame as the spec has it, whether this is one or not; `known` is what the
    /// handshake said. `None`: the spec wants none.
    pub(crate) fn login(&self, json: &str, known: &Bindings) -> Option<Login<'_>> {
        let step = self.spec.connect.first.as_ref()?;
        let mut bindings = known.clone();
        if let Request::Frame { shape } = &step.request
            && !shape.fits(json, &mut bindings)
        {
            shape.glean(json, &mut bindings);
        }
        Some(Login { step, bindings })
    }

    /// The conversation that a socket is for.
    pub(crate) fn place(&self, place: &Scalar) -> Result<Conversation, Refusal> {
        self.ids
            .parse(place)
            .ok_or_else(|| Refusal::new(RefusalKind::NotFound, "there is no such conversation"))
    }

    /// What a handshake that is refused is told: the documented words, or an error.
    pub(crate) fn refusal(&self, text: &str) -> String {
        let told = |shape: &&Shape| fill(shape, &self.spec.constants, &[]).contains(text);
        let documented = self.spec.connect.refused.iter().find(told);
        match documented {
            Some(shape) => fill(shape, &self.spec.constants, &[]),
            None => serde_json::json!({ "error": text }).to_string(),
        }
    }

    /// The answer to the client's part of the heartbeat, if that is what the frame is.
    pub(crate) fn pong(&self, json: &str) -> Option<Option<String>> {
        let ping = self.spec.connect.ping.as_ref()?;
        let mut bindings = self.spec.constants.clone();
        let is_ping = ping.send.fits(json, &mut bindings);
        is_ping.then(|| ping.expect.as_ref().map(|shape| fill(shape, &bindings, &[])))
    }

    /// The server's ping, and how often it leaves, where it is the server that pings. Its holes are
    /// filled with the time, for the client only gives them back.
    pub(crate) fn ping(&self) -> Option<(String, Duration)> {
        let ping = self.spec.connect.ping.as_ref()?;
        let shape = ping.answers.as_ref()?;
        let mut bindings = self.spec.constants.clone();
        for (hole, _) in shape.holes() {
            if bindings.get(hole).is_none() {
                bindings.set(hole, Scalar::Int(stamp::now()));
            }
        }
        Some((fill(shape, &bindings, &[]), ping.every))
    }
}

impl Login<'_> {
    pub(crate) const fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// What the client is told; `None`: nothing.
    pub(crate) fn answer(&self, outcome: &Result<Scalar, Refusal>) -> Option<String> {
        let (shapes, bindings) = match outcome {
            Ok(user) => (&self.step.yes, self.bindings.clone().with(Hole::USER, user.clone())),
            Err(refusal) => {
                (&self.step.no, self.bindings.clone().with(Hole::ERROR, refusal.text.as_str()))
            }
        };
        shapes.first().map(|one| fill(&one.shape, &bindings, &[]))
    }
}

/// Whether a frame that does not fit says that it is one of these all the same.
fn is_meant(shape: &Shape, frame: &Value) -> bool {
    let mut constants = shape.constants().peekable();
    let Some(fields) = frame.as_object() else { return false };
    match constants.peek() {
        Some(_) => {
            constants.all(|(field, text)| fields.get(field).and_then(Value::as_str) == Some(text))
        }
        None => shape.fields().any(|field| fields.contains_key(field)),
    }
}
