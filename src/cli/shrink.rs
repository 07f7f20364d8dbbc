//! `assize shrink`: cuts the witness of a failure out of the record of a run, and makes a small plan of it.

use crate::cli::explore::until_stopped;
use crate::cli::server::Subject;
use crate::cli::staging::Staging;
use crate::cli::{Colour, Failure, corpus, display, files, load, report};
use crate::explore::contest::Rate;
use crate::explore::shrink::{Budget, Shrunk, Trials, example, shrink};
use crate::explore::{Arena, Broken, Over, witness};
use crate::history::stored::Reader;
use crate::history::{ClientId, Entry};
use crate::metric::quantity;
use crate::outcome::exploration::Defect;
use crate::outcome::{Exit, Outcome};
use crate::plan::saved::{Found, Saved, SpecMark};
use crate::plan::script::{Script, Step};
use crate::report::exploration;
use crate::verdict::{Standing, Verdict, Violation};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const EXAMPLES: &str = "\
Examples:
  assize shrink                              the failure of the last run, on the server of that run
  assize shrink reports/latest --property idempotency
  assize shrink reports/latest --target http://host:3000

What the people concerned did is cut out of the history of the run, played until it fails again, and made
smaller as long as it fails at least half as often. The plan is saved in `--corpus`; `assize replay` plays
it.

Exit codes: 0 a plan is saved; 3 what was cut out does not fail by itself; 64 and 65 mistakes, or no failure
to shrink; 69 no server; 70 the harness failed; 130 interrupted.";

/// Violations of a property that are cut out, one after the other, until one fails again.
const VIOLATIONS: usize = 4;
/// Plays that a witness has to fail in.
const TRIES: u32 = 40;

/// The arguments of `shrink`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the run.
    #[arg(value_name = "RUN_FOLDER", default_value = "reports/latest")]
    pub run: PathBuf,
    /// Which broken property, if several were.
    #[arg(long, value_name = "ID")]
    pub property: Option<String>,
    /// The server, in place of the run's.
    #[command(flatten)]
    pub server: Subject,
    /// The seed of simulated worlds.
    #[arg(long, value_name = "N", requires = "simulate", default_value_t = 1)]
    pub seed: u64,
    /// How long the plan may be made smaller.
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = crate::cli::explore::budget)]
    pub budget: Duration,
    /// The folder in which the plan is saved.
    #[arg(long, value_name = "DIR", default_value = files::REGRESSIONS)]
    pub corpus: PathBuf,
    /// How plays are staged.
    #[command(flatten)]
    pub staging: Staging,
    /// Shows no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Cuts, plays, shrinks and saves.
///
/// # Errors
/// There is no run with a failure and a history in the folder, the target cannot be tried, or the harness
/// failed.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let outcome = report::read(&args.run)?;
    let verdict = failure_of(&outcome, args)?;
    let witnesses = witnesses(args, &outcome, verdict)?;
    let spec_file = args.run.join("spec.yaml").display().to_string();
    let load::Loaded { value: spec, text } = load::spec(&spec_file)?;
    let server = server(args, &outcome);
    let target = server.choice()?;
    let (stop, interrupt) = watch::channel(false);
    let settings = args.staging.settings(Arc::new(spec), target, args.seed, interrupt);
    let property = verdict.property.as_str();
    let talk = |what: &str| {
        if !args.quiet {
            display::say(what);
        }
    };
    let made = until_stopped(&stop, async {
        let mut arena = Arena::open(&settings).await?;
        let made = make(&mut arena, property, &witnesses, args.budget, talk).await;
        arena.dismiss().await;
        Ok(made)
    })?;
    let made = made.map_err(crate::cli::run::failure)?;
    let Made { shrunk, broken } = match made {
        Ok(made) => made,
        Err(Unmade::Over(Over::Interrupted)) => {
            return Err(Failure::interrupted("interrupted before it failed again"));
        }
        Err(Unmade::Over(Over::Died(why))) => return Err(Failure::unreachable(why)),
        Err(Unmade::Passes(plays)) => return Ok(passes(property, plays, &outcome, &server)),
    };
    let mark = mark(&outcome, &text, &spec_file);
    let plan = Saved {
        name: None,
        says: None,
        breaks: property.to_owned(),
        seen: broken.as_ref().map_or(String::new(), |(broken, _)| broken.kind().to_owned()),
        failed: Some((shrunk.rate.failed, shrunk.rate.runs)),
        spec: mark,
        server: server.origin(settings.simulate),
        found: Some(Found {
            seed: outcome.run.seed,
            plan: 0,
            by: env!("CARGO_PKG_VERSION").to_owned(),
        }),
        script: (*shrunk.script).clone(),
    };
    let file = corpus::keep_smallest(&args.corpus, &plan);
    let shown = defect(verdict, &plan, &shrunk, broken, file);
    display::print(&exploration::block(&shown, display::stdout(colour)))?;
    Ok(Exit::Held)
}

/// The property that is looked at: the one that is named, or the first promised one that is broken, or the
/// first that is.
fn failure_of<'o>(outcome: &'o Outcome, args: &Args) -> Result<&'o Verdict, Failure> {
    let run = args.run.display();
    let mut broken = outcome.verdicts.iter().filter(|verdict| {
        verdict.standing == Standing::Fail && !verdict.finding.violations.is_empty()
    });
    let ids: Vec<&str> = broken.clone().map(|verdict| verdict.property.as_str()).collect();
    if ids.is_empty() {
        let why = match outcome.is_judged() {
            true => format!("nothing was broken in `{run}`"),
            false => format!("`{run}` was not judged, so nothing is known to be broken"),
        };
        return Err(Failure::bad_input(why)
            .hint("name the folder of a run that failed; `assize explore` searches without one"));
    }
    match &args.property {
        Some(id) => broken.find(|verdict| verdict.property == *id).ok_or_else(|| {
            Failure::usage(format!("`{id}` was not broken in `{run}`"))
                .hint(format!("broken were: {}", ids.join(", ")))
        }),
        None => {
            let promised = broken.clone().find(|verdict| verdict.promised);
            Ok(promised.or_else(|| broken.next()).expect("there is one"))
        }
    }
}

/// The scripts of the violations, those that can be made.
fn witnesses(args: &Args, outcome: &Outcome, verdict: &Verdict) -> Result<Vec<Script>, Failure> {
    let folder = args.run.join("history");
    if !folder.is_dir() {
        let what = format!("`{}` has no history to cut a witness out of", args.run.display());
        return Err(
            Failure::bad_input(what).hint("`assize run` stores it, unless `--no-history` is said")
        );
    }
    let violations = &verdict.finding.violations[..];
    let mut open: Vec<&Violation> = violations.iter().take(VIOLATIONS).collect();
    let mut scripts: Vec<Script> = Vec::new();
    let mut obstacle = "its history has nothing of it".to_owned();
    for number in 0..outcome.run.shards {
        let entries = entries(&folder.join(format!("shard-{number}.jsonl")))?;
        open.retain(|violation| {
            if !has(&entries, violation) {
                return true;
            }
            match witness::cut(&entries, violation) {
                Ok(script) if !scripts.contains(&script) => scripts.push(script),
                Ok(_) => {}
                Err(why) => obstacle = why,
            }
            false
        });
        if open.is_empty() {
            break;
        }
    }
    if scripts.is_empty() {
        let property = &verdict.property;
        return Err(Failure::bad_input(format!("no plan can be made of `{property}`: {obstacle}"))
            .hint(format!("`assize explore --only {property}` searches for one")));
    }
    Ok(scripts)
}

/// What can be read of a shard's history.
fn entries(path: &Path) -> Result<Vec<Entry>, Failure> {
    let unreadable = |why: String| {
        let what = format!("cannot read `{}`: {why}", path.display());
        Failure::bad_input(what).hint("`assize check` says what is wrong with the history")
    };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let reader = Reader::new(BufReader::new(file));
    let reader = reader.map_err(|damaged| unreadable(damaged.to_string()))?;
    Ok(reader.map_while(Result::ok).collect())
}

/// The violation happened in this shard.
fn has(entries: &[Entry], violation: &Violation) -> bool {
    violation.exhibits.last().is_some_and(|exhibit| {
        let first = entries.partition_point(|entry| entry.at < exhibit.at);
        let same = entries[first..].iter().take_while(|entry| entry.at == exhibit.at);
        same.clone().any(|entry| entry.client == exhibit.client)
    })
}

/// A plan that fails, and how.
struct Made {
    shrunk: Shrunk,
    broken: Option<(Broken, Vec<(ClientId, String)>)>,
}

/// Why there is none.
enum Unmade {
    /// All these plays passed.
    Passes(u32),
    Over(Over),
}

async fn make(
    arena: &mut Arena,
    property: &str,
    witnesses: &[Script],
    budget: Duration,
    talk: impl Fn(&str),
) -> Result<Made, Unmade> {
    let mut plays = 0;
    for (index, witness) in witnesses.iter().enumerate() {
        for script in [witness.clone(), at_once(witness)] {
            let script = Arc::new(script);
            let steps = quantity::counted(script.steps.len() as u64, "step");
            talk(&format!("playing witness {} of {}: {steps}", index + 1, witnesses.len()));
            let trial = arena.trial(&script, TRIES).await;
            if let Some(over) = trial.over {
                return Err(Unmade::Over(over));
            }
            for why in trial.obstacles() {
                talk(&format!("note: it could not be played: {why}"));
            }
            let (failed, of) = trial.rate(property);
            plays += of;
            if !trial.convicts(property) {
                continue;
            }
            let rate = Rate::new(failed, of);
            talk(&format!("it failed in {rate}; making it smaller"));
            let mut court = Trials { arena, sought: property.into() };
            let budget = Budget { time: budget, ..Budget::default() };
            let shrunk = shrink(&mut court, &script, &[], rate, budget).await;
            let broken = example(arena, &shrunk.script, property.into()).await;
            return Ok(Made { shrunk, broken });
        }
    }
    Err(Unmade::Passes(plays))
}

/// The same, without a delay between racing steps.
fn at_once(script: &Script) -> Script {
    let mut near = script.clone();
    for step in &mut near.steps {
        if let Step::Do { deeds, .. } = step {
            deeds.iter_mut().for_each(|deed| deed.after = Duration::ZERO);
        }
    }
    near
}

fn passes(property: &str, plays: u32, outcome: &Outcome, server: &Subject) -> Exit {
    let plays = quantity::counted(u64::from(plays), "play");
    display::say(format_args!("`{property}` held in {plays} of what was cut out of the run"));
    let words = server.words().join(" ");
    display::say(format_args!(
        "hint: `assize explore --spec {} {words} --only {property}` searches further",
        outcome.run.spec
    ));
    Exit::Inconclusive
}

/// The server that is asked for, or that of the run.
fn server(args: &Args, outcome: &Outcome) -> Subject {
    let asked = &args.server;
    if !asked.targets.is_empty() || asked.launch.is_some() || !asked.bugs.is_empty() {
        return asked.clone();
    }
    let target = outcome.run.target.as_str();
    let mut server = Subject { bugs: outcome.run.bugs.clone(), ..asked.clone() };
    if args.staging.simulate {
        return server;
    }
    if target.starts_with("http") && target.contains('`') {
        server.launch = Some(args.run.join("scenario.yaml").display().to_string());
    } else if target.starts_with("http") {
        server.targets = target.split(", ").map(str::to_owned).collect();
    } else if let Some((_, nodes)) = target.split_once(" of ") {
        let nodes = nodes.split(' ').next().and_then(|nodes| nodes.parse().ok());
        server.nodes = nodes.unwrap_or(server.nodes);
    }
    server
}

/// The spec by its name, if it still says what it said.
fn mark(outcome: &Outcome, text: &str, file: &str) -> SpecMark {
    let name = &outcome.run.spec;
    let same = load::spec(name).is_ok_and(|spec| spec.text == text);
    SpecMark::of(if same { name } else { file }, text)
}

fn defect(
    verdict: &Verdict,
    plan: &Saved,
    shrunk: &Shrunk,
    broken: Option<(Broken, Vec<(ClientId, String)>)>,
    file: String,
) -> Defect {
    let (broken, names) =
        broken.map_or((None, Vec::new()), |(broken, names)| (Some(broken), names));
    Defect {
        property: plan.breaks.clone(),
        promised: verdict.promised,
        promise: verdict.promise.clone(),
        source: verdict.source.clone(),
        seen: plan.seen.clone(),
        script: plan.script.to_string(),
        failed: plan.failed,
        shrunk: Some(shrunk.shrinkage()),
        file,
        known: true,
        scene: broken.as_ref().map(|broken| broken.scene.clone()).unwrap_or_default(),
        violation: broken.and_then(|broken| broken.finding.violations.into_iter().next()),
        names,
        ..Defect::default()
    }
}
