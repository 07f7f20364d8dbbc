//! `assize serve`: the reference server, playing a spec.

use crate::cli::signals::Signals;
use crate::cli::{Failure, display, load};
use crate::outcome::Exit;
use crate::reference::{Hosted, Limit, Limits, Options, StartError};
use crate::source;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  assize serve --spec callback-ack                        on a free port, in memory
  assize serve --spec callback-ack --port 3000 --data chat.db
  assize serve --spec callback-ack --bug dedup-race       a server that makes duplicates

  assize serve --spec sequenced --nodes 2                 one server of two nodes
  assize serve --spec callback-ack --limit rate=400       a server whose size is known

The first line on standard output, `listening on URL`, comes when it is ready: one for each node.
Ctrl-C stops it.";

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
    /// How many nodes it has, each on a port of its own: the next ones, if a port is given.
    #[arg(long, value_name = "N", default_value_t = NonZeroU32::MIN)]
    pub nodes: NonZeroU32,
    /// A bug to have (`assize list bugs`); can be repeated.
    #[arg(long = "bug", value_name = "NAME")]
    pub bugs: Vec<String>,
    /// What it bears: `clients=N`, or `rate=N` messages a second; can be repeated.
    #[arg(long = "limit", value_name = "LIMIT")]
    pub limits: Vec<Limit>,
    /// So much later than it could comes everything that is answered or told: a server whose slowness
    /// is known.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    pub delay: Duration,
    /// The SQLite file that keeps the messages, in place of memory.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
}

/// Serves until it is asked to stop.
///
/// # Errors
/// The spec has mistakes or cannot be played, the port is taken, or the file cannot be used.
pub fn execute(args: &Args) -> Result<Exit, Failure> {
    let bugs = load::bugs(&args.bugs)?;
    let spec = load::spec(&args.spec)?;
    let options = Options {
        host: args.host,
        port: args.port,
        file: args.data.clone(),
        bugs,
        delay: args.delay,
        nodes: args.nodes.get() as usize,
        limits: Limits::of(&args.limits),
        ..Options::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let hosted =
            Hosted::start(Arc::new(spec.value), options, workers).map_err(|e| refused(args, &e))?;
        for url in hosted.urls() {
            display::print(&format!("listening on {url}\n"))?;
        }
        signals.next().await;
        hosted.stop();
        Ok(Exit::Held)
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    source::duration(text).ok_or_else(|| "a duration such as `20ms` is expected".to_owned())
}

fn refused(args: &Args, error: &StartError) -> Failure {
    match error {
        StartError::NotPlayed(_) => Failure::bad_input(error.to_string()),
        StartError::Bind(..) => Failure::unreachable(error.to_string())
            .hint("`--port 0` takes any free port; `--host` must be an address of this machine"),
        StartError::Store(_) => match &args.data {
            Some(file) => Failure::bad_input(format!("`{}`: {error}", file.display())).hint(
                "`--data` is a file that this server wrote, or a new one in a folder that is there",
            ),
            None => Failure::internal(error.to_string()),
        },
        StartError::Threads(_) => Failure::internal(error.to_string()),
    }
}
