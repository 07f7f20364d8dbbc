//! YAML text to a tree whose nodes know where they stand.
//!
//! The subset that is safe to read: one document, no anchors, aliases, tags or merge keys (they
//! make a file say something other than what it shows), no duplicate keys, bounded size and depth.

use crate::source::diagnostic::Diagnostics;
use granit_parser::{Event, Parser, ScalarStyle, ScanError};

/// A place in a file: line and column in characters, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A piece of a file, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it starts.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
}

/// A value in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text; a number, `true` or `null` too, unless quoted.
    Scalar {
        /// The text without quotes.
        text: String,
        /// It stands in quotes or in a block, so it is a text whatever it looks like.
        quoted: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Names and values.
    Mapping(Vec<Entry>),
}

/// One line of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub key: String,
    /// Where the name stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The text, if it is a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    #[must_use]
    pub fn items(&self) -> Option<&[Self]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a mapping.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// Whether nothing stands there (`key:` without a value, `~` or `null`).
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, quoted: false } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// What it is, for a message: `a text`, `a list`, `a mapping`, `nothing`.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { .. } if self.is_null() => "nothing",
            Kind::Scalar { .. } => "a plain value",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }
}

/// The most characters of a file.
const MAX_SIZE: usize = 1 << 20;
/// The most nodes of a file.
const MAX_NODES: usize = 50_000;
/// The deepest nesting.
const MAX_DEPTH: usize = 40;

/// Reads one YAML document. `None`: it can't be read, and `diagnostics` says why.
pub fn parse(diagnostics: &mut Diagnostics<'_>) -> Option<Node> {
    let text = diagnostics.text();
    let start = Position { line: 1, column: 1 };
    let top = Span { start, end: start };
    if text.len() > MAX_SIZE {
        diagnostics.error(top, format!("the file has more than {MAX_SIZE} bytes"));
        return None;
    }
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder { diagnostics, open: Vec::new(), root: None, nodes: 0, documents: 0 };
    for event in Parser::new_from_str_with_options(text, options) {
        let stop = match event {
            Ok((event, span)) => builder.take(&event, &span),
            Err(error) => builder.refuse(&error),
        };
        if stop.is_err() {
            return None;
        }
    }
    let root = builder.root.take().filter(|node| !node.is_null());
    if root.is_none() {
        diagnostics.error(top, "the file is empty");
    }
    root
}

/// The reader gave up.
struct Stop;

struct Builder<'d, 'a> {
    diagnostics: &'d mut Diagnostics<'a>,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
}

/// A collection whose end has not come yet.
struct Open {
    start: Position,
    node: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>, Option<Node>),
}

impl Builder<'_, '_> {
    fn take(&mut self, event: &Event<'_>, place: &granit_parser::Span) -> Result<(), Stop> {
        let span = to_span(place);
        self.refuse_unsafe(event, span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.diagnostics
                        .error(span, "a second document begins")
                        .hint("put it into a file of its own");
                    return Err(Stop);
                }
            }
            Event::Scalar(text, style, ..) => {
                let kind = Kind::Scalar {
                    text: text.clone().into_owned(),
                    quoted: *style != ScalarStyle::Plain,
                };
                return self.add(Node { kind, span });
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let kind = Kind::Scalar { text: String::new(), quoted: true };
                return self.add(Node { kind, span });
            }
            Event::SequenceStart(..) => self.begin(span, OpenKind::Sequence(Vec::new())),
            Event::MappingStart(..) => self.begin(span, OpenKind::Mapping(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => return self.close(span.end),
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, span: Span, node: OpenKind) {
        self.open.push(Open { start: span.start, node });
    }

    fn close(&mut self, end: Position) -> Result<(), Stop> {
        let Some(Open { start, node }) = self.open.pop() else {
            return Err(Stop);
        };
        let kind = match node {
            OpenKind::Sequence(items) => Kind::Sequence(items),
            OpenKind::Mapping(entries, _) => Kind::Mapping(entries),
        };
        let span = Span { start, end };
        self.add(Node { kind, span })
    }

    fn add(&mut self, node: Node) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.diagnostics.error(node.span, format!("the file has more than {MAX_NODES} values"));
            return Err(Stop);
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { node: OpenKind::Sequence(items), .. }) => items.push(node),
            Some(Open { node: OpenKind::Mapping(entries, key), .. }) => match key.take() {
                None => *key = Some(node),
                Some(key) => add_entry(self.diagnostics, entries, key, node),
            },
        }
        Ok(())
    }

    fn refuse_unsafe(&mut self, event: &Event<'_>, span: Span) {
        let (anchored, tag) = match event {
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.diagnostics
                    .error(span, "aliases (`*name`) are not allowed")
                    .hint("write the value out where it is used");
                return;
            }
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(_, anchor, tag)
            | Event::MappingStart(_, anchor, tag) => (*anchor != 0, tag.is_some()),
            _ => return,
        };
        if anchored {
            self.diagnostics
                .error(span, "anchors (`&name`) are not allowed")
                .hint("write the value out where it is used; put a text with `&` in quotes");
        }
        if tag {
            self.diagnostics
                .error(span, "tags (`!name`) are not allowed")
                .hint("put a text with `!` in quotes");
        }
    }

    fn refuse(&mut self, error: &ScanError) -> Result<(), Stop> {
        let marker = error.marker();
        let start = Position { line: marker.line().max(1), column: marker.col() + 1 };
        let line = self.diagnostics.text().lines().nth(start.line - 1);
        let tab = line
            .is_some_and(|line| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t'));
        let end = Position { column: start.column + 1, ..start };
        let span = Span { start, end };
        if tab {
            self.diagnostics.error(span, "a tab indents this line").hint("YAML wants spaces");
        } else {
            let info = error.info();
            let mut letters = info.chars();
            let message: String = letters
                .next()
                .map(|first| first.to_lowercase().chain(letters).collect())
                .unwrap_or_default();
            self.diagnostics
                .error(span, format!("this is not YAML: {message}"))
                .hint("quote texts with `: `, ` #` or a special first character; check brackets and indentation");
        }
        Err(Stop)
    }
}

fn add_entry(diagnostics: &mut Diagnostics<'_>, entries: &mut Vec<Entry>, key: Node, value: Node) {
    let key_span = key.span;
    let Kind::Scalar { text: name, quoted } = key.kind else {
        diagnostics.error(key_span, "a list or mapping can't be a key");
        return;
    };
    if name == "<<" && !quoted {
        diagnostics
            .error(key_span, "merge keys (`<<`) are not allowed")
            .hint("write the entries out where they are used");
        return;
    }
    if let Some(first) = entries.iter().find(|entry| entry.key == name) {
        let Position { line, column } = first.key_span.start;
        diagnostics
            .error(key_span, format!("`{name}` stands here twice"))
            .hint(format!("the first one is at {line}:{column}; keep one"));
        return;
    }
    entries.push(Entry { key: name, key_span, value });
}

fn to_span(span: &granit_parser::Span) -> Span {
    let position = |marker: &granit_parser::Marker| Position {
        line: marker.line().max(1),
        column: marker.col() + 1,
    };
    Span { start: position(&span.start), end: position(&span.end) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Node, Vec<String>> {
        let mut diagnostics = Diagnostics::new("f", text);
        let node = parse(&mut diagnostics);
        let list: Vec<String> =
            diagnostics.into_sorted().iter().map(super::super::Diagnostic::one_line).collect();
        match node {
            Some(node) if list.is_empty() => Ok(node),
            _ => Err(list),
        }
    }

    #[test]
    fn values_know_where_they_stand() {
        let node = read("a: 1\nb: [x, \"y\", ...]\n").unwrap();
        let entries = node.entries().unwrap();
        assert_eq!(entries[0].value.text(), Some("1"));
        assert_eq!(entries[1].key_span.start, Position { line: 2, column: 1 });
        let items = entries[1].value.items().unwrap();
        let texts: Vec<_> = items.iter().filter_map(Node::text).collect();
        assert_eq!(texts, ["x", "y", "..."]);
        assert_eq!(items[1].span.start, Position { line: 2, column: 8 });
    }

    #[test]
    fn dots_close_a_list_of_objects() {
        let node = read("rows: { messages: [{ id: $message }, ...] }").unwrap();
        let rows = &node.entries().unwrap()[0].value.entries().unwrap()[0].value;
        assert_eq!(rows.items().unwrap()[1].text(), Some("..."));
    }

    #[test]
    fn unsafe_yaml_is_refused_all_at_once() {
        let list = read("a: &x 1\nb: *x\nc: !!str 2\na: 3\nd: { <<: 4 }\n").unwrap_err();
        assert_eq!(list.len(), 5, "{list:#?}");
        assert!(list[3].contains("`a` stands here twice"), "{list:#?}");
    }

    #[test]
    fn broken_yaml_says_where() {
        assert_eq!(read("a:\n\tb: 1\n").unwrap_err(), ["f:2:2: a tab indents this line"]);
        assert!(read("a: [1, 2\n").unwrap_err()[0].contains("this is not YAML"));
        assert_eq!(read("# nothing\n").unwrap_err(), ["f:1:1: the file is empty"]);
        assert!(read("a: 1\n---\nb: 2\n").unwrap_err()[0].contains("second document"));
        assert!(read(&"[".repeat(100)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}|[\\[\\]{}:,&*!|>'\"% \n\t#-]{0,60}") {
            let mut diagnostics = Diagnostics::new("f", &text);
            let node = parse(&mut diagnostics);
            prop_assert!(node.is_some() || diagnostics.failed());
        }
    }
}
