//! Stored runs: judged again to the same verdicts, byte for byte; damaged; and not stored at all.

#[path = "support/program.rs"]
mod program;

use program::{Case, Ended, program};
use std::fs;
use std::process::Command;

/// Talk with everything that judges look at: repeats, bursts, cuts, withheld acks.
const TALK: &str = "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 800ms, send: 80/s in all, burst: { rate: 8/s in all, messages: 2 }, repeat: 20%, same-text: 5%, same-key: 5% }
faults:
  - { at: 400ms, for: 200ms, cut: { share: 30%, how: rst } }
  - { at: 500ms, for: 1s, withhold-acks: { share: 30% } }
patience: 1s";

/// Talk that is over soon.
const PLAIN: &str = "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 1s, send: 55/s in all, repeat: 20% }";

const PEOPLE: &str = "people: { count: 64 }
conversations: { pairs: 20, groups: [{ count: 10, size: 3..5 }] }";

fn check(case: &Case) -> Ended {
    let run = case.path("reports/latest");
    Ended::of(program().arg("check").arg(run).output().unwrap())
}

/// The table of the verdicts, as it was printed.
fn table(text: &str) -> &str {
    let (_, rest) = text.split_once("  property ").unwrap();
    rest.split("\n\n").next().unwrap().trim_end()
}

fn is_judged_again_to_the_same(shards: &str, bug: Option<&str>) {
    let case = Case::of(PEOPLE, TALK);
    let bug: Vec<&str> = bug.iter().flat_map(|bug| ["--bug", bug]).collect();
    let arguments = [&["--shards", shards], &bug[..]].concat();
    let ran = Ended::of(case.command(&arguments).output().unwrap());
    // `check` itself compares all verdicts byte for byte.
    let checked = check(&case).expect(ran.code);
    assert_eq!(checked.stderr, "", "{bug:?}");
    assert_eq!(table(&checked.stdout), table(&ran.stdout), "{bug:?}");
}

#[test]
fn a_run_is_judged_again_to_the_same_verdicts() {
    std::thread::scope(|scope| {
        for bug in [None, Some("dedup-race"), Some("clock-skew"), Some("receiver-skipped")] {
            for shards in ["1", "2"] {
                scope.spawn(move || is_judged_again_to_the_same(shards, bug));
            }
        }
    });
}

#[test]
fn damage_is_told_with_file_and_line_and_the_rest_is_judged() {
    let case = Case::new(PLAIN);
    case.run(&["--shards", "1"]);
    let path = case.path("reports/latest/history/shard-0.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[4] = "{\"at\":1,";
    let broken = lines.join("\n");
    fs::write(&path, &broken[..broken.len() - 9]).unwrap();
    let ended = check(&case).expect(65);
    let last = lines.len();
    for told in [
        "shard-0.jsonl:5: not an entry".to_owned(),
        format!("shard-0.jsonl:{last}: cut off"),
        "error: the history is damaged".to_owned(),
    ] {
        assert!(ended.stderr.contains(&told), "{told} in {}", ended.stderr);
    }
    assert!(table(&ended.stdout).contains("ordering"), "{}", ended.stdout);
}

#[test]
fn a_shard_that_is_missing_is_damage() {
    let case = Case::of(PEOPLE, PLAIN);
    case.run(&["--shards", "2"]);
    fs::remove_file(case.path("reports/latest/history/shard-1.jsonl")).unwrap();
    let ended = check(&case).expect(65);
    assert!(ended.stderr.contains("history/shard-1.jsonl: No such file"), "{}", ended.stderr);
}

#[test]
fn what_was_not_stored_or_not_judged_is_said() {
    let case = Case::new(PLAIN);
    case.run(&["--no-history"]);
    let ended = check(&case).expect(65);
    assert!(ended.stderr.contains("has no history\nhint: "), "{}", ended.stderr);

    // Without judges there is nothing to compare with; a judge that comes later still finds it.
    let ran = case.run(&["--judge", "none", "--bug", "dedup-off"]).expect(0);
    assert!(ran.stdout.contains("nothing was judged"), "{}", ran.stdout);
    assert!(check(&case).expect(1).stdout.contains("is broken: idempotency"));
}

#[test]
fn a_run_without_a_report_folder_prints_its_verdicts() {
    let case = Case::new(PLAIN);
    fs::write(case.path("file"), "").unwrap();
    let under_a_file = case.path("file/reports");
    let arguments = ["--out", under_a_file.to_str().unwrap(), "--bug", "dedup-off"];
    let ended = case.run(&arguments).expect(1);
    assert!(ended.stderr.contains("warning: cannot create `"), "{}", ended.stderr);
    assert!(ended.stderr.contains("goes on without a report folder"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("report: "), "{}", ended.stderr);
}

#[test]
fn a_full_disk_costs_the_files_and_not_the_verdicts() {
    // No file may grow beyond this many blocks of 512 bytes: the history is cut, then everything.
    for (blocks, told) in [(120, "the history is not complete"), (0, "warning: cannot write `")] {
        let case = Case::new(PLAIN);
        let ended = with_room_for(blocks, &case.command(&["--bug", "dedup-off"])).expect(1);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(all.contains(told), "{all}");
        assert!(all.contains("is broken: idempotency"), "{all}");
        let kept = case.path("reports/latest/report.json").exists();
        assert_eq!(kept, blocks > 0);
        if kept {
            let checked = check(&case).expect(65);
            assert!(checked.stderr.contains("shard-0.jsonl:"), "{}", checked.stderr);
        }
    }
}

#[test]
fn a_run_that_holds_and_cannot_be_kept_is_not_all_well() {
    for blocks in [120, 0] {
        let case = Case::new(PLAIN);
        let ended = with_room_for(blocks, &case.command(&[])).expect(74);
        assert!(ended.stdout.starts_with("PASS"), "{}", ended.stdout);
    }
    // What is not to be kept needs no room.
    let case = Case::new(PLAIN);
    with_room_for(4_096, &case.command(&["--no-history"])).expect(0);
    fs::write(case.path("file"), "").unwrap();
    let under_a_file = case.path("file/reports");
    case.run(&["--out", under_a_file.to_str().unwrap()]).expect(74);
}

/// The command, where no file may grow beyond so many blocks of 512 bytes.
fn with_room_for(blocks: u32, run: &Command) -> Ended {
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    limited.arg(run.get_program()).args(run.get_args());
    limited.current_dir(run.get_current_dir().unwrap());
    Ended::of(limited.output().unwrap())
}
