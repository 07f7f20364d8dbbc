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
    /// A terminal: a block that is drawn over.
    Live(ProgressBar, Look),
    /// A log: a line each five seconds, and one per phase.
    Plain(Option<(Nanos, String)>),
    /// Nowhere.
    Quiet,
}

/// The time between two plain lines.
const PAUSE: Nanos = 5_000_000_000;
const BAR: usize = 24;

impl Progress {
    /// The block for a terminal: three lines, none wider than the terminal.
    #[must_use]
    pub fn block(&self, look: Look) -> String {
        let bar = look.paint(Tone::Good, &bar(self.share()));
        let room = look.width.saturating_sub(1);
        let head = format!("{}  {}", self.time(), self.phase);
        let head = format!("{bar}  {}", cut(&clean(&head), room.saturating_sub(BAR + 2)));
        let work = cut(&self.work(), room);
        let state = cut(&clean(&self.state()), room);
        let state = if self.violations > 0 {
            look.paint(Tone::Bad, &state)
        } else {
            look.paint(Tone::Quiet, &state)
        };
        format!("{head}\n{work}\n{state}")
    }

    /// The line for a log.
    #[must_use]
    pub fn line(&self) -> String {
        let (time, phase) = (self.time(), &self.phase);
        clean(&format!("{time}  {phase}  {}, {}", self.work(), self.state()))
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

    fn work(&self) -> String {
        let count = quantity::count;
        format!(
            "{} of {} connected, {} sent, {} acked, {} delivered, {} in flight",
            count(self.connected),
            count(self.clients),
            count(self.sent),
            count(self.acked),
            count(self.deliveries),
            count(self.in_flight),
        )
    }

    fn state(&self) -> String {
        let mut parts = vec![quantity::counted(self.violations, "violation")];
        if !self.faults.is_empty() {
            parts.push(format!("fault: {}", self.faults.join(", ")));
        }
        let latencies = [
            ("ack p95", self.ack_p95),
            ("delivery p95", self.delivery_p95),
            ("lag p99", self.lag_p99),
        ];
        for (name, nanos) in latencies {
            parts.extend(nanos.map(|nanos| format!("{name} {}", quantity::duration(nanos))));
        }
        parts.join(", ")
    }
}

impl Screen {
    /// A terminal on standard error.
    #[must_use]
    pub fn live(look: Look) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg}").expect("the template is valid");
        bar.set_style(style);
        Self::Live(bar, look)
    }

    /// Lines on standard error.
    #[must_use]
    pub const fn plain() -> Self {
        Self::Plain(None)
    }

    /// Shows how the run goes; cheap enough to be called several times a second.
    pub fn show(&mut self, progress: &Progress) {
        match self {
            Self::Live(bar, look) => bar.set_message(progress.block(*look)),
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

/// Before the first phase there is nothing to tell.
/// If nobody listens any more, the run goes on.
fn talk(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

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
            ack_p95: Some(2_100_000),
            lag_p99: Some(400_000),
            faults: vec!["cut of 33 clients".into()],
            ..Progress::default()
        }
    }

    #[test]
    fn the_line_says_everything() {
        let line = "8.2 of 15 s  traffic  297 of 330 connected, 1,204 sent, 1,199 acked, \
                    4,020 delivered, 5 in flight, 0 violations, fault: cut of 33 clients, \
                    ack p95 2.10 ms, lag p99 400 µs";
        assert_eq!(middle().line(), line);
    }

    #[test]
    fn the_block_fits_any_terminal() {
        for width in [20, 40, 80, 140] {
            let block = middle().block(Look { colour: false, width });
            assert_eq!(block.lines().count(), 3);
            assert!(block.lines().skip(1).all(|line| line.chars().count() < width));
        }
        let look = Look { colour: false, width: 80 };
        let expected = "━━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌  8.2 of 15 s  traffic";
        assert_eq!(middle().block(look).lines().next(), Some(expected));
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
