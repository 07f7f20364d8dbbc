//! Reads specs and scenarios for a verb, and says all their mistakes at once.

use crate::cli::{Failure, files};
use crate::conform;
use crate::metric::quantity;
use crate::plan::saved::{self, Saved};
use crate::property;
use crate::reference::{Bug, Bugs};
use crate::scenario::{self, Scenario};
use crate::source::{self, Diagnostic};
use crate::spec::{self, Spec};
use std::fs;
use std::path::Path;

/// A file that was read without mistakes.
pub struct Loaded<T> {
    /// What it says.
    pub value: T,
    /// Its text.
    pub text: String,
}

/// The spec of a path or name.
///
/// # Errors
/// It cannot be read, or has mistakes.
pub fn spec(name: &str) -> Result<Loaded<Spec>, Failure> {
    let (path, text) = read(files::SPECS, name, "spec")?;
    let loaded = spec::load(&path, &text, &property::ids());
    let spec = loaded.map_err(|mistakes| failure(&path, &mistakes))?.spec;
    let mistakes = conform::check_known(&path, &text, &spec);
    if !mistakes.is_empty() {
        return Err(failure(&path, &mistakes));
    }
    Ok(Loaded { value: spec, text })
}

/// The scenario of a path or name.
///
/// # Errors
/// It cannot be read, or has mistakes.
pub fn scenario(name: &str) -> Result<Loaded<Scenario>, Failure> {
    let (path, text) = read(files::SCENARIOS, name, "scenario")?;
    let loaded = scenario::load(&path, &text, &property::ids());
    let loaded = loaded.map_err(|mistakes| failure(&path, &mistakes))?;
    Ok(Loaded { value: loaded.scenario, text })
}

/// The saved plan of this path.
///
/// # Errors
/// It cannot be read, or has mistakes.
pub fn plan(path: &str) -> Result<Saved, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::bad_input(format!("cannot read plan `{path}`: {error}")))?;
    saved::load(path, &text, &property::ids()).map_err(|mistakes| failure(path, &mistakes))
}

/// The bugs of these names.
///
/// # Errors
/// There is no bug of one of the names.
pub fn bugs(names: &[String]) -> Result<Bugs, Failure> {
    Bugs::parse(names.iter().map(String::as_str)).map_err(|unknown| {
        let known = Bug::ALL.iter().map(|bug| bug.name());
        let failure = Failure::usage(format!("there is no bug `{}`", unknown.0));
        match source::suggestion(&unknown.0, known) {
            Some(near) => {
                failure.hint(format!("did you mean `{near}`? `assize list bugs` lists all"))
            }
            None => failure.hint("`assize list bugs` lists all"),
        }
    })
}

fn read(folder: &str, name: &str, kind: &str) -> Result<(String, String), Failure> {
    let path = files::resolve(folder, name);
    let shown = path.display().to_string();
    match fs::read_to_string(&path) {
        Ok(text) => Ok((shown, text)),
        Err(error) => {
            let failure = Failure::bad_input(format!("cannot read {kind} `{shown}`: {error}"));
            let known = files::yaml(Path::new(folder)).unwrap_or_default();
            let stems: Vec<String> = known
                .iter()
                .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
                .collect();
            Err(match stems.is_empty() {
                true => failure.hint(format!("there is no folder `{folder}` with files here")),
                false => failure.hint(format!("`{folder}` has {}", stems.join(", "))),
            })
        }
    }
}

fn failure(path: &str, mistakes: &[Diagnostic]) -> Failure {
    let count = quantity::counted(mistakes.len() as u64, "mistake");
    Failure::bad_input(format!("`{path}` has {count}\n\n{}", source::render(mistakes)))
}
