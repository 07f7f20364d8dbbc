//! The server under test: embedded, launched, or somewhere already.

use crate::engine::launch::Launched;
use crate::engine::preflight::Unreachable;
use crate::fault::Server;
use crate::reference::{self, Bugs};
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
    /// Running servers. This version uses the first.
    Running(Vec<String>),
}

/// The server under test while the run lasts.
pub enum Target {
    /// The reference server, inside this process.
    Embedded(reference::Hosted),
    /// A process, and its command.
    Launched(Box<Launched>, String),
    /// Somebody else's server, by its URL.
    Running(String),
}

impl TargetChoice {
    /// The reference server with these bugs, and its usual figures.
    #[must_use]
    pub fn embedded(bugs: Bugs) -> Self {
        Self::Embedded(reference::Options { bugs, ..reference::Options::default() })
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
        match choice {
            TargetChoice::Embedded(options) => {
                let hosted = reference::Hosted::start(Arc::clone(spec), options.clone(), 1);
                hosted.map(Self::Embedded).map_err(|error| {
                    Unreachable::new(
                        format!("the reference server cannot start: {error}"),
                        "name a running server with `--target URL`",
                    )
                })
            }
            TargetChoice::Launched(launch) => match Launched::start(launch).await {
                Ok(launched) => Ok(Self::Launched(Box::new(launched), launch.command.join(" "))),
                Err(error) => Err(Unreachable::new(error.what, last_words(&error.said))),
            },
            TargetChoice::Running(urls) => Ok(Self::Running(
                urls.first()
                    .cloned()
                    .ok_or_else(|| Unreachable::new("no target is named", "say `--target URL`"))?,
            )),
        }
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &str {
        match self {
            Self::Embedded(hosted) => hosted.url(),
            Self::Launched(launched, _) => &launched.url,
            Self::Running(url) => url,
        }
    }

    /// What the report calls it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Embedded(_) => "embedded reference server".into(),
            Self::Launched(launched, command) => format!("{} (`{command}`)", launched.url),
            Self::Running(url) => url.clone(),
        }
    }

    /// A fault of the server's process begins. It is down, or halted, until it is released.
    ///
    /// # Errors
    /// The server is not the harness's to handle, or does not obey; says why.
    pub async fn strike(&mut self, fault: Server) -> Result<(), String> {
        match (self, fault) {
            (Self::Embedded(hosted), Server::Restart) => hosted.close().map_err(of_start),
            (Self::Embedded(hosted), Server::Kill) => hosted.pause().map_err(of_start),
            (Self::Embedded(hosted), Server::Stop) => hosted.halt().map_err(of_start),
            (Self::Launched(launched, _), Server::Restart) => {
                launched.end().await;
                Ok(())
            }
            (Self::Launched(launched, _), Server::Kill) => {
                launched.kill().await;
                Ok(())
            }
            (Self::Launched(launched, _), Server::Stop) => {
                launched.halt();
                Ok(())
            }
            (Self::Running(_), _) => Err("it runs without the harness, which only looks on".into()),
        }
    }

    /// The fault of the server's process ends: it is up again at the same address, with what it
    /// stored. Nothing happens if it is.
    ///
    /// # Errors
    /// It does not come up again; says why.
    pub async fn release(&mut self, fault: Server) -> Result<(), String> {
        match (self, fault) {
            (Self::Embedded(hosted), Server::Stop) => hosted.go_on().map_err(of_start),
            (Self::Embedded(hosted), _) => hosted.resume().map_err(of_start),
            (Self::Launched(launched, _), Server::Stop) => {
                launched.go_on();
                Ok(())
            }
            (Self::Launched(launched, _), _) => launched
                .start_again()
                .await
                .map_err(|error| format!("{}; {}", error.what, last_words(&error.said))),
            (Self::Running(_), _) => Ok(()),
        }
    }

    /// It ended by itself, with these last words.
    pub async fn ended(&mut self) -> Option<String> {
        let Self::Launched(launched, command) = self else { return None };
        let status = launched.ended()?;
        let said = last_words(&launched.said().await);
        Some(format!("the server `{command}` ended by itself: {status}; {said}"))
    }

    /// Stops what the run started.
    pub async fn stop(self) {
        match self {
            Self::Embedded(hosted) => hosted.stop(),
            Self::Launched(launched, _) => launched.stop().await,
            Self::Running(_) => {}
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn of_start(error: reference::StartError) -> String {
    error.to_string()
}

fn last_words(said: &[String]) -> String {
    if said.is_empty() {
        return "it said nothing".into();
    }
    let last: Vec<&str> = said.iter().rev().take(6).rev().map(String::as_str).collect();
    format!("it said last: {}", last.join(" / "))
}
