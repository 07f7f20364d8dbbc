//! The server under test: embedded, launched, or somewhere already.

use crate::engine::launch::Launched;
use crate::engine::preflight::Unreachable;
use crate::fault::{Node, NodeDeed, Part, Server};
use crate::reference::{self, Bugs, Hosted, StartError};
use crate::scenario::Launch;
use crate::spec::Spec;
use std::sync::Arc;

/// What to try.
#[derive(Clone, Debug)]
pub enum TargetChoice {
    /// The reference server, inside this process.
    Embedded(reference::Options),
    /// A process that the run starts and stops.
    Launched(Launch),
    /// The nodes of a running server, one or several.
    Running(Vec<String>),
}

/// The server under test while the run lasts.
pub struct Target {
    choice: TargetChoice,
    subject: Subject,
}

enum Subject {
    /// The reference server, inside this process.
    Embedded(Hosted),
    /// A process, and its command.
    Launched(Box<Launched>, String),
    /// Somebody else's server, by the URLs of its nodes.
    Running(Vec<String>),
}

impl TargetChoice {
    /// The reference server with these bugs, and its usual figures.
    #[must_use]
    pub fn embedded(bugs: Bugs) -> Self {
        Self::Embedded(reference::Options { bugs, ..reference::Options::default() })
    }

    /// How many nodes the server has.
    #[must_use]
    pub fn nodes(&self) -> usize {
        match self {
            Self::Embedded(options) => options.nodes.max(1),
            Self::Launched(launch) => launch.nodes.max(1) as usize,
            Self::Running(urls) => urls.len().max(1),
        }
    }

    /// Why this cannot be done to the server, if it cannot.
    #[must_use]
    pub fn refuses(&self, fault: Server) -> Option<String> {
        let nodes = self.nodes();
        match (self, fault) {
            (Self::Running(_), _) => {
                Some("it runs without the harness, which only looks on".into())
            }
            (_, Server::Node(_)) if nodes == 1 => Some("the server has one node".into()),
            (_, Server::Node(node)) if node.index() >= nodes => {
                Some(format!("there is no node {}, the server has {nodes}", node.number))
            }
            (Self::Embedded(_), Server::Part(_)) if nodes == 1 => {
                Some("the embedded server has one node, and so no bus".into())
            }
            (Self::Launched(launch), Server::Node(_) | Server::Part(_))
                if launch.control.is_empty() =>
            {
                Some("`launch:` has no `control` command that reaches its nodes and parts".into())
            }
            _ => None,
        }
    }

    /// The bugs of the reference server, by name; none of another server are known.
    #[must_use]
    pub fn bugs(&self) -> Vec<String> {
        match self {
            Self::Embedded(options) => {
                options.bugs.iter().map(|bug| bug.name().to_owned()).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Target {
    /// Makes the server ready.
    pub(super) async fn ready(
        choice: &TargetChoice,
        spec: &Arc<Spec>,
    ) -> Result<Self, Unreachable> {
        let subject = match choice {
            TargetChoice::Embedded(options) => {
                let hosted = Hosted::start(Arc::clone(spec), options.clone(), 1);
                hosted.map(Subject::Embedded).map_err(|error| {
                    Unreachable::new(
                        format!("the reference server cannot start: {error}"),
                        "name a running server with `--target URL`",
                    )
                })
            }
            TargetChoice::Launched(launch) => match Launched::start(launch).await {
                Ok(launched) => Ok(Subject::Launched(Box::new(launched), launch.command.join(" "))),
                Err(error) => Err(Unreachable::new(error.what, last_words(&error.said))),
            },
            TargetChoice::Running(urls) if urls.is_empty() => {
                Err(Unreachable::new("no target is named", "say `--target URL`"))
            }
            TargetChoice::Running(urls) => Ok(Subject::Running(urls.clone())),
        };
        Ok(Self { choice: choice.clone(), subject: subject? })
    }

    /// Where its nodes listen, in their order; one at least.
    pub(super) fn urls(&self) -> &[String] {
        match &self.subject {
            Subject::Embedded(hosted) => hosted.urls(),
            Subject::Launched(launched, _) => &launched.urls,
            Subject::Running(urls) => urls,
        }
    }

    /// What the report calls it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.subject {
            Subject::Embedded(hosted) => match hosted.urls().len() {
                1 => "embedded reference server".into(),
                nodes => format!("embedded reference server of {nodes} nodes"),
            },
            Subject::Launched(launched, command) => {
                format!("{} (`{command}`)", launched.urls.join(", "))
            }
            Subject::Running(urls) => urls.join(", "),
        }
    }

    /// A fault of the server begins: it, or its node or part, is down, or halted, until it is released.
    ///
    /// # Errors
    /// The server is not the harness's to handle, or does not obey; says why.
    pub async fn strike(&mut self, fault: Server) -> Result<(), String> {
        if let Some(why) = self.choice.refuses(fault) {
            return Err(why);
        }
        match (&mut self.subject, fault) {
            (Subject::Embedded(hosted), _) => strike_embedded(hosted, fault).map_err(of_start),
            (Subject::Launched(launched, _), Server::Restart) => {
                launched.end().await;
                Ok(())
            }
            (Subject::Launched(launched, _), Server::Kill) => {
                launched.kill().await;
                Ok(())
            }
            (Subject::Launched(launched, _), Server::Stop) => {
                launched.halt();
                Ok(())
            }
            (Subject::Launched(launched, _), Server::Node(_) | Server::Part(_)) => {
                launched.control(&control_words(fault, true)).await
            }
            (Subject::Running(_), _) => Ok(()),
        }
    }

    /// The fault ends: the server, or its node or part, is up again at the same address, with what it
    /// stored. Nothing happens if it is.
    ///
    /// # Errors
    /// It does not come up again; says why.
    pub async fn release(&mut self, fault: Server) -> Result<(), String> {
        match (&mut self.subject, fault) {
            (Subject::Embedded(hosted), _) => release_embedded(hosted, fault).map_err(of_start),
            (Subject::Launched(launched, _), Server::Stop) => {
                launched.go_on();
                Ok(())
            }
            (Subject::Launched(launched, _), Server::Node(_) | Server::Part(_)) => {
                launched.control(&control_words(fault, false)).await
            }
            (Subject::Launched(launched, _), _) => launched
                .start_again()
                .await
                .map_err(|error| format!("{}; {}", error.what, last_words(&error.said))),
            (Subject::Running(_), _) => Ok(()),
        }
    }

    /// It ended by itself, with these last words.
    pub async fn ended(&mut self) -> Option<String> {
        let Subject::Launched(launched, command) = &mut self.subject else { return None };
        let status = launched.ended()?;
        let said = last_words(&launched.said().await);
        Some(format!("the server `{command}` ended by itself: {status}; {said}"))
    }

    /// Stops what the run started.
    pub async fn stop(self) {
        match self.subject {
            Subject::Embedded(hosted) => hosted.stop(),
            Subject::Launched(launched, _) => launched.stop().await,
            Subject::Running(_) => {}
        }
    }
}

fn strike_embedded(hosted: &mut Hosted, fault: Server) -> Result<(), StartError> {
    match fault {
        Server::Restart => hosted.close(),
        Server::Kill => hosted.pause(),
        Server::Stop => hosted.halt(),
        Server::Node(node) => match node.does {
            NodeDeed::Restart => hosted.close_node(node.index()),
            NodeDeed::Kill => hosted.pause_node(node.index()),
            NodeDeed::Stop => hosted.halt_node(node.index()),
        },
        Server::Part(Part::Redis) => hosted.hold_up(true),
    }
}

fn release_embedded(hosted: &mut Hosted, fault: Server) -> Result<(), StartError> {
    match fault {
        Server::Restart | Server::Kill => hosted.resume(),
        Server::Stop | Server::Node(Node { does: NodeDeed::Stop, .. }) => hosted.go_on(),
        Server::Node(node) => hosted.resume_node(node.index()),
        Server::Part(Part::Redis) => hosted.hold_up(false),
    }
}

/// What the scenario's `control` command is told: `kill node 1`, and `start node 1` when it is over.
fn control_words(fault: Server, begins: bool) -> Vec<String> {
    let verb = |begin: &'static str, end: &'static str| if begins { begin } else { end };
    let words = match fault {
        Server::Node(Node { number, does }) => {
            let verb = match does {
                NodeDeed::Restart => verb("stop", "start"),
                NodeDeed::Kill => verb("kill", "start"),
                NodeDeed::Stop => verb("halt", "continue"),
            };
            format!("{verb} node {number}")
        }
        Server::Part(part) => format!("{} {}", verb("stop", "start"), part.name()),
        Server::Restart | Server::Kill | Server::Stop => String::new(),
    };
    words.split_whitespace().map(str::to_owned).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn of_start(error: StartError) -> String {
    error.to_string()
}

fn last_words(said: &[String]) -> String {
    if said.is_empty() {
        return "it said nothing".into();
    }
    let last: Vec<&str> = said.iter().rev().take(6).rev().map(String::as_str).collect();
    format!("it said last: {}", last.join(" / "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn the_control_command_is_told_what_to_do() {
        for (fault, begin, end) in [
            ("node 1 kill", "kill node 1", "start node 1"),
            ("node 2 restart", "stop node 2", "start node 2"),
            ("node 2 stop", "halt node 2", "continue node 2"),
            ("part redis", "stop redis", "start redis"),
        ] {
            let what = fault.parse::<Fault>().unwrap().of_server().unwrap();
            let told = [true, false].map(|begins| control_words(what, begins).join(" "));
            assert_eq!(told, [begin, end]);
        }
    }
}
