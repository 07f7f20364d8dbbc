//! What the terminal can do, and writing data to it.

use crate::cli::Failure;
use crate::report::Look;
use clap::ValueEnum;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How standard output looks.
#[must_use]
pub fn stdout(colour: Colour) -> Look {
    look(&io::stdout(), colour)
}

/// How standard error looks.
#[must_use]
pub fn stderr(colour: Colour) -> Look {
    look(&io::stderr(), colour)
}

/// How standard error looks now, and how many rows it has.
#[must_use]
pub fn stderr_size(colour: Colour) -> (Look, usize) {
    let rows = terminal_size::terminal_size_of(io::stderr());
    (stderr(colour), rows.map_or(usize::MAX, |(_, rows)| usize::from(rows.0)))
}

fn look(stream: &(impl IsTerminal + AsFd), colour: Colour) -> Look {
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Look {
        colour: match colour {
            Colour::Auto => stream.is_terminal() && !is_plain,
            Colour::Always => true,
            Colour::Never => false,
        },
        width: terminal_size::terminal_size_of(stream)
            .map_or(Look::PLAIN.width, |(width, _)| usize::from(width.0)),
    }
}

/// Says something on standard error. If nobody listens there any more, work goes on.
pub fn say(talk: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{talk}");
}

/// Writes data to standard output. A reader that has seen enough (`| head`) is no failure.
///
/// # Errors
/// Standard output takes no more, for another reason.
pub fn print(data: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(data.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::internal(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
