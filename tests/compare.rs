//! `assize compare` as a user runs it: two runs, a baseline, and runs that cannot be compared.

#[path = "support/program.rs"]
mod program;

use assize::metric::{Series, Timeline};
use program::{Case, Ended, program};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const SECOND: u64 = 1_000_000_000;
const TALK: &str = "phases:
  - connect: { lasts: 200ms, connect: 100% }
  - talk: { lasts: 500ms, send: 40/s in all, repeat: 30%, texts: { short: 100% } }
expect: [connect.success > 99%]";

/// A run's folder whose latencies are made up: `slowness` times 20 ms in each of 20 seconds.
fn made_up(case: &Case, name: &str, slowness: f64, seed: u64) -> PathBuf {
    let latest = case.path("reports/latest");
    if !latest.exists() {
        case.run(&["--no-history"]).expect(0);
    }
    let folder = case.path(name);
    fs::create_dir(&folder).unwrap();
    for file in ["report.json", "spec.yaml", "scenario.yaml"] {
        fs::copy(latest.join(file), folder.join(file)).unwrap();
    }
    let report = fs::read_to_string(folder.join("report.json")).unwrap();
    // A baseline takes no run twice, and tells runs apart by their start.
    let started = report.lines().find(|line| line.contains("\"started\"")).unwrap();
    let other = format!("    \"started\": \"2026-01-01T00:00:{seed:02}.000Z\",");
    fs::write(folder.join("report.json"), report.replacen(started, &other, 1)).unwrap();
    let mut timeline = Timeline::new(SECOND);
    for second in 0..20 {
        for message in 0..100 {
            // Spread evenly over a factor of two, and a little differently in each run.
            let place = (message * 7 + second * 3 + seed * 13) % 100;
            let nanos = 20e6 * slowness * (1.0 + place as f64 / 100.0);
            timeline.record(Series::Ack, second * SECOND, nanos as u64);
        }
    }
    let mut log = fs::File::create(folder.join("latency.hlog")).unwrap();
    timeline.write_log(&mut log, SystemTime::UNIX_EPOCH).unwrap();
    folder
}

fn compare(arguments: &[&Path], options: &[&str]) -> Ended {
    let mut command = program();
    command.arg("compare").args(arguments).args(options);
    Ended::of(command.output().unwrap())
}

#[test]
fn the_same_is_0_and_a_fifth_slower_is_2_in_every_format() {
    let case = Case::new(TALK);
    let before = made_up(&case, "before", 1.0, 1);
    let same = made_up(&case, "same", 1.0, 2);
    let slow = made_up(&case, "slow", 1.2, 3);
    let told = compare(&[&before, &same], &[]).expect(0).stdout;
    assert!(told.starts_with("NO WORSE  "), "{told}");
    let told = compare(&[&before, &slow], &[]).expect(2).stdout;
    assert!(told.starts_with("WORSE  beyond noise and threshold: ack p50, ack p95, ack p99"));
    assert!(told.contains("+20"), "{told}");
    let told = compare(&[&slow, &before], &[]).expect(0).stdout;
    assert!(told.contains("3 better"), "{told}");
    let told = compare(&[&before, &slow], &["--threshold", "30%"]).expect(0).stdout;
    assert!(told.contains("by more than 30%"), "{told}");
    compare(&[&before, &slow], &["--floor", "20ms"]).expect(0);
    let markdown = compare(&[&before, &slow], &["--format", "markdown"]).expect(2).stdout;
    assert!(markdown.starts_with("## ✗ WORSE: tiny on callback-ack\n"), "{markdown}");
    assert!(markdown.contains("| ✗ | ack p95 |"), "{markdown}");
    let json = compare(&[&before, &slow], &["--format", "json"]).expect(2).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["schema"], &json["figures"][0]["judgement"]), (&1.into(), &"worse".into()));
}

#[test]
fn a_verdict_that_turned_is_1() {
    let case = Case::new(TALK);
    case.run(&[]).expect(0);
    let before = fs::canonicalize(case.path("reports/latest")).unwrap();
    case.run(&["--bug", "dedup-off"]).expect(1);
    let after = fs::canonicalize(case.path("reports/latest")).unwrap();
    let told = compare(&[&before, &after], &[]).expect(1).stdout;
    assert!(told.starts_with("BROKEN  broken now: idempotency"), "{told}");
    assert!(told.contains("pass → fail"), "{told}");
    assert!(told.contains("with bugs dedup-off"), "{told}");
    compare(&[&after, &after], &[]).expect(0);
}

#[test]
fn a_baseline_grows_by_what_is_no_worse_and_tells_noise() {
    let case = Case::new(TALK);
    let baseline = case.path("baseline.json");
    let with = |run: &Path| {
        let mut command = program();
        command.arg("compare").arg("--baseline").arg(&baseline).arg("--save").arg(run);
        Ended::of(command.output().unwrap())
    };
    let first = made_up(&case, "first", 1.0, 1);
    let told = with(&first).expect(0);
    assert!(told.stdout.is_empty() && told.stderr.contains("holds 1 run now"), "{}", told.stderr);
    assert!(with(&first).expect(0).stderr.contains("is in"), "no run is added twice");
    let slow = made_up(&case, "slow", 1.2, 2);
    let told = with(&slow).expect(2);
    assert!(told.stderr.contains("is not added to the baseline"), "{}", told.stderr);
    let second = made_up(&case, "second", 1.08, 3);
    assert!(with(&second).expect(0).stderr.contains("holds 2 runs now"));
    let told = compare(&[&baseline, &slow], &[]).expect(2).stdout;
    assert!(told.contains("before     2 runs, the last of them tiny"), "{told}");
    // 9% more than the first is what runs differ anyway.
    let third = made_up(&case, "third", 1.09, 4);
    with(&third).expect(0);
    assert!(fs::metadata(&baseline).unwrap().len() < 200_000);
    let left = fs::read_dir(case.path("")).unwrap();
    let partial = |entry: fs::DirEntry| entry.file_name().to_string_lossy().contains("partial");
    assert!(!left.map(Result::unwrap).any(partial));
}

#[test]
fn what_is_not_alike_is_said() {
    let case = Case::new(TALK);
    let before = made_up(&case, "before", 1.0, 1);
    let after = made_up(&case, "after", 1.0, 2);
    let report = after.join("report.json");
    let text = fs::read_to_string(&report).unwrap();
    let text = text.replacen("\"seed\": 3", "\"seed\": 4", 1);
    let text = text.replacen(env!("CARGO_PKG_VERSION"), "9.9.9", 1);
    fs::write(&report, text).unwrap();
    let scenario = after.join("scenario.yaml");
    fs::write(&scenario, fs::read_to_string(&scenario).unwrap() + "# changed\n").unwrap();
    let told = compare(&[&before, &after], &[]).expect(0).stdout;
    for difference in [
        "another seed: `3`, now `4`",
        "now `9.9.9`",
        "the scenario has the same name, but its text was changed",
    ] {
        assert!(told.contains(difference), "{difference}\n{told}");
    }
}

#[test]
fn what_cannot_be_compared_is_65_and_says_why() {
    let case = Case::new(TALK);
    let good = made_up(&case, "good", 1.0, 1);
    let told = |run: &Path| compare(&[&good, run], &[]).expect(65).stderr;
    assert!(told(&case.path("none")).contains("cannot read `"));

    let bare = made_up(&case, "bare", 1.0, 2);
    fs::remove_file(bare.join("latency.hlog")).unwrap();
    let said = told(&bare);
    assert!(said.contains("latency.hlog`: ") && said.contains("hint: it is written beside"));

    let damaged = made_up(&case, "damaged", 1.0, 3);
    fs::write(damaged.join("latency.hlog"), "Tag=ack,0.0,1.0\n").unwrap();
    assert!(told(&damaged).contains("line 1 is no line of an interval log"));

    let newer = made_up(&case, "newer", 1.0, 4);
    let report = newer.join("report.json");
    let text = fs::read_to_string(&report).unwrap();
    fs::write(&report, text.replacen("\"schema\": 1", "\"schema\": 2", 1)).unwrap();
    assert!(told(&newer).contains("it has schema version 2, this is version 1"));

    let baseline = case.path("baseline.json");
    fs::write(&baseline, "{\"schema\": 7, \"kind\": \"baseline\", \"runs\": []}").unwrap();
    let said = compare(&[&baseline, &good], &[]).expect(65).stderr;
    assert!(said.contains("it has schema version 7") && said.contains("hint: a baseline of"));
}

#[test]
fn lines_that_make_no_sense_are_64() {
    let case = Case::new(TALK);
    let folder = case.path("");
    assert!(compare(&[&folder], &[]).expect(64).stderr.contains("hint: name both folders"));
    compare(&[&folder, &folder], &["--threshold", "much"]).expect(64);
    compare(&[&folder, &folder], &["--save"]).expect(64);
    let said = compare(&[&folder, &folder], &["--baseline", "x.json"]).expect(64).stderr;
    assert!(said.contains("hint: leave out the first folder"), "{said}");
}

/// A run of one case of the catalogue, in a folder of its own.
fn conformed(case: &Case, name: &str, options: &[&str]) -> PathBuf {
    let out = case.path(name);
    let mut command = program();
    command.args([
        "conform",
        "--spec",
        "callback-ack",
        "idempotency/twice-in-a-row",
        "--quiet",
        "--out",
    ]);
    Ended::of(command.arg(&out).args(options).output().unwrap());
    out.join("latest")
}

#[test]
fn two_runs_of_the_catalogue_are_compared_case_by_case() {
    let case = Case::new(TALK);
    let honest = conformed(&case, "honest", &[]);
    let bent = conformed(&case, "bent", &["--bug", "dedup-off"]);
    let told = compare(&[&honest, &bent], &[]).expect(2).stdout;
    assert!(told.starts_with("WORSE  failing now: idempotency/twice-in-a-row"), "{told}");
    assert!(told.contains("pass → fail"), "{told}");
    let told = compare(&[&bent, &honest], &[]).expect(0).stdout;
    assert!(told.starts_with("NO WORSE  ") && told.contains("fail → pass"), "{told}");
    let markdown = compare(&[&honest, &bent], &["--format", "markdown"]).expect(2).stdout;
    assert!(
        markdown.contains("| ✗ | idempotency/twice-in-a-row | pass | **fail** |"),
        "{markdown}"
    );

    let run = made_up(&case, "run", 1.0, 1);
    let ended = compare(&[&honest, &run], &[]).expect(65);
    assert!(ended.stderr.contains("is a run of the catalogue, and"), "{}", ended.stderr);
}
