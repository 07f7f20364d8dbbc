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

#[test]
fn a_race_of_a_load_run_becomes_a_few_lines_that_fail_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let (out, corpus) = (shown(folder.path()), shown(&folder.path().join("plans")));
    let run = assize(&["run", "first-look", "--bug", "dedup-race", "--out", &out, "-q"]);
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    let latest = shown(&folder.path().join("latest"));
    let shrunk = assize(&["shrink", &latest, "--corpus", &corpus, "--property", "idempotency"]);
    assert_eq!(shrunk.status.code(), Some(0), "{}", said(&shrunk));
    println!("{}", said(&shrunk));
    let plans: Vec<_> =
        std::fs::read_dir(&corpus).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(plans.len(), 1, "{plans:?}");
    let plan = std::fs::read_to_string(&plans[0]).unwrap();
    let script = plan.split_once("script: |\n").unwrap().1;
    assert!(script.lines().count() <= 11, "{plan}");
    let replayed = assize(&["replay", &shown(&plans[0]), "--runs", "20", "-q"]);
    assert_eq!(replayed.status.code(), Some(1), "{}", said(&replayed));
    let fixed = assize(&["replay", &shown(&plans[0]), "--embedded", "-q"]);
    assert_eq!(fixed.status.code(), Some(0), "{}", said(&fixed));
}

#[test]
fn without_a_failure_or_a_history_there_is_nothing_to_shrink() {
    let folder = tempfile::tempdir().unwrap();
    let out = shown(folder.path());
    let nothing = assize(&["shrink", &out]);
    assert_eq!(nothing.status.code(), Some(65), "{}", said(&nothing));
    let held = assize(&["run", "first-look", "--out", &out, "-q"]);
    assert_eq!(held.status.code(), Some(0), "{}", said(&held));
    let latest = shown(&folder.path().join("latest"));
    let whole = assize(&["shrink", &latest]);
    assert_eq!(whole.status.code(), Some(65), "{}", said(&whole));
    assert!(said(&whole).contains("nothing was broken in"), "{}", said(&whole));
    let broken =
        assize(&["run", "first-look", "--bug", "dedup-race", "--out", &out, "--no-history", "-q"]);
    assert_eq!(broken.status.code(), Some(1), "{}", said(&broken));
    let bare = assize(&["shrink", &latest]);
    assert_eq!(bare.status.code(), Some(65), "{}", said(&bare));
    assert!(said(&bare).contains("has no history"), "{}", said(&bare));
    let other = assize(&["shrink", &latest, "--property", "ordering"]);
    assert_eq!(other.status.code(), Some(64), "{}", said(&other));
}
