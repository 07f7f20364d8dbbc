//! `assize report`: shows a stored run, of whatever kind, again.

use crate::cli::{Colour, Failure, display};
use crate::outcome::{Conformance, Exit, Outcome};
use crate::report::{self, FORMATS, capacity, conformance, json, terminal};
use clap::builder::PossibleValuesParser;
use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  assize report                                the last run, as its terminal showed it
  assize report reports/latest --format junit  the same as JUnit XML
  assize report --format html >page.html       the same as a page for a browser";

/// The arguments of `report`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the run, or its `report.json`; or that of a search for a server's size.
    #[arg(value_name = "RUN_FOLDER", default_value = "reports/latest")]
    pub run: PathBuf,
    /// The format.
    #[arg(long, default_value = FORMATS[0].name, value_parser = formats())]
    pub format: String,
}

fn formats() -> PossibleValuesParser {
    FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().into()
}

/// Prints the run's outcome. It exits with 0 whatever the outcome was.
///
/// # Errors
/// There is no readable report, or standard output takes no more.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let (path, json) = text(&args.run)?;
    let as_shown = args.format == FORMATS[0].name;
    let unknown = || Failure::usage(format!("no format is called `{}`", args.format));
    let shown = if capacity::is_one(&json) {
        let search = capacity::parse(&json).map_err(|error| damaged(&path, &error))?;
        let format = capacity::format(&args.format).ok_or_else(|| {
            let known: Vec<&str> = capacity::FORMATS.iter().map(|format| format.name).collect();
            Failure::usage(format!("a search for a server's size has no format `{}`", args.format))
                .hint(format!("it has {}", known.join(", ")))
        })?;
        match as_shown {
            true => capacity::terminal::render(&search, display::stdout(colour)),
            false => (format.render)(&search),
        }
    } else if conformance::json::is_one(&json) {
        let run = conformance::json::parse(&json).map_err(|error| damaged(&path, &error))?;
        let format = conformance::format(&args.format).ok_or_else(unknown)?;
        match as_shown {
            true => conformance::terminal::render(&run, display::stdout(colour)),
            false => (format.render)(&run),
        }
    } else {
        let outcome = json::parse(&json).map_err(|error| damaged(&path, &error))?;
        let format = report::format(&args.format).ok_or_else(unknown)?;
        match as_shown {
            true => terminal::render(&outcome, display::stdout(colour)),
            false => (format.render)(&outcome),
        }
    };
    display::print(&shown)?;
    Ok(Exit::Held)
}

/// The outcome of a run's folder, or of its `report.json`.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn read(run: &Path) -> Result<Outcome, Failure> {
    let (path, json) = text(run)?;
    let is = match () {
        () if conformance::json::is_one(&json) => "a conformance run",
        () if capacity::is_one(&json) => "a search for a server's size",
        () => return json::parse(&json).map_err(|error| damaged(&path, &error)),
    };
    let what = format!("`{}` is {is}, and no single run", path.display());
    Err(Failure::bad_input(what).hint("`assize report` shows it again"))
}

/// The run of the catalogue in this folder, if it is one; none, too, if nothing can be read.
///
/// # Errors
/// It is one, and damaged.
pub fn conformance(run: &Path) -> Result<Option<Conformance>, Failure> {
    let Ok((path, json)) = text(run) else { return Ok(None) };
    if !conformance::json::is_one(&json) {
        return Ok(None);
    }
    conformance::json::parse(&json).map(Some).map_err(|error| damaged(&path, &error))
}
/// The report of a run's folder, and where it lies.
fn text(run: &Path) -> Result<(PathBuf, String), Failure> {
    let files = ["report.json", capacity::FILE].map(|file| run.join(file));
    let path = match run.is_dir() {
        true => files.iter().find(|file| file.exists()).unwrap_or(&files[0]).clone(),
        false => run.to_owned(),
    };
    match fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) => Err(Failure::bad_input(format!("cannot read `{}`: {error}", path.display()))
            .hint("`assize run` writes a report folder and moves `reports/latest` to it")),
    }
}

fn damaged(path: &Path, error: &str) -> Failure {
    Failure::bad_input(format!("cannot use `{}`: {error}", path.display()))
}
