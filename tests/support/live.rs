//! A run that is under way: its talk is read line by line, and it can be sent signals.

use crate::program::Ended;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

pub(crate) struct Live {
    child: Child,
    talk: BufReader<ChildStderr>,
}

impl Live {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let talk = BufReader::new(child.stderr.take().unwrap());
        Self { child, talk }
    }

    /// Reads its talk until a line has this; the line.
    pub(crate) fn wait_for(&mut self, sign: &str) -> String {
        let mut line = String::new();
        while !line.contains(sign) {
            line.clear();
            assert!(self.talk.read_line(&mut line).unwrap() > 0, "it never said `{sign}`");
        }
        line
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended; the talk is what had not been read.
    pub(crate) fn end(mut self) -> Ended {
        let mut stderr = String::new();
        self.talk.read_to_string(&mut stderr).unwrap();
        let ended = Ended::of(self.child.wait_with_output().unwrap());
        Ended { stderr, ..ended }
    }
}
