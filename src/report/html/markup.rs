//! HTML that cannot be broken out of: a text becomes markup only by being escaped.
//!
//! Names of elements and attributes are the program's own words; whatever a server, a spec or a scenario
//! had a hand in goes through [`text`] or is the value of an attribute.

use crate::report::layout::clean;

/// A piece of HTML, or of SVG inside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::report) struct Markup(String);

/// The attributes of an element.
pub(in crate::report) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A text on one line, without anything that a browser would obey or that turns its letters round.
pub(in crate::report) fn text(text: &str) -> Markup {
    let mut out = String::with_capacity(text.len());
    escape(&mut out, &clean(text));
    Markup(out)
}

/// A text in its lines.
pub(in crate::report) fn lines(text: &str) -> Markup {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        escape(&mut out, &clean(line));
        out.push('\n');
    }
    Markup(out)
}

/// As much of a text as fits in so many bytes, and whether that is all of it.
pub(in crate::report) fn beginning(text: &str, bytes: usize) -> (&str, bool) {
    let end = text.floor_char_boundary(bytes);
    (&text[..end], end == text.len())
}

/// An element with what is in it.
pub(in crate::report) fn element(
    name: &'static str,
    attributes: Attributes<'_>,
    inside: impl IntoIterator<Item = Markup>,
) -> Markup {
    let mut out = String::from("<");
    out.push_str(name);
    for (name, value) in attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape(&mut out, &clean(value));
        out.push('"');
    }
    out.push('>');
    for part in inside {
        out.push_str(&part.0);
    }
    if !EMPTY.contains(&name) {
        out.push_str("</");
        out.push_str(name);
        out.push('>');
    }
    Markup(out)
}

/// An element of a class.
pub(in crate::report) fn classed(
    name: &'static str,
    class: &str,
    inside: impl IntoIterator<Item = Markup>,
) -> Markup {
    element(name, &[("class", class)], inside)
}

/// An element of a class that holds a text.
pub(in crate::report) fn worded(name: &'static str, class: &str, words: &str) -> Markup {
    classed(name, class, [text(words)])
}

/// A description list; what has no text is left out.
pub(in crate::report) fn facts(class: &str, rows: &[(&str, Markup)]) -> Markup {
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let rows = rows.flat_map(|(name, value)| {
        [element("dt", &[], [text(name)]), element("dd", &[], [value.clone()])]
    });
    classed("dl", class, rows)
}

/// Elements without an end.
const EMPTY: &[&str] = &["meta", "link", "input"];

impl Markup {
    /// Markup that stands in the program's own text.
    pub(in crate::report) fn own(html: &'static str) -> Self {
        Self(html.to_owned())
    }

    /// A value as JSON that no script element ends in.
    pub(in crate::report) fn json(value: &serde_json::Value) -> Self {
        Self(clean(&value.to_string()).replace('<', "\\u003c"))
    }

    /// There is nothing in it.
    pub(in crate::report) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes it takes.
    pub(in crate::report) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The text of it.
    pub(in crate::report) fn into_string(self) -> String {
        self.0
    }
}

impl FromIterator<Self> for Markup {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }
}

fn escape(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            char => out.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_ends_what_it_stands_in(hostile in "\\PC{0,60}") {
            let html = element("p", &[("title", &hostile)], [text(&hostile)]).into_string();
            prop_assert_eq!(html.matches('<').count(), 2);
            prop_assert_eq!(html.matches('>').count(), 2);
            prop_assert_eq!(html.matches('"').count(), 2);
        }
    }

    #[test]
    fn a_script_in_a_text_is_a_text() {
        let html = worded("b", "x", "</b><script>alert(1)</script>\u{202e}").into_string();
        let shown = "<b class=\"x\">&lt;/b&gt;&lt;script&gt;alert(1)&lt;/script&gt;\u{fffd}</b>";
        assert_eq!(html, shown);
        let json = Markup::json(&serde_json::json!({"a": "</script><!--"})).into_string();
        assert_eq!(json, "{\"a\":\"\\u003c/script>\\u003c!--\"}");
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(beginning("äöü", 3), ("ä", false));
        assert_eq!(beginning("äöü", 6), ("äöü", true));
        assert_eq!(lines("a\r\n<b>\u{7}").into_string(), "a\n&lt;b&gt;\u{fffd}\n");
    }
}
