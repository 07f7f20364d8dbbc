//! The packets of a play, as they went over its sockets, for a person to read.

use crate::engine::people::Papers;
use crate::history::{ClientId, Nanos};
use crate::metric::quantity;
use std::fmt;

/// Packets that are kept of one play.
const KEPT: usize = 2_000;
/// Characters of a packet that are shown.
const WIDTH: usize = 300;

/// How much is kept of what goes over the sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// Nothing.
    #[default]
    Nothing,
    /// The packets.
    Packets,
    /// The packets, what they were taken for, and the steps that they belong to.
    Meanings,
}

/// What a line of a trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Something left or came, or happened to the connection; the sign says what.
    Packet(&'static str),
    /// What the packet above means.
    Means,
    /// What the packet above should have been.
    Differs,
    /// A step of the script begins, by its number.
    Step(usize),
    /// The step was not over in time.
    Stuck,
}

/// A line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, on the run's clock.
    pub at: Nanos,
    /// Whose packet, by the script's name.
    pub who: String,
    /// What it is.
    pub mark: Mark,
    /// The packet, or what there is to say.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mark {
            Mark::Packet(sign) => {
                write!(f, "{} s  {} {sign} {}", quantity::instant(self.at), self.who, self.text)
            }
            Mark::Step(_) | Mark::Means | Mark::Differs | Mark::Stuck => f.write_str(&self.text),
        }
    }
}

/// What went over the sockets; nothing is kept unless it is wanted.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// What is kept.
    pub(super) keep: Keep,
    packets: Vec<(Nanos, ClientId, Mark, String)>,
    /// Whose secrets are not shown.
    holders: Vec<Papers>,
    dropped: usize,
}

impl Trace {
    /// Keeps a packet; `arrow` says where it went.
    pub(super) fn note(
        &mut self,
        at: Nanos,
        client: ClientId,
        arrow: &'static str,
        packet: impl FnOnce() -> String,
    ) {
        if self.keep >= Keep::Packets {
            self.add(at, client, Mark::Packet(arrow), packet);
        }
    }

    /// Keeps what was understood, or a step's beginning or end, where that is wanted.
    pub(super) fn say(
        &mut self,
        at: Nanos,
        client: ClientId,
        mark: Mark,
        text: impl FnOnce() -> String,
    ) {
        if self.keep >= Keep::Meanings {
            self.add(at, client, mark, text);
        }
    }

    fn add(&mut self, at: Nanos, client: ClientId, mark: Mark, text: impl FnOnce() -> String) {
        if self.packets.len() >= KEPT {
            self.dropped += 1;
            return;
        }
        self.packets.push((at, client, mark, text()));
    }

    /// From now on nothing that these papers hold is shown, whoever sends it.
    pub(super) fn hide(&mut self, papers: &Papers) {
        if self.keep >= Keep::Packets {
            self.holders.push(papers.clone());
        }
    }

    /// The packets as lines, the clients by their names.
    pub(super) fn lines(self, names: &[(ClientId, String)]) -> Vec<Line> {
        let who = |client: ClientId| {
            let known = names.iter().find(|(id, _)| *id == client);
            known.map_or_else(|| format!("client {}", client.0), |(_, name)| name.clone())
        };
        let line = |at, client, mark, text| Line { at, who: who(client), mark, text };
        let mut lines: Vec<Line> = self
            .packets
            .iter()
            .map(|(at, client, mark, packet)| {
                let packet = self
                    .holders
                    .iter()
                    .fold(packet.clone(), |packet, papers| papers.mask(&packet).into_owned());
                let shown: String = packet.chars().take(WIDTH).collect();
                let more = if shown.len() < packet.len() { " …" } else { "" };
                line(*at, *client, *mark, format!("{shown}{more}"))
            })
            .collect();
        if self.dropped > 0 {
            let (at, client) =
                self.packets.last().map_or_else(Default::default, |one| (one.0, Some(one.1)));
            let client = client.unwrap_or(ClientId(0));
            lines.push(line(at, client, Mark::Means, format!("and {} packets more", self.dropped)));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Bindings, Hole};

    #[test]
    fn packets_are_kept_only_where_they_are_wanted() {
        let mut trace = Trace::default();
        trace.note(1, ClientId(4), "→", || unreachable!("nobody asked"));
        trace.keep = Keep::Packets;
        trace.say(1, ClientId(4), Mark::Means, || unreachable!("nobody asked"));
        trace.note(1_500_000_000, ClientId(4), "→", || "42[1]".into());
        trace.note(1_600_000_000, ClientId(5), "←", || "x".repeat(400));
        let lines = trace.lines(&[(ClientId(4), "ann".into())]);
        let lines: Vec<String> = lines.iter().map(Line::to_string).collect();
        assert!(lines[0].ends_with("ann → 42[1]"), "{lines:?}");
        assert!(lines[1].contains("client 5 ← xxx") && lines[1].ends_with('…'));
    }

    #[test]
    fn what_somebody_holds_is_not_shown_whoever_sends_it() {
        let mut trace = Trace { keep: Keep::Packets, ..Trace::default() };
        let bindings = Bindings::new().with(Hole::TOKEN, "a-token-that-nobody-may-see");
        trace.hide(&Papers { bindings, ..Papers::default() });
        let long = format!("{}a-token-that-nobody-may-see", "x".repeat(WIDTH - 16));
        trace.note(0, ClientId(1), "→", || "GET /a?t=a-token-that-nobody-may-see".into());
        trace.note(0, ClientId(2), "←", || long);
        let lines = trace.lines(&[]);
        assert!(lines.iter().all(|line| !line.text.contains("a-token")), "{lines:?}");
        assert!(lines[0].text.ends_with("GET /a?t=•••"), "{lines:?}");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut trace = Trace { keep: Keep::Packets, ..Trace::default() };
        for _ in 0..KEPT + 3 {
            trace.note(0, ClientId(0), "→", || "2".into());
        }
        let lines = trace.lines(&[]);
        assert_eq!(lines.len(), KEPT + 1);
        assert_eq!(lines[KEPT].text, "and 3 packets more");
    }
}
