//! `report.html` of a search or a replay: each defect with its plan, how often it fails, the argument, and
//! the play that failed as a space-time diagram.
//!
//! It is made of the parts of a run's page.

use super::{rate, shrinkage, state, verdict};
use crate::history::ClientId;
use crate::metric::quantity;
use crate::outcome::exploration::{Defect, Exploration};
use crate::report::html::about::code;
use crate::report::html::argument::{Room, again, argument, cut};
use crate::report::html::diagram::play;
use crate::report::html::document::{Document, Section};
use crate::report::html::markup::{Markup, classed, element, facts, lines, text, worded};
use crate::report::words::{Tone, Word};

/// The search as a page.
#[must_use]
pub fn render(found: &Exploration) -> String {
    let (tone, word, sentence) = verdict(found);
    let sign = match tone {
        Tone::Good => "✓",
        Tone::Bad => "✗",
        Tone::Doubt | Tone::Quiet => "?",
    };
    let section = |id, title, inside| Section { id, title, inside };
    let sections = [section("failures", "What was found", defects(found))];
    Document {
        title: format!("{word}: races of {}", found.spec),
        about: format!("Races of {}", found.spec),
        word: Word { sign, word, tone },
        sentence,
        facts: head(found),
        notes: found.notes.clone(),
        sections: sections.into_iter().filter(|section| !section.inside.is_empty()).collect(),
        data: None,
    }
    .render()
}

fn head(found: &Exploration) -> Markup {
    let bugs = match found.bugs.as_slice() {
        [] => String::new(),
        bugs => format!(", with bugs {}", bugs.join(", ")),
    };
    let plays = quantity::counted(found.plays, "play");
    let time = format!("{}, {plays}, from {}", quantity::duration(found.nanos), found.started);
    facts(
        "facts",
        &[
            ("server", text(&format!("{}{bugs}", found.target))),
            ("time", text(&time)),
            ("seed", text(&found.seed.to_string())),
        ],
    )
}

fn defects(found: &Exploration) -> Markup {
    let mut room = Room::whole();
    let defects = found.defects.iter().enumerate();
    defects.map(|(index, defect)| block(index + 1, defect, &mut room)).collect()
}

fn block(number: usize, defect: &Defect, room: &mut Room) -> Markup {
    let id = format!("defect-{number}");
    let name = |client: ClientId| {
        let known = defect.names.iter().find(|(known, _)| *known == client);
        known.map_or_else(|| format!("client {}", client.0), |(_, name)| name.clone())
    };
    let title = element("h3", &[("id", &id)], [text(&defect.property)]);
    let (word, seen) = (state(defect), cut(&defect.seen));
    let mut parts =
        vec![title, classed("p", "says", [worded("span", "quiet", word), text(": "), seen])];
    parts.push(code("Plan", [lines(&defect.script)]));
    let failed = defect.failed.map_or_else(Markup::default, |(f, of)| text(&rate(f, of)));
    let smaller = defect.shrunk.as_ref().map_or_else(Markup::default, |s| text(&shrinkage(s)));
    parts.push(facts("facts grounds", &[("rate", failed), ("shrunk", smaller)]));
    if let Some(violation) = &defect.violation {
        let argued = argument(None, violation, 1, &name, room);
        parts.push(
            argued.unwrap_or_else(|| worded("p", "more", "The argument stands in report.json.")),
        );
    }
    parts.push(drawn(number, defect, &name));
    let promise = if defect.promised { "promise" } else { "rule" };
    let grounds = [(promise, cut(&defect.promise)), ("source", cut(&defect.source))];
    parts.push(facts("facts grounds", &grounds));
    if !defect.file.is_empty() {
        parts.push(again(&format!("assize replay {}", defect.file)));
    }
    let class = if defect.promised { "failure" } else { "failure found" };
    element("article", &[("class", class), ("aria-labelledby", &id)], parts)
}

/// The whole play, the argument's lines marked in it.
fn drawn(number: usize, defect: &Defect, name: &dyn Fn(ClientId) -> String) -> Markup {
    let list = format!("play-{number}");
    let Some(diagram) = play(&defect.scene, name, &list) else { return Markup::default() };
    let line = |(row, exhibit): (usize, &crate::verdict::Exhibit)| {
        let class = if defect.scene.argued.contains(&row) { "last" } else { "" };
        let said = element(
            "div",
            &[],
            [
                worded("span", "when", &format!("{} s", quantity::instant(exhibit.at))),
                text(" "),
                worded("span", "who", &name(exhibit.client)),
                text(" "),
                classed("span", "what", [cut(&exhibit.text)]),
            ],
        );
        element("li", &[("class", class), ("data-row", &row.to_string())], [said])
    };
    let told = element(
        "ol",
        &[("class", "exhibits"), ("id", &list)],
        defect.scene.exhibits.iter().enumerate().map(line),
    );
    let attributes = [("class", "drawing"), ("role", "group"), ("aria-label", "The play")];
    let figure = element("div", &attributes, [diagram]);
    let title = element("h4", &[], [text("The play, from its first step")]);
    classed("div", "argument", [title, classed("div", "proof", [figure, told])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::exploration::Scene;
    use crate::verdict::{Exhibit, Violation};

    #[test]
    fn the_page_shows_the_plan_the_rate_the_argument_and_the_play() {
        let exhibit =
            |at, client, text: &str| Exhibit { at, client: ClientId(client), text: text.into() };
        let exhibits =
            vec![exhibit(5, 1, "sent \"a\""), exhibit(9, 2, "was pushed \"a\" with id <1>")];
        let defect = Defect {
            property: "idempotency".into(),
            promised: true,
            seen: "two ids for one key".into(),
            script: "people: ann, bob\nann send a | ann send a\n".into(),
            failed: Some((37, 50)),
            file: "scenarios/regressions/x.yaml".into(),
            names: vec![(ClientId(1), "ann".into()), (ClientId(2), "bob".into())],
            violation: Some(Violation {
                summary: "two ids for one key".into(),
                exhibits: exhibits.clone(),
                therefore: "it is there twice".into(),
                but: "once is enough".into(),
            }),
            scene: Scene { exhibits, argued: vec![1] },
            ..Defect::default()
        };
        let found = Exploration { plans: 3, defects: vec![defect], ..Exploration::default() };
        let page = render(&found);
        for piece in
            ["ann send a | ann send a", "37/50", "60 to 84 %", "it is there twice", "assize replay"]
        {
            assert!(page.contains(piece), "{piece} is missing");
        }
        assert_eq!(page.matches("class=\"diagram\"").count(), 2);
        assert!(!page.contains("id <1>"), "what a server says is escaped");
    }
}
