//! Questions over a connection of their own, before the clients connect: a conversation that is made
//! over the socket, a person who registers or logs in there.

use crate::dialect::excerpt;
use crate::engine::link::{Arrival, Caller, Session};
use crate::engine::people::Papers;
use crate::engine::rest::Tap;
use crate::engine::setup;
use crate::engine::shard::Shard;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Spec, Step, Via};
use crate::transport::Leave;
use crate::wire::socket_io::Packet;
use tokio::time::timeout;

/// Why there is no yes to a question.
#[derive(Debug)]
pub(super) enum Denied {
    /// The server said no, in these words.
    No(String),
    /// It said nothing that the spec knows; why.
    Nothing(String),
}

/// A question, what is known of who asks, and what an answer must agree with.
pub(super) struct Question<'a> {
    pub(super) spec: &'a Spec,
    pub(super) step: &'a Step,
    /// What its holes are filled with.
    pub(super) sent: &'a Bindings,
    /// What an answer finds bound.
    pub(super) known: &'a Bindings,
    /// Its number among the questions of the connection, from 1.
    pub(super) number: u64,
}

/// Connects as the person of these bindings, asks, and hands back what the answer binds.
///
/// # Errors
/// There was no connection, no answer within the ack timeout, or a no; says which.
pub(super) async fn ask(shard: &Shard, step: &Step, papers: &Papers) -> Result<Bindings, String> {
    let spec = &shard.dialect.spec;
    let endpoint = &shard.nodes[0].endpoint;
    let opened = shard.approach.open(endpoint, spec, Caller::plain(papers)).await;
    let mut session = opened.map_err(|error| error.to_string())?;
    let tap = |arrow, packet| setup::note(shard, arrow, packet);
    let (sent, known) = (&papers.bindings, &papers.bindings);
    let question = Question { spec, step, sent, known, number: 1 };
    let answer = put(&mut session, &question, Some(&tap)).await;
    let _ = timeout(spec.connect.timeout, session.leave(Leave::Polite)).await;
    answer.map_err(|denied| match denied {
        Denied::No(error) => format!("a no: `{error}`"),
        Denied::Nothing(why) => why,
    })
}

/// Asks over an open connection; hands back what was known and what the answer binds.
///
/// # Errors
/// There was no answer within the ack timeout, or a no.
pub(super) async fn put(
    session: &mut Session,
    question: &Question<'_>,
    tap: Option<Tap<'_>>,
) -> Result<Bindings, Denied> {
    let Question { spec, step, sent, number, .. } = *question;
    let (Request::Emit { shape, .. } | Request::Frame { shape }) = &step.request else {
        return Err(Denied::Nothing("this request goes over HTTP".into()));
    };
    let sent = sent.clone().with(Hole::REQUEST, number as i64);
    let mut data = String::new();
    shape.fill(&sent, &mut data).map_err(|unbound| {
        Denied::Nothing(format!("`${}` has no value", spec.holes.name(unbound.0)))
    })?;
    let note = |packet: String| {
        if let Some(tap) = tap {
            tap("→", packet);
        }
    };
    let acked = step.yes.iter().chain(&step.no).any(|one| one.via == Via::Ack);
    let left = match &step.request {
        Request::Emit { .. } => {
            let number = acked.then_some(number);
            let asks = number.map_or_else(String::new, |number| number.to_string());
            note(format!("42{asks}{data}"));
            session.emit(number, &data)
        }
        _ => {
            note(data.clone());
            session.frame(sent.get(Hole::CONVERSATION), &data)
        }
    };
    left.map_err(|error| Denied::Nothing(error.to_string()))?;
    if step.is_unanswered() {
        let flushed = session.flush().await;
        flushed.map_err(|error| Denied::Nothing(error.to_string()))?;
        return Ok(question.known.clone());
    }
    timeout(spec.contract.ack_timeout, answer(session, question, tap))
        .await
        .unwrap_or_else(|_| Err(Denied::Nothing("no answer within the ack timeout".into())))
}

/// Waits for what answers the question. Nothing else is asked over this connection meanwhile, so the
/// first event that fits an answer is the answer.
async fn answer(
    session: &mut Session,
    question: &Question<'_>,
    tap: Option<Tap<'_>>,
) -> Result<Bindings, Denied> {
    let note = |packet: String| {
        if let Some(tap) = tap {
            tap("←", packet);
        }
    };
    loop {
        let answer = match session.recv().await {
            Arrival::Packet(received) => {
                note(format!("4{}", &**received.text()));
                let packet = received.packet();
                read(|via| carries(&packet, via, question.number), packet.data, question)
            }
            Arrival::Frame(text, _) => {
                note(text.to_string());
                read(|via| *via == Via::Frame, &text, question)
            }
            Arrival::Closed(why) => return Err(Denied::Nothing(format!("no answer: {why}"))),
            Arrival::Barred(_, why) => {
                return Err(Denied::Nothing(format!("no socket for it: {why}")));
            }
            Arrival::Event(_) | Arrival::Entered | Arrival::Ping | Arrival::Malformed(_) => None,
        };
        if let Some(answer) = answer {
            return answer;
        }
    }
}

fn carries(packet: &Packet<'_>, via: &Via, number: u64) -> bool {
    match via {
        Via::Ack => packet.kind.is_ack() && packet.ack == Some(number),
        Via::Event(name) => packet.kind.is_event() && packet.event_name().as_deref() == Some(name),
        _ => false,
    }
}

fn read(
    came: impl Fn(&Via) -> bool,
    json: &str,
    question: &Question<'_>,
) -> Option<Result<Bindings, Denied>> {
    let step = question.step;
    let known = question.known.clone().with(Hole::REQUEST, question.number as i64);
    for (yes, answers) in [(false, &step.limited), (false, &step.no), (true, &step.yes)] {
        for one in answers.iter().filter(|one| came(&one.via)) {
            let mut bindings = known.clone();
            if one.shape.fits(json, &mut bindings) {
                let error = || bindings.get(Hole::ERROR).map_or(excerpt(json), Scalar::id);
                return Some(match yes {
                    true => Ok(bindings.without(Hole::REQUEST)),
                    false => Err(Denied::No(error().into())),
                });
            }
        }
    }
    None
}
