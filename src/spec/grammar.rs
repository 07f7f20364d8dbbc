//! The written form of shapes and texts: YAML to [`Shape`], strings to [`Text`].

use crate::scalar::Scalar;
use crate::source::{self, Diagnostics, Kind, Span};
use crate::spec::bindings::{Hole, HoleTable};
use crate::spec::shape::{Node, Shape, Slot, WhenUnbound};
use crate::spec::text::{Part, Text};

/// The most fields of one object in a shape: one bit each when matching.
const MAX_FIELDS: usize = 64;

impl Shape {
    /// Reads a shape from YAML, complaining into `found`.
    pub fn read(
        node: &source::Node,
        holes: &mut HoleTable,
        found: &mut Diagnostics<'_>,
    ) -> Option<Self> {
        Self::read_noting(node, holes, found, &mut Vec::new())
    }

    /// The same, noting where each hole is mentioned.
    pub(super) fn read_noting(
        node: &source::Node,
        holes: &mut HoleTable,
        found: &mut Diagnostics<'_>,
        noted: &mut Vec<Noted>,
    ) -> Option<Self> {
        let before = found.errors();
        let mut reader = Reader { holes, found, noted };
        let root = reader.value(node)?;
        if root.repeats() > 1 {
            found
                .error(node.span, "this shape has two repeated parts side by side")
                .hint("keep one `[…, ...]` or key hole; read the other with `$_`");
        }
        (found.errors() == before).then(|| Self::new(root))
    }

    /// A shape from a piece of YAML.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(yaml: &str, holes: &mut HoleTable) -> Result<Self, Vec<source::Diagnostic>> {
        let mut found = Diagnostics::new("shape", yaml);
        let shape = source::parse(&mut found).and_then(|node| Self::read(&node, holes, &mut found));
        shape.ok_or_else(|| found.into_sorted())
    }
}

impl Text {
    /// Reads a text from a YAML scalar, complaining into `found`.
    pub fn read(
        node: &source::Node,
        what: &str,
        holes: &mut HoleTable,
        found: &mut Diagnostics<'_>,
    ) -> Option<Self> {
        Self::read_noting(node, what, holes, found, &mut Vec::new())
    }

    /// The same, noting where each hole is mentioned.
    pub(super) fn read_noting(
        node: &source::Node,
        what: &str,
        holes: &mut HoleTable,
        found: &mut Diagnostics<'_>,
        noted: &mut Vec<Noted>,
    ) -> Option<Self> {
        let text = node.read_text(what, found)?;
        match parts(text, holes) {
            Ok(parts) => {
                note(&parts, node.span, holes, found, noted);
                Some(Self::new(parts))
            }
            Err(Stray { message, hint }) => {
                found.error(node.span, message).hint(hint);
                None
            }
        }
    }

    /// A text from its written form.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, holes: &mut HoleTable) -> Result<Self, Stray> {
        parts(text, holes).map(Self::new)
    }
}

/// A dollar that begins no hole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: &'static str,
}

/// A hole where it is mentioned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    pub(super) hole: Hole,
    pub(super) optional: bool,
    pub(super) span: Span,
}

/// Notes the holes of a text.
pub(super) fn note(
    parts: &[Part],
    span: Span,
    holes: &HoleTable,
    found: &Diagnostics<'_>,
    noted: &mut Vec<Noted>,
) {
    for part in parts {
        if let Part::Hole(slot) = part {
            let name = holes.name(slot.hole);
            let plain = found.narrow(span, &format!("${name}"));
            let span =
                if plain == span { found.narrow(span, &format!("${{{name}")) } else { plain };
            noted.push(Noted { hole: slot.hole, optional: slot.is_optional(), span });
        }
    }
}

struct Reader<'h, 'd, 'a> {
    holes: &'h mut HoleTable,
    found: &'d mut Diagnostics<'a>,
    noted: &'h mut Vec<Noted>,
}

impl Reader<'_, '_, '_> {
    fn value(&mut self, node: &source::Node) -> Option<Node> {
        match &node.kind {
            Kind::Scalar { text, quoted } => self.scalar(node, text, *quoted),
            Kind::Sequence(items) => self.list(items),
            Kind::Mapping(entries) => self.object(node, entries),
        }
    }

    fn scalar(&mut self, node: &source::Node, text: &str, quoted: bool) -> Option<Node> {
        if !quoted {
            match text {
                "" | "~" | "null" => return Some(Node::Null),
                "true" => return Some(Node::Bool(true)),
                "false" => return Some(Node::Bool(false)),
                "..." => {
                    self.found
                        .error(node.span, "`...` stands where no list ends")
                        .hint("it follows the one element it repeats: `[{ id: $message }, ...]`; quote it if it is a text");
                    return None;
                }
                "True" | "False" | "TRUE" | "FALSE" | "Null" | "NULL" | "None" | "yes" | "no" => {
                    self.found
                        .warn(node.span, format!("`{text}` is sent and read as a text"))
                        .hint("write `true`, `false` or `null`, or put the text in quotes");
                }
                _ if is_number(text) => return Some(Node::Number(text.into())),
                _ => {}
            }
        }
        let parts = match parts(text, self.holes) {
            Ok(parts) => parts,
            Err(Stray { message, hint }) => {
                self.found.error(node.span, message).hint(hint);
                return None;
            }
        };
        note(&parts, node.span, self.holes, self.found, self.noted);
        Some(match &parts[..] {
            [] => Node::String("".into()),
            [Part::Literal(text)] => Node::String(text.clone()),
            [Part::Hole(slot)] => Node::Hole(slot.clone()),
            [Part::Anything] => Node::Anything,
            _ => Node::Pattern(Text::new(parts)),
        })
    }

    fn list(&mut self, items: &[source::Node]) -> Option<Node> {
        let is_dots = |node: &source::Node| matches!(&node.kind, Kind::Scalar { text, quoted: false } if text == "...");
        let (items, repeated) = match items {
            [fixed @ .., repeated, dots] if is_dots(dots) => (fixed, Some(repeated)),
            _ => (items, None),
        };
        // Read everything, so that every mistake is told, then see whether all of it is there.
        let read: Vec<Option<Node>> = items.iter().map(|item| self.value(item)).collect();
        let each = repeated.map(|node| self.value(node).map(Box::new));
        let nodes: Vec<Node> = read.into_iter().collect::<Option<_>>()?;
        let after_optional = nodes.iter().skip_while(|node| !node.is_optional());
        if let Some(position) = after_optional
            .clone()
            .position(|node| !node.is_optional())
            .map(|index| nodes.len() - after_optional.count() + index)
        {
            self.found
                .error(items[position].span, "this stands after something that may be missing")
                .hint("in a list only the last elements may be optional");
        }
        let each = match each {
            Some(each) => Some(each?),
            None => None,
        };
        Some(Node::Array { items: nodes, each })
    }

    fn object(&mut self, node: &source::Node, entries: &[source::Entry]) -> Option<Node> {
        if let Some(keyed) = entries.iter().find(|entry| entry.key.starts_with('$')) {
            if entries.len() > 1 {
                self.found
                    .error(keyed.key_span, "a hole as a key stands beside other entries")
                    .hint("`{ $name: … }` stands for all entries of the object; `$$name` is a plain key");
            }
            if !keyed.key.starts_with("$$") {
                let key = match parts(&keyed.key, self.holes) {
                    Ok(parts) => {
                        note(&parts, keyed.key_span, self.holes, self.found, self.noted);
                        Some(Text::new(parts))
                    }
                    Err(Stray { message, hint }) => {
                        self.found.error(keyed.key_span, message).hint(hint);
                        None
                    }
                };
                let value = self.value(&keyed.value);
                return Some(Node::Entries { key: key?, value: Box::new(value?) });
            }
        }
        if entries.len() > MAX_FIELDS {
            self.found
                .error(node.span, format!("an object of a shape has at most {MAX_FIELDS} fields"));
            return None;
        }
        let read: Vec<_> = entries
            .iter()
            .map(|entry| (entry.key.replace("$$", "$").into(), self.value(&entry.value)))
            .collect();
        let fields = read.into_iter().map(|(name, node)| node.map(|node| (name, node)));
        Some(Node::Object(fields.collect::<Option<_>>()?))
    }
}

/// Whether JSON takes it for a number.
fn is_number(text: &str) -> bool {
    let first = text.bytes().next();
    first.is_some_and(|b| b == b'-' || b.is_ascii_digit())
        && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

const DOLLAR: &str = "a hole is `$name`, `${name}`, `$name?` or `$name|default`; `$$` is a dollar";

/// Splits a string at its holes.
fn parts(text: &str, holes: &mut HoleTable) -> Result<Vec<Part>, Stray> {
    let mut parts: Vec<Part> = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        let begins = parts.is_empty() && literal.is_empty();
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            literal.push('$');
            rest = after;
            continue;
        }
        let (inner, after) = inner(rest, begins)?;
        rest = after;
        let part = hole(inner, holes)?;
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal).into()));
        } else if matches!(parts.last(), Some(Part::Hole(_) | Part::Anything)) {
            return Err(Stray {
                message: format!("two holes touch in `{text}`"),
                hint: "nothing tells where the first one ends; put something between them",
            });
        }
        parts.push(part);
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.into()));
    }
    Ok(parts)
}

/// What follows a dollar: the hole with its mark, and the rest of the text.
fn inner(rest: &str, begins: bool) -> Result<(&str, &str), Stray> {
    if let Some(braced) = rest.strip_prefix('{') {
        return braced.split_once('}').ok_or_else(|| Stray {
            message: format!("`${rest}` has no closing brace"),
            hint: DOLLAR,
        });
    }
    let name = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let end = match rest.as_bytes().get(name) {
        Some(b'?') if name > 0 => name + 1,
        Some(b'|') if name > 0 && begins => rest.len(),
        _ => name,
    };
    Ok(rest.split_at(end))
}

/// The hole of `name`, `name?`, `name|default` or `_`.
fn hole(inner: &str, holes: &mut HoleTable) -> Result<Part, Stray> {
    if inner == "_" {
        return Ok(Part::Anything);
    }
    let (name, unbound) = match inner.split_once('|') {
        Some((name, default)) => (name, WhenUnbound::Send(default_of(default))),
        None => match inner.strip_suffix('?') {
            Some(name) => (name, WhenUnbound::LeaveOut),
            None => (inner, WhenUnbound::Refuse),
        },
    };
    let mut letters = name.bytes();
    let good = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !good {
        return Err(Stray { message: format!("`${inner}` is no hole"), hint: DOLLAR });
    }
    let hole = holes.intern(name);
    Ok(Part::Hole(Slot { hole, unbound }))
}

/// A default is read as a plain YAML value would be.
fn default_of(text: &str) -> Scalar {
    match text {
        "null" | "" => Scalar::Null,
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        _ if is_number(text) => {
            text.parse().map_or_else(|_| Scalar::Json(text.into()), Scalar::Int)
        }
        _ => Scalar::from(text),
    }
}
