//! Shapes in: one pass over the JSON text, guided by the shape; what it doesn't ask for is skipped.

use crate::scalar::{Scalar, write_json_string};
use crate::spec::bindings::{Bindings, Hole};
use crate::spec::scan::{Broken, Scan, Str};
use crate::spec::shape::{Mismatch, Node, Slot};

/// The first difference, not yet put into words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Miss<'s> {
    /// The byte of the JSON text.
    at: usize,
    wants: Wants<'s>,
}

#[derive(Clone, Copy, Debug)]
enum Wants<'s> {
    /// JSON at all.
    Json(&'static str),
    Node(&'s Node),
    /// Anything but `null`.
    Value,
    /// The value the hole is bound to.
    Bound(Hole),
    /// A field that is missing.
    Field(&'s str, &'s Node),
    /// A list element that is missing.
    Element(usize, &'s Node),
}

impl From<Broken> for Miss<'_> {
    fn from(Broken { at, wants }: Broken) -> Self {
        Self { at, wants: Wants::Json(wants) }
    }
}

/// The repeated part of a match, to be read row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'s, 'j> {
    node: &'s Node,
    scan: Scan<'j>,
    first: bool,
}

/// What becomes of a row that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strict {
    /// It is a difference.
    Yes,
    /// It is passed over.
    No,
}

/// Matches a whole text, but for its rows.
pub(super) fn frame<'s, 'j>(
    node: &'s Node,
    json: &'j str,
    bindings: &mut Bindings,
) -> Result<Option<Rows<'s, 'j>>, Miss<'s>> {
    let mut matcher = Matcher { scan: Scan::new(json), bindings, rows: None };
    matcher.value(node)?;
    matcher.scan.end()?;
    Ok(matcher.rows)
}

/// Matches a whole text and hands out its rows.
pub(super) fn rows<'s>(
    node: &'s Node,
    json: &str,
    bindings: &mut Bindings,
    strict: Strict,
    row: &mut dyn FnMut(&Bindings),
) -> Result<usize, Miss<'s>> {
    match frame(node, json, bindings)? {
        Some(rows) => rows.read(bindings, strict, row),
        None => {
            row(bindings);
            Ok(1)
        }
    }
}

impl<'s> Rows<'s, '_> {
    fn read(
        self,
        bindings: &mut Bindings,
        strict: Strict,
        row: &mut dyn FnMut(&Bindings),
    ) -> Result<usize, Miss<'s>> {
        let Self { node, mut scan, mut first } = self;
        let (key, body, close) = match node {
            Node::Array { each: Some(each), .. } => (None, &**each, b']'),
            Node::Entries { key, value } => (Some(key), &**value, b'}'),
            _ => return Ok(0),
        };
        let mut count = 0;
        while scan.more(close, first)? {
            first = false;
            let mark = bindings.mark();
            if let Some(pattern) = key {
                scan.peek();
                let at = scan.at;
                let name = scan.key()?;
                if !pattern.matches(&name.plain(), false, bindings) {
                    let wants = Wants::Node(node);
                    return Err(Miss { at, wants });
                }
            }
            let mut matcher = Matcher { scan, bindings, rows: None };
            match matcher.value(body) {
                Ok(()) => {}
                Err(miss) if strict == Strict::Yes => return Err(miss),
                Err(_) => {
                    scan.skip()?;
                    bindings.truncate(mark);
                    continue;
                }
            }
            scan = matcher.scan;
            match matcher.rows {
                Some(inner) => count += inner.read(bindings, strict, row)?,
                None => {
                    row(bindings);
                    count += 1;
                }
            }
            bindings.truncate(mark);
        }
        Ok(count)
    }
}

struct Matcher<'s, 'j, 'b> {
    scan: Scan<'j>,
    bindings: &'b mut Bindings,
    rows: Option<Rows<'s, 'j>>,
}

impl<'s> Matcher<'s, '_, '_> {
    fn value(&mut self, node: &'s Node) -> Result<(), Miss<'s>> {
        let first = self.scan.peek();
        let at = self.scan.at;
        let agrees = match (node, first) {
            (Node::Anything, _) => self.scan.skip().map(|_| true)?,
            (Node::Hole(slot), _) => return self.hole(slot),
            (node, Some(b'n')) if node.is_optional() => self.scan.word("null").map(|()| true)?,
            (Node::String(text), Some(b'"')) => self.scan.string()?.is(text),
            (Node::Object(fields), Some(b'{')) => return self.object(fields),
            (Node::Array { items, each }, Some(b'[')) => {
                return self.array(node, items, each.is_some());
            }
            (Node::Entries { .. }, Some(b'{')) => {
                self.scan.open()?;
                return self.remember_rows(node, b'}', true);
            }
            (Node::Pattern(text), Some(b'"')) => {
                let string = self.scan.string()?;
                text.matches(&string.plain(), false, self.bindings)
            }
            (Node::Bool(true), Some(b't')) => self.scan.word("true").map(|()| true)?,
            (Node::Bool(false), Some(b'f')) => self.scan.word("false").map(|()| true)?,
            (Node::Null, Some(b'n')) => self.scan.word("null").map(|()| true)?,
            (Node::Number(wanted), Some(b'-' | b'0'..=b'9')) => {
                same_number(self.scan.number()?, wanted)
            }
            (_, None) => self.scan.broken("a JSON value")?,
            _ => false,
        };
        if agrees {
            Ok(())
        } else {
            // What stands there may not even be JSON; then that is the news.
            self.scan.at = at;
            self.scan.skip()?;
            let wants = Wants::Node(node);
            Err(Miss { at, wants })
        }
    }

    fn object(&mut self, fields: &'s [(Box<str>, Node)]) -> Result<(), Miss<'s>> {
        let at = self.scan.at;
        self.scan.open()?;
        let mut seen = 0u64;
        let mut next = 0;
        let mut none = true;
        while self.scan.more(b'}', none)? {
            none = false;
            let key = self.scan.key()?;
            match find(fields, &key, next) {
                Some(index) => {
                    seen |= 1 << index;
                    next = index + 1;
                    self.value(&fields[index].1)?;
                }
                None => {
                    self.scan.skip()?;
                }
            }
        }
        let missing = fields
            .iter()
            .enumerate()
            .find(|(index, (_, node))| seen & (1 << index) == 0 && !node.is_optional());
        match missing {
            None => Ok(()),
            Some((_, (name, node))) => {
                let wants = Wants::Field(name, node);
                Err(Miss { at, wants })
            }
        }
    }

    fn array(&mut self, node: &'s Node, items: &'s [Node], repeated: bool) -> Result<(), Miss<'s>> {
        let at = self.scan.at;
        self.scan.open()?;
        for (index, item) in items.iter().enumerate() {
            if !self.scan.more(b']', index == 0)? {
                let missing = items[index..].iter().zip(index..);
                return match missing.into_iter().find(|(item, _)| !item.is_optional()) {
                    None if !repeated => Ok(()),
                    None => {
                        // Closed before the rows began: there are none.
                        self.rows = None;
                        Ok(())
                    }
                    Some((item, index)) => {
                        let wants = Wants::Element(index, item);
                        Err(Miss { at, wants })
                    }
                };
            }
            self.value(item)?;
        }
        if repeated {
            self.remember_rows(node, b']', items.is_empty())
        } else {
            self.skip_rest(b']', items.is_empty())
        }
    }

    fn remember_rows(&mut self, node: &'s Node, close: u8, first: bool) -> Result<(), Miss<'s>> {
        let scan = self.scan;
        self.rows = Some(Rows { node, scan, first });
        self.skip_rest(close, first)
    }

    fn skip_rest(&mut self, close: u8, mut first: bool) -> Result<(), Miss<'s>> {
        while self.scan.more(close, first)? {
            first = false;
            if close == b'}' {
                self.scan.key()?;
            }
            self.scan.skip()?;
        }
        Ok(())
    }

    fn hole(&mut self, slot: &'s Slot) -> Result<(), Miss<'s>> {
        let at = self.scan.at;
        let scalar = match self.scan.peek() {
            Some(b'"') => {
                let string = self.scan.string()?;
                if let Some(Scalar::Text(known)) = self.bindings.get(slot.hole) {
                    return equal(string.is(known), at, slot);
                }
                Scalar::Text(string.keep())
            }
            Some(b'-' | b'0'..=b'9') => number(self.scan.number()?),
            Some(b'n') => {
                self.scan.word("null")?;
                if slot.is_optional() {
                    return Ok(());
                }
                // An id that is null is none: `$name?` or `$_` says that nothing may come.
                return Err(Miss { at, wants: Wants::Value });
            }
            Some(b't') => self.scan.word("true").map(|()| Scalar::Bool(true))?,
            Some(b'f') => self.scan.word("false").map(|()| Scalar::Bool(false))?,
            _ => Scalar::Json(self.scan.skip()?.into()),
        };
        equal(self.bindings.unify(slot.hole, scalar), at, slot)
    }
}

fn equal<'s>(equal: bool, at: usize, slot: &'s Slot) -> Result<(), Miss<'s>> {
    let wants = Wants::Bound(slot.hole);
    if equal { Ok(()) } else { Err(Miss { at, wants }) }
}

/// The field of this name. Servers mostly write fields in the documented order, so the search
/// begins after the last one found.
fn find(fields: &[(Box<str>, Node)], key: &Str<'_>, next: usize) -> Option<usize> {
    let count = fields.len();
    (0..count).map(|step| (next + step) % count).find(|&index| key.is(&fields[index].0))
}

/// An integer of 64 bits, or the digits as they stand.
fn number(digits: &str) -> Scalar {
    match digits.parse::<i64>() {
        Ok(number) if digits != "-0" => Scalar::Int(number),
        _ => Scalar::Json(digits.into()),
    }
}

/// `1` equals `1.0` and `1e0`; whole numbers are compared digit by digit.
fn same_number(found: &str, wanted: &str) -> bool {
    let whole = |text: &str| !text.contains(['.', 'e', 'E']);
    if whole(found) && whole(wanted) {
        return found == wanted;
    }
    match (found.parse::<f64>(), wanted.parse::<f64>()) {
        (Ok(found), Ok(wanted)) => found == wanted,
        _ => false,
    }
}

impl Miss<'_> {
    /// Puts the difference into words.
    pub(super) fn explain(&self, json: &str, bindings: &Bindings) -> Mismatch {
        let mut pointer = pointer_to(json, self.at);
        let (expected, missing) = match self.wants {
            Wants::Json(what) => (what.to_owned(), false),
            Wants::Node(node) => (describe(node), false),
            Wants::Value => ("a value".to_owned(), false),
            Wants::Bound(hole) => {
                let known = bindings.get(hole);
                let known = known.map_or_else(String::new, |known| excerpt(&known.text()));
                (format!("the value bound before, {known}"), false)
            }
            Wants::Field(name, node) => {
                push_token(&mut pointer, name);
                (describe(node), true)
            }
            Wants::Element(index, node) => {
                push_token(&mut pointer, &index.to_string());
                (describe(node), true)
            }
        };
        let rest = json.get(self.at..).unwrap_or("");
        let value = Scan::new(rest).skip().unwrap_or(rest);
        let found = if missing || value.is_empty() { "nothing".to_owned() } else { excerpt(value) };
        Mismatch { pointer, expected, found }
    }
}

/// What a node wants, in a word.
fn describe(node: &Node) -> String {
    match node {
        Node::Anything | Node::Hole(_) => "a value".to_owned(),
        Node::Null => "`null`".to_owned(),
        Node::Bool(value) => format!("`{value}`"),
        Node::Number(digits) => format!("`{digits}`"),
        Node::String(text) => {
            let mut json = String::new();
            write_json_string(text, &mut json);
            excerpt(&json)
        }
        Node::Pattern(_) => "a text of the given form".to_owned(),
        Node::Array { .. } => "a list".to_owned(),
        Node::Object(_) => "an object".to_owned(),
        Node::Entries { .. } => "an object with an entry per row".to_owned(),
    }
}

/// At most this many characters of what came are shown.
const EXCERPT: usize = 60;

fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        None => format!("`{text}`"),
        Some((end, _)) => format!("`{}…`", &text[..end]),
    }
}

fn push_token(pointer: &mut String, name: &str) {
    pointer.push('/');
    for letter in name.chars() {
        match letter {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

/// The JSON Pointer of the value at (or around) the byte `target`.
fn pointer_to(json: &str, target: usize) -> String {
    let mut pointer = String::new();
    let _ = locate(&mut Scan::new(json), target, &mut pointer);
    pointer
}

/// Walks one value; `Ok(true)` or an error: the target is inside, and `pointer` leads there.
fn locate(scan: &mut Scan<'_>, target: usize, pointer: &mut String) -> Result<bool, Broken> {
    let first = scan.peek();
    if scan.at >= target {
        return Ok(true);
    }
    let close = match first {
        Some(b'{') => b'}',
        Some(b'[') => b']',
        _ => {
            scan.skip()?;
            return Ok(scan.at > target);
        }
    };
    scan.open()?;
    let mut index = 0;
    while scan.more(close, index == 0)? {
        scan.peek();
        if scan.at > target {
            return Ok(true);
        }
        let parent = pointer.len();
        if close == b'}' {
            let key = scan.key()?;
            push_token(pointer, &key.plain());
        } else {
            push_token(pointer, &index.to_string());
        }
        if locate(scan, target, pointer)? {
            return Ok(true);
        }
        pointer.truncate(parent);
        index += 1;
    }
    Ok(scan.at > target)
}
