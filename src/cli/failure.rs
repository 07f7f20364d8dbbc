//! Why a command ended without a result, and the exit code that says so.

use crate::outcome::Exit;
use std::fmt;

/// A command that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// A lowercase fragment; further lines are hints.
    pub message: String,
}

impl Failure {
    /// The command line makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A spec, scenario, history or report has mistakes, or is not there.
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Exit::BadInput, message)
    }

    /// A promise is broken, and nothing more can be tried.
    pub fn broken(message: impl Into<String>) -> Self {
        Self::new(Exit::PropertyFailed, message)
    }

    /// The target cannot be reached, or does not speak what the spec says.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Exit::Unreachable, message)
    }

    /// The harness itself failed.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Internal, message)
    }

    /// The user stopped it before there was anything to judge.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Exit::Interrupted, message)
    }

    /// The same with a hint in a line of its own.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.message.push_str(&format!("\nhint: {hint}"));
        self
    }

    fn new(exit: Exit, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, message }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)
    }
}

impl std::error::Error for Failure {}
