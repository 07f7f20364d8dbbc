//! Starts the server under test as a process, waits until it is ready, and stops it by its id.

use crate::scenario::{Launch, Ready};
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Lines of the server's talk that are kept for error messages.
const KEPT_LINES: usize = 40;

/// How long the last words of a process that has ended may take to be heard.
const LISTENING: Duration = Duration::from_secs(1);

/// A server process that this run started.
#[derive(Debug)]
pub struct Launched {
    child: Child,
    /// The process group, which is the process's own.
    group: Pid,
    launch: Launch,
    places: Arc<Places>,
    /// Where its nodes listen, in their order.
    pub urls: Vec<String>,
    talk: Talk,
    listeners: Vec<JoinHandle<()>>,
}

/// What a server keeps over restarts where its command asks for it: `$port`, a free port, and
/// `$data`, a folder that is deleted in the end.
#[derive(Debug, Default)]
struct Places {
    port: Option<u16>,
    data: Option<PathBuf>,
}

/// The last lines that the server said.
#[derive(Clone, Debug, Default)]
struct Talk(Arc<Mutex<VecDeque<String>>>);

/// Why the server under test is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchError {
    /// What happened.
    pub what: String,
    /// The last lines it said.
    pub said: Vec<String>,
}

impl Launched {
    /// Starts the process and waits until it is ready.
    ///
    /// # Errors
    /// It cannot be started, ends before it is ready, or is not ready in time.
    pub async fn start(launch: &Launch) -> Result<Self, LaunchError> {
        let places = Arc::new(Places::of(launch).map_err(|error| LaunchError {
            what: format!("there is no place for the server: {error}"),
            said: Vec::new(),
        })?);
        Self::launch(launch, places).await
    }

    async fn launch(launch: &Launch, places: Arc<Places>) -> Result<Self, LaunchError> {
        let talk = Talk::default();
        let program = launch.command.first().map_or("", String::as_str);
        let environment = launch.environment.iter();
        let mut child = Command::new(program)
            .args(launch.command[1..].iter().map(|word| places.fill(word)))
            .envs(environment.map(|(name, value)| (name, places.fill(value))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| LaunchError {
                what: format!("`{program}` cannot be started: {error}"),
                said: Vec::new(),
            })?;
        let (tell, told) = oneshot::channel();
        let line = match &launch.ready {
            Ready::Line(line) => Some(Awaited {
                text: line.clone(),
                count: launch.nodes.max(1) as usize,
                urls: Vec::new(),
                tell: Some(tell),
            }),
            Ready::Probe(_) => None,
        };
        let mut listeners = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            listeners.push(tokio::spawn(listen(BufReader::new(stdout), talk.clone(), line)));
        }
        if let Some(stderr) = child.stderr.take() {
            listeners.push(tokio::spawn(listen(BufReader::new(stderr), talk.clone(), None)));
        }
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let group = group.ok_or_else(|| LaunchError {
            what: format!("`{program}` has no process id"),
            said: Vec::new(),
        })?;
        let (launch, urls) = (launch.clone(), Vec::new());
        let mut launched = Self { child, group, launch, places, urls, talk, listeners };
        match launched.ready(told).await {
            Ok(urls) => {
                launched.urls = urls;
                Ok(launched)
            }
            Err(what) => {
                let said = launched.said().await;
                launched.stop().await;
                Err(LaunchError { what, said })
            }
        }
    }

    async fn ready(&mut self, told: oneshot::Receiver<Vec<String>>) -> Result<Vec<String>, String> {
        let within = self.launch.within;
        let program = self.launch.command.join(" ");
        let became = async {
            match &self.launch.ready {
                Ready::Line(line) => told
                    .await
                    .map_err(|_| format!("`{program}` closed its output before it said `{line}`")),
                Ready::Probe(url) => probe(&self.places.fill(url)).await.map(|url| vec![url]),
            }
        };
        tokio::select! {
            biased;
            url = timeout(within, became) => url.unwrap_or_else(|_| {
                Err(format!("`{program}` was not ready within {} s", within.as_secs()))
            }),
            ended = self.child.wait() => Err(match ended {
                Ok(status) => format!("`{program}` ended before it was ready: {status}"),
                Err(error) => format!("`{program}` cannot be watched: {error}"),
            }),
        }
    }

    /// The exit status if the process ended by itself.
    pub fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// The same; waits so long for it to end.
    pub async fn ends_within(&mut self, patience: Duration) -> Option<String> {
        if let Some(status) = self.ended() {
            return Some(status);
        }
        let ended = timeout(patience, self.child.wait()).await.ok()?;
        ended.ok().map(|status| status.to_string())
    }

    /// The last lines that the server said. If it has ended, all of them have been heard.
    pub async fn said(&mut self) -> Vec<String> {
        // A child of its own may still hold the pipe: then what has come so far must do.
        let heard = async {
            for listener in self.listeners.drain(..) {
                let _ = listener.await;
            }
        };
        if self.child.id().is_none() {
            let _ = timeout(LISTENING, heard).await;
        }
        self.talk.lines()
    }

    /// SIGTERM, then SIGKILL if it does not end in time.
    pub async fn stop(mut self) {
        self.end().await;
    }

    /// The same, but it may be started again.
    pub async fn end(&mut self) {
        if self.child.id().is_some() {
            self.signal(Signal::TERM);
            // One that was halted hears it only now.
            self.signal(Signal::CONT);
            if timeout(self.launch.stop_within, self.child.wait()).await.is_err() {
                self.kill().await;
            }
        }
    }

    /// SIGKILL; it may be started again.
    pub async fn kill(&mut self) {
        if self.child.id().is_some() {
            self.signal(Signal::KILL);
            let _ = self.child.wait().await;
        }
    }

    /// SIGSTOP: it stands still until it goes on.
    pub fn halt(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Starts it again after it ended; it must come up where it was. Nothing happens if it runs.
    ///
    /// # Errors
    /// As [`Launched::start`], or it listens somewhere else.
    pub async fn start_again(&mut self) -> Result<(), LaunchError> {
        if self.ended().is_none() {
            return Ok(());
        }
        let again = Self::launch(&self.launch, self.places.clone()).await?;
        let (urls, before) = (again.urls.clone(), self.urls.clone());
        *self = again;
        if urls == before {
            return Ok(());
        }
        let (url, before) = (urls.join(", "), before.join(", "));
        let what = format!(
            "it came up again at {url} and was at {before}: give `launch: command` a port of its \
             own, such as `--port, $port`"
        );
        Err(LaunchError { what, said: Vec::new() })
    }

    /// Runs the scenario's `control` command with these words, to strike a node or a part.
    ///
    /// # Errors
    /// There is none, or it fails; says why.
    pub async fn control(&self, words: &[String]) -> Result<(), String> {
        let said = words.join(" ");
        let [program, arguments @ ..] = self.launch.control.as_slice() else {
            return Err(format!(
                "`launch:` has no `control` command that could be told to `{said}`"
            ));
        };
        let running = Command::new(program)
            .args(arguments.iter().map(|word| self.places.fill(word)))
            .args(words)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = match timeout(self.launch.within, running).await {
            Err(_) => return Err(format!("`{program} … {said}` did not end in time")),
            Ok(Err(error)) => return Err(format!("`{program}` cannot be started: {error}")),
            Ok(Ok(output)) => output,
        };
        if output.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&output.stderr);
        let why = why.lines().last().unwrap_or("it said nothing");
        Err(format!("`{program} … {said}` failed: {}: {why}", output.status))
    }

    /// To the whole group, for a script has children of its own.
    fn signal(&self, signal: Signal) {
        // That nobody is left in the group is no failure.
        let _ = kill_process_group(self.group, signal);
    }
}

impl Drop for Launched {
    /// However the run ends, nothing of the server is left. The process was reaped just now or not
    /// at all, so the number is still its own.
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// The lines that say where the nodes listen.
struct Awaited {
    /// Stands before the URL.
    text: String,
    /// How many lines there are.
    count: usize,
    urls: Vec<String>,
    tell: Option<oneshot::Sender<Vec<String>>>,
}

impl Awaited {
    /// A line came; when it was the last that is awaited, all are told.
    fn hear(&mut self, line: &str) {
        self.urls.extend(url_after(line, &self.text));
        if self.urls.len() >= self.count
            && let Some(tell) = self.tell.take()
        {
            let _ = tell.send(std::mem::take(&mut self.urls));
        }
    }
}

/// Reads lines until the end; those with the awaited text tell the URLs after it.
async fn listen(
    output: BufReader<impl tokio::io::AsyncRead + Unpin>,
    talk: Talk,
    mut awaited: Option<Awaited>,
) {
    let mut lines = output.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(awaited) = awaited.as_mut().filter(|awaited| awaited.tell.is_some()) {
            awaited.hear(&line);
        }
        talk.add(line);
    }
}

fn url_after(line: &str, text: &str) -> Option<String> {
    let rest = &line[line.find(text)? + text.len()..];
    let start = rest.find("http").or_else(|| rest.find("ws"))?;
    let url = rest[start..].split_whitespace().next()?;
    Some(url.trim_end_matches(['.', ',', ')', '"', '/']).to_owned())
}

/// Asks until the URL answers 200; the URL's origin is where the server listens.
async fn probe(url: &str) -> Result<String, String> {
    use crate::transport::endpoint::Endpoint;
    let endpoint = Endpoint::parse(url).map_err(|error| error.to_string())?;
    loop {
        if super::rest::answers_200(&endpoint).await {
            return Ok(endpoint.origin());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Places {
    /// Finds what the command, its environment or the probe ask for.
    fn of(launch: &Launch) -> io::Result<Self> {
        let values = launch.environment.iter().map(|(_, value)| value);
        let probe = match &launch.ready {
            Ready::Probe(url) => Some(url),
            Ready::Line(_) => None,
        };
        let control = launch.control.iter();
        let words: Vec<&String> =
            launch.command.iter().chain(control).chain(values).chain(probe).collect();
        let wanted = |name: &str| words.iter().any(|word| word.contains(name));
        let mut places = Self::default();
        if wanted("$port") {
            places.port = Some(free_port()?);
        }
        if wanted("$data") {
            let folder = format!("assize-{}", uuid::Uuid::new_v4().simple());
            let folder = std::env::temp_dir().join(folder);
            std::fs::create_dir(&folder)?;
            places.data = Some(folder);
        }
        Ok(places)
    }

    fn fill(&self, word: &str) -> String {
        let mut filled = word.to_owned();
        if let Some(port) = self.port {
            filled = filled.replace("$port", &port.to_string());
        }
        if let Some(data) = &self.data {
            filled = filled.replace("$data", &data.display().to_string());
        }
        filled
    }
}

/// A port that is free now and that no outgoing connection takes while the server is down: it is
/// below those that systems give to connections.
fn free_port() -> io::Result<u16> {
    const PORTS: std::ops::Range<u16> = 10_000..32_000;
    const TRIES: usize = 100;
    let chances =
        std::iter::repeat_with(|| uuid::Uuid::new_v4().as_u128() as u16 % PORTS.len() as u16);
    let mut ports = chances.take(TRIES).map(|chance| PORTS.start + chance);
    match ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()) {
        Some(port) => Ok(port),
        None => Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port()),
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        if let Some(data) = &self.data {
            // What the server left without permission stays in the folder for temporary files.
            let _ = std::fs::remove_dir_all(data);
        }
    }
}

impl Talk {
    fn add(&self, line: String) {
        let mut lines = self.0.lock().expect("nobody panics with it");
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics with it").iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, ready: Ready) -> Launch {
        Launch {
            command: vec!["sh".into(), "-c".into(), script.into()],
            nodes: 1,
            control: Vec::new(),
            parts: Vec::new(),
            environment: vec![("GREETING".into(), "listening on".into())],
            ready,
            within: Duration::from_secs(20),
            stop_within: Duration::from_secs(20),
            cases_at_once: None,
        }
    }

    #[tokio::test]
    async fn a_line_tells_where_it_listens() {
        let launch = shell(
            "echo \"$GREETING http://127.0.0.1:4711/ now\"; exec cat /dev/zero > /dev/null",
            Ready::Line("listening on".into()),
        );
        let launched = Launched::start(&launch).await.unwrap();
        assert_eq!(launched.urls, ["http://127.0.0.1:4711"]);
        let id = launched.child.id().unwrap();
        launched.stop().await;
        assert!(!std::path::Path::new(&format!("/proc/{id}/cmdline")).exists());
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_its_last_words() {
        let launch = shell("echo no database >&2; exit 3", Ready::Line("listening".into()));
        let error = Launched::start(&launch).await.unwrap_err();
        assert!(error.what.contains("before"), "{}", error.what);
        assert_eq!(error.said, ["no database"]);
    }

    /// A server that says where it would listen, who it is and what it found in its folder.
    fn memory() -> Launch {
        let script = "cat $0/known 2>/dev/null; echo known > $0/known; \
                      echo listening on http://127.0.0.1:$1/; exec sleep 600";
        let mut launch = shell(script, Ready::Line("listening on".into()));
        launch.command.extend(["$data".into(), "$port".into()]);
        launch
    }

    #[tokio::test]
    async fn it_comes_up_again_where_it_was_with_what_it_stored() {
        for kill in [false, true] {
            let mut launched = Launched::start(&memory()).await.unwrap();
            let url = launched.urls[0].clone();
            assert!(!url.contains('$') && launched.said().await.len() == 1, "{url}");
            launched.start_again().await.unwrap();
            assert_eq!(launched.said().await.len(), 1, "one that runs is left alone");
            if kill {
                launched.kill().await;
            } else {
                launched.end().await;
            }
            assert!(launched.ended().is_some());
            launched.start_again().await.unwrap();
            let said = launched.said().await;
            assert_eq!((launched.urls[0].as_str(), said[0].as_str()), (url.as_str(), "known"));
            let data = launched.places.data.clone().unwrap();
            launched.stop().await;
            assert!(!data.exists(), "its folder is deleted in the end");
        }
    }

    #[tokio::test]
    async fn a_halted_process_stands_still_and_ends_when_it_is_told_to() {
        let launched = Launched::start(&memory()).await.unwrap();
        let id = launched.child.id().unwrap();
        let state = || {
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
            stat.rsplit(')').next().unwrap().trim().chars().next().unwrap()
        };
        launched.halt();
        while state() != 'T' {
            tokio::task::yield_now().await;
        }
        launched.go_on();
        while state() == 'T' {
            tokio::task::yield_now().await;
        }
        launched.halt();
        launched.stop().await;
        assert!(!std::path::Path::new(&format!("/proc/{id}/cmdline")).exists());
    }

    #[tokio::test]
    async fn one_that_comes_up_elsewhere_is_told_how_not_to() {
        let script = "echo listening on http://127.0.0.1:$$/; exec sleep 600";
        let ready = Ready::Line("listening on".into());
        let mut launched = Launched::start(&shell(script, ready)).await.unwrap();
        launched.kill().await;
        let error = launched.start_again().await.unwrap_err();
        assert!(error.what.contains("$port"), "{}", error.what);
    }

    #[tokio::test]
    async fn each_node_says_where_it_listens_and_is_struck_by_the_control_command() {
        let script = "echo listening on http://127.0.0.1:1; echo and; \
                      echo listening on http://127.0.0.1:2; exec sleep 600";
        let mut launch = shell(script, Ready::Line("listening on".into()));
        launch.nodes = 2;
        launch.control = ["sh", "-c", "echo \"$@\" > $0/told; test \"$1\" = kill", "$data"]
            .map(String::from)
            .to_vec();
        let launched = Launched::start(&launch).await.unwrap();
        assert_eq!(launched.urls, ["http://127.0.0.1:1", "http://127.0.0.1:2"]);
        let words = ["kill", "node", "1"].map(String::from);
        launched.control(&words).await.unwrap();
        let told = launched.places.data.clone().unwrap().join("told");
        assert_eq!(std::fs::read_to_string(told).unwrap(), "kill node 1\n");
        let refused = launched.control(&["stop".to_owned()]).await.unwrap_err();
        assert!(refused.contains("failed"), "{refused}");
        launched.stop().await;
    }

    #[tokio::test]
    async fn without_a_control_command_nodes_are_out_of_reach() {
        let script = "echo listening on http://127.0.0.1:1; exec sleep 600";
        let launched =
            Launched::start(&shell(script, Ready::Line("listening on".into()))).await.unwrap();
        let refused = launched.control(&["kill".to_owned()]).await.unwrap_err();
        assert!(refused.contains("`control`"), "{refused}");
        launched.stop().await;
    }
}
