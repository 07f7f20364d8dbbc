//! The signals that ask the program to stop: Ctrl-C and SIGTERM.

use crate::cli::Failure;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// From its making on, these signals do not end the process: they are waited for here.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens, on the current runtime.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one. Safe to cancel.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
