//! `assize conform` as a user meets it: what it prints, what it writes, and how it ends.

#[path = "support/live.rs"]
mod live;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "runs of scenarios belong to other tests")]
mod program;
#[path = "support/served.rs"]
mod served;

use assize::outcome::conformance::End;
use assize::outcome::{Conformance, Exit};
use assize::verdict::Standing;
use live::Live;
use program::{Ended, program};
use rustix::process::{Pid, Signal, kill_process};
use served::Served;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const TWO_DEVICES: &str = "idempotency/at-once-on-two-devices";
/// A case that waits for a timeout of the contract.
const SLOW: &str = "idempotency/ack-withheld";

/// `assize conform` that writes into a folder.
fn conform(out: &Path, arguments: &[&str]) -> Command {
    let mut command = program();
    command.arg("conform").args(arguments).arg("--out").arg(out);
    if !arguments.contains(&"--spec") {
        command.args(["--spec", "callback-ack"]);
    }
    command
}

fn ended(arguments: &[&str]) -> (Ended, TempDir) {
    let out = tempfile::tempdir().unwrap();
    let ended = Ended::of(conform(out.path(), arguments).output().unwrap());
    (ended, out)
}

fn report(out: &TempDir) -> Conformance {
    let json = fs::read_to_string(out.path().join("latest/report.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// The spec of the first system, with these lines at its end.
fn spec_with(folder: &Path, lines: &str) -> String {
    let yaml = fs::read_to_string("specs/callback-ack.yaml").unwrap();
    let path = folder.join("mine.yaml");
    fs::write(&path, format!("{yaml}\n{lines}\n")).unwrap();
    path.display().to_string()
}

#[test]
fn an_honest_server_passes_and_the_folder_says_so() {
    let (ended, out) = ended(&[TWO_DEVICES]);
    let ended = ended.expect(0);
    assert!(ended.stdout.starts_with("PASS"), "{}", ended.stdout);
    for file in ["report.txt", "report.json", "junit.xml", "summary.md", "report.html"] {
        assert!(out.path().join("latest").join(file).exists(), "{file}");
    }
    let run = report(&out);
    assert_eq!(run.exit(), Exit::Held);
    assert_eq!(run.cases.len(), 1);
    assert!(run.cases[0].finding.observations > 0);
    let again = program().arg("report").arg(out.path().join("latest")).output().unwrap();
    assert_eq!(String::from_utf8(again.stdout).unwrap(), ended.stdout);
}

#[test]
fn a_failure_is_an_argument_that_fits_a_screen() {
    let (ended, out) = ended(&[TWO_DEVICES, "--bug", "dedup-race", "--trace"]);
    let ended = ended.expect(1);
    for part in ["therefore", "but", "promise", "source", "ann.2", "again", "message:send"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let command = format!("assize conform --spec callback-ack --bug dedup-race {TWO_DEVICES}");
    assert!(ended.stdout.contains(&command), "{}", ended.stdout);
    let run = report(&out);
    let case = &run.cases[0];
    assert!(case.failed >= 1 && case.failed <= case.copies);
    for violation in &case.finding.violations {
        assert!((1..=25).contains(&violation.exhibits.len()));
    }
}

#[test]
fn unknown_names_are_mistakes_with_a_hint() {
    let (ended, _) = ended(&["idempotency/at-once-on-two-devises"]);
    let ended = ended.expect(64);
    assert!(ended.stderr.contains(&format!("did you mean `{TWO_DEVICES}`")), "{}", ended.stderr);
}

#[test]
fn no_case_at_all_is_not_green() {
    let (ended, _) = ended(&["--quick", SLOW]);
    assert!(ended.expect(4).stdout.starts_with("NOT EXERCISED"));
}

#[test]
fn what_the_spec_cannot_do_is_not_supported_and_says_why() {
    let out = tempfile::tempdir().unwrap();
    let yaml = fs::read_to_string("specs/callback-ack.yaml").unwrap();
    // Whatever speaks of typing goes, with what is written below it.
    let mut gone = None;
    let mut kept = |line: &&str| {
        let depth = line.len() - line.trim_start().len();
        if gone.is_none_or(|above| depth <= above) {
            gone = line.contains("typing").then_some(depth);
        }
        gone.is_none()
    };
    let without: Vec<&str> = yaml.lines().filter(&mut kept).collect();
    let path = out.path().join("mine.yaml");
    fs::write(&path, without.join("\n")).unwrap();
    let spec = path.display().to_string();
    let mut command = conform(out.path(), &["--spec", &spec, TWO_DEVICES, "typing-timeout"]);
    Ended::of(command.output().unwrap()).expect(0);
    let run = report(&out);
    let lacking = run.cases.iter().filter(|case| case.property == "typing-timeout");
    let whys: Vec<_> = lacking.map(|case| case.end.clone()).collect();
    assert!(!whys.is_empty());
    for why in whys {
        assert!(matches!(&why, End::NotSupported(why) if why.contains("typing")), "{why:?}");
    }
}

#[test]
fn a_known_failure_does_not_fail_the_gate_and_its_unexpected_pass_does() {
    let out = tempfile::tempdir().unwrap();
    let known = |until: &str| {
        let known = format!("known-failures:\n  {TWO_DEVICES}: {{ reason: an old race{until} }}");
        spec_with(out.path(), &known)
    };
    let run = |until: &str, more: &[&str]| {
        let spec = known(until);
        let arguments = [&["--spec", &spec, TWO_DEVICES, "idempotency/twice-in-a-row"], more];
        Ended::of(conform(out.path(), &arguments.concat()).output().unwrap())
    };
    let excused = run("", &["--bug", "dedup-race"]).expect(0);
    assert!(excused.stdout.contains("as known: an old race"), "{}", excused.stdout);
    let passing = run("", &[]).expect(1);
    assert!(passing.stdout.contains("listed as known to fail"), "{}", passing.stdout);
    run(", until: 2020-01-01", &["--bug", "dedup-race"]).expect(1);
    run(", until: 2020-01-01", &[]).expect(0);
}

#[test]
fn a_known_failure_of_no_case_is_a_mistake_of_the_spec() {
    let out = tempfile::tempdir().unwrap();
    for name in ["idempotency/twise", "idempotency"] {
        let known = format!("known-failures:\n  {name}: {{ reason: x }}");
        let spec = spec_with(out.path(), &known);
        let ended = Ended::of(conform(out.path(), &["--spec", &spec]).output().unwrap());
        assert!(ended.expect(65).stderr.contains(&format!("`{name}`")));
    }
}

#[test]
fn nobody_there_is_said_at_once() {
    let (ended, _) = ended(&["--target", "http://127.0.0.1:1"]);
    assert!(ended.expect(69).stderr.contains("127.0.0.1:1"));
}

#[test]
fn a_target_that_dies_in_the_middle_ends_with_what_was_learned() {
    let mut served = Served::start();
    let out = tempfile::tempdir().unwrap();
    let mut run = conform(out.path(), &["--target", &served.url, TWO_DEVICES, SLOW]);
    let mut live = Live::start(&mut run);
    live.wait_for("1 of 2 cases");
    served.kill();
    let ended = live.end().expect(69);
    assert!(ended.stdout.contains("died in the middle"), "{}", ended.stdout);
    let run = report(&out);
    assert_eq!(run.cases[0].end, End::Judged(Standing::Pass));
    assert!(matches!(run.cases[1].end, End::NotReached(_)), "{:?}", run.cases[1].end);
}

#[test]
fn ctrl_c_reports_what_is_done() {
    let out = tempfile::tempdir().unwrap();
    let mut live = Live::start(&mut conform(out.path(), &[TWO_DEVICES, SLOW]));
    live.wait_for("1 of 2 cases");
    live.signal(Signal::INT);
    let ended = live.end().expect(130);
    assert!(ended.stdout.starts_with("INTERRUPTED"), "{}", ended.stdout);
    let run = report(&out);
    assert_eq!(run.cases[0].end, End::Judged(Standing::Pass));
    assert!(matches!(run.cases[1].end, End::NotReached(_)));
}

/// A scenario whose server, with these options, is started by a script that takes some time to clear up
/// after it; the server's process id is in the file.
fn cleared_up_slowly(out: &Path, options: &str) -> (String, String) {
    let id = out.join("id").display().to_string();
    let program = env!("CARGO_BIN_EXE_assize");
    let serve = format!("'{program}' serve --spec callback-ack --port $port {options}");
    let script = format!("{serve} & echo $! > '{id}'; wait $!; sleep 1; exit 7");
    let yaml = format!(
        "assize: 1\nname: slow\nabout: x\npeople: {{ count: 2 }}\nphases: [all: {{ lasts: 1s, connect: 100% }}]\n\
         launch:\n  command: [sh, -c, \"{script}\"]\n  ready: {{ line: \"listening on \" }}\n"
    );
    let path = out.join("slow.yaml");
    fs::write(&path, yaml).unwrap();
    (path.display().to_string(), id)
}

#[test]
fn a_server_that_dies_while_one_case_is_played_fails_that_case() {
    let out = tempfile::tempdir().unwrap();
    let (scenario, id) = cleared_up_slowly(out.path(), "");
    let mut live = Live::start(&mut conform(out.path(), &["--launch", &scenario, SLOW]));
    live.wait_for(": 0 of 1 cases");
    let id = fs::read_to_string(id).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
    let ended = live.end().expect(1);
    assert!(ended.stdout.contains("ended by itself"), "{}", ended.stdout);
    let run = report(&out);
    assert!(run.notes[0].contains("exit status: 7"), "{:?}", run.notes);
    assert_eq!(run.cases[0].end, End::Judged(Standing::Fail));
    assert_eq!(run.cases[0].finding.violations[0].summary, "the server ended");
}

#[test]
fn a_server_that_dies_when_a_case_is_played_again_is_reported() {
    let out = tempfile::tempdir().unwrap();
    let (scenario, id) = cleared_up_slowly(out.path(), "--bug typing-survives-loss");
    let typist = "typing-timeout/typist-leaves";
    let mut live =
        Live::start(&mut conform(out.path(), &["--launch", &scenario, TWO_DEVICES, typist]));
    // What rests on time is played once more.
    live.wait_for(": 0 of 1 cases");
    let id = fs::read_to_string(id).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::KILL).unwrap();
    let ended = live.end().expect(1);
    assert!(ended.stdout.contains("ended by itself"), "{}", ended.stdout);
    let run = report(&out);
    assert!(run.died.is_some() && run.notes[0].contains("exit status: 7"), "{:?}", run.notes);
    let felled = run.cases.iter().find(|case| case.name == typist).unwrap();
    assert_eq!(felled.finding.violations[0].summary, "the server ended");
    let other = run.cases.iter().find(|case| case.name == TWO_DEVICES).unwrap();
    assert_eq!(other.end, End::Judged(Standing::Pass));
}

#[test]
fn where_pages_shift_by_design_only_what_no_new_message_explains_fails() {
    let out = tempfile::tempdir().unwrap();
    let yaml = fs::read_to_string("specs/rest-first.yaml").unwrap();
    let path = out.path().join("shifting.yaml");
    let yaml = yaml.replace("traits:\n", "traits:\n  paging: shifting\n");
    fs::write(&path, yaml.replace("name: rest-first", "name: shifting")).unwrap();
    let spec = path.display().to_string();
    let cases = ["pagination/while-messages-arrive", "pagination/whole-once"];
    let run = |spec: &str, more: &[&str]| {
        let arguments = [&["--spec", spec], &cases[..], more].concat();
        Ended::of(conform(out.path(), &arguments).output().unwrap())
    };
    run(&spec, &[]).expect(0);
    let repeats = run(&spec, &["--bug", "page-repeats"]).expect(1);
    assert!(repeats.stdout.contains("a row on two pages"), "{}", repeats.stdout);
    let shifts = run("rest-first", &["--bug", "pages-shift"]).expect(1);
    assert!(shifts.stdout.contains("while-messages-arrive  failed"), "{}", shifts.stdout);
}
