//! The packets of a play, as they went over its sockets, for a person to read.

use crate::engine::people::Papers;
use crate::history::{ClientId, Nanos};
use crate::metric::quantity;

/// Packets that are kept of one play.
const KEPT: usize = 2_000;
/// Characters of a packet that are shown.
const WIDTH: usize = 300;

/// What went over the sockets; nothing is kept unless it is wanted.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Packets are kept.
    pub(super) keeps: bool,
    packets: Vec<(Nanos, ClientId, &'static str, String)>,
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
        if !self.keeps {
            return;
        }
        if self.packets.len() >= KEPT {
            self.dropped += 1;
            return;
        }
        self.packets.push((at, client, arrow, packet()));
    }

    /// From now on nothing that these papers hold is shown, whoever sends it.
    pub(super) fn hide(&mut self, papers: &Papers) {
        if self.keeps {
            self.holders.push(papers.clone());
        }
    }

    /// The packets as lines, the clients by their names.
    pub(super) fn lines(self, names: &[(ClientId, String)]) -> Vec<String> {
        let who = |client: ClientId| {
            let known = names.iter().find(|(id, _)| *id == client);
            known.map_or_else(|| format!("client {}", client.0), |(_, name)| name.clone())
        };
        let mut lines: Vec<String> = self
            .packets
            .iter()
            .map(|(at, client, arrow, packet)| {
                let packet = self
                    .holders
                    .iter()
                    .fold(packet.clone(), |packet, papers| papers.mask(&packet).into_owned());
                let shown: String = packet.chars().take(WIDTH).collect();
                let more = if shown.len() < packet.len() { " …" } else { "" };
                format!("{} s  {} {arrow} {shown}{more}", quantity::instant(*at), who(*client))
            })
            .collect();
        if self.dropped > 0 {
            lines.push(format!("and {} packets more", self.dropped));
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
        trace.keeps = true;
        trace.note(1_500_000_000, ClientId(4), "→", || "42[1]".into());
        trace.note(1_600_000_000, ClientId(5), "←", || "x".repeat(400));
        let lines = trace.lines(&[(ClientId(4), "ann".into())]);
        assert!(lines[0].ends_with("ann → 42[1]"), "{lines:?}");
        assert!(lines[1].contains("client 5 ← xxx") && lines[1].ends_with('…'));
    }

    #[test]
    fn what_somebody_holds_is_not_shown_whoever_sends_it() {
        let mut trace = Trace { keeps: true, ..Trace::default() };
        let bindings = Bindings::new().with(Hole::TOKEN, "a-token-that-nobody-may-see");
        trace.hide(&Papers { bindings, ..Papers::default() });
        let long = format!("{}a-token-that-nobody-may-see", "x".repeat(WIDTH - 16));
        trace.note(0, ClientId(1), "→", || "GET /a?t=a-token-that-nobody-may-see".into());
        trace.note(0, ClientId(2), "←", || long);
        let lines = trace.lines(&[]);
        assert!(lines.iter().all(|line| !line.contains("a-token")), "{lines:?}");
        assert!(lines[0].ends_with("GET /a?t=•••"), "{lines:?}");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut trace = Trace { keeps: true, ..Trace::default() };
        for _ in 0..KEPT + 3 {
            trace.note(0, ClientId(0), "→", || "2".into());
        }
        let lines = trace.lines(&[]);
        assert_eq!(lines.len(), KEPT + 1);
        assert_eq!(lines[KEPT], "and 3 packets more");
    }
}
