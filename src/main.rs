//! The command line of Assize.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(assize::cli::main(std::env::args_os()) as u8)
}
