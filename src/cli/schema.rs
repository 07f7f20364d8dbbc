//! `assize schema`: the JSON Schema of specs and scenarios, for editors.

use crate::cli::{Failure, display};
use crate::outcome::Exit;
use crate::{scenario, spec};
use clap::ValueEnum;

const EXAMPLES: &str = "\
Examples:
  assize schema spec > spec.schema.json
  assize schema scenario > scenario.schema.json

An editor with the YAML language server completes and checks a file that begins with
  # yaml-language-server: $schema=spec.schema.json";

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Of {
    /// Spec files.
    Spec,
    /// Scenario files.
    Scenario,
}

/// The arguments of `schema`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What the schema describes.
    pub of: Of,
}

/// Prints the schema.
///
/// # Errors
/// Standard output takes no more.
pub fn execute(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.of {
        Of::Spec => spec::json_schema(),
        Of::Scenario => scenario::json_schema(),
    };
    display::print(&format!("{}\n", schema.trim_end()))?;
    Ok(Exit::Held)
}
