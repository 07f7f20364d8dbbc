//! `assize explain`: the page of anything that has a name.

use crate::cli::{Failure, corpus, display, files};
use crate::conform::catalogue::Way;
use crate::conform::{Catalogued, catalogue};
use crate::fault::{self, Kind};
use crate::metric::{Counter, Series};
use crate::operation::{Operation, Sight};
use crate::outcome::Exit;
use crate::plan::saved::{REGRESSIONS, Saved};
use crate::property;
use crate::reference::bugs::Bug;
use crate::report::{FORMATS, Look, format};
use crate::source::suggestion;
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  assize explain idempotency        a property: what it says, why, how it is judged
  assize explain idempotency/at-once-on-two-devices
                                    a case: what the server must do, and its steps
  assize explain dedup-race         a bug: what it does, which case catches it
  assize explain half-open          a fault: what goes wrong, its figures, what it excuses
  assize explain delivery           a figure: from where to where it is measured";

/// The bundled spec on which most cases can be played.
const USUAL: &str = "callback-ack";

/// The arguments of `explain`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A property, case, bug, fault, latency, count, operation, sight or report format.
    pub id: String,
}

/// Prints the page.
///
/// # Errors
/// Nothing has this name, or standard output takes no more.
pub fn execute(args: &Args) -> Result<Exit, Failure> {
    let page = match page(&args.id) {
        Some(page) => page,
        None => regression(&args.id)?.ok_or_else(|| unknown(&args.id))?,
    };
    display::print(&page)?;
    Ok(Exit::Held)
}

/// Everything of this name; an operation and a figure may share one.
fn page(id: &str) -> Option<String> {
    let pages: Vec<String> = [
        property::find(id).map(property::explain::text),
        catalogue().iter().find(|case| case.name == id).map(case),
        Bug::parse(id).map(bug),
        Kind::find(id).map(fault),
        Series::parse(id).map(|series| line(id, "a latency", series.about())),
        counter(id).map(|counter| line(id, "a count", counter.about())),
        Operation::parse(id).map(|operation| line(id, "an operation", operation.about())),
        Sight::parse(id).map(|sight| line(id, "a sight", sight.about())),
        format(id).map(|format| line(id, "a report format", format.about)),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!pages.is_empty()).then(|| pages.join("\n"))
}

fn counter(id: &str) -> Option<Counter> {
    Counter::ALL.into_iter().find(|counter| counter.name() == id)
}

fn line(id: &str, what: &str, about: &str) -> String {
    format!("{id}: {what}\n  {}\n", Look::PLAIN.wrap(about, 2))
}

fn bug(bug: Bug) -> String {
    let fact = |label, text: &str| Look::PLAIN.fact(2, label, 9, text);
    let caught_by = Catalogued::of_bug(bug).map_or(bug.property(), |case| case.name.as_str());
    let again = format!("assize conform --spec {} {caught_by} --bug {bug}", bug.spec());
    [
        line(bug.name(), "a bug of the reference server", bug.sentence()),
        "\n".to_owned(),
        fact("breaks", bug.property()),
        fact("caught by", caught_by),
        Look::PLAIN.verbatim(2, "see it", 9, &again),
    ]
    .concat()
}

fn case(case: &Catalogued) -> String {
    let fact = |label, text: &str| Look::PLAIN.fact(2, label, 9, text);
    let copies = match case.copies {
        1 => String::new(),
        copies => format!(", {copies} times side by side with other people each time"),
    };
    let mut out = line(&case.name, "a case of the conformance catalogue", case.says);
    out.push_str(&format!("\n  {}\n\n", Look::PLAIN.wrap(case.why, 2)));
    for step in case.steps() {
        out.push_str(&format!("    {step}\n"));
    }
    out.push('\n');
    let quick = if case.quick { "" } else { "; not with `--quick`" };
    out.push_str(&fact("played", &format!("as written above{copies}{quick}")));
    if case.wants_own_server() {
        out.push_str(&fact("needs", "a server of its own, which the harness stops and starts"));
    }
    out.push_str(&fact("severity", case.severity.name()));
    out.push_str(&match &case.way {
        Way::Play(page, ..) => fact("judged by", &format!("{}: {}", page.id, page.title)),
        Way::Wire(wire) => fact("source", wire.source),
    });
    if !case.catches.is_empty() {
        out.push_str(&fact("catches", &case.catches.join(", ")));
    }
    let spec = case.catches.first().and_then(|bug| Bug::parse(bug)).map_or(USUAL, Bug::spec);
    let again = format!("assize conform --spec {spec} {}", case.name);
    out.push_str(&Look::PLAIN.verbatim(2, "try it", 9, &again));
    out
}

/// The page of a saved plan.
fn regression(id: &str) -> Result<Option<String>, Failure> {
    if !id.starts_with(REGRESSIONS) {
        return Ok(None);
    }
    let plans = corpus::all(Path::new(files::REGRESSIONS))?;
    Ok(plans
        .iter()
        .find(|(file, plan)| plan.case(file) == id)
        .map(|(file, plan)| saved(file, plan)))
}

fn saved(file: &str, plan: &Saved) -> String {
    let fact = |label, text: &str| Look::PLAIN.fact(2, label, 9, text);
    let name = plan.case(file);
    let mut out = line(&name, "a case of the corpus: a plan that failed", &plan.says());
    out.push('\n');
    plan.script.to_string().lines().for_each(|step| out.push_str(&format!("    {step}\n")));
    out.push('\n');
    out.push_str(&fact("broke", &format!("{}: {}", plan.breaks, plan.seen)));
    if let Some((failed, of)) = plan.failed {
        out.push_str(&fact("failed", &format!("in {failed} of {of} plays")));
    }
    out.push_str(&fact("file", file));
    let again = format!("assize conform --spec {} {name}", plan.spec.name);
    out.push_str(&Look::PLAIN.verbatim(2, "try it", 9, &again));
    out
}

fn fault(kind: &Kind) -> String {
    let fact = |label, text: &str| Look::PLAIN.fact(2, label, 9, text);
    let effect = kind.exemplar().effect().words();
    let who = if kind.of_server { "server" } else { "ann" };
    let scenario = if kind.of_server { "{}" } else { "{ share: 10%, … }" };
    let length = if kind.lasts { ", for: 2s" } else { "" };
    let facts = [
        line(kind.name, "a fault", kind.about),
        "\n".to_owned(),
        fact("why", kind.why),
        fact("may spoil", &format!("{effect}; what it may spoil is not held against the server")),
        fact("script", &format!("{who} {} for 2s", kind.example)),
        fact("scenario", &format!("{{ at: 3s{length}, {}: {scenario} }}", kind.name)),
    ];
    let figures = kind.figures.iter().map(|figure| {
        let must = if figure.required { "" } else { ", or nothing" };
        fact(figure.name, &format!("{}: {}{must}", figure.about, figure.form.expected()))
    });
    facts.into_iter().chain(figures).collect()
}

fn unknown(id: &str) -> Failure {
    let properties = property::ALL.iter().map(|property| property.page().id);
    let bugs = Bug::ALL.iter().map(|bug| bug.name());
    let words = Operation::ALL.iter().map(|operation| operation.name());
    let figures = Series::ALL.iter().map(|series| series.name());
    let formats = FORMATS.iter().map(|format| format.name);
    let cases = catalogue().iter().map(|case| case.name.as_str());
    let faults = fault::ALL.iter().map(|kind| kind.name);
    let names = cases.chain(properties).chain(bugs).chain(faults).chain(words);
    let names = names.chain(figures).chain(formats);
    let failure = Failure::usage(format!("nothing is called `{id}`"));
    match suggestion(id, names) {
        Some(name) => failure.hint(format!("did you mean `{name}`?")),
        None => failure.hint("`assize list` shows the names of cases, properties, bugs and faults"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_has_a_page() {
        for property in property::ALL {
            let title = property.page().title;
            let words = |text: &str| text.split_whitespace().collect::<String>();
            assert!(words(&page(property.page().id).unwrap()).contains(&words(title)), "{title}");
        }
    }

    #[test]
    fn every_bug_has_a_page() {
        for &bug in Bug::ALL {
            let page = page(bug.name()).unwrap();
            let case = Catalogued::of_bug(bug).unwrap();
            let command = format!("conform --spec {} {} --bug {bug}", bug.spec(), case.name);
            assert!(page.contains(bug.property()) && page.contains(&command), "{page}");
        }
    }

    #[test]
    fn every_fault_has_a_page_with_its_figures() {
        for kind in fault::ALL {
            let page = page(kind.name).unwrap();
            assert!(page.contains("may spoil") && page.contains(kind.example), "{page}");
            assert!(kind.figures.iter().all(|figure| page.contains(figure.name)), "{page}");
        }
    }

    #[test]
    fn names_of_several_things_explain_all_of_them() {
        let page = page("sync").unwrap();
        assert!(page.contains("a latency") && page.contains("an operation"), "{page}");
    }

    #[test]
    fn a_typo_is_a_usage_error_with_a_hint() {
        let failure = unknown("dedup-rase");
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.ends_with("hint: did you mean `dedup-race`?"), "{failure}");
    }
}
