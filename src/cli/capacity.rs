//! `assize capacity`: finds the largest load at which every expectation and every property holds.

use crate::capacity::course::{Course, Wishes};
use crate::capacity::search::Search;
use crate::cli::run::{Transport, failure, fits, run_number};
use crate::cli::server::Server;
use crate::cli::signals::Signals;
use crate::cli::{Colour, Failure, display, files, load, stored};
use crate::engine::ascent::{Ascended, Ascent, News, ascend};
use crate::engine::{ClientKind, Settings};
use crate::metric::quantity;
use crate::outcome::capacity::{By, Step, Why};
use crate::outcome::{Exit, Outcome};
use crate::report::capacity::{FORMATS, terminal, words};
use crate::report::{Folder, Screen};
use crate::source;
use clap::ValueEnum;
use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

const EXAMPLES: &str = "\
How it searches:
  Each step is a run of the scenario at one load, up to its measured phase (the one in which most is
  sent; `--phase` names another). Everything before that is warm-up: judged, but not measured. A step
  holds if no promised property is broken or in doubt and every threshold of `expect:` is met. Loads
  double or halve until one holds and one does not, then what lies between is halved, until both are
  `--precision` apart. A step that fails is made again, and most of `--tries` decide.

  By clients, each person does what the scenario says, and there are more of them. By rate, the same
  people send more.

Examples:
  assize capacity first-look                              clients, on the embedded server
  assize capacity talk --by rate --target http://host:3000
                                                          messages per second, on your server
  assize capacity talk --at-least 2000 --budget 20m       a gate for CI: exit 2 if it bears less
  assize capacity talk --by rate --limit rate=400         find a limit that was planted

The result is an interval: a load that held, and one that did not, with the property or threshold
that was the first to give. Beside it stand the knee, from where latency grows faster than throughput,
and the universal scalability law fitted to the steps. docs/capacity.md says how to read them.

Exit codes:
    0  found, or all that was to be tried held      3  the search ended before there was a limit
    1  a property is broken at any load             4  what the scenario wants judged was not
    2  an expectation is missed at any load,        5  the generator was the limit, not the server,
       or less than `--at-least` holds                 or nothing was sent or judged: no evidence
                                                  130  interrupted; what was learned is written";

/// What is raised from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Raise {
    /// Clients; each does what it did.
    #[default]
    Clients,
    /// Messages per second; the same clients send more.
    Rate,
}

/// The arguments of `capacity`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The scenario: a file, or a name in `scenarios/`.
    pub scenario: String,
    /// What is raised.
    #[arg(long, value_enum, default_value_t)]
    pub by: Raise,
    /// The server's spec, in place of the scenario's: a file, or a name in `specs/`.
    #[arg(long)]
    pub spec: Option<String>,
    /// The server.
    #[command(flatten)]
    pub server: Server,
    /// The phase whose figures count, in place of the one in which most is sent.
    #[arg(long, value_name = "NAME")]
    pub phase: Option<String>,
    /// How long that phase lasts, in place of what the scenario says.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub steady: Option<Duration>,
    /// How long its behaviour goes on before it counts.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "2s")]
    pub warm_up: Duration,
    /// Leaves the scenario's faults out.
    #[arg(long)]
    pub fair_weather: bool,
    /// The first load, in place of a quarter of the scenario's own, or of `--at-least`.
    #[arg(long, value_name = "LOAD")]
    pub from: Option<NonZeroU64>,
    /// The largest load to try.
    #[arg(long, value_name = "LOAD", default_value = "1000000")]
    pub most: NonZeroU64,
    /// Exits with 2 if less than this holds, and tries no more than this.
    #[arg(long, value_name = "LOAD", conflicts_with = "most")]
    pub at_least: Option<NonZeroU64>,
    /// How far apart what holds and what does not may be in the end.
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "5%")]
    pub precision: f64,
    /// Most of so many steps decide on a load.
    #[arg(long, value_name = "N", default_value_t = NonZeroU32::new(3).expect("three is not zero"))]
    pub tries: NonZeroU32,
    /// No step begins that would end later than this.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10m")]
    pub budget: Duration,
    /// The seed of the first step's plan, in place of the scenario's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How many threads drive the clients, in place of one per core.
    #[arg(long, value_name = "N")]
    pub shards: Option<NonZeroU32>,
    /// An address of this machine to connect from; repeated, the clients take turns.
    #[arg(long = "source", value_name = "ADDRESS")]
    pub sources: Vec<IpAddr>,
    /// How connections are made, in place of the spec's way.
    #[arg(long, value_enum)]
    pub transport: Option<Transport>,
    /// Where the folder of the search is made.
    #[arg(long, value_name = "DIR", default_value = files::REPORTS)]
    pub out: PathBuf,
    /// Shows no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Searches, prints what was found, writes the folder of the search.
///
/// # Errors
/// The scenario or its spec has mistakes, the target cannot be tried, or the harness failed.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let scenario = load::scenario(&args.scenario)?;
    let wanted = args.spec.as_ref().or(scenario.value.spec.as_ref()).ok_or_else(|| {
        Failure::usage(format!("scenario `{}` names no spec", scenario.value.name))
            .hint("say `--spec NAME`")
    })?;
    let spec = load::spec(wanted)?;
    fits(&scenario.value, &spec.value)?;
    let course = Course::new(&scenario.value, &args.wishes()).map_err(Failure::usage)?;
    let interrupt = Arc::new(Notify::new());
    let seed = args.seed.unwrap_or(scenario.value.seed);
    let settings = Settings {
        seed,
        run: run_number(),
        target: args.server.choice(&scenario.value)?,
        client: ClientKind::Assize,
        transport: args.transport.map(Transport::of_spec),
        shards: args.shards.map(NonZeroU32::get),
        record: true,
        judge: true,
        measured: None,
        sources: args.sources.clone(),
        history: None,
        interrupt: Arc::clone(&interrupt),
        command: args.command_line(seed),
        spec: Arc::new(spec.value),
        scenario: Arc::new(scenario.value),
    };
    let names = [settings.scenario.name.clone(), settings.spec.name.clone()];
    let ascent = Ascent {
        search: args.search(&course),
        course,
        budget: args.budget,
        wanted: args.at_least.map(NonZeroU64::get),
        settings,
    };
    let started = SystemTime::now();
    let ascended = drive(ascent, &interrupt, args, colour)?;
    display::print(&terminal::render(&ascended.capacity, display::stdout(colour)))?;
    let files = [("spec.yaml", spec.text), ("scenario.yaml", scenario.text)];
    let written = Folder::create(&args.out, started, &format!("capacity-{}", names[0]), &names[1])
        .map_err(|error| vec![error])
        .and_then(|folder| store(&folder, &ascended, &files).map(|()| folder));
    let is_written = stored::told(&written, args.quiet);
    Ok(stored::exit(ascended.capacity.exit(), is_written))
}

/// Writes the folder of the search: the result, and the runs on both sides of the limit.
fn store(
    folder: &Folder,
    ascended: &Ascended,
    files: &[(&str, String)],
) -> Result<(), Vec<crate::report::FolderError>> {
    let mut errors = Vec::new();
    let reports = FORMATS.iter().map(|format| (format.file, (format.render)(&ascended.capacity)));
    errors.extend(folder.write_reports(reports).err().unwrap_or_default());
    let runs: [(&'static str, &'static str, &Option<Outcome>); 2] = [
        ("held.txt", "held.json", &ascended.held),
        ("exceeded.txt", "exceeded.json", &ascended.exceeded),
    ];
    for (text, json, outcome) in runs {
        let Some(outcome) = outcome else { continue };
        for (name, format) in [(text, "text"), (json, "json")] {
            let format = crate::report::format(format).expect("it is one of the formats");
            let rendered = (format.render)(outcome);
            errors.extend(folder.write(name, |out| out.write_all(rendered.as_bytes())).err());
        }
    }
    for (name, text) in files {
        errors.extend(folder.write(name, |out| out.write_all(text.as_bytes())).err());
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn drive(
    ascent: Ascent,
    interrupt: &Notify,
    args: &Args,
    colour: Colour,
) -> Result<Ascended, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("cannot start: {error}")))?;
    let by = ascent.course.by();
    let live = !args.quiet && std::io::stderr().is_terminal();
    let screen = match (args.quiet, live) {
        (true, _) => Screen::Quiet,
        (false, true) => Screen::live(move || display::stderr_size(colour)),
        (false, false) => Screen::plain(),
    };
    let screen = RefCell::new(screen);
    let result = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let search = ascend(ascent, |news| match news {
            News::Begins(number, load, why) => screen.borrow().say(&begins(number, load, why, by)),
            // In a log a line for each step is enough.
            News::Running(progress) if live => screen.borrow_mut().show(&progress),
            News::Running(_) => {}
            News::Ended(step) => screen.borrow().say(&ended(step)),
        });
        let mut search = std::pin::pin!(search);
        let mut stopping = false;
        // The first signal ends the search in order, the second one at once.
        loop {
            tokio::select! {
                result = &mut search => return result.map_err(failure),
                () = signals.next() => {}
            }
            if std::mem::replace(&mut stopping, true) {
                return Err(Failure::interrupted("stopped at once; nothing was written"));
            }
            screen.borrow().say("stopping: what was learned is written; once more ends at once");
            interrupt.notify_one();
        }
    });
    screen.into_inner().finish();
    runtime.shutdown_background();
    result
}

fn begins(number: usize, load: u64, why: Why, by: By) -> String {
    let why = match why {
        Why::Coarse => "",
        Why::Between => ", between what held and what did not",
        Why::Again => ", once more",
    };
    format!("step {number}: {} {}{why}", quantity::count(load), by.unit())
}

fn ended(step: &Step) -> String {
    let figures = &step.figures;
    let delivery = &figures.delivery;
    format!(
        "  {} {}; {} acked/s, delivery p95 {}",
        if step.limit.is_none() { "✓" } else { "✗" },
        words::fared(step),
        words::rate(figures.acked),
        words::time(delivery, delivery.p95)
    )
}

fn duration(text: &str) -> Result<Duration, String> {
    source::duration(text).ok_or_else(|| "a duration such as `10s` or `5m`".into())
}

fn share(text: &str) -> Result<f64, String> {
    let share = source::share(text).filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "a share such as `5%`, more than none".into())
}

impl Args {
    fn wishes(&self) -> Wishes {
        Wishes {
            by: match self.by {
                Raise::Clients => By::Clients,
                Raise::Rate => By::Rate,
            },
            phase: self.phase.clone(),
            warm_up: self.warm_up,
            steady: self.steady,
            fair_weather: self.fair_weather,
        }
    }

    fn search(&self, course: &Course) -> Search {
        let least = match course.by() {
            By::Clients => 2,
            By::Rate => 1,
        };
        let most = self.at_least.unwrap_or(self.most).get().max(least);
        let start = self.from.or(self.at_least);
        let start = start.map_or_else(|| course.own().div_ceil(4), NonZeroU64::get);
        Search { start, least, most, precision: self.precision, tries: self.tries.get() }
    }

    /// The command that makes this search again: what was said, with the seed.
    fn command_line(&self, seed: u64) -> String {
        let seconds = |duration: Duration| format!("{}ms", duration.as_millis());
        let mut words = vec!["assize capacity".to_owned(), self.scenario.clone()];
        if self.by == Raise::Rate {
            words.push("--by rate".into());
        }
        words.extend(self.spec.iter().map(|spec| format!("--spec {spec}")));
        words.push(format!("--seed {seed}"));
        words.extend(self.server.words());
        words.extend(self.phase.iter().map(|phase| format!("--phase {phase}")));
        words.extend(self.steady.map(|steady| format!("--steady {}", seconds(steady))));
        words.push(format!("--warm-up {}", seconds(self.warm_up)));
        words.extend(self.fair_weather.then(|| "--fair-weather".to_owned()));
        words.extend(self.from.map(|from| format!("--from {from}")));
        words.extend(self.at_least.map(|wanted| format!("--at-least {wanted}")));
        words.push(format!("--precision {}%", (self.precision * 1e6).round() / 1e4));
        words.push(format!("--tries {}", self.tries));
        words.extend(self.shards.map(|shards| format!("--shards {shards}")));
        words.extend(self.sources.iter().map(|source| format!("--source {source}")));
        if let Some(transport) = self.transport.and_then(|transport| transport.to_possible_value())
        {
            words.push(format!("--transport {}", transport.get_name()));
        }
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args as _, Command, FromArgMatches};

    fn parse(line: &str) -> Result<Args, clap::Error> {
        let command = Args::augment_args(Command::new("capacity").no_binary_name(true));
        Args::from_arg_matches(&command.try_get_matches_from(line.split(' '))?)
    }

    #[test]
    fn a_full_line_is_understood_and_said_again() {
        let line = "talk --by rate --seed 7 --target http://a --phase talk --steady 1500ms \
                    --warm-up 500ms --fair-weather --from 10 --precision 3% --tries 5 --shards 2";
        let args = parse(line).unwrap();
        assert_eq!((args.by, args.steady), (Raise::Rate, Some(Duration::from_millis(1_500))));
        let said = args.command_line(7);
        assert_eq!(said, format!("assize capacity {line}"));
        assert_eq!((args.budget, args.most.get()), (Duration::from_secs(600), 1_000_000));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in ["talk --precision 0%", "talk --tries 0", "talk --from 0", "talk --budget soon"]
        {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("talk --at-least 5 --most 9").is_err());
        assert!(parse("talk --limit rate=4 --target http://a").is_err());
    }
}
