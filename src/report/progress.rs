//! How a run goes, while it goes: a calm block on a terminal, a plain line now and then in CI.
//!
//! [`Progress`] is a value and its texts depend on it alone. Only [`Screen`] draws, on standard
//! error, and only when it is told to.

use crate::history::Nanos;
use crate::metric::{Progress, quantity};
use crate::report::layout::{Look, clean};
use crate::report::words::Tone;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Write};

/// Where progress is shown.
pub enum Screen {
    /// A terminal: a block that is drawn over. How it looks and how many rows it has is asked each
    /// time, for people change the size of their windows.
    Live(ProgressBar, Box<dyn Fn() -> (Look, usize)>),
    /// A log: a line each five seconds, and one per phase.
    Plain(Option<(Nanos, String)>),
    /// Nowhere.
    Quiet,
}

/// The time between two plain lines.
const PAUSE: Nanos = 5_000_000_000;
const BAR: usize = 24;
/// Columns between the bar and what follows.
const GAP: usize = 2;
/// The width of the block's labels.
const LABEL: usize = 9;

impl Progress {
    /// The block for a terminal: seven lines, or the first few that fit, none wider than the terminal.
    #[must_use]
    pub fn block(&self, look: Look, rows: usize) -> String {
        let room = look.width.saturating_sub(1);
        let bar = bar(self.share());
        let head = clean(&format!("{}  {}", self.time(), self.phase));
        let head = match room.checked_sub(BAR + GAP) {
            Some(room) if room > head.chars().count() => {
                format!("{}  {head}", look.paint(Tone::Good, &bar))
            }
            _ => cut(&head, room),
        };
        let verdicts = if self.violations == 0 { Tone::Quiet } else { Tone::Bad };
        let lines = [
            ("clients", self.clients_text(), None),
            ("messages", self.messages_text(), None),
            ("p95", latencies(&[("ack", self.ack_p95), ("delivery", self.delivery_p95)]), None),
            ("verdicts", self.verdicts_text(), Some(verdicts)),
            ("faults", self.faults_text(), Some(Tone::Quiet)),
            ("generator", self.generator_text(), Some(Tone::Quiet)),
        ];
        let line = |(label, text, tone): &(&str, String, Option<Tone>)| {
            let line = cut(&clean(&format!("  {label:<LABEL$}  {text}")), room);
            tone.map_or_else(|| line.clone(), |tone| look.paint(tone, &line))
        };
        let lines = std::iter::once(head).chain(lines.iter().map(line));
        lines.take(rows.saturating_sub(1).max(1)).collect::<Vec<_>>().join("\n")
    }

    /// The line for a log.
    #[must_use]
    pub fn line(&self) -> String {
        let parts = [
            self.clients_text(),
            self.messages_text(),
            latencies(&[("ack p95", self.ack_p95), ("delivery p95", self.delivery_p95)]),
            self.verdicts_text(),
            self.faults.join(", "),
            latencies(&[("lag p99", self.lag_p99)]),
        ];
        let parts: Vec<&str> =
            parts.iter().map(String::as_str).filter(|part| !matches!(*part, "" | "–")).collect();
        clean(&format!("{}  {}  {}", self.time(), self.phase, parts.join("; ")))
    }

    fn share(&self) -> f64 {
        if self.of == 0 { 0.0 } else { (self.elapsed as f64 / self.of as f64).min(1.0) }
    }

    fn time(&self) -> String {
        let seconds = |nanos: Nanos| nanos as f64 / 1e9;
        if self.of == 0 {
            format!("{:.1} s", seconds(self.elapsed))
        } else {
            // Recovery and final read come on top of what was planned.
            let of = usize::from(!self.of.is_multiple_of(1_000_000_000));
            format!("{:.1} of {:.of$} s", seconds(self.elapsed), seconds(self.of))
        }
    }

    fn clients_text(&self) -> String {
        let count = quantity::count;
        format!("{} of {} connected", count(self.connected), count(self.clients))
    }

    fn messages_text(&self) -> String {
        let count = quantity::count;
        format!(
            "{} sent, {} delivered, {} sent in all, {} in flight",
            rate(self.send_rate),
            rate(self.delivery_rate),
            count(self.sent),
            count(self.in_flight),
        )
    }

    /// What is broken so far. Silence is no pass: the judges of loss speak at the end.
    fn verdicts_text(&self) -> String {
        let broken: Vec<String> = self
            .broken
            .iter()
            .map(|broken| {
                let promised = if broken.promised { "" } else { ", not promised" };
                let times = quantity::count(broken.violations);
                format!("{} broken {times}×{promised}", broken.property)
            })
            .collect();
        match (broken.is_empty(), self.violations) {
            (false, _) => broken.join("; "),
            (true, 0) => "nothing broken so far".to_owned(),
            (true, violations) => quantity::counted(violations, "violation"),
        }
    }

    fn faults_text(&self) -> String {
        if self.faults.is_empty() { "none now".to_owned() } else { self.faults.join(", ") }
    }

    fn generator_text(&self) -> String {
        let lag = latencies(&[("lag p99", self.lag_p99)]);
        format!("{lag}, busiest shard {} of a core", quantity::share(self.cpu_share))
    }
}

/// Latencies with their names, of those that were measured.
fn latencies(named: &[(&str, Option<Nanos>)]) -> String {
    let known: Vec<String> = named
        .iter()
        .filter_map(|(name, nanos)| Some(format!("{name} {}", quantity::duration((*nanos)?))))
        .collect();
    if known.is_empty() { "–".to_owned() } else { known.join(", ") }
}

fn rate(per_second: f64) -> String {
    if per_second < 99.95 {
        format!("{per_second:.1}/s")
    } else {
        format!("{}/s", quantity::count(per_second.round() as u64))
    }
}

impl Screen {
    /// A terminal on standard error; `size` says how it looks now, and how many rows it has.
    #[must_use]
    pub fn live(size: impl Fn() -> (Look, usize) + 'static) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg}").expect("the template is valid");
        bar.set_style(style);
        Self::Live(bar, Box::new(size))
    }

    /// Lines on standard error.
    #[must_use]
    pub const fn plain() -> Self {
        Self::Plain(None)
    }

    /// Shows how the run goes; cheap enough to be called several times a second.
    pub fn show(&mut self, progress: &Progress) {
        match self {
            Self::Live(bar, size) => {
                let (look, rows) = size();
                bar.set_message(progress.block(look, rows));
            }
            Self::Plain(last) => {
                if is_due(last.as_ref(), progress) {
                    talk(&progress.line());
                    *last = Some((progress.elapsed, progress.phase.clone()));
                }
            }
            Self::Quiet => {}
        }
    }

    /// Says something that stays, above the block.
    pub fn say(&self, text: &str) {
        match self {
            Self::Live(bar, _) => bar.suspend(|| talk(text)),
            Self::Plain(_) => talk(text),
            Self::Quiet => {}
        }
    }

    /// Takes the block away.
    pub fn finish(self) {
        if let Self::Live(bar, _) = self {
            bar.finish_and_clear();
        }
    }
}

/// If nobody listens any more, the run goes on.
fn talk(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Before the first phase there is nothing to tell.
fn is_due(last: Option<&(Nanos, String)>, progress: &Progress) -> bool {
    let is_new = |(at, phase): &(Nanos, String)| {
        progress.elapsed >= at.saturating_add(PAUSE) || *phase != progress.phase
    };
    !progress.phase.is_empty() && last.is_none_or(is_new)
}

fn bar(share: f64) -> String {
    let full = (share * BAR as f64).round() as usize;
    "━".repeat(full) + &"╌".repeat(BAR - full.min(BAR))
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::progress::Broken;

    fn middle() -> Progress {
        Progress {
            elapsed: 8_240_000_000,
            of: 15_000_000_000,
            phase: "traffic".into(),
            connected: 297,
            clients: 330,
            sent: 1_204,
            acked: 1_199,
            deliveries: 4_020,
            in_flight: 5,
            send_rate: 90.04,
            delivery_rate: 271.4,
            ack_p95: Some(2_100_000),
            lag_p99: Some(400_000),
            cpu_share: 0.123,
            faults: vec!["cut of 33 clients".into()],
            ..Progress::default()
        }
    }

    #[test]
    fn the_line_says_everything() {
        let line = "8.2 of 15 s  traffic  297 of 330 connected; 90.0/s sent, 271/s delivered, \
                    1,204 sent in all, 5 in flight; ack p95 2.10 ms; nothing broken so far; \
                    cut of 33 clients; lag p99 400 µs";
        assert_eq!(middle().line(), line);
    }

    #[test]
    fn the_block_says_everything_in_seven_calm_lines() {
        let expected = "\
━━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌  8.2 of 15 s  traffic
  clients    297 of 330 connected
  messages   90.0/s sent, 271/s delivered, 1,204 sent in all, 5 in flight
  p95        ack 2.10 ms
  verdicts   nothing broken so far
  faults     cut of 33 clients
  generator  lag p99 400 µs, busiest shard 12.3% of a core";
        assert_eq!(middle().block(Look { colour: false, width: 80 }, 24), expected);
    }

    #[test]
    fn what_is_broken_is_named() {
        let broken = |property: &str, violations, promised| Broken {
            property: property.into(),
            violations,
            promised,
        };
        let broken = vec![broken("ordering", 1_200, true), broken("presence", 2, false)];
        let progress = Progress { violations: 1_202, broken, ..middle() };
        let expected = "ordering broken 1,200×; presence broken 2×, not promised";
        assert_eq!(progress.verdicts_text(), expected);
        assert!(progress.line().contains(expected));
        let block = progress.block(Look { colour: true, width: 80 }, 24);
        assert!(block.contains("\x1b[1;31m  verdicts   ordering"), "{block}");
    }

    #[test]
    fn the_block_fits_any_terminal() {
        for width in [1, 20, 40, 80, 140] {
            for rows in [1, 2, 5, 8, 24] {
                let block = middle().block(Look { colour: false, width }, rows);
                let lines: Vec<&str> = block.lines().collect();
                assert!(lines.len() <= 7 && lines.len() < rows.max(2), "{width}x{rows}: {block}");
                let fits = |line: &&str| line.chars().count() < width.max(2);
                assert!(lines.iter().all(fits), "{width}x{rows}: {block}");
            }
        }
    }

    #[test]
    fn plain_lines_come_by_time_and_by_phase() {
        let at = |elapsed, phase: &str| Progress { elapsed, phase: phase.into(), ..middle() };
        let last = (1_000, "traffic".to_owned());
        assert!(!is_due(None, &at(0, "")));
        assert!(is_due(None, &at(0, "traffic")));
        assert!(!is_due(Some(&last), &at(2_000, "traffic")));
        assert!(is_due(Some(&last), &at(2_000, "recovery")));
        assert!(is_due(Some(&last), &at(1_000 + PAUSE, "traffic")));
    }
}
