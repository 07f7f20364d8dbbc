//! Aligned columns, wrapped text and colours, for a terminal of some width.
//!
//! What it is given is shown but never obeyed: control characters, also those that a hostile server
//! put into an error text, become `�`.

use crate::report::words::Tone;

/// How the terminal looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether colours may be used.
    pub colour: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// Which way a column's text is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// One sign, close to what it marks.
    Sign,
    /// Names and words.
    Left,
    /// Numbers.
    Right,
}

/// One cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Option<Tone>,
}

/// Columns between a label and its text.
const GAP: usize = 2;
/// Prose wider than this tires the eye.
const WIDEST_PROSE: usize = 116;

impl Look {
    /// No colours, 100 columns: for files.
    pub const PLAIN: Self = Self { colour: false, width: 100 };

    /// The text in the colour of its tone.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Doubt => "33",
            Tone::Quiet => "2",
        };
        self.escape(code, text)
    }

    /// The text in bold.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.escape("1", text)
    }

    fn escape(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Lines of at most this width, each after the first indented by `indent` spaces. The caller
    /// puts the first line behind something that is `indent` wide.
    #[must_use]
    pub fn wrap(self, text: &str, indent: usize) -> String {
        let room = self.prose().saturating_sub(indent).max(20);
        let mut out = String::new();
        let mut used = 0;
        for word in text.split_whitespace() {
            for piece in pieces(word, room) {
                let length = piece.chars().count();
                if used > 0 && used + 1 + length > room {
                    out.push('\n');
                    out.extend(std::iter::repeat_n(' ', indent));
                    used = 0;
                } else if used > 0 {
                    out.push(' ');
                    used += 1;
                }
                out.push_str(piece);
                used += length;
            }
        }
        out
    }

    /// `label` in a column of `width`, then the text, wrapped behind it.
    #[must_use]
    pub fn fact(self, indent: usize, label: &str, width: usize, text: &str) -> String {
        let text = self.wrap(&clean(text), indent + width + GAP);
        self.verbatim(indent, label, width, &text)
    }

    /// The same without wrapping: for a command, which is there to be copied.
    #[must_use]
    pub fn verbatim(self, indent: usize, label: &str, width: usize, text: &str) -> String {
        let label = self.paint(Tone::Quiet, &format!("{label:<width$}"));
        format!("{}{label}{}{text}\n", " ".repeat(indent), " ".repeat(GAP))
    }

    /// Rows as aligned columns, `indent` from the left; the last column wraps, if it is text.
    #[must_use]
    pub fn table(self, indent: usize, align: &[Align], rows: &[Vec<Cell>]) -> String {
        let widths: Vec<usize> = (0..align.len())
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                cells.map(Cell::width).max().unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        for row in rows {
            out.push_str(&self.row(indent, align, &widths, row));
        }
        out
    }

    fn row(self, indent: usize, align: &[Align], widths: &[usize], row: &[Cell]) -> String {
        let mut line = " ".repeat(indent);
        let mut at = indent;
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column].saturating_sub(cell.width()));
            let is_last = column + 1 == align.len();
            let text = match align[column] {
                Align::Left if is_last => cell.paint(self, &self.wrap(&cell.text, at)),
                Align::Sign | Align::Left => cell.paint(self, &cell.text) + &pad,
                Align::Right => pad + &cell.paint(self, &cell.text),
            };
            line.push_str(&text);
            if !is_last {
                line.push_str(&" ".repeat(align[column].gap()));
            }
            at += widths[column] + align[column].gap();
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }

    const fn prose(self) -> usize {
        if self.width < WIDEST_PROSE { self.width } else { WIDEST_PROSE }
    }
}

impl Align {
    /// Columns between this one and the next.
    const fn gap(self) -> usize {
        match self {
            Self::Sign => 1,
            Self::Left | Self::Right => GAP,
        }
    }
}

impl Cell {
    /// A cell in the terminal's own colour.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        Self { text: clean(text.as_ref()), tone: None }
    }

    /// A cell with a tone.
    #[must_use]
    pub fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { tone: Some(tone), ..Self::new(text) }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn paint(&self, look: Look, text: &str) -> String {
        self.tone.map_or_else(|| text.to_owned(), |tone| look.paint(tone, text))
    }
}

/// The text on one line, without anything that a terminal would obey.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            '\n' | '\t' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            char if char.is_control() => '\u{fffd}',
            char => char,
        })
        .collect()
}

/// A word in pieces of at most `room` characters.
fn pieces(word: &str, room: usize) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.char_indices().nth(room).map_or(rest.len(), |(index, _)| index);
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_wrapped_line_is_too_wide_and_no_letter_is_lost(
            text in "\\PC{0,200}", width in 40_usize..140, indent in 0_usize..20
        ) {
            let look = Look { colour: false, width };
            let wrapped = look.wrap(&clean(&text), indent);
            for (index, line) in wrapped.lines().enumerate() {
                let before = if index == 0 { indent } else { 0 };
                prop_assert!(before + line.chars().count() <= width);
            }
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(letters(&wrapped), letters(&clean(&text)));
        }
    }

    #[test]
    fn what_a_server_sends_cannot_colour_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\u{202e}c\nd"), "a\u{fffd}[31mb\u{fffd}c d");
    }

    #[test]
    fn columns_align_with_and_without_colour() {
        let rows = [
            vec![Cell::new("a"), Cell::toned(Tone::Bad, "1")],
            vec![Cell::new("long"), Cell::new("22")],
        ];
        let align = [Align::Left, Align::Right];
        assert_eq!(Look::PLAIN.table(2, &align, &rows), "  a      1\n  long  22\n");
        let colour = Look { colour: true, width: 80 }.table(0, &align, &rows);
        assert_eq!(colour, "a      \x1b[1;31m1\x1b[0m\nlong  22\n");
    }
}
