//! A connection: TCP of the machine, or a pipe of a simulated world.
//!
//! Whoever holds one reads, writes and resets it, and need not know which it is. How it came to be is
//! [`network`](super::network)'s.

use super::pipe::Pipe;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection.
pub enum Socket {
    /// Of the machine.
    Tcp(TcpStream),
    /// Of a simulated world.
    Pipe(Box<Pipe>),
}

impl Socket {
    /// The address of this side; a connection in memory has none.
    ///
    /// # Errors
    /// What the operating system says; a connection that was closed may have none.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr(),
            Self::Pipe(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
        }
    }

    /// Small writes leave at once.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(true),
            Self::Pipe(_) => Ok(()),
        }
    }

    /// Dropping it resets the connection from now on.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn reset_on_drop(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_zero_linger(),
            Self::Pipe(pipe) => {
                pipe.end_abruptly();
                Ok(())
            }
        }
    }

    /// Makes the buffer for what arrives this small, or as small as it can be.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn narrow(&self, bytes: usize) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                Ok(rustix::net::sockopt::set_socket_recv_buffer_size(stream, bytes)?)
            }
            Self::Pipe(pipe) => {
                pipe.narrow(bytes);
                Ok(())
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, out),
            Self::Pipe(pipe) => Pin::new(pipe).poll_read(cx, out),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Pipe(pipe) => Pin::new(pipe).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Pipe(pipe) => Pin::new(pipe).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Pipe(pipe) => pipe.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Pipe(pipe) => Pin::new(pipe).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Pipe(pipe) => Pin::new(pipe).poll_shutdown(cx),
        }
    }
}
