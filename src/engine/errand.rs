//! One question over a connection of its own, before the clients connect: a conversation that is
//! made over the socket.

use crate::dialect::excerpt;
use crate::engine::link::{Arrival, Caller, Session};
use crate::engine::people::Papers;
use crate::engine::setup;
use crate::engine::shard::Shard;
use crate::scalar::Scalar;
use crate::spec::{Bindings, Hole, Request, Step, Via};
use crate::transport::Leave;
use crate::wire::socket_io::Packet;
use tokio::time::timeout;

/// Connects as the person of these bindings, asks, and hands back what the answer binds.
///
/// # Errors
/// There was no connection, no answer within the ack timeout, or a no; says which.
pub(super) async fn ask(shard: &Shard, step: &Step, papers: &Papers) -> Result<Bindings, String> {
    let bindings = papers.bindings.clone();
    let (Request::Emit { shape, .. } | Request::Frame { shape }) = &step.request else {
        return Err("this request goes over HTTP".into());
    };
    let spec = &shard.dialect.spec;
    let bindings = bindings.with(Hole::REQUEST, 1);
    let mut data = String::new();
    shape
        .fill(&bindings, &mut data)
        .map_err(|unbound| format!("`${}` has no value", spec.holes.name(unbound.0)))?;
    let endpoint = &shard.nodes[0].endpoint;
    let opened = shard.approach.open(endpoint, spec, Caller::plain(papers)).await;
    let mut session = opened.map_err(|error| error.to_string())?;
    let acked = step.yes.iter().chain(&step.no).any(|one| one.via == Via::Ack);
    let sent = match &step.request {
        Request::Emit { .. } => {
            setup::note(shard, "→", format!("42{}{data}", if acked { "1" } else { "" }));
            session.emit(acked.then_some(1), &data)
        }
        _ => {
            setup::note(shard, "→", data.clone());
            session.frame(bindings.get(Hole::CONVERSATION), &data)
        }
    };
    let answer = match sent {
        Err(error) => Err(error.to_string()),
        Ok(()) => timeout(spec.contract.ack_timeout, answer(shard, &mut session, step, bindings))
            .await
            .unwrap_or_else(|_| Err("no answer within the ack timeout".into())),
    };
    let _ = timeout(spec.connect.timeout, session.leave(Leave::Polite)).await;
    answer
}

/// Waits for what answers the question. Nothing else was asked over this connection, so the first
/// event that fits an answer is the answer.
async fn answer(
    shard: &Shard,
    session: &mut Session,
    step: &Step,
    bindings: Bindings,
) -> Result<Bindings, String> {
    loop {
        let answer = match session.recv().await {
            Arrival::Packet(received) => {
                setup::note(shard, "←", format!("4{}", &**received.text()));
                let packet = received.packet();
                read(|via| carries(&packet, via), packet.data, step, &bindings)
            }
            Arrival::Frame(text, _) => {
                setup::note(shard, "←", text.to_string());
                read(|via| *via == Via::Frame, &text, step, &bindings)
            }
            Arrival::Closed(why) => return Err(format!("no answer: {why}")),
            Arrival::Barred(_, why) => Some(Err(format!("no socket for it: {why}"))),
            Arrival::Event(_) | Arrival::Ping | Arrival::Malformed(_) => None,
        };
        if let Some(answer) = answer {
            return answer;
        }
    }
}

fn carries(packet: &Packet<'_>, via: &Via) -> bool {
    match via {
        Via::Ack => packet.kind.is_ack() && packet.ack == Some(1),
        Via::Event(name) => packet.kind.is_event() && packet.event_name().as_deref() == Some(name),
        _ => false,
    }
}

fn read(
    came: impl Fn(&Via) -> bool,
    json: &str,
    step: &Step,
    known: &Bindings,
) -> Option<Result<Bindings, String>> {
    for (yes, answers) in [(false, &step.limited), (false, &step.no), (true, &step.yes)] {
        for one in answers.iter().filter(|one| came(&one.via)) {
            let mut bindings = known.clone();
            if one.shape.fits(json, &mut bindings) {
                let error = || bindings.get(Hole::ERROR).map_or(excerpt(json), Scalar::id);
                return Some(if yes { Ok(bindings) } else { Err(format!("a no: `{}`", error())) });
            }
        }
    }
    None
}
