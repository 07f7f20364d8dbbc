//! Why no connection came about, in words for the person at the keyboard.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::wire::{EngineIo3Sign, WireError};

/// The steps of making a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The host's name is looked up.
    Resolve,
    /// TCP connects.
    Tcp,
    /// TLS shakes hands.
    Tls,
    /// The HTTP request is answered.
    Response,
    /// The Engine.IO open packet arrives.
    OpenPacket,
    /// The probe of the WebSocket is answered.
    Probe,
    /// The namespace is granted.
    Namespace,
    /// The first frame of a raw WebSocket, or the first event, arrives.
    Welcome,
    /// The first message, which says who the client is, is answered.
    Login,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Resolve => "looking up the host",
            Phase::Tcp => "connecting",
            Phase::Tls => "the TLS handshake",
            Phase::Response => "waiting for the HTTP response",
            Phase::OpenPacket => "waiting for the open packet",
            Phase::Probe => "waiting for the answer to the probe",
            Phase::Namespace => "waiting for the namespace",
            Phase::Welcome => "waiting for the welcome",
            Phase::Login => "waiting for the answer to the login",
        })
    }
}

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectError {
    /// The host's name has no address.
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// Nobody listens there.
    Refused {
        /// Where nobody listens.
        address: SocketAddr,
    },
    /// The network does not lead there.
    Unreachable {
        /// Where it does not lead.
        address: SocketAddr,
        /// What the operating system said.
        reason: String,
    },
    /// This machine has no more files, ports or addresses to connect from.
    LocalLimit {
        /// What the operating system said.
        reason: String,
    },
    /// It took too long.
    TimedOut {
        /// What it was doing.
        phase: Phase,
        /// How long it was allowed to take, in all.
        after: Duration,
    },
    /// TLS failed.
    Tls {
        /// What went wrong.
        reason: String,
    },
    /// The server closed or reset the connection before it was made.
    ClosedInHandshake {
        /// What it was doing.
        phase: Phase,
    },
    /// The server answered the WebSocket request with something else than 101.
    NotWebSocket {
        /// The status of the response.
        status: u16,
        /// The beginning of its body.
        body: String,
    },
    /// The server answered 101, but not as the WebSocket protocol asks for.
    BadUpgrade {
        /// What is wrong.
        reason: &'static str,
    },
    /// The server answered the first polling request with an error.
    HttpStatus {
        /// The status of the response.
        status: u16,
        /// The beginning of its body.
        body: String,
    },
    /// What the server says is not HTTP.
    SpeaksSomethingElse {
        /// Its first bytes, escaped.
        first_bytes: String,
    },
    /// The server speaks Engine.IO 3.
    EngineIo3 {
        /// What gives it away.
        sign: EngineIo3Sign,
        /// The piece that shows it.
        piece: String,
    },
    /// The server speaks HTTP, but what it says is not Engine.IO or Socket.IO.
    BadPacket(WireError),
    /// The server offers no WebSocket to a polling session.
    NoUpgradeOffered,
    /// The server refused the namespace (CONNECT_ERROR).
    ConnectRefused {
        /// The namespace.
        namespace: String,
        /// The payload of the refusal: JSON text, mostly `{"message":"…"}`.
        payload: String,
        /// Packets that came before it.
        before: u32,
    },
    /// The server refused the first message, which says who the client is.
    LoginRefused {
        /// What it said: the beginning of a frame, an event or an acknowledgement.
        payload: String,
        /// Frames or events that came before it.
        before: u32,
    },
    /// What the server says when it lets in is not what the spec expects.
    NotWelcome {
        /// Where and how it differs.
        how: String,
    },
    /// What was asked for cannot be written into a request.
    Unsendable {
        /// What it is.
        what: &'static str,
    },
    /// A client that is not ours could not connect.
    OtherClient {
        /// What it says.
        reason: String,
    },
}

impl ConnectError {
    /// What a person could try.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            ConnectError::Dns { .. } => "check the host's name",
            ConnectError::Refused { .. } => "check the port, and that the server is running",
            ConnectError::Unreachable { .. } => "check the address and the network",
            ConnectError::LocalLimit { .. } => {
                "raise `ulimit -n`, or connect from several source addresses"
            }
            ConnectError::TimedOut { phase: Phase::Tcp | Phase::Resolve, .. } => {
                "check the address, and that no firewall drops the packets"
            }
            ConnectError::TimedOut { phase: Phase::Namespace, .. } => {
                "the server neither granted nor refused the namespace: check its name and the token"
            }
            ConnectError::TimedOut { phase: Phase::OpenPacket, .. } => {
                "this WebSocket does not speak Engine.IO: check the path, or use the raw `websocket` \
                 transport"
            }
            ConnectError::TimedOut { phase: Phase::Welcome | Phase::Login, .. } => {
                "nothing fits what the spec expects first: check `connect: welcome` and `first`"
            }
            ConnectError::ClosedInHandshake { phase: Phase::Welcome | Phase::Login } => {
                "the server hung up on the login: check the token"
            }
            ConnectError::NotWelcome { .. } => "check the spec's `connect: welcome`",
            ConnectError::LoginRefused { .. } => "check the token and the spec's `connect: first`",
            ConnectError::TimedOut { .. } => "the server accepts connections but does not answer",
            ConnectError::Tls { .. } => {
                "check the certificate and the host's name, or whether the server speaks plain text"
            }
            ConnectError::ClosedInHandshake { phase: Phase::Tls } => {
                "the server may not speak TLS on this port"
            }
            ConnectError::ClosedInHandshake { phase: Phase::Namespace } => {
                "the server hung up on the namespace request: check the token"
            }
            ConnectError::ClosedInHandshake { .. } => {
                "the server may speak TLS on this port, or be at its limit"
            }
            ConnectError::NotWebSocket { status: 401 | 403, .. }
            | ConnectError::HttpStatus { status: 401 | 403, .. } => "check the token",
            ConnectError::NotWebSocket { status: 404, .. }
            | ConnectError::HttpStatus { status: 404, .. } => "check the path",
            ConnectError::NotWebSocket { .. } => "check the path, and that it serves WebSockets",
            ConnectError::BadUpgrade { .. } => {
                "something between here and the server is in the way"
            }
            ConnectError::HttpStatus { .. } => "read what the server says in the body",
            ConnectError::SpeaksSomethingElse { .. } => {
                "this port does not speak HTTP: check the port, and `https` or `wss` for TLS"
            }
            ConnectError::EngineIo3 { .. } => {
                "a Socket.IO server of version 2 or older; turn on its successor's protocol (`EIO=4`)"
            }
            ConnectError::BadPacket(_) => "check the path, and that it serves Socket.IO",
            ConnectError::NoUpgradeOffered => "use the polling transport, or allow WebSockets",
            ConnectError::ConnectRefused { .. } => "check the token and the namespace",
            ConnectError::Unsendable { .. } => "remove spaces and control characters",
            ConnectError::OtherClient { .. } => {
                "without `--client` the reason is told more exactly"
            }
        }
    }

    /// Sorts an error of the packet codec: a server of another version, or no packet at all.
    pub(super) fn of_wire(error: WireError) -> ConnectError {
        match error {
            WireError::EngineIo3 { sign, piece } => ConnectError::EngineIo3 { sign, piece },
            other => ConnectError::BadPacket(other),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Dns { host, reason } => write!(f, "no address for `{host}`: {reason}"),
            ConnectError::Refused { address } => write!(f, "connection to {address} refused"),
            ConnectError::Unreachable { address, reason } => {
                write!(f, "{address} cannot be reached: {reason}")
            }
            ConnectError::LocalLimit { reason } => {
                write!(f, "this machine cannot open more connections: {reason}")
            }
            ConnectError::TimedOut { phase, after } => {
                write!(f, "timed out after {} ms while {phase}", after.as_millis())
            }
            ConnectError::Tls { reason } => write!(f, "TLS failed: {reason}"),
            ConnectError::ClosedInHandshake { phase } => {
                write!(f, "the server closed the connection while {phase}")
            }
            ConnectError::NotWebSocket { status, body } => {
                write!(f, "the server answered the WebSocket request with {status}: `{body}`")
            }
            ConnectError::BadUpgrade { reason } => {
                write!(f, "the server agreed to a WebSocket, but {reason}")
            }
            ConnectError::HttpStatus { status, body } => {
                write!(f, "the server answered with {status}: `{body}`")
            }
            ConnectError::SpeaksSomethingElse { first_bytes } => {
                write!(f, "the server does not speak HTTP, it begins with `{first_bytes}`")
            }
            ConnectError::NotWelcome { how } => {
                write!(f, "the CONNECT answer is not the welcome that the spec expects: {how}")
            }
            ConnectError::LoginRefused { payload, .. } => {
                write!(f, "the server refused the login: `{payload}`")
            }
            ConnectError::EngineIo3 { sign, piece } => {
                write!(f, "the server speaks Engine.IO 3, shown by {sign}: `{piece}`")
            }
            ConnectError::BadPacket(error) => {
                write!(f, "the server does not speak Socket.IO: {error}")
            }
            ConnectError::NoUpgradeOffered => {
                f.write_str("the server offers no upgrade to a WebSocket")
            }
            ConnectError::ConnectRefused { namespace, payload, .. } => {
                write!(f, "namespace `{namespace}` refused: `{payload}`")
            }
            ConnectError::Unsendable { what } => {
                write!(f, "the {what} cannot be written into a request")
            }
            ConnectError::OtherClient { reason } => {
                write!(f, "the second client could not connect: {reason}")
            }
        }
    }
}

impl Error for ConnectError {}
