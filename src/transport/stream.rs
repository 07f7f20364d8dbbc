//! One connector for everything: TCP, with TLS where the URL asks for it, and ways to drop it.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::endpoint::Endpoint;
use super::error::{ConnectError, Phase};
use super::shaped::Shaped;
use super::tls::Trust;
use super::weather::Weather;
use crate::world::network;
use crate::world::socket::Socket;

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// How long a connection may take to be made, whatever has to happen until it is usable.
    pub timeout: Duration,
    /// The local address to connect from.
    pub source: Option<IpAddr>,
    /// Whether small writes leave at once.
    pub nodelay: bool,
    /// Bytes of the kernel's receive buffer; `None` leaves it to the kernel.
    pub receive_buffer_bytes: Option<u32>,
    /// Whom TLS trusts.
    pub trust: Trust,
    /// What the connection goes through; `None`: nothing, ever.
    pub weather: Option<Weather>,
}

impl Default for ConnectOptions {
    /// Ten seconds, any source address, no delay, the authorities of the web.
    fn default() -> Self {
        ConnectOptions {
            timeout: Duration::from_secs(10),
            source: None,
            nodelay: true,
            receive_buffer_bytes: None,
            trust: Trust::web(),
            weather: None,
        }
    }
}

/// The time until which something must have happened, and how long that was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    after: Duration,
}

impl Deadline {
    pub(super) fn after(after: Duration) -> Self {
        let after = after.min(Duration::from_secs(365 * 24 * 3600));
        Deadline { at: Instant::now() + after, after }
    }

    /// Awaits `work` until the deadline.
    pub(super) async fn hold<T>(
        &self,
        phase: Phase,
        work: impl Future<Output = T>,
    ) -> Result<T, ConnectError> {
        let timed_out = ConnectError::TimedOut { phase, after: self.after };
        timeout_at(self.at, work).await.map_err(|_| timed_out)
    }
}

/// A connection, encrypted or not.
pub struct Stream {
    io: Io,
    /// Raised by whoever wants the stream, wherever it is owned, to be dropped with a reset.
    reset_on_drop: Option<Arc<AtomicBool>>,
}

/// What goes over the wire; faults strike below TLS.
type Wire = Shaped<Socket>;

enum Io {
    Plain(Wire),
    Tls(Box<TlsStream<Wire>>),
}

/// Connects to a server.
///
/// The addresses of the endpoint are tried in order; those of another family than the source
/// address are left out.
///
/// # Errors
/// What stood in the way; with several addresses, what stood in the way to the last one.
pub async fn connect(
    endpoint: &Endpoint,
    options: &ConnectOptions,
) -> Result<Stream, ConnectError> {
    connect_until(endpoint, options, Deadline::after(options.timeout)).await
}

/// Connects to a server until a deadline that holds for more than the connection.
pub(super) async fn connect_until(
    endpoint: &Endpoint,
    options: &ConnectOptions,
    deadline: Deadline,
) -> Result<Stream, ConnectError> {
    let looked_up;
    let addresses = match endpoint.addresses() {
        [] => {
            let found = endpoint.look_up(deadline.after);
            looked_up = deadline.hold(Phase::Resolve, found).await??;
            &looked_up
        }
        known => known,
    };
    let tcp = connect_tcp(endpoint, addresses, options, deadline).await?;
    let tcp = Shaped::new(tcp, options.weather.as_ref());
    if !endpoint.is_tls() {
        return Ok(Stream { io: Io::Plain(tcp), reset_on_drop: None });
    }
    let tls = connect_tls(endpoint, tcp, options, deadline).await?;
    Ok(Stream { io: Io::Tls(Box::new(tls)), reset_on_drop: None })
}

async fn connect_tcp(
    endpoint: &Endpoint,
    addresses: &[SocketAddr],
    options: &ConnectOptions,
    deadline: Deadline,
) -> Result<Socket, ConnectError> {
    let mut last = ConnectError::Dns {
        host: endpoint.host().to_owned(),
        reason: "no address is of the source address's family".to_owned(),
    };
    for &address in addresses {
        if options.source.is_some_and(|source| source.is_ipv4() != address.is_ipv4()) {
            continue;
        }
        match deadline.hold(Phase::Tcp, connect_address(address, options)).await? {
            Ok(stream) => return Ok(stream),
            Err(error) => last = of_io(&error, address),
        }
    }
    Err(last)
}

async fn connect_address(address: SocketAddr, options: &ConnectOptions) -> io::Result<Socket> {
    if let Some(weather) = &options.weather {
        poll_fn(|cx| weather.poll_open(cx)).await?;
    }
    if let Some(connected) = network::connect_simulated(address).await {
        return connected;
    }
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(bytes) = options.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(source) = options.source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.set_nodelay(options.nodelay)?;
    socket.connect(address).await.map(Socket::Tcp)
}

/// Sorts what the operating system says about a connection attempt.
fn of_io(error: &io::Error, address: SocketAddr) -> ConnectError {
    let reason = error.to_string();
    let limits = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::Refused { address },
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => {
            ConnectError::LocalLimit { reason }
        }
        io::ErrorKind::ConnectionReset => ConnectError::ClosedInHandshake { phase: Phase::Tcp },
        _ if error.raw_os_error().is_some_and(|code| limits.contains(&code)) => {
            ConnectError::LocalLimit { reason }
        }
        _ => ConnectError::Unreachable { address, reason },
    }
}

async fn connect_tls(
    endpoint: &Endpoint,
    tcp: Wire,
    options: &ConnectOptions,
    deadline: Deadline,
) -> Result<TlsStream<Wire>, ConnectError> {
    let name = ServerName::try_from(endpoint.host().to_owned())
        .map_err(|error| ConnectError::Tls { reason: error.to_string() })?;
    let handshake = TlsConnector::from(options.trust.config()).connect(name, tcp);
    deadline.hold(Phase::Tls, handshake).await?.map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            ConnectError::ClosedInHandshake { phase: Phase::Tls }
        }
        _ => ConnectError::Tls { reason: error.to_string() },
    })
}

impl Stream {
    /// Drops the connection with a reset (RST): what was sent but not read yet may be lost.
    pub fn reset(self) {
        self.linger_zero();
    }

    /// Ends the stream (FIN) below TLS and WebSocket, so without any goodbye of theirs.
    pub async fn finish(mut self) {
        if self.wire_mut().is_silent() {
            return;
        }
        // Failing to say goodbye to a connection that is gone already is no news.
        let _ = poll_fn(|cx| Pin::new(self.wire_mut().get_mut()).poll_shutdown(cx)).await;
    }

    /// Lets whoever raises `flag` decide that the stream is dropped with a reset.
    pub(super) fn reset_on_drop(&mut self, flag: Arc<AtomicBool>) {
        self.reset_on_drop = Some(flag);
    }

    /// The address this side connected from.
    ///
    /// # Errors
    /// What the operating system says; a connection that was closed may have none.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket().local_addr()
    }

    fn linger_zero(&self) {
        // Failing to reset a connection that is gone already is no news.
        let _ = self.socket().reset_on_drop();
    }

    fn socket(&self) -> &Socket {
        match &self.io {
            Io::Plain(wire) => wire.get_ref(),
            Io::Tls(tls) => tls.get_ref().0.get_ref(),
        }
    }

    fn wire_mut(&mut self) -> &mut Wire {
        match &mut self.io {
            Io::Plain(wire) => wire,
            Io::Tls(tls) => tls.get_mut().0,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.reset_on_drop.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            self.linger_zero();
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.io {
            Io::Plain(_) => "plain",
            Io::Tls(_) => "tls",
        };
        write!(f, "Stream({kind})")
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Io::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Io::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Io::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Io::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
