//! The program as a user and a CI server meet it: what it prints where, and its exit codes.

use std::process::{Command, Output, Stdio};

fn assize(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// It fails with this code and this on standard error, and nothing on standard output.
fn fails(arguments: &[&str], code: i32, told: &str) {
    let output = assize(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(stderr.contains(told), "{arguments:?}: {stderr}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
}

#[test]
fn help_and_version_are_data() {
    for arguments in [&["--help"][..], &["--version"], &["report", "--help"]] {
        let output = assize(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{arguments:?}");
    }
    assert!(text(&assize(&["--help"]).stdout).contains("130  interrupted"));
}

#[test]
fn a_line_that_makes_no_sense_exits_with_64() {
    fails(&[], 64, "Usage: assize");
    fails(&["judge"], 64, "unrecognized subcommand 'judge'");
    fails(&["list", "bogs"], 64, "a similar value exists: 'bugs'");
    fails(
        &["report", "--format", "yaml"],
        64,
        "[possible values: text, json, junit, summary, html]",
    );
    fails(&["explain", "idempotenzy"], 64, "hint: did you mean `idempotency`?");
}

#[test]
fn a_report_that_is_none_exits_with_65() {
    fails(&["report", "/none"], 65, "error: cannot read `/none`: No such file");
    fails(&["report", "Cargo.toml"], 65, "error: cannot use `Cargo.toml`: it is no report");
}

#[test]
fn lint_tells_all_mistakes_at_once_and_exits_with_65() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    let yaml = "assize: 1\nname: mine\nabout: x\nphases:\n  - a: { lasts: 5q }\nfalts: []\n";
    std::fs::write(&file, yaml).unwrap();
    let output = assize(&["lint", file.to_str().unwrap(), "/none"]);
    let stdout = text(&output.stdout);
    for told in ["mine.yaml:5:17", "`5q`", "mine.yaml:6:1", "did you mean `faults`"] {
        assert!(stdout.contains(told), "{told} in {stdout}");
    }
    assert!(text(&output.stderr).contains("cannot read `/none`"));
    assert_eq!(output.status.code(), Some(65));
}

#[test]
fn a_schema_is_json() {
    for subject in ["spec", "scenario"] {
        let output = assize(&["schema", subject]);
        let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}

#[test]
fn a_stored_run_is_shown_as_it_was() {
    for (format, file) in [
        ("text", include_str!("golden/fail/report.txt")),
        ("json", include_str!("golden/fail/report.json")),
        ("junit", include_str!("golden/fail/junit.xml")),
        ("summary", include_str!("golden/fail/summary.md")),
    ] {
        let output = assize(&["report", "tests/golden/fail", "--format", format]);
        assert!(text(&output.stdout) == file, "{format} differs from its golden file");
    }
}

#[test]
fn colours_come_only_when_they_are_wanted() {
    let report = |colour| {
        let arguments = ["report", "tests/golden/pass", "--color", colour];
        text(&assize(&arguments).stdout).contains('\x1b')
    };
    assert!(report("always"));
    assert!(!report("never"));
    assert!(!report("auto"), "standard output is no terminal here");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child =
        command(&["list", "bugs"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
