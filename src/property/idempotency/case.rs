//! One message, as the judge remembers it.

use crate::history::{ClientId, ConversationId, Key, Nanos, OpId, Token};
use crate::property::argument::Trail;
use crate::verdict::Exhibit;
use compact_str::CompactString;
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

/// One message.
pub(super) struct Case {
    pub(super) key: Key,
    pub(super) conversation: Option<ConversationId>,
    pub(super) ids: SmallVec<[CompactString; 1]>,
    pub(super) tries: SmallVec<[Try; 1]>,
    /// The clients that sent it.
    pub(super) senders: SmallVec<[ClientId; 4]>,
    pub(super) refusals: Vec<Try>,
    pub(super) acked: SmallVec<[(OpId, u32); 2]>,
    pub(super) first_seen: Option<Nanos>,
    /// The first clients it was pushed to, and over which of their connections.
    pub(super) pushed: SmallVec<[(ClientId, u32); 2]>,
    /// The texts it was sent with, and the only one when it was first acked.
    pub(super) texts: SmallVec<[Token; 2]>,
    pub(super) text: Option<Token>,
    pub(super) trail: Trail,
    /// Another message has its key or its text.
    pub(super) twin: bool,
    pub(super) counted: bool,
    /// The server may take its sends for several messages: they lie too far apart.
    pub(super) excused: bool,
    pub(super) accused: bool,
}

impl Case {
    pub(super) fn new(key: Key, conversation: Option<ConversationId>) -> Self {
        Self {
            key,
            conversation,
            ids: SmallVec::new(),
            tries: SmallVec::new(),
            senders: SmallVec::new(),
            refusals: Vec::new(),
            acked: SmallVec::new(),
            first_seen: None,
            pushed: SmallVec::new(),
            texts: SmallVec::new(),
            text: None,
            trail: Trail::default(),
            twin: false,
            counted: false,
            excused: false,
            accused: false,
        }
    }

    pub(super) fn exhibits(&self) -> Vec<Exhibit> {
        self.trail.exhibits(&self.key)
    }

    /// 1 when the message turns out to be a repeated one, or one of two that may be confounded, and
    /// left a trace.
    pub(super) fn repeated(&mut self) -> u64 {
        let trace = self.first_seen.is_some() || !self.acked.is_empty();
        let now = (self.tries.len() > 1 || self.twin) && trace && !self.counted;
        self.counted |= now;
        u64::from(now)
    }

    /// What was sent first had to be refused, and what may be stored was refused twice, too (once
    /// can have any reason).
    pub(super) fn is_burnt(&self, refusable: &FxHashSet<OpId>) -> bool {
        let owed = |one: &&Try| refusable.contains(&one.op);
        let undue = self.refusals.iter().filter(|one| !owed(one) && !one.crowded).count();
        self.tries.first().as_ref().is_some_and(owed) && undue == 2 && self.acked.is_empty()
    }

    /// Every attempt was refused, more than once (once can have any reason), and nothing came of it.
    pub(super) fn is_turned_away(&self, refusable: &FxHashSet<OpId>) -> bool {
        let undue = |one: &&Try| !refusable.contains(&one.op) && !one.crowded;
        let nothing = self.acked.is_empty() && self.first_seen.is_none();
        nothing
            && self.refusals.iter().filter(undue).count()
                > 1.max(self.tries.len().saturating_sub(1))
    }

    /// Some attempt was refused though the message was stored by another one: one that was acked
    /// and had begun before the refusal came, or one without an answer that made the message seen
    /// before the refused attempt was sent. (Where all were refused and the message is there all
    /// the same, the answers agree, and `at-least-once` judges what was stored.)
    pub(super) fn refused_a_repetition(&self, refusable: &FxHashSet<OpId>) -> bool {
        let acked = |one: &Try| self.acked.iter().any(|(op, attempt)| one.is(*op, *attempt));
        let refused = |one: &Try| self.refusals.iter().any(|no| one.is(no.op, no.attempt));
        let undue = |refusal: &&Try| !refusal.crowded && !refusable.contains(&refusal.op);
        self.refusals.iter().filter(undue).any(|refusal| {
            let others = || self.tries.iter().filter(|one| !one.is(refusal.op, refusal.attempt));
            let sent = self.tries.iter().find(|one| one.is(refusal.op, refusal.attempt));
            let seen = self.first_seen.zip(sent).is_some_and(|(seen, sent)| seen < sent.at);
            seen && others().any(|one| !refused(one))
                || others().any(|one| one.at < refusal.at && acked(one))
        })
    }
}

/// An attempt: when it began, or (for a refusal) when it was answered.
#[derive(Clone, Copy)]
pub(super) struct Try {
    pub(super) op: OpId,
    pub(super) attempt: u32,
    pub(super) at: Nanos,
    /// The person was at the documented rate.
    pub(super) crowded: bool,
}

impl Try {
    pub(super) fn is(&self, op: OpId, attempt: u32) -> bool {
        self.op == op && self.attempt == attempt
    }
}
