//! `run --client rust_socketio` as a user meets it: the same plan through packets that are not ours,
//! or a plain word about why not.

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("run").args(arguments);
    command.args(["--client", "rust_socketio", "--quiet"]).output().unwrap()
}

/// It makes no sense, and says why; nothing is left in the folder for reports.
fn is_refused(arguments: &[&str], why: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let out = ["--out", folder.path().to_str().unwrap()];
    let output = run(&[arguments, &out].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{told}");
    for words in why {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn it_goes_over_websockets_only() {
    for transport in ["polling", "upgrade"] {
        let arguments = ["first-look", "--transport", transport];
        is_refused(&arguments, &["over WebSockets only", "hint: add `--transport websocket`"]);
    }
}

#[cfg(not(feature = "rust_socketio"))]
#[test]
fn a_build_without_it_says_how_to_get_it() {
    let hint = "hint: build it in with `cargo run --features rust_socketio -- run";
    is_refused(&["first-look"], &["`--client rust_socketio` is not built in", hint]);
}

#[cfg(feature = "rust_socketio")]
#[test]
fn an_honest_server_passes_through_it_and_its_limits_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("second.yaml");
    let yaml = "\
assize: 1
name: second
about: A few people talk, repeat themselves, and lose their connections.
spec: callback-ack
seed: 1
people: { count: 24 }
conversations: { pairs: 9, groups: [{ count: 2, size: 3 }] }
phases:
  - connect: { lasts: 500ms, connect: 100% }
  - traffic: { lasts: 1500ms, send: 60/s in all, repeat: 30%, typing: 10/s in all }
faults:
  - { at: 900ms, for: 300ms, cut: { share: 25%, how: rst } }
patience: 20s
exercise: [idempotency, ordering, at-least-once, no-loss-on-reconnect]
";
    std::fs::write(&scenario, yaml).unwrap();
    let out = folder.path().to_str().unwrap();
    let output = run(&[scenario.to_str().unwrap(), "--out", out]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("driven by rust_socketio"), "{stdout}");

    let report = std::fs::read_to_string(folder.path().join("latest/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["run"]["client"], "rust_socketio");
    let command = report["run"]["command"].as_str().unwrap();
    assert_eq!(command.matches("--client rust_socketio").count(), 1, "{command}");
    let notes = report["notes"].to_string();
    for told in ["numbers acks at random", "can only leave politely"] {
        assert!(notes.contains(told), "{told} in {notes}");
    }
}
