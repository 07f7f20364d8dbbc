//! The order of sends: after an ack, and among those that one client pipelines.

use super::position::{at_place, earlier};
use super::{Claims, Floor, Sent, Sequence};
use crate::history::{ClientId, Nanos, Order, Token};
use crate::property::argument::{brief, exhibit, place, violation};
use crate::verdict::Violation;
use compact_str::CompactString;

impl Sequence {
    /// The message is acked and its position known: what is sent from now on comes after it.
    pub(super) fn raise(&mut self, token: Token, order: Order) {
        let Some(sent) = self.sends.get(token) else { return };
        let Some((acked, _)) = sent.acked else { return };
        let floor = Floor { order, token, client: sent.client, acked };
        let known = self.floors.entry(sent.conversation).or_insert(floor);
        if earlier(known.order, order) {
            *known = floor;
        }
    }

    /// A new post of a message of this run: real-time order, and order of pipelined sends.
    pub(super) fn timed(
        &mut self,
        at: Nanos,
        client: ClientId,
        token: Token,
        id: Option<&CompactString>,
        order: Order,
        claims: Claims,
    ) {
        let Some(sent) = self.sends.get_mut(token) else { return };
        let acked_id = sent.acked.as_ref().map(|(_, id)| id.as_ref());
        let is_acked = match acked_id {
            Some(Some(acked)) => Some(acked) == id,
            Some(None) => sent.single && sent.attempts == 1,
            None => false,
        };
        if sent.order.is_none() && sent.single {
            sent.order = Some(order);
        }
        if let Some(floor) = sent.floor
            && sent.single
            && !sent.accused
        {
            self.finding.observations += 1;
            if earlier(order, floor.order) || claims.unique && order == floor.order {
                sent.accused = true;
                let sent = &*sent;
                self.finding.violate(|| too_early(sent, &floor, token, at, client, order));
            }
        }
        if is_acked {
            self.raise(token, order);
        }
        self.pipelined(token, claims);
    }

    /// Something became known of a message: now it may be compared with its neighbours.
    pub(super) fn pipelined(&mut self, token: Token, claims: Claims) {
        if !claims.pipelined {
            return;
        }
        let after = self.sends.get(token).and_then(|sent| sent.after);
        for second in [Some(token), after].into_iter().flatten() {
            self.neighbours(second, claims);
        }
    }

    /// Two sends of one client over one connection, acked at the first attempt, positions known.
    fn neighbours(&mut self, token: Token, claims: Claims) {
        let Some(second) = self.sends.get(token) else { return };
        let Some(before) = second.before else { return };
        let Some(first) = self.sends.get(before) else { return };
        let clean = |sent: &Sent| sent.single && sent.attempts == 1 && sent.acked.is_some();
        let (Some(one), Some(two)) = (first.order, second.order) else { return };
        if !clean(first) || !clean(second) {
            return;
        }
        self.finding.observations += 1;
        if earlier(two, one) || claims.unique && one == two {
            self.finding.violate(|| {
                let words = |token: Token, sent: &Sent, order| {
                    let text = format!(
                        "sent \"{token}\" as key {}; its position is {order}",
                        brief(&sent.key)
                    );
                    exhibit(sent.at, sent.client, text)
                };
                let lines = vec![words(before, first, one), words(token, second, two)];
                let therefore = "two sends over one connection changed places";
                let but = "what one client sends in sequence stays in sequence";
                violation("pipelined sends reordered", lines, therefore, but)
            });
        }
        if let Some(second) = self.sends.get_mut(token) {
            second.before = None;
        }
    }
}

fn too_early(
    sent: &Sent,
    floor: &Floor,
    token: Token,
    at: Nanos,
    client: ClientId,
    order: Order,
) -> Violation {
    let acked = format!("had the ack of \"{}\", {}", floor.token, at_place(floor.order));
    let later =
        format!("sent \"{token}\" as key {} into {}", brief(&sent.key), place(sent.conversation));
    let lines = vec![
        exhibit(floor.acked, floor.client, acked),
        exhibit(sent.at, sent.client, later),
        exhibit(at, client, format!("saw \"{token}\", {}", at_place(order))),
    ];
    let therefore = "what was sent later does not stand later";
    let but = "what is sent after an ack comes after what was acked";
    violation("sent later, ordered earlier", lines, therefore, but)
}
