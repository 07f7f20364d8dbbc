//! `assize lint`: checks specs and scenarios without a server.

use crate::cli::{Failure, display, files};
use crate::conform;
use crate::engine::TargetChoice;
use crate::engine::means::{self, Means};
use crate::metric::quantity;
use crate::outcome::Exit;
use crate::property;
use crate::reference::Bugs;
use crate::scenario::{self, Scenario};
use crate::source::{self, Diagnostic, Diagnostics, Node, Severity};
use crate::spec;
use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  assize lint                        everything in specs/ and scenarios/
  assize lint specs/mine.yaml        one file

Mistakes go to standard output, all of them at once; warnings alone exit with 0.";

/// The arguments of `lint`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The files; without any, those in `specs/` and `scenarios/`.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// What a file is, told by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Spec,
    Scenario,
}

/// Names that only a spec has at the top.
const OF_SPECS: &[&str] = &["connect", "do", "see", "promise", "contract", "traits", "limits"];
/// Names that only a scenario has at the top.
const OF_SCENARIOS: &[&str] =
    &["phases", "conversations", "faults", "expect", "exercise", "launch"];

/// Prints every mistake of every file.
///
/// # Errors
/// There is a mistake, or nothing to look at, or standard output takes no more.
pub fn execute(args: &Args) -> Result<Exit, Failure> {
    let files = if args.files.is_empty() { usual()? } else { args.files.clone() };
    if files.is_empty() {
        let (specs, scenarios) = (files::SPECS, files::SCENARIOS);
        return Err(Failure::usage("there is nothing to check")
            .hint(format!("name a file, or go where `{specs}/` and `{scenarios}/` are")));
    }
    let mut unreadable = 0;
    let mut found = Vec::new();
    for file in &files {
        match fs::read_to_string(file) {
            Ok(text) => found.extend(check(&file.display().to_string(), &text)),
            Err(error) => {
                unreadable += 1;
                display::say(format_args!("error: cannot read `{}`: {error}", file.display()));
            }
        }
    }
    display::print(&pictures(&found))?;
    let errors = found.iter().filter(|one| one.severity == Severity::Error).count() + unreadable;
    let summary = summary(files.len(), errors, found.len() + unreadable - errors);
    if errors > 0 {
        return Err(Failure::bad_input(summary));
    }
    display::say(summary);
    Ok(Exit::Held)
}

fn usual() -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for folder in [files::SPECS, files::SCENARIOS] {
        let files = files::yaml(Path::new(folder))
            .map_err(|error| Failure::bad_input(format!("cannot read `{folder}`: {error}")))?;
        all.extend(files);
    }
    Ok(all)
}

/// Everything that is wrong with one file, or worth a look.
fn check(name: &str, text: &str) -> Vec<Diagnostic> {
    let mut diagnostics = Diagnostics::new(name, text);
    let Some(root) = source::parse(&mut diagnostics) else {
        return diagnostics.into_sorted();
    };
    let known = property::ids();
    match kind(&root) {
        Some(Kind::Spec) => match spec::load(name, text, &known) {
            Ok(loaded) => {
                [conform::check_known(name, text, &loaded.spec), loaded.warnings].concat()
            }
            Err(mistakes) => mistakes,
        },
        Some(Kind::Scenario) => match scenario::load(name, text, &known) {
            Ok(loaded) => {
                impossible(&mut diagnostics, &root, &loaded.scenario, &known);
                [loaded.warnings, diagnostics.into_sorted()].concat()
            }
            Err(mistakes) => mistakes,
        },
        None => {
            diagnostics
                .error(root.span, "this is neither a spec nor a scenario")
                .expected("`do:` and `see:` of a spec, or `phases:` of a scenario");
            diagnostics.into_sorted()
        }
    }
}

/// What the scenario wants and the server's documents forbid, which is a mistake; or this machine does
/// not give, which another one may. Without a spec that can be read, nothing is known.
fn impossible(found: &mut Diagnostics<'_>, root: &Node, scenario: &Scenario, known: &[&str]) {
    let path = scenario.spec.as_deref().map(|name| files::resolve(files::SPECS, name));
    let text = path.as_ref().and_then(|path| fs::read_to_string(path).ok());
    let spec = text.and_then(|text| spec::load("", &text, known).ok());
    let Some(spec::Loaded { spec, .. }) = spec else { return };
    let span = |name: &str| {
        let entry = root.entries().and_then(|all| all.iter().find(|entry| entry.key == name));
        entry.map_or(root.span, |entry| entry.key_span)
    };
    if let Some(shortage) = means::undocumented(&spec, scenario) {
        found.error(span("phases"), shortage.what).hint(shortage.hint);
    }
    let target = match (&scenario.launch, &scenario.target[..]) {
        (Some(launch), _) => TargetChoice::Launched(launch.clone()),
        (None, []) => TargetChoice::embedded(Bugs::NONE),
        (None, urls) => TargetChoice::Running(urls.to_vec()),
    };
    if let Some(shortage) = Means::of_machine().machine_shortage(&spec, scenario, &target, None) {
        found
            .warn(span("people"), format!("on this machine, {}", shortage.what))
            .hint(shortage.hint);
    }
}

/// The kind that more of the names at the top speak for.
fn kind(root: &Node) -> Option<Kind> {
    let entries = root.entries()?;
    let count =
        |names: &[&str]| entries.iter().filter(|entry| names.contains(&entry.key.as_str())).count();
    let (spec, scenario) = (count(OF_SPECS), count(OF_SCENARIOS));
    match spec.cmp(&scenario) {
        std::cmp::Ordering::Greater => Some(Kind::Spec),
        std::cmp::Ordering::Less => Some(Kind::Scenario),
        std::cmp::Ordering::Equal => None,
    }
}

fn pictures(found: &[Diagnostic]) -> String {
    found.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

fn summary(files: usize, errors: usize, warnings: usize) -> String {
    let counted = |number: usize, noun| quantity::counted(number as u64, noun);
    let files = counted(files, "file");
    match (errors, warnings) {
        (0, 0) => format!("{files} without a mistake"),
        (0, _) => format!("{files}, {}", counted(warnings, "warning")),
        (_, 0) => format!("{files}, {}", counted(errors, "mistake")),
        _ => format!("{files}, {}, {}", counted(errors, "mistake"), counted(warnings, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(text: &str) -> Option<Kind> {
        source::parse(&mut Diagnostics::new("x.yaml", text)).as_ref().and_then(kind)
    }

    #[test]
    fn a_file_is_what_it_says() {
        assert_eq!(kind_of("name: x\npeople: 1\ndo: {}\n"), Some(Kind::Spec));
        assert_eq!(kind_of("name: x\npeople: 1\nphases: []\n"), Some(Kind::Scenario));
        assert_eq!(kind_of("name: x\n"), None);
        let told = check("x.yaml", "name: x\n");
        assert_eq!(told[0].message, "this is neither a spec nor a scenario");
    }

    #[test]
    fn what_is_no_yaml_is_told_once() {
        let told = check("x.yaml", "do: [\n");
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].severity, Severity::Error);
    }

    #[test]
    fn the_summary_counts() {
        assert_eq!(summary(2, 0, 0), "2 files without a mistake");
        assert_eq!(summary(1, 1, 2), "1 file, 1 mistake, 2 warnings");
    }

    #[test]
    fn what_is_shipped_is_known_for_what_it_is() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (folder, expected) in [(files::SPECS, Kind::Spec), (files::SCENARIOS, Kind::Scenario)] {
            let files = files::yaml(&root.join(folder)).unwrap();
            assert!(!files.is_empty(), "{folder} is empty");
            for file in files {
                let text = fs::read_to_string(&file).unwrap();
                assert_eq!(kind_of(&text), Some(expected), "{}", file.display());
            }
        }
    }
}
