//! A Socket.IO session: namespaces, events, acknowledgements and attachments over Engine.IO.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tokio::time::timeout;

use super::closed::{Closed, Leave, SendError};
use super::endpoint::Endpoint;
use super::engine_io::{self, Mode, Session};
use super::error::{ConnectError, Phase};
use super::stream::Deadline;
use super::text::Text;
use super::websocket::Outgoing;
use crate::wire::WireError;
use crate::wire::attachments::{Assembled, Limits, Reassembler};
use crate::wire::engine_io::Kind as EngineKind;
use crate::wire::socket_io::{Kind, Layout, MAIN_NAMESPACE, Packet};

/// The most packets kept that arrive before the namespace is granted.
const EARLY_MAX: usize = 256;

/// How long the goodbye to a namespace may take.
const GOODBYE_WAIT: Duration = Duration::from_secs(1);

/// How to open a session.
#[derive(Debug, Clone)]
pub struct Options {
    /// How to open the Engine.IO session below; its timeout holds for the namespace as well.
    pub engine: engine_io::Options,
    /// The first namespace.
    pub namespace: String,
    /// The auth payload: JSON text of an object; `None` for none.
    pub auth: Option<String>,
    /// What the attachments of one packet may amount to.
    pub attachments: Limits,
}

impl Default for Options {
    /// The main namespace without auth.
    fn default() -> Self {
        Options {
            engine: engine_io::Options::default(),
            namespace: MAIN_NAMESPACE.to_owned(),
            auth: None,
            attachments: Limits::default(),
        }
    }
}

/// A received packet, with its attachments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    text: Text,
    layout: Layout,
    /// The attachments, in the order of their numbers.
    pub attachments: Vec<Bytes>,
}

impl Received {
    /// Reads a packet without attachments from its text, as it stands behind the Engine.IO digit.
    ///
    /// # Errors
    /// It is no packet.
    pub fn read(text: Text) -> Result<Received, WireError> {
        let layout = Layout::read(&text)?;
        Ok(Received { text, layout, attachments: Vec::new() })
    }

    /// The packet; borrows from what was received.
    #[must_use]
    pub fn packet(&self) -> Packet<'_> {
        self.layout.packet(&self.text)
    }

    /// The packet's text as it stood on the wire, without the Engine.IO digit.
    #[must_use]
    pub fn text(&self) -> &Text {
        &self.text
    }
}

/// What arrives in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A packet of any type; attachments included.
    Packet(Received),
    /// A ping of the server; it is answered already, unless answering is turned off.
    Ping,
    /// Something that is no packet; the session goes on, though official clients would hang up.
    Malformed(WireError),
    /// The session is no more; said again however often it is asked.
    Closed(Closed),
}

/// An open session with a granted namespace, used from one task.
#[derive(Debug)]
pub struct SocketIo {
    engine: Session,
    reassembler: Reassembler<(Text, Layout)>,
    early: VecDeque<Incoming>,
    namespace: Box<str>,
    grant: Box<str>,
}

impl SocketIo {
    /// Opens a session and asks for its first namespace.
    ///
    /// In [`Mode::Upgrade`] the namespace is asked for over polling and the session upgraded
    /// meanwhile, as browsers do.
    ///
    /// # Errors
    /// Why there is no session; [`ConnectError::ConnectRefused`] carries the server's reason.
    pub async fn open(endpoint: &Endpoint, options: &Options) -> Result<SocketIo, ConnectError> {
        let deadline = Deadline::after(options.engine.connect.timeout);
        let engine = Session::open_first(endpoint, &options.engine).await?;
        let mut session = SocketIo {
            engine,
            reassembler: Reassembler::new(options.attachments),
            early: VecDeque::new(),
            namespace: options.namespace.as_str().into(),
            grant: "".into(),
        };
        let asked = async {
            session.connect(&options.namespace, options.auth.as_deref())?;
            session.flush().await
        };
        let asked = deadline.hold(Phase::Namespace, asked).await?;
        if options.engine.mode == Mode::Upgrade && asked.is_ok() {
            session.engine.upgrade(endpoint, &options.engine).await?;
        }
        deadline.hold(Phase::Namespace, session.wait_for_grant()).await??;
        Ok(session)
    }

    /// The Engine.IO session below: its id, its switches, its WebSocket.
    pub fn engine(&mut self) -> &mut Session {
        &mut self.engine
    }

    /// The payload that granted the first namespace: JSON text, mostly `{"sid":"…"}`.
    #[must_use]
    pub fn grant(&self) -> &str {
        &self.grant
    }

    /// The id of this socket in its first namespace.
    #[must_use]
    pub fn socket_id(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Grant {
            sid: String,
        }
        serde_json::from_str::<Grant>(&self.grant).ok().map(|grant| grant.sid)
    }

    /// Waits for what arrives next, and sends meanwhile what was fed. Safe to cancel.
    pub async fn recv(&mut self) -> Incoming {
        match self.early.pop_front() {
            Some(early) => early,
            None => self.recv_late().await,
        }
    }

    /// Gives back what was received too early to be of use: it comes again, before all else.
    pub fn restore(&mut self, kept: Vec<Incoming>) {
        kept.into_iter().rev().for_each(|incoming| self.early.push_front(incoming));
    }

    /// Takes a packet to be sent, with its attachments. It leaves with [`SocketIo::flush`] or the
    /// next [`SocketIo::recv`].
    ///
    /// # Errors
    /// [`SendError::Full`] if the server does not read, [`SendError::Closed`].
    pub fn feed(&mut self, packet: &Packet<'_>, attachments: &[Bytes]) -> Result<(), SendError> {
        let mut text = String::with_capacity(packet.data.len() + packet.namespace.len() + 24);
        text.push(EngineKind::Message.digit());
        packet.encode(&mut text);
        self.engine.feed(Outgoing::text(text))?;
        for attachment in attachments {
            self.engine.feed(Outgoing::Binary(attachment.clone()))?;
        }
        Ok(())
    }

    /// Feeds an event of a namespace: a JSON array, its name first. With an id it asks for an
    /// answer.
    ///
    /// # Errors
    /// As [`SocketIo::feed`].
    pub fn emit(&mut self, namespace: &str, id: Option<u64>, data: &str) -> Result<(), SendError> {
        self.feed(&Packet { namespace, ack: id, data, ..Packet::bare(Kind::Event) }, &[])
    }

    /// Feeds the answer to an event: a JSON array.
    ///
    /// # Errors
    /// As [`SocketIo::feed`].
    pub fn answer(&mut self, namespace: &str, id: u64, data: &str) -> Result<(), SendError> {
        self.feed(&Packet { namespace, ack: Some(id), data, ..Packet::bare(Kind::Ack) }, &[])
    }

    /// Feeds the request for a further namespace; the answer arrives as a packet.
    ///
    /// # Errors
    /// As [`SocketIo::feed`].
    pub fn connect(&mut self, namespace: &str, auth: Option<&str>) -> Result<(), SendError> {
        let data = auth.unwrap_or_default();
        self.feed(&Packet { namespace, data, ..Packet::bare(Kind::Connect) }, &[])
    }

    /// Feeds the goodbye to a namespace.
    ///
    /// # Errors
    /// As [`SocketIo::feed`].
    pub fn disconnect(&mut self, namespace: &str) -> Result<(), SendError> {
        self.feed(&Packet { namespace, ..Packet::bare(Kind::Disconnect) }, &[])
    }

    /// Sends what was fed. Safe to cancel.
    ///
    /// # Errors
    /// [`SendError::Closed`].
    pub async fn flush(&mut self) -> Result<(), SendError> {
        self.engine.flush().await
    }

    /// Leaves the session; politely also means a goodbye to its first namespace, which is given
    /// some time to arrive.
    pub async fn leave(&mut self, how: Leave) {
        if how == Leave::Polite {
            let namespace = std::mem::take(&mut self.namespace);
            if self.disconnect(&namespace).is_ok() {
                // Sent on its own, as official clients do: a server that finds both goodbyes in
                // one payload acts on the lower one first.
                let _ = timeout(GOODBYE_WAIT, self.flush()).await;
            }
        }
        self.engine.leave(how).await;
    }

    /// What arrives next from the session below.
    async fn recv_late(&mut self) -> Incoming {
        loop {
            let assembled = match self.engine.recv().await {
                engine_io::Incoming::Text(text) => match Layout::read(&text) {
                    Ok(layout) => {
                        let attachments = layout.attachments;
                        self.reassembler.text((text, layout), attachments)
                    }
                    Err(error) => Err(error),
                },
                engine_io::Incoming::Binary(bytes) => self.reassembler.binary(bytes),
                engine_io::Incoming::Ping => return Incoming::Ping,
                engine_io::Incoming::Malformed(error) => Err(error),
                engine_io::Incoming::Closed(closed) => match self.reassembler.finish() {
                    Ok(()) => return Incoming::Closed(closed),
                    Err(error) => Err(error),
                },
            };
            match assembled {
                Ok(None) => {}
                Ok(Some(Assembled { text: (text, layout), attachments })) => {
                    return Incoming::Packet(Received { text, layout, attachments });
                }
                Err(error) => return Incoming::Malformed(error),
            }
        }
    }

    /// Waits until the first namespace is granted; what else arrives is kept.
    async fn wait_for_grant(&mut self) -> Result<(), ConnectError> {
        loop {
            let incoming = self.recv_late().await;
            match &incoming {
                Incoming::Packet(received) => {
                    let before = self.early.iter().filter(|one| matches!(one, Incoming::Packet(_)));
                    let before = before.count() as u32;
                    if let Some(grant) = granted(&received.packet(), &self.namespace, before)? {
                        self.grant = grant.into();
                        return Ok(());
                    }
                }
                Incoming::Malformed(error) => return Err(ConnectError::of_wire(error.clone())),
                Incoming::Closed(closed) => return Err(hung_up(closed)),
                Incoming::Ping => {}
            }
            if self.early.len() < EARLY_MAX {
                self.early.push_back(incoming);
            }
        }
    }
}

/// Whether a packet grants the namespace, and with what payload; so many came before it.
fn granted<'a>(
    packet: &Packet<'a>,
    namespace: &str,
    before: u32,
) -> Result<Option<&'a str>, ConnectError> {
    packet.check_granted().map_err(ConnectError::of_wire)?;
    let asked = Packet { namespace, ..*packet };
    if packet.namespace_path() != asked.namespace_path() {
        return Ok(None);
    }
    match packet.kind {
        Kind::Connect => Ok(Some(packet.data)),
        Kind::ConnectError => Err(ConnectError::ConnectRefused {
            namespace: namespace.to_owned(),
            payload: packet.data.to_owned(),
            before,
        }),
        _ => Ok(None),
    }
}

/// Why a session ended before its namespace was granted.
fn hung_up(closed: &Closed) -> ConnectError {
    match closed {
        Closed::HttpStatus { status, body } => {
            ConnectError::HttpStatus { status: *status, body: body.clone() }
        }
        _ => ConnectError::ClosedInHandshake { phase: Phase::Namespace },
    }
}
