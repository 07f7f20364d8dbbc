//! The reference server as a process of its own.

use crate::program::program;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

/// A server that ends with its value.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
}

impl Served {
    /// Starts it, and waits until it listens.
    pub(crate) fn start() -> Self {
        let mut command = program();
        command.args(["serve", "--spec", "callback-ack"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }

    /// Ends it without a goodbye.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}
