//! `assize conform`: runs the conformance catalogue against a server.

use crate::cli::explore::until_stopped;
use crate::cli::server::Subject;
use crate::cli::signals::Signals;
use crate::cli::staging::Staging;
use crate::cli::{Colour, Failure, corpus, display, files, gate, load, stored};
use crate::conform::{self, Choice, Progress, Settings, catalogue};
use crate::engine::TargetChoice;
use crate::explore;
use crate::metric::quantity;
use crate::outcome::conformance::Case;
use crate::outcome::{Conformance, Exit, Source};
use crate::plan::saved::SpecMark;
use crate::report::Folder;
use crate::report::conformance::{FORMATS, terminal};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Notify, watch};

const EXAMPLES: &str = "\
Examples:
  assize conform --spec callback-ack                     the catalogue, on the embedded server
  assize conform --spec mine --target http://host:3000   on your server
  assize conform --spec mine --launch my-scenario        on a server that the harness starts
  assize conform --spec mine --target http://host:3001 --target http://host:3002
                                                         on the two nodes of your server
  assize conform --spec sequenced --nodes 2              on an embedded server of two nodes
  assize conform --spec callback-ack ordering            the cases of one property
  assize conform --spec callback-ack idempotency/at-once-on-two-devices --trace
                                                         one case, with its packets
  assize conform --spec callback-ack --bug dedup-race    see what a failure looks like
  assize conform --spec mine --target URL regressions    the plans that failed before, and no others

`assize list cases` names all cases, `assize explain CASE` shows what one does. What the spec does
not promise is judged, too, and shown as a finding that does not fail the run. Cases that stop and
start the server are played where the harness starts it (embedded, or with `--launch`), and are not
supported with `--target`.

Exit codes: 0 no failure that counts; 1 a case failed, or passed that is listed as a known failure;
3 in doubt; 4 nothing passed, or nothing was seen of a promised property; 64 and 65 mistakes; 69 no
server, or it died; 70 the harness failed; 74 the report could not be written; 130 interrupted. docs/conformance.md says more.";

/// How often a reader without a terminal is told how far it is.
const TELLS: Duration = Duration::from_secs(5);

/// The arguments of `conform`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Cases or properties; without any, the whole catalogue.
    #[arg(value_name = "CASE")]
    pub cases: Vec<String>,
    /// The server's spec: a file, or a name in `specs/`.
    #[arg(long)]
    pub spec: String,
    /// The server.
    #[command(flatten)]
    pub server: Subject,
    /// What the simulated worlds follow from: delays, races, ids
    #[arg(long, value_name = "N", requires = "simulate", default_value_t = 1)]
    pub seed: u64,
    /// Only the cases that take a few seconds.
    #[arg(long)]
    pub quick: bool,
    /// Cases that say `should` count as those that say `must`.
    #[arg(long)]
    pub strict: bool,
    /// Shows the packets of each case that fails.
    #[arg(long)]
    pub trace: bool,
    /// How plays are staged.
    #[command(flatten)]
    pub staging: Staging,
    /// The folder of plans that failed before (`assize explore`): those of the spec are played first.
    #[arg(long, value_name = "DIR", default_value = files::REGRESSIONS)]
    pub corpus: PathBuf,
    /// Where the folder of the run is made.
    #[arg(long, value_name = "DIR", default_value = files::REPORTS)]
    pub out: PathBuf,
    /// Shows no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Runs the catalogue and prints what came of it.
///
/// # Errors
/// The spec has mistakes, no case has such a name, the target cannot be tried, or the harness
/// failed.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let load::Loaded { value: spec, text } = load::spec(&args.spec)?;
    let choice = Choice { names: args.cases.clone(), quick: args.quick };
    choice.of(catalogue()).map_err(|unknown| Failure::usage(unknown.to_string()))?;
    let interrupt = Arc::new(Notify::new());
    let target = args.server.choice()?;
    let mut settings = Settings {
        at_once: args.staging.at_once(&target),
        target,
        transport: args.staging.transport(),
        choice,
        strict: args.strict,
        trace: args.trace,
        run: crate::cli::run::run_number(),
        simulate: args.staging.simulate.then_some(args.seed),
        interrupt: Arc::clone(&interrupt),
        command: command_line(args),
        before: Vec::new(),
        spec: Arc::new(spec),
    };
    let started = SystemTime::now();
    settings.before = regressions(args, &settings, &text)?;
    if let Some(fallen) = fallen(&settings) {
        return Err(fallen);
    }
    let mut run = drive(settings, &interrupt, args)?;
    run.sources.push(Source { file: "spec.yaml".into(), text: text.clone() });
    display::print(&terminal::render(&run, display::stdout(colour)))?;
    let is_written = store(&run, started, args);
    let path = files::resolve(files::SPECS, &args.spec);
    gate::announce_conformance(&run, &gate::File { path, text });
    Ok(stored::exit(run.exit(), is_written))
}

/// How many times each plan is played.
const REPLAYS: u32 = 10;

/// Plays the plans that failed before, first of all, unless some cases of the catalogue alone are asked for.
fn regressions(args: &Args, settings: &Settings, text: &str) -> Result<Vec<Case>, Failure> {
    let Some(names) = settings.choice.saved() else { return Ok(Vec::new()) };
    let plans = corpus::of_spec(&args.corpus, &SpecMark::of(&args.spec, text))?;
    let plans = corpus::named(plans, &names)?;
    if plans.is_empty() {
        return Ok(Vec::new());
    }
    let (stop, interrupt) = watch::channel(false);
    let target = settings.target.clone();
    let arena = args.staging.settings(Arc::clone(&settings.spec), target, args.seed, interrupt);
    let show = |case: &str| {
        if !args.quiet {
            display::say(format_args!("playing {case}"));
        }
    };
    let played = explore::regressions(&arena, &plans, REPLAYS, &settings.command, show);
    let cases = until_stopped(&stop, played)?.map_err(crate::cli::run::failure)?;
    match *stop.borrow() {
        true => Err(Failure::interrupted("stopped while the saved plans were played")),
        false => Ok(cases),
    }
}

/// A running server that a saved plan has ended: the catalogue has nobody to be played with.
fn fallen(settings: &Settings) -> Option<Failure> {
    let TargetChoice::Running(_) = settings.target else { return None };
    let first = |case: &Case| case.finding.violations.first().cloned();
    let mut ends = settings.before.iter().filter_map(|case| Some((&case.name, first(case)?)));
    let (name, end) = ends.find(|(_, violation)| violation.summary == explore::ENDED)?;
    Some(Failure::broken(format!("`{name}` ended the server: {}", end.therefore)))
}

/// Writes the folder of the run, and says whether it is whole; what fails is said, and the verdicts stand
/// above already.
fn store(run: &Conformance, started: SystemTime, args: &Args) -> bool {
    let written = Folder::create(&args.out, started, "conform", &run.spec).map_err(|e| vec![e]);
    let written = written.and_then(|folder| {
        let reports = FORMATS.iter().map(|format| (format.file, (format.render)(run)));
        folder.write_reports(reports)?;
        folder.publish().map_err(|error| vec![error])?;
        Ok(folder)
    });
    stored::told(&written, args.quiet)
}

fn drive(settings: Settings, interrupt: &Notify, args: &Args) -> Result<Conformance, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("cannot start: {error}")))?;
    let mut talk = Talk::new(args.quiet);
    let result = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let run = conform::run(settings, |progress| talk.show(progress));
        let mut run = std::pin::pin!(run);
        let mut stopping = false;
        loop {
            tokio::select! {
                result = &mut run => return result.map_err(crate::cli::run::failure),
                () = signals.next() => {}
            }
            if std::mem::replace(&mut stopping, true) {
                return Err(Failure::interrupted("stopped at once; nothing was judged"));
            }
            interrupt.notify_one();
        }
    });
    talk.finish();
    runtime.shutdown_background();
    result
}

/// How far it is: a line on a terminal that is drawn over; in a log, what fails and now and then
/// how far.
enum Talk {
    Live(ProgressBar),
    Plain { told: usize, next: Duration, of: usize },
    Quiet,
}

impl Talk {
    fn new(quiet: bool) -> Self {
        if quiet {
            return Self::Quiet;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Plain { told: 0, next: TELLS, of: 0 };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:24} {pos} of {len} cases  {wide_msg}");
        bar.set_style(style.expect("the template is valid"));
        Self::Live(bar)
    }

    fn show(&mut self, progress: &Progress) {
        if let Some(warning) = &progress.warning {
            display::say(format_args!("warning: {warning}"));
        }
        match self {
            Self::Quiet => {}
            Self::Live(bar) => {
                bar.set_length(progress.of as u64);
                bar.set_position(progress.done as u64);
                let failed = quantity::counted(progress.failed.len() as u64, "failure");
                let waiting = progress.running.first().map_or("", String::as_str);
                bar.set_message(format!(
                    "{:.0} s, {failed}; {waiting}",
                    progress.elapsed.as_secs_f64()
                ));
            }
            Self::Plain { told, next, of } => {
                // When cases are played once more, the list begins anew.
                for name in progress.failed.get(*told..).unwrap_or_default() {
                    display::say(format_args!("failed: {name}"));
                }
                *told = progress.failed.len();
                if *of != 0 && *of != progress.of {
                    *next = progress.elapsed;
                }
                *of = progress.of;
                if progress.elapsed >= *next {
                    *next = progress.elapsed + TELLS;
                    display::say(format_args!(
                        "{:.0} s: {} of {} cases",
                        progress.elapsed.as_secs_f64(),
                        progress.done,
                        progress.of
                    ));
                }
            }
        }
    }

    fn finish(self) {
        if let Self::Live(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// The command that makes this run again; names of cases may follow.
fn command_line(args: &Args) -> String {
    let mut words = vec![format!("assize conform --spec {}", args.spec)];
    words.extend(args.server.words());
    words.extend(args.staging.simulate.then(|| format!("--simulate --seed {}", args.seed)));
    words.extend(args.staging.words());
    words.extend(args.strict.then(|| "--strict".to_owned()));
    words.join(" ")
}
