//! The frame of a page: one file with its style, its script and its data, and a policy that lets it load
//! nothing else.
//!
//! The policy names the style and the script by their hashes. So even a text that had escaped its escaping
//! could run nothing.

use crate::report::html::markup::{Markup, classed, element, text, worded};
use crate::report::words::{Tone, Word};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What a page looks like.
const STYLE: &str = concat!(
    include_str!("page/base.css"),
    include_str!("page/verdicts.css"),
    include_str!("page/charts.css"),
    include_str!("page/print.css"),
);

/// What moves in it. One function around all, so that no name leaves it.
const SCRIPT: &str = concat!(
    "'use strict';(() => {\n",
    include_str!("page/units.js"),
    include_str!("page/scale.js"),
    include_str!("page/draw.js"),
    include_str!("page/axes.js"),
    include_str!("page/numbers.js"),
    include_str!("page/cursor.js"),
    include_str!("page/chart.js"),
    include_str!("page/over_time.js"),
    include_str!("page/spread.js"),
    include_str!("page/diagrams.js"),
    include_str!("page/start.js"),
    "})();\n",
);

/// One section of a page.
pub(in crate::report) struct Section {
    /// Its anchor, and the word in the navigation.
    pub(in crate::report) id: &'static str,
    pub(in crate::report) title: &'static str,
    pub(in crate::report) inside: Markup,
}

/// What a page is made of.
pub(in crate::report) struct Document {
    /// The window's title.
    pub(in crate::report) title: String,
    /// What it is a report of, and of which version.
    pub(in crate::report) about: String,
    pub(in crate::report) word: Word,
    pub(in crate::report) sentence: String,
    pub(in crate::report) facts: Markup,
    pub(in crate::report) notes: Vec<String>,
    pub(in crate::report) sections: Vec<Section>,
    /// What the charts show.
    pub(in crate::report) data: Option<Markup>,
}

impl Document {
    /// The whole file.
    pub(in crate::report) fn render(self) -> String {
        let data = self.data.clone().map(|data| {
            element("script", &[("type", "application/json"), ("id", "figures")], [data])
        });
        let script = element("script", &[], [Markup::own(SCRIPT)]);
        let body = [
            element("a", &[("class", "skip"), ("href", "#main")], [text("Skip to the verdicts")]),
            self.header(),
            self.navigation(),
            self.main(),
            self.data.as_ref().map(|_| how_to_walk()).unwrap_or_default(),
            data.unwrap_or_default(),
            script,
        ];
        let html = element("html", &[("lang", "en")], [self.head(), element("body", &[], body)]);
        format!("<!doctype html>\n{}\n", html.into_string())
    }

    fn head(&self) -> Markup {
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; \
             form-action 'none'",
            hash(STYLE),
            hash(SCRIPT),
        );
        let meta = |name, content| element("meta", &[("name", name), ("content", content)], []);
        let policy =
            element("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)], []);
        element(
            "head",
            &[],
            [
                element("meta", &[("charset", "utf-8")], []),
                policy,
                meta("viewport", "width=device-width, initial-scale=1"),
                meta("color-scheme", "light dark"),
                element("link", &[("rel", "icon"), ("href", "data:,")], []),
                element("title", &[], [text(&self.title)]),
                element("style", &[], [Markup::own(STYLE)]),
            ],
        )
    }

    fn header(&self) -> Markup {
        let sign =
            element("span", &[("class", "sign"), ("aria-hidden", "true")], [text(self.word.sign)]);
        let answer = classed("h1", tone(self.word.tone), [sign, text(self.word.word)]);
        let notes = self.notes.iter().map(|note| element("li", &[], [text(note)]));
        let notes = element("ul", &[("class", "notes"), ("aria-label", "Notes")], notes);
        element(
            "header",
            &[],
            [
                worded("p", "about", &self.about),
                answer,
                worded("p", "sentence", &sentence(&self.sentence)),
                self.facts.clone(),
                if self.notes.is_empty() { Markup::default() } else { notes },
            ],
        )
    }

    fn navigation(&self) -> Markup {
        let entry = |section: &Section| {
            let to = format!("#{}", section.id);
            element("li", &[], [element("a", &[("href", &to)], [text(section.title)])])
        };
        let entries = classed("ul", "entries", self.sections.iter().map(entry));
        element("nav", &[("aria-label", "Sections")], [entries])
    }

    fn main(&self) -> Markup {
        let section = |section: &Section| {
            let label = format!("{}-title", section.id);
            let title = element("h2", &[("id", &label)], [text(section.title)]);
            let attributes = [("id", section.id), ("aria-labelledby", label.as_str())];
            element("section", &attributes, [title, section.inside.clone()])
        };
        element("main", &[("id", "main")], self.sections.iter().map(section))
    }
}

/// A sentence with its capital and its full stop.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

/// What a screen reader says of each chart's cursor.
fn how_to_walk() -> Markup {
    let words = "Arrow keys move along the chart, Escape leaves it.";
    element("p", &[("class", "unseen"), ("id", "how-to-walk")], [text(words)])
}

/// The class of a tone.
pub(in crate::report) const fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Doubt => "doubt",
        Tone::Quiet => "quiet",
    }
}

/// The hash by which a policy names what stands in the page itself.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_are_whole_and_never_make_markup_of_a_text() {
        for dangerous in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
        {
            assert!(!SCRIPT.contains(dangerous), "{dangerous}");
        }
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
        assert!(
            !SCRIPT.contains("http") || SCRIPT.matches("http").count() == 1,
            "the SVG namespace"
        );
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
        assert!(STYLE.len() + SCRIPT.len() < 64 * 1024);
    }
}
