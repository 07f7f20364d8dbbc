//! `report.html`: a run as one file that a browser opens without a network, whatever the run was.
//!
//! Verdicts come first: what failed, the argument with its diagram, the command; then latencies, load, the
//! generator, and what was run. All of it is in the page as text and tables; a script of our own, in
//! `page/`, draws the charts. The page is bounded: a course has some hundreds of slices, arguments and
//! documents have their room ([`argument::Room`]). A conformance run's page is made of the same parts, in
//! [`crate::report::conformance::html`]. Start with [`render`].

pub(in crate::report) mod about;
pub(in crate::report) mod argument;
mod data;
pub(in crate::report) mod diagram;
pub(in crate::report) mod document;
mod figure;
mod latency;
mod load;
pub(in crate::report) mod markup;
mod motion;
pub(in crate::report) mod table;
pub(in crate::report) mod verdicts;

use crate::metric::quantity;
use crate::outcome::Outcome;
use crate::report::html::document::{Document, Section};
use crate::report::html::markup::{Markup, facts, text};
use crate::report::words;

/// The run as a page.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    let answer = words::answer(outcome);
    let run = &outcome.run;
    let section = |id, title, inside| Section { id, title, inside };
    Document {
        title: format!("{}: {} on {}", answer.word.word, run.scenario, run.spec),
        about: format!("{} on {}", run.scenario, run.spec),
        word: answer.word,
        sentence: answer.sentence,
        facts: head(outcome),
        notes: outcome.notes.clone(),
        sections: vec![
            section("verdicts", "Verdicts", verdicts::verdicts(outcome)),
            section("latency", "Latency", latency::latency(outcome)),
            section("load", "Load", load::load(outcome)),
            section("generator", "Generator", load::generator(outcome)),
            section("run", "Run", about::run(run, &outcome.sources)),
        ],
        data: Some(data::data(outcome)),
    }
    .render()
}

/// What a reader wants to know before anything else.
fn head(outcome: &Outcome) -> Markup {
    let run = &outcome.run;
    let people = match run.people {
        1 => "1 person".to_owned(),
        people => format!("{} people", quantity::count(u64::from(people))),
    };
    let load = format!(
        "{people}, {}, {}, {}",
        quantity::counted(u64::from(run.clients), "client"),
        quantity::counted(u64::from(run.conversations), "conversation"),
        quantity::counted(u64::from(run.shards), "shard"),
    );
    let bugs = match run.bugs.as_slice() {
        [] => String::new(),
        bugs => format!(", with bugs {}", bugs.join(", ")),
    };
    let time = format!("{}, from {}", quantity::duration(run.nanos), run.started);
    facts(
        "facts",
        &[
            ("server", text(&format!("{}{bugs}", run.target))),
            ("load", text(&load)),
            ("time", text(&time)),
        ],
    )
}
