//! The last section: what was run, on what, by which version, and the documents it was made of.

use crate::outcome::{Run, Source};
use crate::report::html::argument::again;
use crate::report::html::markup::{
    Markup, beginning, classed, element, facts, lines, text, worded,
};

/// Bytes of one document that are shown; the whole is in the folder of the run.
const SHOWN: usize = 96 << 10;

/// What was run.
pub(super) fn run(run: &Run, sources: &[Source]) -> Markup {
    let client = if run.client.is_empty() { "assize" } else { &run.client };
    let bugs = run.bugs.join(", ");
    let list = facts(
        "facts",
        &[
            ("scenario", text(&run.scenario)),
            ("spec", text(&run.spec)),
            ("seed", text(&run.seed.to_string())),
            ("server", text(&run.target)),
            ("bugs", text(&bugs)),
            ("client", text(client)),
            ("started", text(&run.started)),
            ("version", text(&format!("assize {}", run.version))),
            ("machine", text(&run.machine)),
        ],
    );
    [list, again(&run.command), documents(sources)].into_iter().collect()
}

/// The documents, each to be opened.
pub(in crate::report) fn documents(sources: &[Source]) -> Markup {
    let document = |source: &Source| {
        let (shown, is_whole) = beginning(&source.text, SHOWN);
        let rest = match is_whole {
            true => Markup::default(),
            false => worded("p", "more", "It goes on; the whole is in the folder of the run."),
        };
        let title = element("summary", &[], [text(&source.file), text(" as it was read")]);
        let code = code(&source.file, [lines(shown)]);
        classed("details", "source", [title, code, rest])
    };
    match sources.is_empty() {
        true => Markup::default(),
        false => classed("div", "block", sources.iter().map(document)),
    }
}

/// Lines of a document or of packets, which the keyboard can scroll.
pub(in crate::report) fn code(label: &str, lines: impl IntoIterator<Item = Markup>) -> Markup {
    let attributes = [("tabindex", "0"), ("role", "region"), ("aria-label", label)];
    element("pre", &attributes, [element("code", &[], lines)])
}
