//! What becomes of a run whose folder was written, and of one whose folder was not.
//!
//! It knows neither what is written nor what it means.

use crate::cli::display;
use crate::outcome::Exit;
use crate::report::{Folder, FolderError};

/// Says where the folder is, unless nothing is to be said, or why it is not as it should be; whether it
/// is.
pub(super) fn told(written: &Result<Folder, Vec<FolderError>>, quiet: bool) -> bool {
    match written {
        Ok(folder) if !quiet => {
            display::say(format_args!("\nreport: {}", folder.path().display()));
        }
        Ok(_) => {}
        Err(errors) => errors.iter().for_each(|error| warn(&error.to_string())),
    }
    written.is_ok()
}

/// Warns of something.
pub(super) fn warn(what: &str) {
    display::say(format_args!("warning: {what}"));
}

/// The exit code of a run: one that came to nothing bad and is not wholly written is not all well.
pub(super) fn exit(of_run: Exit, is_written: bool) -> Exit {
    match of_run {
        Exit::Held if !is_written => Exit::NotWritten,
        exit => exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_found_outranks_what_became_of_its_files() {
        assert_eq!(exit(Exit::Held, true), Exit::Held);
        assert_eq!(exit(Exit::Held, false), Exit::NotWritten);
        for found in [Exit::PropertyFailed, Exit::Inconclusive, Exit::Interrupted] {
            assert_eq!(exit(found, false), found);
        }
    }
}
