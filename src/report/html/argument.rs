//! One violation: the diagram, the same in words, what follows, what it contradicts.
//!
//! A page has room for so many arguments only. What does not fit is counted and said: see [`Room`].

use crate::history::ClientId;
use crate::metric::quantity;
use crate::report::html::diagram::diagram;
use crate::report::html::markup::{Markup, beginning, classed, element, facts, text, worded};
use crate::verdict::Violation;

/// Bytes that all arguments of a page may take.
const ROOM: usize = 900 << 10;
/// Bytes of one line of an argument; a server may say more than anybody wants to read.
const LINE: usize = 600;

/// How much room is left on a page, and a number for each argument.
pub(in crate::report) struct Room {
    left: usize,
    number: usize,
}

impl Room {
    /// An empty page.
    pub(in crate::report) const fn whole() -> Self {
        Self { left: ROOM, number: 0 }
    }

    /// Takes the room for something; `false` if there is not enough.
    const fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.left;
        if fits {
            self.left -= bytes;
        }
        fits
    }

    const fn next(&mut self) -> usize {
        self.number += 1;
        self.number
    }
}

/// A violation that came so many times; nothing if the page is full. `number` counts the violations of
/// one property, if there are several.
pub(in crate::report) fn argument(
    number: Option<usize>,
    violation: &Violation,
    count: u64,
    name: &dyn Fn(ClientId) -> String,
    room: &mut Room,
) -> Option<Markup> {
    let list = format!("argument-{}", room.next());
    let number = number.map_or_else(String::new, |number| format!("{number}. "));
    let times = match count {
        0 | 1 => Markup::default(),
        _ => element("small", &[], [text(&format!(" {} times", quantity::count(count)))]),
    };
    let title = cut(&format!("{number}{}", violation.summary));
    let drawn = diagram(violation, name, &list);
    let attributes = [("class", "drawing"), ("role", "group"), ("aria-label", "Diagram")];
    let figure = drawn.map(|drawn| element("div", &attributes, [drawn])).unwrap_or_default();
    let conclusion = facts(
        "facts conclusion",
        &[("therefore", cut(&violation.therefore)), ("but", cut(&violation.but))],
    );
    let argument = classed(
        "div",
        "argument",
        [
            element("h4", &[], [title, times]),
            classed("div", "proof", [figure, exhibits(violation, name, &list)]),
            conclusion,
        ],
    );
    room.take(argument.len()).then_some(argument)
}

/// The lines of the argument, in words.
fn exhibits(violation: &Violation, name: &dyn Fn(ClientId) -> String, list: &str) -> Markup {
    let last = violation.exhibits.len().saturating_sub(1);
    let line = |(row, exhibit): (usize, &crate::verdict::Exhibit)| {
        let when = format!("{} s", quantity::instant(exhibit.at));
        let class = if row == last { "last" } else { "" };
        let said = element(
            "div",
            &[],
            [
                worded("span", "when", &when),
                text(" "),
                worded("span", "who", &name(exhibit.client)),
                text(" "),
                classed("span", "what", [cut(&exhibit.text)]),
            ],
        );
        element("li", &[("class", class), ("data-row", &row.to_string())], [said])
    };
    let lines = violation.exhibits.iter().enumerate().map(line);
    element("ol", &[("class", "exhibits"), ("id", list)], lines)
}

/// A text, cut to what a reader can take in.
pub(in crate::report) fn cut(long: &str) -> Markup {
    match beginning(long, LINE) {
        (whole, true) => text(whole),
        (start, false) => text(&format!("{start}…")),
    }
}

/// The command that shows it again.
pub(in crate::report) fn again(command: &str) -> Markup {
    let button =
        element("button", &[("class", "copy"), ("type", "button"), ("hidden", "")], [text("Copy")]);
    classed(
        "div",
        "again",
        [worded("span", "label", "again"), element("code", &[], [text(command)]), button],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Exhibit;

    #[test]
    fn a_page_that_is_full_takes_no_more() {
        let exhibit = Exhibit { at: 1, client: ClientId(0), text: "x".repeat(5_000) };
        let violation = Violation {
            summary: "s".into(),
            exhibits: vec![exhibit; 25],
            therefore: "t".into(),
            but: "b".into(),
        };
        let mut room = Room::whole();
        let name = |_: ClientId| "ann".to_owned();
        let mut taken = 0;
        while let Some(argument) = argument(None, &violation, 2, &name, &mut room) {
            taken += argument.len();
            assert!(argument.len() < 40_000, "lines are cut");
        }
        assert!((ROOM - 40_000..=ROOM).contains(&taken), "{taken}");
    }
}
