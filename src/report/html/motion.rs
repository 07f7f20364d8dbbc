//! Which way a line of an argument goes: to the server, from the server, or nowhere.
//!
//! Lines are sentences whose subject is the client, so their verb says it. What is not known here stays
//! with its client, as a moment.

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    ToServer,
    FromServer,
    /// It happened at the client.
    Moment,
}

/// A line as an arrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Motion {
    pub(super) way: Way,
    /// A word or two for the arrow; may be empty.
    pub(super) word: String,
}

use Way::{FromServer, Moment, ToServer};

/// How a line begins, which way it goes, and the word for its arrow. The first that fits counts.
const BEGINNINGS: &[(&str, Way, &str)] = &[
    ("sent ", ToServer, "send"),
    ("sends ", ToServer, "send"),
    ("said that it types", ToServer, "typing"),
    ("said that it stopped", ToServer, "typing"),
    ("stopped typing", ToServer, "typing"),
    ("pressed ", ToServer, "typing"),
    ("said that it read", ToServer, "read"),
    ("said ", ToServer, "say"),
    ("asked ", ToServer, "ask"),
    ("searched ", ToServer, "search"),
    ("left ", ToServer, "leave"),
    ("made attempt", ToServer, "attempt"),
    ("made another", ToServer, "attempt"),
    ("began to connect", ToServer, "connect"),
    ("tried ", ToServer, "try"),
    ("had sent", ToServer, "send"),
    ("had said", ToServer, "say"),
    ("had no", Moment, "nothing"),
    ("had its connection", Moment, "connected"),
    ("had the ack", FromServer, "ack"),
    ("had its ack", FromServer, "ack"),
    ("had ", FromServer, "answer"),
    ("got the ack", FromServer, "ack"),
    ("got an error", FromServer, "error"),
    ("got ", FromServer, "got"),
    ("was pushed ", FromServer, "push"),
    ("was told", FromServer, "told"),
    ("is told", FromServer, "told"),
    ("was shown ", FromServer, "shown"),
    ("was refused", FromServer, "refused"),
    ("was let in", FromServer, "let in"),
    ("saw ", FromServer, "saw"),
    ("found ", FromServer, "found"),
    ("read ", FromServer, "read"),
    ("lost ", Moment, "lost"),
    ("gave up", Moment, "gave up"),
    ("gave the connection up", Moment, "gave up"),
    ("was connected", Moment, "connected"),
    ("was disconnected", Moment, "disconnected"),
    ("was cut off", Moment, "cut off"),
    ("went silent", Moment, "silent"),
];

/// The way of a line.
pub(super) fn motion(line: &str) -> Motion {
    if let Some(motion) = packet(line) {
        return motion;
    }
    let found = BEGINNINGS.iter().find(|(beginning, ..)| line.starts_with(beginning));
    let Some((_, way, word)) = found else {
        return Motion { way: Moment, word: String::new() };
    };
    if let Some(operation) = operation(line) {
        let answer = if *way == FromServer { ": yes" } else { "" };
        let word = format!("{operation}{answer}");
        return Motion { way: *way, word };
    }
    let id = id(line).filter(|_| *way == FromServer);
    let said = [Some(*word), label(line), id];
    Motion { way: *way, word: said.into_iter().flatten().collect::<Vec<&str>>().join(" ") }
}

/// The operation that was asked for, or answered: `` asked for `sync` ``.
fn operation(line: &str) -> Option<&str> {
    let rest =
        line.strip_prefix("asked for `").or_else(|| line.strip_prefix("had the answer to `"))?;
    rest.split('`').next().filter(|name| name.len() <= 12)
}

/// The message that a script calls so: `sent "a"`. Texts of a run are longer, and say nothing here.
fn label(line: &str) -> Option<&str> {
    let label = line.split('"').nth(1)?;
    (!label.is_empty() && label.len() <= 4).then_some(label)
}

/// A line of a case of the wire: `#3 a → 40`.
fn packet(line: &str) -> Option<Motion> {
    let rest = line.strip_prefix('#')?;
    let mut words = rest.split(' ').skip(2);
    let way = match words.next()? {
        "→" => ToServer,
        "←" => FromServer,
        _ => Moment,
    };
    let word = words.next().unwrap_or_default().chars().take(12).collect();
    Some(Motion { way, word })
}

/// The id that a line names: `… with id 17`, `…: id 17`.
fn id(line: &str) -> Option<&str> {
    let (_, after) = line.split_once(" id ")?;
    let id = after.split([' ', ',', ';']).next()?;
    (!id.is_empty() && id.len() <= 8).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> (Way, String) {
        let motion = motion(line);
        (motion.way, motion.word)
    }

    #[test]
    fn the_verb_says_the_way() {
        assert_eq!(of("sent \"qz\" as key 7f, attempt 1"), (ToServer, "send qz".into()));
        assert_eq!(of("sent \"qzmtiaaeaaajlb\" as key 7f"), (ToServer, "send".into()));
        assert_eq!(of("was pushed \"qz\" with id 13"), (FromServer, "push qz 13".into()));
        assert_eq!(of("asked for `sync`"), (ToServer, "sync".into()));
        assert_eq!(of("had the answer to `sync` with id 3"), (FromServer, "sync: yes".into()));
        assert_eq!(of("got the ack of key 7f: id 34"), (FromServer, "ack 34".into()));
        assert_eq!(of("had no ack of key 7f in time"), (Moment, "nothing".into()));
        assert_eq!(of("said that it read message 7"), (ToServer, "read".into()));
        assert_eq!(of("had sent message 7, or its other device had"), (ToServer, "send".into()));
        assert_eq!(of("had the whole sync, and nothing was in it"), (FromServer, "answer".into()));
        assert_eq!(of("danced"), (Moment, String::new()));
    }

    #[test]
    fn a_packet_shows_its_arrow() {
        assert_eq!(of("#1 a → 40"), (ToServer, "40".into()));
        assert_eq!(of("#12 a ← 4{\"sid\":1}"), (FromServer, "4{\"sid\":1}".into()));
        assert_eq!(of("#2 a has trouble of its own: x"), (Moment, "trouble".into()));
    }
}
