//! From a load run to a small plan, from outside: `run` finds it, `shrink` makes a plan of it, `replay` plays it.

use std::path::Path;
use std::process::{Command, Output};

fn assize(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_assize")).args(arguments).output().expect("it runs")
}

fn said(output: &Output) -> String {
    format!(
        "{:?}\n{}{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A dozen people in pairs; some sends leave twice at once.
const SCENARIO: &str = "
assize: 1
name: pairs
about: a dozen people talk, and some of what they send leaves twice
spec: callback-ack
seed: 1
people: { count: 12 }
conversations: { pairs: 6 }
phases:
  - connect: { lasts: 1s, connect: 100% }
  - talk: { lasts: 3s, send: 20/s in all, repeat: 20% }
";

/// Runs the scenario into this folder; how it ended.
fn run(folder: &Path, more: &[&str]) -> Output {
    let scenario = folder.join("pairs.yaml");
    std::fs::write(&scenario, SCENARIO).unwrap();
    let (scenario, out) = (shown(&scenario), shown(folder));
    assize(&[&["run", &scenario, "--out", &out, "-q"], more].concat())
}

#[test]
fn a_race_of_a_load_run_becomes_a_few_lines_that_fail_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), &["--bug", "dedup-race"]);
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    let (latest, plans) = (folder.path().join("latest"), folder.path().join("plans"));
    let shrunk = assize(&["shrink", &shown(&latest), "--corpus", &shown(&plans)]);
    assert_eq!(shrunk.status.code(), Some(0), "{}", said(&shrunk));
    let plans: Vec<_> =
        std::fs::read_dir(&plans).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(plans.len(), 1, "{plans:?}");
    let plan = std::fs::read_to_string(&plans[0]).unwrap();
    assert!(plan.contains("\nbreaks: idempotency\n"), "{plan}");
    let script = plan.split_once("script: |\n").unwrap().1;
    assert!(script.lines().count() <= 11, "{plan}");
    let page = shown(&folder.path().join("page"));
    let replayed = assize(&["replay", &shown(&plans[0]), "--runs", "20", "--report", &page, "-q"]);
    assert_eq!(replayed.status.code(), Some(1), "{}", said(&replayed));
    let page = std::fs::read_to_string(folder.path().join("page/report.html")).unwrap();
    assert_eq!(page.matches("class=\"diagram\"").count(), 2, "the argument and the play");
    let fixed = assize(&["replay", &shown(&plans[0]), "--embedded", "-q"]);
    assert_eq!(fixed.status.code(), Some(0), "{}", said(&fixed));
}

#[test]
fn without_a_failure_or_a_history_there_is_nothing_to_shrink() {
    let folder = tempfile::tempdir().unwrap();
    let latest = shown(&folder.path().join("latest"));
    let shrink = |more: &[&str]| assize(&[&["shrink", latest.as_str()], more].concat());
    let refused = |output: &Output, code: i32, why: &str| {
        assert_eq!(output.status.code(), Some(code), "{}", said(output));
        assert!(said(output).contains(why), "{}", said(output));
    };
    refused(&shrink(&[]), 65, "cannot read");
    run(folder.path(), &[]);
    refused(&shrink(&[]), 65, "nothing was broken in");
    run(folder.path(), &["--judge", "none"]);
    refused(&shrink(&[]), 65, "was not judged");
    run(folder.path(), &["--bug", "dedup-race", "--no-history"]);
    refused(&shrink(&[]), 65, "has no history");
    refused(&shrink(&["--property", "ordering"]), 64, "broken were: ");
}
