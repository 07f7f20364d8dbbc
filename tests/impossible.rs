//! Scenarios that want more than the machine or the server's documents allow: refused before the run,
//! with the figure that makes them impossible.

#[path = "support/program.rs"]
mod program;

use program::{Case, Ended, program};
use std::process::Command;

const TALK: &str = "phases:
  - connect: { lasts: 1s, connect: 100% }
  - talk: { lasts: 1s, send: 40/s in all }";

/// The program where nobody may have more than so many files open, as a user would limit it.
fn limited(files: u32) -> Command {
    let mut command = Command::new("sh");
    let program = program();
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(["-c", &format!("ulimit -Sn 64 && ulimit -Hn {files} && exec \"$0\" \"$@\"")]);
    command.arg(program.get_program());
    command
}

#[test]
fn more_files_than_the_hard_limit_are_refused_and_the_soft_one_is_raised() {
    let case = Case::of("people: { count: 80 }\nconversations: { pairs: 40 }", TALK);
    let run = |files| {
        let mut command = limited(files);
        command.arg("run").arg(case.path("tiny.yaml")).args(["--shards", "1", "--out"]);
        Ended::of(command.arg(case.path("reports")).output().unwrap())
    };
    let refused = run(200).expect(65);
    let said = "80 clients need 288 open files, those of the embedded server included, and the hard \
                limit is 200";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: let the server run as a process of its own"));
    // Of 64 files nobody could run; the tool raises that by itself.
    let ran = run(400);
    assert!(!ran.stderr.contains("open files"), "{}", ran.stderr);
    assert!(ran.stdout.contains("80 clients"), "{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn more_than_the_documented_rate_is_refused_by_run_and_by_lint() {
    let case = Case::new(&TALK.replace("40/s", "66/s"));
    let said = "each person sends 11.0 messages per second, and `callback-ack` documents that it takes \
                10 per 1.00 s";
    let refused = Ended::of(case.command(&[]).output().unwrap()).expect(65);
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    let left = std::fs::read_dir(case.path("reports")).unwrap().count();
    assert_eq!(left, 0, "nothing is left of a run that was none");
    let linted = Ended::of(program().arg("lint").arg(case.path("tiny.yaml")).output().unwrap());
    let linted = linted.expect(65);
    assert!(linted.stdout.contains(said), "{}", linted.stdout);
    assert!(linted.stdout.contains("tiny.yaml:8:1"), "{}", linted.stdout);
}

#[test]
fn a_search_goes_no_further_than_the_machine_and_says_so() {
    let quiet = TALK.replace("40/s", "4/s");
    let case = Case::of("people: { count: 40 }\nconversations: { pairs: 20 }", &quiet);
    let search = || {
        let mut command = limited(300);
        command.arg("capacity").arg(case.path("tiny.yaml"));
        command.args([
            "--shards",
            "1",
            "--warm-up",
            "200ms",
            "--tries",
            "1",
            "--from",
            "80",
            "--out",
        ]);
        Ended::of(command.arg(case.path("reports")).output().unwrap())
    };
    // A busy machine ends it earlier.
    let there = |ended: &Ended| ended.stdout.contains("the hard limit is 300");
    let ended = (0..8).map(|_| search()).find(there).expect("an end at the hard limit").expect(5);
    assert!(ended.stdout.starts_with("BOTTLENECK  86 clients hold"), "{}", ended.stdout);
    assert!(ended.stdout.contains("the generator was the limit, not the server"));
}

#[test]
fn clients_take_turns_with_the_addresses_they_connect_from() {
    let case = Case::of("people: { count: 8 }\nconversations: { pairs: 4 }", TALK);
    let two = ["--source", "127.0.0.2", "--source", "127.0.0.3"];
    case.run(&two).expect(0);
    let far = Ended::of(case.command(&["--source", "192.0.2.7"]).output().unwrap()).expect(65);
    assert!(far.stderr.contains("`192.0.2.7` is no address to connect from"), "{}", far.stderr);
}
