//! `assize check`: judges the stored history of a run again.

use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  assize check reports/latest           the same verdicts as the run, byte for byte

It exits as the run did.";

/// The arguments of `check`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the run.
    #[arg(value_name = "RUN_FOLDER", default_value = "reports/latest")]
    pub run: PathBuf,
}
