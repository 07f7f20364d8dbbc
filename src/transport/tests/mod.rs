//! The transports against servers in the same process: an independent Socket.IO implementation,
//! and servers that misbehave on purpose.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::endpoint::Endpoint;
use super::engine_io::{Mode, Options as EngineOptions};
use super::socket_io::Options;
use super::stream::ConnectOptions;

mod http;
mod odd_servers;
mod sessions;
mod socketioxide;
mod tls;

/// Long enough for anything that is expected to happen.
const LONG: Duration = Duration::from_secs(20);

/// Short enough to wait for what is not expected to happen.
const SHORT: Duration = Duration::from_millis(300);

/// Plays `script` to everyone who connects.
async fn serve<Script, Played>(script: Script) -> Endpoint
where
    Script: Fn(TcpStream) -> Played + Send + 'static,
    Played: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = endpoint_of(&listener);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(script(stream));
        }
    });
    endpoint
}

fn endpoint_of(listener: &TcpListener) -> Endpoint {
    Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap()
}

fn within(timeout: Duration) -> ConnectOptions {
    ConnectOptions { timeout, ..ConnectOptions::default() }
}

fn engine(mode: Mode, timeout: Duration) -> EngineOptions {
    EngineOptions { connect: within(timeout), mode, ..EngineOptions::default() }
}

fn socket_io(mode: Mode, timeout: Duration) -> Options {
    Options { engine: engine(mode, timeout), ..Options::default() }
}
