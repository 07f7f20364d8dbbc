//! The linter's whole output, mistake by mistake: `tests/lint/x.yaml` beside `tests/lint/x.expected`.
//!
//! Files whose name begins with `scenario-` are scenarios, the others specs. With `ASSIZE_BLESS=1`
//! the expected texts are written anew; read the difference before you commit it.

use assize::source::{Diagnostic, Severity};
use assize::{conform, scenario, source, spec};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// The properties that `exercise:` may name here.
const PROPERTIES: &[&str] = spec::PROMISES;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The YAML files of a folder, sorted.
fn yaml_files(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(name)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    files
}

fn lint(path: &Path) -> Vec<Diagnostic> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let yaml = fs::read_to_string(path).unwrap();
    let is_scenario =
        name.starts_with("scenario-") || path.parent().unwrap().ends_with("scenarios");
    if is_scenario {
        let loaded = scenario::load(name, &yaml, PROPERTIES);
        loaded.map_or_else(|list| list, |loaded| loaded.warnings)
    } else {
        match spec::load(name, &yaml, PROPERTIES) {
            Ok(loaded) => {
                [conform::check_known(name, &yaml, &loaded.spec), loaded.warnings].concat()
            }
            Err(mistakes) => mistakes,
        }
    }
}

#[test]
fn every_mistake_has_its_text() {
    let bless = std::env::var_os("ASSIZE_BLESS").is_some();
    let files = yaml_files("tests/lint");
    assert!(files.len() > 10, "the corpus is gone");
    for path in files {
        let text = source::render(&lint(&path));
        assert!(!text.is_empty(), "{}: no mistake was found", path.display());
        let expected = path.with_extension("expected");
        if bless {
            fs::write(&expected, &text).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(text, wanted, "{}: ASSIZE_BLESS=1 writes it anew", path.display());
    }
}

#[test]
fn what_is_right_lints_clean() {
    for folder in ["specs", "scenarios", "tests/dialects"] {
        let files = yaml_files(folder);
        assert!(!files.is_empty(), "{folder} is empty");
        for path in files {
            let list = lint(&path);
            assert!(list.is_empty(), "{}", source::render(&list));
        }
    }
}

/// A file that lints clean, with some of its pieces cut out or put elsewhere.
fn damaged(folder: &'static str) -> impl Strategy<Value = String> {
    let pieces = ["", " ", "\n", "$", "{", "]", "...", "? ", ": ", "0", "é", "$_", "any: ", "-"];
    let damage = (any::<prop::sample::Index>(), 0usize..12, prop::sample::select(pieces.to_vec()));
    let files = yaml_files(folder);
    (prop::sample::select(files), prop::collection::vec(damage, 1..4)).prop_map(
        |(path, damages)| {
            let mut letters: Vec<char> = fs::read_to_string(path).unwrap().chars().collect();
            for (at, gone, piece) in damages {
                let from = at.index(letters.len());
                let to = letters.len().min(from + gone);
                letters.splice(from..to, piece.chars());
            }
            letters.into_iter().collect()
        },
    )
}

proptest! {
    #[test]
    fn a_damaged_spec_is_read_or_refused(yaml in prop_oneof![damaged("specs"), damaged("tests/dialects")]) {
        if let Err(list) = spec::load("f", &yaml, PROPERTIES) {
            prop_assert!(list.iter().any(|one| one.severity == Severity::Error), "{}", yaml);
            prop_assert!(!source::render(&list).is_empty());
        }
    }

    #[test]
    fn a_damaged_scenario_is_read_or_refused(yaml in damaged("scenarios")) {
        if let Err(list) = scenario::load("f", &yaml, PROPERTIES) {
            prop_assert!(list.iter().any(|one| one.severity == Severity::Error), "{}", yaml);
        }
    }
}
