//! What the judges need to know of a server: its promises, its documented ways and figures.

use crate::history::Nanos;
use crate::operation::{Operation, Sight};
use crate::property::Page;
use crate::spec::{
    Contract, Create, Dedup, DedupBy, Deed, Echo, Hole, Join, Limits, Ordering, PageEdges, Promise,
    Pushed, Receipts, RepeatAnswer, Request, Sanitise, Scope, Spec, Step, TokenCheck, Traits, Via,
};
use std::time::Duration;

/// The part of a spec that judges read.
#[derive(Clone, Debug)]
pub struct Charge {
    /// How the server works.
    pub traits: Traits,
    /// What the documented client does.
    pub contract: Contract,
    /// What the server accepts.
    pub limits: Limits,
    /// What it promises.
    pub promises: Vec<Promise>,
    /// A send is answered at all.
    pub answers: bool,
    /// The whole history can be read.
    pub history: bool,
    /// Who comes back says how far they had come, and is told the rest.
    pub resumes: bool,
    /// Operations that go over HTTP: each request shows its own credential.
    pub requests: Vec<Operation>,
    /// The channels of a send, by name, and whether each goes over HTTP.
    pub channels: Vec<(String, bool)>,
    /// Over some channel nothing answers a send but its own message, which comes back.
    pub answers_by_echo: bool,
    /// Somebody is told who read a message.
    pub tells_receipts: bool,
    /// Somebody is told how far a message has come.
    pub tells_status: bool,
    /// Those who read messages are shown how far each has come.
    pub reads_status: bool,
    /// Clients say that a message arrived; where they cannot, a server may know by itself.
    pub says_delivered: bool,
    /// Clients can ask how many messages are unread.
    pub counts_unread: bool,
    /// Clients can ask who their contacts are.
    pub lists_contacts: bool,
    /// Pushed messages name their conversation.
    pub names_conversation: bool,
    /// A client says itself that it stopped typing.
    pub typing_stops: bool,
    /// What a client can see without asking.
    pub sees: Vec<Sight>,
    /// What a client can do.
    pub does: Vec<Operation>,
}

impl Charge {
    /// The charge against the server of this spec.
    #[must_use]
    pub fn of(spec: &Spec) -> Self {
        let sees = |sight| spec.sees.iter().filter(move |pushed| pushed.sight == sight);
        let names = |pushed: &Pushed| {
            pushed.reception.shape.holes().iter().any(|(hole, _)| *hole == Hole::CONVERSATION)
        };
        let send = spec.deed(Operation::Send).and_then(|deed| deed.channels.first());
        Self {
            traits: spec.traits.clone(),
            contract: spec.contract.clone(),
            limits: spec.limits.clone(),
            promises: spec.promises.iter().map(|promise| cited(promise, spec)).collect(),
            answers: send.is_some_and(|send| send.steps.iter().any(|step| !step.is_unanswered())),
            history: spec.deed(Operation::History).is_some(),
            resumes: spec.resumes(),
            requests: requests(spec),
            channels: channels(spec),
            answers_by_echo: answers_by_echo(spec),
            tells_receipts: sees(Sight::Receipt).next().is_some(),
            tells_status: sees(Sight::Status).next().is_some(),
            reads_status: reads_status(spec),
            says_delivered: spec.deed(Operation::Delivered).is_some(),
            counts_unread: spec.deed(Operation::Unread).is_some(),
            lists_contacts: spec.deed(Operation::Contacts).is_some(),
            names_conversation: sees(Sight::Message).all(names),
            typing_stops: spec.deed(Operation::TypingStop).is_some(),
            sees: spec.sees.iter().map(|pushed| pushed.sight).collect(),
            does: spec.does.iter().map(|deed| deed.operation).collect(),
        }
    }

    /// The server shows this to clients.
    #[must_use]
    pub fn sees(&self, sight: Sight) -> bool {
        self.sees.contains(&sight)
    }

    /// Clients can do this.
    #[must_use]
    pub fn does(&self, operation: Operation) -> bool {
        self.does.contains(&operation)
    }

    /// The promise of this property, if the server makes it.
    #[must_use]
    pub fn promise(&self, property: &str) -> Option<&Promise> {
        self.promises.iter().find(|promise| promise.property == property)
    }

    /// What is added to a bound of this property: the spec's figure, or else the page's.
    #[must_use]
    pub fn tolerance(&self, page: &Page) -> Duration {
        self.promise(page.id)
            .and_then(|promise| promise.tolerance)
            .or_else(|| page.tolerance.as_ref().map(|tolerance| tolerance.default))
            .unwrap_or_default()
    }

    /// Repetitions of a message are told by its key.
    #[must_use]
    pub fn tells_repeats(&self) -> bool {
        self.traits.dedup.as_ref().is_some_and(|dedup| dedup.by == DedupBy::Key)
    }

    /// This is asked over the connection, and its answer comes over it: a read always has one.
    #[must_use]
    pub fn answers_over_it(&self, operation: Operation) -> bool {
        (self.answers || operation != Operation::Send) && !self.requests.contains(&operation)
    }

    /// The longest a send may take on a connection that stays up: every attempt timing out, and
    /// the pauses between.
    #[must_use]
    pub fn budget(&self) -> Duration {
        let pauses: Duration = self.contract.retries.iter().sum();
        let attempts = u32::try_from(self.contract.retries.len() + 1).unwrap_or(u32::MAX);
        self.contract.ack_timeout.saturating_mul(attempts) + pauses
    }

    /// How long a judge remembers a message after the last thing that happened to it: long enough
    /// for every retry of the contract and a reconnection, at least a minute.
    pub(super) fn memory(&self) -> Nanos {
        nanos((self.budget() * 2).max(Duration::from_mins(1)))
    }
}

impl Default for Charge {
    /// A server with client message ids per person, answered acks, a history that can be read,
    /// every sight, and the contract's default figures; it promises nothing.
    fn default() -> Self {
        let order = Ordering {
            by: Hole::AT,
            live: false,
            pipelined: false,
            unique: false,
            gap_free: false,
        };
        Self {
            traits: Traits {
                dedup: Some(Dedup {
                    by: DedupBy::Key,
                    window: None,
                    scope: Scope::Person,
                    answer: RepeatAnswer::Same,
                }),
                order: Some(order),
                echo: Echo::All,
                join: Join::Explicit,
                sanitise: Sanitise::Verbatim,
                redelivery: true,
                create: Create::GetOrCreate,
                receipts: Receipts::Message,
                reader_told: false,
                typing_expires: None,
                token: TokenCheck::AtConnect,
                paging: PageEdges::Steady,
            },
            contract: Contract::default(),
            limits: Limits::default(),
            promises: Vec::new(),
            answers: true,
            history: true,
            resumes: false,
            requests: Vec::new(),
            channels: Vec::new(),
            answers_by_echo: false,
            tells_receipts: true,
            tells_status: false,
            reads_status: false,
            says_delivered: false,
            counts_unread: false,
            lists_contacts: false,
            names_conversation: true,
            typing_stops: true,
            sees: Sight::ALL.to_vec(),
            does: Operation::ALL.to_vec(),
        }
    }
}

fn channels(spec: &Spec) -> Vec<(String, bool)> {
    let channels = spec.deed(Operation::Send).into_iter().flat_map(|deed| &deed.channels);
    channels
        .map(|channel| {
            let http = channel.steps.first().is_some_and(Step::is_http);
            (channel.name.clone(), http)
        })
        .collect()
}

fn answers_by_echo(spec: &Spec) -> bool {
    let channels = spec.deed(Operation::Send).into_iter().flat_map(|deed| &deed.channels);
    let mut answers = channels.flat_map(|channel| &channel.steps).flat_map(|step| &step.yes);
    answers.any(|answer| answer.via == Via::Echo)
}

/// The operations whose first request goes over HTTP.
fn requests(spec: &Spec) -> Vec<Operation> {
    let over_http = |deed: &&Deed| {
        let step = deed.channels.first().and_then(|channel| channel.steps.first());
        step.is_some_and(|step| matches!(step.request, Request::Http(_)))
    };
    spec.does.iter().filter(over_http).map(|deed| deed.operation).collect()
}

fn reads_status(spec: &Spec) -> bool {
    let reads = [Operation::History, Operation::Sync];
    let deeds = reads.iter().filter_map(|operation| spec.deed(*operation));
    let steps = deeds.flat_map(|deed| &deed.channels).flat_map(|channel| &channel.steps);
    let mut holes = steps.flat_map(|step| &step.yes).flat_map(|yes| yes.shape.holes());
    holes.any(|(hole, _)| hole == Hole::STATUS)
}

/// A promise whose source names the document it stands in.
fn cited(promise: &Promise, spec: &Spec) -> Promise {
    let mut promise = promise.clone();
    if let Some(document) = &spec.document {
        promise.source = format!("“{document}”, {}", promise.source);
    }
    promise
}

/// A duration on the run's clock.
pub(super) fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_every_attempt_and_every_pause() {
        assert_eq!(Charge::default().budget(), Duration::from_secs(4 * 5 + 1 + 2 + 4));
        assert_eq!(Charge::default().memory(), 60_000_000_000);
    }
}
