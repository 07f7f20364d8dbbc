//! The command line: one verb per file, and the way from a result to an exit code.
//!
//! A verb turns arguments into values, calls what does the work, and says what went wrong in words.
//! It decides nothing about servers, histories or verdicts. Start with [`Verb`]; a new verb is one
//! file here and one row there.

pub mod capacity;
pub mod check;
pub mod compare;
pub mod conform;
pub mod corpus;
pub mod display;
pub mod explain;
pub mod explore;
pub mod failure;
pub mod files;
pub mod gate;
pub mod init;
pub mod lint;
pub mod list;
pub mod load;
pub mod metrics;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod replay;
pub mod report;
pub mod run;
pub mod schema;
pub mod serve;
pub mod server;
pub mod shrink;
pub mod signals;
pub mod staging;
mod stored;
pub mod trace;

pub use display::Colour;
pub use failure::Failure;

use crate::outcome::Exit;
use clap::{Parser, Subcommand};
use std::ffi::OsString;

const EXAMPLES: &str = "\
Examples:
  assize run scenarios/first-look.yaml             on the embedded reference server
  assize run first-look --target http://host:3000  the same people on your server
  assize run first-look --bug dedup-race           see what a failure looks like
  assize conform --spec callback-ack --quick       the catalogue of short cases
  assize explore --spec callback-ack               searches for races
  assize capacity first-look --budget 5m           how many clients it bears
  assize compare reports/before reports/latest     what got worse
  assize explain idempotency                       what a verdict means
  assize lint specs/*.yaml scenarios/*.yaml        all mistakes at once

Exit codes:
    0  all held                          64  the command line makes no sense
    1  a promised property is broken     65  a spec, scenario or report has mistakes
    2  an expectation was missed         69  the target cannot be reached
    3  a promised property is in doubt   70  the harness contradicts itself or failed
    4  too little was exercised          74  all held, but not all could be written
    5  the generator was the bottleneck 130  interrupted
A failure always outranks what is unknown.";

/// Puts real-time chat servers on trial and finds their size.
///
/// A scenario says what people do and what goes wrong; a spec says how one server looks on the
/// wire. A run drives simulated clients against the server, judges what they saw, and measures
/// how long it took. Standard output is data, standard error is talk.
#[derive(Debug, Parser)]
#[command(name = "assize", version, after_help = EXAMPLES, arg_required_else_help = true)]
#[command(propagate_version = false, disable_help_subcommand = true)]
pub struct Cli {
    /// When to use colours: `auto` (on a terminal, unless NO_COLOR is set), `always` or `never`.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    #[arg(hide_possible_values = true)]
    pub color: Colour,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Drives a scenario against a server, judges it and writes the reports.
    Run(run::Args),
    /// Runs the conformance catalogue: short cases, each with a name and a verdict.
    Conform(conform::Args),
    /// Searches for races: small concurrent plans that nobody wrote.
    Explore(explore::Args),
    /// Plays a saved plan many times: does it still fail?
    Replay(replay::Args),
    /// Makes a small plan of a failure that a run found.
    Shrink(shrink::Args),
    /// Finds the most clients, or messages per second, at which everything still holds.
    Capacity(capacity::Args),
    /// Judges the stored history of a run again.
    Check(check::Args),
    /// Sets two runs side by side: what got worse, with intervals, not by eye.
    Compare(compare::Args),
    /// Shows a stored run again, in any format.
    Report(report::Args),
    /// Runs the reference server, honest or with bugs.
    Serve(serve::Args),
    /// Writes a commented spec for a server of your own, from a few questions.
    Init(init::Args),
    /// Plays a person's first minute on a server, and shows where server and spec differ.
    Trace(trace::Args),
    /// Checks specs and scenarios without a server.
    Lint(lint::Args),
    /// Lists what there is.
    List(list::Args),
    /// Explains a property, a case, a bug or a figure: what it is, why it matters, how it is judged.
    Explain(explain::Args),
    /// Prints the JSON Schema of specs or scenarios, for editors.
    Schema(schema::Args),
}

/// Runs one command line, program name first; talks on standard error if it must.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are answers, too; only mistakes go to standard error.
            let _ = answer.print();
            return if answer.use_stderr() { Exit::Usage } else { Exit::Held };
        }
    };
    cli.execute().unwrap_or_else(|failure| {
        display::say(&failure);
        failure.exit
    })
}

impl Cli {
    fn execute(self) -> Result<Exit, Failure> {
        match self.verb {
            Verb::Run(args) => run::execute(&args, self.color),
            Verb::Conform(args) => conform::execute(&args, self.color),
            Verb::Explore(args) => explore::execute(&args, self.color),
            Verb::Replay(args) => replay::execute(&args, self.color),
            Verb::Shrink(args) => shrink::execute(&args, self.color),
            Verb::Capacity(args) => capacity::execute(&args, self.color),
            Verb::Check(args) => check::execute(&args, self.color),
            Verb::Compare(args) => compare::execute(&args, self.color),
            Verb::Report(args) => report::execute(&args, self.color),
            Verb::Serve(args) => serve::execute(&args),
            Verb::Init(args) => init::execute(&args),
            Verb::Trace(args) => trace::execute(&args, self.color),
            Verb::Lint(args) => lint::execute(&args),
            Verb::List(args) => list::execute(&args, self.color),
            Verb::Explain(args) => explain::execute(&args),
            Verb::Schema(args) => schema::execute(&args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_and_argument_is_explained() {
        for verb in Cli::command().get_subcommands() {
            assert!(verb.get_about().is_some(), "{}", verb.get_name());
            for argument in verb.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", verb.get_name(), argument.get_id());
            }
        }
    }
}
