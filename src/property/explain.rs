//! A property's page as plain text, for `explain ID`. It knows nothing of terminals.

use crate::property::{Charge, Page, Property};

/// Columns of the text.
const WIDTH: usize = 80;

/// The page of a property as plain text, at most 80 columns wide.
#[must_use]
pub fn text(property: &dyn Property) -> String {
    let page = property.page();
    let mut out = String::new();
    wrap(&format!("{}: {}", page.id, page.title), "", &mut out);
    for (heading, body) in [
        ("What it promises", page.promises),
        ("Why users care", page.matters),
        ("How it is judged", page.judged),
        ("What it cannot see", page.blind),
    ] {
        section(heading, body, &mut out);
    }
    out.push_str("\nExample of a violation\n");
    for line in page.example.lines() {
        out.push_str(&format!("    {line}\n"));
    }
    section("Evidence", &evidence(page), &mut out);
    section("Tolerance", &tolerance(page), &mut out);
    let rule = format!("By default: {}.", property.judged_by(&Charge::default()));
    section("Rule", &rule, &mut out);
    section("Source", &capital(page.source), &mut out);
    out
}

fn evidence(page: &Page) -> String {
    let least = page.least_evidence;
    format!("A pass needs at least {least} observation{}. {}", plural(least), page.evidence)
}

const fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn tolerance(page: &Page) -> String {
    page.tolerance.as_ref().map_or_else(
        || "None: nothing is timed.".to_owned(),
        |tolerance| {
            let millis = tolerance.default.as_millis();
            format!("{millis} ms unless the spec says otherwise: {}.", tolerance.reason)
        },
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn section(heading: &str, body: &str, out: &mut String) {
    out.push_str(&format!("\n{heading}\n"));
    wrap(body, "  ", out);
}

/// Appends the words in lines of [`WIDTH`] columns, each after the indent.
fn wrap(text: &str, indent: &str, out: &mut String) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push_str(indent);
            column = indent.len();
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::ALL;

    #[test]
    fn every_page_fits_eighty_columns_and_says_everything() {
        for property in ALL {
            let text = text(*property);
            let page = property.page();
            assert!(text.starts_with(&format!("{}: ", page.id)));
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{}: {line}", page.id);
                assert_eq!(line.trim_end(), line);
            }
            for heading in ["What it promises", "Why users care", "How it is judged", "Source"] {
                assert!(text.lines().any(|line| line == heading), "{}: {heading}", page.id);
            }
        }
    }

    #[test]
    fn words_are_wrapped_not_cut() {
        let mut out = String::new();
        wrap(&"word ".repeat(40), "  ", &mut out);
        assert!(out.lines().all(|line| line.starts_with("  word") && line.len() <= WIDTH));
        assert_eq!(out.split_whitespace().count(), 40);
    }
}
