//! The order of pushes, and of ties wherever they are seen.

use super::position::{at_place, earlier};
use super::{Claims, NEIGHBOURS, ONE_ORDER, Post, Sequence, Tie};
use crate::history::{Carrier, ClientId, ConversationId, Nanos, Order, Seen};
use crate::property::argument::{exhibit, violation};
use crate::property::recent::hash;
use smallvec::SmallVec;

impl Sequence {
    /// A push: it must not run backwards, where that is claimed; and ties are noted.
    #[expect(clippy::too_many_arguments, reason = "one sighting, taken apart once")]
    pub(super) fn stream(
        &mut self,
        at: Nanos,
        client: ClientId,
        conversation: ConversationId,
        post: Post,
        order: Order,
        seen: &Seen,
        claims: Claims,
    ) {
        if matches!(seen.by, Carrier::History(_)) {
            return;
        }
        let stream = self.streams.entry((client, conversation)).or_default();
        let epoch = self.epochs.get(&client).copied().unwrap_or_default();
        let live = (seen.by == Carrier::Live).then_some(epoch);
        let mut ties: SmallVec<[Post; 1]> = SmallVec::new();
        for (tied, known, by) in &stream.recent {
            if *known == post {
                return;
            }
            if *tied == order && live.is_some() && *by == live {
                ties.push(*known);
            }
        }
        if stream.recent.len() == NEIGHBOURS {
            stream.recent.pop_front();
        }
        stream.recent.push_back((order, post, live));
        if live.is_some() {
            let top = stream.top.filter(|(known, ..)| *known == epoch);
            if top.is_none_or(|(_, top, _)| top <= order) {
                stream.top = Some((epoch, order, post));
            }
            if let Some((_, top, before)) = top.filter(|_| claims.live) {
                self.backwards(at, client, seen, order, top, before);
            }
        }
        for first in ties {
            self.tie(at, client, first, post);
        }
    }

    fn backwards(
        &mut self,
        at: Nanos,
        client: ClientId,
        seen: &Seen,
        order: Order,
        top: Order,
        before: Post,
    ) {
        let repeated = seen
            .token
            .and_then(|token| self.sends.get(token))
            .is_none_or(|sent| sent.attempts > 1 || !sent.single);
        if repeated {
            return; // It may be a redelivery, which has its old place.
        }
        self.finding.observations += 1;
        if earlier(order, top) {
            let id = seen.id.as_deref().unwrap_or("?");
            let first = self.posts.get(before).map_or("?", |placed| placed.id.as_str());
            self.finding.violate(|| {
                let lines = vec![
                    exhibit(
                        at,
                        client,
                        format!("had been pushed the message {first} before, {}", at_place(top)),
                    ),
                    exhibit(
                        at,
                        client,
                        format!("was pushed the message {id}, {}", at_place(order)),
                    ),
                ];
                let therefore = "the stream of pushes ran backwards";
                violation("pushed out of order", lines, therefore, "pushes come in order")
            });
        }
    }

    /// Two posts with one position, in the order in which a client got them.
    pub(super) fn tie(&mut self, at: Nanos, client: ClientId, first: Post, second: Post) {
        let pair = hash(&(first.min(second), first.max(second)));
        let known = self.ties.entry(pair, || Tie { first, at, client, accused: false });
        if known.client != client || known.at != at {
            self.finding.observations += 1;
        }
        if known.first == first || std::mem::replace(&mut known.accused, true) {
            return;
        }
        let id = |post| self.posts.get(post).map_or("?", |placed| placed.id.as_str());
        let (one, two) = (id(first), id(second));
        self.finding.violate(|| {
            let lines = vec![
                exhibit(known.at, known.client, format!("got the message {two} before {one}")),
                exhibit(at, client, format!("got the message {one} before {two}")),
            ];
            let therefore = "two messages with equal positions are shown in two sequences";
            violation("ties are displayed differently", lines, therefore, ONE_ORDER)
        });
    }
}
