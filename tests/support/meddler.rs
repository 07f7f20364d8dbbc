//! A proxy before an honest server that puts frames of its own between the server's.

use crate::tcp_server::serve;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

/// Proxies to `server`. After each WebSocket frame that the server sent, `meddle` may write more
/// to the client; it is told how many frames there were on this connection. An error of it ends
/// the connection.
pub(crate) fn before(
    server: SocketAddr,
    meddle: impl Fn(&mut TcpStream, usize) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    serve(move |client| {
        let Ok(server) = TcpStream::connect(server) else { return };
        let _ = (server.set_nodelay(true), client.set_nodelay(true));
        let _ = std::thread::scope(|scope| {
            let (mut up, mut asked) = (server.try_clone()?, client.try_clone()?);
            scope.spawn(move || {
                let _ = io::copy(&mut asked, &mut up);
                let _ = up.shutdown(Shutdown::Both);
            });
            let result = bring(BufReader::new(server.try_clone()?), &client, &meddle);
            let _ = (server.shutdown(Shutdown::Both), client.shutdown(Shutdown::Both));
            result
        });
    })
}

fn bring(
    mut server: BufReader<TcpStream>,
    mut client: &TcpStream,
    meddle: &impl Fn(&mut TcpStream, usize) -> io::Result<()>,
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if server.read_until(b'\n', &mut head)? == 0 {
            return Ok(());
        }
    }
    client.write_all(&head)?;
    if !head.starts_with(b"HTTP/1.1 101") {
        return io::copy(&mut server, &mut client).map(|_| ());
    }
    for number in 1.. {
        let frame = frame(&mut server)?;
        client.write_all(&frame)?;
        meddle(&mut client.try_clone()?, number)?;
    }
    Ok(())
}

/// The next frame of a server; such frames have no mask.
fn frame(server: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 2];
    server.read_exact(&mut frame)?;
    let extra = match frame[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    frame.resize(2 + extra, 0);
    server.read_exact(&mut frame[2..])?;
    let long = frame[2..].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let length = if extra == 0 { usize::from(frame[1]) } else { long };
    let start = frame.len();
    frame.resize(start + length, 0);
    server.read_exact(&mut frame[start..])?;
    Ok(frame)
}

/// A text frame as a server sends it.
pub(crate) fn text(payload: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 127];
    frame.extend((payload.len() as u64).to_be_bytes());
    frame.extend(payload.as_bytes());
    frame
}
