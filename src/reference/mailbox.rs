//! Long polling: what a client without a socket is told waits in a mailbox until it is fetched.
//!
//! A mailbox is a connection: the first poll opens it, and it ends when no poll was under way for a
//! moment. A cursor names the mailbox, the last event that the client has, and the newest message
//! then: who comes back too late for the mailbox is told the messages since.

use crate::reference::app::App;
use crate::reference::bugs::{Bug, Bugs};
use crate::reference::desk::Coming;
use crate::reference::gullible::Door;
use crate::reference::hall::Wire;
use crate::reference::limit::Seat;
use crate::reference::model::*;
use crate::reference::play::{Item, Outgoing, Polled};
use crate::reference::stamp;
use crate::scalar::Scalar;
use crate::spec::Hole;
use compact_str::CompactString;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a client may take from one poll to the next.
const BETWEEN: Duration = Duration::from_secs(1);
/// Events that wait at most; a client that fetches none of so many is dropped.
const WAITING: usize = 8_192;

/// The mailboxes of a server.
#[derive(Default)]
pub(crate) struct Mailboxes {
    all: Mutex<FxHashMap<Connection, Arc<Mailbox>>>,
}

/// What waits for one client.
pub(crate) struct Mailbox {
    connection: Connection,
    user: User,
    /// What tells the client from the person's others: the token.
    device: CompactString,
    bugs: Bugs,
    state: Mutex<State>,
    bell: Notify,
    /// Held for as long as the mailbox is there.
    _seat: Seat,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(u64, Item)>,
    /// The number of the last event that came.
    last: u64,
    /// The newest message that was told, or was there before.
    newest: i64,
    /// Polls under way.
    polls: u32,
    /// How many polls there were.
    count: u64,
    /// The last event that was fetched twice; only by a bug.
    repeated: u64,
    ended: bool,
}

/// Where a client has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    connection: Connection,
    event: u64,
    message: i64,
}

/// A poll under way.
struct Poll {
    app: Arc<App>,
    mailbox: Arc<Mailbox>,
}

/// Answers a poll with a status and a body.
pub(crate) async fn answer(app: &Arc<App>, polled: Polled) -> (u16, String) {
    let (token, claimed) = (polled.bindings.get(Hole::TOKEN), polled.bindings.get(Hole::USER));
    let user = match (app.admit(token, claimed, Door::Socket), &polled.wrong) {
        (Err(refusal), _) => return app.play.poll_refused(&polled, &refusal),
        (_, Some(wrong)) => return app.play.poll_refused(&polled, wrong),
        (Ok(user), None) => user,
    };
    let cursor = polled.bindings.get(Hole::CURSOR).and_then(Cursor::parse);
    let device = app.device(token, &user);
    let known = cursor.and_then(|cursor| app.mailboxes.of(cursor.connection, &user));
    let fresh = known.is_none();
    let mailbox = match known {
        Some(mailbox) => mailbox,
        None => match open(app, user, device, cursor).await {
            Some(mailbox) => mailbox,
            None => return app.play.poll_refused(&polled, &stopping()),
        },
    };
    let poll = Poll::begin(app, mailbox);
    if let (false, Some(cursor)) = (fresh, cursor) {
        poll.mailbox.fetched(cursor.event);
        // It goes on waiting until there is something to tell, or the client wants to know.
        let _ = tokio::time::timeout(polled.holds, poll.mailbox.filled()).await;
    }
    match poll.mailbox.content() {
        Some((events, cursor)) => app.play.batch(&polled, &events, cursor.write()),
        None => app.play.poll_refused(&polled, &stopping()),
    }
}

/// Opens a mailbox, with what was missed since the cursor.
async fn open(
    app: &Arc<App>,
    user: User,
    device: CompactString,
    cursor: Option<Cursor>,
) -> Option<Arc<Mailbox>> {
    let seat = app.seat().ok()?;
    let connection = app.next_connection();
    let caller = Caller {
        user: user.clone(),
        chapter: app.doorman.chapter(&user),
        connection: Some(connection),
        node: app.node,
        device: device.clone(),
        arrived: stamp::now(),
    };
    let (state, bell) = (Mutex::default(), Notify::new());
    let mailbox =
        Arc::new(Mailbox { connection, user, device, bugs: app.bugs, state, bell, _seat: seat });
    let coming = Coming { only: None, since: cursor.map(|cursor| cursor.message) };
    let wire = Arc::<Mailbox>::clone(&mailbox);
    let newest = app.desk.arrive(caller, wire, coming).await?;
    let mut state = mailbox.lock();
    state.newest = state.newest.max(newest);
    drop(state);
    app.mailboxes.lock().insert(connection, Arc::clone(&mailbox));
    Some(mailbox)
}

fn stopping() -> Refusal {
    Refusal::new(RefusalKind::Busy, "the server is stopping")
}

impl Mailboxes {
    fn of(&self, connection: Connection, user: &User) -> Option<Arc<Mailbox>> {
        let mailbox = self.lock().get(&connection).cloned();
        mailbox.filter(|mailbox| mailbox.user == *user && !mailbox.lock().ended)
    }

    /// The connection on which a device polls.
    pub(crate) fn connection(&self, device: &CompactString) -> Option<Connection> {
        let all = self.lock();
        let own = all.values().filter(|mailbox| mailbox.device == *device);
        own.map(|mailbox| mailbox.connection).max()
    }

    /// Ends all of them.
    pub(crate) fn close(&self) {
        self.lock().drain().for_each(|(_, mailbox)| mailbox.hang_up());
    }

    fn lock(&self) -> MutexGuard<'_, FxHashMap<Connection, Arc<Mailbox>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client has everything up to this event.
    fn fetched(&self, last: u64) {
        let mut state = self.lock();
        let again = self.bugs.has(Bug::PollRepeats) && state.repeated < last;
        state.repeated = state.repeated.max(last);
        let again = |number, event: &Item| again && number == last && event.message > 0;
        state.waiting.retain(|(number, event)| *number > last || again(*number, event));
    }

    /// Waits until there is something in it.
    async fn filled(&self) {
        loop {
            let rung = self.bell.notified();
            if self.has_news() {
                return;
            }
            rung.await;
        }
    }

    fn has_news(&self) -> bool {
        let state = self.lock();
        state.ended || !state.waiting.is_empty()
    }

    /// What waits, and the cursor behind it; nothing if it has ended.
    fn content(&self) -> Option<(Vec<Item>, Cursor)> {
        let state = self.lock();
        let events = state.waiting.iter().map(|(_, event)| event.clone()).collect();
        let (connection, event, message) = (self.connection, state.last, state.newest);
        (!state.ended).then_some((events, Cursor { connection, event, message }))
    }
}

impl Wire for Mailbox {
    fn push(&self, event: &Outgoing) -> bool {
        let Outgoing::Item(event) = event else { return true };
        let mut state = self.lock();
        if state.ended || state.waiting.len() >= WAITING {
            return false;
        }
        let missed = event.message > 0 && state.polls == 0 && state.count > 0;
        if missed && self.bugs.has(Bug::PollEdgeLost) {
            return true;
        }
        state.last += 1;
        let number = state.last;
        state.newest = state.newest.max(event.message);
        state.waiting.push_back((number, Item::clone(event)));
        self.bell.notify_waiters();
        true
    }

    fn hang_up(&self) {
        self.lock().ended = true;
        self.bell.notify_waiters();
    }
}

impl Cursor {
    fn write(self) -> Scalar {
        let Self { connection, event, message } = self;
        format!("s{connection}_{event}_{message}").as_str().into()
    }

    fn parse(scalar: &Scalar) -> Option<Self> {
        let text = scalar.text();
        let mut numbers = text.strip_prefix('s')?.split('_');
        let cursor = Self {
            connection: numbers.next()?.parse().ok()?,
            event: numbers.next()?.parse().ok()?,
            message: numbers.next()?.parse().ok()?,
        };
        numbers.next().is_none().then_some(cursor)
    }
}

impl Poll {
    fn begin(app: &Arc<App>, mailbox: Arc<Mailbox>) -> Self {
        let mut state = mailbox.lock();
        state.polls += 1;
        state.count += 1;
        drop(state);
        Self { app: Arc::clone(app), mailbox }
    }
}

impl Drop for Poll {
    /// Unless there is another poll soon, the client is gone.
    fn drop(&mut self) {
        let mut state = self.mailbox.lock();
        state.polls -= 1;
        let (polls, count) = (state.polls, state.count);
        drop(state);
        let (Ok(runtime), 0) = (tokio::runtime::Handle::try_current(), polls) else { return };
        let (app, mailbox) = (Arc::clone(&self.app), Arc::clone(&self.mailbox));
        runtime.spawn(async move {
            tokio::time::sleep(BETWEEN).await;
            if mailbox.lock().count == count {
                mailbox.hang_up();
                app.mailboxes.lock().remove(&mailbox.connection);
                app.desk.depart(mailbox.connection);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = Cursor { connection: 3, event: 0, message: 17 };
        assert_eq!(Cursor::parse(&cursor.write()), Some(cursor));
        for text in ["", "s", "s1_2", "s1_2_3_4", "1_2_3", "s1_2_x"] {
            assert_eq!(Cursor::parse(&text.into()), None, "{text}");
        }
    }
}
