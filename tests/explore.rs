//! `assize explore` and `assize replay` from outside: races are found, saved and played again, and an
//! honest server is accused of nothing.

#[path = "support/live.rs"]
mod live;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "a scenario of its own is what runs need")]
mod program;

use assize::outcome::Conformance;
use assize::outcome::conformance::End;
use assize::verdict::Standing;
use live::Live;
use program::{Ended, program};
use rustix::process::Signal;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder for plans and reports.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn corpus(&self) -> PathBuf {
        self.0.path().join("plans")
    }

    /// `assize explore` on this spec, not started yet.
    fn explore(&self, spec: &str, arguments: &[&str]) -> Command {
        let mut command = program();
        command.args(["explore", "--spec", spec, "--corpus"]).arg(self.corpus());
        command.arg("--out").arg(self.0.path().join("reports")).args(arguments);
        command
    }

    fn explored(&self, spec: &str, arguments: &[&str]) -> Ended {
        Ended::of(self.explore(spec, arguments).output().unwrap())
    }

    /// The plans that are saved.
    fn plans(&self) -> Vec<PathBuf> {
        let Ok(files) = fs::read_dir(self.corpus()) else { return Vec::new() };
        files.map(|file| file.unwrap().path()).collect()
    }
}

fn replayed(plan: &Path, arguments: &[&str]) -> Ended {
    Ended::of(program().arg("replay").arg(plan).args(arguments).output().unwrap())
}

/// A race is found, saved, and fails again; on the honest server it is fixed.
fn is_found(spec: &str, bug: &str, property: &str) {
    let place = Place::new();
    let arguments = ["--bug", bug, "--seed", "1", "--budget", "60s", "--first"];
    let found = place.explored(spec, &arguments).expect(1);
    assert!(found.stdout.starts_with("FAIL  1 defect"), "{}", found.stdout);
    assert!(found.stdout.contains(&format!("✗ {property}  broken: ")), "{}", found.stdout);
    let plans = place.plans();
    let [plan] = plans.as_slice() else { panic!("{plans:?}") };
    let text = fs::read_to_string(plan).unwrap();
    assert!(text.contains(&format!("breaks: {property}")), "{text}");
    assert!(text.contains(&format!("server: {{ bugs: [{bug}] }}")), "{text}");

    let failed = replayed(plan, &["--runs", "10"]).expect(1);
    assert!(failed.stdout.starts_with("FAILED  "), "{}", failed.stdout);
    let fixed = replayed(plan, &["--embedded"]).expect(0);
    assert!(fixed.stdout.starts_with("FIXED  "), "{}", fixed.stdout);

    // It is played first the next time, and not saved a second time.
    let again = place.explored(spec, &arguments).expect(1);
    assert!(again.stdout.contains(&format!("✗ {property}  still broken: ")), "{}", again.stdout);
    assert_eq!(place.plans(), plans);
}

#[test]
fn two_attempts_with_one_key_at_once_are_found() {
    is_found("callback-ack", "dedup-race", "idempotency");
}

#[test]
fn two_who_ask_for_each_other_at_once_are_found() {
    is_found("event-reply", "create-race", "conversation-identity");
}

#[test]
fn an_honest_server_is_accused_of_nothing() {
    let place = Place::new();
    let ended = place.explored("callback-ack", &["--seed", "2", "--budget", "15s"]).expect(0);
    assert!(ended.stdout.starts_with("PASS  "), "{}", ended.stdout);
    assert!(!ended.stdout.contains("finding"), "{}", ended.stdout);
    assert_eq!(place.plans(), [] as [PathBuf; 0]);
}

/// A place whose corpus has two plans, one with a name, and `assize conform` there.
fn conformed(place: &Place, arguments: &[&str]) -> Ended {
    let _ = fs::create_dir(place.corpus());
    let twice = PLAN.replace("ann send a", "ann.1 send a | ann.2 send a");
    let named = "assize: 1\nname: two-phones\nsays: Two phones make one message.";
    fs::write(place.corpus().join("twice.yaml"), twice.replace("assize: 1", named)).unwrap();
    fs::write(place.corpus().join("once.yaml"), PLAN.replace("ann x2", "ann")).unwrap();
    let mut conform = program();
    conform.args(["conform", "--spec", "callback-ack", "--quiet", "--corpus"]).arg(place.corpus());
    conform.arg("--out").arg(place.0.path().join("reports")).args(arguments);
    Ended::of(conform.output().unwrap())
}

#[test]
fn what_failed_before_is_a_case_of_the_catalogues_run() {
    let place = Place::new();
    let simple = "idempotency/twice-in-a-row";
    let bug = ["--bug", "dedup-race", "--simulate", "--seed", "1"];
    let failed = conformed(&place, &[&bug[..], &["regressions", simple]].concat()).expect(1);
    assert!(failed.stdout.contains("regressions/two-phones"), "{}", failed.stdout);
    let read = |name| fs::read_to_string(place.0.path().join("reports/latest").join(name)).unwrap();
    let run: Conformance = serde_json::from_str(&read("report.json")).unwrap();
    let cases: Vec<(&str, &End)> = run.cases.iter().map(|c| (c.name.as_str(), &c.end)).collect();
    let (pass, fail) = (End::Judged(Standing::Pass), End::Judged(Standing::Fail));
    let expected =
        [("regressions/once", &pass), ("regressions/two-phones", &fail), (simple, &pass)];
    assert_eq!(cases, expected);
    let case = &run.cases[1];
    assert_eq!((case.says.as_str(), case.copies), ("Two phones make one message.", 10));
    assert!(case.again.ends_with("--simulate --seed 1 regressions/two-phones"), "{}", case.again);
    assert!(!case.finding.violations.is_empty() && !case.names.is_empty());
    let standing = run.properties.iter().find(|p| p.property == "idempotency").unwrap().standing;
    assert_eq!(standing, Some(Standing::Fail));
    assert!(read("junit.xml").contains("regressions/two-phones"));

    // It is played by its name, and not where other cases alone are asked for.
    let alone = conformed(&place, &["--simulate", "regressions/two-phones"]).expect(0);
    assert!(alone.stdout.starts_with("PASS  "), "{}", alone.stdout);
    let other = conformed(&place, &[&bug[..], &[simple]].concat()).expect(0);
    assert!(!other.stdout.contains("regressions"), "{}", other.stdout);
    let unknown = conformed(&place, &["regressions/two-phone"]).expect(64);
    assert!(
        unknown.stderr.contains("did you mean `regressions/two-phones`?"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_saved_plan_is_listed_and_explained_as_the_case_that_it_is() {
    let place = Place::new();
    let folder = place.0.path().join("scenarios/regressions");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("once.yaml"), PLAN).unwrap();
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    std::os::unix::fs::symlink(specs, place.0.path().join("specs")).unwrap();
    let told = |words: &[&str]| {
        let run = program().current_dir(place.0.path()).args(words).output().unwrap();
        Ended::of(run).expect(0).stdout
    };
    let listed = told(&["list", "cases"]);
    let line = listed.lines().find(|line| line.starts_with("regressions/once ")).unwrap();
    assert!(line.contains("What failed once "), "{line}");
    let again = told(&["replay", "regressions/once", "--simulate", "--quiet"]);
    assert!(again.starts_with("FIXED  "), "{again}");
    let page = told(&["explain", "regressions/once"]);
    for part in
        ["    ann send a\n", "in 2 of 20 plays", "conform --spec callback-ack regressions/once"]
    {
        assert!(page.contains(part), "{page}");
    }
}

#[test]
fn in_simulated_worlds_the_same_seed_finds_the_same_and_it_fails_again() {
    let found = || {
        let place = Place::new();
        let arguments =
            ["--simulate", "--seed", "4", "--plans", "40", "--no-shrink", "--bug", "dedup-race"];
        let ended = place.explored("callback-ack", &arguments).expect(1);
        assert!(ended.stdout.contains("h passed in simulated worlds, "), "{}", ended.stdout);
        let plans = place.plans();
        let [plan] = plans.as_slice() else { panic!("{plans:?}") };
        (fs::read_to_string(plan).unwrap(), plan.clone(), place)
    };
    let (text, plan, _place) = found();
    assert!(text.contains("server: { bugs: [dedup-race], simulate: 4 }"), "{text}");
    assert_eq!(text, found().0);
    // Where it was found, it fails as often as it did; in other worlds of the honest server it does not.
    let rate = text.lines().find_map(|line| line.strip_prefix("failed: ")).unwrap();
    let (failed, of) = rate.split_once(" of ").unwrap();
    let again = replayed(&plan, &["--runs", of]).expect(1);
    assert!(again.stdout.starts_with("FAILED  "), "{failed}: {}", again.stdout);
    assert_eq!(again.stdout, replayed(&plan, &["--runs", of, "--at-once", "1"]).expect(1).stdout);
    let fixed = replayed(&plan, &["--embedded", "--simulate", "--seed", "9"]).expect(0);
    assert!(fixed.stdout.starts_with("FIXED  "), "{}", fixed.stdout);
}

#[test]
fn a_launched_server_that_ends_is_a_failure_and_the_plan_is_saved_first() {
    let place = Place::new();
    let serve = format!("'{}' serve --spec callback-ack", env!("CARGO_BIN_EXE_assize"));
    let scenario = place.0.path().join("mortal.yaml");
    let yaml = format!(
        "assize: 1\nname: mortal\nabout: x\npeople: {{ count: 2 }}\nphases: [all: {{ lasts: 1s, connect: 100% }}]\n\
         launch:\n  command: [sh, -c, \"{serve} & sleep 3; kill -9 $!; exit 7\"]\n  ready: {{ line: \"listening on \" }}\n"
    );
    fs::write(&scenario, yaml).unwrap();
    let launch = ["--launch", scenario.to_str().unwrap(), "--at-once", "1"];
    let ended = place.explored("callback-ack", &[&launch[..], &["--budget", "1h"]].concat());
    let ended = ended.expect(1);
    assert!(ended.stdout.starts_with("FAIL  the server ended"), "{}", ended.stdout);
    let plans = place.plans();
    let plan =
        plans.iter().find(|plan| plan.ends_with("callback-ack-survival-the-server-ended.yaml"));
    let again = replayed(plan.unwrap_or_else(|| panic!("{plans:?}")), &["--runs", "1000"]);
    assert!(again.expect(1).stdout.starts_with("FAILED  "));
}

const PLAN: &str = "assize: 1
breaks: idempotency
seen: two ids for one key
failed: 2 of 20
spec: callback-ack
script: |
  people: ann x2, bob
  ann send a
";

fn plan(place: &Place, text: &str) -> PathBuf {
    let path = place.0.path().join("plan.yaml");
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn too_few_passes_are_not_called_fixed() {
    let place = Place::new();
    let ended = replayed(&plan(&place, PLAN), &["--runs", "5"]).expect(3);
    assert!(ended.stdout.starts_with("PASSED  5 plays, and "), "{}", ended.stdout);
    assert!(ended.stderr.contains("hint: `assize replay "), "{}", ended.stderr);
}

#[test]
fn what_the_server_cannot_do_could_not_run() {
    let place = Place::new();
    let ended = replayed(&plan(&place, &PLAN.replace("ann send a", "ann hide")), &[]).expect(4);
    let told = "COULD NOT RUN  the spec has no operation `hide`";
    assert!(ended.stdout.starts_with(told), "{}", ended.stdout);
}

#[test]
fn another_spec_an_older_version_and_mistakes_are_said() {
    let place = Place::new();
    let old = PLAN.replace(
        "spec: callback-ack\n",
        "spec: { name: callback-ack, digest: \"0123\" }\nfound: { seed: 1, plan: 2, by: \"0.0.9\" }\n",
    );
    let ended = replayed(&plan(&place, &old), &["--runs", "1"]).expect(3);
    assert!(ended.stderr.contains("note: spec `callback-ack` is "), "{}", ended.stderr);
    assert!(ended.stderr.contains("saved by version 0.0.9"), "{}", ended.stderr);
    let wrong = PLAN.replace("ann send a", "ann sends a").replace("idempotency", "idempotence");
    let ended = replayed(&plan(&place, &wrong), &[]).expect(65);
    assert!(ended.stderr.contains("plan.yaml:8:3"), "{}", ended.stderr);
    assert!(ended.stderr.contains("did you mean `idempotency`?"), "{}", ended.stderr);
    let ended = place.explored("callback-ack", &["--only", "idempotence"]).expect(64);
    assert!(ended.stderr.contains("did you mean `idempotency`?"), "{}", ended.stderr);
}

#[test]
fn a_server_that_is_not_there_is_69() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let place = Place::new();
    place.explored("callback-ack", &["--target", &url]).expect(69);
    replayed(&plan(&place, PLAN), &["--target", &url]).expect(69);
}

#[test]
fn an_interrupted_search_says_what_it_has() {
    let place = Place::new();
    let mut search = Live::start(&mut place.explore("callback-ack", &["--budget", "1h"]));
    search.wait_for(" plans");
    search.signal(Signal::INT);
    let ended = search.end().expect(130);
    assert!(ended.stdout.starts_with("INTERRUPTED  "), "{}", ended.stdout);
}

#[test]
fn a_server_that_ends_is_a_failure_and_what_was_under_way_is_saved() {
    let mut serve = program();
    serve.args(["serve", "--spec", "callback-ack"]).stdout(Stdio::piped());
    let mut server = serve.spawn().unwrap();
    let mut said = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let url = said.trim().trim_start_matches("listening on ");
    let place = Place::new();
    let arguments = ["--target", url, "--budget", "1h", "--at-once", "4"];
    let mut search = Live::start(&mut place.explore("callback-ack", &arguments));
    search.wait_for(" plans");
    server.kill().unwrap();
    server.wait().unwrap();
    let ended = search.end().expect(1);
    assert!(ended.stdout.starts_with("FAIL  the server ended"), "{}", ended.stdout);
    assert!(!place.plans().is_empty(), "{}", ended.stdout);
    assert!(ended.stdout.contains("one of the plans that were under way"), "{}", ended.stdout);
}
