//! `assize explore`: searches for races with plans that nobody wrote.

use crate::cli::server::Subject;
use crate::cli::signals::Signals;
use crate::cli::staging::Staging;
use crate::cli::{Colour, Failure, corpus, display, files, load, stored};
use crate::explore::{self, Find, Progress, Search, shrink};
use crate::metric::quantity;
use crate::outcome::{Exit, Exploration};
use crate::plan::saved::{Found, Saved, Server, SpecMark};
use crate::property;
use crate::report::Folder;
use crate::report::exploration::{FORMATS, render};
use crate::source;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

const EXAMPLES: &str = "\
Examples:
  assize explore --spec callback-ack --bug create-race   see what a found race looks like
  assize explore --spec mine --target http://host:3000   on your server
  assize explore --spec mine --launch my-scenario        on a server that the harness starts
  assize explore --spec mine --target URL --only idempotency --budget 10m
  assize explore --spec mine --target URL --seed 7       the same plans again
  assize explore --spec callback-ack --simulate --seed 7 --plans 1000
                                                         the same histories again, in virtual time

Plans are small: two to six people, one to four conversations, and steps that share something, released
together. They run many at once, with fresh people each, so nothing has to be reset. What fails is saved
at once (`--corpus`), played again to see how often it does, made smaller when the search is over, and
runs first next time; `assize replay` plays it as often as you like. Ctrl-C ends the search early, and loses nothing.

Exit codes: 0 nothing promised was broken; 1 something was, or the server ended; 4 no plan could be
played; 64 and 65 mistakes; 69 no server; 70 the harness failed; 130 interrupted. docs/explore.md says
more.";

/// The arguments of `explore`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The server's spec: a file, or a name in `specs/`.
    #[arg(long)]
    pub spec: String,
    /// The server.
    #[command(flatten)]
    pub server: Subject,
    /// How long the search may take.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = budget)]
    pub budget: Duration,
    /// How many plans are drawn at most.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub plans: Option<u64>,
    /// The seed of the plans, and of simulated worlds; without it another one each time.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Only this property is looked at; can be repeated.
    #[arg(long = "only", value_name = "PROPERTY")]
    pub only: Vec<String>,
    /// Ends with the first failure, in place of the budget.
    #[arg(long)]
    pub first: bool,
    /// Leaves plans as large as they were found.
    #[arg(long)]
    pub no_shrink: bool,
    /// Plans may restart a server that `--launch` starts (each then has one of its own).
    #[arg(long, requires = "launch")]
    pub restarts: bool,
    /// The folder of plans that failed: they are played first, and new ones are saved there.
    #[arg(long, value_name = "DIR", default_value = files::REGRESSIONS)]
    pub corpus: PathBuf,
    /// How plays are staged.
    #[command(flatten)]
    pub staging: Staging,
    /// Where the folder of the run is made.
    #[arg(long, value_name = "DIR", default_value = files::REPORTS)]
    pub out: PathBuf,
    /// Shows no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Searches, and prints what was found.
///
/// # Errors
/// The spec or a plan of the corpus has mistakes, there is no such property, the target cannot be tried,
/// or the harness failed.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let load::Loaded { value: spec, text } = load::spec(&args.spec)?;
    args.only.iter().try_for_each(|id| known_property(id))?;
    let mark = SpecMark::of(&args.spec, &text);
    let corpus = corpus::of_spec(&args.corpus, &mark)?;
    let target = args.server.choice()?;
    let (stop, interrupt) = watch::channel(false);
    let seed = args.seed.unwrap_or_else(|| crate::cli::run::run_number() % 1_000_000);
    let settings = Search {
        seed,
        budget: args.budget,
        plans: args.plans,
        only: args.only.clone(),
        first: args.first,
        restarts: args.restarts,
        shrink: (!args.no_shrink).then(shrink::Budget::default),
        corpus,
        arena: args.staging.settings(Arc::new(spec), target, seed, interrupt),
    };
    let started = SystemTime::now();
    let keeper = Keeper {
        folder: &args.corpus,
        mark,
        server: args.server.origin(settings.arena.simulate),
        seed,
    };
    let mut talk = Talk::new(args.quiet);
    let found = until_stopped(&stop, async {
        let show = |progress: &Progress| talk.show(progress);
        explore::search(&settings, |find| keeper.keep(find), show).await
    })?;
    talk.finish();
    let found = found.map_err(crate::cli::run::failure)?;
    display::print(&render(&found, display::stdout(colour)))?;
    let is_written = store(&found, started, args);
    Ok(stored::exit(found.exit(), is_written))
}

/// Does it; the first signal asks it to stop, the second ends it at once.
///
/// # Errors
/// It was ended at once, or could not begin.
pub fn until_stopped<T>(
    stop: &watch::Sender<bool>,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("cannot start: {error}")))?;
    let result = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                result = &mut work => return Ok(result),
                () = signals.next() => {}
            }
            if stop.send_replace(true) {
                return Err(Failure::interrupted("stopped at once; what was found is saved"));
            }
        }
    });
    runtime.shutdown_background();
    result
}

pub(super) fn budget(text: &str) -> Result<Duration, String> {
    let found = source::duration(text).filter(|budget| !budget.is_zero());
    found.ok_or_else(|| format!("`{text}` is no duration; `90s`, `2m` and `1h` are"))
}

fn known_property(id: &str) -> Result<(), Failure> {
    if property::find(id).is_some() {
        return Ok(());
    }
    let failure = Failure::usage(format!("there is no property `{id}`"));
    Err(match source::suggestion(id, property::ids()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`assize list properties` names them all"),
    })
}

/// Saves what was found.
struct Keeper<'a> {
    folder: &'a Path,
    mark: SpecMark,
    server: Server,
    seed: u64,
}

impl Keeper<'_> {
    /// Writes the plan; where it is.
    fn keep(&self, find: &Find) -> String {
        corpus::keep(self.folder, &self.saved(find), &find.file)
    }

    fn saved(&self, find: &Find) -> Saved {
        let found = Found {
            seed: self.seed,
            plan: find.plan.unwrap_or_default(),
            by: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Saved {
            name: None,
            says: None,
            breaks: find.property.clone(),
            seen: find.seen.clone(),
            failed: find.failed,
            spec: self.mark.clone(),
            server: self.server.clone(),
            found: Some(found),
            script: (*find.script).clone(),
        }
    }
}

/// Writes the folder of the run, and says whether it is whole; what fails is said, and what was found
/// stands above already.
fn store(found: &Exploration, started: SystemTime, args: &Args) -> bool {
    let written = Folder::create(&args.out, started, "explore", &found.spec).map_err(|e| vec![e]);
    let written = written.and_then(|folder| {
        folder.write_reports(FORMATS.iter().map(|format| (format.file, (format.render)(found))))?;
        folder.publish().map_err(|error| vec![error])?;
        Ok(folder)
    });
    stored::told(&written, args.quiet)
}

/// How far it is: a line on a terminal that is drawn over; in a log, failures and now and then a line.
enum Talk {
    Live(usize, ProgressBar),
    Plain { failures: usize, next: Duration },
    Quiet,
}

impl Talk {
    fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Plain { failures: 0, next: Duration::from_secs(10) };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:24}  {wide_msg}");
        bar.set_style(style.expect("the template is valid"));
        Self::Live(0, bar)
    }

    fn show(&mut self, progress: &Progress) {
        match self {
            Self::Quiet => {}
            Self::Live(failures, bar) => {
                if progress.failures > *failures {
                    *failures = progress.failures;
                    bar.println(newest(progress));
                }
                bar.set_length(progress.budget.as_millis() as u64);
                bar.set_position(progress.elapsed.min(progress.budget).as_millis() as u64);
                bar.set_message(line(progress));
            }
            Self::Plain { failures, next } => {
                if progress.failures > *failures {
                    *failures = progress.failures;
                    display::say(newest(progress));
                }
                if progress.elapsed >= *next {
                    *next = progress.elapsed + Duration::from_secs(10);
                    display::say(line(progress));
                }
            }
        }
    }

    fn finish(self) {
        if let Self::Live(_, bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn newest(progress: &Progress) -> String {
    format!("failure: {}", progress.newest.as_deref().unwrap_or_default())
}

fn line(progress: &Progress) -> String {
    let seconds = progress.elapsed.as_secs_f64();
    let pace = if seconds > 0.0 { progress.plans as f64 / seconds } else { 0.0 };
    let plans = quantity::counted(progress.plans, "plan");
    let failures = quantity::counted(progress.failures as u64, "failure");
    let findings = match progress.findings {
        0 => String::new(),
        count => format!(", {}", quantity::counted(count as u64, "finding")),
    };
    let doing = progress.doing.as_ref().map_or_else(String::new, |doing| format!("; {doing}"));
    format!("{seconds:.0} s: {plans}, {pace:.0}/s, {failures}{findings}{doing}")
}
