//! `assize check`: judges the stored history of a run again.

use crate::cli::{Colour, Failure, display, load, report};
use crate::history::stored::{Damaged, Reader};
use crate::metric::quantity;
use crate::outcome::{Exit, Outcome};
use crate::property::{self, Bench, Charge};
use crate::report::terminal;
use crate::spec::Spec;
use crate::verdict::{Finding, Verdict};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::thread;

const EXAMPLES: &str = "\
Examples:
  assize check                          the last run
  assize check reports/latest           the same verdicts as the run, byte for byte

It exits as the run did; with 65 if the history is damaged (what can be read of it is judged), and
with 70 if the verdicts are not those of the run.";

/// Damaged lines of one file that are told one by one.
const TOLD: usize = 10;

/// The arguments of `check`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the run.
    #[arg(value_name = "RUN_FOLDER", default_value = "reports/latest")]
    pub run: PathBuf,
}

/// What the judges found in one shard's history, and what of it could not be read.
#[derive(Default)]
struct Judged {
    findings: Option<Vec<Finding>>,
    damage: Vec<String>,
}

/// Prints the verdicts that follow from the stored history.
///
/// # Errors
/// There is no run in the folder, its history is damaged, or the verdicts are others than the run's.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    if args.run.is_file() {
        let hint = "name the run's folder: the history lies beside the report";
        return Err(Failure::usage(format!("`{}` is no folder", args.run.display())).hint(hint));
    }
    let mut outcome = report::read(&args.run)?;
    let spec = load::spec(&args.run.join("spec.yaml").display().to_string())?.value;
    let shards = judge_shards(&args.run, &outcome, &spec)?;
    let damage: Vec<&String> = shards.iter().flat_map(|shard| &shard.damage).collect();
    damage.iter().for_each(|damage| display::say(format_args!("damaged: {damage}")));
    let is_damaged = !damage.is_empty();
    let findings = shards.into_iter().filter_map(|shard| shard.findings);
    let verdicts = property::verdicts(&spec, property::merge(findings));
    let before = std::mem::replace(&mut outcome.verdicts, verdicts);
    display::print(&terminal::judgement(&outcome, display::stdout(colour)))?;
    compare(&before, &outcome, is_damaged)
}

fn compare(before: &[Verdict], outcome: &Outcome, is_damaged: bool) -> Result<Exit, Failure> {
    // A run without judges has nothing to compare with: these are its first verdicts.
    let same = before.is_empty() || text(before) == text(&outcome.verdicts);
    if is_damaged {
        let so = if same { "still" } else { "no longer" };
        return Err(Failure::bad_input(format!(
            "the history is damaged; the verdicts are {so} those of the run"
        ))
        .hint("what can be read was judged; it proves less than the whole"));
    }
    if same {
        return Ok(outcome.exit());
    }
    let changes: Vec<String> = before
        .iter()
        .zip(&outcome.verdicts)
        .filter(|(before, now)| before != now)
        .map(|(before, now)| {
            format!("\n  {}: was {}, is {}", now.property, before.standing, now.standing)
        })
        .collect();
    let changes = changes.concat();
    Err(Failure::internal(format!("THE VERDICTS ARE NOT THOSE OF THE RUN{changes}"))
        .hint("was the history, the spec or the report changed, or judged by another version?"))
}

fn text(verdicts: &[Verdict]) -> String {
    serde_json::to_string(verdicts).unwrap_or_default()
}

/// Judges each shard's history on a thread of its own, as the run did.
fn judge_shards(run: &Path, outcome: &Outcome, spec: &Spec) -> Result<Vec<Judged>, Failure> {
    let folder = run.join("history");
    if !folder.is_dir() {
        return Err(Failure::bad_input(format!("`{}` has no history", run.display()))
            .hint("`assize run` stores it, unless `--no-history` is said"));
    }
    let charge = Charge::of(spec);
    thread::scope(|scope| {
        let judges: Vec<_> = (0..outcome.run.shards)
            .map(|number| {
                let path = folder.join(format!("shard-{number}.jsonl"));
                let charge = &charge;
                scope.spawn(move || judge(&path, number, charge, spec))
            })
            .collect();
        let judged = judges.into_iter().map(thread::ScopedJoinHandle::join);
        judged.collect::<Result<_, _>>().map_err(|_| Failure::internal("a judge panicked"))
    })
}

/// Judges what can be read of one shard's history.
fn judge(path: &Path, number: u32, charge: &Charge, spec: &Spec) -> Judged {
    let at = path.display();
    let mut judged = Judged::default();
    let opened = File::open(path).map_err(|error| format!("{at}: {error}"));
    let reader = opened.and_then(|file| {
        Reader::new(BufReader::new(file)).map_err(|damaged| place(path, &damaged))
    });
    let reader = match reader {
        Ok(reader) => reader,
        Err(damage) => {
            judged.damage.push(damage);
            return judged;
        }
    };
    let header = reader.header();
    if header.shard != number || header.spec != spec.name {
        judged.damage.push(format!(
            "{at}:1: it is of shard {} on `{}`, not of shard {number} on `{}`",
            header.shard, header.spec, spec.name,
        ));
    }
    let mut bench = Bench::new(charge);
    let mut untold = 0;
    for entry in reader {
        match entry {
            Ok(entry) => bench.observe(&entry),
            Err(damaged) if judged.damage.len() < TOLD => {
                judged.damage.push(place(path, &damaged));
            }
            Err(_) => untold += 1,
        }
    }
    if untold > 0 {
        judged.damage.push(format!("{at}: and {} more", quantity::counted(untold, "line")));
    }
    judged.findings = Some(bench.finish());
    judged
}

fn place(path: &Path, damaged: &Damaged) -> String {
    let what = damaged.to_string();
    // `line 7: cut off` as `path:7: cut off`, which editors and terminals can jump to.
    let rest = what.strip_prefix(&format!("line {}", damaged.line)).unwrap_or(&what);
    format!("{}:{}{rest}", path.display(), damaged.line)
}
