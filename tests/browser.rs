//! The page of a report in a real browser: pages are made by the program, and `tests/browser/page.test.mjs`
//! looks at them in Chromium.

#[path = "support/pages.rs"]
mod pages;
#[path = "support/program.rs"]
mod program;

use assize::report::html;
use program::{Case, Ended, program};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

/// Some seconds of everything a chart can show.
const BUSY: &str = "phases:
  - connect: { lasts: 500ms, connect: 100% }
  - talk: { lasts: 3s, send: 40/s in all, typing: 2/s in all, read: 20%, repeat: 30%, same-key: 20% }
faults:
  - { at: 1s, for: 500ms, cut: { share: 30%, how: rst } }
  - { at: 2s, for: 500ms, delay: { share: 20%, by: 40ms } }
expect: [delivery.p95 < 5s]";

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");

/// A page of a run with these arguments.
fn run(arguments: &[&str], code: i32, to: &Path) {
    let case = Case::new(BUSY);
    case.run(&[arguments, &["--quiet", "--shards", "2"]].concat()).expect(code);
    let folder = case.path("reports/latest");
    fs::copy(folder.join("report.html"), to).unwrap();
    let again = program().arg("report").arg(folder).args(["--format", "html"]).output().unwrap();
    let again = Ended::of(again).expect(0).stdout;
    assert!(again == fs::read_to_string(to).unwrap(), "a stored run has the same page");
}

/// A page of some cases, one of which fails.
fn conform(to: &Path) {
    let out = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["conform", "--spec", "callback-ack", "idempotency", "ordering", "--quick"]);
    command.args(["--bug", "dedup-race", "--quiet", "--out"]).arg(out.path());
    Ended::of(command.output().unwrap()).expect(1);
    fs::copy(out.path().join("latest/report.html"), to).unwrap();
}

#[test]
fn chromium_shows_every_page_and_finds_nothing_wrong() {
    let prepared = Command::new(format!("{FOLDER}/prepare")).status().unwrap();
    assert!(prepared.success(), "tests/browser/prepare failed");
    let folder = tempfile::tempdir().unwrap();
    let page = |name: &str| folder.path().join(format!("{name}.html"));
    thread::scope(|scope| {
        scope.spawn(|| run(&["--bug", "dedup-race"], 1, &page("fail")));
        scope.spawn(|| run(&[], 0, &page("pass")));
        scope.spawn(|| conform(&page("conform")));
    });
    for (name, outcome) in
        [("empty", pages::empty()), ("hostile", pages::hostile()), ("long", pages::long())]
    {
        fs::write(page(name), html::render(&outcome)).unwrap();
    }
    let tested = Command::new("node")
        .args(["--test", "--test-reporter=spec", "page.test.mjs"])
        .current_dir(FOLDER)
        .env("PAGES", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tested.stdout);
    assert!(tested.status.success(), "{said}\n{}", String::from_utf8_lossy(&tested.stderr));
    println!("{said}");
}
