//! What the scenario's faults do to one client at the moment.

use crate::scenario::{CutHow, FaultKind};
use crate::transport::Leave;
use crate::transport::socket_io::SocketIo;

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
}

/// How the connection is dropped now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut(CutHow);

impl Trouble {
    /// A fault begins; says whether the connection is dropped at once.
    pub(super) fn begin(&mut self, index: usize, kind: FaultKind) -> Option<Cut> {
        let (now, armed) = match kind {
            FaultKind::Cut { how, on_message: false } => (Some(Cut(how)), false),
            FaultKind::Cut { on_message: true, .. } | FaultKind::CutAfterSend => (None, true),
            _ => (None, false),
        };
        self.active.push(Active { index, kind, armed });
        now
    }

    /// A fault ends.
    pub(super) fn end(&mut self, index: usize) {
        self.active.retain(|active| active.index != index);
    }

    /// All faults end; their positions.
    pub(super) fn clear(&mut self) -> Vec<usize> {
        self.active.drain(..).map(|active| active.index).collect()
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
        Some(match active.kind {
            FaultKind::Cut { how, .. } => Cut(how),
            _ => Cut(CutHow::Rst),
        })
    }

    /// Acks do not reach the client.
    pub(super) fn withholds_acks(&self) -> bool {
        self.active.iter().any(|active| active.kind == FaultKind::WithholdAcks)
    }

    /// The client neither reads nor writes.
    pub(super) fn silent(&self) -> bool {
        self.active.iter().any(|active| active.kind == FaultKind::Silence)
    }

    /// A cut keeps the client away.
    pub(super) fn away(&self) -> bool {
        self.active.iter().any(|active| {
            let cuts = matches!(active.kind, FaultKind::Cut { .. } | FaultKind::CutAfterSend);
            cuts && !active.armed
        })
    }

    /// What is missing or late now is the harness's doing.
    pub(super) fn excuses(&self) -> bool {
        self.withholds_acks() || self.silent()
    }
}

impl Cut {
    /// As the history says it.
    pub(super) const fn name(self) -> &'static str {
        match self.0 {
            CutHow::Rst => "cut by RST",
            CutHow::Fin => "cut by FIN",
            CutHow::CloseFrame => "cut by a close frame",
            CutHow::HalfFrame => "cut in the middle of a frame",
        }
    }

    /// Drops the connection.
    pub(super) async fn apply(self, mut session: Box<SocketIo>) {
        let leave = match self.0 {
            CutHow::Fin => Leave::Fin,
            CutHow::CloseFrame => Leave::CloseFrame(1001),
            CutHow::Rst => Leave::Reset,
            CutHow::HalfFrame => {
                if let Some(socket) = session.engine().websocket() {
                    // The head of a masked text frame of 100 bytes, and two bytes of it.
                    let _ = socket.inject(&[0x81, 0xe4, 1, 2, 3, 4, b'4' ^ 1, b'2' ^ 2]).await;
                }
                Leave::Fin
            }
        };
        session.leave(leave).await;
    }
}
