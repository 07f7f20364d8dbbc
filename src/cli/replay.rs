//! `assize replay`: plays a saved plan many times, to see whether it still fails.

use crate::cli::explore::until_stopped;
use crate::cli::server::Subject;
use crate::cli::staging::Staging;
use crate::cli::{Colour, Failure, corpus, display, load};
use crate::explore::{self, Answer, Replayed};
use crate::outcome::Exit;
use crate::outcome::exploration::{Defect, Exploration, SCHEMA};
use crate::plan::saved::{Saved, SpecMark};
use crate::property;
use crate::report::exploration;
use crate::report::folder::write_whole;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

const EXAMPLES: &str = "\
Examples:
  assize replay scenarios/regressions/mine-idempotency-two-ids-for-one-key.yaml
  assize replay PLAN --runs 200                        on the server where it was found
  assize replay PLAN --target http://host:3000         on the server that shall be fixed
  assize replay PLAN --embedded                        on the honest reference server
  assize replay PLAN --simulate --seed 7               in virtual time, the same each time
  assize replay PLAN --report reports/race             a page with the failing play as a diagram

FAILED says in how many plays, and where the true rate lies (Wilson, 95 %). FIXED is said only when so
many plays passed that the rate of the file is excluded.

Exit codes: 0 fixed; 1 failed; 3 all plays passed, but they are too few; 4 could not run; 64 and 65
mistakes; 69 no server; 70 the harness failed; 130 interrupted.";

/// The arguments of `replay`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The plan: a file, a name in `scenarios/regressions/`, or that of its case, `regressions/NAME`.
    pub plan: String,
    /// How many times it is played; without it 50 times, or as often as is needed to say FIXED.
    #[arg(long, value_name = "COUNT")]
    pub runs: Option<NonZeroU32>,
    /// The server's spec, in place of the plan's.
    #[arg(long)]
    pub spec: Option<String>,
    /// The seed of simulated worlds, in place of that in which the plan was found.
    #[arg(long, value_name = "N", requires = "simulate")]
    pub seed: Option<u64>,
    /// The server, in place of the one on which the plan was found.
    #[command(flatten)]
    pub server: Subject,
    /// The embedded server without bugs, in place of the one on which the plan was found.
    #[arg(long, conflicts_with_all = ["targets", "launch", "bugs"])]
    pub embedded: bool,
    /// How plays are staged.
    #[command(flatten)]
    pub staging: Staging,
    /// Writes the report of it there, with the failing play as a space-time diagram.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Shows no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Plays that tell enough of most races.
const RUNS: u32 = 50;
/// The most plays that are added to say FIXED.
const MOST: u32 = 1_000;

/// Plays the plan, and prints the answer.
///
/// # Errors
/// The plan or the spec has mistakes, the target cannot be tried, or the harness failed.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let path = corpus::find(&args.plan)?;
    let saved = load::plan(&path.display().to_string())?;
    let name = args.spec.as_ref().unwrap_or(&saved.spec.name);
    let load::Loaded { value: spec, text } = load::spec(name)?;
    if let Some(differs) = saved.differs(&SpecMark::of(name, &text)) {
        display::say(format_args!("note: {differs}"));
    }
    if let Some(found) = saved.found.as_ref().filter(|found| found.by != env!("CARGO_PKG_VERSION"))
    {
        let (by, now) = (&found.by, env!("CARGO_PKG_VERSION"));
        display::say(format_args!("note: the plan was saved by version {by}, and this is {now}"));
    }
    let Ground { server, simulate } = ground(args, &saved);
    let target = server.choice()?;
    let (stop, interrupt) = watch::channel(false);
    let settings = args.staging.settings(Arc::new(spec), target, 0, interrupt);
    let settings = explore::Settings { simulate, ..settings };
    let runs = args.runs.map_or_else(|| explore::enough(&saved).clamp(RUNS, MOST), NonZeroU32::get);
    let show = |plays: u32, failed: u32| {
        if !args.quiet && plays < runs {
            display::say(format_args!("{plays} of {runs} plays, {failed} failed"));
        }
    };
    let began = Instant::now();
    let replayed = until_stopped(&stop, explore::replay(&settings, &saved, runs, show))?;
    let replayed = replayed.map_err(crate::cli::run::failure)?;
    display::print(&exploration::replayed(&replayed, &saved, display::stdout(colour)))?;
    if let Answer::TooFew { enough, .. } = replayed.answer {
        let plan = shown(&path);
        display::say(format_args!("hint: `assize replay {plan} --runs {enough}` would be enough"));
    }
    if let Some(folder) = &args.report {
        let found = told(&replayed, &saved, server_words(&server, simulate), &path);
        write(folder, &Exploration { nanos: began.elapsed().as_nanos() as u64, ..found });
    }
    Ok(replayed.exit())
}

/// The replay as a search that found one defect, or none.
fn told(replayed: &Replayed, saved: &Saved, target: String, path: &Path) -> Exploration {
    let (failed, of) = match replayed.answer {
        Answer::Failed { failed, of } => (failed, of),
        Answer::Fixed { passed, .. } | Answer::TooFew { passed, .. } => (0, passed),
        Answer::Ended(_) | Answer::CouldNotRun(_) => (0, 0),
    };
    let page = property::find(&saved.breaks).map(property::Property::page);
    let defect = replayed.broken.as_ref().map(|(broken, names)| Defect {
        property: saved.breaks.clone(),
        promised: broken.promised,
        promise: page.map_or_else(String::new, |page| page.title.to_owned()),
        source: page.map_or_else(String::new, |page| page.source.to_owned()),
        seen: broken.kind().to_owned(),
        script: saved.script.to_string(),
        failed: Some((failed, of)),
        file: shown(path),
        known: true,
        violation: broken.finding.violations.first().cloned(),
        names: names.clone(),
        scene: broken.scene.clone(),
        ..Defect::default()
    });
    Exploration {
        schema: SCHEMA,
        spec: saved.spec.name.clone(),
        target,
        version: env!("CARGO_PKG_VERSION").into(),
        seed: saved.found.as_ref().map_or(0, |found| found.seed),
        plans: u64::from(of.min(1)),
        plays: u64::from(of),
        defects: defect.into_iter().collect(),
        died: match &replayed.answer {
            Answer::Ended(why) => Some(why.clone()),
            _ => None,
        },
        notes: replayed.obstacles.clone(),
        interrupted: replayed.interrupted,
        ..Exploration::default()
    }
}

/// Writes each format of the report; what fails is said.
fn write(folder: &Path, found: &Exploration) {
    let made = std::fs::create_dir_all(folder).map_err(|error| error.to_string());
    let written = made.and_then(|()| {
        exploration::FORMATS.iter().try_for_each(|format| {
            let text = (format.render)(found);
            write_whole(&folder.join(format.file), text.as_bytes()).map_err(|e| e.to_string())
        })
    });
    match written {
        Ok(()) => display::say(format_args!("report: {}", folder.display())),
        Err(error) => display::say(format_args!("warning: the report is not written: {error}")),
    }
}

/// What a plan is played on.
struct Ground {
    server: Subject,
    /// The seed of its worlds, if it is simulated.
    simulate: Option<u64>,
}

/// What is asked for, or what the plan was found on; in simulated worlds the server of that, if it was the
/// embedded one.
fn ground(args: &Args, saved: &Saved) -> Ground {
    let (asked, found) = (&args.server, &saved.server);
    let seed = args.seed.or(found.simulate).unwrap_or(1);
    let simulate = args.staging.simulate.then_some(seed);
    let named = !asked.targets.is_empty() || asked.launch.is_some() || !asked.bugs.is_empty();
    if named || args.embedded {
        return Ground { server: asked.clone(), simulate };
    }
    let there = simulate.is_none();
    let server = Subject {
        targets: found.targets.iter().filter(|_| there).cloned().collect(),
        nodes: found.nodes.and_then(NonZeroU32::new).unwrap_or(asked.nodes),
        launch: found.launch.clone().filter(|_| there),
        bugs: found.bugs.clone(),
    };
    Ground { server, simulate: simulate.or(found.simulate) }
}

/// What the report calls it.
fn server_words(server: &Subject, simulate: Option<u64>) -> String {
    let mut words = server.words();
    words.extend(simulate.map(|seed| format!("simulated with seed {seed}")));
    if words.is_empty() { "embedded reference server".into() } else { words.join(" ") }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
