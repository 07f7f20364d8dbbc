//! What a CI server is told beside the reports, if there is one: annotations on standard error and the
//! summary of the step, as GitHub Actions reads them. And which results fail a run: `--fail-on`.

use crate::cli::{Failure, display};
use crate::comparison::Comparison;
use crate::outcome::gate::{Gate, Kind};
use crate::outcome::{Conformance, Outcome};
use crate::property;
use crate::report::annotations::{self, Annotation, Document};
use crate::report::{comparison, conformance, summary};
use crate::source;
use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that a run was made of: its path as it was given, and its text.
#[derive(Clone, Debug)]
pub struct File {
    /// The path.
    pub path: PathBuf,
    /// The text.
    pub text: String,
}

/// Tells the CI server of a run.
pub fn announce(outcome: &Outcome, scenario: &File, spec: &File) {
    if !is_github() {
        return;
    }
    let (scenario_name, spec_name) = (in_repository(&scenario.path), in_repository(&spec.path));
    let scenario = Document { file: &scenario_name, text: &scenario.text };
    let spec = Document { file: &spec_name, text: &spec.text };
    annotate(&annotations::of_run(outcome, scenario, spec));
    summarize(&summary::render(outcome));
}

/// Tells the CI server of a run of the catalogue.
pub fn announce_conformance(run: &Conformance, spec: &File) {
    if !is_github() {
        return;
    }
    let name = in_repository(&spec.path);
    annotate(&annotations::of_conformance(run, Document { file: &name, text: &spec.text }));
    summarize(&conformance::summary::render(run));
}

/// Tells the CI server of a comparison.
pub fn announce_comparison(comparison: &Comparison) {
    if is_github() {
        annotate(&annotations::of_comparison(comparison));
        summarize(&comparison::markdown::render(comparison));
    }
}

/// What fails a run, from the words of `--fail-on`; without any, what is documented.
///
/// # Errors
/// A word is unknown.
pub fn of_words(words: &[String]) -> Result<Gate, Failure> {
    if words.is_empty() {
        return Ok(Gate::default());
    }
    let properties = property::ids();
    Gate::parse(words.iter().map(String::as_str), &properties).map_err(|unknown| {
        let kinds = Kind::ALL.map(Kind::name);
        let known = kinds.into_iter().chain(["none"]).chain(properties.iter().copied());
        let failure = Failure::usage(format!("nothing that can fail a run is called `{unknown}`"));
        match source::suggestion(unknown, known) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => {
                let kinds = kinds.map(|kind| format!("`{kind}`")).join(", ");
                failure.hint(format!("it is one of {kinds}, `none`, or the id of a property"))
            }
        }
    })
}

fn is_github() -> bool {
    env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

fn annotate(annotations: &[Annotation]) {
    annotations.iter().for_each(display::say);
}

/// Adds to the summary of the step. Where that cannot be, the reports still have it.
fn summarize(markdown: &str) {
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    if let Err(error) = append(Path::new(&path), markdown) {
        let path = Path::new(&path).display();
        display::say(format_args!("warning: cannot add to the step's summary `{path}`: {error}"));
    }
}

fn append(path: &Path, markdown: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(markdown.as_bytes())?;
    file.write_all(b"\n")
}

/// The path from the repository's root, as the service wants it.
fn in_repository(path: &Path) -> String {
    let root = env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let short = root.as_ref().and_then(|root| whole.strip_prefix(root).ok());
    short.unwrap_or(path).display().to_string()
}
