//! Deeds of one step: who asks for something prepares it, and all of it is released as the script says,
//! at once or a little apart.

use super::Director;
use crate::engine::salvo::Salvo;
use crate::engine::slot::Command;
use crate::history::ClientId;
use crate::operation::Operation;
use crate::plan::script::{Deed, Pace, Verb};
use crate::spec::Step;
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

/// How long it may take to open the connections that requests over HTTP will leave by.
const WARM: Duration = Duration::from_millis(500);

/// What happens at one moment.
enum Shot<'a> {
    /// What this client has prepared leaves.
    Prepared(ClientId),
    /// The client is told only now.
    Told(&'a Deed),
}

impl Director<'_> {
    /// Everything in one step.
    pub(super) async fn together(&mut self, deeds: &[Deed]) {
        if let [deed] = deeds
            && deed.after.is_zero()
        {
            return self.deed(deed).await;
        }
        self.warm(deeds).await;
        let (mut salvo, shots) = self.load(deeds).await;
        salvo.gather().await;
        let mut start = None;
        let mut told = None;
        for (after, shot) in shots {
            let due = start.map_or_else(Instant::now, |start| start + after);
            if told.take().is_some_and(|before| before < after) {
                // Whoever was told comes before those who are due later, also when both are late.
                self.settle(&mut salvo);
                yield_now().await;
            }
            if Instant::now() < due {
                self.settle(&mut salvo);
                self.shard.clock.come_to(due).await;
            }
            let now = Instant::now();
            match shot {
                Shot::Prepared(client) => salvo.release(client, self.shard.clock.at(now)),
                Shot::Told(deed) => {
                    self.settle(&mut salvo);
                    self.deed(deed).await;
                    told = Some(after);
                }
            }
            start = start.or_else(|| now.checked_sub(after));
        }
        self.settle(&mut salvo);
    }

    fn settle(&self, salvo: &mut Salvo) {
        salvo.settle(&mut self.shard.recorder.borrow_mut());
    }

    /// Lets each client prepare what it asks for first; says what is to happen, in this order.
    async fn load<'d>(&mut self, deeds: &'d [Deed]) -> (Salvo, Vec<(Duration, Shot<'d>)>) {
        let mut order: Vec<&Deed> = deeds.iter().collect();
        order.sort_by_key(|deed| deed.after);
        let mut salvo = Salvo::new();
        let mut shots: Vec<(Duration, Shot<'d>)> = Vec::new();
        let mut loaded: Vec<(ClientId, Duration)> = Vec::new();
        for (index, deed) in order.iter().enumerate() {
            let client = self.cast.client(deed.by);
            let known = loaded.iter().find(|(other, _)| *other == client);
            let prepares = is_prepared(deed)
                && known.is_none_or(|(_, after)| *after == deed.after)
                && !order[..index].iter().any(|other| {
                    other.by == deed.by && (other.after < deed.after || !is_prepared(other))
                });
            if !prepares {
                shots.push((deed.after, Shot::Told(deed)));
                continue;
            }
            if known.is_none() {
                loaded.push((client, deed.after));
                shots.push((deed.after, Shot::Prepared(client)));
                self.tell(client, Command::Load);
            }
            self.deed(deed).await;
        }
        for (client, _) in loaded {
            let muster = salvo.expect(client);
            self.tell(client, Command::Muster(muster));
        }
        (salvo, shots)
    }

    /// Opens the connections for what will be asked over HTTP.
    async fn warm(&self, deeds: &[Deed]) {
        let by_http = deeds.iter().filter(|deed| self.is_over_http(deed)).count();
        if by_http > 0 {
            for node in &self.shard.nodes {
                // Whoever cannot be reached is found out by the requests.
                let _ = timeout(WARM, node.http.warm(by_http)).await;
            }
        }
    }

    fn is_over_http(&self, deed: &Deed) -> bool {
        let operation = match &deed.verb {
            Verb::Send { .. } | Verb::Burst { .. } => Operation::Send,
            Verb::Create { .. } => Operation::Create,
            Verb::Broadcast { .. } => Operation::Broadcast,
            Verb::Ask { operation, .. } => *operation,
            _ => return false,
        };
        let dialect = &self.shard.dialect;
        let route = dialect.route(operation, 0, deed.manner.via.as_deref());
        route.and_then(|route| dialect.at(route)).is_some_and(Step::is_http)
    }
}

/// It is a request, and nothing but a request.
const fn is_prepared(deed: &Deed) -> bool {
    matches!(
        deed.verb,
        Verb::Send { .. }
            | Verb::Burst { pace: Pace::AtOnce, .. }
            | Verb::Type { .. }
            | Verb::Create { .. }
            | Verb::Broadcast { .. }
            | Verb::Ask { .. }
    )
}
