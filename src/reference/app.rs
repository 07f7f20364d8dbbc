//! What a running server's two doors, sockets and HTTP, have in common.

use crate::reference::auth::Doorman;
use crate::reference::bugs::Bugs;
use crate::reference::desk::Desk;
use crate::reference::misbehave::Memory;
use crate::reference::model::*;
use crate::reference::play::Play;
use crate::scalar::Scalar;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) struct App {
    pub(crate) play: Arc<Play>,
    pub(crate) desk: Desk,
    pub(crate) doorman: Doorman,
    pub(crate) bugs: Bugs,
    pub(crate) last_connection: AtomicU64,
    /// Only for the bugs.
    pub(crate) memory: Mutex<Memory>,
}

impl App {
    pub(crate) fn next_connection(&self) -> Connection {
        self.last_connection.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who this is: whom the token names, or, where there are no tokens, who they say they are.
    pub(crate) fn admit(
        &self,
        token: Option<&Scalar>,
        claimed: Option<&Scalar>,
    ) -> Result<User, Refusal> {
        let refused = |missing| {
            let text = self.play.refused(missing);
            Refusal::new(RefusalKind::Unauthenticated, text)
        };
        if !self.doorman.wants_token() {
            return claimed.map(Scalar::id).ok_or_else(|| refused(true));
        }
        let token = token.ok_or_else(|| refused(true))?;
        let user = self.doorman.user(&token.text()).ok_or_else(|| refused(false))?;
        if claimed.is_some_and(|claimed| claimed.id() != user) {
            let text = "the token is somebody else's";
            return Err(Refusal::new(RefusalKind::Forbidden, text));
        }
        Ok(user)
    }
}
