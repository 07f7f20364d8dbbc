//! `assize run`: drives a scenario against a server, judges it and writes the reports.

use crate::cli::files;
use clap::ValueEnum;
use std::num::NonZeroU32;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  assize run first-look                               on the embedded reference server
  assize run first-look --bug dedup-race              on a server with a known bug
  assize run first-look --target http://host:3000     on your server
  assize run first-look --spec specs/mine.yaml --target http://a:3000 --target http://b:3000
                                                      on two nodes of it, with another wire
  assize run first-look --seed 7 --judge none         load only, with another plan

Without --target and without a `launch:` in the scenario, the embedded reference server plays the
spec. The reports lie in reports/<time>-<scenario>-<spec>/, and reports/latest points there.";

/// Which simulated client drives the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Client {
    /// The harness's own.
    #[default]
    Assize,
    /// The `rust_socketio` crate, as a second opinion; needs the cargo feature of that name.
    #[value(name = "rust_socketio")]
    RustSocketio,
}

/// How a Socket.IO connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// WebSocket from the first byte.
    Websocket,
    /// HTTP long polling, always.
    Polling,
    /// HTTP long polling first, then the upgrade to WebSocket.
    Upgrade,
}

/// Which properties are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Judge {
    /// All of them.
    #[default]
    All,
    /// None: load and latencies only.
    None,
}

/// The arguments of `run`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The scenario: a file, or a name in `scenarios/`.
    pub scenario: String,
    /// The server's spec, in place of the scenario's: a file, or a name in `specs/`.
    #[arg(long)]
    pub spec: Option<String>,
    /// A node of the running server to put on trial; repeat it for several nodes.
    #[arg(long = "target", value_name = "URL")]
    pub targets: Vec<String>,
    /// The seed of the plan, in place of the scenario's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// A bug that the embedded server shall have (`assize list bugs`); can be repeated.
    #[arg(long = "bug", value_name = "NAME", conflicts_with = "targets")]
    pub bugs: Vec<String>,
    /// The simulated client.
    #[arg(long, value_enum, default_value_t)]
    pub client: Client,
    /// Where the folder of the run is made.
    #[arg(long, value_name = "DIR", default_value = files::REPORTS)]
    pub out: PathBuf,
    /// Does not store the history; `assize check` cannot judge the run again then.
    #[arg(long)]
    pub no_history: bool,
    /// How many threads drive the clients, in place of one per core.
    #[arg(long, value_name = "N")]
    pub shards: Option<NonZeroU32>,
    /// How connections are made, in place of the spec's way.
    #[arg(long, value_enum)]
    pub transport: Option<Transport>,
    /// Which properties are judged.
    #[arg(long, value_enum, default_value_t)]
    pub judge: Judge,
    /// Shows no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, Command, FromArgMatches};

    fn parse(line: &str) -> Result<Args, clap::Error> {
        let command = Args::augment_args(Command::new("run").no_binary_name(true));
        Args::from_arg_matches(&command.try_get_matches_from(line.split(' '))?)
    }

    #[test]
    fn a_full_line_is_understood() {
        let line = "first-look --spec x --target http://a --target http://b --seed 7 --no-history \
                    --client rust_socketio --shards 2 --transport upgrade --judge none --quiet";
        let args = parse(line).unwrap();
        assert_eq!(args.targets, ["http://a", "http://b"]);
        assert_eq!((args.seed, args.shards), (Some(7), NonZeroU32::new(2)));
        assert_eq!(args.client, Client::RustSocketio);
        assert_eq!((args.transport, args.judge), (Some(Transport::Upgrade), Judge::None));
        assert!(args.no_history && args.quiet);
    }

    #[test]
    fn little_needs_to_be_said() {
        let args = parse("first-look").unwrap();
        assert_eq!(args.out, PathBuf::from("reports"));
        assert_eq!((args.client, args.judge), (Client::Assize, Judge::All));
        assert!(parse("first-look --shards 0").is_err());
    }

    #[test]
    fn a_bug_is_the_embedded_servers_not_a_targets() {
        assert!(parse("first-look --bug dedup-race").is_ok());
        assert!(parse("first-look --bug dedup-race --target http://a").is_err());
    }
}
