//! The parts of a line that stand alone: how many, how fast, by which way, what is odd, how long.

use super::Parsed;
use super::words::Words;
use crate::fault::{self, Fault, Server};
use crate::history::Due;
use crate::operation::Operation;
use crate::plan::script::{Count, Pace, ServerDeed, Verb};
use crate::plan::text::Kind;
use crate::plan::{Manner, Oddity};
use crate::source;
use std::time::Duration;

pub(super) fn kind(words: &mut Words<'_>) -> Parsed<Kind> {
    if !words.take(&["as"]) {
        return Ok(Kind::Short);
    }
    let word = words.next().unwrap_or_default();
    Kind::parse(word).ok_or_else(|| format!("`{word}` is no kind of text"))
}

/// `5`, `rate`, `rate+1`, `2rate-1`.
pub(super) fn count(word: &str) -> Option<Count> {
    let Some((rates, plus)) = word.split_once("rate") else {
        return Some(Count { rates: 0, plus: word.parse::<u16>().ok()?.into() });
    };
    let rates = if rates.is_empty() { 1 } else { rates.parse().ok()? };
    let plus = if plus.is_empty() { 0 } else { plus.parse().ok()? };
    Some(Count { rates, plus })
}

/// `+2.4ms`: how much later than the others it is released.
pub(super) fn after(words: &mut Words<'_>) -> Parsed<Duration> {
    let Some(after) = words.peek().and_then(|word| word.strip_prefix('+')) else {
        return Ok(Duration::ZERO);
    };
    words.next();
    duration(after)
}

pub(super) fn pace(words: &mut Words<'_>) -> Parsed<Pace> {
    if words.take(&["paced"]) {
        Ok(Pace::Paced)
    } else if words.take(&["every"]) {
        duration(words.next().unwrap_or_default()).map(Pace::Every)
    } else {
        Ok(Pace::AtOnce)
    }
}

/// How it is asked: over which channel, for what, and in which pages.
pub(super) fn manner(words: &mut Words<'_>, verb: &Verb) -> Parsed<Manner> {
    let mut manner = Manner::USUAL;
    if !matches!(verb, Verb::Send { .. } | Verb::Burst { .. } | Verb::Ask { .. }) {
        return Ok(manner);
    }
    if words.take(&["via"]) {
        manner.via = Some(words.next().ok_or("via which channel?")?.into());
    }
    let searches = matches!(verb, Verb::Ask { operation: Operation::Search, .. });
    manner.pattern = searches && words.take(&["as", "pattern"]);
    let reads = matches!(verb, Verb::Ask { operation, .. } if operation.reads());
    if reads && words.take(&["by"]) {
        let rows = words.next().and_then(|word| word.parse().ok()).filter(|rows| *rows > 0);
        manner.rows = Some(rows.ok_or("how many rows? `history by 5`")?);
        if words.take(&["every"]) {
            manner.pause = duration(words.next().unwrap_or_default())?;
        }
    }
    Ok(manner)
}

/// What is odd about the request, if anything more is said.
pub(super) fn oddity(words: &mut Words<'_>, verb: &Verb) -> Parsed<Option<Oddity>> {
    let rest = words.rest();
    if rest.is_empty() || !matches!(verb, Verb::Send { .. } | Verb::Ask { .. }) {
        return Ok(None);
    }
    let odd = Oddity::parse(rest).ok_or_else(|| format!("`{}` means nothing", rest.join(" ")))?;
    words.next = words.words.len();
    Ok(Some(odd))
}

pub(super) fn due(word: &str) -> Parsed<Due> {
    match word {
        "accepted" => Ok(Due::Accepted),
        "refused" => Ok(Due::Refused),
        "harmless" => Ok(Due::Harmless),
        _ => Err(format!("`{word}` is not `accepted`, `refused` or `harmless`")),
    }
}

/// A fault with its figures, up to `for` or the end.
pub(super) fn fault(name: &str, words: &mut Words<'_>) -> Parsed<Verb> {
    if fault::Kind::find(name).is_none() {
        return Err(format!("`{name}` is neither a verb, an operation nor a fault"));
    }
    let mut said = vec![name];
    while let Some(word) = words.peek().filter(|word| *word != "for") {
        said.push(word);
        words.next();
    }
    let fault: Fault = said.join(" ").parse()?;
    if fault.of_server().is_some() {
        return Err(format!("the server does that: `server {fault}`"));
    }
    let lasts = match words.take(&["for"]) {
        true => Some(duration(words.next().unwrap_or_default())?),
        false => None,
    };
    Ok(Verb::Suffer { fault, lasts })
}

/// `5s`, or `-5s` for a clock that is slow.
pub(super) fn skew(word: &str) -> Parsed<i64> {
    let (sign, size) = word.strip_prefix('-').map_or((1, word), |size| (-1, size));
    let millis = i64::try_from(duration(size)?.as_millis()).map_err(|error| error.to_string())?;
    Ok(sign * millis)
}

pub(super) fn server(words: &[&str]) -> Parsed<ServerDeed> {
    let (words, lasts) = match words {
        [words @ .., "for", lasts] => (words, Some(duration(lasts)?)),
        words => (words, None),
    };
    if words.is_empty() {
        return Err("what happens to the server? `restart`, `kill` or `stop for 2s`".into());
    }
    let name = words.join(" ");
    let what = match name.parse::<Fault>() {
        Ok(fault) => fault.of_server(),
        Err(why) if words.len() > 1 => return Err(why),
        Err(_) => None,
    };
    let what = what.ok_or_else(|| format!("`{name}` does not happen to a server"))?;
    let lasts = match what {
        Server::Node(_) | Server::Part(_) => lasts,
        Server::Stop if lasts.is_none() => {
            return Err(format!("how long? `server {name} for 2s`"));
        }
        _ => Some(lasts.unwrap_or_default()),
    };
    Ok(ServerDeed { what, lasts })
}

/// A node, counted from 1.
pub(super) fn node(word: &str) -> Parsed<u32> {
    let number = word.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("`{word}` is no node; they are counted from 1"))
}

pub(super) fn duration(word: &str) -> Parsed<Duration> {
    source::duration(word).ok_or_else(|| format!("`{word}` is no duration: `2s`, `300ms`"))
}
