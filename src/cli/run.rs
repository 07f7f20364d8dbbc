//! `assize run`: drives a scenario against a server, judges it and writes the reports.

#[cfg(feature = "otlp")]
use crate::cli::otlp;
use crate::cli::server::Server;
use crate::cli::signals::Signals;
use crate::cli::{Colour, Failure, display, files, gate, load, metrics, stored};
use crate::engine::{self, ClientKind, Settings};
use crate::operation::Operation;
use crate::outcome::{Exit, Outcome, Source};
use crate::plan::Carriage;
use crate::report::exposition::About;
use crate::report::{FORMATS, Folder, Screen, terminal};
use crate::scenario::Scenario;
use crate::spec::{Protocol, Spec, Transports};
use clap::ValueEnum;
use std::cell::RefCell;
use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

const EXAMPLES: &str = "\
Examples:
  assize run first-look                               on the embedded reference server
  assize run first-look --bug dedup-race              on a server with a known bug
  assize run first-look --target http://host:3000     on your server
  assize run first-look --spec specs/mine.yaml --target http://host:3000
                                                      on a server with another wire
  assize run first-look --seed 7 --judge none         load only, with another plan
  assize run first-look --fail-on broken,missed       doubts do not fail the run
  assize run first-look --metrics 127.0.0.1:9464      how it stands, for Prometheus

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
    #[value(alias = "off")]
    None,
}

/// Whether the history is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Record {
    /// All of it: judged, measured, and kept in a file.
    #[default]
    All,
    /// Nothing: neither verdicts nor figures. It shows what recording costs.
    Off,
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
    /// The server.
    #[command(flatten)]
    pub server: Server,
    /// The seed of the plan, in place of the scenario's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The simulated client.
    #[arg(long, value_enum, default_value_t)]
    pub client: Client,
    /// Where the folder of the run is made.
    #[arg(long, value_name = "DIR", default_value = files::REPORTS)]
    pub out: PathBuf,
    /// Does not store the history; `assize check` cannot judge the run again then.
    #[arg(long)]
    pub no_history: bool,
    /// An address of this machine to connect from; repeated, the clients take turns.
    #[arg(long = "source", value_name = "ADDRESS")]
    pub sources: Vec<IpAddr>,
    /// How many threads drive the clients, in place of one per core.
    #[arg(long, value_name = "N")]
    pub shards: Option<NonZeroU32>,
    /// How connections are made, in place of the spec's way.
    #[arg(long, value_enum)]
    pub transport: Option<Transport>,
    /// Which properties are judged.
    #[arg(long, value_enum, default_value_t)]
    pub judge: Judge,
    /// What fails the run, in place of everything but `finding`: `broken`, `finding`, `missed`,
    /// `in-doubt`, `not-exercised`, `bottleneck`, `none`, or ids of properties.
    #[arg(long, value_name = "WHAT,…", value_delimiter = ',')]
    pub fail_on: Vec<String>,
    /// Offers how the run stands to Prometheus, at http://ADDRESS/metrics, while it lasts.
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
    /// Pushes how the run stands to an OpenTelemetry collector, over OTLP/HTTP in JSON, every five
    /// seconds and in the end.
    #[cfg(feature = "otlp")]
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,
    /// Whether the history is recorded.
    #[arg(long, value_enum, default_value_t)]
    pub record: Record,
    /// Shows no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Runs the scenario, prints verdicts and latencies, writes the folder of the run.
///
/// # Errors
/// The scenario or its spec has mistakes, the target cannot be tried, or the harness failed.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let gate = gate::of_words(&args.fail_on)?;
    let scenario = load::scenario(&args.scenario)?;
    let wanted = args.spec.as_ref().or(scenario.value.spec.as_ref()).ok_or_else(|| {
        Failure::usage(format!("scenario `{}` names no spec", scenario.value.name))
            .hint("say `--spec NAME`")
    })?;
    let spec = load::spec(wanted)?;
    fits(&scenario.value, &spec.value)?;
    let client = client(args, &spec.value)?;
    let target = args.server.choice(&scenario.value)?;
    let talk = Talk { quiet: args.quiet };
    let metrics = args.metrics.map(metrics::Taken::take).transpose()?;
    if let Some(address) = metrics.as_ref().and_then(metrics::Taken::address) {
        talk.say(&format!("metrics: http://{address}/metrics"));
    }
    let folder = match Folder::create(
        &args.out,
        SystemTime::now(),
        &scenario.value.name,
        &spec.value.name,
    ) {
        Ok(folder) => Some(folder),
        Err(error) => {
            stored::warn(&format!("{error}; the run goes on without a report folder"));
            None
        }
    };
    let kept = !args.no_history && args.record == Record::All;
    let history = folder.as_ref().filter(|_| kept).and_then(|folder| {
        let path = folder.path().join("history");
        match std::fs::create_dir(&path) {
            Ok(()) => Some(path),
            Err(error) => {
                stored::warn(&format!("cannot create `{}`: {error}", path.display()));
                None
            }
        }
    });
    let has_history = history.is_some();
    let files = [
        gate::File { path: files::resolve(files::SCENARIOS, &args.scenario), text: scenario.text },
        gate::File { path: files::resolve(files::SPECS, wanted), text: spec.text },
    ];
    let interrupt = Arc::new(Notify::new());
    let settings = Settings {
        seed: args.seed.unwrap_or(scenario.value.seed),
        run: run_number(),
        target,
        client,
        transport: args.transport.map(Transport::of_spec),
        shards: args.shards.map(NonZeroU32::get),
        record: args.record == Record::All,
        judge: args.judge == Judge::All && args.record == Record::All,
        measured: None,
        sources: args.sources.clone(),
        history,
        interrupt: Arc::clone(&interrupt),
        command: command_line(args, args.seed.unwrap_or(scenario.value.seed)),
        spec: Arc::new(spec.value),
        scenario: Arc::new(scenario.value),
    };
    let measured = drive(settings, &interrupt, args, colour, metrics);
    let mut measured = match measured {
        Ok(measured) => measured,
        Err(failure) => {
            // A folder without a run would only be in the way.
            if let Some(folder) = folder {
                let _ = std::fs::remove_dir_all(folder.path());
            }
            return Err(failure);
        }
    };
    display::print(&terminal::render(&measured.outcome, display::stdout(colour)))?;
    let [scenario, spec] = &files;
    let source =
        |(file, from): (&str, &gate::File)| Source { file: file.into(), text: from.text.clone() };
    measured.outcome.sources =
        [("scenario.yaml", scenario), ("spec.yaml", spec)].map(source).into();
    let is_stored = folder.is_some_and(|folder| store(&folder, &measured, &talk));
    let is_written = is_stored && measured.is_kept && (has_history || !kept);
    gate::announce(&measured.outcome, scenario, spec);
    let (exit, documented) = (gate.exit(&measured.outcome), measured.outcome.exit());
    if exit != documented {
        let (is, was) = (exit as u8, documented as u8);
        stored::warn(&format!(
            "the exit code is {is}, by `--fail-on`; without it, it would be {was}"
        ));
    }
    Ok(stored::exit(exit, is_written))
}

/// The server has all channels that the scenario sends over.
pub(super) fn fits(scenario: &Scenario, spec: &Spec) -> Result<(), Failure> {
    let Some((channel, phase)) = Carriage::lacking(spec, scenario) else { return Ok(()) };
    let deed = spec.deed(Operation::Send);
    let known = deed.iter().flat_map(|deed| &deed.channels);
    let known: Vec<String> = known.map(|channel| format!("`{}`", channel.name)).collect();
    let (name, phase) = (&spec.name, format!("phase `{phase}` of `{}`", scenario.name));
    let failure = Failure::bad_input(format!(
        "{phase} sends over `{channel}`, and spec `{name}` has no such channel of `send`"
    ));
    Err(match known.len() {
        0 | 1 => failure.hint("its `send` goes one way: take `channels` out of the phase"),
        _ => failure.hint(format!("it has {}", known.join(", "))),
    })
}

/// What is said beside the data.
struct Talk {
    quiet: bool,
}

impl Talk {
    fn say(&self, what: &str) {
        if !self.quiet {
            display::say(what);
        }
    }
}

fn drive(
    settings: Settings,
    interrupt: &Notify,
    args: &Args,
    colour: Colour,
    metrics: Option<metrics::Taken>,
) -> Result<engine::Measured, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("cannot start: {error}")))?;
    let screen = match (args.quiet, std::io::stderr().is_terminal()) {
        (true, _) => Screen::Quiet,
        (false, true) => Screen::live(move || display::stderr_size(colour)),
        (false, false) => Screen::plain(),
    };
    let screen = RefCell::new(screen);
    let about = About {
        scenario: settings.scenario.name.clone(),
        spec: settings.spec.name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        seed: settings.seed,
    };
    let page = metrics::Page::new(about.clone());
    let result = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        #[cfg(feature = "otlp")]
        let collector = args.otlp.as_ref().map(|url| otlp::Collector::begin(url, about));
        #[cfg(feature = "otlp")]
        let collector = collector.transpose()?;
        let offered = metrics.map(|taken| taken.serve(&page)).transpose()?.is_some();
        let result = {
            let run = engine::run(settings, |progress| {
                screen.borrow_mut().show(&progress);
                if offered {
                    page.show(&progress);
                }
                #[cfg(feature = "otlp")]
                collector.iter().for_each(|collector| collector.show(&progress));
            });
            let mut run = std::pin::pin!(run);
            let mut stopping = false;
            // The first signal stops the run in order, the second one at once.
            loop {
                tokio::select! {
                    result = &mut run => break result.map_err(failure),
                    () = signals.next() => {}
                }
                if std::mem::replace(&mut stopping, true) {
                    return Err(Failure::interrupted("stopped at once; nothing was judged"));
                }
                screen.borrow().say(
                    "stopping: what was gathered is judged and written; once more ends at once",
                );
                interrupt.notify_one();
            }
        };
        #[cfg(feature = "otlp")]
        if let Some(collector) = collector
            && let Some(why) = collector.end().await
        {
            screen.borrow().say(&format!("warning: not all was pushed by `--otlp`: {why}"));
        }
        result
    });
    screen.into_inner().finish();
    // A name that is being looked up is not worth waiting for.
    runtime.shutdown_background();
    result
}

pub(super) fn failure(failure: engine::Failure) -> Failure {
    match failure {
        engine::Failure::Impossible(why) => Failure::bad_input(why.what).hint(why.hint),
        engine::Failure::Unreachable(why) => Failure::unreachable(why.what).hint(why.hint),
        engine::Failure::Interrupted => {
            Failure::interrupted("interrupted before the first phase; there is nothing to judge")
        }
        engine::Failure::Internal(what) => Failure::internal(what)
            .hint("this is a mistake of the harness; what it printed above helps to mend it"),
    }
}

/// The client that drives the plan, if it is built in and can make such connections.
fn client(args: &Args, spec: &Spec) -> Result<ClientKind, Failure> {
    if args.client == Client::Assize {
        return Ok(ClientKind::Assize);
    }
    if spec.connect.first.is_some() || spec.connect.welcome.is_some() {
        return Err(Failure::usage(
            "`--client rust_socketio` says no first message and waits for no welcome",
        )
        .hint("the harness's own client does what `connect: first` and `welcome` say"));
    }
    let asked = args.transport.map(Transport::of_spec);
    let transport = match &spec.connect.protocol {
        Protocol::SocketIo { transports, .. } => asked.unwrap_or(*transports),
        _ => Transports::WebSocket,
    };
    if transport != Transports::WebSocket {
        return Err(Failure::usage("`--client rust_socketio` connects over WebSockets only")
            .hint("add `--transport websocket`, if the server speaks it"));
    }
    second_client()
}

#[cfg(feature = "rust_socketio")]
const fn second_client() -> Result<ClientKind, Failure> {
    Ok(ClientKind::RustSocketio)
}

#[cfg(not(feature = "rust_socketio"))]
fn second_client() -> Result<ClientKind, Failure> {
    Err(Failure::usage("`--client rust_socketio` is not built in").hint(
        "build it in with `cargo run --features rust_socketio -- run …`; it needs OpenSSL's \
         headers (`libssl-dev`) and `pkg-config`",
    ))
}

/// Writes the folder of the run, and says whether it is whole; what fails is said, and the verdicts stand
/// above already.
fn store(folder: &Folder, measured: &engine::Measured, talk: &Talk) -> bool {
    use std::io::Write;
    let outcome: &Outcome = &measured.outcome;
    let reports = FORMATS.iter().map(|format| (format.file, (format.render)(outcome)));
    let mut errors = folder.write_reports(reports).err().unwrap_or_default();
    for Source { file, text } in &outcome.sources {
        errors.extend(folder.write(file, |out| out.write_all(text.as_bytes())).err());
    }
    let log =
        folder.write("latency.hlog", |out| measured.timeline.write_log(out, measured.started));
    errors.extend(log.err());
    errors.extend(folder.publish().err());
    for error in &errors {
        stored::warn(&error.to_string());
    }
    if errors.iter().any(|error| error.reason.kind() == std::io::ErrorKind::StorageFull) {
        display::say("hint: `--out DIR` writes elsewhere; `--no-history` needs far less room");
    }
    talk.say(&format!("\nreport: {}", folder.path().display()));
    errors.is_empty()
}

/// A number that no other run against the same server is likely to have.
pub(super) fn run_number() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    crate::plan::dice::mix(now as u64, std::process::id().into(), 0)
}

/// The command that makes this run again: what was said, with the seed.
fn command_line(args: &Args, seed: u64) -> String {
    let mut words = vec!["assize run".to_owned(), args.scenario.clone()];
    if let Some(spec) = &args.spec {
        words.push(format!("--spec {spec}"));
    }
    words.push(format!("--seed {seed}"));
    words.extend(args.server.words());
    if let Some(transport) = args.transport.and_then(|transport| transport.to_possible_value()) {
        words.push(format!("--transport {}", transport.get_name()));
    }
    words.extend(args.sources.iter().map(|source| format!("--source {source}")));
    words.extend(args.shards.map(|shards| format!("--shards {shards}")));
    if args.client == Client::RustSocketio {
        words.push("--client rust_socketio".into());
    }
    words.join(" ")
}

impl Transport {
    pub(super) const fn of_spec(self) -> Transports {
        match self {
            Self::Websocket => Transports::WebSocket,
            Self::Polling => Transports::Polling,
            Self::Upgrade => Transports::Upgrade,
        }
    }
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
        assert_eq!(args.server.targets, ["http://a", "http://b"]);
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
