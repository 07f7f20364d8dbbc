//! The door to one client: what the shard wants of it, and how it stands.

use crate::history::{ConversationId, Nanos};
use crate::plan::Act;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use tokio::sync::Notify;

/// Acts that may wait for one client.
const WAITING: usize = 1_024;

/// What a client is told.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// Do what the plan says, planned for this time on the run's clock.
    Act(Nanos, Act),
    /// The faults are over, whatever the timeline still says.
    Heal,
    /// Read the whole history of a conversation, once more and for the judges.
    FinalRead(ConversationId),
    /// Leave politely and end.
    Leave,
}

/// One client's door.
#[derive(Debug, Default)]
pub(super) struct Slot {
    commands: RefCell<VecDeque<Command>>,
    bell: Notify,
    /// The client is in its conversations, synced, with nothing under way.
    pub idle: Cell<bool>,
    /// It has connected, or wants to.
    pub started: Cell<bool>,
}

impl Slot {
    /// Tells the client; `false` if it is an act and too much waits for it already. What ends a
    /// run always gets through: it is little, and nothing would replace it.
    pub(super) fn tell(&self, command: Command) -> bool {
        let mut commands = self.commands.borrow_mut();
        if commands.len() >= WAITING && matches!(command, Command::Act(..)) {
            return false;
        }
        self.idle.set(false);
        commands.push_back(command);
        self.bell.notify_one();
        true
    }

    /// The next command, if one waits.
    pub(super) fn next(&self) -> Option<Command> {
        self.commands.borrow_mut().pop_front()
    }

    /// Waits until a command may be there. Safe to cancel.
    pub(super) async fn rung(&self) {
        if self.commands.borrow().is_empty() {
            self.bell.notified().await;
        }
    }
}
