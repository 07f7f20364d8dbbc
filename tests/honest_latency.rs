//! What a halted server, and a halted generator, do to the figures: the one must show, and the other
//! must not be taken for the server's.

#[path = "support/live.rs"]
mod live;
#[expect(dead_code, reason = "runs that are made again belong to other tests")]
#[path = "support/program.rs"]
mod program;

use assize::outcome::{Latency, Outcome};
use live::Live;
use program::{Case, program};
use rustix::process::Signal;
use std::process::Command;

/// A busy machine may halt the generator, or the server, more than the test does.
const TRIES: usize = 3;

fn outcome(case: &Case) -> Outcome {
    let json = std::fs::read_to_string(case.path("reports/latest/report.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// Six people send every 80 ms, each after the answer to the last; in the middle the server's process
/// is stopped for two seconds. Each of them has one send under way then, and 25 that have to wait.
fn halted_server() -> Latency {
    let server = program().get_program().to_str().unwrap().to_owned();
    let case = Case::new(&format!(
        "launch: {{ command: [{server}, serve, --spec, sequenced], ready: {{ line: \"listening on \" }} }}
phases:
  - connect: {{ lasts: 200ms, connect: 100% }}
  - talk: {{ lasts: 12s, converse: {{ share: 100%, every: 80ms }} }}
faults: [{{ at: 4s, for: 2s, stop: {{}} }}]"
    ));
    case.command(&["--spec", "sequenced", "--quiet"]).output().unwrap();
    let ack = outcome(&case).latencies.into_iter().find(|latency| latency.series == "ack");
    ack.expect("acks are always in the report")
}

#[test]
fn a_server_that_stands_still_shows_from_the_planned_times_and_hides_from_the_actual_ones() {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let ack = halted_server();
        let (planned, actual) = (ack.planned, ack.actual);
        // The longest answer is the halt, whoever counts; only few were asked for while it lasted.
        let told = planned.p99 > actual.max / 2;
        let hidden = actual.p99 < actual.max / 4;
        if told && hidden && planned.p99 >= 4 * actual.p99 && planned.count == actual.count {
            return;
        }
        seen.push((planned, actual));
    }
    panic!("the planned p99 should tell, and the actual one hide: {seen:#?}");
}

#[test]
fn a_generator_that_is_starved_says_so_and_is_exit_5() {
    let case = Case::new(
        "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 4s, send: 20/s in all, texts: { short: 100% } }",
    );
    let mut run = Live::start(&mut case.command(&["--shards", "1"]));
    run.wait_for(" talk ");
    run.signal(Signal::STOP);
    // As long as a second without the processor: the starvation itself.
    Command::new("sleep").arg("1").status().unwrap();
    run.signal(Signal::CONT);
    let ended = run.end().expect(5);
    assert!(ended.stdout.starts_with("BOTTLENECK  "), "{}", ended.stdout);
    assert!(ended.stdout.contains("timers fired late: p99 "), "{}", ended.stdout);
    let lag = outcome(&case).generator.lag;
    assert!(lag.p99 > lag.max / 2, "all that was due meanwhile was late, not one thing: {lag:?}");
    assert!(lag.p50 < lag.max / 4, "{lag:?}");
}
