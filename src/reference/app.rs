//! What a running server's two doors, sockets and HTTP, have in common.

use crate::reference::accounts::Accounts;
use crate::reference::auth::Doorman;
use crate::reference::bugs::{Bug, Bugs};
use crate::reference::desk::Desk;
use crate::reference::gullible::{self, Door};
use crate::reference::limit::{Seat, Seats};
use crate::reference::mailbox::Mailboxes;
use crate::reference::misbehave::Memory;
use crate::reference::model::*;
use crate::reference::play::Play;
use crate::scalar::Scalar;
use crate::spec::TokenCheck;
use compact_str::CompactString;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

pub(crate) struct App {
    pub(crate) play: Arc<Play>,
    pub(crate) desk: Desk,
    pub(crate) doorman: Doorman,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) bugs: Bugs,
    /// Which node this is.
    pub(crate) node: Node,
    /// Shared by all nodes.
    pub(crate) last_connection: Arc<AtomicU64>,
    /// Shared by all nodes.
    pub(crate) seats: Seats,
    pub(crate) mailboxes: Mailboxes,
    /// Turns true when the server goes down.
    pub(crate) closing: watch::Receiver<bool>,
    /// Only for the bugs.
    pub(crate) memory: Mutex<Memory>,
}

impl App {
    pub(crate) fn next_connection(&self) -> Connection {
        self.last_connection.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A seat for a connection.
    ///
    /// # Errors
    /// The house is full.
    pub(crate) fn seat(&self) -> Result<Seat, Refusal> {
        let full = || Refusal::new(RefusalKind::Busy, "too many connections");
        self.seats.take().ok_or_else(full)
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What tells a client from the person's others.
    pub(crate) fn device(&self, token: Option<&Scalar>, user: &User) -> CompactString {
        token.map_or_else(|| user.clone(), Scalar::id)
    }

    /// Who this is: whom the token names, or, where there are no tokens, who they say they are.
    pub(crate) fn admit(
        &self,
        token: Option<&Scalar>,
        claimed: Option<&Scalar>,
        door: Door,
    ) -> Result<User, Refusal> {
        let refused = |missing| {
            let text = match self.bugs.has(Bug::TokenWrongError) {
                true => "JsonWebTokenError: jwt malformed at verify (/srv/chat/auth.js:17)".into(),
                false => self.play.refused(missing),
            };
            Refusal::new(RefusalKind::Unauthenticated, text)
        };
        if !self.doorman.wants_token() {
            return claimed.map(Scalar::id).ok_or_else(|| refused(true));
        }
        let token = token.map(Scalar::text);
        let user = match token.as_deref().and_then(|token| self.doorman.user(token)) {
            Some(user) => user,
            None => self.believe(token.as_deref(), door).ok_or_else(|| refused(token.is_none()))?,
        };
        if !self.bugs.is_none() {
            self.doorman.remember(&user);
        }
        match claimed.map(Scalar::id).filter(|claimed| *claimed != user) {
            None => Ok(user),
            Some(claimed) if self.bugs.has(Bug::CookieShared) => Ok(claimed),
            Some(_) if door == Door::Http => {
                let text = "the token is somebody else's";
                Err(Refusal::new(RefusalKind::Forbidden, text))
            }
            Some(_) => Err(refused(false)),
        }
    }

    /// Where the spec says that each event needs a valid token: whether it still is.
    pub(crate) fn recheck(&self, token: Option<&str>) -> Result<(), Refusal> {
        let checks = self.play.spec().traits.token == TokenCheck::OnEachEvent
            && !self.bugs.has(Bug::TokenOutlived);
        match token {
            Some(token) if checks && self.doorman.user(token).is_none() => {
                let text = self.play.refused(false);
                Err(Refusal::new(RefusalKind::Unauthenticated, text))
            }
            _ => Ok(()),
        }
    }

    /// Whom a token names, verified or not.
    pub(crate) fn claimed(&self, token: Option<&Scalar>) -> Option<User> {
        gullible::claimed(&self.doorman, &token?.text())
    }

    /// Whom a doorman with a bug lets in.
    fn believe(&self, token: Option<&str>, door: Door) -> Option<User> {
        let believed = || gullible::believed(&self.doorman, self.bugs, token, door);
        if self.bugs.is_none() { None } else { believed() }
    }
}
