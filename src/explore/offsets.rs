//! How far apart racing steps are released: around zero, on a logarithmic scale from 50 µs to 30 ms.
//!
//! A race window sits somewhere, not at zero. What plays showed of the spread with which racing steps
//! come to the server steers the scale: half of the offsets are drawn around it. Nothing here knows
//! scripts or clocks. Start with [`Offsets::draw`].

use crate::history::Nanos;
use crate::plan::dice::Dice;

/// The nearest and the farthest that racing steps are apart, if they are not released at once.
const NEAREST: f64 = 50_000.0;
const FARTHEST: f64 = 30_000_000.0;
/// How many racing steps are released at once.
const AT_ONCE: f64 = 0.4;
/// How many plays the spread is learnt from: the newest weighs a sixteenth.
const MEMORY: f64 = 16.0;

/// What is known of the spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Offsets {
    /// How far apart racing steps that are released at once come to the server, in nanoseconds; a running
    /// geometric mean.
    spread: Option<f64>,
}

impl Offsets {
    /// Nothing is known yet.
    pub const NEW: Self = Self { spread: None };

    /// Learns how far apart the answers to two steps were that were released together.
    pub fn learn(&mut self, spread: Nanos) {
        let seen = (spread as f64).clamp(NEAREST, FARTHEST).ln();
        let known = self.spread.map_or(seen, f64::ln);
        self.spread = Some((known + (seen - known) / MEMORY).exp());
    }

    /// The spread, if it is known.
    #[must_use]
    pub fn spread(&self) -> Option<Nanos> {
        self.spread.map(|spread| spread as Nanos)
    }

    /// How much later than the first a racing step is released, in nanoseconds.
    #[must_use]
    pub fn draw(&self, dice: &mut Dice) -> Nanos {
        if dice.chance(AT_ONCE) {
            return 0;
        }
        let (near, far) = match self.spread.filter(|_| dice.chance(0.5)) {
            Some(spread) => ((spread / 3.0).max(NEAREST), (spread * 3.0).min(FARTHEST)),
            None => (NEAREST, FARTHEST),
        };
        (near * (far / near).powf(dice.unit())) as Nanos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(offsets: &Offsets) -> Vec<Nanos> {
        let mut dice = Dice::new(1, "offsets", 0, 0);
        let mut drawn: Vec<Nanos> = (0..4_000).map(|_| offsets.draw(&mut dice)).collect();
        drawn.sort_unstable();
        drawn
    }

    #[test]
    fn offsets_are_none_or_spread_over_every_scale() {
        let drawn = drawn(&Offsets::NEW);
        let none = drawn.iter().filter(|offset| **offset == 0).count();
        assert!((1_400..1_800).contains(&none), "{none}");
        assert!(drawn.iter().all(|offset| *offset == 0 || (50_000..=30_000_000).contains(offset)));
        let short = drawn.iter().filter(|offset| (1..1_224_000).contains(*offset)).count();
        assert!((1_000..1_400).contains(&short), "half of them, in the logarithm: {short}");
    }

    #[test]
    fn what_was_seen_draws_them_near() {
        let mut offsets = Offsets::NEW;
        (0..100).for_each(|_| offsets.learn(2_000_000));
        assert!(offsets.spread().is_some_and(|spread| spread.abs_diff(2_000_000) < 1_000));
        let near = |offset: &&Nanos| (600_000..=6_000_000).contains(*offset);
        let (before, after) = (drawn(&Offsets::NEW), drawn(&offsets));
        let (before, after) =
            (before.iter().filter(near).count(), after.iter().filter(near).count());
        assert!(after > before * 3 / 2, "{before} before, {after} after");
    }
}
