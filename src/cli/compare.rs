//! `assize compare`: two runs, or a run and a stored baseline, side by side.

use crate::cli::{Colour, Failure, display, gate, report as stored};
use crate::comparison::{Baseline, Comparison, Rule, Sample, baseline, cases, compare};
use crate::metric::{interval_log, quantity};
use crate::outcome::{Conformance, Exit};
use crate::report::comparison::{FORMATS, format, terminal};
use crate::report::folder;
use crate::source;
use clap::builder::PossibleValuesParser;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  assize compare reports/before reports/latest      two runs
  assize compare reports/conform-before reports/latest   two runs of the catalogue: cases that
                                                    fare otherwise
  assize compare reports/before reports/latest --threshold 20% --format markdown
  assize compare --baseline baseline.json --save    the last run becomes part of the baseline
  assize compare --baseline baseline.json           the last run and the baseline

Several runs in a baseline tell how much runs differ anyway: a figure is worse only if it is worse
than in each of them. `--save` keeps the last 10; a run that is worse is not added.

Exit codes:
    0  nothing is worse                          65  a run or baseline cannot be used
    1  a promised property is broken that was not
    2  a figure is worse beyond noise and threshold, an expectation is missed that held, or a
       case of the catalogue fails that did not
    3  a promised property held, and is in doubt now
    4  a promised property held, and is not exercised now
    5  the generator was the bottleneck: figures are not the server's";

/// The arguments of `compare`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run before and the run after: folders; with `--baseline` only the run after, the last run
    /// if there is none.
    #[arg(value_name = "RUN_FOLDER", num_args = 0..=2)]
    pub runs: Vec<PathBuf>,
    /// The baseline, in place of a run before.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Adds the run to the baseline, unless it is worse; makes the file if there is none.
    #[arg(long, requires = "baseline")]
    pub save: bool,
    /// Changes that are smaller, as a share of what was before, are no news.
    #[arg(long, value_name = "SHARE", default_value = "10%", value_parser = share)]
    pub threshold: f64,
    /// Latencies that change by less are no news.
    #[arg(long, value_name = "DURATION", default_value = "500us", value_parser = nanos)]
    pub floor: u64,
    /// The format.
    #[arg(long, default_value = FORMATS[0].name, value_parser = formats())]
    pub format: String,
}

fn formats() -> PossibleValuesParser {
    FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().into()
}

fn share(text: &str) -> Result<f64, String> {
    let share = source::share(text).filter(|share| (0.0..=10.0).contains(share));
    share.ok_or_else(|| "a share such as `10%` is expected".to_owned())
}

fn nanos(text: &str) -> Result<u64, String> {
    let duration = source::duration(text).and_then(|found| u64::try_from(found.as_nanos()).ok());
    duration.ok_or_else(|| "a duration such as `500us` or `2ms` is expected".to_owned())
}

/// Prints what changed.
///
/// # Errors
/// A run or the baseline is not there, cannot be used, or cannot be written.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let rule = Rule { threshold: args.threshold, floor: args.floor };
    if let Some(comparison) = of_cases(args, rule)? {
        return show(args, &comparison, colour).map(|()| comparison.exit());
    }
    let (before, after) = match &args.baseline {
        Some(file) => of_baseline(args, file)?,
        None => of_two(args)?,
    };
    let Some(comparison) = compare(&before, &after, rule) else {
        return save(args, Vec::new(), &after).map(|()| Exit::Held);
    };
    show(args, &comparison, colour)?;
    let exit = comparison.exit();
    match exit {
        Exit::Held => save(args, before, &after)?,
        _ if args.save => refuse(&comparison),
        _ => {}
    }
    Ok(exit)
}

fn show(args: &Args, comparison: &Comparison, colour: Colour) -> Result<(), Failure> {
    let format = format(&args.format)
        .ok_or_else(|| Failure::usage(format!("no format is called `{}`", args.format)))?;
    let text = match args.format == FORMATS[0].name {
        true => terminal::render(comparison, display::stdout(colour)),
        false => (format.render)(comparison),
    };
    display::print(&text)?;
    gate::announce_comparison(comparison);
    Ok(())
}

/// Two runs of the catalogue, if that is what both are.
fn of_cases(args: &Args, rule: Rule) -> Result<Option<Comparison>, Failure> {
    let runs: Vec<Option<Conformance>> =
        args.runs.iter().map(|run| stored::conformance(run)).collect::<Result<_, _>>()?;
    match (args.runs.as_slice(), runs.as_slice()) {
        (_, [Some(before), Some(after)]) => Ok(Some(cases::compare(before, after, rule))),
        ([one, other], [Some(_), None]) => Err(unlike(one, other)),
        ([one, other], [None, Some(_)]) => Err(unlike(other, one)),
        _ => Ok(None),
    }
}

fn unlike(conformance: &Path, run: &Path) -> Failure {
    let (one, other) = (conformance.display(), run.display());
    Failure::bad_input(format!("`{one}` is a run of the catalogue, and `{other}` is none"))
        .hint("two runs of `assize run` can be compared, or two of `assize conform`")
}

fn refuse(comparison: &Comparison) {
    let seed = comparison.after.seed;
    display::say(format_args!(
        "\nthe run (seed {seed}) is not added to the baseline\nhint: if this is how the server \
         shall be from now on, remove the baseline and save anew",
    ));
}

fn of_two(args: &Args) -> Result<(Vec<Sample>, Sample), Failure> {
    match args.runs.as_slice() {
        [before, after] => Ok((read_before(before)?, read(after)?)),
        _ => Err(Failure::usage("two runs are compared")
            .hint("name both folders, or a stored baseline with `--baseline FILE` and one folder")),
    }
}

fn of_baseline(args: &Args, file: &Path) -> Result<(Vec<Sample>, Sample), Failure> {
    let after = match args.runs.as_slice() {
        [] => read(Path::new("reports/latest"))?,
        [after] => read(after)?,
        _ => {
            return Err(Failure::usage("the baseline and one run are compared, not two")
                .hint("leave out the first folder"));
        }
    };
    match fs::read_to_string(file) {
        Ok(text) => Ok((parse(file, &text)?, after)),
        Err(error) if error.kind() == ErrorKind::NotFound && args.save => Ok((Vec::new(), after)),
        Err(error) => {
            let what = format!("cannot read the baseline `{}`: {error}", file.display());
            Err(Failure::bad_input(what).hint("`--save` makes one of the run"))
        }
    }
}

/// What comes before: a run's folder, or a baseline.
fn read_before(path: &Path) -> Result<Vec<Sample>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) if Baseline::is_one(&text) => parse(path, &text),
        _ => Ok(vec![read(path)?]),
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<Sample>, Failure> {
    let baseline = Baseline::parse(text).map_err(|error| {
        Failure::bad_input(format!("cannot use the baseline `{}`: {error}", path.display()))
            .hint("a baseline of another version is made anew: remove it, then `--save`")
    })?;
    Ok(baseline.runs)
}

/// A run, from its folder or from the report in it.
fn read(run: &Path) -> Result<Sample, Failure> {
    let outcome = stored::read(run)?;
    let folder = match run.is_dir() {
        true => run,
        false => run.parent().unwrap_or(Path::new(".")),
    };
    let path = folder.join("latency.hlog");
    let unusable = |error: String| {
        Failure::bad_input(format!("cannot use `{}`: {error}", path.display()))
            .hint("it is written beside `report.json`, and tells how much figures vary")
    };
    let log = fs::read(&path).map_err(|error| unusable(error.to_string()))?;
    let lines = interval_log::read(&log).map_err(unusable)?;
    let text = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let (scenario, spec) = (text("scenario.yaml"), text("spec.yaml"));
    Ok(Sample::new(&outcome, &lines, scenario.as_deref(), spec.as_deref()))
}

/// Adds the run to the baseline, if that was asked for.
fn save(args: &Args, runs: Vec<Sample>, run: &Sample) -> Result<(), Failure> {
    let Some(file) = args.baseline.as_ref().filter(|_| args.save) else { return Ok(()) };
    let mut baseline = Baseline::of(runs);
    let is_there = |known: &Sample| known.run.started == run.run.started;
    if baseline.runs.iter().any(is_there) {
        display::say(format_args!("the run is in `{}` already", file.display()));
        return Ok(());
    }
    baseline.add(run);
    folder::write_whole(file, baseline.render().as_bytes())
        .map_err(|error| Failure::internal(error.to_string()))?;
    let count = quantity::counted(baseline.runs.len() as u64, "run");
    let most = baseline::MOST_RUNS;
    display::say(format_args!("`{}` holds {count} now, of {most} at most", file.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_durations_are_read_with_their_units() {
        assert_eq!(share("10%").map(|share| (share * 100.0).round()), Ok(10.0));
        assert!(share("much").is_err() && share("-1%").is_err());
        assert_eq!(nanos("500us"), Ok(500_000));
        assert!(nanos("500").is_err());
    }
}
