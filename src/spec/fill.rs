//! Shapes out: a flat list of pieces, appended one after the other.

use crate::scalar::{Scalar, escape_json, write_json_string};
use crate::spec::bindings::{Bindings, Hole};
use crate::spec::shape::{Node, Slot, Unbound, WhenUnbound};
use crate::spec::text::{Part, Text, write_inside};

/// What is appended next.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// JSON text as it is.
    Raw(Box<str>),
    /// A hole's value as JSON.
    Value(Slot),
    /// A hole's value inside a string.
    Inside(Slot),
    /// A comma, unless nothing was written in this list or object yet.
    Comma,
    /// If the hole is unbound, go on at the piece with this index.
    Skip(Hole, usize),
    /// The rows.
    Each(Each),
}

/// A repeated part.
#[derive(Clone, Debug)]
pub(super) struct Each {
    /// One element or entry.
    body: Vec<Piece>,
    /// `Some`: a repeated part is inside; rows that agree on these holes share an element.
    group: Option<Vec<Hole>>,
}

/// Compiles a node to pieces.
pub(super) fn compile(node: &Node) -> Vec<Piece> {
    let mut compiler = Compiler::default();
    compiler.node(node);
    compiler.pieces
}

#[derive(Default)]
struct Compiler {
    pieces: Vec<Piece>,
    /// Pieces before this index may be jumped over to here: nothing is merged into them.
    barrier: usize,
}

impl Compiler {
    fn raw(&mut self, text: &str) {
        if self.pieces.len() > self.barrier
            && let Some(Piece::Raw(last)) = self.pieces.last_mut()
        {
            *last = format!("{last}{text}").into();
        } else {
            self.pieces.push(Piece::Raw(text.into()));
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            // The loader refuses `$_` in what is sent.
            Node::Anything | Node::Null => self.raw("null"),
            Node::Bool(value) => self.raw(if *value { "true" } else { "false" }),
            Node::Number(digits) => self.raw(digits),
            Node::String(text) => {
                let mut json = String::new();
                write_json_string(text, &mut json);
                self.raw(&json);
            }
            Node::Hole(slot) => self.pieces.push(Piece::Value(slot.clone())),
            Node::Pattern(text) => self.pattern(text),
            Node::Array { items, each } => self.array(items, each.as_deref()),
            Node::Object(fields) => self.object(fields),
            Node::Entries { key, value } => {
                self.raw("{");
                let mut body = Self::default();
                body.pattern(key);
                body.raw(":");
                body.node(value);
                let mut outside: Vec<Hole> = key.holes().iter().map(|(hole, _)| *hole).collect();
                outside.extend(holes_outside_rows(value));
                self.each(body, value, outside);
                self.raw("}");
            }
        }
    }

    fn each(&mut self, body: Self, node: &Node, outside: Vec<Hole>) {
        let group = (node.repeats() > 0).then_some(outside);
        let body = body.pieces;
        self.pieces.push(Piece::Each(Each { body, group }));
    }

    fn pattern(&mut self, text: &Text) {
        self.raw("\"");
        for part in text.parts() {
            match part {
                Part::Literal(literal) => {
                    let mut escaped = String::new();
                    escape_json(literal, &mut escaped);
                    self.raw(&escaped);
                }
                Part::Hole(slot) => self.pieces.push(Piece::Inside(slot.clone())),
                Part::Anything => {}
            }
        }
        self.raw("\"");
    }

    fn array(&mut self, items: &[Node], each: Option<&Node>) {
        self.raw("[");
        let mut skips = Vec::new();
        for (index, item) in items.iter().enumerate() {
            skips.extend(self.skips(item));
            if index > 0 {
                self.raw(",");
            }
            self.node(item);
        }
        if let Some(each) = each {
            let mut body = Self::default();
            body.node(each);
            self.each(body, each, holes_outside_rows(each));
        }
        self.land(&skips);
        self.raw("]");
    }

    fn object(&mut self, fields: &[(Box<str>, Node)]) {
        self.raw("{");
        let mut certain = false;
        for (index, (name, node)) in fields.iter().enumerate() {
            let skips = self.skips(node);
            if certain {
                self.raw(",");
            } else if index > 0 {
                self.pieces.push(Piece::Comma);
            }
            let mut key = String::new();
            write_json_string(name, &mut key);
            self.raw(&key);
            self.raw(":");
            self.node(node);
            certain |= skips.is_empty();
            self.land(&skips);
        }
        self.raw("}");
    }

    /// Emits the jumps over a node that is left out if a hole is unbound; gives their indices.
    fn skips(&mut self, node: &Node) -> Vec<usize> {
        let mut indices = Vec::new();
        let mut skip = |slot: &Slot| {
            if slot.unbound == WhenUnbound::LeaveOut {
                indices.push(self.pieces.len());
                self.pieces.push(Piece::Skip(slot.hole, 0));
            }
        };
        match node {
            Node::Hole(slot) => skip(slot),
            Node::Pattern(text) => text.parts().iter().for_each(|part| {
                if let Part::Hole(slot) = part {
                    skip(slot);
                }
            }),
            _ => {}
        }
        indices
    }

    /// Lets the jumps land here.
    fn land(&mut self, skips: &[usize]) {
        let here = self.pieces.len();
        for &index in skips {
            if let Piece::Skip(_, to) = &mut self.pieces[index] {
                *to = here;
            }
            self.barrier = here;
        }
    }
}

fn holes_outside_rows(node: &Node) -> Vec<Hole> {
    let mut holes = Vec::new();
    node.walk(false, &mut |hole, _, in_rows| {
        if !in_rows {
            holes.push(hole);
        }
    });
    holes
}

/// Appends the pieces. `row` is what is bound here beside the frame, `rows` what the next repeated
/// part repeats over.
pub(super) fn write(
    pieces: &[Piece],
    frame: &Bindings,
    row: Option<&Bindings>,
    rows: &[Bindings],
    out: &mut String,
) -> Result<(), Unbound> {
    let bound = |hole| row.and_then(|row| row.get(hole)).or_else(|| frame.get(hole));
    let value = |slot: &Slot| -> Result<&Scalar, Unbound> {
        // Lives as long as the pieces do, or the bindings: both outlive this call.
        bound(slot.hole).ok_or(Unbound(slot.hole))
    };
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        at += 1;
        match piece {
            Piece::Raw(text) => out.push_str(text),
            Piece::Value(slot) => match (value(slot), &slot.unbound) {
                (Ok(scalar), _) | (Err(_), WhenUnbound::Send(scalar)) => scalar.write_json(out),
                (Err(unbound), _) => return Err(unbound),
            },
            Piece::Inside(slot) => match (value(slot), &slot.unbound) {
                (Ok(scalar), _) | (Err(_), WhenUnbound::Send(scalar)) => write_inside(scalar, out),
                (Err(unbound), _) => return Err(unbound),
            },
            Piece::Comma => comma(out),
            Piece::Skip(hole, to) => {
                if bound(*hole).is_none() {
                    at = *to;
                }
            }
            Piece::Each(each) => each.write(frame, rows, out)?,
        }
    }
    Ok(())
}

impl Each {
    fn write(&self, frame: &Bindings, rows: &[Bindings], out: &mut String) -> Result<(), Unbound> {
        let mut rest = rows;
        while let Some(first) = rest.first() {
            let same = match &self.group {
                None => 1,
                Some(holes) => rest
                    .iter()
                    .take_while(|row| holes.iter().all(|hole| row.get(*hole) == first.get(*hole)))
                    .count(),
            };
            let (group, after) = rest.split_at(same);
            rest = after;
            comma(out);
            write(&self.body, frame, Some(first), group, out)?;
        }
        Ok(())
    }
}

/// No JSON value ends with an opening bracket, so the last byte tells whether one was written.
fn comma(out: &mut String) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
}
