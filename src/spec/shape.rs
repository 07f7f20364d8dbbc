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
//! [`matching`](super::matching) and [`fill`](super::fill) are the two directions; the YAML is read
//! in [`grammar`](super::grammar).

use crate::scalar::Scalar;
use crate::spec::bindings::{Bindings, Hole};
use crate::spec::fill::{self, Piece};
use crate::spec::matching;
use crate::spec::text::Text;

/// A piece of JSON with holes, compiled.
#[derive(Clone, Debug)]
pub struct Shape {
    root: Node,
    pieces: Vec<Piece>,
}

/// A hole at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) hole: Hole,
    pub(super) unbound: WhenUnbound,
}

/// What is sent for a hole that is unbound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WhenUnbound {
    /// `$name`: nothing can be sent.
    Refuse,
    /// `$name?`: its surroundings are left out.
    LeaveOut,
    /// `$name|default`
    Send(Scalar),
}

impl Slot {
    pub(super) fn is_optional(&self) -> bool {
        self.unbound != WhenUnbound::Refuse
    }
}

/// What must stand at one place.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Anything,
    Hole(Slot),
    Null,
    Bool(bool),
    Number(Box<str>),
    String(Box<str>),
    Pattern(Text),
    Array { items: Vec<Self>, each: Option<Box<Self>> },
    Object(Vec<(Box<str>, Self)>),
    Entries { key: Text, value: Box<Self> },
}

impl Node {
    /// Whether nothing or `null` may stand here when receiving.
    pub(super) fn is_optional(&self) -> bool {
        match self {
            Self::Hole(slot) => slot.is_optional(),
            Self::Pattern(text) => text.is_optional(),
            _ => false,
        }
    }

    /// Calls `see` with each hole, whether it is optional, and whether it stands in the rows.
    pub(super) fn walk(&self, in_rows: bool, see: &mut dyn FnMut(Hole, bool, bool)) {
        let text_holes = |text: &Text, in_rows, see: &mut dyn FnMut(Hole, bool, bool)| {
            for (hole, optional) in text.holes() {
                see(hole, optional, in_rows);
            }
        };
        match self {
            Self::Hole(slot) => see(slot.hole, slot.is_optional(), in_rows),
            Self::Pattern(text) => text_holes(text, in_rows, see),
            Self::Array { items, each } => {
                items.iter().for_each(|item| item.walk(in_rows, see));
                if let Some(each) = each {
                    each.walk(true, see);
                }
            }
            Self::Object(fields) => fields.iter().for_each(|(_, node)| node.walk(in_rows, see)),
            Self::Entries { key, value } => {
                text_holes(key, true, see);
                value.walk(true, see);
            }
            _ => {}
        }
    }

    fn glean(&self, json: &serde_json::Value, bindings: &mut Bindings) {
        use serde_json::Value;
        match (self, json) {
            (Self::Hole(slot), value) if !value.is_null() && bindings.get(slot.hole).is_none() => {
                let scalar = match (value.as_str(), value.as_i64()) {
                    (Some(text), _) => Scalar::Text(text.into()),
                    (_, Some(number)) => Scalar::Int(number),
                    _ => Scalar::Json(value.to_string().into()),
                };
                bindings.set(slot.hole, scalar);
            }
            (Self::Array { items, .. }, Value::Array(values)) => {
                items.iter().zip(values).for_each(|(item, value)| item.glean(value, bindings));
            }
            (Self::Object(fields), Value::Object(values)) => {
                for (name, node) in fields {
                    if let Some(value) = values.get(&**name) {
                        node.glean(value, bindings);
                    }
                }
            }
            _ => {}
        }
    }

    /// How many repeated parts there are that are not inside one another.
    pub(super) fn repeats(&self) -> usize {
        match self {
            Self::Array { items, each } => {
                items.iter().map(Self::repeats).sum::<usize>() + usize::from(each.is_some())
            }
            Self::Object(fields) => fields.iter().map(|(_, node)| node.repeats()).sum(),
            Self::Entries { .. } => 1,
            _ => 0,
        }
    }

    /// Whether `$_` occurs: then it can't be sent.
    pub(super) fn has_anything(&self) -> bool {
        match self {
            Self::Anything => true,
            Self::Pattern(text) => text.has_anything(),
            Self::Array { items, each } => {
                items.iter().any(Self::has_anything)
                    || each.as_ref().is_some_and(|each| each.has_anything())
            }
            Self::Object(fields) => fields.iter().any(|(_, node)| node.has_anything()),
            Self::Entries { key, value } => key.has_anything() || value.has_anything(),
            _ => false,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::bindings::HoleTable;
    use proptest::prelude::*;

    fn shape(yaml: &str) -> (Shape, HoleTable) {
        let mut holes = HoleTable::new();
        let shape = Shape::parse(yaml, &mut holes)
            .unwrap_or_else(|list| panic!("{yaml}: {}", crate::source::render(&list)));
        (shape, holes)
    }

    fn filled(yaml: &str, bindings: &[(&str, Scalar)]) -> Result<String, String> {
        let (shape, mut holes) = shape(yaml);
        let mut bound = Bindings::new();
        for (name, scalar) in bindings {
            bound.set(holes.intern(name), scalar.clone());
        }
        let mut out = String::from(">");
        let filled = shape.fill(&bound, &mut out);
        filled.map(|()| out[1..].to_owned()).map_err(|Unbound(hole)| {
            assert_eq!(out, ">");
            holes.name(hole).to_owned()
        })
    }

    /// The bindings as `name=text`, or the mismatch.
    fn matched(yaml: &str, json: &str) -> Result<String, String> {
        let (shape, holes) = shape(yaml);
        let mut bindings = Bindings::new();
        let matched = shape.matches(json, &mut bindings);
        let mut again = Bindings::new();
        assert_eq!(shape.fits(json, &mut again), matched.is_ok());
        match matched {
            Ok(()) => Ok(words(&bindings, &holes)),
            Err(mismatch) => {
                assert_eq!((bindings.mark(), again.mark()), (0, 0));
                Err(mismatch.to_string())
            }
        }
    }

    fn words(bindings: &Bindings, holes: &HoleTable) -> String {
        let pairs = bindings.iter().map(|(hole, scalar)| format!("{}={scalar}", holes.name(hole)));
        pairs.collect::<Vec<_>>().join(" ")
    }

    fn rows(yaml: &str, json: &str) -> (Vec<String>, Result<usize, String>) {
        let (shape, holes) = shape(yaml);
        let mut list = Vec::new();
        let count = shape.rows(json, &Bindings::new(), &mut |row| list.push(words(row, &holes)));
        (list, count.map_err(|mismatch| mismatch.to_string()))
    }

    const SEND: &str = r#"["message:send", $conversation, { text: $text, clientMessageId: $key }]"#;

    #[test]
    fn a_message_goes_out() {
        let bindings = [
            ("conversation", Scalar::Int(7)),
            ("text", Scalar::from("say \"hi\"")),
            ("key", Scalar::from("k-1")),
        ];
        assert_eq!(
            filled(SEND, &bindings).unwrap(),
            r#"["message:send",7,{"text":"say \"hi\"","clientMessageId":"k-1"}]"#
        );
        assert_eq!(filled(SEND, &bindings[..2]), Err("key".to_owned()));
    }

    #[test]
    fn what_is_optional_is_left_out() {
        let yaml = "{ a: $since?, b: x, c: $limit?, d: 'p:$page?' }";
        assert_eq!(filled(yaml, &[]).unwrap(), r#"{"b":"x"}"#);
        let all = [("since", 1i64), ("limit", 2), ("page", 3)].map(|(n, v)| (n, Scalar::Int(v)));
        assert_eq!(filled(yaml, &all).unwrap(), r#"{"a":1,"b":"x","c":2,"d":"p:3"}"#);
        assert_eq!(filled(yaml, &all[1..2]).unwrap(), r#"{"b":"x","c":2}"#);
        assert_eq!(filled("{ a: $since? }", &[]).unwrap(), "{}");
        let list = "[x, $since?, $limit?]";
        assert_eq!(filled(list, &[]).unwrap(), r#"["x"]"#);
        assert_eq!(filled(list, &all[..1]).unwrap(), r#"["x",1]"#);
        assert_eq!(filled(list, &all[1..]).unwrap(), r#"["x"]"#);
        assert_eq!(filled(list, &all).unwrap(), r#"["x",1,2]"#);
    }

    #[test]
    fn defaults_are_sent() {
        assert_eq!(
            filled("{ type: $type|text, limit: $limit|50, on: '${flag|true}!' }", &[]).unwrap(),
            r#"{"type":"text","limit":50,"on":"true!"}"#
        );
        let other = [("limit", Scalar::Int(9))];
        assert_eq!(filled("[$limit|50]", &other).unwrap(), "[9]");
    }

    #[test]
    fn constants_stay_what_they_are() {
        let yaml = "[1, -2.50, 12345678901234567890123, '1', true, null, $$x, \"\", {}, []]";
        let json = r#"[1,-2.50,12345678901234567890123,"1",true,null,"$x","",{},[]]"#;
        assert_eq!(filled(yaml, &[]).unwrap(), json);
        assert_eq!(matched(yaml, json), Ok(String::new()));
        assert_eq!(matched("[1]", "[1.0]"), Ok(String::new()));
        assert!(matched("[12345678901234567890123]", "[12345678901234567890124]").is_err());
    }

    #[test]
    fn a_message_comes_in() {
        let yaml = r#"["message:new", { id: $message, conversationId: $conversation, text: $text, clientMessageId: $key? }]"#;
        let json = r#" [ "message:new" , {"text":"a\u00e9\n","extra":{"x":[1,2,{}]}, "id":9007199254740993,
            "conversationId":"c"} , null, 5]"#;
        assert_eq!(
            matched(yaml, json),
            Ok("text=aé\n message=9007199254740993 conversation=c".to_owned())
        );
        let null =
            r#"["message:new",{"id":1,"conversationId":2,"text":"","clientMessageId":null}]"#;
        assert_eq!(matched(yaml, null), Ok("message=1 conversation=2 text=".to_owned()));
    }

    #[test]
    fn other_json_is_kept_verbatim() {
        let json = r#"[{"a": [1]}, 1.50, 18446744073709551616, -0, false]"#;
        assert_eq!(
            matched("[$a, $b, $c, $d, $e]", json),
            Ok(r#"a={"a": [1]} b=1.50 c=18446744073709551616 d=-0 e=false"#.to_owned())
        );
        assert_eq!(
            matched("[$a]", "[null]"),
            Err("at /0: expected a value, found `null`".to_owned())
        );
        assert_eq!(matched("[$_, $a?]", "[null, null]"), Ok(String::new()));
    }

    #[test]
    fn a_bound_hole_must_be_equal() {
        assert_eq!(matched("[$message, $message]", r#"[17, "17"]"#), Ok("message=17".to_owned()));
        assert_eq!(
            matched("[$message, $message]", "[17, 18]"),
            Err("at /1: expected the value bound before, `17`, found `18`".to_owned())
        );
    }

    #[test]
    fn what_is_told_of_a_malformed_message_is_gleaned() {
        let (shape, holes) = shape(SEND);
        for (json, told) in [
            (r#"["message:send",7,{"text":null,"clientMessageId":"k"}]"#, "conversation=7 key=k"),
            (r#"["message:send",{"text":[1],"clientMessageId":"k"}]"#, ""),
            ("[", ""),
        ] {
            let mut bindings = Bindings::new();
            shape.glean(json, &mut bindings);
            let told_holes = ["conversation", "text", "key"].iter().filter_map(|name| {
                let value = bindings.get(holes.get(name)?)?;
                (*name != "conversation" || matches!(value, Scalar::Int(_)))
                    .then(|| format!("{name}={value}"))
            });
            assert_eq!(told_holes.collect::<Vec<_>>().join(" "), told, "{json}");
        }
    }

    #[test]
    fn a_mismatch_says_where() {
        let yaml = "[x, { success: true, data: { _id: $message, 'a/b': [$_, 'p:$key'] } }]";
        for (json, words) in [
            (r#"["y"]"#, r#"at /0: expected `"x"`, found `"y"`"#),
            (r#"["x"]"#, "at /1: expected an object, found nothing"),
            (r#"["x",7]"#, "at /1: expected an object, found `7`"),
            (r#"["x",{"success":false}]"#, "at /1/success: expected `true`, found `false`"),
            (r#"["x",{"success":true}]"#, "at /1/data: expected an object, found nothing"),
            (
                r#"["x",{"success":true,"data":{"_id":1,"a/b":[{},"q:1"]}}]"#,
                r#"at /1/data/a~1b/1: expected a text of the given form, found `"q:1"`"#,
            ),
            (r#"["x",{"success":tru}]"#, "at /1/success: expected a JSON value, found `tru}]`"),
            (r#"["x","#, "at /1: expected a JSON value, found nothing"),
            ("", "at the top: expected a JSON value, found nothing"),
        ] {
            assert_eq!(matched(yaml, json), Err(words.to_owned()), "{json}");
        }
        let long = format!(r#"["{}"]"#, "é".repeat(200));
        let mismatch = matched(yaml, &long).unwrap_err();
        assert!(mismatch.ends_with("é…`"), "{mismatch}");
    }

    #[test]
    fn lists_have_rows() {
        let yaml = "{ messages: [{ id: $message, text: $text? }, ...], total: $count }";
        let json = r#"{"messages":[{"id":1,"text":"a"},{"id":2}],"total":2}"#;
        let expected = ["count=2 message=1 text=a", "count=2 message=2"];
        assert_eq!(rows(yaml, json), (expected.map(str::to_owned).into(), Ok(2)));
        assert_eq!(matched(yaml, json), Ok("count=2".to_owned()));
        assert_eq!(rows(yaml, r#"{"messages":[],"total":0}"#), (vec![], Ok(0)));
        let (before, error) = rows(yaml, r#"{"messages":[{"id":1},7],"total":2}"#);
        assert_eq!(before, ["count=2 message=1"]);
        assert_eq!(error, Err("at /messages/1: expected an object, found `7`".to_owned()));
        let one = rows("{ id: $message }", r#"{"id":3}"#);
        assert_eq!(one, (vec!["message=3".to_owned()], Ok(1)));
    }

    #[test]
    fn objects_have_rows_keyed_by_a_hole() {
        let yaml = "{ rooms: { $conversation: { $message: { text: $text } } } }";
        let json =
            r#"{"rooms":{"a":{"1":{"text":"x"},"2":{"text":"y"}},"b":{},"c":{"3":{"text":"z"}}}}"#;
        let expected = [
            "conversation=a message=1 text=x",
            "conversation=a message=2 text=y",
            "conversation=c message=3 text=z",
        ];
        assert_eq!(rows(yaml, json), (expected.map(str::to_owned).into(), Ok(3)));
    }

    #[test]
    fn rows_go_out_as_they_come_in() {
        for (yaml, json) in [
            (
                "[x, { id: $message, seen: $status? }, ...]",
                r#"["x",{"id":1},{"id":2,"seen":true}]"#,
            ),
            (
                "{ rooms: { $conversation: { $message: [$text] } }, n: $count }",
                r#"{"rooms":{"a":{"1":["x"],"2":["y"]},"c":{"3":["z"]}},"n":3}"#,
            ),
            (
                "[{ of: $conversation, ids: [$message, ...] }, ...]",
                r#"[{"of":1,"ids":[1,2]},{"of":2,"ids":[3]}]"#,
            ),
        ] {
            let (shape, _) = shape(yaml);
            let mut list = Vec::new();
            shape.rows(json, &Bindings::new(), &mut |row| list.push(row.clone())).unwrap();
            let mut out = String::new();
            shape.fill_rows(&list[0], &list, &mut out).unwrap();
            assert_eq!(out, json);
        }
    }

    #[test]
    fn holes_are_told_in_order() {
        let (send, holes) = shape(SEND);
        let told = send.holes();
        let names: Vec<_> = told.iter().map(|(hole, _)| holes.name(*hole)).collect();
        assert_eq!(names, ["conversation", "text", "key"]);
        assert_eq!(send.event(), Some("message:send"));
        let (frame, _) = shape("{ type: message, id: $message }");
        assert_eq!(frame.constants().collect::<Vec<_>>(), [("type", "message")]);
    }

    #[test]
    fn bad_shapes_are_refused() {
        for yaml in [
            "[$a$b]",
            "[$]",
            "['x $ y']",
            "['${a']",
            "['${a b}']",
            "[..., x]",
            "[a, ..., b]",
            "[$a?, x]",
            "{ $a: 1, b: 2 }",
            "[[x, ...], [y, ...]]",
            "{ a: { $x: 1 }, b: [y, ...] }",
        ] {
            assert!(Shape::parse(yaml, &mut HoleTable::new()).is_err(), "{yaml}");
        }
    }

    /// A shape in the JSON subset of YAML, with holes of distinct names.
    fn any_shape() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("$x".to_owned()),
            Just("$x?".to_owned()),
            Just("\"a$x/\"".to_owned()),
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("7".to_owned()),
            Just("\"é\\n\"".to_owned()),
            Just("$x|7".to_owned()),
        ];
        let nested = leaf.prop_recursive(3, 12, 4, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                list.clone().prop_map(|items| format!("[{}]", items.join(", "))),
                list.prop_map(|items| {
                    let fields = items.iter().enumerate();
                    let fields = fields.map(|(i, item)| format!("\"f{i}\": {item}"));
                    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
                }),
                inner.prop_map(|item| format!("[{item}, ...]")),
            ]
        });
        nested.prop_map(|yaml| {
            let mut pieces = yaml.split("$x");
            let first = pieces.next().unwrap_or("").to_owned();
            let rest = pieces.enumerate();
            rest.fold(first, |all, (i, piece)| format!("{all}$h{i}{piece}"))
        })
    }

    fn any_scalar() -> impl Strategy<Value = Scalar> {
        prop_oneof![
            any::<i64>().prop_map(Scalar::Int),
            any::<bool>().prop_map(Scalar::Bool),
            "[^/]{0,30}".prop_map(|text| Scalar::from(&*text)),
            Just(Scalar::Json("[1, {\"a\":2.5}]".into())),
        ]
    }

    proptest! {
        #[test]
        fn filled_then_matched_gives_the_bindings_back(
            yaml in any_shape(),
            values in proptest::collection::vec(any_scalar(), 30),
        ) {
            let mut holes = HoleTable::new();
            let Ok(shape) = Shape::parse(&yaml, &mut holes) else { return Ok(()) };
            let mut bound = Bindings::new();
            for (hole, _) in shape.holes() {
                bound.set(hole, values[usize::from(hole.0) % values.len()].clone());
            }
            let mut json = String::new();
            shape.fill(&bound, &mut json).unwrap();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{}", json);
            let mut back = Vec::new();
            shape.rows(&json, &Bindings::new(), &mut |row| back.push(row.clone())).unwrap();
            prop_assert_eq!(back.len(), 1);
            for (hole, value) in bound.iter() {
                prop_assert_eq!(back[0].get(hole), Some(value), "{} {}", yaml, json);
            }
        }

        #[test]
        fn nothing_makes_matching_panic(
            yaml in any_shape(),
            json in "[\\[\\]{}\",:a-f0-9é\\\\ .-]{0,40}|.{0,40}",
        ) {
            let mut holes = HoleTable::new();
            let Ok(shape) = Shape::parse(&yaml, &mut holes) else { return Ok(()) };
            let mut bindings = Bindings::new();
            let matched = shape.matches(&json, &mut bindings);
            prop_assert!(matched.is_ok() || bindings.mark() == 0);
            let _ = shape.rows(&json, &Bindings::new(), &mut |_| ());
        }

        #[test]
        fn a_cut_message_is_a_mismatch(cut in 0usize..60) {
            let (shape, _) = shape(SEND);
            let json = r#"["message:send",7,{"text":"é\n","clientMessageId":"k-1"}]"#;
            if let Some(part) = json.get(..cut.min(json.len() - 1)) {
                prop_assert!(shape.matches(part, &mut Bindings::new()).is_err());
            }
        }
    }
}
