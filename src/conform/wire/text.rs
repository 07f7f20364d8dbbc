//! Text with holes: what a case sends, and what it expects.
//!
//! | in the text | means |
//! |---|---|
//! | `$name`, `${name}` | what the hole was bound to; names are letters |
//! | `␞` | the byte 0x1e, which stands between two packets of a payload |
//! | `\xff` | this byte |
//! | `<a*100>`, `<a*$max+1>`, `<a*$max-1>` | so many times `a` |
//!
//! It knows no packet and no socket. Start with [`Template`] and [`Pattern`].

use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What stands between two packets of a payload, as it is written in a script.
pub(super) const SEPARATOR: char = '␞';

/// No case needs more: a mistaken figure of the server must not eat the memory.
const REPEATED_MAX: u64 = 256 << 20;

/// What holes are bound to.
pub(super) type Holes = BTreeMap<String, String>;

/// Text with holes, compiled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Bytes(Vec<u8>),
    Hole(String),
    Repeat { unit: Vec<u8>, hole: Option<String>, more: i64 },
}

/// What one packet is to look like: a beginning, and JSON behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    source: String,
    beginning: Template,
    rest: Rest,
}

#[derive(Clone, Debug, PartialEq)]
enum Rest {
    Nothing,
    Anything,
    /// Objects may have more fields; `"$x"` binds or compares, `"*"` is any value.
    Json(Value),
}

impl Template {
    /// Compiles a text.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let behind = &rest[first.len_utf8()..];
            rest = match first {
                '$' => {
                    let (name, behind) = split_name(behind);
                    if name.is_empty() {
                        return Err("a `$` without a name".into());
                    }
                    parts.push(Part::Hole(name.to_owned()));
                    behind
                }
                '<' => {
                    let (inside, behind) = behind.split_once('>').ok_or("a `<` without its `>`")?;
                    parts.push(repeat(inside)?);
                    behind
                }
                '\\' => {
                    let digits = behind.strip_prefix('x').and_then(|hex| hex.get(..2));
                    let byte = digits.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                    push(&mut parts, &[byte.ok_or("a `\\` that is no `\\xff`")?]);
                    &behind[3..]
                }
                SEPARATOR => {
                    push(&mut parts, &[0x1e]);
                    behind
                }
                other => {
                    push(&mut parts, other.encode_utf8(&mut [0; 4]).as_bytes());
                    behind
                }
            };
        }
        Ok(Self(parts))
    }

    /// The bytes, holes filled.
    ///
    /// # Errors
    /// The name of a hole that is not bound, or not to a number where one is needed.
    pub(super) fn fill(&self, holes: &Holes) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let value = |name: &String| holes.get(name).ok_or_else(|| name.clone());
        for part in &self.0 {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::Hole(name) => out.extend_from_slice(value(name)?.as_bytes()),
                Part::Repeat { unit, hole, more } => {
                    let count = match hole {
                        Some(name) => value(name)?.parse::<u64>().map_err(|_| name.clone())?,
                        None => 0,
                    };
                    let count =
                        count.saturating_add_signed(*more).min(REPEATED_MAX / unit.len() as u64);
                    out.extend(unit.repeat(count as usize));
                }
            }
        }
        Ok(out)
    }

    /// The text, holes filled.
    pub(super) fn fill_text(&self, holes: &Holes) -> Result<String, String> {
        self.fill(holes).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The names of the holes.
    pub(super) fn holes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Hole(name) | Part::Repeat { hole: Some(name), .. } => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let json = text.find(['{', '[']).filter(|at| !text[..*at].contains('*'));
        let (beginning, rest) = match (json, text.strip_suffix('*')) {
            (Some(at), _) => {
                let value = serde_json::from_str(&text[at..])
                    .map_err(|error| format!("`{}` is not JSON: {error}", &text[at..]))?;
                (&text[..at], Rest::Json(value))
            }
            (None, Some(beginning)) => (beginning, Rest::Anything),
            (None, None) => (text, Rest::Nothing),
        };
        Ok(Self { source: text.to_owned(), beginning: Template::parse(beginning)?, rest })
    }

    /// Whether a packet looks like this; if so, its holes are bound.
    pub(super) fn matches(&self, packet: &str, holes: &mut Holes) -> bool {
        let Ok(beginning) = self.beginning.fill_text(holes) else {
            return false;
        };
        let Some(behind) = packet.strip_prefix(&beginning) else {
            return false;
        };
        match &self.rest {
            Rest::Nothing => behind.is_empty(),
            Rest::Anything => true,
            Rest::Json(pattern) => {
                let mut bound = holes.clone();
                let fits = serde_json::from_str(behind)
                    .is_ok_and(|value| is_like(pattern, &value, &mut bound));
                if fits {
                    *holes = bound;
                }
                fits
            }
        }
    }

    /// Whether a text packet that begins like `start` is something this pattern could mean.
    pub(super) fn speaks_of(&self, start: &str, holes: &Holes) -> bool {
        let beginning = self.beginning.fill_text(holes).unwrap_or_default();
        beginning.starts_with(start)
    }

    /// The names of the holes that must be bound before.
    pub(super) fn needs(&self) -> impl Iterator<Item = &str> {
        self.beginning.holes()
    }

    /// The names of the holes that it binds.
    pub(super) fn binds(&self) -> Vec<String> {
        let mut names = Vec::new();
        if let Rest::Json(value) = &self.rest {
            collect_holes(value, &mut names);
        }
        names
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// Splits behind the letters of a name, or behind the brace of `{name}`.
fn split_name(text: &str) -> (&str, &str) {
    if let Some(split) = text.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
        return split;
    }
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    text.split_at(end)
}

/// The inside of `<a*$max+1>`.
fn repeat(inside: &str) -> Result<Part, String> {
    let wrong = || format!("`<{inside}>` is no `<text*number>`");
    let (unit, count) = inside.rsplit_once('*').ok_or_else(wrong)?;
    let (hole, more) = match count.strip_prefix('$') {
        Some(count) => {
            let (name, more) = split_name(count);
            (Some(name.to_owned()), if more.is_empty() { "0" } else { more })
        }
        None => (None, count),
    };
    let more = more.parse().map_err(|_| wrong())?;
    if unit.is_empty() || hole.as_ref().is_some_and(String::is_empty) {
        return Err(wrong());
    }
    Ok(Part::Repeat { unit: unit.as_bytes().to_vec(), hole, more })
}

fn push(parts: &mut Vec<Part>, bytes: &[u8]) {
    match parts.last_mut() {
        Some(Part::Bytes(last)) => last.extend_from_slice(bytes),
        _ => parts.push(Part::Bytes(bytes.to_vec())),
    }
}

fn is_like(pattern: &Value, value: &Value, holes: &mut Holes) -> bool {
    match (pattern, value) {
        (Value::String(text), _) if text == "*" => true,
        (Value::String(text), _) if text.starts_with('$') => {
            let shown = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            holes.entry(text[1..].to_owned()).or_insert_with(|| shown.clone()) == &shown
        }
        (Value::Object(wanted), Value::Object(there)) => wanted
            .iter()
            .all(|(name, field)| there.get(name).is_some_and(|value| is_like(field, value, holes))),
        (Value::Array(wanted), Value::Array(there)) => {
            wanted.len() == there.len()
                && wanted.iter().zip(there).all(|(one, value)| is_like(one, value, holes))
        }
        _ => pattern == value,
    }
}

fn collect_holes(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(text) => names.extend(text.strip_prefix('$').map(str::to_owned)),
        Value::Array(list) => list.iter().for_each(|one| collect_holes(one, names)),
        Value::Object(fields) => fields.values().for_each(|one| collect_holes(one, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holes(pairs: &[(&str, &str)]) -> Holes {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn templates_are_filled() {
        let bound = holes(&[("sid", "s1"), ("max", "3")]);
        for (text, filled) in [
            ("4hello␞2", b"4hello\x1e2".as_slice()),
            ("?sid=$sid&x", b"?sid=s1&x"),
            ("4<ab*2><c*$max+1><d*$max-1>", b"4ababccccdd"),
            ("$sid7${sid}x", b"s17s1x"),
            ("4\\xffé", b"4\xff\xc3\xa9"),
        ] {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.fill(&bound).unwrap(), filled, "{text}");
        }
        assert_eq!(Template::parse("$no").unwrap().fill(&bound), Err("no".into()));
        for wrong in ["$", "<a", "<a>", "<*3>", "<a*x>", "<a*$max1x>", "\\q", "\\xg0"] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns_match_and_bind() {
        let rows = [
            ("3probe", "3probe", true),
            ("3probe", "3", false),
            ("4*", "40", true),
            ("43$ns7*", "43/a,7[]", true),
            ("43$ns7*", "43/b,7[]", false),
            (r#"0{"sid":"$x","upgrades":[]}"#, r#"0{"upgrades":[],"sid":"q","more":1}"#, true),
            (r#"0{"upgrades":[]}"#, r#"0{"upgrades":["websocket"]}"#, false),
            (r#"0{"a":"*"}"#, r#"0{"a":[1]}"#, true),
            (r#"0{"a":"*"}"#, "0{", false),
            (r#"4["$ns"]"#, r#"4["/a,"]"#, true),
            (r#"4["$ns"]"#, r#"4["/b,"]"#, false),
        ];
        for (pattern, packet, fits) in rows {
            let mut bound = holes(&[("ns", "/a,")]);
            let matched = Pattern::parse(pattern).unwrap().matches(packet, &mut bound);
            assert_eq!(matched, fits, "{pattern} {packet}");
            assert_eq!(bound.get("x").map(String::as_str), pattern.contains("$x").then_some("q"));
        }
        assert!(Pattern::parse("0{").is_err());
        assert_eq!(Pattern::parse(r#"0[{"a":"$b"}]"#).unwrap().binds(), ["b"]);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text: String, odd in "[$<>*\\\\x0-9a{\\[␞+]*", packet: String) {
            for text in [&text, &odd] {
                if let Ok(template) = Template::parse(text) {
                    let _ = template.fill(&holes(&[("a", "7")]));
                }
                if let Ok(pattern) = Pattern::parse(text) {
                    pattern.matches(&packet, &mut Holes::new());
                }
            }
        }
    }
}
