//! What was exchanged, line by line, for the trace and for the argument.

use crate::engine::people::Papers;
use crate::history::{ClientId, Nanos};
use crate::verdict::Exhibit;

/// Lines that one argument may have, and how many of them are its first.
const LINES: usize = 24;
const FIRST: usize = 8;

/// Characters of one line; the rest of a long packet says nothing new.
const SHOWN: usize = 160;

/// Lines kept; the first ones stay, and whoever floods us is cut short.
const KEPT: usize = 4000;

/// What was exchanged.
#[derive(Debug, Default)]
pub(super) struct Tape {
    lines: Vec<Exhibit>,
    /// Whose secrets are not shown.
    holders: Vec<Papers>,
}

impl Tape {
    /// An empty tape on which nothing stands that these people hold.
    pub(super) fn without(holders: Vec<Papers>) -> Self {
        Self { lines: Vec::new(), holders }
    }

    /// The text without what the people hold.
    pub(super) fn masked(&self, text: &str) -> String {
        let holders = self.holders.iter();
        holders.fold(text.to_owned(), |text, papers| papers.mask(&text).into_owned())
    }

    /// Keeps a line.
    pub(super) fn note(&mut self, at: Nanos, client: ClientId, text: &str) {
        if self.lines.len() < KEPT {
            self.lines.push(Exhibit { at, client, text: brief(&self.masked(text)) });
        }
    }

    /// All lines, numbered, with the seconds since `start`.
    pub(super) fn trace(&self, start: Nanos) -> Vec<String> {
        let line = |(number, line): (usize, &Exhibit)| {
            let seconds = line.at.saturating_sub(start) as f64 / 1e9;
            format!("#{:<3} {seconds:>8.3} s  {}", number + 1, line.text)
        };
        self.in_time_order().iter().enumerate().map(line).collect()
    }

    /// The lines as far as a reader can take them in, numbered as in the trace.
    pub(super) fn exhibits(&self) -> Vec<Exhibit> {
        let numbered = self.in_time_order().into_iter().enumerate();
        let mut lines: Vec<Exhibit> = numbered
            .map(|(number, line)| Exhibit {
                text: format!("#{} {}", number + 1, line.text),
                ..line
            })
            .collect();
        if lines.len() > LINES {
            let surplus = lines.len() - LINES;
            lines.drain(FIRST..FIRST + surplus);
        }
        lines
    }

    fn in_time_order(&self) -> Vec<Exhibit> {
        let mut lines = self.lines.clone();
        lines.sort_by_key(|line| line.at);
        lines
    }
}

/// As much of a text as fits a line, in printable characters.
pub(super) fn brief(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars().take(SHOWN) {
        match character {
            '\u{1e}' => shown.push('␞'),
            '"' | '\'' => shown.push(character),
            other => shown.extend(other.escape_debug()),
        }
    }
    if text.len() > shown.len() && text.chars().nth(SHOWN).is_some() {
        shown.push_str(&format!("… ({} bytes)", text.len()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_printable() {
        assert_eq!(brief("4a\u{1e}\"é\"\n"), "4a␞\"é\"\\n");
        let long = brief(&"a".repeat(1000));
        assert!(long.ends_with("a… (1000 bytes)") && long.len() < 200);
    }

    #[test]
    fn an_argument_keeps_the_beginning_and_the_end() {
        let mut tape = Tape::default();
        for at in (0..100).rev() {
            tape.note(at, ClientId(0), "a → x");
        }
        let exhibits = tape.exhibits();
        assert_eq!(exhibits.len(), LINES);
        assert!(
            exhibits[0].text.starts_with("#1 ") && exhibits[LINES - 1].text.starts_with("#100 ")
        );
        assert!(exhibits.is_sorted_by_key(|line| line.at));
        assert_eq!(tape.trace(0).len(), 100);
    }
}
