//! The search for a server's size, on servers whose size is known because it was planted.

#[path = "support/live.rs"]
mod live;
#[expect(dead_code, reason = "runs of scenarios belong to other tests")]
#[path = "support/program.rs"]
mod program;

use assize::outcome::Capacity;
use assize::outcome::capacity::Of;
use live::Live;
use program::{Case, Ended, program};
use rustix::process::Signal;
use std::process::Command;

/// Some people who send at equal distances: a server that takes so many a second falls behind
/// as soon as more come, and at no time before.
const STEADY: &str = "phases:
  - connect: { lasts: 1s, connect: 100% }
  - talk: { lasts: 4s, send: 40/s in all, arrivals: constant, texts: { short: 100% } }
patience: 8s
expect: [delivery.p50 < 100ms]";

const PEOPLE: &str = "people: { count: 40 }\nconversations: { pairs: 40 }";

/// Many who come, and hardly say anything.
const COMING: &str = "phases:
  - connect: { lasts: 500ms, connect: 100% }
  - talk: { lasts: 1s, send: 30/s in all, texts: { short: 100% } }
patience: 2s
expect: [connect.success > 99%]";

/// A busy machine makes a search come out too low, or not at all.
const TRIES: usize = 3;

fn capacity(case: &Case, arguments: &[&str]) -> Command {
    let mut command = program();
    command.arg("capacity").arg(case.path("tiny.yaml"));
    command.arg("--out").arg(case.path("reports")).args(arguments);
    command
}

/// What a search found.
fn found(case: &Case, arguments: &[&str]) -> (Ended, Capacity) {
    let ended = Ended::of(capacity(case, arguments).output().unwrap());
    let json = std::fs::read_dir(case.path("reports")).unwrap().filter_map(Result::ok);
    let newest = json.map(|entry| entry.path()).filter(|path| !path.is_symlink()).max();
    let file = newest.expect("a folder").join("capacity.json");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{e}: {}", ended.stderr));
    let capacity = serde_json::from_str(&text).unwrap();
    (ended, capacity)
}

/// Searches until the planted limit is found within 5%; a machine that is busy with other things may
/// hide it.
#[track_caller]
fn finds(case: &Case, planted: f64, arguments: &[&str], name: &str) -> Capacity {
    let mut last = None;
    for _ in 0..TRIES {
        let (ended, capacity) = found(case, arguments);
        let (held, exceeded) = (capacity.held.unwrap_or(0), capacity.exceeded.unwrap_or(0));
        let close = |load: u64| (load as f64 / planted - 1.0).abs() <= 0.05;
        let limit = capacity.limit.as_ref().is_some_and(|limit| limit.name == name);
        if close(held) && close(exceeded) && limit {
            ended.expect(0);
            return capacity;
        }
        last = Some(ended);
    }
    let Ended { stdout, stderr, .. } = last.expect("at least one search");
    panic!("{planted} is not found within 5%:\n{stdout}\n{stderr}");
}

#[test]
fn a_planted_rate_is_found_within_5_percent() {
    let case = Case::of(PEOPLE, STEADY);
    let arguments = [
        "--by",
        "rate",
        "--limit",
        "rate=100",
        "--from",
        "80",
        "--warm-up",
        "500ms",
        "--precision",
        "4%",
    ];
    let found = finds(&case, 100.0, &arguments, "delivery.p50 < 100ms");
    let (knee, curve) = (found.knee.unwrap(), found.curve.unwrap());
    assert!((80..=105).contains(&knee.load), "it is fast until it is full: {knee:?}");
    assert!(curve.at(100.0) > 80.0 && curve.at(200.0) < 200.0, "{curve:?}");
    let throughput = found.steps.iter().map(|step| step.figures.acked);
    let most = throughput.fold(0.0, f64::max);
    assert!((85.0..=115.0).contains(&most), "nothing gets more through than the limit: {most}");
}

#[test]
fn a_planted_number_of_clients_is_found_within_5_percent() {
    let case = Case::of("people: { count: 60 }\nconversations: { pairs: 30 }", COMING);
    let arguments =
        ["--limit", "clients=100", "--from", "60", "--warm-up", "200ms", "--precision", "3%"];
    let found = finds(&case, 100.0, &arguments, "connect.success > 99%");
    assert_eq!(found.limit.unwrap().of, Of::Expectation);
}

#[test]
fn a_size_that_is_wanted_is_a_gate() {
    let case = Case::of("people: { count: 60 }\nconversations: { pairs: 30 }", COMING);
    let quick = ["--warm-up", "200ms", "--tries", "1", "--limit", "clients=100"];
    let gate = |wanted: &str, code: i32| {
        let arguments = [&quick[..], &["--at-least", wanted]].concat();
        let mut ended = Ended::of(capacity(&case, &arguments).output().unwrap());
        for _ in 1..TRIES {
            if ended.code != code {
                ended = Ended::of(capacity(&case, &arguments).output().unwrap());
            }
        }
        ended.expect(code).stdout
    };
    let big_enough = gate("80", 0);
    assert!(big_enough.starts_with("AT LEAST  80 clients wanted"), "{big_enough}");
    let too_small = gate("130", 2);
    assert!(too_small.starts_with("TOO SMALL  130 clients wanted"), "{too_small}");
}

#[test]
fn a_server_that_breaks_a_promise_at_any_load_holds_at_none() {
    let talk = "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 1s, send: 40/s in all, arrivals: constant, repeat: 100%, texts: { short: 100% } }";
    let case = Case::new(talk);
    let arguments = ["--by", "rate", "--bug", "dedup-off", "--from", "30", "--warm-up", "200ms"];
    let (ended, found) = found(&case, &[&arguments[..], &["--budget", "20s"]].concat());
    let ended = ended.expect(1);
    assert!(ended.stdout.contains("`idempotency` is broken"), "{}", ended.stdout);
    assert!(found.held.is_none_or(|held| held < 30), "{found:#?}");
}

#[test]
fn steps_in_which_nothing_is_sent_are_no_evidence() {
    // Nobody is connected when the talk begins, and no threshold asks for it.
    let case = Case::new(
        "phases:
  - talk: { lasts: 500ms, send: 40/s in all }
  - late: { lasts: 300ms, connect: 100% }
patience: 1s",
    );
    let arguments = ["--warm-up", "0s", "--tries", "1", "--from", "4", "--most", "4"];
    let (ended, found) = found(&case, &arguments);
    let ended = ended.expect(5);
    assert!(ended.stdout.starts_with("NO EVIDENCE  "), "{}", ended.stdout);
    assert_eq!((found.held, found.limit.unwrap().of), (None, Of::Nothing));
}

#[test]
fn a_search_that_is_interrupted_writes_what_it_learned() {
    let case = Case::of(PEOPLE, STEADY);
    let mut search = Live::start(&mut capacity(&case, &["--by", "rate", "--warm-up", "200ms"]));
    search.wait_for("step 2: ");
    search.signal(Signal::INT);
    let ended = search.end().expect(130);
    assert!(ended.stdout.starts_with("INTERRUPTED  "), "{}", ended.stdout);
    assert!(ended.stderr.contains("stopping: what was learned is written"), "{}", ended.stderr);
    let folder = std::fs::read_dir(case.path("reports")).unwrap().next().unwrap().unwrap().path();
    let json = std::fs::read_to_string(folder.join("capacity.json")).unwrap();
    let report = |format: &str| {
        let mut command = program();
        command.arg("report").arg(&folder).args(["--format", format]);
        Ended::of(command.output().unwrap())
    };
    assert_eq!(report("text").expect(0).stdout, ended.stdout, "the folder shows it again");
    let shown: Capacity = serde_json::from_str(&report("json").expect(0).stdout).unwrap();
    assert_eq!(shown.steps.len(), 1);
    let ended = report("junit").expect(64);
    assert!(ended.stderr.contains("hint: it has text, json, summary"), "{}", ended.stderr);
    let learned: Capacity = serde_json::from_str(&json).unwrap();
    assert!(learned.interrupted && learned.steps.len() == 1, "{learned:#?}");
}

#[test]
fn what_cannot_be_raised_or_named_is_said_before_anything_runs() {
    let silent = Case::new("phases: [connect: { lasts: 1s, connect: 100% }]");
    let ended = Ended::of(capacity(&silent, &["--by", "rate"]).output().unwrap()).expect(64);
    assert!(ended.stderr.contains("nobody sends at a planned rate"), "{}", ended.stderr);
    let case = Case::of(PEOPLE, STEADY);
    let ended = Ended::of(capacity(&case, &["--phase", "tlak"]).output().unwrap()).expect(64);
    assert!(ended.stderr.contains("hint: it has connect, talk"), "{}", ended.stderr);
}
