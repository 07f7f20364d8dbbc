//! Reads scripts line by line; a mistake names its line.

use super::{Act, Check, Departure, Expected, Figure, FrameWords, Limit, Script, Step, Wanted};
use crate::conform::wire::text::{Pattern, SEPARATOR, Template};
use crate::conform::wire::tongue::Word;
use crate::transport::frame::opcode;
use crate::wire::handshake::Carrier;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// The holes that are bound before the first line.
pub(in crate::conform::wire) const GIVEN: &[&str] =
    &["ns", "auth", "event", "ask", "head", "tail", "odd"];

/// The methods of HTTP that a script may use.
const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"];

/// What cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Mistake {}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Socket,
    Session,
}

/// What is known at a line.
#[derive(Default)]
struct Reader {
    names: BTreeMap<String, Kind>,
    bound: BTreeSet<String>,
}

pub(super) fn script(text: &str) -> Result<Script, Mistake> {
    let mut reader = Reader::default();
    reader.bound.extend(GIVEN.iter().map(|name| (*name).to_owned()));
    let mut steps = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let act = reader.line(line).map_err(|what| Mistake { line: index + 1, what })?;
        steps.push(Step { text: line.to_owned(), act });
    }
    Ok(Script { steps })
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<Act, String> {
        let (name, rest) = line.split_once(' ').ok_or("a name and what happens are needed")?;
        if name == "pause" {
            return Ok(Act::Pause(limit(rest)?));
        }
        if name == "check" {
            return self.check(rest);
        }
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(format!("`{name}` is no name: letters only"));
        }
        let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let name = name.to_owned();
        match verb {
            "open" => self.open(name, rest),
            "->" => self.send(name, rest),
            "<-" => self.expect(name, rest),
            "mute" if rest.is_empty() => self.known(&name).map(|_| Act::Mute { name }),
            "join" if rest.is_empty() => self.known(&name).map(|_| Act::Join { name }),
            "quiet" => {
                self.known(&name)?;
                Ok(Act::Quiet { name, limit: limit(rest)? })
            }
            "leaves" => {
                self.known(&name)?;
                Ok(Act::Leave { name, how: departure(rest)? })
            }
            other => Err(format!(
                "`{other}` is none of `open`, `join`, `mute`, `->`, `<-`, `quiet`, `leaves`"
            )),
        }
    }

    fn known(&self, name: &str) -> Result<Kind, String> {
        let known = self.names.get(name).copied();
        known.ok_or_else(|| format!("nobody has opened `{name}`"))
    }

    fn new_name(&mut self, name: &str, kind: Kind) -> Result<(), String> {
        match self.names.insert(name.to_owned(), kind) {
            None => Ok(()),
            Some(_) => Err(format!("`{name}` is used twice")),
        }
    }

    fn template(&self, text: &str) -> Result<Template, String> {
        let template = Template::parse(text)?;
        self.needs(template.holes())?;
        Ok(template)
    }

    fn needs<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> Result<(), String> {
        match names.find(|name| !self.bound.contains(*name)) {
            Some(name) => Err(format!("`${name}` is not bound before")),
            None => Ok(()),
        }
    }

    fn pattern(&mut self, text: &str) -> Result<Pattern, String> {
        let pattern = Pattern::parse(text)?;
        self.needs(pattern.needs())?;
        self.bound.extend(pattern.binds());
        Ok(pattern)
    }

    fn open(&mut self, name: String, words: &str) -> Result<Act, String> {
        self.new_name(&name, Kind::Session)?;
        let over = match words {
            "" => None,
            "polling" => Some(Carrier::Polling),
            "websocket" => Some(Carrier::WebSocket),
            other => return Err(format!("`{other}` is none of `polling`, `websocket`")),
        };
        self.bound.insert(name.clone());
        self.bound.extend(["interval", "timeout", "max"].map(str::to_owned));
        Ok(Act::Open { name, over })
    }

    fn send(&mut self, name: String, rest: &str) -> Result<Act, String> {
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        if METHODS.contains(&word) {
            self.new_name(&name, Kind::Request)?;
            let (query, body) = match behind.split_once(' ') {
                Some((query, body)) => (query, Some(self.template(body)?)),
                None => (behind, None),
            };
            let query = self.query(query)?;
            return Ok(Act::Request { name, method: word.to_owned(), query, body });
        }
        if word == "WS" {
            self.new_name(&name, Kind::Socket)?;
            return Ok(Act::Socket { name, query: self.query(behind)? });
        }
        if self.known(&name)? == Kind::Request {
            return Err(format!("`{name}` is a request: it is sent once"));
        }
        if word == "frame" {
            let (frame, text) = frame_words(behind)?;
            return Ok(Act::Frame { name, frame, payload: self.template(text)? });
        }
        Ok(Act::Send { name, payload: self.template(rest)? })
    }

    fn query(&self, text: &str) -> Result<Template, String> {
        let query = text.strip_prefix('?').ok_or("a query begins with `?`")?;
        self.template(query)
    }

    fn expect(&mut self, name: String, rest: &str) -> Result<Act, String> {
        let kind = self.known(&name)?;
        let (rest, if_at_all) = match rest.strip_suffix(" if at all") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (rest, within) = match rest.rsplit_once(" within ") {
            Some((rest, time)) => (rest, Some(limit(time)?)),
            None => (rest, None),
        };
        let all = rest.contains(" and ");
        let joint = if all { " and " } else { " or " };
        let list = rest.split(joint).map(|one| self.expected(kind, one.trim()));
        let list = list.collect::<Result<_, _>>()?;
        Ok(Act::Expect { name, wanted: Wanted { list, all, within, if_at_all } })
    }

    fn expected(&mut self, kind: Kind, text: &str) -> Result<Expected, String> {
        match text {
            "" => return Err("nothing stands where something is expected".into()),
            "refused" => return Ok(Expected::Refused),
            "closed" => return Ok(Expected::Closed),
            "nothing" => return Ok(Expected::Nothing),
            "answer" => return Ok(Expected::Word(Word::Answer)),
            _ => {}
        }
        if let Some(text) = text.strip_prefix("pong ") {
            return Ok(Expected::Pong(self.template(text)?));
        }
        let (first, behind) = text.split_once(' ').unwrap_or((text, ""));
        match (status(first), kind) {
            (Some((from, to)), Kind::Request | Kind::Socket) => {
                let parts = behind.split(SEPARATOR).filter(|part| !part.is_empty());
                let packets = parts.map(|part| self.pattern(part)).collect::<Result<_, _>>()?;
                Ok(Expected::Status { from, to, packets })
            }
            (None, Kind::Request) => Err(format!("`{first}` is no status such as `200` or `4xx`")),
            _ => Ok(Expected::Packet(self.pattern(text)?)),
        }
    }

    fn check(&self, text: &str) -> Result<Act, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let hole = |word: &str| {
            let name = word.strip_prefix('$').ok_or_else(|| format!("`{word}` is no hole"))?;
            self.needs(std::iter::once(name))?;
            Ok::<_, String>(name.to_owned())
        };
        let number = |word: &str| word.parse().map_err(|_| format!("`{word}` is no number"));
        let (name, what) = match words.as_slice() {
            [name, "differs", "from", other] => (name, Check::DiffersFrom(hole(other)?)),
            [name, "is", range] => {
                let (from, to) =
                    range.split_once("..").ok_or("a range such as `1..60000` is needed")?;
                (name, Check::IsWithin(number(from)?, number(to)?))
            }
            [name, "has", least] => (name, Check::HasAtLeast(number(least)? as usize)),
            _ => return Err("`differs from $B`, `is N..M` or `has N` is needed".into()),
        };
        Ok(Act::Check { hole: hole(name)?, what })
    }
}

/// `200`, `4xx`.
fn status(text: &str) -> Option<(u16, u16)> {
    let &[first @ b'1'..=b'5', second, third] = text.as_bytes() else { return None };
    match (second, third) {
        (b'x', b'x') => {
            let from = u16::from(first - b'0') * 100;
            Some((from, from + 99))
        }
        _ => text.parse().ok().map(|status| (status, status)),
    }
}

/// `300ms`, `2s`, `interval`, `0.5 timeout`.
fn limit(text: &str) -> Result<Limit, String> {
    let wrong = || format!("`{text}` is no time: `300ms`, `2s`, `dead`, `0.5 timeout`");
    let (share, word) = match text.split_once(' ') {
        Some((share, word)) => (share.parse().map_err(|_| wrong())?, word),
        None => (1.0, text),
    };
    let figure = match word {
        "interval" => Some(Figure::Interval),
        "timeout" => Some(Figure::Timeout),
        "dead" => Some(Figure::Dead),
        _ => None,
    };
    if let Some(figure) = figure {
        let sane = (0.0..=10.0).contains(&share);
        return if sane { Ok(Limit::Share(share, figure)) } else { Err(wrong()) };
    }
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1000),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    if number > 3_600_000 {
        return Err(wrong());
    }
    Ok(Limit::Fixed(Duration::from_millis(number * unit)))
}

fn departure(text: &str) -> Result<Departure, String> {
    match text.split_once(' ') {
        Some(("close", code)) => {
            let code = code.parse().map_err(|_| format!("`{code}` is no close code"))?;
            Ok(Departure::Close(code))
        }
        None if text.is_empty() || text == "fin" => Ok(Departure::Fin),
        None if text == "rst" => Ok(Departure::Reset),
        _ => Err(format!("`{text}` is none of `close CODE`, `fin`, `rst`")),
    }
}

/// The words in front of a frame's text.
fn frame_words(text: &str) -> Result<(FrameWords, &str), String> {
    let mut frame = FrameWords {
        opcode: opcode::TEXT,
        last: true,
        masked: true,
        reserved: false,
        half: false,
        huge: false,
    };
    let mut rest = text;
    loop {
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        match word {
            "text" => frame.opcode = opcode::TEXT,
            "binary" => frame.opcode = opcode::BINARY,
            "rest" => frame.opcode = opcode::CONTINUE,
            "ping" => frame.opcode = opcode::PING,
            "pong" => frame.opcode = opcode::PONG,
            "close" => frame.opcode = opcode::CLOSE,
            "opcode3" => frame.opcode = opcode::RESERVED_DATA,
            "opcode11" => frame.opcode = opcode::RESERVED_CONTROL,
            "more" => frame.last = false,
            "unmasked" => frame.masked = false,
            "reserved" => frame.reserved = true,
            "half" => frame.half = true,
            "huge" => frame.huge = true,
            _ if rest.len() == text.len() => {
                return Err(format!("`{word}` is no word for a frame"));
            }
            _ => return Ok((frame, rest)),
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_script_is_read() {
        let text = "
            # a comment
            h -> POST ?EIO=4&transport=polling 4hello␞2
            h <- 200 0{\"sid\":\"$sid\"} or 4xx
            w -> WS ?EIO=4&sid=$sid
            w <- 101
            w -> frame half reserved text 4a b
            a open polling
            a mute
            a <- 43$ns7* and 41 within 0.5 dead if at all
            a quiet 300ms
            a leaves close 1000
            check $sid differs from $a";
        let script = Script::parse(text).unwrap();
        assert_eq!(script.steps.len(), 11);
        let Act::Frame { frame, payload, .. } = &script.steps[4].act else { panic!() };
        assert!(frame.half && frame.reserved && frame.masked);
        assert_eq!(payload, &Template::parse("4a b").unwrap());
        let Act::Expect { wanted, .. } = &script.steps[7].act else { panic!() };
        assert!(wanted.all && wanted.if_at_all && wanted.list.len() == 2);
        assert_eq!(wanted.within, Some(Limit::Share(0.5, Figure::Dead)));
        assert!(!script.needs("event"));
        assert!(Script::parse("a open\na -> 42$ns1$event").unwrap().needs("event"));
    }

    #[test]
    fn a_mistake_names_its_line() {
        for (line, what) in [
            ("a", "a name"),
            ("a jump", "`jump` is none of"),
            ("a <- 4", "nobody has opened `a`"),
            ("a-b open", "no name"),
            ("w -> WS ?sid=$sid", "`$sid` is not bound"),
            ("w -> WS sid", "begins with `?`"),
            ("a open loudly", "`loudly`"),
            ("pause soon", "no time"),
            ("pause 11 dead", "no time"),
            ("o leaves politely", "`politely`"),
            ("o -> frame odd 4", "`odd`"),
            ("o open", "used twice"),
            ("r <- closedx", "no status"),
            ("r -> GET ?", "used twice"),
            ("r -> 4", "sent once"),
            ("check $o is nice", "range"),
            ("check o has 3", "no hole"),
            ("o <- 0{", "not JSON"),
        ] {
            let text = format!("o open\nr -> GET ?x\n{line}");
            let mistake = Script::parse(&text).unwrap_err();
            assert_eq!(mistake.line, 3, "{line}");
            assert!(mistake.what.contains(what), "{line}: {mistake}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String, line in "(a|w|check|pause) (->|<-|open|join|mute|quiet|leaves|\\$a)( .{0,12})?") {
            let _ = Script::parse(&text);
            let _ = Script::parse(&format!("a open\n{line}"));
        }
    }
}
