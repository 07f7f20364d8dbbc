//! `assize serve`: the reference server, playing a spec.

use std::net::IpAddr;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  assize serve --spec callback-ack                        on a free port, in memory
  assize serve --spec callback-ack --port 3000 --data chat.db
  assize serve --spec callback-ack --bug dedup-race       a server that makes duplicates

The first line on standard output is the URL. Ctrl-C stops it.";

/// The arguments of `serve`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The spec to play: a file, or a name in `specs/`.
    #[arg(long)]
    pub spec: String,
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// The port to listen on; 0 is any free one.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// A bug to have (`assize list bugs`); can be repeated.
    #[arg(long = "bug", value_name = "NAME")]
    pub bugs: Vec<String>,
    /// The SQLite file that keeps the messages, in place of memory.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
}
