//! The page of a report in a real browser: pages are made by the program, and `tests/browser/page.test.mjs`
//! looks at them in Chromium.

#[path = "support/pages.rs"]
mod pages;
#[path = "support/races.rs"]
mod races;

use assize::report::{exploration, html};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// Some seconds of everything a chart can show.
const BUSY: &str = "assize: 1
name: tiny
about: A few people talk for a moment.
spec: callback-ack
seed: 3
people: { count: 6 }
conversations: { pairs: 2, groups: [{ count: 1, size: 3 }] }
phases:
  - connect: { lasts: 500ms, connect: 100% }
  - talk: { lasts: 3s, send: 40/s in all, typing: 2/s in all, read: 20%, repeat: 30%, same-key: 20% }
faults:
  - { at: 1s, for: 500ms, cut: { share: 30%, how: rst } }
  - { at: 2s, for: 500ms, delay: { share: 20%, by: 40ms } }
expect: [delivery.p95 < 5s]
";

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser");

/// What the program prints; it must exit in one of these ways.
fn assize(arguments: &[&str], codes: &[i32]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    let output = command.args(arguments).output().unwrap();
    assert!(codes.contains(&output.status.code().unwrap_or(-1)), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The page of a run with these arguments.
fn page_of(arguments: &[&str], codes: &[i32]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (scenario, out) = (folder.path().join("tiny.yaml"), folder.path().join("reports"));
    fs::write(&scenario, BUSY).unwrap();
    let [scenario, out] = [&scenario, &out].map(|path| path.to_str().unwrap());
    let arguments: Vec<&str> =
        arguments.iter().map(|word| if *word == "tiny" { scenario } else { *word }).collect();
    assize(&[arguments.as_slice(), &["--quiet", "--out", out]].concat(), codes);
    let latest = format!("{out}/latest");
    let page = fs::read_to_string(Path::new(&latest).join("report.html")).unwrap();
    let again = assize(&["report", &latest, "--format", "html"], &[0]);
    assert!(again == page, "a stored run has the same page");
    page
}

#[test]
fn chromium_shows_every_page_and_finds_nothing_wrong() {
    let prepared = Command::new(format!("{FOLDER}/prepare")).status().unwrap();
    assert!(prepared.success(), "tests/browser/prepare failed");
    let folder = tempfile::tempdir().unwrap();
    let page = |name: &str, html: String| {
        fs::write(folder.path().join(format!("{name}.html")), html).unwrap();
    };
    let bug = ["--bug", "dedup-race"];
    let cases = ["conform", "--spec", "callback-ack", "idempotency", "ordering", "--quick"];
    thread::scope(|scope| {
        scope.spawn(|| page("fail", page_of(&[&["run", "tiny"][..], &bug].concat(), &[1])));
        scope.spawn(|| page("conform", page_of(&[&cases[..], &bug].concat(), &[1])));
        // On a busy machine the generator may have been late; the page is a page all the same.
        scope.spawn(|| page("pass", page_of(&["run", "tiny"], &[0, 2, 3, 5])));
    });
    for (name, outcome) in
        [("empty", pages::empty()), ("hostile", pages::hostile()), ("long", pages::long())]
    {
        page(name, html::render(&outcome));
    }
    page("races", exploration::html::render(&races::races()));
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
