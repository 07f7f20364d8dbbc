//! Moving a polling session to a WebSocket without losing what is under way.

use super::closed::Closed;
use super::endpoint::Endpoint;
use super::engine_io::{Link, Options, Session};
use super::error::{ConnectError, Phase};
use super::stream::Deadline;
use super::websocket::{Incoming, Outgoing, WebSocket};
use crate::wire::WireError;
use crate::wire::handshake::{Carrier, request_target};

/// The most packets that may arrive over polling while the WebSocket is made ready.
const ARRIVED_MAX: usize = 4096;

impl Session {
    /// Moves a polling session to a WebSocket: probes it, lets the requests under way end, and
    /// keeps what they bring. A session that has a WebSocket stays as it is.
    ///
    /// # Errors
    /// Why there is no WebSocket; the session is then best left.
    pub async fn upgrade(
        &mut self,
        endpoint: &Endpoint,
        options: &Options,
    ) -> Result<(), ConnectError> {
        let target =
            request_target(&options.path, &options.query, Carrier::WebSocket, Some(self.sid()));
        let Link::Polling(polling) = &mut self.link else {
            return Ok(());
        };
        if !self.offers_websocket {
            return Err(ConnectError::NoUpgradeOffered);
        }
        let deadline = Deadline::after(options.connect.timeout);
        let mut wanted = options.websocket();
        wanted.headers = polling.headers().clone();
        let probed = probe(endpoint, &target, &wanted, deadline);
        let probed = polling.while_polling(probed, ARRIVED_MAX).await;
        let mut socket = probed.map_err(lost)??;
        deadline.hold(Phase::Probe, polling.pause()).await?.map_err(lost)?;
        let fed = socket.feed(Outgoing::text("5"));
        fed.map_err(|_| ConnectError::ClosedInHandshake { phase: Phase::Probe })?;
        for outgoing in polling.take_unsent() {
            // The limit is the same as before; a socket that broke already says so when read.
            let _ = socket.feed(outgoing);
        }
        let _ = deadline.hold(Phase::Probe, socket.flush()).await?;
        self.backlog.append(&mut polling.arrived);
        self.link = Link::WebSocket(socket);
        Ok(())
    }
}

/// Opens a WebSocket for the session and sees whether it carries packets.
async fn probe(
    endpoint: &Endpoint,
    target: &str,
    options: &super::websocket::WebSocketOptions,
    deadline: Deadline,
) -> Result<WebSocket, ConnectError> {
    let mut socket = WebSocket::open_until(endpoint, target, options, deadline).await?;
    let closed = ConnectError::ClosedInHandshake { phase: Phase::Probe };
    let sent = deadline.hold(Phase::Probe, socket.send(Outgoing::text("2probe"))).await?;
    sent.map_err(|_| closed.clone())?;
    match deadline.hold(Phase::Probe, socket.recv()).await? {
        Incoming::Text(text) if text == "3probe" => Ok(socket),
        Incoming::Closed(_) => Err(closed),
        Incoming::Text(text) => Err(ConnectError::BadPacket(WireError::UnknownEngineIoType {
            offset: 0,
            piece: text.chars().take(48).collect(),
        })),
        Incoming::Binary(bytes) => {
            Err(ConnectError::BadPacket(WireError::UnannouncedAttachment { bytes: bytes.len() }))
        }
    }
}

/// A polling session that ended while it was being upgraded.
fn lost(closed: Closed) -> ConnectError {
    match closed {
        Closed::HttpStatus { status, body } => ConnectError::HttpStatus { status, body },
        Closed::Http(error) => error.into(),
        _ => ConnectError::ClosedInHandshake { phase: Phase::Probe },
    }
}
