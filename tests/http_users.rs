//! Users without a socket, beside the clients: their figures stand in the report of the run, and goose,
//! which runs them, neither speaks nor takes the run's signals away.

#[path = "support/live.rs"]
mod live;
#[path = "support/program.rs"]
mod program;

use live::Live;
use program::Case;
use rustix::process::Signal;
use serde_json::Value;
use std::fs;

/// Talk with users beside it; `rest` says what else.
fn scenario(mix: &str, rest: &str) -> Case {
    Case::new(&format!(
        "phases:
  - connect: {{ lasts: 500ms, connect: 100% }}
  - talk: {{ lasts: 3s, send: 4/s in all, texts: {{ short: 100% }} }}
http: {{ users: 6, rate: 60/s in all, mix: {{ {mix} }} }}
{rest}"
    ))
}

/// The latencies of a series in the report of the last run.
fn latency(case: &Case, series: &str) -> Value {
    let report = fs::read_to_string(case.path("reports/latest/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let latencies = report["latencies"].as_array().unwrap().clone();
    let found = latencies.into_iter().find(|latency| latency["series"] == series);
    found.unwrap_or_else(|| panic!("no `{series}` in {report}"))
}

#[test]
fn their_figures_stand_beside_those_of_the_sockets() {
    let case = scenario(
        "history: 40%, list: 30%, contacts: 20%, health: 10%",
        "expect: [http.success > 99%, http.count > 50, delivery.count > 0]",
    );
    let ended = case.run(&["--spec", "sequenced", "--quiet"]).expect(0);
    // What goose itself has to say would stand before it.
    assert!(ended.stdout.starts_with("PASS"), "{}", ended.stdout);
    let counts = ["http", "http history", "http list", "http contacts", "http health"]
        .map(|series| latency(&case, series)["planned"]["count"].as_u64().unwrap());
    assert_eq!(counts[0], counts[1..].iter().sum::<u64>(), "{counts:?}");
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[test]
fn a_halted_server_is_felt_from_the_planned_time() {
    let case = scenario("history: 100%", "faults: [{ at: 1s, for: 1500ms, stop: {} }]");
    let ended = case.run(&["--quiet"]);
    let http = latency(&case, "http");
    let [felt, took] = ["planned", "actual"].map(|from| http[from]["p90"].as_u64().unwrap());
    // Each of six users had one request under way, and a quarter of all were due meanwhile.
    assert!(felt > took, "felt {felt}, took {took}: {ended:?}");
}

#[test]
fn an_interrupted_run_ends_in_order() {
    let case = scenario("history: 100%", "");
    let mut command = case.command(&[]);
    let mut run = Live::start(&mut command);
    run.wait_for("talk");
    run.signal(Signal::INT);
    let ended = run.end();
    assert!(ended.stderr.contains("stopping: what was gathered"), "{ended:?}");
    assert!(ended.stdout.contains("interrupted in phase"), "{ended:?}");
}

#[test]
fn what_the_spec_does_not_have_over_http_is_refused_before_the_run() {
    let case = scenario("history: 50%, search: 50%", "");
    let ended = case.run(&["--quiet"]).expect(69);
    assert!(ended.stderr.contains("users without a socket ask for `search`"), "{ended:?}");
    assert!(ended.stderr.contains("hint: leave it out"), "{ended:?}");
}

/// People who say nothing, and users beside them who send.
fn writers(rest: &str) -> Case {
    Case::new(&format!(
        "phases: [connect: {{ lasts: 500ms, connect: 100% }}, quiet: {{ lasts: 3s }}]
http: {{ users: 6, rate: 20/s in all, mix: {{ send: 100% }}, at: 500ms, for: 2s }}
patience: 10s
{rest}"
    ))
}

/// How much a property of the last run was observed.
fn observed(case: &Case, property: &str) -> u64 {
    let report = fs::read_to_string(case.path("reports/latest/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let verdicts = report["verdicts"].as_array().unwrap().clone();
    let found = verdicts.into_iter().find(|verdict| verdict["property"] == property);
    found.unwrap()["finding"]["observations"].as_u64().unwrap()
}

#[test]
fn what_they_send_is_judged_as_any_other_message() {
    let case =
        writers("expect: [http.success > 99%, delivery.count > 0]\nexercise: [at-least-once]");
    case.run(&["--spec", "broadcast", "--quiet"]).expect(0);
    let sent = latency(&case, "http send")["planned"]["count"].as_u64().unwrap();
    assert!(sent > 10 && observed(&case, "at-least-once") == sent, "{sent} sent");

    let lost = case.run(&["--spec", "broadcast", "--quiet", "--bug", "ack-before-store"]).expect(1);
    assert!(lost.stdout.contains("FAIL") && lost.stdout.contains("at-least-once"), "{lost:?}");
}

#[test]
fn a_device_of_the_person_announces_what_only_a_socket_can_tell() {
    let case =
        writers("expect: [http.success > 99%, delivery.count > 0]\nexercise: [channel-parity]");
    // Ten messages in a minute are allowed: six users have 3 each.
    let text = fs::read_to_string(case.path("tiny.yaml")).unwrap();
    fs::write(case.path("tiny.yaml"), text.replace("rate: 20/s", "rate: 9/s")).unwrap();
    case.run(&["--spec", "rest-first", "--quiet"]).expect(0);
    assert_eq!(observed(&case, "at-least-once"), observed(&case, "channel-parity"));
}

#[test]
fn a_spec_whose_messages_need_a_socket_is_refused_before_the_run() {
    let case = writers("");
    let ended = case.run(&["--quiet"]).expect(69);
    assert!(ended.stderr.contains("users without a socket ask for `send`"), "{ended:?}");
}
