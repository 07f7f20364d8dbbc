//! Servers that the authors of this harness did not write, tried with nothing but a spec file: what
//! they promise they keep, as far as a few quick cases of each promise can tell.

use std::process::Command;

/// A few cases of each promise of the Matrix spec, the quick ones.
const MATRIX: &[&str] = &[
    "idempotency/twice-in-a-row",
    "idempotency/cut-before-the-ack",
    "idempotency/same-key-of-another-member",
    "idempotency/same-key-in-another-conversation",
    "at-least-once/unicode-texts",
    "no-loss-on-reconnect/one-away",
    "no-loss-on-reconnect/many-missed",
    "typing-timeout/last-key",
    "receipts/sender-hears",
    "authentication/garbage-token",
    "authentication/wrong-password",
    "authentication/after-logout",
    "authorization/stranger-reads-history",
    "authorization/stranger-sends",
];

/// A few cases of each promise of the actionhero spec, and of the wire that it frames.
const ACTIONHERO: &[&str] = &[
    "at-least-once/unicode-texts",
    "no-loss-on-reconnect/one-away",
    "no-loss-on-reconnect/live-after-the-return",
    "authorization/stranger-sends",
    "authorization/stranger-reads-history",
    "connection-state/second-device",
    "connection-state/answers-after-the-reconnect",
    "authentication/garbage-token",
    "authentication/wrong-password",
    "websocket/fragmented-message",
    "websocket/unmasked-frame",
    "websocket/close",
    "websocket/not-json",
];

/// Plays the cases on the server that the scenario launches; what `conform` says, if not all pass.
fn all_pass(spec: &str, scenario: &str, cases: &[&str]) -> Result<(), String> {
    let out = tempfile::tempdir().expect("a folder");
    let run = Command::new(env!("CARGO_BIN_EXE_assize"))
        .args(["conform", "--spec", spec, "--launch", scenario, "--quiet", "--out"])
        .arg(out.path())
        .args(cases)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let passed = format!("{} cases passed", cases.len());
    let all = run.status.code() == Some(0) && said.contains(&passed);
    all.then_some(()).ok_or_else(|| said + &String::from_utf8_lossy(&run.stderr))
}

#[test]
fn actionhero_keeps_what_its_tutorials_promise() {
    all_pass("actionhero", "actionhero", ACTIONHERO).unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn synapse_keeps_what_matrix_promises() {
    all_pass("matrix", "matrix-synapse", MATRIX).unwrap_or_else(|said| panic!("{said}"));
}
