//! `assize report`: shows a stored run again.

use crate::cli::{Colour, Failure, display};
use crate::outcome::{Exit, Outcome};
use crate::report::{self, FORMATS, Format, json, terminal};
use clap::builder::PossibleValuesParser;
use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  assize report                                the last run, as its terminal showed it
  assize report reports/latest --format junit  the same as JUnit XML";

/// The arguments of `report`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the run, or its `report.json`.
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
    let outcome = read(&args.run)?;
    let format: &Format = report::format(&args.format)
        .ok_or_else(|| Failure::usage(format!("no format is called `{}`", args.format)))?;
    let text = if format.name == FORMATS[0].name {
        terminal::render(&outcome, display::stdout(colour))
    } else {
        (format.render)(&outcome)
    };
    display::print(&text)?;
    Ok(Exit::Held)
}

/// The outcome of a run's folder, or of its `report.json`.
///
/// # Errors
/// There is none, or it cannot be read.
pub fn read(run: &Path) -> Result<Outcome, Failure> {
    let path = if run.is_dir() { run.join("report.json") } else { run.to_owned() };
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::bad_input(format!("cannot read `{}`: {error}", path.display()))
            .hint("`assize run` writes a report folder and moves `reports/latest` to it")
    })?;
    json::parse(&text)
        .map_err(|error| Failure::bad_input(format!("cannot use `{}`: {error}", path.display())))
}
