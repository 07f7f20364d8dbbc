//! What the scenario's faults do to one client at the moment.

use crate::engine::link::Session;
use crate::history::Nanos;
use crate::scenario::{CutHow, FaultKind};
use crate::transport::Leave;

/// The faults that a client suffers, by their position in the scenario.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    active: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    index: usize,
    kind: FaultKind,
    /// A cut that waits for its moment.
    armed: bool,
    /// When the fault ends, on the run's clock.
    until: Nanos,
}

/// How the connection is dropped now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    how: CutHow,
    /// The client stays away until then.
    pub(super) until: Nanos,
}

impl Trouble {
    /// A fault begins; says whether the connection is dropped at once.
    pub(super) fn begin(&mut self, index: usize, kind: FaultKind, until: Nanos) -> Option<Cut> {
        let (now, armed) = match kind {
            FaultKind::Cut { how, on_message: false } => (Some(Cut { how, until }), false),
            FaultKind::Cut { on_message: true, .. } | FaultKind::CutAfterSend => (None, true),
            _ => (None, false),
        };
        self.active.push(Active { index, kind, armed, until });
        now
    }

    /// A fault ends.
    pub(super) fn end(&mut self, index: usize) {
        self.active.retain(|active| active.index != index);
    }

    /// All faults end; what they were.
    pub(super) fn clear(&mut self) -> Vec<FaultKind> {
        self.active.drain(..).map(|active| active.kind).collect()
    }

    pub(super) fn has(&self, index: usize) -> bool {
        self.active.iter().any(|active| active.index == index)
    }

    /// A message came in: a cut that waited for it happens now.
    pub(super) fn on_message(&mut self) -> Option<Cut> {
        self.fire(|kind| matches!(kind, FaultKind::Cut { on_message: true, .. }))
    }

    /// A send has left: a cut that waited for it happens as soon as the bytes are out.
    pub(super) fn after_send(&mut self) -> Option<Cut> {
        self.fire(|kind| matches!(kind, FaultKind::CutAfterSend))
    }

    fn fire(&mut self, fits: impl Fn(&FaultKind) -> bool) -> Option<Cut> {
        let active = self.active.iter_mut().find(|active| active.armed && fits(&active.kind))?;
        active.armed = false;
        let how = match active.kind {
            FaultKind::Cut { how, .. } => how,
            _ => CutHow::Rst,
        };
        Some(Cut { how, until: active.until })
    }

    /// Acks do not reach the client.
    pub(super) fn withholds_acks(&self) -> bool {
        self.active.iter().any(|active| active.kind == FaultKind::WithholdAcks)
    }

    /// The client neither reads nor writes.
    pub(super) fn silent(&self) -> bool {
        self.active.iter().any(|active| active.kind == FaultKind::Silence)
    }

    /// What is missing or late now is the harness's doing.
    pub(super) fn excuses(&self) -> bool {
        self.withholds_acks() || self.silent()
    }
}

impl Cut {
    /// As the history says it.
    const fn name(self, session: &Session) -> &'static str {
        match self.how {
            _ if !session.can_break() => "disconnected, in place of a cut",
            CutHow::Rst => "cut by RST",
            CutHow::Fin => "cut by FIN",
            CutHow::CloseFrame => "cut by a close frame",
            CutHow::HalfFrame => "cut in the middle of a frame",
        }
    }

    /// Drops the connection; says how, as the history does.
    pub(super) async fn apply(self, mut session: Session) -> &'static str {
        let name = self.name(&session);
        let leave = match self.how {
            CutHow::Fin => Leave::Fin,
            CutHow::CloseFrame => Leave::CloseFrame(1001),
            CutHow::Rst => Leave::Reset,
            CutHow::HalfFrame => {
                if let Some(socket) = session.websocket() {
                    // The head of a masked text frame of 100 bytes, and two bytes of it.
                    let _ = socket.inject(&[0x81, 0xe4, 1, 2, 3, 4, b'4' ^ 1, b'2' ^ 2]).await;
                }
                Leave::Fin
            }
        };
        session.leave(leave).await;
        name
    }
}

/// A duration on the run's clock.
pub(super) fn nanos(duration: std::time::Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}
