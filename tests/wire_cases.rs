//! The catalogue of the wire, case by case, against servers with real sockets.
//!
//! The honest reference server holds every case, and so does the official server of Node those of its
//! protocols; each bug of the wire falls to the case that names it. Nothing here asserts on a time.

use assize::conform::wire::{self, Performed, Site, WireCase};
use assize::engine::clock::Clock;
use assize::engine::people::Registry;
use assize::history::PersonId;
use assize::reference::{Bug, Bugs, Hosted, Options};
use assize::spec::{self, Protocol, Spec};
use assize::transport::endpoint::Endpoint;
use assize::verdict::Standing;
use futures_util::StreamExt;
use futures_util::stream;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Cases that are played at the same time.
const AT_ONCE: usize = 24;

fn load(name: &str) -> Arc<Spec> {
    let path = format!("specs/{name}.yaml");
    let text = std::fs::read_to_string(&path).expect(&path);
    Arc::new(spec::load(&path, &text, &assize::property::ids()).expect("a good spec").spec)
}

/// The reference server, with timers that a test can wait for.
fn host(spec: &Arc<Spec>, bugs: Bugs) -> Hosted {
    let options = Options {
        bugs,
        ping_interval: Duration::from_secs(2),
        ping_timeout: Duration::from_secs(2),
        ..Options::default()
    };
    Hosted::start(Arc::clone(spec), options, 1).expect("the server starts")
}

/// Plays cases against a server, many at once.
fn play(
    url: &str,
    spec: &Arc<Spec>,
    cases: &[&'static WireCase],
) -> Vec<(&'static WireCase, Performed)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let endpoint = Endpoint::parse(url).expect("a URL");
    let clock = Clock::start();
    let registry = Registry::open(spec).expect("credentials");
    runtime.expect("a runtime").block_on(async {
        stream::iter(cases.iter().zip((0..).step_by(3)))
            .map(|(case, person)| {
                let site = Site {
                    endpoint: endpoint.clone(),
                    spec: Arc::clone(spec),
                    registry: Arc::clone(&registry),
                    clock,
                    person: PersonId(person),
                    trace: true,
                };
                async move { (*case, wire::perform(case, &site).await) }
            })
            .buffered(AT_ONCE)
            .collect()
            .await
    })
}

/// What is wrong with a case's outcome, if anything.
fn complaint(case: &WireCase, performed: &Performed) -> Option<String> {
    let standing = performed.finding.standing(1);
    if standing == Standing::Pass || performed.not_supported.is_some() {
        return None;
    }
    let finding = &performed.finding;
    let said = finding.violations.first().map(|one| one.therefore.as_str());
    let said = said.or(finding.doubts.first().map(String::as_str)).unwrap_or_default();
    let trace =
        if std::env::var("TRACE").is_ok() { performed.trace.join("\n  ") } else { String::new() };
    Some(format!("{} ({}) {standing}: {said}\n  {trace}", case.name, case.severity.name()))
}

/// What does not hold on an honest server: cases and why, for those that are known.
fn complaints(outcomes: &[(&'static WireCase, Performed)], known: &[&str]) -> Vec<String> {
    let unknown = |case: &WireCase| !known.contains(&case.name);
    let list = outcomes.iter().filter(|(case, _)| unknown(case));
    list.filter_map(|(case, performed)| complaint(case, performed)).collect()
}

/// What the library of the reference server does otherwise; no protocol demands it.
const KNOWN: &[&str] = &["engine-io/aborted-upgrade", "socket-io/sid-is-not-the-session"];

/// The cases of the protocols that Socket.IO servers speak.
fn all() -> Vec<&'static WireCase> {
    wire::cases().iter().filter(|case| case.chapter() != RAW).collect()
}

/// The chapter of raw WebSockets.
const RAW: &str = "websocket";

#[test]
fn the_honest_server_holds_every_case_of_raw_websockets() {
    let spec = load("frames");
    let hosted = host(&spec, Bugs::NONE);
    let cases: Vec<_> = wire::cases().iter().filter(|case| case.chapter() == RAW).collect();
    assert!(cases.len() >= 30);
    let outcomes = play(hosted.url(), &spec, &cases);
    let wrong = complaints(&outcomes, &[]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(outcomes.iter().all(|(_, one)| one.not_supported.is_none()));
}

#[test]
fn the_honest_server_holds_every_case() {
    for name in ["callback-ack", "broadcast", "lobby"] {
        let spec = load(name);
        let hosted = host(&spec, Bugs::NONE);
        let outcomes = play(hosted.url(), &spec, &all());
        let wrong = complaints(&outcomes, KNOWN);
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
        let unsupported = outcomes.iter().filter(|(_, one)| one.not_supported.is_some());
        assert!(unsupported.count() <= 6, "{name}: too little is tried");
    }
}

/// The official server, killed when it is dropped.
struct Node(Child, String);

impl Node {
    fn start() -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node");
        let prepared = Command::new(format!("{folder}/prepare")).status().expect("a shell");
        assert!(prepared.success(), "tests/node/prepare failed");
        let mut child = Command::new("node")
            .arg(format!("{folder}/echo.mjs"))
            .args(["2000", "2000"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line").expect("a line");
        let first: serde_json::Value = serde_json::from_str(&first).expect("JSON");
        // What it says later is read, so that it can go on.
        std::thread::spawn(move || lines.count());
        Self(child, format!("http://127.0.0.1:{}", first["port"]))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the official server does otherwise, and no more than a should.
const KNOWN_OF_NODE: &[&str] = &["engine-io/close-websocket"];

#[test]
fn the_official_server_holds_every_case() {
    let node = Node::start();
    // Its patience for a CONNECT is 45 s, longer than a test should take.
    let cases: Vec<_> = all().into_iter().filter(|c| c.name != "socket-io/no-connect").collect();
    let outcomes = play(&node.1, &load("callback-ack"), &cases);
    let failed = outcomes.into_iter().filter(|(_, one)| {
        // It knows no event of the spec, so some cases see too little.
        one.finding.standing(1) != Standing::NotExercised
    });
    let wrong = complaints(&failed.collect::<Vec<_>>(), KNOWN_OF_NODE);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The case that must catch a bug by itself.
fn named(bug: Bug) -> Option<&'static WireCase> {
    let catches = |case: &&WireCase| case.catches.contains(&bug.name());
    wire::cases().iter().find(|case| catches(case) && case.chapter() == bug.property())
}

/// What is wrong with a bug's row, if anything: it escapes its case, or fails the other chapter.
fn row(bug: Bug) -> Vec<String> {
    let Some(case) = named(bug) else {
        return vec![format!("no case catches {bug}")];
    };
    let spec = &load(bug.spec());
    let hosted = host(spec, Bugs::NONE.with(bug));
    let others = wire::cases().iter().filter(|other| other.chapter() != case.chapter());
    let cases: Vec<_> = std::iter::once(case).chain(others.filter(|other| other.quick)).collect();
    let outcomes = play(hosted.url(), spec, &cases);
    let failed = |one: &(_, Performed)| one.1.finding.standing(1) == Standing::Fail;
    let touched: Vec<_> = outcomes[1..].iter().filter(|one| failed(one)).cloned().collect();
    let touched = complaints(&touched, KNOWN);
    let mut wrong: Vec<_> = touched.iter().map(|text| format!("{bug} touches {text}")).collect();
    if !failed(&outcomes[0]) {
        wrong.push(format!("{bug} escapes {}: {:#?}", case.name, outcomes[0].1));
    }
    wrong
}

#[test]
fn each_bug_of_the_wire_falls_to_its_case_and_leaves_the_other_chapter() {
    let bugs: Vec<Bug> =
        Bug::ALL.iter().copied().filter(|bug| wire::CHAPTERS.contains(&bug.property())).collect();
    assert!(bugs.len() >= 27);
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = row(*bug);
                    wrong.lock().unwrap().extend(row);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn cases_name_bugs_that_exist_and_say_what_they_want() {
    let mut names = std::collections::BTreeSet::new();
    let docs = std::fs::read_to_string("docs/wire-cases.md").expect("it is there");
    for case in wire::cases() {
        assert!(names.insert(case.name), "{} twice", case.name);
        assert!(wire::CHAPTERS.contains(&case.chapter()), "{}", case.name);
        for text in [case.says, case.why] {
            assert!(text.len() > 10 && text.ends_with('.'), "{}: {text}", case.name);
        }
        assert!(!case.source.is_empty());
        let slow = if case.quick { "" } else { ", slow" };
        let listed =
            format!("| `{}` | {}{slow} | {} |", case.name, case.severity.name(), case.says);
        assert!(docs.contains(&listed), "docs/wire-cases.md lacks {listed}");
        wire::Script::parse(case.script).unwrap_or_else(|wrong| panic!("{}: {wrong}", case.name));
        for bug in case.catches {
            assert!(Bug::parse(bug).is_some(), "{} catches `{bug}`", case.name);
        }
    }
    assert!(names.len() >= 55);
}

#[test]
fn nobody_at_home_is_no_verdict() {
    let spec = load("callback-ack");
    let case = wire::find("socket-io/connect").expect("it is there");
    let outcomes = play("http://127.0.0.1:9", &spec, &[case]);
    assert_eq!(outcomes[0].1.finding.standing(1), Standing::Inconclusive);
}

#[test]
fn other_protocols_are_not_supported() {
    let frames = Protocol::WebSocket { subprotocol: None };
    for (protocol, raw) in [(Protocol::Http, false), (frames, true)] {
        let mut spec = Spec::clone(&load("callback-ack"));
        spec.connect.protocol = protocol;
        for case in wire::cases().iter().filter(|case| !raw || case.chapter() != RAW) {
            assert!(wire::disabled(case, &spec).is_some(), "{}", case.name);
        }
    }
    let socket_io = load("callback-ack");
    for case in wire::cases().iter().filter(|case| case.chapter() == RAW) {
        assert!(wire::disabled(case, &socket_io).is_some(), "{}", case.name);
    }
}
