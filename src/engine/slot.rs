//! The door to one client: what the shard wants of it, and how it stands.

use crate::client::Ask;
use crate::engine::people::Papers;
use crate::engine::salvo::Muster;
use crate::fault::{Fault, Server};
use crate::history::{ConversationId, Due, Nanos};
use crate::plan::Act;
use compact_str::CompactString;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

/// Acts that may wait for one client.
const WAITING: usize = 1_024;

/// What a client is told.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// Do what the plan says, planned for this time on the run's clock.
    Act(Nanos, Act),
    /// Ask for an operation, planned for this time, of which the documents may demand something.
    Ask(Nanos, Ask, Option<(Due, CompactString)>),
    /// Hold another credential.
    Hold(Box<Held>),
    /// Connect to this node, counted from 0, from the next time on.
    Move(usize),
    /// Go offline, until told to connect.
    Disconnect,
    /// A fault, told apart by its number, begins or ends.
    Suffer(Suffering),
    /// Take part in a conversation from now on.
    Enter(ConversationId),
    /// The faults are over, whatever the timeline still says.
    Heal,
    /// Read the whole history of a conversation, once more and for the judges.
    FinalRead(ConversationId),
    /// Prepare what follows, up to the muster, but let nothing of it leave.
    Load,
    /// What was prepared waits for the others, and for the hand that releases all.
    Muster(Muster),
    /// Leave politely and end.
    Leave,
}

/// Another credential.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Everything that requests need of the person, the credential included.
    pub(super) papers: Papers,
    /// What is special about it.
    pub(super) what: CompactString,
    /// The server must take it.
    pub(super) valid: bool,
    /// For so long, in nanoseconds; without: as long as the run lasts.
    pub(super) lasts: Option<Nanos>,
    /// It stands in the other place that the spec knows.
    pub(super) elsewhere: bool,
}

/// A fault of one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suffering {
    /// Its number among the faults of the run.
    pub(super) number: usize,
    /// What it is.
    pub(super) kind: Fault,
    /// It begins, or it ends.
    pub(super) begins: bool,
    /// When it ends, on the run's clock.
    pub(super) until: Nanos,
}

impl Suffering {
    /// What happens to the server happens to everybody, until it is over.
    pub(super) const fn of_server(number: usize, what: Server, begins: bool) -> Self {
        Self { number, kind: Fault::Server(what), begins, until: Nanos::MAX }
    }
}

/// One client's door.
#[derive(Debug, Default)]
pub(super) struct Slot {
    commands: RefCell<VecDeque<Command>>,
    /// Wakes the client while it waits for a command.
    bell: RefCell<Option<Waker>>,
    /// The client is in its conversations, synced, with nothing under way.
    pub idle: Cell<bool>,
    /// It has connected, or wants to.
    pub started: Cell<bool>,
    /// It was told to go offline.
    pub away: Cell<bool>,
    /// It is doing what it was told.
    pub working: Cell<bool>,
}

impl Slot {
    /// Tells the client; `false` if it is an act and too much waits for it already. What ends a
    /// run always gets through: it is little, and nothing would replace it.
    pub(super) fn tell(&self, command: Command) -> bool {
        let mut commands = self.commands.borrow_mut();
        if commands.len() >= WAITING && matches!(command, Command::Act(..) | Command::Ask(..)) {
            return false;
        }
        self.idle.set(false);
        commands.push_back(command);
        if let Some(waker) = self.bell.take() {
            waker.wake();
        }
        true
    }

    /// The client has done what it was told, though nothing of it may have been answered.
    pub(super) fn is_done(&self) -> bool {
        self.commands.borrow().is_empty() && !self.working.get()
    }

    /// The next command, if one waits.
    pub(super) fn next(&self) -> Option<Command> {
        let mut commands = self.commands.borrow_mut();
        let command = commands.pop_front();
        if commands.is_empty() {
            // Most clients are idle for most of the time.
            *commands = VecDeque::new();
        }
        self.working.set(command.is_some());
        command
    }

    /// Waits until a command is there.
    pub(super) fn poll_rung(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.commands.borrow().is_empty() {
            return Poll::Ready(());
        }
        let mut bell = self.bell.borrow_mut();
        if !bell.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *bell = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}
