//! The server under test: embedded, launched, or somewhere already.

use crate::engine::launch::Launched;
use crate::engine::preflight::Unreachable;
use crate::fault::{Node, NodeDeed, Part, Server as Fault};
use crate::reference::{self, Bugs, Hosted, Running, Server, StartError};
use crate::scenario::Launch;
use crate::spec::Spec;
use crate::world;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How long a simulated server takes to come up: everybody knows by then that it was down.
const COMING_UP: Duration = Duration::from_millis(500);

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
    /// The same, in the world that its clients live in.
    Simulated(Box<Running>),
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
    pub fn refuses(&self, fault: Fault) -> Option<String> {
        let nodes = self.nodes();
        match (self, fault) {
            (Self::Running(_), _) => {
                Some("it runs without the harness, which only looks on".into())
            }
            (_, Fault::Node(_)) if nodes == 1 => Some("the server has one node".into()),
            (_, Fault::Node(node)) if node.index() >= nodes => {
                Some(format!("there is no node {}, the server has {nodes}", node.number))
            }
            (Self::Embedded(_), Fault::Part(Part::Redis)) if nodes == 1 => {
                Some("the embedded server has one node, and so no bus".into())
            }
            (Self::Launched(launch), Fault::Node(_) | Fault::Part(_))
                if launch.control.is_empty() =>
            {
                Some("`launch:` has no `control` command that reaches its nodes and parts".into())
            }
            (Self::Launched(launch), Fault::Part(part)) if !launch.parts.contains(&part) => Some(
                format!("`launch: parts` does not say that `control` can stop {}", part.name()),
            ),
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
            TargetChoice::Embedded(options) => embedded(options, spec).await.map_err(|error| {
                Unreachable::new(
                    format!("the reference server cannot start: {error}"),
                    "name a running server with `--target URL`",
                )
            }),
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
            Subject::Simulated(running) => running.urls(),
            Subject::Launched(launched, _) => &launched.urls,
            Subject::Running(urls) => urls,
        }
    }

    /// What the report calls it.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.subject {
            Subject::Embedded(_) | Subject::Simulated(_) => match self.urls().len() {
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
    pub async fn strike(&mut self, fault: Fault) -> Result<(), String> {
        if let Some(why) = self.choice.refuses(fault) {
            return Err(why);
        }
        match (&mut self.subject, fault) {
            (Subject::Embedded(hosted), _) => strike_embedded(hosted, fault).map_err(of_start),
            (Subject::Simulated(running), _) => {
                strike_simulated(running, fault).await;
                Ok(())
            }
            (Subject::Launched(launched, _), Fault::Restart) => {
                launched.end().await;
                Ok(())
            }
            (Subject::Launched(launched, _), Fault::Kill) => {
                launched.kill().await;
                Ok(())
            }
            (Subject::Launched(launched, _), Fault::Stop) => {
                launched.halt();
                Ok(())
            }
            (Subject::Launched(launched, _), Fault::Node(_) | Fault::Part(_)) => {
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
    pub async fn release(&mut self, fault: Fault) -> Result<(), String> {
        match (&mut self.subject, fault) {
            (Subject::Embedded(hosted), _) => release_embedded(hosted, fault).map_err(of_start),
            (Subject::Simulated(running), _) => {
                release_simulated(running, fault).await.map_err(of_start)
            }
            (Subject::Launched(launched, _), Fault::Stop) => {
                launched.go_on();
                Ok(())
            }
            (Subject::Launched(launched, _), Fault::Node(_) | Fault::Part(_)) => {
                launched.control(&control_words(fault, false)).await
            }
            (Subject::Launched(launched, _), _) => launched
                .start_again()
                .await
                .map_err(|error| format!("{}; {}", error.what, last_words(&error.said))),
            (Subject::Running(_), _) => Ok(()),
        }
    }

    /// It ended by itself, with these last words; waits so long for it to do so.
    pub async fn ended(&mut self, patience: Duration) -> Option<String> {
        let Subject::Launched(launched, command) = &mut self.subject else { return None };
        let status = launched.ends_within(patience).await?;
        let said = last_words(&launched.said().await);
        Some(format!("the server `{command}` ended by itself: {status}; {said}"))
    }

    /// Stops what the run started.
    pub async fn stop(self) {
        match self.subject {
            Subject::Embedded(hosted) => hosted.stop(),
            Subject::Simulated(running) => running.stop().await,
            Subject::Launched(launched, _) => launched.stop().await,
            Subject::Running(_) => {}
        }
    }
}

/// Starts the reference server: on threads of its own, or in the simulated world that this is.
async fn embedded(options: &reference::Options, spec: &Arc<Spec>) -> Result<Subject, StartError> {
    let (spec, options) = (Arc::clone(spec), options.clone());
    if world::is_simulated() {
        return Ok(Subject::Simulated(Box::new(Server::start(spec, options).await?)));
    }
    Hosted::start(spec, options, 1).map(Subject::Embedded)
}

async fn strike_simulated(running: &mut Running, fault: Fault) {
    match fault {
        Fault::Restart => running.pause().await,
        Fault::Kill => running.freeze().await,
        Fault::Stop => running.halt(None, true),
        Fault::Node(node) => match node.does {
            NodeDeed::Restart => running.close_node(node.index()).await,
            NodeDeed::Kill => running.freeze_node(node.index()).await,
            NodeDeed::Stop => running.halt(Some(node.index()), true),
        },
        Fault::Part(Part::Redis) => running.hold_up(true).await,
        Fault::Part(Part::Store) => running.cut_off(true).await,
    }
}

async fn release_simulated(running: &mut Running, fault: Fault) -> Result<(), StartError> {
    match fault {
        Fault::Restart | Fault::Kill => {
            sleep(COMING_UP).await;
            running.resume().await?;
        }
        Fault::Stop | Fault::Node(Node { does: NodeDeed::Stop, .. }) => running.halt(None, false),
        Fault::Node(node) => {
            sleep(COMING_UP).await;
            running.open_node(node.index())?;
        }
        Fault::Part(Part::Redis) => running.hold_up(false).await,
        Fault::Part(Part::Store) => running.cut_off(false).await,
    }
    Ok(())
}

fn strike_embedded(hosted: &mut Hosted, fault: Fault) -> Result<(), StartError> {
    match fault {
        Fault::Restart => hosted.close(),
        Fault::Kill => hosted.pause(),
        Fault::Stop => hosted.halt(),
        Fault::Node(node) => match node.does {
            NodeDeed::Restart => hosted.close_node(node.index()),
            NodeDeed::Kill => hosted.pause_node(node.index()),
            NodeDeed::Stop => hosted.halt_node(node.index()),
        },
        Fault::Part(Part::Redis) => hosted.hold_up(true),
        Fault::Part(Part::Store) => hosted.cut_off(true),
    }
}

fn release_embedded(hosted: &mut Hosted, fault: Fault) -> Result<(), StartError> {
    match fault {
        Fault::Restart | Fault::Kill => hosted.resume(),
        Fault::Stop | Fault::Node(Node { does: NodeDeed::Stop, .. }) => hosted.go_on(),
        Fault::Node(node) => hosted.resume_node(node.index()),
        Fault::Part(Part::Redis) => hosted.hold_up(false),
        Fault::Part(Part::Store) => hosted.cut_off(false),
    }
}

/// What the scenario's `control` command is told: `kill node 1`, and `start node 1` when it is over.
fn control_words(fault: Fault, begins: bool) -> Vec<String> {
    let verb = |begin: &'static str, end: &'static str| if begins { begin } else { end };
    let words = match fault {
        Fault::Node(Node { number, does }) => {
            let verb = match does {
                NodeDeed::Restart => verb("stop", "start"),
                NodeDeed::Kill => verb("kill", "start"),
                NodeDeed::Stop => verb("halt", "continue"),
            };
            format!("{verb} node {number}")
        }
        Fault::Part(part) => format!("{} {}", verb("stop", "start"), part.name()),
        Fault::Restart | Fault::Kill | Fault::Stop => String::new(),
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

    #[test]
    fn the_control_command_is_told_what_to_do() {
        for (fault, begin, end) in [
            ("node 1 kill", "kill node 1", "start node 1"),
            ("node 2 restart", "stop node 2", "start node 2"),
            ("node 2 stop", "halt node 2", "continue node 2"),
            ("part redis", "stop redis", "start redis"),
            ("part store", "stop store", "start store"),
        ] {
            let what = fault.parse::<crate::fault::Fault>().unwrap().of_server().unwrap();
            let told = [true, false].map(|begins| control_words(what, begins).join(" "));
            assert_eq!(told, [begin, end]);
        }
    }
}
