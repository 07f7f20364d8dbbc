//! `assize schema`: the JSON Schema of a kind of file, for editors.

use crate::cli::{Failure, display};
use crate::outcome::Exit;
use crate::{scenario, spec};
use clap::ValueEnum;

const EXAMPLES: &str = "\
Examples:
  assize schema spec > spec.schema.json

An editor with a YAML language server uses it for files that begin with:
  # yaml-language-server: $schema=./spec.schema.json";

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Subject {
    /// A server's wire and promises.
    Spec,
    /// What people do and what goes wrong.
    Scenario,
}

/// The arguments of `schema`.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What the schema describes.
    #[arg(value_enum)]
    pub subject: Subject,
}

/// Prints the schema.
///
/// # Errors
/// Standard output takes no more.
pub fn execute(args: &Args) -> Result<Exit, Failure> {
    let mut schema = match args.subject {
        Subject::Spec => spec::json_schema(),
        Subject::Scenario => scenario::json_schema(),
    };
    if !schema.ends_with('\n') {
        schema.push('\n');
    }
    display::print(&schema)?;
    Ok(Exit::Held)
}
