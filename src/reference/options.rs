//! How a reference server is started, and why it can't be: values, without its life.

use crate::reference::bugs::Bugs;
use crate::reference::limit::Limits;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How a reference server is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port; 0 for any free one.
    pub port: u16,
    /// The database's file; `None` keeps it in memory (it survives a restart, not a stop).
    pub file: Option<PathBuf>,
    /// What it does wrong.
    pub bugs: Bugs,
    /// So much later than it could comes everything that is answered or told.
    pub delay: Duration,
    /// How often Engine.IO pings.
    pub ping_interval: Duration,
    /// How long it waits for a pong.
    pub ping_timeout: Duration,
    /// On how many addresses it listens, as so many nodes of one server.
    pub nodes: usize,
    /// What it bears.
    pub limits: Limits,
}

impl Default for Options {
    /// Any port of 127.0.0.1, in memory, honest, Engine.IO's 25 s and 20 s.
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 0,
            file: None,
            bugs: Bugs::NONE,
            delay: Duration::ZERO,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            nodes: 1,
            limits: Limits::default(),
        }
    }
}

/// Why a reference server can't be started.
#[derive(Debug)]
pub enum StartError {
    /// The spec wants something that the reference server does not do.
    NotPlayed(String),
    /// The port can't be had.
    Bind(SocketAddr, std::io::Error),
    /// The threads can't be had.
    Threads(std::io::Error),
    /// The database can't be opened.
    Store(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPlayed(what) => {
                write!(f, "the reference server does not play this spec: {what}")
            }
            Self::Bind(address, error) => write!(f, "can't listen on {address}: {error}"),
            Self::Threads(error) => write!(f, "can't start the server's threads: {error}"),
            Self::Store(error) => write!(f, "can't open the server's database: {error}"),
        }
    }
}

impl std::error::Error for StartError {}
