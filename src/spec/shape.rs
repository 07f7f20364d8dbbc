//! JSON as it stands on the wire, with holes: filled to send, matched to receive.
//!
//! | written | means |
//! |---|---|
//! | `text`, `1`, `true`, `null`, lists, mappings | that JSON |
//! | `$name` | a hole: filled when sending; bound when receiving, to anything but `null`; if bound before, it must be equal |
//! | `$name?` | may be missing: sending leaves its field (or the end of its list) out, receiving accepts nothing or `null` there |
//! | <code>$name&#124;default</code> | the same, but sending writes the default |
//! | `$_` | anything, for receiving |
//! | `Bearer $token`, `chat:${conversation}/x` | holes inside a text |
//! | `$$` | a dollar |
//! | `[S, ...]` | a list, each element an `S`: the rows |
//! | `{ $message: S }` | an object, each entry a row, its key bound |
//!
//! What must stand at one place is a [`node`]. [`matching`](super::matching) and
//! [`fill`](super::fill) are the two directions; the YAML is read in [`grammar`](super::grammar).

mod node;
#[cfg(test)]
mod tests;

pub(super) use node::{Node, Slot, WhenUnbound};

use crate::spec::bindings::{Bindings, Hole};
use crate::spec::fill::{self, Piece};
use crate::spec::matching;

/// A piece of JSON with holes, compiled.
#[derive(Clone, Debug)]
pub struct Shape {
    root: Node,
    pieces: Vec<Piece>,
}

/// A hole had to be filled and was not bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbound(pub Hole);

/// Where and how what came differs from the shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// A JSON Pointer into what came.
    pub pointer: String,
    /// What the shape wants there.
    pub expected: String,
    /// What stands there, excerpted.
    pub found: String,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.pointer.is_empty() { "the top" } else { &self.pointer };
        write!(f, "at {place}: expected {}, found {}", self.expected, self.found)
    }
}

impl Shape {
    pub(super) fn new(root: Node) -> Self {
        let pieces = fill::compile(&root);
        Self { root, pieces }
    }

    /// A shape that anything matches.
    pub(super) fn anything() -> Self {
        Self::new(Node::Anything)
    }

    /// Whether anything matches it; what came need not even be JSON then.
    pub(super) fn is_anything(&self) -> bool {
        matches!(self.root, Node::Anything)
    }

    /// A shape that is nothing but a hole.
    pub(super) fn of_hole(hole: Hole) -> Self {
        let unbound = WhenUnbound::Refuse;
        Self::new(Node::Hole(Slot { hole, unbound }))
    }

    /// Whether `$_` occurs: then it can't be sent.
    pub(super) fn has_anything(&self) -> bool {
        self.root.has_anything()
    }

    /// Binds the holes whose places hold a value in JSON that need not fit otherwise: what can
    /// still be told from a malformed request. What is bound stays.
    pub fn glean(&self, json: &str, bindings: &mut Bindings) {
        if let Ok(json) = serde_json::from_str(json) {
            self.root.glean(&json, bindings);
        }
    }

    /// Appends the JSON with its holes filled. Optional holes that are unbound leave their field
    /// or trailing element out. A repeated part gets one row.
    ///
    /// # Errors
    /// A required hole is unbound; `out` is left as it was.
    pub fn fill(&self, bindings: &Bindings, out: &mut String) -> Result<(), Unbound> {
        self.fill_rows(bindings, std::slice::from_ref(bindings), out)
    }

    /// The same, with these rows in the repeated part; what a row doesn't bind, `frame` does. Rows
    /// that follow one another and agree on what stands around an inner repeated part share it.
    ///
    /// # Errors
    /// A required hole is unbound; `out` is left as it was.
    pub fn fill_rows(
        &self,
        frame: &Bindings,
        rows: &[Bindings],
        out: &mut String,
    ) -> Result<(), Unbound> {
        let before = out.len();
        fill::write(&self.pieces, frame, None, rows, out).inspect_err(|_| out.truncate(before))
    }

    /// Matches JSON text and binds its holes. Extra fields and trailing elements are ignored. A
    /// shape with a repeated part (`[S, ...]` or a hole as a key) matches if the frame around it
    /// does; its rows are read with [`Shape::rows`].
    ///
    /// # Errors
    /// The first difference; `bindings` is left as it was.
    pub fn matches(&self, json: &str, bindings: &mut Bindings) -> Result<(), Mismatch> {
        let mark = bindings.mark();
        matching::frame(&self.root, json, bindings).map(|_| ()).map_err(|miss| {
            let mismatch = miss.explain(json, bindings);
            bindings.truncate(mark);
            mismatch
        })
    }

    /// The same without the explanation, which costs more than the match: for trying candidates.
    #[must_use]
    pub fn fits(&self, json: &str, bindings: &mut Bindings) -> bool {
        let mark = bindings.mark();
        let fits = matching::frame(&self.root, json, bindings).is_ok();
        if !fits {
            bindings.truncate(mark);
        }
        fits
    }

    /// Calls `row` with the bindings of each element of the repeated part, in order, on top of
    /// what `bindings` and the frame around bind. A shape without a repeated part has one row.
    /// Returns how many rows there were.
    ///
    /// # Errors
    /// The first difference; rows before it were handed out.
    pub fn rows(
        &self,
        json: &str,
        bindings: &Bindings,
        row: &mut dyn FnMut(&Bindings),
    ) -> Result<usize, Mismatch> {
        let mut own = bindings.clone();
        let rows = matching::rows(&self.root, json, &mut own, matching::Strict::Yes, row);
        rows.map_err(|miss| miss.explain(json, &own))
    }

    /// The same for a part of an answer that may be missing, or may be missing in some of its rows:
    /// what does not fit is passed over.
    pub fn fitting_rows(&self, json: &str, bindings: &Bindings, row: &mut dyn FnMut(&Bindings)) {
        let mut own = bindings.clone();
        let _ = matching::rows(&self.root, json, &mut own, matching::Strict::No, row);
    }

    /// Whether there is a repeated part.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.root.repeats() > 0
    }

    /// The holes the shape mentions, in order of appearance, and whether each is optional.
    #[must_use]
    pub fn holes(&self) -> Vec<(Hole, bool)> {
        let mut holes: Vec<(Hole, bool)> = Vec::new();
        self.root.walk(false, &mut |hole, optional, _| match holes
            .iter_mut()
            .find(|(known, _)| *known == hole)
        {
            Some((_, known)) => *known &= optional,
            None => holes.push((hole, optional)),
        });
        holes
    }

    /// Whether this hole occurs.
    #[must_use]
    pub fn mentions(&self, hole: Hole) -> bool {
        self.holes().iter().any(|(known, _)| *known == hole)
    }

    /// The name of the event, for a shape that is an event's whole array.
    #[must_use]
    pub fn event(&self) -> Option<&str> {
        match &self.root {
            Node::Array { items, .. } => match items.first()? {
                Node::String(name) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The names of an object's own fields.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let fields = match &self.root {
            Node::Object(fields) => &fields[..],
            _ => &[],
        };
        fields.iter().map(|(name, _)| &**name)
    }

    /// The object's own field that is this hole and nothing else.
    #[must_use]
    pub fn field_of(&self, hole: Hole) -> Option<&str> {
        let Node::Object(fields) = &self.root else { return None };
        let mut found = fields.iter().filter(|(_, node)| match node {
            Node::Hole(slot) => slot.hole == hole,
            _ => false,
        });
        found.next().map(|(name, _)| &**name)
    }

    /// The constant texts among an object's own fields: what tells one frame from another.
    pub fn constants(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = match &self.root {
            Node::Object(fields) => &fields[..],
            _ => &[],
        };
        fields.iter().filter_map(|(name, node)| match node {
            Node::String(text) => Some((&**name, &**text)),
            _ => None,
        })
    }
}
