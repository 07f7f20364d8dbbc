//! What is wrong with a file, where, and what would be right.

use crate::source::tree::{Position, Span};
use std::fmt::{self, Write as _};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file can be used; it probably doesn't say what was meant.
    Warning,
    /// The file can't be used.
    Error,
}

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file's name, as the user gave it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The piece of the file that is wrong; empty for something that is missing.
    pub offending: String,
    /// What is wrong with it: a lowercase fragment.
    pub message: String,
    /// What should stand there.
    pub expected: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The whole line, for the picture.
    source_line: String,
}

impl Diagnostic {
    /// Says what should stand there.
    pub fn expected(&mut self, what: impl Into<String>) -> &mut Self {
        self.expected = Some(what.into());
        self
    }

    /// Says what to do about it.
    pub fn hint(&mut self, what: impl Into<String>) -> &mut Self {
        self.hint = Some(what.into());
        self
    }

    /// The diagnostic in one line: `file:line:column: message`.
    #[must_use]
    pub fn one_line(&self) -> String {
        let Self { file, line, column, message, .. } = self;
        format!("{file}:{line}:{column}: {message}")
    }
}

impl fmt::Display for Diagnostic {
    /// The diagnostic as a picture: the message, the place, the line with carets, the help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "{severity}: {}", self.message)?;
        writeln!(f, "{gutter}--> {}:{}:{}", self.file, self.line, self.column)?;
        let (line, pad, carets) = self.picture();
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {line}")?;
        writeln!(f, "{gutter} | {pad}{carets}")?;
        if let Some(expected) = &self.expected {
            writeln!(f, "{gutter} = expected: {expected}")?;
        }
        if let Some(hint) = &self.hint {
            writeln!(f, "{gutter} = hint: {hint}")?;
        }
        Ok(())
    }
}

/// The longest line that is shown whole, in characters.
const WIDTH: usize = 120;

impl Diagnostic {
    /// The line (or the part of a very long one around the place), what stands before the
    /// carets, and the carets.
    fn picture(&self) -> (String, String, String) {
        let characters: Vec<char> =
            self.source_line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let column = (self.column - 1).min(characters.len());
        let from = if characters.len() > WIDTH { column.saturating_sub(WIDTH / 2) } else { 0 };
        let to = characters.len().min(from + WIDTH);
        let mut line = String::new();
        if from > 0 {
            line.push('…');
        }
        line.extend(&characters[from..to]);
        if to < characters.len() {
            line.push('…');
        }
        let pad = column - from + usize::from(from > 0);
        let wide = self.offending.lines().next().unwrap_or("").chars().count();
        let carets = wide.min(to - column).max(1);
        (line, " ".repeat(pad), "^".repeat(carets))
    }
}

/// The diagnostics of one file, collected while it is read.
#[derive(Debug)]
pub struct Diagnostics<'a> {
    file: &'a str,
    text: &'a str,
    lines: Vec<&'a str>,
    list: Vec<Diagnostic>,
}

impl<'a> Diagnostics<'a> {
    /// Nothing is wrong yet with the file of this name and text.
    #[must_use]
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, lines: text.lines().collect(), list: Vec::new() }
    }

    /// The file's text.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Adds an error.
    pub fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Error, span, message.into())
    }

    /// Adds a warning.
    pub fn warn(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(Severity::Warning, span, message.into())
    }

    fn add(&mut self, severity: Severity, span: Span, message: String) -> &mut Diagnostic {
        let line = self.lines.get(span.start.line - 1).copied().unwrap_or("");
        let wide = if span.end.line == span.start.line {
            span.end.column.saturating_sub(span.start.column)
        } else {
            line.trim_end().chars().count().saturating_sub(span.start.column - 1)
        };
        let offending = line.chars().skip(span.start.column - 1).take(wide);
        self.list.push(Diagnostic {
            severity,
            file: self.file.to_owned(),
            line: span.start.line,
            column: span.start.column,
            offending: offending.collect(),
            message,
            expected: None,
            hint: None,
            source_line: line.to_owned(),
        });
        self.list.last_mut().expect("just pushed")
    }

    /// The part of a one-line span where `piece` stands, or the whole span.
    #[must_use]
    pub fn narrow(&self, span: Span, piece: &str) -> Span {
        let line = self.lines.get(span.start.line - 1).copied().unwrap_or("");
        let from = span.start.column - 1;
        let tail: String = line.chars().skip(from).collect();
        match tail.find(piece) {
            Some(at) => {
                let column = span.start.column + tail[..at].chars().count();
                let start = Position { column, ..span.start };
                let end = Position { column: column + piece.chars().count(), ..span.start };
                Span { start, end }
            }
            None => span,
        }
    }

    /// Whether there are errors.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are so far.
    #[must_use]
    pub fn errors(&self) -> usize {
        let errors = self.list.iter().filter(|d| d.severity == Severity::Error);
        errors.count()
    }

    /// What was read from the file, and the warnings.
    ///
    /// # Errors
    /// All of them, if one is an error or there is nothing.
    pub fn settle<T>(self, read: Option<T>) -> Result<(T, Vec<Diagnostic>), Vec<Diagnostic>> {
        let failed = self.failed();
        let list = self.into_sorted();
        match read {
            Some(read) if !failed => Ok((read, list)),
            _ => Err(list),
        }
    }

    /// All of them, in the order of the file.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|d| (d.line, d.column));
        self.list
    }
}

/// All diagnostics as pictures, and a last line that counts them.
#[must_use]
pub fn render(list: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in list {
        let _ = writeln!(out, "{diagnostic}");
    }
    let errors = list.iter().filter(|d| d.severity == Severity::Error).count();
    let warnings = list.len() - errors;
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    match (errors, warnings) {
        (0, 0) => {}
        (_, 0) => _ = writeln!(out, "{}", plural(errors, "error")),
        (0, _) => _ = writeln!(out, "{}", plural(warnings, "warning")),
        _ => {
            let _ = writeln!(out, "{}, {}", plural(errors, "error"), plural(warnings, "warning"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(line: usize, from: usize, to: usize) -> Span {
        Span { start: Position { line, column: from }, end: Position { line, column: to } }
    }

    #[test]
    fn a_picture_shows_line_and_carets() {
        let mut all = Diagnostics::new("a.yaml", "name: x\ncount: 5 sec\n");
        all.error(span(2, 8, 13), "`5 sec` is no duration")
            .expected("a duration such as `5s`")
            .hint("write `5s`");
        let list = all.into_sorted();
        assert_eq!(
            list[0].to_string(),
            "error: `5 sec` is no duration\n --> a.yaml:2:8\n  |\n2 | count: 5 sec\n  |        ^^^^^\n  \
             = expected: a duration such as `5s`\n  = hint: write `5s`\n"
        );
        assert_eq!(list[0].one_line(), "a.yaml:2:8: `5 sec` is no duration");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}bad{}", "é".repeat(300), "x".repeat(300));
        let mut all = Diagnostics::new("a.yaml", &text);
        all.error(span(1, 301, 304), "bad");
        let picture = all.into_sorted()[0].to_string();
        let lines: Vec<&str> = picture.lines().collect();
        let caret = lines[4].chars().position(|c| c == '^').unwrap();
        let shown: String = lines[3].chars().skip(caret).take(3).collect();
        assert_eq!(shown, "bad");
    }
}
