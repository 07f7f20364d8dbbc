//! Each format against files that were looked at and found right: `tests/golden/<case>/` holds an
//! outcome as `report.json` and beside it what the other formats make of it.
//!
//! After a wanted change: `ASSIZE_BLESS=1 cargo test --test reports`, then look at the difference.

use assize::outcome::{Exit, Outcome};
use assize::report::{FORMATS, Look, json, terminal};
use std::fs;
use std::path::{Path, PathBuf};

const CASES: &[(&str, Exit)] =
    &[("pass", Exit::Held), ("fail", Exit::PropertyFailed), ("interrupted", Exit::Interrupted)];

fn golden(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(case)
}

fn outcome(case: &str) -> Outcome {
    let text = fs::read_to_string(golden(case).join("report.json")).unwrap();
    json::parse(&text).unwrap()
}

fn check(path: &Path, actual: &str) {
    let mut expected = fs::read_to_string(path).unwrap_or_default();
    if actual != expected && std::env::var_os("ASSIZE_BLESS").is_some() {
        fs::write(path, actual).unwrap();
        actual.clone_into(&mut expected);
    }
    let difference = actual.lines().zip(expected.lines()).find(|(ours, theirs)| ours != theirs);
    assert_eq!(difference, None, "{} differs; see the head of this file", path.display());
    assert_eq!(actual.len(), expected.len(), "{} is of another length", path.display());
}

#[test]
fn every_format_is_as_it_was_found_right() {
    for (case, exit) in CASES {
        let outcome = outcome(case);
        assert_eq!(outcome.exit(), *exit, "{case}");
        // The page is looked at in a browser: tests/browser.rs.
        for format in FORMATS.iter().filter(|format| format.name != "html") {
            check(&golden(case).join(format.file), &(format.render)(&outcome));
        }
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (case, _) in CASES {
        for width in [80, 100, 140] {
            let look = Look { colour: false, width };
            let text = terminal::render(&outcome(case), look);
            // A command is there to be copied, so it is not wrapped.
            for line in text.lines().filter(|line| !line.starts_with("  again")) {
                assert!(line.chars().count() <= width, "{case} at {width}: {line}");
            }
        }
    }
}

#[test]
fn colours_change_nothing_but_colours() {
    for (case, _) in CASES {
        let colour = terminal::render(&outcome(case), Look { colour: true, width: 100 });
        let mut plain = String::new();
        for (index, piece) in colour.split('\x1b').enumerate() {
            let text = if index == 0 { Some(piece) } else { piece.split_once('m').map(|x| x.1) };
            plain.push_str(text.unwrap());
        }
        assert_eq!(plain, terminal::render(&outcome(case), Look::PLAIN));
    }
}
