//! JSON as it stands on the wire, with holes: filled to send, matched to receive.

use crate::spec::bindings::{Bindings, Hole};

/// A piece of JSON with holes, compiled.
#[derive(Clone, Debug)]
pub struct Shape {}

/// A string with holes (a path, a header, a query parameter), compiled.
#[derive(Clone, Debug)]
pub struct Text {}

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

impl Shape {
    /// Appends the JSON with its holes filled. Optional holes that are unbound leave their field
    /// or trailing element out.
    ///
    /// # Errors
    /// A required hole is unbound; `out` is left as it was.
    pub fn fill(&self, _bindings: &Bindings, _out: &mut String) -> Result<(), Unbound> {
        Err(Unbound(Hole(0)))
    }

    /// Matches JSON text and binds its holes. Extra fields and trailing elements are ignored. A
    /// shape with a repeated part (`[S, ...]` or a hole as a key) matches if the frame around it
    /// does; its rows are read with [`Shape::rows`].
    ///
    /// # Errors
    /// The first difference; `bindings` is left as it was.
    pub fn matches(&self, _json: &str, _bindings: &mut Bindings) -> Result<(), Mismatch> {
        Err(Mismatch { pointer: String::new(), expected: String::new(), found: String::new() })
    }

    /// Calls `row` with the bindings of each element of the repeated part, in order, on top of
    /// what `bindings` and the frame around bind. A shape without a repeated part has one row.
    ///
    /// # Errors
    /// The first difference; rows before it were handed out.
    pub fn rows(
        &self,
        _json: &str,
        _bindings: &Bindings,
        _row: &mut dyn FnMut(&Bindings),
    ) -> Result<usize, Mismatch> {
        Err(Mismatch { pointer: String::new(), expected: String::new(), found: String::new() })
    }

    /// The holes the shape mentions, in order of appearance, and whether each is optional.
    #[must_use]
    pub fn holes(&self) -> Vec<(Hole, bool)> {
        Vec::new()
    }
}

impl Text {
    /// Appends the text with its holes filled, percent-encoded if `percent`. `Ok(false)`: an
    /// optional hole is unbound, and nothing was appended.
    ///
    /// # Errors
    /// A required hole is unbound.
    pub fn fill(&self, _b: &Bindings, _percent: bool, _out: &mut String) -> Result<bool, Unbound> {
        Err(Unbound(Hole(0)))
    }

    /// Matches a string and binds the holes in it (percent-decoding them if `percent`).
    #[must_use]
    pub fn matches(&self, _text: &str, _percent: bool, _bindings: &mut Bindings) -> bool {
        false
    }

    /// The holes the text mentions, and whether each is optional.
    #[must_use]
    pub fn holes(&self) -> Vec<(Hole, bool)> {
        Vec::new()
    }
}
