//! `run --client rust_socketio` as a user meets it: the same plan through packets that are not ours,
//! or a plain word about why not.

#[path = "support/program.rs"]
mod program;

use program::Case;

const SECOND: [&str; 3] = ["--client", "rust_socketio", "--quiet"];

/// It makes no sense, and says why; no folder is made for it.
fn is_refused(arguments: &[&str], why: &[&str]) {
    let case = Case::new("phases:\n  - talk: { lasts: 1s, connect: 100% }");
    let ended = case.run(&[arguments, &SECOND].concat()).expect(64);
    for words in why {
        assert!(ended.stderr.contains(words), "{words} in {}", ended.stderr);
    }
    assert!(!case.path("reports").exists());
}

#[test]
fn it_goes_over_websockets_only() {
    for transport in ["polling", "upgrade"] {
        is_refused(
            &["--transport", transport],
            &["over WebSockets only", "hint: add `--transport websocket`"],
        );
    }
}

#[test]
fn it_says_no_first_message() {
    is_refused(&["--spec", "lobby"], &["says no first message", "hint: the harness's own client"]);
}

#[cfg(not(feature = "rust_socketio"))]
#[test]
fn a_build_without_it_says_how_to_get_it() {
    let hint = "hint: build it in with `cargo run --features rust_socketio -- run";
    is_refused(&[], &["`--client rust_socketio` is not built in", hint]);
}

#[cfg(feature = "rust_socketio")]
#[test]
fn an_honest_server_passes_through_it_and_its_limits_are_told() {
    let people =
        "people: { count: 24 }\nconversations: { pairs: 9, groups: [{ count: 2, size: 3 }] }";
    let case = Case::of(
        people,
        "phases:
  - connect: { lasts: 500ms, connect: 100% }
  - traffic: { lasts: 1500ms, send: 60/s in all, repeat: 30%, typing: 10/s in all }
faults:
  - { at: 900ms, for: 300ms, cut: { share: 25%, how: rst } }
patience: 20s
exercise: [idempotency, ordering, at-least-once, no-loss-on-reconnect]",
    );
    let ended = case.run(&SECOND).expect(0);
    assert!(ended.stdout.contains("driven by rust_socketio"), "{}", ended.stdout);

    let report = std::fs::read_to_string(case.path("reports/latest/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["run"]["client"], "rust_socketio");
    let command = report["run"]["command"].as_str().unwrap();
    assert_eq!(command.matches("--client rust_socketio").count(), 1, "{command}");
    let notes = report["notes"].to_string();
    for told in ["numbers acks at random", "can only leave politely"] {
        assert!(notes.contains(told), "{told} in {notes}");
    }
}
