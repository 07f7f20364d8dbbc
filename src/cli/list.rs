//! `assize list`: what there is, one line each.

use crate::cli::{Colour, Failure, corpus, display, files};
use crate::conform::catalogue;
use crate::fault;
use crate::outcome::Exit;
use crate::property;
use crate::reference::bugs::Bug;
use crate::report::Look;
use crate::report::layout::{Align, Cell};
use crate::report::words::Tone;
use crate::source::{self, Diagnostics};
use crate::verdict::Severity;
use clap::ValueEnum;
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  assize list cases                 what `assize conform` tries
  assize list properties            what is judged
  assize list bugs --json           what `--bug` knows, for a program";

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// The conformance catalogue, and the plans in `scenarios/regressions/`.
    Cases,
    /// What the reference server can be told to do wrong.
    Bugs,
    /// What can go wrong around a server, in scenarios and scripts.
    Faults,
    /// What is judged.
    Properties,
    /// The servers' wires in `specs/`.
    Specs,
    /// What people do and what goes wrong, in `scenarios/`.
    Scenarios,
}

/// The arguments of `list`.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to list.
    #[arg(value_enum)]
    pub topic: Topic,
    /// Prints JSON: an array of objects, each with `name` and `about`.
    #[arg(long)]
    pub json: bool,
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    about: String,
    /// Something more that only this topic has: its name, and its value.
    more: Option<(&'static str, String)>,
}

/// Prints the list.
///
/// # Errors
/// A folder cannot be read, or standard output takes no more.
pub fn execute(args: &Args, colour: Colour) -> Result<Exit, Failure> {
    let rows = rows(args.topic)?;
    let text = if args.json { json(&rows) } else { table(&rows, display::stdout(colour)) };
    display::print(&text)?;
    Ok(Exit::Held)
}

fn rows(topic: Topic) -> Result<Vec<Row>, Failure> {
    Ok(match topic {
        Topic::Cases => {
            let saved = corpus::all(Path::new(files::REGRESSIONS))?;
            let saved =
                saved.iter().map(|(file, plan)| (plan.case(file), plan.says(), Severity::Must));
            let cases = catalogue().iter();
            let cases = cases.map(|case| (case.name.clone(), case.says.to_owned(), case.severity));
            let row = |(name, about, severity): (String, String, Severity)| Row {
                name,
                about,
                more: Some(("severity", severity.name().to_owned())),
            };
            cases.chain(saved).map(row).collect()
        }
        Topic::Bugs => Bug::ALL
            .iter()
            .map(|bug| Row {
                name: bug.name().to_owned(),
                about: bug.sentence().to_owned(),
                more: Some(("breaks", bug.property().to_owned())),
            })
            .collect(),
        Topic::Faults => fault::ALL
            .iter()
            .map(|kind| Row {
                name: kind.name.to_owned(),
                about: kind.about.to_owned(),
                more: Some(("example", kind.example.to_owned())),
            })
            .collect(),
        Topic::Properties => property::ALL
            .iter()
            .map(|property| Row {
                name: property.page().id.to_owned(),
                about: property.page().title.to_owned(),
                more: None,
            })
            .collect(),
        Topic::Specs => yaml(files::SPECS)?,
        Topic::Scenarios => yaml(files::SCENARIOS)?,
    })
}

fn yaml(folder: &str) -> Result<Vec<Row>, Failure> {
    let files = files::yaml(Path::new(folder))
        .map_err(|error| Failure::bad_input(format!("cannot read `{folder}`: {error}")))?;
    Ok(files
        .iter()
        .map(|file| Row {
            name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            about: about(file),
            more: None,
        })
        .collect())
}

/// The file's `about:`, also of a file that has mistakes elsewhere: finding them is for `lint`.
fn about(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let name = file.display().to_string();
    let node = source::parse(&mut Diagnostics::new(&name, &text));
    let about = node.as_ref().and_then(|node| {
        let entry = node.entries()?.iter().find(|entry| entry.key == "about")?;
        entry.value.text()
    });
    about.map_or_else(|| format!("cannot be read; see `assize lint {name}`"), str::to_owned)
}

fn json(rows: &[Row]) -> String {
    let objects = rows.iter().map(|row| {
        let mut object = Map::new();
        object.insert("name".into(), row.name.clone().into());
        if let Some((key, value)) = &row.more {
            object.insert((*key).into(), value.clone().into());
        }
        object.insert("about".into(), row.about.clone().into());
        Value::Object(object)
    });
    format!("{:#}\n", Value::Array(objects.collect()))
}

fn table(rows: &[Row], look: Look) -> String {
    let has_more = rows.iter().any(|row| row.more.is_some());
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let more = row.more.as_ref().map_or("", |(_, value)| value.as_str());
            let more = has_more.then(|| Cell::toned(Tone::Quiet, more));
            [Some(Cell::new(&row.name)), more, Some(Cell::new(&row.about))]
                .into_iter()
                .flatten()
                .collect()
        })
        .collect();
    let columns = if has_more { 3 } else { 2 };
    look.table(0, &[Align::Left; 3][..columns], &cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(more: Option<(&'static str, String)>) -> Row {
        Row { name: "dedup-off".into(), about: "ignores \"keys\"".into(), more }
    }

    #[test]
    fn a_list_is_a_table_or_json() {
        let rows = [row(Some(("breaks", "idempotency".into())))];
        assert_eq!(table(&rows, Look::PLAIN), "dedup-off  idempotency  ignores \"keys\"\n");
        assert_eq!(table(&[row(None)], Look::PLAIN), "dedup-off  ignores \"keys\"\n");
        let parsed: Value = serde_json::from_str(&json(&rows)).unwrap();
        assert_eq!(parsed[0]["breaks"], "idempotency");
        assert_eq!(parsed[0]["about"], "ignores \"keys\"");
        assert_eq!(json(&[]), "[]\n");
    }

    #[test]
    fn a_broken_file_is_listed_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.yaml");
        for (text, told) in [("about: fine\nno: [", "cannot"), ("about: fine\nno: 1\n", "fine")] {
            fs::write(&file, text).unwrap();
            assert!(about(&file).starts_with(told), "{}", about(&file));
        }
    }
}
