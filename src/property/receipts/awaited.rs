//! What senders have still to hear, and when it is too late for that.

use super::known::{Claim, Known, Message, Rank};
use super::said;
use crate::history::{ClientId, Nanos, OpId, PersonId};
use crate::property::Charge;
use crate::property::argument::{exhibit, span, violation};
use crate::property::charge::nanos;
use crate::verdict::Finding;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// What a member said, until the devices of the message's sender have heard of it.
pub(super) struct Awaited {
    tells_receipts: bool,
    tells_status: bool,
    /// So long it is waited at least, before silence means anything.
    patience: Nanos,
    /// After so long in which nothing else went wrong it is never.
    keep: Nanos,
    /// By the client that has to hear, and the message.
    open: FxHashMap<(ClientId, u64), Vec<Await>>,
    queue: VecDeque<(Nanos, ClientId, u64)>,
    count: usize,
    /// How long the generator stalled so far.
    stalled: Nanos,
    now: Nanos,
    doubts: u64,
}

struct Await {
    at: Nanos,
    op: OpId,
    claim: Claim,
    stalled: Nanos,
}

impl Awaited {
    pub(super) fn new(charge: &Charge) -> Self {
        Self {
            tells_receipts: charge.tells_receipts,
            tells_status: charge.tells_status,
            patience: nanos(charge.contract.ack_timeout),
            keep: charge.memory(),
            open: FxHashMap::default(),
            queue: VecDeque::new(),
            count: 0,
            stalled: 0,
            now: 0,
            doubts: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// This server has a way to tell what was said. A status is told when it is reached, by the
    /// first who says so.
    pub(super) const fn is_told(&self, claim: &Claim, message: &Message) -> bool {
        let first = match claim.rank {
            Rank::Read => message.read == 1,
            _ => message.read + message.delivered == 1,
        };
        match claim.rank {
            Rank::Read if self.tells_receipts => true,
            _ => self.tells_status && !self.tells_receipts && first,
        }
    }

    pub(super) fn add(&mut self, at: Nanos, op: OpId, watcher: ClientId, claim: &Claim) {
        let (key, claim) = ((watcher, claim.message), claim.clone());
        self.queue.push_back((at, key.0, key.1));
        self.open.entry(key).or_default().push(Await { at, op, claim, stalled: self.stalled });
        self.count += 1;
    }

    /// A client was told that this person read a message, and with it what it covers.
    pub(super) fn heard_receipt(
        &mut self,
        client: ClientId,
        message: u64,
        person: Option<PersonId>,
        known: &Known,
    ) {
        let theirs = |it: &Await| Some(it.claim.person) == person;
        self.close((client, message), theirs);
        if !known.counts() {
            self.cancel(|watcher, it| {
                watcher == client && theirs(it) && known.covers(message, it.claim.message)
            });
        }
    }

    /// A client was told how far a message has come.
    pub(super) fn heard_status(&mut self, client: ClientId, message: u64, rank: Rank) {
        if !self.tells_receipts {
            self.close((client, message), |it| it.claim.rank <= rank);
        }
    }

    fn close(&mut self, key: (ClientId, u64), done: impl Fn(&Await) -> bool) {
        let Some(list) = self.open.get_mut(&key) else { return };
        let before = list.len();
        list.retain(|it| !done(it));
        self.count -= before - list.len();
        if list.is_empty() {
            self.open.remove(&key);
        }
    }

    /// The operation may not have reached the server.
    pub(super) fn cancel_op(&mut self, op: OpId) {
        self.cancel(|_, it| it.op == op);
    }

    /// This client lost its connection or suffers a fault: it need not hear, and what it said in
    /// the last seconds may not have arrived.
    pub(super) fn cancel_client(&mut self, now: Nanos, client: ClientId) {
        let patience = self.patience;
        let fresh = |it: &Await| it.at.saturating_add(patience) > now;
        self.cancel(|watcher, it| watcher == client || it.claim.client == client && fresh(it));
    }

    fn cancel(&mut self, cancelled: impl Fn(ClientId, &Await) -> bool) {
        if self.count == 0 {
            return;
        }
        self.open.retain(|(watcher, _), list| {
            list.retain(|it| !cancelled(*watcher, it));
            !list.is_empty()
        });
        self.count = self.open.values().map(Vec::len).sum();
    }

    /// The generator was late by so much.
    pub(super) fn lag(&mut self, nanos: Nanos) {
        self.stalled = self.stalled.saturating_add(nanos);
    }

    /// What nobody heard in all the time that a judge remembers will not be heard.
    pub(super) fn expire(&mut self, now: Nanos, known: &Known, finding: &mut Finding) {
        self.now = self.now.max(now);
        while let Some((at, client, message)) = self.queue.front().copied() {
            if at.saturating_add(self.keep) >= now {
                return;
            }
            self.queue.pop_front();
            self.judge((client, message), |it| it.at == at, known, finding);
        }
    }

    /// The history is over.
    pub(super) fn conclude(&mut self, known: &Known, finding: &mut Finding) {
        let mut keys: Vec<(ClientId, u64)> = self.open.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            self.judge(key, |_| true, known, finding);
        }
        if self.doubts > 0 {
            let text = "receipts were not heard while the generator was late itself";
            finding.doubts.push(format!("{} {text}", self.doubts));
        }
    }

    fn judge(
        &mut self,
        key: (ClientId, u64),
        due: impl Fn(&Await) -> bool,
        known: &Known,
        finding: &mut Finding,
    ) {
        let (late, rest): (Vec<Await>, Vec<Await>) =
            self.open.remove(&key).unwrap_or_default().into_iter().partition(due);
        self.count -= late.len();
        if !rest.is_empty() {
            self.open.insert(key, rest);
        }
        for it in late {
            let waited = self.now.saturating_sub(it.at);
            let stalled = self.stalled - it.stalled;
            if waited < self.patience {
                finding.count("receipts not awaited long enough", 1);
            } else if stalled.saturating_mul(10) >= waited {
                self.doubts += 1;
            } else {
                accuse(key.0, &it, waited, known, finding);
            }
        }
    }
}

fn accuse(watcher: ClientId, it: &Await, waited: Nanos, known: &Known, finding: &mut Finding) {
    finding.observations += 1;
    finding.violate(|| {
        let sent = known.message(it.claim.message).map_or(it.at, |message| message.at);
        let id = &it.claim.id;
        let own = known.devices(it.claim.person).contains(&watcher);
        let there = match own {
            true => format!("had message {id}, on another device of the reader"),
            false => format!("had sent message {id}, or its other device had"),
        };
        let lines = vec![
            exhibit(sent, watcher, there),
            exhibit(it.claim.at, it.claim.client, said(&it.claim)),
        ];
        let therefore = format!(
            "client {} was connected for {} and never heard of it",
            watcher.0,
            span(waited)
        );
        if own {
            let but = "all devices of a person agree on what the person has read";
            return violation("the reader's other device never heard of it", lines, therefore, but);
        }
        let but = "the sender hears who has a message and who read it";
        violation("the sender never heard of a reader", lines, therefore, but)
    });
}
