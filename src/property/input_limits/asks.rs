//! What was asked: at a limit, oddly, or ordinarily after something odd; and on what connection.

use super::{Guard, KEPT, Textless};
use crate::history::{ClientId, ConversationId, Due, MessageRef, Nanos, OpId, Token};
use crate::operation::Operation;
use crate::plan::text::{self, Kind};
use crate::property::argument::{self, exhibit};
use crate::verdict::Exhibit;
use compact_str::{CompactString, format_compact};

/// So long after a fault its consequences may come.
const AFTERMATH: Nanos = 5_000_000_000;

/// An operation that is judged.
pub(super) struct Asked {
    pub(super) client: ClientId,
    pub(super) conversation: Option<ConversationId>,
    pub(super) demand: Demand,
    /// What is special about it, in words.
    pub(super) why: CompactString,
    /// The witness in its text; `None`: another text, or none.
    pub(super) token: Option<Token>,
    /// Its last attempt, and the connection it went out on.
    pub(super) sent: Nanos,
    pub(super) epoch: u32,
    pub(super) is_send: bool,
    pub(super) answered: bool,
}

/// What must become of an operation, and why it is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// It does not look as documented.
    Odd(Due),
    /// Its text is at the limit (to be taken) or beyond it (to be refused).
    Limit(Due),
    /// An ordinary message, sent after something odd.
    Ordinary,
}

/// The last odd request in a conversation.
pub(super) struct Odd {
    pub(super) op: OpId,
    pub(super) at: Nanos,
    pub(super) client: ClientId,
    pub(super) why: CompactString,
    /// Connections that were lost after it and have been told of.
    pub(super) told: bool,
}

/// A client's connection.
#[derive(Default)]
pub(super) struct Link {
    up: bool,
    pub(super) epoch: u32,
    faults: u32,
    fault_ended: Option<Nanos>,
    pub(super) garbage: Option<Nanos>,
}

impl Link {
    /// The connection is up, or not; says whether it was lost.
    pub(super) fn turn(&mut self, up: bool) -> bool {
        let lost = self.up && !up;
        self.epoch += u32::from(lost);
        self.up = up;
        lost
    }

    pub(super) fn fault(&mut self, begins: bool, at: Nanos) {
        if begins {
            self.faults += 1;
        } else {
            self.faults = self.faults.saturating_sub(1);
            self.fault_ended = Some(at);
        }
    }

    /// A fault may explain what happens to it.
    pub(super) fn is_troubled(&self, at: Nanos) -> bool {
        self.faults > 0 || self.fault_ended.is_some_and(|ended| at <= ended + AFTERMATH)
    }
}

impl Guard {
    pub(super) fn invoke(
        &mut self,
        client: ClientId,
        op: OpId,
        operation: Operation,
        conversation: Option<ConversationId>,
        message: Option<&MessageRef>,
    ) {
        let due = self.due.remove(&op);
        if let Some(&person) = self.people.get(&client)
            && operation == Operation::Send
        {
            self.sends.insert(op, person);
        }
        let member = conversation.is_none_or(|place| self.members.contains(&(client, place)));
        let token = message.map(|message| message.token);
        let (demand, why) = match (due, token) {
            (Some((due, why, true)), _) => (Demand::Odd(due), without_name(&why).into()),
            (Some((Due::Refused | Due::Harmless, ..)), Some(token))
                if !matches!(text::kind(token), Kind::Overlong) =>
            {
                return;
            }
            (_, Some(token)) if member => match self.limited(text::kind(token)) {
                Some((due, length)) => {
                    let why = format_compact!("sent \"{token}\", a text of {length} characters");
                    (Demand::Limit(due), why)
                }
                None if conversation.is_some_and(|place| self.odd.contains_key(&place)) => {
                    let key = message.map_or("", |message| &*message.key);
                    (Demand::Ordinary, argument::sent(token, key, 0).into())
                }
                None => return,
            },
            _ => return,
        };
        let is_send = operation == Operation::Send;
        let (sent, epoch, answered) = (0, 0, false);
        let asked =
            Asked { client, conversation, demand, why, token, sent, epoch, is_send, answered };
        self.asks.insert(op, asked);
    }

    /// What the limit of texts demands, and how long the text is.
    fn limited(&self, kind: Kind) -> Option<(Due, u32)> {
        let most = self.most?;
        match kind {
            Kind::Overlong => Some((Due::Refused, most + 1)),
            kind if kind.is_at_the_limit() => Some((Due::Accepted, most)),
            _ => None,
        }
    }

    pub(super) fn attempt(&mut self, at: Nanos, op: OpId, number: u32) {
        if let (Some(pace), Some(&person)) = (&mut self.pace, self.sends.get(op)) {
            pace.sent(person, op, number, at);
        }
        let Some(asked) = self.asks.get_mut(op) else { return };
        asked.sent = at;
        asked.epoch = self.links.get(&asked.client).map_or(0, |link| link.epoch);
        if let Some(token) = asked.token {
            self.refused.remove(&token);
        }
        if let (Demand::Odd(_), Some(place)) = (asked.demand, asked.conversation) {
            let (client, why) = (asked.client, asked.why.clone());
            self.odd.insert(place, Odd { op, at, client, why, told: false });
            if asked.is_send && asked.token.is_none() {
                let user = self.users.get(&client).cloned().unwrap_or_default();
                self.textless.entry(user).or_default();
            }
        }
    }

    /// What is known of the user's requests without a token, if this is one.
    pub(super) fn textless(&mut self, op: OpId) -> Option<&mut Textless> {
        let asked = self.asks.get(op).filter(|asked| asked.is_send && asked.token.is_none())?;
        let user = self.users.get(&asked.client)?;
        self.textless.get_mut(user)
    }

    /// Remembers that a request was refused: what it carried must not be seen.
    pub(super) fn keep_refused(&mut self, op: OpId, lines: Vec<Exhibit>) {
        let Some(asked) = self.asks.get(op).filter(|asked| asked.is_send) else { return };
        match asked.token {
            Some(token) if self.seen.contains(token) => {
                let (at, client) = (lines.last().map_or(0, |line| line.at), asked.client);
                self.appeared(at, client, lines);
            }
            Some(token) if self.refused.len() < KEPT => {
                self.refused.insert(token, lines);
            }
            Some(_) => {}
            None => {
                if let Some(textless) = self.textless(op).filter(|one| one.refused.len() < 20) {
                    textless.refused.extend(lines);
                }
            }
        }
    }
}

/// What is asked, without who asks: the line says that already.
fn without_name(why: &str) -> &str {
    let verbs = ["sends", "asks"];
    let at = verbs.iter().filter_map(|verb| why.find(&format!(" {verb} "))).min();
    at.map_or(why, |at| &why[at + 1..])
}

impl Asked {
    /// The request, as a line of an argument.
    pub(super) fn exhibit(&self) -> Exhibit {
        exhibit(self.sent, self.client, self.why.as_str())
    }
}
