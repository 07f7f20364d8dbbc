//! The program, run as a user runs it, in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// What a machine that is too busy for a run says; such a run says nothing of the server.
const TOO_BUSY: &str = "timers fired late";

/// A scenario in a folder of its own, where its reports lie too.
pub(crate) struct Case {
    folder: TempDir,
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Case {
    /// A scenario of six people; `rest` says what happens.
    pub(crate) fn new(rest: &str) -> Self {
        Self::of(
            "people: { count: 6 }\nconversations: { pairs: 2, groups: [{ count: 1, size: 3 }] }",
            rest,
        )
    }

    /// A scenario of these people; they fill several shards if they are some dozens.
    pub(crate) fn of(people: &str, rest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let yaml = format!(
            "assize: 1\nname: tiny\nabout: A few people talk for a moment.\nspec: callback-ack\n\
             seed: 3\n{people}\n{rest}\n"
        );
        fs::write(folder.path().join("tiny.yaml"), yaml).unwrap();
        Self { folder }
    }

    /// A file or folder of the case; the last run is in `reports/latest`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `assize run` of the scenario, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.arg("run").arg(self.path("tiny.yaml"));
        if !arguments.contains(&"--out") {
            command.arg("--out").arg(self.path("reports"));
        }
        command.args(arguments);
        command
    }

    /// Runs the scenario, again if the machine was too busy.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        for _ in 0..8 {
            let ended = Ended::of(self.command(arguments).output().unwrap());
            if !ended.stdout.contains(TOO_BUSY) {
                return ended;
            }
        }
        panic!("the machine is too busy for any run");
    }
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }
}

/// The program, in the folder where specs and scenarios lie.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command
}
