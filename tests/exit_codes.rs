//! Every exit code, from a run that earns it.

#[path = "support/live.rs"]
mod live;
#[path = "support/program.rs"]
mod program;

use live::Live;
use program::{Case, Ended, program};
use rustix::process::Signal;
use std::net::TcpListener;

const TALK: &str = "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 500ms, send: 40/s in all, repeat: 30%, texts: { short: 100% } }";

/// Talk that only a signal ends.
const ENDLESS: &str = "phases:
  - connect: { lasts: 100ms, connect: 100% }
  - talk: { lasts: 1h, send: 40/s in all, repeat: 30%, texts: { short: 100% } }";

#[test]
fn all_held_is_0_on_any_number_of_shards() {
    let people = "people: { count: 64 }\nconversations: { pairs: 40 }";
    for (shards, shown) in [("1", "1 shard\n"), ("2", "2 shards\n")] {
        let ended = Case::of(people, TALK).run(&["--shards", shards]).expect(0);
        assert!(ended.stdout.contains(shown), "{}", ended.stdout);
        assert!(ended.stdout.starts_with("PASS  "), "{}", ended.stdout);
        assert!(ended.stderr.contains("report: "), "{}", ended.stderr);
    }
}

#[test]
fn a_broken_promise_is_1() {
    let ended = Case::new(TALK).run(&["--bug", "dedup-off"]).expect(1);
    assert!(ended.stdout.contains("is broken: idempotency"), "{}", ended.stdout);
}

#[test]
fn a_missed_expectation_is_2() {
    let scenario = format!("{TALK}\nexpect: [delivery.count > 1000000]");
    let ended = Case::new(&scenario).run(&[]).expect(2);
    assert!(ended.stdout.starts_with("MISSED  "), "{}", ended.stdout);
    let pairs = "expect: [delivery.1->2.count > 0, delivery.2->1.count > 1000000]";
    let ended = Case::new(&format!("{TALK}\n{pairs}")).run(&["--nodes", "2"]).expect(2);
    assert!(ended.stdout.contains("✓ delivery.1->2.count > 0"), "{}", ended.stdout);
    assert!(ended.stdout.contains("✗ delivery.2->1.count > 1000000"), "{}", ended.stdout);
}

#[test]
fn a_doubt_is_3() {
    // The acks are withheld, and the patience is over before the contract's timeout is.
    let faults = "faults: [{ at: 300ms, for: 60s, withhold-acks: { share: 100% } }]";
    let scenario = format!("{TALK}\n{faults}\npatience: 500ms");
    let ended = Case::new(&scenario).run(&[]).expect(3);
    assert!(ended.stdout.contains("in doubt: at-least-once"), "{}", ended.stdout);
    assert!(ended.stdout.contains("when patience ended, 6 clients"), "{}", ended.stdout);
}

#[test]
fn what_was_not_exercised_is_4() {
    let scenario = format!("{TALK}\nexercise: [no-loss-on-reconnect]");
    let ended = Case::new(&scenario).run(&[]).expect(4);
    assert!(ended.stdout.starts_with("NOT EXERCISED  "), "{}", ended.stdout);
}

#[test]
fn a_generator_that_drops_its_plan_is_5() {
    // More at one moment than waits for one client.
    let phases = "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 300ms, burst: { rate: 10/s in all, messages: 1100 }, texts: { short: 100% } }";
    let output = Case::new(phases).command(&[]).output().unwrap();
    let ended = Ended::of(output).expect(5);
    assert!(ended.stdout.contains("actions were dropped because a queue"), "{}", ended.stdout);
}

#[test]
fn a_line_that_makes_no_sense_is_64() {
    let case = Case::new(TALK);
    let told = case.run(&["--bug", "dedup-race", "--target", "http://127.0.0.1:1"]).expect(64);
    assert!(told.stderr.contains("cannot be used with"), "{}", told.stderr);
    let told = case.run(&["--bug", "dedup-rase"]).expect(64);
    assert!(told.stderr.contains("hint: did you mean `dedup-race`?"), "{}", told.stderr);
}

#[test]
fn a_scenario_with_mistakes_is_65() {
    let ended = Case::new(&format!("{TALK}\nfalts: []")).run(&[]).expect(65);
    assert!(ended.stderr.contains("did you mean `faults`?"), "{}", ended.stderr);
    assert!(ended.stderr.contains("tiny.yaml:11:1"), "{}", ended.stderr);
}

#[test]
fn a_target_that_is_not_there_is_69() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let case = Case::new(TALK);
    let ended = case.run(&["--target", &format!("http://{free}")]).expect(69);
    assert!(ended.stderr.contains(&format!("connection to {free} refused")), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: check the port"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    assert!(std::fs::read_dir(case.path("reports")).unwrap().next().is_none(), "nothing is left");
}

#[test]
fn verdicts_that_changed_are_70() {
    let case = Case::new(TALK);
    case.run(&[]).expect(0);
    let report = case.path("reports/latest/report.json");
    let text = std::fs::read_to_string(&report).unwrap();
    std::fs::write(&report, text.replacen("\"pass\"", "\"inconclusive\"", 1)).unwrap();
    let ended =
        Ended::of(program().arg("check").arg(case.path("reports/latest")).output().unwrap());
    let ended = ended.expect(70);
    assert!(ended.stderr.contains("idempotency: was inconclusive, is pass"), "{}", ended.stderr);
    assert!(ended.stdout.contains("property"), "the verdicts are shown all the same");
}

#[test]
fn an_interrupted_run_is_130_and_judged_and_written() {
    for signal in [Signal::INT, Signal::TERM] {
        let case = Case::new(ENDLESS);
        let mut run = Live::start(&mut case.command(&[]));
        run.wait_for(" talk ");
        run.signal(signal);
        let ended = run.end().expect(130);
        assert!(ended.stdout.starts_with("INTERRUPTED  "), "{}", ended.stdout);
        assert!(ended.stdout.contains("interrupted in phase `talk`"), "{}", ended.stdout);
        assert!(ended.stderr.contains("stopping: what was gathered is judged"), "{}", ended.stderr);
        assert!(case.path("reports/latest/report.json").exists());
        let again =
            Ended::of(program().arg("check").arg(case.path("reports/latest")).output().unwrap());
        assert_eq!(again.expect(130).stderr, "");
    }
}
