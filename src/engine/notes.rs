//! What the reader must know of a run beside verdicts and figures, gathered from the shards.

use crate::engine::shard::{Report, Unfinished};
use crate::metric::quantity;
use crate::outcome::Collapse;

/// What the reader must know beside verdicts and figures.
#[derive(Debug, Default)]
pub(super) struct Notes {
    texts: Vec<String>,
    unfinished: Unfinished,
    garbage: Vec<String>,
    connect_errors: Vec<String>,
    losses: Vec<String>,
}

impl Notes {
    /// Takes over what a shard noticed.
    pub(super) fn take(&mut self, report: &Report) {
        if let Some(error) = &report.write_error {
            self.texts.push(format!("the history is not complete: {error}"));
        }
        self.unfinished.recovering += report.unfinished.recovering;
        self.unfinished.awaited += report.unfinished.awaited;
        self.unfinished.reading += report.unfinished.reading;
        let garbage = report.garbage.iter().map(ToString::to_string);
        sample(&mut self.garbage, garbage);
        sample(&mut self.connect_errors, report.connect_errors.iter().cloned());
        sample(&mut self.losses, report.losses.iter().cloned());
    }

    /// Takes over what else went wrong.
    pub(super) fn add(&mut self, texts: Vec<String>) {
        self.texts.extend(texts);
    }

    /// One text each, most important first.
    pub(super) fn texts(mut self) -> Vec<String> {
        let Unfinished { recovering, awaited, reading } = self.unfinished;
        let left = listed(&[(recovering, "client"), (awaited, "awaited message")]);
        if !left.is_empty() {
            self.texts.push(format!("when patience ended, {left} had not come to rest"));
        }
        if reading > 0 {
            let clients = listed(&[(reading, "client")]);
            self.texts.push(format!(
                "when patience ended, the final read of {clients} was not finished; what it would \
                 have shown is in doubt"
            ));
        }
        let garbage = self.garbage.into_iter().map(|what| format!("not as the spec says: {what}"));
        let errors = self.connect_errors.into_iter().map(|why| format!("no connection: {why}"));
        let losses = self.losses.into_iter().map(|why| format!("connection lost: {why}"));
        self.texts.into_iter().chain(garbage).chain(errors).chain(losses).collect()
    }
}

/// How a server ended that went away and did not come back.
pub(super) fn of_collapse(collapse: &Collapse) -> String {
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    let (from, to) = collapse.between;
    let sends = quantity::counted(collapse.in_flight, "send");
    let mut text = format!(
        "the server went away in phase `{}`, between {:.1} s and {:.1} s: the last of {} was lost, \
         and none came back; {sends} had no answer then",
        collapse.phase,
        seconds(from),
        seconds(to),
        quantity::counted(collapse.connections, "connection"),
    );
    if collapse.unheard > 0 {
        text.push_str(&format!(", {} more found nobody", quantity::count(collapse.unheard)));
    }
    if collapse.unread > 0 {
        let confirmed = quantity::counted(collapse.unread, "confirmed message");
        text.push_str(&format!("; nobody could read {confirmed} again"));
    }
    text
}

/// Adds what is not there yet, up to a few.
fn sample(samples: &mut Vec<String>, more: impl Iterator<Item = String>) {
    const FEW: usize = 5;
    for text in more {
        if samples.len() < FEW && !samples.contains(&text) {
            samples.push(text);
        }
    }
}

/// `3 clients and 1 message`, without what there is none of.
fn listed(parts: &[(usize, &str)]) -> String {
    let some = parts.iter().filter(|(number, _)| *number > 0);
    let counted = some.map(|(number, noun)| quantity::counted(*number as u64, noun));
    counted.collect::<Vec<_>>().join(" and ")
}
