//! What CI servers are told: JUnit XML that they read, annotations, summaries, exit codes, metrics; and
//! that the documented workflow files say nothing that the program does not understand.

#[path = "support/live.rs"]
mod live;
#[path = "support/program.rs"]
mod program;

use live::Live;
use program::{Case, Ended, program};
use rustix::process::Signal;
use std::collections::HashSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TALK: &str = "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 500ms, send: 40/s in all, repeat: 30%, texts: { short: 100% } }";

/// An element, those that it may stand in, its attributes, those of them that must be there.
type Element = (&'static str, Names, Names, Names);
type Names = &'static [&'static str];

/// What the strictest schema in use (Jenkins' xUnit plugin, junit-10) allows.
const SCHEMA: &[Element] = &[
    ("testsuites", &[""], &["name", "time", "tests", "failures", "errors"], &[]),
    (
        "testsuite",
        &["testsuites"],
        &["name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id"],
        &["name", "tests", "failures", "errors"],
    ),
    ("properties", &["testsuite"], &[], &[]),
    ("property", &["properties"], &["name", "value"], &["name", "value"]),
    ("testcase", &["testsuite"], &["name", "time", "classname"], &["name"]),
    ("failure", &["testcase"], &["type", "message"], &[]),
    ("error", &["testcase"], &["type", "message"], &[]),
    ("skipped", &["testcase"], &["type", "message"], &[]),
    ("system-out", &["testcase", "testsuite"], &[], &[]),
    ("system-err", &["testcase", "testsuite"], &[], &[]),
];

/// Complains of what a strict reader of JUnit XML would.
fn check_junit(xml: &str) {
    let mut open = vec![String::new()];
    let mut names = HashSet::new();
    for piece in xml.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        if tag.starts_with('?') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let known = SCHEMA.iter().find(|(known, ..)| *known == name);
        let (_, parents, allowed, required) = known.unwrap_or_else(|| panic!("<{name}>"));
        assert!(parents.contains(&open.last().unwrap().as_str()), "<{name}> in {open:?}");
        let attributes: Vec<(&str, &str)> = attributes
            .split("\" ")
            .filter(|attribute| !attribute.is_empty())
            .map(|attribute| attribute.split_once("=\"").unwrap())
            .collect();
        for (attribute, _) in &attributes {
            assert!(allowed.contains(attribute), "<{name} {attribute}>");
        }
        let of = |name: &str| attributes.iter().find(|(known, _)| *known == name).map(|x| x.1);
        assert!(required.iter().all(|name| of(name).is_some()), "<{tag}>");
        if name == "testcase" {
            // Of two with one name one server forgets the second.
            assert!(names.insert((of("classname"), of("name"))), "<{tag}> comes twice");
        }
        if matches!(name, "failure" | "error") {
            // One server shows the text and not the message.
            assert!(!is_empty && !text.trim().is_empty(), "<{tag}> has no text");
        }
        if !is_empty {
            open.push(name.to_owned());
        }
    }
    assert_eq!(open.len(), 1, "{open:?}");
    let is_allowed = |char: char| char >= ' ' || matches!(char, '\n' | '\t' | '\r');
    assert!(xml.chars().all(is_allowed), "XML has no such characters");
}

#[test]
fn junit_is_as_ci_servers_read_it() {
    for case in ["pass", "fail", "interrupted"] {
        let path = Path::new(ROOT).join("tests/golden").join(case).join("junit.xml");
        check_junit(&fs::read_to_string(path).unwrap());
    }
    let case = Case::new(&format!("{TALK}\nexpect: [reconnect.p95 < 1s, delivery.count > 100000]"));
    case.run(&["--bug", "dedup-off"]).expect(1);
    check_junit(&fs::read_to_string(case.path("reports/latest/junit.xml")).unwrap());
}

#[test]
fn junit_of_the_catalogue_is_as_ci_servers_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["conform", "--spec", "callback-ack", "idempotency", "--quick", "--quiet"]);
    command.args(["--bug", "dedup-off", "--out"]).arg(folder.path());
    Ended::of(command.output().unwrap()).expect(1);
    check_junit(&fs::read_to_string(folder.path().join("latest/junit.xml")).unwrap());
}

/// The line of a file, from 1, that begins so.
fn line_of(path: &Path, start: &str) -> usize {
    let text = fs::read_to_string(path).unwrap();
    text.lines().position(|line| line.starts_with(start)).unwrap() + 1
}

#[test]
fn on_github_actions_promises_and_expectations_are_marked_where_they_stand() {
    let case = Case::new(&format!("{TALK}\nexpect:\n  - delivery.count > 1000000"));
    let summary = case.path("summary");
    let mut command = case.command(&["--bug", "dedup-off"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", ROOT);
    command.env("GITHUB_STEP_SUMMARY", &summary);
    let ended = Ended::of(command.output().unwrap()).expect(1);
    let promised = line_of(&Path::new(ROOT).join("specs/callback-ack.yaml"), "  idempotency:");
    let mark = format!(
        "::error file=specs/callback-ack.yaml,line={promised},title=idempotency is broken::"
    );
    let line = ended.stderr.lines().find(|line| line.starts_with(&mark));
    let line = line.unwrap_or_else(|| panic!("{}", ended.stderr));
    assert!(line.contains("%0Aagain: assize run "), "{line}");
    let scenario = case.path("tiny.yaml");
    let stated = line_of(&scenario, "  - delivery.count");
    let mark = format!(
        "::error file={},line={stated},title=delivery.count > 1000000 is missed::measured ",
        scenario.display()
    );
    assert!(ended.stderr.lines().any(|line| line.starts_with(&mark)), "{}", ended.stderr);
    let written = fs::read_to_string(&summary).unwrap();
    assert!(written.starts_with("## ✗ FAIL: tiny on callback-ack\n"), "{written}");
    // Elsewhere nobody wants to see that.
    let ended = case.run(&["--bug", "dedup-off"]).expect(1);
    assert!(!ended.stderr.contains("::error"), "{}", ended.stderr);
}

#[test]
fn a_summary_that_cannot_be_written_is_told_and_changes_nothing() {
    let case = Case::new(TALK);
    let mut command = case.command(&[]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "/dev/full");
    let ended = Ended::of(command.output().unwrap()).expect(0);
    assert!(ended.stderr.contains("warning: cannot add to the step's summary"), "{}", ended.stderr);
}

#[test]
fn cases_that_fail_are_marked_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["conform", "--spec", "callback-ack", "--quiet", "--bug", "dedup-off"]);
    command.arg("idempotency/twice-in-a-row").arg("--out").arg(folder.path());
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", ROOT);
    let ended = Ended::of(command.output().unwrap()).expect(1);
    let mark = "::error file=specs/callback-ack.yaml,line=";
    assert!(ended.stderr.lines().any(|line| line.starts_with(mark)), "{}", ended.stderr);
}

#[test]
fn what_fails_a_run_can_be_chosen_and_what_that_hides_is_said() {
    let case = Case::new(&format!("{TALK}\nexpect: [delivery.count > 1000000]"));
    let run = |fail_on: &str| case.run(&["--bug", "dedup-off", "--fail-on", fail_on]);
    run("broken").expect(1);
    run("idempotency").expect(1);
    run("missed").expect(2);
    let ended = run("ordering,in-doubt").expect(0);
    let warning = "the exit code is 0, by `--fail-on`; without it, it would be 1";
    assert!(ended.stderr.contains(warning), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("FAIL  "), "{}", ended.stdout);
    run("none").expect(0);
    let told = run("mised").expect(64).stderr;
    assert!(told.contains("hint: did you mean `missed`?"), "{told}");
}

fn get(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn prometheus_is_told_how_the_run_stands() {
    let case = Case::new(
        "phases:
  - connect: { lasts: 100ms, connect: 100% }
  - talk: { lasts: 1h, send: 40/s in all, texts: { short: 100% } }",
    );
    let mut run = Live::start(&mut case.command(&["--metrics", "127.0.0.1:0"]));
    let line = run.wait_for("metrics: http://");
    let address = line.trim().trim_start_matches("metrics: http://").trim_end_matches("/metrics");
    run.wait_for(" talk ");
    let answer = get(address);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("\nassize_phase{phase=\"talk\"} 1\n"), "{answer}");
    assert!(answer.contains("\nassize_clients 6\n"), "{answer}");
    // A second run that wants the same port is told before it begins.
    let told = case.run(&["--metrics", address]).expect(64);
    assert!(told.stderr.contains("cannot offer metrics on `127.0.0.1:"), "{}", told.stderr);
    assert_eq!(told.stdout, "");
    run.signal(Signal::INT);
    run.end().expect(130);
    assert!(TcpListener::bind(address).is_ok(), "the port is free again");
}

/// The lines of a document that are command lines of the program, continued ones put together.
fn command_lines(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let starts = ["$ assize ", "- assize ", "run: assize ", "assize "];
    let line = |line: &str| {
        let line = line.trim();
        let rest = starts.iter().find_map(|start| line.strip_prefix(start))?;
        let rest = rest.split(" # ").next().unwrap_or(rest).split(" >").next().unwrap_or(rest);
        rest.split(" || ").next().map(|rest| rest.split(" | ").next().unwrap_or(rest).to_owned())
    };
    joined.lines().filter_map(line).collect()
}

/// The lines of a document that a reader is told to type, each as the program would get it.
fn told_lines(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let typed = joined.lines().filter_map(|line| line.trim().strip_prefix("$ "));
    let parts = typed.flat_map(|line| line.split(" && ")).flat_map(|line| line.split("; "));
    let of_program = |part: &str| {
        let part = part.split(" # ").next().unwrap_or(part).split(" >").next().unwrap_or(part);
        let part = part.split(" | ").next().unwrap_or(part);
        let starts = ["assize ", "cargo run --release -- "];
        starts.iter().find_map(|start| part.trim().strip_prefix(start)).map(str::to_owned)
    };
    parts.filter_map(of_program).map(|line| line.replace('"', "")).collect()
}

#[test]
fn the_documented_command_lines_are_understood() {
    use clap::Parser;
    let of_ci = ["docs/ci.md", "docs/ci/github-actions.yml", "docs/ci/gitlab-ci.yml"];
    let docs =
        fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let documents = of_ci.map(|name| Path::new(ROOT).join(name)).into_iter().chain(docs);
    for document in documents.chain([Path::new(ROOT).join("README.md")]) {
        let text = fs::read_to_string(&document).unwrap();
        let document = document.display();
        let (lines, least) = match of_ci.iter().any(|name| document.to_string().ends_with(name)) {
            true => (command_lines(&text), 3),
            false => (told_lines(&text), 0),
        };
        assert!(lines.len() >= least, "{document}: {lines:?}");
        for line in lines {
            let words = ["assize"].into_iter().chain(line.split_whitespace());
            let parsed = assize::cli::Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{document}: `{line}`\n{}", parsed.unwrap_err());
        }
    }
}
